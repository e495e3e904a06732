"""arXiv: what its API answers (Atom), and the lines of its metadata snapshot.

>>> to_record({"id": "0704.0001", "title": "A\\n  B", "authors_parsed": [["Balázs", "C.", ""]]}, 1).authors
('C. Balázs',)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from kg.model import ReadError
from kg.read.opening import Source
from kg.read.record import Record, Records, flat, names_of, words_of, year_of

_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"


def is_snapshot(value: Mapping[str, Any]) -> bool:
    """Whether an object is a line of the metadata snapshot."""
    return (
        "authors_parsed" in value or {"submitter", "versions"} <= value.keys() or {"id", "update_date"} <= value.keys()
    )


def to_record(value: Mapping[str, Any], line: int | None) -> Record:
    """One line of the snapshot."""
    versions = value.get("versions")
    created = flat(versions[0].get("created")) if isinstance(versions, list) and _is_dict(versions[:1]) else ""
    return Record(
        source="arxiv-snapshot",
        line=line,
        title=flat(value.get("title")),
        abstract=flat(value.get("abstract")),
        authors=names_of(value.get("authors_parsed") or value.get("authors")),
        year=year_of(created, value.get("update_date")),
        venue=flat(value.get("journal-ref")) or None,
        url=f"https://arxiv.org/abs/{flat(value.get('id'))}",
        doi=flat(value.get("doi")) or None,
        arxiv_id=flat(value.get("id")) or None,
        keywords=words_of(flat(value.get("categories")).split()),
    )


def read(source: Source, mapping: Mapping[str, str]) -> Records:
    """Records of an Atom feed, one entry at a time."""
    del mapping
    number = 0
    with source.binary() as stream:
        try:
            root = None
            for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
                if event == "start":
                    root = element if root is None else root
                    if root.tag not in (f"{_ATOM}feed", f"{_ATOM}entry"):
                        raise ReadError("XML, but not an Atom feed of arXiv", path=source.name)
                elif element.tag == f"{_ATOM}entry":
                    number += 1
                    yield _entry(element, number, source)
                    if root is not None:
                        root.clear()
        except DefusedXmlException as error:
            raise ReadError(
                "the XML declares entities or a DTD, which no answer of arXiv does", path=source.name
            ) from error
        except ParseError as error:
            reason = f"broken XML: {error}"
            raise ReadError(reason, path=source.name, line=error.position[0]) from error
        except (LookupError, ValueError) as error:  # an encoding that the parser does not know
            raise ReadError(f"broken XML: {error}", path=source.name) from error


def _entry(entry: Element, number: int, source: Source) -> Record | ReadError:
    def text(tag: str) -> str:
        return "".join(found.itertext()) if (found := entry.find(tag)) is not None else ""

    address = text(f"{_ATOM}id").strip()
    if "/api/errors" in address:
        return ReadError(f"entry {number}: arXiv answered: {text(f'{_ATOM}summary').strip()}", path=source.name)
    categories = [item.get("term", "") for item in entry.iter(f"{_ATOM}category")]
    return Record(
        source="arxiv",
        title=text(f"{_ATOM}title"),
        abstract=text(f"{_ATOM}summary"),
        authors=names_of([_person(person) for person in entry.iter(f"{_ATOM}author")]),
        year=year_of(text(f"{_ATOM}published"), text(f"{_ATOM}updated")),
        venue=text(f"{_ARXIV}journal_ref") or None,
        url=address or None,
        doi=text(f"{_ARXIV}doi") or None,
        arxiv_id=address or None,
        keywords=words_of(categories),
    )


def _person(person: Element) -> dict[str, str]:
    return {"name": person.findtext(f"{_ATOM}name") or ""}


def _is_dict(items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, Mapping) for item in items)
