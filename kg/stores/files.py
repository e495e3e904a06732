"""Writing an embedded store: aside first, then in its place by one rename, so that a failure leaves what was there.

>>> with tempfile.TemporaryDirectory() as folder:
...     with replacing(Path(folder, "graph")) as aside:
...         size = aside.write_text("new")
...     [path.name for path in Path(folder).iterdir()]
['graph']
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kg.model import StoreError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place beside `path` to write a file or folder, which comes to `path` when the block has ended well."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
            aside = Path(folder, "new")
            yield aside
            if path.is_dir():
                path.rename(Path(folder, "old"))
            aside.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror or error})") from error
