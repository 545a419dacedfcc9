"""Two solutions side by side: what changed is found, marked and told, and nothing else is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad
from handgrad.cli.commands import run
from handgrad.comparison import Comparison, gate_text, labels
from handgrad.formats.terminal import render_terminal
from handgrad.page import Block, Columns, Derivation, Paragraph, Relation
from handgrad.page.blocks import relations_in
from handgrad.text import plain_text
from tests.gauntlet.oracle import Oracle
from tests.schemas import validate
from tests.slow import one_in

BUNDLED = [name for name, _, _ in handgrad.bundled()]
LAB9 = handgrad.load("lab9")


@cache
def traced(name: str) -> handgrad.Trace:
    """The solution of a bundled problem."""
    return handgrad.solve(handgrad.load(name))


def changed(**changes: Any) -> Comparison:
    """The lab's network beside itself with other numbers or operations."""
    swaps = {n: v for n, v in changes.items() if n == "relu"}
    numbers = {n: v for n, v in changes.items() if n not in swaps}
    problem = LAB9.with_swap(swaps) if swaps else LAB9
    return handgrad.compare(
        traced("lab9"), handgrad.solve(problem.with_values(numbers) if numbers else problem)
    )


def terminal(comparison: Comparison, width: int) -> str:
    page = comparison.page()
    return render_terminal(page, width=width, colour=False, unicode=True)


def relations(blocks: tuple[Block, ...], side: int) -> Iterator[Relation]:
    """The relations of one of the two columns."""
    for block in blocks:
        if isinstance(block, Columns):
            for inner in block.columns[side]:
                if isinstance(inner, Derivation):
                    yield from inner.relations


# -- the lab's network ------------------------------------------------------------------------


def test_sigmoid_for_relu() -> None:
    comparison = changed(relu="sigmoid")
    assert [c.name for c in comparison.changes] == ["h1", "h2"]
    (gate,) = comparison.gate_changes
    assert (gate.activation, gate.unit, gate.left.shut) == ("h2", (1,), True)
    assert gate.right.slope == pytest.approx(0.2497, abs=1e-4)
    assert [(z.name, z.part, z.position) for z in gate.reaches] == [
        ("W2", "row", 1),
        ("b2", "entry", 1),
    ]
    text = plain_text(gate_text(gate))
    assert text.startswith("Unit 2 of layer 2 was off (z2[1] = -0.17) and has a slope of 0.2497")
    assert "row 2 of dW2 and entry 2 of db2" in text
    assert [plain_text(t) for t in labels(comparison)] == ["with ReLU", "with the sigmoid"]


def test_another_input() -> None:
    comparison = changed(x="[0, 1]")
    first, second = comparison.gate_changes
    assert plain_text(gate_text(first)) == (
        "Unit 1 of layer 1 was on (z1[0] = 0.6) and is off now (z1[0] = -0.2): the gradient of -0.1942 "
        "that arrives is stopped, and row 1 of dW1 and entry 1 of db1 get nothing."
    )
    assert plain_text(gate_text(second)) == (
        "Unit 2 of layer 2 was off (z2[1] = -0.17) and is on now (z2[1] = 0.28): a gradient of 0.1765 "
        "passes it and reaches row 2 of dW2 and entry 2 of db2."
    )
    page = terminal(comparison, 140)
    assert "◁ was 0.42" in page
    assert "◁ gate shut; was 0.6" in page


def test_another_rate_changes_the_update_alone() -> None:
    comparison = changed(rate=1)
    assert {p.left.id for p in comparison.steps if p.left and not p.same} == {"3.1", "3.2"}
    assert comparison.gate_changes == ()
    page = terminal(comparison, 140)
    assert "Steps 1.1 to 1.3 are the same in both solutions." in page
    assert "Steps 2.1 to 2.8 are the same in both solutions." in page
    assert "No gate opened or shut." in page
    after = [q for q in comparison.quantities if q.kind == "loss_after"]
    oracle = Oracle(LAB9.to_toml())
    gradients = oracle.run().gradients
    moved = {n: given - gradients[n] for n, given in oracle.parameters.items()}
    assert after[0].right == pytest.approx(oracle.run(moved).loss)


def test_corresponding_steps_stand_together() -> None:
    for width in (80, 140):
        page = terminal(changed(x="[0, 1]"), width)
        ids = [f"2.{k}" for k in range(1, 9)]
        starts = [next(i for i, r in enumerate(page.splitlines()) if r.startswith(s)) for s in ids]
        assert starts == sorted(starts)
        for start, stop in itertools.pairwise(starts):
            step = "\n".join(page.splitlines()[start:stop])
            assert step.count("x = [1, 0]:") == step.count("x = [0, 1]:") == 1


