"""Semantic Scholar: papers of its API (searches, references, batches) and lines of its data sets.

>>> to_record({"paperId": "ab", "title": "A", "externalIds": {"ArXiv": "1706.03762"}}, 1).arxiv_id
'1706.03762'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kg.read.record import Record, first, flat, names_of, words_of, year_of


def is_paper(value: Mapping[str, Any]) -> bool:
    """Whether an object is a paper of Semantic Scholar."""
    return bool({"paperId", "corpusid", "corpusId", "citedPaper", "citingPaper"} & value.keys())


def to_record(value: Mapping[str, Any], line: int | None) -> Record:
    """One paper; a reference or citation is the paper that it holds."""
    for key in ("citedPaper", "citingPaper"):
        if isinstance(value.get(key), Mapping):
            value = value[key]
    journal = value.get("journal")
    own, others = _ids(value)
    return Record(
        source="semantic-scholar",
        line=line,
        id=own,
        title=flat(value.get("title")),
        abstract=flat(value.get("abstract")),
        authors=names_of(value.get("authors")),
        year=year_of(first(value, ("year", "publicationDate", "publicationdate"))),
        venue=flat(value.get("venue")) or (flat(journal) if isinstance(journal, Mapping) else "") or None,
        url=flat(value.get("url")) or None,
        doi=_external(value, "DOI"),
        arxiv_id=_external(value, "ArXiv"),
        other_ids=others,
        keywords=words_of([item for item in value.get("fieldsOfStudy") or [] if isinstance(item, str)]),
        cites=tuple(
            cited for item in value.get("references") or [] if isinstance(item, Mapping) and (cited := _cited(item))
        ),
    )


def _external(value: Mapping[str, Any], name: str) -> str | None:
    ids = first(value, ("externalIds", "externalids"))
    return flat(ids.get(name)) or None if isinstance(ids, Mapping) else None


def _ids(value: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    """The paper's own id, and the other under which Semantic Scholar knows it."""
    number = flat(first(value, ("corpusId", "corpusid"))) or _external(value, "CorpusId")
    names = [flat(value.get("paperId")) or None, f"CorpusId:{number}" if number else None]
    known = [name for name in names if name]
    return (known[0] if known else None), tuple(known)


def _cited(item: Mapping[str, Any]) -> str | None:
    if isinstance(item.get("citedPaper"), Mapping):
        item = item["citedPaper"]
    arxiv = _external(item, "ArXiv")
    return (f"arXiv:{arxiv}" if arxiv else None) or _external(item, "DOI") or _ids(item)[0]
