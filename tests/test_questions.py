"""Discussion questions: the lab's own four, every bundled problem, and no claim that does not hold."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import TypeVar

import jsonschema
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import handgrad
from handgrad.cli.commands import run
from handgrad.discussion import KINDS, Question, questions_for
from handgrad.discussion.kinds.bias_gradient import BiasGradient
from handgrad.discussion.kinds.case_shares import CaseShares
from handgrad.discussion.kinds.gate_swap import GateSwap
from handgrad.discussion.kinds.largest_move import LargestMove
from handgrad.discussion.kinds.longer_step import LongerStep
from handgrad.discussion.kinds.most_sensitive import MostSensitive
from handgrad.discussion.kinds.other_input import OtherInput
from handgrad.discussion.kinds.small_change import SmallChange
from handgrad.discussion.kinds.sum_over_paths import SumOverPaths
from handgrad.discussion.kinds.updated_value import UpdatedValue
from handgrad.discussion.kinds.zero_entries import ZeroEntries
from handgrad.discussion.lookup import in_order
from handgrad.discussion.page import questions_page
from handgrad.discussion.zeros import zero_parts
from handgrad.expression import Adjoint
from handgrad.formats.terminal import render_terminal
from handgrad.page.blocks import relations_in
from handgrad.solution import LossChange, RoundingResidue
from handgrad.solution.takeaways import GatesSeen, takeaways
from handgrad.text import plain_text
from handgrad.updates import RULES
from tests.gauntlet.facts.asked import of_question
from tests.gauntlet.facts.source import Facts
from tests.graphs import random_graph
from tests.oracle import assert_close
from tests.schemas import validate
from tests.slow import LARGE, with_slow

BUNDLED = [name for name, _, _ in handgrad.bundled()]

Q = TypeVar("Q")


@lru_cache(maxsize=64)
def ask(problem: handgrad.Problem) -> tuple[Question, ...]:
    return questions_for(handgrad.solve(problem))


@lru_cache(maxsize=64)
def facts_of(problem: handgrad.Problem) -> Facts:
    return Facts.of(problem)


def wrong_claims(question: Question, problem: handgrad.Problem) -> list[str]:
    """What a question's answer claims wrongly; empty where all of it holds."""
    claims = of_question(question, facts_of(problem))
    return [claim.message for claim in claims if not claim.holds]


def asked(problem: handgrad.Problem, kind: type[Q]) -> Q:
    (found,) = [q for q in ask(problem) if isinstance(q, kind)]
    return found


def said(question: Question) -> str:
    return " ".join(plain_text(text) for text in question.answer())


def terminal(problem: handgrad.Problem, width: int = 80) -> str:
    page = questions_page(handgrad.solve(problem), ask(problem))
    return render_terminal(page, width=width, colour=False, unicode=True)


# -- the lab's own questions ------------------------------------------------------------------


def test_the_second_row_of_the_gradient_of_w2() -> None:
    question = asked(handgrad.load("lab9"), ZeroEntries)
    gate, zero_input = question.parts
    assert (gate.cause, gate.step) == ("shut_gate", "1.2")
    assert gate.value == pytest.approx(-0.17)
    assert [(z.name, z.part, z.position) for z in gate.zeroed] == [
        ("W2", "row", 1),
        ("b2", "entry", 1),
        ("w3", "entry", 1),
    ]
    assert zero_input.cause == "zero_input"
    assert [(z.name, z.part, z.position) for z in zero_input.zeroed] == [("W1", "column", 1)]
    assert plain_text(question.asked()).startswith("Why did row 2 of dW2 come out zero?")
    assert "unit that is shut for every example is dead" in said(question)
    assert (question.zero, question.total) == (6, 15)
    assert "Find every other zero" in plain_text(question.asked())


def test_other_zeros_are_asked_for_where_there_are_some() -> None:
    for name in ("circuit", "leaky"):
        question = asked(handgrad.load(name), ZeroEntries)
        assert question.zero > 0
        assert [len(part.zeroed) for part in question.parts] == [1]
        assert "every other zero" not in plain_text(question.asked())


def test_sigmoid_for_relu() -> None:
    question = asked(handgrad.load("lab9"), GateSwap)
    assert question.steps == ("2.4", "2.7")
    swap = {s.operation: s for s in question.swaps}["sigmoid"]
    (line,) = [line for line in swap.lines if line.step == "2.4"]
    assert handgrad.solve(handgrad.load("lab9").with_swap({"relu": "sigmoid"})).to_json()[
        "gradients"
    ]["z2"] == pytest.approx(np.asarray(line.after.value).tolist())
    page = " ".join(terminal(handgrad.load("lab9")).split())
    assert "step 2.4 δ⁽²⁾ = ∂L/∂h⁽²⁾ ⊙ h⁽²⁾ ⊙ (1 − h⁽²⁾)" in page
    assert all(0 < u.other_slope <= 0.25 for u in swap.units)
    assert {f.zeroed.name for f in swap.filled} == {"W2", "b2", "w3"}


