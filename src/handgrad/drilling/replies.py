"""What a drill says to what was typed, as data; `handgrad.drilling.page` has the words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from handgrad.checking.report import Judged, Level
from handgrad.drilling.records import Record
from handgrad.drilling.typed import DrillUnfinished, Unread


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer is right, or right given what came before."""

    judged: Judged
    record: Record


@dataclass(frozen=True, slots=True)
class Told:
    """A hint of a level: after an answer that is `wrong`, or asked for.

    `judged` is the verdict on the last figures, "missing" where there are none.
    """

    level: Level
    judged: Judged
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """The quantity is left for later, or as it is where it was answered; `record` says which."""

    record: Record


@dataclass(frozen=True, slots=True)
class Back:
    """The quantity before is asked for again; `record` is what came of it."""

    record: Record


@dataclass(frozen=True, slots=True)
class AtStart:
    """There is nothing before the first quantity."""


@dataclass(frozen=True, slots=True)
class Help:
    """What can be typed."""


@dataclass(frozen=True, slots=True)
class DrillQuit:
    """The drill is left, to be taken up later."""


Reply: TypeAlias = (
    Accepted | Told | Skipped | Back | AtStart | Help | DrillQuit | Unread | DrillUnfinished
)
