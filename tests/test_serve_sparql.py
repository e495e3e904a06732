"""`/sparql` over real HTTP: the protocol, the formats, what is refused, and queries that would run wild."""

from __future__ import annotations

import concurrent.futures
import contextlib
import csv
import http.client
import io
import json
import socket
import time
from pathlib import Path
from urllib.parse import quote, quote_plus, urlsplit
from xml.etree import ElementTree

import httpx
import pyoxigraph as ox
import pytest
import rdflib

from tests.serving import server

# rdflib's own parser of JSON-LD uses a class that rdflib deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")

NAMES = "SELECT ?name { ?m a kg:Method ; skos:prefLabel ?name } ORDER BY ?name"
FORM = "application/x-www-form-urlencoded"
DIRECT = "application/sparql-query"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

#: Queries with what encodings break: %20 and + inside of an IRI and a string, and letters beyond ASCII.
AWKWARD = (
    'SELECT ("a%20b" AS ?x) {}',
    'SELECT ("1+1 = 2 & more" AS ?x) {}',
    'SELECT ("注意 é 😀 \u202e" AS ?x) {}',
    "SELECT (STR(<http://x/a%20b%2Bc+d?q=é>) AS ?x) {}",
    'SELECT ("%2520" AS ?x) {}',
)
EXPECTED = ("a%20b", "1+1 = 2 & more", "注意 é 😀 \u202e", "http://x/a%20b%2Bc+d?q=é", "%2520")


def ask(client: httpx.Client, query: str, way: str, accept: str = "*/*") -> httpx.Response:
    """The answer to a query that is sent in one of the three ways of the protocol."""
    headers = {"Accept": accept}
    if way == "get":
        return client.get("/sparql", params={"query": query}, headers=headers)
    if way == "get+":
        return client.get(f"/sparql?query={quote_plus(query)}", headers=headers)
    if way == "get%20":
        return client.get(f"/sparql?query={quote(query, safe='')}", headers=headers)
    if way == "form":
        return client.post("/sparql", data={"query": query}, headers=headers)
    return client.post("/sparql", content=query.encode(), headers={**headers, "Content-Type": DIRECT})


WAYS = ("get", "get+", "get%20", "form", "direct")


def cells(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    bindings = answer.json()["results"]["bindings"]
    return [next(iter(row.values()))["value"] for row in bindings]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("query", "expected"), list(zip(AWKWARD, EXPECTED, strict=True)))
def test_every_way_of_asking_decodes_once(served: httpx.Client, way: str, query: str, expected: str) -> None:
    assert cells(ask(served, query, way)) == [expected]


@pytest.mark.parametrize("way", WAYS)
def test_each_format_holds_the_same_rows(served: httpx.Client, way: str) -> None:
    expected = [f"Method{n}" for n in range(10)]
    as_json = ask(served, NAMES, way)
    assert as_json.headers["content-type"] == "application/sparql-results+json"
    assert cells(as_json) == expected
    as_csv = ask(served, NAMES, way, "text/csv")
    assert as_csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert [row["name"] for row in csv.DictReader(io.StringIO(as_csv.text))] == expected
    as_tsv = ask(served, NAMES, way, "text/tab-separated-values")
    assert as_tsv.text.splitlines() == ["?name", *(f'"{name}"' for name in expected)]
    as_xml = ask(served, NAMES, way, "application/sparql-results+xml")
    assert as_xml.headers["content-type"] == "application/sparql-results+xml"
    assert [
        literal.text for literal in ElementTree.fromstring(as_xml.text).iter() if "literal" in literal.tag
    ] == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", "application/json"),
        ("text/csv, application/json;q=0.9", "text/csv; charset=utf-8"),
        ("text/csv;q=0.1, */*;q=0.5", "application/sparql-results+json"),
        ("application/xml", "application/xml"),
        ("nonsense", "application/sparql-results+json"),
        ("image/png, application/sparql-results+xml;q=0.2", "application/sparql-results+xml"),
        (BROWSER, "text/html; charset=utf-8"),
    ],
)
def test_the_format_that_is_liked_best(served: httpx.Client, accept: str, expected: str) -> None:
    answer = ask(served, NAMES, "get", accept)
    assert answer.headers["content-type"] == expected
    assert "Accept" in answer.headers["vary"]


