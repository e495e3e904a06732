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

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kg import ontology
from kg.graph import Graph
from kg.model import StoreError
from kg.rdf import prefixes, triples
from kg.stores import NO_LIMITS, Dialect, Language, Limits, Progress, Rows
from kg.stores.deadline import within
from kg.stores.guard import check_services
from kg.stores.text import (
    Token,
    check_length,
    line_and_column,
    show_place,
    sparql_form,
    sparql_tokens,
    with_parameters,
)

if TYPE_CHECKING:
    import pyoxigraph as ox

_SYNTAX = re.compile(r"error at (\d+):(\d+): (.*)\Z", re.DOTALL)
_XSD = ontology.NAMESPACES["xsd"]
_INTEGERS = frozenset(_XSD + name for name in ("integer", "int", "long", "nonNegativeInteger", "gYear"))
_NUMBERS = frozenset(_XSD + name for name in ("decimal", "double", "float"))


@dataclass(frozen=True)
class OxigraphStore:
    """An Oxigraph folder. `load` writes a new one beside it and puts it in its place."""

    path: Path
    base: str = ontology.BASE

    @property
    def language(self) -> Language:
        return "sparql"

    @property
    def dialect(self) -> Dialect:
        return "sparql"

    def load(self, graph: Graph, *, prune: bool = False, progress: Progress | None = None) -> None:
        """Write the graph as a new folder, so that nothing of an earlier one is left (`prune` makes no difference)."""
        del prune
        if self.path.exists() and not _is_ours(self.path):
            raise StoreError(f"{self.path} exists and is no Oxigraph folder: choose another path, or remove it")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{self.path.name}-", dir=self.path.parent) as folder:
                aside = Path(folder, "new")
                write(graph, aside, base=self.base, progress=progress)
                if self.path.exists():
                    self.path.rename(Path(folder, "old"))
                aside.rename(self.path)
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be written ({error.strerror or error})") from error

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
    return within(limits.seconds, lambda: _answer(store, filled, limits.rows, base))


def check(text: str) -> None:
    """Raise StoreError unless the text is a query that asks this store only."""
    check_length(text)
    sparql_form(text)
    check_services(text)


def write(graph: Graph, path: Path, *, base: str = ontology.BASE, progress: Progress | None = None) -> None:
    """Write the graph as a new Oxigraph folder at `path`, where nothing may be."""
    import pyoxigraph as ox

    store = ox.Store(str(path))
    if progress is not None:
        progress("triples", 0, 1)
    store.bulk_extend(ox.Quad(triple.subject, triple.predicate, triple.object) for triple in triples(graph, base))
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


def _answer(store: ox.Store, text: str, most: int | None, base: str) -> Rows:
    import pyoxigraph as ox

    found = None
    try:
        found = store.query(text, prefixes=prefixes(base))
        if isinstance(found, ox.QueryBoolean):
            return Rows(("answer",), ((bool(found),),), "ask")
        rows: list[tuple[Any, ...]] = []
        for item in found:
            if most is not None and len(rows) == most:
                raise StoreError(f"the answer has more than {most:,} rows: add LIMIT, or ask for more (--rows)")
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


def explained(error: SyntaxError, text: str) -> StoreError:
    """The engine's syntax error as ours, with the place and without its lists of characters."""
    message = str(error)
    syntax = _SYNTAX.match(message)
    if syntax is None:
        return StoreError(f"the query cannot be read: {' '.join(message.split())}")
    undeclared = _undeclared(text)
    if "Prefix not found" in syntax[3] and undeclared is not None:
        name = undeclared.text.partition(":")[0]
        where = show_place(text, *line_and_column(text, undeclared.start))
        return StoreError(f"the prefix {name}: is not declared: begin with PREFIX {name}: <IRI>{where}")
    expected = re.split(r",\s+", syntax[3].removeprefix("expected ").removeprefix("one of "))
    where = show_place(text, *_place(text, int(syntax[1]), int(syntax[2]), expected))
    words = ", ".join(item for item in expected if re.fullmatch(r"\"[^\"\\]+\"|(?!LATERAL|SERVICE)[A-Za-z ]+", item))
    return StoreError(f"the query cannot be read: {words and 'expected '}{words or 'syntax error'}{where}")


def _place(text: str, line: int, column: int, expected: list[str]) -> tuple[int, int]:
    """Where the mistake begins: the engine tells where it would end if the expected word stood there."""
    lines = text.splitlines(keepends=True)
    offset = sum(map(len, lines[: line - 1])) + column - 1
    kinds = {token.start: token.kind for token in sparql_tokens(text)}
    for word in expected:
        if word.isalpha() and kinds.get(offset - len(word)) == "word":
            return line_and_column(text, offset - len(word))
    if kinds.get(offset - 1) == "sign":
        return line_and_column(text, offset - 1)
    return line, column


def _undeclared(text: str) -> Token | None:
    """The first name whose prefix neither the text nor we declare."""
    tokens = [token for token in sparql_tokens(text) if token.kind in {"name", "word"}]
    declarations = [tokens[place + 1] for place, token in enumerate(tokens[:-1]) if token.text.upper() == "PREFIX"]
    known = {token.text.rstrip(":") for token in declarations} | prefixes(ontology.BASE).keys() | {"_"}
    names = (token for token in tokens if token.kind == "name")
    return next((token for token in names if token.text.partition(":")[0] not in known), None)


def _is_ours(path: Path) -> bool:
    """Whether an Oxigraph store is at the path (RocksDB always writes this file)."""
    return (path / "CURRENT").is_file()
