"""Relations as rows of `align*`, broken before their signs where they are too wide."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad import expression as tree
from handgrad.page.blocks import Derivation, Relation
from handgrad.render.tex.pen import SIGN, Cut, Row, RowPen
from handgrad.render.tex.text import content, words

PIECES = (0, 1, 3)
"""Costs at which a line may end, from the least."""


def derivation(block: Derivation, pen: RowPen) -> str:
    """The relations one under the other; values alone beside each other."""
    relations = block.relations
    if len(relations) > 1 and all(_is_given(r) for r in relations):
        values = " \\qquad\n".join(rf"\hgvalue{{{_whole(r, pen)}}}" for r in relations)
        return f"{{\\raggedright\\lineskip=0.6em\\lineskiplimit=0.4em\n{values}\\par}}"
    written: list[str] = []
    rows: list[str] = []
    for relation in relations:
        if relation.label:
            written += _aligned(rows)
            rows = []
            written.append(rf"\hglabel{{{content(relation.label, pen.style)}}}")
        rows += _rows(relation, pen)
    return "\n".join(written + _aligned(rows))


def _aligned(rows: Sequence[str]) -> list[str]:
    if not rows:
        return []
    body = " \\\\[0.5em]\n".join(rows)
    return [f"\\begin{{align*}}\n{body}\n\\end{{align*}}"]


def _is_given(relation: Relation) -> bool:
    """Whether it only says what a value is, in numbers."""
    return (
        len(relation.chain) == 1
        and isinstance(relation.chain[0], tree.Literal)
        and not (relation.label or relation.remarks or relation.marks)
    )


def _sides(relation: Relation, pen: RowPen) -> list[Row]:
    """The sides of a relation as drawn, the last with its marks."""
    sides: list[Row] = []
    marks = {index: mark for index, mark in relation.marks.items() if mark != "on"}
    for position, side in enumerate(relation.chain):
        is_last = position == len(relation.chain) - 1
        if isinstance(side, tree.Literal) and (is_last or side.cased):
            sides.append(pen.result(side, marks if is_last else {}))
        else:
            sides.append(pen.draw(side))
    return sides


def _sign(relation: Relation) -> str:
    return r"\leftarrow" if relation.sign == "←" else "="


def _whole(relation: Relation, pen: RowPen) -> str:
    left = str(pen.draw(relation.left).tex) if relation.left is not None else ""
    chain = " = ".join(str(side.tex) for side in _sides(relation, pen))
    return f"{left} {_sign(relation)} {chain}"


def _rows(relation: Relation, pen: RowPen) -> list[str]:
    left = pen.draw(relation.left) if relation.left is not None else None
    sides = _sides(relation, pen)
    remark, remark_width = _remark(relation)
    taken = (left.width if left else 0.0) + SIGN
    room = pen.line - taken
    head = str(left.tex) if left else ""
    together = sum(side.width for side in sides) + SIGN * (len(sides) - 1)
    if together + remark_width <= room:
        chain = " = ".join(str(side.tex) for side in sides)
        return [f"{head} &{_sign(relation)} {chain}{remark}"]
    rows: list[str] = []
    for position, side in enumerate(sides):
        sign = _sign(relation) if position == 0 else "="
        for line, part in enumerate(_lines(side, room)):
            before = head if position == line == 0 else ""
            shown = f"{sign} " if line == 0 else r"\quad "
            # A guess at the width decides; what turns out wider is scaled down.
            rows.append(rf"{before} &{shown}\hgrow{{{taken + 1.2:.1f}em}}{{{part}}}")
    if not remark:
        return rows
    if sides[-1].width + remark_width <= room:
        return [*rows[:-1], rows[-1] + remark]
    return [*rows, "&" + remark.replace("hgremark", "hglongremark", 1)]


def _lines(side: Row, room: float) -> list[str]:
    """One side in lines: broken at its outermost signs, and no deeper than it must be."""
    if side.width <= room:
        return [str(side.tex)]
    for cost in PIECES:
        lines = _filled(side.parts, room, cost)
        if all(width <= room for _, width in lines):
            return [tex for tex, _ in lines]
    if side.width * 0.7 <= room:
        return [str(side.tex)]
    narrowest = min(
        (_filled(side.parts, room, c) for c in PIECES), key=lambda x: max(w for _, w in x)
    )
    return [tex for tex, _ in narrowest]


def _filled(parts: Sequence[Cut], room: float, cost: int) -> list[tuple[str, float]]:
    """Lines as full as they get, ending only before parts of at most that cost."""
    groups: list[tuple[str, float]] = []
    for position, part in enumerate(parts):
        if position and part.cost > cost:
            tex, width = groups[-1]
            groups[-1] = (f"{tex} {part.tex}", width + part.width)
        else:
            groups.append((part.tex, part.width))
    lines: list[tuple[str, float]] = []
    for tex, width in groups:
        if lines and lines[-1][1] + width <= room:
            lines[-1] = (f"{lines[-1][0]} {tex}", lines[-1][1] + width)
        else:
            lines.append((tex, width))
    return lines


def _remark(relation: Relation) -> tuple[str, float]:
    """The remarks about rows of the result, and their width."""
    if not relation.remarks:
        return "", 0.0
    text = "; ".join(relation.told_remarks)
    return rf"\hgremark{{{words(text)}}}", 2.5 + 0.45 * len(text)
