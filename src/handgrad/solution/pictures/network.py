"""The picture of a network of layers: units as circles, weights on the edges between them.

The forward picture shows values and weights, the backward one gradients. A unit that is
gated off has a dashed outline and a bar before its output, and the edges that it silences are
dashed; a renderer gives both a pattern and a colour besides.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from handgrad.errors import OptionError
from handgrad.picture.drawing import (
    Arrow,
    Circle,
    Drawing,
    Label,
    Outline,
    Rectangle,
    Role,
    Shape,
)
from handgrad.solution.pictures.edges import (
    edge_label,
    edge_line,
    loss_arrow,
    unit_label,
)
from handgrad.solution.pictures.layers import network_of
from handgrad.solution.pictures.lines import PicturePhase
from handgrad.solution.pictures.network_content import Content, DrawnUnit
from handgrad.solution.pictures.network_layout import (
    DENSITIES,
    ROOM,
    ROW,
    SPREAD,
    NetworkLayout,
    least_width,
)
from handgrad.solution.pictures.network_words import describe_network
from handgrad.solution.pictures.numbers import ShownNumbers

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace


def network_picture(
    trace: Trace,
    phase: PicturePhase,
    layer: int | None = None,
    *,
    plan: bool = False,
    shown: ShownNumbers | None = None,
) -> Drawing:
    """The picture of a network of layers: as it is given, or in one pass of its worked solution.

    Of many cases or examples the first is shown.

    Arguments:
        trace: the worked solution.
        phase: the pass whose numbers are shown.
        layer: a part of it: the weights of this layer, counted from 1, and the units at both ends.
        plan: names alone, in letters as large as a slide's, without numbers.
        shown: the numbers of the trace, where there are other pictures of them.

    Raises `OptionError` for a graph that is no such network, and for a layer that it does not have.
    """
    network = network_of(trace.graph)
    if network is None:
        raise OptionError(
            "these equations are not a network of layers", mend="graph_picture draws any equations"
        )
    count = len(network.layers)
    if layer is not None and not 1 <= layer <= count:
        raise OptionError(f"there is no layer {layer}", mend=f"the layers are 1 to {count}")
    last = count if layer is None else layer
    first = 0 if layer is None else layer - 1
    shown = shown or ShownNumbers(trace)
    contents = cache(partial(Content, shown, network, phase))
    columns = range(first, last + 1)
    drawn = partial(_NetworkPicture, shown, network, phase, columns, contents=contents)
    whole = layer is None and not plan
    for density in DENSITIES:
        if whole and least_width(density, count) > ROOM[0] and density is not DENSITIES[-1]:
            continue
        picture = drawn(density, plan)
        if picture.lean or (picture.width <= ROOM[0] and picture.height <= ROOM[1]):
            break
    left = (ROOM[0] - picture.width) / max(1, len(picture.gaps))
    if not picture.lean and left > 0:
        # The numbers on edges stand the further apart.
        picture.part_by(min(left, SPREAD))
    return picture.drawing()


class _NetworkPicture(NetworkLayout):
    """The shapes, where the layout has them."""

    def drawing(self) -> Drawing:
        """Edges at the bottom, their labels, then the units and the headers."""
        shapes: list[Shape] = [*self._headers()]
        for gap in self.gaps:
            shapes += self._edges(gap)
        if self.with_loss:
            shapes += self._loss_edges()
        for column in self.columns:
            units = self.units(column)
            for slot, unit in enumerate(self.content.columns[column]):
                x, y = self.x[column], self.y(column, slot)
                if unit is None:
                    shapes.append(Label(x, y + 9, ("⋮",), "faint", size=26))
                else:
                    shapes += self._circle(units[unit], x, y)
                    shapes += self._stop(column, unit, x, y)
        if self.with_loss:
            shapes += self._loss_box()
        return Drawing(
            round(self.width, 1),
            round(self.height, 1),
            tuple(shapes),
            title="The network" + ("" if self.phase == "given" else f": {self.phase} pass"),
            description=describe_network(
                self.shown.trace,
                self.network,
                self.phase,
                self.content.off,
                all(self.labelled.values()) or self.plan,
                self.content.shown,
            ),
        )

    def _headers(self) -> list[Shape]:
        shapes: list[Shape] = []
        titles = [(self.x[c], *self.content.header(c)) for c in self.columns]
        if self.with_loss:
            titles.append((self.loss_x, "loss", ""))
        for x, title, words in titles if not self.plan else ():
            shapes.append(Label(x, 26, (title,), "ink", size=self.name_size, bold=True))
            if words and not self.lean:
                shapes.append(Label(x, 44, (words,), "faint", size=self.small_size))
        # On a plan of the way back the gradients' names, as large as the units', would run together.
        for gap in self.gaps if not (self.plan and self.content.backward) else ():
            x = (self.x[gap] + self.x[gap + 1]) / 2
            role: Role = "gradient" if self.content.backward else "value"
            quantity = self.content.gap_quantity(gap)
            text = self.content.gap_name(gap)
            y = 32.0 if self.plan else 26.0 if self.lean else 46.0
            shapes.append(Label(x, y, text, role, size=self.name_size, quantity=quantity))
            if self.plan:
                continue
            ends = ((x - 22, y + 14), (x + 22, y + 14))
            shapes.append(Arrow(ends[::-1] if self.content.backward else ends, role, 1.5))
        return shapes

    def _edges(self, gap: int) -> list[Shape]:
        sources, targets = self.content.columns[gap], self.content.columns[gap + 1]
        left, right = self.x[gap] + self.radius, self.x[gap + 1] - self.radius
        stopped = self.stopped(gap)
        largest = float(np.abs(self.content.weights[gap]).max()) or 1.0
        lines: list[Outline] = []
        labels: list[Label] = []
        for i, source in enumerate(sources):
            for j, target in enumerate(targets):
                if source is None or target is None:
                    continue
                edge = self.content.edge(gap, source, target)
                # Where a bar stops a gradient, the edges end where the arrows to the units begin.
                bar = 9.0 if gap > 0 and self.content.units[gap][source].off else 0.0
                bar = stopped or bar
                start, stop = (left + bar, self.y(gap, i)), (right, self.y(gap + 1, j))
                alike = self.labelled[gap] or self.plan
                lines.append(edge_line(edge, (start, stop), None if alike else largest))
                if self.labelled[gap]:
                    at = self.label_at(gap, steep=start[1] != stop[1])
                    labels.append(edge_label(edge, (start, stop), at, self.edge_size))
        # What is silenced lies below what is not.
        lines.sort(key=lambda line: line.role != "off")
        return [*lines, *labels]

    def _stop(self, column: int, unit: int, x: float, y: float) -> list[Shape]:
        """The gradient that arrives at a shut gate: an arrow that ends at the bar, with its number."""
        stopped = self.stopped(column)
        if not stopped:
            return []
        line = self.content.arriving(column, unit)
        right = x + self.radius + stopped
        off = self.content.units[column][unit].off
        left = x + self.radius + (9 if off else 2)
        if line is None:
            role: Role = "off" if off else "gradient"
            return [Arrow(((right, y), (left, y)), role, 1.4, dashed=off)]
        arrow = Arrow(((right, y), (left, y)), "gradient", 2.0, quantity=line.quantity)
        if self.plan:
            return [arrow]
        return [
            arrow,
            Label((left + right) / 2 + 3, y - 7, line.text, "gradient", size=self.small_size, bold=True,
                  quantity=line.quantity),
        ]  # fmt: skip

    def _circle(self, unit: DrawnUnit, x: float, y: float) -> list[Shape]:
        shapes: list[Shape] = [Circle(x, y, self.radius, unit.face, unit.name.quantity)]
        if unit.off:
            bar = x + self.radius + 5
            shapes.append(Outline(((bar, y - 13), (bar, y + 13)), "off", 4.5))
        shapes += self._lines(unit, x, y, self.radius)
        return shapes

    def _lines(self, unit: DrawnUnit, x: float, y: float, under: float) -> list[Shape]:
        raised = 0.3 * self.name_size
        shapes: list[Shape] = [
            unit_label(unit.name, x, y - raised if unit.value.text else y + raised, self.name_size)
        ]
        if unit.value.text:
            shapes.append(unit_label(unit.value, x, y + self.value_size, self.value_size))
        for row, line in enumerate(unit.below):
            shapes.append(unit_label(line, x, y + under + ROW * (row + 1) - 1, self.small_size))
        return shapes

    def _loss_edges(self) -> list[Shape]:
        """From the output units to the loss, or back."""
        shapes: list[Shape] = []
        column = len(self.content.columns) - 1
        stop = (self.loss_x - self.loss_width / 2 - 3, self.middle)
        for slot, unit in enumerate(self.content.columns[column]):
            if unit is None:
                continue
            off = self.content.units[column][unit].off
            stopped = self.stopped(column)
            reach = stopped or (10 if off else 3)
            start = (self.x[column] + self.radius + reach, self.y(column, slot))
            shapes.append(loss_arrow(self.content, unit, (start, stop), stopped=bool(stopped)))
        return shapes

    def _loss_box(self) -> list[Shape]:
        x, y, width = self.loss_x, self.middle, self.loss_width
        box = Rectangle(
            x - width / 2, y - 28, width, 56, "surface", 8, quantity=self.loss.name.quantity
        )
        return [box, *self._lines(self.loss, x, y, 28)]
