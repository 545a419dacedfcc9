"""All paths from one entry to the loss: counted, added up, and the largest found, none listed.

A graph of d layers of n units has n^d paths. What is needed of those below an entry, though, is
their number, their sum, the sum of their sizes and the k largest, and each follows from the same
of the entries that use it: one pass from the loss back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from handgrad.paths.local import Matrix

CANDIDATES = 8_000_000
"""Products compared at once, at most."""

Place: TypeAlias = "tuple[str, int]"
"""A name, and an entry of it by its position."""

Step: TypeAlias = "tuple[Place, Place]"
"""Two places, one after the other on a path."""


@dataclass(frozen=True, slots=True)
class Edge:
    """How the entries of `by` depend on those of `of`: derivatives and structure, `of` in the rows."""

    of: str
    by: str
    derivatives: Matrix
    depends: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Largest:
    """The k largest products below each entry of a name, with the way on from each.

    `exists` marks those that there are. `edge`, `column` and `rank` say which edge is taken first, to
    which entry, and which of that entry's own largest follows.
    """

    products: Matrix
    exists: NDArray[np.bool_]
    edge: NDArray[np.int64]
    column: NDArray[np.int64]
    rank: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FoundPaths:
    """What there is to say of the paths from one entry.

    `zeros` has, by step from a place to the next, how many paths have their first factor of 0 there.
    """

    total: float
    size: float
    count: int
    paths: tuple[tuple[float, tuple[Place, ...], tuple[float, ...]], ...]
    zeros: Mapping[Step, int]


@np.errstate(all="ignore")
def paths_from(
    source: str, loss: str, edges: Mapping[str, Sequence[Edge]], most: int
) -> FoundPaths:
    """The paths from the one entry of `source` to the loss.

    Arguments:
        source: the name that the paths begin at.
        loss: the name that they end at.
        edges: by name, the edges that lead on from it; names in an order in which each stands
            after those that its edges lead to.
        most: how many of the largest paths to give.
    """
    one = np.ones((1, 1))
    zero = np.zeros((1, 1), dtype=np.int64)
    best = {loss: Largest(one, one > 0, zero, zero, zero)}
    totals: dict[str, Any] = {loss: np.ones(1)}
    sizes: dict[str, Any] = {loss: np.ones(1)}
    counts: dict[str, Any] = {loss: np.array([1], dtype=object)}
    open_edges: dict[str, Sequence[Edge]] = {}
    for name, every in edges.items():
        # What is only compared with something leads no further.
        leading = open_edges[name] = [edge for edge in every if edge.by in totals]
        if not leading:
            continue
        totals[name] = sum(e.derivatives @ totals[e.by] for e in leading)
        sizes[name] = sum(abs(e.derivatives) @ sizes[e.by] for e in leading)
        counts[name] = sum(e.depends.astype(object) @ counts[e.by] for e in leading)
        best[name] = _largest(leading, best, most)
    if source not in totals:
        return FoundPaths(0.0, 0.0, 0, (), {})
    found = best[source]
    listed = tuple(
        _followed(source, rank, open_edges, best)
        for rank in range(found.products.shape[1])
        if found.exists[0, rank]
    )
    return FoundPaths(
        float(totals[source][0]),
        float(sizes[source][0]),
        int(counts[source][0]),
        listed,
        _first_zeros(source, open_edges, counts),
    )


def _first_zeros(
    source: str, edges: Mapping[str, Sequence[Edge]], counts: Mapping[str, Any]
) -> dict[Step, int]:
    """By step with a derivative of 0, the paths on which none is 0 before it.

    As many ways lead to its beginning without a 0, times the paths that there are from its end.
    """
    reached: dict[str, Any] = {source: np.array([1], dtype=object)}
    zeros: dict[Step, int] = {}
    for name in reversed(list(edges)):
        ways = reached.get(name)
        if ways is None or not ways.any():
            continue
        for edge in edges[name]:
            zero = edge.depends & (edge.derivatives == 0) & (ways[:, None] > 0)
            for row, column in np.argwhere(zero).tolist():
                if count := int(ways[row] * counts[edge.by][column]):
                    zeros[(name, row), (edge.by, column)] = count
            on = ways @ (edge.depends & (edge.derivatives != 0)).astype(object)
            reached[edge.by] = reached[edge.by] + on if edge.by in reached else on
    return zeros


def _largest(leading: Sequence[Edge], best: Mapping[str, Largest], most: int) -> Largest:
    """The k largest of what every edge offers, for all entries of a name."""
    rows = leading[0].derivatives.shape[0]
    width = sum(e.derivatives.shape[1] * best[e.by].products.shape[1] for e in leading)
    step = max(1, CANDIDATES // max(1, width))
    parts = [
        _largest_of(leading, best, most, slice(start, min(start + step, rows)))
        for start in range(0, rows, step)
    ]
    return Largest(*(np.concatenate(field) for field in zip(*parts, strict=True)))


def _largest_of(
    leading: Sequence[Edge], best: Mapping[str, Largest], most: int, rows: slice
) -> tuple[Any, ...]:
    products, exists, places = [], [], []
    for number, edge in enumerate(leading):
        below = best[edge.by]
        offered = edge.derivatives[rows, :, None] * below.products[None]
        there = edge.depends[rows, :, None] & below.exists[None]
        count = offered.shape[0]
        products.append(offered.reshape(count, -1))
        exists.append(there.reshape(count, -1))
        column, rank = np.indices(below.products.shape)
        places.append(np.stack([np.full(column.size, number), column.ravel(), rank.ravel()]))
    product, exist = np.concatenate(products, axis=1), np.concatenate(exists, axis=1)
    place = np.concatenate(places, axis=1)
    kept = min(most, int(exist.sum(axis=1).max(initial=1)) or 1)
    key = np.where(exist, -abs(product), 1.0)
    if kept < key.shape[1]:
        chosen = np.argpartition(key, kept - 1, axis=1)[:, :kept]
    else:
        chosen = np.broadcast_to(np.arange(key.shape[1]), key.shape)
    order = np.argsort(np.take_along_axis(key, chosen, axis=1), axis=1, kind="stable")
    chosen = np.take_along_axis(chosen, order, axis=1)
    return (
        np.take_along_axis(product, chosen, axis=1),
        np.take_along_axis(exist, chosen, axis=1),
        *(field[chosen] for field in place),
    )


def _followed(
    source: str, rank: int, edges: Mapping[str, Sequence[Edge]], best: Mapping[str, Largest]
) -> tuple[float, tuple[Place, ...], tuple[float, ...]]:
    """One path from end to end: its product, its places, its factors."""
    name, row = source, 0
    product = float(best[source].products[0, rank])
    places: list[Place] = [(name, row)]
    factors: list[float] = []
    while edges.get(name):
        here = best[name]
        edge = edges[name][int(here.edge[row, rank])]
        column, rank = int(here.column[row, rank]), int(here.rank[row, rank])
        factors.append(float(edge.derivatives[row, column]))
        name, row = edge.by, column
        places.append((name, row))
    return product, tuple(places), tuple(factors)
