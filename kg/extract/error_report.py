"""What an extraction gets wrong, as one HTML page without a network: gold and found side by side in the text.

>>> from kg.model import ExtractedEntity, Mention
>>> def said(kind, start, end):
...     mention = Mention(start=start, end=end, type=kind)
...     one = ExtractedEntity(id="e1", type=kind, name="x", role="mentions", mentions=(mention,))
...     return Extraction(paper="paper:1", entities=(one,))
>>> [mistake.kind for mistake in mistakes(said("Task", 0, 4), said("Method", 0, 4), "BERT wins")]
['Task taken for Method']
>>> [mistake.kind for mistake in mistakes(said("Task", 0, 4), said("Task", 0, 9), "BERT wins")]
['Task with wrong borders, too long']
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from kg import ontology
from kg.extract.evaluate import Score, Span, count, mention_owners, pair_entities
from kg.extract.files import written_aside
from kg.model import ASPECTS, ENTITY_TYPES, ExtractedEntity, Extraction, Paper, Relation, Result

#: Papers that a page shows unless told otherwise.
LIMIT = 200
#: Examples beside each kind of mistake.
_EXAMPLES = 4
#: Characters of evidence that are quoted.
_QUOTED = 240

Triple = tuple[str, str, str]


def write_report(
    path: str | Path,
    papers: Mapping[str, Paper],
    gold: Mapping[str, Extraction],
    found: Mapping[str, Extraction],
    *,
    title: str = "What the extraction gets wrong",
    scores: Mapping[str, Score] | None = None,
    limit: int = LIMIT,
) -> Summary:
    """Write the page; of the papers it shows the `limit` with most mistakes, its counts are of all."""
    from jinja2 import Environment

    template = Path(__file__).with_suffix(".html").read_text("utf-8")
    page, summary = _page(papers, gold, found, limit)
    html = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(template)
    content = html.render(title=title, scores=scores or {}, summary=summary, limit=limit, **page)
    with written_aside(Path(path)) as file:
        file.write(content.encode("utf-8", "backslashreplace").decode("utf-8"))
    return summary


def mistakes(right: Extraction, said: Extraction, text: str) -> list[Mistake]:
    """All that is wrong with what was found in one paper: mentions, entities, roles, relations, results."""
    pairs = pair_entities(right, said)
    return [
        *_mention_mistakes(mention_owners(right), mention_owners(said), text),
        *_group_mistakes(right, said),
        *_role_mistakes(right, said, pairs),
        *_relation_mistakes(right, said, pairs, text),
        *_result_mistakes(right, said, pairs),
    ]


def _mention_mistakes(
    right: Mapping[Span, tuple[str, str]], said: Mapping[Span, tuple[str, str]], text: str
) -> Iterator[Mistake]:
    """Spans are paired one to one: equal ones, then those of one type, then those that overlap most."""
    pairs = {span: span for span in right.keys() & said.keys()}
    touching = [
        (right[a][0] != said[b][0], -(min(a[1], b[1]) - max(a[0], b[0])), a, b)
        for a in sorted(right.keys() - pairs.keys())
        for b in sorted(said.keys() - pairs.keys())
        if a[0] < b[1] and b[0] < a[1]
    ]
    taken = set(pairs.values())
    for _, _, a, b in sorted(touching):
        if a not in pairs and b not in taken:
            pairs[a] = b
            taken.add(b)
    for a, b in sorted(pairs.items()):
        kind, other = right[a][0], said[b][0]
        words, given = text[a[0] : a[1]], text[b[0] : b[1]]
        if a == b and kind != other:
            yield Mistake(f"{kind} taken for {other}", words, gold=a, found=b)
        elif a != b and kind != other:
            yield Mistake(f"{kind} taken for {other}, with wrong borders", f"{words} → {given}", gold=a, found=b)
        elif a != b:
            longer, shorter = b[0] <= a[0] and a[1] <= b[1], a[0] <= b[0] and b[1] <= a[1]
            how = "too long" if longer else "too short" if shorter else "shifted"
            yield Mistake(f"{kind} with wrong borders, {how}", f"{words} → {given}", gold=a, found=b)
    for span in sorted(right.keys() - pairs.keys()):
        yield Mistake(f"{right[span][0]} missed", text[span[0] : span[1]], gold=span)
    for span in sorted(said.keys() - taken):
        yield Mistake(f"{said[span][0]} spurious", text[span[0] : span[1]], found=span)


def _group_mistakes(right: Extraction, said: Extraction) -> Iterator[Mistake]:
    """Entities that were cut in two or thrown together, seen where their mentions are equal."""
    right_owner, said_owner = mention_owners(right), mention_owners(said)
    right_by_id, said_by_id = _by_id(right), _by_id(said)
    of_right: dict[str, set[str]] = {}
    of_said: dict[str, set[str]] = {}
    for span in right_owner.keys() & said_owner.keys():
        own, other = right_owner[span][1], said_owner[span][1]
        of_right.setdefault(own, set()).add(other)
        of_said.setdefault(other, set()).add(own)
    for own, others in sorted(of_right.items()):
        if len(others) > 1:
            names = " | ".join(sorted(said_by_id[other].name for other in others))
            yield Mistake("one entity taken for several", f"{right_by_id[own].name}: {names}")
    for other, owners in sorted(of_said.items()):
        if len(owners) > 1:
            names = " | ".join(sorted(right_by_id[own].name for own in owners))
            yield Mistake("several entities taken for one", f"{said_by_id[other].name}: {names}")


def _role_mistakes(right: Extraction, said: Extraction, pairs: Mapping[str, str]) -> Iterator[Mistake]:
    right_by_id = _by_id(right)
    for entity in said.entities:
        own = right_by_id.get(pairs.get(entity.id, ""))
        if own is not None and own.type == entity.type and own.role != entity.role:
            yield Mistake(
                f"role {own.role} taken for {entity.role}",
                own.name,
                annotated=own.role,
                given=f"{entity.role} ({entity.role_score:.2f})",
            )


def _relation_mistakes(right: Extraction, said: Extraction, pairs: Mapping[str, str], text: str) -> Iterator[Mistake]:
    right_by_id, said_by_id = _by_id(right), _by_id(said)
    found = set(pairs.values())
    wanted: set[Triple] = {(r.head, r.predicate, r.tail) for r in right.relations}
    told: dict[Triple, Relation] = {}
    for relation in said.relations:
        ends = [pairs.get(end, f"?{end}") for end in (relation.head, relation.tail)]
        told.setdefault((ends[0], relation.predicate, ends[1]), relation)

    def name(end: str) -> str:
        own = right_by_id.get(end)
        return said_by_id[end.removeprefix("?")].name if own is None else own.name

    def words(triple: Triple) -> str:
        return f"{name(triple[0])} – {triple[1]} – {name(triple[2])}"

    def mistake(kind: str, annotated: Triple | None, given: Triple | None) -> Mistake:
        relation = None if given is None else told[given]
        return Mistake(
            kind,
            words(annotated or given or ("", "", "")),
            annotated=None if annotated is None else words(annotated),
            given=None
            if given is None or relation is None
            else f"{words(given)} ({relation.score:.2f}{', negated' if relation.negated else ''})",
            quote="" if relation is None else _quoted(text, relation),
        )

    missed, spurious = sorted(wanted - told.keys()), sorted(told.keys() - wanted)
    left = set(spurious)
    for triple in missed:
        head, predicate, tail = triple
        others = [other for other in left if {other[0], other[2]} == {head, tail}]
        if others:
            instead = min(others, key=lambda other: (other[1] != predicate, other))
            left.remove(instead)
            how = "turned round" if instead[1] == predicate else f"taken for {instead[1]}"
            yield mistake(f"relation {predicate} {how}", triple, instead)
        else:
            why = "" if head in found and tail in found else ", an entity not found"
            yield mistake(f"relation {predicate} missed{why}", triple, None)
    for triple in spurious:
        if triple in left:
            why = "" if triple[0] in right_by_id and triple[2] in right_by_id else ", an entity not annotated"
            yield mistake(f"relation {triple[1]} spurious{why}", None, triple)


def _result_mistakes(right: Extraction, said: Extraction, pairs: Mapping[str, str]) -> Iterator[Mistake]:
    """Values are paired in the order of the text."""
    right_by_id, said_by_id = _by_id(right), _by_id(said)
    waiting: dict[str, list[Result]] = {}
    for result in right.results:
        waiting.setdefault(result.value.strip(), []).append(result)
    for result in said.results:
        same = waiting.get(result.value.strip())
        if not same:
            given = f"{result.value} ({result.score:.2f})"
            yield Mistake("result spurious", result.value, given=given)
            continue
        own = same.pop(0)
        for aspect in ASPECTS:
            annotated, told = getattr(own, aspect), getattr(result, aspect)
            if annotated != (None if told is None else pairs.get(told, f"?{told}")):
                yield Mistake(
                    f"result with another {aspect}",
                    result.value,
                    annotated=f"{result.value}: {right_by_id[annotated].name if annotated else 'none'}",
                    given=f"{result.value}: {said_by_id[told].name if told else 'none'}",
                )
    for value, rest in sorted(waiting.items()):
        for _ in rest:
            yield Mistake("result missed", value, annotated=value)


def _page(
    papers: Mapping[str, Paper], gold: Mapping[str, Extraction], found: Mapping[str, Extraction], limit: int
) -> tuple[dict[str, Any], Summary]:
    """What the template shows."""
    wrong: dict[str, list[Mistake]] = {}
    totals: Counter[str] = Counter()
    examples: dict[str, Counter[str]] = {}
    for paper in sorted(gold):
        said = found.get(paper, Extraction(paper=paper))
        own = mistakes(gold[paper], said, papers[paper].text)
        if own:
            wrong[paper] = own
        for mistake in own:
            totals[mistake.kind] += 1
            examples.setdefault(mistake.kind, Counter())[mistake.words] += 1
    ordered = sorted(totals, key=lambda kind: (-totals[kind], kind))
    number_of = {kind: number for number, kind in enumerate(ordered, start=1)}
    shown = sorted(wrong, key=lambda paper: (-len(wrong[paper]), paper))[:limit]
    held = Counter(kind for paper in shown for kind in {mistake.kind for mistake in wrong[paper]})
    most = totals[ordered[0]] if ordered else 1
    kinds = [
        {
            "number": number_of[kind],
            "kind": kind,
            "count": totals[kind],
            "share": 100 * totals[kind] / totals.total(),
            "width": 100 * totals[kind] / most,
            "papers": held[kind],
            "examples": sorted(examples[kind].items(), key=lambda item: (-item[1], item[0]))[:_EXAMPLES],
        }
        for kind in ordered
    ]
    summary = Summary(mistakes=totals.total(), kinds=len(ordered), papers=len(gold), wrong=len(wrong), shown=len(shown))
    types = [(kind, ontology.load().types[kind].color) for kind in ENTITY_TYPES]
    articles = [
        _article(papers[p], gold[p], found.get(p, Extraction(paper=p)), wrong[p], number_of, place)
        for place, p in enumerate(shown, start=1)
    ]
    return {"kinds": kinds, "papers": articles, "types": types}, summary


def _article(
    paper: Paper,
    right: Extraction,
    said: Extraction,
    own: Sequence[Mistake],
    number_of: Mapping[str, int],
    place: int,
) -> dict[str, Any]:
    counts = count(right, said)
    in_gold = {mistake.gold: mistake for mistake in own if mistake.gold}
    in_found = {mistake.found: mistake for mistake in own if mistake.found}
    return {
        "place": place,
        "id": paper.id.removeprefix("paper:"),
        "title": paper.title,
        "link": _link(paper),
        "counts": [(line, counts[key]) for line, key in _HEADLINES],
        "kinds": sorted({number_of[mistake.kind] for mistake in own}),
        "mistakes": len(own),
        "gold": list(_pieces(paper.text, mention_owners(right), in_gold, number_of)),
        "found": list(_pieces(paper.text, mention_owners(said), in_found, number_of)),
        "others": [
            {
                "number": number_of[mistake.kind],
                "kind": mistake.kind,
                "words": mistake.words,
                "annotated": mistake.annotated,
                "given": mistake.given,
                "quote": mistake.quote,
            }
            for mistake in own
            if mistake.gold is None and mistake.found is None
        ],
    }


def _pieces(
    text: str,
    owners: Mapping[Span, tuple[str, str]],
    wrong: Mapping[Span, Mistake],
    number_of: Mapping[str, int],
) -> Iterator[dict[str, Any]]:
    """The text cut at the mentions; each piece says what it is, and what is wrong with it."""
    at = 0
    for start, end in sorted(owners):
        if at < start:
            yield {"text": text[at:start]}
        kind = owners[start, end][0]
        mistake = wrong.get((start, end))
        piece: dict[str, Any] = {"text": text[start:end], "type": kind}
        if mistake is not None:
            # "Task taken for Method" is said on the other side, too, where the label begins with "Method"
            said = mistake.kind.removeprefix(f"{kind} ")
            said = f"should be {said.partition(' taken for ')[0]}" if said == mistake.kind else said
            piece |= {"number": number_of[mistake.kind], "wrong": said, "kind": mistake.kind}
        yield piece
        at = end
    if at < len(text):
        yield {"text": text[at:]}


def _quoted(text: str, relation: Relation) -> str:
    if relation.start is None or relation.end is None:
        return ""
    words = text[relation.start : relation.end]
    return words if len(words) <= _QUOTED else f"{words[: _QUOTED - 1]}…"


def _link(paper: Paper) -> str | None:
    """Where the paper is, as far as the file says so."""
    if paper.url and urlsplit(paper.url).scheme in ("http", "https"):
        return paper.url
    if paper.arxiv_id:
        return f"https://arxiv.org/abs/{quote(paper.arxiv_id)}"
    return f"https://doi.org/{quote(paper.doi)}" if paper.doi else None


def _by_id(extraction: Extraction) -> dict[str, ExtractedEntity]:
    return {entity.id: entity for entity in extraction.entities}


#: What stands above each paper, and the line of the table that it is from.
_HEADLINES = (
    ("mentions", "mention strict, 5 types"),
    ("entities", "entity, same type and overlapping"),
    ("relations", "relation, typed"),
    ("results", "result value"),
)


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong: its kind, the words it is about, and where it stands in the text or what was said."""

    kind: str
    words: str
    gold: Span | None = None
    found: Span | None = None
    annotated: str | None = None
    given: str | None = None
    quote: str = ""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """How many mistakes of how many kinds; of the papers how many have any, and how many of these are shown."""

    mistakes: int
    kinds: int
    papers: int
    wrong: int
    shown: int
