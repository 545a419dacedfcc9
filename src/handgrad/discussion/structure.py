"""Discussion questions as data: what is asked, and the facts that answer it, with the steps cited.

Indices, units and cases count from 0, as everywhere in data; the words count from 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias, get_args

from handgrad.expression import Adjoint, Expression
from handgrad.operations.operation import Array
from handgrad.record import JsonForm, record
from handgrad.running.reviving import LayerRevivers
from handgrad.solution import Trace, TraceLine, Zeroed

CLOSE = 0.2
"""A small change is foretold well where it is missed by at most this share of it."""

Index: TypeAlias = tuple[int, ...]

Cause: TypeAlias = Literal[
    "shut_gate",  # the gate of a unit is shut
    "zero_input",  # a given number is 0
    "zero_value",  # a computed value is 0
    "nothing_arrives",  # no gradient comes back this far
    "zero_factor",  # a local derivative is 0
    "unreached",  # no path leads to the loss
    "at_these_numbers",  # none of these: the figures happen to give 0
]
"""Why entries of a gradient are zero."""


@dataclass(frozen=True, slots=True)
class ZeroPart:
    """Entries of gradients that are zero for one reason.

    Arguments:
        about: what is 0 or shut: a pre-activation, an input, a gradient, a factor.
        value: its number; None where it is an array.
        operation: the gate, where one is shut.
        step: the step that computes `about`; empty for what is given.
        shown_in: the steps in which the zeros stand.
        cases: the cases in which it holds; empty for all.
        behind: where no gradient arrives, the activation after it whose gates are all shut.
    """

    zeroed: tuple[Zeroed, ...]
    cause: Cause
    about: Expression | None = None
    value: float | None = None
    operation: str = ""
    step: str = ""
    cases: tuple[int, ...] = ()
    behind: str = ""
    shown_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionedEntry:
    """One entry of a named value: `index` is empty for a scalar."""

    name: str
    index: Index = ()


@dataclass(frozen=True, slots=True)
class ZeroEntries:
    """Which rows, columns and entries of the gradients came out zero, and why.

    `zero` of `total` entries are 0, and the reasons for `untold` of those are not among `parts`,
    since there are too many; `smallest` is the smallest of the others, for when none are. `gates` are the gates in the problem, `activations` all activations in it.
    `revivers` say of each layer of gates what can bring back a unit that is off on all the data; empty where the
    problem has no update.
    """

    kind: ClassVar = "zero_rows_columns"
    parts: tuple[ZeroPart, ...]
    zero: int
    untold: int
    total: int
    smallest: QuestionedEntry | None
    smallest_value: float
    gates: tuple[str, ...]
    activations: tuple[str, ...]
    revivers: tuple[LayerRevivers, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnitAt:
    """A unit in one case, before and after a change.

    `entry` is its pre-activation; `case` None where there is only one. The slopes are the
    local derivatives of its activation.
    """

    entry: Expression
    unit: Index
    case: int | None
    layer: int
    time_step: int
    z: float
    slope: float
    other_z: float
    other_slope: float


@dataclass(frozen=True, slots=True)
class SwappedLine:
    """The gradient of one pre-activation in both problems."""

    step: str
    before: TraceLine
    after: TraceLine


@dataclass(frozen=True, slots=True)
class Filled:
    """A part of a gradient that a shut gate zeroed, and its largest entry in size after a change."""

    zeroed: Zeroed
    largest: float


@dataclass(frozen=True, slots=True)
class Swap:
    """One activation put for another and everything run again.

    `filled` are the parts of gradients that shut gates zeroed before and that are zero no longer,
    `emptied` those that shut gates zero now.
    """

    operation: str
    units: tuple[UnitAt, ...]
    lines: tuple[SwappedLine, ...]
    filled: tuple[Filled, ...]
    emptied: tuple[ZeroPart, ...]
    loss: float
    other_loss: float


@dataclass(frozen=True, slots=True)
class GateSwap:
    """What changes at each gate if the activation were another. `kept` keep theirs all the same."""

    kind: ClassVar = "gate_swap"
    operation: str
    swaps: tuple[Swap, ...]
    kept: tuple[str, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OtherInput:
    """Which gates another input opens and shuts.

    `off` go off, `on` come on; `shut` of `count` gates are shut with the other input.
    """

    kind: ClassVar = "other_input"
    name: str
    before: Array
    value: Array
    batched: bool
    off: tuple[UnitAt, ...]
    on: tuple[UnitAt, ...]
    shut: int
    count: int
    loss: float
    other_loss: float
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UpdatedValue:
    """The updated value of one entry of a parameter; `lines` lead to it, the last one gives it."""

    kind: ClassVar = "updated_value"
    entry: QuestionedEntry
    lines: tuple[TraceLine, ...]
    rule: str
    rate: float
    before: float
    gradient: float
    after: float
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LargestMove:
    """Which entry of the parameters moves most in the update; `ties` move as far, to five digits."""

    kind: ClassVar = "largest_move"
    entry: QuestionedEntry
    ties: tuple[QuestionedEntry, ...]
    before: float
    gradient: float
    after: float
    still: int
    total: int
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InputScaling:
    """Two entries of a gradient with the same factor from behind: they are as their inputs are.

    `entries` of parameter `name` have `gradients`; the factors before them are `inputs` with
    the values `values`; `signal` is the entry of the gradient that both share.
    """

    kind: ClassVar = "input_scaling"
    name: str
    entries: tuple[Index, Index]
    gradients: tuple[float, float]
    inputs: tuple[Expression, Expression]
    values: tuple[float, float]
    signal: Expression
    signal_value: float
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BiasGradient:
    """A parameter whose gradient is what arrives, as it is or added up.

    `cases`: each entry is added up (`how` "sum") or averaged ("mean") over so many, 1 for none.
    """

    kind: ClassVar = "bias_gradient"
    name: str
    signal: Adjoint
    equation: str
    how: Literal["equal", "sum", "mean"]
    gradient: Array
    cases: int
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a gradient that comes through one equation."""

    through: str
    value: Array


