"""The hand-made graph of the golden files: three papers with all that is hard to write in one syntax or another."""

from __future__ import annotations

from kg.graph import Graph
from kg.model import CatalogueLink, Entity, EntityMention, Evidence, Paper, ReportedResult, Statement

NASTY = "Quotes \"double\" 'single' \\ back\\slash \t tab <script>alert(1)</script> & ]]> \u202eRTL\u202c \u200f 🤖 é"

ODD = Paper(
    id="paper:10.1000/<x> y",
    title=NASTY,
    abstract="First line.\nSecond line uses BERT,\r\nwhich may not beat \x00GPT\x1b on GLUE by 5.0 %. \ud800 ends.",
    authors=("Ada Lovelace", "李明", 'O\'Neil, "Bob"'),
    year=1999,
    venue='Journal of "Odd" Things',
    url="https://example.org/a b?q=1|2",
    doi="10.1000/<x> y",
    keywords=("graphs", 'a "b"'),
    cites=("paper:2402.13116", "paper:elsewhere"),
    source="bibtex",
)
PLAIN = Paper(
    id="paper:2402.13116",
    title="BERT and GPT compared",
    abstract="We compare BERT with GPT. BERT does not outperform GPT. BERT may exhibit overfitting.",
    authors=("Ada Lovelace",),
    year=2024,
    arxiv_id="2402.13116",
    url="see the printed volume",
    source="arxiv",
)
BARE = Paper(id="paper:-.~odd'(id)*+,;=/?#@%41.", title="No abstract")

ENTITIES = (
    Entity(id="concept:4ffef8f311", type="Concept", name="注意", papers=1),
    Entity(id="concept:overfitting", type="Concept", name="Overfitting", papers=1),
    Entity(id="dataset:glue", type="Dataset", name="GLUE", papers=1, same_as=("wd:Q1", "https://example.org/g l")),
    Entity(
        id="method:bert",
        type="Method",
        name="BERT",
        aliases=("Bert", 'BERT "large"', NASTY),
        broader=("method:transformer",),
        same_as=("somewhere else",),
        papers=2,
    ),
    Entity(id="method:gpt", type="Method", name="GPT", papers=2),
    Entity(id="method:transformer", type="Method", name="Transformer", papers=1),
    Entity(id="metric:accuracy", type="Metric", name="Accuracy", papers=1),
    Entity(id="task:nli", type="Task", name="Natural Language Inference", papers=1),
)


LINKS = (
    CatalogueLink(
        entity="method:bert", target="https://example.org/a|b", match="close", score=0.855, rule="exact",
        name='BERT "large"', label="Bert <b>", catalogue="else where",
    ),
    CatalogueLink(
        entity="task:nli", target="https://example.org/nli", match="exact", score=0.98, rule="case",
        name="Natural Language Inference", label="natural language inference", catalogue="cso",
    ),
)  # fmt: skip
#: What an earlier build called nodes.
FORMER = {"method:bert-model": "method:bert", "paper:10.1000/old": ODD.id}


def seen(paper: Paper, words: str, score: float, *, hedged: bool = False, negated: bool = False) -> Evidence:
    """Evidence at the first place of `words` in the paper."""
    start = paper.text.index(words)
    return Evidence(
        paper=paper.id,
        start=start,
        end=start + len(words),
        score=score,
        extractor='kg "0.1"',
        hedged=hedged,
        negated=negated,
    )


def statement(subject: str, predicate: str, obj: str, *evidence: Evidence) -> Statement:
    """A statement with its evidence in order; negated when its evidence is."""
    negated = any(one.negated for one in evidence)
    return Statement(
        subject=subject, predicate=predicate, object=obj, negated=negated, evidence=tuple(sorted(evidence))
    )


def golden_graph() -> Graph:
    """Negated and hedged statements, one that is said and denied, two papers that say the same, results."""
    statements = (
        statement("method:bert", "compared_with", "method:gpt", seen(PLAIN, "compare BERT with GPT", 0.9)),
        statement("method:bert", "exhibits", "concept:overfitting", seen(PLAIN, "exhibit", 0.4, hedged=True)),
        statement(
            "method:bert",
            "outperforms",
            "method:gpt",
            seen(PLAIN, "BERT does not outperform GPT", 0.75, negated=True),
            seen(ODD, "may not beat \x00GPT\x1b", 0.5, hedged=True, negated=True),
        ),
        statement("method:bert", "outperforms", "method:gpt", seen(ODD, "beat", 0.1)),
        statement("method:gpt", "outperforms", "method:transformer", seen(PLAIN, "not", 0.3, negated=True)),
        statement("method:bert", "subtype_of", "method:transformer", seen(ODD, "BERT", 1.0)),
        statement("method:bert", "used_for", "task:nli", seen(ODD, "uses BERT", 0.6), seen(PLAIN, "BERT", 0.6)),
        statement(BARE.id, "mentions", "concept:4ffef8f311", seen(BARE, "No abstract", 0.3)),
        statement(ODD.id, "evaluates_on", "dataset:glue", seen(ODD, "GLUE", 0.8)),
        statement(ODD.id, "reports", "metric:accuracy", seen(ODD, "5.0 %", 0.5)),
        statement(ODD.id, "uses", "method:bert", seen(ODD, "BERT", 0.95), seen(ODD, "uses BERT", 0.9)),
        statement(PLAIN.id, "addresses", "task:nli", seen(PLAIN, "compare", 0.2)),
        statement(PLAIN.id, "mentions", "method:transformer", seen(PLAIN, "may", 0.2)),
        statement(PLAIN.id, "studies", "method:bert", seen(PLAIN, "BERT", 0.9999)),
        statement(PLAIN.id, "studies", "method:gpt", seen(PLAIN, "GPT", 0.9)),
    )
    start = ODD.text.index("5.0 %")
    results = (
        ReportedResult(
            id="result:0123456789abcdef",
            paper=ODD.id,
            value="5.0 %",
            number=5.0,
            unit="percent",
            method="method:bert",
            task="task:nli",
            dataset="dataset:glue",
            metric="metric:accuracy",
            note='gain over "state of the art"\n',
            start=start,
            end=start + 5,
            score=0.7,
        ),
        ReportedResult(id="result:fedcba9876543210", paper=PLAIN.id, value="two", start=0, end=4, score=0.2),
    )
    mention = EntityMention(
        paper=PLAIN.id, extracted="e1", entity="method:bert", type="Method", start=0, end=4, text="BERT"
    )
    return Graph(
        papers=tuple(sorted((ODD, PLAIN, BARE), key=lambda paper: paper.id)),
        entities=ENTITIES,
        statements=tuple(sorted(statements, key=lambda one: one.key)),
        results=results,
        mentions=(mention,),
        catalogue_links=LINKS,
    )
