"""The table of formats: a name, and the function that reads it.

>>> reader("bib")[0], FORMATS[:3]
('bibtex', ('arxiv', 'arxiv-snapshot', 'bibtex'))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kg.model import ReadError
from kg.read import arxiv, bibtex, crossref, json_records, openalex, ris, semantic_scholar, tables, trending
from kg.read.opening import Source
from kg.read.record import Records

Reader = Callable[[Source, Mapping[str, str]], Records]

READERS: Mapping[str, Reader] = {
    "arxiv": arxiv.read,
    "arxiv-snapshot": json_records.read_as(arxiv.to_record),
    "bibtex": bibtex.read,
    "crossref": json_records.read_as(crossref.to_record),
    "csv": tables.read_csv,
    "json": json_records.read,
    "openalex": json_records.read_as(openalex.to_record),
    "parquet": tables.read_parquet,
    "pubmed": ris.read_medline,
    "ris": ris.read,
    "semantic-scholar": json_records.read_as(semantic_scholar.to_record),
    "trending": trending.read,
    "tsv": tables.read_tsv,
    "wos": ris.read_wos,
}
#: The names of the formats.
FORMATS = tuple(sorted(READERS))
#: Other names that people use.
ALIASES: Mapping[str, str] = {
    "atom": "arxiv",
    "bib": "bibtex",
    "biblatex": "bibtex",
    "jsonl": "json",
    "ndjson": "json",
    "medline": "pubmed",
    "nbib": "pubmed",
    "s2": "semantic-scholar",
    "semanticscholar": "semantic-scholar",
}


def reader(name: str) -> tuple[str, Reader]:
    """The format of this name and its reader; an unknown name lists the known."""
    known = name.strip().lower().replace("_", "-")
    known = ALIASES.get(known, known)
    if known not in READERS:
        raise ReadError(f"no format {name!r}; the formats are {', '.join(FORMATS)}")
    return known, READERS[known]
