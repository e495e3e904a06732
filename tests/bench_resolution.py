"""Resolution compared with other ways: `python -m tests.bench_resolution PAPERS GOLD [--folds N] [--parts N]`.

Gold entities are given, called by their first surface. The papers are cut into N parts; each part is resolved alone,
with what was learned from the other parts (vocabulary, aliases). Means over the parts. Each way runs in a process of
its own, which is how its memory is known; the memory holds the papers and the annotations, too. With `--samples` a
part is a random sample made like the papers that others hold back: 92 of the example page, 60 others.

`--graphrag PYTHON` compares with the fuzzy resolver of neo4j-graphrag, run on a Neo4j that is started for it (an
environment with neo4j-graphrag and rapidfuzz); `--embeddings PYTHON ENCODER` with clusters of vectors that a small
encoder gives the names (an environment with torch and transformers). The threshold of those is chosen on as many
other parts as are scored.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kg.extract.annotations import read_extractions, read_texts
from kg.model import Extraction, Paper, digest
from kg.resolve import Resolver, Vocabulary
from kg.resolve.evaluate import blinded, score
from kg.resolve.forms import key
from kg.resolve.gather import count, extended, gather
from kg.resolve.vocabulary import read_concepts

Papers = dict[str, Paper]
Clusters = dict[tuple[str, str], str]
ADDITIONS = Path(__file__).parents[1] / "ontology" / "additions.jsonl"
APOC = ("org.neo4j.procedure:apoc-core:5.26.12", "org.neo4j.procedure:apoc-common:5.26.12")
#: Papers of the example page and others in a sample.
FROM_THE_PAGE, OTHERS = 92, 60
#: Cosines that are tried as the threshold of embeddings.
COSINES = (0.7, 0.75, 0.8, 0.84, 0.87, 0.9, 0.92, 0.94, 0.96, 0.98)


@dataclass
class Cost:
    """What other processes cost: seconds of a core, and megabytes."""

    seconds: float = 0.0
    megabytes: int = 0


@dataclass
class Setting:
    """A part to be resolved (its names as papers have them), and all other parts with their annotations."""

    papers: Papers
    part: Sequence[Extraction]
    others: Sequence[Extraction]
    cost: Cost


def by_name(it: Setting) -> Clusters:
    return {(x.paper, e.id): f"{e.type}:{e.name.lower()}" for x in it.part for e in x.entities}


def by_form(it: Setting) -> Clusters:
    return {(x.paper, e.id): f"{e.type}:{key(e.name)}" for x in it.part for e in x.entities}


def by_alias(it: Setting) -> Clusters:
    """The concept that other papers mean most often by the normal form of the name."""
    uses: dict[tuple[str, str], Counter[str]] = {}
    for named in count(it.papers, it.others):
        for name, times in named.names.items():
            uses.setdefault((named.type, key(name)), Counter())[named.id] += times
    best = {label: min(ids, key=lambda i: (-ids[i], i)) for label, ids in uses.items()}
    return {
        (x.paper, e.id): best.get((e.type, key(e.name)), f"{e.type}:{key(e.name)}") for x in it.part for e in x.entities
    }


def by_kg_without_vocabulary(it: Setting) -> Clusters:
    return dict(Resolver(Vocabulary.of(())).resolve(it.papers, it.part).assignments)


def by_kg(it: Setting) -> Clusters:
    vocabulary = Vocabulary.of(gather(count(it.papers, it.others)))
    return dict(Resolver(vocabulary).resolve(it.papers, it.part).assignments)


def by_kg_with_additions(it: Setting) -> Clusters:
    concepts = extended(gather(count(it.papers, it.others)), read_concepts(ADDITIONS))
    return dict(Resolver(Vocabulary.of(concepts)).resolve(it.papers, it.part).assignments)


WAYS: dict[str, Callable[[Setting], Clusters]] = {
    "exact name, lower case": by_name,
    "normal form": by_form,
    "normal form, most frequent alias": by_alias,
    "kg without a vocabulary": by_kg_without_vocabulary,
    "kg": by_kg,
    "kg with the additions by hand": by_kg_with_additions,
}
GRAPHRAG, EMBEDDINGS = "fuzzy resolver of neo4j-graphrag", "embeddings, average linkage"


@contextlib.contextmanager
def graphrag(python: str) -> Iterator[Callable[[Setting], Clusters]]:
    """The way of neo4j-graphrag, with a server that runs as long as it is needed."""
    from tests import java_servers

    with tempfile.TemporaryDirectory(prefix="kg-bench-neo4j-") as folder:
        (Path(folder) / "plugins").mkdir()
        for jar in {jar.name: jar for artifact in APOC for jar in java_servers.jars(artifact).iterdir()}.values():
            (Path(folder) / "plugins" / jar.name).symlink_to(jar)
        with java_servers.neo4j("5.26", Path(folder)) as server:
            program = [python, str(Path(__file__).with_name("bench_graphrag.py"))]
            with _asking([*program, f"bolt://127.0.0.1:{server.port}", server.password]) as ask:

                def way(it: Setting) -> Clusters:
                    places = [(x.paper, e) for x in it.part for e in x.entities]
                    rows = [{"place": place, "label": e.type, "name": e.name} for place, (_, e) in enumerate(places)]
                    before = _of_process(folder)
                    answer = ask(rows)
                    after = _of_process(folder)
                    it.cost.seconds += answer["seconds"] + after.seconds - before.seconds
                    it.cost.megabytes = answer["megabytes"] + after.megabytes
                    return {
                        (paper, e.id): str(answer["clusters"][str(place)]) for place, (paper, e) in enumerate(places)
                    }

                yield way


def _of_process(mark: str) -> Cost:
    """What the process that has `mark` in its command line cost so far (Linux)."""
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if folder.name.isdigit() and f"--home-dir={mark}" in (folder / "cmdline").read_text().split("\0"):
                ticks = sum(map(int, (folder / "stat").read_text().rpartition(")")[2].split()[11:13]))
                peak = next(line for line in (folder / "status").read_text().splitlines() if line.startswith("VmHWM"))
                return Cost(ticks / os.sysconf("SC_CLK_TCK"), int(peak.split()[1]) // 1024)
    raise SystemExit(f"no process has {mark} in its command line")


@contextlib.contextmanager
def embeddings(python: str, encoder: str) -> Iterator[Callable[[Setting, float], Clusters]]:
    """Names with their vectors, clustered by average linkage down to a cosine, type by type."""
    made: dict[str, np.ndarray] = {}
    with _asking([python, str(Path(__file__).with_name("bench_embeddings.py")), encoder]) as ask:

        def way(it: Setting, least: float) -> Clusters:
            names = sorted({e.name for x in it.part for e in x.entities} - made.keys())
            if names:
                answer = ask(names)
                vectors = np.frombuffer(base64.b64decode(answer["vectors"]), np.float16).reshape(-1, answer["width"])
                made.update(zip(names, vectors.astype(np.float32), strict=True))
                it.cost.seconds += answer["seconds"]
                it.cost.megabytes = answer["megabytes"]
            found: Clusters = {}
            for entity_type in sorted({e.type for x in it.part for e in x.entities}):
                own = sorted({e.name for x in it.part for e in x.entities if e.type == entity_type})
                cluster = dict(zip(own, _average_linkage(np.stack([made[name] for name in own]), least), strict=True))
                for x in it.part:
                    for e in x.entities:
                        if e.type == entity_type:
                            found[x.paper, e.id] = f"{entity_type}:{cluster[e.name]}"
            return found

        yield way


def _average_linkage(vectors: np.ndarray, least: float) -> list[int]:
    """The cluster of each vector: the two clusters with the highest mean cosine are joined, while it is at least so.

    The mean cosine of two clusters of unit vectors is that of their sums over the product of their sizes.
    """
    sums, sizes = vectors.astype(np.float64), np.ones(len(vectors))
    alike = sums @ sums.T
    np.fill_diagonal(alike, -np.inf)
    cluster = list(range(len(vectors)))
    best = alike.argmax(1)
    while True:
        one = int(alike[np.arange(len(best)), best].argmax())
        other = int(best[one])
        if alike[one, other] < least:
            return cluster
        sums[one] += sums[other]
        sizes[one] += sizes[other]
        alike[other] = alike[:, other] = -np.inf
        row = np.where(np.isneginf(alike[one]), -np.inf, sums @ sums[one] / (sizes * sizes[one]))
        row[one] = row[other] = -np.inf
        alike[one] = alike[:, one] = row
        cluster = [one if owner == other else owner for owner in cluster]
        stale = np.flatnonzero((best == one) | (best == other))
        best[stale] = alike[stale].argmax(1)
        best[one] = alike[one].argmax()
        closer = alike[:, one] > alike[np.arange(len(best)), best]
        best[closer] = one


@contextlib.contextmanager
def _asking(command: list[str]) -> Iterator[Callable[[object], dict]]:
    """A process that answers each line of JSON by one."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(question: object) -> dict:
            print(json.dumps(question), file=process.stdin, flush=True)
            answer = process.stdout.readline()
            if not answer:
                raise SystemExit(f"{command[1]} ended")
            return dict(json.loads(answer))

        yield ask
        process.stdin.close()


