"""Which columns of a table are which entries of a problem's data.

With names above: `x[0]`, `x[1]` or `x1`, `x2` are the entries of a vector x, `X[0,1]` one of a
matrix, `y` a scalar, or the class, counted from 0, of a vector y of zeros and a one. Without names:
the data in the problem's order, entry after entry; what is left out at the end the problem keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.errors import HandgradError, NumberError, nearest
from handgrad.expression import Shape
from handgrad.tables.rows import Rows


@dataclass(frozen=True, slots=True)
class Field:
    """A datum's columns, in the order of its entries; or one column that holds the class."""

    name: str
    shape: Shape
    columns: tuple[int, ...]
    classes: bool = False

    def values(self, rows: Array) -> Array:
        """The datum of every row, the cases on the last axis."""
        if not self.classes:
            # A slice where the columns lie side by side: no copy of a wide table.
            first, count = self.columns[0], len(self.columns)
            side_by_side = self.columns == tuple(range(first, first + count))
            taken = rows[:, first : first + count] if side_by_side else rows[:, self.columns]
            cases: Array = taken.T.reshape(*self.shape, len(rows))
            return cases
        (size,) = self.shape
        label = rows[:, self.columns[0]]
        return np.where(np.arange(size)[:, None] == label[None, :], 1.0, 0.0)

    def misfits(self, rows: Array) -> Mask:
        """The rows whose class there is not."""
        if not self.classes:
            return np.zeros(len(rows), dtype=bool)
        label = rows[:, self.columns[0]]
        misfits: Mask = (label != np.rint(label)) | (label < 0) | (label >= self.shape[0])
        return misfits


def fields_of(
    rows: Rows, shapes: Mapping[str, Shape], labelled: Set[str] = frozenset()
) -> tuple[Field, ...]:
    """The data that a table gives, and where.

    Arguments:
        rows: the table.
        shapes: those of one case, in the problem's order.
        labelled: the data that one column may give as a class.

    Raises `NumberError` for columns that are none of the data's, missing, or too many.
    """
    if rows.columns is not None:
        return _by_name(rows, rows.columns, shapes, labelled)
    return _in_order(rows, shapes, labelled)


def _size(shape: Shape) -> int:
    return int(np.prod(shape, dtype=int))


def _by_name(
    rows: Rows, columns: Sequence[str], shapes: Mapping[str, Shape], labelled: Set[str]
) -> tuple[Field, ...]:
    places: dict[str, int] = {}
    for place, column in enumerate(columns):
        plain = column.replace(" ", "")
        if plain in places:
            raise _wrong(rows, f"two columns are named {column[:40]}")
        places[plain] = place
    fields: list[Field] = []
    used: set[str] = set()
    for name, shape in shapes.items():
        spellings = _spellings(name, shape)
        best = max(spellings, key=lambda s: sum(c in places for c in s))
        there = [c for c in best if c in places]
        if len(there) == len(best):
            fields.append(Field(name, shape, tuple(places[c] for c in best)))
        elif name in labelled and name in places and not there:
            there = [name]
            fields.append(Field(name, shape, (places[name],), classes=True))
        elif there:
            missing = next(c for c in best if c not in places)
            raise _wrong(
                rows, f"has {there[0]} but no column {missing}", f"{name} needs {len(best)} columns"
            )
        used.update(there)
    for column in places:
        if column not in used:
            known = [c for n, s in shapes.items() for c in _spellings(n, s)[0]]
            hint = nearest(column, known) or f"columns are named {', '.join(known[:6])}"
            raise _wrong(rows, f"column {column[:40]!r} is none of the problem's data", hint)
    return tuple(fields)


def _spellings(name: str, shape: Shape) -> list[list[str]]:
    """The ways to name the columns of a datum."""
    if not shape:
        return [[name]]
    entries = list(np.ndindex(*shape))
    bracketed = [f"{name}[{','.join(map(str, e))}]" for e in entries]
    if len(shape) > 1:
        return [bracketed]
    counted = [f"{name}{e[0] + 1}" for e in entries]
    return [bracketed, counted, [f"{name}_{e[0] + 1}" for e in entries]]


def _in_order(rows: Rows, shapes: Mapping[str, Shape], labelled: Set[str]) -> tuple[Field, ...]:
    names = list(shapes)
    for last in range(len(names), 0, -1):
        for classes in (False, True):
            fields: list[Field] = []
            start = 0
            for position, name in enumerate(names[:last], start=1):
                shape = shapes[name]
                label = classes and position == len(names) and name in labelled
                width = 1 if label else _size(shape)
                fields.append(Field(name, shape, tuple(range(start, start + width)), label))
                start += width
            if start == rows.width:
                return tuple(fields)
    wanted = " and ".join(f"{n} ({_size(s)})" for n, s in shapes.items())
    total = sum(_size(s) for s in shapes.values())
    raise _wrong(
        rows,
        f"has {rows.width} column{'s' * (rows.width != 1)}, but {wanted} need {total}",
        "one column an entry, in this order; or name the columns in a first line",
    )


def _wrong(rows: Rows, what: str, mend: str = "") -> HandgradError:
    return NumberError(what, where=rows.where, mend=mend)
