"""Reads the reported numbers of a paper: the value as written, its unit, and what it is about by nearness.

A pattern finds numbers, a learned model says which of them are results (not years, sizes of data, layers, sections).

>>> text = "We reach 91.2% accuracy with 12 layers."
>>> [text[start:end] for start, end in numbers(text)]
['91.2%', '12']
>>> unit_of(text, 9, 14), note_of("It is a gain of 3.1 points.", 16, 19)
('percent', 'gain')
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from kg.extract import linear
from kg.extract.encoder import Reading
from kg.extract.features import View, bucket, register_attributes
from kg.sentences import sentences

_PLAIN = r"(?:\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
_UNIT = r"(?:\s?(?:\\?%|[xX×](?!\w)|\\times|times\b))?"
_NUMBER = re.compile(rf"(?<![\w.])(?:\+|−|(?<![\w)%])-)?{_PLAIN}{_UNIT}(?:\s?(?:--?|–|—)\s?{_PLAIN}{_UNIT})?")
_UNITS = (
    ("percent", re.compile(r"\\?%|\s(?:percent|per cent)\b")),
    ("points", re.compile(r"\s(?:(?:absolute|percentage|BLEU|F1|ROUGE)[\s-])?points?\b|\spp\b")),
    ("times", re.compile(r"\s?(?:[xX×]|\$?\\times)(?!\w)|\stimes\b")),
    ("dB", re.compile(r"\s?dB\b")),
    ("milliseconds", re.compile(r"\s?(?:ms|milliseconds?)\b")),
    ("seconds", re.compile(r"\s?(?:s|secs?|seconds?)\b")),
    ("minutes", re.compile(r"\s?min(?:utes?)?\b")),
    ("hours", re.compile(r"\s?(?:h|hours?)\b")),
    ("frames per second", re.compile(r"\s?(?:FPS|fps|frames per second)\b")),
    ("gigabytes", re.compile(r"\s?GB\b")),
    ("megabytes", re.compile(r"\s?MB\b")),
)
#: Roles of the entities that a paper is mainly about, best first.
_MAIN = MappingProxyType({"introduces": 0, "addresses": 0, "studies": 1, "evaluates_on": 1, "reports": 1})
#: Characters that a method of another role seems farther away.
_METHOD_PENALTY = MappingProxyType({"introduces": 0, "studies": 60, "uses": 120})
_CHANGE = re.compile(
    r"\b(improve(?:ments?|s|d)?|gains?|increases?|increased|reductions?|reduces?|reduced|decreases?|decreased|faster|slower"
    r"|smaller|fewer|less|better|higher|lower|speed-?ups?|boosts?|outperform(?:s|ed|ing)?|drops?)\b",
    re.IGNORECASE,
)
_NOTES = (
    ("improve", "improvement"),
    ("gain", "gain"),
    ("increas", "increase"),
    ("reduc", "reduction"),
    ("decreas", "decrease"),
    ("outperform", "gain"),
    ("speed", "speed-up"),
    ("boost", "gain"),
    ("drop", "drop"),
)


@Language.factory(
    "kg_results",
    requires=["doc._.kg_entities", "doc._.kg_reading"],
    assigns=["doc._.kg_results"],
    default_config={"threshold": 0.5},
)
def make_results(nlp: Language, name: str, threshold: float) -> ResultReader:  # noqa: ARG001
    """The component `kg_results`; numbers that score below `threshold` are left out."""
    register_attributes()
    return ResultReader(threshold=threshold)


def numbers(text: str) -> list[tuple[int, int]]:
    """The spans of all numbers, each with a sign, percent or times, and the second end of a range."""
    return [match.span() for match in _NUMBER.finditer(text)]


def prior(reading: Reading, spans: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """How likely the encoder holds each number not to be, and to be, a result: logarithms of probabilities."""
    if not spans:
        return np.zeros((0, 2), np.float32)
    tags = np.stack([reading.values[reading.pieces.span(*span)[0]] for span in spans])
    return np.stack([tags[:, 0], np.logaddexp(tags[:, 1], tags[:, 2])], axis=1)


def unit_of(text: str, start: int, end: int) -> str | None:
    """The unit that a number is written with, or that follows it."""
    value, after = text[start:end], text[end : end + 24]
    for unit, pattern in _UNITS:
        if pattern.search(value) or pattern.match(after):
            return unit
    return None


def note_of(text: str, start: int, end: int) -> str | None:
    """What kind of number it is when it is a change: gain, reduction, faster …"""
    after = _CHANGE.search(re.split(r"[,;.]\s|\band\b", text[end : end + 45])[0])
    before = list(_CHANGE.finditer(re.split(r"[,;.]\s", text[max(0, start - 45) : start])[-1]))
    led = re.search(r"\b(?:by|of|to|up)\b", text[max(0, start - 20) : start])
    found = after or (before[-1] if before and led else None)
    if found is None:
        return None
    word = found.group(1).lower()
    return next((note for stem, note in _NOTES if word.startswith(stem)), word)


def features(view: View, entities: Sequence[Mapping[str, Any]], spans: Sequence[tuple[int, int]]) -> list[list[str]]:
    """The features of each number of a text."""
    kinds: dict[int, str] = {}
    for entity in entities:
        for start, end, _ in entity["mentions"]:
            for token in range(*view.tokens(start, end)):
                kinds[token] = entity["type"]
    last = max(1, view.sentence[-1]) if view.sentence else 1
    rows = []
    per_sentence: dict[int, int] = {}
    places = [view.tokens(start, end) for start, end in spans]
    for first, _ in places:
        per_sentence[view.sentence[first]] = per_sentence.get(view.sentence[first], 0) + 1
    for (start, end), (first, after) in zip(spans, places, strict=True):
        value = view.text[start:end]
        sentence = view.sentence[first]
        begin, stop = first, after
        while begin > 0 and view.sentence[begin - 1] == sentence:
            begin -= 1
        while stop < len(view.words) and view.sentence[stop] == sentence:
            stop += 1
        shape = re.sub(r"\d+", "9", value)
        unit = unit_of(view.text, start, end)
        near = sorted({kinds[n] for n in range(max(begin, first - 8), min(stop, after + 8)) if n in kinds})
        inside = sorted({kinds[n] for n in range(begin, stop) if n in kinds})
        found = [
            "bias",
            f"shape={shape}",
            f"unit={unit}",
            f"shape={shape}&unit={unit}",
            f"digits={len(re.sub(r'[^0-9]', '', value))}&{'.' in value}",
            f"year={re.fullmatch('(?:19|20)[0-9][0-9]', value) is not None}",
            f"title={end <= view.title_end}",
            f"last={sentence == last}&unit={unit}",
            f"depth={int(4 * sentence / last)}",
            f"note={note_of(view.text, start, end)}",
            f"near={'|'.join(near)}",
            f"inside={'|'.join(inside)}",
            f"mates={min(per_sentence[sentence], 6)}&unit={unit}",
            f"own={kinds.get(first, 'none')}",
            f"left={view.word(first - 1)}",
            f"left2={view.word(first - 2)} {view.word(first - 1)}",
            f"left3={view.word(first - 3)} {view.word(first - 2)} {view.word(first - 1)}",
            f"right={view.word(after)}",
            f"right={view.word(after)}&shape={shape}",
            f"right2={view.word(after)} {view.word(after + 1)}",
            f"glued={start > 0 and not view.text[start - 1].isspace()}{view.text[end : end + 1].isalnum()}",
            f"after={view.text[end : end + 2].strip()[:1]}",
            *(f"type-={kinds[n]}" for n in range(max(begin, first - 4), first) if n in kinds),
            *(f"type+={kinds[n]}" for n in range(after, min(stop, after + 4)) if n in kinds),
            *(f"before={view.words[n]}" for n in range(max(begin, first - 7), first)),
            *(f"behind={view.words[n]}" for n in range(after, min(stop, after + 7))),
            *(f"sentence={word}" for word in view.words[begin:stop][:60]),
            f"numbers={bucket(per_sentence[sentence])}",
        ]
        rows.append(list(dict.fromkeys(found)))
    return rows


def aspects(
    text: str, entities: Sequence[Mapping[str, Any]], spans: Sequence[tuple[int, int]]
) -> list[dict[str, int | None]]:
    """The method, task, dataset and metric (numbers of entities) that each number is about.

    Of each type it is the entity that is named nearest in the sentence, methods of the paper's own before others; a
    sentence without a method or task is about the main one of the paper.
    """
    borders = sentences(text)
    begins = [begin for begin, _ in borders]
    mentions = sorted((a, b, number) for number, entity in enumerate(entities) for a, b, _ in entity["mentions"])
    main: dict[str, tuple[float, int]] = {}
    for number, entity in enumerate(entities):
        weight = _MAIN.get(entity.get("role", "mentions"))
        if weight is not None:
            rank = (weight - min(len(entity["mentions"]), 9) / 10, number)
            main[entity["type"]] = min(rank, main.get(entity["type"], rank))
    found = []
    for start, end in spans:
        place = bisect_right(begins, start) - 1
        first, last = borders[place] if place >= 0 else (start, end)
        nearest: dict[str, tuple[float, int]] = {}
        for a, b, number in mentions[bisect_left(mentions, (first, 0, 0)) : bisect_left(mentions, (last, 0, 0))]:
            kind, role = entities[number]["type"], entities[number].get("role", "mentions")
            distance = float(start - b if b <= start else 1.2 * (a - end))
            if kind == "Method":
                distance += _METHOD_PENALTY.get(role, 200)
            nearest[kind] = min((distance, number), nearest.get(kind, (distance, number)))
        chosen: dict[str, int | None] = {}
        for kind in ("Method", "Task", "Dataset", "Metric"):
            best = nearest.get(kind) or (main.get(kind) if kind in ("Method", "Task") else None)
            chosen[kind.lower()] = None if best is None else best[1]
        found.append(chosen)
    return found


class ResultReader:
    """Writes `doc._.kg_results`: dicts of value, unit, method … metric (numbers of entities), note, place, score."""

    def __init__(self, *, threshold: float) -> None:
        self.threshold = threshold
        self.model = linear.Linear(("no", "yes"), np.zeros(0, np.uint32), np.zeros((1, 2), np.float32), np.zeros(2))

    def __call__(self, doc: Doc) -> Doc:
        doc._.kg_results = []
        text, entities = doc.text, doc._.kg_entities
        spans = numbers(text)
        if spans:
            rows = linear.encode(features(View.of_doc(doc), entities, spans))
            scores = self.model.probabilities(rows, None, prior(doc._.kg_reading, spans))[:, 1]
            kept = [(span, float(score)) for span, score in zip(spans, scores, strict=True) if score >= self.threshold]
            about = aspects(text, entities, [span for span, _ in kept])
            doc._.kg_results = [
                {
                    "value": text[start:end],
                    "unit": unit_of(text, start, end),
                    **own,
                    "note": note_of(text, start, end),
                    "start": start,
                    "end": end,
                    "score": round(score, 4),
                }
                for ((start, end), score), own in zip(kept, about, strict=True)
            ]
        return doc

    def to_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        Path(path).mkdir(parents=True, exist_ok=True)
        self.model.save(Path(path) / "model.npz")

    def from_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> ResultReader:  # noqa: ARG002
        self.model = linear.load(Path(path) / "model.npz")
        return self
