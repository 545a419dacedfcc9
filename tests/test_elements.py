"""Every gradient opened entry by entry: each entry's formula and numbers give its value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.arrays import Array
from handgrad.equations import source
from handgrad.expression import Leaf
from handgrad.running import evaluate
from handgrad.solution import opened
from tests.graphs import random_graph
from tests.oracle import assert_close


def check(trace: handgrad.Trace) -> int:
    """Checks every entry of every line that opens; counts them."""
    numbers: dict[Leaf, Array] = dict(trace.run.numbers)
    shapes = {leaf: trace.graph.shape(leaf) for leaf in numbers}
    count = 0
    for step in trace.steps:
        for line in step.lines:
            if line.role == "updated" or step.kind == "loss_after":
                continue
            for entry in opened(trace, line):
                expected = np.asarray(line.value)[entry.index]
                assert_close(evaluate(entry.formula, numbers, shapes), expected)
                assert_close(evaluate(entry.substituted, {}), expected)
                count += 1
    return count


@pytest.mark.parametrize("name", [name for name, _, _ in handgrad.bundled()])
def test_bundled_problems(name: str) -> None:
    trace = handgrad.solve(handgrad.load(name))
    has_arrays = any(line.shape for s in trace.steps for line in s.lines)
    assert (check(trace) > 0) == has_arrays


@given(st.integers(0, 2**32 - 1))
def test_random_graphs(seed: int) -> None:
    check(handgrad.solve(random_graph(seed, 10).problem()))


def test_the_entry_of_the_lab() -> None:
    trace = handgrad.solve(handgrad.load("lab9"))
    step = trace.step("2.5")
    assert step is not None
    entry = opened(trace, step.lines[0])[1]
    assert source(entry.formula) == "dz2[0] * h1[1]"
    assert source(entry.substituted, decimals=4) == "(-0.2192) * 0.1"
    assert round(float(entry.value), 4) == -0.0219
