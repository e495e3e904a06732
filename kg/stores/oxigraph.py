"""The embedded RDF store: one Oxigraph folder, filled in bulk, asked in SPARQL, read-only.

>>> import tempfile
>>> from kg.model import Paper
>>> graph = Graph(papers=(Paper(id="paper:1", title="On GLUE"),))
>>> with tempfile.TemporaryDirectory() as folder:
...     store = OxigraphStore(Path(folder, "graph"))
...     store.load(graph)
...     store.query("SELECT ?paper { ?paper a kg:Paper }").rows
(('paper:1',),)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from kg import ontology
from kg.graph import Graph
from kg.model import StoreError
from kg.rdf import prefixes, triples
from kg.stores import NO_LIMITS, Dialect, Language, Limits, Progress, Rows
from kg.stores.deadline import within
from kg.stores.files import replacing
from kg.stores.guard import check_services
from kg.stores.mistakes import explained
from kg.stores.text import check_length, sparql_form, with_parameters

if TYPE_CHECKING:
    import pyoxigraph as ox

_XSD = ontology.NAMESPACES["xsd"]
_INTEGERS = frozenset(_XSD + name for name in ("integer", "int", "long", "nonNegativeInteger", "gYear"))
_NUMBERS = frozenset(_XSD + name for name in ("decimal", "double", "float"))


@dataclass(frozen=True)
class OxigraphStore:
    """An Oxigraph folder. `load` writes a new one beside it and puts it in its place."""

    path: Path
    base: str = ontology.BASE
    language: ClassVar[Language] = "sparql"
    dialect: ClassVar[Dialect] = "sparql"

    def load(
        self,
        graph: Graph,
        *,
        redirects: Mapping[str, str] = MappingProxyType({}),
        prune: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Write the graph as a new folder, so that nothing of an earlier one is left (`prune` makes no difference)."""
        del prune
        if self.path.exists() and not _is_ours(self.path):
            raise StoreError(f"{self.path} exists and is no Oxigraph folder: choose another path, or remove it")
        with replacing(self.path) as aside:
            write(graph, aside, base=self.base, redirects=redirects, progress=progress)

    def query(self, text: str, parameters: Mapping[str, Any] = {}, *, limits: Limits = NO_LIMITS) -> Rows:
        """The answer to a query; ids and the prefixes of the ontology need no PREFIX line."""
        return run(opened(self.path), text, parameters, limits=limits, base=self.base)


def opened(path: Path) -> ox.Store:
    """The store at `path`, read-only."""
    import pyoxigraph as ox

    if not _is_ours(path):
        raise StoreError(f"{path}: no Oxigraph folder here: make one with kg load DIR oxigraph:{path}")
    try:
        return ox.Store.read_only(str(path))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: Oxigraph cannot open it ({error})") from error


def run(
    store: ox.Store,
    text: str,
    parameters: Mapping[str, Any],
    *,
    limits: Limits = NO_LIMITS,
    base: str = ontology.BASE,
) -> Rows:
    """The answer of a store that is open."""
    check(text)
    filled = with_parameters(text, parameters, base)
    return within(limits.seconds, lambda: _answer(store, filled, limits, base))


def check(text: str) -> None:
    """Raise StoreError unless the text is a query that asks this store only."""
    check_length(text)
    sparql_form(text)
    check_services(text)


def write(
    graph: Graph,
    path: Path,
    *,
    base: str = ontology.BASE,
    redirects: Mapping[str, str] = MappingProxyType({}),
    progress: Progress | None = None,
) -> None:
    """Write the graph as a new Oxigraph folder at `path`, where nothing may be."""
    import pyoxigraph as ox

    store = ox.Store(str(path))
    if progress is not None:
        progress("triples", 0, 1)
    found = triples(graph, base, redirects=redirects)
    store.bulk_extend(ox.Quad(triple.subject, triple.predicate, triple.object) for triple in found)
    store.flush()
    store.optimize()
    if progress is not None:
        progress("triples", 1, 1)


def to_turtle(answer: Rows, *, base: str = ontology.BASE) -> str:
    """The triples of an answer of the form `triples` as Turtle."""
    import pyoxigraph as ox

    lines = "".join(f"{' '.join(row)} .\n" for row in answer.rows)
    used = {prefix: namespace for prefix, namespace in prefixes(base).items() if f"<{namespace}" in lines}
    parsed = (quad.triple for quad in ox.parse(lines, format=ox.RdfFormat.N_TRIPLES))
    written = ox.serialize(parsed, format=ox.RdfFormat.TURTLE, prefixes=used)
    text = "" if written is None else written.decode()
    return "".join([*sorted(text.splitlines(keepends=True)[: len(used)]), *text.splitlines(keepends=True)[len(used) :]])


def plain(term: Any, base: str = ontology.BASE) -> Any:
    """A term as a plain value: an id for one of our IRIs, a number, a truth value, text; None where it is unbound.

    >>> import pyoxigraph as ox
    >>> plain(ox.NamedNode("https://kg.example.org/task/qa")), plain(ox.Literal(2)), plain(ox.Literal("a"))
    ('task:qa', 2, 'a')
    """
    import pyoxigraph as ox

    if term is None:
        return None
    if isinstance(term, ox.NamedNode):
        return ontology.curie(term.value, base) or term.value
    if isinstance(term, ox.Literal):
        return plain_literal(term.value, term.datatype.value)
    return str(term)


def plain_literal(text: str, datatype: str) -> Any:
    """A literal as a plain value; text where its form does not fit its datatype."""
    try:
        if datatype in _INTEGERS:
            return int(text)
        if datatype in _NUMBERS:
            return float(text)
    except ValueError:
        return text
    if datatype == _XSD + "boolean":
        return text in {"true", "1"}
    return text


def _answer(store: ox.Store, text: str, limits: Limits, base: str) -> Rows:
    import pyoxigraph as ox

    found = None
    try:
        found = store.query(text, prefixes=prefixes(base))
        if isinstance(found, ox.QueryBoolean):
            return Rows(("answer",), ((bool(found),),), "ask")
        rows: list[tuple[Any, ...]] = []
        for item in found:
            limits.check_rows(len(rows) + 1)
            if isinstance(item, ox.Triple):
                rows.append((str(item.subject), str(item.predicate), str(item.object)))
            else:
                rows.append(tuple(plain(term, base) for term in item))
        if isinstance(found, ox.QuerySolutions):
            return Rows(tuple(variable.value for variable in found.variables), tuple(rows))
        return Rows(("subject", "predicate", "object"), tuple(sorted(rows)), "triples")
    except SyntaxError as error:
        raise explained(error, text) from error
    except (OSError, ValueError) as error:
        raise StoreError(f"Oxigraph cannot answer the query: {error}") from error
    finally:
        del found  # it must end in its own thread, and an error keeps this frame alive


def _is_ours(path: Path) -> bool:
    """Whether an Oxigraph store is at the path (RocksDB always writes this file)."""
    return (path / "CURRENT").is_file()
