"""Denied and supposed relations: what the rules catch, and what only looks like them."""

from __future__ import annotations

import pytest

from kg.extract.polarity import said


@pytest.mark.parametrize(
    ("sentence", "predicate", "negated", "hedged"),
    [
        ("[Alpha] does not outperform [Beta].", "outperforms", True, False),
        ("[Alpha] doesn't significantly outperform [Beta].", "outperforms", True, False),
        ("[Alpha] fails to beat [Beta] on long texts.", "outperforms", True, False),
        ("[Alpha] is no better than [Beta].", "outperforms", True, False),
        ("[Alpha] cannot be used for [parsing].", "used_for", True, False),
        ("[Alpha] is not suitable for [parsing].", "used_for", True, False),
        ("[Alpha] was not evaluated on [GLUE].", "evaluated_on", True, False),
        ("[Alpha] does not suffer from [forgetting].", "exhibits", True, False),
        ("[Alpha] may improve [parsing].", "used_for", False, True),
        ("We hypothesize that [Alpha] outperforms [Beta].", "outperforms", False, True),
        ("Results suggest that [Alpha] might not outperform [Beta].", "outperforms", True, True),
        # what only looks like it
        ("[Alpha] outperforms [Beta].", "outperforms", False, False),
        ("[Alpha] not only matches but outperforms [Beta].", "outperforms", False, False),
        ("[Alpha], which does not need labels, outperforms [Beta].", "outperforms", False, False),
        ("Without modification, [Alpha] reaches the state of the art in [parsing].", "used_for", False, False),
        ("[Alpha] improves not just translation but [parsing].", "used_for", False, False),
        ("[Alpha] is not limited by its [expressiveness].", "exhibits", False, False),
        ("Rather than [Alpha], others use rules for [parsing].", "used_for", False, False),
        ("[Alpha] is slow. It does not matter. It is used for [parsing].", "used_for", False, False),
    ],
)
def test_said(sentence: str, predicate: str, negated: bool, hedged: bool) -> None:
    spans, text = [], ""
    for number, piece in enumerate(sentence.replace("]", "[").split("[")):
        if number % 2:
            spans.append((len(text), len(text) + len(piece)))
        text += piece
    assert said(text, predicate, spans[0], spans[1]) == (negated, hedged)
