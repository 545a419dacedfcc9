"""Functions applied entry by entry: exp, log, roots, waves, and the larger or smaller of two."""

from __future__ import annotations

from typing import Any

from handgrad.expression import Call, Expression
from handgrad.notation import Fence, Function, Indicator
from handgrad.operations.operation import (
    Domain,
    Kernel,
    Kink,
    Operation,
    Signature,
    elementwise,
)

exp: Operation = elementwise(
    "exp",
    lambda xp, z: xp.exp(z),
    (lambda out, z: out,),
    notation=Function("exp", r"\exp"),
)
log: Operation = elementwise(
    "log",
    lambda xp, a: xp.log(a),
    (lambda out, a: 1 / a,),
    notation=Function("ln", r"\ln"),
    domain=(Domain(0, lambda xp, a, shapes: a > 0, "positive"),),
)
sqrt: Operation = elementwise(
    "sqrt",
    lambda xp, a: xp.sqrt(a),
    (lambda out, a: 1 / (2 * out),),
    notation=Function("√", r"\sqrt"),
    domain=(Domain(0, lambda xp, a, shapes: a >= 0, "zero or positive"),),
    kinks=(Kink(lambda xp, a: a == 0, "√ has no finite slope at 0"),),
)
sin: Operation = elementwise(
    "sin",
    lambda xp, a: xp.sin(a),
    (lambda out, a: cos(a),),
    notation=Function("sin", r"\sin"),
)
cos: Operation = elementwise(
    "cos",
    lambda xp, a: xp.cos(a),
    (lambda out, a: -sin(a),),
    notation=Function("cos", r"\cos"),
)
absolute: Operation = elementwise(
    "abs",
    lambda xp, a: xp.abs(a),
    (lambda out, a: sign(a),),
    notation=Fence("|", "|", r"\left|", r"\right|"),
    kinks=(Kink(lambda xp, a: a == 0, "|a| has a kink at 0; its slope there is taken as 0"),),
)
sign: Operation = elementwise(
    "sign",
    lambda xp, a: xp.sign(a),
    (None,),
    family="helper",
    notation=Function("sign", r"\operatorname{sign}"),
)
step: Operation = elementwise(
    "step",
    lambda xp, z: xp.where(z > 0, 1.0, 0.0),
    (None,),
    family="helper",
    notation=Indicator("> 0"),
)
"""The gate of ReLU: 1[z > 0], so closed at exactly 0."""


def _tie_share(xp: Any, a: Any, b: Any) -> Any:
    return xp.where(a > b, 1.0, xp.where(a == b, 0.5, 0.0))


def _tie_share_within(_: Signature, noise: float) -> Kernel:
    def share(xp: Any, a: Any, b: Any) -> Any:
        tie = (a == b) | (xp.abs(a - b) <= noise * (xp.abs(a) + xp.abs(b)))
        return xp.where(tie, 0.5, xp.where(a > b, 1.0, 0.0))

    return share


larger: Operation = elementwise(
    "larger",
    _tie_share,
    (None, None),
    family="helper",
    notation=Function("larger", r"\operatorname{larger}"),
    within=_tie_share_within,
)
"""1 where a > b, ½ where they tie, 0 elsewhere."""

_TIES = (
    Kink(
        lambda xp, a, b: a == b,
        "both sides are equal, and each takes half of the gradient",
        of_result=True,
    ),
)


def _gap(call: Call) -> Expression:
    """How far the first argument is above the second, smoothly."""
    a, b = call.arguments
    return Call("softplus", (a - b,))


maximum: Operation = elementwise(
    "maximum",
    lambda xp, a, b: xp.maximum(a, b),
    (lambda out, a, b: larger(a, b), lambda out, a, b: larger(b, a)),
    notation=Function("max", r"\max"),
    commutative=True,
    kinks=_TIES,
    leaking=lambda call: call.arguments[1] + _gap(call),
)
minimum: Operation = elementwise(
    "minimum",
    lambda xp, a, b: xp.minimum(a, b),
    (lambda out, a, b: larger(b, a), lambda out, a, b: larger(a, b)),
    notation=Function("min", r"\min"),
    commutative=True,
    kinks=_TIES,
    leaking=lambda call: call.arguments[0] - _gap(call),
)

OPERATIONS: tuple[Operation, ...] = (
    exp,
    log,
    sqrt,
    absolute,
    sin,
    cos,
    maximum,
    minimum,
    sign,
    step,
    larger,
)
