"""ReLU written out is the gate that it is, in every answer, and stays as it was written."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import handgrad
from handgrad.cli.commands import run
from handgrad.equations import parse_expression
from handgrad.operations.gates import activation_in

SPELLINGS = {
    "max(0, z)": "maximum(0, {z})",
    "max(z, 0)": "max({z}, 0)",
    "where": "where({z} > 0, {z}, 0)",
    "where, the other way round": "where(0 < {z}, {z}, 0)",
    "mask behind": "{z} * ({z} > 0)",
    "mask before": "({z} > 0) * {z}",
}

NETWORK = """
equations = '''
z1 = W1 @ x + b1
h1 = {first}
z2 = W2 @ h1 + b2
h2 = {second}
yhat = w3 @ h2 + b3
L = (yhat - y)**2
'''
[parameters]
W1 = [[0.5,-0.3],[0.2,0.7],[-0.4,0.1]]
b1 = [0.2,-0.2,0]
W2 = [[0.3,-0.5,0.2],[0.6,0.1,-0.4]]
b2 = [0.3,0.1]
w3 = [0.5, -0.6]
b3 = 0.1
[data]
x = [1,2]
y = 1
[update]
rate = 0.1
"""


def network(spelling: str) -> str:
    return NETWORK.format(first=spelling.format(z="z1"), second=spelling.format(z="z2"))


def asked_of(command: str, text: str) -> str:
    """The problem that a command is asked about; of an audit, not trained: to go on with it takes seconds."""
    return text.partition("[update]")[0] if command == "gates" else text


class Reply:
    """What the command line says of a problem."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file, self.capsys = folder / "problem.toml", capsys

    def __call__(self, text: str, *arguments: str, code: int = 0) -> str:
        self.file.write_text(text)
        command, *options = arguments
        self.capsys.readouterr()
        found = run([command, str(self.file), *options])
        out, err = self.capsys.readouterr()
        assert found == code, err
        return out + err


COMMANDS = (
    ("gates", "--json"),
    ("train", "--steps", "5", "--json"),
    ("questions", "--json"),
)


@pytest.fixture(scope="module")
def plainly(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, ...], str]:
    """What is said of the network with relu(z)."""
    file = tmp_path_factory.mktemp("plain") / "problem.toml"
    found = {}
    for command, *options in COMMANDS:
        file.write_text(asked_of(command, network("relu({z})")))
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert run([command, str(file), *options]) == 0
        found[command, *options] = out.getvalue()
    return found


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Reply:
    return Reply(tmp_path, capsys)


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_is_the_gate_that_relu_is(
    said: Reply, plainly: Mapping[tuple[str, ...], str], spelling: str
) -> None:
    written = network(spelling)
    for command in COMMANDS:
        one, other = (
            json.loads(plainly[command]),
            json.loads(said(asked_of(command[0], written), *command)),
        )
        for report in (one, other):
            report.pop("problem", None)
        if command[0] == "gates":
            assert [u["verdict"] for u in other["units"]] == [u["verdict"] for u in one["units"]]
            assert "gated_off" in {u["verdict"] for u in other["units"]}
            assert [(x["operation"], x["gate"]) for x in other["layers"]] == [
                (x["operation"], x["gate"]) for x in one["layers"]
            ]
        elif command[0] == "train":
            assert other["dead"] == one["dead"] if "dead" in one else other == one
        else:
            assert [q["kind"] for q in other["questions"]] == [q["kind"] for q in one["questions"]]
    shown = said(written, "solve")
    assert shown.count("◁ gate shut") == 4  # two gates, forward and backward
    assert "It blocks" in shown or "it blocks" in shown
    assert "h⁽¹⁾ = ReLU" not in shown


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_within_a_formula_too(said: Reply, spelling: str) -> None:
    def inline(one: str) -> str:
        body = f"L = (w2 @ ({one.format(z='(W @ x + b)')}) - y)**2"
        return f"""equations = "{body}"
[parameters]
W = [[0.5, -0.3], [-0.4, 0.1]]
b = [0.2, 0]
w2 = [0.5, -0.6]
[data]
x = [1, 2]
y = 1
"""

    one, other = (json.loads(said(inline(s), "gates", "--json")) for s in ("relu({z})", spelling))
    assert [u["verdict"] for u in other["units"]] == [u["verdict"] for u in one["units"]]
    assert [u["verdict"] for u in other["units"]].count("gated_off") == 1


