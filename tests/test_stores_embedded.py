"""Ladybug, Oxigraph and the views of a graph directory: what goes in comes out, and nothing but reading passes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyoxigraph as ox
import pytest
from click.testing import CliRunner, Result

from kg import ontology, rdf
from kg.cli import main
from kg.directory import State, save
from kg.graph import Graph
from kg.model import GraphError, StoreError, evidence_id
from kg.property_graph import schema
from kg.stores import Limits, Store, open_store, views
from tests.small_graph import PAPERS, WEIRD_NAME, small_graph

FOREVER = {
    "cypher": "UNWIND range(1, 1000000) AS x UNWIND range(1, 1000000) AS y RETURN sum(x * y % 7)",
    "sparql": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
}


@pytest.fixture(scope="module")
def graph() -> Graph:
    return small_graph()


@pytest.fixture(scope="module")
def folder(graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph directory that no test changes."""
    path = tmp_path_factory.mktemp("stores") / "graph"
    save(path, State(graph=graph))
    return path


@pytest.fixture(scope="module")
def cypher(folder: Path) -> Store:
    return open_store(folder, language="cypher")


@pytest.fixture(scope="module")
def sparql(folder: Path) -> Store:
    return open_store(folder, language="sparql")


def kg(*arguments: str | Path, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


# ---- what is in the stores ----------------------------------------------------------------------------------------


def test_ladybug_holds_each_node_and_relationship(graph: Graph, cypher: Store) -> None:
    expected = Counter(entity.type for entity in graph.entities)
    expected.update(Paper=len(graph.papers), Author=len(graph.authors), Venue=len(graph.venues))
    expected.update(Result=len(graph.results), Evidence=sum(len(s.evidence) for s in graph.statements))
    assert dict(cypher.query("MATCH (n) RETURN n.type, count(*)").rows) == dict(expected)
    edges = {
        (s.subject, s.predicate.upper(), s.object, s.confidence, s.support, s.papers)
        for s in graph.statements
        if not s.negated
    }
    stated = "MATCH (a)-[r]->(b) WHERE r.support > 0 RETURN a.id, type(r), b.id, r.confidence, r.support, r.papers"
    assert {(*row[:-1], tuple(row[-1])) for row in cypher.query(stated).rows} == edges
    linked = cypher.query(
        "MATCH (a)-[r]->(b) WHERE r.support IS NULL AND a.type <> 'Evidence' RETURN a.id, type(r), b.id"
    )
    assert set(linked.rows) == {(subject, predicate.upper(), obj) for subject, predicate, obj in graph.links()}


def test_each_piece_of_evidence_leads_to_its_sentence_paper_and_ends(graph: Graph, cypher: Store) -> None:
    rows = cypher.query(
        "MATCH (s)<-[:HAS_SUBJECT]-(e:Evidence)-[:HAS_OBJECT]->(o), (e)-[:IN_PAPER]->(p:Paper) "
        "RETURN e.id, s.id, e.predicate, o.id, e.negated, e.hedged, p.id, e.sentence, e.start_char, e.end_char"
    ).rows
    assert set(rows) == {
        (
            evidence_id(statement, evidence),
            *statement.key,
            evidence.hedged,
            evidence.paper,
            graph.quote(evidence),
            evidence.start,
            evidence.end,
        )
        for statement in graph.statements
        for evidence in statement.evidence
    }


def test_a_relationship_shows_its_best_evidence(cypher: Store) -> None:
    rows = cypher.query(
        "MATCH (:Method {id: 'method:bert'})-[r:EVALUATED_ON]->(:Dataset {id: 'dataset:squad'}) "
        "RETURN r.support, r.paper, r.sentence, r.start_char, r.end_char, size(r.evidence)"
    ).rows
    text = next(paper.text for paper in PAPERS if paper.id == "paper:bert")
    start = text.index("On SQuAD, BERT")
    assert rows == ((2, "paper:bert", "On SQuAD, BERT reaches 93.2 F1.", start, start + 14, 2),)


def test_a_negated_statement_is_evidence_but_no_relationship(cypher: Store, sparql: Store) -> None:
    pair = {"a": "method:distilbert", "b": "method:bert"}
    assert cypher.query("MATCH ({id: $a})-[r:OUTPERFORMS]->({id: $b}) RETURN r", pair).rows == ()
    assert sparql.query("ASK { $a kg:outperforms $b }", pair).rows == ((False,),)
    denied = "MATCH ({id: $a})<-[:HAS_SUBJECT]-(e:Evidence {negated: true})-[:HAS_OBJECT]->({id: $b}) RETURN e.sentence"
    sentence = "It does not outperform BERT on SQuAD."
    assert cypher.query(denied, pair).rows == ((sentence,),)
    denied = (
        "SELECT ?sentence { ?s rdf:subject $a ; rdf:object $b ; kg:negated true ; kg:evidence/kg:sentence ?sentence }"
    )
    assert sparql.query(denied, pair).rows == ((sentence,),)


def test_all_tables_and_properties_exist_even_when_empty(tmp_path: Path) -> None:
    store = open_store(f"ladybug:{tmp_path / 'empty'}")
    store.load(Graph())
    for table in schema().nodes.values():
        properties = ", ".join(f"n.{column.name}" for column in table.columns)
        assert store.query(f"MATCH (n:{table.label}) RETURN {properties}").rows == ()
    for relationship in schema().relationships.values():
        properties = ", ".join(f"r.{column.name}" for column in relationship.columns)
        for head, tail in relationship.pairs:
            assert store.query(f"MATCH (:{head})-[r:{relationship.type}]->(:{tail}) RETURN {properties}").rows == ()
    empty = open_store(f"oxigraph:{tmp_path / 'empty.rdf'}")
    empty.load(Graph())
    assert empty.query("SELECT ?p { ?p a kg:Paper }").rows == ()


def test_oxigraph_holds_the_triples_of_the_exports(graph: Graph, sparql: Store) -> None:
    rows = sparql.query("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }").rows
    assert set(rows) == {(str(t.subject), str(t.predicate), str(t.object)) for t in rdf.triples(graph)}


def test_strange_text_comes_out_as_it_went_in(cypher: Store, sparql: Store) -> None:
    by_name = "MATCH (c:Concept) WHERE c.name = $name RETURN c.id, c.name, c.aliases"
    assert cypher.query(by_name, {"name": WEIRD_NAME}).rows == (("concept:weird", WEIRD_NAME, ["odd", "so'odd\\"]),)
    by_name = "SELECT ?c ?name { ?c skos:prefLabel ?name FILTER(?name = $name) }"
    assert sparql.query(by_name, {"name": WEIRD_NAME}).rows == (("concept:weird", WEIRD_NAME),)


def test_real_papers_go_in_and_come_out(gold_graph: Graph, tmp_path: Path) -> None:
    save(tmp_path / "graph", State(graph=gold_graph))
    statements = {s.key[:3] for s in gold_graph.statements if not s.negated}
    rows = (
        open_store(tmp_path / "graph").query("MATCH (a)-[r]->(b) WHERE r.support > 0 RETURN a.id, type(r), b.id").rows
    )
    assert {(subject, name.lower(), obj) for subject, name, obj in rows} == statements
    rows = (
        open_store(tmp_path / "graph", language="sparql")
        .query("SELECT ?s ?p ?o { ?x rdf:subject ?s ; rdf:predicate ?p ; rdf:object ?o ; kg:negated false . ?s ?p ?o }")
        .rows
    )
    assert {(subject, predicate.removeprefix(ontology.KG), obj) for subject, predicate, obj in rows} == statements


def test_loading_a_store_again_replaces_what_it_held(graph: Graph, tmp_path: Path) -> None:
    count = {"ladybug": "MATCH (p:Paper) RETURN count(*)", "oxigraph": "SELECT (COUNT(?p) AS ?n) { ?p a kg:Paper }"}
    for scheme, query in count.items():
        store = open_store(f"{scheme}:{tmp_path / scheme}")
        for loaded in (graph, Graph(papers=graph.papers[:2]), graph):
            store.load(loaded)
            assert store.query(query).rows == ((len(loaded.papers),),)
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_former_id_says_what_replaced_it(graph: Graph, tmp_path: Path) -> None:
    asked = "SELECT ?old ?now { ?old dcterms:isReplacedBy ?now }"
    for former in ({"method:bidirectional": "method:bert"}, {"method:early": "method:bert"}, {}):
        save(tmp_path / "graph", State(graph=graph, redirects=former))
        assert kg("load", tmp_path / "graph", f"oxigraph:{tmp_path / 'store'}").exit_code == 0
        for store in (tmp_path / "graph", f"oxigraph:{tmp_path / 'store'}"):
            assert open_store(store, language="sparql").query(asked).rows == tuple(former.items())


# ---- only reading passes -------------------------------------------------------------------------------------------

REFUSED_CYPHER = (
    ("CREATE (m:Method {id: 'method:x'})", "CREATE is refused"),
    ("MATCH (m:Method) SET m.name = 'x'", "writes is refused"),
    ("MATCH (m:Method) DETACH DELETE m", "writes is refused"),
    ("MATCH (m:Method) MERGE (n:Method {id: 'x'})", "writes is refused"),
    ("/* RETURN */ LOAD FROM '/etc/passwd' (file_format='csv') RETURN *", "LOAD is refused"),
    ("MATCH (p:Paper) WITH p LOAD FROM '/etc/passwd' (file_format='csv') RETURN *", "READ_CSV"),
    ("COPY (MATCH (n) RETURN n.id) TO '{out}'", "COPY is refused"),
    ("EXPORT DATABASE '{out}'", "EXPORT is refused"),
    ("INSTALL httpfs", "INSTALL is refused"),
    ("ATTACH '{out}' AS x (dbtype lbug)", "ATTACH is refused"),
    ("CALL timeout=0", "is refused"),
    ("CALL PROJECT_GRAPH('G', ['Method'], ['USES'])", "PROJECT_GRAPH is refused"),
    ("RETURN 1; COPY (MATCH (n) RETURN n.id) TO '{out}'", "several statements"),
    ("EXPLAIN RETURN 1", "EXPLAIN is refused"),
    ("CHECKPOINT", "CHECKPOINT is refused"),
    ("", "empty"),
    ("// nothing", "empty"),
    ("RETURN '" + "x" * 1_000_001 + "'", "at most 1,000,000"),
)


@pytest.mark.parametrize(("query", "said"), REFUSED_CYPHER)
def test_cypher_that_does_not_only_read_is_refused(query: str, said: str, cypher: Store, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(StoreError, match=said):
        cypher.query(query.replace("{out}", str(out)))
    assert not out.exists()
    assert cypher.query("RETURN 'LOAD FROM; CREATE' AS x // COPY").rows == (("LOAD FROM; CREATE",),)


REFUSED_SPARQL = (
    ("INSERT DATA { <urn:a> <urn:b> 1 }", "INSERT is refused"),
    ("PREFIX x: <urn:x> DELETE WHERE { ?s ?p ?o }", "DELETE is refused"),
    ("CLEAR ALL", "CLEAR is refused"),
    ("LOAD <file:///etc/passwd>", "LOAD is refused"),
    ("WITH <urn:g> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }", "WITH is refused"),
    ("SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }", "SERVICE is refused"),
    ("SELECT * { ?s ?p trueservice<http://127.0.0.1:9/> { ?s ?p ?o } }", "SERVICE is refused"),
    ("", "empty"),
    ("ASK { }" + " " * 1_000_001, "at most 1,000,000"),
)


@pytest.mark.parametrize(("query", "said"), REFUSED_SPARQL)
def test_sparql_that_does_not_only_read_here_is_refused(query: str, said: str, sparql: Store) -> None:
    with pytest.raises(StoreError, match=said):
        sparql.query(query)
    assert sparql.query("ASK { FILTER('SERVICE <x> INSERT' != '''it's''') } # SERVICE").rows == ((True,),)


@pytest.mark.parametrize(
    ("language", "query", "place"),
    [
        ("cypher", "MATCH (m:Method)\nRETRN m", (2, 1)),
        ("cypher", "MATCH (m:Method)-[r->() RETURN m", (1, 20)),
        ("cypher", "MATCH (m:Mthod) RETURN m", (1, 10)),
        ("sparql", "SELECT ?s\nWHER { ?s ?p ?o }", (2, 1)),
        ("sparql", "SELECT ?s { ?s nix:x ?o }", (1, 16)),
        ("sparql", "SELECT ?s {\n ?s ?p }", (2, 8)),
        ("sparql", "SELECT * {\n ?a ?b ?c FILTER(foo(?a)) }", (2, 18)),
        ("sparql", "HELLO", (1, 1)),
    ],
)
def test_a_syntax_error_shows_its_place(language: str, query: str, place: tuple[int, int], folder: Path) -> None:
    answer = kg({"cypher": "query", "sparql": "sparql"}[language], folder, query)
    line, column = place
    assert answer.exit_code == 1
    assert answer.stdout == ""
    message, source, caret = answer.stderr.splitlines()
    assert message.startswith("Error: ")
    assert message.endswith(f"(line {line}, column {column})")
    assert source == "  " + query.splitlines()[line - 1]
    assert caret == " " * (column + 1) + "^"


@pytest.mark.parametrize("language", ["cypher", "sparql"])
def test_a_query_is_stopped_at_its_time_and_the_next_one_works(language: str, folder: Path) -> None:
    store = open_store(folder, language=language)  # type: ignore[arg-type]
    store.query({"cypher": "RETURN 1", "sparql": "ASK {}"}[language])  # builds the view
    begin = time.monotonic()
    with pytest.raises(StoreError, match=r"stopped after 0\.5 s"):
        store.query(FOREVER[language], limits=Limits(seconds=0.5))
    assert time.monotonic() - begin < 10
    answer = store.query({"cypher": "RETURN 1", "sparql": "SELECT (1 AS ?x) {}"}[language], limits=Limits(seconds=30))
    assert answer.rows == ((1,),)


@pytest.mark.parametrize("language", ["cypher", "sparql"])
def test_a_stopped_query_ends_the_program_at_once(language: str, folder: Path) -> None:
    command = {"cypher": "query", "sparql": "sparql"}[language]
    arguments = [sys.executable, "-m", "kg", command, "--timeout", "0.5", str(folder), FOREVER[language]]
    ended = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: the query was stopped after 0.5 s")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("language", "query"),
    [("cypher", "UNWIND range(1, 10000000) AS x RETURN x"), ("sparql", "SELECT * { ?a ?b ?c . ?d ?e ?f }")],
)
def test_more_rows_than_asked_for_are_refused(language: str, query: str, folder: Path) -> None:
    with pytest.raises(StoreError, match="more than 1,000 rows"):
        open_store(folder, language=language).query(query, limits=Limits(rows=1000))  # type: ignore[arg-type]


# ---- the command line -----------------------------------------------------------------------------------------------


def test_answers_as_table_json_and_csv(folder: Path) -> None:
    query = "MATCH (m:Method) WHERE m.name STARTS WITH $start RETURN m.name AS name, m.aliases AS aliases ORDER BY name"
    table = kg("query", folder, query, "--param", "start=M")
    assert table.output == (
        'name                   aliases\n---------------------  -------\nMasked Language Model  ["MLM"]\n'
    )
    assert json.loads(kg("query", folder, query, "--param", "start=M", "--json").output) == [
        {"name": "Masked Language Model", "aliases": ["MLM"]}
    ]
    assert kg("query", folder, query, "--param", "start=M", "--csv").output == (
        'name,aliases\nMasked Language Model,"[""MLM""]"\n'
    )
    query = "SELECT ?name ?year { $paper dcterms:title ?name . OPTIONAL { $paper dcterms:issued ?year } }"
    assert kg("sparql", folder, query, "--param", "paper=paper:bert", "--csv").output == (
        "name,year\nBERT for question answering,2018\n"
    )


def test_queries_from_standard_input_and_from_a_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "q.rq").write_text("# é\nASK { method:bert a kg:Method }", "utf-8")
    assert kg("sparql", folder, f"@{tmp_path / 'q.rq'}").output == "true\n"
    assert kg("query", folder, "-", stdin="RETURN 1 AS x").output == "x\n-\n1\n"
    missing = kg("query", folder, "@nowhere.cypher")
    assert missing.exit_code == 1
    assert missing.stderr.startswith("Error: nowhere.cypher: the query cannot be read")


