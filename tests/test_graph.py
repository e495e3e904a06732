"""Assembling: what several papers say becomes one graph, whatever their order."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from kg.graph import Graph, assemble, parse_number
from kg.model import (
    Entity,
    ExtractedEntity,
    Extraction,
    Mention,
    Merge,
    Paper,
    Relation,
    Resolution,
    Result,
    noisy_or,
)

TEXT = "BERT may not help NLI."


def paper(n: int) -> Paper:
    return Paper(id=f"paper:{n}", title=f"Paper {n}", abstract=TEXT, authors=("Ada Lovelace",), cites=("paper:1", "x"))


def extraction(n: int, *, score: float = 0.5, negated: bool = False, role: str = "uses") -> Extraction:
    """`BERT used_for NLI` (or not) in paper `n`."""
    at = len(f"Paper {n}\n")
    bert = Mention(start=at, end=at + 4, type="Method")
    nli = Mention(start=at + 18, end=at + 21, type="Task")
    return Extraction(
        paper=f"paper:{n}",
        model="x",
        entities=(
            ExtractedEntity(id="e1", type="Method", name="BERT", mentions=(bert,), role=role, score=score),
            ExtractedEntity(id="e2", type="Task", name="NLI", mentions=(nli,), role="addresses"),
        ),
        relations=(Relation(head="e1", predicate="used_for", tail="e2", score=score, negated=negated),),
    )


def nodes(*extractions: Extraction) -> Resolution:
    entities = (
        Entity(id="method:bert", type="Method", name="BERT", broader=("method:model",)),
        Entity(id="method:model", type="Method", name="Model"),
        Entity(id="task:nli", type="Task", name="NLI"),
    )
    chosen = {}
    for said in extractions:
        chosen[said.paper, "e1"] = "method:bert"
        chosen[said.paper, "e2"] = "task:nli"
    merges = (Merge(entity="method:bert", merged_name="Bert", rule="case", score=0.9),)
    return Resolution(
        entities=entities, assignments=chosen, merges=(*merges, Merge(entity="method:model", merged_name="models",
                                                                      rule="plural", score=0.9))
    )  # fmt: skip


def build(*extractions: Extraction) -> Graph:
    papers = [paper(int(said.paper.removeprefix("paper:"))) for said in extractions]
    return assemble(papers, extractions, nodes(*extractions))


def test_papers_that_say_the_same_share_a_statement() -> None:
    graph = build(extraction(1, score=0.5), extraction(2, score=0.6), extraction(3, score=0.7, negated=True))
    found = {s.key: (s.support, s.confidence) for s in graph.statements if s.subject == "method:bert"}
    assert found == {
        ("method:bert", "used_for", "task:nli", False): (2, 0.8),
        ("method:bert", "used_for", "task:nli", True): (1, 0.7),
    }


def test_every_piece_of_evidence_leads_to_its_sentence() -> None:
    graph = build(extraction(1), extraction(2))
    assert {graph.quote(e) for s in graph.statements for e in s.evidence} == {TEXT}


def test_what_no_paper_names_is_no_node() -> None:
    graph = build(extraction(1))
    assert [(e.id, e.broader, e.papers) for e in graph.entities] == [("method:bert", (), 1), ("task:nli", (), 1)]
    assert [merge.entity for merge in graph.merges] == ["method:bert"]


def test_a_relation_of_a_node_with_itself_says_nothing() -> None:
    said = extraction(1, role="introduces")
    same = Resolution(
        entities=(Entity(id="method:bert", type="Method", name="BERT"),),
        assignments={("paper:1", "e1"): "method:bert", ("paper:1", "e2"): "method:bert"},
    )
    graph = assemble([paper(1)], [said], same)
    assert [s.key for s in graph.statements] == [("paper:1", "introduces", "method:bert", False)]  # the stronger role


@given(st.randoms(use_true_random=False), st.lists(st.booleans(), min_size=1, max_size=6))
def test_the_order_of_papers_does_not_matter(chance: random.Random, negations: list[bool]) -> None:
    said = [extraction(n, score=0.1 * n, negated=negated) for n, negated in enumerate(negations, start=1)]
    graph = build(*said)
    chance.shuffle(said)
    assert build(*said) == graph


def test_citations_lead_to_papers_of_the_graph_only() -> None:
    links = set(build(extraction(1), extraction(2)).links())
    assert ("paper:2", "cites", "paper:1") in links
    assert not [link for link in links if link[2] == "x"]
    assert ("paper:1", "authored_by", "author:ada-lovelace") in links


def test_results_are_placed_and_tied() -> None:
    said = extraction(1)
    tied = Extraction(**{f: getattr(said, f) for f in ("paper", "model", "entities")},
                      results=(Result(value="1", method="e1"), Result(value="77", method="e1")))  # fmt: skip
    (result,) = build(tied).results  # 77 stands nowhere in the text
    assert (result.value, result.number, result.method, result.start) == ("1", 1.0, "method:bert", 6)


def test_networkx_keeps_parallel_edges_and_evidence(gold_graph: Graph) -> None:
    graph = build(extraction(1), extraction(2, negated=True)).to_networkx()
    edges = graph["method:bert"]["task:nli"]
    assert set(edges) == {"used_for", "not_used_for"}
    assert edges["used_for"]["evidence"][0]["sentence"] == TEXT
    assert edges["not_used_for"]["negated"] is True
    whole = gold_graph.to_networkx()
    assert whole.number_of_nodes() == len(gold_graph.papers) + len(gold_graph.entities) + len(gold_graph.results)
    assert whole.number_of_edges() == len(gold_graph.statements) + len(list(gold_graph.links()))
    assert all(data["type"] for _, data in whole.nodes(data=True))


def test_noisy_or_at_its_ends() -> None:
    assert noisy_or([]) == 0.0
    assert noisy_or([0.0]) == 0.0
    assert noisy_or([0.3]) == 0.3
    assert noisy_or([1.0, 0.3]) == 1.0


@given(st.text(max_size=30))
def test_any_value_is_a_number_or_none(text: str) -> None:
    number = parse_number(text)
    assert number is None or isinstance(number, float)
