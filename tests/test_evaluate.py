"""`kg eval`: each line of its tables against an independent scorer, intervals, given entities, calibration."""

from __future__ import annotations

import json
import random
import runpy
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kg import ontology
from kg.building import sure_part
from kg.cli import main
from kg.extract.annotations import from_json, read_extractions, to_json
from kg.extract.calibration import Claim, calibration_error, claims, reliability, thresholds
from kg.extract.evaluate import check_given, count, score, score_given
from kg.model import ENTITY_TYPES, Extraction, KGError, Paper

Row = dict[str, Any]

ROLES = [role.name for role in ontology.load().of_kind("role")]
RELATIONS = [relation.name for relation in ontology.load().of_kind("relation")]


def worse(gold: Extraction, text: str, chance: random.Random) -> Extraction:
    """What an extractor might have made of an annotated paper: things missed, invented, mistaken, with scores."""
    schema = ontology.load()
    row = json.loads(json.dumps(to_json(gold, text)))
    entities = []
    for entity in row["entities"]:
        if chance.random() < 0.2 or not entity["mentions"]:
            continue
        if chance.random() < 0.1:
            entity["type"] = chance.choice(ENTITY_TYPES)
        if chance.random() < 0.3 or entity["role"] not in schema.roles(entity["type"]):
            entity["role"] = chance.choice(schema.roles(entity["type"]))
        kept = [mention for mention in entity["mentions"] if chance.random() < 0.8] or entity["mentions"]
        for mention in kept:
            if chance.random() < 0.15:
                mention["end"] = min(mention["end"] + chance.randint(1, 12), len(text))
            mention["score"] = round(chance.random(), 3)
            mention.pop("text")
        entity |= {
            "mentions": kept,
            "score": max(mention["score"] for mention in kept),
            "role_score": round(chance.random(), 3),
            "id": f"x{entity['id']}",
        }
        entities.append(entity)
    types = {entity["id"]: entity["type"] for entity in entities}
    relations = []
    for head in types:
        for tail in types:
            for name in schema.relations(types[head], types[tail]) if head != tail else ():
                stated = any(f"x{r['head']}" == head and f"x{r['tail']}" == tail for r in row["relations"])
                if chance.random() < (0.5 if stated else 0.02):
                    relations.append(
                        {"head": head, "predicate": name, "tail": tail, "score": round(chance.random(), 3)}
                    )
    results = []
    for result in row["results"]:
        about = {a: chance.choice([None, *types]) for a in ("method", "task", "dataset", "metric")}
        if chance.random() < 0.7:
            results.append({"value": result["value"], "score": round(chance.random(), 3), **about})
    made = {"id": row["id"], "entities": entities, "relations": relations, "results": results}
    return from_json(made, Paper(id=gold.paper, title=text.partition("\n")[0], abstract=text.partition("\n")[2]))


@pytest.fixture(scope="module")
def made(gold_papers: dict[str, Paper], gold_extractions: list[Extraction]) -> dict[str, Extraction]:
    chance = random.Random(5)
    return {gold.paper: worse(gold, gold_papers[gold.paper].text, chance) for gold in gold_extractions[:-1]}


@pytest.fixture(scope="module")
def gold(gold_extractions: list[Extraction]) -> dict[str, Extraction]:
    return {extraction.paper: extraction for extraction in gold_extractions}


Theirs = Callable[[Mapping[str, Extraction], Mapping[str, Extraction]], dict[str, dict[str, float]]]


@pytest.fixture(scope="module")
def theirs(shared: Path, gold_papers: dict[str, Paper]) -> Theirs:
    """The independent scorer of the annotations' makers."""
    their_score = runpy.run_path(str(shared / "gold" / "score.py"))["score"]
    texts = {name: {"title": paper.title, "abstract": paper.abstract} for name, paper in gold_papers.items()}

    def rows(extractions: Mapping[str, Extraction]) -> dict[str, Row]:
        found = {name: to_json(extraction, gold_papers[name].text) for name, extraction in extractions.items()}
        for row in found.values():
            for entity in row["entities"]:
                entity["surfaces"] = []  # it takes an entity without mentions for one with surfaces
            row["relations"] = [[r["head"], r["predicate"], r["tail"]] for r in row["relations"]]
        return found

    return lambda right, said: their_score(texts, rows(right), rows(said))


