"""What given numbers mean, found from how they are used and what they look like, for other numbers to mean the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from handgrad.errors import OptionError, nearest
from handgrad.exercises.flowing import bounds_of, ends_positive, takes_positive
from handgrad.exercises.givens import GivenNumbers, Reading, is_loss
from handgrad.exercises.reasons import HUGE, REASONS, Reason, by
from handgrad.exercises.uses import Use, opened, uses
from handgrad.expression import Name, leaves
from handgrad.graph import Graph
from handgrad.notation import Sum
from handgrad.operations import operation_of
from handgrad.operations.arithmetic import power
from handgrad.operations.choosing import where
from handgrad.operations.exponentials import masked_softmax
from handgrad.operations.linear import matmul
from handgrad.problem import Problem
from handgrad.record import JsonForm, record

Kind: TypeAlias = Literal[
    "kept",
    "mask",
    "constant",
    "labels",
    "signs",
    "one_hot",
    "permutation",
    "class",
    "probabilities",
    "probability",
    "counts",
    "positive",
    "bounded",
    "weights",
    "input",
    "target",
    "pre_activation",
    "upstream",
]
"""What numbers are; "weights" (of parameters), "input", "target", "pre_activation" (of values that are given
instead of computed) and "upstream" (of gradients that arrive) are free."""

HELD: frozenset[Kind] = frozenset(["kept", "mask", "constant"])
"""Kinds whose numbers stay as they are."""

TARGETS: frozenset[Kind] = frozenset(
    ["labels", "signs", "one_hot", "class", "probabilities", "probability", "bounded", "target"]
)

SETTINGS = frozenset(
    [
        *("alpha", "beta", "delta", "eps", "epsilon", "eta", "gamma", "kappa", "mu", "rho", "tau"),
        *("lam", "lamb", "lambda", "lambda_", "lmbda", "reg", "decay", "weight_decay", "wd"),
        *("m", "n", "N", "T", "count", "batch", "batch_size", "dk", "d_k", "scale", "margin"),
        *("temp", "temperature", "keep", "keep_prob", "p_keep", "dropout", "rate", "lr"),
        *("gam", "discount"),
    ]
)
"""Names of single numbers that are set beforehand and not part of an example."""


@record
class Meaning:
    """What the numbers of one given are.

    Arguments:
        kind: what they are.
        axis: of "one_hot" and "probabilities", the axis along which they add up to 1.
        classes: of "class", how many classes there are.
        low, high: of "bounded", between which numbers they lie.
        reason: how that was found; None where the numbers are free and nothing else was.
    """

    kind: Kind
    axis: int = -1
    classes: int = 0
    low: float = -np.inf
    high: float = np.inf
    reason: Reason | None = None
    json: ClassVar = JsonForm(also=("because",))

    @property
    def because(self) -> str:
        """How it was found, in a few words."""
        return REASONS[self.reason.kind] if self.reason is not None else ""


def meanings(problem: Problem, graph: Graph, keep: Collection[str] = ()) -> Mapping[str, Meaning]:
    """By given, what its numbers mean.

    Arguments:
        problem: the one whose givens are read.
        graph: that of the problem.
        keep: the names of givens that stay as they are.

    Raises `OptionError` for a name in `keep` that the problem is not given.
    """
    known = tuple(problem.inputs)
    for name in keep:
        if name not in known:
            raise OptionError(
                f"the problem is not given {name[:40]}",
                where="--keep",
                mend=nearest(name, known) or f"it is given {', '.join(known)}",
            )
    reading = Reading(problem, graph)
    return {
        name: Meaning("kept", reason=Reason("asked_for"))
        if name in keep
        else _meaning(reading, name)
        for name in known
    }


def _meaning(reading: Reading, name: str) -> Meaning:
    problem = reading.problem
    if name in problem.seeds.values():
        return Meaning("upstream", reason=Reason("arrives"))
    found = _Meant(reading, name, problem.inputs[name], uses(reading.graph, name))
    if name in problem.parameters:
        return found.positive() or Meaning("weights")
    if name in problem.given:
        return found.positive() or Meaning("pre_activation", reason=Reason("given_instead"))
    return found.meaning()


@dataclass(frozen=True)
class _Meant(GivenNumbers):
    """Numbers with what they mean."""

    def meaning(self) -> Meaning:
        for found in (
            self._mask(),
            self._setting(),
            self._classes(),
            self._of_loss(),
            self._of_comparison(),
            self._of_factor(),
            self._of_input(),
            self.positive(),
            self._by_looks(),
        ):
            if found is not None:
                return found
        return Meaning("input")

    def _mask(self) -> Meaning | None:
        lower = self.name.lower()
        if "mask" in lower or self.name in ("I", "eye", "identity"):
            return Meaning("mask", reason=Reason("named_mask"))
        if chosen := self.used(where, 0) + self.used(masked_softmax, 1):
            return Meaning("mask", reason=by("chooses", chosen))
        if (np.abs(self.array) >= HUGE).any():
            return Meaning("mask", reason=Reason("huge"))
        if self.binary and (added := self.times_huge):
            return Meaning("mask", reason=by("times_huge", added))
        return None

    def _setting(self) -> Meaning | None:
        if starts := self.state_of_zeros:
            return Meaning("constant", reason=by("state_of_zeros", starts))
        if self.adding_up:
            return Meaning("constant", reason=by("adding_up", self.adding_up))
        if self.shape or self.given.batched:
            return None
        value = float(self.array)
        others = len(self.reading.problem.data) + len(self.reading.problem.parameters) > 1
        target = self.losses or self.compared or self.weighed_logarithms
        if self.name in SETTINGS and self.reading.problem.parameters and others and not target:
            return Meaning("constant", reason=Reason("named_setting"))
        if (divides := self.divisors) and self.whole and value >= 1 and not target:
            return Meaning("constant", reason=by("divides", divides))
        for use in self.factors:
            (other,) = use.others
            data = self.reading.problem.data.keys()
            named = {n for x in leaves(other) for n in self.reading.feeding.get(x.name, ())}
            if named and not named & data and not isinstance(other, Name):
                return Meaning("constant", reason=by("penalty_factor", (use,)))
        if penalties := self.of_penalties:
            return Meaning("constant", reason=by("penalty_factor", penalties))
        if raised := self.used(power, 1):
            return Meaning("constant", reason=by("exponent", raised))
        if 0 < abs(value) < 0.02:
            return Meaning("constant", reason=Reason("next_to_nothing"))
        return None

    def _classes(self) -> Meaning | None:
        for use in self.uses:
            if operation_of(use.call).picks and use.position == 1:
                picked = use.call.arguments[0].shape or (1,)
                return Meaning("class", classes=picked[0], reason=by("numbers_entries", (use,)))
        for use in self.losses:
            scores = use.call.arguments[0].shape or ()
            if operation_of(use.call).target == "class" and (
                self.shape == scores[:-1] and self.shape != scores
            ):
                reason = by("cross_entropy_target", (use,))
                return Meaning("class", classes=scores[-1], reason=reason)
        return None

    def _of_loss(self) -> Meaning | None:
        logarithms = self.weighed_logarithms
        binary = self.in_losses("probability")
        binary += tuple(u for u in logarithms if u.complement)
        if binary:
            return self._likely(by("binary_target", binary))
        complements = [u for u in self.factors if u.complement]
        if complements and self.binary:
            return Meaning("labels", reason=by("complement", complements))
        if self.shares:
            return Meaning("probability", reason=by("complement", self.shares))
        several = self.in_losses("class") + logarithms
        if several:
            return self._shared_out(logarithms, several)
        margins = self.in_losses("sign") + self._margins()
        if margins:
            if self.among(-1, 1):
                return Meaning("signs", reason=by("margin_target", margins))
            return None
        return self._held()

    def _held(self) -> Meaning | None:
        """Targets of a loss whose domain holds them: others lie between those given."""
        held = tuple(
            u
            for u in self.losses
            if any(d.argument == u.position for d in operation_of(u.call).domain)
        )
        if not held:
            return None
        reason = by("held_target", held)
        low, high = float(self.array.min()), float(self.array.max())
        if self.whole and low >= 0:
            return Meaning("counts", reason=reason)
        if low > 0:
            return Meaning("positive", reason=reason)
        return Meaning("bounded", low=low, high=high, reason=reason)

    def _likely(self, reason: Reason) -> Meaning:
        return Meaning("labels" if self.binary else "probability", reason=reason)

    def _shared_out(self, logarithms: tuple[Use, ...], several: tuple[Use, ...]) -> Meaning | None:
        reason = by("cross_entropy_target", several)
        axes = self.axes_to_one()
        if not axes and self.shape and (self.array == 1).all():
            # With a single class every target is that one.
            axis = self._classes_axis(logarithms)
            axes = (axis,) if axis is not None and self.shape[axis] == 1 else ()
        if axes:
            axis = self._axis(axes, logarithms)
            if self.binary and axis is None:
                return Meaning("permutation", reason=reason)
            kind: Kind = "one_hot" if self.binary else "probabilities"
            return Meaning(kind, axis=axes[-1] if axis is None else axis, reason=reason)
        if self.binary:
            return Meaning("labels", reason=reason)
        if self.whole and (self.array >= 0).all():
            return Meaning("counts", reason=by("counted", several))
        if ((self.array > 0) & (self.array < 1)).all():
            return Meaning("probability", reason=reason)
        if logarithms and (self.array > 0).all():
            return Meaning("positive", reason=by("weighs", logarithms))
        return self.positive()

    def _axis(self, axes: tuple[int, ...], logarithms: tuple[Use, ...]) -> int | None:
        """Of several axes, that of the softmax they are compared with; None where nothing tells."""
        return axes[0] if len(axes) == 1 else self._classes_axis(logarithms)

    def _classes_axis(self, logarithms: tuple[Use, ...]) -> int | None:
        """The axis of the softmax they are compared with; None where nothing tells."""
        if self.in_losses("class"):
            return len(self.shape) - 1
        for use in logarithms:
            for call in opened(self.reading.graph, use.others[0], 6):
                if (
                    operation_of(call).family == "activation"
                    and "axis" in operation_of(call).options
                ):
                    option = call.option("axis")
                    axis = option if isinstance(option, int) else -1
                    return axis % len(self.shape)
        return None

    def _margins(self) -> tuple[Use, ...]:
        """Where they are ±1 in 1 − y s, or in exp(−y s), of what is computed."""
        return tuple(
            u
            for u in self.factors
            if self.among(-1, 1)
            and (self.signed or any(operation_of(c).one_sided for c in u.within))
        )

    def _of_comparison(self) -> Meaning | None:
        if not self.compared:
            return None
        reason = by("compared", self.compared)
        if self.binary:
            axes = self.axes_to_one()
            # A row of labels, one for each example in the columns, is no one-hot row.
            if axes and not (len(self.shape) == 2 and min(self.shape) == 1):
                axis = self._axis(axes, ())
                if axis is None:
                    return Meaning("permutation", reason=reason)
                return Meaning("one_hot", axis=axis, reason=reason)
            return Meaning("labels", reason=reason)
        if self.signed and self.array.size > 1:
            return Meaning("signs", reason=reason)
        for use in self.compared:
            bounds = bounds_of(self.reading, use.others[0])
            if bounds and ((self.array >= bounds[0]) & (self.array <= bounds[1])).all():
                low, high = bounds
                return Meaning("bounded", low=low, high=high, reason=by("compared", (use,)))
        return self.positive() or Meaning("target", reason=reason)

    def _of_factor(self) -> Meaning | None:
        if self.dividends and (self.array > 0).all():
            reason = by("divided", self.dividends)
            if axes := self.axes_to_one():
                return Meaning("probabilities", axis=axes[-1], reason=reason)
            return Meaning("positive", reason=reason)
        if not self.factors:
            return None
        reason = by("factor", self.factors)
        largest = float(np.max(np.abs(self.array), initial=0.0))
        axes = self.axes_to_one()
        if self.binary and self.name[0] in "yYtT":
            return Meaning("labels", reason=by("named_target", self.factors))
        # What dropout keeps is scaled up, never down.
        blanked = bool((self.array == 0).any()) and largest >= 1
        if self.among(0, largest) and (blanked or largest == 1):
            return Meaning("mask", reason=reason)
        if self.whole and self.array.min() >= 0 and largest > 1:
            return Meaning("counts", reason=Reason("whole_numbers"))
        if axes:
            return Meaning("probabilities", axis=axes[-1], reason=reason)
        if self.signed:
            return Meaning("signs", reason=reason)
        if (self.array > 0).all():
            return Meaning("positive", reason=reason)
        return None

    def _of_input(self) -> Meaning | None:
        if not self.inputs:
            return None
        axes = self.axes_to_one()
        for use in self.inputs:
            mixes = (
                len(self.shape) == 2
                and self.shape[0] == self.shape[1]
                and any(self.reading.learned(o) and not self.is_parameter(o) for o in use.others)
            )
            if mixes and (self.binary or axes):
                # A graph's edges, or shares of neighbours: the network itself, not an example.
                return Meaning("mask", reason=by("mixes", (use,)))
        if self.binary and axes and self._picks(axes):
            if len(axes) > 1:
                return Meaning("permutation", reason=by("picks", self.inputs))
            return Meaning("one_hot", axis=axes[0], reason=by("picks", self.inputs))
        if axes and not self.binary and len(axes) == 1 and self.array.size > 2:
            return Meaning("probabilities", axis=axes[0], reason=Reason("adds_up"))
        if self.array.size > 2 and self.whole and self.array.min() >= 0 and self.array.max() > 2:
            return Meaning("counts", reason=Reason("whole_numbers"))
        return self.positive()

    def _picks(self, axes: tuple[int, ...]) -> bool:
        """Whether one-hot inputs pick rows of a matrix, as those of three classes do, or of a layer without bias."""
        if "hot" in self.name.lower() or max(self.shape[a] for a in axes) > 2:
            return True
        return all(
            operation_of(u.call) is matmul
            and not (u.within and isinstance(operation_of(u.within[0]).notation, Sum))
            for u in self.inputs
        )

    def positive(self) -> Meaning | None:
        """Positive numbers that a logarithm, a root or a quotient takes, and probabilities that a loss takes."""
        if not (self.array > 0).all():
            return None
        axes = self.axes_to_one()
        for use in self.uses:
            if (
                is_loss(use.call)
                and use.position == 0
                and (self.array < 1).all()
                and (operation_of(use.call).domain)
            ):
                reason = by("prediction", (use,))
                if axes:
                    return Meaning("probabilities", axis=axes[-1], reason=reason)
                return Meaning("probability", reason=reason)
            if takes_positive(use.call, use.position):
                reason = by("positive_place", (use,))
                if axes and operation_of(use.call).logarithm:
                    return Meaning("probabilities", axis=axes[-1], reason=reason)
                return Meaning("positive", reason=reason)
            if ends_positive(self, use):
                return Meaning("positive", reason=by("positive_part", (use,)))
        return None

    def _by_looks(self) -> Meaning | None:
        if self.inputs:
            return None
        reason = Reason("numbers")
        axes = self.axes_to_one()
        if self.binary and (self.shape or self.given.batched):
            if axes:
                return Meaning("one_hot", axis=axes[-1], reason=reason)
            return Meaning("labels", reason=reason)
        if self.signed and self.array.size > 1:
            return Meaning("signs", reason=reason)
        if axes and self.array.size > 2:
            return Meaning("probabilities", axis=axes[-1], reason=reason)
        return None
