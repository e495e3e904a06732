"""The embedded property graph: one Ladybug file, filled by bulk copies, asked in Cypher, read-only.

>>> import tempfile
>>> from kg.model import Paper
>>> graph = Graph(papers=(Paper(id="paper:1", title="On GLUE"),))
>>> with tempfile.TemporaryDirectory() as folder:
...     store = LadybugStore(Path(folder, "graph"))
...     store.load(graph)
...     store.query("MATCH (p:Paper {id: $id}) RETURN p.title AS title", {"id": "paper:1"}).rows
(('On GLUE',),)
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from kg.graph import Graph
from kg.model import StoreError
from kg.property_graph import Column, Row, node_rows, relationship_rows, schema
from kg.stores import NO_LIMITS, Dialect, Language, Limits, Progress, Rows
from kg.stores.deadline import within
from kg.stores.files import replacing
from kg.stores.text import check_cypher, cypher_tokens, line_and_column, show_place

if TYPE_CHECKING:
    import ladybug
    import pyarrow as pa

#: What a query may begin with; the rest writes, reads files, or changes settings.
READING = frozenset({"CALL", "MATCH", "OPTIONAL", "RETURN", "UNWIND", "WITH"})
#: The operators that only read the graph, as `EXPLAIN` names them (tried, 0.22).
OPERATORS = frozenset(
    {
        "AGGREGATE",
        "AGGREGATE_FINALIZE",
        "AGGREGATE_SCAN",
        "ACCUMULATE",
        "CROSS_PRODUCT",
        "DUMMY_SCAN",
        "DUMMY_SINK",
        "EMPTY_RESULT",
        "FILTER",
        "FLATTEN",
        "HASH_JOIN_BUILD",
        "HASH_JOIN_PROBE",
        "INTERSECT",
        "INTERSECT_BUILD",
        "LIMIT",
        "MULTIPLICITY_REDUCER",
        "ORDER_BY",
        "ORDER_BY_MERGE",
        "ORDER_BY_SCAN",
        "PATH_PROPERTY_PROBE",
        "PRIMARY_KEY_SCAN_NODE_TABLE",
        "PROJECTION",
        "QUERY_PRIMARY_KEY_LOOKUP",
        "RECURSIVE_EXTEND",
        "RESULT_COLLECTOR",
        "SCAN_NODE_TABLE",
        "SCAN_REL_TABLE",
        "SEMI_MASKER",
        "SKIP",
        "TABLE_FUNCTION_CALL",
        "TOP_K",
        "TOP_K_SCAN",
        "UNION_ALL_SCAN",
        "UNWIND",
    }
)
#: The functions behind TABLE_FUNCTION_CALL that read no file: a scan of rows in memory, and what the tables are.
FUNCTIONS = frozenset(
    {"DB_VERSION", "READ_FTABLE", "SHOW_CONNECTION", "SHOW_FUNCTIONS", "SHOW_MACROS", "SHOW_TABLES", "TABLE_INFO"}
)

_TYPES = {"text": "STRING", "integer": "INT64", "number": "DOUBLE", "boolean": "BOOL", "texts": "STRING[]"}
# The default of 8 TB of addresses is refused where processes are limited; this is room for the largest graph.
_MAX_BYTES = 1 << 40
_BUFFER_BYTES = 1 << 30
_OPERATOR = re.compile(r"\b([A-Z][A-Z_]+)\[\d+\]")
_FUNCTION = re.compile(r"Function: (\w+)")
_PARSER = re.compile(r"Parser exception: (.*?)(?: \(line: (\d+), offset: (\d+)\)\n.*)?\Z", re.DOTALL)
_UNKNOWN_TABLE = re.compile(r"Binder exception: Table (\w+) does not exist")


@dataclass(frozen=True)
class LadybugStore:
    """A Ladybug file. `load` writes a new one beside it and puts it in its place."""

    path: Path
    language: ClassVar[Language] = "cypher"
    dialect: ClassVar[Dialect] = "ladybug"

    def load(
        self,
        graph: Graph,
        *,
        redirects: Mapping[str, str] = MappingProxyType({}),
        prune: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Write the graph as a new file, so that nothing of an earlier one is left (`prune` makes no difference)."""
        del prune, redirects
        if self.path.is_dir():
            raise StoreError(f"{self.path} is a folder: name the file that the graph should be written to")
        if self.path.exists() and not _is_ours(self.path):
            raise StoreError(f"{self.path} exists and is no Ladybug file: choose another path, or remove it")
        log = self.path.with_name(f"{self.path.name}.wal")
        if log.exists():
            raise StoreError(
                f"{self.path}: another program is writing it, or was killed ({log.name} is there): "
                "end that program, or remove both files"
            )
        with replacing(self.path) as aside:
            write(graph, aside, progress=progress)

    def query(self, text: str, parameters: Mapping[str, Any] = {}, *, limits: Limits = NO_LIMITS) -> Rows:
        """The rows of a query that only reads."""
        with opened(self.path) as connection:
            return run(connection, text, parameters, limits=limits)


