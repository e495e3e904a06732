"""Trains the joint model: passes over machine-labelled abstracts (silver), then over annotated papers (gold).

Batches hold papers of similar length and follow from the seed alone; a checkpoint keeps weights, optimiser and place,
so that a training that was interrupted goes on from it. Needs PyTorch (`pip install 'kg-papers[train]'`).
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from kg.extract.annotations import longest_first
from kg.extract.joint import Batch, JointModel
from kg.extract.labels import NONE, Labels
from kg.extract.pairs import pair_distance
from kg.extract.pretrained import load_encoder
from kg.extract.results import numbers
from kg.extract.wordpieces import LONGEST, Pieces, cut, load_tokenizer, mask_id, special_ids
from kg.model import Extraction, Paper
from kg.sentences import sentences

if TYPE_CHECKING:
    from tokenizers import Tokenizer

log = logging.getLogger(__name__)

#: What a label that is not to be learnt is written as.
UNKNOWN = -100
#: The settings that a training's weights come from.
DECIDING = ("seed", "batch_pieces", "encoder_rate", "head_rate", "warm_up", "dropout", "hidden")
LOSSES = {"tags": 1.0, "values": 0.3, "roles": 0.5, "relations": 1.0}


@dataclass(frozen=True)
class Sample:
    """One paper for training; spans count the pieces of the window, the special one in front among them."""

    ids: list[int]
    cases: list[int]
    tags: list[int]
    values: list[int]
    weights: list[float]
    entity_types: list[int] = field(default_factory=list)
    entity_spans: list[list[tuple[int, int]]] = field(default_factory=list)
    roles: list[int] = field(default_factory=list)
    role_weights: list[float] = field(default_factory=list)
    role_allowed: list[list[bool]] = field(default_factory=list)
    pairs: list[tuple[int, int, int]] = field(default_factory=list)
    relations: list[int] = field(default_factory=list)
    relation_weights: list[float] = field(default_factory=list)
    relation_allowed: list[list[bool]] = field(default_factory=list)


def make_sample(paper: Paper, said: Extraction, labels: Labels, tokenizer: Tokenizer, *, with_results: bool) -> Sample:
    """The sample of a paper: as much of it as the encoder reads at once."""
    text = paper.text
    pieces = cut(tokenizer, text)
    room = min(LONGEST - 2, len(pieces.ids))
    begin, end = special_ids(tokenizer)
    tags = [0] * room
    weights = [1.0] * room
    tag_of = {tag: number for number, tag in enumerate(labels.tags)}
    owner = {(m.start, m.end): (e.type, e.score) for e in said.entities for m in e.mentions}
    for span in longest_first(owner):
        first, last = pieces.span(*span)
        kind, score = owner[span]
        for number in range(first, min(last, room)):
            tags[number] = tag_of[f"{'B' if number == first else 'I'}-{kind}"]
            weights[number] = score
    values = [0 if with_results else UNKNOWN] * room
    reported = {result.value.strip() for result in said.results}
    for start, end in numbers(text) if reported else ():
        if text[start:end] in reported:
            first, last = pieces.span(start, end)
            for number in range(first, min(last, room)):
                values[number] = 1 if number == first else 2
    sample = Sample(
        ids=[begin, *pieces.ids[:room].tolist(), end],
        cases=[0, *pieces.cases[:room].tolist(), 0],
        tags=[UNKNOWN, *tags, UNKNOWN],
        values=[UNKNOWN, *values, UNKNOWN],
        weights=[0.0, *weights, 0.0],
    )
    _add_entities(sample, text, pieces, said, labels, room)
    return sample


def _add_entities(sample: Sample, text: str, pieces: Pieces, said: Extraction, labels: Labels, room: int) -> None:
    sentence = sentence_numbers(text, pieces)
    entities = sorted((e for e in said.entities if e.mentions), key=lambda e: min((m.start, m.end) for m in e.mentions))
    kept: dict[str, int] = {}
    spans: list[list[tuple[int, int]]] = []
    kinds = []
    for entity in entities:
        own = sorted(pieces.span(m.start, m.end) for m in entity.mentions)
        own = [(first, last) for first, last in own if last <= room]
        if not own:
            continue
        kept[entity.id] = len(spans)
        spans.append(own)
        kinds.append(entity.type)
        sample.entity_types.append(labels.types.index(entity.type))
        sample.entity_spans.append([(first + 1, last + 1) for first, last in own])
        sample.roles.append(labels.roles.index(entity.role) if entity.role in labels.roles else UNKNOWN)
        sample.role_weights.append(entity.role_score)
        sample.role_allowed.append(labels.allowed_roles(entity.type))
    stated = {
        (kept[r.head], kept[r.tail]): (r.predicate, r.score)
        for r in said.relations
        if r.head in kept and r.tail in kept
    }
    lines = [text.count("\n", 0, int(pieces.starts[own[0][0]])) for own in spans]
    for i, j in labels.candidate_pairs(kinds, lines):
        allowed = labels.allowed_relations(kinds[i], kinds[j], forward=i < j)
        predicate, score = stated.get((i, j), (NONE, 1.0))
        label = labels.relations.index(predicate)
        sample.pairs.append((i, j, pair_distance(spans[i], spans[j], sentence)[0]))
        sample.relations.append(label if allowed[label] else 0)
        sample.relation_weights.append(score)
        sample.relation_allowed.append(allowed)


def sentence_numbers(text: str, pieces: Pieces) -> np.ndarray[Any, Any]:
    """The number of the sentence that each piece stands in."""
    begins = [start for start, _ in sentences(text)]
    return np.searchsorted(begins, pieces.starts, side="right")


def make_batches(samples: Sequence[Sample], tokens: int, seed: int) -> list[list[Sample]]:
    """Batches of at most so many pieces (padding counted), of papers of similar length, in a random order."""
    chance = random.Random(seed)
    order = sorted(range(len(samples)), key=lambda n: (len(samples[n].ids) + chance.randrange(16), chance.random()))
    batches: list[list[Sample]] = []
    longest = 0
    for number in order:
        longest = max(longest, len(samples[number].ids))
        if not batches or (len(batches[-1]) + 1) * longest > tokens:
            batches.append([])
            longest = len(samples[number].ids)
        batches[-1].append(samples[number])
    chance.shuffle(batches)
    return batches


def collate(samples: Sequence[Sample]) -> tuple[Batch, dict[str, Tensor]]:
    """The input of the model for a batch, and what it should say: tags, values, roles, relations and their weights."""
    longest = max(len(sample.ids) for sample in samples)

    def padded(rows: Iterable[list[Any]], filler: float, kind: torch.dtype) -> Tensor:
        return torch.tensor([row + [filler] * (longest - len(row)) for row in rows], dtype=kind)

    pieces: list[int] = []
    entities: list[int] = []
    weights: list[float] = []
    firsts: list[float] = []
    owner: list[int] = []
    heads: list[int] = []
    tails: list[int] = []
    distances: list[int] = []
    total = 0
    for number, sample in enumerate(samples):
        for place, spans in enumerate(sample.entity_spans):
            size = sum(last - first for first, last in spans)
            for order, (first, last) in enumerate(spans):
                pieces += range(number * longest + first, number * longest + last)
                entities += [total + place] * (last - first)
                weights += [1 / size] * (last - first)
                firsts += [1 / (last - first) if order == 0 else 0.0] * (last - first)
            owner.append(number)
        for i, j, distance in sample.pairs:
            heads.append(total + i)
            tails.append(total + j)
            distances.append(distance)
        total += len(sample.entity_spans)
    batch = Batch(
        ids=padded((s.ids for s in samples), 0, torch.long),
        cases=padded((s.cases for s in samples), 0, torch.long),
        mask=padded(([1] * len(s.ids) for s in samples), 0, torch.bool),
        place_piece=torch.tensor(pieces, dtype=torch.long),
        place_entity=torch.tensor(entities, dtype=torch.long),
        place_weight=torch.tensor(weights),
        first_weight=torch.tensor(firsts),
        entity_type=torch.tensor([kind for s in samples for kind in s.entity_types], dtype=torch.long),
        entity_paper=torch.tensor(owner, dtype=torch.long),
        pair_head=torch.tensor(heads, dtype=torch.long),
        pair_tail=torch.tensor(tails, dtype=torch.long),
        pair_distance=torch.tensor(distances, dtype=torch.long),
        pair_counts=[len(s.pairs) for s in samples],
    )
    wanted = {
        "tags": padded((s.tags for s in samples), UNKNOWN, torch.long),
        "values": padded((s.values for s in samples), UNKNOWN, torch.long),
        "weights": padded((s.weights for s in samples), 0.0, torch.float),
        "roles": torch.tensor([role for s in samples for role in s.roles], dtype=torch.long),
        "role_weights": torch.tensor([weight for s in samples for weight in s.role_weights]),
        "role_allowed": torch.tensor([row for s in samples for row in s.role_allowed], dtype=torch.bool),
        "relations": torch.tensor([relation for s in samples for relation in s.relations], dtype=torch.long),
        "relation_weights": torch.tensor([weight for s in samples for weight in s.relation_weights]),
        "relation_allowed": torch.tensor([row for s in samples for row in s.relation_allowed], dtype=torch.bool),
    }
    return batch, wanted


def hide(batch: Batch, share: float, tokenizer: Tokenizer) -> Batch:
    """The batch with a share of its word pieces hidden, drawn at random: what stands around them has to tell."""
    words = batch.mask & ~torch.isin(batch.ids, torch.tensor(special_ids(tokenizer)))
    drawn = torch.rand(batch.ids.shape) < share
    return replace(batch, ids=batch.ids.masked_fill(drawn & words, mask_id(tokenizer)))


def loss_of(found: tuple[Tensor, Tensor, Tensor, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weighted loss of each head."""
    tags, values, roles, relations = (logits.float() for logits in found)
    losses = {
        "tags": _mean(tags.flatten(0, 1), wanted["tags"].flatten(), wanted["weights"].flatten()),
        "values": _mean(values.flatten(0, 1), wanted["values"].flatten(), wanted["weights"].flatten()),
    }
    if wanted["role_allowed"].numel():
        masked = roles.masked_fill(~wanted["role_allowed"], -1e4)
        losses["roles"] = _mean(masked, wanted["roles"], wanted["role_weights"])
    if len(relations):
        masked = relations.masked_fill(~wanted["relation_allowed"], -1e4)
        losses["relations"] = _mean(masked, wanted["relations"], wanted["relation_weights"])
    return {name: LOSSES[name] * loss for name, loss in losses.items()}


