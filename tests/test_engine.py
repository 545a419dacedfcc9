"""Compiled programs give what the plan gives: any operation, any number of cases, any block."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.graph import build
from tests.graphs import random_graph
from tests.oracle import assert_close
from tests.test_operations import ROWS, Row, some, spelled

BUNDLED = [name for name, _, _ in handgrad.bundled()]


def agrees(problem: handgrad.Problem) -> None:
    compiled = handgrad.Engine(problem)()
    plain = handgrad.run(problem, build(problem))
    assert_close(compiled.loss, plain.loss)
    for name, gradient in compiled.gradients.items():
        assert_close(gradient, plain.gradient(name))


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_problems(name: str) -> None:
    agrees(handgrad.load(name))


@pytest.mark.parametrize("row", some(ROWS, 1))
def test_every_operation(row: Row) -> None:
    generator = np.random.default_rng(3)
    draws = row.draws * len(row.shapes) if len(row.draws) == 1 else row.draws
    equations = [f"r = {spelled(row)}", "L = sum(r*r) + sum(r)"]
    for cases in (0, 3):
        arrays = {}
        for i, (shape, draw) in enumerate(zip(row.shapes, draws, strict=True)):
            drawn = np.asarray(draw(generator, (cases, *shape) if cases else shape))
            arrays[f"a{i}"] = {"cases": drawn} if cases else drawn
        agrees(handgrad.Problem(equations, arrays))
        agrees(handgrad.Problem(equations, {}, arrays))


def test_entries_of_one_array_used_apart() -> None:
    agrees(handgrad.Problem("L = a[0]*a[1] + a[0]**2", {}, {"a": [2.0, 3.0]}))


@given(st.integers(0, 2**32 - 1))
def test_random_graphs(seed: int) -> None:
    agrees(random_graph(seed).problem())


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("count", [1, 255, 8192, 20_000])
def test_blocks_of_cases(count: int, reduction: str) -> None:
    """However many cases there are, the result is that of all of them at once."""
    generator = np.random.default_rng(count)
    x, y = generator.normal(size=(2, count)), generator.integers(0, 2, count).astype(float)
    small = handgrad.Problem(
        ["z1 = W1 @ x + b1", "h1 = relu(z1)", "z2 = w2.T @ h1 + b2", "yhat = sigmoid(z2)", "L = bce(yhat, y)"],
        {"W1": [[0.5, -0.3], [0.2, 0.7]], "b1": [0.1, -0.1], "w2": [1.0, -2.0], "b2": 0.3},
        {"x": {"cases": [[1, 0], [0, 1]]}, "y": {"cases": [1, 0]}},
        reduction=reduction,
    )  # fmt: skip
    engine = handgrad.Engine(small, wanted=["W1", "b2", "x"])
    found = engine(x=x, y=y)
    whole = small.with_values({"x": {"cases": x.T}, "y": {"cases": y}})
    plain = handgrad.run(whole, build(whole))
    assert_close(found.loss, plain.loss)
    for name in ("W1", "b2", "x"):
        assert_close(found.gradients[name], plain.gradient(name))


def test_a_stream_of_blocks() -> None:
    lab = handgrad.load("xor")
    engine = handgrad.Engine(lab)
    blocks = ({"x": np.full((2, n), 0.5), "y": np.ones(n)} for n in (1, 10, 100))
    losses = [g.loss for g in engine.stream(blocks)]
    assert losses == pytest.approx([losses[0]] * 3)


@pytest.mark.parametrize("count", [9_000, 70_000])
def test_ensembles(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many networks at once: each has the loss and the gradients it has alone, in whichever thread."""
    monkeypatch.setattr(import_module("handgrad.running.engine"), "processors", lambda: 3)
    generator = np.random.default_rng(1)
    lab = handgrad.load("lab9")
    many = {n: generator.normal(size=(*g.shape, count)) for n, g in lab.parameters.items()}
    first = {n: {"cases": np.moveaxis(a[..., :2], -1, 0)} for n, a in many.items()}
    data = {n: g.array for n, g in lab.data.items()}
    engine = handgrad.Engine(handgrad.Problem(lab.equations, first, data))
    found = engine(**many)
    for k in (0, 8191, 8192, *(count * t // 3 - 1 for t in (1, 2, 3)), count // 3):
        alone = lab.with_values({n: a[..., k] for n, a in many.items()})
        run = handgrad.run(alone, build(alone))
        assert_close(np.asarray(found.loss)[k], run.loss)
        for name, gradient in found.gradients.items():
            assert_close(gradient[..., k], run.gradient(name))
    again = engine(**{n: a[..., ::-1].copy() for n, a in many.items()})
    for name, gradient in again.gradients.items():
        assert_close(gradient[..., ::-1], found.gradients[name])


SHARED_OUT = """
import os
from handgrad.running.workers import all_at_once
done = []
all_at_once([lambda: done.append(1), lambda: done.append(2)])
if os.fork() == 0:
    all_at_once([lambda: done.append(3), lambda: done.append(4)])
    os._exit(sorted(done) != [1, 2, 3, 4])
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
try:
    all_at_once([lambda: done.append(5), lambda: 1 / 0])
except ZeroDivisionError:
    assert done[-1] == 5
else:
    raise AssertionError
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_threads_after_a_fork_and_after_an_error() -> None:
    """A forked process has threads of its own; what one raises reaches the caller."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", SHARED_OUT], check=True, timeout=60)


