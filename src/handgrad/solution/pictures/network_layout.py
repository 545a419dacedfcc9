"""Where the parts of a network's picture stand: its columns, its units, and the numbers on its edges."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from handgrad.picture.measure import Measure
from handgrad.record import record
from handgrad.solution.pictures.edges import places_on_edges, separation, steep_places
from handgrad.solution.pictures.layers import Network
from handgrad.solution.pictures.lines import NOTHING, PicturePhase
from handgrad.solution.pictures.network_content import MOST, Content, DrawnUnit, Lines
from handgrad.solution.pictures.numbers import ShownNumbers, number

Contents: TypeAlias = Callable[[int, Lines], Content]

NAME, SMALL, EDGE = 14.0, 12.0, 12.0
"""Sizes of letters: the name and the value in a unit, the lines below it, the numbers on edges."""

FEW = 5
"""In a part or a plan, which stand on slides, a layer with more units is elided."""

LARGE, LARGE_EDGE = 18.0, 18.0
"""The sizes in a part, which stands beside the text of a slide and is set smaller than it."""

LARGEST = 32.0
"""The size of names where nothing else is drawn."""

ROW = 16.0
"""The height of a line below a unit."""

TIGHTEST = 17.0
"""Labels of edges are no closer to each other, one above the other."""

WIDEST = 400.0
"""Where labels would push two layers further apart than this, they are left out."""

SPREAD = 30.0
"""Layers whose edges have numbers stand apart by at most so much more where there is room."""

ROOM = (752.0, 600.0)
"""The width in which letters stay legible: on an A4 page the smallest are then 7 points, and on a screen
of 768 pixels 9 pixels. The height leaves half of such a page, and of a screen, for what it is about."""

TOP, PART_TOP, PLAN_TOP = 86.0, 44.0, 50.0
MARGIN = 10.0

LOSS, TO_LOSS = 72.0, 34.0
"""The least width of the loss's box, and its least distance from the last units."""


@record
class Density:
    """How much is said at each unit, and how close together layers stand.

    Arguments:
        lines: what stands below a unit: all, what fits under it, or nothing.
        closest: the least distance between two layers, from port to port.
        steepest: layers stand apart by at least so much of their height, or edges would be too steep.
        letters: the size of letters in the units.
        numbered: the most edges between two layers that have their numbers.
        radius: the least of a unit.
        between: the least distance between two units of a layer.
    """

    lines: Lines
    closest: float
    steepest: float
    letters: float = NAME
    numbered: float = math.inf
    radius: float = 28.0
    between: float = 22.0


DENSITIES = (
    Density("all", 150.0, 0.28),
    Density("brief", 64.0, 0.2),
    Density("none", 56.0, 0.1, SMALL, 12, 24.0, 10.0),
    Density("none", 36.0, 0.06, 11.0, 12, 22.0, 8.0),
)
"""From what says most to what takes least room."""


def least_width(density: Density, layers: int) -> float:
    """The width that the picture of a whole network of so many layers has at least, whatever its numbers are."""
    units = 2 * density.radius
    return MARGIN + units + layers * (units + density.closest) + TO_LOSS + LOSS + MARGIN


