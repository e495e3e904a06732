"""Building: the same papers give the same graph, whatever the order, the number of builds or of processes."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import kg
from kg import building
from kg.directory import State, StoredExtraction, holds_graph, load, load_graph, manifest, redirects, save
from kg.graph import Graph
from kg.model import Extraction, GraphError, Paper, ReadError

KG = (sys.executable, "-m", "kg")
TRENDING = Path(kg.__file__).parent / "data" / "trending-papers.txt"


def tables(folder: Path) -> dict[str, bytes]:
    """The bytes of all files that history must not change."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.name == "manifest.json" or (path.suffix == ".parquet" and path.stem != "redirects")
    }


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def paper(identifier: str, title: str, abstract: str = "", **more: Any) -> dict[str, Any]:
    return {"id": identifier, "title": title, "abstract": abstract, **more}


def said(identifier: str, *methods: str, model: str = "hand") -> dict[str, Any]:
    """An extraction that finds these methods in a paper."""
    entities = [
        {"id": f"e{n}", "type": "Method", "name": name, "surfaces": [name], "role": "uses"}
        for n, name in enumerate(methods, start=1)
    ]
    return {"id": identifier, "model": model, "entities": entities}


PAPERS = [
    paper("p1", "Quick Net", "We use Quick Net and Slow Net."),
    paper("p2", "Slow Net Again", "Slow Net is slow."),
    paper("p3", "On Trees", "Random Trees grow."),
]
MANY = [paper(f"t{n}", f"BERT number {n}", f"We train BERT on SQuAD {n}.") for n in range(160)]
SAID = [said("p1", "Quick Net", "Slow Net"), said("p2", "Slow Net"), said("p3", "Random Trees")]


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    return write(tmp_path / "papers.jsonl", PAPERS)


@pytest.fixture
def extractions(tmp_path: Path) -> Path:
    return write(tmp_path / "extractions.jsonl", SAID)


