"""Turns what the encoder saw into scored mentions, the same for every occurrence of a string in a paper.

Candidates are strings: those that the encoder finds likely, both forms of an abbreviation, and those that annotators of
other papers marked (the lexicon). A learned model says how likely each is a mention of its type, every occurrence of an
accepted string becomes a mention, and where two overlap the longer one stays, unless the other is much surer.

>>> index = Index("A k-NN and k-NNs: k-NN!")
>>> index.find("k-NN")
[(2, 6), (18, 22)]
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from kg.extract import linear
from kg.extract.annotations import longest_first, occurrences
from kg.extract.encoder import Reading
from kg.extract.features import bucket, casing, foreign_spans, register_attributes, set_entities
from kg.model import ENTITY_TYPES
from kg.plural import singular
from kg.sentences import sentences

#: What one paper says of a string: a type's number, or that it only stands inside longer mentions, or is none.
INSIDE, NOTHING = len(ENTITY_TYPES), len(ENTITY_TYPES) + 1
CATEGORIES = len(ENTITY_TYPES) + 2
LONGEST = 6
#: What a mention must score in text that does not look English: the name of a model, say, in a German abstract.
SURE = 0.95
#: How likely a span must be to the encoder to be a candidate.
POSSIBLE = 0.1
#: How many times as likely a mention must be to push aside one that it overlaps.
_SURER = 2.0
#: Occurrences of a string that the encoder is asked about.
_LOOK = 8

_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"))
_DASH = re.compile(r"\s[-–—]{1,3}\s")
_RUN = re.compile(r"[^\W_]+")
_NO_VOTES = (0,) * CATEGORIES

Span = tuple[int, int]
Detected = Mapping[Span, str]
#: The highest and the mean likelihood of a string, for each type.
Rates = tuple[list[float], list[float]]


@Language.factory(
    "kg_mentions",
    requires=["doc._.kg_reading", "doc._.kg_abbreviations"],
    assigns=["doc._.kg_mentions", "doc.ents"],
    default_config={"threshold": 0.5},
)
def make_mentions(nlp: Language, name: str, threshold: float) -> MentionScorer:  # noqa: ARG001
    """The component `kg_mentions`; candidates that score below `threshold` are left out."""
    register_attributes()
    return MentionScorer(threshold=threshold)


@lru_cache(maxsize=2**14)
def word_key(run: str) -> str:
    """A word as the lexicon knows it: in lower case unless its capitals matter (`GLUE`, `NAtS`)."""
    return run if any(letter.isupper() for letter in run[1:]) else run.lower()


def keyed_spans(text: str) -> Iterator[tuple[int, Span]]:
    """Each stretch of up to six words, with the key that the lexicon has for it, and for its plural."""
    runs = [match.span() for match in _RUN.finditer(text)]
    words = [word_key(text[start:end]) for start, end in runs]
    inner = [f"{word} ".encode() for word in words]
    last = [singular(word).encode() for word in words]
    for first, (start, _) in enumerate(runs):
        state = 0
        for number in range(first, min(first + LONGEST, len(runs))):
            yield crc32(last[number], state), (start, runs[number][1])
            state = crc32(inner[number], state)


def surface_key(surface: str) -> int | None:
    """The key of a string, or None where it does not begin and end with a letter or digit or is too long."""
    runs = [match.span() for match in _RUN.finditer(surface)]
    if not runs or len(runs) > LONGEST or runs[0][0] != 0 or runs[-1][1] != len(surface):
        return None
    words = [word_key(surface[start:end]) for start, end in runs]
    return crc32(" ".join([*words[:-1], singular(words[-1])]).encode())


def paper_votes(text: str, gold: Detected, known: set[int]) -> dict[int, int]:
    """What an annotated paper says of each known key in it: one category."""
    covered = np.zeros(len(text) + 1, np.int32)
    for start, end in gold:
        covered[start:end] = end - start
    votes: dict[int, list[int]] = {}
    for key, (start, end) in keyed_spans(text):
        if key not in known:
            continue
        kind = gold.get((start, end))
        if kind is not None:
            category = ENTITY_TYPES.index(kind)
        elif covered[start:end].min() > end - start:
            category = INSIDE
        else:
            category = NOTHING
        votes.setdefault(key, [0] * CATEGORIES)[category] += 1
    chosen = {}
    for key, counts in votes.items():
        outside = [*counts[:INSIDE], 0, *counts[NOTHING:]]
        chosen[key] = int(np.argmax(outside if any(outside) else counts))
    return chosen


def make_lexicon(
    gold: Sequence[tuple[str, Detected]], silver: Iterable[tuple[str, Detected]]
) -> tuple[Lexicon, list[dict[int, int]]]:
    """The lexicon of annotated texts, and what each gold text voted (to be left out where that text is scored)."""
    known: set[int] = set()
    seen: dict[int, int] = {}
    silver = list(silver)
    for text, spans in gold:
        known.update(key for start, end in spans if (key := surface_key(text[start:end])) is not None)
    for text, spans in silver:
        for key in {key for start, end in spans if (key := surface_key(text[start:end])) is not None}:
            seen[key] = seen.get(key, 0) + 1
    known.update(key for key, count in seen.items() if count >= 2)
    keys = np.array(sorted(known), np.uint32)
    place = {int(key): number for number, key in enumerate(keys)}
    counts = np.zeros((len(keys), 2 * CATEGORIES), np.uint16)
    votes = []
    for text, spans in gold:
        votes.append(paper_votes(text, spans, known))
        for key, category in votes[-1].items():
            counts[place[key], category] += 1
    for text, spans in silver:
        for key, category in paper_votes(text, spans, known).items():
            counts[place[key], CATEGORIES + category] += 1
    return Lexicon(keys, counts), votes


def crosses_border(text: str, begins: Sequence[int], start: int, end: int) -> bool:
    """Whether a span runs into the next sentence (`begins`: where they begin), over a dash, out of title or bracket.

    >>> crosses_border("On Pruning\\nNeural networks", [0, 11], 3, 17), crosses_border("a non-local net", [0], 2, 15)
    (True, False)
    >>> crosses_border("a (masked) language model", [0], 3, 25), crosses_border("O(n) search", [0], 0, 11)
    (True, False)
    """
    if bisect_right(begins, start) != bisect_right(begins, end - 1) or _DASH.search(text, start, end) is not None:
        return True
    return any(text.count(opening, start, end) != text.count(closing, start, end) for opening, closing in _BRACKETS)


def candidates(
    reading: Reading,
    abbreviations: Sequence[Sequence[int]],
    lexicon: Lexicon,
    own: Mapping[int, int] | None = None,
) -> list[Candidate]:
    """All strings of a text that may be mentions, each with the types that speak for it and its features.

    `own` is what this very text voted for the lexicon, when it is one of those that the lexicon was made of.
    """
    text = reading.text
    index = Index(text)
    begins = [begin for begin, _ in sentences(text)]
    matches = {span: n for span, n in lexicon.matches(text, own).items() if not crosses_border(text, begins, *span)}
    best = {reading.whole_words(first, last): kind for kind, first, last in reading.spans(ENTITY_TYPES)}
    detected = {span: kind for span, kind in best.items() if not crosses_border(text, begins, *span)}
    surfaces: dict[str, dict[str, int]] = {}
    for (start, end), kind in detected.items():
        kinds = surfaces.setdefault(text[start:end], {})
        kinds[kind] = kinds.get(kind, 0) + 1
    for number, first, last in reading.possible(POSSIBLE):
        start, end = reading.whole_words(first, last)
        if not crosses_border(text, begins, start, end):
            surfaces.setdefault(text[start:end], {}).setdefault(ENTITY_TYPES[number], 0)
    partner: dict[str, str] = {}
    for a, b, c, d in abbreviations:
        short, long = text[a:b], text[c:d]
        partner.setdefault(short, long)
        partner.setdefault(long, short)
        for one, other in ((short, long), (long, short)):
            for kind in surfaces.get(other, {}):
                surfaces.setdefault(one, {}).setdefault(kind, 0)
    for (start, end), votes in matches.items():
        marked = [votes[n] + votes[CATEGORIES + n] for n in range(len(ENTITY_TYPES))]
        rest = votes[NOTHING] + votes[CATEGORIES + NOTHING]
        most = max(marked)
        frequent = sum(marked) >= 0.1 * (sum(marked) + rest)
        if most > 0 and (frequent or text[start:end] in surfaces):
            surfaces.setdefault(text[start:end], {}).setdefault(ENTITY_TYPES[marked.index(most)], 0)
    cover = [0] * (len(text) + 1)
    for start, end in detected:
        for place in range(start, end):
            cover[place] = end - start
    found = []
    places = {surface: spans for surface in sorted(surfaces) if (spans := index.find(surface))}
    for (surface, spans), rates in zip(places.items(), _rates(reading, list(places.values())), strict=True):
        votes = next((matches[span] for span in spans if span in matches), _NO_VOTES * 2)
        twin = surfaces.get(partner.get(surface, ""), {})
        shared = _shared_features(text, surface, spans, detected, cover, votes, partner.get(surface))
        for kind in sorted(surfaces[surface]):
            features = _features(kind, surfaces[surface], spans, votes, twin, rates, shared)
            found.append(Candidate(surface, kind, tuple(spans), features))
    return found


def _rates(reading: Reading, places: Sequence[Sequence[Span]]) -> Iterator[Rates]:
    """How likely each string is to the encoder, given the spans where it stands."""
    looked = [spans[:_LOOK] for spans in places]
    if not looked:
        return
    pieces = np.array([reading.pieces.span(*span) for spans in looked for span in spans])
    likely = reading.likely(pieces[:, 0], pieces[:, 1])
    counts = np.array([len(spans) for spans in looked])
    begins = np.cumsum(counts) - counts
    means = np.add.reduceat(likely, begins) / counts[:, None]
    yield from zip(np.maximum.reduceat(likely, begins).tolist(), means.tolist(), strict=True)


def likelihood(value: float) -> int:
    """A probability as one of few values, finer near 0 and 1: about 1.5 x its logit.

    >>> [likelihood(p) for p in (0.0, 0.1, 0.5, 0.9, 1.0)]
    [-8, -3, 0, 3, 8]
    """
    value = min(max(value, 1e-6), 1 - 1e-6)
    return max(-8, min(8, round(1.5 * math.log(value / (1 - value)))))


def _shared_features(
    text: str,
    surface: str,
    spans: Sequence[Span],
    detected: Detected,
    cover: Sequence[int],
    votes: Sequence[int],
    partner: str | None,
) -> list[str]:
    """Features of a string in a text, whatever its type."""
    size = len(surface)
    exact = sum(span in detected for span in spans)
    inside = sum(span not in detected and min(cover[span[0] : span[1]]) > size for span in spans)
    touched = sum(span not in detected and max(cover[span[0] : span[1]]) > 0 for span in spans) - inside
    count = len(spans)
    words = surface.split()
    title = spans[0][1] <= max(0, text.find("\n"))
    look = casing(surface)
    found = f"{bucket(exact)}of{min(count, 4)}"
    features = [
        f"found={found}",
        f"inside={bucket(inside)}of{min(count, 4)}",
        f"touched={bucket(touched)}of{min(count, 4)}",
        f"title={title}",
        f"title&found={title}{exact > 0}",
        f"words={min(len(words), 6)}",
        f"words&found={min(len(words), 6)}{exact > 0}{exact == count}",
        f"case={look}",
        f"case&found={look}{exact > 0}",
        f"last={singular(words[-1].lower())}",
        f"first={words[0].lower()}",
        f"key={' '.join(words).lower()}",
        f"partner={partner is not None}",
    ]
    for which, part in (("gold", votes[:CATEGORIES]), ("silver", votes[CATEGORIES:])):
        total = sum(part) - part[INSIDE]
        marked = total - part[NOTHING]
        rate = int(8 * marked / total) if total else -1
        weight = bucket(total, limits=(0, 1, 2, 4, 8, 16, 40))
        inner = int(4 * part[INSIDE] / max(1, sum(part)))
        features += [
            f"{which}:rate={rate}",
            f"{which}:rate={rate}&n={weight}",
            f"{which}:rate={rate}&found={exact > 0}{exact == count}",
            f"{which}:inner={inner}&{inside > 0}",
        ]
    for start, end in spans[:3]:
        before = text[max(0, start - 25) : start].lower().split()
        after = text[end : end + 25].lower().split()
        left = before[-1] if before else "^"
        right = after[0] if after else "^"
        glued = (start > 0 and not text[start - 1].isspace(), end < len(text) and not text[end].isspace())
        features += [f"left={left}", f"right={right}", f"glued={glued}"]
    return features


def _features(
    kind: str,
    kinds: Mapping[str, int],
    spans: Sequence[Span],
    votes: Sequence[int],
    partner: Mapping[str, int],
    rates: Rates,
    shared: Sequence[str],
) -> list[str]:
    number = ENTITY_TYPES.index(kind)
    count, own, top = len(spans), kinds.get(kind, 0), max(kinds.values())
    agree = "none" if not top else "top" if own == top else "some" if own else "other"
    gold, silver = (
        int(4 * part[number] / max(1, sum(part[: len(ENTITY_TYPES)]))) if sum(part[: len(ENTITY_TYPES)]) else -1
        for part in (votes[:CATEGORIES], votes[CATEGORIES:])
    )
    other = "no" if not partner else "same" if partner.get(kind, 0) == max(partner.values()) else "other"
    highest, means = rates
    most, mean = likelihood(highest[number]), likelihood(means[number])
    rival = likelihood(max(highest[:number] + highest[number + 1 :]))
    features = [
        "bias",
        f"most={most}",
        f"mean={mean}",
        f"most={most}&mean={mean}",
        f"mean={mean}&count={min(count, 4)}",
        f"rival={rival}",
        f"rival={rival}&mean={mean}",
        f"mean={mean}&gold={gold}",
        f"mean={mean}&silver={silver}",
        f"agree={agree}",
        f"agree={agree}&{bucket(own)}of{min(count, 4)}",
        f"gold={gold}",
        f"silver={silver}",
        f"gold={gold}&silver={silver}&agree={agree}",
        f"partner={other}&agree={agree}",
        f"rivals={len(kinds)}&agree={agree}",
        *shared,
    ]
    return features + [f"{kind}:{feature}" for feature in features]


def select(scored: Iterable[tuple[Candidate, float]], threshold: float) -> dict[Span, tuple[str, float]]:
    """The mentions that accepted candidates give: of a string the best type, of overlapping spans the longer one.

    A doubtful one gives way first, to any that it overlaps and that is much surer.
    """
    best: dict[str, tuple[float, Candidate]] = {}
    for candidate, score in scored:
        if score >= threshold and (candidate.surface not in best or score > best[candidate.surface][0]):
            best[candidate.surface] = (score, candidate)
    owner = {span: (candidate.type, score) for score, candidate in best.values() for span in candidate.spans}
    kept = [span for span, (_, score) in owner.items() if not _gives_way(span, score, owner)]
    return {span: owner[span] for span in longest_first(kept)}


def _gives_way(span: Span, score: float, owner: Mapping[Span, tuple[str, float]]) -> bool:
    least = _SURER * score
    return least < 1 and any(
        other > least and start < span[1] and span[0] < end for (start, end), (_, other) in owner.items()
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A string that may be a mention of a type, wherever it stands in the text."""

    surface: str
    type: str
    spans: tuple[Span, ...]
    features: list[str]


