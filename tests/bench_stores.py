"""What `make bench` measures of stores: loading 100,000 nodes and 500,000 relationships.

`python -m tests.bench stores` runs it; `measure_stores` gives the table.
"""

from __future__ import annotations

import os
import shlex
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from kg.export import export
from kg.graph import Graph
from kg.model import Entity, Evidence, Paper, Statement
from kg.property_graph import node_rows, relationship_rows
from kg.stores import open_store
from tests.java_servers import NEO4J, Neo4jServer, NotAvailable, neo4j, prepared_home

_ONE_BY_ONE = 500


def big_graph(scale: float = 1.0) -> Graph:
    """Invented papers that state this and that: at scale 1 about 100,000 nodes and 500,000 relationships."""
    papers, methods, tasks, authors = (round(number * scale) for number in (10_000, 8_000, 2_000, 5_000))
    sentence = "Method {0} is used for task {1} in paper {2}, and it works better than what came before it."
    made, statements = [], []
    for number in range(papers):
        found = tuple(f"Author {(number * 7 + place * 31) % authors}" for place in range(12))
        cites = tuple(f"paper:{(number * 13 + place * 17 + 1) % papers}" for place in range(14))
        text = sentence.format(number % methods, number % tasks, number)
        made.append(
            Paper(id=f"paper:{number}", title=f"Paper {number}", abstract=text, authors=found, cites=cites, year=2020)
        )
        start = len(f"Paper {number}\n")
        evidence = Evidence(paper=f"paper:{number}", start=start, end=start + len(text), score=0.9, extractor="bench")
        for place in range(4):
            method = f"method:{(number * 3 + place * 101) % methods}"
            statements.append((f"paper:{number}", "uses", method, evidence))
            statements.append((method, "used_for", f"task:{(number + place * 37) % tasks}", evidence))
    grouped: dict[tuple[str, str, str], list[Evidence]] = {}
    for subject, predicate, obj, evidence in statements:
        grouped.setdefault((subject, predicate, obj), []).append(evidence)
    entities = [
        Entity(
            id=f"{kind.lower()}:{number}", type=kind, name=f"{kind} {number}", aliases=(f"{kind[0]}{number}",), papers=1
        )
        for kind, count in (("Method", methods), ("Task", tasks))
        for number in range(count)
    ]
    return Graph(
        papers=tuple(sorted(made, key=lambda paper: paper.id)),
        entities=tuple(sorted(entities, key=lambda entity: entity.id)),
        statements=tuple(
            Statement(subject=s, predicate=p, object=o, evidence=tuple(sorted(grouped[s, p, o])))
            for s, p, o in sorted(grouped)
        ),
    )


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure_stores(scale: float = 1.0) -> list[tuple[str, str, str]]:
    """(what, seconds, in proportion) for each way into a store."""
    graph = big_graph(scale)
    nodes = sum(len(rows) for _, rows in node_rows(graph))
    edges = sum(len(group.rows) for group in relationship_rows(graph))
    rows = [(f"{nodes:,} nodes and {edges:,} relationships", "", "")]
    with tempfile.TemporaryDirectory(prefix="kg-bench-") as name:
        folder = Path(name)
        for scheme in ("ladybug", "oxigraph"):
            store = open_store(f"{scheme}:{folder / scheme}")
            busy = time.process_time()
            seconds = timed(lambda store=store: store.load(graph))  # type: ignore[misc]
            busy = time.process_time() - busy
            rows.append((f"kg load … {scheme}:PATH", f"{seconds:.1f}", f"{busy:.1f} s of processor time"))
        try:
            rows += _measure_neo4j(graph, folder, nodes, edges)
        except NotAvailable as reason:
            rows.append(("Neo4j", "", str(reason)))
    return rows


def _measure_neo4j(graph: Graph, folder: Path, nodes: int, edges: int) -> list[tuple[str, str, str]]:
    home = prepared_home("2026", folder / "import")
    export(graph, folder / "csv", format="neo4j-csv")
    words = shlex.split((folder / "csv" / "command.txt").read_text("utf-8").replace("\\\n", " "))[1:]
    here = Path.cwd()
    os.chdir(folder / "csv")
    try:
        offline = Neo4jServer(NEO4J["2026"], home, 0, "")
        imported = timed(lambda: offline.admin(*words).check_returncode())
    finally:
        os.chdir(here)
    # As Neo4j starts it: with the whole compiler and several threads for garbage, which a test has no use for.
    with neo4j("2026", folder / "home", java_options=("-Xmx1g",)) as server:
        os.environ["NEO4J_PASSWORD"] = server.password
        loaded = timed(lambda: open_store(server.address).load(graph))
        single = timed(lambda: _one_by_one(server, graph)) / (2 * _ONE_BY_ONE)
    whole = single * (nodes + edges)
    driver = "extra fast-neo4j" if find_spec("neo4j._rust") else "driver in Python"
    return [
        ("neo4j-admin database import full", f"{imported:.1f}", "1"),
        (f"kg load … neo4j://, {driver}", f"{loaded:.1f}", f"{loaded / imported:.1f} of the import"),
        ("one statement a row (from 1,000 rows)", f"{whole:.0f}", f"{whole / loaded:.0f} of kg load"),
    ]


def _one_by_one(server: Neo4jServer, graph: Graph) -> None:
    """What a program does that sends a statement for each row: so many nodes, and so many relationships."""
    papers = [paper.id for paper in graph.papers[:_ONE_BY_ONE]]
    with server.session() as session:
        for identifier in papers:
            session.run("MERGE (n:Paper {id: $id}) SET n.seen = true", id=identifier).consume()
        for identifier in papers:
            session.run(
                "MATCH (a:Paper {id: $id}) MATCH (b:Paper {id: $other}) MERGE (a)-[:BESIDE]->(b)",
                id=identifier,
                other=papers[0],
            ).consume()
