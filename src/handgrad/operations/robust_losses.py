"""Losses that grow with the difference itself, not with its square: MAE, Huber and smooth L1."""

from __future__ import annotations

from typing import Any

from handgrad.arrays import Namespace
from handgrad.expression import Expression
from handgrad.operations.entrywise_loss import entrywise_loss
from handgrad.operations.functions import sign
from handgrad.operations.operation import (
    Kink,
    Misfit,
    Operation,
    Options,
    require_numbers,
)
from handgrad.operations.piecewise import clip
from handgrad.operations.words import OptionWords, Words

mae = entrywise_loss(
    "mae",
    lambda xp, a, b: xp.abs(a - b),
    lambda a, b: (sign(a - b), -sign(a - b)),
    "MAE",
    spellings=("l1_loss", "L1Loss", "mean_absolute_error"),
    words=Words(
        "the mean absolute error",
        "Average the absolute differences.",
        "The derivative is the sign of the difference, divided by the number of entries.",
    ),
    target="value",
    commutative=True,
    kinks=(
        Kink(
            lambda xp, a, b: a == b,
            "the absolute difference has a kink where the two are equal; its slope there is taken as 0",
            of_result=True,
        ),
    ),
)


def _held(a: Expression, b: Expression, most: float) -> Expression:
    """The difference, held between −most and most."""
    return clip(a - b, low=-most, high=most)


def _huber(xp: Namespace, a: Any, b: Any, delta: Any) -> Any:
    return xp.where(
        xp.abs(a - b) <= delta, 0.5 * (a - b) ** 2, delta * (xp.abs(a - b) - 0.5 * delta)
    )


huber = entrywise_loss(
    "huber",
    _huber,
    lambda a, b, delta: (_held(a, b, delta), -_held(a, b, delta)),
    "Huber",
    words=Words(
        "the Huber loss",
        "Huber: squared near 0, straight beyond δ.",
        "The gradient is the difference, held between −δ and δ.",
        options={"delta": OptionWords("δ is")},
    ),
    options={"delta": 1.0},
    positional=("delta",),
    spellings=("huber_loss",),
    target="value",
    commutative=True,
)


def _above_zero(options: Options) -> None:
    require_numbers(options)
    if not float(options["beta"]) > 0:  # type: ignore[arg-type]
        raise Misfit("beta must be above 0", "at 0 it is the mean absolute error: write mae")


smooth_l1 = entrywise_loss(
    "smooth_l1",
    lambda xp, a, b, beta: _huber(xp, a, b, beta) / beta,
    lambda a, b, beta: (_held(a, b, beta) / beta, -(_held(a, b, beta) / beta)),
    "SmoothL1",
    words=Words(
        "the smooth L1 loss",
        "Smooth L1: the square over 2β near 0, the absolute difference less β/2 beyond β.",
        "The gradient is the difference over β, held between −1 and 1.",
        options={"beta": OptionWords("β is")},
    ),
    options={"beta": 1.0},
    positional=("beta",),
    spellings=("smooth_l1_loss", "SmoothL1Loss"),
    target="value",
    commutative=True,
    fitting=_above_zero,
)

OPERATIONS: tuple[Operation, ...] = (huber, mae, smooth_l1)
