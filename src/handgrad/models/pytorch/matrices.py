"""ATen's functions of square matrices."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from handgrad.expression import Expression
from handgrad.models.pytorch.entrywise import Rule
from handgrad.models.pytorch.values import Arguments, NotRead
from handgrad.operations.matrices import det, inv, logdet


def _of(make: Callable[[Expression], Expression], name: str = "self") -> Rule:
    def rule(a: Arguments) -> Expression:
        if len(a.shape(name)) > 2:
            raise NotRead("a stack of matrices", "one matrix is read")
        return make(a.formula(name))

    return rule


def _inverse(a: Arguments) -> Expression | tuple[Expression, ...]:
    found = _of(inv, "A" if "A" in a.given else "self")(a)
    assert isinstance(found, Expression)
    return found if isinstance(a.result, torch.Tensor) else (found,)


def _solved(a: Arguments) -> Expression | tuple[Expression, ...]:
    """A⁻¹ b."""
    if not a.given.get("left", True):
        raise NotRead("a system that is solved from the right", "solve the transposed one")
    if len(a.shape("A")) > 2:
        raise NotRead("a stack of matrices", "one matrix is read")
    found = inv(a.formula("A")) @ a.formula("B")
    return found if isinstance(a.result, torch.Tensor) else (found,)


RULES: Mapping[str, Rule] = {
    "aten::det": _of(det),
    "aten::linalg_det": _of(det, "A"),
    "aten::logdet": _of(logdet),
    "aten::inverse": _inverse,
    "aten::linalg_inv": _inverse,
    "aten::linalg_inv_ex": _inverse,
    "aten::linalg_solve": _solved,
    "aten::linalg_solve_ex": _solved,
}
"""By the name of ATen's operation."""
