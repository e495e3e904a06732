"""The pages: a thing leads to its documents by 303, a document is HTML, Turtle, JSON-LD or JSON, as linked data asks.

The path of a thing is that of its IRI (`/method/bert`); its documents are `/method/bert.html`, `.ttl`, `.jsonld` and
`.json`. Ids may hold dots and slashes: a path that is an id is that thing, whatever it ends in, and where a document's
path is itself an id the document is `/method/bert?format=html`.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from kg import draw, ontology
from kg.find import find
from kg.model import ENTITY_TYPES
from kg.serve import pages
from kg.serve.examples import START
from kg.serve.protocol import HTML, JSON, TRIPLES, Format, by_name, negotiate
from kg.serve.render import page
from kg.serve.state import Served, State

_TURTLE, _, _JSONLD, _ = TRIPLES
#: The documents of a thing, by their suffix.
DOCUMENTS = (
    Format("html", HTML.types),
    Format("ttl", _TURTLE.types),
    Format("jsonld", ("application/ld+json",)),
    Format("json", JSON.types),
)
# The picture brings its own script and style, inline; it is kept apart from everything else of this server.
_PICTURE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox"
)
_READING = {"Allow": "GET, HEAD, OPTIONS"}
_MOST_HITS = 100
_MOST_NAMED = 12
# How many pictures are kept.
_MOST_MADE = 32


@dataclass(frozen=True)
class Resources:
    """The pages over what is served."""

    served: Served

    async def start(self, request: Request) -> Response:
        """The start page."""
        if (refused := _only_reads(request)) is not None:
            return refused
        state = await self.served.state()
        return page(request, "start.html", **_overview(state))

    async def search(self, request: Request) -> Response:
        """What has a name like `q`, for people or as JSON."""
        if (refused := _only_reads(request)) is not None:
            return refused
        chosen = negotiate(request.headers.get("accept"), (HTML, JSON))
        text = request.query_params.get("q", "").strip()[:200]
        state = await self.served.state()
        hits = await asyncio.to_thread(find, state.graph, text, redirects=state.redirects) if text else []
        if chosen is not None and chosen.name == "json":
            fields = ("id", "type", "name", "papers", "match", "matched")
            return JSONResponse([{name: getattr(hit, name) for name in fields} for hit in hits[:_MOST_HITS]])
        return page(request, "search.html", text=text, hits=hits[:_MOST_HITS], total=len(hits))

    async def picture(self, request: Request) -> Response:
        """The picture of the graph, or of what is `around` an id."""
        if (refused := _only_reads(request)) is not None:
            return refused
        state = await self.served.state()
        around = request.query_params.get("around")
        if around is not None and around not in state.graph.entity_by_id and around not in state.graph.paper_by_id:
            return await self.missing(request, KeyError(around))
        html = await asyncio.to_thread(_picture, state, around)
        return HTMLResponse(html, headers={"Content-Security-Policy": _PICTURE_POLICY})

    async def node(self, request: Request) -> Response:
        """A thing, one of its documents, or where it is now."""
        if (refused := _only_reads(request)) is not None:
            return refused
        state = await self.served.state()
        identifier, named = _identifier(request), request.query_params.get("format")
        document: Format | None = None
        if identifier not in state.index and identifier not in state.redirects:
            stem, _, suffix = identifier.rpartition(".")
            document = next((item for item in DOCUMENTS if item.name == suffix), None)
            if document is None or (stem not in state.index and stem not in state.redirects):
                return await self.missing(request, KeyError(identifier))
            identifier = stem
        elif named is not None:
            document = by_name(named, DOCUMENTS)
            if document is None:
                known = ", ".join(item.name for item in DOCUMENTS)
                return PlainTextResponse(f"no format {named!r}; known: {known}\n", 400)
        if identifier not in state.index:
            now = state.redirects[identifier]
            place = _thing(request, now) if document is None else _document(request, state, now, document)
            return RedirectResponse(place, 301, {"Cache-Control": "no-cache"})
        if document is None:
            chosen = negotiate(", ".join(request.headers.getlist("accept")) or None, DOCUMENTS)
            if chosen is None:
                known = ", ".join(item.types[0] for item in DOCUMENTS)
                return PlainTextResponse(f"documents come as {known}\n", 406, {"Vary": "Accept"})
            return RedirectResponse(_document(request, state, identifier, chosen), 303, {"Vary": "Accept"})
        return await asyncio.to_thread(_show, request, state, identifier, document)

    async def missing(self, request: Request, _: Exception) -> Response:
        """404, with what may have been meant."""
        state = await self.served.state()
        identifier = request.query_params.get("around") or _identifier(request)
        known = identifier.partition(":")[0] in ontology.ID_PREFIXES
        meant = await asyncio.to_thread(pages.suggestions, state.graph, identifier) if known else []
        chosen = negotiate(request.headers.get("accept"), (Format("text", ("text/plain",)), HTML))
        if chosen is not None and chosen.name == "html":
            return page(request, "missing.html", status=404, identifier=identifier if known else "", meant=meant)
        what = f"nothing here is called {identifier}" if known else f"nothing is at {request.url.path}"
        also = f"; did you mean {', '.join(found for found, _ in meant)}?" if meant else ""
        return PlainTextResponse(f"{what}{also}\n", 404)


def _only_reads(request: Request) -> Response | None:
    """The answer to any other method than those that read."""
    if request.method in {"GET", "HEAD"}:
        return None
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=_READING)
    return PlainTextResponse(f"{request.method} is refused: pages are only read\n", 405, _READING)


def _identifier(request: Request) -> str:
    """The id that a path names: everything behind the prefix is the name, slashes too."""
    root = request.scope.get("root_path", "").rstrip("/")
    prefix, _, local = request.scope["path"].removeprefix(root).lstrip("/").partition("/")
    return f"{prefix}:{local}"


def _thing(request: Request, identifier: str) -> str:
    return ontology.iri(identifier, request.scope.get("root_path", "").rstrip("/") + "/")


def _document(request: Request, state: State, identifier: str, document: Format) -> str:
    """The address of a document."""
    thing = _thing(request, identifier)
    if f"{identifier}.{document.name}" in state.index:
        return f"{thing}?format={document.name}"
    return f"{thing}.{document.name}"


def _show(request: Request, state: State, identifier: str, document: Format) -> Response:
    """A document of a thing."""
    part = state.index.part(identifier)
    addresses = {item.name: _document(request, state, identifier, item) for item in DOCUMENTS}
    links = [f'<{_thing(request, identifier)}>; rel="describes"']
    links += [
        f'<{addresses[item.name]}>; rel="alternate"; type="{item.types[0]}"' for item in DOCUMENTS if item != document
    ]
    headers = {"Link": ", ".join(links), "Content-Type": document.content_type}
    if document.name == "ttl":
        return Response(pages.to_turtle(part, identifier), headers=headers)
    if document.name == "jsonld":
        return Response(pages.to_jsonld(part, identifier), headers=headers)
    if document.name == "json":
        found = pages.to_json(part, identifier, state.redirects)
        return Response(json.dumps(found, ensure_ascii=False, indent=1).encode(), headers=headers)
    former = sorted(former for former, now in state.redirects.items() if now == identifier)
    about = pages.about(part, identifier, former=former)
    return page(
        request,
        "node.html",
        headers={"Link": headers["Link"]},
        about=about,
        documents=addresses,
        drawable=identifier in state.graph.entity_by_id or identifier in state.graph.paper_by_id,
        iri=ontology.iri(identifier),
    )


def _picture(state: State, around: str | None) -> str:
    key = f"picture {around or ''}"
    if key not in state.made:
        title = "Knowledge graph" if around is None else pages.name_of(state.graph, around)
        made = draw.page(state.graph, draw.choose(state.graph, around=around), title=title)
        if len(state.made) >= _MOST_MADE:
            state.made.clear()
        state.made[key] = made
    return state.made[key]


def _overview(state: State) -> dict[str, Any]:
    """What the start page shows."""
    graph = state.graph
    by_type = Counter(entity.type for entity in graph.entities)
    named = {
        kind: sorted((e for e in graph.entities if e.type == kind), key=lambda e: (-e.papers, e.id))[:_MOST_NAMED]
        for kind in ENTITY_TYPES
    }
    return {
        "counts": {
            "papers": len(graph.papers),
            **{f"{kind.lower()}s": by_type[kind] for kind in ENTITY_TYPES},
            "statements": len(graph.statements),
            "results": len(graph.results),
        },
        "named": named,
        "sparql": state.examples["sparql"][: len(START)],
        "cypher": state.examples["cypher"][: len(START)],
    }
