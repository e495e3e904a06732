"""How well resolution finds what is one thing: B-cubed and pairwise precision, recall and F1 over a corpus.

>>> score({1: "a", 2: "a", 3: "b"}, {1: "x", 2: "x", 3: "x"}).pairwise.precision
0.3333333333333333
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kg.extract.evaluate import pair_entities
from kg.model import Extraction, KGError, Paper, digest
from kg.resolve.gather import count, gather
from kg.resolve.resolver import Resolver
from kg.resolve.vocabulary import Vocabulary


@dataclass(frozen=True)
class Quality:
    """Precision and recall, and their harmonic mean."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True)
class Score:
    """The figures of one comparison; `items` counts what was compared."""

    bcubed: Quality
    pairwise: Quality
    items: int


@dataclass(frozen=True)
class NodesFound:
    """Of the gold nodes of two or more papers (`several`), how many were found.

    - extracted: in two or more papers
    - one: these pairs lead to one node, no pair leads elsewhere, and most of that node's pairs are of this gold node
    - mostly: more than half of the papers that the annotations name lead to one node, most of whose pairs are its own
    """

    one: int
    mostly: int
    extracted: int
    several: int


def blinded(extraction: Extraction, text: str) -> Extraction:
    """An annotated extraction whose entities are called what the text says first, not by their canonical names.

    The `name` of gold entities is the canonical one, which would give the answer away.
    """
    entities = []
    for entity in extraction.entities:
        first = min(entity.mentions, key=lambda mention: mention.start, default=None)
        entities.append(entity if first is None else replace(entity, name=text[first.start : first.end]))
    return replace(extraction, entities=tuple(entities))


def score(gold: Mapping[Hashable, str], found: Mapping[Hashable, str]) -> Score:
    """Compare two ways to cluster the items of `gold`; an item that `found` lacks is alone there.

    B-cubed: for each item the share of its found cluster that is rightly there, and of its gold cluster that is found,
    averaged over items. Pairwise: over pairs of items; without any pair, precision and recall are 1.
    """
    clusters = {item: ("found", found[item]) if item in found else ("alone", item) for item in gold}
    of_gold, of_found = Counter(gold.values()), Counter(clusters.values())
    together = Counter((gold[item], clusters[item]) for item in gold)
    precision = recall = 0.0
    for (wanted, got), both in together.items():
        precision += both * both / of_found[got]
        recall += both * both / of_gold[wanted]
    right, possible, made = (sum(n * (n - 1) // 2 for n in c.values()) for c in (together, of_gold, of_found))
    return Score(
        Quality(precision / len(gold), recall / len(gold)) if gold else Quality(1.0, 1.0),
        Quality(right / made if made else 1.0, right / possible if possible else 1.0),
        len(gold),
    )


def measure(
    papers: Mapping[str, Paper],
    gold: Sequence[Extraction],
    resolver: Resolver,
    *,
    found: Sequence[Extraction] | None = None,
) -> dict[str, tuple[float, float, float, int]]:
    """The figures of one corpus: line -> precision, recall, F1 (0 to 1), and how many were compared.

    Gold entities are resolved under their first surface. With `found`, extractions of the same papers, a line is added
    for the gold nodes of two or more papers that are one node there.
    """
    wanted: dict[Hashable, str] = {
        (extraction.paper, entity.id): entity.canonical
        for extraction in gold
        for entity in extraction.entities
        if entity.canonical is not None
    }
    if not wanted:
        raise KGError("no entity of the annotations says what it is (`canonical`): resolution cannot be scored")
    assigned = resolver.resolve(papers, [blinded(extraction, papers[extraction.paper].text) for extraction in gold])
    compared = score(wanted, dict(assigned.assignments))
    known = [item for item, node in wanted.items() if node in resolver.vocabulary.concepts]
    linked = sum(assigned.assignments.get(item) == wanted[item] for item in known)  # type: ignore[call-overload]
    share = linked / len(known) if known else 1.0
    table = {
        "resolution B-cubed": (*_three(compared.bcubed), compared.items),
        "resolution pairwise": (*_three(compared.pairwise), compared.items),
        "linking accuracy": (share, share, share, len(known)),
    }
    if found is not None:
        nodes = nodes_found(gold, found, resolver.resolve(papers, found).assignments)
        for line, right, number in (
            ("nodes of 2+ papers found as one", nodes.one, nodes.several),
            ("  of those extracted in 2+ papers", nodes.one, nodes.extracted),
            ("found as one in most of their papers", nodes.mostly, nodes.several),
            ("  of those extracted in 2+ papers", nodes.mostly, nodes.extracted),
        ):
            share = right / number if number else 1.0
            table[line if line not in table else f" {line}"] = (share, share, share, number)
    return table


def nodes_found(
    gold: Iterable[Extraction], found: Iterable[Extraction], assigned: Mapping[tuple[str, str], str]
) -> NodesFound:
    """How many gold nodes of two or more papers are one node; entities are paired as `kg eval` does."""
    by_paper = {extraction.paper: extraction for extraction in found}
    papers: dict[str, set[str]] = {}
    nodes: dict[str, set[tuple[str, str]]] = {}
    holds: dict[str, Counter[str]] = {}
    for extraction in gold:
        canonical = {entity.id: entity.canonical for entity in extraction.entities if entity.canonical}
        for name in canonical.values():
            papers.setdefault(name, set()).add(extraction.paper)
        said = by_paper.get(extraction.paper)
        for pair, right in (pair_entities(extraction, said) if said else {}).items():
            node = assigned.get((extraction.paper, pair))
            if right in canonical and node is not None:
                nodes.setdefault(canonical[right], set()).add((extraction.paper, node))
                holds.setdefault(node, Counter())[canonical[right]] += 1
    one = mostly = extracted = 0
    several = [name for name in papers if len(papers[name]) > 1]
    for name in several:
        pairs = nodes.get(name, set())
        if len({paper for paper, _ in pairs}) < 2:
            continue
        extracted += 1
        leads = Counter(node for _, node in pairs)
        node, most = min(leads.items(), key=lambda item: (-item[1], item[0]))
        own = 2 * holds[node][name] > holds[node].total()
        one += own and len(leads) == 1
        mostly += own and 2 * most > len(papers[name])
    return NodesFound(one, mostly, extracted, len(several))


def cross_validated(
    papers: Mapping[str, Paper], gold: Sequence[Extraction], *, folds: int
) -> dict[str, tuple[float, float, float, int]]:
    """The mean of `measure` over parts of the corpus, each with a vocabulary made from the other parts alone."""
    part_of = {extraction.paper: int(digest(extraction.paper)[:8], 16) % folds for extraction in gold}
    tables = []
    for part in range(folds):
        held_out = [extraction for extraction in gold if part_of[extraction.paper] == part]
        others = [extraction for extraction in gold if part_of[extraction.paper] != part]
        if held_out:
            tables.append(measure(papers, held_out, Resolver(Vocabulary.of(gather(count(papers, others))))))
    return {
        line: (
            *(sum(table[line][column] for table in tables) / len(tables) for column in range(3)),  # type: ignore[misc]
            sum(table[line][3] for table in tables),
        )
        for line in tables[0]
    }


def _three(quality: Quality) -> tuple[float, float, float]:
    return quality.precision, quality.recall, quality.f1
