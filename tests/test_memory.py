"""What a worked solution takes is given back when nobody holds it, without the garbage collector."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

import handgrad
from handgrad import Trace


def _read(trace: Trace) -> object:
    return trace.to_json()


def _step(trace: Trace) -> object:
    return [step.uses for step in trace.steps], trace.step("2.1")


@pytest.mark.parametrize("use", [_read, _step])
@pytest.mark.parametrize("name", ["lab9", "classes", "rnn"])
def test_a_solution_leaves_no_cycles(name: str, use: Callable[[Trace], object]) -> None:
    problem = handgrad.load(name)
    use(handgrad.solve(problem))  # what is made once for all
    gc.freeze()  # what stood before is not looked at
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        use(handgrad.solve(problem))
        gc.collect()
        left = {type(thing).__name__ for thing in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not left


def test_a_step_keeps_its_solution() -> None:
    step = handgrad.solve(handgrad.load("lab9")).steps[0]
    assert step.trace is not None
    assert step in step.trace.steps
    assert "Layer 1" in step.to_html()


def test_a_large_solution_takes_little_more_than_its_numbers() -> None:
    """Gradients, new parameters and the gradients there, and of what lies in between less than half as much."""
    generator = np.random.default_rng(0)
    problem = handgrad.Problem.mlp(
        [784, 512, 512, 10], "relu", "softmax", "cross_entropy", x=generator.normal(size=784),
        y=np.eye(10)[3], rate=0.01,
    )  # fmt: skip
    numbers = sum(given.array.nbytes for given in problem.parameters.values())
    handgrad.solve(problem).to_json({})  # what is made once for all
    tracemalloc.start()
    handgrad.solve(problem).to_json({})
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3.5 * numbers