def test_another_input() -> None:
    question = asked(handgrad.load("lab9"), OtherInput)
    assert question.value.tolist() == [0, 1]
    (off,) = question.off
    (on,) = question.on
    assert (off.layer, off.unit) == (1, (0,))
    assert [off.z, off.other_z] == pytest.approx([0.6, -0.2])
    assert (on.layer, on.unit) == (2, (1,))
    assert [on.z, on.other_z] == pytest.approx([-0.17, 0.28])
    assert "The first unit of layer 1 goes off" in said(question)
    assert "Try to predict before computing" in plain_text(question.asked())


def test_the_updated_value_of_b3() -> None:
    question = asked(handgrad.load("lab9"), UpdatedValue)
    assert question.entry.name == "b3"
    assert round(question.after, 4) == 0.3365
    page = " ".join(terminal(handgrad.load("lab9")).split())
    assert "b⁽³⁾ ← b⁽³⁾ − η · ∂L/∂b⁽³⁾ = 0.3 − 0.1 × (−0.3654) = 0.3365" in page


# -- every problem ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
def test_every_claim_holds(name: str) -> None:
    problem = handgrad.load(name)
    questions = ask(problem)
    assert len(questions) >= 3
    for question in questions:
        assert wrong_claims(question, problem) == []


@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
def test_steps_are_cited_and_there(name: str) -> None:
    trace = handgrad.solve(handgrad.load(name))
    for question in ask(trace.problem):
        assert question.steps
        assert all(trace.step(step) is not None for step in question.steps)
        assert said(question)
        assert plain_text(question.asked()).rstrip().endswith(("?", ".", "rises."))


@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
def test_pages_keep_to_the_width(name: str) -> None:
    trace = handgrad.solve(handgrad.load(name))
    questions = ask(trace.problem)
    page = questions_page(trace, questions)
    assert sum(b == handgrad.page.Heading(("Answer",), 3, answer=True) for b in page.blocks) == len(
        questions
    )
    for width in (40, 80, 140):
        text = render_terminal(page, width=width, colour=False, unicode=True)
        assert max(len(line) - line.count("\u0302") for line in text.splitlines()) <= width


MLPS = st.builds(
    lambda sizes, hidden, ends, seed: handgrad.Problem.mlp(
        sizes if ends[1] != "cross_entropy" else [*sizes[:-1], 3], hidden, *ends, seed=seed
    ),
    st.lists(st.integers(1, 4), min_size=2, max_size=4).map(lambda s: [*s, 1]),
    st.sampled_from(["relu", "relu", "tanh", "sigmoid", "leaky_relu"]),
    st.sampled_from(
        [("sigmoid", "bce"), ("identity", "mse"), ("softmax", "cross_entropy"), ("tanh", "huber")]
    ),
    st.integers(0, 10_000),
)


def check_all(problem: handgrad.Problem) -> None:
    """Where floats leave a residue of 0, the programs are left with it too and open other gates."""
    notes = [note for step in handgrad.solve(problem).steps for note in step.notes]
    assume(not any(isinstance(note, RoundingResidue) for note in notes))
    for question in ask(problem):
        assert wrong_claims(question, problem) == [], question.kind


@settings(max_examples=6)
@given(MLPS)
def test_every_claim_holds_for_random_networks(problem: handgrad.Problem) -> None:
    check_all(problem)


@pytest.mark.sweep
@settings(max_examples=1000)
@given(MLPS)
def test_every_claim_holds_for_a_thousand_networks(problem: handgrad.Problem) -> None:
    check_all(problem)


@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1))
def test_random_graphs_are_asked_about(seed: int) -> None:
    trace = handgrad.solve(random_graph(seed, 10).problem())
    questions = questions_for(trace)
    assert len(questions) >= 2
    for question in questions:
        assert wrong_claims(question, trace.problem) == []
    questions_page(trace, questions)


@pytest.mark.parametrize("rule", ["momentum", "adamw"])
def test_other_update_rules(rule: str) -> None:
    lab = handgrad.load("lab9")
    update = handgrad.Update(rule, 0.01)
    problem = handgrad.Problem(lab.equations, lab.parameters, lab.data, update=update)
    for question in ask(problem):
        if isinstance(question, UpdatedValue | LargestMove | LongerStep):
            assert wrong_claims(question, problem) == []
    assert RULES[rule].noun in plain_text(asked(problem, UpdatedValue).asked())


# -- reasons for zeros ------------------------------------------------------------------------


def test_a_layer_that_is_shut_as_a_whole_silences_the_one_before_it() -> None:
    lab = handgrad.load("lab9")
    question = asked(lab.with_values({"b2": "[-5, -5]"}), ZeroEntries)
    silent = [p for p in question.parts if p.cause == "nothing_arrives"]
    assert {p.behind for p in silent} == {"h2"}
    assert {z.name for p in silent for z in p.zeroed} == {"W1", "b1"}
    assert question.zero == question.total - 1
    assert "because every gate of h2 is shut" in said(question)


def test_a_parameter_that_nothing_uses() -> None:
    problem = handgrad.Problem("L = (a*x)**2", {"a": 1.0, "c": [1.0, 2.0]}, {"x": 2.0})
    question = asked(problem, ZeroEntries)
    assert [p.cause for p in question.parts] == ["unreached"]
    assert "No path leads from c to the loss" in said(question)


