"""Builds the query views of a graph directory, in a process of its own: `python -m kg.serve.prepare DIR`.

The server starts it, so that it goes on answering, and stays small, while the views of a new state are made.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kg.model import KGError
from kg.stores import views


def main(folder: str) -> None:
    """Build what is missing; an error is one line on standard error, and exit code 1."""
    try:
        with views.using(Path(folder), "sparql"), views.using(Path(folder), "cypher"):
            pass
    except KGError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1])
