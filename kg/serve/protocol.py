"""HTTP as SPARQL 1.1 Protocol uses it: which format a client wants, and which query it sends.

>>> negotiate("text/html, text/csv;q=0.9, */*;q=0.1", ROWS).name
'csv'
>>> parse_form(b"query=ASK+%7B%7D&x=%2B").get("query")
['ASK {}']
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import unquote_to_bytes


@dataclass(frozen=True)
class Format:
    """A format of answers: our short name for it, and its media types, the first of which is what we answer."""

    name: str
    types: tuple[str, ...]

    @property
    def content_type(self) -> str:
        """The value of Content-Type."""
        main = self.types[0]
        text = main.startswith("text/") and main != "text/turtle"
        return f"{main}; charset=utf-8" if text else main


HTML = Format("html", ("text/html", "application/xhtml+xml"))
JSON = Format("json", ("application/json",))
#: Formats of the rows of SELECT, and of the truth value of ASK; the first is for clients that do not care.
ROWS = (
    Format("json", ("application/sparql-results+json", "application/json")),
    Format("xml", ("application/sparql-results+xml", "application/xml", "text/xml")),
    Format("csv", ("text/csv",)),
    Format("tsv", ("text/tab-separated-values",)),
)
#: Formats of triples.
TRIPLES = (
    Format("ttl", ("text/turtle", "application/x-turtle")),
    Format("nt", ("application/n-triples", "text/plain")),
    Format("jsonld", ("application/ld+json", "application/json")),
    Format("rdfxml", ("application/rdf+xml", "application/xml", "text/xml")),
)
#: How many parameters a request may have.
_MOST_PARAMETERS = 100
_EXACT = 3
_WEIGHT = re.compile(r"[01](?:\.[0-9]{0,3})?")


class ProtocolError(Exception):
    """A request that does not follow the protocol: the status, what is wrong, and headers that say what would do."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers)


def negotiate(accept: str | None, offered: Sequence[Format]) -> Format | None:
    """The offered format that a client likes best by its Accept header, or None where it takes none of them.

    A more exact range counts before a broader one (RFC 9110, 12.5.1); of formats that are liked alike the one whose
    range is named first wins, then the one that is offered first. Its first type is the one that was asked for.

    >>> negotiate("application/*;q=0.5", TRIPLES).name, negotiate("text/csv;q=0", ROWS), negotiate(None, ROWS).name
    ('nt', None, 'json')
    """
    if accept is None or not accept.strip():
        return offered[0]
    ranges = list(_ranges(accept))
    if not ranges:
        return offered[0]
    best: tuple[tuple[float, int, int], Format] | None = None
    for number, candidate in enumerate(offered):
        for media in candidate.types:
            matches = [
                (exactness, -place, weight)
                for place, (pattern, weight) in enumerate(ranges)
                if (exactness := _exactness(pattern, media)) == _EXACT or (exactness and media == candidate.types[0])
            ]
            if not matches or max(matches)[2] == 0.0:
                continue
            _, place, weight = max(matches)
            rank = (weight, place, -number)
            if best is None or rank > best[0]:
                best = (rank, Format(candidate.name, (media,)))
    return None if best is None else best[1]


def by_name(name: str, offered: Sequence[Format]) -> Format | None:
    """The offered format of this short name or media type."""
    wanted = name.strip().lower()
    return next((item for item in offered if wanted == item.name or wanted in item.types), None)


def parse_form(encoded: bytes) -> dict[str, list[str]]:
    """The parameters of a query string or a form, each decoded once; raises ProtocolError where they are not UTF-8.

    >>> parse_form(b"query=%C3%A9%2520+%2B&query=")
    {'query': ['é%20 +', '']}
    """
    parts = encoded.split(b"&") if encoded else []
    if len(parts) > _MOST_PARAMETERS:
        raise ProtocolError(400, f"more than {_MOST_PARAMETERS} parameters")
    found: dict[str, list[str]] = {}
    for part in parts:
        name, _, value = part.partition(b"=")
        try:
            key, text = (unquote_to_bytes(piece.replace(b"+", b" ")).decode() for piece in (name, value))
        except UnicodeDecodeError as error:
            raise ProtocolError(400, f"a parameter is not UTF-8 ({error.reason})") from None
        found.setdefault(key, []).append(text)
    return found


