"""The commands by which people decide about nodes: merges, merge, unmerge, rename, retype, drop; and link."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from kg.commands.options import Command, counted, output_options, show_change, show_rows


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
    if not found and not (as_json or as_csv):
        click.echo(f"No merge is less sure than {below:g}." if below <= 1 else "Nothing was merged.")
        return
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
@click.argument("file", metavar="FILE")
@click.option("--name", metavar="NAME", help="What the catalogue is called here (default: the file's name).")
@click.option("--remove", is_flag=True, help="Forget the catalogue FILE (its name), and its links.")
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, help="List at most so many links.")
@click.option("--dry-run", is_flag=True, help="Show the links, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON, with all links.")
def link(directory: str, file: str, name: str | None, remove: bool, limit: int, dry_run: bool, as_json: bool) -> None:
    """Tie nodes to the entries of a catalogue.

    FILE is a CSV of the Computer Science Ontology, a JSON dump of Papers with Code (methods, datasets, evaluation
    tables), or SKOS in any RDF syntax. Later builds link anew to all catalogues (docs/linking.md).
    """
    from kg.building import link as link_catalogues
    from kg.linking import remembered
    from kg.model import GraphError
    from kg.resolve.catalogues import catalogue_name, read_catalogue

    catalogue = name or (file if remove else catalogue_name(file))
    if remove:
        if catalogue not in (known := remembered(directory)):
            named = ", ".join(sorted(known)) or "none"
            raise GraphError(f"{directory}: is linked to no catalogue {catalogue!r}; it is to: {named}")
        link_catalogues(directory, {}, without=(catalogue,), dry_run=dry_run)
        change = "would no longer be" if dry_run else "no longer"
        click.echo(json.dumps({"removed": catalogue}) if as_json else f"{directory}: {change} linked to {catalogue}")
        return
    entries = read_catalogue(file)
    _, graph, ambiguous = link_catalogues(directory, {catalogue: entries}, dry_run=dry_run)
    found = [one for one in graph.catalogue_links if one.catalogue == catalogue]
    exact = sum(one.match == "exact" for one in found)
    if as_json:
        shown = [
            {key: getattr(one, key) for key in ("entity", "target", "match", "score", "rule", "name", "label")}
            for one in found
        ]
        answer = {"catalogue": catalogue, "entries": len(entries), "nodes": len(graph.entities), "links": shown}
        click.echo(json.dumps({**answer, "ambiguous": list(ambiguous)}, ensure_ascii=False, indent=1))
        return
    for one in sorted(found, key=lambda one: (-one.score, one.entity))[:limit]:
        click.echo(f"{one.entity}  {one.match} match {one.target}  ({one.score}, {one.reason})")
    if len(found) > limit:
        click.echo(f"and {counted(len(found) - limit, 'link')} more (--limit {len(found)} shows all)")
    unclear = f"; {counted(len(ambiguous), 'node')} may be two entries and got none" if ambiguous else ""
    nodes = counted(len(graph.entities), "node")
    click.echo(
        f"{catalogue}: {counted(len(entries), 'entry')}, {len(found):,} of {nodes} linked, "
        f"{exact:,} exactly and {len(found) - exact:,} closely{unclear}"
    )
    if dry_run:
        click.echo("Nothing was changed (--dry-run).", err=True)


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
