"""What recognising a loss works with, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field

from handgrad.expression import Call, Expression
from handgrad.operations.logarithms import Logarithms
from handgrad.operations.written_out import Sight, WrittenActivation
from handgrad.record import builder, record

SIGMOID, SOFTMAX = "sigmoid", "softmax"

Whole = Callable[[Expression, Expression, int], bool]
"""`whole(target, scores, axis)`: whether the target is known to add up to 1 along the axis."""


@record
class Recognised:
    """A loss and the activation that feeds it, found in a formula.

    Arguments:
        fused: the operation that computes both, from the scores.
        plain: the same loss without the activation in it, or as it was written.
        loss: the operation of the loss, of which there are words: `bce` or `cross_entropy`.
        activation: that of the activation.
        scores: what the activation is applied to.
        name: the name of the activation's value; empty where it has none.
        axis: that of softmax, counted from 0; None for the sigmoid.
        passed: the equations that it was seen through.
        shifts: what the scores were shifted by before softmax, which changes nothing.
        whole: whether the targets add up to 1, so that the derivative is p − y.
    """

    fused: Call
    plain: Expression
    loss: str
    activation: str
    scores: Expression
    name: str
    axis: int | None
    passed: tuple[str, ...]
    shifts: tuple[Expression, ...]
    whole: bool

    @property
    def value(self) -> Call:
        """The activation of the scores, as formulas write it."""
        last = self.axis is None or self.axis == len(self.scores.shape or ()) - 1
        options = () if last else (("axis", self.axis),)
        return Call(self.activation, (self.scores,), options, None, self.scores.shape)


@record
class Two:
    """A formula in two forms: with losses and their activations as one, and with losses alone."""

    fused: Expression
    plain: Expression


@builder
class Looking:
    """The state of a search for the losses in a formula.

    Arguments:
        definitions: the equations that names are seen through.
        whole: whether a target is known to add up to 1.
        found: the losses found so far that are computed as one with an activation.
    """

    definitions: Mapping[str, Expression]
    whole: Whole
    found: list[Recognised] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sight = Sight(self.definitions)
        self.logarithms = Logarithms(self.sight)

    def look_anew(self) -> None:
        """Forgets what has been looked through."""
        self.sight.passed.clear()
        self.sight.shifts.clear()

    def add(
        self,
        fused: Call,
        plain: Expression,
        loss: str,
        kind: str,
        activation: WrittenActivation,
        whole: bool = True,
    ) -> None:
        """Keeps a loss that is computed as one with its activation."""
        self.found.append(
            Recognised(
                fused=fused,
                plain=plain,
                loss=loss,
                activation=kind,
                scores=activation.of,
                name=activation.name,
                axis=activation.axis,
                passed=tuple(dict.fromkeys(self.sight.passed)),
                shifts=tuple(dict.fromkeys(self.sight.shifts)),
                whole=whole,
            )
        )
