"""Cross-entropy in the spellings that people use: computed stably, p − y with both derivations.

The oracles are PyTorch's own losses, of the scores; how a spelling is read plays no part in them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name

import handgrad
from handgrad.equations import source
from handgrad.expression import Adjoint
from handgrad.formats.terminal import render_terminal
from handgrad.graph import build
from handgrad.graph.structure import Shortcut
from handgrad.solution import ShortcutTaken
from tests.oracle import assert_close

SOFTMAX = {
    "named": ["p = softmax(z)"],
    "naive": ["e = exp(z)", "p = e / sum(e)"],
    "stable": ["e = exp(z - max(z))", "p = e / sum(e)"],
    "in steps": ["m = max(z)", "e = exp(z - m)", "s = sum(e)", "p = e / s"],
    "inline": ["p = exp(z) / sum(exp(z))"],
    "inline, stable": ["p = exp(z - max(z)) / sum(exp(z - max(z)))"],
    "shifted first": ["c = z - max(z)", "p = exp(c) / sum(exp(c))"],
    "by its logarithm": ["q = log_softmax(z)", "p = exp(q)"],
}
"""Ways to write p = softmax(z) of a vector."""

CATEGORICAL = (
    "L = -sum(y * log(p))",
    "L = -sum(log(p) * y)",
    "L = sum(-y * log(p))",
    "L = -y @ log(p)",
    "L = -(y @ log(p))",
    "L = -dot(y, log(p))",
    "L = -y.T @ log(p)",
    "L = cross_entropy(p, y)",
    "L = -1 * sum(y * log(p))",
)
"""Ways to write the cross-entropy of p with y."""

PICKED = ("L = -log(p[1])", "l = log(p)\nL = -l[1]", "r = p[1]\nL = -log(r)", "L = -(log(p)[1])")
"""Ways to write −ln of the probability of class 1."""

FROM_SCORES = (
    "L = log(sum(exp(z))) - z[1]",
    "L = -z[1] + log(sum(exp(z)))",
    "L = -(z[1] - log(sum(exp(z))))",
    "L = logsumexp(z) - z[1]",
    "L = max(z) + log(sum(exp(z - max(z)))) - z[1]",
    "m = max(z)\nlse = m + log(sum(exp(z - m)))\nL = lse - z[1]",
    "logp = z - log(sum(exp(z)))\nL = -logp[1]",
    "logp = z - logsumexp(z)\nL = -logp[1]",
    "c = z - max(z)\nlogp = c - log(sum(exp(c)))\nL = -logp[1]",
    "L = -log_softmax(z)[1]",
    "L = -log(softmax(z)[1])",
    "logp = log_softmax(z)\nL = -sum(y * logp)",
    "L = logsumexp(z) - sum(y * z)",
    "L = log(sum(exp(z))) - y @ z",
    "L = cross_entropy(softmax(z), y)",
)
"""The same of the scores; y is class 1."""

SIGMOID = {
    "named": ["a = sigmoid(z)"],
    "written out": ["a = 1 / (1 + exp(-z))"],
    "other order": ["a = 1 / (exp(-z) + 1)"],
    "as a power": ["a = (1 + exp(-z))**-1"],
    "in steps": ["e = exp(-z)", "a = 1 / (1 + e)"],
    "growing": ["a = exp(z) / (1 + exp(z))"],
}
"""Ways to write a = σ(z)."""

BINARY = (
    "-(y*log(a) + (1 - y)*log(1 - a))",
    "-y*log(a) - (1 - y)*log(1 - a)",
    "-(1 - y)*log(1 - a) - y*log(a)",
    "-((1 - y)*log(1 - a) + y*log(a))",
    "-(log(a)*y + log(1 - a)*(1 - y))",
    "-1*(y*log(a) + (1 - y)*log(1 - a))",
)
"""Ways to write the terms of binary cross-entropy."""

ENDS = ("sum({}) / 4", "1/4 * sum({})", "mean({})", "sum({}) * (1/4)", "(1/m) * sum({})")
"""What is done with the terms of four cases: their mean, each time."""


class Solved:
    """A problem's run, and the one shortcut in it."""

    def __init__(self, equations: Sequence[str], parameters: Any, data: Any) -> None:
        self.problem = handgrad.Problem(list(equations), parameters, data)
        self.run = handgrad.run(self.problem, build(self.problem))

    @property
    def shortcut(self) -> Shortcut:
        (found,) = self.run.graph.shortcuts
        return found

    @property
    def note(self) -> ShortcutTaken:
        """What the solution says of the shortcut."""
        steps = handgrad.solve(self.problem).steps
        (note,) = [n for s in steps for n in s.notes if isinstance(n, ShortcutTaken)]
        return note


