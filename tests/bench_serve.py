"""What `/sparql` costs beyond asking pyoxigraph directly: `python -m tests.bench_serve [PAPERS]`, ratios of one run.

The same queries over the same store, by a kept-alive connection to `kg serve` and in this process; the median of many.
"""

from __future__ import annotations

import http.client
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pyoxigraph as ox

from kg.rdf import prefixes
from kg.stores import oxigraph, views
from tests.serving import made_up, server, write

#: From one row to tens of thousands.
QUERIES = {
    "one node": "SELECT ?p ?o { method:method1 ?p ?o } LIMIT 10",
    "ask": "ASK { ?m a kg:Method }",
    "papers of a method": "SELECT ?p ?t { ?p kg:uses method:method1 ; dcterms:title ?t } LIMIT 1000",
    "count by dataset": "SELECT ?d (COUNT(*) AS ?n) { ?p kg:evaluates_on ?d } GROUP BY ?d ORDER BY DESC(?n)",
    "evidence": "SELECT ?s ?x { ?s kg:evidence ?e . ?e kg:sentence ?x } LIMIT 20000",
}


def median(work: Callable[[], int], seconds: float = 4.0) -> tuple[float, int]:
    """The median time of a piece of work in milliseconds, and how many bytes it gives."""
    size, times = work(), []
    end = time.perf_counter() + seconds
    while len(times) < 5 or (time.perf_counter() < end and len(times) < 400):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times), size


def main(papers: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = write(Path(temporary, "graph"), made_up(papers))
        started = time.perf_counter()
        with server(folder, "--max-rows", "1000000", "--workers", "2") as address:
            first = time.perf_counter() - started
            print(f"{papers} papers: first start, with its views, {first:.1f} s")
            parts = urlsplit(address)
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
            with views.using(folder, "sparql") as path:
                store, names = oxigraph.opened(path), prefixes()

                def direct(query: str) -> int:
                    found = store.query(query, prefixes=names)
                    return len(found.serialize(format=ox.QueryResultsFormat.JSON))

                def over_http(query: str) -> int:
                    connection.request("GET", f"/sparql?{urlencode({'query': query})}")
                    answer = connection.getresponse()
                    assert answer.status == 200
                    return len(answer.read())

                for name, query in QUERIES.items():
                    alone, size = median(lambda query=query: direct(query))  # type: ignore[misc]
                    served, same = median(lambda query=query: over_http(query))  # type: ignore[misc]
                    assert size == same
                    print(
                        f"{name:20} {size:9,} bytes: pyoxigraph {alone:8.2f} ms, /sparql {served:8.2f} ms "
                        f"= {alone:.2f} x {served / alone:.2f}, +{served - alone:.2f} ms"
                    )
        started = time.perf_counter()
        with server(folder) as address:
            print(f"next start {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
