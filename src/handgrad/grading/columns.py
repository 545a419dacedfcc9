"""Which quantity each column of a batch is for, and the sheets that the columns make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from handgrad.checking.figures import from_cells
from handgrad.checking.matching import meant_by
from handgrad.checking.quantities import Quantity
from handgrad.checking.reading import Answers, cell_text
from handgrad.checking.remark_words import unused_text
from handgrad.checking.remarks import EnteredTwice, NoArray, RaggedArray, Unused
from handgrad.checking.work import Work
from handgrad.errors import OptionError
from handgrad.expression import Adjoint, Leaf, Name
from handgrad.grading.batch import Batch, place_of


@dataclass(frozen=True, slots=True)
class Column:
    """The columns of one quantity, or of one thing that the problem gives.

    Arguments:
        name: what it is called in the headings.
        quantity: the quantity; None for what is given.
        shape: the shape of the figures, of one student.
        headings: by entry, in order, the column that has it; None where there is none.
    """

    name: str
    quantity: Quantity | None
    shape: tuple[int, ...]
    headings: tuple[str | None, ...]


@dataclass
class _Places:
    """What the headings of one name say."""

    meant: Quantity | Leaf
    by_place: dict[tuple[int, ...] | None, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SheetColumns:
    """The columns of a batch by what they are for, and the headings that are for nothing."""

    all: tuple[Column, ...]
    unused: tuple[Unused, ...]

    def sheet(self, batch: Batch, row: int) -> Answers:
        """One student's answers, as they would stand in a file."""
        return Answers(
            {
                column.name: from_cells(
                    ["" if h is None else cell_text(batch.cells[h][row]) for h in column.headings],
                    column.shape,
                )
                for column in self.all
            },
            where=batch.ids[row],
        )


def columns_of(work: Work, headings: Iterable[str]) -> SheetColumns:
    """What the headings of a batch are for. Raises `OptionError` where none is for anything of the problem.

    A quantity that is entered under two names is read under the first.
    """
    by_name: dict[str, _Places] = {}
    unused: dict[str, Unused] = {}
    for heading in headings:
        name, place = place_of(heading)
        if name in unused:
            continue
        if name not in by_name:
            meant = meant_by(work, name)
            if not isinstance(meant, Quantity | Name | Adjoint):
                unused[name] = meant
                continue
            if any(other.meant == meant for other in by_name.values()):
                unused[name] = EnteredTwice(name)
                continue
            by_name[name] = _Places(meant)
        by_name[name].by_place.setdefault(place, heading)
    found: list[Column] = []
    for name, places in by_name.items():
        column = _column(work, name, places)
        if column is None:
            unused[name] = NoArray(name, RaggedArray(1))
        else:
            found.append(column)
    if not found:
        first = next(iter(unused.values()), None)
        raise OptionError(unused_text(first, rest=False) if first else "there are no answers")
    return SheetColumns(tuple(found), tuple(unused.values()))


def _column(work: Work, name: str, places: _Places) -> Column | None:
    """The columns of a name, each in its place; None where they make no array.

    The array has the quantity's shape where the places lie within it, so that a table may lack columns.
    """
    meant = places.meant
    quantity = meant if isinstance(meant, Quantity) else None
    leaf = meant.leaf if isinstance(meant, Quantity) else meant
    full = np.shape(work.exact[leaf]) if leaf in work.exact else ()
    by_place = {p or (): heading for p, heading in places.by_place.items()}
    ranks = {len(p) for p in by_place}
    if len(ranks) > 1:
        return None
    (rank,) = ranks
    within = rank == len(full) and all(
        k < n for p in by_place for k, n in zip(p, full, strict=True)
    )
    shape = full if within else tuple(max(axis) + 1 for axis in zip(*by_place, strict=True))
    return Column(name, quantity, shape, tuple(by_place.get(p) for p in np.ndindex(shape)))
