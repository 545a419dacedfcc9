"""What an audit finds: a verdict for every unit, its certificate, and what was tried to revive it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from handgrad.expression import Expression
from handgrad.operations.operation import Array
from handgrad.problem import Problem
from handgrad.trace import Zeroed

Verdict: TypeAlias = Literal[
    "alive",
    "gated_off",  # its pre-activation is not positive on the one example there is
    "dead_on_data",  # … on every one of several cases
    "provably_dead",  # … anywhere in a box of inputs: its upper bound there is not positive
    "starved",  # it fires, but whenever it does no gradient reaches it
    "saturated",  # its slope is under the stated threshold in every case
]
"""What is said of a unit: one of these, and never a mixture."""

OFF: frozenset[Verdict] = frozenset(["gated_off", "dead_on_data", "provably_dead"])
"""The verdicts on a gate that is shut throughout."""

Flow: TypeAlias = Literal["steady", "vanishing", "exploding", "blocked"]

VANISHING = 1e-3
"""A layer's gradients vanish where their norm is under this share of that at the last layer."""

EXPLODING = 1e3
"""They explode where it is over this multiple of it."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is known of a unit's pre-activation over a box of inputs.

    "dead": `upper`, a sound bound, is not positive. "fires": at `witness`, an input in the box, it is
    positive. "undecided": neither was found; `upper` is the best bound. `boxes` counts the parts that
    the box was split into.
    """

    decided: Literal["dead", "fires", "undecided"]
    upper: float
    boxes: int = 1
    witness: Mapping[str, float | tuple[float, ...]] | None = None


RemedyKind: TypeAlias = Literal["bias_shift", "ajar", "redraw", "smaller_rate"]


@dataclass(frozen=True, slots=True)
class Remedy:
    """Something that was tried on a unit, and what came of it, measured on `cases` cases.

    "bias_shift": entry `entry` of `parameter` was raised by `tried`; more than `amount` is needed
    to fire on as many cases as asked. "ajar": every gate of its kind was replaced by `operation`.
    "redraw": its incoming weights were drawn anew, `draws` times; it fired in `draws_firing` of them,
    and `fired` and `gradient` are means over them. "smaller_rate": `updates` updates at `rate`; at the
    problem's own rate it then fires on `fired_otherwise` cases.

    `fired` is on how many cases it fires afterwards, `gradient` the mean size of the gradient through
    it, `saturated` on how many cases it is saturated. `works` says whether that revived it.
    """

    kind: RemedyKind
    works: bool
    fired: float
    cases: int
    gradient: float
    saturated: float = 0.0
    parameter: str = ""
    entry: tuple[int, ...] = ()
    amount: float = 0.0
    tried: float = 0.0
    operation: str = ""
    rate: float = 0.0
    updates: int = 0
    fired_otherwise: float = 0.0
    draws: int = 0
    draws_firing: int = 0


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of a layer, counted from 0.

    `fired` counts the cases in which its pre-activation is positive; `gradient` is the mean over the
    cases of the size of the gradient that passes it, `blocked` of what arrives and is stopped.
    `starved_by` says of a starved unit whether every gate after it is off, or what arrives is
    zero for another reason. `silences` are the entries of gradients that are zero because of it.
    """

    layer: str
    unit: tuple[int, ...]
    fired: int
    cases: int
    max_preactivation: float
    gradient: float
    blocked: float
    saturated: int
    verdict: Verdict
    starved_by: Literal["", "gates", "zeros"] = ""
    silences: tuple[Zeroed, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of activations: how its units fare, and what gradient enters and leaves it.

    `name` is the activation's value, `pre_activation` what it is applied to. `gradient_in` is the
    norm of the gradient that arrives at its outputs, `gradient_out` of that which passes: the root
    of the mean over the cases of the squared length. `ratio` compares `gradient_out` with that of
    the last layer.
    """

    name: str
    pre_activation: Expression
    operation: str
    gate: bool
    units: int
    dead: int
    firing: float
    gradient_in: float
    gradient_out: float
    ratio: float
    flow: Flow

    @property
    def dead_share(self) -> float:
        """The share of units that are off throughout."""
        return self.dead / self.units


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit of a network's gates.

    `cases` were looked at and `skipped` left out as bad; remedies were measured on `trial_cases` of
    them, on at most `tried` units. `threshold` is the share of an activation's largest slope under
    which it is saturated. `fixed` are data that the problem has and the data files do not give.
    `parts` are the names given to parts of equations, with their formulas. `sample` says of the first
    few cases which gates are open: a row a case, a column a unit, layer after layer. `rows` are the
    data of which each row is a case.
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

    def of(self, layer: str) -> tuple[Unit, ...]:
        """The units of a layer."""
        return tuple(u for u in self.units if u.layer == layer)
