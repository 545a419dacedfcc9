"""The facts of a layer's units, found by structure: what one unit is, and which parameters are its own.

A unit's own parameters are those in the formula of its pre-activation, down to what the layers below
give: the row of W and the entry of b. They are not read off spellings. The pre-activation is
differentiated at numbers among which no two are alike and none is 0; what it depends on then has a
slope that is not 0, whatever penalties or other uses the same parameters have elsewhere.

Entries of a pre-activation that have the same weights are one unit at several positions: a channel
of a convolution, a column of X @ W where the rows are no cases.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias
from typing import Literal as OneOf

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Call, Expression, Leaf, Name, Shape, leaves, walk
from handgrad.graph import Graph
from handgrad.graph.weighted import weighted_sum
from handgrad.notation import MatrixProduct
from handgrad.operations import operation_of
from handgrad.operations.annotate import annotated
from handgrad.operations.gates import activation_in
from handgrad.operations.operation import SlidAxes
from handgrad.record import record
from handgrad.running.evaluate import value_of
from handgrad.running.owners import FEW, Owners, factors, owners
from handgrad.running.pulling_back import gradients, unlike_numbers, with_parts

Index: TypeAlias = tuple[int, ...]

Role: TypeAlias = OneOf["weight", "bias", "factor"]
"""A "weight" multiplies what the layer below gives; a "bias" is added: as much as it moves, the
pre-activation moves; a "factor" is anything else, such as the γ of a normalisation."""


BEYOND = ("reduction", "activation", "loss")
"""Families of operations whose results are what other layers give, or take numbers of several units."""


@record
class Own:
    """Entries of a parameter that are one unit's own."""

    name: str
    entries: tuple[Index, ...]
    role: Role


