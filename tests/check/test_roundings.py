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


def test_a_figure_alone_is_right_that_is_right_among_others() -> None:
    """With one gradient of few digits nothing tells decimals from significant digits: either may have been carried."""
    z1, w2 = np.array([1.5, -1.5]), np.array([[-1.7, 0.4], [1.8, -0.7]])
    w3 = np.array([-0.9, 0.4])
    h1 = np.round(np.tanh(z1), 3)
    h2 = np.round(np.tanh(np.round(w2 @ h1, 3)), 3)
    dz3 = np.round(1 / (1 + np.exp(-np.round(w3 @ h2, 3))), 3) - 1
    dz2 = np.round(np.round(dz3 * w3, 3) * np.round(1 - h2**2, 3), 3)
    dz1 = np.round(np.round(w2.T @ dz2, 3) * np.round(1 - h1**2, 3), 3)
    sheet = {"h1": h1, "h2": h2, "dz2": dz2, "dz1": dz1}
    written = {name: [f"{x:.3f}" for x in array] for name, array in sheet.items()}
    checker = handgrad.Checker(
        handgrad.Problem(
            ["h1 = tanh(z1)", "z2 = W2 @ h1", "h2 = tanh(z2)", "z3 = w3 @ h2", "yhat = sigmoid(z3)", "L = bce(yhat, y)"],
            {"z1": z1, "W2": w2, "w3": w3}, {"y": 1},
        )
    )  # fmt: skip
    assert {s.verdict for s in checker.check(written).entered} == {"right"}
    for name, figures in written.items():
        assert checker.check({name: figures})[name].verdict == "right", name
    assert checker.check({"dz1": ["-0.008", "0.002"]})["dz1"].verdict == "wrong"


def test_a_constant_on_the_way_may_be_rounded_too() -> None:
    """2π is worked out of no number of the problem's; 6.28 · 0.7² is right in three digits."""
    problem = handgrad.Problem("A = 2*π*r**2\nL = (A - t)**2", {"r": 0.7}, {"t": 3.0})
    assert handgrad.check(problem, {"A": "3.08"})["A"].verdict == "right"
    assert handgrad.check(problem, {"A": "3.11"})["A"].verdict == "wrong"


def test_short_figures_do_not_make_a_habit_of_one_digit() -> None:
    """∂L/∂h has four decimals: what is not shown was not rounded to one digit, though the penalty's shares have no more."""
    problem = handgrad.Problem(
        ["h = relu(W @ X)", "L = bce(sigmoid(sum(h * V)), y) + 0.05*sum(W**2)"],
        {"W": [[0.5, -1, 2], [1.5, 0.5, -0.5]]},
        {"X": [[1, -0.5, 0.2], [0.3, 0.8, -1], [-1, 0.4, 1.6]], "V": [[0, 0, 0.4], [0, 0, -0.6]], "y": 1},
    )  # fmt: skip
    shown = np.round(handgrad.solve(problem).run.gradient("h"), 4).tolist()
    path_left_out = [[0.05, -0.1, 0.2], [0.15, 0.05, -0.05]]
    report = handgrad.check(problem, {"dh": shown, "dW": path_left_out})
    assert (report["dh"].verdict, report["dW"].verdict) == ("right", "wrong")
    assert report["dW"].diagnosis[0].rule == "path_left_out"


def test_what_follows_of_a_class_beside_numbers_next_to_nothing() -> None:
    """p − [0 1 0 0] is −1 at the class, however small the other entries are: what follows from a wrong h has that row."""
    problem = handgrad.loads("""
equations = ["h = X[0] + X[-1]", "X = E[ids]", "p = softmax(U @ h)", "L = cross_entropy(p, y)"]
[parameters]
E = [[-1.5, 0.6], [-0.8, -0.9], [0.1, -0.2], [1.1, 0.8]]
U = [[-300, -500], [-200, -1100], [200, 1000], [100, 300]]
[data]
ids = [0, 0, 2]
y = 1
""")
    p = ["1", "9.291736e-166", "3.720076e-44", "5.879283e-105"]
    right = [["-1.4", "0.4"], ["1.4", "-0.4"], ["-5.208106e-44", "1.488030e-44"], ["-8.230996e-105", "2.351713e-105"]]  # fmt: skip
    report = handgrad.Checker(problem).check({"h": ["-100", "600"], "p": p, "dU": right})
    (judged,) = [j for j in report.steps if j.target == "dU"]
    assert judged.following is not None
    assert judged.following[1].tolist() == [100, -600]


THIRDS = handgrad.Problem(
    "z = W @ x + b\nh = relu(z)\nL = 0.5*(sum(h) - y)**2",
    {"W": [["2/3", 1], ["-1/3", "2/3"]], "b": ["2/3", 0.5]},
    {"x": [2, 1], "y": 0},
)


@pytest.mark.parametrize(
    ("z", "verdict"),
    [
        (["3", "0.5"], "right"),
        (["3.0001", "0.5001"], "right"),
        (["3.0005", "0.5"], "wrong"),
        (["3", "0.5004"], "wrong"),
    ],
)
def test_a_given_number_may_be_taken_as_the_page_shows_it(z: list[str], verdict: str) -> None:
    """2/3 is 0.6667 under Given, and 0.6667 · 2 + 1 + 0.6667 = 3.0001."""
    assert handgrad.check(THIRDS, {"z": z})["z"].verdict == verdict


def test_a_given_number_that_is_shown_whole_is_taken_as_it_is() -> None:
    halves = THIRDS.with_values({"W": [[0.6667, 1], [-0.3333, 0.6667]], "b": [0.6667, 0.5]})
    assert handgrad.check(halves, {"z": ["3.0001", "0.5001"]})["z"].verdict == "right"
    assert handgrad.check(halves, {"z": ["3.0000", "0.5001"]})["z"].verdict == "wrong"
