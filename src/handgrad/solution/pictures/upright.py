"""The picture of a network of layers from top to bottom, for a narrow screen.

Layers are rows; what they are called stands at the left, what there is to say of a unit at its right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from handgrad.picture.drawing import (
    Arrow,
    Circle,
    Drawing,
    Label,
    Outline,
    Rectangle,
    Role,
    Shape,
    Text,
)
from handgrad.picture.measure import Measure
from handgrad.record import record
from handgrad.solution.pictures.edges import (
    edge_label,
    edge_line,
    loss_arrow,
    places_on_edges,
    unit_label,
)
from handgrad.solution.pictures.layers import Network, network_of
from handgrad.solution.pictures.lines import NARROW, PicturePhase
from handgrad.solution.pictures.network_content import Content, DrawnUnit, Lines
from handgrad.solution.pictures.network_layout import ROW, SMALL
from handgrad.solution.pictures.network_words import describe_network
from handgrad.solution.pictures.numbers import ShownNumbers, number

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace

MARGIN = 10.0

LOOSEST = 96.0
"""The height between two layers with numbers on the edges, from port to port."""

CLOSEST = 64.0
"""The same without."""

STOP = 34.0
"""The length of the arrow of a gradient that stops at a bar."""


@record
class RowDensity:
    """How much is said in a row.

    Arguments:
        lines: what stands beside a unit.
        letters: the size of letters in the units.
        most: units of a layer that are drawn.
        between: the least distance between two units.
    """

    lines: Lines
    letters: float
    most: int
    between: float


DENSITIES = (
    RowDensity("brief", 14.0, 8, 16.0),
    RowDensity("none", 14.0, 8, 10.0),
    RowDensity("none", 12.0, 8, 5.0),
    RowDensity("none", 12.0, 5, 5.0),
    RowDensity("none", 12.0, 4, 5.0),
    RowDensity("none", 11.0, 4, 3.0),
)
"""From what says most to what takes least room."""


def upright_picture(
    trace: Trace, phase: PicturePhase, shown: ShownNumbers | None = None
) -> Drawing | None:
    """The network from top to bottom, no wider than `NARROW`; None for what is no network, or no fit."""
    network = network_of(trace.graph)
    if network is None:
        return None
    shown = shown or ShownNumbers(trace)
    for density in DENSITIES:
        picture = _Upright(shown, network, phase, density)
        if picture.width <= NARROW:
            return picture.drawing()
    return None


@dataclass
class _Upright:
    shown: ShownNumbers
    network: Network
    phase: PicturePhase
    density: RowDensity

    def __post_init__(self) -> None:
        self.content = Content(
            self.shown, self.network, self.phase, self.density.most, self.density.lines
        )
        signals = frozenset(n for n in self.shown.trace.graph.activations if n[0] == "z")
        self.measure = Measure(
            self.shown.trace.decimals,
            self.shown.trace.problem.display,
            signals,
            loss=self.shown.trace.graph.loss,
        )
        self.rows = range(len(self.content.columns))
        self.loss = self.content.loss()
        self._place()

    # -- where it stands ------------------------------------------------------------------

    def _place(self) -> None:
        width, letters = self.measure.width, self.density.letters
        every = [u for row in self.content.units for u in row.values()]
        inside = [width(u.value.text, letters, bold=True) for u in every]
        inside += [width(u.name.text, letters) for u in every]
        self.radius = max(20.0, max(inside) / 2 + 4)
        beside = [width(line.text, SMALL, line.bold) for u in every for line in u.below]
        self.beside = max(beside, default=0.0) + (4 if beside else 0)
        self.spacing = 2 * self.radius + self.beside + self.density.between
        titles = [width((t,), SMALL, bold) for c in self.rows for t, bold in self._titles(c)]
        names = [width(self.content.gap_name(c), SMALL) for c in self.rows[:-1]]
        self.left = MARGIN + max(*titles, *names, width(("loss",), SMALL, bold=True)) + 12
        most = max(len(row) for row in self.content.columns)
        inner = most * self.spacing - self.density.between
        named = width(self.loss.name.text, letters)
        valued = width(self.loss.value.text, letters, bold=True)
        self.box = max(60.0, named + 16, valued + 16)
        under = max((width(line.text, SMALL) for line in self.loss.below), default=0.0)
        self.reach = max(self.box, under) / 2
        inner = max(inner, 2 * self.reach)
        self.width = self.left + inner + MARGIN
        self.middle = self.left + inner / 2
        # Under the output units, as far as the edges of the picture let it.
        last = self.middle - self.beside / 2
        self.loss_x = min(max(last, self.left + self.reach), self.width - MARGIN - self.reach)
        self.y: dict[int, float] = {}
        self.at: dict[int, float | None] = {}
        y = MARGIN + self.radius
        for row in self.rows:
            self.y[row] = y
            y += 2 * self.radius + self._stopped(row)
            if row == self.rows[-1]:
                break
            self.at[row] = self._labels_at(row)
            gap = CLOSEST if self.at[row] is None else LOOSEST
            # What the rows are called, with the name of the weights and its arrow between them.
            lines = (len(self._titles(row)) + len(self._titles(row + 1))) * ROW / 2
            y += max(gap, lines + 60 - 2 * self.radius - self._stopped(row))
        self.loss_y = y - self.radius + 40 + 26
        self.height = self.loss_y + 26 + ROW * len(self.loss.below) + MARGIN

    def _x(self, row: int, slot: int) -> float:
        """The middle of a unit; what is said of it lies at its right."""
        count = len(self.content.columns[row])
        return self.middle + (slot - (count - 1) / 2) * self.spacing - self.beside / 2

    def _stopped(self, row: int) -> float:
        """The height of the arrows that stop at the bars of a row."""
        arriving = [self.content.arriving(row, u) for u in self.content.units[row]]
        return STOP if row > 0 and any(arriving) else 0.0

    def _labels_at(self, row: int) -> float | None:
        """Where the numbers of the edges under a row stand, as a share of the way; None for nowhere."""
        above, below = self.content.columns[row], self.content.columns[row + 1]
        if None in above or None in below:
            return None
        edges = [self.content.edge(row, s, t) for s in above for t in below if s is not None and t is not None]  # fmt: skip
        widest = max(self.measure.width((number(e.value),), SMALL) for e in edges)
        found = places_on_edges(len(above), len(below), widest / self.spacing, 18 / LOOSEST)
        return max(found, key=lambda at: found[at]) if found else None

    # -- shapes ---------------------------------------------------------------------------

    def drawing(self) -> Drawing:
        """Edges at the bottom, their labels, then the units and what stands at the left."""
        shapes: list[Shape] = []
        for row in self.rows[:-1]:
            shapes += self._edges(row)
        shapes += self._loss_edges()
        for row in self.rows:
            shapes += self._titled(row)
            for slot, unit in enumerate(self.content.columns[row]):
                x, y = self._x(row, slot), self.y[row]
                if unit is None:
                    shapes.append(Label(x, y + 4, ("⋯",), "faint", size=22))
                else:
                    shapes += self._unit(self.content.units[row][unit], x, y)
                    shapes += self._stop(row, unit, x, y)
        shapes += self._loss()
        labelled = all(at is not None for at in self.at.values())
        return Drawing(
            round(self.width, 1),
            round(self.height, 1),
            tuple(shapes),
            title="The network" + ("" if self.phase == "given" else f": {self.phase} pass"),
            description=describe_network(
                self.shown.trace, self.network, self.phase, self.content.off, labelled,
                self.content.shown, "from top to bottom",
            ),
        )  # fmt: skip

    def _titles(self, row: int) -> list[tuple[str, bool]]:
        """The lines at the left of a row, and whether each is bold."""
        title, words = self.content.header(row)
        first, _, rest = title.partition(" ")
        return [(first, True), *([(rest, True)] if rest else []), *((w, False) for w in words.split(", ") if w)]  # fmt: skip

    def _titled(self, row: int) -> Iterator[Shape]:
        lines = self._titles(row)
        for k, (text, bold) in enumerate(lines):
            y = self.y[row] + (k - (len(lines) - 1) / 2) * ROW + 4
            yield Label(MARGIN, y, (text,), "ink" if bold else "faint", "start", SMALL, bold)
        if row == self.rows[-1]:
            return
        role: Role = "gradient" if self.content.backward else "value"
        below = (len(lines) - len(self._titles(row + 1))) * ROW / 4
        middle = (self.y[row] + self.y[row + 1]) / 2 + below - 6
        name: Text = self.content.gap_name(row)
        yield Label(MARGIN, middle - 6, name, role, "start", SMALL,
                    quantity=self.content.gap_quantity(row))  # fmt: skip
        ends = ((MARGIN + 12, middle + 4), (MARGIN + 12, middle + 26))
        yield Arrow(ends[::-1] if self.content.backward else ends, role, 1.5)

    def _edges(self, row: int) -> list[Shape]:
        at, top = self.at[row], self.y[row] + self.radius
        stopped = self._stopped(row)
        largest = float(np.abs(self.content.weights[row]).max()) or 1.0
        lines: list[Outline] = []
        labels: list[Shape] = []
        for i, source in enumerate(self.content.columns[row]):
            for j, target in enumerate(self.content.columns[row + 1]):
                if source is None or target is None:
                    continue
                edge = self.content.edge(row, source, target)
                bar = 9.0 if row > 0 and self.content.units[row][source].off else 0.0
                start = (self._x(row, i), top + (stopped or bar))
                stop = (self._x(row + 1, j), self.y[row + 1] - self.radius)
                lines.append(edge_line(edge, (start, stop), None if at is not None else largest))
                if at is not None:
                    labels.append(edge_label(edge, (start, stop), at, SMALL))
        lines.sort(key=lambda line: line.role != "off")
        return [*lines, *labels]

    def _unit(self, unit: DrawnUnit, x: float, y: float) -> Iterator[Shape]:
        letters = self.density.letters
        yield Circle(x, y, self.radius, unit.face, unit.name.quantity)
        if unit.off:
            bar = y + self.radius + 5
            yield Outline(((x - 13, bar), (x + 13, bar)), "off", 4.5)
        yield unit_label(unit.name, x, y + (-0.3 if unit.value.text else 0.3) * letters, letters)
        if unit.value.text:
            yield unit_label(unit.value, x, y + letters, letters)
        for k, line in enumerate(unit.below):
            below = y + (k - (len(unit.below) - 1) / 2) * ROW + 4
            yield Label(x + self.radius + 4, below, line.text, line.role, "start", SMALL, line.bold,
                        line.quantity)  # fmt: skip

    def _stop(self, row: int, unit: int, x: float, y: float) -> Iterator[Shape]:
        """The gradient that arrives at a shut gate: an arrow that ends at the bar, with its number."""
        stopped = self._stopped(row)
        if not stopped:
            return
        line, off = self.content.arriving(row, unit), self.content.units[row][unit].off
        top = y + self.radius + (9 if off else 2)
        ends = ((x, y + self.radius + stopped), (x, top))
        if line is None:
            yield Arrow(ends, "off" if off else "gradient", 1.4, dashed=off)
            return
        yield Arrow(ends, "gradient", 2.0, quantity=line.quantity)
        width = self.measure.width(line.text, SMALL, bold=True) + 8
        if width <= self.spacing and x + width <= self.width:
            yield Label(x + 6, top + 16, line.text, "gradient", "start", SMALL, True, line.quantity)

    def _loss_edges(self) -> Iterator[Shape]:
        row = self.rows[-1]
        stopped = self._stopped(row)
        for slot, unit in enumerate(self.content.columns[row]):
            if unit is not None:
                off = self.content.units[row][unit].off
                start = self.y[row] + self.radius + (stopped or (10 if off else 3))
                ends = (
                    (self._x(row, slot), start),
                    (self.loss_x, self.loss_y - 29),
                )
                yield loss_arrow(self.content, unit, ends, stopped=bool(stopped))

    def _loss(self) -> Iterator[Shape]:
        x, y, letters = self.loss_x, self.loss_y, self.density.letters
        yield Rectangle(x - self.box / 2, y - 26, self.box, 52, "surface", 8,
                        quantity=self.loss.name.quantity)  # fmt: skip
        yield unit_label(self.loss.name, x, y + (-0.3 if self.loss.value.text else 0.3) * letters, letters)  # fmt: skip
        if self.loss.value.text:
            yield unit_label(self.loss.value, x, y + letters, letters)
        for k, line in enumerate(self.loss.below):
            yield unit_label(line, x, y + 26 + ROW * (k + 1), SMALL)
        yield Label(MARGIN, y + 4, ("loss",), "ink", "start", SMALL, True)
