"""Crossref works: single works and lists of its API, and lines of its public data file.

>>> to_record({"DOI": "10.1/x", "title": ["A"], "subtitle": ["B"], "issued": {"date-parts": [[2018, 3]]}}, 1).title
'A: B'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kg.read.record import Record, flat, names_of, words_of, year_of


def is_work(value: Mapping[str, Any]) -> bool:
    """Whether an object is a work of Crossref: a DOI in capitals, and lists where others have one text."""
    listed = isinstance(value.get("title"), list) or isinstance(value.get("container-title"), list)
    return "DOI" in value and (listed or ("indexed" in value and "prefix" in value))


def to_record(value: Mapping[str, Any], line: int | None) -> Record:
    """One work."""
    title, subtitle = flat(value.get("title")), flat(value.get("subtitle"))
    if title and subtitle and subtitle.casefold() not in title.casefold():
        title = f"{title.rstrip().rstrip(':')}: {subtitle}"
    references = value.get("reference") if isinstance(value.get("reference"), list) else []
    return Record(
        source="crossref",
        line=line,
        title=title,
        abstract=flat(value.get("abstract")),
        authors=names_of([person for person in value.get("author") or [] if isinstance(person, Mapping)]),
        year=year_of(value.get("issued"), value.get("published"), value.get("published-print"), value.get("created")),
        venue=flat(value.get("container-title")) or None,
        url=flat(value.get("URL")) or None,
        doi=flat(value.get("DOI")) or None,
        keywords=words_of(value.get("subject")),
        cites=tuple(
            doi for item in references or [] if isinstance(item, Mapping) and (doi := flat(item.get("DOI")).strip())
        ),
    )
