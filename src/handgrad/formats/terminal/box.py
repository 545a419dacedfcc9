"""Boxes of characters, put together on their baselines and cut to a width."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from handgrad.formats.mathematics.nodes import DEEPER
from handgrad.formats.terminal.characters import Bracket, graphemes

Cell: TypeAlias = tuple[str, str]
"""What one column shows, and its style; a wide character's second column is empty."""

Row: TypeAlias = tuple[Cell, ...]

BLANK: Cell = (" ", "")

SGR = {
    "bold": "1",
    "dim": "2",
    "id": "36;1",
    "phase": "1;34",
    "value": "1;34",
    "gradient": "1;33",
    "off": "31",
    "zeroed": "2",
    "changed": "1;35",
    "gate": "31",
    "warning": "33",
    "check": "32",
    "info": "36",
}
"""Terminal colours by style."""


class Box(NamedTuple):
    """A rectangle of cells.

    Arguments:
        rows: all of one width.
        baseline: the row on which it lines up with its neighbours.
        breaks: columns before which a line may end, each with a cost: the depth of the
            parentheses around it, and within one depth sums before products.
    """

    rows: tuple[Row, ...]
    baseline: int = 0
    breaks: tuple[tuple[int, int], ...] = ()

    @property
    def width(self) -> int:
        return len(self.rows[0]) if self.rows else 0

    @property
    def height(self) -> int:
        return len(self.rows)


@lru_cache(4096)
def cells(text: str, style: str = "") -> Row:
    """A clean text as a row of cells."""
    if text.isascii():
        return tuple([(c, style) for c in text])
    row: list[Cell] = []
    for c, columns in graphemes(text):
        row.append((c, style))
        row.extend([("", style)] * (columns - 1))
    return tuple(row)


@lru_cache(4096)
def line(text: str, style: str = "") -> Box:
    """A clean text as a box of one row."""
    return Box((cells(text, style),))


def beside(*boxes: Box) -> Box:
    """Boxes in a row, their baselines level."""
    wide = [b for b in boxes if b.rows and b.rows[0]]
    if len(wide) < 2:
        return wide[0] if wide else (boxes[0] if boxes else Box(((),)))
    baseline = max([b.baseline for b in wide])
    height = baseline + max([len(b.rows) - b.baseline for b in wide])
    rows: list[list[Cell]] = [[] for _ in range(height)]
    breaks: list[tuple[int, int]] = []
    width = 0
    for box in wide:
        if box.breaks:
            breaks += [(column + width, cost) for column, cost in box.breaks]
        columns = len(box.rows[0])
        width += columns
        if height == 1:  # most are
            rows[0] += box.rows[0]
            continue
        above = baseline - box.baseline
        below = height - above - len(box.rows)
        filled = box.rows
        if above or below:
            empty = ((BLANK,) * columns,)
            filled = empty * above + filled + empty * below
        for row, part in zip(rows, filled, strict=True):
            row += part
    return Box(tuple([tuple(row) for row in rows]), baseline, tuple(breaks))


def padded(box: Box, above: int = 0, below: int = 0, left: int = 0, right: int = 0) -> Box:
    """The box with blank rows and columns around it."""
    if not (above or below or left or right):
        return box
    empty = ((BLANK,) * (left + box.width + right),)
    rows, breaks = box.rows, box.breaks
    if left or right:
        before, after = (BLANK,) * left, (BLANK,) * right
        rows = tuple([before + row + after for row in rows])
        breaks = tuple([(column + left, cost) for column, cost in breaks])
    return Box(empty * above + rows + empty * below, box.baseline + above, breaks)


