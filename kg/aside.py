"""Writing a file aside first, then in its place by one rename, so that nothing half-written is left.

A link is followed. What is no regular file (a pipe, a device) cannot be replaced and is written as it is.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     with text_aside(Path(folder, "page.html")) as file:
...         size = file.write("<p>new</p>")
...     [path.name for path in Path(folder).iterdir()]
['page.html']
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO


@contextmanager
def bytes_aside(path: Path) -> Iterator[BinaryIO]:
    """A file to write bytes to that appears as `path` when the block has ended well; raises OSError."""
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    target = path.resolve()
    aside = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with aside.open("wb") as file:
            yield file
        aside.replace(target)
    finally:
        with suppress(OSError):
            aside.unlink()


@contextmanager
def text_aside(path: Path) -> Iterator[TextIO]:
    """The same for text, written as UTF-8 with lines that end in a newline."""
    with bytes_aside(path) as file, io.TextIOWrapper(file, encoding="utf-8", newline="\n") as text:
        yield text
