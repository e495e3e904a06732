"""Extractions as JSON lines (DESIGN section 3): what `kg extract` writes and what gold files hold.

>>> from kg.model import Paper
>>> paper = Paper(id="paper:1", title="BERT", abstract="BERT wins.")
>>> bert = {"id": "e1", "type": "Method", "name": "BERT", "surfaces": ["BERT"], "role": "studies"}
>>> [(m.start, m.end) for m in from_json({"id": "1", "entities": [bert]}, paper).entities[0].mentions]
[(0, 4), (5, 9)]
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kg import ontology
from kg.model import ASPECTS, ENTITY_TYPES, ExtractedEntity, Extraction, Mention, Paper, ReadError, Relation, Result


def to_json(extraction: Extraction, text: str) -> dict[str, Any]:
    """One line of an extraction file, as a dict; `text` is the paper's text, which mentions are quoted from."""
    return {
        "id": extraction.paper.removeprefix("paper:"),
        "model": extraction.model,
        "entities": [
            {
                "id": entity.id,
                "type": entity.type,
                "name": entity.name,
                "role": entity.role,
                "score": entity.score,
                "role_score": entity.role_score,
                "mentions": [
                    {"start": m.start, "end": m.end, "text": text[m.start : m.end], "score": m.score}
                    for m in entity.mentions
                ],
            }
            for entity in extraction.entities
        ],
        "relations": [
            {
                "head": relation.head,
                "predicate": relation.predicate,
                "tail": relation.tail,
                "score": relation.score,
                "start": relation.start,
                "end": relation.end,
                "negated": relation.negated,
                "hedged": relation.hedged,
            }
            for relation in extraction.relations
        ],
        "results": [
            {
                "value": result.value,
                "unit": result.unit,
                "method": result.method,
                "task": result.task,
                "dataset": result.dataset,
                "metric": result.metric,
                "note": result.note,
                "start": result.start,
                "end": result.end,
                "score": result.score,
            }
            for result in extraction.results
        ],
    }


def to_line(extraction: Extraction, text: str) -> str:
    """One line of an extraction file, with its end."""
    return json.dumps(to_json(extraction, text), ensure_ascii=False) + "\n"


def parse_line(line: bytes) -> tuple[str, dict[str, Any]]:
    """A line of a file of papers or annotations: the paper's id and the object; raises ValueError with the reason.

    >>> parse_line(b'{"id": 7}')
    ('paper:7', {'id': 7})
    """
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise ValueError(f"broken JSON, column {error.colno}: {error.msg}") from None
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
    if not isinstance(row, dict):
        raise ValueError("a JSON object is expected")
    if not isinstance(row.get("id"), str | int):
        raise ValueError("the object has no id")
    return f"paper:{str(row['id']).removeprefix('paper:')}", row


def occurrences(text: str, surface: str) -> Iterator[tuple[int, int]]:
    """The spans where `surface` stands in `text` at word boundaries.

    >>> list(occurrences("BERT, RoBERTa and BERT-large", "BERT"))
    [(0, 4), (18, 22)]
    """
    for match in re.finditer(re.escape(surface), text):
        start, end = match.span()
        left = start == 0 or not (text[start - 1].isalnum() and text[start].isalnum())
        right = end == len(text) or not (text[end].isalnum() and text[end - 1].isalnum())
        if left and right:
            yield start, end