def test_graphs_in_each_format_are_the_same_triples(served: httpx.Client) -> None:
    query = (
        "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o . { ?s a kg:Method } UNION { ?s a kg:Statement } UNION { ?s a kg:Paper } }"
    )
    found = {}
    for accept in ("text/turtle", "application/n-triples", "application/ld+json", "application/rdf+xml"):
        answer = ask(served, query, "form", accept)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == accept
        found[accept] = set(ox.parse(answer.content, format=ox.RdfFormat.from_media_type(accept)))
    assert len(found["text/turtle"]) > 1000
    assert len(set(map(frozenset, found.values()))) == 1
    linked = ask(served, "DESCRIBE method:method1", "get", "application/ld+json").json()
    assert linked["@context"]["method"] == "https://kg.example.org/method/"
    assert linked["@graph"][0]["@id"] == "method:method1"
    graph = rdflib.Graph().parse(data=json.dumps(linked), format="json-ld")
    assert (rdflib.URIRef("https://kg.example.org/method/method1"), None, rdflib.Literal("Method1")) in graph


def test_same_query_same_bytes(served: httpx.Client) -> None:
    query = "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o . ?s a kg:Paper } ORDER BY ?s ?p ?o"
    assert len({ask(served, query, "get", "text/turtle").content for _ in range(4)}) == 1


def test_ask(served: httpx.Client) -> None:
    assert ask(served, "ASK { ?s a kg:Method }", "get").json()["boolean"] is True
    assert ask(served, "ASK { ?s a kg:Nothing }", "direct", "text/csv").text == "false"


def test_a_format_can_be_named(served: httpx.Client) -> None:
    assert served.get("/sparql", params={"query": NAMES, "format": "csv"}).text.startswith("name\r\nMethod0")
    unknown = served.get("/sparql", params={"query": NAMES, "format": "xlsx"})
    assert (unknown.status_code, unknown.text) == (
        400,
        "no format 'xlsx'; known: csv, html, json, jsonld, nt, rdfxml, tsv, ttl, xml\n",
    )


def test_head_is_get_without_a_body(served: httpx.Client) -> None:
    get, head = served.get("/sparql", params={"query": NAMES}), served.head("/sparql", params={"query": NAMES})
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["content-type"] == get.headers["content-type"]


def test_service_description(served: httpx.Client) -> None:
    graph = rdflib.Graph()
    for accept in ("*/*", "text/turtle", "application/rdf+xml", "application/ld+json", "application/n-triples"):
        answer = served.get("/sparql", headers={"Accept": accept})
        assert answer.status_code == 200
        kind = answer.headers["content-type"].partition(";")[0]
        graph = rdflib.Graph().parse(data=answer.text, format=kind)
        sd = rdflib.Namespace("http://www.w3.org/ns/sparql-service-description#")
        (service,) = graph.subjects(rdflib.RDF.type, sd.Service)
        assert graph.value(service, sd.endpoint) == rdflib.URIRef(str(served.base_url.join("/sparql")))
        assert (service, sd.supportedLanguage, sd.SPARQL11Query) in graph
        assert not list(graph.triples((None, sd.feature, sd.BasicFederatedQuery)))


def test_the_editor_is_for_browsers(served: httpx.Client) -> None:
    page = served.get("/sparql", headers={"Accept": BROWSER})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<textarea" in page.text
    answered = served.get("/sparql", params={"query": NAMES}, headers={"Accept": BROWSER})
    assert '<a href="/sparql?query=' in answered.text
    assert "Method9" in answered.text
    wrong = served.get("/sparql", params={"query": "SELECT <b>"}, headers={"Accept": BROWSER})
    assert wrong.status_code == 400
    assert "<b>" not in wrong.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT * {", "the query cannot be read: unexpected end of the query (line 1, column 11)"),
        ("SELECT *\n{ ?s ?p }", "the query cannot be read: unexpected '}' (line 2, column 9)"),
        (
            "SELECT *\n{ ?s nope:x ?o }",
            "the prefix nope: is not declared: begin with PREFIX nope: <IRI> (line 2, column 6)",
        ),
        (
            "HELLO",
            "a SPARQL query begins with ASK, CONSTRUCT, DESCRIBE or SELECT, this one with 'HELLO' (line 1, column 1)",
        ),
    ],
)
@pytest.mark.parametrize("way", ["get", "form", "direct"])
def test_a_mistake_is_400_with_its_place(served: httpx.Client, way: str, query: str, said: str) -> None:
    answer = ask(served, query, way)
    assert answer.status_code == 400
    assert answer.text.splitlines()[0] == said
    assert len(answer.text.splitlines()) == 3


