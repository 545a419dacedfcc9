"""A question as every learning system gets it: what is shown, what is asked, and what is right."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from typing import Literal, TypeAlias

from handgrad.exercises import Sheet
from handgrad.exercises.grids import Place, place_grids
from handgrad.expression import Expression, Leaf
from handgrad.formats.style import Style
from handgrad.page.blocks import Block, Heading
from handgrad.text import Text

EDGE = 1e-3
"""By this share of itself a tolerance is wider than what `check` allows: a figure at the very edge is right whatever
a system's floats make of it."""

_THREE_DIGITS = Context(prec=3, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True)
class Taken:
    """A figure and those that are taken for it.

    Arguments:
        value: the number at full precision.
        figure: as a sheet's key has it, in plain decimals: "-0.2192".
        lower, upper: what `check` takes for it, from the least to the largest.
    """

    value: float
    figure: str
    lower: float
    upper: float

    @property
    def tolerance(self) -> str:
        """How far from `figure` a system is to accept, in plain decimals: as far as the farther end."""
        return tolerance_around(float(self.figure), self)

    def meets(self, other: Taken) -> bool:
        """Whether a system could take a figure for both."""
        apart = abs(float(self.figure) - float(other.figure))
        return apart <= float(self.tolerance) + float(other.tolerance)


def tolerance_around(centre: float, accepted: Taken) -> str:
    """The tolerance that reaches from a centre to both ends of what is accepted."""
    farthest = max(accepted.upper - centre, centre - accepted.lower)
    return plain_decimal(_THREE_DIGITS.create_decimal(farthest * (1 + EDGE)))


def plain_decimal(number: Decimal | str) -> str:
    """A number without a power of ten: 0.0000123."""
    return f"{Decimal(number):f}"


@dataclass(frozen=True, slots=True)
class WrongFigure:
    """What a wrong rule gives, and the rule in words, such as "the gate 1[z > 0] is left out"."""

    rule: str
    given: Taken
    text: Text


@dataclass(frozen=True, slots=True)
class Gap:
    """Room for one figure.

    Arguments:
        at: its place in the quantity's array, counted from 0, cases last; () for a scalar.
        right: the figure that is right.
        wrong: figures that a wrong rule gives, the likelier first; none meets the right one or another.
    """

    at: Place
    right: Taken
    wrong: tuple[WrongFigure, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Gaps laid out in rows; `header` is above the columns where they are cases."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Gap, ...], ...]


Sign: TypeAlias = Literal["=", "←"]


@dataclass(frozen=True, slots=True)
class AskedQuantity:
    """A quantity that is asked for.

    Arguments:
        target: its name in answers files: `z1`, `dW2`, `updated.b3`.
        shown: the formula that names it.
        formula: how it is computed, where that is to be shown.
        sign: "=", or "←" where an update assigns it.
        step: the step that computes it, such as "2.4".
        shape: that of its figures, cases last.
        batched: whether the last axis counts cases.
        row: whether a vector lies along the rows of matrices.
        gaps: in the order of the array.
    """

    target: str
    shown: Leaf
    formula: Expression | None
    sign: Sign
    step: str
    shape: tuple[int, ...]
    batched: bool
    row: bool
    gaps: tuple[Gap, ...]

    def grids(self) -> Iterator[Grid]:
        """The gaps as they are laid out: vectors as columns, cases beside each other."""
        gaps = {gap.at: gap for gap in self.gaps}
        for grid in place_grids(self.shape, self.batched, self.row):
            rows = tuple(tuple(gaps[at] for at in row) for row in grid.rows)
            yield Grid(grid.caption, grid.header, rows)

    def entry(self, gap: Gap) -> Expression:
        """The formula that names the number of a gap; of one of many cases, without the case."""
        return self.shown.entry(gap.at[:-1] if self.batched else gap.at)

    def case(self, gap: Gap) -> str:
        """Which case a gap is of, in words; empty where there are none."""
        return f"case {gap.at[-1] + 1}" if self.batched else ""


Part: TypeAlias = Block | AskedQuantity


@dataclass(frozen=True, slots=True)
class QuizQuestion:
    """A sheet as a question.

    Arguments:
        sheet: the sheet that it is made of.
        title: the problem's.
        name: the title and what the sheet is called.
        body: what is shown, with the quantities that are asked for in their places.
        solution: the worked solution.
        style: how numbers and names are printed.
    """

    sheet: Sheet
    title: str
    name: str
    body: tuple[Part, ...]
    solution: tuple[Block, ...]
    style: Style

    @property
    def asked(self) -> tuple[AskedQuantity, ...]:
        """What is asked for, in order."""
        return tuple(part for part in self.body if isinstance(part, AskedQuantity))

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Every gap, in order."""
        return tuple(gap for asked in self.asked for gap in asked.gaps)

    def worked_step(self, step: str) -> tuple[Block, ...]:
        """The worked solution of one step, without its heading."""
        blocks: list[Block] = []
        inside = False
        for block in self.solution:
            if isinstance(block, Heading):
                inside = block.id == step
            elif inside:
                blocks.append(block)
        return tuple(blocks)

    @property
    def whole(self) -> int:
        """What each quantity is worth, for the entries of every one to be worth a whole number."""
        return math.lcm(*(len(asked.gaps) for asked in self.asked))

    def worth(self, asked: AskedQuantity) -> int:
        """What an entry of a quantity is worth: the quantities are worth the same, as `check` has it."""
        return self.whole // len(asked.gaps)