def only(extractions: Mapping[str, Extraction], relation: str) -> dict[str, Extraction]:
    return {
        paper: replace(e, relations=tuple(r for r in e.relations if r.predicate == relation))
        for paper, e in extractions.items()
    }


def with_roles(extractions: Mapping[str, Extraction], role: Callable[[str], str]) -> dict[str, Extraction]:
    return {
        paper: replace(e, entities=tuple(replace(entity, role=role(entity.role)) for entity in e.entities))
        for paper, e in extractions.items()
    }


def test_each_line_is_that_of_the_independent_scorer(
    gold: dict[str, Extraction], made: dict[str, Extraction], theirs: Theirs
) -> None:
    expected = theirs(gold, made)
    table = score(gold, made)
    assert list(table) == list(expected)
    for line, numbers in expected.items():
        own = table[line]
        assert (own.f1, own.number) == (numbers["f"], numbers["n"]), line
        if "p" in numbers:
            assert (own.precision, own.recall) == (numbers["p"], numbers["r"]), line
        assert 0 < own.f1 < 100, line


def test_lines_of_relations_and_roles_are_those_of_the_independent_scorer(
    gold: dict[str, Extraction], made: dict[str, Extraction], theirs: Theirs
) -> None:
    table = score(gold, made, details=True)
    for name in RELATIONS:
        own = table[f"  relation {name}"]
        numbers = theirs(only(gold, name), only(made, name))["relation, typed"]
        assert (own.precision, own.recall, own.f1, own.number) == tuple(numbers[k] for k in "prfn"), name

    def judged(right: Callable[[str], str], said: Callable[[str], str]) -> int:
        """How many matched entities the other scorer finds to have equal roles, once they are called so."""
        numbers = theirs(with_roles(gold, right), with_roles(made, said))["role accuracy on matched entities"]
        return round(numbers["f"] * numbers["n"] / 100)

    def is_it(name: str, *, otherwise: str) -> Callable[[str], str]:
        return lambda role: "it" if role == name else otherwise

    def always(role: str) -> str:
        return "it"

    for name in ROLES:
        own = table[f"  role {name}"]
        wanted, given = judged(is_it(name, otherwise=""), always), judged(always, is_it(name, otherwise=""))
        hits = judged(is_it(name, otherwise="a"), is_it(name, otherwise="b"))
        assert own.number == wanted
        assert own.precision == (round(100 * hits / given, 2) if given else 0)
        assert own.recall == (round(100 * hits / wanted, 2) if wanted else 0)


def test_details_add_up(gold: dict[str, Extraction], made: dict[str, Extraction]) -> None:
    for paper in gold:
        numbers = count(gold[paper], made.get(paper, Extraction(paper=paper)), details=True)
        for whole, part in (("relation, typed", "  relation "), ("role accuracy on matched entities", "  role ")):
            parts = [value for line, value in numbers.items() if line.startswith(part)]
            assert tuple(map(sum, zip(*parts, strict=True))) == numbers[whole]
        for line, (wanted, given, hits) in numbers.items():
            assert 0 <= hits <= min(wanted, given), line
    perfect = score(gold, gold, details=True)
    assert all(line.f1 == 100 for line in perfect.values() if line.number)
    assert perfect["  result metric"].number > 5


def test_intervals(gold: dict[str, Extraction], made: dict[str, Extraction]) -> None:
    table = score(gold, made, details=True, intervals=True)
    assert table == score(dict(reversed(gold.items())), made, details=True, intervals=True)
    line = table["mention strict, 5 types"]
    assert line.low is not None
    assert line.high is not None
    assert line.low < line.f1 < line.high
    # The same by hand, with another chance:
    chance = random.Random(3)
    papers = [count(gold[p], made.get(p, Extraction(paper=p)))["mention strict, 5 types"] for p in gold]
    drawn = []
    for _ in range(1000):
        wanted, given, hits = map(sum, zip(*chance.choices(papers, k=len(papers)), strict=True))
        drawn.append(200 * hits / (wanted + given))
    drawn.sort()
    assert line.low == pytest.approx(drawn[25], abs=0.7)
    assert line.high == pytest.approx(drawn[974], abs=0.7)
    few = dict(list(gold.items())[:1])
    assert score(few, made, intervals=True)["mention strict, 5 types"].low is None
    same = {name: Extraction(paper=name, entities=e.entities) for name, e in gold.items()}
    whole = score(same, same, intervals=True)
    assert (whole["mention boundary"].low, whole["mention boundary"].high) == (100, 100)
    assert whole["relation, typed"].low is None
    assert score({}, {}, intervals=True)["relation, typed"].number == 0