def parts(options: argparse.Namespace, numbers: Sequence[int]) -> Iterator[tuple[Setting, dict[tuple[str, str], str]]]:
    """The parts with these numbers, and what the annotations say."""
    papers = read_texts(options.papers)
    gold = list(read_extractions(options.gold, papers))
    blind = {x.paper: blinded(x, papers[x.paper].text) for x in gold}
    for number in numbers:
        chosen = _sample(gold, number) if options.samples else _fold(gold, number, options.folds)
        part = [x for x in gold if x.paper in chosen]
        others = [x for x in gold if x.paper not in chosen]
        wanted = {(x.paper, e.id): e.canonical for x in part for e in x.entities if e.canonical}
        yield Setting(papers, [blind[x.paper] for x in part], others, Cost()), wanted


def _fold(gold: Sequence[Extraction], number: int, folds: int) -> set[str]:
    return {x.paper for x in gold if int(digest(x.paper)[:8], 16) % folds == number}


def _sample(gold: Sequence[Extraction], number: int) -> set[str]:
    of_the_page = [x.paper for x in gold if x.paper.startswith("paper:seed-")]
    others = [x.paper for x in gold if not x.paper.startswith("paper:seed-")]
    rng = random.Random(number)
    return {*rng.sample(of_the_page, FROM_THE_PAGE), *rng.sample(others, OTHERS)}


