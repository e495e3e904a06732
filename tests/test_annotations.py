"""Files of extractions and annotations that others made: read when they fit, refused with file, line and reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kg.extract.annotations import read_extractions, read_texts
from kg.model import Paper, ReadError

PAPERS = {"paper:1": Paper(id="paper:1", title="BERT on GLUE", abstract="BERT wins.")}
BERT = {"id": "e1", "type": "Method", "name": "BERT", "role": "studies", "surfaces": ["BERT"]}
GLUE = {"id": "e2", "type": "Dataset", "name": "GLUE", "role": "evaluates_on", "surfaces": ["GLUE"]}


def line(**changes: Any) -> bytes:
    return json.dumps({"id": "1", "entities": [BERT, GLUE], "relations": [], "results": [], **changes}).encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{oops", "no extraction: broken JSON, column 2"),
        (b'{"id": "\xff"}', "no extraction: not UTF-8"),
        (b"[1]", "no extraction: a JSON object is expected"),
        (b"{}", "no extraction: the object has no id"),
        (line(id="9"), "paper:9 is not among the papers read"),
        (line(relations=[["e1", "eats", "e2"]]), "unknown relation 'eats', known: used_for, part_of"),
        (line(relations=[["e1", "evaluated_on"]]), "a relation is [head, predicate, tail], not ['e1', 'evaluated_on']"),
        (line(relations=[["e1", "used_for", "e2"]]), "used_for may not join Method and Dataset"),
        (line(entities=[{**BERT, "score": 7}]), "score 7 is not from 0 to 1"),
        (line(entities=[{**BERT, "role_score": -1}]), "role_score -1 is not from 0 to 1"),
        (line(entities=[{**BERT, "score": float("nan")}]), "score nan is not from 0 to 1"),
        (line(relations=[{"head": "e1", "predicate": "evaluated_on", "tail": "e2", "score": 2}]), "score 2 is not"),
        (line(entities=[BERT, {**GLUE, "id": "e1"}]), "two entities are called 'e1'"),
        (line(entities=None), "entities"),
        (line(entities=[3]), "entities"),
    ],
)
def test_an_extraction_that_does_not_fit(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    path.write_bytes(line() + b"\n" + content + b"\n")
    with pytest.raises(ReadError) as error:
        list(read_extractions(path, PAPERS))
    assert f"{path}:2: " in str(error.value)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"id": "1", "entities": []}', "the title is missing"),
        (b'{"id": "1", "title": 3}', "the title is missing, or no text"),
        (b'{"id": "1", "title": "\xff"}', "not UTF-8"),
        (b"3", "a JSON object is expected"),
    ],
)
def test_a_text_that_does_not_fit(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_bytes(b'{"id": "0", "title": "A", "abstract": null}\n\n' + content + b"\n")
    with pytest.raises(ReadError) as error:
        read_texts(path)
    assert str(error.value).startswith(f"{path}:3: no paper with id, title and abstract: ")
    assert reason in str(error.value)
