"""A laid-out formula as MathML Core, its quantities marked with the names that code gives them.

Every name, gradient and entry carries `data-q`, its spelling in code counted from 0: `z2`,
`z2[1]`, `dW2[1,0]`. So does a number that stands where a formula has a name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import cache
from html import escape
from typing import assert_never

from handgrad import expression as tree
from handgrad.expression import Expression
from handgrad.figures import figure
from handgrad.formats.markup import (
    Math,
    attributes_of,
    blank_space,
    entry_names,
    fenced,
    one,
    plain,
    quantity,
    relation_after,
    remark_beside,
    subscript,
    tail_width,
)
from handgrad.formats.mathematics import nodes
from handgrad.formats.mathematics.arrays import (
    Positions,
    case_names,
    grid,
    place_in_grid,
    positions_shown,
)
from handgrad.formats.mathematics.formula import Formula
from handgrad.formats.mathematics.nodes import (
    SQUARE,
    SUM_SIGNS,
    Mark,
    Node,
    SignKind,
    leaves_out,
    row_numbers,
    rows_shown,
    sliced,
    titled,
)
from handgrad.formats.mathematics.printed import printed
from handgrad.formats.mathematics.widths import Widths
from handgrad.formats.mathml_leaves import called_name, drawn_head, drawn_name, drawn_number
from handgrad.formats.memo import Memo
from handgrad.formats.style import Style
from handgrad.record import record

ROWS, COLUMNS = 12, 12
"""Larger arrays are elided."""

CASES = 8
"""Matrices shown beside each other at most, one for each case."""

CASE = 4.2
"""The width in em of a column with "case 1" above it, its padding included: the page's style keeps it so wide."""

NUMBERED = 2.6
"""The width in em of what stands beside rows."""

FENCED = 16.0
"""Ems of brackets that a line may end within."""

_GAP = '<mspace width="0.2em"/>'
_SIGNS: Mapping[SignKind, str] = {
    **{sign: f"<mo>{escape(sign)}</mo>" for sign in SUM_SIGNS},
    "times": "<mo>×</mo>", "dot": "<mo>·</mo>", "entrywise": "<mo>⊙</mo>", "divided": "<mo>⊘</mo>",
    "space": _GAP, "tight": "", "comma": "<mo>,</mo>", "semicolon": "<mo>;</mo>",
    "equals": "<mo>=</mo>", "slash": '<mo lspace="0" rspace="0">/</mo>',
    "negative": '<mo form="prefix">−</mo>', "partial": "<mi>∂</mi>", "one": "<mn>𝟏</mn>",
    "dots": "<mo>…</mo>",
}  # fmt: skip


_widths = cache(Widths)


