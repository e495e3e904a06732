"""`kg link`: nodes and the entries of catalogues; the files are written here in the shapes that the catalogues have."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from serving import server

from kg.cli import main
from kg.directory import load_graph, manifest
from kg.linking import links
from kg.model import Entity, ReadError
from kg.resolve.catalogues import Entry, read_catalogue

TOPIC, CSO = "https://cso.kmi.open.ac.uk/topics/", "http://cso.kmi.open.ac.uk/schema/cso#"
LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
TRIPLES = [
    ("computer_science", "superTopicOf", "machine_learning"),
    ("machine_learning", "superTopicOf", "neural_networks"),
    ("neural_network", "preferentialEquivalent", "neural_networks"),
    ("neural_network", "relatedEquivalent", "neural_networks"),
    ("neural_networks", "relatedEquivalent", "neural_network"),
    ("neural_networks", "superTopicOf", "recurrent_neural_network_%28rnn%29"),
    ("natural_language_processing", "superTopicOf", "question_answering"),
    ("natural_language_processing", "superTopicOf", "map"),
]
PAPERS = [
    {"id": "p1", "title": "Recurrent neural nets", "abstract": "RNNs, recurrent neural networks: question answering."},
    {"id": "p2", "title": "SQuAD", "abstract": "SQuAD is a set for question answering, with MAP as metric."},
]  # fmt: skip
SAID = [
    {"id": "p1", "entities": [
        {"id": "e1", "type": "Method", "name": "Recurrent Neural Network", "role": "introduces",
         "surfaces": ["recurrent neural networks", "Recurrent neural nets", "RNNs"]},
        {"id": "e2", "type": "Task", "name": "Question Answering", "role": "addresses",
         "surfaces": ["question answering"]},
    ], "relations": [["e1", "used_for", "e2"]]},
    {"id": "p2", "entities": [
        {"id": "e1", "type": "Dataset", "name": "SQuAD", "role": "introduces", "surfaces": ["SQuAD"]},
        {"id": "e2", "type": "Task", "name": "Question Answering", "role": "addresses",
         "surfaces": ["question answering"]},
        {"id": "e3", "type": "Metric", "name": "MAP", "role": "reports", "surfaces": ["MAP"]},
    ]},
]  # fmt: skip
SITE = "https://paperswithcode.com"
METHODS = [
    {"url": f"{SITE}/method/rnn", "name": "RNN", "full_name": "Recurrent Neural Network", "description": "A *net*.",
     "paper": None, "introduced_year": 2000, "source_url": None, "source_title": None, "code_snippet_url": None,
     "num_papers": 3, "collections": [{"collection": "Sequences", "area_id": "sequential", "area": "Sequential"}]},
    {"url": f"{SITE}/method/adam", "name": "Adam", "full_name": "Adam", "description": "", "paper": {
        "title": "Adam", "url": f"{SITE}/paper/adam"}, "introduced_year": 2014, "source_url": None,
     "source_title": "Adam", "code_snippet_url": "", "num_papers": 9, "collections": []},
]  # fmt: skip
DATASETS = [
    {"url": f"{SITE}/dataset/squad", "name": "SQuAD", "full_name": "Stanford Question Answering Dataset",
     "homepage": "https://x.org", "description": "", "paper": None, "introduced_date": "2016-01-01", "warning": None,
     "modalities": ["Texts"], "tasks": [{"task": "Question Answering", "url": f"{SITE}/task/question-answering"}],
     "languages": ["English"], "variants": ["SQuAD", "SQuAD2.0", "SQuAD dev"], "num_papers": 1, "data_loaders": []},
]  # fmt: skip
TABLES = [
    {"task": "Question Answering", "categories": ["NLP"], "description": "", "synonyms": ["QA"], "source_link": None,
     "datasets": [{"dataset": "SQuAD", "dataset_citations": [], "dataset_links": [], "description": "",
                   "subdatasets": [], "sota": {"metrics": ["F1"], "rows": []}}],
     "subtasks": [{"task": "Open-Domain Question Answering (ODQA)", "categories": [], "datasets": [], "subtasks": []}]},
]  # fmt: skip
SKOS = """@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix kg: <https://kg.example.org/ontology#> . @prefix ex: <https://example.org/> .
ex:42 a skos:Concept ; skos:prefLabel "Recurrent net"@en, "Rekurrentes Netz"@de ;
  skos:altLabel "recurrent neural network", "RNN" .
