"""What is right at a gap, and what wrong rules give there: the rules of `check`, for one figure by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array
from handgrad.checking.checking import Checker
from handgrad.checking.formula import CompiledFormula
from handgrad.checking.quantities import Quantity, Variant
from handgrad.checking.sheets import OneSheet, SheetNumbers
from handgrad.checking.unentered import value_of
from handgrad.checking.words import mistake_text
from handgrad.checking.worlds import World
from handgrad.errors import OptionError
from handgrad.figures import LARGE, figure
from handgrad.operations.mistakes import PRIORITY
from handgrad.quizzes.question import Gap, Taken, WrongFigure, plain_decimal

MOST_WRONG = 4
"""Wrong rules that a gap tells apart, at most: the likeliest."""


@dataclass(frozen=True, slots=True)
class _OnTheWay:
    """Half a unit of what is worked out on the way, which a student may round; a 0 is carried as it is."""

    half: Callable[[Array], Array]

    def __call__(self, values: Array, /) -> Array:
        return np.where(values == 0, 0.0, self.half(values))

    @property
    def each(self) -> tuple[_OnTheWay]:
        return (self,)

    def only(self, which: SheetNumbers, /) -> _OnTheWay:
        return self


class Expected:
    """What is right in the answers to one problem where no other figure is known.

    Arguments:
        checker: the problem's.
        decimals: digits after the point that figures are given with.
    """

    @np.errstate(all="ignore")
    def __init__(self, checker: Checker, decimals: int) -> None:
        self.work, self.decimals = checker.work, decimals
        givens = {leaf: self.work.exact[leaf] for leaf in self.work.given_leaves}
        self.sheet = OneSheet(self.work)
        self.world = World(self.sheet, givens, _OnTheWay(self._half))
        for quantity in self.work.structure.quantities:
            self.world.follow(quantity.leaf, quantity.formula, in_cases=quantity.batched)

    @np.errstate(all="ignore")
    def gaps(self, quantity: Quantity) -> tuple[Gap, ...]:
        """A gap for each entry of a quantity.

        Raises `OptionError` where an entry is no finite number.
        """
        exact = self.work.exact[quantity.leaf]
        if not np.isfinite(exact).all():
            raise OptionError(
                f"{quantity.target} is not finite, and no system asks for that",
                mend="choose other numbers, or leave it out with --blank",
            )
        right = self._accepted(exact, quantity.ways)
        wrong: dict[tuple[int, ...], list[WrongFigure]] = {at: [] for at in np.ndindex(exact.shape)}
        for variant, given in self._wrong(quantity):
            text = mistake_text(variant.mistake, quantity, self.work.cases)
            for at, found in wrong.items():
                figures = given[at]
                taken = [right[at], *(w.given for w in found)]
                # A 0 may come of anything.
                tells = figures is not None and float(figures.figure) != 0
                if not tells or len(found) == MOST_WRONG or any(map(figures.meets, taken)):
                    continue
                found.append(WrongFigure(variant.mistake.rule, figures, text))
        return tuple(Gap(at, right[at], tuple(found)) for at, found in wrong.items())

    def _half(self, values: Array) -> Array:
        """Half a unit of the last digit that figures of these sizes are given with."""
        half = np.full(np.shape(values), 0.5 * 10.0**-self.decimals)
        large = np.isfinite(values) & (np.abs(values) >= LARGE)
        if large.any():
            half[large] *= 10.0 ** np.floor(np.log10(np.abs(values[large])))
        return half

    def _accepted(
        self, value: Array, ways: tuple[CompiledFormula, ...]
    ) -> dict[tuple[int, ...], Taken]:
        """By entry, the figures that may come of any of these formulas, or that round the value."""
        half = self._half(value)
        lower, upper = value - half, value + half
        world = self.world
        for way in ways:
            shown = world.value(way)
            for least, most in ((shown - half, shown + half), world.led_to(way, half)):
                lower, upper = np.fmin(lower, least), np.fmax(upper, most)
        return {
            at: Taken(
                float(value[at]),
                plain_decimal(figure(float(value[at]), self.decimals)),
                float(lower[at]),
                float(upper[at]),
            )
            for at in np.ndindex(value.shape)
        }

    def _wrong(self, quantity: Quantity) -> Iterator[tuple[Variant, dict[tuple[int, ...], Taken]]]:
        """What each single mistake gives, the likelier first; none that gives another shape, or no numbers."""
        exact = self.work.exact
        variants = self.work.structure.mistakes(quantity)
        for variant in sorted(variants, key=lambda v: PRIORITY[v.mistake.rule]):
            value = value_of(exact, variant.formula, self.sheet)
            if value is None or value.shape != exact[quantity.leaf].shape:
                continue
            if np.isfinite(value).all():
                yield variant, self._accepted(value, (variant.formula,))
