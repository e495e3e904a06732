"""A graph by id: what concerns one node, found without going through all the others.

>>> from kg.model import Entity, Evidence, Paper, Statement
>>> bert = Entity(id="method:bert", type="Method", name="BERT", papers=1)
>>> seen = Evidence(paper="paper:1", start=3, end=7, score=0.9, extractor="x")
>>> uses = Statement(subject="paper:1", predicate="uses", object="method:bert", evidence=(seen,))
>>> graph = Graph(papers=(Paper(id="paper:1", title="On BERT"),), entities=(bert,), statements=(uses,))
>>> part = Index(graph).part("method:bert")
>>> [paper.id for paper in part.papers], part.statements == graph.statements
(['paper:1'], True)
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import cached_property

from kg.graph import Graph, author_id, result_aspects, venue_id
from kg.model import EntityMention, Evidence, Paper, ReportedResult, Statement, evidence_id


@dataclass(frozen=True)
class Index:
    """Ways into a graph: `part` is what a page is made of."""

    graph: Graph

    @cached_property
    def statements_by_node(self) -> dict[str, list[Statement]]:
        found: dict[str, list[Statement]] = {}
        for statement in self.graph.statements:
            for node in {statement.subject, statement.object}:
                found.setdefault(node, []).append(statement)
        return found

    @cached_property
    def statements_by_paper(self) -> dict[str, list[Statement]]:
        """The statements that a paper is evidence of."""
        found: dict[str, list[Statement]] = {}
        for statement in self.graph.statements:
            for paper in statement.papers:
                found.setdefault(paper, []).append(statement)
        return found

    @cached_property
    def results_by_node(self) -> dict[str, list[ReportedResult]]:
        """The results of a paper, or about an entity."""
        found: dict[str, list[ReportedResult]] = {}
        for result in self.graph.results:
            for node in dict.fromkeys((result.paper, *(entity for _, entity in result_aspects(result)))):
                found.setdefault(node, []).append(result)
        return found

    @cached_property
    def mentions_by_paper(self) -> dict[str, list[EntityMention]]:
        found: dict[str, list[EntityMention]] = {}
        for mention in self.graph.mentions:
            found.setdefault(mention.paper, []).append(mention)
        return found

    @cached_property
    def papers_by_name(self) -> dict[str, list[Paper]]:
        """The papers of an author or a venue."""
        found: dict[str, list[Paper]] = {}
        for paper in self.graph.papers:
            names = [author_id(author) for author in paper.authors]
            for name in dict.fromkeys([*names, *([venue_id(paper.venue)] if paper.venue else [])]):
                found.setdefault(name, []).append(paper)
        return found

    @cached_property
    def cited_by(self) -> dict[str, list[Paper]]:
        found: dict[str, list[Paper]] = {}
        for paper in self.graph.papers:
            for cited in paper.cites:
                found.setdefault(cited, []).append(paper)
        return found

    @cached_property
    def statement_by_id(self) -> dict[str, Statement]:
        return {statement.id: statement for statement in self.graph.statements}

    @cached_property
    def evidence_by_id(self) -> dict[str, tuple[Statement, Evidence]]:
        return {
            evidence_id(statement, evidence): (statement, evidence)
            for statement in self.graph.statements
            for evidence in statement.evidence
        }

    @cached_property
    def result_by_id(self) -> dict[str, ReportedResult]:
        return {result.id: result for result in self.graph.results}

    def __contains__(self, identifier: str) -> bool:
        nodes: Container[str]
        match identifier.partition(":")[0]:
            case "paper":
                nodes = self.graph.paper_by_id
            case "author":
                nodes = self.graph.authors
            case "venue":
                nodes = self.graph.venues
            case "statement":
                nodes = self.statement_by_id
            case "evidence":
                nodes = self.evidence_by_id
            case "result":
                nodes = self.result_by_id
            case _:
                nodes = self.graph.entity_by_id
        return identifier in nodes

    def part(self, identifier: str) -> Graph:
        """The part of the graph that concerns one node: it, its statements, results and papers, and their ends."""
        kind = identifier.partition(":")[0]
        statements: Iterable[Statement] = self.statements_by_node.get(identifier, ())
        results: Iterable[ReportedResult] = self.results_by_node.get(identifier, ())
        papers: list[Paper] = []
        if kind == "paper":
            statements = {s.key: s for s in (*statements, *self.statements_by_paper.get(identifier, ()))}.values()
            paper = self.graph.paper_by_id[identifier]
            cited = (self.graph.paper_by_id[cite] for cite in paper.cites if cite in self.graph.paper_by_id)
            papers = [paper, *cited, *self.cited_by.get(identifier, ())]
        elif kind in {"author", "venue"}:
            papers = self.papers_by_name.get(identifier, [])
        elif kind == "statement":
            statements = (self.statement_by_id[identifier],)
        elif kind == "evidence":
            statements = (self.evidence_by_id[identifier][0],)
        elif kind == "result":
            results = (self.result_by_id[identifier],)
        statements, results = list(statements), list(results)
        ends = {end for statement in statements for end in (statement.subject, statement.object)}
        ends |= {entity for result in results for _, entity in result_aspects(result)} | {identifier}
        own = self.graph.entity_by_id.get(identifier)
        if own is not None:
            ends |= set(own.broader)
        read = {paper.id for paper in papers}
        read |= {paper for statement in statements for paper in statement.papers} | {result.paper for result in results}
        read |= {end for end in ends if end.startswith("paper:")}
        return Graph(
            papers=tuple(self.graph.paper_by_id[paper] for paper in sorted(read)),
            entities=tuple(self.graph.entity_by_id[end] for end in sorted(ends) if end in self.graph.entity_by_id),
            statements=tuple(sorted(statements, key=lambda statement: statement.key)),
            results=tuple(sorted(results, key=lambda result: result.id)),
            mentions=tuple(mention for paper in sorted(read) for mention in self.mentions_by_paper.get(paper, ())),
            merges=tuple(merge for merge in self.graph.merges if merge.entity == identifier),
            catalogue_links=self.graph.links_by_entity.get(identifier, ()),
        )