def measure(options: argparse.Namespace, name: str) -> str:
    """A row of the table."""
    scored = range(options.samples or options.parts or options.folds)
    figures, seconds, elsewhere = [], 0.0, 0
    with contextlib.ExitStack() as stack:
        if name == GRAPHRAG:
            way = stack.enter_context(graphrag(options.graphrag))
        elif name == EMBEDDINGS:
            near = stack.enter_context(embeddings(*options.embeddings))
            number = options.samples or options.parts or 0
            others = range(number, 2 * number) or scored
            tuning = list(parts(options, others))
            totals = {
                least: sum(score(wanted, near(it, least)).pairwise.f1 for it, wanted in tuning) for least in COSINES
            }
            chosen = max(COSINES, key=lambda least: totals[least])
            name = f"{name} (cosine {chosen})"

            def way(it: Setting) -> Clusters:
                return near(it, chosen)
        else:
            way = WAYS[name]
        for it, wanted in parts(options, scored):
            began = time.process_time()
            found = way(it)
            seconds += time.process_time() - began + it.cost.seconds
            elsewhere = max(elsewhere, it.cost.megabytes)
            result = score(wanted, found)
            b, p = result.bcubed, result.pairwise
            figures.append((b.precision, b.recall, b.f1, p.precision, p.recall, p.f1))
    shown = " | ".join(f"{100 * sum(column) / len(figures):.1f}" for column in zip(*figures, strict=True))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return f"| {name} | {shown} | {seconds / len(figures):.2f} | {own + elsewhere:,} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("papers")
    parser.add_argument("gold")
    parser.add_argument("--folds", type=int, default=28, help="into so many parts the papers are cut")
    parser.add_argument("--parts", type=int, help="score so many of them (default: all)")
    parser.add_argument("--samples", type=int, help="instead of parts so many samples like the papers held back")
    parser.add_argument("--graphrag", metavar="PYTHON", help="a Python with neo4j-graphrag and rapidfuzz")
    parser.add_argument("--embeddings", nargs=2, metavar=("PYTHON", "ENCODER"), help="a Python with torch, an encoder")
    parser.add_argument("--way", help="only this one, in this process")
    options = parser.parse_args()
    if options.way:
        print(measure(options, options.way), flush=True)
        return
    print("| way | B-cubed P | R | F1 | pairwise P | R | F1 | seconds | MB |\n|---|---|---|---|---|---|---|---|---|")
    names = [*WAYS]
    names[1:1] = [GRAPHRAG] if options.graphrag else []
    names[-3:-3] = [EMBEDDINGS] if options.embeddings else []
    for name in names:
        again = [sys.executable, "-m", "tests.bench_resolution", *sys.argv[1:], "--way", name]
        subprocess.run(again, check=True)


if __name__ == "__main__":
    main()