ex:43 a skos:Concept, kg:Task ; skos:prefLabel "answering questions" .
ex:44 a skos:Concept ; skos:prefLabel "SQuAD" ; owl:deprecated true .
ex:45 a skos:Collection ; <http://www.w3.org/2000/01/rdf-schema#label> "SQuAD" .
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a graph of one paper in `graph`, and files of catalogues."""
    monkeypatch.chdir(tmp_path)
    for number in (0, 1):
        Path(f"papers{number}.jsonl").write_text(json.dumps(PAPERS[number]) + "\n")
        Path(f"said{number}.jsonl").write_text(json.dumps(SAID[number]) + "\n")
    rows = [f'"<{TOPIC}{s}>","<{CSO}{p}>","<{TOPIC}{o}>"' for s, p, o in TRIPLES]
    rows.append(f'"<{TOPIC}machine_learning>","<{LABEL}>","machine learning@en ."')
    rows.append(f'"<{TOPIC}machine_learning>","<{LABEL}>","""apprentissage automatique""@fr ."')
    Path("cso.csv").write_text("\n".join(rows) + "\n")
    for name, content in (("methods", METHODS), ("datasets", DATASETS), ("evaluation-tables", TABLES)):
        Path(f"{name}.json").write_text(json.dumps(content, indent=1))
    Path("mine.ttl").write_text(SKOS)
    build(0)
    return tmp_path


def kg(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def done(*arguments: str) -> str:
    output = kg(*arguments)
    assert (output.exit_code, output.stderr) == (0, ""), output.output
    return output.stdout


def build(*numbers: int, more: tuple[str, ...] = ()) -> None:
    for number in numbers:
        done("build", f"papers{number}.jsonl", "--extractions", f"said{number}.jsonl", "-o", "graph", *more)


def linked(directory: str = "graph") -> set[tuple[str, str, str]]:
    return {(link.entity, link.match, link.target) for link in load_graph(directory).catalogue_links}


def test_the_computer_science_ontology(folder: Path) -> None:
    entries = {entry.address.removeprefix(TOPIC): entry for entry in read_catalogue("cso.csv")}
    assert entries["neural_networks"].aliases == ("neural network",)
    assert "neural_network" not in entries  # the file prefers the plural
    rnn = entries["recurrent_neural_network_%28rnn%29"]
    assert (rnn.name, rnn.aliases) == ("recurrent neural network", ("RNN", "recurrent neural network (rnn)"))
    assert (entries["machine_learning"].name, entries["machine_learning"].aliases) == ("machine learning", ())
    said = done("link", "graph", "cso.csv")
    assert said.splitlines()[-1] == "cso: 7 entries, 2 of 2 nodes linked, 2 exactly and 0 closely"
    assert linked() == {
        ("method:recurrent-neural-network", "exact", TOPIC + "recurrent_neural_network_%28rnn%29"),
        ("task:question-answering", "exact", TOPIC + "question_answering"),
    }


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("methods.json", {("method:recurrent-neural-network", "exact", f"{SITE}/method/rnn")}),
        (
            "datasets.json",
            {
                ("task:question-answering", "exact", f"{SITE}/task/question-answering"),
                ("dataset:squad", "exact", f"{SITE}/dataset/squad"),
            },
        ),
        ("evaluation-tables.json", {("task:question-answering", "exact", f"{SITE}/task/question-answering")}),
        (
            "mine.ttl",
            {
                ("method:recurrent-neural-network", "exact", "https://example.org/42"),
                ("task:question-answering", "close", "https://example.org/43"),
            },
        ),
    ],
)
def test_other_catalogues(folder: Path, file: str, expected: set[tuple[str, str, str]]) -> None:
    build(1)
    done("link", "graph", file)
    assert linked() == expected


