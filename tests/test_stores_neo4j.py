"""Neo4j, for real: what is loaded, what is left alone, and what happens when things go wrong."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from neo4j.exceptions import Neo4jError

from kg.cli import main
from kg.directory import State, save
from kg.export import export
from kg.graph import Graph
from kg.model import StoreError
from kg.property_graph import node_rows, relationship_rows
from kg.stores import Limits, open_store
from kg.stores.neo4j import MARK, Neo4jStore
from tests.java_servers import (
    NEO4J,
    SETTINGS,
    Neo4jServer,
    NotAvailable,
    free_port,
    java,
    neo4j,
    prepared_home,
    running,
)
from tests.small_graph import WEIRD_NAME, small_graph
from tests.terminal import kg_on_terminal

pytestmark = pytest.mark.slow

#: The common subset (docs/cypher.md): each gives the same rows in Neo4j and in Ladybug.
COMMON = (
    "MATCH (n) RETURN n.type AS type, count(*) AS number ORDER BY type",
    "MATCH (m:Method {id: 'method:roberta'})-[r:OUTPERFORMS]->(o:Method) RETURN m, r, o",
    "MATCH (a)-[r]->(b) WHERE r.support > 1 RETURN a.id, type(r), b.id, r.papers ORDER BY a.id, b.id",
    "MATCH (p:Paper) WHERE p.year >= 2019 AND NOT p.title CONTAINS 'BERT' RETURN p.id, p.authors ORDER BY p.id",
    "MATCH (p:Paper) WHERE p.year IS NULL RETURN p.id ORDER BY p.id",
    "MATCH (p:Paper) OPTIONAL MATCH (p)-[:PUBLISHED_IN]->(v:Venue) RETURN p.id, v.name ORDER BY p.id",
    "MATCH (p:Paper)-[:USES|COMPARES]->(m) RETURN m.id AS m, count(DISTINCT p.id) AS n ORDER BY n DESC, m LIMIT 3",
    "MATCH (p:Paper)-[:INTRODUCES]->(n) WITH n.type AS type, count(*) AS n WHERE n > 1 RETURN type, n ORDER BY type",
    "MATCH (m:Method) WHERE NOT EXISTS { MATCH (m)-[:EVALUATED_ON]->(d:Dataset) } RETURN m.id ORDER BY m.id",
    "MATCH (m:Method)-[:BASED_ON*1..2]->(b:Method) RETURN m.id, b.id ORDER BY m.id, b.id",
    "MATCH (n) WHERE toLower(n.name) STARTS WITH 'tiny' AND n.id ENDS WITH 'bert' RETURN n.id ORDER BY n.id",
    "MATCH (m:Method) WHERE 'MLM' IN m.aliases RETURN m.id, size(m.aliases) AS size",
    "MATCH (m:Method) UNWIND m.aliases AS alias RETURN m.id, alias ORDER BY m.id, alias",
    "MATCH (r:Result)-[:OF_METHOD]->(m:Method) RETURN m.id, r.number, r.value, r.sentence ORDER BY r.number",
    "MATCH (r:Result) RETURN min(r.number), max(r.number), avg(r.number) > 93, sum(r.number) > 187",
    "MATCH (e:Evidence {negated: true})-[:HAS_OBJECT]->(o) RETURN e.subject, e.predicate, o.id, e.sentence",
    "MATCH (n:Task|Metric) RETURN n.id ORDER BY n.id",
    "MATCH (t:Task) RETURN t.id AS id UNION MATCH (m:Metric) RETURN m.id AS id",
    "MATCH (a:Method {id: 'method:bert'})-[r]-(b:Method) RETURN type(r) AS type, b.id AS id ORDER BY type, id",
    "MATCH (p:Paper) RETURN coalesce(p.venue, 'nowhere') AS venue, count(*) AS n ORDER BY venue",
    "MATCH (c:Concept) RETURN c.name, CASE WHEN c.papers > 1 THEN 'often' ELSE 'once' END AS how ORDER BY c.id",
    "RETURN [1, 2, 3] AS list, {a: 1} AS map, 'it\\'s' = \"it's\" AS same, 7 % 4 AS rest",
)


@pytest.fixture
def store(neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch) -> Neo4jStore:
    """An empty database."""
    return neo4j_server.emptied(monkeypatch)


def contents(server: Neo4jServer) -> tuple[Counter[str], Counter[str]]:
    """Everything in the database, to compare."""
    with server.session() as session:
        nodes = session.run("MATCH (n) RETURN labels(n) AS labels, properties(n) AS properties")
        found = Counter(repr((sorted(row["labels"]), sorted(row["properties"].items()))) for row in nodes)
        edges = session.run(
            "MATCH (a)-[r]->(b) RETURN a.id AS a, type(r) AS type, b.id AS b, properties(r) AS properties"
        )
        return found, Counter(
            repr((row["a"], row["type"], row["b"], sorted(row["properties"].items()))) for row in edges
        )


def without_paper(graph: Graph, paper: str) -> Graph:
    """The graph as if a paper had never been read."""
    statements = []
    for statement in graph.statements:
        kept = tuple(evidence for evidence in statement.evidence if evidence.paper != paper)
        if kept:
            statements.append(replace(statement, evidence=kept))
    named = {end for statement in statements for end in (statement.subject, statement.object)}
    return replace(
        graph,
        papers=tuple(p for p in graph.papers if p.id != paper),
        statements=tuple(statements),
        results=tuple(result for result in graph.results if result.paper != paper),
        entities=tuple(entity for entity in graph.entities if entity.id in named),
    )


def test_neo4j_holds_each_node_and_relationship(store: Neo4jStore, neo4j_server: Neo4jServer) -> None:
    graph = small_graph()
    store.load(graph)
    nodes, edges = contents(neo4j_server)
    expected_nodes = Counter(
        repr(
            (
                [table.label],
                sorted([(n, v) for n, v in zip(table.names, row, strict=True) if v is not None] + [(MARK, True)]),
            )
        )
        for table, rows in node_rows(graph)
        for row in rows
    )
    assert nodes == expected_nodes
    expected_edges = Counter(
        repr(
            (
                row[0],
                group.table.type,
                row[1],
                sorted(
                    [(n, v) for n, v in zip(group.table.names, row[2:], strict=True) if v is not None] + [(MARK, True)]
                ),
            )
        )
        for group in relationship_rows(graph)
        for row in group.rows
    )
    assert edges == expected_edges


def test_many_small_batches_by_several_writers_give_the_same(
    store: Neo4jStore, neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.load(small_graph())
    expected = contents(neo4j_server)
    with neo4j_server.session() as session:
        session.run("MATCH (n) DETACH DELETE n").consume()
    monkeypatch.setattr("kg.stores.neo4j._BATCH", 3)
    told: dict[str, list[tuple[int, int]]] = {}
    store.load(small_graph(), progress=lambda stage, done, total: told.setdefault(stage, []).append((done, total)))
    assert contents(neo4j_server) == expected
    assert list(told) == ["nodes", "relationships"]
    for steps in told.values():
        assert [done for done, _ in steps] == sorted(done for done, _ in steps)
        assert steps[-1][0] == steps[-1][1]


@pytest.mark.parametrize("query", COMMON)
def test_the_common_subset_gives_equal_rows(
    query: str, neo4j_server: Neo4jServer, loaded: Neo4jStore, ladybug_file: Path
) -> None:
    assert sorted_rows(loaded, query) == sorted_rows(open_store(f"ladybug:{ladybug_file}"), query)


def sorted_rows(store: object, query: str) -> tuple[tuple[str, ...], list[str]]:
    answer = store.query(query)  # type: ignore[attr-defined]
    rows = [repr([sorted(cell.items()) if isinstance(cell, dict) else cell for cell in row]) for row in answer.rows]
    columns = answer.columns if "AS" in query else ()
    return columns, rows if "ORDER BY" in query else sorted(rows)


@pytest.fixture(scope="module")
def ladybug_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("common") / "graph.lbug"
    open_store(f"ladybug:{path}").load(small_graph())
    return path


@pytest.fixture(scope="module")
def loaded(neo4j_server: Neo4jServer) -> Neo4jStore:
    """The small graph in Neo4j, for tests that only read."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        store = neo4j_server.emptied(monkeypatch)
        store.load(small_graph())
    return store


