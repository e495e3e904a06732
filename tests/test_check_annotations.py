"""`kg annotate-check`: what is wrong in files of annotations, with place and reason; wild input is no exception."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.cli import main
from kg.extract.annotations import from_json, read_extractions, read_texts
from kg.extract.check_annotations import KINDS, check_files, check_row
from kg.model import ENTITY_TYPES, Paper, ReadError

TITLE, ABSTRACT = "BERT on GLUE", "BERT, or Bert-large, reaches 91.2% accuracy in 2fps. RoBERTas win."
TEXT = f"{TITLE}\n{ABSTRACT}"
BERT = {"id": "e1", "type": "Method", "name": "BERT", "role": "studies", "surfaces": ["BERT"]}
GLUE = {"id": "e2", "type": "Dataset", "name": "GLUE", "role": "evaluates_on", "surfaces": ["GLUE"]}
LARGE = {"id": "e3", "type": "Method", "name": "BERT-large", "role": "compares", "surfaces": ["Bert-large"]}
RESULT = {"value": "91.2%", "method": "e1", "dataset": "e2"}

Row = dict[str, Any]


def row(**changes: Any) -> Row:
    return {"id": "1", "entities": [BERT, GLUE, LARGE], "relations": [], "results": [], **changes}


def bert(**changes: Any) -> Row:
    return row(entities=[{key: value for key, value in {**BERT, **changes}.items() if value is not ...}, GLUE, LARGE])


def with_mentions(*mentions: Any) -> Row:
    return bert(surfaces=..., mentions=list(mentions))


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (bert(id="e2"), "id", "e2 'GLUE': an entity before it has the id 'e2', too"),
        (bert(id=...), "id", "entity 1 has no id"),
        (bert(id=7), "id", "the id of entity 1 is no string"),
        (bert(type="Model"), "type", "e1 'BERT': unknown type 'Model'; known: Method, Task, Dataset, Metric, Concept"),
        (bert(role="addresses"), "role", "e1 'BERT': role 'addresses' is not for Method; allowed: introduces, "),
        (bert(role="likes"), "role", "e1 'BERT': unknown role 'likes'; allowed for Method: introduces, studies, uses,"),
        (bert(role=...), "role", "e1 'BERT': unknown role nothing"),
        (bert(name=" "), "name", "entity 1 has no name"),
        (bert(name="BERT "), "name", "e1 'BERT ': blanks around the name 'BERT '"),
        (bert(canonical="bert"), "canonical", "canonical 'bert' is no id (one of method, task,"),
        (bert(canonical="paper:1"), "canonical", "canonical 'paper:1' is no id"),
        (bert(canonical="task:bert"), "canonical", "canonical 'task:bert' is the id of a Task, the entity is a Method"),
        (bert(score=2), "score", "e1 'BERT': score should be a number from 0 to 1, not 2"),
        (bert(role_score="high"), "score", "role_score should be a number from 0 to 1, not 'high'"),
        (bert(surfaces=...), "surface", "e1 'BERT' has neither surfaces nor mentions"),
        (bert(surfaces=[]), "surface", "e1 'BERT' has no surfaces"),
        (bert(surfaces="BERT"), "surface", "surfaces should be a list of strings, not 'BERT'"),
        (bert(surfaces=["BERT", 3]), "surface", "a surface should be a string with letters, not 3"),
        (bert(surfaces=["BERT", "BERT"]), "surface", "the surface 'BERT' is given twice"),
        (bert(surfaces=["BERT", "GLUE"]), "surface", "e2 'GLUE': the surface 'GLUE' is also one of e1 'BERT'"),
        (bert(surfaces=["BERT", "BERT "]), "surface", "blanks around the surface 'BERT '"),
        (bert(surfaces=["BERT", "bert"]), "surface", "'bert' is not in the text, which has 'BERT'"),
        (bert(surfaces=["BERT", "RoBERTa"]), "surface", "only inside a longer word: 'RoBERTas'"),
        (bert(surfaces=["BERT", "GLUE BERT"]), "surface", "is not in the text with these blanks or line breaks"),
        (bert(surfaces=["BERT", "ELMo"]), "surface", "'ELMo' is not in the text"),
        (bert(surfaces=["Bert"]), "surface", "wherever it stands, it is inside a longer surface"),
        (with_mentions(), "mention", "e1 'BERT' has no mentions"),
        (with_mentions(3), "mention", "a mention should be an object with start and end, not 3"),
        (with_mentions({"start": 0}), "mention", "start and end should be whole numbers, not 0 and nothing"),
        (with_mentions({"start": 0, "end": 99}), "mention", f"0 to 99 are outside the text of {len(TEXT)} characters"),
        (with_mentions({"start": 0, "end": 4, "text": "Bert"}), "mention", "0 to 4 are 'BERT', not 'Bert'"),
        (with_mentions({"start": 0, "end": 5}), "mention", "0 to 5 are 'BERT ', with blanks around"),
        (with_mentions({"start": 0, "end": 3}), "mention", "0 to 3, 'BER', begin or end inside a word"),
        (with_mentions(*[{"start": 0, "end": 4}] * 2), "mention", "the mention 0 to 4, 'BERT', is given twice"),
        (with_mentions({"start": 0, "end": 12}), "mention", "the mention 8 to 12 overlaps 0 to 12 of e1 'BERT'"),
        (row(relations=[["e1", "used_for"]]), "relation", "relation 1 should be [head, predicate, tail], not a list"),
        (row(relations=[["e1", "eats", "e2"]]), "relation", "(e1, eats, e2): unknown relation 'eats'; known: used_for"),
        (row(relations=[["e1", "used_for", "e9"]]), "relation", "(e1, used_for, e9): no entity has the id 'e9'"),
        (row(relations=[{"head": "e1"}]), "relation", "(e1, nothing, nothing): no entity has the id nothing"),
        (row(relations=[["e1", "used_for", "e2"]]), "relation", "used_for may not go from Method to Dataset; allowed:"),
        (row(relations=[["e1", "part_of", "e1"]]), "relation", "an entity cannot be in a relation to itself"),
        (row(relations=[["e1", "part_of", "e3"]] * 2), "relation", "relation 2 (e1, part_of, e3): is relation 1 again"),
        (
            row(relations=[["e1", "compared_with", "e3"], ["e3", "compared_with", "e1"]]),
            "relation",
            "relation 2 (e3, compared_with, e1): compared_with holds both ways, and relation 1 says it already",
        ),
        (
            row(relations=[["e1", "part_of", "e3"], ["e3", "part_of", "e1"]]),
            "relation",
            "relation 2 (e3, part_of, e1): contradicts relation 1, which says it the other way round",
        ),
        (
            row(relations=[{"head": "e1", "predicate": "part_of", "tail": "e3", "start": 5, "end": 2}]),
            "relation",
            "relation 1: characters 5 to 2 are outside the text",
        ),
        (row(results=[3]), "result", "result 1 should be an object, not 3"),
        (row(results=[{"method": "e1"}]), "result", "result 1 has no value"),
        (row(results=[{"value": "91.3%"}]), "result", "result 1 (91.3%): the value '91.3%' is not in the text"),
        (row(results=[{"value": "1.2%"}]), "result", "the value '1.2%' stands in the text only inside a longer word"),
        (row(results=[{**RESULT, "method": "e9"}]), "result", "its method is 'e9', and no entity has this id"),
        (row(results=[{**RESULT, "method": "e2"}]), "result", "its method is e2, which is a Dataset"),
        (row(results=[RESULT, RESULT]), "result", "result 2 (91.2%): is result 1 again"),
        (row(results=[{**RESULT, "start": "a"}]), "result", "should be whole numbers, not 'a' and nothing"),
        (row(entities={}), "field", "entities should be a list, not an object"),
        (row(relations=None), "field", "relations should be a list, not nothing"),
        ({"id": "1"}, "field", "the field entities is missing"),
        (row(entities=[3]), "field", "entity 1 should be an object, not 3"),
    ],
)  # fmt: skip
def test_a_problem_and_its_reason(content: Row, kind: str, reason: str) -> None:
    found = list(check_row(content, TEXT))
    assert any(kind == of and reason in why for of, why in found), found


@pytest.mark.parametrize(
    "content",
    [
        row(relations=[["e1", "evaluated_on", "e2"], ["e1", "compared_with", "e3"]], results=[RESULT]),
        row(
            results=[{"value": "2"}, {"value": 91.2}, RESULT, {**RESULT, "metric": None, "note": "the same elsewhere"}]
        ),
        row(relations=[["e1", "outperforms", "e3"], ["e3", "outperforms", "e1"]]),
        {"id": "1", "entities": []},
        with_mentions({"start": 0, "end": 4, "text": "BERT", "score": 0.5}, {"start": 13, "end": 17}),
        row(
            relations=[
                {"head": "e1", "predicate": "part_of", "tail": "e3", "negated": negated} for negated in (True, False)
            ]
        ),
    ],
)
def test_what_is_right(content: Row) -> None:
    assert list(check_row(content, TEXT)) == []


def write(path: Path, *lines: Any) -> str:
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
    return str(path)


def kg(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["annotate-check", *arguments])


def test_the_command(tmp_path: Path) -> None:
    papers = write(tmp_path / "p.jsonl", *({"id": n, "title": TITLE, "abstract": ABSTRACT} for n in ("1", "2")))
    good = write(tmp_path / "good.jsonl", row(results=[RESULT]))
    answer = kg(papers, good)
    assert (answer.exit_code, answer.output) == (
        0,
        f"1 paper, 3 entities, 0 relations, 1 result: no problem. 1 paper of {papers} not annotated.\n",
    )
    bad = write(
        tmp_path / "bad.jsonl", b"{oops", b"", row(id="9"), bert(role="likes"), b'{"id": 1, "entities": []}', b"7"
    )
    answer = kg(papers, bad)
    assert answer.exit_code == 1
    role = "e1 'BERT': unknown role 'likes'; allowed for Method: introduces, studies, uses, compares, mentions"
    assert answer.output.splitlines() == [
        f"{bad}:1: broken JSON, column 2: Expecting property name enclosed in double quotes",
        f"{bad}:3: 9: no paper of this id in {papers}",
        f"{bad}:4: 1: {role}",
        f"{bad}:5: 1: this paper is annotated already, in line 4",
        f"{bad}:6: a JSON object is expected",
        f"1 paper, 3 entities, 0 relations, 0 results: 5 problems. 1 paper of {papers} not annotated.",
    ]
    told = json.loads(kg(papers, bad, "--json").output)
    assert told["problems"][2] == {
        "file": bad, "line": 4, "id": "1", "kind": "role",
        "reason": role,
    }  # fmt: skip
    assert (told["papers"], told["not_annotated"]) == (1, 1)


def test_the_papers_are_checked_too(tmp_path: Path) -> None:
    papers = write(
        tmp_path / "p.jsonl", {"id": "1", "title": ""}, {"id": "2", "title": "A", "abstract": 3}, {"title": "A"},
        *[{"id": "3", "title": "A"}] * 2,
    )  # fmt: skip
    answer = kg(papers, write(tmp_path / "g.jsonl", {"id": "3", "entities": []}))
    assert answer.exit_code == 1
    assert answer.output.splitlines()[:4] == [
        f"{papers}:1: 1: the title is missing, or no text",
        f"{papers}:2: 2: the abstract is no text",
        f"{papers}:3: the object has no id",
        f"{papers}:5: 3: another paper before it has this id",
    ]


# ---- against real annotations, and against the checker of those who made them ---------------------------------------


def test_the_annotations_of_the_example_page_pass(shared: Path) -> None:
    gold = shared / "gold"
    answer = kg(str(gold / "dev.papers.jsonl"), str(gold / "dev.gold.jsonl"))
    assert (answer.exit_code, answer.output.partition(":")[2]) == (0, " no problem.\n")


@pytest.mark.slow
def test_what_is_found_in_the_other_annotations_is_there(shared: Path) -> None:
    """Strings that stand nowhere as a word of their own, and results tied to an entity of another type."""
    gold = shared / "gold"
    report = check_files(gold / "train.papers.jsonl", gold / "train.gold.jsonl")
    assert report.papers > 4000
    assert report.not_annotated == 0
    assert len(report.problems) < 0.001 * (report.entities + report.relations + report.results)
    assert {problem.kind for problem in report.problems} <= {"surface", "result"}
    texts = read_texts(gold / "train.papers.jsonl")
    read = {e.paper: e for e in read_extractions(gold / "train.gold.jsonl", texts)}
    for problem in report.problems:
        extraction = read[f"paper:{problem.id}"]
        if problem.kind == "surface" and "inside a longer surface" in problem.reason:
            identifier = problem.reason.split()[0]
            [entity] = [entity for entity in extraction.entities if entity.id == identifier]
            assert entity.mentions == ()
        elif problem.kind == "result" and "which is a" in problem.reason:
            about = problem.reason.partition(": its ")[2].split()[0]
            types = {entity.id: entity.type for entity in extraction.entities}
            assert any(
                types.get(getattr(result, about), "").lower() not in ("", about) for result in extraction.results
            )


@pytest.mark.parametrize("seed", range(4))
def test_what_the_other_checker_refuses_is_refused(seed: int, shared: Path, tmp_path: Path) -> None:
    """Annotations are damaged at random; the checker that their makers used names the papers that are damaged."""
    gold = shared / "gold"
    chance = random.Random(seed)
    rows = [json.loads(line) for line in (gold / "dev.gold.jsonl").read_text("utf-8").splitlines()]
    for paper in chance.sample(rows, 25):
        entity = chance.choice(paper["entities"])
        what = chance.randrange(9)
        if what == 0:
            entity["type"] = chance.choice([*ENTITY_TYPES, "Thing"])
        elif what == 1:
            entity["role"] = chance.choice(["introduces", "addresses", "reports", "evaluates_on", "loves"])
        elif what == 2:
            entity["surfaces"] = chance.choice([[], [f"{entity['surfaces'][0]} "], ["no such words"]])
        elif what == 3:
            entity["surfaces"] += chance.choice(paper["entities"])["surfaces"][:1]
        elif what == 4:
            entity["id"] = chance.choice(paper["entities"])["id"]
        elif what == 5:
            paper["relations"].append([entity["id"], chance.choice(["used_for", "likes"]), "e77"])
        elif what == 6:
            other = chance.choice(paper["entities"])
            paper["relations"].append([entity["id"], chance.choice(["evaluated_on", "measured_by"]), other["id"]])
        elif what == 7:
            paper["results"].append({"value": "123456.7"})
        else:
            paper["results"].append({"value": "1", "metric": "e77"})
    papers, damaged = gold / "dev.papers.jsonl", write(tmp_path / "damaged.jsonl", *rows)
    run = subprocess.run(
        [sys.executable, gold / "check.py", papers, damaged], capture_output=True, text=True, check=True
    )
    theirs = {line.split()[0] for line in run.stdout.splitlines()[:-2]}
    assert len(theirs) > 8
    ours = {problem.id for problem in check_files(papers, damaged).problems}
    assert theirs <= ours


# ---- wild input ----------------------------------------------------------------------------------------------------

words = st.sampled_from(["BERT", "GLUE", "91.2%", "e1", "e2", "", " ", "\ud800", "\x00", "\u2028", "Method", "uses"])
plain = st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=5)
anything = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=6
)


def near(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object that mostly has these fields, and now and then something else in them."""
    mixed = {name: value | anything if name != "id" else value for name, value in fields.items()}
    return st.fixed_dictionaries({}, optional=mixed)


