"""Reading papers: every format, cleaning, ids, duplicates, bad input; the files in data/read are invented."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import logging
import sys
import tempfile
import tracemalloc
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from kg.model import Paper, ReadError
from kg.read import FORMATS, ReadReport, read_papers
from kg.read.clean import clean
from kg.read.identify import arxiv_id, doi, openalex_id, reference, title_key

DATA = Path(__file__).parent / "data" / "read"
ROOT = Path(__file__).parents[1]


def read(*inputs: str | Path, **options: Any) -> tuple[list[Paper], ReadReport]:
    report = ReadReport()
    return list(read_papers(list(inputs), report=report, **options)), report


def one(*inputs: str | Path, **options: Any) -> Paper:
    papers, report = read(*inputs, **options)
    assert len(papers) == 1, [paper.title for paper in papers]
    assert not report.skipped
    return papers[0]


def write(path: Path, *records: object) -> Path:
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    return path


def reasons(report: ReadReport) -> list[tuple[int | None, str]]:
    return [(error.line, error.reason) for error in report.skipped]


# --- formats


def test_the_page_of_trending_papers() -> None:
    papers, report = read(ROOT / "kg" / "data" / "trending-papers.txt")
    assert (len(papers), report.duplicates, report.skipped) == (231, 0, [])
    assert papers[0].title == "Neural Passage Quality Estimation for Static Pruning"
    assert not [paper.title for paper in papers if "ubscribe" in paper.title or "inbox" in paper.text]
    assert all(len(paper.abstract) > 200 and paper.source == "trending" for paper in papers)
    assert len({paper.id for paper in papers}) == 231


def test_the_page_holds_the_annotated_papers(gold_papers: dict[str, Paper]) -> None:
    """Cleaning changes texts of the page only where they hold markup."""
    papers, _ = read(ROOT / "kg" / "data" / "trending-papers.txt", clean=False)
    texts = {paper.text for paper in papers}
    assert {paper.text for paper in gold_papers.values()} <= texts


def test_a_page_whose_lines_do_not_alternate() -> None:
    papers, _ = read(DATA / "page.txt")
    assert [(paper.title, len(paper.abstract)) for paper in papers] == [
        ("Subscribe and Run: Foxes on a Newsletter", 298),
        ("A Title Without Abstract", 0),
        ("Burrows, Revisited", 493),
    ]


FOXNET = "FoxNet: Learning to Hunt with Fewer than 10% of the Labels"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "zotero.bib",
            {
                "id": "paper:10.5555/fox.2021.1",
                "title": FOXNET,
                "abstract": "We present FoxNet, a model that hunts with $100 of compute. On HenHouse-2 it gains 3.2 "
                "points (p < 0.05) over the C# baseline, with ~5 labels in {0,1}.",
                "authors": ("Anné Marrow", "Jörg von der Höhe", "The Fox Consortium"),
                "venue": "Proceedings of the 3rd Workshop on Foxes",
                "year": 2021,
                "keywords": ("foxes", "few-shot learning"),
                "source": "bibtex",
            },
        ),
        (
            "zotero.ris",
            {
                "id": "paper:10.5555/fox.2021.1",
                "title": FOXNET,
                "authors": ("Anné Marrow", "Jörg von der Höhe"),
                "year": 2021,
                "venue": "Proceedings of the 3rd Workshop on Foxes",
                "source": "ris",
            },
        ),
        (
            "scopus.ris",
            {"title": "Scopus writes Windows line ends", "abstract": "Ferrets & holes: p < 0.05. © 2018", "year": 2018},
        ),
        (
            "scholar.bib",
            {"id": "paper:1905.01234", "authors": ("March Hare", "T Dormouse"), "title": "Burrows are all you need"},
        ),
        (
            "arxiv.xml",
            {
                "id": "paper:2101.00001",
                "title": "Foxes in R^d: a survey",
                "abstract": "We survey foxes with ϵ < 0.1 and an O(n log n) chase.",
                "authors": ("Renard Goupil", "Jörg Fuchs"),
                "doi": "10.5555/goupil.1",
                "year": 2021,
                "source": "arxiv",
            },
        ),
        (
            "arxiv-snapshot.jsonl",
            {
                "id": "paper:2101.00001",
                "title": "Foxes in R^d: a survey",
                "authors": ("Renard Goupil", "Jörg Fuchs Jr."),
                "year": 2021,
                "source": "arxiv-snapshot",
            },
        ),
        (
            "openalex.json",
            {
                "id": "paper:10.5555/fox.2021.1",
                "abstract": "We hunt & then hunt again.",
                "cites": ("paper:10.5555/hare.1", "paper:W999"),
                "venue": "Workshop on Foxes",
                "source": "openalex",
            },
        ),
        (
            "semantic-scholar.json",
            {"id": "paper:1905.01234", "cites": ("paper:10.5555/cited",), "authors": ("M. Hare",)},
        ),
        ("semantic-scholar-bulk.jsonl", {"id": "paper:1905.01234", "year": 2019, "source": "semantic-scholar"}),
        (
            "crossref.json",
            {
                "id": "paper:10.5555/otter.1",
                "title": "Otters & rivers: A review",
                "abstract": "Aims: We test if p < 0.05 & R^2 > 0.9. Results: Yes.",
                "authors": ("Oz Otter", "River Group"),
                "cites": ("paper:10.5555/hare.1",),
                "year": 2017,
            },
        ),
        (
            "csl.json",
            {
                "id": "paper:10.5555/csl.1",
                "authors": ("Jörg von der Höhe",),
                "year": 2016,
                "venue": "Journal of Holes",
                "source": "json",
            },
        ),
        ("papers.json", {"title": "Wrapped in papers", "abstract": "Text", "authors": ("A B",), "year": 2015}),
        (
            "pubmed.nbib",
            {
                "id": "paper:10.1234/vole.2020.7",
                "title": "Effects of burrow depth on the sleep of the common vole.",
                "authors": ("Victoria Vole", "Simon Shrew"),
                "year": 2020,
                "source": "pubmed",
            },
        ),
        (
            "wos.txt",
            {
                "id": "paper:10.5555/stoat.1",
                "title": "A record of the Web of Burrows with a title on two lines",
                "cites": ("paper:10.5555/hare.1",),
                "source": "wos",
            },
        ),
        (
            "excel.csv",
            {
                "id": "paper:10.5555/semi",
                "title": "Semicolons; and a byte order mark",
                "abstract": 'Line one line two with "quotes"',
                "authors": ("March Hare", "Tim Dormouse"),
                "year": 2020,
                "keywords": ("a", "b"),
                "source": "csv",
            },
        ),
        ("scopus.csv", {"title": "Commas, in a title", "authors": ("Fred Ferret", "Sue Stoat"), "year": 2018}),
        ("utf16.csv", {"title": "Füchse", "abstract": "Über Füchse"}),
    ],
)
def test_the_first_paper_of(name: str, expected: dict[str, object]) -> None:
    paper = read(DATA / name)[0][0]
    assert {field: getattr(paper, field) for field in expected} == expected


def test_six_formats_give_the_same_paper(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    row = {"title": "On Foxes", "abstract": "Foxes hunt.", "year": 2020, "doi": "10.5555/F", "authors": "Marrow, Ann"}
    write(tmp_path / "a.jsonl", row)
    (tmp_path / "a.json").write_text(json.dumps([row]))
    (tmp_path / "a.csv").write_text(
        'title,abstract,year,doi,authors\nOn Foxes,Foxes hunt.,2020,10.5555/F,"Marrow, Ann"\n'
    )
    (tmp_path / "a.tsv").write_text(
        "title\tabstract\tyear\tdoi\tauthors\nOn Foxes\tFoxes hunt.\t2020\t10.5555/F\tMarrow, Ann\n"
    )
    parquet.write_table(
        pyarrow.table({**{k: [v] for k, v in row.items()}, "authors": [["Ann Marrow"]]}), tmp_path / "a.parquet"
    )
    (tmp_path / "a.bib").write_text(
        "@misc{k, title={On {Foxes}}, abstract={Foxes hunt.}, year=2020, doi={10.5555/F}, author={Marrow, Ann}}"
    )
    (tmp_path / "a.ris").write_text(
        "TY  - JOUR\nTI  - On Foxes\nAB  - Foxes hunt.\nPY  - 2020\nDO  - 10.5555/F\nAU  - Marrow, Ann\nER  - \n"
    )
    papers = [one(path) for path in sorted(tmp_path.iterdir())]
    assert [paper.source for paper in papers] == ["bibtex", "csv", "json", "json", "parquet", "ris", "tsv"]
    assert len({(p.id, p.title, p.abstract, p.year, p.doi, p.authors) for p in papers}) == 1
    papers, report = read(tmp_path)
    assert (len(papers), report.duplicates, report.files) == (1, 6, 7)


def test_bibtex_with_all_its_oddities() -> None:
    papers, report = read(DATA / "hard.bib")
    found = {paper.id: paper for paper in papers}
    assert sorted(found) == [f"paper:{key}" for key in ("after", "child", "parent", "round", "same", "same2", "twice")]
    child = found["paper:child"]
    assert child.authors == ("Bob Badger", "Sue Stoat")
    assert (child.venue, child.year) == ("The Parent Book", 1987)
    assert found["paper:after"].venue == "Journal of Holes"
    assert found["paper:twice"].title == "First title"
    assert reasons(report) == [
        (16, "broken entry: a brace or quote is never closed"),
        (26, "the record 'untitled' has no title"),
    ]


def test_parquet_with_lists_and_missing_values(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    columns = {
        "Title": ["A", None],
        "authors": [["A B", "C D"], None],
        "keywords": ["x;y", None],
        "year": pyarrow.array([2020.0, None], pyarrow.float64()),
        "unread": [1, 2],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    papers, report = read(tmp_path / "a.parquet")
    assert [(p.authors, p.keywords, p.year) for p in papers] == [(("A B", "C D"), ("x", "y"), 2020)]
    assert reasons(report) == [(2, "the record has no title")]


def test_a_mapping_places_fields_in_columns(tmp_path: Path) -> None:
    mapping = {"title": "heading", "abstract": "text", "id": "paper_id"}
    paper = one(DATA / "mapped.tsv", mapping=mapping)
    assert (paper.id, paper.title, paper.abstract) == ("paper:1", "Tabs and other headings", "An abstract")
    path = write(tmp_path / "a.jsonl", {"meta": {"name": "Nested"}, "title": "Not this"})
    assert one(path, mapping={"title": "meta.name"}).title == "Nested"
    with pytest.raises(ReadError, match=r"no column 'nope' for title; there are: paper_id, heading, text"):
        read(DATA / "mapped.tsv", mapping={"title": "nope"})
    with pytest.raises(ReadError, match=r"no field 'heading'; the fields are abstract, arxiv_id,"):
        read(DATA / "mapped.tsv", mapping={"heading": "title"})


def test_a_format_can_be_forced(tmp_path: Path) -> None:
    path = tmp_path / "strange.dat"
    path.write_text("title|abstract\nA|B\n")
    assert one(path, format="csv").abstract == "B"
    with pytest.raises(ReadError, match="no format 'word'; the formats are arxiv, arxiv-snapshot, bibtex"):
        read(path, format="word")
    assert read(DATA / "zotero.bib", format="bib") == read(DATA / "zotero.bib", format="bibtex")
    assert set(FORMATS) >= {"arxiv", "bibtex", "crossref", "csv", "json", "openalex", "parquet", "ris", "trending"}


# --- opening


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("name", ["zotero.bib", "arxiv.xml", "openalex.json", "excel.csv", "utf16.csv", "own.jsonl"])
def test_compressed_files(pack: Callable[[bytes], bytes], name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.{'gz' if pack is gzip.compress else 'zst'}"
    path.write_bytes(pack((DATA / name).read_bytes()))
    assert read(path)[0] == read(DATA / name)[0]


def test_a_folder_reads_all_it_holds(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    write(tmp_path / "deep" / "er" / "b.jsonl", {"title": "B"})
    write(tmp_path / "a.jsonl", {"title": "A"})
    (tmp_path / "deep" / "README").write_text("What this folder holds.\n")
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / ".hidden").write_text("x")
    papers, report = read(tmp_path, tmp_path / "a.jsonl")
    assert [paper.title for paper in papers] == ["A", "B"]
    assert report.duplicates == 0, "the same file named twice is read once"
    assert [Path(str(error.path)).name for error in report.skipped] == ["README"]
    assert "no known format (arxiv, " in report.skipped[0].reason


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    data = gzip.compress((DATA / "zotero.ris").read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert [paper.title for paper in read("-")[0]] == [FOXNET, "A title that goes on over the line"]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_bomb_is_stopped(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    good = b'{"title": "Before the bomb"}\n'
    path = tmp_path / "bomb.jsonl"
    path.write_bytes(pack(good + (b" " * 999 + b"\n") * 70_000))
    papers, report = read(path)
    assert [paper.title for paper in papers] == ["Before the bomb"]
    assert len(report.skipped) == 1
    assert "grows more than 200-fold" in report.skipped[0].reason


def test_an_endless_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "line.jsonl"
    path.write_bytes(b'{"title": "A"}\n{"title": "' + b"x" * (33 << 20))
    papers, report = read(path)
    assert [paper.title for paper in papers] == ["A"]
    assert [error.line for error in report.skipped] == [2]


@pytest.mark.parametrize("value", ['"x"><!ENTITY b "&a;&a;"', 'SYSTEM "file:///etc/passwd"'])
def test_entities_in_xml_are_refused(value: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.xml"
    entry = "<entry><title>&a;</title></entry>"
    path.write_text(f"<!DOCTYPE feed [<!ENTITY a {value}>]><feed xmlns='http://www.w3.org/2005/Atom'>{entry}</feed>")
    with pytest.raises(ReadError, match="declares entities"):
        read(path)


# --- bad input


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"PK\x03\x04rest", "a ZIP archive or an Office document"),
        (b"%PDF-1.7", "a PDF: kg reads titles and abstracts"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"<?xml version='1.0'?><rss/>", "XML, but not an Atom feed"),
        (b"Dear reader,\nthis is a letter.\n", "no known format (arxiv, arxiv-snapshot, bibtex, crossref, csv, json"),
        (b"\x00\x01\x02\x03" * 100, "no known format"),
        (b"PAR1 and no more", "damaged Parquet file"),
        (gzip.compress(b'{"title": "A"}\n' * 999, mtime=0)[:40], "damaged compressed file"),
        (b"\x28\xb5\x2f\xfdnothing", "damaged compressed file"),
        (gzip.compress(gzip.compress(b"x", mtime=0), mtime=0), "compressed twice"),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'></feed>", "the file holds no record"),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'><entry>", "broken XML"),
        (b"[]", "the file holds no record"),
        (b"[1, 2", "a JSON int"),
        (b"[" * 100_000, "broken JSON"),
        (b'{"a":' * 100_000, "broken JSON"),
        (b"title,abstract\n", "the file holds no record"),
    ],
)
def test_what_is_no_file_of_papers(data: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(data)
    with pytest.raises(ReadError) as caught:
        read(path)
    message = str(caught.value)
    assert reason in message
    assert str(path) in message
    assert "\n" not in message


def test_inputs_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="nowhere: no such file or folder"):
        read(DATA / "zotero.bib", tmp_path / "nowhere")
    with pytest.raises(ReadError, match="the folder holds no readable file"):
        read(tmp_path)
    with pytest.raises(ReadError, match="no input"):
        read()


def test_broken_lines_are_skipped_with_their_place(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="kg.read"):
        papers, report = read(DATA / "broken.jsonl")
    assert [paper.title for paper in papers] == ["One", "Three"]
    assert [error.line for error in report.skipped] == [2, 3, 5, 6]
    assert report.summary() == "2 papers read, 0 duplicates merged, 4 records skipped"
    assert f"{DATA / 'broken.jsonl'}:2: broken JSON" in caplog.text
    with pytest.raises(ReadError, match=r"broken.jsonl:2: broken JSON, column 28"):
        read(DATA / "broken.jsonl", strict=True)


def test_a_broken_element_of_an_array_harms_only_itself(tmp_path: Path) -> None:
    papers, report = read(DATA / "broken-array.json")
    assert [paper.title for paper in papers] == ["One", "Three"]
    assert [error.line for error in report.skipped] == [4, 6]
    path = tmp_path / "flat.json"
    path.write_text('[{"title": "One"}, {"title": }, {"title": "Lost"}]')
    papers, report = read(path)
    assert [paper.title for paper in papers] == ["One"]
    assert "the rest of this file is not read" in report.skipped[0].reason


def test_bytes_of_another_encoding_harm_only_their_record(tmp_path: Path) -> None:
    papers, report = read(DATA / "latin1.csv")
    assert [paper.title for paper in papers] == ["Plain", "Also plain"]
    assert [(error.line, error.reason[:20]) for error in report.skipped] == [(3, "not UTF-8 (byte 0xFC")]
    path = tmp_path / "gbk.bib"
    path.write_bytes("@article{a,\n title = {狐狸}}\n@article{b, title={Plain}}\n".encode("gbk"))
    papers, report = read(path)
    assert [paper.title for paper in papers] == ["Plain"]
    assert [error.line for error in report.skipped] == [2]


def test_a_table_with_cells_too_many_or_an_open_quote(tmp_path: Path) -> None:
    papers, report = read(DATA / "scopus.csv")
    assert (len(papers), [error.line for error in report.skipped]) == (1, [3])
    path = tmp_path / "open.csv"
    path.write_text('title,abstract\nA,a\n"B,never closed\nC,c\n')
    papers, report = read(path)
    assert [paper.title for paper in papers] == ["A"]
    assert reasons(report) == [(3, "a quote that opens here is never closed")]


def test_a_reason_is_one_printable_line(tmp_path: Path) -> None:
    path = tmp_path / "bytes.csv"
    path.write_bytes(b't\xffle,"two\nlines"\nA,a\n')
    with pytest.raises(ReadError) as caught:
        read(path)
    assert str(caught.value).isprintable()
    assert r"t\udcffle, two lines" in str(caught.value)


def test_an_id_of_our_own_layout_belongs_to_one_paper(tmp_path: Path) -> None:
    rows = [{"id": "x", "title": title, "abstract": "Text."} for title in ("One", "Another", "ONE")]
    papers, report = read(write(tmp_path / "a.jsonl", *rows))
    assert [paper.title for paper in papers] == ["One"]
    assert report.duplicates == 1
    assert [error.line for error in report.skipped] == [2]
    assert "the id 'x' is that of another paper" in report.skipped[0].reason


@given(st.sampled_from(sorted(path.name for path in DATA.iterdir())), st.data())
def test_damaged_files_give_papers_or_reasons(name: str, data: st.DataObject) -> None:
    content = bytearray((DATA / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        piece = data.draw(
            st.sampled_from([b"{", b"}", b'"', b"\\", b"[", b"\n", b"\0", b"null", b"@", b"<", b"\xff", b"TY  - "])
        )
        content[place : place + data.draw(st.integers(0, 9))] = piece
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        papers = []
        with contextlib.suppress(ReadError):
            papers, _ = read(path)
        assert all(paper.title.strip() for paper in papers)


SHAPES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "DOI", "id", "author"]), inner)
    ),
    max_leaves=6,
)
KEYS = (
    *("id", "title", "abstract", "authors", "year", "doi", "DOI", "authorships", "referenced_works", "ids", "versions"),
    *(
        "paperId",
        "externalIds",
        "references",
        "journal",
        "author",
        "issued",
        "container-title",
        "reference",
        "locations",
    ),
    *("authors_parsed", "abstract_inverted_index", "primary_location", "keywords", "subject", "update_date", "url"),
)


@given(st.dictionaries(st.sampled_from(KEYS), SHAPES, min_size=2, max_size=8))
def test_any_object_is_a_record_or_refused(value: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder, "a.jsonl"), {"title": "Before"}, value, {"title": "After"})
        papers, report = read(path)
    assert {"Before", "After"} <= {paper.title for paper in papers}
    assert len(papers) + report.duplicates + len(report.skipped) >= 3


def test_strange_numbers_and_shapes(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"title": ["A"], "year": 1e999, "authors": 3, "abstract": {"a": [1]}, "keywords": true, "doi": [[]]}\n'
    )
    paper = one(path)
    assert (paper.title, paper.year, paper.authors, paper.abstract) == ("A", None, (), "")


# --- our own layout


def test_our_own_layout_is_never_touched_unless_asked() -> None:
    papers, _ = read(DATA / "own.jsonl")
    assert papers[0].text == "Raw $\\alpha$ stays  {\\em raw}\n5\\% of\n&amp; <i>all</i> ﬁ"
    assert [paper.id for paper in papers] == ["paper:mine-1", "paper:2402.13116v2"]
    assert papers[1].cites == ("paper:mine-1",)
    cleaned, _ = read(DATA / "own.jsonl", clean=True)
    assert cleaned[0].text == "Raw α stays raw\n5% of & all fi"


def test_other_formats_can_be_left_as_they_are() -> None:
    papers, _ = read(DATA / "arxiv.xml", clean=False)
    assert papers[0].title == "Foxes in $\\mathbb{R}^{d}$:\n  a survey"


def test_half_characters_cannot_break_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "a", "title": "Half \\ud83d a fox", "abstract": "\\udc80"}\n')
    paper = one(path)
    assert paper.text == "Half \ufffd a fox\n\ufffd"
    assert len(paper.content_hash) == 64


# --- duplicates


def test_one_paper_of_many_inputs_field_by_field() -> None:
    papers, report = read(
        *(DATA / name for name in ("zotero.bib", "zotero.ris", "openalex.json", "scholar.bib", "semantic-scholar.json"))
    )
    found = {paper.id: paper for paper in papers}
    assert report.duplicates == 4
    fox = found["paper:10.5555/fox.2021.1"]
    assert fox.title == FOXNET
    assert fox.cites == ("paper:10.5555/hare.1", "paper:W999")
    assert "HenHouse-2" in fox.abstract
    burrows = found["paper:1905.01234"]
    assert burrows.abstract == "Burrows."
    assert burrows.authors == ("March Hare", "T Dormouse")
    assert burrows.venue in ("Journal of Holes", "arXiv preprint arXiv:1905.01234")


DUPLICATES: list[tuple[str, dict[str, object], dict[str, object], bool]] = [
    ("doi", {"title": "On Foxes", "doi": "10.1/A"}, {"title": "Of Foxes", "doi": "https://doi.org/10.1/a"}, True),
    ("chapters", {"title": "Red Foxes", "doi": "10.1/A"}, {"title": "Blue Whales", "doi": "10.1/a"}, False),
    (
        "version",
        {"title": "A", "arxiv_id": "2101.00001v2"},
        {"title": "B", "url": "http://arxiv.org/abs/2101.00001"},
        True,
    ),
    ("arxiv doi", {"title": "A", "arxiv_id": "2101.00001"}, {"title": "B", "doi": "10.48550/ARXIV.2101.00001"}, True),
    (
        "author",
        {"title": "On Red Foxes!", "authors": ["Ann Möle"]},
        {"title": "on red foxes", "authors": "Mole, A."},
        True,
    ),
    ("authors", {"title": "On Red Foxes", "authors": ["A A"]}, {"title": "On Red Foxes", "authors": ["B B"]}, False),
    ("generic", {"title": "Editorial", "abstract": "One."}, {"title": "Editorial", "abstract": "Two."}, False),
    ("agreeing", {"title": "Editorial", "abstract": "One."}, {"title": "EDITORIAL", "abstract": "one"}, True),
    ("missing", {"title": "Editorial", "abstract": "One."}, {"title": "Editorial"}, True),
    ("numbers", {"title": "Editorial", "doi": "10.1/a"}, {"title": "Editorial", "doi": "10.1/b"}, False),
    (
        "years",
        {"title": "Editorial", "authors": "A B", "year": 1},
        {"title": "Editorial", "authors": "A B", "year": 2},
        True,
    ),
    (
        "issues",
        {"title": "Editorial", "authors": "A B", "year": 2001},
        {"title": "Editorial", "authors": "A B", "year": 2002},
        False,
    ),
    ("one author", {"title": "On red foxes at night", "authors": ["A B"]}, {"title": "On red foxes at night"}, True),
]


@pytest.mark.parametrize(
    ("first", "second", "same"), [case[1:] for case in DUPLICATES], ids=[case[0] for case in DUPLICATES]
)
def test_what_is_the_same_paper(
    first: dict[str, object], second: dict[str, object], same: bool, tmp_path: Path
) -> None:
    forth, report = read(write(tmp_path / "a.jsonl", first), write(tmp_path / "b.jsonl", second))
    assert (len(forth) == 1) == same
    assert report.duplicates == int(same)
    back, _ = read(tmp_path / "b.jsonl", tmp_path / "a.jsonl")
    assert sorted(forth, key=lambda paper: paper.id) == sorted(back, key=lambda paper: paper.id), "order matters"
    assert len({paper.id for paper in forth}) == len(forth)


def test_papers_of_one_key_get_ids_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_text("@misc{smith2020, title={Foxes by night}, author={J. Smith}}")
    (tmp_path / "b.bib").write_text("@misc{smith2020, title={Hens by day}, author={K. Smith}}")
    ids = [paper.id for paper in read(tmp_path / "a.bib", tmp_path / "b.bib")[0]]
    assert ids == [paper.id for paper in read(tmp_path / "b.bib", tmp_path / "a.bib")[0]][::-1]
    assert all(name.startswith("paper:smith2020-") for name in ids)
    assert len(set(ids)) == 2


def test_citations_lead_to_the_paper_under_any_of_its_ids(tmp_path: Path) -> None:
    cited = {
        "title": "The cited one",
        "doi": "10.1/C",
        "arxiv_id": "2101.00001",
        "openalex_id": "https://openalex.org/W5",
    }
    cites = ["https://doi.org/10.1/c", "W5", "arXiv:2101.00001v3", "10.1/elsewhere", "10.48550/arXiv.2101.00001"]
    citing = {"title": "The citing one", "doi": "10.1/d", "cites": [*cites, "10.1/D"]}
    for order in ([citing, cited], [cited, citing]):
        found = {paper.title: paper for paper in read(write(tmp_path / "a.jsonl", *order))[0]}
        assert found["The citing one"].cites == ("paper:2101.00001", "paper:10.1/elsewhere")


def test_the_report_leads_from_merged_ids(tmp_path: Path) -> None:
    rows = [
        {"id": "b", "title": "On Foxes", "abstract": "Same."},
        {"id": "a", "title": "On Foxes", "abstract": "Same."},
    ]
    papers, report = read(write(tmp_path / "a.jsonl", *rows))
    assert [paper.id for paper in papers] == ["paper:a"]
    assert report.aliases == {"paper:b": "paper:a"}


# --- cleaning


KEPT = [
    "p < 0.05",
    "C#",
    "{0,1}",
    "100%",
    "~5",
    "C++",
    "a<b>c",
    "AT&T",
    "R&D",
    "x_1",
    "2^k - 1",
    "<mask>",
    "</s>",
    "f(x) > 0",
    "U$1",
]


@pytest.mark.parametrize("content", KEPT)
def test_content_is_kept(content: str) -> None:
    assert clean(content) == content
    assert clean(f"We find {content} here") == f"We find {content} here"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"5% of \$100", "5% of $100"),
        ("from $5 to $10, or US$5-$10", "from $5 to $10, or US$5-$10"),
        (r"$\alpha$-nets", "α-nets"),
        (r"$x \in \{0,1\}$ and $O(n^{2}\log n)$", "x ∈ {0,1} and O(n^2 log n)"),
        (r"$10^{-3}$ $d_{\text{model}}$ $\sim$5 $95\%$", "10^-3 d_model ∼5 95%"),
        (r"\emph{a} \textbf{b} {\em c} {\bf D}", "a b c D"),
        (r"Nystr\"{o}m, Erd\H{o}s, \'{\i}, {\aa}, \v{S}koda", "Nyström, Erdős, í, å, Škoda"),
        (r"ours\footnote{A note} \cite{abc}, Q\&A, a\_b", "ours (A note), Q&A, a_b"),
        (r"see \url{http://x.org/~a_b}", "see http://x.org/~a_b"),
        ("H<sub>2</sub>O, 10<sup>-3</sup>, 1<sup>st</sup> <i>in vivo</i>", "H2O, 10^-3, 1st in vivo"),
        ("a &lt; b &amp;amp; c&#8211;d&nbsp;e", "a < b & c–d e"),
        ("<jats:title>Abstract</jats:title><jats:p>One.</jats:p><jats:p>Two.</jats:p>", "One. Two."),
        ("ef\ufb01cient co\u00adoperate e\u0301 Two‐Dimensional", "efficient cooperate é Two-Dimensional"),
        ("line\n  break, state-of-the-\nart", "line break, state-of-the-art"),
        ("RamÃ\u00adrez donâ€™t", "Ramírez don’t"),
    ],
)
def test_residue_is_cleaned(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"{{The \textit{Procolophon} (Parareptilia)}}", "The Procolophon (Parareptilia)"),
        (r"M{assachusetts} I{nstitute} {of} T{echnology}", "Massachusetts Institute of Technology"),
        (r"{BERT}: Sch{\"o}n~und {0,1}, \{a\} --- {\LaTeX}", "BERT: Schön und {0,1}, {a} — LaTeX"),
        (r"Gra{\ss}h{\"{o}}f {\v{S}}koda {\.I}stanbul {\~n}and{\'{u}} \~{a}", "Graßhöf Škoda İstanbul ñandú ã"),
        (r"{$\alpha$}-{GAN} {\em{x}} \textbf{{A}b} {C}\# {AT\&T}", "α-GAN x Ab C# AT&T"),
        (r"``Quoted'' 357--367, \url{http://x/~y}", "“Quoted” 357–367, http://x/~y"),
        (r"p {\textless} 0.05, {\textasciitilde}5, 5\% of \$100", "p < 0.05, ~5, 5% of $100"),
    ],
)
def test_bibtex_is_decoded(text: str, expected: str) -> None:
    assert clean(text, bibtex=True) == expected


MARKUP = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(  # blanks separate the pieces
            r"\alpha \emph{ \textbf{x} $ $$ \$ { } {\em \" \'e \frac{a}{b} ^{ _{ ~ -- `` '' \\ \( \) \[ % # & &amp; "
            r"&lt; &#955; <i> </i> <b> </b> <sub> <jats:p> </jats:p> <jats:title> <p> <!-- --> < > <![CDATA[ "
            r"]]> \cite{a} \ours \begin{x}".split(" ")
        ),
    ),
    max_size=25,
).map("".join)


@given(MARKUP)
@example("\\\\alpha $\\$ {\\em")
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == " ".join(once.split())
    once.encode()
    assert clean(clean(text, bibtex=True)) == clean(text, bibtex=True)


@given(st.text(alphabet="abcxyzABC 0123456789.,;:()-%#'\"/+*=?!", max_size=80))
def test_plain_text_is_only_put_on_one_line(text: str) -> None:
    assert clean(text) == " ".join(text.split())


@given(st.lists(st.sampled_from(KEPT), min_size=1, max_size=6))
@example(["U$1", "x_1", "U$1"])  # two prices around a subscript are no formula
def test_content_beside_content_is_kept(parts: list[str]) -> None:
    text = " and ".join(parts)
    assert clean(text) == text


# --- ids


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1706.03762", "1706.03762"),
        ("arXiv:1706.03762v5", "1706.03762"),
        ("https://arxiv.org/pdf/1706.03762v5.pdf", "1706.03762"),
        ("arXiv preprint arXiv:1706.03762", "1706.03762"),
        ("1706.03762 [cs.CL]", "1706.03762"),
        ("10.48550/ARXIV.1706.03762", "1706.03762"),
        ("hep-th/9901001v2", "hep-th/9901001"),
        ("math.GT/0309136", "math/0309136"),
        ("1799.03762", None),
        ("10.1000/182", None),
        ("", None),
    ],
)
def test_arxiv_ids(text: str, expected: str | None) -> None:
    assert arxiv_id(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1000/ABC", "10.1000/abc"),
        ("doi:10.1000/abc.", "10.1000/abc"),
        ("http://dx.doi.org/10.1000/a%2Fb", "10.1000/a/b"),
        (
            "10.1002/(SICI)1097-4571(199806)49:8<693::AID-ASI4>3.0.CO;2-O",
            "10.1002/(sici)1097-4571(199806)49:8<693::aid-asi4>3.0.co;2-o",
        ),
        ("(10.1000/abc)", "10.1000/abc"),
        ("none", None),
    ],
)
def test_dois(text: str, expected: str | None) -> None:
    assert doi(text) == expected


@given(st.text())
def test_ids_of_any_text(text: str) -> None:
    for normal in (arxiv_id, doi, openalex_id):
        found = normal(text)
        assert found is None or normal(found) == found
    cited = reference(text)
    assert cited is None or (cited.startswith("paper:") and reference(cited) == cited)
    assert title_key(text.upper()) == title_key(text.upper().lower()) or not text.isascii()


# --- streams


def rows(count: int) -> Iterable[dict[str, object]]:
    for number in range(count):
        title = f"Paper number {number} about foxes"
        yield {"id": f"p{number}", "title": title, "abstract": f"{number:05}" * 700, "cites": [f"p{number // 2}"]}


def test_records_do_not_live_in_memory_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "many.jsonl", *rows(1500))
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_papers([path, DATA / "own.jsonl"]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 1502
    assert 2 * peak < path.stat().st_size, f"{peak:,} bytes for a file of {path.stat().st_size:,}"


def test_a_long_array_streams(tmp_path: Path) -> None:
    path = tmp_path / "many.json"
    path.write_text(json.dumps({"meta": {"count": 3000}, "results": list(rows(1000)), "more": [1]}))
    assert sum(1 for _ in read_papers([path])) == 1000


# --- the samples of other projects


EXPECTED = {
    "arxiv/old-style-id.xml": (1, 0, 0),
    "arxiv/query.xml": (10, 0, 0),
    "arxiv/two-ids.xml": (1, 0, 0),
    "bibtex/complex.bib": (20, 0, 0),
    "bibtex/crossrefs.bib": (28, 3, 15),
    "bibtex/pdf-references.bib": (8, 0, 0),
    "bibtex/twente.bib": (1, 0, 0),
    "crossref/works.json": (8, 0, 0),
    "ris/extraneous_data.ris": (2, 0, 0),
    "ris/full.ris": (2, 0, 0),
    "ris/multi_unknown_tags.ris": (1, 0, 0),
    "ris/starting_newlines.ris": (1, 0, 0),
    "ris/utf_chars.ris": (1, 0, 0),
    "ris/wos.ris": (2, 0, 0),
    "semantic-scholar/paper.json": (1, 0, 0),
    "semantic-scholar/references.json": (50, 0, 0),
    "semantic-scholar/search.json": (99, 1, 0),
}
REFUSED = {
    "arxiv/bad-id.xml": "arXiv answered: incorrect id format for abc",
    "arxiv/nothing-found.xml": "the file holds no record",
    "bibtex/gbk.bib": "not UTF-8 (byte 0xBF)",
    "ris/bom.ris": "the record has no title",
    "ris/multiline.ris": "the record has no title (and 2 more)",
}


def test_every_sample_is_read_whole_or_refused(shared: Path) -> None:
    samples = shared / "samples"
    names = {str(path.relative_to(samples)) for path in samples.glob("*/*")}
    assert names == EXPECTED.keys() | REFUSED.keys()
    for name, expected in EXPECTED.items():
        papers, report = read(samples / name)
        assert (len(papers), report.duplicates, len(report.skipped)) == expected, name
    for name, reason in REFUSED.items():
        with pytest.raises(ReadError) as caught:
            read(samples / name)
        assert reason in str(caught.value)


def test_titles_of_samples_hold_no_markup(shared: Path) -> None:
    papers, _ = read(shared / "samples")
    assert not [paper.title for paper in papers if set("\\{}<>$\n") & set(paper.title)]
    assert all(paper.title == clean(paper.title) and paper.abstract == clean(paper.abstract) for paper in papers)


def test_gold_papers_are_read_as_they_stand(shared: Path) -> None:
    path = shared / "gold" / "train.papers.jsonl"
    raw = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    papers, report = read(path)
    assert [(f"paper:{row['id']}", row["title"], row["abstract"]) for row in raw] == [
        (p.id, p.title, p.abstract) for p in papers
    ]
    assert report.duplicates == 0
