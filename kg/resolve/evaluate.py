"""How well resolution finds what is one thing: B-cubed and pairwise precision, recall and F1 over a corpus.

>>> score({1: "a", 2: "a", 3: "b"}, {1: "x", 2: "x", 3: "x"}).pairwise.precision
0.3333333333333333
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace

from kg.model import Extraction


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
