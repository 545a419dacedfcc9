"""The checker through the public door: verdicts, diagnoses, marks, figures in print, pages, the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.checking import Checker, CheckReport
from handgrad.checking.report import Level
from handgrad.checking.words import MISTAKES, OTHERS, SLIPS
from handgrad.cli.commands import run
from handgrad.expression import Adjoint, Name
from handgrad.formats.terminal import render_terminal
from handgrad.graph import build
from handgrad.operations.mistakes import PRIORITY
from handgrad.page.blocks import Legend, relations_in
from handgrad.running import Carry
from tests.check.students import Network, decimals, networks
from tests.schemas import validate
from tests.test_documents import indented, python

SLIDES: dict[str, Any] = {
    "z1": ["0.6", "0.1"],
    "h1": ["0.6", "0.1"],
    "z2": ["0.42", "-0.17"],
    "h2": ["0.42", "0"],
    "z3": "0.552",
    "yhat": "0.6346",
    "L": "0.4546",
    "delta3": "-0.3654",
    "dw3": ["-0.1535", "0"],
    "db3": "-0.3654",
    "dh2": ["-0.2192", "0.1462"],
    "delta2": ["-0.2192", "0"],
    "dW2": [["-0.1315", "-0.0219"], ["0", "0"]],
    "db2": ["-0.2192", "0"],
    "dh1": ["-0.0877", "0.0438"],
    "delta1": ["-0.0877", "0.0438"],
    "dW1": [["-0.0877", "0"], ["0.0438", "0"]],
    "db1": ["-0.0877", "0.0438"],
    "updated": {"b3": "0.3365"},
}
"""The figures of the lab's slides as they are printed."""

LAB9 = Checker(handgrad.load("lab9"))
NET = Network((2, 2, 2, 1), "relu", "sigmoid", "bce")
VALUES = {
    "W1": np.array([[0.5, -0.3], [0.2, 0.7]]),
    "b1": np.array([0.1, -0.1]),
    "W2": np.array([[0.4, -0.2], [-0.5, 0.3]]),
    "b2": np.array([0.2, 0.1]),
    "w3": np.array([0.6, -0.4]),
    "b3": np.array(0.3),
    "x": np.array([1.0, 0.0]),
    "y": np.array(1.0),
}


def work(**wrong: Any) -> dict[str, Any]:
    """The lab's figures to four decimals, with quantities computed otherwise."""
    return NET.work(VALUES, decimals(4), "exact", wrong)


def first(report: CheckReport, target: str) -> str:
    return report[target].diagnosis[0].rule


def test_the_slides_as_printed() -> None:
    report = handgrad.check(LAB9.problem, SLIDES, as_printed=True)
    assert {s.target: s.printed for s in report.entered if s.printed != "right"} == {"L": "wrong"}
    assert len(report.entered) == 19
    assert float(report["L"].expected) == pytest.approx(0.4548, abs=5e-5)
    page = render_terminal(report.page(), width=80, colour=False, unicode=True)
    assert "0.4548" in page
    assert page.count("WRONG") == 1


@pytest.mark.parametrize("shown", [["L"], ["yhat", "L"], ["z3", "L"], ["z2", "h2", "L"]])
def test_numbers_that_are_not_in_print_excuse_nothing(shown: list[str]) -> None:
    report = LAB9.check_printed({name: SLIDES[name] for name in shown})
    assert [s.target for s in report.entered if s.printed != "right"] == ["L"]
    assert report["L"].printed == "wrong"


def test_the_slides_as_a_students_work() -> None:
    report = LAB9.check(SLIDES)
    assert [s.target for s in report.wrong] == ["L"]


def test_problems_that_are_checked_in_turn_keep_their_own_numbers() -> None:
    lab = handgrad.load("lab9")
    other = lab.with_values({"W2": [[0.1, 0.2], [0.9, 0.3]]})
    for problem in (lab, other, lab):
        report = handgrad.check(problem, z1=[0.6, 0.1])
        worked = handgrad.run(problem)
        assert report["z2"].expected == pytest.approx(worked.value("z2"))
        assert report["dW2"].expected == pytest.approx(worked.gradient("W2"))
        assert report["dW2"].quantity.line is not None
        assert report["dW2"].quantity.line.value == pytest.approx(worked.gradient("W2"))


def test_one_slip_at_step_1_2_costs_once() -> None:
    report = LAB9.check(work(z2=lambda s: np.array([0.42, 0.17])))
    assert [s.target for s in report.wrong] == ["z2"]
    assert report["z2"].quantity.step == "1.2"
    assert first(report, "z2") == "sign_lost"
    assert report["z2"].wrong == ((1,),)
    assert report.out_of - report.marks == 1
    assert {s.verdict for s in report.steps if s.target not in ("z1", "h1", "z2")} == {"consistent"}


