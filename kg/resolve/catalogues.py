"""Catalogues of others: the addresses and names of their entries, from SKOS, CSO or Papers with Code files.

>>> import tempfile
>>> path = Path(tempfile.mkdtemp(), "methods.json")
>>> _ = path.write_text('[{"url": "https://x.org/method/adam", "name": "Adam", "full_name": "Adam", "num_papers": 1}]')
>>> read_catalogue(path)
[Entry(address='https://x.org/method/adam', name='Adam', aliases=(), type='Method')]
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from kg import ontology
from kg.model import ENTITY_TYPES, ReadError
from kg.read.json_stream import values
from kg.read.opening import Source
from kg.resolve.forms import unify
from kg.resolve.match import apart, is_abbreviation
from kg.resolve.vocabulary import RDF_SUFFIXES

_CSO = "http://cso.kmi.open.ac.uk/schema/cso#"
_SKOS, _RDF, _RDFS = (ontology.NAMESPACES[prefix] for prefix in ("skos", "rdf", "rdfs"))
# What makes a node an entry, where it has a name.
_CLASSES = frozenset({_SKOS + "Concept", _CSO + "Topic"})
# CSO: what two topics have to do with each other; both are topics, whatever else is said of them.
_BETWEEN_TOPICS = frozenset(
    _CSO + name for name in ("superTopicOf", "relatedEquivalent", "preferentialEquivalent", "contributesTo")
)
_SITE = "https://paperswithcode.com"
_LITERAL = re.compile(r'^"?(?P<text>.*?)"?(?:@(?P<language>[A-Za-z]+(?:-[A-Za-z0-9]+)*)|\^\^\S+)?$', re.DOTALL)
_BRACKETS = re.compile(r"^(?P<before>.+?)\s*\((?P<inside>[^()]+)\)$")

# subject -> predicate -> objects: addresses and texts alike
_Facts = dict[str, dict[str, list[str]]]


@dataclass(frozen=True, kw_only=True, order=True)
class Entry:
    """What a catalogue says about one thing; `type` is one of kg's, or empty where the catalogue does not say."""

    address: str
    name: str
    aliases: tuple[str, ...] = ()
    type: str = ""


def read_catalogue(path: str | Path) -> list[Entry]:
    """The entries of a catalogue file, sorted by address; a file that holds none is an error.

    `.csv` are the triples of the Computer Science Ontology, `.json` and `.jsonl` a dump of Papers with Code, the
    suffixes of RDF anything with SKOS or RDFS labels; `.gz` and `.zst` behind them are opened.
    """
    path = Path(path)
    if not path.is_file():
        raise ReadError("no such catalogue file", path=path)
    source = Source(name=str(path), path=path)
    if source.suffix in RDF_SUFFIXES:
        found = _from_facts(_rdf_facts(source))
    elif source.suffix == ".csv":
        found = _from_facts(_csv_facts(source))
    elif source.suffix in (".json", ".jsonl"):
        found = _papers_with_code(source)
    else:
        known = ", ".join(sorted((*RDF_SUFFIXES, ".csv", ".json", ".jsonl")))
        raise ReadError(f"unknown kind of catalogue {source.suffix!r}, known: {known}", path=path)
    by_address: dict[str, Entry] = {}
    for entry in found:
        known_entry = by_address.get(entry.address)
        by_address[entry.address] = entry if known_entry is None else _united(known_entry, entry)
    if not by_address:
        raise ReadError(
            "holds no entry: expected SKOS concepts, topics of the Computer Science Ontology, or methods, datasets or "
            "evaluation tables of Papers with Code",
            path=path,
        )
    return sorted(by_address.values())


def catalogue_name(path: str | Path) -> str:
    """What a catalogue is called that nobody named: its file's name without the suffixes.

    >>> catalogue_name("dumps/CSO.3.5.csv.gz")
    'CSO.3.5'
    """
    name = Path(path).name
    for packed in (".gz", ".zst"):
        name = name.removesuffix(packed)
    return Path(name).stem or name


def _united(one: Entry, other: Entry) -> Entry:
    aliases = {*one.aliases, *other.aliases, other.name} - {one.name}
    return Entry(address=one.address, name=one.name, aliases=tuple(sorted(aliases)), type=one.type or other.type)


