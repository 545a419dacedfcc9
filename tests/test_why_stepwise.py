"""Why of an entry of a large network: followed to the loss by the largest term of each sum."""

from __future__ import annotations

import numpy as np
import pytest

import handgrad
from handgrad.equations import source
from handgrad.formats.terminal import render_terminal
from handgrad.paths import Entry, WhyGradient, WhyStepwise, asking
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.worked import of_line, opened
from tests.schemas import validate
from tests.test_unit import convolved, wide


def stepwise(problem: handgrad.Problem, entry: str, top: int = 3) -> WhyStepwise:
    why = handgrad.why(problem, entry, top)
    assert isinstance(why, WhyStepwise)
    return why


@pytest.fixture
def small_counts_as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "HELD", 0)


def attending() -> handgrad.Problem:
    """One head on three tokens, with a normalisation before it and a mean after it."""
    draw = np.random.default_rng(2)
    return handgrad.Problem(
        """
        a = layernorm(x) * g
        q = a @ Q.T
        k = a @ K.T
        v = a @ V.T
        s = q @ k.T / sqrt(4)
        w = softmax(s, axis=-1)
        o = w @ v + x
        L = mse(mean(o, axis=0), y)
        """,
        parameters={n: draw.normal(size=(4, 4)) for n in "QKV"} | {"g": draw.normal(size=4)},
        data={"x": draw.normal(size=(3, 4)), "y": draw.normal(size=4)},
    )


def pooled() -> handgrad.Problem:
    draw = np.random.default_rng(4)
    return handgrad.Problem(
        """
        c = conv2d(X, K, padding=1)
        r = relu(c)
        p = max_pool2d(r, size=2)
        n = layernorm(p)
        L = mse(sum(n, axis=(1, 2)), y)
        """,
        parameters={"K": draw.normal(size=(3, 2, 3, 3))},
        data={"X": draw.normal(size=(2, 4, 4)), "y": draw.normal(size=3)},
    )


@pytest.mark.usefixtures("small_counts_as_large")
@pytest.mark.parametrize(
    ("problem", "entry"),
    [
        (convolved(), "dK1[1,0,1,1]"),
        (convolved(), "dK2[3,0,0,2]"),
        (attending(), "dQ[1,2]"),
        (attending(), "dV[0,3]"),
        (attending(), "dg[2]"),
        (pooled(), "dK[1,0,1,1]"),
        (handgrad.load("lab9"), "dW1[0,0]"),
        (handgrad.load("classes"), "dW1[0,1]"),
        pytest.param(wide(), "dW1[3,5]", marks=pytest.mark.sweep),
    ],
)
def test_every_sum_is_pytorchs(problem: handgrad.Problem, entry: str) -> None:
    why = stepwise(problem, entry)
    facts = opened(Facts.of(problem))
    found = np.asarray(facts.at.gradients[why.entry.name])[why.entry.index]
    assert why.value == pytest.approx(float(found))
    for number, step in enumerate(why.steps):
        case = why.case or 0
        assert [m for holds, m in of_line(step.line, case, facts) if not holds] == [], number


@pytest.mark.usefixtures("small_counts_as_large")
def test_each_step_is_the_largest_term_of_the_one_before() -> None:
    for problem, entry in (
        (attending(), "dQ[1,2]"),
        (pooled(), "dK[1,0,1,1]"),
        (convolved(), "dK1[0,0,1,1]"),
    ):
        why = stepwise(problem, entry)
        for one, next_ in zip(why.steps, why.steps[1:], strict=False):
            sizes = [abs(term.value) for term in one.line.terms]
            assert sizes[one.largest] == max(sizes)
            assert source(next_.line.target) in source(one.line.terms[one.largest].formula)
        assert why.steps[-1].largest == -1


@pytest.mark.parametrize(
    ("problem", "entry"),
    [
        (handgrad.load("lab9"), "dW1[0,0]"),
        (handgrad.load("classes"), "dW1[0,1]"),
        (handgrad.load("attention"), "dWq[0,0]"),
        (attending(), "dV[0,3]"),
    ],
)
def test_what_comes_by_a_way_is_its_product(
    problem: handgrad.Problem, entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ways of a small network are among all its paths, the largest first."""
    exact = handgrad.why(problem, entry, 10_000)
    assert isinstance(exact, WhyGradient)
    paths = {(p.through[:-1], p.case): p.product for p in exact.paths}
    monkeypatch.setattr(asking, "HELD", 0)
    why = stepwise(problem, entry, top=8)
    assert why.ways
    for way in why.ways:
        assert way.value == pytest.approx(paths[way.through, way.case])
    sizes = [abs(way.value) for way in why.ways]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == pytest.approx(max(map(abs, paths.values())))
    text = " ".join(render_terminal(why.page(), width=200, colour=False, unicode=True).split())
    assert "The largest ways" in text
    assert f"{100 * why.ways[0].value / why.value:.3g} %".replace("-", "−") in text


@pytest.mark.usefixtures("small_counts_as_large")
def test_a_way_that_ends_at_a_shut_gate() -> None:
    why = stepwise(handgrad.load("lab9"), "dW2[1,0]")
    assert why.value == 0
    assert why.stopped
    assert why.ways == ()
    assert source(why.steps[-1].line.target) == "dz2[1]"
    text = render_terminal(why.page(), width=80, colour=False, unicode=True)
    assert "a gradient arrives there, and what it is multiplied by is 0" in " ".join(text.split())


@pytest.mark.usefixtures("small_counts_as_large")
def test_what_has_only_terms_of_0_is_said_to_have() -> None:
    """A channel whose gate is shut at all of its 16 places: no term of its weights' gradients is the largest."""
    problem = handgrad.Problem(
        "c = conv2d(x, K, padding=1) + reshape(b, shape=(2,1,1))\nh = relu(c)\nL = sum(h**2)",
        {"K": np.ones((2, 1, 3, 3)), "b": [0.5, -99]},
        {"x": np.arange(16.0).reshape(1, 4, 4) / 8},
    )
    for answer in (stepwise(problem, "dK[1,0,1,1]"), handgrad.solve_unit(problem, "h[1]")):
        text = render_terminal(answer.page(), width=100, colour=False, unicode=True)
        assert "each of its 16 terms is 0" in text
        assert "the other 14 terms" in text
        assert "100 %" not in text
    assert "All are 0, and the first is followed" in render_terminal(
        stepwise(problem, "dK[1,0,1,1]").page(), width=100, colour=False, unicode=True
    )


def test_terms_of_cases_that_are_all_0() -> None:
    problem = handgrad.Problem(
        "z = W @ x + b\nh = relu(z)\nL = sum(h**2)",
        {"W": [[1, 1], [1, 1]], "b": [0.5, -99]},
        {"x": {"cases": [[1, 2], [0.5, 1], [2, 1]]}},
    )
    page = handgrad.solve_unit(problem, "h[1]").page()
    text = render_terminal(page, width=100, colour=False, unicode=True)
    assert "each of its 3 terms is 0" in text


def test_a_large_network_is_followed_without_being_told_to() -> None:
    problem = wide(examples=200, inputs=300, units=200)
    why = stepwise(problem, "dW1[3,5]", top=5)
    assert why.entry == Entry("W1", (3, 5))
    assert why.value == pytest.approx(handgrad.solve(problem).run.gradient("W1")[3, 5])
    validate(why.to_json(), "why")
    text = render_terminal(why.page(), width=80, colour=False, unicode=True)
    assert max(map(len, text.splitlines())) <= 80
    assert "The largest term is followed" in text
