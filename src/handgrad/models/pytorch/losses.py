"""ATen's losses: the loss of the table where it is the mean over the entries, written out otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch

from handgrad.expression import Expression
from handgrad.models.pytorch.entrywise import Rule
from handgrad.models.pytorch.values import Arguments, NotRead, TorchValue
from handgrad.operations import functions
from handgrad.operations.activations import relu, softplus
from handgrad.operations.arranging import permute
from handgrad.operations.choosing import where
from handgrad.operations.divergences import nll
from handgrad.operations.exponentials import log_softmax, masked_softmax, softmax
from handgrad.operations.losses import bce, bce_with_logits, cross_entropy, mse
from handgrad.operations.operation import Operation
from handgrad.operations.reductions import mean, sum_
from handgrad.operations.robust_losses import huber, mae, smooth_l1

NONE, MEAN, SUM = 0, 1, 2
"""How ATen numbers what is done with the terms of a loss."""


def _reduction(a: Arguments, terms: Expression) -> Expression:
    match int(a["reduction"]):
        case 1:
            return mean(terms)
        case 2:
            return sum_(terms)
        case _:
            return terms


def _entrywise(
    operation: Operation,
    terms: Callable[[Expression, Expression, Arguments], Expression],
    options: Callable[[Arguments], dict[str, float]] = lambda a: {},
) -> Rule:
    """A loss of two arrays, entry by entry: the table's own where its mean is asked for."""

    def rule(a: Arguments) -> Expression:
        output, target = a.formula(), a.formula("target")
        if int(a["reduction"]) == MEAN and a.given.get("weight") is None:
            return operation(output, target, **options(a))
        found = terms(output, target, a)
        weight = a.optional("weight")
        return _reduction(a, found if weight is None else weight * found)

    return rule


def _huber_terms(gap: Expression, delta: float) -> Expression:
    size = functions.absolute(gap)
    return where(size < delta, 0.5 * gap**2, delta * (size - 0.5 * delta))


def _with_logits(a: Arguments) -> Expression:
    z, y, positive = a.formula(), a.formula("target"), a.optional("pos_weight")
    weight = a.optional("weight")
    if positive is None and weight is None and int(a["reduction"]) == MEAN:
        return bce_with_logits(z, y)
    if positive is None:
        terms = softplus(z) - z * y
    else:
        # −(p·y·ln σ(z) + (1 − y)·ln(1 − σ(z)))
        terms = positive * y * softplus(-z) + (1 - y) * softplus(z)
    return _reduction(a, terms if weight is None else weight * terms)


def _classes_last(x: Expression, rank: int) -> Expression:
    return permute(x, axes=(0, *range(2, rank), 1)) if rank > 2 else x


def _shares(a: Arguments, smoothing: float) -> tuple[torch.Tensor, float]:
    """What each class's log-probability counts in each row, and the number that their sum is divided by."""
    shape = a.shape()
    classes = shape[1] if len(shape) > 1 else shape[0]
    target = a.value("target").tensor
    like = a.value("self").tensor
    own = a.given.get("weight")
    weight = own.tensor if own is not None else torch.ones(classes, dtype=like.dtype)
    if target.is_floating_point():
        moved = torch.movedim(target, 1, -1) if len(shape) > 1 else target
        moved = moved * (1 - smoothing) + smoothing / classes
        return moved * weight, float(math.prod(moved.shape[:-1]))
    counted = target != int(a["ignore_index"])
    at_class = torch.nn.functional.one_hot(torch.where(counted, target, 0), classes).to(like.dtype)
    counts = counted.unsqueeze(-1).to(like.dtype)
    shares = counts * weight * ((1 - smoothing) * at_class + smoothing / classes)
    return shares, float((counts.squeeze(-1) * (at_class * weight).sum(-1)).sum())


def _written_out(a: Arguments, logs: Expression, smoothing: float) -> Expression:
    shares, total = _shares(a, smoothing)
    reduction = int(a["reduction"])
    weighted = a.data("target_shares", shares) * logs
    if reduction == NONE:
        return -sum_(weighted, axis=-1)
    whole = -sum_(weighted)
    return whole / total if reduction == MEAN else whole


def _plain(a: Arguments) -> bool:
    """Whether a target is class numbers, all of which count, and the mean over the rows is asked for."""
    target: TorchValue = a.value("target")
    return (
        int(a["reduction"]) == MEAN
        and a.given.get("weight") is None
        and not target.computed
        and not target.tensor.is_floating_point()
        and not bool((target.tensor == int(a["ignore_index"])).any())
    )


