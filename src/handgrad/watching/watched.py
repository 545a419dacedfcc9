"""What `report()` of a watched loop returns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from handgrad.audit.structure import NEARLY
from handgrad.record import JsonForm
from handgrad.saving import Page, Result
from handgrad.solution.slopes import SATURATION
from handgrad.watching.records import UnitTurn, WatchedLayer, WatchedUnit

if TYPE_CHECKING:
    from handgrad.formats.json import Views


@dataclass(frozen=True, slots=True)
class Watched(Result):
    """A watched loop's gates.

    Arguments:
        model: the name of the model's class.
        every: a step in so many was watched.
        steps: the last step that was watched.
        updates: how many updates were made before it.
        forwards: how many calls of the model were watched.
        recent: the first step of the last ones, which "now" is about.
        rule: the update rule; empty where no optimizer of `torch.optim` was seen, or one that has none here.
        turns: who died and who fires again, by step.
        notes: what else is to be known of how it was watched.
        unseen: what could not be seen.
        processes: how many counted together.
    """

    model: str
    layers: tuple[WatchedLayer, ...]
    units: tuple[WatchedUnit, ...]
    turns: tuple[UnitTurn, ...]
    every: int
    steps: int
    updates: int
    forwards: int
    recent: int
    rule: str = ""
    notes: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    processes: int = 1
    json: ClassVar = JsonForm("watched", also=("thresholds",))

    @property
    def thresholds(self) -> dict[str, float]:
        """The shares at which units are nearly dead and saturated."""
        return {"nearly_dead": NEARLY, "saturated": SATURATION}

    @property
    def dead(self) -> tuple[WatchedUnit, ...]:
        """The units that are dead now."""
        return tuple(u for u in self.units if u.dead)

    def of(self, layer: str) -> tuple[WatchedUnit, ...]:
        """The units of a layer."""
        return tuple(u for u in self.units if u.layer == layer)

    def page(self, decimals: int = 4) -> Page:
        """What fires, what is dead and since when, and what would revive it. `decimals` are those shown."""
        from handgrad.watching.page import watched_page

        return watched_page(self, decimals)

    @classmethod
    def json_views(cls) -> Views:
        """The words of units and turns."""
        from handgrad.watching.words import VIEWS

        return VIEWS

    def __repr__(self) -> str:
        counts = Counter(unit.verdict for unit in self.units)
        told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) or "no gates"
        return f"<Watched: {len(self.units)} units over {self.steps} step{'s' * (self.steps != 1)}: {told}>"
