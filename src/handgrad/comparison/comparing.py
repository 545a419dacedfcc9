"""From two traces to what differs between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.comparison.comparison import Comparison
from handgrad.comparison.structure import (
    Change,
    ComparedQuantity,
    EquationChange,
    GateChange,
    Index,
    LineDifference,
    NumberChange,
    SettingChange,
    StepPair,
    UnitState,
)
from handgrad.expression import Adjoint, Call, Expression, Leaf, Literal, Name
from handgrad.finite import norm
from handgrad.problem import Given, Problem
from handgrad.solution import Step, Trace, TraceLine
from handgrad.solution.expected import expect_trace
from handgrad.solution.silencing import Silencing
from handgrad.solution.units import Units, units
from handgrad.updates import UNTOLD

Key: TypeAlias = tuple[Leaf, str, str]

ALIKE = 1e-12
"""Figures that differ by less than this share of the largest beside them are the same."""

MOST_UNITS = 4096
"""Units, times cases, of one activation up to which it is followed what a gate that changes lets through."""


def compare(left: Trace, right: Trace) -> Comparison:
    """What differs between two solutions: in their problems, in every step, at every gate.

    >>> lab = handgrad.load("lab9")
    >>> leaky = lab.with_swap({"relu": "leaky_relu"})
    >>> comparison = handgrad.compare(handgrad.solve(lab), handgrad.solve(leaky))
    >>> len(comparison.gate_changes)
    1
    """
    expect_trace(left)
    expect_trace(right)
    together, apart = _units(left, right)
    return Comparison(
        left=left,
        right=right,
        changes=tuple(_changes(left, right)),
        steps=_pairs(left, right),
        gates=sum(a.z.size for a, _ in together),
        gate_changes=tuple(_gate_changes(left, right, together)),
        apart=apart,
        quantities=tuple(_quantities(left, right)),
    )


def turned_gates(left: Trace, right: Trace) -> tuple[GateChange, ...]:
    """The units whose gate is shut in one of two solutions only, where they have a counterpart in the other."""
    together, _ = _units(left, right)
    return tuple(_gate_changes(left, right, together))


# -- the problems ---------------------------------------------------------------------------


def _changes(left: Trace, right: Trace) -> Iterator[Change]:
    written = [{n: t.graph.nodes[n].written for n in t.graph.equations} for t in (left, right)]
    for name in _all(*written):
        here, there = written[0].get(name), written[1].get(name)
        if here != there:
            yield EquationChange(name, here, there)
    givens: list[Mapping[str, Given]] = [t.problem.inputs for t in (left, right)]
    for name in _all(*givens):
        one, other = givens[0].get(name), givens[1].get(name)
        if one != other:
            yield NumberChange(
                name=name,
                left=one.array if one else None,
                right=other.array if other else None,
                left_batched=one.batched if one else False,
                right_batched=other.batched if other else False,
            )
    settings = [_settings(t.problem) for t in (left, right)]
    for name in _all(*settings):
        if settings[0].get(name) != settings[1].get(name):
            yield SettingChange(name, settings[0].get(name), settings[1].get(name))


def _settings(problem: Problem) -> dict[str, str | float]:
    found: dict[str, str | float] = {"loss": problem.loss}
    if any(g.batched for g in problem.inputs.values()):
        found["reduction"] = problem.reduction
    if problem.update is not None and problem.parameters:
        found["rule"] = problem.update.rule
        found.update({k: v for k, v in problem.update.settings.items() if k not in UNTOLD})
        found.update({f"rates.{n}": rate for n, rate in problem.update.rates.items()})
        if problem.update.schedule:
            found["schedule"] = problem.update.schedule
    return found


def _all(left: Mapping[str, Any], right: Mapping[str, Any]) -> tuple[str, ...]:
    """Every name on either side, in the order of the left one."""
    return tuple(dict.fromkeys((*left, *right)))


# -- steps ----------------------------------------------------------------------------------


def _pairs(left: Trace, right: Trace) -> tuple[StepPair, ...]:
    """Every step of the left solution with the one on the right about the same thing.

    A step that the right alone has stands after the pair of the step before it.
    """
    unpaired = list(right.steps)
    matched: list[tuple[Step | None, Step | None]] = []
    for step in left.steps:
        other = next((s for s in unpaired if _about_the_same(step, s)), None)
        if other is not None:
            unpaired.remove(other)
        matched.append((step, other))
    for step in unpaired:
        matched.insert(_place(matched, right, step), (None, step))
    known = [
        {_key(line): line for s in t.steps if s.phase != "update" for line in s.lines}
        for t in (left, right)
    ]
    return tuple(StepPair(a, b, _lines(a, b, *known)) for a, b in matched)


def _about_the_same(left: Step, right: Step) -> bool:
    if left.phase != right.phase:
        return False
    if left.phase == "update":
        return left.kind == right.kind and left.id == right.id
    targets = [{line.target for line in s.lines if line.role != "cost"} for s in (left, right)]
    return left.about == right.about or bool(targets[0] & targets[1])


def _place(matched: list[tuple[Step | None, Step | None]], right: Trace, step: Step) -> int:
    """Where a step of the right alone belongs: after the last of those before it."""
    before = {s.id for s in right.steps[: right.steps.index(step)] if s.phase == step.phase}
    places = [k for k, (_, other) in enumerate(matched) if other is not None and other.id in before]
    if places:
        return places[-1] + 1
    phases = ("forward", "backward", "update")
    here = phases.index(step.phase)
    later = [
        k
        for k, pair in enumerate(matched)
        if phases.index((pair[0] or pair[1] or step).phase) >= here
    ]
    return later[0] if later else len(matched)


def _lines(
    left: Step | None,
    right: Step | None,
    elsewhere_left: Mapping[Key, TraceLine],
    elsewhere_right: Mapping[Key, TraceLine],
) -> tuple[LineDifference, ...]:
    """The lines of both steps; a line's counterpart may stand in another step."""
    here = {_key(line): line for line in left.lines} if left else {}
    there = {_key(line): line for line in right.lines} if right else {}
    return tuple(
        _line(here.get(key, elsewhere_left.get(key)), there.get(key, elsewhere_right.get(key)))
        for key in dict.fromkeys((*here, *there))
    )


