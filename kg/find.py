"""Finding nodes by name, part of a name, alias or abbreviation, so that nobody must know an id.

>>> from kg.model import Entity, Paper
>>> lstm = Entity(id="method:lstm", type="Method", name="Long Short-Term Memory", aliases=("LSTM",), papers=2)
>>> graph = Graph(papers=(Paper(id="paper:1", title="LSTMs for Parsing"),), entities=(lstm,))
>>> [(hit.id, hit.match, hit.matched) for hit in find(graph, "lstm")]
[('method:lstm', 'exact', 'LSTM'), ('paper:1', 'prefix', 'LSTMs for Parsing')]
>>> resolve_name(graph, "long short-term memory")
'method:lstm'
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kg import ontology
from kg.graph import Graph
from kg.model import GraphError, OntologyError

#: How a name can match, best first: all of it, its beginning, some word's beginning, any part.
MATCHES = ("exact", "prefix", "word", "part")
_SHOWN = 8
_LETTERS_EVERYWHERE = 2


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A node that was found: `matched` is the name or alias that matches, `papers` how many papers name it."""

    id: str
    type: str
    name: str
    papers: int
    match: str
    matched: str


def find(
    graph: Graph,
    text: str,
    *,
    types: Iterable[str] = (),
    redirects: Mapping[str, str] = MappingProxyType({}),
) -> list[Hit]:
    """The entities and papers that `text` may mean, best match first, then by papers, then by id.

    Case, accents, and hyphens or blanks make no difference. Papers are found by title, DOI and arXiv id too, and a node
    by the id that an earlier build gave it (`redirects`).
    """
    wanted, asked = fold(text), text.strip()
    today = redirects.get(asked)
    if not wanted:
        return []
    allowed = frozenset(types)
    hits = []
    for identifier, kind, name, papers, names in _named(graph):
        if allowed and kind not in allowed:
            continue
        best = min(
            (
                (rank, place, known)
                for place, known in enumerate(names)
                if (rank := _rank(wanted, fold(known))) is not None
            ),
            default=None,
        )
        if identifier == asked:
            best = (0, 0, name)
        elif identifier == today:
            best = (0, 0, asked)
        if best is not None:
            rank, _, matched = best
            hits.append(Hit(id=identifier, type=kind, name=name, papers=papers, match=MATCHES[rank], matched=matched))
    return sorted(hits, key=lambda hit: (MATCHES.index(hit.match), -hit.papers, hit.id))


def resolve_name(
    graph: Graph,
    text: str,
    *,
    types: Iterable[str] = (),
    redirects: Mapping[str, str] = MappingProxyType({}),
    whole: bool = False,
) -> str:
    """The id that `text` means: an id, an id of an earlier build (`redirects`), or a name that only one node has.

    Where no node has exactly this name, a part that occurs in the names of one node only will do, unless the `whole`
    name is wanted. Raises GraphError with the candidates where several nodes could be meant.
    """
    asked = text.strip()
    allowed = frozenset(types)
    for identifier in (asked, redirects.get(asked)):
        if identifier is not None and _is_node(graph, identifier) and _fits(identifier, allowed):
            return identifier
    hits = find(graph, asked, types=allowed)
    candidates = [hit for hit in hits if hit.match == "exact"] or hits
    kind = next(iter(allowed)).lower() if len(allowed) == 1 else "node"
    if whole and candidates and candidates[0].match != "exact":
        shown = ", ".join(f"{hit.id} ({_short(hit.name)})" for hit in candidates[:_SHOWN])
        raise GraphError(f"no {kind} is called {asked!r}: give the id, or all of the name, perhaps of {shown}")
    if not candidates:
        raise GraphError(f"no {kind} is called {asked!r}: kg find lists what has a part of a name")
    by_name = [hit for hit in candidates if hit.match == "exact" and fold(hit.name) == fold(asked)]
    if len(candidates) > 1 and len(by_name) == 1:
        candidates = by_name  # the node of this name before those that it is only an alias of
    if len(candidates) > 1:
        shown = ", ".join(f"{hit.id} ({_short(hit.name)})" for hit in candidates[:_SHOWN])
        more = len(candidates) - _SHOWN
        raise GraphError(
            f"{asked!r} may mean {len(candidates)} nodes, name one by its id: {shown}"
            + (f" and {more} more (kg find lists them)" if more > 0 else "")
        )
    return candidates[0].id


def fold(text: str) -> str:
    """A name without case, accents, hyphens and doubled blanks.

    >>> fold("  É-Nets \u2013 GPT\u20114 ")
    'e nets gpt 4'
    """
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return " ".join(re.sub(r"[-\u2010-\u2015\u2212_]", " ", plain).split())


def _rank(wanted: str, name: str) -> int | None:
    if wanted not in name:
        return None
    if name == wanted:
        return 0
    if name.startswith(wanted):
        return 1
    if re.search(rf"(?<![^\W_]){re.escape(wanted)}", name):
        return 2
    # within words, one or two Latin letters are everywhere
    return 3 if len(wanted) > _LETTERS_EVERYWHERE or not wanted.isascii() else None


def _named(graph: Graph) -> Iterator[tuple[str, str, str, int, tuple[str, ...]]]:
    """Of each entity and paper: id, type, name, number of papers, and all by which it can be found."""
    for entity in graph.entities:
        yield entity.id, entity.type, entity.name, entity.papers, (entity.name, *entity.aliases)
    for paper in graph.papers:
        others = (paper.id.removeprefix("paper:"), paper.doi, paper.arxiv_id)
        yield paper.id, "Paper", paper.title, 1, (paper.title, *(other for other in others if other))


def _is_node(graph: Graph, identifier: str) -> bool:
    return (
        identifier in graph.entity_by_id
        or identifier in graph.paper_by_id
        or (identifier.startswith("author:") and identifier in graph.authors)
        or (identifier.startswith("venue:") and identifier in graph.venues)
        or (identifier.startswith("result:") and any(result.id == identifier for result in graph.results))
    )


def _fits(identifier: str, types: frozenset[str]) -> bool:
    try:
        return not types or ontology.type_of(identifier) in types
    except OntologyError:
        return False


def _short(name: str) -> str:
    words = " ".join(name.split())
    return words if len(words) <= 60 else words[:57] + "…"
