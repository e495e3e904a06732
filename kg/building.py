"""From papers to a graph: read, extract what is new, resolve, assemble, and keep it in a graph directory.

The module is not called `build`, because `kg.build` is the function that this package exports.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     _ = Path(folder, "papers.jsonl").write_text('{"id": "1", "title": "On GLUE", "abstract": "BERT wins."}')
...     bert = '{"id": "e1", "type": "Method", "name": "BERT", "surfaces": ["BERT"], "role": "studies"}'
...     _ = Path(folder, "made.jsonl").write_text('{"id": "1", "entities": [%s]}' % bert)
...     graph = build(f"{folder}/papers.jsonl", extractions=f"{folder}/made.jsonl")
>>> [(s.subject, s.predicate, s.object) for s in graph.statements]
[('paper:1', 'studies', 'method:bert')]
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, partial
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType

from kg import directory as directories
from kg import linking, unfinished
from kg.directory import State, StoredExtraction, StoredRecord
from kg.extract import extract, model_version
from kg.extract.annotations import from_json, read_extractions, to_json
from kg.find import resolve_name
from kg.graph import Graph, above, assemble
from kg.model import Extraction, GraphError, Paper, ReadError
from kg.read import ReadReport
from kg.read.corpus import Group, read_groups, record_of, regroup
from kg.resolve import Concept, Decision, Resolver, Rules, Vocabulary, decisions, load_vocabulary
from kg.resolve import rules as resolution_rules
from kg.resolve.vocabulary import read_concepts, write_jsonl

logger = logging.getLogger(__name__)

#: The user's own concepts, in a graph directory.
VOCABULARY = "vocabulary.jsonl"

#: Told now and then: what is being done (read, extract, resolve, save), how much is done, of how much (0: unknown).
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class BuildReport:
    """What a build did: records read, papers extracted and re-used, and the graph that came out."""

    graph: Graph
    directory: Path | None = None
    read: int = 0
    duplicates: int = 0
    skipped: tuple[ReadError, ...] = ()
    extracted: int = 0
    given: int = 0
    reused: int = 0
    removed: int = 0
    without_extraction: int = 0
    min_confidence: float = 0.0

    @property
    def counts(self) -> dict[str, int]:
        """All counts by name, for people and machines."""
        return {
            "read": self.read,
            "duplicates": self.duplicates,
            "skipped": len(self.skipped),
            "extracted": self.extracted,
            "given": self.given,
            "reused": self.reused,
            "removed": self.removed,
            "without_extraction": self.without_extraction,
            "papers": len(self.graph.papers),
            "entities": len(self.graph.entities),
            "statements": len(self.graph.statements),
            "results": len(self.graph.results),
        }


@dataclass(frozen=True, kw_only=True)
class _Corpus:
    """All papers by id, what they were made of, and what papers of earlier builds are called now if otherwise."""

    papers: Mapping[str, Paper]
    records: tuple[StoredRecord, ...]
    renamed: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class _Choices:
    """What people chose for a graph: concepts of their own, rules, decisions, catalogues, how sure all has to be."""

    vocabulary: tuple[Concept, ...]
    rules: Rules
    decisions: tuple[Decision, ...]
    catalogues: linking.Catalogues
    min_confidence: float


def build(
    inputs: str | Path | Sequence[str | Path],
    *,
    output: str | Path | None = None,
    format: str | None = None,  # noqa: A002 - the name of the option
    mapping: Mapping[str, str] = MappingProxyType({}),
    clean: bool | None = None,
    strict: bool = False,
    extractions: str | Path | None = None,
    jobs: int = 1,
    replace: bool = False,
    vocabulary: Sequence[str | Path] = (),
    rules: str | Path | None = None,
    min_confidence: float | None = None,
    model: str | Path | None = None,
    progress: Progress | None = None,
) -> Graph:
    """The graph of papers: one path or several, in memory, or kept in the graph directory `output`.

    A directory that holds a graph is added to: papers whose text did not change are not extracted again; with
    `replace` it starts anew. `extractions` is a file of extractions to take in place of our own; `vocabulary` are files
    of concepts of your own, `rules` one of limits and of names that are never one, which the directory remembers. It
    also remembers `min_confidence`: what is less sure is left out of the graph, 0 takes it back. What people decided
    (`kg.curate`) is obeyed. `model` is the folder of a trained model to extract with in place of kg's; another than
    last time extracts all papers again.

    Without `inputs` the papers that `output` has are put together again.
    """
    return run(
        inputs,
        output=output,
        format=format,
        mapping=mapping,
        clean=clean,
        strict=strict,
        extractions=extractions,
        jobs=jobs,
        replace=replace,
        vocabulary=vocabulary,
        rules=rules,
        min_confidence=min_confidence,
        model=model,
        progress=progress,
    ).graph


def run(
    inputs: str | Path | Sequence[str | Path],
    *,
    output: str | Path | None = None,
    format: str | None = None,  # noqa: A002 - the name of the option
    mapping: Mapping[str, str] = MappingProxyType({}),
    clean: bool | None = None,
    strict: bool = False,
    extractions: str | Path | None = None,
    jobs: int = 1,
    replace: bool = False,
    vocabulary: Sequence[str | Path] = (),
    rules: str | Path | None = None,
    min_confidence: float | None = None,
    model: str | Path | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """As `build`, and what was done besides."""
    tell = progress or _tell_nobody
    paths = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    folder = None if output is None else Path(output)
    _check_apart(paths, folder)
    if min_confidence is not None and not 0 <= min_confidence <= 1:
        raise GraphError(f"min_confidence is {min_confidence}: give a number from 0 to 1")
    if not paths and (folder is None or replace or not directories.holds_graph(folder)):
        raise GraphError("no papers: name a file or a folder to read")
    with nullcontext() if folder is None else directories.writing(folder):
        old = State() if folder is None or replace or not directories.holds_graph(folder) else directories.load(folder)
        choices = _choices(
            folder, old, vocabulary=vocabulary, rules=rules, min_confidence=min_confidence, replace=replace
        )
        report = ReadReport()
        tell("read", 0, 0)
        groups = (
            read_groups(
                paths,
                format=format,
                mapping=mapping,
                clean=clean,
                strict=strict,
                report=report,
                known=_records(old),
                keep_records=folder is not None,
            )
            if paths
            else regroup(_records(old))
        )
        corpus = _corpus(groups, old)
        papers = corpus.papers
        if extractions is None:
            made_by = model_version(model)
            stored = _kept(old, corpus, made_by)
            make = partial(extract, model=model, jobs=jobs)
            new = _extracted([p for p in papers.values() if p.id not in stored], make, made_by, folder, tell)
        else:
            made_by = old.model or model_version(model)
            stored = _kept(old, corpus, old.model)
            merged = {name: papers[paper] for name, paper in report.aliases.items() if paper in papers}
            new = read_extractions(extractions, {**merged, **papers})
        made = {extraction.paper: _stored(extraction, papers) for extraction in new}
        added = {paper: extraction for paper, extraction in made.items() if stored.get(paper) != extraction}
        reused = len(stored.keys() - added.keys())
        stored.update(added)
        state = _assembled(corpus, stored, old, made_by, choices, tell)
        if folder is not None:
            tell("save", 0, 0)
            if vocabulary:
                write_jsonl(choices.vocabulary, folder / VOCABULARY)
            elif not choices.vocabulary:
                (folder / VOCABULARY).unlink(missing_ok=True)
            if rules is not None and Path(rules).resolve() != (folder / resolution_rules.FILE).resolve():
                resolution_rules.remember(folder, rules)
            elif rules is None and replace:
                (folder / resolution_rules.FILE).unlink(missing_ok=True)
            if replace:
                linking.remember(folder, {})
            directories.replace(folder, state)
            unfinished.forget(folder)
    return BuildReport(
        graph=state.graph,
        directory=folder,
        read=report.read,
        duplicates=report.duplicates,
        skipped=tuple(report.skipped),
        extracted=0 if extractions else len(added),
        given=len(added) if extractions else 0,
        reused=reused,
        without_extraction=len(papers.keys() - stored.keys()),
        min_confidence=state.min_confidence,
    )


def remove(directory: str | Path, papers: Sequence[str], *, progress: Progress | None = None) -> BuildReport:
    """Take papers, named by id or whole title, out of a graph directory; the rest is resolved again."""
    folder = Path(directory)
    directories.manifest(folder)  # no folder is made where there is no graph
    with directories.writing(folder):
        old = directories.load(folder)
        gone = {resolve_name(old.graph, paper, types=("Paper",), whole=True) for paper in papers}
        corpus = _corpus(regroup(_records(old, without=gone)), old)
        stored = _kept(old, corpus, old.model)
        state = _assembled(corpus, stored, old, old.model, _choices(folder, old), progress or _tell_nobody)
        directories.replace(folder, state)
    return BuildReport(
        graph=state.graph,
        directory=folder,
        reused=len(stored),
        removed=len(gone),
        without_extraction=len(corpus.papers.keys() - stored.keys()),
        min_confidence=state.min_confidence,
    )


def decide(directory: str | Path, decision: Decision, *, dry_run: bool = False) -> tuple[Graph, Graph, dict[str, str]]:
    """Add a decision to a graph directory and resolve again: the graph before, after, and what ids became.

    With `dry_run`, or where it changes nothing, all stays as it is.
    """
    folder = Path(directory)
    directories.manifest(folder)
    with directories.writing(folder):
        old = directories.load(folder)
        corpus = _corpus(regroup(_records(old)), old)
        stored = _kept(old, corpus, old.model)
        choices = _choices(folder, old)
        choices = dataclasses.replace(choices, decisions=(*choices.decisions, decision))
        state = _assembled(corpus, stored, old, old.model, choices, _tell_nobody)
        if not dry_run and state.graph != old.graph:
            decisions.append(folder, decision)
            directories.replace(folder, state)
    return old.graph, state.graph, dict(state.redirects)


def link(
    directory: str | Path, catalogues: linking.Catalogues, *, without: Collection[str] = (), dry_run: bool = False
) -> tuple[Graph, Graph, tuple[str, ...]]:
    """Link a graph directory to more catalogues (one of a known name replaces it), and to those `without` no longer.

    Returns the graph before, after, and the nodes that two entries of one catalogue fit equally well. The directory
    remembers the catalogues, and each later build links anew. With `dry_run` all stays as it is.
    """
    folder = Path(directory)
    directories.manifest(folder)
    with directories.writing(folder):
        old = directories.load(folder)
        all_of_them = {**linking.remembered(folder), **catalogues}
        kept = {name: entries for name, entries in all_of_them.items() if name not in without}
        linked = linking.links(old.graph.entities, kept)
        graph = dataclasses.replace(old.graph, catalogue_links=linked.found)
        if not dry_run:
            linking.remember(folder, kept)
            if graph != old.graph:
                directories.replace(folder, dataclasses.replace(old, graph=graph))
    return old.graph, graph, linked.ambiguous


def _choices(
    folder: Path | None,
    old: State,
    *,
    vocabulary: Sequence[str | Path] = (),
    rules: str | Path | None = None,
    min_confidence: float | None = None,
    replace: bool = False,
) -> _Choices:
    """What people chose: what is given here, or, where nothing is, what the directory remembers.

    With `replace` only decisions are remembered.
    """
    kept = None if replace else folder
    if not vocabulary and kept is not None and (kept / VOCABULARY).exists():
        vocabulary = [kept / VOCABULARY]
    source = kept if rules is None else rules
    return _Choices(
        vocabulary=tuple(concept for path in vocabulary for concept in read_concepts(path)),
        rules=Rules() if source is None else resolution_rules.read(source),
        decisions=() if folder is None else decisions.read(folder),
        catalogues={} if kept is None else linking.remembered(kept),
        min_confidence=old.min_confidence if min_confidence is None else min_confidence,
    )


def _check_apart(inputs: Iterable[str | Path], output: Path | None) -> None:
    """Refuse to read what this build would write over."""
    if output is None:
        return
    there = output.resolve()
    for name in inputs:
        path = Path(name).resolve()
        if str(name) != "-" and (path == there or (path.parent == there and directories.is_ours(path.name))):
            raise GraphError(f"{name}: belongs to the graph directory that is to be written: name another with -o")


def _tell_nobody(stage: str, done: int, total: int) -> None:
    """Where nobody wants to know."""


def _records(old: State, *, without: Collection[str] = ()) -> Iterator[str]:
    """What the papers of earlier builds were made of; a paper whose records are lost is its own record."""
    found = set()
    for stored in old.records:
        found.add(stored.paper)
        if stored.paper not in without:
            yield stored.record
    for paper in old.graph.papers:
        if paper.id not in found and paper.id not in without:
            yield record_of(paper)


def _corpus(groups: Iterable[Group], old: State) -> _Corpus:
    former = {stored.record: stored.paper for stored in old.records}
    known = {paper.id for paper in old.graph.papers}
    papers, records, renamed = {}, [], {}
    for group in groups:
        papers[group.paper.id] = group.paper
        for record in group.records:
            records.append(StoredRecord(paper=group.paper.id, record=record))
            if record in former and former[record] != group.paper.id:
                renamed[former[record]] = group.paper.id
    return _Corpus(
        papers=dict(sorted(papers.items())),
        records=tuple(sorted(records, key=attrgetter("paper", "record"))),
        renamed={old_id: new for old_id, new in sorted(renamed.items()) if old_id in known and old_id not in papers},
    )


def _kept(old: State, corpus: _Corpus, model: str) -> dict[str, StoredExtraction]:
    """The extractions of papers whose text is as it was, by paper.

    Those of our own extractor are kept only when it is still the same; those that were given (gold, corrected by
    hand, of another tool) stay.
    """
    text = {paper.id: paper.content_hash for paper in old.graph.papers}
    kept = {}
    for stored in old.extractions:
        identifier = corpus.renamed.get(stored.paper, stored.paper)
        paper = corpus.papers.get(identifier)
        ours = stored.model == old.model
        if paper is None or paper.content_hash != text[stored.paper] or (ours and model != old.model):
            continue
        if identifier == stored.paper:
            kept[identifier] = stored
        else:
            content = {**json.loads(stored.json), "id": identifier.removeprefix("paper:")}
            kept[identifier] = StoredExtraction(paper=identifier, model=stored.model, json=_dumps(content))
    return kept


def _extracted(
    papers: Sequence[Paper], make: unfinished.Extract, model: str, folder: Path | None, tell: Progress
) -> Iterator[Extraction]:
    """Our own extractions; without papers, the model is not even loaded. A build that was cut off is gone on with."""
    if not papers:
        return
    made = make(papers) if folder is None else unfinished.kept(folder, papers, model, make)
    tell("extract", 0, len(papers))
    for number, extraction in enumerate(made, start=1):
        tell("extract", number, len(papers))
        yield extraction


def _stored(extraction: Extraction, papers: Mapping[str, Paper]) -> StoredExtraction:
    content = _dumps(to_json(extraction, papers[extraction.paper].text))
    try:
        content.encode()
    except UnicodeEncodeError as error:
        raise ReadError(f"{extraction.paper}: its extraction holds half a character, which no file can hold") from error
    return StoredExtraction(paper=extraction.paper, model=extraction.model, json=content)


def _dumps(content: object) -> str:
    return json.dumps(content, ensure_ascii=False)


def _assembled(
    corpus: _Corpus,
    stored: Mapping[str, StoredExtraction],
    old: State,
    model: str,
    choices: _Choices,
    tell: Progress,
) -> State:
    """The new state: everything is resolved together, from the extractions as kept, so that no history matters.

    What is less sure than `min_confidence` is cut twice: weak mentions before names are resolved, so that they make no
    nodes; weak statements after it, since papers that say the same make each other surer.
    """
    papers, own, rules, least = corpus.papers, choices.vocabulary, choices.rules, choices.min_confidence
    tell("resolve", 0, 0)
    ordered = tuple(stored[paper] for paper in sorted(stored))
    extractions = [sure_part(from_json(json.loads(k.json), papers[k.paper]), least) for k in ordered]
    vocabulary = Vocabulary.of(_vocabulary().concepts.values(), own) if own else _vocabulary()
    resolution = Resolver(vocabulary, choices.decisions, rules.thresholds, rules.never).resolve(papers, extractions)
    graph = assemble(papers.values(), decisions.adapt(extractions, resolution), resolution)
    names = {entity.id: entity.name for entity in graph.entities}
    unwanted = decisions.dropped(graph.statements, names, choices.decisions)
    if unwanted:
        left = tuple(statement for statement in graph.statements if statement.key not in unwanted)
        graph = dataclasses.replace(graph, statements=left)
    if least > 0:
        graph = above(graph, least)
    if choices.catalogues:
        graph = dataclasses.replace(graph, catalogue_links=linking.links(graph.entities, choices.catalogues).found)
    return State(
        graph=graph,
        extractions=ordered,
        redirects=_redirects(old, graph, corpus.renamed),
        records=corpus.records,
        model=model,
        vocabulary=vocabulary.hash,
        min_confidence=least,
    )


def sure_part(extraction: Extraction, min_confidence: float) -> Extraction:
    """What an extraction says so surely: no weaker mentions or results, and nothing about entities without mentions.

    Relations stay whatever their score is: other papers may say the same.

    >>> sure_part(Extraction(paper="paper:1"), 0.5)
    Extraction(paper='paper:1', entities=(), relations=(), results=(), model='')
    """
    if min_confidence <= 0:
        return extraction
    entities = []
    for entity in extraction.entities:
        mentions = tuple(mention for mention in entity.mentions if mention.score >= min_confidence)
        if mentions or not entity.mentions:
            entities.append(dataclasses.replace(entity, mentions=mentions))
    left = {entity.id for entity in entities}
    results = []
    for result in extraction.results:
        if result.score >= min_confidence:
            method, task, dataset, metric = (
                entity if entity in left else None
                for entity in (result.method, result.task, result.dataset, result.metric)
            )
            results.append(dataclasses.replace(result, method=method, task=task, dataset=dataset, metric=metric))
    return dataclasses.replace(
        extraction,
        entities=tuple(entities),
        relations=tuple(relation for relation in extraction.relations if {relation.head, relation.tail} <= left),
        results=tuple(results),
    )


@cache
def _vocabulary() -> Vocabulary:
    return load_vocabulary()


def _redirects(old: State, graph: Graph, renamed: Mapping[str, str]) -> dict[str, str]:
    """Where the ids of earlier builds lead: to the node that holds most of what the former node held.

    What a node holds are the entities of papers whose text is as it was, found again by their places in it, since
    another extraction may number them otherwise.
    """
    today = {entity.id for entity in graph.entities} | {paper.id for paper in graph.papers}
    moved = {former: paper for former, paper in renamed.items() if former not in today}
    gone = {entity.id for entity in old.graph.entities if entity.id not in today}
    if gone:
        before = {renamed.get(paper.id, paper.id): paper.content_hash for paper in old.graph.papers}
        same_text = {paper.id for paper in graph.papers if before.get(paper.id) == paper.content_hash}
        node_at = {(m.paper, m.start, m.end): m.entity for m in graph.mentions if m.paper in same_text}
        votes: dict[str, Counter[str]] = {}
        counted = set()
        for mention in old.graph.mentions:
            paper = renamed.get(mention.paper, mention.paper)
            node = node_at.get((paper, mention.start, mention.end))
            vote = (mention.entity, paper, mention.extracted, node)
            if mention.entity in gone and node is not None and vote not in counted:
                counted.add(vote)
                votes.setdefault(mention.entity, Counter())[node] += 1
        moved.update((former, min(nodes, key=lambda n: (-nodes[n], n))) for former, nodes in votes.items())
    leads = {former: moved.get(target, target) for former, target in {**old.redirects, **moved}.items()}
    return {former: target for former, target in leads.items() if former not in today and target in today}
