"""The commands that look at a graph: find, stats, explain, diff."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from kg.commands.options import cell_text, counted, output_options, parse_types, show_change, show_rows

_SHOWN_APART = frozenset({"id", "name", "type", "links", "merges", "statements", "results"})


@click.command()
@click.argument("directory", metavar="DIR")
@click.argument("text")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only nodes of this type, e.g. Method or Paper.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@output_options
def find(directory: str, text: str, types: Sequence[str], limit: int, as_json: bool, as_csv: bool) -> None:
    """Find entities and papers by a part of their names.

    Aliases and abbreviations count as names. The best match comes first: the whole name, its beginning, a word in it,
    any part of it.
    """
    from kg.directory import load_graph, redirects
    from kg.find import find as find_nodes

    graph = load_graph(directory, only=("papers", "entities"))
    hits = find_nodes(graph, text, types=parse_types(types), redirects=redirects(directory))
    columns = ("id", "type", "name", "papers", "match", "matched")
    rows = [(hit.id, hit.type, hit.name, hit.papers, hit.match, hit.matched) for hit in hits[:limit]]
    if rows or as_json or as_csv:
        show_rows(columns, rows, as_json=as_json, as_csv=as_csv)
    if not rows and not (as_json or as_csv):
        click.echo(f"Nothing in {directory} is called {text!r} or has it in its name.")
    if len(hits) > limit:
        click.echo(f"{len(hits) - limit:,} more: --limit {len(hits)} shows all", err=True)


@click.command()
@click.argument("directory", metavar="DIR")
@output_options
def stats(directory: str, as_json: bool, as_csv: bool) -> None:
    """Count what is in a graph, by type, predicate and support."""
    from kg.directory import load_graph
    from kg.stats import as_rows
    from kg.stats import stats as numbers_of

    numbers = numbers_of(load_graph(directory))
    if as_json:
        click.echo(json.dumps(numbers, ensure_ascii=False, indent=1))
        return
    if as_csv:
        show_rows(("count", "of", "number"), as_rows(numbers), as_json=False, as_csv=True)
        return
    for name, value in numbers.items():
        title = name.replace("_", " ").capitalize()
        if name == "most_frequent":
            for kind, nodes in value.items():
                click.echo(f"{title}, {kind}")
                for node in nodes:
                    click.echo(f"  {node['papers']:>7,}  {cell_text(node['name'])}  ({node['id']})")
        elif name in ("type_conflicts", "crowded_nodes"):
            click.echo(f"{title:<26} {len(value):,}")
            for conflict in value[:10]:
                click.echo(f"  {cell_text(conflict['name'])}: {', '.join(conflict['ids'])}")
            if len(value) > 10:
                click.echo(f"  and {len(value) - 10:,} more (--json lists all)")
        elif isinstance(value, dict):
            click.echo(title)
            for label, number in value.items():
                click.echo(f"  {label:<24} {number:>8,}")
        elif name == "isolated_share":
            click.echo(f"{title:<26} {value:>8.1%}")
        else:
            click.echo(f"{title:<26} {value:>8,}")


@click.command()
@click.argument("directory", metavar="DIR")
@click.argument("what", metavar="ID", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, help="At most so many statements.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON, with all statements.")
def explain(directory: str, what: Sequence[str], limit: int, as_json: bool) -> None:
    """Show the sentences behind a node or a statement.

    ID is an id or an unambiguous name, a statement's id, or a statement as SUBJECT PREDICATE OBJECT.
    """
    from kg.directory import load_graph, redirects
    from kg.explain import explain as tell_why

    about = tell_why(load_graph(directory), " ".join(what), redirects=redirects(directory))
    if as_json:
        click.echo(json.dumps(about, ensure_ascii=False, indent=1))
        return
    if "subject" in about:
        _show_statement(about, "")
        return
    click.echo(f"{about['id']}  {cell_text(about['name'])}  ({about['type']})")
    for name, value in about.items():
        if name not in _SHOWN_APART and value not in (None, [], ""):
            shown = "; ".join(map(str, value)) if isinstance(value, list) else value
            click.echo(f"{name.replace('_', ' ')}: {shown}")
    for link in about.get("links", ()):
        why = f"{link['rule']}, {link['score']}, {link['catalogue']}"
        click.echo(f"{link['match']} match: {link['target']}  {cell_text(link['label'])}  ({why})")
    for merge in about["merges"]:
        why = f"{merge['rule']}, {merge['score']}, {merge['decided_by']}"
        click.echo(f"merged: {cell_text(merge['merged_name'])}  ({why})")
    for result in about["results"][:limit]:
        click.echo(f"result: {cell_text(result['value'])}  {result['paper']}: {cell_text(result['sentence'])}")
    _say_more(about["results"], limit, "result")
    for statement in about["statements"][:limit]:
        _show_statement(statement, "  ")
    _say_more(about["statements"], limit, "statement")


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--moved", type=float, default=0.0, metavar="X", help="Leave out confidences that moved by X or less.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.option("--turtle", "as_turtle", is_flag=True, help="Answer as RDF in Turtle.")
@click.option("--base", metavar="IRI", help="What ids begin with in RDF (default: https://kg.example.org/).")
def diff(old: str, new: str, moved: float, as_json: bool, as_turtle: bool, base: str | None) -> None:
    """Show what changed from one graph directory to another."""
    from kg.compare import compare, describe
    from kg.directory import load_graph, redirects
    from kg.ontology import BASE

    if as_json and as_turtle:
        raise click.UsageError("--json or --turtle, not both")
    change = compare(load_graph(old), load_graph(new), redirects=redirects(new), least=moved)
    if as_turtle:
        from kg.export import turtle

        out = io.StringIO()
        turtle.write(describe(change, base or BASE), out, base or BASE)
        click.echo(out.getvalue(), nl=False)
        return
    show_change(change, as_json=as_json)


def _say_more(values: Sequence[Any], limit: int, noun: str) -> None:
    if len(values) > limit:
        click.echo(f"and {counted(len(values) - limit, noun)} more (--limit {len(values)} shows all)")


def _show_statement(statement: Mapping[str, Any], indent: str) -> None:
    predicate = f"not {statement['predicate']}" if statement["negated"] else statement["predicate"]
    click.echo(
        f"{indent}{statement['subject']} {predicate} {statement['object']}  "
        f"(confidence {statement['confidence']}, {counted(statement['support'], 'paper')})"
    )
    for evidence in statement["evidence"]:
        hedged = ", hedged" if evidence["hedged"] else ""
        place = f"{evidence['paper']} {evidence['start']}-{evidence['end']}"
        click.echo(f"{indent}  {place} ({evidence['score']}{hedged}): {cell_text(evidence['sentence'])}")
