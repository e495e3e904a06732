"""The process that runs queries, so that one that runs wild can be ended: `python -m kg.serve.child ENGINE PATH …`.

It opens the store first and then gives up what a query might abuse: more memory, new files, new connections, writing.
It reads questions from its standard input and writes answers to its standard output until the input ends.

>>> import io
>>> pipe = io.BytesIO()
>>> send(pipe, {"query": "ASK {}"}, b"")
>>> receive(io.BytesIO(pipe.getvalue()))
({'query': 'ASK {}'}, b'')
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import math
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any, cast

from kg.model import StoreError
from kg.ontology import BASE
from kg.serve.triples import serialized

if TYPE_CHECKING:
    import pyoxigraph as ox

#: What stands before each message: the sizes of its header and of its body.
HEAD = struct.Struct(">IQ")
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux
# Large answers go through the pipe in fewer steps.
_PIPE = 1 << 20
# A question that took more than this share of the memory leaves a process in pieces: it is replaced.
_WORN = 0.5
_TABLES_OPENED = 16

Question = dict[str, Any]
Answer = tuple[dict[str, Any], bytes]


def send(pipe: IO[bytes], header: dict[str, Any], body: bytes) -> None:
    """Write one message: a header in JSON, and bytes."""
    head = json.dumps(header).encode()
    pipe.write(HEAD.pack(len(head), len(body)))
    pipe.write(head)
    pipe.write(body)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Answer | None:
    """Read one message; None at the end of the input."""
    sizes = pipe.read(HEAD.size)
    if len(sizes) < HEAD.size:
        return None
    head, body = HEAD.unpack(sizes)
    return json.loads(pipe.read(head)), pipe.read(body)


def main(arguments: list[str]) -> None:
    """Open the store, say so, and answer until the input ends."""
    engine, path, settings_json = arguments
    settings = json.loads(settings_json)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then ends us
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    with contextlib.suppress(OSError, AttributeError):
        fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, _PIPE)
    answers = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    with contextlib.ExitStack() as stack:
        try:
            ask = ENGINES[engine](Path(path), settings, stack)
        except (StoreError, OSError, RuntimeError) as error:
            send(answers, {"outcome": "closed", "message": str(error)}, b"")
            return
        statm = open_statm()
        base = address_space(statm)
        fence(base and base + settings["memory"], network=bool(settings["services"]), files=unopened(Path(path)))
        send(answers, {"outcome": "ready"}, b"")
        while (question := receive(sys.stdin.buffer)) is not None:
            header, body = answer(ask, question[0])
            worn = address_space(statm) - base > settings["memory"] * _WORN
            send(answers, header | {"worn": worn}, body)
            if worn:
                break
    os._exit(0)  # the engines' threads have nothing to tidy up


def answer(ask: Callable[[Question], Answer], question: Question) -> Answer:
    """The engine's answer, or what went wrong as a header: `outcome` is what `kg.serve.workers` knows."""
    try:
        return ask(question)
    except Outcome as outcome:
        return {"outcome": outcome.name, "message": str(outcome)}, b""
    except StoreError as error:
        return {"outcome": "malformed", "message": str(error)}, b""
    except MemoryError:
        return {"outcome": "memory", "worn": True}, b""
    except OSError as error:
        return {"outcome": "refused", "message": f"the query needs what it may not have: {error}"}, b""


class Outcome(Exception):
    """A question has no answer; `name` says why: refused, unacceptable, rows or bytes."""

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(message)
        self.name = name


def unopened(store: Path) -> int:
    """How many files of an Oxigraph folder are opened only when a query needs them.

    RocksDB opens 16 tables with the folder; only a large graph has more.
    """
    return max(0, len(list(store.glob("*.sst"))) - _TABLES_OPENED)


def fence(space: int, *, network: bool, files: int = 0) -> None:
    """Give up, for the rest of this process: more than `space` bytes of addresses, writing files, core dumps.

    Without `network`, also opening anything but so many `files` of the store: of a graph that is not large, no file can
    be read and no connection made, whatever a query says.
    """
    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)]
    if space:
        limits.append((resource.RLIMIT_AS, space))
    if not network:
        limits.append(
            (resource.RLIMIT_NOFILE, files and 1 + max(int(fd.name) for fd in Path("/dev/fd").iterdir()) + files)
        )
    for kind, value in limits:
        with contextlib.suppress(ValueError, OSError):  # a lower limit is set already
            resource.setrlimit(kind, (value, value))


