"""What the encoder reads: pieces and their case, windows of long texts, the best row of tags, likely spans."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.extract import MODEL, load
from kg.extract.encoder import EncoderReader, Reading, log_softmax, viterbi
from kg.extract.wordpieces import CASES, LONGEST, cut, load_tokenizer, windows
from kg.model import ENTITY_TYPES, KGError


@pytest.fixture(scope="module")
def reader() -> EncoderReader:
    found = load().get_pipe("kg_encoder")
    assert isinstance(found, EncoderReader)
    return found


def test_pieces_know_their_place_and_case() -> None:
    text = "NAtS prunes the KV cache of LLMs by 5% on GLUE"
    pieces = cut(load_tokenizer(MODEL / "kg_encoder" / "tokenizer.json"), text)
    words = [text[a:b] for a, b in zip(pieces.starts, pieces.ends, strict=True)]
    cases = dict(zip(words, pieces.cases.tolist(), strict=True))
    # the case classes of the encoder that was trained: the piece's own, and that of the whole run of letters
    assert cases == {
        "NAt": 32,
        "S": 25,
        "pr": 8,
        "unes": 8,
        "the": 8,
        "KV": 24,
        "cache": 8,
        "of": 8,
        "LL": 25,
        "Ms": 18,
        "by": 8,
        "5": 40,
        "%": 48,
        "on": 8,
        "GLUE": 24,
    }
    assert pieces.span(0, 4) == (0, 2)
    assert pieces.span(text.index("5%"), text.index("5%") + 2) == (11, 13)


@given(st.text(max_size=80))
def test_pieces_of_any_text_lie_in_it_in_order(text: str) -> None:
    pieces = cut(load_tokenizer(MODEL / "kg_encoder" / "tokenizer.json"), text)
    assert (pieces.starts <= pieces.ends).all()
    assert (np.diff(pieces.starts) >= 0).all()
    assert (pieces.ends <= len(text)).all()
    assert ((pieces.cases >= 0) & (pieces.cases < CASES)).all()


def test_windows_cut_between_sentences_and_leave_nothing_out(reader: EncoderReader) -> None:
    text = "We use BERT for parsing of long texts. " * 200 + "x" * 4000
    pieces = cut(reader.tokenizer, text)
    found = list(windows(text, pieces))
    assert [begin for begin, _ in found] == [0, *(end for _, end in found[:-1])]
    assert found[-1][1] == len(pieces.ids)
    assert max(end - begin for begin, end in found) <= LONGEST - 2
    assert text[pieces.starts[found[1][0]] :].startswith("We use BERT")


def test_a_window_is_read_alone(reader: EncoderReader) -> None:
    """What is said of a text does not depend on what else is read, nor a window on the one after it."""
    title = "We fine-tune BERT on SQuAD. "
    long = reader.read(title * 100)
    again = reader.read(title * 100 + "GPT-2 is older. " * 100)
    begin, end = long.windows[0]
    assert np.array_equal(long.tags[begin:end], again.tags[begin:end])
    assert np.array_equal(reader.read(title).tags, reader.read(title).tags)


def test_an_untrained_encoder_says_what_to_do() -> None:
    with pytest.raises(KGError, match=r"python -m kg\.extract\.train"):
        EncoderReader().read("We use BERT.")


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_the_best_row_of_tags_is_the_best_of_all_rows(length: int, seed: int) -> None:
    scores = log_softmax(np.random.default_rng(seed).normal(size=(length, 5), scale=3).astype(np.float32))

    def permitted(row: tuple[int, ...]) -> bool:
        return all(tag % 2 or not tag or before in (tag, tag - 1) for before, tag in zip((0, *row), row, strict=False))

    rows = [row for row in itertools.product(range(5), repeat=length) if permitted(row)]
    best = max(sum(float(scores[n, tag]) for n, tag in enumerate(row)) for row in rows)
    found = viterbi(scores)
    assert permitted(tuple(found))
    assert sum(float(scores[n, tag]) for n, tag in enumerate(found)) == pytest.approx(best, abs=1e-4)


def test_likely_spans_are_those_that_are_possible(reader: EncoderReader) -> None:
    reading = reader.read("Sparse Attention for Language Modeling\nWe propose Sparse Attention (SA), tested on GLUE.")
    possible = set(reading.possible(0.1))
    assert {(ENTITY_TYPES.index(kind), a, b) for kind, a, b in reading.spans(ENTITY_TYPES)} <= possible
    every = {
        (kind, a, b)
        for a in range(len(reading.tags))
        for b in range(a + 1, len(reading.tags) + 1)
        for kind in range(len(ENTITY_TYPES))
        if reading.likely(a, b)[kind] > 0.1
    }
    assert possible == every


def test_spans_asked_together_are_as_likely_as_alone(reader: EncoderReader) -> None:
    reading = reader.read("Sparse Attention for Language Modeling\nWe propose Sparse Attention (SA), tested on GLUE.")
    count = len(reading.tags)
    spans = [(first, last) for first in range(count) for last in range(first + 1, count + 1)]
    firsts, lasts = np.array(spans).T
    alone = np.array([reading.likely(first, last) for first, last in spans])
    assert np.array_equal(reading.likely(firsts, lasts), alone)


def test_roles_and_relations_are_probabilities_of_what_the_types_permit(reader: EncoderReader) -> None:
    text = "BERT for parsing\nWe evaluate BERT on GLUE."
    reading: Reading = reader.read(text)
    entities = [
        {"type": kind, "mentions": [[text.index(name), text.index(name) + len(name), 1.0]]}
        for name, kind in (("BERT", "Method"), ("parsing", "Task"), ("GLUE", "Dataset"))
    ]
    roles = np.exp(reading.roles(entities))
    assert roles.sum(axis=1) == pytest.approx(1)
    labels = reader.label_set
    for row, entity in zip(roles, entities, strict=True):
        assert row[~np.array(labels.allowed_roles(entity["type"]))].max() < 1e-6
    relations = np.exp(reading.relations(entities, [(0, 1), (0, 2), (2, 0)]))
    assert relations.sum(axis=1) == pytest.approx(1)
    assert labels.relations[1 + int(relations[1, 1:].argmax())] == "evaluated_on"
    assert labels.relations[int(relations[2].argmax())] == "none"
    assert reading.relations([], []).shape == (0, len(labels.relations))
    assert cut(reader.tokenizer, "").cases.tolist() == []
