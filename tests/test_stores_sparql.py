"""Remote SPARQL: the real Oxigraph server and Apache Jena Fuseki are loaded and answer as the embedded store does."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from kg import queries, rdf
from kg.cli import main
from kg.directory import State, save
from kg.graph import Graph
from kg.model import StoreError
from kg.queries import catalogue
from kg.stores import Limits, Store, open_store
from tests.java_servers import free_port, started, wait_for_port
from tests.small_graph import WEIRD_NAME, small_graph


@contextlib.contextmanager
def oxigraph_server(folder: Path, command: str = "serve") -> Iterator[str]:
    """The real Oxigraph server over a folder; gives its address."""
    with oxigraph_process(folder, command) as (address, _):
        yield address


@contextlib.contextmanager
def oxigraph_process(folder: Path, command: str = "serve") -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The real Oxigraph server over a folder: its address and its process."""
    port = free_port()
    program = str(Path(sys.executable).parent / "oxigraph")
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.parent / "oxigraph.log"
    arguments = [program, command, "--location", str(folder), "--bind", f"127.0.0.1:{port}"]
    with log.open("w") as out, started(arguments, out) as process:
        wait_for_port(port, process, log)
        yield f"http://127.0.0.1:{port}", process


@pytest.fixture(scope="module")
def oxigraph_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with oxigraph_server(tmp_path_factory.mktemp("oxigraph") / "data") as address:
        yield address


@pytest.fixture(params=["oxigraph", pytest.param("fuseki", marks=pytest.mark.slow)])
def address(request: pytest.FixtureRequest) -> str:
    """An empty, writable data set on a real server."""
    found: str = request.getfixturevalue(f"{request.param}_address")
    httpx.post(f"{found}/update", data={"update": "CLEAR ALL"}).raise_for_status()
    return found


def held(store: Store) -> set[tuple[str, ...]]:
    return set(store.query("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }").rows)


def triples_of(graph: Graph) -> set[tuple[str, ...]]:
    return {(str(t.subject), str(t.predicate), str(t.object)) for t in rdf.triples(graph)}


def test_a_server_holds_the_triples_of_the_exports(address: str) -> None:
    store = open_store(address)
    store.load(small_graph())
    assert held(store) == triples_of(small_graph())
    store.load(small_graph(), prune=True)
    assert held(store) == triples_of(small_graph())


def test_prune_removes_what_is_over_and_nothing_of_others(address: str) -> None:
    store = open_store(address)
    httpx.post(f"{address}/update", data={"update": "INSERT DATA { <urn:mine> <urn:is> 'here' }"}).raise_for_status()
    less = replace(small_graph(), statements=small_graph().statements[:5])
    store.load(small_graph())
    store.load(less)
    assert held(store) > triples_of(less)
    store.load(less, prune=True)
    assert held(store) == triples_of(less) | {("<urn:mine>", "<urn:is>", '"here"')}


def test_the_catalogue_gives_the_rows_of_the_embedded_store(address: str, tmp_path: Path) -> None:
    remote, embedded = open_store(address), open_store(f"oxigraph:{tmp_path / 'graph'}")
    remote.load(small_graph())
    embedded.load(small_graph())
    for name, question in catalogue().items():
        values = {p.name: str(p.example) for p in question.parameters if p.example is not None}
        assert queries.ask(question, remote, values) == queries.ask(question, embedded, values), name
    assert queries.ask(catalogue()["parts"], remote, {"method": "bert"}).rows


def test_a_former_id_says_what_replaced_it(address: str, tmp_path: Path) -> None:
    former = {"method:bidirectional": "method:bert", "paper:x": "paper:bert"}
    save(tmp_path, State(graph=small_graph(), redirects=former))
    assert CliRunner().invoke(main, ["load", str(tmp_path), address]).exit_code == 0
    store, asked = open_store(address), "SELECT ?old ?now { ?old dcterms:isReplacedBy ?now } ORDER BY ?old"
    assert store.query(asked).rows == tuple(sorted(former.items()))
    store.load(small_graph(), redirects={"paper:x": "paper:bert"}, prune=True)
    assert store.query(asked).rows == (("paper:x", "paper:bert"),)


