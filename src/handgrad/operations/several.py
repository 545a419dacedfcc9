"""What an operation makes of several values that lie in no array: sum(L{1..3}) is L1 + L2 + L3."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

from handgrad.expression import Call, Expression, literal


def _sum(values: Sequence[Expression]) -> Expression:
    return reduce(lambda a, b: a + b, values)


_TOGETHER: Mapping[str, Callable[[Sequence[Expression]], Expression]] = {
    "sum": _sum,
    "mean": lambda values: _sum(values) / literal(len(values)) if len(values) > 1 else values[0],
    "max": lambda values: reduce(lambda a, b: Call("maximum", (a, b)), values),
    "min": lambda values: reduce(lambda a, b: Call("minimum", (a, b)), values),
}


def of_several(operation: str, values: Sequence[Expression]) -> Expression | None:
    """The formula of an operation of several values, entry by entry; None where it has no such meaning."""
    made = _TOGETHER.get(operation)
    return None if made is None or not values else made(values)
