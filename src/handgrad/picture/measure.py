"""How much room text takes: generous widths, since the fonts are the reader's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from functools import lru_cache

from handgrad.expression import Adjoint, Call, Expression, Literal, Name, Nested
from handgrad.figures import figure
from handgrad.notation import (
    As,
    Compared,
    Fence,
    Fraction,
    Function,
    Indicator,
    Inequality,
    Inside,
    Letter,
    MatrixProduct,
    Negation,
    Picked,
    Power,
    Product,
    Subscript,
    Sum,
    Transposition,
    Unwritten,
)
from handgrad.operations import operation_of
from handgrad.picture.drawing import Text
from handgrad.record import record
from handgrad.symbol import Symbol, symbol

SCRIPT = 0.76
"""The size of superscripts and subscripts beside that of the letters they stand at."""

_NARROW = dict.fromkeys(".,:;'|!il jtfI/()[]·", 0.4)
_WIDE = dict.fromkeys("mwMW−+=<>≤≥∂⊙⊘×—…@%", 0.9)
_WIDTHS = {**_NARROW, **_WIDE, **dict.fromkeys("0123456789", 0.64)}
_LETTER = 0.66
"""Widths in ems, those of a wide sans-serif face."""

BOLD = 1.12
"""How much wider bold letters are."""

SERIF = 0.78
"""The width of letters and figures in Pagella or Computer Modern beside those of a wide sans-serif."""

LISTED = 8
"""Entries of an array that a label writes out at most."""


@lru_cache(maxsize=4096)
def plain_width(text: str) -> float:
    """The width of plain text, in ems."""
    return sum(
        0.0
        if "\u0300" <= c <= "\u036f"
        else _WIDTHS.get(c, _LETTER if c < "\u2e80" else 1.05) + 0.06 * c.isupper()
        for c in text
    )


@lru_cache(maxsize=4096)
def _figure_width(text: str) -> float:
    return plain_width(text.replace("-", "−").replace("e", "·10"))


@lru_cache(maxsize=4096)
def _symbol_width(shown: Symbol) -> float:
    scripts = shown.subscript + (f"({shown.superscript})" if shown.superscript else "")
    return plain_width(shown.text or shown.base) + SCRIPT * plain_width(scripts)


@record
class Measure:
    """Measures text with formulas in it, printed with so many decimals and these names.

    The gradients of `error_signals` are written δ, others those of the `loss`. On slides, letters have a `serif` face.
    """

    decimals: int
    display: Mapping[str, str] = field(default_factory=dict)
    error_signals: frozenset[str] = frozenset()
    serif: bool = False
    loss: str = "L"

    def width(self, text: Text, size: float, bold: bool = False) -> float:
        """The width of a line of text whose letters have this size."""
        face = SERIF if self.serif else 1.0
        return face * size * sum(map(self._ems, text)) * (BOLD if bold else 1)

    def _ems(self, part: str | Expression) -> float:
        match part:
            case str():
                return plain_width(part)
            case Literal():
                return self._number(part.value)
            case Name():
                return _symbol_width(symbol(part.name, self.display))
            case Adjoint() if part.name in self.error_signals and not part.through:
                return _symbol_width(replace(symbol(part.name, self.display), base="δ"))
            case Adjoint():
                through = self._ems(Name(part.through)) if part.through else 0.0
                over = self._ems(Name(part.of or self.loss))
                return plain_width("∂/∂") + over + self._ems(Name(part.name)) + through
            case Call():
                return self._call(part)
            case _:
                raise TypeError(f"not a formula: {part!r}")

    def _number(self, value: Nested) -> float:
        if isinstance(value, tuple):
            shown = value if len(value) <= LISTED else (*value[: LISTED - 1], 0.0)
            return plain_width("[]") + sum(self._number(v) + plain_width(", ") for v in shown)
        return _figure_width(figure(value, self.decimals))

    def _call(self, call: Call) -> float:
        """The parts and what stands between them, with room for parentheses."""
        notation = operation_of(call).notation
        parts = sum(self._ems(a) for a in call.arguments)
        count = len(call.arguments)
        match notation:
            case As(formula):
                return self._ems(formula(*call.arguments))
            case Unwritten():
                return self._ems(call.arguments[0])
            case Subscript():
                at = call.option("at")
                entries = at if isinstance(at, tuple) else ()
                return parts + SCRIPT * sum(
                    plain_width(f"{i + 1}," if isinstance(i, int) else "00:00,") for i in entries
                )
            case Sum() | Inequality() | Product() | Power() | Fraction():
                return parts + plain_width(" ⊙ ()")
            case MatrixProduct():
                return parts + plain_width("ᵀ ()")
            case Negation() | Transposition():
                return parts + plain_width("−()")
            case Fence() | Picked():
                return parts + plain_width("‖‖")
            case Letter(name):
                return _symbol_width(symbol(name))
            case Inside():
                bounds = " < ".join(f"{v}" for _, v in call.options)
                return parts + plain_width(f"1[ < {bounds}]")
            case Compared():
                return parts + plain_width("1[ > ]")
            case Indicator(relation):
                return parts + plain_width(f"1[ {relation}]")
            case Function(name):
                options = "".join(f", {k} = {v}" for k, v in call.options)
                return parts + plain_width(f"{name}()" + ", " * (count - 1) + options)
