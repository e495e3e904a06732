"""What every answer of the server has: limits on what is read, headers that keep browsers safe, and the token.

>>> import asyncio, httpx
>>> from starlette.responses import PlainTextResponse
>>> async def status(headers):
...     app = Guarded(PlainTextResponse("hello"), token="secret")
...     async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kg") as client:
...         return (await client.get("/", headers=headers)).status_code
>>> asyncio.run(status({})), asyncio.run(status({"Authorization": "Bearer secret"}))
(401, 200)
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kg.serve.protocol import ProtocolError

Result = TypeVar("Result")

# Our pages hold no script and no style of their own; the picture, which does, comes with a policy of its own.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
#: The bytes of an address, and of all headers together, beyond which a request is refused.
MOST_ADDRESS = MOST_HEADERS = 1 << 16
# A client that sends too much gets its answer only when it has been heard out; to a point.
_MOST_UNREAD = 32 << 20


@dataclass(frozen=True)
class Endpoint:
    """An ASGI application of a function from request to response, for any method."""

    respond: Callable[[Request], Awaitable[Response]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self.respond(Request(scope, receive))
        except ClientDisconnect:
            return
        await response(scope, receive, send)


@dataclass(frozen=True)
class Guarded:
    """An ASGI application whose answers carry safe headers, and that asks for a token where there is one.

    The token comes as `Authorization: Bearer TOKEN`, or as the password of any user, which browsers can ask for.
    """

    app: ASGIApp
    token: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        silent = scope["method"] == "HEAD"

        async def safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS:
                    headers.setdefault(name, value)
            elif silent and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MOST_ADDRESS:
            message = (
                f"the address is longer than {MOST_ADDRESS:,} bytes, which is the limit here: send queries by POST"
            )
            await PlainTextResponse(f"{message}\n", 414)(scope, receive, safe)
            return
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADERS:
            message = f"the headers are longer than {MOST_HEADERS:,} bytes, which is the limit here"
            await PlainTextResponse(f"{message}\n", 431)(scope, receive, safe)
            return
        if self.token is not None and not _knows(Headers(scope=scope).get("authorization", ""), self.token):
            await PlainTextResponse(
                "this server asks for its token: send Authorization: Bearer TOKEN, or the token as password\n",
                401,
                {"WWW-Authenticate": 'Basic realm="kg", charset="UTF-8", Bearer realm="kg"'},
            )(scope, receive, safe)
            return
        await self.app(scope, receive, safe)


async def read_body(request: Request, most: int) -> bytes:
    """The body of a request of at most `most` bytes; raises ProtocolError for a longer one."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise ProtocolError(415, "the body should not be compressed", {"Accept-Encoding": "identity"})
    body = bytearray()
    read = 0
    async for chunk in request.stream():
        read += len(chunk)
        if read <= most:
            body += chunk
        elif read > _MOST_UNREAD:
            break
    if read > most:
        raise ProtocolError(413, f"the request is longer than {most:,} bytes, which is the limit here")
    return bytes(body)


async def while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """What `work` gives; it is cancelled when the client goes away, since nobody would read its answer."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        for pending in (task, gone):
            pending.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _knows(authorization: str, token: str) -> bool:
    scheme, _, credentials = authorization.partition(" ")
    given = credentials.strip()
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.encode(), token.encode())
