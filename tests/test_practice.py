"""Variants have what was asked for, by their own traces; the same for a seed everywhere."""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad
from handgrad.cli.commands import run
from handgrad.exercises import GRIDS, LEVELS, draw, like, requirements
from handgrad.exercises.candidates import Candidates, Ensemble
from handgrad.exercises.random_numbers import Stream
from handgrad.graph import build
from handgrad.solution import GatedOff, Saturated
from tests.schemas import validate
from tests.slow import LARGE, with_slow
from tests.test_json import printed

BUNDLED = [name for name, _, _ in handgrad.bundled()]
LAB = handgrad.load("lab9")


def off(problem: handgrad.Problem) -> dict[str, int]:
    """Units off by the name of their activation, from the notes of the worked solution."""
    found: dict[str, int] = {}
    for step in handgrad.solve(problem).steps:
        for note in step.notes:
            if isinstance(note, GatedOff) and note.phase == "forward":
                found[note.activation] = found.get(note.activation, 0) + 1
    return found


@settings(max_examples=8)
@given(st.integers(0, 2**32), st.integers(0, 2), st.integers(0, 2))
def test_exactly_as_many_units_are_off(seed: int, first: int, second: int) -> None:
    for problem in draw(LAB, requirements(off={1: first, 2: second}), 3, seed):
        found = off(problem)
        assert (found.get("h1", 0), found.get("h2", 0)) == (first, second)


@settings(max_examples=8)
@given(st.integers(0, 2**32), st.sampled_from(list(LEVELS)))
def test_nothing_saturates_and_digits_stay_few(seed: int, level: str) -> None:
    for problem in draw(LAB, requirements(level), 3, seed):
        trace = handgrad.solve(problem)
        notes = [n for s in trace.steps for n in s.notes]
        assert not any(isinstance(n, Saturated) for n in notes)
        exact = handgrad.run_exact(problem)
        for name in ("z1", "z2", "z3"):
            for number in exact.value(name).flat:
                assert 10 ** LEVELS[level].decimals % number.value.denominator == 0  # type: ignore[index]
                assert abs(number.value) <= LEVELS[level].bound  # type: ignore[index]


def test_a_zero_input_and_both_signs() -> None:
    for problem in draw(LAB, requirements(zero_input=True), 20, 5):
        assert (problem.data["x"].array == 0).any()
        for name in ("W1", "W2"):
            assert (problem.parameters[name].array > 0).any()
            assert (problem.parameters[name].array < 0).any()


def test_a_sum_of_paths_is_one() -> None:
    """Both units of layer 2 are on, so that every gradient of layer 1 adds up two products."""
    for problem in draw(LAB, requirements(path_sum=True), 20, 5):
        assert (handgrad.run(problem, build(problem)).gradient("z2") != 0).sum() == 2


@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
@pytest.mark.parametrize("grid", [None, "fractions"])
def test_every_bundled_problem_has_variants(name: str, grid: str | None) -> None:
    problem = handgrad.load(name)
    for variant in draw(problem, requirements(grid=grid), 3, 1)[:2]:
        assert [e.text for e in variant.equations] == [e.text for e in problem.equations]
        for given_name, given_ in variant.data.items():
            assert given_.array.shape == problem.data[given_name].array.shape
        handgrad.solve(variant)


def test_targets_stay_targets() -> None:
    for problem in draw(handgrad.load("softmax"), requirements(), 10, 2):
        assert sorted(problem.data["y"].array) == [0, 0, 1]
    for problem in draw(LAB, requirements(), 10, 2):
        assert float(problem.data["y"].array) in (0, 1)


