"""Promises, meanings, takeaways and bounds over boxes re-derived, and a false one of each kind found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, get_args

import numpy as np
import pytest

import handgrad
from handgrad.audit.structure import Certificate
from handgrad.exercises import Promise
from handgrad.exercises.meaning import Kind, Meaning, meanings
from handgrad.exercises.promises import PromiseKind
from handgrad.exercises.reasons import Reason, ReasonKind
from handgrad.solution.abstract import Abstract
from handgrad.solution.takeaways import TAKEAWAYS, Takeaway, takeaways
from tests.gauntlet.facts.boxed import of_boxed
from tests.gauntlet.facts.claim import claims_of
from tests.gauntlet.facts.drawn import of_meaning, of_promise
from tests.gauntlet.facts.meant import of_reason
from tests.gauntlet.facts.remembered import of_abstract, of_takeaway
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.spoiling import spoiled, with_field
from tests.test_practice_meaning import KINDS

SHEET = handgrad.Problem(
    "z1 = W1 @ x + b1\nh1 = relu(z1)\nz2 = W2 @ h1 + b2\nh2 = tanh(z2)\nL = sum(h2**2)",
    {
        "W1": [[0.5, -0.3], [0.2, 0.7], [-0.4, -0.1]],
        "b1": [0.1, -0.1, -0.2],
        "W2": [[0.4, -0.2, 0.3], [0.5, 0.3, 0.2]],
        "b2": [0.2, 0.1],
    },
    {"x": [1, 0]},
    update=handgrad.Update(rate=0.1),
)
"""The third hidden unit is off, and blocks −0.36 or so."""

TRUE: dict[str, Promise] = {
    "finite": Promise("finite"),
    "units_off": Promise("units_off", count=1),
    "off_blocks": Promise("off_blocks", size=0.1),
    "zero_input": Promise("zero_input"),
    "path_sum": Promise("path_sum"),
    "clear_of_kink": Promise("clear_of_kink", size=0.05),
    "layer_open": Promise("layer_open", about="h1"),
    "gate_blocks": Promise("gate_blocks", size=0.1),
    "answer_not_zero": Promise("answer_not_zero", about="dW2"),
    "rule_shows": Promise("rule_shows", about="dz1", rule="gate_forgotten"),
    "few_digits": Promise("few_digits", about="z2", count=3, size=5.0),
    "unsaturated": Promise("unsaturated", about="h2"),
    "both_signs": Promise("both_signs", about="W1"),
}

FALSE: dict[str, list[Promise | dict[str, Any]]] = {
    # Another promise, or the same of another sheet.
    "finite": [{"values": {"L": np.asarray(np.inf)}}],
    "units_off": [Promise("units_off", count=2)],
    "off_blocks": [Promise("off_blocks", size=5.0)],
    "zero_input": [{"given": {"x": [1, 0.5]}}],
    "path_sum": [{"given": {"W2": [[0.4, -0.2, 0.3], [0, 0, 0]], "b2": [0.2, 0]}}],
    "clear_of_kink": [Promise("clear_of_kink", size=2.0)],
    "layer_open": [{"given": {"b1": [-5, -5, -5]}}],
    "gate_blocks": [Promise("gate_blocks", size=5.0)],
    "answer_not_zero": [{"given": {"b1": [-5, -5, -5]}}],
    "rule_shows": [Promise("rule_shows", about="dz1", rule="sum_forgotten"), {"given": {"b1": [5, 5, 5]}}],
    "few_digits": [Promise("few_digits", about="z2", count=1, size=5.0), Promise("few_digits", about="z2", count=3, size=0.01)],
    "unsaturated": [{"given": {"b2": [9, 9]}}],
    "both_signs": [{"given": {"W1": [[1, 1], [1, 1], [1, 1]]}}],
}  # fmt: skip


def facts_of(change: Any = None) -> Facts:
    """The sheet with other numbers, or with other values than its equations give."""
    if not isinstance(change, dict):
        return Facts.of(SHEET)
    facts = Facts.of(SHEET.with_values(change.get("given", {})))
    facts.at.values.update(change.get("values", {}))
    return facts


@pytest.mark.parametrize("kind", get_args(PromiseKind))
def test_a_false_promise_is_found(kind: str) -> None:
    assert all(holds for holds, _ in of_promise(TRUE[kind], facts_of()))
    for false in FALSE[kind]:
        promise = false if isinstance(false, Promise) else TRUE[kind]
        assert not all(holds for holds, _ in of_promise(promise, facts_of(false))), false


MEANINGS: dict[str, tuple[Meaning, Any, Any]] = {
    "kept": (Meaning("kept"), [1.0, 2], [1.0, 3]),
    "mask": (Meaning("mask"), [1.0, 2], [1.0, 3]),
    "constant": (Meaning("constant"), [1.0, 2], [1.0, 3]),
    "labels": (Meaning("labels"), [0.0, 1], [0.0, 2]),
    "signs": (Meaning("signs"), [-1.0, 1], [0.0, 1]),
    "one_hot": (Meaning("one_hot"), [0.0, 1], [1.0, 1]),
    "permutation": (Meaning("permutation"), [1.0, 2], [1.0, 1]),
    "class": (Meaning("class", classes=3), [0.0, 2], [0.0, 3]),
    "probabilities": (Meaning("probabilities"), [0.25, 0.75], [0.5, 0.75]),
    "probability": (Meaning("probability"), [0.25, 0.75], [0.5, 1.75]),
    "counts": (Meaning("counts"), [0.0, 3], [0.5, 3]),
    "positive": (Meaning("positive"), [0.5, 3], [0.0, 3]),
    "bounded": (Meaning("bounded", low=0, high=1), [0.5, 1], [0.5, 1.5]),
    "weights": (Meaning("weights"), [0.5, 1], [0.5, np.nan]),
    "input": (Meaning("input"), [0.5, 1], [0.5, np.nan]),
    "target": (Meaning("target"), [0.5, 1], [0.5, np.nan]),
    "pre_activation": (Meaning("pre_activation"), [0.5, -1], [0.5, np.nan]),
    "upstream": (Meaning("upstream"), [0.5, -1], [0.5, np.nan]),
}


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_false_meaning_is_found(kind: str) -> None:
    meaning, true, false = MEANINGS[kind]
    given = np.asarray(true)
    assert all(holds for holds, _ in of_meaning(meaning, given, given, False))
    assert not all(holds for holds, _ in of_meaning(meaning, np.asarray(false), given, False))
    axis = Meaning("one_hot", axis=-1)
    cases = np.asarray([[1.0, 0], [0, 1]])
    assert all(holds for holds, _ in of_meaning(axis, cases, cases, True))


MORE: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("w = 0.01*V\np = sigmoid(V @ x)\nL = bce(p, y) + e + s**q", {"V": [1, 2], "s": 2.0},
     {"x": [0.5, 3.5], "y": 1, "e": 0.001, "q": 3}),
    ("p = where(c, a*x, x)\nL = sum((p*a - t)**2) + sum(c2*p)", {"a": 2.0},
     {"x": [0.5, 3.5], "c": [1, 0], "t": [0.5, 1.5], "c2": [0, 1]}),
    ("z = W @ x\nL = sum((z - t)**2)", {"W": [[1, 2, 3]]}, {"x": [0.25, 0.5, 0.25], "t": [0.5]}),
    ("H = A @ (X @ W)\nL = sum(H**2)", {"W": [[1.0], [2.0]]},
     {"A": [[0.5, 0.5], [1, 0]], "X": [[0.2, 1], [-1, 0.3]]}),
    ("z = w @ x + s0\nL = z**2 + 200*sum(w**2)", {"w": [0.4, -1]}, {"x": [200, 1], "s0": 0.5}),
    ("z = w @ x\nL = alpha*z**2", {"w": [0.4, -1]}, {"x": [2, 6], "alpha": 0.5}),
    ("z = tanh(V + d)\nL = sum(z**2)", {"V": [0.4, -1]}, {"d": [0, 1]}),
    ("L = bce(p, y)", {}, {"p": 0.3, "y": 1}),
)  # fmt: skip

MIDDLE = handgrad.Problem(
    "h = relu(z)\nq = W @ h\nu = tanh(q)",
    {"W": [[0.4, -1], [0.3, 0.2]]},
    given={"z": [0.5, -0.2]},
    upstream={"u": [0.1, -0.3]},
)
"""It starts from a value in the middle, and ends where a gradient arrives."""


@cache
def reasons() -> tuple[tuple[Facts, str, Any, Reason], ...]:
    """Every reason that is found in many problems, with the given that it is of."""
    found = []
    written = [(c[1], c[2], c[3]) for c in KINDS] + list(MORE)
    for problem in (*(handgrad.Problem(*each) for each in written), MIDDLE):
        facts = Facts.of(problem)
        given = facts.oracle.inputs
        for name, meaning in meanings(facts.problem, facts.trace.graph).items():
            if meaning.reason is not None:
                found.append((facts, name, given[name], meaning.reason))
    return tuple(found)


@pytest.mark.parametrize("kind", get_args(ReasonKind))
def test_a_false_reason_is_found(kind: ReasonKind) -> None:
    """A reason of each kind holds, is false of another equation, and of numbers that nothing is known of."""
    some = [r for r in reasons() if r[-1].kind == kind]
    if kind == "asked_for":
        some = [(*reasons()[0][:3], Reason(kind))]
    if kind == "held_target":
        # Of the table no loss has another domain for its target than labels have; one that is added may.
        facts = Facts.of(handgrad.Problem("z = w*x\nL = mse(z, y)", {"w": 0.5}, {"x": 2, "y": 1.5}))
        some = [(facts, "y", facts.oracle.data["y"], Reason(kind, "L"))]
    assert some, f"no {kind}"
    for facts, name, given, reason in some:
        kept = [name] if kind == "asked_for" else []
        assert [m for h, m in of_reason(reason, name, given, facts, kept) if not h] == []
        other = Reason(kind, f"{reason.equation}_")
        assert not all(h for h, _ in of_reason(other, name, given, facts, kept))
    plain = Facts.of(handgrad.Problem("z = w @ x\nL = z**2", {"w": [0.4, -1]}, {"x": [0.3, -0.7]}))
    for equation in ("z", "L", ""):
        found = of_reason(Reason(kind, equation), "x", plain.oracle.data["x"], plain)
        assert not all(h for h, _ in found), equation


# -- takeaways ------------------------------------------------------------------------------------

CASES = handgrad.Problem(
    "z = W @ x + b\nh = relu(z)\nL = h @ h",
    {"W": [[0.5, -0.3], [0.2, -0.7], [-0.4, -0.6]], "b": [0.1, -0.1, -2]},
    {"x": {"cases": [[1, 0], [-1, 0], [1, 0]]}},
    update=handgrad.Update(rate=0.1),
)


@cache
def some_takeaways() -> tuple[tuple[Facts, Takeaway], ...]:
    problems = (CASES, handgrad.load("lab9"), handgrad.load("batch"))
    every = [Facts.of(p) for p in problems]
    return tuple((f, t) for f in every for t in takeaways(f.trace))


@pytest.mark.parametrize("kind", TAKEAWAYS, ids=lambda k: k.__name__)
def test_a_false_takeaway_is_found(kind: Any) -> None:
    """Every field of every kind of takeaway, changed."""
    some = [(f, t) for f, t in some_takeaways() if isinstance(t, kind)]
    assert some, f"no {kind.__name__}"
    found: dict[str, bool] = {}
    for facts, takeaway in some:
        assert [c for c in of_takeaway(takeaway, facts) if not c.holds] == []
        for field, false in spoiled(takeaway):
            caught = any(not c.holds for c in of_takeaway(false, facts))
            found[field] = found.get(field, False) or caught
    assert all(found.values()), found


def test_a_false_abstract_is_found() -> None:
    """Every field of what a page opens with, changed."""
    found: dict[str, bool] = {}
    for problem in (CASES, handgrad.load("lab9"), handgrad.load("batch")):
        facts = Facts.of(problem)
        abstract = Abstract.find(facts.trace)
        assert abstract is not None
        claims = claims_of("abstract", of_abstract(abstract, facts), abstract)
        assert [c for c in claims if not c.holds] == []
        for field, false in spoiled(abstract):
            caught = any(
                not c.holds for c in claims_of("abstract", of_abstract(false, facts), false)
            )
            found[field] = found.get(field, False) or caught
    assert len(found) >= 6
    assert all(found.values()), found


# -- boxes ----------------------------------------------------------------------------------------

BOXED = handgrad.Problem(
    "z = W @ x + b\nh = relu(z)\nz2 = V @ h - 0.5\nh2 = relu(z2)\nL = sum(h) + sum(h2)",
    {
        "W": [[0.5, -0.3], [0.2, -0.7], [-0.4, -0.6], [-0.5, 0.3]],
        "b": [0.1, -0.1, -2, 0.0],
        # The first and the last unit are never both on, so that the bound on their sum is far off.
        "V": [[0.9, 0, 0, 0.9], [1.0, 1.0, 0, 0]],
    },
    {"x": [1, 0]},
)


def test_a_false_bound_over_a_box_is_found() -> None:
    facts = Facts.of(BOXED)
    box = {"x": (np.array([-0.5, -0.5]), np.array([0.5, 0.5]))}
    audit = handgrad.gates(facts.problem, over=box)
    assert [c for c in of_boxed(audit, facts) if not c.holds] == []
    decided = set()
    for position, unit in enumerate(audit.units):
        certificate = unit.certificate
        assert certificate is not None
        decided.add(certificate.decided)
        for false in _false_certificates(unit.layer, unit.unit[0], certificate):
            units = list(audit.units)
            units[position] = replace(unit, certificate=false)
            lying = replace(audit, units=tuple(units))
            assert any(not c.holds for c in of_boxed(lying, facts)), false
    assert decided == {"dead", "fires", "undecided"}


def _false_certificates(layer: str, unit: int, true: Certificate) -> Iterator[Certificate]:
    for other in {"dead", "fires"} - {true.decided}:
        yield with_field(true, "decided", other)
    yield replace(true, upper=true.upper + 1)
    yield replace(true, upper=true.upper - 2)
    if true.witness is not None:
        row = BOXED.parameters["W"].array[unit if layer == "h" else 0]
        lowest = -0.5 * np.sign(row)
        yield replace(true, witness={"x": (float(lowest[0]), float(lowest[1]))})
