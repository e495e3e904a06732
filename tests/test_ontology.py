"""`kg.ttl` is what the guidelines of annotation, the code and the docs say; ids and IRIs lead to each other."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg import ontology
from kg.model import ENTITY_TYPES, OntologyError

#: The table of roles in the guidelines of annotation, strongest first, with the types that each is for.
ROLES = {
    "introduces": set(ENTITY_TYPES),
    "studies": {"Method", "Concept", "Dataset"},
    "addresses": {"Task"},
    "evaluates_on": {"Dataset"},
    "uses": {"Method", "Dataset"},
    "compares": {"Method"},
    "reports": {"Metric"},
    "mentions": set(ENTITY_TYPES),
}
#: The table of relations in the guidelines of annotation.
RELATIONS = {
    "used_for": {("Method", "Task"), ("Method", "Method")},
    "part_of": {("Method", "Method")},
    "subtype_of": {(kind, kind) for kind in ENTITY_TYPES},
    "based_on": {("Method", "Method"), ("Dataset", "Dataset")},
    "outperforms": {("Method", "Method")},
    "compared_with": {("Method", "Method")},
    "evaluated_on": {("Method", "Dataset")},
    "benchmark_for": {("Dataset", "Task")},
    "measured_by": {("Task", "Metric"), ("Dataset", "Metric"), ("Method", "Metric")},
    "exhibits": {("Method", "Concept")},
}


def facts_of_ours() -> dict[str, dict[str, list[str]]]:
    """The terms of our own namespace in `kg.ttl`, with all that it says about each."""
    facts: dict[str, dict[str, list[str]]] = {}
    for quad in ox.parse(path=str(ontology.path("kg.ttl"))):
        assert isinstance(quad.subject, ox.NamedNode)
        if quad.subject.value.startswith(ontology.KG):
            said = facts.setdefault(quad.subject.value, {})
            said.setdefault(quad.predicate.value, []).append(str(quad.object.value))
    return facts


def test_types_are_those_of_the_code() -> None:
    types = ontology.load().types
    assert tuple(name for name, kind in types.items() if kind.entity) == ENTITY_TYPES
    assert set(types) == {*ENTITY_TYPES, "Paper", "Author", "Venue", "Result", "Evidence"}
    assert {kind.prefix for kind in types.values()} | {"statement"} == set(ontology.ID_PREFIXES)
    assert len({kind.color for kind in types.values()}) == len(types)


def test_roles_are_those_of_the_guidelines() -> None:
    roles = ontology.load().of_kind("role")
    assert [role.name for role in roles] == list(ROLES)
    for role in roles:
        assert set(role.signatures) == {("Paper", kind) for kind in ROLES[role.name]}


def test_relations_are_those_of_the_guidelines() -> None:
    relations = ontology.load().of_kind("relation")
    assert [relation.name for relation in relations] == list(RELATIONS)
    for relation in relations:
        assert set(relation.signatures) == RELATIONS[relation.name]


def test_links_and_aspects() -> None:
    schema = ontology.load()
    assert {link.name: link.signatures for link in schema.of_kind("link")} == {
        "authored_by": (("Paper", "Author"),),
        "published_in": (("Paper", "Venue"),),
        "cites": (("Paper", "Paper"),),
        "has_result": (("Paper", "Result"),),
    }
    assert [aspect.name for aspect in schema.of_kind("aspect")] == ["of_method", "on_task", "on_dataset", "in_metric"]


def test_the_ontology_is_owl_with_labels_and_comments() -> None:
    owl, rdfs, rdf = (ontology.NAMESPACES[prefix] for prefix in ("owl", "rdfs", "rdf"))
    ours = facts_of_ours()
    assert len(ours) > 50
    kinds = {owl + kind for kind in ("Class", "ObjectProperty", "DatatypeProperty", "AnnotationProperty")}
    for subject, said in ours.items():
        assert len(kinds & set(said[rdf + "type"])) == 1, subject
        assert len(said[rdfs + "label"]) == 1, subject
        assert len(said.get(rdfs + "comment", ())) == 1, subject
        for parent in said.get(rdfs + "subClassOf", []) + said.get(rdfs + "subPropertyOf", []):
            assert parent in ours or any(parent.startswith(known) for known in ontology.NAMESPACES.values()), parent
    used = {value for said in ours.values() for values in said.values() for value in values}
    used |= {predicate for said in ours.values() for predicate in said}
    assert {value for value in used if value.startswith(ontology.KG)} <= set(ours)


def test_entities_are_skos_concepts() -> None:
    ours, rdfs = facts_of_ours(), ontology.NAMESPACES["rdfs"]
    assert ours[ontology.KG + "Entity"][rdfs + "subClassOf"] == [ontology.NAMESPACES["skos"] + "Concept"]
    for kind in ENTITY_TYPES:
        assert ontology.KG + "Entity" in ours[ontology.KG + kind][rdfs + "subClassOf"]


@given(local=st.text(min_size=1))
def test_an_id_and_its_iri_lead_to_each_other(local: str) -> None:
    identifier = f"paper:{local}"
    address = ox.NamedNode(ontology.iri(identifier, "https://a.org/g/"))
    assert ontology.curie(address.value, "https://a.org/g/") == identifier


@given(name=st.text(min_size=1))
def test_a_slug_is_plain(name: str) -> None:
    made = ontology.slug(name)
    assert made
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not made.startswith("-")
    assert not made.endswith("-")


def test_ids_that_are_none() -> None:
    for text in ("bert", "method:", "thing:bert", ""):
        with pytest.raises(OntologyError, match="is no id of kg"):
            ontology.type_of(text)


def test_the_page_about_the_ontology_is_true() -> None:
    page = (Path(__file__).parents[1] / "docs" / "ontology.md").read_text("utf-8")
    schema = ontology.load()
    for kind in schema.types.values():
        assert f"| `{kind.name}` | `{kind.prefix}:` | {kind.comment} |" in page
    for one in schema.predicates.values():
        heads = list(dict.fromkeys(head for head, _ in one.signatures))
        ends = ", ".join(
            f"{head} → {' '.join(tail for first, tail in one.signatures if first == head)}" for head in heads
        )
        assert f"| `{one.name}` | {ends} | {one.comment} |" in page
