"""The graph directory: what is saved is loaded, whole or not at all, whoever is killed or writes meanwhile."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.directory import (
    COVERED,
    FORMAT,
    OPTIONAL,
    TABLES,
    State,
    StoredExtraction,
    StoredRecord,
    load,
    load_graph,
    manifest,
    redirects,
    save,
    writing,
)
from kg.graph import Graph
from kg.model import (
    CatalogueLink,
    Entity,
    EntityMention,
    Evidence,
    GraphError,
    Merge,
    Paper,
    ReportedResult,
    Statement,
)

ROOT = Path(__file__).parents[1]

#: DESIGN section 4.
COLUMNS = {
    "papers": "paper title abstract authors year venue doi arxiv_id url keywords cites source content_hash",
    "extractions": "paper model json",
    "entities": "entity type name aliases broader same_as papers",
    "mentions": "paper extracted entity type start end text score",
    "statements": "subject predicate object confidence support negated",
    "evidence": "subject predicate object paper start end score extractor negated hedged",
    "results": "result paper value number unit method task dataset metric start end note score",
    "merges": "entity merged_name rule score decided_by",
    "links": "entity target match score rule name label catalogue",
    "redirects": "former_id entity",
}


def small_state(name: str, papers: int = 30) -> State:
    """A state that fills every table and differs from one of another name in every row."""
    texts = [Paper(id=f"paper:{name}{n:03}", title=f"{name} {n}", abstract="Says so.") for n in range(papers)]
    node = Entity(id=f"method:{name}", type="Method", name=name, aliases=("B", "C"), papers=papers)
    seen = [Evidence(paper=p.id, start=0, end=1, score=0.5, extractor="x") for p in texts]
    denied = [Evidence(paper=p.id, start=0, end=2, score=0.25, extractor="x", negated=True, hedged=True) for p in texts]
    statements = (
        Statement(subject=node.id, predicate="used_for", object=f"task:{name}", evidence=tuple(seen)),
        Statement(subject=node.id, predicate="used_for", object=f"task:{name}", negated=True, evidence=tuple(denied)),
    )
    result = ReportedResult(id=f"result:{name}", paper=texts[0].id, value="5 %", number=5.0, start=0, end=1)
    return State(
        graph=Graph(
            papers=tuple(texts),
            entities=(node,),
            statements=statements,
            results=(result,),
            mentions=tuple(
                EntityMention(paper=p.id, extracted="e1", entity=node.id, type="Method", start=0, end=1, text=name[:1])
                for p in texts
            ),
            merges=(Merge(entity=node.id, merged_name="B", rule="plural", score=0.9),),
            catalogue_links=(
                CatalogueLink(
                    entity=node.id,
                    target="https://x.org/1",
                    match="exact",
                    score=0.9,
                    rule="case",
                    name=name,
                    label="C",
                    catalogue="c",
                ),
            ),
        ),
        extractions=tuple(StoredExtraction(paper=p.id, model="m", json=json.dumps({"id": p.id})) for p in texts),
        redirects={f"method:old-{name}": node.id},
        records=tuple(StoredRecord(paper=p.id, record=p.title) for p in texts),
        model="m",
        vocabulary=f"v-{name}",
    )


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != ".lock"}


@contextmanager
def running(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Python code with this file's names in a process of its own; what still runs at the end is killed."""
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\nfrom test_directory import *\n{code}"
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    """The next line that a process writes."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture(scope="module")
def states() -> tuple[State, State]:
    return small_state("a"), small_state("b")


def test_a_saved_graph_loads_as_it_was(gold_graph: Graph, tmp_path: Path) -> None:
    save(tmp_path / "graph", State(graph=gold_graph))
    assert load_graph(tmp_path / "graph") == gold_graph


def test_a_saved_state_loads_as_it_was(states: tuple[State, State], tmp_path: Path) -> None:
    save(tmp_path, states[0])
    assert load(tmp_path) == states[0]
    assert redirects(tmp_path) == {"method:old-a": "method:a"}


def test_an_empty_graph_has_all_tables(tmp_path: Path) -> None:
    save(tmp_path, State())
    assert load_graph(tmp_path) == Graph()
    assert {path.stem for path in tmp_path.glob("*.parquet")} == set(COLUMNS) - set(OPTIONAL)


wild_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=50)
@given(names=st.lists(wild_text, max_size=4), title=wild_text, year=st.none() | st.integers(-5, 3000))
def test_any_text_survives(
    names: list[str], title: str, year: int | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    paper = Paper(id="paper:1", title=title, abstract=title[::-1], authors=tuple(names), year=year, venue=title or None)
    entity = Entity(id="method:x", type="Method", name=title, aliases=tuple(names), papers=1)
    graph = Graph(papers=(paper,), entities=(entity,))
    folder = tmp_path_factory.mktemp("wild")
    save(folder, State(graph=graph))
    assert load_graph(folder) == graph


def test_columns_are_those_of_the_design(states: tuple[State, State], tmp_path: Path) -> None:
    save(tmp_path, states[0])
    for table, columns in COLUMNS.items():
        assert pq.read_schema(tmp_path / f"{table}.parquet").names == columns.split()


def test_the_docs_tell_the_types_of_the_columns(states: tuple[State, State], tmp_path: Path) -> None:
    save(tmp_path, states[0])
    text = (ROOT / "docs" / "graph-directory.md").read_text("utf-8")
    documented = {}
    for section in text.split("\n## ")[1:]:
        name, _, body = section.partition("\n")
        if rows := re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", body, flags=re.MULTILINE):
            documented[name] = dict(rows)
    found = {}
    for table in COLUMNS:
        schema = pq.read_schema(tmp_path / f"{table}.parquet")
        words = {"list<element: string not null>": "[string]"}
        found[table] = {
            field.name: words.get(str(field.type), str(field.type)) + (", null" if field.nullable else "")
            for field in schema
        }
    assert documented == found


def test_rows_are_sorted_by_their_columns(gold_graph: Graph, tmp_path: Path) -> None:
    save(tmp_path, State(graph=gold_graph))
    for table in (table for table in COVERED if table not in OPTIONAL):
        rows = [tuple(row.values()) for row in pq.read_table(tmp_path / f"{table}.parquet").to_pylist()]
        first_column = [row[0] for row in rows]
        assert first_column == sorted(first_column)
        if table in ("mentions", "evidence", "merges"):
            assert rows == sorted(rows)
        if table == "statements":
            assert [row[:3] for row in rows] == sorted(row[:3] for row in rows)


def test_the_bytes_depend_on_the_state_only(states: tuple[State, State], tmp_path: Path) -> None:
    save(tmp_path / "one", states[0])
    save(tmp_path / "two", states[1])
    save(tmp_path / "two", states[0])
    code = f"save({str(tmp_path / 'three')!r}, small_state('a'))"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run(
        [sys.executable, "-c", f"from test_directory import *\n{code}"], check=True, env=environment, cwd=tmp_path
    )
    assert files(tmp_path / "one") == files(tmp_path / "two") == files(tmp_path / "three")


def test_files_hold_nothing_of_pandas_or_arrow(states: tuple[State, State], tmp_path: Path) -> None:
    save(tmp_path, states[0])
    for table in COLUMNS:
        assert pq.read_metadata(tmp_path / f"{table}.parquet").metadata is None


def test_the_manifest_counts_rows_and_leaves_redirects_out(states: tuple[State, State], tmp_path: Path) -> None:
    save(tmp_path, states[0])
    found = manifest(tmp_path)
    assert (found.format, found.model, found.vocabulary) == (FORMAT, "m", "v-a")
    assert found.counts == {
        "papers": 30, "extractions": 30, "entities": 1, "mentions": 30, "statements": 2, "evidence": 60, "results": 1,
        "merges": 1, "links": 1,
    }  # fmt: skip
    assert set(found.sha256) == set(TABLES) - {"redirects"}
    first = found.hash
    save(tmp_path, State(**{**states[0].__dict__, "redirects": {}}))
    assert manifest(tmp_path).hash == first


def test_decisions_and_views_are_left_alone(states: tuple[State, State], tmp_path: Path) -> None:
    (tmp_path / ".views" / "x").mkdir(parents=True)
    (tmp_path / ".views" / "x" / "view").write_text("view")
    (tmp_path / "decisions.jsonl").write_text('{"decision": "drop"}\n')
    save(tmp_path, states[0])
    save(tmp_path, states[1])
    assert (tmp_path / "decisions.jsonl").read_text() == '{"decision": "drop"}\n'
    assert (tmp_path / ".views" / "x" / "view").read_text() == "view"


def test_a_folder_without_a_graph_says_how_to_make_one(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(GraphError, match=r"no graph here: make one with kg build INPUT -o "):
            load_graph(folder)
    (tmp_path / "file").write_text("x")
    with pytest.raises(GraphError, match="is a file, a graph is a directory"):
        load_graph(tmp_path / "file")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("table", COVERED)
@pytest.mark.parametrize("damage", ["cut", "flipped", "missing", "empty", "replaced"])
def test_damage_is_told(table: str, damage: str, states: tuple[State, State], tmp_path: Path) -> None:
    save(tmp_path, states[0])
    path = tmp_path / f"{table}.parquet"
    content = path.read_bytes()
    middle = len(content) // 2
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(
            {
                "cut": content[:middle],
                "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
                "empty": b"",
                "replaced": (tmp_path / "redirects.parquet").read_bytes(),
            }[damage]
        )
    with pytest.raises(GraphError) as caught:
        load(tmp_path)
    assert f"damaged, {table}.parquet" in str(caught.value)
    assert "--replace" in str(caught.value)
    assert "\n" not in str(caught.value)
    save(tmp_path, states[0])
    assert load(tmp_path) == states[0]


def test_a_damaged_manifest_is_told(states: tuple[State, State], tmp_path: Path) -> None:
    save(tmp_path, states[0])
    for content in ("", "{", "[]", "{}x", '{"format": 1}', '{"format": 1, "model": "m"}'):
        (tmp_path / "manifest.json").write_text(content)
        with pytest.raises(GraphError, match=r"damaged, manifest\.json cannot be understood: build it again"):
            load_graph(tmp_path)
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(GraphError, match=r"damaged, manifest\.json is missing"):
        load_graph(tmp_path)


def test_another_format_says_what_to_do(states: tuple[State, State], tmp_path: Path) -> None:
    save(tmp_path, states[0])
    content = json.loads((tmp_path / "manifest.json").read_text())
    for version, advice in ((FORMAT - 1, "--replace"), (FORMAT + 1, "update kg-papers")):
        (tmp_path / "manifest.json").write_text(json.dumps({**content, "format": version}))
        with pytest.raises(GraphError, match=f"has format {version}.*{advice}"):
            load_graph(tmp_path)


HOLD_THE_LOCK = "with writing(sys.argv[1]):\n  print('held', flush=True)\n  time.sleep(60)"


def test_a_second_writer_is_refused_with_the_first_ones_process(states: tuple[State, State], tmp_path: Path) -> None:
    with running(HOLD_THE_LOCK, str(tmp_path)) as holder:
        assert said(holder) == "held"
        with pytest.raises(GraphError, match=f"process {holder.pid} on .* is writing it"):
            save(tmp_path, states[0])
    save(tmp_path, states[0])  # the lock of a killed process is free
    assert load(tmp_path) == states[0]


def test_a_second_writer_of_the_same_process_is_refused(states: tuple[State, State], tmp_path: Path) -> None:
    with writing(tmp_path), pytest.raises(GraphError, match=f"process {os.getpid()} on"):
        save(tmp_path, states[0])
    save(tmp_path, states[0])


def test_a_worker_that_outlives_its_parent_does_not_keep_the_lock(states: tuple[State, State], tmp_path: Path) -> None:
    code = (
        "import multiprocessing\n"
        "with writing(sys.argv[1]):\n"
        "  worker = multiprocessing.get_context('fork').Process(target=time.sleep, args=(5,))\n"
        "  worker.start()\n"
        "  print(worker.pid, flush=True)\n"
        "  time.sleep(60)"
    )
    with running(code, str(tmp_path)) as parent:
        worker = int(said(parent))
        parent.kill()
        parent.wait()
        os.kill(worker, 0)  # it lives
        save(tmp_path, states[0])
        os.kill(worker, signal.SIGKILL)


def test_a_failed_first_build_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), writing(tmp_path / "new" / "graph"):
        raise RuntimeError("something else")
    assert not (tmp_path / "new").exists()


KILLED_AT_RENAME = """
wanted, count = int(sys.argv[2]), 0
def on_rename(event, arguments):
    global count
    if event == "os.rename":
        count += 1
        if count == wanted:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(on_rename)
