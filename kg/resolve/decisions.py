"""What people decided about a graph (merge, unmerge, rename, retype, drop), kept in `decisions.jsonl`, one a line.

A decision names a node by its id and by the name that it had, and is found again by that name when a later build
gives it another id. They are obeyed in order. It is input: builds never write it, and deleting a line takes its
decision back.

>>> parse('{"action": "rename", "entity": "method:cnn", "name": "CNN", "to": "Convolutional Neural Network"}').to
'Convolutional Neural Network'
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from kg import ontology
from kg.aside import text_aside
from kg.model import ENTITY_TYPES, Extraction, GraphError, OntologyError, Resolution, Result, Statement
from kg.resolve.nodes import Nodes

logger = logging.getLogger(__name__)

Key = tuple[str, str, str, bool]

#: The name of the file in a graph directory.
FILE = "decisions.jsonl"
#: What people can decide, and the fields besides `entity` that each needs.
ACTIONS = {"drop": (), "merge": ("into",), "rename": ("to",), "retype": ("to",), "unmerge": ()}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One decision. `name` and `into_name` are what the nodes were called; `why` is for people.

    - merge: `entity` becomes part of `into`
    - unmerge: what papers call `merged` leaves `entity`; without `merged`, merges of `entity` before are taken back
    - rename: `entity` is called `to`; retype: its type is `to`
    - drop: `entity` is no node, or, with `predicate` and `object`, this statement is not in the graph
    """

    action: str
    entity: str
    name: str = ""
    into: str = ""
    into_name: str = ""
    merged: str = ""
    to: str = ""
    predicate: str = ""
    object: str = ""
    object_name: str = ""
    negated: bool = False
    why: str = ""


def parse(line: str) -> Decision:
    """A decision from one line; raises ValueError with the reason."""
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError("each line should be an object with action and entity")
    known = Decision.__dataclass_fields__
    unknown = sorted(row.keys() - known.keys())
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r}, known: {', '.join(sorted(known))}")
    for field, value in row.items():
        if not isinstance(value, bool if field == "negated" else str):
            raise ValueError(f"field {field!r} should be {'true or false' if field == 'negated' else 'a string'}")
    decision = Decision(**{"action": "", "entity": "", **row})
    if decision.action not in ACTIONS:
        raise ValueError(f"unknown action {decision.action!r}, known: {', '.join(sorted(ACTIONS))}")
    for field in ("entity", *ACTIONS[decision.action]):
        if not row.get(field):
            raise ValueError(f"{decision.action} needs the field {field!r}")
    try:
        types = [ontology.type_of(identifier) for identifier in (decision.entity, decision.into) if identifier]
    except OntologyError as error:
        raise ValueError(str(error)) from None
    if decision.action == "merge" and types[0] != types[1]:
        raise ValueError(f"{decision.entity} and {decision.into} differ in type: retype one of them first")
    if decision.action == "retype" and decision.to not in ENTITY_TYPES:
        raise ValueError(f"unknown type {decision.to!r}, known: {', '.join(ENTITY_TYPES)}")
    if decision.predicate and not decision.object:
        raise ValueError("a statement needs entity, predicate and object")
    return decision


def read(path: str | Path) -> tuple[Decision, ...]:
    """The decisions of a file, or of a graph directory; none where there is no file."""
    file = Path(path) / FILE if Path(path).is_dir() else Path(path)
    if not file.exists():
        return ()
    found = []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise GraphError(f"{file}: cannot be read: {error}") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                found.append(parse(line))
            except ValueError as error:
                raise GraphError(f"{file}:{number}: {error}") from None
    return tuple(found)


def append(directory: str | Path, decision: Decision) -> None:
    """Add a decision to those of a graph directory; the file is whole before and after, whatever happens."""
    file = Path(directory) / FILE
    line = to_json(decision)
    parse(line)
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    if before and not before.endswith("\n"):
        before += "\n"
    with text_aside(file) as out:
        out.write(f"{before}{line}\n")
        out.flush()
        os.fsync(out.fileno())


