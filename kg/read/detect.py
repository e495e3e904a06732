"""Which format a file is in, by its content first and its suffix second.

>>> import tempfile
>>> from pathlib import Path
>>> path = Path(tempfile.mkdtemp(), "export.txt")
>>> _ = path.write_text("TY  - JOUR\\nTI  - A\\nER  - \\n")
>>> detect(Source("export.txt", path))
'ris'
"""

from __future__ import annotations

import re

from kg.model import ReadError
from kg.read import tables, trending
from kg.read.opening import Source

_MAGIC = (
    (b"PAR1", "parquet"),
    (b"PK\x03\x04", "a ZIP archive or an Office document: unpack it, or save the table as CSV"),
    (b"%PDF", "a PDF: kg reads titles and abstracts (for example BibTeX), not whole papers"),
    (b"BZh", "compressed with bzip2: decompress it first (gzip and Zstandard are read as they are)"),
    (b"\xfd7zXZ", "compressed with xz: decompress it first (gzip and Zstandard are read as they are)"),
    (b"SQLite format 3", "an SQLite database: export the table as CSV"),
    (b"\x1f\x8b", "compressed twice: decompress it once"),
    (b"\x28\xb5\x2f\xfd", "compressed twice: decompress it once"),
)
_BIBTEX = re.compile(r"(?m)^[ \t]*@[ \t]*[A-Za-z]+[ \t]*[{(]")
_RIS = re.compile(r"(?m)^TY\s{1,2}-")
_WOS = re.compile(r"\A\s*(?:FN .*\n)?(?:VR .*\n)?PT [A-Z]", re.MULTILINE)
_MEDLINE = re.compile(r"(?m)\A\s*PMID\s*- \d")
_ATOM = re.compile(r"<(?:\w+:)?(?:feed|entry)[\s>]")


def detect(source: Source) -> str:
    """The name of the format; a `ReadError` says what the file is instead."""
    head = source.head()
    if not head.strip():
        raise ReadError("the file is empty", path=source.name)
    for magic, answer in _MAGIC:
        if head.startswith(magic):
            if " " in answer:
                raise ReadError(answer, path=source.name)
            return answer
    text = source.head_text().lstrip("\ufeff")
    found = _by_content(text.lstrip(), source) or _by_columns(text, source)
    if found is None:
        from kg.read.formats import FORMATS

        raise ReadError(f"no known format ({', '.join(FORMATS)}); --format NAME forces one", path=source.name)
    return found


def _by_content(text: str, source: Source) -> str | None:
    if text.startswith(("{", "[")):
        return "json"
    if text.startswith("<"):
        if re.match(r"(?i)<(?:!doctype\s+html|html)", text):
            raise ReadError("a web page: save what it lists as BibTeX, RIS or CSV", path=source.name)
        if _ATOM.search(text):
            return "arxiv"
        if text.startswith("<?xml") or "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise ReadError("XML, but not an Atom feed of arXiv", path=source.name)
    if _WOS.match(text):
        return "wos"
    if _MEDLINE.match(text):
        return "pubmed"
    if _RIS.search(text):
        return "ris"
    if _BIBTEX.search(text) and source.suffix not in (".csv", ".tsv"):
        return "bibtex"
    return None


def _by_columns(text: str, source: Source) -> str | None:
    delimiter = tables.first_column(text)
    if source.suffix in (".tsv", ".tab") or delimiter == "\t":
        return "tsv"
    if source.suffix == ".csv" or (delimiter is not None and delimiter in text.splitlines()[0]):
        return "csv"
    if trending.is_page(text):
        return "trending"
    return {".bib": "bibtex", ".ris": "ris", ".jsonl": "json", ".json": "json"}.get(source.suffix)
