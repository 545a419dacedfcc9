"""The questions about gates: another activation in their place, and another input before them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from handgrad.discussion.structure import (
    Filled,
    GateSwap,
    OtherInput,
    Swap,
    SwappedLine,
    UnitAt,
)
from handgrad.discussion.zeros import in_order, total_gradient, zero_parts
from handgrad.errors import HandgradError
from handgrad.expression import Adjoint, Name
from handgrad.operations import BY_NAME
from handgrad.operations.operation import Array, Operation
from handgrad.problem import Given, Problem
from handgrad.solution import Trace, TraceLine, solve
from handgrad.solution.units import Units, units

MOST_UNITS = 4096
"""Units, times cases, beyond which gates are not told one by one."""


def solved_alike(trace: Trace, problem: Problem) -> Trace | None:
    """A changed problem's solution under the same rounding; None where its numbers have none."""
    try:
        return solve(problem, carry=trace.run.carry, decimals=trace.decimals)
    except HandgradError:
        return None


def backward_line(trace: Trace, target: Adjoint) -> tuple[str, TraceLine] | None:
    """The step and the line that give a gradient."""
    for step in trace.steps:
        for line in step.lines:
            if step.phase == "backward" and line.target == target and line.role == "gradient":
                return step.id, line
    return None


# -- another activation -------------------------------------------------------------------


def gate_swap(trace: Trace) -> GateSwap | None:
    """The gates (or else the first activation) of a problem with others in their place."""
    before = units(trace)
    if not before or sum(u.z.size for u in before) > MOST_UNITS:
        return None
    old = next((u for u in before if u.gate), before[0]).operation
    kept = tuple(s.inner for s in trace.graph.shortcuts if s.activation == old)
    swaps: list[Swap] = []
    steps: dict[str, None] = {}
    for new in _instead(BY_NAME[old]):
        try:
            problem = trace.problem.with_swap({old: new}, keep=kept)
        except HandgradError:
            continue
        other = solved_alike(trace, problem)
        if other is None:
            continue
        swap = _swap(trace, before, other, old, new)
        swaps.append(swap)
        steps.update(dict.fromkeys(line.step for line in swap.lines))
    return GateSwap(old, tuple(swaps), kept, in_order(steps)) if swaps else None


def _instead(activation: Operation) -> list[str]:
    """What an activation is swapped for: a gate for those that saturate and that leak, others for gates."""
    if not activation.gate:
        return [o.name for o in BY_NAME.values() if o.gate]
    smooth = [o.name for o in BY_NAME.values() if o.saturation is not None]
    return [*smooth, activation.leaky_form] if activation.leaky_form else smooth


def _swap(trace: Trace, before: tuple[Units, ...], other: Trace, old: str, new: str) -> Swap:
    after = {u.activation: u for u in units(other)}
    pairs = [
        (u, after[u.activation]) for u in before if u.operation == old and u.activation in after
    ]
    lines: list[SwappedLine] = []
    for unit, _ in pairs:
        if isinstance(unit.pre_activation, Name):
            target = Adjoint(unit.pre_activation.name)
            here, there = backward_line(trace, target), backward_line(other, target)
            if here and there:
                lines.append(SwappedLine(here[0], here[1], there[1]))
    filled: list[Filled] = []
    for part in zero_parts(trace):
        if part.cause == "shut_gate" and not part.cases:
            for zeroed in part.zeroed:
                now = total_gradient(other, zeroed.name)
                largest = max((float(now[e].item()) for e in zeroed.entries), key=abs)
                if largest != 0:
                    filled.append(Filled(zeroed, largest))
    return Swap(
        operation=new,
        units=tuple(u for a, b in pairs for u in units_at(a, b)),
        lines=tuple(lines),
        filled=tuple({(f.zeroed.name, f.zeroed.entries): f for f in filled}.values()),
        emptied=tuple(p for p in zero_parts(other) if p.cause == "shut_gate"),
        loss=float(np.mean(trace.run.loss)),
        other_loss=float(np.mean(other.run.loss)),
    )


def units_at(before: Units, after: Units) -> Iterator[UnitAt]:
    """Each unit of an activation in each case, in two solutions of the same shapes."""
    for place in np.ndindex(before.z.shape):
        index = place[:-1] if before.batched else place
        yield UnitAt(
            entry=before.pre_activation.entry(index),
            unit=index,
            case=place[-1] if before.batched else None,
            layer=before.layer,
            time_step=before.time_step,
            z=float(before.z[place]),
            slope=float(before.slope[place]),
            other_z=float(after.z[place]),
            other_slope=float(after.slope[place]),
        )


# -- another input ------------------------------------------------------------------------


def other_input(trace: Trace) -> OtherInput | None:
    """The first instructive input that changes which gates are shut; the first of all if none does."""
    before = [u for u in units(trace) if u.gate]
    if not before or sum(u.z.size for u in before) > MOST_UNITS:
        return None
    name = _input(trace, before)
    if name is None:
        return None
    given = trace.problem.data[name]
    fallback: OtherInput | None = None
    for value in _candidates(given):
        if np.array_equal(value, given.array):
            continue
        problem = trace.problem.with_values({name: Given(value, given.batched)})
        other = solved_alike(trace, problem)
        after = {u.activation: u for u in units(other)} if other is not None else {}
        if other is None or any(u.activation not in after for u in before):
            continue
        found = _changed_gates(trace, before, other, after, name, value)
        if found.off or found.on:
            return found
        fallback = fallback or found
    return fallback


def _input(trace: Trace, gates: list[Units]) -> str | None:
    """The first datum that a gate's pre-activation depends on."""
    reached = {n for u in gates for n in _ancestors(trace, u.activation)}
    return next((n for n in trace.problem.data if n in reached), None)


def _ancestors(trace: Trace, name: str) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    users = trace.graph.consumers
    while waiting:
        at = waiting.pop()
        for source, equations in users.items():
            if at in equations and source not in found:
                found.add(source)
                waiting.append(source)
    return found


def _candidates(given: Given) -> Iterator[Array]:
    """Unit vectors, the input turned round in sign, the zero input."""
    array = given.array
    if array.ndim == 1 and not given.batched:
        yield from np.eye(len(array))[:8]
    yield -array + 0.0
    yield np.zeros_like(array)


def _changed_gates(
    trace: Trace,
    before: list[Units],
    other: Trace,
    after: dict[str, Units],
    name: str,
    value: Array,
) -> OtherInput:
    off: list[UnitAt] = []
    on: list[UnitAt] = []
    for unit in before:
        for each in units_at(unit, after[unit.activation]):
            if each.z > 0 >= each.other_z:
                off.append(each)
            elif each.z <= 0 < each.other_z:
                on.append(each)
    return OtherInput(
        name=name,
        before=trace.problem.data[name].array,
        value=value,
        batched=trace.problem.data[name].batched,
        off=tuple(off),
        on=tuple(on),
        shut=sum(int(after[u.activation].shut.sum()) for u in before),
        count=sum(u.z.size for u in before),
        loss=float(np.mean(trace.run.loss)),
        other_loss=float(np.mean(other.run.loss)),
        steps=tuple(dict.fromkeys(u.step for u in before)),
    )
