"""`/cypher` over real HTTP: rows come out, nothing but reading is possible, and what runs wild is stopped."""

from __future__ import annotations

import concurrent.futures
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

SMALL = "MATCH (m:Method) RETURN m.id AS id ORDER BY id LIMIT 2"


def ask(client: httpx.Client, query: str, parameters: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
    body = {"query": query} if parameters is None else {"query": query, "parameters": parameters}
    return client.post("/cypher", json=body, headers=headers)


def test_rows(served: httpx.Client) -> None:
    answer = ask(served, SMALL)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"columns": ["id"], "rows": [["method:method0"], ["method:method1"]]}


def test_parameters_and_values(served: httpx.Client) -> None:
    query = "MATCH (m:Method {id: $id})-[r:EVALUATED_ON]->(d) RETURN m, r, d.id, "
    query += "$p1 AS p1, $p2 AS p2, $p3 AS p3, $p4 AS p4, $p5 AS p5"
    given = {"id": "method:method1", "p1": [1, 2], "p2": "é'\"\\", "p3": 0.5, "p4": None, "p5": True}
    (row,) = ask(served, query, given).json()["rows"]
    assert row[0]["id"] == "method:method1"
    assert row[0]["name"] == "Method1"
    assert row[1]["type"] == "EVALUATED_ON"
    assert "We use Method1 on Data1." in row[1]["sentence"]
    assert row[2:] == ["dataset:data1", [1, 2], "é'\"\\", 0.5, None, True]


def test_numbers_that_json_has_not(served: httpx.Client) -> None:
    assert ask(served, "RETURN 1.0/0.0 AS x, [0.0/0.0] AS y, 1 AS z").json()["rows"][0][2] == 1


def test_a_page_to_ask_from(served: httpx.Client) -> None:
    browser = {"Accept": "text/html"}
    assert "<textarea" in served.get("/cypher", headers=browser).text
    page = served.get("/cypher", params={"query": SMALL}, headers=browser)
    assert '<a href="/method/method0">method:method0</a>' in page.text
    wrong = served.get("/cypher", params={"query": "RETURN '<b>' AS"}, headers=browser)
    assert (wrong.status_code, "<b>" in wrong.text) == (400, False)
    assert served.get("/cypher", params={"query": SMALL}).json()["rows"] == [["method:method0"], ["method:method1"]]


@pytest.mark.parametrize(
    "query",
    [
        "COPY (MATCH (m:Method) RETURN m.id) TO '{folder}/out.csv'",
        "EXPORT DATABASE '{folder}/out'",
        "LOAD FROM '{folder}/secret.csv' RETURN *",
        "LOAD FROM '{folder}/secret.csv' (file_format='csv', header=false) RETURN *",
        "MATCH (m:Method) LOAD FROM '{folder}/secret.csv' RETURN *",
        "CREATE (:Method {{id: 'method:evil'}})",
        "MATCH (m:Method) SET m.name = 'evil'",
        "MATCH (m:Method) DETACH DELETE m",
        "MATCH (m:Method) RETURN m.id; MATCH (m:Method) RETURN m.id",
        "RETURN 1; COPY (MATCH (m:Method) RETURN m.id) TO '{folder}/out.csv'",
        "INSTALL httpfs",
        "LOAD EXTENSION httpfs",
        "ATTACH '{folder}/x' AS x (dbtype duckdb)",
        "CALL timeout=0",
        "CALL current_setting('threads') RETURN *",
        "CALL threads=8",
        "CREATE MACRO evil(x) AS x",
        "DROP TABLE Method",
        "BEGIN TRANSACTION",
        "EXPLAIN MATCH (m:Method) RETURN m",
        "PROFILE MATCH (m:Method) RETURN m",
        "CHECKPOINT",
        "IMPORT DATABASE '{folder}'",
        "CALL file_info() RETURN *",
        "CALL storage_info('Method') RETURN *",
    ],
)
def test_only_reading_is_possible(served: httpx.Client, tmp_path: Path, query: str) -> None:
    (tmp_path / "secret.csv").write_text("top,secret\n")
    answer = ask(served, query.format(folder=tmp_path))
    assert answer.status_code == 400, answer.text
    assert "secret" not in answer.text.replace("secret.csv", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret.csv"]
    assert ask(served, SMALL).json()["rows"] == [["method:method0"], ["method:method1"]]


def test_what_is_no_question(served: httpx.Client) -> None:
    def status(content: bytes, kind: str = "application/json") -> int:
        return served.post("/cypher", content=content, headers={"Content-Type": kind}).status_code

    assert status(b"{") == 400
    assert status(b"[]") == 400
    assert status(b'{"query": 1}') == 400
    assert status(b'{"query": ""}') == 400
    assert status(b'{"query": "RETURN 1", "params": {}}') == 400
    assert status(b'{"query": "RETURN 1", "parameters": []}') == 400
    assert status(b'{"query": "RETURN $x AS x"}') == 400
    assert status(b"[" * 100_000) == 400
    assert status(b'{"query": "RETURN 1 AS x"}', "text/plain") == 415
    assert status(b'{"query": "' + b"x" * 2_000_000 + b'"}') == 413
    assert served.get("/cypher").status_code == 400
    assert served.put("/cypher").status_code == 405
    assert served.options("/cypher").headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert served.post("/cypher", json={"query": "RETURN 1"}, headers={"Accept": "text/csv"}).status_code == 406
    mistake = ask(served, "MATCH (m:Method RETURN m")
    assert (mistake.status_code, "line 1" in mistake.text) == (400, True)


def ask_until_free(served: httpx.Client, query: str) -> httpx.Response:
    """As a client does: asked again where the answer is to try again in a moment."""
    while True:
        answer = ask(served, query)
        if answer.status_code != 503 or "retry-after" not in answer.headers:
            return answer
        time.sleep(0.1)


EVIL = {
    "long range": ("UNWIND range(1, 100000000000) AS x RETURN count(x)", {400, 503, 504}),
    "ten million rows": ("UNWIND range(1, 10000000) AS x RETURN x", {503, 504}),
    "cross product": (
        "MATCH (a),(b),(c),(d) WITH a.id + b.id + c.id + d.id AS x RETURN x ORDER BY x LIMIT 2",
        {503, 504},
    ),
    "count of a cross product": ("MATCH (a),(b),(c),(d) WHERE a.id + b.id < c.id + d.id RETURN count(*)", {503, 504}),
    "large text": ("UNWIND range(1, 1000) AS x RETURN repeat('x', 100000) AS y", {503}),
    "collect": ("MATCH (a),(b),(c) RETURN collect(a.id + b.id + c.id) AS x", {503, 504}),
    "long walks": ("MATCH (a)-[*1..30]-(b) RETURN count(*)", {503, 504}),
}


@pytest.mark.parametrize("name", EVIL)
def test_evil_queries_end_in_time_and_others_go_on(served: httpx.Client, name: str) -> None:
    query, statuses = EVIL[name]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        started = time.monotonic()
        evil = pool.submit(ask, served, query)
        time.sleep(0.3)
        waited = []
        for _ in range(5):
            before = time.monotonic()
            assert ask_until_free(served, SMALL).status_code == 200
            waited.append(time.monotonic() - before)
        answer = evil.result(timeout=20)
        took = time.monotonic() - started
    assert answer.status_code in statuses, answer.text
    assert took < 3 + 3
    assert sorted(waited)[2] < 1.5
    assert ask_until_free(served, SMALL).status_code == 200
