"""Shapes are part of an answer: a gradient that is transposed is wrong, however its figures agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.cli.commands import run
from handgrad.formats.terminal import render_terminal
from handgrad.graph import build
from tests.check.students import decimals, texts
from tests.schemas import validate

COLUMNS = handgrad.Problem(
    """
    Z1 = W1 @ X + b1
    A1 = tanh(Z1)
    Z2 = W2 @ A1 + b2
    A2 = sigmoid(Z2)
    J = -sum(Y * log(A2) + (1 - Y) * log(1 - A2)) / 2
    """,
    {
        "W1": [[0.5, -0.3], [0.2, 0.7]],
        "b1": [[0.1], [0.0]],
        "W2": [[0.4, -0.6]],
        "b2": [[0.2]],
    },
    {"X": [[1, 0.5], [2, -1]], "Y": [[1, 0]]},
)
"""A batch with the examples in the columns."""


def gradients(problem: handgrad.Problem) -> dict[str, Any]:
    found = handgrad.run(problem, build(problem))
    return {n: np.asarray(found.gradient(n)) for n in problem.parameters}


def test_a_transposed_gradient_is_wrong_and_said_to_broadcast() -> None:
    report = handgrad.check(
        COLUMNS,
        dZ2=[[-0.2937, 0.3397]],
        dW2=[[0.1942], [-0.4531]],
        dW1=[[-0.0717, -0.046], [-0.3264, 0.1981]],
    )
    assert report["dW2"].verdict == report["dW1"].verdict == "wrong"
    (found,) = report["dW2"].diagnosis
    assert found.rule == "result_transposed"
    assert "transposed: a 2×1 matrix, and should be a 1×2 matrix" in str(found)
    assert "W2 minus a 2×1 gradient would broadcast to 2×2" in str(found)
    assert report["dW1"].diagnosis[0].rule == "result_transposed"
    page = render_terminal(report.page(), width=80, colour=False, unicode=True)
    assert "broadcast to 2×2" in page


@pytest.mark.parametrize("name", ["W1", "b1", "W2"])
def test_programs_are_held_to_their_shapes(name: str) -> None:
    right = gradients(COLUMNS)
    handgrad.assert_gradients(COLUMNS, right)
    with pytest.raises(AssertionError, match="transposed"):
        handgrad.assert_gradients(COLUMNS, {**right, name: right[name].T})
    report = handgrad.check_code(
        COLUMNS, lambda **_: {f"d{n}": v.T if n == name else v for n, v in right.items()}
    )
    assert [s.target for s in report.wrong] == [f"d{name}"]


def test_an_array_of_a_program_is_no_column_unless_it_has_two_axes() -> None:
    right = gradients(COLUMNS)
    with pytest.raises(AssertionError, match=r"b1 minus a 2-entry gradient would broadcast to 2×2"):
        handgrad.assert_gradients(COLUMNS, {**right, "b1": right["b1"].ravel()})
    with pytest.raises(AssertionError, match="should be a 1×2 matrix"):
        handgrad.assert_gradients(COLUMNS, {**right, "W2": right["W2"].ravel()})
    handgrad.assert_gradients(COLUMNS, {**right, "b2": right["b2"].ravel()})


def test_a_list_on_paper_may_stand_for_a_row_or_a_column() -> None:
    report = handgrad.check(COLUMNS, db1=[-0.026, -0.1185], dW2=[0.1942, -0.4531], db2=0.046)
    assert report.all_well
    assert report["db1"].remark == "read as a column"
    assert handgrad.check(COLUMNS, db1=[[-0.026, -0.1185]])["db1"].verdict == "wrong"


def test_a_vector_is_a_row_or_a_column_where_there_are_vectors_only() -> None:
    lab9 = handgrad.load("lab9")
    right = gradients(lab9)
    turned = {
        "b1": right["b1"][:, None],
        "b2": right["b2"][None],
        "w3": right["w3"][:, None],
        "b3": right["b3"][None],
    }
    handgrad.assert_gradients(lab9, turned)
    assert handgrad.check(lab9, {f"d{n}": v for n, v in turned.items()}).all_well
    with pytest.raises(AssertionError, match="outer product is the wrong way round"):
        handgrad.assert_gradients(lab9, {"W1": right["W1"].T})


def test_what_was_done_is_a_formula(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("z2 = [0.42, -0.17]\ndelta2 = [-0.2192, 0.1462]\n")
    assert run(["check", "lab9", str(path), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    validate(found, "check")
    (step,) = [s for s in found["steps"] if s["verdict"] == "wrong"]
    first = step["diagnosis"][0]
    assert first["done"] == [{"target": "dz2", "rule": "gate_forgotten", "formula": "dh2"}]
    assert run(["check", "lab9", str(path), "--level", "rule", "--width", "80"]) == 1
    text = capsys.readouterr().out
    assert "what was done  δ⁽²⁾ = ∂L/∂h⁽²⁾\n" in text
    assert "the rule       δ⁽²⁾ = ∂L/∂h⁽²⁾ ⊙ 1[z⁽²⁾ > 0]\n" in text


def test_the_steps_of_a_report_are_sections_beside_one_another(tmp_path: Path) -> None:
    path, page = tmp_path / "mine.toml", tmp_path / "mine.html"
    path.write_text("z2 = [0.42, -0.71]\ndelta2 = [-0.2192, 0.1462]\nL = 0.7\n")
    run(["check", "lab9", str(path), "--level", "worked", "-o", str(page)])
    parts = page.read_text("utf-8").split('<section class="step"')[1:]
    assert len(parts) == 3
    assert all(part.count("</section>") == 1 for part in parts)


def test_a_program_may_lie_on_either_side_of_a_kink() -> None:
    """0.1·3 − 0.3 is 0 on paper, and 5.6·10⁻¹⁷ in a program: leaky ReLU's slope there is 0.01 or 1."""
    problem = handgrad.Problem(
        "z = leaky_relu(w*x - b)\nL = z**2 + z", {"w": 0.1, "b": 0.3}, {"x": 3.0}
    )
    for slope in (1.0, 0.01):
        handgrad.assert_gradients(problem, {"w": 3 * slope})
    with pytest.raises(AssertionError):
        handgrad.assert_gradients(problem, {"w": 2.0})