def to_width(box: Box, width: int, align: str = "l") -> Box:
    """The box padded to a width; `align` is "l", "c" or "r"."""
    spare = width - box.width
    if spare <= 0:
        return box
    left = {"l": 0, "c": spare // 2, "r": spare}[align]
    return padded(box, left=left, right=spare - left)


def stacked(boxes: Sequence[Box], align: str = "l", baseline: int | None = None) -> Box:
    """Boxes one under the other. The baseline is the first one's unless given."""
    width = max([b.width for b in boxes], default=0)
    rows = tuple([row for b in boxes for row in to_width(b, width, align).rows])
    first = boxes[0].baseline if boxes else 0
    return Box(rows or ((),), first if baseline is None else baseline)


def breakable(box: Box, cost: int) -> Box:
    """The box, with leave to end a line before it."""
    return box._replace(breaks=((0, cost), *box.breaks))


def deeper(box: Box) -> Box:
    """The box as it is within parentheses: its breaks cost more."""
    if not box.breaks:
        return box
    return box._replace(breaks=tuple([(column, cost + DEEPER) for column, cost in box.breaks]))


def fenced(box: Box, left: Bracket, right: Bracket) -> Box:
    """The box between brackets as tall as it is."""
    return beside(_bracket(left, box), deeper(box), _bracket(right, box))


def _bracket(shape: Bracket, box: Box) -> Box:
    single, top, middle, bottom = shape
    if box.height == 1:
        return Box((cells(single),), box.baseline)
    texts = [top, *[middle] * (box.height - 2), bottom]
    return Box(tuple(cells(t) for t in texts), box.baseline)


def restyled(box: Box, style: str) -> Box:
    """The box with its unstyled cells in `style`."""
    if not style:
        return box
    rows = tuple([tuple([(c, own or style) for c, own in row]) for row in box.rows])
    return box._replace(rows=rows)


def cut(box: Box, width: int, indent: int = 2, deepest: int | None = None) -> list[Box] | None:
    """The box in parts no wider than `width`, the second and later ones indented.

    A line ends where that costs least. Where no break is left a line is cut at its last
    column; with `deepest` given, only breaks of at most that cost are used, and None says
    that they do not do.
    """
    parts: list[Box] = []
    indent = min(indent, max(0, width // 4))
    rest = box
    while True:
        room = width - (indent if parts else 0)
        if rest.width <= room:
            parts.append(padded(rest, left=indent if parts else 0))
            return parts
        usable = [(x, cost) for x, cost in rest.breaks if 0 < x <= room]
        if deepest is not None:
            usable = [(x, cost) for x, cost in usable if cost <= deepest]
            if not usable:
                return None
        far = [b for b in usable if b[0] >= room // 3] or usable
        where = min(far, key=lambda b: (b[1], -b[0]))[0] if far else _last_column(rest, room)
        head, rest = _split(rest, where)
        parts.append(padded(head, left=indent if parts else 0))


def _last_column(box: Box, room: int) -> int:
    """Where to cut a box without breaks: at a blank column near, never in a wide character."""
    for column in range(room, max(room // 2, 1), -1):
        if all(row[column][0] == " " for row in box.rows):
            return column
    column = max(room, 1)
    while column > 1 and any(row[column][0] == "" for row in box.rows):
        column -= 1
    if column == 1 and any(row[1][0] == "" for row in box.rows):
        return 2  # a wide character in a single column: nothing can hold it
    return column


def _split(box: Box, column: int) -> tuple[Box, Box]:
    head = Box(tuple(row[:column] for row in box.rows), box.baseline)
    start = column
    while start < box.width - 1 and all(row[start][0] == " " for row in box.rows):
        start += 1
    breaks = tuple((x - start, cost) for x, cost in box.breaks if x > start)
    tail = Box(tuple(row[start:] for row in box.rows), box.baseline, breaks)
    return _cropped(head), _cropped(tail)


def _cropped(box: Box) -> Box:
    """The box without blank rows above and below; the baseline row stays."""
    first, last = 0, box.height - 1
    while first < box.baseline and all(c == " " for c, _ in box.rows[first]):
        first += 1
    while last > box.baseline and all(c == " " for c, _ in box.rows[last]):
        last -= 1
    return Box(box.rows[first : last + 1], box.baseline - first, box.breaks)


def printed(row: Row, colour: bool) -> str:
    """A row as a terminal takes it, without blanks at its end."""
    end = len(row)
    while end and row[end - 1] == BLANK:
        end -= 1
    row = row[:end]
    if not colour:
        return "".join(c for c, _ in row).rstrip()
    parts: list[str] = []
    current = ""
    for c, style in row:
        if style != current:
            if current:
                parts.append("\x1b[0m")
            if style:
                parts.append(f"\x1b[{SGR[style]}m")
            current = style
        parts.append(c)
    return "".join(parts) + ("\x1b[0m" if current else "")
