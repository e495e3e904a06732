"""The graph as RDF: what the triples say, their order, and that every consumer has the same ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pyoxigraph as ox
import pytest
import rdflib
from golden_graph import BARE, ODD, PLAIN, golden_graph

from kg import ontology
from kg.graph import Graph
from kg.model import Entity, Evidence, OntologyError, Paper, Statement, evidence_id
from kg.ontology import KG, NAMESPACES
from kg.rdf import address, decimal, prefixes, to_rdflib, triples


def as_set(graph: Graph) -> set[ox.Triple]:
    return set(triples(graph))


def node(identifier: str) -> ox.NamedNode:
    return ox.NamedNode(ontology.iri(identifier))


def name(curie: str) -> ox.NamedNode:
    prefix, _, local = curie.partition(":")
    return ox.NamedNode(NAMESPACES[prefix] + local)


def objects(found: set[ox.Triple], subject: ox.NamedNode, predicate: str) -> list[str]:
    return sorted(str(t.object.value) for t in found if t.subject == subject and t.predicate == name(predicate))


def test_each_triple_comes_once_and_none_has_a_blank_node() -> None:
    found = list(triples(golden_graph()))
    assert len(found) == len(set(found))
    assert not any(isinstance(part, ox.BlankNode) for triple in found for part in (triple.subject, triple.object))


def test_the_triples_of_a_subject_follow_each_other() -> None:
    subjects = [triple.subject.value for triple in triples(golden_graph())]
    starts = [one for one, before in zip(subjects, ["", *subjects], strict=False) if one != before]
    assert len(starts) == len(set(starts))


def test_the_order_depends_on_the_graph_only() -> None:
    assert list(triples(golden_graph())) == list(triples(golden_graph()))


def test_a_paper() -> None:
    found = as_set(golden_graph())
    odd, plain = node(ODD.id), node(PLAIN.id)
    assert objects(found, plain, "rdf:type") == [KG + "Paper"]
    assert objects(found, plain, "dcterms:title") == [PLAIN.title]
    assert objects(found, plain, "dcterms:abstract") == [PLAIN.abstract]
    assert ox.Triple(plain, name("dcterms:issued"), ox.Literal("2024", datatype=name("xsd:gYear"))) in found
    assert objects(found, plain, "schema:datePublished") == ["2024"]
    assert objects(found, plain, "fabio:hasArXivId") == ["2402.13116"]
    assert ox.Triple(plain, name("schema:url"), ox.Literal("see the printed volume")) in found
    assert ox.Triple(odd, name("schema:url"), ox.NamedNode("https://example.org/a%20b?q=1%7C2")) in found
    assert objects(found, odd, "bibo:doi") == ["10.1000/<x> y"]
    assert objects(found, odd, "schema:sameAs") == ["https://doi.org/10.1000/%3Cx%3E%20y"]
    assert objects(found, odd, "schema:keywords") == ['a "b"', "graphs"]
    assert objects(found, odd, "kg:cites") == [node(PLAIN.id).value]  # not what is elsewhere
    assert len(objects(found, odd, "kg:authored_by")) == 3
    assert objects(found, node("author:ada-lovelace"), "foaf:name") == ["Ada Lovelace"]
    assert objects(found, node("venue:journal-of-odd-things"), "schema:name") == ['Journal of "Odd" Things']
    assert objects(found, node(BARE.id), "dcterms:abstract") == []


def test_an_entity() -> None:
    found = as_set(golden_graph())
    bert = node("method:bert")
    assert objects(found, bert, "rdf:type") == [KG + "Method"]
    assert objects(found, bert, "skos:prefLabel") == ["BERT"]
    assert objects(found, bert, "skos:altLabel")[:2] == ['BERT "large"', "Bert"]
    assert objects(found, bert, "skos:broader") == [node("method:transformer").value]
    assert objects(found, bert, "kg:papers") == ["2"]
    assert objects(found, bert, "dcterms:identifier") == ["somewhere else"]
    assert objects(found, node("dataset:glue"), "skos:exactMatch") == [
        "http://www.wikidata.org/entity/Q1",
        "https://example.org/g%20l",
    ]


def test_a_statement_is_a_triple_and_a_node_with_evidence() -> None:
    graph = golden_graph()
    found = as_set(graph)
    said = next(one for one in graph.statements if one.predicate == "used_for")
    assert ox.Triple(node("method:bert"), name("kg:used_for"), node("task:nli")) in found
    here = node(said.id)
    assert objects(found, here, "rdf:type") == [KG + "Statement"]
    assert objects(found, here, "rdf:subject") == [node("method:bert").value]
    assert objects(found, here, "rdf:predicate") == [KG + "used_for"]
    assert objects(found, here, "rdf:object") == [node("task:nli").value]
    assert ox.Triple(here, name("kg:confidence"), ox.Literal("0.84", datatype=name("xsd:decimal"))) in found
    assert ox.Triple(here, name("kg:support"), ox.Literal(2)) in found
    assert ox.Triple(here, name("kg:negated"), ox.Literal(False)) in found
    assert len(objects(found, here, "kg:evidence")) == 2


def test_evidence_leads_to_its_words() -> None:
    graph = golden_graph()
    found = as_set(graph)
    said = next(one for one in graph.statements if one.predicate == "exhibits")
    here = node(evidence_id(said, said.evidence[0]))
    assert objects(found, here, "oa:hasSource") == objects(found, here, "prov:wasDerivedFrom") == [node(PLAIN.id).value]
    assert objects(found, here, "kg:sentence") == ["BERT may exhibit overfitting."]
    assert objects(found, here, "kg:extractor") == ['kg "0.1"']
    assert objects(found, here, "kg:score") == ["0.4"]
    assert objects(found, here, "kg:hedged") == ["true"]
    position, words = ox.NamedNode(f"{here.value}#position"), ox.NamedNode(f"{here.value}#quote")
    assert objects(found, here, "oa:hasSelector") == [position.value, words.value]
    (start,), (end,) = objects(found, position, "oa:start"), objects(found, position, "oa:end")
    assert PLAIN.text[int(start) : int(end)] == "exhibit"
    assert objects(found, words, "oa:exact") == ["exhibit"]


def test_a_denied_statement_is_no_plain_triple() -> None:
    graph = golden_graph()
    found = as_set(graph)
    assert ox.Triple(node("method:gpt"), name("kg:outperforms"), node("method:transformer")) not in found
    denied = [one for one in graph.statements if one.negated]
    assert len(denied) == 2
    for one in denied:
        assert objects(found, node(one.id), "kg:negated") == ["true"]


def test_a_result() -> None:
    found = as_set(golden_graph())
    here = node("result:0123456789abcdef")
    assert objects(found, node(ODD.id), "kg:has_result") == [here.value]
    assert objects(found, here, "kg:value") == ["5.0 %"]
    assert ox.Triple(here, name("kg:number"), ox.Literal("5", datatype=name("xsd:decimal"))) in found
    assert objects(found, here, "kg:unit") == ["percent"]
    assert objects(found, here, "kg:of_method") == [node("method:bert").value]
    assert objects(found, here, "kg:in_metric") == [node("metric:accuracy").value]
    assert objects(found, ox.NamedNode(f"{here.value}#quote"), "oa:exact") == ["5.0 %"]


def test_offsets_stay_true_where_characters_are_illegal() -> None:
    found = as_set(golden_graph())
    abstract = objects(found, node(ODD.id), "dcterms:abstract")[0]
    text = f"{objects(found, node(ODD.id), 'dcterms:title')[0]}\n{abstract}"
    assert len(text) == len(ODD.text)
    assert "\x00" not in abstract
    said = next(one for one in golden_graph().statements if one.negated and one.support == 2)
    odd = next(one for one in said.evidence if one.paper == ODD.id)
    assert text[odd.start : odd.end] == "may not beat \ufffdGPT\ufffd"


def test_former_ids_lead_to_those_of_today() -> None:
    found = set(triples(golden_graph(), redirects={"method:bert-model": "method:bert"}))
    assert ox.Triple(node("method:bert-model"), name("dcterms:isReplacedBy"), node("method:bert")) in found
    assert {name("dcterms:isReplacedBy")} == {
        one.predicate for one in found if one.subject == node("method:bert-model")
    }


def test_the_description_counts_what_is_there() -> None:
    found = list(triples(golden_graph()))
    whole = ox.NamedNode(ontology.BASE)
    assert objects(set(found), whole, "void:triples") == [str(len(found))]
    classes = Counter(triple.object for triple in found if triple.predicate == name("rdf:type"))
    edges = Counter(triple.predicate for triple in found)
    parts = {triple.subject for triple in found if triple.predicate in (name("void:class"), name("void:property"))}
    assert len(parts) > 20
    for part in parts:
        facts = {triple.predicate: triple.object for triple in found if triple.subject == part}
        if name("void:class") in facts:
            assert facts[name("void:entities")].value == str(classes[facts[name("void:class")]])
        else:
            assert facts[name("void:triples")].value == str(edges[facts[name("void:property")]])
    described = {triple.object.value for triple in found if triple.predicate == name("void:class")}
    assert described >= {
        KG + kind for kind in ("Paper", "Author", "Venue", "Statement", "Evidence", "Result", "Method")
    }


def test_every_predicate_of_ours_is_in_the_ontology() -> None:
    known = {quad.subject.value for quad in ox.parse(path=str(ontology.path("kg.ttl")))}
    used = {part.value for triple in triples(golden_graph()) for part in (triple.predicate, triple.object)}
    assert {one for one in used if one.startswith(KG)} <= known


def test_oxigraph_and_rdflib_hold_the_same_triples() -> None:
    graph = golden_graph()
    store = ox.Store()
    store.extend(ox.Quad(*triple) for triple in triples(graph))
    assert {ox.Triple(quad.subject, quad.predicate, quad.object) for quad in store} == as_set(graph)
    assert {tuple(part.n3() for part in triple) for triple in to_rdflib(graph)} == {
        tuple(_n3(part) for part in triple) for triple in triples(graph)
    }


def _n3(part: object) -> str:
    if isinstance(part, ox.NamedNode):
        return rdflib.URIRef(part.value).n3()
    assert isinstance(part, ox.Literal)
    if part.datatype == name("xsd:string"):
        return rdflib.Literal(part.value).n3()
    return rdflib.Literal(part.value, datatype=rdflib.URIRef(part.datatype.value), normalize=False).n3()


def test_gold_papers_have_the_same_triples_everywhere(gold_graph: Graph) -> None:
    found = list(triples(gold_graph))
    assert len(found) == len(set(found)) > 10_000
    assert len(gold_graph.to_rdf()) == len(found)


def test_another_base_changes_ids_only() -> None:
    ours, theirs = as_set(golden_graph()), set(triples(golden_graph(), "https://graph.acme.com/papers/"))
    assert {triple.predicate for triple in ours} == {triple.predicate for triple in theirs}
    assert "https://graph.acme.com/papers/method/bert" in {triple.subject.value for triple in theirs}
    assert not any(triple.subject.value.startswith(ontology.BASE) for triple in theirs)
    assert prefixes("https://a.org/#")["method"] == "https://a.org/#method/"


@pytest.mark.parametrize("base", ["", "nonsense", "https://a b/", "https://example.org"])
def test_a_base_that_is_none_is_refused(base: str) -> None:
    with pytest.raises(OntologyError, match="base"):
        list(triples(Graph(), base))


def test_a_statement_about_a_missing_node_is_written_all_the_same() -> None:
    seen = Evidence(paper="paper:gone", start=3, end=1, score=1.5, extractor="x")
    lost = Statement(subject="method:a", predicate="flies to", object="task:b", evidence=(seen,))
    found = as_set(Graph(statements=(lost,)))
    assert ox.Triple(node("method:a"), ox.NamedNode(KG + "flies%20to"), node("task:b")) in found
    assert objects(found, node(evidence_id(lost, seen)), "kg:score") == ["1.5"]


def test_an_empty_graph_is_described() -> None:
    assert objects(as_set(Graph()), ox.NamedNode(ontology.BASE), "dcterms:title") == ["Knowledge graph of 0 papers"]


def test_equal_evidence_is_one_node_with_the_best_score() -> None:
    paper = Paper(id="paper:1", title="BERT")
    twice = tuple(Evidence(paper="paper:1", start=0, end=4, score=score, extractor="x") for score in (0.5, 0.9))
    bert = Entity(id="method:bert", type="Method", name="BERT", papers=1)
    said = Statement(subject="paper:1", predicate="uses", object="method:bert", evidence=twice)
    graph = Graph(papers=(paper,), entities=(bert,), statements=(said,))
    assert len(list(triples(graph))) == len(as_set(graph))
    assert objects(as_set(graph), node(evidence_id(said, twice[0])), "kg:score") == ["0.9"]
    assert as_set(replace(graph, statements=(replace(said, evidence=twice[::-1]),))) == as_set(graph)


def test_numbers_and_addresses() -> None:
    assert [decimal(one) for one in (0.1, 100.0, 1e21, -0.0)] == ["0.1", "100", "1000000000000000000000", "0"]
    assert float(decimal(5e-324)) == 5e-324
    assert address("javascript:alert(1)") == ("javascript:alert(1)", "xsd:string")
    assert address("http://[broken") == ("http://[broken", "xsd:string")
    assert address(" HTTPS://a.org/ü ") == "<HTTPS://a.org/%C3%BC>"
