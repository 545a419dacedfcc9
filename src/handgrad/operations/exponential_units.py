"""Activations that bend into an exponential below 0: ELU, and its relatives SELU and CELU."""

from __future__ import annotations

from typing import Any

from handgrad.arrays import Namespace
from handgrad.notation import Function
from handgrad.operations.functions import exp, minimum
from handgrad.operations.operation import (
    Kink,
    Misfit,
    Operation,
    Options,
    elementwise,
    require_numbers,
)
from handgrad.operations.words import OptionWords, Words


def _elu(xp: Namespace, z: Any, alpha: Any) -> Any:
    return xp.where(z > 0, z, alpha * xp.expm1(xp.where(z > 0, 0.0, z)))


elu: Operation = elementwise(
    "elu",
    _elu,
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

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
"""With these a layer keeps the mean 0 and the variance 1 of what comes in (Klambauer et al., 2017)."""

selu: Operation = elementwise(
    "selu",
    lambda xp, z: SELU_SCALE * _elu(xp, z, SELU_ALPHA),
    (lambda out, z: SELU_SCALE * elu_slope(z, elu(z, alpha=SELU_ALPHA), alpha=SELU_ALPHA),),
    family="activation",
    spellings=("SELU",),
    words=Words(
        "SELU",
        "SELU is ELU with α = 1.6733, times 1.0507: of inputs with mean 0 and variance 1 it keeps both.",
        "The slope is that of ELU, times 1.0507.",
    ),
    notation=Function("SELU", r"\operatorname{SELU}"),
    kinks=(
        Kink(
            lambda xp, z: z == 0,
            "SELU has a kink at 0; its slope there is taken as that of z ≤ 0, 1.7581",
        ),
    ),
)


def _above_zero(options: Options) -> None:
    require_numbers(options)
    if not float(options["alpha"]) > 0:  # type: ignore[arg-type]
        raise Misfit("alpha must be above 0", "it divides the pre-activation")


celu: Operation = elementwise(
    "celu",
    lambda xp, z, alpha: xp.where(z > 0, z, alpha * xp.expm1(xp.where(z > 0, 0.0, z) / alpha)),
    (lambda out, z, alpha: exp(minimum(z, 0) / alpha),),
    family="activation",
    spellings=("CELU",),
    positional=("alpha",),
    fitting=_above_zero,
    words=Words(
        "CELU",
        "CELU passes positive numbers on and bends the others towards −α, without a kink.",
        "The slope is 1 where the pre-activation is positive, and exp(z/α) elsewhere.",
        options={"alpha": OptionWords("α is")},
    ),
    notation=Function("CELU", r"\operatorname{CELU}"),
    options={"alpha": 1.0},
)

OPERATIONS: tuple[Operation, ...] = (elu, selu, celu, elu_slope)
