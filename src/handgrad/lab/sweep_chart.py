"""The loss along a number as a chart: the curve, the tangent where the number is, the gates that turn on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite, nan

from handgrad.expression import Expression, Literal, Name
from handgrad.lab.sweeping import Flip, Sweep
from handgrad.picture import Circle, Drawing, Label, Outline, Shape
from handgrad.picture.charts.axes import (
    SMALL_TEXT,
    TEXT,
    Scale,
    figure_text,
    horizontal_axis,
    text_width,
    tick_texts,
    ticks,
    vertical_axis,
)
from handgrad.record import record

WIDTH, HEIGHT = 400.0, 270.0
AIR = 0.08
APART = 13.0
"""Pixels between the numbers of two gates; closer ones share a mark."""


@record
class SweepChart:
    """The chart, and how its pixels are read as numbers: `low` at `left`, `high` at `right`."""

    drawing: Drawing
    low: float
    high: float
    left: float
    right: float


def sweep_chart(swept: Sweep, shown: Expression) -> SweepChart:
    """The chart of a sweep; `shown` is how the number is written."""
    finite = [x for x in (*swept.losses, swept.loss_now) if isfinite(x)]
    lowest, highest = min(finite), max(finite)
    air = AIR * (highest - lowest) or 0.5
    lowest, highest = lowest - air, highest + air
    vertical = ticks(lowest, highest, count=5)
    texts = tick_texts(vertical, "number", logarithmic=False)
    left = 18 + max(text_width((t,), SMALL_TEXT) for t in texts)
    right, top, bottom = WIDTH - 12, 34.0, HEIGHT - 44
    low, high = swept.numbers[0], swept.numbers[-1]
    across, down = Scale(low, high, left, right), Scale(lowest, highest, bottom, top)
    at = ticks(low, high, count=6)
    shapes: list[Shape] = [
        Label(0, 14, (Name(swept.loss),), "ink", "start", TEXT),
        *vertical_axis(down, vertical, texts, left, right),
        *horizontal_axis(across, at, tick_texts(at, "number", logarithmic=False), bottom),
        Label((left + right) / 2, HEIGHT - 6, (shown,), "ink", "middle", TEXT),
        *_marks(swept.flips, across, top, bottom),
    ]
    for piece in _pieces(swept):
        points = tuple((across(x), down(y)) for x, y in piece)
        if len(points) > 1:
            shapes.append(Outline(points, "value", 2.2))
    shapes += _tangent(swept, across, down)
    drawing = Drawing(
        WIDTH,
        HEIGHT,
        tuple(shapes),
        f"{swept.loss} along {swept.name}",
        _said(swept),
    )
    return SweepChart(drawing, low, high, left, right)


def _pieces(swept: Sweep) -> Iterator[list[tuple[float, float]]]:
    """The stretches on which there is a loss."""
    piece: list[tuple[float, float]] = []
    for x, y in (*zip(swept.numbers, swept.losses, strict=True), (nan, nan)):
        if isfinite(y):
            piece.append((x, y))
        elif piece:
            yield piece
            piece = []


def _tangent(swept: Sweep, across: Scale, down: Scale) -> Iterator[Shape]:
    """A line through the point where the number is, as far as the chart goes, and the point."""
    low, high = across.low, across.high
    if not low <= swept.now <= high:
        return
    if isfinite(swept.slope):
        ends = [low, high]
        if swept.slope:
            reaches = [
                swept.now + (y - swept.loss_now) / swept.slope for y in (down.low, down.high)
            ]
            ends = [max(low, min(reaches)), min(high, max(reaches))]
        line = tuple(
            (across(x), down(swept.loss_now + swept.slope * (x - swept.now))) for x in ends
        )
        yield Outline(line, "gradient", 1.8)
    x, y = across(swept.now), down(swept.loss_now)
    yield Circle(x, y, 9, "surface")
    yield Circle(x, y, 5.5, "gradient")


def _marks(flips: Sequence[Flip], across: Scale, top: float, bottom: float) -> Iterator[Shape]:
    """A dashed line where a gate turns, with the number that it has in the list below the chart."""
    before = -APART
    for number, flip in enumerate(flips, 1):
        x = across(flip.at)
        yield Outline(((x, top - 6), (x, bottom)), "off", 1.0, dashed=True)
        if x - before >= APART:
            yield Label(x, top - 10, (str(number),), "off", size=SMALL_TEXT)
            before = x


def slope_text(swept: Sweep) -> tuple[str | Expression, ...]:
    """What the tangent says, for those who see it and those who don't."""
    return ("The tangent at ", Literal(swept.now), " has the slope ", Literal(swept.slope), ": the gradient.")  # fmt: skip


def _said(swept: Sweep) -> str:
    finite = [(x, y) for x, y in zip(swept.numbers, swept.losses, strict=True) if isfinite(y)]
    if not finite:
        return "Nowhere on the way is there a loss but where the number is."
    least = min(finite, key=lambda p: p[1])
    gates = "; ".join(f"at {figure_text(f.at)} {f.text()}" for f in swept.flips)
    return (
        f"From {figure_text(swept.numbers[0])} to {figure_text(swept.numbers[-1])}; the loss is least, "
        f"{figure_text(least[1])}, at {figure_text(least[0])}. Where the number is now, at {figure_text(swept.now)}, it is "
        f"{figure_text(swept.loss_now)}, and its slope {figure_text(swept.slope)}."
        + (f" Gates turn: {gates}." if gates else "")
    )
