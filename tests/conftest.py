"""Fixtures that several test files share."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from kg.extract.annotations import read_extractions
from kg.graph import Graph, assemble
from kg.model import Entity, Extraction, Paper, Resolution
from tests.java_servers import NEO4J, Neo4jServer, NotAvailable, fuseki, neo4j
from tests.serving import server, write

if TYPE_CHECKING:
    import httpx
    from selenium.webdriver import Chrome

ROOT = Path(__file__).parents[1]

#: A busy machine is no failure; what CI tries is the same in every run, so that it fails for what a change did.
settings.register_profile("kg", deadline=None, derandomize=bool(os.environ.get("KG_NO_SKIP")))
settings.load_profile("kg")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where `KG_NO_SKIP` is set, as in CI, a test that skips has failed: what it needs has to be there."""
    report = yield
    if report.skipped and os.environ.get("KG_NO_SKIP"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} may not skip here (KG_NO_SKIP is set): {call.excinfo and call.excinfo.value}"
    return report


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `shared` beside the checkout: real samples and annotated papers, which are not in the repository."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder ../shared (samples and annotated papers), which is not part of the repository")
    return folder


@pytest.fixture(scope="session")
def gold_papers(shared: Path) -> dict[str, Paper]:
    """The 40 papers of the example page that are annotated, by id."""
    rows = map(json.loads, (shared / "gold" / "dev.papers.jsonl").read_text("utf-8").splitlines())
    papers = (Paper(id=f"paper:{row['id']}", title=row["title"], abstract=row["abstract"]) for row in rows)
    return {paper.id: paper for paper in papers}


@pytest.fixture(scope="session")
def gold_extractions(shared: Path, gold_papers: dict[str, Paper]) -> list[Extraction]:
    """The annotations of `gold_papers`."""
    return list(read_extractions(shared / "gold" / "dev.gold.jsonl", gold_papers))


@pytest.fixture(scope="session")
def gold_graph(gold_papers: dict[str, Paper], gold_extractions: list[Extraction]) -> Graph:
    """The graph of the annotated papers, resolved by their annotated canonical ids."""
    entities, assignments = {}, {}
    for extraction in gold_extractions:
        for entity in extraction.entities:
            assert entity.canonical is not None
            assignments[extraction.paper, entity.id] = entity.canonical
            entities[entity.canonical] = Entity(id=entity.canonical, type=entity.type, name=entity.name)
    resolution = Resolution(entities=tuple(entities.values()), assignments=assignments)
    return assemble(gold_papers.values(), gold_extractions, resolution)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Headless Chromium that reaches nothing but files and this machine, and logs its requests and console."""
    from selenium import webdriver

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs Chromium and its driver (Debian: chromium, chromium-driver), which are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver))
    try:
        yield chrome
    finally:
        chrome.quit()


@pytest.fixture(scope="session", params=sorted(NEO4J))
def neo4j_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4jServer]:
    """A real Neo4j of each release, running; a test empties the database before it uses it (`emptied`)."""
    try:
        with neo4j(request.param, tmp_path_factory.mktemp("neo4j")) as server:
            yield server
    except NotAvailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def fuseki_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty data set on a real Apache Jena Fuseki."""
    try:
        with fuseki(tmp_path_factory.mktemp("fuseki")) as address:
            yield address
    except NotAvailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def served_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph directory of made-up papers, for the tests of `kg serve`."""
    return write(tmp_path_factory.mktemp("served") / "graph")


@pytest.fixture(scope="session")
def served(served_folder: Path) -> Iterator[httpx.Client]:
    """A client of `kg serve`, which runs as a process of its own with small limits."""
    import httpx

    limits = ("--timeout", "3", "--memory", "512", "--workers", "3", "--max-rows", "20000", "--max-size", "4")
    with server(served_folder, *limits) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client
