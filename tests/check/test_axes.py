"""Transposes and axes exchanged within a formula, planted in problems of random numbers; figures that tell nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.arrays import Array
from handgrad.checking import Checker
from tests.check.planting import apart
from tests.check.students import decimals, significant, texts

CHAIN = """
s2 = logsumexp(s1 + T.T, axis=1) + e2
s3 = logsumexp(s2 + T.T, axis=1)
gold = T[0,1] + T[1,1]
L = logsumexp(s3) - gold
"""
SYMMETRIC = """
S = tanh(A + A.T)
r = sum(S * B.T, axis=1)
L = sum(r**2)
"""
SHOWN = (decimals(4), decimals(5), significant(4))


def _lse(a: Array) -> Array:
    return np.asarray(np.log(np.exp(a).sum(axis=1)))


def _soft(a: Array) -> Array:
    return np.asarray(np.exp(a) / np.exp(a).sum(axis=1, keepdims=True))


Planted = tuple[str, str, str, Callable[[dict[str, Array]], Any]]
PLANTED: list[Planted] = [
    (CHAIN, "s2", "transpose_forgotten", lambda v: _lse(v["s1"] + v["T"]) + v["e2"]),
    (CHAIN, "s3", "transpose_forgotten", lambda v: _lse(v["s2"] + v["T"])),
    (CHAIN, "dT_via_s3", "transpose_forgotten", lambda v: v["dT_via_s3"].T),
    (CHAIN, "dT", "transpose_forgotten", lambda v: v["dT"] - v["dT_via_s3"] + v["dT_via_s3"].T),
    (CHAIN, "dT", "transpose_forgotten", lambda v: v["dT"] - v["dT_via_s2"] + v["dT_via_s2"].T),
    (CHAIN, "du_2", "broadcast_axis", lambda v: v["ds2"] * _soft(v["u_2"])),
    (CHAIN, "du_1", "broadcast_axis", lambda v: v["ds3"] * _soft(v["u_1"])),
    (SYMMETRIC, "S", "transpose_forgotten", lambda v: np.tanh(2 * v["A"])),
    (SYMMETRIC, "r", "transpose_forgotten", lambda v: (v["S"] * v["B"]).sum(axis=1)),
    (SYMMETRIC, "dS", "transpose_forgotten", lambda v: v["dr"][:, None] * v["B"]),
    (SYMMETRIC, "dS", "broadcast_axis", lambda v: v["dr"] * v["B"].T),
]  # fmt: skip


def _problem(equations: str, n: int, g: np.random.Generator) -> handgrad.Problem:
    def drawn(*shape: int) -> Array:
        return np.round(g.normal(0, 1, shape), 1)

    if equations == CHAIN:
        return handgrad.Problem(equations, {"T": drawn(n, n), "s1": drawn(n), "e2": drawn(n)})
    return handgrad.Problem(equations, {"A": drawn(n, n)}, {"B": drawn(n, n)})


def planted(problems: int, seed: int) -> dict[tuple[str, str], tuple[int, int, int]]:
    """By target and rule: how often it was planted, was named first, and right work was credited whole."""
    g = np.random.default_rng(seed)
    tried: Counter[tuple[str, str]] = Counter()
    first: Counter[tuple[str, str]] = Counter()
    whole: Counter[tuple[str, str]] = Counter()
    checkers: dict[tuple[str, int], Checker] = {}
    for number in range(problems):
        equations, target, rule, wrong = PLANTED[number % len(PLANTED)]
        n = int(g.integers(2, 5))
        problem = _problem(equations, n, g)
        givens = {name: given.array for name, given in problem.inputs.items()}
        checker = checkers.setdefault((equations, n), Checker(problem)).at(givens)
        work = checker.work
        right = {**givens, **{q.target: work.exact[q.leaf] for q in work.structure.quantities}}
        show = SHOWN[int(g.integers(len(SHOWN)))]
        figures = np.asarray(wrong(right))
        if not apart(figures, right[target]):
            continue
        key = target, rule
        tried[key] += 1
        diagnosis = checker.check({target: texts(figures, show)})[target].diagnosis
        first[key] += bool(diagnosis) and diagnosis[0].rule == rule
        report = checker.check({target: texts(right[target], show)})
        whole[key] += report[target].verdict == "right"
    return {key: (tried[key], first[key], whole[key]) for key in tried}


def test_axes_exchanged_within_a_formula_are_named() -> None:
    for key, (tried, first, whole) in planted(66, 5).items():
        assert first >= 0.8 * tried, key
        assert whole == tried, key


@pytest.mark.sweep
def test_sweep_of_axes_exchanged() -> None:
    found = planted(660, 6)
    print(*(f"{key}: {counts}" for key, counts in found.items()), sep="\n")
    tried, first, whole = np.sum(list(found.values()), axis=0)
    assert first >= 0.95 * tried
    assert whole == tried
    assert all(f >= 0.95 * t for t, f, _ in found.values())


def test_transposes_left_out_of_two_shares_are_named_as_such() -> None:
    problem = handgrad.Problem(
        CHAIN, {"T": [[0.5, -0.3], [0.2, 0.1]], "s1": [1, 0], "e2": [0.3, -0.2]}
    )
    work = Checker(problem).work
    right = {q.target: work.exact[q.leaf] for q in work.structure.quantities}
    both = right["dT_via_s3"].T + right["dT_via_s2"].T + right["dT_via_gold"]
    (first, *_) = handgrad.check(problem, {"dT": texts(both, decimals(4))})["dT"].diagnosis
    assert first.rule == "transpose_forgotten+transpose_forgotten"


@pytest.mark.parametrize(
    "answers", [{"db3": "1"}, {"L": "1"}, {"yhat": "0"}, {"db3": "2"}, {"z2": ["1", "0"]}], ids=str
)
def test_one_digit_tells_of_no_mistake(answers: dict[str, Any]) -> None:
    """1 for −0.3654 is what two mistakes together give, and the rounded form of many other numbers."""
    (target,) = answers
    judged = handgrad.check(handgrad.load("lab9"), answers)[target]
    assert judged.verdict == "wrong"
    assert judged.diagnosis == ()


def test_one_digit_that_is_the_whole_number_tells() -> None:
    problem = handgrad.Problem("z = w*x\nL = z**2", {"w": 3.0}, {"x": 2.0})
    assert handgrad.check(problem, {"dz": "6"})["dz"].diagnosis[0].rule == "factor_half"
