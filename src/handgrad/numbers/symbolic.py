"""Symbols: SymPy formulas in the letters of a problem, each with its value at the problem's numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from importlib import import_module
from typing import Any

import numpy as np

from handgrad.errors import MissingExtraError, NumberError
from handgrad.numbers.exact import DIGITS, Exact, among_arrays


def sympy() -> Any:
    """The library; raises `MissingExtraError` where it is not installed."""
    try:
        return import_module("sympy")
    except ModuleNotFoundError:
        raise MissingExtraError(
            "symbols need SymPy", mend="pip install 'handgrad[symbols]'"
        ) from None


def value_in_decimals(formula: Any, letters: Mapping[Any, Exact]) -> Exact | None:
    """The value of a formula where its letters are these numbers; None where it is too large to be written out."""
    library = sympy()
    rational = {k: library.Rational(str(v.value)) for k, v in letters.items()}
    value = library.N(formula.subs(rational), DIGITS)
    try:
        return Exact(Decimal(str(value)))
    except InvalidOperation:
        return None


class Symbolic:
    """A formula and its value. Comparisons go by the value, so a gate is open or shut as it is there."""

    __slots__ = ("formula", "value")

    def __init__(self, formula: Any, value: float) -> None:
        self.formula = formula
        self.value = float(value)

    @classmethod
    def of(cls, value: Any) -> Symbolic:
        """A number as a formula: a whole one exactly, 0.1 as 1/10."""
        if isinstance(value, Symbolic):
            return value
        number = float(value)
        library = sympy()
        if math.isinf(number):
            # What stands around an array whose windows look for their largest entry.
            return cls(library.oo if number > 0 else -library.oo, number)
        return cls(library.nsimplify(library.Rational(repr(number))), number)

    @classmethod
    def pi(cls) -> Symbolic:
        """π itself."""
        return cls(sympy().pi, math.pi)

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        return str(self.formula)

    def __hash__(self) -> int:
        return hash(self.formula)

    def _with(self, other: Any, combine: Callable[[Any, Any], Any]) -> Symbolic:
        b = Symbolic.of(other)
        with np.errstate(all="ignore"):
            value = combine(np.float64(self.value), np.float64(b.value))
        return Symbolic(combine(self.formula, b.formula), value)

    @among_arrays
    def __add__(self, other: Any) -> Symbolic:
        return self._with(other, lambda a, b: a + b)

    def __radd__(self, other: Any) -> Symbolic:
        return Symbolic.of(other) + self

    @among_arrays
    def __sub__(self, other: Any) -> Symbolic:
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Symbolic:
        return Symbolic.of(other) - self

    @among_arrays
    def __mul__(self, other: Any) -> Symbolic:
        return self._with(other, lambda a, b: a * b)

    def __rmul__(self, other: Any) -> Symbolic:
        return Symbolic.of(other) * self

    @among_arrays
    def __truediv__(self, other: Any) -> Symbolic:
        return self._with(other, lambda a, b: a / b)

    def __rtruediv__(self, other: Any) -> Symbolic:
        return Symbolic.of(other) / self

    @among_arrays
    def __pow__(self, other: Any) -> Symbolic:
        return self._with(other, lambda a, b: a**b)

    def __rpow__(self, other: Any) -> Symbolic:
        return Symbolic.of(other) ** self

    def __neg__(self) -> Symbolic:
        return Symbolic(-self.formula, -self.value)

    def __abs__(self) -> Symbolic:
        return -self if self.value < 0 else self

    def _sides(self, other: Any) -> tuple[float, float]:
        a, b = self.value, float(other)
        if math.isnan(a) or math.isnan(b):
            raise NumberError(
                "floats cannot tell on which side of a comparison the problem's numbers are"
            )
        return a, b

    @among_arrays
    def __lt__(self, other: Any) -> bool:
        a, b = self._sides(other)
        return a < b

    @among_arrays
    def __le__(self, other: Any) -> bool:
        a, b = self._sides(other)
        return a <= b

    @among_arrays
    def __gt__(self, other: Any) -> bool:
        a, b = self._sides(other)
        return a > b

    @among_arrays
    def __ge__(self, other: Any) -> bool:
        a, b = self._sides(other)
        return a >= b

    @among_arrays
    def __eq__(self, other: object) -> bool:
        a, b = self._sides(other)
        return a == b

    @among_arrays
    def __ne__(self, other: object) -> bool:
        return not self == other

    def _of(self, name: str) -> Symbolic:
        with np.errstate(all="ignore"):
            return Symbolic(getattr(sympy(), name)(self.formula), getattr(np, name)(self.value))

    def exp(self) -> Symbolic:
        return self._of("exp")

    def log(self) -> Symbolic:
        return self._of("log")

    def sqrt(self) -> Symbolic:
        return self._of("sqrt")

    def sin(self) -> Symbolic:
        return self._of("sin")

    def cos(self) -> Symbolic:
        return self._of("cos")

    def tanh(self) -> Symbolic:
        return self._of("tanh")

    def erf(self) -> Symbolic:
        return Symbolic(sympy().erf(self.formula), math.erf(self.value))

    def erfc(self) -> Symbolic:
        return Symbolic(sympy().erfc(self.formula), math.erfc(self.value))

    def log1p(self) -> Symbolic:
        return (self + 1).log()

    def expm1(self) -> Symbolic:
        return self.exp() - 1

    def square(self) -> Symbolic:
        return self * self
