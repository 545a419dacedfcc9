"""What a check says re-derived, and a false verdict or diagnosis of each kind found."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import cache
from typing import Any, get_args

import numpy as np
import pytest

import handgrad
from handgrad.checking import CheckReport
from handgrad.checking.report import Diagnosis, Judged, MeanLeft, Verdict
from handgrad.checking.words import MISTAKES, OTHERS
from handgrad.checking.words import SLIPS as SAID_OF_SLIPS
from handgrad.expression import Adjoint, Call, Name
from handgrad.operations.mistakes import PRIORITY
from tests.check.students import Network
from tests.check.test_rules import PENALISED
from tests.gauntlet.facts import planting
from tests.gauntlet.facts.answers import Known, Sheet, World
from tests.gauntlet.facts.checked import Reading
from tests.gauntlet.facts.mistaken import RULES, About
from tests.gauntlet.facts.planting import right_sheet
from tests.gauntlet.facts.slipped import SLIPS
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.spoiling import spoiled, with_field

LEFT = ("text", "supposed", "numbers", "quantity")
"""Fields of a diagnosis that are not held against anything by themselves."""

NETWORKS = (
    Network((2, 3, 3), "tanh", "softmax", "cross_entropy", 3),
    Network((2, 2, 2, 1), "relu", "sigmoid", "bce", penalty=0.1),
    Network((2, 3, 2), "sigmoid", "identity", "mse", steep=2.0),
    Network((2, 2, 2, 2), "relu", "identity", "mse"),
    Network((2, 2, 2, 2), "tanh", "softmax", "mse"),
)

WRITTEN = (
    handgrad.Problem(
        "A = X @ W + b\nP = softmax(A)\nL = mean((P - T)**2)\nM = L + R\nR = lam*sum(abs(W))",
        {"W": [[0.3, -0.2], [0.5, 0.1]], "b": [0.1, -0.2]},
        {"X": [[1, -2], [0.5, 1], [2, 0.3]], "T": [[1, 0], [0, 1], [1, 0]], "lam": 0.2},
        loss="M",
        update=handgrad.Update(rule="adam", rate=0.1),
    ),
    handgrad.Problem(
        "z = W @ X\nh = relu(z)\nd = h - Y\nL = sum(log(1 + d**2)) / 3",
        {"W": [[0.3, -0.2], [0.5, 0.1]]},
        {"X": [[1, -2, 0.4], [0.5, 1, 1.2]], "Y": [[1, 0, 0.3], [0.2, 1, 0.4]]},
    ),
    handgrad.Problem(
        "e = exp(u - v)\nL = e @ w", {"u": [0.3, 1], "v": [-0.5, 0.4], "w": [1, 2]}, {}
    ),
    handgrad.Problem(
        "s = u @ i - u @ j\nL = -log_sigmoid(s)",
        {"u": [1, 2], "i": [0.5, 0.3], "j": [0.2, -0.1]},
    ),
    handgrad.Problem(
        "q = w * x\np = masked_softmax(q, m)\nc = clip(p, 0.1, 0.4)\nL = huber(c, y) + huber(q, y)",
        {"w": [0.5, 2, -0.3]},
        {"x": [1, 2, 0.5], "m": [1, 1, 0], "y": [0.3, 0.1, 1]},
    ),
    handgrad.Problem(
        "p = w*x\nL = (p - y)**2",
        {"w": 2},
        {"x": {"cases": [1, 3, -1]}, "y": {"cases": [1, 0, 2]}},
        reduction="sum",
    ),
    handgrad.Problem(
        "H = maximum(a, b)\nh = relu(e)\nk = d >= f\nj = d > f\nL = sum(H*c) + sum(h*f) + sum(k*c - j*f)",
        {"a": [1, 2], "b": [1, 0], "e": [0, 2]},
        {"c": [3, 5], "d": [1, 2], "f": [1, 4]},
    ),
    handgrad.Problem(
        "Z = s + T.T\nu = logsumexp(Z, axis=1)\nL = logsumexp(u) - T[0, 1]",
        {"T": [[0.5, -0.3], [0.2, 0.1]], "s": [1, 0]},
    ),
)

ENOUGH = 3
"""Sheets of one problem with one rule."""


@cache
def problems() -> tuple[Known, ...]:
    generator = np.random.default_rng(1)
    every = [n.problem(n.draw(generator)) for n in NETWORKS]
    every += [*map(handgrad.load, ("lab9", "batch", "shared")), PENALISED, *WRITTEN]
    return tuple(Known(Facts.of(p), handgrad.Checker(p)) for p in every)


def rule_sheets(but: Collection[str]) -> Iterator[tuple[Known, Sheet]]:
    """Sheets with one wrong rule, of every rule in every quantity that it can be made in, `but` some."""
    for known in problems():
        sheet = right_sheet(known, ".4f", 10**6)
        assert sheet is not None
        tried: Counter[str] = Counter()
        for quantity in known.checker.asked:
            for variant in known.checker.work.structure.mistakes(quantity):
                rule, formula = variant.mistake.rule, variant.formula.expression
                if rule in but or tried[rule] == ENOUGH:
                    continue
                tried[rule] += 1
                plant = planting.plant_rule(rule, formula, quantity, sheet, known)
                if plant is not None:
                    yield known, plant[1]


UPDATES = {
    "clipping_forgotten": (
        handgrad.Update("sgd", 0.1, {"clip_norm": 0.1}),
        handgrad.Update("sgd", 0.1),
    ),
    "decay_forgotten": (
        handgrad.Update("sgd", 0.1, {"weight_decay": 0.5}),
        handgrad.Update("sgd", 0.1),
    ),
    "velocity_forgotten": (handgrad.Update("nesterov", 0.1), handgrad.Update("sgd", 0.1)),
    "rate_of_another": (
        handgrad.Update("sgd", 0.1, rates={"b3": 0.3}),
        handgrad.Update("sgd", 0.1, rates={"b3": 0.1}),
    ),
    "sign_forgotten": (
        handgrad.Update("lion", 0.1, {"beta1": 0.5}),
        handgrad.Update("sgd", 0.05),
    ),
}
"""By rule, an update, and one that leads to what is entered after it."""


def update_sheets() -> Iterator[tuple[Known, Sheet]]:
    for update, other in UPDATES.values():
        problem = handgrad.load("lab9").with_parts(update=update)
        known = Known(Facts.of(problem), handgrad.Checker(problem))
        sheet = right_sheet(known, ".4f", 10**6)
        assert sheet is not None
        wrong = handgrad.solve(problem.with_parts(update=other)).updated["b3"]
        yield known, sheet.but("updated.b3", planting.written(wrong, ".4f"))


def slip_sheets() -> Iterator[tuple[Known, Sheet]]:
    for known in problems():
        sheet = right_sheet(known, ".4f", 10**6)
        assert sheet is not None
        for quantity in known.checker.asked:
            for kind in planting.SPOILERS:
                plant = planting.plant_slip(kind, quantity, sheet, known, random.Random(3))
                if plant is not None:
                    yield known, plant[1]
            plant = planting.another_quantity(quantity, sheet, known, random.Random(3))
            if plant is not None:
                yield known, plant[1]


def early_sheet() -> tuple[Known, Sheet]:
    """Numbers before it rounded to two decimals, though four are shown."""
    known = problems()[0]
    sheet = right_sheet(known, ".4f", 10**6)
    assert sheet is not None
    world = World(known, {q.leaf: np.round(known.number(q), 2) for q in known.checker.asked})
    quantity = next(q for q in known.checker.asked if q.target == "dW1")
    return known, sheet.but("dW1", planting.written(world.value(quantity), ".4f"))


Reply = tuple[Known, Sheet, CheckReport, Judged, Diagnosis]


@cache
def diagnoses() -> dict[str, Reply]:
    """By rule, a true diagnosis."""
    found: dict[str, Reply] = {}
    wanted = {*RULES, *SLIPS}
    for known, sheet in itertools.chain(
        [early_sheet()], update_sheets(), rule_sheets(found), slip_sheets()
    ):
        report = known.checker.check(sheet.figures)
        for judged in report.wrong:
            for diagnosis in judged.diagnosis:
                found.setdefault(diagnosis.rule, (known, sheet, report, judged, diagnosis))
        if wanted <= found.keys():
            break
    return found


def holds(said: Reply, diagnosis: Diagnosis) -> bool:
    known, sheet, report, judged, _ = said
    try:
        return all(h for h, _ in Reading(report, sheet, known).diagnosis(judged, diagnosis))
    except (KeyError, IndexError, ValueError):
        return False


def test_every_rule_and_slip_has_a_judge() -> None:
    assert RULES.keys() == PRIORITY.keys() == MISTAKES.keys()
    assert SLIPS.keys() - {"result_transposed"} == {*SAID_OF_SLIPS, *OTHERS}


@pytest.mark.parametrize("rule", sorted({*RULES, *SLIPS}))
def test_a_false_diagnosis_is_found(rule: str) -> None:
    """Every field of every diagnosis, changed; and another rule's name in its place."""
    said = diagnoses()[rule]
    diagnosis = said[-1]
    assert holds(said, diagnosis)
    for field, false in spoiled(diagnosis, LEFT):
        assert not holds(said, false), field
    other = "outer_transposed" if rule != "outer_transposed" else "square_forgotten"
    done = tuple(with_field(d, "rule", other) for d in diagnosis.done)
    assert not holds(said, replace(diagnosis, rule=other, done=done))


