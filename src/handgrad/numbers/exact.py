"""Exact numbers: fractions, and decimals of many digits from the first transcendental function on."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Any, TypeVar, cast

import numpy as np

from handgrad.errors import NumberError

DIGITS = 170
"""Digits that a decimal is carried to: what two differences, one of the other, leave is told from their rounding."""

REST = Decimal(10) ** -80
"""What a sum of decimals leaves of so many times its terms is a residue of their rounding, and 0.

A difference keeps ninety digits or more: 1 − σ(130) is e⁻¹³⁰.
"""

ALIKE = Decimal(2) ** -52
"""How far apart, for each unit of their size, two numbers that are one float may be."""

BITS = 20_000
"""A fraction with more bits than this is refused: exact results grow without bound."""

WRITTEN_BITS = 4_000
"""A fraction with more bits, some 1 200 digits, is written as a decimal."""

SERIES_UP_TO = 6
"""The largest argument of the error function's series: its terms reach exp(36), 16 digits."""

CONVERGENTS = 800
"""Terms of its continued fraction, which past that argument give more digits than are kept."""

CONTEXT = Context(prec=DIGITS, Emax=10**9, Emin=-(10**9))


Operator = TypeVar("Operator", bound=Callable[..., Any])


def among_arrays(method: Operator) -> Operator:
    """The operator, which leaves arrays to NumPy: it comes back for their entries."""

    def operator(self: Any, other: Any) -> Any:
        return NotImplemented if isinstance(other, np.ndarray) else method(self, other)

    return cast("Operator", operator)