def test_gates_that_are_shut_in_some_cases() -> None:
    question = asked(handgrad.load("batch"), ZeroEntries)
    assert [p.cases for p in question.parts] == [(1,), (0,)]
    assert question.zero == 0
    text = said(question)
    assert (
        "ReLU is shut in some of the cases (steps 1.2 and 1.1): z2[1] in case 1 and z1[0] in case 2"
        in text
        or (
            "ReLU is shut in some of the cases (steps 1.1 and 1.2): z1[0] in case 2 and z2[1] in case 1"
            in text
        )
    )


def test_more_zeros_than_are_followed_one_by_one() -> None:
    wide = handgrad.Problem.mlp([3, 120, 1], x=[1, 0, 2], seed=3)
    question = asked(wide, ZeroEntries)
    followed = {(z.name, e) for p in question.parts for z in p.zeroed for e in z.entries}
    assert question.untold == question.zero - len(followed) > 0
    assert f"{question.untold} more zeros are not explained one by one" in said(question)
    assert wrong_claims(question, wide) == []


def test_no_zero_at_all() -> None:
    assert "the slope of tanh is never exactly 0" in said(
        asked(handgrad.load("shared"), ZeroEntries)
    )


# -- the command ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
def test_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["questions", name, "--json"]) == 0
    text = capsys.readouterr().out
    assert text.isascii()
    validate(json.loads(text), "questions")


def test_json_of_the_lab(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["questions", "lab9", "--json", "--only", "updated_value"]) == 0
    (question,) = json.loads(capsys.readouterr().out)["questions"]
    assert question["after"] == pytest.approx(0.336540, abs=1e-6)
    assert question["steps"] == ["2.2", "3.1"]
    question["after"] = "0.3365"
    bad = {"schema": "handgrad/questions/2", "problem": "", "questions": [question]}
    with pytest.raises(jsonschema.ValidationError):
        validate(bad, "questions")


def test_only_one_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["questions", "lab9", "--only", "gate_swap", "--width", "80"]) == 0
    page = capsys.readouterr().out
    assert "Another activation" in page
    assert "Zero gradients" not in page
    assert run(["questions", "ridge", "--only", "gate_swap"]) == 2
    assert "this problem has no such question" in capsys.readouterr().err
    assert run(["questions", "lab9", "--only", "riddle"]) == 2


def test_the_bundled_problems_ask_every_kind() -> None:
    assert {type(q) for name in BUNDLED for q in ask(handgrad.load(name))} == set(KINDS)


def test_hostile_titles_and_names_do_nothing() -> None:
    evil = "\x1b[31m<script>alert(1)</script> $x$ \\input{a} #evil"
    problem = handgrad.Problem(
        ["z = w*x + b", "h = relu(z)", "L = (h - y)**2"],
        {"w": 1.0, "b": -3.0},
        {"x": 2.0, "y": 1.0},
        title=evil,
        display={"w": evil},
        update=handgrad.Update(),
    )
    page = terminal(problem)
    assert "\x1b" not in page
    assert "Answer" in page


def test_the_blocks_of_one_question_stand_alone() -> None:
    question = asked(handgrad.load("lab9"), UpdatedValue)
    assert plain_text(question.asked()).endswith("what is the updated value of b3?")
    assert len(question.blocks()) > len(question.answer())
    assert is_dataclass(question)
    assert question.kind == "updated_value"
    assert "steps" in {f.name for f in fields(question)}


def test_what_a_maximum_picks_is_no_factor_of_its_gradient() -> None:
    problem = handgrad.Problem(
        "L = sum(c * max_pool1d(a, size=2))", {"a": [0, -0.5, 0, -0.5]}, {"c": [1, 1.5]}
    )
    question = asked(problem, ZeroEntries)
    assert question.zero == 2
    assert {(z.name, e) for p in question.parts for z in p.zeroed for e in z.entries} == {
        ("a", (1,)),
        ("a", (3,)),
    }


@pytest.mark.parametrize(
    ("equation", "parameters", "data", "zero"),
    [
        (
            "f = mean(A, axis=0) @ x + sum(max(A, axis=1)*b)",
            {"A": [[-1, -2, -0.5], [0, 1, 2], [-1, 1.5, -2]], "x": [-0.5, -1, 0]},
            {"b": [-1, 1, 2]},
            [("A", (2, 2))],
        ),
        (
            "f = sum(c*max_pool1d(a, size=2, stride=1))",
            {"a": [0.5, 0.5, 0, -0.5]},
            {"c": [-1, 0, 1]},
            [("a", (3,))],
        ),
    ],
)
def test_what_a_maximum_gives_a_share_is_not_zero(
    equation: str, parameters: object, data: object, zero: object
) -> None:
    problem = handgrad.Problem([equation], parameters, data)  # type: ignore[arg-type]
    (question,) = (q for q in questions_for(handgrad.solve(problem)) if isinstance(q, ZeroEntries))
    told = [(z.name, e) for part in question.parts for z in part.zeroed for e in z.entries]
    assert told == zero