def lines(*parts: str) -> list[str]:
    return [line for part in parts for line in part.split("\n")]


def cross_entropy(z: Any, y: Any, dim: int = -1) -> tuple[float, Any]:
    """PyTorch's loss of scores and its gradient: the mean over what is not the classes' axis."""
    scores = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    moved = scores.movedim(dim, -1).reshape(-1, scores.shape[dim])
    target = torch.tensor(y, dtype=torch.float64).movedim(dim, -1).reshape(moved.shape)
    loss = F.cross_entropy(moved, target)
    loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach()), scores.grad.numpy()  # type: ignore[union-attr]


def binary(z: Any, y: Any) -> tuple[float, Any]:
    scores = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(scores, torch.tensor(y, dtype=torch.float64))
    loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach()), scores.grad.numpy()  # type: ignore[union-attr]


def agrees(solved: Solved, name: str, expected: tuple[float, Any]) -> None:
    assert_close(solved.run.loss, expected[0])
    assert_close(solved.run.gradient(name), expected[1])


SCORES = ([0.3, -1.2, 2.0], [-100.0, 50.0, 700.0])
FAR = ([0.0, 0.0, 1000.0], [-1000.0, 1000.0, 0.0])


@pytest.mark.parametrize("softmax", SOFTMAX)
@pytest.mark.parametrize("loss", [*CATEGORICAL, *PICKED])
def test_cross_entropy_of_softmax_however_it_is_written(softmax: str, loss: str) -> None:
    y = [0.0, 1.0, 0.0]
    data = {"y": y} if "y" in loss.replace("entropy", "") else {}
    naive = softmax in ("naive",)
    for z in (*SCORES, *(() if naive else FAR)):
        solved = Solved(lines(*SOFTMAX[softmax], loss), {"z": z}, data)
        agrees(solved, "z", cross_entropy(z, y))
        assert solved.shortcut.pre_activation == "z"
    near = Solved(lines(*SOFTMAX[softmax], loss), {"z": SCORES[0]}, data).note
    assert near.agrees
    assert near.whole


@pytest.mark.parametrize("loss", FROM_SCORES)
def test_cross_entropy_of_scores(loss: str) -> None:
    y = [0.0, 1.0, 0.0]
    data = {"y": y} if "y" in loss.replace("entropy", "") else {}
    for z in (*SCORES, *FAR):
        solved = Solved(lines(loss), {"z": z}, data)
        agrees(solved, "z", cross_entropy(z, y))
    assert Solved(lines(loss), {"z": SCORES[0]}, data).note.agrees


ROWS = (
    "J = -sum(Y * log(P)) / 2",
    "J = -(1/2) * sum(Y * log(P))",
    "J = -sum(Y * log(P)) / m",
    "J = -mean(sum(Y * log(P), axis=1))",
    "J = mean(-sum(Y * log(P), axis=1))",
    "J = mean(-sum(Y * log(P), axis=1, keepdims=True))",
    "l = -sum(Y * log(P), axis=1)\nJ = mean(l)",
    "l = -sum(Y * log(P), axis=1)\nJ = sum(l) / m",
    "J = -sum(sum(Y * log(P), axis=1)) / 2",
    "J = -sum(sum(Y * log(P), axis=0)) / 2",
    "J = -mean(Y * log(P)) * 3",
    "J = cross_entropy(P, Y)",
    "t = Y * log(P)\nJ = -sum(t) / 2",
)
IN_ROWS = (
    ["P = softmax(Z)"],
    ["P = softmax(Z, axis=1)"],
    ["E = exp(Z)", "P = E / sum(E, axis=1, keepdims=True)"],
    ["E = exp(Z - max(Z, axis=1, keepdims=True))", "P = E / sum(E, axis=1, keepdims=True)"],
    ["E = exp(Z - max(Z))", "P = E / sum(E, axis=-1, keepdims=True)"],
)
IN_COLUMNS = (
    ["P = softmax(Z, axis=0)"],
    ["E = exp(Z)", "P = E / sum(E, axis=0)"],
    ["E = exp(Z - max(Z, axis=0))", "P = E / sum(E, axis=0)"],
    ["E = exp(Z - max(Z, axis=0, keepdims=True))", "P = E / sum(E, axis=0, keepdims=True)"],
)


