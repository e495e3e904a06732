"""The documents say what is true: their commands run, their links lead somewhere, and no command lacks a page."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from kg.cli import main

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "BENCHMARKS.md", *(ROOT / "docs").glob("*.md")])


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target and not target.startswith("#"):
            assert (page.parent / target.partition("#")[0]).exists(), f"{page.name} links to {target}"


def test_every_command_is_documented() -> None:
    written = "\n".join(page.read_text("utf-8") for page in PAGES)
    for name in main.commands:
        assert re.search(rf"\bkg {name}\b", written), f"no page shows kg {name}"


def test_every_page_is_linked_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f"docs/{page.name}" in readme, f"README does not lead to docs/{page.name}"


@pytest.mark.slow
def test_the_tour_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kg").symlink_to(ROOT / "kg")
    monkeypatch.chdir(tmp_path)
    commands = [line for block in blocks(ROOT / "README.md", "sh") for line in block.splitlines()]
    assert len(commands) > 10
    for line in commands:
        program, *words = shlex.split(line)
        assert program == "kg"
        outcome = CliRunner().invoke(main, words)
        assert outcome.exit_code == 0, f"{line}\n{outcome.output}"
        assert outcome.output.strip(), f"{line} says nothing"
    for block in blocks(ROOT / "README.md", "python"):
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102
    assert {"graph.html", "around.html", "graph.ttl", "graph.graphml"} <= {path.name for path in tmp_path.iterdir()}
