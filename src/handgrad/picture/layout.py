"""Boxes and arrows laid out in columns: the usual four steps for a graph without cycles.

Every box stands in the column of its longest path; the order within a column is improved by
barycentres, sweeping to and fro; then boxes move towards what they are joined to as far as their
neighbours let them. The method is that of Sugiyama, Tagawa and Toda (1981).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from handgrad.record import record

SWEEPS = 12
"""Passes that reorder the columns, and as many that move the boxes."""

BETWEEN, COLUMN, STUB = 20.0, 38.0, 10.0
"""The least distance between boxes of a column, and between columns; how far lines run straight
before they bend."""

BENDS = 6
"""Points that a bend is drawn through."""

LIGHT = 0.02
"""How much a box that nothing leads to counts beside others when places are decided."""

LANE = 12.0
"""The height that a line takes where it passes a column."""

CORNER = 15.0
"""The part of a box's side, at either end, that no line meets."""

Point = tuple[float, float]


@record
class Laid:
    """Where everything stands: the middle of each box, and the points of each line in order.

    The points lie close enough together to be joined by a smooth curve.
    """

    middles: tuple[Point, ...]
    lines: tuple[tuple[Point, ...], ...]
    width: float
    height: float

    def turned(self) -> Laid:
        """The same from top to bottom instead of from left to right."""
        lines = tuple(tuple((y, x) for x, y in line) for line in self.lines)
        middles = tuple((y, x) for x, y in self.middles)
        return Laid(middles, lines, self.height, self.width)


@dataclass
class _Place:
    """A box, or the place where a line passes a column (`box` is negative)."""

    box: int
    height: float
    before: list[int]
    after: list[int]
    y: float = 0.0


def laid_out(
    sizes: Sequence[Point], edges: Sequence[tuple[int, int]], *, tight: bool = False
) -> Laid:
    """Boxes of these sizes, joined by edges that lead from left to right.

    The edges must have no cycle. Lines keep the order of `edges`. Where it is `tight` the whole is no higher
    than its highest column.
    """
    column, columns, places, routes = _placed(sizes, edges)
    columns = _ordered(columns, places)
    _settle(columns, places)
    if tight:
        _level(columns, places)
    return _drawn(sizes, column, columns, places, routes)


def least_extent(sizes: Sequence[Point], edges: Sequence[tuple[int, int]]) -> Point:
    """How wide they are laid out, and the height below which they cannot be: that of the highest column, packed."""
    _, columns, places, _ = _placed(sizes, edges)
    high = max((_least(column, places) for column in columns if column), default=0.0)
    return sum(_widths(sizes, columns, places)) + COLUMN * (len(columns) - 1), high


def _widths(sizes: Sequence[Point], columns: list[list[int]], places: list[_Place]) -> list[float]:
    """The width of each column: that of its widest box."""
    return [max((sizes[i][0] for i in c if places[i].box >= 0), default=0.0) for c in columns]


def _placed(
    sizes: Sequence[Point], edges: Sequence[tuple[int, int]]
) -> tuple[list[int], list[list[int]], list[_Place], list[list[int]]]:
    """The column of each box, the places in each column, all places, and those that each line passes."""
    column = _columns(len(sizes), edges)
    places = [_Place(i, height, [], []) for i, (_, height) in enumerate(sizes)]
    columns: list[list[int]] = [[] for _ in range(max(column, default=0) + 1)]
    for i, c in enumerate(column):
        columns[c].append(i)
    routes: list[list[int]] = []
    for source, target in edges:
        route = [source]
        for c in range(column[source] + 1, column[target]):
            places.append(_Place(-1, LANE, [], []))
            columns[c].append(len(places) - 1)
            route.append(len(places) - 1)
        route.append(target)
        for a, b in pairwise(route):
            places[a].after.append(b)
            places[b].before.append(a)
        routes.append(route)
    return column, columns, places, routes


