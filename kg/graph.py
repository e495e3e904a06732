"""The graph: what the corpus says, assembled from what each paper says, with the evidence of each statement.

>>> from kg.model import ExtractedEntity, Extraction, Mention, Paper, Relation, Resolution
>>> paper = Paper(id="paper:1", title="BERT for NLI", abstract="")
>>> bert, nli = Mention(start=0, end=4, type="Method"), Mention(start=9, end=12, type="Task")
>>> e1 = ExtractedEntity(id="e1", type="Method", name="BERT", role="uses", mentions=(bert,))
>>> e2 = ExtractedEntity(id="e2", type="Task", name="NLI", role="addresses", mentions=(nli,))
>>> used = Relation(head="e1", predicate="used_for", tail="e2")
>>> said = Extraction(paper="paper:1", entities=(e1, e2), relations=(used,))
>>> nodes = (Entity(id="method:bert", type="Method", name="BERT"), Entity(id="task:nli", type="Task", name="NLI"))
>>> chosen = {("paper:1", "e1"): "method:bert", ("paper:1", "e2"): "task:nli"}
>>> resolution = Resolution(entities=nodes, assignments=chosen)
>>> graph = assemble([paper], [said], resolution)
>>> for statement in graph.statements:
...     print(statement.subject, statement.predicate, statement.object)
method:bert used_for task:nli
paper:1 addresses task:nli
paper:1 uses method:bert
>>> graph.quote(graph.statements[0].evidence[0])
'BERT for NLI'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from kg import ontology
from kg.model import (
    CatalogueLink,
    Entity,
    EntityMention,
    Evidence,
    ExtractedEntity,
    Extraction,
    Merge,
    Paper,
    ReportedResult,
    Resolution,
    Result,
    Statement,
    digest,
)
from kg.sentences import run_of, sentences, shortest_evidence

if TYPE_CHECKING:
    import networkx as nx
    import rdflib

Key = tuple[str, str, str, bool]

_NUMBER = re.compile(r"[-+−]?\d[\d,]*(?:\.\d+)?|[-+−]?\.\d+")


@dataclass(frozen=True)
class Graph:
    """Papers, canonical entities, statements with evidence, results and mentions, each sorted by its key."""

    papers: tuple[Paper, ...] = ()
    entities: tuple[Entity, ...] = ()
    statements: tuple[Statement, ...] = ()
    results: tuple[ReportedResult, ...] = ()
    mentions: tuple[EntityMention, ...] = ()
    merges: tuple[Merge, ...] = ()
    catalogue_links: tuple[CatalogueLink, ...] = ()

    @cached_property
    def paper_by_id(self) -> dict[str, Paper]:
        return {paper.id: paper for paper in self.papers}

    @cached_property
    def entity_by_id(self) -> dict[str, Entity]:
        return {entity.id: entity for entity in self.entities}

    @cached_property
    def links_by_entity(self) -> dict[str, tuple[CatalogueLink, ...]]:
        """The counterparts of each node in catalogues, where it has any."""
        return {entity: tuple(links) for entity, links in groupby(self.catalogue_links, key=attrgetter("entity"))}

    def same_as(self, entity: Entity) -> tuple[str, ...]:
        """The same thing elsewhere: what the vocabulary says, and its exact counterparts in catalogues."""
        exact = [link.target for link in self.links_by_entity.get(entity.id, ()) if link.match == "exact"]
        return tuple(sorted({*entity.same_as, *exact})) if exact else entity.same_as

    @cached_property
    def _read(self) -> dict[str, tuple[str, tuple[tuple[int, int], ...]]]:
        """Paper id -> its text and sentences, as far as quoted: statements go back and forth between papers."""
        return {}

    def quote(self, evidence: Evidence | ReportedResult) -> str:
        """The sentence, or sentences, of the paper's text that hold the evidence or the result."""
        if evidence.paper not in self._read:
            text = self.paper_by_id[evidence.paper].text
            self._read[evidence.paper] = (text, sentences(text))
        text, spans = self._read[evidence.paper]
        start, end = run_of(spans, evidence.start, evidence.end)
        return text[start:end]

    def words(self, evidence: Evidence | ReportedResult) -> str:
        """The very words of the evidence or the result: characters `start` to `end` of the paper's text."""
        return self.paper_by_id[evidence.paper].text[evidence.start : evidence.end]

    def links(self) -> Iterator[tuple[str, str, str]]:
        """(subject, predicate, object) of the papers' metadata: authors, venue, citations, results; sorted.

        A citation is a link only where the cited paper is in the graph.
        """
        found: set[tuple[str, str, str]] = set()
        for paper in self.papers:
            found.update((paper.id, "authored_by", author_id(author)) for author in paper.authors)
            if paper.venue:
                found.add((paper.id, "published_in", venue_id(paper.venue)))
            found.update((paper.id, "cites", cited) for cited in paper.cites if cited in self.paper_by_id)
        found.update((result.paper, "has_result", result.id) for result in self.results)
        for result in self.results:
            for predicate, node in result_aspects(result):
                found.add((result.id, predicate, node))
        yield from sorted(found)

    @cached_property
    def authors(self) -> dict[str, str]:
        """Author id -> name, sorted by id; of two spellings with one id the first in code-point order."""
        return _first_names((author_id(name), name) for paper in self.papers for name in paper.authors)

    @cached_property
    def venues(self) -> dict[str, str]:
        """Venue id -> name, sorted by id; of two spellings with one id the first in code-point order."""
        return _first_names((venue_id(paper.venue), paper.venue) for paper in self.papers if paper.venue)

    def to_networkx(self) -> nx.MultiDiGraph[str]:
        """The graph as a `MultiDiGraph`: nodes by id with `type` and `name`, edges keyed by predicate.

        A negated statement's key is `not_<predicate>`. An edge that is a statement has `confidence`, `support`,
        `papers` (ids) and `evidence` (dicts with paper, start, end, score, extractor, hedged, sentence).
        """
        import networkx as nx

        result: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        for paper in self.papers:
            result.add_node(paper.id, type="Paper", name=paper.title, year=paper.year, url=paper.url)
        for entity in self.entities:
            result.add_node(
                entity.id, type=entity.type, name=entity.name, aliases=list(entity.aliases), papers=entity.papers
            )
        for identifier, name in self.authors.items():
            result.add_node(identifier, type="Author", name=name)
        for identifier, name in self.venues.items():
            result.add_node(identifier, type="Venue", name=name)
        for reported in self.results:
            result.add_node(
                reported.id,
                type="Result",
                name=reported.value,
                value=reported.value,
                number=reported.number,
                unit=reported.unit,
                note=reported.note,
                score=reported.score,
                sentence=self.quote(reported),
            )
        for statement in self.statements:
            key = f"not_{statement.predicate}" if statement.negated else statement.predicate
            result.add_edge(
                statement.subject,
                statement.object,
                key=key,
                predicate=statement.predicate,
                negated=statement.negated,
                confidence=statement.confidence,
                support=statement.support,
                papers=list(statement.papers),
                evidence=[
                    {
                        "paper": evidence.paper,
                        "start": evidence.start,
                        "end": evidence.end,
                        "score": evidence.score,
                        "extractor": evidence.extractor,
                        "hedged": evidence.hedged,
                        "sentence": self.quote(evidence),
                    }
                    for evidence in statement.evidence
                ],
            )
        for subject, predicate, obj in self.links():
            result.add_edge(subject, obj, key=predicate, predicate=predicate, negated=False)
        return result

    def to_rdf(self, base: str = ontology.BASE) -> rdflib.Graph:
        """The graph as an rdflib `Graph`: the same triples that the exports and the SPARQL store hold."""
        from kg.rdf import to_rdflib

        return to_rdflib(self, base)


