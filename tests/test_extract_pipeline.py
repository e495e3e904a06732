"""The shipped model from text to extraction: the same whatever the batch; any length, any language; how good it is."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from spacy.language import Language

from kg import ontology
from kg.cli import main
from kg.extract import MODEL, extract, load, model_version
from kg.extract.annotations import from_json, occurrences, to_json
from kg.extract.evaluate import extract_given, score
from kg.extract.pipeline import COMPONENTS, to_extraction
from kg.model import Extraction, KGError, Paper

TITLES = (
    "Neural Attention Search",
    "BERT for question answering",
    "",
    "Convolutional neural networks for image classification on ImageNet",
)
PAPERS = tuple(
    Paper(
        id=f"paper:{number}",
        title=title,
        abstract="We propose Neural Attention Search (NAtS), a new method for language modeling. NAtS reaches 91.2% "
        f"accuracy on WikiText-103 and outperforms BERT. It may help {title.lower() or 'machine translation'}.",
    )
    for number, title in enumerate(TITLES)
)


FOREIGN = """\
Wir stellen ein neues Verfahren zur automatischen Übersetzung vor, das auf neuronalen Netzen beruht und besser ist \
als die bisherigen Verfahren. Die Ergebnisse zeigen, dass es auch für seltene Sprachen geeignet ist.
Nous présentons une nouvelle méthode pour la traduction automatique qui utilise des réseaux de neurones profonds. \
Les résultats montrent que cette approche améliore la qualité des phrases traduites.
我们提出了一种新的神经网络模型,用于文本分类任务,并在多个数据集上进行了实验。结果表明该方法优于现有方法。
Мы предлагаем новый метод машинного перевода на основе нейронных сетей, который лучше существующих методов.
lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna \
aliqua ut enim ad minim veniam quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat
%PDF-1.4 0x7f 00 00 1a ff @@ ## -- ;; :: // || 12 34 56 78 9a bc de f0
""".splitlines()


@pytest.fixture(scope="module")
def nlp() -> Language:
    return load()


def json_of(extraction: Extraction, paper: Paper) -> str:
    return json.dumps(to_json(extraction, paper.text))


def test_the_pipeline_is_an_ordinary_one(nlp: Language) -> None:
    assert tuple(nlp.pipe_names) == COMPONENTS
    assert not any(nlp.analyze_pipes()["problems"].values())
    types = sorted(t.name for t in ontology.load().types.values() if t.entity)
    assert sorted(nlp.get_pipe("kg_encoder").label_set.types) == types


def test_who_outperforms_whom(nlp: Language) -> None:
    paper = Paper(id="paper:1", title="On parsing", abstract="We propose ParseNet. ParseNet outperforms BERT on GLUE.")
    [extraction] = extract([paper], nlp=nlp)
    names = {entity.id: entity.name for entity in extraction.entities}
    stated = {(names[r.head], r.predicate, names[r.tail]) for r in extraction.relations}
    assert ("ParseNet", "outperforms", "BERT") in stated


def test_what_an_abstract_says(nlp: Language) -> None:
    [extraction] = extract(PAPERS[:1], nlp=nlp)
    text = PAPERS[0].text
    by_text = {text[m.start : m.end]: entity for entity in extraction.entities for m in entity.mentions}
    assert by_text["NAtS"] is by_text["Neural Attention Search"]
    assert (by_text["NAtS"].type, by_text["NAtS"].role) == ("Method", "introduces")
    assert (by_text["WikiText-103"].type, by_text["WikiText-103"].role) == ("Dataset", "evaluates_on")
    assert (by_text["language modeling"].type, by_text["language modeling"].role) == ("Task", "addresses")
    names = {entity.id: entity.name for entity in extraction.entities}
    stated = {(names[r.head], r.predicate, names[r.tail]) for r in extraction.relations}
    assert ("Neural Attention Search", "evaluated_on", "WikiText-103") in stated
    versus = {predicate for head, predicate, tail in stated if (head, tail) == ("Neural Attention Search", "BERT")}
    assert len(versus & {"outperforms", "compared_with"}) == 1
    [result] = extraction.results
    assert (result.value, result.unit, text[result.start : result.end]) == ("91.2%", "percent", "91.2%")
    assert names[str(result.method)] == "Neural Attention Search"
    assert names[str(result.dataset)] == "WikiText-103"


def test_every_extraction_fits_the_ontology_and_its_text(nlp: Language, gold_papers: dict[str, Paper]) -> None:
    papers = list(gold_papers.values())
    for paper, extraction in zip(papers, extract(papers, nlp=nlp), strict=True):
        assert from_json(json.loads(json_of(extraction, paper)), paper) == extraction
        assert [entity.id for entity in extraction.entities] == [f"e{n + 1}" for n in range(len(extraction.entities))]
        mentions = {entity.id: entity.mentions for entity in extraction.entities}
        for relation in extraction.relations:
            assert relation.start is not None
            assert relation.end is not None
            for end in (relation.head, relation.tail):
                assert any(relation.start <= m.start and m.end <= relation.end for m in mentions[end])
            assert relation.end - relation.start < len(paper.text)
        spans = sorted((m.start, m.end) for found in mentions.values() for m in found)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_a_string_is_a_mention_everywhere(nlp: Language, gold_papers: dict[str, Paper]) -> None:
    papers = list(gold_papers.values())[:10]
    for paper, extraction in zip(papers, extract(papers, nlp=nlp), strict=True):
        found = {(m.start, m.end) for entity in extraction.entities for m in entity.mentions}
        for start, end in sorted(found):
            for other in occurrences(paper.text, paper.text[start:end]):
                assert any(a <= other[0] and other[1] <= b for a, b in found)


def test_batches_order_and_processes_do_not_matter(nlp: Language) -> None:
    alone = {paper.id: json_of(next(extract([paper], nlp=nlp)), paper) for paper in PAPERS}
    backward = {e.paper: e for e in extract(reversed(PAPERS), nlp=nlp)}
    assert {paper.id: json_of(backward[paper.id], paper) for paper in PAPERS} == alone
    many = [PAPERS[n % len(PAPERS)] for n in range(40)]
    apart = list(extract(many, jobs=2))
    assert [e.paper for e in apart] == [paper.id for paper in many]
    assert [json_of(e, paper) for e, paper in zip(apart, many, strict=True)] == [alone[paper.id] for paper in many]


def test_the_vocabulary_learns_usual_words_only() -> None:
    own = load()
    papers = [Paper(id="paper:1", title="Xylographic BERT", abstract="We fine-tune BERT on SQuAD.")]
    first = list(extract(papers, nlp=own))
    assert "Xylographic" in own.vocab.strings
    for number in range(10_000):
        own.vocab.strings.add(f"word{number}")
    known = len(own.vocab.strings)
    assert list(extract(papers, nlp=own)) == first
    list(extract([Paper(id="paper:2", title="Zymurgic parsing", abstract="")], nlp=own))
    assert len(own.vocab.strings) == known


def test_documents_carry_plain_data_between_processes(nlp: Language) -> None:
    texts = [paper.text for paper in PAPERS]
    one, two = ([doc._.kg_relations for doc in nlp.pipe(texts, n_process=n)] for n in (1, 2))
    assert one == two
    assert [to_extraction(d, "paper:1") for d in nlp.pipe(texts)] == [to_extraction(nlp(t), "paper:1") for t in texts]


def test_a_loaded_pipeline_of_ones_own_works_in_processes(nlp: Language) -> None:
    own = load()
    own.get_pipe("kg_mentions").threshold = 2.0  # type: ignore[attr-defined]
    assert not next(extract(PAPERS, nlp=own)).entities


def test_an_empty_abstract_is_fine(nlp: Language) -> None:
    papers = [Paper(id="paper:1", title="BERT for question answering"), Paper(id="paper:2", title="")]
    titled, empty = extract(papers, nlp=nlp)
    assert {entity.name for entity in titled.entities} == {"BERT", "Question Answering"}
    assert empty.entities == ()


@pytest.mark.parametrize("text", FOREIGN)
def test_other_languages_give_few_entities(nlp: Language, text: str) -> None:
    [extraction] = extract([Paper(id="paper:1", title="", abstract=text)], nlp=nlp)
    assert len(extraction.entities) <= 1


def test_a_long_text_is_read_whole(nlp: Language) -> None:
    filler = "This is a sentence of the sort that long papers are full of, and it goes on for a while. "
    abstract = (
        PAPERS[0].abstract + " " + filler * 1500 + "We evaluate RoBERTa on SQuAD for question answering. " + filler
    )
    paper = Paper(id="paper:1", title=PAPERS[0].title, abstract=abstract)
    [extraction] = extract([paper], nlp=nlp)
    end = paper.text.rindex("We evaluate RoBERTa")
    late = {e.name for e in extraction.entities if any(m.start > end for m in e.mentions)}
    assert {"RoBERTa", "SQuAD", "Question Answering"} <= late
    short = next(extract([PAPERS[0]], nlp=nlp))
    assert {e.name for e in short.entities if e.type == "Dataset"} <= {e.name for e in extraction.entities}
    for relation in extraction.relations:
        assert relation.start is not None
        assert relation.end is not None
        assert relation.end - relation.start < 3000


@pytest.mark.slow
def test_half_a_million_characters(nlp: Language) -> None:
    unit = PAPERS[0].abstract + " We evaluate RoBERTa on SQuAD for question answering, as others do. "
    paper = Paper(id="paper:1", title="A long one", abstract=(unit * (500_000 // len(unit) + 1))[:500_000])
    [extraction] = extract([paper], nlp=nlp)
    mentions = [m for entity in extraction.entities for m in entity.mentions]
    assert max(m.end for m in mentions) > 499_000
    assert len(extraction.entities) < 20


def test_the_model_has_a_name_without_spacy() -> None:
    code = "import sys; from kg.extract import model_version; print(model_version(), 'spacy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [model_version(), "False"]
    with pytest.raises(KGError, match="no trained model there"):
        model_version(MODEL.parent)
    with pytest.raises(KGError, match="no trained model there"):
        load(MODEL.parent)


def test_the_model_is_small_and_says_what_it_is() -> None:
    assert sum(path.stat().st_size for path in MODEL.rglob("*") if path.is_file()) < 40_000_000
    card = (MODEL / "MODEL_CARD.md").read_text("utf-8")
    assert "not annotations by people" in card
    assert "Apache-2.0" in card


def test_scores_are_those_of_the_independent_scorer(
    nlp: Language, shared: Path, tmp_path: Path, gold_papers: dict[str, Paper], gold_extractions: list[Extraction]
) -> None:
    papers = list(gold_papers.values())
    found = {e.paper: e for e in extract(papers, nlp=nlp)}
    lines = [json_of(found[paper.id], paper) for paper in papers]
    (tmp_path / "pred.jsonl").write_text("\n".join(lines), "utf-8")
    gold = shared / "gold"
    run = subprocess.run(
        [
            sys.executable,
            gold / "score.py",
            gold / "dev.papers.jsonl",
            gold / "dev.gold.jsonl",
            tmp_path / "pred.jsonl",
            "--json",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = json.loads(run.stdout)
    ours = score({e.paper: e for e in gold_extractions}, found)
    assert {line: s.f1 for line, s in ours.items()} == {line: s["f"] for line, s in theirs.items()}
    assert {line: s.number for line, s in ours.items()} == {line: s["n"] for line, s in theirs.items()}


def test_quality_on_annotated_papers(
    nlp: Language, gold_papers: dict[str, Paper], gold_extractions: list[Extraction]
) -> None:
    """Floors a little below what was measured (MODEL_CARD.md, column dev); they may only rise."""
    gold = {e.paper: e for e in gold_extractions}
    table = score(gold, {e.paper: e for e in extract(gold_papers.values(), nlp=nlp)})
    assert table["mention strict, 5 types"].f1 > 73
    assert table["entity, same type and overlapping"].f1 > 76
    assert table["role accuracy on matched entities"].f1 > 74.5
    assert table["relation, typed"].f1 > 45.5
    assert table["result value"].f1 > 70
    given = score(gold, extract_given(nlp, gold_papers, gold_extractions))
    assert given["mention strict, 5 types"].f1 == 100
    assert given["relation, typed"].f1 > 54


def test_the_command_extract(tmp_path: Path) -> None:
    rows = [{"id": p.id.removeprefix("paper:"), "title": p.title, "abstract": p.abstract} for p in PAPERS if p.title]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", "utf-8")
    out, texts = tmp_path / "out.jsonl", tmp_path / "texts.jsonl"
    run = CliRunner().invoke(main, ["extract", str(tmp_path / "in.jsonl"), "-o", str(out), "--papers", str(texts)])
    assert (run.exit_code, run.output) == (0, f"3 papers extracted into {out}.\n")
    assert [json.loads(line) for line in texts.read_text("utf-8").splitlines()] == rows
    lines = out.read_text("utf-8").splitlines()
    for line, row in zip(map(json.loads, lines), rows, strict=True):
        text = row["title"] + "\n" + row["abstract"]
        assert line["id"] == row["id"]
        assert line["model"] == model_version()
        assert all(text[m["start"] : m["end"]] == m["text"] for e in line["entities"] for m in e["mentions"])
    piped = CliRunner().invoke(main, ["extract", "-"], input=(tmp_path / "in.jsonl").read_text("utf-8"))
    assert piped.output.splitlines() == lines
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl", "texts.jsonl"]


def test_the_command_extract_leaves_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("no json\n", "utf-8")
    run = CliRunner().invoke(main, ["extract", str(tmp_path / "in.jsonl"), "-o", str(tmp_path / "out.jsonl")])
    assert run.exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]
    nowhere = tmp_path / "no" / "out.jsonl"
    (tmp_path / "in.jsonl").write_text('{"id": "1", "title": "BERT", "abstract": ""}\n', "utf-8")
    run = CliRunner().invoke(main, ["extract", str(tmp_path / "in.jsonl"), "-o", str(nowhere)])
    assert run.exit_code == 1
    assert "cannot be written" in run.output


def test_the_command_eval(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text('{"id": "1", "title": "BERT on GLUE", "abstract": "BERT wins."}\n', "utf-8")
    bert = {"id": "e1", "type": "Method", "name": "BERT", "surfaces": ["BERT"], "role": "studies"}
    glue = {"id": "e2", "type": "Dataset", "name": "GLUE", "surfaces": ["GLUE"], "role": "evaluates_on"}
    gold = {"id": "1", "entities": [bert, glue], "relations": [["e1", "evaluated_on", "e2"]], "results": []}
    (tmp_path / "g.jsonl").write_text(json.dumps(gold) + "\n", "utf-8")
    (tmp_path / "f.jsonl").write_text(json.dumps({**gold, "entities": [bert], "relations": []}) + "\n", "utf-8")
    files = [str(tmp_path / name) for name in ("p.jsonl", "g.jsonl")]
    run = CliRunner().invoke(main, ["eval", *files, "--pred", str(tmp_path / "f.jsonl"), "--json"])
    table = {row["what"]: row for row in json.loads(run.output)}
    assert table["mention strict, 5 types"] == {
        "what": "mention strict, 5 types",
        "precision": 100.0,
        "recall": 66.67,
        "f1": 80.0,
        "number": 3,
        "low": None,
        "high": None,
    }
    assert table["relation, typed"]["f1"] == 0.0
    assert table["role accuracy on matched entities"]["f1"] == 100.0
    whole = CliRunner().invoke(main, ["eval", *files])
    assert whole.exit_code == 0
    assert "relation, typed, gold entities given" in whole.output
    other = CliRunner().invoke(main, ["eval", files[0], files[0]])
    assert other.exit_code == 1
    assert "is missing" in other.output
