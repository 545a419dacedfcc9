"""Losses. Each is the mean over the entries it compares; classes lie along the last axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from handgrad.arrays import AnyArray, Array, Mask, Namespace
from handgrad.expression import Call, Expression, Shape
from handgrad.notation import Function
from handgrad.operations.activations import positive_part, sigmoid
from handgrad.operations.arithmetic import ratio
from handgrad.operations.entrywise_loss import aligned, entries, entrywise_loss
from handgrad.operations.exponentials import softmax
from handgrad.operations.functions import step
from handgrad.operations.operation import (
    Application,
    Domain,
    Fusion,
    Kernel,
    Kink,
    Misfit,
    Operation,
    Options,
    Signature,
    describe,
)
from handgrad.operations.reductions import mean
from handgrad.operations.words import Words

FROM_SCORES = (
    "SoftmaxCE is the cross-entropy of softmax(z) computed from z itself: ln Σ eᶻ − z of each class, "
    "weighted by its target."
)
FROM_LOGITS = (
    "BCEWithLogits is the binary cross-entropy of σ(z) computed from z itself: ln(1 + eᶻ) − y·z."
)


def y_log_p(xp: Namespace, y: AnyArray, p: AnyArray) -> AnyArray:
    """y ln p, zero where y is zero."""
    return xp.where(y == 0, 0.0, y * xp.log(xp.where(y == 0, 1.0, p)))


mse = entrywise_loss(
    "mse",
    lambda xp, a, b: (a - b) ** 2,
    lambda a, b: (2 * (a - b), -(2 * (a - b))),
    "MSE",
    spellings=("mse_loss", "mean_squared_error"),
    words=Words(
        "the mean squared error",
        "Average the squared differences.",
        "The derivative is twice the difference, divided by the number of entries.",
    ),
    target="value",
    commutative=True,
)
bce = entrywise_loss(
    "bce",
    lambda xp, p, y: -(y_log_p(xp, y, p) + y_log_p(xp, 1 - y, 1 - p)),
    lambda p, y: (
        -ratio(y, p) + ratio(1 - y, 1 - p),
        Call("log", (1 - p,)) - Call("log", (p,)),
    ),
    "BCE",
    spellings=("binary_cross_entropy", "bce_loss"),
    words=Words(
        "binary cross-entropy",
        "Binary cross-entropy: for a label of 0 or 1, −ln of the probability given to that label.",
        "The derivative is −y/ŷ + (1 − y)/(1 − ŷ).",
    ),
    target="probability",
    domain=(
        Domain(0, lambda xp, p, shapes: (p >= 0) & (p <= 1), "a probability, from 0 to 1"),
        Domain(1, lambda xp, y, shapes: (y >= 0) & (y <= 1), "a target from 0 to 1"),
    ),
    fuses={"sigmoid": Fusion("bce_with_logits")},
)
bce_with_logits = entrywise_loss(
    "bce_with_logits",
    lambda xp, z, y: positive_part(xp, z) - z * y + xp.log1p(xp.exp(-xp.abs(z))),
    lambda z, y: (sigmoid(z) - y, -z),
    "BCEWithLogits",
    spellings=("binary_cross_entropy_with_logits",),
    words=Words(
        "binary cross-entropy of the logit",
        "Binary cross-entropy of σ(z), computed from z without overflow.",
        "The sigmoid and the cross-entropy together have the derivative σ(z) − y.",
        stable=FROM_LOGITS,
    ),
    target="probability",
    domain=(Domain(1, lambda xp, y, shapes: (y >= 0) & (y <= 1), "a target from 0 to 1"),),
)
hinge = entrywise_loss(
    "hinge",
    lambda xp, s, y: positive_part(xp, 1 - y * s),
    lambda s, y: (-(y * step(1 - y * s)), -(s * step(1 - y * s))),
    "hinge",
    spellings=("hinge_loss",),
    words=Words(
        "the hinge loss",
        "Hinge: how far y·s falls short of 1.",
        "Only where y·s is below 1 does a gradient pass: −y.",
    ),
    target="sign",
    leaking=lambda call: mean(Call("softplus", (1 - call.arguments[1] * call.arguments[0],))),
    kinks=(
        Kink(
            lambda xp, s, y: y * s == 1,
            "hinge has a kink where y·s = 1; its slope there is taken as 0",
            of_result=True,
        ),
    ),
)


def classes_shape(shapes: Sequence[Shape], _: Options) -> Shape:
    """The shape of a loss over classes: of scores with class numbers, or with a target of their shape."""
    scores, y = shapes
    if not scores:
        raise Misfit(
            "the loss takes a vector of classes, and {0} is a scalar",
            "write bce for a single probability",
        )
    if y not in (scores, scores[:-1]):
        raise Misfit(
            f"{{0}} is {describe(scores)} and {{1}} is {describe(y)}",
            "the target is one-hot, in the shape of the scores, or a class number for each row, from 0",
        )
    return ()


def _one_hot(xp: Namespace, y: AnyArray, classes: int, axis: int) -> AnyArray:
    y = y if hasattr(y, "dtype") else xp.asarray(y)
    numbers = xp.arange(classes, dtype=y.dtype)
    y = xp.expand_dims(y, axis=axis)
    return xp.where(y == xp.reshape(numbers, (classes, *[1] * (y.ndim - axis - 1))), 1.0, 0.0)


def _one_hot_kernel(s: Signature) -> Kernel:
    classes, axis = s.out[-1], len(s.out) - 1
    return lambda xp, y: _one_hot(xp, y, classes, axis)


one_hot = Operation(
    name="one_hot",
    family="helper",
    arity=(1, 1),
    shape=lambda shapes, options: (*shapes[0], int(options["classes"])),  # type: ignore[arg-type]
    kernel=_one_hot_kernel,
    pullback=lambda i, g, p: None,
    words=Words("the one-hot vector", "A class number as a vector: 1 at the class, 0 elsewhere."),
    notation=Function("one-hot", r"\operatorname{onehot}"),
    options={"classes": 2},
    distribution=True,
    decided_by=(0,),
)


def rows_of(shape: Shape) -> int:
    return entries(shape[:-1])


def target_of(p: Application) -> Expression:
    scores, y = p.shapes
    return p.arguments[1] if y == scores else one_hot(p.arguments[1], classes=scores[-1])


def over_classes(
    logarithm: Callable[[Namespace, AnyArray, AnyArray, int], AnyArray],
) -> Callable[[Signature], Kernel]:
    """Minus the mean over the rows of `logarithm(xp, scores, target, axis)` summed over the classes."""

    def kernel(s: Signature) -> Kernel:
        scores, y = s.shapes
        axis, rows = len(scores) - 1, rows_of(scores)
        axes = tuple(range(len(scores)))
        as_one_hot = replace(s, shapes=(scores, scores))

        def loss(xp: Namespace, *arrays: AnyArray) -> AnyArray:
            p, t = arrays
            if y != scores:
                t = _one_hot(xp, t, scores[-1], axis)
            p, t = aligned(as_one_hot, xp, (p, t))
            return -xp.sum(logarithm(xp, p, t, axis), axis=axes) / rows

        return loss

    return kernel


def _log_of_softmax(xp: Namespace, z: AnyArray, t: AnyArray, axis: int) -> AnyArray:
    shifted = z - xp.max(z, axis=axis, keepdims=True)
    return t * (shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True)))


def _cross_entropy_pullback(i: int, g: Expression, p: Application) -> Expression | None:
    rows = rows_of(p.shapes[0])
    if i == 1 and p.shapes[1] != p.shapes[0]:
        return None
    slope = -ratio(target_of(p), p.arguments[0]) if i == 0 else -Call("log", (p.arguments[0],))
    return g * slope / rows if rows > 1 else g * slope


def _softmax_cross_entropy_pullback(i: int, g: Expression, p: Application) -> Expression | None:
    rows = rows_of(p.shapes[0])
    z, t = p.arguments[0], target_of(p)
    if i == 1:
        if p.shapes[1] != p.shapes[0]:
            return None
        slope: Expression = -Call("log_softmax", (z,))
    else:
        slope = softmax(z) - t
    return g * slope / rows if rows > 1 else g * slope


def is_class(xp: Namespace, y: Array, shapes: Sequence[Shape]) -> Mask:
    """Whether a target is the number of a class; one in the shape of the scores may be anything."""
    scores, target = shapes
    classes: Mask = (y >= 0) & (y < scores[-1]) & (y == np.floor(y))
    return np.ones_like(classes) if target == scores else classes


def adds_up_to_one(target: Array, shape: Shape, axis: int = -1) -> bool:
    """Whether a target of `shape` (with or without cases) is class numbers or adds up to 1."""
    if not shape:
        return True
    return bool((abs(target.sum(axis=axis % len(shape)) - 1) < 1e-9).all())


cross_entropy = Operation(
    name="cross_entropy",
    family="loss",
    arity=(2, 2),
    shape=classes_shape,
    kernel=over_classes(lambda xp, p, t, axis: y_log_p(xp, t, p)),
    pullback=_cross_entropy_pullback,
    words=Words(
        "cross-entropy",
        "Cross-entropy: for one true class, −ln of the probability given to it.",
        "The derivative is −y/p for each class.",
    ),
    notation=Function("CE", r"\operatorname{CE}"),
    target="class",
    domain=(
        Domain(0, lambda xp, p, shapes: (p >= 0) & (p <= 1), "probabilities, from 0 to 1"),
        Domain(1, is_class, "one-hot, or the number of a class, counted from 0"),
    ),
    fuses={"softmax": Fusion("softmax_cross_entropy", adds_up_to_one)},
)
"""−Σ y ln p of probabilities p; the mean over the rows of a matrix."""

softmax_cross_entropy = Operation(
    name="softmax_cross_entropy",
    family="helper",
    arity=(2, 2),
    shape=classes_shape,
    kernel=over_classes(_log_of_softmax),
    pullback=_softmax_cross_entropy_pullback,
    words=Words(
        "cross-entropy of the scores",
        "Cross-entropy of softmax(z), computed from z without overflow.",
        stable=FROM_SCORES,
    ),
    notation=Function("SoftmaxCE", r"\operatorname{SoftmaxCE}"),
    target="class",
)
"""Cross-entropy of softmax(z), computed from the logits z; the target adds up to 1."""

OPERATIONS: tuple[Operation, ...] = (
    bce,
    bce_with_logits,
    cross_entropy,
    softmax_cross_entropy,
    mse,
    hinge,
    one_hot,
)
