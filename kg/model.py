"""The nouns of kg: papers, what one text says (extractions), what the corpus says (entities), errors.

Every offset is a half-open range of characters (Unicode code points) into `Paper.text`, which is the title, one
newline and the abstract. Every id is a CURIE (`paper:2402.13116`, `method:transformer`), the same string in Python,
Cypher, Turtle and URLs. Only the files of DESIGN section 3 write a paper's id without `paper:`.
What a graph has millions of has slots, to be small.

>>> paper = Paper(id="paper:1", title="On GLUE", abstract="We evaluate BERT on GLUE.")
>>> paper.text[paper.text.index("BERT") :]
'BERT on GLUE.'
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

#: What an entity of a paper can be, in the order of the legend; `ontology/kg.ttl` says the same, and a test compares.
ENTITY_TYPES = ("Method", "Task", "Dataset", "Metric", "Concept")
#: What a reported result may be tied to: fields of `Result`.
ASPECTS = ("method", "task", "dataset", "metric")

_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def digest(*fields: object) -> str:
    """SHA-256 of the fields in hexadecimal; a field is separated from the next, so `("ab", "c")` is not `("a", "bc")`.

    >>> digest("ab", "c")[:10]
    '9617c50635'
    """
    joined = "\x1f".join("" if field is None else str(field) for field in fields)
    return hashlib.sha256(joined.encode(errors="surrogatepass")).hexdigest()


def noisy_or(scores: Iterable[float]) -> float:
    """How sure several independent witnesses make us together: `1 - prod(1 - score)`; 0.0 without witnesses.

    >>> noisy_or([0.5, 0.5])
    0.75
    >>> noisy_or([]), noisy_or([1.0, 0.2])
    (0.0, 1.0)
    """
    return round(1.0 - math.prod(1.0 - score for score in sorted(scores)), 4)


def printable(text: str) -> str:
    r"""What an error says, with control characters and lone surrogates (bytes that are no UTF-8) written as escapes.

    >>> print(printable("no column a\x00b"))
    no column a\x00b
    """
    return _UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], text)


class KGError(Exception):
    """The root of all errors of kg: one line that says what is wrong, where, and what to do.

    Where the mistake is in a query, the line of the query and a mark below it follow.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class ReadError(KGError):
    """A file, or one record in it, cannot be read."""

    def __init__(self, reason: str, *, path: str | Path | None = None, line: int | None = None) -> None:
        where = "" if path is None else f"{path}:{line}: " if line is not None else f"{path}: "
        super().__init__(where + reason)
        self.reason, self.path, self.line = printable(reason), path, line


class OntologyError(KGError):
    """A type, predicate, id or vocabulary does not fit the ontology."""


class GraphError(KGError):
    """A graph directory is missing, damaged, locked or of another format."""


class ExportError(KGError):
    """A graph cannot be written: an unknown format, or a place that cannot be written to."""


class StoreError(KGError):
    """A store cannot be reached, refuses a query, or does not understand it."""


