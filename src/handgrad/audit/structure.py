"""What an audit finds: a verdict for every unit, its certificate, and what was tried to revive it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from handgrad.expression import Expression
from handgrad.record import JsonForm, Proportion
from handgrad.running.reviving import Revivers as Revivers
from handgrad.running.units import Own
from handgrad.solution import Zeroed

Verdict: TypeAlias = Literal[
    "alive",
    "gated_off",  # its pre-activation is not positive on the one example there is
    "dead_on_data",  # … on every one of several cases
    "provably_dead",  # … anywhere in a box of inputs: its upper bound there is not positive
    "starved",  # it fires, but whenever it does no gradient reaches it
    "nearly_dead",  # it fires, but on so few of the cases that most batches do not teach it
    "saturated",  # its slope is under the stated threshold in every case
]
"""What is said of a unit: one of these, and never a mixture."""

OFF: frozenset[Verdict] = frozenset(["gated_off", "dead_on_data", "provably_dead"])
"""The verdicts on a gate that is shut throughout."""

Flow: TypeAlias = Literal["steady", "vanishing", "exploding", "blocked"]

VANISHING = 1e-3
"""A layer's gradients vanish where their norm is under this share of that at the last layer that passes any."""

EXPLODING = 1e3
"""They explode where it is over this multiple of it."""

NEARLY = 0.01
"""A unit that fires on at most this share of the cases is nearly dead: of random batches of 64 more
than half, 0.99^64 = 0.53 of them, give it no gradient at all."""

NOISE = 1e-12
"""A gradient that is smaller than this share of the largest of the network is a rounding residue."""

RANKS: tuple[Verdict, ...] = (
    "provably_dead", "dead_on_data", "gated_off", "starved", "nearly_dead", "saturated", "alive",
)  # fmt: skip
"""The verdicts from the deadest to the liveliest."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is known of a unit's pre-activation over a box of inputs.

    Arguments:
        decided: "dead": it is positive nowhere in the box; "fires": it is at `witness`; "undecided":
            neither was found.
        upper: a bound that it does not exceed, the best that was found.
        boxes: the parts that the box was split into.
        witness: an input in the box.
    """

    decided: Literal["dead", "fires", "undecided"]
    upper: float
    boxes: int = 1
    witness: Mapping[str, float | tuple[float, ...]] | None = None


RemedyKind: TypeAlias = Literal[
    "bias_shift", "shrink", "redraw", "leaky_form", "smaller_rate", "go_on"
]
"""From the smallest change to the largest."""

Missing: TypeAlias = Literal[
    "",
    "off",  # its gate stays shut
    "starved",  # it fires, but no gradient reaches its own parameters
    "saturated",  # its slope stays under the threshold
]
"""What is still wrong with a unit that a remedy did not revive."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """Something that was tried, and what came of it for one unit, measured on `cases` cases.

    "bias_shift": entry `entry` of `parameter` was raised by `tried`; more than `amount` is needed
    to fire on as many cases as asked. The parameter is the unit's own bias, or that of a unit that
    silences it. "shrink": its own weights were multiplied by `tried`, as decay or a penalty on them
    does in time; where the pre-activation is not linear in them `amount` is what was tried. "redraw": its own weights were drawn anew, `draws` times; it was revived in
    `draws_working` of them and fired in `draws_firing`, and `fired` and `gradient` are means over them.
    "leaky_form": every gate of its kind was replaced by `operation`. "smaller_rate": `updates` updates at
    `rate`, or, where parameters have rates of their own (`rate` is then 0), at a tenth of each; at the problem's
    own it then fires on `fired_otherwise` cases. "go_on": `updates` updates by the problem's own rule and rate, or as
    many as it took.

    `fired` is on how many cases it fires afterwards, `gradient` the mean size of the gradient through
    it, `own_gradient` the largest entry in size of one case's gradient of its own parameters that
    comes through it; `noise` is what that has to exceed. `saturated` is on how many cases it is
    saturated. `works` says whether that revived it, and `missing` what is still wrong if not.
    """

    kind: RemedyKind
    works: bool
    fired: float
    cases: int
    gradient: float
    own_gradient: float = 0.0
    noise: float = 0.0
    missing: Missing = ""
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
    draws_working: int = 0

    @property
    def change(self) -> tuple[object, ...]:
        """What was changed: two units with the same were tried together."""
        return (
            self.kind, self.parameter, self.entry, self.tried, self.operation, self.rate, self.draws,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of a layer.

    Arguments:
        unit: its place along the layer's `axes`, counted from 0.
        fired: the number of cases in which its pre-activation is positive at some position.
        gradient: the mean over the cases of the size of the gradient that passes it, added up over
            the positions.
        blocked: the same of what arrives and is stopped.
        saturated: the number of cases in which it is saturated.
        starved_by: of a starved unit, whether every gate after it is off, or what arrives is zero for
            another reason.
        silences: the entries of gradients that are zero because of it.
        fired_at: the number of cases and positions at which its pre-activation is positive.
        own: the entries of parameters that are its own.
        revivers: of a unit that is off, what can still move its pre-activation.
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
    fired_at: int = 0
    own: tuple[Own, ...] = ()
    revivers: Revivers | None = None

    @property
    def deadness(self) -> tuple[int, float, float]:
        """A key that sorts the deadest first."""
        return RANKS.index(self.verdict), self.fired / self.cases, self.max_preactivation


MAPPED = 64
"""Gates of a layer whose units stand at several positions, at most, for each to be looked at."""


def mapped(units: int, positions: int) -> bool:
    """Whether a layer's gates are few enough to be looked at one by one."""
    return positions == 1 or units * positions <= MAPPED


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of activations: how its units fare, and what gradient enters and leaves it.

    Arguments:
        name: the activation's value.
        pre_activation: what it is applied to.
        gate: whether it is a gate, which is open where its input is positive.
        units: how many it has.
        dead: how many of them are off throughout.
        firing: the share of units and cases that fire.
        gradient_in: the norm of the gradient that arrives at its outputs: the root of the mean over
            the cases of the squared norm.
        gradient_out: the same of what passes.
        ratio: `gradient_out` to that of the last layer that passes any.
        axes: those of the pre-activation's `shape` along which units lie; along the others lie the
            positions of each, such as those of a convolution's channel.
        examples: how many examples its positions lie in, within one case: those of a batch along an axis
            of the arrays.
        matrix: whether it is a product of matrices, and no convolution.
        splits_ties: whether it is a gate that lets half of the gradient through at exactly 0.
        shut: the number of cases in which no unit of it fires.
        silences: the layers before it from which every path to the loss leads through it.
        time_step: that of a recurrent network, counted from 1; 0 elsewhere.
    """

    name: str
    pre_activation: Expression
    operation: str
    gate: bool
    units: int
    dead: int
    firing: Proportion
    gradient_in: float
    gradient_out: float
    ratio: float
    flow: Flow
    axes: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()
    examples: int = 1
    matrix: bool = True
    splits_ties: bool = False
    shut: int = 0
    silences: tuple[str, ...] = ()
    time_step: int = 0
    json: ClassVar = JsonForm(without=("matrix", "splits_ties"), also=("dead_share", "positions"))

    @property
    def positions(self) -> int:
        """At how many positions each unit stands in one case."""
        return math.prod(n for axis, n in enumerate(self.shape) if axis not in self.axes)

    @property
    def dead_share(self) -> Proportion:
        """The share of units that are off throughout."""
        return self.dead / self.units
