"""Stacked bars: one row for each thing, its whole length shared out among a few outcomes that are counted."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.picture.charts.axes import LETTER, SMALL_TEXT, TEXT
from handgrad.picture.drawing import Drawing, Label, Rectangle, Role, Shape, Text
from handgrad.picture.measure import Measure
from handgrad.record import record
from handgrad.text import plain_text

ROW, THICK = 24.0, 17.0

KEY = 24.0
"""The height of a line of the key."""


@record
class Outcome:
    """What a part of a bar counts; `strength` is how strongly it is filled."""

    name: str
    role: Role
    strength: float


@record
class Stack:
    """A row: what it is called, and for each outcome how many there are."""

    label: Text
    counts: tuple[int, ...]


def stacked_chart(
    stacks: Sequence[Stack], outcomes: Sequence[Outcome], *, title: str, width: float = 640.0
) -> Drawing:
    """Bars of equal length, each shared out among the outcomes, with the counts in them.

    Arguments:
        stacks: from top to bottom.
        outcomes: from left to right; a count stands in its part where there is room for it.
        title: what the chart shows, for screen readers too.
        width: of the drawing, in pixels.
    """
    shapes, top = _key(outcomes, width)
    measure = Measure(decimals=4)
    names = max((measure.width(s.label, SMALL_TEXT) for s in stacks), default=0.0)
    left = min(8 + names, width / 2)
    length = width - left - 4
    for row, stack in enumerate(stacks):
        y = top + ROW * row
        shapes.append(Label(left - 8, y + ROW / 2 + 4, stack.label, "ink", "end", SMALL_TEXT))
        start, total = left, max(1, sum(stack.counts))
        for outcome, count in zip(outcomes, stack.counts, strict=True):
            part = length * count / total
            if count:
                box = (start, y + (ROW - THICK) / 2, max(1.0, part - 1), THICK)
                shapes.append(Rectangle(*box, outcome.role, 1.5, outcome.strength))
                text = f"{count}"
                if len(text) * LETTER * SMALL_TEXT + 4 <= part:
                    middle = start + part / 2
                    shapes.append(
                        Label(middle, y + ROW / 2 + 4, (text,), "ink", "middle", SMALL_TEXT)
                    )
            start += part
    said = " ".join(
        (
            f"Stacked bars: {title}.",
            *(
                f"{plain_text(s.label)}: "
                + ", ".join(f"{n} {o.name}" for o, n in zip(outcomes, s.counts, strict=True) if n)
                + "."
                for s in stacks
            ),
        )
    )
    return Drawing(width, top + ROW * len(stacks) + 4, tuple(shapes), title, said)


def _key(outcomes: Sequence[Outcome], width: float) -> tuple[list[Shape], float]:
    """What the parts mean, on as many lines as it takes, and where the bars begin."""
    shapes: list[Shape] = []
    x, y = 0.0, 0.0
    for outcome in outcomes:
        wide = 18 + LETTER * TEXT * len(outcome.name) + 18
        if x and x + wide - 18 > width:
            x, y = 0.0, y + KEY
        shapes.append(Rectangle(x, y + 3, 13, 13, outcome.role, 1.5, outcome.strength))
        shapes.append(Label(x + 18, y + 14, (outcome.name,), "ink", "start", TEXT))
        x += wide
    return shapes, y + KEY + 4
