"""OpenAlex works: the answers of its API and the lines of its snapshot.

>>> abstract({"We": [0], "read": [1, 3], "what": [2]})
'We read what read'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kg.read.record import Record, first, flat, ids_of, names_of, words_of, year_of


def is_work(value: Mapping[str, Any]) -> bool:
    """Whether an object is a work of OpenAlex."""
    return (
        "abstract_inverted_index" in value
        or "authorships" in value
        or str(value.get("id", "")).startswith("https://openalex.org/W")
    )


def to_record(value: Mapping[str, Any], line: int | None) -> Record:
    """One work."""
    ids = value.get("ids") if isinstance(value.get("ids"), Mapping) else {}
    places = [value.get("primary_location"), value.get("best_oa_location"), *(value.get("locations") or [])]
    locations = [place for place in places if isinstance(place, Mapping)]
    sources = [place["source"] for place in locations if isinstance(place.get("source"), Mapping)]
    if isinstance(value.get("host_venue"), Mapping):
        sources.append(value["host_venue"])
    pages = [flat(place.get(key)) for place in locations for key in ("landing_page_url", "pdf_url")]
    return Record(
        source="openalex",
        line=line,
        title=flat(first(value, ("title", "display_name"))),
        abstract=abstract(value.get("abstract_inverted_index")) or flat(value.get("abstract")),
        authors=names_of([item for item in value.get("authorships") or [] if isinstance(item, Mapping)]),
        year=year_of(first(value, ("publication_year", "publication_date"))),
        venue=next((name for item in sources if (name := flat(item.get("display_name")))), None),
        url=next((page for page in pages if page), None),
        doi=flat(value.get("doi") or (ids or {}).get("doi")) or None,
        arxiv_id=next((page for page in pages if "arxiv.org/" in page), None),
        openalex_id=flat(value.get("id") or (ids or {}).get("openalex")) or None,
        keywords=words_of(first(value, ("keywords", "concepts"))),
        cites=ids_of(value.get("referenced_works")),
    )


def abstract(index: Any) -> str:
    """The text of an inverted index: each word with the places where it stands."""
    if not isinstance(index, Mapping):
        return ""
    if isinstance(index.get("InvertedIndex"), Mapping):
        index = index["InvertedIndex"]
    places = ((place, word) for word, found in index.items() if isinstance(found, list) for place in found)
    return " ".join(word for _, word in sorted(item for item in places if isinstance(item[0], int)))
