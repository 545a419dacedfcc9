"""Functions applied entry by entry: exp, log, roots, waves, and the larger or smaller of two."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from handgrad.arrays import Namespace
from handgrad.expression import ONE, Call, Expression
from handgrad.notation import Compared, Fence, Function, Indicator
from handgrad.operations.constants import circle_number, is_e
from handgrad.operations.operation import (
    Domain,
    Kernel,
    Kink,
    Misfit,
    Operation,
    Options,
    Signature,
    elementwise,
    require_numbers,
)
from handgrad.operations.words import OptionWords, Words

exp: Operation = elementwise(
    "exp",
    lambda xp, z: xp.exp(z),
    (lambda out, z: out,),
    words=Words(
        "the exponential", "Take the exponential.", "The exponential is its own derivative."
    ),
    notation=Function("exp", r"\exp"),
    one_sided=True,
)
log: Operation = elementwise(
    "log",
    lambda xp, a: xp.log(a),
    (lambda out, a: 1 / a,),
    words=Words("the logarithm", "Take the natural logarithm.", "The derivative of ln a is 1/a."),
    notation=Function("ln", r"\ln"),
    spellings=("ln",),
    logarithm=True,
    simplify=lambda call: ONE if is_e(call.arguments[0]) else None,
    domain=(Domain(0, lambda xp, a, shapes: a > 0, "positive"),),
)
sqrt: Operation = elementwise(
    "sqrt",
    lambda xp, a: xp.sqrt(a),
    (lambda out, a: 1 / (2 * out),),
    words=Words("the square root", "Take the square root.", "The derivative of √a is 1/(2√a)."),
    notation=Function("√", r"\sqrt"),
    domain=(Domain(0, lambda xp, a, shapes: a >= 0, "zero or positive"),),
    kinks=(Kink(lambda xp, a: a == 0, "√ has no finite slope at 0"),),
)
square: Operation = elementwise(
    "square",
    lambda xp, a: xp.square(a),
    (lambda out, a: 2 * a,),
    words=Words("the square", "Square entry by entry.", "The derivative of a² is 2a."),
    means=lambda a: a**2,
)
log1p: Operation = elementwise(
    "log1p",
    lambda xp, a: xp.log1p(a),
    (lambda out, a: 1 / (1 + a),),
    words=Words(
        "ln(1 + a)",
        "Add 1 and take the natural logarithm.",
        "The derivative of ln(1 + a) is 1/(1 + a).",
    ),
    means=lambda a: log(1 + a),
)
expm1: Operation = elementwise(
    "expm1",
    lambda xp, a: xp.expm1(a),
    (lambda out, a: out + 1,),
    words=Words(
        "exp(a) − 1",
        "Take the exponential and subtract 1.",
        "The derivative of exp(a) − 1 is exp(a).",
    ),
    means=lambda a: exp(a) - 1,
)


def special(xp: Any, name: str, z: Any) -> Any:
    """A function that NumPy lacks: the library's own, or the standard library's entry by entry."""
    functions = getattr(xp, "special", None)
    if functions is not None:
        return getattr(functions, name)(z)
    return xp.vectorize(getattr(math, name), otypes=[float])(z)


erf: Operation = elementwise(
    "erf",
    lambda xp, a: special(xp, "erf", a),
    (lambda out, a: 2 / sqrt(circle_number()) * exp(-(a**2)),),
    words=Words(
        "the error function",
        "Take the error function, 2/√π times the area under exp(−t²) from 0 to a.",
        "The derivative of the error function is 2/√π · exp(−a²).",
    ),
    notation=Function("erf", r"\operatorname{erf}"),
)
sin: Operation = elementwise(
    "sin",
    lambda xp, a: xp.sin(a),
    (lambda out, a: cos(a),),
    words=Words("the sine", "Take the sine.", "The derivative of the sine is the cosine."),
    notation=Function("sin", r"\sin"),
)
cos: Operation = elementwise(
    "cos",
    lambda xp, a: xp.cos(a),
    (lambda out, a: -sin(a),),
    words=Words(
        "the cosine", "Take the cosine.", "The derivative of the cosine is minus the sine."
    ),
    notation=Function("cos", r"\cos"),
)
absolute: Operation = elementwise(
    "abs",
    lambda xp, a: xp.abs(a),
    (lambda out, a: sign(a),),
    spellings=("absolute", "fabs"),
    words=Words(
        "the absolute value",
        "Take the absolute value.",
        "The gradient keeps its sign where a is positive and changes it where a is negative.",
    ),
    notation=Fence("|", "|", r"\left|", r"\right|"),
    kinks=(Kink(lambda xp, a: a == 0, "|a| has a kink at 0; its slope there is taken as 0"),),
)
sign: Operation = elementwise(
    "sign",
    lambda xp, a: xp.sign(a),
    (None,),
    family="helper",
    words=Words("the sign", "1 for positive numbers, −1 for negative ones, 0 for 0."),
    notation=Function("sign", r"\operatorname{sign}"),
)
step: Operation = elementwise(
    "step",
    lambda xp, z: xp.where(z > 0, 1.0, 0.0),
    (None,),
    family="helper",
    words=Words("the gate of ReLU", "1 where z > 0, 0 elsewhere: shut at exactly 0."),
    notation=Indicator("> 0"),
)


def _tie_share(xp: Namespace, a: Any, b: Any) -> Any:
    return xp.where(a > b, 1.0, xp.where(a == b, 0.5, 0.0))


def _tie_share_within(_: Signature, noise: float) -> Kernel:
    def share(xp: Namespace, a: Any, b: Any) -> Any:
        tie = (a == b) | (xp.abs(a - b) <= noise * (xp.abs(a) + xp.abs(b)))
        return xp.where(tie, 0.5, xp.where(a > b, 1.0, 0.0))

    return share


larger: Operation = elementwise(
    "larger",
    _tie_share,
    (None, None),
    family="helper",
    words=Words(
        "the share of the larger",
        "1 where a > b, ½ where they tie, 0 elsewhere.",
        defined="1[a > b] is 1 where a > b and 0 elsewhere; where a = b it is ½.",
    ),
    notation=Compared(">"),
    within=_tie_share_within,
)

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
    words=Words(
        "the maximum of two",
        "Take the larger of the two, entry by entry.",
        "Only the larger of the two receives the gradient; where they tie, each takes half.",
    ),
    notation=Function("max", r"\max"),
    one_sided=True,
    keeps_positive=True,
    commutative=True,
    kinks=_TIES,
    leaking=lambda call: call.arguments[1] + _gap(call),
)
minimum: Operation = elementwise(
    "minimum",
    lambda xp, a, b: xp.minimum(a, b),
    (lambda out, a, b: larger(b, a), lambda out, a, b: larger(a, b)),
    words=Words(
        "the minimum of two",
        "Take the smaller of the two, entry by entry.",
        "Only the smaller of the two receives the gradient; where they tie, each takes half.",
    ),
    notation=Function("min", r"\min"),
    keeps_positive=True,
    commutative=True,
    kinks=_TIES,
    leaking=lambda call: call.arguments[0] - _gap(call),
)


def _kept(p: float) -> float:
    """1 − p of a decimal as it is written: 1 − 0.9 is a tenth, which the difference of the floats is not."""
    return float(1 - Fraction(repr(p)))


def _dropped(xp: Namespace, h: Any, mask: Any, p: Any) -> Any:
    return h * mask / _kept(p)


def _share(options: Options) -> None:
    require_numbers(options)
    if not 0 <= float(options["p"]) < 1:  # type: ignore[arg-type]
        raise Misfit("p must be at least 0 and below 1", "it is the share that is dropped")


dropout: Operation = elementwise(
    "dropout",
    _dropped,
    (lambda out, h, mask, p: mask / _kept(p), lambda out, h, mask, p: h / _kept(p)),
    positional=("p",),
    fitting=_share,
    words=Words(
        "dropout",
        "Dropout keeps what the mask has a 1 for and divides it by 1 − p, and turns the rest into 0.",
        "The gradient passes where the mask is 1, divided by 1 − p, and is stopped elsewhere.",
        by_argument=(
            "The gradient passes where the mask is 1, divided by 1 − p, and is stopped elsewhere.",
            "The mask's gradient is what it lets through, divided by 1 − p.",
        ),
        options={"p": OptionWords("the share that is dropped is p =")},
    ),
    notation=Function("dropout", r"\operatorname{dropout}"),
    options={"p": 0.5},
    carries=(0,),
    domain=(
        Domain(
            1,
            lambda xp, mask, shapes: (mask == 0) | (mask == 1),
            "1 for what is kept, 0 for the rest",
        ),
    ),
)
"""Inverted dropout with a mask that is given (Srivastava et al., 2014): the mean stays what it was."""

OPERATIONS: tuple[Operation, ...] = (
    exp,
    log,
    sqrt,
    absolute,
    square,
    log1p,
    expm1,
    erf,
    sin,
    cos,
    maximum,
    minimum,
    dropout,
    sign,
    step,
    larger,
)
