"""Time and memory of resolution: `python -m tests.bench_resolution_scale SILVER TEXTS [--papers N]`.

SILVER holds machine-made extractions (JSON Lines, gzip allowed), TEXTS their papers (JSON Lines or Parquet). For more
papers than these, they are taken again, and in each copy a third of the things get names of their own (a made-up word
in front), so that new names have to be told apart, too. The vocabulary is the one that ships.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from kg.extract.train import read_silver
from kg.model import ExtractedEntity, Extraction, Paper, digest
from kg.resolve import Resolver, load_vocabulary


def again(paper: Paper, extraction: Extraction, copy: int) -> tuple[Paper, Extraction]:
    """Another paper that names the same things, a third of them by other names; they stand below its abstract."""
    identifier, text, lines, entities = f"{paper.id}-{copy}", paper.text, [], list[ExtractedEntity]()
    end = len(text)
    for entity in extraction.entities:
        number = int(digest(entity.type, entity.name.lower(), copy)[:6], 16)
        word = f"zap{number:x} " if number % 3 == 0 else ""
        mentions = []
        for mention in entity.mentions:
            name = f"{word}{text[mention.start : mention.end]}"
            lines.append(name)
            mentions.append(replace(mention, start=end + 1, end=end + 1 + len(name)))
            end += 1 + len(name)
        entities.append(replace(entity, name=f"{word}{entity.name}", mentions=tuple(mentions)))
    other = replace(paper, id=identifier, abstract="\n".join([paper.abstract, *lines]))
    return other, Extraction(paper=identifier, entities=tuple(entities))


def corpus(silver: Path, texts: Path, papers: int | None) -> Iterator[tuple[Paper, Extraction]]:
    labelled = read_silver(silver, texts, least=0.0)
    for number in range(len(labelled) if papers is None else papers):
        copy, place = divmod(number, len(labelled))
        paper, extraction = labelled[place]
        yield again(paper, extraction, copy) if copy else (paper, replace(extraction, relations=()))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("silver", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--papers", type=int, help="so many (default: all, once)")
    options = parser.parse_args()
    papers: dict[str, Paper] = {}
    extractions: list[Extraction] = []
    for paper, extraction in corpus(options.silver, options.texts, options.papers):
        papers[paper.id] = paper
        extractions.append(extraction)
    mentions = sum(len(entity.mentions) for extraction in extractions for entity in extraction.entities)
    resolver = Resolver(load_vocabulary())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    processor, clock = time.process_time(), time.perf_counter()
    found = resolver.resolve(papers, extractions)
    processor, clock = time.process_time() - processor, time.perf_counter() - clock
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print("| papers | mentions | seconds (processor) | seconds (clock) | MB | of it before | nodes | merges |")
    print("|---|---|---|---|---|---|---|---|")
    numbers = (
        len(papers),
        mentions,
        round(processor),
        round(clock),
        peak,
        before,
        len(found.entities),
        len(found.merges),
    )
    print("| " + " | ".join(f"{number:,}" for number in numbers) + " |")


if __name__ == "__main__":
    main()
