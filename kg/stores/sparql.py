"""Any SPARQL 1.1 server as a store: queries over the protocol, loading by updates in batches.

The user and the password, or a token, come from the environment (`SPARQL_USER` and `SPARQL_PASSWORD`, `SPARQL_TOKEN`).

>>> store = SparqlStore.at("https://graph.example/papers/")
>>> store.query_addresses()
('https://graph.example/papers', 'https://graph.example/papers/query', 'https://graph.example/papers/sparql')
>>> SparqlStore.at("https://graph.example/sparql").update_addresses()[0]
'https://graph.example/update'
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from kg import ontology
from kg.graph import Graph
from kg.model import StoreError
from kg.rdf import prefixes, triples
from kg.stores import NO_LIMITS, Dialect, Language, Limits, Progress, Rows
from kg.stores.deadline import within
from kg.stores.oxigraph import check, plain
from kg.stores.text import sparql_tokens, with_parameters

if TYPE_CHECKING:
    import httpx

#: Where credentials are looked for.
USER, PASSWORD, TOKEN = "SPARQL_USER", "SPARQL_PASSWORD", "SPARQL_TOKEN"

_BATCH = 5000
_CONNECT_SECONDS = 15.0
# An update may take a server long; a query has its own limit.
_ANSWER_SECONDS = 600.0
_MOST_BYTES = 1 << 29
_ROWS, _TRIPLES = "application/sparql-results+json", "application/n-triples"
_UPDATE = {"Content-Type": "application/sparql-update"}
_NOT_HERE = frozenset({404, 405, 415, 501})


@dataclass(frozen=True)
class SparqlStore:
    """A data set of a SPARQL server; `address` is its query endpoint, or the address above `query` and `update`."""

    address: str
    base: str = ontology.BASE
    language: ClassVar[Language] = "sparql"
    dialect: ClassVar[Dialect] = "sparql"

    @classmethod
    def at(cls, address: str) -> SparqlStore:
        """The store at an address of the web."""
        try:
            parts = urlsplit(address)
            credentials, _ = parts.username or parts.password, parts.port
        except ValueError as error:
            raise StoreError(f"{address!r}: no address of the web ({error})") from error
        if credentials is not None:
            raise StoreError(
                "credentials in an address can be read by others: leave them out and "
                f"set {USER} and {PASSWORD}, or {TOKEN}"
            )
        if not parts.hostname:
            raise StoreError(f"{address!r}: a host is missing, as in https://host/dataset")
        return cls(address.rstrip("/"))

    def query_addresses(self) -> tuple[str, ...]:
        """Where the server may take queries, most likely first."""
        if self.address.endswith(("/query", "/sparql")):
            return (self.address,)
        found = (self.address, f"{self.address}/query", f"{self.address}/sparql")
        return found if urlsplit(self.address).path else (*found[1:], found[0])

    def update_addresses(self) -> tuple[str, ...]:
        """Where the server may take updates, most likely first."""
        if self.address.endswith(("/query", "/sparql")):
            return (self.address.rpartition("/")[0] + "/update", self.address)
        return (f"{self.address}/update", f"{self.address}/statements", self.address)

    def load(
        self,
        graph: Graph,
        *,
        redirects: Mapping[str, str] = MappingProxyType({}),
        prune: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Write the graph's triples into the default graph; what is there already is no error.

        `prune` removes other triples about our ids; triples about anything else stay.
        """
        wanted = {str(triple) for triple in triples(graph, self.base, redirects=redirects)}
        with self._client(write=True) as client:
            update = self._update_address(client)
            over = self._held(client) - wanted if prune else set()
            done, total = 0, len(wanted) + len(over)
            for verb, lines in (("DELETE", over), ("INSERT", wanted)):
                for batch in _batches(sorted(lines)):
                    self._send(client, update, f"{verb} DATA {{\n{batch.text}}}")
                    done += batch.count
                    if progress is not None:
                        progress("triples", done, total)

    def query(self, text: str, parameters: Mapping[str, Any] = {}, *, limits: Limits = NO_LIMITS) -> Rows:
        """The answer of the server; the prefixes of ids and of the ontology need no PREFIX line."""
        check(text)
        filled = with_parameters(text, parameters, self.base)

        def work() -> Rows:
            with self._client(limits.seconds) as client:
                for address in self.query_addresses():
                    answer = self._ask(client, address, self._with_prefixes(filled))
                    if answer is not None:
                        return self._rows(*answer, limits)
            raise StoreError(f"{self.address}: no SPARQL endpoint here (tried {', '.join(self.query_addresses())})")

        return within(limits.seconds, work)

    def _rows(self, kind: str, content: bytes, limits: Limits) -> Rows:
        import pyoxigraph as ox

        found: Any = None
        try:
            if kind == _TRIPLES:
                quads = ox.parse(content, format=ox.RdfFormat.N_TRIPLES)
                cells = [(str(quad.subject), str(quad.predicate), str(quad.object)) for quad in quads]
                rows = Rows(("subject", "predicate", "object"), tuple(sorted(cells)), "triples")
            else:
                found = ox.parse_query_results(content, format=ox.QueryResultsFormat.JSON)
                if isinstance(found, ox.QueryBoolean):
                    return Rows(("answer",), ((bool(found),),), "ask")
                names = tuple(variable.value for variable in found.variables)
                rows = Rows(names, tuple(tuple(plain(term, self.base) for term in solution) for solution in found))
        except (SyntaxError, ValueError) as error:
            raise StoreError(f"{self.address}: the answer is no SPARQL result ({error})") from error
        finally:
            del found  # it must end in its own thread, and an error keeps this frame alive
        limits.check_rows(len(rows.rows))
        return rows

    def _ask(self, client: httpx.Client, address: str, text: str) -> tuple[str, bytes] | None:
        """The kind and the content of an answer; None where no SPARQL endpoint is."""
        accept = f"{_ROWS}, {_TRIPLES};q=0.9"
        with client.stream("POST", address, data={"query": text}, headers={"Accept": accept}) as response:
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if response.status_code in _NOT_HERE or (response.is_success and kind not in {_ROWS, _TRIPLES}):
                return None
            if not response.is_success:
                response.read()
                raise self._refused(response)
            content = bytearray()
            for piece in response.iter_bytes():
                content += piece
                if len(content) > _MOST_BYTES:
                    raise StoreError(f"{self.address}: the answer is larger than {_MOST_BYTES >> 20} MB: ask for less")
            return kind, bytes(content)

    def _update_address(self, client: httpx.Client) -> str:
        """Where the server takes updates: found by one that does nothing."""
        for address in self.update_addresses():
            response = client.post(address, content="INSERT DATA {}", headers=_UPDATE)
            if response.is_success and "html" not in response.headers.get("Content-Type", ""):
                return address
            if response.status_code not in _NOT_HERE | {400}:
                raise self._refused(response)
        raise StoreError(f"{self.address}: takes no updates (tried {', '.join(self.update_addresses())})")

    def _held(self, client: httpx.Client) -> set[str]:
        """The triples about our ids that the server holds."""
        text = f'CONSTRUCT {{ ?s ?p ?o }} WHERE {{ ?s ?p ?o FILTER(STRSTARTS(STR(?s), "{self.base}")) }}'
        for address in self.query_addresses():
            answer = self._ask(client, address, text)
            if answer is not None:
                return {" ".join(row) for row in self._rows(*answer, NO_LIMITS).rows}
        raise StoreError(f"{self.address}: takes no queries, which removing needs")

    def _send(self, client: httpx.Client, address: str, text: str) -> None:
        response = client.post(address, content=text.encode(), headers=_UPDATE)
        if not response.is_success:
            raise self._refused(response)

    def _refused(self, response: httpx.Response) -> StoreError:
        if response.status_code in {401, 403}:
            return StoreError(
                f"{self.address}: refused ({response.status_code}): check {USER} and {PASSWORD}, or {TOKEN}"
            )
        said = " ".join(response.text.split())[:300]
        return StoreError(
            f"{self.address}: the server answers {response.status_code}: {said or response.reason_phrase}"
        )

    def _with_prefixes(self, text: str) -> str:
        """The text with those of our prefixes that it uses and does not declare, on its first line."""
        tokens = [token for token in sparql_tokens(text) if token.kind in {"name", "word"}]
        declared = {tokens[place + 1].text for place, token in enumerate(tokens[:-1]) if token.text.upper() == "PREFIX"}
        used = {token.text.partition(":")[0] for token in tokens if token.kind == "name"}
        ours = prefixes(self.base).items()
        lines = [f"PREFIX {name}: <{iri}> " for name, iri in ours if name in used and f"{name}:" not in declared]
        return "".join([*lines, text])

    @contextlib.contextmanager
    def _client(self, seconds: float | None = None, *, write: bool = False) -> Iterator[httpx.Client]:
        """A client; what goes wrong with the connection becomes a StoreError of one line."""
        again = "; what was loaded stays, load again to complete it" if write else ""
        import httpx

        token, user = os.environ.get(TOKEN), os.environ.get(USER)
        headers = {"User-Agent": "kg-papers", **({"Authorization": f"Bearer {token}"} if token else {})}
        auth = httpx.BasicAuth(user, os.environ.get(PASSWORD, "")) if user and not token else None
        timeout = httpx.Timeout(seconds or _ANSWER_SECONDS, connect=_CONNECT_SECONDS)
        try:
            with httpx.Client(auth=auth, headers=headers, timeout=timeout) as client:
                yield client
        except httpx.TimeoutException as error:
            raise StoreError(f"{self.address}: no answer in time{again}") from error
        except httpx.HTTPError as error:
            raise StoreError(
                f"{self.address}: no server answers ({error}): check the address and that it runs{again}"
            ) from error
        except httpx.InvalidURL as error:
            raise StoreError(f"{self.address!r}: no address of the web ({error})") from error


@dataclass(frozen=True)
class _Batch:
    text: str
    count: int


def _batches(lines: Iterable[str]) -> Iterator[_Batch]:
    rest = iter(lines)
    while batch := list(islice(rest, _BATCH)):
        yield _Batch("".join(f"{line} .\n" for line in batch), len(batch))
