"""Finds where a text says which long form a short form stands for: `Long Form (LF)`, `LF (long form)`, `LF: Long Form`.

The letters of the short form are looked for from right to left in the words before it (Schwartz and Hearst, 2003); the
first one must begin a word. Plural short forms, and long forms whose plural has another letter, are tried without `s`.

>>> text = "Neural Attention Search (NAtS) beats k-nearest neighbors (k-NN) and CNNs (convolutional neural networks)."
>>> [(text[a:b], text[c:d]) for a, b, c, d in find_abbreviations(text)]
[('NAtS', 'Neural Attention Search'), ('k-NN', 'k-nearest neighbors'), ('CNNs', 'convolutional neural networks')]
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from spacy.language import Language
from spacy.tokens import Doc

_BRACKET = re.compile(r"[(\[]([^()\[\]\n]{2,80})[)\]]")
_SHORT = re.compile(r"[A-Za-z0-9$\\^{}]*[A-Za-z][\w$\\^{}+./&@*-]*")
_LAST_WORD = re.compile(r"[^\s(\[]+\s*$")
_TITLE = re.compile(r"\A([A-Z][\w+./-]{1,11}):\s+([^\n]+)")
_BORDER = re.compile(r"[.;:!?,]\s|\n|[()\[\]]")

Abbreviation = tuple[int, int, int, int]


@Language.factory("kg_abbreviations", assigns=["doc._.kg_abbreviations"])
def make_abbreviations(nlp: Language, name: str) -> AbbreviationFinder:  # noqa: ARG001
    """The component `kg_abbreviations`."""
    return AbbreviationFinder()


def find_abbreviations(text: str) -> list[Abbreviation]:
    """(start, end) of each short form and (start, end) of its long form, in the order of the text."""
    return sorted(set(_in_brackets(text)) | set(_in_title(text)))


def _in_brackets(text: str) -> Iterator[Abbreviation]:
    for bracket in _BRACKET.finditer(text):
        begin, content = bracket.start(1), bracket.group(1)
        head = re.split(r"[;,]\s|\s(?=\d{4}\b)|:\s", content)[0].strip()
        head_start = begin + content.find(head)
        before_end = len(text[: bracket.start()].rstrip())
        if looks_short(head):
            found = _long_form(text, head, before_end)
            if found is not None:
                yield head_start, head_start + len(head), *found
                continue
        last = _LAST_WORD.search(text[max(0, bracket.start() - 40) : bracket.start()])
        if last is not None and " " in head:
            word = last.group().strip()
            word_start = before_end - len(word)
            start = _match(word, head) if looks_short(word) else None
            if start is not None and len(head.split()) <= min(len(word) + 5, 2 * len(word)):
                yield word_start, before_end, head_start + start, head_start + len(head)


def _in_title(text: str) -> Iterator[Abbreviation]:
    """`BERT: Bidirectional Encoder Representations from Transformers`: in a title, by the initials only."""
    title = _TITLE.match(text)
    if title is None or not looks_short(title.group(1)):
        return
    letters = [letter for letter in title.group(1).lower() if letter.isalnum()]
    if len(letters) < 3:
        return
    for word in re.finditer(r"[^\s]+", title.group(2)):
        start = word.start()
        words = list(re.finditer(r"[A-Za-z0-9]+", title.group(2)[start:]))
        for size in range(len(letters), min(len(words), len(letters) + 3) + 1):
            initials = [w.group()[0].lower() for w in words[:size] if size == len(letters) or w.group()[0].isupper()]
            if initials == letters:
                yield *title.span(1), title.start(2) + start, title.start(2) + start + words[size - 1].end()
                return


def looks_short(word: str) -> bool:
    """Whether a string can be a short form: one word of 2 to 12 characters with a capital (or letters and a sign).

    >>> [w for w in ("NAtS", "k-NN", "ours", "see Fig", "2019", "LLMs") if looks_short(w)]
    ['NAtS', 'k-NN', 'LLMs']
    """
    if not 2 <= len(word) <= 12 or not _SHORT.fullmatch(word):
        return False
    return any(letter.isupper() for letter in word)


def _long_form(text: str, short: str, end: int) -> tuple[int, int] | None:
    letters = sum(letter.isalnum() for letter in short)
    words = list(re.finditer(r"[^\s]+", text[max(0, end - 160) : end]))
    borders = [m.end() for m in _BORDER.finditer(text, max(0, end - 160), end)]
    first = max([0, *borders])
    offset = max(0, end - 160)
    starts = [offset + word.start() for word in words if offset + word.start() >= first]
    starts = starts[-min(letters + 5, 2 * letters) :]
    if not starts:
        return None
    candidate = text[starts[0] : end]
    start = _match(short, candidate)
    if start is None:
        return None
    long = candidate[start:]
    if len(long) <= len(short) or short in long.split():
        return None
    return starts[0] + start, end


def _match(short: str, long: str) -> int | None:
    """Where the long form begins in `long`, whose end it reaches; None when the letters of `short` do not fit."""
    for form in dict.fromkeys((short[:-1] if short.endswith("s") and short[-2].isupper() else short, short)):
        letters = [letter for letter in form.lower() if letter.isalnum()]
        if not letters:
            continue
        for initials in (True, False):
            start = _align(letters, long.lower(), initials=initials)
            if start is not None and _reaches_end(long[start:], letters[-1]):
                return start
    return None


def _reaches_end(long: str, letter: str) -> bool:
    """The last letter of a short form belongs to one of the last two words of its long form."""
    return letter in " ".join(long.lower().split()[-2:])


def _align(letters: list[str], long: str, *, initials: bool) -> int | None:
    place = len(long)
    for number in range(len(letters) - 1, -1, -1):
        place -= 1
        while place >= 0 and not (
            long[place] == letters[number]
            and (not (number == 0 or initials) or place == 0 or not long[place - 1].isalnum())
        ):
            place -= 1
        if place < 0:
            return None
    return place


class AbbreviationFinder:
    """Writes `doc._.kg_abbreviations`: lists of four offsets, short form and long form."""

    def __call__(self, doc: Doc) -> Doc:
        doc._.kg_abbreviations = [list(found) for found in find_abbreviations(doc.text)]
        return doc
