"""What a reader gives (`Record`), what a run reports (`ReadReport`), and the values that many formats share.

>>> year_of("2020-01-31"), year_of({"date-parts": [[2018, 3]]}), year_of("n.d.")
(2020, 2018, None)
>>> names_of("Marx, Karl; Lindgren, Astrid"), names_of([{"given": "Karl", "family": "Marx"}])
(('Karl Marx', 'Astrid Lindgren'), ('Karl Marx',))
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kg.model import ReadError

#: The fields of a paper that `mapping` may place in an input's own columns.
FIELDS = (
    "abstract",
    "arxiv_id",
    "authors",
    "cites",
    "doi",
    "id",
    "keywords",
    "openalex_id",
    "title",
    "url",
    "venue",
    "year",
)

_YEAR = re.compile(r"(?<!\d)(1[4-9]\d\d|20\d\d|21\d\d)(?!\d)")
_SUFFIX = re.compile(r"(?i)^(?:jr|sr|i{2,3}|iv)\.?$")
_NUMBERED = re.compile(r"\s*\(\d+\)\s*$")  # Scopus: "Ferret, Fred (57190000000)"
_NOBODY = frozenset({"", "others", "et al", "et al."})


def flat(value: Any) -> str:
    """A value as text: None and NaN are empty, a list is its first element, a number its usual writing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Mapping):
        for key in ("name", "display_name", "value", "text", "#text", "literal", "id", "title"):
            if key in value:
                return flat(value[key])
        return ""
    if isinstance(value, Sequence):
        return next((text for text in map(flat, value) if text), "")
    return str(value)


def year_of(*values: Any) -> int | None:
    """The first year from 1400 to 2199 that one of the values names."""
    for value in values:
        if isinstance(value, Mapping):
            value = value.get("date-parts") or value.get("raw") or value.get("year") or flat(value)
        while isinstance(value, list) and value:
            value = value[0]
        if found := _YEAR.search(flat(value)):
            return int(found.group())
    return None


def name_of(value: Any) -> str:
    """One person as "Given Family", from text in either order or from an object of any of the usual shapes."""
    if isinstance(value, Mapping):
        if isinstance(value.get("author"), Mapping):
            value = value["author"]
        low = {str(key).casefold(): flat(item) for key, item in value.items() if not isinstance(item, Mapping | list)}
        family = low.get("family") or low.get("lastname") or low.get("last") or low.get("surname") or ""
        given = low.get("given") or low.get("firstname") or low.get("first") or low.get("forename") or ""
        particle = low.get("non-dropping-particle") or low.get("dropping-particle") or ""
        if family:
            return " ".join(f"{given} {particle} {family} {low.get('suffix', '')}".split())
        return flat({key: low[key] for key in ("name", "display_name", "literal") if key in low})
    if isinstance(value, list | tuple):  # arXiv's snapshot: [family, given, suffix, …]
        parts = [flat(part) for part in value[:3]]
        return " ".join(" ".join([*parts[1:2], *parts[:1], *parts[2:]]).split())
    return given_first(_NUMBERED.sub("", flat(value)))


def given_first(name: str) -> str:
    """ "Family, Given" and "Family, Jr., Given" as "Given Family" and "Given Family Jr."; other names as they are.

    >>> given_first("van den Huevel, Jr., Johan A"), given_first("Ada Lovelace"), given_first("Shannon,Claude E.")
    ('Johan A van den Huevel Jr.', 'Ada Lovelace', 'Claude E. Shannon')
    """
    parts = [" ".join(part.split()) for part in name.split(",")]
    if len(parts) == 2 and not _SUFFIX.match(parts[1]):
        parts = [parts[1], parts[0]]
    elif len(parts) == 3 and _SUFFIX.match(parts[1]):
        parts = [parts[2], parts[0], parts[1]]
    elif len(parts) == 3 and _SUFFIX.match(parts[2]):
        parts = [parts[1], parts[0], parts[2]]
    elif len(parts) > 1:
        return ", ".join(part for part in parts if part)
    return " ".join(part for part in parts if part)


