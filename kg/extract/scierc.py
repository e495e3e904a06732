"""Reads documents annotated in the format of SciERC and its heirs, with whatever types and relations they have.

A line of a file NAME.jsonl (or .json) is a document: `sentences` (lists of tokens), and for each sentence `ner` (first
token, last token, type) and `relations` (first and last token of the head, of the tail, relation); tokens are counted
over the document, last ones included. Sentences are joined to texts of several, a sentence a line.

>>> row = {"doc_key": "1", "sentences": [["BERT", "wins", "."], ["It", "beats", "GPT", "."]],
...        "ner": [[[0, 0, "Method"]], [[3, 3, "Generic"], [5, 5, "Method"]]],
...        "relations": [[], [[3, 3, 5, 5, "COMPARE"]]]}
>>> [(paper, said)] = labelled(row)
>>> paper.text, [(e.name, e.type) for e in said.entities], said.relations[0].predicate
('\\nBERT wins .\\nIt beats GPT .', [('BERT', 'Method'), ('It', 'Generic'), ('GPT', 'Method')], 'COMPARE')
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kg.extract.labels import NONE, Labels
from kg.model import ExtractedEntity, Extraction, Mention, Paper, ReadError, Relation

#: Tokens of the sentences that are read together; a longer sentence stands alone.
TOGETHER = 220

Labelled = tuple[Paper, Extraction]


def read_scierc(folder: Path) -> dict[str, list[Labelled]]:
    """The sets of a folder, by the name of their file; empty where no file is of this format."""
    sets: dict[str, list[Labelled]] = {}
    for path in sorted((*folder.glob("*.jsonl"), *folder.glob("*.json"))):
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise ReadError(f"line {number} is no JSON ({error})", path=path) from None
                if not isinstance(row, dict) or "sentences" not in row:
                    break  # a file of another kind
                try:
                    sets.setdefault(path.stem, []).extend(labelled(row))
                except (KeyError, IndexError, TypeError, ValueError) as error:
                    raise ReadError(
                        f"line {number}: sentences, ner and relations do not fit ({error})", path=path
                    ) from None
    return sets


def labelled(row: Mapping[str, Any]) -> list[Labelled]:
    """The texts of one document, with what is annotated in them."""
    found = []
    name = str(row.get("doc_key", row.get("doc_id", "document")))
    begins = _begins(row["sentences"])
    for number, chosen in enumerate(_together(row["sentences"])):
        places: dict[int, tuple[int, int]] = {}
        lines = []
        length = 1  # the line break after the title, which is empty
        for sentence in chosen:
            for place, token in enumerate(row["sentences"][sentence]):
                places[begins[sentence] + place] = (length, length + len(token))
                length += len(token) + 1
            lines.append(" ".join(row["sentences"][sentence]))
        paper = Paper(id=f"paper:{name}-{number}", title="", abstract="\n".join(lines))
        entities: dict[tuple[int, int], ExtractedEntity] = {}
        for sentence in chosen:
            for first, last, kind in row["ner"][sentence]:
                start, end = places[first][0], places[last][1]
                entities[first, last] = ExtractedEntity(
                    id=f"e{len(entities)}",
                    type=kind,
                    name=paper.text[start:end],
                    mentions=(Mention(start=start, end=end, type=kind),),
                    role="",
                )
        relations = [
            Relation(head=entities[a, b].id, predicate=predicate, tail=entities[c, d].id)
            for sentence in chosen
            for a, b, c, d, predicate in row["relations"][sentence]
            if (a, b) in entities and (c, d) in entities
        ]
        found.append((paper, Extraction(paper=paper.id, entities=tuple(entities.values()), relations=tuple(relations))))
    return found


def labels_of(sets: Iterable[Sequence[Labelled]]) -> Labels:
    """The label set that annotations use: relations between the types that they are annotated between, in a line."""
    pairs: dict[tuple[str, str], set[str]] = {}
    types: set[str] = set()
    for extraction in (said for own in sets for _, said in own):
        kinds = {entity.id: entity.type for entity in extraction.entities}
        types.update(kinds.values())
        for relation in extraction.relations:
            pairs.setdefault((kinds[relation.head], kinds[relation.tail]), set()).add(relation.predicate)
    return Labels(
        types=tuple(sorted(types)),
        roles=(),
        relations=(NONE, *sorted({predicate for own in pairs.values() for predicate in own})),
        roles_of=dict.fromkeys(sorted(types), ()),
        relations_of={pair: tuple(sorted(own)) for pair, own in sorted(pairs.items())},
        in_a_line=True,
    )


def _begins(sentences: Sequence[Sequence[str]]) -> list[int]:
    begins, total = [], 0
    for sentence in sentences:
        begins.append(total)
        total += len(sentence)
    return begins


def _together(sentences: Sequence[Sequence[str]]) -> Iterator[list[int]]:
    chosen: list[int] = []
    length = 0
    for number, sentence in enumerate(sentences):
        if chosen and length + len(sentence) > TOGETHER:
            yield chosen
            chosen, length = [], 0
        chosen.append(number)
        length += len(sentence)
    if chosen:
        yield chosen
