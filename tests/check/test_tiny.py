"""Numbers far below what rounding leaves: a figure is held to the number's own size."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

import handgrad
from handgrad.cli.commands import run

FAR = handgrad.Problem("p = sigmoid(z)\nL = -ln(p)", {"z": -148.0})
SPREAD = handgrad.Problem("p = softmax(z)\nL = -ln(p[0])", {"z": [0.0, -30.0, 1.0]})


@pytest.mark.parametrize("figure", ["5.3e-65", "5.30e-65", "0", "0.0000"])
def test_a_tiny_value(figure: str) -> None:
    """e⁻¹⁴⁸ = 5.302e-65."""
    assert handgrad.Checker(FAR).check({"p": figure}).verdicts["p"].verdict == "right"


@pytest.mark.parametrize("figure", ["5.31e-65", "1.96e-64", "-5.3e-65", "1e-20"])
def test_another_tiny_value(figure: str) -> None:
    """As small, and not e⁻¹⁴⁸."""
    assert handgrad.Checker(FAR).check({"p": figure}).verdicts["p"].verdict == "wrong"


@pytest.mark.parametrize(("figure", "verdict"), [("2.517e-14", "right"), ("2.617e-14", "wrong")])
def test_a_tiny_entry_beside_others(figure: str, verdict: str) -> None:
    """softmax(0, −30, 1)₂ = e⁻³⁰/(1 + e + e⁻³⁰) = 2.517e-14."""
    sheet = {"p": ["0.2689", figure, "0.7311"]}
    assert handgrad.Checker(SPREAD).check(sheet).verdicts["p"].verdict == verdict


def test_a_rest_of_rounding_is_0() -> None:
    """What a program leaves of 0.1 · 3 − 0.3 is right where 0 is."""
    problem = handgrad.Problem("z = w*x - c\nL = z**2", {"w": 0.1}, {"x": 3.0, "c": 0.3})
    found = handgrad.Checker(problem).check({"z": 0.1 * 3 - 0.3, "dz": 2 * (0.1 * 3 - 0.3)})
    assert {j.verdict for j in found.entered} == {"right"}


def test_it_is_shown_as_it_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a power of ten, and not with 66 decimals."""
    (tmp_path / "far.toml").write_text(
        'equations = ["p = sigmoid(z)", "L = -ln(p)"]\nparameters.z = -148'
    )
    (tmp_path / "answers.toml").write_text('p = "1.96e-64"')
    run(["check", str(tmp_path / "far.toml"), str(tmp_path / "answers.toml")])
    assert "you wrote  p = 1.96·10⁻⁶⁴" in capsys.readouterr().out


MASKED = """
equations = '''
S = Q @ K.T
Sm = where(M, S, -1e9)
A = softmax(Sm, axis=1)
L = sum((A - Y)**2)
'''
[parameters]
Q = [[-1.32, -0.32], [0.51, -1.32]]
K = [[0.27, -1.72], [-1.34, 0.57]]
[data]
M = [[1, 0], [1, 1]]
Y = [[0, 1], [1, 0]]
"""


@pytest.mark.parametrize(("figure", "verdict"), [("-1.4358", "right"), ("-1.0358", "wrong")])
def test_a_score_beside_a_mask(figure: str, verdict: str) -> None:
    """q₂ · k₂ = −0.51 · 1.34 − 1.32 · 0.57 = −1.4358; the mask's −10⁹ is no measure for it."""
    sheet = {"Sm": [["0.1940", "-1000000000"], ["2.4081", figure]]}
    assert handgrad.Checker(handgrad.loads(MASKED)).check(sheet)["Sm"].verdict == verdict


def test_figures_where_a_mask_is() -> None:
    """Kᵀ's gradient comes before K's and differs from it off its diagonal, by far less than the mask's last digits."""
    checker = handgrad.Checker(handgrad.loads(MASKED))
    figures = handgrad.solve(handgrad.loads(MASKED)).run.gradient("K")
    sheet = {"Sm": [[f"{x:.6e}" for x in row] for row in figures]}
    assert "these are the figures of dK" in str(checker.check(sheet)["Sm"])


