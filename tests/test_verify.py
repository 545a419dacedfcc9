"""verify agrees with PyTorch on every operation, and notices a wrong pull-back."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad import operations
from handgrad.cli.commands import run
from handgrad.expression import Expression
from handgrad.formats.terminal import render_terminal
from handgrad.operations.operation import Application
from handgrad.verification.verifying import Verification
from tests.test_operations import ROWS, Row, edges, some, spelled


def verification(row: Row) -> Verification:
    generator = np.random.default_rng(1)
    draws = row.draws * len(row.shapes) if len(row.draws) == 1 else row.draws
    arrays = {
        f"a{i}": np.asarray(draw(generator, shape))
        for i, (shape, draw) in enumerate(zip(row.shapes, draws, strict=True))
    }
    # Of r*r alone the slope is 0 where r is, and a bend of r there is none of the loss.
    return handgrad.verify(
        handgrad.Problem([f"r = {spelled(row)}", "L = sum(r*r + r)"], arrays), torch=True
    )


@pytest.mark.parametrize("row", some([r for r in ROWS if edges not in r.draws], 1))
def test_every_operation(row: Row) -> None:
    checked = verification(row)
    assert checked.agrees
    assert checked.largest("finite differences") < 1e-8
    assert checked.largest("torch autograd") < 1e-12


@pytest.mark.parametrize("name", ["relu", "sigmoid", "multiply", "softmax", "matmul"])
def test_a_wrong_pullback_is_noticed(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = operations.BY_NAME[name]

    def almost(i: int, g: Expression, p: Application) -> Expression | None:
        formula = record.pullback(i, g, p)
        return None if formula is None else formula * 1.01

    wrong = replace(record, pullback=almost)
    monkeypatch.setitem(operations.BY_NAME, name, wrong)
    row = next(r for r in ROWS if r.name == name and r.shapes[0])
    checked = verification(row)
    assert not checked.agrees
    assert checked.largest("finite differences") > 1e-5
    assert checked.largest("torch autograd") > 1e-5


@pytest.mark.parametrize("y", [[0, 1, 0], [0.25, 0.25, 0.5], [[1, 0], [0, 1]], [1]], ids=str)
def test_a_log_sum_exp_is_written_for_any_targets(y: Any) -> None:
    """Its slope with respect to them is −z, as y moves away from what adds up to 1."""
    z = np.arange(np.size(y)).reshape(np.shape(y)) - 0.4
    columns = ", axis=1" if np.ndim(y) == 2 else ""
    lines = [f"lse = log(sum(exp(z){columns}))", "L = sum(lse) - sum(y*z)"]
    if columns:
        lines = [f"l = log(sum(exp(z){columns})) - sum(y*z{columns})", "L = sum(l)"]
    problem = handgrad.Problem(lines, {"z": z}, {"y": y})
    assert handgrad.verify(problem).agrees
    assert handgrad.solve(problem).run.gradient("y") == pytest.approx(-z)


def test_a_disagreement_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = operations.BY_NAME["relu"]
    wrong = replace(record, pullback=lambda i, g, p: g)
    monkeypatch.setitem(operations.BY_NAME, "relu", wrong)
    assert run(["verify", "lab9"]) == 1
    assert "b⁽²⁾" in capsys.readouterr().out


def test_kinks_are_said() -> None:
    """At a kink any slope between those on the two sides is right for finite differences."""
    checked = handgrad.verify(handgrad.Problem("L = sum(relu(x))", {"x": [0.0, 1.0]}))
    assert checked.agrees
    assert any(c.at_kink for c in checked.comparisons)


def test_several_cases_at_kinks_of_their_own() -> None:
    """One case lies at a kink from below, one from above: the slopes of their sum do not tell."""
    problem = handgrad.Problem(
        ["h = relu(W*x)", "L = (h - y)**2"],
        {"W": 0.0},
        {"x": {"cases": [1.0, -1.0]}, "y": {"cases": [1.0, -1.0]}},
    )
    assert handgrad.verify(problem).agrees


def test_a_sigmoid_far_out_is_no_disagreement() -> None:
    """exp(1000) is infinite, and autograd through 1 / (1 + exp(−z)) as it stands gives nan."""
    problem = handgrad.Problem("L = sum(sigmoid(z)) + sum(silu(z))", {"z": [-1000.0, 1000.0]})
    assert handgrad.verify(problem).agrees


def test_class_numbers_in_cases_raise_no_warning() -> None:
    data = {"x": {"cases": [[1.4, -1.4], [1.3, -0.9]]}, "y": {"cases": [2, 0]}}
    equations = ["z = W @ x", "p = softmax(z)", "L = cross_entropy(p, y)"]
    problem = handgrad.Problem(equations, {"W": [[0.2, -0.1], [0.5, 0.4], [-0.6, 0.8]]}, data)
    assert handgrad.verify(problem).agrees


def test_a_kink_of_a_gentle_slope_is_one() -> None:
    """Slopes of 0 and 0.0007 beside a fold are far apart for their size; a curve's slopes are not."""
    folded = handgrad.verify(handgrad.Problem("L = 0.0007*relu(w - 1)", {"w": 1}))
    assert folded.agrees
    assert any(c.at_kink for c in folded.comparisons)
    curved = handgrad.verify(handgrad.Problem("L = 50*(w - 1)**2 + 1e-7*w", {"w": 1}))
    assert curved.agrees
    assert not any(c.at_kink for c in curved.comparisons)