save(sys.argv[1], small_state("b"))
"""


@pytest.mark.parametrize("rename", range(1, 15))
def test_a_writer_killed_at_any_rename_leaves_one_state(
    rename: int, states: tuple[State, State], tmp_path: Path
) -> None:
    """The first rename is the commit, the other twelve move the files to their places."""
    save(tmp_path, states[0])
    with running(KILLED_AT_RENAME, str(tmp_path), str(rename)) as process:
        assert process.wait(60) == (-signal.SIGKILL if rename <= 13 else 0)
    expected = states[0] if rename == 1 else states[1]
    assert load(tmp_path) == expected
    assert set(files(tmp_path)) == {*(f"{table}.parquet" for table in TABLES), ".records", "manifest.json"}
    save(tmp_path, states[0])
    assert {path.name for path in tmp_path.iterdir()} == {*files(tmp_path), ".lock"}


def test_a_reader_who_may_not_write_sees_the_committed_state(states: tuple[State, State], tmp_path: Path) -> None:
    save(tmp_path, states[0])
    with running(KILLED_AT_RENAME, str(tmp_path), "5") as process:
        process.wait(60)
    lock_only = "import fcntl\nf = open(sys.argv[1] + '/.lock')\nfcntl.flock(f, fcntl.LOCK_EX)\n"
    with running(lock_only + "print('held', flush=True)\ntime.sleep(60)", str(tmp_path)) as holder:
        assert said(holder) == "held"
        assert load(tmp_path) == states[1]  # read from two folders
        assert (tmp_path / ".pending").is_dir()


WRITE_FOR_EVER = """
a, b = small_state("a"), small_state("b")
print("go", flush=True)
while True:
    save(sys.argv[1], a)
    save(sys.argv[1], b)
