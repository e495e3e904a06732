r"""Which other servers a SPARQL text asks (`SERVICE`), found before it runs: Oxigraph would go out to any of them.

>>> check_services("SELECT * { ?service ex:service 'SERVICE' } # SERVICE <http://x/>")
>>> check_services("SELECT * { SERVICE <http://x/> { ?s ?p ?o } }")
Traceback (most recent call last):
kg.model.StoreError: SERVICE is refused: a query may not ask other servers (line 1, column 12)
  SELECT * { SERVICE <http://x/> { ?s ?p ?o } }
             ^
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from kg.model import StoreError

# The tokens of SPARQL 1.1 (section 19.8) as Oxigraph reads them: it needs no blank between a keyword and what stands
# before or behind it, so `trueSERVICE:x{` is `true`, `SERVICE`, `:x`.
_TOKEN = re.compile(
    r"""(?P<blank>\s+|\#[^\n\r]*)
    |(?P<iri><(?:[^<>"{}|^`\\\x00-\x20]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*>)
    |(?P<string>\"\"\"(?:\"{0,2}(?:[^"\\]|\\.))*\"\"\"|'''(?:'{0,2}(?:[^'\\]|\\.))*'''
        |"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*')
    |(?P<variable>[?$]\w+)
    |(?P<name>(?:[^\W\d_][\w.-]*|_)?:(?:\\.|%[0-9A-Fa-f]{2}|[\w.:-])*)
    |(?P<language>@[A-Za-z]+(?:-[A-Za-z0-9]+)*)
    |(?P<word>[\w-]+)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
# `<http://…>` can only be an IRI; `<?b)SERVICE?v#>` can also be `<`, and what follows.
_SURELY_IRI = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*://")
_SERVICE = re.compile("service", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:SERVICE|SILENT)(?:\s|\#[^\n\r]*[\n\r])*", re.IGNORECASE)
_BEFORE_GROUP = re.compile(r"(?:\s|\#[^\n\r]*[\n\r])*\{")
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")


@dataclass(frozen=True)
class Service:
    """A place where a SPARQL text asks another server; `address` is None where it is not written in full."""

    offset: int
    address: str | None


def services(text: str) -> list[Service]:
    r"""All places where a SPARQL text may ask another server, in order; in doubt it does.

    A `<` that is less-than in one reading begins an IRI in another, and then even strings and comments differ, so every
    reading is followed. Escapes may stand anywhere in a query, so it is read with and without them.

    >>> services("ASK { FILTER(?a<?b)SERVICE?c#>\n{} }"), services("ASK { ?s a <urn:service> ; ex:service 'SERVICE' }")
    ([Service(offset=19, address=None)], [])
    """
    if not _SERVICE.search(text) and "\\" not in text:
        return []
    plain = _ESCAPE.sub(_unescape, text)
    found = dict.fromkeys(_readings(text))
    if plain != text:
        found.update(dict.fromkeys(_readings(plain)))
    return sorted(found, key=lambda service: service.offset)


def check_services(text: str, allowed: Collection[str] = ()) -> None:
    """Raise StoreError when a SPARQL text asks a server that is not allowed; `allowed` holds HOST or HOST:PORT.

    >>> check_services("ASK { SERVICE SILENT <https://query.example/sparql> { } }", {"query.example"})
    """
    from kg.stores.text import line_and_column, show_place

    for service in services(text):
        place = show_place(text, *line_and_column(text, min(service.offset, len(text))))
        if not allowed:
            raise StoreError(f"SERVICE is refused: a query may not ask other servers{place}")
        if service.address is None:
            raise StoreError(f"SERVICE is refused: write the address in full, <https://host/path>{place}")
        if not _is_allowed(service.address, allowed):
            hosts = ", ".join(sorted(allowed))
            raise StoreError(f"SERVICE is refused: only these hosts may be asked: {hosts}{place}")


def _readings(text: str) -> Iterator[Service]:
    """The services of every reading of a text: each place where a token may begin is read once."""
    begins = [0]
    seen: set[int] = set()
    while begins:
        start = begins.pop()
        while start < len(text) and start not in seen:
            seen.add(start)
            match = _TOKEN.match(text, start)
            if match is None:
                break
            yield from _service_of(text, match)
            if match.lastgroup == "iri" and not _SURELY_IRI.match(match.group()):
                begins.append(start + 1)
            start = match.end()


def _service_of(text: str, token: re.Match[str]) -> Iterator[Service]:
    """The service that a token begins: a word holds the keyword, or the prefix of a name is it (`SERVICE:x {`)."""
    if token.lastgroup == "word":
        for keyword in _SERVICE.finditer(token.group()):
            begin = token.start() + keyword.start()
            silent = _ADDRESS.match(text, begin)
            address = _TOKEN.match(text, silent.end()) if silent else None
            if address is not None and address.group().upper() == "SILENT":
                silent = _ADDRESS.match(text, address.start())
                address = _TOKEN.match(text, silent.end()) if silent else None
            written = address is not None and _SURELY_IRI.match(address.group()) and token.group().upper() == "SERVICE"
            if address is not None and address.group() == ">":
                continue  # the end of `<service>`, an IRI after all
            yield Service(begin, address.group()[1:-1] if address is not None and written else None)
    elif token.lastgroup == "name":
        prefix = token.group().partition(":")[0]
        keyword_in_prefix = _SERVICE.search(prefix)
        if keyword_in_prefix and _BEFORE_GROUP.match(text, token.end()):
            yield Service(token.start() + keyword_in_prefix.start(), None)


def _is_allowed(address: str, allowed: Collection[str]) -> bool:
    if _ESCAPE.search(address):
        return False
    try:
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return False
    host = parts.hostname or ""
    return (
        parts.scheme in {"http", "https"}
        and parts.username is None
        and ({host, f"{host}:{port}"} & {entry.lower() for entry in allowed} != set())
    )


def _unescape(match: re.Match[str]) -> str:
    number = int(match[1] or match[2], 16)
    return chr(number) if number <= 0x10FFFF else match.group()
