"""The commands by which people decide about nodes and statements: merges, merge, unmerge, rename, retype, drop."""

from __future__ import annotations

from collections.abc import Sequence

import click

from kg.commands.options import Command, output_options, show_change, show_rows


def decision_options(command: Command) -> Command:
    """What all commands share by which people decide about a graph."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Answer as JSON."),
        click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing."),
        click.option("--why", default="", metavar="TEXT", help="The reason, kept with the decision."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("directory", metavar="DIR")
@click.option("--below", type=float, default=1.1, metavar="SCORE", help="Only those that are less sure than this.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@output_options
def merges(directory: str, below: float, limit: int, as_json: bool, as_csv: bool) -> None:
    """List the names that were merged, the doubtful first."""
    from kg.curate import doubtful
    from kg.directory import load_graph

    found = doubtful(load_graph(directory), below=below)
    rows = [(m.entity, m.merged_name, m.rule, m.score, m.decided_by) for m in found]
    show_rows(("entity", "merged_name", "rule", "score", "decided_by"), rows[:limit], as_json=as_json, as_csv=as_csv)
    if len(rows) > limit:
        click.echo(f"{len(rows) - limit:,} more: --limit {len(rows)} shows all", err=True)


@click.command()
@click.argument("directory", metavar="DIR")
@click.argument("what", metavar="ID")
@click.argument("into", metavar="INTO")
@decision_options
def merge(directory: str, what: str, into: str, why: str, dry_run: bool, as_json: bool) -> None:
    """Make two nodes one.

    It keeps the name of INTO; later builds obey.
    """
    from kg import curate

    change = curate.merge(directory, what, into, why=why, dry_run=dry_run)
    show_change(change, as_json=as_json, dry_run=dry_run)


@click.command()
@click.argument("directory", metavar="DIR")
@click.argument("what", metavar="ID")
@click.argument("name", metavar="[NAME]", required=False, default="")
@decision_options
def unmerge(directory: str, what: str, name: str, why: str, dry_run: bool, as_json: bool) -> None:
    """Take a name out of a node, or a merge back.

    A merge is taken back that a person made. Without NAME, ID is the node that was merged into another one, or the one
    that it was merged into.
    """
    from kg import curate

    change = curate.unmerge(directory, what, name, why=why, dry_run=dry_run)
    show_change(change, as_json=as_json, dry_run=dry_run)


@click.command()
@click.argument("directory", metavar="DIR")
@click.argument("what", metavar="ID")
@click.argument("name", metavar="NAME")
@decision_options
def rename(directory: str, what: str, name: str, why: str, dry_run: bool, as_json: bool) -> None:
    """Call a node otherwise.

    Its id follows, and the former id leads to it.
    """
    from kg import curate

    change = curate.rename(directory, what, name, why=why, dry_run=dry_run)
    show_change(change, as_json=as_json, dry_run=dry_run)


@click.command()
@click.argument("directory", metavar="DIR")
@click.argument("what", metavar="ID")
@click.argument("entity_type", metavar="TYPE")
@decision_options
def retype(directory: str, what: str, entity_type: str, why: str, dry_run: bool, as_json: bool) -> None:
    """Give a node another type.

    What the new type cannot be said of goes.
    """
    from kg import curate

    change = curate.retype(directory, what, entity_type, why=why, dry_run=dry_run)
    show_change(change, as_json=as_json, dry_run=dry_run)


@click.command()
@click.argument("directory", metavar="DIR")
@click.argument("what", metavar="ID", nargs=-1, required=True)
@decision_options
def drop(directory: str, what: Sequence[str], why: str, dry_run: bool, as_json: bool) -> None:
    """Take a node or a statement out of the graph for good.

    ID is an id or an unambiguous name, a statement's id, or a statement as SUBJECT PREDICATE OBJECT.
    """
    from kg import curate

    change = curate.drop(directory, " ".join(what), why=why, dry_run=dry_run)
    show_change(change, as_json=as_json, dry_run=dry_run)
