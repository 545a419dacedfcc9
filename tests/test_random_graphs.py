"""Whole random graphs of up to 40 lines with shared names, against PyTorch and by replay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.arrays import Array
from handgrad.equations import parse_expression, source
from handgrad.expression import Adjoint, Leaf, Name
from handgrad.graph import build
from handgrad.running import evaluate
from tests.graphs import random_graph
from tests.oracle import assert_close, torch_gradients


def largest_difference(seed: int) -> float:
    """The largest relative difference of any gradient of a random graph from PyTorch's."""
    graph = random_graph(seed)
    problem = graph.problem()
    result = handgrad.run(problem, build(problem))
    loss, gradients = torch_gradients(graph.torch_loss, graph.parameters)
    assert_close(result.loss, loss)
    worst = 0.0
    for name, theirs in gradients.items():
        ours = result.gradient(name)
        scale = max(1.0, float(np.abs(theirs).max()))
        worst = max(worst, float(np.abs(ours - theirs).max()) / scale)
    return worst


@given(st.integers(0, 2**32 - 1))
def test_gradients_agree_with_torch(seed: int) -> None:
    assert largest_difference(seed) <= 1e-12


@pytest.mark.sweep
def test_two_thousand_graphs(capsys: pytest.CaptureFixture[str]) -> None:
    worst = max(largest_difference(seed) for seed in range(2000))
    with capsys.disabled():
        print(f"2000 random graphs, largest relative difference {worst:.2e}")
    assert worst <= 1e-12


def replay(trace: handgrad.Trace) -> int:
    """Evaluates every line from its formula, and from its printed numbers; counts the lines."""
    numbers: dict[Leaf, Array] = dict(trace.run.numbers)
    if trace.problem.update is not None:
        numbers[Name("eta")] = np.asarray(trace.problem.update.rate)
    count = 0
    for step in trace.steps:
        if step.kind == "loss_after":
            continue
        for line in step.lines:
            used = {leaf: trace.graph.shape(leaf) for leaf in numbers}
            from_formula = evaluate(line.formula, numbers, used)
            assert_close(from_formula, line.value)
            printed = parse_expression(source(line.substituted), helpers=True)
            assert_close(evaluate(printed, {}), line.value)
            count += 1
    return count


@pytest.mark.parametrize("name", [name for name, _, _ in handgrad.bundled()])
def test_every_formula_and_every_substitution_gives_the_value_shown(name: str) -> None:
    assert replay(handgrad.solve(handgrad.load(name))) > 3


@given(st.integers(0, 2**32 - 1))
def test_random_graphs_replay(seed: int) -> None:
    replay(handgrad.solve(random_graph(seed, most=12).problem()))


def test_replay_can_fail() -> None:
    """A line whose value does not follow from its formula is noticed."""
    trace = handgrad.solve(handgrad.load("neuron"))
    line = trace.steps[0].lines[0]
    object.__setattr__(line, "value", np.asarray(line.value) * 1.001)
    with pytest.raises(AssertionError):
        replay(trace)


def test_adjoints_are_leaves_of_their_own() -> None:
    """A value of the problem's own that is called dW is not the gradient of W."""
    problem = handgrad.Problem(["dW = 3*W", "L = dW**2"], {"W": 2.0})
    result = handgrad.run(problem, build(problem))
    assert float(result.value("dW")) == 6
    assert float(result.numbers[Adjoint("W")]) == 36