NOTHING = About(Adjoint("z"), frozenset(), frozenset(), frozenset(), {}, frozenset(), {})


@pytest.mark.parametrize("activation", ["relu", "hardswish"])
def test_a_slope_of_which_a_gate_is_a_term_is_no_gate(activation: str) -> None:
    """Hard swish's slope has 1[z ≥ 3] in a sum; ReLU's is 1[z > 0] itself."""
    problem = handgrad.Problem(
        f"z = U @ x\nh = {activation}(z)\nk = V @ h\nL = sum(k**2)",
        {"U": [[0.5, -1], [2, 1]], "V": [[1, 2], [-1, 0.5]]},
        {"x": [1, 2]},
    )
    trace = handgrad.solve(problem)
    right = next(e.formula for s in trace.steps for e in s.lines if e.target == Adjoint("z"))
    assert isinstance(right, Call)
    slope = right.arguments[1]
    inside = Call("multiply", (Adjoint("k"), slope))
    wrong = Call("matmul", (Call("transpose", (Name("V"),)), inside))
    rules = ("slope_on_wrong_side", "gate_on_wrong_side")
    true = [rule for rule in rules if RULES[rule](right, wrong, NOTHING)]
    assert true == ["gate_on_wrong_side" if activation == "relu" else "slope_on_wrong_side"]


