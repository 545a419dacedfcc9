"""Functions of straight pieces with flat ends: clip, and the activations that are made with it."""

from __future__ import annotations

from math import isfinite
from typing import Any

from handgrad.arrays import Array, Mask, Namespace
from handgrad.expression import Expression
from handgrad.notation import Function, Inside
from handgrad.operations.choosing import greater_equal
from handgrad.operations.functions import maximum, minimum
from handgrad.operations.operation import Kink, Misfit, Operation, Options, elementwise
from handgrad.operations.words import OptionWords, Words


def held(xp: Namespace, a: Any, low: Any, high: Any) -> Any:
    """Each number, held between two; None for a side where nothing holds it."""
    if low is not None:
        a = xp.maximum(a, float(low))
    return a if high is None else xp.minimum(a, float(high))


def _inside(xp: Namespace, a: Any, low: Any, high: Any) -> Any:
    above: Any = 1.0 if low is None else xp.where(a > low, 1.0, 0.0)
    return above if high is None else xp.where(a < high, above, 0.0)


def _within(xp: Namespace, a: Any, low: Any, high: Any) -> Any:
    above: Any = 1.0 if low is None else xp.where(a >= low, 1.0, 0.0)
    return above if high is None else xp.where(a <= high, above, 0.0)


def _bounds(options: Options) -> None:
    """Raises `Misfit` for what are no bounds."""
    given = {name: value for name, value in options.items() if value is not None}
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise Misfit(f"{name} must be a number")
    if not given:
        raise Misfit("clip has no bound", "write clip({0}, 0, 1), or clip({0}, low=0)")
    low, high = options["low"], options["high"]
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        raise Misfit(f"low = {low:g} is above high = {high:g}", "the lower bound comes first")


inside: Operation = elementwise(
    "inside",
    _inside,
    (None,),
    family="helper",
    words=Words("the gate of a hard activation", "1 between the bounds, 0 at them and beyond."),
    notation=Inside("<"),
    options={"low": None, "high": None},
    fitting=_bounds,
)
within: Operation = elementwise(
    "within",
    _within,
    (None,),
    family="helper",
    words=Words("the gate of clip", "1 between the bounds and at them, 0 beyond."),
    notation=Inside("≤"),
    options={"low": None, "high": None},
    fitting=_bounds,
)


def _at(*bounds: float) -> Any:
    """Where a number is one of those at which a function bends."""

    def at(xp: Namespace, z: Array) -> Mask:
        found: Mask = (z == bounds[0]) | (z == bounds[-1])
        return found

    return at


def _between(
    a: Expression, low: Expression | None = None, high: Expression | None = None
) -> Expression:
    """What clip is where its bounds are formulas, to which gradient goes too."""
    held_below = a if low is None else maximum(a, low)
    return held_below if high is None else minimum(held_below, high)


clip: Operation = elementwise(
    "clip",
    held,
    (lambda out, a, low, high: within(a, low=low, high=high),),
    spellings=("clamp",),
    positional=("low", "high"),
    of_formulas=_between,
    fitting=_bounds,
    words=Words(
        "clip",
        "Clip holds every number between its bounds.",
        "The gradient passes where the number lies between the bounds or at one of them, and is stopped beyond.",
        options={
            "low": OptionWords("the lower bound is"),
            "high": OptionWords("the upper bound is"),
        },
    ),
    notation=Function("clip", r"\operatorname{clip}"),
    options={"low": None, "high": None},
    leaking=lambda call: call.arguments[0],
    kinks=(
        Kink(
            lambda xp, a, low, high: (a == low) | (a == high),
            "clip has a kink at each bound; its slope there is taken as 1",
        ),
    ),
)
hardtanh: Operation = elementwise(
    "hardtanh",
    lambda xp, z: held(xp, z, -1, 1),
    (lambda out, z: inside(z, low=-1, high=1),),
    family="activation",
    spellings=("Hardtanh", "hard_tanh"),
    words=Words(
        "hardtanh",
        "Hardtanh passes numbers between −1 and 1 on and holds all others at these bounds.",
        "The gradient passes where the pre-activation lies between −1 and 1 and is stopped elsewhere.",
    ),
    notation=Function("hardtanh", r"\operatorname{hardtanh}"),
    bounds=(-1.0, 1.0),
    saturation=1.0,
    flat=True,
    leaking=lambda call: call.arguments[0],
    kinks=(Kink(_at(-1, 1), "hardtanh has kinks at −1 and 1; its slopes there are taken as 0"),),
)
relu6: Operation = elementwise(
    "relu6",
    lambda xp, z: held(xp, z, 0, 6),
    (lambda out, z: inside(z, low=0, high=6),),
    family="activation",
    spellings=("ReLU6",),
    words=Words(
        "ReLU6",
        "ReLU6 turns negative numbers into 0, holds those above 6 at 6, and passes the others on.",
        "The gradient passes where the pre-activation lies between 0 and 6 and is stopped elsewhere.",
    ),
    notation=Function("ReLU6", r"\operatorname{ReLU6}"),
    bounds=(0.0, 6.0),
    saturation=1.0,
    flat=True,
    steep_at=3.0,
    leaking=lambda call: call.arguments[0],
    kinks=(Kink(_at(0, 6), "ReLU6 has kinks at 0 and 6; its slopes there are taken as 0"),),
)
hardsigmoid: Operation = elementwise(
    "hardsigmoid",
    lambda xp, z: held(xp, z + 3.0, 0, 6) / 6.0,
    (lambda out, z: inside(z, low=-3, high=3) / 6,),
    family="activation",
    spellings=("Hardsigmoid", "hard_sigmoid"),
    words=Words(
        "hard sigmoid",
        "The hard sigmoid is a straight line from 0 at z = −3 to 1 at z = 3, and flat beyond.",
        "The slope is 1/6 where the pre-activation lies between −3 and 3, and 0 elsewhere.",
    ),
    notation=Function("hardσ", r"\operatorname{hard\sigma}"),
    bounds=(0.0, 1.0),
    saturation=1 / 6,
    flat=True,
    leaking=lambda call: call.arguments[0],
    kinks=(
        Kink(_at(-3, 3), "the hard sigmoid has kinks at −3 and 3; its slopes there are taken as 0"),
    ),
)
hardswish: Operation = elementwise(
    "hardswish",
    lambda xp, z: z * held(xp, z + 3.0, 0, 6) / 6.0,
    (lambda out, z: inside(z, low=-3, high=3) * (2 * z + 3) / 6 + greater_equal(z, 3),),
    family="activation",
    spellings=("Hardswish", "hard_swish"),
    words=Words(
        "hard swish",
        "Hard swish multiplies z by the hard sigmoid, a line from 0 at z = −3 to 1 at z = 3.",
        "The slope is 0 up to −3, (2z + 3)/6 between, and 1 from 3 on.",
    ),
    notation=Function("HardSwish", r"\operatorname{HardSwish}"),
    leaking=lambda call: call.arguments[0],
    kinks=(
        Kink(_at(-3, 3), "hard swish has kinks at −3 and 3; its slopes there are taken as 0 and 1"),
    ),
)

OPERATIONS: tuple[Operation, ...] = (
    clip,
    hardtanh,
    relu6,
    hardsigmoid,
    hardswish,
    inside,
    within,
)
