"""`kg build --min-confidence`: what is less sure stays out of the graph, but not out of the directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kg import building, curate
from kg.cli import main
from kg.directory import load_graph, manifest
from kg.graph import Graph
from kg.model import GraphError

TEXTS = {
    "p1": ("Quick Net", "Quick Net is based on Slow Net and beats Odd Net. It reaches 91.2% on Big Set."),
    "p2": ("Slow Net", "Quick Net is based on Slow Net, too."),
    "p3": ("Big Set", "We present Big Set."),
}


def entity(number: int, kind: str, name: str, role: str, score: float, role_score: float, text: str) -> dict[str, Any]:
    start = text.rindex(name)
    return {
        "id": f"e{number}", "type": kind, "name": name, "role": role, "score": score, "role_score": role_score,
        "mentions": [{"start": start, "end": start + len(name), "score": score}],
    }  # fmt: skip


def said(paper: str) -> dict[str, Any]:
    text = "\n".join(TEXTS[paper])
    if paper == "p3":
        return {"id": "p3", "entities": [entity(1, "Dataset", "Big Set", "introduces", 0.9, 0.9, text)]}
    entities = [
        entity(1, "Method", "Quick Net", "introduces", 0.95, 0.9, text),
        entity(2, "Method", "Slow Net", "uses", 0.9, 0.5 if paper == "p1" else 0.9, text),
    ]
    based = {"head": "e1", "predicate": "based_on", "tail": "e2", "score": 0.6, "start": 0, "end": len(text)}
    results = []
    if paper == "p1":
        entities.append(entity(3, "Method", "Odd Net", "compares", 0.4, 1.0, text))
        entities.append(entity(4, "Dataset", "Big Set", "evaluates_on", 0.5, 0.9, text))
        results.append({"value": "91.2%", "method": "e1", "dataset": "e4", "score": 0.8})
    return {"id": paper, "entities": entities, "relations": [based], "results": results}


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    rows = [{"id": name, "title": title, "abstract": abstract} for name, (title, abstract) in TEXTS.items()]
    (tmp_path / "papers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "said.jsonl").write_text("".join(json.dumps(said(paper)) + "\n" for paper in TEXTS))
    for name in TEXTS:
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows if row["id"] == name))
    return tmp_path / "papers.jsonl"


def build(papers: Path, output: Path, *, least: float | None = None, **more: Any) -> building.BuildReport:
    return building.run(papers, output=output, extractions=papers.with_name("said.jsonl"), min_confidence=least, **more)


def tables(folder: Path) -> dict[str, bytes]:
    """What history must not change."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.name == "manifest.json" or (path.suffix == ".parquet" and path.stem != "redirects")
    }


def facts(graph: Graph) -> set[tuple[str, str, str]]:
    return {(s.subject, s.predicate, s.object) for s in graph.statements}


def test_what_is_less_sure_is_left_out(papers: Path, tmp_path: Path) -> None:
    whole = build(papers, tmp_path / "graph").graph
    assert len(whole.entities) == 4
    sure = build(papers, tmp_path / "sure", least=0.7).graph
    # Odd Net is weak everywhere; Big Set is sure in one of two papers; p1's role of Slow Net is weak (0.9 * 0.5)
    assert [e.id for e in sure.entities] == ["dataset:big-set", "method:quick-net", "method:slow-net"]
    assert facts(whole) - facts(sure) == {
        ("paper:p1", "compares", "method:odd-net"),
        ("paper:p1", "evaluates_on", "dataset:big-set"),
        ("paper:p1", "uses", "method:slow-net"),
    }
    assert {m.paper for m in sure.mentions if m.entity == "dataset:big-set"} == {"paper:p3"}
    assert sure.entity_by_id["dataset:big-set"].papers == 1
    [result] = sure.results
    assert (result.method, result.dataset) == ("method:quick-net", None)
    assert not build(papers, tmp_path / "strict", least=0.85).graph.results


def test_papers_that_say_the_same_make_each_other_surer(papers: Path, tmp_path: Path) -> None:
    triple = ("method:quick-net", "based_on", "method:slow-net")
    both = build(papers, tmp_path / "both", least=0.8).graph
    assert {s.confidence for s in both.statements if (s.subject, s.predicate, s.object) == triple} == {0.84}
    building.remove(tmp_path / "both", ["paper:p2"])
    assert triple not in facts(load_graph(tmp_path / "both"))


