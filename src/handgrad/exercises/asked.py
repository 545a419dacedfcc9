"""What a sheet asks for, figure by figure, in the order in which it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from handgrad.checking.checking import Checker
from handgrad.checking.quantities import Quantity
from handgrad.exercises.grids import Place, place_grids
from handgrad.exercises.page import blank_lines, blank_target
from handgrad.expression import Expression


@dataclass(frozen=True, slots=True)
class AskedArray:
    """A quantity that is asked for.

    Arguments:
        quantity: the quantity.
        shape: that of its figures, cases last.
        row: whether a vector lies along the rows of matrices.
        assigned: whether an update assigns it.
    """

    quantity: Quantity
    shape: tuple[int, ...]
    row: bool
    assigned: bool

    @property
    def places(self) -> tuple[Place, ...]:
        """The places of its figures, in the order of the array."""
        return tuple(np.ndindex(self.shape))

    @property
    def laid_out(self) -> tuple[Place, ...]:
        """The same, in the order in which a form asks for them."""
        grids = place_grids(self.shape, self.quantity.batched, self.row)
        return tuple(at for grid in grids for row in grid.rows for at in row)

    def heading(self, at: Place) -> str:
        """What a table of answers calls a figure: dW2[1,0]."""
        return figure_heading(self.quantity.target, at)

    def entry(self, at: Place) -> Expression:
        """The formula that names a figure; of one of many cases, without the case."""
        return self.quantity.shown.entry(at[:-1] if self.quantity.batched else at)

    def case(self, at: Place) -> str:
        """Which case a figure is of, in words; empty where there are none."""
        return f"case {at[-1] + 1}" if self.quantity.batched else ""


def figure_heading(name: str, at: Place) -> str:
    """A figure of an array, its entry counted from 0: dW2[1,0]."""
    return f"{name}[{','.join(map(str, at))}]" if at else name


def asked_arrays(checker: Checker, blanks: Sequence[str] = ()) -> Iterator[AskedArray]:
    """The quantities that a sheet of a problem asks for, in the order of its steps.

    Arguments:
        checker: the problem's.
        blanks: what is asked for: phases, kinds of step, steps or names; all by default.

    Raises `OptionError` for a word that is none of these.
    """
    work = checker.work
    trace = work.structure.trace
    is_blank = blank_lines(trace, blanks)
    quantities = {q.target: q for q in work.structure.quantities if q.asked}
    for step in trace.steps:
        # The loss after the update is a forward pass of its own, and no answer asks for it.
        if step.kind == "loss_after":
            continue
        for line in step.lines:
            if is_blank(step, line):
                quantity = quantities[blank_target(trace, line)]
                yield AskedArray(
                    quantity, work.full_shape(quantity), line.row, line.role == "updated"
                )
