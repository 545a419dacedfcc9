"""What a kind of question offers, and the small records that several kinds share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

from handgrad.expression import Adjoint, Expression, Name
from handgrad.page.blocks import Block, Paragraph
from handgrad.running.units import Index
from handgrad.solution import Trace
from handgrad.text import Text


class Question(ABC):
    """A question about one worked solution, with the facts that answer it.

    Each kind is a frozen dataclass in a file of `handgrad.discussion.kinds`, and its fields are the facts.
    Indices, units and cases count from 0 in the fields, and from 1 in the words.

    Attributes:
        kind: what the kind is called in JSON and on the command line.
        title: what the question is about, in a few words.
        steps: the numbers of the steps that the answer cites.
    """

    __slots__ = ()
    kind: ClassVar[str]
    title: ClassVar[str]
    steps: tuple[str, ...]

    @classmethod
    @abstractmethod
    def find(cls, trace: Trace) -> Self | None:
        """The question about this worked solution, or None if it does not raise it."""

    @abstractmethod
    def asked(self) -> Text:
        """What is asked."""

    @abstractmethod
    def answer(self) -> tuple[Text, ...]:
        """The answer in paragraphs."""

    def blocks(self) -> tuple[Block, ...]:
        """The answer on a page: its paragraphs, and any formulas and tables that go with them."""
        return tuple(Paragraph(text) for text in self.answer())


@dataclass(frozen=True, slots=True)
class QuestionedEntry:
    """One entry of a named value: `index` is empty for a scalar."""

    name: str
    index: Index = ()

    @property
    def value(self) -> Expression:
        """The entry as a formula."""
        return Name(self.name).entry(self.index)

    @property
    def gradient(self) -> Expression:
        """The gradient with respect to the entry, as a formula."""
        return Adjoint(self.name).entry(self.index)
