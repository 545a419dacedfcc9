"""What is decided: ties that are given to another, gates at exactly 0, one of two taken throughout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.arrays import Array
from handgrad.checking import CheckReport
from tests.check.students import decimals, texts

PAIR = handgrad.Problem(
    "H = maximum(a, b)\nL = sum(H*c)", {"a": [1, 2], "b": [1, 0]}, {"c": [3, 5]}
)
"""The first entries tie: each receives half of 3."""


@pytest.mark.parametrize(
    ("target", "figures"),
    [("da", ["3", "5"]), ("da", ["0", "5"]), ("db", ["0", "0"]), ("db", ["3", "0"])],
)
def test_a_tie_of_two_is_given_to_one_or_to_both(target: str, figures: list[str]) -> None:
    (found,) = handgrad.check(PAIR, {target: figures})[target].diagnosis
    assert found.rule == "tie_decided"
    assert "are equal, the gradient is shared equally here" in str(found)


def test_half_of_a_tie_is_right() -> None:
    assert handgrad.check(PAIR, da=["1.5", "5"], db=["1.5", "0"]).all_well


@pytest.mark.parametrize("figures", [["2", "0", "0", "3"], ["2", "2", "0", "3"]])
def test_a_tie_along_an_axis_is_given_to_the_first_or_to_each(figures: list[str]) -> None:
    """Maxout, with examples in the rows."""
    rows = handgrad.Problem(
        "M = max(A, axis=1)\nL = M @ c", {"A": [[1, 1], [-1, 4]]}, {"c": [2, 3]}
    )
    entered = [figures[:2], figures[2:]]
    assert handgrad.check(rows, dA=[["1", "1"], ["0", "3"]]).all_well
    (found,) = handgrad.check(rows, dA=entered)["dA"].diagnosis
    assert found.rule == "tie_decided"


def test_a_tie_in_a_window_is_given_to_the_first() -> None:
    pool = handgrad.Problem("P = max_pool2d(A, size=2)\nL = 3*sum(P)", {"A": [[2, 1], [2, -1]]}, {})
    assert handgrad.check(pool, dA=[["1.5", "0"], ["1.5", "0"]]).all_well
    (found,) = handgrad.check(pool, dA=[["3", "0"], ["0", "0"]])["dA"].diagnosis
    assert found.rule == "tie_decided"


def test_a_gate_is_open_at_exactly_0() -> None:
    problem = handgrad.Problem(
        "z = W @ x\nh = relu(z)\nL = h @ c",
        {"W": [[1, -1], [1, 1], [-1, -1]]},
        {"x": [2, 2], "c": [3, 5, 7]},
    )
    assert handgrad.check(problem, dz=["0", "5", "0"]).all_well
    for figure in ("3", "1.5"):
        (found,) = handgrad.check(problem, dz=[figure, "5", "0"])["dz"].diagnosis
        assert str(found) == (
            "the slope at a kink is another: where z is exactly 0 the gate is shut here"
        )


def test_a_hinge_at_its_margin_has_no_gate_the_wrong_way_round() -> None:
    problem = handgrad.Problem("h = hinge(w @ x, y)\nL = 2*h", {"w": [1, 0]}, {"x": [1, 2], "y": 1})
    assert handgrad.check(problem, dw=["0", "0"]).all_well
    found = handgrad.check(problem, dw=["-2", "-4"])["dw"].diagnosis[0]
    assert found.rule == "open_at_zero"


EXPERTS = handgrad.Problem(
    "g = softmax(W @ x)\ntop = max(g)\nkeep = g >= top\nE = V @ x\nyhat = sum(keep*g*E)\n"
    "aux = 3*sum(keep*g)\nL = (yhat - y)**2 + 0.1*aux",
    {"W": [[0.5, 0], [0.2, -0.3], [0, 0.1]], "V": [[1, -1], [0.5, 0.5], [-0.2, 0.3]]},
    {"x": [1, -1], "y": 1},
)
"""A mixture of experts whose first two tie."""


def test_the_first_of_those_that_tie_is_kept_alone() -> None:
    """What follows from it is no more than consistent; by chance E ≥ top gives the same as a wrong g ≥ top."""
    given = {"keep": ["1", "0", "0"], "yhat": "0.7847", "aux": "1.1769", "L": "0.1641"}
    report = handgrad.check(EXPERTS, given)
    assert [d.rule for d in report["keep"].diagnosis] == ["equal_left_out"]
    assert [report[n].verdict for n in ("yhat", "aux", "L")] == ["right", *["consistent"] * 2]
    assert handgrad.check(EXPERTS, aux=given["aux"])["aux"].verdict == "wrong"


def test_a_wrong_choice_copied_alone_costs_once() -> None:
    """What is right in spite of it was worked out from the right one."""
    report = handgrad.check(EXPERTS, keep=["1", "0", "0"], aux="2.3540", L="0.2818")
    assert [report[n].verdict for n in ("aux", "L")] == ["right", "right"]


def test_what_equals_a_bound_is_counted() -> None:
    problem = handgrad.Problem("k = a > b\nL = sum(k*a)", {"a": [1, 3, 0]}, {"b": [1, 2, 2]})
    (found,) = handgrad.check(problem, k=["1", "1", "0"])["k"].diagnosis
    assert str(found).startswith("what is equal is counted: ")


PPO = handgrad.Problem(
    "r = exp(p - q)\nsurr = min(r*adv, max(min(r, 1 + eps), 1 - eps)*adv)\nL = -surr",
    {"p": -0.9},
    {
        "q": {"cases": [-1.4, -1.0, -0.7]},
        "adv": {"cases": [1.0, -1.0, 0.5]},
        "eps": 0.2,
    },
)


def test_one_of_two_is_taken_for_the_smaller() -> None:
    right = handgrad.solve(PPO).values
    plain = np.asarray(right["r"]) * [1, -1, 0.5]
    assert np.asarray(right["surr"])[0] == pytest.approx(1.2)
    found = handgrad.check(PPO, surr=texts(plain, decimals(4)))["surr"].diagnosis[0]
    assert str(found) == (
        "the choice between two is left out: r is taken, also where it should be 1 + eps"
    )


@pytest.mark.parametrize("kept", [1, 2])
def test_one_branch_is_taken_throughout(kept: int) -> None:
    problem = handgrad.Problem(
        "h = where(c, a, b)\nL = sum(h)", {"a": [1, 2.5], "b": [3, 4]}, {"c": [1, 0]}
    )
    figures = [["1", "2.5"], ["3", "4"]][kept - 1]
    (found,) = handgrad.check(problem, h=figures)["h"].diagnosis
    assert found.rule == "choice_left_out"


# -- planted ---------------------------------------------------------------------------------------

NETWORK = "z = W @ x\nh = relu(z)\nm = maximum(h, t)\nk = m >= t\ns = sum(k*m*c)\nL = s**2"


def _work(given: Mapping[str, Array], wrong: str) -> dict[str, Array]:
    """All figures, with one decision made otherwise and carried on."""
    s: dict[str, Any] = {**given, "z": given["W"] @ given["x"]}
    s["h"] = np.maximum(s["z"], 0)
    s["m"] = s["h"] if wrong == "choice_left_out" else np.maximum(s["h"], s["t"])
    s["k"] = (s["m"] > s["t"] if wrong == "equal_left_out" else s["m"] >= s["t"]) + 0.0
    s["s"] = np.sum(s["k"] * s["m"] * s["c"])
    s["L"], s["ds"] = s["s"] ** 2, 2 * s["s"]
    s["dm"] = s["ds"] * s["k"] * s["c"]
    tie = (s["h"] == s["t"]) * (1.0 if wrong == "tie_decided" else 0.5)
    s["dh"] = s["dm"] * ((s["h"] > s["t"]) + tie)
    s["dz"] = s["dh"] * (s["z"] >= 0 if wrong == "open_at_zero" else s["z"] > 0)
    s["dW"] = np.outer(s["dz"], s["x"])
    return {name: value for name, value in s.items() if name not in given}


TARGETS = {
    "choice_left_out": "m",
    "equal_left_out": "k",
    "tie_decided": "dh",
    "open_at_zero": "dz",
}


@pytest.mark.parametrize("rule", TARGETS)
def test_what_is_decided_otherwise_is_named_and_costs_once(rule: str) -> None:
    draws, tried = np.random.default_rng(3), 0
    while tried < 12:
        given = {
            "W": draws.integers(-2, 3, (3, 2)).astype(float),
            "x": draws.integers(1, 3, 2).astype(float),
            "t": draws.integers(-1, 3, 3).astype(float),
            "c": draws.choice([0.5, -1.5, 2, 0.7], 3, replace=False),
        }
        data = {n: given[n] for n in ("x", "t", "c")}
        problem = handgrad.Problem(NETWORK, {"W": given["W"]}, data)
        right, wrong = _work(given, ""), _work(given, rule)
        target = TARGETS[rule]
        if not _tells(right, wrong, target):
            continue
        tried += 1
        show = decimals(4)
        assert handgrad.check(problem, {n: texts(v, show) for n, v in right.items()}).all_well
        report = handgrad.check(problem, {n: texts(v, show) for n, v in wrong.items()})
        assert _wrong(report) == [target]
        assert rule in {d.rule for d in report[target].diagnosis}


def _tells(right: Mapping[str, Array], wrong: Mapping[str, Array], target: str) -> bool:
    """Whether the figures are other ones, and something is left of them."""
    return bool(np.any(right[target] != wrong[target]) and np.any(wrong[target]))


def _wrong(report: CheckReport) -> list[str]:
    return [s.target for s in report.wrong]
