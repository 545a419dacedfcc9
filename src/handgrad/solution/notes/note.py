"""What a kind of note offers: how it is found at a step, and its words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from handgrad.expression import Call
from handgrad.page.blocks import Derivation, Note, NoteKind
from handgrad.solution.notes.noted import NotedRun
from handgrad.solution.structure import StepKind, TraceLine
from handgrad.text import Text

MOST_NOTED = 4096
"""The most entries in one note, and the most shut units of one gate that get a note."""


class TraceNote(ABC):
    """Something worth pointing out at a step of a worked solution.

    Each kind is a frozen dataclass in a file of `handgrad.solution.notes`, and its fields are the facts.
    It is found by whichever of `in_forward`, `at_call`, `in_backward` and `in_update` it defines; each is
    called for every line of its phase. Units, entries and cases count from 0 in the fields, and from 1 in the words.
    """

    __slots__ = ()
    kind: ClassVar[str]

    @abstractmethod
    def text(self) -> Text:
        """The note as a sentence or two, with its formulas."""

    @property
    def sign(self) -> NoteKind:
        """The sign beside it on a page."""
        return "info"

    def derivations(self) -> tuple[Derivation, ...]:
        """Derivations to show below its text."""
        return ()

    def block(self) -> Note:
        """The note as it stands on a page."""
        return Note(self.sign, self.text(), self.derivations())

    @classmethod
    def in_forward(cls, seen: NotedRun, line: TraceLine) -> Iterable[TraceNote]:
        """The notes on a line of the forward pass."""
        return ()

    @classmethod
    def at_call(cls, seen: NotedRun, line: TraceLine, call: Call) -> Iterable[TraceNote]:
        """The notes on one call in the formula of a line of the forward pass."""
        return ()

    @classmethod
    def in_backward(cls, seen: NotedRun, line: TraceLine, kind: StepKind) -> Iterable[TraceNote]:
        """The notes on a line of the backward pass, in a step of this kind."""
        return ()

    @classmethod
    def in_update(cls, seen: NotedRun, line: TraceLine, kind: StepKind) -> Iterable[TraceNote]:
        """The notes on a line of an update, in a step of this kind."""
        return ()
