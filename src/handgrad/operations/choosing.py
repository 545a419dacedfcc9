"""Comparisons and the choice between two values: a < b, where(condition, a, b)."""

from __future__ import annotations

from collections.abc import Callable

from handgrad.arrays import AnyArray, Namespace
from handgrad.notation import Function, Inequality
from handgrad.operations.operation import Kernel, Kink, Operation, Signature, elementwise
from handgrad.operations.words import Words

_EDGE = Kink(
    lambda xp, a, b: a == b,
    "the two sides are equal, and whatever the comparison chooses may jump there",
    of_result=True,
)


_COMPARISON = Words(
    "the comparison",
    "Compare entry by entry: 1 where it holds, 0 elsewhere.",
    "A comparison is flat wherever it does not jump: no gradient flows through it.",
)


def _comparison(
    name: str, sign: str, symbol: str, holds: Callable[[AnyArray, AnyArray], AnyArray]
) -> Operation:
    def within(_: Signature, noise: float) -> Kernel:
        def compared(xp: Namespace, a: AnyArray, b: AnyArray) -> AnyArray:
            tie = xp.abs(a - b) <= noise * (xp.abs(a) + xp.abs(b))
            return xp.where(holds(xp.where(tie, b, a), b), 1.0, 0.0)

        return compared

    return elementwise(
        name,
        lambda xp, a, b: xp.where(holds(a, b), 1.0, 0.0),
        (None, None),
        family="arithmetic",
        notation=Inequality(sign, symbol),
        words=_COMPARISON,
        kinks=(_EDGE,),
        within=within,
    )


less = _comparison("less", "<", "<", lambda a, b: a < b)
less_equal = _comparison("less_equal", "<=", "≤", lambda a, b: a <= b)
greater = _comparison("greater", ">", ">", lambda a, b: a > b)
greater_equal = _comparison("greater_equal", ">=", "≥", lambda a, b: a >= b)

where: Operation = elementwise(
    "where",
    lambda xp, c, a, b: xp.where(c != 0, a, b),
    (None, lambda out, c, a, b: where(c, 1, 0), lambda out, c, a, b: where(c, 0, 1)),
    family="structure",
    words=Words(
        "the choice",
        "Take the first value where the condition holds, the second elsewhere.",
        "The gradient goes to the value that was chosen; the other gets 0.",
    ),
    notation=Function("where", r"\operatorname{where}"),
    leaking=lambda call: 2.0 * call.arguments[1] + 3.0 * call.arguments[2],
    decided_by=(0,),
)
"""a where the condition holds (is not 0), b elsewhere."""

OPERATIONS: tuple[Operation, ...] = (less, less_equal, greater, greater_equal, where)
"""Each comparison is 1 where it holds and 0 elsewhere; no gradient flows through it."""
