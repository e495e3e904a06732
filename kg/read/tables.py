"""Tables: CSV and its relatives (comma, semicolon, tab, bar; Excel's too), and Parquet.

>>> delimiter_of("Title;Authors;Year\\r\\n")
';'
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import IO, Any

from kg.model import ReadError
from kg.read.columns import check, from_columns, place
from kg.read.opening import MAX_RECORD, Source, misencoded
from kg.read.record import Record, Records

_OUR_TEXTS = ("title", "abstract", "year", "venue", "url", "doi", "arxiv_id", "source")
_OUR_LISTS = ("authors", "keywords", "cites")
_OUR_COLUMNS = ("paper", *_OUR_TEXTS, *_OUR_LISTS)
_END = "\ue003end of file"


def delimiter_of(header: str) -> str | None:
    """The character that separates the names of a header; None where no such cut gives a title."""
    best = None
    for delimiter in (",", ";", "\t", "|"):
        cells = next(csv.reader([header.strip("\r\n\ufeff")], delimiter=delimiter), [])
        if place(tuple(cells), ())["title"] and (best is None or len(cells) > best[0]):
            best = (len(cells), delimiter)
    return best[1] if best else None


def read_csv(source: Source, mapping: Mapping[str, str], *, delimiter: str | None = None) -> Records:
    """Records of a table with a header."""
    csv.field_size_limit(MAX_RECORD)
    with source.text(newline="") as stream:
        header = stream.readline(MAX_RECORD).lstrip("\ufeff")
        skipped = 1
        while header and (not header.strip() or header.startswith("sep=")):
            if header.startswith("sep="):  # how Excel is told the delimiter
                delimiter = header[4:].strip("\r\n")[:1] or delimiter
            header = stream.readline(MAX_RECORD)
            skipped += 1
        delimiter = delimiter or delimiter_of(header) or _most(header)
        rows = csv.reader(_ended(header, stream), delimiter=delimiter)
        name = "tsv" if delimiter == "\t" else "csv"
        columns = [" ".join(column.split()) for column in next(rows)]
        if any(column.endswith(_END) for column in columns):
            raise ReadError("a quote in the header is never closed", path=source.name, line=skipped)
        check(columns, mapping, name=source.name)
        start = rows.line_num
        while True:
            line = start + skipped
            try:
                cells = next(rows)
            except csv.Error as error:
                raise ReadError(f"broken {name.upper()}: {error}", path=source.name, line=line) from error
            if cells and cells[-1].endswith(_END):
                if cells != [_END]:
                    yield ReadError("a quote that opens here is never closed", path=source.name, line=line)
                return
            start = rows.line_num
            if not any(map(str.strip, cells)):
                continue
            if wrong := misencoded("\n".join(cells), source, None):
                yield ReadError(wrong.reason, path=source.name, line=line)
            elif len(cells) > len(columns) and any(map(str.strip, cells[len(columns) :])):
                reason = f"{len(cells)} cells under a header of {len(columns)}: is one of them not quoted?"
                yield ReadError(reason, path=source.name, line=line)
            else:
                yield from_columns(dict(zip(columns, cells, strict=False)), line, mapping, source=name)


def read_tsv(source: Source, mapping: Mapping[str, str]) -> Records:
    """Records of a table whose cells tabs separate."""
    return read_csv(source, mapping, delimiter="\t")


def read_parquet(source: Source, mapping: Mapping[str, str]) -> Records:
    """Records of a Parquet file; only the columns that hold fields of papers are read."""
    import pyarrow
    from pyarrow import parquet

    try:
        with source.path.open("rb") as stream:
            table = parquet.ParquetFile(stream)
            columns = table.schema_arrow.names
            tops = {
                field: column.split(".")[0] if column not in columns else column for field, column in mapping.items()
            }
            check(columns, tops, name=source.name)
            fields = place(tuple(columns), tuple(sorted(tops.items())))
            wanted = sorted({column for found in fields.values() for column in found})
            ours = not mapping and set(_OUR_COLUMNS) <= set(columns)
            number = 0
            # without threads, see kg/directory.py
            for batch in table.iter_batches(1024, columns=_OUR_COLUMNS if ours else wanted, use_threads=False):
                for row in batch.to_pylist():
                    number += 1
                    yield _ours(row, number) if ours else from_columns(row, number, mapping, source="parquet")
    except (pyarrow.ArrowException, OSError) as error:
        raise ReadError(f"damaged Parquet file: {' '.join(str(error).split())}", path=source.name) from error


def _ours(row: Mapping[str, Any], number: int) -> Record:
    """A row of `papers.parquet` of a graph directory, as it is."""
    fields: dict[str, Any] = {field: row[field] for field in _OUR_TEXTS}
    fields.update((field, tuple(row[field] or ())) for field in _OUR_LISTS)
    return Record(line=number, id=row["paper"], own_layout=True, **fields)


def _ended(header: str, stream: IO[str]) -> Iterator[str]:
    """The lines, and a last one that shows whether a quote is still open."""
    yield header
    last = header
    while line := stream.readline(MAX_RECORD):
        yield line.replace("\0", "")
        last = line
    if not last.endswith(("\n", "\r")):
        yield "\n"
    yield _END


def _most(header: str) -> str:
    return max(",;\t|", key=header.count)


def first_column(head: str) -> Any:
    """The delimiter of the first line that is a header, for detection."""
    for line in head.splitlines()[:3]:
        if line.startswith("sep="):
            return line[4:5]
        if line.strip():
            return delimiter_of(line)
    return None
