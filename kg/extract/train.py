"""Trains the whole pipeline: `python -m kg.extract.train --data DIR`.

DIR of --data holds pairs NAME.papers.jsonl and NAME.gold.jsonl. The pair `train` is trained on (every pair, where
there is none of that name), the others are only scored. One in twenty of the papers trained on is held back to be
scored, too. DIR of --encoder is a BERT (config.json, model.safetensors and tokenizer.json) or the folder kg_encoder of
a model of kg; without it the encoder that ships is trained on. A training that was interrupted goes on from the
checkpoints in WORK; the same data, settings, versions and machine give the same model.

DIR of --data may also hold documents in the format of SciERC (NAME.jsonl with sentences, ner, relations), with types
and relations of their own: the model then says these, and nothing of roles and results.

>>> held_out("paper-5"), sum(held_out(f"paper-{number}") for number in range(1000))
(False, 49)
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import random
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.util import load_config

from kg.extract import MODEL
from kg.extract import labels as label_sets
from kg.extract.annotations import from_line, read_extractions, read_objects, read_texts
from kg.extract.encoder import EncoderReader
from kg.extract.evaluate import Score, measure
from kg.extract.fit import Example, Labelled, calibrate_roles, fit_components
from kg.extract.pipeline import load_pipeline, make_pipeline
from kg.extract.plain import make_plain_pipeline, measure_plain
from kg.extract.scierc import labels_of, read_scierc
from kg.model import ASPECTS, Extraction, KGError, MissingExtra, Paper, ReadError, Result

log = logging.getLogger("kg.extract.train")

CONFIG = Path(__file__).with_name("train.cfg")
#: What is begun with where nothing else is given: the encoder of the model that ships.
ENCODER = MODEL / "kg_encoder"
#: Every how many-th paper is held back.
HELD_OUT = 20


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m kg.extract.train", description=(__doc__ or "").split("\n\n>>>")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of annotated papers")
    parser.add_argument(
        "--encoder", type=Path, default=ENCODER, metavar="DIR", help="what is begun with (default: what ships)"
    )
    parser.add_argument("--silver", type=Path, metavar="FILE", help="machine-made annotations (.jsonl or .jsonl.gz)")
    parser.add_argument("--silver-texts", type=Path, metavar="FILE", help="their papers: JSON Lines or Parquet")
    parser.add_argument(
        "--beside", type=Path, metavar="FILE", help="such ones to read beside those in DIR (default: silver)"
    )
    parser.add_argument("--beside-texts", type=Path, metavar="FILE", help="their papers: JSON Lines or Parquet")
    parser.add_argument("--out", type=Path, default=Path("model"), metavar="DIR", help="the model (default: model)")
    parser.add_argument("--work", type=Path, metavar="DIR", help="where checkpoints go (default: OUT.work)")
    parser.add_argument("--config", type=Path, default=CONFIG, metavar="FILE", help="settings in place of our own")
    parser.add_argument("--about", type=_text, metavar="FILE", help="Markdown to begin the card with")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("spacy").setLevel(logging.WARNING)
    try:
        for name in ("silver", "beside"):
            if (getattr(given, name) is None) != (getattr(given, f"{name}_texts") is None):
                raise KGError(f"--{name} and --{name}-texts belong together: give both")
        if given.beside is not None and given.silver is None:
            raise KGError("--beside is for a training that begins with --silver: give that, too")
        train(
            given.data,
            encoder=given.encoder,
            silver=None if given.silver is None else (given.silver, given.silver_texts),
            beside=None if given.beside is None else (given.beside, given.beside_texts),
            out=given.out,
            work=given.work or given.out.with_name(given.out.name + ".work"),
            config=given.config,
            about=given.about or "",
        )
    except KGError as error:
        raise SystemExit(f"error: {error}") from None


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise argparse.ArgumentTypeError(f"{path}: cannot be read ({error})") from None


def train(
    data: Path,
    *,
    encoder: Path = ENCODER,
    silver: tuple[Path, Path] | None = None,
    beside: tuple[Path, Path] | None = None,
    out: Path,
    work: Path,
    config: Path = CONFIG,
    about: str = "",
) -> dict[str, dict[str, Score]]:
    """Train on the annotations in `data`, write the model to `out`, return its scores by set.

    `about` is the beginning of its card, in Markdown.
    """
    check_encoder(encoder)
    foreign = read_scierc(data)
    if foreign:
        return train_plain(foreign, encoder=encoder, out=out, work=work, config=config, about=about)
    sets = read_gold(data)
    chosen = ["train"] if "train" in sets else sorted(sets)
    whole = [labelled for name in chosen for labelled in sets[name]]
    gold = [labelled for labelled in whole if not held_out(labelled[0].id)] or whole
    scored = {"held out": [labelled for labelled in whole if held_out(labelled[0].id)]}
    scored |= {name: sets[name] for name in sorted(sets) if name not in chosen}
    settings = load_config(config)
    training = settings["training"]
    least = training["silver"]["min_score"]
    extra = read_silver(*silver, least=least) if silver else []
    others = read_silver(*beside, least=least) if beside else extra
    log.info("%d annotated papers, %d held out, %d silver", len(gold), len(scored["held out"]), len(extra))

    served, *halves = encoder_folders(gold, extra, others, encoder, work, training)
    nlp = make_pipeline()
    reader: Any = nlp.get_pipe("kg_encoder")
    reader.from_disk(served)
    examples = [example for place, files in enumerate(halves) for example in read_apart(nlp, gold[place::2], files)]
    fit_components(nlp, examples, gold=gold, silver=extra, settings=settings["components_training"])
    calibrate_roles(nlp, scored["held out"])
    nlp = settled(nlp)
    nlp.meta["name"] = settings["model"]["name"]
    nlp.meta["spacy_version"] = ">=3.8.7,<4.0.0"
    nlp.meta["description"] = "Methods, tasks, datasets, metrics and concepts in papers, their roles and relations."
    scores = {
        name: measure(nlp, {paper.id: paper for paper, _ in own}, {paper.id: said for paper, said in own})
        for name, own in scored.items()
        if own
    }
    for name, table in scores.items():
        for line, value in table.items():
            log.info("%-9s %-40s %s", name, line, value)
    trained_on = f"{len(gold):,} annotated and {len(extra):,} machine-labelled papers"
    write_model(nlp, out, card=model_card(about, trained_on, scores))
    return scores


def train_plain(
    sets: Mapping[str, Sequence[Labelled]],
    *,
    encoder: Path,
    out: Path,
    work: Path,
    config: Path = CONFIG,
    about: str = "",
) -> dict[str, dict[str, Score]]:
    """Train on documents in SciERC's format, with their own labels; the relations' threshold is chosen on `dev`."""
    trainer, exporter = _training()
    training = load_config(config)["training"]
    settings = _part(training, "plain")
    chosen = ["train"] if "train" in sets else sorted(sets)
    gold = [labelled for name in chosen for labelled in sets[name]]
    labels = labels_of([gold])
    log.info("%d texts, types %s, relations %s", len(gold), ", ".join(labels.types), ", ".join(labels.relations[1:]))
    samples = trainer.samples_of(gold, labels, encoder, with_results=False)
    stages = [(samples, settings["passes"])]
    model = trainer.train_encoder(stages, encoder=encoder, labels=labels, directory=work / "plain", settings=settings)
    exporter.export_encoder(model, labels, encoder, work / "plain" / "files", bits=settings["bits"])
    nlp = make_plain_pipeline()
    reader: Any = nlp.get_pipe("kg_encoder")
    reader.from_disk(work / "plain" / "files")
    pairs: Any = nlp.get_pipe("kg_pairs")
    _, pairs.threshold = measure_plain(reader, sets.get("dev", gold))
    nlp.meta["name"] = "own-labels"
    others = [name for name in sorted(sets) if name not in chosen]
    scores = {name: measure_plain(reader, sets[name], pairs.threshold)[0] for name in others}
    for name, table in scores.items():
        for line, value in table.items():
            log.info("%-9s %-10s %s", name, line, value)
    trained_on = f"{len(gold)} texts (types {', '.join(labels.types)}; relations {', '.join(labels.relations[1:])})"
    write_model(nlp, out, card=model_card(about, trained_on, scores))
    return scores


def _training() -> tuple[ModuleType, ModuleType]:
    """The modules that need PyTorch (training, export), or what to install."""
    try:
        from kg.extract import export_encoder, train_encoder
    except ImportError:
        raise MissingExtra("training", "train") from None
    return train_encoder, export_encoder


def check_encoder(folder: Path) -> None:
    """Refuse a folder that a training cannot begin with."""
    missing = [name for name in ("config.json", "tokenizer.json") if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in ("model.safetensors", "encoder.onnx")):
        missing.append("model.safetensors")
    if missing:
        raise ReadError(f"no encoder there: {' and '.join(missing)} missing", path=folder)


def held_out(paper: str) -> bool:
    """Whether a paper is never trained on: decided by a hash of its id."""
    return int(hashlib.sha256(paper.removeprefix("paper:").encode()).hexdigest(), 16) % HELD_OUT == 0


def read_gold(folder: Path) -> dict[str, list[Labelled]]:
    """The pairs of papers and annotations in a folder, by name."""
    sets = {}
    for path in sorted(folder.glob("*.papers.jsonl")):
        name = path.name.removesuffix(".papers.jsonl")
        annotations = path.with_name(f"{name}.gold.jsonl")
        if not annotations.is_file():
            raise ReadError(f"there is no {annotations.name} beside it", path=path)
        papers = read_texts(path)
        sets[name] = [(papers[extraction.paper], extraction) for extraction in read_extractions(annotations, papers)]
    if not any(sets.values()):
        raise ReadError("no annotated papers there: NAME.papers.jsonl and NAME.gold.jsonl are wanted", path=folder)
    return sets


def read_silver(path: Path, texts: Path, *, least: float) -> list[Labelled]:
    """Machine-made annotations whose entities score `least` or more; white space in texts is made one blank."""
    rows = {identifier: (number, row) for number, identifier, row in read_objects(path, "extraction")}
    labelled = []
    for identifier, title, abstract in _silver_texts(texts):
        number, row = rows.pop(identifier, (0, None))
        if row is None:
            continue
        paper = Paper(id=identifier, title=" ".join(title.split()), abstract=" ".join(abstract.split()))
        labelled.append((paper, _sure_enough(from_line(row, paper, path=path, line=number), least)))
    if rows:
        log.warning("%s: %d papers have no text in %s and are left out", path, len(rows), texts)
    return labelled


def _sure_enough(said: Extraction, least: float) -> Extraction:
    """What is said of the entities that score `least` or more."""
    entities = tuple(entity for entity in said.entities if entity.score >= least)
    kept = {entity.id for entity in entities}

    def without_others(result: Result) -> Result:
        dropped: dict[str, Any] = {aspect: None for aspect in ASPECTS if getattr(result, aspect) not in kept}
        return replace(result, **dropped)

    return replace(
        said,
        entities=entities,
        relations=tuple(relation for relation in said.relations if {relation.head, relation.tail} <= kept),
        results=tuple(map(without_others, said.results)),
    )


def _silver_texts(path: Path) -> Iterator[tuple[str, str, str]]:
    if path.suffix != ".parquet":
        for _, identifier, row in read_objects(path, "paper"):
            yield identifier, row.get("title") or "", row.get("abstract") or ""
        return
    import pyarrow.parquet as pq

    try:
        for batch in pq.ParquetFile(path).iter_batches(columns=["id", "title", "abstract"]):
            for row in batch.to_pylist():
                yield f"paper:{row['id']}", row["title"] or "", row["abstract"] or ""
    except (OSError, ValueError, KeyError) as error:  # Arrow's errors are ValueErrors; it leaves out unknown columns
        raise ReadError(f"no Parquet file with id, title and abstract ({error})", path=path) from None


def encoder_folders(
    gold: Sequence[Labelled],
    silver: Sequence[Labelled],
    others: Sequence[Labelled],
    encoder: Path,
    work: Path,
    training: Mapping[str, Any],
) -> list[Path]:
    """Train the encoder on all gold papers, and one for each half that reads the other half; returns their folders.

    `silver` is what they begin with, `others` the papers that are read beside the gold ones.
    """
    trainer, exporter = _training()
    labels = label_sets.from_ontology()

    def samples_of(labelled: Sequence[Labelled]) -> list[Any]:
        says_results = any(said.results for _, said in labelled)
        found: list[Any] = trainer.samples_of(labelled, labels, encoder, with_results=says_results)
        return found

    chosen = sorted(silver, key=lambda labelled: hashlib.sha256(labelled[0].id.encode()).digest())
    machine = samples_of(chosen[: training["silver"]["papers"]])
    beside = machine if others is silver else samples_of(others)
    samples = trainer.samples_of(gold, labels, encoder, with_results=True)
    common = {"encoder": encoder, "labels": labels}
    start = None
    if machine:
        passes = training["silver"]["passes"]
        trainer.train_encoder(
            [(machine, passes)], directory=work / "silver", settings=_part(training, "silver"), **common
        )
        start = work / "silver" / f"pass-{passes:02d}.pt"
    folders = []
    for name, own in (("gold", samples), ("half-1", samples[1::2]), ("half-2", samples[::2])):
        settings = _part(training, name.partition("-")[0] if machine else "plain")
        count, last = settings["beside"], settings["passes"] - 1
        models = []
        for run in range(settings["runs"]):
            again = {**settings, "seed": settings["seed"] + run}
            drawn = random.Random(again["seed"]).sample(beside, min(last * count, len(beside)))
            stages = [*((own + drawn[n * count : (n + 1) * count], 1) for n in range(last)), (own, 1)]
            directory = work / name / f"run-{run + 1}"
            models.append(trainer.train_encoder(stages, directory=directory, settings=again, start=start, **common))
        folders.append(work / name / "files")
        exporter.export_encoder(trainer.averaged(models), labels, encoder, folders[-1], bits=settings["bits"])
    return folders


def _part(training: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The settings of one part of the training."""
    return {**training, **training[name]}


