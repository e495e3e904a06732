"""A picture of a graph: one HTML page, made by pyvis, that needs no network and shows the sentence behind each edge.

>>> import tempfile
>>> from kg.graph import Graph
>>> from kg.model import Entity, Evidence, Paper, Statement
>>> paper = Paper(id="paper:1", title="BERT for NLI")
>>> said = Evidence(paper="paper:1", start=0, end=12, score=0.9, extractor="kg")
>>> nodes = (Entity(id="method:bert", type="Method", name="BERT"), Entity(id="task:nli", type="Task", name="NLI"))
>>> used = Statement(subject="method:bert", predicate="used_for", object="task:nli", evidence=(said,))
>>> graph = Graph(papers=(paper,), entities=nodes, statements=(used,))
>>> with tempfile.TemporaryDirectory() as folder:
...     picture = draw(graph, Path(folder) / "bert.html")
>>> picture.nodes, [statement.predicate for statement in picture.statements]
(('method:bert', 'task:nli'), ['used_for'])
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlsplit

from kg import ontology
from kg.aside import text_aside
from kg.graph import Graph
from kg.layout import arrange
from kg.model import Evidence, KGError, Paper, Statement
from kg.sentences import sentence_at

#: How many nodes a picture holds unless told otherwise.
LIMIT = 150

# A shape for each type beside its colour, so that the picture can be read without seeing colours.
_SHAPES = MappingProxyType(
    {
        "Method": "dot",
        "Task": "square",
        "Dataset": "diamond",
        "Metric": "triangle",
        "Concept": "hexagon",
        "Paper": "star",
    }
)
_MOST_SENTENCES = 20
_MOST_PAPERS = 40
_LABEL_WIDTH, _LABEL_LINES = 20, 2
_SMALLEST, _LARGEST = 6.0, 22.0
# Not the red of tasks: a denial should be seen among their edges.
_NEGATED_COLOR = "#22272e"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What is drawn of a graph: ids of nodes, the best supported first, and the statements between them."""

    nodes: tuple[str, ...]
    statements: tuple[Statement, ...]
    focus: str | None = None


def draw(
    graph: Graph,
    path: str | Path,
    *,
    around: str | None = None,
    depth: int = 1,
    limit: int = LIMIT,
    min_confidence: float = 0.0,
    papers: bool = False,
    title: str = "Knowledge graph",
) -> Picture:
    """Write a picture of the graph to an HTML file, and say what is in it; see `choose` for the arguments."""
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise KGError(f"{target}: a picture is an HTML page: give a file that ends in .html")
    picture = choose(graph, around=around, depth=depth, limit=limit, min_confidence=min_confidence, papers=papers)
    html = page(graph, picture, title=title)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with text_aside(target) as file:
            file.write(html)
    except OSError as error:
        raise KGError(f"{target}: cannot be written: {error.strerror or error}") from error
    return picture


def choose(
    graph: Graph,
    *,
    around: str | None = None,
    depth: int = 1,
    limit: int = LIMIT,
    min_confidence: float = 0.0,
    papers: bool = False,
) -> Picture:
    """At most `limit` nodes and the statements between them that are at least `min_confidence` sure.

    Without `around` these are the ends of the best-supported relations (then: most confident, most named). With it,
    they are this node and what at most `depth` steps lead to. `papers` draws papers as nodes, too; they are drawn in
    any case when `around` is a paper, and when relations reach fewer than half of the entities that there is room for.
    """
    known = graph.entity_by_id.keys() | graph.paper_by_id.keys()
    if around is not None and around not in known:
        raise KGError(f"{around!r} is no entity or paper of this graph: kg find looks one up by its name")
    ranked = sorted(
        (s for s in graph.statements if s.confidence >= min_confidence and {s.subject, s.object} <= known),
        key=lambda statement: _rank(graph, statement),
    )
    if graph.statements and not ranked:
        raise KGError(f"no statement of this graph is as sure as {min_confidence:g}: give a lower --min-confidence")
    relations = [statement for statement in ranked if statement.subject not in graph.paper_by_id]
    if around is not None:
        related = any(around in (statement.subject, statement.object) for statement in relations)
        allowed = ranked if papers or around in graph.paper_by_id or not related else relations
        nodes = _neighbourhood(allowed, around, depth=depth, limit=limit)
    else:
        reached = _ends(relations, limit)
        allowed = ranked if papers or 2 * len(reached) < min(limit, len(graph.entities)) else relations
        nodes = _with_papers(graph, ranked, limit) if allowed is ranked else reached
    drawn = set(nodes)
    statements = tuple(sorted((s for s in allowed if {s.subject, s.object} <= drawn), key=lambda s: s.key))
    return Picture(nodes=tuple(nodes), statements=statements, focus=around)


