"""Laid-out formulas as Typst mathematics, and their pieces between which a line may end."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import assert_never

from handgrad.figures import BLANK, figure, mantissa_and_power
from handgrad.formats.mathematics import nodes
from handgrad.formats.mathematics.arrays import case_names, elided, grid, positions_shown, slices
from handgrad.formats.mathematics.formula import Formula
from handgrad.formats.mathematics.nodes import (
    BRACES,
    LIST,
    PRODUCT_BREAK,
    SQUARE,
    Mark,
    Node,
    SignKind,
    leaves_out,
    parts_of,
    pieces,
    row_numbers,
    rows_shown,
    separated,
    sliced,
    titled,
)
from handgrad.formats.style import Style
from handgrad.formats.typst.source import string
from handgrad.notation import Fence as Brackets
from handgrad.record import record
from handgrad.symbol import Symbol

BLANK_WIDTH = 5.0
"""The width in em of a place to write a figure in (`blank` in mathematics.typ)."""

ROWS, COLUMNS = 16, 12
"""Larger arrays are elided."""

SMALLER = 5
"""Arrays of more rows are set in smaller type."""

TALL = 1.05
"""More rows than this stand in brackets that grow; so a matrix of one row counts for."""

LINE = 1.2
"""The height of a row of a matrix, in em."""

_SIGNS: Mapping[SignKind, str] = {
    # A sign at the start of a line keeps the space of a sign between two terms.
    "+": 'class("binary", +)', "−": 'class("binary", −)', "<": "lt", ">": "gt", "≤": "lt.eq",
    "≥": "gt.eq", "times": "×", "dot": "dot.op", "entrywise": "dot.o",
    "divided": 'class("binary", ⊘)', "comma": "comma", "semicolon": "semi", "equals": "eq",
    "slash": "slash", "negative": "−", "partial": "∂", "one": 'bold("1")', "space": "thin",
    "tight": "",
}  # fmt: skip
_RELATIONS = {"<": "lt", ">": "gt", "≤": "lt.eq", "≥": "gt.eq"}
_BRACKETS = {
    "(": "paren.l", ")": "paren.r", "[": "bracket.l", "]": "bracket.r", "{": "brace.l",
    "}": "brace.r", "|": "bar.v", "‖": "bar.v.double",
}  # fmt: skip
_ACCENTS = {"hat": "hat", "bar": "macron", "tilde": "tilde"}


@record
class Typ:
    """Typst mathematics with the scripts of its last symbol still open.

    `sub` and `sup` are below and above it: W⁽²⁾ may yet become W⁽²⁾ᵀ.
    """

    base: str
    sub: str = ""
    sup: str = ""

    def __str__(self) -> str:
        if not self.sub and not self.sup:
            return self.base
        above = f", t: {self.sup}" if self.sup else ""
        below = f", b: {self.sub}" if self.sub else ""
        return f"attach({self.base}{above}{below})"


@record
class TypstPen:
    """Draws formulas as Typst mathematics.

    Arguments:
        columns_shown: columns of an array, or cases, shown at most.
        linear: on a single line, for running text.
    """

    style: Style
    columns_shown: int = COLUMNS
    linear: bool = False

    def formula(self) -> Formula:
        """Lays formulas out for this pen."""
        return Formula(self.style, self.linear)

    def pieces(self, node: Node) -> list[tuple[int, str]]:
        """The pieces between which a line may end, each with what it costs to end one before it."""
        if isinstance(node, nodes.Evaluated) and isinstance(array := node.part, nodes.Array):
            if array.literal.batched and grid(array.literal) is None:
                return self._cases_of_matrices(array)
            node = array if grid(array.literal) is None else node
        opened = pieces(node, self._opened)
        return [(cost, " ".join(filter(None, map(self._str, parts)))) for cost, parts in opened]

    def _opened(self, node: Node) -> nodes.Fenced | None:
        match node:
            case nodes.Fenced():
                return node
            case nodes.Array(literal) if grid(literal) is None:
                return self._braced(node)
            case _:
                return None

    def draw(self, node: Node | nodes.Bracket) -> Typ:
        """A formula, or a part of one."""
        match node:
            case nodes.Row(parts):
                return Typ(" ".join(filter(None, map(self._str, parts))))
            case nodes.Sign("dots"):
                return Typ("dots.h" if self.linear else "dots.h.c")
            case nodes.Sign(kind):
                return Typ(_SIGNS[kind])
            case nodes.Identifier(symbol, index):
                return _name(symbol, index)
            case nodes.FigureText(text):
                return Typ(_number(text))
            case nodes.Fenced(brackets, part):
                left, right = _BRACKETS[brackets.left], _BRACKETS[brackets.right]
                inside = f"{left} {self.draw(part)} {right}"
                return Typ(inside if brackets is LIST else f"lr({inside})")
            case nodes.Array(literal):
                rows = grid(literal, node.orientation)
                if rows is None:
                    return self.draw(self._braced(node))
                return Typ(self._matrix(rows, node.brackets, node.zeros, node.relation))
            case nodes.Evaluated():
                return Typ(self._result(node))
            case nodes.Condition(text):
                return Typ(_condition(text))
            case nodes.Head(notation):
                shown = notation.symbol
                head = shown if len(shown) == 1 and shown.isalpha() else f"op({string(shown)})"
                return Typ(f"{head}_{notation.index}" if notation.index else head)
            case nodes.Bracket(of, closing):
                sign = _BRACKETS[of.brackets.right if closing else of.brackets.left]
                height = self._height(of.part)
                return Typ(f"lr(size: #{LINE * height:.1f}em, {sign})" if height > 1 else sign)
            case nodes.Root(part):
                return Typ(f"sqrt({self.draw(part)})")
            case nodes.Stacked(over, under):
                # Fractions and matrices in a fraction would be set smaller.
                shares = [
                    f"display({self.draw(p)})" if self._height(p) > 1 else str(self.draw(p))
                    for p in (over, under)
                ]
                return Typ(f"frac({', '.join(shares)})")
            case nodes.Raised(base, exponent):
                drawn = self.draw(base)
                below = Typ(str(drawn)) if drawn.sup else drawn
                return Typ(below.base, below.sub, str(self.draw(exponent)))
            case nodes.Transposed(part):
                drawn = self.draw(part)
                # Within one string it stands as close as the figures do.
                sup = f'{drawn.sup[:-1]}⊤"' if drawn.sup.endswith('"') else f'{drawn.sup} "⊤"'
                return Typ(drawn.base, drawn.sub, sup.strip())
            case nodes.EntryOf(part, index):
                return Typ(str(self.draw(part)), sub=string(index))
            case nodes.Through(part, through):
                # An opening sign that stands for nothing: only pairs grow to the height between.
                return Typ(
                    f"lr(zws {self.draw(part)} bar.v)", sub=f"#through(${self.draw(through)}$)"
                )
            case nodes.Named(part):
                return self.draw(part)
            case _:
                assert_never(node)

    def _str(self, node: Node | nodes.Bracket) -> str:
        return str(self.draw(node))

    def _braced(self, array: nodes.Array) -> nodes.Fenced:
        """An array that is no grid: its parts in braces."""
        return nodes.Fenced(BRACES, separated(sliced(array, self._most_parts())))

    def _most_parts(self) -> int:
        return max(2, self.style.at_most(self.columns_shown))

    def _height(self, node: Node) -> float:
        """How high a part is, in rows of a matrix."""
        match node:
            case nodes.Array(literal):
                rows = grid(literal, node.orientation)
                if rows is None:
                    return max(self._height(nodes.Array(part)) for part in slices(literal))
                return max(len(elided(len(rows), self.most[0])), TALL)
            case nodes.Stacked(nodes.Row((nodes.Sign("partial"), *_))):
                return 1.8
            case nodes.Stacked(over, under):
                return self._height(over) + self._height(under)
            case _:
                return max(map(self._height, parts_of(node)), default=1.0)

    # -- arrays -------------------------------------------------------------------------------

    def _matrix(
        self,
        rows: Sequence[Sequence[float]],
        brackets: Brackets = SQUARE,
        marks: Mapping[tuple[int, int], Mark] | None = None,
        relation: str = "",
        headers: Sequence[str] = (),
        told: Collection[int] = (),
    ) -> str:
        """A grid of numbers, their decimal points under each other, headers over its columns."""
        shown_rows, shown_columns = positions_shown(rows, self.most, marks or {}, told)
        columns: list[list[str]] = []
        heads: list[str] = []
        for j in shown_columns:
            header = "" if not headers else headers[j] if j is not None else "⋯"
            cells, width = self._column(rows, shown_rows, j, marks or {}, header)
            columns.append(cells)
            heads.append(f"({width:.3f}em, {string(header)})")
        if relation:
            said = _condition(relation)
            columns[-1] = [
                f"{cell} {said}" if i is not None else cell
                for i, cell in zip(shown_rows, columns[-1], strict=True)
            ]
        lines = "; ".join(", ".join(cells) for cells in zip(*columns, strict=True))
        drawn = f"mat(delim: #{string(brackets.left)}, {lines})"
        if headers:
            drawn = f"attach(limits({drawn}), t: #case-heads({', '.join(heads)}))"
        return small(drawn, len(shown_rows))

    def _column(
        self,
        rows: Sequence[Sequence[float]],
        shown: Sequence[int | None],
        j: int | None,
        marks: Mapping[tuple[int, int], Mark],
        header: str,
    ) -> tuple[list[str], float]:
        """The cells of a column, all of one width, and that width in em."""
        if j is None:
            return ["dots.h.c" if i is not None else "dots.down" for i in shown], 1.0
        figures = {i: figure(rows[i][j], self.style.decimals) for i in shown if i is not None}
        extents = {i: _extent(text) for i, text in figures.items()}
        left = max((a for a, _ in extents.values()), default=0.5)
        right = max((b for _, b in extents.values()), default=0.0)
        spare = max(0.0, 0.4 * len(header) - left - right)
        cells: list[str] = []
        for i in shown:
            if i is None:
                cells.append("dots.v")
                continue
            before, after = left - extents[i][0] + spare / 2, right - extents[i][1] + spare / 2
            cell = _number(figures[i])
            mark = marks.get((i, j), "")
            cell = f"{mark}mark({cell})" if mark else cell
            cells.append(f"{_space(before)}{cell}{_space(after)}")
        return cells, left + right + spare

    # -- results ------------------------------------------------------------------------------

    def _result(self, result: nodes.Evaluated) -> str:
        """Numbers standing alone: cases under headers, what is special about entries marked."""
        part = result.part
        if isinstance(part, nodes.FigureText):
            mark = result.marks.get((), "")
            return f"{mark}mark({_number(part.text)})" if mark else _number(part.text)
        literal = part.literal
        rows = grid(literal)
        if rows is None:
            if literal.batched:
                return " ".join(shown for _, shown in self._cases_of_matrices(part))
            return self._str(part)
        headers = case_names(literal)
        drawn = self._matrix(rows, marks=result.placed, headers=headers, told=result.remarks)
        numbers = row_numbers(rows_shown(result, self.most))
        if not numbers:
            return drawn
        cells = "; ".join(f"numbered({string(number)})" for number in numbers)
        beside = small(f"mat(delim: #none, align: #left, {cells})", len(numbers))
        return f"{drawn} {beside}"

    def _cases_of_matrices(self, array: nodes.Array) -> list[tuple[int, str]]:
        shown: list[tuple[int, str]] = []
        for title, part in titled(array, self._most_parts()):
            drawn = self._str(part)
            if title:
                drawn = f"attach(limits({drawn}), t: #case-heads((0em, {string(title)})))"
            if shown:
                shown[-1] = PRODUCT_BREAK, f"{shown[-1][1]} comma"
            shown.append((PRODUCT_BREAK, f"thick {drawn}" if shown else drawn))
        return shown

    def leaves_out(self, result: nodes.Evaluated) -> bool:
        """Whether a result is too large to be shown whole."""
        return leaves_out(result, *self.most)

    @property
    def most(self) -> tuple[int, int]:
        """The rows and columns of an array that there is room for."""
        return self.style.at_most(ROWS), self.style.at_most(self.columns_shown)


def small(drawn: str, rows: int) -> str:
    """What stands in so many rows, in smaller type where there are many of them."""
    return f"#small(${drawn}$)" if rows > SMALLER else drawn


def _number(text: str) -> str:
    if text == BLANK:
        return "blank"
    mantissa, e, exponent = mantissa_and_power(_written(text))
    power = f' dot.op attach("10", t: {string(exponent)})' if e else ""
    return f"{string(mantissa)}{power}"


def _name(symbol: Symbol, index: str) -> Typ:
    own = _subscript(symbol.subscript)
    below = f"{own} comma {string(index)}" if own and index else own or (index and string(index))
    return Typ(
        _letters(symbol), below, string(f"({symbol.superscript})") if symbol.superscript else ""
    )


def _written(text: str) -> str:
    """A figure with the signs of print: −0.17, ∞; a power of ten still as e−9."""
    return text.replace("inf", "∞").replace("-", "−")


def _extent(text: str) -> tuple[float, float]:
    """The widths in em of a figure before its decimal point and from there on."""
    if text == BLANK:
        return BLANK_WIDTH, 0.0
    mantissa, e, exponent = mantissa_and_power(text)
    whole, point, decimals = mantissa.partition(".")
    left = 0.778 * whole.startswith("-") + 0.5 * len(whole.removeprefix("-"))
    right = (0.278 + 0.5 * len(decimals) if point else 0.0) + (
        1.72 + 0.35 * len(exponent) if e else 0
    )
    return left, right


def _space(em: float) -> str:
    return f" #h({em:.3f}em) " if em > 0 else ""


def _condition(text: str) -> str:
    """`> 0` as written after what it is said of."""
    sign, _, number = text.partition(" ")
    return f"{_RELATIONS[sign]} {string(number)}"


def _letters(symbol: Symbol) -> str:
    """The base with its accent: `hat(y)`, `"net"`, or the text a problem gives for it."""
    base = symbol.text or symbol.base
    if len(base) == 1 and base.isalpha():
        return f"{_ACCENTS[symbol.accent]}({base})" if symbol.accent else base
    return "dots.h" if base == "…" else string(base)


def _subscript(text: str) -> str:
    """Letters and figures as they are, words upright."""
    parts = re.findall(r"[^\W\d_]{2,}|.", text)
    return " ".join(
        "comma" if p == "," else p if len(p) == 1 and p.isalpha() else string(p) for p in parts
    )
