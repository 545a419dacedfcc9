"""Arrays of numbers as they are laid out on a page: rows, columns, cases, and what is left out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Literal as Choice
from typing import TypeAlias

from handgrad.expression import Literal, Nested

Orientation: TypeAlias = Choice["upright", "transposed"]
Grid: TypeAlias = "tuple[tuple[float, ...], ...]"
Positions: TypeAlias = "tuple[int | None, ...]"
"""Which rows or columns are shown, None where some are left out."""


def grid(literal: Literal, orientation: Orientation = "upright") -> Grid | None:
    """The rows of a literal as it is turned; None for one that no single grid can show."""
    rows = literal.rows
    lies = literal.row and not literal.batched and len(literal.lengths) == 1
    if rows is None or orientation == "upright" or lies:
        return rows
    return tuple(zip(*rows, strict=True))


def slices(literal: Literal) -> tuple[Literal, ...]:
    """A literal without a grid as simpler ones: by cases, or along its first axis."""
    value = literal.value
    assert isinstance(value, tuple)
    whole = literal.whole
    if literal.batched:
        cases = [literal.position(len(literal.shape), c) for c in range(_cases(value))]
        wholes = [None if whole is None else whole[..., c] for c in cases]
        return tuple(
            Literal(_case(value, c), whole=w, gradient=literal.gradient)
            for c, w in enumerate(wholes)
        )
    wholes = [None if whole is None else whole[literal.position(0, i)] for i in range(len(value))]
    return tuple(
        Literal(v, whole=w, gradient=literal.gradient) for v, w in zip(value, wholes, strict=True)
    )


def case_names(literal: Literal) -> list[str]:
    """What stands above the columns of a grid of many cases: which case each is, counted from 1."""
    rows = grid(literal) if literal.batched else None
    axis = len(literal.shape)
    return [f"case {literal.position(axis, c) + 1}" for c in range(len(rows[0]))] if rows else []


def place_in_grid(literal: Literal, index: tuple[int, ...]) -> tuple[int, int]:
    """The row and column of the upright grid where an entry of the literal's value stands."""
    match index:
        case (i, j):
            return i, j
        case (k,):
            flat = literal.row or (literal.batched and not literal.shape)
            return (0, k) if flat else (k, 0)
        case _:
            raise IndexError(index)


def elided(count: int, limit: int, kept: Sequence[int] = ()) -> Positions:
    """The positions shown of `count`, at most `limit` of them, with None for what is left out between.

    The first ones and the last; in place of others the first few of those that are to be `kept`, as there are words about them.
    """
    if count <= limit:
        return tuple(range(count))
    places = max(limit, 1) - 1
    ends = [k if even else count - 1 - k for k in range(count) for even in (True, False)]
    hidden = [k for k in kept if k not in ends[:places]]
    first = hidden[: max(places // 3, 1)] if places > 1 else []
    shown = sorted({*first, *ends[: places - len(first)]})
    found: list[int | None] = []
    for before, k in pairwise((-1, *shown, count)):
        found += [None] * (k > before + 1) + [k] * (k < count)
    return tuple(found)


def positions_shown(
    rows: Sequence[Sequence[float]],
    most: tuple[int, int],
    marked: Collection[tuple[int, int]],
    told: Collection[int] = (),
) -> tuple[Positions, Positions]:
    """The rows and the columns of a grid that are shown where there is room for so many of each.

    What there are words about is among them: a row with a remark (one of `told`), and a row or a column each of whose entries is marked.
    """
    down, across = range(len(rows)), range(len(rows[0]) if rows else 0)
    if len(down) <= most[0] and len(across) <= most[1]:
        return tuple(down), tuple(across)
    whole = [i for i in down if i in told or all((i, j) in marked for j in across)]
    upright = [j for j in across if all((i, j) in marked for i in down)]
    return elided(len(down), most[0], whole), elided(len(across), most[1], upright)


def _cases(value: Nested) -> int:
    while isinstance(value, tuple) and value and isinstance(value[0], tuple):
        value = value[0]
    return len(value) if isinstance(value, tuple) else 0


def _case(value: Sequence[Nested], case: int) -> Nested:
    rows = (v for v in value if isinstance(v, tuple))
    return tuple(_case(v, case) if isinstance(v[0], tuple) else v[case] for v in rows)