@dataclass
class LayerUnits:
    """The units of one pre-activation.

    Arguments:
        graph: of the problem.
        pre: the pre-activation: a name, or a part of an equation.
    """

    graph: Graph
    pre: Expression
    _found: dict[Index, tuple[Own, ...]] = field(default_factory=dict)
    _known: dict[int, dict[Expression, Array]] = field(default_factory=dict)

    # -- what a unit is --------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the pre-activation in one case."""
        return self.pre.shape or ()

    @cached_property
    def axes(self) -> tuple[int, ...]:
        """The axes along which the units lie; along the others lie the positions of each."""
        examples = {"rows": 0, "columns": 1}.get(self._examples, -1)
        channel = self._slid.channel if self._slid is not None else None
        kept = []
        for axis, length in enumerate(self.shape):
            # A single place is one of a channel's, as several would be.
            single = length == 1 and channel is not None and axis != channel
            if axis == examples or single or (length > 1 and self._same_along(axis)):
                continue
            kept.append(axis)
        return tuple(kept)

    @property
    def matrix(self) -> bool:
        """Whether the units are the rows or the columns of a product of matrices."""
        return self._examples != "none" or len(self.shape) != 2 or not self._multiplied or any(
            isinstance(operation_of(node).notation, MatrixProduct)
            for node in walk(self._formula)
            if isinstance(node, Call)
        )  # fmt: skip

    @cached_property
    def examples(self) -> int:
        """How many examples a convolution takes along an axis of its array; 1 where there is no such axis."""
        return (self._slid.examples if self._slid is not None else None) or 1

    @property
    def _slid(self) -> SlidAxes | None:
        """What the axes are where a kernel slid over an array, and its result is of this many axes."""
        return self._sliding[0] if self._sliding is not None else None

    @cached_property
    def _sliding(self) -> tuple[SlidAxes, Call] | None:
        for node in walk(self._formula):
            slid = operation_of(node).slid if isinstance(node, Call) else None
            if isinstance(node, Call) and slid and len(node.shape or ()) == len(self.shape):
                return slid([a.shape or () for a in node.arguments]), node
        return None

    @cached_property
    def _kernel(self) -> set[str]:
        """The parameters of a kernel that slid, of which each place may have other entries: under a stride's gaps."""
        return (
            {leaf.name for leaf in leaves(self._sliding[1].arguments[1])}
            if self._sliding
            else set()
        )

    @property
    def _places(self) -> set[int]:
        """The axes along which a kernel slid."""
        slid = self._slid
        if slid is None:
            return set()
        return set(range(len(self.shape))) - {slid.channel} - ({0} if slid.examples else set())

    @property
    def positions(self) -> int:
        """At how many positions each unit stands in one case."""
        return int(np.prod([n for a, n in enumerate(self.shape) if a not in self.axes], dtype=int))

    @property
    def units(self) -> tuple[int, ...]:
        """How many units there are along each of `axes`."""
        return tuple(self.shape[axis] for axis in self.axes)

    def select(self, unit: Index) -> tuple[Any, ...]:
        """The index of all the positions of a unit in an array of the pre-activation's shape."""
        at: list[Any] = [slice(None)] * len(self.shape)
        for axis, place in zip(self.axes, unit, strict=True):
            at[axis] = place
        return tuple(at)

    def entry(self, unit: Index, position: int) -> Index:
        """Where a unit stands, at one of its positions in the order of `apart`."""
        others = [a for a in range(len(self.shape)) if a not in self.axes]
        at = dict(zip(self.axes, unit, strict=True))
        for axis in reversed(others):
            position, at[axis] = divmod(position, self.shape[axis])
        return tuple(at[axis] for axis in range(len(self.shape)))

    def apart(self, array: Array) -> Array:
        """An array, cases last, with the axes of the units first and all positions in the last but one."""
        others = [a for a in range(len(self.shape)) if a not in self.axes]
        if not others:
            return array[..., None, :]
        moved = np.moveaxis(array, (*self.axes, *others), range(len(self.shape)))
        return moved.reshape(*self.units, -1, array.shape[-1])

    def unit_of(self, entry: Index) -> Index:
        """The unit that an entry of the pre-activation belongs to."""
        return tuple(entry[axis] for axis in self.axes)

    # -- what is a unit's own --------------------------------------------------------------------

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters in the formula of the pre-activation."""
        nodes = self.graph.nodes
        return tuple(
            leaf.name for leaf in leaves(self._formula) if self._is(leaf, "parameter", nodes)
        )

    @cached_property
    def below(self) -> tuple[str, ...]:
        """Other parameters on which the units depend: those of the layers below."""
        assert self._formula is not None  # which finds the cuts
        return self._behind({"parameter"}, (*self._given, *self._others))

    @cached_property
    def data(self) -> tuple[str, ...]:
        """The data on which the units depend."""
        assert self._formula is not None  # which finds the cuts
        return self._behind({"data", "given"}, (self._formula, *self._given, *self._others))

    def _behind(self, kinds: Set[str], formulas: Sequence[Expression]) -> tuple[str, ...]:
        """The names of some kinds that formulas go back to, in the order of the graph."""
        waiting = [leaf.name for formula in formulas for leaf in leaves(formula)]
        found: dict[str, None] = {}
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in seen or name not in self.graph.nodes:
                continue
            seen.add(name)
            node = self.graph.nodes[name]
            if node.kind in kinds:
                found[name] = None
            elif node.written is not None:
                waiting += [leaf.name for leaf in leaves(node.written)]
        return tuple(n for n in self.graph.nodes if n in found)

    def own(self, unit: Index) -> tuple[Own, ...]:
        """The entries of parameters that are one unit's own, in the order of its formula."""
        if unit not in self._found:
            self._found[unit] = tuple(self._own(unit))
        return self._found[unit]

    def _own(self, unit: Index) -> Iterator[Own]:
        whose = self._owners
        if whose is not None:
            place = int(np.ravel_multi_index(unit, self.units)) if unit else 0
            entries = {name: owned.of(place) for name, owned in whose.items()}
        else:
            slopes = self._slopes(self.select(unit))
            entries = {
                name: tuple(tuple(int(i) for i in e) for e in np.argwhere(slope != 0))
                for name, slope in slopes.items()
            }
        first, second = self._middle_of_all if whose is not None else self._at_middle(unit)
        at = {n: tuple(zip(*found, strict=True)) for n, found in entries.items()}
        added = {
            n for n in entries if (first[n][at[n]] == 1).all() and (second[n][at[n]] == 1).all()
        }
        multiplied = self._multiplied or (set(entries) - added)
        for name, found in entries.items():
            if found:
                role: Role = "factor"
                if name in added and name not in self._multiplied:
                    role = "bias"
                elif name in multiplied:
                    role = "weight"
                yield Own(name, found, role)

    @cached_property
    def _owners(self) -> dict[str, Owners] | None:
        """By parameter, which unit each of its entries belongs to; None where one belongs to several, or units are few."""
        count = int(np.prod(self.units, dtype=int))
        if count <= FEW:
            return None
        along = [n if a in self.axes else 1 for a, n in enumerate(self.shape)]

        def slopes(each: Array) -> dict[str, Array]:
            start = np.broadcast_to(each.reshape(along), self.shape)
            return gradients(self._formula, start, self._values(0), self._shapes)

        steps, scattered = (slopes(each) for each in factors(count))
        found = {
            name: owners(plain, steps[name], scattered[name], count)
            for name, plain in slopes(np.ones(count)).items()
        }
        return (
            {n: w for n, w in found.items() if w is not None}
            if None not in found.values()
            else None
        )

    def _middle(self, unit: Index) -> tuple[int, ...]:
        at = [n // 2 for n in self.shape]
        for axis, place in zip(self.axes, unit, strict=True):
            at[axis] = place
        return tuple(at)

    def _at_middle(self, unit: Index) -> tuple[dict[str, Array], dict[str, Array]]:
        """The slopes of a unit's entry in the middle, at both sets of numbers."""
        middle = self._middle(unit)
        return self._slopes(middle, 0), self._slopes(middle, 1)

    @cached_property
    def _middle_of_all(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """The slopes of the sum of all units' entries in the middle, at both sets of numbers."""
        at = tuple(slice(None) if a in self.axes else n // 2 for a, n in enumerate(self.shape))
        return self._slopes(at, 0), self._slopes(at, 1)

    def _same_along(self, axis: int) -> bool:
        """Whether neighbours along an axis have entries of each of their parameters in common."""
        here = [n // 2 for n in self.shape]
        there = list(here)
        there[axis] += -1 if here[axis] else 1
        one, slid = self._middle_slopes, self._kernel if axis in self._places else set()
        if slid and set(one) <= slid:
            return True
        other = self._slopes(tuple(there), without=slid)
        pairs = [(one[n] != 0, slope != 0) for n, slope in other.items()]
        used = [(a, b) for a, b in pairs if a.any() or b.any()]
        return bool(used) and all((a & b).any() for a, b in used)

    @cached_property
    def _middle_slopes(self) -> dict[str, Array]:
        """The slopes of the entry in the middle."""
        return self._slopes(tuple(n // 2 for n in self.shape))

    # -- gradients -------------------------------------------------------------------------------

    def reached(
        self, unit: Index, numbers: Mapping[Leaf, Array], arriving: Array
    ) -> dict[str, Array]:
        """By parameter, the gradient of a unit's own entries that comes through its pre-activation.

        Arguments:
            unit: its index in the layer.
            numbers: the values of names, of one case, which is the only one on its axis.
            arriving: the gradient at the pre-activation in that case, a number a position.
        """
        at = self.select(unit)
        start = np.zeros(self.shape)
        start[at] = arriving.reshape(start[at].shape)
        values: dict[Expression, Array] = {}
        for leaf, value in self._at(numbers).items():
            batched = leaf in self._batched
            values[leaf] = np.asarray(value, dtype=float)[..., 0] if batched else np.asarray(value)
        parts = with_parts(self._whole_formula, values)
        return gradients(self._whole_formula, start, parts, self._shapes)

    def evaluated(
        self,
        parameters: Mapping[str, Array],
        numbers: Mapping[Leaf, Array],
        *,
        clean: bool = False,
    ) -> Array:
        """The pre-activation with some parameters of the layer, of what the layers below give at others.

        Arguments:
            parameters: the layer's own.
            numbers: the values of all names, from which what the layers below give is taken.
            clean: without rounding residues.
        """
        values = self._at(numbers)
        values.update({Name(n): np.asarray(parameters[n], dtype=float) for n in self.parameters})
        return np.asarray(value_of(self._whole_formula, values, self._batched, clean=clean))

    def _at(self, numbers: Mapping[Leaf, Array]) -> dict[Leaf, Array]:
        """The values of the leaves of the whole formula."""
        assert self._whole_formula is not None  # which finds what is given
        given = {f"given {k}": cut for k, cut in enumerate(self._whole_given, start=1)}
        batched = self.graph.batched_leaves
        return {
            leaf: value_of(given.get(leaf.name, leaf), numbers, batched)
            for leaf in leaves(self._whole_formula)
        }

    @cached_property
    def _batched(self) -> set[Leaf]:
        """The leaves of the whole formula that differ from case to case."""
        assert self._whole_formula is not None  # which finds what is given
        given = {f"given {k}": cut for k, cut in enumerate(self._whole_given, start=1)}
        return {
            leaf
            for leaf in leaves(self._whole_formula)
            if self.graph.batched(given.get(leaf.name, leaf))
        }

    # -- slopes ----------------------------------------------------------------------------------

    def _slopes(
        self, at: tuple[Any, ...], numbers: int = 0, without: Container[str] = ()
    ) -> dict[str, Array]:
        """By parameter, the slopes of the sum of some entries, at the first or the second set of numbers."""
        start = np.zeros(self.shape)
        start[at] = 1.0
        shapes = {name: shape for name, shape in self._shapes.items() if name not in without}
        return gradients(self._formula, start, self._values(numbers), shapes)

    @cached_property
    def _shapes(self) -> dict[str, Shape]:
        """By parameter, its shape."""
        return {name: self.graph.nodes[name].shape for name in self.parameters}

    def _values(self, numbers: int) -> dict[Expression, Array]:
        """The value of every part of the formula at numbers of which no two are alike."""
        if numbers not in self._known:
            values: dict[Expression, Array] = {}
            for number, leaf in enumerate(leaves(self._formula), start=1):
                shape = self._shape(leaf)
                size = int(np.prod(shape, dtype=int))
                values[leaf] = unlike_numbers(size, number + 10 * numbers).reshape(shape)
            self._known[numbers] = with_parts(self._formula, values)
        return self._known[numbers]

    # -- the formula, down to what the layers below give -----------------------------------------

    @cached_property
    def _examples(self) -> str:
        found = weighted_sum(self.graph, self._whole(self.pre))
        return found.examples if found is not None else "none"

    def _whole(self, expression: Expression) -> Expression:
        """The right side of a name's equation."""
        if isinstance(expression, Name):
            node = self.graph.nodes.get(expression.name)
            if node is not None and node.written is not None:
                return node.written
        return expression

    @cached_property
    def _formula(self) -> Expression:
        self._others: list[Expression] = []
        self._given: list[Expression] = []
        return annotated(self._opened(self.pre, self._given), self._shape)

    @cached_property
    def _whole_formula(self) -> Expression:
        """The formula as it is computed: with every normalisation, mean and variance in it."""
        self._whole_given: list[Expression] = []
        return annotated(self._opened(self.pre, self._whole_given, whole=True), self._shape)

    @cached_property
    def _multiplied(self) -> set[str]:
        """Parameters that a product of matrices or a convolution takes."""
        return {
            leaf.name
            for node in walk(self._formula)
            if isinstance(node, Call) and operation_of(node).family == "linear"
            for argument in (node.arguments[:2] if operation_of(node).slides else node.arguments)
            for leaf in [_plain(argument)]
            if isinstance(leaf, Name) and self._is(leaf, "parameter", self.graph.nodes)
        }

    def _opened(
        self, expression: Expression, given: list[Expression], *, whole: bool = False
    ) -> Expression:
        """A formula with named values written out, and cut off at what the layers below give.

        Unless the `whole` is asked for, it is that of one unit: what other units have a part in,
        such as a mean over them, is cut off too.
        """
        if isinstance(expression, Name):
            node = self.graph.nodes.get(expression.name)
            if node is None or node.written is None:
                return expression
            return self._opened(node.written, given, whole=whole)
        if not isinstance(expression, Call):
            return expression
        family = "activation" if activation_in(expression) else operation_of(expression).family
        statistic = family == "reduction" and bool(self._outside & set(leaves(expression)))
        if family in ("activation", "loss") or (statistic and not whole):
            given.append(expression)
            return Name(f"given {len(given)}", shape=expression.shape)
        if family == "normalisation" and not whole:
            # Entry by entry, as far as units go; but other units move the mean and the variance.
            self._others.append(expression.arguments[0])
            return self._opened(expression.arguments[0], given)
        if family == "linear" and any(self._is_weight(a) for a in expression.arguments):
            # A weight's product: another's, within what it multiplies, is that of a layer below.
            return expression.of(
                [self._multiplied_by(a, given, whole) for a in expression.arguments]
            )
        return expression.of([self._opened(a, given, whole=whole) for a in expression.arguments])

    def _multiplied_by(
        self, expression: Expression, given: list[Expression], whole: bool
    ) -> Expression:
        """What a weight is multiplied by: cut off where a layer below makes it of another weight."""
        if not self._is_weight(expression) and self._has_product(expression):
            given.append(expression)
            if isinstance(expression, Name):
                return expression
            return Name(f"given {len(given)}", shape=expression.shape)
        return self._opened(expression, given, whole=whole)

    def _is_weight(self, expression: Expression) -> bool:
        """Whether something is made of parameters alone."""
        kinds = {self._kind(leaf) for leaf in self._sources(expression)}
        return kinds == {"parameter"}

    def _has_product(self, expression: Expression) -> bool:
        """Whether a weight and something else are multiplied in it, short of an activation."""
        if isinstance(expression, Name):
            node = self.graph.nodes.get(expression.name)
            written = node.written if node is not None else None
            return written is not None and self._has_product(written)
        if not isinstance(expression, Call) or activation_in(expression):
            return False
        own = [self._is_weight(a) for a in expression.arguments]
        is_product = operation_of(expression).family == "linear" and any(own) and not all(own)
        return is_product or any(self._has_product(a) for a in expression.arguments)

    def _sources(self, expression: Expression) -> set[Leaf]:
        """The parameters and data that a formula is made of."""
        found: set[Leaf] = set()
        for leaf in leaves(expression):
            node = self.graph.nodes.get(leaf.name) if isinstance(leaf, Name) else None
            if node is not None and node.written is not None:
                found |= self._sources(node.written)
            else:
                found.add(leaf)
        return found

    def _kind(self, leaf: Leaf) -> str:
        return self.graph.nodes[leaf.name].kind if leaf.name in self.graph.nodes else ""

    @cached_property
    def _outside(self) -> set[Leaf]:
        """The values that the formula uses otherwise than in a reduction."""
        found: set[Leaf] = set()
        pending: list[Expression] = [self._whole(self.pre)]
        while pending:
            formula = pending.pop()
            if isinstance(formula, Name):
                node = self.graph.nodes.get(formula.name)
                if formula not in found and node is not None and node.written is not None:
                    found.add(formula)
                    pending.append(node.written)
            elif (
                isinstance(formula, Call)
                and operation_of(formula).family not in BEYOND
                and activation_in(formula) is None
            ):
                pending += formula.arguments
        return found

    def _shape(self, leaf: Leaf) -> tuple[int, ...]:
        return leaf.shape if leaf.shape is not None else self.graph.shape(leaf)

    @staticmethod
    def _is(leaf: Leaf, kind: str, nodes: Mapping[str, Any]) -> bool:
        return leaf.name in nodes and nodes[leaf.name].kind == kind


def _plain(expression: Expression) -> Expression:
    """What is transposed, reshaped or indexed."""
    while isinstance(expression, Call) and operation_of(expression).family == "structure":
        expression = expression.arguments[0]
    return expression
