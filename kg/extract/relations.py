"""Finds the relations between the entities of a paper: a learned model over all pairs whose types permit one.

>>> from kg.extract.features import View
>>> text = "BERT for NLI"
>>> view = View.of_text(text, [(0, 4), (5, 8), (9, 12)])
>>> bert = {"type": "Method", "name": "BERT", "role": "uses", "mentions": [[0, 4, 1.0]]}
>>> nli = {"type": "Task", "name": "NLI", "role": "addresses", "mentions": [[9, 12, 1.0]]}
>>> pairs = candidates([bert, nli])
>>> pairs, "Method-Task:between=for>" in features(view, [bert, nli], pairs)[0]
([(0, 1)], True)
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from kg.extract import linear, polarity
from kg.extract.encoder import Reading
from kg.extract.features import View, bucket, normal_form, register_attributes
from kg.extract.labels import from_ontology
from kg.extract.settings import read_settings, write_settings
from kg.sentences import is_all, nearest_pairs, shortest_evidence

#: Characters between the nearest mentions of two entities beyond which no relation is looked for: most of an abstract,
#: little of a book.
REACH = 2000
#: How sure the encoder must be that two entities are not related for the pair to be left at that.
HOPELESS = 0.98


@Language.factory(
    "kg_relations",
    requires=["doc._.kg_entities", "doc._.kg_reading"],
    assigns=["doc._.kg_relations"],
    default_config={"threshold": 0.4},
)
def make_relations(nlp: Language, name: str, threshold: float) -> RelationClassifier:  # noqa: ARG001
    """The component `kg_relations`; relations that score below `threshold` are left out."""
    register_attributes()
    return RelationClassifier(threshold=threshold)


def relation_labels() -> tuple[str, ...]:
    """`none` and all relations between entities."""
    return from_ontology().relations


def allowed_labels(types: Iterable[tuple[str, str, bool]]) -> NDArray[np.bool_]:
    """Which of `relation_labels` a pair can have, given head type, tail type and whether the head is named first."""
    rows = [from_ontology().allowed_relations(head, tail, forward=forward) for head, tail, forward in types]
    return np.array(rows, dtype=bool).reshape(-1, len(relation_labels()))


def candidates(entities: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    """All ordered pairs of entities (their numbers) that may stand in a relation."""
    permitted = from_ontology().relations_of
    near = _neighbours(entities)
    kinds = [entity["type"] for entity in entities]
    return [(i, j) for i in range(len(kinds)) for j in near[i] if (kinds[i], kinds[j]) in permitted]


def features(view: View, entities: Sequence[Mapping[str, Any]], pairs: Sequence[tuple[int, int]]) -> list[list[str]]:
    """The features of each of these pairs."""
    facts = [_facts(view, entity) for entity in entities]
    _rank(facts)
    events = sorted((first, last, number) for number, fact in enumerate(facts) for first, last in fact["spans"])
    firsts = [first for first, _, _ in events]
    kinds = [entity["type"] for entity in entities]
    rows = []
    for i, j in pairs:
        kind = f"{kinds[i]}-{kinds[j]}"
        plain = _pair_features(view, facts[i], facts[j], events, firsts, kinds)
        rows.append([f"{kind}:{feature}" for feature in plain])
    return rows


def _neighbours(entities: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """For each entity, the others that have a mention within reach of one of its own."""
    events = sorted((start, number) for number, entity in enumerate(entities) for start, _, _ in entity["mentions"])
    found: list[set[int]] = [set() for _ in entities]
    oldest = 0
    for place, (start, number) in enumerate(events):
        while events[oldest][0] < start - REACH:
            oldest += 1
        if place - oldest > 400:  # so dense a text is a list of names, not prose
            oldest = place - 400
        for _, other in events[oldest:place]:
            if other != number:
                found[number].add(other)
                found[other].add(number)
    return [sorted(others) for others in found]


def _facts(view: View, entity: Mapping[str, Any]) -> dict[str, Any]:
    spans = [view.tokens(start, end) for start, end, _ in entity["mentions"]]
    start, end, _ = entity["mentions"][0]
    form = normal_form(view.text[start:end])
    return {
        "type": entity["type"],
        "role": entity.get("role", "mentions"),
        "spans": spans,
        "sentences": sorted({view.sentence[first] for first, _ in spans}),
        "title": end <= view.title_end,
        "form": form,
        "forms": {normal_form(view.text[a:b]) for a, b, _ in entity["mentions"]},
        "words": form.split(),
        "count": len(spans),
        "start": start,
    }


def _rank(facts: Sequence[dict[str, Any]]) -> None:
    seen: dict[str, int] = {}
    for fact in sorted(facts, key=lambda fact: fact["start"]):
        for key in (fact["type"], f"{fact['type']} {fact['role']}"):
            seen[key] = seen.get(key, 0) + 1
        fact["rank"] = min(seen[fact["type"]], 5)
        fact["role_rank"] = min(seen[f"{fact['type']} {fact['role']}"], 4)


def _closest(a: Sequence[tuple[int, int]], b: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The mentions of two entities that are nearest, as ranges of words."""
    return min(nearest_pairs(a, b), key=lambda pair: abs(pair[0][0] - pair[1][0]))