def open_statm() -> int | None:
    """Where Linux tells how large this process is, opened while files can be; None elsewhere."""
    try:
        return os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:
        return None


def address_space(statm: int | None) -> int:
    """The bytes of addresses that this process has; 0 where the system does not tell."""
    return 0 if statm is None else int(os.pread(statm, 200, 0).split()[0]) * resource.getpagesize()


class Bounded:
    """A file in memory that stops what is written to it at a number of bytes, and of the rows of a format.

    >>> out = Bounded(size=100, rows=1, format="csv")
    >>> out.write(b'a\\r\\n"1\\r'), out.write(b'\\n"\\r\\n')
    (6, 4)
    >>> out.write(b"2\\r\\n")
    Traceback (most recent call last):
    kg.serve.child.Outcome
    """

    def __init__(self, *, size: int, rows: int, format: str | None = None) -> None:  # noqa: A002
        self._chunks: list[bytes] = []
        self._size, self._limits, self._format = 0, (size, rows), format
        self._mark = _MARKS.get(format or "", b"")
        self._most = rows  # rows are counted exactly when there may be more than this
        self._marks, self._tail = 0, b""

    def write(self, chunk: bytes) -> int:
        self._chunks.append(bytes(chunk))
        self._size += len(chunk)
        if self._size > self._limits[0]:
            raise Outcome("bytes")
        if self._mark:
            # What marks a row may also stand in a value, so there are at most as many rows as marks.
            text = self._tail + self._chunks[-1]
            self._marks += text.count(self._mark)
            self._tail = text[max(len(text) - len(self._mark) + 1, 0) :]
            if self._marks + 1 > self._most:
                rows = rows_of(self.value(), str(self._format))
                if rows > self._limits[1]:
                    raise Outcome("rows")
                self._most = self._marks + 1 + self._limits[1] - rows
        return len(chunk)

    def flush(self) -> None:
        """Nothing waits."""

    def value(self) -> bytes:
        return b"".join(self._chunks)


#: What stands at least once in each row of a format, or between two of them.
_MARKS = MappingProxyType({"csv": b"\n", "json": b"},{", "tsv": b"\n", "xml": b"<result>"})


def rows_of(answer: bytes, format: str) -> int:  # noqa: A002
    r"""How many rows the beginning of an answer holds.

    >>> rows_of(b'{"bindings":[{"a":{"value":"\\"},{"}},{"a":{"value":"},{"}}]}', "json")
    2
    """
    if format == "xml":
        return answer.count(b"<result>")
    if format == "tsv":
        return answer.count(b"\n") - 1
    if format == "json":
        answer = answer.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Every other piece between quotation marks is outside of values.
    outside = sum(piece.count(_MARKS[format]) for piece in answer.split(b'"')[::2])
    return outside + 1 if format == "json" else outside - 1


def _sparql(path: Path, settings: dict[str, Any], stack: contextlib.ExitStack) -> Callable[[Question], Answer]:
    """What answers SPARQL questions: `query`, and `formats`, the format that is wanted for each form of answer."""
    import pyoxigraph as ox

    from kg.rdf import prefixes
    from kg.stores import oxigraph
    from kg.stores.guard import check_services
    from kg.stores.mistakes import explained
    from kg.stores.text import check_length, sparql_form

    del stack
    store = oxigraph.opened(path)
    names = prefixes()
    services = frozenset(settings["services"])

    def ask(question: Question) -> Answer:
        text, formats = question["query"], question["formats"]
        check_length(text)
        sparql_form(text)
        try:
            check_services(text, services)
        except StoreError as error:
            raise Outcome("refused", str(error)) from error
        try:
            found = store.query(text, base_iri=BASE, prefixes=names)
            form = _form(found)
            wanted = formats[form]
            if wanted is None:
                raise Outcome("unacceptable", form)
            header = {"outcome": "answered", "form": form, "format": wanted}
            if wanted == "cells":
                return header, json.dumps(_cells(found, question["rows"]), ensure_ascii=False).encode()
            counted = wanted if form == "rows" else None
            out = Bounded(size=settings["bytes"], rows=settings["rows"], format=counted)
            if form == "triples":
                out.write(serialized(_first(cast("ox.QueryTriples", found), settings["rows"]), wanted, names))
            else:
                found.serialize(cast("IO[bytes]", out), getattr(ox.QueryResultsFormat, wanted.upper()))
            return header, out.value()
        except SyntaxError as error:
            raise explained(error, text) from error
        except ValueError as error:
            raise StoreError(f"the query cannot be answered: {error}") from error

    # What is loaded on first use must be loaded before the fence goes up.
    triples = dict.fromkeys(("rows", "boolean"), None)
    for query in ("ASK {", "ASK { SERVICE <http://x/> {} }", "ASK { x:y ?p ?o }", "SELECT * { ?s a ?o } LIMIT 1"):
        answer(ask, {"query": query, "formats": {"rows": "json", "boolean": "json", "triples": "ttl"}})
    for name in ("ttl", "nt", "jsonld", "rdfxml", "cells"):
        query = "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o } LIMIT 1"
        answer(ask, {"query": query, "formats": {**triples, "triples": name}, "rows": 1})
    return ask


