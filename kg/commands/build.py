"""The commands that make a graph: build, remove; and extract, its first half alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kg.commands.options import counted, parse_mapping, progress_line, read_options, refuse_overwriting, same_file

if TYPE_CHECKING:
    from kg.building import BuildReport


@click.command()
@click.argument("inputs", metavar="[INPUT...]", nargs=-1)
@click.option("-o", "--output", metavar="DIR", default="graph", show_default=True, help="The graph directory.")
@click.option("--extractions", metavar="FILE", help="Take these extractions (JSON Lines) in place of our own.")
@click.option("--model", metavar="DIR", help="A trained model of your own, in place of the one that ships.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that extract.")
@click.option("--replace", is_flag=True, help="Start anew instead of adding to what is there.")
@click.option(
    "--vocabulary",
    metavar="FILE",
    multiple=True,
    help="Concepts of your own (SKOS, CSV, JSON Lines); several, later ones win, later builds remember them.",
)
@click.option(
    "--rules",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Limits of resolution, and names that are never one (TOML); later builds remember it.",
)
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    help="Leave out what is less sure; later builds remember it, 0 takes it back.",
)
@read_options
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def build(
    inputs: Sequence[str],
    output: str,
    extractions: str | None,
    model: str | None,
    jobs: int,
    replace: bool,
    vocabulary: Sequence[str],
    rules: str | None,
    min_confidence: float | None,
    format_: str | None,
    mapping: Sequence[str],
    clean: bool | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Make or extend the graph of papers in a directory.

    Papers are read, and what they say is extracted, resolved and assembled. INPUT is a file, a folder, or - for
    standard input. Papers that are there already and have not changed are not extracted again.

    Without INPUT, --min-confidence, --rules and --vocabulary change a graph that is there.
    """
    from kg import building

    if not inputs and min_confidence is None and not vocabulary and rules is None:
        raise click.UsageError("Missing argument 'INPUT...': name the papers to read.")

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
            model=model,
            jobs=jobs,
            replace=replace,
            vocabulary=vocabulary,
            rules=rules,
            min_confidence=min_confidence,
            progress=tell,
        )
    finally:
        if tell:
            tell("", 0, 0)
    _show_build(report, as_json=as_json)


@click.command()
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option("-o", "--output", metavar="FILE", default="-", help="The extractions (default: standard output).")
@click.option("--papers", "texts", metavar="FILE", help="The texts as read, which the offsets refer to.")
@click.option("--model", metavar="DIR", help="A trained model of your own, in place of the one that ships.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that extract.")
@read_options
def extract(
    inputs: Sequence[str],
    output: str,
    texts: str | None,
    model: str | None,
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

    if texts is not None and (texts == "-" or same_file(texts, output)):
        raise click.UsageError("--papers needs a file of its own")
    refuse_overwriting("-o", output, inputs)
    refuse_overwriting("--papers", texts, inputs)
    report = ReadReport()
    papers = read_papers(
        inputs, format=format_, mapping=parse_mapping(mapping), clean=clean, strict=strict, report=report
    )
    tell = progress_line()
    with ExitStack() as files:
        out = sys.stdout if output == "-" else files.enter_context(written_aside(Path(output)))
        beside = None if texts is None else files.enter_context(written_aside(Path(texts)))
        count = write_extractions(papers, out, texts=beside, model=model, jobs=jobs, tell=tell)
    if tell:
        tell("", 0, 0)
    if report.skipped or report.duplicates:
        click.echo(f"{report.summary()}.", err=True)
    if output != "-":
        click.echo(f"{counted(count, 'paper')} extracted into {output}.")


@click.command()
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
        said = {"directory": str(report.directory), **counts, "min_confidence": report.min_confidence}
        click.echo(json.dumps(said, indent=1))
        return
    if counts["removed"]:
        click.echo(f"Removed {counted(counts['removed'], 'paper')}.")
    else:
        read = [f"Read {counted(counts['read'], 'paper')}"]
        if counts["duplicates"]:
            read.append(f"{counted(counts['duplicates'], 'duplicate')} merged")
        if counts["skipped"]:
            read.append(f"{counted(counts['skipped'], 'record')} skipped")
        if counts["read"] or counts["skipped"]:  # a build without input reads nothing
            click.echo("; ".join(read) + ".")
        unchanged = f"{counted(counts['reused'], 'paper')} unchanged"
        if counts["given"]:
            click.echo(f"Took {counted(counts['given'], 'extraction')}; {unchanged}.")
        elif counts["extracted"]:
            click.echo(f"Extracted {counted(counts['extracted'], 'paper')}; {unchanged}.")
        else:
            click.echo(f"Nothing to extract: {unchanged}.")
    if missing := counts["without_extraction"]:
        verb, whose = ("has", "its") if missing == 1 else ("have", "their")
        click.echo(f"{counted(missing, 'paper')} {verb} no extraction: nothing is known of {whose} text.")
    if report.min_confidence:
        click.echo(f"Left out what is less sure than {report.min_confidence:g} (--min-confidence 0 takes it back).")
    click.echo(
        f"{report.directory}: {counted(counts['papers'], 'paper')}, {counted(counts['entities'], 'entity')}, "
        f"{counted(counts['statements'], 'statement')}, {counted(counts['results'], 'result')}."
    )
