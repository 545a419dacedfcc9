"""Bounds are sound: every run within a box stays within them, and they are tight where they can be."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import handgrad
from handgrad.numbers import Interval, IntervalRun, bounding
from tests.graphs import random_graph
from tests.test_operations import ROWS, Row, drawn, some, spelled

BUNDLED = [name for name, _, _ in handgrad.bundled()]


def contains(bounds: IntervalRun, problem: handgrad.Problem) -> None:
    run = handgrad.run(problem, bounds.graph)
    for name in bounds.graph.nodes:
        assert run.value(name) in bounds.value(name), name
        assert run.gradient(name) in bounds.gradient(name), name


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_problems(name: str) -> None:
    problem = handgrad.load(name)
    contains(handgrad.run_intervals(problem), problem)


@pytest.mark.parametrize("name", BUNDLED)
def test_no_run_in_a_box_leaves_the_bounds(name: str) -> None:
    problem = handgrad.load(name)
    g = np.random.default_rng(1)
    centre = {n: v.array for n, v in problem.parameters.items()}
    bounds = handgrad.run_intervals(problem, {n: (a - 0.1, a + 0.1) for n, a in centre.items()})
    for _ in range(20):
        moved = {n: (a + g.uniform(-0.1, 0.1, a.shape)).tolist() for n, a in centre.items()}
        contains(bounds, problem.with_values(moved))


@pytest.mark.parametrize("row", some(ROWS, 0, 1))
def test_every_operation(row: Row) -> None:
    values = drawn(row, np.random.default_rng(2))
    problem = handgrad.Problem([f"L = sum({spelled(row)})"], values)
    contains(handgrad.run_intervals(problem), problem)


@given(st.integers(0, 2**32 - 1))
def test_random_graphs(seed: int) -> None:
    problem = random_graph(seed).problem()
    contains(handgrad.run_intervals(problem), problem)


@given(st.integers(0, 2**32 - 1))
def test_random_graphs_over_a_box(seed: int) -> None:
    graph = random_graph(seed, 8)
    g = np.random.default_rng(seed)
    box = {n: (a - 0.3, a + 0.3) for n, a in graph.parameters.items()}
    bounds = handgrad.run_intervals(graph.problem(), box)
    for _ in range(3):
        moved = {n: g.uniform(low, high) for n, (low, high) in box.items()}
        contains(bounds, handgrad.Problem(graph.problem().equations, moved))


FLOATS = arrays(float, 6, elements=st.floats(-1e6, 1e6, allow_subnormal=True))


@given(FLOATS, FLOATS)
def test_arithmetic_holds_the_exact_result(a: Any, b: Any) -> None:
    """Fractions are the oracle: the true result of each operation on floats lies within."""
    x, y = Interval.of(a), Interval.of(b)
    with np.errstate(all="ignore"):
        results = {"+": x + y, "-": x - y, "*": x * y, "²": x**2, "³": x**3, "/": x / y}
        total = bounding.sum(x * y)
    for i, (p, q) in enumerate(zip(map(Fraction, a), map(Fraction, b), strict=True)):
        exact = {"+": p + q, "-": p - q, "*": p * q, "²": p**2, "³": p**3}
        exact |= {"/": p / q} if q else {}
        for name, value in exact.items():
            low, high = results[name].lower[i], results[name].upper[i]
            assert low <= value <= high, (name, a[i], b[i])
    dot = sum(Fraction(p) * Fraction(q) for p, q in zip(a, b, strict=True))
    assert float(total.lower) <= dot <= float(total.upper)


@given(st.floats(-50, 50, allow_subnormal=False), st.floats(0, 8), st.floats(0, 1))
def test_functions_hold_the_value_anywhere_between(low: float, width: float, share: float) -> None:
    at = min(low + share * width, low + width)
    box = Interval(low, low + width)
    with np.errstate(all="ignore"):
        for name in ("exp", "expm1", "tanh", "sin", "cos", "sign", "abs"):
            assert getattr(np, name)(at) in getattr(bounding, name)(box), name
        assert math.erfc(at) in bounding.special.erfc(box)
        if low > 1e-9:
            for name in ("log", "sqrt", "log1p"):
                assert getattr(np, name)(at) in getattr(bounding, name)(box), name
            assert at**-1.5 in box**-1.5
        assert at**3 in box**3
        assert at**4 in box**4


def test_relu_is_bounded_tightly() -> None:
    problem = handgrad.Problem("L = sum(relu(x))", {}, {"x": [0, 0]})
    value = handgrad.run_intervals(problem, {"x": ([-1, -2], [2, -1])})
    assert (float(value.value("L").lower), float(value.value("L").upper)) == (0, 2)
    assert value.gradient("x").lower.tolist() == [0, 0]
    assert value.gradient("x").upper.tolist() == [1, 0]


def test_a_unit_that_never_fires_over_a_box() -> None:
    """z₁ = x₁ + x₂ − 3 is at most −1 on [−1, 1]²: its gate is shut there, and W's row gets nothing."""
    problem = handgrad.Problem(
        ["z = W @ x + b", "L = sum(relu(z))"],
        {"W": [[1, 1], [1, -1]], "b": [-3, 0]},
        {"x": [0, 0]},
    )
    bounds = handgrad.run_intervals(problem, {"x": (-1, 1)})
    assert bounds.value("z").upper.tolist() == [-1, 2]
    assert not bounds.gradient("W").lower[0].any()
    assert not bounds.gradient("W").upper[0].any()


