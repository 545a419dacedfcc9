"""Reading answers: whatever a file holds is understood, or answered by one clear line."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.checking import Checker, CheckReport
from handgrad.checking.blanks import blank_csv, blank_toml, blanks
from handgrad.checking.figures import Habit, WrittenFigure, read_figure
from handgrad.checking.reading import read_text
from handgrad.checking.remarks import UnreadLine
from handgrad.cli.commands import run

LAB9 = Checker(handgrad.load("lab9"))


def checked(text: str, kind: str = ".toml") -> CheckReport:
    return LAB9.check(read_text(text, kind, f"answers{kind}"))


def outcome(answers: Any, kind: str = "") -> CheckReport | str:
    """The report, or the one line that says why there is none."""
    try:
        return checked(answers, kind) if kind else LAB9.check(answers)
    except handgrad.HandgradError as error:
        return str(error)


def verdict(report: CheckReport, target: str) -> str:
    return report[target].verdict


@pytest.mark.parametrize(
    ("text", "value", "half"),
    [
        ("0.420", 0.42, 0.0005),
        ("-2", -2.0, 0.5),
        ("1/3", 1 / 3, 0.0),
        ("−0.17", -0.17, 0.005),
        ("0,42", 0.42, 0.005),
        (" .5", 0.5, 0.05),
        ("1.20e-3", 0.0012, 0.000005),
        ("≈ 0.6346", 0.6346, 0.00005),
    ],
)
def test_figures(text: str, value: float, half: float) -> None:
    figure = read_figure(text)
    assert figure is not None
    assert figure.value == pytest.approx(value, abs=1e-15)
    assert figure.half == pytest.approx(half)


@pytest.mark.parametrize(
    "text", ["", "abc", "nan", "inf", "1/0", "--1", "1.2.3", "0x10", "1e9999", "²"]
)
def test_what_is_no_figure(text: str) -> None:
    assert read_figure(text) is None


@given(st.text(max_size=30))
def test_any_text_is_a_figure_or_not(text: str) -> None:
    figure = read_figure(text)
    assert figure is None or np.isfinite(figure.value)


def test_a_habit_is_what_most_figures_show() -> None:
    figures = [read_figure(t) for t in ("0.1234", "-0.0678", "0.42", "1", "0")]
    assert Habit.of([f for f in figures if isinstance(f, WrittenFigure)]) == Habit(4, None)


@pytest.mark.parametrize(
    "name",
    [
        "dW2", "dL/dW2", '"dL/dW2"', '"∂L/∂W⁽²⁾"', "∂L/∂W⁽²⁾", '"dL / dW2"', "dW_2", "W2_grad",
        "grad_W2", "gradW2", "W2.grad", "dL_dW2", "dLdW2", "dL_dW_2", "dJ/dW2", "dJdW2", "dloss_dW2",
        "nabla_W2", '"∇W2"', '"grad(W2)"', "W2_gradient", "dcost/dW_2",
    ],
)  # fmt: skip
def test_names_of_a_gradient(name: str) -> None:
    report = checked(f"{name} = [[-0.1315, -0.0219], [0, 0]]\nz3 = 0.552")
    assert verdict(report, "dW2") == "right"
    assert report.remarks == ()


@pytest.mark.parametrize("name", ["db_1", "b1_grad", "dL/db1", "grad_b_1"])
def test_a_gradient_of_a_vector_by_other_names(name: str) -> None:
    assert verdict(checked(f"{name} = [-0.0877, 0.0438]"), "db1") == "right"


def test_the_loss_may_go_by_another_usual_name() -> None:
    problem = handgrad.Problem("J = (w*x - y)**2", {"w": 2.0}, {"x": 3.0, "y": 1.0})
    for name in ("dL/dw", "dJ/dw", "dC/dw", "dL_dw", "dEdw", "w_grad"):
        report = handgrad.check(problem, {name: "30", "J": "25"})
        assert verdict(report, "dw") == "right", name
        assert report.remarks == ()


def test_another_derivative_is_said_to_be_one() -> None:
    problem = handgrad.Problem("e = w*x - y\nL = e**2", {"w": 2.0}, {"x": 3.0, "y": 1.0})
    report = handgrad.check(problem, {"de/dw": "3", "L": "25"})
    assert report.remarks == (
        "de/dw is a derivative of e; the gradients here are those of L, and that one is dw",
    )
    report = handgrad.check(problem, {"grad_q": "3", "W_grad": "1", "L": "25"})
    assert len(report.remarks) == 2
    assert report.remarks[1] == "W_grad is not a quantity of this problem (did you mean dw?)"


def test_names_that_differ_in_underscores_alone_stay_apart() -> None:
    problem = handgrad.Problem("z_1 = w*x\nz1 = 2*z_1\nL = z1 + z_1", {"w": 2.0}, {"x": 3.0})
    report = handgrad.check(problem, {"z_1": "6", "z1": "12", "dz_1": "3", "dz1": "1"})
    assert report.all_well
    assert len(report.entered) == 4


def test_delta_is_the_gradient_of_the_pre_activation() -> None:
    for name in ("delta2", "delta_2", "δ2", '"δ⁽²⁾"', "dz2"):
        assert verdict(checked(f"{name} = [-0.2192, 0]"), "dz2") == "right"


def test_a_value_of_the_problem_goes_before_a_gradient() -> None:
    problem = handgrad.Problem("dW = 2 * W\nL = dW**2", {"W": 3.0})
    report = handgrad.check(problem, {"dW": "6", "dL/dW": "24", "L": "36"})
    assert verdict(report, "dW") == "right"
    assert report.all_well
    assert [s.target for s in report.entered if s.quantity.phase == "backward"] == ["dL/dW"]


@pytest.mark.parametrize(
    "text",
    [
        "z2 = [0.42, −0.17]",
        'z2 = ["0.42", "−0.17"]',
        'z2 = ["0,42", "-0,17"]',
        'z2 = ["21/50", "-17/100"]',
        "z2 = [21/50, -17/100]",
        "z2 = [.42, -.17]",
        "z2 = [[0.42], [-0.17]]",
        "z2 = [[0.42, -0.17]]",
        "z2 = [\n  0.42,\n  -0.17,\n]",
    ],
)
def test_ways_to_write_a_vector(text: str) -> None:
    report = checked(text)
    assert verdict(report, "z2") == "right"
    assert report.remarks == ()


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("dQ2 = 1\nz3 = 0.552", "dQ2 is not a quantity of this problem (did you mean dz2?)"),
        ("z2 = [0.42, abc]\nz3 = 0.552", "z2[1]: 'abc' is not a number"),
        ("z2 = [0.42, nan]\nz3 = 0.552", "z2[1]: 'nan' is not a number"),
        ("z2 = [[1, 2], [3]]\nz3 = 0.552", "z2: a ragged matrix: row 2 has 1 figure, row 1 has 2"),
        ("x = [2, 0]\nz3 = 0.552", "x is given by the problem, and with other numbers than these"),
        ("z3 = 0.552\n[answers]\nz1 = 1", "answers is a table, not figures; only [updated] is one"),
        (
            "z3 = 0.552\n[updated]\nb9 = 1",
            "updated.b9 is not a quantity of this problem",
        ),
        ("z3 = 0.552\nz2 = [0.42,", "line 2 cannot be read"),
        ("z3 = 0.552\nz3 = 0.5", "line 2 cannot be read"),
        ('z3 = 0.552\ndz3 = -0.3654\n"delta3" = 1', "delta3 is entered twice"),
    ],
)
def test_what_cannot_be_used_gets_a_line_and_the_rest_is_checked(text: str, remark: str) -> None:
    report = checked(text)
    assert verdict(report, "z3") == "right"
    assert any(r.startswith(remark) for r in report.remarks), report.remarks
    assert all("\n" not in r for r in report.remarks)


def test_an_open_bracket_is_told_whatever_stands_after_it() -> None:
    report = checked("z3 = 0.552\nz2 = [0.42,\n[updated]\nb3 = 0.3365")
    assert report.unused == (UnreadLine(2, "not_closed"),)
    assert verdict(report, "updated.b3") == "right"


def test_a_line_after_one_that_is_left_out_is_read_for_itself() -> None:
    report = checked("z3 = 0.552\nz3 = 0.5\nz2 0.5\nW2 = [[1, 2],\n [3, ,4]]\ndz3 = -0.3654")
    assert report.unused == (
        UnreadLine(2, "named_twice"),
        UnreadLine(3, "no_equals"),
        UnreadLine(4, "no_number"),
    )
    assert verdict(report, "dz3") == "right"


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (".csv", f"z1,{'1' * 140_000}\nz3,1", "row 1 cannot be read (field larger than"),
        (".toml", "z1 = [0.5", "line 1 cannot be read (a bracket or a comma is missing)"),
    ],
)
def test_nothing_is_said_of_a_rest_where_there_is_none(kind: str, text: str, message: str) -> None:
    with pytest.raises(handgrad.HandgradError, match=re.escape(message)) as error:
        Checker(handgrad.load("lab9")).check(read_text(text, kind, "answers"))
    assert "checked" not in str(error.value)


def test_a_half_finished_file_is_checked_as_far_as_it_goes() -> None:
    text = "z1 = [0.6, 0.1]\nz2 = [0.42, -0.17]\ndW2 = [[-0.1315, -0.0219],\n  [0, "
    report = checked(text)
    assert [s.target for s in report.entered] == ["z1", "z2"]
    text = json.dumps({"z1": [0.6, 0.1], "z2": [0.42, -0.17], "dW2": [[-0.1315, 1], [0, 0]]})
    for stop in range(len(text)):
        found = outcome(text[:stop], ".json")
        if isinstance(found, str):
            assert "\n" not in found
            assert stop < 18
        else:
            assert verdict(found, "z1") == "right"


@pytest.mark.parametrize("stop", range(0, 160, 3))
def test_a_toml_file_cut_anywhere(stop: int) -> None:
    text = (
        "# mine\nz1 = [0.6, 0.1]\nh1 = [\n 0.6,\n 0.1 ]\nz2 = [0.42, -0.17]\n"
        'dW2 = [["-0.1315", "-0.0219"], [0, 0]]\n[updated]\nb3 = 0.3365\n'
    )
    found = outcome(text[:stop], ".toml")
    if isinstance(found, str):
        assert "\n" not in found
        assert stop < 24
    else:
        assert verdict(found, "z1") == "right"


def test_csv() -> None:
    text = (
        'quantity,figures\nz1,0.6,0.1\ndW2,-0.1315,"-0,0219"\n,0,0\nz3,0.552\nupdated\nb3,0.3365\n'
    )
    report = checked(text, ".csv")
    for target in ("z1", "dW2", "z3", "updated.b3"):
        assert verdict(report, target) == "right"
    german = "z1;0,6;0,1\nupdated.b3;0,3365\n"
    assert verdict(checked(german, ".csv"), "updated.b3") == "right"
    column = "z1,0.6\n,0.1\n"
    assert verdict(checked(column, ".csv"), "z1") == "right"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", ".toml"),
        ("[[", ".toml"),
        ("a" * 1000, ".toml"),
        ("\x00\x01", ".toml"),
        ("= = =", ".toml"),
        ("z1", ".csv"),
        ("[1, 2]", ".json"),
        ("null", ".json"),
        ('{"q": {"a": ' * 3000, ".json"),
        ("z1 = " + "[" * 5000, ".toml"),
        ("z1 = " + "[" * 50 + "]" * 50, ".toml"),
        ("z1 = 0.6", ".docx"),
        ('"' * 999, ".csv"),
    ],
)
def test_hopeless_files_get_one_line(text: str, kind: str) -> None:
    found = outcome(text, kind)
    if isinstance(found, str):
        assert "\n" not in found
        assert len(found) < 400
    else:
        assert not found.entered or found.remarks or found.wrong


@given(st.text(max_size=200), st.sampled_from([".toml", ".json", ".csv"]))
def test_nothing_crashes(text: str, kind: str) -> None:
    assert outcome(f"z3 = 0.552\n{text}" if kind == ".toml" else text, kind)


@given(
    st.dictionaries(
        st.sampled_from(["z1", "dW2", "L", "yhat", "updated", "x", "nothing"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=3), inner, max_size=2)
            ),
            max_leaves=8,
        ),
    )
)
def test_no_mapping_crashes(answers: dict[str, Any]) -> None:
    assert outcome(answers)


def test_wrong_shapes_are_named() -> None:
    report = checked("z2 = [0.42, -0.17, 0]\nz3 = 0.552")
    (diagnosis,) = report["z2"].diagnosis
    assert diagnosis.rule == "wrong_shape"
    assert str(diagnosis) == "it is a vector of 3 entries, and should be a vector of 2 entries"


def test_a_transposed_shape_is_a_diagnosis() -> None:
    checker = Checker(handgrad.load("softmax"))
    right = checker.work.exact[next(q.leaf for q in checker.asked if q.target == "dW2")]
    report = checker.check({"dW2": np.round(right.T, 4)})
    assert report["dW2"].diagnosis[0].rule == "outer_transposed"


@pytest.mark.sweep
def test_a_million_entries() -> None:
    start = time.perf_counter()
    text = '{"z3": 0.552, "dW2": [' + ", ".join(["0.125"] * 1_000_000) + "]}"
    report = checked(text, ".json")
    assert report["dW2"].diagnosis[0].rule == "wrong_shape"
    assert verdict(report, "z3") == "right"
    n = 1000
    problem = handgrad.Problem("z = W @ x\nL = sum(z)", {"W": np.zeros((n, n))}, {"x": np.ones(n)})
    assert handgrad.check(problem, dW=np.ones((n, n)), z=np.zeros(n)).all_well
    assert time.perf_counter() - start < 60


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("z3 = 0.552\n", "utf-8-sig")
    assert LAB9.check(path).all_well
    for bad in (tmp_path, tmp_path / "none.toml", "\x00"):
        with pytest.raises(handgrad.OptionError):
            LAB9.check(bad)
    path.write_bytes(b"\xff\xfa\x00")
    with pytest.raises(handgrad.OptionError, match="not UTF-8"):
        LAB9.check(path)


def test_blanks_can_be_read_back() -> None:
    text = blank_toml(handgrad.blanks(LAB9))
    assert (
        text.index("z1")
        < text.index("dW2")
        < text.index("[updated]")
        < text.index("b3 = ", text.index("[updated]"))
    )
    with pytest.raises(handgrad.OptionError) as raised:
        checked("nothing = 1")
    assert "nothing" in str(raised.value)
    report = checked(text.replace('\nz3 = ""', "\nz3 = 0.552"))
    assert [s.target for s in report.entered] == ["z3"]
    assert report.remarks == ()


@pytest.mark.parametrize("name", ["lab9", "batch", "attention", "conv"])
def test_every_blank_file_is_read_back(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Empty places are not entered; filled with the right figures, they are all right."""
    checker = Checker(handgrad.load(name))
    places = blanks(checker)
    for kind, text in ((".toml", blank_toml(places)), (".csv", blank_csv(places))):
        path = tmp_path / f"answers{kind}"
        path.write_text(text)
        assert not checker.check(path).entered
    right = {
        b.target: np.asarray(checker.check({b.target: "0"})[b.target].expected) for b in places
    }
    rows = []
    for target, array in right.items():
        for k, row in enumerate(
            np.atleast_2d(array).reshape(-1, array.shape[-1] if array.ndim else 1)
        ):
            rows.append(",".join([target if k == 0 else "", *(f"{x:.6f}" for x in row)]))
    path.write_text("\n".join(rows))
    if all(a.ndim < 3 for a in right.values()):
        assert {s.verdict for s in checker.check(path).entered} == {"right"}


