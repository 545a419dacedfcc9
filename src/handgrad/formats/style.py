"""How numbers and names are printed; shared by every printer of mathematics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from handgrad.expression import Adjoint
from handgrad.record import record
from handgrad.symbol import Symbol, symbol

if TYPE_CHECKING:
    from handgrad.formats.live import Live
    from handgrad.page.blocks import Document


@record
class Style:
    """Digits after the point, how names are shown, and which gradients are written δ.

    Arguments:
        decimals: digits shown after the point.
        display: by name, the text shown for it instead of the usual reading of the name.
        error_signals: names whose gradient is written δ.
        loss: the name in the numerator of a gradient.
        losses: by name, the numerator of its gradient where that is another.
        largest: rows and columns of an array that are shown; None for the format's own measure.
        live: what the markup of a page says of its figures, for one that is edited; None for any other.
    """

    decimals: int = 4
    display: Mapping[str, str] = field(default_factory=dict)
    error_signals: frozenset[str] = frozenset()
    loss: str = "L"
    losses: Mapping[str, str] = field(default_factory=dict)
    largest: int | None = None
    live: Live | None = None

    @classmethod
    def of(cls, page: Document) -> Style:
        """The style that a page asks for."""
        return cls(
            page.decimals,
            page.display,
            page.error_signals,
            page.loss,
            page.losses,
            page.largest,
        )

    def at_most(self, count: int) -> int:
        """How many rows or columns of an array are shown where the format has room for `count`."""
        return count if self.largest is None else min(count, self.largest)

    def loss_of(self, adjoint: Adjoint) -> Symbol:
        """The loss whose gradient it is, as shown."""
        return self.symbol(adjoint.of or self.losses.get(adjoint.name, self.loss))

    def symbol(self, name: str) -> Symbol:
        """How a name is shown."""
        return symbol(name, self.display)
