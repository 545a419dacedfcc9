"""Losses over classes that take logarithms of probabilities, or two distributions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from handgrad.arrays import AnyArray, Namespace
from handgrad.expression import Call, Expression, Shape
from handgrad.notation import Function
from handgrad.operations.arithmetic import ratio
from handgrad.operations.entrywise_loss import aligned
from handgrad.operations.losses import classes_shape, is_class, over_classes, rows_of, target_of
from handgrad.operations.operation import (
    Application,
    Domain,
    Kernel,
    Misfit,
    Operation,
    Options,
    Signature,
    describe,
)
from handgrad.operations.words import Words


def _averaged(
    slope: Callable[[int, Application], Expression | None],
) -> Callable[..., Expression | None]:
    """The pull-back of a mean over the rows, from the slopes of one row."""

    def pullback(i: int, g: Expression, p: Application) -> Expression | None:
        local, rows = slope(i, p), rows_of(p.shapes[0])
        if local is None:
            return None
        return g * local / rows if rows > 1 else g * local

    return pullback


def _nll_slope(i: int, p: Application) -> Expression | None:
    if i == 0:
        return -target_of(p)
    return -p.arguments[0] if p.shapes[1] == p.shapes[0] else None


nll = Operation(
    name="nll",
    family="loss",
    arity=(2, 2),
    shape=classes_shape,
    kernel=over_classes(lambda xp, logs, t, axis: xp.where(t == 0, 0.0, t * logs)),
    pullback=_averaged(_nll_slope),
    words=Words(
        "the negative log-likelihood",
        "Negative log-likelihood: for one true class, minus the log-probability given to it.",
        "The derivative is −y: −1 at the true class, 0 elsewhere.",
    ),
    notation=Function("NLL", r"\operatorname{NLL}"),
    spellings=("nll_loss", "NLLLoss"),
    target="class",
    domain=(
        Domain(
            0,
            lambda xp, logs, shapes: logs <= 0,
            "the logarithms of probabilities, as log_softmax gives them: zero or negative",
        ),
        Domain(1, is_class, "one-hot, or the number of a class, counted from 0"),
    ),
)
"""−Σ y l of log-probabilities l; the mean over the rows of a matrix, as PyTorch's nll_loss."""


def _two_distributions(shapes: Sequence[Shape], _: Options) -> Shape:
    p, q = shapes
    if p != q or not p:
        raise Misfit(
            f"{{0}} is {describe(p)} and {{1}} is {describe(q)}",
            "the divergence is one between two vectors of probabilities of the same length, or their rows",
        )
    return ()


def _kl_kernel(s: Signature) -> Kernel:
    axes, rows = tuple(range(len(s.shapes[0]))), rows_of(s.shapes[0])

    def loss(xp: Namespace, *arrays: AnyArray) -> AnyArray:
        p, q = aligned(s, xp, arrays)
        gap = xp.log(xp.where(p == 0, 1.0, p)) - xp.log(xp.where(p == 0, 1.0, q))
        return xp.sum(xp.where(p == 0, 0.0, p * gap), axis=axes) / rows

    return loss


def _kl_slope(i: int, a: Application) -> Expression:
    p, q = a.arguments
    return -ratio(p, q) if i == 1 else Call("log", (p,)) - Call("log", (q,)) + 1


kl_div = Operation(
    name="kl_div",
    family="loss",
    arity=(2, 2),
    shape=_two_distributions,
    kernel=_kl_kernel,
    pullback=_averaged(_kl_slope),
    words=Words(
        "the Kullback–Leibler divergence",
        "Kullback–Leibler divergence: Σ p ln(p/q), how far q is from p; 0 · ln 0 counts as 0.",
        "With respect to q the derivative is −p/q, with respect to p it is ln p − ln q + 1.",
        by_argument=(
            "With respect to p the derivative is ln p − ln q + 1.",
            "With respect to q the derivative is −p/q.",
        ),
    ),
    notation=Function("KL", r"\operatorname{KL}"),
    spellings=("kullback_leibler",),
    target="class",
    target_at=0,
    domain=(
        Domain(0, lambda xp, p, shapes: (p >= 0) & (p <= 1), "probabilities, from 0 to 1"),
        Domain(1, lambda xp, q, shapes: (q >= 0) & (q <= 1), "probabilities, from 0 to 1"),
    ),
)
"""KL(p ‖ q) = Σ p ln(p/q) of vectors; the mean over the rows of matrices (Kullback and Leibler, 1951)."""

OPERATIONS: tuple[Operation, ...] = (nll, kl_div)
