"""How two names differ, as a rule's name and a score: the reason that every merge records.

>>> match("Graph Neural Networks", "graph neural network")
Match(rule='plural', score=0.96)
>>> match("CNNs", "Convolutional Neural Network")
Match(rule='abbreviation', score=0.9)
>>> match("GPT-2", "GPT-3") is None, apart("language model", "large language model")
(True, True)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from kg.resolve.forms import (
    LOOSE,
    RULES,
    SMALL_WORDS,
    key,
    looks_short,
    loose,
    plain,
    singular,
    tokens,
    words_of,
)

_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_HEADS = frozenset(
    "algorithm approach architecture benchmark corpus dataset framework measure method metric model score system task "
    "technique challenge problem".split()
)
_ROMAN = frozenset("i ii iii iv v vi vii viii ix x".split())
_VERSIONS = frozenset("base large small tiny mini medium nano micro xl xxl huge lite pro plus ultra turbo".split())


@dataclass(frozen=True)
class Match:
    """Why two names are one: the rule, and how sure it makes us."""

    rule: str
    score: float


def match(name: str, other: str, entity_type: str = "") -> Match | None:
    """The first rule by which two names are equal, or because one abbreviates the other, or None.

    >>> match("pruned models", "model pruning"), match("detection of faces", "Face Detection", "Task")
    (None, Match(rule='wording', score=0.88))
    """
    if key(name) == key(other):
        for rule in RULES:
            if rule.apply(name) == rule.apply(other):
                return Match(rule.name, rule.score)
    if is_abbreviation(name, other) or is_abbreviation(other, name):
        return Match("abbreviation", 0.9)
    if entity_type and not (looks_short(name) or looks_short(other)):
        for (looser, score), one, two in zip(LOOSE, loose(name, entity_type), loose(other, entity_type), strict=True):
            if one == two:
                return Match(looser, score)
    return None


@lru_cache(maxsize=1 << 16)
def is_abbreviation(short: str, long: str) -> bool:
    """Whether `short` can stand for `long`: its letters are found in order, the first one at the first word.

    Each letter is the first of a word, or follows inside a word whose first letter was taken.

    >>> is_abbreviation("LSTMs", "Long Short-Term Memory"), is_abbreviation("SVM", "kernel machine")
    (True, False)
    """
    letters = "".join(tokens(plain(singular(short)))).lower()
    if not looks_short(short) and not (len(letters) <= 5 and " " not in short):
        return False
    words = [word.lower() for word in tokens(plain(long))]
    if len(words) < 2 and (len(long) < 6 or not looks_short(short)):
        return False
    if len(letters) < 2 or len(letters) >= sum(map(len, words)):
        return False
    return _spells(letters, tuple(words))


def _spells(letters: str, words: tuple[str, ...]) -> bool:
    """Whether the letters can be read off the words: each word gives a beginning piece, small words may give none."""
    reach = {(0, False)}  # (letters used, whether the word before gave none)
    for position, word in enumerate(words):
        following: set[tuple[int, bool]] = set()
        for used, _ in reach:
            if position and (word in SMALL_WORDS or used == len(letters)) and used < len(letters):
                following.add((used, True))
            if used < len(letters) and letters[used] == word[0]:
                following.update((used + taken, False) for taken in _pieces(letters[used:], word))
        reach = following
        if not reach:
            return False
    return any(used == len(letters) for used, _ in reach)


def _pieces(letters: str, word: str) -> list[int]:
    """How many of the leading letters can come from one word, in its order and its first letter first."""
    taken, place, counts = 1, 1, [1]
    while taken < len(letters):
        place = word.find(letters[taken], place) + 1
        if not place:
            break
        taken += 1
        counts.append(taken)
    return counts


def numbers(name: str) -> tuple[str, ...]:
    """What tells versions and numbered sets apart: the numbers, and words such as `large` or `II`, in order.

    >>> numbers("GPT-3.5 Turbo"), numbers("CIFAR-100"), numbers("World War II")
    (('3.5', 'turbo'), ('100',), ('ii',))
    """
    return tuple(
        word
        for token in tokens(plain(name))
        for word in ([*_NUMBER.findall(token)] if any(map(str.isdigit, token)) else [token.lower()])
        if word[0].isdigit() or (word in _ROMAN and token.isupper()) or (word in _VERSIONS and token[0].isupper())
    )


def apart(name: str, other: str) -> bool:
    """Whether two names must never become one: other numbers or versions, or one is a special case of the other."""
    if numbers(name) != numbers(other) and not (looks_short(name) ^ looks_short(other)):
        return True
    one, two = content(name), content(other)
    return one != two and bool(one) and bool(two) and (one < two or two < one)


def alike(name: str, other: str) -> bool:
    """Whether two names share at least half of their words.

    >>> alike("convolutional neural net", "convolutional neural network"), alike("blind SR", "image super-resolution")
    (True, False)
    """
    one, two = content(name), content(other)
    return 2 * len(one & two) >= len(one | two)


@lru_cache(maxsize=1 << 16)
def content(name: str) -> frozenset[str]:
    words = [word for word in words_of(name) if word not in SMALL_WORDS]
    while len(words) > 1 and words[-1] in _HEADS:
        words.pop()
    return frozenset(words)