@pytest.fixture(autouse=True)
def password(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "neo4j_server" in request.fixturenames:
        monkeypatch.setenv("NEO4J_PASSWORD", request.getfixturevalue("neo4j_server").password)


def test_loading_twice_changes_nothing(store: Neo4jStore, neo4j_server: Neo4jServer) -> None:
    store.load(small_graph())
    before = contents(neo4j_server)
    store.load(small_graph(), prune=True)
    assert contents(neo4j_server) == before


def test_prune_removes_what_only_a_lost_paper_supported(store: Neo4jStore, neo4j_server: Neo4jServer) -> None:
    graph, less = small_graph(), without_paper(small_graph(), "paper:tiny")
    store.load(less)
    expected = contents(neo4j_server)
    store.load(graph)
    assert contents(neo4j_server) != expected
    store.load(less)
    assert "method:tinybert" in str(contents(neo4j_server)), "without --prune nothing is removed"
    store.load(less, prune=True)
    assert contents(neo4j_server) == expected


def test_what_others_wrote_is_left_alone(store: Neo4jStore, neo4j_server: Neo4jServer) -> None:
    with neo4j_server.session() as session:
        session.run(
            "CREATE (:Person {id: 'method:bert', name: 'Bert'})-[:OWNS]->(:Paper {id: 'mine', title: 'My own'}) "
            "CREATE (:Method {name: 'no id'}), (:Method {name: 'no id'})"
        ).consume()
        store.load(small_graph())
        session.run(
            "MATCH (p:Person), (m:Method {id: 'method:bert'}), (t:Task) "
            "SET m.rating = 5 CREATE (p)-[:LIKES]->(m)-[:USED_FOR]->(t)"
        ).consume()
        foreign = (
            f"MATCH (n) WHERE n.{MARK} IS NULL RETURN count(n) AS nodes, collect(n.title) AS titles",
            f"MATCH ()-[r]->() WHERE r.{MARK} IS NULL RETURN count(r) AS edges, collect(type(r)) AS types",
            "MATCH (m:Method {id: 'method:bert'}) RETURN m.rating AS rating",
        )
        before = [session.run(query).data() for query in foreign]
        store.load(without_paper(small_graph(), "paper:look"), prune=True)
        assert [session.run(query).data() for query in foreign] == before


def test_a_node_of_others_with_our_id_stops_the_load(store: Neo4jStore, neo4j_server: Neo4jServer) -> None:
    with neo4j_server.session() as session:
        session.run("CREATE (:Method {id: 'method:bert', name: 'not ours'})").consume()
    with pytest.raises(StoreError, match="holds a Method with the id method:bert that kg did not write"):
        store.load(small_graph())
    with neo4j_server.session() as session:
        assert session.run("MATCH (m:Method) RETURN m.name AS name").data() == [{"name": "not ours"}]


def test_data_of_others_that_breaks_a_constraint_stops_the_load(store: Neo4jStore, neo4j_server: Neo4jServer) -> None:
    with neo4j_server.session() as session:
        session.run("CREATE (:Paper {id: 1}), (:Paper {id: 1})").consume()
    with pytest.raises(StoreError, match=r"Neo4j refuses: .*(?i:constraint)"):
        store.load(small_graph())


def test_constraints_and_the_full_text_index(store: Neo4jStore, neo4j_server: Neo4jServer) -> None:
    store.load(small_graph())
    with neo4j_server.session() as session:
        unique = session.run(
            "SHOW CONSTRAINTS YIELD labelsOrTypes, properties RETURN labelsOrTypes, properties"
        ).values()
    assert [["Evidence"], ["id"]] in unique
    assert len(unique) == 10
    search = "CALL db.index.fulltext.queryNodes('kg_names', $text) YIELD node, score RETURN node.id"
    assert ("dataset:squad",) in store.query(search, {"text": "stanford"}).rows
    assert ("paper:tiny",) in store.query(search, {"text": "tinybert"}).rows


def test_strange_text_comes_out_as_it_went_in(loaded: Neo4jStore, neo4j_server: Neo4jServer) -> None:
    rows = loaded.query("MATCH (c:Concept {name: $name}) RETURN c.name, c.aliases", {"name": WEIRD_NAME}).rows
    assert rows == ((WEIRD_NAME, ["odd", "so'odd\\"]),)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("CREATE (n:X)", "a query that writes is refused"),
        ("MATCH (n) SET n.x = 1", "a query that writes is refused"),
        ("CREATE INDEX x FOR (n:X) ON (n.y)", "a query that writes is refused"),
        ("LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line", r"LOAD CSV is refused.*\(line 1, column 1\)"),
        ("MATCH (n)\nRETRN n", r"Invalid input 'RETRN' \(line 2, column 1\)\n  RETRN n\n  \^$"),
        ("RETURN 1; RETURN 2", "one statement"),
        ("MATCH (n {id: $id}) RETURN n", r"no value for \$id"),
        (
            "MATCH (a), (b), (c), (d), (e) WHERE a.id + b.id + c.id + d.id + e.id = 'x' RETURN count(*)",
            "stopped the query at its time",
        ),
        ("UNWIND range(1, 10000000) AS x RETURN x", "more than 1,000 rows"),
    ],
)
def test_what_does_not_only_read_or_takes_too_much_is_refused(
    query: str, said: str, loaded: Neo4jStore, neo4j_server: Neo4jServer
) -> None:
    with pytest.raises(StoreError, match=said):
        loaded.query(query, limits=Limits(seconds=2, rows=1000))
    assert loaded.query("RETURN 1").rows == ((1,),)


