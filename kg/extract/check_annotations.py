"""Checks files of annotations (or of extractions) line by line: all that is wrong in them, with place and reason.

The readers stop at the first line that they cannot use; this goes on, and also finds what can be read but hardly is
meant: a string that the text does not have, two entities with one string, a relation written twice.

>>> bert = {"id": "e1", "type": "Method", "name": "BERT", "role": "addresses", "surfaces": ["BERT", "Bert"]}
>>> for problem in check_row({"id": "1", "entities": [bert]}, "On BERT\\nBERT wins."):
...     print(problem)
('role', "e1 'BERT': role 'addresses' is not for Method; allowed: introduces, studies, uses, compares, mentions")
('surface', "e1 'BERT': 'Bert' is not in the text, which has 'BERT'")
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from kg import ontology
from kg.extract.annotations import longest_first, occurrences, parse_line
from kg.model import ASPECTS, ENTITY_TYPES, OntologyError, ReadError

#: Code of a problem, and what is wrong.
Finding = tuple[str, str]

#: Directed relations that may hold both ways: each is better on something.
_EITHER_WAY = frozenset({"outperforms"})

#: What a problem can be about.
KINDS = (
    "json",
    "paper",
    "field",
    "id",
    "type",
    "role",
    "name",
    "canonical",
    "surface",
    "mention",
    "score",
    "relation",
    "result",
)


def check_files(papers: str | Path, gold: str | Path) -> Report:
    """All problems of a file of papers and of the annotations that belong to it, in the order of their lines."""
    problems: list[Problem] = []
    texts = _texts(papers, problems)
    counts: Counter[str] = Counter()
    seen: dict[str, int] = {}
    for number, identifier, row in _rows(gold, problems):
        said = _shown(identifier.removeprefix("paper:"), quoted=False)

        def report(kind: str, reason: str, *, number: int = number, said: str = said) -> None:
            problems.append(Problem(file=str(gold), line=number, id=said, kind=kind, reason=reason))

        if identifier in seen:
            report("paper", f"this paper is annotated already, in line {seen[identifier]}")
        seen.setdefault(identifier, number)
        if identifier not in texts:
            report("paper", f"no paper of this id in {papers}")
            continue
        for name in ("entities", "relations", "results"):
            counts[name] += len(row[name]) if isinstance(row.get(name), list) else 0
        for kind, reason in check_row(row, texts[identifier]):
            report(kind, reason)
    counts["papers"] = len(seen.keys() & texts.keys())
    return Report(
        problems=tuple(problems),
        papers=counts["papers"],
        entities=counts["entities"],
        relations=counts["relations"],
        results=counts["results"],
        not_annotated=len(texts.keys() - seen.keys()),
    )


def check_row(row: Mapping[str, Any], text: str) -> Iterator[Finding]:
    """What is wrong with the annotations of one paper, whose text (title, newline, abstract) this is."""
    for name in ("entities", "relations", "results"):
        if name in row and not isinstance(row[name], list):
            yield "field", f"{name} should be a list, not {_shown(row[name])}"
    if "entities" not in row:
        yield "field", "the field entities is missing"
    entities = _Entities(text=text)
    for number, entity in enumerate(_list(row, "entities"), start=1):
        yield from _check_entity(entity, number, entities)
    yield from _check_spans(entities)
    seen: dict[tuple[str, str, str], int] = {}
    for number, relation in enumerate(_list(row, "relations"), start=1):
        yield from _check_relation(relation, number, entities, seen)
    results: dict[tuple[object, ...], int] = {}
    for number, result in enumerate(_list(row, "results"), start=1):
        yield from _check_result(result, number, entities, results)


def _check_entity(entity: Any, number: int, entities: _Entities) -> Iterator[Finding]:
    if not isinstance(entity, dict):
        yield "field", f"entity {number} should be an object, not {_shown(entity)}"
        return
    identifier, kind, name = (entity.get(key) for key in ("id", "type", "name"))
    label = f"entity {number}"
    if not _is_text(identifier):
        yield "id", f"entity {number} has no id" if identifier is None else f"the id of entity {number} is no string"
    else:
        if _is_text(name):
            label = f"{_shown(identifier, quoted=False)} {_shown(name)}"
        if identifier in entities.types:
            yield "id", f"{label}: an entity before it has the id {_shown(identifier)}, too"
        entities.types.setdefault(identifier, kind if isinstance(kind, str) else "")
    if not _is_text(name):
        yield "name", f"{label} has no name"
    elif name != name.strip():
        yield "name", f"{label}: blanks around the name {_shown(name)}"
    schema = ontology.load()
    if kind not in ENTITY_TYPES:
        yield "type", f"{label}: unknown type {_shown(kind)}; known: {', '.join(ENTITY_TYPES)}"
    elif (role := entity.get("role")) not in schema.roles(kind):
        roles = ", ".join(schema.roles(kind))
        if role in [known.name for known in schema.of_kind("role")]:
            yield "role", f"{label}: role {_shown(role)} is not for {kind}; allowed: {roles}"
        else:
            yield "role", f"{label}: unknown role {_shown(role)}; allowed for {kind}: {roles}"
    if entity.get("canonical") is not None:
        yield from _check_canonical(entity["canonical"], kind, label)
    for score in ("score", "role_score"):
        yield from _check_score(entity, score, label)
    owner = identifier if isinstance(identifier, str) else label
    if "mentions" in entity:
        entities.with_offsets = True
        yield from _check_mentions(entity["mentions"], label, owner, entities)
    elif "surfaces" in entity:
        yield from _check_surfaces(entity["surfaces"], label, owner, entities)
    else:
        yield "surface", f"{label} has neither surfaces nor mentions"


def _check_canonical(canonical: object, kind: object, label: str) -> Iterator[Finding]:
    try:
        named = ontology.type_of(canonical) if isinstance(canonical, str) else ""
    except OntologyError:
        named = ""
    if named not in ENTITY_TYPES:
        prefixes = ", ".join(name.lower() for name in ENTITY_TYPES)
        yield "canonical", f"{label}: canonical {_shown(canonical)} is no id (one of {prefixes}, a colon and a name)"
    elif kind in ENTITY_TYPES and named != kind:
        yield "canonical", f"{label}: canonical {_shown(canonical)} is the id of a {named}, the entity is a {kind}"


def _check_surfaces(surfaces: object, label: str, owner: str, entities: _Entities) -> Iterator[Finding]:
    if not isinstance(surfaces, list):
        yield "surface", f"{label}: surfaces should be a list of strings, not {_shown(surfaces)}"
        return
    if not surfaces:
        yield "surface", f"{label} has no surfaces"
    own: set[str] = set()
    for surface in surfaces:
        if not _is_text(surface):
            yield "surface", f"{label}: a surface should be a string with letters, not {_shown(surface)}"
            continue
        if surface in own:
            yield "surface", f"{label}: the surface {_shown(surface)} is given twice"
            continue
        own.add(surface)
        if surface in entities.surfaces:
            yield "surface", f"{label}: the surface {_shown(surface)} is also one of {entities.surfaces[surface]}"
        entities.surfaces.setdefault(surface, label)
        if surface != surface.strip():
            yield "surface", f"{label}: blanks around the surface {_shown(surface)}"
        spans = list(occurrences(entities.text, surface))
        for span in spans:
            entities.spans.setdefault(span, (owner, label))
        if not spans:
            yield "surface", f"{label}: {_shown(surface)} {_why_absent(surface, entities.text)}"


def _check_mentions(mentions: object, label: str, owner: str, entities: _Entities) -> Iterator[Finding]:
    if not isinstance(mentions, list):
        yield "mention", f"{label}: mentions should be a list of objects, not {_shown(mentions)}"
        return
    if not mentions:
        yield "mention", f"{label} has no mentions"
    for mention in mentions:
        if not isinstance(mention, dict):
            yield "mention", f"{label}: a mention should be an object with start and end, not {_shown(mention)}"
            continue
        span = _span(mention, entities.text)
        if isinstance(span, str):
            yield "mention", f"{label}: {span}"
            continue
        start, end = span
        words = entities.text[start:end]
        if mention.get("text", words) != words:
            yield "mention", f"{label}: characters {start} to {end} are {_shown(words)}, not {_shown(mention['text'])}"
        elif words != words.strip():
            yield "mention", f"{label}: characters {start} to {end} are {_shown(words)}, with blanks around"
        elif _inside_word(entities.text, start, end):
            yield "mention", f"{label}: characters {start} to {end}, {_shown(words)}, begin or end inside a word"
        yield from _check_score(mention, "score", label)
        if (start, end) in entities.spans:
            other = entities.spans[start, end]
            whose = "given twice" if other[0] == owner else f"also of {other[1]}"
            yield "mention", f"{label}: the mention {start} to {end}, {_shown(words)}, is {whose}"
        entities.spans.setdefault((start, end), (owner, label))


def _check_spans(entities: _Entities) -> Iterator[Finding]:
    """What only all mentions together show: those with offsets overlap, an entity is always inside a longer one."""
    kept = set(longest_first(entities.spans))
    left = {entities.spans[span] for span in kept}
    hidden = dict.fromkeys(owner for _, owner in sorted(entities.spans.items()) if owner not in left)
    if not entities.with_offsets:
        for _, label in hidden:
            yield "surface", f"{label}: wherever it stands, it is inside a longer surface, which makes it no mention"
        return
    for span in sorted(entities.spans.keys() - kept):
        label = entities.spans[span][1]
        over = next(other for other in sorted(kept) if other[0] < span[1] and span[0] < other[1])
        yield (
            "mention",
            f"{label}: the mention {span[0]} to {span[1]} overlaps {over[0]} to {over[1]} of {entities.spans[over][1]}",
        )


def _check_relation(
    relation: Any, number: int, entities: _Entities, seen: dict[tuple[str, str, str], int]
) -> Iterator[Finding]:
    label = f"relation {number}"
    if isinstance(relation, dict):
        triple = [relation.get(key) for key in ("head", "predicate", "tail")]
        yield from _check_score(relation, "score", label)
        if relation.get("start") is not None or relation.get("end") is not None:
            span = _span(relation, entities.text)
            if isinstance(span, str):
                yield "relation", f"{label}: {span}"
    elif isinstance(relation, list) and len(relation) == 3:
        triple = relation
    else:
        yield "relation", f"{label} should be [head, predicate, tail], not {_shown(relation)}"
        return
    head, predicate, tail = triple
    label = f"{label} ({', '.join(_shown(part, quoted=not isinstance(part, str)) for part in triple)})"
    ends = [end for end in (head, tail) if isinstance(end, str) and end in entities.types]
    for end in (head, tail):
        if end not in ends:
            yield "relation", f"{label}: no entity has the id {_shown(end)}"
    schema = ontology.load()
    known = {relation.name: relation for relation in schema.of_kind("relation")}
    if not isinstance(predicate, str) or predicate not in known:
        yield "relation", f"{label}: unknown relation {_shown(predicate)}; known: {', '.join(known)}"
        return
    if len(ends) < 2:
        return
    head, tail = ends
    if head == tail:
        yield "relation", f"{label}: an entity cannot be in a relation to itself"
    types = entities.types[head], entities.types[tail]
    if set(types) <= set(ENTITY_TYPES) and not schema.allows(types[0], predicate, types[1]):
        allowed = ", ".join(f"{a} to {b}" for a, b in known[predicate].signatures)
        yield "relation", f"{label}: {predicate} may not go from {types[0]} to {types[1]}; allowed: {allowed}"
    said = f"not {predicate}" if isinstance(relation, dict) and relation.get("negated") is True else predicate
    again, turned = seen.get((head, said, tail)), seen.get((tail, said, head))
    if again is not None:
        yield "relation", f"{label}: is relation {again} again"
    elif turned is not None and known[predicate].symmetric:
        yield "relation", f"{label}: {predicate} holds both ways, and relation {turned} says it already"
    elif turned is not None and said not in _EITHER_WAY:
        yield "relation", f"{label}: contradicts relation {turned}, which says it the other way round"
    seen.setdefault((head, said, tail), number)


def _check_result(
    result: Any, number: int, entities: _Entities, seen: dict[tuple[object, ...], int]
) -> Iterator[Finding]:
    label = f"result {number}"
    if not isinstance(result, dict):
        yield "result", f"{label} should be an object, not {_shown(result)}"
        return
    value = result.get("value")
    if isinstance(value, bool) or not (_is_text(value) or isinstance(value, int | float)):
        yield "result", f"{label} has no value"
        value = None
    else:
        value = str(value)
        label = f"{label} ({_shown(value, quoted=False)})"
        if not _stands_as_number(value, entities.text):
            yield "result", f"{label}: the value {_shown(value)} {_why_absent(value, entities.text)}"
    for aspect in ASPECTS:
        entity = result.get(aspect)
        if entity is None:
            continue
        if not (isinstance(entity, str) and entity in entities.types):
            yield "result", f"{label}: its {aspect} is {_shown(entity)}, and no entity has this id"
        elif entities.types[entity] in ENTITY_TYPES and entities.types[entity] != aspect.capitalize():
            yield "result", f"{label}: its {aspect} is {entity}, which is a {entities.types[entity]}"
    if result.get("start") is not None or result.get("end") is not None:
        span = _span(result, entities.text)
        if isinstance(span, str):
            yield "result", f"{label}: {span}"
    yield from _check_score(result, "score", label)
    key = tuple(_shown(result.get(name)) for name in ("value", *ASPECTS, "note", "start"))
    if value is not None and key in seen:
        yield "result", f"{label}: is result {seen[key]} again"
    seen.setdefault(key, number)


def _check_score(row: Mapping[str, Any], name: str, label: str) -> Iterator[Finding]:
    score = row.get(name, 1.0)
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        yield "score", f"{label}: {name} should be a number from 0 to 1, not {_shown(score)}"


def _span(row: Mapping[str, Any], text: str) -> tuple[int, int] | str:
    """The characters that a row points to, or what is wrong with them."""
    start, end = row.get("start"), row.get("end")
    if type(start) is not int or type(end) is not int:
        return f"start and end should be whole numbers, not {_shown(start)} and {_shown(end)}"
    if not 0 <= start < end <= len(text):
        return f"characters {_shown(start)} to {_shown(end)} are outside the text of {len(text)} characters"
    return start, end


def _inside_word(text: str, start: int, end: int) -> bool:
    left = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
    return left or (end < len(text) and text[end].isalnum() and text[end - 1].isalnum())


def _stands_as_number(value: str, text: str) -> bool:
    """Whether a value stands in the text, and not only as a part of a longer number or word."""
    before = r"(?<!\d)(?<!\d[.,])" if value[0].isdigit() else r"(?<!\w)" if value[0].isalnum() else ""
    after = r"(?!\d)(?![.,]\d)" if value[-1].isdigit() else r"(?!\w)" if value[-1].isalnum() else ""
    return re.search(before + re.escape(value) + after, text) is not None


def _why_absent(words: str, text: str) -> str:
    """Why a string is not found at word boundaries."""
    place = text.find(words)
    if place >= 0:
        end = place + len(words)
        while place > 0 and not text[place - 1].isspace():
            place -= 1
        while end < len(text) and not text[end].isspace():
            end += 1
        return f"stands in the text only inside a longer word: {_shown(text[place:end])}"
    place = text.lower().find(words.lower())
    if place >= 0 and len(text.lower()) == len(text):
        return f"is not in the text, which has {_shown(text[place : place + len(words)])}"
    if " ".join(words.split()) in " ".join(text.split()):
        return "is not in the text with these blanks or line breaks"
    return "is not in the text"


def _texts(path: str | Path, problems: list[Problem]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for number, identifier, row in _rows(path, problems):
        title, abstract = row.get("title"), row.get("abstract") or ""
        reason = None
        if not isinstance(title, str) or not title:
            reason = "the title is missing, or no text"
        elif not isinstance(abstract, str):
            reason = "the abstract is no text"
        elif identifier in texts:
            reason = "another paper before it has this id"
        else:
            texts[identifier] = f"{title}\n{abstract}"
        if reason:
            said = _shown(identifier.removeprefix("paper:"), quoted=False)
            problems.append(Problem(file=str(path), line=number, id=said, kind="paper", reason=reason))
    return texts


def _rows(path: str | Path, problems: list[Problem]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Number, paper and object of each line that can be read."""
    try:
        with Path(path).open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    try:
                        yield number, *parse_line(line)
                    except ValueError as error:
                        reason = _shown(str(error), quoted=False)
                        problems.append(Problem(file=str(path), line=number, id="", kind="json", reason=reason))
    except OSError as error:
        raise ReadError(f"cannot be read ({error.strerror})", path=path) from error


