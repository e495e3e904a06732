"""The shapes: what conforms, what is refused with the node and the rule, and that they follow from the ontology."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyshacl
import pytest
import rdflib
from click.testing import CliRunner
from golden_graph import ODD, PLAIN, golden_graph

from kg import ontology
from kg.cli import main
from kg.directory import State, save
from kg.export import export
from kg.export.shapes import context, shapes
from kg.export.validate import Violation, validate, validate_file
from kg.graph import Graph, assemble
from kg.model import (
    Entity,
    Evidence,
    ExtractedEntity,
    Extraction,
    Mention,
    Paper,
    ReadError,
    Resolution,
    Result,
    Statement,
    evidence_id,
)
from kg.rdf import to_rdflib

SMALL = replace(golden_graph(), papers=tuple(p for p in golden_graph().papers if p.id != ODD.id))


def changed(graph: Graph, predicate: str, **values: Any) -> tuple[Graph, Statement]:
    """The graph with other values in the first statement of a predicate, and that statement."""
    old = next(one for one in graph.statements if one.predicate == predicate)
    new = replace(old, **values)
    return replace(graph, statements=tuple(new if one == old else one for one in graph.statements)), new


def first_evidence(graph: Graph, predicate: str, **values: Any) -> tuple[Graph, str]:
    """The graph with other values in the first evidence of a predicate's first statement, and that evidence's id."""
    old = next(one for one in graph.statements if one.predicate == predicate)
    seen = replace(old.evidence[0], **values)
    graph, new = changed(graph, predicate, evidence=(seen, *old.evidence[1:]))
    return graph, evidence_id(new, seen)


def of(violations: list[Violation], node: str) -> list[str]:
    return [violation.rule for violation in violations if violation.node == node]


@pytest.mark.parametrize(("name", "made"), [("shapes.ttl", shapes), ("context.jsonld", context)])
def test_files_of_the_ontology_are_those_made_from_it(name: str, made: Any) -> None:
    assert ontology.path(name).read_text("utf-8") == made(), "renew with `python -m kg.export.shapes`"


def test_the_shapes_are_valid_shacl() -> None:
    conforms, _, text = pyshacl.validate(
        rdflib.Graph(), shacl_graph=rdflib.Graph().parse(data=shapes(), format="turtle"), meta_shacl=True
    )
    assert conforms, text


def test_each_shape_has_one_message_and_a_target() -> None:
    graph = rdflib.Graph().parse(data=shapes(), format="turtle")
    sh = rdflib.Namespace("http://www.w3.org/ns/shacl#")
    found = [*graph.subjects(rdflib.RDF.type, sh.NodeShape), *graph.subjects(rdflib.RDF.type, sh.PropertyShape)]
    assert len(found) > 100
    for shape in found:
        assert len(list(graph.objects(shape, sh.message))) == 1
        targets = [*graph.objects(shape, sh.targetClass)]
        targets += [*graph.objects(shape, sh.targetSubjectsOf), *graph.objects(shape, sh.targetObjectsOf)]
        assert len(targets) == 1


def test_graphs_of_ours_conform(gold_graph: Graph) -> None:
    assert validate(golden_graph()) == []
    assert validate(golden_graph(), base="https://graph.acme.com/", redirects={"method:old": "method:bert"}) == []
    assert validate(Graph()) == []
    assert validate(gold_graph) == []


def test_a_missing_title() -> None:
    papers = tuple(replace(paper, title="") if paper.id == PLAIN.id else paper for paper in SMALL.papers)
    found = validate(replace(golden_graph(), papers=(ODD, *papers)))
    assert "a paper has exactly one title" in of(found, PLAIN.id)


def test_a_wrong_range() -> None:
    graph, said = changed(golden_graph(), "compared_with", object="task:nli")
    found = validate(graph)
    assert Violation("task:nli", "kg:compared_with leads to a Method", "kg:Task") in found
    triple = "method:bert kg:compared_with task:nli"
    assert Violation(said.id, "a statement joins types that its predicate may join", triple) in found


def test_a_wrong_range_of_one_head() -> None:
    """A task may be a subtype of something, and a method something's supertype, but not the one of the other."""
    graph, said = changed(golden_graph(), "subtype_of", object="task:nli")
    found = validate(graph)
    assert Violation("method:bert", "kg:subtype_of leads from a Method to a Method", "kg:Task") in found
    assert of(found, said.id) == ["a statement joins types that its predicate may join"]


def test_a_wrong_domain() -> None:
    graph, _ = changed(golden_graph(), "compared_with", subject="dataset:glue")
    assert Violation("dataset:glue", "kg:compared_with starts at a Method", "kg:Dataset") in validate(graph)


