"""Determinants and inverses by minors: sums of products alone, of numbers of any kind.

Laplace's expansion along the rows, each set of columns once: n·2ⁿ products, for matrices of a few rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from handgrad.errors import NumberError

MOST = 8
"""Rows of a matrix at most."""

Entry = Callable[[int, int], Any]
"""The entry in a row and a column: one number, or an array of them, one for each case."""


def minor(entry: Entry, rows: Sequence[int], columns: Sequence[int], sign: int = -1) -> Any:
    """The determinant of some rows and columns; 1 of none. With `sign` 1 every product is added."""
    if not rows:
        return 1.0
    sums: dict[tuple[int, ...], Any] = {(c,): entry(rows[0], c) for c in columns}
    for count, row in enumerate(rows[1:], 2):
        longer: dict[tuple[int, ...], Any] = {}
        for chosen in combinations(columns, count):
            total: Any = None
            for k, column in enumerate(chosen):
                rest = sums[(*chosen[:k], *chosen[k + 1 :])]
                product = entry(row, column) * rest
                even = (count - 1 - k) % 2 == 0 or sign > 0
                if total is None:
                    total = product if even else -product
                else:
                    total = total + product if even else total - product
            longer[chosen] = total
        sums = longer
    return sums[tuple(columns)]


def determinant(a: Any, sign: int = -1) -> Any:
    """Of the matrices on the last two axes. Raises `NumberError` for more than `MOST` rows."""
    rows = range(_size(a))
    return minor(lambda i, j: a[..., i, j], rows, rows, sign)


def inverse(a: Any, stack: Callable[..., Any]) -> Any:
    """The transposed matrix of signed minors over the determinant, of the matrices on the last two axes."""
    size = _size(a)
    every = range(size)
    whole = determinant(a)

    def entry(i: int, j: int) -> Any:
        rows = [r for r in every if r != j]
        columns = [c for c in every if c != i]
        cofactor = minor(lambda r, c: a[..., r, c], rows, columns)
        return (cofactor if (i + j) % 2 == 0 else -cofactor) / whole

    return stack([stack([entry(i, j) for j in every], axis=-1) for i in every], axis=-2)


def _size(a: Any) -> int:
    size = int(a.shape[-1])
    if size > MOST:
        raise NumberError(
            f"a matrix of {size} rows is too large for minors in these numbers",
            mend=f"use floats, or matrices of at most {MOST} rows",
        )
    return size
