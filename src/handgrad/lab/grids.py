"""The entries of an array as rows of fields: their indices, and where each stands in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

Entry = tuple[tuple[int, ...], str]
"""An index, counted from 0, and the place in words, counted from 1."""


def index_rows(shape: Sequence[int], batched: bool) -> Iterator[list[Entry]]:
    """The entries row by row, as they lie on the page; of many cases each has a column.

    A vector, which is a column on the page, takes less room as a row.
    """
    if not shape:
        yield [((), "")]
        return
    if len(shape) == 1 and not batched:
        yield [((k,), f"entry {k + 1}") for k in range(shape[0])]
        return
    across = "case" if batched else "column"
    for row in np.ndindex(*shape[:-1]):
        down = "row" if len(row) == 1 and not batched else "entry"
        beside = f"{down} {', '.join(str(i + 1) for i in row)}, " if row else ""
        yield [((*row, k), f"{beside}{across} {k + 1}") for k in range(shape[-1])]


def spelled(name: str, at: Sequence[int]) -> str:
    """An entry's name: `W2[1,0]`."""
    return f"{name}[{','.join(map(str, at))}]" if at else name