def test_a_small_share_beside_a_huge_one_is_told() -> None:
    """A penalty's 0.01 W is what it is beside a gradient of ten billions."""
    problem = handgrad.Problem(
        ["z = w @ x", "L = z**2 + 0.005*sum(w**2)"], {"w": [0.4, 1.2]}, {"x": [1e6, 1e6]}
    )
    (question,) = (q for q in ask(problem) if isinstance(q, SumOverPaths))
    assert {tuple(share.value) for share in question.shares} >= {(0.004, 0.012)}


def test_units_that_are_shut_in_some_cases_are_all_counted() -> None:
    """Of 46 units one is dead; each of the others is shut in every other case."""
    signs = [[-1.0, *(1.0 if (i + k) % 2 else -1.0 for i in range(45))] for k in range(10)]
    problem = handgrad.Problem(
        ["z = w * x", "a = relu(z)", "L = sum(a)"], {"w": np.ones(46)}, {"x": {"cases": signs}}
    )
    zero = asked(problem, ZeroEntries)
    sometimes = [p for p in zero.parts if p.cases and len(p.cases) < 10]
    assert len(sometimes) == 45
    text = " ".join(plain_text(paragraph) for paragraph in zero.answer())
    assert "and 39 more units" in text


def test_a_residue_that_is_the_same_in_every_case() -> None:
    """A gradient that every case has alike is left without cases, in what a question supposes."""
    problem = handgrad.Problem(
        "f = a + x*(b + c*x)\nr = y - f\nE = r**2",
        {"a": 0, "b": -1, "c": -0.5},
        {"x": {"cases": [1.5, -1.5]}, "y": {"cases": [-1.5, 1.5]}},
        update=handgrad.Update("sgd", 0.1),
    )
    assert questions_for(handgrad.solve(problem))


def test_entries_that_another_factor_zeroes_in_each_case() -> None:
    """z₁, z₂ and z₃ fire in the third case alone, whose x₁ is 0; z₃ of layer 2 is shut there."""
    trace = handgrad.solve(handgrad.load("classes"))
    (part,) = [p for p in zero_parts(trace) if p.cause == "factor_in_each_case"]
    assert {z.name: z.entries for z in part.zeroed} == {
        "W1": ((0, 0), (1, 0), (2, 0)),
        "W2": ((2, 0), (2, 1), (2, 2)),
    }
    assert not any(p.cause == "at_these_numbers" for p in zero_parts(trace))


X = [[1.0, 2.0], [3.0, 1.0]]


@pytest.mark.parametrize(
    ("equations", "said"),
    [
        ("H = maximum(X @ A, X * c)", "maximum(X @ A, X * c) takes another value"),
        ("H = where(y > 0, X @ A, X * c)", "where(y > 0, X @ A, X * c) takes another value"),
        ("H = clip(X @ A, -99, 5)", "clip(X @ A, low=-99, high=5) takes another value"),
        ("Z = X @ A\nH = minimum(Z, 5)", "minimum(Z, 5) takes another value"),
        ("H = max(X @ A, axis=1)", "max(X @ A, axis=1) takes another value"),
        ("H = max_pool2d(X @ A, size=2)", "max_pool2d(X @ A, size=2) takes another value"),
        ("H = relu(c - X @ A) + 1", "relu(c - X @ A) is shut"),
    ],
)
def test_what_a_choice_does_not_take_is_zero_for_that_reason(equations: str, said: str) -> None:
    """What is not taken of a matrix product, entry by entry, along an axis or in a window."""
    problem = handgrad.Problem(
        f"{equations}\nL = sum(H**2)",
        {"A": [[1.0, 5.0], [1.0, 6.0]], "c": [-1.0, 20.0]},
        {"X": X, "y": [1.0, -1.0]},
    )
    answer = " ".join(map(plain_text, asked(problem, ZeroEntries).answer()))
    assert said in answer, answer


def test_a_loss_that_rises_at_a_kink_is_told_why() -> None:
    """Three numbers of xor lie at 0, and no step against its gradient lowers the loss."""
    trace = handgrad.solve(handgrad.load("xor"))
    question = next(q for q in questions_for(trace) if isinstance(q, LongerStep))
    told = " ".join(plain_text(t) for t in question.answer())
    assert question.at_kink
    assert "It rises with both." in told
    assert "overshoots" not in told
    (change,) = [n for s in trace.steps for n in s.notes if isinstance(n, LossChange)]
    assert change.at_kink
    assert "to its other side the slope is another" in plain_text(change.text())


def test_a_convolutions_unit_is_its_channel() -> None:
    trace = handgrad.solve(handgrad.load("conv"))
    question = ZeroEntries.find(trace)
    assert question.channels
    assert "unit is a channel, shut at every place" in plain_text(question.answer()[-1])
    (gates,) = [t for t in takeaways(trace) if isinstance(t, GatesSeen)]
    assert "7 entries were off" in plain_text(gates.text())
    assert not ZeroEntries.find(handgrad.solve(handgrad.load("classes"))).channels


