"""The command line: each command is a thin call into a module below; an error is one line and exit code 1.

>>> from click.testing import CliRunner
>>> CliRunner().invoke(main, ["--version"]).output.startswith("kg ")
True
"""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version
from typing import Any

import click

from kg.commands import ask, build, curate, evaluate, look, serve, write
from kg.model import KGError


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


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version("kg-papers"), prog_name="kg", message="%(prog)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Say more on standard error.")
def main(verbose: bool) -> None:
    """Turn papers into a knowledge graph, and ask it questions."""
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("neo4j").setLevel(logging.INFO if verbose else logging.CRITICAL)  # it says all in its errors


for command in (
    build.build,
    build.remove,
    build.extract,
    evaluate.evaluate,
    evaluate.annotate_check,
    ask.ask,
    ask.query,
    ask.sparql,
    look.find,
    look.stats,
    look.explain,
    look.diff,
    curate.merges,
    curate.merge,
    curate.unmerge,
    curate.rename,
    curate.retype,
    curate.drop,
    curate.link,
    write.export,
    write.draw,
    write.load,
    write.validate,
    serve.serve,
):
    main.add_command(command)
