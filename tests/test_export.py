"""Exports: golden files, the same triples in every syntax, other tools open what we write, nothing half-written."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import resource
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest
import rdflib
import zstandard
from click.testing import CliRunner
from golden_graph import FORMER, ODD, golden_graph
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg import ontology
from kg.cli import main
from kg.directory import State, save
from kg.export import FILES, FOLDERS, export
from kg.graph import Graph, above
from kg.model import Entity, Evidence, ExportError, OntologyError, Paper, ReportedResult, Statement, noisy_or
from kg.rdf import legal, to_rdflib, triples

GOLDEN = Path(__file__).parent / "golden"
RDF_SUFFIXES = ("ttl", "nt", "nq", "trig", "jsonld")
RDFLIB_NAMES = {"ttl": "turtle", "nt": "nt", "nq": "nquads", "trig": "trig", "jsonld": "json-ld"}
#: Files that we write ourselves to the letter; GraphML and GEXF come from NetworkX, Parquet from Arrow.
GOLDEN_FILES = ("graph.ttl", "graph.trig", "graph.nt", "graph.jsonld", "graph.json")
GOLDEN_TABLES = (
    "nodes.csv",
    "edges.csv",
    "evidence.csv",
    "nodes.jsonl",
    "edges.jsonl",
    "evidence.jsonl",
    "former_ids.csv",
    "former_ids.jsonl",
)


def parsed(path: Path) -> set[ox.Triple]:
    """The triples of an RDF file, whatever graph they are in, as pyoxigraph reads it."""
    return {ox.Triple(quad.subject, quad.predicate, quad.object) for quad in ox.parse(path=str(path))}


def parsed_by_rdflib(path: Path) -> set[tuple[str, ...]]:
    form, text = path.suffix.removeprefix("."), path.read_text("utf-8")
    graph = rdflib.Dataset(default_union=True) if form in ("nq", "trig") else rdflib.Graph()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # rdflib's own parsers still ask for its old names
        graph.parse(data=text, format=RDFLIB_NAMES[form])
        return {tuple(part.n3() for part in triple) for triple in graph.triples((None, None, None))}


def storable(graph: Graph) -> Graph:
    """Without the half of a surrogate pair, which a graph directory cannot hold."""
    papers = tuple(replace(paper, abstract=paper.abstract.replace("\ud800", "?")) for paper in graph.papers)
    return replace(graph, papers=papers)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    save(tmp_path / "graph", State(graph=storable(golden_graph()), redirects={"method:bert-model": "method:bert"}))
    return tmp_path / "graph"


def kg(*arguments: str | Path) -> Any:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


# ---- what is in the files ----


@pytest.mark.parametrize("name", [*GOLDEN_FILES, *GOLDEN_TABLES])
def test_golden_file(name: str, tmp_path: Path) -> None:
    """`KG_RENEW_GOLDEN=1 pytest tests/test_export.py` writes them anew; look at what git says has changed."""
    if name in GOLDEN_TABLES:
        export(golden_graph(), tmp_path, format=name.rpartition(".")[2], redirects=FORMER)
    else:
        export(golden_graph(), tmp_path / name, redirects=FORMER)
    written = (tmp_path / name).read_bytes()
    if os.environ.get("KG_RENEW_GOLDEN"):
        (GOLDEN / name).write_bytes(written)
    assert written == (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("suffix", RDF_SUFFIXES)
def test_every_syntax_holds_the_triples_of_the_graph(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"graph.{suffix}"
    export(golden_graph(), path, redirects={"method:bert-model": "method:bert"})
    expected = set(triples(golden_graph(), redirects={"method:bert-model": "method:bert"}))
    assert parsed(path) == expected
    assert parsed_by_rdflib(path) == {
        tuple(part.n3() for part in triple)
        for triple in to_rdflib(golden_graph(), redirects={"method:bert-model": "method:bert"})
    }
    store = ox.Store()
    store.load(path=str(path))
    assert {ox.Triple(quad.subject, quad.predicate, quad.object) for quad in store} == expected


@pytest.mark.parametrize("suffix", RDF_SUFFIXES)
def test_gold_papers_hold_the_same_triples_in_every_syntax(suffix: str, gold_graph: Graph, tmp_path: Path) -> None:
    path = tmp_path / f"graph.{suffix}"
    export(gold_graph, path, base="https://graph.acme.com/")
    assert parsed(path) == set(triples(gold_graph, "https://graph.acme.com/"))


@pytest.mark.parametrize("suffix", ["nq", "trig"])
def test_the_named_graph_of_a_paper_holds_what_it_states(suffix: str, tmp_path: Path) -> None:
    graph = golden_graph()
    export(graph, tmp_path / f"graph.{suffix}")
    named: dict[str, set[tuple[str, ...]]] = {}
    for quad in ox.parse(path=str(tmp_path / f"graph.{suffix}")):
        if isinstance(quad.graph_name, ox.NamedNode):
            triple = (str(quad.subject.value), str(quad.predicate.value), str(quad.object.value))
            named.setdefault(quad.graph_name.value, set()).add(triple)
    expected: dict[str, set[tuple[str, ...]]] = {}
    for one in graph.statements:
        for paper in one.papers if not one.negated else ():
            triple = (ontology.iri(one.subject), ontology.KG + one.predicate, ontology.iri(one.object))
            expected.setdefault(ontology.iri(paper), set()).add(triple)
    assert named == expected


def test_turtle_reads_well(tmp_path: Path) -> None:
    export(golden_graph(), tmp_path / "graph.ttl")
    text = (tmp_path / "graph.ttl").read_text("utf-8")
    assert '\nmethod:gpt a kg:Method ;\n    skos:prefLabel "GPT" ;\n    kg:papers 2 .\n' in text
    assert "    kg:studies method:bert, method:gpt ;\n" in text
    assert text.index("# ---- Papers") < text.index("# ---- Methods") < text.index("# ---- Statements")
    assert "\u202e" not in text  # a sign that turns the text around it is written as its number
    assert "\\u202ERTL" in text


def test_the_page_about_the_ontology_shows_real_turtle() -> None:
    page = (GOLDEN.parents[1] / "docs" / "ontology.md").read_text("utf-8")
    shown = page.partition("```turtle\n")[2].partition("\n```")[0]
    assert len(shown.split("\n\n")) == 2
    for block in shown.split("\n\n"):
        assert f"\n{block}\n" in (GOLDEN / "graph.ttl").read_text("utf-8")


def test_the_page_about_exports_names_all_formats() -> None:
    page = (GOLDEN.parents[1] / "docs" / "exporting.md").read_text("utf-8")
    assert set(re.findall(r"^\| `\.(\w+)` \|", page, re.MULTILINE)) == set(FILES)
    assert set(re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE)) == set(FOLDERS)


def test_json_ld_needs_no_network_and_shows_ids(tmp_path: Path) -> None:
    export(golden_graph(), tmp_path / "graph.jsonld")
    document = json.loads((tmp_path / "graph.jsonld").read_text("utf-8"))
    assert isinstance(document["@context"], dict)
    node = next(node for node in document["@graph"] if node["id"] == "method:bert")
    assert node["kg:outperforms"] == "method:gpt"
    assert node["type"] == "kg:Method"


def test_the_context_of_the_ontology_is_that_of_exports() -> None:
    kept = json.loads(ontology.path("context.jsonld").read_text("utf-8"))
    from kg.export.jsonld import context

    assert kept["@context"] == json.loads(json.dumps(context()))


# ---- NetworkX and the tools behind its formats ----


def edges_of(graph: nx.MultiDiGraph[str]) -> set[tuple[str, str, str]]:
    return {(legal(u), legal(v), key) for u, v, key in graph.edges(keys=True)}


def reopened(path: Path) -> nx.MultiDiGraph[str]:
    if path.suffix == ".graphml":
        return nx.read_graphml(path, force_multigraph=True)
    if path.suffix == ".gexf":
        return nx.read_gexf(path)
    return nx.node_link_graph(json.loads(path.read_text("utf-8")), edges="edges")


@pytest.mark.parametrize("suffix", ["graphml", "gexf", "json"])
def test_networkx_opens_the_same_nodes_and_edges(suffix: str, tmp_path: Path) -> None:
    graph = golden_graph()
    export(graph, tmp_path / f"graph.{suffix}")
    again, expected = reopened(tmp_path / f"graph.{suffix}"), graph.to_networkx()
    assert {legal(node) for node in again} == {legal(node) for node in expected}
    assert edges_of(again) == edges_of(expected)
    assert again.nodes["method:bert"]["type"] == "Method"
    assert ("method:bert", "method:gpt", "outperforms") in again.edges(keys=True)
    denied = again.edges["method:bert", "method:gpt", "not_outperforms"]
    assert denied["negated"] is True
    assert denied["confidence"] == 0.875


@pytest.mark.parametrize("suffix", ["graphml", "gexf"])
def test_scalars_tell_of_the_evidence(suffix: str, tmp_path: Path) -> None:
    export(golden_graph(), tmp_path / f"graph.{suffix}")
    edge = reopened(tmp_path / f"graph.{suffix}").edges["method:bert", "method:gpt", "not_outperforms"]
    assert edge["evidence"] == 2
    assert edge["score"] == 0.75
    assert edge["support"] == 2
    assert edge["sentence"] == "BERT does not outperform GPT."
    assert edge["papers"] == "paper:10.1000/<x> y paper:2402.13116"
    assert edge["hedged"] is False


def test_gexf_has_labels_colours_and_unique_edge_ids(tmp_path: Path) -> None:
    export(golden_graph(), tmp_path / "graph.gexf")
    again = nx.read_gexf(tmp_path / "graph.gexf")
    assert again.nodes["method:gpt"]["label"] == "GPT"
    color = ontology.load().types["Method"].color
    assert bytes(again.nodes["method:gpt"]["viz"]["color"][part] for part in "rgb").hex() == color.removeprefix("#")
    ids = [data["id"] for *_, data in again.edges(data=True)]
    assert len(ids) == len(set(ids))
    assert again.edges["method:bert", "method:gpt", "not_outperforms"]["label"] == "not outperforms"


def test_graphml_does_not_repeat_edge_ids(tmp_path: Path) -> None:
    export(golden_graph(), tmp_path / "graph.graphml")
    text = (tmp_path / "graph.graphml").read_text("utf-8")
    assert "<edge id=" not in text
    assert "<edge source=" in text


def test_node_link_keeps_all_evidence(tmp_path: Path) -> None:
    export(golden_graph(), tmp_path / "graph.json")
    edge = reopened(tmp_path / "graph.json").edges["method:bert", "task:nli", "used_for"]
    assert [evidence["sentence"] for evidence in edge["evidence"]] == [
        "Second line uses BERT,",
        "BERT and GPT compared",
    ]


# ---- tables ----


def table(folder: Path, name: str, form: str) -> list[dict[str, Any]]:
    path = folder / f"{name}.{form}"
    if form == "parquet":
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return [{column: value for column, value in row.items() if value not in (None, [])} for row in rows]
    if form == "jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_tables(form: str, tmp_path: Path) -> None:
    graph = golden_graph()
    export(graph, tmp_path / "tables", format=form)
    networkx = graph.to_networkx()
    nodes = table(tmp_path / "tables", "nodes", form)
    assert {row["id"] for row in nodes} == {legal(node) for node in networkx}
    assert next(row for row in nodes if row["id"] == ODD.id)["name"] == ODD.title
    edges = table(tmp_path / "tables", "edges", form)
    assert len(edges) == networkx.number_of_edges()
    denied = next(row for row in edges if str(row["negated"]).lower() == "true" and row["subject"] == "method:bert")
    assert float(denied["confidence"]) == 0.875
    papers = json.loads(denied["papers"]) if form == "csv" else denied["papers"]
    assert papers == [ODD.id, "paper:2402.13116"]
    evidence = table(tmp_path / "tables", "evidence", form)
    assert len(evidence) == sum(len(one.evidence) for one in graph.statements)
    assert all(len(row["words"]) == int(row["end"]) - int(row["start"]) for row in evidence)


def test_jsonl_and_parquet_tables_are_equal(gold_graph: Graph, tmp_path: Path) -> None:
    for form in ("jsonl", "parquet"):
        export(gold_graph, tmp_path, format=form)
    for name in ("nodes", "edges", "evidence"):
        from_json = [
            {column: value for column, value in row.items() if value != ""} for row in table(tmp_path, name, "jsonl")
        ]
        from_parquet = [
            {column: value for column, value in row.items() if value != ""} for row in table(tmp_path, name, "parquet")
        ]
        assert from_json == from_parquet


# ---- any text at all ----

TEXT = st.text(max_size=12)
WILD = st.text(alphabet=st.characters(), min_size=1, max_size=12) | st.sampled_from(
    [
        "\ud800",
        "\x00",
        '"\\',
        "'''",
        "]]>",
        "\u2028",
        "\r\n",
        "\u202e",
        "😀",
        "<script>",
        "%zz",
        "a.",
        "-",
        "//x",
        "\x85",
    ]
)


@st.composite
def graphs(draw: Callable[[Any], Any]) -> Graph:
    """Two papers, two entities, statements with evidence anywhere in the text, a result: all names are wild."""
    papers = tuple(
        Paper(
            id=f"paper:{number}{draw(WILD)}",
            title=draw(WILD),
            abstract=draw(TEXT),
            authors=tuple(draw(st.lists(WILD, max_size=2))),
            year=draw(st.none() | st.integers(-99, 12000)),
            venue=draw(st.none() | WILD),
            url=draw(st.none() | WILD | WILD.map("https://".__add__)),
            doi=draw(st.none() | WILD),
            keywords=tuple(draw(st.lists(WILD, max_size=2))),
        )
        for number in (1, 2)
    )
    names = {kind: draw(WILD) for kind in ("Method", "Task")}
    entities = tuple(
        Entity(
            id=f"{kind.lower()}:{ontology.slug(legal(text))}",
            type=kind,
            name=text,
            aliases=tuple(draw(st.lists(WILD, max_size=2))),
            same_as=tuple(draw(st.lists(WILD | WILD.map("wd:".__add__), max_size=2))),
            papers=1,
        )
        for kind, text in names.items()
    )

    def seen(paper: Paper, negated: bool) -> Evidence:
        start = draw(st.integers(0, len(paper.text) - 1))
        return Evidence(
            paper=paper.id,
            start=start,
            end=draw(st.integers(start + 1, len(paper.text))),
            score=draw(st.floats(0, 1)),
            extractor=draw(TEXT),
            negated=negated,
        )

    statements = [
        Statement(
            subject=entities[0].id,
            predicate="used_for",
            object=entities[1].id,
            negated=negated,
            evidence=tuple(sorted(seen(paper, negated) for paper in papers)),
        )
        for negated in (False, True)
    ]
    statements += [
        Statement(subject=paper.id, predicate="mentions", object=entities[1].id, evidence=(seen(paper, False),))
        for paper in papers
    ]
    value = draw(WILD)
    result = ReportedResult(
        id="result:0123456789abcdef",
        paper=papers[0].id,
        value=value,
        number=draw(st.none() | st.floats(allow_nan=False, allow_infinity=False)),
        unit=draw(st.none() | WILD),
        note=draw(st.none() | WILD),
        method=entities[0].id,
        start=0,
        end=1,
    )
    return Graph(
        papers=papers,
        entities=tuple(sorted(entities, key=lambda entity: entity.id)),
        statements=tuple(sorted(statements, key=lambda one: one.key)),
        results=(result,),
    )


@given(graph=graphs())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_wild_text_goes_through_every_export(graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("wild")
    expected = set(triples(graph))
    for suffix in RDF_SUFFIXES:
        path = folder / f"graph.{suffix}"
        export(graph, path)
        assert parsed(path) == expected, suffix
    by_rdflib = {tuple(part.n3() for part in triple) for triple in to_rdflib(graph)}
    for suffix in ("ttl", "trig", "jsonld"):
        assert parsed_by_rdflib(folder / f"graph.{suffix}") == by_rdflib, suffix
    networkx = graph.to_networkx()
    for suffix in ("graphml", "gexf", "json"):
        path = folder / f"graph.{suffix}"
        export(graph, path)
        again = reopened(path)
        assert {legal(node) for node in again} == {legal(node) for node in networkx}, suffix
        assert edges_of(again) == edges_of(networkx), suffix
    for form in FOLDERS:
        if form in ("csv", "jsonl", "parquet"):
            export(graph, folder / form, format=form)
            assert len(table(folder / form, "nodes", form)) == networkx.number_of_nodes(), form
            assert len(table(folder / form, "edges", form)) == networkx.number_of_edges(), form


# ---- files: names, disk errors, the same bytes ----


def test_same_graph_same_bytes(tmp_path: Path) -> None:
    for number in (1, 2):
        for suffix in FILES:
            export(golden_graph(), tmp_path / str(number) / f"graph.{suffix}")
        for form in ("csv", "jsonl", "parquet"):
            export(golden_graph(), tmp_path / str(number) / form, format=form)
        export(golden_graph(), tmp_path / str(number) / "graph.nt.gz")
    files = sorted(path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*") if path.is_file())
    assert len(files) == len(FILES) + 9 + 1
    for file in files:
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes(), file


def test_compressed_files_hold_the_same(tmp_path: Path) -> None:
    for name in ("graph.ttl", "graph.ttl.gz", "graph.ttl.zst"):
        export(golden_graph(), tmp_path / name)
    plain = (tmp_path / "graph.ttl").read_bytes()
    assert gzip.decompress((tmp_path / "graph.ttl.gz").read_bytes()) == plain
    with zstandard.open(tmp_path / "graph.ttl.zst", "rb") as file:
        assert file.read() == plain


def test_an_unknown_suffix_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(ExportError) as error:
        export(golden_graph(), tmp_path / "graph.doc")
    for suffix in FILES:
        assert f".{suffix}" in str(error.value)
    assert "csv" in str(error.value)
    with pytest.raises(ExportError, match="has none"):
        export(golden_graph(), tmp_path / "graph")
    with pytest.raises(ExportError, match=r"'doc'; known: .*csv.*ttl"):
        export(golden_graph(), tmp_path / "graph.ttl", format="doc")
    assert list(tmp_path.iterdir()) == []


def test_a_format_wins_over_the_suffix(tmp_path: Path) -> None:
    export(golden_graph(), tmp_path / "graph.txt", format="nt")
    quads = ox.parse(path=str(tmp_path / "graph.txt"), format=ox.RdfFormat.N_TRIPLES)
    assert {quad.triple for quad in quads} == set(triples(golden_graph()))


def test_a_bad_base_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(OntologyError):
        export(golden_graph(), tmp_path / "graph.ttl", base="no iri")
    assert list(tmp_path.iterdir()) == []


@contextmanager
def small_disk() -> Iterator[None]:
    """No file of this process grows beyond 1,000 bytes: what a full disk does, without one.

    For one call only: the file that the output of the tests goes to may be larger.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", [*(f"graph.{suffix}" for suffix in sorted(FILES)), "graph.nt.gz", "graph.ttl.zst"])
