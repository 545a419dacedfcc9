"""What a check finds: a verdict for each quantity, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

from handgrad.arrays import Array
from handgrad.checking.figures import WrittenEntry
from handgrad.checking.formula import CompiledFormula
from handgrad.checking.quantities import Quantity
from handgrad.checking.remark_words import arrangement_text
from handgrad.checking.remarks import Arrangement
from handgrad.expression import Expression
from handgrad.record import JsonForm
from handgrad.text import Text, plain_text

Verdict: TypeAlias = Literal["right", "consistent", "wrong", "missing"]
VERDICT_WORDS: dict[Verdict, str] = {
    "right": "right",
    "consistent": "right, given what came before",
    "wrong": "wrong",
    "missing": "not entered",
}
"""How each verdict is said."""

Printed: TypeAlias = Literal["right", "fewer_digits", "early_rounding", "wrong", "missing"]
Level: TypeAlias = Literal["where", "what", "rule", "worked"]
LEVELS: tuple[Level, ...] = ("where", "what", "rule", "worked")
Numbers: TypeAlias = Literal["entered", "exact", "rounded"]

Places: TypeAlias = tuple[tuple[int, ...], ...]
"""Entries of an array, counted from 0; `((),)` is a scalar."""


@dataclass(frozen=True, slots=True)
class Done:
    """A mistake in the computation of one quantity: by which rule, and what was computed instead.

    `formula` gives the figures entered, where it is that quantity's own; where the mistake lies in
    a step before, the steps between lead from it to them.
    """

    quantity: Quantity = field(repr=False)
    rule: str
    formula: Expression
    json: ClassVar = JsonForm(without=("quantity",), also=("target=quantity.target",))


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One explanation of a wrong figure.

    Arguments:
        rule: its id, two joined by "+" where it takes a pair.
        text: the same in words.
        entries: the figures that are wrong.
        step: where the mistake was made, where that is a step before whose result was not entered.
        supposed: then, how each of those steps was done, the mistake among them.
        done: the mistakes as formulas: one, two of a pair, none where the rule was right and the figure not.
        written, meant: of a slip in one figure, what stands there and what should; of figures that
            are all off by a factor, `written` is the factor.
        numbers: what `done` leads to the figures from: those "entered" before it, "exact" ones, or
            those before "rounded" in some other way.
    """

    rule: str
    text: Text
    entries: Places
    step: str = ""
    supposed: tuple[tuple[Quantity, CompiledFormula], ...] = field(default=(), repr=False)
    done: tuple[Done, ...] = ()
    written: str = ""
    meant: str = ""
    numbers: Numbers = "entered"
    json: ClassVar = JsonForm(without=("supposed",))

    def __str__(self) -> str:
        return plain_text(self.text)


@dataclass(frozen=True, slots=True)
class MeanLeft:
    """A convention: gradients on the way are taken without the 1/m of the loss's mean, which is left
    to those of the parameters. `count` is m."""

    kind: ClassVar = "mean_left"
    count: int


MOST_WRONG = 4096
"""Entries of a quantity that are listed as wrong, at most."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Judged:
    """One quantity of the worked solution beside what was entered for it.

    Arguments:
        expected: the exact value.
        following: what the student's own earlier figures lead to, where that is something else.
        trivial: the figures follow from an earlier slip that left nothing to work out here.
        arrangement: how the figures were read, where not as they stand.
        printed: the verdict on a figure in print, where that is what is checked.
        convention: the other convention in which the figures are right, or right but for what is wrong.
    """

    quantity: Quantity
    verdict: Verdict
    expected: Array
    entry: WrittenEntry | None = None
    following: Array | None = None
    wrong: Places = ()
    diagnosis: tuple[Diagnosis, ...] = ()
    trivial: bool = False
    arrangement: Arrangement | None = None
    marks: float = 0.0
    out_of: float = 0.0
    printed: Printed | None = None
    convention: MeanLeft | None = None
    json: ClassVar = JsonForm(
        without=("quantity", "entry"),
        also=(
            "target",
            "step=quantity.step",
            "kind=quantity.kind",
            "given=entry.value",
            "entries=wrong",
            "remark",
        ),
    )

    def __repr__(self) -> str:
        return f"<Judged {self.target}: {self.verdict}>"

    def __str__(self) -> str:
        why = f": {self.diagnosis[0]}" if self.diagnosis else ""
        return f"{self.target} is {self.words}{why}"

    @property
    def words(self) -> str:
        """The verdict in words."""
        if self.convention is not None and self.verdict == "consistent":
            return f"right, without the 1/{self.convention.count} of the mean"
        return VERDICT_WORDS[self.verdict]

    @property
    def remark(self) -> str:
        """How the figures were read, in words; empty where as they stand."""
        return arrangement_text(self.arrangement) if self.arrangement is not None else ""

    @property
    def target(self) -> str:
        """The quantity's name, as JSON and answers files have it."""
        return self.quantity.target
