"""Any triples as a JSON-LD document whose context holds our prefixes (pyoxigraph itself writes no context).

>>> import pyoxigraph as ox
>>> bert, label = ox.NamedNode("https://kg.example.org/method/bert"), ox.NamedNode("http://www.w3.org/2004/02/skos/core#prefLabel")
>>> from kg.rdf import prefixes
>>> document([ox.Triple(bert, label, ox.Literal("BERT"))], prefixes())["@graph"]
[{'@id': 'method:bert', 'skos:prefLabel': 'BERT'}]
"""

from __future__ import annotations

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