@dataclass(frozen=True)
class Request:
    """What a client asks: the query, if any, and the format that it names outside of its Accept header, if any."""

    query: str | None
    format: str | None


def read_request(method: str, url_query: bytes, content_type: str | None, body: bytes) -> Request:
    """A SPARQL 1.1 Protocol query operation; raises ProtocolError.

    The dataset is ours to say: a request that names graphs of its own is refused rather than answered from another.
    """
    url = parse_form(url_query)
    if method != "POST":
        return _request(url, url)
    media, parameters = parse_media_type(content_type or "")
    if parameters.get("charset", "utf-8").lower().replace("_", "-") not in {"utf-8", "utf8", "us-ascii"}:
        raise ProtocolError(415, "the body should be in UTF-8")
    if media == "application/x-www-form-urlencoded":
        form = parse_form(body)
        if "update" in form:
            raise ProtocolError(403, "updates are refused: this endpoint only reads")
        if "query" in url:
            raise ProtocolError(400, "the query stands in the address, but it was sent by POST: put it into the form")
        return _request(form, {**url, **form})
    if media == "application/sparql-query":
        if "query" in url:
            raise ProtocolError(400, "two queries: one in the address, one in the body")
        try:
            query = body.decode()
        except UnicodeDecodeError as error:
            raise ProtocolError(400, f"the query is not UTF-8 ({error.reason} at byte {error.start})") from None
        return _request({**url, "query": [query]}, url)
    if media == "application/sparql-update":
        raise ProtocolError(403, "updates are refused: this endpoint only reads")
    accepted = "application/sparql-query, application/x-www-form-urlencoded"
    raise ProtocolError(415, f"a query is sent as {accepted.replace(', ', ' or ')}", {"Accept-Post": accepted})


def parse_media_type(header: str) -> tuple[str, dict[str, str]]:
    """A Content-Type as its media type and parameters, in lower case.

    >>> parse_media_type('Text/Turtle; Charset="UTF-8"')
    ('text/turtle', {'charset': 'UTF-8'})
    """
    media, *rest = header.split(";")
    pairs = (part.partition("=") for part in rest)
    return media.strip().lower(), {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}


def _request(asked: Mapping[str, Sequence[str]], options: Mapping[str, Sequence[str]]) -> Request:
    if "update" in asked:
        raise ProtocolError(403, "updates are refused: this endpoint only reads")
    for name in ("default-graph-uri", "named-graph-uri", "using-graph-uri", "using-named-graph-uri"):
        if any(options.get(name, ())):
            raise ProtocolError(400, f"{name} is refused: all triples are in the one default graph, so leave it out")
    queries = asked.get("query", ())
    if len(queries) > 1:
        raise ProtocolError(400, f"{len(queries)} queries in one request: send one")
    formats = options.get("format", ())
    return Request(
        queries[0] if queries and queries[0].strip() else None, formats[0] if formats and formats[0] else None
    )


def _ranges(accept: str) -> list[tuple[str, float]]:
    """The media ranges of an Accept header with their weights; what cannot be read is left out."""
    found = []
    for part in accept.split(","):
        pattern, parameters = parse_media_type(part)
        weight = parameters.get("q", "1")
        if pattern.count("/") == 1 and _WEIGHT.fullmatch(weight):
            found.append((pattern, min(float(weight), 1.0)))
        elif pattern == "*":
            found.append(("*/*", 1.0))  # some old clients write it so
    return found


def _exactness(pattern: str, media: str) -> int:
    """How closely a range holds a type: as the type itself, as `type/*` (2), as `*/*` (1), or not at all (0)."""
    if pattern == media:
        return _EXACT
    if pattern == "*/*":
        return 1
    return 2 if pattern.endswith("/*") and media.startswith(pattern[:-1]) else 0