def test_a_slip_that_is_not_carried_costs_nothing_more() -> None:
    answers = {**work(), "z2": ["0.42", "-0.71"]}
    report = LAB9.check(answers)
    assert [s.target for s in report.wrong] == ["z2"]
    assert first(report, "z2") == "digits_swapped"
    assert {s.verdict for s in report.steps if s.target != "z2"} == {"right"}


def test_a_slip_that_leaves_nothing_to_do_earns_nothing() -> None:
    report = LAB9.check(work(z2=lambda s: np.array([-0.42, -0.17])))
    assert [s.target for s in report.wrong] == ["z2"]
    trivial = [s.target for s in report.steps if s.trivial]
    assert "h2" in trivial
    assert "dW2" in trivial
    assert "yhat" not in trivial
    assert report.marks == report.out_of - 1 - len(trivial)


def test_given_figures_before_it_are_taken_as_rounded() -> None:
    problem = handgrad.Problem("a = 1/3 * x\nb = 100 * a\nL = b", {"x": 1.0})
    for b in ("33", "33.3", "33.33", "33.0", "33.2"):
        assert handgrad.check(problem, {"a": "0.33", "b": b}).all_well, b
    assert not handgrad.check(problem, {"a": "0.3333", "b": "33.0"}).all_well
    assert not handgrad.check(problem, {"a": "0.33", "b": "33.34"}).all_well


def test_rounding_a_figure_wrongly_is_wrong() -> None:
    assert LAB9.check({"yhat": "0.635"}).all_well
    assert not LAB9.check({"yhat": "0.636"}).all_well
    assert not LAB9.check({"yhat": "1"}).all_well
    assert not LAB9.check({"dh1": ["0", "0.0438"]}).all_well


def test_a_mistake_in_a_step_that_is_not_entered() -> None:
    answers = work(dz2=lambda s: s["dh2"])
    report = LAB9.check({n: f for n, f in answers.items() if n in ("z2", "dW2", "yhat")})
    (diagnosis, *_) = report["dW2"].diagnosis
    assert diagnosis.rule in ("gate_forgotten", "before_gate")


def test_two_mistakes_in_different_steps_are_both_named() -> None:
    report = LAB9.check(
        work(
            dz2=lambda s: s["dh2"],
            dh1=lambda s: s["W2"] @ s["dz2"],
        )
    )
    assert [s.target for s in report.wrong] == ["dz2", "dh1"]
    assert first(report, "dz2") == "gate_forgotten"
    assert first(report, "dh1") == "transpose_forgotten"


def test_one_path_left_out() -> None:
    problem = handgrad.load("shared")
    checker = Checker(problem)
    exact = {q.target: checker.work.exact[q.leaf] for q in checker.work.structure.quantities}
    answers = {t: exact[t] for t in ("z1", "h1", "z2", "h2", "L", "dh2", "dz2", "dh1", "dz1")}
    for path in ("dW_via_z1", "dW_via_z2"):
        report = checker.check({**answers, "dW": np.round(exact[path], 4)})
        assert first(report, "dW") == "path_left_out"
    assert checker.check({**answers, "dW": exact["dW"], "dW_via_z1": exact["dW_via_z1"]}).all_well


def test_gradients_of_cases_may_carry_their_share_of_the_mean() -> None:
    net = next(n for n in networks() if n.cases == 3 and n.depth == 3)
    values = net.draw(np.random.default_rng(5))
    checker = Checker(net.problem(values))
    own = net.work(values, decimals(6))
    assert checker.check(own).all_well
    shared = dict(own)
    for name in own:
        if name.startswith(("dz", "dh")):
            shared[name] = np.round(checker.work.exact[Adjoint(name[1:])] / 3, 6)
    assert checker.check(shared).all_well


def test_cases_may_stand_in_rows() -> None:
    checker = Checker(handgrad.load("batch"))
    exact = {q.target: checker.work.exact[q.leaf] for q in checker.asked}
    report = checker.check({"h1": exact["h1"].T, "yhat": exact["yhat"][:, None]})
    assert report.all_well
    assert report["h1"].remark


@pytest.mark.parametrize("name", [n for n, _, _ in handgrad.bundled()])
@pytest.mark.parametrize("carry", ["exact", "rounded"])
def test_the_worked_solutions_are_right(name: str, carry: Carry) -> None:
    problem = handgrad.load(name)
    trace = handgrad.solve(problem, carry=carry, decimals=5)
    answers: dict[str, Any] = {"updated": {}}
    for step in trace.steps:
        for line in step.lines:
            if step.kind == "loss_after" or line.role == "per_case":
                continue
            figures = np.round(np.asarray(line.value, dtype=float), 5)
            if step.phase == "update":
                answers["updated"][line.target.name] = figures
            elif isinstance(line.target, Name):
                answers[line.target.name] = figures
            else:
                through = f"_via_{line.target.through}" if line.target.through else ""
                answers[f"d{line.target.name}{through}"] = figures
    report = handgrad.check(problem, answers)
    assert [(s.target, s.verdict) for s in report.steps if s.verdict != "right"] == []
    assert report.remarks == ()


