"""Activations. To add one, add an entry here: CONTRIBUTING.md shows it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handgrad.arrays import Namespace
from handgrad.notation import Function
from handgrad.operations.functions import minimum, special, step
from handgrad.operations.operation import Kink, Operation, elementwise
from handgrad.operations.words import OptionWords, Words

_AT_ZERO = Kink(
    lambda xp, z, *_, **options: z == 0,
    "the pre-activation is exactly 0, where the slope is taken as that of z ≤ 0",
)


def positive_part(xp: Namespace, z: Any) -> Any:
    """max(z, 0); undefined where z is."""
    if xp is np and getattr(z, "dtype", None) in (np.float64, np.float32):
        # Without a branch for each number, of which half are mispredicted; the sum makes 0 of −0.
        positive = np.maximum(z, 0.0)
        positive += 0.0
        return positive
    return xp.where(z <= 0, 0.0, z)


relu: Operation = elementwise(
    "relu",
    positive_part,
    (lambda out, z: step(z),),
    family="activation",
    words=Words(
        "ReLU",
        "ReLU passes positive numbers on unchanged and turns all others into 0.",
        "ReLU is a gate: the gradient passes where the pre-activation is positive and is stopped elsewhere.",
    ),
    notation=Function("ReLU", r"\operatorname{ReLU}"),
    spellings=("ReLU",),
    one_sided=True,
    # GELU in its tanh form, which array code computes many times faster than the error function.
    alternatives=("leaky_relu", "elu", "gelu_tanh"),
    gate=True,
    leaky_form="leaky_relu",
    kinks=(Kink(lambda xp, z: z == 0, "ReLU has a kink at 0; its slope there is taken as 0"),),
)
leaky_relu: Operation = elementwise(
    "leaky_relu",
    lambda xp, z, alpha: xp.where(z > 0, z, alpha * z),
    (lambda out, z, alpha: leaky_step(z, alpha=alpha),),
    family="activation",
    spellings=("LeakyReLU", "lrelu"),
    pair="prelu",
    positional=("alpha",),
    words=Words(
        "leaky ReLU",
        "Leaky ReLU passes positive numbers on and shrinks the others by the factor α.",
        "Leaky ReLU multiplies the gradient by 1 where the pre-activation is positive and by α elsewhere: it never shuts.",
        options={"alpha": OptionWords("α is")},
    ),
    notation=Function("LeakyReLU", r"\operatorname{LeakyReLU}"),
    options={"alpha": 0.01},
    kinks=(_AT_ZERO,),
)
leaky_step: Operation = elementwise(
    "leaky_step",
    lambda xp, z, alpha: xp.where(z > 0, 1.0, alpha),
    (None,),
    put_in=True,
    family="helper",
    words=Words("the slope of leaky ReLU", "1 where z > 0, α elsewhere."),
    notation=Function("LeakyReLU′", r"\operatorname{LeakyReLU}'"),
    options={"alpha": 0.01},
)
prelu: Operation = elementwise(
    "prelu",
    lambda xp, z, a: xp.where(z > 0, z, a * z),
    (lambda out, z, a: prelu_slope(z, a), lambda out, z, a: minimum(z, 0)),
    family="activation",
    spellings=("PReLU",),
    words=Words(
        "PReLU",
        "PReLU passes positive numbers on and multiplies the others by a slope, its second argument.",
        "PReLU multiplies the gradient by 1 where the pre-activation is positive and by its slope elsewhere; "
        "the gradient of that slope is what arrives times z, from where z is not positive.",
        by_argument=(
            "The gradient passes unchanged where the pre-activation is positive, and times the slope elsewhere.",
            "The slope's gradient collects z from where z is not positive.",
        ),
    ),
    notation=Function("PReLU", r"\operatorname{PReLU}"),
    leaking=lambda call: call.arguments[0] + call.arguments[1],
    kinks=(_AT_ZERO,),
)
prelu_slope: Operation = elementwise(
    "prelu_slope",
    lambda xp, z, a: xp.where(z > 0, 1.0, a),
    (None, None),
    put_in=True,
    family="helper",
    words=Words("the slope of PReLU", "1 where z > 0, the slope it is given elsewhere."),
    notation=Function("PReLU′", r"\operatorname{PReLU}'"),
)


def sigmoid_of(xp: Namespace, z: Any) -> Any:
    """σ of an array, without overflow."""
    # A library's own, where there is one: its derivative holds where exp(−z) overflows.
    own = getattr(xp, "sigmoid", None)
    if own is not None:
        return own(z)
    # Where exp(−z) overflows to infinity, 1 / (1 + ∞) is the right 0.
    return 1.0 / (1.0 + xp.exp(-z))


sigmoid: Operation = elementwise(
    "sigmoid",
    sigmoid_of,
    (lambda out, z: out * (1 - out),),
    family="activation",
    words=Words(
        "the sigmoid",
        "The sigmoid squeezes a number between 0 and 1.",
        "The slope of the sigmoid is σ(z)(1 − σ(z)), at most ¼.",
    ),
    notation=Function("σ", r"\sigma"),
    spellings=("σ", "sigma", "Sigmoid", "logistic", "expit"),
    bounds=(0.0, 1.0),
    saturation=0.25,
)
tanh: Operation = elementwise(
    "tanh",
    lambda xp, z: xp.tanh(z),
    (lambda out, z: 1 - out**2,),
    family="activation",
    spellings=("Tanh",),
    words=Words(
        "tanh",
        "Tanh squeezes a number between −1 and 1.",
        "The slope of tanh is 1 − tanh²(z), at most 1.",
    ),
    notation=Function("tanh", r"\tanh"),
    bounds=(-1.0, 1.0),
    saturation=1.0,
)
softplus: Operation = elementwise(
    "softplus",
    lambda xp, z: positive_part(xp, z) + xp.log1p(xp.exp(-xp.abs(z))),
    (lambda out, z: sigmoid(z),),
    family="activation",
    spellings=("Softplus",),
    words=Words(
        "softplus",
        "Softplus is ln(1 + eᶻ), a smooth ReLU.",
        "The slope of softplus is the sigmoid.",
        written_out="ln(1 + eᶻ), or max(z, 0) + ln(1 + exp(−|z|)), is softplus: its slope is the sigmoid.",
    ),
    notation=Function("softplus", r"\operatorname{softplus}"),
    one_sided=True,
)
log_sigmoid: Operation = elementwise(
    "log_sigmoid",
    lambda xp, z: xp.minimum(z, 0.0) - xp.log1p(xp.exp(-xp.abs(z))),
    (lambda out, z: sigmoid(-z),),
    family="activation",
    spellings=("logsigmoid", "LogSigmoid"),
    words=Words(
        "log sigmoid",
        "Log sigmoid is ln σ(z), computed without overflow.",
        "The slope of ln σ(z) is 1 − σ(z), which is σ(−z).",
    ),
    notation=Function("log σ", r"\operatorname{log\,\sigma}"),
    one_sided=True,
    logarithm=True,
)
silu: Operation = elementwise(
    "silu",
    lambda xp, z: z * sigmoid_of(xp, z),
    (lambda out, z: sigmoid(z) * (1 + z * (1 - sigmoid(z))),),
    family="activation",
    spellings=("SiLU", "swish"),
    words=Words(
        "SiLU", "SiLU multiplies z by σ(z).", "The slope follows from the product rule on z · σ(z)."
    ),
    notation=Function("SiLU", r"\operatorname{SiLU}"),
)
mish: Operation = elementwise(
    "mish",
    lambda xp, z: z * xp.tanh(positive_part(xp, z) + xp.log1p(xp.exp(-xp.abs(z)))),
    (lambda out, z: tanh(softplus(z)) + z * (1 - tanh(softplus(z)) ** 2) * sigmoid(z),),
    family="activation",
    spellings=("Mish",),
    words=Words(
        "Mish",
        "Mish multiplies z by tanh(softplus(z)).",
        "The slope follows from the product rule on z · tanh(softplus(z)).",
    ),
    notation=Function("Mish", r"\operatorname{Mish}"),
)


def _root(xp: Namespace, number: Any) -> Any:
    """The root of a constant, in full where the namespace's numbers have more digits than floats."""
    own = getattr(xp, "own_number", None)
    return math.sqrt(number) if own is None else own(number).sqrt()


