"""What questions look up in a worked solution, and how a changed problem is solved."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from handgrad.arrays import Array
from handgrad.discussion.question import QuestionedEntry
from handgrad.errors import HandgradError
from handgrad.expression import Adjoint, Leaf
from handgrad.graph import build
from handgrad.problem import Problem
from handgrad.running.units import Index
from handgrad.solution import Step, Trace, TraceLine, solve
from handgrad.solution.residues import as_on_paper


def differentiated(trace: Trace) -> tuple[str, ...]:
    """The names that the solution differentiates by: parameters and given values, or the data if there are none."""
    return trace.problem.asked


def total_gradient(trace: Trace, name: str) -> Array:
    """The gradient of the loss over all cases, as the solution shows it."""
    return np.asarray(trace.run.gradient(name), dtype=float)


def in_order(steps: Iterable[str]) -> tuple[str, ...]:
    """Step numbers in order, each once."""
    return tuple(sorted({s for s in steps if s}, key=lambda s: tuple(map(int, s.split(".")))))


def made_in(trace: Trace) -> dict[Leaf, str]:
    """The step that computes each value and each gradient."""
    return {
        line.target: step.id
        for step in trace.steps
        if step.phase != "update"
        for line in step.lines
        if line.role in ("value", "cost", "gradient", "chain", "let")
    }


def step_of(trace: Trace, name: str) -> tuple[str, ...]:
    """The step that computes the gradient of a name, to be cited; empty if none does."""
    step = made_in(trace).get(Adjoint(name), "")
    return (step,) if step else ()


def backward_line(trace: Trace, target: Adjoint) -> tuple[str, TraceLine] | None:
    """The step and the line that compute a gradient."""
    for step in trace.steps:
        for line in step.lines:
            if step.phase == "backward" and line.target == target and line.role == "gradient":
                return step.id, line
    return None


def update_step(trace: Trace) -> Step | None:
    """The first update; None if there is none, or if many networks are solved at once."""
    if np.ndim(trace.run.total):
        return None
    return next((s for s in trace.steps if s.kind == "update"), None)


def index_of(array: Array, place: int) -> Index:
    """The index of an entry, given its place in the flattened array."""
    return tuple(int(i) for i in np.unravel_index(place, array.shape))


def at_entry(array: Array, index: Index) -> float:
    """One entry of an array."""
    return float(np.asarray(array)[index])


def steepest(trace: Trace, most: int) -> list[tuple[QuestionedEntry, float]]:
    """The entries with the largest gradients by size, at most so many, largest first."""
    found: list[tuple[QuestionedEntry, float]] = []
    for name in differentiated(trace):
        if trace.graph.nodes[name].batched:
            continue
        gradient = total_gradient(trace, name)
        for place in np.argsort(-np.abs(gradient), axis=None, kind="stable")[:most]:
            index = index_of(gradient, int(place))
            found.append((QuestionedEntry(name, index), at_entry(gradient, index)))
    return sorted(found, key=lambda pair: -abs(pair[1]))[:most]


def solved_alike(trace: Trace, problem: Problem) -> Trace | None:
    """A changed problem solved with the same rounding; None if it cannot be solved."""
    try:
        return solve(problem, carry=trace.run.carry, decimals=trace.decimals)
    except HandgradError:
        return None


def loss_alike(problem: Problem) -> float | None:
    """The loss of a changed problem as its solution would have it, full precision carried; None if it has none."""
    try:
        return float(as_on_paper(problem, build(problem)).loss)
    except HandgradError:
        return None