def test_strange_text_comes_out_as_it_went_in(address: str) -> None:
    store = open_store(address)
    store.load(small_graph())
    asked = "SELECT ?c ?n { ?c skos:prefLabel ?n FILTER(?n = $name) }"
    assert store.query(asked, {"name": WEIRD_NAME}).rows == (("concept:weird", WEIRD_NAME),)
    assert store.query("ASK { method:bert a kg:Method }").rows == ((True,),)


def test_kg_load_and_kg_sparql(address: str, tmp_path: Path) -> None:
    save(tmp_path, State(graph=small_graph()))
    ended = CliRunner().invoke(main, ["load", str(tmp_path), address])
    assert (ended.exit_code, ended.output) == (0, f"{address}: 7 papers, 12 nodes, 43 statements\n")
    asked = CliRunner().invoke(main, ["sparql", address, "SELECT (COUNT(?p) AS ?n) { ?p a kg:Paper }", "--csv"])
    assert asked.output == "n\n7\n"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("INSERT DATA { <urn:a> <urn:b> 1 }", "INSERT is refused"),
        ("SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }", "SERVICE is refused"),
        ("SELECT * { ?s ?p }", "the server answers 400"),
        ("SELECT * { ?a ?b ?c }", "more than 100 rows"),
        (
            "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }",
            "stopped after 3 s|no answer in time",
        ),
    ],
)
def test_what_does_not_only_read_or_takes_too_much_is_refused(query: str, said: str, tmp_path: Path) -> None:
    with oxigraph_server(tmp_path / "data") as address:
        store = open_store(address)
        store.load(replace(small_graph(), statements=()))
        with pytest.raises(StoreError, match=said):
            store.query(query, limits=Limits(seconds=3, rows=100))


def test_a_read_only_server_is_told(tmp_path: Path) -> None:
    open_store(f"oxigraph:{tmp_path / 'data'}").load(small_graph())
    with oxigraph_server(tmp_path / "data", "serve-read-only") as address:
        store = open_store(address)
        with pytest.raises(StoreError, match=r"takes no updates|the server answers 403|refused \(403\)"):
            store.load(small_graph())
        assert held(store) == triples_of(small_graph())


class Guard(BaseHTTPRequestHandler):
    """A reverse proxy's door: 401 without the right credentials; behind it, an answer to ASK."""

    wanted = ""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        allowed = self.headers.get("Authorization") == self.wanted
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Type", "application/sparql-results+json")
        self.end_headers()
        if allowed:
            self.wfile.write(b'{"head": {}, "boolean": true}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({"SPARQL_USER": "ada", "SPARQL_PASSWORD": "é:secret"}, "Basic YWRhOsOpOnNlY3JldA=="),
        ({"SPARQL_TOKEN": "t0ken"}, "Bearer t0ken"),
    ],
)
def test_credentials_come_from_the_environment(
    variables: dict[str, str], wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Guard, "wanted", wanted)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Guard)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        store = open_store(f"http://127.0.0.1:{server.server_port}/sparql")
        with pytest.raises(
            StoreError, match=r"refused \(401\): check SPARQL_USER and SPARQL_PASSWORD, or SPARQL_TOKEN"
        ):
            store.query("ASK {}")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert store.query("ASK {}").rows == ((True,),)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://ada:open-sesame@127.0.0.1/ds", "leave them out and set SPARQL_USER"),
        ("http://127.0.0.1:1/ds", "no server answers"),
        ("http://", "a host is missing"),
        ("http://127.0.0.1:port/ds", "no address of the web"),
    ],
)
def test_wrong_addresses_get_one_clear_line(address: str, said: str) -> None:
    ended = CliRunner().invoke(main, ["sparql", address, "ASK {}"])
    assert ended.exit_code == 1
    assert said in ended.stderr
    assert "open-sesame" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
