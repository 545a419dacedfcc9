"""ATen's functions of single entries: arithmetic, functions, activations, comparisons, masks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch

from handgrad.expression import Expression
from handgrad.models.pytorch.own_results import dropped_by
from handgrad.models.pytorch.values import Arguments, NotRead, TorchValue
from handgrad.operations import activations, choosing, exponential_units, functions, piecewise
from handgrad.operations.arranging import stack
from handgrad.operations.exponentials import logsumexp
from handgrad.operations.gated_linear import glu
from handgrad.operations.operation import Operation
from handgrad.operations.structure import reshape

Rule = Callable[[Arguments], "Expression | TorchValue | tuple[Expression | TorchValue, ...]"]
"""The formula of an ATen operation's result in those of its arguments."""


def _of_one(operation: Callable[[Expression], Expression]) -> Rule:
    return lambda a: operation(a.formula())


def _sum(sign: int) -> Rule:
    def rule(a: Arguments) -> Expression | TorchValue:
        left, right = a["self"], a["other"]
        for one, other in ((left, right), (right, left)):
            if (
                isinstance(one, TorchValue)
                and isinstance(other, TorchValue)
                and (masked := left_out(one, other, a))
            ):
                return masked
        term = a.formula("other")
        factor = float(a.given.get("alpha", 1))
        if factor != 1:
            term = factor * term
        return a.formula() + term if sign > 0 else a.formula() - term

    return rule


def left_out(scores: TorchValue | Expression, mask: TorchValue, a: Arguments) -> TorchValue | None:
    """Scores to which a constant mask of 0 and −∞ is added: what is kept of them."""
    if mask.computed or not torch.isinf(mask.tensor).any():
        return None
    finite = torch.where(torch.isinf(mask.tensor), 0.0, mask.tensor)
    if (mask.tensor == math.inf).any() or not mask.tensor.is_floating_point():
        raise NotRead("+∞ is added")
    formula = scores.formula if isinstance(scores, TorchValue) else scores
    if finite.any():
        formula = formula + a.data(f"{mask.path}.finite", finite)
    return _with_mask(scores, formula, torch.isfinite(mask.tensor), a, mask.path)


def _with_mask(
    scores: TorchValue | Expression,
    formula: Expression,
    keeps: torch.Tensor,
    a: Arguments,
    path: str,
) -> TorchValue:
    if isinstance(scores, TorchValue) and scores.kept is not None:
        keeps = keeps & (scores.kept.tensor != 0)
    kept = a.constant(path or "mask", keeps)
    return TorchValue(a.result, "", kept.add, formula, True, kept)


def _product(a: Arguments) -> Expression:
    return a.formula() * a.formula("other")


def _quotient(a: Arguments) -> Expression:
    if a.given.get("rounding_mode") is not None:
        raise NotRead("a division that rounds has no gradient")
    return a.formula() / a.formula("other")


def _reversed_difference(a: Arguments) -> Expression:
    factor = float(a.given.get("alpha", 1))
    return a.formula("other") - (a.formula() if factor == 1 else factor * a.formula())


def _power(a: Arguments) -> Expression:
    return a.formula() ** a.formula("exponent")


def _gelu(a: Arguments) -> Expression:
    tanh = a["approximate"] == "tanh"
    return activations.gelu_tanh(a.formula()) if tanh else activations.gelu(a.formula())


def _clamped(a: Arguments) -> Expression:
    low, high = a.given.get("min"), a.given.get("max")
    if isinstance(low, TorchValue) or isinstance(high, TorchValue):
        found = a.formula()
        found = found if low is None else functions.maximum(found, a.formula("min"))
        return found if high is None else functions.minimum(found, a.formula("max"))
    options = {n: float(v) for n, v in (("low", low), ("high", high)) if v is not None}
    return piecewise.clip(a.formula(), **options)


def _elu(a: Arguments) -> Expression:
    if float(a["scale"]) != 1 or float(a["input_scale"]) != 1:
        raise NotRead("elu with scales of its own")
    return exponential_units.elu(a.formula(), alpha=float(a["alpha"]))


def _hardtanh(a: Arguments) -> Expression:
    low, high = float(a["min_val"]), float(a["max_val"])
    if (low, high) == (-1.0, 1.0):
        return piecewise.hardtanh(a.formula())
    if (low, high) == (0.0, 6.0):
        return piecewise.relu6(a.formula())
    # Its slope at both ends is 0, as hardtanh's is.
    middle, half = (low + high) / 2, (high - low) / 2
    return half * piecewise.hardtanh((a.formula() - middle) / half) + middle


