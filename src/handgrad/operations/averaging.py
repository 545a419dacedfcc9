"""How many entries an operation averages over."""

from __future__ import annotations

from math import prod

from handgrad.expression import Call
from handgrad.operations import operation_of
from handgrad.operations.operation import broadcast
from handgrad.operations.reductions import mean


def averages_in(call: Call) -> bool:
    """Whether it is a mean, or a loss, which is the mean over the entries that it compares or over its rows."""
    return operation_of(call) is mean or operation_of(call).family == "loss"


def averaged_by(call: Call) -> int:
    """The number of entries that a mean or a loss averages over."""
    operation = operation_of(call)
    shapes = [argument.shape or () for argument in call.arguments]
    if operation is mean:
        return prod(shapes[0]) // max(1, prod(call.shape or ()))
    return prod(broadcast(shapes) if operation.compares else shapes[0][:-1])
