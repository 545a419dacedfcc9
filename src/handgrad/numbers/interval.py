"""Intervals: arrays of sound lower and upper bounds, rounded outward after every operation.

Whatever real numbers lie within the bounds of the arguments, the true result of an operation on
them lies within the bounds of its result (Moore, Kearfott and Cloud, "Introduction to Interval
Analysis", 2009). Where nothing is known the bounds are −∞ and ∞.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from handgrad.arrays import Array
from handgrad.numbers.rounding import (
    added,
    next_after,
    product,
    product_around,
    quotient_around,
    widened,
)

TOGETHER = 4096
"""Entries up to which the ends of intervals are multiplied all at once: of small arrays the calls are the cost."""


class Interval:
    """An array of intervals, with an array's operators. NaN for a bound means that it is unknown."""

    __slots__ = ("lower", "upper")
    __array_ufunc__ = None  # so that NumPy leaves array ∘ interval to the interval

    def __init__(self, lower: Any, upper: Any) -> None:
        low = np.asarray(lower, float)
        high = low if upper is lower else np.asarray(upper, float)
        unknown = np.isnan(low) if high is low else np.isnan(low) | np.isnan(high)
        if np.count_nonzero(unknown):
            low, high = np.where(unknown, -np.inf, low), np.where(unknown, np.inf, high)
        self.lower: Array = low
        self.upper: Array = high

    @classmethod
    def of(cls, value: Any) -> Interval:
        """Numbers as intervals of no width."""
        return value if isinstance(value, Interval) else cls(value, value)

    def __repr__(self) -> str:
        return f"Interval({self.lower!r}, {self.upper!r})"

    # -- an array ------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.lower.shape

    @property
    def ndim(self) -> int:
        return self.lower.ndim

    @property
    def dtype(self) -> np.dtype[np.float64]:
        return self.lower.dtype

    @property
    def T(self) -> Interval:  # noqa: N802 - an array's name for it
        return self.each(np.transpose)

    def each(self, change: Callable[[Array], Any]) -> Interval:
        """The same change of shape, or choice of entries, made to both bounds."""
        lower = change(self.lower)
        return Interval(lower, lower if self.upper is self.lower else change(self.upper))

    def __getitem__(self, at: Any) -> Interval:
        return self.each(lambda bound: bound[at])

    def __setitem__(self, at: Any, value: Any) -> None:
        value = Interval.of(value)
        # Both bounds of a plain number are one array, and perhaps the caller's.
        self.lower, self.upper = self.lower.copy(), self.upper.copy()
        self.lower[at], self.upper[at] = value.lower, value.upper

    def __contains__(self, value: Any) -> bool:
        """Whether every entry of an array lies within its bounds."""
        return bool(np.all((self.lower <= value) & (value <= self.upper)))

    # -- arithmetic ----------------------------------------------------------------------------

    def __add__(self, other: Any) -> Interval:
        b = Interval.of(other)
        return Interval(added(self.lower, b.lower, -np.inf), added(self.upper, b.upper, np.inf))

    __radd__ = __add__

    def __neg__(self) -> Interval:
        return Interval(-self.upper, -self.lower)

    def __sub__(self, other: Any) -> Interval:
        return self + -Interval.of(other)

    def __rsub__(self, other: Any) -> Interval:
        return Interval.of(other) + -self

    def __mul__(self, other: Any) -> Interval:
        return self.squared() if other is self else self._ends(Interval.of(other), product_around)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Interval:
        b = Interval.of(other)
        ends = self._ends(b, quotient_around)
        through_zero = (b.lower <= 0) & (b.upper >= 0)
        return Interval(
            np.where(through_zero, -np.inf, ends.lower), np.where(through_zero, np.inf, ends.upper)
        )

    def __rtruediv__(self, other: Any) -> Interval:
        return Interval.of(other) / self

    def _ends(self, b: Interval, operation: Callable[[Any, Any], tuple[Array, Array]]) -> Interval:
        """Of an operation that is monotone in each argument: the extremes lie at the ends."""
        ours = (self.lower,) if self.lower is self.upper else (self.lower, self.upper)
        theirs = (b.lower,) if b.lower is b.upper else (b.lower, b.upper)
        if len(ours) == len(theirs) == 1:
            return Interval(*operation(self.lower, b.lower))
        if max(self.lower.size, b.lower.size) > TOGETHER:
            ends = [operation(x, y) for x in ours for y in theirs]
            return Interval(
                np.minimum.reduce([low for low, _ in ends]),
                np.maximum.reduce([high for _, high in ends]),
            )
        # All pairs of ends at once, on two axes of their own.
        deeper = max(self.ndim, b.ndim)
        left, right = (
            np.array(ends).reshape(*axes, *(1,) * (deeper - ends[0].ndim), *ends[0].shape)
            for ends, axes in ((ours, (len(ours), 1)), (theirs, (1, len(theirs))))
        )
        low, high = operation(left, right)
        return Interval(np.minimum.reduce(low, (0, 1)), np.maximum.reduce(high, (0, 1)))

    def __abs__(self) -> Interval:
        least = np.maximum(np.maximum(self.lower, -self.upper), 0.0)
        return Interval(least, np.maximum(abs(self.lower), abs(self.upper)))

    def squared(self) -> Interval:
        size = abs(self)
        low, high = size.lower, size.upper
        return Interval(np.maximum(product(low, low, -np.inf), 0.0), product(high, high, np.inf))

    def __pow__(self, other: Any) -> Interval:
        if isinstance(other, int | float) and other == 2:
            return self.squared()
        b = Interval.of(other)
        if not np.array_equal(b.lower, b.upper):
            return (b * self.log()).exp()
        exponent = b.lower
        size, whole = abs(self), exponent == np.rint(exponent)
        low, high = np.power(size.lower, abs(exponent)), np.power(size.upper, abs(exponent))
        power = Interval(np.maximum(widened(low, -np.inf), 0.0), widened(high, np.inf))
        odd = whole & (exponent % 2 == 1)
        falls = odd & (self.lower < 0)
        crosses = falls & (self.upper > 0)
        lowest = widened(np.where(falls, -np.power(-self.lower, abs(exponent)), low), -np.inf)
        highest = widened(np.where(falls & ~crosses, -low, high), np.inf)
        highest = np.where(crosses, widened(np.power(self.upper, abs(exponent)), np.inf), highest)
        signed = Interval(
            np.where(odd, np.where(falls, lowest, power.lower), power.lower),
            np.where(odd, highest, power.upper),
        )
        undefined = ~whole & (self.lower < 0)
        result = Interval(
            np.where(undefined, -np.inf, signed.lower), np.where(undefined, np.inf, signed.upper)
        )
        inverse = 1.0 / result
        return Interval(
            np.where(exponent < 0, inverse.lower, result.lower),
            np.where(exponent < 0, inverse.upper, result.upper),
        )

    def __rpow__(self, other: Any) -> Interval:
        return Interval.of(other) ** self

    def sqrt(self) -> Interval:
        below = next_after(np.sqrt(np.maximum(self.lower, 0.0)), -np.inf)
        return Interval(np.maximum(below, 0.0), next_after(np.sqrt(self.upper), np.inf))

    def log(self) -> Interval:
        return Interval(
            widened(np.log(np.maximum(self.lower, 0.0)), -np.inf),
            widened(np.log(self.upper), np.inf),
        )

    def exp(self) -> Interval:
        below = np.maximum(widened(np.exp(self.lower), -np.inf), 0.0)
        return Interval(below, widened(np.exp(self.upper), np.inf))

    # -- comparisons ---------------------------------------------------------------------------

    def __lt__(self, other: Any) -> Truth:
        return Interval.of(other) > self

    def __le__(self, other: Any) -> Truth:
        return Interval.of(other) >= self

    def __gt__(self, other: Any) -> Truth:
        b = Interval.of(other)
        return Truth(self.lower > b.upper, self.upper > b.lower, self, b)

    def __ge__(self, other: Any) -> Truth:
        b = Interval.of(other)
        return Truth(self.lower >= b.upper, self.upper >= b.lower, self, b)

    def __eq__(self, other: object) -> Truth:  # type: ignore[override]
        b = Interval.of(other)
        points = (self.lower == self.upper) & (b.lower == b.upper) & (self.lower == b.lower)
        return Truth(points, (self.lower <= b.upper) & (b.lower <= self.upper))

    def __ne__(self, other: object) -> Truth:  # type: ignore[override]
        equal = self == other
        return Truth(~equal.possible, ~equal.sure)

    __hash__ = None  # type: ignore[assignment]


