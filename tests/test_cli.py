"""What all commands share: help that reads well, and refusals of what would do harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kg.cli import main


def kg(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_the_list_of_commands_cuts_no_sentence() -> None:
    listed = kg("--help").output.partition("Commands:")[2]
    assert "build" in listed
    assert "..." not in listed


def test_each_command_has_a_summary_and_explains_its_options() -> None:
    for name, command in main.commands.items():
        assert command.get_short_help_str(200).endswith("."), name
        assert all(getattr(option, "help", "") for option in command.params if option.param_type_name == "option"), name


@pytest.mark.parametrize("arguments", [("--papers", "-"), ("-o", "a.jsonl", "--papers", "./a.jsonl")])
def test_the_texts_need_a_file_of_their_own(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_text('{"id": "1", "title": "BERT", "abstract": ""}\n', "utf-8")
    answer = kg("extract", "in.jsonl", *arguments)
    assert answer.exit_code == 2
    assert "--papers needs a file of its own" in answer.output
    assert list(tmp_path.iterdir()) == [tmp_path / "in.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("query", "oxigraph:store", "RETURN 1"), "oxigraph:store understands SPARQL: ask it with `kg sparql`"),
        (("sparql", "ladybug:store", "ASK {}"), "ladybug:store understands Cypher: ask it with `kg query`"),
        (("sparql", "oxigraph:store", "@none.rq"), "none.rq: the query cannot be read (No such file or directory)"),
    ],
)
def test_the_wrong_language_and_no_query(arguments: tuple[str, ...], message: str) -> None:
    answer = kg(*arguments)
    assert (answer.exit_code, answer.output) == (1, f"Error: {message}\n")


def test_a_text_of_several_windows_is_extracted_in_silence(tmp_path: Path) -> None:
    abstract = "We propose a Recurrent Neural Network (RNN) for parsing. " * 800
    (tmp_path / "in.jsonl").write_text(json.dumps({"id": "1", "title": "Long", "abstract": abstract}) + "\n", "utf-8")
    answer = CliRunner().invoke(main, ["extract", str(tmp_path / "in.jsonl")])
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert '"name": "Recurrent Neural Network"' in answer.stdout
