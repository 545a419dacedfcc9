"""Running text with formulas in it, wrapped to a width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handgrad.formats.terminal.box import Box, beside, cut, line, restyled
from handgrad.formats.terminal.pen import TerminalPen
from handgrad.page.blocks import Text


def words(text: Text, pen: TerminalPen, style: str = "") -> list[Box]:
    """The text in boxes that no line ends within: words, and formulas with what touches them."""
    linear = replace(pen, linear=True)
    found: list[Box] = []
    touching = False
    for part in text:
        if isinstance(part, str):
            # A leading or trailing blank parts the words on its two sides.
            pieces = [pen.text(word) for word in part.split()]
            starts, ends = not part[:1].isspace(), not part[-1:].isspace()
        else:
            pieces, starts, ends = [linear.draw(linear.formula().node(part))], True, True
        for position, piece in enumerate(pieces):
            if found and position == 0 and touching and starts:
                found[-1] = beside(found[-1], restyled(piece, style))
            else:
                found.append(restyled(piece, style))
        touching = ends if pieces else touching and not part
    return found


def single_line(text: Text, pen: TerminalPen, style: str = "") -> Box:
    """The text on one line, however long."""
    parts: list[Box] = []
    for word in words(text, pen, style):
        parts += [line(" ", style), word] if parts else [word]
    return beside(*parts)


def wrapped(text: Text, pen: TerminalPen, width: int, style: str = "") -> list[Box]:
    """The text in lines of at most `width` columns."""
    return _filled(words(text, pen, style), width, style)


def _filled(pieces: Sequence[Box], width: int, style: str) -> list[Box]:
    blank = line(" ", style)
    lines: list[list[Box]] = []
    columns = width + 1
    for piece in pieces:
        if columns + 1 + piece.width <= width:
            lines[-1] += [blank, piece]
            columns += 1 + piece.width
            continue
        parts = cut(piece, width, indent=0) or [piece]
        lines += [[part] for part in parts]
        columns = parts[-1].width
    return [beside(*parts) for parts in lines]
