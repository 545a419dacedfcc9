"""Formulas compiled to be evaluated many times: on floats, and on intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from handgrad.arrays import AnyArray, Array, Kind, Namespace
from handgrad.errors import HandgradError
from handgrad.expression import Adjoint, Call, Expression, Leaf, Literal, Name, Shape, leaves, walk
from handgrad.graph.structure import is_batched
from handgrad.operations import operation_of
from handgrad.operations.annotate import annotated, signature_of
from handgrad.operations.operation import Kernel, Misfit
from handgrad.running.cleaning import without_residue


@dataclass(frozen=True, slots=True)
class CompiledFormula:
    """A formula, what it refers to, and the calls that compute it.

    `shape` is that of one case; where it is `batched` the cases lie on one more axis, the last.
    It `chooses` where the sign of something worked out on the way, such as W x + b, opens a gate.
    """

    expression: Expression
    leaves: tuple[Leaf, ...]
    shape: Shape
    batched: bool
    chooses: bool
    _constants: tuple[tuple[int, Any], ...]
    _leaf_slots: tuple[tuple[Leaf, int], ...]
    _calls: tuple[tuple[Kernel, Kernel, tuple[int, ...]], ...]
    _varies: tuple[bool, ...]
    _out: int

    @overload
    def __call__(
        self,
        values: Mapping[Leaf, Array],
        *,
        clean: bool = False,
        rounding: Callable[[Array], Array] | None = None,
    ) -> Array: ...

    @overload
    def __call__(
        self, values: Mapping[Leaf, Kind], xp: Namespace, *, clean: bool = False
    ) -> Kind: ...

    def __call__(
        self,
        values: Mapping[Leaf, Any],
        xp: Namespace = np,
        *,
        clean: bool = False,
        rounding: Callable[[Array], Array] | None = None,
    ) -> Any:
        """The value at `values`, whose arrays are of namespace `xp`.

        Where it is `clean`, sums are without rounding residues. What is worked out on the way to it goes through
        `rounding`, if there is any.
        """
        slots: list[Any] = [None] * (len(self._leaf_slots) + len(self._constants))
        for slot, constant in self._constants:
            slots[slot] = constant
        for leaf, slot in self._leaf_slots:
            slots[slot] = values[leaf]
        for position, (kernel, cleaned, arguments) in enumerate(self._calls):
            # An array of constants alone has no axis of sheets; π is a number of Python's.
            rounds = position and (self._varies[position - 1] or not np.ndim(slots[-1]))
            if rounding is not None and rounds:
                slots[-1] = rounding(np.asarray(slots[-1], dtype=float))
            slots.append((cleaned if clean else kernel)(xp, *[slots[a] for a in arguments]))
        return slots[self._out]


def compiled(
    expression: Expression, shapes: Callable[[Leaf], Shape], batched: Set[Leaf]
) -> CompiledFormula | None:
    """A formula ready to run; None where the shapes in it do not fit."""
    try:
        tree = annotated(expression, shapes)
    except HandgradError:
        return None
    compiler = FormulaCompiler(batched)
    try:
        out = compiler.place(tree)
    except Misfit:
        return None  # what a mistake leaves may be one number, which has no axis for a softmax
    return CompiledFormula(
        expression=tree,
        leaves=leaves(tree),
        shape=tree.shape or (),
        batched=is_batched(tree, batched),
        chooses=any(chooses(node) for node in walk(tree)),
        **compiler.parts(out),
    )


def chooses(node: Expression) -> bool:
    """Whether a call opens or shuts a gate by something worked out on the way."""
    if not isinstance(node, Call) or not any(isinstance(a, Call) for a in node.arguments):
        return False
    operation = operation_of(node)
    return bool(operation.kinks) or (operation.family == "helper" and operation.elementwise)


class FormulaCompiler:
    """Places a tree's nodes in slots: leaves and constants first, then calls in order."""

    def __init__(self, batched: Set[Leaf]) -> None:
        self.batched = batched
        self.given: dict[Expression, int] = {}
        self.calls: list[tuple[Kernel, Kernel, tuple[int, ...]]] = []
        self.known: dict[Expression, int] = {}

    def place(self, node: Expression) -> int:
        """The node's place, negative for a call until `parts` knows how many leaves there are."""
        if not isinstance(node, Call):
            return self.given.setdefault(node, len(self.given))
        if node in self.known:
            return self.known[node]
        operation = operation_of(node)
        which = tuple(is_batched(a, self.batched) for a in node.arguments)
        places = [self.place(a) for a in node.arguments]
        if operation.elementwise and any(which):
            for position, (argument, has) in enumerate(zip(node.arguments, which, strict=True)):
                if not has and argument.shape:
                    places[position] = self.call(
                        _with_cases_axis, _with_cases_axis, (places[position],)
                    )
        signature = signature_of(node, which)
        cleaned = without_residue(node, signature)
        place = self.call(operation.kernel(signature), cleaned, tuple(places))
        self.known[node] = place
        return place

    def call(self, kernel: Kernel, cleaned: Kernel, places: tuple[int, ...]) -> int:
        """The place of a call of a kernel, of which `cleaned` leaves no rounding residue."""
        self.calls.append((kernel, cleaned, places))
        return -len(self.calls)

    def parts(self, out: int) -> dict[str, Any]:
        """The fields of the compiled formula whose value stands at a place."""
        count = len(self.given)

        def slot(place: int) -> int:
            return place if place >= 0 else count - place - 1

        varying = {k for e, k in self.given.items() if isinstance(e, Name | Adjoint)}
        for number, (_, _, places) in enumerate(self.calls):
            if not varying.isdisjoint(map(slot, places)):
                varying.add(count + number)
        return {
            "_varies": tuple([count + number in varying for number in range(len(self.calls))]),
            "_constants": tuple(
                (k, _constant(e)) for e, k in self.given.items() if isinstance(e, Literal)
            ),
            "_leaf_slots": tuple(
                (e, k) for e, k in self.given.items() if isinstance(e, Name | Adjoint)
            ),
            "_calls": tuple(
                (kernel, cleaned, tuple(slot(p) for p in places))
                for kernel, cleaned, places in self.calls
            ),
            "_out": slot(out),
        }


def _constant(literal: Literal) -> Any:
    # A scalar as NumPy's own: Python makes (−0.5)^0.5 a complex number, and 1/0 an error.
    return np.asarray(literal.value, dtype=float)[()]


def _with_cases_axis(xp: Namespace, array: AnyArray) -> AnyArray:
    return array[..., None]
