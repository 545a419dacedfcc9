"""NumPy's functions on intervals, as the kernels of the operations call them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from handgrad.arrays import Array
from handgrad.numbers.interval import Interval, Truth
from handgrad.numbers.rounding import summed, widened
from handgrad.operations import minors

Axes = int | tuple[int, ...] | None

TRUSTED_ANGLE = 1e6
"""Beyond it, which turn of the circle an angle lies in is not asked: sin and cos are in [−1, 1]."""

own_number = Interval.of
pi = Interval(np.nextafter(math.pi, 0), np.nextafter(math.pi, 4))

# -- shapes ------------------------------------------------------------------------------------


def asarray(value: Any) -> Interval:
    return Interval.of(value)


def zeros(shape: tuple[int, ...], dtype: Any = float) -> Interval:
    return Interval(np.zeros(shape), np.zeros(shape))


def zeros_like(a: Interval) -> Interval:
    return zeros(a.shape)


def ones_like(a: Interval) -> Interval:
    return Interval.of(np.ones(a.shape))


def arange(count: int, dtype: Any = float) -> Interval:
    return Interval.of(np.arange(count, dtype=float))


def reshape(a: Any, shape: tuple[int, ...]) -> Interval:
    return Interval.of(a).each(lambda bound: np.reshape(bound, shape))


def expand_dims(a: Any, axis: int) -> Interval:
    return Interval.of(a).each(lambda bound: np.expand_dims(bound, axis))


def squeeze(a: Any, axis: Axes) -> Interval:
    return Interval.of(a).each(lambda bound: np.squeeze(bound, axis))


def flip(a: Any, axis: tuple[int, ...]) -> Interval:
    return Interval.of(a).each(lambda bound: np.flip(bound, axis))


def permute_dims(a: Any, axes: tuple[int, ...]) -> Interval:
    return Interval.of(a).each(lambda bound: np.transpose(bound, axes))


def broadcast_to(a: Any, shape: tuple[int, ...]) -> Interval:
    return Interval.of(a).each(lambda bound: np.broadcast_to(bound, shape))


def stack(arrays: Sequence[Any], axis: int = 0) -> Interval:
    return _joined(np.stack, arrays, axis)


def concat(arrays: Sequence[Any], axis: int = 0) -> Interval:
    return _joined(np.concatenate, arrays, axis)


def _joined(join: Callable[..., Array], arrays: Sequence[Any], axis: int) -> Interval:
    parts = [Interval.of(a) for a in arrays]
    return Interval(join([p.lower for p in parts], axis), join([p.upper for p in parts], axis))


# -- entry by entry ----------------------------------------------------------------------------


def where(condition: Any, a: Any, b: Any) -> Interval:
    """One or the other; the hull of both where the condition is undecided."""
    if isinstance(condition, Truth):
        return condition.choose(a, b)
    return Truth(np.asarray(condition), np.asarray(condition)).choose(a, b)


def _rising(
    function: Callable[..., Array], least: float = -math.inf, most: float = math.inf
) -> Callable[[Any], Interval]:
    """An increasing function, with the ends of its range."""

    def bounded(a: Any) -> Interval:
        a = Interval.of(a)
        below, above = widened(function(a.lower), -np.inf), widened(function(a.upper), np.inf)
        return Interval(np.maximum(below, least), np.minimum(above, most))

    return bounded


log1p = _rising(np.log1p)
expm1 = _rising(np.expm1, least=-1.0)
tanh = _rising(np.tanh, -1.0, 1.0)
sign = _rising(np.sign, -1.0, 1.0)


def exp(a: Any) -> Interval:
    return Interval.of(a).exp()


def log(a: Any) -> Interval:
    return Interval.of(a).log()


def sqrt(a: Any) -> Interval:
    return Interval.of(a).sqrt()


def abs(a: Any) -> Interval:
    return Interval.of(a).__abs__()


def cos(a: Any) -> Interval:
    return _wave(np.cos, Interval.of(a), crest=0.0)


def sin(a: Any) -> Interval:
    return _wave(np.sin, Interval.of(a), crest=math.pi / 2)


def _wave(function: Callable[..., Array], a: Interval, crest: float) -> Interval:
    """A cosine that is 1 at `crest`: its extremes lie at the ends, but where a turn lies between."""
    ends = np.stack([function(a.lower), function(a.upper)])
    far = np.maximum(np.abs(a.lower), np.abs(a.upper)) > TRUSTED_ANGLE
    low, high = widened(ends.min(axis=0), -np.inf), widened(ends.max(axis=0), np.inf)
    low = np.where(far | _holds_turn(a, crest + math.pi), -1.0, np.maximum(low, -1.0))
    high = np.where(far | _holds_turn(a, crest), 1.0, np.minimum(high, 1.0))
    return Interval(low, high)


def _holds_turn(a: Interval, at: float) -> Any:
    """Whether `at` plus whole turns may lie within."""
    slack = 1e-9  # more than the angles' own rounding up to `TRUSTED_ANGLE`
    first = np.ceil((a.lower - at) / (2 * math.pi) - slack)
    return first <= (a.upper - at) / (2 * math.pi) + slack


def maximum(a: Any, b: Any) -> Interval:
    a, b = Interval.of(a), Interval.of(b)
    return Interval(np.maximum(a.lower, b.lower), np.maximum(a.upper, b.upper))


def minimum(a: Any, b: Any) -> Interval:
    a, b = Interval.of(a), Interval.of(b)
    return Interval(np.minimum(a.lower, b.lower), np.minimum(a.upper, b.upper))


def clip(a: Any, low: Any, high: Any) -> Interval:
    return minimum(maximum(a, low), high)


def square(a: Any) -> Interval:
    return Interval.of(a) ** 2


class special:  # noqa: N801 - a namespace, as scipy.special is
    """The functions that NumPy lacks."""

    erf = staticmethod(_rising(np.vectorize(math.erf, otypes=[float]), -1.0, 1.0))

    @staticmethod
    def erfc(a: Any) -> Interval:
        erfc = np.vectorize(math.erfc, otypes=[float])
        a = Interval.of(a)
        low, high = widened(erfc(a.upper), -np.inf), widened(erfc(a.lower), np.inf)
        return Interval(np.maximum(low, 0.0), np.minimum(high, 2.0))


# -- along axes --------------------------------------------------------------------------------


def max(a: Any, axis: Axes = None, keepdims: bool = False) -> Interval:
    return Interval.of(a).each(lambda bound: np.max(bound, axis=axis, keepdims=keepdims))


class Least(Interval):
    """The least of an array along its axes, which knows the array: what alone may be the least is it."""

    __slots__ = ("array", "axes")

    def __init__(self, array: Interval, axes: Axes) -> None:
        super().__init__(
            np.min(array.lower, axis=axes, keepdims=True),
            np.min(array.upper, axis=axes, keepdims=True),
        )
        self.array, self.axes = array, axes

    def __eq__(self, other: object) -> Truth:  # type: ignore[override]
        truth = super().__eq__(other)
        if other is not self.array:
            return truth
        alone = np.sum(truth.possible, axis=self.axes, keepdims=True) == 1
        return Truth(truth.sure | (truth.possible & alone), truth.possible)

    __hash__ = None


def min(a: Any, axis: Axes = None, keepdims: bool = False) -> Interval:
    array = Interval.of(a)
    if keepdims:
        return Least(array, axis)
    return array.each(lambda bound: np.min(bound, axis=axis))


def sum(a: Any, axis: Axes = None, keepdims: bool = False) -> Interval:
    a = Interval.of(a)
    axes = tuple(range(a.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = tuple(sorted(k % a.ndim for k in axes))
    low, high = a.lower, a.upper
    for k in reversed(axes):
        low, high = summed(low, k, -np.inf), summed(high, k, np.inf)
    total = Interval(low, high)
    return total.each(lambda bound: np.expand_dims(bound, axes)) if keepdims else total


def prod(a: Any, axis: int, keepdims: bool = False) -> Interval:
    """Along one axis."""
    a = Interval.of(a)
    lead = (slice(None),) * (axis % a.ndim)
    product = a[(*lead, 0)]
    for k in range(1, a.shape[axis]):
        product = product * a[(*lead, k)]
    return expand_dims(product, axis) if keepdims else product


def cumsum(a: Any, axis: int) -> Interval:
    """The sums of the entries so far, along one axis."""
    a = Interval.of(a)
    lead = (slice(None),) * (axis % a.ndim)
    counts = range(1, a.shape[axis] + 1)
    return stack([sum(a[(*lead, slice(n))], axis) for n in counts], axis)


def mean(a: Any, axis: Axes = None, keepdims: bool = False) -> Interval:
    total = sum(a, axis, keepdims)
    return total / (Interval.of(a).lower.size // total.lower.size)


def einsum(subscripts: str, *arrays: Any) -> Interval:
    """Products of the entries of all arrays, summed over the letters that the result lacks."""
    inputs, out = subscripts.split("->")
    each = inputs.split(",")
    letters = "".join(dict.fromkeys(out + "".join(each)))
    terms, *others = (_spelled(a, own, letters) for a, own in zip(arrays, each, strict=True))
    for factor in others:
        terms = terms * factor
    gone = tuple(range(len(out), len(letters)))
    return sum(terms, gone) if gone else terms


def _spelled(a: Any, own: str, letters: str) -> Interval:
    """The array with an axis for each of the letters, of length 1 where it lacks the letter."""
    ordered = permute_dims(a, tuple(own.index(x) for x in letters if x in own))
    return ordered[tuple(slice(None) if x in own else None for x in letters)]


def matmul(a: Any, b: Any) -> Interval:
    a, b = Interval.of(a), Interval.of(b)
    # The axes before the matrices broadcast.
    deeper = a.ndim if a.ndim > b.ndim else b.ndim
    lead = "abcdefgh"[: deeper - 2] if deeper > 2 else ""
    left, right = (lead[len(lead) - x.ndim + 2 :] if x.ndim > 2 else "" for x in (a, b))
    row, column = "ij"[-a.ndim :], "jk"[: b.ndim]
    out = "".join(x for x in row + column if x != "j")
    return einsum(f"{left}{row},{right}{column}->{lead}{out}", a, b)


def inverse(a: Any) -> Interval:
    """Of the matrices on the last two axes."""
    return cast(Interval, minors.inverse(Interval.of(a), stack))


def determinant(a: Any) -> Interval:
    """Of the matrices on the last two axes."""
    return cast(Interval, minors.determinant(Interval.of(a)))


def tensordot(a: Any, b: Any, axes: int) -> Interval:
    """Over the last axis of a and the first of b."""
    a, b = Interval.of(a), Interval.of(b)
    left, right = "abcd"[: a.ndim - 1] + "j", "j" + "wxyz"[: b.ndim - 1]
    return einsum(f"{left},{right}->{left[:-1]}{right[1:]}", a, b)
