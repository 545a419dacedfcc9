"""What an exercise is to be like: the numbers it is made of, and what has to happen in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, TypeAlias

from handgrad.errors import OptionError, nearest

Level: TypeAlias = Literal["easy", "medium", "hard"]

VISIBLE = 0.005
"""A gradient of this size is seen in figures of two decimals, and outlasts the rounding of four."""


def _grid(denominators: tuple[int, ...], largest: Fraction) -> tuple[Fraction, ...]:
    """Every fraction with one of the denominators, from −largest to largest, in order."""
    found = {
        Fraction(k, d) for d in denominators for k in range(-int(largest * d), int(largest * d) + 1)
    }
    return tuple(sorted(found))


GRIDS: dict[str, tuple[int, ...]] = {
    "whole": (1,),
    "halves": (2,),
    "quarters": (4,),
    "tenths": (10,),
    "fractions": (2, 3, 4, 5),
}
"""By name, the denominators of the numbers drawn."""


@dataclass(frozen=True, slots=True)
class Requirements:
    """What every variant has.

    Arguments:
        grid: the denominators of the parameters; `largest` bounds them.
        inputs: the denominators of the data that are no targets; `largest_input` bounds them.
        decimals: digits after the point that a number may have, up to the first function that
            is not carried out with plus, minus and times.
        bound: the largest size of such a number.
        off: how many units are gated off; by the layer's number from 1, or in all under None.
        zero_input, path_sum, signs: whether an input is zero; a gradient is the sum of at
            least two paths that are not zero; every matrix of parameters has both signs.
        saturated: whether a sigmoid or tanh unit may lie on its flat end.
        keep: names of givens whose numbers stay as they are.
        figures: decimals of the figures on a sheet; what rounds to 0 there is 0 to a reader.
    """

    grid: tuple[int, ...] = (10,)
    largest: Fraction = Fraction(9, 10)
    inputs: tuple[int, ...] = (1,)
    largest_input: Fraction = Fraction(2)
    decimals: int = 3
    bound: float = 5.0
    off: Mapping[int | None, int] = field(default_factory=dict)
    zero_input: bool = False
    path_sum: bool = False
    signs: bool = True
    saturated: bool = False
    keep: frozenset[str] = frozenset()
    figures: int = 4

    @property
    def visible(self) -> float:
        """The least size of what an off unit blocks, and of a pre-activation: seen in the figures, and never
        within the rounding of figures that it is worked out from."""
        return max(VISIBLE, 2 * 10.0**-self.figures)

    @property
    def parameter_grid(self) -> tuple[Fraction, ...]:
        """The numbers that parameters are drawn from: zero is none of them, as it hides a weight."""
        return tuple(x for x in _grid(self.grid, self.largest) if x)

    @property
    def input_grid(self) -> tuple[Fraction, ...]:
        """The numbers that inputs are drawn from."""
        return _grid(self.inputs, self.largest_input)


LEVELS: dict[Level, Requirements] = {
    "easy": Requirements(grid=(2,), largest=Fraction(1), decimals=3, signs=False),
    "medium": Requirements(),
    "hard": Requirements(largest=Fraction(3, 2), inputs=(2,), decimals=4, bound=10.0),
}
"""How hard the arithmetic is."""


def requirements(
    level: str = "medium",
    *,
    grid: str | None = None,
    off: int | Mapping[int | None, int] | None = None,
    zero_input: bool = False,
    path_sum: bool = False,
    keep: Collection[str] = (),
    figures: int = 4,
) -> Requirements:
    """A level with what is asked for besides; `off` is a count of units in all, or one by layer.

    `keep` names givens whose numbers stay as they are, and `figures` is how many decimals are shown.

    Raises `OptionError` for an unknown level or grid.

        >>> handgrad.requirements("easy", off=1).off
        {None: 1}
    """
    if level not in LEVELS:
        raise OptionError(
            f"there is no level {level}", mend=nearest(level, LEVELS) or "easy, medium or hard"
        )
    if grid is not None and grid not in GRIDS:
        raise OptionError(
            f"there is no grid {grid}", mend=nearest(grid, GRIDS) or f"grids: {', '.join(GRIDS)}"
        )
    base: Requirements = LEVELS[level]
    denominators = GRIDS[grid] if grid is not None else base.grid
    exact = all(10**6 % d == 0 for d in denominators)
    return Requirements(
        grid=denominators,
        largest=max(base.largest, Fraction(2)) if grid == "whole" else base.largest,
        inputs=base.inputs,
        largest_input=base.largest_input,
        decimals=base.decimals if exact else 15,
        bound=max(base.bound, 20.0) if grid == "whole" else base.bound,
        off={None: off} if isinstance(off, int) else dict(off or {}),
        zero_input=zero_input,
        path_sum=path_sum,
        signs=base.signs,
        saturated=base.saturated,
        keep=frozenset(keep),
        figures=figures,
    )
