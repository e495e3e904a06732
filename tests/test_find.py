"""Finding, counting and explaining: what a person types leads to the node that is meant."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kg.cli import main
from kg.directory import State, save
from kg.explain import explain
from kg.find import find, resolve_name
from kg.graph import Graph
from kg.model import Entity, Evidence, GraphError, Merge, Paper, ReportedResult, Statement
from kg.stats import stats

PAPERS = (
    Paper(id="paper:1", title="LSTM Nets for Café Reviews", abstract="We use an LSTM. It may beat BERT by 2 points."),
    Paper(id="paper:2", title="BERT Again", abstract="BERT does not help tagging.", authors=("Ada Lovelace",)),
    Paper(id="paper:10.1/x", title="Short-Term Plans", doi="10.1/x", venue="ACL"),
)
ENTITIES = (
    Entity(id="method:bert", type="Method", name="BERT", aliases=("Bidirectional Encoder Representations",), papers=2),
    Entity(id="method:lstm", type="Method", name="Long Short-Term Memory", aliases=("LSTM", "LSTMs"), papers=1),
    Entity(id="metric:bertscore", type="Metric", name="BERTScore", papers=3),
    Entity(id="task:bert", type="Task", name="bert", papers=1),
    Entity(id="task:tagging", type="Task", name="Tagging", aliases=("POS tagging", "PoS"), papers=1),
)


def seen(paper: str, start: int, end: int, *, negated: bool = False, hedged: bool = False) -> Evidence:
    return Evidence(paper=paper, start=start, end=end, score=0.8, extractor="x", negated=negated, hedged=hedged)


STATEMENTS = (
    Statement(
        subject="method:bert",
        predicate="used_for",
        object="task:tagging",
        negated=True,
        evidence=(seen("paper:2", 11, 15, negated=True),),
    ),
    Statement(
        subject="method:lstm",
        predicate="outperforms",
        object="method:bert",
        evidence=(seen("paper:1", 43, 57, hedged=True),),
    ),
    Statement(subject="paper:1", predicate="uses", object="method:lstm", evidence=(seen("paper:1", 37, 41),)),
)
RESULT = ReportedResult(id="result:1", paper="paper:1", value="2", number=2.0, method="method:lstm", start=64, end=65)
MERGES = (Merge(entity="method:lstm", merged_name="LSTMs", rule="plural", score=0.9),)
GRAPH = Graph(papers=PAPERS, entities=ENTITIES, statements=STATEMENTS, results=(RESULT,), merges=MERGES)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    save(tmp_path / "graph", State(graph=GRAPH, redirects={"method:long-short-term-memories": "method:lstm"}))
    return str(tmp_path / "graph")


def kg(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BERT", ["method:bert", "task:bert", "metric:bertscore", "paper:2"]),
        ("bert", ["method:bert", "task:bert", "metric:bertscore", "paper:2"]),
        ("lstm", ["method:lstm", "paper:1"]),
        ("short term", ["paper:10.1/x", "method:lstm"]),
        ("CAFE", ["paper:1"]),
        ("cafe\u0301 rev", ["paper:1"]),
        ("encoder", ["method:bert"]),
        ("coder", ["method:bert"]),
        ("pos", ["task:tagging"]),
        ("10.1/x", ["paper:10.1/x"]),
        ("method:lstm", ["method:lstm"]),
        ("nothing like it", []),
        ("", []),
        ("   ", []),
    ],
)
def test_find_ranks_exact_prefix_word_part(text: str, expected: list[str]) -> None:
    assert [hit.id for hit in find(GRAPH, text)] == expected


def test_two_letters_are_looked_for_at_the_beginning_of_words_only() -> None:
    assert [hit.id for hit in find(GRAPH, "st")] == []
    assert [hit.id for hit in find(GRAPH, "stm")] == ["method:lstm", "paper:1"]
    assert [hit.id for hit in find(GRAPH, "po")] == ["task:tagging"]
    chinese = Graph(entities=(Entity(id="task:x", type="Task", name="自然语言处理", papers=1),))
    assert [hit.match for hit in find(chinese, "语言")] == ["part"]


def test_find_by_type() -> None:
    assert [hit.id for hit in find(GRAPH, "bert", types=("Task", "Metric"))] == ["task:bert", "metric:bertscore"]


def test_the_matched_alias_is_told() -> None:
    (hit,) = find(GRAPH, "coder")
    assert (hit.match, hit.matched, hit.name) == ("part", "Bidirectional Encoder Representations", "BERT")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("method:lstm", "method:lstm"),
        (" LSTM ", "method:lstm"),
        ("long short term memory", "method:lstm"),
        ("encoder rep", "method:bert"),
        ("bert again", "paper:2"),
        ("1", "paper:1"),
        ("author:ada-lovelace", "author:ada-lovelace"),
        ("venue:acl", "venue:acl"),
        ("result:1", "result:1"),
    ],
)
def test_a_name_that_one_node_has_is_as_good_as_its_id(text: str, expected: str) -> None:
    assert resolve_name(GRAPH, text) == expected


def test_a_name_that_several_nodes_have_lists_them() -> None:
    with pytest.raises(GraphError) as caught:
        resolve_name(GRAPH, "Bert")
    assert str(caught.value) == ("'Bert' may mean 2 nodes, name one by its id: method:bert (BERT), task:bert (bert)")


def test_an_unknown_name_is_told() -> None:
    for text in ("GPT", "method:gpt", ""):
        with pytest.raises(GraphError, match="no node is called"):
            resolve_name(GRAPH, text)
    with pytest.raises(GraphError, match="no paper is called 'method:bert'"):
        resolve_name(GRAPH, "method:bert", types=("Paper",))


def test_stats_of_a_small_graph() -> None:
    numbers = stats(GRAPH)
    assert numbers["papers"] == 3
    assert numbers["papers_without_entities"] == 1
    assert numbers["entities_by_type"] == {"Method": 2, "Task": 2, "Dataset": 0, "Metric": 1, "Concept": 0}
    assert numbers["statements_by_predicate"] == {"not_used_for": 1, "outperforms": 1, "uses": 1}
    assert numbers["relations_by_support"] == {"1": 2, "2": 0, "3-5": 0, "6-10": 0, "11 and more": 0}
    assert (numbers["isolated_entities"], numbers["isolated_share"]) == (2, 0.4)
    assert numbers["type_conflicts"] == [{"name": "BERT", "ids": ["method:bert", "task:bert"]}]
    assert numbers["most_frequent"]["Method"][0] == {"id": "method:bert", "name": "BERT", "papers": 2}
    assert stats(Graph())["isolated_share"] == 0.0


@pytest.mark.parametrize("asked", ["lstm outperforms method:bert", "method:lstm outperforms method:bert"])
def test_a_statement_is_explained_by_its_sentence(asked: str) -> None:
    about = explain(GRAPH, asked)
    assert (about["confidence"], about["support"], about["negated"]) == (0.8, 1, False)
    assert about["evidence"][0]["sentence"] == "It may beat BERT by 2 points."
    assert about["evidence"][0]["hedged"] is True
    assert explain(GRAPH, about["id"]) == about


def test_a_negated_statement_is_named_so() -> None:
    assert explain(GRAPH, "method:bert not_used_for tagging")["negated"] is True
    with pytest.raises(GraphError, match="the graph does not say method:bert used_for task:tagging"):
        explain(GRAPH, "method:bert used_for tagging")
    assert explain(GRAPH, "bert not_used_for tagging")["subject"] == "method:bert"  # the task is used for nothing
    with pytest.raises(GraphError, match="'bert' may mean 2 nodes"):
        explain(GRAPH, "bert subtype_of tagging")
    with pytest.raises(GraphError, match="no statement has the id"):
        explain(GRAPH, "statement:0123")


def test_every_kind_of_node_is_explained() -> None:
    lstm = explain(GRAPH, "LSTM", redirects={"method:x": "method:lstm"})
    assert lstm["former_ids"] == ["method:x"]
    assert lstm["merges"] == [{"merged_name": "LSTMs", "rule": "plural", "score": 0.9, "decided_by": "rule"}]
    assert lstm["results"][0]["sentence"] == "It may beat BERT by 2 points."
    assert len(lstm["statements"]) == 2
    assert explain(GRAPH, "paper:2")["authors"] == ["Ada Lovelace"]
    assert explain(GRAPH, "author:ada-lovelace")["of_papers"] == ["paper:2"]
    assert explain(GRAPH, "venue:acl")["of_papers"] == ["paper:10.1/x"]
    assert explain(GRAPH, "result:1")["name"] == "2"


def test_what_papers_hold_does_not_steer_the_terminal(tmp_path: Path) -> None:
    paper = Paper(id="paper:1", title="BERT \x1b]0;owned\x07", abstract="")
    save(tmp_path, State(graph=Graph(papers=(paper,))))
    for command in (("find", "BERT"), ("explain", "paper:1"), ("query", "MATCH (p:Paper) RETURN p.title")):
        output = kg(command[0], str(tmp_path), command[1])
        assert (output.exit_code, "BERT ]0;owned" in output.stdout) == (0, True)
        assert not set("\x1b\x07") & set(output.stdout)


def test_kg_find(folder: str) -> None:
    output = kg("find", folder, "bert", "--limit", "2")
    assert output.exit_code == 0
    assert output.stdout == (
        "id           type    name  papers  match  matched\n"
        "-----------  ------  ----  ------  -----  -------\n"
        "method:bert  Method  BERT  2       exact  BERT\n"
        "task:bert    Task    bert  1       exact  bert\n"
    )
    assert output.stderr == "2 more: --limit 4 shows all\n"
    rows: list[dict[str, Any]] = json.loads(kg("find", folder, "lstm", "--json").stdout)
    assert [row["id"] for row in rows] == ["method:lstm", "paper:1"]
    table = list(csv.reader(io.StringIO(kg("find", folder, "lstm", "--csv").stdout)))
    assert table[1][:2] == ["method:lstm", "Method"]
    assert kg("find", folder, "xyz").stdout == f"Nothing in {folder} is called 'xyz' or has it in its name.\n"
    assert kg("find", folder, "xyz", "--json").stdout == "[]\n"
    assert kg("find", folder, "bert", "--type", "metric", "--json").stdout.count('"id"') == 1
    assert kg("find", folder, "bert", "--type", "thing").exit_code == 2


def test_kg_stats(folder: str) -> None:
    output = kg("stats", folder).stdout
    assert "Papers                            3" in output
    assert "Isolated share                40.0%" in output
    assert "  BERT: method:bert, task:bert" in output
    assert json.loads(kg("stats", folder, "--json").stdout) == stats(GRAPH)
    rows = kg("stats", folder, "--csv").stdout.splitlines()
    assert rows[:2] == ["count,of,number", f"papers,,{len(GRAPH.papers)}"]


def test_kg_explain(folder: str) -> None:
    output = kg("explain", folder, "LSTM")
    assert output.stdout == (
        "method:lstm  Long Short-Term Memory  (Method)\n"
        "aliases: LSTM; LSTMs\n"
        "papers: 1\n"
        "former ids: method:long-short-term-memories\n"
        "merged: LSTMs  (plural, 0.9, rule)\n"
        "result: 2  paper:1: It may beat BERT by 2 points.\n"
        "  method:lstm outperforms method:bert  (confidence 0.8, 1 paper)\n"
        "    paper:1 43-57 (0.8, hedged): It may beat BERT by 2 points.\n"
        "  paper:1 uses method:lstm  (confidence 0.8, 1 paper)\n"
        "    paper:1 37-41 (0.8): We use an LSTM.\n"
    )
    assert kg("explain", folder, "method:long-short-term-memories").stdout == output.stdout
    assert "and 1 statement more (--limit 2 shows all)" in kg("explain", folder, "LSTM", "--limit", "1").stdout
    assert kg("explain", folder, "lstm", "outperforms", "method:bert").stdout.startswith("method:lstm outperforms")
    assert json.loads(kg("explain", folder, "LSTM", "--json").stdout)["id"] == "method:lstm"
    wrong = kg("explain", folder, "Bert")
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    assert wrong.stderr == (
        "Error: 'Bert' may mean 2 nodes, name one by its id: method:bert (BERT), task:bert (bert)\n"
    )


@pytest.mark.parametrize("command", [("find", "x"), ("stats",), ("explain", "x"), ("remove", "x")])
def test_a_folder_without_a_graph_is_one_line(command: tuple[str, ...], tmp_path: Path) -> None:
    name, *rest = command
    output = kg(name, str(tmp_path / "none"), *rest)
    assert (output.exit_code, output.stdout) == (1, "")
    assert output.stderr.endswith(f"none: no graph here: make one with kg build INPUT -o {tmp_path / 'none'}\n")
    assert output.stderr.count("\n") == 1
    assert not (tmp_path / "none").exists()
