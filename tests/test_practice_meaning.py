"""Numbers that mean something mean the same on every sheet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.exercises import draw, requirements

W = [[0.5, -0.3], [0.2, 0.7]]
MASK = [[1, 0, 0], [1, 1, 0], [1, 1, 1]]


def one_hot(axis: int) -> Any:
    def holds(a: Any) -> bool:
        return bool(np.isin(a, (0, 1)).all() and (a.sum(axis=axis) == 1).all())

    return holds


def among(*numbers: float) -> Any:
    return lambda a: bool(np.isin(a, numbers).all())


def adds_up(a: Any) -> bool:
    return bool((a > 0).all() and np.allclose(a.sum(axis=-1), 1, atol=1e-12))


def like(numbers: Any) -> Any:
    return lambda a: bool(np.array_equal(a, numbers))


ATTENTION = "S = X @ (W @ X.T)\n{mask}\nA = softmax({of})\nL = mse(A @ X, T)"
ROWS = [[1.0, 0.5], [0.2, -1], [0.3, 0.1]]
CELL = "f = sigmoid(wf*x + uf*h0)\nc = f*c0 + tanh(wc*x + uc*h0)\nh = f*tanh(c)\nL = (h - t)**2"
SINKHORN = """C = (x.reshape(2,1) - y.reshape(1,2))**2
K = exp(-C)
u = a/(K @ ones)
v = b/(K.T @ u)
L = sum(u.reshape(2,1)*K*v.reshape(1,2)*C)"""
MARGINALS = {"y": [0.5, 1.5], "a": [0.5, 0.5], "b": [0.4, 0.6], "ones": [1, 1]}
KALMAN = "P = a*P0*a + q\nK = P/(P + r)\nL = (K*(y - a*x) - t)**2"
NOISE = {"P0": 1, "q": 0.1, "r": 0.5, "x": 1, "y": 2, "t": 0.5}
WEIGHTS = {"wf": 0.5, "wc": 0.2, "uf": 0.3, "uc": 0.4}
KINDS: list[tuple[str, str, dict[str, Any], dict[str, Any], str, str, Any]] = [
    ("a causal mask", ATTENTION.format(mask="Sm = where(M, S, -1e9)", of="Sm"), {"W": W},
     {"X": ROWS, "M": MASK, "T": ROWS}, "M", "mask", like(MASK)),
    ("a mask added", ATTENTION.format(mask="Sm = S + M", of="Sm"), {"W": W},
     {"X": ROWS, "M": [[0, -1e9, -1e9], [0, 0, -1e9], [0, 0, 0]], "T": ROWS}, "M", "mask",
     like([[0, -1e9, -1e9], [0, 0, -1e9], [0, 0, 0]])),
    ("a mask times −1e9", ATTENTION.format(mask="Sm = S + (1 - M) * -1e9", of="Sm"), {"W": W},
     {"X": ROWS, "M": MASK, "T": ROWS}, "M", "mask", like(MASK)),
    ("a mask of its own equation", ATTENTION.format(mask="B = 1e9 * (M - 1)\nSm = B + S", of="Sm"),
     {"W": W}, {"X": ROWS, "M": MASK, "T": ROWS}, "M", "mask", like(MASK)),
    ("a mask times a given", ATTENTION.format(mask="Sm = S + N * (1 - M)", of="Sm"), {"W": W},
     {"X": ROWS, "M": MASK, "T": ROWS, "N": -1e9}, "M", "mask", like(MASK)),
    ("dropout", "h = relu(W @ x) * m\nL = sum((h - t)**2)", {"W": W},
     {"x": [1, 2], "m": [0, 2], "t": [0.5, 1.5]}, "m", "mask", like([0, 2])),
    ("a graph", "H = relu(A @ (X @ W))\nL = mse(H, T)", {"W": W},
     {"A": MASK, "X": ROWS, "T": ROWS}, "A", "mask", like(MASK)),
    ("labels", "p = sigmoid(w @ x)\nL = bce(p, y)", {"w": [1, 2]}, {"x": [1, 3], "y": 1},
     "y", "labels", among(0, 1)),
    ("labels in columns", "A = sigmoid(w @ X)\nJ = -(1/3)*sum(Y*log(A) + (1-Y)*log(1-A))",
     {"w": [[0.5, -0.2]]}, {"X": [[1, 0, 1], [0, 1, 1]], "Y": [[1, 0, 0]]}, "Y", "labels",
     among(0, 1)),
    ("soft labels", "p = sigmoid(w @ x)\nL = bce(p, y)", {"w": [1, 2]}, {"x": [1, 3], "y": 0.8},
     "y", "probability", lambda a: 0 < a < 1),
    ("one-hot", "p = softmax(W @ x)\nL = -sum(y*log(p))", {"W": W}, {"x": [1, 2], "y": [0, 1]},
     "y", "one_hot", one_hot(0)),
    ("a single class", "p = softmax(W @ x)\nL = -sum(y*log(p))", {"W": [[0.5, -0.2]]},
     {"x": [1, 2], "y": [1]}, "y", "one_hot", lambda a: np.all(a == 1)),
    ("one-hot columns", "P = softmax(W @ X, axis=0)\nL = -sum(Y*log(P))/2", {"W": W},
     {"X": [[1, 2], [0.5, 1]], "Y": [[0, 1], [1, 0]]}, "Y", "one_hot", one_hot(0)),
    ("one-hot rows", "P = softmax(X @ W)\nL = cross_entropy(P, Y)", {"W": W},
     {"X": ROWS, "Y": [[0, 1], [1, 0], [1, 0]]}, "Y", "one_hot", one_hot(1)),
    ("class numbers", "P = softmax(X @ W)\nL = cross_entropy(P, Y)", {"W": W},
     {"X": ROWS, "Y": [0, 1, 1]}, "Y", "class", among(0, 1)),
    ("the numbers of rows", "X = E[k]\nL = sum((X @ w - t)**2)",
     {"E": [[1, 2], [3, 4], [5, 6]], "w": [1, 2]}, {"k": [2, 0], "t": [0.5, 1]}, "k", "class",
     among(0, 1, 2)),
    ("the number of a class", "p = softmax(W @ x)\nL = -log(p[y])", {"W": W},
     {"x": [1, 2], "y": 1}, "y", "class", among(0, 1)),
    ("smoothed labels", "p = softmax(W @ x)\nL = -sum(y*log(p))",
     {"W": [[1, 2], [3, 4], [0.5, 0.6]]}, {"x": [1, 2], "y": [0.9, 0.05, 0.05]}, "y",
     "probabilities", lambda a: sorted(a) == [0.05, 0.05, 0.9]),
    ("probabilities", "p = softmax(W @ x)\nL = sum(q*log(q/p))", {"W": W},
     {"x": [1, 2], "q": [0.3, 0.7]}, "q", "probabilities", adds_up),
    ("probabilities alone", "J = -sum(y*log(p))", {}, {"p": [0.25, 0.75], "y": [0, 1]}, "p",
     "probabilities", adds_up),
    ("a margin", "s = w @ x\nL = relu(1 - y*s)", {"w": [1, 2]}, {"x": [1, 3], "y": 1}, "y",
     "signs", among(-1, 1)),
    ("hinge", "s = X @ w\nL = hinge(s, y)", {"w": [1, 2]}, {"X": ROWS, "y": [1, -1, 1]}, "y",
     "signs", among(-1, 1)),
    ("logistic", "s = w @ x\nL = log(1 + exp(-y*s))", {"w": [1, 2]}, {"x": [1, 3], "y": -1}, "y",
     "signs", among(-1, 1)),
    ("pairs", "d = sum((W @ (x1 - x2))**2)\nL = y*d + (1-y)*relu(2 - d)", {"W": W},
     {"x1": [1, 2], "x2": [0.5, 1], "y": 1}, "y", "labels", among(0, 1)),
    ("an embedding", "e = E.T @ x\nL = mse(e, t)", {"E": [[1, 2], [3, 4], [5, 6]]},
     {"x": [0, 1, 0], "t": [0.5, 1]}, "x", "one_hot", one_hot(0)),
    ("a variance", "m = w @ x\nL = 0.5*log(v) + (y - m)**2/(2*v)", {"w": [1, 2]},
     {"x": [1, 3], "y": 0.5, "v": 1.5}, "v", "positive", lambda a: a > 0),
    ("a positive parameter", "L = log(s) + (m - x)**2/s**2", {"m": 1, "s": 2}, {"x": 1.5}, "s",
     "positive", lambda a: a > 0),
    ("counts", "m = exp(w @ x)\nL = m - y*log(m)", {"w": [0.1, 0.2]}, {"x": [1, 3], "y": 4}, "y",
     "counts", among(*range(10))),
    ("a penalty's factor", "L = (w @ x - y)**2 + c*sum(w**2)", {"w": [1, 2]},
     {"x": [1, 3], "y": 0.5, "c": 0.5}, "c", "constant", like(0.5)),
    ("a number of examples", "L = sum((X @ w - y)**2)/k", {"w": [1, 2]},
     {"X": ROWS, "y": [0.5, 1.5, 2], "k": 3}, "k", "constant", like(3)),
    ("a state to start from", "h = tanh(W @ h0 + v*x)\nL = sum((h - t)**2)",
     {"W": W, "v": [1, 2]}, {"h0": [0, 0], "x": 1.5, "t": [0.5, -0.5]}, "h0", "constant",
     like([0, 0])),
    ("targets of a sigmoid", "a = sigmoid(W @ x)\nL = 0.5*sum((t - a)**2)", {"W": W},
     {"x": [1, 2], "t": [0.01, 0.99]}, "t", "bounded", lambda a: ((a > 0) & (a < 1)).all()),
    ("a count that a rate explains", "m = w @ x\nL = exp(m) - k*m", {"w": [0.1, 0.2]},
     {"x": [1, 3], "k": 3}, "k", "counts", among(*range(10))),
    ("a state of a unit", "z = sigmoid(w*x)\nh = (1 - z)*tanh(v*x) + z*h0\nL = sum((h - t)**2)",
     {"w": [0.1, 0.2], "v": [0.3, -0.2]}, {"x": 1.5, "h0": [0.2, 0], "t": [0.5, 1.5]}, "h0",
     "input", lambda a: True),
    ("a number to start from", CELL, WEIGHTS, {"x": 1.5, "h0": 0, "c0": 0, "t": 0.5}, "h0",
     "constant", like(0)),
    ("a cell to start from", CELL, WEIGHTS, {"x": 1.5, "h0": 0, "c0": 0, "t": 0.5}, "c0",
     "constant", like(0)),
    ("a cell of several units to start from", "f = sigmoid(W @ x)\nL = sum((f*c0 + tanh(W @ x) - t)**2)",
     {"W": W}, {"x": [1, 2], "c0": [0, 0], "t": [0.5, -0.5]}, "c0", "constant", like([0, 0])),
    ("an input of zero", "z = w*s + b\nL = (z - t)**2", {"w": 0.5, "b": 1}, {"s": 0, "t": 0.5}, "s",
     "input", lambda a: True),
    ("a penalty's factor within a product", "L = (w @ x - y)**2 + 0.5*C*w @ w", {"w": [1, 2]},
     {"x": [1, 3], "y": 0.5, "C": 0.1}, "C", "constant", like(0.1)),
    ("an input beside weights", "L = (w*x*v - y)**2", {"w": 1, "v": 2}, {"x": 3, "y": 0.5}, "x",
     "input", lambda a: True),
    ("a size under a root", "s = (Q @ x) @ (K @ x)/sqrt(d)\nL = (s - y)**2", {"Q": W, "K": W},
     {"x": [1, 3], "y": 0.5, "d": 2}, "d", "constant", like(2)),
    ("a variance under a root", "z = w @ x\nL = ((z - y)/sqrt(v))**2", {"w": [1, 2]},
     {"x": [1, 3], "y": 0.5, "v": 1.5}, "v", "positive", lambda a: a > 0),
    ("a discount", "v = w @ x\nL = 0.5*(r + gam*(w @ z) - v)**2", {"w": [1, 2]},
     {"x": [1, 3], "z": [0.5, 2], "r": 1, "gam": 0.9}, "gam", "constant", like(0.9)),
    ("a share", "p = sigmoid(w @ x)\nL1 = (p - y)**2\nL2 = abs(p - y)\nL = a*L1 + (1 - a)*L2",
     {"w": [1, 2]}, {"x": [1, 3], "y": 0.5, "a": 0.5}, "a", "probability", lambda a: 0 < a < 1),
    ("an identity", "S = X @ W @ X.T\nL = -sum(I*log_softmax(S))/3", {"W": W},
     {"X": ROWS, "I": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}, "I", "mask", like(np.eye(3))),
    ("a vector within a logarithm", "L = -log(sigmoid(u @ v))", {"u": [1, 2], "v": [0.5, 1]}, {},
     "v", "weights", lambda a: True),
    ("an overlap", "p = sigmoid(W @ x)\nL = 1 - 2*sum(y*p)/(sum(y) + sum(p))", {"W": W},
     {"x": [1, 2], "y": [1, 0]}, "y", "labels", among(0, 1)),
    ("ones that add up", SINKHORN, {"x": [0, 1]}, MARGINALS, "ones", "constant", like([1, 1])),
    ("a marginal", SINKHORN, {"x": [0, 1]}, MARGINALS, "a", "probabilities", adds_up),
    ("weights of classes", "l = log_softmax(W @ x)\nL = -sum(cw*t*l)/sum(cw*t)", {"W": W},
     {"x": [1, 2], "t": [0, 1], "cw": [1, 0.5]}, "cw", "positive", lambda a: (a > 0).all()),
    ("weights of classes without their sum", "l = log_softmax(W @ x)\nL = -sum(cw*t*l)", {"W": W},
     {"x": [1, 2], "t": [0, 1], "cw": [1.5, 0.5]}, "cw", "positive", lambda a: (a > 0).all()),
    ("one-hot beside weights of classes", "l = log_softmax(W @ x)\nL = -sum(cw*t*l)", {"W": W},
     {"x": [1, 2], "t": [0, 1], "cw": [1.5, 0.5]}, "t", "one_hot", one_hot(0)),
    ("a log-probability", "l = log_softmax(W @ x)[k]\nL = -exp(l - old)", {"W": W},
     {"x": [1, 2], "k": 0, "old": -1}, "old", "bounded", lambda a: a < 0),
    ("a log-probability of two steps", "p = softmax(W @ x)\nl = log(p[1])\nL = (l - old)**2",
     {"W": W}, {"x": [1, 2], "old": -1}, "old", "bounded", lambda a: a < 0),
    ("the weight of a term", "v = w @ x\nL = c*(v - y)**2 + abs(v)", {"w": [1, 2]},
     {"x": [1, 3], "y": 0.5, "c": 0.5}, "c", "positive", lambda a: a > 0),
    ("the factor of a parameter squared", KALMAN, {"a": 0.9}, NOISE, "P0", "constant", like(1)),
    ("noise in a variance", KALMAN, {"a": 0.9}, NOISE, "q", "positive", lambda a: a > 0),
    ("a factor that is squared", KALMAN, {"a": 0.9}, NOISE, "a", "weights", lambda a: True),
    ("ones as inputs", "h = relu(W @ x)\nL = sum((h - t)**2)", {"W": W},
     {"x": [1, 1], "t": [0.5, -1]}, "x", "input", lambda a: True),
    ("ones as inputs of two layers", "L = sum(((W @ V) @ x - t)**2)", {"W": W, "V": W},
     {"x": [1, 1], "t": [0.5, -1]}, "x", "input", lambda a: True),
    ("inputs of a normalized layer", "z = W @ x\nn = (z - mean(z))/sqrt(mean(z**2) + 1)\nL = sum(n*t)",
     {"W": W}, {"x": [1, 2], "t": [0.5, -1]}, "x", "input", lambda a: True),
    ("plain inputs", "p = sigmoid(w @ x + b)\nL = bce(p, y)", {"w": [1, 2], "b": 0.5},
     {"x": [1, 0], "y": 1}, "x", "input", lambda a: True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("equations", "parameters", "data", "name", "kind", "holds"),
    [case[1:] for case in KINDS],
    ids=[case[0] for case in KINDS],
)
def test_numbers_keep_their_meaning(
    equations: str,
    parameters: dict[str, Any],
    data: dict[str, Any],
    name: str,
    kind: str,
    holds: Any,
) -> None:
    problem = handgrad.Problem(equations, parameters, data)
    variants = draw(problem, requirements(), 12, 3)
    assert variants.meanings[name].kind == kind
    for variant in variants:
        given = {**variant.parameters, **variant.data}[name]
        assert holds(given.array), given.array
        handgrad.solve(variant)


def test_what_is_kept_stays_as_it_was_written() -> None:
    problem = handgrad.load("lab9").with_values({"b3": "1/3"})
    for variant in draw(problem, requirements(keep=["b3", "x"]), 5, 1):
        assert variant.parameters["b3"] == problem.parameters["b3"]
        assert variant.parameters["b3"].written == "1/3"
        assert variant.data["x"] == problem.data["x"]


def test_a_sheet_says_that_numbers_of_classes_count_from_0() -> None:
    picked = handgrad.Problem("L = -log(softmax(W @ x)[k])", {"W": W}, {"x": [1, 2], "k": 1})
    named = handgrad.Problem(
        "L = cross_entropy(softmax(W @ x), k)", {"W": W}, {"x": [1, 2], "k": 1}
    )
    one_hot_ones = named.with_values({"k": [0, 1]})

    def says(problem: handgrad.Problem) -> bool:
        page = handgrad.practice(problem, count=1).page()
        return any("count from 0." in str(block) for block in page.blocks)

    assert says(picked)
    assert says(named)
    assert not says(one_hot_ones)