offsets = st.integers(-2, 90)
entity_like = near(
    id=st.sampled_from(["e1", "e2", "e3"]),
    type=st.sampled_from(ENTITY_TYPES),
    name=words,
    role=st.sampled_from(["uses", "studies", "mentions"]),
    surfaces=st.lists(words | anything, max_size=3),
    mentions=st.lists(near(start=offsets, end=offsets, text=words, score=st.floats()) | anything, max_size=3),
    canonical=words,
    score=st.floats(0, 1),
)
relation_like = st.lists(words, min_size=3, max_size=3) | near(
    head=words,
    predicate=st.sampled_from(["used_for", "part_of", "compared_with"]),
    tail=words,
    start=offsets,
    end=offsets,
)
row_like = st.fixed_dictionaries(
    {"id": st.just("1")},
    optional={
        "entities": st.lists(entity_like | anything, max_size=4) | anything,
        "relations": st.lists(relation_like | anything, max_size=3) | anything,
        "results": st.lists(near(value=words, method=words, start=offsets, end=offsets) | anything, max_size=3)
        | anything,
        "model": anything,
    },
)


@given(row_like)
@settings(max_examples=400)
def test_wild_rows_are_told_in_lines_and_what_passes_can_be_read(wild: Row) -> None:
    found = list(check_row(wild, TEXT))
    for kind, reason in found:
        assert kind in KINDS
        assert reason.isprintable(), reason
    if not found:
        from_json(wild, Paper(id="paper:1", title=TITLE, abstract=ABSTRACT))


