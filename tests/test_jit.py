"""Machine code of one case gives what NumPy gives: every operation, random graphs, any number of networks."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad
from handgrad.updates.rules import RULES
from tests.graphs import random_graph
from tests.oracle import assert_close
from tests.slow import one_in, with_slow
from tests.test_operations import ROWS, Row, spelled

LARGE = ["causal"]
"""Bundled problems that take too many lines of machine code."""

COMPILED = pytest.mark.skipif(which("cc") is None, reason="there is no C compiler")


def ensemble(problem: handgrad.Problem) -> handgrad.Problem:
    """Some networks, their parameters a little changed, each with its case of the data that has cases."""
    generator = np.random.default_rng(0)
    cases = next((g.array.shape[-1] for g in problem.data.values() if g.batched), 5)

    def spread(array: Any) -> dict[str, Any]:
        factors = generator.uniform(0.9, 1.1, (cases, *np.shape(array)))
        factors[0] = 1.0
        return {"cases": factors * array}

    given = {n: spread(g.array) for n, g in (problem.parameters or problem.data).items()}
    data = {
        n: {"cases": np.moveaxis(g.array, -1, 0)} if g.batched else g.array
        for n, g in problem.data.items()
        if problem.parameters
    }
    return handgrad.Problem(problem.equations, given, data, loss=problem.loss)


def agrees(problem: handgrad.Problem, tolerance: float = 1e-12, **options: Any) -> None:
    """Machine code and NumPy, with the loss and the gradients of all that is in cases."""
    compiled = handgrad.Engine(problem, jit=True, **options)()
    plain = handgrad.Engine(problem, **options)()
    assert_close(compiled.loss, plain.loss, tolerance)
    assert compiled.gradients.keys() == plain.gradients.keys()
    for name, gradient in plain.gradients.items():
        assert compiled.gradients[name].dtype == gradient.dtype
        assert_close(compiled.gradients[name], gradient, tolerance)


def all_in_one(rows: Sequence[Row]) -> handgrad.Problem:
    """One problem that has every row's operation."""
    generator = np.random.default_rng(3)
    equations, arrays, cases = [], {}, 4
    for k, row in enumerate(rows):
        draws = row.draws * len(row.shapes) if len(row.draws) == 1 else row.draws
        text = spelled(row)
        for i, (shape, draw) in reversed(list(enumerate(zip(row.shapes, draws, strict=True)))):
            text = text.replace(f"a{i}", f"p{k}q{i}")
            arrays[f"p{k}q{i}"] = {"cases": np.asarray(draw(generator, (cases, *shape)))}
        equations += [f"r{k} = {text}", f"s{k} = sum(r{k}*r{k}) + sum(r{k})"]
    equations.append("L = " + " + ".join(f"s{k}" for k in range(len(rows))))
    return handgrad.Problem(equations, arrays)


GROUPS = 96