def test_answers_of_other_shapes_take_no_search() -> None:
    checker = handgrad.Checker(handgrad.load("attention"))
    rows = {
        q.target: [[0.123] * checker.shape(q.target)[-1]]
        for q in checker.asked
        if len(checker.shape(q.target)) == 2
    }
    report = checker.check(rows)
    assert len(report.wrong) > 10
    assert {j.diagnosis[0].rule for j in report.wrong} == {"wrong_shape"}


SQUARE = handgrad.Problem(
    ["z = W @ x + b", "h = relu(z)", "L = sum((h - y)**2)"],
    {"W": [[0.5, -0.3], [0.2, 0.7]], "b": [0.1, 0.2]},
    {"x": {"cases": [[1, 2], [0.5, 1]]}, "y": {"cases": [[1, 0], [0, 1]]}},
)


def test_a_square_of_cases_in_rows_is_known_by_its_figures() -> None:
    in_columns, in_rows = [["0", "0.05"], ["1.8", "1"]], [["0", "1.8"], ["0.05", "1"]]
    as_it_stands, turned = (handgrad.check(SQUARE, {"z": z})["z"] for z in (in_columns, in_rows))
    assert (as_it_stands.verdict, as_it_stands.remark) == ("right", "")
    assert (turned.verdict, turned.remark) == ("right", "read with a case in each row")
    assert handgrad.check(SQUARE, {"z": [["0", "1.7"], ["0.05", "1"]]})["z"].verdict == "wrong"


def test_a_value_called_x_new_is_no_update() -> None:
    newton = ["f = x**2 - a", "g = 2*x", "x_new = x - f/g", "L = x_new**2"]
    report = handgrad.check(handgrad.Problem(newton, {"x": 1.5}, {"a": 2}), {"x_new": "1.4167"})
    assert report["x_new"].verdict == "right"
    assert not report.remarks
    # Where no value is called so, it is the parameter after the update.
    after = handgrad.check(handgrad.load("lab9"), {"b3_new": "0.3365"})
    assert after["updated.b3"].verdict == "right"


