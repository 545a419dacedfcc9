"""The picture of a network of layers: units as circles, weights on the edges between them.

The forward picture shows values and weights, the backward one gradients. A unit that is
gated off has a dashed outline and a bar before its output, and the edges that it silences are
dashed; a renderer gives both a pattern and a colour besides.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from handgrad.errors import OptionError
from handgrad.expression import Adjoint, Name
from handgrad.notation import Function
from handgrad.operations import BY_NAME
from handgrad.operations.operation import Array
from handgrad.picture.drawing import (
    Arrow,
    Circle,
    Drawing,
    Label,
    Path,
    Rectangle,
    Role,
    Shape,
    Text,
)
from handgrad.picture.layers import Index, Layer, Network, network_of
from handgrad.picture.measure import Measure
from handgrad.picture.network_words import describe_network
from handgrad.picture.numbers import Shown, adjoint_entry, entry, number, spelling
from handgrad.trace import Trace
from handgrad.trace.numbers import literal_of

PicturePhase: TypeAlias = Literal["given", "forward", "backward"]
"""What a picture shows: what is given, before anything is computed, or one of the passes."""

MOST = 8
"""A layer with more units is elided."""

FIRST = 3
"""Units of an elided layer drawn before the gap; the last one is drawn after it."""

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

TOP = 76.0
MARGIN = 20.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text at a unit, and the quantity it shows."""

    text: Text
    role: Role = "ink"
    quantity: str = ""
    bold: bool = False


NOTHING = Line(())
"""What is not known yet."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as it is drawn: its name and value inside, further lines below."""

    name: Line
    value: Line
    below: tuple[Line, ...]
    face: Role

    @property
    def off(self) -> bool:
        return self.face == "off"


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge between two units; `label` is its weight, or its weight's gradient."""

    value: float
    quantity: str
    role: Role

    @property
    def dashed(self) -> bool:
        return self.role == "off"


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


def slots(count: int) -> tuple[int | None, ...]:
    """The units of a layer that are drawn, None for those left out between."""
    if count <= MOST:
        return tuple(range(count))
    return (*range(FIRST), None, count - 1)


