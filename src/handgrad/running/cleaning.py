"""Sums without the residues of their rounding, for runs in floats that go on for too long to be made on paper.

0.1 · 3 − 0.3 leaves 5.6e-17 in binary numbers and opens a gate that is shut on paper. What a sum leaves that is
no more than rounding leaves of terms of that size is 0, and two numbers that differ by no more are a tie.
"""

from __future__ import annotations

from handgrad.arrays import AnyArray, Namespace
from handgrad.expression import Call
from handgrad.operations import operation_of
from handgrad.operations.operation import Kernel, Signature

NOISE = 1e-14
"""What rounding may leave of numbers that cancel, for each unit of the largest of them."""

LARGEST = 1e9
"""The largest terms whose sum may be 0 on paper: numbers that have run away are no decimals that cancel."""


def without_residue(call: Call, signature: Signature) -> Kernel:
    """The kernel of a call: a sum gives 0 where it leaves a rounding residue, and what differs by one ties."""
    operation = operation_of(call)
    if operation.within is not None:
        return operation.within(signature, NOISE)
    kernel = operation.kernel(signature)
    if operation.sizes is None:
        return kernel
    added_up = operation.sizes(signature)

    def cleaned(xp: Namespace, *arguments: AnyArray) -> AnyArray:
        result = kernel(xp, *arguments)
        size = added_up(xp, *[xp.abs(a) for a in arguments])
        # Neither what has overflowed nor what is no number is a residue.
        return xp.where((xp.abs(result) < NOISE * size) & (size < LARGEST), 0.0, result)

    return cleaned
