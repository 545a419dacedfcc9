"""One table: ATen's operations in those of handgrad."""

from __future__ import annotations

from collections.abc import Mapping

from handgrad.models.pytorch import (
    attention,
    entrywise,
    layout,
    linear,
    losses,
    matrices,
    picking,
    reductions,
)
from handgrad.models.pytorch.entrywise import Rule

RULES: Mapping[str, Rule] = {
    **entrywise.RULES,
    **layout.RULES,
    **picking.RULES,
    **matrices.RULES,
    **linear.RULES,
    **reductions.RULES,
    **losses.RULES,
    **attention.RULES,
}
"""By the name of ATen's operation, without the underscore of what works in place."""


def rule_of(operation: str) -> Rule | None:
    """The rule of an operation, in place or not."""
    return RULES.get(operation) or RULES.get(operation.removesuffix("_"))
