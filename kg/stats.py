"""What is in a graph, in numbers.

>>> from kg.model import Entity, Paper
>>> method = Entity(id="method:x", type="Method", name="X", papers=1)
>>> task = Entity(id="task:x", type="Task", name="X", papers=1)
>>> numbers = stats(Graph(papers=(Paper(id="paper:1", title="X"),), entities=(method, task)))
>>> numbers["entities_by_type"]["Task"], numbers["type_conflicts"]
(1, [{'name': 'X', 'ids': ['method:x', 'task:x']}])
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from kg.find import fold
from kg.graph import Graph
from kg.model import ENTITY_TYPES
from kg.resolve.forms import key

# A node with so many names that differ in more than spelling is listed; at most so many of them.
_CROWD, _SHOWN = 8, 20
#: The groups in which relations are counted by the number of papers that state them: label, from, to.
SUPPORT_GROUPS = (("1", 1, 1), ("2", 2, 2), ("3-5", 3, 5), ("6-10", 6, 10), ("11 and more", 11, None))


def stats(graph: Graph, *, most: int = 5) -> dict[str, Any]:
    """Counts by type, predicate and support, isolated entities, names of several types, the most frequent of each type.

    An entity is isolated when no relation joins it to another entity.
    """
    relations = [statement for statement in graph.statements if not statement.subject.startswith("paper:")]
    joined = {end for statement in relations for end in (statement.subject, statement.object)}
    isolated = sum(entity.id not in joined for entity in graph.entities)
    said = {evidence.paper for statement in graph.statements for evidence in statement.evidence}
    predicates = Counter(f"{'not_' if s.negated else ''}{s.predicate}" for s in graph.statements)
    frequent = {
        kind: sorted((e for e in graph.entities if e.type == kind), key=lambda e: (-e.papers, e.id))[:most]
        for kind in ENTITY_TYPES
    }
    return {
        "papers": len(graph.papers),
        "papers_without_entities": sum(paper.id not in said for paper in graph.papers),
        "authors": len(graph.authors),
        "venues": len(graph.venues),
        "entities": len(graph.entities),
        "mentions": len(graph.mentions),
        "statements": len(graph.statements),
        "evidence": sum(len(statement.evidence) for statement in graph.statements),
        "results": len(graph.results),
        "entities_by_type": _in_order(Counter(entity.type for entity in graph.entities)),
        "statements_by_predicate": dict(sorted(predicates.items(), key=lambda item: (-item[1], item[0]))),
        "relations_by_support": {
            label: sum(low <= s.support and (high is None or s.support <= high) for s in relations)
            for label, low, high in SUPPORT_GROUPS
        },
        "isolated_entities": isolated,
        "isolated_share": round(isolated / len(graph.entities), 4) if graph.entities else 0.0,
        "type_conflicts": _conflicts(graph),
        "crowded_nodes": _crowded(graph),
        "merges_by_rule": dict(sorted(Counter(merge.rule for merge in graph.merges).items())),
        "most_frequent": {
            kind: [{"id": entity.id, "name": entity.name, "papers": entity.papers} for entity in entities]
            for kind, entities in frequent.items()
            if entities
        },
    }


def as_rows(numbers: dict[str, Any]) -> list[tuple[str, str, float]]:
    """The same as (count, of what, number).

    >>> frequent = {"Task": [{"id": "task:x", "papers": 1}]}
    >>> as_rows({"papers": 1, "entities_by_type": {"Task": 2}, "most_frequent": frequent})
    [('papers', '', 1), ('entities_by_type', 'Task', 2), ('most_frequent', 'task:x', 1)]
    """
    rows: list[tuple[str, str, float]] = []
    for name, value in numbers.items():
        if name == "most_frequent":
            rows += [(name, node["id"], node["papers"]) for nodes in value.values() for node in nodes]
        elif isinstance(value, dict):
            rows += [(name, label, number) for label, number in value.items()]
        elif isinstance(value, list):
            rows += [(name, found["name"], found.get("forms", len(found["ids"]))) for found in value]
        else:
            rows.append((name, "", value))
    return rows


def _in_order(counts: Counter[str]) -> dict[str, int]:
    return {kind: counts[kind] for kind in ENTITY_TYPES}


def _conflicts(graph: Graph) -> list[dict[str, Any]]:
    """Names that nodes of several types bear, the most frequent first."""
    bearers: dict[str, list[tuple[str, str, int]]] = {}
    for entity in graph.entities:
        bearers.setdefault(fold(entity.name), []).append((entity.id, entity.name, entity.papers))
    several = [
        nodes for nodes in bearers.values() if len({identifier.partition(":")[0] for identifier, _, _ in nodes}) > 1
    ]
    several.sort(key=lambda nodes: (-sum(papers for _, _, papers in nodes), nodes))
    return [{"name": nodes[0][1], "ids": [identifier for identifier, _, _ in nodes]} for nodes in several]


def _crowded(graph: Graph) -> list[dict[str, Any]]:
    """Nodes that unite the most names, more than spelling explains: where to look for wrong merges, at most twenty."""
    crowded: list[dict[str, Any]] = []
    for entity in graph.entities:
        forms = {key(alias) for alias in entity.aliases} - {key(entity.name)}
        if len(forms) >= _CROWD:
            crowded.append({"name": entity.name, "ids": [entity.id], "forms": len(forms)})
    return sorted(crowded, key=lambda node: (-node["forms"], node["ids"]))[:_SHOWN]
