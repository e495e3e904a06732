"""A graph of seven invented papers that holds every kind of node, statement and oddity, with true offsets."""

from __future__ import annotations

from kg.graph import Graph
from kg.model import Entity, Evidence, Paper, ReportedResult, Statement

WEIRD_NAME = 'A "quote", a \\backslash, a\nnewline, <script>alert(1)</script>, \u202eright to left, 注意, 🤖, $x^2$'

PAPERS = (
    Paper(
        id="paper:bert",
        title="BERT for question answering",
        abstract="We introduce BERT, a masked language model. On SQuAD, BERT reaches 93.2 F1. "
        "A masked language model is a language model.",
        authors=("Ada Byron", "Grace Hopper"),
        year=2018,
        venue="NAACL",
        doi="10.1000/bert",
        arxiv_id="1810.04805",
        url="https://example.org/bert",
        keywords=("language models", "reading"),
        source="bibtex",
    ),
    Paper(
        id="paper:roberta",
        title="RoBERTa trains longer",
        abstract="RoBERTa is based on BERT. RoBERTa outperforms BERT on SQuAD with 94.6 F1.",
        authors=("Grace Hopper",),
        year=2019,
        venue="NAACL",
        cites=("paper:bert", "paper:elsewhere"),
        source="bibtex",
    ),
    Paper(
        id="paper:distil",
        title="DistilBERT is small",
        abstract="DistilBERT is based on BERT. It does not outperform BERT on SQuAD. It may suffer from forgetting.",
        authors=("Alan Turing",),
        year=2020,
        venue="EMNLP",
        cites=("paper:bert",),
    ),
    Paper(
        id="paper:look",
        title="A critical look at RoBERTa",
        abstract="We compare RoBERTa and BERT. RoBERTa does not outperform BERT. Forgetting is studied, too.",
        authors=("Alan Turing", "Ada Byron"),
        year=2020,
        cites=("paper:bert", "paper:roberta"),
    ),
    Paper(
        id="paper:tiny",
        title="TinyBERT from DistilBERT",
        abstract="TinyBERT is based on DistilBERT. BERT outperforms RoBERTa here. SQuAD is a benchmark for "
        "question answering, measured by F1. Attention is part of BERT.",
        year=2021,
        cites=("paper:distil",),
    ),
    Paper(id="paper:weird", title=f"On {WEIRD_NAME}", abstract="", year=None),
    Paper(id="paper:alone", title="A paper that names nothing", abstract="Nothing at all.", year=2021),
)

ENTITIES = (
    Entity(id="concept:forgetting", type="Concept", name="Forgetting", papers=2),
    Entity(id="concept:weird", type="Concept", name=WEIRD_NAME, aliases=("odd", "so'odd\\"), papers=1),
    Entity(id="dataset:squad", type="Dataset", name="SQuAD", aliases=("Stanford QA",), papers=4),
    Entity(id="method:attention", type="Method", name="Attention", papers=1),
    Entity(id="method:bert", type="Method", name="BERT", same_as=("wd:Q61726893",), papers=5),
    Entity(id="method:distilbert", type="Method", name="DistilBERT", papers=2),
    Entity(id="method:language-model", type="Method", name="Language Model", aliases=("LM",), papers=1),
    Entity(id="method:masked-language-model", type="Method", name="Masked Language Model", aliases=("MLM",), papers=1),
    Entity(id="method:roberta", type="Method", name="RoBERTa", papers=3),
    Entity(id="method:tinybert", type="Method", name="TinyBERT", papers=1),
    Entity(id="metric:f1", type="Metric", name="F1", papers=3),
    Entity(id="task:question-answering", type="Task", name="Question Answering", aliases=("QA",), papers=2),
)

