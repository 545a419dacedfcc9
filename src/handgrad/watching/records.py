"""What a watched loop leaves: a verdict for every unit, who died when, and what came back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from handgrad.errors import HandgradError
from handgrad.record import JsonForm, Proportion
from handgrad.running.reviving import Revivers

WatchedVerdict: TypeAlias = Literal[
    "alive",
    "gated_off",  # its pre-activation is not positive in the one case there was
    "dead_on_data",  # … in any of several cases, or in any since a step, by when it was overdue to fire
    "starved",  # it fires, but no gradient passes it
    "nearly_dead",  # it fires, but on so few of the cases that most batches do not teach it
    "saturated",  # its slope is under the stated threshold in every case
    "not_finite",  # its pre-activation was NaN, so that nothing can be said of it
]
"""The verdicts of `handgrad.gates`, but for what needs a box of inputs, and one on numbers that are none."""

DEAD: frozenset[WatchedVerdict] = frozenset(["gated_off", "dead_on_data"])
"""The verdicts on a gate that is shut."""

RANKING: tuple[WatchedVerdict, ...] = (
    "not_finite", "dead_on_data", "gated_off", "starved", "nearly_dead", "saturated", "alive",
)  # fmt: skip
"""The verdicts from the deadest to the liveliest."""


class DeadUnitsError(HandgradError, AssertionError):
    """More units are dead than may be."""


@dataclass(frozen=True, slots=True)
class ZeroGradient:
    """A part of a parameter's gradient that was found to be 0 while a unit was dead.

    Arguments:
        name: the parameter.
        part: which part it is.
        position: the row, column or entry, counted from 0.
    """

    name: str
    part: Literal["row", "column", "entry", "filter", "input channel"]
    position: int


@dataclass(frozen=True, slots=True)
class WatchedUnit:
    """One unit of a layer. Steps count from 1, units from 0.

    Arguments:
        layer: the layer's name.
        weight: the parameter whose row (a convolution's filter, or a column where the weight stands on the right)
            makes the unit; empty where it cannot be tied to one.
        unit: its place along that weight's axis, or axes.
        fired: in how many cases its pre-activation was positive at some position; without a gate, in how many
            it was not saturated.
        cases: how many were looked at. An example in one call of the layer is a case.
        max_preactivation: the largest.
        gradient: the size of the gradient that passed it, added up over a step's cases and positions; the mean over
            the backward passes. NaN where none was seen.
        blocked: the same of what arrived and was stopped.
        verdict: what is said of it now.
        recent_fired: `fired` in the last steps, which the report names.
        recent_cases: `cases` in them.
        last_fired: the last step in which it fired; 0 where it never did.
        dead_since: of a unit that is dead, the first step in which it no longer fired.
        zeros: the parts of gradients that were 0 when last looked at, its gate being shut.
        revivers: of a unit that is dead, what can still move its pre-activation.
        own: the parameters beside the weight that it has an entry of.
        elsewhere: of a unit that is dead, whether its weights were found to get a gradient all the same.
    """

    layer: str
    weight: str
    unit: tuple[int, ...]
    fired: int
    cases: int
    max_preactivation: float
    gradient: float
    blocked: float
    verdict: WatchedVerdict
    recent_fired: int = 0
    recent_cases: int = 0
    last_fired: int = 0
    dead_since: int = 0
    zeros: tuple[ZeroGradient, ...] = ()
    revivers: Revivers | None = None
    own: tuple[str, ...] = ()
    elsewhere: bool = False

    @property
    def dead(self) -> bool:
        """Whether its gate is shut."""
        return self.verdict in DEAD

    @property
    def deadness(self) -> tuple[int, float, float]:
        """A key that sorts the deadest first."""
        share = self.fired / self.cases if self.cases else 0.0
        return RANKING.index(self.verdict), share, self.max_preactivation


@dataclass(frozen=True, slots=True)
class UnitTurn:
    """A unit that died, or fires again.

    Arguments:
        kind: which of the two.
        step: the first step in which it no longer fired, or in which it fires again.
        after: of one that fires again, the first step in which it had not fired.
        moved: of one that fires again, whether its own weights had moved while it was dead; None where they were
            not looked at twice in that time.
        by: of one that fires again, what may have moved its pre-activation.
    """

    kind: Literal["died", "revived"]
    layer: str
    weight: str
    unit: tuple[int, ...]
    step: int
    after: int = 0
    moved: bool | None = None
    by: Revivers | None = None


@dataclass(frozen=True, slots=True)
class WatchedLayer:
    """The units of one gate, or of an activation that can be saturated.

    Arguments:
        name: that of the module whose weight makes the units.
        weights: the parameters that make them; several after a concatenation.
        operation: how the gate is written.
        gate: whether it is one.
        units: how many it has.
        dead: how many of them are dead now.
        firing: the share of units and cases that fire; without a gate, of those that are not saturated.
        cases: how many were looked at.
        gradient_in: the size of the gradient that arrives, added up over units and a step's cases; the mean over the
            backward passes. NaN where none was seen.
        gradient_out: the same of what passes.
        dead_at: by step of a look, how many units were dead.
    """

    name: str
    weights: tuple[str, ...]
    operation: str
    gate: bool
    units: int
    dead: int
    firing: Proportion
    cases: int
    gradient_in: float
    gradient_out: float
    dead_at: tuple[tuple[int, int], ...] = ()
    json: ClassVar = JsonForm(also=("dead_share",))

    @property
    def dead_share(self) -> Proportion:
        """The share of units that are dead now."""
        return self.dead / self.units