@pytest.mark.parametrize("name", BUNDLED)
def test_single_precision(name: str) -> None:
    problem = handgrad.load(name)
    single = handgrad.Engine(problem, dtype=np.float32)()
    double = handgrad.Engine(problem)()
    for n, gradient in single.gradients.items():
        assert gradient.dtype == np.float32
        assert_close(gradient, double.gradients[n], 1e-5)


@pytest.mark.parametrize("rule", ["sgd", "momentum", "rmsprop", "adam", "adamw"])
@pytest.mark.parametrize("name", ["lab9", "xor", "shared"])
def test_training_is_what_the_trace_explains(name: str, rule: str) -> None:
    problem = handgrad.load(name)
    parameters = dict(problem.parameters)
    problem = handgrad.Problem(
        problem.equations,
        parameters,
        problem.data,
        loss=problem.loss,
        update=handgrad.Update(rule, 0.1),
    )
    trace = handgrad.solve(problem, steps=7)
    training = handgrad.Training(problem)
    told: list[int] = []
    training.run(7, progress=lambda number, loss: told.append(number))
    assert told == [1, 2, 3, 4, 5, 6, 7]
    assert_close(training.losses, [t.before for t in trace.training])
    for n, value in trace.updated.items():
        assert_close(training.parameters[n], value)


def test_a_large_network_trains_in_place() -> None:
    """Buffers are reused and parameters overwritten; the losses are those of the plain way."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(16, 40))
    y = np.eye(4)[generator.integers(0, 4, 16)]
    problem = handgrad.Problem.mlp(
        [40, 64, 64, 4], output="softmax", loss="cross_entropy", x={"cases": x}, y={"cases": y}
    )
    training = handgrad.Training(problem)
    training.run(20)
    trace = handgrad.solve(problem, steps=20)
    assert_close(training.losses, [t.before for t in trace.training], 1e-10)


def test_unusable_values() -> None:
    engine = handgrad.Engine(handgrad.load("lab9"))
    with pytest.raises(handgrad.OptionError, match="not given q"):
        engine(q=1)
    with pytest.raises(handgrad.OptionError, match="x has the shape"):
        engine(x=[1, 2, 3])
    with pytest.raises(handgrad.OptionError, match="there is no value W9"):
        handgrad.Engine(handgrad.load("lab9"), wanted=["W9"])


@pytest.mark.parametrize(
    ("name", "y", "told"),
    [
        ("lab9", -1.0, "y must be a target from 0 to 1, but here it is -1"),
        ("batch", [1.0, 0.0, 2.0], "y must be a target from 0 to 1, but here it is 2"),
    ],
)
def test_targets_that_a_loss_is_not_made_for(name: str, y: Any, told: str) -> None:
    problem = handgrad.load(name)
    with pytest.raises(handgrad.NumberError, match=told):
        handgrad.Engine(problem)(y=y)
    with pytest.raises(handgrad.NumberError, match=told):
        handgrad.Training(problem).step(y=y)


def test_classes_that_do_not_exist() -> None:
    problem = handgrad.Problem(
        ["p = softmax(W @ x)", "L = cross_entropy(p, y)"],
        {"W": np.eye(3)},
        {"x": {"cases": np.eye(3)}, "y": {"cases": [0, 1, 2]}},
    )
    engine = handgrad.Engine(problem)
    assert np.isfinite(engine(y=[2, 1, 0]).loss)
    with pytest.raises(
        handgrad.NumberError, match=r"y must be one-hot, or the number of a class, .* is 3"
    ):
        engine(y=[1, 2, 3])


def test_no_cases_at_all() -> None:
    """A sum over nothing is 0, a mean has no value; what does not depend on the cases is as it is."""
    data = {"x": {"cases": [1, 2]}}
    mean = handgrad.Engine(handgrad.Problem("L = 3*w + x", {"w": 1.0}, data))(x=np.zeros(0))
    assert mean.gradients["w"] == 3
    assert np.isnan(mean.loss)
    summed = handgrad.Problem("L = w*x", {"w": 1.0}, data, reduction="sum")
    total = handgrad.Engine(summed)(x=np.zeros(0))
    assert (total.loss, float(total.gradients["w"])) == (0, 0)