class Truth:
    """Whether a comparison holds, entry by entry: surely, possibly or not at all.

    `larger` and `smaller` are the sides of `larger > smaller` (or ≥), where it is one: within a
    branch that takes a side itself, the comparison narrows that side's bounds.
    """

    __slots__ = ("larger", "possible", "smaller", "sure")
    __array_ufunc__ = None

    def __init__(
        self,
        sure: Any,
        possible: Any,
        larger: Interval | None = None,
        smaller: Interval | None = None,
    ) -> None:
        self.sure = sure
        self.possible = possible
        self.larger = larger
        self.smaller = smaller

    def choose(self, a: Any, b: Any) -> Interval:
        """`a` where it holds and `b` where it does not; the hull of both where either may be."""
        a, b = self._narrowed(a, holds=True), self._narrowed(b, holds=False)
        return Interval(
            self._chosen(a.lower, b.lower, np.minimum), self._chosen(a.upper, b.upper, np.maximum)
        )

    def _chosen(self, a: Any, b: Any, either: Callable[[Any, Any], Any]) -> Any:
        return np.where(self.sure, a, np.where(self.possible, either(a, b), b))

    def _narrowed(self, branch: Any, *, holds: bool) -> Interval:
        at = self._side_of(branch)
        taken = Interval.of(branch)
        if at is None or self.larger is None or self.smaller is None:
            return taken
        other = self.smaller if at == "larger" else self.larger
        if (at == "larger") == holds:
            return Interval(np.maximum(taken.lower, other.lower), taken.upper)
        return Interval(taken.lower, np.minimum(taken.upper, other.upper))

    def _side_of(self, branch: Any) -> Literal["larger", "smaller"] | None:
        if branch is self.larger:
            return "larger"
        return "smaller" if branch is self.smaller else None