def test_wrong_entries_are_all_counted() -> None:
    """70 of 100 entries are wrong; where all are, no entry is named."""
    problem = handgrad.Problem(
        ["Z = X @ W", "L = sum(Z**2)"], {"W": np.ones((9, 10))}, {"X": np.ones((10, 9))}
    )
    some = np.where(np.arange(100).reshape(10, 10) < 70, 3.0, 9.0)
    for entered, said in ((some, "WRONG in 70 entries"), (np.full((10, 10), 3.0), "WRONG   │")):
        page = handgrad.check(problem, Z=entered).page()
        text = render_terminal(page, width=80, colour=False, unicode=True)
        assert said in text


COSINE = handgrad.Problem(
    "s = dot(u, v) / (norm(u)*norm(v))\nL = 1 - s",
    {"u": [3, 4]},
    {"v": {"cases": [[3, 4], [-4, 3], [-3, -4]]}},
)
"""The loss's derivative by s is −1 in every case."""

LINEAR = (
    ["z = W @ x", "L = dot(c, z)"],
    {"W": [[1, 2], [3, 4]], "c": [5, -6]},
    {"x": {"cases": [[1, 2], [0, 1], [2, 2]]}},
)

MATRICES = handgrad.Problem(
    ["M = A * X", "L = sum(C * M)"],
    {"A": [[1, 2], [3, 4]], "C": [[1, -2], [3, 5]]},
    {"X": {"cases": [[[1, 2], [0, 1]], [[1, 1], [2, 2]], [[0, 1], [3, 1]]]}},
)


@pytest.mark.parametrize("figures", [-1, [-1, -1, -1], [[-1, -1, -1]], {"cases": [-1, -1, -1]}])
def test_a_gradient_that_is_the_same_in_every_case_may_be_written_for_each(figures: object) -> None:
    assert handgrad.check(COSINE, ds=figures)["ds"].verdict == "right"
    assert handgrad.check(COSINE, ds=figures, du=[0.0533, -0.04]).all_well


def test_a_wrong_case_of_such_a_gradient_is_wrong() -> None:
    report = handgrad.check(COSINE, ds=[-1, 2, -1])
    assert (report["ds"].verdict, report["ds"].wrong) == ("wrong", ((1,),))
    page = render_terminal(report.page(), width=80, colour=False, unicode=True)
    assert "WRONG in entry 2" in page
    assert "case 1  case 2  case 3" in page
    half = handgrad.check(COSINE, ds=[-1, "?", -1])["ds"]
    assert (half.verdict, half.wrong, half.diagnosis[0].rule) == ("wrong", ((1,),), "not_entered")
    # Each case's share of the mean over three cases.
    assert handgrad.check(COSINE, ds=["-0.3333"] * 3)["ds"].verdict == "right"
    validate(report.to_json(), "check")


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_of_vectors_and_in_programs_too(reduction: str) -> None:
    problem = handgrad.Problem(*LINEAR, reduction=reduction)
    columns = np.array([[5.0, 5, 5], [-6, -6, -6]])
    for right in (columns, columns.T, columns[:, 0]):
        handgrad.assert_gradients(problem, {"dz": right})
        assert handgrad.check_code(problem, lambda right=right, **_: {"dz": right}).all_well
        assert handgrad.check(problem, {"dz": right.tolist()}).all_well
    assert handgrad.check(problem, {"dz": {"cases": columns.T.tolist()}}).all_well
    wrong = columns.copy()
    wrong[1, 1] = 6
    with pytest.raises(AssertionError, match=r"the sign of dz\[1\] is wrong"):
        handgrad.assert_gradients(problem, {"dz": wrong})
    assert handgrad.check(problem, {"dz": wrong.tolist()})["dz"].wrong == ((1, 1),)
    assert handgrad.check(problem, {"dz": wrong[:, :2].tolist()})["dz"].verdict == "wrong"


def test_of_matrices_too() -> None:
    right = MATRICES.inputs["C"].array
    for each in (right, np.stack([right] * 3, axis=-1), np.stack([right] * 3)):
        handgrad.assert_gradients(MATRICES, {"dM": each})
    assert handgrad.check(MATRICES, {"dM": {"cases": [right.tolist()] * 3}}).all_well
    wrong = np.stack([right] * 3)
    wrong[1] = right.T
    assert handgrad.check(MATRICES, {"dM": wrong})["dM"].wrong == ((0, 1, 1), (1, 0, 1))


