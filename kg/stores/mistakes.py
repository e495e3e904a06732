"""Mistakes in SPARQL texts: where the text stops making sense and what stands there, in one line.

Oxigraph names all that might have stood at the farthest place that it tried, often a hundred things, and that place may
lie behind the mistake: it compares a keyword at one go, and tells where it would have ended.

>>> import pyoxigraph as ox
>>> try:
...     answer = ox.Store().query("SELECT ?s WHER { ?s ?p ?o }")
... except SyntaxError as error:
...     print(explained(error, "SELECT ?s WHER { ?s ?p ?o }"))
the query cannot be read: unexpected 'WHER', expected WHERE (line 1, column 11)
  SELECT ?s WHER { ?s ?p ?o }
            ^
"""

from __future__ import annotations

import difflib
import re
from itertools import dropwhile, takewhile

from kg.model import StoreError
from kg.ontology import BASE
from kg.rdf import prefixes
from kg.stores.text import Token, line_and_column, show_place, sparql_tokens

_SYNTAX = re.compile(r"error at (\d+):(\d+): (?:expected )?(?:one of )?(.*)\Z", re.DOTALL)
_KEYWORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SENTENCE = re.compile(r"[A-Z][A-Za-z]+( \S+)+")
# No keyword is longer: behind so many blanks, each is compared at the end of a text as it is elsewhere.
_ROOM = " " * 20
_ANYTHING = "[_]"
_MOST_EXPECTED = 3
_LONGEST_SHOWN = 40


def explained(error: SyntaxError, text: str) -> StoreError:
    """The engine's syntax error as ours: what is wrong, and where."""
    message = str(error)
    undeclared = _undeclared(text)
    if "Prefix not found" in message and undeclared is not None:
        name = undeclared.text.partition(":")[0]
        where = show_place(text, *line_and_column(text, undeclared.start))
        return StoreError(f"the prefix {name}: is not declared: begin with PREFIX {name}: <IRI>{where}")
    found = _failure(text) or _read(message, text)
    if found is None:
        return StoreError(f"the query cannot be read: {' '.join(message.split())}")
    offset, expected = found
    sentences = [item for item in expected if _SENTENCE.fullmatch(item)]
    if sentences:
        offset = min(offset, len(text.rstrip()))
        reason = sentences[0]
    else:
        token = _culprit(text, offset)
        offset = len(text.rstrip()) if token is None else token.start
        met = "end of the query" if token is None else repr(_shortened(token.text))
        reason = f"unexpected {met}{_wanted(expected, token)}"
    return StoreError(f"the query cannot be read: {reason}{show_place(text, *line_and_column(text, offset))}")


def _failure(text: str) -> tuple[int, list[str]] | None:
    """Where the engine stops reading a text, and what it expects there; None where it does not."""
    import pyoxigraph as ox

    try:
        ox.Store().query(text + _ROOM, prefixes=prefixes(BASE))
    except SyntaxError as error:
        return _read(str(error), text)
    except (OSError, ValueError):
        pass
    return None


def _read(message: str, text: str) -> tuple[int, list[str]] | None:
    """The offset and the expectations of an error of the engine."""
    syntax = _SYNTAX.match(message)
    if syntax is None:
        return None
    lines = text.splitlines(keepends=True)
    offset = sum(map(len, lines[: int(syntax[1]) - 1])) + int(syntax[2]) - 1
    items = re.split(r",\s+(?=[\"\[A-Za-z])", syntax[3])
    keywords = [item for item in items if _KEYWORD.fullmatch(item)]
    others = [item for item in items if item not in keywords and item != _ANYTHING]
    if others or not keywords:
        return offset, items
    begin = max(offset - len(word) for word in keywords)
    return begin, [word for word in keywords if offset - len(word) == begin]


def _culprit(text: str, offset: int) -> Token | None:
    """The token that cannot follow what stands before it, at `offset` or soon after; None is the text's end."""
    tokens = dropwhile(lambda token: token.start + len(token.text) <= offset, sparql_tokens(text))
    near = list(takewhile(lambda token: token.start <= offset + len(_ROOM), tokens))
    if not near or near[0].start > offset:
        return near[0] if near else None
    found = near[0]
    for token in near[1:]:
        failure = _failure(text[: token.start])
        if failure is not None and failure[0] < token.start:
            return found  # what stands before this token is wrong already
        found = token
    return found


def _wanted(expected: list[str], token: Token | None) -> str:
    """What should have stood there, where that is sure: a sign, or a keyword that was misspelt.

    Of other keywords, the longest are told rather than those that would do.
    """
    if len(expected) > _MOST_EXPECTED or any(item.startswith("[") for item in expected):
        return ""
    named = [item for item in expected if item.startswith('"')]
    if token is not None and token.kind == "word":
        named += difflib.get_close_matches(token.text.upper(), expected)
    return f", expected {' or '.join(named)}" if named else ""


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _undeclared(text: str) -> Token | None:
    """The first name whose prefix neither the text nor we declare."""
    tokens = [token for token in sparql_tokens(text) if token.kind in {"name", "word"}]
    declarations = [tokens[place + 1] for place, token in enumerate(tokens[:-1]) if token.text.upper() == "PREFIX"]
    known = {token.text.rstrip(":") for token in declarations} | prefixes(BASE).keys() | {"_"}
    names = (token for token in tokens if token.kind == "name")
    return next((token for token in names if token.text.partition(":")[0] not in known), None)
