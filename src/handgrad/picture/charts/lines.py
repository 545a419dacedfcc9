"""Line charts: several series over one axis, named at their ends."""

from __future__ import annotations

import math
from collections.abc import Sequence

from handgrad.expression import Name
from handgrad.picture.charts.axes import (
    SMALL_TEXT,
    TEXT,
    Axis,
    Format,
    Scale,
    drawable,
    figure_text,
    horizontal_axis,
    log_ticks,
    span,
    text_width,
    tick_texts,
    ticks,
    vertical_axis,
)
from handgrad.picture.charts.compact import spark_lines
from handgrad.picture.charts.ends import ROW, End, names_at_ends, rows_above, why_it_ends
from handgrad.picture.charts.marks import ROLES, mark
from handgrad.picture.drawing import Arrow, Drawing, Label, Outline, Shape
from handgrad.record import record

POINTS = 240
"""Points of a line drawn, about: of more, the highest and the lowest of each stretch are kept."""

MARKS = 6
"""Marks along a line."""

OFF = 12.0
"""Pixels beyond the edge to the tip of the arrow of a line that leaves the chart."""

_LONGEST_NAME = 34

Point = tuple[float, float]


@record
class Unbroken:
    """Points of a line without a gap, and the point beyond the chart before or after them, if any."""

    points: list[Point]
    before: Point | None = None
    after: Point | None = None


@record
class Series:
    """A line with the name of a value, or in words.

    Where `y` has no place on the axis (NaN; 0 on a logarithmic one) it has a gap; where it is
    beyond the ends of the axis the line leaves the chart with an arrow.
    """

    name: str | Name
    x: Sequence[float]
    y: Sequence[float]


def line_chart(
    series: Sequence[Series],
    *,
    title: str,
    x: Axis,
    y: Axis,
    height: float = 320.0,
    width: float = 640.0,
) -> Drawing:
    """Lines over one axis, each with its own dashes and marks and its name at its end.

    Arguments:
        series: the lines.
        title: what the chart shows, for screen readers too.
        x: the horizontal axis: its label, and names in place of the whole numbers from 0 on.
        y: the vertical axis. On a logarithmic one what is not positive is left out.
        height: of the drawing, in pixels.
        width: of the drawing, in pixels.
    """
    values = [v for s in series for v in s.y if v <= y.most]
    low, high = y.limits or span(values, logarithmic=y.logarithmic)
    xs = [float(v) for s in series for v in s.x] or [0.0, 1.0]
    pieces = [_pieces(s, low, high, y.logarithmic) for s in series]
    facts = [
        why_it_ends(s.x, s.y, x, max(xs), low, high, logarithmic=y.logarithmic) for s in series
    ]
    vertical_ticks = log_ticks(low, high) if y.logarithmic else ticks(low, high)
    texts = tick_texts(vertical_ticks, y.style, logarithmic=y.logarithmic)
    left = 18 + max(text_width((t,), SMALL_TEXT) for t in texts)
    names = [s.name if isinstance(s.name, Name) else _shortened(s.name) for s in series]
    above = [bool(p) and p[-1].after is not None and p[-1].after[1] > high for p in pieces]
    ending = list(zip(names, facts, above, strict=True))
    beside = max((text_width((n,), SMALL_TEXT) for n, fact, _ in ending if not fact), default=0.0)
    rows = rows_above([(n, fact) for n, fact, is_above in ending if is_above], width - left - 30)
    # The chart keeps its height; what is written over it makes the drawing taller.
    height += ROW * rows
    right, top, bottom = width - 34 - beside, 34.0 + ROW * rows, height - 46
    across = Scale(min(xs), max(xs), left, right)
    down = Scale(low, high, bottom, top, y.logarithmic)
    shapes: list[Shape] = [
        Label(0, 14, (y.label,), "ink", "start", TEXT),
        *vertical_axis(down, vertical_ticks, texts, left, right),
        *_below(across, xs, x.names, bottom),
        Label((left + right) / 2, height - 8, (x.label,), "ink", "middle", TEXT),
    ]
    ends: list[End] = []
    for number, stretches in enumerate(pieces):
        placed = [[(across(p[0]), down(p[1])) for p in s.points] for s in stretches]
        shapes += _line(number, placed)
        for stretch, line in zip(stretches, placed, strict=True):
            if stretch.before is not None:
                entry = _edge(line[0], stretch.before, across, down)
                shapes.append(_joined(number, (entry, line[0])))
            if stretch.after is not None:
                line.append(_edge(line[-1], stretch.after, across, down))
                shapes.append(_joined(number, line[-2:], arrow=True))
        if placed:
            ends.append(
                End(number, names[number], placed[-1][-1], facts[number], above=above[number])
            )
    shapes += names_at_ends(ends, left, right, top, bottom, width)
    if not ends:
        shapes.append(
            Label((left + right) / 2, (top + bottom) / 2, ("nothing to show",), "ink", "middle")
        )
    named = [(s.name, s.y) for s in series]
    compact = spark_lines(named, low, high, y.style, logarithmic=y.logarithmic, facts=facts)
    said = _said(series, facts, title, x.label, y.style)
    return Drawing(width, height, tuple(shapes), title, said, compact)


