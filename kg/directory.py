"""The graph directory (DESIGN section 4): Parquet tables and a manifest, written atomically, read without a lock.

How a state is switched: a writer holds `.lock`, writes everything into `.staging`, and renames that folder to
`.pending`: this one rename is the commit. Then it moves the files to their places, the manifest last. A writer that is
killed before the commit leaves the old state (or none); after it, the new one: readers look into `.pending` first, and
whoever opens the directory next completes the moves. The manifest holds the hash of each table, so a reader whose
files were changed under it by another process notices and reads again: it never mixes two states.

>>> import tempfile
>>> graph = Graph(papers=(Paper(id="paper:1", title="On GLUE", abstract="Good."),))
>>> with tempfile.TemporaryDirectory() as folder:
...     save(folder, State(graph=graph))
...     load_graph(folder) == graph, manifest(folder).counts["papers"]
(True, 1)
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from kg.graph import Graph
from kg.model import (
    CatalogueLink,
    Entity,
    EntityMention,
    Evidence,
    GraphError,
    Merge,
    Paper,
    ReportedResult,
    Statement,
)

if TYPE_CHECKING:
    import pyarrow as pa

Row = TypeVar("Row")

#: The version of the layout; a directory of another version is refused, with what to do.
FORMAT = 1

#: Each table's columns and their types. `?` marks a column that may be null; `[string]` is a list of strings.
TABLES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "papers": {
            "paper": "string",
            "title": "string",
            "abstract": "string",
            "authors": "[string]",
            "year": "int32?",
            "venue": "string?",
            "doi": "string?",
            "arxiv_id": "string?",
            "url": "string?",
            "keywords": "[string]",
            "cites": "[string]",
            "source": "string",
            "content_hash": "string",
        },
        "extractions": {"paper": "string", "model": "string", "json": "string"},
        "entities": {
            "entity": "string",
            "type": "string",
            "name": "string",
            "aliases": "[string]",
            "broader": "[string]",
            "same_as": "[string]",
            "papers": "int32",
        },
        "mentions": {
            "paper": "string",
            "extracted": "string",
            "entity": "string",
            "type": "string",
            "start": "int32",
            "end": "int32",
            "text": "string",
            "score": "double",
        },
        "statements": {
            "subject": "string",
            "predicate": "string",
            "object": "string",
            "confidence": "double",
            "support": "int32",
            "negated": "bool",
        },
        "evidence": {
            "subject": "string",
            "predicate": "string",
            "object": "string",
            "paper": "string",
            "start": "int32",
            "end": "int32",
            "score": "double",
            "extractor": "string",
            "negated": "bool",
            "hedged": "bool",
        },
        "results": {
            "result": "string",
            "paper": "string",
            "value": "string",
            "number": "double?",
            "unit": "string?",
            "method": "string?",
            "task": "string?",
            "dataset": "string?",
            "metric": "string?",
            "start": "int32",
            "end": "int32",
            "note": "string?",
            "score": "double",
        },
        "merges": {
            "entity": "string",
            "merged_name": "string",
            "rule": "string",
            "score": "double",
            "decided_by": "string",
        },
        "links": {
            "entity": "string",
            "target": "string",
            "match": "string",
            "score": "double",
            "rule": "string",
            "name": "string",
            "label": "string",
            "catalogue": "string",
        },
        "redirects": {"former_id": "string", "entity": "string"},
    }
)
#: The tables that the manifest covers: all that follow from the papers alone, whatever happened before.
COVERED = tuple(name for name in TABLES if name != "redirects")
#: Of these, the tables that are there only where they have rows: a graph without them is as earlier versions wrote it.
OPTIONAL = ("links",)

#: The tables that a `Graph` is made of; statements and their evidence come together.
GRAPH_TABLES = tuple(name for name in COVERED if name != "extractions")

_STAGING, _PENDING, _LOCK, _MANIFEST = ".staging", ".pending", ".lock", "manifest.json"
# Not one of the tables that others read: it exists so that builds can go on.
_RECORDS = "records"
_LAYOUTS = MappingProxyType({**TABLES, _RECORDS: MappingProxyType({"paper": "string", "record": "string"})})
# The column that is the field `id` of the table's dataclass.
_ID_COLUMNS = MappingProxyType({"papers": "paper", "entities": "entity", "results": "result"})
_ROWS_A_GROUP = 65_536
_READ_ATTEMPTS = 100


@dataclass(frozen=True, kw_only=True)
class StoredExtraction:
    """A paper's extraction as kept: `json` is one line of DESIGN section 3."""

    paper: str
    model: str
    json: str