class Exact:
    """A fraction, or a decimal of `DIGITS` digits; `is_exact` tells which.

    Raises `NumberError` where a fraction grows past `BITS` bits.
    """

    __slots__ = ("value",)

    def __init__(self, value: Fraction | Decimal) -> None:
        self.value = value
        if self.bits > BITS:
            raise NumberError(
                f"an exact result has more than {BITS} bits",
                mend="use floats, or smaller exponents",
            )

    @classmethod
    def of(cls, value: Any) -> Exact:
        """A number as it is written: 0.1 is 1/10."""
        if isinstance(value, Exact):
            return value
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, int):
            return cls(Fraction(int(value)))
        if isinstance(value, float):
            if not math.isfinite(value):
                return cls(Decimal(value))
            return cls(Fraction(repr(value)))
        return cls(Fraction(value))

    @classmethod
    def pi(cls) -> Exact:
        """π, in decimals."""
        with localcontext(Context(prec=DIGITS + 30)):
            digits = _pi()
        return cls(CONTEXT.plus(digits))

    @property
    def is_exact(self) -> bool:
        return isinstance(self.value, Fraction)

    @property
    def bits(self) -> int:
        """The bits of a fraction's two parts; 0 of a decimal."""
        if not isinstance(self.value, Fraction):
            return 0
        return self.value.numerator.bit_length() + self.value.denominator.bit_length()

    @property
    def decimal(self) -> Decimal:
        """The number in `DIGITS` digits."""
        if isinstance(self.value, Decimal):
            return self.value
        top, bottom = Decimal(self.value.numerator), Decimal(self.value.denominator)
        return CONTEXT.divide(CONTEXT.plus(top), CONTEXT.plus(bottom))

    def __float__(self) -> float:
        """The nearest float; an infinity beyond the largest."""
        try:
            return float(self.value)
        except OverflowError:
            return math.inf if self.value > 0 else -math.inf

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return self.written(WRITTEN_BITS)

    def written(self, most: int) -> str:
        """The fraction, where its parts have at most so many bits; else 20 digits, marked ≈."""
        if isinstance(self.value, Fraction) and self.bits <= most:
            return str(self.value)
        return f"≈{CONTEXT.plus(self.decimal).normalize(CONTEXT):.20g}"

    def __hash__(self) -> int:
        return hash(self.value)

    # -- arithmetic ----------------------------------------------------------------------------

    def _with(
        self, other: Any, rational: Callable[..., Fraction], real: Callable[..., Decimal]
    ) -> Exact:
        b = Exact.of(other)
        if isinstance(self.value, Fraction) and isinstance(b.value, Fraction):
            return Exact(rational(self.value, b.value))
        return Exact(real(self.decimal, b.decimal))

    @among_arrays
    def __add__(self, other: Any) -> Exact:
        return self._with(other, Fraction.__add__, _sum)

    def __radd__(self, other: Any) -> Exact:
        return Exact.of(other) + self

    @among_arrays
    def __sub__(self, other: Any) -> Exact:
        return self._with(other, Fraction.__sub__, _difference)

    def __rsub__(self, other: Any) -> Exact:
        return Exact.of(other) - self

    @among_arrays
    def __mul__(self, other: Any) -> Exact:
        if self.value == 0 or Exact.of(other).value == 0:
            return Exact(Fraction(0))
        return self._with(other, Fraction.__mul__, CONTEXT.multiply)

    def __rmul__(self, other: Any) -> Exact:
        return Exact.of(other) * self

    @among_arrays
    def __truediv__(self, other: Any) -> Exact:
        if Exact.of(other).value == 0:
            raise NumberError("a division by zero")
        return self._with(other, Fraction.__truediv__, CONTEXT.divide)

    def __rtruediv__(self, other: Any) -> Exact:
        return Exact.of(other) / self

    @among_arrays
    def __pow__(self, other: Any) -> Exact:
        b = Exact.of(other)
        if (
            isinstance(self.value, Fraction)
            and isinstance(b.value, Fraction)
            and b.value.denominator == 1
        ):
            exponent = b.value.numerator
            if abs(exponent) * self.bits > BITS:
                raise NumberError(
                    f"an exact power has more than {BITS} bits",
                    mend="use floats, or smaller exponents",
                )
            if self.value == 0 and exponent < 0:
                raise NumberError("a division by zero")
            return Exact(Fraction(self.value**exponent))
        return Exact(CONTEXT.power(self.decimal, b.decimal))

    def __rpow__(self, other: Any) -> Exact:
        return Exact.of(other) ** self

    def __neg__(self) -> Exact:
        return Exact(-self.value if isinstance(self.value, Fraction) else self.value.copy_negate())

    def __abs__(self) -> Exact:
        return -self if self < 0 else self

    # -- comparisons ---------------------------------------------------------------------------

    def _beyond(self, other: Any) -> Fraction | Decimal:
        """By how much this is more than another: 0 of decimals that are one float.

        On paper σ(800) is 1, and so is σ(1000): numbers that no page tells apart tie.
        """
        b = Exact.of(other)
        if isinstance(self.value, Fraction) and isinstance(b.value, Fraction):
            return self.value - b.value
        if self.decimal == b.decimal:
            return Decimal(0)
        apart = _difference(self.decimal, b.decimal)
        near = apart.copy_abs() <= CONTEXT.multiply(ALIKE, self.decimal.copy_abs())
        return Decimal(0) if near and float(self) == float(b) else apart

    @among_arrays
    def __lt__(self, other: Any) -> bool:
        return self._beyond(other) < 0

    @among_arrays
    def __le__(self, other: Any) -> bool:
        return self._beyond(other) <= 0

    @among_arrays
    def __gt__(self, other: Any) -> bool:
        return not self <= other

    @among_arrays
    def __ge__(self, other: Any) -> bool:
        return not self < other

    @among_arrays
    def __eq__(self, other: object) -> bool:
        return self._beyond(other) == 0

    @among_arrays
    def __ne__(self, other: object) -> bool:
        return not self == other

    # -- functions, under the names that NumPy calls ------------------------------------------

    def sqrt(self) -> Exact:
        """The root: a fraction where it is one."""
        if isinstance(self.value, Fraction) and self.value >= 0:
            top, bottom = math.isqrt(self.value.numerator), math.isqrt(self.value.denominator)
            if Fraction(top * top, bottom * bottom) == self.value:
                return Exact(Fraction(top, bottom))
        return Exact(CONTEXT.sqrt(self.decimal))

    def exp(self) -> Exact:
        """e to the power; 1 exactly at 0."""
        return Exact(Fraction(1)) if self.value == 0 else Exact(CONTEXT.exp(self.decimal))

    def log(self) -> Exact:
        """The natural logarithm; 0 exactly at 1."""
        if self.is_exact and self.value == 1:
            return Exact(Fraction(0))
        if self.decimal <= 0:
            raise NumberError("a logarithm of a number that is not positive")
        return Exact(CONTEXT.ln(self.decimal))

    def log1p(self) -> Exact:
        """ln(1 + a), in as many digits of an a far below 1."""
        if self.is_exact and self.value == 0:
            return self
        small = self.decimal
        if small.adjusted() < -DIGITS:
            return self * (1 - self / 2)
        if small.adjusted() >= 0:
            return (self + 1).log()
        with localcontext(_seeing(small)):
            return Exact((1 + small).ln()).rounded()

    def expm1(self) -> Exact:
        """exp(a) − 1, in as many digits of an a far below 1."""
        if self.value == 0:
            return self
        small = self.decimal
        if small.adjusted() < -DIGITS:
            return self * (1 + self / 2)
        if small.adjusted() >= 0:
            return self.exp() - 1
        with localcontext(_seeing(small)):
            return Exact(small.exp() - 1).rounded()

    def tanh(self) -> Exact:
        """−e / (2 + e) of e = exp(−2|a|) − 1, with the sign of a."""
        if self.value == 0:
            return self
        decay = (-abs(self) * 2).expm1()
        size = -decay / (2 + decay)
        return size if self > 0 else -size

    def sin(self) -> Exact:
        """The sine, by its series after whole turns are taken off."""
        return self if self.value == 0 else Exact(_sine(self.decimal))

    def cos(self) -> Exact:
        """The cosine: the sine a quarter turn on."""
        if self.value == 0:
            return Exact(Fraction(1))
        with localcontext(Context(prec=DIGITS + 30)):
            return Exact(_sine(self.decimal + _pi() / 2))

    def erf(self) -> Exact:
        """The error function; 0 exactly at 0."""
        return self if self.value == 0 else Exact(_erf(self.decimal))

    def erfc(self) -> Exact:
        """The complementary error function; 1 exactly at 0."""
        return Exact(Fraction(1)) if self.value == 0 else Exact(_erfc(self.decimal))

    def rounded(self) -> Exact:
        """A decimal in `DIGITS` digits."""
        return Exact(CONTEXT.plus(self.value)) if isinstance(self.value, Decimal) else self

    def square(self) -> Exact:
        """a²."""
        return self * self


