"""The vocabulary: canonical concepts with their names, aliases and broader concepts, from SKOS, CSV or JSON Lines.

`ontology/vocabulary.ttl` ships with the package; a user's own files come after it, and what comes later wins.

>>> bert = Concept(id="method:bert", type="Method", name="BERT", aliases=("Bidirectional Encoder Representations",))
>>> vocabulary = Vocabulary.of([bert])
>>> vocabulary.find("Method", "BERT"), vocabulary.find("Task", "BERT")
('method:bert', None)
"""

from __future__ import annotations

import csv
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from kg import ontology
from kg.aside import text_aside
from kg.model import ENTITY_TYPES, OntologyError, digest
from kg.plural import singular
from kg.resolve.forms import LOOSE, key, looks_short, loose, stem, unify, words_of
from kg.resolve.match import is_abbreviation

logger = logging.getLogger(__name__)

#: Suffixes of RDF syntaxes that a vocabulary may be written in; `.csv` and `.jsonl` are the other formats.
RDF_SUFFIXES = (".jsonld", ".n3", ".nq", ".nt", ".owl", ".rdf", ".trig", ".ttl", ".xml")

_LONG_WORD = 9
_NAMED_IN_A_WARNING = 3
_ID = re.compile(r"[a-z]+:[^\s<>\"{}|\\^`]+")
_WORDS_OF_A_TECHNIQUE = 2
_HUMP = re.compile(r"(?<=[a-z]{3})(?=[A-Z]{2,}s?$)")
# `Dice` is the Dice score, `SNLI` the SNLI corpus.
_HEADS_MAY_LACK = frozenset({"Dataset", "Metric"})
# What a known name may be followed by without becoming another thing. Not `network`: attention networks are a kind of
# network, and attention is none.
_TYPE_WORDS = MappingProxyType(
    {
        "Method": frozenset(
            "algorithm approach architecture framework method model procedure scheme system technique".split()
        ),
        "Task": frozenset("problem system task".split()),
        "Dataset": frozenset("benchmark collection corpus dataset document movie passage ranking review".split()),
        "Metric": frozenset("measure metric score value".split()),
        "Concept": frozenset("effect issue phenomenon problem property".split()),
    }
)
# What a technique makes of a model, and words that may stand before it: `quantised neural networks`.
_MADE = frozenset({"model", "network", "weight"})
_MADE_OF = frozenset({"deep", "neural", "language"})
_SKOS = ontology.NAMESPACES["skos"]
_DCTERMS = ontology.NAMESPACES["dcterms"]


@dataclass(frozen=True, kw_only=True)
class Concept:
    """One canonical thing. `broader` holds ids of the same type, `same_as` addresses in other catalogues."""

    id: str
    type: str
    name: str
    aliases: tuple[str, ...] = ()
    broader: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()
    definition: str = ""
    year: int | None = None
    introduced_by: str = ""


