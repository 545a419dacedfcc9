"""The lines and notes of solutions re-derived, and a false one of each kind found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.models.builder import Builder
from handgrad.operations import BY_NAME
from handgrad.solution import NOTES, Step, TraceNote
from tests.gauntlet.facts import judge, lines, notes
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.spoiling import spoiled
from tests.gauntlet.facts.terms import MEANING
from tests.gauntlet.oracle import Oracle

NET = """
equations = [
  "z1 = W1 @ x + b1", "h1 = relu(z1)", "z2 = W2 @ h1 + b2", "h2 = relu(z2)",
  "s = w3 @ h2 + b3", "yhat = sigmoid(s)", "L = -(y*log(yhat) + (1 - y)*log(1 - yhat))",
]
[parameters]
W1 = [[0.5, -0.3], [0.2, 0.7], [-0.4, 0.1]]
b1 = [0.1, -0.1, 0.2]
W2 = [[0.4, -0.2, 0.3], [-0.5, 0.3, 0.2]]
b2 = [0.2, 0.1]
w3 = [0.6, -0.4]
b3 = 0.3
[data]
x = [1, 0]
y = 1
[update]
rate = 0.1
"""

CASES = """
equations = ["z = W @ x + b", "h = relu(z)", "e = V @ h - y", "L = e @ e + 0.1*sum(W**2)"]
[parameters]
W = [[0.5, -0.3], [0.2, -0.7]]
b = [0.1, -0.1]
V = [[0.3, -0.4], [0.1, 0.2]]
[data]
x = { cases = [[1, 0], [-1, 1], [1, 1]] }
y = { cases = [[1, 0], [0, 1], [1, 1]] }
[update]
rule = "momentum"
rate = 0.1
"""

KINKS = """
equations = ["z = W @ x + b", "h = relu(z)", "m = max(h)", "t = tanh(9*z)", "L = (m + sum(t))**2 + abs(c)"]
[parameters]
W = [[0.1, 0.2], [0.3, 0.4]]
b = [-0.5, -0.9]
c = 0
d = 2
[data]
x = [1, 2]
[update]
rate = 0.1
"""

REST = """
equations = ["z = w*x - v", "h = relu(z + 1)", "L = h**2 + z*h"]
[parameters]
w = 0.1
v = 0.3
[data]
x = 3
[update]
rate = 0.1
"""

UNLIKE = """
equations = ["p = W @ x", "L = mse(p, y)"]
[parameters]
W = [[0.5, 0.1], [0.2, 0.4]]
[data]
x = [1, 2]
y = [[1], [2]]
[update]
rate = 0.1
"""

FAR = """
equations = ["p = w*x", "s = sigmoid(p)", "L = s - exp(p)"]
[parameters]
w = 2
[data]
x = 3
[update]
rate = 1e6
"""

ROUNDED = """
equations = ["z = W @ x", "p = softmax(z)", "L = cross_entropy(p, y)"]
[parameters]
W = [[1, 0], [0, 1]]
[data]
x = [1000, 0]
y = [0, 1]
"""

UNASKED = """
equations = "L = sum(a * sqrt(x))"
[parameters]
a = [0.5, 0.3, 0]
[data]
x = [0, 4, 0]
"""

SUMS = """
equations = ["z = W @ x", "p = softmax(z)", "L = cross_entropy(p, y)"]
[parameters]
W = [[0.1, 0.2], [0.3, 0.4]]
[data]
x = { cases = [[1, 2], [2, 1]] }
y = { cases = [[0.5, 0.4], [0, 1]] }
"""

FROZEN = """
equations = ["p = dot(w, x) + b", "L = (p - y)**2"]
[parameters]
w = [0.5, -0.3]
b = 0.1
[data]
x = [1, 2]
y = 0.7
[update]
rule = "nesterov"
rate = 0.1
clip_norm = 0.5
schedule = "cosine"
steps = 4
rates = { b = 0 }
"""

MEANS = """
equations = ["z = W @ x", "q = sigmoid(z)", "L = sum(bce(q, y))"]
[parameters]
W = [[0.1, 0.2], [0.3, 0.4]]
[data]
x = [1, 2]
y = [1, 0]
"""

TEXTS = (NET, CASES, KINKS, REST, UNLIKE, FAR, ROUNDED, UNASKED, SUMS, MEANS, FROZEN)


@cache
def facts_of(text: str) -> Facts:
    return Facts(text, Oracle(text), handgrad.solve(handgrad.loads(text), steps=2))


@pytest.mark.parametrize("text", TEXTS)
def test_what_a_solution_says_is_true(text: str) -> None:
    report = judge(text, families=("lines", "notes"))
    assert report.false == []
    assert report.counts.total() > 10


@cache
def of_a_model() -> Facts:
    """Numbers at kinks of a model of PyTorch."""
    builder = Builder("PyTorch")
    w = builder.parameter("w", np.array([0.0, -1.0, 2.0], dtype=np.float32))
    h = builder.equation("h", BY_NAME["relu"](w))
    return Facts.of(builder.problem(builder.equation("loss", BY_NAME["sum"](h * h + BY_NAME["abs"](w)))))  # fmt: skip


def all_notes() -> Iterator[tuple[Facts, TraceNote, int]]:
    for facts in (*map(facts_of, TEXTS), of_a_model()):
        updates = 0
        for step in facts.trace.steps:
            updates += step.kind == "update"
            for note in step.notes:
                yield facts, note, updates


LEFT: dict[str, tuple[str, ...]] = {
    # The phase says where the note stands; what is blocked is given where a gradient arrives.
    "gated_off": ("phase",),
    "shortcut": ("operation",),
    # Which of the two lines it stands by: the loss and the gradient have unlike numbers.
    "rounded_away": ("phase",),
    # Other words are tried below.
    "kink": ("words",),
}
"""Fields that say nothing that can be false."""


@pytest.mark.parametrize("kind", NOTES, ids=lambda k: k.__name__)
def test_a_false_note_is_found(kind: Any) -> None:
    """Every field of every kind of note, changed."""
    found: dict[str, bool] = {}
    for facts, note, updates in all_notes():
        if not isinstance(note, kind):
            continue
        assert all(c.holds for c in notes.of_note(note, facts, updates)), note
        for field, false in spoiled(note, LEFT.get(note.kind, ())):
            caught = not all(c.holds for c in notes.of_note(false, facts, updates))
            found[field] = found.get(field, False) or caught
    assert found, f"no {kind.__name__} in the problems of this file"
    assert all(found.values()), found


def test_an_untold_shut_gate_is_found() -> None:
    facts = facts_of(NET)
    steps = [replace_notes(step, ()) for step in facts.trace._steps]
    facts = replace(facts, trace=replace(facts.trace, _steps=tuple(steps)))
    assert any(not c.holds for c in notes.of_notes(facts))


def replace_notes(step: Step, without: tuple[TraceNote, ...]) -> Step:
    return Step(step.id, step.phase, step.kind, step.about, step.lines, step.uses, without)


@pytest.mark.parametrize("text", [NET, CASES])
def test_a_false_line_is_found(text: str) -> None:
    facts = facts_of(text)
    seen = set()
    for position, step in enumerate(facts.trace._steps):
        for place, line in enumerate(step.lines):
            for field, false in spoiled(line, ("role", "batched", "through", "index", "target")):
                if line.role in ("memory", "let", "cost") and field.startswith(
                    ("formula", "shape")
                ):
                    continue
                if step.phase == "update" and field.startswith(("formula", "shape")):
                    continue
                changed = (*step.lines[:place], false, *step.lines[place + 1 :])
                steps = list(facts.trace._steps)
                steps[position] = Step(
                    step.id, step.phase, step.kind, step.about, changed, step.uses, step.notes
                )
                spoilt = replace(facts, trace=replace(facts.trace, _steps=tuple(steps)))
                assert any(not c.holds for c in lines.of_steps(spoilt)), (step.id, line.role, field)
                seen.add(line.role)
    assert {"value", "gradient", "updated"} <= seen


def test_steps_said_to_be_used_that_are_not() -> None:
    facts = facts_of(NET)
    for position, step in enumerate(facts.trace._steps):
        steps = list(facts.trace._steps)
        steps[position] = Step(
            step.id, step.phase, step.kind, step.about, step.lines, (*step.uses, "1.9"), step.notes
        )
        spoilt = replace(facts, trace=replace(facts.trace, _steps=tuple(steps)))
        assert any(not c.holds and c.kind == "step uses" for c in lines.of_steps(spoilt))


def test_every_operation_has_a_meaning_of_its_own() -> None:
    assert set(BY_NAME) - {"mean_over_cases", "sum_over_cases"} == set(MEANING)


def test_what_p_has_of_1_is_nothing_in_floats() -> None:
    """No rule that takes signs makes a step of it, as PyTorch's makes none."""
    text = """equations = '''
p = sigmoid(w @ x + b)
E = -1*(y*ln(p) + (1 - y)*ln(1 - p))
'''
parameters = { w = [130], b = -0.3 }
data = { x = [1.6], y = 1 }
update = { rate = 1, rule = "lion", clip_value = 0.1, schedule = "cosine", steps = 2 }
"""
    assert [f.kind for f in judge(text).false] == []


