"""What of a list of cases is left to the sweeps: of those that show the same, the slowest or most of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest

LARGE = frozenset(["lstm", "gru", "causal", "convnet", "classes"])
"""The bundled problems of the most steps and numbers."""


def one_in(share: int, values: Iterable[Any]) -> list[Any]:
    """The values, of which each `share`-th is in the ordinary run; the others run in the sweep alone."""
    listed = list(values)
    ordinary = {*listed[::share]}
    return with_slow(listed, {v for v in listed if v not in ordinary})


def with_slow(values: Iterable[Any], slow: Collection[Any]) -> list[Any]:
    """The values, each one parameter of a test or a tuple of several; those that are `slow` run in the sweep alone."""
    return [
        pytest.param(
            *(v if isinstance(v, tuple) else (v,)), marks=[pytest.mark.sweep] if v in slow else []
        )
        for v in values
    ]
