"""Laid-out formulas drawn with characters, in two dimensions or on a single line."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import assert_never

from handgrad.figures import BLANK, figure, mantissa_and_power
from handgrad.figures import padded as at_points
from handgrad.formats.mathematics import nodes
from handgrad.formats.mathematics.arrays import case_names, grid, positions_shown
from handgrad.formats.mathematics.formula import Formula
from handgrad.formats.mathematics.nodes import (
    PRODUCT_BREAK,
    Node,
    SignKind,
    leaves_out,
    row_numbers,
    separated,
    sliced,
    titled,
)
from handgrad.formats.style import Style
from handgrad.formats.terminal import box as boxes
from handgrad.formats.terminal.box import Box, beside, breakable, fenced, line, stacked, to_width
from handgrad.formats.terminal.characters import (
    ACCENTS,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    Bracket,
    Glyphs,
    clean,
    columns,
    script,
)
from handgrad.notation import Fence as Brackets
from handgrad.record import record
from handgrad.symbol import Symbol

ROWS = 10
"""Rows of an array shown at most."""

_BARE: Mapping[SignKind, str] = {
    "comma": ", ", "semicolon": "; ", "equals": " = ", "slash": "/", "one": "1",
}  # fmt: skip


@record
class TerminalPen:
    """Draws formulas as boxes of characters.

    Arguments:
        columns_shown: columns of an array, or cases, shown at most.
        linear: on a single line, for running text.
    """

    style: Style
    glyphs: Glyphs
    columns_shown: int = 16
    linear: bool = False

    def formula(self) -> Formula:
        """Lays formulas out for this pen."""
        if self.linear:
            return Formula(self.style, linear=True)
        return Formula(self.style, flat=lambda node: self.draw(node).height == 1)

    def text(self, text: str, style: str = "") -> Box:
        """Any text, made safe to print."""
        return line(clean(text, self.glyphs.ascii_only), style)

    def figure(self, text: str) -> str:
        """A figure with the terminal's own minus sign and power of ten; a line to write on for a blank."""
        if text == BLANK:
            return "______"
        if self.glyphs.ascii_only:
            return text
        mantissa, e, exponent = mantissa_and_power(text)
        power = f"·10{script(exponent, SUPERSCRIPTS)}" if e else ""
        return mantissa.replace("inf", "∞").replace("-", "−") + power

    def draw(self, node: Node) -> Box:
        """A formula, or a part of one."""
        glyphs = self.glyphs
        match node:
            case nodes.Row(parts):
                return self._row(parts)
            case nodes.Sign():
                return self._sign(node)
            case nodes.Identifier(symbol, index):
                return line(_name(symbol, index, glyphs.ascii_only))
            case nodes.FigureText(text):
                return line(self.figure(text))
            case nodes.Fenced(brackets, part):
                return fenced(self.draw(part), *self._brackets(brackets))
            case nodes.Array():
                return self._array(node)
            case nodes.Evaluated():
                return self._result(node)
            case nodes.Condition(text):
                return self.text(f" {text}")
            case nodes.Head(notation, operation):
                plain = not glyphs.ascii_only or notation.symbol.isascii()
                name = notation.symbol if plain else operation
                return self.text(name + _below(notation.index, glyphs.ascii_only))
            case nodes.Root(part, clear, operation):
                drawn, root = self.draw(part), operation if glyphs.ascii_only else "√"
                # Spelled out, √ does not say how far it reaches.
                if clear and (drawn.height > 1 or not glyphs.ascii_only):
                    return beside(self.text(root), boxes.deeper(drawn))
                return beside(self.text(root), fenced(drawn, *glyphs.round))
            case nodes.Stacked(over, under):
                return self._fraction(self.draw(over), self.draw(under))
            case nodes.Raised(base, exponent):
                return self._power(self.draw(base), self.draw(exponent))
            case nodes.Transposed(part):
                drawn = self.draw(part)
                return beside(drawn, _at_top(line(glyphs.transposed), drawn))
            case nodes.EntryOf(part, index):
                drawn = self.draw(part)
                below = line(_below(index, glyphs.ascii_only))
                return beside(drawn, _at_bottom(below, drawn))
            case nodes.Through(part, through):
                return beside(self.draw(part), line("|"), self.draw(through))
            case nodes.Named(part):
                return self.draw(part)
            case _:
                assert_never(node)

    # -- rows ---------------------------------------------------------------------------------

    def _row(self, parts: Sequence[Node]) -> Box:
        drawn: list[Box] = []
        parted = False
        for part in parts:
            if isinstance(part, nodes.Sign) and part.kind in ("space", "tight"):
                # W_yh h needs its space; W⁽²⁾h⁽¹⁾ reads better without.
                before = drawn[-1].rows[drawn[-1].baseline]
                spelled = self.glyphs.ascii_only or any(c == "_" for c, _ in before)
                drawn.append(line("" if part.kind == "tight" and not spelled else " "))
                parted = True
            elif isinstance(part, nodes.Sign) and part.kind in ("comma", "semicolon"):
                drawn.append(line(_BARE[part.kind]))  # it ends a line, and begins none
                parted = True
            else:
                box = self.draw(part)
                drawn.append(breakable(box, PRODUCT_BREAK) if parted else box)
                parted = False
        return beside(*drawn)

    def _sign(self, sign: nodes.Sign) -> Box:
        kind, cost, glyphs = sign.kind, sign.cost, self.glyphs
        if written := _BARE.get(kind):
            return line(written) if cost is None else breakable(line(written), cost)
        match kind:
            case "negative":
                return line(glyphs.minus)
            case "partial":
                return line(glyphs.partial)
            case "dots":
                return line(
                    "…" if self.linear and not glyphs.ascii_only else glyphs.columns_left_out
                )
            case "times":
                written = glyphs.times
            case "dot":
                written = glyphs.dot
            case "entrywise":
                written = glyphs.entrywise
            case "divided":
                written = glyphs.divided
            case _:
                written = clean(kind, glyphs.ascii_only)
        return beside(line(" "), breakable(line(f"{written} "), cost or 0))

    def _brackets(self, brackets: Brackets) -> tuple[Bracket, Bracket]:
        if brackets.left == "(":
            return self.glyphs.round
        if brackets.left == "[":
            return self.glyphs.square
        left, right = (clean(t, self.glyphs.ascii_only) for t in (brackets.left, brackets.right))
        return (left,) * 4, (right,) * 4

    # -- arrays -------------------------------------------------------------------------------

    def _array(self, array: nodes.Array) -> Box:
        rows = grid(array.literal, array.orientation)
        if rows is None:
            parts = self.draw(separated(sliced(array, self.columns_shown)))
            return beside(line("{"), boxes.deeper(parts), line("}"))
        inside, shown = self.cells(rows, array.zeros)
        if array.relation:
            said = self.text(f" {array.relation}")
            lines = [said if i is not None else line("") for i in shown]
            inside = beside(inside, stacked(lines, baseline=inside.baseline))
        return fenced(inside, *self._brackets(array.brackets))

    def cells(
        self,
        rows: Sequence[Sequence[float]],
        styles: Mapping[tuple[int, int], str],
        headers: Sequence[str] = (),
        told: Collection[int] = (),
    ) -> tuple[Box, tuple[int | None, ...]]:
        """The entries of a grid in aligned columns, and which row each of its rows is.

        With `headers`, a row of them stands above (and is not in the list). Rows that are `told` of stay where others are left out.
        """
        most = ROWS, self.columns_shown
        shown_rows, shown_columns = positions_shown(rows, most, styles, told)
        drawn: list[Box] = []
        for j in shown_columns:
            column = self._column(rows, shown_rows, j, styles)
            if headers:
                header = headers[j] if j is not None else self.glyphs.columns_left_out
                column = stacked([line(header, "dim"), column], "c")
            drawn.append(column)
        gap = Box(((boxes.BLANK,) * 2,) * max(len(shown_rows) + bool(headers), 1))
        spaced = [part for column in drawn for part in (gap, column)][1:]
        whole = beside(*spaced) if spaced else line(" ")
        middle = (len(shown_rows) - 1) // 2 + bool(headers)
        return whole._replace(baseline=max(middle, 0)), shown_rows

    def _column(
        self,
        rows: Sequence[Sequence[float]],
        shown: Sequence[int | None],
        j: int | None,
        styles: Mapping[tuple[int, int], str],
    ) -> Box:
        if j is None:
            return Box(tuple(line(self.glyphs.columns_left_out).rows[0] for _ in shown))
        decimals = self.style.decimals
        figures = [self.figure(figure(rows[i][j], decimals)) for i in shown if i is not None]
        texts = at_points(figures)
        width = max(map(columns, texts), default=1)
        left_out = to_width(line(self.glyphs.rows_left_out), width, "c").rows[0]
        following = iter(texts)
        drawn: list[boxes.Row] = []
        for i in shown:
            row = left_out if i is None else boxes.cells(next(following), styles.get((i, j), ""))
            drawn.append(row + (boxes.BLANK,) * (width - len(row)))
        return Box(tuple(drawn))

    # -- results ------------------------------------------------------------------------------

    def _result(self, result: nodes.Evaluated) -> Box:
        """Numbers standing alone: cases under headers, marked entries, remarks beside rows."""
        part, marks = result.part, result.marks
        if isinstance(part, nodes.FigureText):
            drawn = boxes.restyled(self.draw(part), marks.get((), ""))
            return self._with_remarks(drawn, [0], result)
        literal = part.literal
        rows = grid(literal)
        if rows is None:
            return self._cases_of_matrices(part)
        headers = case_names(literal)
        inside, shown = self.cells(rows, result.placed, headers, result.remarks)
        if headers:
            top = Box(inside.rows[:1])
            numbers = Box(inside.rows[1:], inside.baseline - 1)
            whole = fenced(numbers, *self.glyphs.square)
            above = boxes.padded(top, left=1, right=1)
            box = Box(above.rows + whole.rows, whole.baseline + 1)
        else:
            box = fenced(inside, *self.glyphs.square)
        where = [None] * bool(headers) + list(shown)
        if counted := row_numbers(shown):
            lines = [self.text(f" {n}", "dim") for n in ("",) * bool(headers) + counted]
            box = beside(box, stacked(lines, baseline=box.baseline))
        whole = self._with_remarks(box, where, result)
        aside = result.shape if leaves_out(result, ROWS, self.columns_shown) else ""
        return beside(whole, self.text(f"  {aside}", "dim")) if aside else whole

    def _with_remarks(self, box: Box, rows: Sequence[int | None], result: nodes.Evaluated) -> Box:
        remarks = result.remarks
        if not remarks:
            return box
        lines = [
            self.text(f"  {self.glyphs.remark} {remarks[i]}", result.tone)
            if i is not None and i in remarks
            else line("")
            for i in rows
        ]
        return beside(box, stacked(lines, baseline=box.baseline))

    def _cases_of_matrices(self, array: nodes.Array) -> Box:
        drawn: list[Box] = []
        for title, part in titled(array, max(2, self.columns_shown // 2)):
            box = self.draw(part)
            if title:
                box = stacked([line(title, "dim"), box], "c", baseline=box.baseline + 1)
            drawn += [line(","), breakable(line("  "), PRODUCT_BREAK), box]
        return beside(*drawn[2:])

    # -- above and below ----------------------------------------------------------------------

    def _power(self, base: Box, exponent: Box) -> Box:
        text = "".join(c for c, _ in exponent.rows[0]) if exponent.height == 1 else ""
        raised = script(text, SUPERSCRIPTS) if text and not self.glyphs.ascii_only else None
        if raised is not None:
            return beside(base, _at_top(line(raised), base))
        if text.isalnum() or (self.linear and text):
            drawn = exponent if text.isalnum() else fenced(exponent, *self.glyphs.round)
            return beside(base, _at_top(line("^"), base), _at_top(drawn, base))
        # The exponent's last row stands just above the base's first.
        lifted = exponent._replace(baseline=exponent.height + base.baseline, breaks=())
        return beside(base, lifted)

    def _fraction(self, over: Box, under: Box) -> Box:
        bar = line(self.glyphs.bar * max(over.width, under.width))
        whole = stacked([part._replace(breaks=()) for part in (over, bar, under)], "c")
        return whole._replace(baseline=over.height)


def _at_top(part: Box, of: Box) -> Box:
    """A superscript beside the first row of a box."""
    return part._replace(baseline=of.baseline, breaks=()) if of.height > 1 else part


def _at_bottom(part: Box, of: Box) -> Box:
    """A subscript beside the last row of a box."""
    return part._replace(baseline=part.height - 1 - (of.height - 1 - of.baseline))


@lru_cache(4096)
def _name(symbol: Symbol, index: str, ascii_only: bool) -> str:
    if ascii_only:
        typed = symbol.text or symbol.name or symbol.base
        return clean(typed + _below(index, ascii_only), ascii_only)
    letter = symbol.base
    if symbol.accent:
        letter = unicodedata.normalize("NFC", letter + ACCENTS[symbol.accent])
    above = script(f"({symbol.superscript})", SUPERSCRIPTS) if symbol.superscript else ""
    below = ",".join(part for part in (symbol.subscript, index) if part)
    return clean(f"{letter}{_below(below, ascii_only)}{above}", ascii_only)


def _below(text: str, ascii_only: bool) -> str:
    """A subscript in its own characters where they exist, else after an underscore."""
    if not text:
        return ""
    if not ascii_only:
        parts = [script(p, SUBSCRIPTS) for p in text.split(",")]
        if all(parts):
            return ",".join(p for p in parts if p)
    text = text.replace("∞", "inf") if ascii_only else text
    return f"_{text}" if text.isalnum() or len(text) == 1 else f"_({text})"