normal_cdf: Operation = elementwise(
    "normal_cdf",
    lambda xp, z: 0.5 * special(xp, "erfc", -z / _root(xp, 2)),
    (lambda out, z: normal_pdf(z),),
    family="helper",
    words=Words(
        "the normal distribution function", "The distribution function of the standard normal."
    ),
    notation=Function("Φ", r"\Phi"),
)

normal_pdf: Operation = elementwise(
    "normal_pdf",
    lambda xp, z: xp.exp(-0.5 * z * z) / _root(xp, 2 * xp.pi),
    (lambda out, z: -(z * out),),
    family="helper",
    words=Words("the normal density", "The density of the standard normal."),
    notation=Function("φ", r"\varphi"),
)

gelu: Operation = elementwise(
    "gelu",
    lambda xp, z: z * 0.5 * special(xp, "erfc", -z / _root(xp, 2)),
    (lambda out, z: normal_cdf(z) + z * normal_pdf(z),),
    family="activation",
    spellings=("GELU",),
    words=Words(
        "GELU",
        "GELU multiplies z by Φ(z), the distribution function of the standard normal.",
        "The slope of GELU is Φ(z) + z φ(z).",
    ),
    notation=Function("GELU", r"\operatorname{GELU}"),
)

_K = math.sqrt(2 / math.pi)
_C = 0.044715


def _gelu_gate(xp: Namespace, z: Any) -> Any:
    return sigmoid_of(xp, 2 * _K * (z + _C * z**3))


gelu_gate: Operation = elementwise(
    "gelu_gate",
    _gelu_gate,
    (lambda out, z: out * (1 - out) * (2 * _K * (1 + 3 * _C * z**2)),),
    family="helper",
    words=Words(
        "the gate of GELU (tanh form)",
        "The tanh approximation of Φ: ½(1 + tanh(√(2/π)(z + 0.044715 z³))).",
    ),
    notation=Function("Φ̃", r"\tilde{\Phi}"),
)

gelu_tanh: Operation = elementwise(
    "gelu_tanh",
    lambda xp, z: z * _gelu_gate(xp, z),
    (
        lambda out, z: (
            gelu_gate(z) + z * (gelu_gate(z) * (1 - gelu_gate(z)) * (2 * _K * (1 + 3 * _C * z**2)))
        ),
    ),
    family="activation",
    words=Words(
        "GELU (tanh form)",
        "GELU in its tanh form multiplies z by Φ̃(z), an approximation of Φ(z).",
        "The slope follows from the product rule on z · Φ̃(z).",
    ),
    notation=Function("GELU", r"\operatorname{GELU}"),
)
"""GELU in the tanh form (Hendrycks and Gimpel, 2016)."""

OPERATIONS: tuple[Operation, ...] = (
    relu,
    leaky_relu,
    prelu,
    softplus,
    log_sigmoid,
    gelu,
    gelu_tanh,
    silu,
    mish,
    sigmoid,
    tanh,
    leaky_step,
    prelu_slope,
    normal_cdf,
    normal_pdf,
    gelu_gate,
)
