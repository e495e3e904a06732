"""The command line: each command is a thin call into a module below; an error is one line and exit code 1.

>>> from click.testing import CliRunner
>>> CliRunner().invoke(main, ["--version"]).output.startswith("kg ")
True
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from kg.model import ENTITY_TYPES, KGError

if TYPE_CHECKING:
    from kg.building import BuildReport
    from kg.stores import Rows

Command = TypeVar("Command", bound=Callable[..., Any])


class Group(click.Group):
    """A command group that turns kg's own errors into one line on standard error and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KGError as error:
            raise click.ClickException(str(error)) from error
        except BrokenPipeError:
            sys.stderr.close()  # the reader of our output has gone: nothing to say, and nobody to say it to
            raise SystemExit(1) from None
        except OSError as error:  # a full disk, a file that may not be read
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from error


def output_options(command: Command) -> Command:
    """`--json` and `--csv` for commands that answer with rows."""
    command = click.option("--csv", "as_csv", is_flag=True, help="Answer as CSV.")(command)
    return click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")(command)


def read_options(command: Command) -> Command:
    """How input is read: shared by the commands that read papers."""
    for option in (
        click.option("--strict", is_flag=True, help="Stop at the first record that cannot be read (exit 1)."),
        click.option(
            "--clean/--no-clean",
            default=None,
            help="Clean LaTeX and HTML residue (default: not for our own JSON Lines).",
        ),
        click.option(
            "--map", "mapping", multiple=True, metavar="FIELD=COLUMN", help="Where a field stands, e.g. title=heading."
        ),
        click.option("--format", "format_", metavar="NAME", help="Force a format; an unknown one lists the known."),
    ):
        command = option(command)
    return command


def parse_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """`("title=heading",)` as `{"title": "heading"}`."""
    mapping = {}
    for pair in pairs:
        field, separator, column = pair.partition("=")
        if not separator or not field or not column:
            raise click.UsageError(f"--map {pair!r}: write FIELD=COLUMN, for example title=heading")
        mapping[field] = column
    return mapping


