"""Scores extractions against gold annotations: mentions, entities, roles, relations, results.

>>> from kg.model import ExtractedEntity, Mention
>>> def said(*spans):
...     named = [ExtractedEntity(id=f"e{a}", type="Method", name="x", role="uses",
...                              mentions=(Mention(start=a, end=b, type="Method"),)) for a, b in spans]
...     return {"paper:1": Extraction(paper="paper:1", entities=tuple(named))}
>>> scores = score(said((0, 4), (8, 12)), said((0, 4)))
>>> scores["mention strict, 5 types"]
Score(precision=100.0, recall=50.0, f1=66.67, number=2, low=None, high=None)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kg import ontology
from kg.extract.annotations import longest_first
from kg.model import ASPECTS, ENTITY_TYPES, Extraction, KGError, Paper, Result

if TYPE_CHECKING:
    from spacy.language import Language

CORE = frozenset({"Method", "Task", "Dataset"})
ROLE_ACCURACY = "role accuracy on matched entities"

#: The bootstrap: papers are drawn with replacement so many times, with this seed.
RESAMPLES = 1000
SEED = 1
#: Resamples that are summed at a time, to bound memory.
_CHUNK = 50
#: The lines that say what is made of given entities; the others would only repeat the annotations.
_GIVEN = ("role", "relation", "result")
#: The components whose work the gold entities take the place of, besides `kg_entities`.
_FINDERS = frozenset({"kg_mentions"})

Span = tuple[int, int]
#: Of each line of the table: how many are in the gold, how many are found, how many of these are right.
Counts = dict[str, tuple[int, int, int]]


def score(
    gold: Mapping[str, Extraction],
    found: Mapping[str, Extraction],
    *,
    details: bool = False,
    intervals: bool = False,
) -> dict[str, Score]:
    """The score of each line of the table; a gold paper that was not found counts as empty.

    `details` adds a line for each role, each relation and what results are tied to, `intervals` the limits between
    which the F1 lies in 95 of 100 samples of as many papers, drawn from these with replacement.
    """
    counts = [  # sorted, so that the samples do not depend on the order of a file
        count(gold[paper], found.get(paper, Extraction(paper=paper)), details=details) for paper in sorted(gold)
    ]
    lines = list(counts[0]) if counts else list(count(Extraction(paper=""), Extraction(paper=""), details=details))
    limits = _limits(counts, lines) if intervals and len(counts) > 1 else {}
    scores = {}
    for line in lines:
        wanted, given, hits = (sum(paper[line][place] for paper in counts) for place in range(3))
        low, high = limits.get(line, (None, None))
        scores[line] = replace(score_of(wanted, given, hits), low=low, high=high)
        if line == ROLE_ACCURACY:
            scores[line] = replace(scores[line], precision=None, recall=None)
    return scores


def count(right: Extraction, said: Extraction, *, details: bool = False) -> Counts:
    """What one paper adds to each line of the table.

    >>> nothing = Extraction(paper="paper:1")
    >>> count(nothing, nothing)["relation, typed"]
    (0, 0, 0)
    """
    counts: Counts = {}
    right_spans, said_spans = mention_owners(right), mention_owners(said)
    a = {(span, kind) for span, (kind, _) in right_spans.items()}
    b = {(span, kind) for span, (kind, _) in said_spans.items()}
    counts["mention strict, 5 types"] = _overlap(a, b)
    for kind in ENTITY_TYPES:
        counts[f"  {kind}"] = _overlap((x for x in a if x[1] == kind), (x for x in b if x[1] == kind))
    counts["mention strict, method/task/dataset"] = _overlap(
        (x for x in a if x[1] in CORE), (x for x in b if x[1] in CORE)
    )
    counts["mention boundary"] = _overlap(right_spans, said_spans)
    right_by_id = {entity.id: entity for entity in right.entities}
    said_by_id = {entity.id: entity for entity in said.entities}
    pairs = pair_entities(right, said)
    hits = {q: h for q, h in pairs.items() if said_by_id[q].type == right_by_id[h].type}
    wanted = {owner for _, owner in right_spans.values()}
    given = {owner for _, owner in said_spans.values()}
    counts["entity, same type and overlapping"] = (len(wanted), len(given), len(hits))
    right_triples = {(r.head, r.predicate, r.tail) for r in right.relations}
    said_triples = paired_triples(said, pairs)
    counts["relation, typed"] = _overlap(right_triples, said_triples)
    if details:
        for relation in ontology.load().of_kind("relation"):
            counts[f"  relation {relation.name}"] = _overlap(
                (triple for triple in right_triples if triple[1] == relation.name),
                (triple for triple in said_triples if triple[1] == relation.name),
            )
    counts["relation, untyped"] = _overlap(((h, t) for h, _, t in right_triples), ((h, t) for h, _, t in said_triples))
    counts["result value"] = _together(
        (result.value.strip() for result in right.results), (result.value.strip() for result in said.results)
    )
    if details:
        for aspect in ASPECTS:
            tied = [(result.value.strip(), getattr(result, aspect)) for result in right.results]
            told = [(result.value.strip(), getattr(result, aspect)) for result in said.results]
            counts[f"  result {aspect}"] = _together(
                (pair for pair in tied if pair[1] is not None),
                ((value, pairs.get(entity, f"?{entity}")) for value, entity in told if entity is not None),
            )
    roles = [(right_by_id[h].role, said_by_id[q].role) for q, h in hits.items()]
    same = Counter(right_role for right_role, said_role in roles if right_role == said_role)
    counts[ROLE_ACCURACY] = (len(roles), len(roles), same.total())
    if details:
        wanted_roles, given_roles = Counter(role for role, _ in roles), Counter(role for _, role in roles)
        for role in ontology.load().of_kind("role"):
            counts[f"  role {role.name}"] = (wanted_roles[role.name], given_roles[role.name], same[role.name])
    return counts


def pair_entities(right: Extraction, said: Extraction) -> dict[str, str]:
    """The gold entity that each found entity is, one to one, greedily by their overlapping mentions."""
    votes: Counter[tuple[str, str]] = Counter()
    right_spans = sorted(mention_owners(right).items())
    said_spans = sorted(mention_owners(said).items())
    first = 0
    for (start, end), (_, owner) in said_spans:
        while first < len(right_spans) and right_spans[first][0][1] <= start:
            first += 1
        for (a, b), (_, own) in right_spans[first:]:
            if a >= end:
                break
            votes[own, owner] += 2 if (a, b) == (start, end) else 1
    right_types = {entity.id: entity.type for entity in right.entities}
    said_types = {entity.id: entity.type for entity in said.entities}
    pairs: dict[str, str] = {}
    taken: set[str] = set()
    for (own, owner), _ in sorted(
        votes.items(), key=lambda vote: (right_types[vote[0][0]] != said_types[vote[0][1]], -vote[1], vote[0])
    ):
        if own not in taken and owner not in pairs:
            pairs[owner] = own
            taken.add(own)
    return pairs


def paired_triples(said: Extraction, pairs: Mapping[str, str]) -> dict[tuple[str, str, str], float]:
    """The found relations between gold entities, each with its best score; an end that has none keeps its id, `?e1`."""
    triples: dict[tuple[str, str, str], float] = {}
    for relation in said.relations:
        head, tail = (pairs.get(end, f"?{end}") for end in (relation.head, relation.tail))
        triple = (head, relation.predicate, tail)
        triples[triple] = max(relation.score, triples.get(triple, 0.0))
    return triples


def mention_owners(extraction: Extraction) -> dict[Span, tuple[str, str]]:
    """The mentions that are scored, each with the type and the id of its entity: of overlapping ones the longest."""
    owner = {
        (mention.start, mention.end): (entity.type, entity.id)
        for entity in extraction.entities
        for mention in entity.mentions
    }
    return {span: owner[span] for span in longest_first(owner)}


def extract_here(nlp: Language, papers: Mapping[str, Paper], gold: Iterable[Extraction]) -> dict[str, Extraction]:
    """What a pipeline finds in the annotated papers."""
    from kg.extract import extract

    return {found.paper: found for found in extract((papers[right.paper] for right in gold), nlp=nlp)}


def extract_given(nlp: Language, papers: Mapping[str, Paper], gold: Iterable[Extraction]) -> dict[str, Extraction]:
    """Extractions whose entities are the gold ones: only roles, relations and results are the pipeline's.

    The entities keep the gold's ids and order.
    """
    from kg.extract.pipeline import to_extraction

    found = {}
    for right in gold:
        named = sorted((e for e in right.entities if e.mentions), key=lambda entity: entity.mentions[0].start)
        doc = nlp.make_doc(papers[right.paper].text)
        for name, component in nlp.pipeline:
            if name == "kg_entities":
                doc._.kg_entities = [
                    {
                        "type": entity.type,
                        "name": entity.name,
                        "score": 1.0,
                        "mentions": [[mention.start, mention.end, 1.0] for mention in entity.mentions],
                    }
                    for entity in named
                ]
            elif name not in _FINDERS:
                doc = component(doc)
        said = to_extraction(doc, right.paper)
        names = {entity.id: own.id for entity, own in zip(said.entities, named, strict=True)}
        found[right.paper] = replace(
            said,
            entities=tuple(replace(entity, id=names[entity.id]) for entity in said.entities),
            relations=tuple(replace(r, head=names[r.head], tail=names[r.tail]) for r in said.relations),
            results=tuple(_renamed(result, names) for result in said.results),
        )
    return found


def check_given(gold: Mapping[str, Extraction], found: Mapping[str, Extraction]) -> None:
    """Refuse extractions whose entities are not those of the gold: same mentions, types and groups."""
    for paper, right in gold.items():
        groups = [
            sorted(
                (entity.type, sorted((m.start, m.end) for m in entity.mentions))
                for entity in extraction.entities
                if entity.mentions
            )
            for extraction in (right, found.get(paper, Extraction(paper=paper)))
        ]
        if groups[0] != groups[1]:
            both = groups[1] + groups[0]
            odd = next((group for group in both if group not in groups[0] or group not in groups[1]), both[0])
            raise KGError(
                f"{paper}: its entities are not those of the gold (first: the {odd[0]} at {odd[1][0][0]} to "
                f"{odd[1][0][1]}); --gold-entities with --pred needs extractions made from the gold's entities, "
                "as --gold-entities --save FILE writes them"
            )


def score_given(
    gold: Mapping[str, Extraction],
    given: Mapping[str, Extraction],
    *,
    details: bool = False,
    intervals: bool = False,
) -> dict[str, Score]:
    """The lines about roles, relations and results of extractions whose entities are the gold's."""
    table = score(gold, given, details=details, intervals=intervals)
    return {
        f"{line.replace(' on matched entities', '')}, gold entities given": found
        for line, found in table.items()
        if line.strip().startswith(_GIVEN)
    }