def _columns(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The column of each box: its longest path from the left; what nothing leads to moves right."""
    after: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for a, b in edges:
        after[a].append(b)
        waiting[b] += 1
    sources = [i for i in range(count) if not waiting[i]]
    column = [0] * count
    ready = list(sources)
    while ready:
        i = ready.pop()
        for j in after[i]:
            column[j] = max(column[j], column[i] + 1)
            waiting[j] -= 1
            if not waiting[j]:
                ready.append(j)
    for i in sources:
        if after[i]:
            column[i] = min(column[j] for j in after[i]) - 1
    return column


def _ordered(columns: list[list[int]], places: list[_Place]) -> list[list[int]]:
    """The columns in the order with the fewest crossings that the sweeps come by."""
    best, fewest = [list(c) for c in columns], _crossings(columns, places)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        rank = {i: k for column in columns for k, i in enumerate(column)}
        for column in columns if forward else reversed(columns):
            keys = {}
            for i in column:
                near = places[i].before if forward else places[i].after
                keys[i] = sum(rank[j] for j in near) / len(near) if near else float(rank[i])
            column.sort(key=lambda i: keys[i])
            rank.update({i: k for k, i in enumerate(column)})
        crossings = _crossings(columns, places)
        if crossings < fewest:
            best, fewest = [list(c) for c in columns], crossings
    return best


def _crossings(columns: list[list[int]], places: list[_Place]) -> int:
    """How many pairs of lines cross between neighbouring columns."""
    total = 0
    for left, right in pairwise(columns):
        rank = {i: k for k, i in enumerate(right)}
        ends = [rank[j] for i in left for j in sorted(places[i].after, key=rank.__getitem__)]
        total += sum(ends[a] > ends[b] for a in range(len(ends)) for b in range(a + 1, len(ends)))
    return total


def _settle(columns: list[list[int]], places: list[_Place]) -> None:
    """Moves the boxes of each column towards what they are joined to."""
    for column in columns:
        _stack(column, places, [0.0] * len(column))
    for sweep in range(2 * SWEEPS):
        forward = sweep % 2 == 0
        for column in columns if forward else reversed(columns):
            wanted = []
            for i in column:
                near = places[i].before if forward else places[i].after
                if sweep >= 2 * SWEEPS - 2:
                    near = [*places[i].before, *places[i].after]
                wanted.append(_mean(near, places) if near else places[i].y)
            _stack(column, places, wanted)


def _weight(place: _Place) -> float:
    """How much a place counts: what nothing leads to can follow the others."""
    return 1.0 if place.before else LIGHT


def _mean(near: Sequence[int], places: list[_Place]) -> float:
    """Where a box is drawn to by its neighbours."""
    weights = [_weight(places[j]) for j in near]
    total = sum(w * places[j].y for w, j in zip(weights, near, strict=True))
    return total / sum(weights)


def _stack(column: list[int], places: list[_Place], wanted: Sequence[float]) -> None:
    """Puts each box as near to where it is wanted as order and distances allow.

    The places nearest in the weighted sum of squares: boxes that would overlap form a block,
    which stands at its mean (the pooling of adjacent violators).
    """
    offsets = _offsets(column, places)
    blocks: list[tuple[float, float, int]] = []
    for i, want, off in zip(column, wanted, offsets, strict=True):
        weight, count = _weight(places[i]), 1
        total = weight * (want - off)
        while blocks and blocks[-1][0] / blocks[-1][1] > total / weight:
            below, heavy, number = blocks.pop()
            total, weight, count = total + below, weight + heavy, count + number
        blocks.append((total, weight, count))
    starts = [total / weight for total, weight, count in blocks for _ in range(count)]
    for i, start, off in zip(column, starts, offsets, strict=True):
        places[i].y = start + off


def _offsets(column: list[int], places: list[_Place]) -> list[float]:
    """How far the middle of each box is from that of the first where they stand as close as they may."""
    offset, offsets = 0.0, []
    for k, i in enumerate(column):
        if k:
            before = places[column[k - 1]]
            offset += (before.height + places[i].height) / 2 + BETWEEN
        offsets.append(offset)
    return offsets


def _least(column: list[int], places: list[_Place]) -> float:
    """The height of a column whose places stand as close as they may."""
    outer = places[column[0]].height + places[column[-1]].height
    return _offsets(column, places)[-1] + outer / 2


def _level(columns: list[list[int]], places: list[_Place]) -> None:
    """Moves boxes up or down, each as little as may be, to between the ends of the highest column."""

    def ends(column: list[int]) -> tuple[float, float]:
        first, last = places[column[0]], places[column[-1]]
        return first.y - first.height / 2, last.y + last.height / 2

    filled = [column for column in columns if column]
    highest = max(filled, key=lambda column: _least(column, places), default=[])
    if not highest:
        return
    top, bottom = ends(highest)
    middle, high = (top + bottom) / 2, _least(highest, places)
    top, bottom = middle - high / 2, middle + high / 2
    for column in filled:
        offsets = _offsets(column, places)
        first, last = places[column[0]], places[column[-1]]
        for i, offset in zip(column, offsets, strict=True):
            # Both bounds keep the distances, and so does what lies between them.
            lowest = top + first.height / 2 + offset
            uppermost = bottom - last.height / 2 - (offsets[-1] - offset)
            places[i].y = min(max(places[i].y, lowest), uppermost)


def _drawn(
    sizes: Sequence[Point],
    column: list[int],
    columns: list[list[int]],
    places: list[_Place],
    routes: list[list[int]],
) -> Laid:
    """Columns side by side, lines from the right side of one box to the left side of another."""
    widths = _widths(sizes, columns, places)
    lefts = [0.0, *accumulate(width + COLUMN for width in widths[:-1])]
    top = min(p.y - p.height / 2 for p in places)
    where = {i: c for c, each in enumerate(columns) for i in each}
    middles = tuple((lefts[c] + widths[c] / 2, places[i].y - top) for i, c in enumerate(column))

    def _right(place: int) -> float:
        return lefts[where[place]] + widths[where[place]]

    out = _ports(routes, places, outgoing=True)
    into = _ports(routes, places, outgoing=False)
    lines = []
    for route in routes:
        source, target = route[0], route[-1]
        x, y = middles[source]
        y += out[source, route[1]]
        ends = [(x + sizes[source][0] / 2, y), (_right(source), y)]
        for place in route[1:-1]:
            left, y = lefts[where[place]], places[place].y - top
            ends += [(left, y), (_right(place), y)]
        x, y = middles[target]
        y += into[target, route[-2]]
        ends += [(lefts[where[target]], y), (x - sizes[target][0] / 2, y)]
        lines.append(_bent(ends))
    bottom = max(p.y + p.height / 2 for p in places) - top
    return Laid(middles, tuple(lines), lefts[-1] + widths[-1], bottom)


def _bent(ends: Sequence[Point]) -> tuple[Point, ...]:
    """Level pieces across columns, joined between the columns by bends that begin and end level."""
    points: list[Point] = []
    for k, ((x0, y0), (x1, y1)) in enumerate(pairwise(ends)):
        points.append((x0, y0))
        if k % 2 and abs(y1 - y0) > 0.5:
            start, stop = x0 + STUB, x1 - STUB
            for step in range(BENDS + 1):
                t = step / BENDS
                y = y0 + (y1 - y0) * t * t * (3 - 2 * t)
                points.append((start + (stop - start) * t, y))
    points.append(ends[-1])
    return tuple(p for p, q in pairwise((*points, (-1.0, -1.0))) if p != q)


def _ports(
    routes: list[list[int]], places: list[_Place], outgoing: bool
) -> dict[tuple[int, int], float]:
    """By box and neighbour, how far above or below its middle a line meets the box."""
    found: dict[tuple[int, int], float] = {}
    boxes = {route[0 if outgoing else -1] for route in routes}
    for box in boxes:
        near = places[box].after if outgoing else places[box].before
        ordered = sorted(set(near), key=lambda j: places[j].y)
        room = max(0.0, places[box].height - 2 * CORNER)
        apart = min(14.0, room / max(1, len(ordered) - 1))
        for k, j in enumerate(ordered):
            found[box, j] = (k - (len(ordered) - 1) / 2) * apart
    return found