def above(graph: Graph, min_confidence: float) -> Graph:
    """The graph without statements of lower confidence, and without entities that nothing then speaks of.

    >>> above(Graph(), 0.5) == Graph()
    True
    """
    statements = tuple(statement for statement in graph.statements if statement.confidence >= min_confidence)
    named = {node for statement in statements for node in (statement.subject, statement.object)}
    named.update(node for result in graph.results for _, node in result_aspects(result))
    return replace(
        graph,
        statements=statements,
        entities=tuple(entity for entity in graph.entities if entity.id in named),
        mentions=tuple(mention for mention in graph.mentions if mention.entity in named),
        merges=tuple(merge for merge in graph.merges if merge.entity in named),
        catalogue_links=tuple(link for link in graph.catalogue_links if link.entity in named),
    )


def author_id(name: str) -> str:
    """The id of an author, who is known by name only."""
    return ontology.entity_id("Author", name)


def venue_id(name: str) -> str:
    """The id of a venue."""
    return ontology.entity_id("Venue", name)


def result_aspects(result: ReportedResult) -> Iterator[tuple[str, str]]:
    """(predicate, entity id) of what a result is about."""
    for predicate, node in (
        ("of_method", result.method),
        ("on_task", result.task),
        ("on_dataset", result.dataset),
        ("in_metric", result.metric),
    ):
        if node is not None:
            yield predicate, node