def measure(
    nlp: Language,
    papers: Mapping[str, Paper],
    gold: Mapping[str, Extraction],
    *,
    details: bool = False,
    intervals: bool = False,
) -> dict[str, Score]:
    """The table of a pipeline on annotated papers, with lines for what it makes of the gold entities."""
    found = score(gold, extract_here(nlp, papers, gold.values()), details=details, intervals=intervals)
    given = score_given(gold, extract_given(nlp, papers, gold.values()), details=details, intervals=intervals)
    return found | given


def _limits(counts: Sequence[Counts], lines: Sequence[str]) -> dict[str, tuple[float, float]]:
    """The 2.5th and 97.5th percentile of each line's F1 over resamples of the papers, in percent.

    A resample in which neither gold nor found has any of a line says nothing about it; a line without any is left out.
    """
    numbers = np.array([[paper[line] for line in lines] for paper in counts], dtype=np.float64)
    papers = len(counts)
    chance = np.random.default_rng(SEED)
    parts = []
    for _ in range(RESAMPLES // _CHUNK):
        drawn = [np.bincount(chance.integers(papers, size=papers), minlength=papers) for _ in range(_CHUNK)]
        parts.append(np.stack(drawn).astype(np.float64) @ numbers.reshape(papers, -1))
    totals = np.concatenate(parts).reshape(-1, len(lines), 3)
    either = totals[..., 0] + totals[..., 1]
    limits = {}
    for place, line in enumerate(lines):
        any_there = either[:, place] > 0
        if any_there.any():
            f1 = 200 * totals[any_there, place, 2] / either[any_there, place]
            low, high = np.percentile(f1, (2.5, 97.5))
            limits[line] = (round(float(low), 2), round(float(high), 2))
    return limits


def _renamed(result: Result, names: Mapping[str, str]) -> Result:
    """A result with other ids of what it is tied to."""

    def name(entity: str | None) -> str | None:
        return None if entity is None else names[entity]

    return replace(
        result,
        method=name(result.method),
        task=name(result.task),
        dataset=name(result.dataset),
        metric=name(result.metric),
    )


def _overlap(a: Iterable[object], b: Iterable[object]) -> tuple[int, int, int]:
    wanted, given = set(a), set(b)
    return len(wanted), len(given), len(wanted & given)


def _together(a: Iterable[object], b: Iterable[object]) -> tuple[int, int, int]:
    """As `_overlap`, where what is there twice counts twice."""
    wanted, given = Counter(a), Counter(b)
    return wanted.total(), given.total(), (wanted & given).total()


def score_of(wanted: int, given: int, hits: int) -> Score:
    """The score of so many in the gold, so many found, so many of these right.

    >>> score_of(4, 2, 1)
    Score(precision=50.0, recall=25.0, f1=33.33, number=4, low=None, high=None)
    """
    precision = hits / given if given else 0.0
    recall = hits / wanted if wanted else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Score(round(100 * precision, 2), round(100 * recall, 2), round(100 * f1, 2), wanted)


@dataclass(frozen=True)
class Score:
    """Precision, recall and F1 in percent, and how many there are in the gold; an accuracy has only `f1`.

    `low` and `high` are the limits of the F1's 95 % interval, where they were asked for.
    """

    precision: float | None
    recall: float | None
    f1: float
    number: int
    low: float | None = None
    high: float | None = None
