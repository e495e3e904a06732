"""Query texts, read as tokens: what is a word, and what only looks like one inside a string, an IRI or a comment.

>>> [token.text for token in cypher_tokens("RETURN 'LOAD CSV' // x") if token.kind == "word"]
['RETURN']
>>> [token.text for token in sparql_tokens("ASK { ?s ?p 'ASK { }' } # ASK") if token.kind == "word"]
['ASK']
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from kg import ontology
from kg.model import OntologyError, StoreError

#: A query text of more characters than this is refused unread.
LONGEST = 1_000_000

_CYPHER = re.compile(
    r"""(?P<comment>/\*.*?(?:\*/|\Z)|//[^\n\r]*)
    |(?P<string>'(?:\\.|[^'\\])*(?:'|\Z)|"(?:\\.|[^"\\])*(?:"|\Z))
    |(?P<name>`(?:``|[^`])*(?:`|\Z))
    |(?P<parameter>\$\w+)
    |(?P<word>[^\W\d]\w*)
    |(?P<number>\d[\w.]*)
    |(?P<blank>\s+)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
# The productions of SPARQL 1.1, section 19.8; a prefixed name may hold escaped signs (`ex:a\#b`).
_SPARQL = re.compile(
    r"""(?P<iri><(?:[^<>"{}|^`\\\x00-\x20]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*>)
    |(?P<comment>\#[^\n\r]*)
    |(?P<string>\"\"\"(?:\\.|[^"\\]|"{1,2}(?!"))*(?:\"\"\"|\Z)|'''(?:\\.|[^'\\]|'{1,2}(?!'))*(?:'''|\Z)
        |"(?:\\.|[^"\\\n\r])*"?|'(?:\\.|[^'\\\n\r])*'?)
    |(?P<parameter>\$\w+)
    |(?P<variable>\?\w+)
    |(?P<language>@[A-Za-z]+(?:-[A-Za-z0-9]+)*)
    |(?P<name>(?:[^\W\d_][\w.-]*|_)?:(?:\\.|%[0-9A-Fa-f]{2}|[\w.:-])*)
    |(?P<word>[^\W\d]\w*)
    |(?P<number>\d[\w.]*)
    |(?P<blank>\s+)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_UPDATES = frozenset({"ADD", "CLEAR", "COPY", "CREATE", "DELETE", "DROP", "INSERT", "LOAD", "MOVE", "WITH"})
_FORMS = frozenset({"ASK", "CONSTRUCT", "DESCRIBE", "SELECT"})


@dataclass(frozen=True)
class Token:
    """A piece of a query text; `kind` is comment, string, name, word, … as in the expressions above."""

    kind: str
    text: str
    start: int


def cypher_tokens(text: str) -> Iterator[Token]:
    """The tokens of a Cypher text, without blanks and comments."""
    return _tokens(_CYPHER, text)


def sparql_tokens(text: str) -> Iterator[Token]:
    """The tokens of a SPARQL text, without blanks and comments."""
    return _tokens(_SPARQL, text)


def check_length(text: str) -> None:
    """Raise StoreError for a text that is too long to be a question."""
    if len(text) > LONGEST:
        raise StoreError(f"the query has {len(text):,} characters; at most {LONGEST:,} are read")


def check_cypher(text: str, parameters: Mapping[str, Any]) -> list[Token]:
    """The tokens of a Cypher text; raises StoreError where it is too long or empty, or its parameters do not fit.

    >>> [token.text for token in check_cypher("RETURN $x + '$y'", {"x": 1})]
    ['RETURN', '$x', '+', "'$y'"]
    """
    check_length(text)
    tokens = list(cypher_tokens(text))
    if not tokens:
        raise StoreError("the query is empty")
    check_parameters({token.text[1:] for token in tokens if token.kind == "parameter"}, parameters)
    return tokens


def sparql_form(text: str) -> str:
    """What kind of query it is: ASK, CONSTRUCT, DESCRIBE or SELECT; raises StoreError for an update or anything else.

    >>> sparql_form("PREFIX select: <http://x/> ask { select:a ?p ?o }")
    'ASK'
    """
    skip = 0
    for token in sparql_tokens(text):
        word = token.text.upper()
        if skip:
            skip -= 1
        elif word == "PREFIX":
            skip = 2
        elif word == "BASE":
            skip = 1
        elif word in _FORMS:
            return word
        elif word in _UPDATES:
            raise StoreError(f"{word} is refused: kg only reads; write into a store with `kg load DIR STORE`")
        else:
            raise StoreError(
                "a SPARQL query begins with ASK, CONSTRUCT, DESCRIBE or SELECT, this one with "
                f"{token.text[:40]!r}{show_place(text, *line_and_column(text, token.start))}"
            )
    raise StoreError("the query is empty")


def with_parameters(text: str, parameters: Mapping[str, Any], base: str = ontology.BASE) -> str:
    """A SPARQL text with each `$name` that has a value replaced by the value's term; any other `$name` is a variable.

    >>> with_parameters("SELECT * { $m ?p ?o FILTER(?o != '$m' && ?o > $n) }", {"m": "method:bert", "n": 2})
    "SELECT * { <https://kg.example.org/method/bert> ?p ?o FILTER(?o != '$m' && ?o > 2) }"
    """
    pieces, end, found = [], 0, set()
    for token in sparql_tokens(text):
        if token.kind == "parameter" and token.text[1:] in parameters:
            found.add(token.text[1:])
            pieces += [text[end : token.start], sparql_term(parameters[token.text[1:]], base)]
            end = token.start + len(token.text)
    check_parameters(found, parameters)
    return "".join([*pieces, text[end:]])


def check_parameters(named: Set[str], given: Mapping[str, Any]) -> None:
    """Raise StoreError where a text names a parameter that is not given, or one is given that it does not name."""
    if missing := sorted(named - given.keys()):
        listed = ", ".join(f"${name}" for name in missing)
        raise StoreError(f"no value for {listed}: give --param {missing[0]}=VALUE")
    if unknown := sorted(given.keys() - named):
        raise StoreError(f"the query has no {', '.join(f'${name}' for name in unknown)}")


def sparql_term(value: Any, base: str = ontology.BASE) -> str:
    r"""A value as SPARQL writes it: an id as its IRI, text as a string.

    >>> sparql_term("task:qa"), sparql_term('say "x"\n'), sparql_term(True), sparql_term(0.5)
    ('<https://kg.example.org/task/qa>', '"say \\"x\\"\\n"', 'true', '0.5')
    """
    import pyoxigraph as ox

    if value is None or isinstance(value, (list, dict)):
        raise StoreError(f"a parameter of a SPARQL query is text, a number, true or false, not {value!r}")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    text = str(value)
    try:
        ontology.type_of(text)
    except OntologyError:
        if re.fullmatch(r"<[a-z][a-z0-9+.-]*:[^<>\"{}|^`\\\x00-\x20]*>", text):
            return text
        return str(ox.Literal(text))
    return f"<{ontology.iri(text, base)}>"


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """The line and column, from 1, of a character.

    >>> line_and_column("ab\\ncd", 4)
    (2, 2)
    """
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def show_place(text: str, line: int, column: int) -> str:
    """The place of an error, to put behind its message: line, column, and the line with a caret under the character.

    >>> print("wrong" + show_place("RETURN x x", 1, 10))
    wrong (line 1, column 10)
      RETURN x x
               ^
    """
    lines = text.split("\n")
    source = lines[line - 1].replace("\t", " ") if 0 < line <= len(lines) else ""
    first = max(0, column - 90)
    shown = source[first : first + 110].rstrip("\r")
    return f" (line {line}, column {column})\n  {shown}\n  {' ' * (column - 1 - first)}^"


def _tokens(expression: re.Pattern[str], text: str) -> Iterator[Token]:
    for match in expression.finditer(text):
        kind = match.lastgroup or ""
        if kind not in {"blank", "comment"}:
            yield Token(kind, match.group(), match.start())
