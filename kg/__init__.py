"""kg turns papers into a knowledge graph of methods, datasets, tasks, metrics and concepts.

>>> import kg
>>> kg.Paper(id="paper:1", title="On GLUE").text
'On GLUE\\n'
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kg.building import build
    from kg.directory import load_graph
    from kg.extract import load
    from kg.graph import Graph, assemble
    from kg.model import (
        Entity,
        Evidence,
        ExtractedEntity,
        Extraction,
        KGError,
        Mention,
        Paper,
        Relation,
        Result,
        Statement,
    )
    from kg.read import read_papers

__all__ = [
    "Entity",
    "Evidence",
    "ExtractedEntity",
    "Extraction",
    "Graph",
    "KGError",
    "Mention",
    "Paper",
    "Relation",
    "Result",
    "Statement",
    "assemble",
    "build",
    "load",
    "load_graph",
    "read_papers",
]

# What is not in kg.model; each is imported when it is first asked for, so that `import kg` is quick.
_HOMES = MappingProxyType(
    {
        "Graph": "kg.graph",
        "assemble": "kg.graph",
        "build": "kg.building",
        "load": "kg.extract",
        "load_graph": "kg.directory",
        "read_papers": "kg.read",
    }
)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'kg' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "kg.model")), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