# -- words and marks -------------------------------------------------------------------------------


def test_every_mistake_has_words() -> None:
    assert set(MISTAKES) == set(PRIORITY)
    assert not set(OTHERS) & (set(MISTAKES) | set(SLIPS))


def test_a_rubric() -> None:
    rubric = {
        "default": 0,
        "kinds": {"update": 0.5},
        "steps": {"1.2": 3},
        "quantities": {"dW2": 2},
        "shares": {"consistent": 0.5},
    }
    checker = Checker(LAB9.problem, rubric)
    report = checker.check(work(z2=lambda s: np.array([0.42, 0.17])))
    assert report["z2"].out_of == report["h2"].out_of == 1.5
    assert report["h2"].marks == 0.75
    assert report["dW2"].marks == 1
    assert report.out_of == 3 + 2 + 6 * 0.5
    bad: dict[str, Any]
    for bad in ({"kind": {}}, {"steps": {"9.9": 1}}, {"default": -1}, {"quantities": {"dW9": 1}}):
        with pytest.raises(handgrad.OptionError):
            Checker(LAB9.problem, bad)


def test_one_quantity_alone() -> None:
    before = {"z1": ["0.6", "0.1"], "h1": ["0.6", "0.1"], "z2": ["0.42", "0.17"]}
    assert LAB9.check_one("h2", ["0.42", "0.17"], before).verdict == "consistent"
    assert LAB9.check_one("h2", ["0.42", "0"]).verdict == "right"
    assert LAB9.check_one("updated.b3", "0.2635").diagnosis[0].rule == "update_sign"
    with pytest.raises(handgrad.OptionError, match="did you mean"):
        LAB9.check_one("dW22", 1)


def test_plain_descent_in_place_of_another_rule_is_known() -> None:
    lab, rule = LAB9.problem, handgrad.Update("adam", 0.1)
    adam = Checker(handgrad.Problem(lab.equations, lab.parameters, lab.data, update=rule))
    found = adam.check({"db3": "-0.3654", "updated.b3": "0.3365"})["updated.b3"].diagnosis
    assert found[0].rule == "plain_step"
    assert LAB9.check({"db3": "-0.3654", "updated.b3": "0.3365"})["updated.b3"].verdict == "right"


def test_a_sum_for_a_mean_says_how_many_times() -> None:
    batch = Checker(handgrad.load("batch"))
    found = batch.check({"L": "0.4548 0.8181 0.5459", "J": "1.8188"})["J"]
    assert "3 times too large" in str(found)


def test_a_figure_of_nothing_has_no_digits_to_shift() -> None:
    """1e-9 is 0.0000 to four decimals: no decimal point makes 0.0219 of it."""
    problem = handgrad.Problem("L = w*x", {"w": 1e-9}, {"x": 1.0})
    found = Checker(problem).check({"L": "0.0219", "dw": "1.0000"})["L"]
    assert found.verdict == "wrong"
    assert "decimal_point" not in {d.rule for d in found.diagnosis}


@pytest.mark.parametrize(("figure", "rule"), [("0", None), ("3", None), ("1.3", "digit_slip")])
def test_a_slip_of_the_pen_has_other_digits_that_are_right(figure: str, rule: str | None) -> None:
    """0 for 1.5 is no wrong digit, for a 2 that is nowhere in the problem."""
    problem = handgrad.Problem("v = w*x\nL = v + 1", {"w": 1.5}, {"x": 1.0})
    found = [d.rule for d in handgrad.check(problem, {"v": figure, "L": "2.5"})["v"].diagnosis]
    assert ("digit_slip" in found) == (rule == "digit_slip")


def test_the_one_digit_of_a_number_that_has_no_more_is_wrong() -> None:
    problem = handgrad.Problem("v = w*x\nL = v + 1", {"w": 0.1}, {"x": 1.0})
    rules = {f: handgrad.check(problem, {"v": f})["v"].diagnosis for f in ("0.2", "0.0")}
    assert [d.rule for d in rules["0.2"]] == ["digit_slip"]
    assert "digit_slip" not in {d.rule for d in rules["0.0"]}


def test_reports_print_in_lines() -> None:
    report = LAB9.check({**SLIDES, "z9": "1"})
    assert len(repr(report)) < 200
    assert "L is wrong: one digit is wrong" in str(report)
    assert "z9 is not a quantity of this problem" in str(report)


# -- figures in print ------------------------------------------------------------------------------


def test_figures_in_print_are_judged_one_by_one() -> None:
    printed = {**SLIDES, "yhat": "0.63", "L": "0.455", "db3": "-0.37"}
    report = LAB9.check_printed(printed)
    assert report["yhat"].printed == "fewer_digits"
    assert report["L"].printed == "fewer_digits"
    assert report["db3"].printed == "fewer_digits"
    assert report["z1"].printed == "right"
    early = LAB9.check_printed({**SLIDES, "yhat": "0.63", "L": "0.4620"})
    assert early["L"].printed == "early_rounding"
    assert early.all_well


