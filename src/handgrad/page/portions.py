"""Blocks shared out over slides: where one slide ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handgrad.page.blocks import Block, Derivation, Heading, Paragraph, Table
from handgrad.page.sizes import GAP, Sizes, are_values
from handgrad.record import record

ROOM = 19.3
"""The height of a slide below its title, in ems of text of 18 points."""

SHOWN = 4
"""Rows and columns of an array that a slide shows; of a larger one the corners."""

SIZES = Sizes(SHOWN)


@record
class _Unit:
    """Blocks that stay on one slide; a derivation's or a table's row knows the block it is of."""

    blocks: tuple[Block, ...]
    source: int

    @property
    def height(self) -> float:
        """With the gap that comes after it."""
        return SIZES.total(self.blocks) + GAP


def portions(blocks: Sequence[Block], room: float = ROOM) -> tuple[tuple[Block, ...], ...]:
    """The blocks in as few slides as hold them, about equally full, nothing cut that can stay whole.

    Long derivations and tables go on from one slide to the next, between their rows.
    """
    units = _units(blocks, room)
    room += GAP  # none comes after the last
    fewest = len(_filled(units, room))
    if fewest == 0:
        return ()
    least = SIZES.total(_rejoined(units)) / fewest
    limits = [least + (room - least) * k / 16 for k in range(16)] if least < room else []
    slides = next((s for x in limits if len(s := _filled(units, x)) == fewest), None)
    return tuple(_rejoined(slide) for slide in slides or _filled(units, room))


def _filled(units: Sequence[_Unit], room: float) -> list[list[_Unit]]:
    """The units on slides, each as full as it gets."""
    slides: list[list[_Unit]] = []
    for unit in units:
        # What belongs together takes less room than its parts: values stand beside each other.
        if not slides or SIZES.total(_rejoined([*slides[-1], unit])) + GAP > room:
            slides.append([])
        slides[-1].append(unit)
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
        whole = isinstance(joined.blocks[0], Heading) and joined.height <= most
        grouped += [joined] if whole else group
    return grouped


def _parted(block: Block, room: float) -> list[Block]:
    match block:
        case Derivation(relations) if not are_values(relations) or SIZES.height(block) > room:
            return [Derivation((relation,)) for relation in relations]
        case Table() if SIZES.height(block) > room:
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