def _key(line: TraceLine) -> Key:
    return line.target, line.role, line.through


def _line(left: TraceLine | None, right: TraceLine | None) -> LineDifference:
    if left is None or right is None:
        only = left or right
        assert only is not None
        return LineDifference(only.target, left, right)
    entries = differing(left.value, right.value)
    return LineDifference(
        target=left.target,
        left=left,
        right=right,
        formula=left.formula != right.formula,
        numbers=not _alike(left.substituted, right.substituted),
        entries=entries or (),
        shape=entries is None,
    )


def differing(left: Array, right: Array) -> tuple[Index, ...] | None:
    """The entries that differ by more than rounding; None where the shapes do."""
    one, other = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    if one.shape != other.shape:
        return None
    finite = [a[np.isfinite(a)] for a in (one, other)]
    scale = max((float(np.abs(a).max(initial=0.0)) for a in finite), default=0.0)
    with np.errstate(invalid="ignore"):
        alike = (np.abs(one - other) <= ALIKE * scale) | (one == other)
    alike |= np.isnan(one) & np.isnan(other)
    return tuple(tuple(int(i) for i in e) for e in np.argwhere(~alike))


def _alike(left: Expression, right: Expression) -> bool:
    """Whether two formulas with numbers in them are the same but for rounding."""
    match left, right:
        case Literal(), Literal():
            return left.batched == right.batched and differing(_array(left), _array(right)) == ()
        case Call(), Call():
            same = (left.operation, left.options) == (right.operation, right.options)
            pairs = zip(left.arguments, right.arguments, strict=False)
            counts = len(left.arguments) == len(right.arguments)
            return same and counts and all(_alike(a, b) for a, b in pairs)
        case _:
            return left == right


def _array(literal: Literal) -> Array:
    return np.asarray(literal.value, dtype=float)


# -- gates ----------------------------------------------------------------------------------


def _units(left: Trace, right: Trace) -> tuple[list[tuple[Units, Units]], tuple[str, ...]]:
    """The units to set against each other, and the activations with gates that cannot be."""
    here = {u.activation: u for u in units(left)}
    there = {u.activation: u for u in units(right)}
    together: list[tuple[Units, Units]] = []
    apart: list[str] = []
    for name in _all(here, there):
        one, other = here.get(name), there.get(name)
        gate = (one is not None and one.gate) or (other is not None and other.gate)
        if (
            one is None
            or other is None
            or one.z.shape != other.z.shape
            or one.batched != other.batched
        ):
            apart += [name] if gate else []
        elif gate:
            together.append((one, other))
    return together, tuple(apart)


def _gate_changes(
    left: Trace, right: Trace, together: list[tuple[Units, Units]]
) -> Iterator[GateChange]:
    silencing = [Silencing(t.graph) for t in (left, right)]
    for before, after in together:
        followed = before.z.size <= MOST_UNITS
        for place in np.argwhere(before.shut != after.shut):
            at = tuple(int(i) for i in place)
            index = at[:-1] if before.batched else at
            # What the unit's gradient leads on to, in the solution in which it flows.
            source, own = (after, silencing[1]) if before.shut[at] else (before, silencing[0])
            pre = source.pre_activation
            yield GateChange(
                activation=before.activation,
                unit=index,
                case=at[-1] if before.batched else None,
                layer=before.layer,
                time_step=before.time_step,
                left=_state(before, at, index),
                right=_state(after, at, index),
                reaches=(
                    own.zeroed(Adjoint(pre.name), index)
                    if followed and isinstance(pre, Name)
                    else ()
                ),
            )


def _state(unit: Units, at: Index, index: Index) -> UnitState:
    return UnitState(
        entry=unit.pre_activation.entry(index),
        operation=unit.operation,
        gate=unit.gate,
        z=float(unit.z[at]),
        slope=float(unit.slope[at]),
        arriving=float(np.broadcast_to(unit.arriving, unit.z.shape)[at]),
        passing=float(np.broadcast_to(unit.passing, unit.z.shape)[at]),
        step=unit.step,
    )


# -- figures --------------------------------------------------------------------------------


def _quantities(left: Trace, right: Trace) -> Iterator[ComparedQuantity]:
    if np.ndim(left.run.total) or np.ndim(right.run.total):
        return
    name = left.graph.cost
    if left.graph.has_loss and right.graph.has_loss:
        yield ComparedQuantity("loss", name, float(left.run.loss), float(right.run.loss))
    wanted = [dict.fromkeys(t.problem.asked) for t in (left, right)]
    for given in _all(*wanted):
        yield ComparedQuantity("gradient", given, _length(left, given), _length(right, given))
    if left.loss_after is not None or right.loss_after is not None:
        yield ComparedQuantity("loss_after", name, left.loss_after, right.loss_after)


def _length(trace: Trace, name: str) -> float | None:
    """The Euclidean length of a gradient; None for what the problem is not given."""
    if name not in trace.problem.parameters and name not in trace.problem.data:
        return None
    return norm(np.asarray(trace.run.gradient(name), dtype=float))