# -- every pair -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUNDLED)
def test_the_same_twice_is_nothing_changed(name: str) -> None:
    comparison = handgrad.compare(traced(name), handgrad.solve(handgrad.load(name)))
    assert comparison.same
    page = comparison.page()
    assert any(isinstance(b, Paragraph) and "nothing changed" in str(b.text) for b in page.blocks)


@pytest.mark.parametrize("position", one_in(2, range(len(BUNDLED))))
def test_problems_of_other_equations(position: int) -> None:
    left, right = traced(BUNDLED[position]), traced(BUNDLED[position - 1])
    comparison = handgrad.compare(left, right)
    assert not comparison.same
    for side, trace in ((0, left), (1, right)):
        ids = [s.id for p in comparison.steps if (s := (p.left, p.right)[side]) is not None]
        assert sorted(ids) == sorted(s.id for s in trace.steps)
    thing = json.loads(json.dumps(comparison.to_json(), allow_nan=False))
    validate(thing, "comparison")
    for width in (50, 130):
        text = terminal(comparison, width)
        assert max(len(line) - line.count("\u0302") for line in text.splitlines()) <= width
    alone = [p for p in comparison.steps if p.left is None or p.right is None]
    assert ("Steps without a counterpart" in text) == bool(alone)


CHANGES = st.sampled_from(
    [
        {"x": [0.3, -0.8]},
        {"x": [0, 1]},
        {"b2": [0.2, 0.3]},
        {"W1": [[0.5, -0.3], [0.2, 0.75]]},
        {"y": 0},
        {"rate": 0.5},
        {"b1": [0.1, -0.4], "b2": [-1, -1]},
    ]
)


@settings(max_examples=12)
@given(CHANGES, st.sampled_from([None, "sigmoid", "tanh", "leaky_relu"]))
def test_marks_are_on_what_differs_and_on_nothing_else(
    numbers: dict[str, Any], swap: str | None
) -> None:
    problem = LAB9.with_values(numbers)
    if swap:
        problem = problem.with_swap({"relu": swap})
    comparison = handgrad.compare(traced("lab9"), handgrad.solve(problem))
    page = comparison.page()
    here, there = (Oracle(p.to_toml()).run().values for p in (LAB9, problem))
    seen = 0
    for pair in comparison.steps:
        if pair.left is not None and pair.left.kind == "loss_after":
            continue
        for line in pair.lines:
            if line.target.name == "L" or line.left is None or line.left.role != "value":
                continue
            name = line.target.name
            differs = np.argwhere(~np.isclose(here[name], there[name], rtol=1e-9, atol=1e-12))
            assert set(line.entries) == {tuple(map(int, e)) for e in differs}
            seen += 1
    assert seen >= 6
    shut = [
        int(((np.asarray(here[z]) <= 0) != ((np.asarray(there[z]) <= 0) & (swap is None))).sum())
        for z in ("z1", "z2")
    ]
    assert len(comparison.gate_changes) == sum(shut)
    for relation in relations(page.blocks, 1):
        for entry, mark in relation.marks.items():
            assert mark != "changed" or (entry[0] if entry else 0) in relation.remarks


def test_rounding_is_no_change() -> None:
    written_out = handgrad.Problem(
        [e.text if e.target != "L" else "L = bce(yhat, y)" for e in LAB9.equations],
        LAB9.parameters,
        LAB9.data,
        update=LAB9.update,
        title=LAB9.title,
    )
    comparison = handgrad.compare(traced("lab9"), handgrad.solve(written_out))
    assert [c.name for c in comparison.changes] == ["L"]
    assert all(line.entries == () for p in comparison.steps for line in p.lines)


def test_a_batch_and_one_example_are_not_set_against_each_other() -> None:
    comparison = handgrad.compare(traced("lab9"), traced("batch"))
    assert comparison.apart == ("h1", "h2")
    assert comparison.gate_changes == ()
    page = terminal(comparison, 130)
    assert "No gate opened or shut" not in page
    assert "∂J/∂W⁽²⁾" in page
    assert "∂L/∂W⁽²⁾" in page


def test_gates_of_a_batch_have_their_case() -> None:
    batch = handgrad.load("batch")
    other = handgrad.solve(batch.with_values({"x": {"cases": [[1, 0], [1, 0], [1, 1]]}}))
    changes = handgrad.compare(traced("batch"), other).gate_changes
    assert {(c.activation, c.unit, c.case) for c in changes} == {("h1", (0,), 1), ("h2", (1,), 1)}
    assert plain_text(gate_text(changes[0])).startswith("In case 2 unit 1 of layer 1 was off")


