"""Rules of resolution that a user sets: names that are never one, and limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import kg
from kg.cli import main
from kg.model import OntologyError
from kg.resolve import Resolver, Rules, Thresholds, Vocabulary
from kg.resolve.rules import FILE, parse, read
from tests.test_resolve_resolver import corpus, nodes

SAID = {
    "1": [("Method", ["Zap Tree Search", "ZTS"])],
    "2": [("Method", ["ZTS"])],
    "3": [("Method", ["zapping trees"])],
    "4": [("Method", ["tree zapping"])],
}


def test_names_that_are_never_one() -> None:
    free = nodes(SAID)
    assert free[0] == free[1]
    assert free[2] == free[3]
    ruled = parse('[[never]]\nnames = ["zts", "Zap Tree Search"]\n[[never]]\nnames = ["tree zapping", "zapping trees"]')
    assert len(set(nodes(SAID, never=ruled.never))) == 4


def test_never_holds_by_way_of_a_third_name() -> None:
    said = {
        "1": [("Method", ["quick zap engine", "QZE"])],
        "2": [("Method", ["quaint zip engine", "QZE"])],
        "3": [("Method", ["QZE"])],
        **{str(n): [("Method", ["quick zap engine", "QZE"])] for n in range(4, 14)},
    }
    assert nodes(said)[2] == nodes(said)[0]
    assert nodes(said, never=[("QZE", "quick zap engine")])[2] != nodes(said)[0]


def test_limits() -> None:
    said = {
        "1": [("Method", ["Quiet Tree Search", "QTS"])],
        "2": [("Method", ["Quiet Tree Search", "QTS"])],
        "3": [("Method", ["Quantile Time Series", "QTS"])],
        "4": [("Method", ["QTS"])],
    }
    assert nodes(said)[3] == "method:qts"
    assert nodes(said, thresholds=Thresholds(abbreviation=0.6))[3] == "method:quiet-tree-search"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[thresholds]\ncontext = 2", "context is 2: give a number from 0 to 1"),
        ("[thresholds]\nspeed = 0.1", "unknown entry 'speed', known: abbreviation, alias, context"),
        ('[[never]]\nnames = ["a"]', "two or more"),
        ('[[never]]\nnames = ["Zap Nets", "zap-net"]', "differ only in spelling"),
        ("other = 1", "unknown entry 'other'"),
        ("nope", "rules.toml: "),
    ],
)
def test_what_is_no_rule_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / FILE).write_text(text, "utf-8")
    with pytest.raises(OntologyError, match=complaint):
        read(tmp_path)
    (tmp_path / "p.bib").write_text("@article{a, title={Zap}}", "utf-8")
    output = CliRunner().invoke(
        main, ["build", str(tmp_path / "p.bib"), "-o", str(tmp_path / "g"), "--rules", str(tmp_path / FILE)]
    )
    assert output.exit_code == 1
    assert output.stderr.count("\n") == 1
    assert not (tmp_path / "g" / "manifest.json").exists()


def test_a_directory_remembers_its_rules(tmp_path: Path) -> None:
    assert read(tmp_path) == Rules()
    papers, extractions = corpus(SAID)
    texts = [{"id": p.id.removeprefix("paper:"), "title": p.title, "abstract": p.abstract} for p in papers.values()]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts), "utf-8")
    rows = [
        {
            "id": x.paper.removeprefix("paper:"),
            "entities": [
                {"id": e.id, "type": e.type, "name": e.name, "role": e.role, "surfaces": surfaces}
                for e, (_, surfaces) in zip(x.entities, SAID[x.paper.removeprefix("paper:")], strict=True)
            ],
            "relations": [],
            "results": [],
        }
        for x in extractions
    ]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (tmp_path / "r.toml").write_text('[[never]]\nnames = ["ZTS", "Zap Tree Search"]\nwhy = "a test"\n', "utf-8")
    folder, run = tmp_path / "g", CliRunner().invoke
    given = ["build", str(tmp_path / "p.jsonl"), "-o", str(folder), "--extractions", str(tmp_path / "x.jsonl")]

    def ids() -> set[str]:
        return {entity.id for entity in kg.load_graph(folder).entities}

    assert run(main, given).exit_code == 0
    before = ids()
    assert "method:zts" not in before
    assert run(main, ["build", "-o", str(folder), "--rules", str(tmp_path / "r.toml")]).exit_code == 0
    assert ids() == before | {"method:zts"}
    assert (folder / FILE).read_bytes() == (tmp_path / "r.toml").read_bytes()
    assert run(main, given).exit_code == 0
    assert "method:zts" in ids()
    assert run(main, [*given, "--replace"]).exit_code == 0
    assert ids() == before
    assert not (folder / FILE).exists()


def test_the_usual_rules_change_nothing() -> None:
    papers, extractions = corpus(SAID)
    usual = Rules()
    ruled = Resolver(Vocabulary.of(()), (), usual.thresholds, usual.never)
    assert ruled.resolve(papers, extractions) == Resolver(Vocabulary.of(())).resolve(papers, extractions)