DOUBLED = handgrad.Problem("e = 2*z\nL = sum(e)", {"z": [0.61749, 2.83949]})
"""e is 1.23498 and 5.67898."""


@pytest.mark.parametrize(
    ("figures", "rule"),
    [
        (["1.234", "5.678"], "cut"),
        (["1.23498", "5.6789"], "cut"),
        (["1.23499", "5.67899"], "last_digit"),
        (["5.67898", "1.23498"], "entries_swapped"),
        (["1.23498", "5.67988"], "digits_swapped"),
    ],
)
def test_slips_of_the_last_digits(figures: list[str], rule: str) -> None:
    (found,) = handgrad.check(DOUBLED, e=figures)["e"].diagnosis
    assert found.rule == rule
    assert "1 times" not in str(found)


def test_no_sign_is_lost_where_nothing_is_left() -> None:
    """What the figures before it leave is 0, of which a small number is not the negative."""
    problem = handgrad.Problem(
        "N = layernorm(R)\nF = gelu(N @ W1) @ W2\nout = N + F\nL = mse(out, Y)",
        {
            "R": [[-73.2, 42.2]],
            "W1": [[1, 1.1], [-0.6, -1.2]],
            "W2": [[-1500, -300], [-800, -1300]],
        },
        {"Y": [[0.5, -0.9]]},
    )
    entered = {
        "N": [["-1.000000e+00", "1.000000e+00"]],
        "F": [["1.512507e+02", "5.836875e+01"]],
        "out": [["1.502507e+02", "5.936875e+01"]],
        "dout": [["1.497507e+02", "6.026875e+01"]],
        "dR": [["1.885564e-06", "-1.885564e-06"]],
    }
    found = handgrad.check(problem, entered)["dR"]
    assert found.verdict == "wrong"
    assert "sign_lost" not in [said.rule for said in found.diagnosis]


def test_an_infinite_share_of_0_is_not_0() -> None:
    """σ(−1000) is 0 in floats, by which the long way divides: it leads to no number."""
    problem = handgrad.Problem(
        "p = sigmoid(z)\nL = -sum(y*log(p) + (1 - y)*log(1 - p))",
        {"z": [-1000, -100]},
        {"y": [1, 0]},
    )
    small = "3.720076e-44"
    assert handgrad.check(problem, {"dz": ["0", small]})["dz"].verdict == "wrong"
    assert handgrad.check(problem, {"dz": ["-1", small]})["dz"].verdict == "right"


def test_a_0_whose_digits_are_the_same_when_rounded_was_not_cut() -> None:
    problem = handgrad.Problem("e = 2*z\nL = sum(e*e)", {"z": [1.17407e-7, 2.1804e-7]})
    zeros, others = ["0.000000e+00"] * 2, ["9.392560e-07", "1.744320e-06"]
    entered = handgrad.check(problem, {"e": zeros, "dz": others})["e"]
    assert entered.verdict == "wrong"
    assert "cut" not in [found.rule for found in entered.diagnosis]


@pytest.mark.parametrize("as_printed", [True, False])
def test_a_figure_is_shown_with_the_digits_it_was_written_with(as_printed: bool) -> None:
    problem = handgrad.Problem("L = exp(z)", {"z": 2.608})
    report = handgrad.check(problem, {"L": "13.57192"}, as_printed=as_printed)
    page = render_terminal(report.page("worked"), width=80, colour=False, unicode=True)
    assert "L = 13.57192" in page
    assert "13.57188" in page


def test_what_is_0_on_paper_is_0_in_a_report() -> None:
    problem = handgrad.Problem(
        "z = W @ a\np = softmax(z)\nJ = -sum(y*log(p))",
        {"W": [[0.5, 0.7], [0.9, 0.7]]},
        {"a": [1.5, 1.6], "y": [0, 1]},
    )
    report = handgrad.check(problem, {"da": ["-0.2", "0"], "J": "0.4375"})
    page = render_terminal(report.page("worked"), width=80, colour=False, unicode=True)
    assert "10⁻¹⁷" not in page
    assert report["da"].expected[1] == 0


# -- pages, JSON, the command ----------------------------------------------------------------------


@pytest.mark.parametrize("level", ["where", "what", "rule", "worked"])
def test_levels(level: Level) -> None:
    report = LAB9.check(work(dz2=lambda s: s["dh2"]))
    text = render_terminal(report.page(level), width=80, colour=False, unicode=True)
    assert ("WRONG in entry 2" in text) is True
    assert ("The gate 1[z⁽²⁾ > 0] is left out" in text) is (level != "where")
    assert ("ReLU is a gate" in text) is (level in ("rule", "worked"))
    assert ("gate shut" in text or "⊙ 1⎡ 0.42 > 0⎤" in text) is (level == "worked")
    assert max(map(len, text.splitlines())) <= 80


