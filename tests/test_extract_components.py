"""The components of the pipeline on blank documents: a text in, offsets and plain data out."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from kg.extract import joining
from kg.extract.abbreviations import find_abbreviations
from kg.extract.annotations import occurrences
from kg.extract.encoder import Heads, Reading, log_softmax
from kg.extract.entities import group
from kg.extract.features import View, foreign_spans, register_attributes
from kg.extract.labels import from_ontology
from kg.extract.mentions import Candidate, Index, MentionScorer, candidates, make_lexicon, select
from kg.extract.pairs import DISTANCES
from kg.extract.pipeline import COMPONENTS, make_pipeline
from kg.extract.relations import RelationClassifier, evidence
from kg.extract.results import aspects, note_of, numbers, unit_of
from kg.extract.roles import RoleClassifier, allowed_roles, role_labels
from kg.extract.wordpieces import Pieces
from kg.model import ENTITY_TYPES
from kg.sentences import sentences

WIDTH = 8


def reading_of(text: str, *entities: tuple[str, str]) -> Reading:
    """What an encoder would see that is sure of some entities, each at its first place, and knows nothing else."""
    labels = from_ontology()
    words = [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]
    pieces = Pieces(
        ids=np.zeros(len(words), np.int64),
        cases=np.zeros(len(words), np.int64),
        starts=np.array([start for start, _ in words], np.int64),
        ends=np.array([end for _, end in words], np.int64),
    )
    tags = np.full((len(words), len(labels.tags)), -9.0, np.float32)
    tags[:, 0] = -0.01
    for name, kind in entities:
        first, last = pieces.span(text.index(name), text.index(name) + len(name))
        begin = labels.tags.index(f"B-{kind}")
        tags[first:last, 0] = -9.0
        tags[first, begin] = -0.01
        tags[first + 1 : last, begin + 1] = -0.01
    shapes = {
        "types": (len(labels.types), 4),
        "entity": (WIDTH, 2 * WIDTH + 4),
        "role_inner": (WIDTH, 2 * WIDTH),
        "role": (len(labels.roles), WIDTH),
        "query": (WIDTH, 2 * WIDTH),
        "key": (WIDTH, WIDTH),
        "value": (WIDTH, WIDTH),
        "distances": (DISTANCES, 4),
        "pair_inner": (WIDTH, 4 * WIDTH + 4),
        "relation": (len(labels.relations), WIDTH),
    }
    weights = {f"{name}.weight": np.zeros(shape, np.float32) for name, shape in shapes.items()}
    weights |= {f"{name}.bias": np.zeros(shape[0], np.float32) for name, shape in shapes.items()}
    return Reading(
        text=text,
        heads=Heads(labels, weights),
        pieces=pieces,
        windows=[(0, len(words))],
        front=np.zeros(WIDTH, np.float32),
        vectors=np.zeros((len(words), WIDTH), np.float32),
        tags=log_softmax(tags),
        values=log_softmax(np.zeros((len(words), 3), np.float32)),
    )


def doc_of(text: str, *entities: tuple[str, str]) -> Doc:
    """A blank document that was read by an encoder which is sure of these entities."""
    register_attributes()
    doc = spacy.blank("en")(text)
    doc._.kg_reading = reading_of(text, *entities)
    doc._.kg_abbreviations = [list(found) for found in find_abbreviations(text)]
    return doc


def mention(text: str, words: str, kind: str = "Method", nth: int = 0, score: float = 0.9) -> dict[str, object]:
    start, end = list(occurrences(text, words))[nth]
    return {"start": start, "end": end, "type": kind, "score": score}


def test_pipes_declare_what_they_need_and_give() -> None:
    analysis = make_pipeline().analyze_pipes()
    assert set(analysis["problems"]) == set(COMPONENTS)
    assert not any(analysis["problems"].values())


def test_a_pipe_in_the_wrong_place_is_a_problem() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("kg_entities")
    wanted = ["doc._.kg_mentions", "doc._.kg_abbreviations", "doc._.kg_reading"]
    assert nlp.analyze_pipes()["problems"]["kg_entities"] == wanted


def test_sentences_are_those_of_kg() -> None:
    text = "On GLUE\nWe use BERT, e.g. on GLUE. It wins by 0.5 points."
    nlp = spacy.blank("en")
    nlp.add_pipe("kg_sentences")
    assert [(s.start_char, s.text.strip()) for s in nlp(text).sents] == [(a, text[a:b]) for a, b in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We propose Neural Attention Search (NAtS).", [("NAtS", "Neural Attention Search")]),
        ("It uses k-nearest neighbors (k-NN) here.", [("k-NN", "k-nearest neighbors")]),
        ("Large language models (LLMs) are big.", [("LLMs", "Large language models")]),
        ("A large language model (LLMs) is big.", [("LLMs", "large language model")]),
        ("NER (named entity recognition) is old.", [("NER", "named entity recognition")]),
        ("the area under the curve (AUC; see below)", [("AUC", "area under the curve")]),
        (
            "BERT: Bidirectional Encoder Representations from Transformers\nWe train.",
            [("BERT", "Bidirectional Encoder Representations from Transformers")],
        ),
        ("We use BERT (Devlin et al., 2019) and words (see Table 1).", []),
        ("It is fast (5 GB) and good (in English).", []),
    ],
)
def test_abbreviations(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(text[a:b], text[c:d]) for a, b, c, d in find_abbreviations(text)] == expected


@given(st.text(alphabet="AaBb cC-.(),\n1é", max_size=120))
def test_abbreviations_of_any_text_lie_in_it(text: str) -> None:
    for a, b, c, d in find_abbreviations(text):
        assert 0 <= a < b <= len(text)
        assert 0 <= c < d <= len(text)
        assert b <= c or d <= a


@given(st.text(alphabet="ab1 -.Éα", max_size=60), st.text(alphabet="ab1 -.Éα", min_size=1, max_size=4))
def test_the_index_finds_what_a_search_finds(text: str, surface: str) -> None:
    assert Index(text).find(surface) == list(occurrences(text, surface))


def test_a_found_string_is_a_mention_wherever_it_stands() -> None:
    text = "BERT wins\nWe like BERT, RoBERTa and BERTs. BERT-large is BERT."
    doc = doc_of(text, ("BERT", "Method"))
    scorer = MentionScorer(threshold=0.5)  # untrained: every candidate scores 0.5
    assert [(m["start"], m["end"]) for m in scorer(doc)._.kg_mentions] == list(occurrences(text, "BERT"))
    assert {(span.text, span.label_) for span in doc.ents} == {("BERT", "Method")}


def test_both_forms_of_an_abbreviation_are_candidates() -> None:
    text = "On NAS\nNeural architecture search (NAS) is slow."
    doc = doc_of(text, ("Neural architecture search", "Task"))
    found = MentionScorer(threshold=0.5)(doc)._.kg_mentions
    assert [(text[m["start"] : m["end"]], m["type"]) for m in found] == [
        ("NAS", "Task"),
        ("Neural architecture search", "Task"),
        ("NAS", "Task"),
    ]


def test_of_overlapping_strings_the_longer_stays_and_of_types_the_better() -> None:
    long = Candidate("graph neural network", "Method", ((0, 20),), [])
    short = Candidate("neural network", "Method", ((6, 20), (30, 44)), [])
    other = Candidate("neural network", "Concept", ((6, 20), (30, 44)), [])
    chosen = select([(long, 0.6), (short, 0.7), (other, 0.8), (Candidate("x", "Task", ((50, 51),), []), 0.2)], 0.5)
    assert chosen == {(0, 20): ("Method", 0.6), (30, 44): ("Concept", 0.8)}


def test_a_doubtful_mention_gives_way_to_one_inside_it_that_is_twice_as_likely() -> None:
    long = Candidate("sparse neural network", "Method", ((0, 21),), [])
    short = Candidate("neural network", "Method", ((7, 21),), [])
    assert select([(long, 0.4), (short, 0.9)], 0.3) == {(7, 21): ("Method", 0.9)}
    assert select([(long, 0.5), (short, 0.9)], 0.3) == {(0, 21): ("Method", 0.5)}


def test_mentions_that_are_one_thing() -> None:
    text = "Graph Neural Networks\nA graph neural network (GNN) and GNNs, unlike Graph-neural networks of CNN."
    words = ["Graph Neural Networks", "graph neural network", "GNN", "GNNs", "Graph-neural networks", "CNN"]
    found = group(text, [mention(text, w) for w in words], find_abbreviations(text))
    assert [(e["name"], len(e["mentions"])) for e in found] == [("Graph Neural Network", 5), ("CNN", 1)]


def test_initials_join_even_where_the_text_does_not_say_so() -> None:
    text = "Question answering with LLMs\nLarge language models answer."
    mentions = [
        mention(text, "LLMs"),
        mention(text, "Large language models"),
        mention(text, "Question answering", "Task"),
    ]
    assert [e["name"] for e in group(text, mentions, [])] == ["Question Answering", "Large Language Model"]


def test_more_than_the_long_form_is_another_thing() -> None:
    text = "We study few-shot named entity recognition (NER). NER is hard."
    mentions = [mention(text, "few-shot named entity recognition", "Task"), mention(text, "NER", "Task", 1)]
    assert len(group(text, mentions, find_abbreviations(text))) == 2


def test_a_short_form_inside_a_longer_name_is_its_long_form() -> None:
    text = "Named entity recognition (NER)\nNested NER is nested named entity recognition."
    mentions = [
        mention(text, "Named entity recognition", "Task"),
        mention(text, "NER", "Task"),
        mention(text, "Nested NER", "Task"),
        mention(text, "nested named entity recognition", "Task"),
    ]
    found = group(text, mentions, find_abbreviations(text))
    assert [len(entity["mentions"]) for entity in found] == [2, 2]


def test_signs_of_latex_in_a_long_form_are_only_signs() -> None:
    text = r"The \epsilon-greedy \g<0> policy (EGP) and the deep EGP win."
    mentions = [mention(text, "EGP", "Method"), mention(text, "deep EGP", "Method")]
    assert len(group(text, mentions, [[31, 34, 4, 29]])) == 2


def test_what_holds_one_bracket_of_two_is_no_mention() -> None:
    text = "On models\nA (masked) language model and masked) language models search in O(log n) trees."
    named = (("masked) language model", "Method"), ("O(log n) trees", "Method"))
    found = candidates(reading_of(text, *named), [], make_lexicon([], [])[0])
    assert [one.surface for one in found] == ["O(log n) trees"]


def test_names_that_share_nothing_are_no_pair_and_joined_ones_are_one_entity() -> None:
    text = "Speech styles\nWe control the speaking style of Tacotron with GLUE."
    names = (("Speech styles", "Concept"), ("speaking style", "Concept"), ("Tacotron", "Method"), ("GLUE", "Dataset"))
    entities = group(text, [mention(text, name, kind) for name, kind in names], [])
    pairs, rows = joining.candidates(text, entities, reading_of(text))
    assert pairs == [(0, 1)]
    assert "inner=differs" in rows[0]
    joined = joining.join(entities, pairs, [0.9], 0.5)
    assert [(entity["name"], len(entity["mentions"])) for entity in joined] == [
        ("Speech Style", 2),
        ("Tacotron", 1),
        ("GLUE", 1),
    ]
    assert joining.join(entities, pairs, [0.4], 0.5) == entities


def test_a_name_joins_others_only_when_it_is_like_them_on_the_whole() -> None:
    text = "GPT-3 and GPT and GPT-4\nDense retrieval, retrieval, passage retrieval"
    versions = group(text, [mention(text, name, "Method", name == "GPT") for name in ("GPT-3", "GPT", "GPT-4")], [])
    joined = joining.join(versions, [(0, 1), (0, 2), (1, 2)], [0.8, 0.9, 0.9], 0.3)
    assert [[text[a:b] for a, b, _ in entity["mentions"]] for entity in joined] == [["GPT-3"], ["GPT", "GPT-4"]]

    names = ("Dense retrieval", "retrieval", "passage retrieval")
    kinds = group(text, [mention(text, name, "Task", name == "retrieval") for name in names], [])
    scored: dict[tuple[int, int], float] = {(0, 1): 0.9, (0, 2): 0.05, (1, 2): 0.6}
    found = {limit: len(joining.join(kinds, list(scored), list(scored.values()), limit)) for limit in (0.3, 0.4)}
    assert found == {0.3: 1, 0.4: 2}  # the mean of 0.05 and 0.6 is between them


def test_one_type_an_entity_by_score() -> None:
    text = "BERT and BERT and BERT"
    mentions = [
        mention(text, "BERT", kind, n, s) for n, (kind, s) in enumerate([("Task", 0.5), ("Task", 0.3), ("Method", 0.9)])
    ]
    [entity] = group(text, mentions, [])
    assert entity["type"] == "Method"
    assert entity["score"] == 0.9


@pytest.mark.parametrize("kind", ENTITY_TYPES)
def test_an_entity_gets_one_role_that_its_type_can_have(kind: str) -> None:
    doc = doc_of("BERT wins\nWe use BERT.")
    doc._.kg_entities = [{"type": kind, "name": "BERT", "score": 1.0, "mentions": [[0, 4, 1.0], [17, 21, 1.0]]}]
    [entity] = RoleClassifier()(doc)._.kg_entities
    assert allowed_roles([kind])[0][role_labels().index(entity["role"])]


def doc_with_entities(text: str, kinds: dict[str, str]) -> Doc:
    doc = doc_of(text)
    doc._.kg_entities = [
        {
            "type": kind,
            "name": w,
            "score": 1.0,
            "role": "mentions",
            "mentions": [[text.index(w), text.index(w) + len(w), 1.0]],
        }
        for w, kind in kinds.items()
    ]
    return doc


def test_the_certainty_of_relations_is_kept_and_used(tmp_path: Path) -> None:
    classifier = RelationClassifier(threshold=0.0)
    doc = doc_with_entities("BERT on GLUE", {"BERT": "Method", "GLUE": "Dataset"})
    [relation] = classifier(doc)._.kg_relations
    before = relation["score"]
    classifier.certainty = (-1.0, 0.5)
    classifier.to_disk(tmp_path)
    [after] = RelationClassifier(threshold=0.0).from_disk(tmp_path)(doc)._.kg_relations
    odds = before / (1 - before)
    assert after["score"] / (1 - after["score"]) == pytest.approx(odds**0.5 * math.exp(-1), rel=0.01)


def test_relations_of_an_untrained_model_keep_domain_and_range() -> None:
    text = "BERT beats GPT on GLUE"
    doc = doc_with_entities(text, {"BERT": "Method", "GPT": "Method", "GLUE": "Dataset"})
    found = RelationClassifier(threshold=0.0)(doc)._.kg_relations
    assert {(r["head"], r["tail"]) for r in found} == {(0, 1), (1, 0), (0, 2), (1, 2)}
    assert all((r["start"], r["end"]) == (0, len(text)) for r in found)


@pytest.mark.parametrize(
    ("text", "negated", "hedged"),
    [
        ("BERT outperforms GPT on all tasks.", False, False),
        ("BERT does not outperform GPT.", True, False),
        ("BERT may outperform GPT.", False, True),
        ("We do not use words, but BERT outperforms GPT.", False, False),
        ("BERT, which never saw text, is old. GPT is not. BERT outperforms GPT.", False, False),
        ("We show that BERT fails to outperform GPT.", True, False),
    ],
)
def test_evidence_names_both_and_says_whether_it_is_denied_or_supposed(text: str, negated: bool, hedged: bool) -> None:
    head, tail = (
        {"mentions": [[a, b, 1.0] for a, b in occurrences(text, word)], "type": "Method"} for word in ("BERT", "GPT")
    )
    start, end, *cues = evidence(text, "outperforms", head, tail)
    assert "BERT" in text[start:end]
    assert "GPT" in text[start:end]
    assert cues == [negated, hedged]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("It gains 5.3% on GLUE (from 71.2 to 74.5).", ["5.3%", "71.2", "74.5"]),
        ("2.5x faster, 30 times smaller, 3-5% better", ["2.5x", "30 times", "3-5%"]),
        (r"up to $2.6\times$ and 97.2\%", [r"2.6\times", r"97.2\%"]),
        ("GPT-2 has v1.2 and 1,500 texts", ["1,500"]),
    ],
)
def test_numbers_as_written(text: str, values: list[str]) -> None:
    assert [text[a:b] for a, b in numbers(text) if not text[:a].endswith("GPT-")] == values


def test_units_and_notes() -> None:
    text = "A gain of 3.1 points, 12 ms, 2.5x faster, and 80 percent accuracy."
    found = {text[a:b]: (unit_of(text, a, b), note_of(text, a, b)) for a, b in numbers(text)}
    assert found == {
        "3.1": ("points", "gain"),
        "12": ("milliseconds", None),
        "2.5x": ("times", "faster"),
        "80": ("percent", None),
    }


@pytest.mark.parametrize(
    ("text", "units", "notes"),
    [
        ("F1 improves from 71.2 to 74.5.", [None, None], ["before", None]),
        ("It improves F1 by 5% to 7%.", ["percent"] * 2, ["improvement"] * 2),
        ("It wins by 2.1 points on A and 1.4 points on B.", ["points"] * 2, [None] * 2),
        ("It outperforms GPT by 2.1 points on A and 1.4 points on B.", ["points"] * 2, ["gain"] * 2),
        ("Gains of 12.1, 6.5, and 2.8 percentage points are seen.", ["points"] * 3, ["gain"] * 3),
        ("It outperforms GPT (71%) and reaches 80%.", ["percent"] * 2, [None, None]),
        ("It is up to 30x faster and 12 times smaller.", ["times"] * 2, ["faster", "smaller"]),
        ("A 72% relative reduction in error.", ["percent"], ["relative reduction"]),
        ("SOTA 0.85/0.84 (dev) and 0.67 (test).", [None] * 3, ["dev", "dev", "test"]),
        ("It is +1.2% better, and uses 48 hours.", ["percent", "hours"], ["gain", None]),
        ("It has 3.43 vs 3.44 bits/dim.", ["bits per dimension"] * 2, [None] * 2),
        ("See https://x.org/2019/45.3 or github.com/a/b-23.4 for 5 ms.", ["milliseconds"], [None]),
    ],
)
def test_gains_ranges_and_values_reached(text: str, units: list[str | None], notes: list[str | None]) -> None:
    found = numbers(text)
    assert [unit_of(text, a, b) for a, b in found] == units
    assert [note_of(text, a, b) for a, b in found] == notes


def about(text: str, *names: tuple[str, str, str]) -> list[dict[str, str | None]]:
    """What each number of a text is about, by name."""
    entities = [
        {"type": kind, "role": role, "mentions": [[a, b, 1.0] for a, b in occurrences(text, word)]}
        for word, kind, role in names
    ]
    return [
        {kind: None if number is None else names[number][0] for kind, number in found.items()}
        for found in aspects(text, entities, numbers(text))
    ]


def test_lists_of_numbers_and_of_names_go_together() -> None:
    text = "Net for parsing\nOur Net reaches 71.2%, 74.5% and 80.1% accuracy on Alpha, Beta and Gamma, respectively."
    names = [(word, "Dataset", "evaluates_on") for word in ("Alpha", "Beta", "Gamma")]
    found = about(text, ("Net", "Method", "introduces"), ("accuracy", "Metric", "reports"), *names)
    assert [row["dataset"] for row in found] == ["Alpha", "Beta", "Gamma"]
    assert {row["method"] for row in found} == {"Net"}
    assert {row["metric"] for row in found} == {"accuracy"}


def test_the_value_of_a_baseline_is_not_the_papers_own() -> None:
    text = "Net for parsing\nOur Net outperforms OldNet on Alpha (15.8 vs 18.3 perplexity)."
    first, second = about(
        text,
        ("Net", "Method", "introduces"),
        ("OldNet", "Method", "compares"),
        ("Alpha", "Dataset", "evaluates_on"),
        ("perplexity", "Metric", "reports"),
    )
    assert (first["method"], first["dataset"], first["metric"]) == ("Net", "Alpha", "perplexity")
    assert second["method"] != "Net"


def test_a_number_is_about_what_is_near() -> None:
    text = "BERT for NLI\nBERT reaches 90% accuracy on MNLI and 80% on SNLI."
    entities = [
        {"type": kind, "role": role, "mentions": [[a, b, 1.0] for a, b in occurrences(text, word)]}
        for word, kind, role in (
            ("BERT", "Method", "introduces"),
            ("NLI", "Task", "addresses"),
            ("accuracy", "Metric", "reports"),
            ("MNLI", "Dataset", "evaluates_on"),
            ("SNLI", "Dataset", "evaluates_on"),
        )
    ]
    first, second = aspects(text, entities, numbers(text))
    assert first == {"method": 0, "task": 1, "metric": 2, "dataset": 3}
    assert second["dataset"] == 4


def test_what_is_not_english() -> None:
    english = "We show that the model is better than the others on all of the data that we have."
    german = "Wir zeigen ein Verfahren zur Analyse von Texten, das besser ist als alle, die es bisher gab und gibt."
    assert foreign_spans(english) == []
    assert foreign_spans(german) == [(0, len(german))]
    assert foreign_spans("我们提出了一种新的神经网络模型,用于文本分类任务,并在多个数据集上进行了实验。") != []
    assert foreign_spans("") == []


def test_a_view_counts_sentences_from_the_title_on() -> None:
    view = View.of_doc(spacy.blank("en")("On GLUE\nWe win. It is good."))
    assert [view.sentence[view.words.index(word)] for word in ("glue", "win", "good")] == [0, 1, 2]