def _softplus(a: Arguments) -> Expression:
    beta, threshold = float(a["beta"]), float(a["threshold"])
    x = a.formula()
    soft = activations.softplus(x) if beta == 1 else activations.softplus(beta * x) / beta
    # PyTorch goes over to x itself where softplus differs from it by less than e^−threshold.
    beyond = (a.value("self").tensor * beta > threshold).any()
    return choosing.where(beta * x > threshold, x, soft) if beyond else soft


def _threshold(a: Arguments) -> Expression:
    x, bound, value = a.formula(), float(a["threshold"]), float(a["value"])
    if bound == value == 0:
        return activations.relu(x)
    return choosing.where(x > bound, x, value)


def _prelu(a: Arguments) -> Expression:
    weight, shape = a.formula("weight"), a.shape()
    if a.shape("weight") != (1,) and len(shape) > 2:
        weight = lengthened(weight, a.shape("weight")[0], len(shape) - 2)
    return activations.prelu(a.formula(), weight)


def lengthened(vector: Expression, length: int, after: int) -> Expression:
    """A vector of channels with axes of length 1 after it, so that it lies along the axis of channels."""
    return reshape(vector, shape=(length, *[1] * after)) if after else vector


def _rrelu(a: Arguments) -> Expression:
    if a["training"]:
        raise NotRead("a slope that is drawn for each entry", "put the model in eval mode")
    return activations.leaky_relu(a.formula(), alpha=(float(a["lower"]) + float(a["upper"])) / 2)


def _tanhshrink(a: Arguments) -> Expression:
    return a.formula() - activations.tanh(a.formula())


def _softshrink(a: Arguments) -> Expression:
    x, bound = a.formula(), float(a["lambd"])
    return choosing.where(x > bound, x - bound, choosing.where(x < -bound, x + bound, 0.0))


def _hardshrink(a: Arguments) -> Expression:
    x, bound = a.formula(), float(a["lambd"])
    return choosing.where(functions.absolute(x) > bound, x, 0.0)


def _dropout(a: Arguments) -> Expression | TorchValue:
    share = float(a["p"])
    dropped = dropped_by(a.given)
    if not a["train"] or share == 0:
        return a.value(dropped)
    mask = a.data("mask", a.drawn["mask"])
    if share == 1:
        return a.formula(dropped) * mask
    return functions.dropout(a.formula(dropped), mask, p=share)


def _masked_fill(a: Arguments) -> Expression | TorchValue:
    scores, mask, number = a.value("self"), a.value("mask"), a["value"]
    filled = float(number.tensor if isinstance(number, TorchValue) else number)
    if filled == -math.inf:
        if mask.computed:
            raise NotRead("a mask of −∞ that is computed from the input")
        return _with_mask(scores, scores.formula, ~mask.tensor, a, mask.path)
    return choosing.where(mask.formula, a.formula("value"), a.formula())


def _where(a: Arguments) -> Expression | TorchValue:
    condition = a.value("condition")
    for name, other, keeps in (
        ("self", "other", condition.tensor),
        ("other", "self", ~condition.tensor.bool()),
    ):
        filled = a[other]
        if (
            isinstance(filled, TorchValue)
            and not filled.computed
            and filled.tensor.numel() == 1
            and float(filled.tensor) == -math.inf
        ):
            if condition.computed:
                raise NotRead("a mask of −∞ that is computed from the input")
            scores = a.value(name)
            return _with_mask(scores, scores.formula, keeps, a, condition.path)
    return choosing.where(condition.formula, a.formula(), a.formula("other"))


def _compared(operation: Operation) -> Rule:
    return lambda a: operation(a.formula(), a.formula("other"))


def _equal(a: Arguments) -> Expression:
    one, other = a.formula(), a.formula("other")
    return choosing.less_equal(one, other) * choosing.greater_equal(one, other)


def _addcmul(a: Arguments) -> Expression:
    product = a.formula("tensor1") * a.formula("tensor2")
    factor = float(a.given.get("value", 1))
    return a.formula() + (product if factor == 1 else factor * product)


def _lerp(a: Arguments) -> Expression:
    return a.formula() + a.formula("weight") * (a.formula("end") - a.formula())


