"""The property graph: tables of nodes and relationships, derived from the ontology, and the rows of a `Graph` for them.

Every Cypher store and the CSV for `neo4j-admin` are filled from here, as RDF is from `kg.rdf`. `docs/cypher.md` says
what the tables hold. A negated statement is written as its `Evidence` nodes only, never as a relationship.

>>> tables = schema()
>>> tables.relationships["USED_FOR"].pairs
(('Method', 'Method'), ('Method', 'Task'))
>>> [column.name for column in tables.nodes["Author"].columns]
['id', 'type', 'name']
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from kg import ontology
from kg.graph import Graph
from kg.model import GraphError, Statement, evidence_id
from kg.sentences import sentence_at

Kind = Literal["text", "integer", "number", "boolean", "texts"]
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Column:
    """A property: its name and what kind of value it holds (`texts` is a list of text)."""

    name: str
    kind: Kind = "text"


@dataclass(frozen=True)
class NodeTable:
    """The nodes of one label; `id` comes first and is unique."""

    label: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class RelationshipTable:
    """The relationships of one type; `pairs` are the (head label, tail label) that it may join."""

    type: str
    pairs: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class Schema:
    """All tables by name."""

    nodes: Mapping[str, NodeTable]
    relationships: Mapping[str, RelationshipTable]


@dataclass(frozen=True)
class Relationships:
    """Rows of one relationship type between two labels: head id, tail id, then the properties in column order."""

    table: RelationshipTable
    head: str
    tail: str
    rows: tuple[Row, ...]


_SHARED = (Column("id"), Column("type"))
_PAPER = (
    *_SHARED,
    Column("name"),
    Column("title"),
    Column("abstract"),
    Column("authors", "texts"),
    Column("year", "integer"),
    Column("venue"),
    Column("doi"),
    Column("arxiv_id"),
    Column("url"),
    Column("keywords", "texts"),
    Column("source"),
)
_ENTITY = (
    *_SHARED,
    Column("name"),
    Column("aliases", "texts"),
    Column("broader", "texts"),
    Column("same_as", "texts"),
    Column("papers", "integer"),
)
_PLACE = (Column("sentence"), Column("start_char", "integer"), Column("end_char", "integer"))
_RESULT = (
    *_SHARED,
    Column("name"),
    Column("value"),
    Column("number", "number"),
    Column("unit"),
    Column("note"),
    Column("score", "number"),
    Column("paper"),
    *_PLACE,
)
_EVIDENCE = (
    *_SHARED,
    Column("statement"),
    Column("subject"),
    Column("predicate"),
    Column("object"),
    Column("negated", "boolean"),
    Column("hedged", "boolean"),
    Column("confidence", "number"),
    Column("support", "integer"),
    Column("score", "number"),
    Column("extractor"),
    Column("paper"),
    *_PLACE,
)
# The place is that of the best evidence, so that one hop answers "who says so, and where".
_STATEMENT = (
    Column("confidence", "number"),
    Column("support", "integer"),
    Column("papers", "texts"),
    Column("evidence", "texts"),
    Column("paper"),
    *_PLACE,
)


@cache
def schema() -> Schema:
    """The tables, derived from `kg.ontology`.

    All relationship tables have the same properties, empty where a link comes from metadata, so that one query can
    ask any of them. Beside the predicates there are `HAS_SUBJECT`, `HAS_OBJECT` and `IN_PAPER` of `Evidence`.
    """
    known = ontology.load()
    special = {"Paper": _PAPER, "Result": _RESULT, "Evidence": _EVIDENCE}
    nodes = {
        name: NodeTable(name, _ENTITY if node.entity else special.get(name, (*_SHARED, Column("name"))))
        for name, node in known.types.items()
    }
    relationships = {
        predicate.cypher: RelationshipTable(predicate.cypher, predicate.signatures, _STATEMENT)
        for predicate in known.predicates.values()
    }
    stated = [
        signature
        for kind in ("role", "relation")
        for predicate in known.of_kind(kind)
        for signature in predicate.signatures
    ]
    for name, ends in (
        ("HAS_SUBJECT", {head for head, _ in stated}),
        ("HAS_OBJECT", {tail for _, tail in stated}),
        ("IN_PAPER", {"Paper"}),
    ):
        pairs = tuple(("Evidence", label) for label in nodes if label in ends)
        relationships[name] = RelationshipTable(name, pairs, _STATEMENT)
    return Schema(MappingProxyType(nodes), MappingProxyType(relationships))


def former_ids(redirects: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """What earlier builds called each node, from former id -> id, sorted.

    >>> former_ids({"method:b": "method:c", "method:a": "method:c"})
    {'method:c': ('method:a', 'method:b')}
    """
    found: dict[str, tuple[str, ...]] = {}
    for former, node in sorted(redirects.items()):
        found[node] = (*found.get(node, ()), former)
    return found


def node_rows(graph: Graph) -> Iterator[tuple[NodeTable, tuple[Row, ...]]]:
    """Each table of nodes with its rows in column order, sorted by id; a table without rows comes too."""
    quotes = _quotes(graph)
    rows: dict[str, list[Row]] = {label: [] for label in schema().nodes}
    for paper in graph.papers:
        rows["Paper"].append(
            (
                paper.id,
                "Paper",
                paper.title,
                paper.title,
                paper.abstract,
                list(paper.authors),
                paper.year,
                paper.venue,
                paper.doi,
                paper.arxiv_id,
                paper.url,
                list(paper.keywords),
                paper.source,
            )
        )
    for entity in graph.entities:
        lists = (list(entity.aliases), list(entity.broader), list(graph.same_as(entity)))
        rows[entity.type].append((entity.id, entity.type, entity.name, *lists, entity.papers))
    rows["Author"] = [(identifier, "Author", name) for identifier, name in graph.authors.items()]
    rows["Venue"] = [(identifier, "Venue", name) for identifier, name in graph.venues.items()]
    for result in graph.results:
        place = (quotes[result.paper, result.start, result.end], result.start, result.end)
        about = (result.value, result.value, result.number, result.unit, result.note, result.score, result.paper)
        rows["Result"].append((result.id, "Result", *about, *place))
    for statement in graph.statements:
        for evidence in statement.evidence:
            place = (quotes[evidence.paper, evidence.start, evidence.end], evidence.start, evidence.end)
            rows["Evidence"].append(
                (
                    evidence_id(statement, evidence),
                    "Evidence",
                    statement.id,
                    statement.subject,
                    statement.predicate,
                    statement.object,
                    statement.negated,
                    evidence.hedged,
                    statement.confidence,
                    statement.support,
                    evidence.score,
                    evidence.extractor,
                    evidence.paper,
                    *place,
                )
            )
    for label, table in schema().nodes.items():
        yield table, tuple(sorted(rows[label], key=lambda row: str(row[0])))


def relationship_rows(graph: Graph) -> Iterator[Relationships]:
    """The relationships in groups of one type and one pair of labels, each sorted by head and tail."""
    quotes = _quotes(graph)
    tables = schema().relationships
    known = ontology.load().predicates
    types = {entity.id: entity.type for entity in graph.entities}
    groups: dict[tuple[str, str, str], list[Row]] = {
        (table.type, head, tail): [] for table in tables.values() for head, tail in table.pairs
    }
    empty = (None,) * len(_STATEMENT)

    def type_of(node: str) -> str:
        return types.get(node) or ontology.type_of(node)

    def add(name: str, head: tuple[str, str], tail: tuple[str, str], properties: Row = empty) -> None:
        group = (name, head[1], tail[1])
        if group not in groups:
            raise GraphError(
                f"{head[0]} {name.lower()} {tail[0]}: the ontology knows no such relation of a {head[1]} to a "
                f"{tail[1]}; run `kg validate` on the graph"
            )
        groups[group].append((head[0], tail[0], *properties))

    for statement in graph.statements:
        subject, obj = ((node, type_of(node)) for node in (statement.subject, statement.object))
        identifiers = [evidence_id(statement, evidence) for evidence in statement.evidence]
        for identifier, evidence in zip(identifiers, statement.evidence, strict=True):
            node = (identifier, "Evidence")
            add("HAS_SUBJECT", node, subject)
            add("HAS_OBJECT", node, obj)
            add("IN_PAPER", node, (evidence.paper, "Paper"))
        if not statement.negated:
            name = known[statement.predicate].cypher if statement.predicate in known else statement.predicate.upper()
            add(name, subject, obj, _statement_properties(statement, identifiers, quotes))
    for head, predicate, tail in graph.links():
        add(known[predicate].cypher, (head, type_of(head)), (tail, type_of(tail)))
    for (name, head, tail), rows in groups.items():
        yield Relationships(tables[name], head, tail, tuple(sorted(rows, key=lambda row: (row[0], row[1]))))


def _statement_properties(
    statement: Statement, identifiers: list[str], quotes: Mapping[tuple[str, int, int], str]
) -> Row:
    shared = (statement.confidence, statement.support, list(statement.papers), identifiers)
    if not statement.evidence:
        return (*shared, None, None, None, None)
    best = min(statement.evidence, key=lambda evidence: (-evidence.score, evidence.paper, evidence.start))
    return (*shared, best.paper, quotes[best.paper, best.start, best.end], best.start, best.end)


def _quotes(graph: Graph) -> dict[tuple[str, int, int], str]:
    """The sentence of each stretch of text that anything in the graph points to, paper by paper (sentences are split
    once a paper)."""
    places: set[tuple[str, int, int]] = {(result.paper, result.start, result.end) for result in graph.results}
    places.update(_places(graph.statements))
    quotes = {}
    for paper, start, end in sorted(places):
        text = graph.paper_by_id[paper].text
        first, last = sentence_at(text, start, end)
        quotes[paper, start, end] = text[first:last]
    return quotes


def _places(statements: Iterable[Statement]) -> Iterator[tuple[str, int, int]]:
    for statement in statements:
        for evidence in statement.evidence:
            yield evidence.paper, evidence.start, evidence.end