def test_off_units_are_had_of_a_gate_written_out(said: Reply) -> None:
    sheets = json.loads(
        said(
            network("maximum(0, {z})"),
            "practice",
            "--off",
            "2:1",
            "--count",
            "5",
            "--json",
        )
    )["sheets"]
    assert len(sheets) == 5
    for sheet in sheets:
        of = {
            n: np.array(v, float) for n, v in (*sheet["parameters"].items(), *sheet["data"].items())
        }
        z2 = of["W2"] @ np.maximum(0, of["W1"] @ of["x"] + of["b1"]) + of["b2"]
        assert (z2 <= 0).sum() == 1


def test_another_activation_is_put_for_one_written_out(said: Reply) -> None:
    one, other = (
        json.loads(said(network(s), "solve", "--swap", "relu=tanh", "--json"))
        for s in ("relu({z})", "max(0, {z})")
    )
    assert other["gradients"] == one["gradients"]


def test_a_tie_keeps_the_slope_of_what_is_written(said: Reply) -> None:
    text = """equations = '''
z = w * x + b
h = {one}
L = 3 * h
'''
[parameters]
w = 0.5
b = -1
[data]
x = 2
"""
    half, none = (
        json.loads(said(text.replace("{one}", s), "solve", "--json"))
        for s in ("maximum(0, z)", "where(z > 0, z, 0)")
    )
    assert (half["gradients"]["z"], none["gradients"]["z"]) == (1.5, 0.0)
    # A gate through which half of the gradient comes is not said to block it.
    blocking = [
        n
        for s in half["steps"]
        for n in s["notes"]
        if n["kind"] == "gated_off" and s["phase"] == "backward"
    ]
    assert not blocking


@pytest.mark.parametrize(
    "formula",
    ["maximum(0, 1 - y*s)",
        "max(0, -y*s)", "max(0, d1 - d2 + 0.2)", "where(a > 0, b, 0)", "z * (y > 0)", "maximum(1, z)"],
)  # fmt: skip
def test_what_is_no_relu_is_not_taken_for_one(formula: str) -> None:
    assert activation_in(parse_expression(formula)) is None


SVM = """equations = [
    "s = w @ x",
    "L = maximum(0, 1 - y*s)",
]
[parameters]
w = [0.5, 1]
[data]
x = [1, 2]
y = 1
"""


def test_a_hinge_has_no_units(said: Reply) -> None:
    assert "no gates" in said(SVM, "gates", code=2)


@pytest.mark.parametrize(
    ("equations", "hinge"),
    [
        (["L = max(0, m - s)"], True),
        (["q = m - s", "L = 3*max(q, 0)**2 + m*sum(w**2)"], True),
        (["q = -y*s", "p = max(0, q)", "L = p/2"], True),
        (["q = W @ x - m", "h = max(0, q)", "L = sum(h)"], True),
        # A layer's, which learned weights act on, or whose output is compared with a target.
        (["q = W @ x - m", "h = max(0, q)", "L = (w @ h - y)**2"], False),
        (["q = m - s", "h = max(0, q)", "L = (h - y)**2"], False),
        (["q = s + b", "h = max(0, q)", "L = h**2"], False),
    ],
)
def test_a_hinge_is_known_by_the_other_equations(
    said: Reply, equations: list[str], hinge: bool
) -> None:
    """The margin, or what it is added to, may have a name."""
    lines = ", ".join(f'"{e}"' for e in ["s = w @ x", *equations])
    text = f"""equations = [{lines}]
[parameters]
w = [0.5, 1]
W = [[1, 2], [3, -4]]
b = 0.5
[data]
x = [1, 2]
y = 1
m = 4
"""
    text = "\n".join(
        line for line in text.split("\n") if line[:1] not in "Wbym" or line[:1] in lines[14:]
    )
    told = said(text, "gates", code=2 if hinge else 0)
    assert ("no gates" in told) == hinge
    asked = [q.kind for q in handgrad.questions(handgrad.solve(handgrad.loads(text))).questions]
    assert ("gate_swap" in asked) == (not hinge)


