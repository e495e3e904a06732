"""Renew the committed sample, exports/trending/: the graph of the example page as Turtle, and its picture.

`make exports` runs it. The picture needs Chromium, which tests/setup.sh installs where it may.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import kg
from kg.draw import draw
from kg.export import export

ROOT = Path(__file__).parents[1]
SIZE = (1440, 900)


def screenshot(page: Path, picture: Path, *, size: tuple[int, int] = SIZE) -> None:
    """Write what headless Chromium shows of an HTML file as a PNG of at most 256 colours."""
    from PIL import Image

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("no picture: Chromium is not installed (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder, "taken.png")
        subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
                "--virtual-time-budget=3000",
                f"--window-size={size[0]},{size[1]}",
                f"--user-data-dir={folder}/profile",
                f"--screenshot={taken}",
                page.resolve().as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )
        with Image.open(taken) as image:
            # Of the rare colours none may be lost: that of a type may stand on a single node.
            image.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE).save(picture, optimize=True)


def main() -> None:
    """Build the graph in memory, and write graph.ttl and graph.png."""
    folder = ROOT / "exports" / "trending"
    folder.mkdir(exist_ok=True)
    graph = kg.build(ROOT / "kg" / "data" / "trending-papers.txt")
    export(graph, folder / "graph.ttl")
    with tempfile.TemporaryDirectory() as aside:
        page = Path(aside, "graph.html")
        draw(graph, page, title="Trending papers")
        screenshot(page, folder / "graph.png")
    sys.stdout.write(
        "".join(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes\n" for path in sorted(folder.iterdir()))
    )


if __name__ == "__main__":
    main()
