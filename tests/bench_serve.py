"""What `/sparql` of `kg serve` costs: beside pyoxigraph in the same process, and beside rdflib-endpoint.

`python -m tests.bench_serve direct [PAPERS]`: the same queries over the same store, by a kept-alive connection to
`kg serve` and in this process; the median of many.

`python -m tests.bench_serve rdflib [PAPERS]`: seven questions of the catalogue over a graph of real papers (20,000
unless told otherwise), asked of `kg serve` and of rdflib-endpoint over an rdflib memory store. The papers are those of
../shared/silver, with the extractions that lie there; their graph is made once, in the cache of the tests
(`~/.cache/kg-tests`, KG_TEST_CACHE). rdflib-endpoint is no dependency of ours: it gets an environment of its own there,
by `python -m venv` and `pip install 'rdflib-endpoint[cli]'`, and only the triples that the questions ask for, since all
would take some 10 GB of memory.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pyoxigraph as ox

from kg.directory import FORMAT
from kg.ontology import NAMESPACES
from kg.queries import catalogue
from kg.rdf import prefixes
from kg.stores import open_store, oxigraph, views
from kg.stores.text import with_parameters
from tests.java_servers import CACHE, free_port, started, wait_for_port
from tests.serving import made_up, server, write

SHARED = Path(__file__).parents[2] / "shared"
#: From one row to tens of thousands.
QUERIES = {
    "one node": "SELECT ?p ?o { method:method1 ?p ?o } LIMIT 10",
    "ask": "ASK { ?m a kg:Method }",
    "papers of a method": "SELECT ?p ?t { ?p kg:uses method:method1 ; dcterms:title ?t } LIMIT 1000",
    "count by dataset": "SELECT ?d (COUNT(*) AS ?n) { ?p kg:evaluates_on ?d } GROUP BY ?d ORDER BY DESC(?n)",
    "evidence": "SELECT ?s ?x { ?s kg:evidence ?e . ?e kg:sentence ?x } LIMIT 20000",
}
#: The questions that rdflib is asked, too; it answers them in this order, and after one that takes too long no more.
QUESTIONS = (
    "papers-on",
    "tasks-by-year",
    "outperforms",
    "datasets-of-task",
    "tasks-of-method",
    "used-together",
    "methods-for-task",
)
# What they are asked about: what stands most often at the end of a relation.
_MOST = "SELECT ?o { ?s rdf:predicate kg:PREDICATE ; rdf:object ?o } GROUP BY ?o ORDER BY DESC(COUNT(?s)) ?o LIMIT 1"
# What the questions ask for: the predicates of the triples that rdflib loads, beside those between papers and nodes.
_ASKED = {
    NAMESPACES[name.partition(":")[0]] + name.partition(":")[2]
    for name in (
        "rdf:type rdf:subject rdf:predicate rdf:object skos:prefLabel dcterms:title dcterms:issued "
        "prov:wasDerivedFrom kg:negated kg:support kg:evidence kg:sentence"
    ).split()
}
_NOT_ASKED = {NAMESPACES["kg"] + name for name in ("confidence", "extractor", "hedged", "papers", "score")}
_RDFLIB_SECONDS = 120.0
_RELATION_SCORE = 0.35


def medians(works: Sequence[Callable[[], int]], seconds: float = 8.0) -> tuple[list[float], list[int]]:
    """The median times of pieces of work in milliseconds, done by turns, and how many bytes each gives."""
    sizes = [work() for work in works]
    times: list[list[float]] = [[] for _ in works]
    end = time.perf_counter() + seconds
    while len(times[0]) < 5 or (time.perf_counter() < end and len(times[0]) < 400):
        for work, own in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            own.append(1000 * (time.perf_counter() - start))
    return [statistics.median(own) for own in times], sizes


def direct(papers: int) -> None:
    """Beside pyoxigraph."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = write(Path(temporary, "graph"), made_up(papers))
        started_at = time.perf_counter()
        with server(folder, "--max-rows", "1000000", "--workers", "2") as address:
            first = time.perf_counter() - started_at
            print(f"{papers} papers: first start, with its views, {first:.1f} s")
            parts = urlsplit(address)
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
            with views.using(folder, "sparql") as path:
                store, names = oxigraph.opened(path), prefixes()

                def here(query: str) -> int:
                    found: Any = store.query(query, prefixes=names)
                    return len(found.serialize(format=ox.QueryResultsFormat.JSON))

                def over_http(query: str) -> int:
                    connection.request("GET", f"/sparql?{urlencode({'query': query})}")
                    answer = connection.getresponse()
                    assert answer.status == 200
                    return len(answer.read())

                for name, query in QUERIES.items():
                    (alone, served), (size, same) = medians((partial(here, query), partial(over_http, query)))
                    assert size == same
                    allowed = 1.3 * alone + 5
                    print(
                        f"{name:20} {size:9,} bytes: pyoxigraph {alone:8.2f} ms, /sparql {served:8.2f} ms "
                        f"= {alone:.2f} x {served / alone:.2f}, +{served - alone:.2f} ms "
                        f"({'within' if served <= allowed else 'BEYOND'} 1.3 times + 5 ms)"
                    )
        started_at = time.perf_counter()
        with server(folder) as address:
            print(f"next start {time.perf_counter() - started_at:.1f} s")


