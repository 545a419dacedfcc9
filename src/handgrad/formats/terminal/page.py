"""A page for the terminal: every block in lines of at most a given width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, assert_never

from handgrad.formats.style import Style
from handgrad.formats.terminal.box import Box, beside, cut, line, padded, printed, stacked, to_width
from handgrad.formats.terminal.characters import ASCII, UNICODE
from handgrad.formats.terminal.pen import TerminalPen
from handgrad.formats.terminal.relation import GAP, derivation_lines
from handgrad.formats.terminal.table import table_lines
from handgrad.formats.terminal.text import single_line, wrapped
from handgrad.page.blocks import (
    Block,
    Code,
    Columns,
    Derivation,
    Document,
    Figure,
    Heading,
    Legend,
    Note,
    Paragraph,
    Room,
    Table,
)

if TYPE_CHECKING:
    from handgrad.picture.drawing import Names

TEXT_WIDTH = 92
"""Running text and rules are no wider, however wide the terminal is."""

LEAST_COLUMN = 56
"""Columns of blocks narrower than this stand one under the other."""


def render_terminal(
    page: Document, *, width: int = 80, unicode: bool = True, colour: bool = False
) -> str:
    """The page as text with no line wider than `width` columns.

    Arguments:
        page: what is written.
        width: columns that a line may take.
        unicode: whether mathematics is drawn with Unicode's signs, or in pure ASCII.
        colour: whether terminal colours are written; nothing is said by colour alone.
    """
    pen = TerminalPen(Style.of(page), UNICODE if unicode else ASCII)
    width = max(width, 1)
    rows: list[str] = []
    blocks = [b for b in page.blocks if colour or not isinstance(b, Legend)]
    for box in _blocks(blocks, pen, width):
        rows += [printed(row, colour) for row in box.rows]
    return "\n".join(rows) + "\n" if rows else ""


def _blocks(blocks: Sequence[Block], pen: TerminalPen, width: int) -> list[Box]:
    """Blocks one under the other, a step's body set in under its title."""
    boxes: list[Box] = []
    indent, previous = 0, None
    for block in blocks:
        if isinstance(block, Heading):
            indent = _indent(block, width)
        inner = 0 if isinstance(block, Heading) else indent
        lines = block_lines(block, pen, width - inner)
        if boxes and lines:
            boxes += [line("")] * _space(previous, block)
        previous = block
        for box in lines:
            # Every block keeps to the width; what is too narrow for its parts is cut here.
            for part in cut(box, max(1, width - inner), indent=0) or []:
                boxes.append(padded(part, left=inner))
    return boxes


def block_lines(block: Block, pen: TerminalPen, width: int) -> list[Box]:
    """One block in boxes of at most `width` columns, one under the other."""
    match block:
        case Heading():
            return _heading(block, pen, width)
        case Paragraph():
            return wrapped(block.text, pen, min(width, TEXT_WIDTH))
        case Derivation():
            return derivation_lines(block, pen, width)
        case Legend():
            return _legend(block, pen, width)
        case Table():
            return table_lines(block, pen, width)
        case Note():
            return _note(block, pen, width)
        case Figure():
            lines = [_compact(text, pen) for text in block.drawing.compact]
            return [*lines, *wrapped(block.caption, pen, min(width, TEXT_WIDTH), "dim")]
        case Code():
            return [pen.text(text) for text in block.source.rstrip("\n").split("\n")]
        case Room():
            return _room(block, pen, width)
        case Columns():
            return _columns(block, pen, width)
        case _:
            assert_never(block)


def _legend(legend: Legend, pen: TerminalPen, width: int) -> list[Box]:
    """An example of each sign with its meaning."""
    entries = [
        beside(pen.text(example, sign), pen.text(f" {meaning}".rstrip() + "   ", "dim"))
        for sign, example, meaning in legend.told
    ]
    lines: list[Box] = []
    for entry in entries:
        if lines and lines[-1].width + entry.width <= width:
            lines[-1] = beside(lines[-1], entry)
        else:
            lines.append(entry)
    return lines


def _compact(text: str | Names, pen: TerminalPen) -> Box:
    """A line of a picture in characters."""
    if isinstance(text, str):
        return pen.text(text)
    parts: list[Box] = []
    used = 0
    for start, name in text.names:
        drawn = pen.draw(pen.formula().node(name))
        gap = max(start - used, 1 if parts else 0)
        parts += [line(" " * gap), drawn]
        used += gap + drawn.width
    column, after = text.after
    if after:
        parts += [line(" " * max(column - used, 1)), pen.text(after)]
    return beside(*parts) if parts else line("")


