"""The commands that ask in a language: ask (the catalogue), query (Cypher), sparql."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kg.commands.options import Command, ask_password, limit_options, output_options, show_rows, split_pair
from kg.model import KGError

if TYPE_CHECKING:
    from kg.stores import Language, Limits, Rows, Store


def query_options(command: Command) -> Command:
    """What commands share that ask a store in its language."""
    return click.option(
        "--param",
        "parameters",
        multiple=True,
        metavar="NAME=VALUE",
        help="What $NAME is in the query: text, or JSON (7 is a number, '\"7\"' text; a list in Cypher only).",
    )(limit_options(command))


def parse_parameters(pairs: Sequence[str]) -> dict[str, Any]:
    """`("n=3", "id=method:bert")` as `{"n": 3, "id": "method:bert"}`: a value that is JSON is read as JSON."""
    parameters: dict[str, Any] = {}
    for pair in pairs:
        name, value = split_pair(pair, "--param NAME=VALUE, for example id=method:bert")
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            parameters[name] = value
    return parameters


def query_text(argument: str) -> str:
    """A query as given: `-` is standard input, `@FILE` a file, anything else the query itself."""
    if argument == "-":
        return sys.stdin.read()
    if argument.startswith("@"):
        try:
            return Path(argument[1:]).read_text("utf-8")
        except OSError as error:
            raise KGError(f"{argument[1:]}: the query cannot be read ({error.strerror})") from error
        except UnicodeDecodeError as error:
            raise KGError(f"{argument[1:]}: the query cannot be read (not UTF-8)") from error
    return argument


def _opened(address: str, language: Language, timeout: float, most_rows: int) -> tuple[Store, Limits]:
    """The store to ask, and when to give up; asks for a password where one is needed."""
    from kg.stores import Limits, open_store

    ask_password(address)
    return open_store(address, language=language), Limits(seconds=timeout or None, rows=most_rows)


def _answer(
    address: str, text: str, *, language: Language, parameters: Sequence[str], timeout: float, most_rows: int
) -> Rows:
    """The answer of a store to a text in its language."""
    store, limits = _opened(address, language, timeout, most_rows)
    if store.language != language:
        its, command = {"cypher": ("Cypher", "kg query"), "sparql": ("SPARQL", "kg sparql")}[store.language]
        raise KGError(f"{address} understands {its}: ask it with `{command}`")
    return store.query(query_text(text), parse_parameters(parameters), limits=limits)


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@click.argument("address", metavar="[DIR|STORE]", required=False)
@click.argument("given", metavar="[PARAMETER=VALUE]...", nargs=-1)
@click.option("--show", is_flag=True, help="Show the question's Cypher and SPARQL instead of asking.")
@click.option("--sparql", "use_sparql", is_flag=True, help="Ask a graph directory in SPARQL (default: Cypher).")
@limit_options
@output_options
def ask(
    name: str | None,
    address: str | None,
    given: Sequence[str],
    show: bool,
    use_sparql: bool,
    timeout: float,
    most_rows: int,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Ask one of the catalogue's questions, or list them.

    Without arguments it lists them. A node is given by its id or its name: kg ask outperforms DIR method=BERT.
    docs/questions.md shows all.
    """
    from kg import queries

    if name is None:
        rows = [
            (question.name, " ".join(parameter.name for parameter in question.parameters), question.question)
            for question in queries.catalogue().values()
        ]
        show_rows(("name", "parameters", "question"), rows, as_json=as_json, as_csv=as_csv)
        return
    question = queries.find(name)
    if show:
        click.echo(queries.described(question), nl=False)
        return
    if address is None:
        raise click.UsageError(f"name a graph directory or a store: kg ask {name} DIR")
    values = dict(split_pair(pair, "PARAMETER=VALUE, for example method=BERT") for pair in given)
    if Path(address).is_dir():
        from kg.directory import redirects

        former = redirects(address)
        values = {parameter: former.get(value, value) for parameter, value in values.items()}
    store, limits = _opened(address, "sparql" if use_sparql else "cypher", timeout, most_rows)
    answer = queries.ask(question, store, values, limits=limits)
    show_rows(answer.columns, answer.rows, as_json=as_json, as_csv=as_csv)


@click.command()
@click.argument("store", metavar="DIR|STORE")
@click.argument("query", metavar="CYPHER")
@query_options
@output_options
def query(
    store: str, query: str, parameters: Sequence[str], timeout: float, most_rows: int, as_json: bool, as_csv: bool
) -> None:
    """Ask a graph directory or a store in Cypher.

    CYPHER may be - (standard input) or @FILE. The graph is only read. What it holds: docs/cypher.md.
    """
    answer = _answer(store, query, language="cypher", parameters=parameters, timeout=timeout, most_rows=most_rows)
    show_rows(answer.columns, answer.rows, as_json=as_json, as_csv=as_csv)


@click.command()
@click.argument("store", metavar="DIR|STORE")
@click.argument("query", metavar="QUERY")
@query_options
@output_options
def sparql(
    store: str, query: str, parameters: Sequence[str], timeout: float, most_rows: int, as_json: bool, as_csv: bool
) -> None:
    """Ask a graph directory or a store in SPARQL.

    QUERY may be - (standard input) or @FILE. The graph is only read. ASK answers true or false, CONSTRUCT and
    DESCRIBE give Turtle. The prefixes of ids and of the ontology need no PREFIX line. What the graph holds:
    docs/sparql.md.
    """
    answer = _answer(store, query, language="sparql", parameters=parameters, timeout=timeout, most_rows=most_rows)
    if as_json or as_csv or answer.form == "rows":
        show_rows(answer.columns, answer.rows, as_json=as_json, as_csv=as_csv)
    elif answer.form == "ask":
        click.echo(str(answer.rows[0][0]).lower())
    else:
        from kg.stores.oxigraph import to_turtle

        click.echo(to_turtle(answer), nl=False)