# paper, subject, predicate, object, the words that show it, score; `not` and `may` mark negated and hedged.
_SAID = (
    ("bert", "paper:bert", "introduces", "method:bert", "BERT", 0.9, ""),
    ("bert", "paper:bert", "uses", "method:masked-language-model", "masked language model", 0.8, ""),
    ("bert", "paper:bert", "mentions", "method:language-model", "language model", 0.6, ""),
    ("bert", "paper:bert", "addresses", "task:question-answering", "question answering", 0.9, ""),
    ("bert", "paper:bert", "evaluates_on", "dataset:squad", "SQuAD", 0.9, ""),
    ("bert", "paper:bert", "reports", "metric:f1", "F1", 0.9, ""),
    ("bert", "method:bert", "subtype_of", "method:masked-language-model", "BERT, a masked language model", 0.8, ""),
    (
        "bert",
        "method:masked-language-model",
        "subtype_of",
        "method:language-model",
        "A masked language model is a language model",
        0.7,
        "",
    ),
    ("bert", "method:bert", "evaluated_on", "dataset:squad", "On SQuAD, BERT", 0.9, ""),
    ("bert", "method:bert", "used_for", "task:question-answering", "BERT for question answering", 0.9, ""),
    ("roberta", "paper:roberta", "introduces", "method:roberta", "RoBERTa", 0.9, ""),
    ("roberta", "paper:roberta", "uses", "method:bert", "BERT", 0.7, ""),
    ("roberta", "paper:roberta", "evaluates_on", "dataset:squad", "SQuAD", 0.8, ""),
    ("roberta", "paper:roberta", "reports", "metric:f1", "F1", 0.8, ""),
    ("roberta", "method:roberta", "based_on", "method:bert", "RoBERTa is based on BERT", 0.9, ""),
    ("roberta", "method:roberta", "outperforms", "method:bert", "RoBERTa outperforms BERT", 0.9, ""),
    ("roberta", "method:roberta", "evaluated_on", "dataset:squad", "RoBERTa outperforms BERT on SQuAD", 0.8, ""),
    ("distil", "paper:distil", "introduces", "method:distilbert", "DistilBERT", 0.9, ""),
    ("distil", "paper:distil", "uses", "method:bert", "BERT", 0.7, ""),
    ("distil", "paper:distil", "mentions", "concept:forgetting", "forgetting", 0.5, ""),
    ("distil", "method:distilbert", "based_on", "method:bert", "DistilBERT is based on BERT", 0.8, ""),
    ("distil", "method:distilbert", "outperforms", "method:bert", "It does not outperform BERT", 0.7, "not"),
    ("distil", "method:distilbert", "exhibits", "concept:forgetting", "It may suffer from forgetting", 0.5, "may"),
    ("look", "paper:look", "compares", "method:roberta", "RoBERTa", 0.8, ""),
    ("look", "paper:look", "compares", "method:bert", "BERT", 0.8, ""),
    ("look", "paper:look", "studies", "concept:forgetting", "Forgetting", 0.6, ""),
    ("look", "method:roberta", "compared_with", "method:bert", "We compare RoBERTa and BERT", 0.8, ""),
    ("look", "method:roberta", "outperforms", "method:bert", "RoBERTa does not outperform BERT", 0.8, "not"),
    ("tiny", "paper:tiny", "introduces", "method:tinybert", "TinyBERT", 0.9, ""),
    ("tiny", "paper:tiny", "uses", "method:distilbert", "DistilBERT", 0.8, ""),
    ("tiny", "paper:tiny", "uses", "method:attention", "Attention", 0.5, ""),
    ("tiny", "paper:tiny", "mentions", "method:bert", "BERT outperforms", 0.5, ""),
    ("tiny", "paper:tiny", "mentions", "method:roberta", "RoBERTa", 0.5, ""),
    ("tiny", "paper:tiny", "evaluates_on", "dataset:squad", "SQuAD", 0.6, ""),
    ("tiny", "paper:tiny", "addresses", "task:question-answering", "question answering", 0.7, ""),
    ("tiny", "paper:tiny", "reports", "metric:f1", "F1", 0.7, ""),
    ("tiny", "method:tinybert", "based_on", "method:distilbert", "TinyBERT is based on DistilBERT", 0.9, ""),
    ("tiny", "method:bert", "outperforms", "method:roberta", "BERT outperforms RoBERTa here", 0.6, ""),
    ("tiny", "method:attention", "part_of", "method:bert", "Attention is part of BERT", 0.8, ""),
    (
        "tiny",
        "dataset:squad",
        "benchmark_for",
        "task:question-answering",
        "SQuAD is a benchmark for question answering",
        0.8,
        "",
    ),
    (
        "tiny",
        "task:question-answering",
        "measured_by",
        "metric:f1",
        "question answering, measured by F1",
        0.7,
        "",
    ),
    ("tiny", "method:tinybert", "used_for", "task:question-answering", "TinyBERT is based", 0.4, ""),
    ("weird", "paper:weird", "introduces", "concept:weird", WEIRD_NAME, 0.3, ""),
    ("distil", "method:bert", "evaluated_on", "dataset:squad", "BERT on SQuAD", 0.5, ""),
)


def small_graph() -> Graph:
    """The graph; every call gives an equal one."""
    paper_by_id = {paper.id: paper for paper in PAPERS}
    evidence: dict[tuple[str, str, str, bool], list[Evidence]] = {}
    for paper, subject, predicate, obj, words, score, mark in _SAID:
        identifier = f"paper:{paper}"
        start = paper_by_id[identifier].text.index(words)
        found = Evidence(
            paper=identifier,
            start=start,
            end=start + len(words),
            score=score,
            extractor="by hand",
            negated=mark == "not",
            hedged=mark == "may",
        )
        evidence.setdefault((subject, predicate, obj, mark == "not"), []).append(found)
    results = []
    for identifier, paper, value, number, method in (
        ("result:1", "paper:bert", "93.2", 93.2, "method:bert"),
        ("result:2", "paper:roberta", "94.6", 94.6, "method:roberta"),
    ):
        start = paper_by_id[paper].text.index(value)
        results.append(
            ReportedResult(
                id=identifier,
                paper=paper,
                value=value,
                number=number,
                method=method,
                task="task:question-answering",
                dataset="dataset:squad",
                metric="metric:f1",
                start=start,
                end=start + len(value),
                score=0.8,
            )
        )
    return Graph(
        papers=tuple(sorted(PAPERS, key=lambda paper: paper.id)),
        entities=tuple(sorted(ENTITIES, key=lambda entity: entity.id)),
        statements=tuple(
            Statement(subject=s, predicate=p, object=o, negated=n, evidence=tuple(sorted(evidence[s, p, o, n])))
            for s, p, o, n in sorted(evidence)
        ),
        results=tuple(results),
    )
