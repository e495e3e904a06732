"""Why a node or a statement is in the graph: its names, merges, and statements with the sentences that say so.

>>> from kg.model import Entity, Evidence, Paper, Statement
>>> paper = Paper(id="paper:1", title="On Nets", abstract="We use BERT. It wins.")
>>> seen = Evidence(paper="paper:1", start=15, end=19, score=0.9, extractor="x")
>>> uses = Statement(subject="paper:1", predicate="uses", object="method:bert", evidence=(seen,))
>>> bert = Entity(id="method:bert", type="Method", name="BERT", papers=1)
>>> graph = Graph(papers=(paper,), entities=(bert,), statements=(uses,))
>>> explain(graph, "bert")["statements"][0]["evidence"][0]["sentence"]
'We use BERT.'
>>> explain(graph, "paper:1 uses BERT")["confidence"]
0.9
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from kg import ontology
from kg.find import resolve_name
from kg.graph import Graph, result_aspects
from kg.model import GraphError, Statement

_NOT = "not_"


def explain(graph: Graph, what: str, *, redirects: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """All about a node (an id or an unambiguous name) or a statement (its id, or `SUBJECT PREDICATE OBJECT`).

    The statements of a node are sorted by support and confidence, the strongest first.
    """
    try:
        identifier = resolve_name(graph, what, redirects=redirects)
    except GraphError:
        statement = find_statement(graph, what, redirects)
        if statement is None:
            raise
        return {"id": statement.id, **_said(graph, statement)}
    about = _about(graph, identifier)
    about["former_ids"] = sorted(former for former, today in redirects.items() if today == identifier)
    about["merges"] = [
        {"merged_name": m.merged_name, "rule": m.rule, "score": m.score, "decided_by": m.decided_by}
        for m in graph.merges
        if m.entity == identifier
    ]
    found = [s for s in graph.statements if identifier in (s.subject, s.object)]
    found.sort(key=lambda s: (-s.support, -s.confidence, s.key))
    about["statements"] = [_said(graph, statement) for statement in found]
    about["results"] = [
        {
            "id": r.id,
            "paper": r.paper,
            "value": r.value,
            **dict(result_aspects(r)),
            "note": r.note,
            "sentence": graph.quote(r),
        }
        for r in graph.results
        if identifier in (r.id, r.paper, r.method, r.task, r.dataset, r.metric)
    ]
    return about


def _about(graph: Graph, identifier: str) -> dict[str, Any]:
    kind = ontology.type_of(identifier)
    if identifier in graph.entity_by_id:
        entity = graph.entity_by_id[identifier]
        return {
            "id": identifier,
            "type": kind,
            "name": entity.name,
            "aliases": list(entity.aliases),
            "broader": list(entity.broader),
            "same_as": list(entity.same_as),
            "links": [
                {
                    "target": link.target,
                    "match": link.match,
                    "score": link.score,
                    "rule": link.rule,
                    "name": link.name,
                    "label": link.label,
                    "catalogue": link.catalogue,
                }
                for link in graph.links_by_entity.get(identifier, ())
            ],
            "papers": entity.papers,
        }
    if identifier in graph.paper_by_id:
        paper = graph.paper_by_id[identifier]
        return {
            "id": identifier,
            "type": kind,
            "name": paper.title,
            "authors": list(paper.authors),
            "year": paper.year,
            "venue": paper.venue,
            "url": paper.url,
        }
    names = {**graph.authors, **graph.venues, **{result.id: result.value for result in graph.results}}
    papers = sorted(subject for subject, _, target in graph.links() if target == identifier)
    return {"id": identifier, "type": kind, "name": names[identifier], "of_papers": papers}


def _said(graph: Graph, statement: Statement) -> dict[str, Any]:
    return {
        "subject": statement.subject,
        "predicate": statement.predicate,
        "object": statement.object,
        "negated": statement.negated,
        "confidence": statement.confidence,
        "support": statement.support,
        "evidence": [
            {
                "paper": evidence.paper,
                "start": evidence.start,
                "end": evidence.end,
                "score": evidence.score,
                "extractor": evidence.extractor,
                "hedged": evidence.hedged,
                "sentence": graph.quote(evidence),
            }
            for evidence in statement.evidence
        ],
    }


def find_statement(graph: Graph, what: str, redirects: Mapping[str, str], *, whole: bool = False) -> Statement | None:
    """The statement that `what` is an id of or spells out (`whole`: by whole names); None if it is something else."""
    asked = what.strip()
    if asked.startswith("statement:"):
        found = next((statement for statement in graph.statements if statement.id == asked), None)
        if found is None:
            raise GraphError(f"no statement has the id {asked}: kg explain with a node's id lists its statements")
        return found
    words = asked.split()
    known = ontology.load().predicates
    for place in range(1, len(words) - 1):
        predicate = words[place].lower().removeprefix(_NOT)  # as Cypher writes it, too
        if predicate not in known:
            continue
        heads, tails = ({signature[end] for signature in known[predicate].signatures} for end in (0, 1))
        try:  # a paper may be called as the method that it introduces, but only one of them can be meant
            subject = resolve_name(graph, " ".join(words[:place]), types=heads, redirects=redirects, whole=whole)
            obj = resolve_name(graph, " ".join(words[place + 1 :]), types=tails, redirects=redirects, whole=whole)
        except GraphError:
            if len(words) == 3:
                raise  # nothing else could be meant
            continue
        key = (subject, predicate, obj, words[place].lower().startswith(_NOT))
        found = next((statement for statement in graph.statements if statement.key == key), None)
        if found is not None:
            return found
        raise GraphError(
            f"the graph does not say {subject} {words[place]} {obj}: kg explain DIR {subject} lists what it says"
        )
    if len(words) == 3 and ":" in words[0] and ":" in words[2]:
        raise GraphError(f"{words[1]!r} is no predicate, known: {', '.join(sorted(known))}")
    return None
