"""From what each paper names to one node a thing, over the whole corpus, each merge with its reason.

>>> from kg.model import ExtractedEntity, Mention, Paper
>>> paper = Paper(id="paper:1", title="Nets", abstract="Graph nets. A graph net.")
>>> places = (Mention(start=5, end=15, type="Method"), Mention(start=19, end=28, type="Method"))
>>> entity = ExtractedEntity(id="e1", type="Method", name="Graph nets", mentions=places, role="studies")
>>> said = Extraction(paper="paper:1", entities=(entity,))
>>> resolution = Resolver(Vocabulary.of(())).resolve({"paper:1": paper}, [said])
>>> resolution.assignments["paper:1", "e1"], resolution.entities[0].name
('method:graph-net', 'Graph Net')
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kg import ontology
from kg.model import Entity, ExtractedEntity, Extraction, Merge, Paper, Resolution, digest
from kg.resolve.forms import SMALL_WORDS, key, looks_short, singular, unify
from kg.resolve.generic import is_generic, is_sentence
from kg.resolve.match import Match, apart, content, is_abbreviation, match
from kg.resolve.vocabulary import Vocabulary

#: (type, id of a concept of the vocabulary) or (type, normal form of a name that it does not know). A normal form
#: holds no colon, an id always does.
Anchor = tuple[str, str]

_BOTH = re.compile(r"(.+\S)\s*\(([^()]+)\)$")
_LAST = re.compile(r"[^-]+$")
_WORD = re.compile(r"[^\s-]+")


@dataclass(frozen=True)
class Thresholds:
    """What the resolver asks for before it merges; a higher number merges less."""

    #: Share of the papers that define an abbreviation which must agree on what it stands for.
    abbreviation: float = 0.8
    #: Share of the papers that use a name beside another one which must agree on the other one.
    alias: float = 0.8


@dataclass(frozen=True)
class _Bag:
    """The names by which one paper calls one thing: the one that identifies it first, then the others, sorted."""

    type: str
    primary: str
    others: tuple[str, ...]


@dataclass
class _Clusters:
    """Anchors that are one node (union-find); two concepts of the vocabulary never are."""

    parent: dict[Anchor, Anchor] = field(default_factory=dict)

    def find(self, anchor: Anchor) -> Anchor:
        root = anchor
        while (above := self.parent.get(root, root)) != root:
            root = above
        while anchor != root:
            self.parent[anchor], anchor = root, self.parent.get(anchor, root)
        return root

    def unite(self, one: Anchor, other: Anchor) -> bool:
        """Make two clusters one, unless both hold a concept of the vocabulary; whether they are one now."""
        one, other = sorted((self.find(one), self.find(other)), key=lambda anchor: (":" not in anchor[1], anchor))
        if ":" in other[1]:
            return one == other
        self.parent[other] = one
        return True


@dataclass(frozen=True)
class Resolver:
    """Resolves the names of a whole corpus against a vocabulary, and what that does not know among themselves."""

    vocabulary: Vocabulary
    thresholds: Thresholds = Thresholds()

    def resolve(self, papers: Mapping[str, Paper], extractions: Sequence[Extraction]) -> Resolution:
        """The nodes of a corpus and the node of each extracted entity; the order of the input does not matter."""
        bags: dict[_Bag, list[tuple[str, str]]] = {}
        for extraction in extractions:
            text = papers[extraction.paper].text
            for entity in extraction.entities:
                bag = self._bag(entity, text)
                if bag is not None:
                    bags.setdefault(bag, []).append((extraction.paper, entity.id))
        ordered = sorted(bags, key=lambda bag: (bag.type, bag.primary, bag.others))
        anchors = {bag: self._anchor(bag) for bag in ordered}
        counted = {bag: len({paper for paper, _ in bags[bag]}) for bag in ordered}
        clusters = self._cluster(ordered, anchors, counted)

        members: dict[Anchor, list[_Bag]] = {}
        for bag in ordered:
            members.setdefault(clusters.find(anchors[bag]), []).append(bag)
        names = {root: self._name(root, held, counted) for root, held in members.items()}
        identifiers = self._identifiers(names)
        in_graph = set(identifiers.values())
        entities = []
        merges: list[Merge] = []
        for root, held in members.items():
            identifier, name = identifiers[root], names[root]
            surfaces = {surface for bag in held for surface in (bag.primary, *bag.others)}
            entities.append(
                Entity(
                    id=identifier,
                    type=root[0],
                    name=name,
                    aliases=tuple(sorted(surfaces - {name})),
                    broader=self._broader(root[1], in_graph),
                    same_as=self.vocabulary.concepts[root[1]].same_as if ":" in root[1] else (),
                )
            )
            merges.extend(self._merges(identifier, name, root, surfaces - {name}))
        return Resolution(
            entities=tuple(sorted(entities, key=lambda entity: entity.id)),
            assignments={
                place: identifiers[clusters.find(anchors[bag])] for bag in ordered for place in sorted(bags[bag])
            },
            merges=tuple(sorted(merges)),
        )

    def _bag(self, entity: ExtractedEntity, text: str) -> _Bag | None:
        """The names of an extracted entity without those that are none; None when nothing is left."""
        seen = Counter(text[mention.start : mention.end] for mention in entity.mentions)
        seen[entity.name] += 0
        for name in [name for name in seen if name.endswith(")")]:
            both = _both(name)
            if both:
                times = seen.pop(name)
                seen.update(dict.fromkeys(both, times))
        names = [name for name in sorted(seen) if self._is_name(entity.type, name)]
        if not names:
            return None
        first = (_both(entity.name) or (entity.name,))[0]
        if first not in names:
            first = min(names, key=lambda name: (-seen[name], -len(name), name))
        longer = [name for name in names if name != first and is_abbreviation(first, name)]
        if longer:
            first = min(longer, key=lambda name: (-seen[name], -len(name), name))
        # a paper that says both `language models` and `large language models` of one thing means the latter,
        # unless it calls the former LMs
        special = [name for name in names if content(first) < content(name)]
        if special and not looks_short(first) and not any(is_abbreviation(name, first) for name in names):
            first = min(special, key=lambda name: (-len(content(name)), -seen[name], name))
        return _Bag(entity.type, first, tuple(name for name in names if name != first))

    def _is_name(self, entity_type: str, name: str) -> bool:
        return (entity_type, unify(name)) in self.vocabulary.labels or not (is_generic(name) or is_sentence(name))

    def _anchor(self, bag: _Bag) -> Anchor:
        """The concept that the vocabulary gives, by the first name, then by others that say no less, or a new one."""
        for name in (bag.primary, *bag.others):
            if name != bag.primary and (apart(bag.primary, name) or is_abbreviation(name, bag.primary)):
                continue
            known = self.vocabulary.find(bag.type, name)
            if known is not None:
                return bag.type, known
        found = self.vocabulary.find_loose(bag.type, bag.primary)
        return (bag.type, found[0]) if found else (bag.type, key(bag.primary))

    def _cluster(self, bags: Iterable[_Bag], anchors: Mapping[_Bag, Anchor], counted: Mapping[_Bag, int]) -> _Clusters:
        """Unite new names with what other papers use them for: as an abbreviation, or beside another name."""
        clusters = _Clusters()
        beside: dict[Anchor, Counter[Anchor]] = {}
        spelled: dict[Anchor, str] = {}
        abbreviations: set[Anchor] = set()
        for bag in bags:
            anchor = anchors[bag]
            spelled.setdefault(anchor, bag.primary)
            for name in bag.others:
                other = (bag.type, key(name))
                short = is_abbreviation(name, bag.primary)
                if other != anchor and (short or not apart(name, bag.primary)):
                    beside.setdefault(other, Counter())[anchor] += counted[bag]
                    if short or looks_short(name):
                        abbreviations.add(other)
        for other in sorted(beside):
            if other not in spelled:  # nobody uses it alone
                continue
            total = sum(beside[other].values())
            anchor, most = min(beside[other].items(), key=lambda item: (-item[1], item[0]))
            least = self.thresholds.abbreviation if other in abbreviations else self.thresholds.alias
            if most / total >= least:
                clusters.unite(other, anchor)
        return clusters

    def _name(self, root: Anchor, bags: Sequence[_Bag], counted: Mapping[_Bag, int]) -> str:
        """The canonical name: the vocabulary's, else what most papers write, a long form before an abbreviation."""
        if root[1] in self.vocabulary.concepts:
            return self.vocabulary.concepts[root[1]].name
        long: Counter[str] = Counter()
        for bag in bags:
            long[title(bag.primary, plural=root[0] == "Dataset")] += counted[bag]
        return min(long, key=lambda name: (looks_short(name), -long[name], name))

    def _identifiers(self, names: Mapping[Anchor, str]) -> dict[Anchor, str]:
        """An id for each cluster (DESIGN section 5): of two names with one slug the later gets four digits more."""
        result: dict[Anchor, str] = {}
        taken = set(self.vocabulary.concepts)
        for root in sorted(names, key=lambda root: (root[0], names[root], root)):
            if root[1] in self.vocabulary.concepts:
                result[root] = root[1]
                continue
            plain_id = identifier = ontology.entity_id(root[0], names[root])
            digits = 4
            while identifier in taken:
                identifier = f"{plain_id}-{digest(names[root], root[1])[:digits]}"
                digits += 1
            taken.add(identifier)
            result[root] = identifier
        return result

    def _broader(self, identifier: str, in_graph: set[str]) -> tuple[str, ...]:
        """The nearest broader concepts that are nodes."""
        found: set[str] = set()
        waiting = list(self.vocabulary.concepts[identifier].broader) if ":" in identifier else []
        seen = {identifier}
        while waiting:
            above = waiting.pop()
            if above in seen:
                continue
            seen.add(above)
            if above in in_graph:
                found.add(above)
            elif above in self.vocabulary.concepts:
                waiting.extend(self.vocabulary.concepts[above].broader)
        return tuple(sorted(found))

    def _merges(self, identifier: str, name: str, root: Anchor, surfaces: Iterable[str]) -> Iterator[Merge]:
        for surface in sorted(surfaces):
            why = self._why(name, root, surface)
            yield Merge(entity=identifier, merged_name=surface, rule=why.rule, score=why.score)

    def _why(self, name: str, root: Anchor, surface: str) -> Match:
        """Why a surface became this node: how it matches its name, or a label of the vocabulary, or another paper."""
        found = match(surface, name)
        if found is not None:
            return found
        if self.vocabulary.find(root[0], surface) == root[1]:
            return Match("alias", 0.9)
        return Match("paper", 0.8)


