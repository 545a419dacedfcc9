"""Units on the flat end of their activation, where hardly any gradient passes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Call, Expression, Literal, Option
from handgrad.graph import Activation
from handgrad.operations import BY_NAME, noun_of, operation_of
from handgrad.page.blocks import NoteKind
from handgrad.record import record
from handgrad.running import Run
from handgrad.solution.notes.note import TraceNote
from handgrad.solution.notes.noted import UNITS, NotedRun
from handgrad.solution.notes.places import place
from handgrad.solution.slopes import SATURATION, slopes_of
from handgrad.solution.structure import TraceLine
from handgrad.text import Text, sentence


@record
class Saturated(TraceNote):
    """A unit on the flat end of an activation whose slope is a factor of the gradient that passes.

    Arguments:
        unit: its place in the pre-activation, with the case last where there are `case_count` of them.
        slope: that of the activation at `value`.
        threshold: the slope under which a unit counts as saturated.
    """

    kind: ClassVar = "saturated"
    pre_activation: Expression
    activation: str
    operation: str
    unit: tuple[int, ...]
    case_count: int
    value: float
    slope: float
    threshold: float

    @classmethod
    def at_call(cls, seen: NotedRun, line: TraceLine, call: Call) -> Iterable[Saturated]:
        found = seen.kept(cls, lambda: _saturation(seen.activations, seen.run))
        return found.get((line.target.name, call), ())

    @property
    def sign(self) -> NoteKind:
        return "warning"

    def text(self) -> Text:
        if BY_NAME[self.operation].flat:
            return sentence(
                f"{noun_of(self.operation)} is flat at ", *self._place(), ": its slope there is 0, so no gradient passes.",
            )  # fmt: skip
        return sentence(
            f"{noun_of(self.operation)} is saturated at ", *self._place(), ": its slope there is ",
            *(("only ", Literal(self.slope)) if self.slope else ("0 in floats",)),
            f" (under {self.threshold:g}), so little gradient passes.",
        )  # fmt: skip

    def _place(self) -> Text:
        return place(self.pre_activation, self.case_count, self.unit, self.value)


Saturation = dict[tuple[str, Call], list[Saturated]]
"""The saturated units by equation and activation in it."""


def _saturation(activations: Sequence[Activation], run: Run) -> Saturation:
    """The saturated units of a run, at most `UNITS` of one activation."""
    kinds: dict[tuple[str, tuple[tuple[str, Option], ...]], list[Activation]] = {}
    for activation in activations:
        if operation_of(activation.call).saturation is not None and not activation.fused:
            key = activation.call.operation, activation.call.options
            kinds.setdefault(key, []).append(activation)
    found: Saturation = {}
    for same in kinds.values():
        found |= _of_one_kind(same, run)
    return found


def _of_one_kind(activations: Sequence[Activation], run: Run) -> Saturation:
    """The saturated units of activations of one kind, with all slopes computed at once."""
    call = activations[0].call
    threshold = SATURATION * (operation_of(call).saturation or 0.0)
    arrays = [run.of(activation.pre_activation) for activation in activations]
    z = np.concatenate([array.ravel() for array in arrays])
    slopes = slopes_of(
        Call(call.operation, call.arguments, call.options, shape=z.shape), z, batched=False
    )
    found: Saturation = {}
    if slopes.min(initial=np.inf) >= threshold:
        return found
    start = 0
    for activation, array in zip(activations, arrays, strict=True):
        stop = start + array.size
        if slopes[start:stop].min(initial=np.inf) < threshold:
            steep = slopes[start:stop].reshape(array.shape)
            count = array.shape[-1] if array.ndim > len(activation.call.shape or ()) else 1
            found[activation.equation, activation.call] = _units(
                activation, array, steep, threshold, count
            )[:UNITS]
        start = stop
    return found


def _units(
    activation: Activation, z: Array, steep: Array, threshold: float, case_count: int
) -> list[Saturated]:
    return [
        Saturated(
            pre_activation=activation.pre_activation,
            activation=activation.equation,
            operation=activation.call.operation,
            unit=unit,
            case_count=case_count,
            value=float(z[unit]),
            slope=float(steep[unit]),
            threshold=threshold,
        )
        for unit in (tuple(map(int, u)) for u in np.argwhere(steep < threshold))
    ]
