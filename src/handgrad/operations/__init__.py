"""The operations table: one record an operation, listed explicitly.

Nothing outside this package knows an operation by name; the words about operations
live in `handgrad.explain.words` and a test holds them complete.
"""

from __future__ import annotations

from handgrad.expression import Call
from handgrad.operations import (
    activations,
    arithmetic,
    choosing,
    convolution,
    functions,
    linear,
    losses,
    normalising,
    pooling,
    reductions,
    structure,
    terms,
)
from handgrad.operations.operation import Operation as Operation

TABLE: tuple[Operation, ...] = (
    *arithmetic.OPERATIONS,
    *functions.OPERATIONS,
    *activations.OPERATIONS,
    *choosing.OPERATIONS,
    *linear.OPERATIONS,
    *structure.OPERATIONS,
    *reductions.OPERATIONS,
    *normalising.OPERATIONS,
    *convolution.OPERATIONS,
    *pooling.OPERATIONS,
    *losses.OPERATIONS,
    *terms.OPERATIONS,
)

BY_NAME: dict[str, Operation] = {operation.name: operation for operation in TABLE}

SPELLINGS: dict[str, str] = {
    "ln": "log",
    "σ": "sigmoid",
    "ReLU": "relu",
    "logsoftmax": "log_softmax",
    "log_sum_exp": "logsumexp",
}
"""Other spellings accepted in equations."""

OPTION_SPELLINGS: dict[str, str] = {"dim": "axis", "keepdim": "keepdims"}
"""PyTorch's names of options, accepted in equations."""


def operation_of(call: Call) -> Operation:
    """The record of the operation that `call` applies."""
    return BY_NAME[call.operation]
