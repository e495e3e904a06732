"""What the learned components look at: the words of a text with their places, and the forms of names.

>>> spans = [(0, 2), (3, 7), (8, 10), (11, 15), (16, 20), (22, 24), (25, 29)]
>>> view = View.of_text("On GLUE\\nWe like k-NN. It wins.", spans)
>>> view.words, view.sentence, view.title_end
(['on', 'glue', 'we', 'like', 'k-nn', 'it', 'wins'], [0, 0, 1, 1, 1, 2, 2], 7)
>>> view.tokens(16, 20)
(4, 5)
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from spacy.util import filter_spans

from kg.plural import singular
from kg.sentences import sentences

#: What the components leave on a document: plain lists of dicts and numbers, None before they ran.
ATTRIBUTES = ("kg_reading", "kg_abbreviations", "kg_mentions", "kg_entities", "kg_relations", "kg_results")

#: The most frequent words of English prose: about two in five words of an abstract.
FUNCTION_WORDS = frozenset(
    "the of and to in a for is that on we with this by as are from our an which be can it or at these have has not "
    "their than its but also both such between more into using how when while was were been they most only over".split()
)

_WORDS = re.compile(r"[^\W\d_]+")
_JOINT = re.compile(r"[\s\-–—_/]+")
_OUTER = re.compile(r"^[^\w]+|[^\w+*#]+$")


def register_attributes() -> None:
    """Make the attributes known to spaCy, once."""
    for attribute in ATTRIBUTES:
        if not Doc.has_extension(attribute):
            Doc.set_extension(attribute, default=None)


def token_borders(doc: Doc) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each token of a document begins and ends, without a Python object for each.

    >>> import spacy
    >>> [borders.tolist() for borders in token_borders(spacy.blank("en")("On GLUE."))]
    [[0, 3, 7], [2, 7, 8]]
    """
    lengths, blanks = doc.to_array(["LENGTH", "SPACY"]).reshape(-1, 2).T.astype(np.int64)
    ends = np.cumsum(lengths + blanks) - blanks
    return ends - lengths, ends


def set_entities(doc: Doc, mentions: Sequence[Mapping[str, Any]]) -> None:
    """Show mentions as `doc.ents`, too, as users of spaCy expect them: by whole tokens, without overlap.

    >>> import spacy
    >>> doc = spacy.blank("en")("We use BERT-based models.")
    >>> set_entities(doc, [{"start": 7, "end": 11, "type": "Method"}])
    >>> [(span.text, span.label_) for span in doc.ents]
    [('BERT', 'Method')]
    """
    spans = (doc.char_span(m["start"], m["end"], label=m["type"], alignment_mode="expand") for m in mentions)
    doc.set_ents(filter_spans([span for span in spans if span is not None]))


@lru_cache(maxsize=2**14)
def normal_form(name: str) -> str:
    """A name without case, hyphens, outer signs and the plural of its last word: what makes two strings one name.

    >>> normal_form("Graph-Neural Networks"), normal_form("graph neural network"), normal_form("CNNs")
    ('graph neural network', 'graph neural network', 'cnn')
    """
    words = [word for word in _JOINT.split(_OUTER.sub("", name)) if word]
    if not words:
        return name.lower()
    words[-1] = singular(words[-1])
    return " ".join(words).lower()


def foreign_spans(text: str) -> list[tuple[int, int]]:
    """The stretches of a text, of some sentences each, that do not look like English.

    >>> foreign_spans("We show that the model is better than all of the others on this data, and it is fast.")
    []
    >>> text = "Wir zeigen ein neues Verfahren zur Analyse von Texten, das deutlich besser ist als alle, die es gibt."
    >>> foreign_spans(text) == [(0, len(text))]
    True
    """
    blocks: list[tuple[int, int]] = []
    begin, count = 0, 0
    spans = sentences(text)
    for number, (start, end) in enumerate(spans):
        if count == 0:
            begin = start
        count += end - start
        if count >= 300 or number == len(spans) - 1:
            if count < 150 and blocks:
                begin = blocks.pop()[0]
            blocks.append((begin, end))
            count = 0
    return [(start, end) for start, end in blocks if _is_foreign(text[start:end])]


def _is_foreign(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    if letters < 20:
        return False
    if not text.isascii() and sum(letter.isascii() and letter.isalpha() for letter in text) < 0.7 * letters:
        return True
    words = _WORDS.findall(text.lower())
    return len(words) >= 15 and sum(word in FUNCTION_WORDS for word in words) < 0.12 * len(words)


def casing(name: str) -> str:
    """The look of a name in one word: lower, title, upper, camel, mixed, digits.

    >>> [casing(n) for n in ("beam search", "Beam search", "GLUE", "NAtS", "Adam", "GPT-2", "ImageNet data")]
    ['lower', 'first', 'upper', 'camel', 'title', 'upper9', 'camel']
    """
    digit = "9" if any(letter.isdigit() for letter in name) else ""
    letters = [letter for letter in name if letter.isalpha()]
    if not letters:
        return "none" + digit
    if all(letter.isupper() for letter in letters):
        return "upper" + digit
    words = name.replace("-", " ").split()
    if any(any(letter.isupper() for letter in word[1:]) for word in words):
        return "camel" + digit
    capital = [word[0].isupper() for word in words]
    if all(capital):
        return "title" + digit
    if capital[0] and len(words) > 1 and not any(capital[1:]):
        return "first" + digit
    return ("mixed" if any(capital) else "lower") + digit


def bucket(number: float, *, limits: Sequence[float] = (0, 1, 2, 3, 5, 8, 13, 21, 34)) -> int:
    """The number of limits below `number`: a count as one of few values.

    >>> [bucket(n) for n in (0, 1, 2, 4, 100)]
    [0, 1, 2, 4, 9]
    """
    return bisect_left(limits, number)


@dataclass(frozen=True, slots=True)
class View:
    """The words of a text in lower case, where each begins and ends, and the number of its sentence (title: 0)."""

    text: str
    words: list[str]
    starts: list[int]
    ends: list[int]
    sentence: list[int]
    sentence_spans: tuple[tuple[int, int], ...]
    title_end: int

    @classmethod
    def of_text(cls, text: str, tokens: Sequence[tuple[int, int]]) -> View:
        """The view of a text that is cut into these tokens."""
        spans = sentences(text)
        borders = [start for start, _ in spans]
        return cls(
            text=text,
            words=[text[start:end].lower() for start, end in tokens],
            starts=[start for start, _ in tokens],
            ends=[end for _, end in tokens],
            sentence=[max(0, bisect_right(borders, start) - 1) for start, _ in tokens],
            sentence_spans=spans,
            title_end=max(0, text.find("\n")),
        )

    @classmethod
    def of_doc(cls, doc: Doc) -> View:
        """The view of a spaCy document; tokens of white space are left out."""
        starts, ends = token_borders(doc)
        words = ~doc.to_array("IS_SPACE").astype(bool)
        return cls.of_text(doc.text, list(zip(starts[words].tolist(), ends[words].tolist(), strict=True)))

    def tokens(self, start: int, end: int) -> tuple[int, int]:
        """The half-open range of the words that characters `start` to `end` touch."""
        first = bisect_right(self.ends, start)
        return first, max(first + 1, bisect_left(self.starts, end))

    def word(self, number: int) -> str:
        """The word with this number; `^` before the first and after the last."""
        return self.words[number] if 0 <= number < len(self.words) else "^"
