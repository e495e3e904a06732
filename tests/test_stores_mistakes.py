"""Mistakes in SPARQL texts: the message says in one line what is wrong, and points at it."""

from __future__ import annotations

import re

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.queries import catalogue
from kg.rdf import prefixes
from kg.stores.mistakes import explained
from kg.stores.text import Token, line_and_column, sparql_tokens

TEXTS = [(question.texts["sparql"], list(sparql_tokens(question.texts["sparql"]))) for question in catalogue().values()]


def said_of(text: str) -> str | None:
    """What is said of a text, or None where the engine finds nothing wrong."""
    try:
        ox.Store().query(text, prefixes=prefixes())
    except SyntaxError as error:
        return str(explained(error, text))
    except ValueError:
        return None
    return None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT * {", "unexpected end of the query (line 1, column 11)"),
        ("SELECT ?s\nWHER { ?s ?p ?o }", "unexpected 'WHER', expected WHERE (line 2, column 1)"),
        ("SELECT ?s {\n ?s ?p }", "unexpected '}' (line 2, column 8)"),
        ("SELECT ?x { ?x kg:uses }", "unexpected '}' (line 1, column 24)"),
        ("SELECT * { ?a ?b ?c FILTER(foo(?a)) }", "unexpected 'foo' (line 1, column 28)"),
        ("SELECT (COUNT(?x) { ?x a ?y }", "unexpected '{' (line 1, column 19)"),
        ("SELECT * { OPTIONAL ?s }", "unexpected '?s', expected \"{\" (line 1, column 21)"),
        ("SELECT * { ?s ?p ?o } LIMIT x", "unexpected 'x' (line 1, column 29)"),
        ("SELECT * { ?s ?p ?o } LIMIT 5 foo", "unexpected 'foo' (line 1, column 31)"),
        ("PREFIX x <http://a/> ASK {}", "unexpected 'x' (line 1, column 8)"),
        ("ASK { ?s ?p ?o } }", "unexpected '}' (line 1, column 18)"),
        ("SELECT ?s { ?s a 'x }", "unexpected end of the query (line 1, column 22)"),
        ("SELECT ?y { ?x a ?y } GROUP BY ?x", "The SELECT contains a variable that is unbound (line 1, column 34)"),
        (
            "SELECT * { ?s nope:x ?o }",
            "the prefix nope: is not declared: begin with PREFIX nope: <IRI> (line 1, column 15)",
        ),
    ],
)
def test_what_is_wrong_and_where(text: str, said: str) -> None:
    message = said_of(text)
    assert message is not None
    assert message.splitlines()[0].removeprefix("the query cannot be read: ") == said


@given(st.sampled_from(TEXTS), st.data())
@settings(max_examples=300)
def test_a_token_that_is_missing_is_missed_where_it_stood(query: tuple[str, list[Token]], data: st.DataObject) -> None:
    text, tokens = query
    number = data.draw(st.integers(0, len(tokens) - 1))
    gone, before = tokens[number], tokens[max(number - 1, 0)]
    broken = text[: gone.start] + text[gone.start + len(gone.text) :]
    message = said_of(broken)
    if message is None:
        return
    first, source, caret = message.split("\n")
    place = re.search(r"\(line (\d+), column (\d+)\)$", first)
    assert place is not None
    # Not before the token that the gap follows, which may now be half of one (`!` of `!=`).
    assert (int(place[1]), int(place[2])) >= line_and_column(text, before.start) or "prefix" in first
    assert len(first) < 160
    assert len(caret) <= len(source) + 1


@given(st.text())
@settings(max_examples=300)
def test_any_text_gets_three_short_lines(text: str) -> None:
    for query in (text, f"SELECT * {{ {text} }}"):
        message = said_of(query)
        assert message is None or max(map(len, message.split("\n"))) < 200
