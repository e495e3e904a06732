"""`make bench`: the figures that people quote, measured here, kept in BENCHMARKS.md with the command and the machine.

`python -m tests.bench` measures all, `python -m tests.bench start speed` only what is named. Each measurement renews
its own section of BENCHMARKS.md, between the two comment lines that bear its name; the words around them stay.
What needs the folder ../shared (annotated papers, real abstracts) says so where it is missing.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
BENCHMARKS = ROOT / "BENCHMARKS.md"
PAGE = ROOT / "kg" / "data" / "trending-papers.txt"
ABSTRACTS = SHARED / "corpus" / "conferences.parquet"


def kg(*words: str | Path) -> tuple[float, float, str]:
    """Run a kg command: (seconds, peak memory in MB of it and its children, standard output)."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen([sys.executable, "-m", "kg", *map(str, words)], stdout=output, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        output.seek(0)
        if status != 0:
            raise SystemExit(f"kg {' '.join(map(str, words))} failed")
        return seconds, usage.ru_maxrss / 1024, output.read()


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def sample(count: int, folder: Path) -> Path:
    """The first `count` abstracts of the conference corpus, in our own JSON Lines."""
    import pyarrow.parquet as pq

    path = folder / f"{count}.jsonl"
    rows = pq.read_table(ABSTRACTS, columns=["id", "title", "abstract"]).slice(0, count).to_pylist()
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def measure_quality() -> str:
    """F1 on annotated papers that the shipped model was not trained on, and what its confidences are worth."""
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.jsonl"
        for title, papers, gold in held_out(Path(folder)):
            parts.append(f"**{title}**")
            for options in (("--save", found), ("--pred", found, "--calibration"), ("--pred", found, "--thresholds")):
                words = " ".join(option.name if isinstance(option, Path) else option for option in options)
                said = kg("eval", papers, gold, *options)[2].rstrip()
                parts.append(f"`kg eval {papers.name} {gold.name} {words}`\n\n```\n{said}\n```")
    return "\n\n".join(parts)


