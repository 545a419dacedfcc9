"""A plan: the lines of both passes as a flat list of array calls, made once and then replayed.

Equal parts of different formulas are computed once. Elementwise operations broadcast
entry by entry, so an argument that is the same in every case gets a trailing axis of
length 1 where another argument has an axis of cases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, Literal, TypeAlias, overload

import numpy as np

from handgrad.arrays import AnyArray, Array, Kind, Namespace
from handgrad.equations import source
from handgrad.errors import NumberError, OptionError
from handgrad.expression import Adjoint, Call, Expression, Leaf, Name, leaves
from handgrad.expression import Literal as Number
from handgrad.figures import figure
from handgrad.finite import all_finite
from handgrad.graph import Graph, build
from handgrad.graph.asked import unasked
from handgrad.graph.remembered import OfGraphs
from handgrad.graph.structure import Line, is_batched
from handgrad.graph.updating import UpdatePass
from handgrad.operations import operation_of
from handgrad.operations.annotate import annotated, signature_of
from handgrad.operations.operation import Kernel
from handgrad.problem import Problem
from handgrad.record import builder, record
from handgrad.running.cleaning import never_cancels, without_residue
from handgrad.running.evaluate import (
    at_entry,
    columns_of,
    diagnose,
    root_of_nothing,
    senseless,
    sums_as_columns,
    value_of,
)

Carry: TypeAlias = Literal["exact", "rounded"]


@record
class PlanStep:
    """One array call: `slots[out] = kernel(xp, *slots[arguments])`."""

    kernel: Kernel
    arguments: tuple[int, ...]
    out: int


@builder
class _PlanCompiler:
    """Turns formulas into steps over numbered slots."""

    graph: Graph
    share: bool
    convert: Callable[[Array], Any] | None = None
    clean: bool = False
    slots: dict[Expression, int] = field(default_factory=dict)
    constants: dict[int, Any] = field(default_factory=dict)
    steps: list[PlanStep] = field(default_factory=list)
    recent: list[Expression] = field(default_factory=list)
    formulas: dict[Leaf, Expression] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.batched: set[Leaf] = set(self.graph.batched_leaves)

    def assign(self, leaf: Leaf, slot: int) -> None:
        """Gives a leaf another value: what was computed from the old one is not used again."""
        for known in self.recent:
            if leaf in leaves(known):
                self.slots.pop(known, None)
        self.slots[leaf] = slot

    def new(self) -> int:
        self.count += 1
        return self.count - 1

    def step(self, kernel: Kernel, *arguments: int) -> int:
        out = self.new()
        self.steps.append(PlanStep(kernel, arguments, out))
        return out

    def slot(self, expression: Expression) -> int:
        """The slot that holds the expression's value once the steps so far have run."""
        found = self.slots.get(expression)
        if found is not None:
            return found
        match expression:
            case Number():
                slot = self.constant(expression.numbers)
            case Call():
                slot = self.call(expression)
            case _:
                raise KeyError(expression)
        if self.share or not isinstance(expression, Call):
            self.slots[expression] = slot
            self.recent.append(expression)
        return slot

    def call(self, call: Call) -> int:
        operation = operation_of(call)
        if operation.reduces_cases is not None:
            return self.over_cases(call, operation.reduces_cases)
        arguments, batched = self.arguments(call)
        signature = signature_of(call, batched)
        clean = self.clean and not never_cancels(call, self.formulas)
        kernel = without_residue(call, signature) if clean else operation.kernel(signature)
        if self.convert is None and all(a in self.constants for a in arguments):
            with np.errstate(all="ignore"):
                value = kernel(np, *[np.asarray(self.constants[a]) for a in arguments])
            return self.constant(np.asarray(value))
        return self.step(kernel, *arguments)

    def constant(self, value: Array) -> int:
        """A slot that holds a number or an array in every run."""
        slot = self.new()
        convert = self.convert or (lambda array: array if array.ndim else float(array))
        # Its own memory: what a kernel makes of constants may be a view that cannot be written to, which PyTorch refuses.
        self.constants[slot] = convert(np.array(value, float))
        return slot

    def arguments(self, call: Call) -> tuple[list[int], tuple[bool, ...]]:
        # Without cases there is nothing to look for in the formulas.
        batched = tuple(
            [bool(self.batched) and is_batched(a, self.batched) for a in call.arguments]
        )
        slots = [self.slot(a) for a in call.arguments]
        if operation_of(call).elementwise and any(batched):
            slots = [
                s if c or not a.shape else self.step(_with_cases_axis, s)
                for a, s, c in zip(call.arguments, slots, batched, strict=True)
            ]
        return slots, batched

    def over_cases(self, call: Call, finish: Callable[[AnyArray, int], AnyArray]) -> int:
        """A reduction over the cases, without the cases in between where the table has a way."""
        (inner,) = call.arguments
        if (over := sums_as_columns(inner, self.batched)) is not None:
            assert isinstance(inner, Call)
            arguments, _ = self.arguments(inner)
            columns = columns_of(inner, map(str, arguments))
            self.slots.update(zip(columns, arguments, strict=True))
            total = self.slot(annotated(over(*columns), lambda leaf: leaf.shape or ()))
            return self.step(lambda xp, t, w: finish(t, w.shape[-1]), total, arguments[0])
        return self.step(operation_of(call).kernel(signature_of(call, (True,))), self.slot(inner))