def test_entries_of_papers_with_code(folder: Path) -> None:
    squad = next(entry for entry in read_catalogue("datasets.json") if entry.type == "Dataset")
    assert (squad.name, squad.aliases) == ("Stanford Question Answering Dataset", ("SQuAD",))
    tasks = [(entry.address, entry.name, entry.aliases) for entry in read_catalogue("evaluation-tables.json")]
    assert tasks == [
        (
            f"{SITE}/task/open-domain-question-answering-odqa",
            "Open-Domain Question Answering",
            ("ODQA", "Open-Domain Question Answering (ODQA)"),
        ),
        (f"{SITE}/task/question-answering", "Question Answering", ("QA",)),
    ]


@pytest.mark.parametrize("suffix", [".nt", ".rdf", ".jsonld", ".trig", ".ttl.gz", ".json.gz"])
def test_any_syntax_and_compressed(folder: Path, suffix: str) -> None:
    import rdflib

    formats = {".nt": "nt", ".rdf": "xml", ".jsonld": "json-ld"}
    path = Path(f"again{suffix}")
    if suffix == ".json.gz":
        path.write_bytes(gzip.compress(Path("methods.json").read_bytes()))
        assert read_catalogue(path) == read_catalogue("methods.json")
        return
    if suffix == ".ttl.gz":
        path.write_bytes(gzip.compress(SKOS.encode()))
    elif suffix == ".trig":
        path.write_text(SKOS)
    else:
        rdflib.Graph().parse(data=SKOS, format="turtle").serialize(path, format=formats[suffix], encoding="utf-8")
    assert read_catalogue(path) == read_catalogue("mine.ttl")
    done("link", "graph", str(path))
    assert load_graph("graph").catalogue_links[0].catalogue == "again"


def test_links_survive_later_builds_which_link_what_is_new(folder: Path) -> None:
    done("link", "graph", "datasets.json")
    done("link", "graph", "cso.csv", "--name", "topics")
    before = linked()
    build(1)
    assert before < linked()
    assert ("dataset:squad", "exact", f"{SITE}/dataset/squad") in linked()
    together = {path.name: path.read_bytes() for path in Path("graph").glob("*.parquet")}
    Path("other").mkdir()
    Path("other/catalogues.jsonl").write_bytes(Path("graph/catalogues.jsonl").read_bytes())
    Path("all.jsonl").write_text(Path("said1.jsonl").read_text() + Path("said0.jsonl").read_text())
    done("build", "papers1.jsonl", "papers0.jsonl", "--extractions", "all.jsonl", "-o", "other")
    assert {path.name: path.read_bytes() for path in Path("other").glob("*.parquet")} == together
    done("rename", "graph", "SQuAD", "Stanford Question Answering Dataset")
    assert ("dataset:stanford-question-answering-dataset", "exact", f"{SITE}/dataset/squad") in linked()
    done("remove", "graph", "paper:p2")
    assert linked() == before
    build(0, more=("--replace",))
    assert linked() == set()
    assert not Path("graph/catalogues.jsonl").exists()


def test_linking_again_replaces_and_remove_forgets(folder: Path) -> None:
    plain = {path.name: path.read_bytes() for path in Path("graph").iterdir() if path.is_file()}
    assert "links" not in manifest("graph").sha256
    done("link", "graph", "cso.csv")
    assert manifest("graph").counts["links"] == 2
    once = Path("graph/links.parquet").read_bytes()
    done("link", "graph", "cso.csv")
    assert Path("graph/links.parquet").read_bytes() == once
    Path("cso.csv").write_text(f'"<{TOPIC}a>","<{CSO}superTopicOf>","<{TOPIC}b>"\n')
    assert done("link", "graph", "cso.csv").endswith("0 of 2 nodes linked, 0 exactly and 0 closely\n")
    assert done("link", "graph", "cso", "--remove") == "graph: no longer linked to cso\n"
    assert {path.name: path.read_bytes() for path in Path("graph").iterdir() if path.is_file()} == plain