def to_json(decision: Decision) -> str:
    """A decision as one line, without the fields that say nothing."""
    said: dict[str, Any] = {name: value for name, value in asdict(decision).items() if value}
    return json.dumps(said, ensure_ascii=False)


def apply(nodes: Nodes, decisions: Sequence[Decision]) -> None:
    """Change nodes as people decided; a decision about a node that the corpus does not have changes nothing."""
    for decision in standing(decisions):
        if decision.predicate:
            continue  # about a statement, see `dropped`
        node = nodes.find(decision.entity, decision.name)
        if node is None:
            logger.info("no node for the decision %s", to_json(decision))
        elif decision.action == "merge":
            into = nodes.find(decision.into, decision.into_name)
            if into is not None and into is not node:
                nodes.unite(node, into)
        elif decision.action == "unmerge" and decision.merged:
            nodes.split(node, decision.merged)
        elif decision.action == "rename":
            nodes.rename(node, decision.to)
        elif decision.action == "retype" and node.type != decision.to:
            nodes.retype(node, decision.to)
        elif decision.action == "drop":
            nodes.drop(node)


def standing(decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions without the merges that later ones take back."""
    left: list[Decision] = []
    for decision in decisions:
        if decision.action == "unmerge" and not decision.merged:
            left = [d for d in left if not (d.action == "merge" and d.entity == decision.entity)]
        else:
            left.append(decision)
    return left


def adapt(extractions: Iterable[Extraction], resolution: Resolution) -> list[Extraction]:
    """Extractions in which each entity has the type of its node, where a person changed that.

    A role or relation that the new type does not have becomes the weakest that it has, or goes.
    """
    schema = ontology.load()
    adapted = []
    for extraction in extractions:
        changed = {}
        for entity in extraction.entities:
            node = resolution.assignments.get((extraction.paper, entity.id))
            if node is not None and ontology.type_of(node) != entity.type:
                changed[entity.id] = ontology.type_of(node)
        if changed:
            entities = []
            for entity in extraction.entities:
                if entity.id in changed:
                    entity_type = changed[entity.id]
                    roles = schema.roles(entity_type)
                    role = entity.role if entity.role in roles else "studies" if "studies" in roles else roles[-1]
                    mentions = tuple(replace(mention, type=entity_type) for mention in entity.mentions)
                    entity = replace(entity, type=entity_type, role=role, mentions=mentions)
                entities.append(entity)
            types = {entity.id: entity.type for entity in entities}
            extraction = replace(
                extraction,
                entities=tuple(entities),
                relations=tuple(
                    relation
                    for relation in extraction.relations
                    if schema.allows(types[relation.head], relation.predicate, types[relation.tail])
                ),
                results=tuple(_still_about(result, changed) for result in extraction.results),
            )
        adapted.append(extraction)
    return adapted


def _still_about(result: Result, changed: Mapping[str, str]) -> Result:
    """A result without the aspects whose entity is of another type now."""
    aspects = {"method": "Method", "task": "Task", "dataset": "Dataset", "metric": "Metric"}
    gone = {
        aspect: None
        for aspect, entity_type in aspects.items()
        if changed.get(getattr(result, aspect) or "", entity_type) != entity_type
    }
    return replace(result, **gone) if gone else result  # type: ignore[arg-type]


def dropped(statements: Iterable[Statement], names: Mapping[str, str], decisions: Sequence[Decision]) -> set[Key]:
    """The keys of the statements that people dropped; `names` gives the name of each node."""
    unwanted = [d for d in decisions if d.action == "drop" and d.predicate]

    def is_meant(identifier: str, wanted: str, name: str) -> bool:
        same_type = ontology.type_of(identifier) == ontology.type_of(wanted)
        return identifier == wanted or (bool(name) and same_type and names.get(identifier) == name)

    return {
        statement.key
        for statement in statements
        for d in unwanted
        if (statement.predicate, statement.negated) == (d.predicate, d.negated)
        and is_meant(statement.subject, d.entity, d.name)
        and is_meant(statement.object, d.object, d.object_name)
    }
