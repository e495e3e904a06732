"""Files are written aside, through links, into what is no file as it is, and never over what is read."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from kg.aside import bytes_aside, text_aside
from kg.cli import main

PAPER = {"id": "1", "title": "BERT on GLUE", "abstract": "BERT wins."}
GOLD = {
    "id": "1",
    "entities": [{"id": "e1", "type": "Method", "name": "BERT", "surfaces": ["BERT"], "role": "studies"}],
}


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before", "utf-8")
    with pytest.raises(TypeError), text_aside(file) as out:
        out.writelines(["after", None])  # type: ignore[list-item]
    assert file.read_text("utf-8") == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "there" / "file")
    for text in ("one", "two"):
        with text_aside(link) as out:
            out.write(text)
        assert link.is_symlink()
        assert (tmp_path / "there" / "file").read_text("utf-8") == text


def test_pipes_and_devices_are_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    with bytes_aside(pipe) as out:
        out.write(b"through")
    reader.join(timeout=10)
    assert read == [b"through"]
    assert pipe.is_fifo()
    with bytes_aside(Path("/dev/null")) as out:
        out.write(b"gone")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize(
    "arguments",
    [
        ("extract", "papers.jsonl", "-o", "papers.jsonl"),
        ("extract", "papers.jsonl", "-o", "found.jsonl", "--papers", "papers.jsonl"),
        ("eval", "papers.jsonl", "gold.jsonl", "--save", "gold.jsonl"),
        ("eval", "papers.jsonl", "gold.jsonl", "--save", "./papers.jsonl"),
        ("eval", "papers.jsonl", "gold.jsonl", "--pred", "gold.jsonl", "--errors", "gold.jsonl"),
    ],
)
def test_what_is_read_is_not_replaced(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("papers.jsonl").write_text(json.dumps(PAPER), "utf-8")
    Path("gold.jsonl").write_text(json.dumps(GOLD), "utf-8")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    answer = CliRunner().invoke(main, arguments)
    assert answer.exit_code == 2
    assert "is read here, and would be replaced: name another file" in answer.output
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_nothing_annotated_is_not_scored(tmp_path: Path) -> None:
    (tmp_path / "papers.jsonl").write_text(json.dumps(PAPER), "utf-8")
    (tmp_path / "gold.jsonl").write_text("", "utf-8")
    answer = CliRunner().invoke(main, ["eval", str(tmp_path / "papers.jsonl"), str(tmp_path / "gold.jsonl")])
    assert answer.exit_code == 1
    assert "no paper is annotated there" in answer.output
