"""What people decide about a graph directory: merge, unmerge, rename, retype, drop; each can be tried dry first.

>>> import tempfile
>>> from kg.building import build
>>> row = '{"id": "1", "title": "On GLUE", "abstract": "BERT wins."}'
>>> bert = '{"id": "e1", "type": "Method", "name": "BERT", "surfaces": ["BERT"], "role": "studies"}'
>>> with tempfile.TemporaryDirectory() as folder:
...     _ = Path(folder, "papers.jsonl").write_text(row)
...     _ = Path(folder, "made.jsonl").write_text('{"id": "1", "entities": [%s]}' % bert)
...     _ = build(f"{folder}/papers.jsonl", extractions=f"{folder}/made.jsonl", output=f"{folder}/graph")
...     change = rename(f"{folder}/graph", "BERT", "Bert", why="house style")
...     print(change["entities"]["renamed"], load_graph(f"{folder}/graph").entities[0].name)
[['method:bert', 'BERT', 'Bert']] Bert
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kg.building import decide
from kg.compare import compare
from kg.directory import load_graph, redirects
from kg.explain import find_statement
from kg.find import resolve_name
from kg.graph import Graph
from kg.model import ENTITY_TYPES, GraphError, Merge
from kg.resolve import Decision, decisions
from kg.resolve.forms import key

Change = dict[str, Any]


def doubtful(graph: Graph, *, below: float = 1.1) -> list[Merge]:
    """The merges with a score less than `below`, the least sure first."""
    return sorted((merge for merge in graph.merges if merge.score < below), key=lambda m: (m.score, m))


def merge(directory: str | Path, what: str, into: str, *, why: str = "", dry_run: bool = False) -> Change:
    """Make two nodes one, which is called as `into` is."""
    graph = load_graph(directory)
    one, other = _entity(directory, graph, what), _entity(directory, graph, into)
    if one == other:
        raise GraphError(f"{what!r} and {into!r} are both {one}: there is nothing to merge")
    kinds = [graph.entity_by_id[identifier].type for identifier in (one, other)]
    if kinds[0] != kinds[1]:
        raise GraphError(f"{one} is a {kinds[0]} and {other} a {kinds[1]}: kg retype one of them first")
    decision = Decision(
        action="merge", entity=one, name=_name(graph, one), into=other, into_name=_name(graph, other), why=why
    )
    return _decide(directory, decision, dry_run)


def unmerge(directory: str | Path, what: str, name: str = "", *, why: str = "", dry_run: bool = False) -> Change:
    """Take `name` out of a node; without a name, take back the merges of people that `what` took part in."""
    graph = load_graph(directory)
    if not name:
        made = [d for d in decisions.standing(decisions.read(directory)) if d.action == "merge"]
        today = None if what in {d.entity for d in made} else _entity(directory, graph, what)
        now = redirects(directory)
        parts = sorted({d.entity for d in made if what == d.entity or now.get(d.into, d.into) == today})
        if not parts:
            raise GraphError(f"nobody merged anything into {what!r}: name what to take out, kg explain lists the names")
        if len(parts) > 1:
            raise GraphError(f"{what!r} holds {len(parts)} merged nodes, name one: {', '.join(parts)}")
        return _decide(directory, Decision(action="unmerge", entity=parts[0], why=why), dry_run)
    node = _entity(directory, graph, what)
    if key(name) == key(_name(graph, node)):
        raise GraphError(f"{name!r} is what {node} itself is called: kg rename gives it another name")
    decision = Decision(action="unmerge", entity=node, name=_name(graph, node), merged=name, why=why)
    return _decide(
        directory,
        decision,
        dry_run,
        nothing=f"no paper uses {name!r} alone for {node}, or no other name: what one paper calls one thing stays one",
    )


def rename(directory: str | Path, what: str, name: str, *, why: str = "", dry_run: bool = False) -> Change:
    """Call a node otherwise; its id follows the name."""
    graph = load_graph(directory)
    node = _entity(directory, graph, what)
    to = " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())
    if not to:
        raise GraphError("a node cannot be called by an empty name: give another")
    kind = graph.entity_by_id[node].type
    there = [e.id for e in graph.entities if e.type == kind and e.id != node and key(e.name) == key(to)]
    if there:
        raise GraphError(f"{there[0]} is called {to!r} already: kg merge makes the two one")
    return _decide(directory, Decision(action="rename", entity=node, name=_name(graph, node), to=to, why=why), dry_run)


def retype(directory: str | Path, what: str, entity_type: str, *, why: str = "", dry_run: bool = False) -> Change:
    """Give a node another type; relations that the new type cannot have go."""
    graph = load_graph(directory)
    node = _entity(directory, graph, what)
    known = {name.casefold(): name for name in ENTITY_TYPES}
    if entity_type.casefold() not in known:
        raise GraphError(f"{entity_type!r} is no type of entity, known: {', '.join(ENTITY_TYPES)}")
    to = known[entity_type.casefold()]
    return _decide(directory, Decision(action="retype", entity=node, name=_name(graph, node), to=to, why=why), dry_run)


def drop(directory: str | Path, what: str, *, why: str = "", dry_run: bool = False) -> Change:
    """Take a node, or a statement (its id, or SUBJECT PREDICATE OBJECT), out of the graph."""
    graph = load_graph(directory)
    statement = None
    try:
        node = _entity(directory, graph, what)
    except GraphError:
        statement = find_statement(graph, what, redirects(directory), whole=True)
        if statement is None:
            raise
    if statement is None:
        return _decide(directory, Decision(action="drop", entity=node, name=_name(graph, node), why=why), dry_run)
    decision = Decision(
        action="drop",
        entity=statement.subject,
        name=_name(graph, statement.subject),
        predicate=statement.predicate,
        object=statement.object,
        object_name=_name(graph, statement.object),
        negated=statement.negated,
        why=why,
    )
    return _decide(directory, decision, dry_run)


def _entity(directory: str | Path, graph: Graph, what: str) -> str:
    if what in graph.paper_by_id:
        raise GraphError(f"{what} is a paper: kg remove takes papers out, only entities can be changed")
    return resolve_name(graph, what, types=ENTITY_TYPES, redirects=redirects(directory), whole=True)


def _name(graph: Graph, identifier: str) -> str:
    """The name of an entity; papers are known by their id alone."""
    return graph.entity_by_id[identifier].name if identifier in graph.entity_by_id else ""


def _decide(
    directory: str | Path, decision: Decision, dry_run: bool, *, nothing: str = "it is as you want it already"
) -> Change:
    before, after, former = decide(directory, decision, dry_run=dry_run)
    change = compare(before, after, redirects=former)
    if before == after:
        raise GraphError(f"nothing would change: {nothing}")
    return change
