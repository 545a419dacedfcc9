"""The reference of operations: every one of the language, in words, formulas and JSON, and what frameworks take at kinks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import handgrad
from handgrad.cli.commands import run
from handgrad.explaining.example import example_of
from handgrad.expression import Name
from handgrad.formats.terminal import render_terminal
from handgrad.operations import BY_NAME, SPELLINGS
from handgrad.operations.frameworks import AT_KINKS, FRAMEWORKS
from handgrad.running.evaluate import value_of
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
    numbers = handgrad.run(found.problem, found.graph).numbers
    for pullback in explanation.pullbacks:
        value = value_of(pullback.formula, numbers, found.graph.batched_leaves)
        np.testing.assert_allclose(value, numbers[pullback.argument], rtol=1e-12, atol=1e-15)
        names = {a.name for a in found.call.arguments if isinstance(a, Name)}
        assert pullback.argument.name in names


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
