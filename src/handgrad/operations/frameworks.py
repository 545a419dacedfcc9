"""What frameworks take at kinks, as measured by the scripts in `findings/`.

PyTorch 2.13.0, JAX 0.10.2 and Keras 3.12.0 by `slopes-at-kinks.sh`, MLX 0.32.4 by `maximum-by-order-in-mlx.sh`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handgrad.record import record

FRAMEWORKS = ("handgrad", "PyTorch", "JAX", "Keras on PyTorch", "MLX")


@record
class SlopeAtKink:
    """The slopes that are taken at a kink.

    Arguments:
        at: the call and where it is.
        slopes: by framework, the slope; one that was not measured is left out.
    """

    at: str
    slopes: Mapping[str, str]


def _row(at: str, *slopes: str) -> SlopeAtKink:
    taken = {name: slope for name, slope in zip(FRAMEWORKS, slopes, strict=True) if slope}
    return SlopeAtKink(at, taken)


AT_KINKS: Mapping[str, tuple[SlopeAtKink, ...]] = {
    "relu": (_row("relu(z), z = 0", "0", "0", "0", "0", "0"),),
    "leaky_relu": (_row("leaky_relu(z) with slope α, z = 0", "α", "α", "1", "α", "1"),),
    "elu": (_row("elu(z), α = 1, z = 0", "1", "1", "1", "1", "1"),),
    "prelu": (
        _row(
            "prelu(z, α), z = 0",
            "α",
            "α",
            "",
            "0: the slope of neither side",
            "1 + α: the slope of neither side",
        ),
    ),
    "selu": (_row("selu(z), z = 0", "1.7581", "1.7581", "1.7581", "1.7581", "1.7581"),),
    "clip": (_row("clip(z, 0, 1), z = 0 and 1", "1", "1", "½", "1", "0"),),
    "hardtanh": (_row("hardtanh(z), z = −1 and 1", "0", "0", "1", "0", "0"),),
    "relu6": (_row("relu6(z), z = 0 and 6", "0", "0", "0", "0", "0"),),
    "hardsigmoid": (_row("hardsigmoid(z), z = −3 and 3", "0", "0", "0", "0", ""),),
    "hardswish": (
        _row("hardswish(z), z = −3", "0", "0", "0", "0", "0"),
        _row("hardswish(z), z = 3", "1", "1", "1", "1", "1"),
    ),
    "mae": (_row("mae(z, 0), z = 0", "0", "0", "", "0", "0"),),
    "maximum": (
        _row("maximum(z, 0), z = 0", "½", "½", "½", "½", "0"),
        _row("maximum(0, z), z = 0", "½", "½", "½", "½", "1: a tie goes to the second operand"),
    ),
    "abs": (_row("abs(z), z = 0", "0", "0", "1", "0", "0"),),
    "norm": (_row("norm(z) at the origin", "0", "0", "NaN", "0", "NaN"),),
}
"""By operation."""


def slopes_of(operation: str, framework: str) -> Iterator[tuple[str, str, str]]:
    """At each kink of an operation that was measured in a framework: where it is, the slope here, the slope there.

    Keras was measured on PyTorch.
    """
    for row in AT_KINKS.get(operation, ()):
        for name, theirs in row.slopes.items():
            if name.split(" on ")[0] == framework:
                yield row.at, row.slopes["handgrad"], theirs
