"""Joins entities of a paper that are one thing under two names which no rule finds equal: a learned model over pairs.

`data-poisoning attacks` taken up as `poisoning`, `speech styles` as `speaking style`, `sparse mixture density network`
as `sparse MDN`: what two names share, how they are written, where they stand and how alike the encoder sees them.

>>> stems("Speaking styles")
('speak', 'styl')
>>> fits_initials("MDN", ("mixture", "density", "network")), fits_initials("MDN", ("density", "network"))
('exact', 'none')
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kg.extract import linear
from kg.extract.encoder import Reading
from kg.extract.features import bucket, casing
from kg.plural import singular
from kg.sentences import sentences

_ENDINGS = (
    *("ization", "isation", "ational", "ation", "ments", "ment", "ness", "ities", "ity", "ives", "ive", "ings", "ing"),
    *("ers", "er", "ions", "ion", "ally", "al", "ed", "es", "s", "e"),
)
_SMALL = frozenset("a an and as at by for from in into of on or over per the to under via with".split())
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+(?:\.\d+)*")

Pair = tuple[int, int]


def stems(name: str) -> tuple[str, ...]:
    """The words of a name without their usual endings, small words left out."""
    found = []
    for word in _WORD.findall(name.lower()):
        if word in _SMALL:
            continue
        for ending in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 4:
                word = word[: -len(ending)]
                break
        found.append(word)
    return tuple(found)


def fits_initials(short: str, words: Sequence[str]) -> str:
    """Whether letters are the initials of words: `exact`, in order among their letters (`inside`), or `none`."""
    letters = re.sub(r"[^a-z0-9]", "", singular(short).lower())
    if len(letters) < 2 or not words or len(letters) > 10:
        return "none"
    if letters == "".join(word[0] for word in words):
        return "exact"
    whole = iter("".join(words))
    return "inside" if words[0][0] == letters[0] and all(letter in whole for letter in letters) else "none"


def candidates(
    text: str, entities: Sequence[Mapping[str, Any]], reading: Reading
) -> tuple[list[Pair], list[list[str]]]:
    """The pairs of entities of one type that may be one thing, the one named first before the other; their features."""
    begins = [begin for begin, _ in sentences(text)]
    facts = [_facts(text, entity, reading, begins) for entity in entities]
    pairs: list[Pair] = []
    rows: list[list[str]] = []
    by_type: dict[str, list[int]] = {}
    for number, entity in enumerate(entities):
        by_type.setdefault(entity["type"], []).append(number)
    for kind in sorted(by_type):
        members = by_type[kind][:200]  # more names of one type make a list, not a text
        for place, i in enumerate(members):
            for j in members[place + 1 :]:
                features = _pair_features(facts[i], facts[j], text)
                if features is not None:
                    pairs.append((i, j))
                    rows.append([*features, *(f"{kind}:{feature}" for feature in features)])
    return pairs, rows


def join(
    entities: Sequence[Mapping[str, Any]], pairs: Sequence[Pair], scores: Sequence[float], threshold: float
) -> list[dict[str, Any]]:
    """The entities, the likeliest groups made one as long as the mean score of their pairs reaches the threshold.

    A pair without a score counts as 0; names with other numbers (`GPT-3.5`, `GPT-4`) are never one thing.

    >>> found = [{"name": name, "score": 0.9, "mentions": [name]} for name in ("GPT-3", "GPT", "GPT-4")]
    >>> [entity["mentions"] for entity in join(found, [(0, 1), (0, 2), (1, 2)], [0.9, 0.9, 0.8], 0.3)]
    [['GPT', 'GPT-3'], ['GPT-4']]
    """
    groups = {number: [entity] for number, entity in enumerate(entities)}
    numbers = [set(_NUMBER.findall(entity["name"])) for entity in entities]
    sums = {
        (i, j): -math.inf if numbers[i] and numbers[j] and not numbers[i] & numbers[j] else score
        for (i, j), score in zip(pairs, scores, strict=True)
    }

    def mean(pair: Pair) -> float:
        return sums[pair] / (len(groups[pair[0]]) * len(groups[pair[1]]))

    while sums:
        best = max(sums, key=lambda pair: (mean(pair), -pair[0], -pair[1]))
        if mean(best) < threshold:
            break
        kept, gone = best
        groups[kept] += groups.pop(gone)
        del sums[best]
        for pair in [pair for pair in sums if gone in pair]:
            other = pair[0] if pair[1] == gone else pair[1]
            both = min(kept, other), max(kept, other)
            sums[both] = sums.get(both, 0.0) + sums.pop(pair)
    joined = []
    for members in groups.values():
        chief = max(members, key=lambda entity: (len(entity["name"].split()) > 1, len(entity["mentions"])))
        mentions = sorted(mention for entity in members for mention in entity["mentions"])
        joined.append({**chief, "score": max(e["score"] for e in members), "mentions": mentions})
    return sorted(joined, key=lambda entity: entity["mentions"][0])


def _facts(text: str, entity: Mapping[str, Any], reading: Reading, begins: Sequence[int]) -> dict[str, Any]:
    surfaces = list(dict.fromkeys(text[start:end] for start, end, _ in entity["mentions"]))
    pieces = [reading.pieces.span(start, end) for start, end, _ in entity["mentions"][:8]]
    vector = np.mean([reading.vectors[first:last].mean(axis=0, dtype=np.float32) for first, last in pieces], axis=0)
    return {
        "surfaces": surfaces[:6],
        "stems": [stems(surface) for surface in surfaces[:6]],
        "vector": vector / (np.linalg.norm(vector) + 1e-6),
        "spans": [(start, end) for start, end, _ in entity["mentions"]],
        "sentences": {int(np.searchsorted(begins, start, side="right")) for start, _, _ in entity["mentions"]},
        "title": entity["mentions"][0][1] <= text.find("\n"),
    }


def _pair_features(first: Mapping[str, Any], second: Mapping[str, Any], text: str) -> list[str] | None:
    """The features of a pair, or None where nothing speaks for it."""
    likeness = float(first["vector"] @ second["vector"])
    best: tuple[float, int, int] = (-1.0, 0, 0)
    for i, a in enumerate(first["stems"]):
        for j, b in enumerate(second["stems"]):
            union = len(set(a) | set(b))
            best = max(best, (len(set(a) & set(b)) / union if union else 0.0, -i, -j))
    overlap, i, j = best[0], -best[1], -best[2]
    one, other = first["surfaces"][i], second["surfaces"][j]
    a, b = first["stems"][i], second["stems"][j]
    initials = _initials(first, second)
    if overlap == 0 and initials == "none" and likeness < 0.7:
        return None
    found = [
        "bias",
        f"overlap={int(4 * overlap)}",
        f"likeness={int(20 * max(0.0, likeness))}",
        f"likeness={int(10 * max(0.0, likeness))}&overlap={int(4 * overlap)}",
        f"initials={initials}",
        f"initials={initials}&case={casing(one)}-{casing(other)}",
        f"case={casing(one)}-{casing(other)}",
        f"words={min(len(a), 4)}-{min(len(b), 4)}",
        f"together={bool(first['sentences'] & second['sentences'])}",
        f"title={first['title']}{second['title']}",
        f"counts={bucket(len(first['spans']))}-{bucket(len(second['spans']))}",
    ]
    extra, missing = [w for w in a if w not in b], [w for w in b if w not in a]
    inner = "equal" if not extra and not missing else "shorter" if not missing else "longer" if not extra else "differs"
    found += [f"inner={inner}", f"inner={inner}&together={bool(first['sentences'] & second['sentences'])}"]
    found += [f"inner={inner}&extra={word}" for word in (*extra, *missing)]
    found.append(f"inner={inner}&number={min(len(extra) + len(missing), 4)}")
    if a and b:
        found += [f"last={a[-1] == b[-1]}&inner={inner}", f"start={a[0] == b[0]}&inner={inner}"]
        found.append(f"lasts={min(a[-1], b[-1])}|{max(a[-1], b[-1])}")
    if len(extra) == 1 and len(missing) == 1:
        found.append(f"swap={min(extra[0], missing[0])}|{max(extra[0], missing[0])}")
        found.append(f"swap-prefix={len(_shared_start(extra[0], missing[0])) > 3}")
    digits = [re.findall(r"\d+", name) for name in (one, other)]
    found.append(f"digits={digits[0] == digits[1]}{bool(digits[0])}{bool(digits[1])}")
    gap = _between(first["spans"], second["spans"], text)
    if gap is not None:
        found.append(f"between={gap}")
    before = text[max(0, second["spans"][0][0] - 8) : second["spans"][0][0]].lower().split()
    found.append(f"before={before[-1] if before else '^'}&inner={inner}")
    return found


def _initials(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    words = [[_WORD.findall(surface.lower()) for surface in fact["surfaces"]] for fact in (first, second)]
    found: set[str] = set()
    for shorts, longs in ((first["surfaces"], words[1]), (second["surfaces"], words[0])):
        for short in shorts:
            if " " not in short and sum(letter.isupper() for letter in short) > 1:
                found.update(fits_initials(short, long) for long in longs if len(long) > 1)
    return next((kind for kind in ("exact", "inside") if kind in found), "none")


def _shared_start(a: str, b: str) -> str:
    length = 0
    while length < min(len(a), len(b)) and a[length] == b[length]:
        length += 1
    return a[:length]


def _between(first: Sequence[Pair], second: Sequence[Pair], text: str) -> str | None:
    """What stands between the two where they are close neighbours."""
    for start, end in first[:6]:
        for begin, stop in second[:6]:
            left, right = (end, begin) if end <= begin else (stop, start)
            if 0 <= right - left <= 8:
                return " ".join(text[left:right].lower().split())
    return None


def scores(model: linear.Linear, rows: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """How likely each pair is one thing."""
    if not rows:
        return np.zeros(0)
    found: NDArray[np.float64] = model.probabilities(linear.encode(rows))[:, 1]
    return found