def test_a_wrong_password_is_told_without_telling_it(
    neo4j_server: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "open-sesame")
    with pytest.raises(StoreError, match="refuses user neo4j: check the name and NEO4J_PASSWORD") as caught:
        open_store(neo4j_server.address).query("RETURN 1")
    assert "open-sesame" not in str(caught.value)
    monkeypatch.setenv("NEO4J_PASSWORD", neo4j_server.password)
    with pytest.raises(StoreError, match="no such database"):
        open_store(f"{neo4j_server.address}/nowhere").query("RETURN 1")
    assert open_store(neo4j_server.address).query("RETURN 1").rows == ((1,),)


def test_kg_load_and_kg_query(store: Neo4jStore, neo4j_server: Neo4jServer, tmp_path: Path) -> None:
    save(tmp_path, State(graph=small_graph()))
    ended = CliRunner().invoke(main, ["load", str(tmp_path), neo4j_server.address])
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout == f"{neo4j_server.address}: 7 papers, 12 nodes, 43 statements\n"
    asked = CliRunner().invoke(main, ["query", neo4j_server.address, "MATCH (p:Paper) RETURN count(*) AS n", "--csv"])
    assert asked.output == "n\n7\n"


def test_the_password_is_typed_on_a_terminal(store: Neo4jStore, neo4j_server: Neo4jServer, tmp_path: Path) -> None:
    save(tmp_path, State(graph=small_graph()))
    environment = {key: value for key, value in os.environ.items() if key != "NEO4J_PASSWORD"}
    prompt = "Password of Neo4j"
    wrong = {prompt: "open-sesame"}
    code, seen = kg_on_terminal("load", str(tmp_path), neo4j_server.address, typed=wrong, environment=environment)
    assert (code, "refuses user neo4j" in seen, "open-sesame" in seen) == (1, True, False)
    assert store.query("MATCH (n) RETURN count(*)").rows == ((0,),)
    right = {prompt: neo4j_server.password}
    code, seen = kg_on_terminal("-v", "load", str(tmp_path), neo4j_server.address, typed=right, environment=environment)
    assert (code, neo4j_server.password in seen) == (0, False)
    assert re.search(r"relationships +\[#+\] +100%", seen), "a progress bar"
    query = "MATCH (p:Paper) RETURN count(*) AS n"
    code, seen = kg_on_terminal("query", neo4j_server.address, query, typed=right, environment=environment)
    assert (code, seen.split()[-1], neo4j_server.password in seen) == (0, "7", False)


