"""What the server serves at the moment: one state of a graph directory, whole, until the next one is ready.

A build that changes the directory is noticed within a second of the next request; the new state is made ready beside
the old one, which serves until then, and queries that run on the old one are answered from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kg import directory
from kg.graph import Graph
from kg.model import GraphError, KGError
from kg.serve.examples import Example, examples
from kg.serve.index import Index
from kg.serve.workers import Limits, Pool, python
from kg.stores import Language, views

logger = logging.getLogger(__name__)

_Found = tuple[
    str,
    Graph,
    Mapping[str, str],
    Index,
    dict[str, Path],
    contextlib.ExitStack,
    Mapping[Language, tuple[Example, ...]],
]

_LOOK_AGAIN_SECONDS = 1.0
_ATTEMPTS = 10


@dataclass(frozen=True)
class State:
    """A state of the directory: its graph, ids of earlier builds, and the processes that query its views."""

    hash: str
    graph: Graph
    redirects: Mapping[str, str]
    index: Index
    sparql: Pool
    cypher: Pool
    locks: contextlib.ExitStack
    made: dict[str, str] = field(default_factory=dict)  # pictures, which take seconds
    examples: Mapping[Language, tuple[Example, ...]] = field(default_factory=dict)

    async def retire(self) -> None:
        """Close when no query runs on this state any more."""
        await asyncio.gather(self.sparql.retire(), self.cypher.retire())
        self.locks.close()

    async def close(self) -> None:
        """End the processes at once, and let go of the views."""
        await asyncio.gather(self.sparql.close(), self.cypher.close())
        self.locks.close()


class Served:
    """A graph directory being served: `state` is what to answer from."""

    def __init__(self, folder: str | Path, *, limits: Limits, services: Collection[str] = ()) -> None:
        self.folder, self.limits, self.services = Path(folder), limits, tuple(services)
        self._state: State | None = None
        self._looked = 0.0
        self._loading = asyncio.Lock()
        self._refused = ""
        self._tasks: set[asyncio.Task[None]] = set()

    async def state(self) -> State:
        """The current state; raises KGError when the directory never held one that can be served."""
        if self._state is None:
            async with self._loading:
                if self._state is None:
                    self._state = await self._load()
                    self._looked = time.monotonic()
        elif time.monotonic() - self._looked > _LOOK_AGAIN_SECONDS and not self._tasks:
            self._looked = time.monotonic()
            task = asyncio.get_running_loop().create_task(self._renew(self._state))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return self._state

    async def close(self) -> None:
        """End all processes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._state is not None:
            await self._state.close()
            self._state = None

    async def _renew(self, old: State) -> None:
        """Serve what the directory holds now, if that is not the state that we serve."""
        try:
            now = (await asyncio.to_thread(directory.manifest, self.folder)).hash
            if now in (old.hash, self._refused):
                return
            logger.info("%s has changed: getting the new state ready", self.folder)
            self._refused = now  # until it is known to be good
            new = await self._load()
        except (KGError, OSError) as error:
            logger.error("still serving the earlier state: %s", error)
            return
        self._refused = ""
        self._state = new
        logger.info("%s: serving the new state", self.folder)
        await old.retire()

    async def _load(self) -> State:
        for _ in range(_ATTEMPTS):
            await self._prepare()
            found = await asyncio.to_thread(self._read)
            if found is None:
                continue
            state_hash, graph, redirects, index, paths, locks, asked = found
            pools = {
                engine: Pool(engine, path, limits=self.limits, services=self.services) for engine, path in paths.items()
            }
            state = State(state_hash, graph, redirects, index, pools["sparql"], pools["cypher"], locks, examples=asked)
            try:
                await asyncio.gather(*(pool.start() for pool in pools.values()))
            except BaseException:
                await state.close()
                raise
            return state
        raise GraphError(f"{self.folder}: the graph changes faster than it can be read: start again when that is over")

    async def _prepare(self) -> None:
        """Have the views built, in another process; raises GraphError where they cannot be."""
        nothing, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
        process = await python("kg.serve.prepare", str(self.folder), stdin=nothing, stderr=pipe)
        try:
            _, said = await process.communicate()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        if process.returncode:
            lines = said.decode(errors="replace").strip().splitlines()
            raise GraphError(lines[-1] if lines else f"{self.folder}: the query views could not be built")

    def _read(self) -> _Found | None:
        """One state of graph and views, or None when a build came between."""
        before = directory.manifest(self.folder).hash
        with contextlib.ExitStack() as locks:
            paths = {
                "sparql": locks.enter_context(views.using(self.folder, "sparql")),
                "cypher": locks.enter_context(views.using(self.folder, "cypher")),
            }
            graph = directory.load_graph(self.folder)
            redirects = directory.redirects(self.folder)
            same = directory.manifest(self.folder).hash == before
            if not same or any(before not in path.parts for path in paths.values()):
                return None
            asked: dict[Language, tuple[Example, ...]] = {
                "sparql": examples(graph, "sparql"),
                "cypher": examples(graph, "cypher"),
            }
            return before, graph, redirects, Index(graph), paths, locks.pop_all(), asked
