"""Types, predicates, prefixes and ids: what `ontology/kg.ttl` says, read once.

>>> ontology = load()
>>> ontology.allows("Method", "used_for", "Task"), ontology.allows("Task", "used_for", "Method")
(True, False)
>>> entity_id("Method", "k-Means++"), iri("method:transformer")
('method:k-means-plus-plus', 'https://kg.example.org/method/transformer')
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, unquote

from kg.model import OntologyError, digest

#: Where ids are rooted unless a setting says otherwise: `method:x` is `BASE + "method/x"`.
BASE = "https://kg.example.org/"
#: The namespace of the ontology's own terms; it does not depend on `BASE`, so that queries are portable.
KG = "https://kg.example.org/ontology#"

#: The vocabularies that exports use, by prefix.
NAMESPACES = MappingProxyType(
    {
        "bibo": "http://purl.org/ontology/bibo/",
        "cito": "http://purl.org/spar/cito/",
        "dcat": "http://www.w3.org/ns/dcat#",
        "dcterms": "http://purl.org/dc/terms/",
        "fabio": "http://purl.org/spar/fabio/",
        "foaf": "http://xmlns.com/foaf/0.1/",
        "kg": KG,
        "mls": "http://www.w3.org/ns/mls#",
        "oa": "http://www.w3.org/ns/oa#",
        "owl": "http://www.w3.org/2002/07/owl#",
        "prov": "http://www.w3.org/ns/prov#",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "schema": "https://schema.org/",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "void": "http://rdfs.org/ns/void#",
        "wd": "http://www.wikidata.org/entity/",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    }
)

#: The prefixes of ids; each names one type, `method` for `Method`.
ID_PREFIXES = (
    "author",
    "concept",
    "dataset",
    "evidence",
    "method",
    "metric",
    "paper",
    "result",
    "statement",
    "task",
    "venue",
)

_SPOKEN = (("||", " parallel"), ("+", " plus "), ("*", " star "), ("@", " at "), ("#", " sharp"))
# What may stand in an IRI after the prefix as it is; everything else is percent-encoded (RFC 3987, without the signs
# that Turtle or URLs give a meaning).
IRI_SAFE = "-._~:/@!$&'()*+,;="


@dataclass(frozen=True)
class NodeType:
    """A class of nodes: `Method`, `Paper`, …; `entity` tells those that texts name."""

    name: str
    label: str
    comment: str
    color: str
    entity: bool

    @property
    def prefix(self) -> str:
        """The prefix of its ids."""
        return self.name.lower()


@dataclass(frozen=True)
class Predicate:
    """A relation of the graph. `kind` is role, relation, link or aspect; a signature is (head type, tail type)."""

    name: str
    label: str
    comment: str
    kind: str
    signatures: tuple[tuple[str, str], ...]
    symmetric: bool

    @property
    def iri(self) -> str:
        return KG + self.name

    @property
    def cypher(self) -> str:
        """The name of its relationships in Cypher."""
        return self.name.upper()


@dataclass(frozen=True)
class Ontology:
    """All types and predicates by name, each in its order."""

    types: MappingProxyType[str, NodeType]
    predicates: MappingProxyType[str, Predicate]

    def of_kind(self, kind: str) -> tuple[Predicate, ...]:
        """The predicates of a kind (role, relation, link, aspect), in order; for roles that is their strength."""
        return tuple(predicate for predicate in self.predicates.values() if predicate.kind == kind)

    def allows(self, head: str, predicate: str, tail: str) -> bool:
        """Whether a node of type `head` may stand in this relation to one of type `tail`."""
        known = self.predicates.get(predicate)
        return known is not None and (head, tail) in known.signatures

    def roles(self, entity_type: str) -> tuple[str, ...]:
        """The roles that an entity of this type can have, strongest first."""
        return tuple(role.name for role in self.of_kind("role") if ("Paper", entity_type) in role.signatures)

    def relations(self, head: str, tail: str) -> tuple[str, ...]:
        """The relations that may hold from an entity of type `head` to one of type `tail`."""
        return tuple(relation.name for relation in self.of_kind("relation") if (head, tail) in relation.signatures)


def path(name: str) -> Path:
    """Where a file of `ontology/` is: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    for folder in (package / "_ontology", package.parent / "ontology"):
        if (folder / name).exists():
            return folder / name
    raise OntologyError(f"ontology file {name} is missing from the installation: install kg-papers again")


