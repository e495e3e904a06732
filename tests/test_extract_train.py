"""Training from annotated files to a model that works, interrupted and gone on with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from kg.extract import extract, load, model_version
from kg.extract.annotations import to_json
from kg.extract.train import CONFIG, main, read_gold
from kg.model import Paper, ReadError

TEMPLATES = (
    ("{m} for {t}", "We propose {m}, a new method for {t}. {m} reaches {n}% accuracy on {d}."),
    ("On {t}", "We study {t} with {m}. Experiments on {d} show that {m} gains {n} points of accuracy."),
)
METHODS = ("BERT", "GPT-2", "Transformer", "LSTM", "ResNet", "RoBERTa", "ELMo", "T5")
TASKS = ("question answering", "machine translation", "parsing", "summarization")
DATASETS = ("GLUE", "SQuAD", "ImageNet", "WikiText")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A handful of annotated papers, and some more as machine-made annotations."""
    folder = tmp_path_factory.mktemp("data")
    rows, gold, silver = [], [], []
    for number in range(48):
        title, abstract = TEMPLATES[number % 2]
        words = {
            "m": METHODS[number % 8],
            "t": TASKS[number // 2 % 4],
            "d": DATASETS[number // 3 % 4],
            "n": str(60 + number),
        }
        row = {"id": f"t{number}", "title": title.format(**words), "abstract": abstract.format(**words)}
        text = row["title"] + "\n" + row["abstract"]
        entities = [
            {"id": "e1", "type": "Method", "name": words["m"], "surfaces": [words["m"]], "role": "introduces"},
            {"id": "e2", "type": "Task", "name": words["t"], "surfaces": [words["t"]], "role": "addresses"},
            {"id": "e3", "type": "Dataset", "name": words["d"], "surfaces": [words["d"]], "role": "evaluates_on"},
            {"id": "e4", "type": "Metric", "name": "Accuracy", "surfaces": ["accuracy"], "role": "reports"},
        ]
        value = words["n"] + "%" if number % 2 == 0 else words["n"]
        relations = [["e1", "used_for", "e2"], ["e1", "evaluated_on", "e3"]]
        annotation = {"id": row["id"], "entities": entities, "relations": relations, "results": [{"value": value}]}
        rows.append(row)
        gold.append(annotation)
        for entity in entities:
            start = text.index(entity["surfaces"][0])
            entity_silver = {**entity, "score": 0.9, "role_score": 0.9}
            del entity_silver["surfaces"]
            entity_silver["mentions"] = [{"start": start, "end": start + len(entity["surfaces"][0])}]
            silver.append(entity_silver)
    papers = "\n".join(map(json.dumps, rows))
    (folder / "train.papers.jsonl").write_text(papers, "utf-8")
    (folder / "train.gold.jsonl").write_text("\n".join(map(json.dumps, gold)), "utf-8")
    (folder / "dev.papers.jsonl").write_text("\n".join(map(json.dumps, rows[:8])), "utf-8")
    (folder / "dev.gold.jsonl").write_text("\n".join(map(json.dumps, gold[:8])), "utf-8")
    (folder / "texts.jsonl").write_text(papers, "utf-8")
    made = [
        {"id": row["id"], "entities": silver[4 * n : 4 * n + 4], "relations": []} for n, row in enumerate(rows[:20])
    ]
    (folder / "silver.jsonl").write_text("\n".join(map(json.dumps, made)), "utf-8")
    return folder


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """The settings of the real training, with fewer passes and smaller batches."""
    text = CONFIG.read_text("utf-8")
    for old, new in (
        ("batch_words = 4000", "batch_words = 40"),
        ("silver_passes = 2", "silver_passes = 1"),
        ("gold_passes = 4", "gold_passes = 3"),
        ("minimum = 3", "minimum = 1"),
        ("width = 128", "width = 32"),
        ("depth = 6", "depth = 2"),
        ("rows = [10000,2000,4000,2000]", "rows = [500,500,500,500]"),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "quick.cfg").write_text(text, "utf-8")
    return tmp_path / "quick.cfg"


def run(data: Path, out: Path, config: Path) -> None:
    silver = ["--silver", str(data / "silver.jsonl"), "--silver-texts", str(data / "texts.jsonl")]
    main(["--data", str(data), *silver, "--out", str(out), "--work", str(out) + ".work", "--config", str(config)])


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_a_training_to_the_end_again_and_resumed(data: Path, quick: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    run(data, first, quick)
    nlp = load(first)
    paper = Paper(id="paper:1", title="ELMo for parsing", abstract="We propose ELMo, a new method for parsing.")
    [extraction] = extract([paper], nlp=nlp)
    assert {(e.name, e.type, e.role) for e in extraction.entities} == {
        ("ELMo", "Method", "introduces"),
        ("Parsing", "Task", "addresses"),
    }
    assert [(r.head, r.predicate, r.tail) for r in extraction.relations] == [("e1", "used_for", "e2")]
    assert extraction.model == model_version(first)
    assert "| held out | dev |" in (first / "MODEL_CARD.md").read_text("utf-8")
    assert to_json(extraction, paper.text) == to_json(next(extract([paper], nlp=load(first))), paper.text)

    run(data, second, quick)
    assert files(second) == files(first)

    passes = sorted(path.name for path in (tmp_path / "first.work" / "recogniser").iterdir())
    assert passes == ["pass-01", "pass-02", "pass-03", "pass-04"]
    shutil.rmtree(first)
    shutil.rmtree(tmp_path / "first.work" / "recogniser" / "pass-04")
    shutil.rmtree(tmp_path / "first.work" / "half-2")
    run(data, first, quick)
    assert {e.type for e in next(extract([paper], nlp=load(first))).entities} == {"Method", "Task"}


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
    with pytest.raises(SystemExit, match="give both"):
        main(["--data", str(tmp_path), "--silver", "x.jsonl"])
    assert not (tmp_path / "model").exists()
