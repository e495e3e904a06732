"""Ties the nodes of a graph to the entries of catalogues that the user has, by their names, with score and reason.

A directory remembers the names of its catalogues (`catalogues.jsonl`), so that each later build links anew.

>>> from kg.model import Entity
>>> lstm = Entity(id="method:lstm", type="Method", name="Long Short-Term Memory", aliases=("LSTM",), papers=3)
>>> entry = Entry(address="https://x.org/lstm", name="long short term memory", type="Method")
>>> [(link.target, link.match, link.score, link.rule) for link in links([lstm], {"mine": [entry]}).found]
[('https://x.org/lstm', 'exact', 0.94, 'hyphen')]
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from kg.aside import text_aside
from kg.model import ENTITY_TYPES, CatalogueLink, Entity, GraphError
from kg.resolve.catalogues import Entry
from kg.resolve.forms import LOOSE, key, looks_short, loose, words_of
from kg.resolve.match import Match, apart, match

#: What a graph directory remembers of the catalogues that it was linked to.
CATALOGUES = "catalogues.jsonl"
#: From which score on two things are called the same, and close.
EXACT, CLOSE = 0.9, 0.7

# A name that is not the main one, on either side, makes us less sure, and so does a catalogue that tells no types:
# there one word may be many things, and an abbreviation more so. So does a catalogue that gives another type.
_OTHER_NAME, _ONE_WORD, _SHORT, _SHORT_OF_TYPE, _OTHER_TYPE = 0.95, 0.9, 0.8, 0.95, 0.8

Catalogues = Mapping[str, Sequence[Entry]]


@dataclass(frozen=True)
class Linked:
    """Links in order; nodes that two entries of a catalogue fit equally well, and which therefore have none."""

    found: tuple[CatalogueLink, ...]
    ambiguous: tuple[str, ...]


@dataclass(frozen=True, order=True)
class _Fit:
    """How well an entry fits a node: score, how many names agree, and the two names that decide."""

    score: float
    agreeing: int
    rule: str
    name: str
    label: str


def links(entities: Iterable[Entity], catalogues: Catalogues) -> Linked:
    """The links of nodes to catalogues: at most one a node and catalogue, and an entry is the same as one node at most.

    `skos:exactMatch` is transitive, so of two nodes that one entry is the same as, the better one keeps it (then the
    one that more papers name), and the other is close.
    """
    nodes = sorted(entities, key=lambda entity: entity.id)
    found: list[CatalogueLink] = []
    ambiguous: list[str] = []
    for catalogue in sorted(catalogues):
        index = _Index(catalogues[catalogue])
        chosen: list[tuple[Entity, CatalogueLink]] = []
        for entity in nodes:
            fits = sorted(index.fits(entity), key=lambda item: (-item[1].score, -item[1].agreeing, item[0]))
            if not fits:
                continue
            (entry, fit), *others = fits
            if others and (others[0][1].score, others[0][1].agreeing) == (fit.score, fit.agreeing):
                ambiguous.append(entity.id)
                continue
            link = CatalogueLink(
                entity=entity.id,
                target=entry.address,
                match="exact" if fit.score >= EXACT else "close",
                score=fit.score,
                rule=fit.rule,
                name=fit.name,
                label=fit.label,
                catalogue=catalogue,
            )
            chosen.append((entity, link))
        owners: set[str] = set()
        for _, link in sorted(chosen, key=lambda item: (-item[1].score, -item[0].papers, item[0].id)):
            if link.match == "exact" and link.target in owners:
                link = replace(link, match="close")
            elif link.match == "exact":
                owners.add(link.target)
            found.append(link)
    return Linked(tuple(sorted(found)), tuple(sorted(set(ambiguous))))


def remembered(directory: str | Path) -> dict[str, tuple[Entry, ...]]:
    """The catalogues of a graph directory by name; empty where it was never linked."""
    path = Path(directory) / CATALOGUES
    found: dict[str, list[Entry]] = {}
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    catalogue, entry = _parsed(json.loads(line))
                    found.setdefault(catalogue, []).append(entry)
                except (ValueError, TypeError, KeyError, AttributeError) as error:
                    raise GraphError(
                        f"{path}:{number}: no entry of a catalogue ({error}): remove the file, and link again"
                    ) from None
    except FileNotFoundError:
        return {}
    return {name: tuple(entries) for name, entries in found.items()}


def remember(directory: str | Path, catalogues: Catalogues) -> None:
    """Write what a directory shall remember; without catalogues, nothing is left of the file."""
    path = Path(directory) / CATALOGUES
    if not catalogues:
        path.unlink(missing_ok=True)
        return
    with text_aside(path) as lines:
        for name in sorted(catalogues):
            for entry in sorted(catalogues[name]):
                row: dict[str, Any] = {"catalogue": name, "address": entry.address, "name": entry.name}
                row |= {"aliases": list(entry.aliases)} if entry.aliases else {}
                row |= {"type": entry.type} if entry.type else {}
                lines.write(json.dumps(row, ensure_ascii=False) + "\n")


def _parsed(row: Mapping[str, Any]) -> tuple[str, Entry]:
    entry = Entry(
        address=str(row["address"]),
        name=str(row["name"]),
        aliases=tuple(map(str, row.get("aliases", ()))),
        type=str(row.get("type", "")),
    )
    return str(row["catalogue"]), entry


class _Index:
    """The names of a catalogue's entries, as written and by looser forms."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.by_key: dict[str, list[tuple[int, str]]] = {}
        for place, entry in enumerate(entries):
            for label in dict.fromkeys((entry.name, *entry.aliases)):
                self.by_key.setdefault(key(label), []).append((place, label))

    @cached_property
    def by_form(self) -> Mapping[tuple[str, str], list[tuple[int, str]]]:
        """(type, looser form) -> entries that may be of that type."""
        found: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for place, entry in enumerate(self.entries):
            for label in dict.fromkeys((entry.name, *entry.aliases)):
                if not looks_short(label):
                    for entity_type in (entry.type,) if entry.type else ENTITY_TYPES:
                        for form in set(loose(label, entity_type)):
                            found.setdefault((entity_type, form), []).append((place, label))
        return found

    def fits(self, entity: Entity) -> list[tuple[Entry, _Fit]]:
        """The entries that a node may be, each with its best fit."""
        names = dict.fromkeys((entity.name, *entity.aliases))
        agreeing: dict[int, set[str]] = {}
        pairs: list[tuple[int, str, str, Match]] = []
        for name in names:
            for place, label in self.by_key.get(key(name), ()):
                why = match(name, label)
                # `large language models`, which a paper also calls `language models`, are none elsewhere
                if why is not None and (name == entity.name or looks_short(name) or not apart(entity.name, label)):
                    agreeing.setdefault(place, set()).add(key(name))
                    pairs.append((place, name, label, why))
        if not pairs and not looks_short(entity.name):
            for form in dict.fromkeys(loose(entity.name, entity.type)):
                for place, label in self.by_form.get((entity.type, form), ()):
                    why = match(entity.name, label, entity.type)
                    if why is not None and why.rule in _LOOSE_RULES:
                        pairs.append((place, entity.name, label, why))
        best: dict[int, _Fit] = {}
        for place, name, label, why in pairs:
            count = len(agreeing.get(place, ()))
            fit = _Fit(_score(entity, self.entries[place], name, label, why, count), count, why.rule, name, label)
            # of two pairs that are as good, the one of the main names, which is met first
            if place not in best or fit.score > best[place].score:
                best[place] = fit
        return [(self.entries[place], fit) for place, fit in sorted(best.items()) if fit.score >= CLOSE]


_LOOSE_RULES = frozenset(rule for rule, _ in LOOSE)


def _score(entity: Entity, entry: Entry, name: str, label: str, why: Match, agreeing: int) -> float:
    """`rule` x 0.95 for a name that is not the main one, on each side, x what the kind of name and the type say.

    Two names of a node that an entry has, too, are as good as a long name.
    """
    score = why.score
    if name != entity.name:
        score *= _OTHER_NAME
    if label != entry.name:
        score *= _OTHER_NAME
    if agreeing < 2:
        if looks_short(name) or len(key(name)) <= 3:
            score *= _SHORT_OF_TYPE if entry.type else _SHORT
        elif not entry.type and len(words_of(name)) == 1:
            score *= _ONE_WORD
    if entry.type and entry.type != entity.type:
        score *= _OTHER_TYPE
    return round(score, 4)