def test_a_notebook_to_fill_in_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "lab9", "--blank", "ipynb"]) == 0
    notebook = json.loads(capsys.readouterr().out)
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    filled = [c.replace('answers["z1"] = ["", ""]', 'answers["z1"] = [0.6, 0.2]') for c in cells]
    for source, said in ((cells, "Nothing is entered"), (filled, "WRONG")):
        exec("\n".join(source), {})
        assert said in capsys.readouterr().out


BROKEN = """
z1 = [0.6, 0.1]
h1 = [0.6 0.1]
z2 = [0.42, -0.17]
z2 = [0.42, -0.17]
z3 = 0,552
yhat =
L = 0.4548
dh2 = [[1,
stray words
db2 = [-0.2192, 0]
"""


def test_statements_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(BROKEN, "utf-8")
    report = LAB9.check(path)
    right = [s.target for s in report.steps if s.verdict == "right"]
    assert right == ["z1", "z2", "z3", "L", "db2"]
    assert [r.split(";")[0] for r in report.remarks] == [
        "line 3 cannot be read (a bracket or a comma is missing)",
        "line 5 cannot be read (its name stands there twice)",
        "line 7 cannot be read (the figure is missing, or is not a number)",
        "line 9 cannot be read (a bracket or a comma is missing)",
    ]