def test_a_former_id_finds_its_node(store: Neo4jStore, neo4j_server: Neo4jServer, tmp_path: Path) -> None:
    former = {"method:bidirectional": "method:bert", "task:old": "method:bert", "paper:x": "paper:bert"}
    save(tmp_path, State(graph=small_graph(), redirects=former))
    assert CliRunner().invoke(main, ["load", str(tmp_path), neo4j_server.address]).exit_code == 0
    found = "MATCH (n) WHERE $id IN n.former_ids RETURN n.id"
    assert {(old, store.query(found, {"id": old}).rows[0][0]) for old in former} == former.items()
    before = contents(neo4j_server)
    store.load(small_graph(), redirects=former)
    assert contents(neo4j_server) == before
    store.load(small_graph(), redirects={"paper:x": "paper:bert"})
    assert store.query("MATCH (n) WHERE n.former_ids IS NOT NULL RETURN n.id, n.former_ids").rows == (
        ("paper:bert", ["paper:x"]),
    )


def test_a_transaction_that_fails_for_a_moment_is_tried_again(store: Neo4jStore, neo4j_server: Neo4jServer) -> None:
    """Another transaction holds a lock and then waits for one of ours: a deadlock, which the server breaks."""
    store.load(small_graph())
    before = contents(neo4j_server)
    failed: list[str] = []

    def disturb() -> None:
        for _ in range(10):
            try:
                with neo4j_server.session() as session, session.begin_transaction() as transaction:
                    for number in ("method:tinybert", "method:attention", "method:bert"):
                        transaction.run("MATCH (m:Method {id: $id}) SET m.seen = true REMOVE m.seen", id=number)
                    transaction.commit()
            except Neo4jError as error:
                failed.append(str(error.code))

    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    while disturbing.is_alive():
        store.load(small_graph())
    disturbing.join()
    assert contents(neo4j_server) == before


