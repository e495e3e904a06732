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
        ("[Alpha] cannot significantly outperform [Beta].", "outperforms", True, False),
        ("None of the [Alpha] models can outperform [Beta].", "outperforms", True, False),
        ("[Alpha] outperforms Gamma but does not outperform [Beta].", "outperforms", True, False),
        ("We train [Alpha] without [Beta].", "part_of reversed", True, False),
        ("We use [Alpha] without the need for any [Beta].", "part_of reversed", True, False),
        ("[Alpha] uses Gamma rather than [Beta].", "part_of reversed", True, False),
        ("[Alpha] does not use any [Beta].", "part_of reversed", True, False),
        ("Models for [Alpha] use Gamma, but not [Beta].", "used_for reversed", True, False),
        ("[Alpha] lacks [robustness].", "exhibits", True, False),
        ("[Alpha] has a clear lack of [robustness].", "exhibits", True, False),
        ("[Alpha] has no issues of [forgetting].", "exhibits", True, False),
        ("[Alpha] is unable to model many [languages].", "used_for", True, False),
        ("[Alpha] is largely ineffective for [parsing].", "used_for", True, False),
        ("[Alpha] has great potential for [parsing].", "used_for", False, True),
        ("We hope that [Alpha] can serve [parsing].", "used_for", False, True),
        ("[Alpha] is a promising approach to [parsing].", "used_for", False, True),
        ("It is expected that [Alpha] does not exhibit [forgetting].", "exhibits", True, True),
        # what only looks like it
        ("[Alpha] not only helps Gamma but also [Beta].", "used_for", False, False),
        ("[Alpha] is no less accurate than [Beta].", "compared_with", False, False),
        ("[Alpha] cannot be trained without [Beta].", "part_of reversed", False, False),
        ("[Alpha] outperforms [Beta] but not Gamma.", "outperforms", False, False),
        ("[Alpha] improves [parsing] without losing speed.", "used_for", False, False),
        ("[Alpha] can be trained without hurting [Beta].", "part_of reversed", False, False),
        ("[Alpha] does not degrade [parsing].", "used_for", False, False),
        ("Layers of [Alpha] may or may not also include [Beta].", "part_of reversed", False, True),
        ("In [Alpha], others have not yet been as good as in [parsing].", "used_for", False, False),
        ("[Alpha] does not need labels, and is used for [parsing].", "used_for", False, False),
        ("[Alpha] has shown promising results in [parsing].", "used_for", False, False),
        ("We show that [Alpha] could find [structure].", "exhibits", False, False),
        ("[Alpha] is used for [parsing], which may be slow.", "used_for", False, False),
        ("[Alpha] helps speculative [decoding].", "used_for", False, False),
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
    if predicate.endswith(" reversed"):  # the head is the one named last
        spans.reverse()
    assert said(text, predicate.removesuffix(" reversed"), spans[0], spans[1]) == (negated, hedged)


@pytest.mark.parametrize(
    ("text", "negated", "hedged"),
    [
        ("We present Alpha. It may help parsing.", False, True),
        ("We present Alpha. However, this method is not suitable for parsing.", True, False),
        ("We present Alpha. It is not clear what parsing is.", False, False),
        ("We present Alpha. Others may do parsing.", False, False),
        ("We present Alpha. Good. It may help parsing.", False, False),
    ],
)
def test_a_sentence_that_goes_on(text: str, negated: bool, hedged: bool) -> None:
    places = ((text.index(word), text.index(word) + len(word)) for word in ("Alpha", "parsing"))
    assert said(text, "used_for", *places) == (negated, hedged)
