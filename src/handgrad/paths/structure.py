"""The answers: paths and their factors, terms and theirs, and what makes one of them zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from handgrad.expression import Expression, Name
from handgrad.record import JsonForm

TINY = 0.05
"""A factor smaller than this in size is pointed out, and what made it so."""

BlameKind: TypeAlias = Literal["gate_shut", "saturated", "value", "slope"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a value, counted from 0; `index` is empty for a scalar."""

    name: str
    index: tuple[int, ...] = ()
    json: ClassVar = JsonForm(as_text=True)

    @property
    def formula(self) -> Expression:
        return Name(self.name, shape=()).entry(self.index)

    def __str__(self) -> str:
        return f"{self.name}[{','.join(map(str, self.index))}]" if self.index else self.name


@dataclass(frozen=True, slots=True)
class Blame:
    """What makes a factor zero or tiny.

    Arguments:
        kind: "gate_shut": `entry` is a pre-activation that is not positive; "saturated": one on the flat
            end of its activation; "value": the factor is that entry itself, and it is small; "slope":
            none of these.
        value: the entry's.
        step: the forward step that computed it; empty for a given number.
    """

    kind: BlameKind
    entry: Entry
    value: float
    operation: str
    step: str
    json: ClassVar = JsonForm(without=("operation",))


@dataclass(frozen=True, slots=True)
class Factor:
    """The local derivative of one entry with respect to another that its equation uses.

    Arguments:
        of: the entry with respect to which it is.
        by: the entry that is differentiated.
        formula: None where it is too long to be read.
        step: the step that computes the entry that is differentiated.
        shortcut: the operation that takes a loss and the activation before it as one.
        blame: what makes it zero or tiny.
    """

    of: Entry
    by: Entry
    value: float
    formula: Expression | None = None
    step: str = ""
    shortcut: str = ""
    blame: Blame | None = None
    json: ClassVar = JsonForm(also=("of=by", "by=of"))


@dataclass(frozen=True, slots=True)
class Path:
    """One way from the entry asked about to the loss: its factors, and their product.

    Of many cases it lies in one, `case`; `share` is then what the loss over all the cases takes of
    that case's loss, 1/n for a mean, and belongs to the product. Where nothing on it differs from case
    to case, as on a penalty's, it is one path for all of them: `case` is None, `share` 1 for a mean.
    """

    through: tuple[Entry, ...]
    factors: tuple[Factor, ...]
    product: float
    case: int | None = None
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class ZeroGroup:
    """All the paths that are 0 for one reason: of the factors of each, the first that is 0 has it.

    Arguments:
        kind: of that factor's blame, as `entry`, `operation` and `step` are.
        count: how many paths there are.
        cases: the cases that they lie in; empty where there is one, or where they are the same in all.
        values: the entry's in each of these cases, or the one.
    """

    kind: BlameKind
    entry: Entry
    operation: str
    step: str
    count: int
    cases: tuple[int, ...]
    values: tuple[float, ...]
    json: ClassVar = JsonForm(without=("operation",))


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a sum: the entries multiplied in it, with their numbers, and its value."""

    formula: Expression
    substituted: Expression
    through: tuple[Entry, ...]
    factors: tuple[float, ...]
    product: float
    blame: Blame | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as a function of one other entry, on the way to the sum that decides it."""

    entry: Entry
    formula: Expression
    substituted: Expression
    value: float
    step: str
    blame: Blame | None = None
