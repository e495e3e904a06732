"""Extractions of a stream of papers into a file, one JSON line each (DESIGN section 3), and the texts beside it.

>>> import io
>>> from kg.extract import extract
>>> paper = Paper(id="paper:1", title="BERT for question answering", abstract="We fine-tune BERT on SQuAD.")
>>> out, texts = io.StringIO(), io.StringIO()
>>> write_extractions([paper], out, texts=texts)
1
>>> out.getvalue()[:10], texts.getvalue()[:48]
('{"id": "1"', '{"id": "1", "title": "BERT for question answerin')
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from kg.aside import text_aside
from kg.extract import extract
from kg.extract.annotations import to_line
from kg.model import KGError, Paper


def write_extractions(
    papers: Iterable[Paper],
    out: TextIO,
    *,
    texts: TextIO | None = None,
    model: str | Path | None = None,
    jobs: int = 1,
    tell: Callable[[str, int, int], None] | None = None,
) -> int:
    """Write the extraction of each paper, and its text to `texts`; returns how many. Nothing is kept in memory."""
    waiting: deque[Paper] = deque()

    def passing() -> Iterator[Paper]:
        for paper in papers:
            waiting.append(paper)
            if texts is not None:
                row = {"id": paper.id.removeprefix("paper:"), "title": paper.title, "abstract": paper.abstract}
                texts.write(json.dumps(row, ensure_ascii=False) + "\n")
            yield paper

    count = 0
    for count, extraction in enumerate(extract(passing(), model=model, jobs=jobs), start=1):
        out.write(to_line(extraction, waiting.popleft().text))
        if tell is not None:
            tell("extracting", count, 0)
    return count


@contextmanager
def written_aside(path: Path) -> Iterator[TextIO]:
    """A file that appears under its name when all is written, and not at all when something fails."""
    try:
        with text_aside(path) as file:
            yield file
    except OSError as error:
        raise KGError(f"{path}: cannot be written ({error.strerror}); give another place") from None
