"""Any triples as Turtle, JSON-LD, N-Triples or RDF/XML, with those of our prefixes that they use.

The JSON-LD is ours, since pyoxigraph writes none with a context.

>>> import pyoxigraph as ox
>>> bert, label = ox.NamedNode("https://kg.example.org/method/bert"), ox.NamedNode("http://www.w3.org/2004/02/skos/core#prefLabel")
>>> from kg.rdf import prefixes
>>> document([ox.Triple(bert, label, ox.Literal("BERT"))], prefixes())["@graph"]
[{'@id': 'method:bert', 'skos:prefLabel': 'BERT'}]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kg.ontology import NAMESPACES

if TYPE_CHECKING:
    import pyoxigraph as ox

_XSD = NAMESPACES["xsd"]
_TYPE = NAMESPACES["rdf"] + "type"
# Numbers of JSON become xsd:integer; only those that JSON can carry exactly, and writes in the same way.
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,14}")


def serialized(triples: Iterable[ox.Triple], name: str, prefixes: Mapping[str, str]) -> bytes:
    """Triples in a format: ttl, jsonld, nt or rdfxml; the same triples give the same bytes."""
    import pyoxigraph as ox

    if name == "jsonld":
        return json.dumps(document(triples, prefixes), ensure_ascii=False, indent=1).encode()
    found = list(triples)
    formats = {"ttl": ox.RdfFormat.TURTLE, "nt": ox.RdfFormat.N_TRIPLES, "rdfxml": ox.RdfFormat.RDF_XML}
    written = ox.serialize(found, format=formats[name], prefixes=_used(found, prefixes) if name == "ttl" else None)
    text = written if written is not None else b""
    if name != "ttl":
        return text
    # pyoxigraph writes the prefixes in any order.
    lines = text.splitlines(keepends=True)
    head = next((number for number, line in enumerate(lines) if not line.startswith(b"@prefix ")), len(lines))
    return b"".join([*sorted(lines[:head]), b"\n" if head else b"", *lines[head:]])


def _used(triples: Iterable[ox.Triple], prefixes: Mapping[str, str]) -> dict[str, str]:
    """The prefixes that the triples use."""
    names = {namespace: name for name, namespace in prefixes.items()}
    used = {}
    for triple in triples:
        for part in triple:
            address = part.value if type(part).__name__ == "NamedNode" else getattr(part, "datatype", part).value
            for end in {address.rfind("/") + 1, address.rfind("#") + 1}:
                if address[:end] in names:
                    used[names[address[:end]]] = address[:end]
    return used


def document(triples: Iterable[ox.Triple], prefixes: Mapping[str, str]) -> dict[str, Any]:
    """One JSON-LD document; a node is written where its first triple stands, its values in the order that they come."""
    context: dict[str, str] = {}
    nodes: dict[str, dict[str, Any]] = {}
    found = list(triples)
    # An IRI that begins like a prefix (`task:x`) would be read as one, so such a prefix is not declared.
    schemes = {part.value.partition(":")[0] for triple in found for part in triple if hasattr(part, "value")}
    usable = {name: namespace for name, namespace in prefixes.items() if name not in schemes}

    names = {namespace: name for name, namespace in usable.items()}

    def short(address: str) -> str:
        for end in range(len(address), 0, -1):
            if address[end - 1] in "/#" and (name := names.get(address[:end])) and not address.startswith("//", end):
                context[name] = address[:end]
                return f"{name}:{address[end:]}"
        return address

    def reference(term: Any) -> str:
        return short(term.value) if type(term).__name__ == "NamedNode" else str(term)

    def value(term: Any) -> Any:
        if type(term).__name__ != "Literal":
            return {"@id": reference(term)}
        if term.language is not None:
            return {"@value": term.value, "@language": term.language}
        kind = term.datatype.value
        if kind == _XSD + "string":
            return term.value
        if kind == _XSD + "boolean" and term.value in {"true", "false"}:
            return term.value == "true"
        if kind == _XSD + "integer" and _INTEGER.fullmatch(term.value):
            return int(term.value)
        return {"@type": short(kind), "@value": term.value}

    for triple in found:
        subject = reference(triple.subject)
        node = nodes.setdefault(subject, {"@id": subject})
        predicate = triple.predicate.value
        if predicate == _TYPE:
            node.setdefault("@type", []).append(reference(triple.object))
        else:
            node.setdefault(short(predicate), []).append(value(triple.object))
    for node in nodes.values():
        for key, values in node.items():
            if isinstance(values, list) and len(values) == 1:
                node[key] = values[0]
    return {"@context": dict(sorted(context.items())), "@graph": list(nodes.values())}
