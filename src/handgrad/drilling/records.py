"""What has come of each quantity so far, and the marks it earns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from handgrad.checking.report import LEVELS, Level
from handgrad.drilling.typed import Cells
from handgrad.expression import Shape
from handgrad.record import JsonForm

State: TypeAlias = Literal["open", "right", "consistent", "shown", "skipped"]
STATES: tuple[State, ...] = ("open", "right", "consistent", "shown", "skipped")


@dataclass(frozen=True, slots=True)
class Record:
    """One quantity of a drill.

    Arguments:
        state: open; answered right, or consistently with earlier figures; shown; or skipped.
        figures: the last that were entered.
        wrong, hints: how many answers were wrong, and how many hints were asked for.
        trivial: the answer follows from an earlier slip that left nothing to work out.
    """

    state: State = "open"
    figures: Cells | None = None
    wrong: int = 0
    hints: int = 0
    trivial: bool = False
    json: ClassVar = JsonForm(also=("marks",))

    @property
    def level(self) -> Level | None:
        """How much has been told: every wrong answer and every hint tells one level more."""
        told = min(self.wrong + self.hints, len(LEVELS))
        return LEVELS[told - 1] if told else None

    @property
    def answered(self) -> bool:
        """Whether an answer was accepted."""
        return self.state in ("right", "consistent")

    @property
    def marks(self) -> float:
        """One, less a quarter for every level that was told."""
        if not self.answered or self.trivial:
            return 0.0
        return max(0.0, 1 - (self.wrong + self.hints) / len(LEVELS))


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityRecord(Record):
    """A quantity of a problem, and what has come of it.

    Arguments:
        target: how answers files call it: `z1`, `dW2`, `updated.b3`.
        step: the number of its step.
        shape: that of one case.
        asked: whether the drill asks for it.
    """

    target: str
    step: str
    shape: Shape
    asked: bool
