"""The commands that write a graph elsewhere: export, draw, load; and validate."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kg.commands.options import ask_password, counted, output_options, progress_bars, show_rows
from kg.model import ENTITY_TYPES


@click.command()
@click.argument("directory", metavar="DIR")
@click.argument("file", metavar="FILE")
@click.option("--format", "format_", metavar="NAME", help="Force a format; an unknown one lists the known.")
@click.option("--base", metavar="IRI", help="What ids begin with in RDF (default: https://kg.example.org/).")
@click.option(
    "--min-confidence", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Only statements as sure."
)
def export(directory: str, file: str, format_: str | None, base: str | None, min_confidence: float) -> None:
    """Write the graph for other tools.

    FILE's suffix tells the format, - is standard output.

    \b
    .ttl .nt .nq .trig .jsonld      RDF (docs/ontology.md)
    .graphml .gexf                  Gephi, Cytoscape, yEd
    .json                           node-link JSON for NetworkX and D3
    --format csv, jsonl, parquet    tables of nodes, edges and evidence, into the folder FILE
    --format neo4j-csv              what neo4j-admin database import takes, with the command, into the folder FILE

    A .gz or .zst behind the suffix compresses.
    """
    from kg import export as exports
    from kg.directory import load_graph, redirects
    from kg.graph import above
    from kg.ontology import BASE

    graph = above(load_graph(directory), min_confidence)
    former = redirects(directory)
    if file == "-":
        if format_ is None:
            raise click.UsageError("standard output needs --format")
        exports.write(graph, sys.stdout.buffer, format=format_, base=base or BASE, redirects=former)
    else:
        exports.export(graph, file, format=format_, base=base or BASE, redirects=former)
        said = counted(len(graph.statements), "statement")
        click.echo(f"{file}: {counted(len(graph.papers), 'paper')}, {counted(len(graph.entities), 'node')}, {said}")


@click.command()
@click.argument("directory", metavar="DIR")
@click.argument("file", metavar="FILE.html", type=click.Path(dir_okay=False))
@click.option("--around", metavar="ID", help="Only what hangs together with this node (an id or an unambiguous name).")
@click.option("--depth", type=click.IntRange(min=0), help="So many steps from --around (default: 1).")
@click.option("--limit", type=click.IntRange(min=1), default=150, show_default=True, help="At most so many nodes.")
@click.option(
    "--min-confidence", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Only statements as sure."
)
@click.option("--papers", is_flag=True, help="Draw the papers, too.")
@click.option("--title", help="The page's title (default: the name of DIR, or of the node).")
def draw(
    directory: str,
    file: str,
    around: str | None,
    depth: int | None,
    limit: int,
    min_confidence: float,
    papers: bool,
    title: str | None,
) -> None:
    """Draw the graph as one HTML page, which needs no network.

    Without --around it shows the best-supported relations of the graph.
    """
    from kg.directory import load_graph, redirects
    from kg.draw import draw as draw_graph
    from kg.find import resolve_name

    if depth is not None and around is None:
        raise click.UsageError("--depth goes from a node: give it with --around")
    graph = load_graph(directory)
    if around is not None:
        around = resolve_name(graph, around, types=(*ENTITY_TYPES, "Paper"), redirects=redirects(directory))
        found = graph.entity_by_id.get(around)
        title = title or (found.name if found else graph.paper_by_id[around].title)
    picture = draw_graph(
        graph,
        file,
        around=around,
        depth=1 if depth is None else depth,
        limit=limit,
        min_confidence=min_confidence,
        papers=papers,
        title=title or Path(directory).resolve().name,
    )
    click.echo(f"{file}: {counted(len(picture.nodes), 'node')}, {counted(len(picture.statements), 'statement')}")


@click.command()
@click.argument("directory", metavar="DIR")
@click.argument("address", metavar="STORE")
@click.option("--prune", is_flag=True, help="Remove what an earlier load wrote and the graph no longer holds.")
def load(directory: str, address: str, prune: bool) -> None:
    """Load the graph into a database.

    A second load changes nothing; after an interruption it completes the first.

    \b
    neo4j://user@host:7687[/database]    Neo4j, also bolt:// and neo4j+s://; the password from NEO4J_PASSWORD
    https://host/dataset                 SPARQL 1.1; credentials from SPARQL_USER, SPARQL_PASSWORD, or SPARQL_TOKEN
    ladybug:PATH  oxigraph:PATH          a file or a folder of the embedded databases, written anew

    docs/neo4j.md and docs/sparql.md say more.
    """
    from kg.directory import load_graph, redirects
    from kg.stores import open_store

    store = open_store(address)
    graph, former = load_graph(directory), redirects(directory)
    ask_password(address)
    with progress_bars() as tell:
        store.load(graph, redirects=former, prune=prune, progress=tell)
    said = counted(len(graph.statements), "statement")
    click.echo(f"{address}: {counted(len(graph.papers), 'paper')}, {counted(len(graph.entities), 'node')}, {said}")


@click.command()
@click.argument("what", metavar="DIR|FILE")
@output_options
@click.pass_context
def validate(ctx: click.Context, what: str, as_json: bool, as_csv: bool) -> None:
    """Check a graph or an RDF export against the shapes.

    The exit code is 1 if it breaks any. The rules are those of ontology/shapes.ttl (SHACL), and a few that SHACL
    cannot say: docs/ontology.md.
    """
    from kg.directory import load_graph
    from kg.export.validate import validate as violations_of
    from kg.export.validate import validate_file

    found = violations_of(load_graph(what)) if Path(what).is_dir() else validate_file(what)
    if as_json or as_csv:
        rows = [(violation.node, violation.rule, violation.value) for violation in found]
        show_rows(("node", "rule", "value"), rows, as_json=as_json, as_csv=as_csv)
    else:
        for violation in found:
            click.echo(str(violation))
        click.echo(f"{what}: {counted(len(found), 'violation')}" if found else f"{what} conforms")
    ctx.exit(1 if found else 0)