@record
class MathmlPen:
    """Draws formulas as MathML.

    Arguments:
        inline: for running text, where nothing is taller than a line.
        names: by the identity of a literal, what its numbers are called.
        after: the numbers are what an update makes of the names that they have.
        case: the case that they are of, where they are of one of many.
        each: what they are called differs from case to case, as a case's part of a gradient does.
        memo: the markup that was made before in this style.
    """

    style: Style
    inline: bool = False
    names: Mapping[int, str] = field(default_factory=dict)
    after: bool = False
    case: int | None = None
    each: bool = False
    memo: Memo = field(default_factory=Memo)

    def calling(
        self, names: Mapping[int, str], *, after: bool, case: int | None, each: bool
    ) -> MathmlPen:
        """The pen for a formula whose numbers are called so."""
        return MathmlPen(self.style, self.inline, names, after, case, each, self.memo)

    def formula(self) -> Formula:
        """Lays formulas out for this pen."""
        return Formula(
            self.style, self.inline, named=lambda e: self.names.get(id(e), "") or quantity(e)
        )

    def draw(self, expression: Expression) -> str:
        """A whole formula, without the `math` element around it."""
        return self.text(self.formula().node(expression))

    def text(self, node: Node) -> str:
        """A laid-out formula, or a part of one; what stands in most of them by a shorter way."""
        if isinstance(node, nodes.Row):
            return "".join(map(self.text, node.parts))
        if isinstance(node, nodes.Sign):
            return _SIGNS[node.kind]
        if isinstance(node, nodes.FigureText):
            return drawn_number(node.text)
        if isinstance(node, nodes.Fenced):
            return fenced(self.text(node.part), node.brackets)
        if isinstance(node, nodes.Array):
            return self._array(node, "")
        if isinstance(node, nodes.Stacked):
            return f"<mfrac>{one(self.text(node.over))}{one(self.text(node.under))}</mfrac>"
        if isinstance(node, nodes.Named) and isinstance(part := node.part, nodes.Identifier):
            return called_name(part.symbol, part.index, node.name)
        return str(self.math(node))

    def math(self, node: Node) -> Math:
        """The same, its scripts still open."""
        match node:
            case nodes.Named(nodes.Array() as array, name):
                return Math(self._array(array, name), quantity=name)
            case nodes.Named(nodes.Evaluated() as result, name):
                return Math(self._result(result, name))
            case nodes.Identifier(symbol, index):
                return drawn_name(symbol, index)
            case nodes.Row() | nodes.Sign() | nodes.FigureText() | nodes.Array():
                return Math(self.text(node))
            case nodes.Fenced() | nodes.Stacked():
                return Math(self.text(node))
            case nodes.Named(part, name):
                drawn = self.math(part)
                said = self._said(name, part.value) if isinstance(part, nodes.FigureText) else ""
                return Math(drawn.base, drawn.sub, drawn.sup, name, said)
            case nodes.Evaluated():
                return Math(self._result(node, ""))
            case nodes.Condition(text):
                return Math(relation_after(text))
            case nodes.Head(notation):
                return Math(drawn_head(notation))
            case nodes.Root(part):
                return Math(f"<msqrt>{self.text(part)}</msqrt>")
            case nodes.Raised(base, exponent):
                return Math(self.text(base), sup=self.text(exponent))
            case nodes.Transposed(part):
                drawn = self.math(part)
                return replace(drawn, sup=f"{drawn.sup}<mi>⊤</mi>")
            case nodes.EntryOf(part, index):
                return Math(self.text(part), sub=subscript(index))
            case nodes.Through(part, through):
                bar = '<mo form="postfix" fence="true" stretchy="true">|</mo>'
                return Math(f"{self.text(part)}{bar}", sub=self.text(through))
            case _:
                assert_never(node)

    def pieces(self, node: Node) -> list[tuple[str, float]]:
        """A formula in the pieces between which a line may end, and how wide each is in ems."""
        name, part = (node.name, node.part) if isinstance(node, nodes.Named) else ("", node)
        if isinstance(part, nodes.Evaluated) and isinstance(array := part.part, nodes.Array):
            if grid(array.literal) is not None:
                return [(self.text(node), self.width(node))]
            widest = max(map(self.width, sliced(array, self.style.at_most(CASES))), default=0.0)
            return [(matrix, widest) for matrix in self._each_case(array, name)]
        found = _with_signs([parts for _, parts in nodes.pieces(node, self._opened) if parts])
        return [(self._joined(parts), sum(map(self.width, parts))) for parts in found]

    def _joined(self, parts: Sequence[Node | nodes.Bracket]) -> str:
        """The parts of a piece; a sign that begins it keeps the space of one between two."""
        markup = "".join(map(self._piece, parts))
        first = parts[0]
        between = isinstance(first, nodes.Sign) and first.kind in nodes.SUM_SIGNS
        return markup.replace("<mo>", '<mo form="infix">', 1) if between else markup

    def width(self, node: Node | nodes.Bracket) -> float:
        """How wide a part of a formula is, about, in ems."""
        if isinstance(node, nodes.Named):
            return self.width(node.part)
        width = _widths(*self._most(), self.style.decimals).of(node)
        part = node.part if isinstance(node, nodes.Evaluated) else None
        if isinstance(node, nodes.Evaluated) and row_numbers(self.rows_shown(node)):
            width += NUMBERED
        if not isinstance(part, nodes.Array) or not part.literal.batched:
            return width
        return max(width, CASE * min(nodes.columns(part), self._most()[1]))

    def _opened(self, node: Node) -> nodes.Fenced | None:
        """The brackets that a line may end in: wide ones, or those around an array's parts."""
        if isinstance(node, nodes.Fenced):
            return node if self.width(node) > FENCED else None
        if isinstance(node, nodes.Array) and grid(node.literal, node.orientation) is None:
            parts = sliced(node, self.style.at_most(CASES))
            return nodes.Fenced(nodes.BRACES, nodes.separated(parts))
        return None

    def _piece(self, part: Node | nodes.Bracket) -> str:
        if isinstance(part, nodes.Bracket):
            brackets = part.of.brackets
            form, sign = ("postfix", brackets.right) if part.closing else ("prefix", brackets.left)
            return f'<mo form="{form}">{plain(sign)}</mo>'
        return self.text(part)

    # -- arrays -------------------------------------------------------------------------------

    def _array(self, array: nodes.Array, name: str) -> str:
        key = (
            "array", printed(array.literal), array.orientation, array.brackets.left, array.relation,
            array.within, array.case, name, self.after, self.case, self.each,
        )  # fmt: skip
        return self.memo.of(key, lambda: self._drawn_array(array, name))

    def _drawn_array(self, array: nodes.Array, name: str) -> str:
        if grid(array.literal, array.orientation) is not None:
            return fenced(self._table(array, name), array.brackets)
        parts = sliced(array, self.style.at_most(CASES))
        drawn = [
            f"<mrow>{self._array(part, name)}</mrow>"
            if isinstance(part, nodes.Array)
            else _SIGNS["dots"]
            for part in parts
        ]
        return f"<mo>{{</mo>{'<mo>,</mo>'.join(drawn)}<mo>}}</mo>"

    def _table(
        self,
        array: nodes.Array,
        name: str,
        marks: Mapping[tuple[int, ...], Mark] | None = None,
        headers: bool = False,
        told: Collection[int] = (),
    ) -> str:
        """The entries of a grid, every column aligned at the decimal point."""
        literal, orientation, relation = array.literal, array.orientation, array.relation
        rows = grid(literal, orientation)
        assert rows is not None
        placed = {place_in_grid(literal, at): mark for at, mark in (marks or {}).items()}
        placed = placed or array.zeros
        shown_rows, shown_columns = positions_shown(rows, self._most(), placed, told)
        decimals = self.style.decimals
        down = [i for i in shown_rows if i is not None]
        figures = {
            j: {i: figure(rows[i][j], decimals) for i in down}
            for j in shown_columns
            if j is not None
        }
        tails = {j: max(map(tail_width, column.values())) for j, column in figures.items()}
        lines: list[str] = []
        cases = case_names(literal) if headers else []
        entry_of = entry_names(literal, orientation, name, array.within)
        for position, i in enumerate(shown_rows):
            cells: list[str] = []
            for j in shown_columns:
                if i is None or j is None:
                    dots = "⋱" if i is None and j is None else "⋮" if i is None else "⋯"
                    cells.append(f'<mtd class="dots"><mo>{dots}</mo></mtd>')
                    continue
                text = figures[j][i]
                space = blank_space(tails[j] - tail_width(text))
                label = f'<mtext class="case">{cases[j]}</mtext>' if cases and not position else ""
                entry = entry_of(i, j)
                attributes = attributes_of(entry, placed.get((i, j), ""))
                if entry and self.style.live is not None:
                    case = array.case
                    if literal.batched:
                        column = j if orientation == "upright" else i
                        case = literal.position(len(literal.shape), column)
                    attributes += self._said(entry, rows[i][j], case)
                cells.append(f"<mtd{attributes}>{label}{drawn_number(text)}{space}</mtd>")
            if relation:
                cells.append(
                    f'<mtd class="beside">{relation_after(relation) if i is not None else ""}</mtd>'
                )
            lines.append(f"<mtr>{''.join(cells)}</mtr>")
        kind = ' class="cases"' if headers else ""
        return f"<mtable{kind}>{''.join(lines)}</mtable>"

    # -- whole parts --------------------------------------------------------------------------

    def _result(self, result: nodes.Evaluated, name: str) -> str:
        """Numbers standing alone: cases under headers, marked entries, remarks beside rows."""
        part, remarks = result.part, result.remarks
        if isinstance(part, nodes.FigureText):
            mark = result.marks.get((), "")
            said = self._said(name, part.value)
            remark = "".join(remark_beside(words, result.tone) for words in remarks.values())
            drawn = drawn_number(part.text)
            if not said and (not mark or mark == "on"):
                return f"{Math(drawn, quantity=name)}{remark}"
            return f"<mrow{attributes_of(name, mark)}{said}>{drawn}</mrow>{remark}"
        rows = grid(part.literal)
        if rows is None:
            return _GAP.join(self._each_case(part, name))
        batched, remarks = part.literal.batched, result.remarks
        table = self._table(part, name, result.marks, headers=batched, told=remarks)
        # The brackets' own element has the name.
        whole = fenced(table, SQUARE).replace(">", f"{attributes_of(name, '')}>", 1)
        if numbers := row_numbers(self.rows_shown(result)):
            lines = "".join(
                f'<mtr><mtd><mtext class="row">{n}</mtext></mtd></mtr>' for n in numbers
            )
            whole += f'<mtable class="rows">{lines}</mtable>'
        if remarks:
            at = [-1 if i is None else i for i in self.rows_shown(result)]
            beside = [remark_beside(remarks[i], result.tone) if i in remarks else "" for i in at]
            lines = "".join(f"<mtr><mtd>{remark}</mtd></mtr>" for remark in beside)
            whole += f'<mtable class="remarks">{lines}</mtable>'
        return whole

    def rows_shown(self, result: nodes.Evaluated) -> Positions:
        """Which rows of a result are shown."""
        return rows_shown(result, self._most())

    def leaves_out(self, result: nodes.Evaluated) -> bool:
        """Whether a result is too large to be shown whole."""
        return leaves_out(result, *self._most())

    def _most(self) -> tuple[int, int]:
        return self.style.at_most(ROWS), self.style.at_most(COLUMNS)

    def column(
        self, numbers: Sequence[tree.Literal], names: Sequence[str], marks: Sequence[str]
    ) -> list[str]:
        """Numbers of a table's column with their names and marks, padded to their decimal points."""
        values = [x for n in numbers if (x := tree.number(n)) is not None]
        texts = [figure(x, self.style.decimals) for x in values]
        longest = max(map(tail_width, texts), default=0.0)
        return [
            f"<mrow{attributes_of(name, mark)}{self._said(name, value)}>{drawn_number(text)}</mrow>"
            f"{blank_space(longest - tail_width(text))}"
            for text, name, value, mark in zip(texts, names, values, marks, strict=True)
        ]

    def _said(self, name: str, value: float | None, case: int | None = None) -> str:
        """What a page that is edited says of a figure; nothing on any other."""
        live = self.style.live
        if live is None:
            return ""
        if case is None and (self.each or name.partition("[")[0] in live.batched):
            case = self.case
        return live.entry(name, value, case, after=self.after) if name else ""

    def _each_case(self, array: nodes.Array, name: str) -> Iterator[str]:
        """The matrices of the cases; a comma after each but the last, as beside each other they were a product."""
        parts = list(titled(array, self.style.at_most(CASES)))
        for k, (title, part) in enumerate(parts):
            comma = "<mo>,</mo>" if k < len(parts) - 1 else ""
            if not isinstance(part, nodes.Array):
                yield f"<mo>⋯</mo>{comma}"
                continue
            matrix = f"<mrow>{self._array(part, name)}</mrow>"
            head = f"<mtext>{title}</mtext>"
            yield (f'<mover class="case">{matrix}{head}</mover>' if title else matrix) + comma


def _with_signs(
    pieces: Sequence[Sequence[Node | nodes.Bracket]],
) -> Iterator[tuple[Node | nodes.Bracket, ...]]:
    """Pieces of a formula of which those that begin with a factor begin with its sign, as terms do."""
    unsigned = False
    for parts in pieces:
        yield (nodes.Sign("dot"), *parts) if unsigned else tuple(parts)
        last = parts[-1]
        unsigned = isinstance(last, nodes.Sign) and last.kind in ("space", "tight")