def measure_evidence() -> str:
    """Evidence, denial and supposition on the marked relations; what results are about, on papers held out."""
    from kg.extract import aspects
    from kg.sentences import sentences
    from tests.test_evidence import figures

    halves = {name: figures(half) for name, half in (("half a", "a"), ("half b", "b"), ("both", "ab"))}
    rows = [(line, *(f"{made[line]:.1f}" for made in halves.values())) for line in halves["both"]]
    parts = [table(("percent", *halves), rows)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        said, texts = folder / "said.jsonl", folder / "texts.jsonl"
        kg("extract", PAGE, "-o", said, "--papers", texts)
        papers = {row["id"]: row for row in map(json.loads, texts.read_text("utf-8").splitlines())}
        counts: dict[str, int] = {}
        for extraction in map(json.loads, said.read_text("utf-8").splitlines()):
            paper = papers[extraction["id"]]
            borders = sentences(f"{paper['title']}\n{paper['abstract'] or ''}")
            for relation in extraction["relations"]:
                held = sum(a < relation["end"] and relation["start"] < b for a, b in borders)
                name = "1 sentence" if held == 1 else "2" if held == 2 else "3 to 5" if held < 6 else "more"
                counts[name] = counts.get(name, 0) + 1
        names = ("1 sentence", "2", "3 to 5", "more")
        shares = [f"{100 * counts.get(name, 0) / sum(counts.values()):.1f}" for name in names]
        parts += ["Evidence of the relations found in the example page, percent by length:", table(names, [shares])]
        gold = held_out(folder)[1]
        kept: dict[str, list[aspects.Choice]] = {}
        for kind, row in aspects.choices_of(aspects.read(gold[1], gold[2])):
            kept.setdefault(kind, []).append(row)
        weights = aspects.weights()
        shares = [f"{aspects.right(weights[kind], kept[kind]):.1f}" for kind in aspects.KINDS]
        parts += [f"What results are about, right in percent ({gold[0]}, {len(kept['Method'])} results):"]
        parts += [table([kind.lower() for kind in aspects.KINDS], [shares])]
    return "\n\n".join(parts)


def held_out(folder: Path) -> list[tuple[str, Path, Path]]:
    """(title, papers, gold) of dev, and of the twentieth of train that training leaves out."""
    from kg.extract.train import held_out as is_held_out

    gold = SHARED / "gold"
    made = []
    for kind in ("papers", "gold"):
        path = folder / f"held-out.{kind}.jsonl"
        lines = (gold / f"train.{kind}.jsonl").read_text("utf-8").splitlines(keepends=True)
        path.write_text("".join(line for line in lines if is_held_out(json.loads(line)["id"])), "utf-8")
        made.append(path)
    count = len(made[0].read_text("utf-8").splitlines())
    return [
        ("40 papers of the example page (dev)", gold / "dev.papers.jsonl", gold / "dev.gold.jsonl"),
        (f"{count} papers held out of train", made[0], made[1]),
    ]


def measure_speed() -> str:
    """Papers a second of extraction, with all components, start included and excluded."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one, many = sample(1, folder), sample(2000, folder)
        start = min(kg("extract", one, "-o", folder / "out.jsonl")[0] for _ in range(3))
        for jobs in (1, 2):
            seconds, memory, _ = kg("extract", many, "-o", folder / "out.jsonl", "--jobs", str(jobs))
            words = len(many.read_text("utf-8").split())
            rows.append(
                (
                    jobs,
                    f"{seconds:.1f}",
                    f"{2000 / (seconds - start):.0f}",
                    f"{words / (seconds - start):.0f}",
                    f"{memory:.0f}",
                )
            )
    said = f"`kg extract` on one paper takes {start:.1f} s: that is the start, which the rates below leave out."
    return f"{said}\n\n" + table(("jobs", "seconds for 2,000", "papers/s", "words/s", "peak MB a process"), rows)


def measure_memory() -> str:
    """Peak memory of `kg extract` for corpora of two sizes: it should not grow with the corpus."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count in (2000, 20000):
            seconds, memory, _ = kg("extract", sample(count, folder), "-o", folder / "out.jsonl", "--jobs", "2")
            rows.append((f"{count:,}", f"{seconds:.0f}", f"{memory:.0f}"))
    return table(("papers", "seconds", "peak MB a process"), rows)


def measure_build() -> str:
    """The whole way on the example page, start included."""
    with tempfile.TemporaryDirectory() as name:
        graph = Path(name) / "graph"
        rows = []
        for what in ("first build", "second build of the same"):
            seconds, memory, _ = kg("build", PAGE, "-o", graph)
            rows.append((what, f"{seconds:.1f}", f"{memory:.0f}"))
        for words in (
            ("export", graph, Path(name) / "graph.ttl"),
            ("draw", graph, Path(name) / "graph.html"),
            ("validate", graph),
            ("query", graph, "MATCH (p:Paper) RETURN count(p)"),
            ("sparql", graph, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"),
            ("sparql", graph, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"),
        ):
            seconds, memory, _ = kg(*words)
            rows.append(
                (
                    f"kg {words[0]}" + (" again" if ("kg " + words[0]) in {row[0] for row in rows} else ""),
                    f"{seconds:.1f}",
                    f"{memory:.0f}",
                )
            )
    return table(("step", "seconds", "peak MB"), rows)


def measure_start() -> str:
    """Start-up of the command line, the best and the worst of ten."""
    times = [kg("--help")[0] for _ in range(10)]
    return f"`kg --help`: {min(times):.2f} to {max(times):.2f} s in ten runs."


def measure_stores() -> str:
    """Loads of about 100,000 nodes and 500,000 relationships into each store."""
    from tests.bench_stores import measure_stores as measure

    return table(("what", "seconds", "proportion"), measure())


def measure_serving() -> str:
    """What an answer through `/sparql` costs beyond asking the store directly, and beside rdflib-endpoint."""
    parts = [said_by("tests.bench_serve", "direct", "2000")]
    if SHARED.is_dir():
        parts.append(said_by("tests.bench_serve", "rdflib"))
    return "\n\n".join(parts)


def measure_resolution() -> str:
    """Resolution of gold entities, beside simpler ways."""
    gold = SHARED / "gold"
    return said_by("tests.bench_resolution", str(gold / "train.papers.jsonl"), str(gold / "train.gold.jsonl"))


def said_by(*module_and_words: str) -> str:
    """What a measuring module of the tests prints, as a code block."""
    words = [sys.executable, "-m", *module_and_words]
    done = subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return f"```\n{done.stdout.rstrip()}\n```"


#: Name -> (heading, whether ../shared is needed, measurement).
MEASUREMENTS: dict[str, tuple[str, bool, Callable[[], str]]] = {
    "quality": ("Extraction quality", True, measure_quality),
    "evidence": ("Evidence, denial, results", True, measure_evidence),
    "speed": ("Extraction speed", True, measure_speed),
    "memory": ("Memory of extraction", True, measure_memory),
    "build": ("The example page", False, measure_build),
    "start": ("Start", False, measure_start),
    "resolution": ("Resolution", True, measure_resolution),
    "stores": ("Loads into stores", False, measure_stores),
    "serving": ("Serving", False, measure_serving),
}


def machine() -> str:
    """This machine in words."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text())
        model = found.group(1).strip() if found else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GB, Python {platform.python_version()}"


def renew(name: str, heading: str, figures: str) -> None:
    """Put the figures into their section of BENCHMARKS.md, which is made if it is missing."""
    text = BENCHMARKS.read_text("utf-8") if BENCHMARKS.exists() else "# Benchmarks\n"
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    day = datetime.now(UTC).date().isoformat()
    block = f"{begin}\n`python -m tests.bench {name}`, {day}, {machine()}\n\n{figures}\n{end}"
    if begin in text:
        text = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: block, text, flags=re.DOTALL)
    else:
        text = f"{text.rstrip()}\n\n## {heading}\n\n{block}\n"
    BENCHMARKS.write_text(text, "utf-8")


def main() -> None:
    chosen = sys.argv[1:] or list(MEASUREMENTS)
    unknown = sorted(set(chosen) - set(MEASUREMENTS))
    if unknown:
        raise SystemExit(f"no measurement is called {', '.join(unknown)}; known: {', '.join(sorted(MEASUREMENTS))}")
    for name in chosen:
        heading, needs_shared, measure = MEASUREMENTS[name]
        if needs_shared and not SHARED.is_dir():
            print(f"{name}: left out, it needs the folder ../shared, which is not part of the repository")
            continue
        figures = measure()
        print(f"\n== {heading}\n{figures}", flush=True)
        renew(name, heading, figures)


if __name__ == "__main__":
    main()