def test_construct_and_describe_give_turtle(folder: Path) -> None:
    described = kg("sparql", folder, "DESCRIBE method:tinybert")
    triples = set(ox.parse(described.output, format=ox.RdfFormat.TURTLE))
    assert {str(quad.subject) for quad in triples} == {"<https://kg.example.org/method/tinybert>"}
    assert "kg:based_on method:distilbert" in described.output
    assert described.output == kg("sparql", folder, "DESCRIBE method:tinybert").output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["query", "{folder}", "MATCH (m {id: $id}) RETURN m"], "no value for $id: give --param id=VALUE"),
        (["query", "{folder}", "RETURN 1", "--param", "x=1"], "the query has no $x"),
        (["sparql", "{folder}", "ASK { $x ?p ?o }", "--param", "x=[1]"], "is text, a number, true or false"),
        (["query", "oxigraph:/tmp/x", "RETURN 1"], "understands SPARQL: ask it with `kg sparql`"),
        (["sparql", "ladybug:/tmp/x", "ASK {}"], "understands Cypher: ask it with `kg query`"),
        (["query", "ladybug:{folder}/none", "RETURN 1"], "no Ladybug file here"),
        (["sparql", "oxigraph:{folder}/none", "ASK {}"], "no Oxigraph folder here"),
        (["query", "{folder}/none", "RETURN 1"], "no graph here"),
        (["query", "redis:x", "RETURN 1"], "no store has the scheme redis"),
    ],
)
def test_mistakes_get_one_clear_line(arguments: list[str], said: str, folder: Path) -> None:
    answer = kg(*(argument.replace("{folder}", str(folder)) for argument in arguments))
    assert answer.exit_code == 1
    assert answer.stdout == ""
    assert said in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


