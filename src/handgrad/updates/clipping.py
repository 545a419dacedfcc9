"""Clipped gradients: all scaled by one factor where their norm is too large, or every entry kept within bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handgrad.expression import Adjoint, Expression, Literal, Name
from handgrad.operations.functions import maximum, minimum, sqrt
from handgrad.operations.reductions import sum_
from handgrad.updates.lines import UpdateLine

SMALL = Literal(1e-6, text="1e-6")
"""What PyTorch's clip_grad_norm_ adds to the norm, so that nothing is divided by a norm of 0."""

CLIPS: Mapping[str, str] = {
    "clip_norm": "First the gradients are clipped: {total_norm} is the norm of all of them together. If it is larger than {clip_norm}, all are "
    "multiplied by {factor}, which brings it down to {clip_norm} (PyTorch adds 10⁻⁶ so that nothing is divided by a norm of 0).",
    "clip_value": "First the gradients are clipped: entries over {clip_value} become {clip_value}, and those under −{clip_value} become −{clip_value}.",
}
"""By setting, what it does, with settings in braces."""


def norm_lines(gradients: Sequence[Adjoint], named: Mapping[str, Name]) -> list[UpdateLine]:
    """The norm of all gradients together, and the factor for each of them."""
    first, *rest = [sum_(g**2) if g.shape else g**2 for g in gradients]
    total: Expression = first
    for square in rest:
        total = total + square
    norm, factor = named["total_norm"], named["factor"]
    return [
        UpdateLine(norm, sqrt(total), "let"),
        UpdateLine(factor, minimum(named["clip_norm"] / (norm + SMALL), 1), "let"),
    ]


def clipped(
    gradient: Expression, settings: Mapping[str, float], named: Mapping[str, Name]
) -> Expression:
    """A gradient as the rule is given it."""
    if "clip_norm" in settings:
        return named["factor"] * gradient
    if "clip_value" in settings:
        return maximum(minimum(gradient, named["clip_value"]), -named["clip_value"])
    return gradient