def test_dry_run_and_json(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in Path("graph").iterdir() if path.is_file()}
    output = kg("link", "graph", "cso.csv", "--dry-run")
    assert (output.exit_code, output.stderr) == (0, "Nothing was changed (--dry-run).\n")
    assert {path.name: path.read_bytes() for path in Path("graph").iterdir() if path.is_file()} == before
    answer = json.loads(done("link", "graph", "cso.csv", "--json"))
    assert (answer["catalogue"], answer["entries"], answer["nodes"], answer["ambiguous"]) == ("cso", 7, 2, [])
    assert answer["links"][0] == {
        "entity": "method:recurrent-neural-network",
        "target": TOPIC + "recurrent_neural_network_%28rnn%29",
        "match": "exact",
        "score": 0.98,
        "rule": "case",
        "name": "Recurrent Neural Network",
        "label": "recurrent neural network",
    }


def test_a_directory_of_before_links_is_read(folder: Path) -> None:
    """What an earlier version writes into a linked directory has no links, and its tables are not mistaken."""
    done("link", "graph", "cso.csv")
    described = json.loads(Path("graph/manifest.json").read_text())
    for part in ("counts", "sha256"):
        del described[part]["links"]
    Path("graph/manifest.json").write_text(json.dumps(described))
    assert load_graph("graph").catalogue_links == ()
    build(1)
    assert len(linked()) == 3


def test_explain_exports_and_page_show_links(folder: Path) -> None:
    import httpx
    import pyoxigraph as ox

    done("link", "graph", "cso.csv")
    done("link", "graph", "mine.ttl")
    said = done("explain", "graph", "question answering")
    assert f"exact match: {TOPIC}question_answering  question answering  (case, 0.98, cso)\n" in said
    assert "close match: https://example.org/43  answering questions  (wording, 0.88, mine)\n" in said
    assert json.loads(done("explain", "graph", "question answering", "--json"))["links"][0]["catalogue"] == "cso"
    skos = "http://www.w3.org/2004/02/skos/core#"
    for file in ("graph.ttl", "graph.jsonld", "graph.nt"):
        done("export", "graph", file)
        assert done("validate", file) == f"{file} conforms\n"
        found = {(q.subject.value, q.predicate.value, q.object.value) for q in ox.parse(path=file)}
        task, kind = "https://kg.example.org/task/question-answering", "https://kg.example.org/ontology#CatalogueLink"
        assert (task, skos + "exactMatch", TOPIC + "question_answering") in found
        assert (task, skos + "closeMatch", "https://example.org/43") in found
        nodes = {subject for subject, _, obj in found if obj == kind}
        assert len(nodes) == 4
        assert all(subject.partition("#")[0].startswith("https://kg.example.org/") for subject in nodes)
    done("export", "graph", "rows", "--format", "jsonl")
    rows = {row["id"]: row for row in map(json.loads, Path("rows/nodes.jsonl").read_text().splitlines())}
    assert rows["task:question-answering"]["same_as"] == [TOPIC + "question_answering"]
    count = "SELECT (COUNT(*) AS ?n) WHERE { ?l a kg:CatalogueLink ; kg:score ?score ; kg:reason ?why }"
    assert json.loads(done("sparql", "graph", count, "--json"))[0]["n"] == 4
    with server(Path("graph")) as site:
        page = httpx.get(f"{site}/task/question-answering.html").text
        assert "answering questions</a>" in page
        assert "in mine: wording, 88% sure" in page
        turtle = httpx.get(f"{site}/task/question-answering.ttl").text
        assert "kg:CatalogueLink" in turtle
        assert "skos:closeMatch <https://example.org/43>" in turtle


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.csv", "id,name\nx,y\n", "a.csv:1: no triple: expected three cells"),
        ("a.csv", f'"<{TOPIC}a>","<{CSO}superTopicOf>","<{TOPIC}b>"\nx,y,z\n', "a.csv:2: no triple"),
        ("a.csv", "", "a.csv: holds no entry"),
        ("a.json", "[1, 2]", "a.json:1: expected an object of Papers with Code"),
        ("a.json", '[{"title": "A paper"}]', "a.json:1: no method, dataset or evaluation table"),
        ("a.json", '[{"url": ', "a.json:1: "),
        ("a.json", "[]", "a.json: holds no entry"),
        ("a.ttl", "nope", "a.ttl:1: no Turtle"),
        ("a.ttl", "<https://a.org/> a <https://a.org/b> .", "a.ttl: holds no entry"),
        ("a.xyz", "", "a.xyz: unknown kind of catalogue '.xyz'"),
        ("nowhere.ttl", None, "nowhere.ttl: no such catalogue file"),
    ],
)
def test_what_is_no_catalogue_changes_nothing(folder: Path, name: str, content: str | None, complaint: str) -> None:
    before = sorted(path.name for path in Path("graph").iterdir())
    if content is not None:
        Path(name).write_text(content)
    output = kg("link", "graph", name)
    assert output.exit_code == 1
    assert output.stderr.startswith("Error: ")
    assert output.stderr.count("\n") == 1
    assert complaint in output.stderr
    assert sorted(path.name for path in Path("graph").iterdir()) == before


