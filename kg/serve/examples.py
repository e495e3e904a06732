"""Questions to begin with: those of the catalogue, about what this graph says most of.

>>> from kg.model import Entity, Evidence, Paper, Statement
>>> seen = Evidence(paper="paper:1", start=0, end=4, score=0.9, extractor="x")
>>> uses = Statement(subject="paper:1", predicate="uses", object="method:bert", evidence=(seen,))
>>> bert = Entity(id="method:bert", type="Method", name="BERT", papers=1)
>>> graph = Graph(papers=(Paper(id="paper:1", title="On BERT"),), entities=(bert,), statements=(uses,))
>>> print(next(example for example in examples(graph, "sparql") if example.name == "outperformed").title)
Which methods is a method said to outperform, and where? (BERT)
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kg.graph import Graph, author_id
from kg.queries import Question, catalogue
from kg.stores import Language
from kg.stores.text import cypher_tokens, with_parameters

#: The questions that the start page shows.
START = (
    "methods",
    "tasks",
    "datasets",
    "best-supported",
    "outperforms",
    "datasets-of-task",
    "used-together",
    "leaderboards",
    "contradictions",
    "tasks-by-year",
)

# Of whom a question is asked: of the node that stands most often at this end of this predicate.
_ABOUT = (
    ("ancestors method", "based_on", "subject"),
    ("based-on method", "based_on", "subject"),
    ("benchmarks-of-task task", "benchmark_for", "object"),
    ("compared method", "compared_with", "subject"),
    ("concepts-of-method method", "exhibits", "subject"),
    ("datasets-of-method method", "evaluated_on", "subject"),
    ("descendants method", "based_on", "object"),
    ("introduced-by node", "introduces", "object"),
    ("introduces paper", "introduces", "subject"),
    ("methods-for-task task", "used_for", "object"),
    ("methods-on-dataset dataset", "evaluated_on", "object"),
    ("metrics-of-task task", "measured_by", "subject"),
    ("outperformed method", "outperforms", "subject"),
    ("outperforms method", "outperforms", "object"),
    ("parts method", "part_of", "object"),
    ("tasks-of-method method", "used_for", "subject"),
)


@dataclass(frozen=True)
class Example:
    """A question of the catalogue, and the query that answers it, with all its parameters filled in."""

    name: str
    title: str
    query: str


def examples(graph: Graph, language: Language) -> tuple[Example, ...]:
    """The questions of the catalogue that can be asked of a graph, those of the start page first."""
    known = catalogue()
    found = []
    chosen = _chosen(graph)
    for name in (*START, *(name for name in known if name not in START)):
        values = _values(known[name], chosen)
        if values is not None:
            named = [graph.entity_by_id[value].name for value in values.values() if value in graph.entity_by_id]
            title = known[name].question + (f" ({', '.join(named)})" if named else "")
            found.append(Example(name, title, _filled(known[name], language, values)))
    return tuple(found)


def _values(question: Question, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """A value for each parameter; None where the graph has none."""
    values = {}
    for parameter in question.parameters:
        value = parameter.default
        for key in (f"{question.name} {parameter.name}", parameter.kind):
            value = chosen.get(key) if value is None else value
        if value is None and parameter.kind == "text":
            value = parameter.example
        if value is None:
            return None
        values[parameter.name] = value
    return values


def _chosen(graph: Graph) -> dict[str, Any]:
    """What to ask about: by the kind of a parameter, or by question and parameter."""
    often: Counter[str] = Counter()
    for statement in graph.statements:
        # Relations weigh more: most questions are about them.
        weight = 1 if statement.subject.startswith("paper:") else 3
        often.update({statement.subject: weight, statement.object: weight})
    ranked = sorted(often, key=lambda node: (-often[node], node))
    chosen: dict[str, Any] = {}
    for node in ranked:
        kind = node.partition(":")[0].capitalize()
        chosen.setdefault(kind, node)
        if kind != "Paper":
            chosen.setdefault("Entity", node)
            chosen.setdefault("Node", node)
            if node != chosen["Node"]:
                chosen.setdefault("chain to", node)
    authors = Counter(author for paper in graph.papers for author in paper.authors)
    if authors:
        chosen["Author"] = author_id(min(authors, key=lambda author: (-authors[author], author)))
    years = Counter(paper.year for paper in graph.papers if paper.year is not None)
    if years:
        chosen["introduced-in-year year"] = min(years, key=lambda year: (-years[year], year))
    relations = [statement for statement in graph.statements if not statement.subject.startswith("paper:")]
    if relations:
        best = min(relations, key=lambda statement: (-statement.support, -statement.confidence, statement.key))
        chosen["evidence subject"] = best.subject
        chosen["evidence predicate"] = best.predicate
        chosen["evidence object"] = best.object
    for question, predicate, end in _ABOUT:
        kind = question.partition(" ")[2]
        prefix = "" if kind == "node" else f"{kind}:"
        ends = Counter(
            node for s in graph.statements if s.predicate == predicate and (node := getattr(s, end)).startswith(prefix)
        )
        if ends:
            chosen[question] = min(ends, key=lambda node: (-ends[node], node))
    whole = next((r for r in graph.results if r.task and r.dataset and r.metric), None)
    if whole is not None:
        chosen |= {f"leaderboard {key}": getattr(whole, key) for key in ("task", "dataset", "metric")}
    return chosen


def _filled(question: Question, language: Language, values: Mapping[str, Any]) -> str:
    """The text of a question with its parameters written out."""
    if language == "sparql":
        return with_parameters(question.text("sparql"), values).strip()
    text = question.text("ladybug")
    pieces, end = [], 0
    for token in cypher_tokens(text):
        if token.kind == "parameter":
            value = json.dumps(values[token.text[1:]], ensure_ascii=False)
            pieces += [text[end : token.start], value]
            end = token.start + len(token.text)
    return "".join([*pieces, text[end:]]).strip()