def _form(found: ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples) -> str:
    return {"QuerySolutions": "rows", "QueryBoolean": "boolean", "QueryTriples": "triples"}[type(found).__name__]


def _first(found: Iterable[ox.Triple], most: int) -> Iterator[ox.Triple]:
    for number, triple in enumerate(found):
        if number == most:
            raise Outcome("rows")
        yield triple


def _cells(found: Any, most: int) -> dict[str, Any]:
    """The first rows of an answer for a page, each cell as the JSON format of SPARQL writes a term."""
    form = _form(found)
    if form == "boolean":
        return {"boolean": bool(found)}
    columns = [variable.value for variable in found.variables] if form == "rows" else ["subject", "predicate", "object"]
    rows: list[list[Any]] = []
    for item in found:
        if len(rows) == most:
            return {"columns": columns, "rows": rows, "more": True}
        rows.append([None if term is None else _cell(term) for term in item])
    return {"columns": columns, "rows": rows, "more": False}


def _cell(term: Any) -> dict[str, str]:
    kind = type(term).__name__
    if kind == "NamedNode":
        return {"type": "uri", "value": term.value}
    if kind == "Literal":
        cell = {"type": "literal", "value": term.value, "datatype": term.datatype.value}
        return cell if term.language is None else {**cell, "xml:lang": term.language}
    return {"type": kind.lower(), "value": str(term)}


def _cypher(path: Path, settings: dict[str, Any], stack: contextlib.ExitStack) -> Callable[[Question], Answer]:
    """What answers Cypher questions: `query`, and `parameters`."""
    from kg.stores import ladybug

    room = max(1 << 30, 1 << (4 * path.stat().st_size).bit_length())
    connection = stack.enter_context(
        ladybug.opened(path, max_db_bytes=room, buffer_bytes=max(settings["memory"] // 2, 64 << 20))
    )

    def ask(question: Question) -> Answer:
        text, parameters = question["query"], question["parameters"]
        ladybug.check(connection, text, parameters)
        try:
            result = connection.execute(text, parameters)
            if isinstance(result, list):
                raise StoreError("several statements in one query are refused: ask one at a time")
            with result:
                if result.get_num_tuples() > settings["rows"]:
                    raise Outcome("rows")
                out = Bounded(size=settings["bytes"], rows=settings["rows"])
                out.write(b'{"columns":' + _json(list(result.get_column_names())) + b',"rows":[')
                first = True
                while result.has_next():
                    row = _json([ladybug.plain(value) for value in result.get_next()])
                    out.write(row if first else b"," + row)
                    first = False
                out.write(b"]}")
                return {"outcome": "answered", "form": "rows", "format": "json"}, out.value()
        except RuntimeError as error:
            if "bad_alloc" in str(error) or "buffer pool is full" in str(error):
                raise MemoryError from error
            raise ladybug.explained(error, text) from error

    for query in ("RETURN 1 AS x", "RETURN x", "MATCH (n:Nothing) RETURN n", "RETURN 1; RETURN 2", "LOAD FROM 'x'"):
        answer(ask, {"query": query, "parameters": {}})
    return ask


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except ValueError:
        return _json(_finite(value))


def _finite(value: Any) -> Any:
    """A value whose infinities and NaN, for which JSON has no numbers, are text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return value


#: What opens a store and answers questions to it.
ENGINES: dict[str, Callable[[Path, dict[str, Any], contextlib.ExitStack], Callable[[Question], Answer]]] = {
    "sparql": _sparql,
    "cypher": _cypher,
}


if __name__ == "__main__":
    main(sys.argv[1:])
