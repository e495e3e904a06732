"""What commands share: options, reading of their values, tables.

>>> parse_mapping(["title=heading"])
{'title': 'heading'}
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from kg.model import ENTITY_TYPES

Command = TypeVar("Command", bound=Callable[..., Any])

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def output_options(command: Command) -> Command:
    """`--json` and `--csv` for commands that answer with rows."""
    command = click.option("--csv", "as_csv", is_flag=True, callback=_one_form, help="Answer as CSV.")(command)
    return click.option("--json", "as_json", is_flag=True, callback=_one_form, help="Answer as JSON.")(command)


def _one_form(context: click.Context, parameter: click.Parameter, chosen: bool) -> bool:
    other = "as_csv" if parameter.name == "as_json" else "as_json"
    if chosen and context.params.get(other):
        raise click.UsageError("--json and --csv exclude each other: give one")
    return chosen


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


def parse_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """`("title=heading",)` as `{"title": "heading"}`."""
    mapping = {}
    for pair in pairs:
        field, separator, column = pair.partition("=")
        if not separator or not field or not column:
            raise click.UsageError(f"--map {pair!r}: write FIELD=COLUMN, for example title=heading")
        mapping[field] = column
    return mapping


def refuse_overwriting(option: str, output: str | None, inputs: Iterable[str | None]) -> None:
    """Stop before what is read would be replaced by what is written."""
    if output is not None and output != "-" and any(same_file(output, name) for name in inputs):
        raise click.UsageError(f"{option} {output} is read here, and would be replaced: name another file")


def same_file(output: str, name: str | None) -> bool:
    """Whether a file is written that has this name, too (`-` is no file)."""
    return name is not None and name != "-" and Path(name).resolve() == Path(output).resolve()


def split_pair(pair: str, usage: str) -> tuple[str, str]:
    name, separator, value = pair.partition("=")
    if not separator or not name:
        raise click.UsageError(f"{pair!r}: write {usage}")
    return name, value


def parse_types(names: Sequence[str]) -> tuple[str, ...]:
    """Type names as the ontology writes them, whatever their case."""
    known = {name.casefold(): name for name in ("Paper", *ENTITY_TYPES)}
    for name in names:
        if name.casefold() not in known:
            raise click.UsageError(f"--type {name!r}: known are {', '.join(sorted(known.values()))}")
    return tuple(known[name.casefold()] for name in names)


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
        texts = [[cell_text(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
        widths[-1] = min(widths[-1], 40)  # nothing stands to the right of it: a long sentence needs no long rule
        for line in [list(columns), ["-" * width for width in widths], *texts]:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def cell_text(value: Any) -> str:
    """A value in one line, without signs that would steer the terminal: papers come from anywhere.

    >>> cell_text("a\\tb\\x1b]0;owned\\x07"), cell_text(["é"])
    ('a b ]0;owned', '["é"]')
    """
    text = (
        "" if value is None else json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
    )
    return " ".join(_CONTROL.sub(" ", text).split())


def counted(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


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


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """What tells a person at a terminal how far we are, by a bar for each stage; nobody is told elsewhere."""
    bars: dict[str, Any] = {}
    with ExitStack() as shown:

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in bars:
                shown.close()  # the bar of the stage before
                bar = click.progressbar(length=total, label=stage, file=sys.stderr, hidden=not sys.stderr.isatty())
                bars[stage] = shown.enter_context(bar)
            bars[stage].update(done - bars[stage].pos)

        yield tell


def ask_password(address: str) -> None:
    """Ask for the password of a Neo4j on a terminal, where the environment has none."""
    scheme = address.partition(":")[0]
    if scheme.partition("+")[0] in {"bolt", "neo4j"} and "NEO4J_PASSWORD" not in os.environ and sys.stdin.isatty():
        os.environ["NEO4J_PASSWORD"] = click.prompt("Password of Neo4j", hide_input=True, default="", err=True)


def show_change(change: Mapping[str, Any], *, as_json: bool, dry_run: bool = False) -> None:
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
