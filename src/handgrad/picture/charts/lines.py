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
from handgrad.picture.drawing import Circle, Drawing, Label, Outline, Rectangle, Role, Shape
from handgrad.record import record

ROLES: tuple[Role, ...] = ("series1", "series2", "series3", "series4", "series5", "series6")

POINTS = 240
"""Points of a line drawn, about: of more, the highest and the lowest of each stretch are kept."""

MARKS = 6
"""Marks along a line."""

ROW = 17.0
"""Pixels from one name at the end of a line to the next."""

_LONGEST_NAME = 34

Point = tuple[float, float]


@record
class Series:
    """A line with the name of a value, or in words. Where `y` has no place on the axis (NaN; 0 on a logarithmic one) it has a gap."""

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
    pieces = [_pieces(s, y.logarithmic) for s in series]
    points = [p for lines in pieces for line in lines for p in line]
    low, high = y.limits or span((p[1] for p in points), logarithmic=y.logarithmic)
    xs = [p[0] for p in points] or [0.0, 1.0]
    vertical_ticks = log_ticks(low, high) if y.logarithmic else ticks(low, high)
    texts = tick_texts(vertical_ticks, y.style, logarithmic=y.logarithmic)
    left = 18 + max(text_width((t,), SMALL_TEXT) for t in texts)
    names = [s.name if isinstance(s.name, Name) else _shortened(s.name) for s in series]
    beside = max((text_width((n,), SMALL_TEXT) for n in names), default=0.0)
    right, top, bottom = width - 34 - beside, 34.0, height - 46
    across = Scale(min(xs), max(xs), left, right)
    down = Scale(low, high, bottom, top, y.logarithmic)
    shapes: list[Shape] = [
        Label(0, 14, (y.label,), "ink", "start", TEXT),
        *vertical_axis(down, vertical_ticks, texts, left, right),
        *_below(across, xs, x.names, bottom),
        Label((left + right) / 2, height - 8, (x.label,), "ink", "middle", TEXT),
    ]
    ends: list[tuple[int, Point]] = []
    for number, lines in enumerate(pieces):
        placed = [[(across(p[0]), down(p[1])) for p in line] for line in lines]
        shapes += _line(number, placed)
        if placed:
            ends.append((number, placed[-1][-1]))
    shapes += _names(names, ends, right, top, bottom)
    if not points:
        shapes.append(
            Label((left + right) / 2, (top + bottom) / 2, ("nothing to show",), "ink", "middle")
        )
    named = [(s.name, s.y) for s in series]
    compact = spark_lines(named, low, high, y.style, logarithmic=y.logarithmic)
    said = _said(series, title, x.label, y.style)
    return Drawing(width, height, tuple(shapes), title, said, compact)


# -- lines ----------------------------------------------------------------------------------


def _pieces(series: Series, logarithmic: bool) -> list[list[Point]]:
    """The unbroken stretches of a series, thinned to what can be seen."""
    stretches: list[list[Point]] = [[]]
    for x, y in zip(series.x, series.y, strict=True):
        if drawable(y, logarithmic=logarithmic):
            stretches[-1].append((float(x), float(y)))
        elif stretches[-1]:
            stretches.append([])
    every = max(1, sum(map(len, stretches)) * 2 // POINTS)
    return [_thinned(stretch, every) for stretch in stretches if stretch]


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


def mark(number: int, x: float, y: float, size: float = 4.0) -> list[Shape]:
    """The mark of a series: a circle, a square, a triangle, a diamond, a triangle on its tip, a ring."""
    role, s = ROLES[number % len(ROLES)], size
    corners: tuple[Point, ...]
    match number % len(ROLES):
        case 0:
            return [Circle(x, y, s, role)]
        case 1:
            return [Rectangle(x - s, y - s, 2 * s, 2 * s, role)]
        case 2:
            corners = ((x - s, y + s), (x + s, y + s), (x, y - s))
        case 3:
            corners = ((x - s, y), (x, y - s), (x + s, y), (x, y + s))
        case 4:
            corners = ((x - s, y - s), (x + s, y - s), (x, y + s))
        case _:
            return [Circle(x, y, s, role), Circle(x, y, s / 2, "surface")]
    return [Outline(corners, role, 1.0, closed=True)]


# -- names ----------------------------------------------------------------------------------


def _names(
    names: Sequence[str | Name],
    ends: Sequence[tuple[int, Point]],
    right: float,
    top: float,
    bottom: float,
) -> list[Shape]:
    """Each line's name at the height of its end, moved apart where they meet; a thin line then leads there."""
    ordered = sorted(ends, key=lambda e: (e[1][1], e[0]))
    places = _apart([y for _, (_, y) in ordered], top + 4, bottom)
    shapes: list[Shape] = []
    for (number, (x, y)), place in zip(ordered, places, strict=True):
        if abs(place - y) > 3 and x >= right - 3:
            shapes.append(Outline(((x, y), (right + 8, place)), "faint", 1.0))
        shapes += mark(number, right + 14, place)
        shapes.append(Label(right + 24, place + 4, (names[number],), "ink", "start", SMALL_TEXT))
    return shapes


def _apart(wanted: Sequence[float], top: float, bottom: float) -> list[float]:
    """Heights at least a row apart, in order, near those wanted; they keep within where they can."""
    row = min(ROW, (bottom - top) / max(1, len(wanted) - 1)) if len(wanted) > 1 else ROW
    places: list[float] = []
    for y in wanted:
        places.append(max(y, places[-1] + row) if places else max(y, top))
    lowest = bottom
    for k in reversed(range(len(places))):
        places[k] = min(places[k], lowest)
        lowest = places[k] - row
    return places


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


def _said(series: Sequence[Series], title: str, x_label: str, style: Format) -> str:
    """The chart in sentences: where each line starts, ends, and has its extremes."""
    parts = [f"Line chart: {title}; across: {x_label}."]
    for one in series:
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
            f"between {_told(lowest, style)} and {_told(highest, style)}."
        )
    return " ".join(parts)


def _told(value: float, style: Format) -> str:
    return f"{figure_text(100 * value, 1)} %" if style == "percent" else figure_text(value)
