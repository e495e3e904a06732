"""The encoder as a spaCy component: it reads a text once, and the other components ask it what it saw.

`read` gives each word piece a vector, the probabilities of the tags of mentions and those of reported numbers. Roles
and relations are asked of the same vectors for entities found later. A long text is read in windows, one at a time and
without padding, so that what is said of a text depends on nothing else.

>>> from kg.extract import load
>>> reader = load().get_pipe("kg_encoder")
>>> reading = reader.read("We fine-tune BERT.")
>>> reading.vectors.shape == (len(reading.pieces.ids), 384)
True
>>> {kind for kind, _, _ in reading.spans(reader.label_set.types)}
{'Method'}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from kg.extract import labels as label_sets
from kg.extract.features import register_attributes
from kg.extract.labels import Labels
from kg.extract.pairs import pair_distance
from kg.extract.wordpieces import Pieces, cut, load_tokenizer, special_ids, windows
from kg.model import KGError
from kg.sentences import sentences

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

Floats = NDArray[np.float32]
Span = tuple[int, int]
Places = int | NDArray[np.int64]
QUERIES = 4
#: Weights that are kept column by column: vectors are multiplied with their transposes.
_BY_COLUMN = tuple(f"{name}.weight" for name in ("entity", "role_inner", "query", "key", "value", "pair_inner"))
FILES = ("encoder.onnx", "heads.npz", "tokenizer.json", "labels.json", "config.json")


@Language.factory("kg_encoder", assigns=["doc._.kg_reading"])
def make_encoder(nlp: Language, name: str) -> EncoderReader:  # noqa: ARG001
    """The component `kg_encoder`."""
    register_attributes()
    return EncoderReader()


def log_softmax(logits: Floats) -> Floats:
    """The logarithms of probabilities, by row."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    found: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return found


def gelu(values: Floats) -> Floats:
    """The activation of the heads, with the usual approximation of the error function by tanh."""
    found: Floats = 0.5 * values * (1 + np.tanh(0.7978845608 * (values + 0.044715 * values * values * values)))
    return found


def viterbi(scores: Floats) -> list[int]:
    """The best row of BIO tags: tag 0 is outside, 2n+1 begins and 2n+2 goes on with type n.

    >>> viterbi(np.log(np.array([[0.1, 0.5, 0.4], [0.2, 0.3, 0.5], [0.3, 0.2, 0.5], [0.9, 0.1, 0.1]], np.float32)))
    [1, 2, 2, 0]
    """
    tags = [0] * len(scores)
    borders = [-1, *np.flatnonzero(surely_outside(scores)).tolist(), len(scores)]
    for before, after in pairwise(borders):
        if after - before > 1:
            tags[before + 1 : after] = _best_row(scores[before + 1 : after])
    return tags


def surely_outside(scores: Floats) -> NDArray[np.bool_]:
    """Where the best row of tags has 0: even a mention that goes on behind would rather begin there.

    >>> surely_outside(np.log(np.array([[0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [0.1, 0.1, 0.8]], np.float32)))
    array([ True, False, False])
    """
    begin, inside = scores[:, 1::2], scores[:, 2::2]
    rivals = np.maximum(begin, inside)
    rivals[:-1] += np.maximum(inside[1:] - begin[1:], 0)
    found: NDArray[np.bool_] = scores[:, 0] > rivals.max(axis=1)
    return found


def _best_row(scores: Floats) -> list[int]:
    inside = np.arange(2, scores.shape[1], 2)
    best = scores[0].astype(np.float64)
    best[inside] = -np.inf  # nothing goes on at the beginning
    back = np.zeros(scores.shape, np.int64)
    for number in range(1, len(scores)):
        origin = back[number]
        origin[:] = best.argmax()
        origin[2::2] = inside - (best[1::2] > best[2::2])
        best = best[origin] + scores[number]
    tag = int(best.argmax())
    tags = [tag]
    for number in range(len(scores) - 1, 0, -1):
        tag = int(back[number, tag])
        tags.append(tag)
    return tags[::-1]


