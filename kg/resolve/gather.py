"""Make a vocabulary from annotated papers: `python -m kg.resolve.gather PAPERS GOLD [PAPERS GOLD …] -o FILE.ttl`.

`GOLD` is an extraction file (DESIGN section 3) whose entities carry `canonical`; `--broader FILE` adds a JSON-lines
file of `id` and `broader`. This is how `ontology/vocabulary.ttl` began; it is edited by hand since. The noise is
cleaned: a label leads to one concept of a type, words too general for it are dropped, names that differ only in
spelling are one concept, `broader` has no cycle.

>>> names = {"method:bert": Counter({"BERT": 3, "Bidirectional Encoder": 1, "model": 2})}
>>> gather([Named("Method", "method:bert", "BERT", names["method:bert"], 3)])[0].aliases
('Bidirectional Encoder',)
"""

from __future__ import annotations

import argparse
import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from kg.extract.annotations import read_extractions
from kg.model import Extraction, Paper
from kg.resolve.forms import SMALL_WORDS, key, looks_short, tidy, unify, words_of
from kg.resolve.generic import is_generic, is_sentence
from kg.resolve.match import content, is_abbreviation, numbers
from kg.resolve.vocabulary import Concept, Vocabulary, read_concepts, write_skos

logger = logging.getLogger(__name__)


_PAPERS_OF_A_SPECIAL_ALIAS = 2
_PAPERS_OF_A_KNOWN_CONCEPT = 5
_PAPERS_OF_A_PRODUCT = 2
_SAYS_LITTLE = frozenset("artificial layer mechanism network standard unit vanilla".split())


@dataclass(frozen=True)
class Named:
    """A concept of the annotations: how many papers use each of its names, and any of them."""

    type: str
    id: str
    name: str
    names: Counter[str]
    papers: int


def count(papers: Mapping[str, Paper], extractions: Iterable[Extraction]) -> list[Named]:
    """The concepts that annotated extractions name by `canonical`, sorted by id."""
    names: dict[tuple[str, str], Counter[str]] = {}
    called: dict[tuple[str, str], Counter[str]] = {}
    for extraction in extractions:
        text = papers[extraction.paper].text
        for entity in extraction.entities:
            if entity.canonical is not None:
                concept = (entity.type, entity.canonical)
                surfaces = {unify(text[mention.start : mention.end]) for mention in entity.mentions}
                names.setdefault(concept, Counter()).update(surfaces)
                called.setdefault(concept, Counter())[entity.name] += 1
    return [
        Named(
            entity_type,
            identifier,
            min(called[entity_type, identifier].items(), key=lambda item: (-item[1], item[0]))[0],
            names[entity_type, identifier],
            called[entity_type, identifier].total(),
        )
        for entity_type, identifier in sorted(names)
    ]


def gather(found: Iterable[Named], *, broader: Mapping[str, str] | None = None) -> list[Concept]:
    """Clean concepts, sorted by id."""
    broader = broader or {}
    kept: dict[tuple[str, str], Named] = {}  # (type, key of the name)
    united: dict[str, str] = {}
    frequent_first = sorted(found, key=lambda named: (-named.papers, named.id))
    mostly = _mostly(frequent_first)
    for named in frequent_first:
        if is_generic(named.name, named.type) or is_sentence(named.name):
            continue
        label = (named.type, key(named.name))
        owner = kept.setdefault(mostly.get(label, label), named)
        kept[label] = owner
        united[named.id] = owner.id
        if owner is not named:
            owner.names.update(named.names)
    uses: dict[tuple[str, str], Counter[str]] = {}
    spellings: dict[tuple[str, str], Counter[str]] = {}
    holders = {named.id: named for named in kept.values()}
    for named in holders.values():
        foreign = _foreign(named)
        for alias, papers in named.names.items():
            label = (named.type, key(alias))
            named_so = label == (named.type, key(named.name)) or alias in foreign
            if kept.get(label, named) is named and not named_so and _is_alias(alias, named):
                uses.setdefault(label, Counter())[named.id] += papers
                spellings.setdefault(label, Counter())[alias] += papers
    aliases: dict[str, list[str]] = {}
    for label, owners in uses.items():
        ranked = sorted(owners.items(), key=lambda item: (-item[1], item[0]))
        if len(ranked) == 1 or ranked[0][1] > ranked[1][1]:
            spelling = min(spellings[label].items(), key=lambda item: (-item[1], item[0]))[0]
            aliases.setdefault(ranked[0][0], []).append(spelling)
    above = {united[one]: united[other] for one, other in sorted(broader.items()) if {one, other} <= united.keys()}
    concepts = [
        Concept(
            id=named.id,
            type=named.type,
            name=named.name,
            aliases=tuple(sorted(aliases.get(named.id, ()))),
            broader=(above[named.id],) if _leads_up(named.id, above) else (),
        )
        for named in sorted(holders.values(), key=lambda named: named.id)
    ]
    return _without_products(concepts, {named.id for named in holders.values() if named.papers <= _PAPERS_OF_A_PRODUCT})


