"""What is found over training: the loss, the units that are dead, and the update that killed each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from handgrad.expression import Expression, Shape
from handgrad.problem import Problem, Update
from handgrad.record import JsonForm
from handgrad.running.reviving import Revivers
from handgrad.running.training import RUN_AWAY
from handgrad.saving import Page, Result
from handgrad.study.returning import Cause, Way
from handgrad.study.units import StudiedLayer

UnitKey = tuple[str, tuple[int, ...]]
"""A unit: the name of its layer and its entry, counted from 0."""


@dataclass(frozen=True, slots=True)
class UnitEvent:
    """A unit that died, or fired again, in an update.

    Arguments:
        step: the update after which it was found so, counted from 1; it happened after `since`.
        layer, unit: the layer's name and the unit's entry, counted from 0.
        before, after: its largest pre-activation over the cases.
        case: the case with the largest pre-activation while it was alive, counted from 0.
        from_value, to_value: its pre-activation on that case before and after.
        own: the part of that change that its own weights and bias made.
        below: the rest: what the layers below made.
        cause: of a unit that fires again, whether its layer's parameters or what the layers below give
            would have been enough alone; empty for one that died.
        own_by: what moved its own weights, where they were enough; empty where that was not looked for.
    """

    kind: Literal["died", "revived"]
    step: int
    since: int
    layer: str
    unit: tuple[int, ...]
    before: float
    after: float
    case: int
    from_value: float
    to_value: float
    own: float
    below: float
    cause: Cause | Literal[""] = ""
    own_by: tuple[Way, ...] = ()
    json: ClassVar = JsonForm(also=("from=from_value", "to=to_value"))


@dataclass(frozen=True, slots=True)
class UnitRevivers:
    """A unit that is dead at the end, and what can still move it."""

    unit: tuple[int, ...]
    revivers: Revivers


@dataclass(frozen=True, slots=True)
class LayerStudy:
    """One layer in training.

    Arguments:
        layer: its name.
        units: how many it has, along the `axes` of the pre-activation's `shape`.
        dead: how many had no positive pre-activation at each of the study's `steps`.
        dead_at_start, dead_at_end: these units before the first update, and after the last.
        revivers: what can still move those that are dead at the end, so far as that was asked.
    """

    layer: str
    units: int
    dead: tuple[int, ...]
    dead_at_start: tuple[tuple[int, ...], ...]
    dead_at_end: tuple[tuple[int, ...], ...]
    revivers: tuple[UnitRevivers, ...]
    shape: Shape
    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True, repr=False)
class OverTraining(Result):
    """A problem in training.

    Arguments:
        name: what is special about it, such as "leaky ReLU"; empty for the problem as it is.
        gates: whether its units are gates: those of other activations learn where they do not fire.
        steps: the updates after which it was looked at; 0 is before the first.
        losses: the loss over all the cases at these.
        dead: by layer, the units with no positive pre-activation at these.
        started_dead, ended_dead: these units before the first update, and after the last.
        stopped: the update after which the loss was no longer finite; 0 where it was not before the first.
        rows: the data of which each row is a case, as in X @ W.
        columns: the data of which each column is one, as in W @ X.
        revivers: what can still move the units that are dead at the end, so far as that was asked.
        parts: the names given there to parts of equations, with their formulas.
        compared: other trainings of it on the same cases, such as those with other activations.
    """

    name: str
    problem: Problem
    update: Update
    batch: int | None
    cases: int
    seed: int
    gates: bool
    layers: tuple[StudiedLayer, ...]
    steps: tuple[int, ...]
    losses: tuple[float, ...]
    dead: Mapping[str, tuple[int, ...]]
    events: tuple[UnitEvent, ...]
    started_dead: tuple[UnitKey, ...]
    ended_dead: tuple[UnitKey, ...]
    stopped: int | None
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    revivers: Mapping[UnitKey, Revivers] = field(default_factory=dict)
    parts: Mapping[str, Expression] = field(default_factory=dict)
    compared: tuple[OverTraining, ...] = ()
    json: ClassVar = JsonForm(
        "training",
        without=(
            "problem", "update", "layers", "dead", "started_dead", "ended_dead", "revivers",
        ),
        also=(
            "title=problem.title", "rule=update.rule", "rate=update.rate", "layers=by_layer", "ran_away",
        ),
    )  # fmt: skip

    @property
    def by_layer(self) -> tuple[LayerStudy, ...]:
        """What became of each layer."""
        return tuple(
            LayerStudy(
                layer.name,
                layer.units,
                self.dead[layer.name],
                tuple(unit for name, unit in self.started_dead if name == layer.name),
                tuple(unit for name, unit in self.ended_dead if name == layer.name),
                tuple(
                    UnitRevivers(unit, revivers)
                    for (name, unit), revivers in self.revivers.items()
                    if name == layer.name
                ),
                layer.shape,
                layer.facts.axes,
            )
            for layer in self.layers
        )

    @property
    def ran_away(self) -> int | None:
        """The first update looked at after which the loss is over `RUN_AWAY` times what it was at first.

        From there on rounding may decide what happens: of terms so unlike in size the smaller one is lost.
        """
        most = RUN_AWAY * max(1.0, abs(self.losses[0]))
        seen = zip(self.steps, self.losses, strict=True)
        return next((step for step, loss in seen if abs(loss) > most), None)

    @property
    def revivals(self) -> tuple[UnitEvent, ...]:
        """The events of units that fired again."""
        return tuple(event for event in self.events if event.kind == "revived")

    @property
    def never(self) -> tuple[UnitKey, ...]:
        """The units that are dead at the end and provably never fire again on these data."""
        return tuple(unit for unit, revivers in self.revivers.items() if revivers.never)

    @property
    def units(self) -> int:
        """How many units there are in all."""
        return sum(layer.units for layer in self.layers)

    def share_dead(self, layer: StudiedLayer) -> tuple[float, ...]:
        """The share of a layer's units with no positive pre-activation, at each of `steps`."""
        return tuple(count / layer.units for count in self.dead[layer.name])

    def page(self, decimals: int = 4) -> Page:
        """The loss, which units died, came back or will never fire again; beside those compared."""
        from handgrad.study.training_page import training_comparison_page, training_page

        if self.compared:
            return training_comparison_page((self, *self.compared), decimals)
        return training_page(self, decimals)

    def __repr__(self) -> str:
        first, last = self.losses[0], self.losses[-1]
        dead = f"{len(self.ended_dead)} of {self.units} units dead"
        return f"<Training of {self.steps[-1]} updates: loss {first:.4g} to {last:.4g}, {dead}>"
