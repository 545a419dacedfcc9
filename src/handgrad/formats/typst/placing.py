"""Where the pictures of a page stand on paper, and in how many parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from handgrad.page.blocks import Block, Figure, Heading, Text
from handgrad.picture.parts import in_parts

Paper: TypeAlias = Literal["a4", "letter"]

A_THIRD, HALF_A_PAGE = 320.0, 480.0
"""The heights of a third and of half a page of A4, in a drawing's pixels."""

HIGHEST: dict[Paper, float] = {"a4": 1048.0, "letter": 1022.0}
"""The height of a drawing whose indices are 5.5 points high where it fills a page, in its pixels."""


def pictures_first(blocks: Sequence[Block], paper: Paper = "a4") -> list[Block]:
    """The blocks with the pictures of each part before its first step, or at its end."""
    parts: list[list[Block]] = [[]]
    for block in blocks:
        if isinstance(block, Heading) and block.level < 3:
            parts.append([])
        parts[-1].append(block)
    found: list[Block] = []
    for part in parts:
        rest = [block for block in part if not isinstance(block, Figure)]
        steps = [
            k for k, block in enumerate(rest) if isinstance(block, Heading) and block.level > 2
        ]
        pictures = [block for block in part if isinstance(block, Figure)]
        # What is given has its numbers above its picture, if that is no higher than they leave room.
        low = all(p.drawing.height <= A_THIRD for p in pictures)
        tall = any(p.drawing.height > HALF_A_PAGE for p in pictures)
        place = steps[0] if steps else len(rest) if low or tall else min(2, len(rest))
        if not steps and part is not parts[-1]:
            # A tall one of what is given would part its equations from its numbers; that of the forward pass has all of it.
            pictures = [p for p in pictures if not _is_tall(p)]
        parts_of = [part for picture in pictures for part in _in_parts(picture, HIGHEST[paper])]
        found += [*rest[:place], *parts_of, *rest[place:]]
    return found


def _in_parts(figure: Figure, highest: float) -> list[Figure]:
    """A picture in parts whose letters can be read on a page."""
    parts = in_parts(figure.drawing, highest)
    if len(parts) == 1:
        return [figure]
    found: list[Figure] = []
    for k, part in enumerate(parts, 1):
        said = f"Part\u00a0{k}\u00a0of\u00a0{len(parts)}."
        if k == 1:
            caption: Text = (*figure.caption, " ", said) if figure.caption else (said,)
            found.append(replace(figure, drawing=part, caption=caption))
        else:
            part = replace(part, description=said)
            found.append(replace(figure, drawing=part, caption=(said,)))
    return found


def _is_tall(figure: Figure) -> bool:
    drawing = figure.drawing
    return drawing.height > max(HALF_A_PAGE, 1.2 * drawing.width)
