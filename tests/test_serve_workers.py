"""The processes behind the endpoints: limits to the row and byte, fences, and their replacement."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.model import StoreError
from kg.serve.child import Bounded, Outcome, receive, rows_of, send
from kg.serve.workers import Limits, Pool, QueryError
from kg.stores import views

FORMATS = {
    "json": ox.QueryResultsFormat.JSON,
    "xml": ox.QueryResultsFormat.XML,
    "csv": ox.QueryResultsFormat.CSV,
    "tsv": ox.QueryResultsFormat.TSV,
}
values = st.text(alphabet='ab",{}[]\\<>/ \n\r\t:é&', max_size=12) | st.sampled_from(
    ["},{", '"},{"', "<result>", "\r\n"]
)


def answer_of(texts: list[str], name: str) -> bytes:
    """A SELECT's answer with these values, some unbound."""
    rows = " ".join(
        f"({'UNDEF' if number % 4 == 3 else ox.Literal(text)} {number})" for number, text in enumerate(texts)
    )
    found = ox.Store().query(f"SELECT ?a ?b {{ VALUES (?a ?b) {{ {rows} }} }}")
    written: bytes = found.serialize(format=FORMATS[name])
    return written


@given(st.lists(values, max_size=12), st.sampled_from(sorted(FORMATS)), st.integers(1, 9), st.integers(0, 13))
@settings(max_examples=400)
def test_the_limit_of_rows_is_exact(texts: list[str], name: str, step: int, limit: int) -> None:
    answer = answer_of(texts, name)
    # An empty answer in JSON looks like the beginning of one row.
    if texts:
        assert rows_of(answer, name) == len(texts)
    out = Bounded(size=1 << 20, rows=limit, format=name)
    stopped = False
    try:
        for start in range(0, len(answer), step):
            out.write(answer[start : start + step])
    except Outcome as outcome:
        stopped = outcome.name == "rows"
    assert stopped == (len(texts) > limit) or (not texts and limit == 0)
    if not stopped:
        assert out.value() == answer


def test_the_limit_of_bytes_is_exact() -> None:
    out = Bounded(size=10, rows=5)
    out.write(b"0123456789")
    with pytest.raises(Outcome, match=r"^$"):
        out.write(b"x")


@given(st.dictionaries(st.text(), st.text()), st.binary())
def test_messages_come_through(header: dict[str, str], body: bytes) -> None:
    pipe = io.BytesIO()
    send(pipe, header, body)
    send(pipe, {}, b"")
    pipe.seek(0)
    assert receive(pipe) == (header, body)
    assert receive(pipe) == ({}, b"")
    assert receive(pipe) is None


def with_pool(folder: Path, engine: Any, limits: Limits, use: Callable[[Pool], Awaitable[None]]) -> None:
    with views.using(folder, engine) as path:
        with_pool_at(path, engine, limits, use)


def with_pool_at(path: Path, engine: Any, limits: Limits, use: Callable[[Pool], Awaitable[None]]) -> None:
    async def run() -> None:
        pool = Pool(engine, path, limits=limits)
        await pool.start()
        try:
            await use(pool)
        finally:
            await pool.close()

    asyncio.run(run())


def question(query: str) -> dict[str, Any]:
    return {"query": query, "formats": {"rows": "csv", "boolean": "json", "triples": "ttl"}, "rows": 10}


def test_a_process_that_ends_is_replaced(served_folder: Path) -> None:
    async def use(pool: Pool) -> None:
        for _ in range(3):
            (worker, *_) = pool._workers
            os.kill(worker._process.pid, signal.SIGKILL)
            for attempt in range(100):
                try:
                    answer = await pool.ask(question("SELECT (1 AS ?x) {}"))
                    assert answer.body == b"x\r\n1\r\n"
                    break
                except QueryError as error:
                    if attempt == 99 or error.status != 503:
                        raise
                    await asyncio.sleep(0.05)

    with_pool(served_folder, "sparql", Limits(workers=1), use)


def test_a_store_of_many_files_is_read_whole(tmp_path: Path) -> None:
    """RocksDB opens 16 tables at once and the others when they are needed, behind the fence."""
    name = ox.NamedNode
    store = ox.Store(str(tmp_path / "store"))
    for part in range(3):
        for graph in (ox.DefaultGraph(), name("http://g/")):
            store.extend(ox.Quad(name(f"http://s/{part}"), name("http://p/"), ox.Literal(n), graph) for n in range(20))
        store.flush()
    del store
    assert len(list((tmp_path / "store").glob("*.sst"))) > 16

    async def use(pool: Pool) -> None:
        for pattern in ("?s ?p ?o", "<http://s/1> ?p ?o", "?s ?p 7", "?s <http://p/> 7", "GRAPH ?g { ?s ?p ?o }"):
            answer = await pool.ask(question(f"SELECT (COUNT(*) AS ?n) {{ {pattern} }}"))
            assert int(answer.body.split()[1]) > 0

    with_pool_at(tmp_path / "store", "sparql", Limits(workers=1), use)


def test_many_at_once_get_their_own_answers(served_folder: Path) -> None:
    async def use(pool: Pool) -> None:
        async def one(number: int) -> None:
            answer = await pool.ask(question(f"SELECT ({number} AS ?x) {{}}"))
            assert answer.body == f"x\r\n{number}\r\n".encode()

        await asyncio.gather(*(one(number) for number in range(60)))

    with_pool(served_folder, "sparql", Limits(workers=2, waiting=100), use)


def test_a_caller_that_is_cancelled_takes_its_query_along(served_folder: Path) -> None:
    slow = question("SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }")

    async def use(pool: Pool) -> None:
        task = asyncio.create_task(pool.ask(slow))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        answer = await pool.ask(question("SELECT (1 AS ?x) {}"))
        assert answer.body == b"x\r\n1\r\n"

    with_pool(served_folder, "sparql", Limits(workers=1, seconds=60), use)


def test_a_store_that_cannot_be_opened(tmp_path: Path) -> None:
    async def start(engine: Any) -> None:
        await Pool(engine, tmp_path / "nothing", limits=Limits(workers=2)).start()

    for engine in ("sparql", "cypher"):
        with pytest.raises(StoreError, match="nothing"):
            asyncio.run(start(engine))


FENCED = """
import json, socket, sys
from kg.serve.child import fence, address_space, open_statm
statm = open_statm()
space = address_space(statm)
fence(space + (64 << 20), network=False)
failures = []
def attempt(name, work):
    try:
        work()
    except (OSError, MemoryError) as error:
        failures.append(name)
attempt("read", lambda: open("/etc/passwd"))
attempt("write", lambda: open(sys.argv[1], "w"))
attempt("connect", lambda: socket.socket())
attempt("memory", lambda: bytearray(200 << 20))
print(json.dumps(failures))
"""


def test_the_fence(tmp_path: Path) -> None:
    target = tmp_path / "written"
    done = subprocess.run([sys.executable, "-c", FENCED, str(target)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["read", "write", "connect", "memory"]
    assert not target.exists()


def test_a_new_process_is_ready_soon(served_folder: Path) -> None:
    async def use(pool: Pool) -> None:
        started = time.monotonic()
        await pool._add()
        assert time.monotonic() - started < 5

    with_pool(served_folder, "sparql", Limits(workers=1), use)
