"""Which entries of parameter gradients a single unit zeroes, found from the formulas themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Adjoint, Call, Expression, Leaf, Shape, leaves, substitute, walk
from handgrad.graph import Graph
from handgrad.graph.remembered import of_graph
from handgrad.operations import operation_of
from handgrad.operations.annotate import tidied
from handgrad.operations.structure import fill
from handgrad.operations.ties import without_ties
from handgrad.record import builder, record
from handgrad.running import Run
from handgrad.running.evaluate import value_of
from handgrad.running.owners import FEW, Owners, factors, owners
from handgrad.running.pulling_back import unlike_numbers
from handgrad.running.units import Index
from handgrad.text import Text, few

INFLUENCE_SIZE = 20_000
"""A gradient with more entries than this is not searched for the entries that a unit zeroes."""

PLACES = 4
"""Entries are named as long as they are no more."""


@record
class Zeroed:
    """Entries of a gradient that are zero for one reason.

    Arguments:
        name: what it is the gradient with respect to.
        part: which part of the gradient they are.
        position: the row, column or entry, counted from 0.
    """

    name: str
    part: Literal["row", "column", "entry", "all", "entries"]
    position: int
    entries: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, name: str, shape: Shape, entries: Sequence[tuple[int, ...]]) -> Self:
        """A set of entries as a row, a column, one entry or all of a gradient of this shape."""
        entries = tuple(entries)
        if len(entries) == int(np.prod(shape)) and len(entries) > 1:
            return cls(name, "all", 0, entries)
        if len(entries) == 1 and len(shape) < 2:
            return cls(name, "entry", entries[0][0] if shape else 0, entries)
        if len(shape) == 2:
            rows, columns = {e[0] for e in entries}, {e[1] for e in entries}
            if len(rows) == 1 and len(entries) == shape[1]:
                return cls(name, "row", rows.pop(), entries)
            if len(columns) == 1 and len(entries) == shape[0]:
                return cls(name, "column", columns.pop(), entries)
        return cls(name, "entries", 0, entries)

    def text(self, of: str = "") -> Text:
        """The entries in words: row 2 of a gradient, an entry, all of it; of one case's, `of` is its loss."""
        gradient = Adjoint(self.name, of=of)
        if self.entries == ((),):
            return (gradient,)
        match self.part:
            case "row":
                return (f"row {self.position + 1} of ", gradient)
            case "column":
                return (f"column {self.position + 1} of ", gradient)
            case "entry":
                return (f"entry {self.position + 1} of ", gradient)
            case "all":
                return ("all of ", gradient)
            case "entries":
                noun = "entry " if len(self.entries) == 1 else "entries "
                return (noun, *few(self.entries, PLACES, _place), " of ", gradient)


def _place(entry: tuple[int, ...]) -> Text:
    return (f"({', '.join(str(i + 1) for i in entry)})",)


@of_graph
def silencing(graph: Graph) -> Silencing:
    """What finds the entries of a graph's gradients; it depends on no numbers, and remembers what it found."""
    return Silencing(graph)


def would_move(
    run: Run, name: str, leaf: Leaf, unit: tuple[int, ...], instead: Array, entries: Iterable[Index]
) -> bool:
    """Whether some entries of a gradient would be other than 0, were one entry of a value or a gradient so.

    A gate that is shut is not why they are 0 where nothing arrives at it, or what it would give is multiplied by 0.

    Arguments:
        run: the numbers at which it is asked.
        name: what it is the gradient with respect to, which has one use alone.
        leaf: what is 0 in one entry.
        unit: which entry.
        instead: the number to put in, or one for each case.
        entries: of the gradient.
    """
    numbers = {k: np.asarray(v, dtype=float) for k, v in run.numbers.items()}
    array = numbers[leaf].copy()
    if np.ndim(instead) > np.ndim(array[unit]):
        return True
    array[unit] = instead
    (part,) = run.graph.gradients[name].parts
    batched = set(run.graph.batched_leaves)
    with np.errstate(all="ignore"):
        found = np.asarray(value_of(part.formula, {**numbers, leaf: array}, batched))
    return any(bool(np.any(found[entry])) for entry in entries)


