"""Trainings: the losses, who is dead when, and which update killed or revived a unit, by PyTorch's rules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import handgrad
from handgrad.study import OverTraining
from handgrad.study.over_training import UnitEvent
from handgrad.study.units import StudiedLayer
from tests.gauntlet.facts.caused import claimed, of_shares
from tests.gauntlet.facts.claim import Claims, Found, claims_of, near
from tests.gauntlet.facts.mixing import apart
from tests.gauntlet.facts.reviving import of_revivers
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.updating import Updated

STEPS = 6
"""Updates that are made."""


def of_training(facts: Facts) -> Claims:
    """A short training on the problem's own cases."""
    if not facts.oracle.parameters or not facts.oracle.update:
        return
    try:
        study = handgrad.train(facts.problem, STEPS)
    except handgrad.HandgradError:
        return
    if not (study.rows or study.columns):
        yield from of_study(study, facts)


def of_study(study: OverTraining, facts: Facts) -> Claims:
    """One training, looked at after every update."""
    until = _ran_away(study, facts)
    yield from claims_of("train: losses and counts", _counts(study, facts, until), study.losses)
    for event in study.events:
        if event.step < until:
            yield from claims_of(f"train: {event.kind}", _event(event, study, facts), event)
    for kind, found, about in claimed(study, facts, until):
        yield from claims_of(kind, found, about)
    for (layer, _), revivers in study.revivers.items():
        yield from claims_of(
            "train: revivers", of_revivers(revivers, layer, facts), (layer, revivers)
        )


def _largest(layer: StudiedLayer, step: int, facts: Facts) -> Any:
    """Each unit's pre-activations after so many updates, its positions and the cases on the last axis."""
    at = facts.under(facts.oracle.run(Updated.of(facts).after(step), gradients=False))
    batched = facts.differs(layer.pre)
    return apart(at.values(layer.pre, batched), layer.facts.axes, batched)


def _ran_away(study: OverTraining, facts: Facts) -> float:
    """The update from which on floats have lost what the rest hangs on; infinite where there is none.

    Where a loss as it is written, 0 · ln 0, has no number, the study's own is taken.
    """
    updated = Updated.of(facts)
    updated.after(study.steps[-1])
    most = 1e15 * max(1.0, abs(updated.losses[0]))
    for step, said in zip(study.steps, study.losses, strict=True):
        loss = updated.losses[step]
        if abs(loss if np.isfinite(loss) else said) > most:
            return step
    return math.inf


def _counts(study: OverTraining, facts: Facts, until: float) -> Found:
    updated = Updated.of(facts)
    updated.after(study.steps[-1])
    yield study.cases == facts.cases, f"{facts.cases} cases"
    yield (study.ran_away or math.inf) == until, f"it runs away at {until}"
    for position, step in enumerate(study.steps):
        if step > until:
            break
        loss = updated.losses[step]
        if np.isfinite(loss) and np.isfinite(study.losses[position]):
            yield near(study.losses[position], loss, 1e-6), f"after {step} it is {loss}"
    if study.stopped is not None:
        return
    for layer in study.layers:
        for position, step in enumerate(study.steps):
            if step > until:
                break
            z = _largest(layer, step, facts)
            if not np.isfinite(z).all():
                continue  # 0 · log 0, as the loss is written
            dead = ~facts.opens(layer.pre, z).any(axis=-1)
            yield (
                study.dead[layer.name][position] == int(dead.sum()),
                f"{layer.name}: {dead.sum()} at {step}",
            )
            for said, at in ((study.started_dead, 0), (study.ended_dead, study.steps[-1])):
                if step == at:
                    units = {u for name, u in said if name == layer.name}
                    are = {tuple(map(int, u)) for u in np.argwhere(dead)}
                    yield units == are, f"{layer.name}: dead at {step} are {are}"


def _event(event: UnitEvent, study: OverTraining, facts: Facts) -> Found:
    layer = next(x for x in study.layers if x.name == event.layer)
    before, after = (_largest(layer, k, facts)[event.unit] for k in (event.since, event.step))
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        return
    yield near(event.before, before.max(), 1e-6), f"before it is {before.max()}"
    yield near(event.after, after.max(), 1e-6), f"after it is {after.max()}"
    died = event.kind == "died"
    fired, fires = (bool(facts.opens(layer.pre, z).any()) for z in (before, after))
    yield (fired and not fires) == died, "it is the other way"
    # Of several positions, the largest.
    was, became = (
        z.reshape(-1, facts.cases if facts.differs(layer.pre) else 1).max(axis=0)
        for z in (before, after)
    )
    yield near(event.from_value, was[event.case], 1e-6), f"from {was[event.case]}"
    yield near(event.to_value, became[event.case], 1e-6), f"to {became[event.case]}"
    yield from of_shares(event, study, facts, was[event.case])
    alive = was if died else became
    yield near(alive[event.case], alive.max(), 1e-6), "another case is larger"
    added = event.from_value + event.own + event.below
    yield (
        near(added, event.to_value, 1e-6)
        or abs(added - event.to_value) < 1e-12 * max(abs(event.own), abs(event.below))
        or abs(event.own + event.below) < 1e-9 * abs(event.own),
        "the shares do not add up",
    )
