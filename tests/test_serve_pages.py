"""The pages of `kg serve` over real HTTP: what an id leads to, what is escaped, and what happens when a build comes."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pyoxigraph as ox
import pytest
import rdflib

from kg.graph import Graph
from kg.model import evidence_id
from kg.ontology import BASE, curie, iri
from tests.serving import AWKWARD, made_up, server, write

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
GRAPH = made_up()


def path_of(identifier: str) -> str:
    return iri(identifier, "/")


def examples() -> Iterator[str]:
    """One id of each kind, and those that are hard for addresses."""
    yield from ("method:method1", "dataset:data2", "author:ada-lovelace", "venue:proc-of-tests", "paper:p3")
    yield GRAPH.statements[0].id
    yield next(statement.id for statement in GRAPH.statements if statement.negated)
    yield evidence_id(GRAPH.statements[0], GRAPH.statements[0].evidence[0])
    yield GRAPH.results[0].id
    yield from AWKWARD


class Page(HTMLParser):
    """What a test looks at in a page: links, tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "a":
            self.links.append(attributes["href"] or "")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("identifier", list(examples()))
def test_a_thing_leads_to_its_documents(served: httpx.Client, identifier: str) -> None:
    thing = path_of(identifier)
    for accept, kind in (
        ("text/html", "text/html; charset=utf-8"),
        ("text/turtle", "text/turtle"),
        ("application/ld+json", "application/ld+json"),
        ("application/json", "application/json"),
        ("text/turtle;q=0.9, text/html;q=0.1", "text/turtle"),
    ):
        see = served.get(thing, headers={"Accept": accept})
        assert (see.status_code, "Accept" in see.headers["vary"]) == (303, True)
        document = served.get(see.headers["location"], headers={"Accept": "image/png"})
        assert document.status_code == 200, document.text
        assert document.headers["content-type"] == kind
        assert f'<{thing}>; rel="describes"' in document.headers["link"]
        assert served.head(see.headers["location"]).headers["content-length"] == document.headers["content-length"]
    node = ox.NamedNode(iri(identifier))
    for suffix, media in (("ttl", "text/turtle"), ("jsonld", "application/ld+json")):
        named = served.get(thing, params={"format": suffix}).content
        triples = {triple.triple for triple in ox.parse(named, format=ox.RdfFormat.from_media_type(media))}
        assert any(triple.subject == node for triple in triples)
    assert served.get(thing, params={"format": "json"}).json()["id"] == identifier
    assert served.get(thing, headers={"Accept": "image/png"}).status_code == 406
    assert served.get(thing, params={"format": "pdf"}).status_code == 400
    assert served.post(thing).status_code == 405
    assert curie(BASE + thing.removeprefix("/")) == identifier


def test_every_link_of_every_kind_of_page_leads_somewhere(served: httpx.Client) -> None:
    todo, seen = ["/", "/sparql", "/cypher", "/search?q=method1", *map(path_of, examples())], set()
    kinds: dict[str, int] = {}
    while todo:
        address = todo.pop()
        kind = address.split("/")[1].partition("?")[0]
        if address in seen or kinds.get(kind, 0) >= 12 or kind == "picture":
            continue
        seen.add(address)
        kinds[kind] = kinds.get(kind, 0) + 1
        answer = served.get(address, headers=HTML, follow_redirects=True)
        assert answer.status_code == 200, (address, answer.text)
        if answer.headers["content-type"].startswith("text/html"):
            todo += [link for link in Page(answer.text).links if link.startswith("/")]
    assert kinds.keys() >= {"method", "dataset", "paper", "author", "venue", "statement", "evidence", "result"}


