"""Causes of units that fire again, and units that never will, re-derived; and a false one of each kind found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, get_args

import pytest

import handgrad
from handgrad.study import OverTraining
from handgrad.study.over_training import UnitEvent
from handgrad.study.returning import Cause, Way
from tests.gauntlet.facts.caused import of_cause, of_never
from tests.gauntlet.facts.gated import of_audit
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.trained import of_study
from tests.gauntlet.oracle import Oracle

UNIT = """
equations = ["z = w*x + b", "h = relu(z)", "L = {loss}"]
[parameters]
w = {w}
[data]
x = {{ cases = {x} }}
b = {b}
[update]
{update}
"""
"""One unit, whose bias stays."""

TWO = """
equations = ["h1 = relu(w*x)", "z2 = u*h1 + c", "h2 = relu(z2)", "L = {k}*h1**2 + h2"]
[parameters]
w = 1
u = -1
[data]
x = {{ cases = [1, 1] }}
c = {c}
[update]
rate = 0.4
weight_decay = {decay}
"""
"""A unit that fires again as the layer below gives it less, or as its own weight shrinks."""

SHARED = """
equations = ["z1 = w*x + b", "h1 = relu(z1)", "z2 = u*h1 + b", "L = (z2 - y)**2"]
[parameters]
w = -1
u = 0.5
b = -0.2
[data]
x = { cases = [1, 2] }
y = { cases = [3, 2] }
[update]
rate = 0.2
"""
"""A bias of two layers: in neither is it a penalty."""

TURNED = """
equations = ["z1 = W1 @ x + b1", "h1 = relu(z1)", "z2 = W2 @ h1 + b2", "h2 = relu(z2)", "out = relu(v @ h2)", "L = 0.5*(out - y)**2"]
[parameters]
W1 = [[-0.1, -1.2, 1.5], [-1.5, 0, 0.5]]
b1 = [0.1, -0.5]
W2 = [[-0.2, -0.9], [-0.6, 0.9]]
b2 = [0.2, -1]
v = [0, -0.4]
[data]
x = { cases = [[0.3, -0.3, 0.3], [-0.9, 1.5, -0.5], [1.3, -1.1, 0.2]] }
y = { cases = [-1.5, -0.3, 1] }
[update]
rule = "adam"
rate = 0.5
weight_decay = 0.1
"""

NEVER = """
equations = ["z1 = W1 @ x + b1", "h1 = relu(z1)", "z2 = W2 @ h1 + b2", "L = (z2 - y)**2"]
[parameters]
W1 = [[0.5, -0.3], [-0.2, -0.7]]
b1 = [0.1, -0.1]
W2 = [-0.6, 0.1]
b2 = 0.05
[data]
x = { cases = [[1, 0], [2, 1], [1, 1]] }
y = { cases = [1, 3, 1] }
[update]
rate = 0.1
"""

COASTING = UNIT.format(loss="h", w=0.15, x=[1, -1], b=-0.1, update="rule = 'momentum'\nrate = 0.05")
DECAY = UNIT.format(loss="h", w=-1, x=[1, 2], b=0.3, update="rate = 0.4\nweight_decay = 0.5")
PENALTY = UNIT.format(loss="h + 0.25*w**2", w=-1, x=[1, 2], b=0.3, update="rate = 0.4")

PROBLEMS: dict[tuple[str, ...], str] = {
    ("own", "coasting"): COASTING,
    ("own", "decay"): DECAY,
    ("own", "penalty"): PENALTY,
    ("own", "sharing"): SHARED,
    ("below",): TWO.format(k=1, c=0.3, decay=0),
    ("either", "decay"): TWO.format(k=1, c=0.3, decay=1.875),
    ("together",): TWO.format(k=0.1875, c=0.3, decay=1),
}
"""By cause and what moved its own weights, a problem with such an event."""


@cache
def trained(text: str, steps: int = 12) -> tuple[Facts, OverTraining]:
    problem = handgrad.loads(text)
    return Facts(text, Oracle(text), handgrad.solve(problem)), handgrad.train(problem, steps)


def is_false(found: Any) -> bool:
    return not all(holds for holds, _ in found)


def revival(said: tuple[str, ...]) -> tuple[UnitEvent, OverTraining, Facts]:
    facts, study = trained(PROBLEMS[said])
    event = next(e for e in study.revivals if (e.cause, *e.own_by) == said)
    return event, study, facts


@pytest.mark.parametrize("said", PROBLEMS)
def test_a_cause_is_derived_and_every_other_is_false(said: tuple[str, ...]) -> None:
    event, study, facts = revival(said)
    assert not is_false(of_cause(event, study, facts))
    for cause in {*get_args(Cause)} - {event.cause}:
        assert is_false(of_cause(replace(event, cause=cause), study, facts)), cause
    for way in {*get_args(Way)} - {*event.own_by}:
        assert is_false(of_cause(replace(event, own_by=(way,)), study, facts)), way
        if event.own_by:
            more = (*event.own_by, way)
            assert is_false(of_cause(replace(event, own_by=more), study, facts)), more


def planted(event: UnitEvent) -> Iterator[tuple[str, UnitEvent]]:
    """The event told otherwise than it was."""
    yield "never flipped", replace(event, kind="died", cause="", own_by=())
    yield "died for a cause", replace(event, kind="died")
    yield "an update later", replace(event, step=event.step + 1)
    yield "an update earlier", replace(event, step=event.step - 1, since=event.step - 2)
    yield "after another look", replace(event, since=event.step)
    yield "by itself", replace(event, own=event.own + 0.5, below=event.below - 0.5)


@pytest.mark.parametrize("said", PROBLEMS)
def test_an_event_that_was_otherwise_is_found(said: tuple[str, ...]) -> None:
    event, study, facts = revival(said)
    assert all(claim.holds for claim in of_study(study, facts))
    for what, false in planted(event):
        if false.since >= 0:
            claims = of_study(replace(study, events=(false,)), facts)
            assert not all(c.holds for c in claims), what


def test_what_moved_the_weights_is_asked_from_the_look_before_where_it_has_to_be() -> None:
    """With the weights that it was first found off with it would fire on what the layer below gives by then.

    That it had fired in between, as was said, is false: it was looked at after every update.
    """
    facts, study = trained(TURNED, 6)
    event = next(e for e in study.revivals if (e.layer, e.step) == ("out", 6))
    assert (event.cause, event.own_by) == ("own", ("coasting", "decay"))
    assert not is_false(of_cause(event, study, facts))
    assert is_false(of_cause(replace(event, own_by=("gradient",)), study, facts))


def test_a_unit_that_never_fires_again() -> None:
    """One that is off for good is; one whose weights another gate may move, shut or open, is not."""
    facts, study = trained(NEVER)
    assert study.never == study.ended_dead == (("h1", (0,)), ("h1", (1,)))
    assert not is_false(of_never(study, facts))
    for text in (PENALTY, DECAY, COASTING, LATER):
        facts, study = trained(text, 3)
        off = study.ended_dead
        assert off
        assert study.never == ()
        revivers = next(iter(trained(NEVER)[1].revivers.values()))
        false = replace(study, revivers=dict.fromkeys(off, revivers))
        assert false.never == off
        assert is_false(of_never(false, facts))


@pytest.mark.parametrize(
    "formula",
    [
        "relu(s)",
        "max(0, s + 1)",
        "maximum(s, 0.5)",
        "where(s > 1, s, 2)",
        "max(s*k)",
        "sum(max_pool1d(s*k, size=2))",
        "hinge(-s, 1)",
    ],
)
def test_a_way_that_opens_later_is_a_way(formula: str) -> None:
    """At most numbers that may be drawn no gradient comes through; at the problem's own one does."""
    text = LATER.replace("relu(s)", formula).replace("y = 40", "y = 40\nk = [1, 0]")
    facts, study = trained(text, 2)
    assert study.ended_dead
    assert study.never == ()
    never = {unit: replace(r, shared=()) for unit, r in study.revivers.items()}
    assert is_false(of_never(replace(study, revivers=never), facts))


def test_an_audit_s_unit_that_may_be_moved_is_not_off_for_good() -> None:
    facts, _ = trained(LATER, 3)
    audit = handgrad.gates(facts.problem)
    assert all(claim.holds for claim in of_audit(audit, facts))
    off = audit.units[0]
    assert off.revivers is not None
    assert off.revivers.shared == ("s",)
    false = replace(off, revivers=replace(off.revivers, shared=()))
    claims = of_audit(replace(audit, units=(false, *audit.units[1:])), facts)
    assert "gates: never" in {c.kind for c in claims if not c.holds}


LATER = """
equations = ["z = -w - 2", "h = relu(z)", "s = -8*w - 5", "g = relu(s)", "L = (h + g - y)**2"]
[parameters]
w = -1
[data]
y = 40
[update]
rate = 0.00001
"""
"""Far from here, at most numbers that may be drawn, g is shut; here it is open, and moves w."""