@pytest.mark.parametrize("softmax", IN_ROWS)
@pytest.mark.parametrize("loss", ROWS)
def test_a_batch_in_rows(softmax: list[str], loss: str) -> None:
    y = [[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]]
    far = [[0.0, 600.0, -600.0], [100.0, -100.0, 300.0]]
    scores: list[Any] = [[[0.3, -1.2, 2.0], [1.0, 0.0, -1.0]]]
    stable = len(softmax) == 1 or "max" in softmax[0]
    for z in [*scores, *([far] if stable and "t =" not in loss else [])]:
        solved = Solved(lines(*softmax, loss), {"Z": z}, {"Y": y, "m": 2.0})
        agrees(solved, "Z", cross_entropy(z, y))
        assert solved.shortcut.pre_activation == "Z"


@pytest.mark.parametrize("softmax", IN_COLUMNS)
@pytest.mark.parametrize("loss", [r.replace("axis=1", "axis=0") for r in ROWS if "cross" not in r])
def test_a_batch_in_columns(softmax: list[str], loss: str) -> None:
    y = [[0.0, 0.2], [1.0, 0.3], [0.0, 0.5]]
    z = [[0.3, -1.2], [2.0, 1.0], [0.0, -1.0]]
    if "keepdims" in loss and "sum(Y" not in loss:
        return
    solved = Solved(lines(*softmax, loss), {"Z": z}, {"Y": y, "m": 2.0})
    agrees(solved, "Z", cross_entropy(z, y, dim=0))
    assert solved.note.agrees


@pytest.mark.parametrize("sigmoid", SIGMOID)
@pytest.mark.parametrize("terms", BINARY)
def test_binary_cross_entropy_of_one_number(sigmoid: str, terms: str) -> None:
    for z in (0.4, -30.0, *((1000.0, -1000.0) if sigmoid == "named" else ())):
        for y in (0.0, 1.0, 0.3):
            solved = Solved([*SIGMOID[sigmoid], f"L = {terms}"], {"z": z}, {"y": y})
            agrees(solved, "z", binary(z, y))
            assert solved.shortcut.operation == "bce"


def ends_of(terms: str) -> list[str]:
    """A batch's loss, its sum or mean around the terms in every way; signs inside and outside."""
    inside = terms.removeprefix("-(").removesuffix(")") if terms.startswith("-(y") else None
    whole = [end.format(terms) for end in ENDS]
    if inside:
        whole += [f"-{end.format(inside)}" for end in ENDS] + [
            f"-(1/m) * sum({inside})",
            f"-1/4 * sum({inside})",
        ]
    return whole


@pytest.mark.parametrize("loss", [e for t in BINARY for e in ends_of(t)])
def test_binary_cross_entropy_of_a_batch(loss: str) -> None:
    y = [1.0, 0.0, 1.0, 0.25]
    for z in ([0.4, -2.0, 3.0, 0.0], [1000.0, -100.0, -1000.0, 800.0]):
        for shape in ((4,), (1, 4), (4, 1), (2, 2)):
            scores, targets = np.reshape(z, shape), np.reshape(y, shape)
            solved = Solved(
                ["a = sigmoid(z)", f"L = {loss}"], {"z": scores}, {"y": targets, "m": 4.0}
            )
            agrees(solved, "z", binary(scores, targets))
            assert solved.shortcut.pre_activation == "z"


