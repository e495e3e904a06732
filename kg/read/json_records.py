"""JSON in kg's own layout, in common field names, or in those of a service: each object goes to the one that knows it.

>>> record = to_record({"Title": "A", "Author(s)": "B C", "published": "2020-02-03"}, 1, {})
>>> record.title, record.authors, record.year
('A', ('B C',), 2020)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from kg.model import ReadError
from kg.read import arxiv, crossref, openalex, semantic_scholar
from kg.read.columns import from_columns
from kg.read.json_stream import values
from kg.read.opening import Source
from kg.read.record import Record, Records

Convert = Callable[[Mapping[str, Any], int | None], Record]

#: The services whose objects are known by their keys, most particular first.
SERVICES: tuple[tuple[Callable[[Mapping[str, Any]], bool], Convert], ...] = (
    (openalex.is_work, openalex.to_record),
    (semantic_scholar.is_paper, semantic_scholar.to_record),
    (crossref.is_work, crossref.to_record),
    (arxiv.is_snapshot, arxiv.to_record),
)


def read(source: Source, mapping: Mapping[str, str]) -> Records:
    """Records of JSON Lines or of a JSON document."""
    return _read(source, lambda value, line: to_record(value, line, mapping))


def read_as(convert: Convert) -> Callable[[Source, Mapping[str, str]], Records]:
    """A reader that takes every object for one of this service."""

    def read_service(source: Source, mapping: Mapping[str, str]) -> Records:
        del mapping
        return _read(source, convert)

    return read_service


def to_record(value: Mapping[str, Any], line: int | None, mapping: Mapping[str, str]) -> Record:
    """One object of whatever kind."""
    if mapping:
        return from_columns(value, line, mapping, source="json")
    for knows, convert in SERVICES:
        if knows(value):
            return convert(value, line)
    if is_own(value):
        return own(value, line)
    return from_columns(value, line, mapping, source="json")


def is_own(value: Mapping[str, Any]) -> bool:
    """Whether an object is in kg's own layout: id, title and abstract under these names, and no key of CSL's."""
    return (
        {"id", "title", "abstract"} <= value.keys()
        and isinstance(value["id"], str | int)
        and isinstance(value["title"], str)
        and isinstance(value["abstract"], str | None)
        and not _CSL & value.keys()
    )


_CSL = frozenset({"container-title", "issued", "citation-key", "DOI"})


def own(value: Mapping[str, Any], line: int | None) -> Record:
    """A record whose id and texts are taken as they stand."""
    record = from_columns(value, line, {}, source="json")
    return replace(record, own_layout=True, id=str(value["id"]), title=value["title"], abstract=value["abstract"] or "")


def _read(source: Source, convert: Callable[[Mapping[str, Any], int | None], Record]) -> Records:
    for line, value in values(source):
        if isinstance(value, ReadError):
            yield value
        elif not isinstance(value, Mapping):
            kind = "null" if value is None else f"a JSON {type(value).__name__}"
            yield ReadError(f"{kind}, where an object with a title is expected", path=source.name, line=line)
        else:
            try:
                yield convert(value, line)
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                yield ReadError(f"fields of an unexpected shape: {error}", path=source.name, line=line)