@COMPILED
@pytest.mark.parametrize("group", with_slow(range(GROUPS), {k for k in range(GROUPS) if k % 16}))
def test_every_operation(group: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A share of the rows of the operations' tests; all of them in the sweep."""
    monkeypatch.setattr(import_module("handgrad.running.jit"), "MOST", 10_000)
    agrees(all_in_one(ROWS[group::GROUPS]))


@COMPILED
@pytest.mark.parametrize(
    "name", one_in(2, [n for n, _, _ in handgrad.bundled() if n not in LARGE]) + LARGE
)
def test_bundled_problems(name: str) -> None:
    problem = ensemble(handgrad.load(name))
    if name in LARGE:
        with pytest.raises(handgrad.OptionError, match="one case takes more than 1500 lines"):
            handgrad.Engine(problem, jit=True)
        return
    agrees(problem)
    agrees(problem, 1e-5, dtype=np.float32)


@COMPILED
@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_random_graphs(seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("handgrad.running.jit"), "MOST", 10_000)
        agrees(ensemble(random_graph(seed, most=20).problem()))


LAB = handgrad.load("lab9")


def networks(count: int) -> handgrad.Problem:
    two = {n: {"cases": [g.array, g.array]} for n, g in LAB.parameters.items()}
    return handgrad.Problem(LAB.equations, two, {n: g.array for n, g in LAB.data.items()})


@COMPILED
@pytest.mark.parametrize("count", [1, 3, 9_000, 50_001])
def test_any_number_of_networks(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one thread or in three, from arrays in any order."""
    monkeypatch.setattr(import_module("handgrad.running.engine"), "processors", lambda: 3)
    generator = np.random.default_rng(1)
    many = {
        n: np.moveaxis(generator.normal(size=(count, *g.shape)), 0, -1)
        for n, g in LAB.parameters.items()
    }
    compiled, plain = (handgrad.Engine(networks(2), jit=jit)(**many) for jit in (True, False))
    assert_close(compiled.loss, plain.loss)
    for name, gradient in plain.gradients.items():
        assert_close(compiled.gradients[name], gradient)


@COMPILED
def test_what_is_not_finite_is_so_in_machine_code_too() -> None:
    problem = handgrad.Problem(
        "L = sum(relu(w) + maximum(1, w) + minimum(w, 2) + where(w > 0, w, 0) + exp(w) + abs(w))",
        {"w": {"cases": np.zeros((2, 3))}},
    )
    w = np.array([[1.0, np.nan], [np.inf, 2.0], [-np.inf, -0.0]])
    compiled, plain = (handgrad.Engine(problem, jit=jit)(w=w) for jit in (True, False))
    assert_close(compiled.loss, plain.loss)
    assert_close(compiled.gradients["w"], plain.gradients["w"])


def test_what_a_batch_shares_is_not_compiled() -> None:
    with pytest.raises(handgrad.OptionError, match=r"for itself .* the loss is one for all cases"):
        handgrad.Engine(handgrad.load("batch"), jit=True)
    with pytest.raises(handgrad.OptionError, match="the gradient of W1 is one for all cases"):
        handgrad.Engine(LAB, jit=True, loss=False)


@COMPILED
def test_only_what_is_used_of_a_large_table_is_read() -> None:
    cases = {"w": {"cases": [1.0, 2.0, -3.0]}}
    agrees(handgrad.Problem("L = (T[3, 7]*w + T[0, 0])**2", cases, {"T": np.eye(400)}))


@pytest.mark.parametrize("dtype", [np.float16, np.int64, "no type"])
def test_other_precisions_are_refused(dtype: Any) -> None:
    for make in (handgrad.Engine, handgrad.Training):
        with pytest.raises(handgrad.OptionError, match="the type of the numbers is"):
            make(LAB, dtype=dtype)


@COMPILED
def test_numbers_in_the_other_byte_order() -> None:
    swapped = np.dtype(np.float64).newbyteorder().str
    assert_close(
        handgrad.Engine(networks(2), dtype=swapped, jit=True)().loss,
        handgrad.Engine(networks(2))().loss,
    )


@COMPILED
def test_a_large_network_is_not_compiled() -> None:
    problem = handgrad.Problem.mlp([30, 30, 1], x=np.ones(30), y=1.0)
    with pytest.raises(handgrad.OptionError, match="one case takes more than 1500 lines"):
        handgrad.Engine(ensemble(problem), jit=True)


LONG = ["causal", "classes", "convnet"]
"""Bundled problems of which a step takes too many lines."""


def trains_alike(problem: handgrad.Problem, steps: int = 12, **options: Any) -> None:
    """Steps by machine code, one by one and many in one call, and NumPy's."""
    compiled = handgrad.Training(problem, jit=True, **options)
    plain = handgrad.Training(problem, **options)
    tolerance = 1e-4 if plain.dtype == np.float32 else 1e-10
    first = [compiled.step() for _ in range(3)]
    compiled.run(steps - 3)
    plain.run(steps)
    assert first == compiled.losses[:3]
    assert len(compiled.losses) == len(plain.losses)
    assert_close(np.array(compiled.losses), np.array(plain.losses), tolerance)
    for name, array in plain.state().numbers.items():
        assert compiled.state().numbers[name].shape == np.shape(array)
        assert compiled.state().numbers[name].dtype == array.dtype
        assert_close(compiled.state().numbers[name], array, tolerance)


@COMPILED
@pytest.mark.parametrize("name", [name for name, _, _ in handgrad.bundled()])
def test_steps_of_bundled_problems(name: str) -> None:
    problem = handgrad.load(name)
    if name in LONG:
        with pytest.raises(handgrad.OptionError, match="a step takes more than 1500 lines"):
            handgrad.Training(problem, jit=True)
        return
    trains_alike(problem)


@COMPILED
@pytest.mark.parametrize("rule", RULES)
def test_steps_of_every_rule(rule: str) -> None:
    """Memories, counts of the updates and schedules go from step to step."""
    options = {"every": 3, "gamma": 0.5, "clip_norm": 0.2}
    scheduled = handgrad.Update(rule, 0.01, options, schedule="step")
    trains_alike(LAB.with_parts(update=scheduled))
    trains_alike(LAB.with_parts(update=handgrad.Update(rule=rule, rate=0.01)), dtype=np.float32)


@COMPILED
@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_steps_of_random_graphs(seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("handgrad.running.jit"), "MOST", 10_000)
        problem = random_graph(seed, most=20).problem()
        if problem.parameters:
            trains_alike(problem.with_parts(update=handgrad.Update(rate=1e-3)), steps=4)


@COMPILED
def test_steps_go_on_from_a_state_and_take_other_data() -> None:
    compiled, plain = (handgrad.Training(LAB, jit=jit) for jit in (True, False))
    begun = compiled.state()
    before = compiled.parameters
    compiled.run(5)
    assert_close(before["W1"], LAB.parameters["W1"].array)
    compiled.restore(begun)
    for training in (compiled, plain):
        training.step(x=[0.5, -1], y=0)
        training.step()
    assert_close(compiled.parameters["W2"], plain.parameters["W2"])
    told: list[tuple[int, float]] = []
    compiled.run(2, lambda number, loss: told.append((number, loss)))
    assert told == [(3, compiled.losses[-2]), (4, compiled.losses[-1])]
    assert np.isnan(handgrad.Training(LAB, jit=True).run(0))


@COMPILED
def test_steps_end_where_the_loss_is_no_longer_finite() -> None:
    problem = handgrad.Problem("L = w**4", {"w": 10.0}, update=handgrad.Update(rate=1.0))
    compiled, plain = (handgrad.Training(problem, jit=jit) for jit in (True, False))
    assert_close(compiled.run(50), plain.run(50))
    assert len(compiled.losses) == len(plain.losses) < 50
    assert_close(compiled.parameters["w"], plain.parameters["w"])


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    with pytest.raises(handgrad.OptionError, match="there is no no-such-compiler -m64 on the path"):
        handgrad.Engine(networks(2), jit=True)
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho out of order >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    with pytest.raises(handgrad.OptionError, match=r"broken does not compile .*: out of order"):
        handgrad.Engine(networks(2), jit=True)


@COMPILED
def test_a_compiler_that_knows_no_options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Plain C is compiled where what makes it quick is refused."""
    plain = tmp_path / "plain"
    plain.write_text('#!/bin/sh\ncase "$*" in *native*|*simd*) exit 1;; esac\nexec cc "$@"\n')
    plain.chmod(0o755)
    monkeypatch.setenv("CC", str(plain))
    agrees(networks(2))
