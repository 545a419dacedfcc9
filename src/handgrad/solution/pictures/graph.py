"""The picture of any equations: a box for each value, arrows from what it is computed from.

Forward the boxes hold values, backward gradients besides, and the arrows turn round. Parts
through which no gradient comes are dashed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias
from typing import Literal as OneOf

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Adjoint, Call, Expression, Name, leaves, literal_of, walk
from handgrad.operations import noun_of, operation_of
from handgrad.operations.gates import activations_in
from handgrad.picture.drawing import Arrow, Drawing, Label, Outline, Rectangle, Role, Shape, Text
from handgrad.picture.layout import BETWEEN, laid_out, least_extent
from handgrad.picture.measure import Measure
from handgrad.solution.pictures.graph_words import describe_graph
from handgrad.solution.pictures.lines import NARROW, PictureLine, PicturePhase
from handgrad.solution.pictures.numbers import ShownNumbers, number, whole
from handgrad.text import listed

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace

MOST = 60
"""With more boxes, what is given is left out; with more equations, those in the middle."""

LARGEST, LEFT = "largest in size", "left out"
"""What a box says of an array that has no room in it, and a graph of what has none."""

Kept: TypeAlias = OneOf["all", "learned", "shared", "none"]
KEPT: tuple[Kept, ...] = ("all", "learned", "shared", "none")
"""What a picture has of what is given: all of it, what is no datum, of that what more than one equation uses, or
nothing."""

ENDS = 24
"""Equations drawn at each end of a graph whose middle is left out."""

LISTED = 4
"""Entries of a vector that are written out; of a larger array the shape is."""

ROWS = 3
"""Rows and columns of a matrix that is written out."""

WIDEST = 280.0
"""A formula longer than this is named by its operation instead."""

WIDE = 780.0
"""A graph that would be wider from left to right is drawn from top to bottom."""

LEGIBLE = 760.0
"""A wider picture is set so much smaller on a page that its letters are hard to read."""

ABREAST = (2, 3, 4, 6)
"""Where a picture would be too wide, its formulas become so short that so many boxes have room side by side, and then
more of them."""

CORNER = 14.0

FORMULA, NUMBER = 13.0, 12.0

LARGE = 26.0
"""The size of names in a plan, which stands on a slide and is set smaller than it."""

ROW, PADDING, MARGIN = 18.0, 11.0, 18.0

LEAN_PADDING = 6.0
"""Beside the lines of a box in a picture that would be too wide."""

SLIDE = (16.0, 9.0)
"""What a plan stands on: of its two directions the one that can be larger there is taken."""

LEFT_OUT = "…"
"""The box that stands for the equations left out; no name is spelled so."""


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


def graph_picture(
    trace: Trace,
    phase: PicturePhase,
    *,
    narrow: bool = False,
    plan: bool = False,
    shown: ShownNumbers | None = None,
) -> Drawing:
    """The computation graph: as it is given, or in one pass of its worked solution.

    Of many cases the first is shown. For a `narrow` screen it leads from top to bottom. Where it would be too
    wide, data are left out, then matrices and longer formulas; then parameters that one equation alone uses, and at
    last all that is given. A `plan` has names alone, in letters as large as a slide's. `shown` are the trace's
    numbers, where there are other pictures of them.
    """
    shown = shown or ShownNumbers(trace)
    if plan:
        plans = [
            _GraphPicture(trace, shown, "given", down, plan=True).drawing()
            for down in (False, True)
        ]
        return min(plans, key=lambda drawn: max(drawn.width / SLIDE[0], drawn.height / SLIDE[1]))
    legible = NARROW if narrow else LEGIBLE
    drawn: list[Drawing] = []
    for picture in _ever_leaner(trace, shown, phase, narrow, legible):
        # What cannot fit is laid out where nothing else does, and then the narrowest is taken.
        if picture.kept == "none" or picture.least_width() <= legible:
            drawn.append(picture.drawing())
            if drawn[-1].width <= legible:
                return drawn[-1]
    return min(drawn, key=lambda each: each.width)


def _ever_leaner(
    trace: Trace, shown: ShownNumbers, phase: PicturePhase, narrow: bool, legible: float
) -> Iterator[_GraphPicture]:
    """The picture with less and less in it: each time in full first, then in so many narrow boxes abreast."""
    for kept in KEPT:
        picture = _GraphPicture(trace, shown, phase, narrow, kept)
        if picture.kept != kept and kept != "all":
            continue  # nothing is shared: it comes with the next
        yield picture
        for abreast in ABREAST if picture.kept != "all" else ():
            yield _GraphPicture(trace, shown, phase, narrow, picture.kept, lean=legible / abreast)
        if picture.kept == "none":
            return


@dataclass
class _GraphPicture:
    trace: Trace
    shown: ShownNumbers
    phase: PicturePhase
    narrow: bool = False
    kept: Kept = "all"
    plan: bool = False
    lean: float = 0.0
    """The room for each box where a picture would be too wide; 0 where there is enough."""
    gates: dict[str, tuple[int, int]] = field(default_factory=dict)
    _cut: dict[str, bool] = field(default_factory=dict)
    _counted: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        graph = self.trace.graph
        self.measure = Measure(
            self.trace.decimals, self.trace.problem.display, loss=self.trace.graph.loss
        )
        # The gradients of one case are those of its own loss: the mean over all has no part in them.
        mean = graph.cost != graph.loss and not self.backward
        self.equations = [*graph.equations, *([graph.cost] if mean else [])]
        givens = [n for n in graph.named if graph.nodes[n].kind != "value" and n in graph.consumers]
        if len(self.equations) + len(givens) > MOST:
            self.kept = "none"
        kept = [n for n in givens if self._keeps(n)]
        self.missing = [n for n in givens if n not in kept]
        if givens and not kept:
            self.kept = "none"
        self.left_out = len(self.equations) - 2 * ENDS if len(self.equations) > MOST else 0
        shown = self.equations
        if self.left_out:
            shown = [*shown[:ENDS], LEFT_OUT, *shown[-ENDS:]]
        self.names = [*kept, *shown]
        self.boxes = [self._box(n) for n in self.names]
        self.edges = self._edges()

    @property
    def backward(self) -> bool:
        return self.phase == "backward"

    def _keeps(self, given: str) -> bool:
        """Whether the picture has a box for this of what is given."""
        graph = self.trace.graph
        learned = graph.nodes[given].kind == "parameter"
        return {
            "all": True,
            "learned": learned,
            "shared": learned and len(graph.consumers[given]) > 1,
            "none": False,
        }[self.kept]

    # -- boxes ----------------------------------------------------------------------------

    def _box(self, name: str) -> NodeBox:
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
        if self.lean and value.ndim == 1 and value.size <= LISTED:
            lines += self._entries(name, value, "value")
        elif _small(value) and not self.backward and not self.lean:
            lines += [PictureLine((literal_of(row),), "value", name) for row in value]
        else:
            quantity = name if value.ndim else self.shown.spelling(name)
            lines.append(PictureLine(self._listing(value), "value", quantity))
        face: Role = "surface"
        if not given:
            face, shut = self._gates(name)
            lines += shut
        if self.backward and self._wanted(name):
            lines += self._gradient(name)
        return NodeBox(name, tuple(lines), face, given)

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
        widest = min(self._room, WIDEST) if self.lean else WIDEST
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
        if self.lean and gradient.ndim == 1 and gradient.size <= LISTED:
            entries = self._entries(name, gradient, role)
            return [PictureLine((of, " ="), role, quantity), *entries]
        if gradient.ndim == 0 or (gradient.ndim == 1 and gradient.size <= LISTED):
            if gradient.ndim == 0 and quantity:
                quantity = self.shown.spelling(name, gradient=True)
            told: Text = (of, " = ", literal_of(gradient))
            if self.lean and self.measure.width(told, NUMBER) > self._room:
                return [
                    PictureLine((of, " ="), role, quantity),
                    PictureLine(told[2:], role, quantity),
                ]
            return [PictureLine(told, role, quantity)]
        if not gradient.any():
            return [PictureLine((of, " = 0"), role, quantity)]
        if _small(gradient) and not self.lean:
            rows = [PictureLine((literal_of(row),), role, quantity) for row in gradient]
            return [PictureLine((of, " ="), role, quantity), *rows]
        largest = gradient.flat[int(np.abs(gradient).argmax())]
        told = (f"{LARGEST}: ", number(largest))
        if self.lean:
            return [PictureLine((of, ":"), role, quantity), PictureLine(told, role, quantity)]
        return [PictureLine((of, ", ", *told), role, quantity)]

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
            calls = [call for _, call in activations_in(self._written(name))]
            gates = [call for call in calls if operation_of(call).gate]
            open_ = [self.shown.formula(call.arguments[0]) > 0 for call in gates]
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

    # -- edges ----------------------------------------------------------------------------

    def _edges(self) -> list[tuple[int, int]]:
        """Pairs of boxes: what a value is computed from, and the value."""
        place = {n: i for i, n in enumerate(self.names)}
        hidden = place.get(LEFT_OUT)
        found: dict[tuple[int, int], None] = {}
        for name in self.equations:
            written = self._written(name)
            for leaf in leaves(written) if written is not None else ():
                known = leaf.name in self.equations or leaf.name in place
                source = place.get(leaf.name, hidden if known else None)
                target = place.get(name, hidden)
                if source is not None and target is not None and source != target:
                    found[source, target] = None
        return list(found)

    def _arrow(self, edge: tuple[int, int], points: tuple[tuple[float, float], ...]) -> Shape:
        source, target = (self.boxes[i] for i in edge)
        named = LEFT_OUT not in (source.name, target.name)
        if not self.backward:
            off = named and source.face == "off"
            return Arrow(points, "off" if off else "value", 1.4, off, True, source.name)
        if not named:
            return Arrow(points[::-1], "gradient", 1.4, curved=True)
        quantity = self._named(source.name)
        if not (self._wanted(source.name) and self._wanted(target.name)):
            return Outline(points, "faint", 1.2, curved=True, quantity=source.name)
        if np.asarray(self.shown.share(source.name, target.name)).any():
            return Arrow(points[::-1], "gradient", 1.4, curved=True, quantity=quantity)
        if self._shuts(target.name) or self._cut_off(target.name):
            return Arrow(points[::-1], "off", 1.4, True, True, quantity)
        # A factor is 0, or something else was chosen.
        dashed = self._chooses(target.name)
        return Arrow(points[::-1], "faint", 1.4, dashed, True, quantity)

    # -- shapes ---------------------------------------------------------------------------

    @cached_property
    def sizes(self) -> list[tuple[float, float]]:
        """The width and height of each box."""
        return [self._size(box) for box in self.boxes]

    @cached_property
    def turned(self) -> list[tuple[float, float]]:
        """The same for a layout that is turned from top to bottom afterwards."""
        return [(height, width) for width, height in self.sizes]

    @cached_property
    def down(self) -> bool:
        """Whether it leads from top to bottom."""
        return self.narrow or (not self.plan and least_extent(self.sizes, self.edges)[0] > WIDE)

    def least_width(self) -> float:
        """A width below which it cannot be drawn, known before it is laid out."""
        if not self.down:
            return least_extent(self.sizes, self.edges)[0] + 2 * MARGIN
        return least_extent(self.turned, self.edges)[1] + 2 * MARGIN

    def drawing(self) -> Drawing:
        """Arrows at the bottom, boxes and their text above."""
        sizes, tight = self.sizes, self.lean > 0
        laid = laid_out(self.turned if self.down else sizes, self.edges, tight=tight)
        if self.down:
            laid = laid.turned()
        shapes: list[Shape] = []
        for edge, points in zip(self.edges, laid.lines, strict=True):
            moved = tuple((x + MARGIN, y + MARGIN) for x, y in points)
            shapes.append(self._arrow(edge, moved))
        for box, size, (x, y) in zip(self.boxes, sizes, laid.middles, strict=True):
            shapes += self._shapes(box, size, x + MARGIN, y + MARGIN)
        note = self._note()
        if note:
            shapes.append(
                Label(MARGIN, laid.height + 2 * MARGIN + 8, (note,), "faint", "start", NUMBER)
            )
        return Drawing(
            round(max(laid.width, self.measure.width((note,), NUMBER)) + 2 * MARGIN, 1),
            round(laid.height + 2 * MARGIN + (24 if note else 0), 1),
            tuple(shapes),
            title="The computation graph"
            + ("" if self.phase == "given" else f": {self.phase} pass"),
            description=describe_graph(
                self.trace, self.phase, self.gates, self.equations, note, self.shown
            ),
        )

    def _size(self, box: NodeBox) -> tuple[float, float]:
        widths = [
            self.measure.width(line.text, self._letters(k), line.bold)
            for k, line in enumerate(box.lines)
        ]
        high = 2 * LARGE if self.plan else box.height
        return max(44.0, max(widths) + 2 * (LEAN_PADDING if self.lean else PADDING)), high

    def _letters(self, line: int) -> float:
        """The size of the letters of a line of a box."""
        return LARGE if self.plan else FORMULA if line == 0 else NUMBER

    def _shapes(self, box: NodeBox, size: tuple[float, float], x: float, y: float) -> list[Shape]:
        width, height = size
        rounding = CORNER if box.given else 5.0
        shapes: list[Shape] = [
            Rectangle(x - width / 2, y - height / 2, width, height, box.face, rounding,
                      quantity=box.name if box.name != LEFT_OUT else "")
        ]  # fmt: skip
        if box.face == "off":
            shapes.append(self._bar(x, y, size))
        for k, line in enumerate(box.lines):
            letters = self._letters(k)
            baseline = y + letters / 3 if self.plan else y - height / 2 + PADDING + ROW * k + 11
            shapes.append(
                Label(x, baseline, line.text, line.role, size=letters, bold=line.bold,
                      quantity=line.quantity)
            )  # fmt: skip
        return shapes

    def _bar(self, x: float, y: float, size: tuple[float, float]) -> Outline:
        """The bar before the output of a shut gate."""
        if self.down:
            at = y + size[1] / 2 + 5
            return Outline(((x - 16, at), (x + 16, at)), "off", 4.5)
        at = x + size[0] / 2 + 5
        return Outline(((at, y - 13), (at, y + 13)), "off", 4.5)

    def _note(self) -> str:
        """What the picture leaves out."""
        if not self.missing:
            return ""
        nodes = self.trace.graph.nodes
        learned = {nodes[n].kind == "parameter" for n in self.missing}
        once = " that are used once" if self.kept == "shared" else ""
        kinds = [f"parameters{once}"] * (True in learned) + ["data"] * (False in learned)
        middle = f"; of {len(self.equations)} equations the first and the last {ENDS} are drawn"
        said = f"{listed(kinds).capitalize()} are {LEFT}"
        return f"{said}{middle if self.left_out else ''}."


def _small(array: Array) -> bool:
    """Whether a matrix is small enough to be written out."""
    return bool(array.ndim == 2 and max(array.shape) <= ROWS)
