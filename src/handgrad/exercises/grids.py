"""How the figures of a quantity are laid out where each has a field of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

Place: TypeAlias = tuple[int, ...]
"""A figure's place in its quantity's array, counted from 0, cases last; () for a scalar."""


@dataclass(frozen=True, slots=True)
class PlaceGrid:
    """Places laid out in rows; `header` is above the columns where they are cases."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Place, ...], ...]


def place_grids(shape: tuple[int, ...], batched: bool, row: bool) -> Iterator[PlaceGrid]:
    """The places of an array as they are laid out: vectors as columns, cases beside each other.

    Arguments:
        shape: that of the figures, cases last.
        batched: whether the last axis counts cases.
        row: whether a vector lies along the rows of matrices.
    """
    *one, cases = shape if batched else (*shape, 1)
    deep = len(one) - 2 if len(one) > 2 else 0
    whole = not batched or len(one) > 1
    for lead in product(*map(range, one[:deep])):
        for case in range(cases) if batched and whole else (None,):
            names = [f"[{', '.join(str(k + 1) for k in lead)}]"] if lead else []
            names += [f"case {case + 1}"] if case is not None else []
            last = () if case is None else (case,)
            header, rows = _rows(lead, one[deep:], cases if batched and not whole else None, last)
            if not batched and len(one) == 1 and row:
                rows = (tuple(at for (at,) in rows),)
            yield PlaceGrid(", ".join(names), header, rows)


def _rows(
    lead: Place, shape: list[int], cases: int | None, last: Place
) -> tuple[tuple[str, ...], tuple[tuple[Place, ...], ...]]:
    """The header and the rows of one grid; `cases` where they are its columns."""
    if cases is not None:
        header = tuple(f"case {k + 1}" for k in range(cases))
        places = product(*map(range, shape))
        return header, tuple(tuple((*at, k) for k in range(cases)) for at in places)
    if len(shape) == 2:
        down, across = map(range, shape)
        return (), tuple(tuple((*lead, i, j, *last) for j in across) for i in down)
    return (), tuple(((*at, *last),) for at in product(*map(range, shape)))