def _cross_entropy(a: Arguments) -> Expression:
    rank, smoothing = len(a.shape()), float(a["label_smoothing"])
    masked = a.value("self").kept
    if masked is not None and rank == 2 and _plain(a) and not smoothing:
        # A class that a mask leaves out has the probability 0.
        scores = a.value("self").formula
        shares = a.name("probabilities", masked_softmax(scores, masked.formula))
        return cross_entropy(shares, a.formula("target"))
    scores = _classes_last(a.formula(), rank)
    if _plain(a) and not smoothing:
        return cross_entropy(a.name("probabilities", softmax(scores)), a.formula("target"))
    target = a.value("target")
    if target.computed or (target.written is not None and target.tensor.is_floating_point()):
        if a.given.get("weight") is not None or smoothing or rank > 2:
            raise NotRead("a cross-entropy with weights of targets that are computed")
        logs = a.name("log_probabilities", log_softmax(scores))
        terms = -sum_(target.formula * logs, axis=-1)
        return terms if rank == 1 else _reduction(a, terms)
    logs = a.name("log_probabilities", log_softmax(scores))
    return _written_out(a, logs, smoothing)


def _nll(a: Arguments) -> Expression:
    logs = _classes_last(a.formula(), len(a.shape()))
    if _plain(a) and not bool((a.value("self").tensor > 0).any()):
        return nll(logs, a.formula("target"))
    return _written_out(a, logs, 0.0)


def _kl_div(a: Arguments) -> Expression:
    logs, target = a.formula(), a.formula("target")
    if a["log_target"]:
        return _reduction(a, functions.exp(target) * (target - logs))
    known = a.value("target")
    if known.computed:
        return _reduction(a, target * (functions.log(target) - logs))
    # The target's own part is a constant; where it is 0, so is the term.
    entropy = torch.special.xlogy(known.tensor, known.tensor)
    return _reduction(a, a.data("target_entropy", entropy) - target * logs)


def _soft_margin(a: Arguments) -> Expression:
    return _reduction(a, softplus(-a.formula("target") * a.formula()))


def _multi_margin(a: Arguments) -> Expression:
    """Σ max(0, margin − x_y + x_j)ᵖ over the other classes, by the number of classes; 0 is the slope at a margin of 0."""
    shape, target = a.shape(), a.value("target").tensor
    like = a.value("self").tensor
    at_class = torch.nn.functional.one_hot(target, shape[-1]).to(like.dtype).reshape(shape)
    others, own = 1 - at_class, a.given.get("weight")
    if own is not None:
        others = others * own.tensor[target].unsqueeze(-1)
    true = sum_(a.data("true_class", at_class) * a.formula(), axis=-1, keepdims=True)
    gap = relu(float(a["margin"]) - true + a.formula())
    power = int(a["p"])
    terms = a.data("other_classes", others) * (gap if power == 1 else gap**power)
    return _reduction(a, sum_(terms, axis=-1) / shape[-1])


RULES: Mapping[str, Rule] = {
    "aten::mse_loss": _entrywise(mse, lambda p, y, a: (p - y) ** 2),
    "aten::l1_loss": _entrywise(mae, lambda p, y, a: functions.absolute(p - y)),
    "aten::smooth_l1_loss": _entrywise(
        smooth_l1,
        lambda p, y, a: _huber_terms(p - y, float(a["beta"])) / float(a["beta"]),
        lambda a: {} if float(a["beta"]) == 1 else {"beta": float(a["beta"])},
    ),
    "aten::huber_loss": _entrywise(
        huber,
        lambda p, y, a: _huber_terms(p - y, float(a["delta"])),
        lambda a: {} if float(a["delta"]) == 1 else {"delta": float(a["delta"])},
    ),
    "aten::binary_cross_entropy": _entrywise(
        bce, lambda p, y, a: -(y * functions.log(p) + (1 - y) * functions.log(1 - p))
    ),
    "aten::binary_cross_entropy_with_logits": _with_logits,
    "aten::cross_entropy_loss": _cross_entropy,
    "aten::nll_loss": _nll,
    "aten::nll_loss_nd": _nll,
    "aten::kl_div": _kl_div,
    "aten::multi_margin_loss": _multi_margin,
    "aten::soft_margin_loss": _soft_margin,
}
"""By the name of ATen's operation."""