def test_the_same_seed_gives_the_same_numbers_on_every_machine() -> None:
    variants = draw(LAB, requirements(off={None: 1}), 30, 7)
    texts = "".join(p.to_toml() for p in variants)
    assert hashlib.sha256(texts.encode()).hexdigest()[:16] == GOLDEN
    assert variants[0] == draw(LAB, requirements(off={None: 1}), 1, 7)[0]
    assert variants[0] != draw(LAB, requirements(off={None: 1}), 1, 8)[0]
    assert np.array_equal(variants.numbers("W1")[..., 4], variants[4].parameters["W1"].array)


GOLDEN = "ee239608f4e4f509"


@pytest.mark.parametrize(
    ("off_", "said"),
    [
        ({3: 1}, "layer 3 has 0 units with a gate"),
        ({None: 5}, "the problem has 4 units"),
        ({2: 3}, "layer 2 has 2 units"),
    ],
)
def test_what_cannot_be_had_is_said(off_: dict[int | None, int], said: str) -> None:
    with pytest.raises(handgrad.OptionError, match=said):
        draw(LAB, requirements(off=off_), 1, 0)


@pytest.mark.parametrize(
    ("problem", "wishes", "said"),
    [
        (
            handgrad.Problem("L = relu(x*x + 1)", {}, {"x": 1.0}),
            {"off": 1},
            r"--off 1: exactly 1 unit off: in none of \d+ networks",
        ),
        (
            LAB,
            {"off": {2: 2}, "keep": ["W1", "b1", "x", "W2", "b2"]},
            r"--off 2:2: .*fixed by --keep",
        ),
        (LAB, {"zero_input": True, "keep": ["x"]}, r"--zero-input: .*x fixed by --keep"),
        (LAB, {"keep": [*LAB.parameters, *LAB.data]}, "every number is held"),
        (LAB, {"keep": ["W9"]}, "--keep: the problem is not given W9"),
        (handgrad.Problem.mlp([2, 1, 1]), {"path_sum": True}, "--path-sum: "),
        # In a 2-2-1 network the two paths to a hidden unit need two units that fire.
        (
            handgrad.Problem.mlp([2, 2, 2, 1]),
            {"off": {2: 1}, "path_sum": True},
            r"--off 2:1 with --path-sum: .*each can be had alone",
        ),
        # A pool takes the largest of its window: what is off there blocks nothing.
        (handgrad.load("conv"), {"off": 1}, "no gradient gets as far as a unit that is off"),
    ],
)
def test_a_wish_that_cannot_be_had_is_named(
    problem: handgrad.Problem, wishes: dict[str, Any], said: str
) -> None:
    if "keep" in wishes and "x" in wishes["keep"] and wishes.get("zero_input"):
        problem = problem.with_values({"x": [1, 2]})
    with pytest.raises(handgrad.OptionError, match=said):
        draw(problem, requirements(**wishes), 1, 0)


def test_levels_and_grids_are_known() -> None:
    with pytest.raises(handgrad.OptionError, match="medium"):
        requirements("medum")
    with pytest.raises(handgrad.OptionError, match="tenths"):
        requirements(grid="tenth")
    assert set(GRIDS) >= {"halves", "tenths"}


def sheet_numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+\.\d+", text))


def blanks_in(sheet: str) -> int:
    """Places for figures; the lines for name and date are longer."""
    return len(re.findall(r"(?<!_)_{6}(?!_)", sheet))


def test_sheets_leave_out_every_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["practice", "lab9", "--seed", "3", "--off", "1"]) == 0
    sheet = capsys.readouterr().out
    problem = draw(LAB, requirements(off={None: 1}), 1, 3)[0]
    given_ = {
        f"{abs(x):g}"
        for g in (*problem.parameters.values(), *problem.data.values())
        for x in g.array.flat
    }
    assert (
        sheet_numbers(sheet)
        - {"1.1", "1.2", "1.3", *(f"{p}.{k}" for p in (2, 3) for k in range(1, 9))}
        <= given_
    )
    assert blanks_in(sheet) == 50
    assert "the learning rate η is 0.1" in " ".join(sheet.split())
    files = [tmp_path / name for name in ("s.html", "s.pdf", "k.md")]
    options = ["-o", str(files[0]), "-o", str(files[1]), "--key", str(files[2])]
    assert run(["practice", "lab9", "--seed", "3", "--off", "1", *options]) == 0
    answer = f"{handgrad.solve(problem).run.loss:.4f}".rstrip("0")
    assert answer not in files[0].read_text("utf-8")
    assert answer in files[2].read_text("utf-8")
    assert files[1].read_bytes().startswith(b"%PDF")


