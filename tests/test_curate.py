"""What people decide about a graph directory, on the command line, and how graphs differ."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kg.cli import main
from kg.directory import load_graph
from kg.resolve import decisions

LINES = [
    {"id": "p1", "title": "Quick Net", "abstract": "Quick Net is a Slow Net for zapping."},
    {"id": "p2", "title": "Slow Net", "abstract": "A Slow Net (SN) does zapping."},
    {"id": "p3", "title": "Again", "abstract": "We apply a quick net and SN."},
]
QUICK, SLOW, ZAP = (
    {"id": "e1", "type": "Method", "name": "Quick Net", "surfaces": ["Quick Net"], "role": "introduces"},
    {"id": "e2", "type": "Method", "name": "Slow Net", "surfaces": ["Slow Net", "SN"], "role": "studies"},
    {"id": "e3", "type": "Task", "name": "zapping", "surfaces": ["zapping"], "role": "addresses"},
)
SAID = [
    {"id": "p1", "entities": [QUICK, {**SLOW, "surfaces": ["Slow Net"]}, ZAP],
     "relations": [["e1", "used_for", "e3"], ["e1", "subtype_of", "e2"]]},
    {"id": "p2", "entities": [SLOW, ZAP], "relations": [["e2", "used_for", "e3"]],
     "results": []},
    {"id": "p3", "entities": [{**QUICK, "surfaces": ["quick net"], "name": "quick net", "role": "uses"},
                              {**SLOW, "surfaces": ["SN"], "name": "SN", "role": "uses"}]},
]  # fmt: skip
TABLES = ("entities", "evidence", "extractions", "mentions", "merges", "papers", "results", "statements")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a graph of three papers in `graph`."""
    monkeypatch.chdir(tmp_path)
    Path("papers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in LINES))
    Path("said.jsonl").write_text("".join(json.dumps(row) + "\n" for row in SAID))
    assert kg("build", "papers.jsonl", "--extractions", "said.jsonl", "-o", "graph").exit_code == 0
    return tmp_path


def kg(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def done(*arguments: str) -> str:
    output = kg(*arguments)
    assert (output.exit_code, output.stderr) == (0, ""), output.output
    return output.stdout


def content(directory: str) -> dict[str, bytes]:
    return {name: Path(directory, f"{name}.parquet").read_bytes() for name in TABLES}


def ids(directory: str = "graph") -> list[str]:
    return [entity.id for entity in load_graph(directory).entities]


def test_merges_are_listed_with_rule_and_score(folder: Path) -> None:
    assert ids() == ["method:quick-net", "method:slow-net", "task:zapping"]
    rows = json.loads(done("merges", "graph", "--json"))
    assert {(row["entity"], row["merged_name"], row["rule"]) for row in rows} == {
        ("method:quick-net", "quick net", "case"),
        ("method:slow-net", "SN", "abbreviation"),
        ("task:zapping", "zapping", "case"),
    }
    assert [row["score"] for row in rows] == sorted(row["score"] for row in rows)
    assert [row["merged_name"] for row in json.loads(done("merges", "graph", "--below", "0.95", "--json"))] == ["SN"]


def test_a_merge_is_obeyed_by_later_builds_and_can_be_taken_back(folder: Path) -> None:
    before = content("graph")
    said = done("merge", "graph", "quick net", "Slow Net", "--why", "the same")
    assert "~ entity method:quick-net is now method:slow-net" in said
    assert ids() == ["method:slow-net", "task:zapping"]
    after = content("graph")
    assert kg("build", "papers.jsonl", "-o", "graph", "--extractions", "said.jsonl").exit_code == 0
    assert content("graph") == after
    assert done("find", "graph", "Quick Net").count("method:slow-net") == 1
    assert json.loads(done("explain", "graph", "method:quick-net", "--json"))["id"] == "method:slow-net"
    people = [row for row in json.loads(done("merges", "graph", "--json")) if row["decided_by"] == "person"]
    assert {row["merged_name"] for row in people} == {"Quick Net", "quick net"}
    done("unmerge", "graph", "method:quick-net")
    assert content("graph") == before
    assert [d.action for d in decisions.read("graph")] == ["merge", "unmerge"]


def test_a_decision_before_the_papers_gives_what_it_gives_after_them(folder: Path) -> None:
    done("merge", "graph", "quick net", "Slow Net")
    done("rename", "graph", "zapping", "Zap!")
    Path("other").mkdir()
    Path("other/decisions.jsonl").write_bytes(Path("graph/decisions.jsonl").read_bytes())
    for number, (line, said) in enumerate(zip(LINES, SAID, strict=True)):
        Path(f"{number}.jsonl").write_text(json.dumps(line))
        Path(f"{number}-said.jsonl").write_text(json.dumps(said))
        assert kg("build", f"{number}.jsonl", "--extractions", f"{number}-said.jsonl", "-o", "other").exit_code == 0
    assert content("other") == content("graph")


def test_dry_run_changes_nothing(folder: Path) -> None:
    before = content("graph")
    output = kg("merge", "graph", "quick net", "Slow Net", "--dry-run")
    assert "is now method:slow-net" in output.stdout
    assert "Nothing was changed" in output.stderr
    assert content("graph") == before
    assert not Path("graph/decisions.jsonl").exists()


def test_a_name_is_taken_out_of_a_node(folder: Path) -> None:
    said = done("unmerge", "graph", "Slow Net", "SN")
    assert "+ entity method:sn  SN" in said
    assert "method:sn" in ids()
    graph = load_graph("graph")
    assert ("paper:p3", "uses", "method:sn", False) in {statement.key for statement in graph.statements}
    assert ("paper:p2", "studies", "method:slow-net", False) in {statement.key for statement in graph.statements}


def test_rename_moves_the_id_and_keeps_the_former_one(folder: Path) -> None:
    done("rename", "graph", "zapping", "Zap & Go")
    assert load_graph("graph").entity_by_id["task:zap-go"].name == "Zap & Go"
    assert json.loads(done("explain", "graph", "task:zapping", "--json"))["id"] == "task:zap-go"
    done("rename", "graph", "task:zapping", "Zapping")
    assert "task:zapping" in ids()


def test_a_name_holds_no_signs_that_cannot_be_seen(folder: Path) -> None:
    done("rename", "graph", "zapping", " zap\nping\x1b[0m ")
    assert "task:zap-ping-0m" in ids()


def test_a_statement_is_found_as_cypher_writes_it(folder: Path) -> None:
    done("drop", "graph", "quick net", "USED_FOR", "zapping")
    assert ("method:quick-net", "used_for", "task:zapping", False) not in {
        s.key for s in load_graph("graph").statements
    }


def test_retype_drops_what_the_new_type_cannot_have(folder: Path) -> None:
    done("retype", "graph", "zapping", "concept")
    graph = load_graph("graph")
    assert "concept:zapping" in graph.entity_by_id
    said = {statement.key for statement in graph.statements}
    assert ("paper:p1", "studies", "concept:zapping", False) in said
    assert not any(predicate == "used_for" for _, predicate, _, _ in said)
    assert {mention.type for mention in graph.mentions if mention.entity == "concept:zapping"} == {"Concept"}
    assert "conforms" in done("validate", "graph")


def test_drop_a_node_and_a_statement(folder: Path) -> None:
    done("drop", "graph", "method:quick-net", "subtype_of", "method:slow-net")
    keys = {statement.key for statement in load_graph("graph").statements}
    assert ("method:quick-net", "subtype_of", "method:slow-net", False) not in keys
    assert ("method:quick-net", "used_for", "task:zapping", False) in keys
    done("drop", "graph", "zapping")
    graph = load_graph("graph")
    assert ids() == ["method:quick-net", "method:slow-net"]
    assert not any("zapping" in statement.object for statement in graph.statements)
    assert kg("build", "papers.jsonl", "-o", "graph", "--extractions", "said.jsonl").exit_code == 0
    assert load_graph("graph") == graph


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("merge", "graph", "quick net", "zapping"), "is a Method and task:zapping a Task: kg retype"),
        (("merge", "graph", "quick net", "Quick Net"), "there is nothing to merge"),
        (("merge", "graph", "nothing", "Quick Net"), "is called 'nothing'"),
        (("unmerge", "graph", "Slow Net"), "nobody merged anything into 'Slow Net'"),
        (("unmerge", "graph", "Slow Net", "Slow Net Engine"), "nothing would change"),
        (("rename", "graph", "zapping", "Zapping"), "nothing would change"),
        (("unmerge", "graph", "Slow Net", "slow nets"), "is what method:slow-net itself is called: kg rename"),
        (("rename", "graph", "zapping", " "), "empty name"),
        (("rename", "graph", "Quick Net", "slow net"), "method:slow-net is called 'slow net' already: kg merge"),
        (("drop", "graph", "paper:p1"), "paper:p1 is a paper: kg remove takes papers out"),
        (("drop", "graph", "method:quick-net", "eats", "task:zapping"), "'eats' is no predicate, known: "),
        (("drop", "papers.jsonl", "x"), "papers.jsonl: is a file, a graph is a directory"),
        (("retype", "graph", "zapping", "Thing"), "'Thing' is no type of entity, known: Method, Task"),
        (("drop", "graph", "method:quick-net", "used_for", "method:slow-net"), "the graph does not say"),
        (("drop", "nowhere", "x"), "nowhere"),
        (("diff", "graph", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_decided(folder: Path, arguments: tuple[str, ...], complaint: str) -> None:
    before = content("graph")
    output = kg(*arguments)
    assert output.exit_code == 1
    assert complaint in output.stderr
    assert output.stderr.count("\n") == 1
    assert content("graph") == before
    assert decisions.read("graph") == ()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("nope", "Expecting value"),
        ("[]", "should be an object"),
        ('{"action": "eat", "entity": "method:x"}', "unknown action 'eat', known: drop, merge"),
        ('{"action": "drop"}', "drop needs the field 'entity'"),
        ('{"action": "merge", "entity": "method:x"}', "merge needs the field 'into'"),
        ('{"action": "merge", "entity": "method:x", "into": "task:x"}', "differ in type"),
        ('{"action": "drop", "entity": "x"}', "is no id of kg"),
        ('{"action": "drop", "entity": "method:x", "colour": "red"}', "unknown field 'colour'"),
        ('{"action": "drop", "entity": 5}', "field 'entity' should be a string"),
        ('{"action": "retype", "entity": "method:x", "to": "Thing"}', "unknown type 'Thing'"),
    ],
)
def test_a_decision_that_cannot_be_read_is_named_and_stops_the_build(folder: Path, line: str, complaint: str) -> None:
    Path("graph/decisions.jsonl").write_text('{"action": "drop", "entity": "task:zapping"}\n' + line + "\n")
    output = kg("build", "papers.jsonl", "-o", "graph")
    assert output.exit_code == 1
    assert "decisions.jsonl:2: " in output.stderr
    assert complaint in output.stderr
    assert len(ids()) == 3


def test_diff_of_two_graphs(folder: Path) -> None:
    Path("fewer.jsonl").write_text("".join(json.dumps(row) + "\n" for row in LINES[:2]))
    Path("less.jsonl").write_text("".join(json.dumps(row) + "\n" for row in SAID[:2]))
    assert kg("build", "fewer.jsonl", "--extractions", "less.jsonl", "-o", "old").exit_code == 0
    assert done("diff", "old", "graph") == (
        "+ paper paper:p3  Again\n"
        "+ name quick net of method:quick-net (case, rule)\n"
        "+ paper:p3 uses method:quick-net  (1.0)\n"
        "+ paper:p3 uses method:slow-net  (1.0)\n"
    )
    change = json.loads(done("diff", "graph", "old", "--json"))
    assert change["papers"]["lost"] == [["paper:p3", "Again"]]
    assert done("diff", "graph", "graph") == "No difference.\n"


def test_diff_as_turtle_says_what_the_other_forms_say(folder: Path) -> None:
    import pyoxigraph as ox

    done("merge", "graph", "quick net", "Slow Net")
    done("build", "papers.jsonl", "--extractions", "said.jsonl", "-o", "old")
    Path("less.jsonl").write_text("".join(json.dumps(row) + "\n" for row in LINES[:2]))
    Path("fewer.jsonl").write_text("".join(json.dumps(row) + "\n" for row in SAID[:2]))
    done("build", "less.jsonl", "--extractions", "fewer.jsonl", "-o", "less")
    for old, new in (("old", "graph"), ("graph", "old"), ("less", "old"), ("old", "less"), ("old", "old")):
        change = json.loads(done("diff", old, new, "--json"))
        triples = set(
            ox.parse(done("diff", old, new, "--turtle", "--base", "https://a.org/"), format=ox.RdfFormat.TURTLE)
        )
        kg_, base = "https://kg.example.org/ontology#", "https://a.org/"
        said = {(t.subject.value, t.predicate.value, t.object.value) for t in triples}
        whole = f"{base}difference"
        assert (whole, "http://www.w3.org/1999/02/22-rdf-syntax-ns#type", f"{kg_}Difference") in said
        for which in ("gained", "lost"):
            found = {obj for subject, predicate, obj in said if (subject, predicate) == (whole, kg_ + which)}
            kinds = ("papers", "entities", "merges", "statements")
            assert len(found) == sum(len(change[kind][which]) for kind in kinds)
            for kind in ("papers", "entities"):
                assert {base + row[0].replace(":", "/") for row in change[kind][which]} <= found
        became = {row for row in said if row[1] == "http://purl.org/dc/terms/isReplacedBy"}
        assert {(s, o) for s, _, o in became} == {
            (base + one.replace(":", "/"), base + other.replace(":", "/"))
            for one, other in change["entities"]["became"]
        }
        moved = {obj for subject, predicate, obj in said if (subject, predicate) == (whole, kg_ + "moved")}
        assert len(moved) == len(change["statements"]["moved"])
        confidences = [row for row in said if row[1] == kg_ + "confidence"]
        assert len(confidences) == sum(len(rows) for rows in change["statements"].values())
    assert "no IRI" in kg("diff", "old", "graph", "--turtle", "--base", "x y").stderr


@pytest.mark.parametrize(
    "command", [("drop",), ("rename", "x"), ("merge", "Slow Net"), ("retype", "Task"), ("unmerge",)]
)
def test_people_decide_about_nodes_by_their_whole_name(folder: Path, command: tuple[str, ...]) -> None:
    before = content("graph")
    output = kg(command[0], "graph", "quick n", *command[1:])
    assert output.exit_code == 1
    assert output.stderr == (
        "Error: no node is called 'quick n': give the id, or all of the name, perhaps of method:quick-net (Quick Net)\n"
    )
    assert content("graph") == before


def test_statements_are_dropped_by_whole_names(folder: Path) -> None:
    output = kg("drop", "graph", "quick", "used_for", "zapping")
    assert output.exit_code == 1
    assert "perhaps of method:quick-net (Quick Net)" in output.stderr
    assert "- method:quick-net used_for task:zapping" in done("drop", "graph", "quick net", "used_for", "zapping")


def test_diff_tells_links_to_catalogues(folder: Path) -> None:
    import pyoxigraph as ox

    shutil.copytree("graph", "linked")
    Path("mine.ttl").write_text(
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        '<https://x.org/quick> a skos:Concept ; skos:prefLabel "quick nets" .\n'
    )
    done("link", "linked", "mine.ttl")
    assert done("diff", "graph", "linked") == "+ method:quick-net exact match https://x.org/quick  (mine, 0.96)\n"
    assert done("diff", "linked", "graph").startswith("- method:quick-net exact match")
    triples = ox.parse(done("diff", "graph", "linked", "--turtle"), format=ox.RdfFormat.TURTLE)
    said = {(t.subject.value, t.predicate.value.rpartition("#")[2], t.object.value) for t in triples}
    (link,) = {obj for _, predicate, obj in said if predicate == "gained"}
    assert {
        (link, "type", "https://kg.example.org/ontology#CatalogueLink"),
        (link, "subject", "https://kg.example.org/method/quick-net"),
        (link, "predicate", "http://www.w3.org/2004/02/skos/core#exactMatch"),
        (link, "object", "https://x.org/quick"),
        (link, "catalogue", "mine"),
    } <= said
    done("rename", "linked", "quick net", "Rapid Net")
    assert "match" not in done("diff", "linked", "linked")
    assert "- method" not in done("diff", "graph", "linked")


def test_a_renamed_node_says_that_a_person_did_it(folder: Path) -> None:
    done("rename", "graph", "quick net", "Rapid Net")
    assert "merged: Quick Net  (rename, 1.0, person)" in done("explain", "graph", "Rapid Net")
    assert "merged: quick net  (case, 0.98, rule)" in done("explain", "graph", "Rapid Net")


def test_what_is_taken_out_of_a_merge_gets_its_known_id_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    methods = [{"id": f"e{n}", "type": "Method", "name": name, "surfaces": [name], "role": "studies"}
               for n, name in enumerate(("GPT-2", "GPT-3"))]  # fmt: skip
    Path("p.jsonl").write_text(json.dumps({"id": "p", "title": "GPT-2 and GPT-3", "abstract": "Compared."}))
    Path("s.jsonl").write_text(json.dumps({"id": "p", "entities": methods}))
    done("build", "p.jsonl", "--extractions", "s.jsonl", "-o", "graph")
    before = ids()
    done("merge", "graph", "GPT-2", "GPT-3")
    assert ids() == ["method:gpt-3"]
    done("unmerge", "graph", "GPT-3", "GPT-2")
    assert ids() == before == ["method:gpt-2", "method:gpt-3"]


def test_merges_below_a_score_that_none_has(folder: Path) -> None:
    assert done("merges", "graph", "--below", "0.1") == "No merge is less sure than 0.1.\n"
    assert done("merges", "graph", "--below", "0.1", "--json") == "[]\n"


def test_diff_tells_whose_confidence_moved(folder: Path) -> None:
    def said(paper: str, score: float) -> dict[str, object]:
        relation = {
            "head": "e1",
            "predicate": "used_for",
            "tail": "e3",
            "score": score,
            "negated": False,
            "hedged": False,
        }
        return {"id": paper, "entities": [QUICK, ZAP], "relations": [relation]}

    text = {"title": "Quick Net", "abstract": "Quick Net is for zapping."}
    Path("two.jsonl").write_text("".join(json.dumps({"id": p, **text, "title": f"Quick Net {p}"}) + "\n" for p in "ab"))
    Path("one.jsonl").write_text(Path("two.jsonl").read_text().splitlines()[0] + "\n")
    Path("two-said.jsonl").write_text("".join(json.dumps(said(p, 0.5)) + "\n" for p in "ab"))
    Path("one-said.jsonl").write_text(json.dumps(said("a", 0.5)) + "\n")
    for name in ("one", "two"):
        done("build", f"{name}.jsonl", "--extractions", f"{name}-said.jsonl", "-o", f"graph-{name}")
    line = "~ method:quick-net used_for task:zapping  (0.5 -> 0.75)\n"
    assert line in done("diff", "graph-one", "graph-two")
    assert line not in done("diff", "graph-one", "graph-two", "--moved", "0.3")
    moved = json.loads(done("diff", "graph-one", "graph-two", "--json"))["statements"]["moved"]
    assert ["method:quick-net", "used_for", "task:zapping", False, 0.5, 0.75] in moved
    turtle = done("diff", "graph-one", "graph-two", "--turtle")
    assert "kg:confidence 0.75 ;\n    kg:formerConfidence 0.5 ." in turtle
    assert kg("diff", "graph-one", "graph-two", "--turtle", "--json").exit_code == 2


def test_of_several_vocabularies_the_later_wins(folder: Path) -> None:
    Path("one.csv").write_text("name,type,aliases\nRapid Network,Method,quick net\n")
    Path("two.jsonl").write_text('{"name": "Hasty Network", "type": "Method", "aliases": ["quick net"]}\n')
    Path("three.ttl").write_text(
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix kg: <https://kg.example.org/ontology#> .\n"
        '<https://x.org/1> a skos:Concept, kg:Task ; skos:prefLabel "Zapping of Things" ; skos:altLabel "zapping" .'
    )
    build = ("build", "papers.jsonl", "--extractions", "said.jsonl", "-o")
    files = ("one.csv", "two.jsonl", "three.ttl")
    done(*build, "mine", *(word for file in files for word in ("--vocabulary", file)))
    assert ids("mine") == ["method:hasty-network", "method:slow-net", "task:zapping-of-things"]
    done(*build, "other", *(word for file in reversed(files) for word in ("--vocabulary", file)))
    assert ids("other") == ["method:rapid-network", "method:slow-net", "task:zapping-of-things"]
    assert json.loads(done("explain", "mine", "zapping", "--json"))["same_as"] == ["https://x.org/1"]


@pytest.mark.parametrize("suffix", ["ttl", "nt", "jsonld"])
def test_exports_lead_from_ids_that_a_decision_replaced(folder: Path, suffix: str) -> None:
    import pyoxigraph as ox

    done("merge", "graph", "quick net", "Slow Net")
    done("rename", "graph", "zapping", "Zap")
    done("export", "graph", f"graph.{suffix}")
    said = {(q.subject.value, q.predicate.value, q.object.value) for q in ox.parse(path=f"graph.{suffix}")}
    base, replaced = "https://kg.example.org/", "http://purl.org/dc/terms/isReplacedBy"
    [hit] = json.loads(done("find", "graph", "method:quick-net", "--json"))
    assert (hit["id"], hit["match"], hit["matched"]) == ("method:slow-net", "exact", "method:quick-net")
    assert {(s, o) for s, p, o in said if p == replaced} == {
        (f"{base}method/quick-net", f"{base}method/slow-net"),
        (f"{base}task/zapping", f"{base}task/zap"),
    }
    assert f"{base}method/quick-net" not in {o for _, p, o in said if p != replaced}
    assert done("validate", f"graph.{suffix}") == f"graph.{suffix} conforms\n"
    done("unmerge", "graph", "method:quick-net")
    done("export", "graph", f"again.{suffix}")
    said = {(q.subject.value, q.predicate.value, q.object.value) for q in ox.parse(path=f"again.{suffix}")}
    assert {s for s, p, _ in said if p == replaced} == {f"{base}task/zapping"}


def test_other_exports_have_former_ids_too(folder: Path) -> None:
    done("rename", "graph", "zapping", "Zap")
    done("export", "graph", "graph.json")
    assert json.loads(Path("graph.json").read_text())["graph"] == {"former_ids": {"task:zapping": "task:zap"}}
    done("export", "graph", "rows", "--format", "csv")
    assert Path("rows/former_ids.csv").read_bytes() == b"former_id,id\ntask:zapping,task:zap\n"
    done("export", "graph", "rows", "--format", "jsonl")
    assert json.loads(Path("rows/former_ids.jsonl").read_text()) == {"former_id": "task:zapping", "id": "task:zap"}


def test_a_vocabulary_of_ones_own_is_remembered(folder: Path) -> None:
    Path("mine.csv").write_text("name,type,aliases\nRapid Network,Method,quick net\n")
    build = ("build", "papers.jsonl", "--extractions", "said.jsonl", "-o", "graph")
    assert kg(*build, "--vocabulary", "mine.csv").exit_code == 0
    assert "method:rapid-network" in ids()
    mine = content("graph")
    Path("mine.csv").unlink()
    assert kg(*build).exit_code == 0
    assert content("graph") == mine
    done("drop", "graph", "zapping")
    assert "method:rapid-network" in ids()
    assert kg(*build, "--replace").exit_code == 0
    assert "method:quick-net" in ids()
    assert "no such vocabulary file" in kg(*build, "--vocabulary", "mine.csv").stderr
