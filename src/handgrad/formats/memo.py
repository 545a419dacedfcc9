"""Markup that was made before, by all that it depends on: of two pages that follow each other most is the same.

A page stays a function of what it shows. What is remembered is only how that was written the last time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import TypeVar

from handgrad.formats.style import Style

Made = TypeVar("Made")

ROOM = 4096
"""Pieces of markup that are kept of one style, at most; those that were not asked for lately make room."""

STYLES = 8
"""Styles whose markup is kept: of as many problems and ways to show them."""


class Memo:
    """What was made in one style, by its key."""

    def __init__(self) -> None:
        self.lately: dict[Hashable, object] = {}
        self.before: dict[Hashable, object] = {}

    def of(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` makes, which depends on nothing but the key and the style."""
        found = self.lately.get(key)
        if found is None:
            found = self.before.get(key)
            if found is None:
                found = make()
            if len(self.lately) >= ROOM // 2:
                self.before, self.lately = self.lately, {}
            self.lately[key] = found
        return found  # type: ignore[return-value]


def memo_of(style: Style) -> Memo:
    """What is remembered of a style."""
    return _memo(
        style.decimals,
        frozenset(style.display.items()),
        style.error_signals,
        style.loss,
        frozenset(style.losses.items()),
        style.largest,
        style.live,
    )


@lru_cache(STYLES)
def _memo(*of: Hashable) -> Memo:
    return Memo()