def _without_products(concepts: Sequence[Concept], rare: Set[str]) -> list[Concept]:
    """Concepts without rare ones that only name what a technique made: a pruned model is an alias of pruning."""
    vocabulary = Vocabulary.of(concepts)
    made = {
        concept.id: technique
        for concept in concepts
        if concept.id in rare and words_of(concept.name)[-2:-1] and words_of(concept.name)[-2].endswith("ed")
        if (technique := vocabulary.technique(concept.type, concept.name)) not in (None, concept.id)
    }
    made = {product: technique for product, technique in made.items() if technique not in made}
    more: dict[str, set[str]] = {}
    for product, technique in made.items():
        concept = vocabulary.concepts[product]
        more.setdefault(technique, set()).update((concept.name, *concept.aliases))
    return [
        replace(
            concept,
            aliases=tuple(sorted({*concept.aliases, *more.get(concept.id, ())})),
            broader=tuple(
                above for above in (made.get(above, above) for above in concept.broader) if above != concept.id
            ),
        )
        for concept in concepts
        if concept.id not in made
    ]


def _mostly(found: Iterable[Named]) -> dict[tuple[str, str], tuple[str, str]]:
    """Names of concepts that more papers use for another one, so that both are one: label -> label of the other.

    `forgetting` is what one annotator calls a thing that most papers mean as catastrophic forgetting.
    """
    uses: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    names: dict[tuple[str, str], str] = {}
    for named in found:
        concept = (named.type, key(named.name))
        names.setdefault(concept, named.name)
        papers: dict[str, int] = {}
        for surface, times in named.names.items():
            papers[key(surface)] = max(papers.get(key(surface), 0), times)
        for surface, times in papers.items():
            uses.setdefault((named.type, surface), Counter())[concept] += times
    mostly = {}
    for concept, name in names.items():
        claims = uses.get(concept, Counter())
        other, papers_of_other = min(claims.items(), key=lambda item: (-item[1], item[0]), default=(concept, 0))
        if other != concept and papers_of_other > claims[concept] and numbers(name) == numbers(names[other]):
            mostly[concept] = other
    # no chains, and no circles: what is given away owns nothing
    return {one: other for one, other in mostly.items() if other not in mostly}


def extended(concepts: Iterable[Concept], additions: Iterable[Concept]) -> list[Concept]:
    """Concepts with what an expert adds, who is right: labels of additions leave the concepts that had them as aliases.

    An addition that has a known name is about that concept. The name of another concept is never made an alias.
    """
    found = Vocabulary.of(concepts)
    by_id = dict(found.concepts)
    owner = {(concept.type, key(concept.name)): concept.id for concept in by_id.values()}
    for addition in additions:
        identifier = owner.get((addition.type, key(addition.name)), addition.id)
        known = by_id.get(identifier)
        taken = {key(addition.name)}
        aliases = []
        for alias in addition.aliases:
            if key(alias) not in taken and owner.get((addition.type, key(alias)), identifier) == identifier:
                aliases.append(alias)
            taken.add(key(alias))
        for holder in {found.keys.get((addition.type, label)) for label in taken} - {None, identifier}:
            other = by_id[str(holder)]
            left = tuple(alias for alias in other.aliases if key(alias) not in taken)
            by_id[other.id] = replace(other, aliases=left)
        if known is None:
            by_id[identifier] = replace(addition, aliases=tuple(sorted(aliases)))
            owner[addition.type, key(addition.name)] = identifier
        else:
            before = [alias for alias in known.aliases if key(alias) not in taken]
            by_id[identifier] = replace(
                known,
                aliases=tuple(sorted({*before, *aliases} - {known.name})),
                broader=known.broader or addition.broader,
                definition=addition.definition or known.definition,
                year=addition.year or known.year,
                introduced_by=addition.introduced_by or known.introduced_by,
            )
        found = replace(found, keys={**found.keys, **{(addition.type, label): identifier for label in taken}})
    return [by_id[identifier] for identifier in sorted(by_id)]


