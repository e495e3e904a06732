"""Normal forms of names, and how two names match."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.model import ENTITY_TYPES
from kg.plural import singular
from kg.resolve.forms import RULES, american, forms, key, loose, tidy, title, unify
from kg.resolve.generic import is_generic, is_sentence
from kg.resolve.match import apart, is_abbreviation, match

NAMES = st.text(max_size=40) | st.from_regex(r"[A-Za-zα-ωé0-9 \-+*#$\\_'’()./]{0,40}", fullmatch=True)


@pytest.mark.parametrize(
    ("one", "other", "rule"),
    [
        ("BERT", "BERT", "exact"),
        ("GPT‑2", "GPT-2", "unicode"),
        ("word  embedding", "word embedding", "unicode"),
        ("ﬁne-tuning", "fine-tuning", "unicode"),
        ("Machine Translation", "machine translation", "case"),
        ("β-VAE", "beta-VAE", "sign"),
        (r"$\beta$-VAE", "beta-VAE", "sign"),
        ("Cohen's kappa", "Cohen kappa", "sign"),
        ("Poincaré embedding", "Poincare embedding", "sign"),
        ("word embeddings", "word embedding", "plural"),
        ("corpora", "corpus", "plural"),
        ("confusion matrices", "Confusion Matrix", "plural"),
        ("saddle-point analyses", "saddle-point analysis", "plural"),
        ("GANs", "GAN", "plural"),
        ("queries", "query", "plural"),
        ("behaviour cloning", "behavior cloning", "spelling"),
        ("topic modelling", "topic modeling", "spelling"),
        ("optimisers", "optimizer", "spelling"),
        ("dialogue system", "dialog systems", "spelling"),
        ("fine tuning", "fine-tuning", "hyphen"),
        ("finetuning", "fine-tuning", "hyphen"),
        ("data set", "dataset", "hyphen"),
        ("ImageNet 21K", "ImageNet-21k", "hyphen"),
        ("LSTM", "Long Short-Term Memory", "abbreviation"),
        ("LLMs", "large language model", "abbreviation"),
        ("BiLSTM", "bidirectional LSTM", "abbreviation"),
        ("detection of objects", "object detection", "wording"),
        ("detecting objects", "object detection", "inflection"),
        ("self-attention mechanism", "self-attention", "head"),
        ("vanilla Transformers", "Transformer", "modifier"),
        ("quantised networks", "quantized network", "spelling"),
        ("summarise", "summarize", "spelling"),
        ("Neu(cid:173) ral Networks", "neural network", "plural"),
        ("sentence-level embeddings", "sentence embedding", "wording"),
        ("transformer-based language models", "transformer language model", "wording"),
        ("adaptation to domains", "domain adaptation", "wording"),
        ("adaptation to new domains", "domain adaptation", "modifier"),
        ("retrieving images", "image retrieval", "inflection"),
        ("aligning sequences", "sequence alignment", "inflection"),
    ],
)
def test_match_names_the_kind_of_difference(one: str, other: str, rule: str) -> None:
    for a, b in ((one, other), (other, one)):
        found = match(a, b, "Method")
        assert found is not None
        assert found.rule == rule


def test_who_does_a_task_is_the_task() -> None:
    found = match("object detectors", "object detection", "Task")
    assert found is not None
    assert found.rule == "inflection" or found.rule == "head"
    assert match("object detectors", "object detection", "Method") is None


def test_what_a_metric_is_measured_on_is_left_out() -> None:
    found = match("top-1 validation accuracy", "top-1 accuracy", "Metric")
    assert found is not None
    assert found.rule == "modifier"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GPT-2", "GPT-3"),
        ("text-to-image generation", "image generation"),
        ("image-to-text generation", "text-to-image generation"),
        ("document-level translation", "document translation level"),
        ("GPT-3", "GPT-3.5"),
        ("Llama 3.1", "Llama 31"),
        ("CIFAR-10", "CIFAR-100"),
        ("BERT-base", "BERT-large"),
        ("language model", "large language model"),
        ("language model", "masked language model"),
        ("k-means", "k-means++"),
        ("C", "C++"),
        ("C", "C#"),
        ("A", "A*"),
        ("NAS", "NA"),
        ("text-to-image generation", "image-to-text generation"),
        ("supervised learning", "unsupervised learning"),
        ("precision at 1", "precision at 10"),
        ("mode collapse", "model collapse"),
        ("masked language model", "masked language modeling"),
    ],
)
def test_what_differs_in_meaning_does_not_match(one: str, other: str) -> None:
    assert match(one, other, "Method") is None


@pytest.mark.parametrize(
    ("plural", "single"),
    [
        ("heuristics", "heuristic"), ("semantics", "semantics"), ("losses", "loss"), ("biases", "bias"),
        ("bias", "bias"), ("caches", "cache"), ("boxes", "box"), ("vertices", "vertex"), ("devices", "device"),
        ("series", "series"), ("indices", "index"), ("hypotheses", "hypothesis"), ("databases", "database"),
        ("responses", "response"), ("GPUs", "GPU"), ("gpus", "gpu"), ("SOTAs", "SOTA"), ("COCO", "COCO"),
        ("NeurIPS", "NeurIPS"), ("Adas", "Adas"), ("CLASSIFIERS", "CLASSIFIER"), ("people", "person"),
    ],
)  # fmt: skip
def test_singular(plural: str, single: str) -> None:
    assert singular(plural) == single


@pytest.mark.parametrize(
    "word",
    ["noise", "supervised", "wise", "precise", "exercise", "pairwise", "advertise", "revised", "promise", "our", "four",
     "rise", "raised", "surprise", "analysis", "called", "filled", "distilled"],
)  # fmt: skip
def test_american_words_stay(word: str) -> None:
    assert american(word) == word


@given(NAMES)
def test_forms_never_fail_and_are_stable(name: str) -> None:
    assert len(forms(name)) == len(RULES)
    assert unify(unify(name)) == unify(name)
    assert tidy(tidy(name)) == tidy(name)
    assert key(unify(name)) == key(name)
    assert ":" not in key(name)
    for entity_type in ENTITY_TYPES:
        loose(name, entity_type)
    title(name)
    is_generic(name)
    is_sentence(name)


@given(NAMES, NAMES)
def test_matching_is_symmetric(one: str, other: str) -> None:
    there, back = match(one, other, "Task"), match(other, one, "Task")
    assert there == back
    assert apart(one, other) == apart(other, one)


@pytest.mark.parametrize(("short", "long"), [
    ("SVM", "Support Vector Machine"), ("MoE", "mixture of experts"),
    ("CLIP", "Contrastive Language-Image Pre-training"), ("NAtS", "Neural Attention Search"),
    ("GCNs", "graph convolutional networks"),
    ("BERT", "Bidirectional Encoder Representations from Transformers")])  # fmt: skip
def test_abbreviations(short: str, long: str) -> None:
    assert is_abbreviation(short, long)
    assert not is_abbreviation(short, "question answering")


@pytest.mark.parametrize("name", [
    "model", "our approach", "the proposed method", "Results", "these tasks",
    "existing methods", "a novel framework", "state-of-the-art", "", "..."])  # fmt: skip
def test_generic_names(name: str) -> None:
    assert is_generic(name)


@pytest.mark.parametrize("name", ["attention", "IN", "VALUE", "accuracy", "prior knowledge", "network architecture",
    "data structure", "language model", "ART", "complex networks"])  # fmt: skip
def test_names_that_are_not_generic(name: str) -> None:
    assert not is_generic(name)
    assert not is_sentence(name)


def test_sentences_are_no_names() -> None:
    assert is_sentence("we show that attention can be explained")
    assert is_sentence("a title\nand the abstract")
    assert is_sentence(" ".join(["word"] * 20))
    assert not is_sentence("Show, Attend and Tell")