@dataclass(frozen=True, kw_only=True)
class StoredRecord:
    """A record that a paper was made of, so that it can be merged with what comes later (`kg.read.read_groups`)."""

    paper: str
    record: str


@dataclass(frozen=True, kw_only=True)
class State:
    """All that a graph directory holds. `redirects` leads from ids of earlier builds to those of today.

    `records` are the papers as their inputs gave them, before records of one paper were merged.
    `model` is the version of our own extractor, `vocabulary` the hash of the vocabulary, of the build that made it;
    `min_confidence` is how sure what is in the graph has to be.
    """

    graph: Graph = field(default_factory=Graph)
    extractions: tuple[StoredExtraction, ...] = ()
    redirects: Mapping[str, str] = field(default_factory=dict)
    records: tuple[StoredRecord, ...] = ()
    model: str = ""
    vocabulary: str = ""
    min_confidence: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What `manifest.json` says; `hash` names the state, and the query views that are made of it."""

    format: int
    model: str
    vocabulary: str
    counts: Mapping[str, int]
    sha256: Mapping[str, str]
    hash: str
    min_confidence: float = 0.0


def save(directory: str | Path, state: State) -> None:
    """Replace what `directory` holds by `state`, atomically; raises GraphError when another process is writing."""
    with writing(directory):
        replace(directory, state)


def replace(directory: str | Path, state: State) -> None:
    """As `save`, for a caller that holds the lock (`writing`)."""
    folder = Path(directory)
    staging = folder / _STAGING
    try:
        _discard(staging)
        staging.mkdir()
        counts, hashes = {}, {}
        for name in _LAYOUTS:
            if name not in OPTIONAL or state.graph.catalogue_links:
                counts[name], hashes[name] = _write_table(staging / _file(name), name, _rows(name, state))
        content = {
            "format": FORMAT,
            "model": state.model,
            "vocabulary": state.vocabulary,
            **({"min_confidence": state.min_confidence} if state.min_confidence else {}),
            "counts": {name: counts[name] for name in COVERED if name in counts},
            "sha256": {name: hashes[name] for name in COVERED if name in hashes},
        }
        with (staging / _MANIFEST).open("w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
            os.fsync(file.fileno())
        _sync_folder(staging)
        staging.rename(folder / _PENDING)
        _sync_folder(folder)
    except OSError as error:
        raise GraphError(f"{folder}: cannot be written ({error.strerror or error}); it is as it was") from error
    finally:
        _discard(staging)
    _complete(folder)


@contextlib.contextmanager
def writing(directory: str | Path) -> Iterator[None]:
    """Hold the directory's lock, which the system releases when this process ends, however it ends.

    Folders that were made for a state that was never written are taken away again.
    """
    folder = Path(directory)
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        lock = _acquire(folder)
    except OSError as error:
        raise GraphError(f"{folder}: cannot be written ({error.strerror}): choose another folder with -o") from error
    try:
        if (folder / _PENDING).is_dir():
            _complete(folder)
        _discard(folder / _STAGING)
        yield
    except BaseException:
        if made and not holds_graph(folder):
            with contextlib.suppress(OSError):
                (folder / _LOCK).unlink()
                for path in made:
                    path.rmdir()
        raise
    finally:
        os.truncate(lock.number, 0)
        lock.close()


def holds_graph(directory: str | Path) -> bool:
    """Whether there is a graph, or what is left of one."""
    folder = Path(directory)
    names = (_MANIFEST, *(f"{name}.parquet" for name in COVERED))
    return (folder / _PENDING).is_dir() or any((folder / name).exists() for name in names)


def is_ours(name: str) -> bool:
    """Whether a file of this name in a graph directory is part of the graph."""
    return name in (_MANIFEST, *map(_file, _LAYOUTS))


def manifest(directory: str | Path) -> Manifest:
    """The manifest of the state that `directory` holds; raises GraphError where there is none."""
    return _parse_manifest(Path(directory), _read_manifest(Path(directory)))


def load_graph(directory: str | Path, *, only: Iterable[str] = GRAPH_TABLES) -> Graph:
    """The graph that `directory` holds; with `only` these tables of it, which is quicker."""
    wanted = {*only}
    if wanted & {"statements", "evidence"}:
        wanted |= {"statements", "evidence"}
    _, tables = read_tables(directory, sorted(wanted))
    return _graph(tables)


def load(directory: str | Path) -> State:
    """All that `directory` holds, for a build that goes on from there."""
    found, tables = read_tables(directory, COVERED)
    return State(
        graph=_graph(tables),
        extractions=tuple(_objects(StoredExtraction, "extractions", tables)),
        redirects=redirects(directory),
        records=tuple(_objects(StoredRecord, _RECORDS, {_RECORDS: _uncovered(Path(directory), _RECORDS)})),
        model=found.model,
        vocabulary=found.vocabulary,
        min_confidence=found.min_confidence,
    )


def redirects(directory: str | Path) -> dict[str, str]:
    """What earlier builds called a node -> what it is called now; empty for a graph that was built once."""
    return dict(_records(_uncovered(Path(directory), "redirects")))


def read_tables(directory: str | Path, names: Iterable[str]) -> tuple[Manifest, dict[str, pa.Table]]:
    """The named tables, all of one state, and its manifest. `redirects` is not among them (see `redirects`)."""
    folder = Path(directory)
    wanted = tuple(names)
    _finish_what_was_killed(folder)
    problem, previous = "", b""
    for _ in range(_READ_ATTEMPTS):
        described = _read_manifest(folder)
        if problem and described == previous:
            break  # no writer came between: the files themselves are wrong
        found, previous = _parse_manifest(folder, described), described
        contents = {}
        for name in (name for name in wanted if name not in OPTIONAL or name in found.sha256):
            try:
                contents[name] = _read(folder, f"{name}.parquet")
            except OSError as error:
                problem = f"{name}.parquet cannot be read ({error.strerror})"
                break
            if hashlib.sha256(contents[name]).hexdigest() != found.sha256.get(name):
                problem = f"{name}.parquet is not the file that manifest.json describes"
                break
        else:
            return found, {name: _parse_table(folder, name, content) for name, content in contents.items()}
    raise _damaged(folder, problem)


def schema(name: str) -> pa.Schema:
    """The Arrow schema of a table."""
    import pyarrow as pa

    kinds = {"string": pa.string(), "int32": pa.int32(), "double": pa.float64(), "bool": pa.bool_()}
    kinds["[string]"] = pa.list_(pa.field("element", pa.string(), nullable=False))
    return pa.schema(
        [
            pa.field(column, kinds[kind.removesuffix("?")], nullable=kind.endswith("?"))
            for column, kind in _LAYOUTS[name].items()
        ]
    )


def _rows(name: str, state: State) -> Iterable[tuple[Any, ...]]:
    """The rows of a table in the order of its columns, sorted."""
    if name == "evidence":
        return _evidence_rows(state.graph.statements)
    if name == "redirects":
        return sorted(state.redirects.items())
    if name == "extractions":
        return map(attrgetter(*_fields(name)), sorted(state.extractions, key=attrgetter("paper")))
    if name == _RECORDS:
        return sorted((record.paper, record.record) for record in state.records)
    if name == "links":
        return map(attrgetter(*_fields(name)), state.graph.catalogue_links)
    return map(attrgetter(*_fields(name)), getattr(state.graph, name))


def _fields(name: str) -> list[str]:
    """The columns of a table by the names that the fields of its dataclass have."""
    return ["id" if column == _ID_COLUMNS.get(name) else column for column in _LAYOUTS[name]]


def _evidence_rows(statements: Sequence[Statement]) -> Iterator[tuple[Any, ...]]:
    """The evidence of each triple, of its affirmed and its negated statement together, sorted."""
    for triple, same in groupby(statements, key=lambda s: (s.subject, s.predicate, s.object)):
        yield from sorted(
            (*triple, e.paper, e.start, e.end, e.score, e.extractor, statement.negated, e.hedged)
            for statement in same
            for e in statement.evidence
        )


def _graph(tables: Mapping[str, pa.Table]) -> Graph:
    evidence: dict[tuple[str, str, str, bool], list[Evidence]] = {}
    for s, p, o, paper, start, end, score, extractor, negated, hedged in _records(tables.get("evidence")):
        evidence.setdefault((s, p, o, negated), []).append(
            Evidence(
                paper=paper, start=start, end=end, score=score, extractor=extractor, negated=negated, hedged=hedged
            )
        )
    return Graph(
        papers=tuple(_objects(Paper, "papers", tables)),
        entities=tuple(_objects(Entity, "entities", tables)),
        statements=tuple(
            Statement(subject=s, predicate=p, object=o, negated=n, evidence=tuple(evidence[s, p, o, n]))
            for s, p, o, _, _, n in _records(tables.get("statements"))
        ),
        results=tuple(_objects(ReportedResult, "results", tables)),
        mentions=tuple(_objects(EntityMention, "mentions", tables)),
        merges=tuple(_objects(Merge, "merges", tables)),
        catalogue_links=tuple(_objects(CatalogueLink, "links", tables)),
    )


def _objects(kind: type[Row], name: str, tables: Mapping[str, pa.Table]) -> Iterator[Row]:
    """The rows of a table as objects; the hash of a paper's text follows from the paper."""
    fields = _fields(name)
    for record in _records(tables.get(name)):
        values = dict(zip(fields, record, strict=True))
        values.pop("content_hash", None)
        yield kind(**values)


