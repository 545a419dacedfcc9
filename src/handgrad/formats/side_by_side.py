"""What stands side by side on a page, line by line."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.page.blocks import Block, Columns, Derivation


def rows_of(columns: Columns) -> list[tuple[Sequence[Block], ...]]:
    """What belongs side by side, line by line, so that it stays so from page to page.

    Columns of blocks that do not answer each other are one row.
    """
    whole: list[tuple[Sequence[Block], ...]] = [tuple(columns.columns)]
    if len({tuple(map(type, each)) for each in columns.columns}) != 1:
        return whole
    rows: list[tuple[Sequence[Block], ...]] = []
    for blocks in zip(*columns.columns, strict=True):
        lines = [_lines(block) for block in blocks]
        if len({len(each) for each in lines}) != 1:
            rows.append(tuple((block,) for block in blocks))
        else:
            rows += [tuple((line,) for line in row) for row in zip(*lines, strict=True)]
    return rows


def _lines(block: Block) -> list[Block]:
    """A derivation's relations, each by itself; another block as it is."""
    if isinstance(block, Derivation):
        return [Derivation((relation,)) for relation in block.relations]
    return [block]
