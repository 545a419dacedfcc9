"""Activations. To add one, add an entry here and its words in `explain/words.py`."""

from __future__ import annotations

import math
from typing import Any

from handgrad.notation import Function
from handgrad.operations.functions import step
from handgrad.operations.operation import Kink, Operation, elementwise

_AT_ZERO = Kink(
    lambda xp, z, **_: z == 0,
    "the pre-activation is exactly 0, where the slope is taken as that of z ≤ 0",
)


def positive_part(xp: Any, z: Any) -> Any:
    """max(z, 0)."""
    return xp.where(z > 0, z, 0.0)


relu: Operation = elementwise(
    "relu",
    positive_part,
    (lambda out, z: step(z),),
    family="activation",
    notation=Function("ReLU", r"\operatorname{ReLU}"),
    gate=True,
    ajar="leaky_relu",
    kinks=(Kink(lambda xp, z: z == 0, "ReLU has a kink at 0; its slope there is taken as 0"),),
)
leaky_relu: Operation = elementwise(
    "leaky_relu",
    lambda xp, z, alpha: xp.where(z > 0, z, alpha * z),
    (lambda out, z, alpha: leaky_step(z, alpha=alpha),),
    family="activation",
    notation=Function("LeakyReLU", r"\operatorname{LeakyReLU}"),
    options={"alpha": 0.01},
    kinks=(_AT_ZERO,),
)
leaky_step: Operation = elementwise(
    "leaky_step",
    lambda xp, z, alpha: xp.where(z > 0, 1.0, alpha),
    (None,),
    family="helper",
    notation=Function("LeakyReLU′", r"\operatorname{LeakyReLU}'"),
    options={"alpha": 0.01},
)
elu: Operation = elementwise(
    "elu",
    lambda xp, z, alpha: xp.where(z > 0, z, alpha * xp.expm1(xp.where(z > 0, 0.0, z))),
    (lambda out, z, alpha: elu_slope(z, out, alpha=alpha),),
    family="activation",
    notation=Function("ELU", r"\operatorname{ELU}"),
    options={"alpha": 1.0},
    kinks=(
        Kink(
            lambda xp, z, alpha: (z == 0) & (alpha != 1),
            "ELU with α ≠ 1 has a kink at 0; its slope there is taken as α",
        ),
    ),
)


def _elu_slope(xp: Any, z: Any, out: Any, alpha: Any) -> Any:
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
    family="helper",
    notation=Function("ELU′", r"\operatorname{ELU}'"),
    options={"alpha": 1.0},
)
"""1 where z > 0, ELU(z) + α elsewhere."""


def _sigmoid(xp: Any, z: Any) -> Any:
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
    notation=Function("σ", r"\sigma"),
    saturation=0.25,
)
tanh: Operation = elementwise(
    "tanh",
    lambda xp, z: xp.tanh(z),
    (lambda out, z: 1 - out**2,),
    family="activation",
    notation=Function("tanh", r"\tanh"),
    saturation=1.0,
)
softplus: Operation = elementwise(
    "softplus",
    lambda xp, z: positive_part(xp, z) + xp.log1p(xp.exp(-xp.abs(z))),
    (lambda out, z: sigmoid(z),),
    family="activation",
    notation=Function("softplus", r"\operatorname{softplus}"),
)
silu: Operation = elementwise(
    "silu",
    lambda xp, z: z * _sigmoid(xp, z),
    (lambda out, z: sigmoid(z) * (1 + z * (1 - sigmoid(z))),),
    family="activation",
    notation=Function("SiLU", r"\operatorname{SiLU}"),
)


def _root(xp: Any, number: Any) -> Any:
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
    notation=Function("Φ", r"\Phi"),
)
"""The distribution function of the standard normal."""

normal_pdf: Operation = elementwise(
    "normal_pdf",
    lambda xp, z: xp.exp(-0.5 * z * z) / _root(xp, 2 * xp.pi),
    (lambda out, z: -(z * out),),
    family="helper",
    notation=Function("φ", r"\varphi"),
)
"""The density of the standard normal."""

gelu: Operation = elementwise(
    "gelu",
    lambda xp, z: z * 0.5 * _erfc(xp, -z / _root(xp, 2)),
    (lambda out, z: normal_cdf(z) + z * normal_pdf(z),),
    family="activation",
    notation=Function("GELU", r"\operatorname{GELU}"),
)

_K = math.sqrt(2 / math.pi)
_C = 0.044715


def _gelu_gate(xp: Any, z: Any) -> Any:
    return _sigmoid(xp, 2 * _K * (z + _C * z**3))


gelu_gate: Operation = elementwise(
    "gelu_gate",
    _gelu_gate,
    (lambda out, z: out * (1 - out) * (2 * _K * (1 + 3 * _C * z**2)),),
    family="helper",
    notation=Function("Φ̃", r"\tilde{\Phi}"),
)
"""The tanh approximation of Φ: ½(1 + tanh(√(2/π)(z + 0.044715 z³)))."""

gelu_tanh: Operation = elementwise(
    "gelu_tanh",
    lambda xp, z: z * _gelu_gate(xp, z),
    (
        lambda out, z: (
            gelu_gate(z) + z * (gelu_gate(z) * (1 - gelu_gate(z)) * (2 * _K * (1 + 3 * _C * z**2)))
        ),
    ),
    family="activation",
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
