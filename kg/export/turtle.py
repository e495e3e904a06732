"""Turtle and TriG for people: prefixes for ids, one block a node, sections by type, long lists broken into lines.

>>> import io
>>> from kg.graph import Graph
>>> from kg.model import Entity
>>> from kg.rdf import describe
>>> out = io.StringIO()
>>> write(describe(Graph(entities=(Entity(id="method:bert", type="Method", name="BERT"),))), out)
>>> print(next(block for block in out.getvalue().split("\\n\\n") if block.startswith("method:bert")))
method:bert a kg:Method ;
    skos:prefLabel "BERT" ;
    kg:papers 0 .
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TextIO
from urllib.parse import quote

from kg import ontology
from kg.ontology import BASE, NAMESPACES
from kg.rdf import Description, Object, prefixes

_WIDTH = 120

# A name that Turtle takes as it is, and the signs that an escape makes legal in one (Turtle, PN_LOCAL).
_PLAIN = re.compile(r"[a-z]+:[A-Za-z0-9_](?:[A-Za-z0-9_:-]|\.(?=[A-Za-z0-9_:-]))*")
_TO_ESCAPE = re.compile(r"[~!$&'()*+,;=/?#@]|^[-.]")
# Besides what the syntax asks for: signs that one cannot see, or that change the direction of the text around them.
_STRING_ESCAPES = re.compile(r'["\\\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]')
_SHORT_ESCAPES = MappingProxyType({'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_BARE = MappingProxyType(
    {
        "xsd:boolean": re.compile("true|false"),
        "xsd:integer": re.compile("-?[0-9]+"),
        "xsd:decimal": re.compile(r"-?[0-9]*\.[0-9]+"),
    }
)
# Small nodes that read best as one line below the node that they belong to.
_SMALL = frozenset({"oa:TextPositionSelector", "oa:TextQuoteSelector", "void:class", "void:property"})


def write(
    nodes: Iterable[Description],
    out: TextIO,
    base: str = BASE,
    *,
    graphs: Iterable[tuple[str, Iterable[Description]]] = (),
) -> None:
    """Write nodes as Turtle; `graphs` are named graphs (name, nodes) behind it, which makes it TriG."""
    out.writelines(f"@prefix {prefix}: <{namespace}> .\n" for prefix, namespace in prefixes(base).items())
    titles, section = _titles(), ""
    for subject, facts in nodes:
        predicate, kind = facts[0]
        if predicate != "rdf:type":
            kind = predicate
        title = titles.get(kind, section)
        if title != section:
            out.write(f"\n# ---- {title} ".ljust(_WIDTH - 1, "-") + "\n")
            section = title
        if kind in _SMALL:
            out.write(_block(subject, facts, base, indent=" "))
        else:
            out.write(_block(subject, facts, base) if kind == "kg:Evidence" else "\n" + _block(subject, facts, base))
    for name, content in graphs:
        out.write(f"\n{_name(name, base)} {{\n")
        for subject, facts in content:
            out.write("    " + _block(subject, facts, base, indent="\n        "))
        out.write("}\n")


def _block(subject: str, facts: Iterable[tuple[str, Object]], base: str, *, indent: str = "\n    ") -> str:
    """A subject with its predicates and objects; equal predicates follow each other."""
    grouped: dict[str, list[str]] = {}
    for predicate, obj in facts:
        grouped.setdefault(predicate, []).append(_name(obj, base) if isinstance(obj, str) else _literal(*obj))
    lines = []
    for predicate, objects in grouped.items():
        verb = "a" if predicate == "rdf:type" else predicate
        line = f"{verb} {', '.join(objects)}"
        if len(objects) > 1 and len(line) > _WIDTH - 8:
            line = f"{verb}{indent}    " + f",{indent}    ".join(objects)
        lines.append(line)
    return f"{_name(subject, base)} {f' ;{indent}'.join(lines)} .\n"


def _name(name: str, base: str) -> str:
    """A name of a description (see `kg.rdf`) as Turtle writes it."""
    if _PLAIN.fullmatch(name) or name.startswith("<"):
        return name
    prefix, _, local = name.partition(":")
    if prefix not in ontology.ID_PREFIXES:
        return f"<{NAMESPACES.get(prefix, '')}{local}>"
    owner, mark, fragment = name.rpartition("#")
    if mark and prefix in ("evidence", "result"):
        return f"{_name(owner, base)}\\#{fragment}"
    local = quote(local, safe=ontology.IRI_SAFE, errors="surrogatepass")
    # An escaped dot at the end is legal, but rdflib 7 drops it.
    return f"<{base}{prefix}/{local}>" if local.endswith(".") else f"{prefix}:" + _TO_ESCAPE.sub(r"\\\g<0>", local)


def _literal(text: str, datatype: str) -> str:
    if datatype in _BARE and _BARE[datatype].fullmatch(text):
        return text
    quoted = f'"{_STRING_ESCAPES.sub(_escape, text)}"'
    return quoted if datatype == "xsd:string" else f"{quoted}^^{datatype}"


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return _SHORT_ESCAPES.get(character) or f"\\u{ord(character):04X}"


def _titles() -> Mapping[Object, str]:
    """The class (or first predicate) of a node -> the heading of its section."""
    titles: dict[Object, str] = {
        f"kg:{name}": f"{kind.label}s" for name, kind in ontology.load().types.items() if name != "Evidence"
    }
    titles["kg:Statement"] = "Statements, each followed by its evidence"
    titles["dcterms:isReplacedBy"] = "Former ids"
    titles["void:Dataset"] = "The whole"
    return titles
