"""The server as one ASGI application: `create_app(directory)`; `kg serve` runs it.

>>> import asyncio, httpx, tempfile
>>> from kg.directory import State, save
>>> from kg.graph import Graph
>>> from kg.model import Paper
>>> async def look(folder, path):
...     app = create_app(folder, limits=Limits(workers=1))
...     client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kg")
...     async with app.router.lifespan_context(app), client:
...         answer = await client.get(path, headers={"Accept": "text/html"})
...         return answer.status_code, answer.headers.get("location")
>>> with tempfile.TemporaryDirectory() as folder:
...     save(folder, State(graph=Graph(papers=(Paper(id="paper:1", title="On GLUE"),))))
...     asyncio.run(look(folder, "/paper/1"))
(303, '/paper/1.html')
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Collection
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from kg import ontology
from kg.serve.cypher import Cypher
from kg.serve.http import Endpoint, Guarded
from kg.serve.render import STATIC, static
from kg.serve.resources import Resources
from kg.serve.sparql import Sparql
from kg.serve.state import Served
from kg.serve.workers import DEFAULTS, Limits


def create_app(
    directory: str | Path,
    *,
    limits: Limits = DEFAULTS,
    allow_service: Collection[str] = (),
    token: str | None = None,
) -> Starlette:
    """What serves a graph directory: `/sparql`, `/cypher`, a page for each id, search, and a start page.

    `allow_service` holds the hosts (HOST or HOST:PORT) that `SERVICE` may ask. With a `token`, every request must
    bring it. The directory is read when the server starts, and again when a build has changed it.
    """
    served = Served(directory, limits=limits, services=allow_service)
    resources = Resources(served)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await served.state()
        try:
            yield
        finally:
            await served.close()

    routes = [
        Route("/", Endpoint(resources.start)),
        Route("/sparql", Endpoint(Sparql(served, tuple(allow_service)))),
        Route("/cypher", Endpoint(Cypher(served))),
        Route("/search", Endpoint(resources.search)),
        Route("/picture", Endpoint(resources.picture)),
        *(Route(f"/static/{name}", Endpoint(static)) for name in STATIC),
        *(Route(f"/{prefix}/{{local:path}}", Endpoint(resources.node)) for prefix in ontology.ID_PREFIXES),
    ]
    middleware = [
        Middleware(
            CORSMiddleware,
            allow_origins=["*"],
            allow_methods=["GET", "HEAD", "POST", "OPTIONS"],
            allow_headers=["Accept", "Authorization", "Content-Type"],
            expose_headers=["Link", "Location", "Retry-After"],
            max_age=86400,
        ),
        Middleware(Guarded, token=token),
    ]
    return Starlette(
        routes=routes, middleware=middleware, lifespan=lifespan, exception_handlers={404: resources.missing}
    )