def names_of(value: Any) -> tuple[str, ...]:
    """All persons of a list, or of one text that separates them by `;`, `|`, "and" or commas."""
    if isinstance(value, Mapping):
        return names_of([value])
    if isinstance(value, str):
        value = split_names(value)
    if not isinstance(value, list | tuple):
        return ()
    return tuple(name for name in map(name_of, value) if name.casefold() not in _NOBODY)


def split_names(text: str) -> list[str]:
    """The persons that one text holds.

    >>> split_names("A. Turing and D. Hilbert"), split_names("Ada Lovelace, Karl Marx"), split_names("Marx, Karl")
    (['A. Turing', 'D. Hilbert'], ['Ada Lovelace', 'Karl Marx'], ['Marx, Karl'])
    >>> split_names("Turing A., Hilbert D.")
    ['Turing A.', 'Hilbert D.']
    """
    for separator in (r"\s*[;|]\s*|\s*\n\s*", r"\s*,?\s+and\s+(?![^,]*,[^,]*,)"):
        parts = [part for part in re.split(separator, text.strip()) if part]
        if len(parts) > 1:
            if "and" in separator and "," in parts[0] and all(" " in part.strip() for part in parts[0].split(",")):
                return [*split_names(parts[0]), *parts[1:]]
            return parts
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > 1 and all(" " in part for part in parts):
        return parts
    return [text.strip()] if text.strip() else []


def words_of(value: Any) -> tuple[str, ...]:
    """Keywords: of a list, or of one text that separates them by `;`, `|` or commas."""
    if isinstance(value, str):
        value = re.split(r"[;|\n]" if re.search(r"[;|\n]", value) else ",", value)
    elif not isinstance(value, list | tuple):
        value = [value]
    return tuple(dict.fromkeys(word for item in value if (word := flat(item).strip())))


def ids_of(value: Any) -> tuple[str, ...]:
    """References to other papers: of a list of ids or objects, or of one text that separates them."""
    if isinstance(value, str):
        return tuple(re.findall(r"[^\s;|,]+", value))
    if isinstance(value, list | tuple):
        found = []
        for item in value:
            if isinstance(item, Mapping):
                low = {str(key).casefold(): item[key] for key in item}
                item = next((low[key] for key in ("doi", "arxiv_id", "arxiv", "id", "paperid") if low.get(key)), None)
            if text := flat(item).strip():
                found.append(text)
        return tuple(found)
    return ()


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record as its format gives it, before cleaning; `cites` and `other_ids` are ids in any writing.

    `own_layout` marks kg's own JSON Lines, whose texts and ids stay as they are; `bibtex` marks texts in which braces
    and `~` are markup.
    """

    source: str
    line: int | None = None
    id: str | None = None
    title: str = ""
    abstract: str = ""
    authors: tuple[str, ...] = ()
    year: int | None = None
    venue: str | None = None
    url: str | None = None
    doi: str | None = None
    arxiv_id: str | None = None
    openalex_id: str | None = None
    other_ids: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    own_layout: bool = False
    bibtex: bool = False


#: What a reader yields: records, and in place of a bad one the reason.
Records = Iterator[Record | ReadError]


@dataclass
class ReadReport:
    """What a run of `read_papers` did; complete as soon as the first paper comes.

    `aliases` leads from the id that a merged record would have had alone to the id of the paper that it became.
    """

    files: int = 0
    read: int = 0
    duplicates: int = 0
    skipped: list[ReadError] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)

    def summary(self) -> str:
        """One line for people.

        >>> ReadReport(read=1, duplicates=2).summary()
        '1 paper read, 2 duplicates merged, 0 records skipped'
        """
        counts = ((self.read, "paper", "read"), (self.duplicates, "duplicate", "merged"))
        parts = [*counts, (len(self.skipped), "record", "skipped")]
        return ", ".join(f"{number:,} {noun}{'' if number == 1 else 's'} {verb}" for number, noun, verb in parts)


def first(record: Mapping[str, Any], keys: Iterable[str]) -> Any:
    """The first value that is not empty; None without one."""
    for key in keys:
        value = record.get(key)
        if value is not None and value != "" and value != [] and not (isinstance(value, float) and math.isnan(value)):
            return value
    return None
