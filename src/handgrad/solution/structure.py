"""The parts of a worked solution: lines of a step, and notes about them."""

from __future__ import annotations

from typing import ClassVar, TypeAlias
from typing import Literal as OneOf

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Adjoint, Expression, Leaf, Literal, Shape, literal_of, walk
from handgrad.page.blocks import Block, Mark, Relation, without_repeats
from handgrad.record import JsonForm, record
from handgrad.solution.slopes import with_slopes
from handgrad.text import Text

MANY = 24
"""Of an array with more numbers than this a page gives what is new about it, and no copy of what stands elsewhere."""

FEW = 16
"""Arrays of so many numbers at most are put in a second time."""

MOST_MARKED = 4096
"""Zeros of a gradient that are marked, at most."""

Asked: TypeAlias = tuple[Text, tuple[Block, ...]]
"""A question, and the blocks of its answer."""

Phase: TypeAlias = OneOf["forward", "backward", "update"]
StepKind: TypeAlias = OneOf[
    "layer",
    "compute",
    "loss",
    "upstream",
    "error_signal",
    "pass_backward",
    "parameter_gradients",
    "data_gradients",
    "update",
    "loss_after",
]
Role: TypeAlias = OneOf[
    "value", "cost", "upstream", "let", "chain", "part", "per_case", "gradient", "memory", "updated"
]


@record
class TraceLine:
    """One computation.

    Arguments:
        target: what it computes: a value, or a gradient.
        formula: how, in symbols.
        substituted: the formula with the numbers put in.
        value: the result.
        shape: that of one case.
        batched: whether the last axis of the value counts the cases.
        through: the equation that a backward line leads through.
        index: of a line for one entry of its target, that entry.
        row: whether the value lies along the rows of matrices.
    """

    target: Leaf
    role: Role
    formula: Expression
    substituted: Expression
    value: Array
    shape: Shape
    batched: bool = False
    through: str = ""
    index: tuple[int, ...] = ()
    row: bool = False
    json: ClassVar = JsonForm(without=("row",))

    def relation(self, label: Text = ()) -> Relation:
        """The line on a page: the formula, the numbers put in, the result, each once."""
        result = literal_of(self.value, self.batched, self.row)
        chain = (self.formula, self.substituted, with_slopes(self.substituted), result)
        return Relation(self.target, without_repeats(chain), self.zeros(), label=label)

    def zeros(self) -> dict[tuple[int, ...], Mark]:
        """The entries of a gradient that are 0, each with its mark."""
        if not isinstance(self.target, Adjoint):
            return {}
        places = np.argwhere(np.asarray(self.value) == 0)[:MOST_MARKED]
        return {tuple(map(int, at)): "zeroed" for at in places}


def is_short(line: TraceLine) -> bool:
    """Whether its numbers are few enough to be put in once more where they were before."""
    numbers = (node.value for node in walk(line.substituted) if isinstance(node, Literal))
    return all(np.size(array) <= FEW for array in (line.value, *numbers))


@record
class TrainingStep:
    """One update: the loss before and after it.

    Arguments:
        number: counted from 1.
    """

    number: int
    before: Array
    after: Array
    json: ClassVar = JsonForm(also=("step=number",))
