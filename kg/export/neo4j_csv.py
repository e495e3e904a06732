"""CSV files for `neo4j-admin database import full`, the fast way to fill an empty Neo4j, with the command to type.

>>> import tempfile
>>> from kg.graph import Graph
>>> from kg.model import Paper
>>> with tempfile.TemporaryDirectory() as folder:
...     write(Graph(papers=(Paper(id="paper:1", title="On GLUE", authors=("Ada",)),)), Path(folder))
...     print((Path(folder) / "nodes-Author.csv").read_text(), end="")
id:ID(Author),type:string,name:string,_kg:boolean
"author:ada","Author","Ada",true
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kg.graph import Graph
from kg.property_graph import Column, Row, former_ids, node_rows, relationship_rows, schema
from kg.stores.neo4j import FORMER_IDS, MARK, constraints, indexes

_TYPES = {"text": "string", "integer": "long", "number": "double", "boolean": "boolean", "texts": "string[]"}
# Between the items of a list: a sign that no text needs, and that is made a blank where one has it.
_SEPARATOR = "\x1f"
COMMAND = "command.txt"
AFTERWARDS = "afterwards.cypher"


def write(graph: Graph, folder: Path, *, redirects: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write a file for each label and kind of relationship, the command, and the statements to run afterwards.

    A label of whose nodes earlier builds called any otherwise (`redirects`) has the column `former_ids`.
    """
    arguments = []
    former = former_ids(redirects)
    for table, rows in node_rows(graph):
        name = f"nodes-{table.label}.csv"
        columns = table.columns
        if any(row[0] in former for row in rows):
            columns = (*columns, Column(FORMER_IDS, "texts"))
            rows = tuple((*row, former.get(row[0], ())) for row in rows)
        key, *others = columns
        header = [f"{key.name}:ID({table.label})", *map(_header, others), f"{MARK}:boolean"]
        _write(folder / name, header, columns, rows)
        arguments.append(f"--nodes={table.label}=./{name}")
    for group in relationship_rows(graph):
        if group.rows:
            name = f"relationships-{group.table.type}-{group.head}-{group.tail}.csv"
            ends = (Column("head"), Column("tail"))
            header = [f":START_ID({group.head})", f":END_ID({group.tail})"]
            header += [*map(_header, group.table.columns), f"{MARK}:boolean"]
            _write(folder / name, header, (*ends, *group.table.columns), group.rows)
            arguments.append(f"--relationships={group.table.type}=./{name}")
    _write_text(
        folder / AFTERWARDS, "".join(f"{statement};\n" for statement in (*constraints(), *indexes(), *_empty_lists()))
    )
    _write_text(folder / COMMAND, f"{command(arguments)}\n")


def command(arguments: Iterable[str]) -> str:
    """What to type in the folder, the server stopped; `afterwards.cypher` comes after its start."""
    options = ["--overwrite-destination", "--multiline-fields=true", "--array-delimiter=U+001F", *arguments]
    return " \\\n    ".join(["neo4j-admin database import full neo4j", *options])


def _empty_lists() -> Iterator[str]:
    """The import leaves out a list that is empty; in the other stores it is there."""
    for table in schema().nodes.values():
        for name in (column.name for column in table.columns if column.kind == "texts"):
            nodes = f"MATCH (n:`{table.label}`) WHERE n.`{name}` IS NULL"
            yield f"{nodes} CALL (n) {{ SET n.`{name}` = [] }} IN TRANSACTIONS"


def _header(column: Column) -> str:
    return f"{column.name}:{_TYPES[column.kind]}"


def _write(path: Path, header: Iterable[str], columns: tuple[Column, ...], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(",".join(header) + "\n")
        for row in rows:
            cells = [_cell(column, value) for column, value in zip(columns, row, strict=True)]
            file.write(",".join([*cells, "true"]) + "\n")


def _write_text(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _cell(column: Column, value: Any) -> str:
    """A cell: nothing is null, and text is quoted, so that an empty one is not."""
    if value is None:
        return ""
    if column.kind == "texts":
        value = _SEPARATOR.join(str(item).replace(_SEPARATOR, " ") for item in value)
    elif column.kind == "boolean":
        return str(value).lower()
    elif column.kind != "text":
        return repr(value)
    return '"' + str(value).replace('"', '""') + '"'
