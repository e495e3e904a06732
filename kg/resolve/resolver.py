"""From what each paper names to one node a thing, over the whole corpus, each merge with its reason.

>>> from kg.model import Mention
>>> paper = Paper(id="paper:1", title="Nets", abstract="Graph nets. A graph net.")
>>> places = (Mention(start=5, end=15, type="Method"), Mention(start=19, end=28, type="Method"))
>>> entity = ExtractedEntity(id="e1", type="Method", name="Graph nets", mentions=places, role="studies")
>>> said = Extraction(paper="paper:1", entities=(entity,))
>>> resolution = Resolver(Vocabulary.of(())).resolve({"paper:1": paper}, [said])
>>> resolution.assignments["paper:1", "e1"], resolution.entities[0].name
('method:graph-net', 'Graph Net')
>>> resolution.merges[0]
Merge(entity='method:graph-net', merged_name='Graph nets', rule='plural', score=0.96, decided_by='rule')
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from kg import ontology
from kg.model import Entity, ExtractedEntity, Extraction, Merge, Paper, Resolution, digest
from kg.resolve.decisions import Decision, apply
from kg.resolve.forms import key, looks_short, loose, tidy, unify, words_of
from kg.resolve.generic import is_generic, is_sentence
from kg.resolve.match import Match, alike, apart, content, inside, is_abbreviation, match, numbers, variant
from kg.resolve.nodes import Names, Node, Nodes, likely_name
from kg.resolve.rules import Thresholds
from kg.resolve.vocabulary import Vocabulary

#: (type, id of a concept of the vocabulary) or (type, normal form of a name that it does not know). A normal form
#: holds no colon, an id always does.
Anchor = tuple[str, str]

# What more papers write so is a word of its own.
_PAPERS_OF_A_TYPO = 2
_SHARED_NEIGHBOURS = 2
# Of `prediction accuracy` and `accuracy` in one paper, accuracy is meant. By type.
_LEFT_OUT = MappingProxyType(
    {
        "Method": frozenset("artificial data distributed feature model network".split()),
        "Task": frozenset("complex data model neural".split()),
        "Metric": frozenset("absolute average final mean overall prediction predictive test validation".split()),
        "Concept": frozenset("data model network task".split()),
        "Dataset": frozenset(),
    }
)
_FUSED = re.compile(r"([A-Z]?[a-z]{3,})[A-Z]{2,}s?$")
_BRACKETS = re.compile(r"([^()]*[^()\s])\s+\(([^()]+)\)(?:\s+([^()]+))?$")


@dataclass
class _Clusters:
    """Anchors that are one node (union-find). Two concepts of the vocabulary never are, nor two versions.

    `called` holds by what names that are in a pair of `never` an anchor goes.
    """

    numbers: dict[Anchor, frozenset[tuple[str, ...]]]
    never: Collection[frozenset[str]] = ()
    called: dict[Anchor, frozenset[str]] = field(default_factory=dict)
    parent: dict[Anchor, Anchor] = field(default_factory=dict)

    def find(self, anchor: Anchor) -> Anchor:
        root = anchor
        while (above := self.parent.get(root, root)) != root:
            root = above
        while anchor != root:
            self.parent[anchor], anchor = root, self.parent.get(anchor, root)
        return root

    def unite(self, one: Anchor, other: Anchor) -> None:
        one, other = sorted((self.find(one), self.find(other)), key=lambda anchor: (":" not in anchor[1], anchor))
        versions = self.numbers.get(one, frozenset()) | self.numbers.get(other, frozenset())
        mine, others = self.called.get(one, frozenset()), self.called.get(other, frozenset())
        if any(pair & mine and pair & others for pair in self.never):
            return
        if one != other and ":" not in other[1] and len(versions) < 2:
            self.parent[other] = one
            self.numbers[one] = versions
            self.called[one] = mine | others


@dataclass(frozen=True)
class Resolver:
    """Resolves the names of a whole corpus against a vocabulary, and what that does not know among themselves.

    What people decided (`decisions`) is applied last. `never` holds pairs of names that no rule may make one.
    """

    vocabulary: Vocabulary
    decisions: Sequence[Decision] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)
    never: Sequence[tuple[str, str]] = ()

    def resolve(self, papers: Mapping[str, Paper], extractions: Iterable[Extraction]) -> Resolution:
        """The nodes of a corpus and the node of each extracted entity; the order of the input does not matter."""
        places: dict[Names, list[tuple[str, str]]] = {}
        for extraction in extractions:
            text = papers[extraction.paper].text
            for entity in extraction.entities:
                names = self._names(entity, text)
                if names is not None:
                    places.setdefault(names, []).append((extraction.paper, entity.id))
        anchors = {names: self._anchor(names, len({paper for paper, _ in where})) for names, where in places.items()}
        places = self._in_context(places, anchors)
        counted = {names: len({paper for paper, _ in places[names]}) for names in sorted(places)}
        nodes = Nodes(self._cluster(counted, anchors))
        apply(nodes, self.decisions)
        self._recognise(nodes)
        identifiers = self._identifiers(nodes)
        in_graph = set(identifiers.values())
        entities: list[Entity] = []
        merges: list[Merge] = []
        assignments: dict[tuple[str, str], str] = {}
        for node, identifier in identifiers.items():
            surfaces = node.surfaces - {node.name}
            concept = self.vocabulary.concepts.get(node.concept or "")
            entities.append(
                Entity(
                    id=identifier,
                    type=node.type,
                    name=node.name,
                    aliases=tuple(sorted(surfaces)),
                    broader=self._broader(concept.id, in_graph) if concept else (),
                    same_as=concept.same_as if concept else (),
                )
            )
            merges.extend(self._merges(identifier, node, surfaces))
            for names in node.held:
                assignments.update((place, identifier) for place in places[names])
        return Resolution(
            entities=tuple(sorted(entities, key=lambda entity: entity.id)),
            assignments=dict(sorted(assignments.items())),
            merges=tuple(sorted(merges)),
        )

    def _names(self, entity: ExtractedEntity, text: str) -> Names | None:
        """The names of an extracted entity without those that are none; None when nothing is left."""
        written = Counter(text[mention.start : mention.end] for mention in entity.mentions)
        surfaces = tuple(sorted(name for name in written if self._is_name(entity.type, tidy(name))))
        called = tidy(entity.name)
        seen = Counter({called: 0})
        for name, times in written.items():
            for part in _parts(tidy(name)):
                seen[part] += times
        names = [name for name in sorted(seen) if self._is_name(entity.type, name)]
        if not names:
            return None
        first = _parts(called)[0]
        if first not in names:
            first = min(names, key=lambda name: (-seen[name], -len(name), name))
        longer = [name for name in names if name != first and is_abbreviation(first, name)]
        if looks_short(first) and not longer and not self.vocabulary.find(entity.type, first):
            longer = [n for n in names if _is_long(n) and numbers(n) == numbers(first)]
        if longer:
            first = min(longer, key=lambda name: (-seen[name], -len(name), name))
        # a paper that says both `language models` and `large language models` of one thing means the latter,
        # unless it calls the former LMs
        special = [name for name in names if content(first) < content(name) and not _weak(name, first, entity.type)]
        if self.vocabulary.find(entity.type, first):
            special = [name for name in special if self.vocabulary.find(entity.type, name)]
        if special and not looks_short(first) and not any(is_abbreviation(name, first) for name in names):
            first = min(special, key=lambda name: (-len(content(name)), -seen[name], name))
        first = next((name for name in names if _weak(first, name, entity.type)), first)
        others = tuple(name for name in names if name != first)
        introduced = entity.role == "introduces"
        return Names(type=entity.type, primary=first, others=others, seen=surfaces, introduced=introduced)

    def _is_name(self, entity_type: str, name: str) -> bool:
        return (entity_type, unify(name)) in self.vocabulary.labels or not (
            is_generic(name, entity_type) or is_sentence(name)
        )

    def _in_context(
        self, places: dict[Names, list[tuple[str, str]]], anchors: Mapping[Names, Anchor]
    ) -> dict[Names, list[tuple[str, str]]]:
        """The same places, where an abbreviation without its long form got the sense that the paper's other names give.

        An abbreviation is ambiguous where papers define it for two things, or for another thing than the vocabulary
        knows. The paper that does not say which means the thing whose papers share entities with it: at least two,
        and with the rarer ones counting more, a share of `Thresholds.context` of all that speaks for any of them.
        """
        meant: dict[Anchor, set[Anchor]] = {}
        for names, anchor in anchors.items():
            for short in names.others:
                if looks_short(short) and is_abbreviation(short, names.primary) and self._stands_for(short, anchor):
                    meant.setdefault((names.type, key(short)), set()).add(anchor)
        for label, senses in meant.items():
            known = self.vocabulary.keys.get(label)
            if known is not None:
                senses.add((label[0], known))
        unclear = {
            names: meant[label]
            for names in places
            if len(meant.get(label := (names.type, key(names.primary)), ())) > 1
            and all(key(name) == label[1] for name in names.others)
        }
        if not unclear:
            return places
        beside: dict[str, set[Anchor]] = {}
        for names, where in places.items():
            for paper, _ in where:
                beside.setdefault(paper, set()).add(anchors[names])
        papers = Counter(anchor for held in beside.values() for anchor in held)
        senses_of = set().union(*unclear.values())
        company: dict[Anchor, set[Anchor]] = {}
        for names, where in places.items():
            if anchors[names] in senses_of and names not in unclear:
                for paper, _ in where:
                    company.setdefault(anchors[names], set()).update(beside[paper] - {anchors[names]})
        told: dict[Names, list[tuple[str, str]]] = {}
        for names, where in places.items():
            for paper, entity in where:
                sense = self._sense(unclear.get(names, ()), beside[paper] - {anchors[names]}, company, papers)
                meaning = names if sense is None or sense == anchors[names] else replace(names, sense=sense[1])
                told.setdefault(meaning, []).append((paper, entity))
        return told

    def _stands_for(self, short: str, anchor: Anchor) -> bool:
        """Whether an abbreviation can be read off a name of this concept, or off a new name, which a paper defined.

        A paper that calls its recurrent networks NNs, too, does not make `RNN` ambiguous.
        """
        concept = self.vocabulary.concepts.get(anchor[1])
        return concept is None or any(is_abbreviation(short, label) for label in (concept.name, *concept.aliases))

    def _sense(
        self,
        senses: Iterable[Anchor],
        around: set[Anchor],
        company: Mapping[Anchor, set[Anchor]],
        papers: Counter[Anchor],
    ) -> Anchor | None:
        """The sense that what is around an ambiguous name speaks for clearly enough, or None."""
        shared = {sense: sorted(around & company.get(sense, set())) for sense in sorted(senses)}
        spoken = {sense: sum(1 / papers[anchor] for anchor in common) for sense, common in shared.items()}
        total = sum(spoken.values())
        best = max(spoken, key=lambda sense: (spoken[sense], sense), default=None)
        if best is None or len(shared[best]) < _SHARED_NEIGHBOURS or spoken[best] < self.thresholds.context * total:
            return None
        return best

    def _anchor(self, names: Names, papers: int) -> Anchor:
        """The concept that the vocabulary gives, by the first name, then by the others, or a new one.

        The paper says that they are one thing, so a general name may decide, but not for another version, and an
        abbreviation only where it is not known for something more general than the first name. What a paper introduces
        is none of the things that its wording reminds of: only the very name counts.
        """
        if names.introduced:
            return names.type, self._itself(names) or key(names.primary)
        longer = self.vocabulary.expanded(names.primary)
        for name in (names.primary, *([longer] if longer else ()), *names.others):
            known = self._allowed(names, self.vocabulary.find(names.type, name))
            if known is None or (looks_short(name) and not self._fits(known, name, names)):
                continue
            if name != names.primary and not looks_short(name) and numbers(name) != numbers(names.primary):
                continue
            return names.type, known
        loosely = self.vocabulary.find_loose(names.type, names.primary)
        found = self._allowed(names, loosely[0] if loosely else None) or self._guessed(names, longer)
        if found is not None:
            return names.type, found
        corrected = self.vocabulary.corrected(names.primary) if papers <= _PAPERS_OF_A_TYPO else None
        if corrected is not None:
            return names.type, self.vocabulary.find(names.type, corrected) or key(corrected)
        return names.type, key(names.primary)

    def _itself(self, names: Names) -> str | None:
        """The concept that a thing is by its very name: a paper calls it as the concept is called, or as a user does.

        An abbreviation is no such name where the paper writes it out as something else.
        """
        every = (names.primary, *names.others)
        for name in every:
            known = self._allowed(names, self.vocabulary.find(names.type, name))
            if known is None:
                continue
            called = self.vocabulary.concepts[known].name
            if name == names.primary:
                spelled = key(called) in map(key, every) or (is_abbreviation(name, called) and not names.others)
            else:
                spelled = key(called) == key(name) and not looks_short(name) and variant(name, names.primary)
            if spelled or (names.type, key(name)) in self.vocabulary.own:
                return known
        return None

    def _guessed(self, names: Names, longer: str | None) -> str | None:
        """The concept that a new name means once it is written out (`longer`), or without a head that says little.

        Not where the paper abbreviates the whole name, which makes it one of its own.
        """
        if looks_short(names.primary) or any(is_abbreviation(name, names.primary) for name in names.others):
            return None
        for name in (names.primary,) if longer is None else (longer, names.primary):
            loosely = self.vocabulary.find_loose(names.type, name)
            known = self._allowed(
                names,
                self.vocabulary.find(names.type, name)
                or (loosely[0] if loosely else None)
                or self.vocabulary.headless(names.type, name)
                or self.vocabulary.technique(names.type, name),
            )
            if known is not None:
                return known
        return None

    def _allowed(self, names: Names, known: str | None) -> str | None:
        """The concept that was found, unless it is never to be one with these names."""
        return None if known is None or self._never(names.primary, self.vocabulary.concepts[known].name) else known

    def _fits(self, identifier: str, short: str, names: Names) -> bool:
        """Whether an abbreviation may stand for this concept here: no long name beside it says something else.

        A long name that the abbreviation is read off defines it: it must be a variant of the concept's names, while
        others need only be like them, or more general: a paper may call an LLM a language model.
        """
        concept = self.vocabulary.concepts[identifier]
        called = [concept.name] if _is_long(concept.name) else [alias for alias in concept.aliases if _is_long(alias)]
        if not called:
            return True
        own = set(words_of(short))
        spoken = [name for name in (names.primary, *names.others) if not own <= set(words_of(name))]
        defined = [name for name in spoken if is_abbreviation(short, name)]
        long = defined or [name for name in spoken if _is_long(name)]
        return not long or any(
            self.vocabulary.find(names.type, name) == identifier
            or any((variant if defined else alike)(name, label) and not apart(name, label) for label in called)
            or (not defined and any(content(name) < content(label) for label in called))
            for name in long
        )

    def _never(self, name: str, other: str) -> bool:
        return any({key(name), key(other)} == {key(one), key(two)} for one, two in self.never)

    def _cluster(self, counted: Mapping[Names, int], alone: Mapping[Names, Anchor]) -> list[Node]:
        """What is one thing: names with one anchor, and new anchors that other papers or another wording lead to."""
        anchors = {names: (names.type, names.sense) if names.sense else alone[names] for names in counted}
        beside: dict[Anchor, Counter[Anchor]] = {}
        spelled: dict[Anchor, str] = {}
        abbreviations: set[Anchor] = set()
        for names, anchor in anchors.items():
            if names.sense:
                continue
            spelled.setdefault(anchor, names.primary)
            for name in names.others:
                other = (names.type, key(name))
                short = is_abbreviation(name, names.primary)
                if other != anchor and (short or not (apart(name, names.primary) or inside(names.primary, name))):
                    beside.setdefault(other, Counter())[anchor] += counted[names]
                    if short:
                        abbreviations.add(other)
        versions = {anchor: frozenset({numbers(name)}) for anchor, name in spelled.items() if not looks_short(name)}
        clusters = _Clusters(
            numbers={anchor: held for anchor, held in versions.items() if ":" not in anchor[1]},
            never=[frozenset((key(one), key(other))) for one, other in self.never],
        )
        guarded = frozenset().union(*clusters.never)
        for names, anchor in anchors.items() if guarded else ():
            mine = frozenset(map(key, (names.primary, *names.others))) & guarded
            clusters.called[anchor] = clusters.called.get(anchor, frozenset()) | mine
        for other in sorted(beside.keys() & spelled.keys()):
            total = sum(beside[other].values())
            anchor, most = min(beside[other].items(), key=lambda item: (-item[1], item[0]))
            least = self.thresholds.abbreviation if other in abbreviations else self.thresholds.alias
            if other not in abbreviations and most < 2 and not alike(spelled[other], spelled[anchor]):
                continue  # one paper, or one mistake of its reader, does not make two things one
            if most / total >= least:
                clusters.unite(other, anchor)
        worded: dict[tuple[str, str], Anchor] = {}
        for anchor in sorted(spelled):
            name = spelled[anchor]
            if ":" not in anchor[1] and _is_long(name):
                longer = self.vocabulary.expanded(name) or name
                first = worded.setdefault((anchor[0], loose(longer, anchor[0])[1]), anchor)
                if first != anchor:
                    clusters.unite(anchor, first)
        self._unite_fused(clusters, spelled)
        held: dict[Anchor, dict[Names, int]] = {}
        for names, anchor in anchors.items():
            held.setdefault(clusters.find(anchor), {})[names] = counted[names]
        return [
            Node(
                type=root[0],
                name=self.vocabulary.concepts[root[1]].name if ":" in root[1] else likely_name(together, root[0]),
                held=together,
                concept=root[1] if ":" in root[1] else None,
            )
            for root, together in sorted(held.items())
        ]

    def _unite_fused(self, clusters: _Clusters, spelled: Mapping[Anchor, str]) -> None:
        """Make names one where one is the other with its end abbreviated: `NeuralDB`, `Neural Database`.

        Only where the vocabulary does not know the short one, and it can stand for no other name of the corpus.
        """
        short: dict[tuple[str, str], list[Anchor]] = {}
        for anchor, name in sorted(spelled.items()):
            hump = _FUSED.match(name)
            if hump is not None and ":" not in anchor[1]:
                short.setdefault((anchor[0], hump.group(1).lower()), []).append(anchor)
        long: dict[tuple[str, str], list[Anchor]] = {}
        for anchor, name in sorted(spelled.items()) if short else ():
            block = (anchor[0], name.partition(" ")[0].lower())
            if block in short and _is_long(name):
                long.setdefault(block, []).append(anchor)
        for block, anchors in sorted(short.items()):
            for anchor in anchors:
                meant = [other for other in long.get(block, ()) if is_abbreviation(spelled[anchor], spelled[other])]
                if len(meant) == 1:
                    clusters.unite(anchor, meant[0])

    def _recognise(self, nodes: Nodes) -> None:
        """Give what a person took out of a node the concept of its name, where no other node has it."""
        taken = {node.concept for node in nodes}
        for node in nodes:
            known = self.vocabulary.find(node.type, node.name) if node.concept is None and not node.renamed else None
            # not a name that the vocabulary knows for something else, which the resolver did not mean
            if known is not None and known not in taken and key(self.vocabulary.concepts[known].name) == key(node.name):
                node.concept = known
                node.name = self.vocabulary.concepts[known].name
                taken.add(known)

    def _identifiers(self, nodes: Iterable[Node]) -> dict[Node, str]:
        """An id for each node (DESIGN section 5): of two names with one slug the later gets four digits more."""
        result: dict[Node, str] = {}
        taken = set(self.vocabulary.concepts)

        def order(node: Node) -> tuple[bool, str, str, list[Names]]:
            known = node.concept is not None and not node.renamed
            return (not known, node.type, node.name, sorted(node.held))

        for node in sorted(nodes, key=order):
            if node.concept is not None and not node.renamed:
                result[node] = node.concept
                continue
            identifier = plain = ontology.entity_id(node.type, node.name)
            digits = 4
            while identifier in taken and identifier != node.concept:
                identifier = f"{plain}-{digest(node.name, *min(node.held).seen)[:digits]}"
                digits += 1
            taken.add(identifier)
            result[node] = identifier
        return result

    def _broader(self, identifier: str, in_graph: set[str]) -> tuple[str, ...]:
        """The nearest broader concepts that are nodes."""
        found: set[str] = set()
        seen = {identifier}
        waiting = list(self.vocabulary.concepts[identifier].broader)
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

    def _merges(self, identifier: str, node: Node, surfaces: Iterable[str]) -> Iterator[Merge]:
        for surface in sorted(surfaces):
            if surface in node.by_person:
                yield Merge(entity=identifier, merged_name=surface, rule="merge", score=1.0, decided_by="person")
                continue
            if surface == node.former:
                yield Merge(entity=identifier, merged_name=surface, rule="rename", score=1.0, decided_by="person")
                continue
            why = self._why(node, surface)
            yield Merge(entity=identifier, merged_name=surface, rule=why.rule, score=why.score)

    def _why(self, node: Node, surface: str) -> Match:
        """How a surface matches the name of its node or a label of the vocabulary, or that papers use it so."""
        if any(names.sense and surface in names.seen for names in node.held):
            return Match("context", 0.75)
        found = match(surface, node.name, node.type)
        if found is None and node.former:
            found = match(surface, node.former, node.type)
        if found is not None:
            return found
        if node.concept is not None:
            if self.vocabulary.find(node.type, surface) == node.concept:
                return Match("alias", 0.9)
            other = self.vocabulary.find_loose(node.type, surface)
            if other is not None and other[0] == node.concept:
                return Match(other[1], other[2])
            longer = self.vocabulary.expanded(surface)
            if longer is not None and self.vocabulary.find(node.type, longer) == node.concept:
                return Match("expansion", 0.85)
            if self.vocabulary.headless(node.type, longer or surface) == node.concept:
                return Match("head", 0.82)
            if self.vocabulary.technique(node.type, longer or surface) == node.concept:
                return Match("technique", 0.78)
            corrected = self.vocabulary.corrected(surface)
            if corrected is not None and self.vocabulary.find(node.type, corrected) == node.concept:
                return Match("typo", 0.8)
        alone = any(key(names.primary) == key(surface) and not self._leads(names.others, node) for names in node.held)
        return Match("corpus", 0.7) if alone else Match("paper", 0.8)

    def _leads(self, others: Iterable[str], node: Node) -> bool:
        """Whether one of the names that a paper has beside the first one is a name of the node."""
        return any(
            key(name) == key(node.name)
            or (node.concept is not None and self.vocabulary.find(node.type, name) == node.concept)
            for name in others
        )


def _weak(special: str, general: str, entity_type: str) -> bool:
    """Whether a special name adds to the general one only what a paper that says both leaves out at will."""
    more, less = content(special), content(general)
    return less < more and more - less <= _LEFT_OUT[entity_type]


def _is_long(name: str) -> bool:
    """Whether a name has several words and is no abbreviation."""
    return len(words_of(name)) > 1 and not looks_short(name)


def _parts(name: str) -> tuple[str, ...]:
    """A name without brackets that hold its abbreviation (the second part), that of a piece, or what kind it is.

    >>> _parts("Convolutional Neural Network (CNN)"), _parts("CNN (Convolutional Neural Network)")
    (('Convolutional Neural Network', 'CNN'), ('Convolutional Neural Network', 'CNN'))
    >>> _parts("key-value (KV) cache"), _parts("HGRN2 (Language Model)"), _parts("f(x)"), _parts("Top (k) sampling")
    (('key-value cache',), ('HGRN2',), ('f(x)',), ('Top (k) sampling',))
    """
    found = _BRACKETS.match(name)
    if found is None:
        return (name,)
    front, inner, back = found.groups()
    whole = f"{front} {back}" if back else front
    if is_abbreviation(inner, whole):
        return whole, inner
    if not back and is_abbreviation(front, inner):
        return inner, front
    words = front.split(" ")
    if any(is_abbreviation(inner, " ".join(words[place:])) for place in range(len(words))):
        return (whole,)
    if not back and looks_short(front) and " " in inner:
        return (front,)
    return (name,)
