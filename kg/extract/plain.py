"""A pipeline for types and relations of your own: what the encoder says, without what kg knows of its own types.

Mentions are the spans of the best row of tags, relations those of two mentions that the encoder holds likelier than the
threshold. Scores are those of the works on SciERC: NER strict (span and type), Rel (both spans and the relation), Rel+
(and both types), over mentions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from kg.extract.encoder import EncoderReader, Reading
from kg.extract.evaluate import Score, score_of
from kg.extract.features import register_attributes, set_entities
from kg.extract.settings import read_settings, write_settings
from kg.extract.tokenizer import make_blank
from kg.model import Extraction, Paper
from kg.sentences import shortest_evidence

COMPONENTS = ("kg_sentences", "kg_abbreviations", "kg_encoder", "kg_spans", "kg_entities", "kg_pairs", "kg_forget")
THRESHOLDS = tuple(number / 20 for number in range(2, 19))

Triple = tuple[tuple[int, int], str, tuple[int, int]]


@Language.factory("kg_spans", requires=["doc._.kg_reading"], assigns=["doc._.kg_mentions", "doc.ents"])
def make_spans(nlp: Language, name: str) -> SpanReader:  # noqa: ARG001
    """The component `kg_spans`."""
    register_attributes()
    return SpanReader()


@Language.factory(
    "kg_pairs",
    requires=["doc._.kg_mentions", "doc._.kg_entities", "doc._.kg_reading"],
    assigns=["doc._.kg_relations"],
)
def make_pairs(nlp: Language, name: str) -> PairReader:  # noqa: ARG001
    """The component `kg_pairs`."""
    register_attributes()
    return PairReader()


def make_plain_pipeline() -> Language:
    """The pipeline for a label set of one's own, untrained."""
    nlp = make_blank()
    for name in COMPONENTS:
        nlp.add_pipe(name)
    return nlp


def find_mentions(reading: Reading) -> list[dict[str, Any]]:
    """The mentions of a text, with their scores: of whole words, none over another."""
    types = reading.heads.labels.types
    found: list[dict[str, Any]] = []
    for kind, first, last in reading.spans(types):
        start, end = reading.whole_words(first, last)
        if not found or found[-1]["end"] <= start:
            score = round(float(reading.likely(first, last)[types.index(kind)]), 4)
            found.append({"start": start, "end": end, "type": kind, "score": score})
    return found


def find_pairs(reading: Reading, mentions: Sequence[dict[str, Any]]) -> list[tuple[int, int, str, float]]:
    """For each pair of mentions that may be related: their numbers, the likeliest relation, its probability."""
    labels = reading.heads.labels
    entities = [{"type": m["type"], "mentions": [(m["start"], m["end"], 1.0)]} for m in mentions]
    lines = [reading.text.count("\n", 0, m["start"]) for m in mentions]
    pairs = labels.candidate_pairs([m["type"] for m in mentions], lines)
    scores = np.exp(reading.relations(entities, pairs))
    best = scores[:, 1:].argmax(axis=1) + 1 if len(pairs) else []
    return [
        (i, j, labels.relations[label], round(float(row[label]), 4))
        for (i, j), label, row in zip(pairs, best, scores, strict=True)
    ]


def measure_plain(
    reader: EncoderReader, labelled: Sequence[tuple[Paper, Extraction]], threshold: float | None = None
) -> tuple[dict[str, Score], float]:
    """The scores of NER strict, Rel and Rel+, and the threshold: the one with the best Rel where none is given."""
    given = hits = wanted = 0
    relations: list[tuple[float, tuple[bool, bool]]] = []
    total = 0
    for paper, said in labelled:
        reading = reader.read(paper.text)
        mentions = find_mentions(reading)
        gold = {(m.start, m.end): m.type for entity in said.entities for m in entity.mentions}
        place = {entity.id: (entity.mentions[0].start, entity.mentions[0].end) for entity in said.entities}
        triples: set[Triple] = {(place[r.head], r.predicate, place[r.tail]) for r in said.relations}
        given += len(mentions)
        wanted += len(gold)
        hits += sum(gold.get((m["start"], m["end"])) == m["type"] for m in mentions)
        total += len(triples)
        for i, j, predicate, score in find_pairs(reading, mentions):
            head, tail = ((mentions[n]["start"], mentions[n]["end"]) for n in (i, j))
            right = (head, predicate, tail) in triples
            typed = right and gold[head] == mentions[i]["type"] and gold[tail] == mentions[j]["type"]
            relations.append((score, (right, typed)))

    def at(limit: float, *, typed: bool) -> Score:
        kept = [row for row in relations if row[0] >= limit]
        return score_of(total, len(kept), sum(row[1][typed] for row in kept))

    if threshold is None:
        threshold = max(THRESHOLDS, key=lambda limit: at(limit, typed=False).f1)
    scores = {
        "NER strict": score_of(wanted, given, hits),
        "Rel": at(threshold, typed=False),
        "Rel+": at(threshold, typed=True),
    }
    return scores, threshold


class SpanReader:
    """Writes `doc._.kg_mentions`: the spans of the best row of tags."""

    def __call__(self, doc: Doc) -> Doc:
        doc._.kg_mentions = find_mentions(doc._.kg_reading)
        set_entities(doc, doc._.kg_mentions)
        return doc


class PairReader:
    """Writes `doc._.kg_relations` between entities, found between their mentions; entities get an empty role."""

    def __init__(self) -> None:
        self.threshold = 0.5

    def __call__(self, doc: Doc) -> Doc:
        doc._.kg_entities = [{**entity, "role": "", "role_score": 1.0} for entity in doc._.kg_entities]
        owner = {(a, b): number for number, entity in enumerate(doc._.kg_entities) for a, b, _ in entity["mentions"]}
        mentions = doc._.kg_mentions
        best: dict[tuple[int, str, int], tuple[float, int, int]] = {}
        for i, j, predicate, score in find_pairs(doc._.kg_reading, mentions):
            head, tail = (owner[mentions[n]["start"], mentions[n]["end"]] for n in (i, j))
            if score >= self.threshold and head != tail:
                best[head, predicate, tail] = max((score, i, j), best.get((head, predicate, tail), (0.0, i, j)))
        doc._.kg_relations = []
        for (head, predicate, tail), (score, i, j) in sorted(best.items()):
            spans = [(mentions[n]["start"], mentions[n]["end"]) for n in (i, j)]
            start, end = shortest_evidence(doc.text, spans[:1], spans[1:]) or (None, None)
            doc._.kg_relations.append(
                {"head": head, "predicate": predicate, "tail": tail, "score": score, "start": start, "end": end}
            )
        return doc

    def to_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        write_settings(path, threshold=self.threshold)

    def from_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> PairReader:  # noqa: ARG002
        self.threshold = read_settings(path)["threshold"]
        return self
