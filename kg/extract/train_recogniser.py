"""Trains the recogniser of mentions: some passes over machine-labelled abstracts (silver), then over the gold ones.

After each pass the averaged weights are written to `DIR/pass-NN`, so that an interrupted training goes on from there.
"""

from __future__ import annotations

import logging
import random
import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.training import Example
from spacy.util import fix_random_seed, load_config
from thinc.api import Adam

from kg.extract.tokenizer import make_blank

CONFIG = Path(__file__).with_name("recogniser.cfg")
LabelledText = tuple[str, Sequence[tuple[int, int, str]]]

log = logging.getLogger(__name__)


def make_recogniser() -> Language:
    """An untrained pipeline of the tokenizer and the recogniser that `recogniser.cfg` describes."""
    nlp = make_blank()
    component = dict(load_config(CONFIG)["components"]["ner"])
    factory = component.pop("factory")
    nlp.add_pipe(factory, config=component)
    return nlp


def make_examples(nlp: Language, texts: Iterable[LabelledText]) -> list[Example]:
    """Training examples; a span that crosses a token border is left out of the loss, not learnt as "nothing"."""
    return [
        Example.from_dict(nlp.make_doc(text), {"entities": [list(span) for span in spans]}) for text, spans in texts
    ]


def batches(examples: list[Example], words: int) -> Iterable[list[Example]]:
    """Batches of about `words` tokens each, in the order given."""
    batch: list[Example] = []
    size = 0
    for example in examples:
        batch.append(example)
        size += len(example.reference)
        if size >= words:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def train_recogniser(gold: Sequence[LabelledText], silver: Sequence[LabelledText], directory: Path) -> Language:
    """Train and return the recogniser; `directory` keeps a checkpoint a pass, and an existing one is gone on from."""
    settings = load_config(CONFIG)["training"]
    plan = ["silver"] * (settings["silver_passes"] if silver else 0) + ["gold"] * settings["gold_passes"]
    fix_random_seed(settings["seed"])
    nlp = make_recogniser()
    data = {"gold": make_examples(nlp, gold), "silver": make_examples(nlp, silver)}
    nlp.initialize(lambda: data["gold"][:500] or data["silver"][:500])
    done = 0
    for number in range(len(plan), 0, -1):
        if (directory / f"pass-{number:02d}" / "raw.bin").exists():
            nlp.from_disk(directory / f"pass-{number:02d}")
            nlp.get_pipe("ner").from_bytes((directory / f"pass-{number:02d}" / "raw.bin").read_bytes())  # type: ignore[attr-defined]
            done = number
            log.info("going on after pass %d", number)
            break
    for number, kind in enumerate(plan, start=1):
        examples = list(data[kind])
        random.Random(settings["seed"] * 1000 + number).shuffle(examples)
        if number <= done:
            continue
        first = number == 1 or plan[number - 2] != kind or number == done + 1
        if first:
            optimizer = Adam(settings["learn_rate"], beta1=0.9, beta2=0.999, L2=0.01, grad_clip=1.0, use_averages=True)
        started, seen, losses = time.time(), 0, {}
        left = sum(1 for p in plan[number - 1 :] if p == kind)
        total = sum(1 for p in plan if p == kind)
        n_words = sum(len(e.reference) for e in examples)
        for batch in batches(examples, settings["batch_words"]):
            if kind == "gold":  # a linear decay over the gold passes settles the weights
                optimizer.learn_rate = settings["learn_rate"] * max(0.05, (left - seen / n_words) / total)
            nlp.update(batch, sgd=optimizer, drop=settings["dropout"], losses=losses)
            seen += sum(len(e.reference) for e in batch)
            if seen // 200000 != (seen - sum(len(e.reference) for e in batch)) // 200000:
                log.info(
                    "pass %d (%s): %d of %d words, loss %.0f, %.0f s",
                    number,
                    kind,
                    seen,
                    n_words,
                    losses["ner"],
                    time.time() - started,
                )
        path = directory / f"pass-{number:02d}"
        shutil.rmtree(path, ignore_errors=True)
        with nlp.use_params(optimizer.averages):
            nlp.to_disk(path)
        (path / "raw.bin").write_bytes(nlp.get_pipe("ner").to_bytes())  # type: ignore[attr-defined]
        log.info("pass %d (%s) took %.0f s", number, kind, time.time() - started)
    return spacy.load(directory / f"pass-{len(plan):02d}")
