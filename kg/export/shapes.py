"""SHACL shapes and the JSON-LD context, made from the ontology: `python -m kg.export.shapes` renews both files.

>>> text = shapes()
>>> "sh:targetSubjectsOf kg:outperforms" in text
True
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from kg import ontology
from kg.export.jsonld import context_text
from kg.ontology import NAMESPACES, NodeType

_PREFIXES = ("bibo", "dcterms", "fabio", "foaf", "kg", "oa", "prov", "rdf", "schema", "skos", "xsd")
_SHAPES = "https://kg.example.org/shapes#"
_HEADER = """\
# What a graph of kg must keep to, in SHACL core. Made from kg.ttl by `python -m kg.export.shapes`: do not edit.
# `kg validate` checks a graph against these shapes, and against what SHACL core cannot say (docs/ontology.md)."""
_HASH = "[0-9a-f]{16}"


class Rule(NamedTuple):
    """What the values at the end of a path (without one: the nodes) must be, and how a report says it."""

    path: str | None
    message: str
    constraints: str


def shapes() -> str:
    """The text of `ontology/shapes.ttl`."""
    names = {prefix: NAMESPACES[prefix] for prefix in _PREFIXES}
    names |= {"sh": "http://www.w3.org/ns/shacl#", "shape": _SHAPES}
    blocks = [
        _HEADER,
        "\n".join(f"@prefix {prefix}: <{address}> ." for prefix, address in sorted(names.items())),
        *_nodes(),
        *_ends(),
    ]
    return "\n\n".join(blocks) + "\n"


def context() -> str:
    """The text of `ontology/context.jsonld`."""
    return f'{{"@context": {context_text()}}}\n'


