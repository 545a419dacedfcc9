"""A small sample of the sweep over random graphs and kinds of number, and wrong ones that it finds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handgrad import operations
from handgrad.numbers import Exact
from tests.sweep import LARGEST, kinds, sweep

GRAPHS = {"JAX": 4}
"""JAX compiles each operation of each shape anew: fewer graphs."""


def largest(kind: str) -> float:
    return max(c.difference for c in sweep(kind, range(GRAPHS.get(kind, 12))))


@pytest.mark.parametrize("kind", kinds())
def test_a_sample(kind: str) -> None:
    assert largest(kind) <= LARGEST


def test_a_wrong_pull_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule wrong by one part in a thousand."""
    wrong = replace(operations.BY_NAME["tanh"], pullback=lambda i, g, p: g * (1 - 0.999 * p.out**2))
    monkeypatch.setitem(operations.BY_NAME, "tanh", wrong)
    assert largest("PyTorch") > LARGEST


def test_a_wrong_exact_function_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Exact.tanh
    monkeypatch.setattr(Exact, "tanh", lambda a: right(a) + Exact.of(1e-9))
    assert largest("exact") > LARGEST