def test_a_full_disk_leaves_the_old_file(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("the old one")
    with small_disk(), pytest.raises(ExportError, match=rf"^cannot write .*/{name}: File too large$"):
        export(golden_graph(), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "the old one"


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_full_disk_leaves_the_old_tables(form: str, tmp_path: Path) -> None:
    (tmp_path / f"nodes.{form}").write_text("the old one")
    with small_disk(), pytest.raises(ExportError, match="File too large"):
        export(golden_graph(), tmp_path, format=form)
    assert [path.name for path in tmp_path.iterdir()] == [f"nodes.{form}"]
    assert (tmp_path / f"nodes.{form}").read_text() == "the old one"


def test_what_cannot_be_written_midway_leaves_the_old_file(tmp_path: Path) -> None:
    broken = replace(golden_graph(), results=(replace(golden_graph().results[0], id="<no iri>"),))
    (tmp_path / "graph.nt").write_text("the old one")
    with pytest.raises(ValueError, match="IRI"):
        export(broken, tmp_path / "graph.nt")
    assert [path.name for path in tmp_path.iterdir()] == ["graph.nt"]
    assert (tmp_path / "graph.nt").read_text() == "the old one"


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.ttl").mkdir()
    with pytest.raises(ExportError, match=r"cannot write .*file/graph\.ttl"):
        export(golden_graph(), tmp_path / "file" / "graph.ttl")
    with pytest.raises(ExportError, match=r"folder\.ttl is a folder"):
        export(golden_graph(), tmp_path / "folder.ttl")
    with pytest.raises(ExportError, match="file is a file"):
        export(golden_graph(), tmp_path / "file", format="csv")
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder.ttl"}


def test_other_files_of_a_folder_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "nodes.csv").write_text("old")
    export(golden_graph(), tmp_path, format="csv")
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", "nodes.csv", "edges.csv", "evidence.csv"}
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "nodes.csv").read_text("utf-8").startswith("id,type,name")


