"""How far apart two entities of a paper stand: one of a few classes, from their nearest mentions.

>>> distance_class((5, 7), (8, 9), apart=0), distance_class((8, 9), (5, 7), apart=0), DISTANCES
(1, 9, 64)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from kg.sentences import nearest_pairs

#: Pieces between two mentions, beyond each of which a new class begins.
LIMITS = (0, 1, 3, 6, 12, 25, 60)
#: Sentences between: none, one, two, more.
SENTENCES = 4
DISTANCES = 2 * (len(LIMITS) + 1) * SENTENCES


def distance_class(head: tuple[int, int], tail: tuple[int, int], *, apart: int) -> int:
    """The class of two ranges of pieces that are `apart` sentences from each other; which comes first counts."""
    forward = head[0] < tail[0]
    gap = max(0, (tail[0] - head[1]) if forward else (head[0] - tail[1]))
    step = sum(gap > limit for limit in LIMITS)
    return (min(apart, SENTENCES - 1) * 2 + (not forward)) * (len(LIMITS) + 1) + step


def pair_distance(
    head: Sequence[tuple[int, int]], tail: Sequence[tuple[int, int]], sentence: NDArray[Any]
) -> tuple[int, int]:
    """The distance class of the nearest mentions of two entities, and the piece where the first of the two begins."""
    a, b = min(nearest_pairs(head, tail), key=lambda pair: abs(pair[0][0] - pair[1][0]))
    apart = abs(int(sentence[a[0]]) - int(sentence[b[0]]))
    return distance_class(a, b, apart=apart), min(a[0], b[0])