def test_ties_and_empty_knowledge() -> None:
    problem = handgrad.Problem("L = max(x)", {"x": [1, 1, 0]})
    assert handgrad.run_intervals(problem).gradient("x").upper.tolist() == [0.5, 0.5, 0]
    over = handgrad.run_intervals(problem, {"x": ([0, 0, -9], [2, 2, -8])}).gradient("x")
    assert over.upper.tolist() == [1, 1, 0]
    pole = handgrad.Problem("L = 1/x", {"x": 1})
    value = handgrad.run_intervals(pole, {"x": (-1, 1)}).value("L")
    assert (float(value.lower), float(value.upper)) == (-np.inf, np.inf)


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"w": (0, 1)}, "not given w"),
        ({"x": ([0, 1, 2], 3)}, "do not fit"),
        ({"x": (1, 0)}, "not below"),
        ({"x": (math.nan, 0)}, "not below"),
    ],
)
def test_boxes_that_are_none(over: dict[str, Any], said: str) -> None:
    problem = handgrad.Problem("L = sum(x)", {"x": [0, 0]})
    with pytest.raises(handgrad.OptionError, match=said):
        handgrad.run_intervals(problem, over)


def test_the_checker_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounding, "tanh", lambda a: Interval.of(np.tanh(Interval.of(a).lower)))
    problem = handgrad.Problem("L = tanh(x)", {"x": 1.0})
    with pytest.raises(AssertionError):
        contains(handgrad.run_intervals(problem, {"x": (0, 2)}), problem)


def test_what_alone_may_be_the_largest_is() -> None:
    """Bounds that are apart leave no doubt of which of a pool's entries gets the gradient; a tie is in doubt."""
    text = 'equations = "L = sum(w * max_pool2d(Z, size=2, stride=2))"\n[parameters]\nZ = [[1, 2], [5, 3]]\n'
    problem = handgrad.loads(text + "w = [[2]]\n")
    sure = handgrad.run_intervals(problem, {"Z": ([[0, 1], [4.9, 2]], [[2, 3], [5.1, 3.5]])})
    gradient = sure.gradient("Z")
    assert gradient.lower.tolist() == gradient.upper.tolist() == [[0, 0], [2, 0]]
    tied = handgrad.run_intervals(problem, {"Z": ([[0, 1], [4.9, 2]], [[2, 3], [5.1, 5]])})
    assert tied.gradient("Z").upper.tolist() == [[0, 0], [2, 2]]
    assert tied.gradient("Z").lower.tolist() == [[0, 0], [0, 0]]


def test_decimals_are_bounded_as_they_are_written() -> None:
    """0.1 + 0.5 · 0.1 − 0.3 · 0.5 is 0 on paper, where the gate is shut; the exact sum of the floats is over 0."""
    problem = handgrad.loads(
        """
        loss = "L"
        equations = ["z = x[1] + conv1d(x[1:], w)", "L = sum(relu(z))"]
        [parameters]
        w = [0.5, 0.3]
        [data]
        x = [0, 0.1, -0.5]
        """
    )
    assert handgrad.solve(problem).gradients["w"].tolist() == [0, 0]
    bounds = handgrad.run_intervals(problem)
    contains(bounds, problem)
    assert np.zeros(2) in bounds.gradient("w")
    halves = handgrad.run_intervals(handgrad.Problem("L = w*x", {"w": 0.75, "x": -2.5}))
    assert halves.value("w").lower == halves.value("w").upper