def _seeing(small: Decimal) -> Context:
    """A context in which 1 and a number below it add up without loss."""
    return Context(prec=2 * DIGITS - small.adjusted(), Emax=CONTEXT.Emax, Emin=CONTEXT.Emin)


def _sum(a: Decimal, b: Decimal) -> Decimal:
    total = CONTEXT.add(a, b)
    rest = CONTEXT.multiply(REST, max(a.copy_abs(), b.copy_abs()))
    return Decimal(0) if total.is_finite() and total.copy_abs() <= rest else total


def _difference(a: Decimal, b: Decimal) -> Decimal:
    return _sum(a, b.copy_negate())


def _pi() -> Decimal:
    """π by Machin's formula, to the digits of the context."""

    def arctangent_of_one_over(n: int) -> Decimal:
        term = total = Decimal(1) / n
        k = 1
        while abs(term) > Decimal(10) ** -(DIGITS + 25):
            term /= -n * n
            k += 2
            total += term / k
        return total

    return 4 * (4 * arctangent_of_one_over(5) - arctangent_of_one_over(239))


def _sine(a: Decimal) -> Decimal:
    with localcontext(Context(prec=DIGITS + 30)):
        turn = 2 * _pi()
        a = a % turn
        term = total = a
        k = 1
        while abs(term) > Decimal(10) ** -(DIGITS + 5):
            term *= -a * a / ((k + 1) * (k + 2))
            k += 2
            total += term
    return CONTEXT.plus(total)


def _erfc(a: Decimal) -> Decimal:
    """1 − erf by the Maclaurin series for a small argument, by the continued fraction for a large one."""
    if a < 0:
        return CONTEXT.subtract(Decimal(2), _erfc(-a))
    with localcontext(Context(prec=DIGITS + 60, Emax=CONTEXT.Emax, Emin=CONTEXT.Emin)):
        root = _pi().sqrt()
        if a > SERIES_UP_TO:
            below = a
            for k in range(CONVERGENTS, 0, -1):
                below = a + Decimal(k) / 2 / below
            result = (-a * a).exp() / (root * below)
        else:
            result = 1 - 2 * _erf_series(a) / root
    return CONTEXT.plus(result)


def _erf_series(a: Decimal) -> Decimal:
    """The Maclaurin series of √π/2 · erf, to the digits of the context."""
    power = total = a
    k = 0
    while abs(power) > abs(a) * Decimal(10) ** -(DIGITS + 50):
        k += 1
        power *= -a * a / k
        total += power / (2 * k + 1)
    return total


def _erf(a: Decimal) -> Decimal:
    """erf by its series; for a large argument 1 − erfc, which has all digits there."""
    if abs(a) > SERIES_UP_TO:
        size = CONTEXT.subtract(Decimal(1), _erfc(abs(a)))
        return size.copy_sign(a)
    with localcontext(Context(prec=DIGITS + 60, Emax=CONTEXT.Emax, Emin=CONTEXT.Emin)):
        result = 2 * _erf_series(a) / _pi().sqrt()
    return CONTEXT.plus(result)