def test_nothing_follows_from_a_division_by_a_rounded_0() -> None:
    """The long way to dz divides by a p of 0.000000, and has no number: not every figure is within its bounds."""
    problem = handgrad.Problem(
        ["p = softmax(z)", "L = -sum(y * log(p))"], {"z": [0.0, 0.0, 1000.0]}, {"y": [1, 0, 0]}
    )
    sheet = {"p": ["0.000000e+00", "0.000000e+00", "1.000000e+00"], "L": "1000"}
    checker = handgrad.Checker(problem)
    assert checker.check({**sheet, "dz": ["0.0", "0.0", "1.0"]})["dz"].verdict == "wrong"
    assert checker.check({**sheet, "dz": ["-1.0", "0.0", "1.0"]})["dz"].verdict == "right"


def test_bounds_that_run_away_make_no_figure_right() -> None:
    """Of p, the long way leads through 1/p² = 1e261, whose bounds hold every number."""
    problem = handgrad.loads(
        """
equations = '''
logits = W @ x
e = exp(logits)
p = e/sum(e)
loss = -ln(p[1])
'''
[parameters]
W = [[100], [400], [700], [-1000]]
[data]
x = [1]
"""
    )
    sheet = {"p": ["2.650397e-261", "5.1482e-131", "1.000000", "0"]}
    right = {**sheet, "dlogits": ["0", "-1", "1", "0"]}
    wrong = {**sheet, "dlogits": ["7.7777", "-1", "1", "0"]}
    checker = handgrad.Checker(problem)
    assert checker.check(right).verdicts["dlogits"].verdict == "right"
    assert checker.check(wrong).verdicts["dlogits"].verdict == "wrong"


def test_what_its_figure_says_exactly_is_not_rounded() -> None:
    """The softmax of one score is 1 and its gradient 0: no rounding on the way makes 0.000000999999 of it."""
    problem = handgrad.Problem(
        "m = max(a)\nlse = m + ln(sum(exp(a - m)))\nloss = lse - a[0]", {"a": [-1]}, {}
    )
    report = handgrad.check(problem, m="-1", lse="-1", da=["-9.999990e-07"])
    assert report["da"].verdict == "wrong"
    assert handgrad.check(problem, m="-1", lse="-1", da=["0"])["da"].verdict == "right"


def test_what_a_program_s_floats_lose_beside_the_largest() -> None:
    """PyTorch's slope of gelu at −9 is off by 1 %; half of e⁻²⁰ is no loss of floats."""
    problem = handgrad.loads('equations = "L = sum(gelu(z))"\n[parameters]\nz = [-9, 1]\n')
    z = torch.tensor([-9.0, 1.0], dtype=torch.float64, requires_grad=True)
    (slopes,) = torch.autograd.grad(torch.nn.functional.gelu(z).sum(), z)
    assert slopes[0] / handgrad.solve(problem).run.gradient("z")[0] > 1.01
    handgrad.assert_gradients(problem, {"z": slopes.numpy()})

    small = handgrad.loads('equations = "L = sum(exp(z))"\n[parameters]\nz = [-20, 1]\n')
    right = np.exp([-20.0, 1.0])
    handgrad.assert_gradients(small, {"z": right})
    with pytest.raises(AssertionError, match="dz is wrong"):
        handgrad.assert_gradients(small, {"z": right * [0.5, 1]})


def test_what_floats_have_none_of_is_not_held_to_its_size() -> None:
    """Where p is 1 in floats they have nothing of p − 1, and figures from many digits are no mistake."""
    problem = handgrad.loads(
        'equations = """\nh = 2*x\np = softmax(W @ h)\nL = -sum(y*log(p))\n"""\n'
        "[parameters]\nW = [[100], [357]]\n"
        "[data]\nx = { cases = [[0.5], [-0.5]] }\ny = { cases = [[0, 1], [0, 1]] }\n"
    )
    figures = {"dh": [f"{-257 * math.exp(-257):.6e}", "-257"]}
    assert handgrad.Checker(problem).check(figures)["dh"].verdict == "right"
