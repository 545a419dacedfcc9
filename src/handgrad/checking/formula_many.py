"""Formulas compiled for many sheets at once, whose numbers differ from sheet to sheet, and from case to case.

An array has the sheets on its last axis, and the cases on the one before where there are any. Kernels that go
entry by entry take both as they are; others see every case of every sheet as a case of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any

from handgrad.arrays import AnyArray, Namespace
from handgrad.checking.formula import CompiledFormula, FormulaCompiler, chooses
from handgrad.errors import HandgradError
from handgrad.expression import Call, Expression, Leaf, Literal, Shape, leaves, walk
from handgrad.operations import operation_of
from handgrad.operations.annotate import annotated, signature_of
from handgrad.operations.operation import Kernel, Misfit
from handgrad.running.cleaning import without_residue

SAME, SHEETS, CASES = range(3)
"""What a number differs by: nothing, the sheet, the case and the sheet."""


def compiled_for_many(
    expression: Expression, shapes: Callable[[Leaf], Shape], batched: Set[Leaf], cases: int
) -> CompiledFormula | None:
    """A formula ready to run on many sheets; None where it cannot be.

    Arguments:
        expression: the formula.
        shapes: those of the leaves, for one case.
        batched: the leaves that differ from case to case.
        cases: how many cases there are.
    """
    try:
        tree = annotated(expression, shapes)
    except HandgradError:
        return None
    compiler = _CompilerForMany(batched, cases)
    try:
        out = compiler.place(tree)
    except Misfit:
        return None
    return CompiledFormula(
        expression=tree,
        leaves=leaves(tree),
        shape=tree.shape or (),
        batched=bool(leaves(tree)),
        chooses=any(chooses(node) for node in walk(tree)),
        **compiler.parts(out),
    )


class _CompilerForMany(FormulaCompiler):
    """Places a tree's nodes as for one sheet, in the same order: what is rounded on the way is the same."""

    def __init__(self, batched: Set[Leaf], cases: int) -> None:
        super().__init__(batched)
        self.cases = cases
        self._kinds: dict[Expression, int] = {}

    def kind(self, node: Expression) -> int:
        """What the number of a node differs by. Raises `Misfit` for numbers by case that no sheet has given."""
        if node not in self._kinds:
            self._kinds[node] = self._kind(node)
        return self._kinds[node]

    def _kind(self, node: Expression) -> int:
        match node:
            case Call(arguments=arguments):
                most = max(map(self.kind, arguments), default=SAME)
                return min(most, SHEETS) if operation_of(node).reduces_cases else most
            case Literal():
                if node.batched:
                    raise Misfit("a case's own number in a formula")
                return SAME
            case _:
                return CASES if node in self.batched else SHEETS

    def place(self, node: Expression) -> int:
        if not isinstance(node, Call):
            self.kind(node)
            return self.given.setdefault(node, len(self.given))
        if node in self.known:
            return self.known[node]
        operation = operation_of(node)
        kinds = tuple(map(self.kind, node.arguments))
        places = [self.place(a) for a in node.arguments]
        most = max(kinds, default=SAME)
        if operation.elementwise and most:
            for position, (argument, kind) in enumerate(zip(node.arguments, kinds, strict=True)):
                if kind < most and argument.shape:
                    widen = _WIDENED[most, kind]
                    places[position] = self.call(widen, widen, (places[position],))
        signature = signature_of(node, tuple(k > SAME for k in kinds))
        kernels = operation.kernel(signature), without_residue(node, signature)
        if operation.reduces_cases is not None:
            if most < CASES:
                raise Misfit("cases that all are the same")
            kernels = _over_cases(kernels[0]), _over_cases(kernels[1])
        elif most == CASES and not operation.elementwise:
            kernels = self._each_alone(kernels[0], kinds), self._each_alone(kernels[1], kinds)
        place = self.call(*kernels, tuple(places))
        self.known[node] = place
        return place

    def _each_alone(self, kernel: Kernel, kinds: tuple[int, ...]) -> Kernel:
        """A kernel that sees every case of every sheet as a case."""
        cases = self.cases

        def run(xp: Namespace, *arrays: AnyArray) -> AnyArray:
            sheets = max(a.shape[-1] for a, kind in zip(arrays, kinds, strict=True) if kind)
            flat = []
            for array, kind in zip(arrays, kinds, strict=True):
                if kind == SAME:
                    flat.append(array)
                    continue
                whole = array if kind == CASES else _with_cases(xp, array)
                lead = whole.shape[:-2]
                wide = xp.broadcast_to(whole, (*lead, cases, sheets))
                flat.append(xp.reshape(wide, (*lead, cases * sheets)))
            found = kernel(xp, *flat)
            return xp.reshape(found, (*found.shape[:-1], cases, sheets))

        return run


def _over_cases(kernel: Kernel) -> Kernel:
    """A kernel that takes the cases together, sheet by sheet."""

    def run(xp: Namespace, array: AnyArray) -> AnyArray:
        rank = array.ndim
        return kernel(xp, xp.permute_dims(array, (*range(rank - 2), rank - 1, rank - 2)))

    return run


def _with_sheets(xp: Namespace, array: AnyArray) -> AnyArray:
    return array[..., None]


def _with_cases(xp: Namespace, array: AnyArray) -> AnyArray:
    return array[..., None, :]


def _with_both(xp: Namespace, array: AnyArray) -> AnyArray:
    return array[..., None, None]


_WIDENED: dict[tuple[int, int], Any] = {
    (SHEETS, SAME): _with_sheets,
    (CASES, SHEETS): _with_cases,
    (CASES, SAME): _with_both,
}
"""By what a result differs by, and what an argument does: the axes that the argument gets."""