def _records(table: pa.Table | None) -> Iterator[tuple[Any, ...]]:
    """The rows as tuples; equal strings of a column are one object, which keeps large graphs small."""
    for batch in [] if table is None else table.to_batches():
        yield from zip(*(_values(column) for column in batch.columns), strict=True)


def _values(column: pa.Array) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_list(column.type):
        return [tuple(words) for words in column.to_pylist()]
    if not pa.types.is_string(column.type):
        return list(column.to_pylist())
    encoded = column.dictionary_encode()
    words = encoded.dictionary.to_pylist()
    return [None if index is None else words[index] for index in encoded.indices.to_pylist()]


def _write_table(path: Path, name: str, rows: Iterable[tuple[Any, ...]]) -> tuple[int, str]:
    """Write rows in groups of fixed size; returns their number and the SHA-256 of the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    layout = schema(name)
    count = 0
    with path.open("wb") as file:
        with pq.ParquetWriter(file, layout, compression="zstd", compression_level=3, store_schema=False) as writer:
            iterator = iter(rows)
            while group := list(islice(iterator, _ROWS_A_GROUP)):
                columns = [
                    pa.array(column, type=field.type)
                    for column, field in zip(zip(*group, strict=True), layout, strict=True)
                ]
                writer.write_table(pa.Table.from_arrays(columns, schema=layout), row_group_size=_ROWS_A_GROUP)
                count += len(group)
        file.flush()
        os.fsync(file.fileno())
    with path.open("rb") as file:
        return count, hashlib.file_digest(file, "sha256").hexdigest()


def _parse_table(folder: Path, name: str, content: bytes) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # without threads: a process that ends while Arrow's are at work may abort (apache/arrow#50482)
        table = pq.read_table(pa.BufferReader(content), use_threads=False, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(folder, f"{_file(name)} is no Parquet file") from error
    if table.column_names != list(_LAYOUTS[name]):
        raise _damaged(folder, f"{_file(name)} has other columns than it should")
    return table


def _uncovered(folder: Path, name: str) -> pa.Table | None:
    """A table that the manifest does not cover; None where it is missing, which is no damage."""
    try:
        return _parse_table(folder, name, _read(folder, _file(name)))
    except FileNotFoundError:
        return None


def _file(name: str) -> str:
    return ".records" if name == _RECORDS else f"{name}.parquet"


def _read(folder: Path, name: str) -> bytes:
    """A file of the current state: from the folder that is being moved in, or else from its place."""
    try:
        return (folder / _PENDING / name).read_bytes()
    except FileNotFoundError:
        return (folder / name).read_bytes()


def _read_manifest(folder: Path) -> bytes:
    try:
        return _read(folder, _MANIFEST)
    except (FileNotFoundError, NotADirectoryError):
        if any((folder / f"{name}.parquet").exists() for name in COVERED):
            raise _damaged(folder, f"{_MANIFEST} is missing") from None
        if folder.is_file():
            raise GraphError(f"{folder}: is a file, a graph is a directory that kg build makes") from None
        raise GraphError(f"{folder}: no graph here: make one with kg build INPUT -o {folder}") from None
    except OSError as error:
        raise GraphError(f"{folder}: cannot be read ({error.strerror})") from error


def _parse_manifest(folder: Path, content: bytes) -> Manifest:
    try:
        said = json.loads(content)
        version = said["format"]
        if version == FORMAT:
            return Manifest(
                format=version,
                model=said["model"],
                vocabulary=said["vocabulary"],
                counts=MappingProxyType(said["counts"]),
                sha256=MappingProxyType(said["sha256"]),
                hash=hashlib.sha256(content).hexdigest(),
                min_confidence=float(said.get("min_confidence", 0.0)),
            )
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(folder, f"{_MANIFEST} cannot be understood") from error
    if isinstance(version, int) and version > FORMAT:
        raise GraphError(f"{folder}: has format {version}, this kg knows format {FORMAT}: update kg-papers")
    raise GraphError(
        f"{folder}: has format {version}, this kg writes format {FORMAT}: "
        f"build it again with kg build INPUT -o {folder} --replace"
    )


def _damaged(folder: Path, problem: str) -> GraphError:
    return GraphError(f"{folder}: damaged, {problem}: build it again with kg build INPUT -o {folder} --replace")


def _finish_what_was_killed(folder: Path) -> None:
    """Complete the moves of a writer that was killed after its commit, where we may write and nobody else does."""
    if (folder / _PENDING).is_dir():
        with contextlib.suppress(GraphError), writing(folder):
            pass


def _complete(folder: Path) -> None:
    """Move a committed state to its place; a repetition after a kill goes on where it stopped."""
    pending = folder / _PENDING
    for name in (*map(_file, _LAYOUTS), _MANIFEST):
        with contextlib.suppress(FileNotFoundError):
            (pending / name).replace(folder / name)
    described = _parse_manifest(folder, (folder / _MANIFEST).read_bytes())
    for name in OPTIONAL:
        if name not in described.sha256:
            (folder / _file(name)).unlink(missing_ok=True)  # of the state before
    pending.rmdir()
    _sync_folder(folder)


def _discard(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _acquire(folder: Path) -> _Descriptor:
    """Open and lock the lock file; a writer that failed may have taken the file away that we opened."""
    import fcntl

    path = folder / _LOCK
    patience = 5  # a reader that completes the moves of a killed writer holds the lock for milliseconds
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _Descriptor(os.open(path, os.O_RDWR | os.O_CREAT, 0o644))
        try:
            fcntl.flock(lock.number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock.number, 200, 0).decode(errors="replace").strip() or "another process"
            lock.close()
            patience -= 1
            if patience:
                time.sleep(0.05)
                continue
            raise GraphError(
                f"{folder}: {holder} is writing it: wait until it ends, or choose another folder with -o"
            ) from None
        try:
            if os.path.samestat(os.fstat(lock.number), path.stat()):
                break
        except FileNotFoundError:
            pass
        lock.close()
    # A worker process must not keep the lock when its parent is killed.
    os.register_at_fork(after_in_child=lock.close)
    os.truncate(lock.number, 0)
    os.pwrite(lock.number, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
    return lock


class _Descriptor:
    """A file descriptor that is closed once, by us or by a forked child that must not keep it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._open = True

    def close(self) -> None:
        if self._open:
            self._open = False
            os.close(self.number)
