"""Where lines end: their names, at the right edge or where a line stops short of it or leaves the chart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from handgrad.expression import Name
from handgrad.picture.charts.axes import (
    SMALL_TEXT,
    Axis,
    drawable,
    figure_text,
    text_width,
)
from handgrad.picture.charts.marks import mark
from handgrad.picture.drawing import Label, Outline, Shape, Text
from handgrad.record import record

ROW = 17.0
"""Pixels from one name at the end of a line to the next."""

BESIDE = 10.0
"""Pixels from the end of a line to a name beside it."""

Point: TypeAlias = tuple[float, float]


@record
class End:
    """Where a line ends, and what it is called there.

    Arguments:
        number: of the line, for its mark.
        name: of the line.
        at: its last point, or the tip of the arrow with which it leaves the chart.
        fact: why it does not reach the right edge; empty where it does.
        above: it leaves the chart through its upper edge.
    """

    number: int
    name: str | Name
    at: Point
    fact: str = ""
    above: bool = False

    def lines(self, room: float) -> tuple[Text, ...]:
        """The name with the fact; the fact on a line of its own where both do not fit."""
        if not self.fact:
            return ((self.name,),)
        whole: Text = (self.name, f", {self.fact}")
        if text_width(whole, SMALL_TEXT) <= room:
            return (whole,)
        return ((self.name, ","), (self.fact,))


def why_it_ends(
    xs: Sequence[float], ys: Sequence[float], x: Axis, last: float, low: float, high: float,
    *, logarithmic: bool,
) -> str:  # fmt: skip
    """Why a line over `xs` is not drawn up to `last`, the end of the axis; empty where it is.

    Arguments:
        xs: where its values are.
        ys: the values.
        x: the axis across, for the name of what it counts.
        last: the end of that axis.
        low: the lower end of the vertical axis.
        high: its upper end.
        logarithmic: whether that axis goes by powers of ten.
    """
    if not len(ys):
        return ""
    tail = float(ys[-1])

    def since(word: str, kept: Sequence[bool]) -> str:
        first = max((k + 1 for k, is_kept in enumerate(kept) if is_kept), default=0)
        return f"{word} from {x.label} {_place(xs[first], x)}"

    if not math.isfinite(tail):
        return since("not finite", [math.isfinite(y) for y in ys])
    if logarithmic and tail <= 0:
        return since("at most 0", [not y <= 0 for y in ys])
    if not (drawable(tail, logarithmic=logarithmic) and low <= tail <= high):
        return since("beyond the chart", [low <= y <= high for y in ys])
    return f"ends at {x.label} {_place(xs[-1], x)}" if xs[-1] < last else ""


def names_at_ends(
    ends: Sequence[End], left: float, right: float, top: float, bottom: float, width: float
) -> list[Shape]:
    """The names of the lines: in a column on the right of those that reach it, where they end of the others.

    Those that leave above have rows of their own over the chart, where no line runs.
    """
    whole = [e for e in ends if not e.fact]
    shapes = _column([e for e in whole if not e.above], right, top, bottom)
    shapes += _inside([e for e in ends if e.fact and not e.above], left, right, top, bottom)
    foot = top - 22.0
    for end in sorted((e for e in ends if e.above), key=lambda e: -e.at[0]):
        lines = end.lines(width - left - 30)
        wide = max(text_width(line, SMALL_TEXT) for line in lines)
        start = max(4.0, min(end.at[0], width - wide - 18))
        foot -= ROW * (len(lines) - 1)
        shapes += mark(end.number, start, foot - 4)
        shapes += _written(lines, start + BESIDE, foot)
        foot -= ROW
    return shapes


def rows_above(ends: Sequence[tuple[str | Name, str]], room: float) -> int:
    """The rows that the names of lines take that leave the chart above."""
    return sum(len(End(0, name, (0.0, 0.0), fact).lines(room)) for name, fact in ends)


def _column(ends: Sequence[End], right: float, top: float, bottom: float) -> list[Shape]:
    """Each name at the height of its line's end, moved apart where they meet; a thin line then leads there."""
    ordered = sorted(ends, key=lambda e: (e.at[1], e.number))
    places = _apart([e.at[1] for e in ordered], top + 4, bottom)
    shapes: list[Shape] = []
    for end, place in zip(ordered, places, strict=True):
        x, y = end.at
        if abs(place - y) > 3 and x >= right - 3:
            shapes.append(Outline(((x, y), (right + 8, place)), "faint", 1.0))
        shapes += mark(end.number, right + 14, place)
        shapes.append(Label(right + 24, place + 4, (end.name,), "ink", "start", SMALL_TEXT))
    return shapes


def _inside(
    ends: Sequence[End], left: float, right: float, top: float, bottom: float
) -> list[Shape]:
    """Each name beside the end of its line, or over it where there is no room beside."""
    room = right - left
    wanted: list[tuple[float, float, tuple[Text, ...], End]] = []
    for end in ends:
        x, y = end.at
        lines = end.lines(room)
        wide = max(text_width(line, SMALL_TEXT) for line in lines)
        start = x + BESIDE
        if start + wide > right:
            start = max(4.0, right - wide)
            y += -14.0 - ROW * (len(lines) - 1) if y - 14.0 - ROW * len(lines) > top else 14.0
        wanted.append((y, start, lines, end))
    wanted.sort(key=lambda w: (w[0], w[3].number))
    tallest = max((len(lines) for _, _, lines, _ in wanted), default=1)
    places = _apart([y for y, *_ in wanted], top + 8, bottom - 8 - ROW * (tallest - 1), tallest)
    shapes: list[Shape] = []
    for (y, start, lines, end), place in zip(wanted, places, strict=True):
        if abs(place - y) > 3:
            shapes.append(Outline((end.at, (start - 2, place)), "faint", 1.0))
        shapes += mark(end.number, *end.at)
        shapes += _written(lines, start, place + 4)
    return shapes


def _written(lines: Sequence[Text], x: float, y: float) -> list[Shape]:
    return [
        Label(x, y + ROW * k, line, "ink", "start", SMALL_TEXT, halo=True)
        for k, line in enumerate(lines)
    ]


def _apart(wanted: Sequence[float], top: float, bottom: float, rows: int = 1) -> list[float]:
    """Heights at least so many rows apart, in order, near those wanted; they keep within where they can."""
    row = ROW * rows
    if len(wanted) > 1:
        row = min(row, (bottom - top) / (len(wanted) - 1))
    places: list[float] = []
    for y in wanted:
        places.append(max(y, places[-1] + row) if places else max(y, top))
    lowest = bottom
    for k in reversed(range(len(places))):
        places[k] = min(places[k], lowest)
        lowest = places[k] - row
    return places


def _place(value: float, x: Axis) -> str:
    named = float(value).is_integer() and 0 <= value < len(x.names)
    return x.names[int(value)] if named else figure_text(float(value))
