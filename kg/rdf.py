"""The graph as RDF: one generator of triples that every export, the SPARQL store and rdflib consume.

>>> from kg.graph import Graph
>>> from kg.model import Entity, Evidence, Paper, Statement
>>> paper = Paper(id="paper:1", title="BERT reads", abstract="")
>>> bert = Entity(id="method:bert", type="Method", name="BERT", papers=1)
>>> seen = Evidence(paper="paper:1", start=0, end=4, score=0.9, extractor="x")
>>> statement = Statement(subject="paper:1", predicate="introduces", object="method:bert", evidence=(seen,))
>>> for triple in triples(Graph(papers=(paper,), entities=(bert,), statements=(statement,))):
...     if triple.subject.value.endswith("paper/1"):
...         print(triple.predicate.value, triple.object.value)
http://www.w3.org/1999/02/22-rdf-syntax-ns#type https://kg.example.org/ontology#Paper
http://purl.org/dc/terms/title BERT reads
https://kg.example.org/ontology#introduces https://kg.example.org/method/bert
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote

import pyoxigraph as ox

from kg import ontology
from kg.model import Entity, Evidence, OntologyError, Paper, ReportedResult, Statement, evidence_id
from kg.ontology import BASE, KG, NAMESPACES

if TYPE_CHECKING:
    import rdflib

    from kg.graph import Graph

# What a literal must not hold: what XML 1.0 forbids, and halves of surrogate pairs.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What an IRI may hold as it is; a percent sign is there because addresses come with their own encoding.
_ADDRESS_SAFE = "-._~:/@!$&'()*+,;=?#%[]"


def legal(text: str) -> str:
    """The text with U+FFFD for each character that no syntax can carry, so that offsets stay true.

    >>> legal("a\\x00b\\ud800"), legal("tab\\t and \\u202e stay") == "tab\\t and \\u202e stay"
    ('a�b�', True)
    """
    return _ILLEGAL.sub("\ufffd", text)


def decimal(number: float) -> str:
    """A number as the canonical text of xsd:decimal: no exponent, no zeros at its end.

    >>> decimal(0.9500), decimal(1.0), decimal(1e-7), decimal(-20.0)
    ('0.95', '1', '0.0000001', '-20')
    """
    if not math.isfinite(number):
        return str(number)  # not a decimal, and `kg validate` says so
    text = f"{Decimal(repr(float(number))):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def checked_base(base: str) -> str:
    """The base for ids, if it is one that IRIs can begin with.

    >>> checked_base("https://example.com/graph/")
    'https://example.com/graph/'
    """
    try:
        ox.NamedNode(base)
    except ValueError as error:
        raise OntologyError(f"base {base!r} is no IRI: {error}") from None
    if not base.endswith(("/", "#")):
        raise OntologyError(f"base {base!r} should end with / or #, for example {base}/")
    return base


def triples(
    graph: Graph, base: str = BASE, *, redirects: Mapping[str, str] = MappingProxyType({})
) -> Iterator[ox.Triple]:
    """All triples of the graph, each once, in an order that depends on the graph only, without blank nodes.

    The triples of a subject follow each other. Papers come first, then entities by type, authors, venues, results,
    statements with their evidence, redirects (former id -> id), and a description of the whole with its counts.
    """
    counted = _Counts()
    for triple in _all(graph, checked_base(base), redirects):
        counted.add(triple)
        yield triple
    yield from counted.description(base)


def to_rdflib(graph: Graph, base: str = BASE, *, redirects: Mapping[str, str] = MappingProxyType({})) -> rdflib.Graph:
    """The triples as an rdflib `Graph`, with our prefixes bound."""
    return rdflib_graph(triples(graph, base, redirects=redirects), base)


def rdflib_graph(found: Iterable[ox.Triple], base: str = BASE) -> rdflib.Graph:
    """Any triples of pyoxigraph as an rdflib `Graph`, literals to the letter."""
    import rdflib

    result = rdflib.Graph(bind_namespaces="none")
    for prefix, namespace in prefixes(base).items():
        result.bind(prefix, namespace)
    nodes: dict[str, rdflib.URIRef] = {}

    def node(term: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> rdflib.term.Node:
        if isinstance(term, ox.Literal):
            if term.datatype.value == NAMESPACES["xsd"] + "string":
                return rdflib.Literal(term.value)
            if term.language is not None:
                return rdflib.Literal(term.value, lang=term.language)
            return rdflib.Literal(term.value, datatype=rdflib.URIRef(term.datatype.value), normalize=False)
        if isinstance(term, ox.BlankNode):
            return rdflib.BNode(term.value)
        if isinstance(term, ox.Triple):
            raise OntologyError("a quoted triple (RDF 1.2) is not supported here")
        known = nodes.get(term.value)
        if known is None:
            known = nodes[term.value] = rdflib.URIRef(term.value)
        return known

    store = result.store
    for triple in found:
        store.add((node(triple.subject), node(triple.predicate), node(triple.object)), context=result)
    return result


def prefixes(base: str = BASE) -> dict[str, str]:
    """The prefixes of all exports: vocabularies, and one for each kind of id, in alphabetic order."""
    ours = {prefix: f"{base}{prefix}/" for prefix in ontology.ID_PREFIXES}
    return dict(sorted({**NAMESPACES, **ours}.items()))


def address(text: str) -> ox.NamedNode | ox.Literal:
    """A web address as IRI, what is illegal percent-encoded; a literal when it is no web address.

    >>> address("https://a.org/x y").value, isinstance(address("see page 3"), ox.Literal)
    ('https://a.org/x%20y', True)
    """
    stripped = text.strip()
    if re.match(r"https?://", stripped, re.IGNORECASE):
        try:
            return ox.NamedNode(quote(legal(stripped), safe=_ADDRESS_SAFE))
        except ValueError:
            pass
    return ox.Literal(legal(text))


@cache
def term(name: str) -> ox.NamedNode:
    """The IRI of a CURIE of a vocabulary.

    >>> term("kg:used_for").value
    'https://kg.example.org/ontology#used_for'
    """
    prefix, _, local = name.partition(":")
    return ox.NamedNode(NAMESPACES[prefix] + quote(local, safe="-._~", errors="surrogatepass"))


def _string(text: str) -> ox.Literal:
    return ox.Literal(legal(text))


def _decimal(number: float) -> ox.Literal:
    return ox.Literal(decimal(number), datatype=term("xsd:decimal"))


def _integer(number: int) -> ox.Literal:
    return ox.Literal(str(number), datatype=term("xsd:integer"))


def _year(year: int) -> ox.Literal:
    return ox.Literal(f"{'-' if year < 0 else ''}{abs(year):04d}", datatype=term("xsd:gYear"))


def _all(graph: Graph, base: str, redirects: Mapping[str, str]) -> Iterator[ox.Triple]:
    nodes = _Nodes(base)
    plain: dict[str, list[tuple[str, str]]] = {}
    for statement in graph.statements:
        if not statement.negated:
            plain.setdefault(statement.subject, []).append((statement.predicate, statement.object))
    for subject, predicate, obj in graph.links():
        plain.setdefault(subject, []).append((predicate, obj))

    def edges(subject: str) -> Iterator[ox.Triple]:
        here = nodes[subject]
        for predicate, obj in sorted(plain.pop(subject, ()), key=_strength):
            yield ox.Triple(here, term(f"kg:{predicate}"), nodes[obj])

    for paper in graph.papers:
        yield from _paper(paper, nodes)
        yield from edges(paper.id)
    order = list(ontology.load().types)
    for entity in sorted(graph.entities, key=lambda e: (order.index(e.type) if e.type in order else 99, e.id)):
        yield from _entity(entity, nodes)
        yield from edges(entity.id)
    for kind, name, named in (("Author", "foaf:name", graph.authors), ("Venue", "schema:name", graph.venues)):
        for identifier, text in named.items():
            yield ox.Triple(nodes[identifier], term("rdf:type"), term(f"kg:{kind}"))
            yield ox.Triple(nodes[identifier], term(name), _string(text))
            yield from edges(identifier)
    for result in graph.results:
        yield from _result(result, graph, nodes)
        yield from edges(result.id)
        yield from _selectors(nodes[result.id].value, result, graph)
    for subject in sorted(plain):  # of nodes that are missing from the graph: `kg validate` says so
        yield from edges(subject)
    for statement in graph.statements:
        yield from _statement(statement, graph, nodes)
    for former, now in sorted(redirects.items()):
        yield ox.Triple(nodes[former], term("dcterms:isReplacedBy"), nodes[now])


def _strength(edge: tuple[str, str]) -> tuple[int, str, str]:
    known = list(ontology.load().predicates)
    return (known.index(edge[0]) if edge[0] in known else len(known), *edge)


def _paper(paper: Paper, nodes: _Nodes) -> Iterator[ox.Triple]:
    here = nodes[paper.id]
    yield ox.Triple(here, term("rdf:type"), term("kg:Paper"))
    if paper.title:
        yield ox.Triple(here, term("dcterms:title"), _string(paper.title))
    if paper.abstract:
        yield ox.Triple(here, term("dcterms:abstract"), _string(paper.abstract))
    if paper.year is not None:
        yield ox.Triple(here, term("dcterms:issued"), _year(paper.year))
        yield ox.Triple(here, term("schema:datePublished"), _year(paper.year))
    if paper.arxiv_id:
        yield ox.Triple(here, term("fabio:hasArXivId"), _string(paper.arxiv_id))
    if paper.doi:
        yield ox.Triple(here, term("bibo:doi"), _string(paper.doi))
        doi = quote(legal(paper.doi), safe="-._~:/@!$&'()*+,;=")
        yield ox.Triple(here, term("schema:sameAs"), ox.NamedNode(f"https://doi.org/{doi}"))
    if paper.url:
        yield ox.Triple(here, term("schema:url"), address(paper.url))
    for keyword in sorted({legal(keyword) for keyword in paper.keywords}):
        yield ox.Triple(here, term("schema:keywords"), ox.Literal(keyword))


def _entity(entity: Entity, nodes: _Nodes) -> Iterator[ox.Triple]:
    here = nodes[entity.id]
    yield ox.Triple(here, term("rdf:type"), term(f"kg:{entity.type}"))
    if entity.name:
        yield ox.Triple(here, term("skos:prefLabel"), _string(entity.name))
    for alias in sorted({legal(alias) for alias in entity.aliases} - {legal(entity.name)}):
        yield ox.Triple(here, term("skos:altLabel"), ox.Literal(alias))
    yield ox.Triple(here, term("kg:papers"), _integer(entity.papers))
    for broader in sorted(set(entity.broader)):
        yield ox.Triple(here, term("skos:broader"), nodes[broader])
    for same in sorted(set(entity.same_as)):
        target = _elsewhere(same, nodes)
        predicate = "dcterms:identifier" if isinstance(target, ox.Literal) else "skos:exactMatch"
        yield ox.Triple(here, term(predicate), target)


def _elsewhere(same: str, nodes: _Nodes) -> ox.NamedNode | ox.Literal:
    """The same thing in another vocabulary: an id of ours, an address, or a CURIE of a known namespace."""
    prefix, _, local = same.partition(":")
    if prefix in ontology.ID_PREFIXES:
        return nodes[same]
    if prefix in NAMESPACES:
        return ox.NamedNode(NAMESPACES[prefix] + quote(legal(local), safe="-._~/"))
    return address(same)


def _result(result: ReportedResult, graph: Graph, nodes: _Nodes) -> Iterator[ox.Triple]:
    here = nodes[result.id]
    yield ox.Triple(here, term("rdf:type"), term("kg:Result"))
    yield ox.Triple(here, term("kg:value"), _string(result.value))
    if result.number is not None:
        yield ox.Triple(here, term("kg:number"), _decimal(result.number))
    if result.unit:
        yield ox.Triple(here, term("kg:unit"), _string(result.unit))
    if result.note:
        yield ox.Triple(here, term("kg:note"), _string(result.note))
    yield from _place(here, result, graph, nodes)


def _statement(statement: Statement, graph: Graph, nodes: _Nodes) -> Iterator[ox.Triple]:
    here = nodes[statement.id]
    yield ox.Triple(here, term("rdf:type"), term("kg:Statement"))
    yield ox.Triple(here, term("rdf:subject"), nodes[statement.subject])
    yield ox.Triple(here, term("rdf:predicate"), term(f"kg:{statement.predicate}"))
    yield ox.Triple(here, term("rdf:object"), nodes[statement.object])
    yield ox.Triple(here, term("kg:negated"), _TRUE if statement.negated else _FALSE)
    yield ox.Triple(here, term("kg:confidence"), _decimal(statement.confidence))
    yield ox.Triple(here, term("kg:support"), _integer(statement.support))
    # A later one of equal id has the better score.
    witnesses = {evidence_id(statement, evidence): evidence for evidence in sorted(statement.evidence)}
    for identifier in witnesses:
        yield ox.Triple(here, term("kg:evidence"), nodes[identifier])
    for identifier, evidence in witnesses.items():
        witness = nodes[identifier]
        yield ox.Triple(witness, term("rdf:type"), term("kg:Evidence"))
        yield ox.Triple(witness, term("kg:hedged"), _TRUE if evidence.hedged else _FALSE)
        yield ox.Triple(witness, term("kg:extractor"), _string(evidence.extractor))
        yield from _place(witness, evidence, graph, nodes)
        yield from _selectors(witness.value, evidence, graph)


def _place(here: ox.NamedNode, place: Evidence | ReportedResult, graph: Graph, nodes: _Nodes) -> Iterator[ox.Triple]:
    """How sure, and where in which paper."""
    yield ox.Triple(here, term("kg:score"), _decimal(place.score))
    if place.paper in graph.paper_by_id:
        yield ox.Triple(here, term("kg:sentence"), _string(graph.quote(place)))
    source = nodes[place.paper]
    yield ox.Triple(here, term("prov:wasDerivedFrom"), source)
    yield ox.Triple(here, term("oa:hasSource"), source)
    yield ox.Triple(here, term("oa:hasSelector"), ox.NamedNode(f"{here.value}#position"))
    yield ox.Triple(here, term("oa:hasSelector"), ox.NamedNode(f"{here.value}#quote"))


def _selectors(owner: str, place: Evidence | ReportedResult, graph: Graph) -> Iterator[ox.Triple]:
    """Two Web Annotation selectors of the same stretch of the paper's text: by offsets, and by its words."""
    position, words = ox.NamedNode(f"{owner}#position"), ox.NamedNode(f"{owner}#quote")
    yield ox.Triple(position, term("rdf:type"), term("oa:TextPositionSelector"))
    yield ox.Triple(position, term("oa:start"), _integer(place.start))
    yield ox.Triple(position, term("oa:end"), _integer(place.end))
    yield ox.Triple(words, term("rdf:type"), term("oa:TextQuoteSelector"))
    paper = graph.paper_by_id.get(place.paper)
    if paper is not None:
        yield ox.Triple(words, term("oa:exact"), _string(paper.text[place.start : place.end]))


