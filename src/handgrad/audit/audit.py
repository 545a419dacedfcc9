"""What `handgrad.gates` returns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from handgrad.arrays import Array
from handgrad.audit.structure import EXPLODING, NEARLY, NOISE, VANISHING, Layer, Unit
from handgrad.expression import Expression, Name
from handgrad.problem import Problem
from handgrad.record import JsonForm
from handgrad.running.reviving import Revivers as Revivers
from handgrad.saving import Page, Result

if TYPE_CHECKING:
    from handgrad.formats.json import Views


@dataclass(frozen=True, slots=True)
class Audit(Result):
    """The audit of a network's gates.

    Arguments:
        cases: how many were looked at.
        skipped: how many were left out as bad.
        trial_cases: on how many remedies were measured.
        fire_on: on how many of these a bias shift is to make a unit fire.
        threshold: the share of an activation's largest slope under which it is saturated.
        over: by datum, the lowest and the highest numbers that it may have.
        fixed: the data that the problem has and the data files do not give.
        tried: how many units remedies were tried on, at most.
        parts: the names given to parts of equations, with their formulas.
        sample: of the first few cases, which gates are open: a row a case, a column for each unit at each of its
            positions, layer after layer; none of a layer that has more than `MAPPED` at several positions.
        rows: the data of which each row is a case.
        columns: the data of which each column is a case.
        own_data: whether the cases are the problem's own.
    """

    problem: Problem
    layers: tuple[Layer, ...]
    units: tuple[Unit, ...]
    cases: int
    skipped: int
    trial_cases: int
    fire_on: int
    threshold: float
    over: Mapping[str, tuple[Array, Array]]
    fixed: tuple[str, ...]
    tried: int
    parts: Mapping[str, Expression]
    sample: tuple[tuple[bool, ...], ...] = ()
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    own_data: bool = False
    json: ClassVar = JsonForm(
        "gates",
        without=("problem", "threshold", "sample", "own_data"),
        also=("title=problem.title", "thresholds", "silencer=silencer.name"),
    )

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The shares at which units are saturated or nearly dead, and gradients vanish, explode, or are noise."""
        return {
            "saturated": self.threshold,
            "vanishing": VANISHING,
            "exploding": EXPLODING,
            "nearly_dead": NEARLY,
            "noise": NOISE,
        }

    def called(self, name: str) -> Expression:
        """What an equation, or a part of one that was given a name, is called: the part by its formula."""
        return self.parts.get(name, Name(name))

    @property
    def silencer(self) -> Layer | None:
        """The last layer of gates that is shut in every case and silences all that lies before it."""
        shut = [x for x in self.layers if x.gate and x.shut == self.cases and x.silences]
        return shut[-1] if shut else None

    @property
    def nothing_arrives(self) -> bool:
        """Whether no gradient at all arrives at any layer, so that no gate of theirs is the cause: a hinge loss is flat."""
        return all(layer.gradient_in == 0 for layer in self.layers)

    @property
    def batch(self) -> int:
        """How many examples lie along an axis of the arrays of one case; 1 where none do."""
        return max((layer.examples for layer in self.layers), default=1)

    def of(self, layer: str) -> tuple[Unit, ...]:
        """The units of a layer."""
        return tuple(u for u in self.units if u.layer == layer)

    def page(self, decimals: int = 4) -> Page:
        """What fires, what is dead, why, and what would revive it. `decimals` are those shown."""
        from handgrad.audit.page import gates_page

        return gates_page(self, decimals)

    @classmethod
    def json_views(cls) -> Views:
        """The words of units and remedies."""
        from handgrad.audit.views import VIEWS

        return VIEWS

    def __repr__(self) -> str:
        counts = Counter(unit.verdict for unit in self.units)
        told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        cases = "1 case" if self.cases == 1 else f"{self.cases} cases"
        return f"<Audit of {len(self.units)} units in {cases}: {told}>"
