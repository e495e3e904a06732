"""Running a query that may have to be given up: the work goes on in a thread, we wait for it only so long.

Neither engine can be trusted to stop: Oxigraph has no time limit, Ladybug's does not stop a long `range()`.

>>> within(None, lambda: 6 * 7)
42
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from kg.model import StoreError

Answer = TypeVar("Answer")


def within(
    seconds: float | None,
    work: Callable[[], Answer],
    *,
    grace: float = 0.0,
    interrupt: Callable[[], None] | None = None,
) -> Answer:
    """What `work` returns or raises; after `seconds` (and `grace`, where it watches its time itself) a StoreError, and
    `interrupt` is called.

    Work that does not heed the interruption goes on until this process ends: a server runs queries in processes of
    their own. Waiting in a thread also means that Ctrl-C works while an engine is busy.
    """
    answers: list[Answer] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as error:
            failures.append(error)

    worker = threading.Thread(target=run, daemon=True, name="kg-query")
    worker.start()
    worker.join(None if seconds is None else seconds + grace)
    if worker.is_alive():
        if interrupt is not None:
            interrupt()
            worker.join(1.0)
        raise StoreError(f"the query was stopped after {seconds:g} s: ask for less, or give it more time (--timeout)")
    if failures:
        raise failures[0]
    return answers[0]
