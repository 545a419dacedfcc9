"""Problems that start from the middle: given values, and gradients that arrive from a loss further on."""

from __future__ import annotations

import re

import numpy as np
import pytest

import handgrad
from handgrad.arrays import Array
from handgrad.discussion import questions_for
from handgrad.discussion.kinds.zero_entries import ZeroEntries
from handgrad.formats.html import render_html
from handgrad.formats.terminal import render_terminal
from tests.exam_questions import EXAM, ExamQuestion


def numbers(problem: handgrad.Problem) -> dict[str, Array]:
    return {name: given.array for name, given in problem.inputs.items()}


exam = pytest.mark.parametrize("question", EXAM, ids=lambda q: q.name)


@exam
def test_an_exam_question_is_solved(question: ExamQuestion) -> None:
    problem = handgrad.loads(question.text)
    trace = handgrad.solve(problem)
    assert set(problem.asked) == set(question.asked)
    for name, gradient in question.answers(numbers(problem)).items():
        np.testing.assert_allclose(trace.run.gradient(name), gradient, rtol=1e-12, atol=1e-15)
    assert handgrad.verify(problem).agrees
    again = handgrad.loads(problem.to_toml())
    assert again == problem
    assert again.left_out.names == problem.left_out.names


@exam
def test_right_answers_are_right_and_the_slip_is_named(question: ExamQuestion) -> None:
    problem = handgrad.loads(question.text)
    answers = question.answers(numbers(problem))
    right = {f"d{name}": gradient for name, gradient in answers.items()}
    given = {step.target: step for step in handgrad.check(problem, right).steps}
    assert {given[target].verdict for target in right} == {"right"}
    name, wrong, rule = question.slip
    report = handgrad.check(problem, {**right, f"d{name}": wrong(answers)})
    (step,) = (s for s in report.steps if s.target == f"d{name}")
    assert step.verdict == "wrong"
    assert step.diagnosis[0].rule == rule


@exam
def test_an_exam_question_is_practised_with_other_numbers(question: ExamQuestion) -> None:
    problem = handgrad.loads(question.text)
    for sheet in handgrad.practice(problem, "easy", count=2, seed=5):
        other = sheet.problem
        assert other.upstream.keys() == problem.upstream.keys()
        assert other.given == problem.given
        assert any(
            not np.array_equal(other.inputs[n].array, g.array) for n, g in problem.inputs.items()
        )
        trace = handgrad.solve(other)
        for name, gradient in question.answers(numbers(other)).items():
            np.testing.assert_allclose(trace.run.gradient(name), gradient, rtol=1e-12, atol=1e-15)


@exam
def test_every_page_has_the_gradient_that_is_given_and_no_stand_in(question: ExamQuestion) -> None:
    problem = handgrad.loads(question.text)
    trace = handgrad.solve(problem)
    seeds = list(problem.seeds.values())
    for kind in ("html", "md", "tex", "txt", "typ"):
        page = handgrad.render(problem, kind)
        assert not any(seed in page for seed in seeds)
    told = trace.to_json()
    assert (told["loss"] is None) == bool(problem.upstream)
    assert not {*seeds, *([problem.loss] if problem.upstream else [])} & told["gradients"].keys()
    titles = [step.title for step in trace.steps if step.kind == "upstream"]
    assert len(titles) <= len(problem.upstream)


LAYERS = """
z1 = W1 @ x + b1
h1 = relu(z1)
z2 = W2 @ h1
L = mse(z2, y)
"""
PARAMETERS = {"W1": [[1, 2], [3, 4]], "b1": [0, 1], "W2": [[1, -1], [2, 0.5]]}
DATA = {"x": [1, 2], "y": [0, 1]}


