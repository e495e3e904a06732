"""Nodes in the making: what each paper calls a thing, gathered into the things that they mean.

>>> net = Names(type="Method", primary="graph nets", others=(), seen=("graph nets",))
>>> nodes = Nodes([Node(type="Method", name="Graph Net", held={net: 2})])
>>> nodes.find("method:graph-net", "graph nets") is nodes.find("method:graph-net") is not None
True
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kg import ontology
from kg.resolve.forms import key, looks_short, title


@dataclass(frozen=True, order=True, kw_only=True)
class Names:
    """By what names a paper calls one thing: the one that identifies it, then others; `seen` stand in the text.

    `introduced` says that the paper claims to have made the thing. `sense` is what the context says that an ambiguous
    name means: an id, or the normal form of a new name.
    """

    type: str
    primary: str
    others: tuple[str, ...]
    seen: tuple[str, ...]
    introduced: bool = False
    sense: str = ""


@dataclass(eq=False, kw_only=True)
class Node:
    """One thing: the names it goes by with the number of papers that use them, and what people decided about it."""

    type: str
    name: str
    held: dict[Names, int]
    concept: str | None = None  # the id in the vocabulary
    renamed: bool = False
    former: str = ""  # what it was called before a person renamed it
    by_person: set[str] = field(default_factory=set)  # surfaces that a person brought here

    @property
    def surfaces(self) -> set[str]:
        """All names that stand in a text."""
        return {surface for names in self.held for surface in names.seen}


def likely_name(held: Mapping[Names, int], entity_type: str) -> str:
    """The canonical name: what most papers write, as a title; a long form comes before an abbreviation."""
    papers: Counter[str] = Counter()
    for names, count in held.items():
        papers[title(names.primary, plural=entity_type == "Dataset")] += count
    return min(papers, key=lambda name: (looks_short(name), -papers[name], name))


class Nodes:
    """All nodes of a corpus, found by id or name, to be changed by one decision after the other."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._all: dict[Node, None] = dict.fromkeys(nodes)
        self._labels: dict[tuple[str, str], Node] = {}
        for node in self._all:
            self._index(node)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._all)

    def find(self, identifier: str, name: str = "") -> Node | None:
        """The node that goes by this name and has the type that the id says, or, failing that, the one of this id."""
        entity_type = ontology.type_of(identifier)
        found = self._labels.get((entity_type, key(name))) if name else None
        if found is not None:
            return found
        for node in self._all:
            if node.type == entity_type and identifier in (node.concept, ontology.entity_id(entity_type, node.name)):
                return node
        return None

    def unite(self, node: Node, into: Node) -> None:
        """Make two nodes one, which keeps what `into` is called."""
        into.by_person |= node.surfaces | node.by_person | {node.name}
        for names, papers in node.held.items():
            into.held[names] = into.held.get(names, 0) + papers
        self.drop(node)
        self._index(into)

    def split(self, node: Node, name: str) -> Node | None:
        """Make what papers call `name` a node of its own; None where nothing, or all, would go."""
        gone = {names: papers for names, papers in node.held.items() if key(names.primary) == key(name)}
        if not gone or len(gone) == len(node.held):
            return None
        for names in gone:
            del node.held[names]
        part = Node(type=node.type, name=likely_name(gone, node.type), held=gone)
        self._labels = {label: held for label, held in self._labels.items() if held is not node}
        if node.concept is None and not node.renamed:
            node.name = likely_name(node.held, node.type)
        self._all[part] = None
        self._index(node)
        self._index(part)
        return part

    def rename(self, node: Node, name: str) -> None:
        """Give a node another name; the names before still lead to it."""
        node.name, node.renamed, node.former = name, True, node.former or node.name
        self._index(node)

    def retype(self, node: Node, entity_type: str) -> Node:
        """Give a node another type; where that type has a node of this name already, they are one."""
        there = self._labels.get((entity_type, key(node.name)))
        self.drop(node)
        if there is not None:
            self._all[node] = None
            self.unite(node, there)
            return there
        node.type, node.concept, node.renamed = entity_type, None, True
        self._all[node] = None
        self._index(node)
        return node

    def drop(self, node: Node) -> None:
        """Take a node away."""
        del self._all[node]
        self._labels = {label: held for label, held in self._labels.items() if held is not node}

    def _index(self, node: Node) -> None:
        for name in (node.name, *(names.primary for names in node.held)):
            self._labels[node.type, key(name)] = node