def parse_number(value: str) -> float | None:
    """The first number of a value as written, or None.

    >>> parse_number("1,024.5"), parse_number("−3%"), parse_number("five")
    (1024.5, -3.0, None)
    """
    match = _NUMBER.search(value)
    return None if match is None else float(match.group().replace(",", "").replace("−", "-"))


def _first_names(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    names: dict[str, str] = {}
    for identifier, name in sorted(pairs):
        names.setdefault(identifier, name)
    return names


def _spans(entity: ExtractedEntity) -> list[tuple[int, int]]:
    return [(mention.start, mention.end) for mention in entity.mentions]


def _roles(extraction: Extraction, nodes: dict[str, str], text: str) -> Iterator[tuple[Key, Evidence]]:
    """What each node is to the paper: the strongest role of what resolved to it, at its first places."""
    strength = [role.name for role in ontology.load().of_kind("role")]
    strongest: dict[str, ExtractedEntity] = {}
    for entity in sorted(extraction.entities, key=lambda entity: (strength.index(entity.role), entity.id)):
        if entity.id in nodes and entity.mentions:
            strongest.setdefault(nodes[entity.id], entity)
    title_end = text.index("\n")
    for node, entity in strongest.items():
        spans = sorted(_spans(entity))
        for span in (
            next((span for span in spans if span[1] <= title_end), None),
            next((span for span in spans if span[0] > title_end), None),
        ):
            if span is not None:
                score = round(entity.score * entity.role_score, 4)
                evidence = Evidence(
                    paper=extraction.paper, start=span[0], end=span[1], score=score, extractor=extraction.model
                )
                yield (extraction.paper, entity.role, node, False), evidence


def _relations(extraction: Extraction, nodes: dict[str, str], text: str) -> Iterator[tuple[Key, Evidence]]:
    """The relations between nodes; one whose ends became the same node says nothing and is dropped."""
    entity_by_id = {entity.id: entity for entity in extraction.entities}
    for relation in extraction.relations:
        head, tail = nodes.get(relation.head), nodes.get(relation.tail)
        if head is None or tail is None or head == tail:
            continue
        span: tuple[int, int] | None
        if relation.start is not None and relation.end is not None:
            span = (relation.start, relation.end)
        else:
            heads, tails = _spans(entity_by_id[relation.head]), _spans(entity_by_id[relation.tail])
            span = shortest_evidence(text, heads, tails, relation.predicate)
        if span is None:
            continue
        evidence = Evidence(
            paper=extraction.paper,
            start=span[0],
            end=span[1],
            score=relation.score,
            extractor=extraction.model,
            negated=relation.negated,
            hedged=relation.hedged,
        )
        yield (head, relation.predicate, tail, relation.negated), evidence


def _strength(evidence: Evidence) -> tuple[float, bool]:
    """Of two entities of a paper that became one node, the surer and firmer says what the place shows."""
    return (evidence.score, not evidence.hedged)


def _results(extraction: Extraction, nodes: dict[str, str], text: str) -> Iterator[ReportedResult]:
    """The reported numbers; one without offsets (gold) is placed where its value first stands in the text."""
    schema = ontology.load()
    aspects = [aspect.name for aspect in schema.of_kind("aspect")]
    for result in extraction.results:
        start, end = result.start, result.end
        if start is None or end is None:
            start = text.find(result.value)
            end = start + len(result.value)
        if start < 0:
            continue
        # People annotate a task where the entity is a method: the number stays, the link that cannot be does not.
        about = [
            node if node is not None and schema.allows("Result", aspect, ontology.type_of(node)) else None
            for aspect, node in zip(aspects, (nodes.get(one) if one else None for one in _aspects(result)), strict=True)
        ]
        yield ReportedResult(
            id=f"result:{digest(extraction.paper, start, end, result.value, *about)[:16]}",
            paper=extraction.paper,
            value=result.value,
            number=parse_number(result.value),
            unit=result.unit,
            method=about[0],
            task=about[1],
            dataset=about[2],
            metric=about[3],
            note=result.note,
            start=start,
            end=end,
            score=result.score,
        )


def _aspects(result: Result) -> tuple[str | None, ...]:
    return (result.method, result.task, result.dataset, result.metric)


def assemble(papers: Iterable[Paper], extractions: Iterable[Extraction], resolution: Resolution) -> Graph:
    """One graph of all extractions: equal statements unite their evidence; the order of the input does not matter.

    What no paper names is no node, and nothing points to it.
    """
    paper_by_id = {paper.id: paper for paper in papers}
    evidence: dict[Key, dict[tuple[str, int, int, str], Evidence]] = {}  # one at a place: see `evidence_id`
    mentions: list[EntityMention] = []
    results: dict[str, ReportedResult] = {}
    named_by: dict[str, set[str]] = {}
    for extraction in extractions:
        text = paper_by_id[extraction.paper].text
        nodes = {
            entity.id: resolution.assignments[extraction.paper, entity.id]
            for entity in extraction.entities
            if (extraction.paper, entity.id) in resolution.assignments
        }
        for entity in extraction.entities:
            node = nodes.get(entity.id)
            if node is None or not entity.mentions:
                continue
            named_by.setdefault(node, set()).add(extraction.paper)
            mentions.extend(
                EntityMention(
                    paper=extraction.paper,
                    extracted=entity.id,
                    entity=node,
                    type=mention.type,
                    start=mention.start,
                    end=mention.end,
                    text=text[mention.start : mention.end],
                    score=mention.score,
                )
                for mention in entity.mentions
            )
        for key, found in chain(_roles(extraction, nodes, text), _relations(extraction, nodes, text)):
            place = (found.paper, found.start, found.end, found.extractor)
            known = evidence.setdefault(key, {}).get(place)
            if known is None or _strength(found) > _strength(known):
                evidence[key][place] = found
        for reported in _results(extraction, nodes, text):
            results[reported.id] = reported
    entities = tuple(
        replace(
            entity,
            papers=len(named_by[entity.id]),
            broader=tuple(broader for broader in entity.broader if broader in named_by),
        )
        for entity in sorted(resolution.entities, key=lambda entity: entity.id)
        if entity.id in named_by
    )
    return Graph(
        papers=tuple(paper_by_id[identifier] for identifier in sorted(paper_by_id)),
        entities=entities,
        statements=tuple(
            Statement(
                subject=s, predicate=p, object=o, negated=n, evidence=tuple(sorted(evidence[s, p, o, n].values()))
            )
            for s, p, o, n in sorted(evidence)
        ),
        results=tuple(results[identifier] for identifier in sorted(results)),
        mentions=tuple(sorted(mentions, key=lambda m: (m.paper, m.extracted, m.entity, m.type, m.start, m.end))),
        merges=tuple(sorted(merge for merge in resolution.merges if merge.entity in named_by)),
    )
