"""Cuts a text into the word pieces that the encoder reads, each with its place in the text and its letter case.

The vocabulary is uncased, so `NAtS`, `GLUE` and `5%` would look like ordinary words: the case of a piece is a number of
its own, 7 x the class of its characters + the class of the run of letters and digits that it stands in.

>>> [case_class(run) for run in ("", "bert", "Bert", "BERT", "NAtS", "5", "%")]
[0, 1, 2, 3, 4, 5, 6]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kg.model import KGError
from kg.sentences import sentences

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CLASSES = 7
CASES = CLASSES * CLASSES
#: The most pieces that the encoder reads at once, the two special ones among them.
LONGEST = 512

_RUN = re.compile(r"[^\W_]+|(?:[\W_])+")


@lru_cache(maxsize=2**14)
def case_class(run: str) -> int:
    """How a string is written: nothing, lower, Title, UPPER, miXed, digits, other (0 to 6)."""
    if not run:
        return 0
    if any(letter.isupper() for letter in run):
        if not any(letter.islower() for letter in run):
            return 3
        return 2 if run[0].isupper() and not any(letter.isupper() for letter in run[1:]) else 4
    if any(letter.islower() for letter in run):
        return 1
    return 5 if any(letter.isdigit() for letter in run) else 6


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer in a `tokenizer.json`, without truncation and padding."""
    from tokenizers import Tokenizer

    tokenizer: Tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def special_ids(tokenizer: Tokenizer) -> tuple[int, int]:
    """The pieces that stand before and after a text."""
    for names in (("[CLS]", "[SEP]"), ("<s>", "</s>")):
        front, back = map(tokenizer.token_to_id, names)
        if front is not None and back is not None:
            return front, back
    raise KGError("the tokenizer has neither [CLS] and [SEP] nor <s> and </s>: give that of a BERT or MPNet")


def mask_id(tokenizer: Tokenizer) -> int:
    """The piece that hides a word: that of masked language models, or else the one for what is unknown."""
    for name in ("[MASK]", "<mask>", "[UNK]", "<unk>"):
        number = tokenizer.token_to_id(name)
        if number is not None:
            return int(number)
    raise KGError("the tokenizer has no [MASK] and no [UNK]: give that of a BERT or MPNet")


def cut(tokenizer: Tokenizer, text: str) -> Pieces:
    """The pieces of a whole text, without special ones."""
    encoding = tokenizer.encode(text, add_special_tokens=False)
    found = _RUN.findall(text)
    classes = np.array([case_class(run) for run in found], np.int64)
    lengths = np.array([len(run) for run in found], np.int64)
    runs = np.append(np.repeat(classes, lengths), 0)
    offsets = encoding.offsets
    starts = np.array([start for start, _ in offsets], np.int64)
    own = np.array([case_class(text[start:end]) for start, end in offsets], np.int64)
    return Pieces(
        ids=np.array(encoding.ids, np.int64),
        cases=CLASSES * own + runs[starts],
        starts=starts,
        ends=np.array([end for _, end in offsets], np.int64),
    )


def windows(text: str, pieces: Pieces, longest: int = LONGEST) -> Iterator[tuple[int, int]]:
    """The pieces in stretches that the encoder can read, cut between sentences where it can be."""
    room = longest - 2
    begin = 0
    borders = np.searchsorted(pieces.starts, [start for start, _ in sentences(text)])
    while len(pieces.ids) - begin > room:
        inside = borders[(borders > begin) & (borders <= begin + room)]
        end = int(inside[-1]) if len(inside) else begin + room
        yield begin, end
        begin = end
    yield begin, len(pieces.ids)


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces of a text: number in the vocabulary, case, first character and the one after the last."""

    ids: NDArray[np.int64]
    cases: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The half-open range of the pieces that characters `start` to `end` touch."""
        first = int(self.ends.searchsorted(start, side="right"))
        return first, max(first + 1, int(self.starts.searchsorted(end, side="left")))
