"""The graph directory: what is saved is loaded, whole or not at all, whoever is killed or writes meanwhile."""

from __future__ import annotations

from pathlib import Path

from kg.directory import State, load_graph, save
from kg.graph import Graph


def test_a_saved_graph_loads_as_it_was(gold_graph: Graph, tmp_path: Path) -> None:
    save(tmp_path / "graph", State(graph=gold_graph))
    assert load_graph(tmp_path / "graph") == gold_graph