@pytest.mark.parametrize(
    "equations",
    [
        "l1 = y*log(a)\nl2 = (1 - y)*log(1 - a)\nL = -(l1 + l2)",
        "l1 = -y*log(a)\nl2 = -(1 - y)*log(1 - a)\nL = l1 + l2",
        "q = 1 - a\nL = -(y*log(a) + (1 - y)*log(q))",
        "n = 1 - y\nL = -(y*log(a) + n*log(1 - a))",
        "s = y*log(a) + (1 - y)*log(1 - a)\nL = -s",
        "L = bce(a, y)",
    ],
)
def test_terms_in_equations_of_their_own(equations: str) -> None:
    for z in (0.4, *(() if "l1" in equations or "s =" in equations else (1000.0, -1000.0))):
        solved = Solved(lines("a = sigmoid(z)", equations), {"z": z}, {"y": 1.0})
        agrees(solved, "z", binary(z, 1.0))
        assert solved.shortcut.pre_activation == "z"


@pytest.mark.parametrize(
    "loss",
    [
        "L = -(y @ log(a) + (1 - y) @ log(1 - a)) / 3",
        "L = -(dot(y, log(a)) + dot(1 - y, log(1 - a))) / 3",
        "L = -sum(y*log(a))/3 - sum((1 - y)*log(1 - a))/3",
        "L = -mean(y*log(a)) - mean((1 - y)*log(1 - a))",
        "L = -(1/m)*sum(y*log(a)) - (1/m)*sum((1 - y)*log(1 - a))",
        "L = -(1/3)*(sum(y*log(a)) + sum((1 - y)*log(1 - a)))",
    ],
)
def test_two_sums_are_one_loss(loss: str) -> None:
    y = [1.0, 0.0, 1.0]
    for z in ([0.4, -2.0, 3.0], [1000.0, 50.0, -1000.0]):
        solved = Solved(["a = sigmoid(z)", loss], {"z": z}, {"y": y, "m": 3.0})
        agrees(solved, "z", binary(z, y))


def test_a_row_times_a_column() -> None:
    """A batch in columns as it is taught: the loss is the entry of a 1×1 matrix."""
    y = [[1.0, 0.0, 1.0]]
    loss = "J = (-(1/m) * (Y @ log(A).T + (1 - Y) @ log(1 - A).T))[0, 0]"
    for z in ([[0.4, -2.0, 3.0]], [[1000.0, 50.0, -1000.0]]):
        solved = Solved(["A = sigmoid(Z)", loss], {"Z": z}, {"Y": y, "m": 3.0})
        agrees(solved, "Z", binary(z, y))


