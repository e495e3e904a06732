"""kg build and kg remove on the command line: what they say, where they say it, and how they end."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kg.cli import main
from kg.directory import load_graph

BIB = """@article{quick, title={Quick {Nets} and M{\\"u}ller}, author={Ada Lovelace}, year={2020}, doi={10.1000/q}}
@article{none, author={Nobody}, year={2021}}
"""
LINES = [
    {"id": "p1", "title": "Quick Net", "abstract": "We use Quick Net."},
    {"id": "p2", "title": "Slow Net", "abstract": "A Slow Net may use Quick Net."},
]
SAID: list[dict[str, Any]] = [
    {
        "id": row["id"],
        "model": "hand",
        "entities": [
            {"id": "e1", "type": "Method", "name": row["title"], "surfaces": [row["title"]], "role": "introduces"}
        ],
    }
    for row in LINES
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with some inputs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "papers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in LINES))
    (tmp_path / "said.jsonl").write_text("".join(json.dumps(row) + "\n" for row in SAID))
    (tmp_path / "papers.bib").write_text(BIB)
    (tmp_path / "none.jsonl").write_text("")
    return tmp_path


def kg(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=stdin)


def test_build_says_what_it_did_and_a_second_one_that_nothing_is_new(folder: Path) -> None:
    output = kg("build", "papers.jsonl", "--extractions", "said.jsonl")
    assert (output.exit_code, output.stderr) == (0, "")
    assert output.stdout == (
        "Read 2 papers.\nTook 2 extractions; 0 papers unchanged.\n"
        "graph: 2 papers, 2 entities, 2 statements, 0 results.\n"
    )
    assert len(load_graph("graph").papers) == 2
    again = kg("build", "papers.jsonl", "--extractions", "said.jsonl")
    assert again.stdout == (
        "Read 2 papers.\nNothing to extract: 2 papers unchanged.\n"
        "graph: 2 papers, 2 entities, 2 statements, 0 results.\n"
    )


def test_build_as_json(folder: Path) -> None:
    output = kg("build", "papers.jsonl", "papers.bib", "-o", "x/y", "--extractions", "said.jsonl", "--json")
    assert json.loads(output.stdout) == {
        "directory": "x/y", "read": 3, "duplicates": 0, "skipped": 1, "extracted": 0, "given": 2, "reused": 0,
        "removed": 0, "without_extraction": 1, "papers": 3, "entities": 2, "statements": 2, "results": 0,
        "min_confidence": 0.0,
    }  # fmt: skip


def test_what_is_skipped_is_said_with_file_and_line(folder: Path) -> None:
    output = kg("build", "papers.bib", "--extractions", "none.jsonl")
    assert output.exit_code == 0
    assert output.stdout == (
        "Read 1 paper; 1 record skipped.\n"
        "Nothing to extract: 0 papers unchanged.\n"
        "1 paper has no extraction: nothing is known of its text.\n"
        "graph: 1 paper, 0 entities, 0 statements, 0 results.\n"
    )
    strict = kg("build", "papers.bib", "--extractions", "none.jsonl", "-o", "strict", "--strict")
    assert (strict.exit_code, strict.stdout) == (1, "")
    assert strict.stderr.startswith("Error: papers.bib:2: ")
    assert strict.stderr.count("\n") == 1
    assert not (folder / "strict").exists()
    skipped = subprocess.run(
        [sys.executable, "-m", "kg", "build", "papers.bib", "--extractions", "none.jsonl", "-o", "g"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert skipped.stderr.count("papers.bib:2: ") == 1
    assert skipped.stderr.count("\n") == 1


def test_build_from_standard_input(folder: Path) -> None:
    text = (folder / "papers.jsonl").read_text()
    output = subprocess.run(
        [sys.executable, "-m", "kg", "build", "-", "--extractions", "said.jsonl", "-o", "g"],
        input=text, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (output.stderr, output.stdout.splitlines()[0]) == ("", "Read 2 papers.")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["build"], 2, "Missing argument 'INPUT...'"),
        (["build", "nowhere.bib"], 1, "Error: nowhere.bib: no such file or folder"),
        (["build", "none.jsonl"], 1, "Error: no paper could be read: none.jsonl: the file is empty"),
        (["build", "papers.bib", "--format", "docx"], 1, "docx"),
        (["build", "papers.bib", "--map", "title"], 2, "write FIELD=COLUMN"),
        (["build", "papers.bib", "--jobs", "0"], 2, "'--jobs'"),
        (["build", "papers.jsonl", "--extractions", "nowhere.jsonl"], 1, "nowhere.jsonl: cannot be read"),
        (["build", "papers.jsonl", "--extractions", "papers.bib"], 1, "papers.bib:1: no extraction"),
        (["build", "papers.jsonl", "-o", "papers.bib"], 1, "papers.bib: cannot be written"),
        (["remove", "nowhere", "p1"], 1, "nowhere: no graph here"),
        (["remove", "nowhere"], 2, "Missing argument 'PAPER...'"),
        (["draw", "nowhere", "x.html", "--depth", "2"], 2, "--depth goes from a node: give it with --around"),
        (["query", "nowhere", "RETURN 1", "--json", "--csv"], 2, "--json and --csv exclude each other: give one"),
        (["merges", "nowhere", "--csv", "--json"], 2, "--json and --csv exclude each other: give one"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(folder: Path, arguments: list[str], code: int, message: str) -> None:
    before = sorted(folder.iterdir())
    output = kg(*arguments)
    assert (output.exit_code, output.stdout) == (code, "")
    assert message in output.stderr
    if code == 1:
        assert output.stderr.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_remove(folder: Path) -> None:
    kg("build", "papers.jsonl", "--extractions", "said.jsonl")
    output = kg("remove", "graph", "paper:p2")
    assert output.stdout == "Removed 1 paper.\ngraph: 1 paper, 1 entity, 1 statement, 0 results.\n"
    unknown = kg("remove", "graph", "p2")
    assert (unknown.exit_code, unknown.stderr.count("\n")) == (1, 1)
    assert "no paper is called 'p2'" in unknown.stderr
    assert json.loads(kg("remove", "graph", "Quick Net", "--json").stdout)["papers"] == 0


def test_progress_is_for_terminals(folder: Path) -> None:
    command = [sys.executable, "-m", "kg", "build", "papers.jsonl", "--extractions", "said.jsonl"]
    ours, theirs = pty.openpty()
    try:
        shown = subprocess.run(command, stderr=theirs, stdout=subprocess.PIPE, check=True, text=True)
        told = os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "resolve" in told
    assert told.endswith("\r\x1b[K")  # the line is clean when the answer comes
    assert shown.stdout.startswith("Read 2 papers.\n")
