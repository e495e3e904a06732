"""Stores: a graph goes in (`load`), rows come out (`query`); an address says which (`ladybug:PATH`, `neo4j://…`).

>>> open_store("oxigraph:/tmp/x").language
'sparql'
>>> open_store("ftp://x")
Traceback (most recent call last):
kg.model.StoreError: 'ftp://x': no store has the scheme ftp: use a graph directory or one of bolt, bolt+s, bolt+ssc, \
http, https, ladybug, neo4j, neo4j+s, neo4j+ssc, oxigraph
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol

from kg.graph import Graph
from kg.model import StoreError

Language = Literal["cypher", "sparql"]
#: What a query must be written for: the two Cypher engines differ (docs/cypher.md), SPARQL is the same everywhere.
Dialect = Literal["ladybug", "neo4j", "sparql"]
Value = Any
Progress = Callable[[str, int, int], None]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+]+):")


@dataclass(frozen=True)
class Rows:
    """The answer to a query: plain values under column names.

    A node is a dict of its properties, a relationship one with its `type` too; an IRI of ours is its id. `form` is
    `ask` for a yes or no (one row, one cell) and `triples` for the graph that CONSTRUCT or DESCRIBE gives (each term
    as N-Triples writes it).
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    form: Literal["rows", "ask", "triples"] = "rows"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a query is given up: after `seconds`, or at more than `rows` rows; None is no limit."""

    seconds: float | None = None
    rows: int | None = None

    def check_rows(self, number: int) -> None:
        """Raise StoreError where an answer has more rows."""
        if self.rows is not None and number > self.rows:
            raise StoreError(f"the answer has more than {self.rows:,} rows: add LIMIT, or ask for more (--rows)")


NO_LIMITS = Limits()


class Store(Protocol):
    """What holds a graph and answers queries in its language."""

    @property
    def language(self) -> Language: ...

    @property
    def dialect(self) -> Dialect: ...

    def load(
        self,
        graph: Graph,
        *,
        redirects: Mapping[str, str] = ...,
        prune: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Put the graph in; with `prune`, also remove what an earlier load put in and the graph no longer holds.

        `redirects` (former id -> id) lets what earlier builds called a node be found, but in Ladybug, whose queries
        name no other ids. `progress` is called with what is loaded, how much of it is done, and how much there is.
        """
        ...

    def query(self, text: str, parameters: Mapping[str, Value] = ..., *, limits: Limits = ...) -> Rows:
        """The answer to a query that only reads; raises StoreError for any other."""
        ...


def open_store(address: str | Path, *, language: Language = "cypher") -> Store:
    """The store at an address; for a graph directory, its embedded store for `language`.

    Nothing is opened or reached before the first call of `load` or `query`.
    """
    text = str(address)
    scheme = _SCHEME.match(text)
    if scheme is None or Path(text).is_dir():
        from kg.stores.views import View

        return View(Path(text), language)
    opener = SCHEMES.get(scheme[1].lower())
    if opener is None:
        known = ", ".join(sorted(SCHEMES))
        raise StoreError(f"{text!r}: no store has the scheme {scheme[1]}: use a graph directory or one of {known}")
    return opener(text)


def _ladybug(address: str) -> Store:
    from kg.stores.ladybug import LadybugStore

    return LadybugStore(_path(address))


def _oxigraph(address: str) -> Store:
    from kg.stores.oxigraph import OxigraphStore

    return OxigraphStore(_path(address))


def _neo4j(address: str) -> Store:
    from kg.stores.neo4j import Neo4jStore

    return Neo4jStore.at(address)


def _sparql(address: str) -> Store:
    from kg.stores.sparql import SparqlStore

    return SparqlStore.at(address)


def _path(address: str) -> Path:
    path = address.partition(":")[2]
    if not path:
        raise StoreError(f"{address!r}: a path should follow, for example {address}graph")
    return Path(path)


#: What opens a store, by the scheme of its address.
SCHEMES: Mapping[str, Callable[[str], Store]] = MappingProxyType(
    {
        "ladybug": _ladybug,
        "oxigraph": _oxigraph,
        **dict.fromkeys(("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc"), _neo4j),
        **dict.fromkeys(("http", "https"), _sparql),
    }
)