def test_given_entities_must_be_those_of_the_gold(gold: dict[str, Extraction], made: dict[str, Extraction]) -> None:
    check_given(gold, gold)
    with pytest.raises(KGError, match=r"^paper:seed-\d+: its entities are not those of the gold \(first: the "):
        check_given(gold, made)
    with pytest.raises(KGError, match="are not those of the gold"):
        check_given(gold, {})
    table = score_given(gold, gold)
    assert list(table) == [
        "relation, typed, gold entities given",
        "relation, untyped, gold entities given",
        "result value, gold entities given",
        "role accuracy, gold entities given",
    ]
    assert all(line.f1 == 100 for line in table.values())


# ---- calibration ---------------------------------------------------------------------------------------------------


def test_a_calibrated_extractor_has_no_calibration_error() -> None:
    chance = random.Random(1)
    scores = [chance.random() for _ in range(40_000)]
    honest = reliability([Claim(s, right=chance.random() < s) for s in scores])
    assert len(honest) == 10
    assert calibration_error(honest) < 0.01
    boastful = reliability([Claim(s, right=chance.random() < s / 2) for s in scores])
    assert calibration_error(boastful) == pytest.approx(0.25, abs=0.01)
    assert [row.number for row in reliability([Claim(s / 10, right=True) for s in range(11)])] == [1] * 9 + [2]


def test_claims_are_what_is_scored(gold: dict[str, Extraction], made: dict[str, Extraction]) -> None:
    table, said = score(gold, made), claims(gold, made)
    for kind, line in (
        ("mentions", "mention strict, 5 types"),
        ("relations", "relation, typed"),
        ("results", "result value"),
    ):
        assert round(100 * sum(c.right for c in said[kind]) / len(said[kind]), 2) == table[line].precision
    roles = table["role accuracy on matched entities"]
    assert len(said["roles"]) == roles.number
    assert round(100 * sum(c.right for c in said["roles"]) / roles.number, 2) == roles.f1


def test_thresholds_cut_as_a_build_does(gold: dict[str, Extraction], made: dict[str, Extraction]) -> None:
    rows = {(kind, level): (left, s) for kind, level, left, s in thresholds(gold, made, levels=(0.0, 0.4, 0.8))}
    table = score(gold, made)
    for kind, line in (
        ("mentions", "mention strict, 5 types"),
        ("relations", "relation, typed"),
        ("results", "result value"),
    ):
        assert rows[kind, 0.0][1] == table[line]
        for level in (0.4, 0.8):
            assert 0 < rows[kind, level][0] < rows[kind, 0.0][0]
            assert rows[kind, level][1].number == table[line].number
    for level in (0.4, 0.8):
        kept = [sure_part(extraction, level) for extraction in made.values()]
        assert rows["relations", level][0] == sum(r.score >= level for e in kept for r in e.relations)
        assert rows["results", level][0] == sum(len(e.results) for e in kept)
        sure = [round(x.score * x.role_score, 4) >= level for e in kept for x in e.entities]
        assert rows["roles", level][0] == sum(sure)


# ---- the command ---------------------------------------------------------------------------------------------------


BERT = {"id": "e1", "type": "Method", "name": "BERT", "surfaces": ["BERT"], "role": "studies"}
GLUE = {"id": "e2", "type": "Dataset", "name": "GLUE", "surfaces": ["GLUE"], "role": "evaluates_on"}
GOLD = {"id": "1", "entities": [BERT, GLUE], "relations": [["e1", "evaluated_on", "e2"]], "results": []}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """PAPERS, GOLD, and an extraction that misses GLUE."""
    (tmp_path / "p.jsonl").write_text('{"id": "1", "title": "BERT on GLUE", "abstract": "BERT wins."}\n', "utf-8")
    (tmp_path / "g.jsonl").write_text(json.dumps(GOLD) + "\n", "utf-8")
    (tmp_path / "f.jsonl").write_text(json.dumps({**GOLD, "entities": [BERT], "relations": []}) + "\n", "utf-8")
    return [str(tmp_path / name) for name in ("p.jsonl", "g.jsonl", "f.jsonl")]


