"""Relations: left = symbols = numbers = result, on one line or broken before each sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handgrad.formats.mathematics.nodes import Evaluated, Node, rows_shown
from handgrad.formats.mathematics.relation import are_given, sides
from handgrad.formats.terminal.box import Box, beside, line, padded, restyled, stacked, to_width
from handgrad.formats.terminal.fit import fitted
from handgrad.formats.terminal.pen import ROWS, TerminalPen
from handgrad.formats.terminal.text import single_line, wrapped
from handgrad.page.blocks import Derivation, Relation

GAP = "    "
"""Between values that stand beside each other."""


def derivation_lines(derivation: Derivation, pen: TerminalPen, width: int) -> list[Box]:
    """The relations one under the other, their signs aligned, labels in a column of their own."""
    relations = derivation.relations
    if are_given(relations):
        return _side_by_side(relations, pen, width)
    labels = [single_line(r.label, pen, "dim") for r in relations]
    column = max((label.width for label in labels), default=0)
    at_side = 0 < column <= max(10, width // 4) and width >= 40
    indent = column + 2 if at_side else 0
    room = width - indent
    lefts = [_left(relation, pen) for relation in relations]
    aligned = max((left.width for left in lefts if left.width <= room // 3), default=0)
    blocks: list[Box] = []
    tall = False
    for relation, left, label in zip(relations, lefts, labels, strict=True):
        if left.width < aligned:
            left = to_width(left, aligned, "r")
        lines = _lines(relation, left, pen, room)
        tall = tall or any(b.height > 1 for b in lines)
        body = stacked(lines)
        if at_side:
            head = padded(to_width(label, column), right=2)
            # The label stands where the left side is: at the baseline of the first line.
            body = beside(head, body)
        elif label.width:
            blocks += wrapped(relation.label, pen, width, "dim")
        blocks.append(body)
    if tall:
        blocks = [part for b in blocks for part in (line(""), b)][1:]
    return blocks


def _side_by_side(relations: Sequence[Relation], pen: TerminalPen, width: int) -> list[Box]:
    """Values, as many beside each other as fit."""
    blocks: list[Box] = []
    current: Box | None = None
    for relation in relations:
        drawn = stacked(_lines(relation, _left(relation, pen), pen, width))
        if current is not None and current.width + len(GAP) + drawn.width <= width:
            current = beside(current, line(GAP), drawn)
            continue
        if current is not None:
            blocks += [current, line("")]
        current = drawn
    return blocks if current is None else [*blocks, current]


def _lines(relation: Relation, left: Box, pen: TerminalPen, width: int) -> list[Box]:
    """A relation in lines, its left side as drawn."""
    formula = pen.formula()
    parts = sides(relation, formula)
    result = len(parts) > 1 or relation.quantity is not None
    bold = len(parts) - 1 if result and isinstance(parts[-1], Evaluated) else None
    loose: Sequence[str] = ()
    if relation.remarks and parts and not _remarks_fit(parts[-1], pen, width):
        loose = relation.told_remarks
        if isinstance(parts[-1], Evaluated):
            parts[-1] = replace(parts[-1], remarks={})
    told = relation.quantity or "bold"
    drawn = [restyled(pen.draw(p), told if k == bold else "") for k, p in enumerate(parts)]
    sign = pen.glyphs.becomes if relation.sign == "←" else relation.sign
    boxes = [left]
    for k, box in enumerate(drawn):
        shown = sign if k == 0 else "="
        boxes += [line(f" {shown} " if left.width or k else f"{shown} "), box]
    whole = beside(*boxes)
    if whole.width <= width:
        return [whole, *_loose_remarks(loose, relation.tone, pen, width)]
    lines: list[Box] = []
    indent = left.width
    if indent > max(width // 2, 8) and relation.left is not None:
        lines += fitted(formula.node(relation.left), pen, width)
        left, indent = line(""), min(2, width // 8)
    for k, part in enumerate(parts):
        shown = sign if k == 0 else "="
        head = to_width(left if k == 0 and left.width else line(" " * indent), indent)
        signed = beside(head, line(f" {shown} " if head.width else f"{shown} "))
        style = told if k == bold else ""
        for m, piece in enumerate(fitted(part, pen, max(1, width - signed.width), style, drawn[k])):
            lines.append(beside(signed if m == 0 else line(" " * signed.width), piece))
    return lines + _loose_remarks(loose, relation.tone, pen, width)


def _left(relation: Relation, pen: TerminalPen) -> Box:
    return pen.draw(pen.formula().node(relation.left)) if relation.left is not None else line("")


def _loose_remarks(told: Sequence[str], tone: str, pen: TerminalPen, width: int) -> list[Box]:
    """Remarks below a relation, naming their rows."""
    lines: list[Box] = []
    for text in told:
        lines += wrapped((f"{pen.glyphs.remark} {text}",), pen, width, tone)
    return lines


def _remarks_fit(result: Node, pen: TerminalPen, width: int) -> bool:
    """Whether a result leaves room beside it for its remarks, and shows all of their rows."""
    if not isinstance(result, Evaluated) or pen.draw(result).width > width * 2 // 3:
        return False
    shown = rows_shown(result, (ROWS, pen.columns_shown))
    return all(row in shown for row in result.remarks)