@pytest.mark.parametrize(
    ("given", "upstream", "said"),
    [
        ({"z9": [1, 2]}, {}, r"\[given\] names 'z9', which no equation has \(the equations compute"),
        ({"W1": [1, 2]}, {}, r"W1 is given twice, in \[parameters\] and in \[given\]"),
        ({"L": 1}, {}, "L is the loss: where it is given, nothing is left to differentiate"),
        ({"z1": [1, 2, 3]}, {}, r"\[given\] z1 is a vector of 3 entries, but its equation computes a vector of 2"),
        ({"z1": [1, float("nan")]}, {}, "given.z1: nan is not a finite number"),
        ({"z2": [1, 2]}, {"h1": [1, 2]}, "z2 is given, but nothing that leads to"),
        ({"z1": [1, 2], "h1": [1, 2]}, {}, "z1 is given, but no equation that is left uses it"),
        ({}, {"z7": [1, 2]}, r"\[upstream\] names 'z7', which no equation computes"),
        ({}, {"dL/dz7": [1, 2]}, r"\[upstream\] names 'dL/dz7', which no equation computes"),
        ({}, {"x": [1, 2]}, r"\[upstream\] names x, which is given in \[data\]"),
        ({}, {"z2": 1}, r"\[upstream\] the gradient of z2 is a scalar, but z2 is a vector of 2"),
        ({}, {"z2": [1, float("inf")]}, "upstream.z2: inf is not a finite number"),
        ({}, {"z2": {"cases": [[1, 2]]}}, "gives z2 a gradient for each case, but it is the same"),
        ({"h1": [1, 2]}, {"h1": [1, 2]}, "h1 is given, but nothing that leads to"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_said_with_the_mend(given: dict, upstream: dict, said: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(handgrad.HandgradError, match=said) as raised:
        handgrad.solve(
            handgrad.Problem(
                LAYERS, PARAMETERS, DATA, given=given, upstream=upstream, where="my.toml"
            )
        )
    assert "my.toml" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.mend or "finite" in said


IN_CASES = """
equations = "z = W @ x + b\\nh = relu(z)\\nL = sum(V @ h)"
[parameters]
W = [[1, 2], [3, 4]]
b = [0, 1]
V = [[1, -1]]
[data]
x = [1, 2]
[given]
z = { cases = [[1, -1], [-1, 2], [-2, 1]] }
[update]
rate = 0.1
rates = { b = 0, V = 0.2 }
"""


def test_a_rate_of_what_is_left_out_stays_written_and_moves_nothing() -> None:
    problem = handgrad.loads(IN_CASES)
    assert "b" in problem.left_out.names
    assert handgrad.loads(problem.to_toml()) == problem
    trace = handgrad.solve(problem)
    gradient = np.array([[1, 3]]) / 3  # the mean over the cases of what fires
    np.testing.assert_allclose(trace.updated["V"], np.array([[1, -1]]) - 0.2 * gradient)
    told = trace.page()
    text = render_terminal(told, width=100, colour=False, unicode=True)
    assert "Here η_V is 0.2." in text
    with pytest.raises(handgrad.HandgradError, match="names 'c', which the problem does not have"):
        handgrad.loads(IN_CASES.replace("b = 0, V", "c = 0, V"))


def test_zeros_of_a_given_value_are_told_in_their_cases() -> None:
    trace = handgrad.solve(handgrad.loads(IN_CASES))
    zero = {tuple(map(int, at)) for at in np.argwhere(trace.run.gradient("z") == 0)}
    assert zero == {(0, 1), (0, 2), (1, 0)}
    (question,) = [q for q in questions_for(trace) if isinstance(q, ZeroEntries)]
    told = {
        (*entry, case)
        for part in question.parts
        for zeroed in part.zeroed
        if zeroed.name == "z"
        for entry in zeroed.entries
        for case in part.cases
    }
    assert told == zero
    assert (question.zero, question.untold) == (3, 0)


@exam
def test_no_page_shows_what_stands_for_a_gradient_that_arrives(question: ExamQuestion) -> None:
    """The nodes of upstream gradients are the program's own: a reader sees ∂L/∂z where it arrives."""
    trace = handgrad.solve(handgrad.loads(question.text))
    own = {*trace.graph.upstream.values()}
    assert bool(own) != trace.graph.has_loss
    for page in (trace.page(pictures=True, open_entries=True), trace.slides()):
        text = render_html(page)
        assert not any(f'data-q="{name}' in text for name in own)
        assert "upstream" not in re.sub("<(style|script).*?</\\1>", "", text, flags=re.DOTALL)
