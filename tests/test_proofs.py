"""SymPy differentiates what an operation computes; its pull-back gives the same formula."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.solution import AtKink
from tests.test_operations import ROWS, Row, anything, edges, some, spelled

sympy = pytest.importorskip("sympy")

ENTRIES = 2
"""Entries of each argument whose derivative is proved."""


def drawn(row: Row) -> handgrad.Problem:
    """The operation at numbers where it is differentiable: each entry on its own side of a gate."""
    draws = row.draws * len(row.shapes) if len(row.draws) == 1 else row.draws
    # Of numbers that tie or lie at kinks nothing is proved; a large window has some in every draw.
    draws = tuple(anything if draw is edges else draw for draw in draws)
    for seed in range(20):
        generator = np.random.default_rng(seed)
        arrays = {
            f"a{i}": np.asarray(draw(generator, shape))
            for i, (shape, draw) in enumerate(zip(row.shapes, draws, strict=True))
        }
        problem = handgrad.Problem([f"r = {spelled(row)}", "L = sum(r*r) + sum(r)"], arrays)
        notes = [n for step in handgrad.solve(problem).steps for n in step.notes]
        if not any(isinstance(n, AtKink) for n in notes):
            return problem
    raise AssertionError(f"every draw of {row} meets a kink")


def is_zero(difference: Any) -> bool:
    if difference == 0 or sympy.simplify(difference) == 0:
        return True
    return bool(sympy.simplify(sympy.powsimp(sympy.expand(difference))) == 0)


def unproved(run: Any, names: list[str]) -> list[str]:
    """The entries whose derivative by SymPy is not that of the backward pass."""
    loss = run.value("L")[()].formula
    found = []
    for name in names:
        values, gradient = run.value(name), run.gradient(name)
        for index in islice(np.ndindex(values.shape), ENTRIES):
            letter = values[index].formula
            if not is_zero(sympy.diff(loss, letter) - gradient[index].formula):
                found.append(str(letter))
    return found


LONG = ("rmsnorm", "groupnorm", "batchnorm")
"""Operations whose proofs take seconds each."""


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(*p.values, id=p.id, marks=pytest.mark.sweep) if p.values[0].name in LONG else p
        for p in some(ROWS, 2, 6)
    ],
)
def test_every_pull_back_is_proved(row: Row) -> None:
    problem = drawn(row)
    assert unproved(handgrad.run_symbols(problem), list(problem.parameters)) == []


def test_a_wrong_rule_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from handgrad import operations

    right = operations.BY_NAME["tanh"]
    wrong = replace(right, pullback=lambda i, g, p: g * (1 - p.out))
    monkeypatch.setitem(operations.BY_NAME, "tanh", wrong)
    problem = handgrad.Problem(["r = tanh(a)", "L = sum(r)"], {"a": [0.5, -0.25]})
    assert unproved(handgrad.run_symbols(problem), ["a"]) == ["a_1", "a_2"]
