"""Residues of rounding in a check: what is 0 on paper, what cancels, and what follows from a supposed slip."""

from __future__ import annotations

import numpy as np
import pytest

import handgrad

COLUMNS = """
equations = '''
Z1 = W1 @ X + b1
A1 = relu(Z1)
Z2 = W2 @ A1 + b2
A2 = sigmoid(Z2)
cost = -1/3 * sum(Y*log(A2) + (1 - Y)*log(1 - A2))
'''
[parameters]
W1 = [[1.5, 0.5, 0]]
b1 = [[-0.5]]
W2 = [[1.5]]
b2 = [[1]]
[data]
X = [[0.5, 2, 0], [2, 1.5, 1], [0, -2, 2]]
Y = [[0, 1, 0]]
"""


def test_a_gate_at_0() -> None:
    """0.5 · 1 − 0.5 is 0: gradient let through there is wrong, whatever bounds of intervals leave."""
    figures = {"Z1": [["1.25", "3.25", "0"]], "dA1": [["0.47330", "-0.00140", "0.36553"]]}
    checker = handgrad.Checker(handgrad.loads(COLUMNS))
    through = checker.check({**figures, "db1": [["0.83743"]]})
    assert through["db1"].verdict == "wrong"
    assert through["db1"].diagnosis[0].rule == "before_gate"
    assert checker.check({**figures, "db1": [["0.47190"]]}).all_well


HINGE = """
equations = '''
z = W @ x + b
L = sum(max(0, z - z[y] + 1)) - 1
'''
[parameters]
W = [[-0.2, -0.7, -1.1], [0, -1.2, -0.5], [0.9, -1.3, 1.1]]
b = [0.8, 0.7, 0.8]
[data]
x = { cases = [[1, 0.2, 1.5], [0.9, 0.1, 0.1]] }
y = { cases = [1, 0] }
"""


def test_a_tie_in_what_was_not_entered() -> None:
    """Without b, −1.99 + 0.99 + 1 is 0, where floats leave −2·10⁻¹⁶: a tie, which halves the gradient."""
    checker = handgrad.Checker(handgrad.loads(HINGE))
    losses = ["4.280000", "3.340000"]
    report = checker.check({"L": losses, "dz": [["0.5", "-2"], ["-1.5", "1"], ["1", "1"]]})
    assert str(report["L"].diagnosis[0]) == "in step 1.1, for z: b is not added"
    assert report["dz"].verdict == "consistent"


POOL = """
equations = '''
H = tanh(Z)
P = max_pool2d(H, size=2, stride=2)
L = 0.5*(sum(P) - y)**2
'''
[parameters]
Z = [[-1.15, -0.46], [3.89, 0.93]]
[data]
y = 1.4
"""


def test_the_largest_of_a_pool_is_sure() -> None:
    """One entry is far the largest: its gradient is all that comes back, and half of it is wrong."""
    problem = handgrad.loads(POOL)
    right = handgrad.solve(problem).run.gradient("Z")[1, 0]
    checker = handgrad.Checker(problem)
    figures = {"H": [["-0.8177541", "-0.4300842"], ["0.9991643", "0.7305939"]]}
    for factor, verdict in ((1, "right"), (0.5, "wrong")):
        dz = {"dZ": [["0", "0"], [f"{factor * right:.6e}", "0"]]}
        assert checker.check({**figures, **dz})["dZ"].verdict == verdict


DIVERGENCE = """
equations = '''
p = softmax(a)
q = softmax(b)
KL = sum(p*log(p/q))
'''
[parameters]
a = [-0.3, 0.9]
b = [1.1, 1.3]
"""


def test_what_cancels_after_a_slip_asks_for_nothing() -> None:
    """dp = (1, 1) makes da 0, which is no work of the softmax's, and no 2.6e-17 either."""
    checker = handgrad.Checker(handgrad.loads(DIVERGENCE))
    judged = checker.check({"dp": ["1.0000", "1.0000"], "da": ["0.0000", "0.0000"]})["da"]
    assert judged.verdict == "consistent"
    assert judged.trivial
    assert judged.following is not None
    assert judged.following.tolist() == [0, 0]


