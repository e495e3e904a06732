"""Extractions as JSON lines (DESIGN section 3): what `kg extract` writes and what gold files hold.

>>> from kg.model import Paper
>>> paper = Paper(id="paper:1", title="BERT", abstract="BERT wins.")
>>> gold = {"id": "1", "entities": [{"id": "e1", "type": "Method", "name": "BERT", "surfaces": ["BERT"], "role": "studies"}]}
>>> [(m.start, m.end) for m in from_json(gold, paper).entities[0].mentions]
[(0, 4), (5, 9)]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from kg.model import Extraction

SCORE_DIGITS = 4


def to_json(extraction: Extraction, text: str) -> dict[str, Any]:
    """One line of an extraction file, as a dict; `text` is the paper's text, which mentions are quoted from."""
    return {
        "id": extraction.paper.removeprefix("paper:"),
        "model": extraction.model,
        "entities": [
            {
                "id": entity.id,
                "type": entity.type,
                "name": entity.name,
                "role": entity.role,
                "score": entity.score,
                "role_score": entity.role_score,
                "mentions": [
                    {"start": m.start, "end": m.end, "text": text[m.start : m.end], "score": m.score}
                    for m in entity.mentions
                ],
            }
            for entity in extraction.entities
        ],
        "relations": [
            {
                "head": relation.head,
                "predicate": relation.predicate,
                "tail": relation.tail,
                "score": relation.score,
                "start": relation.start,
                "end": relation.end,
                "negated": relation.negated,
                "hedged": relation.hedged,
            }
            for relation in extraction.relations
        ],
        "results": [
            {
                "value": result.value,
                "unit": result.unit,
                "method": result.method,
                "task": result.task,
                "dataset": result.dataset,
                "metric": result.metric,
                "note": result.note,
                "start": result.start,
                "end": result.end,
                "score": result.score,
            }
            for result in extraction.results
        ],
    }


def occurrences(text: str, surface: str) -> Iterator[tuple[int, int]]:
    """The spans where `surface` stands in `text` at word boundaries.

    >>> list(occurrences("BERT, RoBERTa and BERT-large", "BERT"))
    [(0, 4), (18, 22)]
    """
    for match in re.finditer(re.escape(surface), text):
        start, end = match.span()
        left = start == 0 or not (text[start - 1].isalnum() and text[start].isalnum())
        right = end == len(text) or not (text[end].isalnum() and text[end - 1].isalnum())
        if left and right:
            yield start, end


def longest_first(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans without overlap, in text order: a longer one is kept before a shorter one that it touches.

    >>> longest_first([(0, 4), (0, 9), (10, 12)])
    [(0, 9), (10, 12)]
    """
    kept: list[tuple[int, int]] = []
    taken: set[int] = set()
    for start, end in sorted(set(spans), key=lambda span: (span[0] - span[1], span)):
        if taken.isdisjoint(range(start, end)):
            kept.append((start, end))
            taken.update(range(start, end))
    return sorted(kept)
