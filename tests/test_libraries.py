"""The engine on arrays of PyTorch and, where it is installed, JAX: the same numbers, in their own arrays."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

import handgrad
from tests.oracle import assert_close
from tests.slow import with_slow
from tests.sweep import jax_in_double_precision
from tests.test_operations import ROWS, Row, drawn, some, spelled

BUNDLED = [name for name, _, _ in handgrad.bundled()]


def arrays_of(library: str) -> Any:
    """What makes an array of a library, in double precision."""
    if library == "torch":
        return torch.tensor
    pytest.importorskip("jax")
    return jax_in_double_precision().numpy.asarray


def agrees(problem: handgrad.Problem, library: str) -> None:
    array = arrays_of(library)
    givens = {**problem.parameters, **problem.data}
    engine = handgrad.Engine(problem, wanted=list(givens))
    theirs = engine(**{n: array(g.array) for n, g in givens.items()})
    ours = engine()
    assert_close(np.asarray(theirs.loss), ours.loss)
    for name, gradient in theirs.gradients.items():
        assert type(gradient) is type(array(1.0)) or library == "jax"
        assert_close(np.asarray(gradient), ours.gradients[name])


@pytest.mark.parametrize(
    ("name", "library"),
    with_slow(
        itertools.product(BUNDLED, ["torch", "jax"]),
        [(name, "jax") for name in {*BUNDLED} - {*BUNDLED[1::4]}],
    ),
)
def test_bundled_problems(name: str, library: str) -> None:
    agrees(handgrad.load(name), library)


@pytest.mark.parametrize("row", some(ROWS, 0))
def test_every_operation_on_tensors(row: Row) -> None:
    values = drawn(row, np.random.default_rng(4))
    agrees(handgrad.Problem([f"r = {spelled(row)}", "L = sum(r*r)"], values), "torch")


def test_traced_by_jit() -> None:
    array = arrays_of("jax")
    jax = jax_in_double_precision()
    lab = handgrad.load("lab9")
    engine = handgrad.Engine(lab)
    traced = jax.jit(lambda W1: engine(W1=W1).gradients)  # noqa: N803 - the lab's name
    found = traced(array(lab.parameters["W1"].array))
    for name, gradient in engine().gradients.items():
        assert_close(np.asarray(found[name]), gradient)


def test_compiled_by_torch() -> None:
    lab = handgrad.load("lab9")
    engine = handgrad.Engine(lab)

    def gradient(w: torch.Tensor) -> torch.Tensor:
        return engine(W1=w).gradients["W2"]

    compiled = torch.compile(gradient, backend="eager", fullgraph=True)
    assert_close(
        compiled(torch.tensor(lab.parameters["W1"].array)).numpy(), engine().gradients["W2"]
    )


def test_class_numbers_beside_single_precision() -> None:
    """Labels as whole numbers take the precision of the inputs beside them."""
    problem = handgrad.Problem(
        "L = cross_entropy(softmax(W @ x), y)", {"W": np.eye(3)}, {"x": [1, 2, 3], "y": 2}
    )
    engine = handgrad.Engine(problem)
    found = engine(x=torch.tensor([1.0, 2.0, 3.0]), y=torch.tensor(2))
    assert found.gradients["W"].dtype == torch.float32
    assert found.gradients["W"].numpy() == pytest.approx(engine().gradients["W"], rel=1e-6)


def test_what_is_no_array() -> None:
    class Impostor:
        dtype = "float"
        shape = (2, 2)

    engine = handgrad.Engine(handgrad.load("lab9"))
    with pytest.raises(handgrad.OptionError, match="Impostor"):
        engine(W1=Impostor())  # type: ignore[call-overload]
    with pytest.raises(handgrad.OptionError, match="shape"):
        engine(W1=torch.zeros(3))


def test_other_libraries_are_checked_as_numpy_is() -> None:
    engine = handgrad.Engine(handgrad.load("batch"))
    x, y = torch.zeros((2, 5), dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    for values in ({"x": x, "y": y}, {"x": x}):
        with pytest.raises(handgrad.OptionError, match="same number"):
            engine(**values)
    silent = handgrad.Engine(handgrad.load("lab9"), loss=False)
    assert np.isnan(silent(W1=torch.eye(2, dtype=torch.float64)).loss)


@pytest.mark.parametrize("library", ["torch", "jax"])
@pytest.mark.parametrize("equation", ["Z = W @ X", "Z = X @ W", "Z = w @ X", "Z = X @ w", "Z = x @ W", "Z = x @ w"])  # fmt: skip
def test_products_with_what_is_given_in_cases(equation: str, library: str) -> None:
    draw = np.random.default_rng(0)
    shapes = {"W": (3, 3), "w": (3,), "X": (3, 3), "x": (3,)}
    left, right = equation.removeprefix("Z = ").split(" @ ")
    given = {n: draw.normal(size=shapes[n]) for n in (left, right)}
    cases = {n: {"cases": draw.normal(size=(4, *shapes[n]))} for n in (left, right) if n in "Xx"}
    parameters = {n: a for n, a in given.items() if n in "Ww"}
    agrees(handgrad.Problem(f"{equation}\nL = sum(Z*Z)", parameters, cases), library)