@given(st.lists(st.binary(max_size=30) | row_like.map(lambda row: json.dumps(row).encode()), max_size=4))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wild_files_give_no_traceback(tmp_path: Path, lines: list[bytes]) -> None:
    papers = write(tmp_path / "p.jsonl", {"id": "1", "title": TITLE, "abstract": ABSTRACT})
    wild = write(tmp_path / "wild.jsonl", *lines)
    for arguments in ((papers, wild), (wild, wild), (wild, papers)):
        answer = kg(*arguments)
        assert answer.exit_code in (0, 1), answer.exception
        assert answer.exception is None or isinstance(answer.exception, SystemExit)
        problems = answer.output.splitlines()[:-1]
        assert all(line.startswith((papers, wild)) for line in problems)
        assert (answer.exit_code == 1) == bool(problems)
    scored = CliRunner().invoke(main, ["eval", papers, wild, "--pred", wild])
    assert scored.exit_code in (0, 1), scored.exception
    assert scored.exception is None or isinstance(scored.exception, SystemExit)
    if scored.exit_code:
        assert scored.output.startswith("Error: ")
        assert scored.output.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"id": "1", "entities": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"id": ' + b"9" * 5000 + b"}", "Exceeds the limit"),
        (b'{"id": "\\ud800", "entities": []}', r"\ud800: no paper of this id"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_what_breaks_readers_of_json(line: bytes, reason: str, tmp_path: Path) -> None:
    papers = write(tmp_path / "p.jsonl", {"id": "1", "title": TITLE, "abstract": ABSTRACT})
    wild = write(tmp_path / "wild.jsonl", line)
    answer = kg(papers, wild)
    assert answer.exit_code == 1
    assert reason in answer.output
    assert answer.output.count("\n") == 2
    with pytest.raises(ReadError):
        list(read_extractions(wild, read_texts(papers)))