def _list(row: Mapping[str, Any], name: str) -> Iterable[Any]:
    value = row.get(name)
    return value if isinstance(value, list) else ()


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip())


def _shown(value: object, *, quoted: bool = True) -> str:
    """A value as it can be printed in a line, whatever it holds; a long one is cut."""
    if isinstance(value, str):
        cut = value if len(value) <= 80 else value[:77] + "…"
        if not cut.isprintable():
            cut = repr(cut)[1:-1]
        return f"'{cut}'" if quoted else cut
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    try:
        return repr(value) if isinstance(value, float) or abs(value) < 10**20 else "a huge number"  # type: ignore[arg-type]
    except TypeError:
        return type(value).__name__


@dataclass
class _Entities:
    """What is known of the entities of a paper so far."""

    text: str
    types: dict[str, str] = field(default_factory=dict)
    surfaces: dict[str, str] = field(default_factory=dict)
    spans: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)
    with_offsets: bool = False


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong: where (`id` is the paper's, empty where it cannot be read), of what kind, and why."""

    file: str
    line: int
    id: str
    kind: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.id + ': ' if self.id else ''}{self.reason}"


@dataclass(frozen=True, kw_only=True)
class Report:
    """The problems of a file of annotations, and what is in it. `not_annotated` counts papers that it lacks."""

    problems: tuple[Problem, ...]
    papers: int
    entities: int
    relations: int
    results: int
    not_annotated: int
