"""Sums without the residues of their rounding, for runs in floats that go on for too long to be made on paper.

0.1 · 3 − 0.3 leaves 5.6e-17 in binary numbers and opens a gate that is shut on paper. What a sum leaves that is
no more than rounding leaves of terms of that size is 0, and two numbers that differ by no more are a tie.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from handgrad.arrays import AnyArray, Array, Namespace
from handgrad.expression import Adjoint, Call, Expression, Leaf, Name, leaves
from handgrad.operations import operation_of
from handgrad.operations.operation import Kernel, Signature

NOISE = 1e-14
"""What rounding may leave of numbers that cancel, for each unit of the largest of them."""

PART = 65_536
"""Numbers of a large array whose residues are looked for at once."""

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
    added_up, elementwise = operation.sizes(signature), operation.elementwise

    def settled(xp: Namespace, result: Any, *arguments: Any) -> AnyArray:
        size = added_up(xp, *[xp.abs(a) for a in arguments])
        # Neither what has overflowed nor what is no number is a residue.
        cleared: AnyArray = xp.where(
            (xp.abs(result) < NOISE * size) & (size < LARGEST), 0.0, result
        )
        return cleared

    def cleaned(xp: Namespace, *arguments: Any) -> AnyArray:
        result: Any = kernel(xp, *arguments)
        if not (elementwise and isinstance(result, np.ndarray) and result.size > PART):
            return settled(xp, result, *arguments)
        if any(np.shape(a) not in ((), result.shape) for a in arguments):
            return settled(xp, result, *arguments)
        # Of a large array the sizes of all terms are never at hand at once.
        for part in _parts(result):
            result[part] = settled(
                xp, result[part], *[a[part] if np.ndim(a) else a for a in arguments]
            )
        return result

    return cleaned


def _parts(array: Array) -> Iterator[slice]:
    """Rows of a large array, about `PART` numbers at a time."""
    rows = max(1, PART * len(array) // array.size)
    return (slice(start, start + rows) for start in range(0, len(array), rows))


def never_cancels(call: Call, formulas: Mapping[Leaf, Expression]) -> bool:
    """Whether a difference is of a given number and of what never meets it: 1 - σ(z), 1 - tanh(z)**2, p - y.

    The operation's bounds lie outside what it gives, and a number between them it gives at 0 alone, which
    floats get right: σ(0) is 1/2. Where a rule of update divides by the size of the gradient, as Adam does,
    the 10⁻¹⁴ that is left of 1 - p moves a parameter as far as any other gradient.

    Arguments:
        call: of anything but a sum or a difference, entry by entry, nothing is said.
        formulas: of what is computed, by its leaf; a leaf that has none is given.
    """
    operation = operation_of(call)
    if operation.sizes is None or not operation.elementwise or len(call.arguments) != 2:
        return False
    given = [not any(leaf in formulas for leaf in leaves(a)) for a in call.arguments]
    return sorted(given) == [False, True] and _bounded(call.arguments[given.index(False)], formulas)


def _bounded(expression: Expression, formulas: Mapping[Leaf, Expression]) -> bool:
    """Whether it is made of nothing but the results of operations that have bounds."""
    if isinstance(expression, Call):
        if operation_of(expression).bounds is not None:
            return True
        computed = [a for a in expression.arguments if leaves(a)]
        return bool(computed) and all(_bounded(a, formulas) for a in computed)
    if not isinstance(expression, Name | Adjoint):
        return False
    formula = formulas.get(expression)
    return isinstance(formula, Call) and operation_of(formula).bounds is not None