class _Nodes(dict[str, ox.NamedNode]):
    """Id -> IRI, each made once."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base

    def __missing__(self, identifier: str) -> ox.NamedNode:
        node = self[identifier] = ox.NamedNode(ontology.iri(identifier, self.base))
        return node


class _Counts:
    """What went by, for the description of the whole (VoID, DCAT)."""

    def __init__(self) -> None:
        self.triples = 0
        self.classes: Counter[str] = Counter()
        self.properties: Counter[str] = Counter()

    def add(self, triple: ox.Triple) -> None:
        self.triples += 1
        predicate = triple.predicate.value
        if predicate == _TYPE and isinstance(triple.object, ox.NamedNode):
            self.classes[triple.object.value] += 1
        elif predicate.startswith(KG):
            self.properties[predicate] += 1

    def description(self, base: str) -> Iterator[ox.Triple]:
        """The data set as a whole: how many triples (these included), nodes of each class, edges of each predicate."""
        whole = ox.NamedNode(base)
        schema = ontology.load()
        parts: list[ox.Triple] = []
        found = [
            ox.Triple(whole, term("rdf:type"), term("void:Dataset")),
            ox.Triple(whole, term("rdf:type"), term("dcat:Dataset")),
            ox.Triple(whole, term("dcterms:title"), _string(f"Knowledge graph of {self.classes[KG + 'Paper']} papers")),
            ox.Triple(whole, term("dcterms:conformsTo"), ox.NamedNode(KG.rstrip("#"))),
            ox.Triple(whole, term("void:uriSpace"), _string(base)),
        ]
        for name in (*schema.types, "Statement"):
            if count := self.classes[KG + name]:
                part = ox.NamedNode(f"{base}void/{name}")
                found.append(ox.Triple(whole, term("void:classPartition"), part))
                parts.append(ox.Triple(part, term("void:class"), term(f"kg:{name}")))
                parts.append(ox.Triple(part, term("void:entities"), _integer(count)))
        for name in schema.predicates:
            if count := self.properties[KG + name]:
                part = ox.NamedNode(f"{base}void/{name}")
                found.append(ox.Triple(whole, term("void:propertyPartition"), part))
                parts.append(ox.Triple(part, term("void:property"), term(f"kg:{name}")))
                parts.append(ox.Triple(part, term("void:triples"), _integer(count)))
        total = self.triples + len(found) + len(parts) + 1
        yield from found
        yield ox.Triple(whole, term("void:triples"), _integer(total))
        yield from parts


_TYPE = NAMESPACES["rdf"] + "type"
_BOOLEAN = ox.NamedNode(NAMESPACES["xsd"] + "boolean")
_TRUE = ox.Literal("true", datatype=_BOOLEAN)
_FALSE = ox.Literal("false", datatype=_BOOLEAN)
