"""GraphML and GEXF for graph tools, node-link JSON for NetworkX and D3; all three by way of NetworkX.

GraphML and GEXF hold scalars only: an edge has the number of its pieces of evidence, their best score, the ids of the
papers, and the sentence of the best evidence. `nx.read_graphml(path, force_multigraph=True)` and `nx.read_gexf(path)`
give back the nodes and the edges with their keys; node-link JSON is read by
`nx.node_link_graph(json.load(file), edges="edges")`, and its edges have all their evidence.

>>> from kg.model import Entity
>>> from kg.graph import Graph
>>> flat(Graph(entities=(Entity(id="method:bert", type="Method", name="BERT", papers=2),))).nodes["method:bert"]
{'label': 'BERT', 'type': 'Method', 'papers': 2}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from kg import ontology
from kg.graph import Graph
from kg.property_graph import former_ids
from kg.rdf import legal

if TYPE_CHECKING:
    import networkx as nx

_LINE_ENDS = re.compile(r"\r\n?")
_SURROGATES = re.compile("[\ud800-\udfff]")


def flat(graph: Graph, *, redirects: Mapping[str, str] = MappingProxyType({})) -> nx.MultiDiGraph[str]:
    """The graph with scalars only, keyed as `Graph.to_networkx` does; what is empty is left out.

    What earlier builds called a node (`redirects`) is its `former_ids`, with blanks between.
    """
    import networkx as nx

    flattened: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    former = former_ids(redirects)

    def add_node(identifier: str, **values: Any) -> None:
        values["former_ids"] = " ".join(former.get(identifier, ()))
        flattened.add_node(legal(identifier), **_scalars(values))

    for paper in graph.papers:
        add_node(paper.id, label=paper.title, type="Paper", year=paper.year, url=paper.url, doi=paper.doi)
    for entity in graph.entities:
        aliases = " | ".join(entity.aliases)
        add_node(entity.id, label=entity.name, type=entity.type, papers=entity.papers, aliases=aliases)
    for identifier, name in graph.authors.items():
        add_node(identifier, label=name, type="Author")
    for identifier, name in graph.venues.items():
        add_node(identifier, label=name, type="Venue")
    for result in graph.results:
        add_node(
            result.id,
            label=result.value,
            type="Result",
            number=result.number,
            unit=result.unit,
            note=result.note,
            score=result.score,
            sentence=graph.quote(result),
        )
    for statement in graph.statements:
        best = max(statement.evidence, key=lambda evidence: evidence.score, default=None)
        values = {
            "predicate": statement.predicate,
            "negated": statement.negated,
            "confidence": statement.confidence,
            "support": statement.support,
            "papers": " ".join(statement.papers),
            "evidence": len(statement.evidence),
            "score": None if best is None else best.score,
            "hedged": best is not None and all(evidence.hedged for evidence in statement.evidence),
            "sentence": None if best is None else graph.quote(best),
        }
        key = f"not_{statement.predicate}" if statement.negated else statement.predicate
        flattened.add_edge(legal(statement.subject), legal(statement.object), key=key, **_scalars(values))
    for subject, predicate, obj in graph.links():
        flattened.add_edge(legal(subject), legal(obj), key=predicate, predicate=predicate, negated=False)
    return flattened


def write_graphml(graph: Graph, out: BinaryIO, *, redirects: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write GraphML. An edge's key is its attribute `key`: as the edge's id it would not be unique in the file."""
    from networkx.readwrite.graphml import GraphMLWriter

    flattened = flat(graph, redirects=redirects)
    for _, _, key, values in flattened.edges(keys=True, data=True):
        values["key"] = key
    writer = GraphMLWriter(flattened, encoding="utf-8", prettyprint=True)
    for edge in writer.xml.iter("edge"):
        del edge.attrib["id"]
    writer.dump(out)


def write_gexf(graph: Graph, out: BinaryIO, *, redirects: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write GEXF, coloured by type; an edge's weight is its confidence, its label the predicate's."""
    from networkx.readwrite.gexf import GEXFWriter

    flattened = flat(graph, redirects=redirects)
    schema = ontology.load()
    for _, values in flattened.nodes(data=True):
        if values.get("type") in schema.types:
            red, green, blue = bytes.fromhex(schema.types[values["type"]].color.removeprefix("#"))
            values["viz"] = {"color": {"r": red, "g": green, "b": blue, "a": 1.0}}
    for number, (_, _, values) in enumerate(flattened.edges(data=True)):
        known = schema.predicates.get(values["predicate"])
        values["id"] = number
        values["label"] = ("not " if values["negated"] else "") + (known.label if known else values["predicate"])
        values["weight"] = values.get("confidence", 1.0)
    writer = GEXFWriter(encoding="utf-8", prettyprint=True, version="1.2draft")
    writer.add_graph(flattened)
    meta = writer.xml.find("meta")
    del meta.attrib["lastmodifieddate"]  # the same graph is the same bytes tomorrow
    meta.find("creator").text = "kg"
    writer.write(out)


def write_node_link(graph: Graph, out: TextIO, *, redirects: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write node-link JSON (`edges="edges"`), one node and one edge a line; former ids are the graph's `former_ids`."""
    import networkx as nx

    data = nx.node_link_data(graph.to_networkx(), edges="edges")
    about = {"former_ids": dict(sorted(redirects.items()))} if redirects else {}
    out.write(f'{{"directed": true, "multigraph": true, "graph": {_json(about)},\n"nodes": [')
    out.write(",".join(f"\n{_json(node)}" for node in data["nodes"]))
    out.write('\n],\n"edges": [')
    out.write(",".join(f"\n{_json(edge)}" for edge in data["edges"]))
    out.write("\n]}\n")


def _json(value: Any) -> str:
    return _SURROGATES.sub("\ufffd", json.dumps(value, ensure_ascii=False))


def _scalars(values: dict[str, Any]) -> dict[str, Any]:
    """Without None and empty text; text as XML gives it back."""
    kept = {}
    for name, value in values.items():
        if isinstance(value, str):
            value = _LINE_ENDS.sub("\n", legal(value))
        if value is not None and value != "":
            kept[name] = value
    return kept