def with_heads(concepts: Iterable[Concept]) -> list[Concept]:
    """Concepts without a broader one get the one that their last words name: `masked language model`, language model.

    Not data sets, whose last words name no kind, and never in a circle.
    """
    by_id = {concept.id: concept for concept in concepts}
    owner = {(concept.type, key(concept.name)): concept.id for concept in by_id.values()}
    above = {concept.id: concept.broader[0] for concept in by_id.values() if concept.broader}
    for concept in by_id.values():
        if concept.broader or concept.type == "Dataset":
            continue
        words = unify(concept.name).split(" ")
        for place in range(1, len(words)):
            head = owner.get((concept.type, key(" ".join(words[place:]))))
            if words[place - 1].lower() in SMALL_WORDS:
                break  # `adaptation to domains` is no domain
            if head is not None and head != concept.id:
                above[concept.id] = head
                if not _leads_up(concept.id, above):
                    del above[concept.id]
                break
    return [
        replace(concept, broader=(above[concept.id],)) if not concept.broader and concept.id in above else concept
        for concept in by_id.values()
    ]


def _is_alias(alias: str, named: Named) -> bool:
    """Whether a name that papers use for a concept is worth an alias: it is a name, and not one for much more."""
    if is_generic(alias, named.type) or is_sentence(alias) or len(key(alias)) < 2:
        return False
    if alias != tidy(alias) or "(" in alias or "$" in alias or "\\" in alias:  # residue, or two names in one
        return False
    if looks_short(alias) or is_abbreviation(alias, named.name):
        return True
    words, called = content(alias), content(named.name)
    if words < called:  # `intelligence` for the intelligence of agents is what one paper may say after it has said more
        return named.names[alias] > 1 or named.papers >= _PAPERS_OF_A_KNOWN_CONCEPT
    # `deep recurrent network` beside `RNN` is what one paper is about, and a thing of its own elsewhere
    return not called < words or words - called <= _SAYS_LITTLE or named.names[alias] > _PAPERS_OF_A_SPECIAL_ALIAS


def _foreign(named: Named) -> set[str]:
    """Names of another thing: an abbreviation with its long form, in one paper each, that say nothing of the concept.

    Where dozens of papers mean the data set COCO, `Contrastive Context Sharing (CoCoS)` of one is a mistake.
    """
    if named.papers < _PAPERS_OF_A_KNOWN_CONCEPT:
        return set()
    once = [name for name, papers in named.names.items() if papers == 1]
    called = content(named.name) | {key(word) for word in named.name.split(" ")}
    return {
        name
        for short in once
        if looks_short(short) and not is_abbreviation(short, named.name)
        for long in once
        if is_abbreviation(short, long) and not set(words_of(short)) & set(words_of(long))
        if not content(long) & called and not is_abbreviation(named.name, long)
        for name in (short, long)
    }


def _leads_up(identifier: str, above: Mapping[str, str]) -> bool:
    """Whether a concept has a broader one other than itself, from which no way leads back."""
    seen = {identifier}
    place = above.get(identifier)
    if place is None:
        return False
    while place is not None:
        if place == identifier:
            return False
        if place in seen:
            return True
        seen.add(place)
        place = above.get(place)
    return True


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m kg.resolve.gather", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("files", nargs="+", metavar="PAPERS GOLD", help="pairs of a paper file and its annotations")
    parser.add_argument("--broader", type=Path, help="JSON lines of id and broader")
    parser.add_argument("--add", type=Path, help="concepts and aliases that an expert adds (JSON lines)")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    if len(options.files) % 2:
        parser.error("PAPERS and GOLD come in pairs")
    papers: dict[str, Paper] = {}
    extractions: list[Extraction] = []
    for paper_file, gold_file in zip(options.files[::2], options.files[1::2], strict=True):
        rows = map(json.loads, Path(paper_file).read_text("utf-8").splitlines())
        read = [Paper(id=f"paper:{row['id']}", title=row["title"], abstract=row["abstract"]) for row in rows]
        papers.update((paper.id, paper) for paper in read)
        extractions.extend(read_extractions(gold_file, papers))
    broader = {}
    if options.broader:
        for row in map(json.loads, options.broader.read_text("utf-8").splitlines()):
            if row.get("broader"):
                broader[row["id"]] = row["broader"]
    concepts = gather(count(papers, extractions), broader=broader)
    if options.add:
        concepts = extended(concepts, read_concepts(options.add))
    concepts = with_heads(concepts)
    write_skos(concepts, options.output)
    logger.info("%d concepts in %s", len(concepts), options.output)


if __name__ == "__main__":
    main()