def _entry(address: str, names: list[str], entity_type: str = "") -> Entry | None:
    """An entry whose first name is its name; `Long Form (LF)` is both, a name without letters is none."""
    found: dict[str, None] = {}
    for name in map(unify, names):
        brackets = _BRACKETS.match(name)
        if brackets:
            pair = brackets["before"], brackets["inside"]
            if is_abbreviation(pair[1].upper(), pair[0]):
                found.update(dict.fromkeys((pair[0], pair[1].upper())))
            elif is_abbreviation(pair[0].upper(), pair[1]):
                found.update(dict.fromkeys((pair[1], pair[0].upper())))
        found.setdefault(name)
    kept = [name for name in found if any(letter.isalnum() for letter in name)]
    if not kept or not address:
        return None
    return Entry(address=address, name=kept[0], aliases=tuple(sorted(set(kept[1:]))), type=entity_type)


def _rdf_facts(source: Source) -> _Facts:
    """Names without a language, or English ones, and what else matters, of each node of an RDF file."""
    import pyoxigraph as ox

    formats = {".owl": "rdf", ".xml": "rdf"}
    suffix = source.suffix.removeprefix(".")
    syntax = ox.RdfFormat.from_extension(formats.get(source.suffix, suffix))
    facts: _Facts = {}
    try:
        with source.binary() as file:
            for quad in ox.parse(file, format=syntax):
                obj = quad.object
                if isinstance(quad.subject, ox.NamedNode) and isinstance(obj, ox.NamedNode | ox.Literal):
                    language = obj.language if isinstance(obj, ox.Literal) else None
                    _add(facts, quad.subject.value, quad.predicate.value, obj.value, language)
    except SyntaxError as error:
        raise ReadError(
            f"no {syntax.name if syntax else 'RDF'}: {error.msg}", path=source.name, line=error.lineno
        ) from None
    except (OSError, ValueError) as error:
        raise ReadError(f"cannot be read: {error}", path=source.name) from None
    return facts


def _csv_facts(source: Source) -> _Facts:
    """The triples of a CSV file: subject, predicate, object, addresses in angle brackets or bare."""
    facts: _Facts = {}
    with source.text(newline="") as stream:
        rows = csv.reader(stream)
        try:
            for row in rows:
                if not any(map(str.strip, row)):
                    continue
                cells = [cell.strip().removesuffix(" .") for cell in row]
                if rows.line_num == 1 and [cell.lower() for cell in cells] == ["subject", "predicate", "object"]:
                    continue
                subject, predicate = (_address(cells[place]) if len(cells) == 3 else None for place in (0, 1))
                if subject is None or predicate is None:
                    raise ReadError(
                        'no triple: expected three cells, "<subject>","<predicate>","<object>", as the Computer '
                        "Science Ontology has them",
                        path=source.name,
                        line=rows.line_num,
                    )
                obj, language = _address(cells[2]), None
                if obj is None:
                    literal = _LITERAL.match(cells[2])
                    obj, language = (literal["text"], literal["language"]) if literal else (cells[2], None)
                _add(facts, subject, predicate, obj, language)
        except csv.Error as error:
            raise ReadError(f"no CSV: {error}", path=source.name, line=rows.line_num) from None
    return facts


def _address(cell: str) -> str | None:
    bare = cell[1:-1] if cell.startswith("<") and cell.endswith(">") else cell
    return bare if re.match(r"(?:https?|urn):[^\s<>\"]+$", bare) else None


def _add(facts: _Facts, subject: str, predicate: str, obj: str, language: str | None) -> None:
    if (language or "en").split("-")[0].lower() == "en":
        facts.setdefault(subject, {}).setdefault(predicate, []).append(obj)
        if predicate in _BETWEEN_TOPICS:
            facts.setdefault(obj, {})
            for topic in (subject, obj):
                kinds = facts[topic].setdefault(_RDF + "type", [])
                if _CSO + "Topic" not in kinds:
                    kinds.append(_CSO + "Topic")


