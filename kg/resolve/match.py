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

from kg.plural import singular
from kg.resolve.forms import (
    LOOSE,
    RULES,
    SIGN_WORDS,
    SMALL_WORDS,
    key,
    looks_short,
    loose,
    plain,
    tokens,
    words_of,
)

_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_HEADS = frozenset(
    "algorithm approach architecture benchmark corpus dataset framework measure method metric model score system task "
    "technique challenge problem".split()
)
_SILENT_HEADS = _HEADS | frozenset({"models", "network", "networks", "learning", "training"})
_EMPTY_HEADS = _SILENT_HEADS | frozenset({"layer", "mechanism", "unit"})
_ROMAN = frozenset("i ii iii iv v vi vii viii ix x".split())
_VERSIONS = frozenset("base large small tiny mini medium nano micro xl xxl huge lite pro plus ultra turbo".split())


_BEGINNING = 5
_ABBREVIATION_IN_ANOTHER = 4


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
    """Whether `short` can stand for `long`: its letters are read off the words in order, from each its beginning.

    Small words, later parts of a hyphenated word, and a general head at the end may give no letter.

    >>> is_abbreviation("LSTMs", "Long Short-Term Memory network"), is_abbreviation("SVM", "kernel machine")
    (True, False)
    >>> is_abbreviation("GPT-3", "GPT-3.5"), is_abbreviation("CLIP", "Contrastive Language-Image Pre-training")
    (False, True)
    """
    letters = "".join(tokens(plain(singular(short)))).lower()
    if " " in short or not (looks_short(short) or len(letters) <= 5):
        return False
    chunks = [[word.lower() for word in tokens(chunk)] for chunk in plain(long).split(" ")]
    words = [word for chunk in chunks for word in chunk]
    if looks_short(long) or (len(words) < 2 and (len(long) < 6 or not looks_short(short))):
        return False
    if not 2 <= len(letters) < sum(map(len, words)):
        return False
    versions = numbers(long)
    if versions and versions != numbers(short):
        return False
    last = len(words) - 1
    silent = tuple(
        word in SMALL_WORDS or (place > 0 and word not in SIGN_WORDS) or (word in _SILENT_HEADS and at == last)
        for at, (place, word) in enumerate((place, word) for chunk in chunks for place, word in enumerate(chunk))
    )
    return _spells(letters, tuple(words), silent)


def _spells(letters: str, words: tuple[str, ...], silent: tuple[bool, ...]) -> bool:
    """Whether the letters can be read off the words; a silent word may give none."""
    reach = {0}  # how many letters are used
    for position, word in enumerate(words):
        following: set[int] = set()
        for used in reach:
            if position and silent[position]:
                following.add(used)
            if used < len(letters) and letters[used] == word[0]:
                following.update(used + taken for taken in _pieces(letters[used:], word))
        reach = following
    return len(letters) in reach


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


def variant(name: str, other: str) -> bool:
    """Whether two names have the same words, or such that begin alike; a general head at the end may be missing.

    >>> variant("convolution neural net", "convolutional neural network"), variant("maximum a posterior", "MAP")
    (True, False)
    >>> variant("simplicial neural network", "spiking neural network")
    False
    """
    one, two = words_of(name), words_of(other)
    if len(one) > len(two):
        one, two = two, one
    if not one or any(word not in _EMPTY_HEADS for word in two[len(one) :]):
        return False
    return all(
        word == twin or word[:_BEGINNING] == twin[:_BEGINNING] or {word, twin} == {"net", "network"}
        for word, twin in zip(one, two, strict=False)
    )


def inside(name: str, longer: str) -> bool:
    """Whether an abbreviation holds the one of a name: `POMDP` is not a Markov decision process, but a special one.

    >>> inside("Markov decision process", "POMDPs"), inside("Markov decision process", "MDP")
    (True, False)
    """
    letters = singular(longer)
    if not looks_short(longer) or looks_short(name) or len(letters) < _ABBREVIATION_IN_ANOTHER:
        return False
    cut = range(1, len(letters) - 1)
    return any(is_abbreviation(part, name) for at in cut for part in (letters[at:], letters[:-at]))


@lru_cache(maxsize=1 << 16)
def content(name: str) -> frozenset[str]:
    words = [word for word in words_of(name) if word not in SMALL_WORDS]
    while len(words) > 1 and words[-1] in _HEADS:
        words.pop()
    return frozenset(words)