def test_cases_and_classes() -> None:
    z = np.array([[0.3, -1.2, 2.0], [1000.0, 0.0, -1.0]])
    w = np.eye(3)
    problem = handgrad.Problem(
        ["z = W @ x", "p = softmax(z)", "L = -sum(y * log(p))"],
        {"W": w},
        {"x": {"cases": z.tolist()}, "y": {"cases": [[0, 1, 0], [0, 0, 1]]}},
    )
    run = handgrad.solve(problem).run
    loss, gradient = cross_entropy(z, [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert_close(run.loss, loss)
    assert_close(run.gradient("W"), (gradient.T @ z))


# -- what must not be taken for a loss -------------------------------------------------------------


def torch_value(equations: Callable[[Any, Any], Any], z: Any, y: Any) -> tuple[float, Any]:
    scores = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    loss = equations(scores, torch.tensor(y, dtype=torch.float64))
    loss.backward()
    return float(loss.detach()), scores.grad.numpy()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("equations", "value"),
    [
        ("p = softmax(z)\nL = -sum(y * log(p))", lambda z, y: -(y * torch.log_softmax(z, 0)).sum()),
        ("L = cross_entropy(softmax(z), y)", lambda z, y: -(y * torch.log_softmax(z, 0)).sum()),
        ("p = softmax(z)\nL = -y @ log(p)", lambda z, y: -(y * torch.log_softmax(z, 0)).sum()),
        (
            "L = log(sum(exp(z))) - sum(y * z)",
            lambda z, y: torch.logsumexp(z, 0) - (y * z).sum(),
        ),
        (
            "p = softmax(z)\nL = -sum(w * y * log(p))",
            lambda z, y: -(torch.tensor([1.0, 2.0, 0.5]) * y * torch.log_softmax(z, 0)).sum(),
        ),
        (
            "p = softmax(z)\nL = -sum(y * log(p)) + sum(p**2)",
            lambda z, y: -(y * torch.log_softmax(z, 0)).sum() + (torch.softmax(z, 0) ** 2).sum(),
        ),
        (
            "p = softmax(z)\nL = sum(p * log(p))",
            lambda z, y: (torch.softmax(z, 0) * torch.log_softmax(z, 0)).sum(),
        ),
        (
            "p = softmax(z)\nL = -(1 - p[1])**2 * log(p[1])",
            lambda z, y: -((1 - torch.softmax(z, 0)[1]) ** 2) * torch.log_softmax(z, 0)[1],
        ),
        (
            "a = sigmoid(z)\nL = -sum(y * log(a) + (2 - y) * log(1 - a))",
            lambda z, y: -(y * F.logsigmoid(z) + (2 - y) * F.logsigmoid(-z)).sum(),
        ),
        (
            "a = sigmoid(z)\nL = -sum(y * log(a) - (1 - y) * log(1 - a))",
            lambda z, y: -(y * F.logsigmoid(z) - (1 - y) * F.logsigmoid(-z)).sum(),
        ),
        (
            "a = sigmoid(z)\nL = -2*sum(y * log(a)) - sum((1 - y) * log(1 - a))",
            lambda z, y: -2 * (y * F.logsigmoid(z)).sum() - ((1 - y) * F.logsigmoid(-z)).sum(),
        ),
        (
            "a = sigmoid(z)\nL = -sum(log(a)) - sum(log(1 - a))",
            lambda z, y: -F.logsigmoid(z).sum() - F.logsigmoid(-z).sum(),
        ),
        (
            "e = exp(z)\np = e / (1 + sum(e))\nL = -log(p[1])",
            lambda z, y: -torch.log(torch.exp(z)[1] / (1 + torch.exp(z).sum())),
        ),
        (
            "e = exp(z - y)\np = e / sum(e)\nL = -log(p[1])",
            lambda z, y: -torch.log_softmax(z - y, 0)[1],
        ),
    ],
)
def test_other_formulas_keep_their_own_value_and_gradient(
    equations: str, value: Callable[[Any, Any], Any]
) -> None:
    """Targets that do not add up to 1, weights, entropy, focal loss, a sign or factor that differs."""
    for y in ([0.3, 1.1, 0.2], [0.5, 0.0, 0.1]):
        z = [0.3, -1.2, 2.0]
        data = {"y": y, "w": [1.0, 2.0, 0.5]}
        used = {k: v for k, v in data.items() if k in equations.replace("entropy", "")}
        solved = Solved(lines(equations), {"z": z}, used)
        agrees(solved, "z", torch_value(value, z, y))


def test_a_softmax_along_the_wrong_axis_is_not_softmax() -> None:
    """E / Σ E along the rows without keepdims divides by another row's sum in a square matrix."""
    z, y = [[0.3, -1.2], [2.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]
    solved = Solved(
        ["E = exp(Z)", "P = E / sum(E, axis=1)", "L = -sum(Y * log(P)) / 2"], {"Z": z}, {"Y": y}
    )

    def value(scores: Any, target: Any) -> Any:
        e = torch.exp(scores)
        return -(target * torch.log(e / e.sum(dim=1))).sum() / 2

    agrees(solved, "Z", torch_value(value, z, y))


def test_targets_that_do_not_add_up_are_told_in_the_formula() -> None:
    solved = Solved(
        ["p = softmax(z)", "L = -sum(y * log(p))"], {"z": [0.3, -1.2]}, {"y": [0.5, 1.0]}
    )
    assert not solved.shortcut.whole
    assert solved.note.agrees


def test_a_batch_in_columns_by_hand() -> None:
    """dZ2 = (A2 − Y)/2, and the long way beside it."""
    problem = handgrad.Problem(
        [
            "Z1 = W1 @ X + b1",
            "A1 = tanh(Z1)",
            "Z2 = W2 @ A1 + b2",
            "A2 = sigmoid(Z2)",
            "J = -sum(Y * log(A2) + (1 - Y) * log(1 - A2)) / 2",
        ],
        {"W1": [[0.5, -0.3], [0.2, 0.7]], "b1": [[0.1], [0]], "W2": [[0.4, -0.6]], "b2": [[0.2]]},
        {"X": [[1, 0.5], [2, -1]], "Y": [[1, 0]]},
    )
    trace = handgrad.solve(problem)
    run = trace.run
    assert_close(run.gradient("Z2"), (run.value("A2") - [[1, 0]]) / 2)
    (line,) = [
        x for s in trace.steps for x in s.lines if x.target.name == "Z2" and x.role == "gradient"
    ]
    assert source(line.formula) == "(A2 - Y) / 2"
    (note,) = [n for s in trace.steps for n in s.notes if isinstance(n, ShortcutTaken)]
    assert note.agrees
    assert note.inner == "A2"


SOFTPLUS = (
    "log(1 + exp(z)) - y*z",
    "np.log1p(np.exp(z)) - y*z",
    "max(z, 0) - y*z + log(1 + exp(-abs(z)))",
    "np.maximum(0, z) - z*y + np.log1p(np.exp(-np.abs(z)))",
    "relu(z) - y*z + softplus(-abs(z))",
    "-(y*z - max(z, 0) - log(exp(-abs(z)) + 1))",
    "log(exp(-abs(z)) + 1) + max(z, 0) - y*z",
)
"""Ways to write binary cross-entropy of a score without its sigmoid."""


@pytest.mark.parametrize("loss", SOFTPLUS)
@pytest.mark.parametrize("z", [[0.5, -1.5, 0.0, 2.0], [1000.0, -1000.0, 40.0, -40.0]])
def test_binary_cross_entropy_of_scores_however_it_is_written(loss: str, z: list[float]) -> None:
    y = [1.0, 0.0, 1.0, 0.0]
    problem = handgrad.Problem([f"L = mean({loss})"], {"z": z}, {"y": y})
    trace = handgrad.solve(problem)
    value, gradient = binary(z, y)
    assert trace.run.loss == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(trace.run.gradient("z"), gradient, rtol=1e-12, atol=1e-17)
    lines = [x for s in trace.steps for x in s.lines if x.target == Adjoint("z")]
    assert "sigmoid(z)" in source(lines[-1].formula)
    assert not [n for s in trace.steps for n in s.notes if n.kind in ("kink", "gated_off")]
    assert not trace.graph.activations
    page = " ".join(render_terminal(trace.page(), width=80, colour=False, unicode=True).split())
    assert "is softplus: its slope is the sigmoid." in page or "softplus(" in loss


def test_softplus_of_another_number_stands_as_it_is_written() -> None:
    for loss in ("max(z, 0) + log(1 + exp(-abs(u)))", "max(z, 0) - log(1 + exp(-abs(z)))"):
        trace = handgrad.solve(handgrad.Problem([f"L = {loss}"], {"z": 0.5, "u": 0.2}))
        slope = trace.run.gradient("z")
        exact = 1.0 if "u" in loss else 1 + 1 / (1 + np.exp(0.5))
        assert float(slope) == pytest.approx(exact)


@pytest.mark.parametrize("loss", ["lse - sum(y*z)", "lse - y @ z", "-(sum(y*z) - lse)"])
def test_targets_that_multiply_scores_have_the_gradient_of_the_formula(loss: str) -> None:
    z, y = [0.3, -0.2, 1.5], [0.0, 1.0, 0.0]
    problem = handgrad.Problem(["lse = log(sum(exp(z)))", f"L = {loss}"], {"z": z}, {"y": y})
    run = handgrad.solve(problem).run
    p = np.exp(z) / np.exp(z).sum()
    np.testing.assert_allclose(run.gradient("z"), p - y, rtol=1e-12)
    np.testing.assert_allclose(run.gradient("y"), -np.asarray(z), rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "through"),
    [
        ("cross_entropy(p, y) + 0.5*sum(z**2)", ""),
        ("cross_entropy(p, y) + 0.5*r", "L"),
        ("sum(p*log_softmax(z)) - sum(p*log(q))", "L"),
    ],
)
def test_the_long_way_ends_in_all_that_the_equation_gives_the_scores(
    loss: str, through: str
) -> None:
    """The scores are penalised beside their loss, in its equation or in another, or are used twice."""
    equations = ["p = softmax(z)", "q = softmax(v)", "r = sum(z**2)", f"L = {loss}"]
    problem = handgrad.Problem(
        equations, {"z": [-1.3, -1.5, -0.7], "v": [1.5, 0.5, 0.4]}, {"y": [0, 1, 0]}
    )
    trace = handgrad.solve(problem)
    note = next(
        n
        for s in trace.steps
        for n in s.notes
        if isinstance(n, ShortcutTaken) and n.pre_activation == "z"
    )
    assert note.long[-1].target == Adjoint("z", through)
    (line,) = [x for s in trace.steps for x in s.lines if x.target == Adjoint("z", through)]
    np.testing.assert_allclose(note.long[-1].value, line.value, rtol=1e-12, atol=1e-12)


def test_answers_that_leave_out_a_path_to_the_scores_are_wrong() -> None:
    problem = handgrad.Problem(
        ["p = softmax(a)", "q = softmax(b)", "D = sum(p*log_softmax(a)) - sum(p*log(q))"],
        {"a": [-1.3, -1.5, -0.7], "b": [1.5, 0.5, 0.4]},
    )
    assert handgrad.check(problem, {"da": [0, 0, 0]})["da"].verdict == "wrong"
    right = handgrad.check(problem, {"da": ["-0.2831", "-0.0519", "0.3350"]})
    assert right["da"].verdict == "right"


TWO = {
    "picked": "L = -log(p[1]) - log(p[0])",
    "picked twice": "L = -log(p[1]) - log(p[1])",
    "weighted, with a penalty": "L = cross_entropy(p, y) + 0.5*cross_entropy(p, t) + sum(z**2)",
}


@pytest.mark.parametrize("loss", TWO.values(), ids=TWO)
def test_losses_of_the_same_scores_have_one_long_way(loss: str) -> None:
    """All of them go back through p together: the long way has each of them once."""
    problem = handgrad.Problem(
        f"z = W @ x\np = softmax(z)\n{loss}",
        {"W": [[0.1, 0.2], [0.3, 0.3]]},
        {"x": [3, -1.5], **({"y": [1, 0], "t": [0.3, 0.7]} if "y" in loss else {})},
    )
    trace = handgrad.solve(problem)
    (note,) = [n for s in trace.steps for n in s.notes if isinstance(n, ShortcutTaken)]
    assert note.agrees
    assert_close(np.asarray(note.long[-1].value), trace.run.gradient("z"))


@pytest.mark.parametrize("loss", list(TWO.values())[:2], ids=list(TWO)[:2])
def test_scores_without_a_name_are_led_back_to_each_loss_by_itself(loss: str) -> None:
    """No name has what the losses' shares add up to, so no long way is shown for one of them."""
    problem = handgrad.Problem(
        f"p = softmax(W @ x)\n{loss}", {"W": [[0.1, 0.2], [0.3, 0.3]]}, {"x": [3, -1.5]}
    )
    trace = handgrad.solve(problem)
    assert not [n for s in trace.steps for n in s.notes if isinstance(n, ShortcutTaken)]
    assert handgrad.verify(problem).agrees


@pytest.mark.parametrize("log", ["log(p[1])", "log_softmax(z)[1]", "log(sigmoid(z[0]))"])
def test_a_log_probability_is_not_said_to_be_its_cross_entropy(log: str) -> None:
    """Its sign is the other one, as in a policy gradient and in DPO."""
    for formula, said in ((log, False), (f"-{log}", True)):
        lines = ["p = softmax(z)"] * ("p[1]" in log) + [f"l = {formula}", "L = 2*l"]
        problem = handgrad.Problem(lines, {"z": [0.2, 0.4]})
        reasons = [str(step["reason"]) for step in handgrad.solve(problem).to_json()["steps"]]
        assert any("ross-entropy" in reason for reason in reasons[:3]) == said
