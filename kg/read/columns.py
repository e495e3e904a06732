"""Records out of rows whose columns have names: the common names of each field, and those that the user gives.

>>> from_columns({"Document Title": "A", "Publication Year": 2020.0}, 2, {}, source="csv").year
2020
>>> from_columns({"heading": "A"}, 2, {"title": "heading"}, source="csv").title
'A'
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from kg.model import ReadError
from kg.read.record import FIELDS, Record, flat, ids_of, names_of, words_of, year_of

#: Column names by field, without case, blanks and punctuation; the first that a row has and fills is taken.
NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "paperid", "uid", "key", "identifier", "eid", "ut", "pmid", "citationkey", "articleid", "uuid"),
    "title": ("title", "papertitle", "articletitle", "documenttitle", "primarytitle", "displayname", "heading", "name"),
    "abstract": (
        *("abstract", "abstractnote", "abstracttext", "paperabstract", "summary", "description", "abstracts"),
    ),
    "authors": (*("authorfullnames", "authors", "author", "authornames", "authorlist", "creators", "creator"),),
    "year": (
        *("year", "publicationyear", "pubyear", "yearpublished", "issued", "date", "publicationdate", "published"),
        *("publisheddate", "pubdate", "coverdate", "submitteddate", "publishedat", "created", "updatedate"),
    ),
    "venue": (
        *("venue", "journal", "conference", "booktitle", "containertitle", "sourcetitle", "publicationtitle"),
        *("journaltitle", "journalname", "conferencename", "publication", "journalbook", "proceeding"),
    ),
    "url": ("url", "link", "links", "paperurl", "urls", "absurl", "href", "pdfurl"),
    "doi": ("doi", "doilink", "doiurl"),
    "arxiv_id": ("arxivid", "arxiv", "eprint"),
    "openalex_id": ("openalexid", "openalex"),
    "keywords": ("keywords", "keyword", "authorkeywords", "tags", "manualtags", "subjects", "categories"),
    "cites": ("cites", "references", "citedpapers", "referencedworks", "citedreferences", "bibliography"),
}


def from_columns(row: Mapping[str, Any], line: int | None, mapping: Mapping[str, str], *, source: str) -> Record:
    """One record of a row; `mapping` leads from a field to the column that holds it (`a.b` goes into objects)."""
    columns = place(tuple(row), tuple(sorted(mapping.items())))

    def value(field: str) -> Any:
        for column in columns[field]:
            item = row[column] if column in row else _inside(row, column)
            if item is not None and item != "" and item != []:
                return _decoded(item)
        return None

    return Record(
        source=source,
        line=line,
        id=flat(value("id")).strip() or None,
        title=flat(value("title")),
        abstract=_paragraphs(value("abstract")),
        authors=names_of(value("authors")),
        year=year_of(value("year")),
        venue=flat(value("venue")) or None,
        url=flat(value("url")) or None,
        doi=flat(value("doi")) or None,
        arxiv_id=flat(value("arxiv_id")) or None,
        openalex_id=flat(value("openalex_id")) or None,
        keywords=words_of(value("keywords")),
        cites=ids_of(value("cites")),
    )


@lru_cache(maxsize=64)
def place(columns: Sequence[str], mapping: tuple[tuple[str, str], ...]) -> Mapping[str, tuple[str, ...]]:
    """The columns that may hold each field, best first."""
    given = dict(mapping)
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault(plain(column), column)
    return {
        field: (given[field],)
        if field in given
        else tuple(by_name[name] for name in NAMES[field] if name in by_name and by_name[name] not in given.values())
        for field in FIELDS
    }


def plain(column: str) -> str:
    """A column's name without case, blanks and punctuation.

    >>> plain("Author(s)"), plain("\\ufeffArticle Title")
    ('authors', 'articletitle')
    """
    return re.sub(r"[\W_]+", "", column.casefold())


def check(columns: Sequence[str], mapping: Mapping[str, str], *, name: str) -> None:
    """Refuse a table without a column for the title, or without one that the mapping names."""
    for field, column in sorted(mapping.items()):
        if column not in columns:
            raise ReadError(f"no column {column!r} for {field}; there are: {', '.join(columns)}", path=name, line=1)
    if not place(tuple(columns), tuple(sorted(mapping.items())))["title"]:
        known = ", ".join(columns)
        raise ReadError(f"no column for the title; say which with --map title=COLUMN: {known}", path=name, line=1)


def check_mapping(mapping: Mapping[str, str]) -> None:
    """Refuse a mapping that names an unknown field."""
    for field in sorted(mapping):
        if field not in FIELDS:
            raise ReadError(f"--map: no field {field!r}; the fields are {', '.join(FIELDS)}")


def _inside(row: Mapping[str, Any], column: str) -> Any:
    value: Any = row
    for part in column.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _decoded(value: Any) -> Any:
    """A list or object that stands as JSON text in a table's cell (`["A", "B"]`), or as Python's writing of it."""
    if isinstance(value, str) and value[:1] in ("[", "{") and value[-1:] in ("]", "}"):
        for text in (value, re.sub(r"'((?:[^'\\]|\\.)*)'", r'"\1"', value)):
            try:
                found = json.loads(text)
            except (ValueError, RecursionError):
                continue
            if isinstance(found, list | dict):
                return found
    return value


def _paragraphs(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "\n".join(text for text in map(flat, value) if text)
    return flat(value)