def test_a_steep_curve_is_no_kink() -> None:
    """softmax at 10⁴ times m: the slope at m is that of the curve, which a step of 6e-6 does not see."""
    text = "s = c*m\nA = softmax(s)\nL = sum(A*A)"
    problem = handgrad.Problem(text, {"m": [1.0, 1.00005]}, {"c": 10000.0})
    found = handgrad.verify(problem)
    assert found.agrees
    assert not any(c.at_kink for c in found.comparisons)


def test_kinks_whose_slopes_are_those_of_no_side() -> None:
    """relu(x) − relu(−x) is x: its slope is 1, and the slopes of 0 that are taken at 0 add up to 0."""
    checked = handgrad.verify(handgrad.Problem("L = relu(x) - relu(-x)", {"x": 0.0}))
    assert checked.agrees
    by = {c.method: c for c in checked.comparisons}
    assert by["finite differences"].beside
    assert by["finite differences"].ours == pytest.approx(1.0)
    text = render_terminal(checked.page(), width=200, colour=False, unicode=True)
    assert "the slope on either side for ∂L/∂x" in " ".join(text.split())


def test_what_a_large_loss_hides_from_differences_is_not_called_wrong() -> None:
    """The slope of exp(eta) - k*eta in k is -eta, some 50 beside a loss of 10^65."""
    problem = handgrad.Problem(
        "eta = X @ beta\nL = mean(exp(eta) - k*eta)",
        {"beta": [10.0, -140.0]},
        {"X": [[1.1, -1.0], [-0.5, -1.0], [0.2, -0.4]], "k": [0.0, 0.0, 2.0]},
    )
    report = handgrad.verify(problem)
    assert report.agrees
    by = {(c.method, c.name): c.lost for c in report.comparisons}
    assert by["finite differences", "beta"] == "none"
    assert by["finite differences", "k"] == "all"
    assert "were not compared" in handgrad.render(report, "txt")


def test_where_floats_cancel_many_digits_decide() -> None:
    """A layer norm of two numbers gives ±(1 − 1e-9): of what passes back through it floats keep few digits."""
    problem = handgrad.Problem(
        "n = layernorm(w * x)\nL = mse(v * n, y)",
        {"w": [-70.0, 120.0], "v": [8000.0, -4000.0]},
        {"x": [1.1, 0.3], "y": [1.4, 0]},
    )
    found = handgrad.verify(problem)
    assert found.agrees
    assert "cancel in double precision" in render_terminal(found.page()).replace("\n  ", " ")


@pytest.mark.parametrize("loss", ["-ln(p[y])", "cross_entropy(p, y)", "nll(ln(p), y)"])
@pytest.mark.parametrize("y", [0, 1])
def test_the_number_of_a_class_has_no_slope(loss: str, y: int) -> None:
    """A difference at y = −0.000006 was held against the 0 of a class's number, or said to cancel."""
    problem = handgrad.Problem(
        f"p = softmax(E[ids])\nL = {loss}", {"E": [0.8, -0.7, 0.1]}, {"ids": [0, 2], "y": y}
    )
    found = handgrad.verify(problem)
    assert found.agrees
    assert {c.name for c in found.comparisons} == {"E"}
    assert found.numbers_of_entries == ("ids", "y")
    assert "they say which entry or class is meant" in render_terminal(found.page())


def test_pytorch_is_not_imported_unasked() -> None:
    """Its import takes ten times as long as all the rest of the command."""
    program = """
import sys
import handgrad
from handgrad.cli.commands import run
lab = handgrad.load("lab9")
found = handgrad.verify(lab)
assert list(found.largest_difference) == ["finite differences"]
assert found.skipped == {"torch autograd": "it was not asked for (--torch)"}
assert "torch" not in sys.modules
assert run(["verify", "lab9", "--torch", "--json"]) == 0
assert "torch" in sys.modules
assert "torch autograd" in handgrad.verify(lab).largest_difference
assert "torch autograd" not in handgrad.verify(lab, torch=False).largest_difference
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["agrees"]


def test_pytorch_asked_for_and_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(handgrad.MissingExtraError, match=r"handgrad\[torch\]"):
        handgrad.verify(handgrad.load("lab9"), torch=True)
    found = handgrad.verify(handgrad.load("lab9"))
    assert "not installed" in found.skipped["torch autograd"]


def test_a_comparison_is_as_precise_as_other_numbers() -> None:
    problem = handgrad.Problem(
        "h = (z > 0)\nL = (v @ h - y)**2",
        {"v": [1.0, 2.0]},
        {"z": {"cases": [[1, -2], [3, 1]]}, "y": 1},
    )
    assert handgrad.verify(problem, torch=True).agrees


def test_a_parameter_that_many_networks_share() -> None:
    """Each network has a loss of its own; the page's gradient is the mean, and that of autograd the sum."""
    problem = handgrad.Problem(
        "z = w*x\nL = (v*z - y)**2", {"w": {"cases": [1, 2]}, "v": 1}, {"x": 3, "y": 1}
    )
    assert handgrad.verify(problem, torch=True).agrees