def test_the_directory_remembers_it(papers: Path, tmp_path: Path) -> None:
    build(papers, tmp_path / "at-once", least=0.7)
    out = tmp_path / "graph"
    parts = [papers.with_name(f"{name}.jsonl") for name in TEXTS]
    part_of = papers.with_name("one.jsonl")
    for name, path in zip(TEXTS, parts, strict=True):
        part_of.write_text(json.dumps(said(name)) + "\n")
        building.run(path, output=out, extractions=part_of, min_confidence=0.7 if name == "p1" else None)
    assert manifest(out).min_confidence == 0.7
    assert tables(out) == tables(tmp_path / "at-once")
    building.remove(out, ["paper:p3"])
    assert manifest(out).min_confidence == 0.7
    assert "dataset:big-set" not in load_graph(out).entity_by_id
    curate.rename(out, "Slow Net", "Sloth Net", why="it is")
    assert "method:odd-net" not in load_graph(out).entity_by_id
    assert "method:sloth-net" in load_graph(out).entity_by_id


def test_it_is_changed_and_taken_back_without_extracting(papers: Path, tmp_path: Path) -> None:
    out = tmp_path / "graph"
    build(papers, tmp_path / "never")
    build(papers, out, least=0.7)
    extractions = (out / "extractions.parquet").read_bytes()
    build(papers, tmp_path / "higher", least=0.9)
    for least, like in ((0.9, "higher"), (0.0, "never")):
        report = building.run([], output=out, min_confidence=least)
        assert (report.read, report.extracted, report.given, report.reused) == (0, 0, 0, 3)
        assert tables(out) == tables(tmp_path / like)
        assert (out / "extractions.parquet").read_bytes() == extractions
    assert "min_confidence" not in json.loads((out / "manifest.json").read_text())
    build(papers, out, least=0.7)
    build(papers, out, replace=True)
    assert tables(out) == tables(tmp_path / "never")


def test_in_memory(papers: Path) -> None:
    said_file = papers.with_name("said.jsonl")
    assert len(building.build(papers, extractions=said_file, min_confidence=0.7).entities) == 3
    assert building.build(papers, extractions=said_file, min_confidence=1).statements == ()
    for wrong in (-0.1, 1.5, float("nan")):
        with pytest.raises(GraphError, match="give a number from 0 to 1"):
            building.build(papers, min_confidence=wrong)
    with pytest.raises(GraphError, match="no papers: name a file"):
        building.build([], min_confidence=0.5)


def kg(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def test_the_command(papers: Path, tmp_path: Path) -> None:
    out = tmp_path / "graph"
    first = kg("build", papers, "-o", out, "--extractions", papers.with_name("said.jsonl"), "--min-confidence", "0.7")
    assert first.output.splitlines()[2:] == [
        "Left out what is less sure than 0.7 (--min-confidence 0 takes it back).",
        f"{out}: 3 papers, 3 entities, 5 statements, 1 result.",
    ]
    back = kg("build", "-o", out, "--min-confidence", "0")
    assert back.output == (
        f"Nothing to extract: 3 papers unchanged.\n{out}: 3 papers, 4 entities, 8 statements, 1 result.\n"
    )
    assert json.loads(kg("build", "-o", out, "--min-confidence", "0.5", "--json").output)["min_confidence"] == 0.5
    assert "Left out what is less sure than 0.5" in kg("remove", out, "paper:p3").output


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("-o", "graph"), 2, "Missing argument 'INPUT...'"),
        (("-o", "graph", "--min-confidence", "2"), 2, "2.0 is not in the range 0<=x<=1"),
        (("-o", "graph", "--min-confidence", "0.5"), 1, "no papers: name a file or a folder to read"),
    ],
)
def test_wrong_use(arguments: tuple[str, ...], code: int, message: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    answer = kg("build", *arguments)
    assert answer.exit_code == code
    assert message in answer.output
    assert list(tmp_path.iterdir()) == []
