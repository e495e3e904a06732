"""Sentence borders of titles and abstracts, by rule; standard library only, so that a graph needs no spaCy to quote.

>>> text = "On GLUE\\nWe use BERT, e.g. on Fig. 2 of GLUE. It wins by 0.5 points (cf. Sec. 3). Good!"
>>> [text[a:b] for a, b in sentences(text)]
['On GLUE', 'We use BERT, e.g. on Fig. 2 of GLUE.', 'It wins by 0.5 points (cf. Sec. 3).', 'Good!']
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache

_BORDER = re.compile(r"\n+|[.!?]+[\"'”’)\]}]*(?=\s+[\"'“‘(\[{$\\]*[A-Z0-9\\$])|[.!?]+[\"'”’)\]}]*(?=\s*$)")
_ABBREVIATION = re.compile(
    r"(?:\b(?i:e\.g|i\.e|et al|cf|vs|resp|approx|w\.r\.t|a\.k\.a|figs?|eqs?|secs?|tab|refs?|no|dr|prof|st)|\b[A-Z])\.$"
)


@lru_cache(maxsize=256)
def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """The half-open character ranges of the sentences of `text`, without outer blanks; a newline always ends one."""
    spans = []
    start = 0
    for border in _BORDER.finditer(text):
        if (
            "\n" not in border.group()
            and _ABBREVIATION.search(text[start : border.end()])
            and text[border.end() :].strip()
        ):
            continue
        spans.append((start, border.end()))
        start = border.end()
    spans.append((start, len(text)))
    trimmed = []
    for begin, end in spans:
        piece = text[begin:end]
        if piece.strip():
            trimmed.append((begin + len(piece) - len(piece.lstrip()), begin + len(piece.rstrip())))
    return tuple(trimmed)


def sentence_at(text: str, start: int, end: int) -> tuple[int, int]:
    """The range of the sentence, or the run of sentences, that holds characters `start` to `end`.

    >>> sentence_at("A bb. C dd.", 6, 7)
    (6, 11)
    """
    return run_of(sentences(text), start, end)


def run_of(spans: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """As `sentence_at`, for a text whose sentences are known already."""
    if not spans:
        return (start, end)
    begins = [begin for begin, _ in spans]
    first = max(bisect_right(begins, start) - 1, 0)
    last = max(bisect_right(begins, max(start, end - 1)) - 1, first)
    return (min(start, spans[first][0]), max(end, spans[last][1]))


def shortest_evidence(
    text: str, heads: Iterable[tuple[int, int]], tails: Iterable[tuple[int, int]]
) -> tuple[int, int] | None:
    """The shortest stretch of `text` that names both: the sentence of a head and a tail, or else from one to the other.

    >>> text = "BERT is old. GPT beats BERT on NLI. BERT stays."
    >>> start, end = shortest_evidence(text, [(0, 4), (23, 27), (36, 40)], [(13, 16)])
    >>> text[start:end]
    'GPT beats BERT on NLI.'
    """
    tail_spans = sorted(tails)
    best: tuple[int, int] | None = None
    for head in sorted(heads):
        for tail in tail_spans:
            stretch = (min(head[0], tail[0]), max(head[1], tail[1]))
            if best is None or stretch[1] - stretch[0] < best[1] - best[0]:
                best = stretch
    if best is None:
        return None
    sentence = sentence_at(text, *best)
    holds_border = any(sentence[0] < begin < sentence[1] for begin, _ in sentences(text))
    return best if holds_border else sentence