def test_only_sure_statements() -> None:
    graph = golden_graph()
    sure = above(graph, 0.5)
    assert {one.predicate for one in graph.statements} - {one.predicate for one in sure.statements} == {
        "addresses",
        "exhibits",
        "mentions",
    }
    assert min(one.confidence for one in sure.statements) >= 0.5
    kept = {entity.id for entity in sure.entities}
    assert "concept:overfitting" not in kept
    assert "task:nli" in kept
    assert len(sure.papers) == len(graph.papers)
    assert above(graph, 0.0) == graph
    assert noisy_or([0.6, 0.6]) == 0.84


# ---- the command ----


@pytest.mark.parametrize("suffix", sorted(FILES))
def test_command_writes_each_format(suffix: str, directory: Path, tmp_path: Path) -> None:
    answer = kg("export", directory, tmp_path / f"out.{suffix}")
    assert answer.exit_code == 0, answer.output
    assert answer.output == f"{tmp_path / f'out.{suffix}'}: 3 papers, 8 nodes, 15 statements\n"
    export(storable(golden_graph()), tmp_path / f"direct.{suffix}", redirects={"method:bert-model": "method:bert"})
    assert (tmp_path / f"out.{suffix}").read_bytes() == (tmp_path / f"direct.{suffix}").read_bytes()


