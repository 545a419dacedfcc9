"""Time steps: the same parameters again, with the value before and data, are no layers."""

from __future__ import annotations

import json

import pytest

import handgrad
from handgrad.cli.commands import run
from handgrad.formats.terminal import render_terminal
from tests.schemas import validate

W, U = [[0.3, -0.2], [0.1, 0.4]], [[0.5, 0.1], [-0.4, 0.2]]
X1, X2, H0 = [1.0, 0.5], [-1.0, 2.0], [0.0, 0.1]


def steps(equations: list[str], parameters: list[str], data: list[str]) -> list[tuple[int, int]]:
    """Of each step with an activation its layer and its time step."""
    arrays = {"x1": X1, "x2": X2, "h0": H0, "c0": H0, "g0": H0}
    problem = handgrad.Problem(
        equations,
        {n: ([0.7, -0.6] if n.startswith("v") else U if n[0] in "UV" else W) for n in parameters},
        {n: arrays[n] for n in data} | {"y": 0.5},
    )
    trace = handgrad.solve(problem)
    return [(s.layer, s.time_step) for s in trace.steps if s.kind == "layer"]


RNN = ["h1 = tanh(W @ h0 + U @ x1)", "h2 = tanh(W @ h1 + U @ x2)"]
LOSS = ["s = v @ h2", "p = sigmoid(s)", "L = (p - y)**2"]
CELL = [
    equation.format(t=t, s=t - 1)
    for t in (1, 2)
    for equation in (
        "i{t} = sigmoid(Wi @ h{s} + Ui @ x{t})",
        "f{t} = sigmoid(Wf @ h{s} + Uf @ x{t})",
        "a{t} = tanh(Wa @ h{s} + Ua @ x{t})",
        "c{t} = f{t}*c{s} + i{t}*a{t}",
        "m{t} = tanh(c{t})",
        "h{t} = i{t}*m{t}",
    )
]


def test_a_recurrence_counts_times_and_what_follows_is_a_layer() -> None:
    assert steps([*RNN, *LOSS], ["W", "U", "v"], ["h0", "x1", "x2"]) == [(0, 1), (0, 2), (1, 0)]


def test_each_gate_of_a_cell_belongs_to_its_time() -> None:
    names = ["Wi", "Ui", "Wf", "Uf", "Wa", "Ua", "v"]
    found = steps([*CELL, *LOSS], names, ["h0", "c0", "x1", "x2"])
    assert found == [(0, 1)] * 4 + [(0, 2)] * 4 + [(1, 0)]


def test_outputs_at_each_time_and_a_second_recurrence_above() -> None:
    above = ["g1 = tanh(V @ g0 + V2 @ h1)", "g2 = tanh(V @ g1 + V2 @ h2)"]
    outputs = ["p1 = sigmoid(v @ g1)", "p2 = sigmoid(v @ g2)", "L = (p1 - y)**2 + (p2 - y)**2"]
    found = steps([*RNN, *above, *outputs], ["W", "U", "V", "V2", "v"], ["h0", "g0", "x1", "x2"])
    assert found == [(0, 1), (0, 2)] * 3


@pytest.mark.parametrize(
    ("equations", "parameters", "data", "layers"),
    [
        # A matrix that two layers share.
        (["h1 = tanh(W @ x1)", "h2 = tanh(W @ h1)", *LOSS], ["W", "v"], ["x1"], [1, 2, 3]),
        # Parameters of their own, and an input that skips a layer.
        (
            ["h1 = tanh(W @ x1)", "h2 = tanh(W2 @ h1 + U @ x1)", *LOSS],
            ["W", "W2", "U", "v"],
            ["x1"],
            [1, 2, 3],
        ),
        # Two inputs through the same layer, beside each other.
        (
            ["a = tanh(W @ x1)", "b = tanh(W @ x2)", "s = v @ (a + b)", "L = (s - y)**2"],
            ["W", "v"],
            ["x1", "x2"],
            [1, 1],
        ),
    ],
)
def test_what_shares_no_recurrence_is_layers(
    equations: list[str], parameters: list[str], data: list[str], layers: list[int]
) -> None:
    assert steps(equations, parameters, data) == [(layer, 0) for layer in layers]


def test_titles_and_the_table_of_gates(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", "rnn"]) == 0
    page = capsys.readouterr().out
    assert "Time step 3: " in page
    assert "Layer" not in page
    assert run(["gates", "rnn"]) == 0
    page = capsys.readouterr().out
    assert " time step │" in page
    assert "Time steps" in page
    assert "ayer" not in page
    assert run(["gates", "rnn", "--json"]) == 0
    audit = json.loads(capsys.readouterr().out)
    validate(audit, "gates")
    assert [layer["time_step"] for layer in audit["layers"]] == [1, 2, 3]


def test_a_quotient_says_only_what_applies() -> None:
    def said(formula: str) -> str:
        problem = handgrad.Problem([f"q = {formula}", "L = q**2"], {"a": 3.0, "b": 2.0}, {"n": 4.0})
        page = handgrad.solve(problem).page()
        return render_terminal(page, width=400, colour=False, unicode=True)

    assert "the numerator receives the gradient times 1/b." in said("(a + b) / n")
    assert "denominator" not in said("(a + b) / n")
    assert "the denominator receives the gradient times −a/b²." in said("n / (a + b)")
    assert "numerator" not in said("n / (a + b)")
    assert "numerator receives the gradient times 1/b, the denominator" in said("a / b")


def test_layers_side_by_side_have_one_number() -> None:
    """Two kernels that slide over one picture were layers 1 and 2; the softmax of a head of attention is no layer."""
    for name, layers in (("causal", []), ("convnet", [1, 1, 2]), ("classes", [1, 2, 3])):
        trace = handgrad.solve(handgrad.load(name))
        assert [s.layer for s in trace.steps if s.kind == "layer"] == layers
