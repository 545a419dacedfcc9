"""Charts in a few lines of characters, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from handgrad.expression import Name
from handgrad.picture.charts.axes import Format, Scale, drawable, figure_text
from handgrad.picture.drawing import Names
from handgrad.symbol import symbol

LEVELS = "▁▂▃▄▅▆▇█"
COLUMNS = 32
"""Characters of a line, at most."""

LONGEST = 32
"""Characters of a name."""

CASES = 12
"""Rows of a map of gates."""

UNITS = 56
"""Gates in one row of it."""


def spark_lines(
    named: Sequence[tuple[str | Name, Sequence[float]]],
    low: float,
    high: float,
    style: Format = "number",
    *,
    logarithmic: bool = False,
    facts: Sequence[str] = (),
) -> tuple[str | Names, ...]:
    """Each series as one line of bars from `low` to `high`, with its first and its last number.

    Of numbers that share a bar the greatest is drawn; one above the first and the last is told.
    `facts` say why a series does not go on to the end, one for each series, or are empty.
    """
    scale = Scale(low, high, 0.0, len(LEVELS) - 1.0, logarithmic)
    names = [name if isinstance(name, Name) else _cut(name) for name, _ in named]
    widths = [_columns_of(n.name) if isinstance(n, Name) else len(n) for n in names]
    wide = max(widths, default=0)
    lines: list[str | Names] = []
    for name, (_, values), fact in zip(names, named, facts or [""] * len(names), strict=True):
        if not values:
            continue
        shared = np.array_split(np.asarray(values, dtype=float), min(COLUMNS, len(values)))
        drawn = [[v for v in part if drawable(v, logarithmic=logarithmic)] for part in shared]
        bars = "".join(LEVELS[round(scale(max(part)))] if part else " " for part in drawn)
        first, last = (_figure(float(values[k]), style) for k in (0, -1))
        highest = max((max(part) for part in drawn if part), default=np.nan)
        above = highest > max(values[0], values[-1])
        told = f", at most {_figure(highest, style)}" if above else ""
        if fact.startswith(last):
            last, fact = fact, ""
        text = f"{bars}  {first} → {last}{told}{', ' * bool(fact)}{fact}"
        if isinstance(name, Name):
            lines.append(Names(((0, name),), (wide + 2, text)))
        else:
            lines.append(f"{name:<{wide}}  {text}")
    return tuple(lines)


def gate_lines(
    gates: Sequence[Sequence[bool]], groups: Sequence[tuple[str, int]], row_label: str
) -> tuple[str | Names, ...]:
    """A row for each case, a block for each gate: full where it is open, light where it is shut."""
    if not gates or len(gates[0]) > UNITS:
        return ()
    ends = np.cumsum([count for _, count in groups])
    widths = [max(_columns_of(name), count) for name, count in groups]
    label = f"{row_label} {min(len(gates), CASES)}"
    starts = np.cumsum([len(label) + 2, *(w + 2 for w in widths[:-1])])
    named = zip(starts, groups, strict=True)
    lines: list[str | Names] = [
        Names(tuple((int(start), Name(name)) for start, (name, _) in named if name))
    ]
    for number, row in enumerate(gates[:CASES], start=1):
        parts = [
            "".join("█" if row[k] else "░" for k in range(end - count, end)).ljust(w)
            for (_, count), end, w in zip(groups, ends, widths, strict=True)
        ]
        lines.append(f"{f'{row_label} {number}':<{len(label)}}  {'  '.join(parts)}".rstrip())
    return tuple(lines)


def _columns_of(name: str) -> int:
    """The columns that a name takes where its number stands above it: h⁽¹⁾."""
    shown = symbol(name)
    return (
        len(shown.base)
        + len(shown.subscript)
        + (2 + len(shown.superscript)) * bool(shown.superscript)
    )


def _figure(value: float, style: Format) -> str:
    if not drawable(value, logarithmic=False):
        return "not finite"
    return f"{figure_text(100 * value, 1)} %" if style == "percent" else figure_text(value)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
