"""The pipeline: sentences, abbreviations, recogniser, mentions, entities, roles, relations, results, in this order.

Each component is a registered spaCy factory and writes plain data to the document, `to_extraction` gathers it.

>>> nlp = make_pipeline()
>>> nlp.pipe_names[:3], nlp.analyze_pipes()["problems"]["kg_mentions"]
(['kg_sentences', 'kg_abbreviations', 'ner'], [])
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.tokens import Doc

# The factories of the components are registered by importing their modules.
from kg.extract import abbreviations, entities, mentions, relations, results, roles  # noqa: F401
from kg.extract.features import register_attributes, token_borders
from kg.extract.train_recogniser import make_recogniser
from kg.model import ExtractedEntity, Extraction, KGError, Mention, Relation, Result
from kg.sentences import sentences

#: The components after the tokenizer.
COMPONENTS = (
    "kg_sentences",
    "kg_abbreviations",
    "ner",
    "kg_mentions",
    "kg_entities",
    "kg_roles",
    "kg_relations",
    "kg_results",
)
#: Characters that the recogniser reads at a time; a longer text is cut at sentence borders.
WINDOW = 20_000


@Language.factory("kg_sentences", assigns=["token.is_sent_start", "doc.sents"])
def make_sentences(nlp: Language, name: str) -> SentenceSetter:  # noqa: ARG001
    """The component `kg_sentences`."""
    return SentenceSetter()


def make_pipeline(recogniser: Language | None = None, *, thresholds: Mapping[str, float] | None = None) -> Language:
    """The whole pipeline, with a trained recogniser or a new one; the other components are not trained."""
    nlp = make_recogniser() if recogniser is None else recogniser
    for number, name in enumerate(COMPONENTS):
        if name not in nlp.pipe_names:
            config = {"threshold": thresholds[name]} if thresholds and name in thresholds else {}
            place: dict[str, Any] = {"before": number} if number < len(nlp.pipe_names) else {"last": True}
            nlp.add_pipe(name, config=config, **place)
    return nlp


def load_pipeline(path: Path) -> Language:
    """The trained pipeline in a folder."""
    register_attributes()
    if not (path / "config.cfg").is_file():
        raise KGError(f"{path}: no trained model there; train one with python -m kg.extract.train, or give its folder")
    nlp = spacy.load(path)
    nlp.max_length = 10**9  # windows keep memory bounded, so spaCy's own limit need not
    return nlp


def make_doc(nlp: Language, text: str) -> Doc:
    """The document of a text of any length, all components done: the recogniser reads it in windows."""
    if len(text) <= WINDOW:
        return nlp(text)
    early = COMPONENTS[: COMPONENTS.index("ner") + 1]
    late = [name for name in nlp.pipe_names if name not in early or name == "kg_abbreviations"]
    with nlp.select_pipes(disable=late):
        pieces = [nlp(text[start:end]) for start, end in windows(text)]
    doc = Doc.from_docs(pieces, ensure_whitespace=False)
    if doc is None or doc.text != text:
        raise KGError("a text could not be put together again from its windows: please report it")
    for name, component in nlp.pipeline:
        if name in late:
            doc = component(doc)
    return doc


def windows(text: str, size: int = WINDOW) -> Iterator[tuple[int, int]]:
    """The text in stretches of at most `size` characters, cut between sentences, or else between words.

    >>> list(windows("One two. Three four. Five.", size=12))
    [(0, 9), (9, 21), (21, 26)]
    """
    begins = [start for start, _ in sentences(text)]
    start = 0
    place = 0
    while len(text) - start > size:
        while place < len(begins) and begins[place] <= start + size:
            place += 1
        end = begins[place - 1] if place and begins[place - 1] > start else 0
        if end <= start:
            blank = text.rfind(" ", start + 1, start + size)
            end = blank + 1 if blank > start else start + size
        yield start, end
        start = end
    yield start, len(text)


def to_extraction(doc: Doc, paper: str, model: str = "") -> Extraction:
    """What the components found in a document as an `Extraction` of the paper with this id."""
    found = tuple(
        ExtractedEntity(
            id=f"e{number}",
            type=entity["type"],
            name=entity["name"],
            mentions=tuple(
                Mention(start=start, end=end, type=entity["type"], score=round(score, 4))
                for start, end, score in entity["mentions"]
            ),
            role=entity["role"],
            score=round(entity["score"], 4),
            role_score=round(entity["role_score"], 4),
        )
        for number, entity in enumerate(doc._.kg_entities or (), start=1)
    )

    def identifier(number: int | None) -> str | None:
        return None if number is None else found[number].id

    return Extraction(
        paper=paper,
        model=model,
        entities=found,
        relations=tuple(
            Relation(**{**relation, "head": found[relation["head"]].id, "tail": found[relation["tail"]].id})
            for relation in doc._.kg_relations or ()
        ),
        results=tuple(
            Result(**{**result, **{key: identifier(result[key]) for key in ("method", "task", "dataset", "metric")}})
            for result in doc._.kg_results or ()
        ),
    )


class SentenceSetter:
    """Sets the sentence borders that `kg.sentences` finds."""

    def __call__(self, doc: Doc) -> Doc:
        if not len(doc):
            return doc
        begins = np.isin(token_borders(doc)[0], [start for start, _ in sentences(doc.text)])
        begins[0] = True
        values: Any = np.where(begins, 1, -1).astype(np.uint64)
        return doc.from_array(["SENT_START"], values)
