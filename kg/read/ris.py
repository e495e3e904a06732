"""Tagged exports: RIS, Web of Science's own (`.txt`, `.ciw`) and PubMed's own (`.nbib`), record by record.

>>> list(parse_ris("TY  - JOUR\\nTI  - A\\nAU  - Marx, Karl\\nER  - \\n", 1))[0].authors
('Karl Marx',)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import rispy

from kg.model import ReadError
from kg.read.opening import MAX_RECORD, Source, lines, misencoded
from kg.read.record import Record, Records, first, flat, names_of, words_of, year_of

Parse = Callable[[str, int], Iterable[Record | ReadError]]

_RIS_START, _RIS_END = re.compile(r"^\ufeff?TY\s{1,2}-"), re.compile(r"^ER\s{1,2}-")
_WOS_START, _WOS_END = re.compile(r"^\ufeff?PT "), re.compile(r"^ER\s*$")
_MEDLINE_START = re.compile(r"^\ufeff?PMID\s*-")
_DOI = re.compile(r"\bDOI\s+\[?(10\.\S+?)[\],;]*(?=\s|$)")


def read(source: Source, mapping: Mapping[str, str]) -> Records:
    """Records of a RIS file."""
    del mapping
    return _read(source, _RIS_START, _RIS_END, parse_ris)


def read_wos(source: Source, mapping: Mapping[str, str]) -> Records:
    """Records of a Web of Science export."""
    del mapping
    return _read(source, _WOS_START, _WOS_END, parse_wos)


def read_medline(source: Source, mapping: Mapping[str, str]) -> Records:
    """Records of a PubMed export."""
    del mapping
    return _read(source, _MEDLINE_START, None, parse_medline)


def _read(source: Source, start: re.Pattern[str], end: re.Pattern[str] | None, parse: Parse) -> Records:
    """Cut at the first line of each record; what stands between records is no part of them."""
    with source.text() as stream:
        begin, rows, size = 0, list[str](), 0
        for number, row in lines(source, stream):
            if start.match(row):
                if rows:
                    yield from _parsed(rows, begin, source, parse, closed=end is None)
                begin, rows, size = number, [row.lstrip("\ufeff")], len(row)
            elif rows:
                rows.append(row)
                size += len(row)
                if end is not None and end.match(row):
                    yield from _parsed(rows, begin, source, parse, closed=True)
                    rows = []
                elif size > MAX_RECORD:
                    raise ReadError(f"a record of more than {MAX_RECORD:,} characters", path=source.name, line=begin)
        if rows:
            yield from _parsed(rows, begin, source, parse, closed=end is None)


def _parsed(rows: list[str], begin: int, source: Source, parse: Parse, *, closed: bool) -> Records:
    text = "".join(rows)
    if error := misencoded(text, source, begin):
        yield error
        return
    if not closed:
        text += "\nER  - \n" if parse is parse_ris else "\nER\n"
    try:
        yield from parse(text, begin)
    except (OSError, ValueError, KeyError, IndexError) as error:
        yield ReadError(f"broken record: {error}", path=source.name, line=begin)


def parse_ris(text: str, line: int) -> Iterator[Record | ReadError]:
    """The record in one piece of RIS."""
    for item in rispy.loads(text, skip_unknown_tags=False):
        unknown: Mapping[str, Any] = item.get("unknown_tag") or {}
        title = first(item, ("title", "primary_title"))
        journal = ("secondary_title", "journal_name", "alternate_title3", "alternate_title1", "alternate_title2")
        yield Record(
            source="ris",
            line=line,
            id=_own_id(flat(first(item, ("id", "label")))),
            title=_joined(title or first(unknown, ("CT", "BT")) or first(item, ("short_title", "translated_title"))),
            abstract=_joined(first(item, ("abstract", "notes_abstract"))),
            authors=names_of(first(item, ("authors", "first_authors"))),
            year=year_of(*(item.get(key) for key in ("year", "publication_year", "date"))),
            venue=_joined(first(item, journal)) or None,
            url=next((url for url in item.get("urls") or [] if url), None),
            doi=flat(item.get("doi")) or None,
            arxiv_id=_arxiv(item),
            keywords=words_of(item.get("keywords")),
        )


def parse_wos(text: str, line: int) -> Iterator[Record | ReadError]:
    """The record in one piece of a Web of Science export."""
    for item in rispy.loads(text, implementation=rispy.WokParser):
        cited = item.get("cited_references") or []
        yield Record(
            source="wos",
            line=line,
            id=flat(item.get("accession_number")) or None,
            title=_joined(item.get("document_title")),
            abstract=_joined(item.get("abstract")),
            authors=names_of(first(item, ("author_full_name", "authors"))),
            year=year_of(item.get("publication_year"), item.get("year_published"), item.get("publication_date")),
            venue=_joined(first(item, ("publication_name", "conference_title"))) or None,
            doi=flat(first(item, ("doi", "digital_object_identifier_doi"))) or None,
            keywords=words_of(first(item, ("author_keywords", "keywords", "keywords_plus"))),
            cites=tuple(match.group(1) for row in cited if (match := _DOI.search(flat(row)))),
        )


def parse_medline(text: str, line: int) -> Iterator[Record | ReadError]:
    """The record in one piece of a PubMed export: a tag of four characters, `- `, and lines that go on."""
    fields: dict[str, list[str]] = {}
    tag = ""
    for row in text.splitlines():
        if match := re.match(r"^([A-Z]{2,4})\s*- (.*)$", row):
            tag = match.group(1)
            fields.setdefault(tag, []).append(match.group(2).strip())
        elif row.startswith("      ") and tag:
            fields[tag][-1] += f" {row.strip()}"
    dois = [item.split(" ")[0] for key in ("LID", "AID") for item in fields.get(key, []) if item.endswith("[doi]")]
    yield Record(
        source="pubmed",
        line=line,
        id=flat(fields.get("PMID")) or None,
        title=flat(fields.get("TI")) or flat(fields.get("BTI")),
        abstract=flat(fields.get("AB")),
        authors=names_of(fields.get("FAU") or fields.get("AU")),
        year=year_of(*(flat(fields.get(key)) for key in ("DP", "EDAT", "CRDT"))),
        venue=flat(fields.get("JT")) or flat(fields.get("TA")) or None,
        doi=dois[0] if dois else None,
        keywords=words_of(fields.get("OT")),
    )


def _joined(value: Any) -> str:
    return " ".join(map(flat, value)) if isinstance(value, list) else flat(value)


def _own_id(text: str) -> str | None:
    """A record's own id; a bare number is only a counter, which the next export uses again."""
    return None if text.isdigit() and len(text) < 8 else text.strip() or None


def _arxiv(item: Mapping[str, Any]) -> str | None:
    texts = [*(item.get("urls") or []), flat(item.get("journal_name")), flat(item.get("alternate_title3"))]
    return next((text for text in texts if re.search(r"(?i)arxiv\.org/|\barxiv:\s*\d", text)), None)
