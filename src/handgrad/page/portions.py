"""Blocks shared out over slides: how much room each takes, and where one slide ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from handgrad import expression as tree
from handgrad.expression import Expression
from handgrad.notation import Fraction
from handgrad.operations import BY_NAME
from handgrad.page.blocks import (
    Block,
    Code,
    Columns,
    Derivation,
    Figure,
    Heading,
    Note,
    Paragraph,
    Relation,
    Room,
    Table,
    Text,
)

ROOM = 22.0
"""Lines of a slide below its title."""

LINE_WIDTH = 84
"""Characters of a line."""

ROWS_SHOWN = 12
"""Rows of a large array that are shown."""

GAP = 0.9
"""Between two blocks, in lines."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """Blocks that stay on one slide; a derivation's or a table's row knows the block it is of."""

    blocks: tuple[Block, ...]
    source: int

    @property
    def lines(self) -> float:
        return sum(block_lines(block) + GAP for block in self.blocks)


def portions(blocks: Sequence[Block], room: float = ROOM) -> tuple[tuple[Block, ...], ...]:
    """The blocks in as few slides as hold them, about equally full, nothing cut that can stay whole.

    Long derivations and tables go on from one slide to the next, between their rows.
    """
    units = _units(blocks, room)
    fewest = len(_filled(units, room))
    if fewest == 0:
        return ()
    least = sum(unit.lines for unit in units) / fewest
    limits = [least + (room - least) * k / 16 for k in range(16)] if least < room else []
    slides = next((s for x in limits if len(s := _filled(units, x)) == fewest), None)
    return tuple(_rejoined(slide) for slide in slides or _filled(units, room))


def _filled(units: Sequence[_Unit], room: float) -> list[list[_Unit]]:
    """The units on slides, each as full as it gets."""
    slides: list[list[_Unit]] = []
    used = 0.0
    for unit in units:
        if not slides or used + unit.lines > room:
            slides.append([])
            used = 0.0
        slides[-1].append(unit)
        used += unit.lines
    return slides


def _units(blocks: Sequence[Block], room: float) -> list[_Unit]:
    """The smallest parts that may stand on slides of their own.

    What stands under a heading stays with it where that is short; else its first part does, as
    it does with a paragraph that opens.
    """
    units: list[_Unit] = []
    heading: tuple[Block, ...] = ()
    for source, block in enumerate(blocks):
        opens = source == 0 and isinstance(block, Paragraph) and len(blocks) > 1
        if isinstance(block, Heading) or opens:
            heading = (*heading, block)
            continue
        for part in _parted(block, room):
            units.append(_Unit((*heading, part), source))
            heading = ()
    if heading:
        units.append(_Unit(heading, len(blocks)))
    return _grouped(units, 0.6 * room)


def _grouped(units: Sequence[_Unit], most: float) -> list[_Unit]:
    """The units with what stands under each heading joined to one, where it takes at most `most`."""
    groups: list[list[_Unit]] = []
    for unit in units:
        if not groups or isinstance(unit.blocks[0], Heading):
            groups.append([])
        groups[-1].append(unit)
    grouped: list[_Unit] = []
    for group in groups:
        joined = _Unit(_rejoined(group), group[0].source)
        whole = isinstance(joined.blocks[0], Heading) and joined.lines <= most
        grouped += [joined] if whole else group
    return grouped


def _parted(block: Block, room: float) -> list[Block]:
    match block:
        case Derivation(relations) if not _are_values(relations) or block_lines(block) > room:
            return [Derivation((relation,)) for relation in relations]
        case Table() if block_lines(block) > room:
            return [replace(block, rows=(row,)) for row in block.rows]
        case _:
            return [block]


def _rejoined(units: Sequence[_Unit]) -> tuple[Block, ...]:
    """The blocks of a slide, the rows of one derivation or table together again."""
    joined: list[Block] = []
    before: _Unit | None = None
    for unit in units:
        last, first = joined[-1] if joined else None, unit.blocks[0]
        same = before is not None and before.source == unit.source
        if same and isinstance(last, Derivation) and isinstance(first, Derivation):
            joined[-1] = Derivation((*last.relations, *first.relations))
        elif same and isinstance(last, Table) and isinstance(first, Table):
            joined[-1] = replace(last, rows=(*last.rows, *first.rows))
        else:
            joined += unit.blocks
        before = unit
    return tuple(joined)


def block_lines(block: Block) -> float:
    """About how many lines a block takes."""
    match block:
        case Heading(text):
            return 1.3 * _text_lines(text)
        case Paragraph(text):
            return _text_lines(text)
        case Derivation(relations):
            return _derivation_lines(relations)
        case Note():
            return _text_lines(block.text) + sum(
                _derivation_lines(d.relations) + GAP for d in block.derivations
            )
        case Table():
            rows = (max((_cell_lines(cell) for cell in row), default=1.0) for row in block.rows)
            return (2 if len(block.rows) > 1 else 0) + sum(rows)
        case Figure(drawing):
            return min(drawing.height / 24, 0.8 * ROOM) + _text_lines(block.caption)
        case Code(source):
            return 0.9 * (source.count("\n") + 1)
        case Room():
            return 1.9 * bool(block.fields) + 1.4 * block.lines
        case Columns(columns):
            return max((sum(map(block_lines, c)) + GAP * len(c) for c in columns), default=0)
        case _:
            assert_never(block)


def _text_lines(text: Text) -> float:
    width = sum(len(part) if isinstance(part, str) else _extent(part)[0] for part in text)
    return 1 + width // LINE_WIDTH if text else 0


def _cell_lines(cell: Text) -> float:
    return max((1.9 if isinstance(p, str) else _extent(p)[1] + 1.0 for p in cell), default=1.9)


def _derivation_lines(relations: Sequence[Relation]) -> float:
    if _are_values(relations):
        # Values stand beside each other.
        extents = [_extent(r.chain[0]) for r in relations]
        lines = 1 + sum(width + 10 for width, _ in extents) // LINE_WIDTH
        return lines * (max((height for _, height in extents), default=1) + GAP)
    return sum(_relation_lines(r) for r in relations)


def _are_values(relations: Sequence[Relation]) -> bool:
    return all(len(r.chain) == 1 and isinstance(r.chain[0], tree.Literal) for r in relations)


def _relation_lines(relation: Relation) -> float:
    extents = [_extent(e) for e in relation.chain]
    left = _extent(relation.left)[0] if relation.left is not None else 0
    if left + sum(width + 3 for width, _ in extents) <= LINE_WIDTH:
        return max((height for _, height in extents), default=1) + GAP
    room = LINE_WIDTH - left - 3
    return sum((1 + width // room) * (height + GAP) for width, height in extents)


def _extent(expression: Expression) -> tuple[int, float]:
    """About how wide and high a formula is, in characters and lines."""
    match expression:
        case tree.Literal(value=tuple()):
            shape = (*expression.shape, 2) if expression.cased else expression.shape
            rows = shape[0] if len(shape) > 1 or not expression.cased else 1
            columns = _cases(expression) if expression.cased else shape[1] if len(shape) > 1 else 1
            return 8 * min(columns, 12) + 2, 1.35 * min(max(rows, 1), ROWS_SHOWN) + expression.cased
        case tree.Literal():
            return 6, 1.0
        case tree.Adjoint():
            return 4, 1.8
        case tree.Call(operation, arguments):
            extents = [_extent(a) for a in arguments]
            heights = [height for _, height in extents]
            if isinstance(BY_NAME[operation].notation, Fraction):
                return max(width for width, _ in extents), sum(heights)
            return sum(width + 2 for width, _ in extents) + 1, max(heights, default=1.0)
        case _:
            return 3, 1.0


def _cases(literal: tree.Literal) -> int:
    value = literal.value
    while isinstance(value, tuple) and value and isinstance(value[0], tuple):
        value = value[0]
    return len(value) if isinstance(value, tuple) else 1