def _both(name: str) -> tuple[str, ...]:
    """Long form and abbreviation of a name that holds both, else nothing.

    >>> _both("Convolutional Neural Network (CNN)"), _both("f(x)")
    (('Convolutional Neural Network', 'CNN'), ())
    """
    found = _BOTH.match(name)
    return (found.group(1), found.group(2)) if found and is_abbreviation(found.group(2), found.group(1)) else ()


def title(name: str, *, plural: bool = False) -> str:
    """A name as the title of an encyclopedia entry: capitals, and singular unless `plural`.

    >>> title("graph neural networks"), title("mixture of experts"), title("GANs"), title("k-means"), title("wav2vec")
    ('Graph Neural Network', 'Mixture of Experts', 'GAN', 'k-Means', 'wav2vec')
    """
    words = unify(name).split(" ")
    if not plural and not any(word in SMALL_WORDS for word in words):
        words[-1] = _LAST.sub(lambda part: singular(part.group()), words[-1])
    return " ".join(
        _WORD.sub(lambda part, first=not place: _capital(part.group(), first=first), word)  # type: ignore[misc]
        for place, word in enumerate(words)
    )


def _capital(part: str, *, first: bool) -> str:
    if not part.isalpha() or not part.islower() or len(part) == 1 or (part in SMALL_WORDS and not first):
        return part
    return part[0].upper() + part[1:]
