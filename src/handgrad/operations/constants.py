"""The numbers π and e: names that mean them where a problem defines none of its own.

They are operations of no arguments, so that they stay what they are on pages and in symbols, where the
nearest float would be another number.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from handgrad.arrays import Namespace
from handgrad.expression import Call, Expression, Name, substitute
from handgrad.notation import Letter
from handgrad.operations.operation import Operation
from handgrad.operations.words import Words


def _pi(xp: Any) -> Any:
    return math.pi if getattr(xp, "own_number", None) is None else xp.pi


def _e(xp: Any) -> Any:
    own = getattr(xp, "own_number", None)
    return math.e if own is None else own(1).exp()


def _constant(name: str, letter: str, number: Any, words: Words) -> Operation:
    def kernel(xp: Namespace) -> Any:
        return number(xp)

    return Operation(
        name=name,
        family="helper",
        arity=(0, 0),
        shape=lambda shapes, options: (),
        kernel=lambda signature: kernel,
        pullback=lambda i, g, p: None,
        element=lambda index, p: Call(name, ()),
        notation=Letter(letter, f"math.{letter}"),
        words=words,
        elementwise=True,
        keeps_positive=True,
    )


circle_number = _constant(
    "circle_number", "pi", _pi, Words("π", "π, the circumference of a circle over its diameter.")
)
euler_number = _constant("euler_number", "e", _e, Words("e", "e, the number whose logarithm is 1."))


def is_e(formula: Expression) -> bool:
    """Whether a formula is the number e, whose logarithm is 1."""
    return isinstance(formula, Call) and formula.operation == euler_number.name


CONSTANTS: Mapping[str, Call] = {
    "pi": Call(circle_number.name, ()),
    "π": Call(circle_number.name, ()),
    "e": Call(euler_number.name, ()),
}
"""By the name that stands for it in an equation."""


def with_constants(expression: Expression, defined: Collection[str]) -> Expression:
    """The formula with π and e in place of their names, but for those that a problem itself defines."""

    def constant(node: Expression) -> Expression | None:
        if isinstance(node, Name) and node.name not in defined and node.name in CONSTANTS:
            known = CONSTANTS[node.name]
            return Call(known.operation, (), span=node.span)
        return None

    return substitute(expression, constant)


OPERATIONS: tuple[Operation, ...] = (circle_number, euler_number)