def test_each_case_follows_from_an_earlier_slip() -> None:
    """dh = Wᵀc is the same in every case; with a slip in c's product it follows in every case."""
    problem = handgrad.Problem(
        ["h = tanh(x)", "z = W @ h", "L = dot(c, z)"],
        {"W": [[1, 2], [3, 4]], "c": [5, -6]},
        {"x": {"cases": [[1, 2], [0, 1], [2, 2]]}},
    )
    report = handgrad.check(problem, dz=[5, 6], dh=[[23] * 3, [34] * 3])
    assert [report[n].verdict for n in ("dz", "dh")] == ["wrong", "consistent"]
    report = handgrad.check(problem, dz=[5, 6], dh=[[23, 23, 22], [34] * 3])
    assert report["dh"].wrong == ((0, 2),)


@pytest.mark.parametrize("arrives", [[0.5, 0], {"cases": [[0.5, 0], [0.5, 0]]}])
def test_a_path_is_left_out_of_what_is_otherwise_the_same_in_every_case(arrives: object) -> None:
    problem = handgrad.Problem(
        ["s = W @ x", "o = tanh(s)"],
        {"W": [[1, 2], [3, -1]]},
        {"x": {"cases": [[1, 0.2], [0.3, 1]]}},
        upstream={"s": arrives, "o": {"cases": [[1, 0.4], [-1, 2]]}},
    )
    report = handgrad.check(problem, ds={"cases": [[0.5, 0], [0.5, 0]]})
    assert report["ds"].diagnosis[0].rule == "path_left_out"


TASKS = """
h = W @ x + b
L1 = (h[0] - y)**2
L2 = (h[1] - y)**2
L = L1 + exp(-s2)*L2 + s2/2
"""


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", ["s2", "b", "W"])
@pytest.mark.parametrize("rows", [False, True])
def test_the_cases_own_gradients_are_no_shape_that_is_wrong(
    name: str, rows: bool, reduction: Any
) -> None:
    """They stand on the page: "in each case ∂L/∂s⁽²⁾ = …"; what is left is to take them together."""
    cases = {"x": {"cases": [[1, 2], [0, 1], [1, -0.5]]}, "y": {"cases": [1, 0, 2]}}
    problem = handgrad.Problem(
        TASKS, {"W": [[1, 0.5], [0.2, 0.4]], "b": [0.1, 0.2], "s2": 0.3}, cases, reduction=reduction
    )
    every = [line for step in handgrad.solve(problem).steps for line in step.lines]
    shown = {line.target.name: line.value for line in every if line.role == "per_case"}
    figures = np.moveaxis(shown[name], -1, 0) if rows else shown[name]
    judged = handgrad.check(problem, {f"d{name}": texts(figures, decimals(4))})[f"d{name}"]
    assert judged.verdict == "wrong"
    (found,) = judged.diagnosis
    assert found.rule == f"{reduction}_not_taken"
    assert str(found).startswith("these are the cases' own figures: ")
    assert "broadcast" not in str(found)


def test_figures_of_as_many_cases_that_are_none_have_a_wrong_shape() -> None:
    cases = {"x": {"cases": [1, 2, 4]}, "y": {"cases": [1, 0, 2]}}
    problem = handgrad.Problem("p = w*x\nL = (p - y)**2", {"w": 2.0}, cases)
    (found,) = handgrad.check(problem, dw=["1.7", "0.3", "-5"])["dw"].diagnosis
    assert str(found).endswith("w minus a 3-entry gradient would broadcast to 3 entries")


def test_the_losses_of_the_cases_are_not_their_mean() -> None:
    cases = {"x": {"cases": [1, 2, 4]}, "y": {"cases": [1, 0, 2]}}
    problem = handgrad.Problem("p = w*x\nL = (p - y)**2", {"w": 2.0}, cases)
    (found,) = handgrad.check(problem, {"J": ["1", "16", "36"]})["J"].diagnosis
    assert found.rule == "mean_not_taken"
