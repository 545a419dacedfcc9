"""Formulas as Maxima computes them: kernels run on arrays of terms, which write themselves down.

What is right given a student's earlier figures is worked out by STACK, in Maxima, from the formula that is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from handgrad.arrays import Array, Objects
from handgrad.checking.formula import CompiledFormula
from handgrad.errors import HandgradError
from handgrad.expression import Leaf

LONGEST = 2000
"""Characters of one entry's formula, at most: what is longer is no work for one step."""


class MaximaTerm:
    """A number, a student's figure, or what is worked out of these, in Maxima's syntax."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def of(cls, value: Any) -> MaximaTerm:
        """A plain number as Maxima reads it; a term as it is."""
        if isinstance(value, MaximaTerm):
            return value
        number = float(value)
        if not np.isfinite(number):
            raise UnwritableError
        text = f"{Decimal(repr(number)):f}"
        return cls(f"({text})" if number < 0 else text)

    @property
    def is_zero(self) -> bool:
        """Whether it is 0 whatever a student enters."""
        return self.text.strip("()-").strip("0.") == "" and "0" in self.text

    def __repr__(self) -> str:
        return self.text

    def __bool__(self) -> bool:
        raise UnwritableError  # whether it holds is decided by a student's figures

    def _by(self, operator: str, other: Any, swapped: bool = False) -> MaximaTerm:
        a, b = MaximaTerm.of(self), MaximaTerm.of(other)
        first, second = (b, a) if swapped else (a, b)
        return MaximaTerm(f"({first.text}{operator}{second.text})")

    def __add__(self, other: Any) -> MaximaTerm:
        return (
            MaximaTerm.of(other)
            if self.is_zero
            else self
            if MaximaTerm.of(other).is_zero
            else self._by("+", other)
        )

    __radd__ = __add__

    def __sub__(self, other: Any) -> MaximaTerm:
        return self if MaximaTerm.of(other).is_zero else self._by("-", other)

    def __rsub__(self, other: Any) -> MaximaTerm:
        return -self if MaximaTerm.of(other).is_zero else self._by("-", other, True)

    def __mul__(self, other: Any) -> MaximaTerm:
        b = MaximaTerm.of(other)
        if self.is_zero or b.is_zero:
            return MaximaTerm.of(0.0)
        return b if self.text == "1.0" else self if b.text == "1.0" else self._by("*", b)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> MaximaTerm:
        return self._by("/", other)

    def __rtruediv__(self, other: Any) -> MaximaTerm:
        return self._by("/", other, True)

    def __pow__(self, other: Any) -> MaximaTerm:
        return self._by("^", other)

    def __rpow__(self, other: Any) -> MaximaTerm:
        return self._by("^", other, True)

    def __neg__(self) -> MaximaTerm:
        return MaximaTerm(f"(-{self.text})")

    def __pos__(self) -> MaximaTerm:
        return self

    def __abs__(self) -> MaximaTerm:
        return MaximaTerm(f"abs({self.text})")

    def __lt__(self, other: Any) -> Holds:
        return Holds(f"{self.text}<{MaximaTerm.of(other).text}")

    def __le__(self, other: Any) -> Holds:
        return Holds(f"{self.text}<={MaximaTerm.of(other).text}")

    def __gt__(self, other: Any) -> Holds:
        return Holds(f"{self.text}>{MaximaTerm.of(other).text}")

    def __ge__(self, other: Any) -> Holds:
        return Holds(f"{self.text}>={MaximaTerm.of(other).text}")

    def __eq__(self, other: object) -> Holds:  # type: ignore[override]
        return Holds(f"is(equal({self.text},{MaximaTerm.of(other).text}))")

    def __ne__(self, other: object) -> Holds:  # type: ignore[override]
        return Holds(f"not is(equal({self.text},{MaximaTerm.of(other).text}))")

    __hash__ = None  # type: ignore[assignment]

    def _of(self, function: str) -> MaximaTerm:
        return MaximaTerm(f"{function}({self.text})")

    def exp(self) -> MaximaTerm:
        return self._of("exp")

    def log(self) -> MaximaTerm:
        return self._of("log")

    def sqrt(self) -> MaximaTerm:
        return self._of("sqrt")

    def sin(self) -> MaximaTerm:
        return self._of("sin")

    def cos(self) -> MaximaTerm:
        return self._of("cos")

    def tanh(self) -> MaximaTerm:
        return self._of("tanh")

    def signum(self) -> MaximaTerm:
        return self._of("signum")

    def log1p(self) -> MaximaTerm:
        return (self + 1.0).log()

    def expm1(self) -> MaximaTerm:
        return self.exp() - 1.0

    def square(self) -> MaximaTerm:
        return self * self


class Holds(MaximaTerm):
    """Something that may hold: as a number 1 where it does, else 0."""

    __slots__ = ()

    def __mul__(self, other: Any) -> MaximaTerm:
        return either(self, MaximaTerm.of(other), MaximaTerm.of(0.0))

    __rmul__ = __mul__

    def __add__(self, other: Any) -> MaximaTerm:
        return self.number + MaximaTerm.of(other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> MaximaTerm:
        return self.number - MaximaTerm.of(other)

    def __rsub__(self, other: Any) -> MaximaTerm:
        return MaximaTerm.of(other) - self.number

    @property
    def number(self) -> MaximaTerm:
        """1 or 0."""
        return either(self, MaximaTerm.of(1.0), MaximaTerm.of(0.0))


class UnwritableError(Exception):
    """What no term can say."""


def either(condition: MaximaTerm, a: MaximaTerm, b: MaximaTerm) -> MaximaTerm:
    """One of two terms, by what holds of a student's figures."""
    return MaximaTerm(f"(if {condition.text} then {a.text} else {b.text})")


