"""Measures whether confidences mean something: reliability, expected calibration error, and what a threshold buys.

>>> [row] = reliability([Claim(0.75, right=True), Claim(0.75, right=False)])
>>> row.number, row.stated, row.right, calibration_error([row])
(2, 0.75, 0.5, 0.25)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kg.extract.annotations import longest_first
from kg.extract.evaluate import Score, mention_owners, pair_entities, paired_triples, score_of
from kg.model import Extraction

#: Bins of equal width of the reliability table.
BINS = 10
#: The values of `--min-confidence` that the table of thresholds tells.
THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)

Extractions = Mapping[str, Extraction]


def claims(gold: Extractions, found: Extractions) -> dict[str, list[Claim]]:
    """What was said how surely, and whether it is right: mentions, roles, relations, result values.

    A mention is right when start, end and type are; a role is judged where its entity was found, with its own score; a
    relation that several found ones amount to is one, with the best of their scores.
    """
    made: dict[str, list[Claim]] = {"mentions": [], "roles": [], "relations": [], "results": []}
    for paper in sorted(gold):
        right, said = gold[paper], found.get(paper, Extraction(paper=paper))
        made["mentions"] += _mentions(right, said)
        right_by_id = {entity.id: entity for entity in right.entities}
        pairs = pair_entities(right, said)
        for entity in said.entities:
            own = right_by_id.get(pairs.get(entity.id, ""))
            if own is not None and own.type == entity.type:
                made["roles"].append(Claim(entity.role_score, right=own.role == entity.role))
        stated = {(r.head, r.predicate, r.tail) for r in right.relations}
        made["relations"] += [Claim(s, right=t in stated) for t, s in sorted(paired_triples(said, pairs).items())]
        values = Counter(result.value.strip() for result in right.results)
        for result in sorted(said.results, key=lambda result: -result.score):
            value = result.value.strip()
            made["results"].append(Claim(result.score, right=values[value] > 0))
            values[value] -= 1
    return made


def reliability(made: Iterable[Claim], *, bins: int = BINS) -> list[Bin]:
    """The claims by confidence, in bins of equal width; bins without any claim are left out.

    >>> [(row.low, row.high, row.number) for row in reliability([Claim(0.1, right=True), Claim(1.0, right=True)])]
    [(0.1, 0.2, 1), (0.9, 1.0, 1)]
    """
    held: dict[int, list[Claim]] = {}
    for claim in made:
        # + 1e-9: 0.3 * 10 is a little less than 3 for some values that are meant to be the lower end of a bin
        held.setdefault(min(int(claim.score * bins + 1e-9), bins - 1), []).append(claim)
    return [
        Bin(
            low=place / bins,
            high=(place + 1) / bins,
            number=len(own),
            stated=sum(claim.score for claim in own) / len(own),
            right=sum(claim.right for claim in own) / len(own),
        )
        for place, own in sorted(held.items())
    ]


def calibration_error(rows: Iterable[Bin]) -> float:
    """The expected calibration error: how far share of right and mean score are apart, weighted by number.

    >>> calibration_error([])
    0.0
    """
    kept = list(rows)
    total = sum(row.number for row in kept)
    return sum(row.number * abs(row.right - row.stated) for row in kept) / total if total else 0.0


def thresholds(
    gold: Extractions, found: Extractions, *, levels: Sequence[float] = THRESHOLDS
) -> list[tuple[str, float, int, Score]]:
    """How many are left, their precision and recall, when what is less sure than a level is cut.

    As in `kg build --min-confidence`, an entity goes with its last mention, a relation with either of its entities. A
    role is the statement of the graph that its paper makes: it is as sure as entity and role together, and right when
    both are. Entities are paired as without a threshold.

    >>> thresholds({}, {}, levels=(0.5,))[0]
    ('mentions', 0.5, 0, Score(precision=0.0, recall=0.0, f1=0.0, number=0, low=None, high=None))
    """
    made: dict[str, list[Claim]] = {**claims(gold, found), "roles": [], "relations": []}
    wanted: Counter[str] = Counter()
    for paper in sorted(gold):
        right, said = gold[paper], found.get(paper, Extraction(paper=paper))
        spans = mention_owners(right)
        wanted["mentions"] += len(spans)
        wanted["roles"] += len({owner for _, owner in spans.values()})
        stated = {(r.head, r.predicate, r.tail) for r in right.relations}
        wanted["relations"] += len(stated)
        wanted["results"] += len(right.results)
        right_by_id = {entity.id: entity for entity in right.entities}
        pairs = pair_entities(right, said)
        best = {e.id: max((mention.score for mention in e.mentions), default=0.0) for e in said.entities}
        for entity in said.entities:
            own = right_by_id.get(pairs.get(entity.id, ""))
            sure = min(round(entity.score * entity.role_score, 4), best[entity.id])
            correct = own is not None and (own.type, own.role) == (entity.type, entity.role)
            made["roles"].append(Claim(sure, right=correct))
        cut = [replace(r, score=min(r.score, best[r.head], best[r.tail])) for r in said.relations]
        triples = paired_triples(replace(said, relations=tuple(cut)), pairs)
        made["relations"] += [Claim(sure, right=triple in stated) for triple, sure in triples.items()]
    return [
        (kind, level, len(kept), score_of(wanted[kind], len(kept), sum(kept)))
        for kind, own in made.items()
        for level in levels
        for kept in [[claim.right for claim in own if claim.score >= level]]
    ]


def _mentions(right: Extraction, said: Extraction) -> list[Claim]:
    annotated = {(span, kind) for span, (kind, _) in mention_owners(right).items()}
    scores = {(m.start, m.end): (m.type, m.score) for entity in said.entities for m in entity.mentions}
    kept = [(span, *scores[span]) for span in longest_first(scores)]
    return [Claim(score, right=(span, kind) in annotated) for span, kind, score in kept]


@dataclass(frozen=True)
class Claim:
    """Something that was found: how sure the extractor was, and whether the gold says so, too."""

    score: float
    right: bool


@dataclass(frozen=True)
class Bin:
    """The claims whose score lies from `low` to `high`: their number, mean score, and the share that is right."""

    low: float
    high: float
    number: int
    stated: float
    right: float