f = functions
RULES: Mapping[str, Rule] = {
    "aten::add": _sum(1),
    "aten::sub": _sum(-1),
    "aten::subtract": _sum(-1),
    "aten::rsub": _reversed_difference,
    "aten::mul": _product,
    "aten::multiply": _product,
    "aten::div": _quotient,
    "aten::divide": _quotient,
    "aten::true_divide": _quotient,
    "aten::neg": _of_one(lambda x: -x),
    "aten::pow": _power,
    "aten::square": _of_one(lambda x: x**2),
    "aten::reciprocal": _of_one(lambda x: 1 / x),
    "aten::exp": _of_one(f.exp),
    "aten::expm1": _of_one(lambda x: f.exp(x) - 1),
    "aten::log": _of_one(f.log),
    "aten::log1p": _of_one(lambda x: f.log(1 + x)),
    "aten::log2": _of_one(lambda x: f.log(x) / math.log(2)),
    "aten::log10": _of_one(lambda x: f.log(x) / math.log(10)),
    "aten::sqrt": _of_one(f.sqrt),
    "aten::rsqrt": _of_one(lambda x: 1 / f.sqrt(x)),
    "aten::abs": _of_one(f.absolute),
    "aten::erf": _of_one(f.erf),
    "aten::sin": _of_one(f.sin),
    "aten::cos": _of_one(f.cos),
    "aten::tan": _of_one(lambda x: f.sin(x) / f.cos(x)),
    "aten::sinh": _of_one(lambda x: (f.exp(x) - f.exp(-x)) / 2),
    "aten::cosh": _of_one(lambda x: (f.exp(x) + f.exp(-x)) / 2),
    "aten::asinh": _of_one(lambda x: f.log(x + f.sqrt(x**2 + 1))),
    "aten::exp2": _of_one(lambda x: f.exp(math.log(2) * x)),
    "aten::hypot": lambda a: f.sqrt(a.formula() ** 2 + a.formula("other") ** 2),
    "aten::logaddexp": lambda a: logsumexp(stack(a.formula(), a.formula("other"), axis=0), axis=0),
    "aten::maximum": lambda a: f.maximum(a.formula(), a.formula("other")),
    "aten::minimum": lambda a: f.minimum(a.formula(), a.formula("other")),
    "aten::relu": _of_one(activations.relu),
    "aten::relu6": _of_one(piecewise.relu6),
    "aten::leaky_relu": lambda a: activations.leaky_relu(
        a.formula(), alpha=float(a["negative_slope"])
    ),
    "aten::prelu": _prelu,
    "aten::rrelu": _rrelu,
    "aten::elu": _elu,
    "aten::selu": _of_one(exponential_units.selu),
    "aten::celu": lambda a: exponential_units.celu(a.formula(), alpha=float(a["alpha"])),
    "aten::gelu": _gelu,
    "aten::silu": _of_one(activations.silu),
    "aten::mish": _of_one(activations.mish),
    "aten::softplus": _softplus,
    "aten::log_sigmoid": _of_one(activations.log_sigmoid),
    "aten::sigmoid": _of_one(activations.sigmoid),
    "aten::tanh": _of_one(activations.tanh),
    "aten::hardtanh": _hardtanh,
    "aten::hardsigmoid": _of_one(piecewise.hardsigmoid),
    "aten::hardswish": _of_one(piecewise.hardswish),
    "aten::softsign": _of_one(lambda x: x / (1 + f.absolute(x))),
    "aten::tanhshrink": _tanhshrink,
    "aten::softshrink": _softshrink,
    "aten::hardshrink": _hardshrink,
    "aten::threshold": _threshold,
    "aten::glu": lambda a: glu(a.formula(), axis=int(a["dim"])),
    "aten::clamp": _clamped,
    "aten::clip": _clamped,
    "aten::clamp_min": _clamped,
    "aten::clamp_max": _clamped,
    "aten::dropout": _dropout,
    "aten::feature_dropout": _dropout,
    "aten::masked_fill": _masked_fill,
    "aten::where": _where,
    "aten::lt": _compared(choosing.less),
    "aten::le": _compared(choosing.less_equal),
    "aten::gt": _compared(choosing.greater),
    "aten::ge": _compared(choosing.greater_equal),
    "aten::eq": _equal,
    "aten::ne": lambda a: 1 - _equal(a),
    "aten::addcmul": _addcmul,
    "aten::lerp": _lerp,
}
"""By the name of ATen's operation; what ends in an underscore there works in place, and has the same rule."""