# ---- views --------------------------------------------------------------------------------------------------------


def states(folder: Path) -> list[Path]:
    return [path for path in (folder / ".views").iterdir() if path.is_dir()]


def test_a_view_is_built_once_and_anew_when_the_graph_has_changed(graph: Graph, tmp_path: Path) -> None:
    store = open_store(tmp_path)
    save(tmp_path, State(graph=graph))
    count = "MATCH (p:Paper) RETURN count(*)"
    assert store.query(count).rows == ((7,),)
    (state,) = states(tmp_path)
    (view,) = state.iterdir()
    built = view.stat()
    assert store.query(count).rows == ((7,),)
    assert (view.stat().st_ino, view.stat().st_mtime_ns) == (built.st_ino, built.st_mtime_ns)
    save(tmp_path, State(graph=Graph(papers=graph.papers[:3])))
    assert store.query(count).rows == ((3,),)
    assert open_store(tmp_path, language="sparql").query("SELECT ?p { ?p a kg:Paper }").rows[0][0].startswith("paper:")
    (newer,) = states(tmp_path)
    assert newer != state
    assert sorted(path.name.split("-")[0] for path in newer.iterdir()) == ["cypher", "sparql"]


def test_a_view_in_use_outlives_its_state(graph: Graph, tmp_path: Path) -> None:
    save(tmp_path, State(graph=graph))
    with views.using(tmp_path, "cypher") as path:
        save(tmp_path, State(graph=Graph(papers=graph.papers[:3])))
        open_store(tmp_path).query("RETURN 1")
        assert path.exists()
    save(tmp_path, State(graph=Graph(papers=graph.papers[:2])))
    open_store(tmp_path).query("RETURN 1")
    assert not path.exists()
    assert len(states(tmp_path)) == 1


