"""The operations table: one record an operation, listed explicitly.

Nothing outside this package knows an operation by name: what is to be known of one, its words
included, stands in its record.
"""

from __future__ import annotations

from handgrad.expression import Call
from handgrad.operations import (
    accumulating,
    activations,
    arithmetic,
    arranging,
    choosing,
    constants,
    convolution,
    divergences,
    einsum,
    exponential_units,
    exponentials,
    extending,
    functions,
    gated_linear,
    linear,
    losses,
    matrices,
    moments,
    normalising,
    norms,
    picking,
    piecewise,
    pooling,
    reductions,
    robust_losses,
    structure,
    terms,
)
from handgrad.operations.operation import Operation as Operation

TABLE: tuple[Operation, ...] = (
    *arithmetic.OPERATIONS,
    *functions.OPERATIONS,
    *activations.OPERATIONS,
    *exponential_units.OPERATIONS,
    *piecewise.OPERATIONS,
    *gated_linear.OPERATIONS,
    *choosing.OPERATIONS,
    *constants.OPERATIONS,
    *linear.OPERATIONS,
    *einsum.OPERATIONS,
    *structure.OPERATIONS,
    *arranging.OPERATIONS,
    *extending.OPERATIONS,
    *matrices.OPERATIONS,
    *reductions.OPERATIONS,
    *norms.OPERATIONS,
    *moments.OPERATIONS,
    *accumulating.OPERATIONS,
    *exponentials.OPERATIONS,
    *normalising.OPERATIONS,
    *convolution.OPERATIONS,
    *pooling.OPERATIONS,
    *losses.OPERATIONS,
    *robust_losses.OPERATIONS,
    *divergences.OPERATIONS,
    *picking.OPERATIONS,
    *terms.OPERATIONS,
)

BY_NAME: dict[str, Operation] = {operation.name: operation for operation in TABLE}

SPELLINGS: dict[str, str] = {s: o.name for o in TABLE for s in o.spellings}
"""Other spellings accepted in equations."""

OPTION_SPELLINGS: dict[str, str] = {
    "dim": "axis",
    "keepdim": "keepdims",
    "negative_slope": "alpha",
    "kernel_size": "size",
    "min": "low",
    "max": "high",
    "a_min": "low",
    "a_max": "high",
    "correction": "ddof",
    "unbiased": "ddof",
    "p": "ord",
    "num_groups": "groups",
}
"""Other libraries' names of options, accepted in equations."""


def operation_of(call: Call) -> Operation:
    """The record of the operation that `call` applies."""
    return BY_NAME[call.operation]


def noun_of(operation: str) -> str:
    """What the operation of this name is called in a sentence."""
    return BY_NAME[operation].words.noun


def is_spoken(operation: str) -> bool:
    """Whether pages speak of it: it is in the table, and no helper."""
    return operation in BY_NAME and BY_NAME[operation].family != "helper"
