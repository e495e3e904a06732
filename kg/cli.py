"""The command line: each command is a thin call into a module below; an error is one line and exit code 1.

>>> from click.testing import CliRunner
>>> CliRunner().invoke(main, ["--version"]).output.startswith("kg ")
True
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import click

from kg.model import KGError

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
        writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    else:
        texts = [[_cell(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
        for line in [list(columns), ["-" * width for width in widths], *texts]:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


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
