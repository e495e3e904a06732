"""Whether a SPARQL text asks other servers: whatever surrounds the keyword, and in Oxigraph's own reading of it."""

from __future__ import annotations

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.model import StoreError
from kg.stores.guard import check_services, services

# What Oxigraph would ask; nobody listens there.
ADDRESS = "http://127.0.0.1:1/none"
SERVICE = f"SERVICE <{ADDRESS}> {{ ?s ?p ?o }}"

#: Pieces of a group in which a query may stand, that hide or show what follows in some reading.
PIECES = (
    "?a ?b ?c .",
    "FILTER(?a<?b)",
    "FILTER(?a<?b && ?c>?d)",
    "FILTER(?a<1)#>\n",
    'FILTER(?a<?b)#>"""\n',
    "FILTER(?a<?b)#>'''\n",
    "FILTER(?a<?b)#>'\n",
    '#"""\n',
    "#'''\n",
    "# SERVICE <http://x/> {}\n",
    '?a ex:b "SERVICE <http://x/> {" .',
    "?a ex:b 'it\\'s' .",
    '?a ex:b """ "SERVICE" \\" """ .',
    "?a ex:b ''' SERVICE ''' .",
    "?a ex:b '' .",
    '?a ex:b "" .',
    "?a ex:b 1.5 .",
    "?a ex:b true .",
    "?a ex:b\\#c ex:d .",
    "?a ex:service ?service .",
    "?a <http://x/service#SERVICE> ex:b .",
    "?a <urn:service> ex:b .",
    "?a ex:b 'x'@en-service .",
    '?a ex:b "\\u0022" .',
    "BIND(1 < 2 AS ?x)",
    "OPTIONAL { ?a ?b ?c }",
    "VALUES ?v { 1 2 true }",
    "{ }",
)
groups = st.lists(st.sampled_from(PIECES), max_size=6)
PREFIX = "PREFIX ex: <http://x/> PREFIX service: <http://x/> PREFIX : <http://127.0.0.1:1/> "
KEYWORDS = (
    f"SERVICE <{ADDRESS}>",
    f"sErViCe<{ADDRESS}>",
    f"SERVICE SILENT <{ADDRESS}>",
    f"SERVICESILENT<{ADDRESS}>",
    f"SERVICE#<http://ok/>\n<{ADDRESS}>",
    "SERVICE :none",
    "SERVICE:none",
    "SERVICE service:x",
    "SERVICE ?v",
    "SERVICE$v",
    "SERVICE ex:b#>\n",
)


@given(groups, st.sampled_from(KEYWORDS), groups, st.sampled_from([" ", "\n", ""]))
@settings(max_examples=400)
def test_a_service_is_found_wherever_oxigraph_sees_one(
    before: list[str], keyword: str, after: list[str], gap: str
) -> None:
    query = f"{PREFIX}SELECT * {{ {gap.join(before)}{gap}{keyword} {{ ?s ?p ?o }}{gap}{gap.join(after)} }}"
    if services(query):
        return
    # Not found: then Oxigraph must not see one either, or not understand the query. An address that nobody listens at
    # shows when it does: the query fails, unless it is SILENT.
    store = ox.Store()
    try:
        list(store.query(query.replace("SILENT", "")))
    except SyntaxError:
        return


@given(groups)
@settings(max_examples=300)
def test_no_service_where_there_is_none(pieces: list[str]) -> None:
    query = f"{PREFIX}SELECT * {{ {' '.join(pieces)} }}"
    try:
        ox.Store().query(query)
    except SyntaxError:
        return
    hidden = [piece for piece in pieces if piece.endswith(("'''\n", '"""\n', "#>'\n")) or "\\u0022" in piece]
    if not hidden:  # else another reading of `<`, or of an escaped quote (SPARQL 1.1, 19.2), really holds one
        check_services(query)


@given(st.text())
@settings(max_examples=300)
def test_any_text_can_be_read(text: str) -> None:
    services(text)
    assert services(f"{text}\n\"'''\n") is not None


@given(st.text(alphabet="SERVICE service<>\"'#\\{}?:.()\n\t u0053", max_size=60))
@settings(max_examples=1000)
def test_what_oxigraph_runs_as_a_service_is_found(text: str) -> None:
    query = f"{PREFIX}ASK {{ {text} }}"
    if services(query):
        return
    try:
        bool(ox.Store().query(query))
    except (SyntaxError, ValueError, RuntimeError):
        return


@pytest.mark.parametrize(
    ("address", "allowed", "passes"),
    [
        ("http://a.example/sparql", {"a.example"}, True),
        ("https://A.Example:443/sparql", {"a.example"}, True),
        ("http://a.example:8080/", {"a.example:8080"}, True),
        ("http://a.example/", {"a.example:8080"}, False),
        ("http://a.example.evil.example/", {"a.example"}, False),
        ("http://a.example@evil.example/", {"a.example"}, False),
        ("http://evil.example/a.example", {"a.example"}, False),
        ("http://evil.example#a.example", {"a.example"}, False),
        ("ftp://a.example/", {"a.example"}, False),
        ("file:///etc/passwd", {"a.example", ""}, False),
        ("http://[::1]/", {"::1"}, True),
        ("http://[::1/", {"::1"}, False),
        ("http://a.example:99999/", {"a.example"}, False),
        ("http://\\u0061.example/", {"a.example"}, False),
    ],
)
def test_allowed_hosts(address: str, allowed: set[str], passes: bool) -> None:
    query = f"SELECT * {{ SERVICE <{address}> {{ ?s ?p ?o }} }}"
    if passes:
        check_services(query, allowed)
    else:
        with pytest.raises(StoreError, match="SERVICE is refused"):
            check_services(query, allowed)


def test_one_that_is_not_allowed_is_enough() -> None:
    query = "SELECT * { SERVICE <http://a.example/> { SERVICE <http://b.example/> { ?s ?p ?o } } }"
    check_services(query, {"a.example", "b.example"})
    with pytest.raises(StoreError, match=r"only these hosts may be asked: a\.example \(line 1, column"):
        check_services(query, {"a.example"})
