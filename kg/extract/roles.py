"""Says what each entity is to its paper: exactly one role, allowed for its type, as the encoder sees its mentions.

>>> bool(allowed_roles(["Dataset"])[0][role_labels().index("introduces")])
True
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from kg.extract.encoder import log_softmax
from kg.extract.features import register_attributes
from kg.extract.labels import from_ontology
from kg.extract.settings import read_settings, write_settings


@Language.factory("kg_roles", requires=["doc._.kg_entities", "doc._.kg_reading"], assigns=["doc._.kg_entities"])
def make_roles(nlp: Language, name: str) -> RoleClassifier:  # noqa: ARG001
    """The component `kg_roles`."""
    register_attributes()
    return RoleClassifier()


def role_labels() -> tuple[str, ...]:
    """All roles, strongest first."""
    return from_ontology().roles


def allowed_roles(types: Iterable[str]) -> NDArray[np.bool_]:
    """Which of `role_labels` an entity of each type can have: a row a type."""
    rows = [from_ontology().allowed_roles(kind) for kind in types]
    return np.array(rows, dtype=bool).reshape(-1, len(role_labels()))


class RoleClassifier:
    """Adds `role` and `role_score` to each entity of `doc._.kg_entities`.

    `temperature` makes the encoder's probabilities mean what they say (Guo et al. 2017, arXiv:1706.04599).
    """

    def __init__(self) -> None:
        self.temperature = 1.0

    def __call__(self, doc: Doc) -> Doc:
        entities = doc._.kg_entities
        if entities:
            labels = role_labels()
            scores = np.exp(log_softmax(doc._.kg_reading.roles(entities) / np.float32(self.temperature)))
            chosen = scores.argmax(axis=1)
            doc._.kg_entities = [
                {**entity, "role": labels[label], "role_score": round(float(row[label]), 4)}
                for entity, label, row in zip(entities, chosen, scores, strict=True)
            ]
        return doc

    def to_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        write_settings(path, temperature=self.temperature)

    def from_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> RoleClassifier:  # noqa: ARG002
        self.temperature = read_settings(path)["temperature"]
        return self