def test_floats_keep_few_digits_of_the_smallest_numbers() -> None:
    """Σ(e)² is 4.2e-322 here, of which two digits are kept: the terms that are divided by it cannot add up."""
    text = """equations = '''
z = W @ x + b
e = exp(z)
p = e/sum(e)
cost = cross_entropy(p, y)
'''
parameters = { W = [[-70, -150, -130], [130, -130, -20]], b = [-150, -100] }
data = { x = { cases = [[-1.7, 2, 0.3], [0.7, 0.1, 1.8], [2, -0.6, -1.3], [0.7, -0.1, -1.5]] }, y = { cases = [[0, 1], [0, 1], [0, 1], [1, 0]] } }
update = { rate = 0.01, rule = "rmsprop" }
"""
    assert [f.kind for f in judge(text, seed=12000022).false] == []


def test_a_zero_in_powers_of_ten_is_0_itself() -> None:
    """0.000000e+00 stands where −1.9e-9 is right, on a sheet that has seven digits of each number."""
    text = '''title = "One step by hand"
equations = """
Z = conv_transpose1d(H, K, c, stride=2)
H = reshape(h, shape=(1, 2))
R = sigmoid(Z)
h = relu(W @ x)
L = sum((R - y)**2)
"""
loss = "L"

[parameters]
W = [[50, -110.0], [-150, 10]]
K = [[[0.7, 1.2]]]
c = [-20]

[data]
x = [-0.2, 1.4]
y = [[-0.9, 0.9, 0.2, -0.5]]

[update]
rate = 0.5
rule = "adadelta"
weight_decay = 0.1
clip_norm = 0.5
rates = { K = 0.2, W = 0.05 }
'''
    assert [f.kind for f in judge(text, seed=12000032).false] == []