# -- the command ------------------------------------------------------------------------------


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "lab9", "--swap", "relu=sigmoid", "--width", "140"]) == 0
    assert "Unit 2 of layer 2 was off" in capsys.readouterr().out
    assert run(["compare", "lab9"]) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert run(["compare", "lab9", "leaky", "--set", "rate=0.1"]) == 0
    assert "Leaky ReLU keeps the gate ajar" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options", [[], ["--swap", "relu=tanh"], ["--set", "x=[0,1]"], ["--set", "rate=1"], ["softmax"]]
)
def test_json(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "lab9", *options, "--json"]) == 0
    text = capsys.readouterr().out
    assert text.isascii()
    comparison = json.loads(text)
    validate(comparison, "comparison")
    assert comparison["same"] == (not options)
    comparison["steps"][0]["same"] = "yes"
    with pytest.raises(jsonschema.ValidationError):
        validate(comparison, "comparison")


def test_bad_input_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, message in (
        (["compare", "lab9", "lab8"], "lab8"),
        (["compare", "lab9", "--set", "q=1"], "q"),
        (["compare", "lab9", "--swap", "relu"], "NAME=VALUE"),
        (["compare", "-", "-"], "standard input holds one problem only"),
    ):
        assert run(arguments) == 2
        error = capsys.readouterr().err
        assert message in error
        assert "Traceback" not in error


def test_hostile_titles_do_nothing() -> None:
    evil = "\x1b[31m<script>alert(1)</script> $x$ \\input{a}"
    problem = handgrad.Problem(
        LAB9.equations, LAB9.parameters, LAB9.data, title=evil, update=LAB9.update
    )
    comparison = handgrad.compare(traced("lab9"), handgrad.solve(problem))
    assert comparison.same
    problem = problem.with_values({"x": "[0, 1]"})
    assert "\x1b" not in terminal(handgrad.compare(traced("lab9"), handgrad.solve(problem)), 100)


def test_gates_of_a_large_layer_are_compared_too() -> None:
    """One of 5000 gates shuts: it is told, though it is not followed what it lets through."""
    problem = handgrad.Problem(
        ["z = w * x", "h = relu(z)", "L = sum(h)"], {"w": np.ones(5000)}, {"x": np.ones(5000)}
    )
    other = problem.with_values({"w": np.where(np.arange(5000) == 7, -1.0, 1.0)})
    compared = handgrad.compare(handgrad.solve(problem), handgrad.solve(other))
    assert [c.unit for c in compared.gate_changes] == [(7,)]


def test_a_large_update_is_marked_and_worked_for_one_entry() -> None:
    classes = handgrad.load("classes")
    two = handgrad.compare(
        handgrad.solve(classes), handgrad.solve(classes.with_values({"rate": 1.0}))
    )
    left, right = (
        [r for r in relations_in(side) if r.sign == "←"]
        for block in two.page().blocks
        if isinstance(block, Columns)
        for side in block.columns
        if any(r.sign == "←" for r in relations_in(side))
    )
    examples = [r for r in left if r.label == ("for example",)]
    assert len(examples) == 2  # W1 and W2; W3 has 24 numbers
    assert [len(r.chain) for r in examples] == [3, 3]
    whole = [r for r in right if not r.label and r.shape in ("8×4", "8×8")]
    assert len(whole) == 2
    assert all(r.marks and len(r.chain) == 2 for r in whole)


@pytest.mark.parametrize("ending", ["html", "pdf", "tex", "txt"])
def test_a_number_with_a_remark_beside_it(ending: str, tmp_path: Path) -> None:
    """A sample of an update that differs is one number, and has its remark as rows of arrays have."""
    path = tmp_path / f"page.{ending}"
    assert run(["compare", "classes", "--set", "rate=1", "-o", str(path)]) == 0
    assert path.stat().st_size > 1000


@pytest.mark.parametrize(
    ("targets", "said"),
    [([1, 1, 1], "changed in case 2"), ([0, 1, 0], "changed in every case")],
)
def test_a_row_of_cases_says_in_which_it_changed(targets: list[int], said: str) -> None:
    """y has a number for each case, and so has the loss: one row, whose columns are the cases."""
    batch = handgrad.load("batch")
    other = handgrad.solve(batch.with_values({"y": {"cases": targets}}))
    comparison = handgrad.compare(traced("batch"), other)
    for width in (60, 120):
        page = terminal(comparison, width)
        assert said in page
        assert "◁ rows 1, 2, 3" not in page


def test_the_rate_is_not_called_by_a_letter_that_the_problem_has() -> None:
    problem = handgrad.Problem(
        ["eta = w*x", "L = (eta - y)**2"], {"w": 1.0}, {"x": 2.0, "y": 1.0},
        update=handgrad.Update(rate=0.1),
    )  # fmt: skip
    other = problem.with_parts(update=handgrad.Update(rate=0.2))
    comparison = handgrad.compare(handgrad.solve(problem), handgrad.solve(other))
    assert comparison.labels == ("rate = 0.1", "rate = 0.2")
    assert "learning rate η" not in terminal(comparison, 80).split("Forward")[0]
