"""The programs written for a problem run alone and compute what the worked solution says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.graph import build
from tests.graphs import random_graph
from tests.oracle import assert_close
from tests.slow import one_in
from tests.test_operations import ROWS, Row, some, spelled

LIBRARIES = ["numpy", "torch"]
BUNDLED = [name for name, _, _ in handgrad.bundled()]


def executed(program: str) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    with np.errstate(all="ignore"):
        exec(compile(program, "<program>", "exec"), scope)
    return scope


def runs_as_the_trace(problem: handgrad.Problem, to: str) -> None:
    trace = handgrad.solve(problem)
    scope = executed(handgrad.code(problem, to))
    for step in trace.steps:
        for line in step.lines:
            if step.kind == "loss_after" or line.role == "let":
                continue
            name = line.target.name
            if line.role == "updated":
                assert_close(np.asarray(scope[name]), np.asarray(line.value))
            elif line.role == "gradient":
                assert_close(np.asarray(scope[f"d{name}"]), np.asarray(line.value))
    assert_close(np.asarray(scope[trace.graph.cost]), np.asarray(trace.run.loss))


@pytest.fixture(autouse=True)
def torch_default() -> Any:
    torch = pytest.importorskip("torch")
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(autouse=True)
def unprinted(capsys: pytest.CaptureFixture[str]) -> None:
    """What the programs print is not looked at here."""


@pytest.mark.parametrize("to", LIBRARIES)
def test_a_parameter_that_does_not_reach_the_loss(to: str) -> None:
    given = {"w": 2.0, "unused": [0.5, -1.0]}
    update = handgrad.Update(rule="sgd", rate=0.1)
    problem = handgrad.Problem("L = (w - y)**2", given, {"y": 1.0}, update=update)
    runs_as_the_trace(problem, to)


@pytest.mark.parametrize("to", LIBRARIES)
def test_class_numbers_in_cases(to: str) -> None:
    data = {"x": {"cases": [[1.4, -1.4], [1.3, -0.9]]}, "y": {"cases": [2, 0]}}
    equations = ["z = W @ x", "p = softmax(z)", "L = cross_entropy(p, y)"]
    problem = handgrad.Problem(equations, {"W": [[0.2, -0.1], [0.5, 0.4], [-0.6, 0.8]]}, data)
    runs_as_the_trace(problem, to)


@pytest.mark.parametrize("to", LIBRARIES)
@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_problems(name: str, to: str) -> None:
    runs_as_the_trace(handgrad.load(name), to)


@pytest.mark.parametrize("to", LIBRARIES)
@pytest.mark.parametrize("row", some(ROWS, 2, 4))
def test_every_operation(row: Row, to: str) -> None:
    generator = np.random.default_rng(3)
    draws = row.draws * len(row.shapes) if len(row.draws) == 1 else row.draws
    equations = [f"r = {spelled(row)}", "L = sum(r*r) + sum(r)"]
    for cases in (0, 3):
        arrays = {}
        for i, (shape, draw) in enumerate(zip(row.shapes, draws, strict=True)):
            drawn = np.asarray(draw(generator, (cases, *shape) if cases else shape))
            arrays[f"a{i}"] = {"cases": drawn} if cases else drawn
        runs_as_the_trace(handgrad.Problem(equations, arrays), to)


@pytest.mark.parametrize("to", LIBRARIES)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_graphs(seed: int, to: str) -> None:
    runs_as_the_trace(random_graph(seed).problem(), to)


@pytest.mark.parametrize("rule", ["momentum", "rmsprop", "adam", "adamw"])
def test_update_rules(rule: str) -> None:
    problem = handgrad.Problem(
        ["z = W @ x", "L = sum(relu(z))"],
        {"W": [[0.5, -0.25], [1.0, 2.0]]},
        {"x": [1.0, 2.0]},
        update=handgrad.Update(rule, 0.1),
    )
    runs_as_the_trace(problem, "numpy")


@pytest.mark.parametrize(
    "name",
    one_in(6, BUNDLED),
)
def test_jax_where_it_is_installed(name: str) -> None:
    """JAX compiles each operation of each shape anew: a sixth of the problems, and the sweep the rest."""
    pytest.importorskip("jax")
    runs_as_the_trace(handgrad.load(name), "jax")


def test_the_program_runs_alone(tmp_path: Path) -> None:
    file = tmp_path / "lab9.py"
    file.write_text(handgrad.code(handgrad.load("lab9")), "utf-8")
    ran = subprocess.run(
        [sys.executable, "-I", "-W", "error", file], capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[0].startswith("L = 0.45476")
    assert "2.4 Error signal" in file.read_text("utf-8")


def test_names_that_the_program_needs_itself() -> None:
    problem = handgrad.Problem(
        ["np = print * float", "math = exp(np)", "L = sum(math)"],
        {"print": [1.0, 2.0], "dprint": 1.0},
        {"float": [0.5, 0.25]},
    )
    scope = executed(handgrad.code(problem))
    expected = handgrad.run(problem, build(problem)).gradient("print")
    assert_close(scope["dprint__"] if "dprint__" in scope else scope["dprint_"], expected)


def test_a_title_stays_a_title() -> None:
    title = 'x"""\nraise SystemExit(1)\n"""\\'
    problem = handgrad.Problem(["L = w * 2"], {"w": 1.0}, title=title)
    assert executed(handgrad.code(problem))["L"] == 2.0


def test_another_library_is_refused() -> None:
    with pytest.raises(handgrad.OptionError, match="did you mean torch"):
        handgrad.code(handgrad.load("lab9"), "tourch")


def test_a_value_called_as_temporaries_are_keeps_its_name() -> None:
    problem = handgrad.Problem(["t2 = softmax(x)", "t1 = sum(t2*x)", "L = t1*t1"], {"x": [1, 2]})
    scope = executed(handgrad.code(problem, "numpy"))
    run = handgrad.run(problem, build(problem))
    for name in ("t2", "t1"):
        assert_close(scope[name], run.value(name))


def test_gradients_over_cases_are_written_once_as_a_person_writes_them() -> None:
    program = handgrad.code(handgrad.load("batch"), "numpy")
    assert "dW2 = dz2 @ h1.T / 3\n" in program
    gradients = re.findall(r"^(d\w+) = ", program, re.MULTILINE)
    assert len(gradients) == len(set(gradients))


def test_a_shift_that_softmax_does_not_feel(capsys: pytest.CaptureFixture[str]) -> None:
    """The gradient through m = max(z) is 0 whatever z is: no path leads through it."""
    problem = handgrad.Problem(
        ["m = max(z)", "lse = m + log(sum(exp(z - m)))", "L = lse - z[1]"], {"z": [1.0, 2.0, 0.5]}
    )
    assert len(build(problem).gradients["z"].parts) == 1
    for library in ("numpy", "torch"):
        exec(compile(handgrad.code(problem, library), "<program>", "exec"), {})


def test_a_ratio_of_probabilities_is_no_probability() -> None:
    """KL written out, and minus a sum of y ln p whatever p may be, have a value."""
    shares = {"p": [0.1, 0.9], "q": [0.9, 0.1]}
    kl = handgrad.solve(handgrad.Problem("L = sum(q*log(q/p))", shares)).run.loss
    assert kl == pytest.approx(0.8 * np.log(9))
    any_p = handgrad.Problem("L = -sum(y*log(p))", {"p": [2.0, 0.5]}, {"y": [1, 0.5]})
    assert handgrad.solve(any_p).run.loss == pytest.approx(-0.5 * np.log(2))
    with pytest.raises(handgrad.NumberError, match="probabilities"):
        handgrad.solve(
            handgrad.Problem("L = cross_entropy(p, y)", {"p": [2.0, 0.5]}, {"y": [1, 0]})
        )