def test_processes_that_ask_at_once_get_the_same_answer_of_one_view(graph: Graph, tmp_path: Path) -> None:
    save(tmp_path, State(graph=graph))
    (tmp_path / ".views" / "new-of-a-builder-that-was-killed").mkdir(parents=True)
    asked = {
        "query": "MATCH (m:Method) RETURN count(*) AS n",
        "sparql": "SELECT (COUNT(?m) AS ?n) { ?m a kg:Method }",
    }
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "kg", command, str(tmp_path), query, "--csv"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command, query in [*asked.items(), *asked.items()]
    ]
    assert [process.communicate(timeout=120) for process in running] == [("n\n7\n", "")] * 4
    (state,) = states(tmp_path)
    assert sorted(path.name.split("-")[0] for path in state.iterdir()) == ["cypher", "sparql"]


def test_a_graph_directory_is_no_store_to_load_into(graph: Graph, folder: Path) -> None:
    with pytest.raises(StoreError, match="is no store: write into a graph directory with `kg build`"):
        open_store(folder).load(graph)


@pytest.mark.parametrize(
    ("scheme", "name"), [("ladybug", "notes.txt"), ("ladybug", "."), ("oxigraph", "notes.txt"), ("oxigraph", ".")]
)
def test_loading_does_not_replace_what_is_no_store(scheme: str, name: str, graph: Graph, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    with pytest.raises(StoreError, match=r"choose another|name the file"):
        open_store(f"{scheme}:{tmp_path / name}").load(graph)
    assert (tmp_path / "notes.txt").read_text("utf-8") == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_damaged_graph_says_so(graph: Graph, tmp_path: Path) -> None:
    save(tmp_path, State(graph=graph))
    (tmp_path / "statements.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(GraphError, match="damaged"):
        open_store(tmp_path).query("RETURN 1")
    assert states(tmp_path) == []


SMALL_DISK = """
import resource, sys
from kg.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["query", "{folder}", "RETURN 1"],
        ["sparql", "{folder}", "ASK {}"],
        ["load", "{folder}", "ladybug:{folder}/out"],
        ["load", "{folder}", "oxigraph:{folder}/out"],
    ],
)
def test_a_full_disk_leaves_nothing_behind(arguments: list[str], gold_graph: Graph, tmp_path: Path) -> None:
    save(tmp_path, State(graph=gold_graph))
    before = {path.name for path in tmp_path.iterdir()}
    words = [argument.replace("{folder}", str(tmp_path)) for argument in arguments]
    ended = subprocess.run([sys.executable, "-c", SMALL_DISK, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: ")
    assert len(ended.stderr.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} - before <= {".views"}
    assert [path for path in tmp_path.glob(".views/*") if path.suffix != ".lock"] == []
    assert kg(*words).exit_code == 0


def test_a_ladybug_file_that_another_program_writes(graph: Graph, tmp_path: Path) -> None:
    path = tmp_path / "graph.lbug"
    store = open_store(f"ladybug:{path}")
    store.load(graph)
    code = (
        "import ladybug, sys\n"
        "connection = ladybug.Connection(ladybug.Database(sys.argv[1]))\n"
        "connection.execute(\"CREATE (:Task {id: 'task:new'})\")\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "open\n"
    with pytest.raises(StoreError, match="another program is writing it"):
        store.load(graph)
    writer.communicate("", timeout=60)
    store.load(graph)
    assert store.query("MATCH (t:Task) RETURN t.id").rows == (("task:question-answering",),)
