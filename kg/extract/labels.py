"""The label set of a model: types, roles and relations, and which of them may stand together.

>>> labels = from_ontology()
>>> labels.tags[:3], labels.relations[0], "introduces" in labels.roles
(('O', 'B-Method', 'I-Method'), 'none', True)
>>> labels.allowed_relations("Method", "Dataset", forward=True)[labels.relations.index("evaluated_on")]
True
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from kg import ontology
from kg.model import ENTITY_TYPES

NONE = "none"
VALUE_TAGS = ("O", "B", "I")


@dataclass(frozen=True, eq=False)
class Labels:
    """`roles_of` a type and `relations_of` a pair of types are those permitted; `symmetric` relations are said once.

    `in_a_line`: relations are looked for between names in one line of the text only.
    """

    types: tuple[str, ...]
    roles: tuple[str, ...]
    relations: tuple[str, ...]
    roles_of: Mapping[str, tuple[str, ...]]
    relations_of: Mapping[tuple[str, str], tuple[str, ...]]
    symmetric: frozenset[str] = frozenset()
    in_a_line: bool = False

    @property
    def tags(self) -> tuple[str, ...]:
        """BIO tags of mentions."""
        return ("O", *(f"{place}-{kind}" for kind in self.types for place in "BI"))

    def allowed_roles(self, kind: str) -> list[bool]:
        """Which of `roles` an entity of a type may have."""
        return [role in self.roles_of[kind] for role in self.roles]

    def allowed_relations(self, head: str, tail: str, *, forward: bool) -> list[bool]:
        """Which of `relations` a pair may have; `forward`: the head is named first."""
        own = {r for r in self.relations_of.get((head, tail), ()) if forward or r not in self.symmetric}
        return [relation == NONE or relation in own for relation in self.relations]

    def candidate_pairs(self, kinds: Sequence[str], lines: Sequence[int]) -> list[tuple[int, int]]:
        """All ordered pairs of entities of these types, first named in these lines, that may stand in a relation."""
        count = range(len(kinds))
        return [
            (i, j)
            for i in count
            for j in count
            if i != j and (kinds[i], kinds[j]) in self.relations_of and not (self.in_a_line and lines[i] != lines[j])
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain data, which `from_json` reads."""
        return {
            "types": self.types,
            "roles": self.roles,
            "relations": self.relations,
            "roles_of": {kind: list(roles) for kind, roles in self.roles_of.items()},
            "relations_of": [[head, tail, list(found)] for (head, tail), found in self.relations_of.items()],
            "symmetric": sorted(self.symmetric),
            "in_a_line": self.in_a_line,
        }


def from_json(data: Mapping[str, Any]) -> Labels:
    """The label set that `Labels.to_json` wrote."""
    return Labels(
        types=tuple(data["types"]),
        roles=tuple(data["roles"]),
        relations=tuple(data["relations"]),
        roles_of={kind: tuple(roles) for kind, roles in data["roles_of"].items()},
        relations_of={(head, tail): tuple(found) for head, tail, found in data["relations_of"]},
        symmetric=frozenset(data["symmetric"]),
        in_a_line=data["in_a_line"],
    )


@cache
def from_ontology() -> Labels:
    """The label set of kg itself."""
    schema = ontology.load()
    relations = schema.of_kind("relation")
    return Labels(
        types=tuple(ENTITY_TYPES),
        roles=tuple(role.name for role in schema.of_kind("role")),
        relations=(NONE, *(relation.name for relation in relations)),
        roles_of={kind: tuple(schema.roles(kind)) for kind in ENTITY_TYPES},
        relations_of={(a, b): found for a in ENTITY_TYPES for b in ENTITY_TYPES if (found := schema.relations(a, b))},
        symmetric=frozenset(relation.name for relation in relations if relation.symmetric),
    )
