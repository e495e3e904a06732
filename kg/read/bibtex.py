"""BibTeX and BibLaTeX, entry by entry, so that a broken one harms only itself.

>>> parts(r'{A {\\"o} b} # " and " # jan', {"jan": "January"})
'A {\\\\"o} b and January'
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bibtexparser.entrypoint import parse_string
from bibtexparser.model import Block, DuplicateFieldKeyBlock, Entry, ParsingFailedBlock, String

from kg.model import ReadError
from kg.read.opening import MAX_RECORD, Source, lines, misencoded
from kg.read.record import Record, Records, given_first, words_of, year_of

_BLOCK = re.compile(r"^[ \t]*@[ \t]*([A-Za-z]+)[ \t]*[{(]")
_PARENTS = re.compile(r"(?i)\b(?:crossref|xdata)\s*=\s*[{\"]?\s*([^{}\"]+?)\s*[}\",\n]")
_MONTHS = {
    name[:3].lower(): name
    for name in (
        *("January", "February", "March", "April", "May", "June", "July"),
        *("August", "September", "October", "November", "December"),
    )
}
_VENUES = ("journal", "journaltitle", "booktitle", "eventtitle", "maintitle", "series", "school", "institution")
#: What a parent's field is called in the child; other fields keep their name, and these are not inherited at all.
_RENAMED = {"title": "booktitle", "subtitle": "booksubtitle", "titleaddon": "booktitleaddon"}
_PRIVATE = frozenset(
    {"ids", "crossref", "xref", "xdata", "abstract", "keywords", "doi", "url", "eprint", "author", "key"}
)


@dataclass(frozen=True)
class _Chunk:
    """The text from one `@` at the start of a line to the next."""

    line: int
    kind: str
    text: str


def read(source: Source, mapping: Mapping[str, str]) -> Records:
    """Records of a BibTeX file; strings and parents may stand after what refers to them."""
    del mapping
    wanted, strings = _survey(source)
    parents: dict[str, dict[str, str]] = {}
    if wanted:
        for chunk in _chunks(source):
            if chunk.kind not in ("string", "comment", "preamble"):
                for _, entry in _entries(chunk, source):
                    if isinstance(entry, Entry):
                        fields = _fields(entry, strings)
                        for key in (entry.key, *re.split(r"[\s,]+", fields.get("ids", ""))):
                            if key.casefold() in wanted:
                                parents[key.casefold()] = fields
    for chunk in _chunks(source):
        if chunk.kind in ("string", "comment", "preamble"):
            continue
        for line, entry in _entries(chunk, source):
            if isinstance(entry, ReadError):
                yield entry
            else:
                yield _record(entry, line, _inherit(_fields(entry, strings), parents, set()))


def parts(value: str, strings: Mapping[str, str]) -> str:
    """A field's value: pieces in braces or quotes, numbers and names of strings, joined by `#`."""
    if "#" not in value:
        return _piece(value.strip(), strings)
    pieces, at, depth, quoted, begin = [], 0, 0, False, 0
    while at < len(value):
        character = value[at]
        if character == "\\":
            at += 2
            continue
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
        elif character == '"' and depth == 0:
            quoted = not quoted
        elif character == "#" and depth == 0 and not quoted:
            pieces.append(value[begin:at])
            begin = at + 1
        at += 1
    pieces.append(value[begin:])
    return "".join(_piece(piece.strip(), strings) for piece in pieces)


def _piece(piece: str, strings: Mapping[str, str]) -> str:
    if len(piece) >= 2 and (piece[0], piece[-1]) in (("{", "}"), ('"', '"')):
        return piece[1:-1]
    return strings.get(piece.casefold(), piece)


def _survey(source: Source) -> tuple[set[str], dict[str, str]]:
    """The keys that entries refer to, and the strings, in one look at the file."""
    wanted: set[str] = set()
    strings = dict(_MONTHS)
    for chunk in _chunks(source):
        if chunk.kind == "string":
            for block in _parse(chunk.text):
                if isinstance(block, String):
                    strings[block.key.casefold()] = parts(block.value, strings)
        elif chunk.kind not in ("comment", "preamble"):
            for found in _PARENTS.findall(chunk.text):
                wanted.update(key.strip().casefold() for key in found.split(","))
    return wanted, strings


def _chunks(source: Source) -> Iterator[_Chunk]:
    with source.text() as stream:
        line, kind, rows, size = 1, "comment", list[str](), 0
        for number, row in lines(source, stream):
            if "@" in row and (match := _BLOCK.match(row)):
                if rows:
                    yield _Chunk(line, kind, "".join(rows))
                line, kind, rows, size = number, match.group(1).lower(), [], 0
            rows.append(row)
            size += len(row)
            if size > MAX_RECORD:
                raise ReadError(f"an entry of more than {MAX_RECORD:,} characters", path=source.name, line=line)
        if rows:
            yield _Chunk(line, kind, "".join(rows))