def page(graph: Graph, picture: Picture, *, title: str = "Knowledge graph") -> str:
    """The picture as one HTML page that holds all it needs; the same picture gives the same page."""
    import networkx as nx
    import pyvis
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from pyvis.network import Network

    data = _data(graph, picture)
    radii = _radii(picture.nodes, data["nodes"])
    # A box holds the node and, beneath it, its label of about 6.4 pixels a character and 15 a line.
    boxes = {
        node: (
            max(2 * radii[node], 6.4 * max(map(len, data["nodes"][node]["lines"]))) + 14,
            2 * radii[node] + 15 * len(data["nodes"][node]["lines"]) + 12,
        )
        for node in picture.nodes
    }
    shape: nx.Graph[str] = nx.Graph()
    shape.add_nodes_from(picture.nodes)
    shape.add_edges_from((s.subject, s.object) for s in picture.statements if s.subject != s.object)
    places = arrange(shape, boxes)
    network = Network(directed=True, cdn_resources="in_line")
    types = ontology.load().types
    for node in picture.nodes:
        kind = data["nodes"][node]["type"]
        x, y = places[node]
        network.add_node(
            node,
            label=" ",  # the page writes the labels itself, where there is room
            shape=_SHAPES[kind],
            color=types[kind].color,
            size=radii[node],
            x=x,
            y=round(y - boxes[node][1] / 2 + radii[node], 1),
        )
    parallel: dict[frozenset[str], int] = {}
    # Many edges are drawn pale, so that those with support stand out.
    crowd = max(1.0, len(picture.statements) / (1.5 * max(len(picture.nodes), 1)))
    for statement in picture.statements:
        ends = frozenset((statement.subject, statement.object))
        parallel[ends] = parallel.get(ends, -1) + 1
        network.add_edge(
            statement.subject,
            statement.object,
            id=statement.id,
            **_line(graph, statement, parallel[ends], 0.5 / crowd, types),
        )
    network.set_options(json.dumps(_OPTIONS))
    nodes, edges, _, _, _, options = network.get_network_data()
    library = Path(pyvis.__file__).parent / "lib"
    script = max(library.glob("vis-9*/vis-network.min.js")).read_text("utf-8")
    if "</script" in script.lower():
        raise KGError("the vis-network script of this pyvis cannot stand inside a page: install pyvis 0.3.2")
    data["nodes"] = [data["nodes"][node] for node in picture.nodes]
    environment = Environment(loader=PackageLoader("kg", "."), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("draw_template.html").render(
        title=title,
        summary=_summary(graph, picture),
        vis_network=script,
        data=_embed({**data, "network": {"nodes": nodes, "edges": edges, "options": json.loads(options)}}),
    )


_OPTIONS = {
    "autoResize": False,
    "physics": {"enabled": False},
    "layout": {"improvedLayout": False},
    "nodes": {"borderWidth": 1.5, "borderWidthSelected": 3},
    "edges": {
        "arrows": {"to": {"enabled": True, "scaleFactor": 0.45}},
        "hoverWidth": 1.2,
        "selectionWidth": 1.2,
        "smooth": False,
    },
    "interaction": {
        "hover": True,
        "hoverConnectedEdges": False,
        "selectConnectedEdges": False,
        "multiselect": False,
        "tooltipDelay": 100000,
    },
}


def _rank(graph: Graph, statement: Statement) -> tuple[Any, ...]:
    """The best statement is the smallest: denials last, then by papers, confidence, how often its ends are named."""
    named = sorted(_papers_of(graph, node) for node in (statement.subject, statement.object))
    return (statement.negated, -statement.support, -statement.confidence, -named[0], -named[1], statement.key)


def _papers_of(graph: Graph, node: str) -> int:
    entity = graph.entity_by_id.get(node)
    return 1 if entity is None else entity.papers


def _ends(ranked: Iterable[Statement], limit: int) -> list[str]:
    """The ends of the statements in their order, as long as both fit within the limit."""
    nodes: dict[str, None] = {}
    for statement in ranked:
        new = dict.fromkeys(node for node in (statement.subject, statement.object) if node not in nodes)
        if len(nodes) + len(new) <= limit:
            nodes.update(new)
    return list(nodes)


def _with_papers(graph: Graph, ranked: list[Statement], limit: int) -> list[str]:
    """Two thirds entities: those that relations join, then the most named; one third papers that name most of them."""
    relations = [statement for statement in ranked if statement.subject not in graph.paper_by_id]
    roles = [statement for statement in ranked if statement.subject in graph.paper_by_id]
    room = limit - min(limit // 3, len(graph.papers))
    entities = dict.fromkeys(_ends(relations, room))
    for entity in sorted(graph.entities, key=lambda entity: (-entity.papers, entity.id)):
        if len(entities) < room:
            entities.setdefault(entity.id)
    named: dict[str, int] = {}
    for role in roles:
        if role.object in entities:
            named[role.subject] = named.get(role.subject, 0) + 1
    chosen = sorted(named, key=lambda paper: (-named[paper], paper))[: limit - len(entities)]
    nodes = [*entities, *chosen]
    drawn = set(nodes)
    joined = {
        end for s in ranked if {s.subject, s.object} <= drawn and s.subject != s.object for end in (s.subject, s.object)
    }
    return [node for node in nodes if node in joined] or nodes


def _neighbourhood(ranked: Iterable[Statement], around: str, *, depth: int, limit: int) -> list[str]:
    """The nodes at most `depth` steps from `around`, nearest first and within a step the best-supported first."""
    beside: dict[str, list[str]] = {}
    for statement in ranked:
        beside.setdefault(statement.subject, []).append(statement.object)
        beside.setdefault(statement.object, []).append(statement.subject)
    nodes, edge = {around: None}, [around]
    for _ in range(depth):
        following = dict.fromkeys(node for inner in edge for node in beside.get(inner, ()) if node not in nodes)
        edge = list(following)[: max(limit - len(nodes), 0)]
        nodes.update(dict.fromkeys(edge))
    return list(nodes)


def _radii(nodes: Iterable[str], data: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """A node's area grows with the number of papers that name it."""
    most = max([12, *(data[node]["papers"] for node in nodes)])
    return {node: round(_SMALLEST + (_LARGEST - _SMALLEST) * (data[node]["papers"] / most) ** 0.5, 1) for node in nodes}


def _line(
    graph: Graph, statement: Statement, number: int, opacity: float, types: Mapping[str, ontology.NodeType]
) -> dict[str, Any]:
    """How an edge looks: the subject's colour, stronger with support; parallel edges bend apart."""
    if statement.subject in graph.entity_by_id:
        color = types[graph.entity_by_id[statement.subject].type].color
    else:
        color = types["Paper"].color
    color = _NEGATED_COLOR if statement.negated else color
    look: dict[str, Any] = {
        "width": round(min(1.3 + 0.5 * (statement.support - 1), 4.5), 2),
        "color": {
            "color": color,
            "highlight": color,
            "hover": color,
            "opacity": 0.7
            if statement.negated
            else round(min(max(opacity, 0.16) + 0.12 * (statement.support - 1), 0.85), 2),
            "inherit": False,
        },
    }
    if statement.negated:
        look["dashes"] = [7, 5]
    elif _hedged(statement):
        look["dashes"] = [2, 4]
    if number:
        # Clockwise is seen from the subject, so an edge that runs back bends to the other side for the same word.
        clockwise = (number % 2 == 1) == (statement.subject < statement.object)
        bend = round(0.12 * ((number + 1) // 2), 2)
        look["smooth"] = {"enabled": True, "type": "curvedCW" if clockwise else "curvedCCW", "roundness": bend}
    return look


def _hedged(statement: Statement) -> bool:
    return bool(statement.evidence) and all(evidence.hedged for evidence in statement.evidence)


def _data(graph: Graph, picture: Picture) -> dict[str, Any]:
    """All that the page tells about the nodes and edges, ready for JSON; papers are numbered where they are cited."""
    schema = ontology.load()
    drawn = set(picture.nodes)
    papers: dict[str, int] = {}
    roles: dict[str, list[tuple[int, str, Statement]]] = {}
    outside: dict[str, int] = {}
    strength = {role.name: number for number, role in enumerate(schema.of_kind("role"))}
    for statement in graph.statements:
        if statement.subject in graph.paper_by_id and statement.predicate in strength:
            for node in {statement.subject, statement.object} & drawn:
                roles.setdefault(node, []).append((strength[statement.predicate], statement.subject, statement))
        elif statement.subject not in drawn or statement.object not in drawn:
            for node in {statement.subject, statement.object} & drawn:
                outside[node] = outside.get(node, 0) + 1

    def number(paper: str) -> int:
        return papers.setdefault(paper, len(papers))

    nodes: dict[str, dict[str, Any]] = {}
    for node in picture.nodes:
        entity = graph.entity_by_id.get(node)
        said = sorted(roles.get(node, ()), key=lambda item: (item[0], item[1], item[2].object))
        if entity is None:
            paper = graph.paper_by_id[node]
            nodes[node] = {
                "id": node,
                "type": "Paper",
                "name": paper.title,
                "paper": number(node),
                "by": ", ".join(paper.authors[:6]) + (" and others" if len(paper.authors) > 6 else ""),
                "when": " ".join(str(part) for part in (paper.venue, paper.year) if part is not None),
                "papers": 1,
            }
        else:
            nodes[node] = {
                "id": node,
                "type": entity.type,
                "name": entity.name,
                "aliases": [alias for alias in entity.aliases if alias != entity.name],
                "papers": entity.papers,
                "roles": [
                    [schema.predicates[role.predicate].label, number(role.subject)]
                    for _, _, role in said[:_MOST_PAPERS]
                ],
                "outside": outside.get(node, 0),
            }
        nodes[node]["lines"] = _label(nodes[node]["name"])
    marked = _marked_mentions(graph, picture)
    edges = [
        {
            "id": statement.id,
            "from": statement.subject,
            "to": statement.object,
            "predicate": statement.predicate,
            "negated": statement.negated,
            "hedged": _hedged(statement),
            "confidence": statement.confidence,
            "support": statement.support,
            "evidence": [
                {
                    "paper": number(evidence.paper),
                    "score": evidence.score,
                    "hedged": evidence.hedged,
                    "sentence": _highlight(graph, statement, evidence, marked),
                }
                for evidence in said[:_MOST_SENTENCES]
            ],
            "more": max(len(said) - _MOST_SENTENCES, 0),
        }
        for statement in picture.statements
        for said in [_one_a_sentence(graph, statement)]
    ]
    present = [nodes[node]["type"] for node in picture.nodes]
    used = [edge["predicate"] for edge in edges]
    return {
        "types": [
            {
                "name": kind.name,
                "label": kind.label,
                "comment": kind.comment,
                "color": kind.color,
                "shape": _SHAPES[kind.name],
                "count": present.count(kind.name),
            }
            for kind in schema.types.values()
            if kind.name in present
        ],
        "predicates": [
            {
                "name": predicate.name,
                "label": predicate.label,
                "comment": predicate.comment,
                "count": used.count(predicate.name),
            }
            for predicate in schema.predicates.values()
            if predicate.name in used
        ],
        "nodes": nodes,
        "edges": edges,
        "papers": [_paper(graph.paper_by_id[paper]) for paper in papers],
        "focus": picture.focus,
    }


def _one_a_sentence(graph: Graph, statement: Statement) -> list[Evidence]:
    """The statement's evidence, the surest first, of equals the shortest; the same sentence of a paper once."""
    found: dict[tuple[str, tuple[int, int]], Evidence] = {}
    for evidence in sorted(statement.evidence, key=lambda e: (-e.score, e.end - e.start, e)):
        text = graph.paper_by_id[evidence.paper].text
        found.setdefault((evidence.paper, sentence_at(text, evidence.start, evidence.end)), evidence)
    return list(found.values())


def _marked_mentions(graph: Graph, picture: Picture) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """(paper, node) -> where the paper names the node, for the papers and nodes that the picture quotes."""
    quoted = {evidence.paper for statement in picture.statements for evidence in statement.evidence}
    drawn = set(picture.nodes)
    marked: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for mention in graph.mentions:
        if mention.entity in drawn and mention.paper in quoted:
            marked.setdefault((mention.paper, mention.entity), []).append((mention.start, mention.end))
    return marked


def _highlight(
    graph: Graph,
    statement: Statement,
    evidence: Evidence,
    marked: Mapping[tuple[str, str], list[tuple[int, int]]],
) -> list[list[str | int]]:
    """The sentence in pieces: [text, 0], [name of the subject, 1], [name of the object, 2]."""
    text = graph.paper_by_id[evidence.paper].text
    start, end = sentence_at(text, evidence.start, evidence.end)
    spans = [
        (*span, which)
        for which, node in ((1, statement.subject), (2, statement.object))
        for span in marked.get((evidence.paper, node), ())
        if start <= span[0] and span[1] <= end
    ]
    pieces: list[list[str | int]] = []
    at = start
    for begin, stop, which in sorted(spans, key=lambda span: (span[0], -span[1], span[2])):
        if begin < at:
            continue
        if begin > at:
            pieces.append([text[at:begin], 0])
        pieces.append([text[begin:stop], which])
        at = stop
    if at < end:
        pieces.append([text[at:end], 0])
    return pieces


def _paper(paper: Paper) -> dict[str, str | None]:
    """A paper's title and, when it has one, a link: its address, or else arXiv's or the DOI's."""
    link = None
    if paper.url and urlsplit(paper.url).scheme in ("http", "https"):
        link = paper.url
    elif paper.arxiv_id:
        link = f"https://arxiv.org/abs/{quote(paper.arxiv_id)}"
    elif paper.doi:
        link = f"https://doi.org/{quote(paper.doi)}"
    return {"title": paper.title, "link": link}


def _label(name: str) -> list[str]:
    """A name in at most two short lines.

    >>> _label("BERT"), _label("Bidirectional encoder representations from transformers")
    (['BERT'], ['Bidirectional', 'encoder…'])
    """
    lines = textwrap.wrap(
        name, _LABEL_WIDTH, max_lines=_LABEL_LINES, placeholder="…", break_long_words=True, break_on_hyphens=True
    )
    return lines or [name]


def _summary(graph: Graph, picture: Picture) -> str:
    """One line: how much of the graph is drawn."""

    def count(number: int, one: str, many: str) -> str:
        return f"{number:,} {one if number == 1 else many}"

    papers = sum(node in graph.paper_by_id for node in picture.nodes)
    parts = [f"{len(picture.nodes) - papers:,} of {count(len(graph.entities), 'entity', 'entities')}"]
    if papers:
        parts.append(f"{papers:,} of {count(len(graph.papers), 'paper', 'papers')}")
    parts.append(count(len(picture.statements), "statement", "statements"))
    if not papers:
        parts.append(f"from {count(len(graph.papers), 'paper', 'papers')}")
    return " · ".join(parts)


def _embed(value: Any) -> str:
    r"""JSON that may stand inside a script element whatever the texts hold.

    >>> _embed({"a": "</script><!-- &"})
    '{"a":"\\u003c/script\\u003e\\u003c!-- \\u0026"}'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
