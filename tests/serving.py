"""A server as a process of its own, over a graph that is made up, for the tests of `kg serve`."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from kg.directory import State, save
from kg.graph import Graph, assemble
from kg.model import Entity, ExtractedEntity, Extraction, Mention, Paper, Relation, Resolution, Result

#: Ids that are hard for addresses; each is that of a paper.
AWKWARD = (
    "paper:10.1000/(x)<y>;2-#",
    "paper:2402.13116",
    "paper:2402.13116.ttl",
    "paper:a b+c%20d",
    "paper:q?x=1&y=2",
    "paper:über/注意",
    "paper:x.json",
)


def made_up(papers: int = 120) -> Graph:
    """A graph of papers that each use one of ten methods on one of five datasets; titles that would be HTML."""
    texts, extractions = [], []
    assignments: dict[tuple[str, str], str] = {}
    entities: dict[str, Entity] = {}
    names = [identifier.removeprefix("paper:") for identifier in AWKWARD] + [f"p{n}" for n in range(papers)]
    for number, name in enumerate(names):
        method, dataset = f"Method{number % 10}", f"Data{number % 5}"
        paper = Paper(
            id=f"paper:{name}",
            title=f"<script>alert({number})</script> {method} & more",
            abstract=f"We use {method} on {dataset}. It reaches 9{number % 10}.5 percent <b>there</b>.",
            authors=("Ada Lovelace", f"Author <i>{number % 7}</i>"),
            year=2000 + number % 20,
            venue="Proc. of “Tests”",
            url="javascript:alert(1)" if number % 2 else "https://example.org/paper",
            cites=(f"paper:p{number + 1}",),
        )
        texts.append(paper)
        spans = {key: (paper.text.rindex(word), len(word)) for key, word in (("m", method), ("d", dataset))}
        value = f"9{number % 10}.5 percent"
        start = paper.text.index(value)
        extractions.append(
            Extraction(
                paper=paper.id,
                model="made-up",
                entities=tuple(
                    ExtractedEntity(
                        id=key, type=kind, name=word, role=role, score=0.9, mentions=(_mention(kind, *spans[key]),)
                    )
                    for key, kind, word, role in (
                        ("m", "Method", method, "uses"),
                        ("d", "Dataset", dataset, "evaluates_on"),
                    )
                ),
                relations=(Relation(head="m", predicate="evaluated_on", tail="d", score=0.8, negated=number % 9 == 8),),
                results=(Result(value=value, method="m", dataset="d", start=start, end=start + len(value)),),
            )
        )
        for key, kind, word in (("m", "Method", method), ("d", "Dataset", dataset)):
            identifier = f"{kind.lower()}:{word.lower()}"
            assignments[paper.id, key] = identifier
            entities[identifier] = Entity(id=identifier, type=kind, name=word, aliases=(f"{word} <u>alias</u>",))
    resolution = Resolution(entities=tuple(entities.values()), assignments=assignments)
    return assemble(texts, extractions, resolution)


def write(folder: Path, graph: Graph | None = None) -> Path:
    """A graph directory of it."""
    former = {"method:old-name": "method:method1", "paper:old/1": "paper:p1"}
    save(folder, State(graph=graph or made_up(), redirects=former))
    return folder


@contextlib.contextmanager
def server(folder: Path, *options: str, env: dict[str, str] | None = None) -> Iterator[str]:
    """`kg serve` on a free port; gives its address, and ends it as Ctrl-C does."""
    command = [sys.executable, "-W", "error", "-m", "kg", "serve", str(folder), "--port", "0", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        found = re.search(r"http://\S+:\d+", line)
        assert found is not None, process.stderr.read()
        yield found[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=15) == 0
        assert "Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def _mention(kind: str, start: int, length: int) -> Mention:
    return Mention(start=start, end=start + length, type=kind)