def _with_cases_axis(xp: Namespace, array: AnyArray) -> AnyArray:
    return array[..., None]


class Plan:
    """A graph compiled for replay.

    Arguments:
        graph: what to run.
        decimals: where given, every line's value is rounded to so many decimals before it
            is used again (what a person with paper does); None carries full precision.
        lines: what is computed; the forward and the backward pass by default. No line may need one that
            is not there, and a formula of the caller's own may have a line of its own.
        update: the update to make after it; its settings, step and memories are then inputs.
        constant: turns the formulas' constants, which are float64 arrays, into another kind of
            number; no formula of constants alone is then computed beforehand, in floats.
        clean: whether sums are without rounding residues, and what differs by one ties.
    """

    def __init__(
        self,
        graph: Graph,
        decimals: int | None = None,
        *,
        lines: Iterable[Line] | None = None,
        update: UpdatePass | None = None,
        constant: Callable[[Array], object] | None = None,
        clean: bool = False,
    ) -> None:
        self.graph = graph
        compiler = _PlanCompiler(graph, share=decimals is None, convert=constant, clean=clean)
        self._inputs: dict[str, int] = {}
        for node in graph.nodes.values():
            if node.kind != "value":
                self._inputs[node.name] = compiler.slots[Name(node.name)] = compiler.new()
        self.leaves: dict[Leaf, int] = {}
        for line in (*graph.forward, *graph.backward) if lines is None else lines:
            slot = compiler.slot(line.formula)
            compiler.formulas[line.leaf] = line.formula
            if decimals is not None:
                slot = compiler.step(_rounding(decimals), slot)
            compiler.slots[line.leaf] = self.leaves[line.leaf] = slot
        self.updated: dict[Leaf, int] = {}
        if update is not None:
            self._update(compiler, update)
        self._steps: Sequence[PlanStep] = tuple(compiler.steps)
        self._constants = compiler.constants
        self._count = compiler.count

    def _update(self, compiler: _PlanCompiler, update: UpdatePass) -> None:
        for name in (*update.settings, *update.memories):
            self._inputs[name.name] = compiler.slots[name] = compiler.new()
        compiler.batched |= update.batched
        for lines in update.groups():
            compiler.recent.clear()
            for line in lines:
                slot = compiler.slot(line.formula)
                if line.assigns == "updated":
                    self.updated[line.target] = slot
                else:
                    compiler.assign(line.target, slot)
                    if line.assigns == "memory":
                        self.updated[line.target] = slot

    @overload
    def __call__(self, values: Mapping[str, Array]) -> dict[Leaf, Array]: ...

    @overload
    def __call__(self, values: Mapping[str, Kind], xp: Namespace) -> dict[Leaf, Kind]: ...

    def __call__(self, values: Mapping[str, Any], xp: Namespace = np) -> dict[Leaf, Any]:
        """The value of every line, forward and backward, given the values of the givens.

        Arrays may be of any namespace `xp` that has the array API's functions. A value
        that differs from case to case has the cases on its last axis.
        """
        slots = self.slots(values, xp)
        result: dict[Leaf, Any] = {Name(n): slots[s] for n, s in self._inputs.items()}
        result.update({leaf: slots[slot] for leaf, slot in self.leaves.items()})
        result.update({after(leaf): slots[slot] for leaf, slot in self.updated.items()})
        return result

    def slot(self, leaf: Leaf) -> int:
        """Where `slots` has the value of a given, or of a line."""
        if isinstance(leaf, Name) and leaf.name in self._inputs:
            return self._inputs[leaf.name]
        return self.leaves[leaf]

    def slots(self, values: Mapping[str, AnyArray], xp: Namespace = np) -> list[Any]:
        """The same as a flat list, without a name looked up: what a tracer of programs can follow."""
        slots: list[Any] = [None] * self._count
        for name, slot in self._inputs.items():
            slots[slot] = values[name]
        for slot, constant in self._constants.items():
            slots[slot] = xp.asarray(constant) if isinstance(constant, np.ndarray) else constant
        for step in self._steps:
            slots[step.out] = step.kernel(xp, *[slots[a] for a in step.arguments])
        return slots


