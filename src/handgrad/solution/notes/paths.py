"""The paths from a value to the loss: several, one along which it is broadcast, or none."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from typing import ClassVar, Self

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Adjoint, Call, Expression, Name, Shape, leaves, literal_of, walk
from handgrad.operations.annotate import tidied
from handgrad.operations.operation import describe
from handgrad.operations.reductions import sum_to
from handgrad.page.blocks import NoteKind
from handgrad.record import record
from handgrad.running.evaluate import value_of
from handgrad.solution.notes.note import TraceNote
from handgrad.solution.notes.noted import NotedRun
from handgrad.solution.structure import StepKind, TraceLine
from handgrad.text import Text, joined


@record
class SeveralPaths(TraceNote):
    """A value used by several equations: its gradient is the sum of one share from each.

    Arguments:
        nothing: by equation whose share is 0, what is given, is a factor of it and is 0.
    """

    kind: ClassVar = "several_paths"
    name: str
    parts: tuple[tuple[str, Array], ...]
    nothing: tuple[tuple[str, str], ...] = ()

    @classmethod
    def in_backward(cls, seen: NotedRun, line: TraceLine, kind: StepKind) -> Iterator[Self]:
        name = line.target.name
        gradient = seen.graph.gradients.get(name)
        if line.role == "gradient" and gradient is not None and len(gradient.parts) > 1:
            parts = [(p.through, seen.run.of(Adjoint(name, p.through))) for p in gradient.parts]
            nothing = [
                (part.through, cause)
                for part, (_, value) in zip(gradient.parts, parts, strict=True)
                if not np.any(value)
                for cause in _zero_factors(seen, part.formula)
            ]
            yield cls(name, tuple(parts), tuple(nothing))

    def text(self) -> Text:
        if all(getattr(value, "ndim", 1) == 0 for _, value in self.parts):
            shares: list[Text] = [
                (literal_of(value), " through ", Name(name)) for name, value in self.parts
            ]
        else:
            shares = [("one through ", Name(name)) for name, _ in self.parts]
        because: list[Text] = [
            (" The path through ", Name(through), " gives 0 because ", Name(cause), " = 0.")
            for through, cause in self.nothing
        ]
        count = {2: "two", 3: "three", 4: "four"}.get(len(self.parts), str(len(self.parts)))
        return (
            Name(self.name), f" is used in {count} places, so its gradient is the sum over {count} paths: ",
            *joined(shares), ".", *chain.from_iterable(because),
        )  # fmt: skip


def _zero_factors(seen: NotedRun, formula: Expression) -> Iterator[str]:
    """What is given, is 0 throughout, and by that alone makes a share of a gradient 0: with ones it is not."""
    at = {leaf: seen.run.of(leaf) for leaf in leaves(formula)}
    for leaf, value in at.items():
        node = seen.graph.nodes.get(leaf.name)
        given = node is not None and node.kind == "data" and isinstance(leaf, Name)
        if given and not np.any(value):
            with np.errstate(all="ignore"):
                ones = {**at, leaf: np.ones_like(value)}
                other = value_of(formula, ones, seen.graph.batched_leaves)
            if np.any(other):
                yield leaf.name


@record
class Broadcast(TraceNote):
    """A value of `shape` repeated to the shape `repeated` on the way to an equation.

    Each of its entries is used several `times`, so its gradient adds up as many.
    """

    kind: ClassVar = "broadcast"
    name: str
    through: str
    shape: Shape
    repeated: Shape
    times: int

    @classmethod
    def in_backward(cls, seen: NotedRun, line: TraceLine, kind: StepKind) -> Iterator[Self]:
        if line.role not in ("gradient", "part", "per_case") or not _sums(line.formula):
            return
        sums = _sums(tidied(line.formula, seen.graph.shape))
        for shape, repeated in dict.fromkeys(
            (c.shape or (), c.arguments[0].shape or ()) for c in sums
        ):
            times = math.prod(repeated) // max(1, math.prod(shape))
            if math.prod(repeated) > math.prod(shape):
                to = _using(seen, line.target.name, line.through)
                yield cls(line.target.name, to, shape, repeated, times)

    def text(self) -> Text:
        return (
            f"Broadcasting: {describe(self.shape)} is repeated to {describe(self.repeated)} on the way from ",
            Name(self.name), " to ", Name(self.through),
            f". {'Each entry' if self.shape else 'It'} is used {self.times} times, and its gradient is the sum "
            f"of the {self.times} gradients that arrive.",
        )  # fmt: skip


def _using(seen: NotedRun, name: str, through: str) -> str:
    """The equation that uses a name: where its gradient comes `through` a loss the short way, one that this passes by."""
    nodes = seen.graph.nodes
    passed = [e for s in seen.graph.shortcuts if s.loss == through for e in (s.inner, *s.aside)]
    for equation in (through, *passed):
        written = nodes[equation].written if equation in nodes else None
        if written is not None and any(leaf.name == name for leaf in leaves(written)):
            return equation
    return through


def _sums(formula: Expression) -> list[Call]:
    """The sums in a formula over axes along which something was repeated."""
    return [n for n in walk(formula) if isinstance(n, Call) and n.operation == sum_to.name]


@record
class Unreached(TraceNote):
    """A parameter from which no path leads to the loss."""

    kind: ClassVar = "unreached"
    name: str

    @classmethod
    def in_update(cls, seen: NotedRun, line: TraceLine, kind: StepKind) -> Iterator[Self]:
        if line.role == "updated" and not seen.graph.gradients[line.target.name].reached:
            yield cls(line.target.name)

    @property
    def sign(self) -> NoteKind:
        return "warning"

    def text(self) -> Text:
        return ("No path leads from ", Name(self.name), " to the loss, so its gradient is 0.")