def longest_first(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans without overlap, in text order: a longer one is kept before a shorter one that it touches.

    >>> longest_first([(0, 4), (0, 9), (10, 12)])
    [(0, 9), (10, 12)]
    """
    kept: list[tuple[int, int]] = []
    taken: set[int] = set()
    for start, end in sorted(set(spans), key=lambda span: (span[0] - span[1], span)):
        if taken.isdisjoint(range(start, end)):
            kept.append((start, end))
            taken.update(range(start, end))
    return sorted(kept)


def from_json(row: Mapping[str, Any], paper: Paper) -> Extraction:
    """One line of an extraction or gold file as an `Extraction`; offsets are checked against the text.

    Raises ValueError with the reason, or KeyError for a missing field.
    """
    text = paper.text
    schema = ontology.load()
    if not isinstance(row["entities"], list) or not all(isinstance(entity, dict) for entity in row["entities"]):
        raise ValueError("entities is no list of objects")
    seen: set[str] = set()
    for entity in row["entities"]:
        if entity["id"] in seen:
            raise ValueError(f"two entities are called {entity['id']!r}")
        seen.add(entity["id"])
    owner: dict[tuple[int, int], tuple[str, float]] = {}
    for entity in row["entities"]:
        if not schema.roles(entity["type"]):
            raise ValueError(f"unknown type {entity['type']!r}, known: {', '.join(ENTITY_TYPES)}")
        if entity["role"] not in schema.roles(entity["type"]):
            raise ValueError(f"role {entity['role']!r} is not for {entity['type']}: {entity['name']!r}")
        for start, end, score in _spans(entity, text):
            owner[start, end] = (entity["id"], score)
    spans = longest_first(owner) if any("mentions" not in entity for entity in row["entities"]) else sorted(owner)
    mentions: dict[str, list[tuple[int, int, float]]] = {}
    for span in spans:
        entity_id, score = owner[span]
        mentions.setdefault(entity_id, []).append((*span, score))
    entities = tuple(
        ExtractedEntity(
            id=entity["id"],
            type=entity["type"],
            name=entity["name"],
            mentions=tuple(
                Mention(start=start, end=end, type=entity["type"], score=score)
                for start, end, score in mentions.get(entity["id"], ())
            ),
            role=entity["role"],
            score=_score(entity, "score"),
            role_score=_score(entity, "role_score"),
            canonical=entity.get("canonical"),
        )
        for entity in row["entities"]
    )
    types = {entity.id: entity.type for entity in entities}
    return Extraction(
        paper=paper.id,
        model=str(row.get("model", "")),
        entities=entities,
        relations=tuple(_relation(relation, types, text) for relation in row.get("relations", ())),
        results=tuple(_result(result, types, text) for result in row.get("results", ())),
    )


def read_objects(path: str | Path, wanted: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Number, paper's id and object of each line of a file of JSON lines, packed with gzip or not.

    Raises ReadError, which names the line and what was `wanted` there.
    """
    number = 0
    try:
        with gzip.open(path) if Path(path).suffix == ".gz" else Path(path).open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, *parse_line(line)
    except ValueError as error:
        raise ReadError(f"no {wanted}: {error}", path=path, line=number) from None
    except (OSError, EOFError) as error:
        raise ReadError(f"cannot be read ({getattr(error, 'strerror', None) or error})", path=path) from error


def read_texts(path: str | Path) -> dict[str, Paper]:
    """The papers of a file in our own layout by id, as they are: annotations refer to the raw text."""
    papers: dict[str, Paper] = {}
    wanted = "paper with id, title and abstract"
    for number, identifier, row in read_objects(path, wanted):
        title, abstract = row.get("title"), row.get("abstract") or ""
        if not (isinstance(title, str) and title and isinstance(abstract, str)):
            raise ReadError(f"no {wanted}: the title is missing, or no text", path=path, line=number)
        url, doi, arxiv_id = (v if isinstance(v := row.get(k), str) else None for k in ("url", "doi", "arxiv_id"))
        papers[identifier] = Paper(id=identifier, title=title, abstract=abstract, url=url, doi=doi, arxiv_id=arxiv_id)
    return papers


def read_extractions(path: str | Path, papers: Mapping[str, Paper]) -> Iterator[Extraction]:
    """The extractions of a JSON-lines file; `papers` maps ids (with `paper:`) to the papers that they are about.

    Raises ReadError, which names file, line and paper, at the first line that does not fit its paper.
    """
    for number, identifier, row in read_objects(path, "extraction"):
        if identifier not in papers:
            raise ReadError(f"{identifier} is not among the papers read", path=path, line=number)
        yield from_line(row, papers[identifier], path=path, line=number)


def from_line(row: Mapping[str, Any], paper: Paper, *, path: str | Path, line: int) -> Extraction:
    """`from_json` of what stands in a line of a file; raises ReadError, which names file, line and paper."""
    try:
        return from_json(row, paper)
    except KeyError as error:
        raise ReadError(f"{paper.id}: field {error} is missing", path=path, line=line) from None
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ReadError(f"{paper.id}: {error}", path=path, line=line) from None


def _spans(entity: Mapping[str, Any], text: str) -> Iterator[tuple[int, int, float]]:
    if "mentions" not in entity:
        for surface in entity["surfaces"]:
            for start, end in occurrences(text, surface):
                yield start, end, 1.0
        return
    for mention in entity["mentions"]:
        start, end = mention["start"], mention["end"]
        _check_span(start, end, text)
        if mention.get("text", text[start:end]) != text[start:end]:
            raise ValueError(f"characters {start} to {end} are {text[start:end]!r}, not {mention['text']!r}")
        yield start, end, _score(mention)


def _score(row: Mapping[str, Any], name: str = "score") -> float:
    score = float(row.get(name, 1.0))
    if not 0 <= score <= 1:
        raise ValueError(f"{name} {row[name]} is not from 0 to 1")
    return score


def _check_span(start: int, end: int, text: str) -> None:
    if not 0 <= start < end <= len(text):
        raise ValueError(f"characters {start} to {end} are outside the text of {len(text)} characters")


def _relation(row: Mapping[str, Any] | list[str], types: Mapping[str, str], text: str) -> Relation:
    if isinstance(row, list):
        if len(row) != 3:
            raise ValueError(f"a relation is [head, predicate, tail], not {row}")
        relation = Relation(head=row[0], predicate=row[1], tail=row[2])
    else:
        relation = Relation(
            head=row["head"],
            predicate=row["predicate"],
            tail=row["tail"],
            score=_score(row),
            start=row.get("start"),
            end=row.get("end"),
            negated=bool(row.get("negated", False)),
            hedged=bool(row.get("hedged", False)),
        )
    for end in (relation.head, relation.tail):
        if end not in types:
            raise ValueError(f"a relation names the unknown entity {end!r}")
    known = [predicate.name for predicate in ontology.load().of_kind("relation")]
    if relation.predicate not in known:
        raise ValueError(f"unknown relation {relation.predicate!r}, known: {', '.join(known)}")
    if not ontology.load().allows(types[relation.head], relation.predicate, types[relation.tail]):
        raise ValueError(
            f"{relation.predicate} may not join {types[relation.head]} and {types[relation.tail]} "
            f"({relation.head}, {relation.tail})"
        )
    if relation.start is not None and relation.end is not None:
        _check_span(relation.start, relation.end, text)
    return relation


def _result(row: Mapping[str, Any], types: Mapping[str, str], text: str) -> Result:
    for aspect in ASPECTS:
        if row.get(aspect) is not None and row[aspect] not in types:
            raise ValueError(f"a result names the unknown entity {row[aspect]!r}")
    if row.get("start") is not None and row.get("end") is not None:
        _check_span(row["start"], row["end"], text)
    return Result(
        value=str(row["value"]),
        unit=row.get("unit"),
        method=row.get("method"),
        task=row.get("task"),
        dataset=row.get("dataset"),
        metric=row.get("metric"),
        note=row.get("note"),
        start=row.get("start"),
        end=row.get("end"),
        score=_score(row),
    )
