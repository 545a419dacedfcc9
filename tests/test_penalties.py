"""Penalties on parameters: their part of a gradient is shown as λW, and nothing is introduced for it."""

from __future__ import annotations

import numpy as np
import pytest

import handgrad
from handgrad.formats.terminal import render_terminal

W = np.array([[0.2, -0.4], [0.7, 0.1], [-0.6, 0.3]])
V = np.array([[0.5, -0.1, 0.2]])


def penalised(penalty: str) -> handgrad.Trace:
    problem = handgrad.Problem(
        ["h = relu(W @ x)", f"R = {penalty}", "L = mse(V @ h, y) + R"],
        {"W": W, "V": V},
        {"x": [1.0, 0.5], "y": [1.0], "lam": 0.01, "m": 4},
    )
    return handgrad.solve(problem)


PENALTIES = [
    ("lam/2 * (sum(W**2) + sum(V**2))", "lam · W", 0.01 * W),
    ("lam * sum(W**2)", "2 lam · W", 0.02 * W),
    ("0.5*lam*sum(W**2)", "lam · W", 0.01 * W),
    ("lam/2*sum(W**2)", "lam · W", 0.01 * W),
    ("lam/(2*m)*sum(W**2)", "lam/m · W", 0.0025 * W),
    ("lam/(2*4)*sum(W**2)", "lam/4 · W", 0.0025 * W),
    ("0.005*sum(W**2)", "0.01 W", 0.01 * W),
    ("0.01*mean(W**2)", "0.02/6 · W", 0.02 / 6 * W),
    ("lam*sum(abs(W))", "lam · sign(W)", 0.01 * np.sign(W)),
    ("3*lam/2*sum(W**2)", "3 lam · W", 0.03 * W),
]


@pytest.mark.parametrize(("penalty", "formula", "value"), PENALTIES)
def test_a_penaltys_part(penalty: str, formula: str, value: np.ndarray) -> None:
    trace = penalised(penalty)
    lines = [line for step in trace.steps for line in step.lines]
    (part,) = [x for x in lines if x.target.name == "W" and x.through == "R"]
    assert part.value == pytest.approx(value, rel=1e-12)
    page = render_terminal(trace.page(), width=200, colour=False, unicode=True)
    assert "the penalty's part, through R" in page
    assert "the penalty's part, through h" not in page
    assert f"∂L/∂W|R = {formula} = " in " ".join(page.split())
    # No part of R is given a name of its own.
    assert not [x for x in lines if x.role in ("let", "chain") and x.through == "R"]


def test_parts_that_are_shown_are_numbered_without_gaps() -> None:
    """Those that only the gradients of data need, which no step shows, come last."""
    trace = handgrad.solve(
        handgrad.Problem(
            ["z = W @ x", "L = sum((z - y)**2) / (2*m)"],
            {"W": W},
            {"x": [1.0, 0.5], "y": [1.0, 0.0, 2.0], "m": 3},
        )
    )
    lines = [line for step in trace.steps for line in step.lines]
    assert [x.target.name for x in lines if x.role == "let"] == ["u_1"]