SIAMESE = """
equations = '''
f1 = relu(W @ x1 + b)
f2 = relu(W @ x2 + b)
d = sqrt(sum((f1 - f2)**2))
L = max(0, 1.5 - d)**2
'''
[parameters]
W = [[0.5, -0.2], [0.3, 0.8], [-1, -1]]
b = [0.1, 0, 0]
[data]
x1 = [1, 0]
x2 = [0, 1]
"""


def test_shares_that_cancel_were_to_be_added_up() -> None:
    """Without the second tower's gate the two shares of db are opposite; with no gradient there is nothing to add."""
    checker = handgrad.Checker(handgrad.loads(SIAMESE))
    ungated = [["-1.1047", "1.1047"], ["0.9206", "-0.9206"], ["0", "0"]]
    report = checker.check({"dW": ungated, "db": ["0", "0", "0"]})
    assert [report[n].verdict for n in ("dW", "db")] == ["wrong", "consistent"]
    assert not report["db"].trivial
    assert checker.check({"dd": "0", "db": ["0", "0", "0"]})["db"].trivial


@pytest.mark.parametrize(("figures", "trivial"), [(["2", "-2"], False), (["0", "0"], True)])
def test_cases_that_cancel_were_to_be_added_up(figures: list[str], trivial: bool) -> None:
    given = {"x": {"cases": [1, 3]}, "c": {"cases": [2, 1]}}
    problem = handgrad.Problem("z = w + x\nL = c*z", {"w": 0.5}, given)
    judged = handgrad.check(problem, {"dz": figures, "dw": "0"})["dw"]
    assert (judged.verdict, judged.trivial) == ("consistent", trivial)


def test_what_follows_from_a_supposed_slip() -> None:
    """b taken for q costs once: dp is computed from it, and so is the factor q·p/p that dp has in it."""
    givens = {"a": [-0.7, 0.4, 1.5], "b": [0.7, 0.8, 1.2]}
    text = "p = softmax(a)", "q = softmax(b)", "KL = sum(p*log(p/q))"
    problem = handgrad.Problem(text, givens)
    p, q = handgrad.solve(problem).run.value("p"), np.array(givens["b"])
    dq, dp = -p / q, np.log(p / q) + 1
    db = q * (dq - (dq * q).sum())
    sheet = {"p": p, "dq": dq, "db": db, "dp": dp}
    figures = {name: [f"{x:.4f}" for x in a] for name, a in sheet.items()}
    report = handgrad.Checker(problem).check(figures)
    assert [report[name].verdict for name in sheet] == ["right", "wrong", "wrong", "consistent"]


def test_what_is_divided_by_a_sum_that_cancels() -> None:
    """0.1 + 0.2 − 0.3 is 0 on paper and 5.6e-17 in floats: there follows no number."""
    problem = handgrad.Problem("e = exp(s)\np = e/sum(e)\nJ = -log(p[0])", {"s": [0.5, 1.0, 1.5]})
    figures = {"e": ["0.1", "0.2", "-0.3"], "p": ["0.1863", "0.3072", "0.5065"]}
    judged = handgrad.Checker(problem).check(figures)["p"]
    assert judged.verdict == "right"
    assert judged.following is not None
    assert judged.following.tolist() == [np.inf, np.inf, -np.inf]


def test_a_gate_whose_pre_activation_has_no_name_is_shut_by_a_zero() -> None:
    """0.6 · (−1.5) + 0.9 is 0, and 1.1e-16 in floats: what follows from a figure goes through the slope there."""
    problem = handgrad.Problem(
        "h = leaky_relu(W @ x + b)\nL = sum(h**2)/2 + 3*sum(h)",
        {"W": [[0.0], [0.6]], "b": [0.2, 0.9]},
        {"x": [-1.5]},
    )
    report = handgrad.check(problem, dh=["3.2", "4"])
    assert report["dh"].verdict == "wrong"
    followed = handgrad.check(problem, dh=["3.2", "4"], dW=["-4.8", "-0.06"])["dW"]
    assert followed.verdict == "consistent"
