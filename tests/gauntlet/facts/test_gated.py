"""Audits of gates re-derived, and a false count, verdict and remedy of each kind found."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any, get_args

import pytest

import handgrad
from handgrad.audit import Audit
from handgrad.audit.structure import Remedy, RemedyKind
from tests.gauntlet.facts.claim import Claims
from tests.gauntlet.facts.gated import Seen, of_audit, of_layer, of_remedy, of_unit, pre_activations
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.spoiling import spoiled

NET = """
equations = [
  "z1 = W1 @ x + b1", "h1 = relu(z1)", "z2 = W2 @ h1 + b2", "h2 = relu(z2)", "z3 = W3 @ h2 + b3", "h3 = tanh(z3)",
  "L = sum((h3 - y)**2) + 0.01*sum(W2**2)",
]
[parameters]
W1 = [[0.5, -0.3], [0.2, 0.7], [-0.4, -0.1]]
b1 = [0.1, -0.1, 0.2]
W2 = [[0.4, -0.2, 0.3], [-0.5, 0.3, 0.2]]
b2 = [0.2, -3]
W3 = [[0.6, -0.4], [9, 9]]
b3 = [0.3, 5]
[data]
x = { cases = [[1, 0], [2, 1], [1, 1]] }
y = { cases = [[1, 0], [0, 1], [1, 1]] }
[update]
rate = 0.1
"""

SHUT = """
equations = ["z1 = w*x + b", "h1 = relu(z1)", "z2 = v*h1 + c", "h2 = relu(z2)", "L = (h2 - y)**2"]
[parameters]
w = 0.5
b = 0.1
v = 0.2
c = -4
[data]
x = 1
y = 1
"""

LEFT = {
    # What a layer's axes and shape say is what its units and positions are.
    "Layer": ("axes", "shape", "matrix", "pre_activation", "name", "operation", "gate", "silences"),
    "Unit": (
        "remedies",
        "layer",
        "unit",
        "certificate",
        "revivers",
        "own",
        "starved_by",
        "entries",
    ),
    "Remedy": (
        "missing",
        "noise",
        "own_gradient",
        "amount",
        "updates",
        "rate",
        "operation",
        "parameter",
        "draws",
    ),
}
"""What a field is about, rather than what it says of it."""


@cache
def audited(text: str) -> tuple[Facts, Audit]:
    problem = handgrad.loads(text)
    return Facts.of(problem), handgrad.gates(problem)


def is_false(claims: Claims) -> bool:
    return any(not c.holds for c in claims)


@cache
def seen_of(text: str) -> tuple[Seen, ...]:
    facts, audit = audited(text)
    return tuple(Seen(audit, x, facts, pre_activations(audit, x, facts)) for x in audit.layers)


@pytest.mark.parametrize("text", [NET, SHUT])
def test_what_an_audit_says_is_true(text: str) -> None:
    facts, audit = audited(text)
    assert [c for c in of_audit(audit, facts) if not c.holds] == []


def test_a_false_count_or_norm_of_a_layer_is_found() -> None:
    facts, audit = audited(NET)
    for layer in audit.layers:
        for field, false in spoiled(layer, LEFT["Layer"]):
            seen = Seen(audit, false, facts, pre_activations(audit, layer, facts))
            assert is_false(of_layer(seen)), (layer.name, field)


def test_a_false_number_of_cases_or_map_is_found() -> None:
    facts, audit = audited(SHUT)
    assert is_false(of_audit(replace(audit, cases=7), facts))
    assert is_false(of_audit(replace(audit, sample=((True, True), *audit.sample[1:])), facts))


@pytest.mark.parametrize("text", [NET, SHUT])
def test_a_false_count_or_verdict_of_a_unit_is_found(text: str) -> None:
    verdicts = set()
    for seen in seen_of(text):
        for unit in seen.audit.of(seen.layer.name):
            verdicts.add(unit.verdict)
            for field, false in spoiled(unit, LEFT["Unit"]):
                assert is_false(of_unit(seen, false)), (unit.layer, unit.unit, field)
    assert len(verdicts) > 1


def test_a_layer_said_to_silence_what_it_does_not_is_found() -> None:
    facts, audit = audited(SHUT)
    first, last = audit.layers
    false = replace(audit, layers=(replace(first, silences=("h2",), shut=1), last))
    assert is_false(of_audit(false, facts))


def test_a_false_remedy_is_found() -> None:
    """Every kind of remedy, with each of its figures and its outcome changed."""
    found: dict[Any, bool] = {}
    for seen in (*seen_of(NET), *seen_of(SHUT)):
        for unit in seen.audit.of(seen.layer.name):
            for remedy in unit.remedies:
                for field, false in spoiled(remedy, LEFT["Remedy"]):
                    key = remedy.kind, field
                    if _says(remedy, field) and not found.get(key, False):
                        found[key] = is_false(of_remedy(seen, unit, false))
                if remedy.kind == "redraw":
                    more = replace(remedy, draws_firing=remedy.draws + 1)
                    found["redraw", "firing"] = is_false(of_remedy(seen, unit, more))
    assert {kind for kind, _ in found} >= set(get_args(RemedyKind)) - {"go_on"}
    assert all(found.values()), {key for key, caught in found.items() if not caught}


def _says(remedy: Remedy, field: str) -> bool:
    """Whether a field says something of this kind of remedy."""
    name = field.split()[0]
    only = {
        "entry": ("bias_shift",),
        "tried": ("bias_shift", "shrink"),
        "fired_otherwise": ("smaller_rate",),
        # One more or less of few draws is chance; more than there are is tried below.
        "draws_firing": (),
        "draws_working": ("redraw",),
    }
    if remedy.kind in ("redraw", "go_on") and name in ("fired", "gradient", "saturated"):
        return False
    return name not in only or remedy.kind in only[name]