def test_every_step_that_is_asked_about_is_worked_out() -> None:
    """Each is that of a solution of the problem with the other activation."""
    for name in ("lab9", "classes"):
        trace = handgrad.solve(handgrad.load(name))
        question = GateSwap.find(trace)
        assert question is not None
        for swap in question.swaps:
            other = handgrad.solve(
                trace.problem.with_swap({question.operation: swap.operation}, keep=question.kept)
            )
            assert in_order(line.step for line in swap.lines) == question.steps
            for line in swap.lines:
                assert isinstance(line.after.target, Adjoint)
                assert_close(line.after.value, other.run.gradient(line.after.target.name))
        shown = [r.label for r in relations_in(question.blocks())]
        assert shown == [(f"step {s}",) for _ in question.swaps for s in question.steps]


def test_cases_that_pull_as_hard_are_all_named() -> None:
    """Cases 1 and 3 are wrong by 1 at inputs of 1 and −1; case 3 has the larger loss."""
    ends = handgrad.Problem(
        "p = sigmoid(w*x + b)\nL = bce(p, y)",
        {"w": 100.0, "b": -50.0},
        {"x": {"cases": [1, 0, -1, 0.5]}, "y": {"cases": [0, 0, 1, 1]}},
    )
    question = asked(ends, CaseShares)
    assert (question.largest, question.ties) == (0, (2,))
    text = said(question)
    assert "Cases 1 and 3: the gradients of their own losses" in text
    assert "The largest loss is that of case 3." in text
    assert "Which cases pull hardest" in plain_text(question.asked())
    assert wrong_claims(question, ends) == []
    alike = handgrad.Problem(
        "L = 0.5*(w*x - y)**2", {"w": 0.3}, {"x": {"cases": [1, -1]}, "y": {"cases": [1, -1]}}
    )
    assert "They are also the cases with the largest loss." in said(asked(alike, CaseShares))
    single = said(asked(handgrad.load("batch"), CaseShares))
    assert ": the gradient of its own loss with respect to all parameters has the largest" in single


def test_cases_without_any_gradient_are_not_asked_about() -> None:
    met = handgrad.Problem(
        "L = (w*x - y)**2", {"w": 1.0}, {"x": {"cases": [1, 0, -1]}, "y": {"cases": [1, 0, -1]}}
    )
    assert not [q for q in ask(met) if isinstance(q, CaseShares)]


def moving(b: float, gate: str) -> handgrad.Problem:
    """Two cases whose z is b, and a third."""
    return handgrad.Problem(
        ["z = x + b", f"h = {gate}", "L = 0.5*(2*h - y)**2"],
        {"b": b},
        {"x": {"cases": [0, 0, 0.5]}, "y": {"cases": [0.05, 0.05, -0.6]}},
    )


@pytest.mark.parametrize(
    ("b", "gate", "at", "turned"),
    [
        (0.0, "relu(z)", 0.0, 2),
        (-0.004, "relu(z)", 0.0, 2),
        (0.0, "2*relu(z)/2", 0.0, 0),
        (-0.005, "abs(z)", 0.0, 0),
        (0.095, "min(z, 0.1)", 0.1, 0),
    ],
)
def test_a_kink_on_the_way_of_a_change_is_told(b: float, gate: str, at: float, turned: int) -> None:
    problem = moving(b, gate)
    question = asked(problem, SmallChange)
    assert question.jump is not None
    assert question.jump.at == at
    assert len(question.jump.turned) == turned
    text = said(question)
    assert "kink" in text
    assert "curvature" not in text
    assert wrong_claims(question, problem) == []


def test_gates_that_open_on_the_way_are_named() -> None:
    text = said(asked(moving(0.0, "relu(z)"), SmallChange))
    assert "The loss has a kink where b lies: its slope goes from 1.0667 to 1 at once" in text
    assert "2 gates open on the way: z in case 1 and z in case 2." in text


def test_a_change_without_a_kink_on_its_way_is_asked_about_first() -> None:
    """The gradient by b is the larger one; where b moves, two gates open."""
    problem = handgrad.Problem(
        ["z = w*x + b", "h = relu(z)", "L = 0.5*(2*h - y)**2"],
        {"w": 0.5, "b": 0.0},
        {"x": {"cases": [0, 0, 0.5]}, "y": {"cases": [0.05, 0.05, -0.6]}},
    )
    question = asked(problem, SmallChange)
    assert question.entry.name == "w"
    assert question.jump is None
    assert "comes from the curvature" in said(question)


def test_a_slope_of_few_digits_jumps_nowhere() -> None:
    """Of p − 1 at σ(34), some ten units of the last place of 1, floats have another number at either end of the way."""
    problem = handgrad.Problem(
        ["a = relu(w*x)", "p = sigmoid(0.6*a - 1.3)", "L = -y*log(p) - (1 - y)*log(1 - p)"],
        {"w": 33.3},
        {"x": 1.8, "y": 1},
    )
    question = asked(problem, SmallChange)
    assert question.before == 33.3
    assert question.jump is None


SHUT = {"W": [[1, 0], [-1, 0]], "b": [0, 0], "w": [1, 2]}


