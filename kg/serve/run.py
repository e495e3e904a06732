"""Runs the server until it is told to stop.

>>> with bind("127.0.0.1", 0) as listener:
...     listener.getsockname()[0]
'127.0.0.1'
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Collection
from pathlib import Path

import uvicorn

from kg.model import KGError
from kg.serve.app import create_app
from kg.serve.workers import DEFAULTS, Limits

# uvicorn answers 400 to addresses and headers that are longer; the right answer to those that are too long, but not as
# long, is ours (`kg.serve.http`).
_MOST_HEAD = 1 << 20


def run(
    directory: str | Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits = DEFAULTS,
    allow_service: Collection[str] = (),
    token: str | None = None,
    ready: Callable[[str], None] | None = None,
    log: bool = False,
) -> None:
    """Serve a graph directory over HTTP; `ready` is called with the address when it can be used.

    Raises KGError, before anything is served, when the directory or the address cannot be used. Port 0 is a free one.
    """
    app = create_app(directory, limits=limits, allow_service=allow_service, token=token)
    listener = bind(host, port)
    config = uvicorn.Config(
        app,
        log_level="info" if log else "warning",
        access_log=log,
        server_header=False,
        lifespan="off",
        h11_max_incomplete_event_size=_MOST_HEAD,
    )

    async def serve() -> None:
        # Not uvicorn's lifespan: it would turn an error of ours into a traceback.
        async with app.router.lifespan_context(app):
            try:
                listener.listen(128)
            except OSError as error:  # another program was faster, while the graph was read
                raise _taken(host, port, error) from None
            if ready is not None:
                name, number = listener.getsockname()[:2]
                ready(f"http://{f'[{name}]' if ':' in name else name}:{number}/")
            await uvicorn.Server(config).serve(sockets=[listener])

    with contextlib.closing(listener), contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())


def bind(host: str, port: int) -> socket.socket:
    """A socket at an address, which does not listen yet; raises KGError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        # asyncio turns Nagle's algorithm off, which costs 40 ms an answer, only where the protocol is said to be TCP.
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise _taken(host, port, error) from None
    return listener


def _taken(host: str, port: int, error: OSError) -> KGError:
    return KGError(f"cannot listen at {host}:{port} ({error.strerror or error}): choose another --port or --host")