class EncoderReader:
    """Writes `doc._.kg_reading`; the session is opened when the first text comes."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.label_set = label_sets.from_ontology()

    def __call__(self, doc: Doc) -> Doc:
        doc._.kg_reading = self.read(doc.text)
        return doc

    def read(self, text: str) -> Reading:
        """What the encoder sees in a text."""
        pieces = cut(self.tokenizer, text)
        borders = list(windows(text, pieces))
        parts = [self._run(pieces, begin, end) for begin, end in borders]
        return Reading(
            text=text,
            heads=self.heads,
            pieces=pieces,
            windows=borders,
            front=parts[0][0][0],
            vectors=np.concatenate([vectors[1:-1] for vectors, _, _ in parts]),
            tags=log_softmax(np.concatenate([tags[1:-1] for _, tags, _ in parts])),
            values=log_softmax(np.concatenate([values[1:-1] for _, _, values in parts])),
        )

    def _run(self, pieces: Pieces, begin: int, end: int) -> tuple[Floats, Floats, Floats]:
        first, last = special_ids(self.tokenizer)
        ids = np.concatenate([[first], pieces.ids[begin:end], [last]])[None]
        cases = np.concatenate([[0], pieces.cases[begin:end], [0]])[None]
        vectors, tags, values = self.session.run(None, {"ids": ids, "cases": cases})
        return vectors[0], tags[0], values[0]

    @cached_property
    def session(self) -> InferenceSession:
        """The encoder, on one thread: the same figures on every machine, and processes for more speed."""
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return InferenceSession(
            str(self._file("encoder.onnx")),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["SkipLayerNormFusion"],  # its kernel is slower than the two that it takes the place of
        )

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the encoder."""
        return load_tokenizer(self._file("tokenizer.json"))

    @cached_property
    def heads(self) -> Heads:
        """The heads for roles and relations."""
        with np.load(self._file("heads.npz"), allow_pickle=False) as arrays:
            weights = {
                name: arrays[name].astype(np.float32, order="F" if name in _BY_COLUMN else "C") for name in arrays.files
            }
        return Heads(self.label_set, weights)

    def _file(self, name: str) -> Path:
        if self.folder is None:
            raise KGError(
                "kg_encoder has no weights: load a trained model, or train one with python -m kg.extract.train"
            )
        return self.folder / name

    def to_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            content = self._file(name).read_bytes()
            (folder / name).write_bytes(content)

    def from_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> EncoderReader:  # noqa: ARG002
        self.folder = Path(path)
        self.label_set = label_sets.from_json(json.loads((self.folder / "labels.json").read_text("utf-8")))
        return self


@dataclass(frozen=True, eq=False)
class Heads:
    """Says, of what the encoder saw, which roles and relations the entities have; `weights` as PyTorch names them."""

    labels: Labels
    weights: Mapping[str, Floats]

    @cached_property
    def _allowed(self) -> NDArray[np.bool_]:
        """Which relations two types may have: head x tail x whether the head is named first x relations."""
        types, allowed = self.labels.types, self.labels.allowed_relations
        return np.array([[[allowed(a, b, forward=first) for first in (False, True)] for b in types] for a in types])

    def entities(self, reading: Reading, kinds: Sequence[str], spans: Sequence[Sequence[Span]]) -> Entities:
        """Entities of these types with mentions in these pieces."""
        rows = []
        types = self.weights["types.weight"]
        for kind, own in zip(kinds, spans, strict=True):
            pieces = np.concatenate([np.arange(first, last) for first, last in own])
            mean = reading.vectors[pieces].mean(axis=0)
            first = reading.vectors[slice(*own[0])].mean(axis=0)
            rows.append(np.concatenate([mean, first, types[self.labels.types.index(kind)]]))
        seen = np.array(rows, np.float32).reshape(-1, self.weights["entity.weight"].shape[1])
        return Entities(kinds, spans, gelu(self._dense("entity", seen)))

    def roles(self, reading: Reading, entities: Entities) -> Floats:
        """The logarithm of the probability of each role."""
        paper = np.broadcast_to(reading.front, (len(entities.kinds), len(reading.front)))
        inner = gelu(self._dense("role_inner", np.concatenate([entities.vectors, paper], axis=1)))
        logits = self._dense("role", inner)
        allowed = np.array([self.labels.allowed_roles(kind) for kind in entities.kinds], bool).reshape(logits.shape)
        return log_softmax(np.where(allowed, logits, np.float32(-1e4)))

    def relations(self, reading: Reading, entities: Entities, pairs: Sequence[Span]) -> Floats:
        """The logarithm of the probability of each relation, for these pairs of entities."""
        if not pairs:
            return np.zeros((0, len(self.labels.relations)), np.float32)
        kinds, spans, vectors = entities.kinds, entities.spans, entities.vectors
        width = vectors.shape[1]
        near = [pair_distance(spans[i], spans[j], reading.sentence) for i, j in pairs]
        heads, tails = np.array(pairs).T
        weight = self.weights["query.weight"]
        query = vectors @ weight[:, :width].T
        query = query[heads] + (vectors @ weight[:, width:].T)[tails] + self.weights["query.bias"]
        context = np.zeros_like(query)
        where = np.searchsorted([end for _, end in reading.windows], [place for _, place in near], side="right")
        for number in np.unique(where):
            begin, end = reading.windows[number]
            own = where == number
            context[own] = self._look(reading.vectors[begin:end], query[own])
        inner = self.weights["pair_inner.weight"]
        by_head, by_tail, by_product, by_context, by_distance = np.split(
            inner, [width, 2 * width, 3 * width, 4 * width], axis=1
        )
        distance = self.weights["distances.weight"][[kind for kind, _ in near]]
        hidden = (vectors @ by_head.T)[heads] + (vectors @ by_tail.T)[tails]
        hidden += (vectors[heads] * vectors[tails]) @ by_product.T + context @ by_context.T + distance @ by_distance.T
        logits = self._dense("relation", gelu(hidden + self.weights["pair_inner.bias"]))
        types = np.array([self.labels.types.index(kind) for kind in kinds])
        allowed = self._allowed[types[heads], types[tails], (heads < tails).astype(int)]
        return log_softmax(np.where(allowed, logits, np.float32(-1e4)))

    def _look(self, vectors: Floats, query: Floats) -> Floats:
        """What each query finds in a window, with several heads of attention."""
        width = query.shape[1] // QUERIES
        keys, said = self._dense("key", vectors), self._dense("value", vectors)
        found = []
        for head in range(QUERIES):
            part = slice(head * width, (head + 1) * width)
            scores = query[:, part] @ keys[:, part].T / np.float32(np.sqrt(width))
            found.append(np.exp(log_softmax(scores)) @ said[:, part])
        return np.concatenate(found, axis=1)

    def _dense(self, name: str, values: Floats) -> Floats:
        found: Floats = values @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return found


