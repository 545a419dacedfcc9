"""Relations: left = symbols = numbers = result, on one line or broken before each sign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handgrad import expression as tree
from handgrad.page.blocks import Derivation, Relation
from handgrad.render.arrays import elided, grid
from handgrad.render.terminal.box import Box, beside, line, padded, restyled, stacked, to_width
from handgrad.render.terminal.fit import fitted
from handgrad.render.terminal.pen import ROWS, TerminalPen
from handgrad.render.terminal.text import single_line, wrapped

GAP = "    "
"""Between values that stand beside each other."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One side of a relation; the result knows its marks and remarks."""

    expression: tree.Expression
    relation: Relation
    is_result: bool
    remarked: bool = True

    def draw(self, pen: TerminalPen) -> Box:
        if not isinstance(self.expression, tree.Literal):
            return pen.draw(self.expression)
        if not self.is_result:
            cased = self.expression.cased
            return pen.result(self.expression, {}, {})[0] if cased else pen.draw(self.expression)
        remarks = self.relation.remarks if self.remarked else {}
        box, left_out = pen.result(self.expression, _styles(self.relation), remarks)
        if left_out and self.relation.shape:
            shape = self.relation.shape
            words = f"{shape} entries" if shape.isdigit() else shape
            box = beside(box, pen.text(f"  {words}", "dim"))
        return restyled(box, "bold") if len(self.relation.chain) > 1 else box


def _styles(relation: Relation) -> Mapping[tuple[int, ...], str]:
    return {index: mark for index, mark in relation.marks.items() if mark != "on"}


def derivation_lines(derivation: Derivation, pen: TerminalPen, width: int) -> list[Box]:
    """The relations one under the other, their signs aligned, labels in a column of their own."""
    relations = derivation.relations
    if len(relations) > 1 and all(_is_given(r) for r in relations):
        return _side_by_side(relations, pen, width)
    labels = [single_line(r.label, pen, "dim") for r in relations]
    column = max((label.width for label in labels), default=0)
    at_side = 0 < column <= max(10, width // 4) and width >= 40
    indent = column + 2 if at_side else 0
    room = width - indent
    lefts = [pen.draw(r.left).width if r.left is not None else 0 for r in relations]
    aligned = max((w for w in lefts if w <= room // 3), default=0)
    blocks: list[Box] = []
    tall = False
    for relation, label in zip(relations, labels, strict=True):
        lines = relation_lines(relation, pen, room, aligned)
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


def _is_given(relation: Relation) -> bool:
    """Whether it only says what a value is, in numbers."""
    return (
        len(relation.chain) == 1
        and isinstance(relation.chain[0], tree.Literal)
        and not relation.label
        and not relation.remarks
    )


def _side_by_side(relations: Sequence[Relation], pen: TerminalPen, width: int) -> list[Box]:
    """Values, as many beside each other as fit."""
    blocks: list[Box] = []
    current: Box | None = None
    for relation in relations:
        drawn = stacked(relation_lines(relation, pen, width))
        if current is not None and current.width + len(GAP) + drawn.width <= width:
            current = beside(current, line(GAP), drawn)
            continue
        if current is not None:
            blocks += [current, line("")]
        current = drawn
    return blocks if current is None else [*blocks, current]


def relation_lines(relation: Relation, pen: TerminalPen, width: int, aligned: int = 0) -> list[Box]:
    """A relation in lines; `aligned` is the width its left side is padded to, if it is narrower."""
    parts = [
        _Part(e, relation, is_result=k == len(relation.chain) - 1)
        for k, e in enumerate(relation.chain)
    ]
    left = _left(relation, pen, width, aligned)
    sign = pen.glyphs.becomes if relation.sign == "←" else relation.sign
    parts, loose = _remarks_apart(parts, pen, width)
    whole = _on_one_line(left, sign, parts, pen)
    if whole.width <= width:
        return [whole, *_loose_remarks(loose, pen, width)]
    lines: list[Box] = []
    indent = left.width
    if indent > max(width // 2, 8):
        lines += fitted(lambda p: _left(relation, p, width, 0), pen, width)
        left, indent = line(""), min(2, width // 8)
    for k, part in enumerate(parts):
        shown = sign if k == 0 else "="
        head = to_width(left if k == 0 and left.width else line(" " * indent), indent)
        signed = beside(head, line(f" {shown} " if head.width else f"{shown} "))
        for m, piece in enumerate(fitted(part.draw, pen, max(1, width - signed.width))):
            lines.append(beside(signed if m == 0 else line(" " * signed.width), piece))
    return lines + _loose_remarks(loose, pen, width)


def _loose_remarks(told: Sequence[str], pen: TerminalPen, width: int) -> list[Box]:
    """Remarks below a relation, naming their rows."""
    lines: list[Box] = []
    for text in told:
        lines += wrapped((f"{pen.glyphs.remark} {text}",), pen, width, "off")
    return lines


def _left(relation: Relation, pen: TerminalPen, width: int, aligned: int) -> Box:
    box = pen.draw(relation.left) if relation.left is not None else line("")
    return to_width(box, aligned, "r") if box.width < aligned <= width else box


def _on_one_line(left: Box, sign: str, parts: Sequence[_Part], pen: TerminalPen) -> Box:
    boxes = [left]
    for k, part in enumerate(parts):
        shown = sign if k == 0 else "="
        blank = left.width or k
        boxes += [line(f" {shown} " if blank else f"{shown} "), part.draw(pen)]
    return beside(*boxes)


def _remarks_apart(
    parts: list[_Part], pen: TerminalPen, width: int
) -> tuple[list[_Part], tuple[str, ...]]:
    """The parts, and the remarks that have no room (or no row) beside the result."""
    if not parts or not parts[-1].relation.remarks:
        return parts, ()
    last = parts[-1]
    if isinstance(last.expression, tree.Literal) and last.draw(pen).width <= width * 2 // 3:
        rows = grid(last.expression) if isinstance(last.expression.value, tuple) else ((),)
        shown = elided(len(rows or ()), ROWS)
        if all(row in shown for row in last.relation.remarks):
            return parts, ()
    apart = _Part(last.expression, last.relation, is_result=True, remarked=False)
    return [*parts[:-1], apart], last.relation.told_remarks
