"""The parts of a worked solution: lines of a step, and notes about them."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from handgrad.arrays import Array
from handgrad.expression import Expression, Leaf, Shape, literal_of
from handgrad.page.blocks import Block, Relation, without_repeats
from handgrad.record import JsonForm, record
from handgrad.solution.slopes import with_slopes
from handgrad.text import Text

Asked: TypeAlias = tuple[Text, tuple[Block, ...]]
"""A question, and the blocks of its answer."""

Phase: TypeAlias = Literal["forward", "backward", "update"]
StepKind: TypeAlias = Literal[
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
Role: TypeAlias = Literal[
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
        return Relation(self.target, without_repeats(chain), label=label)


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