def after(leaf: Leaf) -> Leaf:
    """Stands for a parameter's or a memory's value after the update."""
    return Name(f"{leaf.name}′", shape=leaf.shape)


def _rounding(decimals: int) -> Kernel:
    """Each number replaced by the figure that is shown for it."""
    return lambda xp, array: shown_figures(array, decimals)


NOISE = 1e-13
"""What is left of a number under this, where figures are rounded, is floats' own rounding: 0 on paper."""


def shown_figures(array: Array, decimals: int) -> Array:
    """An array with each number replaced by the figure that is shown for it."""

    def shown(x: float) -> float:
        if not math.isfinite(x):
            return x
        return 0.0 if abs(x) < NOISE else float(figure(float(x), decimals))

    figures: Array = np.vectorize(shown, otypes=[float])(array)
    return figures


@record
class Run:
    """The numbers of one run by leaf, for names and for adjoints.

    `parts` are those of parts of equations where floats would not give them.
    """

    graph: Graph
    numbers: Mapping[Leaf, Array]
    carry: Carry = "exact"
    parts: Mapping[Expression, Array] = field(default_factory=dict)

    def of(self, formula: Expression) -> Array:
        """The value of an annotated formula of the run's values; many cases lie along the last axis."""
        if formula in self.parts:
            return self.parts[formula]
        if isinstance(formula, Name | Adjoint):
            return np.asarray(self.numbers[formula], dtype=float)
        numbers = {leaf: np.asarray(self.numbers[leaf], dtype=float) for leaf in leaves(formula)}
        with np.errstate(all="ignore"):
            return np.asarray(value_of(formula, numbers, self.graph.batched_leaves), dtype=float)

    def value(self, name: str) -> Array:
        """A forward value; many cases lie along the last axis."""
        return self.numbers[Name(name)]

    def gradient(self, name: str) -> Array:
        """The gradient of the loss with respect to a named value, in the value's shape."""
        value = np.asarray(self.numbers[Name(name)])
        if name == self.graph.cost:
            return np.ones(value.shape)
        gradient = np.asarray(self.numbers[Adjoint(name)], dtype=float)
        if gradient.ndim < value.ndim:
            gradient = gradient[..., None]
        same = gradient.shape == value.shape
        return gradient if same else np.broadcast_to(gradient, value.shape)

    @property
    def loss(self) -> float | Array:
        """The loss over all the cases; one for each network where the parameters have cases.

        Raises `OptionError` where the problem has none: gradients are given upstream of it.
        """
        if not self.graph.has_loss:
            raise no_loss()
        return self.total

    @property
    def total(self) -> float | Array:
        """The loss, or its stand-in: the sum of the values that an upstream gradient arrives at, times it."""
        value = np.asarray(self.numbers[Name(self.graph.cost)])
        return float(value) if value.ndim == 0 else value


