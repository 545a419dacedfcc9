"""Axes: scales from numbers to pixels, the ticks on them, and how the figures beside them are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

from handgrad.figures import figure, mantissa_and_power
from handgrad.picture.drawing import Label, Outline, Shape, Text
from handgrad.record import record

Format: TypeAlias = Literal["number", "percent"]
"""How figures on an axis are written: as they are, or 0.25 as 25 %."""

SMALL_TEXT = 12.0
TEXT = 13.0

LETTER = 0.56
"""The width of a letter as a share of its height, about; a drawing does not measure its text."""

LARGEST = 1e150
"""Numbers beyond it are not drawn: their differences would leave the floats."""

_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@record
class Axis:
    """What an axis measures or counts.

    Arguments:
        label: what is written beside it.
        style: "percent" writes 0.25 as 25 %.
        logarithmic: by powers of ten.
        limits: its ends; from the values unless given.
        most: greater numbers do not stretch the axis: they are beyond the chart.
        names: for the whole numbers from 0 on, what is written instead of them, such as layers.
    """

    label: str
    style: Format = "number"
    logarithmic: bool = False
    limits: tuple[float, float] | None = None
    most: float = math.inf
    names: Sequence[str] = ()


@record
class Scale:
    """A range of numbers laid on a range of pixels, evenly or by powers of ten."""

    low: float
    high: float
    start: float
    stop: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """Where a number lies; one outside the range is put at its end."""
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.logarithmic:
            low, high, at = math.log10(low), math.log10(high), math.log10(at)
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.stop - self.start)

    def unbounded(self, value: float) -> float:
        """Where a number outside the range would lie, on beyond its ends."""
        low, high, at = self.low, self.high, value
        if self.logarithmic:
            low, high, at = math.log10(low), math.log10(high), math.log10(at)
        share = (at - low) / (high - low) if high > low else math.copysign(math.inf, at - low)
        return self.start + share * (self.stop - self.start)


def ticks(low: float, high: float, *, whole: bool = False, count: int = 6) -> tuple[float, ...]:
    """About `count` round numbers from `low` to `high`: multiples of 1, 2 or 5 times a power of ten."""
    if not high - low > 1 / LARGEST:
        return (low,)
    step = _round_step((high - low) / count)
    if whole:
        step = max(1.0, step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(float(f"{k * step:.12g}") for k in range(first, last + 1))


def log_ticks(low: float, high: float) -> tuple[float, ...]:
    """Powers of ten from `low` to `high`, every so many; 1, 2 and 5 times each where there are few."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    if last - first <= 2:
        found = [m * 10.0**k for k in range(first, last + 1) for m in (1, 2, 5)]
    else:
        every = -(-(last - first) // 6)
        found = [10.0**k for k in range(last, first - 1, -every)][::-1]
    inside = tuple(t for t in found if low * (1 - 1e-9) <= t <= high * (1 + 1e-9))
    return inside or (low, high)


def drawable(value: float, *, logarithmic: bool) -> bool:
    """Whether a number has a place on an axis."""
    return (1 / LARGEST if logarithmic else -LARGEST) <= value <= LARGEST


def span(values: Iterable[float], *, logarithmic: bool) -> tuple[float, float]:
    """The range of an axis that shows the values: from 0 where they are not negative, with some air."""
    shown = [v for v in values if drawable(v, logarithmic=logarithmic)]
    if not shown:
        return (0.1, 1.0) if logarithmic else (0.0, 1.0)
    low, high = min(shown), max(shown)
    if logarithmic:
        # Most charts of losses span decades; a range of less than one is widened to it.
        middle = math.sqrt(low) * math.sqrt(high)
        return min(low, middle / 3), max(high, middle * 3)
    if low >= 0:
        low = 0.0
    if high <= 0:
        high = 0.0
    if low == high:
        return low, low + 1.0
    air = 0.04 * (high - low)
    return low - (air if low < 0 else 0.0), high + (air if high > 0 else 0.0)


def figure_text(value: float, decimals: int = 4) -> str:
    """A figure as mathematics writes it: −0.25, 3×10⁻⁹."""
    mantissa, sign, exponent = mantissa_and_power(figure(value, decimals))
    power = f"×10{exponent.translate(_SUPERSCRIPT)}" if sign else ""
    return f"{mantissa.replace('-', '−')}{power}"


def tick_texts(values: Sequence[float], style: Format, *, logarithmic: bool) -> tuple[str, ...]:
    """The figures beside the ticks, all with the digits that tell them apart."""
    if style == "percent":
        return tuple(f"{figure_text(100 * v, 2)} %" for v in values)
    if logarithmic:
        return tuple(_power_text(v) for v in values)
    steps = [abs(b - a) for a, b in pairwise(values) if b != a]
    decimals = max(0, math.ceil(-math.log10(min(steps)) - 1e-9)) if steps else 4
    largest = max(map(abs, values), default=0.0)
    if decimals > 5 or largest >= 1e6:
        return tuple(
            figure_text(float(f"{v:.6g}"), 0) if v == 0 else _scientific(v) for v in values
        )
    return tuple(f"{v:.{decimals}f}".replace("-", "−") if v else "0" for v in values)


def text_width(text: Text, size: float) -> float:
    """About how wide running text is; a formula in it is taken as three letters."""
    return sum(LETTER * size * (len(part) if isinstance(part, str) else 3) for part in text)


def vertical_axis(
    scale: Scale, at: Sequence[float], texts: Sequence[str], left: float, right: float
) -> list[Shape]:
    """Grid lines from left to right, each with its figure on the left."""
    shapes: list[Shape] = []
    for value, text in zip(at, texts, strict=True):
        y = scale(value)
        shapes.append(Outline(((left, y), (right, y)), "faint", 0.5))
        shapes.append(Label(left - 8, y + 4, (text,), "ink", "end", SMALL_TEXT))
    return shapes


def horizontal_axis(
    scale: Scale, at: Sequence[float], texts: Sequence[str], y: float
) -> list[Shape]:
    """The line below a chart, with ticks and their figures under it."""
    shapes: list[Shape] = [Outline(((scale.start, y), (scale.stop, y)), "ink", 1.0)]
    for value, text in zip(at, texts, strict=True):
        x = scale(value)
        shapes.append(Outline(((x, y), (x, y + 5)), "ink", 1.0))
        shapes.append(Label(x, y + 19, (text,), "ink", "middle", SMALL_TEXT))
    return shapes


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))


def _power_text(value: float) -> str:
    if 1e-3 <= value < 1e5:
        return figure_text(float(f"{value:.6g}"))
    return _scientific(value)


def _scientific(value: float) -> str:
    mantissa, _, exponent = f"{value:.3e}".partition("e")
    factor = mantissa.rstrip("0").rstrip(".")
    power = f"10{str(int(exponent)).translate(_SUPERSCRIPT)}"
    return (power if factor == "1" else f"{factor}×{power}").replace("-", "−")
