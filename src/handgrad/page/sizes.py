"""About how much room blocks take on a slide, in ems of its text, as the printed deck sets them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import assert_never

from handgrad import expression as tree
from handgrad.expression import Adjoint, Expression, Nested
from handgrad.figures import figure
from handgrad.notation import Fraction, Function, Transposition
from handgrad.operations import BY_NAME
from handgrad.operations.ranks import divides_arrays
from handgrad.page.blocks import (
    Block,
    Code,
    Columns,
    Derivation,
    Figure,
    Heading,
    Legend,
    Note,
    Paragraph,
    Relation,
    Room,
    Table,
    Text,
)
from handgrad.record import record

WIDTH = 40.5
"""The width of a slide's text, in ems: 16:9 at 18 points."""

LETTER = 0.475
"""The mean width of a letter of running text."""

LINE = 1.32
"""From one line of text to the next."""

GAP, UNDER = 0.85, 0.35
"""Between two blocks, and between a heading and what stands under it."""

BESIDE = 2.0
"""Between two columns."""

EM = 14.0
"""Pixels of a drawing that an em is: its letters are then as large as the text."""

ROW, BRACKETS, BETWEEN = 1.33, 1.0, 0.85
"""Of a matrix: the height of a row, the width of its brackets, and between its columns."""

NUMBERED = 2.4
"""What says beside rows which they are, where others are left out."""

_WIDTHS = {".": 0.28, "-": 0.78, "e": 1.6}


