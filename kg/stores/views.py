"""The embedded stores of a graph directory: built on the first query, renewed when the graph has changed.

They lie in `DIR/.views/<hash of the manifest>/`, one for Cypher and one for SPARQL. Each is built aside by whoever
holds our lock and comes to its place by one rename; after that nobody changes it. A reader holds a shared lock on the
folder's state, so that a builder of a newer state removes only what nobody reads.

>>> import tempfile
>>> from kg.directory import State, save
>>> from kg.model import Paper
>>> with tempfile.TemporaryDirectory() as folder:
...     save(folder, State(graph=Graph(papers=(Paper(id="paper:1", title="On GLUE"),))))
...     View(Path(folder), "cypher").query("MATCH (p:Paper) RETURN p.id AS id")
Rows(columns=('id',), rows=(('paper:1',),), form='rows')
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kg import directory
from kg.graph import Graph
from kg.model import StoreError, digest
from kg.stores import NO_LIMITS, Dialect, Language, Limits, Progress, Rows

logger = logging.getLogger(__name__)

_ATTEMPTS = 10
_PACKAGES = {"cypher": "ladybug", "sparql": "pyoxigraph"}


@dataclass(frozen=True)
class View:
    """The embedded store of a graph directory, for one of the two languages."""

    directory: Path
    language: Language

    @property
    def dialect(self) -> Dialect:
        return "ladybug" if self.language == "cypher" else "sparql"

    def load(
        self,
        graph: Graph,
        *,
        redirects: Mapping[str, str] = MappingProxyType({}),
        prune: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Refused: what a graph directory holds comes from `kg build`."""
        del graph, redirects, prune, progress
        raise StoreError(
            f"{self.directory} is no store: write into a graph directory with `kg build`, "
            f"or name a store, for example ladybug:{self.directory}.lbug"
        )

    def query(self, text: str, parameters: Mapping[str, Any] = {}, *, limits: Limits = NO_LIMITS) -> Rows:
        """The answer of the view, which is built if it is not there."""
        with using(self.directory, self.language) as path:
            if self.language == "cypher":
                from kg.stores import ladybug

                with ladybug.opened(path) as connection:
                    return ladybug.run(connection, text, parameters, limits=limits)
            from kg.stores import oxigraph

            return oxigraph.run(oxigraph.opened(path), text, parameters, limits=limits)


@contextlib.contextmanager
def using(folder: Path, language: Language) -> Iterator[Path]:
    """The path of the view for a language, built if need be; while it is used nobody removes it."""
    for _ in range(_ATTEMPTS):
        state = directory.manifest(folder).hash
        path = folder / ".views" / state / _name(folder, language)
        with _locked(folder, state, exclusive=False):
            if not path.exists() and not _build(folder, state, path, language):
                continue  # the graph has changed since we read its manifest
            yield path
            return
    raise StoreError(f"{folder}: the graph changes faster than it can be read: ask again when its builds have ended")


def _build(folder: Path, state: str, path: Path, language: Language) -> bool:
    """Build a view; False when the graph is another by now."""
    from kg.stores import ladybug, oxigraph

    views = folder / ".views"
    try:
        with _locked(folder, "build", exclusive=True):
            if path.exists():
                return True  # another process built it while we waited
            for left in views.glob("new-*"):
                shutil.rmtree(left, ignore_errors=True)  # a builder that was killed
            graph = directory.load_graph(folder)
            former = directory.redirects(folder) if language == "sparql" else {}
            if directory.manifest(folder).hash != state or _name(folder, language) != path.name:
                return False
            logger.info("%s: building the %s view", folder, language)
            with tempfile.TemporaryDirectory(prefix="new-", dir=views) as aside:
                new = Path(aside, path.name)
                if language == "cypher":
                    ladybug.write(graph, new)
                else:
                    oxigraph.write(graph, new, redirects=former)
                path.parent.mkdir(exist_ok=True)
                for older in path.parent.glob(f"{language}-*"):
                    _remove(older)  # made by another version of the engine or of kg
                new.rename(path)
            _remove_other_states(folder, state)
    except OSError as error:
        raise StoreError(f"{views}: the view cannot be written ({error.strerror or error})") from error
    return True


def _remove_other_states(folder: Path, state: str) -> None:
    """Remove the views of states of the graph that are over, where nobody reads them."""
    for other in (folder / ".views").iterdir():
        if other.is_dir() and other.name != state:
            with contextlib.suppress(BlockingIOError), _locked(folder, other.name, exclusive=True, wait=False):
                _remove(other)
                (folder / ".views" / f"{other.name}.lock").unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(folder: Path, name: str, *, exclusive: bool, wait: bool = True) -> Iterator[None]:
    """Hold a lock of the views, which the system releases when this process ends, however it ends."""
    views = folder / ".views"
    try:
        views.mkdir(exist_ok=True)
        descriptor = os.open(views / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        if not exclusive and (views / name).is_dir():
            yield  # a graph on a read-only medium: nobody can remove the view
            return
        raise StoreError(
            f"{views}: cannot be written ({error.strerror}): copy the graph to a folder that can"
        ) from error
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _name(folder: Path, language: Language) -> str:
    """The view's file name: it changes with all that the view is made of and the manifest does not tell of."""
    if language == "cypher":
        return _made_by(language)
    try:
        former = (folder / "redirects.parquet").read_bytes()
    except FileNotFoundError:
        former = b""
    return f"{_made_by(language)}-{hashlib.sha256(former).hexdigest()[:12]}"


@cache
def _made_by(language: Language) -> str:
    """What changes with the engine, whose files another version may not read, and with our code that fills it."""
    package = Path(__file__).parents[1]
    sources = ["ontology.py", "graph.py", "sentences.py", "stores/views.py"]
    sources += ["property_graph.py", "stores/ladybug.py"] if language == "cypher" else ["rdf.py", "stores/oxigraph.py"]
    from kg import ontology

    contents = [(package / source).read_text("utf-8") for source in sources]
    contents.append(ontology.path("kg.ttl").read_text("utf-8"))
    return f"{language}-{version(_PACKAGES[language])}-{digest(*contents)[:12]}"