def test_text_in_place_of_an_array_is_no_answer() -> None:
    report = LAB9.check({"z1": "0.6, 0.1", "h1": [0.6, 0.1]})
    assert report["z1"].verdict == "missing"
    assert any("is not a number" in r for r in report.remarks)


def test_a_new_parameter_under_its_old_name_is_told_where_it_belongs() -> None:
    report = LAB9.check({"h1": [0.6, 0.1], "W1": [[0.4, 0.3], [0.1, 0.1]]})
    assert any("W1_new" in r for r in report.remarks)


def test_a_figure_alone_is_held_to_its_own_digits() -> None:
    """Bounds on a loss lie no further apart than the roundings before it lead to."""
    assert LAB9.check({"L": "0.4548", "yhat": "0.6346"}).all_well
    for wrong in ("0.4535", "0.4544", "0.4552", "0.4560"):
        assert LAB9.check({"L": wrong, "yhat": "0.6346"})["L"].verdict == "wrong"


def test_a_mistake_is_told_once() -> None:
    gate = LAB9.check({"dz2": [-0.2192, 0.1462], "z2": [0.42, -0.17]})
    rules = [d.rule for d in gate["dz2"].diagnosis]
    assert rules[0] == "gate_forgotten"
    assert "factor_left_out" not in rules
    assert LAB9.check({"z1": [1.0786158809173895e308, None]})["z1"].verdict == "wrong"


def test_a_sign_that_is_wrong_in_one_entry_is_said_of_that_entry() -> None:
    problem = handgrad.load("lab9")
    gradient = handgrad.solve(problem).run.gradient("W1")
    figures = [[f"{x:.4f}" for x in row] for row in gradient]
    figures[0][0] = f"{-gradient[0, 0]:.4f}"
    report = handgrad.check(problem, {"dW1": figures})
    assert "the sign of dW1[0, 0] is wrong" in str(report)
    assert "the sign is wrong" in str(handgrad.check(problem, {"L": "-0.4548"}))


def test_a_second_slip_does_not_hide_the_first() -> None:
    """One sign turned and another figure miscopied were said to come of no usual mistake."""
    judged = handgrad.check(handgrad.load("lab9"), dW1=[["0.0877", "0"], ["0.0428", "0"]])["dW1"]
    (diagnosis,) = judged.diagnosis
    assert (diagnosis.rule, diagnosis.entries) == ("sign_lost", ((0, 0),))
    assert "and that is not all" in str(diagnosis.text)
    none = handgrad.check(handgrad.load("lab9"), dW1=[["0.31", "0"], ["0.0512", "0"]])["dW1"]
    assert none.diagnosis == ()