@record
class Sizes:
    """Reckons sizes in ems of the text; of an array at most `shown` rows and columns are printed."""

    shown: int = 12

    def height(self, block: Block, width: float = WIDTH) -> float:
        """About how high a block is where it is so wide."""
        match block:
            case Heading(text):
                return LINE * self._lines(text, width - 2.6)
            case Paragraph(text):
                return LINE * self._lines(text, width)
            case Derivation(relations):
                return self._derivation(relations, width)
            case Legend():
                return LINE
            case Note():
                inner = width - 2.1
                derived = sum(self._derivation(d.relations, inner) + GAP for d in block.derivations)
                return 0.7 + LINE * self._lines(block.text, inner) + derived
            case Table():
                rows = (max((self._cell(cell) for cell in row), default=1.0) for row in block.rows)
                return 2.0 + sum(rows) + (1.9 if block.caption else 0)
            case Figure():
                return self.figure_size(block, width)[1]
            case Code(source):
                return 1.2 * (source.count("\n") + 1) + 1.4
            case Room():
                return 2.5 * bool(block.fields) + 1.85 * block.lines
            case Columns(columns, shares):
                shares = shares or (1.0,) * len(columns)
                room = width - BESIDE * (len(columns) - 1)
                each = [room * share / sum(shares) for share in shares]
                sized = zip(columns, each, strict=True)
                return max((self.total(column, wide) for column, wide in sized), default=0)
            case _:
                assert_never(block)

    def total(self, blocks: Sequence[Block], width: float = WIDTH) -> float:
        """About how high blocks are, one under the other, with the gaps between them."""
        gaps = sum(UNDER if isinstance(block, Heading) else GAP for block in blocks[:-1])
        return sum(self.height(block, width) for block in blocks) + gaps

    def widest(self, blocks: Sequence[Block]) -> float:
        """How wide the widest formula of blocks is where no line of it is broken; of text nothing."""
        widths = [0.0]
        for block in blocks:
            if isinstance(block, Derivation):
                widths += [self.relation_size(r)[0] for r in block.relations]
            elif isinstance(block, Table):
                widths.append(self._table_width(block))
            elif isinstance(block, Note):
                widths += [self.relation_size(r)[0] for d in block.derivations for r in d.relations]
        return max(widths)

    def figure_size(self, block: Figure, width: float) -> tuple[float, float]:
        """How large a picture's letters are beside the text, and its height with the caption."""
        natural = block.drawing.width / EM
        factor = min(block.scale, width / natural)
        caption = LINE * 0.9 * self._lines(block.caption, width) + 0.8 if block.caption else 0.0
        return factor, factor * block.drawing.height / EM + 1.2 + caption

    def text_width(self, text: Text) -> float:
        """The width of running text on one line."""
        return sum(LETTER * len(p) if isinstance(p, str) else self.extent(p)[0] for p in text)

    def _lines(self, text: Text, width: float) -> int:
        return 1 + int(self.text_width(text) // max(width, 1)) if text else 0

    def _table_width(self, table: Table) -> float:
        def wide(cell: Text) -> float:
            return sum(0.5 * len(p) if isinstance(p, str) else self.extent(p)[0] for p in cell)

        columns = [
            max([wide(head), *[wide(row[k]) for row in table.rows]])
            for k, head in enumerate(table.header)
        ]
        return sum(columns) + 1.4 * len(columns)

    def _cell(self, cell: Text) -> float:
        if len(cell) != 1:
            return 1.95
        return (
            max((1.0 if isinstance(p, str) else self.extent(p)[1] for p in cell), default=1.0)
            + 0.95
        )

    def _derivation(self, relations: Sequence[Relation], width: float) -> float:
        if are_values(relations) and len(relations) > 1:
            return self._values(relations, width)
        return sum(self._relation(r, width) + GAP for r in relations) - GAP if relations else 0.0

    def _values(self, relations: Sequence[Relation], width: float) -> float:
        lines: list[float] = []
        used = 0.0
        for relation in relations:
            wide, high = self.relation_size(relation)
            if not lines or used + wide > width:
                lines.append(0.0)
                used = 0.0
            used += wide + 2.2
            lines[-1] = max(lines[-1], high)
        return sum(lines) + 1.1 * (len(lines) - 1)

    def relation_size(self, relation: Relation) -> tuple[float, float]:
        """The width and the height of a relation on one line."""
        sides = [self.extent(e) for e in relation.chain]
        left = self.extent(relation.left)[0] if relation.left is not None else 0.0
        label = self.text_width(relation.label) + 1.2 if relation.label else 0.0
        remarks = max((0.42 * len(r) + 1.5 for r in relation.remarks.values()), default=0.0)
        last = relation.chain[-1]
        rows = last.shape[0] if isinstance(last, tree.Literal) and last.shape else 0
        numbered = NUMBERED if rows > self.shown else 0.0
        width = label + left + sum(w + 1.4 for w, _ in sides) + numbered + remarks
        return width, max([h for _, h in sides] + [1.0])

    def _relation(self, relation: Relation, width: float) -> float:
        whole, high = self.relation_size(relation)
        if whole <= width:
            return high
        left = self.extent(relation.left)[0] if relation.left is not None else 0.0
        label = self.text_width(relation.label) + 1.2 if relation.label else 0.0
        room = max(width - left - label - 1.4, 4.0)
        sides = [self.extent(e) for e in relation.chain]
        return sum((1 + int(w // room)) * (h + GAP) for w, h in sides) - GAP

    @lru_cache(maxsize=4096)  # noqa: B019 - what fits where is tried with the same formulas many times
    def extent(self, expression: Expression) -> tuple[float, float]:
        """About how wide and high a formula is."""
        match expression:
            case tree.Literal(value=tuple()):
                return self._array(expression)
            case tree.Literal():
                return _number(expression.value), 1.0
            case Adjoint():
                return (1.6, 1.1) if expression.name[0] == "z" else (2.3, 2.3)
            case tree.Call(operation, arguments):
                sizes = [self.extent(a) for a in arguments]
                high = max((h for _, h in sizes), default=1.0)
                wide = sum(w for w, _ in sizes)
                match BY_NAME[operation].notation:
                    case Fraction() if not divides_arrays(expression):
                        return max(w for w, _ in sizes), sum(h for _, h in sizes)
                    case Function(name):
                        return wide + 0.5 * len(name) + 0.8, high
                    case Transposition():
                        return wide + 0.5, high
                    case _:
                        return wide + 0.9 * max(0, len(sizes) - 1) + 0.3, high
            case _:
                return 1.5, 1.1

    def _array(self, literal: tree.Literal) -> tuple[float, float]:
        value = literal.value
        assert isinstance(value, tuple)
        rank = len(literal.shape) + literal.batched
        if rank > 2:
            # Cases, or slices, beside each other.
            count = min(_last(value) if literal.batched else len(value), 6)
            rows = literal.shape[0] if literal.shape else 1
            across = literal.shape[-1] if len(literal.shape) > 1 else 1
            return count * (3.4 * min(across, self.shown) + 1.5), ROW * min(rows, self.shown) + 0.4
        if rank == 1 and literal.batched:
            rows_of: Sequence[Nested] = (value,)
        else:
            rows_of = value
        grid = [row if isinstance(row, tuple) else (row,) for row in rows_of]
        columns = min(len(grid[0]) if grid else 0, self.shown)
        widths = [max((_number(row[k]) for row in grid), default=1.0) for k in range(columns)]
        high = ROW * min(len(grid), self.shown) + 0.3 + (0.9 if literal.batched else 0)
        return sum(widths) + BETWEEN * (len(widths) - 1) + BRACKETS, high


def are_values(relations: Sequence[Relation]) -> bool:
    """Whether they only say what values are, in numbers: such stand beside each other."""
    return all(
        len(r.chain) == 1 and isinstance(r.chain[0], tree.Literal) and not r.label
        for r in relations
    )


def _number(x: Nested) -> float:
    if isinstance(x, tuple):
        return 2.0
    return sum(_WIDTHS.get(c, 0.5) for c in figure(x))


def _last(value: Nested) -> int:
    while isinstance(value, tuple) and value and isinstance(value[0], tuple):
        value = value[0]
    return len(value) if isinstance(value, tuple) else 1