def _pair_features(
    view: View,
    head: Mapping[str, Any],
    tail: Mapping[str, Any],
    events: Sequence[tuple[int, int, int]],
    firsts: Sequence[int],
    kinds: Sequence[str],
) -> list[str]:
    a, b = _closest(head["spans"], tail["spans"])
    forward = a[0] < b[0]
    left, right = (a, b) if forward else (b, a)
    order = ">" if forward else "<"
    apart = abs(view.sentence[a[0]] - view.sentence[b[0]])
    shared = len(set(head["sentences"]) & set(tail["sentences"]))
    gap = max(0, right[0] - left[1])
    roles = f"{head['role']}-{tail['role']}"
    title = f"{head['title']:d}{tail['title']:d}"
    inner = events[bisect_left(firsts, left[1]) : bisect_left(firsts, right[0])]
    first = head["start"] < tail["start"]
    found = [
        "bias",
        f"roles={roles}",
        f"apart={min(apart, 4)}",
        f"apart={min(apart, 4)}{order}&roles={roles}",
        f"gap={bucket(gap)}{order}&{min(apart, 2)}",
        f"shared={min(shared, 3)}",
        f"shared={min(shared, 3)}&roles={roles}",
        f"title={title}",
        f"title={title}&roles={roles}",
        f"inner={min(len(inner), 5)}{order}{min(apart, 2)}",
        f"first={first:d}{order}",
        f"rank={head['rank']}-{tail['rank']}",
        f"rank={head['role_rank']}-{tail['role_rank']}&roles={roles}",
        f"count={min(head['count'], 4)}-{min(tail['count'], 4)}",
        f"head={head['form']}",
        f"tail={tail['form']}",
        f"both={head['form']}|{tail['form']}",
        f"head-last={head['words'][-1]}",
        f"tail-last={tail['words'][-1]}",
        f"lasts={head['words'][-1]}|{tail['words'][-1]}",
        f"tail={tail['form']}&role={head['role']}",
        f"head={head['form']}&role={tail['role']}",
        f"same-last={head['words'][-1] == tail['words'][-1]}",
        f"overlap={_overlap(head, tail)}",
    ]
    words = view.words
    between = words[left[1] : right[0]]
    if apart == 0:
        where = "T" if view.ends[right[1] - 1] <= view.title_end else "S"
        inner_types = "".join(kinds[number][0] for _, _, number in inner[:4])
        found += [
            f"left={view.word(left[0] - 1)}{order}",
            f"left2={view.word(left[0] - 2)} {view.word(left[0] - 1)}{order}",
            f"right={view.word(right[1])}{order}",
            f"right2={view.word(right[1])} {view.word(right[1] + 1)}{order}",
            f"chain={inner_types}{order}{where}",
        ]
        if gap <= 4:
            found.append(f"path={' '.join(between)}{order}")
            found.append(f"path={' '.join(between)}{order}{where}")
        if between:
            found += [f"next={between[0]}{order}", f"prior={between[-1]}{order}"]
            found.append(f"next2={' '.join(between[:2])}{order}")
            found.append(f"prior2={' '.join(between[-2:])}{order}")
        covered = {number for first_, last_, _ in inner for number in range(first_, last_)}
        open_words = [words[n] for n in range(left[1], right[0]) if n not in covered][:15]
        found += [f"between={word}{order}" for word in dict.fromkeys(open_words)]
        for number in range(max(0, left[0] - 6), left[0]):
            if view.sentence[number] == view.sentence[left[0]]:
                found.append(f"before={words[number]}{order}")
        for number in range(right[1], min(len(words), right[1] + 5)):
            if view.sentence[number] == view.sentence[right[0]]:
                found.append(f"after={words[number]}{order}")
    elif apart == 1:
        found += [f"cross-left={view.word(left[1])}{order}", f"cross-right={view.word(right[0] - 1)}{order}"]
        begin = right[0]
        while begin > 0 and view.sentence[begin - 1] == view.sentence[right[0]]:
            begin -= 1
        found.append(f"cross-start={view.word(begin)} {view.word(begin + 1)}{order}")
        found += [f"cross={word}{order}" for word in dict.fromkeys(words[max(begin, right[0] - 6) : right[0]])]
    return found


