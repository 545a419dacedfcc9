"""The picture of a network of layers: units as circles, weights on the edges between them.

The forward picture shows values and weights, the backward one gradients. A unit that is
gated off has a dashed outline and a bar before its output, and the edges that it silences are
dashed; a renderer gives both a pattern and a colour besides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
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
from handgrad.record import record
from handgrad.solution.pictures.edges import (
    edge_label,
    edge_line,
    loss_arrow,
    places_on_edges,
    unit_label,
)
from handgrad.solution.pictures.layers import Network, network_of
from handgrad.solution.pictures.lines import NOTHING, PicturePhase
from handgrad.solution.pictures.network_content import MOST, Content, DrawnUnit, Lines
from handgrad.solution.pictures.network_words import describe_network
from handgrad.solution.pictures.numbers import number

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace

NAME, SMALL, EDGE = 14.0, 12.0, 12.0
"""Sizes of letters: the name and the value in a unit, the lines below it, the numbers on edges."""

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

SPREAD = 30.0
"""Layers whose edges have numbers stand apart by at most so much more where there is room."""

ROOM = (752.0, 600.0)
"""The width in which letters stay legible: on an A4 page the smallest are then 7 points, and on a screen
of 768 pixels 9 pixels. The height leaves half of such a page, and of a screen, for what it is about."""

TOP, PART_TOP, PLAN_TOP = 86.0, 44.0, 44.0
MARGIN = 10.0


@record
class Density:
    """How much is said at each unit, and how close together layers stand.

    Arguments:
        lines: what stands below a unit: all, what fits under it, or nothing.
        closest: the least distance between two layers, from port to port.
        steepest: layers stand apart by at least so much of their height, or edges would be too steep.
        letters: the size of letters in the units.
        numbered: the most edges between two layers that have their numbers.
        radius: the least of a unit.
        between: the least distance between two units of a layer.
    """

    lines: Lines
    closest: float
    steepest: float
    letters: float = NAME
    numbered: float = math.inf
    radius: float = 28.0
    between: float = 22.0


DENSITIES = (
    Density("all", 150.0, 0.28),
    Density("brief", 64.0, 0.2),
    Density("none", 56.0, 0.1, SMALL, 12, 24.0, 10.0),
    Density("none", 36.0, 0.06, 11.0, 12, 22.0, 8.0),
)
"""From what says most to what takes least room."""


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
    drawn = partial(_NetworkPicture, trace, network, phase, range(first, last + 1))
    for density in DENSITIES:
        picture = drawn(density, plan)
        if picture.lean or (picture.width <= ROOM[0] and picture.height <= ROOM[1]):
            break
    left = (ROOM[0] - picture.width) / max(1, len(picture.gaps))
    if not picture.lean and left > 0:
        # The numbers on edges stand the further apart.
        picture = drawn(density, spread=min(left, SPREAD))
    return picture.drawing()


@dataclass
class _NetworkPicture:
    """`columns` are those drawn: the inputs are column 0, the units of layer k column k."""

    trace: Trace
    network: Network
    phase: PicturePhase
    columns: range
    density: Density
    plan: bool = False
    spread: float = 0.0

    def __post_init__(self) -> None:
        self.part = len(self.columns) <= len(self.network.layers)
        self.lean = self.part or self.plan
        most = FEW if self.lean else MOST
        lines = "none" if self.lean else self.density.lines
        self.content = Content(self.trace, self.network, self.phase, most, lines)
        signals = frozenset(n for n in self.trace.graph.activations if n[0] == "z")
        self.measure = Measure(
            self.trace.decimals, self.trace.problem.display, signals, serif=self.lean
        )
        # In a part that says nothing but ∂L/∂L = 1 it is left out.
        self.with_loss = self.columns[-1] == len(self.network.layers) and not self.part
        self.name_size = (
            LARGEST if self.plan else LARGE if self.part else max(self.density.letters, SMALL)
        )
        self.value_size = LARGE if self.lean else self.density.letters
        self.edge_size, self.small_size = (LARGE_EDGE,) * 2 if self.lean else (EDGE, SMALL)
        self.top = PLAN_TOP if self.plan else PART_TOP if self.part else TOP
        self._place()

    @property
    def gaps(self) -> range:
        """The gaps drawn between two columns, each by the column at its left."""
        return self.columns[:-1]

    def _units(self, column: int) -> dict[int, DrawnUnit]:
        units = self.content.units[column]
        if not self.plan:
            return units
        return {u: replace(unit, value=NOTHING) for u, unit in units.items()}

    # -- where it stands ------------------------------------------------------------------

    def _place(self) -> None:
        """The radius of a unit, the distance between units, and where the columns stand."""
        measure, columns = self.measure, self.columns
        every = [u for column in columns for u in self._units(column).values()]
        inside = [measure.width(u.value.text, self.value_size, bold=True) for u in every]
        inside += [measure.width(u.name.text, self.name_size) for u in every]
        least = 20.0 if self.plan else self.density.radius
        around = 3.0 if self.lean or self.density.lines == "none" else 6.0
        self.radius = max(least, max(inside) / 2 + around)
        under = [measure.width(line.text, self.small_size) for u in every for line in u.below]
        self.overhang = max(0.0, max(under, default=0.0) / 2 - self.radius)
        rows = max(len(u.below) for u in every)
        between = 4.0 if self.part else 26.0 if rows else self.density.between
        self.spacing = 2 * self.radius + rows * ROW + between
        tallest = max(len(self.content.columns[c]) for c in columns)
        self.middle = self.top + self.radius + (tallest - 1) * self.spacing / 2
        self.height = self.middle + (tallest - 1) * self.spacing / 2
        self.height += self.radius + rows * ROW + (4.0 if self.part else MARGIN)
        headers = {c: self._header_width(c) for c in columns}
        self.labelled: dict[int, bool] = {}
        self.label_at: dict[int, float] = {}
        self.x = {columns[0]: MARGIN + max(self.radius + self.overhang, headers[columns[0]] / 2)}
        for gap in self.gaps:
            apart, labelled = self._apart(gap)
            beside = self._beside(gap)
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
            end + reach + max(30.0 if self.plan or self.part else 34.0, self._stopped(columns[-1]))
        )
        self.loss_x += half
        self.width = self.loss_x + half + MARGIN

    def _beside(self, gap: int) -> float:
        """How far apart two columns stand for the sake of what stands above them and the gap."""
        named = self.measure.width(self.content.gap_name(gap), self.name_size) + 24
        if self.lean:
            headers = max(self._header_width(gap), self._header_width(gap + 1))
            return headers + max(20.0 if self.plan else 40.0, named)
        width, texts = self.measure.width, [self.content.header(c) for c in (gap, gap + 1)]
        titles = sum(width((title,), self.name_size, bold=True) for title, _ in texts) / 2
        words = max(width((words,), self.small_size) for _, words in texts)
        return max(titles + 18, words + named)

    def _stopped(self, column: int) -> float:
        """The room that the gradients take that stop at the bars of a column, each with its number."""
        arriving = [self.content.arriving(column, u) for u in self.content.units[column]]
        widths = [
            self.measure.width(line.text, self.small_size, bold=True) for line in arriving if line
        ]
        return max(widths) + 16 if widths and column > 0 else 0.0

    def _apart(self, gap: int) -> tuple[float, bool]:
        """How far apart two layers stand, from port to port, and whether their edges have labels."""
        sources, targets = self.content.columns[gap], self.content.columns[gap + 1]
        tallest = max(len(sources), len(targets)) - 1
        stopped = self._stopped(gap)
        steepest = self.density.steepest * tallest * self.spacing
        if self.plan:
            return max(48.0, steepest), False
        closest = 80.0 if self.part else self.density.closest
        least = max(closest, 2 * self.overhang + 60, steepest) + stopped
        if (
            None in sources
            or None in targets
            or len(sources) * len(targets) > self.density.numbered
        ):
            return least, False
        tightest = TIGHTEST * self.edge_size / EDGE / self.spacing
        clear = self._label_width(gap) / 2 + self.overhang + 8
        places = places_on_edges(len(sources), len(targets), tightest)
        needed = {at: clear / min(at, 1 - at) for at in places}
        nearest = min(needed.values(), default=math.inf)
        if nearest > WIDEST:
            return least, False
        apart = max(least, nearest + stopped) + self.spread
        fitting = [at for at, length in needed.items() if length <= apart - stopped + 1e-9]
        self.label_at[gap] = max(fitting, key=lambda at: places[at])
        return apart, True

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
            x = (self.x[gap] + self.x[gap + 1]) / 2
            role: Role = "gradient" if self.content.backward else "value"
            quantity = self.content.gap_quantity(gap)
            text = self.content.gap_name(gap)
            y = 26.0 if self.lean else 46.0
            shapes.append(Label(x, y, text, role, size=self.name_size, quantity=quantity))
            if self.plan:
                continue
            ends = ((x - 22, y + 14), (x + 22, y + 14))
            shapes.append(Arrow(ends[::-1] if self.content.backward else ends, role, 1.5))
        return shapes

    def _edges(self, gap: int) -> list[Shape]:
        sources, targets = self.content.columns[gap], self.content.columns[gap + 1]
        left, right = self.x[gap] + self.radius, self.x[gap + 1] - self.radius
        stopped = self._stopped(gap)
        at = self.label_at.get(gap, 0.0)
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
                start, stop = (left + bar, self._y(gap, i)), (right, self._y(gap + 1, j))
                alike = self.labelled[gap] or self.plan
                lines.append(edge_line(edge, (start, stop), None if alike else largest))
                if self.labelled[gap]:
                    labels.append(edge_label(edge, (start, stop), at, self.edge_size))
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
            stopped = self._stopped(column)
            reach = stopped or (10 if off else 3)
            start = (self.x[column] + self.radius + reach, self._y(column, slot))
            shapes.append(loss_arrow(self.content, unit, (start, stop), stopped=bool(stopped)))
        return shapes

    def _loss_box(self) -> list[Shape]:
        x, y, width = self.loss_x, self.middle, self.loss_width
        box = Rectangle(
            x - width / 2, y - 28, width, 56, "surface", 8, quantity=self.loss.name.quantity
        )
        return [box, *self._lines(self.loss, x, y, 28)]
