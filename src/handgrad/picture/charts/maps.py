"""Maps: a grid of cells, each a gate that is open or shut, or a number."""

from __future__ import annotations

import math
from collections.abc import Sequence

from handgrad.expression import Name
from handgrad.picture.charts.axes import SMALL_TEXT, TEXT, Axis, Format, figure_text, text_width
from handgrad.picture.charts.compact import gate_lines
from handgrad.picture.drawing import Drawing, Label, Outline, Rectangle, Shape

CELL = 15.0
"""The side of a gate's cell."""

GAP = 9.0
"""Between the units of one layer and those of the next."""

DECIMALS = 2
"""Digits after the point of a number in its cell."""

_LIGHT, _STRONG = 0.06, 0.5
"""How strongly the least and the greatest number fill their cells: never so that ink is lost on it."""


def gate_map(
    gates: Sequence[Sequence[bool]],
    *,
    title: str,
    row_label: str = "case",
    groups: Sequence[tuple[str, int]] = (),
    rows: Sequence[str] = (),
    most: tuple[int, int] = (24, 40),
    width: float = 640.0,
) -> Drawing:
    """Cases down, units across: an open gate is a filled cell, a shut one hollow and crossed out.

    Arguments:
        gates: for each case, whether the gate of each unit is open. Only the cells shown are read.
        title: what the map shows, for screen readers too.
        row_label: what a row is.
        groups: the layers, each with its name and its number of units; one unnamed layer by
            default.
        rows: the names of the cases; counted from 1 by default.
        most: of more cases, or more units, the ones in the middle are left out.
        width: of the drawing at most, in pixels, where there are no more layers than fit.
    """
    units = len(gates[0]) if len(gates) else 0
    groups = groups or (("", units),)
    fitting = int((width - 60 - GAP * len(groups)) // CELL)
    columns = _columns(groups, min(most[1], fitting))
    shown = _elided(len(gates), most[0])
    names = ["⋮" if r is None else rows[r] if rows else str(r + 1) for r in shown]
    left = 10 + max([text_width((n,), SMALL_TEXT) for n in [*names, row_label]])
    top = 40.0
    shapes: list[Shape] = [Label(left - 8, top - 8, (row_label,), "ink", "end", SMALL_TEXT)]
    x, ends = left, left
    for name, units_shown in columns:
        start = x
        for unit in units_shown:
            for k, r in enumerate(shown):
                y = top + CELL * k
                if unit is None:
                    if k == len(shown) // 2:
                        shapes.append(Label(x + CELL / 2, y + 11, ("…",), "ink", "middle", TEXT))
                elif r is not None:
                    shapes += _gate(x, y, bool(gates[r][unit]))
            x += CELL
        ends = x
        if name:
            label = (Name(name),)
            shapes.append(Label(start, 16, label, "ink", "start", SMALL_TEXT, bold=True))
            x = max(x, start + text_width(label, SMALL_TEXT))
        x += GAP
    for k, name in enumerate(names):
        shapes.append(Label(left - 8, top + CELL * k + 12, (name,), "ink", "end", SMALL_TEXT))
    bottom = top + CELL * len(shown)
    shapes += _legend(left, bottom + 14)
    reach = max(x, ends, left + 190) + 4
    compact = gate_lines(gates, groups, row_label)
    said = _gates_said(gates, groups, title)
    return Drawing(reach, bottom + 36, tuple(shapes), title, said, compact)


def heat_map(
    values: Sequence[Sequence[float]],
    *,
    title: str,
    rows: Axis,
    columns: Axis,
    style: Format = "number",
    limits: tuple[float, float] | None = None,
) -> Drawing:
    """Numbers in a grid, each in its cell, which is filled the more the larger it is.

    Arguments:
        values: the rows; what is not finite is left blank.
        title: what the map shows, for screen readers too.
        rows: what a row is, and the name of each.
        columns: what a column is, and the name of each.
        style: "percent" writes 0.25 as 25 %.
        limits: the numbers of the emptiest and the fullest cell; from the values unless given.
    """
    finite = [v for row in values for v in row if math.isfinite(v)]
    low, high = limits or (min(finite, default=0.0), max(finite, default=1.0))
    texts = [[_cell_text(v, style) for v in row] for row in values]
    every = [t for row in texts for t in row] + list(columns.names)
    cell = max([44.0, *(16 + text_width((t,), SMALL_TEXT) for t in every)])
    tall = 26.0
    left = 12 + max([text_width((n,), SMALL_TEXT) for n in [*rows.names, rows.label]])
    top = 46.0
    middle = left + cell * len(columns.names) / 2
    shapes: list[Shape] = [
        Label(middle, 14, (columns.label,), "ink", "middle", TEXT),
        Label(left - 8, top - 10, (rows.label,), "ink", "end", SMALL_TEXT),
    ]
    for c, name in enumerate(columns.names):
        x = left + cell * (c + 0.5)
        shapes.append(Label(x, top - 10, (name,), "ink", "middle", SMALL_TEXT))
    for r, name in enumerate(rows.names):
        y = top + tall * r
        shapes.append(Label(left - 8, y + 17, (name,), "ink", "end", SMALL_TEXT))
        for c, value in enumerate(values[r]):
            x = left + cell * c
            if math.isfinite(value):
                share = (min(max(value, low), high) - low) / (high - low) if high > low else 0.5
                strength = _LIGHT + (_STRONG - _LIGHT) * share
                shapes.append(Rectangle(x + 1, y + 1, cell - 2, tall - 2, "series1", 3.0, strength))
            label = (texts[r][c],)
            shapes.append(Label(x + cell / 2, y + 17, label, "ink", "middle", SMALL_TEXT))
    said = " ".join(
        [
            f"Table of numbers: {title}; {rows.label} down, {columns.label} across.",
            *(
                f"{rows.label} {name}: "
                + ", ".join(f"{texts[r][c]} at {columns.names[c]}" for c in range(len(values[r])))
                + "."
                for r, name in enumerate(rows.names)
            ),
        ]
    )
    width = left + cell * len(columns.names) + 6
    return Drawing(width, top + tall * len(rows.names) + 8, tuple(shapes), title, said)


# -- parts ----------------------------------------------------------------------------------


def _gate(x: float, y: float, is_open: bool) -> list[Shape]:
    """A square: solid where the gate is open, an outline with a line across where it is shut."""
    low, high = 1.5, CELL - 1.5
    corners = ((x + low, y + low), (x + high, y + low), (x + high, y + high), (x + low, y + high))
    if is_open:
        return [Outline(corners, "on", 1.0, closed=True)]
    cross = Outline(((x + 4.5, y + CELL - 4.5), (x + CELL - 4.5, y + 4.5)), "off", 1.2)
    return [Outline((*corners, corners[0]), "off", 0.8), cross]


def _legend(x: float, y: float) -> list[Shape]:
    return [
        *_gate(x, y, True),
        Label(x + CELL + 4, y + 12, ("open",), "ink", "start", SMALL_TEXT),
        *_gate(x + 70, y, False),
        Label(x + 74 + CELL, y + 12, ("shut",), "ink", "start", SMALL_TEXT),
    ]


def _columns(
    groups: Sequence[tuple[str, int]], most: int
) -> list[tuple[str, tuple[int | None, ...]]]:
    """The units shown of each layer, each layer getting its share of the columns."""
    units = sum(count for _, count in groups)
    found = []
    first = 0
    for name, count in groups:
        room = count if units <= most else max(3, min(count, most // len(groups)))
        found.append((name, tuple(None if k is None else first + k for k in _elided(count, room))))
        first += count
    return found


def _elided(count: int, limit: int) -> tuple[int | None, ...]:
    """The positions shown of `count`, at most `limit`, with None for what is left out between."""
    if count <= limit:
        return tuple(range(count))
    shown = max(limit, 3) - 1
    last = shown // 2
    return (*range(shown - last), None, *range(count - last, count))


def _cell_text(value: float, style: Format) -> str:
    if not math.isfinite(value):
        return ""
    if style == "percent":
        return f"{figure_text(100 * value, DECIMALS)} %"
    return f"{value:.{DECIMALS}f}".replace("-", "−")


def _gates_said(
    gates: Sequence[Sequence[bool]], groups: Sequence[tuple[str, int]], title: str
) -> str:
    """What the map says: by layer, how many gates are open, and which units never are."""
    cases = len(gates)
    parts = [f"Map of gates: {title}; {cases} case{'s' if cases != 1 else ''} down, units across."]
    first = 0
    for name, count in groups:
        columns = range(first, first + count)
        fired = [sum(bool(gates[r][u]) for r in range(cases)) for u in columns]
        never = [str(k + 1) for k, f in enumerate(fired) if f == 0]
        parts.append(
            f"{name + ': ' if name else ''}{sum(fired)} of {cases * count} gates are open"
            + (f"; unit {_some(never)} never." if never else ".")
        )
        first += count
    return " ".join(parts)


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:8]) + (f" and {len(words) - 8} more" if len(words) > 8 else "")
