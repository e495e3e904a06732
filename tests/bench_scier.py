"""Trains our architecture on SciER and scores it: `python -m tests.bench_scier [ENCODER]` (needs the extra `train`).

Reads ../shared/scier, which is only for measuring: nothing of it goes into the package or a shipped model. The training
file has strings in place of token numbers; each stands for its first free occurrence in the sentence.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from kg.extract.train import ENCODER, train

SHARED = Path(__file__).parents[2] / "shared"
WORK = Path(__file__).parents[1] / ".cache" / "scier"


def spans_of(tokens: list[str], names: list[list[str]]) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """The token ranges (last included) of named entities, (name, type) -> places, longer names first."""
    taken: set[int] = set()
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for name, kind in sorted(names, key=lambda pair: -len(pair[0].split())):
        words = name.split()
        for first in range(len(tokens) - len(words) + 1):
            place = range(first, first + len(words))
            if tokens[first : first + len(words)] == words and taken.isdisjoint(place):
                taken.update(place)
                found.setdefault((name, kind), []).append((first, first + len(words) - 1))
                break
    return found


def documents(path: Path) -> Iterator[dict[str, Any]]:
    """The training documents with token numbers."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for name, own in groupby(rows, key=lambda row: row["doc_id"]):
        document: dict[str, Any] = {"doc_key": name, "sentences": [], "ner": [], "relations": []}
        begin = 0
        for row in own:
            tokens = row["sentence"].split(" ")
            places = spans_of(tokens, row["ner"])
            first = {key[0]: spans[0] for key, spans in reversed(list(places.items()))}
            document["sentences"].append(tokens)
            document["ner"].append(
                [[begin + a, begin + b, kind] for (_, kind), spans in places.items() for a, b in spans]
            )
            document["relations"].append(
                [
                    [begin + n for n in (*first[head], *first[tail])] + [relation]
                    for head, relation, tail in row["rel"]
                    if head in first and tail in first
                ]
            )
            begin += len(tokens)
        yield document


def main() -> None:
    """Convert, train, score; the figures are logged and stand in the model card."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    data = WORK / "data"
    data.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(document) for document in documents(SHARED / "scier" / "train.sentences.jsonl")]
    (data / "train.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    for name in ("dev", "test", "test_ood"):
        shutil.copyfile(SHARED / "scier" / f"{name}.jsonl", data / f"{name}.jsonl")
    encoder = Path(sys.argv[1]) if len(sys.argv) > 1 else ENCODER
    scores = train(data, encoder=encoder, out=WORK / "model", work=WORK / "work")
    for name, table in scores.items():
        print(name, {line: score.f1 for line, score in table.items()})


if __name__ == "__main__":
    main()
