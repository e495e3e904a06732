"""Keeps the few numbers of a component beside its weights, in `settings.json`.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder:
...     write_settings(folder, temperature=1.5)
...     read_settings(folder)
{'temperature': 1.5}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_settings(folder: str | Path, **settings: Any) -> None:
    """Write the settings into a folder, which is made where it is missing."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    (Path(folder) / "settings.json").write_text(json.dumps(settings) + "\n", "utf-8")


def read_settings(folder: str | Path) -> dict[str, Any]:
    """The settings that `write_settings` wrote."""
    settings: dict[str, Any] = json.loads((Path(folder) / "settings.json").read_text("utf-8"))
    return settings
