"""Bar charts: one bar a row, named on the left, its figure at its end."""

from __future__ import annotations

import math
from collections.abc import Sequence

from handgrad.picture.charts.axes import (
    SMALL_TEXT,
    TEXT,
    Axis,
    Format,
    Scale,
    drawable,
    figure_text,
    horizontal_axis,
    span,
    text_width,
    tick_texts,
    ticks,
)
from handgrad.picture.drawing import Drawing, Label, Outline, Rectangle, Role, Shape, Text
from handgrad.record import record
from handgrad.text import plain_text

ROW = 22.0

_THICK = 14.0


@record
class Bar:
    """A bar. `remark` is a word beside its figure; the role "off" leaves the bar hollow."""

    label: Text
    value: float
    remark: str = ""
    role: Role = "series1"


def bar_chart(
    bars: Sequence[Bar],
    *,
    title: str,
    length: Axis,
    most: int = 32,
    width: float = 640.0,
) -> Drawing:
    """Horizontal bars from 0, each with its figure, and a word where there is one to say.

    Arguments:
        bars: from top to bottom.
        title: what the chart shows, for screen readers too.
        length: what the length of a bar is; its limits, where they are given, have 0 between them.
        most: of more bars than this, those in the middle are left out and counted.
        width: of the drawing, in pixels.
    """
    shown, left_out = _elided(bars, most)
    low, high = length.limits or span([b.value for b in bars], logarithmic=False)
    names = max((text_width(b.label, SMALL_TEXT) for b in bars), default=0.0)
    figures = max((text_width((_end(b, length.style),), SMALL_TEXT) for b in bars), default=0.0)
    left = min(12 + names, width / 2)
    right = max(left + 60, width - 16 - figures)
    scale = Scale(low, high, left, right)
    top = 28.0
    bottom = top + ROW * max(1, len(shown))
    counts = length.style == "number" and all(float(b.value).is_integer() for b in bars)
    at = ticks(low, high, whole=counts)
    texts = tick_texts(at, length.style, logarithmic=False)
    shapes: list[Shape] = [Label(0, 14, (length.label,), "ink", "start", TEXT)]
    shapes += [Outline(((scale(t), top), (scale(t), bottom)), "faint", 0.5) for t in at]
    shapes += horizontal_axis(scale, at, texts, bottom)
    zero = scale(min(max(0.0, low), high))
    for row, bar in enumerate(shown):
        middle = top + ROW * (row + 0.5)
        if bar is None:
            words = (f"… {left_out} more …",)
            shapes.append(Label(zero + 6, middle + 4, words, "ink", "start", SMALL_TEXT))
            continue
        shapes.append(Label(left - 8, middle + 4, bar.label, "ink", "end", SMALL_TEXT))
        end = scale(bar.value) if drawable(bar.value, logarithmic=False) else zero
        if abs(end - zero) >= 0.5:
            strength = 0.0 if bar.role == "off" else 1.0
            box = (min(zero, end), middle - _THICK / 2, abs(end - zero), _THICK)
            shapes.append(Rectangle(*box, bar.role, 2.0, strength))
        label = Label(
            max(zero, end) + 6, middle + 4, (_end(bar, length.style),), "ink", "start", SMALL_TEXT
        )
        shapes.append(label)
    shapes.append(Outline(((zero, top), (zero, bottom)), "ink", 1.0))
    said = " ".join(
        (
            f"Bar chart: {title}.",
            *(f"{plain_text(b.label)}: {_end(b, length.style)}." for b in shown if b is not None),
            *([f"{left_out} more are left out."] if left_out else []),
        )
    )
    return Drawing(width, bottom + 30, tuple(shapes), title, said)


def _elided(bars: Sequence[Bar], most: int) -> tuple[list[Bar | None], int]:
    if len(bars) <= most:
        return list(bars), 0
    first, last = most - most // 2, most // 2 - 1
    kept: list[Bar | None] = [*bars[:first], None, *bars[len(bars) - last :]]
    return kept, len(bars) - first - last


def _end(bar: Bar, style: Format) -> str:
    percent = style == "percent" and math.isfinite(bar.value)
    text = f"{figure_text(100 * bar.value, 1)} %" if percent else figure_text(bar.value)
    return f"{text} ({bar.remark})" if bar.remark else text
