"""What pages show: the start page, search, and a page for each id with the sentences behind each statement.

>>> from kg.model import Entity, EntityMention, Evidence, Paper, Statement
>>> bert = Entity(id="method:bert", type="Method", name="BERT", papers=1)
>>> seen = Evidence(paper="paper:1", start=3, end=7, score=0.9, extractor="x")
>>> uses = Statement(subject="paper:1", predicate="uses", object="method:bert", evidence=(seen,))
>>> place = {"paper": "paper:1", "extracted": "e1", "start": 3, "end": 7, "text": "BERT"}
>>> name = EntityMention(entity="method:bert", type="Method", **place)
>>> paper = Paper(id="paper:1", title="On BERT")
>>> graph = Graph(papers=(paper,), entities=(bert,), statements=(uses,), mentions=(name,))
>>> groups = about(Index(graph).part("method:bert"), "method:bert").groups
>>> [(group.title, [line.quotes[0].pieces for line in group.lines]) for group in groups]
[('Used in', [(Piece(text='On ', entity=None), Piece(text='BERT', entity='method:bert'))])]
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from kg import ontology
from kg.explain import explain
from kg.export import jsonld, turtle
from kg.find import find
from kg.graph import Graph, result_aspects
from kg.model import EntityMention, Evidence, Paper, ReportedResult, Statement, evidence_id
from kg.rdf import Description, describe
from kg.sentences import sentence_at
from kg.serve.index import Index

#: What a predicate says of its object.
INVERSE = MappingProxyType(
    {
        "introduces": "Introduced in",
        "studies": "Studied in",
        "addresses": "Addressed in",
        "evaluates_on": "Used for evaluation in",
        "uses": "Used in",
        "compares": "Compared with in",
        "reports": "Reported in",
        "mentions": "Mentioned in",
        "used_for": "What is used for it",
        "part_of": "Its parts",
        "subtype_of": "Its kinds",
        "based_on": "What is based on it",
        "outperforms": "What outperforms it",
        "compared_with": "Compared with",
        "evaluated_on": "Evaluated on it",
        "benchmark_for": "Benchmarks for it",
        "measured_by": "What it measures",
        "exhibits": "What exhibits it",
    }
)
# Of statements in a group, and of sentences of a statement: the first are shown, the rest can be opened.
_OPEN_LINES, _MOST_LINES = 12, 400
_OPEN_QUOTES, _MOST_QUOTES = 2, 40
# From how many of 100 points a name is like another.
_ALIKE = 70
# What RDF about one node says of the others: what they are and what they are called.
_NAMES = frozenset({"rdf:type", "skos:prefLabel", "dcterms:title", "foaf:name", "schema:name"})


@dataclass(frozen=True)
class Piece:
    """A piece of a text; `entity` is the id of what it names, if anything."""

    text: str
    entity: str | None = None


@dataclass(frozen=True)
class Quote:
    """A sentence of a paper, in pieces, and how it was found."""

    paper: Paper
    pieces: tuple[Piece, ...]
    evidence: str | None
    score: float
    hedged: bool
    extractor: str


@dataclass(frozen=True)
class Line:
    """A statement on the page of one of its ends: the other end, and the sentences that say it."""

    statement: Statement
    other: str
    name: str
    detail: str
    quotes: tuple[Quote, ...]
    more_quotes: int

    @property
    def open_quotes(self) -> tuple[Quote, ...]:
        return self.quotes[:_OPEN_QUOTES]

    @property
    def folded_quotes(self) -> tuple[Quote, ...]:
        return self.quotes[_OPEN_QUOTES:]


@dataclass(frozen=True)
class Group:
    """The statements of one kind."""

    title: str
    note: str
    lines: tuple[Line, ...]
    more_lines: int

    @property
    def open_lines(self) -> tuple[Line, ...]:
        return self.lines[:_OPEN_LINES]

    @property
    def folded_lines(self) -> tuple[Line, ...]:
        return self.lines[_OPEN_LINES:]


@dataclass(frozen=True)
class Number:
    """A reported result: what it is about (label, id, name), and its sentence."""

    result: ReportedResult
    about: tuple[tuple[str, str, str], ...]
    quote: Quote


@dataclass(frozen=True)
class About:
    """All that the page of one id shows."""

    id: str
    type: str
    name: str
    graph: Graph
    groups: tuple[Group, ...]
    numbers: tuple[Number, ...]
    papers: tuple[Paper, ...] = ()
    text: tuple[tuple[Piece, ...], ...] = ()
    statement: Statement | None = None
    evidence: Evidence | None = None
    quotes: tuple[Quote, ...] = ()
    former: tuple[str, ...] = ()
    cited_by: tuple[Paper, ...] = ()
    cites: tuple[Paper, ...] = ()
    merged: tuple[str, ...] = ()

    def name_of(self, identifier: str) -> str:
        return name_of(self.graph, identifier)


def about(part: Graph, identifier: str, *, former: Sequence[str] = ()) -> About:
    """What the page of an id shows, from the part of the graph that concerns it (`Index.part`)."""
    kind = ontology.type_of(identifier)
    ways = Index(part)
    page = About(
        id=identifier,
        type=kind,
        name=name_of(part, identifier),
        graph=part,
        groups=(),
        numbers=tuple(_number(ways, result) for result in part.results),
        former=tuple(former),
        merged=tuple(sorted({merge.merged_name for merge in part.merges})),
    )
    match kind:
        case "Paper":
            return _of_paper(page, ways)
        case "Author" | "Venue":
            return replace(page, papers=tuple(sorted(part.papers, key=lambda p: (-(p.year or 0), p.title))))
        case "Statement":
            statement = part.statements[0]
            return replace(page, statement=statement, quotes=tuple(_quotes(ways, statement)))
        case "Evidence":
            statement = part.statements[0]
            evidence = next(found for found in statement.evidence if evidence_id(statement, found) == identifier)
            return replace(page, statement=statement, evidence=evidence, quotes=(_quote(ways, statement, evidence),))
        case "Result":
            return page
        case _:
            return replace(page, groups=tuple(_groups(ways, identifier, part.statements)))


def name_of(graph: Graph, identifier: str) -> str:
    """What a node is called; a statement is its triple in words."""
    if identifier in graph.entity_by_id:
        return graph.entity_by_id[identifier].name
    if identifier in graph.paper_by_id:
        return graph.paper_by_id[identifier].title or identifier
    kind = identifier.partition(":")[0]
    if kind == "author":
        return graph.authors.get(identifier, identifier)
    if kind == "venue":
        return graph.venues.get(identifier, identifier)
    if kind == "result":
        result = next((result for result in graph.results if result.id == identifier), None)
        return identifier if result is None else f"{result.value}{f' {result.unit}' if result.unit else ''}"
    if kind in {"statement", "evidence"} and graph.statements:
        return sentence_of(graph, graph.statements[0])
    return identifier


def sentence_of(graph: Graph, statement: Statement) -> str:
    """A statement in words: `BERT used for question answering`."""
    label = ontology.load().predicates[statement.predicate].label
    denied = "not " if statement.negated else ""
    return f"{name_of(graph, statement.subject)} {denied}{label} {name_of(graph, statement.object)}"


def to_json(part: Graph, identifier: str, redirects: Mapping[str, str]) -> dict[str, Any]:
    """The page of an id as JSON: what `kg explain --json` says of it."""
    kind = identifier.partition(":")[0]
    if kind == "evidence":
        statement = part.statements[0]
        evidence = next(found for found in statement.evidence if evidence_id(statement, found) == identifier)
        said = explain(Graph(papers=part.papers, entities=part.entities, statements=(statement,)), statement.id)
        kept = [item for item in said["evidence"] if (item["paper"], item["start"]) == (evidence.paper, evidence.start)]
        return {**said, "id": identifier, "type": "Evidence", "statement": statement.id, "evidence": kept}
    own = {former: now for former, now in redirects.items() if now == identifier}
    found = explain(part, identifier, redirects=own)
    if kind == "paper":
        found["says"] = [
            explain(Graph(papers=part.papers, entities=part.entities, statements=(statement,)), statement.id)
            for statement in part.statements
            if identifier not in (statement.subject, statement.object)
        ]
    return found


def descriptions(part: Graph, identifier: str) -> Iterable[Description]:
    """What RDF says of an id and its statements; of other nodes, what they are and are called."""
    own = {identifier, *(statement.id for statement in part.statements)}
    own.update(evidence_id(s, e) for s in part.statements for e in s.evidence)
    own.update(result.id for result in part.results)
    own.update(f"<{ontology.iri(link.entity)}" for link in part.catalogue_links)
    named = {end for s in part.statements for end in (s.subject, s.object)}
    named.update(paper.id for paper in part.papers)
    named.update(node for result in part.results for _, node in result_aspects(result))
    named.update(part.authors, part.venues)
    for subject, facts in describe(part):
        if subject.partition("#")[0] in own:
            yield Description(subject, facts)
        elif subject in named:
            shown = [(predicate, value) for predicate, value in facts if predicate in _NAMES or value == identifier]
            if shown:
                yield Description(subject, shown)


def to_turtle(part: Graph, identifier: str) -> bytes:
    """The page of an id as Turtle."""
    out = io.StringIO()
    turtle.write(descriptions(part, identifier), out)
    return out.getvalue().encode()


def to_jsonld(part: Graph, identifier: str) -> bytes:
    """The page of an id as JSON-LD."""
    out = io.StringIO()
    jsonld.write(descriptions(part, identifier), out)
    return out.getvalue().encode()


def suggestions(graph: Graph, identifier: str, *, most: int = 8) -> list[tuple[str, str]]:
    """(id, name) of what may have been meant by an id that is none: what has a name like it, of its type first.

    >>> from kg.model import Entity
    >>> bert = Entity(id="method:bert", type="Method", name="BERT")
    >>> suggestions(Graph(entities=(bert,)), "method:brt"), suggestions(Graph(entities=(bert,)), "method:lstm")
    ([('method:bert', 'BERT')], [])
    """
    from rapidfuzz import fuzz, process

    kind, _, local = identifier.partition(":")
    wanted = " ".join(re.split(r"[-_\s]+", local)).strip().lower()[:200]
    hits = [(hit.id, hit.name) for hit in find(graph, wanted)]
    if not hits:
        names = {entity.id: entity.name.lower() for entity in graph.entities}
        names.update((paper.id, paper.title.lower()) for paper in graph.papers)
        close = process.extract(wanted, names, scorer=fuzz.ratio, score_cutoff=_ALIKE, limit=most)
        hits = [(found, name_of(graph, found)) for _, _, found in close]
    return sorted(hits, key=lambda hit: not hit[0].startswith(f"{kind}:"))[:most]


def marked(
    text: str, start: int, end: int, mentions: Iterable[EntityMention], entities: frozenset[str] | None = None
) -> tuple[Piece, ...]:
    """Characters `start` to `end` of a text in pieces, with what it names; only `entities`, where they are given."""
    pieces, at = [], start
    inside = [
        mention
        for mention in mentions
        if start <= mention.start and mention.end <= end and (entities is None or mention.entity in entities)
    ]
    for mention in sorted(inside, key=lambda mention: (mention.start, -mention.end, mention.entity)):
        if mention.start < at:
            continue  # inside of a longer name
        if at < mention.start:
            pieces.append(Piece(text[at : mention.start]))
        pieces.append(Piece(text[mention.start : mention.end], mention.entity))
        at = mention.end
    if at < end:
        pieces.append(Piece(text[at:end]))
    return tuple(pieces)


def _of_paper(page: About, part: Index) -> About:
    paper = part.graph.paper_by_id[page.id]
    mentions = part.mentions_by_paper.get(paper.id, [])
    cut = len(paper.title) + 1
    text = (
        marked(paper.text, 0, len(paper.title), mentions),
        marked(paper.text, cut, len(paper.text), mentions),
    )
    own = [statement for statement in part.graph.statements if paper.id in (statement.subject, statement.object)]
    said = [statement for statement in part.graph.statements if paper.id not in (statement.subject, statement.object)]
    cites = set(paper.cites)
    return replace(
        page,
        text=text,
        groups=(*_groups(part, paper.id, own), *_said_groups(part, paper.id, said)),
        numbers=tuple(number for number in page.numbers if number.result.paper == paper.id),
        cites=tuple(other for other in part.graph.papers if other.id in cites and other.id != paper.id),
        cited_by=tuple(other for other in part.graph.papers if paper.id in other.cites),
    )


def _groups(part: Index, identifier: str, statements: Iterable[Statement]) -> Iterable[Group]:
    """The statements of a node: what it does, then what is done with it, in the order of the ontology."""
    known = ontology.load().predicates
    by_kind: dict[tuple[str, bool], list[Statement]] = {}
    for statement in statements:
        forward = statement.subject == identifier
        if known[statement.predicate].symmetric:
            forward = True
        by_kind.setdefault((statement.predicate, forward), []).append(statement)
    order = list(known)
    for (predicate, forward), found in sorted(
        by_kind.items(), key=lambda item: (known[item[0][0]].kind == "role", not item[0][1], order.index(item[0][0]))
    ):
        found.sort(key=lambda s: (s.negated, -s.support, -s.confidence, s.key))
        title = known[predicate].label.capitalize() if forward else INVERSE[predicate]
        lines = tuple(_line(part, statement, identifier) for statement in found[:_MOST_LINES])
        yield Group(title, known[predicate].comment, lines, len(found) - len(lines))


def _said_groups(part: Index, paper: str, statements: Iterable[Statement]) -> Iterable[Group]:
    """What a paper says of entities, with its own sentences only."""
    found = sorted(statements, key=lambda s: (min(e.start for e in s.evidence if e.paper == paper), s.key))
    if found:
        lines = []
        for statement in found[:_MOST_LINES]:
            quotes = tuple(_quotes(part, statement, only=paper))
            lines.append(Line(statement, "", sentence_of(part.graph, statement), "", quotes, 0))
        yield Group(
            "What it says", "Relations that sentences of this paper state.", tuple(lines), len(found) - len(lines)
        )


def _line(part: Index, statement: Statement, identifier: str) -> Line:
    other = statement.object if statement.subject == identifier else statement.subject
    quotes = tuple(_quotes(part, statement, most=_MOST_QUOTES))
    paper = part.graph.paper_by_id.get(other)
    detail = "" if paper is None else ", ".join(filter(None, (_authors(paper), str(paper.year or ""))))
    total = len(
        {(e.paper, sentence_at(part.graph.paper_by_id[e.paper].text, e.start, e.end)) for e in statement.evidence}
    )
    return Line(statement, other, name_of(part.graph, other), detail, quotes, total - len(quotes))


def _authors(paper: Paper) -> str:
    names = [name.split(",")[0] if "," in name else name.split()[-1] for name in paper.authors if name.strip()]
    return names[0] + (" et al." if len(names) > 2 else f" and {names[1]}" if len(names) == 2 else "") if names else ""


def _quotes(part: Index, statement: Statement, *, only: str | None = None, most: int | None = None) -> list[Quote]:
    """The sentences of a statement, the surest first, each once."""
    found: list[Quote] = []
    seen = set()
    for evidence in sorted(statement.evidence, key=lambda e: (-e.score, e.paper, e.start)):
        place = (
            evidence.paper,
            *sentence_at(part.graph.paper_by_id[evidence.paper].text, evidence.start, evidence.end),
        )
        if place in seen or (only is not None and evidence.paper != only):
            continue
        seen.add(place)
        found.append(_quote(part, statement, evidence))
        if len(found) == most:
            break
    return found


def _quote(part: Index, statement: Statement, evidence: Evidence) -> Quote:
    paper = part.graph.paper_by_id[evidence.paper]
    start, end = sentence_at(paper.text, evidence.start, evidence.end)
    mentions = part.mentions_by_paper.get(paper.id, [])
    pieces = marked(paper.text, start, end, mentions, frozenset((statement.subject, statement.object)))
    return Quote(paper, pieces, evidence_id(statement, evidence), evidence.score, evidence.hedged, evidence.extractor)


def _number(part: Index, result: ReportedResult) -> Number:
    paper = part.graph.paper_by_id[result.paper]
    start, end = sentence_at(paper.text, result.start, result.end)
    labels = ontology.load().predicates
    value = EntityMention(
        paper=paper.id,
        extracted="",
        entity=result.id,
        type="Result",
        start=result.start,
        end=result.end,
        text=result.value,
    )
    entities = frozenset(node for _, node in result_aspects(result))
    mentions = [value, *(m for m in part.mentions_by_paper.get(paper.id, []) if m.entity in entities)]
    return Number(
        result,
        tuple((labels[predicate].label, node, name_of(part.graph, node)) for predicate, node in result_aspects(result)),
        Quote(paper, marked(paper.text, start, end, mentions), None, result.score, False, ""),
    )