def beside_rdflib(papers: int) -> None:
    """Beside rdflib-endpoint over an rdflib memory store."""
    folder = real_graph(papers)
    store = open_store(folder, language="sparql")
    ((method,),) = store.query(_MOST.replace("PREDICATE", "outperforms")).rows
    ((task,),) = store.query(_MOST.replace("PREDICATE", "used_for")).rows
    values = {"method": method, "task": task, "node": task, "limit": 20}
    asked = {}
    for name in QUESTIONS:
        given = {parameter.name: values[parameter.name] for parameter in catalogue()[name].parameters}
        text = with_parameters(catalogue()[name].text("sparql"), given)
        declared = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in prefixes().items() if f"{prefix}:" in text)
        asked[name] = declared + text
    with views.using(folder, "sparql") as path, tempfile.TemporaryDirectory(prefix="kg-bench-") as temporary:
        triples = Path(temporary, "asked.nt")
        count, loaded = write_asked(path, triples)
        print(f"{papers:,} papers, {count:,} triples; rdflib has {loaded:,}, those that the questions ask for")
        with server(folder, "--workers", "2", "--timeout", "60") as address, httpx.Client(base_url=address) as client:
            ours = {name: timed(client, "/sparql", query, times=5) for name, query in asked.items()}
        with rdflib_endpoint(triples) as (address, seconds), httpx.Client(base_url=address) as client:
            print(f"rdflib loads them in {seconds:.0f} s")
            for name, query in asked.items():
                took, rows = ours[name]
                try:
                    theirs, same = timed(client, "/", query, times=1, limit=_RDFLIB_SECONDS)
                except httpx.TimeoutException:
                    said = (
                        f"rdflib-endpoint > {_RDFLIB_SECONDS:.0f} s = x {1000 * _RDFLIB_SECONDS / took:,.0f} at least"
                    )
                    print(f"{name:16} {len(rows):5,} rows: /sparql {took:8.1f} ms, {said}")
                    break
                assert sorted(rows) == sorted(same), name
                said = f"rdflib-endpoint {theirs:10.1f} ms = x {theirs / took:,.0f}"
                print(f"{name:16} {len(rows):5,} rows: /sparql {took:8.1f} ms, {said}", flush=True)


