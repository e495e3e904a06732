"""Trains the recogniser of mentions: some passes over machine-labelled abstracts (silver), then over the gold ones.

`recogniser.cfg` says how. Each pass leaves its averaged weights in `DIR/pass-NN`, a long one also parts of it on the
way, and a training that was interrupted goes on after the last of them.

>>> [part.folder for part in plan(silver_words=900_000, silver_passes=1, gold_passes=1)]
['pass-01.1', 'pass-01', 'pass-02']
"""

from __future__ import annotations

import logging
import random
import shutil
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.training import Example
from spacy.util import load_config
from thinc.api import Adam, Optimizer, fix_random_seed

from kg.extract.tokenizer import make_blank

CONFIG = Path(__file__).with_name("recogniser.cfg")
#: Words after which a checkpoint is written within a pass.
PART = 600_000

LabelledText = tuple[str, Sequence[tuple[int, int, str]]]

log = logging.getLogger(__name__)


def make_recogniser(config: Path = CONFIG) -> Language:
    """An untrained pipeline of the tokenizer and the recogniser that the config describes."""
    nlp = make_blank()
    component = dict(load_config(config)["components"]["ner"])
    factory = component.pop("factory")
    nlp.add_pipe(factory, config=component)
    return nlp


def make_examples(nlp: Language, texts: Sequence[LabelledText]) -> list[Example]:
    """Training examples; a span that crosses a token border is left out of the loss, not learnt as "nothing"."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\[W030\]")
        return [
            Example.from_dict(nlp.make_doc(text), {"entities": [list(span) for span in spans]}) for text, spans in texts
        ]


def plan(*, silver_words: int, silver_passes: int, gold_passes: int) -> list[Part]:
    """The parts of the training, in order."""
    parts = []
    for number in range(1, silver_passes + gold_passes + 1):
        silver = number <= silver_passes
        count = max(1, round(silver_words / PART)) if silver else 1
        parts += [Part("silver" if silver else "gold", number, part, count) for part in range(1, count + 1)]
    return parts


def train_recogniser(
    gold: Sequence[LabelledText],
    silver: Sequence[LabelledText],
    directory: Path,
    *,
    config: Path = CONFIG,
    start: Path | None = None,
) -> Language:
    """Train and return the recogniser; `directory` keeps the checkpoints, and the last one there is gone on from.

    `start` is a checkpoint of another training whose weights are begun with.
    """
    directory.mkdir(parents=True, exist_ok=True)
    settings = load_config(config)["training"]
    fix_random_seed(settings["seed"])
    nlp = make_recogniser(config)
    data = {"gold": make_examples(nlp, gold), "silver": make_examples(nlp, silver)}
    nlp.initialize(lambda: data["gold"][:500] or data["silver"][:500])
    if start is not None:
        nlp.from_disk(start)
    parts = plan(
        silver_words=_words(data["silver"]),
        silver_passes=settings["silver_passes"] if silver else 0,
        gold_passes=settings["gold_passes" if start is None else "half_passes"],
    )
    last = parts[-1].number
    decay = sum(part.kind == "gold" for part in parts)
    done = max((number for number, part in enumerate(parts, start=1) if (directory / part.folder).exists()), default=0)
    if done:
        nlp.from_disk(directory / parts[done - 1].folder)
        log.info("going on after %s", parts[done - 1].folder)
    optimizer, kind = None, ""
    for part in parts[done:]:
        if optimizer is None or part.kind != kind:
            kind = part.kind
            optimizer = Adam(settings["learn_rate"], beta1=0.9, beta2=0.999, L2=0.01, grad_clip=1.0, use_averages=True)
        examples = list(data[kind])
        random.Random(settings["seed"] * 1000 + part.number).shuffle(examples)
        examples = examples[len(examples) * (part.part - 1) // part.parts : len(examples) * part.part // part.parts]
        started, seen, words, losses = time.monotonic(), 0, _words(examples), {"ner": 0.0}
        for batch in _batches(examples, settings["batch_words"]):
            if kind == "gold":  # a linear decay over the gold passes settles the weights
                share = (last - part.number + 1 - seen / words) / decay
                optimizer.learn_rate = settings["learn_rate"] * max(0.05, share)
            nlp.update(batch, sgd=optimizer, drop=settings["dropout"], losses=losses)
            seen += _words(batch)
        _save(nlp, optimizer, directory, part)
        took = time.monotonic() - started
        log.info("%s (%s): %d words in %.0f s, loss %.3f a word", part.folder, kind, seen, took, losses["ner"] / seen)
    return spacy.load(directory / parts[-1].folder)


def _words(examples: Sequence[Example]) -> int:
    return sum(len(example.reference) for example in examples)


def _batches(examples: Sequence[Example], words: int) -> Iterator[list[Example]]:
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


def _save(nlp: Language, optimizer: Optimizer, directory: Path, part: Part) -> None:
    """Write the averaged weights aside, then name them; parts of a pass give way to the whole."""
    aside = directory / ".writing"
    shutil.rmtree(aside, ignore_errors=True)
    with nlp.use_params(optimizer.averages):
        nlp.to_disk(aside)
    aside.rename(directory / part.folder)
    for old in directory.glob(f"pass-{part.number:02d}.*"):
        if old.name != part.folder:
            shutil.rmtree(old)


@dataclass(frozen=True)
class Part:
    """A part of a pass over the examples of a kind (silver or gold); `number` counts passes from 1."""

    kind: str
    number: int
    part: int
    parts: int

    @property
    def folder(self) -> str:
        """The name of its checkpoint."""
        return f"pass-{self.number:02d}" + ("" if self.part == self.parts else f".{self.part}")
