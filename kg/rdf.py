"""The graph as RDF: one description of each node, which the exports, the SPARQL store and rdflib consume.

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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import pyoxigraph as ox

from kg import ontology
from kg.model import (
    CatalogueLink,
    Entity,
    Evidence,
    OntologyError,
    Paper,
    ReportedResult,
    Statement,
    digest,
    evidence_id,
)
from kg.ontology import BASE, KG, NAMESPACES

if TYPE_CHECKING:
    import rdflib

    from kg.graph import Graph

#: The object of a triple: a name (see `Description`), or a literal: its text and the name of its datatype.
Object = str | tuple[str, str]

# What a literal must not hold: what XML 1.0 forbids, and halves of surrogate pairs.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What an address may hold as it is; a percent sign is there because addresses come with their own encoding.
_ADDRESS_SAFE = "-._~:/@!$&'()*+,;=?#%[]"
_TRUE, _FALSE = ("true", "xsd:boolean"), ("false", "xsd:boolean")


class Description(NamedTuple):
    """A node and its triples. Names are CURIEs (`method:bert`, `kg:used_for`), or IRIs in angle brackets."""

    subject: str
    facts: list[tuple[str, Object]]


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
    """All triples of the graph, each once, in an order that depends on the graph only, without blank nodes."""
    names = Names(base)
    types: dict[str, ox.NamedNode] = {}
    for subject, facts in describe(graph, base, redirects=redirects):
        here = names.node(subject)
        for predicate, obj in facts:
            if isinstance(obj, str):
                yield ox.Triple(here, names[predicate], names.node(obj))
            elif obj[1] == "xsd:string":
                yield ox.Triple(here, names[predicate], ox.Literal(obj[0]))
            else:
                datatype = types.get(obj[1]) or types.setdefault(obj[1], names[obj[1]])
                yield ox.Triple(here, names[predicate], ox.Literal(obj[0], datatype=datatype))


def describe(
    graph: Graph, base: str = BASE, *, redirects: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Description]:
    """Each node with all its triples: the one source of everything that is RDF.

    Papers come first, then entities by type, authors, venues, results, statements with their evidence, redirects
    (former id -> id), and a description of the whole with its counts.
    """
    counts = _Counts()
    for description in _nodes(graph, checked_base(base), redirects):
        counts.add(description)
        yield description
    yield from counts.describe(base)


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


def address(text: str) -> Object:
    """A web address as IRI, what is illegal percent-encoded; a literal when it is no web address.

    >>> address("https://a.org/x y"), address("see page 3")
    ('<https://a.org/x%20y>', ('see page 3', 'xsd:string'))
    """
    stripped = text.strip()
    if re.match(r"https?://", stripped, re.IGNORECASE):
        try:
            return str(ox.NamedNode(quote(legal(stripped), safe=_ADDRESS_SAFE)))
        except ValueError:
            pass
    return string(text)


def string(text: str) -> Object:
    """A literal of text."""
    return (legal(text), "xsd:string")


def decimal_of(number: float) -> Object:
    """A literal of a number."""
    if not math.isfinite(number):  # no decimal, and `kg validate` says so
        return ("NaN" if math.isnan(number) else "INF" if number > 0 else "-INF", "xsd:double")
    return (decimal(number), "xsd:decimal")


def _integer(number: int) -> Object:
    return (str(number), "xsd:integer")


def _year(year: int) -> Object:
    return (f"{'-' if year < 0 else ''}{abs(year):04d}", "xsd:gYear")


def term(name: str) -> str:
    """The name of a term of the ontology; what a broken graph calls one may hold anything."""
    return f"kg:{name}" if name.isidentifier() and name.isascii() else f"<{KG}{quote(legal(name), safe='-._~')}>"


def _nodes(graph: Graph, base: str, redirects: Mapping[str, str]) -> Iterator[Description]:
    schema = ontology.load()
    strength = {name: number for number, name in enumerate(schema.predicates)}
    plain: dict[str, list[tuple[int, str, Object]]] = {}
    for statement in graph.statements:
        if not statement.negated:
            name = statement.predicate
            plain.setdefault(statement.subject, []).append((strength.get(name, 99), term(name), statement.object))
    for subject, name, obj in graph.links():
        plain.setdefault(subject, []).append((strength.get(name, 99), term(name), obj))

    def edges(subject: str) -> list[tuple[str, Object]]:
        return [(predicate, obj) for _, predicate, obj in sorted(plain.pop(subject, ()))]

    for paper in graph.papers:
        yield Description(paper.id, [*_paper(paper), *edges(paper.id)])
    order = {name: number for number, name in enumerate(schema.types)}
    for entity in sorted(graph.entities, key=lambda e: (order.get(e.type, 99), e.type, e.id)):
        links = graph.links_by_entity.get(entity.id, ())
        yield Description(entity.id, [*_entity(entity, links), *edges(entity.id)])
        for link in links:
            yield describe_link(link, base)
    for kind, name, named in (("kg:Author", "foaf:name", graph.authors), ("kg:Venue", "schema:name", graph.venues)):
        for identifier, text in named.items():
            yield Description(identifier, [("rdf:type", kind), (name, string(text)), *edges(identifier)])
    for result in graph.results:
        yield Description(result.id, [*_result(result, graph), *edges(result.id)])
        yield from _selectors(result.id, result, graph)
    for subject in sorted(plain):  # of nodes that are missing from the graph: `kg validate` says so
        yield Description(subject, edges(subject))
    for statement in graph.statements:
        yield from _statement(statement, graph)
    for former, now in sorted(redirects.items()):
        yield Description(former, [("dcterms:isReplacedBy", now)])


def _paper(paper: Paper) -> Iterator[tuple[str, Object]]:
    yield "rdf:type", "kg:Paper"
    if paper.title:
        yield "dcterms:title", string(paper.title)
    if paper.abstract:
        yield "dcterms:abstract", string(paper.abstract)
    if paper.year is not None:
        yield "dcterms:issued", _year(paper.year)
        yield "schema:datePublished", _year(paper.year)
    if paper.arxiv_id:
        yield "fabio:hasArXivId", string(paper.arxiv_id)
    if paper.doi:
        yield "bibo:doi", string(paper.doi)
        doi = quote(legal(paper.doi), safe="-._~:/@!$&'()*+,;=")
        yield "schema:sameAs", f"<https://doi.org/{doi}>"
    if paper.url:
        yield "schema:url", address(paper.url)
    for keyword in sorted({legal(keyword) for keyword in paper.keywords}):
        yield "schema:keywords", string(keyword)


def _entity(entity: Entity, links: Sequence[CatalogueLink]) -> Iterator[tuple[str, Object]]:
    yield "rdf:type", term(entity.type)
    if entity.name:
        yield "skos:prefLabel", string(entity.name)
    for alias in sorted({legal(alias) for alias in entity.aliases} - {legal(entity.name)}):
        yield "skos:altLabel", string(alias)
    yield "kg:papers", _integer(entity.papers)
    for broader in sorted(set(entity.broader)):
        yield "skos:broader", broader
    exact = {_elsewhere(same) for same in entity.same_as}
    exact.update(_target(link) for link in links if link.match == "exact")
    for same in sorted(exact, key=str):
        yield ("skos:exactMatch" if isinstance(same, str) else "dcterms:identifier"), same
    for close in sorted({_target(link) for link in links if link.match != "exact"} - exact, key=str):
        yield "skos:closeMatch", close


def describe_link(link: CatalogueLink, base: str) -> Description:
    """A node's counterpart in a catalogue as a node: how sure, and why. Its IRI is a part of the entity's."""
    local = digest(link.entity, link.target, link.catalogue)[:12]
    facts: list[tuple[str, Object]] = [
        ("rdf:type", "kg:CatalogueLink"),
        ("rdf:subject", link.entity),
        ("rdf:predicate", f"skos:{link.match}Match"),
        ("rdf:object", _target(link)),
        ("kg:score", decimal_of(link.score)),
        ("kg:reason", string(link.reason)),
        ("kg:catalogue", string(link.catalogue)),
    ]
    return Description(f"<{ontology.iri(link.entity, base)}#link-{local}>", facts)


def _target(link: CatalogueLink) -> str:
    found = address(link.target)
    return found if isinstance(found, str) else f"<{quote(legal(link.target), safe=_ADDRESS_SAFE)}>"


def _elsewhere(same: str) -> Object:
    """The same thing in another vocabulary: an id of ours, an address, or a CURIE of a known namespace."""
    prefix, _, local = same.partition(":")
    if prefix in ontology.ID_PREFIXES and local:
        return same
    if prefix in NAMESPACES:
        return f"<{NAMESPACES[prefix]}{quote(legal(local), safe='-._~/')}>"
    return address(same)


def _result(result: ReportedResult, graph: Graph) -> Iterator[tuple[str, Object]]:
    yield "rdf:type", "kg:Result"
    yield "kg:value", string(result.value)
    if result.number is not None:
        yield "kg:number", decimal_of(result.number)
    if result.unit:
        yield "kg:unit", string(result.unit)
    if result.note:
        yield "kg:note", string(result.note)
    yield from _place(result.id, result, graph)


def _statement(statement: Statement, graph: Graph) -> Iterator[Description]:
    # A later one of equal id has the better score.
    witnesses = {evidence_id(statement, evidence): evidence for evidence in sorted(statement.evidence)}
    facts: list[tuple[str, Object]] = [
        ("rdf:type", "kg:Statement"),
        ("rdf:subject", statement.subject),
        ("rdf:predicate", term(statement.predicate)),
        ("rdf:object", statement.object),
        ("kg:negated", _TRUE if statement.negated else _FALSE),
        ("kg:confidence", decimal_of(statement.confidence)),
        ("kg:support", _integer(statement.support)),
    ]
    facts.extend(("kg:evidence", identifier) for identifier in witnesses)
    yield Description(statement.id, facts)
    for identifier, evidence in witnesses.items():
        facts = [
            ("rdf:type", "kg:Evidence"),
            ("kg:hedged", _TRUE if evidence.hedged else _FALSE),
            ("kg:extractor", string(evidence.extractor)),
            *_place(identifier, evidence, graph),
        ]
        yield Description(identifier, facts)
        yield from _selectors(identifier, evidence, graph)


def _place(identifier: str, place: Evidence | ReportedResult, graph: Graph) -> Iterator[tuple[str, Object]]:
    """How sure, and where in which paper."""
    yield "kg:score", decimal_of(place.score)
    if place.paper in graph.paper_by_id:
        yield "kg:sentence", string(graph.quote(place))
    yield "prov:wasDerivedFrom", place.paper
    yield "oa:hasSource", place.paper
    yield "oa:hasSelector", f"{identifier}#position"
    yield "oa:hasSelector", f"{identifier}#quote"


def _selectors(identifier: str, place: Evidence | ReportedResult, graph: Graph) -> Iterator[Description]:
    """Two Web Annotation selectors of the same stretch of the paper's text: by offsets, and by its words."""
    yield Description(
        f"{identifier}#position",
        [
            ("rdf:type", "oa:TextPositionSelector"),
            ("oa:start", _integer(place.start)),
            ("oa:end", _integer(place.end)),
        ],
    )
    words: list[tuple[str, Object]] = [("rdf:type", "oa:TextQuoteSelector")]
    if place.paper in graph.paper_by_id:
        words.append(("oa:exact", string(graph.words(place))))
    yield Description(f"{identifier}#quote", words)


