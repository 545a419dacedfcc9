"""What of a list of cases is left to the sweeps: the slowest, of which others show the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def with_slow(values: Iterable[Any], slow: Collection[Any]) -> list[Any]:
    """The values as parameters of a test; those that are `slow` run in the sweep alone (`pytest -m sweep`)."""
    return [pytest.param(v, marks=pytest.mark.sweep) if v in slow else v for v in values]
