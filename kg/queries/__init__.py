"""The catalogue: questions that people ask of such a graph, each with its Cypher, its SPARQL and its parameters.

Each question is one file beside this one; `docs/questions.md` lists them. A node is given by its id, or by a name or
an alias that only one node has.

>>> question = catalogue()["outperforms"]
>>> question.question
'Which methods are said to outperform a method, and where?'
>>> [(parameter.name, parameter.kind) for parameter in question.parameters]
[('method', 'Method')]
>>> question.text("neo4j").splitlines()[0]
'MATCH (s:Method)<-[:HAS_SUBJECT]-(e:Evidence)-[:HAS_OBJECT]->(o:Method {id: $method})'
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kg import ontology
from kg.model import ENTITY_TYPES, OntologyError, StoreError
from kg.stores import NO_LIMITS, Dialect, Limits, Rows, Store

# What a parameter that names a node may be, beside a type: how its `kind` is written.
_KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType({"Entity": ENTITY_TYPES, "Node": (*ENTITY_TYPES, "Paper")})
_CYPHER_NAMED = """
MATCH (n) WHERE n.type IN $types AND toLower(n.name) = toLower($name) RETURN n.id AS id, 0 AS place
UNION
MATCH (n:Concept|Dataset|Method|Metric|Task) UNWIND n.aliases AS alias
WITH n, alias WHERE n.type IN $types AND toLower(alias) = toLower($name) RETURN n.id AS id, 1 AS place
"""
_SPARQL_NAMED = """
SELECT DISTINCT ?id ?place {
  { ?id skos:prefLabel|dcterms:title|foaf:name|schema:name ?name BIND(0 AS ?place) }
  UNION { ?id skos:altLabel ?name BIND(1 AS ?place) }
  FILTER(LCASE(STR(?name)) = LCASE($name))
}
"""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What a question asks for: a node of a type (`Entity` is any that texts name, `Node` also a paper), or a value."""

    name: str
    kind: str
    about: str
    default: int | str | None = None
    example: int | str | None = None


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question of the catalogue: what it asks in a sentence, and its text in each dialect."""

    name: str
    question: str
    texts: Mapping[Dialect, str]
    parameters: tuple[Parameter, ...]

    def text(self, dialect: Dialect) -> str:
        """The query for a kind of store."""
        return self.texts[dialect]


@cache
def catalogue() -> Mapping[str, Question]:
    """All questions by name, in alphabetic order."""
    files = {path.stem: path for path in Path(__file__).parent.glob("*.toml")}
    return MappingProxyType({name: _read(files[name]) for name in sorted(files)})


def find(name: str) -> Question:
    """The question of this name; raises StoreError for an unknown one, with those that are like it.

    >>> find("datasets-of")
    Traceback (most recent call last):
    kg.model.StoreError: no question is called 'datasets-of'; perhaps datasets, datasets-of-method, datasets-of-task: \
`kg ask` lists all
    """
    import difflib

    known = catalogue()
    if name not in known:
        like = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        perhaps = f"; perhaps {', '.join(sorted(like))}" if like else ""
        raise StoreError(f"no question is called {name!r}{perhaps}: `kg ask` lists all")
    return known[name]


def ask(question: Question, store: Store, given: Mapping[str, str], *, limits: Limits = NO_LIMITS) -> Rows:
    """The answer of a store; `given` are the parameters as typed: ids or names of nodes, numbers, text."""
    expected = {parameter.name: parameter for parameter in question.parameters}
    usage = " ".join(f"{name}=…" for name in expected) or "none"
    if unknown := sorted(given.keys() - expected):
        raise StoreError(f"{question.name} has no parameter {unknown[0]!r}; its parameters: {usage}")
    values = {}
    for name, parameter in expected.items():
        if name in given:
            values[name] = _value(parameter, given[name], store, limits)
        elif parameter.default is not None:
            values[name] = parameter.default
        else:
            raise StoreError(
                f"{question.name} needs {name}=… ({parameter.about}), for example {name}={parameter.example}"
            )
    return store.query(question.text(store.dialect), values, limits=limits)


def described(question: Question) -> str:
    """The question, its parameters and its texts, for people to read."""
    lines = [f"{question.name}: {question.question}", ""]
    for parameter in question.parameters:
        default = "" if parameter.default is None else f" (default {parameter.default})"
        lines.append(f"  {parameter.name}=…  {parameter.about}{default}")
    lines += [""] if question.parameters else []
    cypher, neo4j = question.text("ladybug"), question.text("neo4j")
    texts = {"Cypher": cypher} if cypher == neo4j else {"Cypher (Ladybug)": cypher, "Cypher (Neo4j)": neo4j}
    for title, text in {**texts, "SPARQL": question.text("sparql")}.items():
        lines += [f"{title}:", *(f"  {line}" for line in text.splitlines()), ""]
    return "\n".join(lines)


def named(store: Store, name: str, types: tuple[str, ...], *, limits: Limits = NO_LIMITS) -> str:
    """The id of the only node of these types that has a name, or failing that an alias, in capitals or not."""
    if store.language == "cypher":
        rows = store.query(_CYPHER_NAMED, {"name": name, "types": list(types)}, limits=limits).rows
    else:
        rows = store.query(_SPARQL_NAMED, {"name": name}, limits=limits).rows
    prefixes = tuple(f"{kind.lower()}:" for kind in types)
    places = sorted((int(place), str(identifier)) for identifier, place in rows if str(identifier).startswith(prefixes))
    found = sorted({identifier for place, identifier in places if place == places[0][0]})
    kinds = types[0] if len(types) == 1 else f"{', '.join(types[:-1])} or {types[-1]}"
    if not found:
        raise StoreError(f"no {kinds} is called {name!r}: `kg find` finds parts of names, `kg ask find` in any store")
    if len(found) > 1:
        raise StoreError(f"{name!r} may be {', '.join(found[:8])}{' …' if len(found) > 8 else ''}: give the id")
    return found[0]


def _value(parameter: Parameter, typed: str, store: Store, limits: Limits) -> Any:
    if parameter.kind == "integer":
        if not typed.isdecimal():
            raise StoreError(f"{parameter.name}={typed}: {parameter.about} is a whole number from 0 on")
        return int(typed)
    if parameter.kind == "text":
        return typed
    types = _KINDS.get(parameter.kind, (parameter.kind,))
    try:
        kind = ontology.type_of(typed)
    except OntologyError:
        return named(store, typed, types, limits=limits)
    if kind not in types:
        raise StoreError(f"{parameter.name}={typed}: should be {parameter.about}, and that is a {kind}")
    return typed


def _read(path: Path) -> Question:
    content = tomllib.loads(path.read_text("utf-8"))
    cypher = str(content.get("cypher"))
    return Question(
        name=path.stem,
        question=content["question"],
        texts=MappingProxyType(
            {
                "ladybug": content.get("ladybug", cypher),
                "neo4j": content.get("neo4j", cypher),
                "sparql": content["sparql"],
            }
        ),
        parameters=tuple(Parameter(name=name, **about) for name, about in content.get("parameters", {}).items()),
    )