@contextlib.contextmanager
def opened(
    path: Path, *, max_db_bytes: int = _MAX_BYTES, buffer_bytes: int = _BUFFER_BYTES
) -> Iterator[ladybug.Connection]:
    """A connection to the file, read-only."""
    import ladybug

    if not path.is_file() or not _is_ours(path):
        raise StoreError(f"{path}: no Ladybug file here: make one with kg load DIR ladybug:{path}")
    try:
        database = ladybug.Database(path, read_only=True, max_db_size=max_db_bytes, buffer_pool_size=buffer_bytes)
    except RuntimeError as error:
        raise StoreError(f"{path}: Ladybug cannot open it ({_first_line(error)})") from error
    try:
        with ladybug.Connection(database) as connection:
            yield connection
    finally:
        database.close()


def run(
    connection: ladybug.Connection, text: str, parameters: Mapping[str, Any], *, limits: Limits = NO_LIMITS
) -> Rows:
    """The rows of a query that only reads, over a connection that is open."""
    check(connection, text, parameters)
    seconds = limits.seconds
    if seconds is not None:
        connection.set_query_timeout(max(1, round(seconds * 1000)))

    def work() -> Rows:
        with _execute(connection, text, parameters) as result:
            rows: list[tuple[Any, ...]] = []
            while result.has_next():
                limits.check_rows(len(rows) + 1)
                rows.append(tuple(plain(value) for value in result.get_next()))
            return Rows(tuple(result.get_column_names()), tuple(rows))

    try:
        return within(seconds, work, grace=0.5, interrupt=connection.interrupt)
    except RuntimeError as error:
        if "Interrupted" in str(error) and seconds is not None:
            raise StoreError(
                f"the query was stopped after {seconds:g} s: ask for less, or give it more time (--timeout)"
            ) from error
        raise explained(error, text) from error