def test_the_terms_of_a_sum_that_is_0_on_paper_leave_no_rest() -> None:
    """Each of the two is a difference of numbers of ten million that are alike on paper: 4.5e-9 in floats."""
    text = '''equations = """
A1 = softmax((X @ Q1) @ (X @ K1).T)
L = mse(X + Out, Y)
H = concat(H1, H2, axis=1)
H1 = A1 @ (X @ V1)
H2 = A2 @ (X @ V2)
Out = H @ Wo
A2 = softmax((X @ Q2) @ (X @ K2).T)
"""
loss = "L"

[parameters]
Q1 = [[1.5], [0.8]]
K1 = [[0.5], [1.4]]
V1 = [[110.0], [50]]
Q2 = [[0], [1.5]]
K2 = [[-1.5], [0.9]]
V2 = [[-60], [130]]
Wo = [[30, -120], [30, -70]]

[data]
X = [[-0.3, 1], [-1.2, -0.5]]
Y = [[1, -0.7], [1.2, 0.6]]

[update]
rate = 0.1
rates = { V2 = 0.2, K2 = 0.2 }
'''
    assert [f.kind for f in judge(text, seed=12000045).false] == []


def test_a_slope_that_floats_lose_is_0() -> None:
    """tanh(46) is 1 in floats, and its slope 5e-40 on paper: with v moved away from 0 a gradient of 3e-41 comes through."""
    text = '''equations = """
def cell(x, h):
    s = Ws @ x + Us @ h + bs
    a = tanh(s)
for t in 1..T:
    h{t} = cell(X[t-1], h{t-1})
yhat = v @ h{T}
L = 0.5*(yhat - y)**2
"""

[parameters]
Ws = [[1]]
Us = [[90]]
bs = [1.2]
v = [0]

[data]
T = 1
X = [[-0.3]]
h0 = [0.5]
y = 1.3

[update]
rate = 0.01
rule = "rmsprop"

[display]
Ws = "Θ"
'''
    assert [f.kind for f in judge(text, seed=12000062, families=("gates",)).false] == []