def _overlap(head: Mapping[str, Any], tail: Mapping[str, Any]) -> str:
    """How the two names share words: `bert` and `distilled bert`, say."""
    a, b = head["words"], tail["words"]
    if len(a) > len(b) and a[-len(b) :] == b:
        return "head-ends-in-tail"
    if len(b) > len(a) and b[-len(a) :] == a:
        return "tail-ends-in-head"
    if any(f" {x} " in f" {y} " for x in tail["forms"] for y in head["forms"]):
        return "tail-in-head"
    if any(f" {x} " in f" {y} " for x in head["forms"] for y in tail["forms"]):
        return "head-in-tail"
    share = len(set(a) & set(b))
    return f"share{min(share, 2)}" if share else "none"


def evidence(
    text: str, predicate: str, head: Mapping[str, Any], tail: Mapping[str, Any]
) -> tuple[int, int, bool, bool]:
    """Where the text shows a relation (start, end), and whether it denies it there, or only supposes it."""
    heads = [(start, end) for start, end, _ in head["mentions"]]
    tails = [(start, end) for start, end, _ in tail["mentions"]]
    span = shortest_evidence(text, heads, tails, predicate)
    if span is None:
        return 0, 0, False, False
    start, end = span
    inside = [
        (one, other)
        for one, other in nearest_pairs(heads, tails)
        if start <= min(one[0], other[0]) and max(one[1], other[1]) <= end
    ]
    a, b = min(inside, key=lambda pair: abs(pair[0][0] - pair[1][0]), default=(heads[0], tails[0]))
    return start, end, *polarity.said(text, predicate, a, b)


class RelationClassifier:
    """Writes `doc._.kg_relations`: dicts of head and tail (numbers of entities), predicate, score, place, cues.

    `certainty` (see `linear.scaled`) makes of the model's scores, which suppose that both ends are right, what share of
    such relations is.
    """

    def __init__(self, *, threshold: float) -> None:
        self.threshold = threshold
        self.certainty: tuple[float, float] = (0.0, 1.0)
        labels = relation_labels()
        empty = np.zeros((1, len(labels)), np.float32)
        self.model = linear.Linear(labels, np.zeros(0, np.uint32), empty, np.zeros(len(labels)))

    def __call__(self, doc: Doc) -> Doc:
        entities = doc._.kg_entities
        doc._.kg_relations = self.relations(View.of_doc(doc), entities, doc._.kg_reading) if entities else []
        return doc

    def relations(self, view: View, entities: Sequence[Mapping[str, Any]], reading: Reading) -> list[dict[str, Any]]:
        """The relations between entities, in the order of head, then tail."""
        pairs = candidates(entities)
        prior = reading.relations(entities, pairs)
        hopeful = np.flatnonzero(prior[:, 0] < np.log(HOPELESS))
        pairs, prior = [pairs[number] for number in hopeful], prior[hopeful]
        if not pairs:
            return []
        rows = linear.encode(features(view, entities, pairs))
        kinds = ((entities[i]["type"], entities[j]["type"], i < j) for i, j in pairs)
        scores = self.model.probabilities(rows, allowed_labels(kinds), prior)
        chosen = scores[:, 1:].argmax(axis=1) + 1
        best = linear.scaled(self.certainty, scores[np.arange(len(pairs)), chosen])
        found = []
        for number in np.flatnonzero(best >= self.threshold):
            head, tail = pairs[number]
            predicate = self.model.labels[chosen[number]]
            start, end, negated, hedged = evidence(view.text, predicate, entities[head], entities[tail])
            if is_all(view.text, start, end):
                continue  # nothing shorter than the whole abstract names both: no place says it
            found.append(
                {
                    "head": head,
                    "predicate": predicate,
                    "tail": tail,
                    "score": round(float(best[number]), 4),
                    "start": start,
                    "end": end,
                    "negated": negated,
                    "hedged": hedged,
                }
            )
        return found

    def to_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        write_settings(path, certainty=self.certainty)
        self.model.save(Path(path) / "model.npz")

    def from_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> RelationClassifier:  # noqa: ARG002
        self.model = linear.load(Path(path) / "model.npz")
        bias, slope = read_settings(path)["certainty"]
        self.certainty = (bias, slope)
        return self
