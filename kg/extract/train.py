"""Trains the whole pipeline: `python -m kg.extract.train --data DIR [--silver FILE --silver-texts FILE]`.

DIR holds pairs NAME.papers.jsonl and NAME.gold.jsonl. The pair `train` is trained on (every pair, where there is none
of that name), the others are only scored. One in twenty of the papers trained on is held back to be scored, too. A
training that was interrupted goes on from the checkpoints in WORK; the same data, settings and versions give the same
model again.

>>> held_out("paper-5"), sum(held_out(f"paper-{number}") for number in range(1000))
(False, 49)
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import logging
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import load_config

from kg.extract import linear, mentions, relations, results, roles
from kg.extract.annotations import from_json, longest_first, read_extractions, read_texts
from kg.extract.entities import group
from kg.extract.evaluate import Score, measure, pair_entities
from kg.extract.features import View
from kg.extract.pipeline import SentenceSetter, load_pipeline, make_pipeline, to_extraction
from kg.extract.train_recogniser import CONFIG, LabelledText, make_recogniser, train_recogniser
from kg.model import Extraction, KGError, Paper, ReadError

log = logging.getLogger("kg.extract.train")

Labelled = tuple[Paper, Extraction]
Detected = dict[tuple[int, int], str]
#: Every how many-th paper is held back.
HELD_OUT = 20
FOLDS = 3
THRESHOLDS = tuple(number / 50 for number in range(8, 36))


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m kg.extract.train", description=(__doc__ or "").split("\n\n>>>")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of annotated papers")
    parser.add_argument("--silver", type=Path, metavar="FILE", help="machine-made annotations (.jsonl or .jsonl.gz)")
    parser.add_argument("--silver-texts", type=Path, metavar="FILE", help="their papers: JSON Lines or Parquet")
    parser.add_argument("--out", type=Path, default=Path("model"), metavar="DIR", help="the model (default: model)")
    parser.add_argument("--work", type=Path, metavar="DIR", help="where checkpoints go (default: OUT.work)")
    parser.add_argument("--config", type=Path, default=CONFIG, metavar="FILE", help="settings in place of our own")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("spacy").setLevel(logging.WARNING)
    try:
        if (given.silver is None) != (given.silver_texts is None):
            raise KGError("--silver and --silver-texts belong together: give both")
        train(
            given.data,
            silver=None if given.silver is None else (given.silver, given.silver_texts),
            out=given.out,
            work=given.work or given.out.with_name(given.out.name + ".work"),
            config=given.config,
        )
    except KGError as error:
        raise SystemExit(f"error: {error}") from None


def train(
    data: Path, *, silver: tuple[Path, Path] | None = None, out: Path, work: Path, config: Path = CONFIG
) -> dict[str, dict[str, Score]]:
    """Train on the annotations in `data`, write the model to `out`, return its scores by set."""
    sets = read_gold(data)
    chosen = ["train"] if "train" in sets else sorted(sets)
    whole = [labelled for name in chosen for labelled in sets[name]]
    gold = [labelled for labelled in whole if not held_out(labelled[0].id)] or whole
    scored = {"held out": [labelled for labelled in whole if held_out(labelled[0].id)]}
    scored |= {name: sets[name] for name in sorted(sets) if name not in chosen}
    settings = load_config(config)
    extra = read_silver(*silver, least=settings["training"]["silver_min_score"]) if silver else []
    log.info("%d annotated papers, %d held out, %d silver", len(gold), len(scored["held out"]), len(extra))

    recogniser = train_recogniser(_texts(gold), _texts(extra), work / "recogniser", config=config)
    detected = cross_detect(gold, extra, work, config)
    nlp = make_pipeline(recogniser)
    fit_components(nlp, gold, extra, detected, settings["components_training"])
    nlp.meta["name"] = settings["model"]["name"]
    scores = {
        name: measure(nlp, {paper.id: paper for paper, _ in own}, {paper.id: said for paper, said in own})
        for name, own in scored.items()
        if own
    }
    for name, table in scores.items():
        for line, value in table.items():
            log.info("%-9s %-40s %s", name, line, value)
    write_model(compact(nlp, config), out, card=model_card(scores, len(gold), len(extra)))
    return scores


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
    rows = {}
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            rows[row["id"]] = row
    labelled = []
    for identifier, title, abstract in _silver_texts(texts):
        row = rows.pop(identifier, None)
        if row is None:
            continue
        paper = Paper(id=f"paper:{identifier}", title=" ".join(title.split()), abstract=" ".join(abstract.split()))
        row["entities"] = [entity for entity in row["entities"] if entity.get("score", 1.0) >= least]
        kept = {entity["id"] for entity in row["entities"]}
        row["relations"] = [r for r in row["relations"] if r["head"] in kept and r["tail"] in kept]
        labelled.append((paper, from_json(row, paper)))
    return labelled


def _silver_texts(path: Path) -> Iterator[tuple[str, str, str]]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        for batch in pq.ParquetFile(path).iter_batches(columns=["id", "title", "abstract"]):
            for row in batch.to_pylist():
                yield row["id"], row["title"], row["abstract"] or ""
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["id"], row["title"], row.get("abstract") or ""


def cross_detect(gold: Sequence[Labelled], silver: Sequence[Labelled], work: Path, config: Path) -> list[Detected]:
    """What a recogniser that has not seen a gold paper finds in it: two are trained, each on one half for the other."""
    halves = [[number for number in range(len(gold)) if number % 2 == half] for half in range(2)]
    passes = load_config(config)["training"]["silver_passes"] if silver else 0
    start = work / "recogniser" / f"pass-{passes:02d}" if passes else None
    found: list[Detected] = [{} for _ in gold]
    for half, members in enumerate(halves):
        others = [gold[number] for number in halves[1 - half]]
        nlp = train_recogniser(_texts(others), [], work / f"half-{half + 1}", config=config, start=start)
        for number in members:
            found[number] = detect(nlp, gold[number][0].text)
    return found


def detect(nlp: Language, text: str) -> Detected:
    """The spans that a recogniser finds, and their types."""
    doc = nlp.get_pipe("ner")(SentenceSetter()(nlp.make_doc(text)))
    return {(entity.start_char, entity.end_char): entity.label_ for entity in doc.ents}


def _texts(labelled: Sequence[Labelled]) -> list[LabelledText]:
    texts: list[LabelledText] = []
    for paper, extraction in labelled:
        spans = _spans(extraction)
        texts.append((paper.text, [(*span, spans[span]) for span in longest_first(spans)]))
    return texts


def _spans(extraction: Extraction) -> Detected:
    return {(m.start, m.end): entity.type for entity in extraction.entities for m in entity.mentions}


def entity_dicts(extraction: Extraction) -> list[dict[str, Any]]:
    """Annotated entities as the components see them, in the order of the text."""
    found = [
        {
            "id": entity.id,
            "type": entity.type,
            "name": entity.name,
            "role": entity.role,
            "score": entity.score,
            "role_score": entity.role_score,
            "mentions": [[mention.start, mention.end, mention.score] for mention in entity.mentions],
        }
        for entity in extraction.entities
        if entity.mentions
    ]
    return sorted(found, key=lambda entity: entity["mentions"][0])


def fit_components(
    nlp: Language,
    gold: Sequence[Labelled],
    silver: Sequence[Labelled],
    detected: Sequence[Detected],
    settings: Mapping[str, Any],
) -> None:
    """Train all components but the recogniser, with thresholds chosen by cross-validation over papers."""
    folds = np.arange(len(gold)) % FOLDS
    docs = [_early(nlp, paper.text) for paper, _ in gold]
    views = [View.of_doc(doc) for doc in docs]

    scorer: Any = nlp.get_pipe("kg_mentions")
    scorer.lexicon, votes = mentions.make_lexicon(
        [(paper.text, _spans(extraction)) for paper, extraction in gold],
        [(paper.text, _spans(extraction)) for paper, extraction in silver],
    )
    accepted = fit_mentions(scorer, gold, docs, detected, votes, folds, settings["mentions"])
    for doc, found in zip(docs, accepted, strict=True):
        doc._.kg_mentions = found
        doc._.kg_entities = group(doc.text, found, doc._.kg_abbreviations)
    rows = fit_roles(nlp, gold, silver, docs, folds, settings["roles"])
    fit_relations(nlp, gold, docs, rows, folds, settings["relations"])
    fit_results(nlp, gold, views, folds, settings["results"])


def _early(nlp: Language, text: str) -> Doc:
    return nlp.get_pipe("kg_abbreviations")(nlp.get_pipe("kg_sentences")(nlp.make_doc(text)))


def fit_mentions(
    scorer: mentions.MentionScorer,
    gold: Sequence[Labelled],
    docs: Sequence[Doc],
    detected: Sequence[Detected],
    votes: Sequence[Mapping[int, int]],
    folds: NDArray[Any],
    options: Mapping[str, Any],
) -> list[list[dict[str, Any]]]:
    """Train the scorer of mentions; returns those that models which have not seen the paper accept."""
    found = [
        mentions.candidates(doc.text, seen, doc._.kg_abbreviations, scorer.lexicon, own)
        for doc, seen, own in zip(docs, detected, votes, strict=True)
    ]
    rows = linear.encode(candidate.features for own in found for candidate in own)
    owner = np.repeat(np.arange(len(gold)), [len(own) for own in found])
    truth = [_spans(extraction) for _, extraction in gold]
    targets = np.array(
        [
            any(truth[number].get(span) == candidate.type for span in candidate.spans)
            for number, own in enumerate(found)
            for candidate in own
        ],
        dtype=np.int64,
    )
    weights = np.array([min(len(candidate.spans), 4) for own in found for candidate in own], dtype=np.float32)

    def fit(chosen: NDArray[Any]) -> linear.Linear:
        return linear.fit(
            rows.take(chosen), targets[chosen], labels=("no", "yes"), weights=weights[chosen], **options["fit"]
        ).smaller(options["features"])

    scores = np.zeros(len(rows))
    for fold in range(FOLDS):
        apart = folds[owner] == fold
        scores[apart] = fit(~apart).probabilities(rows.take(apart))[:, 1]
    borders = np.cumsum([0, *(len(own) for own in found)])
    best = (-1.0, 0.5)
    for threshold in THRESHOLDS:
        given = wanted = hits = 0
        for number, own in enumerate(found):
            chosen = mentions.select(zip(own, scores[borders[number] : borders[number + 1]], strict=True), threshold)
            given += len(chosen)
            wanted += len(truth[number])
            hits += sum(truth[number].get(span) == kind for span, (kind, _) in chosen.items())
        best = max(best, (200 * hits / max(1, given + wanted), threshold))
    alone = [{span: (kind, 1.0) for span, kind in seen.items()} for seen in detected]
    hits = sum(t.get(span) == kind for t, own in zip(truth, alone, strict=True) for span, (kind, _) in own.items())
    total = sum(map(len, alone)) + sum(map(len, truth))
    log.info("mentions: recogniser alone F1 %.2f, scored F1 %.2f at %.2f", 200 * hits / max(1, total), *best)
    scorer.model = fit(np.ones(len(rows), bool))
    scorer.threshold = best[1]
    chosen_by_paper = (
        mentions.select(zip(own, scores[borders[n] : borders[n + 1]], strict=True), scorer.threshold)
        for n, own in enumerate(found)
    )
    return [
        [{"start": a, "end": b, "type": kind, "score": score} for (a, b), (kind, score) in sorted(chosen.items())]
        for chosen in chosen_by_paper
    ]


def fit_roles(
    nlp: Language,
    gold: Sequence[Labelled],
    silver: Sequence[Labelled],
    docs: Sequence[Doc],
    folds: NDArray[Any],
    options: Mapping[str, Any],
) -> list[list[dict[str, Any]]]:
    """Train the roles; returns the annotated entities with the roles that models which have not seen the paper give.

    The entities that were found in a paper (`doc._.kg_entities`) get their roles from the same models.
    """
    classifier: Any = nlp.get_pipe("kg_roles")
    named = [entity_dicts(extraction) for _, extraction in gold]
    rows, targets, weights, allowed = _role_rows(named, (View.of_doc(doc) for doc in docs))
    owner = np.repeat(np.arange(len(gold)), [len(own) for own in named])
    extra = [entity_dicts(extraction) for _, extraction in silver[: options["silver_papers"]]]
    extra_views = (View.of_doc(nlp.make_doc(paper.text)) for paper, _ in silver[: options["silver_papers"]])
    more = _role_rows(extra, extra_views)

    def fit(chosen: NDArray[Any]) -> linear.Linear:
        return linear.fit(
            linear.stack([rows.take(chosen), more[0]]),
            np.concatenate([targets[chosen], more[1]]),
            labels=roles.role_labels(),
            weights=np.concatenate([weights[chosen], options["silver_weight"] * more[2]]),
            allowed=np.concatenate([allowed[chosen], more[3]]),
            **options["fit"],
        ).smaller(options["features"])

    predicted = targets.copy()
    for fold in range(FOLDS):
        apart = folds[owner] == fold
        classifier.model = fit(~apart)
        predicted[apart] = classifier.model.probabilities(rows.take(apart), allowed[apart]).argmax(axis=1)
        for number in np.flatnonzero(folds == fold).tolist():
            classifier(docs[number])
    log.info("roles: accuracy %.2f on gold entities", 100 * (predicted == targets).mean())
    classifier.model = fit(np.ones(len(rows), bool))
    names = iter(predicted)
    return [[{**entity, "role": roles.role_labels()[next(names)]} for entity in own] for own in named]


def _role_rows(
    named: Sequence[Sequence[Mapping[str, Any]]], views: Iterable[View]
) -> tuple[linear.Rows, NDArray[Any], NDArray[Any], NDArray[Any]]:
    labels = roles.role_labels()
    flat = [entity for own in named for entity in own]
    rows = linear.stack(
        [linear.encode(roles.features(view, own)) for own, view in zip(named, views, strict=True) if own]
    )
    return (
        rows,
        np.array([labels.index(entity["role"]) for entity in flat], dtype=np.int64),
        np.array([entity["role_score"] for entity in flat], dtype=np.float32),
        roles.allowed_roles(entity["type"] for entity in flat),
    )


def fit_relations(
    nlp: Language,
    gold: Sequence[Labelled],
    docs: Sequence[Doc],
    named: Sequence[Sequence[Mapping[str, Any]]],
    folds: NDArray[Any],
    options: Mapping[str, Any],
) -> None:
    """Train the relations; the threshold is the best for the entities that are found, not for the gold ones."""
    relater: Any = nlp.get_pipe("kg_relations")
    rows, targets, allowed, counts = _relation_rows(gold, named, docs)
    owner = np.repeat(np.arange(len(gold)), counts)

    def fit(chosen: NDArray[Any]) -> linear.Linear:
        return linear.fit(
            rows.take(chosen),
            targets[chosen],
            labels=relations.relation_labels(),
            allowed=allowed[chosen],
            **options["fit"],
        ).smaller(options["features"])

    scores: list[float] = []
    hits: list[bool] = []
    relater.threshold = THRESHOLDS[0]
    for fold in range(FOLDS):
        relater.model = fit(folds[owner] != fold)
        for number in np.flatnonzero(folds == fold).tolist():
            paper, right = gold[number]
            said = to_extraction(relater(docs[number]), paper.id)
            pairs = pair_entities(right, said)
            triples = {(relation.head, relation.predicate, relation.tail) for relation in right.relations}
            for relation in said.relations:
                scores.append(relation.score)
                hits.append((pairs.get(relation.head), relation.predicate, pairs.get(relation.tail)) in triples)
    wanted = sum(len(extraction.relations) for _, extraction in gold)
    f1, relater.threshold = best_threshold(np.array(scores), np.array(hits, dtype=bool), wanted)
    log.info("relations: F1 %.2f end to end at %.2f", f1, relater.threshold)
    relater.model = fit(np.ones(len(rows), bool))


def _relation_rows(
    labelled: Sequence[Labelled], named: Sequence[Sequence[Mapping[str, Any]]], docs: Sequence[Doc]
) -> tuple[linear.Rows, NDArray[Any], NDArray[Any], list[int]]:
    labels = relations.relation_labels()
    blocks, targets, permitted, counts = [], [], [np.zeros((0, len(labels)), bool)], []
    for (_, extraction), own, doc in zip(labelled, named, docs, strict=True):
        place = {entity["id"]: number for number, entity in enumerate(own)}
        stated = {
            (place[r.head], place[r.tail]): labels.index(r.predicate)
            for r in extraction.relations
            if r.head in place and r.tail in place
        }
        pairs, features = relations.candidates(View.of_doc(doc), own)
        allowed = relations.allowed_labels((own[i]["type"], own[j]["type"], i < j) for i, j in pairs)
        found = (stated.get(pair, 0) for pair in pairs)
        targets += [label if row[label] else 0 for label, row in zip(found, allowed, strict=True)]
        blocks.append(linear.encode(features))
        permitted.append(allowed)
        counts.append(len(pairs))
    return linear.stack(blocks), np.array(targets, dtype=np.int64), np.concatenate(permitted), counts


def best_threshold(scores: NDArray[Any], hits: NDArray[Any], wanted: int) -> tuple[float, float]:
    """The best F1 (in percent), and the threshold that gives it when `wanted` things should be found.

    >>> best_threshold(np.array([0.9, 0.5, 0.3]), np.array([True, True, False]), 2)
    (100.0, 0.5)
    """
    best = (-1.0, 0.5)
    for threshold in THRESHOLDS:
        given = scores >= threshold
        best = max(best, (200 * float((given & hits).sum()) / max(1, int(given.sum()) + wanted), threshold))
    return best


def fit_results(
    nlp: Language, gold: Sequence[Labelled], views: Sequence[View], folds: NDArray[Any], options: Mapping[str, Any]
) -> None:
    """Train which numbers are results, and the threshold."""
    reader: Any = nlp.get_pipe("kg_results")
    blocks, targets, owner = [], [], []
    for number, ((paper, extraction), view) in enumerate(zip(gold, views, strict=True)):
        spans = results.numbers(paper.text)
        values = {result.value.strip() for result in extraction.results}
        blocks.append(linear.encode(results.features(view, entity_dicts(extraction), spans)))
        targets += [int(paper.text[start:end] in values) for start, end in spans]
        owner += [number] * len(spans)
    rows, truth = linear.stack(blocks), np.array(targets, dtype=np.int64)
    fold_of = folds[np.array(owner, dtype=np.int64)]

    def fit(chosen: NDArray[Any]) -> linear.Linear:
        model = linear.fit(rows.take(chosen), truth[chosen], labels=("no", "yes"), **options["fit"])
        return model.smaller(options["features"])

    scores = np.zeros(len(rows))
    for fold in range(FOLDS):
        apart = fold_of == fold
        scores[apart] = fit(~apart).probabilities(rows.take(apart))[:, 1]
    f1, reader.threshold = best_threshold(scores, truth == 1, sum(len(extraction.results) for _, extraction in gold))
    log.info("results: F1 %.2f on gold entities at %.2f", f1, reader.threshold)
    reader.model = fit(np.ones(len(rows), bool))


def compact(nlp: Language, config: Path = CONFIG) -> Language:
    """The same pipeline without the words seen in training, its weights rounded to half precision (to pack well)."""
    trained: dict[str, Any] = dict(nlp.pipeline)
    small = make_pipeline(
        make_recogniser(config),
        thresholds={k: part.threshold for k, part in trained.items() if hasattr(part, "threshold")},
    )
    small.meta["name"] = nlp.meta["name"]
    small.meta["spacy_version"] = ">=3.8.7,<4.0.0"
    small.meta["description"] = "Methods, tasks, datasets, metrics and concepts in papers, their roles and relations."
    small.meta["license"] = "Apache-2.0"
    recogniser: Any = small.get_pipe("ner")
    recogniser.from_bytes(trained["ner"].to_bytes(exclude=["vocab"]))
    for node in recogniser.model.walk():
        for name in node.param_names:
            if node.has_param(name):
                node.set_param(name, node.get_param(name).astype(np.float16).astype(np.float32))
    for name, component in trained.items():
        if name != "ner" and hasattr(component, "to_disk"):
            small.get_pipe(name).__dict__.update(component.__dict__)
    return small


def write_model(nlp: Language, out: Path, *, card: str) -> None:
    """Write the model aside, with a hash of its content as its version, and put it in place."""
    aside = out.with_name(out.name + ".writing")
    shutil.rmtree(aside, ignore_errors=True)
    aside.parent.mkdir(parents=True, exist_ok=True)
    nlp.to_disk(aside)
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


def model_card(scores: Mapping[str, Mapping[str, Score]], gold: int, silver: int) -> str:
    """What the model is, made of, and worth."""
    lines = [
        "# Model card",
        "",
        "Finds methods, tasks, datasets, metrics and concepts in titles and abstracts of papers (English; machine",
        "learning, language, vision, retrieval, robotics), what each is to the paper, how they are related, and the",
        "numbers reported. spaCy's transition-based recogniser over a convolutional encoder of hashed token features,",
        "without word vectors; logistic regression over named features for everything else.",
        "",
        f"- **Data**: {gold:,} titles and abstracts that a large language model annotated, reading each whole under",
        "  written definitions, with checks of form by program. They are not annotations by people.",
        *(
            [f"  Before them, {silver:,} abstracts that a larger model, fine-tuned on such annotations, labelled."]
            * bool(silver)
        ),
        "- **Licence**: Apache-2.0.",
        "- **Command**: `python -m kg.extract.train --data DIR"
        + (" --silver FILE --silver-texts FILE`" if silver else "`")
        + " (see docs/training.md).",
        "- **Limits**: English only; Concept is the fuzziest type; many relations are wrong or missing; whole",
        "  papers were not trained on; the scores of mentions, roles and relations are not calibrated.",
        "",
        "F1 in percent (role accuracy: percent right). Held out: one in twenty of the papers, never trained on.",
        "",
        f"| | {' | '.join(scores)} |",
        f"|---|{'---|' * len(scores)}",
    ]
    for line in next(iter(scores.values()), {}):
        lines.append(f"| {line.strip()} | {' | '.join(f'{table[line].f1:.1f}' for table in scores.values())} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