def _from_facts(facts: _Facts) -> Iterator[Entry]:
    """SKOS concepts and CSO topics; topics that the file calls equivalent are one entry, the preferred one's."""
    main = _preferred(facts)
    names: dict[str, list[str]] = {}
    for subject in sorted(facts, key=lambda subject: (main.get(subject, subject) != subject, subject)):
        said = facts[subject]
        kinds = set(said.get(_RDF + "type", ()))
        preferred = said.get(_SKOS + "prefLabel", [])
        if not (preferred or kinds & _CLASSES) or "true" in said.get(ontology.NAMESPACES["owl"] + "deprecated", ()):
            continue
        found = [*sorted(preferred), *sorted(said.get(_RDFS + "label", ()))]
        if not found and kinds & {_CSO + "Topic"}:
            found = [unquote(subject.rpartition("/")[2]).replace("_", " ")]
        found += sorted({*said.get(_SKOS + "altLabel", ()), *said.get(_SKOS + "hiddenLabel", ())})
        names.setdefault(main.get(subject, subject), []).extend(found)
    for subject, found in names.items():
        classes = {kind.removeprefix(ontology.KG) for kind in facts[subject].get(_RDF + "type", ())}
        entry = _entry(subject, found, next((kind for kind in ENTITY_TYPES if kind in classes), ""))
        if entry is not None:
            yield entry


def _preferred(facts: _Facts) -> dict[str, str]:
    """Topic -> the one that stands for it and its equivalents: what the file prefers, or the first of them."""
    parent: dict[str, str] = {}

    def root(topic: str) -> str:
        while parent.get(topic, topic) != topic:
            topic = parent[topic]
        return topic

    votes: dict[str, int] = {}
    for subject in sorted(facts):
        for predicate in ("relatedEquivalent", "preferentialEquivalent"):
            for other in facts[subject].get(_CSO + predicate, ()):
                low, high = sorted((root(subject), root(other)))
                parent.setdefault(low, low)
                if low != high:
                    parent[high] = low
                if predicate == "preferentialEquivalent":
                    votes[other] = votes.get(other, 0) + 1
    groups: dict[str, list[str]] = {}
    for topic in parent:
        groups.setdefault(root(topic), []).append(topic)
    return {
        topic: min(group, key=lambda member: (-votes.get(member, 0), member))
        for group in groups.values()
        for topic in group
    }


def _papers_with_code(source: Source) -> Iterator[Entry]:
    """Methods and datasets by their addresses, and the tasks that datasets and evaluation tables name."""
    for line, record in values(source):
        if isinstance(record, ReadError):
            raise record
        if not isinstance(record, Mapping):
            raise ReadError("expected an object of Papers with Code", path=source.name, line=line)
        if not ({"task", "subtasks"} <= record.keys() or {"url", "name"} <= record.keys()):
            raise ReadError(
                "no method, dataset or evaluation table of Papers with Code: expected url and name, or task, subtasks",
                path=source.name,
                line=line,
            )
        yield from _records(record)


def _records(record: Mapping[str, Any]) -> Iterator[Entry]:
    """One method, dataset, or task of an evaluation table with all below it."""
    if "task" in record:
        task = str(record["task"] or "")
        yield from _made(f"{_SITE}/task/{_slug(task)}", [task, *_texts(record.get("synonyms"))], "Task")
        for below in record.get("subtasks") or ():
            if isinstance(below, Mapping):
                yield from _records({"subtasks": (), **below})
        return
    address = str(record["url"] or "")
    kind = "Dataset" if "/dataset/" in address or {"modalities", "variants"} & record.keys() else "Method"
    names = [str(record.get("full_name") or ""), str(record["name"] or "")]
    # `CIFAR-10 (500 labels)` and `SQuAD2.0` are no other names of the set
    variants = [text for text in _texts(record.get("variants")) if not any(apart(text, name) for name in names if name)]
    yield from _made(address, [*names, *variants], kind)
    for task in record.get("tasks") or ():
        if isinstance(task, Mapping) and task.get("url"):
            yield from _made(str(task["url"]), [str(task.get("task") or "")], "Task")


def _made(address: str, names: list[str], entity_type: str) -> Iterator[Entry]:
    entry = _entry(address, [name for name in names if name.strip()], entity_type)
    if entry is not None:
        yield entry


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list | tuple) else []


def _slug(name: str) -> str:
    """The last part of a task's address, which evaluation tables leave out, as the site made it of the name."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text)).strip("-_")
