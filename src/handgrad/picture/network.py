"""The picture of a network of layers: units as circles, weights on the edges between them.

The forward picture shows values and weights, the backward one gradients. A unit that is
gated off has a dashed outline and a bar before its output, and the edges that it silences are
dashed; a renderer gives both a pattern and a colour besides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.errors import OptionError
from handgrad.picture.drawing import (
    Arrow,
    Circle,
    Drawing,
    Label,
    Path,
    Rectangle,
    Role,
    Shape,
)
from handgrad.picture.layers import Network, network_of
from handgrad.picture.lines import Line, PicturePhase
from handgrad.picture.measure import Measure
from handgrad.picture.network_content import Content, Unit
from handgrad.picture.network_words import describe_network
from handgrad.picture.numbers import number, whole
from handgrad.trace import Trace

VALUE, NAME, SMALL, EDGE = 14.0, 14.0, 12.0, 12.0
"""Sizes of letters: the value and the name in a unit, the lines below it, the numbers on edges."""

ROW = 16.0
"""The height of a line below a unit."""

TIGHTEST = 17.0
"""Labels of edges are no closer to each other, one above the other."""

WIDEST = 400.0
"""Where labels would push two layers further apart than this, they are left out."""

STEEPEST = 0.28
"""Layers stand apart by at least so much of their height, or their edges would be too steep."""

FAINT = 1.1
"""Edges that are silenced are no thicker."""

TOP = 76.0
MARGIN = 20.0


def network_picture(trace: Trace, phase: PicturePhase) -> Drawing:
    """The picture of a network of layers: as it is given, or in one pass of its worked solution.

    Of many cases or examples the first is shown. Raises `OptionError` for a graph that is no
    such network.
    """
    network = network_of(trace.graph)
    if network is None:
        raise OptionError(
            "these equations are not a network of layers", mend="graph_picture draws any equations"
        )
    return _Picture(trace, network, phase).drawing()


@dataclass
class _Picture:
    trace: Trace
    network: Network
    phase: PicturePhase

    def __post_init__(self) -> None:
        self.content = Content(self.trace, self.network, self.phase)
        self.measure = Measure(self.trace.decimals, self.trace.problem.display)
        self._place()

    # -- where it stands ------------------------------------------------------------------

    def _place(self) -> None:
        """The radius of a unit, the distance between units, and where the columns stand."""
        measure = self.measure
        every = [u for column in self.content.units for u in column.values()]
        inside = [measure.width(u.value.text, VALUE, bold=True) for u in every]
        inside += [measure.width(u.name.text, NAME) for u in every]
        self.radius = max(28.0, max(inside) / 2 + 8)
        under = [measure.width(line.text, SMALL) for u in every for line in u.below]
        self.overhang = max(0.0, max(under, default=0.0) / 2 - self.radius)
        rows = max(len(u.below) for u in every)
        self.spacing = 2 * self.radius + rows * ROW + (26 if rows else 22)
        tallest = max(map(len, self.content.columns))
        self.middle = TOP + self.radius + (tallest - 1) * self.spacing / 2
        self.height = self.middle + (tallest - 1) * self.spacing / 2
        self.height += self.radius + rows * ROW + MARGIN
        headers = [self._header_width(c) for c in range(len(self.content.columns))]
        self.labelled: list[bool] = []
        self.x = [MARGIN + max(self.radius, headers[0] / 2)]
        for gap in range(len(self.network.layers)):
            apart, labelled = self._apart(gap)
            between = max(64.0, measure.width(self.content.gap_name(gap), NAME) + 24)
            centres = max(2 * self.radius + apart, sum(headers[gap : gap + 2]) / 2 + between)
            self.labelled.append(labelled)
            self.x.append(self.x[-1] + centres)
        self.loss = self.content.loss()
        widest = max(
            measure.width(line.text, SMALL) for line in self.loss.below or (self.loss.name,)
        )
        named = measure.width(self.loss.name.text, NAME)
        valued = measure.width(self.loss.value.text, VALUE, bold=True)
        self.loss_width = max(72.0, named + 20, valued + 20)
        half = max(self.loss_width, widest, 40) / 2
        self.loss_x = self.x[-1] + max(self.radius, headers[-1] / 2, self.radius + self.overhang)
        self.loss_x += 56 + half
        self.width = self.loss_x + half + MARGIN

    def _apart(self, gap: int) -> tuple[float, bool]:
        """How far apart two layers stand, from port to port, and whether their edges have labels.

        Labels stand near the end with the fewer edges: of s units that lead to d, those of one
        source never meet those of the next where they stand a (d + 1)th of the way from it.
        """
        sources, targets = self.content.columns[gap], self.content.columns[gap + 1]
        tallest = max(len(sources), len(targets)) - 1
        least = max(150.0, 2 * self.overhang + 60, STEEPEST * tallest * self.spacing)
        if None in sources or None in targets:
            return least, False
        part = 1 / (min(len(sources), len(targets)) + 1)
        needed = (self._label_width(gap) / 2 + self.overhang + 10) / part
        if part * self.spacing < TIGHTEST or needed > WIDEST:
            return least, False
        return max(least, needed), True

    def _label_width(self, gap: int) -> float:
        layer = self.network.layers[gap]
        edges = (
            self.content.edge(gap, s, t)
            for s in range(layer.sum.inputs)
            for t in range(layer.sum.units)
        )
        return max(self.measure.width((number(e.value),), EDGE) for e in edges)

    def _y(self, column: int, slot: int) -> float:
        return self.middle + (slot - (len(self.content.columns[column]) - 1) / 2) * self.spacing

    # -- headers --------------------------------------------------------------------------

    def _header_width(self, column: int) -> float:
        title, words = self.content.header(column)
        bold = self.measure.width((title,), NAME, bold=True)
        return max(bold, self.measure.width((words,), SMALL))

    # -- shapes ---------------------------------------------------------------------------

    def drawing(self) -> Drawing:
        """Edges at the bottom, their labels, then the units and the headers."""
        shapes: list[Shape] = [*self._headers()]
        for gap in range(len(self.network.layers)):
            shapes += self._edges(gap)
        shapes += self._loss_edges()
        for column, units in enumerate(self.content.units):
            for slot, unit in enumerate(self.content.columns[column]):
                x, y = self.x[column], self._y(column, slot)
                if unit is None:
                    shapes.append(Label(x, y + 9, ("⋮",), "faint", size=26))
                else:
                    shapes += self._circle(units[unit], x, y)
        shapes += self._loss_box()
        return Drawing(
            round(self.width, 1),
            round(self.height, 1),
            tuple(shapes),
            title="The network" + ("" if self.phase == "given" else f": {self.phase} pass"),
            description=describe_network(
                self.trace, self.network, self.phase, self.content.off, all(self.labelled)
            ),
        )

    def _headers(self) -> list[Shape]:
        shapes: list[Shape] = []
        titles = [self.content.header(c) for c in range(len(self.content.columns))]
        for x, (title, words) in zip((*self.x, self.loss_x), (*titles, ("loss", "")), strict=True):
            shapes.append(Label(x, 26, (title,), "ink", size=NAME, bold=True))
            if words:
                shapes.append(Label(x, 44, (words,), "faint", size=SMALL))
        for gap, layer in enumerate(self.network.layers):
            x = (self.x[gap] + self.x[gap + 1]) / 2
            name = layer.sum.weights
            role: Role = "gradient" if self.content.backward else "value"
            quantity = whole(name, self.content.backward)
            shapes.append(
                Label(x, 26, self.content.gap_name(gap), role, size=NAME, quantity=quantity)
            )
            ends = ((x - 22, 40.0), (x + 22, 40.0))
            shapes.append(Arrow(ends[::-1] if self.content.backward else ends, role, 1.5))
        return shapes

    def _edges(self, gap: int) -> list[Shape]:
        sources, targets = self.content.columns[gap], self.content.columns[gap + 1]
        left, right = self.x[gap] + self.radius, self.x[gap + 1] - self.radius
        near_source = len(targets) <= len(sources)
        part = 1 / (min(len(sources), len(targets)) + 1)
        at = part if near_source else 1 - part
        largest = float(np.abs(self.content.weights[gap]).max()) or 1.0
        lines: list[Shape] = []
        labels: list[Shape] = []
        for i, source in enumerate(sources):
            for j, target in enumerate(targets):
                if source is None or target is None:
                    continue
                edge = self.content.edge(gap, source, target)
                bar = 9 if gap > 0 and self.content.units[gap][source].off else 0
                start, stop = (left + bar, self._y(gap, i)), (right, self._y(gap + 1, j))
                # Without its number an edge tells by its thickness how large it is.
                thick = 1.4 if self.labelled[gap] else 0.6 + 2 * abs(edge.value) / largest
                thick = min(thick, FAINT) if edge.dashed else thick
                lines.append(
                    Path((start, stop), edge.role, thick, edge.dashed, quantity=edge.quantity)
                )
                if self.labelled[gap]:
                    x = left + at * (right - left)
                    y = start[1] + (x - start[0]) / (stop[0] - start[0]) * (stop[1] - start[1])
                    role: Role = "ink" if edge.role == "value" else edge.role
                    labels.append(
                        Label(x, y + 4, (number(edge.value),), role, size=EDGE,
                              quantity=edge.quantity, halo=True)
                    )  # fmt: skip
        # What is silenced lies below what is not.
        lines.sort(key=lambda line: line.role != "off")
        return [*lines, *labels]

    def _circle(self, unit: Unit, x: float, y: float) -> list[Shape]:
        shapes: list[Shape] = [Circle(x, y, self.radius, unit.face, unit.name.quantity)]
        if unit.off:
            bar = x + self.radius + 5
            shapes.append(Path(((bar, y - 13), (bar, y + 13)), "off", 4.5))
        shapes += self._lines(unit, x, y, self.radius)
        return shapes

    def _lines(self, unit: Unit, x: float, y: float, under: float) -> list[Shape]:
        shapes: list[Shape] = [_label(unit.name, x, y - 4 if unit.value.text else y + 5, NAME)]
        if unit.value.text:
            shapes.append(_label(unit.value, x, y + 14, VALUE))
        for row, line in enumerate(unit.below):
            shapes.append(_label(line, x, y + under + ROW * (row + 1) - 1, SMALL))
        return shapes

    def _loss_edges(self) -> list[Shape]:
        """From the output units to the loss, or back."""
        shapes: list[Shape] = []
        column = len(self.content.columns) - 1
        layer = self.network.layers[-1]
        stop = (self.loss_x - self.loss_width / 2 - 3, self.middle)
        for slot, unit in enumerate(self.content.columns[column]):
            if unit is None:
                continue
            off = self.content.units[column][unit].off
            start = (self.x[column] + self.radius + (10 if off else 3), self._y(column, slot))
            role: Role = "off" if off else "gradient" if self.content.backward else "value"
            ends = (stop, start) if self.content.backward else (start, stop)
            quantity = self.content.shown.spelling(
                layer.out, self.content.index(layer.out, unit), self.content.backward
            )
            shapes.append(Arrow(ends, role, 1.4, off, quantity=quantity))
        return shapes

    def _loss_box(self) -> list[Shape]:
        x, y, width = self.loss_x, self.middle, self.loss_width
        box = Rectangle(
            x - width / 2, y - 28, width, 56, "surface", 8, quantity=self.loss.name.quantity
        )
        return [box, *self._lines(self.loss, x, y, 28)]


def _label(line: Line, x: float, y: float, size: float) -> Label:
    return Label(x, y, line.text, line.role, size=size, bold=line.bold, quantity=line.quantity)
