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
from types import MappingProxyType

_BORDER = re.compile(
    r"\n+|[.!?]+[\"'”’)\]}]*(?=\s+[\"'“‘(\[{$\\]*[A-Z0-9\\$])|[.!?]+[\"'”’)\]}]*(?=\s*$)"
    # the blank between two sentences is lost in some sources: "without loss.The method"
    r"|(?<=[a-z]{3})[.!?](?=(?:The|We|In|This|These|It|Our|To|However|Moreover|Furthermore|Finally|For|By|As|Experiments?"
    r"|Experimental|Specifically|Additionally|While|Although|Since|First|On|With|Based|Extensive|Code|Results)\s)"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?i:e\.g|i\.e|et al|cf|vs|resp|approx|w\.r\.t|a\.k\.a|figs?|eqs?|secs?|tab|refs?|no|dr|prof|st)|\b[A-Z]"
    # the numbers of a list: "two ways: 1. by hand, and 2. by rule"
    r"|(?:^|[:;,]|[,;]\s+and)\s*\(?\d{1,2})\.$"
)
#: What begins a sentence even after "et al."
_BEGINS = re.compile(
    r"\s+(?:The|We|In|This|These|It|Our|To|However|More|Moreover|Furthermore|Finally|Specifically|Additionally|While)\s"
)
#: What the sentence says that shows a relation best, where several sentences name both of its ends.
_SAYS = MappingProxyType(
    {
        "outperforms": re.compile(
            r"outperform|surpass|exceed|beat|better|superior|improv|\bthan\b|\bover\b|gains?\b|faster|higher|lower",
            re.IGNORECASE,
        ),
        "compared_with": re.compile(
            r"compar|competitive|versus|\bvs\b|on par|\bthan\b|relative to|similar|unlike", re.IGNORECASE
        ),
        "evaluated_on": re.compile(
            r"evaluat|experiment|test|benchmark|result|achiev|performance|outperform|accuracy", re.IGNORECASE
        ),
        "measured_by": re.compile(
            r"measur|evaluat|achiev|reach|improv|score|result|reduc|report|obtain|in terms of|%|\d\.\d", re.IGNORECASE
        ),
        "based_on": re.compile(
            r"bas(?:ed|is)|build|built|extend|extension|variant|fine-?tun|initiali[sz]|inspired|deriv|modif|adapt|using|uses"
            r"|generali[sz]|leverag",
            re.IGNORECASE,
        ),
    }
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
            and not (text.endswith("et al.", start, border.end()) and _BEGINS.match(text, border.end()))
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
    text: str, heads: Iterable[tuple[int, int]], tails: Iterable[tuple[int, int]], predicate: str = ""
) -> tuple[int, int] | None:
    """The shortest stretch of `text` that names both: a sentence that does, or else from the nearest one to the other.

    Of several sentences one that has a word for the predicate comes first, then the one where both are nearest; where
    no sentence names both, fewest sentences count before fewest characters.

    >>> text = "BERT is old. GPT beats BERT on NLI. BERT stays."
    >>> start, end = shortest_evidence(text, [(0, 4), (23, 27), (36, 40)], [(13, 16)])
    >>> text[start:end]
    'GPT beats BERT on NLI.'
    """
    spans = sentences(text)
    begins = [begin for begin, _ in spans]
    says = _SAYS.get(predicate)
    best: tuple[int, bool, int, int, int] | None = None
    for head, tail in nearest_pairs(heads, tails):
        start, end = min(head[0], tail[0]), max(head[1], tail[1])
        first = bisect_right(begins, start)
        apart = bisect_right(begins, end - 1) - first
        silent = says is not None and not apart and first > 0 and says.search(text, *spans[first - 1]) is None
        found = (apart, silent, end - start, start, end)
        best = found if best is None else min(best, found)
    if best is None:
        return None
    apart, _, _, start, end = best
    return (start, end) if apart else sentence_at(text, start, end)


def is_all(text: str, start: int, end: int) -> bool:
    """Whether a stretch holds all that follows the first line (the abstract), and that is more than two sentences.

    >>> is_all("Title\\nOne. Two. Three.", 0, 21), is_all("Title\\nOne. Two. Three.", 0, 15)
    (True, False)
    """
    body = text.find("\n") + 1
    if not body or start > body or end < len(text.rstrip().rstrip(".!?")):
        return False
    return sum(begin >= body for begin, _ in sentences(text)) > 2
