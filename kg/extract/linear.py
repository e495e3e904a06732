"""Logistic regression over named features, in numpy: small, quick to train, the same bytes for the same input.

A row is a list of feature names (strings); each is known by the CRC-32 of its name. A label may be forbidden for a row
(a role that its type cannot have), and then has probability zero. Where another model has judged the rows before, its
log probabilities are offsets: the regression then learns only what to correct.

>>> rows = [["wet", "cold"], ["wet"], ["dry"], ["dry", "hot"]] * 5
>>> model = fit(encode(rows), np.array([0, 0, 1, 1] * 5), labels=("rain", "sun"), minimum=1)
>>> model.probabilities(encode([["wet"], ["dry"], ["unknown"]])).argmax(axis=1)[:2].tolist()
[0, 1]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: How many feature ids are looked at together in training; bounds its memory.
_BATCH = 400_000


def encode(rows: Iterable[Iterable[str]]) -> Rows:
    """Rows of feature names as ids."""
    ids: list[int] = []
    ends: list[int] = []
    for row in rows:
        ids.extend([crc32(name.encode()) for name in row])
        ends.append(len(ids))
    return Rows(np.array(ids, dtype=np.uint32), np.array([0, *ends], dtype=np.int64))


def stack(parts: Sequence[Rows]) -> Rows:
    """Several blocks of rows as one.

    >>> len(stack([encode([["a"], []]), encode([["b", "c"]])]))
    3
    """
    ends = np.cumsum([0, *(len(part.ids) for part in parts)])
    borders = [part.borders[1:] + end for part, end in zip(parts, ends[:-1], strict=True)]
    return Rows(
        np.concatenate([np.zeros(0, dtype=np.uint32), *(part.ids for part in parts)]),
        np.concatenate([np.zeros(1, dtype=np.int64), *borders]),
    )


def fit(
    rows: Rows,
    targets: NDArray[Any],
    *,
    labels: Sequence[str],
    weights: NDArray[Any] | None = None,
    allowed: NDArray[Any] | None = None,
    offsets: NDArray[Any] | None = None,
    minimum: int = 3,
    passes: int = 8,
    rate: float = 0.1,
    penalty: float = 1e-6,
    seed: int = 1,
) -> Linear:
    """Train on rows whose label has the number `targets`; features in fewer than `minimum` rows are left out.

    `weights` (rows) says how much a row counts, `allowed` (rows x labels) which labels it may have at all, `offsets`
    (rows x labels) what is added to its scores.
    """
    keys, counts = np.unique(rows.ids, return_counts=True)
    keys, counts = keys[counts >= minimum], counts[counts >= minimum]
    empty = np.zeros((len(keys) + 1, len(labels)), np.float32)
    model = Linear(tuple(labels), keys, empty, np.zeros(len(labels)), counts)
    columns = model.columns(rows)
    count = len(rows)
    squares = np.full_like(model.weights, 1e-3)
    bias_squares = np.full(len(labels), 1e-3)
    order = np.arange(count)
    random = np.random.default_rng(seed)
    size = max(64, min(4096, int(_BATCH / max(1.0, len(columns) / max(1, count)))))
    share = np.ones(count, np.float32) if weights is None else weights.astype(np.float32)
    for number in range(passes):
        random.shuffle(order)
        speed = rate * (1 - number / passes)
        for begin in range(0, count, size):
            chosen = np.sort(order[begin : begin + size])
            lengths = rows.borders[chosen + 1] - rows.borders[chosen]
            starts = np.cumsum(lengths) - lengths
            within = np.arange(int(lengths.sum())) - np.repeat(starts, lengths)
            flat = columns[np.repeat(rows.borders[chosen], lengths) + within]
            own = None if allowed is None else allowed[chosen]
            errors = model.soft(flat, starts, lengths, own, None if offsets is None else offsets[chosen])
            errors[np.arange(len(chosen)), targets[chosen]] -= 1.0
            errors *= share[chosen, None]
            used, places = np.unique(flat, return_inverse=True)
            spread = np.repeat(np.arange(len(chosen)), lengths)
            sums = [np.bincount(places, column, minlength=len(used)) for column in errors[spread].T]
            slope = np.stack(sums, axis=1).astype(np.float32)
            slope += penalty * len(chosen) * model.weights[used]
            squares[used] += slope * slope
            model.weights[used] -= speed * slope / np.sqrt(squares[used])
            model.weights[-1] = 0.0
            whole = errors.sum(axis=0)
            bias_squares += whole * whole
            model.bias[:] -= speed * whole / np.sqrt(bias_squares)
    return model


def logit(probabilities: NDArray[Any]) -> NDArray[np.float64]:
    """The logarithm of the odds, kept finite.

    >>> logit(np.array([0.5, 1.0])).round(1).tolist()
    [0.0, 9.2]
    """
    held = np.clip(probabilities.astype(np.float64), 1e-4, 1 - 1e-4)
    found: NDArray[np.float64] = np.log(held / (1 - held))
    return found


def fit_scale(scores: NDArray[Any], truth: NDArray[np.bool_], *, steps: int = 50) -> tuple[float, float]:
    """Bias and slope of a logistic regression over the logits of scores, by Newton's method (Platt 1999).

    >>> fit_scale(np.array([0.9, 0.9, 0.9, 0.1, 0.1, 0.1]), np.array([True, True, False, True, False, False]))
    (0.0, 0.3155)
    """
    columns = np.stack([np.ones(len(scores)), logit(scores)], axis=1)
    weights = np.zeros(2)
    for _ in range(steps):
        found = 1 / (1 + np.exp(-columns @ weights))
        curve = columns.T @ (columns * (found * (1 - found))[:, None]) + 1e-6 * np.eye(2)
        weights += np.linalg.solve(curve, columns.T @ (truth - found))
    bias, slope = weights.tolist()
    return round(bias, 4), round(slope, 4)


def scaled(scale: tuple[float, float], scores: NDArray[Any]) -> NDArray[np.float64]:
    """What the bias and slope of `fit_scale` make of scores: the share of claims with such scores that is right.

    >>> scaled((0.0, 1.0), np.array([0.9])).round(2).tolist(), scaled((-1.0, 0.5), np.array([0.9])).tolist()
    ([0.9], [0.5246331135813284])
    """
    bias, slope = scale
    found: NDArray[np.float64] = 1 / (1 + np.exp(-(bias + slope * logit(scores))))
    return found


@dataclass(frozen=True)
class Rows:
    """Feature ids of all rows, one after the other; row `i` is `ids[borders[i] : borders[i + 1]]`."""

    ids: NDArray[np.uint32]
    borders: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.borders) - 1

    def take(self, chosen: NDArray[Any]) -> Rows:
        """The rows with these numbers, or where a mask says so."""
        numbers = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        lengths = self.borders[numbers + 1] - self.borders[numbers]
        starts = np.cumsum(lengths) - lengths
        places = np.repeat(self.borders[numbers] - starts, lengths) + np.arange(int(lengths.sum()))
        return Rows(self.ids[places], np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]))


@dataclass(frozen=True)
class Linear:
    """Weights of the features in `keys` (ascending), a row of them each; the last row stands for unknown features."""

    labels: tuple[str, ...]
    keys: NDArray[np.uint32]
    weights: Floats
    bias: NDArray[np.float64]
    #: In how many rows of the training each feature was; not kept in a file.
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def columns(self, rows: Rows) -> NDArray[np.int64]:
        """For each feature id of `rows`, the row of `weights` that it has."""
        if not len(self.keys):
            return np.zeros(len(rows.ids), np.int64)
        places = np.minimum(np.searchsorted(self.keys, rows.ids), len(self.keys) - 1)
        return np.where(self.keys[places] == rows.ids, places, len(self.keys))

    def soft(
        self,
        flat: NDArray[np.int64],
        starts: NDArray[Any],
        lengths: NDArray[Any],
        allowed: NDArray[Any] | None,
        offsets: NDArray[Any] | None = None,
    ) -> NDArray[np.float64]:
        """Softmax over the labels for rows given as columns of `weights`."""
        totals = np.zeros((len(lengths), len(self.labels)))
        filled = lengths > 0
        if filled.any():
            totals[filled] = np.add.reduceat(self.weights[flat], starts[filled], axis=0)
        totals += self.bias
        if offsets is not None:
            totals += offsets
        if allowed is not None:
            totals[~allowed] = -np.inf
        totals -= totals.max(axis=1, keepdims=True)
        np.exp(totals, out=totals)
        totals /= totals.sum(axis=1, keepdims=True)
        return totals

    def probabilities(
        self, rows: Rows, allowed: NDArray[Any] | None = None, offsets: NDArray[Any] | None = None
    ) -> NDArray[np.float64]:
        """A row of probabilities of the labels for each row of features."""
        lengths = np.diff(rows.borders)
        return self.soft(self.columns(rows), rows.borders[:-1], lengths, allowed, offsets)

    def smaller(self, limit: int) -> Linear:
        """The model with only the `limit` features that move most: by largest weight and how often they occur."""
        strength = np.abs(self.weights[:-1]).max(axis=1, initial=0.0) * np.sqrt(self.counts)
        kept = np.sort(np.argsort(-strength, kind="stable")[:limit])
        weights = np.concatenate([self.weights[kept], self.weights[-1:]])
        return Linear(self.labels, self.keys[kept], weights, self.bias, self.counts[kept])

    def save(self, path: Path) -> None:
        """Write to an .npz file, with weights in half precision."""
        np.savez_compressed(
            path,
            labels=np.array(self.labels),
            keys=self.keys,
            weights=self.weights.astype(np.float16),
            bias=self.bias,
        )


def load(path: Path) -> Linear:
    """Read what `Linear.save` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        labels = tuple(str(label) for label in arrays["labels"])
        return Linear(labels, arrays["keys"], arrays["weights"].astype(np.float32), arrays["bias"])
