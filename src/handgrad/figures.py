"""How a number prints: rounded figures, full precision, columns aligned at the decimal point.

All text here is ASCII (`-`, `1.23e-9`); a renderer puts its own minus sign and powers of ten.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

LARGE = 1e7
"""From here on a figure is written with a power of ten."""

EXACT_DIGITS = 1e13
"""Numbers with more digits than this in a figure are not looked at for ties."""

FINEST = 300
"""Decimals up to which a float can be scaled; the smallest of all, 5e-324, has 324."""

TIE = 1e-14
"""How far from halfway between two figures a number may be put by floats' own rounding."""

BLANK = "blank"
"""How `EMPTY` is written: on a page, a place left for the reader to fill in."""

UNDEFINED = "undefined"
"""How a number that is none is written: ∞ − ∞, 0 · ∞, 0/0 in floats."""


class Empty(float):
    """A number that is not there, for a reader to fill in: no number, and not undefined either."""

    __slots__ = ()


EMPTY = Empty("nan")


class Hole(float):
    """A number whose digits are yet to be put in: it is written as `text`, and in full as `whole`."""

    __slots__ = ("text", "whole")
    text: str
    whole: str
    __hash__ = (
        object.__hash__
    )  # What is remembered of a number must not be what is written of a hole.

    def __new__(cls, number: float, text: str, whole: str) -> Hole:
        made = super().__new__(cls, number)
        made.text, made.whole = text, whole
        return made


_WHOLE = re.compile(r"[-+−]?\d+")


@lru_cache(maxsize=4096)
def figure(x: float, decimals: int = 4) -> str:
    """`x` rounded to `decimals` digits after the point, without trailing zeros.

    Never `-0`. A number that would print as 0 but is not, or is `LARGE`, is written as a
    power of ten, its first factor rounded to `decimals` digits: `1.23e-9`.
    """
    if isinstance(x, Hole):
        return x.text
    if not math.isfinite(x):
        if math.isnan(x):
            return BLANK if isinstance(x, Empty) else UNDEFINED
        return "inf" if x > 0 else "-inf"
    if x == 0:
        return "0"
    text = _trimmed(f"{_halved_up(x, decimals):.{decimals}f}")
    if abs(x) >= LARGE or text in ("0", "-0"):
        return _scientific(f"{x:.{decimals}e}")
    return text


def _halved_up(x: float, decimals: int) -> float:
    """`x`; halfway between two figures, but for floats' own rounding, the one further from 0.

    As a person rounds: 0.37 · 0.5 = 0.185 is 0.19 to two decimals.
    """
    if decimals > FINEST:
        return x
    scaled = abs(x) * 10.0**decimals
    whole = math.floor(scaled) if scaled < EXACT_DIGITS else 0
    if (not whole and scaled >= 1) or abs(scaled - whole - 0.5) > TIE * max(scaled, 1.0):
        return x
    return math.copysign((whole + 1) / 10.0**decimals, x)


def full(x: float) -> str:
    """The shortest text that reads back as exactly `x`; whole numbers without a point."""
    if x == 0 or not math.isfinite(x):
        return "nan" if math.isnan(x) else figure(x)
    text = repr(float(x))
    return _scientific(text) if "e" in text else text.removesuffix(".0")


def exactly(x: float) -> str:
    """`x` at full precision, as Python and JSON write it; zero has no sign, as in print."""
    return x.whole if isinstance(x, Hole) else repr(x + 0.0)


def aligned(values: Sequence[float], decimals: int = 4) -> tuple[str, ...]:
    """The figures of a column, padded to one width with their decimal points under each other."""
    return padded([figure(x, decimals) for x in values])


def padded(texts: Sequence[str]) -> tuple[str, ...]:
    """Figures already written, padded to one width with their decimal points under each other."""
    split = [_at_point(t) for t in texts]
    left = max((len(a) for a, _ in split), default=0)
    right = max((len(b) for _, b in split), default=0)
    return tuple(f"{a:>{left}}{b:<{right}}" for a, b in split)


def _at_point(text: str) -> tuple[str, str]:
    whole = _WHOLE.match(text)
    stop = whole.end() if whole else len(text)
    return text[:stop], text[stop:]


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def mantissa_and_power(text: str) -> tuple[str, str, str]:
    """A figure before and after the `e` of its power of ten, if it has one."""
    return (text, "", "") if text in (BLANK, UNDEFINED) else text.partition("e")


def _scientific(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    return f"{_trimmed(mantissa)}e{int(exponent)}"
