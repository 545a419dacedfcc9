"""What a Python user passes wrong gets an error that says the mend."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import handgrad

LAB: Any = handgrad.load("lab9")
TRACE: Any = handgrad.solve(LAB)
MODEL: Any = torch.nn.Linear(2, 1)
TURNED = {"x": np.zeros((1000, 2)), "y": np.ones(1000)}
ANY: Any = handgrad


@pytest.mark.parametrize(
    ("wrong", "mend"),
    [
        (lambda: ANY.Problem("L = w*w", {"w": 1}, update={"rate": 0.1}), "Update(rate=0.1)"),
        (lambda: ANY.Problem("L = w*w", {"w": 1}, update="adam"), "Update('adam', rate=0.1)"),
        (lambda: ANY.Problem("L = w*w", {"w": 1}, update=0.1), "Update(rate=0.1)"),
        (lambda: ANY.Update(rate="fast"), "rate is not a number"),
        (lambda: ANY.Problem(MODEL), "write them: handgrad.Problem("),
        (lambda: ANY.load(LAB), "ready to be solved as it is"),
        (lambda: ANY.solve("lab9"), "handgrad.load("),
        (lambda: ANY.solve(TRACE), "trace.problem"),
        (lambda: ANY.solve(MODEL), "handgrad.from_torch(model, x, y, loss)"),
        (lambda: ANY.solve(3), "a problem is expected, not an int"),
        (lambda: ANY.solve(LAB, carry="round"), "did you mean rounded?"),
        (lambda: ANY.solve(LAB, decimals=-1), "a whole number from 0 to 15"),
        (lambda: ANY.solve(LAB, steps=1.5), "a whole number from 0 to 100000"),
        (lambda: ANY.gates(MODEL), "handgrad.from_torch(model, x, y, loss)"),
        (lambda: ANY.gates(LAB, TURNED), "did you mean x.T?"),
        (lambda: ANY.Engine(LAB)(**TURNED), "did you mean x.T?"),
        (lambda: ANY.Engine(TRACE), "trace.problem"),
        (lambda: ANY.Training("lab9"), "handgrad.load("),
        (lambda: ANY.run(TRACE), "trace.problem"),
        (lambda: ANY.run_exact("lab9"), "handgrad.load("),
        (lambda: ANY.why(TRACE, "dW2[1,0]"), "trace.problem"),
        (lambda: ANY.verify(TRACE), "trace.problem"),
        (lambda: ANY.check(TRACE, {}), "trace.problem"),
        (lambda: ANY.drill(TRACE), "trace.problem"),
        (lambda: ANY.practice("lab9"), "handgrad.load("),
        (lambda: ANY.practice(LAB, "hardest"), "did you mean hard?"),
        (lambda: ANY.train("lab9", 3), "handgrad.load("),
        (lambda: ANY.train(LAB, "10"), "a whole number from 1 to"),
        (lambda: ANY.compare(LAB, LAB), "handgrad.solve(problem)"),
        (lambda: ANY.questions(LAB), "handgrad.solve(problem)"),
        (lambda: ANY.questions(3), "give what handgrad.solve returns"),
        (lambda: ANY.code(LAB, "tensorflow"), "numpy, torch, jax"),
        (lambda: ANY.render("lab9", "html"), "give what a verb returns"),
        (lambda: ANY.render(TRACE, "docx"), "the kinds are"),
        (lambda: TRACE.page(only="sideways"), "forward, backward or update"),
    ],
)
def test_the_mend_is_said(wrong: Callable[[], object], mend: str) -> None:
    with pytest.raises(handgrad.HandgradError, match=re.escape(mend)):
        wrong()


def test_what_is_right_is_taken() -> None:
    assert handgrad.run(LAB).loss == pytest.approx(TRACE.run.loss)
    assert [b.target for b in handgrad.blanks(LAB)][:2] == ["z1", "h1"]
    assert handgrad.solve(LAB, steps=2).loss_after is not None
    turned = {name: array.T for name, array in TURNED.items()}
    assert handgrad.gates(LAB, turned).cases == 1000
