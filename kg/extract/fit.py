"""Fits what stands behind the encoder: the scorer of mentions, and what to correct in roles, relations and numbers.

All of it is fitted on readings of encoders that have not seen the paper in training, as it will be with new papers, and
thresholds are chosen by cross-validation over papers.

>>> best_threshold(np.array([0.9, 0.5, 0.3]), np.array([True, True, False]), 2)
(100.0, 0.5)
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from kg.extract import joining, linear, mentions, relations, results, roles
from kg.extract.encoder import Reading, log_softmax
from kg.extract.entities import group
from kg.extract.evaluate import pair_entities
from kg.extract.features import View
from kg.extract.pipeline import to_extraction
from kg.model import Extraction, Paper

log = logging.getLogger("kg.extract.train")

Labelled = tuple[Paper, Extraction]
Spans = dict[tuple[int, int], str]
FOLDS = 3
TEMPERATURES = tuple(number / 20 for number in range(10, 61))
#: What a relation, or a result, must score to be looked at when the confidence is fitted.
LEAST_RELATION = LEAST_RESULT = 0.1
THRESHOLDS = tuple(number / 50 for number in range(8, 40))
#: How much F1 (in percent) is given for finding more mentions, and for keeping more entities apart.
SLACK = 0.3


@dataclass(frozen=True)
class Example:
    """An annotated paper with what an encoder that has not seen it reads, as a document without mentions."""

    paper: Paper
    said: Extraction
    doc: Doc

    @property
    def reading(self) -> Reading:
        """What the encoder saw."""
        found: Reading = self.doc._.kg_reading
        return found


def fit_components(
    nlp: Language,
    examples: Sequence[Example],
    *,
    gold: Sequence[Labelled],
    silver: Sequence[Labelled],
    settings: Mapping[str, Any],
) -> None:
    """Fit all components behind the encoder on `examples`; the lexicon also knows the other gold and silver papers."""
    folds = np.arange(len(examples)) % FOLDS
    scorer: Any = nlp.get_pipe("kg_mentions")
    scorer.lexicon, votes = mentions.make_lexicon(
        [(paper.text, spans_of(said)) for paper, said in gold],
        [(paper.text, spans_of(said)) for paper, said in silver],
    )
    vote_of = {paper.id: own for (paper, _), own in zip(gold, votes, strict=True)}
    accepted = fit_mentions(scorer, examples, [vote_of[e.paper.id] for e in examples], folds, settings["mentions"])
    for example, found in zip(examples, accepted, strict=True):
        example.doc._.kg_mentions = found
    fit_entities(nlp, examples, folds, settings["entities"])
    named = fit_roles(nlp, examples)
    fit_relations(nlp, examples, named, folds, settings["relations"])
    fit_results(nlp, examples, folds, settings["results"])


def spans_of(extraction: Extraction) -> Spans:
    """The mentions of an extraction, with their types."""
    return {(m.start, m.end): entity.type for entity in extraction.entities for m in entity.mentions}


def entity_dicts(extraction: Extraction) -> list[dict[str, Any]]:
    """Annotated entities as the components see them, in the order of the text."""
    found = [
        {
            "id": entity.id,
            "type": entity.type,
            "name": entity.name,
            "role": entity.role,
            "score": entity.score,
            "role_score": entity.role_score,
            "mentions": [[mention.start, mention.end, mention.score] for mention in entity.mentions],
        }
        for entity in extraction.entities
        if entity.mentions
    ]
    return sorted(found, key=lambda entity: entity["mentions"][0])


def cross_probabilities(
    fit: Callable[[NDArray[Any]], linear.Linear],
    rows: linear.Rows,
    fold_of: NDArray[Any],
    offsets: NDArray[Any] | None = None,
) -> NDArray[np.float64]:
    """For each row what a model says that was fitted on the other folds."""
    parts = []
    for fold in range(FOLDS):
        apart = fold_of == fold
        shift = None if offsets is None else offsets[apart]
        parts.append((apart, fit(~apart).probabilities(rows.take(apart), None, shift)))
    found = np.zeros((len(rows), parts[0][1].shape[1]))
    for apart, scores in parts:
        found[apart] = scores
    return found


def best_threshold(scores: NDArray[Any], hits: NDArray[Any], wanted: int) -> tuple[float, float]:
    """The best F1 (in percent), and the threshold that gives it when `wanted` things should be found."""
    best = (-1.0, 0.5)
    for threshold in THRESHOLDS:
        given = scores >= threshold
        best = max(best, (200 * float((given & hits).sum()) / max(1, int(given.sum()) + wanted), threshold))
    return best


def best_temperature(logits: NDArray[np.float32], targets: NDArray[Any]) -> float:
    """What to divide logits by, so that their probabilities are most like what is so (Guo et al. 2017)."""
    rows = np.arange(len(targets))
    loss = {t: -float(log_softmax(logits / np.float32(t))[rows, targets].mean()) for t in TEMPERATURES}
    return min(TEMPERATURES, key=lambda temperature: loss[temperature])


def fit_mentions(
    scorer: mentions.MentionScorer,
    examples: Sequence[Example],
    votes: Sequence[Mapping[int, int]],
    folds: NDArray[Any],
    options: Mapping[str, Any],
) -> list[list[dict[str, Any]]]:
    """Fit the scorer of mentions; returns those that models which have not seen the paper accept."""
    found = [
        mentions.candidates(example.reading, example.doc._.kg_abbreviations, scorer.lexicon, own)
        for example, own in zip(examples, votes, strict=True)
    ]
    rows = linear.encode(candidate.features for own in found for candidate in own)
    truth = [spans_of(example.said) for example in examples]
    targets = np.array(
        [
            any(truth[number].get(span) == candidate.type for span in candidate.spans)
            for number, own in enumerate(found)
            for candidate in own
        ],
        dtype=np.int64,
    )
    weights = np.array([min(len(candidate.spans), 4) for own in found for candidate in own], dtype=np.float32)

    def fit(chosen: NDArray[Any]) -> linear.Linear:
        return linear.fit(
            rows.take(chosen), targets[chosen], labels=("no", "yes"), weights=weights[chosen], **options["fit"]
        ).smaller(options["features"])

    counts = [len(own) for own in found]
    scores = cross_probabilities(fit, rows, np.repeat(folds, counts))[:, 1]
    borders = np.cumsum([0, *counts])

    def chosen(number: int, threshold: float) -> dict[tuple[int, int], tuple[str, float]]:
        return mentions.select(
            zip(found[number], scores[borders[number] : borders[number + 1]], strict=True), threshold
        )

    wanted = sum(map(len, truth))
    curve = {}
    for threshold in THRESHOLDS:
        given = hits = 0
        for number, gold in enumerate(truth):
            own = chosen(number, threshold)
            given += len(own)
            hits += sum(gold.get(span) == kind for span, (kind, _) in own.items())
        curve[threshold] = 200 * hits / max(1, given + wanted)
    # The curve is flat at its top. What is found too much can be cut by its confidence later; what is missed is lost.
    best = max(curve.values())
    scorer.threshold = next(threshold for threshold, f1 in curve.items() if f1 >= best - SLACK)
    log.info("mentions: best F1 %.2f, %.2f at %.2f", best, curve[scorer.threshold], scorer.threshold)
    scorer.model = fit(np.ones(len(rows), bool))
    return [
        [
            {"start": a, "end": b, "type": kind, "score": score}
            for (a, b), (kind, score) in sorted(chosen(number, scorer.threshold).items())
        ]
        for number in range(len(examples))
    ]


def fit_entities(nlp: Language, examples: Sequence[Example], folds: NDArray[Any], options: Mapping[str, Any]) -> None:
    """Fit which names are one thing, on the annotated mentions; the threshold is the best for the found ones.

    The documents get the entities that models which have not seen the paper make.
    """
    grouper: Any = nlp.get_pipe("kg_entities")
    blocks, targets, counts = [], [], []
    for example in examples:
        owner = {(m.start, m.end): entity.id for entity in example.said.entities for m in entity.mentions}
        gold = [
            {"start": m.start, "end": m.end, "type": entity.type, "score": 1.0}
            for entity in example.said.entities
            for m in entity.mentions
        ]
        gold.sort(key=lambda mention: (mention["start"], mention["end"]))
        groups = group(example.paper.text, gold, example.doc._.kg_abbreviations)
        pairs, features = joining.candidates(example.paper.text, groups, example.reading)
        whose = [Counter(owner[start, end] for start, end, _ in own["mentions"]).most_common(1)[0][0] for own in groups]
        blocks.append(linear.encode(features))
        targets += [int(whose[i] == whose[j]) for i, j in pairs]
        counts.append(len(pairs))
    rows, truth, fold_of = linear.stack(blocks), np.array(targets, dtype=np.int64), np.repeat(folds, counts)

    def fit(chosen: NDArray[Any]) -> linear.Linear:
        model = linear.fit(rows.take(chosen), truth[chosen], labels=("no", "yes"), **options["fit"])
        return model.smaller(options["features"])

    found: list[tuple[list[dict[str, Any]], list[tuple[int, int]], list[float]]] = [([], [], []) for _ in examples]
    for fold in range(FOLDS):
        model = fit(fold_of != fold)
        for number in np.flatnonzero(folds == fold).tolist():
            doc = examples[number].doc
            groups = group(doc.text, doc._.kg_mentions, doc._.kg_abbreviations)
            pairs, features = joining.candidates(doc.text, groups, examples[number].reading)
            found[number] = (groups, pairs, joining.scores(model, features).tolist())

    def f1(threshold: float) -> float:
        given = hits = wanted = 0
        for example, (groups, pairs, scores) in zip(examples, found, strict=True):
            made = joining.join(groups, pairs, scores, threshold)
            example.doc._.kg_entities = [{**entity, "role": "mentions", "role_score": 1.0} for entity in made]
            said = to_extraction(example.doc, example.paper.id)
            own = {entity.id: entity.type for entity in said.entities}
            kinds = {entity.id: entity.type for entity in example.said.entities}
            hits += sum(own[a] == kinds[b] for a, b in pair_entities(example.said, said).items())
            given += len(own)
            wanted += len(kinds)
        return 200 * hits / max(1, given + wanted)

    limits = (1.1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
    table = {limit: f1(limit) for limit in limits}
    best = max(table.values())
    # F1 gains, too, where what is no entity is hidden in one: of thresholds that are about as good, the highest.
    grouper.threshold = max(limit for limit in limits if table[limit] >= best - SLACK)
    log.info(
        "entities: F1 %.2f by rule alone, %.2f joined at %.1f", table[1.1], f1(grouper.threshold), grouper.threshold
    )
    grouper.model = fit(np.ones(len(rows), bool))


def fit_roles(nlp: Language, examples: Sequence[Example]) -> list[list[dict[str, Any]]]:
    """Fit the temperature of the roles; returns the annotated entities with the roles that are found.

    The entities that were found in a paper (`doc._.kg_entities`) get their roles, too.
    """
    classifier: Any = nlp.get_pipe("kg_roles")
    labels = roles.role_labels()
    named = [entity_dicts(example.said) for example in examples]
    scores = [example.reading.roles(own) for example, own in zip(examples, named, strict=True) if own]
    logits = np.concatenate(scores)
    targets = np.array([labels.index(entity["role"]) for own in named for entity in own], dtype=np.int64)
    classifier.temperature = best_temperature(logits, targets)
    predicted = logits.argmax(axis=1)
    accuracy = 100 * (predicted == targets).mean()
    log.info("roles: accuracy %.2f on gold entities, temperature %.2f", accuracy, classifier.temperature)
    for example in examples:
        classifier(example.doc)
    names = iter(predicted)
    return [[{**entity, "role": labels[next(names)]} for entity in own] for own in named]


def calibrate_roles(nlp: Language, labelled: Sequence[Labelled]) -> None:
    """Fit the temperature of the roles again, on entities found in papers that no encoder was trained on.

    The encoder that the other components are fitted on has read less than the one that is served, and is less sure.
    """
    classifier: Any = nlp.get_pipe("kg_roles")
    labels = roles.role_labels()
    logits, targets = [], []
    with nlp.select_pipes(disable=["kg_relations", "kg_results", "kg_forget"]):
        for paper, right in labelled:
            doc = nlp(paper.text)
            said = to_extraction(doc, paper.id)
            own = {entity.id: entity for entity in right.entities}
            pairs = pair_entities(right, said)
            scores = doc._.kg_reading.roles(doc._.kg_entities)
            for entity, row in zip(said.entities, scores, strict=True):
                paired = own.get(pairs.get(entity.id, ""))
                if paired is not None and paired.type == entity.type:
                    logits.append(row)
                    targets.append(labels.index(paired.role))
    if not logits:
        return
    classifier.temperature = best_temperature(np.array(logits, np.float32), np.array(targets))
    log.info("roles: temperature %.2f on found entities", classifier.temperature)


def fit_relations(
    nlp: Language,
    examples: Sequence[Example],
    named: Sequence[Sequence[Mapping[str, Any]]],
    folds: NDArray[Any],
    options: Mapping[str, Any],
) -> None:
    """Fit the relations; confidence and threshold are those for the entities that are found, not for the gold ones."""
    relater: Any = nlp.get_pipe("kg_relations")
    rows, targets, allowed, offsets, counts = _relation_rows(examples, named)
    owner = np.repeat(np.arange(len(examples)), counts)

    def fit(chosen: NDArray[Any]) -> linear.Linear:
        return linear.fit(
            rows.take(chosen),
            targets[chosen],
            labels=relations.relation_labels(),
            allowed=allowed[chosen],
            offsets=offsets[chosen],
            **options["fit"],
        ).smaller(options["features"])

    claimed: list[float] = []
    hits: list[bool] = []
    relater.threshold, relater.certainty = LEAST_RELATION, (0.0, 1.0)
    for fold in range(FOLDS):
        relater.model = fit(folds[owner] != fold)
        for number in np.flatnonzero(folds == fold).tolist():
            right = examples[number].said
            said = to_extraction(relater(examples[number].doc), right.paper)
            pairs = pair_entities(right, said)
            triples = {(relation.head, relation.predicate, relation.tail) for relation in right.relations}
            for relation in said.relations:
                claimed.append(relation.score)
                hits.append((pairs.get(relation.head), relation.predicate, pairs.get(relation.tail)) in triples)
    wanted = sum(len(example.said.relations) for example in examples)
    scores, truth = np.array(claimed), np.array(hits, dtype=bool)
    relater.certainty = linear.fit_scale(scores, truth)
    f1, relater.threshold = best_threshold(linear.scaled(relater.certainty, scores), truth, wanted)
    log.info("relations: F1 %.2f end to end at %.2f", f1, relater.threshold)
    relater.model = fit(np.ones(len(rows), bool))


def _relation_rows(
    examples: Sequence[Example], named: Sequence[Sequence[Mapping[str, Any]]]
) -> tuple[linear.Rows, NDArray[Any], NDArray[Any], NDArray[Any], list[int]]:
    labels = relations.relation_labels()
    blocks, targets, counts = [], [], []
    permitted, offsets = [np.zeros((0, len(labels)), bool)], [np.zeros((0, len(labels)), np.float32)]
    for example, own in zip(examples, named, strict=True):
        place = {entity["id"]: number for number, entity in enumerate(own)}
        stated = {
            (place[r.head], place[r.tail]): labels.index(r.predicate)
            for r in example.said.relations
            if r.head in place and r.tail in place
        }
        pairs = relations.candidates(own)
        features = relations.features(View.of_doc(example.doc), own, pairs)
        allowed = relations.allowed_labels((own[i]["type"], own[j]["type"], i < j) for i, j in pairs)
        found = (stated.get(pair, 0) for pair in pairs)
        targets += [label if row[label] else 0 for label, row in zip(found, allowed, strict=True)]
        blocks.append(linear.encode(features))
        permitted.append(allowed)
        offsets.append(example.reading.relations(own, pairs))
        counts.append(len(pairs))
    return (
        linear.stack(blocks),
        np.array(targets, dtype=np.int64),
        np.concatenate(permitted),
        np.concatenate(offsets),
        counts,
    )


def fit_results(nlp: Language, examples: Sequence[Example], folds: NDArray[Any], options: Mapping[str, Any]) -> None:
    """Fit which numbers are results, how sure that makes, and the threshold."""
    reader: Any = nlp.get_pipe("kg_results")
    blocks, targets, offsets, counts = [], [], [np.zeros((0, 2), np.float32)], []
    hits: list[bool] = []
    for example in examples:
        spans = results.numbers(example.paper.text)
        written = [example.paper.text[start:end] for start, end in spans]
        values = Counter(result.value.strip() for result in example.said.results)
        blocks.append(linear.encode(results.features(View.of_doc(example.doc), entity_dicts(example.said), spans)))
        offsets.append(results.prior(example.reading, spans))
        targets += [int(value in values) for value in written]
        counts.append(len(spans))
        for value in written:  # a number that is said twice is one result
            hits.append(values[value] > 0)
            values[value] -= 1
    rows, truth = linear.stack(blocks), np.array(targets, dtype=np.int64)
    before = np.concatenate(offsets)

    def fit(chosen: NDArray[Any]) -> linear.Linear:
        model = linear.fit(
            rows.take(chosen), truth[chosen], labels=("no", "yes"), offsets=before[chosen], **options["fit"]
        )
        return model.smaller(options["features"])

    scores = cross_probabilities(fit, rows, np.repeat(folds, counts), before)[:, 1]
    wanted = sum(len(example.said.results) for example in examples)
    alone = best_threshold(np.exp(before[:, 1]), truth == 1, wanted)
    likely = scores >= LEAST_RESULT
    reader.certainty = linear.fit_scale(scores[likely], np.array(hits)[likely])
    f1, reader.threshold = best_threshold(linear.scaled(reader.certainty, scores), truth == 1, wanted)
    log.info("results: F1 %.2f on gold entities at %.2f, encoder alone %.2f", f1, reader.threshold, alone[0])
    reader.model = fit(np.ones(len(rows), bool))