def test_a_load_that_is_killed_is_completed_by_the_next(
    store: Neo4jStore, neo4j_server: Neo4jServer, gold_graph: Graph, tmp_path: Path
) -> None:
    store.load(gold_graph)
    expected = contents(neo4j_server)
    with neo4j_server.session() as session:
        session.run("MATCH (n) DETACH DELETE n").consume()
    save(tmp_path, State(graph=gold_graph))
    loading = subprocess.Popen([sys.executable, "-m", "kg", "load", str(tmp_path), neo4j_server.address])
    with neo4j_server.session() as session:
        deadline = time.monotonic() + 120
        while (
            session.run("MATCH (n) RETURN count(n) AS n").single(strict=True)["n"] == 0 and time.monotonic() < deadline
        ):
            time.sleep(0.01)
    loading.kill()
    loading.wait()
    assert contents(neo4j_server) != expected
    store.load(gold_graph)
    assert contents(neo4j_server) == expected


# ---- a server of its own --------------------------------------------------------------------------------------------


def test_a_server_that_stops_during_a_load_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.stores.neo4j._RETRY_SECONDS", 2.0)
    try:
        with neo4j("2026", tmp_path / "home") as server:
            monkeypatch.setenv("NEO4J_PASSWORD", server.password)
            store = open_store(server.address)
            stopped = []

            def stop(what: str, done: int, total: int) -> None:
                if not stopped:
                    stopped.append(subprocess.run(["kill", str(server_pid(server))], check=True))
                    time.sleep(5)

            with pytest.raises(StoreError, match="what was loaded stays, load again to complete it"):
                store.load(small_graph(), progress=stop)
            with pytest.raises(StoreError, match="no Neo4j answers"):
                store.query("RETURN 1")
            with running(server):
                store.load(small_graph())
                assert store.query("MATCH (p:Paper) RETURN count(*)").rows == ((7,),)
    except NotAvailable as reason:
        pytest.skip(str(reason))


