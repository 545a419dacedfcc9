"""Cross-entropies before they are added up: entry by entry, and one for each row or column.

A batch's loss written out, such as −Σ(Y ln A + (1 − Y) ln(1 − A)) / m, is a sum of these; what is
done with them, whether they are added up, averaged or divided by m, stays as it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from handgrad.arrays import AnyArray, Namespace
from handgrad.expression import Call, Expression, Shape
from handgrad.notation import Function
from handgrad.operations.activations import positive_part, sigmoid
from handgrad.operations.arithmetic import ratio
from handgrad.operations.entrywise_loss import aligned
from handgrad.operations.exponentials import log_sum_exp, softmax_along
from handgrad.operations.losses import (
    FROM_LOGITS,
    FROM_SCORES,
    adds_up_to_one,
    y_log_p,
)
from handgrad.operations.operation import (
    Application,
    Fusion,
    Kernel,
    Misfit,
    Operation,
    Options,
    Signature,
    describe,
    elementwise,
    normal_axes,
)
from handgrad.operations.reductions import reduced_shape, spread
from handgrad.operations.words import Words

bce_terms: Operation = elementwise(
    "bce_terms",
    lambda xp, p, y: -(y_log_p(xp, y, p) + y_log_p(xp, 1 - y, 1 - p)),
    (
        lambda out, p, y: ratio(1 - y, 1 - p) - ratio(y, p),
        lambda out, p, y: Call("log", (1 - p,)) - Call("log", (p,)),
    ),
    family="helper",
    words=Words(
        "binary cross-entropy, entry by entry", "−(y ln p + (1 − y) ln(1 − p)), entry by entry."
    ),
    notation=Function("BCE", r"\operatorname{BCE}"),
    fuses={"sigmoid": Fusion("bce_with_logits_terms")},
)

bce_with_logits_terms: Operation = elementwise(
    "bce_with_logits_terms",
    lambda xp, z, y: positive_part(xp, z) - z * y + xp.log1p(xp.exp(-xp.abs(z))),
    (lambda out, z, y: sigmoid(z) - y, lambda out, z, y: -z),
    family="helper",
    words=Words(
        "binary cross-entropy of the logits, entry by entry",
        "Binary cross-entropy of σ(z), entry by entry, computed from z without overflow.",
        stable=FROM_LOGITS,
    ),
    notation=Function("BCEWithLogits", r"\operatorname{BCEWithLogits}"),
)


def _along_one_axis(shapes: Sequence[Shape], options: Options) -> Shape:
    if shapes[0] != shapes[1]:
        raise Misfit(
            f"{{0}} is {describe(shapes[0])} and {{1}} is {describe(shapes[1])}",
            "the targets have the shape of the probabilities",
        )
    return reduced_shape(shapes[:1], options)


def _terms_kernel(
    logarithm: Callable[[Namespace, AnyArray, AnyArray, tuple[int, ...]], AnyArray],
) -> Callable[[Signature], Kernel]:
    """Minus the sum along the axis of `logarithm(xp, scores, targets, axes)`."""

    def kernel(s: Signature) -> Kernel:
        axes = normal_axes(s.options["axis"], len(s.shapes[0]))
        keepdims = bool(s.options["keepdims"])

        def losses(xp: Namespace, *arrays: AnyArray) -> AnyArray:
            scores, targets = aligned(s, xp, arrays)
            return -xp.sum(logarithm(xp, scores, targets, axes), axis=axes, keepdims=keepdims)

        return losses

    return kernel


def _log_of_softmax(xp: Namespace, z: AnyArray, y: AnyArray, axes: tuple[int, ...]) -> AnyArray:
    shifted = z - xp.max(z, axis=axes, keepdims=True)
    return y * (shifted - xp.log(xp.sum(xp.exp(shifted), axis=axes, keepdims=True)))


def _softmax_terms_kernel(s: Signature) -> Kernel:
    """The same for ln softmax; of a loss written as ln Σ exp(z) − Σ y z, what that is of any targets.

    Its slope with respect to y is −z: targets beside those given do not add up to 1.
    """
    whole = _terms_kernel(_log_of_softmax)(s)
    if not s.options["of_scores"]:
        return whole
    axes = normal_axes(s.options["axis"], len(s.shapes[0]))
    keepdims = bool(s.options["keepdims"])

    def losses(xp: Namespace, *arrays: AnyArray) -> AnyArray:
        scores, targets = aligned(s, xp, arrays)
        missing = 1 - xp.sum(targets, axis=axes, keepdims=keepdims)
        return whole(xp, *arrays) + missing * log_sum_exp(xp, scores, axes, keepdims)

    return losses


def _terms_pullback(i: int, g: Expression, p: Application) -> Expression:
    scores, y = p.arguments
    slope = -ratio(y, scores) if i == 0 else -Call("log", (scores,))
    return spread(g, p) * slope


def _softmax_terms_pullback(i: int, g: Expression, p: Application) -> Expression:
    """p − y; times what the targets add up to, p Σy − y, where that is not known to be 1.

    With respect to y it is what y multiplies where the loss is written: ln p, or the scores alone.
    """
    z, y = p.arguments
    probabilities = softmax_along(z, len(p.shapes[0]), p.options["axis"])
    if i == 1:
        multiplied = (
            z if p.options["of_scores"] else Call("log_softmax", (z,), probabilities.options)
        )
        return spread(g, p) * -multiplied
    if not p.options["whole"]:
        total = Call("sum", (y,), (("axis", p.options["axis"]), ("keepdims", True)))
        probabilities = probabilities * (Call("sum", (y,)) if len(p.shapes[0]) == 1 else total)
    return spread(g, p) * (probabilities - y)


cross_entropy_terms = Operation(
    name="cross_entropy_terms",
    family="helper",
    arity=(2, 2),
    shape=_along_one_axis,
    kernel=_terms_kernel(lambda xp, p, y, axes: y_log_p(xp, y, p)),
    pullback=_terms_pullback,
    words=Words(
        "cross-entropy along an axis",
        "−Σ y ln p along one axis: a cross-entropy for each row, or for each column.",
    ),
    notation=Function("CE", r"\operatorname{CE}"),
    options={"axis": -1, "keepdims": False},
    fuses={"softmax": Fusion("softmax_cross_entropy_terms", adds_up_to_one)},
)

softmax_cross_entropy_terms = Operation(
    name="softmax_cross_entropy_terms",
    family="helper",
    arity=(2, 2),
    shape=_along_one_axis,
    kernel=_softmax_terms_kernel,
    pullback=_softmax_terms_pullback,
    words=Words(
        "cross-entropy of the scores along an axis",
        "Cross-entropy of softmax(z) along one axis, computed from z without overflow.",
        stable=FROM_SCORES,
    ),
    notation=Function("SoftmaxCE", r"\operatorname{SoftmaxCE}"),
    options={"axis": -1, "keepdims": False, "whole": True, "of_scores": False},
)
"""The same of p = softmax(z) along that axis, computed from z; `whole` targets add up to 1 along it.

`of_scores`: it is written as ln Σ exp(z) − Σ y z.
"""

OPERATIONS: tuple[Operation, ...] = (
    bce_terms,
    bce_with_logits_terms,
    cross_entropy_terms,
    softmax_cross_entropy_terms,
)
