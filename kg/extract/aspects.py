"""Which method, task, dataset and metric a reported number is about: a choice among the entities of each type, or none.

For each type a linear model scores its entities and "none" by what they are to the paper and how they stand to the
number; the best wins. `python -m kg.extract.aspects DIR` fits the weights on the annotated papers of a folder (those
that are not held out) and writes them to `aspects.json` beside this file, which ships.

>>> text = "BERT wins\\nBERT reaches 91.2% on NLI and 88.0% on QNLI."
>>> bert = {"type": "Method", "role": "introduces", "mentions": [[0, 4, 1.0], [10, 14, 1.0]]}
>>> nli = {"type": "Dataset", "role": "evaluates_on", "mentions": [[32, 35, 1.0]]}
>>> qnli = {"type": "Dataset", "role": "evaluates_on", "mentions": [[49, 53, 1.0]]}
>>> [(a["method"], a["dataset"]) for a in aspects(text, [bert, nli, qnli], [(23, 28), (40, 45)])]
[(0, 1), (0, 2)]
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from kg.aside import text_aside
from kg.extract.annotations import read_extractions, read_texts
from kg.model import Extraction, Paper, Result
from kg.sentences import sentences

log = logging.getLogger("kg.extract.aspects")

#: The entities that a number may be about, or None, each with its features; and the place of the right one.
Choice = tuple[list[tuple[int | None, list[str]]], int]
KINDS = ("Method", "Task", "Dataset", "Metric")
_WEIGHTS = Path(__file__).with_name("aspects.json")
_STRENGTH = ("introduces", "addresses", "studies", "evaluates_on", "reports", "uses", "compares", "mentions")
#: Before the name of what the paper's own result is compared with.
_AGAINST = re.compile(
    r"\b(?:than|over|against|versus|vs\.?|compared (?:to|with)|relative to|baselines?|from|outperform\w*|surpass\w*"
    r"|exceed\w*|beat\w*|original|standard|conventional|existing|previous|prior|state-of-the-art)\s+(?:[\w-]+\s+){0,3}$",
    re.IGNORECASE,
)
#: Right before a number that is the other one's: "15.8 vs 18.3", "from 41.0 to 23.7".
_OPPOSED = re.compile(r"\b(?:vs\.?|versus|(?:compared|in comparison) (?:to|with)|from)\s*[~$]?$", re.IGNORECASE)
_VERSUS = re.compile(r"\b(?:vs\.?|versus)\s*[~$]?$", re.IGNORECASE)
_OWN = re.compile(r"\b(?:our|we|proposed|this paper|the resulting|this (?:approach|method|model))\b", re.IGNORECASE)
#: What stands between two numbers of a list: a unit or the name of a metric, and a comma or the like.
_LISTED = re.compile(
    r"[\s\\%$]*(?:\s(?!(?:to|vs|of|in|on|for|than|with|at|from|by|and|or)\b)[A-Za-z@][\w@-]{0,11})?"
    r"(?:\s*,\s*(?:and\s+|or\s+)?|\s+(?:and|or|&)\s+|\s*/\s*|\s+)(?:a |an |by |over |up to |more than |[~$])*"
)
_CHANGE = re.compile(
    r"\b(?:improv|gain|increas|reduc|decreas|faster|slower|smaller|fewer|less|better|higher|lower|speed|boost|outperform|drop"
    r"|by|over)\w*",
    re.IGNORECASE,
)


def aspects(
    text: str, entities: Sequence[Mapping[str, Any]], spans: Sequence[tuple[int, int]]
) -> list[dict[str, int | None]]:
    """The method, task, dataset and metric (numbers of entities) that each number is about."""
    loaded = weights()
    found: list[dict[str, int | None]] = [{} for _ in spans]
    for place, kind, choices in options(text, entities, spans):
        own = loaded[kind]
        if kind == "Method" and _VERSUS.search(text[: spans[place][0]][-12:]):
            choices = [  # the other's value: never the paper's own method
                choice for choice in choices if choice[0] is None or entities[choice[0]].get("role") != "introduces"
            ]
        scores = [sum(own.get(name, 0.0) for name in features) for _, features in choices]
        found[place][kind.lower()] = choices[scores.index(max(scores))][0]
    return found


def options(
    text: str, entities: Sequence[Mapping[str, Any]], spans: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, str, list[tuple[int | None, list[str]]]]]:
    """For each number (its place in `spans`) and type: the entities that it may be about, and none, with features."""
    borders = sentences(text)
    begins = [begin for begin, _ in borders]
    title_end = text.find("\n") if "\n" in text else 0
    mentions = sorted((a, b, number) for number, entity in enumerate(entities) for a, b, _ in entity["mentions"])
    ranks = _ranks(entities)
    for place, (start, end) in enumerate(spans):
        at = max(bisect_right(begins, start) - 1, 0)
        first, last = borders[at] if borders else (start, end)
        here = mentions[bisect_left(mentions, (first, 0, 0)) : bisect_left(mentions, (last, 0, 0))]
        mates = [span for span in spans if first <= span[0] < last]
        near = text[max(first, start - 40) : min(last, end + 40)]
        about = [f"change={_CHANGE.search(near) is not None}", f"own={_OWN.search(text[first:start]) is not None}"]
        about.append(f"opposed={_OPPOSED.search(text[max(first, start - 30) : start]) is not None}")
        for kind in KINDS:
            own = [mention for mention in here if entities[mention[2]]["type"] == kind]
            aligned = _aligned(text, own, mates, (start, end))
            past = [(a, number) for a, _, number in mentions if a < first and entities[number]["type"] == kind]
            latest = past[-1][1] if past else None
            seen = {number: at - bisect_right(begins, a) + 1 for a, number in past}
            numbers = [number for number, entity in enumerate(entities) if entity["type"] == kind]
            choices: list[tuple[int | None, list[str]]] = []
            inside = len({number for _, _, number in own})
            none = ["none", f"none&inside={min(inside, 2)}", f"none&all={min(len(numbers), 3)}"]
            none += [f"none&{name}" for name in about] + [f"none&{name}&inside={inside > 0}" for name in about]
            none.append(f"none&unit={'%' in text[start:end]}&{_tail(text, end)}")
            choices.append((None, none))
            for number in numbers:
                entity = entities[number]
                role = entity.get("role", "mentions")
                features = [
                    f"role={role}",
                    f"rank={min(ranks[number], 3)}",
                    f"rank={min(ranks[number], 3)}&role={role}",
                ]
                features.append(f"only={len(numbers) == 1}")
                features.append(f"title={entity['mentions'][0][0] < title_end}&rank={ranks[number] == 0}")
                features += [f"role={role}&{name}" for name in about]
                features += [f"rank={min(ranks[number], 1)}&{name}&inside={min(inside, 1)}" for name in about]
                places = [(a, b) for a, b, other in own if other == number]
                if not places:
                    features.append(f"away&inside={min(inside, 2)}&rank={min(ranks[number], 2)}")
                    features.append(f"back={min(seen.get(number, 9), 4)}&inside={inside > 0}")
                    features.append(
                        f"latest={latest == number}&inside={inside > 0}&change={_CHANGE.search(near) is not None}"
                    )
                else:
                    features += _position(text, places, own, mates, (start, end), first)
                    features.append(f"alone={inside == 1}")
                    features.append(f"again={number in seen}")
                    if aligned is not None:
                        features.append(f"aligned={aligned == number}")
                choices.append((number, features))
            yield place, kind, choices


def _ranks(entities: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """The place of each entity among those of its type: strongest role, then most mentions, then first named."""
    ranks: dict[int, int] = {}
    for kind in KINDS:
        own = [number for number, entity in enumerate(entities) if entity["type"] == kind]
        own.sort(key=lambda n: (_STRENGTH.index(entities[n].get("role", "mentions")), -len(entities[n]["mentions"]), n))
        ranks.update({number: rank for rank, number in enumerate(own)})
    return ranks


def _tail(text: str, end: int) -> str:
    word = re.match(r"[\s%\\]*([A-Za-z]+)", text[end : end + 20])
    return word.group(1).lower() if word else ""


def _position(
    text: str,
    places: Sequence[tuple[int, int]],
    own: Sequence[tuple[int, int, int]],
    mates: Sequence[tuple[int, int]],
    span: tuple[int, int],
    first: int,
) -> list[str]:
    """How the nearest mention of an entity stands to the number in its sentence."""
    start, end = span
    a, b = min(places, key=lambda at: (start - at[1] if at[1] <= start else 1.2 * (at[0] - end), at))
    before = b <= start
    low, high = (b, start) if before else (end, a)
    gap = text[low:high]
    skipped = sum(low <= x < high for x, _, _ in own)
    crossed = sum(low <= x < high for x, _ in mates)
    side = "before" if before else "after"
    behind = any(x >= mates[-1][1] for x, _, _ in own) if mates else False
    words = gap.split()
    found = [
        side,
        f"{side}&skipped={min(skipped, 2)}",
        f"{side}&crossed={min(crossed, 2)}",
        f"{side}&skipped={min(skipped, 1)}&crossed={min(crossed, 1)}&behind={behind}",
        f"{side}&words={min(len(words), 12) // 2}",
        f"against={_AGAINST.search(text[max(first, a - 60) : a]) is not None}&{side}",
    ]
    if before:
        found.append(f"bracket={re.fullmatch(r'[^()]{0,12}[(][^()]*', gap) is not None}")
        found.append(f"last={words[-1].lower() if words else ''}")
        found.append(f"next={words[0].lower() if words else ''}&before")
        found.append(f"stop={re.search(r'; |, (?:while|and|but|whereas) ', gap) is not None}")
    else:
        found.append(f"prior={words[-1].lower() if words else ''}")
        found.append(f"prior2={' '.join(words[-2:]).lower()}")
        found.append(f"stop-after={re.search(r'[;)] ?|, ', gap) is not None}")
    return found


def _aligned(
    text: str, own: Sequence[tuple[int, int, int]], mates: Sequence[tuple[int, int]], span: tuple[int, int]
) -> int | None:
    """The entity at the place of the number in a list as long as the list of numbers ("…, respectively")."""
    group = run_of_numbers(text, [(a, b) for a, b in mates], span)
    if len(group) < 2:
        return None
    place = group.index(span)
    best: tuple[int, int] | None = None
    runs: list[list[tuple[int, int, int]]] = []
    for mention in own:
        if runs and len(text[runs[-1][-1][1] : mention[0]]) < 40 and _near(text, runs[-1][-1][1], mention[0]):
            if mention[2] != runs[-1][-1][2]:
                runs[-1].append(mention)
        else:
            runs.append([mention])
    for run in runs:
        if len(run) == len(group):
            distance = min(abs(run[0][0] - group[-1][1]), abs(group[0][0] - run[-1][1]))
            best = min(best or (distance, run[place][2]), (distance, run[place][2]))
    return None if best is None else best[1]


def _near(text: str, start: int, end: int) -> bool:
    """Whether what stands between two names joins them in a list."""
    gap = text[start:end]
    return (
        re.fullmatch(
            r"(?:\s+[\w-]+)?\s*(?:\([^()]*\))?(?:,|\s+and|\s+or|,\s+and|\s*/|\s*&)\s+(?:the\s+)?(?:[\w-]+\s+)?", gap
        )
        is not None
    )


def run_of_numbers(text: str, mates: Sequence[tuple[int, int]], span: tuple[int, int]) -> list[tuple[int, int]]:
    """The list of numbers ("71.2, 74.5 and 80.1%") that a number stands in."""
    run: list[tuple[int, int]] = []
    for mate in mates:
        if run and _LISTED.fullmatch(text, run[-1][1], mate[0]):
            run.append(mate)
        elif span in run:
            break
        else:
            run = [mate]
    return run if span in run else [span]


@cache
def weights() -> dict[str, dict[str, float]]:
    """What ships: the weight of each feature, by type."""
    loaded: dict[str, dict[str, float]] = json.loads(_WEIGHTS.read_text("utf-8"))
    return loaded


def fit(rows: Sequence[Choice], *, least: int = 4, l2: float = 1.0, steps: int = 250) -> dict[str, float]:
    """The weights that make the right choice of each row (the place of the choice is given) most likely.

    A conditional logit by full gradients (Adam); features that occur fewer than `least` times are left out.
    """
    counts = Counter(name for choices, _ in rows for _, features in choices for name in features)
    names = sorted(name for name, count in counts.items() if count >= least)
    number = {name: place for place, name in enumerate(names)}
    flat: list[int] = []
    lengths: list[int] = []
    starts: list[int] = []
    right: list[int] = []
    for choices, target in rows:
        starts.append(len(lengths))
        right.append(len(lengths) + target)
        for _, features in choices:
            own = [number[name] for name in features if name in number]
            flat += own
            lengths.append(len(own))
    feature, size = np.array(flat), np.array(lengths)
    owner = np.repeat(np.arange(len(size)), size)
    row = np.repeat(np.arange(len(starts)), np.diff([*starts, len(size)]))
    truth = np.zeros(len(size))
    truth[right] = 1
    found, mean, square = np.zeros(len(names)), np.zeros(len(names)), np.zeros(len(names))
    for step in range(1, steps + 1):
        scores = np.bincount(owner, weights=found[feature], minlength=len(size))
        odds = np.exp(scores - np.maximum.reduceat(scores, starts)[row])
        error = odds / np.add.reduceat(odds, starts)[row] - truth
        slope = (np.bincount(feature, weights=error[owner], minlength=len(names)) + l2 * found) / len(starts)
        mean = 0.9 * mean + 0.1 * slope
        square = 0.99 * square + 0.01 * slope * slope
        rate = 0.15 * (1 - step / (steps + 1)) + 0.002
        found -= rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
    return {name: round(float(weight), 2) for name, weight in zip(names, found, strict=True) if abs(weight) >= 0.03}


def read(papers: Path, annotations: Path) -> Iterator[tuple[Paper, Extraction]]:
    """The papers of a file with their annotations."""
    texts = read_texts(papers)
    for extraction in read_extractions(annotations, texts):
        yield texts[extraction.paper], extraction


def choices_of(labelled: Iterable[tuple[Paper, Extraction]]) -> Iterator[tuple[str, Choice]]:
    """(type, choice) of each annotated result of annotated papers, at the places where their values stand."""
    from kg.extract.fit import entity_dicts
    from kg.extract.results import numbers

    for paper, extraction in labelled:
        entities = entity_dicts(extraction)
        place = {entity["id"]: number for number, entity in enumerate(entities)}
        waiting: dict[str, list[Result]] = {}
        for result in extraction.results:
            waiting.setdefault(result.value.strip(), []).append(result)
        # the first annotation of a value is taken to mean its first place in the text, and so on
        found = [
            (span, waiting[value].pop(0))
            for span in numbers(paper.text)
            if waiting.get(value := paper.text[span[0] : span[1]].strip())
        ]
        for at, kind, choices in options(paper.text, entities, [span for span, _ in found]):
            wanted = getattr(found[at][1], kind.lower())
            number = None if wanted is None else place.get(wanted, -1)
            target = [n for n, (choice, _) in enumerate(choices) if choice == number]
            if target:
                yield kind, (choices, target[0])


def right(own: Mapping[str, float], rows: Sequence[Choice]) -> float:
    """How many of the choices are right, in percent."""
    hits = 0
    for choices, target in rows:
        scores = [sum(own.get(name, 0.0) for name in features) for _, features in choices]
        hits += scores.index(max(scores)) == target
    return 100 * hits / max(1, len(rows))


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    from kg.extract.train import held_out, read_gold

    parser = argparse.ArgumentParser(
        prog="python -m kg.extract.aspects", description=(__doc__ or "").split("\n\n>>>")[0]
    )
    parser.add_argument("data", type=Path, metavar="DIR", help="folder of annotated papers")
    parser.add_argument("--out", type=Path, default=_WEIGHTS, metavar="FILE", help="the weights (default: our own)")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    labelled = read_gold(given.data)["train"]
    kept, apart = ([pair for pair in labelled if held_out(pair[0].id) is held] for held in (False, True))
    rows: dict[str, list[Choice]] = {kind: [] for kind in KINDS}
    tests: dict[str, list[Choice]] = {kind: [] for kind in KINDS}
    for chosen, papers in ((rows, kept), (tests, apart)):
        for kind, row in choices_of(papers):
            chosen[kind].append(row)
    fitted = {kind: fit(rows[kind]) for kind in KINDS}
    for kind in KINDS:
        log.info(
            "%s: right %.1f of %d, held out %.1f of %d",
            *(kind.lower(), right(fitted[kind], rows[kind]), len(rows[kind])),
            *(right(fitted[kind], tests[kind]), len(tests[kind])),
        )
    with text_aside(given.out) as file:
        file.write(json.dumps(fitted, indent=0, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