@dataclass
class NetworkLayout:
    """Where everything stands in a picture of one pass.

    Arguments:
        columns: those drawn: the inputs are column 0, the units of layer k column k.
        plan: names alone, as large as letters on a slide.
        spread: how much further apart layers stand whose edges have numbers, in CSS pixels.
        contents: what stands in it, by how much of it there is room for, where that is known already.
    """

    shown: ShownNumbers
    network: Network
    phase: PicturePhase
    columns: range
    density: Density
    plan: bool = False
    spread: float = 0.0
    contents: Contents | None = None

    def __post_init__(self) -> None:
        self.part = len(self.columns) <= len(self.network.layers)
        self.lean = self.part or self.plan
        most = (FEW if self.plan else FEW - 1) if self.lean else MOST
        lines = "none" if self.lean else self.density.lines
        content = self.contents or partial(Content, self.shown, self.network, self.phase)
        self.content = content(most, lines)
        signals = frozenset(n for n in self.shown.trace.graph.activations if n[0] == "z")
        trace = self.shown.trace
        self.measure = Measure(
            trace.decimals,
            trace.problem.display,
            signals,
            serif=self.lean,
            loss=trace.graph.loss,
        )
        # In a part that says nothing but ∂L/∂L = 1 it is left out.
        self.with_loss = self.columns[-1] == len(self.network.layers) and not self.part
        self.name_size = (
            LARGEST if self.plan else LARGE if self.part else max(self.density.letters, SMALL)
        )
        self.value_size = LARGE if self.lean else self.density.letters
        self.edge_size, self.small_size = (LARGE_EDGE,) * 2 if self.lean else (EDGE, SMALL)
        self.top = PLAN_TOP if self.plan else PART_TOP if self.part else TOP
        self._known: dict[tuple[str, int], float] = {}
        self._measure_units()
        if self.with_loss:
            self._measure_loss()
        self._place()

    def part_by(self, spread: float) -> None:
        """Moves layers apart whose edges have numbers; nothing is measured again."""
        self.spread = spread
        self._place()

    @property
    def gaps(self) -> range:
        """The gaps drawn between two columns, each by the column at its left."""
        return self.columns[:-1]

    def units(self, column: int) -> dict[int, DrawnUnit]:
        units = self.content.units[column]
        if not self.plan:
            return units
        return {u: replace(unit, value=NOTHING) for u, unit in units.items()}

    # -- where it stands ------------------------------------------------------------------

    def _once(self, what: str, place: int, compute: Callable[[int], float]) -> float:
        """A measure of a column or a gap, which is asked for in several places."""
        known = self._known.get((what, place))
        if known is None:
            known = self._known[what, place] = compute(place)
        return known

    def _measure_units(self) -> None:
        """The radius of a unit, and the distance between units."""
        measure, columns = self.measure, self.columns
        every = [u for column in columns for u in self.units(column).values()]
        inside = [measure.width(u.value.text, self.value_size, bold=True) for u in every]
        inside += [measure.width(u.name.text, self.name_size) for u in every]
        least = 20.0 if self.plan else self.density.radius
        around = 3.0 if self.lean or self.density.lines == "none" else 6.0
        self.radius = max(least, max(inside) / 2 + around)
        under = [measure.width(line.text, self.small_size) for u in every for line in u.below]
        self.under = max(under, default=0.0) / 2 - self.radius
        self.overhang = max(0.0, self.under)
        rows = max(len(u.below) for u in every)
        between = 4.0 if self.part else 26.0 if rows else self.density.between
        self.spacing = 2 * self.radius + rows * ROW + between
        tallest = max(len(self.content.columns[c]) for c in columns)
        self.middle = self.top + self.radius + (tallest - 1) * self.spacing / 2
        self.height = self.middle + (tallest - 1) * self.spacing / 2
        self.height += self.radius + rows * ROW + (4.0 if self.part else MARGIN)

    def _measure_loss(self) -> None:
        """What the loss's box says, and how wide it is."""
        measure = self.measure
        loss = self.content.loss()
        self.loss = replace(loss, value=NOTHING, below=()) if self.plan else loss
        self.loss = replace(self.loss, below=()) if self.lean else self.loss
        self.under_loss = max(
            measure.width(line.text, self.small_size)
            for line in self.loss.below or (self.loss.name,)
        )
        named = measure.width(self.loss.name.text, self.name_size)
        valued = measure.width(self.loss.value.text, self.value_size, bold=True)
        self.loss_width = max(44.0 if self.plan else LOSS, named + 20, valued + 20)

    def _place(self) -> None:
        """Where the columns stand."""
        columns = self.columns
        headers = {c: self._header_width(c) for c in columns}
        self.labelled: dict[int, bool] = {}
        self._at: dict[int, tuple[float, float]] = {}
        self.x = {columns[0]: MARGIN + max(self.radius + self.overhang, headers[columns[0]] / 2)}
        for gap in self.gaps:
            apart, labelled = self._apart(gap)
            beside = self._beside(gap)
            self.labelled[gap] = labelled
            self.x[gap + 1] = self.x[gap] + max(2 * self.radius + apart, beside)
            if labelled:
                self._part_steep(gap)
        end = self.x[columns[-1]]
        reach = max(self.radius, headers[columns[-1]] / 2, self.radius + self.overhang)
        if not self.with_loss:
            self.width = end + max(reach, self.radius + self.stopped(columns[-1])) + MARGIN
            return
        half = max(self.loss_width, self.under_loss, 40) / 2
        self.loss_x = (
            end
            + reach
            + max(30.0 if self.plan or self.part else TO_LOSS, self.stopped(columns[-1]))
        )
        self.loss_x += half
        self.width = self.loss_x + half + MARGIN

    def _beside(self, gap: int) -> float:
        """How far apart two columns stand for the sake of what stands above them and the gap."""
        return self._once("beside", gap, self._beside_gap)

    def _beside_gap(self, gap: int) -> float:
        named = self.measure.width(self.content.gap_name(gap), self.name_size) + 24
        if self.lean:
            headers = max(self._header_width(gap), self._header_width(gap + 1))
            return headers + max(20.0 if self.plan else 40.0, named)
        width, texts = self.measure.width, [self.content.header(c) for c in (gap, gap + 1)]
        titles = sum(width((title,), self.name_size, bold=True) for title, _ in texts) / 2
        words = max(width((words,), self.small_size) for _, words in texts)
        return max(titles + 18, words + named)

    def stopped(self, column: int) -> float:
        """The room that the gradients take that stop at the bars of a column, each with its number."""
        return self._once("stopped", column, self._stopped)

    def _stopped(self, column: int) -> float:
        arriving = [self.content.arriving(column, u) for u in self.content.units[column]]
        widths = [
            self.measure.width(line.text, self.small_size, bold=True) for line in arriving if line
        ]
        return max(widths) + 16 if widths and column > 0 else 0.0

    def _apart(self, gap: int) -> tuple[float, bool]:
        """How far apart two layers stand, from port to port, and whether their edges have labels."""
        sources, targets = self.content.columns[gap], self.content.columns[gap + 1]
        tallest = max(len(sources), len(targets)) - 1
        stopped = self.stopped(gap)
        steepest = self.density.steepest * tallest * self.spacing
        if self.plan:
            return max(48.0, steepest), False
        closest = 80.0 if self.part else self.density.closest
        least = max(closest, 2 * self.overhang + 60, steepest) + stopped
        if (
            None in sources
            or None in targets
            or len(sources) * len(targets) > self.density.numbered
        ):
            return least, False
        tightest = TIGHTEST * self.edge_size / EDGE / self.spacing
        clear = self._label_width(gap) / 2 + self.overhang + 8
        places = places_on_edges(len(sources), len(targets), tightest)
        needed = {at: clear / min(at, 1 - at) for at in places}
        nearest = min(needed.values(), default=math.inf)
        if nearest > WIDEST:
            return least, False
        apart = max(least, nearest + stopped) + self.spread
        fitting = [at for at, length in needed.items() if length <= apart - stopped + 1e-9]
        self._at[gap] = (max(fitting, key=lambda at: places[at]),) * 2
        return apart, True

    def _part_steep(self, gap: int) -> None:
        """Numbers of edges that cross stand nearer to the units, and those of level edges in the middle, where
        that leaves more room between a number and the other edges."""
        sources, targets = len(self.content.columns[gap]), len(self.content.columns[gap + 1])
        if sources != targets:
            return
        length = self.x[gap + 1] - self.x[gap] - 2 * self.radius - self.stopped(gap)
        half = self._label_width(gap) / 2
        clear = half + max(self.under + 6, 0.0)
        best = separation(sources, targets, self._at[gap][0])
        for place, apart in steep_places(sources).items():
            if apart <= best + 0.05:
                continue
            nearer = min(place, 1 - place)
            beside = nearer * length >= clear
            below = (
                nearer * self.spacing >= self.radius + self.edge_size or nearer * length >= half + 8
            )
            if beside and below:
                self._at[gap], best = (0.5, place), apart

    def label_at(self, gap: int, *, steep: bool) -> float:
        """Where the number of an edge between two columns stands, as a share of the way."""
        level, others = self._at[gap]
        return others if steep else level

    def _label_width(self, gap: int) -> float:
        return self._once("label", gap, self._widest_label)

    def _widest_label(self, gap: int) -> float:
        layer = self.network.layers[gap]
        edges = (
            self.content.edge(gap, s, t)
            for s in range(layer.sum.inputs)
            for t in range(layer.sum.units)
        )
        return max(self.measure.width((number(e.value),), self.edge_size) for e in edges)

    def y(self, column: int, slot: int) -> float:
        return self.middle + (slot - (len(self.content.columns[column]) - 1) / 2) * self.spacing

    # -- headers --------------------------------------------------------------------------

    def _header_width(self, column: int) -> float:
        return 0.0 if self.plan else self._once("header", column, self._widest_header)

    def _widest_header(self, column: int) -> float:
        title, words = self.content.header(column)
        bold = self.measure.width((title,), self.name_size, bold=True)
        return max(bold, self.measure.width((words,), self.small_size))