def test_no_graph_no_catalogue(folder: Path) -> None:
    assert "nowhere: no graph here" in kg("link", "nowhere", "cso.csv").stderr
    assert "graph: is linked to no catalogue 'cso'; it is to: none" in kg("link", "graph", "cso", "--remove").stderr
    Path("graph/catalogues.jsonl").write_text("{}\n")
    assert "catalogues.jsonl:1: no entry of a catalogue" in kg("link", "graph", "cso.csv").stderr


def node(name: str, *aliases: str, kind: str = "Method", papers: int = 1) -> Entity:
    return Entity(
        id=f"{kind.lower()}:{name.lower().replace(' ', '-')}", type=kind, name=name, aliases=aliases, papers=papers
    )


def entry(name: str, *aliases: str, kind: str = "") -> Entry:
    return Entry(address=f"https://x.org/{kind}{name}".replace(" ", "_"), name=name, aliases=aliases, type=kind)


@pytest.mark.parametrize(
    ("entity", "other", "match"),
    [
        (node("Graph Neural Network"), entry("graph neural networks"), "exact"),
        (node("SSD"), entry("SSD"), "close"),  # which of the things that are called so?
        (node("SSD"), entry("SSD", kind="Method"), "exact"),
        (node("Single Shot Detector", "SSD"), entry("SSD", "single-shot detector"), "exact"),  # both names agree
        (node("Dropout"), entry("dropout"), "close"),
        (node("Dropout"), entry("dropout", kind="Method"), "exact"),
        (node("Data Augmentation"), entry("Data Augmentation", kind="Task"), "close"),
        (node("Self-Attention"), entry("self-attention mechanism"), "close"),
        (node("GPT-2"), entry("GPT-3"), None),
        (node("CIFAR-10", kind="Dataset"), entry("CIFAR-100", kind="Dataset"), None),
        (node("Large Language Model", "language models"), entry("language model"), None),
        (node("Transformer"), entry("recurrent network"), None),
    ],
)
def test_how_sure(entity: Entity, other: Entry, match: str | None) -> None:
    found = links([entity], {"x": [other]}).found
    assert [link.match for link in found] == ([] if match is None else [match])


def test_two_entries_alike_give_no_link_and_one_entry_is_the_same_as_one_node() -> None:
    twins = [entry("RAM", kind="Method"), Entry(address="https://x.org/other", name="RAM", type="Method")]
    found = links([node("RAM")], {"x": twins})
    assert (found.found, found.ambiguous) == ((), ("method:ram",))
    nodes = [node("Language Model", papers=2), node("Language Model", kind="Task", papers=9)]
    found = links(nodes, {"x": [entry("language model")]})
    assert [(link.entity, link.match) for link in found.found] == [
        ("method:language-model", "close"),
        ("task:language-model", "exact"),
    ]
    assert links(reversed(nodes), {"x": [entry("language model")]}) == found


@given(st.sampled_from([".csv", ".json", ".jsonl", ".ttl", ".nt", ".rdf"]), st.binary(max_size=200))
def test_wild_bytes_are_refused_or_read(suffix: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, f"x{suffix}")
        path.write_bytes(content)
        said = ""
        try:
            assert read_catalogue(path)
        except ReadError as error:
            said = str(error)
        assert said == "" or str(path) in said
        assert "\n" not in said