def read_apart(nlp: Language, gold: Sequence[Labelled], files: Path) -> list[Example]:
    """Gold papers as an encoder reads them that has not seen them."""
    reader = EncoderReader().from_disk(files)
    early = [nlp.get_pipe(name) for name in ("kg_sentences", "kg_abbreviations")]
    examples = []
    for paper, said in gold:
        doc = nlp.make_doc(paper.text)
        for component in early:
            doc = component(doc)
        reading = reader.read(paper.text)
        doc._.kg_reading = replace(reading, vectors=reading.vectors.astype(np.float16))  # all are kept in memory
        examples.append(Example(paper, said, doc))
    return examples


def settled(nlp: Language) -> Language:
    """The same pipeline, made anew with the thresholds that were chosen: spaCy keeps the config of the making."""
    trained: dict[str, Any] = dict(nlp.pipeline)
    made = make_pipeline({name: part.threshold for name, part in trained.items() if hasattr(part, "threshold")})
    for name, part in trained.items():
        made.get_pipe(name).__dict__.update(part.__dict__)
    return made


def write_model(nlp: Language, out: Path, *, card: str) -> None:
    """Write the model aside, with a hash of its content as its version, and put it in place."""
    aside = out.with_name(out.name + ".writing")
    shutil.rmtree(aside, ignore_errors=True)
    aside.parent.mkdir(parents=True, exist_ok=True)
    nlp.to_disk(aside, exclude=["vocab"])  # the words seen in training
    content = hashlib.sha256()
    for path in sorted(aside.rglob("*")):
        if path.is_file() and path.name != "meta.json":
            content.update(path.relative_to(aside).as_posix().encode() + b"\0" + path.read_bytes())
    meta = json.loads((aside / "meta.json").read_text("utf-8"))
    meta["version"] = f"1.0.0+{content.hexdigest()[:12]}"
    (aside / "meta.json").write_text(json.dumps(meta, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    (aside / "MODEL_CARD.md").write_text(card, "utf-8")
    load_pipeline(aside)
    shutil.rmtree(out, ignore_errors=True)
    aside.rename(out)


def model_card(about: str, trained_on: str, scores: Mapping[str, Mapping[str, Score]]) -> str:
    """What the model is (`about`, in Markdown), what it was trained on, and its scores by set."""
    lines = [
        about.strip() or "# Model card",
        "",
        f"Trained by `python -m kg.extract.train` on {trained_on}. F1 in percent (role accuracy: percent right):",
        "",
        f"| | {' | '.join(scores)} |",
        f"|---|{'---|' * len(scores)}",
    ]
    for line in next(iter(scores.values()), {}):
        lines.append(f"| {line.strip()} | {' | '.join(f'{table[line].f1:.1f}' for table in scores.values())} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
