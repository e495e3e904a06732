"""Checks a graph against the shapes of `ontology/shapes.ttl`, and against what SHACL core cannot say.

>>> from kg.graph import Graph
>>> from kg.model import Paper
>>> for violation in validate(Graph(papers=(Paper(id="paper:1", title=""),))):
...     print(violation)
paper:1: a paper has exactly one title
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from kg import ontology
from kg.graph import Graph
from kg.model import GraphError, ReadError, noisy_or
from kg.ontology import BASE, KG, NAMESPACES
from kg.rdf import rdflib_graph, to_rdflib
from kg.read.opening import Source

if TYPE_CHECKING:
    import rdflib
    from rdflib.term import Node


@dataclass(frozen=True, order=True)
class Violation:
    """A node that breaks a rule; `value` is what was found there, when the rule is about a value."""

    node: str
    rule: str
    value: str | None = None

    def __str__(self) -> str:
        found = "" if self.value is None else f" (found: {self.value})"
        return " ".join(f"{self.node}: {self.rule}{found}".split())


def validate(graph: Graph, *, base: str = BASE, redirects: Mapping[str, str] = MappingProxyType({})) -> list[Violation]:
    """All violations of a graph's RDF form, sorted; an empty list when it conforms."""
    return validate_rdf(to_rdflib(graph, base, redirects=redirects), base=base)


def validate_file(path: str | Path) -> list[Violation]:
    """All violations of an RDF file, as `kg export` writes them: its suffix tells the format, `.gz` and `.zst` too."""
    import pyoxigraph as ox

    path = Path(path)
    if not path.exists():
        raise ReadError("cannot be read: no such file or folder", path=path)
    source = Source(name=path.name, path=path)
    syntax = ox.RdfFormat.from_extension(source.suffix.removeprefix("."))
    if syntax is None:
        raise ReadError("no RDF file: its suffix should be .jsonld, .nq, .nt, .trig or .ttl", path=path)
    try:
        with source.binary() as file:
            found = {ox.Triple(quad.subject, quad.predicate, quad.object) for quad in ox.parse(file, format=syntax)}
    except SyntaxError as error:
        raise ReadError(f"no {syntax.name}: {error.msg}", path=path, line=error.lineno) from None
    except OSError as error:
        raise ReadError(f"cannot be read: {error.strerror or error}", path=path) from None
    graph = rdflib_graph(found)
    import rdflib

    spaces = sorted(map(str, graph.objects(None, rdflib.URIRef(NAMESPACES["void"] + "uriSpace"))))
    if not any(str(kind).startswith(KG) for kind in graph.objects(None, rdflib.RDF.type)):
        raise ReadError("holds no node of a kg graph", path=path)
    return validate_rdf(graph, base=spaces[0] if spaces else BASE)


def validate_rdf(graph: rdflib.Graph, *, base: str = BASE) -> list[Violation]:
    """All violations of an rdflib graph."""
    import pyshacl
    import rdflib

    shapes = rdflib.Graph().parse(ontology.path("shapes.ttl"), format="turtle")
    try:
        _, report, message = pyshacl.validate(graph, shacl_graph=shapes, inplace=True, do_owl_imports=False)
    except ArithmeticError as error:  # rdflib compares what is no number, "nan"^^xsd:decimal
        raise GraphError(f"a number of the graph is none: {error!r}") from error
    if not isinstance(report, rdflib.Graph):
        raise GraphError(f"the shapes of ontology/shapes.ttl cannot be applied: {message}")
    sh = rdflib.Namespace("http://www.w3.org/ns/shacl#")
    found = set(_beyond_shapes(graph, base))
    for result in report.subjects(rdflib.RDF.type, sh.ValidationResult):
        value = report.value(result, sh.value)
        focus = report.value(result, sh.focusNode)
        rules = sorted(str(rule) for rule in report.objects(result, sh.resultMessage))
        found.add(
            Violation(
                node=_name(focus, base),
                rule=rules[0] if rules else "breaks a shape",
                value=None if value is None or value == focus else _name(value, base),
            )
        )
    return sorted(found, key=lambda violation: (violation.node, violation.rule, violation.value or ""))


