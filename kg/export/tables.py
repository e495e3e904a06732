"""Tables of nodes, edges and evidence, for spreadsheets and data frames: CSV, JSON Lines or Parquet in a folder.

>>> from kg.graph import Graph
>>> from kg.model import Entity
>>> graph = Graph(entities=(Entity(id="method:bert", type="Method", name="BERT", aliases=("Bert",)),))
>>> {name: value for name, value in zip(TABLES["nodes"], next(nodes(graph))) if value is not None}
{'id': 'method:bert', 'type': 'Method', 'name': 'BERT', 'papers': 0, 'aliases': ['Bert'], 'broader': [], 'same_as': []}
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TextIO

from kg.graph import Graph
from kg.rdf import legal

if TYPE_CHECKING:
    import pyarrow as pa

#: Each table's columns with their types, as in `kg.directory`: `[string]` is a list, any column may be empty.
TABLES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "nodes": {
            "id": "string",
            "type": "string",
            "name": "string",
            "papers": "int32",
            "aliases": "[string]",
            "broader": "[string]",
            "same_as": "[string]",
            "abstract": "string",
            "authors": "[string]",
            "year": "int32",
            "venue": "string",
            "doi": "string",
            "arxiv_id": "string",
            "url": "string",
            "keywords": "[string]",
            "number": "double",
            "unit": "string",
            "note": "string",
            "score": "double",
            "sentence": "string",
        },
        "edges": {
            "subject": "string",
            "predicate": "string",
            "object": "string",
            "negated": "bool",
            "confidence": "double",
            "support": "int32",
            "papers": "[string]",
        },
        "evidence": {
            "subject": "string",
            "predicate": "string",
            "object": "string",
            "negated": "bool",
            "paper": "string",
            "start": "int32",
            "end": "int32",
            "score": "double",
            "hedged": "bool",
            "extractor": "string",
            "words": "string",
            "sentence": "string",
        },
    }
)

Row = tuple[Any, ...]
_ROWS_A_GROUP = 65_536


def nodes(graph: Graph) -> Iterator[Row]:
    """A row for each node, papers first, then entities, authors, venues and results."""
    columns = TABLES["nodes"]

    def row(**values: Any) -> Row:
        return tuple(values.get(name) for name in columns)

    for paper in graph.papers:
        yield row(
            id=paper.id,
            type="Paper",
            name=paper.title,
            abstract=paper.abstract,
            authors=list(paper.authors),
            year=paper.year,
            venue=paper.venue,
            doi=paper.doi,
            arxiv_id=paper.arxiv_id,
            url=paper.url,
            keywords=list(paper.keywords),
        )
    for entity in graph.entities:
        yield row(
            id=entity.id,
            type=entity.type,
            name=entity.name,
            papers=entity.papers,
            aliases=list(entity.aliases),
            broader=list(entity.broader),
            same_as=list(graph.same_as(entity)),
        )
    for identifier, name in graph.authors.items():
        yield row(id=identifier, type="Author", name=name)
    for identifier, name in graph.venues.items():
        yield row(id=identifier, type="Venue", name=name)
    for result in graph.results:
        yield row(
            id=result.id,
            type="Result",
            name=result.value,
            number=result.number,
            unit=result.unit,
            note=result.note,
            score=result.score,
            sentence=graph.quote(result),
        )


def edges(graph: Graph) -> Iterator[Row]:
    """A row for each statement, then one for each link of a paper or a result, which have no confidence."""
    for statement in graph.statements:
        yield (
            statement.subject,
            statement.predicate,
            statement.object,
            statement.negated,
            statement.confidence,
            statement.support,
            list(statement.papers),
        )
    for subject, predicate, obj in graph.links():
        yield (subject, predicate, obj, False, None, None, None)


def evidence(graph: Graph) -> Iterator[Row]:
    """A row for each piece of evidence of each statement."""
    for statement in graph.statements:
        for seen in statement.evidence:
            yield (
                statement.subject,
                statement.predicate,
                statement.object,
                statement.negated,
                seen.paper,
                seen.start,
                seen.end,
                seen.score,
                seen.hedged,
                seen.extractor,
                graph.words(seen),
                graph.quote(seen),
            )


_ROWS: Mapping[str, Callable[[Graph], Iterator[Row]]] = MappingProxyType(
    {"nodes": nodes, "edges": edges, "evidence": evidence}
)
#: A table that is there only where earlier builds or decisions called nodes otherwise.
FORMER_IDS: Mapping[str, str] = MappingProxyType({"former_id": "string", "id": "string"})


def _tables(graph: Graph, redirects: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, str], Iterator[Row]]]:
    """The name, the columns and the rows of each table."""
    for name, columns in TABLES.items():
        yield name, columns, _clean(_ROWS[name](graph))
    if redirects:
        yield "former_ids", FORMER_IDS, _clean(sorted(redirects.items()))


def write_csv(graph: Graph, folder: Path, *, redirects: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write `nodes.csv`, `edges.csv` and `evidence.csv`; a list is a JSON array in its cell."""
    for name, columns, rows in _tables(graph, redirects):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(_LineFeeds(file), lineterminator="\r\n")
            writer.writerow(columns)
            for row in rows:
                writer.writerow([_cell(value) for value in row])


def write_jsonl(graph: Graph, folder: Path, *, redirects: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write `nodes.jsonl`, `edges.jsonl` and `evidence.jsonl`; what is empty is left out."""
    for name, columns, rows in _tables(graph, redirects):
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8", newline="\n") as file:
            for row in rows:
                values = {column: value for column, value in zip(columns, row, strict=True) if value not in (None, [])}
                file.write(json.dumps(values, ensure_ascii=False) + "\n")


def write_parquet(graph: Graph, folder: Path, *, redirects: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write `nodes.parquet`, `edges.parquet` and `evidence.parquet`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name, columns, rows in _tables(graph, redirects):
        schema = pa.schema([pa.field(column, _arrow(kind)) for column, kind in columns.items()])
        with pq.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd") as writer:
            while group := list(islice(rows, _ROWS_A_GROUP)):
                columns_of_group = zip(*group, strict=True)
                arrays = [pa.array(values, field.type) for values, field in zip(columns_of_group, schema, strict=True)]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _arrow(kind: str) -> pa.DataType:
    import pyarrow as pa

    types = {"string": pa.string(), "int32": pa.int32(), "double": pa.float64(), "bool": pa.bool_()}
    return pa.list_(pa.string()) if kind == "[string]" else types[kind]


def _clean(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows whose text every format can carry."""
    for row in rows:
        yield tuple(
            legal(value)
            if isinstance(value, str)
            else [legal(part) for part in value]
            if isinstance(value, list)
            else value
            for value in row
        )


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False) if value else None
    return value


class _LineFeeds:
    """Lines that end in a line feed only; told so, Python 3.11 would not quote a carriage return in a cell."""

    def __init__(self, file: TextIO) -> None:
        self.file = file

    def write(self, line: str) -> int:
        return self.file.write(line.removesuffix("\r\n") + "\n")
