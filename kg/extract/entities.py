"""Groups the mentions of a paper into entities: one thing, all the strings that name it, one type, one name.

Strings are one thing when their normal forms are equal (case, hyphens, plural), when the text says that one abbreviates
the other, also inside a longer name (`nested NER`), when one is made of the initials of the other, or when a learned
model says so (`kg.extract.joining`).

>>> text = "Graph Neural Networks (GNNs) are graph neural networks."
>>> spans = [(0, 21), (23, 27), (33, 54)]
>>> mentions = [{"start": a, "end": b, "type": "Method", "score": 0.9} for a, b in spans]
>>> entity, = group(text, mentions, [[23, 27, 0, 21]])
>>> entity["name"], entity["type"], [m[:2] for m in entity["mentions"]]
('Graph Neural Network', 'Method', [[0, 21], [23, 27], [33, 54]])
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from kg.extract import joining, linear
from kg.extract.abbreviations import looks_short
from kg.extract.features import normal_form, register_attributes
from kg.model import ENTITY_TYPES
from kg.plural import singular

_SMALL = frozenset("a an and as at by for from in into of on or over per the to under via vs with without".split())
_WORD = re.compile(r"[A-Za-z0-9]+")


@Language.factory(
    "kg_entities",
    requires=["doc._.kg_mentions", "doc._.kg_abbreviations", "doc._.kg_reading"],
    assigns=["doc._.kg_entities"],
    default_config={"threshold": 0.5},
)
def make_entities(nlp: Language, name: str, threshold: float) -> EntityGrouper:  # noqa: ARG001
    """The component `kg_entities`; two names whose pair scores below `threshold` stay two entities."""
    register_attributes()
    return EntityGrouper(threshold=threshold)


def group(
    text: str, mentions: Sequence[Mapping[str, Any]], abbreviations: Sequence[Sequence[int]]
) -> list[dict[str, Any]]:
    """The entities that mentions make, in the order of their first mention."""
    forms: dict[str, list[Mapping[str, Any]]] = {}
    for mention in mentions:
        forms.setdefault(normal_form(text[mention["start"] : mention["end"]]), []).append(mention)
    parent = {form: form for form in forms}
    long_of: dict[str, str] = {}
    for short, long in _pairs(text, mentions, abbreviations, forms):
        a, b = _root(parent, short), _root(parent, long)
        if a != b:
            parent[max(a, b)] = min(a, b)
        long_of.setdefault(short, long)
    groups: dict[str, list[str]] = {}
    for form in forms:
        groups.setdefault(_root(parent, form), []).append(form)
    entities = []
    for members in groups.values():
        own = sorted((m for form in members for m in forms[form]), key=lambda m: (m["start"], m["end"]))
        kind = _type_of(own)
        preferred = {long_of[form] for form in members if form in long_of} or set(members)
        surfaces = [s for m in own if normal_form(s := text[m["start"] : m["end"]]) in preferred]
        entities.append(
            {
                "type": kind,
                "name": display_name(surfaces),
                "score": max(m["score"] for m in own),
                "mentions": [[m["start"], m["end"], m["score"]] for m in own],
            }
        )
    return sorted(entities, key=lambda entity: entity["mentions"][0])


def _pairs(
    text: str,
    mentions: Sequence[Mapping[str, Any]],
    abbreviations: Sequence[Sequence[int]],
    forms: Mapping[str, Sequence[Mapping[str, Any]]],
) -> list[tuple[str, str]]:
    """(short, long) normal forms that stand for the same thing."""
    pairs = []
    by_end = {mention["end"]: mention for mention in mentions}
    for a, b, c, d in abbreviations:
        short = normal_form(text[a:b])
        if short not in forms:
            continue
        long = normal_form(text[c:d])
        if long not in forms:
            near = by_end.get(d)  # a mention of most of the long form; more than it is another thing (`few-shot NER`)
            if near is None or near["start"] < c or 2 * (d - near["start"]) < d - c:
                continue
            long = normal_form(text[near["start"] : near["end"]])
        if long != short:
            pairs.append((short, long))
    spelled = {short for short, _ in pairs}
    pairs += _expanded(forms, [(normal_form(text[a:b]), normal_form(text[c:d])) for a, b, c, d in abbreviations])
    by_initials: dict[str, list[str]] = {}
    for form in forms:
        words = _WORD.findall(form)
        if len(words) >= 3 or (len(words) == 2 and len(form) > 8):
            by_initials.setdefault("".join(word[0] for word in words), []).append(form)
    for form in sorted(forms):
        first = forms[form][0]
        surface = text[first["start"] : first["end"]]
        if form in spelled or not looks_short(surface) or not singular(surface).isupper():
            continue
        fitting = by_initials.get(form, [])
        if len(fitting) == 1 and {m["type"] for m in forms[fitting[0]]} & {m["type"] for m in forms[form]}:
            pairs.append((form, fitting[0]))
    return pairs


def _expanded(
    forms: Mapping[str, Sequence[Mapping[str, Any]]], known: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Pairs of names of which one holds the short form where the other holds the long one."""
    pairs = []
    for short, long in known:
        inside = re.compile(rf"(?<!\w){re.escape(short)}(?!\w)")
        for form in forms:
            whole = long.join(inside.split(form))
            if form != short and whole != form and normal_form(whole) in forms:
                pairs.append((form, normal_form(whole)))
    return pairs