def _mean(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    weights = weights * (targets != UNKNOWN)
    every = functional.cross_entropy(logits, targets, ignore_index=UNKNOWN, reduction="none")
    return (every * weights).sum() / weights.sum().clamp(min=1.0)


def train_encoder(
    stages: Sequence[tuple[Sequence[Sample], int]],
    *,
    encoder: Path,
    labels: Labels,
    directory: Path,
    settings: Mapping[str, Any],
    start: Path | None = None,
) -> JointModel:
    """Train over `stages` (samples, passes) in order; the same training goes on from the checkpoint in `directory`.

    `start` is the file of weights of an earlier training that is begun with.
    """
    torch.manual_seed(settings["seed"])
    directory.mkdir(parents=True, exist_ok=True)
    model = load_encoder(encoder, labels, settings["dropout"])
    tokenizer = load_tokenizer(encoder / "tokenizer.json")
    if start is not None:
        model.load_state_dict(torch.load(start, weights_only=True))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    heads = [p for name, p in model.named_parameters() if not name.startswith("encoder.")]
    optimizer = torch.optim.AdamW(
        [
            {"params": list(model.encoder.parameters()), "lr": settings["encoder_rate"]},
            {"params": heads, "lr": settings["head_rate"]},
        ],
        weight_decay=0.01,
        betas=(0.9, 0.98),
        foreach=True,
    )
    plan = list(_plan(stages, settings))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / settings["warm_up"], max(0.0, 1 - step / len(plan)))
    )
    done = 0
    what = fingerprint(stages, settings, model)
    checkpoint = directory / "checkpoint.pt"
    state = torch.load(checkpoint, weights_only=True, map_location=device) if checkpoint.is_file() else {}
    if state.get("what") == what:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        done = state["done"]
        log.info("going on after step %d of %d", done, len(plan))
    elif state:
        log.warning("%s: begun with other data, settings or weights; this training begins anew", checkpoint)
    begun = saved = time.monotonic()
    sums: dict[str, float] = {}
    count = 0
    for step, (name, samples) in enumerate(plan):
        if step < done:
            continue
        model.train()
        torch.manual_seed(settings["seed"] * 1_000_003 + step)  # the same chance after an interruption
        batch, wanted = collate(samples)
        batch = hide(batch, settings["hidden"], tokenizer)
        batch = Batch(**{k: v.to(device) if isinstance(v, Tensor) else v for k, v in vars(batch).items()})
        with torch.autocast(device.type, dtype=torch.bfloat16):
            found = model(batch)
        losses = loss_of(found, {key: value.to(device) for key, value in wanted.items()})
        total = sum(losses.values(), torch.zeros((), device=device))
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        for key, loss in losses.items():
            sums[key] = sums.get(key, 0.0) + loss.item()
        count += 1
        if count == settings["log_every"] or step + 1 == len(plan):
            parts = " ".join(f"{key} {value / count:.4f}" for key, value in sums.items())
            log.info("%s, step %d of %d, %.0f s: %s", name, step + 1, len(plan), time.monotonic() - begun, parts)
            sums, count = {}, 0
        last_of_stage = step + 1 == len(plan) or plan[step + 1][0] != name
        if last_of_stage or time.monotonic() - saved > settings["save_seconds"]:
            _save(model, optimizer, schedule, step + 1, what, checkpoint)
            saved = time.monotonic()
        if last_of_stage:
            _write(model.state_dict(), directory / f"{name}.pt")
    return model


