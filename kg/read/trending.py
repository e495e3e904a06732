"""The saved page of trending papers: lines of titles and abstracts in turn, below two lines that ask to subscribe.

>>> page = ["Get trending papers in your email inbox!", "SubscribeOn Foxes", "Foxes " + "run and run. " * 20]
>>> [title for _, title, _ in papers(enumerate(page, 1))]
['On Foxes']
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from kg.model import ReadError
from kg.read.opening import Source, lines, misencoded
from kg.read.record import Record, Records

_BOILERPLATE = re.compile(r"(?i)^get trending papers in your email inbox\b.*$")
_GLUED = re.compile(r"^Subscribe\s*(?=\S)")
#: A line is an abstract from this length on, or from the second on where it holds a whole sentence.
ABSTRACT, SENTENCE = 300, 200


def is_page(head: str) -> bool:
    """Whether a text looks like the page: its boilerplate, or short and long lines in turn."""
    rows = [row.strip() for row in head.splitlines() if row.strip()][:40]
    if any(_BOILERPLATE.match(row) for row in rows[:3]):
        return True
    kinds = [is_abstract(row) for row in rows]
    changes = sum(1 for one, other in pairwise(kinds) if one != other)
    return len(kinds) >= 2 and not kinds[0] and any(kinds) and changes >= 0.8 * (len(kinds) - 1)


def is_abstract(row: str) -> bool:
    """Whether a line is an abstract rather than a title."""
    return len(row) >= ABSTRACT or (len(row) >= SENTENCE and bool(re.search(r"[.!?]\s+\S|[.!?]$", row)))


def read(source: Source, mapping: Mapping[str, str]) -> Records:
    """Records of the page."""
    del mapping
    with source.text() as stream:
        for line, title, abstract in papers(lines(source, stream)):
            if error := misencoded(f"{title}\n{abstract}", source, line):
                yield error
            elif not title:
                yield ReadError("an abstract without a title before it", path=source.name, line=line)
            else:
                yield Record(source="trending", line=line, title=title, abstract=abstract)


def papers(numbered: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str, str]]:
    """The line, title and abstract of each paper: a title without an abstract stands alone, a second long line in a
    row goes on with the abstract."""
    start, title, abstract = 0, "", ""
    after_boilerplate = False
    for number, line in numbered:
        row = line.strip().lstrip("\ufeff")
        if not row:
            continue
        if _BOILERPLATE.match(row):
            after_boilerplate = True
            continue
        if after_boilerplate:
            row, after_boilerplate = _GLUED.sub("", row), False
            if row == "Subscribe":
                after_boilerplate = True
                continue
        if is_abstract(row):
            start = start or number
            abstract = f"{abstract} {row}" if abstract else row
        else:
            if start:
                yield start, title, abstract
            start, title, abstract = number, row, ""
    if start:
        yield start, title, abstract
