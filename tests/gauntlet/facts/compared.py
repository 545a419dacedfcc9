"""Two solutions compared: what changed, the figures at a glance, and the gates that opened or shut."""

from __future__ import annotations

import math

import numpy as np

import handgrad
from handgrad.comparison import Comparison
from handgrad.comparison.structure import ComparedQuantity, GateChange, NumberChange
from tests.gauntlet.facts.claim import Claims, Found, claims_of, close, near
from tests.gauntlet.facts.paged import other_numbers
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.updating import Updated


def of_comparison(facts: Facts) -> Claims:
    """A problem beside itself with another number."""
    trace = other_numbers(facts)
    if trace is not None:
        other = Facts.of(trace.problem, type(facts.oracle))
        yield from of_compared(handgrad.compare(facts.trace, trace), facts, other)


def of_compared(comparison: Comparison, left: Facts, right: Facts) -> Claims:
    """One comparison."""
    for change in comparison.changes:
        if isinstance(change, NumberChange):
            yield from claims_of("compare: a number", _number(change, left, right), change)
    for quantity in comparison.quantities:
        yield from claims_of(
            f"compare: {quantity.kind}", _quantity(quantity, left, right), quantity
        )
    for gate in comparison.gate_changes:
        yield from claims_of("compare: a gate", _gate(gate, left, right), gate)


def _number(change: NumberChange, left: Facts, right: Facts) -> Found:
    for said, facts in ((change.left, left), (change.right, right)):
        given = {**facts.oracle.parameters, **facts.oracle.data}.get(change.name)
        yield (said is None) == (given is None), "only one has it"
        if said is not None and given is not None:
            yield close(said, given), f"it is {given}"
    yield not np.array_equal(np.asarray(change.left), np.asarray(change.right)), "nothing changed"


def _quantity(quantity: ComparedQuantity, left: Facts, right: Facts) -> Found:
    for said, facts in ((quantity.left, left), (quantity.right, right)):
        if said is None:
            continue
        if quantity.kind == "loss":
            theirs = facts.loss
        elif quantity.kind == "loss_after":
            Updated.of(facts).after(1)
            theirs = Updated.of(facts).losses[1]
        else:
            theirs = math.sqrt(float((np.asarray(facts.at.gradients[quantity.name]) ** 2).sum()))
        if np.isfinite(theirs):
            yield near(said, theirs, 1e-7), f"it is {theirs}"


def _gate(gate: GateChange, left: Facts, right: Facts) -> Found:
    steps = [
        (s.layer, s.time_step)
        for s in left.trace._steps
        if s.kind == "layer" and gate.activation in {line.target.name for line in s.lines}
    ]
    yield (gate.layer, gate.time_step) in (steps or [(0, 0)]), f"it is in {steps}"
    case = gate.case or 0
    z = [float(f.value(s.entry, case)) for s, f in ((gate.left, left), (gate.right, right))]
    yield near(gate.left.z, z[0]), f"first it is {z[0]}"
    yield near(gate.right.z, z[1]), f"then it is {z[1]}"
    sides = [
        f.opens_at(s.entry, x)
        for s, f, x in zip((gate.left, gate.right), (left, right), z, strict=True)
    ]
    yield sides[0] != sides[1] or not (gate.left.gate and gate.right.gate), "it is as it was"
    for state, facts in ((gate.left, left), (gate.right, right)):
        arriving = np.asarray(facts.at.gradients[gate.activation])
        own = (
            arriving[(*gate.unit, case)]
            if gate.activation in facts.oracle.batched
            else arriving[gate.unit]
        )
        yield near(state.arriving, float(own), 1e-7), f"{own} arrives"
        yield (
            near(state.passing, state.arriving * state.slope, 1e-9),
            "what passes is not the product",
        )