def test_a_wrong_range_of_a_denied_statement() -> None:
    graph, said = changed(golden_graph(), "outperforms", object="task:nli", negated=True)
    triple = "method:bert kg:outperforms task:nli"
    assert Violation(said.id, "a statement joins types that its predicate may join", triple) in validate(graph)


@pytest.mark.parametrize("score", [1.5, -0.1, float("nan")])
def test_a_score_outside_of_0_to_1(score: float) -> None:
    graph, evidence = first_evidence(golden_graph(), "compared_with", score=score)
    assert "a piece of evidence has exactly one score, from 0 to 1" in of(validate(graph), evidence)


def test_dangling_evidence() -> None:
    graph, evidence = first_evidence(golden_graph(), "compared_with", paper="paper:gone")
    rules = of(validate(graph), evidence)
    assert "a piece of evidence is from exactly one paper of the graph" in rules
    assert "a piece of evidence has exactly one sentence" in rules


@pytest.mark.parametrize(
    ("start", "end", "rule"),
    [
        (5, 5, "the start of a stretch of text is one number before its end"),
        (9, 5, "the start of a stretch of text is one number before its end"),
        (-4, 5, "the start of a stretch of text is one number before its end"),
        (9999, 10000, "a stretch of text holds at least one character"),
    ],
)
def test_offsets_outside_of_the_text(start: int, end: int, rule: str) -> None:
    graph, evidence = first_evidence(golden_graph(), "compared_with", start=start, end=end)
    found = validate(graph)
    assert any(violation.node.startswith(evidence) and violation.rule == rule for violation in found)


def test_an_end_outside_of_the_text() -> None:
    graph, evidence = first_evidence(golden_graph(), "compared_with", end=9999)
    assert any(rule.startswith("its words stand at characters") for rule in of(validate(graph), evidence))


def test_a_statement_without_evidence() -> None:
    graph, said = changed(golden_graph(), "compared_with", evidence=())
    rules = of(validate(graph), said.id)
    assert "a statement has evidence" in rules
    assert "a statement is supported by at least one paper" in rules


def test_two_roles_of_one_entity() -> None:
    seen = Evidence(paper=PLAIN.id, start=0, end=4, score=0.5, extractor="x")
    second = Statement(subject=PLAIN.id, predicate="uses", object="method:bert", evidence=(seen,))
    graph = golden_graph()
    found = validate(replace(graph, statements=(*graph.statements, second)))
    assert found == [Violation(PLAIN.id, "an entity has one role in a paper", "method:bert")]


def test_a_missing_node() -> None:
    graph = golden_graph()
    found = validate(replace(graph, entities=tuple(e for e in graph.entities if e.id != "task:nli")))
    said = next(one for one in graph.statements if one.predicate == "used_for")
    assert "the object of a statement is a node of the graph" in of(found, said.id)
    assert "kg:used_for leads to a Method or Task" in of(found, "task:nli")
    assert "kg:on_task leads to a Task" in of(found, "task:nli")


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"name": ""}, "an entity has exactly one prefLabel"),
        ({"papers": 0}, "an entity is named by at least one paper"),
        ({"id": "method:G P T"}, "the id of a method is an IRI that ends in /method/[a-z0-9]+(-[a-z0-9]+)*"),
    ],
)
def test_a_broken_entity(values: dict[str, Any], rule: str) -> None:
    graph = golden_graph()
    broken = replace(Entity(id="method:g", type="Method", name="G", papers=1), **values)
    assert of(validate(replace(graph, entities=(*graph.entities, broken))), broken.id) == [rule]


def test_two_classes_of_one_entity() -> None:
    graph = golden_graph()
    twice = Entity(id="method:bert", type="Task", name="BERT", papers=2)
    found = validate(replace(graph, entities=(*graph.entities, twice)))
    assert "an entity has exactly one class" in of(found, "method:bert")


def test_a_result_without_value() -> None:
    graph = golden_graph()
    result = replace(graph.results[0], value="", score=2.0)
    rules = of(validate(replace(graph, results=(result,))), result.id)
    assert "a result has exactly one value" in rules
    assert "a result has exactly one score, from 0 to 1" in rules


def test_a_result_of_the_wrong_type_keeps_its_number_only() -> None:
    paper = Paper(id="paper:1", title="BERT reaches 93 on GLUE")
    bert = ExtractedEntity(
        id="e1", type="Method", name="BERT", role="uses", mentions=(Mention(start=0, end=4, type="Method"),)
    )
    said = Extraction(paper="paper:1", entities=(bert,), results=(Result(value="93", method="e1", task="e1"),))
    nodes = (Entity(id="method:bert", type="Method", name="BERT"),)
    graph = assemble([paper], [said], Resolution(entities=nodes, assignments={("paper:1", "e1"): "method:bert"}))
    (result,) = graph.results
    assert (result.method, result.task, result.number) == ("method:bert", None, 93.0)
    assert validate(graph) == []


