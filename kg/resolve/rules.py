"""The rules of resolution that a user can set: limits, and pairs of names that are never one, from a TOML file.

>>> rules = parse('[thresholds]\\ncontext = 0.9\\n[[never]]\\nnames = ["Elmo", "ELMo puppet"]')
>>> rules.thresholds.context, rules.never
(0.9, (('Elmo', 'ELMo puppet'),))
"""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from kg.aside import bytes_aside
from kg.model import OntologyError
from kg.resolve.forms import key

#: The name of the file in a graph directory.
FILE = "rules.toml"


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What the resolver asks for before it merges; a higher number merges less."""

    #: Share of the papers that use an abbreviation beside a long form which must agree on the long form.
    abbreviation: float = 0.8
    #: Share of the papers that use a name beside another one which must agree on the other one.
    alias: float = 0.8
    #: Share of the evidence of a paper's other entities that must speak for one meaning of an ambiguous abbreviation.
    context: float = 0.8


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Limits, and pairs of names that no rule may make one."""

    thresholds: Thresholds = Thresholds()
    never: tuple[tuple[str, str], ...] = ()


def parse(text: str) -> Rules:
    """The rules of a TOML text; raises ValueError with the reason.

    `[thresholds]` holds numbers from 0 to 1; each `[[never]]` has `names`, two or more that stay apart pairwise.
    """
    said = tomllib.loads(text)
    _only(said, ("never", "thresholds"), "the file")
    given = said.get("thresholds", {})
    if not isinstance(given, dict):
        raise ValueError("thresholds should be a table")
    _only(given, tuple(field.name for field in dataclasses.fields(Thresholds)), "thresholds")
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ValueError(f"threshold {name} is {value!r}: give a number from 0 to 1")
    entries = said.get("never", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("never should be a list of tables, each headed [[never]]")
    never: list[tuple[str, str]] = []
    for entry in entries:
        _only(entry, ("names", "why"), "never")
        names = entry.get("names")
        if not isinstance(names, list) or len(names) < 2 or not all(isinstance(name, str) for name in names):
            raise ValueError("each never needs names, a list of two or more")
        for one, other in combinations(names, 2):
            if key(one) == key(other):
                raise ValueError(f"{one!r} and {other!r} differ only in spelling: give one of them another name")
            never.append((one, other))
    return Rules(thresholds=Thresholds(**given), never=tuple(never))


def remember(directory: str | Path, path: str | Path) -> None:
    """Keep a file of rules in a graph directory, for the builds that come."""
    with bytes_aside(Path(directory) / FILE) as file:
        file.write(Path(path).read_bytes())


def read(path: str | Path) -> Rules:
    """The rules of a file, or of a graph directory; the usual ones where the directory has none."""
    file = Path(path) / FILE if Path(path).is_dir() else Path(path)
    if Path(path).is_dir() and not file.exists():
        return Rules()
    try:
        return parse(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise OntologyError(f"{file}: cannot be read: {error}") from None
    except ValueError as error:
        raise OntologyError(f"{file}: {error}") from None


def _only(said: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    unknown = sorted(said.keys() - set(known))
    if unknown:
        raise ValueError(f"{where} has the unknown entry {unknown[0]!r}, known: {', '.join(known)}")
