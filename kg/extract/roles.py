"""Says what each entity is to its paper: exactly one role, allowed for its type, by a learned model.

>>> from kg.extract.features import View
>>> text = "NAtS for language modeling\\nWe propose NAtS."
>>> words = [(0, 4), (5, 8), (9, 17), (18, 26), (27, 29), (30, 37), (38, 42), (42, 43)]
>>> entity = {"type": "Method", "name": "NAtS", "mentions": [[0, 4, 1.0], [38, 42, 1.0]]}
>>> rows = features(View.of_text(text, words), [entity])
>>> "Method:left=propose" in rows[0], "Method:title=first" in rows[0]
(True, True)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from kg import ontology
from kg.extract import linear
from kg.extract.encoder import Reading
from kg.extract.features import View, bucket, casing, normal_form, register_attributes
from kg.model import ENTITY_TYPES

#: Mentions of one entity that are looked at: the first few say it.
_LOOK = 6


@Language.factory("kg_roles", requires=["doc._.kg_entities", "doc._.kg_reading"], assigns=["doc._.kg_entities"])
def make_roles(nlp: Language, name: str) -> RoleClassifier:  # noqa: ARG001
    """The component `kg_roles`."""
    register_attributes()
    return RoleClassifier()


def role_labels() -> tuple[str, ...]:
    """All roles, strongest first."""
    return tuple(role.name for role in ontology.load().of_kind("role"))


def allowed_roles(types: Iterable[str]) -> NDArray[np.bool_]:
    """Which of `role_labels` an entity of each type can have: a row a type."""
    labels = role_labels()
    permitted = {kind: set(ontology.load().roles(kind)) for kind in ENTITY_TYPES}
    return np.array([[label in permitted[kind] for label in labels] for kind in types], dtype=bool).reshape(
        -1, len(labels)
    )


def features(view: View, entities: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """The features of each entity of a text."""
    places = [[view.tokens(start, end) for start, end, _ in entity["mentions"]] for entity in entities]
    occupied: dict[int, str] = {}
    for entity, spans in zip(entities, places, strict=True):
        for first, last in spans:
            for number in range(first, last):
                occupied[number] = entity["type"]
    seen: dict[str, int] = {}
    rows = []
    for entity, spans in zip(entities, places, strict=True):
        kind = entity["type"]
        rank = seen.get(kind, 0)
        seen[kind] = rank + 1
        plain = _entity_features(view, entity, spans, rank, occupied)
        rows.append([f"{kind}:{feature}" for feature in plain])
    return rows


def _entity_features(
    view: View,
    entity: Mapping[str, Any],
    spans: Sequence[tuple[int, int]],
    rank: int,
    occupied: Mapping[int, str],
) -> list[str]:
    text, mentions = view.text, entity["mentions"]
    in_title = [end <= view.title_end for _, end, _ in mentions]
    last_sentence = max(1, view.sentence[-1]) if view.sentence else 1
    first_part = _part(view, spans, in_title, last_sentence, first=True)
    last_part = _part(view, spans, in_title, last_sentence, first=False)
    body = [span for span, title in zip(spans, in_title, strict=True) if not title]
    count = bucket(len(mentions), limits=(1, 2, 3, 5))
    name = text[mentions[0][0] : mentions[0][1]]
    form = normal_form(name)
    title = "no" if not in_title[0] else "first" if spans[0][0] == 0 else "in"
    found = [
        "bias",
        f"title={title}",
        f"rank={min(rank, 5)}",
        f"count={count}",
        f"count={count}&title={title}",
        f"part={first_part}",
        f"part={first_part}-{last_part}",
        f"part={first_part}&count={count}",
        f"rank={min(rank, 5)}&title={title}",
        f"case={casing(name)}",
        f"case={casing(name)}&title={title}",
        f"case={casing(name)}&part={first_part}",
        f"form={form}",
        f"tail={form.split()[-1]}",
        f"head={form.split()[0]}",
        f"words={min(len(form.split()), 5)}&title={title}",
        f"forms={min(3, len({text[start:end] for start, end, _ in mentions}))}",
    ]
    if in_title[0]:
        first, last = spans[0]
        found += [f"title-left={view.word(first - 1)}", f"title-right={view.word(last)}"]
        found += [f"title-word={word}" for word in set(_title_words(view, first))]
    bag: set[str] = set()
    for first, last in body[:_LOOK]:
        number = view.sentence[first]
        part = _position(number, last_sentence)
        left, right = view.word(first - 1), view.word(last)
        bag.update(
            (
                f"left={left}",
                f"left2={view.word(first - 2)} {left}",
                f"left3={view.word(first - 3)} {view.word(first - 2)} {left}",
                f"right={right}",
                f"right2={right} {view.word(last + 1)}",
                f"right3={right} {view.word(last + 1)} {view.word(last + 2)}",
                f"around={left} _ {right}",
                f"left={left}&part={part}",
            )
        )
        begin, end = _sentence_range(view, first)
        bag.add(f"start={view.word(begin)} {view.word(begin + 1)}")
        bag.add(f"start3={view.word(begin)} {view.word(begin + 1)} {view.word(begin + 2)}")
        bag.update(f"before={view.words[n]}" for n in range(max(begin, first - 25), first) if n not in occupied)
        bag.update(f"near-={view.words[n]}" for n in range(max(begin, first - 6), first) if n not in occupied)
        bag.update(f"after={view.words[n]}" for n in range(last, min(end, last + 25)) if n not in occupied)
        bag.update(f"near+={view.words[n]}" for n in range(last, min(end, last + 6)) if n not in occupied)
        if number == last_sentence:
            bag.add("in-last")
    if body:
        first, last = body[0]
        begin, end = _sentence_range(view, first)
        bag.update(f"first-before={view.words[n]}" for n in range(max(begin, first - 12), first) if n not in occupied)
    return found + sorted(bag)


def _title_words(view: View, first: int) -> list[str]:
    return [view.words[number] for number in range(first) if view.ends[number] <= view.title_end]


def _sentence_range(view: View, token: int) -> tuple[int, int]:
    number = view.sentence[token]
    begin = end = token
    while begin > 0 and view.sentence[begin - 1] == number:
        begin -= 1
    while end < len(view.words) and view.sentence[end] == number:
        end += 1
    return begin, end


def _position(sentence: int, last: int) -> str:
    if sentence >= last:
        return "last"
    if sentence <= 1:
        return "first"
    return "early" if sentence / last < 0.4 else "mid" if sentence / last < 0.75 else "late"


def _part(
    view: View, spans: Sequence[tuple[int, int]], in_title: Sequence[bool], last_sentence: int, *, first: bool
) -> str:
    body = [span for span, title in zip(spans, in_title, strict=True) if not title]
    if not body:
        return "title"
    return _position(view.sentence[body[0 if first else -1][0]], last_sentence)


class RoleClassifier:
    """Adds `role` and `role_score` to each entity of `doc._.kg_entities`."""

    def __init__(self) -> None:
        labels = role_labels()
        empty = np.zeros((1, len(labels)), np.float32)
        self.model = linear.Linear(labels, np.zeros(0, np.uint32), empty, np.zeros(len(labels)))

    def __call__(self, doc: Doc) -> Doc:
        entities = doc._.kg_entities
        if entities:
            scores = self.probabilities(View.of_doc(doc), entities, doc._.kg_reading)
            chosen = scores.argmax(axis=1)
            doc._.kg_entities = [
                {**entity, "role": self.model.labels[label], "role_score": round(float(row[label]), 4)}
                for entity, label, row in zip(entities, chosen, scores, strict=True)
            ]
        return doc

    def probabilities(self, view: View, entities: Sequence[Mapping[str, Any]], reading: Reading) -> NDArray[np.float64]:
        """For each entity, the probability of each role."""
        rows = linear.encode(features(view, entities))
        allowed = allowed_roles(entity["type"] for entity in entities)
        return self.model.probabilities(rows, allowed, reading.roles(entities))

    def to_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        Path(path).mkdir(parents=True, exist_ok=True)
        self.model.save(Path(path) / "model.npz")

    def from_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> RoleClassifier:  # noqa: ARG002
        self.model = linear.load(Path(path) / "model.npz")
        return self
