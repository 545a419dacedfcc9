"""The reference of operations: every one of the language, in words, formulas and JSON, and what frameworks take at kinks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.cli.commands import run
from handgrad.explaining.example import COUNT, Example, example_of, general
from handgrad.expression import Leaf, Name, leaves, literal, substitute
from handgrad.formats.terminal import render_terminal
from handgrad.operations import BY_NAME, SPELLINGS
from handgrad.operations.frameworks import AT_KINKS, FRAMEWORKS
from handgrad.page.blocks import Derivation, Relation
from handgrad.running.evaluate import value_of
from handgrad.saving import Page
from tests.schemas import validate

LANGUAGE = [name for name, operation in BY_NAME.items() if operation.family != "helper"]
DOCUMENT = Path(__file__).parent.parent / "docs" / "frameworks.md"


@pytest.mark.parametrize("name", LANGUAGE)
def test_every_operation_is_explained(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    explanation = handgrad.explain(name)
    text = render_terminal(explanation.page(), width=80, colour=False, unicode=True)
    assert explanation.computes in " ".join(text.split())
    assert all(len(line) <= 80 for line in text.splitlines())
    assert run(["explain", name, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    validate(printed, "explain")
    assert printed["name"] == name


@pytest.mark.parametrize("name", LANGUAGE)
def test_its_pullbacks_are_those_that_are_computed(name: str) -> None:
    """The formulas shown, put into numbers, are the run's gradients."""
    explanation = handgrad.explain(name)
    found = example_of(BY_NAME[name])
    assert (found is None) == (explanation.call is None)
    if found is None:
        return
    example = general(found).example
    numbers = _numbers(example)
    for pullback in explanation.pullbacks:
        value = value_of(pullback.formula, numbers, example.graph.batched_leaves)
        np.testing.assert_allclose(value, numbers[pullback.argument], rtol=1e-12, atol=1e-15)
        names = {a.name for a in example.call.arguments if isinstance(a, Name)}
        assert pullback.argument.name in names


@pytest.mark.parametrize("name", LANGUAGE)
def test_a_formula_holds_for_any_size_or_says_of_which(name: str) -> None:
    """Where a page gives no size, what it shows is what is computed of arrays of other sizes, n put in."""
    explanation = handgrad.explain(name)
    found = example_of(BY_NAME[name])
    other = found.of_lengths((5, 3, 9)) if found is not None else None
    if found is None or any(digit in explanation.arrays for digit in "123456789"):
        return
    assert other is not None
    numbers = _numbers(other)
    for pullback, (argument, formula) in zip(explanation.pullbacks, other.gradients, strict=True):
        assert pullback.argument == argument
        counted = "n" in explanation.arrays.split()
        assert counted or COUNT not in leaves(pullback.formula)
        with_n = substitute(
            pullback.formula, lambda e: literal(other.count) if e == COUNT else None
        )
        texts = [
            render_terminal(
                Page("", (Derivation((Relation(argument, (f,)),)),)),
                width=200, colour=False, unicode=True,
            )
            for f in (with_n, formula)
        ]  # fmt: skip
        assert texts[0] == texts[1]
        value = value_of(formula, numbers, other.graph.batched_leaves)
        np.testing.assert_allclose(value, numbers[argument], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("mse", "2 (a - b)"), ("mean", "dL/dr"), ("var", "2 (z - mean(z))"), ("mae", "sign(a - b)")],
)
def test_the_number_of_entries_is_a_letter(name: str, shown: str) -> None:
    page = handgrad.explain(name).page()
    text = render_terminal(page, width=80, colour=False, unicode=False)
    assert shown in text
    assert " of n entries" in text
    assert any(line.strip() == "n" for line in text.splitlines())
    stated = render_terminal(handgrad.explain("trace").page(), width=80, colour=False, unicode=True)
    assert "Here z is a 4×4 matrix." in stated


def _numbers(example: Example) -> dict[Leaf, Any]:
    run = handgrad.run(example.problem, example.graph)
    return {**run.numbers, COUNT: np.asarray(float(example.count))}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_by_any_of_its_names(spelling: str) -> None:
    assert handgrad.explain(spelling).name == SPELLINGS[spelling]


def test_what_frameworks_take_is_what_the_documents_say() -> None:
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in DOCUMENT.read_text("utf-8").splitlines()
        if " z = " in line or "at the origin |" in line
    ]
    documented = {
        row[0].replace("`", ""): dict(zip(FRAMEWORKS, row[1:], strict=True)) for row in rows
    }
    for name, slopes in AT_KINKS.items():
        assert BY_NAME[name].kinks
        for slope in slopes:
            taken = {f: s for f, s in documented[slope.at].items() if s}
            assert taken == slope.slopes


def test_no_such_operation(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "swisch"]) == 2
    assert "did you mean swish?" in capsys.readouterr().err
    assert run(["explain", "leaky_step"]) == 2