def test_sums_over_evidence(tmp_path: Path) -> None:
    """A file can say what a graph cannot: support and confidence that do not follow from the evidence."""
    graph = golden_graph()
    export(graph, tmp_path / "graph.nt")
    said = next(one for one in graph.statements if one.predicate == "used_for")
    lines = (tmp_path / "graph.nt").read_text("utf-8").splitlines()
    here = f"<{ontology.iri(said.id)}>"
    wrong = [
        line.replace('"0.84"', '"0.9"').replace('"2"^^', '"3"^^') if line.startswith(here) else line for line in lines
    ]
    (tmp_path / "graph.nt").write_text("\n".join(wrong), "utf-8")
    assert validate_file(tmp_path / "graph.nt") == [
        Violation(said.id, "a statement's confidence follows from the scores of its evidence, 0.84", "0.9"),
        Violation(said.id, "a statement's support is its number of papers, 2", "3"),
    ]


def test_a_triple_without_statement_and_a_statement_without_triple() -> None:
    graph = to_rdflib(golden_graph())
    from kg.export.validate import validate_rdf

    kg_ = rdflib.Namespace(ontology.KG)
    bert, gpt, nli = (rdflib.URIRef(ontology.iri(one)) for one in ("method:bert", "method:gpt", "task:nli"))
    graph.add((gpt, kg_.based_on, bert))
    graph.remove((bert, kg_.used_for, nli))
    said = next(one for one in golden_graph().statements if one.predicate == "used_for")
    assert validate_rdf(graph) == [
        Violation("method:gpt", "a role or relation has a statement with its evidence", "kg:based_on method:bert"),
        Violation(said.id, "a statement that is not negated is a plain triple too", "method:bert kg:used_for task:nli"),
    ]


@pytest.mark.parametrize("suffix", ["ttl", "nt", "nq", "trig", "jsonld", "ttl.gz", "nt.zst"])
def test_exported_files_conform(suffix: str, tmp_path: Path) -> None:
    export(golden_graph(), tmp_path / f"graph.{suffix}", base="https://graph.acme.com/")
    assert validate_file(tmp_path / f"graph.{suffix}") == []


def test_files_that_are_no_graph(tmp_path: Path) -> None:
    (tmp_path / "broken.ttl").write_text("@prefix a: <b>\n a b c")
    (tmp_path / "other.ttl").write_text("<https://a.org/> <https://b.org/> 3 .")
    (tmp_path / "table.csv").write_text("a,b")
    with pytest.raises(ReadError, match=r"broken\.ttl:\d+: no Turtle"):
        validate_file(tmp_path / "broken.ttl")
    with pytest.raises(ReadError, match="holds no node of a kg graph"):
        validate_file(tmp_path / "other.ttl")
    with pytest.raises(ReadError, match="no RDF file"):
        validate_file(tmp_path / "table.csv")
    with pytest.raises(ReadError, match="cannot be read"):
        validate_file(tmp_path / "nothing.ttl")
    with pytest.raises(ReadError, match="cannot be read: no such file or folder"):
        validate_file(tmp_path / "nothing")


def test_command(tmp_path: Path) -> None:
    papers = tuple(replace(paper, abstract=paper.abstract.replace("\ud800", "?")) for paper in golden_graph().papers)
    good = replace(golden_graph(), papers=papers)
    save(tmp_path / "good", State(graph=good))
    answer = CliRunner().invoke(main, ["validate", str(tmp_path / "good")])
    assert (answer.exit_code, answer.output) == (0, f"{tmp_path / 'good'} conforms\n")

    broken, evidence = first_evidence(good, "compared_with", score=1.5)
    save(tmp_path / "bad", State(graph=broken))
    answer = CliRunner().invoke(main, ["validate", str(tmp_path / "bad")])
    assert answer.exit_code == 1
    line, last = next(line for line in answer.output.splitlines() if evidence in line), answer.output.splitlines()[-1]
    assert line == f"{evidence}: a piece of evidence has exactly one score, from 0 to 1 (found: '1.5')"
    assert last.startswith(f"{tmp_path / 'bad'}: ")
    assert last.endswith("violations")

    answer = CliRunner().invoke(main, ["validate", str(tmp_path / "bad"), "--json"])
    assert answer.exit_code == 1
    assert evidence in {row["node"] for row in json.loads(answer.output)}

    export(broken, tmp_path / "bad.ttl")
    assert CliRunner().invoke(main, ["validate", str(tmp_path / "bad.ttl")]).exit_code == 1