CONTRASTIVE = """
equations = [
    "f1 = relu(W @ x1 + b)",
    "f2 = relu(W @ x2 + b)",
    "L = max(0, m - norm(f1 - f2))**2",
]
[parameters]
W = [[0.5, -0.2], [0.3, 0.8], [-1, -1]]
b = [0.1, 0, 0]
[data]
x1 = [1, 0]
x2 = [0, 1]
m = 1.5
[update]
rule = "momentum"
rate = 0.1
"""


def test_another_activation_leaves_the_hinge_of_the_loss(said: Reply) -> None:
    """tanh in both towers: their distance is 0.7378, and the loss (1.5 − 0.7378)²."""
    for text in (CONTRASTIVE, CONTRASTIVE.replace("m -", "1.5 -").replace("m = 1.5", "")):
        asked = " ".join(said(text, "questions", "--only", "gate_swap").split())
        assert "tanh: every slope" in asked
        assert "The loss would be 0.581 instead of 0.5169" in asked
        study = handgrad.compare_training(handgrad.loads(text), 2)
        assert [each.units for each in (study, *study.compared)] == [6] * 5
        assert [each.layers[0].units for each in study.compared] == [3] * 4
    told = said(CONTRASTIVE, "train", "--steps", "30")
    assert "gradient that its weights get through Wx⁽¹⁾ + b moves" in " ".join(told.split())


def test_gates_says_why_a_sigmoid_with_its_loss_has_none(said: Reply) -> None:
    told = said(
        SVM.replace("maximum(0, 1 - y*s)", "-log(p)").replace('"L =', '"p = sigmoid(s)", "L ='),
        "gates",
        code=2,
    )
    assert "p is differentiated as one with the loss" in told


def test_the_stable_loss_of_a_score_has_no_units(said: Reply) -> None:
    text = SVM.replace("maximum(0, 1 - y*s)", "max(s, 0) - s*y + log(1 + exp(-abs(s)))")
    assert "no gates" in said(text, "gates", code=2)
    assert "ReLU" not in said(text, "solve")


TIED = """
equations = ["z = W @ x + b", "h = maximum(0, z)", "L = 0.5*(v @ h - y)**2"]
[parameters]
W = [[0.3, -0.1], [0.5, -0.5], [1, -2]]
b = [-0.2, 0, 0]
v = [1, -1, 2]
[data]
x = [1, 1]
y = 1
[update]
rate = 0.1
"""


def test_half_of_the_gradient_passes_a_tie_and_no_page_calls_it_shut(said: Reply) -> None:
    """z = [0, 0, −1]: of max(0, z) the first two pass half, and are off nowhere; of relu(z) all three are."""
    for text, off in ((TIED, 1), (TIED.replace("maximum(0, z)", "relu(z)"), 3)):
        told = said(text, "solve", "--only", "forward")
        assert told.count("◁ gate shut") == off
        assert told.count("unit is gated off") == off
        audit = handgrad.gates(handgrad.loads(text))
        assert [u.verdict == "alive" for u in audit.of("h")] == [off == 1, off == 1, False]
        assert audit.of("h")[0].gradient == (0.5 if off == 1 else 0)
        study = handgrad.train(handgrad.loads(text), steps=2)
        assert len(study.started_dead) == off
    assert "half of the gradient through there" in " ".join(said(TIED, "gates").split())
    assert "gate" not in said(TIED, "solve", "--unit", "h[0]").replace("gradient", "")
    assert "is shut" in said(TIED, "solve", "--unit", "h[2]")
    compared = " ".join(said(TIED, "compare", "--set", "b=[-0.3,0.1,0]").split())
    assert "Unit 1 of layer 1 was on (z₁ = 0) and is off now (z₁ = −0.1)" in compared
    asked = said(TIED, "questions", "--only", "other_input")
    assert "z₃ rises from −1 to 1" in asked
    assert "z₂" not in asked
    # Half open at [1, 1], and shut at [1, 0].
    leaving = TIED.replace("[0.3, -0.1]", "[-0.3, 0.1]").replace("b = [-0.2", "b = [0.2")
    away = said(leaving, "questions", "--only", "other_input")
    assert "z₁ falls from 0 to −0.1" in away