def _nodes() -> Iterator[str]:
    schema = ontology.load()
    yield _node(
        "Paper",
        _identifier("paper", ".+"),
        _one("dcterms:title", "a paper has exactly one title", "sh:datatype xsd:string ; sh:minLength 1"),
        Rule("dcterms:abstract", "a paper has at most one abstract", "sh:maxCount 1 ; sh:datatype xsd:string"),
        Rule("dcterms:issued", "a paper has at most one year", "sh:maxCount 1 ; sh:datatype xsd:gYear"),
        Rule(
            "schema:datePublished", "the year of a paper is the one that it was issued in", "sh:equals dcterms:issued"
        ),
        Rule("fabio:hasArXivId", "a paper has at most one arXiv id", "sh:maxCount 1 ; sh:datatype xsd:string"),
        Rule("bibo:doi", "a paper has at most one DOI", "sh:maxCount 1 ; sh:datatype xsd:string"),
        *_disjoint_roles(),
    )
    for kind in schema.types.values():
        if kind.entity:
            yield _entity(kind)
    yield _node(
        "Author",
        _identifier("author", ".+"),
        _one("foaf:name", "an author has exactly one name", "sh:datatype xsd:string ; sh:minLength 1"),
    )
    yield _node(
        "Venue",
        _identifier("venue", ".+"),
        _one("schema:name", "a venue has exactly one name", "sh:datatype xsd:string ; sh:minLength 1"),
    )
    yield _node(
        "Result",
        _identifier("result", _HASH),
        _one("kg:value", "a result has exactly one value", "sh:datatype xsd:string ; sh:minLength 1"),
        Rule("kg:number", "a result has at most one number", "sh:maxCount 1 ; sh:datatype xsd:decimal"),
        Rule("kg:unit", "a result has at most one unit", "sh:maxCount 1 ; sh:datatype xsd:string"),
        Rule("kg:note", "a result has at most one note", "sh:maxCount 1 ; sh:datatype xsd:string"),
        Rule("[ sh:inversePath kg:has_result ]", "a result is of exactly one paper", "sh:minCount 1 ; sh:maxCount 1"),
        *_place("a result"),
    )
    stated = " ".join(f"kg:{one.name}" for one in schema.predicates.values() if one.kind in ("role", "relation"))
    yield _node(
        "Statement",
        _identifier("statement", _HASH),
        _one("rdf:subject", "a statement has exactly one subject", "sh:nodeKind sh:IRI"),
        _one("rdf:predicate", "the predicate of a statement is exactly one role or relation", f"sh:in ( {stated} )"),
        _one("rdf:object", "a statement has exactly one object", "sh:nodeKind sh:IRI"),
        Rule("( rdf:subject rdf:type )", "the subject of a statement is a node of the graph", "sh:minCount 1"),
        Rule("( rdf:object rdf:type )", "the object of a statement is a node of the graph", "sh:minCount 1"),
        _one("kg:negated", "a statement says exactly once whether it is negated", "sh:datatype xsd:boolean"),
        _one("kg:confidence", "a statement has exactly one confidence, from 0 to 1", _SHARE),
        _one(
            "kg:support",
            "a statement is supported by at least one paper",
            "sh:datatype xsd:integer ; sh:minInclusive 1",
        ),
        Rule("kg:evidence", "a statement has evidence", "sh:minCount 1 ; sh:class kg:Evidence"),
    )
    yield _node(
        "Evidence",
        _identifier("evidence", _HASH),
        _one("kg:extractor", "a piece of evidence names its extractor once", "sh:datatype xsd:string"),
        _one("kg:hedged", "a piece of evidence says exactly once whether it is hedged", "sh:datatype xsd:boolean"),
        Rule(
            "[ sh:inversePath kg:evidence ]",
            "a piece of evidence is of exactly one statement",
            "sh:minCount 1 ; sh:maxCount 1",
        ),
        *_place("a piece of evidence"),
    )
    yield _node(
        "CatalogueLink",
        _one("rdf:subject", "a catalogue link has exactly one subject", "sh:nodeKind sh:IRI"),
        Rule("( rdf:subject rdf:type )", "the subject of a catalogue link is a node of the graph", "sh:minCount 1"),
        _one(
            "rdf:predicate",
            "a catalogue link says that two things are the same or close",
            "sh:in ( skos:exactMatch skos:closeMatch )",
        ),
        _one("rdf:object", "a catalogue link has exactly one object", "sh:nodeKind sh:IRI"),
        _one("kg:score", "a catalogue link has exactly one score, from 0 to 1", _SHARE),
        _one("kg:reason", "a catalogue link has exactly one reason", "sh:datatype xsd:string ; sh:minLength 1"),
        _one("kg:catalogue", "a catalogue link names its catalogue", "sh:datatype xsd:string ; sh:minLength 1"),
    )
    whole_number = "sh:datatype xsd:integer ; sh:minInclusive 0"
    yield _node(
        "oa:TextPositionSelector",
        _one(
            "oa:start",
            "the start of a stretch of text is one number before its end",
            f"{whole_number} ; sh:lessThan oa:end",
        ),
        _one("oa:end", "the end of a stretch of text is one number", whole_number),
    )
    yield _node(
        "oa:TextQuoteSelector",
        _one("oa:exact", "a stretch of text holds at least one character", "sh:datatype xsd:string ; sh:minLength 1"),
    )


_SHARE = "sh:datatype xsd:decimal ; sh:minInclusive 0 ; sh:maxInclusive 1"


def _entity(kind: NodeType) -> str:
    return _node(
        kind.name,
        _identifier(kind.prefix, "[a-z0-9]+(-[a-z0-9]+)*"),
        Rule("rdf:type", "an entity has exactly one class", "sh:maxCount 1"),
        _one("skos:prefLabel", "an entity has exactly one prefLabel", "sh:datatype xsd:string ; sh:minLength 1"),
        Rule(
            "skos:altLabel", "an alias is text, and not the name", "sh:datatype xsd:string ; sh:disjoint skos:prefLabel"
        ),
        _one("kg:papers", "an entity is named by at least one paper", "sh:datatype xsd:integer ; sh:minInclusive 1"),
        Rule("skos:broader", "what is broader is another node", "sh:nodeKind sh:IRI"),
        Rule("skos:exactMatch", "what is the same elsewhere is an IRI", "sh:nodeKind sh:IRI"),
        Rule(
            "skos:closeMatch",
            "what is close elsewhere is an IRI, and not the same",
            "sh:nodeKind sh:IRI ; sh:disjoint skos:exactMatch",
        ),
        *_ranges(kind.name),
    )