def _root(parent: Mapping[str, str], form: str) -> str:
    while parent[form] != form:
        form = parent[form]
    return form


def _type_of(mentions: Sequence[Mapping[str, Any]]) -> str:
    totals: dict[str, float] = {}
    for mention in mentions:
        totals[mention["type"]] = totals.get(mention["type"], 0.0) + mention["score"]
    order = {kind: number for number, kind in enumerate(ENTITY_TYPES)}  # of types with as much, the first of kg's own
    return max(sorted(totals, key=lambda kind: order.get(kind, len(order))), key=lambda kind: totals[kind])


def display_name(surfaces: Sequence[str]) -> str:
    """The name of an encyclopedia entry for a thing that a text calls by these strings: singular, in title case.

    >>> display_name(["convolutional neural networks"]), display_name(["k-NN"]), display_name(["MS MARCO"])
    ('Convolutional Neural Network', 'k-NN', 'MS MARCO')
    """
    counts: dict[str, int] = {}
    for surface in surfaces:
        counts[surface] = counts.get(surface, 0) + 1
    best = max(counts, key=lambda surface: (singular(surface) == surface, counts[surface], -surfaces.index(surface)))
    words = best.split()
    words[-1] = singular(words[-1])
    return " ".join(_capital(word, first=number == 0) for number, word in enumerate(words))


def _capital(word: str, *, first: bool) -> str:
    if word in _SMALL and not first:
        return word
    if word != word.lower() or len(word.split("-")[0]) < 2 or not word[0].isalpha():
        return word
    return word[0].upper() + word[1:]


class EntityGrouper:
    """Writes `doc._.kg_entities`: dicts of `type`, `name`, `score` and `mentions` (lists of start, end, score)."""

    def __init__(self, *, threshold: float) -> None:
        self.threshold = threshold
        self.model: linear.Linear | None = None

    def __call__(self, doc: Doc) -> Doc:
        text = doc.text
        found = group(text, doc._.kg_mentions, doc._.kg_abbreviations)
        if self.model is not None:
            pairs, rows = joining.candidates(text, found, doc._.kg_reading)
            found = joining.join(found, pairs, joining.scores(self.model, rows).tolist(), self.threshold)
        doc._.kg_entities = found
        return doc

    def to_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        Path(path).mkdir(parents=True, exist_ok=True)
        if self.model is not None:
            self.model.save(Path(path) / "model.npz")

    def from_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> EntityGrouper:  # noqa: ARG002
        file = Path(path) / "model.npz"
        self.model = linear.load(file) if file.is_file() else None
        return self
