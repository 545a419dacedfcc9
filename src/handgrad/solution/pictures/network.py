"""The picture of a network of layers: units as circles, weights on the edges between them.

The forward picture shows values and weights, the backward one gradients. A unit that is
gated off has a dashed outline and a bar before its output, and the edges that it silences are
dashed; a renderer gives both a pattern and a colour besides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from handgrad.picture.measure import Measure
from handgrad.solution.pictures.layers import Network, network_of
from handgrad.solution.pictures.lines import NOTHING, PictureLine, PicturePhase
from handgrad.solution.pictures.network_content import MOST, Content, DrawnUnit
from handgrad.solution.pictures.network_words import describe_network
from handgrad.solution.pictures.numbers import number, whole

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace

VALUE, NAME, SMALL, EDGE = 14.0, 14.0, 12.0, 12.0
"""Sizes of letters: the value and the name in a unit, the lines below it, the numbers on edges."""

FEW = 5
"""In a part or a plan, which stand on slides, a layer with more units is elided."""

LARGE, LARGE_EDGE = 18.0, 18.0
"""The sizes in a part, which stands beside the text of a slide and is set smaller than it."""

LARGEST = 32.0
"""The size of names where nothing else is drawn."""

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

TOP, PART_TOP, PLAN_TOP = 76.0, 44.0, 44.0
MARGIN = 20.0


def network_picture(
    trace: Trace, phase: PicturePhase, layer: int | None = None, *, plan: bool = False
) -> Drawing:
    """The picture of a network of layers: as it is given, or in one pass of its worked solution.

    Of many cases or examples the first is shown.

    Arguments:
        trace: the worked solution.
        phase: the pass whose numbers are shown.
        layer: a part of it: the weights of this layer, counted from 1, and the units at both ends.
        plan: names alone, in letters as large as a slide's, without numbers.

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
    return _NetworkPicture(trace, network, phase, range(first, last + 1), plan).drawing()