@pytest.mark.parametrize(
    ("equations", "mask"),
    [
        ("h = relu(W @ x + b)\nq = w @ h\nL = 0.5*(q - y)**2", {}),
        ("h = 2*relu(W @ x + b)\nq = w @ h\nL = 0.5*(q - y)**2", {}),
        ("z = W @ x + b\nh = dropout(relu(z), m)\nq = w @ h\nL = 0.5*(q - y)**2", {"m": [1, 1]}),
        ("z = W @ x + b\nq = w @ (relu(z) * m)\nL = 0.5*(q - y)**2", {"m": [1, 1]}),
        ("z = W @ x + b\nq = w @ relu(z)\nL = 0.5*(q - y)**2", {}),
    ],
)
@pytest.mark.parametrize("xs", [{"cases": [[1, 1], [2, 0]]}, [1, 1]])
def test_a_gate_inside_a_longer_formula_is_the_reason(
    equations: str, mask: dict[str, list[int]], xs: object
) -> None:
    """The gradient arrives at the second unit, and its gate stops it."""
    y = {"cases": [0, 0]} if isinstance(xs, dict) else 0
    problem = handgrad.Problem(equations, SHUT, {"x": xs, "y": y, **mask})
    question = asked(problem, ZeroEntries)
    (part,) = [p for p in question.parts if p.cause == "shut_gate"]
    assert {z.name for z in part.zeroed} >= {"W", "b"}
    assert question.gates == ("relu",)
    assert "No gradient arrives here" not in said(question)
    assert "training deep networks with ReLU" in plain_text(question.asked())
    assert wrong_claims(question, problem) == []


def test_a_gate_behind_a_mask_of_zero_stops_nothing() -> None:
    """The second unit is open, and what arrives at it is 0."""
    problem = handgrad.Problem(
        "z = W @ x + b\nh = dropout(relu(z), m)\nq = w @ h\nL = 0.5*(q - y)**2",
        {"W": [[1, 0], [1, 1]], "b": [0, 0], "w": [1, 2]},
        {"x": [1, 1], "y": 0, "m": [1, 0]},
    )
    question = asked(problem, ZeroEntries)
    assert {p.cause for p in question.parts} == {"zero_value", "nothing_arrives"}
    assert "deep networks" not in plain_text(question.asked()) + said(question)
    assert wrong_claims(question, problem) == []


def test_training_with_gates_is_asked_about_where_a_gate_is_the_reason() -> None:
    cancels = handgrad.Problem(
        "z = x + b\nh = relu(z)\nL = (sum(h) - y)**2",
        {"b": [1.0, 1.0]},
        {"x": {"cases": [[1, 1], [2, 2]]}, "y": {"cases": [3, 7]}},
    )
    question = asked(cancels, ZeroEntries)
    assert question.gates == ("relu",)
    assert "deep networks" not in plain_text(question.asked()) + said(question)


def test_what_is_asked_about_single_cases_is_answered() -> None:
    """In case 1 the residual is 0 and all of its gradient with it; the gate of case 2 is asked about."""
    problem = handgrad.Problem(
        "z = w*x + b\nh = relu(z)\nq = v @ h\nL = 0.5*(q - y)**2",
        {"w": [1, 1], "b": [0, 1.5], "v": [1, 1]},
        {"x": {"cases": [1, -1, 2]}, "y": {"cases": [3.5, 0, 0]}},
    )
    question = asked(problem, ZeroEntries)
    assert question.zero == 0
    text = plain_text(question.asked())
    assert (
        "Why did entry 1 of dw come out zero in case 2? What else does that make zero there?"
        in text
    )
    both = asked(handgrad.load("batch"), ZeroEntries)
    assert "Which other gates are shut in some of the cases only?" in plain_text(both.asked())
    given = handgrad.Problem(
        "h = relu(z)\nq = w @ h\nL = 0.5*(q - y)**2",
        {},
        {"z": {"cases": [[1, -1], [2, 1]]}, "w": [1, 1], "y": {"cases": [1, 0]}},
    )
    question = asked(given, ZeroEntries)
    assert "In case 1 no gradient arrives here: dh = 0" in said(question)
    assert wrong_claims(question, given) == []


def test_numbers_that_all_entries_share_have_no_index() -> None:
    """The rate of a schedule, the norm of all gradients and the factor that clips them."""
    problem = handgrad.Problem(
        "L = 0.5*(w @ x - y)**2",
        {"w": [3, 4]},
        {"x": [0.6, 0.8], "y": -5},
        update=handgrad.Update("sgd", 0.1, {"clip_norm": 1.0, "steps": 4}, schedule="cosine"),
    )
    question = asked(problem, UpdatedValue)
    page = " ".join(terminal(problem).split())
    for whole in (
        "ηₜ = ηₘᵢₙ + ",
        "G = √",
        "κ = min",
        "(g_w)₂ = κ · ∂L/∂w₂",
        "w₂ ← w₂ − ηₜ · (g_w)₂",
    ):
        assert whole in page
    assert "(ηₜ)₂" not in page
    assert wrong_claims(question, problem) == []


