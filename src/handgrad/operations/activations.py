"""Activations. To add one, add an entry here: CONTRIBUTING.md shows it."""

from __future__ import annotations

import math
from typing import Any

from handgrad.arrays import Namespace
from handgrad.notation import Function
from handgrad.operations.functions import step
from handgrad.operations.operation import Kink, Operation, elementwise
from handgrad.operations.words import OptionWords, Words

_AT_ZERO = Kink(
    lambda xp, z, **_: z == 0,
    "the pre-activation is exactly 0, where the slope is taken as that of z ≤ 0",
)


def positive_part(xp: Namespace, z: Any) -> Any:
    """max(z, 0)."""
    return xp.where(z > 0, z, 0.0)


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
    positional=("alpha",),
    words=Words(
        "leaky ReLU",
        "Leaky ReLU passes positive numbers on and shrinks the others by the factor α.",
        "The gradient passes unchanged where the pre-activation is positive, and times α elsewhere: the gate never shuts.",
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
elu: Operation = elementwise(
    "elu",
    lambda xp, z, alpha: xp.where(z > 0, z, alpha * xp.expm1(xp.where(z > 0, 0.0, z))),
    (lambda out, z, alpha: elu_slope(z, out, alpha=alpha),),
    family="activation",
    spellings=("ELU",),
    positional=("alpha",),
    words=Words(
        "ELU",
        "ELU passes positive numbers on and bends the others towards −α.",
        "The slope is 1 where the pre-activation is positive, and ELU(z) + α elsewhere.",
        options={"alpha": OptionWords("α is")},
    ),
    notation=Function("ELU", r"\operatorname{ELU}"),
    options={"alpha": 1.0},
    kinks=(
        Kink(
            lambda xp, z, alpha: (z == 0) & (alpha != 1),
            "ELU with α ≠ 1 has a kink at 0; its slope there is taken as α",
        ),
    ),
)


def _elu_slope(xp: Namespace, z: Any, out: Any, alpha: Any) -> Any:
    slope = out + alpha
    # Where ELU(z) is close to −α floats keep few digits of the sum, and α·eᶻ has them all.
    close = alpha * xp.exp(xp.where(z > 0, 0.0, z))
    alike = xp.where(xp.abs(slope - close) <= 1e-12 * abs(alpha), close, slope)
    return xp.where(z > 0, 1.0, xp.where(z > _FLAT, slope, alike))


_FLAT = -7.0
"""From here on down 1 − e⁻⁷ leaves less than 13 digits of e⁻⁷."""

elu_slope: Operation = elementwise(
    "elu_slope",
    _elu_slope,
    (None, None),
    put_in=True,
    family="helper",
    words=Words("the slope of ELU", "1 where z > 0, ELU(z) + α elsewhere."),
    notation=Function("ELU′", r"\operatorname{ELU}'"),
    options={"alpha": 1.0},
)


def _sigmoid(xp: Namespace, z: Any) -> Any:
    # A library's own, where there is one: its derivative holds where exp(−z) overflows.
    own = getattr(xp, "sigmoid", None)
    if own is not None:
        return own(z)
    # Where exp(−z) overflows to infinity, 1 / (1 + ∞) is the right 0.
    return 1.0 / (1.0 + xp.exp(-z))


sigmoid: Operation = elementwise(
    "sigmoid",
    _sigmoid,
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
    ),
    notation=Function("softplus", r"\operatorname{softplus}"),
    one_sided=True,
)
silu: Operation = elementwise(
    "silu",
    lambda xp, z: z * _sigmoid(xp, z),
    (lambda out, z: sigmoid(z) * (1 + z * (1 - sigmoid(z))),),
    family="activation",
    spellings=("SiLU", "swish"),
    words=Words(
        "SiLU", "SiLU multiplies z by σ(z).", "The slope follows from the product rule on z · σ(z)."
    ),
    notation=Function("SiLU", r"\operatorname{SiLU}"),
)


def _root(xp: Namespace, number: Any) -> Any:
    """The root of a constant, in full where the namespace's numbers have more digits than floats."""
    own = getattr(xp, "own_number", None)
    return math.sqrt(number) if own is None else own(number).sqrt()


def _erfc(xp: Any, z: Any) -> Any:
    """The complementary error function; NumPy has none, so the standard library's, entry by entry."""
    special = getattr(xp, "special", None)
    if special is not None:
        return special.erfc(z)
    return xp.vectorize(math.erfc, otypes=[float])(z)


normal_cdf: Operation = elementwise(
    "normal_cdf",
    lambda xp, z: 0.5 * _erfc(xp, -z / _root(xp, 2)),
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
    lambda xp, z: z * 0.5 * _erfc(xp, -z / _root(xp, 2)),
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
    return _sigmoid(xp, 2 * _K * (z + _C * z**3))


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
    elu,
    softplus,
    gelu,
    gelu_tanh,
    silu,
    sigmoid,
    tanh,
    leaky_step,
    elu_slope,
    normal_cdf,
    normal_pdf,
    gelu_gate,
)