def verdicts() -> Iterator[tuple[Known, Sheet, CheckReport, Judged]]:
    columns = handgrad.load("batch")
    known = Known(Facts.of(columns), handgrad.Checker(columns))
    for planted in ({}, {"dW1": [[1, 1, 1]]}):
        sheet = right_sheet(known, ".4f", 10**6)
        assert sheet is not None
        sheet = Sheet({**sheet.figures, **planted})
        report = known.checker.check(sheet.figures)
        del sheet.figures["z1"]
        for judged in known.checker.check(sheet.figures).steps:
            yield known, sheet, report, judged
    known, sheet = next(slip_sheets())
    quantity = next(q for q in known.checker.asked if q.target == "z1")
    formula = quantity.formula.expression * 2
    plant = planting.plant_rule("", formula, quantity, sheet, known, "followed")
    assert plant is not None
    report = known.checker.check(plant[1].figures)
    for judged in report.steps:
        yield known, plant[1], report, judged


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_a_false_verdict_is_found(verdict: Verdict) -> None:
    known, sheet, report, judged = next(v for v in verdicts() if v[-1].verdict == verdict)
    reading = Reading(report, sheet, known)

    def true(other: Any) -> bool:
        return all(h for h, _ in reading.verdict(other))

    assert true(judged)
    assert not true(replace(judged, expected=judged.expected + 1))
    for false in get_args(Verdict):
        if false != verdict:
            assert not true(replace(judged, verdict=false)), false
    if judged.following is not None:
        assert not true(replace(judged, following=judged.following + 1))
    if judged.entry is not None:
        assert not true(replace(judged, trivial=not judged.trivial))


@pytest.mark.parametrize("gradient", [2, 0])
def test_a_false_word_on_what_was_left_to_work_out_is_found(gradient: int) -> None:
    """Of two gradients on the way, 2 and −2 leave shares to add up, and 0 and 0 nothing."""
    problem = handgrad.Problem("p = w*x\nq = w*x\nL = p**2 + 3*q", {"w": 1}, {"x": 1})
    known = Known(Facts.of(problem), handgrad.Checker(problem))
    sheet = right_sheet(known, ".4f", 10**6)
    assert sheet is not None
    for name, value in {"dp": gradient, "dq": -gradient, "dw": 0}.items():
        sheet = sheet.but(name, planting.written(value, ".4f"))
    report = known.checker.check(sheet.figures)
    judged = report["dw"]
    assert (judged.verdict, judged.trivial) == ("consistent", not gradient)
    reading = Reading(report, sheet, known)
    assert all(h for h, _ in reading.verdict(judged))
    assert not all(h for h, _ in reading.verdict(replace(judged, trivial=bool(gradient))))


def test_a_false_convention_is_found() -> None:
    """Gradients on the way without the mean's 1/m are right times 1/m, and by no other number."""
    problem = handgrad.Problem(
        "z = W @ X\na = sigmoid(z)\nL = -sum(Y*log(a) + (1 - Y)*log(1 - a))/2",
        {"W": [[0.3, -0.2]]},
        {"X": [[1, -2], [0.5, 1]], "Y": [[1, 0]]},
    )
    known = Known(Facts.of(problem), handgrad.Checker(problem))
    sheet = right_sheet(known, ".4f", 10**6)
    assert sheet is not None
    quantity = next(q for q in known.checker.asked if q.target == "dz")
    sheet = sheet.but("dz", planting.written(2 * known.number(quantity), ".4f"))
    report = known.checker.check(sheet.figures)
    judged = report["dz"]
    assert judged.convention == MeanLeft(2)
    assert all(h for h, _ in Reading(report, sheet, known).verdict(judged))
    false = replace(judged, convention=MeanLeft(3))
    steps = tuple(false if s is judged else s for s in report.steps)
    lying = replace(report, steps=steps)
    assert not all(h for h, _ in Reading(lying, sheet, known).verdict(false))