@pytest.fixture(scope="session")
def some_papers(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """A dozen papers of the example page."""
    lines = [line for line in TRENDING.read_text("utf-8").splitlines()[2:] if line.strip()]
    pairs = zip(lines[2::2], lines[3::2], strict=False)
    return [paper(f"t{n:02}", title, abstract) for n, (title, abstract) in zip(range(12), pairs, strict=False)]


def test_in_memory_by_the_public_name(papers: Path, extractions: Path) -> None:
    graph = kg.build(papers, extractions=extractions)
    assert isinstance(graph, Graph)
    assert [entity.id for entity in graph.entities] == ["method:quick-net", "method:random-tree", "method:slow-net"]
    assert graph == kg.build([str(papers)], extractions=str(extractions))
    assert {(s.subject, s.object) for s in graph.statements} >= {("paper:p1", "method:slow-net")}


def test_in_memory_and_on_disk_are_equal(papers: Path, extractions: Path, tmp_path: Path) -> None:
    graph = kg.build(papers, extractions=extractions, output=tmp_path / "graph")
    assert graph == kg.build(papers, extractions=extractions) == load_graph(tmp_path / "graph")
    assert graph == kg.load_graph(tmp_path / "graph")


def test_gold_gives_the_same_bytes_in_any_order_and_number_of_builds(shared: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (shared / "gold" / "dev.papers.jsonl").read_text("utf-8").splitlines()]
    gold = [json.loads(line) for line in (shared / "gold" / "dev.gold.jsonl").read_text("utf-8").splitlines()]
    everything = write(tmp_path / "gold.jsonl", gold)
    building.run(write(tmp_path / "all.jsonl", rows), output=tmp_path / "once", extractions=everything)
    expected = tables(tmp_path / "once")
    assert len(expected) == 9
    chance = random.Random(3)
    for parts in (1, 2, 5):
        folder = tmp_path / f"in-{parts}"
        chance.shuffle(rows)
        chance.shuffle(gold)
        for part in range(parts):
            chosen = rows[part::parts]
            names = {row["id"] for row in chosen}
            some = write(tmp_path / "some.jsonl", [row for row in gold if row["id"] in names])
            building.run(write(tmp_path / "part.jsonl", chosen), output=folder, extractions=some)
        assert tables(folder) == expected


def test_a_second_build_changes_nothing(papers: Path, extractions: Path, tmp_path: Path) -> None:
    first = building.run(papers, output=tmp_path / "graph", extractions=extractions)
    assert (first.given, first.reused) == (3, 0)
    before = tables(tmp_path / "graph")
    second = building.run(papers, output=tmp_path / "graph", extractions=extractions)
    assert (second.given, second.reused, second.read) == (0, 3, 3)
    assert tables(tmp_path / "graph") == before


def test_removing_papers_is_as_if_they_had_never_come(papers: Path, extractions: Path, tmp_path: Path) -> None:
    building.run(papers, output=tmp_path / "all", extractions=extractions)
    few = write(tmp_path / "few.jsonl", PAPERS[:1])
    building.run(few, output=tmp_path / "few", extractions=write(tmp_path / "x.jsonl", SAID[:1]))
    report = building.remove(tmp_path / "all", ["paper:p3", "slow net again"])
    assert (report.removed, report.reused, len(report.graph.papers)) == (2, 1, 1)
    assert tables(tmp_path / "all") == tables(tmp_path / "few")


def test_removing_what_is_not_there_or_not_clear(papers: Path, extractions: Path, tmp_path: Path) -> None:
    building.run(papers, output=tmp_path / "graph", extractions=extractions)
    before = tables(tmp_path / "graph")
    with pytest.raises(GraphError, match="no paper is called 'method:slow-net'"):
        building.remove(tmp_path / "graph", ["p1", "method:slow-net"])
    for part, meant in (("Net", r"paper:p1 \(Quick Net\), paper:p2"), ("Quick", "paper:p1")):
        with pytest.raises(GraphError, match=f"no paper is called '{part}': .* perhaps of {meant}"):
            building.remove(tmp_path / "graph", [part])
    assert tables(tmp_path / "graph") == before


def test_all_papers_can_be_removed(papers: Path, extractions: Path, tmp_path: Path) -> None:
    building.run(papers, output=tmp_path / "graph", extractions=extractions)
    building.remove(tmp_path / "graph", ["p1", "p2", "p3"])
    assert load_graph(tmp_path / "graph") == Graph()


def test_replace_starts_anew(papers: Path, extractions: Path, tmp_path: Path) -> None:
    building.run(papers, output=tmp_path / "graph", extractions=extractions)
    one = write(tmp_path / "one.jsonl", PAPERS[:1])
    few = write(tmp_path / "few.jsonl", SAID[:1])
    building.run(one, output=tmp_path / "graph", extractions=few, replace=True)
    building.run(one, output=tmp_path / "new", extractions=few)
    assert tables(tmp_path / "graph") == tables(tmp_path / "new")
    (tmp_path / "graph" / "papers.parquet").write_bytes(b"damaged")
    with pytest.raises(GraphError, match="damaged"):
        building.run(one, output=tmp_path / "graph", extractions=few)
    building.run(one, output=tmp_path / "graph", extractions=few, replace=True)
    assert tables(tmp_path / "graph") == tables(tmp_path / "new")


def test_metadata_are_renewed_without_extraction(papers: Path, extractions: Path, tmp_path: Path) -> None:
    building.run(papers, output=tmp_path / "graph", extractions=extractions)
    renewed = write(tmp_path / "renewed.jsonl", [{**PAPERS[0], "venue": "ACL", "authors": ["Ada Lovelace"]}])
    nothing = write(tmp_path / "nothing.jsonl", [])
    report = building.run(renewed, output=tmp_path / "graph", extractions=nothing)
    assert (report.given, report.reused, report.without_extraction) == (0, 3, 0)
    assert report.graph.paper_by_id["paper:p1"].venue == "ACL"
    assert report.graph.authors == {"author:ada-lovelace": "Ada Lovelace"}


def test_a_changed_text_loses_its_extraction(papers: Path, extractions: Path, tmp_path: Path) -> None:
    building.run(papers, output=tmp_path / "graph", extractions=extractions)
    changed = write(tmp_path / "changed.jsonl", [{**PAPERS[0], "abstract": "Now other words."}])
    nothing = write(tmp_path / "nothing.jsonl", [])
    report = building.run(changed, output=tmp_path / "graph", extractions=nothing)
    assert (report.reused, report.without_extraction) == (2, 1)
    assert report.graph.paper_by_id["paper:p1"].abstract == "Now other words."
    assert not [m for m in report.graph.mentions if m.paper == "paper:p1"]


def test_offsets_that_do_not_fit_name_paper_and_line(papers: Path, tmp_path: Path) -> None:
    wrong = said("p2")
    wrong["entities"] = [
        {
            "id": "e1",
            "type": "Method",
            "name": "Slow",
            "role": "uses",
            "mentions": [{"start": 0, "end": 4, "text": "Fast"}],
        }
    ]
    path = write(tmp_path / "wrong.jsonl", [said("p1", "Quick Net"), wrong])
    with pytest.raises(ReadError, match=r"wrong\.jsonl:2: paper:p2: characters 0 to 4 are 'Slow', not 'Fast'"):
        building.run(papers, output=tmp_path / "new" / "graph", extractions=path)
    assert not (tmp_path / "new").exists()
    with pytest.raises(ReadError, match=r"stray\.jsonl:1: paper:p9 is not among the papers read"):
        building.run(papers, extractions=write(tmp_path / "stray.jsonl", [said("p9")]))
    with pytest.raises(ReadError, match=r"none\.jsonl: "):
        building.run(papers, extractions=tmp_path / "none.jsonl")


def test_papers_without_an_extraction_are_counted(papers: Path, tmp_path: Path) -> None:
    report = building.run(papers, extractions=write(tmp_path / "few.jsonl", SAID[:1]))
    assert (report.given, report.without_extraction, len(report.graph.papers)) == (1, 2, 3)


def test_records_of_one_paper_from_several_builds_are_one_paper(tmp_path: Path) -> None:
    """The record with a DOI comes first or last; the title's hash is no id any more once the DOI is known."""
    bib = tmp_path / "a.bib"
    bib.write_text("@article{x, title={On Quick Nets and Trees}, author={Ada Lovelace}, year={2020}}")
    doi = write(tmp_path / "b.jsonl", [{"title": "On Quick Nets and Trees", "authors": ["Ada Lovelace"],
                                        "doi": "10.1000/x", "abstract": "Slow Net."}])  # fmt: skip
    cite = write(tmp_path / "c.jsonl", [paper("c", "Citing", cites=["10.1000/x"])])
    nothing = write(tmp_path / "nothing.jsonl", [])
    for number, order in enumerate(([bib, doi, cite], [cite, doi, bib], [doi, cite, bib])):
        for path in order:
            building.run(path, output=tmp_path / f"g{number}", extractions=nothing)
    building.run([bib, doi, cite], output=tmp_path / "once", extractions=nothing)
    graph = load_graph(tmp_path / "once")
    assert [(p.id, p.year, p.abstract) for p in graph.papers] == [
        ("paper:10.1000/x", 2020, "Slow Net."), ("paper:c", None, "")
    ]  # fmt: skip
    assert ("paper:c", "cites", "paper:10.1000/x") in set(graph.links())
    for number in range(3):
        assert tables(tmp_path / f"g{number}") == tables(tmp_path / "once")
    assert set(redirects(tmp_path / "g0").values()) == {"paper:10.1000/x"}
    assert redirects(tmp_path / "once") == {}


def test_a_folder_whose_records_are_lost_goes_on(papers: Path, extractions: Path, tmp_path: Path) -> None:
    building.run(papers, output=tmp_path / "graph", extractions=extractions)
    (tmp_path / "graph" / ".records").unlink()
    before = tables(tmp_path / "graph")
    building.run(papers, output=tmp_path / "graph", extractions=extractions)
    assert tables(tmp_path / "graph") == before


def test_former_ids_lead_to_what_holds_their_mentions(tmp_path: Path) -> None:
    """Three papers name one thing; what it is taken for, and so its id, changes from build to build."""
    rows = [paper(f"p{n}", f"Paper {n}", "A Fast Net is a quick one.") for n in range(3)]
    source = write(tmp_path / "papers.jsonl", rows)
    out = tmp_path / "graph"

    def build(*types: str) -> dict[str, str]:
        given = []
        for n, kind in enumerate(types):
            row = said(f"p{n}", "Fast Net")
            row["entities"][0].update(type=kind, role="mentions", id=f"{kind}-{n}")
            given.append(row)
        building.run(source, output=out, extractions=write(tmp_path / "x.jsonl", given))
        return redirects(out)

    assert build("Method", "Method", "Method") == {}
    # The majority of what the former node held decides.
    assert build("Task", "Task", "Concept") == {"method:fast-net": "task:fast-net"}
    # Redirects of redirects lead to what is there today.
    assert build("Dataset", "Dataset", "Concept") == {
        "method:fast-net": "dataset:fast-net",
        "task:fast-net": "dataset:fast-net",
    }
    # An id that is in use again leads nowhere else.
    assert build("Method", "Dataset", "Concept") == {"task:fast-net": "dataset:fast-net"}
    # What went with its papers leads nowhere.
    building.remove(out, ["p1"])
    assert redirects(out) == {}
    building.run(source, output=tmp_path / "again", extractions=tmp_path / "x.jsonl")
    building.remove(tmp_path / "again", ["p1"])
    assert tables(tmp_path / "again") == tables(out)


def test_inputs_and_the_graph_are_kept_apart(papers: Path, extractions: Path, tmp_path: Path) -> None:
    out = tmp_path / "graph"
    building.run(papers, output=out, extractions=extractions)
    for path in (out, out / "papers.parquet"):
        with pytest.raises(GraphError, match="belongs to the graph directory that is to be written"):
            building.run(path, output=out, extractions=extractions)
    before = tables(out)
    # A graph directory inside of an input folder is not read; as an input of another graph its papers are.
    (tmp_path / "folder").mkdir()
    papers.rename(tmp_path / "folder" / "papers.jsonl")
    out.rename(tmp_path / "folder" / "graph")
    report = building.run(tmp_path / "folder", output=tmp_path / "folder" / "graph", extractions=extractions)
    assert (report.read, report.skipped) == (3, ())
    assert tables(tmp_path / "folder" / "graph") == before
    other = building.run(tmp_path / "folder" / "graph", output=tmp_path / "other", extractions=extractions)
    assert [p.id for p in other.graph.papers] == ["paper:p1", "paper:p2", "paper:p3"]


def test_nothing_readable_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(ReadError, match="no paper could be read"):
        building.run(tmp_path / "empty.jsonl", output=tmp_path / "graph")
    assert not (tmp_path / "graph").exists()
    (tmp_path / "half.jsonl").write_text('{"title": "Good"}\n{"title": ')
    with pytest.raises(ReadError, match=r"half\.jsonl:2"):
        building.run(tmp_path / "half.jsonl", output=tmp_path / "graph", strict=True)
    assert not (tmp_path / "graph").exists()


def test_a_damaged_graph_directory_is_not_built_on(papers: Path, extractions: Path, tmp_path: Path) -> None:
    building.run(papers, output=tmp_path / "graph", extractions=extractions)
    (tmp_path / "graph" / "manifest.json").unlink()
    with pytest.raises(GraphError, match="--replace"):
        building.run(papers, output=tmp_path / "graph", extractions=extractions)


def test_our_own_extraction_is_incremental(some_papers: list[dict[str, Any]], tmp_path: Path) -> None:
    out = tmp_path / "graph"
    eleven = write(tmp_path / "eleven.jsonl", some_papers[:11])
    twelve = write(tmp_path / "twelve.jsonl", some_papers)
    first = building.run(eleven, output=out)
    assert (first.extracted, first.reused) == (11, 0)
    again = building.run(eleven, output=out)
    assert (again.extracted, again.reused) == (0, 11)
    more = building.run(twelve, output=out)
    assert (more.extracted, more.reused) == (1, 11)
    building.run(twelve, output=tmp_path / "once")
    assert tables(out) == tables(tmp_path / "once")
    changed = write(tmp_path / "changed.jsonl", [{**some_papers[3], "abstract": "We study BERT on GLUE."}])
    renewed = building.run(changed, output=out)
    assert (renewed.extracted, renewed.reused) == (1, 11)
    building.run(write(tmp_path / "all.jsonl", [*some_papers[:3], json.loads(changed.read_text()), *some_papers[4:]]),
                 output=tmp_path / "anew")  # fmt: skip
    assert tables(out) == tables(tmp_path / "anew")


def test_our_own_extraction_gives_the_same_bytes_with_any_jobs_and_order(
    some_papers: list[dict[str, Any]], tmp_path: Path
) -> None:
    building.run(write(tmp_path / "a.jsonl", some_papers), output=tmp_path / "one")
    building.run(write(tmp_path / "b.jsonl", some_papers[::-1]), output=tmp_path / "two", jobs=2)
    assert tables(tmp_path / "one") == tables(tmp_path / "two")


def test_given_extractions_are_kept_and_our_own_renewed_with_the_model(
    some_papers: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "graph"
    two = write(tmp_path / "two.jsonl", [{**some_papers[0], "title": "Quick Net"}, some_papers[1]])
    one = write(tmp_path / "given.jsonl", [said("t00", "Quick Net", model="")])
    building.run(two, output=out, extractions=one)
    report = building.run(two, output=out)
    assert (report.extracted, report.reused) == (1, 1)
    state = load(out)
    expected = tables(out)
    # As if an earlier version of our model had made it:
    older = [x if x.paper == "paper:t00" else StoredExtraction(paper=x.paper, model="kg-old", json=x.json)
             for x in state.extractions]  # fmt: skip
    save(out, State(**{**state.__dict__, "extractions": tuple(older), "model": "kg-old"}))
    report = building.run(two, output=out)
    assert (report.extracted, report.reused) == (1, 1)
    assert tables(out) == expected
    assert manifest(out).model == state.model
    assert report.graph.entity_by_id["method:quick-net"]


def test_a_killed_build_leaves_the_old_graph(papers: Path, extractions: Path, tmp_path: Path) -> None:
    out = tmp_path / "graph"
    started = time.monotonic()
    subprocess.run([*KG, "build", papers, "-o", tmp_path / "all", "--extractions", extractions], check=True,
                   capture_output=True)  # fmt: skip
    duration = time.monotonic() - started
    few = write(tmp_path / "few.jsonl", PAPERS[:1])
    building.run(few, output=out, extractions=write(tmp_path / "x.jsonl", SAID[:1]))
    old, new = tables(out), tables(tmp_path / "all")
    chance = random.Random(11)
    for _ in range(6):
        build = subprocess.Popen([*KG, "build", papers, "-o", out, "--extractions", extractions],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        time.sleep(duration * chance.uniform(0.3, 1.0))
        build.send_signal(signal.SIGKILL)
        build.wait()
        load_graph(out)
        assert tables(out) in (old, new)
    building.run(papers, output=out, extractions=extractions)
    assert tables(out) == new


def test_a_build_that_is_killed_while_it_extracts_goes_on_from_there(tmp_path: Path) -> None:
    papers, out = write(tmp_path / "papers.jsonl", MANY), tmp_path / "graph"
    for number in range(2):
        build = subprocess.Popen([*KG, "build", papers, "-o", out], stderr=subprocess.DEVNULL)
        kept = out / ".unfinished"
        while build.poll() is None and (not kept.exists() or kept.read_bytes().count(b"\n") < 40 * (number + 1)):
            time.sleep(0.01)
        build.send_signal(signal.SIGKILL)
        build.wait()
        assert not holds_graph(out)
    kept.write_bytes(kept.read_bytes()[:-100] + b'\n{"model": "kg-old", "text": "", "made": 3}\nnull\n{')
    told: list[tuple[str, int, int]] = []
    there = kept.read_bytes().count(b'"entities"') - 1
    made = []

    original = building.extract

    def extract(papers: Iterable[Paper], **options: Any) -> Iterator[Extraction]:
        for extraction in original(papers, **options):
            made.append(extraction.paper)
            yield extraction

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "extract", extract)
        report = building.run(papers, output=out, progress=lambda *state: told.append(state))
    assert there >= 79
    assert len(made) == 160 - there
    assert report.extracted == 160
    assert ("extract", 160, 160) in told
    assert not kept.exists()
    building.run(papers, output=tmp_path / "at-once")
    assert tables(out) == tables(tmp_path / "at-once")


def test_a_build_that_is_stopped_says_what_is_kept(tmp_path: Path) -> None:
    papers, kept = write(tmp_path / "papers.jsonl", MANY), tmp_path / "graph" / ".unfinished"
    build = subprocess.Popen(
        [*KG, "build", papers, "-o", kept.parent],
        stderr=subprocess.PIPE,
        text=True,
        # what a shell runs in the background ignores it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while build.poll() is None and not (kept.exists() and kept.stat().st_size):
        time.sleep(0.01)
    build.send_signal(signal.SIGINT)
    error = build.communicate()[1]
    assert build.returncode == 1
    assert re.fullmatch(rf"WARNING {kept}: what \d+ papers say is kept there, and the same command goes on from it\n"
                        r"\n?Aborted!\n", error)  # fmt: skip


def test_two_builds_at_a_time_of_one_folder(papers: Path, extractions: Path, tmp_path: Path) -> None:
    commands = [[*KG, "build", papers, "-o", tmp_path / "graph", "--extractions", extractions]] * 2
    builds = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    errors = [build.communicate()[1] for build in builds]
    codes = sorted(build.returncode for build in builds)
    assert codes in ([0, 0], [0, 1])  # one after the other, or refused
    for build, error in zip(builds, errors, strict=True):
        assert (build.returncode == 0) == (error == "")
        if error:
            assert f"graph: process {next(b.pid for b in builds if b is not build)} on " in error
    building.run(papers, output=tmp_path / "alone", extractions=extractions)
    assert tables(tmp_path / "graph") == tables(tmp_path / "alone")


def test_progress_is_told(papers: Path, extractions: Path, tmp_path: Path) -> None:
    told = []
    building.run(papers, output=tmp_path / "g", extractions=extractions, progress=lambda *state: told.append(state))
    assert [stage for stage, _, _ in told] == ["read", "resolve", "save"]


def test_the_public_names_load_when_asked_for() -> None:
    code = "import sys, kg; assert 'numpy' not in sys.modules; print(kg.build.__name__, kg.Graph.__name__, dir(kg))"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    assert output.stdout.startswith("build Graph ")
    assert "'load'" in output.stdout
    with pytest.raises(AttributeError):
        _ = kg.nothing  # type: ignore[attr-defined]


def test_papers_that_share_a_key_or_a_title_are_not_taken_for_renewals(tmp_path: Path) -> None:
    """Two bibliographies may have one key, and two papers one title; in one build or in two they are two papers."""
    one, other = tmp_path / "one.bib", tmp_path / "other.bib"
    one.write_text(
        "@article{smith2020, title={Growing Random Trees Quickly}, author={Smith, A.}, year={2020}}\n"
        "@misc{x, title={Introduction}, author={Jones, B.}, year={1999}}\n"
    )
    other.write_text(
        "@article{smith2020, title={Cooking Soup Without Water}, author={Smith, Z.}, year={2020}}\n"
        "@misc{y, title={Introduction}, author={Miller, C.}, year={2001}}\n"
    )
    nothing = write(tmp_path / "nothing.jsonl", [])
    building.run([one, other], output=tmp_path / "once", extractions=nothing)
    for path in (other, one, other):
        building.run(path, output=tmp_path / "again", extractions=nothing)
    assert len(load_graph(tmp_path / "once").papers) == 4
    assert tables(tmp_path / "again") == tables(tmp_path / "once")


def test_a_record_without_an_id_is_renewed_by_one_of_the_same_title(tmp_path: Path) -> None:
    nothing = write(tmp_path / "nothing.jsonl", [])
    rows = [{"title": "On Quick Nets", "abstract": "Old."}, {"title": "Other", "abstract": "Stays."}]
    building.run(write(tmp_path / "a.jsonl", rows), output=tmp_path / "graph", extractions=nothing)
    renewed = write(tmp_path / "b.jsonl", [{"title": "On Quick Nets", "abstract": "New."}])
    report = building.run(renewed, output=tmp_path / "graph", extractions=nothing)
    assert sorted(p.abstract for p in report.graph.papers) == ["New.", "Stays."]