@dataclass
class _Picture:
    trace: Trace
    network: Network
    phase: PicturePhase

    def __post_init__(self) -> None:
        self.shown = Shown(self.trace)
        self.measure = Measure(self.trace.decimals, self.trace.problem.display)
        layers = self.network.layers
        self.columns = [slots(layers[0].sum.inputs), *(slots(la.sum.units) for la in layers)]
        self.off = [self._off(layer) for layer in layers]
        self.units = [
            {u: self._unit(column, u) for u in drawn if u is not None}
            for column, drawn in enumerate(self.columns)
        ]
        self._place()

    # -- what is shown --------------------------------------------------------------------

    @property
    def backward(self) -> bool:
        return self.phase == "backward"

    def _off(self, layer: Layer) -> frozenset[int]:
        """The units of a layer whose gate is shut."""
        if layer.gate is None:
            return frozenset()
        z = self.shown.formula(layer.gate)
        places = (self.network.index(z.shape, u) for u in range(layer.sum.units))
        return frozenset(u for u, at in enumerate(places) if not z[at] > 0)

    def _index(self, name: str, unit: int) -> Index:
        return self.network.index(self.trace.graph.nodes[name].shape, unit)

    def _value(self, name: str, unit: int) -> tuple[Line, Line]:
        at = self._index(name, unit)
        quantity = spelling(name, at)
        value = number(self.shown.value(name)[at])
        return Line((entry(name, at),), "ink", quantity), Line((value,), "value", quantity, True)

    def _gradient(self, name: str, unit: int) -> tuple[Line, Line]:
        at = self._index(name, unit)
        quantity = spelling(name, at, gradient=True)
        value = number(self.shown.gradient(name)[at])
        return (
            Line((adjoint_entry(name, at),), "ink", quantity),
            Line((value,), "gradient", quantity, True),
        )

    def _unit(self, column: int, unit: int) -> Unit:
        if column == 0:
            return Unit(*self._value(self.network.source, unit), (), "surface")
        layer = self.network.layers[column - 1]
        if self.phase == "given":
            name, _ = self._value(layer.out, unit)
            biases = (self._bias(layer.sum.bias, unit),) if self._tagged(layer) else ()
            return Unit(name, NOTHING, biases, "surface")
        off = unit in self.off[column - 1]
        face: Role = "off" if off else "on" if layer.gate is not None else "surface"
        apart = layer.pre not in ("", layer.out)
        below: list[Line] = []
        if self.backward:
            inside = self._gradient(layer.pre or layer.out, unit)
            if apart and np.isfinite(self.shown.gradient(layer.out)[self._index(layer.out, unit)]):
                below.append(_equation(*self._gradient(layer.out, unit)))
        else:
            inside = self._value(layer.out, unit)
            if apart:
                below.append(_equation(*self._value(layer.pre, unit)))
        if self._tagged(layer):
            below.append(self._bias(layer.sum.bias, unit))
        if off:
            below.append(Line(("gate shut",), "off", bold=True))
        return Unit(*inside, tuple(below), face)

    def _tagged(self, layer: Layer) -> bool:
        """Whether the biases of a layer are written at its units."""
        return bool(layer.sum.bias) and not self.elided

    def _bias(self, name: str, unit: int) -> Line:
        shape = self.trace.graph.nodes[name].shape
        length = shape[-1] if shape else 1
        at = (*(0 for _ in shape[:-1]), unit if length > 1 else 0) if shape else ()
        if len(shape) == 2 and self.network.examples == "columns":
            at = (unit if shape[0] > 1 else 0, 0)
        symbol = adjoint_entry(name, at) if self.backward else entry(name, at)
        of = self.shown.gradient(name) if self.backward else self.shown.value(name)
        text: Text = (symbol, " = ", number(of[at]))
        return Line(text, "faint", spelling(name, at, self.backward))

    @cached_property
    def elided(self) -> bool:
        """Whether any layer is too wide to be drawn whole."""
        return any(None in drawn for drawn in self.columns)

    def edge(self, gap: int, source: int, target: int) -> Edge:
        """The edge from a unit of column `gap` to one of the next."""
        layer = self.network.layers[gap]
        at = layer.sum.weight(target, source)
        of = self._weights[gap]
        before = gap > 0 and source in self.off[gap - 1]
        role: Role
        if self.backward:
            # Of many cases the weights' gradients are those of all: another may still teach it.
            shut = before or target in self.off[gap]
            role = "gradient" if of[at] else "off" if shut else "faint"
        else:
            role = "off" if before and self.phase == "forward" else "value"
        return Edge(float(of[at]), spelling(layer.sum.weights, at, self.backward), role)

    @cached_property
    def _weights(self) -> list[Array]:
        take = self.shown.gradient if self.backward else self.shown.value
        return [take(layer.sum.weights) for layer in self.network.layers]

    # -- where it stands ------------------------------------------------------------------

    def _place(self) -> None:
        """The radius of a unit, the distance between units, and where the columns stand."""
        measure = self.measure
        every = [u for column in self.units for u in column.values()]
        inside = [measure.width(u.value.text, VALUE, bold=True) for u in every]
        inside += [measure.width(u.name.text, NAME) for u in every]
        self.radius = max(28.0, max(inside) / 2 + 8)
        under = [measure.width(line.text, SMALL) for u in every for line in u.below]
        self.overhang = max(0.0, max(under, default=0.0) / 2 - self.radius)
        rows = max(len(u.below) for u in every)
        self.spacing = 2 * self.radius + rows * ROW + (26 if rows else 22)
        tallest = max(map(len, self.columns))
        self.middle = TOP + self.radius + (tallest - 1) * self.spacing / 2
        self.height = self.middle + (tallest - 1) * self.spacing / 2
        self.height += self.radius + rows * ROW + MARGIN
        headers = [self._header_width(c) for c in range(len(self.columns))]
        self.labelled: list[bool] = []
        self.x = [MARGIN + max(self.radius, headers[0] / 2)]
        for gap in range(len(self.network.layers)):
            apart, labelled = self._apart(gap)
            between = max(64.0, measure.width(self._gap_name(gap), NAME) + 24)
            centres = max(2 * self.radius + apart, sum(headers[gap : gap + 2]) / 2 + between)
            self.labelled.append(labelled)
            self.x.append(self.x[-1] + centres)
        self.loss = self._loss()
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
        sources, targets = self.columns[gap], self.columns[gap + 1]
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
            self.edge(gap, s, t) for s in range(layer.sum.inputs) for t in range(layer.sum.units)
        )
        return max(self.measure.width((number(e.value),), EDGE) for e in edges)

    def _y(self, column: int, slot: int) -> float:
        return self.middle + (slot - (len(self.columns[column]) - 1) / 2) * self.spacing

    # -- headers --------------------------------------------------------------------------

    def _header(self, column: int) -> tuple[str, str]:
        layers = self.network.layers
        if column == 0:
            count = layers[0].sum.inputs
            return "input", f"{count} values" if None in self.columns[0] else ""
        layer = layers[column - 1]
        hidden = len(layers) - 1
        title = "output" if column > hidden else "hidden layer"
        if column <= hidden and hidden > 1:
            title += f" {column}"
        words = [activation_symbol(layer)]
        if None in self.columns[column]:
            words.insert(0, f"{layer.sum.units} units")
            if self.off[column - 1]:
                words.append(f"{len(self.off[column - 1])} off")
        return title, ", ".join(words)

    def _header_width(self, column: int) -> float:
        title, words = self._header(column)
        bold = self.measure.width((title,), NAME, bold=True)
        return max(bold, self.measure.width((words,), SMALL))

    def _gap_name(self, gap: int) -> Text:
        name = self.network.layers[gap].sum.weights
        return (Adjoint(name) if self.backward else Name(name),)

    # -- the loss -------------------------------------------------------------------------

    def _loss(self) -> Unit:
        """The loss as a unit of its own: of the case shown, with what it is compared with."""
        graph = self.trace.graph
        below: list[Line] = []
        for target in self._targets():
            below += self._target_lines(target)
        if graph.cost != graph.loss and self.phase == "forward":
            mean = number(self.shown.value(graph.cost))
            below.append(Line((Name(graph.cost), " = ", mean), "faint", graph.cost))
        value = self.shown.value(graph.loss)
        if self.backward:
            one = Line((number(1.0),), "gradient", bold=True)
            return Unit(Line((Adjoint(graph.loss, of=graph.loss),)), one, tuple(below), "surface")
        name = Line((Name(graph.loss),), "ink", graph.loss)
        result = Line((number(value),), "value", graph.loss, True)
        if self.phase == "given":
            result = NOTHING
        return Unit(name, result, tuple(below), "surface")

    def _targets(self) -> list[str]:
        """Data that only the loss uses, small enough to be written beside it."""
        graph = self.trace.graph
        tail = set(self.network.tail)
        return [
            n
            for n, node in graph.nodes.items()
            if node.kind == "data"
            and n != self.network.source
            and set(graph.consumers.get(n, ())) <= tail
            and np.size(self.shown.value(n)) <= MOST
        ]

    def _target_lines(self, name: str) -> list[Line]:
        """A target as one line; of examples in the array itself, the entries of the first."""
        value = self.shown.value(name)
        units = self.network.layers[-1].sum.units
        if self.network.examples == "none" or not value.ndim:
            text: Text = (Name(name), " = ", literal_of(value))
            return [Line(text, "faint", name)]
        places = [self.network.index(value.shape, u) for u in range(units)]
        return [
            Line((entry(name, at), " = ", number(value[at])), "faint", spelling(name, at))
            for at in places
            if all(i < n for i, n in zip(at, value.shape, strict=True))
        ]

    # -- shapes ---------------------------------------------------------------------------

    def drawing(self) -> Drawing:
        """Edges at the bottom, their labels, then the units and the headers."""
        shapes: list[Shape] = [*self._headers()]
        for gap in range(len(self.network.layers)):
            shapes += self._edges(gap)
        shapes += self._loss_edges()
        for column, units in enumerate(self.units):
            for slot, unit in enumerate(self.columns[column]):
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
            description=describe_network(self.trace, self.network, self.phase, self.off),
        )

    def _headers(self) -> list[Shape]:
        shapes: list[Shape] = []
        titles = [self._header(c) for c in range(len(self.columns))]
        for x, (title, words) in zip((*self.x, self.loss_x), (*titles, ("loss", "")), strict=True):
            shapes.append(Label(x, 26, (title,), "ink", size=NAME, bold=True))
            if words:
                shapes.append(Label(x, 44, (words,), "faint", size=SMALL))
        for gap, layer in enumerate(self.network.layers):
            x = (self.x[gap] + self.x[gap + 1]) / 2
            name = layer.sum.weights
            role: Role = "gradient" if self.backward else "value"
            quantity = spelling(name, (), self.backward)
            shapes.append(Label(x, 26, self._gap_name(gap), role, size=NAME, quantity=quantity))
            ends = ((x - 22, 40.0), (x + 22, 40.0))
            shapes.append(Arrow(ends[::-1] if self.backward else ends, role, 1.5))
        return shapes

    def _edges(self, gap: int) -> list[Shape]:
        sources, targets = self.columns[gap], self.columns[gap + 1]
        left, right = self.x[gap] + self.radius, self.x[gap + 1] - self.radius
        near_source = len(targets) <= len(sources)
        part = 1 / (min(len(sources), len(targets)) + 1)
        at = part if near_source else 1 - part
        largest = float(np.abs(self._weights[gap]).max()) or 1.0
        lines: list[Shape] = []
        labels: list[Shape] = []
        for i, source in enumerate(sources):
            for j, target in enumerate(targets):
                if source is None or target is None:
                    continue
                edge = self.edge(gap, source, target)
                bar = 9 if gap > 0 and self.units[gap][source].off else 0
                start, stop = (left + bar, self._y(gap, i)), (right, self._y(gap + 1, j))
                thick = 1.4 if self.labelled[gap] else 0.6 + 2 * abs(edge.value) / largest
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
        column = len(self.columns) - 1
        layer = self.network.layers[-1]
        stop = (self.loss_x - self.loss_width / 2 - 3, self.middle)
        for slot, unit in enumerate(self.columns[column]):
            if unit is None:
                continue
            off = self.units[column][unit].off
            start = (self.x[column] + self.radius + (10 if off else 3), self._y(column, slot))
            role: Role = "off" if off else "gradient" if self.backward else "value"
            ends = (stop, start) if self.backward else (start, stop)
            quantity = spelling(layer.out, self._index(layer.out, unit), self.backward)
            shapes.append(Arrow(ends, role, 1.4, off, quantity=quantity))
        return shapes

    def _loss_box(self) -> list[Shape]:
        x, y, width = self.loss_x, self.middle, self.loss_width
        box = Rectangle(
            x - width / 2, y - 28, width, 56, "surface", 8, quantity=self.loss.name.quantity
        )
        return [box, *self._lines(self.loss, x, y, 28)]


def _equation(name: Line, value: Line) -> Line:
    """name = value on one line."""
    return Line((*name.text, " = ", *value.text), value.role, value.quantity)


def _label(line: Line, x: float, y: float, size: float) -> Label:
    return Label(x, y, line.text, line.role, size=size, bold=line.bold, quantity=line.quantity)


def activation_symbol(layer: Layer) -> str:
    """How a layer's activation is written; a layer without one is linear."""
    if not layer.operation:
        return "linear"
    notation = BY_NAME[layer.operation].notation
    return notation.symbol if isinstance(notation, Function) else layer.operation