FIELD = 12
"""Columns of a line to write on, at least."""


def _room(block: Room, pen: TerminalPen, width: int) -> list[Box]:
    """The fields, with a line to write on for each that nothing stands on yet."""
    asked = [pen.text(f"{words} {there}".strip()) for words, there in block.fields]
    if not asked:
        return []
    extent = min(width, TEXT_WIDTH)
    spare = extent - sum(box.width for box in asked) - len(GAP) * (len(asked) - 1)
    each = max(FIELD, spare // len(asked) - 1)
    parts = [
        box if there else beside(box, line(f" {'_' * each}"))
        for box, (_, there) in zip(asked, block.fields, strict=True)
    ]
    pieces = [parts[0]]
    for part in parts[1:]:
        pieces += [line(GAP), part]
    whole = beside(*pieces)
    return [whole] if whole.width <= width else parts


def _columns(columns: Columns, pen: TerminalPen, width: int) -> list[Box]:
    """Columns beside each other where each has room, otherwise one under the other."""
    count = max(1, len(columns.columns))
    each = (width - len(GAP) * (count - 1)) // count
    if each < LEAST_COLUMN:
        return [
            box for blocks in columns.columns for box in (*_blocks(blocks, pen, width), line(""))
        ]
    drawn = [stacked(_blocks(blocks, pen, each) or [line("")]) for blocks in columns.columns]
    height = max(box.height for box in drawn)
    parts: list[Box] = []
    for box in drawn:
        top = Box(to_width(box, each).rows)
        parts += [line(GAP), padded(top, below=height - box.height)]
    return [beside(*parts[1:])]


def _indent(heading: Heading, width: int) -> int:
    """How far what follows a heading stands in: a step's body under its title."""
    if heading.level < 3 or width < 30:
        return 0
    return 5 if width >= 60 else 2


def _space(previous: Block | None, block: Block) -> int:
    """Blank lines between two blocks."""
    if isinstance(previous, Heading) and previous.level == 3 and isinstance(block, Paragraph):
        return 0
    return 1


def _heading(heading: Heading, pen: TerminalPen, width: int) -> list[Box]:
    extent = min(width, TEXT_WIDTH)
    match heading.level:
        case 1:
            lines = wrapped(heading.text, pen, extent, "bold")
            under = min(extent, max((b.width for b in lines), default=0))
            return [*lines, line(pen.glyphs.double_rule * under, "dim")]
        case 2:
            title = single_line(heading.text, pen, "phase")
            spare = extent - title.width - 4
            if spare < 2:
                return wrapped(heading.text, pen, width, "phase")
            rule = pen.glyphs.rule
            return [beside(line(f"{rule}{rule} ", "dim"), title, line(f" {rule * spare}", "dim"))]
        case _:
            return _step_heading(heading, pen, extent)


def _step_heading(heading: Heading, pen: TerminalPen, width: int) -> list[Box]:
    number = pen.text(heading.id, "id") if heading.id else line("")
    hang = max(number.width + 2, _indent(heading, width)) if heading.id else 0
    if hang > width // 2:
        return wrapped((f"{heading.id} ", *heading.text), pen, width, "bold")
    lines = wrapped(heading.text, pen, width - hang, "bold")
    lines = [
        beside(to_width(number if k == 0 else line(""), hang), text)
        for k, text in enumerate(lines or [line("")])
    ]
    aside = single_line(heading.aside, pen, "dim")
    if aside.width:
        spare = width - lines[0].width - aside.width
        if spare >= 2:
            lines[0] = beside(lines[0], line(" " * spare), aside)
        else:
            below = wrapped(heading.aside, pen, width - hang, "dim")
            lines += [padded(b, left=hang) for b in below]
    return lines


def _note(note: Note, pen: TerminalPen, width: int) -> list[Box]:
    glyph = {
        "gate": pen.glyphs.gate,
        "warning": pen.glyphs.warning,
        "check": pen.glyphs.check,
        "info": pen.glyphs.info,
    }[note.kind]
    sign = beside(line(glyph, note.kind), line(" "))
    if sign.width > width // 2:
        sign = line("")
    extent = min(width, TEXT_WIDTH) - sign.width
    text = wrapped(note.text, pen, extent) or [line("")]
    lines = [beside(sign if k == 0 else line(" " * sign.width), b) for k, b in enumerate(text)]
    for derivation in note.derivations:
        body = stacked(derivation_lines(derivation, pen, width - sign.width))
        lines += [line(""), padded(body, left=sign.width)]
    return lines