def show_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, as_json: bool, as_csv: bool) -> None:
    """Print rows as an aligned table, as a JSON array of objects, or as CSV."""
    if as_json:
        click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], ensure_ascii=False, indent=1))
    elif as_csv:
        import csv

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(
            [json.dumps(cell, ensure_ascii=False) if isinstance(cell, list | dict) else cell for cell in row]
            for row in rows
        )
    else:
        texts = [[_cell(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
        widths[-1] = min(widths[-1], 40)  # nothing stands to the right of it: a long sentence needs no long rule
        for line in [list(columns), ["-" * width for width in widths], *texts]:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def progress_line() -> Callable[[str, int, int], None] | None:
    """What tells a person at a terminal how far we are; nobody is told elsewhere."""
    if not sys.stderr.isatty():
        return None
    last_stage, last_time = "", 0.0

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal last_stage, last_time
        now = time.monotonic()
        if stage == last_stage and now - last_time < 0.1 and done != total:
            return
        last_stage, last_time = stage, now
        number = f" {done:,} of {total:,}" if total else f" {done:,}" if done else ""
        click.echo(f"\r\x1b[K{stage}{number}" if stage else "\r\x1b[K", nl=False, err=True)

    return tell


def _cell(value: Any) -> str:
    text = (
        "" if value is None else json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
    )
    return " ".join(text.split())


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version("kg-papers"), prog_name="kg", message="%(prog)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Say more on standard error.")
def main(verbose: bool) -> None:
    """Turn papers into a knowledge graph, and ask it questions."""
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("neo4j").setLevel(logging.INFO if verbose else logging.CRITICAL)  # it says all in its errors


@main.command()
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
    from kg.directory import load_graph
    from kg.stores import open_store

    store = open_store(address)
    graph = load_graph(directory)
    _password_for(address)
    with click.progressbar(length=1, label="loading", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def tell(what: str, done: int, total: int) -> None:
            bar.label, bar.length = what, max(total, 1)
            bar.update(done - bar.pos)

        store.load(graph, prune=prune, progress=tell)
    said = _count(len(graph.statements), "statement")
    click.echo(f"{address}: {_count(len(graph.papers), 'paper')}, {_count(len(graph.entities), 'node')}, {said}")


def limit_options(command: Command) -> Command:
    """When a query is given up."""
    for option in (
        click.option(
            "--rows",
            "most_rows",
            type=click.IntRange(min=1),
            default=100_000,
            show_default=True,
            help="Refuse an answer of more rows.",
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(min=0),
            default=60,
            show_default=True,
            metavar="SECONDS",
            help="Stop the query after this time; 0 waits for ever.",
        ),
    ):
        command = option(command)
    return command


def query_options(command: Command) -> Command:
    """What commands share that ask a store in its language."""
    return click.option(
        "--param",
        "parameters",
        multiple=True,
        metavar="NAME=VALUE",
        help="What $NAME is in the query: a number, true, false, a JSON list, or text.",
    )(limit_options(command))


def _split(pair: str, usage: str) -> tuple[str, str]:
    name, separator, value = pair.partition("=")
    if not separator or not name:
        raise click.UsageError(f"{pair!r}: write {usage}")
    return name, value


def parse_parameters(pairs: Sequence[str]) -> dict[str, Any]:
    """`("n=3", "id=method:bert")` as `{"n": 3, "id": "method:bert"}`: a value that is JSON is read as JSON."""
    parameters: dict[str, Any] = {}
    for pair in pairs:
        name, value = _split(pair, "--param NAME=VALUE, for example id=method:bert")
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


def _password_for(address: str) -> None:
    """Ask for the password of a Neo4j on a terminal, where the environment has none."""
    scheme = address.partition(":")[0]
    if scheme.partition("+")[0] in {"bolt", "neo4j"} and "NEO4J_PASSWORD" not in os.environ and sys.stdin.isatty():
        os.environ["NEO4J_PASSWORD"] = click.prompt("Password of Neo4j", hide_input=True, default="", err=True)


def _ask_store(
    address: str,
    text: str,
    *,
    language: Literal["cypher", "sparql"],
    parameters: Sequence[str],
    timeout: float,
    most_rows: int,
) -> Rows:
    from kg.stores import Limits, open_store

    _password_for(address)
    store = open_store(address, language=language)
    if store.language != language:
        its, command = {"cypher": ("Cypher", "kg query"), "sparql": ("SPARQL", "kg sparql")}[store.language]
        raise KGError(f"{address} understands {its}: ask it with `{command}`")
    limits = Limits(seconds=timeout or None, rows=most_rows)
    return store.query(query_text(text), parse_parameters(parameters), limits=limits)


@main.command()
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
    from kg.stores import Limits, open_store

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
    values = dict(_split(pair, "PARAMETER=VALUE, for example method=BERT") for pair in given)
    _password_for(address)
    store = open_store(address, language="sparql" if use_sparql else "cypher")
    answer = queries.ask(question, store, values, limits=Limits(seconds=timeout or None, rows=most_rows))
    show_rows(answer.columns, answer.rows, as_json=as_json, as_csv=as_csv)


@main.command()
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
    answer = _ask_store(store, query, language="cypher", parameters=parameters, timeout=timeout, most_rows=most_rows)
    show_rows(answer.columns, answer.rows, as_json=as_json, as_csv=as_csv)


@main.command()
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
    answer = _ask_store(store, query, language="sparql", parameters=parameters, timeout=timeout, most_rows=most_rows)
    if as_json or as_csv or answer.form == "rows":
        show_rows(answer.columns, answer.rows, as_json=as_json, as_csv=as_csv)
    elif answer.form == "ask":
        click.echo(str(answer.rows[0][0]).lower())
    else:
        from kg.stores.oxigraph import to_turtle

        click.echo(to_turtle(answer), nl=False)


@main.command()
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option("-o", "--output", metavar="DIR", default="graph", show_default=True, help="The graph directory.")
@click.option("--extractions", metavar="FILE", help="Take these extractions (JSON Lines) in place of our own.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that extract.")
@click.option("--replace", is_flag=True, help="Start anew instead of adding to what is there.")
@click.option(
    "--vocabulary",
    metavar="FILE",
    multiple=True,
    help="Concepts of your own (SKOS, CSV, JSON Lines); several, later ones win, later builds remember them.",
)
@read_options
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def build(
    inputs: Sequence[str],
    output: str,
    extractions: str | None,
    jobs: int,
    replace: bool,
    vocabulary: Sequence[str],
    format_: str | None,
    mapping: Sequence[str],
    clean: bool | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Make or extend the graph of papers in a directory.

    Papers are read, and what they say is extracted, resolved and assembled. INPUT is a file, a folder, or - for
    standard input. Papers that are there already and have not changed are not extracted again.
    """
    from kg import building

    tell = progress_line()
    try:
        report = building.run(
            inputs,
            output=output,
            format=format_,
            mapping=parse_mapping(mapping),
            clean=clean,
            strict=strict,
            extractions=extractions,
            jobs=jobs,
            replace=replace,
            vocabulary=vocabulary,
            progress=tell,
        )
    finally:
        if tell:
            tell("", 0, 0)
    _show_build(report, as_json=as_json)


@main.command()
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option("-o", "--output", metavar="FILE", default="-", help="The extractions (default: standard output).")
@click.option("--papers", "texts", metavar="FILE", help="The texts as read, which the offsets refer to.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that extract.")
@read_options
def extract(
    inputs: Sequence[str],
    output: str,
    texts: str | None,
    jobs: int,
    format_: str | None,
    mapping: Sequence[str],
    clean: bool | None,
    strict: bool,
) -> None:
    """Write what each paper says as JSON Lines.

    A line holds the entities, relations and results of one paper (docs/extraction.md). INPUT is a file, a folder, or -
    for standard input.
    """
    from contextlib import ExitStack

    from kg.extract.files import write_extractions, written_aside
    from kg.read import ReadReport, read_papers

    if texts is not None and (texts == "-" or (output != "-" and Path(texts).resolve() == Path(output).resolve())):
        raise click.UsageError("--papers needs a file of its own")
    report = ReadReport()
    papers = read_papers(
        inputs, format=format_, mapping=parse_mapping(mapping), clean=clean, strict=strict, report=report
    )
    tell = progress_line()
    with ExitStack() as files:
        out = sys.stdout if output == "-" else files.enter_context(written_aside(Path(output)))
        beside = None if texts is None else files.enter_context(written_aside(Path(texts)))
        count = write_extractions(papers, out, texts=beside, jobs=jobs, tell=tell)
    if tell:
        tell("", 0, 0)
    if report.skipped or report.duplicates:
        click.echo(f"{report.summary()}.", err=True)
    if output != "-":
        click.echo(f"{_count(count, 'paper')} extracted into {output}.")


@main.command("eval")
@click.argument("papers", metavar="PAPERS", type=click.Path(exists=True, dir_okay=False))
@click.argument("gold", metavar="GOLD", type=click.Path(exists=True, dir_okay=False))
@click.option("--pred", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="Extractions to score.")
@click.option("--resolution", is_flag=True, help="Score resolution of the gold entities instead.")
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    help="With --resolution: cut the papers in so many parts, and resolve each with a vocabulary made of the others.",
)
@output_options
def evaluate(
    papers: str, gold: str, pred: str | None, resolution: bool, folds: int | None, as_json: bool, as_csv: bool
) -> None:
    """Score extractions against annotations.

    The scores are precision, recall and F1 in percent. PAPERS holds texts (id, title, abstract), GOLD their
    annotations, both JSON Lines. Without --pred the papers are extracted here, and lines are added for roles,
    relations and results of the gold entities.

    \b
    mention strict    same start, end and type; micro-averaged over papers
    mention boundary  same start and end
    entity            entities of a paper are paired one to one by overlapping
                      mentions (equal type first, then most overlap, an exact
                      span counting double); a pair of equal type is a hit
    role accuracy     share of these hits with the same role (the column f1)
    relation, typed   same head, predicate and tail after the pairing;
                      untyped: same head and tail
    result value      the values of a paper as a multiset, blanks stripped

    Surfaces in GOLD stand for every occurrence at word boundaries, longest first.

    With --resolution the gold entities (called by their first surface) are resolved together, and the nodes are
    compared with the ids in their field canonical: B-cubed, pairwise, and the share of those that the vocabulary knows
    which get its id. With --pred: how many gold nodes of two or more papers are one node end to end.
    The vocabulary that ships with kg was made from annotated papers: score on others, or with --folds.
    """
    from kg.extract.annotations import read_extractions, read_texts
    from kg.extract.evaluate import measure, score

    texts = read_texts(papers)
    wanted = {extraction.paper: extraction for extraction in read_extractions(gold, texts)}
    if folds and not resolution:
        raise click.UsageError("--folds goes with --resolution")
    if resolution:
        from kg.resolve import Resolver, load_vocabulary
        from kg.resolve import evaluate as resolving

        if folds:
            figures = resolving.cross_validated(texts, list(wanted.values()), folds=folds)
        else:
            made = None if pred is None else list(read_extractions(pred, texts))
            figures = resolving.measure(texts, list(wanted.values()), Resolver(load_vocabulary()), found=made)
        percent = [(line, *(round(100 * x, 1) for x in values[:3]), values[3]) for line, values in figures.items()]
        show_rows(("what", "precision", "recall", "f1", "number"), percent, as_json=as_json, as_csv=as_csv)
        return
    if pred is None:
        from kg.extract import load

        table = measure(load(), texts, wanted)
    else:
        table = score(wanted, {extraction.paper: extraction for extraction in read_extractions(pred, texts)})
    rows = [(line, s.precision, s.recall, s.f1, s.number) for line, s in table.items()]
    show_rows(("what", "precision", "recall", "f1", "number"), rows, as_json=as_json, as_csv=as_csv)


@main.command()
@click.argument("directory", metavar="DIR")
@click.argument("papers", metavar="PAPER...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def remove(directory: str, papers: Sequence[str], as_json: bool) -> None:
    """Take papers, named by id or title, out of a graph directory."""
    from kg import building

    _show_build(building.remove(directory, papers), as_json=as_json)


def _show_build(report: BuildReport, *, as_json: bool) -> None:
    counts = report.counts
    if as_json:
        click.echo(json.dumps({"directory": str(report.directory), **counts}, indent=1))
        return
    if counts["removed"]:
        click.echo(f"Removed {_count(counts['removed'], 'paper')}.")
    else:
        read = [f"Read {_count(counts['read'], 'paper')}"]
        if counts["duplicates"]:
            read.append(f"{_count(counts['duplicates'], 'duplicate')} merged")
        if counts["skipped"]:
            read.append(f"{_count(counts['skipped'], 'record')} skipped")
        click.echo("; ".join(read) + ".")
        unchanged = f"{_count(counts['reused'], 'paper')} unchanged"
        if counts["given"]:
            click.echo(f"Took {_count(counts['given'], 'extraction')}; {unchanged}.")
        elif counts["extracted"]:
            click.echo(f"Extracted {_count(counts['extracted'], 'paper')}; {unchanged}.")
        else:
            click.echo(f"Nothing to extract: {unchanged}.")
    if missing := counts["without_extraction"]:
        verb, whose = ("has", "its") if missing == 1 else ("have", "their")
        click.echo(f"{_count(missing, 'paper')} {verb} no extraction: nothing is known of {whose} text.")
    click.echo(
        f"{report.directory}: {_count(counts['papers'], 'paper')}, {_count(counts['entities'], 'entity')}, "
        f"{_count(counts['statements'], 'statement')}, {_count(counts['results'], 'result')}."
    )


def _count(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


@main.command()
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
    from kg.directory import load_graph
    from kg.find import find as find_nodes

    hits = find_nodes(load_graph(directory, only=("papers", "entities")), text, types=parse_types(types))
    columns = ("id", "type", "name", "papers", "match", "matched")
    rows = [(hit.id, hit.type, hit.name, hit.papers, hit.match, hit.matched) for hit in hits[:limit]]
    if rows or as_json or as_csv:
        show_rows(columns, rows, as_json=as_json, as_csv=as_csv)
    if not rows and not (as_json or as_csv):
        click.echo(f"Nothing in {directory} is called {text!r} or has it in its name.")
    if len(hits) > limit:
        click.echo(f"{len(hits) - limit:,} more: --limit {len(hits)} shows all", err=True)


def parse_types(names: Sequence[str]) -> tuple[str, ...]:
    """Type names as the ontology writes them, whatever their case."""
    known = {name.casefold(): name for name in ("Paper", *ENTITY_TYPES)}
    for name in names:
        if name.casefold() not in known:
            raise click.UsageError(f"--type {name!r}: known are {', '.join(sorted(known.values()))}")
    return tuple(known[name.casefold()] for name in names)


def decision_options(command: Command) -> Command:
    """What all commands share by which people decide about a graph."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Answer as JSON."),
        click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing."),
        click.option("--why", default="", metavar="TEXT", help="The reason, kept with the decision."),
    ):
        command = option(command)
    return command


def _show_change(change: Mapping[str, Any], *, as_json: bool, dry_run: bool = False) -> None:
    from kg.compare import is_empty, lines

    if as_json:
        click.echo(json.dumps(change, ensure_ascii=False, indent=1))
        return
    for line in lines(change):
        click.echo(line)
    if is_empty(change):
        click.echo("No difference.")
    if dry_run:
        click.echo("Nothing was changed (--dry-run).", err=True)


@main.command()
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


@main.command()
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
    _show_change(change, as_json=as_json, dry_run=dry_run)


@main.command()
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
    _show_change(change, as_json=as_json, dry_run=dry_run)


@main.command()
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
    _show_change(change, as_json=as_json, dry_run=dry_run)


@main.command()
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
    _show_change(change, as_json=as_json, dry_run=dry_run)


@main.command()
@click.argument("directory", metavar="DIR")
@click.argument("what", metavar="ID", nargs=-1, required=True)
@decision_options
def drop(directory: str, what: Sequence[str], why: str, dry_run: bool, as_json: bool) -> None:
    """Take a node or a statement out of the graph for good.

    ID is an id or an unambiguous name, a statement's id, or a statement as SUBJECT PREDICATE OBJECT.
    """
    from kg import curate

    change = curate.drop(directory, " ".join(what), why=why, dry_run=dry_run)
    _show_change(change, as_json=as_json, dry_run=dry_run)


@main.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--moved", type=float, default=0.0, metavar="X", help="Leave out confidences that moved by X or less.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def diff(old: str, new: str, moved: float, as_json: bool) -> None:
    """Show what changed from one graph directory to another."""
    from kg.compare import compare
    from kg.directory import load_graph, redirects

    change = compare(load_graph(old), load_graph(new), redirects=redirects(new), least=moved)
    _show_change(change, as_json=as_json)


@main.command()
@click.argument("directory", metavar="DIR")
@output_options
def stats(directory: str, as_json: bool, as_csv: bool) -> None:
    """Count what is in a graph, by type, predicate and support."""
    from kg.directory import load_graph
    from kg.stats import as_rows
    from kg.stats import stats as count

    numbers = count(load_graph(directory))
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
                    click.echo(f"  {node['papers']:>7,}  {node['name']}  ({node['id']})")
        elif name in ("type_conflicts", "crowded_nodes"):
            click.echo(f"{title:<26} {len(value):,}")
            for conflict in value[:10]:
                click.echo(f"  {conflict['name']}: {', '.join(conflict['ids'])}")
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


@main.command()
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
    click.echo(f"{about['id']}  {_cell(about['name'])}  ({about['type']})")
    for name, value in about.items():
        if name not in ("id", "name", "type", "merges", "statements", "results") and value not in (None, [], ""):
            shown = "; ".join(map(str, value)) if isinstance(value, list) else value
            click.echo(f"{name.replace('_', ' ')}: {shown}")
    for merge in about["merges"]:
        click.echo(f"merged: {_cell(merge['merged_name'])}  ({merge['rule']}, {merge['score']}, {merge['decided_by']})")
    for result in about["results"][:limit]:
        click.echo(f"result: {_cell(result['value'])}  {result['paper']}: {_cell(result['sentence'])}")
    _say_more(about["results"], limit, "result")
    for statement in about["statements"][:limit]:
        _show_statement(statement, "  ")
    _say_more(about["statements"], limit, "statement")


def _say_more(values: Sequence[Any], limit: int, noun: str) -> None:
    if len(values) > limit:
        click.echo(f"and {_count(len(values) - limit, noun)} more (--limit {len(values)} shows all)")


def _show_statement(statement: Mapping[str, Any], indent: str) -> None:
    predicate = f"not {statement['predicate']}" if statement["negated"] else statement["predicate"]
    click.echo(
        f"{indent}{statement['subject']} {predicate} {statement['object']}  "
        f"(confidence {statement['confidence']}, {_count(statement['support'], 'paper')})"
    )
    for evidence in statement["evidence"]:
        hedged = ", hedged" if evidence["hedged"] else ""
        place = f"{evidence['paper']} {evidence['start']}-{evidence['end']}"
        click.echo(f"{indent}  {place} ({evidence['score']}{hedged}): {_cell(evidence['sentence'])}")


@main.command()
@click.argument("directory", metavar="DIR")
@click.argument("file", metavar="FILE.html", type=click.Path(dir_okay=False))
@click.option("--around", metavar="ID", help="Only what hangs together with this node (an id or an unambiguous name).")
@click.option("--depth", type=click.IntRange(min=0), default=1, show_default=True, help="So many steps from --around.")
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
    depth: int,
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
    from kg.model import ENTITY_TYPES

    graph = load_graph(directory)
    if around is not None:
        around = resolve_name(graph, around, types=(*ENTITY_TYPES, "Paper"), redirects=redirects(directory))
        found = graph.entity_by_id.get(around)
        title = title or (found.name if found else graph.paper_by_id[around].title)
    picture = draw_graph(
        graph,
        file,
        around=around,
        depth=depth,
        limit=limit,
        min_confidence=min_confidence,
        papers=papers,
        title=title or Path(directory).resolve().name,
    )
    click.echo(f"{file}: {_count(len(picture.nodes), 'node')}, {_count(len(picture.statements), 'statement')}")


@main.command()
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
    from kg.ontology import BASE

    graph = exports.above(load_graph(directory), min_confidence)
    former = redirects(directory)
    if file == "-":
        if format_ is None:
            raise click.UsageError("standard output needs --format")
        exports.write(graph, sys.stdout.buffer, format=format_, base=base or BASE, redirects=former)
    else:
        exports.export(graph, file, format=format_, base=base or BASE, redirects=former)
        said = _count(len(graph.statements), "statement")
        click.echo(f"{file}: {_count(len(graph.papers), 'paper')}, {_count(len(graph.entities), 'node')}, {said}")


@main.command()
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
        click.echo(f"{what}: {_count(len(found), 'violation')}" if found else f"{what} conforms")
    ctx.exit(1 if found else 0)


@main.command()
@click.argument("directory", metavar="DIR")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; 0.0.0.0 is everywhere.")
@click.option("--token", envvar="KG_TOKEN", show_envvar=True, help="Answer only to who brings it.")
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), default=10.0, show_default=True, help="Seconds of a query."
)
@click.option("--memory", type=click.IntRange(min=64), default=1024, show_default=True, help="MiB of a query.")
@click.option("--max-rows", type=click.IntRange(min=1), default=100_000, show_default=True, help="Rows of an answer.")
@click.option("--max-size", type=click.IntRange(min=1), default=64, show_default=True, help="MiB of an answer.")
@click.option("--workers", type=click.IntRange(min=1), default=4, show_default=True, help="Queries at once.")
@click.option("--allow-service", multiple=True, metavar="HOST", help="A host that SERVICE may ask; repeatable.")
def serve(
    directory: str,
    port: int,
    host: str,
    token: str | None,
    timeout: float,
    memory: int,
    max_rows: int,
    max_size: int,
    workers: int,
    allow_service: Sequence[str],
) -> None:
    """Serve the graph: endpoints, pages and search.

    /sparql and /cypher answer queries, each id has a page; all is only read. A build of the directory is taken over
    while the server runs. Before other computers may ask: docs/serving.md.
    """
    from kg.serve.run import run
    from kg.serve.workers import Limits

    limits = Limits(seconds=timeout, memory=memory << 20, rows=max_rows, size=max_size << 20, workers=workers)

    def ready(address: str) -> None:
        click.echo(f"{directory} is served at {address} (Ctrl-C ends it)")
        if token is None and host not in {"127.0.0.1", "::1", "localhost"}:
            click.echo("anybody who reaches this address may ask: --token keeps others out (docs/serving.md)", err=True)

    log = logging.getLogger().isEnabledFor(logging.INFO)
    run(directory, host=host, port=port, limits=limits, allow_service=allow_service, token=token, ready=ready, log=log)