@dataclass(frozen=True)
class Vocabulary:
    """Concepts by id, and what each label leads to; `own` holds the labels that a user gave."""

    concepts: Mapping[str, Concept]
    labels: Mapping[tuple[str, str], str]  # (type, label with plain dashes and quotes) -> id
    keys: Mapping[tuple[str, str], str]  # (type, `forms.key` of a label) -> id
    own: frozenset[tuple[str, str]] = frozenset()  # (type, `forms.key` of a label)

    @classmethod
    def of(cls, concepts: Iterable[Concept], own: Sequence[Concept] = ()) -> Vocabulary:
        """A vocabulary of these concepts and then a user's `own`; of two that have one id or claim one label, the later
        one wins.

        A name is worth more than an alias: an alias never takes a label that is the name of another concept.
        """
        by_id: dict[str, Concept] = {}
        for concept in (*concepts, *own):
            known = by_id.pop(concept.id, None)
            by_id[concept.id] = concept if known is None else _united(known, concept)
        labels: dict[tuple[str, str], str] = {}
        keys: dict[tuple[str, str], str] = {}
        for aliases in (True, False):
            for concept in by_id.values():
                for label in concept.aliases if aliases else (concept.name,):
                    labels[concept.type, unify(label)] = concept.id
                    keys[concept.type, key(label)] = concept.id
        given = frozenset((concept.type, key(label)) for concept in own for label in (concept.name, *concept.aliases))
        return cls(MappingProxyType(by_id), MappingProxyType(labels), MappingProxyType(keys), given)

    def find(self, entity_type: str, name: str) -> str | None:
        """The id of the concept of this type that the name leads to, as written or by its normal form."""
        return self.labels.get((entity_type, unify(name))) or self.keys.get((entity_type, key(name)))

    @cached_property
    def loose(self) -> Mapping[tuple[str, str, str], str]:
        """(type, loose rule, form) -> id; shared forms lead nowhere, names come before aliases."""
        found: dict[tuple[str, str, str], set[str]] = {}
        for aliases in (False, True):
            owned = frozenset(found)
            for concept in self.concepts.values():
                for label in concept.aliases if aliases else (concept.name,):
                    if looks_short(label):
                        continue
                    forms = loose(label, concept.type)
                    bare = forms[1] if len(words_of(label)) > 1 else forms[2]
                    for (rule, _), form in zip(LOOSE, forms, strict=True):
                        # what lacks a head may be meant by a name with it, but `graph` is no `graph problem`
                        given = form == bare or rule in ("wording", "inflection") or concept.type in _HEADS_MAY_LACK
                        if given and (concept.type, rule, form) not in owned:
                            found.setdefault((concept.type, rule, form), set()).add(concept.id)
        return MappingProxyType({form: min(ids) for form, ids in found.items() if len(ids) == 1})

    def find_loose(self, entity_type: str, name: str) -> tuple[str, str, float] | None:
        """(id, loose rule, score) of the concept that a name means by another wording, or None."""
        if looks_short(name):
            return None
        for (rule, score), form in zip(LOOSE, loose(name, entity_type), strict=True):
            identifier = self.loose.get((entity_type, rule, form))
            if identifier is not None:
                return identifier, rule, score
        return None

    @cached_property
    def abbreviations(self) -> Mapping[str, str]:
        """Abbreviation -> the one name that it stands for, whatever its type; those of two things are left out."""
        found: dict[str, set[str]] = {}
        for concept in self.concepts.values():
            for alias in concept.aliases:
                if looks_short(alias) and is_abbreviation(alias, concept.name):
                    found.setdefault(singular(alias), set()).add(concept.name)
        return MappingProxyType({short: min(names) for short, names in found.items() if len(names) == 1})

    def expanded(self, name: str) -> str | None:
        """A name of several words with the abbreviations in it written out, None where it has none.

        >>> graph = Concept(id="concept:kg", type="Concept", name="Knowledge Graph", aliases=("KG",))
        >>> Vocabulary.of([graph]).expanded("KG completion"), Vocabulary.of([graph]).expanded("NeuralKG")
        ('Knowledge Graph completion', 'Neural Knowledge Graph')
        """
        words = _HUMP.sub(" ", unify(name)).split(" ")
        if len(words) < 2:
            return None
        longer = [self.abbreviations.get(singular(word), word) for word in words]
        return None if longer == words else " ".join(longer)

    def headless(self, entity_type: str, name: str) -> str | None:
        """The concept that a name means by its first words, the last saying what type it has, or None.

        >>> transformer = Concept(id="method:transformer", type="Method", name="Transformer")
        >>> Vocabulary.of([transformer]).headless("Method", "transformer-based models")
        'method:transformer'
        """
        words = list(words_of(name))
        while len(words) > 1 and words[-1] in _TYPE_WORDS[entity_type]:
            words.pop()
            if len(words) > 1 and words[-1] == "based":
                words.pop()
            rest = " ".join(words)
            found = self.find(entity_type, rest)
            if found is not None:  # `supervised` may be supervised learning, but a supervised model is none
                called = self.concepts[found].name
                if entity_type == "Task":  # every task may be called one
                    return found
                whole = entity_type == "Dataset" and set(words_of(rest)) < set(words_of(called))  # `IMDB review`
                return found if whole or key(rest) == key(called) or is_abbreviation(rest, called) else None
        return None

    @cached_property
    def _techniques(self) -> Mapping[str, str]:
        """The stem of each name of one word that says what is done (`pruning`, `quantization`) -> the method's id."""
        found: dict[str, set[str]] = {}
        for concept in self.concepts.values():
            if concept.type == "Method":
                for label in (concept.name, *concept.aliases):
                    words = words_of(label)
                    if words and len(words) <= _WORDS_OF_A_TECHNIQUE and words[-1].endswith(("ing", "ion")):
                        found.setdefault("".join(map(stem, words)), set()).add(concept.id)
        return MappingProxyType({form: min(ids) for form, ids in found.items() if len(ids) == 1})

    def technique(self, entity_type: str, name: str) -> str | None:
        """The method that made a model which is named by it, or None.

        >>> pruning = Concept(id="method:pruning", type="Method", name="Pruning")
        >>> Vocabulary.of([pruning]).technique("Method", "pruned neural networks")
        'method:pruning'
        """
        words = list(words_of(name))
        if entity_type != "Method" or len(words) < 2 or words[-1] not in _MADE:
            return None
        words.pop()
        while words and words[-1] in _MADE_OF:
            words.pop()
        if not words or not words[-1].endswith("ed") or len(words) > _WORDS_OF_A_TECHNIQUE:
            return None
        return self._techniques.get("".join(map(stem, words)))

    @cached_property
    def _words(self) -> Mapping[str, frozenset[str]]:
        """The long words of all labels: each word, and each way to leave one letter out -> the words it may be."""
        found: dict[str, set[str]] = {}
        for _, label in self.labels:
            for word in words_of(label):
                if len(word) >= _LONG_WORD and word.isalpha() and word not in found.get(word, ()):
                    found.setdefault(word, set()).add(word)
                    for place in range(1, len(word) - 2):
                        found.setdefault(word[:place] + word[place + 1 :], set()).add(word)
        return MappingProxyType({variant: frozenset(words) for variant, words in found.items()})

    def corrected(self, name: str) -> str | None:
        """The name with its mistyped long words put right (one letter missing, doubled or swapped), or None.

        Neither the first letter of a word nor its last two are touched, and no word is made another known one.

        >>> Vocabulary.of([Concept(id="task:x", type="Task", name="Information Retrieval")]).corrected("info retreival")
        'info retrieval'
        """
        words = re.split("([ -])", unify(name))
        changed = False
        for place, word in enumerate(words):
            low = word.lower()
            if len(low) < _LONG_WORD - 1 or not low.isalpha() or word not in (low, low.capitalize()):
                continue
            if len(words) == 1 and word != low:  # a coined name may differ from another by one letter
                continue
            single = words_of(low)[0] if words_of(low) else low
            if single in self._words.get(single, ()):
                continue
            meant = set(self._words.get(single, ()))
            for at in range(1, len(single) - 2):
                without, swapped = single[:at] + single[at + 1 :], list(single)
                swapped[at], swapped[at + 1] = swapped[at + 1], swapped[at]
                meant.update({without, "".join(swapped)} & self._words.keys())
            meant = {word for word in meant if word in self._words.get(word, ())}
            if len(meant) == 1:
                words[place], changed = meant.pop(), True
        return "".join(words) if changed else None

    def ancestors(self, identifier: str) -> Iterator[str]:
        """The broader concepts of a concept, nearest first; each once."""
        seen = {identifier}
        waiting = list(self.concepts[identifier].broader) if identifier in self.concepts else []
        while waiting:
            above = waiting.pop(0)
            if above not in seen:
                seen.add(above)
                yield above
                waiting.extend(self.concepts[above].broader if above in self.concepts else ())

    @cached_property
    def hash(self) -> str:
        """SHA-256 of all concepts: two vocabularies that lead names to the same ids have the same hash."""
        return digest(*(self.concepts[identifier] for identifier in sorted(self.concepts)))


