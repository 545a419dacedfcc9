"""Many cases run at once are the same as each case run alone, for every operation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import handgrad
from handgrad.formats.terminal import render_terminal
from handgrad.graph import build
from handgrad.running import evaluate
from handgrad.solution.units import units
from tests.oracle import assert_close
from tests.test_operations import ROWS, Row, anything, some, spelled

CASES = 3


def runs(row: Row, batched: tuple[bool, ...], parameters: bool) -> None:
    generator = np.random.default_rng(len(str(row)))
    draws = row.draws * len(row.shapes) if len(row.draws) == 1 else row.draws
    names = [f"a{i}" for i in range(len(row.shapes))]
    every = {
        name: [np.asarray(draw(generator, shape)) for _ in range(CASES if many else 1)]
        for name, draw, shape, many in zip(names, draws, row.shapes, batched, strict=True)
    }
    equations = [f"r = {spelled(row)}", "L = sum(r*r) + sum(r)"]
    one = {
        name: {"cases": np.stack(arrays)} if many else arrays[0]
        for (name, arrays), many in zip(every.items(), batched, strict=True)
    }
    given = (one, {}) if parameters else ({}, one)
    batch = handgrad.Problem(equations, *given, reduction="sum")
    result = handgrad.run(batch, build(batch))
    totals = {name: np.zeros(row.shapes[i]) for i, name in enumerate(names)}
    for k in range(CASES):
        alone = {n: arrays[k % len(arrays)] for n, arrays in every.items()}
        single = handgrad.Problem(equations, alone)
        expected = handgrad.run(single, build(single))
        assert_close(result.value("r")[..., k], expected.value("r"))
        assert_close(result.value("L")[k], expected.loss)
        for name, many in zip(names, batched, strict=True):
            if many:
                assert_close(result.gradient(name)[..., k], expected.gradient(name))
            totals[name] += expected.gradient(name)
    for name, many in zip(names, batched, strict=True):
        if not many:
            assert_close(result.gradient(name), totals[name])


@pytest.mark.parametrize("row", some(ROWS, 0))
def test_cases_run_together_as_alone(row: Row) -> None:
    for batched in product((True, False), repeat=len(row.shapes)):
        if any(batched):
            runs(row, batched, parameters=False)


def test_the_loss_is_the_mean_unless_the_sum_is_asked_for() -> None:
    for reduction, factor in (("mean", 1 / 3), ("sum", 1.0)):
        problem = handgrad.Problem(
            "L = (w*x)**2", {"w": 2}, {"x": {"cases": [1, 2, 3]}}, reduction=reduction
        )
        result = handgrad.run(problem, build(problem))
        assert result.loss == pytest.approx(4 * 14 * factor)
        assert float(result.gradient("w")) == pytest.approx(2 * 2 * 14 * factor)


def test_many_networks_at_once() -> None:
    """Parameters in cases: an ensemble, each network with a loss and gradients of its own."""
    weights = np.linspace(-1, 1, 5)
    problem = handgrad.Problem(
        ["h = tanh(w*x)", "L = sum((h - y)**2)"],
        {"w": {"cases": weights}},
        {"x": [1.0, 2.0], "y": [0.5, -0.5]},
    )
    result = handgrad.run(problem, build(problem))
    for k, w in enumerate(weights):
        single = problem.with_values({"w": {"cases": [w]}})
        alone = handgrad.run(single, build(single))
        assert_close(result.gradient("w")[k], alone.gradient("w")[0])


DRAWN = [row for row in ROWS if row.draws[0] is anything]


@pytest.mark.parametrize("row", some(DRAWN, 1, 4))
def test_a_solution_of_cases_is_drawn_and_written(row: Row) -> None:
    """Every operation, in cases and with rounded figures carried, makes a page and an object.

    Its arguments are parameters and data in turn.
    """
    generator = np.random.default_rng(1)
    draws = row.draws * len(row.shapes) if len(row.draws) == 1 else row.draws
    arrays = {
        f"a{i}": {"cases": np.asarray(draw(generator, (2, *shape)))}
        for i, (shape, draw) in enumerate(zip(row.shapes, draws, strict=True))
    }
    equations = [f"r = {spelled(row)}", "L = sum(r*r)"]
    if DRAWN.index(row) % 2:
        problem = handgrad.Problem(equations, {}, arrays)
    else:
        problem = handgrad.Problem(equations, arrays, update=handgrad.Update())
    trace = handgrad.solve(problem, carry="rounded")
    page = trace.page(elements=True)
    assert render_terminal(page, width=80, colour=False, unicode=False).isascii()
    assert trace.to_json()["cases"] == 2


def terminal(name: str) -> str:
    page = handgrad.solve(handgrad.load(name)).page()
    return render_terminal(page, width=100, colour=False, unicode=False)


def test_numbers_of_many_cases_are_put_in_as_they_are_multiplied() -> None:
    """A sum of outer products is one product of the matrices whose columns are the cases."""
    trace = handgrad.solve(handgrad.load("batch"))
    lines = [x for step in trace.steps for x in step.lines if x.role == "gradient"]
    matrices = [x for x in lines if len(x.shape) == 2]
    assert len(matrices) == 2
    for line in matrices:
        assert_close(evaluate(line.substituted, {}), line.value)
    assert terminal("batch").count("1/3 *") == 2


def test_the_first_case_is_worked_where_all_at_once_would_not_read_well() -> None:
    assert "in case 1" in terminal("batch")
    assert "in case 1" not in terminal("lab9")


def test_the_case_that_is_worked_shows_numbers() -> None:
    """x = (0, 0) of the first case leaves only zeros, from which nobody learns the product."""
    text = render_terminal(handgrad.solve(handgrad.load("xor")).page(), width=80, colour=False)
    step = text[text.index("2.5 ") :]
    assert step.index("in case 2") < step.index("in each case")
    assert "in case 1" not in step


@pytest.mark.parametrize("kind", ["txt", "html", "md", "tex", "typ"])
def test_numbers_that_are_0_in_every_case_are_drawn(kind: str) -> None:
    zeros = {"cases": [0.0, 0.0, 0.0]}
    problem = handgrad.Problem(
        "f = 1/(1 + exp(-(w0*x0 + w1*x1 + w2)))",
        {"w0": zeros, "w1": zeros, "w2": -0.3},
        {"x0": -0.5, "x1": zeros},
    )
    assert handgrad.render(handgrad.solve(problem), kind)


def test_a_slope_that_is_learned_and_differs_from_case_to_case() -> None:
    """The units of PReLU have in each case the slope that they have alone."""
    slopes = [0.1, -1.4, 0.0]

    def solved(slope: object) -> handgrad.Trace:
        equations = "z = W @ x\nh = prelu(z, a)\nL = mse(h, y)"
        given = {"W": [[-0.8], [1.0]], "a": slope}
        return handgrad.solve(handgrad.Problem(equations, given, {"x": [0.4], "y": [0.3, 0.1]}))

    (together,) = units(solved({"cases": slopes}))
    for case, slope in enumerate(slopes):
        (alone,) = units(solved(slope))
        assert_close(together.z[..., case], alone.z)
        assert_close(together.slope[..., case], alone.slope)