"""


def test_writers_killed_at_any_time_leave_one_state(states: tuple[State, State], tmp_path: Path) -> None:
    save(tmp_path, states[0])
    chance = random.Random(5)
    for _ in range(5):
        with running(WRITE_FOR_EVER, str(tmp_path)) as writer:
            assert said(writer) == "go"
            time.sleep(0.05 + chance.random() / 5)
        assert load(tmp_path) in states


READ_FOR_A_WHILE = """
a, b, seen = small_state("a").graph, small_state("b").graph, []
print("go", flush=True)
until = time.monotonic() + 2
while time.monotonic() < until or (len(set(seen)) < 2 and time.monotonic() < until + 60):  # the machine may be busy
    graph = load_graph(sys.argv[1])
    assert graph in (a, b)
    seen.append(graph == a)
print(len(seen), seen.count(True))
"""


def test_readers_never_see_a_mixture(states: tuple[State, State], tmp_path: Path) -> None:
    save(tmp_path, states[0])
    written = 0
    with running(READ_FOR_A_WHILE, str(tmp_path)) as one, running(READ_FOR_A_WHILE, str(tmp_path)) as other:
        assert said(one) == said(other) == "go"
        while one.poll() is None or other.poll() is None:
            written += 1
            save(tmp_path, states[written % 2])
        reads = of_the_first = 0
        for reader in (one, other):
            output, errors = reader.communicate()
            assert reader.returncode == 0, errors
            reads, of_the_first = reads + int(output.split()[0]), of_the_first + int(output.split()[1])
    assert 0 < of_the_first < reads
    assert written > 10


def test_a_full_disk_leaves_the_old_state(states: tuple[State, State], tmp_path: Path) -> None:
    save(tmp_path, states[0])
    before = files(tmp_path)
    code = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "try: save(sys.argv[1], small_state('b'))\n"
        "except GraphError as error: print(error)"
    )
    with running(code, str(tmp_path)) as process:
        output, errors = process.communicate(timeout=60)
    assert "cannot be written (File too large); it is as it was" in output, errors
    assert files(tmp_path) == before
    assert not (tmp_path / ".staging").exists()


def test_a_place_that_cannot_be_written_is_told(states: tuple[State, State], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(GraphError, match=r"cannot be written.*choose another folder"):
        save(tmp_path / "file" / "graph", states[0])
