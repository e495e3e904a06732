"""What training refuses, with the place; the training itself is tested in test_training.py, which needs PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kg.extract.train import main, read_gold, read_silver
from kg.model import ReadError


def test_bad_data_is_refused_with_the_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ReadError, match="no annotated papers there"):
        read_gold(tmp_path)
    (tmp_path / "a.papers.jsonl").write_text('{"id": "1", "title": "BERT", "abstract": ""}\n', "utf-8")
    with pytest.raises(ReadError, match=r"a\.gold\.jsonl"):
        read_gold(tmp_path)
    bad = {"id": "e1", "type": "Animal", "name": "BERT", "surfaces": ["BERT"], "role": "uses"}
    (tmp_path / "a.gold.jsonl").write_text(json.dumps({"id": "1", "entities": [bad]}) + "\n", "utf-8")
    with pytest.raises(SystemExit, match=r"a\.gold\.jsonl:1: paper:1: unknown type 'Animal'"):
        main(["--data", str(tmp_path), "--out", str(tmp_path / "model")])
    with pytest.raises(SystemExit, match=r"bert: no encoder there: config\.json and tokenizer\.json and model"):
        main(["--data", str(tmp_path), "--encoder", "bert", "--out", str(tmp_path / "model")])
    with pytest.raises(SystemExit, match="give both"):
        main(["--data", str(tmp_path), "--silver", "x.jsonl"])
    with pytest.raises(SystemExit, match="--beside is for a training that begins with --silver"):
        main(["--data", str(tmp_path), "--beside", "x.jsonl", "--beside-texts", "y.jsonl"])
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path), "--about", str(tmp_path)])
    assert "argument --about: " in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_what_kg_extract_writes_is_silver_without_its_doubtful_entities(tmp_path: Path) -> None:
    texts, silver = tmp_path / "texts.jsonl", tmp_path / "silver.jsonl"
    texts.write_text('{"id": "1", "title": "BERT on GLUE", "abstract": "BERT  reaches 80.5\\non GLUE."}\n', "utf-8")
    entities = [
        {"id": "e1", "type": "Method", "name": "BERT", "role": "uses", "score": 0.9},
        {"id": "e2", "type": "Dataset", "name": "GLUE", "role": "evaluates_on", "score": 0.2},
    ]
    for entity, places in zip(entities, (((0, 4), (13, 17)), ((8, 12), (34, 38))), strict=True):
        entity["mentions"] = [{"start": start, "end": end, "text": entity["name"]} for start, end in places]
    relation = {"head": "e1", "predicate": "evaluated_on", "tail": "e2"}
    result = {"value": "80.5", "method": "e1", "dataset": "e2", "start": 26, "end": 30}
    row = {"id": "1", "entities": entities, "relations": [relation], "results": [result]}
    silver.write_text(json.dumps(row) + "\n", "utf-8")

    [(paper, whole)] = read_silver(silver, texts, least=0.0)
    assert paper.text == "BERT on GLUE\nBERT reaches 80.5 on GLUE."
    assert (len(whole.entities), len(whole.relations), whole.results[0].dataset) == (2, 1, "e2")
    [(_, sure)] = read_silver(silver, texts, least=0.35)
    assert [entity.name for entity in sure.entities] == ["BERT"]
    assert (sure.relations, sure.results[0].method, sure.results[0].dataset) == ((), "e1", None)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"id": "1", "entities": [', r"silver\.jsonl:1: no extraction: broken JSON"),
        ('{"id": "1", "entities": [{"id": "e1"}]}', r"silver\.jsonl:1: paper:1: "),
        ('{"id": "1"}', r"silver\.jsonl:1: paper:1: field 'entities' is missing"),
    ],
)
def test_bad_silver_is_refused_with_the_place(tmp_path: Path, row: str, reason: str) -> None:
    (tmp_path / "texts.jsonl").write_text('{"id": "1", "title": "BERT", "abstract": ""}\n', "utf-8")
    (tmp_path / "silver.jsonl").write_text(row + "\n", "utf-8")
    with pytest.raises(ReadError, match=reason):
        read_silver(tmp_path / "silver.jsonl", tmp_path / "texts.jsonl", least=0.0)
    wrong = (tmp_path / "silver.jsonl").rename(tmp_path / "texts.parquet")
    with pytest.raises(ReadError, match=r"texts\.parquet: no Parquet file"):
        read_silver(tmp_path / "texts.jsonl", wrong, least=0.0)
