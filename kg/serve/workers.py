"""Processes that run queries for a server: kept warm, bounded in number, ended at the deadline and replaced.

A query that runs wild cannot be stopped from inside its process by any of the engines, so each runs in a child
(`kg.serve.child`) that has limits of its own and that the server may kill.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import Collection, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from kg.model import KGError, StoreError
from kg.serve.child import HEAD

logger = logging.getLogger(__name__)

_START_SECONDS = 60.0
# How long a question waits for a process: longer than most take, shorter than people do.
_WAIT_SECONDS = 2.0
# Who has just been given a pool has asked it by then.
_GRACE_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one query may take, and how many run at once.

    `seconds` is the deadline, `memory` and `size` are bytes (of the process, beyond what the store itself takes, and of
    the answer), `rows` is of the answer, `text` the bytes of a request, `workers` the processes of each engine, and
    `waiting` how many questions may wait for one of them.
    """

    seconds: float = 10.0
    memory: int = 1 << 30
    size: int = 64 << 20
    rows: int = 100_000
    text: int = 1 << 20
    workers: int = 4
    waiting: int = 32


#: The limits unless told otherwise.
DEFAULTS = Limits()


@dataclass(frozen=True)
class Answer:
    """What a query gave: `form` is rows, boolean or triples, `format` the name of the format of `body`."""

    form: str
    format: str
    body: bytes


class QueryError(KGError):
    """A query has no answer; `status` is the HTTP status that says why."""

    def __init__(self, status: int, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


async def python(module: str, *arguments: str, **options: Any) -> asyncio.subprocess.Process:
    """A process of a module of ours: of this very package, whatever lies in the folder that the server runs in."""
    path = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", module, *arguments),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        start_new_session=True,  # Ctrl-C goes to the server, which ends its processes itself
        **options,
    )


class Pool:
    """The processes of one engine over one store; any number of tasks may `ask` at once, `close` ends them all."""

    def __init__(self, engine: str, path: Path, *, limits: Limits, services: Collection[str] = ()) -> None:
        settings = {
            "memory": limits.memory,
            "bytes": limits.size,
            "rows": limits.rows,
            "services": sorted(services),
        }
        self._arguments = ("kg.serve.child", engine, str(path), json.dumps(settings))
        self._limits = limits
        self._idle: asyncio.Queue[_Worker] = asyncio.Queue()
        self._asking = self._waiting = 0
        self._closed = False
        self._workers: set[_Worker] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start all processes, and wait for the first; raises StoreError when it cannot open the store."""
        await self._add()
        for _ in range(self._limits.workers - 1):
            self._later(self._add())

    async def ask(self, question: dict[str, Any]) -> Answer:
        """The answer to a question; raises QueryError. A caller that is cancelled takes its process with it."""
        self._asking += 1
        try:
            return await self._ask(question)
        finally:
            self._asking -= 1

    async def _ask(self, question: dict[str, Any]) -> Answer:
        worker = await self._take()
        fit = False
        try:
            async with asyncio.timeout(self._limits.seconds):
                header, body = await worker.exchange(question)
            fit = not header.get("worn")
        except TimeoutError:
            seconds = f"{self._limits.seconds:g}"
            raise QueryError(504, f"the query was stopped after {seconds} s: ask for less, or add LIMIT") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise _died() from None
        finally:
            if fit:
                self._idle.put_nowait(worker)
            else:
                self._later(self._replace(worker))
        return _answer(header, body, self._limits)

    async def retire(self) -> None:
        """Close when the questions that are being answered have been answered."""
        await asyncio.sleep(_GRACE_SECONDS)
        while self._asking:
            await asyncio.sleep(0.05)
        await self.close()

    async def close(self) -> None:
        """End all processes; questions that are being answered fail."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(worker.end() for worker in self._workers))

    async def _take(self) -> _Worker:
        """An idle process, at once or after some waiting."""
        if self._idle.empty() and self._waiting >= self._limits.waiting:
            raise _busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(min(_WAIT_SECONDS, self._limits.seconds)):
                while True:
                    worker = await self._idle.get()
                    if worker.alive:
                        return worker
                    self._later(self._replace(worker))
        except TimeoutError:
            raise _busy() from None
        finally:
            self._waiting -= 1

    async def _replace(self, worker: _Worker) -> None:
        self._workers.discard(worker)
        await worker.end()
        for pause in (0, 1, 5, 30, 60):
            await asyncio.sleep(pause)
            if self._closed:
                return
            try:
                await self._add()
                return
            except (StoreError, OSError) as error:
                logger.error("a query process could not be replaced: %s", error)

    async def _add(self) -> None:
        worker = await _Worker.start(self._arguments)
        self._workers.add(worker)
        try:
            await worker.opened()
        except BaseException:
            self._workers.discard(worker)
            await worker.end()
            raise
        self._idle.put_nowait(worker)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Worker:
    """A process that answers one question at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._questions = cast(asyncio.StreamWriter, process.stdin)
        self._answers = cast(asyncio.StreamReader, process.stdout)

    @classmethod
    async def start(cls, arguments: tuple[str, ...]) -> _Worker:
        pipe = asyncio.subprocess.PIPE
        return cls(await python(*arguments, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, limit=1 << 20))

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def opened(self) -> None:
        """Wait until the process has opened its store; raises StoreError when it could not."""
        try:
            async with asyncio.timeout(_START_SECONDS):
                header, _ = await self._receive()
        except TimeoutError:
            raise StoreError(f"a query process did not open its store within {_START_SECONDS:g} s") from None
        except asyncio.IncompleteReadError:
            raise StoreError("a query process ended before it had opened its store") from None
        if header["outcome"] != "ready":
            raise StoreError(str(header["message"]))

    async def exchange(self, question: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Ask, and wait for the whole answer."""
        head = json.dumps(question).encode()
        self._questions.write(HEAD.pack(len(head), 0) + head)
        await self._questions.drain()
        return await self._receive()

    async def end(self) -> None:
        """Kill the process, whatever it does, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._questions.close()
        await self._process.wait()
        # The pipe's transport closes when its last byte is read.
        while await self._answers.read(1 << 20):
            pass

    async def _receive(self) -> tuple[dict[str, Any], bytes]:
        head, body = HEAD.unpack(await self._answers.readexactly(HEAD.size))
        return json.loads(await self._answers.readexactly(head)), await self._answers.readexactly(body)


def _busy() -> QueryError:
    return QueryError(503, "all query processes are busy: try again in a moment", retry_after=1)


def _died() -> QueryError:
    return QueryError(503, "the query was stopped: it needs more memory than a query may have")


def _answer(header: dict[str, Any], body: bytes, limits: Limits) -> Answer:
    """The answer that a process gave, or the QueryError that it stands for."""
    outcome, message = header["outcome"], header.get("message", "")
    if outcome == "answered":
        return Answer(header["form"], header["format"], body)
    if outcome == "malformed":
        raise QueryError(400, message)
    if outcome == "refused":
        raise QueryError(403, message)
    if outcome == "unacceptable":
        raise QueryError(406, message)
    if outcome == "rows":
        raise QueryError(503, f"the answer has more than {limits.rows:,} rows, which is the limit here: add LIMIT")
    if outcome == "bytes":
        size = limits.size / (1 << 20)
        raise QueryError(503, f"the answer is larger than {size:g} MiB, which is the limit here: add LIMIT")
    raise _died()