def no_loss(mend: str = "ask for gradients") -> OptionError:
    """What is said where a loss is needed that no equation computes."""
    return OptionError(
        "the problem gives upstream gradients, so that there is no loss to compute", mend=mend
    )


_plans: OfGraphs[Plan] = OfGraphs(16)
"""Plans of the last graphs: a solution runs its graph again after an update, and so does the next one of the same graph."""


def plan_carrying(graph: Graph, carry: Carry, decimals: int) -> Plan:
    """The plan that carries full precision, or figures rounded to so many decimals."""
    return _plan(graph, decimals if carry == "rounded" else None)


def clean_plan(graph: Graph, *, asked: bool = False) -> Plan:
    """The plan whose sums are without rounding residues; of what is `asked` alone, without the other gradients."""
    return _plan(graph, None, clean=True, asked=asked)


def _plan(graph: Graph, decimals: int | None, *, clean: bool = False, asked: bool = False) -> Plan:
    def made() -> Plan:
        aside = unasked(graph) if asked else ()
        lines = [x for x in (*graph.forward, *graph.backward) if x.leaf not in aside]
        return Plan(graph, decimals, lines=lines, clean=clean)

    return _plans.of(graph, (decimals, clean, asked), made)


def run(
    problem: Problem,
    graph: Graph | None = None,
    carry: Carry = "exact",
    decimals: int = 4,
    *,
    plan: Plan | None = None,
) -> Run:
    """Runs a problem's own numbers through its graph, in float64.

    Arguments:
        problem: whose numbers are run.
        graph: that of the problem, where it has been built.
        carry: whether full precision is carried, or rounded figures.
        decimals: to how many figures are rounded, where they are.
        plan: the graph's plan that carries figures so, where there is one already.

    Raises `NumberError` where a value or a gradient that is needed is not finite, and where a
    loss is given a target that it is not made for, naming the equation and the operation whose
    domain was left.

        >>> round(handgrad.run(handgrad.load("lab9")).loss, 4)
        0.4548
    """
    graph = graph or build(problem)
    plan = plan or plan_carrying(graph, carry, decimals)
    givens = {n: g.array for n, g in problem.inputs.items()}
    with np.errstate(all="ignore"):
        numbers = plan(givens)
    result = Run(graph, numbers, carry)
    _check_finite(problem, result)
    return result


def _check_finite(problem: Problem, result: Run) -> None:
    graph = result.graph
    written = {e.target: e for e in problem.equations}
    for equation in map(written.__getitem__, graph.equations):
        if not all_finite(np.asarray(result.value(equation.target), dtype=float)):
            rounded = result.carry == "rounded"
            raise diagnose(problem.where, equation, graph, result.numbers, rounded=rounded)
        if error := senseless(problem.where, equation, graph, result.numbers):
            raise error
    aside: set[Leaf] = {Adjoint(name) for s in graph.shortcuts for name in s.aside}
    aside |= {line.leaf for s in graph.shortcuts for line in s.long[:-1]}
    for line in graph.backward:
        value = np.asarray(result.numbers[line.leaf], dtype=float)
        if line.leaf in aside or all_finite(value) or line.leaf in unasked(graph):
            continue
        entry = tuple(int(i) for i in np.argwhere(~np.isfinite(value))[0])
        how = "undefined" if np.isnan(value[entry]) else "infinite"
        place = line.through or line.leaf.name
        through = next((e for e in problem.equations if e.target == place), None)
        of = root_of_nothing(through, graph, result.numbers) if through else ""
        norm = f"; norm({of}) has the slope 0 where it is 0" if of else ""
        raise NumberError(
            f"the gradient with respect to {at_entry(spelled_name(graph, line.leaf.name), entry)} is {how}",
            where=", ".join(filter(None, (problem.where, through.numbered if through else ""))),
            source=through.text if through else "",
            mend=f"at these numbers a slope on the way to it is infinite{norm}"
            if result.carry == "exact"
            else "at the rounded figures a slope on the way to it is infinite: carry more decimals, or all",
        )


def spelled_name(graph: Graph, name: str) -> str:
    """A name as the user knows it: the formula of a part that has no name of their own."""
    part = graph.lets.get(name)
    return source(part.written) if part is not None else name
