"""ONNX operators that multiply, reduce, normalise and compare: matrices, sums, norms, softmax and losses."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from handgrad.expression import Expression, Literal
from handgrad.models.formulas import Masked, permuted, reshaped
from handgrad.models.onnx.entrywise import Rule
from handgrad.models.onnx.node import Constant, OnnxNode, Result
from handgrad.operations.accumulating import cumsum, prod
from handgrad.operations.divergences import nll
from handgrad.operations.einsum import einsum
from handgrad.operations.exponentials import log_softmax, logsumexp, masked_softmax, softmax
from handgrad.operations.functions import absolute, log, sqrt
from handgrad.operations.losses import cross_entropy
from handgrad.operations.normalising import layernorm, rmsnorm
from handgrad.operations.reductions import maximum_of, mean, minimum_of, sum_
from handgrad.operations.structure import transpose

Reduction = Callable[..., Expression]


def _gemm(node: OnnxNode) -> Result:
    a, b = node.formula(0), node.formula(1)
    if node.attribute("transA", 0):
        a = transpose(a)
    if node.attribute("transB", 0):
        b = transpose(b)
    product: Expression = a @ b
    alpha, beta = node.attribute("alpha", 1.0), node.attribute("beta", 1.0)
    if alpha != 1:
        product = alpha * product
    if not node.has(2):
        return product
    added = node.formula(2)
    return product + (added if beta == 1 else beta * added)


def _matmul(node: OnnxNode) -> Result:
    return node.formula(0) @ node.formula(1)


def _einsum(node: OnnxNode) -> Result:
    letters = str(node.attribute("equation")).replace(" ", "")
    if "..." in letters:
        node.refuse("leaves letters out (...)", "a letter for each axis is read")
    if "->" not in letters:
        once = sorted(c for c in set(letters) - {","} if letters.count(c) == 1)
        letters = f"{letters}->{''.join(once)}"
    return einsum(*[node.formula(k) for k in range(len(node.inputs))], subscripts=letters)


def _reduced(make: Reduction, since: int = 18) -> Rule:
    """A reduction; the axes are an input since operator set `since`, and an attribute before."""

    def rule(node: OnnxNode) -> Result:
        rank = node.rank(0)
        given = node.attribute("axes")
        if node.opset >= since:
            given = node.whole(1, "axes") if node.has(1) else None
        if given is not None and not len(given):
            given = None
        if given is None and node.attribute("noop_with_empty_axes", 0):
            return node.formula(0)
        axes = (
            tuple(range(rank)) if given is None else tuple(node.axis(int(k), rank) for k in given)
        )
        options: dict[str, object] = {"keepdims": True} if node.attribute("keepdims", 1) else {}
        if len(axes) < rank or options:
            options["axis"] = axes[0] if len(axes) == 1 else axes
        return make(node.formula(0), **options)

    return rule


def _softmax_of(node: OnnxNode, make: Callable[..., Expression]) -> Result:
    rank = node.rank(0)
    axis = node.axis(node.attribute("axis", -1 if node.opset >= 13 else 1), rank)
    if node.opset < 13 and axis != rank - 1:
        # All axes from the one named on were taken together.
        shape = node.shape(0)
        flat = reshaped(node.formula(0), shape, (math.prod(shape[:axis]), math.prod(shape[axis:])))
        return reshaped(make(flat), (math.prod(shape[:axis]), math.prod(shape[axis:])), shape)
    return make(node.formula(0)) if axis == rank - 1 else make(node.formula(0), axis=axis)


def _softmax(node: OnnxNode) -> Result:
    value = node.value(0)
    if not isinstance(value, Masked):
        return _softmax_of(node, softmax)
    rank = node.rank(0)
    axis = node.axis(node.attribute("axis", -1 if node.opset >= 13 else 1), rank)
    if not np.broadcast_to(value.keep, node.shape(0)).any(axis=axis).all():
        node.refuse(
            "has a row of which −∞ leaves everything out", "a mask keeps an entry of each row"
        )
    keep = node.given(Constant(value.name, value.keep))
    options = {} if axis == rank - 1 else {"axis": axis}
    return masked_softmax(value.scores, keep, **options)


def _scaled(node: OnnxNode, normal: Expression, shape: tuple[int, ...] | None = None) -> Expression:
    """A normalised array times its scale, plus its shift, each laid along the array by `shape`.

    A scale of ones and a shift of zeros that nobody learns are left out.
    """
    for position, nothing in ((1, 1.0), (2, 0.0)):
        array = node.known(position)
        if not node.has(position) or (array is not None and (array == nothing).all()):
            continue
        own = node.shape(position)
        along = reshaped(node.formula(position), own, own if shape is None else shape)
        normal = normal * along if position == 1 else normal + along
    return normal


def _last_axes(node: OnnxNode) -> int | tuple[int, ...]:
    rank = node.rank(0)
    first = node.axis(node.attribute("axis", -1), rank)
    return -1 if first == rank - 1 else tuple(range(first, rank))


def _epsilon(node: OnnxNode) -> float:
    return float(str(np.float32(node.attribute("epsilon", 1e-5))))


def _layer_norm(node: OnnxNode) -> Result:
    return _scaled(node, layernorm(node.formula(0), axis=_last_axes(node), eps=_epsilon(node)))


def _rms_norm(node: OnnxNode) -> Result:
    return _scaled(node, rmsnorm(node.formula(0), axis=_last_axes(node), eps=_epsilon(node)))


def _instance_norm(node: OnnxNode) -> Result:
    rank = node.rank(0)
    axes = -1 if rank == 3 else tuple(range(2, rank))
    normal = layernorm(node.formula(0), axis=axes, eps=_epsilon(node))
    return _scaled(node, normal, (node.shape(1)[0], *[1] * (rank - 2)))


def _group_norm(node: OnnxNode) -> Result:
    shape, groups = node.shape(0), node.attribute("num_groups")
    of_groups = reshaped(node.formula(0), shape, (shape[0], groups, math.prod(shape[1:]) // groups))
    normal = layernorm(of_groups, axis=-1, eps=_epsilon(node))
    back = reshaped(normal, (shape[0], groups, math.prod(shape[1:]) // groups), shape)
    if node.opset < 21 and node.shape(1)[0] != shape[1]:
        node.refuse("has a scale for each group", "one for each channel is read (operator set 21)")
    return _scaled(node, back, (shape[1], *[1] * (len(shape) - 2)))


def _batch_norm(node: OnnxNode) -> Result:
    shape = node.shape(0)
    channel = (shape[1], *[1] * (len(shape) - 2))
    if node.attribute("training_mode", 0):
        axes = tuple(k for k in range(len(shape)) if k != 1)
        normal = layernorm(
            node.formula(0), axis=axes[0] if len(axes) == 1 else axes, eps=_epsilon(node)
        )
        return (_scaled(node, normal, channel), *[None] * (len(node.outputs) - 1))
    centre, spread = (_statistic(node, k) for k in (3, 4))
    centre = reshaped(centre, node.shape(3), channel)
    spread = reshaped(spread, node.shape(4), channel)
    normal = (node.formula(0) - centre) / sqrt(spread + Literal(_epsilon(node)))
    return _scaled(node, normal, channel)


def _statistic(node: OnnxNode, position: int) -> Expression:
    """A running mean or variance: it is given, whatever else has the same numbers."""
    value = node.value(position)
    if isinstance(value, Constant):
        return node.given(Constant(value.name, value.array))
    return node.formula(position)


def _loss(node: OnnxNode) -> Result:
    """SoftmaxCrossEntropyLoss and NegativeLogLikelihoodLoss: the mean over the rows, or the sum."""
    if node.has(2):
        node.refuse("weighs its classes", "the loss without weights is read")
    scores, classes = node.shape(0), node.numbers(1, "classes")
    if (
        node.attribute("ignore_index") is not None
        and (classes == node.attribute("ignore_index")).any()
    ):
        node.refuse("leaves rows out (ignore_index)", "give it rows that all count")
    z, y = node.formula(0), node.formula(1)
    if len(scores) > 2:
        # The classes lie on axis 1; here they are the last.
        z = permuted(z, (0, *range(2, len(scores)), 1))
    whole = node.kind == "SoftmaxCrossEntropyLoss"
    loss: Expression = cross_entropy(softmax(z), y) if whole else nll(z, y)
    match node.attribute("reduction", "mean"):
        case "mean":
            total = loss
        case "sum":
            total = math.prod(classes.shape) * loss
        case other:
            node.refuse(
                f"gives a loss for each row (reduction={other})", "the mean or the sum is read"
            )
    if len(node.outputs) < 2 or not node.outputs[1]:
        return total
    return total, log_softmax(node.formula(0), axis=1)


def _cumsum(node: OnnxNode) -> Result:
    if node.attribute("exclusive", 0) or node.attribute("reverse", 0):
        node.refuse("runs backwards or leaves its own entry out")
    axis = int(node.whole(1, "axes")[0])
    return cumsum(node.formula(0), axis=node.axis(axis, node.rank(0)))


LINEAR: dict[str, Rule] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Einsum": _einsum,
    "ReduceSum": _reduced(sum_, since=13),
    "ReduceMean": _reduced(mean),
    "ReduceMax": _reduced(maximum_of),
    "ReduceMin": _reduced(minimum_of),
    "ReduceProd": _reduced(prod),
    "ReduceLogSumExp": _reduced(logsumexp),
    "ReduceSumSquare": _reduced(lambda a, **options: sum_(a**2, **options)),
    "ReduceL1": _reduced(lambda a, **options: sum_(absolute(a), **options)),
    "ReduceL2": _reduced(lambda a, **options: sqrt(sum_(a**2, **options))),
    "ReduceLogSum": _reduced(lambda a, **options: log(sum_(a, **options))),
    "Softmax": _softmax,
    "LogSoftmax": lambda node: _softmax_of(node, log_softmax),
    "LayerNormalization": _layer_norm,
    "RMSNormalization": _rms_norm,
    "SimplifiedLayerNormalization": _rms_norm,
    "InstanceNormalization": _instance_norm,
    "GroupNormalization": _group_norm,
    "BatchNormalization": _batch_norm,
    "MeanVarianceNormalization": lambda node: layernorm(
        node.formula(0), axis=tuple(node.attribute("axes", (0, 2, 3))), eps=1e-9
    ),
    "CumSum": _cumsum,
    "SoftmaxCrossEntropyLoss": _loss,
    "NegativeLogLikelihoodLoss": _loss,
}
"""By operator, the formula of its inputs."""
