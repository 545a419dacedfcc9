"""Activations that are flat on both sides: what is said of a unit there is true on either side."""

from __future__ import annotations

import numpy as np
import pytest

import handgrad
from handgrad.discussion.kinds.gate_swap import GateSwap
from handgrad.solution import Saturated
from handgrad.text import plain_text

NETWORK = """
z = W @ x + b
h = {name}(z)
yhat = w @ h
L = (yhat - y)**2
"""


def network(name: str, bias: list[float]) -> handgrad.Problem:
    return handgrad.Problem(
        NETWORK.format(name=name),
        {"W": [[0.5, -0.25], [1.0, 0.5]], "b": bias, "w": [1.0, -1.0]},
        {"x": [0.5, 1.0], "y": 0.3},
    )


def words(note: Saturated) -> str:
    return "".join(part for part in note.text() if isinstance(part, str))


@pytest.mark.parametrize(
    ("name", "below", "above"),
    [("hardtanh", -2.0, 2.0), ("relu6", -1.0, 7.0), ("hardsigmoid", -4.0, 4.0)],
)
def test_a_flat_side_passes_nothing_and_says_so(name: str, below: float, above: float) -> None:
    trace = handgrad.solve(network(name, [below, above - 1.0]))
    notes = [n for step in trace.steps for n in step.notes if isinstance(n, Saturated)]
    assert [n.unit for n in notes] == [(0,), (1,)]
    assert all("its slope there is 0, so no gradient passes" in words(n) for n in notes)
    assert not np.any(trace.run.gradient("W"))
    audit = handgrad.gates(trace.problem)
    units = audit.of("h")
    assert {u.verdict for u in units} == {"saturated"}
    for unit in units:
        (shift,) = [r for r in unit.remedies if r.kind == "bias_shift"]
        assert shift.works, "moved to the middle of the steep part it learns again"


def test_a_sigmoid_that_is_one_with_its_loss_is_not_told_as_saturated() -> None:
    """Its slope is no factor there: all of ŷ − y passes."""
    given = {"w": 1000.0, "b": 0.0}, {"x": {"cases": [1, -1]}, "y": {"cases": [0, 1]}}
    for loss, cases in (("bce", []), ("mse", ["z = 1000 in case 1", "z = −1000 in case 2"])):
        problem = handgrad.Problem(["z = w*x + b", "p = sigmoid(z)", f"L = {loss}(p, y)"], *given)
        notes = [n for s in handgrad.solve(problem).steps for n in s.notes if n.kind == "saturated"]
        assert len(notes) == len(cases)
        for note, case in zip(notes, cases, strict=True):
            assert isinstance(note, Saturated)
            assert case.replace("−", "-") in plain_text(note.text())


def test_what_is_never_exactly_zero_is_said_of_smooth_ones_alone() -> None:
    swap = GateSwap.find(handgrad.solve(network("relu", [0.1, -3.0])))
    assert swap is not None
    assert {s.operation for s in swap.swaps} == {"sigmoid", "tanh", "leaky_relu"}