def timed(
    client: httpx.Client, path: str, query: str, *, times: int, limit: float = 60.0
) -> tuple[float, list[tuple[str, ...]]]:
    """The median milliseconds of a query, and its rows."""
    taken, rows = [], []
    for _ in range(times):
        begin = time.perf_counter()
        accept = {"Accept": "application/sparql-results+json"}
        answer = client.post(path, data={"query": query}, headers=accept, timeout=limit)
        taken.append(1000 * (time.perf_counter() - begin))
        answer.raise_for_status()
        found = answer.json()
        names = found["head"]["vars"]
        rows = [
            tuple(row[name]["value"] if name in row else "" for name in names) for row in found["results"]["bindings"]
        ]
    return statistics.median(taken), rows


def real_graph(papers: int) -> Path:
    """The graph directory of so many papers of ../shared/silver; made once."""
    import pyarrow.parquet as pq

    folder = CACHE / f"graph-{papers}"
    made = folder / f"graph-{FORMAT}"
    if made.exists():
        return made
    folder.mkdir(parents=True, exist_ok=True)
    columns = ["id", "title", "abstract", "authors", "venue", "year"]
    rows = {row["id"]: row for row in pq.read_table(SHARED / "corpus/conferences.parquet", columns=columns).to_pylist()}
    with (
        gzip.open(SHARED / "silver/silver.jsonl.gz", "rt", encoding="utf-8") as silver,
        (folder / "papers.jsonl").open("w", encoding="utf-8") as texts,
        (folder / "extractions.jsonl").open("w", encoding="utf-8") as extractions,
    ):
        for line in islice(silver, papers):
            found = json.loads(line)
            found["relations"] = [r for r in found["relations"] if r["score"] >= _RELATION_SCORE]
            row = rows[found["id"]]
            text = {name: " ".join(row[name].split()) for name in ("title", "abstract")}  # as the offsets count
            texts.write(json.dumps({**row, **text}, ensure_ascii=False) + "\n")
            extractions.write(json.dumps(found, ensure_ascii=False) + "\n")
    words = ["build", folder / "papers.jsonl", "--extractions", folder / "extractions.jsonl", "-o", folder / "new"]
    subprocess.run([sys.executable, "-m", "kg", *map(str, words)], check=True, stdout=subprocess.DEVNULL)
    return (folder / "new").rename(made)


def write_asked(view: Path, triples: Path) -> tuple[int, int]:
    """Write the triples of a view that the questions ask for; how many there are in all, and how many of them."""
    count = kept = 0
    ours = NAMESPACES["kg"]
    with tempfile.NamedTemporaryFile(suffix=".nt") as whole, triples.open("wb") as out:
        oxigraph.opened(view).dump(whole.name, ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
        predicate = re.compile(rb"\S+ <([^>]*)> ")
        for line in Path(whole.name).open("rb"):  # noqa: SIM115 - the file goes with the block
            count += 1
            found = predicate.match(line)
            name = found[1].decode() if found else ""
            if name in _ASKED or (name.startswith(ours) and name not in _NOT_ASKED):
                out.write(line)
                kept += 1
    return count, kept


@contextlib.contextmanager
def rdflib_endpoint(triples: Path) -> Iterator[tuple[str, float]]:
    """rdflib-endpoint over a file of triples in an rdflib memory store: its address, and the seconds of its start."""
    home = CACHE / "rdflib-endpoint"
    program = home / "bin" / "rdflib-endpoint"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([home / "bin" / "pip", "install", "--quiet", "rdflib-endpoint[cli]"], check=True)
    port, log = free_port(), triples.with_suffix(".log")
    command = [str(program), "serve", "--host", "127.0.0.1", "--port", str(port), str(triples)]
    begin = time.perf_counter()
    with log.open("w") as out, started(command, out) as process:
        wait_for_port(port, process, log, seconds=1800)
        yield f"http://127.0.0.1:{port}", time.perf_counter() - begin


if __name__ == "__main__":
    what, *number = sys.argv[1:] or ["direct"]
    {"direct": direct, "rdflib": beside_rdflib}[what](int(number[0]) if number else 20_000)
