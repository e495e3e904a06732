"""The notebooks run from top to bottom in an empty folder, and are kept without outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def outputs(cell: Any) -> dict[str, str]:
    """What an executed cell shows: by kind of content, the last of each kind; printed text is `stdout`."""
    shown = {}
    for output in cell.outputs:
        if output.output_type == "stream":
            shown[output.name] = output.text
        else:
            shown.update(output.data)
    return shown


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_is_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None and not cell.metadata for cell in code)


@pytest.mark.slow
def test_the_tour_runs(tmp_path: Path) -> None:
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOKS[0].with_name("tour.ipynb"), as_version=4)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            found = outputs(cell)
            assert "stderr" not in found, found["stderr"]
            shown[cell.id] = found
    build, again, find, statements, network, sparql, cypher, plot, picture = shown.values()
    assert build["stdout"].startswith("231 papers, ")
    assert again["text/plain"] == "True", "a second build gives the same graph"
    assert "method:attention-mechanism" in find["stdout"]
    assert statements["stdout"].count(" -- ") >= 5
    assert len(network["stdout"].splitlines()) == 8
    assert len(sparql["stdout"].splitlines()) == 5
    assert cypher["stdout"] == sparql["stdout"]
    assert cypher["text/plain"] == "True"
    assert len(plot["image/png"]) > 10_000
    assert "iframe" in picture["text/html"]
    assert (tmp_path / "trending.html").is_file()
    assert (tmp_path / "trending" / "manifest.json").is_file()
