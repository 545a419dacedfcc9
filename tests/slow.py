"""What of a list of cases is left to the sweeps: the slowest, of which others show the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest

LARGE = frozenset(["lstm", "gru", "causal", "convnet", "classes"])
"""The bundled problems of the most steps and numbers."""


def with_slow(values: Iterable[Any], slow: Collection[Any]) -> list[Any]:
    """The values, each one parameter of a test or a tuple of several; those that are `slow` run in the sweep alone."""
    return [
        pytest.param(
            *(v if isinstance(v, tuple) else (v,)), marks=[pytest.mark.sweep] if v in slow else []
        )
        for v in values
    ]
