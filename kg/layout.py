"""Where the nodes of a picture stand: by distance in the graph, without overlap, the components packed side by side.

>>> import networkx as nx
>>> places = arrange(nx.star_graph(["a", "b", "c"]), {name: (60.0, 30.0) for name in "abc"})
>>> sorted(places), places == arrange(nx.star_graph(["a", "b", "c"]), {name: (60.0, 30.0) for name in "abc"})
(['a', 'b', 'c'], True)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import networkx as nx
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Width to height of the whole picture: a window on a desk with a panel at its side.
ASPECT = 1.5
# The same for packing: single nodes with their labels are wide, so that they come to lie at the sides by themselves.
_PACKING = 1.15
# One cell of the grid on which components are packed, in the unit of the boxes (pixels at zoom 1).
_CELL = 16
_ROUNDS = 300
# How much room a component gets, as a multiple of the area of its boxes, before overlaps are removed.
_AIR = 1.5
# A graph of so many nodes gets twice that room: a small one should still fill a window.
_FEW = 16
# From how many nodes on a component is evened out.
_LARGE = 30


def arrange(graph: nx.Graph[str], boxes: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """The centre of each node's box (width, height), rounded to a tenth; the same input gives the same places.

    Each component is laid out by stress majorisation (Gansner, Koren and North 2004) over graph distances in which an
    edge is longer the fewer neighbours its ends share, then its boxes are pushed apart; the largest comes first.
    """
    import networkx as nx

    if not graph:
        return {}
    components = sorted((sorted(part) for part in nx.connected_components(graph)), key=lambda part: (-len(part), part))
    placed = []
    for part in components:
        sizes = _array([boxes[node] for node in part])
        placed.append((part, sizes, _push_apart(_spread(_stress(graph, part, sizes)), sizes)))
    offsets = _pack([(points, sizes, _edges(graph, part)) for part, sizes, points in placed])
    return {
        node: (round(float(x), 1), round(float(y), 1))
        for (part, _, points), offset in zip(placed, offsets, strict=True)
        for node, (x, y) in zip(part, points + offset, strict=True)
    }


def _array(rows: Any) -> Array:
    import numpy as np

    return np.asarray(rows, dtype=np.float64)


def _edges(graph: nx.Graph[str], part: list[str]) -> list[tuple[int, int]]:
    index = {node: number for number, node in enumerate(part)}
    return sorted((index[head], index[tail]) for head, tail in graph.subgraph(part).edges)


def _stress(graph: nx.Graph[str], part: list[str], sizes: Array) -> Array:
    """Places of one component whose distances are as near as possible to the distances in the graph."""
    import numpy as np

    n = len(part)
    if n == 1:
        return np.zeros((1, 2))
    index = {node: number for number, node in enumerate(part)}
    wanted = np.full((n, n), np.inf)
    np.fill_diagonal(wanted, 0.0)
    for head, tail in graph.subgraph(part).edges:
        length = max(1.0, len(set(graph[head]) ^ set(graph[tail]))) ** 0.5
        wanted[index[head], index[tail]] = wanted[index[tail], index[head]] = length
    for via in range(n):
        wanted = np.minimum(wanted, wanted[:, via, None] + wanted[via])
    # The component should cover the area of its boxes and some air; the median distance is about half its width.
    side = (_AIR * (1.0 + _FEW / len(graph)) * float((sizes[:, 0] * sizes[:, 1]).sum())) ** 0.5
    wanted *= 0.5 * side / float(np.median(wanted[wanted > 0]))
    weights = np.where(wanted > 0, 1.0 / np.where(wanted > 0, wanted, 1.0) ** 2, 0.0)
    laplacian = np.diag(weights.sum(axis=1)) - weights
    inverse = np.linalg.inv(laplacian + 1.0 / n)  # on centred points the same as the pseudo-inverse
    # Classical scaling is the start: it has no random part, and its first axis is the longest.
    centring = np.eye(n) - 1.0 / n
    values, vectors = np.linalg.eigh(-0.5 * centring @ wanted**2 @ centring)
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(n)])
    points = (vectors * signs * np.sqrt(np.maximum(values, 0.0)))[:, [-1, -2]]
    points += np.random.default_rng(1).normal(scale=0.01 * float(wanted.max()), size=points.shape)
    for _ in range(_ROUNDS):
        apart = np.hypot(*(points[:, None, axis] - points[:, axis] for axis in (0, 1)))
        ratio = weights * wanted / np.where(apart > 1e-9, apart, np.inf)
        moved = inverse @ (ratio.sum(axis=1)[:, None] * points - ratio @ points)
        far = np.abs(moved - points).max()
        points = moved
        if far < 0.1:
            break
    points -= points.mean(axis=0)
    _, axes = np.linalg.eigh(points.T @ points)
    long, wide = axes[:, -1], axes[:, 0]
    return np.stack([points @ (long * np.sign(long[0] or 1.0)), points @ (wide * np.sign(wide[1] or 1.0))], axis=1)


def _spread(points: Array) -> Array:
    """A large component evened out: each coordinate half-way to where its rank would put it."""
    import numpy as np

    if len(points) < _LARGE:
        return points
    ranks = points.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable") / (len(points) - 1) - 0.5
    low, high = points.min(axis=0), points.max(axis=0)
    area = np.sqrt(np.prod(high - low))
    even = ranks * area * np.array([ASPECT**0.5, ASPECT**-0.5])
    spread: Array = 0.45 * points + 0.55 * even
    return spread


def _push_apart(points: Array, sizes: Array) -> Array:
    """The points moved until no two boxes overlap: each pair apart along the axis that needs less."""
    import numpy as np

    x, y = points.T.copy()
    wide, high = ((size[:, None] + size) / 2 for size in sizes.T)
    above = np.sign(np.arange(len(points))[:, None] - np.arange(len(points)))
    for _ in range(_ROUNDS):
        right, down = x[:, None] - x, y[:, None] - y
        over_x, over_y = wide - np.abs(right), high - np.abs(down)
        hit = (over_x > 0.5) & (over_y > 0.5)
        np.fill_diagonal(hit, False)
        if not hit.any():
            break
        sideways = hit & (over_x < over_y)
        upright = hit & ~sideways
        push = 0.55 * np.where(sideways, over_x * np.where(right == 0, above, np.sign(right)), 0.0)
        x = x + push.sum(axis=1) / np.sqrt(np.maximum(sideways.sum(axis=1), 1))
        push = 0.55 * np.where(upright, over_y * np.where(down == 0, above, np.sign(down)), 0.0)
        y = y + push.sum(axis=1) / np.sqrt(np.maximum(upright.sum(axis=1), 1))
    return np.stack([x, y], axis=1)


def _pack(parts: list[tuple[Array, Array, list[tuple[int, int]]]]) -> list[Array]:
    """An offset for each component: the free place nearest to the centre, in a picture of the wanted aspect."""
    import numpy as np

    taken: set[tuple[int, int]] = set()
    offsets = []
    reach = 0
    for points, sizes, edges in parts:
        low, high = (points - sizes / 2).min(axis=0), (points + sizes / 2).max(axis=0)
        middle = (low + high) / 2
        cells: set[tuple[int, int]] = set()
        for (x, y), (width, height) in zip(points - middle, sizes + _CELL, strict=True):
            columns = range(int(np.floor((x - width / 2) / _CELL)), int(np.ceil((x + width / 2) / _CELL)))
            rows = range(int(np.floor((y - height / 2) / _CELL)), int(np.ceil((y + height / 2) / _CELL)))
            cells.update((column, row) for column in columns for row in rows)
        for head, tail in edges:
            steps = int(np.abs(points[tail] - points[head]).max() / _CELL) + 1
            line = points[head] - middle + np.linspace(0.0, 1.0, steps + 1)[:, None] * (points[tail] - points[head])
            cells.update((int(column), int(row)) for column, row in np.floor(line / _CELL))
        reach += int(max(high - low) / _CELL) + 2
        column, row = next(
            (column, row) for column, row in _spiral(reach) if taken.isdisjoint((column + c, row + r) for c, r in cells)
        )
        taken.update((column + c, row + r) for c, r in cells)
        offsets.append(_array([column * _CELL, row * _CELL]) - middle)
    return offsets


def _spiral(reach: int) -> list[tuple[int, int]]:
    """The cells around the origin, the nearest first in an ellipse of the wanted aspect."""
    import numpy as np

    wide = int(reach * _PACKING) + 1
    columns, rows = np.meshgrid(np.arange(-wide, wide + 1), np.arange(-reach, reach + 1))
    far = (columns / _PACKING) ** 2 + rows**2
    order = np.lexsort((columns.ravel(), rows.ravel(), far.ravel()))
    return list(zip(columns.ravel()[order].tolist(), rows.ravel()[order].tolist(), strict=True))
