"""The catalogue: Ladybug, Oxigraph, Neo4j and a plain reading of the NetworkX graph give the same rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from click.testing import CliRunner, Result

from kg import queries
from kg.cli import main
from kg.directory import State, save
from kg.graph import Graph
from kg.model import ENTITY_TYPES, StoreError
from kg.queries import Question, catalogue
from kg.stores import Store, open_store
from tests.java_servers import Neo4jServer
from tests.small_graph import small_graph

Rows = list[tuple[Any, ...]]
ROLES = ("addresses", "compares", "evaluates_on", "introduces", "mentions", "reports", "studies", "uses")


class Plain:
    """The NetworkX form of a graph, with the little that reading it by hand needs."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph.to_networkx()

    def edges(self, *predicates: str, negated: bool = False, stated: bool = False) -> Iterator[tuple[str, str, Any]]:
        """Head, tail and data of the edges of these predicates (none: all; `stated`: without links of metadata)."""
        for head, tail, data in self.graph.edges(data=True):
            wanted = not predicates or data["predicate"] in predicates
            if wanted and data["negated"] == negated and (not stated or "support" in data):
                yield head, tail, data

    def out(self, node: str, *predicates: str) -> list[str]:
        return [tail for head, tail, _ in self.edges(*predicates) if head == node]

    def into(self, node: str, *predicates: str) -> list[str]:
        return [head for head, tail, _ in self.edges(*predicates) if tail == node]

    def type(self, node: str) -> str:
        return str(self.graph.nodes[node]["type"])

    def name(self, node: str) -> str:
        return str(self.graph.nodes[node]["name"])

    def year(self, paper: str) -> int | None:
        year: int | None = self.graph.nodes[paper]["year"]
        return year

    def of_type(self, kind: str) -> list[str]:
        return sorted(node for node in self.graph if self.type(node) == kind)

    def evidence(self, *predicates: str, negated: bool = False) -> Iterator[tuple[str, str, Any, Any]]:
        """Head, tail, data of the edge, and each piece of its evidence."""
        for head, tail, data in self.edges(*predicates, negated=negated, stated=True):
            for piece in data["evidence"]:
                yield head, tail, data, piece

    def roles_of(self, paper: str) -> set[str]:
        return set(self.out(paper, *ROLES))