@dataclass(frozen=True)
class Lexicon:
    """How many papers say what of a string: for each key, counts of the categories in gold and in silver papers."""

    keys: NDArray[np.uint32]
    counts: NDArray[np.uint16]

    @cached_property
    def places(self) -> dict[int, int]:
        """Where each key stands."""
        return {key: number for number, key in enumerate(self.keys.tolist())}

    def matches(self, text: str, own: Mapping[int, int] | None = None) -> dict[Span, tuple[int, ...]]:
        """The known strings of a text and their counts, less the vote of the text itself."""
        found = {}
        for key, span in keyed_spans(text):
            place = self.places.get(key)
            if place is None:
                continue
            counts = self.counts[place].tolist()
            if own is not None and key in own:
                counts[own[key]] -= 1
            if any(counts):
                found[span] = tuple(counts)
        return found


class Index:
    """Finds the occurrences of strings in one text, in time that does not grow with the number of strings."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.places: dict[str, list[int]] = {}
        for match in _RUN.finditer(text):
            self.places.setdefault(match.group(), []).append(match.start())

    def find(self, surface: str) -> list[Span]:
        """The spans where `surface` stands at word boundaries (as `annotations.occurrences` finds them)."""
        first = _RUN.match(surface)
        if first is None:
            return list(occurrences(self.text, surface))
        found: list[Span] = []
        for start in self.places.get(first.group(), ()):
            end = start + len(surface)
            free = not found or start >= found[-1][1]
            bounded = end == len(self.text) or not (self.text[end : end + 1].isalnum() and surface[-1].isalnum())
            if free and bounded and self.text.startswith(surface, start):
                found.append((start, end))
        return found


class MentionScorer:
    """Writes `doc._.kg_mentions`: dicts of `start`, `end`, `type` and `score`, in the order of the text."""

    def __init__(self, *, threshold: float) -> None:
        self.threshold = threshold
        self.model = linear.Linear(("no", "yes"), np.zeros(0, np.uint32), np.zeros((1, 2), np.float32), np.zeros(2))
        self.lexicon = Lexicon(np.zeros(0, np.uint32), np.zeros((0, 2 * CATEGORIES), np.uint16))

    def __call__(self, doc: Doc) -> Doc:
        text = doc.text
        found = candidates(doc._.kg_reading, doc._.kg_abbreviations, self.lexicon)
        chosen = select(zip(found, self.scores(found), strict=True), self.threshold)
        for start, end in foreign_spans(text):
            for span in [span for span in chosen if start <= span[0] < end and chosen[span][1] < SURE]:
                del chosen[span]
        doc._.kg_mentions = [
            {"start": start, "end": end, "type": kind, "score": round(score, 4)}
            for (start, end), (kind, score) in sorted(chosen.items())
        ]
        set_entities(doc, doc._.kg_mentions)
        return doc

    def scores(self, found: Sequence[Candidate]) -> list[float]:
        """How likely each candidate is a mention of its type."""
        if not found:
            return []
        rows = linear.encode(candidate.features for candidate in found)
        return [float(score) for score in self.model.probabilities(rows)[:, 1]]

    def to_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save(folder / "model.npz")
        np.savez_compressed(folder / "lexicon.npz", keys=self.lexicon.keys, counts=self.lexicon.counts)

    def from_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> MentionScorer:  # noqa: ARG002
        folder = Path(path)
        self.model = linear.load(folder / "model.npz")
        with np.load(folder / "lexicon.npz", allow_pickle=False) as arrays:
            self.lexicon = Lexicon(arrays["keys"], arrays["counts"])
        return self
