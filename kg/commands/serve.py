"""`kg serve`."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import click


@click.command()
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
