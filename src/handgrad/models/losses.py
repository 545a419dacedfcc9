"""The loss of a model's output and a target, by the name that the table has for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import OptionError, nearest
from handgrad.expression import Call, Expression, Name
from handgrad.models.builder import Builder
from handgrad.operations import BY_NAME, SPELLINGS, operation_of
from handgrad.operations.exponentials import softmax
from handgrad.operations.losses import cross_entropy

LOSSES = tuple(o.name for o in BY_NAME.values() if o.family == "loss")
"""The losses that are known by name."""


def with_loss(
    builder: Builder, output: Name, target: NDArray[Any] | None, loss: str | None
) -> Name:
    """The loss of a model's output: an equation; the output itself where neither is given and it is one number.

    Cross-entropy is that of the output's probabilities: of softmax of it, where it is none already, as PyTorch's
    takes scores.

    Raises `OptionError` for a loss that is unknown, or a target that does not fit.
    """
    shape = builder.shape(output)
    if loss is None and target is None:
        if shape == ():
            return output
        if shape == (1,) * len(shape):
            return builder.equation("loss", output.at((0,) * len(shape)))
        raise OptionError(
            f"the model gives {'×'.join(map(str, shape))} numbers, and no loss",
            where="loss",
            mend=f"give a target and a loss, such as {', '.join(LOSSES[:4])}",
        )
    if loss is None or target is None:
        missing, given = ("loss", "target") if loss is None else ("target", "loss")
        raise OptionError(f"a {given} is given and no {missing}", where=missing)
    name = SPELLINGS.get(loss, loss)
    if name not in LOSSES:
        raise OptionError(
            f"there is no loss {loss[:40]!r}",
            where="loss",
            mend=nearest(loss, LOSSES) or f"the losses are {', '.join(LOSSES)}",
        )
    y = builder.data("target", _fitting(target, shape))
    of: Expression = output
    if name == cross_entropy.name and not _is_distribution(builder, output):
        of = softmax(output)
    try:
        return builder.equation("loss", BY_NAME[name](of, y))
    except OptionError:
        raise


def _fitting(target: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """A target with the axes of length 1 that the output has and it lacks: a vector beside a column."""
    if (
        target.shape != shape
        and target.size == np.prod(shape)
        and shape[: target.ndim] == target.shape
    ):
        return target.reshape(shape)
    return target


def _is_distribution(builder: Builder, output: Name) -> bool:
    """Whether an output is made by a softmax over its last axis."""
    formula = next((e.expression for e in builder.equations if e.target == output.name), None)
    return isinstance(formula, Call) and operation_of(formula).distribution
