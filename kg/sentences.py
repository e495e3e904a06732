"""Sentence borders of titles and abstracts, by rule; standard library only, so that a graph needs no spaCy to quote.

>>> text = "On GLUE\\nWe use BERT, e.g. on Fig. 2 of GLUE. It wins by 0.5 points (cf. Sec. 3). Good!"
>>> [text[a:b] for a, b in sentences(text)]
['On GLUE', 'We use BERT, e.g. on Fig. 2 of GLUE.', 'It wins by 0.5 points (cf. Sec. 3).', 'Good!']
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
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


def nearest_pairs(
    heads: Iterable[tuple[int, int]], tails: Iterable[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Each head with the tails next to it on either side: the nearest pair of all is among them.

    >>> list(nearest_pairs([(5, 6)], [(0, 1), (2, 3), (8, 9), (20, 21)]))
    [((5, 6), (2, 3)), ((5, 6), (8, 9))]
    """
    tail_spans = sorted(tails)
    for head in sorted(heads):
        place = bisect_right(tail_spans, head)
        for tail in tail_spans[max(place - 1, 0) : place + 1]:
            yield head, tail


def shortest_evidence(
    text: str, heads: Iterable[tuple[int, int]], tails: Iterable[tuple[int, int]]
) -> tuple[int, int] | None:
    """The shortest stretch of `text` that names both: a sentence that does, or else from the nearest one to the other.

    >>> text = "BERT is old. GPT beats BERT on NLI. BERT stays."
    >>> start, end = shortest_evidence(text, [(0, 4), (23, 27), (36, 40)], [(13, 16)])
    >>> text[start:end]
    'GPT beats BERT on NLI.'
    """
    begins = [begin for begin, _ in sentences(text)]
    best: tuple[bool, int, int, int] | None = None
    for head, tail in nearest_pairs(heads, tails):
        start, end = min(head[0], tail[0]), max(head[1], tail[1])
        crosses = bisect_right(begins, start) != bisect_right(begins, end - 1)
        found = (crosses, end - start, start, end)
        best = found if best is None else min(best, found)
    if best is None:
        return None
    crosses, _, start, end = best
    return (start, end) if crosses else sentence_at(text, start, end)