class MissingExtra(KGError):
    """A feature needs an optional package that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional package: pip install 'kg-papers[{extra}]'")


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A paper as read. `source` is the name of the format that it was read from."""

    id: str
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    year: int | None = None
    venue: str | None = None
    url: str | None = None
    doi: str | None = None
    arxiv_id: str | None = None
    keywords: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    source: str = ""

    @property
    def text(self) -> str:
        """Title, newline, abstract: what every offset refers to."""
        return f"{self.title}\n{self.abstract}"

    @property
    def content_hash(self) -> str:
        """SHA-256 of the text: a paper whose hash is unchanged is not extracted again."""
        return digest(self.text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mention:
    """A span of a paper's text that names something."""

    start: int
    end: int
    type: str
    score: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtractedEntity:
    """All mentions of one thing in one paper, and what it is to this paper (`role`)."""

    id: str
    type: str
    name: str
    mentions: tuple[Mention, ...]
    role: str
    score: float = 1.0
    role_score: float = 1.0
    canonical: str | None = None  # gold files only: the id that resolution should give


@dataclass(frozen=True, kw_only=True, slots=True)
class Relation:
    """`head predicate tail` between two extracted entities; `start`, `end` is the text that shows it, when known."""

    head: str
    predicate: str
    tail: str
    score: float = 1.0
    start: int | None = None
    end: int | None = None
    negated: bool = False
    hedged: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """A reported number as written; `method` … `metric` are ids of extracted entities, or None."""

    value: str
    unit: str | None = None
    method: str | None = None
    task: str | None = None
    dataset: str | None = None
    metric: str | None = None
    note: str | None = None
    start: int | None = None
    end: int | None = None
    score: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """All that one text says. Gold annotations are read into the same type, so scoring compares like with like."""

    paper: str
    entities: tuple[ExtractedEntity, ...] = ()
    relations: tuple[Relation, ...] = ()
    results: tuple[Result, ...] = ()
    model: str = ""


@dataclass(frozen=True, kw_only=True)
class Entity:
    """A canonical node. `broader` and `same_as` hold ids; `papers` counts the papers that name it."""

    id: str
    type: str
    name: str
    aliases: tuple[str, ...] = ()
    broader: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()
    papers: int = 0


@dataclass(frozen=True, kw_only=True, order=True, slots=True)
class Evidence:
    """Where a statement is said: characters `start` to `end` of the paper's text, by which extractor, how surely."""

    paper: str
    start: int
    end: int
    score: float
    extractor: str
    negated: bool = False
    hedged: bool = False


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A triple that papers state (or, if `negated`, deny), with all its evidence in sorted order.

    >>> ev = [Evidence(paper=p, start=0, end=1, score=0.5, extractor="x") for p in ("paper:1", "paper:1", "paper:2")]
    >>> s = Statement(subject="method:a", predicate="used_for", object="task:b", evidence=tuple(ev))
    >>> s.support, s.confidence
    (2, 0.75)
    """

    subject: str
    predicate: str
    object: str
    negated: bool = False
    evidence: tuple[Evidence, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, bool]:
        """What makes a statement this statement: the triple, and whether it is negated."""
        return (self.subject, self.predicate, self.object, self.negated)

    @property
    def id(self) -> str:
        return f"statement:{digest(*self.key)[:16]}"

    @cached_property
    def papers(self) -> tuple[str, ...]:
        """The papers that say it, sorted."""
        return tuple(sorted({evidence.paper for evidence in self.evidence}))

    @property
    def support(self) -> int:
        """How many papers say it."""
        return len(self.papers)

    @cached_property
    def confidence(self) -> float:
        """`1 - prod(1 - score)` over the papers, each with its best score (see `noisy_or`)."""
        best: dict[str, float] = {}
        for evidence in self.evidence:
            best[evidence.paper] = max(evidence.score, best.get(evidence.paper, 0.0))
        return noisy_or(best.values())


@dataclass(frozen=True, kw_only=True)
class ReportedResult:
    """A `Result` in the graph: `method` … `metric` are ids of canonical entities; `number` is the value parsed."""

    id: str
    paper: str
    value: str
    number: float | None = None
    unit: str | None = None
    method: str | None = None
    task: str | None = None
    dataset: str | None = None
    metric: str | None = None
    note: str | None = None
    start: int
    end: int
    score: float = 1.0


def evidence_id(statement: Statement, evidence: Evidence) -> str:
    """The id of one piece of evidence of a statement: `evidence:` and a hash of both."""
    return f"evidence:{digest(*statement.key, evidence.paper, evidence.start, evidence.end, evidence.extractor)[:16]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class EntityMention:
    """A mention in the graph: `extracted` is the entity's id in its extraction, `entity` the canonical node's."""

    paper: str
    extracted: str
    entity: str
    type: str
    start: int
    end: int
    text: str
    score: float = 1.0


@dataclass(frozen=True, kw_only=True, order=True, slots=True)
class Merge:
    """A name that was merged into a node: by which rule, how surely, decided by a rule or a person."""

    entity: str
    merged_name: str
    rule: str
    score: float
    decided_by: str = "rule"


@dataclass(frozen=True, kw_only=True, order=True, slots=True)
class CatalogueLink:
    """A node's counterpart in a catalogue of others: which of its names is which name there, by which rule.

    `match` is `exact` (`skos:exactMatch`) or `close` (`skos:closeMatch`), `target` the address in the catalogue.
    """

    entity: str
    target: str
    match: str
    score: float
    rule: str
    name: str
    label: str
    catalogue: str

    @property
    def reason(self) -> str:
        """Why, in words.

        >>> said = {"rule": "plural", "name": "GANs", "label": "GAN", "catalogue": "cso"}
        >>> CatalogueLink(entity="method:gan", target="https://x.org/gan", match="exact", score=0.96, **said).reason
        "plural: 'GANs' is called 'GAN' in cso"
        """
        return f"{self.rule}: {self.name!r} is called {self.label!r} in {self.catalogue}"


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """What a resolver decides: the nodes, the node of each (paper, extracted entity id), and why.

    An extracted entity that must not become a node (a generic word) has no assignment.
    """

    entities: tuple[Entity, ...]
    assignments: Mapping[tuple[str, str], str]
    merges: tuple[Merge, ...] = ()
