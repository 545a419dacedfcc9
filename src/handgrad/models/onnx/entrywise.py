"""ONNX operators that work entry by entry, and activations."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from handgrad.expression import Expression
from handgrad.models.formulas import Masked
from handgrad.models.onnx.node import Constant, OnnxNode, Result, is_mask
from handgrad.operations.activations import (
    gelu,
    gelu_tanh,
    leaky_relu,
    mish,
    prelu,
    relu,
    sigmoid,
    silu,
    softplus,
    tanh,
)
from handgrad.operations.choosing import where
from handgrad.operations.exponential_units import celu, elu, selu
from handgrad.operations.functions import absolute, cos, erf, exp, log, maximum, minimum, sin, sqrt
from handgrad.operations.piecewise import clip, hardsigmoid, hardswish, hardtanh, relu6

Rule = Callable[[OnnxNode], Result]


def _of_one(make: Callable[[Expression], Expression]) -> Rule:
    return lambda node: make(node.formula(0))


def _of_two(make: Callable[[Expression, Expression], Expression]) -> Rule:
    return lambda node: make(node.formula(0, 1), node.formula(1, 0))


def _of_several(make: Callable[[Expression, Expression], Expression]) -> Rule:
    def rule(node: OnnxNode) -> Result:
        total = node.formula(0)
        for position in range(1, len(node.inputs)):
            total = make(total, node.formula(position))
        return total

    return rule


def _add(node: OnnxNode) -> Result:
    for mask, scores in ((0, 1), (1, 0)):
        array = node.known(mask)
        if array is not None and is_mask(array) and not isinstance(node.value(scores), Masked):
            return _masked(node, scores, array)
    return node.formula(0, 1) + node.formula(1, 0)


def _masked(
    node: OnnxNode, scores: int, mask: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> Masked:
    kept = mask >= -1e30
    formula = node.formula(scores)
    rest = np.where(kept, mask, 0.0)
    if rest.any():
        formula = formula + node.given(Constant(f"{node.outputs[0]}.added", rest))
    return Masked(formula, kept.astype(np.float64), f"{node.outputs[0]}.keep")


def _multiply(node: OnnxNode) -> Result:
    a, b = node.formula(0, 1), node.formula(1, 0)
    for z, gate in ((a, b), (b, a)):
        if gate == sigmoid(z):
            return silu(z)
    return a * b


def _where(node: OnnxNode) -> Result:
    choice = node.known(0)
    if choice is not None:
        for kept, out in ((1, 2), (2, 1)):
            left_out = node.known(out)
            if left_out is not None and left_out.size == 1 and left_out.reshape(()) < -1e30:
                keep = choice if kept == 1 else ~choice
                return Masked(
                    node.formula(kept), keep.astype(np.float64), f"{node.outputs[0]}.keep"
                )
    condition = node.formula(0)
    return where(condition, node.formula(1, 0), node.formula(2, 0))


def _power(node: OnnxNode) -> Result:
    exponent = node.known(1)
    if exponent is not None and exponent.size == 1 and float(exponent.reshape(())) == 0.5:
        return sqrt(node.formula(0))
    return node.formula(0, 1) ** node.formula(1, 0)


def _bound(node: OnnxNode, position: int, name: str) -> float | None:
    """A bound of Clip: an input since operator set 11, an attribute before; None where none is set."""
    if node.opset < 11:
        found = node.attribute(name)
    elif node.has(position):
        found = float(node.numbers(position, "bounds").reshape(()))
    else:
        found = None
    return None if found is None or abs(found) > 1e30 else float(found)


def _clip(node: OnnxNode) -> Result:
    low, high = _bound(node, 1, "min"), _bound(node, 2, "max")
    z = node.formula(0)
    match low, high:
        case None, None:
            return z
        case 0.0, 6.0:
            return relu6(z)
        case -1.0, 1.0:
            return hardtanh(z)
        case _:
            return clip(z, **{n: v for n, v in (("low", low), ("high", high)) if v is not None})


def _hard_sigmoid(node: OnnxNode) -> Result:
    slope, middle = node.attribute("alpha", 0.2), node.attribute("beta", 0.5)
    z = node.formula(0)
    if math.isclose(slope, 1 / 6, rel_tol=1e-6) and middle == 0.5:
        return hardsigmoid(z)
    return clip(z * _decimal(slope) + _decimal(middle), low=0, high=1)


def _gelu(node: OnnxNode) -> Result:
    form = gelu_tanh if node.attribute("approximate", "none") == "tanh" else gelu
    return form(node.formula(0))


def _prelu(node: OnnxNode) -> Result:
    slope = node.known(1)
    return prelu(node.formula(0), node.formula(1, 0) if slope is None else node.formula(1))


def _selu(node: OnnxNode) -> Result:
    alpha, gamma = (
        node.attribute("alpha", 1.6732632423543772),
        node.attribute("gamma", 1.0507009873554805),
    )
    if abs(alpha - 1.6732632423543772) > 1e-6 or abs(gamma - 1.0507009873554805) > 1e-6:
        node.refuse(
            f"has α = {alpha:g} and γ = {gamma:g}",
            "the activation that is read has 1.6733 and 1.0507",
        )
    return selu(node.formula(0))


def _softplus(node: OnnxNode) -> Result:
    return softplus(node.formula(0))


def _decimal(number: float) -> float:
    """A number that was kept in single precision as it was written: 0.2 of 0.20000000298."""
    return float(str(np.float32(number)))


def _not(node: OnnxNode) -> Result:
    return 1 - node.formula(0)


ENTRYWISE: dict[str, Rule] = {
    "Add": _add,
    "Sub": _of_two(lambda a, b: a - b),
    "Mul": _multiply,
    "Div": _of_two(lambda a, b: a / b),
    "Pow": _power,
    "Neg": _of_one(lambda a: -a),
    "Reciprocal": _of_one(lambda a: 1 / a),
    "Sum": _of_several(lambda a, b: a + b),
    "Max": _of_several(maximum),
    "Min": _of_several(minimum),
    "Exp": _of_one(exp),
    "Log": _of_one(log),
    "Sqrt": _of_one(sqrt),
    "Abs": _of_one(absolute),
    "Sign": _of_one(lambda a: (a > 0) - (a < 0)),
    "Shrink": lambda node: _shrink(node),
    "Sin": _of_one(sin),
    "Tan": _of_one(lambda x: sin(x) / cos(x)),
    "Sinh": _of_one(lambda x: (exp(x) - exp(-x)) / 2),
    "Cosh": _of_one(lambda x: (exp(x) + exp(-x)) / 2),
    "Asinh": _of_one(lambda x: log(x + sqrt(x**2 + 1))),
    "Cos": _of_one(cos),
    "Erf": _of_one(erf),
    "Relu": _of_one(relu),
    "Sigmoid": _of_one(sigmoid),
    "Tanh": _of_one(tanh),
    "LeakyRelu": lambda node: leaky_relu(
        node.formula(0), alpha=_decimal(node.attribute("alpha", 0.01))
    ),
    "Elu": lambda node: elu(node.formula(0), alpha=_decimal(node.attribute("alpha", 1.0))),
    "Celu": lambda node: celu(node.formula(0), alpha=_decimal(node.attribute("alpha", 1.0))),
    "Selu": _selu,
    "PRelu": _prelu,
    "Softplus": _softplus,
    "Softsign": _of_one(lambda z: z / (1 + absolute(z))),
    "Mish": _of_one(mish),
    "Gelu": _gelu,
    "Swish": lambda node: _swish(node),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _of_one(hardswish),
    "ThresholdedRelu": lambda node: where(
        node.formula(0) > _decimal(node.attribute("alpha", 1.0)), node.formula(0), 0.0
    ),
    "Clip": _clip,
    "Where": _where,
    "Greater": _of_two(lambda a, b: a > b),
    "GreaterOrEqual": _of_two(lambda a, b: a >= b),
    "Less": _of_two(lambda a, b: a < b),
    "LessOrEqual": _of_two(lambda a, b: a <= b),
    "Equal": _of_two(lambda a, b: (a >= b) * (a <= b)),
    "Not": _not,
    "And": _of_two(lambda a, b: a * b),
    "Or": _of_two(maximum),
    "Identity": lambda node: node.value(0),
    "Cast": lambda node: _cast(node),
    "CastLike": lambda node: node.value(0),
}
"""By operator, the formula of its inputs."""


def _shrink(node: OnnxNode) -> Result:
    """Nearer to 0 by the bias, and 0 from −λ to λ."""
    z = node.formula(0)
    edge, bias = _decimal(node.attribute("lambd", 0.5)), _decimal(node.attribute("bias", 0.0))
    return where(z > edge, z - bias, where(z < -edge, z + bias, 0.0))


def _swish(node: OnnxNode) -> Result:
    scale, z = _decimal(node.attribute("alpha", 1.0)), node.formula(0)
    return silu(z) if scale == 1 else z * sigmoid(scale * z)


def _cast(node: OnnxNode) -> Result:
    if node.attribute("to") not in _REAL:
        node.refuse(
            "makes numbers of another kind of what has a gradient",
            "only floating ones can be followed",
        )
    return node.value(0)


_REAL = (1, 10, 11, 16)
"""The floating types of ONNX: float, float16, double, bfloat16."""
