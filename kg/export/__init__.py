"""Writes a graph to a file by its suffix, or to a folder by the name of a format.

>>> import tempfile
>>> from kg.graph import Graph
>>> with tempfile.TemporaryDirectory() as folder:
...     export(Graph(), Path(folder) / "graph.nt")
...     (Path(folder) / "graph.nt").read_text().splitlines()[0]
'<https://kg.example.org/> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://rdfs.org/ns/void#Dataset> .'
>>> export(Graph(), "graph.doc")
Traceback (most recent call last):
    ...
kg.model.ExportError: graph.doc: no format has the suffix .doc; known: .gexf, .graphml, .json, .jsonld, .nq, .nt, \
.trig, .ttl; into a folder with --format csv, jsonl, neo4j-csv, parquet
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, TextIO

from kg.aside import bytes_aside
from kg.graph import Graph
from kg.model import ExportError
from kg.ontology import BASE
from kg.rdf import Description, Names, checked_base, describe, term, triples


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a writer may need to know beside the graph."""

    base: str = BASE
    redirects: Mapping[str, str] = field(default_factory=dict)


def export(
    graph: Graph,
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002 (the name of the option)
    base: str = BASE,
    redirects: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write the graph as `path`'s suffix says (`.gz` and `.zst` behind it compress), or as `format` says.

    The formats of `FOLDERS` write several files into the folder `path`. A file appears when it is complete, or not at
    all; other files of a folder stay as they are. `redirects` (former id -> id) become part of RDF, of the
    tables, and of the nodes of the other formats.
    """
    path = Path(path)
    options = Options(base=checked_base(base), redirects=redirects)
    name = format if format is not None else _format_of(path)
    try:
        if name in FOLDERS:
            with _folder_aside(path) as folder:
                FOLDERS[name](graph, folder, options)
        elif name in FILES:
            if path.is_dir():
                folders = ", ".join(sorted(FOLDERS))
                raise ExportError(f"{path} is a folder: name a file in it, or choose --format {folders}")
            path.parent.mkdir(parents=True, exist_ok=True)
            with bytes_aside(path) as file, _compressed(file, path) as out:
                FILES[name](graph, out, options)
        else:
            raise ExportError(f"unknown format {name!r}; known: {', '.join(sorted({*FILES, *FOLDERS}))}")
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror or error}") from error


def write(
    graph: Graph,
    out: BinaryIO,
    *,
    format: str,  # noqa: A002
    base: str = BASE,
    redirects: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write the graph to an open file in one of the formats of `FILES`."""
    if format not in FILES:
        raise ExportError(f"no format {format!r} for one file; known: {', '.join(sorted(FILES))}")
    FILES[format](graph, out, Options(base=checked_base(base), redirects=redirects))


def _turtle(graph: Graph, out: BinaryIO, options: Options) -> None:
    from kg.export import turtle

    with _text(out) as text:
        turtle.write(describe(graph, options.base, redirects=options.redirects), text, options.base)


def _trig(graph: Graph, out: BinaryIO, options: Options) -> None:
    from kg.export import turtle

    nodes = describe(graph, options.base, redirects=options.redirects)
    with _text(out) as text:
        turtle.write(nodes, text, options.base, graphs=_stated_by_papers(graph))


def _n_triples(graph: Graph, out: BinaryIO, options: Options) -> None:
    import pyoxigraph as ox

    ox.serialize(triples(graph, options.base, redirects=options.redirects), out, ox.RdfFormat.N_TRIPLES)


def _n_quads(graph: Graph, out: BinaryIO, options: Options) -> None:
    import pyoxigraph as ox

    def quads() -> Iterator[ox.Quad]:
        for triple in triples(graph, options.base, redirects=options.redirects):
            yield ox.Quad(*triple)
        names = Names(options.base)
        for paper, stated in _stated_by_papers(graph):
            for subject, facts in stated:
                for predicate, obj in facts:
                    if isinstance(obj, str):
                        yield ox.Quad(names.node(subject), names[predicate], names.node(obj), names.node(paper))

    ox.serialize(quads(), out, ox.RdfFormat.N_QUADS)


def _json_ld(graph: Graph, out: BinaryIO, options: Options) -> None:
    from kg.export import jsonld

    with _text(out) as text:
        jsonld.write(describe(graph, options.base, redirects=options.redirects), text, options.base)


def _graphml(graph: Graph, out: BinaryIO, options: Options) -> None:
    from kg.export import networks

    networks.write_graphml(graph, out, redirects=options.redirects)


def _gexf(graph: Graph, out: BinaryIO, options: Options) -> None:
    from kg.export import networks

    networks.write_gexf(graph, out, redirects=options.redirects)


def _node_link(graph: Graph, out: BinaryIO, options: Options) -> None:
    from kg.export import networks

    with _text(out) as text:
        networks.write_node_link(graph, text, redirects=options.redirects)


def _csv(graph: Graph, folder: Path, options: Options) -> None:
    from kg.export import tables

    tables.write_csv(graph, folder, redirects=options.redirects)


def _jsonl(graph: Graph, folder: Path, options: Options) -> None:
    from kg.export import tables

    tables.write_jsonl(graph, folder, redirects=options.redirects)


def _neo4j_csv(graph: Graph, folder: Path, options: Options) -> None:
    from kg.export import neo4j_csv

    neo4j_csv.write(graph, folder, redirects=options.redirects)


def _parquet(graph: Graph, folder: Path, options: Options) -> None:
    from kg.export import tables

    tables.write_parquet(graph, folder, redirects=options.redirects)


#: The formats of one file by name, which is also their suffix.
FILES: Mapping[str, Callable[[Graph, BinaryIO, Options], None]] = MappingProxyType(
    {
        "gexf": _gexf,
        "graphml": _graphml,
        "json": _node_link,
        "jsonld": _json_ld,
        "nq": _n_quads,
        "nt": _n_triples,
        "trig": _trig,
        "ttl": _turtle,
    }
)
#: The formats that write several files into a folder.
FOLDERS: Mapping[str, Callable[[Graph, Path, Options], None]] = MappingProxyType(
    {"csv": _csv, "jsonl": _jsonl, "neo4j-csv": _neo4j_csv, "parquet": _parquet}
)
_COMPRESSIONS = (".gz", ".zst")


def _format_of(path: Path) -> str:
    suffixes = path.suffixes
    suffix = suffixes[-2] if len(suffixes) > 1 and suffixes[-1] in _COMPRESSIONS else path.suffix
    name = suffix.removeprefix(".").lower()
    if name not in FILES:
        known = ", ".join(f".{known}" for known in sorted(FILES))
        problem = (
            f"no format has the suffix {suffix}" if suffix else "a format follows from a suffix, and this has none"
        )
        raise ExportError(
            f"{path}: {problem}; known: {known}; into a folder with --format {', '.join(sorted(FOLDERS))}"
        )
    return name


def _stated_by_papers(graph: Graph) -> Iterator[tuple[str, Iterator[Description]]]:
    """Of each paper the plain triples that it states, for its named graph; denied ones are in none."""
    stated: dict[str, dict[str, Description]] = {}
    for statement in graph.statements:
        if not statement.negated:
            for paper in statement.papers:
                of_paper = stated.setdefault(paper, {})
                node = of_paper.setdefault(statement.subject, Description(statement.subject, []))
                node.facts.append((term(statement.predicate), statement.object))
    for paper in sorted(stated):
        yield paper, iter(stated[paper].values())


@contextlib.contextmanager
def _folder_aside(path: Path) -> Iterator[Path]:
    """A folder beside `path` whose files move into `path` when all went well."""
    if path.exists() and not path.is_dir():
        raise ExportError(f"{path} is a file: this format writes several files into a folder")
    if (path / "manifest.json").exists():
        raise ExportError(f"{path} is a graph directory, whose tables this format would overwrite: name another folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        aside.mkdir()
        yield aside
        path.mkdir(exist_ok=True)
        for file in sorted(aside.iterdir()):
            file.replace(path / file.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def _compressed(file: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    if path.suffix == ".gz":
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as out:  # no name, no time: the same graph, the same bytes
            yield out  # type: ignore[misc]
    elif path.suffix == ".zst":
        import zstandard

        with zstandard.ZstdCompressor().stream_writer(file, closefd=False) as out:
            yield out
    else:
        yield file


@contextlib.contextmanager
def _text(out: BinaryIO) -> Iterator[TextIO]:
    text = io.TextIOWrapper(out, encoding="utf-8", newline="\n", write_through=False)
    try:
        yield text
        text.flush()
    finally:
        with contextlib.suppress(OSError, ValueError):
            text.detach()