@pytest.mark.parametrize("identifier", list(examples()))
def test_pages_are_safe(served: httpx.Client, identifier: str) -> None:
    answer = served.get(path_of(identifier), headers=HTML, follow_redirects=True)
    page = Page(answer.text)
    assert not [tag for tag, _ in page.tags if tag in {"b", "i", "u", "script", "style"}]
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]
    for link in page.links:
        assert link.startswith(("/", "https://", "http://", "#")), link
    for _, attributes in page.tags:
        for name in ("src", "action"):
            assert (attributes.get(name) or "/").startswith("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("identifier", list(examples()))
def test_evidence_is_shown_with_names_marked(served: httpx.Client, identifier: str) -> None:
    html = served.get(path_of(identifier), headers=HTML, follow_redirects=True).text
    kind = identifier.partition(":")[0]
    if kind in {"author", "venue"}:
        assert "Method1 &amp; more" in html
        return
    marks = {re.sub(r"<[^>]+>", "", mark) for mark in re.findall(r"<mark>(.*?)</mark>", html)}
    assert any(mark.startswith(("9" if kind == "result" else "Method", "Data")) for mark in marks)
    if kind in {"method", "dataset", "statement", "evidence", "result"}:
        assert 'href="/paper/' in html


def test_the_rdf_of_a_page_is_that_of_the_store(served: httpx.Client) -> None:
    for identifier in ("method:method1", "paper:p3", GRAPH.statements[0].id, GRAPH.results[0].id):
        page = rdflib.Graph().parse(data=served.get(f"{path_of(identifier)}?format=ttl").text, format="turtle")
        query = {"query": f"CONSTRUCT {{ <{iri(identifier)}> ?p ?o }} {{ <{iri(identifier)}> ?p ?o }}"}
        store = rdflib.Graph().parse(data=served.get("/sparql", params=query).text, format="turtle")
        assert store
        assert not store - page
        mine = rdflib.Namespace(BASE)
        for triple in page:
            subject, predicate, value = (term.n3() for term in triple)
            assert served.get("/sparql", params={"query": f"ASK {{ {subject} {predicate} {value} }}"}).json()["boolean"]
            assert str(triple[0]).startswith(mine)


def test_former_ids_lead_to_those_of_today(served: httpx.Client) -> None:
    for path, now in (
        ("/method/old-name", "/method/method1"),
        ("/method/old-name.ttl", "/method/method1.ttl"),
        ("/paper/old/1", "/paper/p1"),
    ):
        moved = served.get(path, headers=HTML)
        assert (moved.status_code, moved.headers["location"]) == (301, now)
        assert served.get(path, headers=HTML, follow_redirects=True).status_code == 200
    page = served.get("/method/method1.html").text
    assert "method:old-name" in page
    assert served.get("/method/method1.json").json()["former_ids"] == ["method:old-name"]


@pytest.mark.parametrize(
    "path",
    [
        "/method/methud1",
        "/method/",
        "/method/method1.pdf",
        "/paper/%00",
        "/paper/..%2f..%2fetc%2fpasswd",
        "/paper/%FF",
        "/method/%3Cscript%3Ealert(1)%3C/script%3E",
        "/nothing/here",
        "/static/..%2f..%2fcli.py",
        "/statement/nope",
        "/evidence/nope",
        "/result/nope",
        "/author/nope",
        "/picture?around=nope",
        "/a" * 200,
    ],
)
def test_what_is_not_there(served: httpx.Client, path: str) -> None:
    answer = served.get(path, headers=HTML)
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
    text = served.get(path)
    assert (text.status_code, text.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert text.text.count("\n") == 1


def test_a_wrong_id_is_answered_with_what_may_be_meant(served: httpx.Client) -> None:
    assert '<a class="other" href="/method/method1">' in served.get("/method/methud1", headers=HTML).text
    assert "did you mean method:method" in served.get("/method/methud1").text


def test_search(served: httpx.Client) -> None:
    page = served.get("/search", params={"q": "METHOD1"}, headers=HTML)
    assert '<a class="other" href="/method/method1">Method1</a>' in page.text
    found = served.get("/search", params={"q": "method1"}, headers={"Accept": "application/json"}).json()
    assert found[0] | {"papers": 0} == {
        "id": "method:method1",
        "type": "Method",
        "name": "Method1",
        "papers": 0,
        "match": "exact",
        "matched": "Method1",
    }
    for text in ("", "<script>alert(1)</script>", "%", "x" * 5000):
        nothing = served.get("/search", params={"q": text}, headers=HTML)
        assert (nothing.status_code, "<script>alert" in nothing.text) == (200, False)


def test_the_start_page(served: httpx.Client) -> None:
    page = Page(served.get("/", headers=HTML).text)
    assert "127" in page.text
    for query in [link for link in page.links if link.startswith(("/sparql?", "/cypher?"))]:
        answer = served.get(query, headers=HTML)
        assert answer.status_code == 200, answer.text
        assert "<table>" in answer.text, query
    assert ("iframe", "/picture") in [(tag, attributes.get("src")) for tag, attributes in page.tags]


def test_the_picture_is_apart(served: httpx.Client) -> None:
    for path in ("/picture", "/picture?around=method:method1"):
        answer = served.get(path)
        assert answer.status_code == 200
        assert "sandbox allow-scripts" in answer.headers["content-security-policy"]
        assert "Method1" in answer.text


def test_a_token_keeps_others_out(served_folder: Path) -> None:
    with server(served_folder, "--workers", "1", env={"KG_TOKEN": "se:cret"}) as address:
        for path in (
            "/",
            "/sparql?query=ASK%20%7B%7D",
            "/cypher",
            "/method/method1.html",
            "/static/style.css",
            "/nope",
        ):
            for headers in (
                {},
                {"Authorization": "Bearer wrong"},
                {"Authorization": "Basic %%%"},
                {"Authorization": "x"},
            ):
                refused = httpx.get(address + path, headers=headers)
                assert refused.status_code == 401
                assert "Bearer" in refused.headers["www-authenticate"]
        ask = f"{address}/sparql?query=ASK%20%7B%7D"
        assert httpx.get(ask, headers={"Authorization": "Bearer se:cret"}).status_code == 200
        assert httpx.get(ask, auth=("anyone", "se:cret")).status_code == 200
        preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
        assert httpx.options(ask, headers=preflight).status_code == 200


def test_a_build_is_taken_over_while_serving(tmp_path: Path) -> None:
    folder = write(tmp_path / "graph", made_up(10))
    with server(folder, "--workers", "2") as address, httpx.Client(base_url=address, timeout=30) as client:

        def papers() -> tuple[int, int, bool]:
            sparql = client.get("/sparql", params={"query": "SELECT (COUNT(*) AS ?n) { ?p a kg:Paper }"}).json()
            cypher = client.post("/cypher", json={"query": "MATCH (p:Paper) RETURN count(*) AS n"}).json()
            page = client.get("/paper/p15.html").status_code == 200
            return int(sparql["results"]["bindings"][0]["n"]["value"]), cypher["rows"][0][0], page

        assert papers() == (17, 17, False)
        write(folder, made_up(20))
        deadline = time.monotonic() + 60
        seen = {papers()}
        while papers() != (27, 27, True):
            seen.add(papers())
            assert time.monotonic() < deadline
            time.sleep(0.2)
        # A directory that is damaged afterwards does not take the server down.
        shutil.copy(folder / "manifest.json", tmp_path / "kept.json")
        (folder / "manifest.json").write_text("{")
        time.sleep(1.2)
        assert papers() == (27, 27, True)
        time.sleep(1.2)
        assert papers() == (27, 27, True)
        shutil.copy(tmp_path / "kept.json", folder / "manifest.json")
        write(folder, made_up(5))
        while papers() != (12, 12, False):
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_no_process_is_left_when_the_server_is_killed(served_folder: Path) -> None:
    command = [sys.executable, "-m", "kg", "serve", str(served_folder), "--port", "0", "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().split("served at ")[1].split()[0]
    assert httpx.get(address).status_code == 200
    children = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[1] == str(process.pid):
            children.add(int(entry.parent.name))
    assert len(children) >= 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 10
    while any(_lives(child) for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_cannot_be_served_is_one_line(tmp_path: Path, served_folder: Path) -> None:
    def fails(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "kg", "serve", *arguments], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1, done.stderr
        return done.stderr

    assert str(tmp_path) in fails(str(tmp_path), "--port", "0")
    damaged = tmp_path / "damaged"
    shutil.copytree(served_folder, damaged, ignore=shutil.ignore_patterns(".views"))
    content = (damaged / "statements.parquet").read_bytes()
    (damaged / "statements.parquet").write_bytes(content[: len(content) // 2])
    assert "statements.parquet" in fails(str(damaged), "--port", "0")
    with server(served_folder, "--workers", "1") as address:
        assert "choose another --port" in fails(str(served_folder), "--port", str(urlsplit(address).port))


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(
    "path",
    ["/", "/sparql", "/cypher", "/search?q=method", "/picture", "/method/nothing", *map(path_of, list(examples())[:9])],
)
def test_in_a_browser(served: httpx.Client, browser: Chrome, path: str, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(str(served.base_url.join(path)))
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= width
    complaints = [entry["message"] for entry in browser.get_log("browser") if "404 (Not Found)" not in entry["message"]]
    assert complaints == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert asked
    assert all(url.startswith((str(served.base_url), "data:")) for url in asked)


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/sparql", "SELECT (1 + 1 AS ?x) {}", "2"),
        ("/sparql", "ASK { ?m a kg:Method }", "Yes (true)"),
        ("/sparql", "SELECT (<javascript:alert(1)> AS ?x) {}", "javascript:alert(1)"),
        ("/sparql", "SELECT ?x { VALUES ?x { <http://a.example/%20x> } }", "http://a.example/%20x"),
        ("/cypher", "RETURN 'method:method1' AS x", "method:method1"),
    ],
)
def test_the_editor_runs_what_is_typed(
    served: httpx.Client, browser: Chrome, path: str, query: str, expected: str
) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.wait import WebDriverWait

    browser.get(str(served.base_url.join(path)))
    editor = browser.find_element(By.TAG_NAME, "textarea")
    editor.clear()
    editor.send_keys(query, Keys.CONTROL, Keys.ENTER)
    found = WebDriverWait(browser, 10).until(lambda b: b.find_elements(By.CSS_SELECTOR, "section[aria-live] td, .card"))
    assert expected in [cell.text for cell in found]
    assert browser.find_element(By.TAG_NAME, "textarea").get_attribute("value") == query
    links = [link.get_attribute("href") or "" for link in browser.find_elements(By.TAG_NAME, "a")]
    assert not [link for link in links if link.startswith("javascript")]


def test_an_empty_graph_can_be_served(tmp_path: Path) -> None:
    with server(write(tmp_path / "graph", Graph()), "--workers", "1") as address:
        assert httpx.get(f"{address}/", headers=HTML).status_code == 200
        assert httpx.get(f"{address}/picture").status_code == 200
        answer = httpx.get(f"{address}/sparql", params={"query": "SELECT ?m { ?m a kg:Method }"})
        assert json.loads(answer.text)["results"]["bindings"] == []
        assert httpx.get(f"{address}/method/x", headers=HTML).status_code == 404