def check(connection: ladybug.Connection, text: str, parameters: Mapping[str, Any]) -> None:
    """Raise StoreError unless the text is one statement that only reads the graph.

    A database that is open read-only still reads and writes files (`LOAD FROM`, `COPY … TO`), installs extensions and
    changes settings, so: the first word must be one of `READING`, the engine itself must see one statement, and its
    plan, which `EXPLAIN` gives without running anything, must hold nothing but `OPERATORS` and `FUNCTIONS`.
    """
    tokens = check_cypher(text, parameters)
    first = tokens[0].text.upper()
    if first not in READING:
        known = first.isalpha() and len(first) > 2
        refused = f"{first} is refused" if known else f"a query cannot begin with {tokens[0].text[:40]!r}"
        raise StoreError(
            f"{refused}: kg only reads the graph; a query begins with one of {', '.join(sorted(READING))}"
            f"{show_place(text, *line_and_column(text, tokens[0].start))}"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # `execute` would run the second of two statements
        prepared = connection.prepare(text, dict(parameters))
    try:
        if not prepared.is_success():
            message = prepared.get_error_message()
            if "multiple statements" in message:
                raise StoreError("several statements in one query are refused: ask one at a time")
            raise explained(RuntimeError(message), text)
    finally:
        prepared.close()
    try:
        with _execute(connection, f"EXPLAIN {text}", parameters) as plan:
            drawing = "\n".join(str(cell) for row in plan for cell in row)
    except RuntimeError as error:
        raise explained(error, text) from error
    strange = (set(_OPERATOR.findall(drawing)) - OPERATORS) | (set(_FUNCTION.findall(drawing)) - FUNCTIONS)
    if strange or not drawing:
        named = ", ".join(sorted(strange)) or "a command"
        raise StoreError(f"{named} is refused: kg only reads the graph, no files and no settings")


def explained(error: RuntimeError, text: str) -> StoreError:
    """The engine's error as ours: with the place where it knows one, with the labels where one is unknown."""
    message = str(error)
    parser = _PARSER.match(message)
    if parser is not None:
        reason = re.sub(r" expecting \{.*\}|Invalid input <.*>: expected rule \w+", "", parser[1], flags=re.DOTALL)
        reason = reason.strip() or "syntax error"
        if parser[2] is None:
            return StoreError(f"the query cannot be read: {reason}")
        return StoreError(f"the query cannot be read: {reason}{show_place(text, int(parser[2]), int(parser[3]) + 1)}")
    if "write operations in a read-only database" in message:
        return StoreError("a query that writes is refused: kg only reads the graph")
    unknown = _UNKNOWN_TABLE.match(message)
    if unknown is not None:
        tables = schema()
        place = next((token.start for token in cypher_tokens(text) if token.text.strip("`") == unknown[1]), None)
        return StoreError(
            f"no label or relationship type is called {unknown[1]}; labels are {', '.join(sorted(tables.nodes))}; "
            f"relationship types are {', '.join(sorted(tables.relationships))}"
            f"{'' if place is None else show_place(text, *line_and_column(text, place))}"
        )
    return StoreError(f"the query cannot be answered: {' '.join(message.split())}")


def write(graph: Graph, path: Path, *, progress: Progress | None = None) -> None:
    """Write the graph as a new Ladybug file at `path`, where nothing may be."""
    import ladybug

    tables = schema()
    # One checkpoint at the end: a file that is not finished is thrown away, so none is needed before.
    database = ladybug.Database(path, max_db_size=_MAX_BYTES, buffer_pool_size=2 * _BUFFER_BYTES, auto_checkpoint=False)
    try:
        with ladybug.Connection(database) as connection:
            for statement in ddl():
                _execute(connection, statement).close()
            for number, (table, rows) in enumerate(node_rows(graph), 1):
                _copy(connection, table.label, table.columns, rows)
                if progress is not None:
                    progress("tables of nodes", number, len(tables.nodes))
            groups = sum(len(table.pairs) for table in tables.relationships.values())
            ends = (Column("from"), Column("to"))
            for number, group in enumerate(relationship_rows(graph), 1):
                pair = f" (from='{group.head}', to='{group.tail}')"
                _copy(connection, group.table.type, (*ends, *group.table.columns), group.rows, pair)
                if progress is not None:
                    progress("tables of relationships", number, groups)
            _execute(connection, "CHECKPOINT").close()
    except RuntimeError as error:
        raise StoreError(f"{path}: Ladybug cannot write the graph ({_first_line(error)})") from error
    finally:
        database.close()


def ddl() -> Iterator[str]:
    """The statements that make the tables, and `type(r)`, which Ladybug calls `label(r)`."""
    tables = schema()
    for node in tables.nodes.values():
        yield f"CREATE NODE TABLE `{node.label}`({_columns(node.columns)}, PRIMARY KEY(`id`))"
    for relationship in tables.relationships.values():
        pairs = ", ".join(f"FROM `{head}` TO `{tail}`" for head, tail in relationship.pairs)
        yield f"CREATE REL TABLE `{relationship.type}`({pairs}, {_columns(relationship.columns)})"
    yield "CREATE MACRO type(r) AS label(r)"


def plain(value: Any) -> Any:
    """A value as the other stores give it: nodes and relationships as their properties, dates and the like as text."""
    if isinstance(value, dict):
        if "_NODES" in value and "_RELS" in value:
            return {"nodes": plain(value["_NODES"]), "relationships": plain(value["_RELS"])}
        kept = {key: plain(item) for key, item in value.items() if item is not None and not _internal(key, value)}
        if "_SRC" in value:
            return {"type": value["_LABEL"], **kept}
        return kept
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    return str(value)


def _execute(connection: ladybug.Connection, text: str, parameters: Mapping[str, Any] = {}) -> ladybug.QueryResult:
    """The result of one statement (`check` lets no text of several pass)."""
    result = connection.execute(text, dict(parameters))
    return result[0] if isinstance(result, list) else result


def _internal(key: str, value: dict[str, Any]) -> bool:
    return "_LABEL" in value and key in {"_ID", "_LABEL", "_SRC", "_DST"}


def _columns(columns: tuple[Column, ...]) -> str:
    return ", ".join(f"`{column.name}` {_TYPES[column.kind]}" for column in columns)


def _copy(
    connection: ladybug.Connection, name: str, columns: tuple[Column, ...], rows: tuple[Row, ...], pair: str = ""
) -> None:
    if rows:
        _execute(connection, f"COPY `{name}` FROM $rows{pair}", {"rows": _arrow(columns, rows)}).close()


def _arrow(columns: tuple[Column, ...], rows: tuple[Row, ...]) -> pa.Table:
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "texts": pa.list_(pa.string()),
    }
    arrays = [
        pa.array(values, types[column.kind]) for column, values in zip(columns, zip(*rows, strict=True), strict=True)
    ]
    return pa.table(arrays, names=[column.name for column in columns])


def _is_ours(path: Path) -> bool:
    """Whether the file is Ladybug's, by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) == b"LBUG"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