def most(counts: Counter[Any], limit: int = 20) -> list[tuple[Any, int]]:
    """The most frequent, ties by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit]


def popular(predicate: str, kind: str, *, reverse: bool = False) -> Callable[..., Rows]:
    def plainly(g: Plain, limit: int = 20) -> Rows:
        ends = ((head, tail) if reverse else (tail, head) for head, tail, _ in g.edges(predicate))
        return [(n, g.name(n), count) for n, count in most(Counter(n for n, _ in ends if g.type(n) == kind), limit)]

    return plainly


def sentences(predicate: str, parameter: str, *, given: str, kinds: tuple[str, str]) -> Callable[..., Rows]:
    """The other end of the statements of a predicate, and who says so in which sentence."""

    def plainly(g: Plain, **parameters: str) -> Rows:
        rows = set()
        for head, tail, data, piece in g.evidence(predicate):
            fixed, free = (head, tail) if given == "subject" else (tail, head)
            if fixed == parameters[parameter] and (g.type(head), g.type(tail)) == kinds:
                rows.add((free, g.name(free), data["support"], piece["paper"], piece["sentence"]))
        return sorted(rows, key=lambda row: (-row[2], row[0], *row[3:]))

    return plainly


def tasks_by_year(g: Plain) -> Rows:
    counts = Counter((g.year(p), t) for p, t, _ in g.edges("addresses") if g.year(p) is not None)
    rows = [(year, task, g.name(task), count) for (year, task), count in counts.items()]
    return sorted(rows, key=lambda row: (row[0], -row[3], row[1]))


def datasets_of_task(g: Plain, task: str) -> Rows:
    found = {
        (dataset, paper)
        for paper in g.into(task, "addresses")
        for dataset in g.out(paper, "evaluates_on", "introduces", "studies", "uses")
        if g.type(dataset) == "Dataset"
    }
    return [(d, g.name(d), count) for d, count in most(Counter(d for d, _ in found), 10**9)]


def compared(g: Plain, method: str) -> Rows:
    rows = set()
    for head, tail, _, piece in g.evidence("compared_with"):
        if method in (head, tail):
            other = tail if head == method else head
            rows.add((other, g.name(other), piece["paper"], piece["sentence"]))
    return sorted(rows)


def papers_on(g: Plain, node: str) -> Rows:
    rows = [(p, g.name(p), data["predicate"]) for p, n, data in g.edges(*ROLES) if n == node]
    return sorted(rows, key=lambda row: (row[2], row[0]))


def introduces(g: Plain, paper: str) -> Rows:
    return sorted((n, g.type(n), g.name(n)) for n in g.out(paper, "introduces"))


def introduced_by(g: Plain, node: str) -> Rows:
    return sorted((p, g.name(p), g.year(p)) for p in g.into(node, "introduces"))


def introduced_in_year(g: Plain, year: int) -> Rows:
    return sorted((n, g.type(n), g.name(n), p) for p, n, _ in g.edges("introduces") if g.year(p) == year)


def later_used(g: Plain, limit: int = 20) -> Rows:
    counts = Counter(
        (paper, method)
        for paper, method, _ in g.edges("introduces")
        if g.type(method) == "Method"
        for later in set(g.into(method, "uses"))
        if (g.year(later) or 0) > (g.year(paper) or 10**9)
    )
    return [(p, g.year(p), m, g.name(m), count) for (p, m), count in most(counts, limit)]


def used_together(g: Plain, method: str, limit: int = 20) -> Rows:
    pairs = {
        (other, paper)
        for paper in g.into(method, "uses", "introduces")
        for other in g.out(paper, "uses", "introduces")
        if other != method and g.type(other) == "Method"
    }
    return [(o, g.name(o), count) for o, count in most(Counter(o for o, _ in pairs), limit)]


def related(g: Plain, node: str, limit: int = 20) -> Rows:
    counts = Counter(o for p in set(g.into(node, *ROLES)) for o in g.roles_of(p) if o != node)
    return [(o, g.type(o), g.name(o), count) for o, count in most(counts, limit)]


def alternatives(g: Plain, method: str) -> Rows:
    rows = [
        (other, g.name(other), task, data["support"])
        for task in g.out(method, "used_for")
        if g.type(task) == "Task"
        for other, found, data in g.edges("used_for")
        if found == task and other != method
    ]
    return sorted(rows, key=lambda row: (-row[3], row[0], row[2]))


def lineage(*, up: bool) -> Callable[..., Rows]:
    def plainly(g: Plain, method: str) -> Rows:
        tree = nx.DiGraph()
        tree.add_node(method)
        tree.add_edges_from((h, t) if up else (t, h) for h, t, _ in g.edges("based_on", "subtype_of"))
        reached = nx.descendants(tree, method) - {method}
        return sorted((node, g.name(node)) for node in reached if g.type(node) == "Method")

    return plainly


def chain(g: Plain, **ends: str) -> Rows:
    whole = nx.Graph()
    whole.add_edges_from((head, tail) for head, tail, _ in g.edges(stated=True))
    start, goal = ends["from"], ends["to"]
    if start not in whole or goal not in whole or not nx.has_path(whole, start, goal):
        return []
    paths = list(nx.all_shortest_paths(whole, start, goal))
    if len(paths[0]) > 4:
        return []
    return sorted({(len(path) - 1, *[*path[1:-1], None, None][:2]) for path in paths}, key=str)


def leaderboard(g: Plain, task: str, dataset: str, metric: str) -> Rows:
    rows = []
    for result in g.of_type("Result"):
        data = g.graph.nodes[result]
        if data["number"] is None:
            continue
        about = (g.out(result, "on_task"), g.out(result, "on_dataset"), g.out(result, "in_metric"))
        if about == ([task], [dataset], [metric]):
            rows += [
                (m, g.name(m), data["number"], data["value"], p, data["sentence"])
                for m in g.out(result, "of_method")
                for p in g.into(result, "has_result")
            ]
    return sorted(rows, key=lambda row: (-row[2], row[0], row[4], row[3]))


def leaderboards(g: Plain) -> Rows:
    counts = Counter(
        (task, dataset, metric)
        for result in g.of_type("Result")
        for task in g.out(result, "on_task")
        for dataset in g.out(result, "on_dataset")
        for metric in g.out(result, "in_metric")
    )
    return [(*about, count) for about, count in most(counts, 10**9)]


def results(g: Plain, paper: str) -> Rows:
    rows = []
    for result in g.out(paper, "has_result"):
        data = g.graph.nodes[result]
        about = [([*g.out(result, name), None])[0] for name in ("of_method", "on_dataset", "in_metric")]
        rows.append((result, data["value"], data["unit"], *about))
    return sorted(rows)


def contradictions(g: Plain) -> Rows:
    denied = {(h, d["predicate"], t): d["support"] for h, t, d in g.edges(negated=True)}
    stated = {(h, d["predicate"], t): d["support"] for h, t, d in g.edges(stated=True)}
    return sorted((*key, stated[key], denied[key]) for key in stated.keys() & denied.keys())


def rivals(g: Plain) -> Rows:
    better = {(head, tail): data["support"] for head, tail, data in g.edges("outperforms")}
    return sorted((a, b, support, better[b, a]) for (a, b), support in better.items() if (b, a) in better)


def denied(g: Plain) -> Rows:
    return sorted(
        {(h, d["predicate"], t, piece["paper"], piece["sentence"]) for h, t, d, piece in g.evidence(negated=True)}
    )


def supposed(g: Plain) -> Rows:
    return sorted(
        {
            (h, d["predicate"], t, piece["paper"], piece["sentence"])
            for negated in (False, True)
            for h, t, d, piece in g.evidence(negated=negated)
            if piece["hedged"]
        }
    )


def evidence(g: Plain, subject: str, predicate: str, object: str) -> Rows:  # noqa: A002
    rows = [
        (piece["paper"], piece["start"], piece["end"], negated, piece["score"], piece["sentence"])
        for negated in (False, True)
        for h, t, _, piece in g.evidence(predicate, negated=negated)
        if (h, t) == (subject, object)
    ]
    return sorted(rows)


def statements_of_paper(g: Plain, paper: str) -> Rows:
    return sorted(
        {
            (h, d["predicate"], t, negated, piece["sentence"])
            for negated in (False, True)
            for h, t, d, piece in g.evidence(negated=negated)
            if piece["paper"] == paper
        }
    )


def about_paper(g: Plain, paper: str) -> Rows:
    return sorted((d["predicate"], t, g.type(t), g.name(t)) for h, t, d in g.edges() if h == paper)


def about(g: Plain, node: str) -> Rows:
    return sorted(
        (h, d["predicate"], t, d["support"], d["confidence"])
        for h, t, d in g.edges(stated=True)
        if node in (h, t) and g.type(h) != "Paper"
    )


def best_supported(g: Plain, limit: int = 20) -> Rows:
    rows = [
        (h, d["predicate"], t, d["support"], d["confidence"])
        for h, t, d in g.edges(stated=True)
        if g.type(h) != "Paper"
    ]
    return sorted(rows, key=lambda row: (-row[3], -row[4], *row[:3]))[:limit]


def uncertain(g: Plain, limit: int = 20) -> Rows:
    rows = [(h, d["predicate"], t, d["confidence"]) for h, t, d in g.edges(stated=True) if g.type(h) != "Paper"]
    return sorted(rows, key=lambda row: (row[3], *row[:3]))[:limit]


def isolated_papers(g: Plain) -> Rows:
    named_by = Counter(node for paper in g.of_type("Paper") for node in g.roles_of(paper))
    papers = [p for p in g.of_type("Paper") if all(named_by[node] == 1 for node in g.roles_of(p))]
    return [(paper, g.name(paper)) for paper in papers]


def unevaluated(g: Plain) -> Rows:
    introduced = {m for _, m, _ in g.edges("introduces") if g.type(m) == "Method"}
    return sorted((m, g.name(m)) for m in introduced if not g.out(m, "evaluated_on"))


def tasks_without_benchmark(g: Plain) -> Rows:
    return [(task, g.name(task)) for task in g.of_type("Task") if not g.into(task, "benchmark_for")]


def authors_on(g: Plain, node: str, limit: int = 20) -> Rows:
    counts = Counter(author for paper in set(g.into(node, *ROLES)) for author in g.out(paper, "authored_by"))
    return [(author, g.name(author), count) for author, count in most(counts, limit)]


def papers_of_author(g: Plain, author: str) -> Rows:
    return sorted((paper, g.name(paper), g.year(paper)) for paper in g.into(author, "authored_by"))


def find(g: Plain, text: str, limit: int = 20) -> Rows:
    found = sorted(n for n in g.graph if text.lower() in g.name(n).lower() and g.type(n) != "Result")
    return [(node, g.type(node), g.name(node)) for node in found[:limit]]


PLAINLY: dict[str, Callable[..., Rows]] = {
    "about": about,
    "about-paper": about_paper,
    "alternatives": alternatives,
    "ancestors": lineage(up=True),
    "authors-on": authors_on,
    "based-on": sentences("based_on", "method", given="subject", kinds=("Method", "Method")),
    "benchmarks-of-task": sentences("benchmark_for", "task", given="object", kinds=("Dataset", "Task")),
    "best-supported": best_supported,
    "chain": chain,
    "compared": compared,
    "concepts-of-method": sentences("exhibits", "method", given="subject", kinds=("Method", "Concept")),
    "contradictions": contradictions,
    "datasets": popular("evaluates_on", "Dataset"),
    "datasets-of-method": sentences("evaluated_on", "method", given="subject", kinds=("Method", "Dataset")),
    "datasets-of-task": datasets_of_task,
    "denied": denied,
    "descendants": lineage(up=False),
    "evidence": evidence,
    "find": find,
    "introduced-by": introduced_by,
    "introduced-in-year": introduced_in_year,
    "introduces": introduces,
    "isolated-papers": isolated_papers,
    "later-used": later_used,
    "leaderboard": leaderboard,
    "leaderboards": leaderboards,
    "methods": popular("uses", "Method"),
    "methods-for-task": sentences("used_for", "task", given="object", kinds=("Method", "Task")),
    "methods-on-dataset": sentences("evaluated_on", "dataset", given="object", kinds=("Method", "Dataset")),
    "metrics-of-task": sentences("measured_by", "task", given="subject", kinds=("Task", "Metric")),
    "most-cited": popular("cites", "Paper"),
    "outperformed": sentences("outperforms", "method", given="subject", kinds=("Method", "Method")),
    "outperforms": sentences("outperforms", "method", given="object", kinds=("Method", "Method")),
    "papers-of-author": papers_of_author,
    "papers-on": papers_on,
    "parts": sentences("part_of", "method", given="object", kinds=("Method", "Method")),
    "related": related,
    "results": results,
    "rivals": rivals,
    "statements-of-paper": statements_of_paper,
    "supposed": supposed,
    "tasks": popular("addresses", "Task"),
    "tasks-by-year": tasks_by_year,
    "tasks-of-method": sentences("used_for", "method", given="subject", kinds=("Method", "Task")),
    "tasks-without-benchmark": tasks_without_benchmark,
    "uncertain": uncertain,
    "unevaluated": unevaluated,
    "used-together": used_together,
    "venues": popular("published_in", "Venue"),
}


@pytest.fixture(scope="module")
def graph() -> Graph:
    return small_graph()


@pytest.fixture(scope="module")
def folder(graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("queries") / "graph"
    save(path, State(graph=graph))
    return path


@pytest.fixture(scope="module")
def gold_folder(gold_graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("queries") / "gold"
    save(path, State(graph=gold_graph))
    return path


def examples(question: Question) -> dict[str, str]:
    return {p.name: str(p.example) for p in question.parameters if p.example is not None}


def chosen(question: Question, g: Plain) -> dict[str, str]:
    """Parameters that fit a graph: of each kind the node with most edges, so that there is an answer if any."""
    values: dict[str, str] = {}
    for parameter in question.parameters:
        if parameter.kind in (*ENTITY_TYPES, "Entity", "Node", "Paper", "Author"):
            kinds = ENTITY_TYPES if parameter.kind in ("Entity", "Node") else (parameter.kind,)
            nodes = sorted((-g.graph.degree(n), n) for kind in kinds for n in g.of_type(kind))
            values[parameter.name] = next((n for _, n in nodes if n not in values.values()), f"{kinds[0].lower()}:none")
        elif parameter.example is not None:
            values[parameter.name] = str(parameter.example)
    return values


def answers(question: Question, store: Store, values: dict[str, str]) -> Rows:
    answer = queries.ask(question, store, values)
    return [tuple(row) for row in answer.rows]


def read_plainly(question: Question, g: Plain, values: dict[str, str]) -> Rows:
    kinds = {parameter.name: parameter.kind for parameter in question.parameters}
    typed = {name: int(value) if kinds[name] == "integer" else value for name, value in values.items()}
    return PLAINLY[question.name](g, **typed)


def test_each_question_has_a_plain_reading() -> None:
    assert set(PLAINLY) == set(catalogue())
    assert len(catalogue()) >= 30


@pytest.mark.parametrize("name", sorted(PLAINLY))
def test_embedded_stores_answer_as_networkx_does(name: str, graph: Graph, folder: Path) -> None:
    question = catalogue()[name]
    values = examples(question)
    expected = read_plainly(question, Plain(graph), values)
    assert answers(question, open_store(folder, language="cypher"), values) == expected
    assert answers(question, open_store(folder, language="sparql"), values) == expected
    assert expected or name == "tasks-without-benchmark", "the example shows nothing"


@pytest.mark.parametrize("name", sorted(PLAINLY))
def test_embedded_stores_answer_as_networkx_does_on_real_papers(
    name: str, gold_graph: Graph, gold_folder: Path
) -> None:
    question = catalogue()[name]
    g = Plain(gold_graph)
    values = chosen(question, g)
    expected = read_plainly(question, g, values)
    assert answers(question, open_store(gold_folder, language="cypher"), values) == expected
    assert answers(question, open_store(gold_folder, language="sparql"), values) == expected


@pytest.mark.slow
def test_neo4j_answers_as_networkx_does(
    neo4j_server: Neo4jServer, graph: Graph, gold_graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = neo4j_server.emptied(monkeypatch)
    for loaded in (graph, gold_graph):
        store.load(loaded, prune=True)
        g = Plain(loaded)
        for name, question in catalogue().items():
            values = examples(question) if loaded is graph else chosen(question, g)
            assert answers(question, store, values) == read_plainly(question, g, values), name


# ---- kg ask -------------------------------------------------------------------------------------------------------


def kg(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_ask_without_a_name_lists_the_questions() -> None:
    listed = json.loads(kg("ask", "--json").output)
    assert [row["name"] for row in listed] == sorted(PLAINLY)
    assert all(row["question"].endswith("?") for row in listed)


def test_ask_shows_the_texts() -> None:
    shown = kg("ask", "ancestors", "--show").output
    assert "Cypher (Ladybug):" in shown
    assert "MATCH SHORTEST 1" in shown
    assert "(kg:based_on|kg:subtype_of)+" in shown
    shown = kg("ask", "leaderboard", "--show").output
    assert "Cypher:" in shown
    assert "task=…  a task" in shown


@pytest.mark.parametrize("typed", ["task:question-answering", "question answering", "qa"])
@pytest.mark.parametrize("options", [[], ["--sparql"]])
def test_ask_takes_ids_names_and_aliases(typed: str, options: list[str], folder: Path) -> None:
    answer = kg("ask", "datasets-of-task", folder, f"task={typed}", "--csv", *options)
    assert answer.output == "dataset,name,papers\ndataset:squad,SQuAD,2\n"


@pytest.mark.parametrize("options", [[], ["--sparql"]])
def test_former_ids_are_understood_and_change_no_rows(options: list[str], graph: Graph, tmp_path: Path) -> None:
    save(tmp_path / "new", State(graph=graph))
    save(tmp_path / "grown", State(graph=graph, redirects={"task:reading": "task:question-answering"}))
    for name, question in catalogue().items():
        given = [f"{parameter}={value}" for parameter, value in examples(question).items()]
        asked = [kg("ask", name, tmp_path / folder, *given, *options) for folder in ("new", "grown")]
        assert asked[0].output == asked[1].output, name
        assert asked[0].exit_code == 0
    answer = kg("ask", "datasets-of-task", tmp_path / "grown", "task=task:reading", "--csv", *options)
    assert answer.output == "dataset,name,papers\ndataset:squad,SQuAD,2\n"


@pytest.mark.parametrize("scheme", ["ladybug", "oxigraph"])
def test_any_store_can_be_asked(scheme: str, graph: Graph, tmp_path: Path) -> None:
    address = f"{scheme}:{tmp_path / 'store'}"
    open_store(address).load(graph)
    answer = kg("ask", "datasets-of-task", address, "task=qa", "--csv")
    assert answer.output == "dataset,name,papers\ndataset:squad,SQuAD,2\n"


@pytest.mark.parametrize("language", ["cypher", "sparql"])
def test_an_ambiguous_name_lists_the_candidates(language: str, graph: Graph, tmp_path: Path) -> None:
    from dataclasses import replace

    renamed = [replace(entity, aliases=("twin",)) if entity.type == "Method" else entity for entity in graph.entities]
    save(tmp_path, State(graph=replace(graph, entities=tuple(renamed))))
    with pytest.raises(StoreError, match=r"'Twin' may be method:attention, method:bert, .*: give the id"):
        queries.ask(catalogue()["parts"], open_store(tmp_path, language=language), {"method": "Twin"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["outperform", "{folder}"],
            "no question is called 'outperform'; perhaps about-paper, outperformed, outperforms",
        ),
        (["outperforms", "{folder}"], "outperforms needs method=… (a method), for example method=method:bert"),
        (["outperforms", "{folder}", "task=x"], "has no parameter 'task'; its parameters: method=…"),
        (["outperforms", "{folder}", "method=task:x"], "should be a method, and that is a Task"),
        (["outperforms", "{folder}", "method=nobody"], "no Method is called 'nobody'"),
        (["introduced-in-year", "{folder}", "year=soon"], "a year is a whole number"),
        (["methods", "{folder}", "limit=-1"], "is a whole number from 0 on"),
        (["tasks", "{folder}/nowhere"], "no graph here"),
    ],
)
def test_mistakes_get_one_clear_line(arguments: list[str], said: str, folder: Path) -> None:
    answer = kg("ask", *(argument.replace("{folder}", str(folder)) for argument in arguments))
    assert answer.exit_code == 1
    assert said in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_the_docs_list_each_question() -> None:
    docs = (Path(__file__).parents[1] / "docs" / "questions.md").read_text("utf-8")
    for question in catalogue().values():
        names = " ".join(parameter.name for parameter in question.parameters)
        assert f"| `{question.name}` | {names} | {question.question} |" in docs
