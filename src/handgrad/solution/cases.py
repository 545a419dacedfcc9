"""Formulas of many cases, with the numbers of one of them, or of all as columns, put in."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from handgrad.expression import Call, Expression, Leaf, Literal, leaves, walk
from handgrad.graph.structure import is_batched
from handgrad.notation import Product
from handgrad.operations import operation_of
from handgrad.solution.numbers import Numbers
from handgrad.solution.structure import TraceLine

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace


def mixes_cases(formula: Expression, batched: Set[Leaf]) -> bool:
    """Whether the arrays of all cases, put into a formula, would read as another product.

    W x with the cases as columns of x is what it seems. Where both factors differ from case to
    case, or each case has a matrix, it is not: a bᵀ of two such matrices reads as the sum. Nor is
    a number of each case times a vector.
    """
    return any(
        isinstance(node, Call)
        and isinstance(operation_of(node).notation, Product)
        and any(is_batched(a, batched) and a.shape == () for a in node.arguments)
        and any(a.shape for a in node.arguments)
        for node in walk(formula)
    ) or any(
        isinstance(node, Call)
        and operation_of(node).family == "linear"
        and len(node.arguments) > 1
        and is_batched(node, batched)
        and (
            operation_of(node).heading != ""
            or sum(is_batched(a, batched) for a in node.arguments) > 1
            or len(node.shape or ()) > 1
        )
        for node in walk(formula)
    )


def reads_well(line: TraceLine, batched: Set[Leaf]) -> bool:
    """Whether a line with the numbers put in reads as what it computes."""
    numbers = any(isinstance(n, Literal) and n.batched for n in walk(line.substituted))
    return not numbers or not mixes_cases(line.formula, batched)


def line_of_case(trace: Trace, line: TraceLine, case: int) -> TraceLine:
    """A line of many cases with the numbers of one of them."""
    batched = trace.graph.batched_leaves
    numbers = {leaf: np.asarray(trace.run.numbers[leaf]) for leaf in leaves(line.formula)}
    values = {leaf: a[..., case] if leaf in batched else a for leaf, a in numbers.items()}
    return replace(
        line,
        substituted=Numbers(values, frozenset(), trace.graph.rows).put_into(line.formula),
        value=np.asarray(line.value)[..., case],
        batched=False,
    )