def test_sheets_and_key_are_both_written_or_neither(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sheets, key = tmp_path / "s.md", tmp_path / "k.pdf"
    assert run(["practice", "lab9", "-o", str(sheets), "--key", str(sheets)]) == 2
    assert "place of the sheets" in capsys.readouterr().err
    # A PDF cannot be made without Typst.
    monkeypatch.setitem(sys.modules, "typst", None)
    assert run(["practice", "lab9", "-o", str(sheets), "--key", str(key)]) == 2
    assert "pip install 'handgrad[pdf]'" in capsys.readouterr().err
    assert not sheets.exists()
    assert not key.exists()


def test_only_what_is_asked_for_is_blank(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["practice", "lab9", "--blank", "dW2,db2"]) == 0
    sheet = capsys.readouterr().out
    assert blanks_in(sheet) == 6
    assert run(["practice", "lab9", "--blank", "dW9"]) == 2
    assert "did you mean" in capsys.readouterr().err


def test_each_student_has_numbers_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("id,name\na1,Ada\nb2,Blaise\n")
    object_ = printed(["practice", "lab9", "--for", str(roster)], capsys)
    validate(object_, "practice")
    first, second = object_["sheets"]
    assert (first["student"], second["label"]) == ("a1", "Blaise (b2)")
    assert first["parameters"] != second["parameters"]
    again = draw(LAB, requirements(), 1, first["seed"])[0]
    assert again.parameters["W1"].array.tolist() == first["parameters"]["W1"]


def test_a_sheet_can_be_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "sheets"
    assert run(["practice", "lab9", "--count", "2", "--problems", str(folder)]) == 0
    assert sorted(p.name for p in folder.iterdir()) == [
        "sheet-1-answers.toml", "sheet-1.toml", "sheet-2-answers.toml", "sheet-2.toml",
    ]  # fmt: skip
    capsys.readouterr()
    answers = folder / "sheet-1-answers.toml"
    z1 = handgrad.run(p := handgrad.load(folder / "sheet-1.toml"), build(p)).value("z1")
    answers.write_text(f"z1 = {[round(float(x), 4) for x in z1]}\n")
    assert run(["check", str(folder / "sheet-1.toml"), str(answers)]) == 0
    assert run(["practice", "lab9", "--problems", str(folder)]) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a problem"),
        (["lab9", "--like", "2-1"], "one of the two"),
        (["--like", "two layers"], "describes no network"),
        (["--like", "2-2-1 rilu"], "there is no activation rilu"),
        (["lab9", "--off", "x"], "not a count of units"),
        (["lab9", "--off", "7"], "4 units"),
        (["lab9", "--for", "nowhere.csv"], "cannot be read"),
    ],
)
def test_mistakes_are_said(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["practice", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_networks_by_description() -> None:
    assert [e.text for e in like("3-2-1").equations] == [
        e.text for e in handgrad.Problem.mlp([3, 2, 1]).equations
    ]
    assert "softmax" in like("2-4-3 tanh").equations[-2].text


def test_gates_within_an_equation_and_in_many_cases() -> None:
    equations = ["s = v @ relu(W @ x + b)", "L = mse(s, y)"]
    parameters = {"W": [[0.5, -0.3], [0.2, 0.7]], "b": [0.1, -0.1], "v": [1, -1]}
    one = handgrad.Problem(equations, parameters, {"x": [1, 0], "y": 1})
    many = handgrad.Problem(
        equations, parameters, {"x": {"cases": [[1, 0], [0, 1]]}, "y": {"cases": [1, 0]}}
    )
    for problem in (one, many):
        for variant in draw(problem, requirements(off={None: 1}), 3, 5):
            z = handgrad.Problem(
                ["z = W @ x + b", "L = sum(z)"],
                {n: variant.parameters[n].array for n in "Wb"},
                {"x": variant.data["x"]},
            )
            run_ = handgrad.run(z, build(z)).value("z")
            assert ((run_ <= 0).reshape(2, -1).all(axis=1)).sum() == 1
    cases = {"x": {"cases": [[1, 0], [0, 1]]}, "y": {"cases": [1, 0]}}
    single = handgrad.Problem(equations, {"W": [[0.5, -0.3]], "b": [0.1], "v": [1]}, cases)
    with pytest.raises(handgrad.OptionError, match=r"adds up two paths: in none"):
        draw(single, requirements(path_sum=True), 1, 0)
    with pytest.raises(handgrad.OptionError, match="seed"):
        draw(one, requirements(), 1, -1)


def test_answers_have_room_for_what_the_sheets_leave_blank(tmp_path: Path) -> None:
    folder = tmp_path / "problems"
    arguments = ["practice", "lab9", "--count", "1", "--blank", "backward", "--problems"]
    assert run([*arguments, str(folder)]) == 0
    (answers,) = folder.glob("*-answers.toml")
    names = set(tomllib.loads(answers.read_text("utf-8")))
    assert {"dW1", "dz3", "db3"} <= names
    assert not names & {"z1", "h1", "L", "updated"}


QUIZ = handgrad.Problem(
    """
    a1 = V @ x + c
    g = relu(a1)
    a2 = U @ g + d
    s = softmax(a2)
    E = cross_entropy(s, t)
    """,
    {
        "V": [[0.5, -0.3], [0.2, 0.7], [-0.4, 0.1]],
        "c": [0.1, -0.2, 0],
        "U": [[0.3, -0.5, 0.2], [0.6, 0.1, -0.4]],
        "d": [0, 0.1],
    },
    {"x": [1, 2], "t": [1, 0]},
)
"""A quiz whose first form had units off that blocked nothing."""


def without_the_gate(problem: handgrad.Problem) -> dict[str, np.ndarray[Any, Any]]:
    """The quiz worked out with the mask forgotten: written by hand, for the checker to judge."""
    given_ = {n: g.array for n, g in (*problem.parameters.items(), *problem.data.items())}
    a1 = given_["V"] @ given_["x"] + given_["c"]
    g = np.maximum(a1, 0)
    a2 = given_["U"] @ g + given_["d"]
    s = np.exp(a2) / np.exp(a2).sum()
    da2 = s - given_["t"]
    dg = given_["U"].T @ da2
    return {
        "a1": a1, "g": g, "a2": a2, "s": s, "E": -np.log(s @ given_["t"]), "da2": da2,
        "dU": np.outer(da2, g), "dd": da2, "dg": dg,
        "da1": dg, "dV": np.outer(dg, given_["x"]), "dc": dg,
    }  # fmt: skip


@pytest.mark.parametrize("level", list(LEVELS))
@pytest.mark.parametrize("off_", [{None: 1}, {None: 2}, {}])
def test_forgetting_the_mask_is_never_right(level: str, off_: dict[int | None, int]) -> None:
    variants = draw(QUIZ, requirements(level, off=off_), 12, 4)
    checker: handgrad.Checker | None = None
    for problem in variants:
        numbers = {n: g.array for n, g in (*problem.parameters.items(), *problem.data.items())}
        checker = handgrad.Checker(problem) if checker is None else checker.at(numbers)
        answers = {n: np.round(a, 4).tolist() for n, a in without_the_gate(problem).items()}
        wrong = {s.target for s in checker.check(answers).steps if s.verdict == "wrong"}
        assert wrong == {"da1"}
        if off_:
            shut = answers["a1"] <= np.zeros(3)
            assert shut.sum() == off_[None]
            assert (np.abs(np.array(answers["dg"]))[shut] >= 0.005).all()


def test_no_layer_is_off_and_no_answer_is_zero_unless_asked_for() -> None:
    both: tuple[dict[int | None, int], ...] = ({}, {None: 1})
    for off_ in both:
        for problem in draw(LAB, requirements(off=off_), 20, 0):
            trace = handgrad.solve(problem)
            for name in ("z1", "z2"):
                assert (trace.run.value(name) > 0).any()
            asked = [
                line.value
                for step in trace.steps
                for line in step.lines
                if line.role in ("value", "gradient", "updated") and step.kind != "loss_after"
            ]
            assert all(np.any(np.abs(value) > 5e-5) for value in asked)
    # A whole layer, and one of a single unit, may be asked for.
    for problem in draw(LAB, requirements(off={2: 2}), 3, 0):
        assert (handgrad.solve(problem).run.value("z2") <= 0).all()
    assert len(draw(handgrad.Problem.mlp([2, 1, 1]), requirements(off=1), 3, 0)) == 3


def test_usual_wrong_rules_give_other_figures() -> None:
    """W₂ᵀ δ and W₂ δ differ on every sheet, as do h and z where one stands for the other."""
    for problem in draw(LAB, requirements(), 20, 9):
        run_ = handgrad.run(problem, build(problem))
        w2, dz2 = problem.parameters["W2"].array, run_.gradient("z2")
        assert np.max(np.abs(w2.T @ dz2 - w2 @ dz2)) > 1e-4
        assert any((run_.value(z) < 0).any() for z in ("z1", "z2"))
        assert abs(float(run_.gradient("z3"))) > 1e-4


def test_one_unit_of_a_batch_is_off_in_every_row_and_column() -> None:
    """A unit of X @ W + b is a column, one of W @ X + b a row: off in all the examples."""
    rows = handgrad.Problem(
        ["Z = X @ W + b", "H = relu(Z)", "L = mse(H @ v, y)"],
        {"W": [[0.5, -0.3, 0.1], [0.2, 0.7, 0.4]], "b": [0.1, 0.2, -0.1], "v": [0.5, 0.3, 0.2]},
        {"X": [[1, 0], [0, 1], [1, 1]], "y": [1, 0.5, -1]},
    )
    columns = handgrad.Problem(
        ["Z = W @ X + b", "H = relu(Z)", "L = mse(v @ H, y)"],
        {"W": [[0.5, 0.2], [-0.3, 0.7], [0.1, 0.4]], "b": [[0.1], [0.2], [-0.1]], "v": [0.5, 1, 2]},
        {"X": [[1, 0, 1], [0, 1, 1]], "y": [1, 0.5, -1]},
    )
    for problem, examples in ((rows, 0), (columns, 1)):
        for variant in draw(problem, requirements(off=1), 5, 2):
            run_ = handgrad.run(variant, build(variant))
            shut = (run_.value("Z") <= 0).all(axis=examples)
            assert shut.sum() == 1
            assert np.abs(np.moveaxis(run_.gradient("H"), examples, 0)[:, shut]).max() >= 0.005


def test_a_deep_net_has_sheets_and_a_target_is_no_input() -> None:
    deep = handgrad.Problem.mlp([2, 3, 3, 3, 3, 1])
    assert len(draw(deep, requirements(off=1), 2, 0)) == 2
    for problem in draw(handgrad.load("softmax"), requirements(zero_input=True), 5, 1):
        assert (problem.data["x"].array == 0).any()


def test_problems_without_gates_or_vectors() -> None:
    scalars = handgrad.Problem("f = (x - y)**2", {"x": 1.5}, {"y": 0.5})
    assert len(draw(scalars, requirements(off=0), 2, 0)) == 2
    with pytest.raises(handgrad.OptionError, match="--zero-input: the problem has no input"):
        draw(scalars, requirements(zero_input=True), 1, 0)
    # One example in a row: wrong formulas whose shapes do not fit are no rules to look out for.
    row = handgrad.Problem(
        ["A = softmax((X @ Q) @ (X @ K).T)", "L = sum((A @ (X @ V) - Y)**2)"],
        {"Q": [[0.5], [-0.5], [1.5]], "K": [[0], [-1], [-1]], "V": [[-1.5], [-1], [1.5]]},
        {"X": [[-1, -1, 1.5]], "Y": [[0.5]]},
    )
    assert len(draw(row, requirements(), 2, 0)) == 2


@pytest.mark.parametrize(("units", "cases", "off"), [(24, None, 1), (24, None, 0), (6, 24, 1)])
def test_one_unit_off_of_many(units: int, cases: int | None, off: int) -> None:
    random = np.random.default_rng(0)
    numbers = {n: random.normal(size=s).round(1) for n, s in (("W", (units, 3)), ("b", units))}
    x = random.integers(-2, 3, (cases or 1, 3)).astype(float)
    y = random.integers(0, 2, cases or 1).astype(float)
    problem = handgrad.Problem(
        ["z = W @ x + b", "h = relu(z)", "p = sigmoid(w @ h)", "L = bce(p, y)"],
        {**numbers, "w": random.normal(size=units).round(1)},
        {"x": {"cases": x}, "y": {"cases": y}} if cases else {"x": x[0], "y": y[0]},
    )
    found = draw(problem, requirements("medium", off={1: off}), 10, 3)
    for variant in found:
        numbers = {
            n: np.asarray(g.array) for n, g in (*variant.parameters.items(), *variant.data.items())
        }
        rows = numbers["x"] if cases else numbers["x"][:, None]
        z = numbers["W"] @ rows + numbers["b"][:, None]
        shut = (z <= 1e-12).all(axis=-1)
        assert shut.sum() == off
        h = np.maximum(z, 0)
        slope = 1 / (1 + np.exp(-numbers["w"] @ h)) - numbers["y"]
        blocked = np.abs(numbers["w"][:, None] * slope).max(axis=-1)
        assert (blocked[shut] >= 0.004).all()


def test_a_sum_over_paths_is_one_that_is_asked_for() -> None:
    """x leads to the loss twice, but nobody asks for its gradient."""
    problem = handgrad.Problem(
        "h = tanh(w*x)\nL = (h + x)**2", {"w": 0.5}, {"x": 1.5}, update=handgrad.Update()
    )
    with pytest.raises(handgrad.OptionError, match="path"):
        draw(problem, handgrad.requirements("medium", path_sum=True), 1, 1)


def test_numbers_that_are_skipped() -> None:
    """A stream goes on as if they had been drawn."""
    one, other = Stream(7), Stream(7)
    one.below(10, 5)
    other.skip(5)
    assert one.below(1000, 3).tolist() == other.below(1000, 3).tolist()


def test_steering_computes_no_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which units are off is told by the forward pass."""
    run, asked = Ensemble.run, []

    def counted(self: Ensemble, candidates: Candidates, *, backward: bool = True) -> Any:
        asked.append(backward)
        return run(self, candidates, backward=backward)

    monkeypatch.setattr(Ensemble, "run", counted)
    text = "a = relu(W @ x + b)\nL = sum(a)"
    parameters = {"W": [[1.0, 1.0]] * 12, "b": [0.1] * 12}
    problem = handgrad.Problem(text, parameters, {"x": [1.0, 2.0]})
    (found,) = draw(problem, requirements(off={1: 12}), 1, 3)
    assert off(found) == {"a": 12}
    assert False in asked
