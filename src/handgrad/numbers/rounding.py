"""Float64 operations rounded in a chosen direction: `towards` is −∞ or ∞.

Sums, products, quotients and roots of floats are the nearest floats to the true results (IEEE 754),
so that the next float in a direction is past them.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from handgrad.arrays import Array

FUNCTION_ERROR = 8 * float(np.finfo(float).eps)
"""Relative error allowed to exp, log, tanh and the like, twice the 4 units in the last place to which NumPy's own tests hold them."""

TINY = 1e-300
"""Above it no digit of a float is lost at the lower end of the exponents."""

next_after = np.nextafter


def added(a: Any, b: Any, towards: float) -> Array:
    """a + b, exact where the sum is a float: its error is a float itself (Knuth's TwoSum).

    Past the largest float there is no error to be had, and the sum lies below or at it.
    """
    with np.errstate(all="ignore"):
        total = np.add(a, b)
        rest = total - a
        error = (a - (total - rest)) + (b - rest)
    exact_or_past = error <= 0 if towards > 0 else error >= 0
    return cast(Array, np.where(exact_or_past, total, next_after(total, towards)))


def product(a: Any, b: Any, towards: float) -> Array:
    """a · b; zero times an unbounded end is zero, as every number within the bound makes it."""
    return _past(*_product(a, b), towards)


def product_around(a: Any, b: Any) -> tuple[Array, Array]:
    """The same in both directions."""
    result, exact = _product(a, b)
    return _past(result, exact, -np.inf), _past(result, exact, np.inf)


def quotient_around(a: Any, b: Any) -> tuple[Array, Array]:
    """a / b for b other than zero, in both directions."""
    result = np.divide(a, b)
    exact = (a == 0) | (_is_power_of_two(b) & _in_range(result))
    return _past(result, exact, -np.inf), _past(result, exact, np.inf)


def _product(a: Any, b: Any) -> tuple[Any, Any]:
    """The nearest floats to a · b, and where they are exact."""
    zero = (a == 0) | (b == 0)
    with np.errstate(all="ignore"):
        result = np.where(zero, 0.0, np.multiply(a, b))
    return result, zero | ((_is_power_of_two(a) | _is_power_of_two(b)) & _in_range(result))


def _past(result: Any, exact: Any, towards: float) -> Array:
    return cast(Array, np.where(exact, result, next_after(result, towards)))


def _is_power_of_two(a: Any) -> Any:
    return abs(np.frexp(a)[0]) == 0.5


def _in_range(a: Any) -> Any:
    return (abs(a) > TINY) & np.isfinite(a)


def widened(value: Any, towards: float) -> Array:
    """A function's value moved past its possible error."""
    margin = np.where(np.isfinite(value), FUNCTION_ERROR * abs(value), 0.0)
    return cast(Array, next_after(value + np.copysign(margin, towards), towards))


def summed(terms: Array, axis: int, towards: float) -> Array:
    """The sum along an axis, past what any order of adding floats gives: n·ε/2·Σ|x| (Higham, 2002, 4.4).

    Whole numbers of up to 53 bits are added without an error.
    """
    count = terms.shape[axis]
    if count == 1:
        return np.squeeze(terms, axis)
    size = np.sum(abs(terms), axis=axis)
    exact = np.all(terms == np.rint(terms), axis=axis) & (size < 2.0**53)
    margin = np.where(exact, 0.0, count * float(np.finfo(float).eps) * size)
    return added(np.sum(terms, axis=axis), np.copysign(margin, towards), towards)
