"""What changed between two graphs: papers, entities, merges, statements, links gained and lost; confidence moved.

>>> from kg.model import Entity
>>> old = Graph(entities=(Entity(id="method:a", type="Method", name="A", papers=1),))
>>> new = Graph(entities=(Entity(id="method:b", type="Method", name="B", papers=1),))
>>> for line in lines(compare(old, new)):
...     print(line)
- entity method:a  A
+ entity method:b  B
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from kg import ontology
from kg.graph import Graph
from kg.model import CatalogueLink, Statement, digest
from kg.ontology import BASE
from kg.rdf import Description, Object, checked_base, decimal_of, describe_link, string, term

_LINK_FIELDS = ("entity", "match", "target", "catalogue", "score", "rule", "name", "label")


def compare(
    old: Graph, new: Graph, *, redirects: Mapping[str, str] = MappingProxyType({}), least: float = 0.0
) -> dict[str, Any]:
    """The differences, each list sorted; `redirects` says what nodes of `old` are called in `new`.

    Statements are compared after renaming, so that a renamed node does not make all that is said of it new. A
    confidence that moved by no more than `least` is left out.
    """
    known = {entity.id for entity in new.entities} | {paper.id for paper in new.papers}
    today = {former: node for former, node in redirects.items() if former not in known}
    before = {_renamed(statement, today): statement for statement in old.statements}
    after = {statement.key: statement for statement in new.statements}
    old_papers, new_papers = old.paper_by_id, new.paper_by_id
    old_entities, new_entities = old.entity_by_id, new.entity_by_id
    old_merges = {(today.get(m.entity, m.entity), m.merged_name): m for m in old.merges}
    old_links = {
        _link_key(link): link
        for link in (replace(link, entity=today.get(link.entity, link.entity)) for link in old.catalogue_links)
    }
    new_links = {_link_key(link): link for link in new.catalogue_links}
    new_merges = {(m.entity, m.merged_name): m for m in new.merges}
    return {
        "papers": {
            "gained": [[key, new_papers[key].title] for key in sorted(new_papers.keys() - old_papers.keys())],
            "lost": [[key, old_papers[key].title] for key in sorted(old_papers.keys() - new_papers.keys())],
        },
        "entities": {
            "gained": [[key, new_entities[key].name] for key in sorted(new_entities.keys() - old_entities.keys())],
            "lost": [
                [key, old_entities[key].name]
                for key in sorted(old_entities.keys() - new_entities.keys())
                if key not in today
            ],
            "became": [[key, today[key]] for key in sorted(old_entities.keys() & today.keys())],
            "renamed": [
                [key, old_entities[key].name, new_entities[key].name]
                for key in sorted(old_entities.keys() & new_entities.keys())
                if old_entities[key].name != new_entities[key].name
            ],
        },
        "merges": {
            "gained": [
                [*key, new_merges[key].rule, new_merges[key].decided_by]
                for key in sorted(new_merges.keys() - old_merges.keys())
            ],
            "lost": [
                [*key, old_merges[key].rule, old_merges[key].decided_by]
                for key in sorted(old_merges.keys() - new_merges.keys())
            ],
        },
        "statements": {
            "gained": [_row(key, after[key]) for key in sorted(after.keys() - before.keys())],
            "lost": [_row(key, before[key]) for key in sorted(before.keys() - after.keys())],
            "moved": [
                [*_row(key, after[key])[:4], before[key].confidence, after[key].confidence]
                for key in sorted(after.keys() & before.keys())
                if abs(after[key].confidence - before[key].confidence) > least
            ],
        },
        "links": {
            "gained": [_link_row(new_links[key]) for key in sorted(new_links.keys() - old_links.keys())],
            "lost": [_link_row(old_links[key]) for key in sorted(old_links.keys() - new_links.keys())],
        },
    }


def is_empty(difference: Mapping[str, Any]) -> bool:
    """Whether nothing changed."""
    return not any(rows for kinds in difference.values() for rows in kinds.values())


def lines(difference: Mapping[str, Any]) -> Iterator[str]:
    """The differences as text: `+` gained, `-` lost, `~` changed."""
    for kind, noun in (("papers", "paper"), ("entities", "entity")):
        for sign, which in (("-", "lost"), ("+", "gained")):
            for identifier, name in difference[kind][which]:
                yield f"{sign} {noun} {identifier}  {' '.join(name.split())}"
    for former, node in difference["entities"]["became"]:
        yield f"~ entity {former} is now {node}"
    for identifier, former, name in difference["entities"]["renamed"]:
        yield f"~ entity {identifier}  {former} is now called {name}"
    for sign, which in (("-", "lost"), ("+", "gained")):
        for entity, name, rule, who in difference["merges"][which]:
            yield f"{sign} name {' '.join(name.split())} of {entity} ({rule}, {who})"
    for sign, which in (("-", "lost"), ("+", "gained")):
        for subject, predicate, obj, negated, confidence in difference["statements"][which]:
            yield f"{sign} {subject} {'not_' if negated else ''}{predicate} {obj}  ({confidence})"
    for sign, which in (("-", "lost"), ("+", "gained")):
        for entity, match, target, catalogue, score, *_ in difference["links"][which]:
            yield f"{sign} {entity} {match} match {target}  ({catalogue}, {score})"
    for subject, predicate, obj, negated, was, now in difference["statements"]["moved"]:
        yield f"~ {subject} {'not_' if negated else ''}{predicate} {obj}  ({was} -> {now})"


def describe(difference: Mapping[str, Any], base: str = BASE) -> Iterator[Description]:
    """The differences as RDF: what is gained and lost, each with what names it; former ids; confidences that moved.

    >>> from kg.model import Entity
    >>> change = compare(Graph(), Graph(entities=(Entity(id="method:b", type="Method", name="B", papers=1),)))
    >>> [facts for subject, facts in describe(change) if subject == "method:b"]
    [[('rdf:type', 'kg:Method'), ('skos:prefLabel', ('B', 'xsd:string'))]]
    """
    whole = f"{checked_base(base)}difference"
    summary: list[tuple[str, Object]] = [("rdf:type", "kg:Difference")]
    nodes: dict[str, list[tuple[str, Object]]] = {}

    def add(subject: str, *facts: tuple[str, Object]) -> None:
        known = nodes.setdefault(subject, [])
        known.extend(fact for fact in facts if fact not in known)

    for which in ("gained", "lost"):
        for identifier, title in difference["papers"][which]:
            summary.append((f"kg:{which}", identifier))
            add(identifier, ("rdf:type", "kg:Paper"), ("dcterms:title", string(title)))
        for identifier, name in difference["entities"][which]:
            summary.append((f"kg:{which}", identifier))
            add(identifier, ("rdf:type", term(ontology.type_of(identifier))), ("skos:prefLabel", string(name)))
        for entity, name, rule, who in difference["merges"][which]:
            merge = f"<{whole}#merge-{digest(which, entity, name)[:16]}>"
            summary.append((f"kg:{which}", merge))
            facts = (("kg:mergedInto", entity), ("kg:mergedName", string(name)), ("kg:extractor", string(rule)))
            add(merge, ("rdf:type", "kg:Merge"), *facts, ("kg:decidedBy", string(who)))
        for *key, confidence in difference["statements"][which]:
            statement = _statement(*key)
            summary.append((f"kg:{which}", statement.id))
            add(statement.id, *_facts(statement), ("kg:confidence", decimal_of(confidence)))
        for row in difference["links"][which]:
            described = describe_link(CatalogueLink(**dict(zip(_LINK_FIELDS, row, strict=True))), base)
            summary.append((f"kg:{which}", described.subject))
            add(described.subject, *described.facts)
    for former, node in difference["entities"]["became"]:
        add(former, ("dcterms:isReplacedBy", node))
    for identifier, former, name in difference["entities"]["renamed"]:
        kind = term(ontology.type_of(identifier))
        add(identifier, ("rdf:type", kind), ("skos:prefLabel", string(name)), ("kg:formerName", string(former)))
    for *key, was, now in difference["statements"]["moved"]:
        statement = _statement(*key)
        summary.append(("kg:moved", statement.id))
        add(
            statement.id,
            *_facts(statement),
            ("kg:confidence", decimal_of(now)),
            ("kg:formerConfidence", decimal_of(was)),
        )
    yield Description(f"<{whole}>", summary)
    for subject in sorted(nodes):
        yield Description(subject, nodes[subject])


def _statement(subject: str, predicate: str, obj: str, negated: bool) -> Statement:
    return Statement(subject=subject, predicate=predicate, object=obj, negated=negated)


def _facts(statement: Statement) -> tuple[tuple[str, Object], ...]:
    return (
        ("rdf:type", "kg:Statement"),
        ("rdf:subject", statement.subject),
        ("rdf:predicate", term(statement.predicate)),
        ("rdf:object", statement.object),
        ("kg:negated", ("true" if statement.negated else "false", "xsd:boolean")),
    )


def _renamed(statement: Statement, today: Mapping[str, str]) -> tuple[str, str, str, bool]:
    subject, predicate, obj, negated = statement.key
    return today.get(subject, subject), predicate, today.get(obj, obj), negated


def _link_key(link: CatalogueLink) -> tuple[str, str, str, str]:
    return link.entity, link.match, link.target, link.catalogue


def _link_row(link: CatalogueLink) -> list[Any]:
    return [getattr(link, name) for name in _LINK_FIELDS]


def _row(key: tuple[str, str, str, bool], statement: Statement) -> list[Any]:
    return [*key, statement.confidence]
