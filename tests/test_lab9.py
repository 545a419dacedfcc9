"""The lab's own figures, through the public door."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import handgrad

FORWARD = {
    "z1": [0.6, 0.1],
    "h1": [0.6, 0.1],
    "z2": [0.42, -0.17],
    "h2": [0.42, 0],
    "z3": 0.552,
    "yhat": 0.6346,
    "L": 0.4548,
}
GRADIENTS = {
    "z3": -0.3654,
    "w3": [-0.1535, 0],
    "b3": -0.3654,
    "h2": [-0.2192, 0.1462],
    "z2": [-0.2192, 0],
    "W2": [[-0.1315, -0.0219], [0, 0]],
    "b2": [-0.2192, 0],
    "h1": [-0.0877, 0.0438],
    "z1": [-0.0877, 0.0438],
    "W1": [[-0.0877, 0], [0.0438, 0]],
    "b1": [-0.0877, 0.0438],
}


@pytest.fixture(scope="module")
def trace() -> handgrad.Trace:
    return handgrad.solve(handgrad.load("lab9"))


@pytest.mark.parametrize("name", FORWARD)
def test_forward_figures(trace: handgrad.Trace, name: str) -> None:
    assert np.round(trace.run.value(name), 4) == pytest.approx(np.array(FORWARD[name]), abs=1e-12)


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradient_figures(trace: handgrad.Trace, name: str) -> None:
    assert np.round(trace.run.gradient(name), 4) == pytest.approx(
        np.array(GRADIENTS[name]), abs=1e-12
    )


def test_update(trace: handgrad.Trace) -> None:
    assert round(float(trace.updated["b3"]), 4) == 0.3365


def test_steps_are_numbered_as_in_the_lab(trace: handgrad.Trace) -> None:
    assert [s.id for s in trace.steps if s.phase == "forward"] == ["1.1", "1.2", "1.3"]
    assert [s.id for s in trace.steps if s.phase == "backward"] == [f"2.{k}" for k in range(1, 9)]


def test_the_second_neuron_is_gated_off_and_what_that_zeroes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "handgrad", "solve", "lab9", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    steps = {s["id"]: s for s in json.loads(done.stdout)["steps"]}
    (note,) = [n for n in steps["2.4"]["notes"] if n["kind"] == "gated_off"]
    assert note["unit"] == [1]
    assert note["blocked"] == pytest.approx(0.1462, abs=1e-4)
    assert {(z["name"], z["part"], z["position"]) for z in note["zeroes"]} == {
        ("W2", "row", 1),
        ("b2", "entry", 1),
        ("w3", "entry", 1),
    }
    (zero,) = [n for n in steps["2.8"]["notes"] if n["kind"] == "zero_input"]
    assert [(z["name"], z["part"], z["position"]) for z in zero["zeroes"]] == [("W1", "column", 1)]