def averaged(models: Sequence[JointModel]) -> JointModel:
    """The first model with the mean of the weights of all, which were begun from the same weights.

    Such a mean is worth about as much as the models asked together (Wortsman et al. 2022), and costs one.
    """
    weights = [model.state_dict() for model in models]
    models[0].load_state_dict({name: torch.stack([own[name] for own in weights]).mean(0) for name in weights[0]})
    return models[0]


def _plan(
    stages: Sequence[tuple[Sequence[Sample], int]], settings: Mapping[str, Any]
) -> Iterator[tuple[str, list[Sample]]]:
    number = 0
    for samples, passes in stages:
        for _ in range(passes):
            number += 1
            for batch in make_batches(samples, settings["batch_pieces"], settings["seed"] * 1000 + number):
                yield f"pass-{number:02d}", batch


def fingerprint(stages: Sequence[tuple[Sequence[Sample], int]], settings: Mapping[str, Any], model: JointModel) -> str:
    """A hash of all that a training comes from: two with the same one give the same weights."""
    content = hashlib.sha256()
    content.update(json.dumps([settings[name] for name in DECIDING]).encode())
    for samples, passes in stages:
        content.update(f"{passes} passes over {len(samples)}".encode())
        for sample in samples:
            content.update(repr(sample).encode())
    for name, tensor in model.state_dict().items():
        content.update(name.encode() + tensor.cpu().numpy().tobytes())
    return content.hexdigest()


def _save(model: JointModel, optimizer: Any, schedule: Any, done: int, what: str, path: Path) -> None:
    state = {
        "what": what,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "done": done,
    }
    _write(state, path)


def _write(state: Any, path: Path) -> None:
    aside = path.with_name(path.name + ".writing")
    torch.save(state, aside)
    aside.replace(path)


def samples_of(
    labelled: Iterable[tuple[Paper, Extraction]], labels: Labels, encoder: Path, *, with_results: bool
) -> list[Sample]:
    """The samples of annotated papers; silver ones say nothing of results."""
    tokenizer = load_tokenizer(encoder / "tokenizer.json")
    return [make_sample(paper, said, labels, tokenizer, with_results=with_results) for paper, said in labelled]
