"""What the boxes of a graph say: names and formulas, values and gradients, gates that are shut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Adjoint, Call, Expression, Name, leaves, literal_of, walk
from handgrad.operations import noun_of, operation_of
from handgrad.operations.gates import activations_in, is_open, splits_ties
from handgrad.picture.drawing import Role, Text
from handgrad.picture.layout import BETWEEN
from handgrad.picture.measure import Measure
from handgrad.solution.pictures.lines import PictureLine, PicturePhase
from handgrad.solution.pictures.numbers import ShownNumbers, number, whole
from handgrad.text import joined

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace

USED = 4
"""Equations that use a parameter and are named by it; of more their number is said."""

LARGEST = "largest in size"
"""What a box says of an array that has no room in it."""

LISTED = 4
"""Entries of a vector that are written out; of a larger array the shape is."""

ROWS = 3
"""Rows and columns of a matrix that is written out."""

WIDEST = 280.0
"""A formula longer than this is named by its operation instead."""

TITLE = 1.2
"""How much wider than its numbers the formula of a narrow box may be: what it says is the more of use."""

FORMULA, NUMBER = 13.0, 12.0

LARGE = 26.0
"""The size of names in a plan, which stands on a slide and is set smaller than it."""

LEAN_PADDING = 6.0
"""Beside the lines of a box in a picture that would be too wide."""

LEFT_OUT = "…"
"""The box that stands for the equations left out; no name is spelled so."""

ROW, PADDING = 18.0, 11.0


@dataclass(frozen=True, slots=True)
class NodeBox:
    """A value as it is drawn."""

    name: str
    lines: tuple[PictureLine, ...]
    face: Role
    given: bool

    @property
    def height(self) -> float:
        return len(self.lines) * ROW + 2 * PADDING - 6


@dataclass
class GraphBoxes:
    """Writes the boxes of a graph.

    Arguments:
        plan: names alone.
        lean: the room for each box where a picture would be too wide; 0 where there is enough.
        gates: how many gates of each box are shut, and how many there are.
    """

    trace: Trace
    shown: ShownNumbers
    phase: PicturePhase
    plan: bool = field(default=False, kw_only=True)
    lean: float = field(default=0.0, kw_only=True)
    gates: dict[str, tuple[int, int]] = field(default_factory=dict, init=False)
    equations: list[str] = field(default_factory=list, init=False)
    left_out: int = field(default=0, init=False)
    _cut: dict[str, bool] = field(default_factory=dict, init=False)
    _counted: dict[str, tuple[int, int]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        graph = self.trace.graph
        self.measure = Measure(self.trace.decimals, self.trace.problem.display, loss=graph.loss)

    @property
    def backward(self) -> bool:
        return self.phase == "backward"

    def _users(self, given: str) -> Text:
        """Where something that is given is used."""
        users = [
            n
            for n in self.equations
            if (written := self._written(n)) is not None
            and any(leaf.name == given for leaf in leaves(written))
        ]
        if len(users) > USED:
            return (f"in {len(users)} equations",)
        return ("in ", *joined([(Name(n),) for n in users]))

    def _box(self, name: str, used: Text = ()) -> NodeBox:
        if name == LEFT_OUT:
            text: Text = (f"{self.left_out} equations more",)
            return NodeBox(
                name, (PictureLine(("⋯",), "faint"), PictureLine(text, "faint")), "faint", False
            )
        node = self.trace.graph.nodes[name]
        given = node.kind != "value"
        lines = [PictureLine((Name(name),) if self.plan else self._title(name), "ink", name)]
        if self.plan:
            return NodeBox(name, tuple(lines), "surface", given)
        if self.phase == "given" and not given:
            return NodeBox(name, tuple(lines), "surface", given)
        value = self.shown.value(name)
        if value.ndim == 1 and value.size <= LISTED and not self._fits([(literal_of(value),)]):
            lines += self._entries(name, value, "value")
        elif not self.backward and _small(value) and self._fits(rows := _rows(value)):
            lines += [PictureLine(row, "value", name) for row in rows]
        else:
            quantity = name if value.ndim else self.shown.spelling(name)
            lines.append(PictureLine(self._listing(value), "value", quantity))
        face: Role = "surface"
        if not given:
            face, shut = self._gates(name)
            lines += shut
        if self.backward and self._wanted(name):
            lines += self._gradient(name)
        if used:
            lines.append(PictureLine(used, "faint"))
        return NodeBox(name, tuple(lines), face, given)

    def _fits(self, lines: Sequence[Text]) -> bool:
        """Whether lines of numbers have room; where boxes are not narrow, any have."""
        widths = (self.measure.width(line, NUMBER) for line in lines)
        return not self.lean or max(widths) <= self._room

    @property
    def _room(self) -> float:
        """The width of a line where boxes are narrow."""
        return self.lean - BETWEEN - 2 * LEAN_PADDING

    def _title(self, name: str) -> Text:
        """name = formula, where that is short enough; else the operation's name."""
        written = self._written(name)
        if written is None:
            return (Name(name),)
        whole: Text = (Name(name), " = ", written)
        widest = min(TITLE * self._room, WIDEST) if self.lean else WIDEST
        if self.measure.width(whole, FORMULA) <= widest:
            return whole
        noun = noun_of(written.operation) if isinstance(written, Call) else "an expression"
        named: Text = (Name(name), ": ", noun.removeprefix("the "))
        return (Name(name),) if self.lean and self.measure.width(named, FORMULA) > widest else named

    def _written(self, name: str) -> Expression | None:
        node = self.trace.graph.nodes[name]
        return node.written

    def _listing(self, value: Array) -> Text:
        if value.ndim == 0:
            return (number(value),)
        if value.ndim == 1 and value.size <= LISTED:
            return (literal_of(value),)
        return ("×".join(map(str, value.shape)) if value.ndim > 1 else f"{value.size} entries",)

    def _entries(self, name: str, vector: Array, role: Role) -> list[PictureLine]:
        """The entries of a vector, or of its gradient, one below the other."""
        spelled = [
            self.shown.spelling(name, (k,), gradient=role != "value") for k in range(vector.size)
        ]
        return [PictureLine((number(x),), role, q) for x, q in zip(vector, spelled, strict=True)]

    def _wanted(self, name: str) -> bool:
        """Whether the gradient is one that the solution is about."""
        graph = self.trace.graph
        kind = graph.nodes[name].kind
        reached = name in (graph.cost, graph.loss) or (
            name in graph.gradients and graph.gradients[name].reached
        )
        asked = kind != "data" or not self.trace.problem.parameters
        return reached and asked and bool(np.isfinite(self.shown.gradient(name)).all())

    def _named(self, name: str) -> str:
        """How code names the gradient; of what many cases share the one shown has no name."""
        batched = self.trace.graph.nodes[name].batched or self.shown.alone
        return whole(name, gradient=True) if batched else ""

    def _gradient(self, name: str) -> list[PictureLine]:
        gradient = self.shown.gradient(name)
        quantity = self._named(name)
        role: Role = "gradient" if gradient.any() else "off" if self._cut_off(name) else "faint"
        of = Adjoint(name, of=self.shown.of)
        if gradient.ndim == 0 or (gradient.ndim == 1 and gradient.size <= LISTED):
            if gradient.ndim == 0 and quantity:
                quantity = self.shown.spelling(name, gradient=True)
            told: Text = (of, " = ", literal_of(gradient))
            if self._fits([told]):
                return [PictureLine(told, role, quantity)]
            first = PictureLine((of, " ="), role, quantity)
            if gradient.ndim == 0 or self._fits([told[2:]]):
                return [first, PictureLine(told[2:], role, quantity)]
            return [first, *self._entries(name, gradient, role)]
        if not gradient.any():
            return [PictureLine((of, " = 0"), role, quantity)]
        if _small(gradient) and self._fits(rows := _rows(gradient)):
            lines = [PictureLine(row, role, quantity) for row in rows]
            return [PictureLine((of, " ="), role, quantity), *lines]
        largest = gradient.flat[int(np.abs(gradient).argmax())]
        told = (f"{LARGEST}: ", number(largest))
        if self._fits([(of, ", ", *told)]):
            return [PictureLine((of, ", ", *told), role, quantity)]
        return [PictureLine((of, ":"), role, quantity), PictureLine(told, role, quantity)]

    def _gates(self, name: str) -> tuple[Role, list[PictureLine]]:
        """The face of a box, and a line on the gates in it that are shut."""
        shut, count = self._shut(name)
        if not count:
            return "surface", []
        self.gates[name] = (shut, count)
        if not shut:
            return "on", []
        words = "gate shut" if count == 1 else f"{shut} of {count} gates shut"
        return ("off" if shut == count else "on"), [PictureLine((words,), "off", bold=True)]

    def _shut(self, name: str) -> tuple[int, int]:
        """How many of the gates in an equation are shut, and how many there are."""
        if name not in self._counted:
            open_ = [
                is_open(self.shown.formula(gate.arguments[0]), splits_ties=splits_ties(written))
                for written, gate in activations_in(self._written(name))
                if operation_of(gate).gate
            ]
            count = sum(int(o.size) for o in open_)
            self._counted[name] = count - sum(int(o.sum()) for o in open_), count
        return self._counted[name]

    def _cut_off(self, name: str) -> bool:
        """Whether shut gates keep every gradient from a value: those of what it leads to, or of what comes after."""
        known = self._cut.get(name)
        if known is None:
            nodes = self.trace.graph.consumers.get(name, ())
            after = [n for n in nodes if n in self.equations and self._wanted(n)]
            known = bool(after) and all(self._shuts(n) or self._cut_off(n) for n in after)
            self._cut[name] = known
        return known

    def _shuts(self, name: str) -> bool:
        """Whether every gate in an equation is shut."""
        shut, count = self._shut(name)
        return count > 0 and shut == count

    def _chooses(self, name: str) -> bool:
        """Whether an equation passes a gradient on to some of what it is computed from and not to the rest."""
        written = self._written(name)
        calls = (c for c in walk(written) if isinstance(c, Call)) if written is not None else ()
        return any(operation_of(c).kinks for c in calls)


def _small(array: Array) -> bool:
    """Whether a matrix is small enough to be written out."""
    return bool(array.ndim == 2 and max(array.shape) <= ROWS)


def _rows(matrix: Array) -> list[Text]:
    """The rows of a matrix, each a line."""
    return [(literal_of(row),) for row in matrix]
