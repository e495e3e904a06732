"""The pipeline: sentences, abbreviations, encoder, mentions, entities, roles, relations, results, in this order.

Each component is a registered spaCy factory and writes plain data to the document, `to_extraction` gathers it.

>>> nlp = make_pipeline()
>>> nlp.pipe_names[:3], nlp.analyze_pipes()["problems"]["kg_mentions"]
(['kg_sentences', 'kg_abbreviations', 'kg_encoder'], [])
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.tokens import Doc

# The factories of the components are registered by importing their modules.
from kg.extract import abbreviations, encoder, entities, mentions, plain, relations, results, roles  # noqa: F401
from kg.extract.features import register_attributes, token_borders
from kg.extract.tokenizer import make_blank
from kg.model import ASPECTS, ExtractedEntity, Extraction, KGError, Mention, Relation, Result
from kg.sentences import sentences

#: The components after the tokenizer.
COMPONENTS = (
    "kg_sentences",
    "kg_abbreviations",
    "kg_encoder",
    "kg_mentions",
    "kg_entities",
    "kg_roles",
    "kg_relations",
    "kg_results",
    "kg_forget",
)


@Language.factory("kg_sentences", assigns=["token.is_sent_start", "doc.sents"])
def make_sentences(nlp: Language, name: str) -> SentenceSetter:  # noqa: ARG001
    """The component `kg_sentences`."""
    return SentenceSetter()


@Language.factory("kg_forget", assigns=["doc._.kg_reading"])
def make_forgetter(nlp: Language, name: str) -> Forgetter:  # noqa: ARG001
    """The component `kg_forget`."""
    return Forgetter()


def make_pipeline(thresholds: Mapping[str, float] = MappingProxyType({})) -> Language:
    """The whole pipeline, untrained; `thresholds` are those of components."""
    nlp = make_blank()
    for name in COMPONENTS:
        nlp.add_pipe(name, config={"threshold": thresholds[name]} if name in thresholds else {})
    return nlp


def load_pipeline(path: Path) -> Language:
    """The trained pipeline in a folder."""
    register_attributes()
    if not (path / "config.cfg").is_file():
        raise KGError(f"{path}: no trained model there; train one with python -m kg.extract.train, or give its folder")
    nlp = spacy.load(path)
    nlp.max_length = 10**9  # the encoder reads in windows, so spaCy's own limit need not guard memory
    return nlp


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
            Result(**{**result, **{key: identifier(result[key]) for key in ASPECTS}})
            for result in doc._.kg_results or ()
        ),
    )


class Forgetter:
    """Lets go of what the encoder saw: it is large, and a document with it could not be sent between processes."""

    def __call__(self, doc: Doc) -> Doc:
        doc._.kg_reading = None
        return doc


class SentenceSetter:
    """Sets the sentence borders that `kg.sentences` finds."""

    def __call__(self, doc: Doc) -> Doc:
        if not len(doc):
            return doc
        begins = np.isin(token_borders(doc)[0], [start for start, _ in sentences(doc.text)])
        begins[0] = True
        values: Any = np.where(begins, 1, -1).astype(np.uint64)
        return doc.from_array(["SENT_START"], values)