class Names(dict[str, ox.NamedNode]):
    """Names as in a `Description` -> IRIs; those that come again and again are made once."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = checked_base(base)

    def __missing__(self, name: str) -> ox.NamedNode:
        node = self[name] = ox.NamedNode(self.iri(name))
        return node

    def iri(self, name: str) -> str:
        """The IRI of a name."""
        if name.startswith("<"):
            return name[1:-1]
        prefix, _, local = name.partition(":")
        if prefix in NAMESPACES:
            return NAMESPACES[prefix] + local
        owner, mark, fragment = name.rpartition("#")
        if mark and prefix in ("evidence", "result"):
            return f"{ontology.iri(owner, self.base)}#{fragment}"
        return ontology.iri(name, self.base)

    def node(self, name: str) -> ox.NamedNode:
        """The IRI of a node; those that occur about twice are not kept."""
        if name.startswith(("evidence:", "statement:")):
            return ox.NamedNode(self.iri(name))
        return self[name]


class _Counts:
    """What went by, for the description of the whole (VoID, DCAT)."""

    def __init__(self) -> None:
        self.triples = 0
        self.classes: Counter[Object] = Counter()
        self.properties: Counter[str] = Counter()

    def add(self, description: Description) -> None:
        facts = description.facts
        self.triples += len(facts)
        if facts[0][0] == "rdf:type":
            self.classes[facts[0][1]] += 1
        self.properties.update([predicate for predicate, obj in facts if isinstance(obj, str)])

    def describe(self, base: str) -> Iterator[Description]:
        """The data set as a whole: how many triples (these included), nodes of each class, edges of each predicate."""
        schema = ontology.load()
        whole: list[tuple[str, Object]] = [
            ("rdf:type", "void:Dataset"),
            ("rdf:type", "dcat:Dataset"),
            ("dcterms:title", string(f"Knowledge graph of {self.classes['kg:Paper']} papers")),
            ("dcterms:conformsTo", f"<{KG.rstrip('#')}>"),
            ("void:uriSpace", string(base)),
        ]
        parts = []
        for name in (*schema.types, "Statement"):
            if count := self.classes[f"kg:{name}"]:
                part = f"<{base}void/{name}>"
                whole.append(("void:classPartition", part))
                parts.append(Description(part, [("void:class", f"kg:{name}"), ("void:entities", _integer(count))]))
        for name in schema.predicates:
            if count := self.properties[f"kg:{name}"]:
                part = f"<{base}void/{name}>"
                whole.append(("void:propertyPartition", part))
                parts.append(Description(part, [("void:property", f"kg:{name}"), ("void:triples", _integer(count))]))
        total = self.triples + len(whole) + sum(len(part.facts) for part in parts) + 1
        whole.append(("void:triples", _integer(total)))
        yield Description(f"<{base}>", whole)
        yield from parts