def server_pid(server: Neo4jServer) -> int:
    return int((server.home / "run" / "neo4j.pid").read_text())


def test_make_neo4j_prints_how_to_reach_it_and_stops_cleanly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    environment = {**os.environ, "NEO4J_PORT": str(port), "TMPDIR": str(tmp_path)}
    command = [sys.executable, str(Path(__file__).with_name("java_servers.py"))]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process,
        contextlib.ExitStack() as finally_,
    ):
        finally_.callback(process.kill)
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout.readline()
        if not said:
            reason = process.stderr.read()
            assert reason.startswith("needs "), reason
            pytest.skip(reason)
        found = re.search(r"runs at (\S+), user neo4j, password (\S+)$", said)
        assert found is not None, said
        assert found[1] == f"neo4j://neo4j@127.0.0.1:{port}"
        monkeypatch.setenv("NEO4J_PASSWORD", found[2])
        assert open_store(found[1]).query("RETURN 1 AS x").rows == ((1,),)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stderr.read() == ""
    with pytest.raises(StoreError, match="no Neo4j answers"):
        open_store(found[1]).query("RETURN 1 AS x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["5.26", "2026"])
def test_neo4j_admin_imports_our_csv(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        prepared_home(name, tmp_path / "home")
        graph = small_graph()
        export(graph, tmp_path / "csv", format="neo4j-csv")
        command = shlex.split((tmp_path / "csv" / "command.txt").read_text("utf-8").replace("\\\n", " "))
        assert command[0] == "neo4j-admin"
        offline = Neo4jServer(NEO4J[name], tmp_path / "home", 0, "")
        monkeypatch.chdir(tmp_path / "csv")
        imported = offline.admin(*command[1:])
        assert imported.returncode == 0, imported.stdout + imported.stderr
        with neo4j(name, tmp_path / "home") as server:
            monkeypatch.setenv("NEO4J_PASSWORD", server.password)
            with server.session() as session:
                for statement in (tmp_path / "csv" / "afterwards.cypher").read_text("utf-8").splitlines():
                    session.run(statement.rstrip(";")).consume()
            by_import = contents(server)
            open_store(server.address).load(graph, prune=True)
            for imported_ones, loaded_ones in zip(by_import, contents(server), strict=True):
                assert (imported_ones - loaded_ones, loaded_ones - imported_ones) == (Counter(), Counter())
    except NotAvailable as reason:
        pytest.skip(str(reason))


# ---- without a server ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("neo4j://ada:open-sesame@127.0.0.1", "leave it out and set NEO4J_PASSWORD"),
        ("neo4j://", "looks like neo4j://user@host:7687/database"),
        ("neo4j://host:port", "looks like neo4j://user@host:7687/database"),
        ("bolt://127.0.0.1:1", "no Neo4j answers"),
    ],
)
def test_wrong_addresses_get_one_clear_line(address: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "open-sesame")
    ended = CliRunner().invoke(main, ["query", address, "RETURN 1"])
    assert ended.exit_code == 1
    assert said in ended.stderr
    assert "open-sesame" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_without_a_password_it_says_how_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEO4J_PASSWORD", raising=False)
    ended = CliRunner().invoke(main, ["query", "neo4j://127.0.0.1:1", "RETURN 1"])
    assert "no password: set NEO4J_PASSWORD" in ended.stderr


def test_compose_sets_what_the_tests_set() -> None:
    import yaml

    service = yaml.safe_load((Path(__file__).parents[1] / "compose.yaml").read_text("utf-8"))["services"]["neo4j"]
    variables = {key: value for key, value in service["environment"].items() if key != "NEO4J_AUTH"}
    assert variables == {"NEO4J_" + key.replace("_", "__").replace(".", "_"): value for key, value in SETTINGS.items()}
    assert service["image"] == f"neo4j:{NEO4J['2026'].version}-community"


def test_a_java_that_is_not_there_is_told() -> None:
    with pytest.raises(NotAvailable, match=r"needs Java 999 or later \(.*\): found "):
        java(999)