# -- lines ----------------------------------------------------------------------------------


def _pieces(series: Series, low: float, high: float, logarithmic: bool) -> list[Unbroken]:
    """The unbroken stretches of a series, thinned to what can be seen."""
    found: list[Unbroken] = []
    points: list[Point] = []
    before: Point | None = None
    for x, y in zip(series.x, series.y, strict=True):
        point = float(x), float(y)
        if low <= y <= high and drawable(y, logarithmic=logarithmic):
            points.append(point)
            continue
        beyond = None if math.isnan(y) or (logarithmic and y <= 0) else point
        if points:
            found.append(Unbroken(points, before, beyond))
        points, before = [], beyond
    if points:
        found.append(Unbroken(points, before))
    outside = [(float(x), float(y)) for x, y in zip(series.x, series.y, strict=True) if y > high]
    if not found and outside:
        # No point of it is on the chart: it leaves from the edge itself.
        found.append(Unbroken([(outside[0][0], high)], None, outside[0]))
    every = max(1, sum(len(s.points) for s in found) * 2 // POINTS)
    return [Unbroken(_thinned(s.points, every), s.before, s.after) for s in found]


def _edge(inside: Point, beyond: Point, across: Scale, down: Scale) -> Point:
    """A little over the edge, towards a point beyond the chart: straight up or down where that is infinite."""
    x, y = inside
    upwards = beyond[1] > down.high
    edge = down.stop - OFF if upwards else down.start + OFF * 2 / 3
    far = down.unbounded(beyond[1])
    share = min(1.0, (edge - y) / (far - y)) if abs(far - y) > abs(edge - y) else 1.0
    return x + share * (across(beyond[0]) - x), edge


def _joined(number: int, points: Sequence[Point], *, arrow: bool = False) -> Shape:
    role, dashed = ROLES[number % len(ROLES)], number % 2 == 1
    kind = Arrow if arrow else Outline
    return kind(tuple(points), role, 2.0, dashed=dashed)


def _thinned(points: list[Point], every: int) -> list[Point]:
    """The first, the last, and of each `every` points the highest and the lowest."""
    if every < 3 or len(points) < 4:
        return points
    kept = [points[0]]
    for start in range(1, len(points) - 1, every):
        bucket = points[start : min(start + every, len(points) - 1)]
        kept += sorted({min(bucket, key=lambda p: p[1]), max(bucket, key=lambda p: p[1])})
    return [*kept, points[-1]]


def _line(number: int, pieces: Sequence[Sequence[Point]]) -> list[Shape]:
    role, dashed = ROLES[number % len(ROLES)], number % 2 == 1
    shapes: list[Shape] = [
        Outline(tuple(piece), role, 2.0, dashed=dashed) for piece in pieces if len(piece) > 1
    ]
    for piece in pieces:
        if len(piece) == 1:
            shapes += mark(number, *piece[0])
    points = [p for piece in pieces for p in piece]
    if len(points) > 1:
        # Lines that run together keep their marks apart.
        offset = (number + 0.5) / (MARKS * len(ROLES))
        shares = [offset + k / MARKS for k in range(MARKS)]
        few = len(points) <= 2 * MARKS
        places = range(len(points)) if few else [int(s * (len(points) - 1)) for s in shares]
        for place in places:
            shapes += mark(number, *points[place])
    return shapes


# -- beside the lines -----------------------------------------------------------------------


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _below(scale: Scale, xs: Sequence[float], names: Sequence[str], y: float) -> list[Shape]:
    if names:
        shown = range(0, len(names), -(-len(names) // 12))
        at = tuple(float(k) for k in shown if scale.low <= k <= scale.high)
        return horizontal_axis(scale, at, [names[int(k)] for k in at], y)
    at = ticks(scale.low, scale.high, whole=all(x == int(x) for x in xs))
    return horizontal_axis(scale, at, tick_texts(at, "number", logarithmic=False), y)


# -- in words -------------------------------------------------------------------------------


def _said(
    series: Sequence[Series], facts: Sequence[str], title: str, x_label: str, style: Format
) -> str:
    """The chart in sentences: where each line starts, ends, and has its extremes."""
    parts = [f"Line chart: {title}; across: {x_label}."]
    for one, fact in zip(series, facts, strict=True):
        spelled = one.name.name if isinstance(one.name, Name) else one.name
        points = [(x, y) for x, y in zip(one.x, one.y, strict=True) if math.isfinite(x + y)]
        if not points:
            parts.append(f"{spelled}: no values.")
            continue
        first, last = points[0], points[-1]
        lowest, highest = min(p[1] for p in points), max(p[1] for p in points)
        parts.append(
            f"{spelled}: from {_told(first[1], style)} at {figure_text(first[0])} to "
            f"{_told(last[1], style)} at {figure_text(last[0])}, "
            f"between {_told(lowest, style)} and {_told(highest, style)}{', ' * bool(fact)}{fact}."
        )
    return " ".join(parts)


def _told(value: float, style: Format) -> str:
    return f"{figure_text(100 * value, 1)} %" if style == "percent" else figure_text(value)