def _name(node: Node | None, base: str) -> str:
    import rdflib

    if isinstance(node, rdflib.URIRef):
        return ontology.curie(str(node), base) or str(node).replace(KG, "kg:")
    return repr(str(node))


def _beyond_shapes(graph: rdflib.Graph, base: str) -> Iterator[Violation]:
    """What needs more than one node to be seen: signatures, plain triples, sums over evidence, the words of a text."""
    yield from _statements(graph, base)
    yield from _words(graph, base)


def _statements(graph: rdflib.Graph, base: str) -> Iterator[Violation]:
    from rdflib import RDF, Literal, Namespace

    kg, oa, schema = Namespace(KG), Namespace(NAMESPACES["oa"]), ontology.load()
    asserted = set()
    for node in graph.subjects(RDF.type, kg.Statement):
        ends = [graph.value(node, part, any=True) for part in (RDF.subject, RDF.predicate, RDF.object)]
        if None in ends:
            continue
        subject, predicate, obj = ends
        said = f"{_name(subject, base)} {_name(predicate, base)} {_name(obj, base)}"
        types = [str(graph.value(end, RDF.type, any=True)).removeprefix(KG) for end in (subject, obj)]
        if not schema.allows(types[0], str(predicate).removeprefix(KG), types[1]):
            yield Violation(_name(node, base), "a statement joins types that its predicate may join", said)
        negated = graph.value(node, kg.negated, any=True)
        if isinstance(negated, Literal) and negated.value is False:
            asserted.add((subject, predicate, obj))
            if (subject, predicate, obj) not in graph:
                yield Violation(_name(node, base), "a statement that is not negated is a plain triple too", said)
        best: dict[Node, float] = {}
        for evidence in graph.objects(node, kg.evidence):
            paper, score = graph.value(evidence, oa.hasSource, any=True), graph.value(evidence, kg.score, any=True)
            if paper is not None and isinstance(score, Literal) and score.value is not None:
                best[paper] = max(float(score.value), best.get(paper, 0.0))
        support, confidence = graph.value(node, kg.support, any=True), graph.value(node, kg.confidence, any=True)
        if best and isinstance(support, Literal) and support.value != len(best):
            yield Violation(
                _name(node, base), f"a statement's support is its number of papers, {len(best)}", str(support)
            )
        if best and isinstance(confidence, Literal) and confidence.value is not None:
            expected = noisy_or(best.values())
            if abs(float(confidence.value) - expected) > 1e-4:
                rule = f"a statement's confidence follows from the scores of its evidence, {expected}"
                yield Violation(_name(node, base), rule, str(confidence))
    for kind in ("role", "relation"):
        for one in schema.of_kind(kind):
            for subject, obj in graph.subject_objects(kg[one.name]):
                if (subject, kg[one.name], obj) not in asserted:
                    said = f"kg:{one.name} {_name(obj, base)}"
                    yield Violation(_name(subject, base), "a role or relation has a statement with its evidence", said)


def _words(graph: rdflib.Graph, base: str) -> Iterator[Violation]:
    from rdflib import DCTERMS, RDF, Literal, Namespace

    oa = Namespace(NAMESPACES["oa"])
    texts: dict[Node, str] = {}
    for node, paper in graph.subject_objects(oa.hasSource):
        start = end = exact = None
        for selector in graph.objects(node, oa.hasSelector):
            if (selector, RDF.type, oa.TextQuoteSelector) in graph:
                exact = graph.value(selector, oa.exact, any=True)
            else:
                start, end = graph.value(selector, oa.start, any=True), graph.value(selector, oa.end, any=True)
        if exact is None or not (isinstance(start, Literal) and isinstance(end, Literal)):
            continue
        if not (isinstance(start.value, int) and isinstance(end.value, int)):
            continue
        if paper not in texts:
            title, abstract = (
                graph.value(paper, DCTERMS.title, any=True),
                graph.value(paper, DCTERMS.abstract, any=True),
            )
            texts[paper] = f"{'' if title is None else title}\n{'' if abstract is None else abstract}"
        if texts[paper][start.value : end.value] != str(exact) or end.value > len(texts[paper]):
            rule = f"its words stand at characters {start} to {end} of {_name(paper, base)}"
            yield Violation(_name(node, base), rule, repr(str(exact)))
