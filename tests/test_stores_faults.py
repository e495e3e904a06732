"""What goes wrong around stores: one clear line, nothing half-loaded that nobody notices, and the next command works.

Faults that need a Neo4j are in `test_stores_neo4j.py`, a full disk in `test_stores_embedded.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kg import rdf
from kg.cli import main
from kg.directory import State, save
from kg.graph import Graph
from kg.model import StoreError
from kg.stores import open_store
from tests.small_graph import small_graph
from tests.terminal import kg_on_terminal
from tests.test_stores_sparql import oxigraph_process

#: Each way from a graph directory to a store, and what it gives.
WAYS = (
    ["query", "{folder}", "MATCH (p:Paper) RETURN count(*) AS n", "--csv"],
    ["sparql", "{folder}", "SELECT (COUNT(?p) AS ?n) { ?p a kg:Paper }", "--csv"],
    ["ask", "outperforms", "{folder}", "method=method:bert", "--csv"],
    ["load", "{folder}", "ladybug:{out}"],
    ["load", "{folder}", "oxigraph:{out}"],
)


def kg(arguments: list[str], folder: Path) -> Result:
    """A command with its places filled in."""
    places = {"{folder}": str(folder), "{out}": str(folder / "out")}
    for name, place in places.items():
        arguments = [argument.replace(name, place) for argument in arguments]
    return CliRunner().invoke(main, arguments)


def says_in_one_line(answer: Result, *parts: str) -> None:
    assert answer.exit_code == 1
    assert answer.stdout == ""
    assert len(answer.stderr.splitlines()) == 1, answer.stderr
    for part in parts:
        assert part in answer.stderr


def left(folder: Path) -> list[str]:
    """What lies in a graph directory that the graph is not made of, but for locks."""
    ours = {path.name for path in folder.glob("*.parquet")} | {"manifest.json", ".views", ".lock", ".records"}
    views = [path.name for path in folder.glob(".views/*") if path.suffix != ".lock"]
    return sorted({path.name for path in folder.iterdir()} - ours) + views


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way[0]}-{way[-1].partition(':')[0]}")
@pytest.mark.parametrize("fault", ["older format", "damaged table", "cut table"])
def test_a_graph_that_cannot_be_read(way: list[str], fault: str, tmp_path: Path) -> None:
    save(tmp_path, State(graph=small_graph()))
    place = tmp_path / ("manifest.json" if fault == "older format" else "statements.parquet")
    sound = place.read_bytes()
    if fault == "older format":
        content = json.loads(sound)
        place.write_text(json.dumps({**content, "format": content["format"] - 1}))
        said = ("has format", "--replace")
    elif fault == "damaged table":
        place.write_bytes(sound[:100] + b"damage" + sound[106:])
        said = ("damaged, statements.parquet", "--replace")
    else:
        place.write_bytes(sound[: len(sound) // 2])
        said = ("damaged, statements.parquet", "--replace")
    says_in_one_line(kg(way, tmp_path), str(tmp_path), *said)
    assert left(tmp_path) == []
    place.write_bytes(sound)
    answer = kg(way, tmp_path)
    assert (answer.exit_code, answer.stderr) == (0, "")


def test_a_load_over_a_store_that_fails_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    save(tmp_path, State(graph=small_graph()))
    for way in WAYS[3:]:
        assert kg(way, tmp_path).exit_code == 0
        (tmp_path / "papers.parquet").rename(tmp_path / "kept")
        says_in_one_line(kg(way, tmp_path), "papers.parquet")
        (tmp_path / "kept").rename(tmp_path / "papers.parquet")
        store = open_store(f"{way[2].partition(':')[0]}:{tmp_path / 'out'}")
        counts = {"cypher": WAYS[0][2], "sparql": WAYS[1][2]}
        assert store.query(counts[store.language]).rows == ((7,),)
        subprocess.run(["rm", "-r", str(tmp_path / "out")], check=True)


@pytest.mark.parametrize("address", ["neo4j://127.0.0.1:1", "bolt://127.0.0.1:1/papers", "http://127.0.0.1:1/ds"])
@pytest.mark.parametrize("command", ["load", "ask"])
def test_no_server(command: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "open-sesame")
    save(tmp_path, State(graph=small_graph()))
    ways = {"load": ["load", "{folder}", address], "ask": ["ask", "tasks", address]}
    answer = kg(ways[command], tmp_path)
    says_in_one_line(answer, address, "answers", "check the address and that it runs")
    assert "open-sesame" not in answer.stderr


WRITER = """
import ladybug, sys
connection = ladybug.Connection(ladybug.Database(sys.argv[1]))
connection.execute("CREATE (:Task {id: 'task:new', type: 'Task'})")
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def written_by_another_program(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A Ladybug file that another process has open to write, and has written to."""
    pipe = subprocess.PIPE
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdin=pipe, stdout=pipe, text=True)
    assert writer.stdout is not None
    try:
        assert writer.stdout.readline() == "open\n"
        yield writer
    finally:
        writer.communicate("", timeout=60)


def test_a_ladybug_file_that_is_locked(tmp_path: Path) -> None:
    save(tmp_path, State(graph=small_graph()))
    load, count = WAYS[3], ["query", "ladybug:{out}", "MATCH (t:Task) RETURN count(*) AS n", "--csv"]
    assert kg(load, tmp_path).exit_code == 0
    with written_by_another_program(tmp_path / "out"):
        says_in_one_line(kg(load, tmp_path), "another program is writing it", "end that program")
        assert kg(count, tmp_path).output == "n\n2\n", "who only reads is let in beside it"
    assert kg(load, tmp_path).exit_code == 0
    assert kg(count, tmp_path).output == "n\n1\n"


SHORT = {"query": "MATCH (p:Paper) RETURN p.id", "sparql": "SELECT ?p { ?p a kg:Paper }"}


@pytest.mark.parametrize(
    ("command", "store"),
    [
        ("query", "{folder}"),
        ("query", "ladybug:{out}"),
        ("query", "neo4j://127.0.0.1:1"),
        ("sparql", "{folder}"),
        ("sparql", "oxigraph:{out}"),
        ("sparql", "http://127.0.0.1:1"),
    ],
)
def test_a_query_text_of_ten_megabytes(
    command: str, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "")
    save(tmp_path / "graph", State(graph=small_graph()))
    if "{out}" in store:
        assert kg(["load", "{folder}", store], tmp_path / "graph").exit_code == 0
    long = tmp_path / "long"
    long.write_text(SHORT[command] + {"query": " // ", "sparql": " # "}[command] + "x" * 10_000_000)
    before = time.monotonic()
    says_in_one_line(kg([command, store, f"@{long}"], tmp_path / "graph"), "at most 1,000,000 are read")
    assert time.monotonic() - before < 10
    if "127.0.0.1" not in store:
        assert kg([command, store, SHORT[command]], tmp_path / "graph").exit_code == 0


def test_a_sparql_server_that_stops_during_a_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.stores.sparql._BATCH", 100)
    graph, count = small_graph(), "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
    whole = len(list(rdf.triples(graph)))
    with oxigraph_process(tmp_path / "data") as (address, process):

        def stop(what: str, done: int, total: int) -> None:
            process.kill()
            process.wait()

        with pytest.raises(StoreError, match=r"no server answers .*what was loaded stays, load again to complete it"):
            open_store(address).load(graph, progress=stop)
    with oxigraph_process(tmp_path / "data") as (address, _):
        store = open_store(address)
        assert 0 < store.query(count).rows[0][0] < whole
        store.load(graph)
        assert store.query(count).rows == ((whole,),)


def test_the_password_is_asked_for_on_a_terminal_and_not_shown(tmp_path: Path) -> None:
    save(tmp_path, State(graph=Graph()))
    environment = {key: value for key, value in os.environ.items() if key != "NEO4J_PASSWORD"}
    for arguments in (
        ("query", "neo4j://127.0.0.1:1", "RETURN 1"),
        ("ask", "tasks", "bolt://ada@127.0.0.1:1"),
        ("-v", "load", str(tmp_path), "neo4j://127.0.0.1:1"),
    ):
        code, seen = kg_on_terminal(*arguments, typed={"Password of Neo4j": "open-sesame"}, environment=environment)
        assert code == 1
        assert "no Neo4j answers" in seen
        assert "open-sesame" not in seen
    code, seen = kg_on_terminal(
        "query",
        "neo4j://127.0.0.1:1",
        "RETURN 1",
        typed={},
        environment={**environment, "NEO4J_PASSWORD": "open-sesame"},
    )
    assert (code, "Password" in seen, "open-sesame" in seen) == (1, False, False)