def test_the_rate_is_called_as_in_the_formulas() -> None:
    """η and θ are the problem's own values here."""
    problem = handgrad.Problem(
        ["eta = theta*x + b", "L = (eta - y)**2"],
        {"theta": 1.0, "b": 0.0},
        {"x": 2.0, "y": 1.0},
        update=handgrad.Update(),
    )
    page = " ".join(terminal(problem).split())
    assert "each parameter φ becomes φ − rate · ∂L/∂φ. With rate = 0.1, what is" in page
    lab = " ".join(terminal(handgrad.load("lab9")).split())
    assert "each parameter θ becomes θ − η · ∂L/∂θ. With η = 0.1, what is" in lab


def test_one_case_and_two_numbers_are_told_as_such() -> None:
    one = handgrad.Problem(
        ["z = w*x + b", "L = 0.5*(z - y)**2"],
        {"w": 1.0, "b": 0.5},
        {"x": {"cases": [2]}, "y": {"cases": [1]}},
        update=handgrad.Update(),
    )
    assert "the mean of dz over the only case" in said(asked(one, BiasGradient))
    assert "Both numbers move." in said(asked(one, LargestMove))


def test_shares_that_are_all_zero_change_nothing() -> None:
    problem = handgrad.Problem(
        ["u = w*x", "v = w*c", "L = (u + v - y)**2"], {"w": 2.0}, {"x": 1, "c": 1, "y": 4}
    )
    text = said(asked(problem, SumOverPaths))
    assert "Every share is 0 here" in text
    assert "instead of" not in text


def test_an_entry_in_no_window_lost_to_none() -> None:
    """Windows of three, two apart, over six: the last entry lies in none, so that no other was taken there."""
    problem = handgrad.Problem(
        ["p = max_pool1d(a, size=3, stride=2)", "L = sum(c*p)"],
        {"a": [0.2, 0.2, -0.1, 0.3, 0.1, -0.4]},
        {"c": [0.5, 0.6]},
    )
    found = {
        p.cause: [e for z in p.zeroed for e in z.entries] for p in asked(problem, ZeroEntries).parts
    }
    assert found["other_taken"] == [(2,), (4,)]
    assert found["unreached"] == [(5,)]


def reasons(problem: handgrad.Problem) -> dict[tuple[str, tuple[int, ...]], str]:
    """By entry of a gradient that is zero, why."""
    parts = asked(problem, ZeroEntries).parts
    return {(z.name, e): p.cause for p in parts for z in p.zeroed for e in z.entries}


def test_what_a_pool_would_not_get_either_way_is_not_for_its_choice() -> None:
    """The gradient of the first window is 0: with another largest entry there it would be so too."""
    found = reasons(
        handgrad.Problem(
            ["p = max_pool1d(a, size=3, stride=3)", "L = sum(c*p)"],
            {"a": [0.5, -0.5, 0.5, 1.0, 2.0, 0.0]},
            {"c": [0.0, 1.0]},
        )
    )
    assert {e: found["a", (e,)] for e in (0, 1, 2, 3, 5)} == {
        0: "nothing_arrives", 1: "nothing_arrives", 2: "nothing_arrives", 3: "other_taken", 5: "other_taken",
    }  # fmt: skip


def test_entries_that_lead_nowhere_and_rows_that_are_not_picked() -> None:
    picked = handgrad.Problem(
        ["e = E[i]", "f = F[i]", "z = W[0] @ e + w @ f", "L = 0.5*(z - y)**2"],
        {
            "E": [[0.5, -0.5], [0.25, -0.5], [1.0, 2.0]],
            "F": [[0.5, -0.5], [0.25, -0.5]],
            "W": [[1.0, 1.0], [0.5, 1.0]],
            "w": [1.0, 2.0],
        },
        {"i": 1, "y": 1.0},
    )
    found = reasons(picked)
    assert found.pop(("W", (1, 0))) == found.pop(("W", (1, 1))) == "unreached"
    assert set(found.values()) == {"other_taken"}
    answer = " ".join(said(asked(picked, ZeroEntries)).split())
    assert "E[i] picks other entries (step 1.1): row 1 of dE and row 3 of dE are zero" in answer
    assert "F[i] picks other entries (step 1.2): row 1 of dF is zero" in answer
    assert "No path leads from these entries of W to the loss: row 2 of dW is zero" in answer


def test_where_nothing_changes_the_result_none_is_the_most_sensitive() -> None:
    problem = handgrad.Problem(["L = sum(c*a**2)"], {"a": [1.0, 2.0]}, {"c": [0.0, 0.0]})
    kinds = [q.kind for q in questions_for(handgrad.solve(problem))]
    assert "most_sensitive" not in kinds


CREASED = """
equations = '''
N = layernorm(x + w)
F = maximum(0, U @ N)
L = sum((N + V @ F - y)**2)
'''
[parameters]
w = [0.5, 0]
U = [[-1.5, 1], [1.5, 1.5]]
V = [[0.5, 0.5], [0, 0.5]]
[data]
x = [-0.5, 0]
y = [1.5, 0]
"""
"""Exactly at 0 lie both rows of U N: of the second always, of the first until w moves."""