@dataclass(frozen=True, eq=False)
class Entities:
    """Entities as the heads know them: their types, the pieces of their mentions, a vector each."""

    kinds: Sequence[str]
    spans: Sequence[Sequence[Span]]
    vectors: Floats


@dataclass(frozen=True, eq=False)
class Reading:
    """What the encoder saw in a text of n pieces: `vectors` n x width, log probabilities `tags` and `values`.

    `front` is the vector of the special piece in front of the first window.
    """

    text: str
    heads: Heads
    pieces: Pieces
    windows: list[Span]
    front: Floats
    vectors: Floats
    tags: Floats
    values: Floats
    _known: dict[tuple[Any, ...], Entities] = field(default_factory=dict)

    @cached_property
    def sentence(self) -> NDArray[np.int64]:
        """The number of the sentence that each piece stands in."""
        begins = [start for start, _ in sentences(self.text)]
        return np.searchsorted(begins, self.pieces.starts, side="right")

    @cached_property
    def _inside(self) -> NDArray[np.float64]:
        """For each type, the log probability that all pieces before one go on with it; a row more than pieces."""
        sums = np.cumsum(self.tags[:, 2::2], axis=0, dtype=np.float64)
        return np.concatenate([np.zeros((1, sums.shape[1])), sums])

    @cached_property
    def _stops(self) -> Floats:
        """For each type, the log probability that a piece does not go on with it; a row more than pieces."""
        going_on = np.minimum(self.tags[:, 2::2], -1e-4)
        return np.concatenate([np.log1p(-np.exp(going_on)), np.zeros((1, going_on.shape[1]), np.float32)])

    def likely(self, first: Places, last: Places) -> NDArray[np.float64]:
        """For each type, how likely the pieces from `first` up to `last` are a whole mention of it; a row a span."""
        score = self.tags[first, 1::2] + self._inside[last] - self._inside[first + 1] + self._stops[last]
        found: NDArray[np.float64] = np.exp(score)
        return found

    def possible(self, least: float) -> list[tuple[int, int, int]]:
        """Type, first piece and the one after the last of all spans that are as likely as that to be a mention."""
        found = []
        border = np.log(least)
        for first, kind in np.argwhere(self.tags[:, 1::2] > border).tolist():
            total = float(self.tags[first, 1 + 2 * kind])
            for last in range(first + 1, len(self.tags) + 1):
                going_on = float(self.tags[last, 2 + 2 * kind]) if last < len(self.tags) else -np.inf
                if total + np.log1p(-np.exp(min(going_on, -1e-4))) > border:
                    found.append((kind, first, last))
                total += going_on
                if total <= border:
                    break
        return found

    def spans(self, types: Sequence[str]) -> list[tuple[str, int, int]]:
        """Type, first piece and the one after the last of each mention that the best row of tags gives."""
        found: list[tuple[str, int, int]] = []
        for number, tag in enumerate(viterbi(self.tags)):
            if tag == 0:
                continue
            if tag % 2:
                found.append((types[(tag - 1) // 2], number, number + 1))
            else:
                kind, first, _ = found[-1]
                found[-1] = (kind, first, number + 1)
        return found

    def whole_words(self, first: int, last: int) -> Span:
        """The characters of the pieces from `first` up to `last`, with the rest of a word that they begin or end in."""
        text = self.text
        start, end = int(self.pieces.starts[first]), int(self.pieces.ends[last - 1])
        while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
            start -= 1
        while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
            end += 1
        return start, end

    def roles(self, entities: Sequence[Mapping[str, Any]]) -> Floats:
        """The logarithm of the probability of each role, for entities (dicts, see `kg_entities`)."""
        return self.heads.roles(self, self._entities(entities))

    def relations(self, entities: Sequence[Mapping[str, Any]], pairs: Sequence[Span]) -> Floats:
        """The logarithm of the probability of each relation, for these pairs of entities."""
        return self.heads.relations(self, self._entities(entities), pairs)

    def _entities(self, entities: Sequence[Mapping[str, Any]]) -> Entities:
        """The entities as the heads know them, looked up once: roles and relations are asked of the same ones."""
        kinds = tuple(entity["type"] for entity in entities)
        places = tuple(tuple((start, end) for start, end, _ in entity["mentions"]) for entity in entities)
        if (kinds, places) not in self._known:
            spans = [[self.pieces.span(start, end) for start, end in own] for own in places]
            self._known[kinds, places] = self.heads.entities(self, kinds, spans)
        return self._known[kinds, places]