def chosen(condition: Any, a: Any, b: Any) -> Any:
    """One of two numbers or terms, by what holds."""
    if not isinstance(condition, MaximaTerm):
        return a if condition else b
    return either(condition, MaximaTerm.of(a), MaximaTerm.of(b))


class MaximaTerms(np.ndarray[Any, np.dtype[Any]]):
    """An array of terms and numbers, in which a comparison gives terms too."""

    @classmethod
    def named(cls, names: Objects) -> MaximaTerms:
        """An array of the terms with these names."""
        array = np.empty(names.shape, dtype=object)
        for at in np.ndindex(names.shape):
            array[at] = MaximaTerm(str(names[at]))
        return array.view(cls)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        plain = [np.asarray(i, dtype=object) for i in inputs]
        if ufunc.nin == 1:
            plain = [np.frompyfunc(MaximaTerm.of, 1, 1)(plain[0])]
        pick = _PICKS.get(ufunc)
        if pick is not None:
            ufunc = np.frompyfunc(pick, 2, 1)
        if ufunc.__name__ in ("sign", "signbit", "isfinite"):
            raise UnwritableError
        if method == "__call__":
            if ufunc in _COMPARISONS:
                options["dtype"] = object
            return _terms(ufunc(*plain, **{k: v for k, v in options.items() if k == "dtype"}))
        return _terms(getattr(ufunc, method)(plain[0], **options))


def _terms(result: Any) -> Any:
    return np.asarray(result, dtype=object).view(MaximaTerms)


_COMPARISONS = (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal)
_PICKS: Mapping[Any, Callable[[Any, Any], MaximaTerm]] = {
    np.maximum: lambda a, b: MaximaTerm(f"max({MaximaTerm.of(a).text},{MaximaTerm.of(b).text})"),
    np.minimum: lambda a, b: MaximaTerm(f"min({MaximaTerm.of(a).text},{MaximaTerm.of(b).text})"),
}


class MaximaSpace:
    """The functions that kernels call, on arrays of terms: NumPy's own, but for those that choose."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def where(self, condition: Any, a: Any, b: Any, /) -> Any:
        """Entry by entry, one of two."""
        return _terms(
            np.frompyfunc(chosen, 3, 1)(*(np.asarray(x, dtype=object) for x in (condition, a, b)))
        )

    def sign(self, a: Any, /) -> Any:
        """−1, 0 or 1."""
        return _terms(
            np.frompyfunc(lambda t: MaximaTerm.of(t).signum(), 1, 1)(np.asarray(a, dtype=object))
        )

    def clip(self, a: Any, low: Any, high: Any, /) -> Any:
        """Between two bounds."""
        return np.minimum(np.maximum(_terms(a), low), high)


def in_maxima(
    formula: CompiledFormula, values: Mapping[Leaf, Array | MaximaTerms]
) -> Objects | None:
    """What a formula gives, entry by entry in Maxima's syntax; None where it cannot be written so.

    Arguments:
        formula: how a quantity is computed.
        values: by leaf, numbers, or the terms of what a student enters.
    """
    space: Any = MaximaSpace()
    try:
        found = formula({leaf: values[leaf] for leaf in formula.leaves}, space)
        texts = np.frompyfunc(lambda term: MaximaTerm.of(term).text, 1, 1)(
            np.asarray(found, dtype=object)
        )
    except (UnwritableError, HandgradError, TypeError, ValueError, AttributeError, KeyError):
        return None
    result = np.asarray(texts, dtype=object)
    return None if any(len(text) > LONGEST for text in result.ravel()) else result