def _entries(chunk: _Chunk, source: Source) -> Iterator[tuple[int, Entry | ReadError]]:
    if error := misencoded(chunk.text, source, chunk.line):
        yield chunk.line, error
        return
    text = _braced(chunk.text)
    block: Block | None
    for block in _parse(text):
        line = chunk.line + (block.start_line or 0)
        if isinstance(block, DuplicateFieldKeyBlock):
            block = block.ignore_error_block  # the first of two fields of one name counts
        if isinstance(block, Entry):
            yield line, block
        elif isinstance(block, ParsingFailedBlock):
            yield line, ReadError(f"broken entry: {_reason(block.error)}", path=source.name, line=line)


def _reason(error: Exception) -> str:
    reason = " ".join(str(getattr(error, "abort_reason", error)).split()).rstrip(". ")
    return "a brace or quote is never closed" if "end of file" in reason else reason


def _parse(text: str) -> Sequence[Block]:
    """The blocks of a text; what the parser would log comes as blocks, too."""
    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    return list(parse_string(text, parse_stack=[]).blocks)


def _braced(text: str) -> str:
    """An entry in parentheses as one in braces, which is all that the parser knows."""
    match = _BLOCK.match(text)
    if match and match.group().endswith("("):
        end = text.rfind(")")
        if end > match.end():
            return f"{text[: match.end() - 1]}{{{text[match.end() : end]}}}{text[end + 1 :]}"
    return text


def _fields(entry: Entry, strings: Mapping[str, str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for item in entry.fields:
        value = parts(item.value, strings) if isinstance(item.value, str) else str(item.value)
        if value.strip():
            fields.setdefault(item.key.casefold().strip(), value)
    return fields


def _inherit(fields: dict[str, str], parents: Mapping[str, dict[str, str]], seen: set[str]) -> dict[str, str]:
    """The fields with what `xdata` (all) and `crossref` (a parent's title is the book's) add; circles end."""
    found = dict(fields)
    for key in re.split(r"\s*,\s*", fields.get("xdata", "")):
        key = key.strip().casefold()
        if key in parents and key not in seen:
            for name, value in _inherit(parents[key], parents, seen | {key}).items():
                found.setdefault(name, value)
    key = fields.get("crossref", "").strip().casefold()
    if key in parents and key not in seen:
        for name, value in _inherit(parents[key], parents, seen | {key}).items():
            if name not in _PRIVATE:
                found.setdefault(_RENAMED.get(name, name), value)
    return found


def _record(entry: Entry, line: int, fields: Mapping[str, str]) -> Record:
    title = fields.get("title", "")
    if title and (subtitle := fields.get("subtitle")):
        title = f"{title.rstrip().rstrip(':')}: {subtitle}"
    prefix = fields.get("archiveprefix", fields.get("eprinttype", "arxiv")).strip().casefold()
    arxiv = [fields.get("eprint", "") if prefix == "arxiv" else "", fields.get("url", ""), fields.get("journal", "")]
    link = re.search(r"\\url\{([^}]*)\}", fields.get("howpublished", ""))
    return Record(
        source="bibtex",
        line=line,
        bibtex=True,
        id=entry.key.strip() or None,
        title=title,
        abstract=fields.get("abstract", ""),
        authors=tuple(names(fields.get("author", ""))),
        year=year_of(fields.get("year"), fields.get("date")),
        venue=next((fields[name] for name in _VENUES if name in fields), None),
        url=fields.get("url") or (link.group(1) if link else None),
        doi=fields.get("doi"),
        arxiv_id=fields.get("arxivid") or fields.get("arxiv") or _arxiv(arxiv),
        keywords=words_of(fields.get("keywords", fields.get("keyword"))),
    )


def _arxiv(candidates: list[str]) -> str | None:
    eprint, url, journal = candidates
    if eprint.strip():
        return eprint
    return next((text for text in (url, journal) if re.search(r"(?i)arxiv\.org/|\barxiv:\s*\d", text)), None)


def names(text: str) -> list[str]:
    """The persons of an author field: "and" separates them outside of braces, and braces protect a name.

    >>> names("Marx, Karl and {Barnes and Noble} and others")
    ['Karl Marx', '{Barnes and Noble}']
    """
    found, depth, rows = [], 0, [""]
    for word in re.split(r"(\s+)", text):
        if depth == 0 and word.casefold() == "and":
            rows.append("")
            continue
        depth = max(0, depth + word.count("{") - word.count("}"))
        rows[-1] += word
    for row in rows:
        name = " ".join(row.split())
        if name and name.casefold() != "others":
            found.append(name if name.startswith("{") and name.endswith("}") else given_first(name))
    return found
