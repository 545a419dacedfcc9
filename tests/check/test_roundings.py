"""What roundings on the way may have led to, and no more than that."""

from __future__ import annotations

from math import erf, sqrt

import numpy as np
import pytest

import handgrad

NORMED = """
equations = '''
R = X + A @ X
N = layernorm(R)
F = gelu(N @ W1) @ W2
out = N + F
L = mse(out, Y)
'''
[parameters]
W1 = [[-1, 0.5], [-1.5, 0.5]]
W2 = [[-1.5, 1.5], [-1.5, 1]]
[data]
A = [[0.31, 0.69], [0.14, 0.86]]
X = [[-1.5, 0], [0.5, 1]]
Y = [[-1.5, 1], [-0.5, 1]]
"""


def in_digits(array: object, digits: int) -> list[list[str]]:
    return [[f"{x:.{digits - 1}e}" for x in row] for row in np.asarray(array)]


@pytest.mark.parametrize("digits", [4, 7, 10])
def test_another_row_is_no_rounding_of_this_one(digits: int) -> None:
    """Through a layer norm of two entries bounds widen far more than any roundings lead to."""
    problem = handgrad.loads(NORMED)
    right = handgrad.solve(problem).values["F"]
    assert handgrad.check(problem, {"F": in_digits(right, digits)})["F"].verdict == "right"
    off = right + np.array([[0, 0], [40 * 10.0**-digits, 0]])
    assert handgrad.check(problem, {"F": in_digits(off, digits)})["F"].verdict == "wrong"


def test_numbers_rounded_on_the_way_are_right() -> None:
    """Every number carried to four decimals, and what follows from them."""
    problem = handgrad.loads(NORMED)
    given = {name: np.array(g.array) for name, g in {**problem.parameters, **problem.data}.items()}
    summed = np.round(given["X"] + given["A"] @ given["X"], 4)
    centred = np.round(summed - summed.mean(axis=1, keepdims=True), 4)
    spread = np.round(np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5), 4)
    normed = np.round(centred / spread, 4)
    hidden = np.round(normed @ given["W1"], 4)
    share = np.round([[0.5 * (1 + erf(x / sqrt(2))) for x in row] for row in hidden], 4)
    fed = np.round(np.round(hidden * share, 4) @ given["W2"], 4)
    report = handgrad.check(problem, {"F": [[f"{x:.4f}" for x in row] for row in fed]})
    assert report["F"].verdict == "right"


def test_what_comes_later_is_no_number_to_have_taken() -> None:
    """`out` is made of N, so that nobody has put it in N's place to work out F."""
    problem = handgrad.loads(NORMED)
    values = handgrad.solve(problem).values
    off = values["F"] + [[0, 0], [4e-6, 0]]
    judged = handgrad.check(problem, {"F": in_digits(off, 7)})["F"]
    assert judged.verdict == "wrong"
    assert "another_taken" not in [d.rule for d in judged.diagnosis]


def test_a_chain_of_hundreds_of_steps_that_were_not_entered() -> None:
    steps = "\n".join(f"h{k + 1} = tanh(w*h{k})" for k in range(400))
    problem = handgrad.loads(
        f"equations = '''\nh0 = w\n{steps}\nL = h400\n'''\n[parameters]\nw = 1.5\n"
    )
    loss = float(handgrad.solve(problem).values["L"])
    assert handgrad.check(problem, {"L": f"{loss:.4f}"})["L"].verdict == "right"
    assert handgrad.check(problem, {"L": f"{loss + 0.002:.4f}"})["L"].verdict == "wrong"
