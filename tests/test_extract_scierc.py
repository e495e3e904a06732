"""Documents in the format of SciERC: what is read of them, and what is refused with the place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kg.extract import MODEL
from kg.extract.encoder import EncoderReader
from kg.extract.plain import find_mentions
from kg.extract.scierc import TOGETHER, labelled, labels_of, read_scierc
from kg.model import ReadError

DOCUMENT = {
    "doc_key": "d1",
    "sentences": [["BERT", "beats", "GPT", "."], ["It", "is", "used", "for", "parsing", "."]],
    "ner": [[[0, 0, "Model"], [2, 2, "Model"]], [[4, 4, "Model"], [8, 8, "Problem"]]],
    "relations": [[[0, 0, 2, 2, "BEATS"]], [[4, 4, 8, 8, "USED-FOR"]]],
}


def test_offsets_are_those_of_the_tokens() -> None:
    [(paper, said)] = labelled(DOCUMENT)
    assert paper.text == "\nBERT beats GPT .\nIt is used for parsing ."
    names = {e.id: (e.name, e.type) for e in said.entities}
    for entity in said.entities:
        [mention] = entity.mentions
        assert paper.text[mention.start : mention.end] == entity.name
    assert [(names[r.head], r.predicate, names[r.tail]) for r in said.relations] == [
        (("BERT", "Model"), "BEATS", ("GPT", "Model")),
        (("It", "Model"), "USED-FOR", ("parsing", "Problem")),
    ]


def test_long_documents_are_cut_between_sentences() -> None:
    sentence = ["word"] * 60
    texts = labelled({"sentences": [sentence] * 8, "ner": [[] for _ in range(8)], "relations": [[] for _ in range(8)]})
    assert [len(paper.abstract.split()) for paper, _ in texts] == [180, 180, 120]
    assert max(len(paper.abstract.split()) for paper, _ in texts) <= TOGETHER
    assert len({paper.id for paper, _ in texts}) == 3


def test_labels_are_those_of_the_data_and_pairs_stand_in_a_line() -> None:
    labels = labels_of([labelled(DOCUMENT)])
    assert labels.types == ("Model", "Problem")
    assert labels.relations == ("none", "BEATS", "USED-FOR")
    assert labels.relations_of == {("Model", "Model"): ("BEATS",), ("Model", "Problem"): ("USED-FOR",)}
    assert labels.candidate_pairs(["Model", "Model", "Problem"], [1, 1, 2]) == [(0, 1), (1, 0)]


def test_a_folder_is_read_by_file_and_files_of_another_kind_are_left(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(json.dumps(DOCUMENT) + "\n\n" + json.dumps(DOCUMENT) + "\n", "utf-8")
    (tmp_path / "dev.json").write_text(json.dumps(DOCUMENT), "utf-8")
    (tmp_path / "x.papers.jsonl").write_text('{"id": "1", "title": "BERT"}\n', "utf-8")
    assert {name: len(own) for name, own in read_scierc(tmp_path).items()} == {"train": 2, "dev": 1}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"train\.jsonl: line 1 is no JSON"),
        (json.dumps({**DOCUMENT, "ner": [[[0, 99, "Model"]], []]}), "line 1: sentences, ner and relations do not fit"),
        (json.dumps({**DOCUMENT, "ner": [[]]}), "line 1: sentences, ner and relations do not fit"),
        (json.dumps({**DOCUMENT, "relations": [[[0, 0, 2]], []]}), "line 1: sentences, ner and relations do not fit"),
    ],
)
def test_bad_documents_are_refused_with_the_place(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "train.jsonl").write_text(line + "\n", "utf-8")
    with pytest.raises(ReadError, match=message):
        read_scierc(tmp_path)


def test_mentions_are_whole_words() -> None:
    text = "\nEmbedding of DBpedia and Wikidata entities is slow."
    reading = EncoderReader().from_disk(MODEL / "kg_encoder").read("X" + text)
    found = [reading.text[m["start"] : m["end"]] for m in find_mentions(reading)]
    middle = reading.text.index("Wikidata") + len("Wikida")
    assert middle in [int(reading.pieces.ends[last - 1]) for _, _, last in reading.spans("abcde")]
    assert found[-2:] == ["DBpedia", "Wikidata"]
