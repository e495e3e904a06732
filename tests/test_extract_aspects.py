"""What a reported number is about, held to annotated papers that the weights have not seen; the fit of the weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kg.extract import aspects, results
from kg.extract.annotations import read_extractions, read_texts
from kg.extract.fit import entity_dicts
from kg.extract.train import held_out


@pytest.fixture(scope="module")
def apart(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the papers of train that report results and are held out."""
    folder = tmp_path_factory.mktemp("apart")
    chosen = set()
    for kind in ("gold", "papers"):
        lines = []
        for line in (shared / "gold" / f"train.{kind}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            if kind == "gold" and held_out(f"paper:{row['id']}") and row["results"]:
                chosen.add(row["id"])
            if row["id"] in chosen:
                lines.append(line + "\n")
        (folder / f"train.{kind}.jsonl").write_text("".join(lines), "utf-8")
    return folder


def test_what_the_results_of_held_out_papers_are_about(apart: Path) -> None:
    papers = read_texts(apart / "train.papers.jsonl")
    total = 0
    right = dict.fromkeys(("method", "task", "dataset", "metric"), 0)
    gains = {True: [0, 0], False: [0, 0]}
    for extraction in read_extractions(apart / "train.gold.jsonl", papers):
        text, entities = papers[extraction.paper].text, entity_dicts(extraction)
        waiting = {
            value: [r for r in extraction.results if r.value == value]
            for value in {r.value for r in extraction.results}
        }
        spans = [
            (span, waiting[value].pop(0))
            for span in results.numbers(text)
            if waiting.get(value := text[span[0] : span[1]].strip())
        ]
        for (span, result), found in zip(
            spans, aspects.aspects(text, entities, [span for span, _ in spans]), strict=True
        ):
            total += 1
            for kind, number in found.items():
                right[kind] += (None if number is None else entities[number]["id"]) == getattr(result, kind)
            said = results.note_of(text, *span) not in (None, "before", "dev", "test", "validation")
            gains["gain" in (result.note or "") or "improvement" in (result.note or "")][said] += 1
    assert total >= 95
    shares = {kind: 100 * hits / total for kind, hits in right.items()}
    floors = {"method": 78, "task": 80, "dataset": 87, "metric": 83}
    assert {kind: shares[kind] for kind, floor in floors.items() if shares[kind] < floor} == {}
    assert gains[True][True] / sum(gains[True]) >= 0.75


def test_the_command_fits_weights_and_says_how_good_they_are(
    apart: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for kind in ("gold", "papers"):  # under other ids, so that most are trained on
        rows = [json.loads(line) for line in (apart / f"train.{kind}.jsonl").read_text("utf-8").splitlines()]
        lines = (json.dumps({**row, "id": f"p{n}"}) + "\n" for n, row in enumerate(rows))
        (data / f"train.{kind}.jsonl").write_text("".join(lines), "utf-8")
    for name in ("one.json", "two.json"):
        with caplog.at_level("INFO"):
            aspects.main([str(data), "--out", str(tmp_path / name)])
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    weights = json.loads((tmp_path / "one.json").read_text("utf-8"))
    assert set(weights) == set(aspects.KINDS)
    assert "method: right" in caplog.text


def test_a_fit_finds_what_decides() -> None:
    rows: list[aspects.Choice] = [([(None, ["none"]), (0, ["near"]), (1, ["far"])], 1)] * 9
    weights = aspects.fit([*rows, ([(None, ["none"]), (1, ["far"])], 0)])
    assert weights["near"] > weights.get("none", 0) > weights["far"]
    assert aspects.right(weights, rows) == 100
