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
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from kg.extract import linear
from kg.extract.aspects import aspects, run_of_numbers
from kg.extract.encoder import Reading
from kg.extract.features import View, bucket, register_attributes
from kg.extract.settings import read_settings, write_settings
from kg.sentences import sentence_at

_PLAIN = r"(?:\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
_UNIT = r"(?:\s?(?:\\?%|[xX×](?!\w)|\\times|times\b))?"
_NUMBER = re.compile(rf"(?<![\w.])(?:\+|−|(?<![\w)%])-)?{_PLAIN}{_UNIT}(?:\s?(?:--?|–|—)\s?{_PLAIN}{_UNIT})?")
_URL = re.compile(r"(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|org|io|net|ai|edu|ac\.uk)/\S+", re.IGNORECASE)
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


#: Units that name what is measured, so that no other metric of the paper is meant; and longer ways to say "points".
_MEASURES = (
    ("bits per dimension", re.compile(r"\s?(?:bits?\s?(?:/|per)\s?(?:dim(?:ension)?)\b|bpd\b)", re.IGNORECASE)),
    ("bits per character", re.compile(r"\s?(?:bits?\s?(?:/|per)\s?char(?:acter)?\b|bpc\b)", re.IGNORECASE)),
    ("bits per byte", re.compile(r"\s?(?:bits?\s?(?:/|per)\s?byte\b|bpb\b)", re.IGNORECASE)),
    ("points", re.compile(r"\s?(?:\\?%\s?)?(?:[\w@/-]+\s){0,3}?(?:percentage\s)?points?\b")),
)
_QUALIFIED = (
    r"(?:\s*(?:up to|about|around|roughly|approximately|approx\.|nearly|almost|at least|at most|more than|over"
    r"|as much as|an average of|a margin of|a factor of|a large margin of|on average|an additional|another|an absolute"
    r"|a relative|average"
    r"|[~∼≈$(|:]|,))*\s*"
)
_STEMS = (
    r"improve(?:ments?|s|d)?|improving|gains?|gained|gaining|increase[sd]?|increasing|reduc(?:tions?|e[sd]?|ing)"
    r"|decrease[sd]?|decreasing|drops?|dropped|dropping|boost(?:s|ed|ing)?|speed(?:s|ing)?[- ]?ups?"
    r"|speeding up|savings?|saves?|saving|degradation|degrad(?:es?|ed|ing)|loss|lift|margin"
)
_CHANGED = re.compile(
    rf"\b(?:{_STEMS}|outperform(?:s|ed|ing)?|surpass(?:es|ed|ing)?|exceed(?:s|ed|ing)?|beat(?:s|ing)?|enhanc(?:e[sd]?|ing)"
    r"|rais(?:e[sd]?|ing)|lower(?:s|ed|ing)|cut(?:s|ting)?|faster|slower|better|higher|lower|smaller|fewer|advanc(?:e[sd]?|ing)"
    r"|superior|declin(?:e[sd]?|ing)|shrink(?:s|ing)?|accelerat(?:e[sd]?|ing)|superiority|outscor(?:e[sd]?|ing))\b",
    re.IGNORECASE,
)
#: "… by up to" before a number.
_LED = re.compile(rf"\bby{_QUALIFIED}$", re.IGNORECASE)
#: "improvement of", "gains in accuracy (" before a number.
_NAMED = re.compile(
    rf"\b(?P<word>{_STEMS}|speedup|overhead)(?:\s+(?:in|of|on|over|for)\s+(?:[\w@-]+\s+){{1,5}}?|\s+)?"
    rf"(?:\([^()]*\)\s+)?(?:of|:|\(|is|are|,)?{_QUALIFIED}$",
    re.IGNORECASE,
)
#: "% improvement", "points higher", "x faster" after a number.
_BEHIND = re.compile(
    r"[\s\\%$)]*(?:(?!(?:with|while|using|at|and|for|to|on|of|in|by|from|than|whereas)\b)[\w@/.-]+\s+){0,4}?"
    rf"(?P<word>(?:{_STEMS}|faster|slower|better|higher|lower|smaller|fewer|less|more|greater|larger|cheaper|worse|compression"
    r"|acceleration))\b(?!\s+of\s+the\s+time)",
    re.IGNORECASE,
)
#: Between two numbers of which the second has the unit of both: "15.8 vs 18.3 perplexity".
_PAIRED = re.compile(r"\s*(?:vs\.?|versus|to|→|-+>|compared (?:to|with))\s*", re.IGNORECASE)
_FROM = re.compile(rf"\bfrom{_QUALIFIED}$", re.IGNORECASE)
_ON_TO = re.compile(rf"[\s\w/%\\().-]{{0,24}}?(?:\bto|-+>|→){_QUALIFIED}[\d.]", re.IGNORECASE)
_TO = re.compile(rf"(?:(?<!\bup )\bto|-+>|→){_QUALIFIED}$", re.IGNORECASE)
#: Which part of a data set a value was reached on: "0.85/0.84 (dev)".
_SPLIT = re.compile(
    r"[\s\\%$]*(?:\w+\s)?[(,]?\s*(?:on\s+|in\s+)?(?:the\s+)?(dev|development|validation|valid|val|test)"
    r"(?:[\s-]+(?:sets?|data|split))?(?=[\s),.;/])",
    re.IGNORECASE,
)
_SPLITS = MappingProxyType({"dev": "dev", "val": "validation", "tes": "test"})
_BREAK = re.compile(
    r";\s|\b(?:while|whereas|but|achiev\w+|reach\w*|obtain\w*|attain\w*|yield\w*|score\w*|with an?)\b|\.\s"
)
_GOES_ON = re.compile(rf"(?:,|\band|/|&)(?:\s+(?:by|of))?{_QUALIFIED}$", re.IGNORECASE)
_KINDS = (
    ("improv", "improvement"),
    ("enhanc", "improvement"),
    ("advanc", "improvement"),
    ("increas", "increase"),
    ("rais", "increase"),
    ("reduc", "reduction"),
    ("lower", "reduction"),
    ("cut", "reduction"),
    ("sav", "reduction"),
    ("shrink", "reduction"),
    ("decreas", "decrease"),
    ("declin", "decrease"),
    ("degrad", "drop"),
    ("drop", "drop"),
    ("loss", "drop"),
    ("speed", "speed-up"),
    ("accelerat", "speed-up"),
    ("faster", "faster"),
    ("boost", "gain"),
    ("outperform", "gain"),
    ("outscor", "gain"),
    ("surpass", "gain"),
    ("exceed", "gain"),
    ("beat", "gain"),
    ("superior", "gain"),
    ("gain", "gain"),
    ("lift", "gain"),
    ("margin", "gain"),
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
    """The spans of all numbers, each with a sign, percent or times, and the second end of a range; none in URLs."""
    urls = [match.span() for match in _URL.finditer(text)]
    spans = (match.span() for match in _NUMBER.finditer(text))
    return [(start, end) for start, end in spans if not any(a <= start < b for a, b in urls)]


def prior(reading: Reading, spans: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """How likely the encoder holds each number not to be, and to be, a result: logarithms of probabilities."""
    if not spans:
        return np.zeros((0, 2), np.float32)
    tags = np.stack([reading.values[reading.pieces.span(*span)[0]] for span in spans])
    return np.stack([tags[:, 0], np.logaddexp(tags[:, 1], tags[:, 2])], axis=1)


def unit_of(text: str, start: int, end: int) -> str | None:
    """The unit that a number is written with, or that follows it, or the last one of its list.

    >>> text = "It gains 7.0, 3.4, and 4.9 percentage points."
    >>> unit_of(text, 9, 12)
    'points'
    """
    last = list_of(text, start, end)[-1]
    if pair := _PAIRED.match(text, last[1]):
        other = _NUMBER.match(text, pair.end())
        last = other.span() if other else last
    for value_end, value in ((end, text[start:end]), (last[1], text[last[0] : last[1]])):
        after = text[value_end : value_end + 32]
        for unit, pattern in _MEASURES:
            if pattern.match(after):
                return unit
        found = _written_unit(value, after)
        if found is not None:
            return found
    return None


def note_of(text: str, start: int, end: int) -> str | None:
    """What kind of number it is when it is no value reached: a gain, a reduction, the value before …

    >>> text = "It improves F1 by 2.1 points, from 71.2 to 73.3, and outperforms BERT (70.0)."
    >>> [note_of(text, text.index(value), text.index(value) + len(value)) for value in ("2.1", "71.2", "73.3", "70.0")]
    ['improvement', 'before', None, None]
    """
    begin, stop = sentence_at(text, start, end)
    before, after = text[begin:start], text[end:stop]
    if _FROM.search(before) and _ON_TO.match(after):
        return "before"
    if _TO.search(before):
        earlier = [(begin + a, begin + b) for a, b in numbers(before)][-1:]
        if earlier and start - earlier[0][1] < 8 and not _FROM.search(text[begin : earlier[0][0]]):
            return note_of(text, *earlier[0])  # a range: "by 5% to 7%"
        return None
    run = list_of(text, start, end)
    behind = _BEHIND.match(after) or _BEHIND.match(text[run[-1][1] : stop])
    kind = _kind_of_change(text[begin : run[0][0]], behind, text[run[-1][1] :][:24], value=text[start:end])
    if kind is None:
        kind = _carried(text, begin, run[0])
    if kind is None and (split := _SPLIT.match(text, run[-1][1])):
        kind = _SPLITS[split.group(1).lower()[:3]]
    return kind


def list_of(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The numbers of the list ("71.2, 74.5 and 80.1%") that a number stands in; one list has one unit."""
    begin, stop = sentence_at(text, start, end)
    mates = [(begin + a, begin + b) for a, b in numbers(text[begin:stop])]
    run: list[tuple[int, int]] = []
    unit = None
    for a, b in run_of_numbers(text, mates, (start, end)):
        own = _written_unit(text[a:b], text[b : b + 24])
        if None not in (own, unit) and own != unit:
            if (start, end) in run:
                break
            run = []
        run.append((a, b))
        unit = own or unit
    return run


def _kind_of_change(before: str, behind: re.Match[str] | None, after: str, *, value: str) -> str | None:
    if value.startswith("+"):
        return "gain"
    clause = re.split(r";\s|\b(?:while|whereas)\b", before)[-1]
    found: re.Match[str] | None = None
    if behind:
        word, around = behind.group("word"), behind.group()
    elif _LED.search(before):
        verbs = list(_CHANGED.finditer(clause))
        found = verbs[-1] if verbs else None
        if found is None:
            return None
        word, around = found.group(), clause[-40:]
    elif found := _NAMED.search(before):
        word, around = found.group("word"), found.group()
    else:
        return None
    kind = next((kind for stem, kind in _KINDS if word.lower().startswith(stem)), word.lower())
    sense = re.search(r"\b(relative|absolute)\b", around + after, re.IGNORECASE)
    return f"{sense.group(1).lower()} {kind}" if sense else kind


def _carried(text: str, begin: int, first: tuple[int, int]) -> str | None:
    """The kind of the number before that this one goes on from: "by 23 points on A and 1.4 points on B"."""
    earlier = [(begin + a, begin + b) for a, b in numbers(text[begin : first[0]])]
    if not earlier:
        return None
    gap = text[earlier[-1][1] : first[0]]
    if len(gap) > 90 or _BREAK.search(gap) or not _GOES_ON.search(gap):
        return None
    if _written_unit(text[slice(*earlier[-1])], text[earlier[-1][1] :][:24]) != _written_unit(
        text[slice(*first)], text[first[1] :][:24]
    ):
        return None
    kind = note_of(text, *earlier[-1])
    return None if kind in ("before", *_SPLITS.values()) else kind


def _written_unit(value: str, after: str) -> str | None:
    for unit, pattern in _UNITS:
        if pattern.search(value) or pattern.match(after):
            return unit
    return None


def _near_change(text: str, start: int, end: int) -> str | None:
    """A word for a change that stands near (a feature of the learned model, which knows no grammar)."""
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
        unit = _written_unit(value, view.text[end : end + 24])
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
            f"note={_near_change(view.text, start, end)}",
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


def _fits(text: str, span: tuple[int, int], mentions: Sequence[Sequence[float]]) -> bool:
    """False where the unit names what is measured ("3.43 bits/dim") and the metric is named elsewhere."""
    if not (unit_of(text, *span) or "").startswith("bits per "):
        return True
    return any(span[1] <= start < span[1] + 24 for start, *_ in mentions)


class ResultReader:
    """Writes `doc._.kg_results`: dicts of value, unit, method … metric (numbers of entities), note, place, score.

    `certainty` (see `linear.scaled`) makes of the model's scores what share of such numbers is a result.
    """

    def __init__(self, *, threshold: float) -> None:
        self.threshold = threshold
        self.certainty: tuple[float, float] = (0.0, 1.0)
        self.model = linear.Linear(("no", "yes"), np.zeros(0, np.uint32), np.zeros((1, 2), np.float32), np.zeros(2))

    def __call__(self, doc: Doc) -> Doc:
        doc._.kg_results = []
        text, entities = doc.text, doc._.kg_entities
        spans = numbers(text)
        if spans:
            rows = linear.encode(features(View.of_doc(doc), entities, spans))
            scores = linear.scaled(
                self.certainty, self.model.probabilities(rows, None, prior(doc._.kg_reading, spans))[:, 1]
            )
            kept = [(span, float(score)) for span, score in zip(spans, scores, strict=True) if score >= self.threshold]
            about = aspects(text, entities, [span for span, _ in kept])
            for (span, _), own in zip(kept, about, strict=True):
                if own["metric"] is not None and not _fits(text, span, entities[own["metric"]]["mentions"]):
                    own["metric"] = None
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
        write_settings(path, certainty=self.certainty)
        self.model.save(Path(path) / "model.npz")

    def from_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> ResultReader:  # noqa: ARG002
        self.model = linear.load(Path(path) / "model.npz")
        bias, slope = read_settings(path)["certainty"]
        self.certainty = (bias, slope)
        return self