@cache
def load() -> Ontology:
    """The ontology, parsed from `kg.ttl` on first use."""
    import pyoxigraph as ox

    facts: dict[str, dict[str, list[str]]] = {}
    for quad in ox.parse(path=str(path("kg.ttl"))):
        subject, predicate = str(quad.subject.value), str(quad.predicate.value)
        if subject.startswith(KG):
            facts.setdefault(subject.removeprefix(KG), {}).setdefault(predicate, []).append(str(quad.object.value))
    rdfs, rdf, owl = NAMESPACES["rdfs"], NAMESPACES["rdf"], NAMESPACES["owl"]

    def first(name: str, predicate: str) -> str:
        return facts[name].get(predicate, [""])[0]

    ordered = sorted((name for name in facts if KG + "order" in facts[name]), key=lambda n: int(first(n, KG + "order")))
    types: dict[str, NodeType] = {}
    predicates: dict[str, Predicate] = {}
    for name in ordered:
        classes = facts[name][rdf + "type"]
        label, comment = first(name, rdfs + "label"), first(name, rdfs + "comment")
        if owl + "Class" in classes:
            entity = KG + "Entity" in facts[name][rdfs + "subClassOf"]
            types[name] = NodeType(name, label, comment, first(name, KG + "color"), entity)
    for kind in ("Role", "Relation", "Link", "Aspect"):
        for name in ordered:
            classes = facts[name][rdf + "type"]
            if KG + kind in classes:
                signatures = []
                for signature in facts[name].get(KG + "signature", []):
                    head, tail = signature.split()
                    if head not in types or tail not in types:
                        raise OntologyError(f"kg.ttl: kg:{name} has the signature {signature!r} of unknown types")
                    signatures.append((head, tail))
                order = list(types)
                signatures.sort(key=lambda pair: (order.index(pair[0]), order.index(pair[1])))
                predicates[name] = Predicate(
                    name,
                    first(name, rdfs + "label"),
                    first(name, rdfs + "comment"),
                    kind.lower(),
                    tuple(signatures),
                    owl + "SymmetricProperty" in classes,
                )
    return Ontology(MappingProxyType(types), MappingProxyType(predicates))


def slug(name: str) -> str:
    """A name as the second half of an id (DESIGN section 5).

    >>> slug("C++ & É-nets"), slug("k-Means||"), slug("P@10"), slug("注意")
    ('c-plus-plus-e-nets', 'k-means-parallel', 'p-at-10', '4ffef8f311')
    """
    spoken = name.lower()
    for sign, word in _SPOKEN:
        spoken = spoken.replace(sign, word)
    ascii_only = unicodedata.normalize("NFKD", spoken).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-") or digest(name)[:10]


def entity_id(entity_type: str, name: str) -> str:
    """The id of the node of this type and canonical name, when no other name has the same slug."""
    return f"{entity_type.lower()}:{slug(name)}"


def type_of(curie: str) -> str:
    """The type that an id's prefix names: `Method` for `method:bert`."""
    prefix, _, local = curie.partition(":")
    if prefix not in ID_PREFIXES or not local:
        raise OntologyError(
            f"{curie!r} is no id of kg: it should be one of {', '.join(ID_PREFIXES)}, a colon and a name"
        )
    return prefix.capitalize()


def iri(curie: str, base: str = BASE) -> str:
    """The IRI of an id; what an IRI must not hold is percent-encoded.

    >>> iri("paper:10.1000/<x> y")
    'https://kg.example.org/paper/10.1000/%3Cx%3E%20y'
    """
    prefix, _, local = curie.partition(":")
    return f"{base}{prefix}/{quote(local, safe=IRI_SAFE, errors='surrogatepass')}"


def curie(address: str, base: str = BASE) -> str | None:
    """The id that an IRI stands for, or None when it is not one of ours.

    >>> curie("https://kg.example.org/method/bert"), curie("https://schema.org/name")
    ('method:bert', None)
    """
    if not address.startswith(base):
        return None
    prefix, _, local = address.removeprefix(base).partition("/")
    return f"{prefix}:{unquote(local)}" if prefix in ID_PREFIXES and local else None
