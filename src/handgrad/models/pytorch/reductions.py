"""ATen's sums, means, extremes, norms, softmaxes and normalisations."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from handgrad.expression import Expression, Option, Shape, Slice
from handgrad.models.pytorch.entrywise import Rule, lengthened
from handgrad.models.pytorch.values import Arguments, NotRead, TorchValue
from handgrad.operations.accumulating import cumsum, prod
from handgrad.operations.arranging import stack
from handgrad.operations.exponentials import log_softmax, logsumexp, masked_softmax, softmax
from handgrad.operations.functions import absolute, maximum, minimum, sqrt
from handgrad.operations.moments import std, variance
from handgrad.operations.normalising import batchnorm, layernorm, rmsnorm
from handgrad.operations.norms import norm1, norm_inf
from handgrad.operations.operation import Operation
from handgrad.operations.reductions import maximum_of, mean, minimum_of, norm, sum_
from handgrad.operations.structure import reshape


def _axes(a: Arguments) -> dict[str, Option]:
    """The options of a reduction, as few of them as say it."""
    found: dict[str, Option] = {}
    dim, rank = a.given.get("dim"), len(a.shape())
    if dim is not None and dim != []:
        numbers = sorted(
            int(d) % max(rank, 1) for d in (dim if isinstance(dim, list | tuple) else [dim])
        )
        if len(numbers) < rank or (rank == 1 and a.given.get("keepdim")):
            found["axis"] = numbers[0] if len(numbers) == 1 else tuple(numbers)
    if a.given.get("keepdim"):
        found["keepdims"] = True
    return found


def _reduced(operation: Operation) -> Rule:
    return lambda a: operation(a.formula(), **_axes(a)) if a.shape() else a.value("self")


def _extreme(operation: Operation, pair: Rule) -> Rule:
    """A largest or smallest entry, along an axis with its place beside it."""

    def rule(a: Arguments) -> Expression | TorchValue | tuple[Expression | TorchValue, ...]:
        if "other" in a.given:
            return pair(a)
        if isinstance(a.result, torch.Tensor):
            return operation(a.formula(), **_axes(a))
        # Along an axis PyTorch gives all to the first of entries that tie; over all of an array they share it.
        found = operation(a.formula(), **_axes(a), first=True)
        return found, a.constant("place", a.result[1])

    return rule


def _spread(operation: Operation) -> Rule:
    def rule(a: Arguments) -> Expression:
        correction = a.given.get("correction")
        if correction is None:
            correction = 1 if a.given.get("unbiased", True) else 0
        told = {"ddof": int(correction)} if correction else {}
        return operation(a.formula(), **_axes(a), **told)

    return rule


def _norm(a: Arguments) -> Expression:
    order = a.given.get("ord", a.given.get("p", 2))
    order = 2.0 if order is None else float(order)
    options = _axes(a)
    if order == 2:
        return norm(a.formula(), **options)
    if order == 1:
        return norm1(a.formula(), **options)
    if order == math.inf:
        return norm_inf(a.formula(), **options)
    if order > 1:
        return sum_(absolute(a.formula()) ** order, **options) ** (1 / order)
    raise NotRead(f"a norm of order {order:g}", "those of order 1 and more are read")


def _softmax(a: Arguments) -> Expression:
    scores, rank = a.value("self"), len(a.shape())
    options: dict[str, Option] = (
        {} if int(a["dim"]) % rank == rank - 1 else {"axis": int(a["dim"]) % rank}
    )
    if scores.kept is not None:
        return masked_softmax(scores.formula, scores.kept.formula, **options)
    return softmax(scores.formula, **options)


def _log_softmax(a: Arguments) -> Expression:
    axis, rank = int(a["dim"]) % len(a.shape()), len(a.shape())
    return log_softmax(a.formula(), **({} if axis == rank - 1 else {"axis": axis}))


# -- normalisation ---------------------------------------------------------------------------------


def _scaled(x: Expression, a: Arguments, length: int = 0, after: int = 0) -> Expression:
    """Normalised numbers times a weight plus a bias; of `length` channels, they lie along an axis with `after` behind it."""
    weight, bias = (a.optional(n) for n in ("weight", "bias"))
    if weight is not None:
        x = x * lengthened(weight, length, after)
    return x if bias is None else x + lengthened(bias, length, after)


def _last(a: Arguments) -> Option:
    rank = len(a["normalized_shape"])
    return -1 if rank == 1 else tuple(range(-rank, 0))


def _eps(number: float) -> dict[str, Option]:
    return {} if number == 1e-5 else {"eps": number}


def _axis(axis: Option) -> dict[str, Option]:
    return {} if axis == -1 else {"axis": axis}


def _layer_norm(a: Arguments) -> Expression:
    axis = _last(a)
    if isinstance(axis, tuple):
        axis = tuple(int(k) + len(a.shape("input")) for k in axis)  # type: ignore[arg-type]
    found = layernorm(a.formula("input"), **_axis(axis), **_eps(float(a["eps"])))
    return _scaled(found, a)


def _rms_norm(a: Arguments) -> Expression:
    eps = a["eps"]
    tensor = a.value("input").tensor
    axis = _last(a)
    if isinstance(axis, tuple):
        axis = tuple(int(k) + len(a.shape("input")) for k in axis)  # type: ignore[arg-type]
    number = torch.finfo(tensor.dtype).eps if eps is None else float(eps)
    return _scaled(rmsnorm(a.formula("input"), **_axis(axis), **_eps(number)), a)


def _batch_norm(a: Arguments) -> Expression:
    shape = a.shape("input")
    after = len(shape) - 2
    eps = float(a["eps"])
    if a.given.get("training") or a.given.get("running_mean") is None:
        axis: Option = 0 if not after else (0, *range(2, len(shape)))
        told: dict[str, Option] = {} if axis == 0 else {"axis": axis}
        found: Expression = batchnorm(a.formula("input"), **told, **_eps(eps))
    else:
        middle = lengthened(a.formula("running_mean"), shape[1], after)
        deviation = sqrt(a.formula("running_var") + eps)
        found = (a.formula("input") - middle) / lengthened(deviation, shape[1], after)
    return _scaled(found, a, shape[1], after)


def _functional_batch_norm(a: Arguments) -> tuple[Expression, ...]:
    """The same where the graph has no operation in place: the statistics come beside it, and are not used."""
    return (_batch_norm(a),)


def _group_norm(a: Arguments) -> Expression:
    shape = a.shape("input")
    rows: Shape = (shape[0], int(a["num_groups"]), math.prod(shape[1:]) // int(a["num_groups"]))
    flat = layernorm(reshape(a.formula("input"), shape=rows), **_eps(float(a["eps"])))
    found = reshape(flat, shape=shape)
    return _scaled(found, a, shape[1], len(shape) - 2)


def _instance_norm(a: Arguments) -> Expression:
    shape = a.shape("input")
    after = len(shape) - 2
    if not a["use_input_stats"]:
        middle = lengthened(a.formula("running_mean"), shape[1], after)
        deviation = sqrt(a.formula("running_var") + float(a["eps"]))
        found: Expression = (a.formula("input") - middle) / lengthened(deviation, shape[1], after)
    else:
        axis: Option = -1 if after == 1 else tuple(range(2, len(shape)))
        found = layernorm(a.formula("input"), **_axis(axis), **_eps(float(a["eps"])))
    return _scaled(found, a, shape[1], after)


def _so_far(operation: Operation) -> Rule:
    """What is made of the entries so far along an axis, one result after the other."""

    def rule(a: Arguments) -> Expression | TorchValue:
        if not a.shape():
            return a.value("self")
        axis = int(a["dim"]) % len(a.shape())
        parts = [
            operation(a.formula().at((*[Slice()] * axis, Slice(0, k))), axis=axis)
            for k in range(1, a.shape()[axis] + 1)
        ]
        return stack(*parts, axis=axis)

    return rule


def _maximum(a: Arguments) -> Expression:
    return maximum(a.formula(), a.formula("other"))


def _minimum(a: Arguments) -> Expression:
    return minimum(a.formula(), a.formula("other"))


RULES: Mapping[str, Rule] = {
    "aten::sum": _reduced(sum_),
    "aten::mean": _reduced(mean),
    "aten::prod": _reduced(prod),
    "aten::amax": _reduced(maximum_of),
    "aten::amin": _reduced(minimum_of),
    "aten::max": _extreme(maximum_of, _maximum),
    "aten::min": _extreme(minimum_of, _minimum),
    "aten::var": _spread(variance),
    "aten::std": _spread(std),
    "aten::norm": _norm,
    "aten::linalg_vector_norm": _norm,
    "aten::cumsum": lambda a: cumsum(a.formula(), axis=int(a["dim"]) % max(len(a.shape()), 1)),
    "aten::cumprod": _so_far(prod),
    "aten::logcumsumexp": _so_far(logsumexp),
    "aten::logsumexp": lambda a: logsumexp(a.formula(), **_axes(a)),
    "aten::softmax": _softmax,
    "aten::_softmax": _softmax,
    "aten::log_softmax": _log_softmax,
    "aten::_log_softmax": _log_softmax,
    "aten::layer_norm": _layer_norm,
    "aten::rms_norm": _rms_norm,
    "aten::batch_norm": _batch_norm,
    "aten::_native_batch_norm_legit_functional": _functional_batch_norm,
    "aten::_native_batch_norm_legit_no_training": _functional_batch_norm,
    "aten::native_layer_norm": lambda a: (_layer_norm(a),),
    "aten::group_norm": _group_norm,
    "aten::instance_norm": _instance_norm,
}
"""By the name of ATen's operation."""