def _united(former: Concept, later: Concept) -> Concept:
    """The later concept, with what it does not say taken from the former; the former's name stays an alias."""
    aliases = {*former.aliases, *later.aliases, former.name} - {later.name}
    return replace(
        later,
        aliases=tuple(sorted(aliases)),
        broader=later.broader or former.broader,
        same_as=tuple(sorted({*former.same_as, *later.same_as})),
        definition=later.definition or former.definition,
        year=former.year if later.year is None else later.year,
        introduced_by=later.introduced_by or former.introduced_by,
    )


def load_vocabulary(paths: Sequence[str | Path] = ()) -> Vocabulary:
    """The vocabulary that ships with kg and, after it, the files of `paths` (SKOS in RDF, `.csv` or `.jsonl`)."""
    own = [concept for path in paths for concept in read_concepts(path)]
    return Vocabulary.of(read_concepts(ontology.path("vocabulary.ttl")), own)


def read_concepts(path: str | Path) -> Iterator[Concept]:
    """The concepts of one vocabulary file, read by its suffix.

    CSV has the columns id, name, type, aliases (separated by `|`) and broader, id and broader may be empty;
    JSON Lines have the same fields with lists for aliases and broader.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if not path.is_file():
        raise OntologyError(f"{path}: no such vocabulary file")
    if suffix not in (*RDF_SUFFIXES, ".csv", ".jsonl"):
        known = ", ".join(sorted((*RDF_SUFFIXES, ".csv", ".jsonl")))
        raise OntologyError(f"{path}: unknown kind of vocabulary {suffix!r}, known: {known}")
    try:
        yield from {".csv": _read_csv, ".jsonl": _read_jsonl}.get(suffix, _read_skos)(path)
    except UnicodeDecodeError as error:
        raise OntologyError(f"{path}: is not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8") from None
    except (OSError, csv.Error) as error:
        raise OntologyError(f"{path}: cannot be read: {error}") from None


def _read_csv(path: Path) -> Iterator[Concept]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        columns = [column for column in rows.fieldnames or () if column]
        if not {"name", "type"} <= set(columns):
            there = f"it has {', '.join(columns)}" if columns else "it is empty"
            raise OntologyError(f"{path}:1: needs the columns name and type, separated by commas; {there}")
        for row in rows:
            yield _from_row({column: text for column, text in row.items() if column}, path, rows.line_num)


def _read_jsonl(path: Path) -> Iterator[Concept]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise OntologyError(f"{path}:{number}: no JSON: {error}") from None
                if not isinstance(row, dict):
                    raise OntologyError(f"{path}:{number}: each line should be an object with id, name, type")
                yield _from_row(row, path, number)


def _from_row(row: Mapping[str, object], path: Path, line: int) -> Concept:
    name, entity_type = str(row.get("name") or "").strip(), str(row.get("type") or "").strip()
    if not name or entity_type not in ENTITY_TYPES:
        raise OntologyError(f"{path}:{line}: a concept needs a name and a type of {', '.join(ENTITY_TYPES)}")
    identifier = str(row.get("id") or "").strip() or ontology.entity_id(entity_type, name)
    several = {}
    for field in ("aliases", "broader", "same_as"):
        try:
            several[field] = set(_strings(row.get(field)))
        except TypeError:
            raise OntologyError(f"{path}:{line}: {field} should be text, or a list of text") from None
    for what, one in (("id", identifier), *(("broader id", above) for above in sorted(several["broader"]))):
        if not _ID.fullmatch(one) or ontology.type_of(one) != entity_type:
            raise OntologyError(
                f"{path}:{line}: the {what} {one!r} does not fit the type {entity_type}: it should begin with "
                f"{entity_type.lower()}: and have no blanks"
            )
    return Concept(
        id=identifier,
        type=entity_type,
        name=name,
        aliases=tuple(sorted(several["aliases"] - {name})),
        broader=tuple(sorted(several["broader"] - {identifier})),
        same_as=tuple(sorted(several["same_as"])),
        definition=str(row.get("definition") or ""),
        year=int(str(row["year"])) if str(row.get("year") or "").isdigit() else None,
        introduced_by=str(row.get("introduced_by") or ""),
    )


def _strings(value: object) -> list[str]:
    """The texts of a list, or of a text with `|` between; raises TypeError for anything else."""
    parts = value.split("|") if isinstance(value, str) else [] if value is None else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise TypeError
    return [text for text in map(str.strip, parts) if text]


def _read_skos(path: Path) -> Iterator[Concept]:
    """SKOS concepts; the type is the `kg:` class, or that of our own id. Labels in English, or without a language."""
    import pyoxigraph as ox

    facts: dict[str, dict[str, list[str]]] = {}
    try:
        suffix = path.suffix.lower().removeprefix(".")
        syntax = ox.RdfFormat.from_extension("rdf" if suffix == "owl" else suffix)
        for quad in ox.parse(path=str(path), format=syntax):
            if isinstance(quad.object, ox.Literal) and (quad.object.language or "en").split("-")[0].lower() != "en":
                continue
            facts.setdefault(str(quad.subject.value), {}).setdefault(str(quad.predicate.value), []).append(
                str(quad.object.value)
            )
    except (SyntaxError, ValueError, OSError) as error:
        raise OntologyError(f"{path}: {error}") from None
    rdf_type = ontology.NAMESPACES["rdf"] + "type"
    ids: dict[str, tuple[str, str]] = {}
    untyped: list[str] = []
    for address in sorted(facts):
        said = facts[address]
        names = said.get(_SKOS + "prefLabel")
        if not names:
            continue
        identifier = ontology.curie(address)
        classes = {kind.removeprefix(ontology.KG) for kind in said.get(rdf_type, ())}
        entity_type = next((kind for kind in ENTITY_TYPES if kind in classes), None)
        if entity_type is None and identifier is not None and ontology.type_of(identifier) in ENTITY_TYPES:
            entity_type = ontology.type_of(identifier)
        if entity_type is None:
            untyped.append(address)
            continue
        if identifier is None or ontology.type_of(identifier) != entity_type:
            identifier = ontology.entity_id(entity_type, min(names))
        ids[address] = (identifier, entity_type)
    if not ids:
        if untyped:
            raise OntologyError(
                f"{path}: none of its {len(untyped)} concepts has a type of kg (rdf:type kg:Method …): give them one, "
                "or tie the graph to it with kg link"
            )
        raise OntologyError(f"{path}: holds no concept with a skos:prefLabel in English")
    if untyped:
        logger.warning(
            "%s: left out %d concepts that have no type of kg (rdf:type kg:Method …): %s%s",
            path,
            len(untyped),
            ", ".join(untyped[:_NAMED_IN_A_WARNING]),
            ", …" if len(untyped) > _NAMED_IN_A_WARNING else "",
        )
    for address, (identifier, entity_type) in ids.items():
        said = facts[address]
        years = [year for year in said.get(_DCTERMS + "created", ()) if year[:4].isdigit()]
        name = min(said[_SKOS + "prefLabel"])
        same_as = {*said.get(_SKOS + "exactMatch", ()), *said.get(ontology.NAMESPACES["owl"] + "sameAs", ())}
        if ontology.curie(address) is None:
            same_as.add(address)
        aliases = {*said.get(_SKOS + "altLabel", ()), *said.get(_SKOS + "hiddenLabel", ())} - {name}
        yield Concept(
            id=identifier,
            type=entity_type,
            name=name,
            aliases=tuple(sorted(aliases)),
            broader=tuple(
                sorted(ids[above][0] for above in said.get(_SKOS + "broader", ()) if above in ids and above != address)
            ),
            same_as=tuple(sorted(same_as)),
            definition=min(said.get(_SKOS + "definition", [""])),
            year=int(min(years)[:4]) if years else None,
            introduced_by=min(said.get(_DCTERMS + "source", [""])),
        )


def write_skos(concepts: Iterable[Concept], path: str | Path) -> None:
    """Write concepts as SKOS in Turtle, sorted by id, one block a concept."""
    blocks = [
        "# The vocabulary of kg: canonical concepts, their other names, and what is broader (docs/resolution.md).\n\n"
        + "".join(
            f"@prefix {prefix}: <{ontology.NAMESPACES[prefix]}> .\n" for prefix in ("dcterms", "kg", "skos", "xsd")
        )
        + "".join(f"@prefix {name.lower()}: <{ontology.BASE}{name.lower()}/> .\n" for name in ENTITY_TYPES)
        + f"\n<{ontology.BASE}vocabulary> a skos:ConceptScheme ;\n"
        '    dcterms:title "The vocabulary of kg"@en ;\n'
        "    dcterms:license <https://www.apache.org/licenses/LICENSE-2.0> .\n"
    ]
    for concept in sorted(concepts, key=lambda concept: concept.id):
        facts = [f"a skos:Concept, kg:{concept.type}", f"skos:prefLabel {_literal(concept.name)}"]
        if concept.aliases:
            facts.append(f"skos:altLabel {', '.join(map(_literal, sorted(concept.aliases)))}")
        if concept.definition:
            facts.append(f"skos:definition {_literal(concept.definition)}")
        if concept.broader:
            facts.append(f"skos:broader {', '.join(map(_address, sorted(concept.broader)))}")
        if concept.same_as:
            facts.append(f"skos:exactMatch {', '.join(f'<{address}>' for address in sorted(concept.same_as))}")
        if concept.year is not None:
            facts.append(f'dcterms:created "{concept.year:04d}"^^xsd:gYear')
        if concept.introduced_by:
            facts.append(f"dcterms:source {_literal(concept.introduced_by)}")
        facts.append(f"skos:inScheme <{ontology.BASE}vocabulary>")
        blocks.append(f"{_address(concept.id)} " + " ;\n    ".join(facts) + " .\n")
    with text_aside(Path(path)) as file:
        file.write("\n".join(blocks))


def write_jsonl(concepts: Iterable[Concept], path: str | Path) -> None:
    """Write concepts as JSON Lines, in their order, without the fields that say nothing."""
    with text_aside(Path(path)) as file:
        for concept in concepts:
            said = {name: value for name, value in asdict(concept).items() if value}
            file.write(json.dumps(said, ensure_ascii=False) + "\n")


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"@en'


def _address(identifier: str) -> str:
    prefix, _, local = identifier.partition(":")
    plain_name = re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", local)
    return identifier if plain_name and prefix.capitalize() in ENTITY_TYPES else f"<{ontology.iri(identifier)}>"
