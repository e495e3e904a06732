"""The endpoint `/cypher`: a JSON object with a query and its parameters comes in, rows go out as JSON.

>>> read_question(b'{"query": "RETURN $x AS x", "parameters": {"x": 1}}')
('RETURN $x AS x', {'x': 1})
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from kg.serve.http import read_body, while_connected
from kg.serve.protocol import HTML, JSON, ProtocolError, negotiate, parse_form, parse_media_type
from kg.serve.render import page
from kg.serve.sparql import METHODS, SHOWN, failure
from kg.serve.state import Served, State
from kg.serve.workers import Answer, QueryError


@dataclass(frozen=True)
class Cypher:
    """The endpoint over what is served."""

    served: Served

    async def __call__(self, request: Request) -> Response:
        accept = ", ".join(request.headers.getlist("accept")) or None
        if request.method == "OPTIONS":
            headers = {"Allow": ", ".join(METHODS), "Accept-Post": "application/json"}
            return Response(status_code=204, headers=headers)
        text, started = "", time.monotonic()
        state = await self.served.state()
        try:
            if request.method not in METHODS:
                allow = {"Allow": ", ".join(METHODS)}
                raise ProtocolError(405, f"{request.method} is refused: queries come by POST or GET", allow)
            chosen = negotiate(accept, (JSON, HTML))
            if chosen is None:
                raise ProtocolError(406, "answers come as application/json")
            asked = await self._question(request)
            if asked is None:
                if chosen.name == "html":
                    return page(request, "query.html", headers={"Vary": "Accept"}, **_page(state, ""))
                raise ProtocolError(400, 'no query: POST {"query": "MATCH …", "parameters": {}} as application/json')
            text, parameters = asked
            question = {"query": text, "parameters": parameters}
            state = await self.served.state()  # a build may have come while the body did
            answer = await while_connected(request, state.cypher.ask(question))
        except (ProtocolError, QueryError) as error:
            return failure(request, error, accept, template="query.html", **_page(state, text))
        if chosen.name == "html":
            content = _page(state, text, answer=answer, seconds=time.monotonic() - started)
            return page(request, "query.html", headers={"Vary": "Accept"}, **content)
        return Response(answer.body, headers={"Content-Type": "application/json", "Vary": "Accept"})

    async def _question(self, request: Request) -> tuple[str, dict[str, Any]] | None:
        if request.method != "POST":
            queries = parse_form(request.scope["query_string"]).get("query", [])
            return (queries[0], {}) if queries and queries[0].strip() else None
        body = await read_body(request, self.served.limits.text)
        media, _ = parse_media_type(request.headers.get("content-type", ""))
        if media != "application/json":
            raise ProtocolError(415, "a query is sent as application/json", {"Accept-Post": "application/json"})
        return read_question(body)


def read_question(body: bytes) -> tuple[str, dict[str, Any]]:
    """The query and the parameters that a request holds; raises ProtocolError."""
    try:
        question = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(400, f"the body is not JSON: {error}") from None
    if not isinstance(question, dict) or not isinstance(question.get("query"), str):
        raise ProtocolError(400, 'the body should be {"query": "MATCH …", "parameters": {}}')
    unknown = sorted(question.keys() - {"query", "parameters"})
    if unknown:
        raise ProtocolError(400, f"unknown field {unknown[0]!r}; known: parameters, query")
    parameters = {} if question.get("parameters") is None else question["parameters"]
    if not isinstance(parameters, dict):
        raise ProtocolError(400, "parameters should be an object: names and values")
    return question["query"], parameters


def _page(state: State, query: str, answer: Answer | None = None, seconds: float = 0.0) -> dict[str, Any]:
    result = None
    if answer is not None:
        rows = json.loads(answer.body)
        cells = [[None if value is None else _cell(value) for value in row] for row in rows["rows"][:SHOWN]]
        result = {"columns": rows["columns"], "rows": cells, "more": len(rows["rows"]) > SHOWN}
    return {
        "language": "Cypher",
        "path": "/cypher",
        "query": query,
        "examples": state.examples["cypher"],
        "result": result,
        "seconds": seconds,
        "downloads": (),
        "error": None,
    }


def _cell(value: Any) -> dict[str, str]:
    """A value as a cell of the page: an id where it is one or belongs to a node."""
    if isinstance(value, dict) and isinstance(value.get("id"), str):
        return {"type": "id", "value": value["id"]}
    if isinstance(value, str):
        return {"type": "literal", "value": value, "datatype": ""}
    return {"type": "literal", "value": json.dumps(value, ensure_ascii=False), "datatype": "number"}
