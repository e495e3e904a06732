"""JSON-LD with its context inside, one node a line; ids and names are those of Turtle (`method:bert`, `kg:used_for`).

>>> import io, json
>>> from kg.graph import Graph
>>> from kg.model import Entity
>>> from kg.rdf import describe
>>> out = io.StringIO()
>>> write(describe(Graph(entities=(Entity(id="method:bert", type="Method", name="BERT"),))), out)
>>> json.loads(out.getvalue())["@graph"][0]
{'id': 'method:bert', 'type': 'kg:Method', 'skos:prefLabel': 'BERT', 'kg:papers': 0}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, TextIO
from urllib.parse import quote

import pyoxigraph as ox

from kg import ontology
from kg.ontology import BASE, KG, NAMESPACES
from kg.rdf import Description, Object, prefixes

#: What the values of predicates from other vocabularies are; those of our own are as `kg.ttl` says.
_FOREIGN = MappingProxyType(
    {
        "dcterms:conformsTo": "@id",
        "dcterms:isReplacedBy": "@id",
        "dcterms:issued": "xsd:gYear",
        "oa:hasSelector": "@id",
        "oa:hasSource": "@id",
        "prov:wasDerivedFrom": "@id",
        "rdf:object": "@id",
        "rdf:predicate": "@id",
        "rdf:subject": "@id",
        "schema:datePublished": "xsd:gYear",
        "schema:sameAs": "@id",
        "skos:broader": "@id",
        "skos:closeMatch": "@id",
        "skos:exactMatch": "@id",
        "void:class": "@id",
        "void:classPartition": "@id",
        "void:property": "@id",
        "void:propertyPartition": "@id",
    }
)
# JSON has these itself.
_NATIVE = frozenset({"xsd:boolean", "xsd:integer", "xsd:string"})


def context(base: str = BASE) -> dict[str, Any]:
    """The `@context`: prefixes, and what the values of each predicate are; `ontology/context.jsonld` is this one.

    >>> context()["kg:used_for"], context("https://a.org/")["method"]
    ({'@id': 'kg:used_for', '@type': '@id'}, 'https://a.org/method/')
    """
    terms = {name: {"@id": name, "@type": kind} for name, kind in sorted(_value_types().items())}
    return {"@version": 1.1, "id": "@id", "type": "@type", **prefixes(base), **terms}


def context_text(base: str = BASE) -> str:
    """The context as JSON, one term a line."""
    lines = (f"{json.dumps(name)}: {json.dumps(meaning)}" for name, meaning in context(base).items())
    return "{\n  " + ",\n  ".join(lines) + "\n}"


def write(nodes: Iterable[Description], out: TextIO, base: str = BASE) -> None:
    """Write nodes as one JSON-LD document that needs no network to be read."""
    kinds = _value_types()
    out.write(f'{{"@context": {context_text(base)},\n"@graph": [')
    comma = "\n"
    for subject, facts in nodes:
        node: dict[str, Any] = {"id": _name(subject, base)}
        for predicate, obj in facts:
            if predicate == "rdf:type" and isinstance(obj, str):
                predicate, value = "type", _name(obj, base)
            else:
                value = _value(obj, kinds.get(predicate), base)
            known = node.setdefault(predicate, value)
            if isinstance(known, list):
                known.append(value)
            elif known is not value:
                node[predicate] = [known, value]
        out.write(comma + json.dumps(node, ensure_ascii=False))
        comma = ",\n"
    out.write("\n]}\n")


def _value_types() -> Mapping[str, str]:
    """Predicate -> `@id`, or the datatype of its values, for those that need to be told."""
    xsd = NAMESPACES["xsd"]
    found = dict(_FOREIGN)
    found.update((f"kg:{name}", "@id") for name in ontology.load().predicates)
    for quad in ox.parse(path=str(ontology.path("kg.ttl"))):
        subject, predicate, obj = quad.subject.value, quad.predicate.value, quad.object
        if not subject.startswith(KG) or not isinstance(obj, ox.NamedNode):
            continue
        name = f"kg:{subject.removeprefix(KG)}"
        if predicate == NAMESPACES["rdf"] + "type" and obj.value == NAMESPACES["owl"] + "ObjectProperty":
            found[name] = "@id"
        elif predicate == NAMESPACES["rdfs"] + "range" and obj.value.startswith(xsd):
            datatype = f"xsd:{obj.value.removeprefix(xsd)}"
            if datatype not in _NATIVE:
                found[name] = datatype
    return found


def _name(name: str, base: str) -> str:
    """A name of a description (see `kg.rdf`) as JSON-LD reads it."""
    if name.startswith("<"):
        return name[1:-1]
    prefix, _, local = name.partition(":")
    if prefix not in ontology.ID_PREFIXES:
        return name
    owner, mark, fragment = local.rpartition("#")
    if mark and prefix in ("evidence", "result"):
        return f"{_name(f'{prefix}:{owner}', base)}#{fragment}"
    local = quote(local, safe=ontology.IRI_SAFE, errors="surrogatepass")
    # What follows `x://` is taken for an address.
    return f"{base}{prefix}/{local}" if local.startswith("//") else f"{prefix}:{local}"


def _value(obj: Object, kind: str | None, base: str) -> Any:
    if isinstance(obj, str):
        name = _name(obj, base)
        return name if kind == "@id" else {"id": name}
    text, datatype = obj
    if datatype == kind or (kind is None and datatype == "xsd:string"):
        return text
    if kind is None and datatype == "xsd:integer" and str(int(text)) == text:
        return int(text)
    if kind is None and datatype == "xsd:boolean":
        return text == "true"
    return {"@value": text} if datatype == "xsd:string" else {"@value": text, "@type": datatype}