def _place(what: str) -> Iterator[Rule]:
    """What evidence and results share: how sure, and where in which paper."""
    yield _one("kg:score", f"{what} has exactly one score, from 0 to 1", _SHARE)
    yield _one("kg:sentence", f"{what} has exactly one sentence", "sh:datatype xsd:string ; sh:minLength 1")
    yield _one("oa:hasSource", f"{what} is from exactly one paper of the graph", "sh:class kg:Paper")
    yield Rule("prov:wasDerivedFrom", f"{what} is derived from its source", "sh:equals oa:hasSource")
    yield Rule("oa:hasSelector", f"{what} has two selectors", "sh:minCount 2 ; sh:maxCount 2 ; sh:nodeKind sh:IRI")


def _disjoint_roles() -> Iterator[Rule]:
    roles = [role.name for role in ontology.load().of_kind("role")]
    for number, role in enumerate(roles[:-1]):
        others = ", ".join(f"kg:{other}" for other in roles[number + 1 :])
        yield Rule(f"kg:{role}", "an entity has one role in a paper", f"sh:disjoint {others}")


def _ranges(head: str) -> Iterator[Rule]:
    """What predicates that start at `head` lead to, where that is not all that they lead to from anywhere."""
    for predicate in ontology.load().predicates.values():
        tails = [tail for first, tail in predicate.signatures if first == head]
        if tails and len(tails) < len({tail for _, tail in predicate.signatures}):
            message = f"kg:{predicate.name} leads from a {head} to a {' or '.join(tails)}"
            yield Rule(f"( kg:{predicate.name} rdf:type )", message, f"sh:in ( {_classes(tails)} )")


def _ends() -> Iterator[str]:
    """What each predicate may start at and lead to."""
    for predicate in ontology.load().predicates.values():
        for target, verb, names in (
            ("Subjects", "starts at", dict.fromkeys(head for head, _ in predicate.signatures)),
            ("Objects", "leads to", dict.fromkeys(tail for _, tail in predicate.signatures)),
        ):
            message = f"kg:{predicate.name} {verb} a {' or '.join(names)}"
            rule = Rule("rdf:type", message, f"sh:minCount 1 ; sh:in ( {_classes(names)} )")
            yield _shape(f"{predicate.name}-{target.lower()}", f"sh:target{target}Of kg:{predicate.name}", rule)


def _classes(names: Iterable[str]) -> str:
    return " ".join(f"kg:{name}" for name in names)


def _node(target: str, *rules: Rule) -> str:
    """The rules for the nodes of a class, each a shape of its own: pyshacl then checks all nodes at once."""
    name = target.removeprefix("oa:")
    aim = f"sh:targetClass {target if ':' in target else f'kg:{target}'}"
    return "\n\n".join(_shape(f"{name}-{number}", aim, rule) for number, rule in enumerate(rules, start=1))


def _shape(name: str, aim: str, rule: Rule) -> str:
    kind = "sh:NodeShape" if rule.path is None else "sh:PropertyShape"
    path = "" if rule.path is None else f"sh:path {rule.path} ; "
    return f'shape:{name} a {kind} ; {aim} ;\n    {path}{rule.constraints} ;\n    sh:message "{rule.message}" .'


def _identifier(prefix: str, pattern: str) -> Rule:
    """The form of a node's IRI: whatever the base is, it ends as the id says."""
    message = f"the id of a {prefix} is an IRI that ends in /{prefix}/{pattern}"
    return Rule(None, message, f'sh:nodeKind sh:IRI ; sh:pattern "/{prefix}/{pattern}$"')


def _one(path: str, message: str, constraints: str) -> Rule:
    return Rule(path, message, f"sh:minCount 1 ; sh:maxCount 1 ; {constraints}")


def _write(folder: Path) -> None:
    (folder / "shapes.ttl").write_text(shapes(), "utf-8")
    (folder / "context.jsonld").write_text(context(), "utf-8")


if __name__ == "__main__":
    _write(ontology.path("kg.ttl").parent)
