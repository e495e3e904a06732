"""Training from annotated files to a model that works, killed and gone on with; needs PyTorch (make test-train)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from spacy.util import load_config
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from kg.extract import extract, load, model_version
from kg.extract.annotations import to_json
from kg.extract.encoder import EncoderReader
from kg.extract.export_encoder import export_encoder
from kg.extract.fit import entity_dicts
from kg.extract.joint import distance_buckets
from kg.extract.labels import from_ontology
from kg.extract.pretrained import load_encoder
from kg.extract.train import CONFIG, main, read_gold
from kg.extract.train_encoder import collate, hide, make_sample
from kg.extract.wordpieces import load_tokenizer
from kg.model import Paper

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
    own = [
        {"id": row["id"], "entities": silver[4 * n : 4 * n + 4], "relations": [], "results": gold[n]["results"]}
        for n, row in enumerate(rows[20:40], start=20)
    ]
    (folder / "beside.jsonl").write_text("\n".join(map(json.dumps, own)), "utf-8")
    return folder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two small layers with random weights, whose vocabulary is made of words and letters of the papers."""
    folder = tmp_path_factory.mktemp("encoder")
    words = " ".join((*METHODS, *TASKS, *DATASETS, *(text for pair in TEMPLATES for text in pair))).lower()
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,%:;-{}"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{c}" for c in letters)]
    pieces += sorted(set(re.findall(r"[a-z]+", words)) - set(pieces))
    tokenizer = Tokenizer(WordPiece({piece: n for n, piece in enumerate(pieces)}, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    tokenizer.save(str(folder / "tokenizer.json"))
    width, inner = 48, 96
    config = {
        "hidden_size": width,
        "intermediate_size": inner,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "max_position_embeddings": 512,
        "vocab_size": len(pieces),
        "layer_norm_eps": 1e-12,
        "hidden_dropout_prob": 0.1,
        "initializer_range": 0.02,
    }
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    shapes = {
        "embeddings.word_embeddings.weight": (len(pieces), width),
        "embeddings.position_embeddings.weight": (512, width),
        "embeddings.token_type_embeddings.weight": (2, width),
        "embeddings.LayerNorm.weight": (width,),
        "embeddings.LayerNorm.bias": (width,),
    }
    for number in range(2):
        layer = f"encoder.layer.{number}"
        dense = {
            "attention.self.query": (width, width),
            "attention.self.key": (width, width),
            "attention.self.value": (width, width),
            "attention.output.dense": (width, width),
            "intermediate.dense": (inner, width),
            "output.dense": (width, inner),
        }
        for name, shape in dense.items():
            shapes |= {f"{layer}.{name}.weight": shape, f"{layer}.{name}.bias": shape[:1]}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{layer}.{name}.weight": (width,), f"{layer}.{name}.bias": (width,)}
    chance = torch.Generator().manual_seed(1)
    weights = {
        name: torch.ones(shape) if name.endswith("LayerNorm.weight") else 0.05 * torch.randn(shape, generator=chance)
        for name, shape in shapes.items()
    }
    save_file(weights, folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def mpnet(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same weights as an MPNet: other names, two more positions, a bias by distance, no token types."""
    folder = tmp_path_factory.mktemp("mpnet")
    renamed = {}
    for name, weight in load_file(encoder / "model.safetensors").items():
        for theirs, ours in (("self.query", "attn.q"), ("self.key", "attn.k"), ("self.value", "attn.v")):
            name = name.replace(theirs, ours)
        name = name.replace("attention.output.dense", "attention.attn.o").replace("attention.output.", "attention.")
        renamed[name] = weight
    del renamed["embeddings.token_type_embeddings.weight"]
    chance = torch.Generator().manual_seed(2)
    renamed["embeddings.position_embeddings.weight"] = 0.05 * torch.randn((514, 48), generator=chance)
    renamed["encoder.relative_attention_bias.weight"] = torch.randn((32, 4), generator=chance)
    save_file(renamed, folder / "model.safetensors")
    config = json.loads((encoder / "config.json").read_text("utf-8"))
    config |= {"model_type": "mpnet", "max_position_embeddings": 514, "relative_attention_num_buckets": 32}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    words = (encoder / "tokenizer.json").read_text("utf-8").replace("[CLS]", "<s>").replace("[SEP]", "</s>")
    (folder / "tokenizer.json").write_text(words, "utf-8")
    return folder


@pytest.fixture(params=["encoder", "mpnet"])
def any_encoder(request: pytest.FixtureRequest) -> Path:
    """A BERT, and then an MPNet."""
    folder: Path = request.getfixturevalue(request.param)
    return folder


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """The settings of the real training, with smaller batches and more passes over the few papers."""
    config = load_config(CONFIG)
    training = config["training"]
    training.update(batch_pieces=400, save_seconds=0)
    for part, passes in (("silver", 1), ("gold", 30), ("half", 30), ("plain", 20)):
        training[part].update(passes=passes, encoder_rate=0.002, head_rate=0.002, warm_up=4, beside=4)
    for settings in config["components_training"].values():
        settings["fit"]["minimum"] = 1
    config.to_disk(tmp_path / "quick.cfg")
    return tmp_path / "quick.cfg"


def arguments(data: Path, encoder: Path, out: Path, config: Path) -> list[str]:
    silver = ["--silver", str(data / "silver.jsonl"), "--silver-texts", str(data / "texts.jsonl")]
    silver += ["--beside", str(data / "beside.jsonl"), "--beside-texts", str(data / "texts.jsonl")]
    where = ["--out", str(out), "--work", str(out) + ".work", "--config", str(config)]
    return ["--data", str(data), "--encoder", str(encoder), *silver, *where]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_a_training_to_the_end_and_one_that_was_killed(data: Path, encoder: Path, quick: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    main(arguments(data, encoder, first, quick))
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

    checkpoint = tmp_path / "second.work" / "gold" / "run-2" / "checkpoint.pt"
    command = [sys.executable, "-m", "kg.extract.train", *arguments(data, encoder, second, quick)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as training:
        while not checkpoint.is_file():
            assert training.poll() is None
            time.sleep(0.05)
        training.kill()
    assert not second.exists()
    main(arguments(data, encoder, second, quick))
    assert files(second) == files(first)


def test_hidden_pieces_are_words(data: Path, encoder: Path) -> None:
    tokenizer = load_tokenizer(encoder / "tokenizer.json")
    labelled = read_gold(data)["train"][:2]
    batch, _ = collate([make_sample(*one, from_ontology(), tokenizer, with_results=True) for one in labelled])
    ends = torch.isin(batch.ids, torch.tensor([tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")]))
    torch.manual_seed(1)
    assert torch.equal(hide(batch, 0.0, tokenizer).ids, batch.ids)
    changed = (hide(batch, 0.5, tokenizer).ids != batch.ids)[batch.mask & ~ends].float().mean()
    assert 0.3 < changed < 0.7
    whole = hide(batch, 1.0, tokenizer).ids
    assert set(whole[batch.mask & ~ends].tolist()) == {tokenizer.token_to_id("[UNK]")}
    assert torch.equal(whole[ends | ~batch.mask], batch.ids[ends | ~batch.mask])


def test_distances_of_mpnet() -> None:
    buckets = distance_buckets(torch.arange(300), 32)
    assert buckets[0, :9].tolist() == [0, 17, 18, 19, 20, 21, 22, 23, 24]
    assert buckets[:9, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert (buckets[0, 130:].unique().tolist(), buckets[130:, 0].unique().tolist()) == ([31], [15])


@pytest.mark.slow
def test_what_is_served_is_what_was_trained(data: Path, any_encoder: Path, tmp_path: Path) -> None:
    """The exported files say of a paper what PyTorch says, up to rounding."""
    labels = from_ontology()
    torch.manual_seed(1)
    model = load_encoder(any_encoder, labels).eval()
    for parameter in model.parameters():
        parameter.data += 0.03 * torch.randn_like(parameter)
    export_encoder(model, labels, any_encoder, tmp_path / "files", bits=32)
    reader = EncoderReader().from_disk(tmp_path / "files")
    paper, said = read_gold(data)["train"][1]
    sample = make_sample(paper, said, labels, load_tokenizer(any_encoder / "tokenizer.json"), with_results=True)
    batch, wanted = collate([sample])
    with torch.inference_mode():
        tags, values, roles, relations = model(batch)
    reading = reader.read(paper.text)
    entities = entity_dicts(said)
    pairs = [(i, j) for i, j, _ in sample.pairs]
    served = (reading.tags, reading.values, reading.roles(entities), reading.relations(entities, pairs))
    roles = roles.masked_fill(~wanted["role_allowed"], -1e4)
    relations = relations.masked_fill(~wanted["relation_allowed"], -1e4)
    for ours, theirs in zip(served, (tags[0, 1:-1], values[0, 1:-1], roles, relations), strict=True):
        assert np.exp(ours) == pytest.approx(torch.softmax(theirs, -1).numpy(), abs=5e-3)


@pytest.mark.parametrize("bits", [8, 32])
def test_a_training_can_begin_with_a_model_of_kg(any_encoder: Path, bits: int, tmp_path: Path) -> None:
    """What was written is read back, up to rounding; a head for other labels keeps those with the same name."""
    labels = from_ontology()
    torch.manual_seed(1)
    model = load_encoder(any_encoder, labels)
    export_encoder(model, labels, any_encoder, tmp_path, bits=bits)
    theirs = model.state_dict()
    for name, ours in load_encoder(tmp_path, labels).state_dict().items():
        assert (ours - theirs[name]).abs().max() <= 0.02 * theirs[name].abs().max() + 1e-6, name

    others = replace(labels, types=("Gene", "Method"), relations=("none", "binds", "used_for"), roles=())
    for name, ours in load_encoder(tmp_path, others).state_dict().items():
        if name == "tags.weight":
            assert ours.shape[0] == 5
            same = (ours[3:], theirs[name][[labels.tags.index(tag) for tag in ("B-Method", "I-Method")]])
        elif name == "relation.weight":
            same = (ours[[0, 2]], theirs[name][[0, labels.relations.index("used_for")]])
        elif name.partition(".")[0] in ("tags", "types", "role", "relation"):
            continue
        else:
            same = (ours, theirs[name])
        assert (same[0] - same[1]).abs().max() <= 0.02 * theirs[name].abs().max() + 1e-6, name


@pytest.mark.slow
def test_a_training_for_labels_of_ones_own_begins_with_what_ships(
    tmp_path: Path, quick: Path, caplog: pytest.LogCaptureFixture
) -> None:
    document = {
        "sentences": [["We", "use", "BERT", "for", "gene", "tagging", "."], ["BERT", "beats", "GPT", "."]],
        "ner": [[[2, 2, "Method"], [4, 5, "Problem"]], [[7, 7, "Method"], [9, 9, "Method"]]],
        "relations": [[[2, 2, 4, 5, "for"]], [[7, 7, 9, 9, "beats"]]],
    }
    (tmp_path / "train.jsonl").write_text((json.dumps(document) + "\n") * 4, "utf-8")
    (tmp_path / "about.md").write_text("# Genes\n\nAnnotated by us.\n", "utf-8")
    out = tmp_path / "model"
    about = ["--about", str(tmp_path / "about.md")]
    config = load_config(quick)
    config["training"]["plain"].update(encoder_rate=0.0002)
    config.to_disk(quick)
    main(["--data", str(tmp_path), "--out", str(out), "--config", str(quick), *about])
    [said] = extract([Paper(id="paper:1", title="", abstract="We use BERT for gene tagging .")], nlp=load(out))
    assert {(e.name, e.type) for e in said.entities} == {("BERT", "Method"), ("Gene Tagging", "Problem")}
    (tmp_path / "train.jsonl").write_text((json.dumps(document).replace("Problem", "Task") + "\n") * 4, "utf-8")
    main(
        ["--data", str(tmp_path), "--out", str(tmp_path / "next"), "--work", str(out) + ".work", "--config", str(quick)]
    )
    assert "begun with other data, settings or weights; this training begins anew" in caplog.text
    [said] = extract(
        [Paper(id="paper:1", title="", abstract="We use BERT for gene tagging .")], nlp=load(tmp_path / "next")
    )
    assert {(e.name, e.type) for e in said.entities} == {("BERT", "Method"), ("Gene Tagging", "Task")}
    card = (out / "MODEL_CARD.md").read_text("utf-8")
    assert card.startswith("# Genes\n\nAnnotated by us.\n")
    assert "4 texts (types Method, Problem; relations beats, for)" in card