def test_command_writes_to_standard_output(directory: Path) -> None:
    answer = kg("export", directory, "-", "--format", "nt", "--base", "https://a.org/")
    assert answer.exit_code == 0, answer.output
    expected = set(triples(storable(golden_graph()), "https://a.org/", redirects={"method:bert-model": "method:bert"}))
    assert {quad.triple for quad in ox.parse(answer.stdout_bytes, format=ox.RdfFormat.N_TRIPLES)} == expected
    assert kg("export", directory, "-").exit_code == 2


def test_command_leaves_out_what_is_unsure(directory: Path, tmp_path: Path) -> None:
    answer = kg("export", directory, tmp_path / "out.json", "--min-confidence", "0.5")
    assert answer.exit_code == 0, answer.output
    assert "concept:overfitting" not in reopened(tmp_path / "out.json")


def test_command_says_what_is_wrong(directory: Path, tmp_path: Path) -> None:
    answer = kg("export", directory, tmp_path / "out.doc")
    assert answer.exit_code == 1
    assert answer.stderr.count("\n") == 1
    assert "no format has the suffix .doc; known: .gexf," in answer.stderr
    answer = kg("export", tmp_path / "nothing", tmp_path / "out.ttl")
    assert answer.exit_code == 1
    assert answer.stderr.count("\n") == 1
    answer = kg("export", directory, directory, "--format", "parquet")
    assert answer.exit_code == 1
    assert "is a graph directory" in answer.stderr
    assert not (tmp_path / "out.ttl").exists()