def test_at_a_kink_the_slopes_to_both_sides_say_which_way_raises_the_result() -> None:
    problem = handgrad.loads(CREASED)
    question = asked(problem, MostSensitive)
    (first, gradient), sides = question.entries[0], question.sides[0]

    def loss(by: float) -> float:
        w = np.array([0.5, 0.0])
        w[first.index] += by
        return float(handgrad.solve(problem.with_values({"w": w})).run.loss)

    beside = [(loss(0) - loss(-1e-8)) / 1e-8, (loss(1e-8) - loss(0)) / 1e-8]
    assert sides == pytest.approx(beside, rel=1e-3)
    assert sides[0] > gradient > sides[1]
    assert "The loss has a kink there: its slope just below is" in said(question)
    assert "neither way (a kink)" in terminal(problem)
    assert wrong_claims(question, problem) == []
    assert wrong_claims(
        replace(question, sides=((gradient, gradient), *question.sides[1:])), problem
    )
    change = asked(problem, SmallChange)
    assert change.jump is not None
    assert (change.jump.before, change.jump.after) == pytest.approx((gradient, sides[1]), 1e-4)


def test_a_shut_gate_at_which_nothing_arrives_is_not_why() -> None:
    """V = 0: whatever the gates of h are, no gradient arrives at them; and with h = 0 they zero V's."""
    problem = handgrad.Problem(
        ["z = W @ x + b", "h = relu(z)", "o = V @ h + c", "L = 0.5*sum((o - y)**2)"],
        {"W": [[0, -1], [1, 1]], "b": [0, 0], "V": [[0, 0], [0, 0]], "c": [0, 0]},
        {"x": [1, 2], "y": [1, 0]},
    )
    trace = handgrad.solve(problem)
    parts = {(z.name, z.part, z.position): p.cause for p in zero_parts(trace) for z in p.zeroed}
    assert parts["W", "row", 0] == parts["b", "entry", 0] == "nothing_arrives"
    assert parts["W", "row", 1] == parts["b", "entry", 1] == "nothing_arrives"
    assert parts["V", "column", 0] == "shut_gate"
    page = " ".join(render_terminal(trace.page()).split())
    assert "which is 0 here, and gives 0. That zeroes column 1 of ∂L/∂V." in page
    unit = handgrad.gates(problem).of("h")[0]
    assert [z.name for z in unit.silences] == ["V"]


TOWERS = handgrad.Problem(
    ["f1 = relu(W @ x1 + b)", "f2 = relu(W @ x2 + b)", "L = max(0, 1.5 - norm(f1 - f2))**2"],
    {"W": [[0.5, -0.2], [0.3, 0.8], [-1, -1]], "b": [0.1, 0, 0]},
    {"x1": [1, 0], "x2": [0, 1]},
)


def test_a_gradient_of_several_shares_is_zero_as_each_of_them_is_or_as_they_cancel() -> None:
    """Unit 1 is shut in the second tower and x₂ is 0 in the first; unit 3 gets nothing in either; b₂'s shares cancel."""
    question = asked(TOWERS, ZeroEntries)
    causes = {
        (z.name, z.entries): [s.cause for s in p.shares] or p.cause
        for p in question.parts
        for z in p.zeroed
    }
    assert causes == {
        ("W", ((0, 1),)): ["shut_gate", "zero_input"],
        ("W", ((2, 0), (2, 1))): ["nothing_arrives", "nothing_arrives"],
        ("b", ((2,),)): ["nothing_arrives", "nothing_arrives"],
        ("b", ((1,),)): "shares_cancel",
    }
    words = said(question)
    assert "as ReLU is shut at" in words
    assert "; that through f1, as its factor" in words
    assert "The shares of entry 2 of db cancel (step 2.3)" in words


def test_a_tied_weight_between_a_shut_unit_is_zero_for_both_uses() -> None:
    tied = handgrad.Problem(
        ["h = relu(W @ x + b)", "r = W.T @ h", "L = 0.5*sum((r - x)**2)"],
        {"W": [[1, 1], [-1, 0], [0.5, 0.5]], "b": [0, -1, 0.5]},
        {"x": [1, 2]},
    )
    (part,) = [p for p in zero_parts(handgrad.solve(tied)) if p.cause == "no_share"]
    assert [(s.through, s.cause) for s in part.shares] == [("r", "shut_gate"), ("h", "shut_gate")]
    assert (part.zeroed[0].part, part.zeroed[0].position) == ("row", 1)


def test_zeros_of_parameters_in_cases_are_told_case_by_case() -> None:
    """Row 1 of W is 0 in case 2: |W| has the slope 0 there, and z₁ = 0 shuts the gate."""
    problem = handgrad.Problem(
        ["z = W @ x", "h = relu(z)", "L = 0.5*(sum(h) - y)**2 + lam*sum(abs(W))"],
        {"W": {"cases": [[[1, -1], [0, 0.5]], [[0, 0], [-1, -1]]]}},
        {"x": [1, 1], "y": 1, "lam": 0.1},
    )
    question = asked(problem, ZeroEntries)
    (part,) = question.parts
    assert (part.cases, part.zeroed[0].part, part.zeroed[0].position) == ((1,), "row", 0)
    assert [s.cause for s in part.shares] == ["at_these_numbers", "shut_gate"]
    assert question.untold == 0
    assert "In case 2: row 1 of dW is zero" in said(question)
