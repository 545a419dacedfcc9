"""The gates of a solution: those that are an equation, and those inside longer ones, as in dropout(relu(z), m)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from handgrad.expression import Adjoint, Call, Expression, Name, walk
from handgrad.graph import Activation, Graph, activations
from handgrad.operations import operation_of
from handgrad.operations.arithmetic import divide, multiply, negate
from handgrad.operations.functions import dropout
from handgrad.solution import Trace
from handgrad.solution.slopes import slopes_of
from handgrad.solution.units import Units, units

KEEPS_ZEROS: Mapping[str, tuple[int, ...]] = {
    multiply.name: (0, 1),
    divide.name: (0,),
    negate.name: (0,),
    dropout.name: (0,),
}
"""Operations, entry by entry, of which a 0 in one of these arguments makes a 0."""


@dataclass(frozen=True, slots=True)
class Gates:
    """The units of every activation by what they look at and by what they make.

    Arguments:
        every: all of them; those that stand inside longer formulas have gates alone.
        by_pre_activation: by the name of a value, or of a part of an equation, that goes into one activation
            and nowhere else: its activation decides alone on its gradient.
        outputs: by the same names, the value or part whose gradient arrives at that activation, if it has a name.
        by_value: by the name of a value, or of a part of an equation, that is 0 where its activation gives 0.
    """

    every: tuple[Units, ...]
    by_pre_activation: Mapping[str, Units]
    outputs: Mapping[str, str]
    by_value: Mapping[str, Units]


def gates_of(trace: Trace) -> Gates:
    """The gates of a solution."""
    graph = trace.graph
    whole = {u.activation: u for u in units(trace)}
    known: dict[tuple[str, Expression], Units] = {}
    by_pre_activation: dict[str, Units] = {}
    outputs: dict[str, str] = {}
    for activation in activations(graph):
        output = activation.equation if activation.alone else _part(trace, activation)
        unit = (
            whole.get(activation.equation)
            if activation.alone
            else _inside(trace, activation, output)
        )
        if unit is None:
            continue
        known[activation.equation, activation.written] = unit
        for name in _looked_at(graph, activation):
            by_pre_activation.setdefault(name, unit)
            if output:
                outputs.setdefault(name, output)
    by_value = dict(whole)
    formulas = {e: (e, graph.nodes[e].written) for e in graph.equations}
    formulas |= {let.name: (let.equation, let.written) for let in graph.lets.values()}
    for name, (equation, written) in formulas.items():
        unit = next((known[equation, f] for f in _factors(written) if (equation, f) in known), None)
        if unit is not None:
            by_value.setdefault(name, unit)
    return Gates(tuple(known.values()), by_pre_activation, outputs, by_value)


def _looked_at(graph: Graph, activation: Activation) -> Iterator[str]:
    """The names of an activation's pre-activation, where that goes nowhere else."""
    pre, equation = activation.pre_activation, activation.equation
    written = graph.nodes[equation].written
    if not activation.alone and _count(written, pre) > _count(activation.written, pre):
        return
    if isinstance(pre, Name):
        if graph.consumers.get(pre.name) == (equation,):
            yield pre.name
        return
    for let in graph.lets.values():
        if let.equation == equation and let.written == pre:
            yield let.name


def _count(formula: Expression | None, part: Expression) -> int:
    """How many times a part stands in a formula."""
    return sum(node == part for node in walk(formula)) if formula is not None else 0


def _factors(formula: Expression | None) -> Iterator[Expression]:
    """A formula and the parts of it, entry by entry, a 0 in one of which makes a 0 of it."""
    if formula is None:
        return
    yield formula
    if isinstance(formula, Call):
        for position in KEEPS_ZEROS.get(formula.operation, ()):
            argument = formula.arguments[position]
            if isinstance(argument, Call) and argument.shape == formula.shape:
                yield from _factors(argument)


def _inside(trace: Trace, activation: Activation, output: str) -> Units | None:
    """The units of a gate inside a longer formula, whose part is called `output`; None of another activation."""
    call, graph, run = activation.call, trace.graph, trace.run
    if not activation.gate or not operation_of(call).elementwise:
        return None
    argument, equation = activation.pre_activation, activation.equation
    z, batched = run.of(argument), graph.batched(argument)
    slope = slopes_of(call, z, batched=batched)
    arriving = np.full(z.shape, np.nan)
    if output:
        there = np.asarray(run.numbers[Adjoint(output)], dtype=float)
        arriving = there if there.shape == z.shape or not batched else there[..., None] + 0 * z
    made = (
        step.id
        for step in trace.steps
        if step.phase == "forward" and any(line.target == Name(equation) for line in step.lines)
    )
    return Units(
        activation=equation,
        pre_activation=argument,
        operation=call.operation,
        gate=True,
        z=z,
        slope=np.where(z == 0, 0.5, slope) if activation.splits_ties else slope,
        arriving=arriving,
        batched=batched,
        step=next(made, ""),
        layer=0,
        time_step=0,
    )


def _part(trace: Trace, activation: Activation) -> str:
    """The name of the part of an equation that an activation is, if its gradient is worked out; empty otherwise."""
    return next(
        (
            let.name
            for let in trace.graph.lets.values()
            if let.equation == activation.equation
            and let.written == activation.written
            and Adjoint(let.name) in trace.run.numbers
        ),
        "",
    )