def kg(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["eval", *arguments])


def test_the_command_tells_roles_and_relations(files: list[str]) -> None:
    answer = kg(files[0], files[1], "--pred", files[2], "--json")
    table = {row["what"]: row for row in json.loads(answer.output)}
    assert table["  relation evaluated_on"] == {
        "what": "  relation evaluated_on", "precision": 0.0, "recall": 0.0, "f1": 0.0, "number": 1,
        "low": None, "high": None,
    }  # fmt: skip
    assert table["  role studies"]["f1"] == 100.0
    assert "\nrelation evaluated_on " in kg(files[0], files[1], "--pred", files[2]).output


def test_the_command_with_given_entities(files: list[str], tmp_path: Path) -> None:
    refused = kg(files[0], files[1], "--pred", files[2], "--gold-entities")
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: paper:1: its entities are not those of the gold (first: the Dataset at 8")
    assert refused.output.count("\n") == 1
    saved = str(tmp_path / "given.jsonl")
    made = kg(files[0], files[1], "--gold-entities", "--save", saved, "--json")
    lines = json.loads(made.output)
    assert all(row["what"].endswith(", gold entities given") for row in lines)
    assert {"role accuracy, gold entities given", "  role studies, gold entities given"} <= {r["what"] for r in lines}
    again = kg(files[0], files[1], "--pred", saved, "--gold-entities", "--json")
    assert again.output == made.output
    papers = {"paper:1": Paper(id="paper:1", title="BERT on GLUE", abstract="BERT wins.")}
    [extraction] = read_extractions(saved, papers)
    assert [entity.id for entity in extraction.entities] == ["e1", "e2"]


def test_the_command_saves_what_it_extracted(files: list[str], tmp_path: Path) -> None:
    saved = str(tmp_path / "found.jsonl")
    first = {row["what"]: row for row in json.loads(kg(*files[:2], "--save", saved, "--json").output)}
    again = json.loads(kg(*files[:2], "--pred", saved, "--json").output)
    assert again == [first[row["what"]] for row in again]
    assert json.loads(Path(saved).read_text("utf-8"))["model"].startswith("kg-")


def test_the_command_on_calibration(files: list[str]) -> None:
    rows = json.loads(kg(*files[:2], "--pred", files[2], "--calibration", "--json").output)
    assert rows[0] == {
        "what": "mentions", "from": 0.9, "to": 1.0, "number": 2, "confidence": 1.0, "right": 1.0,
        "calibration_error": None,
    }  # fmt: skip
    assert rows[1]["calibration_error"] == 0.0
    rows = json.loads(kg(*files[:2], "--pred", files[2], "--thresholds", "--json").output)
    assert rows[0] == {
        "what": "mentions", "min_confidence": 0.0, "left": 2, "precision": 100.0, "recall": 66.67, "f1": 80.0,
    }  # fmt: skip
    assert [row["precision"] for row in rows if row["what"] == "relations"] == [None] * 11
    csv = kg(*files[:2], "--pred", files[2], "--thresholds", "--csv").output
    assert csv.startswith("what,min_confidence,left,precision,recall,f1\nmentions,0.0,2,100.0,66.67,80.0\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--folds", "3"), "--folds goes with --resolution"),
        (("--calibration", "--thresholds"), "choose one"),
        (("--resolution", "--errors", "x.html"), "leave out --resolution"),
        (("--pred", "PRED", "--save", "x.jsonl"), "leave out --pred"),
    ],
)
def test_options_that_do_not_go_together(options: tuple[str, ...], message: str, files: list[str]) -> None:
    answer = kg(*files[:2], *(files[2] if option == "PRED" else option for option in options))
    assert answer.exit_code == 2
    assert message in answer.output