@pytest.mark.parametrize(("suffix", "read"), [("graphml", nx.read_graphml), ("gexf", nx.read_gexf)])
def test_nodes_of_network_files_have_their_former_ids(
    suffix: str, read: Callable[[Path], nx.Graph[str]], tmp_path: Path
) -> None:
    path = tmp_path / f"graph.{suffix}"
    export(golden_graph(), path, redirects={"method:bert-model": "method:bert", "method:a-bert": "method:bert"})
    nodes = read(path).nodes
    assert nodes["method:bert"]["former_ids"] == "method:a-bert method:bert-model"
    assert [node for node in nodes if "former_ids" in nodes[node]] == ["method:bert"]


def test_csv_for_neo4j_has_former_ids_where_there_are_any(tmp_path: Path) -> None:
    export(storable(golden_graph()), tmp_path, format="neo4j-csv", redirects={"method:bert-model": "method:bert"})
    header, *rows = (tmp_path / "nodes-Method.csv").read_text("utf-8").splitlines()
    assert header.endswith(",former_ids:string[],_kg:boolean")
    assert [row.split(",")[-2] for row in rows if row.startswith('"method:bert"')] == ['"method:bert-model"']
    assert "former_ids" not in (tmp_path / "nodes-Dataset.csv").read_text("utf-8")
