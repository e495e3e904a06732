"""What training refuses, with the place; the training itself is tested in test_training.py, which needs PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kg.extract.train import main, read_gold
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
        main(["--data", str(tmp_path), "--encoder", "bert", "--out", str(tmp_path / "model")])
    with pytest.raises(SystemExit, match="give both"):
        main(["--data", str(tmp_path), "--encoder", "bert", "--silver", "x.jsonl"])
    assert not (tmp_path / "model").exists()
