"""The endpoint `/sparql`: the query operation of SPARQL 1.1 Protocol, its service description, and a page to ask from.

>>> [str(triple.object) for triple in description("http://localhost/sparql") if "endpoint" in triple.predicate.value]
['<http://localhost/sparql>']
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from kg.ontology import NAMESPACES
from kg.serve.http import read_body, while_connected
from kg.serve.protocol import HTML, ROWS, TRIPLES, Format, ProtocolError, by_name, negotiate, read_request
from kg.serve.render import page
from kg.serve.state import Served, State
from kg.serve.triples import serialized
from kg.serve.workers import Answer, QueryError

if TYPE_CHECKING:
    import pyoxigraph as ox

#: What the endpoints answer to.
METHODS = ("GET", "HEAD", "OPTIONS", "POST")
#: How many rows a page shows.
SHOWN = 1000

_BODIES = "application/sparql-query, application/x-www-form-urlencoded"
_SD = "http://www.w3.org/ns/sparql-service-description#"
_FORMATS = "http://www.w3.org/ns/formats/"
_UNIQUE = ("SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV")


@dataclass(frozen=True)
class Sparql:
    """The endpoint over what is served; `services` are the hosts that queries may ask."""

    served: Served
    services: tuple[str, ...] = ()

    async def __call__(self, request: Request) -> Response:
        accept = ", ".join(request.headers.getlist("accept")) or None
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": ", ".join(METHODS), "Accept-Post": _BODIES})
        text, started = "", time.monotonic()
        state = await self.served.state()
        try:
            if request.method not in METHODS:
                raise ProtocolError(405, f"{request.method} is refused: queries come by GET or POST", _allow())
            body = await read_body(request, self.served.limits.text) if request.method == "POST" else b""
            sent = read_request(
                request.method, request.scope["query_string"], request.headers.get("content-type"), body
            )
            if sent.query is None:
                return self._front(request, accept, sent.format, state)
            text = sent.query
            formats = wanted_formats(accept, sent.format, rows=ROWS, triples=TRIPLES)
            question = {
                "query": text,
                "formats": {form: _name(chosen) for form, chosen in formats.items()},
                "rows": SHOWN,
            }
            state = await self.served.state()  # a build may have come while the body did
            answer = await while_connected(request, state.sparql.ask(question))
            chosen = formats[answer.form]
        except (ProtocolError, QueryError) as error:
            return failure(request, error, accept, template="query.html", **self._page(state, text))
        if chosen is None or chosen.name == "html":
            return page(
                request,
                "query.html",
                headers={"Vary": "Accept"},
                **self._page(state, text, answer=answer, seconds=time.monotonic() - started),
            )
        return Response(answer.body, headers={"Content-Type": chosen.content_type, "Vary": "Accept"})

    def _front(self, request: Request, accept: str | None, named: str | None, state: State) -> Response:
        """Without a query: the service description, or for people the page to ask from."""
        if request.method == "POST":
            raise ProtocolError(400, "no query: send it as the parameter query, or as the body")
        offered = (*TRIPLES, HTML)
        chosen = negotiate(accept, offered) if named is None else by_name(named, offered)
        if chosen is None:
            raise ProtocolError(406, f"the service description comes as {_types(offered)}")
        if chosen.name == "html":
            return page(request, "query.html", headers={"Vary": "Accept"}, **self._page(state, ""))
        triples = list(description(str(request.url.replace(query="")), federated=bool(self.services)))
        body = serialized(triples, chosen.name, {"formats": _FORMATS, "rdf": NAMESPACES["rdf"], "sd": _SD})
        return Response(body, headers={"Content-Type": chosen.content_type, "Vary": "Accept"})

    def _page(self, state: State, query: str, answer: Answer | None = None, seconds: float = 0.0) -> dict[str, Any]:
        return {
            "language": "SPARQL",
            "path": "/sparql",
            "query": query,
            "examples": state.examples["sparql"],
            "result": None if answer is None else json.loads(answer.body),
            "seconds": seconds,
            "downloads": () if answer is None else _downloads(answer.form),
            "error": None,
        }


def wanted_formats(
    accept: str | None, named: str | None, *, rows: tuple[Format, ...], triples: tuple[Format, ...]
) -> dict[str, Format | None]:
    """For each form of answer the format that a client wants; None where it takes none that we have for it."""
    offered = {"rows": (*rows, HTML), "boolean": (*rows, HTML), "triples": (*triples, HTML)}
    if named is None:
        return {form: negotiate(accept, formats) for form, formats in offered.items()}
    found = {form: by_name(named, formats) for form, formats in offered.items()}
    if not any(found.values()):
        known = sorted({item.name for formats in offered.values() for item in formats})
        raise ProtocolError(400, f"no format {named!r}; known: {', '.join(known)}")
    return found


def failure(
    request: Request, problem: ProtocolError | QueryError, accept: str | None, *, template: str, **data: Any
) -> Response:
    """The answer to a request that has none: one line of text, or for people the page with the error on it."""
    message = str(problem)
    headers = {"Vary": "Accept"}
    if isinstance(problem, ProtocolError):
        headers |= problem.headers
    elif problem.status == 406:
        offered = TRIPLES if message == "triples" else ROWS
        message = f"the answer comes as {_types(offered)}"
    elif problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    plain = Format("text", ("text/plain",))
    chosen = negotiate(accept, (plain, HTML))
    if chosen is not None and chosen.name == "html":
        return page(request, template, status=problem.status, headers=headers, **{**data, "error": message})
    return PlainTextResponse(f"{message}\n", problem.status, headers)


def description(endpoint: str, *, federated: bool = False) -> Iterable[ox.Triple]:
    """The service description (SPARQL 1.1 Service Description) of the endpoint at an address."""
    import pyoxigraph as ox

    def node(address: str) -> ox.NamedNode:
        return ox.NamedNode(address)

    try:
        service = node(f"{endpoint}#service")
    except ValueError:  # a Host header that is none
        endpoint = "/sparql"
        service = node("https://localhost/sparql#service")
    here = service.value.removesuffix("#service")
    kind = node(NAMESPACES["rdf"] + "type")
    dataset, graph = node(f"{here}#dataset"), node(f"{here}#graph")
    yield ox.Triple(service, kind, node(_SD + "Service"))
    yield ox.Triple(service, node(_SD + "endpoint"), node(here))
    yield ox.Triple(service, node(_SD + "supportedLanguage"), node(_SD + "SPARQL11Query"))
    for name in (*_UNIQUE, "Turtle", "N-Triples", "JSON-LD", "RDF_XML"):
        yield ox.Triple(service, node(_SD + "resultFormat"), node(_FORMATS + name))
    if federated:
        yield ox.Triple(service, node(_SD + "feature"), node(_SD + "BasicFederatedQuery"))
    yield ox.Triple(service, node(_SD + "defaultDataset"), dataset)
    yield ox.Triple(dataset, kind, node(_SD + "Dataset"))
    yield ox.Triple(dataset, node(_SD + "defaultGraph"), graph)
    yield ox.Triple(graph, kind, node(_SD + "Graph"))


def _name(chosen: Format | None) -> str | None:
    return None if chosen is None else "cells" if chosen.name == "html" else chosen.name


def _types(offered: Iterable[Format]) -> str:
    return ", ".join(item.types[0] for item in offered)


def _allow() -> Mapping[str, str]:
    return {"Allow": ", ".join(METHODS)}


def _downloads(form: str) -> tuple[str, ...]:
    return tuple(item.name for item in (TRIPLES if form == "triples" else ROWS))
