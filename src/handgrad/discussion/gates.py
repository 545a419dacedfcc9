"""The gates of a solution: those that are an equation, and those inside longer ones, as in dropout(relu(z), m)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from handgrad.expression import Adjoint, Call, Expression, Literal, Name, walk
from handgrad.graph import Activation, Graph, activations
from handgrad.operations import operation_of
from handgrad.running import Run
from handgrad.solution import Trace
from handgrad.solution.units import Units, units, units_of


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
        unit = next(
            (known[equation, f] for f in _factors(trace.run, written) if (equation, f) in known),
            None,
        )
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


def _factors(run: Run, formula: Expression | None) -> Iterator[Expression]:
    """A formula and the parts of it, entry by entry, a 0 in one of which makes a 0 of it at these numbers."""
    if formula is None:
        return
    yield formula
    if isinstance(formula, Call) and operation_of(formula).elementwise:
        for position, argument in enumerate(formula.arguments):
            if isinstance(argument, Call) and argument.shape == formula.shape:
                others = list(formula.arguments)
                others[position] = Literal(0.0)
                if np.all(run.of(replace(formula, arguments=tuple(others))) == 0):
                    yield from _factors(run, argument)


def _inside(trace: Trace, activation: Activation, output: str) -> Units | None:
    """The units of a gate inside a longer formula, whose part is called `output`; None of another activation."""
    if not activation.gate or not operation_of(activation.call).elementwise:
        return None
    arriving = trace.run.numbers[Adjoint(output)] if output else np.nan
    return units_of(trace, activation, np.asarray(arriving, dtype=float))


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