@dataclass(frozen=True, slots=True)
class SumOverPaths:
    """A value that several equations use: its gradient adds up one share from each."""

    kind: ClassVar = "sum_over_paths"
    name: str
    shares: tuple[Share, ...]
    gradient: Array
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LongerStep:
    """The loss after the update at the problem's rate and at `times` the rate; None: not finite."""

    kind: ClassVar = "longer_step"
    rate: float
    times: int
    loss: float
    after: float
    other_after: float | None
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseShares:
    """How much each case contributes: its loss, and the length of its gradient over all parameters."""

    kind: ClassVar = "case_shares"
    reduction: str
    losses: tuple[float, ...]
    lengths: tuple[float, ...]
    largest: int
    length: float
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SmallChange:
    """What the gradient foretells of a small change of one entry, and what happens."""

    kind: ClassVar = "small_change"
    entry: QuestionedEntry
    by: float
    gradient: float
    loss: float
    other_loss: float
    steps: tuple[str, ...]

    @property
    def foretold(self) -> float:
        """The change of the loss that the gradient foretells."""
        return self.gradient * self.by

    @property
    def happened(self) -> float:
        """The change of the loss that a second run finds."""
        return self.other_loss - self.loss

    @property
    def close(self) -> bool:
        """Whether what happens is near what the gradient foretells."""
        return abs(self.happened - self.foretold) <= CLOSE * abs(self.foretold)


@dataclass(frozen=True, slots=True)
class MostSensitive:
    """Every given number, by how strongly the loss depends on it."""

    kind: ClassVar = "most_sensitive"
    entries: tuple[tuple[QuestionedEntry, float], ...]
    steps: tuple[str, ...]


Question: TypeAlias = (
    ZeroEntries
    | GateSwap
    | OtherInput
    | UpdatedValue
    | LargestMove
    | InputScaling
    | BiasGradient
    | SumOverPaths
    | LongerStep
    | CaseShares
    | SmallChange
    | MostSensitive
)


@record
class QuestionSheet:
    """Questions about one solution."""

    trace: Trace
    questions: tuple[Question, ...]
    json: ClassVar = JsonForm(
        "questions", without=("trace",), also=("problem=trace.problem.title",)
    )


QUESTION_KINDS: tuple[str, ...] = tuple(each.kind for each in get_args(Question))
"""The kinds of question, in the order in which they are asked."""
