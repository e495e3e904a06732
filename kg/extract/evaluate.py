"""Scores extractions against gold annotations: mentions, entities, roles, relations, results.

>>> from kg.model import ExtractedEntity, Mention
>>> def said(*spans):
...     named = [ExtractedEntity(id=f"e{a}", type="Method", name="x", role="uses",
...                              mentions=(Mention(start=a, end=b, type="Method"),)) for a, b in spans]
...     return {"paper:1": Extraction(paper="paper:1", entities=tuple(named))}
>>> scores = score(said((0, 4), (8, 12)), said((0, 4)))
>>> scores["mention strict, 5 types"]
Score(precision=100.0, recall=50.0, f1=66.67, number=2)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kg.extract.annotations import longest_first
from kg.model import ENTITY_TYPES, Extraction, Paper

if TYPE_CHECKING:
    from spacy.language import Language

CORE = frozenset({"Method", "Task", "Dataset"})

Span = tuple[int, int]


def score(gold: Mapping[str, Extraction], found: Mapping[str, Extraction]) -> dict[str, Score]:
    """The score of each line of the table; a gold paper that was not found counts as empty."""
    counts: dict[str, list[int]] = {}
    roles = [0, 0]

    def add(line: str, wanted: int, given: int, hits: int) -> None:
        total = counts.setdefault(line, [0, 0, 0])
        for place, number in enumerate((wanted, given, hits)):
            total[place] += number

    for paper, right in gold.items():
        said = found.get(paper, Extraction(paper=paper))
        right_spans, said_spans = _mentions(right), _mentions(said)
        a = {(span, kind) for span, (kind, _) in right_spans.items()}
        b = {(span, kind) for span, (kind, _) in said_spans.items()}
        add("mention strict, 5 types", len(a), len(b), len(a & b))
        for kind in ENTITY_TYPES:
            add(f"  {kind}", *_overlap((x for x in a if x[1] == kind), (x for x in b if x[1] == kind)))
        add(
            "mention strict, method/task/dataset",
            *_overlap((x for x in a if x[1] in CORE), (x for x in b if x[1] in CORE)),
        )
        add("mention boundary", *_overlap(right_spans, said_spans))
        right_by_id = {entity.id: entity for entity in right.entities}
        said_by_id = {entity.id: entity for entity in said.entities}
        pairs = pair_entities(right, said)
        hits = {q: h for q, h in pairs.items() if said_by_id[q].type == right_by_id[h].type}
        wanted = {owner for _, owner in right_spans.values()}
        given = {owner for _, owner in said_spans.values()}
        add("entity, same type and overlapping", len(wanted), len(given), len(hits))
        roles[0] += sum(said_by_id[q].role == right_by_id[h].role for q, h in hits.items())
        roles[1] += len(hits)
        right_triples = {(r.head, r.predicate, r.tail) for r in right.relations}
        said_triples = {
            (pairs.get(r.head, f"?{r.head}"), r.predicate, pairs.get(r.tail, f"?{r.tail}")) for r in said.relations
        }
        add("relation, typed", *_overlap(right_triples, said_triples))
        add("relation, untyped", *_overlap({(h, t) for h, _, t in right_triples}, {(h, t) for h, _, t in said_triples}))
        right_values = Counter(result.value.strip() for result in right.results)
        said_values = Counter(result.value.strip() for result in said.results)
        add("result value", right_values.total(), said_values.total(), (right_values & said_values).total())
    scores = {line: _score(*numbers) for line, numbers in counts.items()}
    accuracy = round(100 * roles[0] / roles[1], 2) if roles[1] else 0.0
    scores["role accuracy on matched entities"] = Score(None, None, accuracy, roles[1])
    return scores


def pair_entities(right: Extraction, said: Extraction) -> dict[str, str]:
    """The gold entity that each found entity is, one to one, greedily by their overlapping mentions."""
    votes: Counter[tuple[str, str]] = Counter()
    right_spans = sorted(_mentions(right).items())
    said_spans = sorted(_mentions(said).items())
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


def extract_given(nlp: Language, papers: Mapping[str, Paper], gold: Iterable[Extraction]) -> dict[str, Extraction]:
    """Extractions whose entities are the gold ones: only roles, relations and results are the pipeline's.

    The entities keep the gold's ids and order.
    """
    from kg.extract.pipeline import to_extraction

    found = {}
    components = [component for name, component in nlp.pipeline if name in ("kg_roles", "kg_relations", "kg_results")]
    for right in gold:
        doc = nlp.make_doc(papers[right.paper].text)
        named = sorted((e for e in right.entities if e.mentions), key=lambda entity: entity.mentions[0].start)
        doc._.kg_entities = [
            {
                "type": entity.type,
                "name": entity.name,
                "score": 1.0,
                "mentions": [[mention.start, mention.end, 1.0] for mention in entity.mentions],
            }
            for entity in named
        ]
        for component in components:
            doc = component(doc)
        said = to_extraction(doc, right.paper)
        names = {entity.id: own.id for entity, own in zip(said.entities, named, strict=True)}
        found[right.paper] = replace(
            said,
            entities=tuple(replace(entity, id=names[entity.id]) for entity in said.entities),
            relations=tuple(replace(r, head=names[r.head], tail=names[r.tail]) for r in said.relations),
        )
    return found


def measure(nlp: Language, papers: Mapping[str, Paper], gold: Mapping[str, Extraction]) -> dict[str, Score]:
    """The table of a pipeline on annotated papers, with lines for what it makes of the gold entities."""
    from kg.extract.pipeline import make_doc, to_extraction

    found = {paper: to_extraction(make_doc(nlp, papers[paper].text), paper) for paper in gold}
    table = score(gold, found)
    given = score(gold, extract_given(nlp, papers, gold.values()))
    for line in ("role accuracy on matched entities", "relation, typed", "relation, untyped", "result value"):
        table[f"{line}, gold entities given".replace(" on matched entities", "")] = given[line]
    return table


def _mentions(extraction: Extraction) -> dict[Span, tuple[str, str]]:
    owner = {
        (mention.start, mention.end): (entity.type, entity.id)
        for entity in extraction.entities
        for mention in entity.mentions
    }
    return {span: owner[span] for span in longest_first(owner)}


def _overlap(a: Iterable[object], b: Iterable[object]) -> tuple[int, int, int]:
    wanted, given = set(a), set(b)
    return len(wanted), len(given), len(wanted & given)


def _score(wanted: int, given: int, hits: int) -> Score:
    precision = hits / given if given else 0.0
    recall = hits / wanted if wanted else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Score(round(100 * precision, 2), round(100 * recall, 2), round(100 * f1, 2), wanted)


@dataclass(frozen=True)
class Score:
    """Precision, recall and F1 in percent, and how many there are in the gold; an accuracy has only `f1`."""

    precision: float | None
    recall: float | None
    f1: float
    number: int
