"""Neo4j as a store: constraints first, then batches that may be repeated; what kg did not write is left alone.

Every node and relationship that kg writes carries the property `_kg`; kg changes and removes only those. The password
comes from the environment (`NEO4J_PASSWORD`), never from the address.

>>> store = Neo4jStore.at("neo4j+s://ada@graph.example:7688/papers")
>>> store.uri, store.user, store.database
('neo4j+s://graph.example:7688', 'ada', 'papers')
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote, urlsplit

from kg.graph import Graph
from kg.model import ENTITY_TYPES, StoreError
from kg.property_graph import NodeTable, Relationships, Row, former_ids, node_rows, relationship_rows, schema
from kg.stores import NO_LIMITS, Dialect, Language, Limits, Progress, Rows
from kg.stores.deadline import within
from kg.stores.text import check_cypher, line_and_column, show_place

if TYPE_CHECKING:
    from neo4j import Driver, ManagedTransaction, Session

#: The property of all that kg writes.
MARK = "_kg"
#: The property that lists what earlier builds called a node; the others have none.
FORMER_IDS, FORMER_LABELS = "former_ids", (*ENTITY_TYPES, "Paper")
#: The full-text index over names, titles and aliases.
NAMES_INDEX = "kg_names"
#: Where the password is looked for; set and empty means that the server asks for none.
PASSWORD = "NEO4J_PASSWORD"  # noqa: S105 - the name of a variable

_BIBLIOGRAPHY = frozenset(("Paper", "Author", "Venue"))

_BATCH = 5000
_WRITERS = 2
# An error of the server may last a moment (a leader election, a restart): transactions are retried for so long.
_RETRY_SECONDS = 30.0
_CONNECT_SECONDS = 15.0
_PLACE = re.compile(r"\(line (\d+), column (\d+)")


@dataclass(frozen=True)
class Neo4jStore:
    """A database of a Neo4j server; `database` None is the server's default."""

    uri: str
    user: str
    database: str | None = None
    language: ClassVar[Language] = "cypher"
    dialect: ClassVar[Dialect] = "neo4j"

    @classmethod
    def at(cls, address: str) -> Neo4jStore:
        """The store at `neo4j://user@host:7687/database`."""
        try:
            parts = urlsplit(address)
            password, port = parts.password, parts.port or 7687
        except ValueError as error:
            raise StoreError("a Neo4j address looks like neo4j://user@host:7687/database") from error
        if password is not None:
            raise StoreError(f"a password in an address can be read by others: leave it out and set {PASSWORD}")
        if not parts.hostname or parts.query or parts.fragment or parts.path.count("/") > 1:
            raise StoreError(f"{address!r}: a Neo4j address looks like neo4j://user@host:7687/database")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        user = unquote(parts.username) if parts.username else "neo4j"
        return cls(f"{parts.scheme}://{host}:{port}", user, unquote(parts.path.lstrip("/")) or None)

    def load(
        self,
        graph: Graph,
        *,
        redirects: Mapping[str, str] = MappingProxyType({}),
        prune: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Write the graph; a second time changes nothing, after an interruption it completes the first."""
        with (
            self._driver(write=True) as driver,
            self._session(driver, write=True) as session,
            ThreadPoolExecutor(_WRITERS + 1) as workers,
        ):
            for statement in constraints():
                session.run(statement).consume()
            first = session.run(f"MATCH (n:`Paper` {{{MARK}: true}}) RETURN true LIMIT 1").single() is None
            nodes = list(node_rows(graph))
            making = workers.submit(lambda: list(relationship_rows(graph)))  # while the server writes nodes
            tell = _counter("nodes", sum(len(rows) for _, rows in nodes), progress)
            for table, rows in nodes:
                list(workers.map(partial(self._merge_nodes, driver, tell, table), _batches(rows)))
            groups = making.result()
            tell = _counter("relationships", sum(len(group.rows) for group in groups), progress)
            write = partial(self._write_relationships, driver, tell, first)
            for beside in _side_by_side(groups) if first else [(groups,)]:
                list(workers.map(write, beside))
            _set_former_ids(session, nodes, redirects)
            if prune:
                _prune(session, nodes, groups)
            # An index is filled faster than it is kept up to date.
            for statement in indexes():
                session.run(statement).consume()
            session.run("CALL db.awaitIndexes(600)").consume()

    def _merge_nodes(self, driver: Driver, tell: Callable[[int], None], table: NodeTable, batch: list[Row]) -> None:
        """Write a batch in a session of its own, beside others."""
        with self._session(driver, write=True) as session:
            session.execute_write(_merge_nodes, table, batch)
        tell(len(batch))

    def _write_relationships(
        self, driver: Driver, tell: Callable[[int], None], first: bool, groups: Sequence[Relationships]
    ) -> None:
        """Write groups one after the other, in a session of its own; where kg loads for the `first` time, none is
        looked for."""
        write = _create_relationships if first else _merge_relationships
        with self._session(driver, write=True) as session:
            for group in groups:
                # Links of metadata have no properties: neither the network nor the server need hear of them.
                stated = any(value is not None for row in group.rows[:1] for value in row[2:])
                names = group.table.names if stated else ()
                rows = group.rows if stated else tuple(row[:2] for row in group.rows)
                for batch in _batches(rows, 1 if stated else 4):
                    session.execute_write(write, group, names, batch)
                    tell(len(batch))

    def query(self, text: str, parameters: Mapping[str, Any] = {}, *, limits: Limits = NO_LIMITS) -> Rows:
        """The rows of a query that only reads."""
        from neo4j import Query

        check(text, parameters)
        seconds = limits.seconds

        def work() -> Rows:
            with self._driver(write=False, text=text) as driver, self._session(driver, write=False) as session:
                result = session.run(Query(text, timeout=seconds), dict(parameters))
                columns = tuple(result.keys())
                rows: list[tuple[Any, ...]] = []
                for record in result:
                    limits.check_rows(len(rows) + 1)
                    rows.append(tuple(plain(value) for value in record.values()))
                return Rows(columns, tuple(rows))

        return within(seconds, work, grace=_CONNECT_SECONDS)

    @contextlib.contextmanager
    def _driver(self, *, write: bool, text: str = "") -> Iterator[Driver]:
        """A driver; what goes wrong with it becomes a StoreError of one line."""
        import neo4j
        from neo4j.exceptions import DriverError, Neo4jError

        driver: Driver | None = None
        try:
            driver = neo4j.GraphDatabase.driver(
                self.uri,
                auth=self._auth(),
                connection_timeout=_CONNECT_SECONDS,
                connection_acquisition_timeout=_CONNECT_SECONDS,
                max_transaction_retry_time=_RETRY_SECONDS,
                notifications_min_severity="OFF",
                user_agent="kg-papers",
            )
            yield driver
        except (DriverError, Neo4jError, OSError, ValueError) as error:
            raise self._explained(error, text, write=write) from error
        finally:
            if driver is not None:
                driver.close()

    def _session(self, driver: Driver, *, write: bool) -> Session:
        import neo4j

        mode = neo4j.WRITE_ACCESS if write else neo4j.READ_ACCESS
        return driver.session(database=self.database, default_access_mode=mode)

    def _auth(self) -> tuple[str, str] | None:
        password = os.environ.get(PASSWORD)
        if password is None:
            raise StoreError(f"{self.uri}: no password: set {PASSWORD} (empty where the server asks for none)")
        return (self.user, password) if password else None

    def _explained(self, error: Exception, text: str, *, write: bool) -> StoreError:
        """What happened, in one line, without the password, and what to do."""
        from neo4j import exceptions

        where = self.uri if self.database is None else f"{self.uri}/{self.database}"
        said = " ".join((getattr(error, "message", None) or str(error)).split())
        code = getattr(error, "code", None) or ""
        again = "; what was loaded stays, load again to complete it" if write else ""
        if isinstance(error, exceptions.AuthError):
            return StoreError(f"{where}: Neo4j refuses user {self.user}: check the name and {PASSWORD}")
        if code.endswith("DatabaseNotFound"):
            return StoreError(f"{where}: the server has no such database")
        if code.endswith(("TransactionTimedOut", "TransactionTimedOutClientConfiguration", "Transaction.Terminated")):
            return StoreError(
                f"{where}: Neo4j stopped the query at its time: ask for less, or give it more (--timeout)"
            )
        if "AccessMode" in code or "write access mode" in said.lower():
            return StoreError("a query that writes is refused: kg only reads the graph")
        if code.endswith("SyntaxError") and text:
            place = _PLACE.search(said)
            reason = re.sub(r", expected a graph pattern.*|: expected .*| \(line \d+, column.*| \"\S.*", "", said)
            where = "" if place is None or place[1] == "0" else show_place(text, int(place[1]), int(place[2]))
            return StoreError(f"the query cannot be read: {reason}{where}")
        if code:
            return StoreError(f"{where}: Neo4j refuses: {said}{again}")
        if isinstance(error, exceptions.ServiceUnavailable | exceptions.SessionExpired | OSError):
            return StoreError(f"{where}: no Neo4j answers: check the address and that it runs{again}")
        return StoreError(f"{where}: {said}{again}")


def check(text: str, parameters: Mapping[str, Any]) -> None:
    """Raise StoreError for a text that loads files (a read-only session lets it), or whose parameters do not fit."""
    tokens = check_cypher(text, parameters)
    for token, following in pairwise(tokens):
        if token.text.upper() == "LOAD" and following.text.upper() == "CSV":
            place = show_place(text, *line_and_column(text, token.start))
            raise StoreError(f"LOAD CSV is refused: kg only reads the graph, no files{place}")


def constraints() -> Iterator[str]:
    """The statements that make ids unique, and found fast, which loading needs.

    >>> next(constraints())
    'CREATE CONSTRAINT kg_method_id IF NOT EXISTS FOR (n:`Method`) REQUIRE n.id IS UNIQUE'
    """
    for label in schema().nodes:
        yield f"CREATE CONSTRAINT kg_{label.lower()}_id IF NOT EXISTS FOR (n:`{label}`) REQUIRE n.id IS UNIQUE"


def indexes() -> Iterator[str]:
    """The statements that make what questions need: nodes are found by name, by full text, and by former id."""
    named = [label for label, table in schema().nodes.items() if "name" in table.names and label != "Result"]
    for label in named:
        yield f"CREATE INDEX kg_{label.lower()}_name IF NOT EXISTS FOR (n:`{label}`) ON (n.name)"
    for label in FORMER_LABELS:
        yield f"CREATE INDEX kg_{label.lower()}_former IF NOT EXISTS FOR (n:`{label}`) ON (n.{FORMER_IDS})"
    yield "CREATE INDEX kg_evidence_statement IF NOT EXISTS FOR (n:`Evidence`) ON (n.statement)"
    yield (
        f"CREATE FULLTEXT INDEX {NAMES_INDEX} IF NOT EXISTS FOR (n:{'|'.join(f'`{label}`' for label in named)}) "
        "ON EACH [n.name, n.aliases]"
    )


def plain(value: Any) -> Any:
    """A value as the other stores give it: nodes and relationships as their properties, times as text."""
    from neo4j.graph import Node, Path, Relationship

    if isinstance(value, Path):
        return {
            "nodes": [plain(node) for node in value.nodes],
            "relationships": [plain(r) for r in value.relationships],
        }
    if isinstance(value, Node):
        return _ordered(dict(value.items()))
    if isinstance(value, Relationship):
        return {"type": value.type, **_ordered(dict(value.items()))}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items() if key != MARK}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _ordered(properties: dict[str, Any]) -> dict[str, Any]:
    """Properties in the order of our tables, without the mark; what others added comes behind."""
    tables = schema()
    names = [name for node in tables.nodes.values() for name in node.names]
    names += [name for relationship in tables.relationships.values() for name in relationship.names]
    order = {name: place for place, name in enumerate(dict.fromkeys(names))}
    shown = sorted(properties.keys() - {MARK}, key=lambda name: (order.get(name, len(order)), name))
    return {name: plain(properties[name]) for name in shown}


def _batches(rows: Iterable[Any], factor: int = 1) -> Iterator[list[Any]]:
    rest = iter(rows)
    while batch := list(islice(rest, factor * _BATCH)):
        yield batch


def _merge_nodes(transaction: ManagedTransaction, table: NodeTable, batch: list[Row]) -> None:
    """Create or renew nodes; a null removes a property of ours, properties that others added stay."""
    sets = ", ".join(f"n.`{name}` = row[{place}]" for place, name in enumerate(table.names) if place)
    written = transaction.run(
        f"UNWIND $rows AS row MERGE (n:`{table.label}` {{id: row[0]}}) ON CREATE SET n.{MARK} = true "
        f"WITH n, row WHERE n.{MARK} = true SET {sets} RETURN count(n)",
        rows=batch,
    ).single(strict=True)[0]
    if written != len(batch):
        foreign = transaction.run(
            f"UNWIND $ids AS id MATCH (n:`{table.label}` {{id: id}}) WHERE n.{MARK} IS NULL RETURN n.id ORDER BY n.id",
            ids=[row[0] for row in batch],
        ).single(strict=False)
        raise StoreError(
            f"the database holds a {table.label} with the id {foreign[0] if foreign else '?'} that kg did not write: "
            "load the graph into a database of its own"
        )


def _counter(stage: str, total: int, progress: Progress | None) -> Callable[[int], None]:
    """What several writers tell how many rows they have written."""
    done = 0
    lock = Lock()

    def tell(rows: int) -> None:
        nonlocal done
        with lock:
            done += rows
            if progress is not None:
                progress(stage, done, total)

    return tell


def _side_by_side(groups: Sequence[Relationships]) -> list[tuple[list[Relationships], ...]]:
    """Groups that may be written at the same time, step by step.

    A transaction that writes a relationship locks those that its nodes have already: writers whose nodes are of other
    labels, and are not yet joined, never wait for each other.
    """
    ends = [(group, {group.head, group.tail}) for group in groups]
    about_papers = [group for group, labels in ends if labels <= _BIBLIOGRAPHY]
    about_entities = [group for group, labels in ends if not labels & _BIBLIOGRAPHY]
    across = [group for group, labels in ends if labels & _BIBLIOGRAPHY and not labels <= _BIBLIOGRAPHY]
    return [(about_papers, about_entities), (across,)]


def _merge_relationships(
    transaction: ManagedTransaction, group: Relationships, names: Sequence[str], batch: list[Row]
) -> None:
    """Create or renew relationships."""
    sets = ", ".join(f"r.`{name}` = row[{place}]" for place, name in enumerate(names, 2))
    transaction.run(
        f"{_ends(group)} MERGE (a)-[r:`{group.table.type}` {{{MARK}: true}}]->(b){f' SET {sets}' if sets else ''}",
        rows=batch,
    ).consume()


def _create_relationships(
    transaction: ManagedTransaction, group: Relationships, names: Sequence[str], batch: list[Row]
) -> None:
    """Create relationships that are not there."""
    properties = "".join(f", `{name}`: row[{place}]" for place, name in enumerate(names, 2))
    transaction.run(
        f"{_ends(group)} CREATE (a)-[:`{group.table.type}` {{{MARK}: true{properties}}}]->(b)", rows=batch
    ).consume()


def _ends(group: Relationships) -> str:
    return f"UNWIND $rows AS row MATCH (a:`{group.head}` {{id: row[0]}}) MATCH (b:`{group.tail}` {{id: row[1]}})"


def _set_former_ids(
    session: Session, nodes: Sequence[tuple[NodeTable, tuple[Row, ...]]], redirects: Mapping[str, str]
) -> None:
    """Let nodes be found by their former ids of `redirects`, and by no others."""
    former = former_ids(redirects)
    for table, rows in nodes:
        if table.label not in FORMER_LABELS:
            continue
        wanted = {row[0]: list(former[row[0]]) for row in rows if row[0] in former}
        pattern = f"(n:`{table.label}` {{{MARK}: true}}) WHERE n.{FORMER_IDS} IS NOT NULL"
        held = dict(session.run(f"MATCH {pattern} RETURN n.id, n.{FORMER_IDS}").values())
        changed = [{"id": i, "former": wanted.get(i)} for i in sorted({*wanted, *held}) if wanted.get(i) != held.get(i)]
        for batch in _batches(changed):
            session.execute_write(
                _run,
                f"UNWIND $rows AS row MATCH (n:`{table.label}` {{id: row.id, {MARK}: true}}) "
                f"SET n.{FORMER_IDS} = row.former",
                batch,
            )


def _prune(
    session: Session, nodes: Sequence[tuple[NodeTable, tuple[Row, ...]]], groups: Sequence[Relationships]
) -> None:
    """Remove what kg wrote and the graph does not hold: relationships, then nodes."""
    for group in groups:
        kept = {(row[0], row[1]) for row in group.rows}
        pattern = f"(a:`{group.head}`)-[r:`{group.table.type}` {{{MARK}: true}}]->(b:`{group.tail}`)"
        found = session.run(f"MATCH {pattern} RETURN a.id AS head, b.id AS tail")
        gone = [{"head": head, "tail": tail} for head, tail in found if (head, tail) not in kept]
        for batch in _batches(gone):
            session.execute_write(
                _run,
                f"UNWIND $rows AS row MATCH (a:`{group.head}` {{id: row.head}}) "
                f"MATCH (a)-[r:`{group.table.type}` {{{MARK}: true}}]->(b:`{group.tail}` {{id: row.tail}}) DELETE r",
                batch,
            )
    for table, rows in nodes:
        ids = {row[0] for row in rows}
        found = session.run(f"MATCH (n:`{table.label}` {{{MARK}: true}}) RETURN n.id AS id")
        over = [{"id": identifier} for (identifier,) in found if identifier not in ids]
        for batch in _batches(over):
            session.execute_write(
                _run,
                f"UNWIND $rows AS row MATCH (n:`{table.label}` {{id: row.id, {MARK}: true}}) DETACH DELETE n",
                batch,
            )


def _run(transaction: ManagedTransaction, statement: str, rows: list[dict[str, Any]]) -> None:
    transaction.run(statement, rows=rows).consume()
