"""The picture of any equations: a box for each value, arrows from what it is computed from.

Forward the boxes hold values, backward gradients besides, and the arrows turn round. Parts
through which no gradient comes are dashed. Parameters whose arrows have no room stand below the rest, and
say where they are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias
from typing import Literal as OneOf

import numpy as np

from handgrad.expression import leaves
from handgrad.picture.drawing import Arrow, Drawing, Label, Outline, Rectangle, Shape
from handgrad.picture.layout import laid_out, least_extent
from handgrad.solution.pictures.graph_boxes import (
    FORMULA,
    LARGE,
    LEAN_PADDING,
    LEFT_OUT,
    NUMBER,
    PADDING,
    ROW,
    GraphBoxes,
    NodeBox,
)
from handgrad.solution.pictures.graph_words import describe_graph
from handgrad.solution.pictures.lines import NARROW, PicturePhase
from handgrad.solution.pictures.numbers import ShownNumbers
from handgrad.solution.pictures.rows import in_rows
from handgrad.text import listed

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace

MOST = 60
"""With more boxes, what is given is left out; with more equations, those in the middle."""

APART = 24
"""Parameters that stand below a graph, at most."""

BELOW = "Parameters, each with the equations that use it."
"""What is said above them."""

Kept: TypeAlias = OneOf["all", "learned", "shared", "none"]
KEPT: tuple[Kept, ...] = ("all", "learned", "shared", "none")
"""What a picture has of what is given: all of it, what is no datum, of that what more than one equation uses, or
nothing."""

ENDS = 24
"""Equations drawn at each end of a graph whose middle is left out."""

WIDE = 780.0
"""A graph that would be wider from left to right is drawn from top to bottom."""

LEGIBLE = 760.0
"""A wider picture is set so much smaller on a page that its letters are hard to read."""

LEFT = "left out"
"""What a graph says of what has no room in it."""

ABREAST = (2, 2.5, 3, 4, 6)
"""Where a picture would be too wide, its formulas become so short that so many boxes have room side by side, and then
more of them."""

CORNER = 14.0

MARGIN = 18.0

SLIDE = (16.0, 9.0)
"""What a plan stands on: of its two directions the one that can be larger there is taken."""

PLAN = 75.0
"""Pixels of a plan that a unit of those is, at most: its letters are 18 points high then."""


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
    wide, data are left out, then matrices and longer formulas; then parameters stand below the rest, each with where it
    is used: those that one equation alone uses, and at last all. A `plan` has names alone, in letters as large as a
    slide's, and leaves out what would make them smaller. `shown` are the trace's numbers, where there are other
    pictures of them.
    """
    shown = shown or ShownNumbers(trace)
    if plan:
        return _plan(trace, shown)
    legible = NARROW if narrow else LEGIBLE
    drawn: list[Drawing] = []
    for picture in _ever_leaner(trace, shown, phase, narrow, legible):
        # What cannot fit is laid out where nothing else does, and then the narrowest is taken.
        if picture.kept == "none" or picture.least_width() <= legible:
            drawn.append(picture.drawing())
            if drawn[-1].width <= legible:
                return drawn[-1]
    return min(drawn, key=lambda each: each.width)


def _plan(trace: Trace, shown: ShownNumbers) -> Drawing:
    """The plan with as much of what is given as leaves its letters large on a slide, in the better direction."""
    for kept in KEPT:
        pictures = [_GraphPicture(trace, shown, "given", d, kept, plan=True) for d in (False, True)]
        plans = [
            (max(d.width / SLIDE[0], d.height / SLIDE[1]), d)
            for p in pictures
            for d in [p.drawing()]
        ]
        unit, best = min(plans, key=lambda plan: plan[0])
        if unit <= PLAN or kept == KEPT[-1]:
            break
    return best


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
class _GraphPicture(GraphBoxes):
    narrow: bool = False
    kept: Kept = "all"

    def __post_init__(self) -> None:
        super().__post_init__()
        graph = self.trace.graph
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
        apart = [n for n in self.missing if graph.nodes[n].kind == "parameter"]
        if self.plan or self.left_out or len(apart) > APART:
            apart = []
        self.missing = [n for n in self.missing if n not in apart]
        shown = self.equations
        if self.left_out:
            shown = [*shown[:ENDS], LEFT_OUT, *shown[-ENDS:]]
        self.names = [*kept, *shown]
        self.boxes = [self._box(n) for n in self.names]
        self.edges = self._edges()
        # In rows they may be wider than in the graph.
        lean, self.lean = self.lean, self.legible / (2 if self.narrow else 4)
        self.apart = [self._box(n, self._users(n)) for n in apart]
        self.lean = lean

    @property
    def legible(self) -> float:
        """The width in which its letters can be read."""
        return NARROW if self.narrow else LEGIBLE

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
        apart = [self._size(box) for box in self.apart]
        room = max(self.legible - 2 * MARGIN, laid.width)
        below, (rows_width, rows_height) = in_rows(apart, room)
        note = self._note()
        words = [text for text in (BELOW if apart else "", note) if text]
        letters = 0.7 * LARGE if self.plan else NUMBER
        width = max(laid.width, rows_width, *[self.measure.width((w,), letters) for w in words])
        left, bottom = MARGIN + (width - laid.width) / 2, laid.height + 2 * MARGIN
        shapes: list[Shape] = []
        for edge, points in zip(self.edges, laid.lines, strict=True):
            moved = tuple((x + left, y + MARGIN) for x, y in points)
            shapes.append(self._arrow(edge, moved))
        for box, size, (x, y) in zip(self.boxes, sizes, laid.middles, strict=True):
            shapes += self._shapes(box, size, x + left, y + MARGIN)
        if apart:
            shapes.append(Label(MARGIN, bottom + 8, (BELOW,), "faint", "start", letters))
            left, bottom = MARGIN + (width - rows_width) / 2, bottom + 24
            for box, size, (x, y) in zip(self.apart, apart, below, strict=True):
                shapes += self._shapes(box, size, x + left, y + bottom)
            bottom += rows_height + MARGIN
        if note:
            shapes.append(Label(MARGIN, bottom + 8, (note,), "faint", "start", letters))
        return Drawing(
            round(width + 2 * MARGIN, 1),
            round(bottom + (24 if note else 0), 1),
            tuple(shapes),
            title="The computation graph"
            + ("" if self.phase == "given" else f": {self.phase} pass"),
            description=describe_graph(
                self.trace, self.phase, self.gates, self.equations, " ".join(words), self.shown
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
