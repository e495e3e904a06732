"""Extractions of a build that has not ended, kept in its graph directory, so that one that was cut off can go on.

Each is written when it is made: a build that is killed loses no more than the paper it was reading. They are kept by
the hash of the text and belong to one model; a build that ends takes the file away.

>>> import tempfile
>>> paper = Paper(id="paper:1", title="On GLUE", abstract="Good.")
>>> with tempfile.TemporaryDirectory() as folder:
...     list(kept(Path(folder), [paper], "kg-1", lambda papers: [Extraction(paper=p.id, model="kg-1") for p in papers]))
...     again = list(kept(Path(folder), [paper], "kg-1", lambda papers: []))
[Extraction(paper='paper:1', entities=(), relations=(), results=(), model='kg-1')]
>>> again[0].paper
'paper:1'
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kg.extract.annotations import from_json, to_json
from kg.model import Extraction, Paper

logger = logging.getLogger(__name__)

#: The file in a graph directory.
FILE = ".unfinished"

#: Extracts papers, in their order.
Extract = Callable[[Sequence[Paper]], Iterable[Extraction]]


def kept(folder: Path, papers: Sequence[Paper], model: str, extract: Extract) -> Iterator[Extraction]:
    """The extractions of all papers: those that `folder` has of this model's, and those that are made now and kept."""
    known = _read(folder, model, {paper.content_hash: paper for paper in papers})
    left = []
    for paper in papers:
        if paper.content_hash in known:
            yield replace(known[paper.content_hash], paper=paper.id)
        else:
            left.append(paper)
    if not left:
        return
    path, done = folder / FILE, len(known)
    try:
        with path.open("a" if known else "w", encoding="utf-8") as file:
            for paper, extraction in zip(left, extract(left), strict=True):
                # The line break comes first, since what is there may have been cut in the middle of a line.
                row = {"text": paper.content_hash, "made": to_json(extraction, paper.text)}
                file.write("\n" + json.dumps(row))
                file.flush()
                done += 1
                yield extraction
    except KeyboardInterrupt:
        logger.warning("%s: what %d papers say is kept there, and the same command goes on from it", path, done)
        raise
    finally:
        if path.stat().st_size == 0:
            path.unlink()


def forget(folder: Path) -> None:
    """Take the file away: the build has ended."""
    (folder / FILE).unlink(missing_ok=True)


def _read(folder: Path, model: str, papers: Mapping[str, Paper]) -> dict[str, Extraction]:
    """Extractions by the hash of their text; those of another model, or cut in the middle, count for nothing."""
    found = {}
    try:
        lines = (folder / FILE).read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    for line in lines:
        try:
            row = json.loads(line)
            if row["made"]["model"] == model and row["text"] in papers:
                found[row["text"]] = from_json(row["made"], papers[row["text"]])
        except (ValueError, TypeError, KeyError):
            continue
    return found