UPDATES = (
    "INSERT DATA { <http://a> <http://b> <http://c> }",
    "DELETE WHERE { ?s ?p ?o }",
    "LOAD <http://x/>",
    "CLEAR ALL",
)


@pytest.mark.parametrize("update", UPDATES)
def test_updates_are_refused(served: httpx.Client, update: str) -> None:
    before = cells(ask(served, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", "get"))
    for way in ("get", "form", "direct"):
        assert ask(served, update, way).status_code == 400
    for answer in (
        served.post("/sparql", data={"update": update}),
        served.post("/sparql", content=update, headers={"Content-Type": "application/sparql-update"}),
        served.get("/sparql", params={"update": update}),
    ):
        assert answer.status_code == 403
        assert "only reads" in answer.text
    assert cells(ask(served, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", "get")) == before


def test_what_the_protocol_does_not_allow(served: httpx.Client) -> None:
    def status(answer: httpx.Response) -> int:
        assert answer.text.endswith("\n")
        return answer.status_code

    query = {"query": NAMES}
    assert status(served.get("/sparql", params=[("query", NAMES), ("query", NAMES)])) == 400
    assert status(served.post("/sparql", data={})) == 415  # httpx sends no content type then
    assert status(served.post("/sparql", content="", headers={"Content-Type": FORM})) == 400
    assert status(served.post("/sparql", params=query, content="", headers={"Content-Type": FORM})) == 400
    assert status(served.post("/sparql", params=query, content=NAMES, headers={"Content-Type": DIRECT})) == 400
    assert status(served.get("/sparql?query=%FF%FE")) == 400
    assert status(served.post("/sparql", content=b"query=%FF", headers={"Content-Type": FORM})) == 400
    assert status(served.post("/sparql", content=b"ASK {} # \xff", headers={"Content-Type": DIRECT})) == 400
    assert status(served.get("/sparql?" + "&".join(["a=b"] * 200))) == 400
    assert status(served.get("/sparql", params={**query, "default-graph-uri": "http://x/"})) == 400
    assert status(served.post("/sparql", data={**query, "named-graph-uri": "http://x/"})) == 400
    assert served.get("/sparql", params={**query, "default-graph-uri": ""}).status_code == 200
    wrong = served.post("/sparql", json=query)
    assert status(wrong) == 415
    assert wrong.headers["accept-post"] == f"{DIRECT}, {FORM}"
    latin = served.post("/sparql", content=NAMES, headers={"Content-Type": f"{DIRECT}; charset=latin-1"})
    assert status(latin) == 415
    packed = served.post("/sparql", content=b"x", headers={"Content-Type": DIRECT, "Content-Encoding": "gzip"})
    assert status(packed) == 415
    for accept, query_text in (("text/turtle", NAMES), ("image/png", NAMES), ("text/csv", "DESCRIBE method:method1")):
        answer = ask(served, query_text, "get", accept)
        assert status(answer) == 406
        assert ("text/turtle" if "DESCRIBE" in query_text else "sparql-results+json") in answer.text
    for method in ("PUT", "DELETE", "PATCH", "PROPFIND"):
        refused = served.request(method, "/sparql")
        assert status(refused) == 405
        assert refused.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_nothing_else_is_exposed(served: httpx.Client) -> None:
    for path in (
        "/store",
        "/update",
        "/query",
        "/data",
        "/sparql/x",
        "/sparql/",
        "/static/../app.py",
        "/static/app.py",
    ):
        assert served.get(path).status_code in {404, 307}, path
    assert served.post("/store", content="x").status_code == 404


def test_other_origins_may_ask(served: httpx.Client) -> None:
    origin = {"Origin": "https://elsewhere.example"}
    assert served.get("/sparql", params={"query": NAMES}, headers=origin).headers["access-control-allow-origin"] == "*"
    preflight = served.options(
        "/sparql",
        headers={**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"},
    )
    assert preflight.status_code == 200
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
    plain = served.options("/sparql")
    assert (plain.status_code, plain.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")


SERVICES = (
    "SELECT * { SERVICE <http://127.0.0.1:PORT/x> { ?s ?p ?o } }",
    "SELECT * { SERVICE SILENT <http://127.0.0.1:PORT/x> { ?s ?p ?o } }",
    "PREFIX x: <http://127.0.0.1:PORT/> SELECT * { VALUES ?v { 1 } SERVICE x:y { ?s ?p ?o } }",
    "PREFIX : <http://127.0.0.1:PORT/> SELECT * { VALUES ?v { 1 }SERVICE:y{ ?s ?p ?o } }",
    'PREFIX x: <http://127.0.0.1:PORT/> SELECT * { VALUES ?v {1} FILTER(?v<?b)SERVICE x:y#>"""\n {?a ?b ?c}\n#"""\n }',
    "PREFIX x: <http://127.0.0.1:PORT/> SELECT * { VALUES ?v {true}SERVICESILENT x:y { ?a ?b ?c } }",
    "SELECT * { ?a ?b ?c FILTER EXISTS { SERVICE <http://127.0.0.1:PORT/> { ?a ?b ?c } } }",
    "SELECT * { VALUES ?s { <http://127.0.0.1:PORT/> } SERVICE ?s { ?a ?b ?c } }",
)


@pytest.mark.parametrize("query", SERVICES)
def test_no_query_leaves_the_server(served: httpx.Client, query: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0.3)
        answer = ask(served, query.replace("PORT", str(elsewhere.getsockname()[1])), "form")
        assert (answer.status_code, answer.text[:22]) == (403, "SERVICE is refused: a ")
        with pytest.raises(TimeoutError):
            elsewhere.accept()


def test_the_word_service_is_no_service(served: httpx.Client) -> None:
    query = 'PREFIX service: <http://x/> SELECT ?service { BIND("SERVICE <x>" AS ?service) } # SERVICE <http://x/> {}'
    assert cells(ask(served, query, "get")) == ["SERVICE <x>"]


def test_hosts_can_be_allowed(served_folder: Path) -> None:
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(server(served_folder, "--workers", "2", "--allow-service", "127.0.0.1"))
        client = stack.enter_context(httpx.Client(base_url=address, timeout=30))
        query = f"SELECT ?n {{ SERVICE <{address}/sparql> {{ SELECT (COUNT(*) AS ?n) {{ ?m a kg:Method }} }} }}"
        query = f"PREFIX kg: <https://kg.example.org/ontology#> {query}"
        assert cells(ask(client, query, "form")) == ["10"]
        for other in ("http://localhost/", f"http://127.0.0.1@localhost:{urlsplit(address).port}/"):
            refused = ask(client, f"ASK {{ SERVICE <{other}> {{ ?s ?p ?o }} }}", "get")
            assert (refused.status_code, refused.text.partition(" (")[0]) == (
                403,
                "SERVICE is refused: only these hosts may be asked: 127.0.0.1",
            )
        written = ask(client, "ASK { VALUES ?s { <http://127.0.0.1/> } SERVICE ?s { ?a ?b ?c } }", "get")
        assert "in full" in written.text
        description = client.get("/sparql").text
        assert "BasicFederatedQuery" in description


#: Each runs for very long, or grows without end, if nobody stops it; and the statuses that are right.
EVIL = {
    "count of a cross product": ("SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", {504}),
    "order of a cross product": ("SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?f ?a LIMIT 5", {503, 504}),
    "ten million rows": ("SELECT * { ?a ?b ?c . ?d ?e ?f }", {503}),
    "triples of a cross product": ("CONSTRUCT { ?a ?e ?f } { ?a ?b ?c . ?d ?e ?f }", {503, 504}),
    "memory": ("SELECT (GROUP_CONCAT(CONCAT(STR(?a), STR(?f))) AS ?x) { ?a ?b ?c . ?d ?e ?f }", {503, 504}),
    "paths": ("SELECT (COUNT(*) AS ?n) { ?a (!<x:y>)* ?b . ?c (!<x:y>)* ?d }", {503, 504}),
    "large answer": (
        'SELECT (CONCAT(STR(?a), ?x, ?x, ?x, ?x) AS ?y) { ?a ?b ?c BIND("' + "x" * 2000 + '" AS ?x) }',
        {503},
    ),
    "deep nesting": ("SELECT * " + "{" * 100_000 + "}" * 100_000, {400, 503}),
}


@pytest.mark.parametrize("name", EVIL)
def test_evil_queries_end_in_time_and_others_go_on(served: httpx.Client, name: str) -> None:
    query, statuses = EVIL[name]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        started = time.monotonic()
        evil = pool.submit(ask, served, query, "direct")
        time.sleep(0.3)
        waited = []
        for _ in range(5):
            before = time.monotonic()
            assert cells(ask(served, "SELECT ?m { ?m a kg:Method }", "get"))[0].startswith(
                "https://kg.example.org/method/"
            )
            waited.append(time.monotonic() - before)
        answer = evil.result(timeout=20)
        took = time.monotonic() - started
    assert answer.status_code in statuses, answer.text
    assert answer.text.count("\n") <= 4
    assert took < 3 + 3
    assert sorted(waited)[2] < 1.0
    assert cells(ask(served, NAMES, "get"))[0] == "Method0"


def test_when_all_are_busy_the_answer_says_when_to_come_back(served_folder: Path) -> None:
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(server(served_folder, "--workers", "1", "--timeout", "6"))
        client = stack.enter_context(httpx.Client(base_url=address, timeout=30))
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor())
        slow = pool.submit(ask, client, EVIL["count of a cross product"][0], "form")
        time.sleep(0.5)
        busy = ask(client, NAMES, "get")
        assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
        assert client.get("/method/method1.html").status_code == 200
        assert slow.result(timeout=20).status_code == 504
        time.sleep(1.5)
        assert cells(ask(client, NAMES, "get"))[0] == "Method0"


def test_a_client_that_goes_away_frees_its_process(served_folder: Path) -> None:
    with server(served_folder, "--workers", "1", "--timeout", "60") as address:
        with httpx.Client(base_url=address, timeout=1.0) as impatient, pytest.raises(httpx.ReadTimeout):
            ask(impatient, EVIL["count of a cross product"][0], "form")
        with httpx.Client(base_url=address, timeout=30) as client:
            deadline = time.monotonic() + 20  # far less than the 60 s that the query would run
            while (answer := ask(client, NAMES, "get")).status_code == 503 and time.monotonic() < deadline:
                time.sleep(0.1)
            assert cells(answer)[0] == "Method0"


def test_a_text_of_ten_megabytes(served: httpx.Client) -> None:
    text = NAMES + " # " + "x" * 10_000_000
    for way in ("form", "direct"):
        answer = ask(served, text, way)
        assert answer.status_code == 413
        assert "1,048,576 bytes" in answer.text
    address = urlsplit(str(served.base_url))
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        with contextlib.suppress(ConnectionError):  # it may be cut short
            connection.sendall(b"GET /sparql?query=" + b"x" * 10_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert cells(ask(served, NAMES, "get"))[0] == "Method0"


def test_addresses_and_headers_that_are_too_long(served: httpx.Client) -> None:
    def get(path: str, headers: dict[str, str]) -> tuple[int, str]:  # httpx refuses such addresses itself
        with contextlib.closing(http.client.HTTPConnection(served.base_url.host, served.base_url.port or 80)) as client:
            client.request("GET", path, headers=headers)
            answer = client.getresponse()
            return answer.status, answer.read().decode()

    long = "longer than 65,536 bytes, which is the limit here"
    for path in ("/sparql?query=", "/cypher?query=", "/method/"):
        assert get(path + "x" * 100_000, {}) == (414, f"the address is {long}: send queries by POST\n")
    assert get("/sparql?query=ASK%7B%7D%23" + "x" * 65_000, {})[0] == 200
    assert get("/", {"X-Long": "x" * 60_000, "X-Longer": "x" * 60_000}) == (431, f"the headers are {long}\n")


def test_former_ids_are_in_the_store(served: httpx.Client) -> None:
    answer = ask(served, "SELECT ?now { <https://kg.example.org/method/old-name> dcterms:isReplacedBy ?now }", "get")
    assert cells(answer) == ["https://kg.example.org/method/method1"]
