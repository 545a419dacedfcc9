"""The families: realistic problems in people's own spelling. Each draws one problem from a seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.gauntlet.families import (
    blocks,
    circuits,
    classes,
    courses,
    functions,
    matrices,
    metrics,
    middles,
    networks,
    pictures,
    respelled,
    sequences,
)
from tests.gauntlet.families.draw import Draw

ONCE_WRONG = sorted(
    p for p in (Path(__file__).parent.parent / "faults").glob("*.toml") if p.stem.count(".") == 0
)
"""Small problems that once went wrong."""

MODULES = (
    networks,
    classes,
    courses,
    sequences,
    metrics,
    matrices,
    pictures,
    circuits,
    functions,
    middles,
    blocks,
    respelled,
)
FAMILIES: dict[str, Callable[[Draw], None]] = {
    family.__name__: family for module in MODULES for family in module.FAMILIES
}
FAMILIES["once_wrong"] = lambda draw: None
"""By name, what writes a problem of the family on `Draw.sheet`."""


def problem(family: str, seed: int) -> str:
    """The TOML text of the family's problem with this seed."""
    if family == "once_wrong":
        return ONCE_WRONG[seed % len(ONCE_WRONG)].read_text(encoding="utf-8")
    draw = Draw(family, seed)
    FAMILIES[family](draw)
    return draw.finish().to_toml()
