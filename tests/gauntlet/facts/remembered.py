"""Takeaways of decks: steps, gates that were shut and in which cases, inputs of 0, and the losses, in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from handgrad.solution.abstract import Abstract
from handgrad.solution.notes.gated_off import GatedOff
from handgrad.solution.takeaways import (
    CasesReduced,
    GatesSeen,
    InputsZero,
    LossMoved,
    StepsBack,
    Takeaway,
    takeaways,
)
from tests.gauntlet.facts import terms
from tests.gauntlet.facts.claim import Claims, Found, claims_of, near
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.updating import Updated

GATES = frozenset(
    [
        *("relu", "leaky_relu", "elu", "maximum", "minimum", "abs", "max", "min", "hinge"),
        *("prelu", "selu", "clip", "hardtanh", "relu6", "hardsigmoid", "hardswish", "mae"),
    ]
)
"""What may be called a gate: it has a kink."""

REST = 1e-14
"""Pre-activations of this size are what rounding leaves of 0."""

MOST_UNITS = 32
"""Units of an activation of which notes are made."""


def of_takeaways(facts: Facts) -> Claims:
    """All that a deck of a solution ends with."""
    for takeaway in takeaways(facts.trace):
        yield from of_takeaway(takeaway, facts)
    abstract = Abstract.find(facts.trace)
    if abstract is not None:
        yield from claims_of("abstract", of_abstract(abstract, facts), abstract)


def of_abstract(said: Abstract, facts: Facts) -> Found:
    """What a page opens with."""
    yield said.cost == facts.oracle.cost, f"the cost is {facts.oracle.cost}"
    yield (said.value is None) == bool(facts.oracle.upstream), "the loss has a value, or has none"
    if said.value is not None and np.isfinite(facts.loss):
        yield near(said.value, facts.loss, 1e-7), f"it is {facts.loss}"
    names = facts.oracle.asked
    gradients = [np.abs(np.asarray(facts.at.gradients[n])) for n in names]
    yield said.total == sum(g.size for g in gradients), "there are so many entries"
    if all(np.isfinite(g).all() for g in gradients):
        rest = 1e-14 * max(1.0, *(float(g.max(initial=0.0)) for g in gradients))
        # What cancels over the cases may leave more on paper than floats tell.
        each = [
            np.abs(np.asarray(facts.at.case_gradients.get(n, g)))
            for n, g in zip(names, gradients, strict=True)
        ]
        surely = sum(
            int((e.max(axis=-1) == 0).sum()) if e.ndim > g.ndim else int((g == 0).sum())
            for e, g in zip(each, gradients, strict=True)
        )
        perhaps = sum(int((g <= rest).sum()) for g in gradients)
        yield surely <= said.zero + (perhaps - surely), f"{surely} are zero"
        yield said.zero <= perhaps, f"at most {perhaps} are zero"
    if said.gates is not None:
        yield from _gates_seen(said.gates, facts)
    if said.moved is not None:
        yield from _loss_moved(said.moved, facts)
    if said.blocked is not None:
        assert said.gates is not None
        (unit,) = said.gates.units
        yield said.gates.case_count == 1, "there are several cases"
        notes = [n for s in facts.trace.steps for n in s.notes if isinstance(n, GatedOff)]
        its = (unit.pre_activation, unit.unit)
        stopped = [n.blocked for n in notes if (n.pre_activation, n.unit) == its]
        # What a note says to be stopped is re-derived there.
        yield said.blocked in stopped, f"its notes say {stopped}"


def of_takeaway(takeaway: Takeaway, facts: Facts) -> Claims:
    """One of them."""
    yield from claims_of(
        f"takeaway {takeaway.kind}", JUDGES[type(takeaway)](takeaway, facts), takeaway
    )


def _steps_back(said: StepsBack, facts: Facts) -> Found:
    count = sum(s.id.startswith("2.") for s in facts.trace.steps)
    yield said.steps == count, f"{count} steps are numbered 2.…"
    yield said.cost == facts.oracle.cost, f"the cost is {facts.oracle.cost}"
    names = facts.oracle.asked
    yield set(said.names) == set(names), f"asked for are {names}"
    noun = "parameters" if facts.oracle.parameters else "inputs"
    noun = "numbers that are asked about" if facts.oracle.given else noun
    yield said.noun == noun, "they are given otherwise"


def _gates_seen(said: GatesSeen, facts: Facts) -> Found:
    used = {c.operation for t in facts.targets for c in terms.calls_of(facts.rectified(t))}
    yield set(said.operations) <= used & GATES, f"there are {used & GATES}"
    yield "relu" not in used or "relu" in said.operations, "ReLU is one too"
    numbers = [facts.cases if facts.differs(u.pre_activation) else 1 for u in said.units]
    yield said.case_count == max(numbers, default=1), f"{numbers} cases"
    by_layer: dict[Any, set[Any]] = {}
    for unit in said.units:
        z = np.asarray(facts.unit(unit.pre_activation, unit.unit))
        z = np.where(np.abs(z) < REST, 0.0, z)
        closed = ~facts.opens(unit.pre_activation, z)
        shut = {int(k) for k in np.flatnonzero(closed)}
        shut = shut if len(z) > 1 else set(unit.cases)
        yield bool(closed.any()), f"it is {z}"
        yield set(unit.cases) == shut, f"shut in {sorted(shut)}"
        known = [s for s in facts.trace.steps if s.id == unit.step]
        yield len(known) == 1, "there is no such step"
        by_layer.setdefault(unit.pre_activation, set()).add(unit.unit)
    for formula, units in by_layer.items():
        z = np.asarray(facts.values(formula, facts.differs(formula)), dtype=float)
        z = z if facts.differs(formula) else z[..., None]
        z = np.where(np.abs(z) < REST, 0.0, z)
        off = {tuple(map(int, u)) for u in np.argwhere((~facts.opens(formula, z)).any(axis=-1))}
        applied = [
            c
            for t in facts.targets
            for c in terms.calls_of(facts.rectified(t))
            if c.arguments == (formula,)
        ]
        if len(off) <= MOST_UNITS and [c.operation for c in applied] == ["relu"]:
            yield units == off, f"of {formula} off are {sorted(off)}"


def _inputs_zero(said: InputsZero, facts: Facts) -> Found:
    yield bool(said.inputs) and bool(said.silenced), "nothing is said"
    for name, unit in said.inputs:
        value = {**facts.oracle.data, **facts.oracle.parameters}[name]
        yield bool(np.all(value[unit] == 0)), f"it is {value[unit]}"
        yield name in facts.oracle.data, "it is no input"
    for name in said.silenced:
        gradient = facts.at.gradients[name]
        rest = 1e-14 * max(1.0, float(np.abs(gradient).max(initial=0.0)))
        yield bool((np.abs(gradient) <= rest).any()), f"every entry of d{name} is not 0"


def _cases_reduced(said: CasesReduced, facts: Facts) -> Found:
    yield said.cost == facts.oracle.cost, f"the cost is {facts.oracle.cost}"
    yield said.loss == facts.oracle.loss, f"the loss is {facts.oracle.loss}"
    yield said.cases == facts.cases, f"{facts.cases} cases"
    losses = np.asarray(facts.at.values[facts.oracle.loss], dtype=float)
    whole = {"mean": losses.mean(), "sum": losses.sum()}[said.reduction]
    yield near(whole, facts.loss), f"it is {facts.loss}"
    yield said.cost != said.loss, "there are no cases"


def _loss_moved(said: LossMoved, facts: Facts) -> Found:
    updates = {s.id.split(".")[0] for s in facts.trace.steps if s.phase == "update"}
    yield said.cost == facts.oracle.cost, f"the cost is {facts.oracle.cost}"
    updated = Updated.of(facts)
    updated.after(said.updates)
    before, after = updated.losses[0], updated.losses[said.updates]
    if np.isfinite(before) and np.isfinite(after):
        yield near(said.before, before, 1e-7), f"before it is {before}"
        yield near(said.after, after, 1e-7), f"after it is {after}"
    changes = sum(n.kind == "loss_change" for s in facts.trace.steps for n in s.notes)
    yield bool(updates) and said.updates == max(changes, 1), f"{changes} updates are made"


JUDGES: Mapping[type[Takeaway], Callable[[Any, Facts], Found]] = {
    StepsBack: _steps_back,
    GatesSeen: _gates_seen,
    InputsZero: _inputs_zero,
    CasesReduced: _cases_reduced,
    LossMoved: _loss_moved,
}
"""By kind, what re-derives a takeaway."""
