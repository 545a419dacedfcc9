"""Boxes without lines, in rows."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.picture.layout import BETWEEN, Point


def in_rows(sizes: Sequence[Point], widest: float) -> tuple[tuple[Point, ...], Point]:
    """The middles of boxes of these sizes in rows, and how wide and high they are together.

    A row is no wider than `widest`, if its first box is not; the boxes of one begin at one height.
    """
    rows: list[list[int]] = []
    used = 0.0
    for k, (width, _) in enumerate(sizes):
        if not rows or used + BETWEEN + width > widest:
            rows.append([])
            used = -BETWEEN
        rows[-1].append(k)
        used += BETWEEN + width
    middles: list[Point] = []
    top = right = 0.0
    for row in rows:
        left = 0.0
        for k in row:
            width, height = sizes[k]
            middles.append((left + width / 2, top + height / 2))
            left += width + BETWEEN
        right = max(right, left - BETWEEN)
        top += max(sizes[k][1] for k in row) + BETWEEN
    return tuple(middles), (right, max(0.0, top - BETWEEN))