@dataclass
class _NetworkPicture:
    """`columns` are those drawn: the inputs are column 0, the units of layer k column k."""

    trace: Trace
    network: Network
    phase: PicturePhase
    columns: range
    plan: bool = False

    def __post_init__(self) -> None:
        self.part = len(self.columns) <= len(self.network.layers)
        self.lean = self.part or self.plan
        most = FEW if self.lean else MOST
        self.content = Content(self.trace, self.network, self.phase, most)
        signals = frozenset(n for n in self.trace.graph.activations if n[0] == "z")
        self.measure = Measure(
            self.trace.decimals, self.trace.problem.display, signals, serif=self.lean
        )
        # In a part that says nothing but ∂L/∂L = 1 it is left out.
        self.with_loss = self.columns[-1] == len(self.network.layers) and not self.part
        self.name_size = LARGEST if self.plan else LARGE if self.part else NAME
        self.value_size = LARGE if self.lean else VALUE
        self.edge_size, self.small_size = (LARGE_EDGE,) * 2 if self.lean else (EDGE, SMALL)
        self.top = PLAN_TOP if self.plan else PART_TOP if self.part else TOP
        self._place()

    @property
    def gaps(self) -> range:
        """The gaps drawn between two columns, each by the column at its left."""
        return self.columns[:-1]

    def _units(self, column: int) -> dict[int, DrawnUnit]:
        units = self.content.units[column]
        if not self.lean:
            return units
        if self.plan:
            return {u: replace(unit, value=NOTHING, below=()) for u, unit in units.items()}
        return {u: replace(unit, below=()) for u, unit in units.items()}

    # -- where it stands ------------------------------------------------------------------

    def _place(self) -> None:
        """The radius of a unit, the distance between units, and where the columns stand."""
        measure, columns = self.measure, self.columns
        every = [u for column in columns for u in self._units(column).values()]
        inside = [measure.width(u.value.text, self.value_size, bold=True) for u in every]
        inside += [measure.width(u.name.text, self.name_size) for u in every]
        self.radius = max(20.0 if self.plan else 28.0, max(inside) / 2 + (3 if self.lean else 8))
        under = [measure.width(line.text, self.small_size) for u in every for line in u.below]
        self.overhang = max(0.0, max(under, default=0.0) / 2 - self.radius)
        rows = max(len(u.below) for u in every)
        between = 4.0 if self.part else 26.0 if rows else 22.0
        self.spacing = 2 * self.radius + rows * ROW + between
        tallest = max(len(self.content.columns[c]) for c in columns)
        self.middle = self.top + self.radius + (tallest - 1) * self.spacing / 2
        self.height = self.middle + (tallest - 1) * self.spacing / 2
        self.height += self.radius + rows * ROW + (4.0 if self.part else MARGIN)
        headers = {c: self._header_width(c) for c in columns}
        self.labelled: dict[int, bool] = {}
        self.x = {columns[0]: MARGIN + max(self.radius + self.overhang, headers[columns[0]] / 2)}
        for gap in self.gaps:
            apart, labelled = self._apart(gap)
            named = measure.width(self.content.gap_name(gap), self.name_size) + 24
            between = max(20.0 if self.plan else 40.0 if self.part else 64.0, named)
            beside = max(headers[gap], headers[gap + 1]) + between
            self.labelled[gap] = labelled
            self.x[gap + 1] = self.x[gap] + max(2 * self.radius + apart, beside)
        end = self.x[columns[-1]]
        reach = max(self.radius, headers[columns[-1]] / 2, self.radius + self.overhang)
        if not self.with_loss:
            self.width = end + max(reach, self.radius + self._stopped(columns[-1])) + MARGIN
            return
        loss = self.content.loss()
        self.loss = replace(loss, value=NOTHING, below=()) if self.plan else loss
        self.loss = replace(self.loss, below=()) if self.lean else self.loss
        widest = max(
            measure.width(line.text, self.small_size)
            for line in self.loss.below or (self.loss.name,)
        )
        named = measure.width(self.loss.name.text, self.name_size)
        valued = measure.width(self.loss.value.text, self.value_size, bold=True)
        self.loss_width = max(44.0 if self.plan else 72.0, named + 20, valued + 20)
        half = max(self.loss_width, widest, 40) / 2
        self.loss_x = (
            end + reach + max(30.0 if self.plan or self.part else 56.0, self._stopped(columns[-1]))
        )
        self.loss_x += half
        self.width = self.loss_x + half + MARGIN

    def _stopped(self, column: int) -> float:
        """The room that the gradients take that stop at the bars of a column, each with its number."""
        arriving = [self.content.arriving(column, u) for u in self.content.units[column]]
        widths = [
            self.measure.width(line.text, self.small_size, bold=True) for line in arriving if line
        ]
        return max(widths) + (24 if self.part else 34) if widths and column > 0 else 0.0

    def _apart(self, gap: int) -> tuple[float, bool]:
        """How far apart two layers stand, from port to port, and whether their edges have labels.

        Labels stand near the end with the fewer edges: of s units that lead to d, those of one
        source never meet those of the next where they stand a (d + 1)th of the way from it.
        """
        sources, targets = self.content.columns[gap], self.content.columns[gap + 1]
        tallest = max(len(sources), len(targets)) - 1
        stopped = self._stopped(gap)
        steepest = STEEPEST * tallest * self.spacing
        if self.plan:
            return max(48.0, steepest), False
        least = max(80.0 if self.part else 150.0, 2 * self.overhang + 60, steepest) + stopped
        if None in sources or None in targets:
            return least, False
        part = 1 / (min(len(sources), len(targets)) + 1)
        needed = (self._label_width(gap) / 2 + self.overhang + 10) / part
        tightest = TIGHTEST * self.edge_size / EDGE
        if part * self.spacing < tightest or needed > WIDEST:
            return least, False
        return max(least, needed + stopped), True

    def _label_width(self, gap: int) -> float:
        layer = self.network.layers[gap]
        edges = (
            self.content.edge(gap, s, t)
            for s in range(layer.sum.inputs)
            for t in range(layer.sum.units)
        )
        return max(self.measure.width((number(e.value),), self.edge_size) for e in edges)

    def _y(self, column: int, slot: int) -> float:
        return self.middle + (slot - (len(self.content.columns[column]) - 1) / 2) * self.spacing

    # -- headers --------------------------------------------------------------------------

    def _header_width(self, column: int) -> float:
        if self.plan:
            return 0.0
        title, words = self.content.header(column)
        bold = self.measure.width((title,), self.name_size, bold=True)
        return max(bold, self.measure.width((words,), self.small_size))

    # -- shapes ---------------------------------------------------------------------------

    def drawing(self) -> Drawing:
        """Edges at the bottom, their labels, then the units and the headers."""
        shapes: list[Shape] = [*self._headers()]
        for gap in self.gaps:
            shapes += self._edges(gap)
        if self.with_loss:
            shapes += self._loss_edges()
        for column in self.columns:
            units = self._units(column)
            for slot, unit in enumerate(self.content.columns[column]):
                x, y = self.x[column], self._y(column, slot)
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
                self.trace,
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
        for gap in self.gaps:
            layer = self.network.layers[gap]
            x = (self.x[gap] + self.x[gap + 1]) / 2
            name = layer.sum.weights
            role: Role = "gradient" if self.content.backward else "value"
            alone = self.content.shown.alone and self.network.examples == "none"
            quantity = (
                whole(name, self.content.backward) if alone or not self.content.backward else ""
            )
            text = self.content.gap_name(gap)
            shapes.append(Label(x, 26, text, role, size=self.name_size, quantity=quantity))
            if self.plan:
                continue
            ends = ((x - 22, 40.0), (x + 22, 40.0))
            shapes.append(Arrow(ends[::-1] if self.content.backward else ends, role, 1.5))
        return shapes

    def _edges(self, gap: int) -> list[Shape]:
        sources, targets = self.content.columns[gap], self.content.columns[gap + 1]
        left, right = self.x[gap] + self.radius, self.x[gap + 1] - self.radius
        stopped = self._stopped(gap)
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
                # Where a bar stops a gradient, the edges end where the arrows to the units begin.
                bar = 9.0 if gap > 0 and self.content.units[gap][source].off else 0.0
                bar = stopped or bar
                start, stop = (left + bar, self._y(gap, i)), (right, self._y(gap + 1, j))
                # Without its number an edge tells by its thickness how large it is.
                thick = (
                    1.4 if self.labelled[gap] or self.plan else 0.6 + 2 * abs(edge.value) / largest
                )
                thick = min(thick, FAINT) if edge.dashed else thick
                lines.append(
                    Outline((start, stop), edge.role, thick, edge.dashed, quantity=edge.quantity)
                )
                if self.labelled[gap]:
                    x = left + stopped + at * (right - left - stopped)
                    y = start[1] + (x - start[0]) / (stop[0] - start[0]) * (stop[1] - start[1])
                    role: Role = "ink" if edge.role == "value" else edge.role
                    role = "faint" if edge.quiet else role
                    labels.append(
                        Label(x, y + 4, (number(edge.value),), role, size=self.edge_size,
                              quantity=edge.quantity, halo=True)
                    )  # fmt: skip
        # What is silenced lies below what is not.
        lines.sort(key=lambda line: line.role != "off")
        return [*lines, *labels]

    def _stop(self, column: int, unit: int, x: float, y: float) -> list[Shape]:
        """The gradient that arrives at a shut gate: an arrow that ends at the bar, with its number."""
        stopped = self._stopped(column)
        if not stopped:
            return []
        line = self.content.arriving(column, unit)
        right = x + self.radius + stopped
        off = self.content.units[column][unit].off
        left = x + self.radius + (9 if off else 2)
        if line is None:
            role: Role = "off" if off else "gradient"
            return [Arrow(((right, y), (left, y)), role, 1.4, dashed=off)]
        return [
            Arrow(((right, y), (left, y)), "gradient", 2.0, quantity=line.quantity),
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
            _label(unit.name, x, y - raised if unit.value.text else y + raised, self.name_size)
        ]
        if unit.value.text:
            shapes.append(_label(unit.value, x, y + self.value_size, self.value_size))
        for row, line in enumerate(unit.below):
            shapes.append(_label(line, x, y + under + ROW * (row + 1) - 1, self.small_size))
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
            stopped = self._stopped(column)
            reach = stopped or (10 if off else 3)
            start = (self.x[column] + self.radius + reach, self._y(column, slot))
            off = off and (not stopped or self.content.arriving(column, unit) is None)
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


def _label(line: PictureLine, x: float, y: float, size: float) -> Label:
    return Label(x, y, line.text, line.role, size=size, bold=line.bold, quantity=line.quantity)
