"""What a network picture says: the lines at each unit, the edges, the headers, the loss."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Adjoint, Name, literal_of
from handgrad.graph.weighted import Index
from handgrad.notation import Function
from handgrad.operations import BY_NAME
from handgrad.operations.gates import is_open
from handgrad.picture.drawing import Role, Text
from handgrad.record import record
from handgrad.running.evaluate import value_of
from handgrad.solution.pictures.layers import Network, NetworkLayer
from handgrad.solution.pictures.lines import NOTHING, PictureLine, PicturePhase
from handgrad.solution.pictures.numbers import ShownNumbers, number, whole

Lines: TypeAlias = Literal["all", "brief", "none"]
"""What is said below a unit: all, what is no wider than the unit, or nothing."""

MOST = 8
"""A layer with more units is elided."""

FIRST = 3
"""Units of an elided layer drawn before the gap; the last one is drawn after it."""


@record
class DrawnUnit:
    """A unit as it is drawn: its name and value inside, further lines below."""

    name: PictureLine
    value: PictureLine
    below: tuple[PictureLine, ...]
    face: Role

    @property
    def off(self) -> bool:
        return self.face == "off"


@record
class DrawnEdge:
    """An edge between two units; `value` is its weight, or its weight's gradient.

    `quiet` says that the number says less than the edge: a weight that learns nothing, though a
    gradient comes back along it.
    """

    value: float
    quantity: str
    role: Role
    quiet: bool = False

    @property
    def dashed(self) -> bool:
        return self.role == "off"


def slots(count: int, most: int = MOST, wanted: Sequence[int] = ()) -> tuple[int | None, ...]:
    """The units of a layer that are drawn, None for those left out between.

    Those `wanted` are among them, the first of them first, as far as `most` places reach.
    """
    if count <= most:
        return tuple(range(count))
    chosen: set[int] = set()
    for unit in (*wanted, 0, count - 1, *range(FIRST)):
        if len(_with_gaps(count, chosen | {unit})) <= (
            most if unit in wanted else min(most, FIRST + 2)
        ):
            chosen.add(unit)
    return _with_gaps(count, chosen)


def _with_gaps(count: int, units: Set[int]) -> tuple[int | None, ...]:
    """Units of a layer in their order, None wherever some are left out."""
    drawn: list[int | None] = []
    before = -1
    for unit in (*sorted(units), count):
        drawn += [None] * (unit > before + 1) + [unit] * (unit < count)
        before = unit
    return tuple(drawn)


@dataclass
class Content:
    """What stands at each place of a network picture; where the places are is decided elsewhere.

    `columns` are the units drawn of the inputs and of each layer; `off` the units of each layer
    whose gate is shut.
    """

    shown: ShownNumbers
    network: Network
    phase: PicturePhase
    most: int = MOST
    lines: Lines = "all"
    edges: dict[tuple[int, int, int], DrawnEdge] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        layers = self.network.layers
        counts = (layers[0].sum.inputs, *(la.sum.units for la in layers))
        self.off = [self._off(layer) for layer in layers]
        wanted = [
            self._wanted(layer, off) if layer.sum.units > self.most else ()
            for layer, off in zip(layers, self.off, strict=True)
        ]
        self.columns = [slots(n, self.most, u) for n, u in zip(counts, ((), *wanted), strict=True)]
        self.units = [
            {u: self._unit(column, u) for u in drawn if u is not None}
            for column, drawn in enumerate(self.columns)
        ]

    @property
    def backward(self) -> bool:
        return self.phase == "backward"

    # -- units and edges ------------------------------------------------------------------

    def _off(self, layer: NetworkLayer) -> frozenset[int]:
        """The units of a layer whose gate is shut."""
        if layer.gate is None:
            return frozenset()
        z = self.shown.formula(layer.gate)
        places = (self.network.index(z.shape, u) for u in range(layer.sum.units))
        open_ = is_open(z, splits_ties=layer.splits_ties)
        return frozenset(u for u, at in enumerate(places) if not open_[at])

    def _wanted(self, layer: NetworkLayer, off: Set[int]) -> tuple[int, ...]:
        """Units that an elided layer must show: the one off in the most cases, and one of the other kind beside it.

        A picture of shut gates alone would say that no gradient gets through the layer.
        """
        if layer.gate is None:
            return ()
        count, dead = layer.sum.units, self._most_often_off(layer)
        others = off if dead not in off else set(range(count)) - off
        if not others:
            return (dead,)
        beside = min(others, key=lambda u: (len(_with_gaps(count, {dead, u})), u))
        if len(_with_gaps(count, {dead, beside})) <= self.most:
            return dead, beside
        first = next(u for u in range(count - 1) if (u in off) != (u + 1 in off))
        return first, first + 1

    def _most_often_off(self, layer: NetworkLayer) -> int:
        """The unit whose gate is shut in the most cases."""
        if layer.gate is None:
            return 0
        z = self.shown.trace.run.of(layer.gate)
        shape = np.shape(self.shown.formula(layer.gate))
        places = (self.network.index(shape, u) for u in range(layer.sum.units))
        open_ = is_open(z, splits_ties=layer.splits_ties)
        return int(np.argmax([np.sum(~open_[at]) for at in places]))

    def index(self, name: str, unit: int) -> Index:
        """Where a unit's number stands in a named value."""
        return self.network.index(self.shown.trace.graph.nodes[name].shape, unit)

    def _value(self, name: str, unit: int) -> tuple[PictureLine, PictureLine]:
        at = self.index(name, unit)
        quantity = self.shown.spelling(name, at)
        value = number(self.shown.value(name)[at])
        return PictureLine((Name(name).entry(at),), "ink", quantity), PictureLine(
            (value,), "value", quantity, True
        )

    def _gradient(self, name: str, unit: int) -> tuple[PictureLine, PictureLine]:
        at = self.index(name, unit)
        quantity = self.shown.spelling(name, at, gradient=True)
        value = number(self.shown.gradient(name)[at])
        return (
            PictureLine((Adjoint(name, of=self.shown.of).entry(at),), "ink", quantity),
            PictureLine((value,), "gradient", quantity, True),
        )

    def _unit(self, column: int, unit: int) -> DrawnUnit:
        if column == 0:
            return DrawnUnit(*self._value(self.network.source, unit), (), "surface")
        drawn = self._layer_unit(column, unit)
        return drawn if self.lines != "none" else replace(drawn, below=())

    def _layer_unit(self, column: int, unit: int) -> DrawnUnit:
        layer = self.network.layers[column - 1]
        if self.phase == "given":
            name, _ = self._value(layer.out, unit)
            biases = (self._bias(layer.sum.bias, unit),) if self._tagged(layer) else ()
            return DrawnUnit(name, NOTHING, biases, "surface")
        off = unit in self.off[column - 1]
        face: Role = "off" if off else "on" if layer.gate is not None else "surface"
        apart = layer.pre not in ("", layer.out)
        below: list[PictureLine] = []
        if self.backward:
            inside = self._gradient(layer.pre or layer.out, unit)
            if apart and np.isfinite(self.shown.gradient(layer.out)[self.index(layer.out, unit)]):
                name, value = self._gradient(layer.out, unit)
                brief = PictureLine(("= ", *value.text), value.role, value.quantity)
                below += (
                    [replace(name, role="gradient"), brief]
                    if self.lines == "brief"
                    else [_equation(name, value)]
                )
        else:
            inside = self._value(layer.out, unit)
            if apart:
                below.append(_equation(*self._value(layer.pre, unit)))
        if self._tagged(layer):
            below.append(self._bias(layer.sum.bias, unit))
        if off:
            below.append(PictureLine(("gate shut",), "off", bold=True))
        return DrawnUnit(*inside, tuple(below), face)

    def _tagged(self, layer: NetworkLayer) -> bool:
        """Whether the biases of a layer are written at its units."""
        # ∂L/∂b of a unit is its δ again, which stands in it.
        again = self.backward and self.lines == "brief"
        return bool(layer.sum.bias) and not self.elided and not again

    def _bias(self, name: str, unit: int) -> PictureLine:
        shape = self.shown.trace.graph.nodes[name].shape
        length = shape[-1] if shape else 1
        at = (*(0 for _ in shape[:-1]), unit if length > 1 else 0) if shape else ()
        if len(shape) == 2 and self.network.examples == "columns":
            at = (unit if shape[0] > 1 else 0, 0)
        symbol = (
            Adjoint(name, of=self.shown.of).entry(at) if self.backward else Name(name).entry(at)
        )
        of = self._share(name) if self.backward else self.shown.value(name)
        text: Text = (symbol, " = ", number(of[at]))
        return PictureLine(text, "faint", self._parameter(name, at))

    @cached_property
    def elided(self) -> bool:
        """Whether any layer is too wide to be drawn whole."""
        return any(None in drawn for drawn in self.columns)

    def edge(self, gap: int, source: int, target: int) -> DrawnEdge:
        """The edge from a unit of column `gap` to one of the next."""
        known = self.edges.get((gap, source, target))
        if known is None:
            known = self.edges[gap, source, target] = self._edge(gap, source, target)
        return known

    def _edge(self, gap: int, source: int, target: int) -> DrawnEdge:
        layer = self.network.layers[gap]
        at = layer.sum.weight(target, source)
        of = self.weights[gap]
        before = gap > 0 and source in self.off[gap - 1]
        role: Role
        quiet = False
        if self.backward:
            carries = gap > 0 and self._carries(layer, source, target)
            shut = before or target in self.off[gap]
            role = "gradient" if of[at] or carries else "off" if shut else "faint"
            quiet = carries and not of[at]
        else:
            role = "off" if before and self.phase == "forward" else "value"
        return DrawnEdge(float(of[at]), self._parameter(layer.sum.weights, at), role, quiet)

    def _parameter(self, name: str, at: Index) -> str:
        """How code names a parameter's entry, or its gradient where that is the one shown."""
        if self.backward and self.network.examples != "none":
            return ""
        return self.shown.spelling(name, at, self.backward)

    def _carries(self, layer: NetworkLayer, source: int, target: int) -> bool:
        """Whether a gradient comes back along an edge: what arrives at its end, times its weight."""
        name = layer.pre or layer.out
        weights = self.shown.value(layer.sum.weights)
        arriving = self.shown.gradient(name)[self.index(name, target)]
        return bool(arriving * weights[layer.sum.weight(target, source)])

    def arriving(self, column: int, unit: int) -> PictureLine | None:
        """The gradient that a shut gate stops, where one arrives; its name and number stand below."""
        layer = self.network.layers[column - 1]
        if column == 0 or not self.backward or unit not in self.off[column - 1]:
            return None
        if layer.pre in ("", layer.out):
            return None
        _, value = self._gradient(layer.out, unit)
        number_ = self.shown.gradient(layer.out)[self.index(layer.out, unit)]
        return value if np.isfinite(number_) and number_ else None

    @cached_property
    def weights(self) -> list[Array]:
        """By layer, the weights, or their gradients in the backward pass."""
        take = self._share if self.backward else self.shown.value
        return [take(layer.sum.weights) for layer in self.network.layers]

    def _share(self, name: str) -> Array:
        """A parameter's gradient; of several examples, the part of it that comes from the one shown.

        That part is the backward pass's own formulas with the gradients of the other examples put
        to 0 at the layers.
        """
        if self.network.examples == "none":
            return self.shown.gradient(name)
        graph = self.shown.graph
        made = {n for layer in self.network.layers for n in (layer.pre, layer.out)}
        values = {k: np.asarray(v, dtype=float) for k, v in self.shown.run.numbers.items()}
        for leaf, value in list(values.items()):
            if isinstance(leaf, Adjoint) and leaf.name in made:
                values[leaf] = self._alone(value)
        for line in graph.backward:
            if line.leaf.name in graph.lets:
                values[line.leaf] = value_of(line.formula, values, graph.batched_leaves)
        parts = [p for p in graph.gradients[name].parts if p.through in made]
        shares = [value_of(p.formula, values, graph.batched_leaves) for p in parts]
        return np.asarray(sum(shares, np.zeros_like(self.shown.gradient(name))))

    def _alone(self, gradient: Array) -> Array:
        """The gradient of a value with the examples in its rows or columns, that of the first alone."""
        kept = np.zeros_like(gradient)
        at = (0,) if gradient.ndim == 1 or self.network.examples == "rows" else (slice(None), 0)
        if gradient.ndim:
            kept[at] = gradient[at]
            return kept
        return gradient

    # -- headers --------------------------------------------------------------------------

    def header(self, column: int) -> tuple[str, str]:
        """The title of a column, and the line below it."""
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
            if self.off[column - 1] and self.phase != "given":
                words.append(f"{len(self.off[column - 1])} off")
        return title, ", ".join(words)

    def gap_name(self, gap: int) -> Text:
        """The weights between two columns, or their gradient."""
        name = self.network.layers[gap].sum.weights
        return (Adjoint(name, of=self.shown.of) if self.backward else Name(name),)

    def gap_quantity(self, gap: int) -> str:
        """How code names what stands between two columns; of one case's gradient it has no name."""
        alone = self.shown.alone and self.network.examples == "none"
        name = self.network.layers[gap].sum.weights
        return whole(name, self.backward) if alone or not self.backward else ""

    # -- the loss -------------------------------------------------------------------------

    def loss(self) -> DrawnUnit:
        """The loss as a unit of its own: of the case shown, with what it is compared with."""
        graph = self.shown.trace.graph
        below: list[PictureLine] = []
        for target in self._targets():
            below += self._target_lines(target)
        if graph.cost != graph.loss and self.phase == "forward":
            mean = number(self.shown.value(graph.cost))
            below.append(PictureLine((Name(graph.cost), " = ", mean), "faint", graph.cost))
        value = self.shown.value(graph.loss)
        if self.backward:
            one = PictureLine((number(1.0),), "gradient", bold=True)
            return DrawnUnit(
                PictureLine((Adjoint(graph.loss, of=graph.loss),)), one, tuple(below), "surface"
            )
        quantity = self.shown.spelling(graph.loss)
        name = PictureLine((Name(graph.loss),), "ink", quantity)
        result = PictureLine((number(value),), "value", quantity, True)
        if self.phase == "given":
            result = NOTHING
        return DrawnUnit(name, result, tuple(below), "surface")

    def _targets(self) -> list[str]:
        """Data that only the loss uses, small enough to be written beside it."""
        graph = self.shown.trace.graph
        tail = set(self.network.tail)
        return [
            n
            for n, node in graph.nodes.items()
            if node.kind == "data"
            and n != self.network.source
            and set(graph.consumers.get(n, ())) <= tail
            and np.size(self.shown.value(n)) <= MOST
        ]

    def _target_lines(self, name: str) -> list[PictureLine]:
        """A target as one line; of examples in the array itself, the entries of the first."""
        value = self.shown.value(name)
        units = self.network.layers[-1].sum.units
        places = [self.network.index(value.shape, u) for u in range(units)]
        # A target of more axes than an example's is laid along the output by broadcasting.
        unlike = any(len(at) != value.ndim for at in places)
        if self.network.examples == "none" or not value.ndim or unlike:
            text: Text = (Name(name), " = ", literal_of(value))
            return [PictureLine(text, "faint", name if value.ndim else self.shown.spelling(name))]
        return [
            PictureLine(
                (Name(name).entry(at), " = ", number(value[at])),
                "faint",
                self.shown.spelling(name, at),
            )
            for at in places
            if all(i < n for i, n in zip(at, value.shape, strict=True))
        ]


def _equation(name: PictureLine, value: PictureLine) -> PictureLine:
    """name = value on one line."""
    return PictureLine((*name.text, " = ", *value.text), value.role, value.quantity)


def activation_symbol(layer: NetworkLayer) -> str:
    """How a layer's activation is written; a layer without one is linear."""
    if not layer.operation:
        return "linear"
    notation = BY_NAME[layer.operation].notation
    return notation.symbol if isinstance(notation, Function) else layer.operation