@builder
class Silencing:
    """Finds which entries of a graph's gradients vanish with one entry of a value.

    Arguments:
        largest: gradients with more entries than this are not searched.
    """

    graph: Graph
    largest: int = INFLUENCE_SIZE
    _zeroed: dict[tuple[Leaf, tuple[Any, ...]], tuple[Zeroed, ...]] = field(default_factory=dict)
    _whose: dict[tuple[str, Leaf, tuple[int, ...]], Owners | None] = field(default_factory=dict)
    _before: dict[tuple[str, str], tuple[Expression, dict[Leaf, Array], Array]] = field(
        default_factory=dict
    )

    @cached_property
    def consumers(self) -> dict[Leaf, list[str]]:
        """By leaf, the values whose gradients' formulas refer to it."""
        found: dict[Leaf, list[str]] = {}
        for name, gradient in self.graph.gradients.items():
            for part in gradient.parts:
                for leaf in leaves(part.formula):
                    found.setdefault(leaf, []).append(name)
        return found

    def zeroed(self, leaf: Leaf, unit: tuple[Any, ...]) -> tuple[Zeroed, ...]:
        """The entries of parameter gradients that vanish because entry, or slice, `unit` of `leaf` does.

        Found from the formulas themselves: with positive numbers everywhere, the entries
        that become zero when this one entry is set to zero, and that grow as a power of it.
        """
        key = leaf, unit
        if any(isinstance(at, slice) for at in unit):
            return self._found(leaf, unit)  # which Python 3.11 has no hash for
        if key not in self._zeroed:
            self._zeroed[key] = self._found(leaf, unit)
        return self._zeroed[key]

    def _found(self, leaf: Leaf, unit: tuple[Any, ...]) -> tuple[Zeroed, ...]:
        found: list[Zeroed] = []
        for name in dict.fromkeys(self.consumers.get(leaf, ())):
            if self.graph.nodes[name].kind != "parameter":
                continue
            shape = self.graph.nodes[name].shape
            if int(np.prod(shape)) > self.largest or len(self.graph.gradients[name].parts) > 1:
                continue
            entries = self._vanishing(name, leaf, unit)
            if entries:
                found.append(Zeroed.of(name, shape, entries))
        return tuple(found)

    def of_share(
        self, name: str, through: str, leaf: Leaf, unit: tuple[int, ...]
    ) -> set[tuple[int, ...]]:
        """The entries that vanish so in the share that a gradient gets through one equation."""
        if int(np.prod(self.graph.nodes[name].shape)) > self.largest:
            return set()
        if leaf not in self._with_positive_numbers(name, through)[1]:
            return set()
        return set(self._vanishing_with(name, leaf, unit, through))

    def _vanishing(
        self, name: str, leaf: Leaf, unit: tuple[Any, ...]
    ) -> tuple[tuple[int, ...], ...]:
        if leaf not in self._with_positive_numbers(name)[1]:
            return ()  # it only decides where a gradient goes
        axes = tuple(axis for axis, at in enumerate(unit) if not isinstance(at, slice))
        whose = self._owners(name, leaf, axes)
        if whose is None:
            return self._vanishing_with(name, leaf, unit)
        lengths = [self.graph.shape(leaf)[axis] for axis in axes]
        place = np.ravel_multi_index([unit[axis] for axis in axes], lengths) if axes else 0
        return whose.of(int(place))

    def _owners(self, name: str, leaf: Leaf, axes: tuple[int, ...]) -> Owners | None:
        """By entry of a gradient, which entry or slice of a value it vanishes with; None where that is to be tried one by one."""
        key = name, leaf, axes
        if key not in self._whose:
            self._whose[key] = self._owned(name, leaf, axes)
        return self._whose[key]

    def _owned(self, name: str, leaf: Leaf, axes: tuple[int, ...]) -> Owners | None:
        along = [n if axis in axes else 1 for axis, n in enumerate(self.graph.shape(leaf))]
        count = int(np.prod(along))
        formula, at, before = self._with_positive_numbers(name)
        if count <= FEW or _picking(formula, leaf):
            return None

        def times(each: Array | float) -> Array:
            array = at[leaf] * np.broadcast_to(each, count).reshape(along)
            return np.asarray(value_of(formula, {**at, leaf: array}, set()), dtype=float)

        steps, scattered = factors(count)
        with np.errstate(all="ignore"):
            power = np.where(before != 0, np.log2(times(2.0) / before), 0.0)
            return owners(before, times(steps), times(scattered), count, power)

    def _vanishing_with(
        self, name: str, leaf: Leaf, unit: tuple[Any, ...], through: str = ""
    ) -> tuple[tuple[int, ...], ...]:
        formula, at, before = self._with_positive_numbers(name, through)

        def times(factor: float) -> Array:
            array = at[leaf].copy()
            array[unit] = factor * array[unit]
            return np.asarray(value_of(formula, {**at, leaf: array}, set()), dtype=float)

        with np.errstate(all="ignore"):
            without, half, double = times(0.0), times(0.5), times(2.0)
            gone = (before != 0) & (without == 0)
            # What only decides where a gradient goes, as the entries of a maximum do, is no factor of it.
            factor = np.isclose(half * double, before * before) & ~np.isclose(double, before)
        entries = np.argwhere(gone & factor)
        return tuple(tuple(int(i) for i in entry) for entry in entries)

    def _with_positive_numbers(
        self, name: str, through: str = ""
    ) -> tuple[Expression, dict[Leaf, Array], Array]:
        """A gradient's formula, or that of its share through an equation, and its value at unlike positive numbers."""
        found = self._before.get((name, through))
        if found is None:
            gradient = self.graph.gradients[name]
            share = next((p for p in gradient.parts if p.through == through), gradient.parts[0])
            whole = gradient.per_case if not through else None
            formula = whole or substitute(share.formula, _of_one_case)
            formula = tidied(substitute(formula, _tied_where_picked), self.graph.shape)
            at: dict[Leaf, Array] = {}
            for number, used in enumerate(leaves(formula), start=1):
                shape = self.graph.shape(used)
                at[used] = unlike_numbers(int(np.prod(shape)), number).reshape(shape)
            found = formula, at, np.asarray(value_of(formula, at, set()))
            self._before[name, through] = found
        return found


def tied(way: Call) -> Call:
    """What spreads a gradient over the entries of a maximum, with all of them equal: each gets a share."""
    deciding = operation_of(way).decided_by
    arguments = [
        fill(0, shape=a.shape) if k in deciding else a for k, a in enumerate(way.arguments)
    ]
    return replace(way.of(arguments), options=without_ties(way.options))


def _of_one_case(node: Expression) -> Expression | None:
    """What is reduced over the cases, of one of them."""
    if isinstance(node, Call) and operation_of(node).reduces_cases is not None:
        return substitute(node.arguments[0], _of_one_case)
    return None


def _tied_where_picked(node: Expression) -> Expression | None:
    if isinstance(node, Call) and len(operation_of(node).decided_by) > 1:
        return tied(node)
    return None


def _picking(formula: Expression, leaf: Leaf) -> bool:
    """Whether an operation on a value chooses by it, as a maximum does: what it chose says nothing of what it would choose."""
    above: set[Expression] = {leaf}
    for node in walk(formula):
        if isinstance(node, Call) and any(a in above for a in node.arguments):
            operation = operation_of(node)
            if operation.kinks or operation.within is not None:
                return True
            above.add(node)
    return False
