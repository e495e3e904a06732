"""Resolution compared with simpler ways: `python -m tests.bench_resolution PAPERS GOLD [--folds N]`.

Gold entities are given, called by their first surface. The papers are cut into N parts; each part is resolved alone,
with what was learned from the other parts (vocabulary, aliases). Means over the parts.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from rapidfuzz import fuzz, process

from kg.extract.annotations import read_extractions, read_texts
from kg.model import Extraction, Paper, digest
from kg.resolve import Resolver, Vocabulary
from kg.resolve.evaluate import blinded, score
from kg.resolve.forms import key
from kg.resolve.gather import count, gather

Papers = dict[str, Paper]
Clusters = dict[tuple[str, str], str]
#: The threshold of neo4j-graphrag's fuzzy resolver, which compares names by `rapidfuzz.fuzz.WRatio`.
FUZZY = 80


def by_name(_papers: Papers, part: Sequence[Extraction], _others: Sequence[Extraction]) -> Clusters:
    return {(x.paper, e.id): f"{e.type}:{e.name.lower()}" for x in part for e in x.entities}


def by_form(_papers: Papers, part: Sequence[Extraction], _others: Sequence[Extraction]) -> Clusters:
    return {(x.paper, e.id): f"{e.type}:{key(e.name)}" for x in part for e in x.entities}


def by_alias(papers: Papers, part: Sequence[Extraction], others: Sequence[Extraction]) -> Clusters:
    """The concept that other papers mean most often by the normal form of the name."""
    uses: dict[tuple[str, str], Counter[str]] = {}
    for named in count(papers, others):
        for name, times in named.names.items():
            uses.setdefault((named.type, key(name)), Counter())[named.id] += times
    best = {label: min(ids, key=lambda i: (-ids[i], i)) for label, ids in uses.items()}
    return {
        (x.paper, e.id): best.get((e.type, key(e.name)), f"{e.type}:{key(e.name)}") for x in part for e in x.entities
    }


def by_fuzzy_name(_papers: Papers, part: Sequence[Extraction], _others: Sequence[Extraction]) -> Clusters:
    """Connected components of names that are alike by more than the threshold, type by type."""
    found: Clusters = {}
    for entity_type in sorted({e.type for x in part for e in x.entities}):
        names = sorted({e.name for x in part for e in x.entities if e.type == entity_type})
        alike = process.cdist(names, names, scorer=fuzz.WRatio, score_cutoff=FUZZY, dtype=np.uint8) > FUZZY
        label = list(range(len(names)))
        for one in range(len(names)):
            for other in np.flatnonzero(alike[one]):
                low, high = sorted((label[one], label[other]))
                if low != high:
                    label = [low if x == high else x for x in label]
        where = dict(zip(names, label, strict=True))
        for x in part:
            for e in x.entities:
                if e.type == entity_type:
                    found[x.paper, e.id] = f"{entity_type}:{where[e.name]}"
    return found


def by_kg_without_vocabulary(papers: Papers, part: Sequence[Extraction], _others: Sequence[Extraction]) -> Clusters:
    return dict(Resolver(Vocabulary.of(())).resolve(papers, part).assignments)


def by_kg(papers: Papers, part: Sequence[Extraction], others: Sequence[Extraction]) -> Clusters:
    return dict(Resolver(Vocabulary.of(gather(count(papers, others)))).resolve(papers, part).assignments)


WAYS: dict[str, Callable[[Papers, Sequence[Extraction], Sequence[Extraction]], Clusters]] = {
    "lower-cased name": by_name,
    "fuzzy name (WRatio > 80)": by_fuzzy_name,
    "normal form": by_form,
    "normal form, most frequent alias": by_alias,
    "kg without a vocabulary": by_kg_without_vocabulary,
    "kg": by_kg,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("papers")
    parser.add_argument("gold")
    parser.add_argument("--folds", type=int, default=28)
    options = parser.parse_args()
    papers = read_texts(options.papers)
    gold = list(read_extractions(options.gold, papers))
    blind = {x.paper: blinded(x, papers[x.paper].text) for x in gold}
    fold = {x.paper: int(digest(x.paper)[:8], 16) % options.folds for x in gold}
    print("| way | B-cubed P | R | F1 | pairwise P | R | F1 | seconds |\n|---|---|---|---|---|---|---|---|")
    for name, way in WAYS.items():
        figures = []
        began = time.process_time()
        for number in range(options.folds):
            part = [x for x in gold if fold[x.paper] == number]
            others = [x for x in gold if fold[x.paper] != number]
            wanted = {(x.paper, e.id): e.canonical for x in part for e in x.entities if e.canonical}
            found = score(wanted, way(papers, [blind[x.paper] for x in part], others))
            b, p = found.bcubed, found.pairwise
            figures.append((b.precision, b.recall, b.f1, p.precision, p.recall, p.f1))
        seconds = (time.process_time() - began) / options.folds
        shown = " | ".join(f"{100 * sum(column) / len(figures):.1f}" for column in zip(*figures, strict=True))
        print(f"| {name} | {shown} | {seconds:.2f} |", flush=True)
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main()