def test_the_rule_that_is_worked_out_has_the_marks_of_its_step() -> None:
    """What the shut gate stops is marked there too, and the page says what its marks mean."""
    report = handgrad.check(handgrad.load("lab9"), {"dz2": [-0.2192, 0.1462]})
    blocks = report.page(level="worked").blocks
    (legend,) = [b for b in blocks if isinstance(b, Legend)]
    assert {"off", "gradient"} <= set(legend.signs)
    assert legend.changed == "wrong"
    (rule,) = [
        r for r in relations_in(blocks) if r.label in ((), ("the rule",)) and len(r.chain) > 2
    ]
    assert rule.marks == {(1,): "off"}
    assert not any(isinstance(b, Legend) for b in report.page(level="where").blocks)


def test_a_figure_where_a_zero_input_makes_0_is_told_why() -> None:
    """It was "one digit is wrong: 0.5 for 0.0", of a figure that has no digits to get wrong."""
    answers = {"dW1": [["-0.0877", "0.5"], ["0.0438", "0"]]}
    report = handgrad.check(handgrad.load("lab9"), answers)
    text = " ".join(render_terminal(report.page(level="rule"), width=100).split())
    assert "Because x₂ = 0, column 2 of ∂L/∂W⁽¹⁾ is zero." in text
    assert "digit" not in text
    right = {"dW1": [["-0.0876", "0"], ["0.0438", "0"]]}
    assert "Because x₂" not in render_terminal(
        handgrad.check(handgrad.load("lab9"), right).page(level="rule")
    )


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(SLIDES))
    for extra in ([], ["--as-printed"], ["--level", "worked"]):
        assert run(["check", "lab9", str(path), *extra]) == 1
        assert "WRONG" in capsys.readouterr().out
        assert run(["check", "lab9", str(path), *extra, "--json"]) == 1
        found = json.loads(capsys.readouterr().out)
        validate(found, "check")
        assert [s["target"] for s in found["steps"] if s["verdict"] == "wrong"] == ["L"]
    path.write_text(json.dumps({**SLIDES, "L": "0.4548"}))
    assert run(["check", "lab9", str(path)]) == 0
    rubric = tmp_path / "rubric.toml"
    rubric.write_text("default = 0\n[quantities]\nL = 4\n")
    capsys.readouterr()
    assert run(["check", "lab9", str(path), "--rubric", str(rubric), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["out_of"] == 4
    assert run(["check", "lab9", "--blank"]) == 0
    assert "[updated]" in capsys.readouterr().out
    for bad in (["check", "lab9"], ["check", "lab9", "none.toml"], ["check", "none", str(path)]):
        assert run(bad) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_json_of_unreadable_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('dW2 = [["-0.1315", "x"], [0, 0]]\nnothing = 1\n')
    assert run(["check", "lab9", str(path), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    validate(found, "check")
    (step,) = [s for s in found["steps"] if s["target"] == "dW2"]
    assert step["given"] == [[-0.1315, None], [0, 0]]
    assert step["diagnosis"][0]["rule"] == "not_entered"
    assert len(found["remarks"]) == 2


# -- programs --------------------------------------------------------------------------------------


def numpy_code(x: Any, y: Any, **weights: Any) -> dict[str, Any]:
    w1, b1, w2, b2, w3, b3 = (weights[n] for n in ("W1", "b1", "W2", "b2", "w3", "b3"))
    z1 = w1 @ x + b1[:, None]
    h1 = np.maximum(z1, 0)
    z2 = w2 @ h1 + b2[:, None]
    h2 = np.maximum(z2, 0)
    z3 = w3 @ h2 + b3
    yhat = 1 / (1 + np.exp(-z3))
    d3 = (yhat - y) / y.size
    d2 = np.outer(w3, d3) * (z2 > 0)
    d1 = (w2.T @ d2) * (z1 > 0)
    return {
        "z1": z1,
        "h1": h1,
        "z2": z2,
        "h2": h2,
        "z3": z3,
        "yhat": yhat,
        "dz3": d3,
        "dz2": d2,
        "dz1": d1,
        "dW1": d1 @ x.T,
        "db1": d1.sum(axis=1),
        "dW2": d2 @ h1.T,
        "db2": d2.sum(axis=1),
        "dw3": h2 @ d3,
        "db3": d3.sum(),
    }


BATCH = handgrad.load("batch")


def test_right_code() -> None:
    report = handgrad.check_code(BATCH, numpy_code)
    assert report.all_well
    assert len(report.entered) == 15
    gradients = numpy_code(**{n: g.array for n, g in {**BATCH.parameters, **BATCH.data}.items()})
    handgrad.assert_gradients(BATCH, {n: gradients[f"d{n}"] for n in BATCH.parameters})

    def in_order(arrays: dict[str, Any]) -> list[Any]:
        found = numpy_code(**arrays)
        return [found[f"d{n}"] for n in BATCH.parameters]

    assert handgrad.check_code(BATCH, in_order).all_well


def test_code_in_single_precision() -> None:
    torch = pytest.importorskip("torch")

    def with_torch(**arrays: Any) -> dict[str, Any]:
        single = {
            n: torch.tensor(a, dtype=torch.float32, requires_grad=True) for n, a in arrays.items()
        }
        s = single
        h1 = torch.relu(s["W1"] @ s["x"] + s["b1"][:, None])
        h2 = torch.relu(s["W2"] @ h1 + s["b2"][:, None])
        yhat = torch.sigmoid(s["w3"] @ h2 + s["b3"])
        loss = torch.nn.functional.binary_cross_entropy(yhat, s["y"].detach())
        loss.backward()
        return {"h1": h1, "yhat": yhat, **{f"d{n}": s[n].grad for n in BATCH.parameters}}

    report = handgrad.check_code(BATCH, with_torch)
    assert report.all_well, [(s.target, s.diagnosis) for s in report.wrong]


@pytest.mark.parametrize(
    ("target", "change", "rule", "words"),
    [
        (
            "dW1",
            lambda a: a["dW1"] * 3,
            "mean_forgotten",
            "3 times too large: the mean is forgotten",
        ),
        ("dW2", lambda a: a["dW2"].T, "outer_transposed", "the wrong way round"),
        ("db1", lambda a: a["dz1"].sum(axis=0), "wrong_axis", "wrong axis"),
        ("dw3", lambda a: -a["dw3"], "sign_lost", "sign"),
        ("dW1", lambda a: a["dW1"] * 1.7, "scaled", "1.7 times"),
        ("h1", lambda a: a["z1"], "activation_forgotten", "activation is left out"),
    ],
)
def test_wrong_code(target: str, change: Any, rule: str, words: str) -> None:
    def wrong(**arrays: Any) -> dict[str, Any]:
        found = numpy_code(**arrays)
        return {**found, target: change(found)}

    report = handgrad.check_code(BATCH, wrong)
    assert [s.target for s in report.wrong] == [target]
    assert rule in [d.rule for d in report[target].diagnosis]
    assert any(words in str(d) for d in report[target].diagnosis)


def test_gradients_without_the_mask() -> None:
    arrays = {n: g.array for n, g in {**BATCH.parameters, **BATCH.data}.items()}
    good = numpy_code(**arrays)
    ungated = np.outer(arrays["w3"], good["dz3"])
    with pytest.raises(AssertionError, match=r"dW2 is wrong: .*gate") as raised:
        handgrad.assert_gradients(BATCH, {"W2": ungated @ good["h1"].T})
    assert "yours:" in str(raised.value)
    with pytest.raises(AssertionError, match="not a quantity"):
        handgrad.assert_gradients(BATCH, {"W1": good["dW1"], "Q": 1})


@pytest.mark.parametrize(("x", "passes"), [("0.1, 0.2, -0.3", True), ("1, 2, -3", False)])
def test_code_beside_a_kink(x: str, passes: bool) -> None:
    """0.1 + 0.2 − 0.3 is 0 on paper, and in floats a rest of either sign; 1 + 2 − 3 is 0 everywhere."""
    text = f'equations = "L = relu(w @ x)"\n[parameters]\nw = [1, 1, 1]\n[data]\nx = [{x}]'
    problem = handgrad.loads(text)
    given = problem.data["x"].array
    handgrad.assert_gradients(problem, {"w": 0 * given})
    if passes:
        handgrad.assert_gradients(problem, {"w": given})
    else:
        with pytest.raises(AssertionError, match="dw is wrong"):
            handgrad.assert_gradients(problem, {"w": given})
    with pytest.raises(AssertionError, match="dw is wrong"):
        handgrad.assert_gradients(problem, {"w": 2 * given})


def test_code_that_cannot_be_called() -> None:
    with pytest.raises(handgrad.OptionError, match="asks for 'weights'"):
        handgrad.check_code(BATCH, lambda x, weights: {})
    with pytest.raises(handgrad.OptionError, match="returned int"):
        handgrad.check_code(BATCH, lambda x: 3)
    with pytest.raises(handgrad.OptionError, match="returned 1 arrays"):
        handgrad.check_code(BATCH, lambda x: [3])


def test_the_documents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "checking.md").read_text("utf-8")
    answers, rubric = tmp_path / "answers.toml", tmp_path / "marks.toml"
    answers.write_text(indented(text, "z1 = [0.6"), "utf-8")
    rubric.write_text(indented(text, "[shares]"), "utf-8")
    assert run(["check", "lab9", str(answers), "--rubric", str(rubric)]) == 0
    capsys.readouterr()
    exec(python(text, "check_code"), {})
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "True right"
    assert printed[1].startswith("dW2 ")


@pytest.mark.parametrize("count", [4, 16, 40])
def test_error_signals_that_carry_the_mean_already(count: int) -> None:
    """A sheet whose δ is that of the mean: each figure has a digit or two fewer to show it with."""
    for seed in range(3):
        g = np.random.default_rng(seed)
        x, y = np.round(g.normal(size=(count, 3)), 1), g.integers(0, 2, count)
        problem = handgrad.Problem.mlp([3, 2, 1], "tanh", seed=seed, x={"cases": x}, y={"cases": y})
        run = handgrad.run(problem, build(problem))
        answers: dict[str, Any] = {
            f"d{n}": [[f"{v / count:.4f}" for v in row] for row in np.atleast_2d(run.gradient(n))]
            for n in ("z2", "h1", "z1")
        }
        answers["dz2"] = answers["dz2"][0]
        answers |= {
            f"d{n}": np.vectorize(lambda v: f"{v:.4f}")(run.gradient(n)).tolist()
            for n in ("W1", "b1", "w2")
        }
        report = handgrad.check(problem, answers)
        assert {s.target: s.verdict for s in report.wrong} == {}


def test_a_figure_with_a_bare_point_claims_no_decimals_of_its_own() -> None:
    report = handgrad.check(handgrad.load("lab9"), {"z2": ["0.4200", "-0.1700"], "yhat": "1."})
    assert report["yhat"].verdict == "wrong"


def test_a_slip_in_a_step_that_is_not_entered_costs_once() -> None:
    """The gate is forgotten in δ⁽¹⁾, which is no blank: ∂L/∂W is wrong by it, and ∂L/∂b follows."""
    problem = handgrad.Problem(
        ["h = relu(W @ x + b)", "yhat = sigmoid(v @ h)", "L = bce(yhat, y)"],
        {"W": [[0.5, -0.3], [-0.2, -0.7]], "b": [0.1, -0.1], "v": [0.6, -0.4]},
        {"x": [1.0, 2.0], "y": 1.0},
    )
    problem = problem.with_values({"b": [0.4, -0.1]})
    run = handgrad.solve(problem).run
    ungated = run.gradient("h")
    report = handgrad.check(
        problem,
        yhat=run.value("yhat"),
        dh=ungated,
        dW=np.outer(ungated, [1.0, 2.0]),
        db=ungated,
    )
    assert report["dW"].verdict == "wrong"
    assert report["dW"].diagnosis[0].rule == "gate_forgotten"
    assert report["db"].verdict == "consistent"
    other = handgrad.check(problem, dh=ungated, dW=np.outer(ungated, [1.0, 2.0]), db=2 * ungated)
    assert other["db"].verdict == "wrong"


def test_a_zero_is_held_to_the_decimals_of_the_sheet() -> None:
    """h1 = 1 to 3 figures leaves a slope of 0; most figures look like 3 digits, of which a 0 has none."""
    problem = handgrad.Problem.mlp([2, 3, 1], "tanh").with_values(
        {
            "W1": [[-1.39, -1.82], [-1.26, -1.86], [-1.39, -1.43]],
            "b1": [0.06, 0.5, -0.05],
            "w2": [-1.04, 0.86, 0.09],
            "b2": 0.22,
            "x": [-1.8, -0.9],
            "y": 1.0,
        }
    )
    work = {
        "z1": ["4.2", "4.442", "3.739"],
        "h1": ["1", "1", "0.999"],
        "dz2": "-0.468",
        "dw2": ["-0.468", "-0.468", "-0.468"],
        "dh1": ["0.487", "-0.402", "-0.042"],
        "dz1": ["0", "0", "0"],
        "dW1": [["0", "0"], ["0", "0"], ["0", "0"]],
        "updated": {"W1": [["-1.39", "-1.82"], ["-1.26", "-1.86"], ["-1.39", "-1.43"]]},
    }
    assert {s.verdict for s in handgrad.check(problem, work).steps} <= {"right", "missing"}


def test_a_difference_from_the_number_of_a_class_is_the_wrong_way_round() -> None:
    problem = handgrad.Problem(
        ["s = V * x", "p = softmax(s)", "L = cross_entropy(p, y)"],
        {"V": [0.5, -0.2]},
        {"x": 2.0, "y": 1},
    )
    report = handgrad.check(problem, ds=-handgrad.solve(problem).run.gradient("s"))
    assert report["ds"].diagnosis[0].rule == "target_minus_prediction"


def test_a_whole_number_of_many_digits_is_rounded() -> None:
    """3679099.2 as 3679099 is right beside figures of two decimals; 2 for 1.62 is not."""
    problem = handgrad.Problem(
        "a = w * x\nb = w * y\nL = a + b", {"w": 1.62}, {"x": 1, "y": 2271048.9}
    )

    def verdicts(a: str, b: str) -> list[str]:
        answers = {"a": a, "b": b, "dw": "2271049.90", "dL": "1.00"}
        report = handgrad.Checker(problem).check(answers)
        return [j.verdict for j in report.steps if j.target in ("a", "b")]

    assert verdicts("1.62", "3679099") == ["right", "right"]
    assert verdicts("2", "3679098") == ["wrong", "wrong"]
    ends_in_zeros = handgrad.Problem("b = w * y\nL = 2 * b", {"w": 1.62}, {"y": 1513148.16})
    entered = {"b": "2451300", "dw": "3026296.32", "dy": "3.24"}
    assert handgrad.check(ends_in_zeros, entered)["b"].verdict == "right"


def test_a_mistake_that_leaves_one_number_in_a_softmax_is_no_mistake(tmp_path: Path) -> None:
    problem, answers = tmp_path / "p.toml", tmp_path / "a.toml"
    problem.write_text(
        'equations = "p = softmax(o)\\nL = cross_entropy(p, o)"\n[parameters]\no = [-160, -10, -10]\n'
    )
    answers.write_text("p = [0.0, 0.5, 0.5]\nL = 150.6931\ndo = [-1.0, 0.5, 0.5]\n")
    assert run(["check", str(problem), str(answers), "--level", "rule"]) == 1


def test_a_zero_has_no_decimal_point_in_the_wrong_place() -> None:
    judged = handgrad.check(handgrad.load("lab9"), z2=["0.42", "0"])["z2"]
    assert judged.verdict == "wrong"
    assert "decimal_point" not in [d.rule for d in judged.diagnosis]


def test_a_report_says_where_to_begin() -> None:
    checker = handgrad.Checker(handgrad.load("lab9"))
    wrong = {"dz2": [-0.2192, 0.1462], "z1": [0.6, 0.2]}
    for sheet, said in (
        (wrong, "Begin with z⁽¹⁾, in step 1.1: it is the first that is wrong."),
        ({"dz2": wrong["dz2"]}, "Begin with δ⁽²⁾, in step 2.4: it is wrong."),
    ):
        assert said in render_terminal(checker.check(sheet).page(), width=200)
    assert "Begin with" not in render_terminal(checker.check({"z1": [0.6, 0.1]}).page())


def test_numbers_at_both_ends_of_the_floats_are_checked_without_a_word_of_numpy(
    recwarn: pytest.WarningsRecorder,
) -> None:
    """Products of two of them overflow, or are 0."""
    text = """
        loss = "L"
        equations = ["z = w*x", "L = sum(z)"]
        [parameters]
        w = [0.5, 1]
        [data]
        x = 2e-170
    """
    tiny = handgrad.check(handgrad.loads(text), {"dw": [-2e-170, -2e-170]})
    assert tiny["dw"].diagnosis[0].rule == "sign_lost"
    large = handgrad.loads(text.replace("2e-170", "2e305"))
    for answer in ([2e305, -2e305], [3.5e300, 2e305], [1.7e308, -1.7e308]):
        assert handgrad.check(large, {"dw": answer})["dw"].verdict == "wrong"
    assert not recwarn.list


def test_what_a_program_keeps_of_a_difference_is_right() -> None:
    """A layer norm of two numbers far apart passes on the rest of a cancellation: PyTorch keeps six digits of it."""
    problem = handgrad.loads(
        """
        loss = "L"
        equations = ["N = layernorm(X + X @ V)", "L = mse(N + relu(N @ W1) @ W2, Y)"]
        [parameters]
        V = [[-10, 130], [10, -130]]
        W1 = [[110.0, 40], [-100, -120]]
        W2 = [[-150, 80], [-60, 20]]
        [data]
        X = [[-0.8, 1.1]]
        Y = [[-1.4, -0.9]]
        """
    )
    right = {n: handgrad.solve(problem).gradients[n] for n in problem.parameters}
    handgrad.assert_gradients(problem, {**right, "V": right["V"] * (1 + 2.5e-7)})
    with pytest.raises(AssertionError):
        handgrad.assert_gradients(problem, {**right, "V": right["V"] * (1 + 1e-3)})
    plain = handgrad.load("lab9")
    wrong = dict(handgrad.solve(plain).gradients)
    wrong["W2"] = wrong["W2"] * (1 + 2.5e-7)
    with pytest.raises(AssertionError):
        handgrad.assert_gradients(plain, {n: wrong[n] for n in plain.parameters})


def test_wrong_entries_are_marked_where_others_are_right() -> None:
    report = LAB9.check({"dz2": [-0.2192, 0.1462], "z1": [9.0, 9.0]})
    marks = [r.marks for r in relations_in(report.page().blocks) if r.label == ("you wrote",)]
    assert {(1,): "changed"} in marks  # of δ⁽²⁾ the second alone
    assert {} in marks  # z⁽¹⁾ is wrong as a whole
