"""Formulas drawn with characters, in two dimensions or on a single line."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from handgrad import expression as tree
from handgrad.expression import Expression
from handgrad.figures import BLANK, figure, mantissa_and_power
from handgrad.figures import padded as at_points
from handgrad.notation import POWER, PRODUCT, Fence, Function
from handgrad.render.arrays import Orientation, elided, grid, place_in_grid, slices
from handgrad.render.formula import GRADIENT, Brackets, Formula, Piece
from handgrad.render.reading import ProductSign
from handgrad.render.style import Style
from handgrad.render.terminal import box as boxes
from handgrad.render.terminal.box import Box, beside, breakable, fenced, line, stacked, to_width
from handgrad.render.terminal.characters import (
    ACCENTS,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    Bracket,
    Glyphs,
    clean,
    columns,
    script,
)
from handgrad.symbol import GREEK, Symbol

ROWS = 10
"""Rows of an array shown at most."""

SUM_BREAK, PRODUCT_BREAK = 0, 1

_GREEK_NAMES = {letter: word for word, letter in GREEK.items()}


@dataclass(frozen=True, slots=True)
class TerminalPen:
    """Draws the parts of a formula as boxes of characters.

    Arguments:
        columns_shown: columns of an array, or cases, shown at most.
        linear: on a single line, for running text.
        whole_from: of each array drawn, the `columns_shown` from which nothing of it is left out.
    """

    style: Style
    glyphs: Glyphs
    columns_shown: int = 16
    linear: bool = False
    whole_from: list[int] = field(default_factory=list, compare=False)

    def draw(self, expression: Expression) -> Box:
        """A whole formula."""
        return Formula(self).draw(expression)

    def text(self, text: str, style: str = "") -> Box:
        """Any text, made safe to print."""
        return line(clean(text, self.glyphs.ascii_only), style)

    # -- numbers ------------------------------------------------------------------------------

    def figure(self, text: str) -> str:
        """A figure with the terminal's own minus sign and power of ten; a line to write on for a blank."""
        if text == BLANK:
            return "______"
        if self.glyphs.ascii_only:
            return text
        mantissa, e, exponent = mantissa_and_power(text)
        power = f"·10{script(exponent, SUPERSCRIPTS)}" if e else ""
        return mantissa.replace("inf", "∞").replace("-", "−") + power

    def number(self, text: str) -> Box:
        return line(self.figure(text))

    def array(
        self,
        literal: tree.Literal,
        orientation: Orientation,
        brackets: Brackets,
        relation: str = "",
    ) -> Box:
        if self.linear:
            inside = beside(self._listed(literal.value), self.text(relation))
            whole = brackets == "square" and not relation
            return inside if whole else fenced(inside, *self._fence(brackets))
        rows = grid(literal, orientation)
        if rows is None:
            return self._slices(literal)
        inside, shown = self.cells(rows, {})
        if relation:
            lines = [self.text(relation if i is not None else "") for i in shown]
            inside = beside(inside, stacked(lines, baseline=inside.baseline))
        return fenced(inside, *self._fence(brackets))

    def _shown(self, count: int, limit: int, each: int = 1) -> tuple[int | None, ...]:
        """The positions shown of so many, each as wide as so many columns."""
        self.whole_from.append(count * each)
        return elided(count, limit)

    def _fence(self, brackets: Brackets) -> tuple[Bracket, Bracket]:
        return self.glyphs.square if brackets == "square" else self.glyphs.round

    def cells(
        self,
        rows: Sequence[Sequence[float]],
        styles: Mapping[tuple[int, int], str],
        headers: Sequence[str] = (),
    ) -> tuple[Box, tuple[int | None, ...]]:
        """The entries of a grid in aligned columns, and which row each of its rows is.

        With `headers`, a row of them stands above (and is not in the list).
        """
        shown_rows = elided(len(rows), ROWS)
        shown_columns = self._shown(len(rows[0]) if rows else 0, self.columns_shown)
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

    def _slices(self, literal: tree.Literal) -> Box:
        """An array that is no grid: its parts in braces."""
        parts = slices(literal)
        drawn: list[Box] = []
        for i in self._shown(len(parts), self.columns_shown):
            left_out = line(self.glyphs.columns_left_out)
            box = left_out if i is None else self.array(parts[i], "upright", "square")
            drawn += [breakable(line(", "), PRODUCT_BREAK), box]
        return beside(line("{"), boxes.deeper(beside(*drawn[1:])), line("}"))

    def _listed(self, value: tree.Nested) -> Box:
        """An array in running text: [0.5, −0.3], rows in brackets of their own."""
        if not isinstance(value, tuple):
            return self.number(figure(value, self.style.decimals))
        parts: list[Box] = []
        for i in self._shown(len(value), max(3, min(self.columns_shown, 8))):
            parts.append(breakable(line(", " if parts else ""), PRODUCT_BREAK))
            left_out = "..." if self.glyphs.ascii_only else "…"
            parts.append(line(left_out) if i is None else self._listed(value[i]))
        return fenced(beside(*parts), *self.glyphs.square)

    # -- names --------------------------------------------------------------------------------

    def symbol(self, symbol: Symbol, index: str) -> Box:
        if self.glyphs.ascii_only:
            typed = symbol.text or symbol.name or symbol.base
            return self.text(typed + self._below(index))
        letter = symbol.base
        if symbol.accent:
            letter = unicodedata.normalize("NFC", letter + ACCENTS[symbol.accent])
        above = script(f"({symbol.superscript})", SUPERSCRIPTS) if symbol.superscript else ""
        below = ",".join(part for part in (symbol.subscript, index) if part)
        return self.text(f"{letter}{self._below(below)}{above}")

    def _below(self, text: str) -> str:
        """A subscript in its own characters where they exist, else after an underscore."""
        if not text:
            return ""
        if not self.glyphs.ascii_only:
            parts = [script(part, SUBSCRIPTS) for part in text.split(",")]
            if all(parts):
                return ",".join(p for p in parts if p)
        return f"_{text}" if text.isalnum() else f"_({text})"

    def gradient(self, loss: Symbol, of: Symbol, index: str, through: Symbol | None) -> Box:
        partial = line(self.glyphs.partial)
        drawn = beside(partial, self.symbol(loss, ""), line("/"), partial, self.symbol(of, index))
        return self._through(drawn, through)

    def error_signal(self, of: Symbol, index: str, through: Symbol | None) -> Box:
        if self.glyphs.ascii_only:
            rest = of.name[len(_GREEK_NAMES.get(of.base, of.base)) :]
            return self._through(self.text(f"delta{rest}{self._below(index)}"), through)
        delta = replace(of, base=self.glyphs.delta, accent="", upright=False)
        return self._through(self.symbol(delta, index), through)

    def _through(self, drawn: Box, through: Symbol | None) -> Box:
        return beside(drawn, line("|"), self.symbol(through, "")) if through else drawn

    def entry(self, part: Box, index: str) -> Box:
        return beside(part, _at_bottom(self.text(self._below(index)), part))

    # -- signs --------------------------------------------------------------------------------

    def parentheses(self, part: Box) -> Box:
        return fenced(part, *self.glyphs.round)

    def fence(self, notation: Fence, part: Box) -> Box:
        left, right = (clean(t, self.glyphs.ascii_only) for t in (notation.left, notation.right))
        return fenced(part, (left,) * 4, (right,) * 4)

    def indicator(self, part: Box, relation: str, enclosed: bool) -> Box:
        if enclosed:
            return beside(line("1"), part)
        inside = beside(part, self.text(f" {relation}"))
        return beside(line("1"), fenced(inside, *self.glyphs.square))

    def function(
        self,
        notation: Function,
        name: str,
        arguments: Sequence[Box],
        options: Sequence[tuple[Symbol, str]],
        enclosed: bool,
    ) -> Box:
        plain = not self.glyphs.ascii_only or notation.symbol.isascii()
        head = self.text((notation.symbol if plain else name) + self._below(notation.index))
        # Spelled out, √ does not say how far it reaches.
        bare = notation.symbol == "√" and arguments[0].height == 1
        if enclosed and (plain or not bare):
            return beside(head, boxes.deeper(arguments[0]))
        inside: list[Box] = []
        for argument in arguments:
            comma = [breakable(line(", "), PRODUCT_BREAK)] if inside else []
            inside += [*comma, argument]
        for k, (shown, value) in enumerate(options):
            inside += [
                breakable(line(", " if k else "; "), PRODUCT_BREAK),
                self.symbol(shown, ""),
                line(f" = {self.figure(value)}"),
            ]
        return beside(head, self.parentheses(beside(*inside)))

    def sum(self, left: Box, sign: str, right: Box) -> Box:
        plain = {"−": "-", "≤": "<=", "≥": ">="}
        sign = plain.get(sign, sign) if self.glyphs.ascii_only else sign
        return beside(left, line(" "), breakable(line(f"{sign} "), SUM_BREAK), right)

    def product(self, left: Box, sign: ProductSign, right: Box, tight: bool) -> Box:
        glyphs = self.glyphs
        signs = {
            "times": glyphs.times,
            "dot": glyphs.dot,
            "entrywise": glyphs.entrywise,
            "divided": glyphs.divided,
        }
        if sign == "none":
            # W_yh h needs its space; W⁽²⁾h⁽¹⁾ reads better without.
            spelled = self.glyphs.ascii_only or any(c == "_" for c, _ in left.rows[left.baseline])
            gap = "" if tight and not spelled else " "
            return beside(left, line(gap), breakable(right, PRODUCT_BREAK))
        return beside(left, line(" "), breakable(line(f"{signs[sign]} "), PRODUCT_BREAK), right)

    def negation(self, part: Box) -> Box:
        return beside(line(self.glyphs.minus), part)

    def transpose(self, part: Box) -> Box:
        return beside(part, _at_top(line(self.glyphs.transposed), part))

    def power(self, base: Box, exponent: Box) -> Box:
        text = "".join(c for c, _ in exponent.rows[0]) if exponent.height == 1 else ""
        raised = script(text, SUPERSCRIPTS) if text and not self.glyphs.ascii_only else None
        if raised is not None:
            return beside(base, _at_top(line(raised), base))
        if exponent.height == 1 and (self.linear or text.isalnum()):
            drawn = exponent if text.isalnum() else self.parentheses(exponent)
            return beside(base, _at_top(line("^"), base), _at_top(drawn, base))
        # The exponent's last row stands just above the base's first.
        lifted = exponent._replace(baseline=exponent.height + base.baseline, breaks=())
        return beside(base, lifted)

    def fraction(self, over: Piece[Box], under: Piece[Box]) -> Piece[Box]:
        flat = over.drawn.height == under.drawn.height == 1
        simple = all(p.level >= POWER or p.number for p in (over, under))
        if self.linear or (flat and simple):
            # On a line of its own a · b/c reads as (a · b)/c; beside others only 2/c does.
            least = PRODUCT if self.linear else POWER
            first = self._whole(over, over.level < least and not over.number)
            second = self._whole(under, under.level < POWER)
            slash = beside(first, line("/"), second)
            return Piece(slash, PRODUCT, over.signed)
        width = max(over.drawn.width, under.drawn.width)
        bar = line(self.glyphs.bar * width)
        whole = stacked([p._replace(breaks=()) for p in (over.drawn, bar, under.drawn)], "c")
        return Piece(whole._replace(baseline=over.drawn.height), GRADIENT)

    def _whole(self, part: Piece[Box], parenthesised: bool) -> Box:
        return self.parentheses(part.drawn) if parenthesised else part.drawn

    def begins_with_digit(self, part: Box) -> bool:
        first = part.rows[part.baseline][:1]
        return bool(first) and first[0][0].isdigit()

    # -- whole parts --------------------------------------------------------------------------

    def result(
        self,
        literal: tree.Literal,
        marks: Mapping[tuple[int, ...], str],
        remarks: Mapping[int, str],
    ) -> tuple[Box, bool]:
        """A literal standing alone: cases under headers, marked entries, remarks beside rows.

        Says as well whether anything was left out.
        """
        if not isinstance(literal.value, tuple):
            drawn = self.draw(literal)
            drawn = boxes.restyled(drawn, marks.get((), ""))
            return self._with_remarks(drawn, [0], remarks), False
        rows = grid(literal)
        if rows is None:
            return self._cases_of_matrices(literal), False
        styles = {place_in_grid(literal, index): style for index, style in marks.items()}
        left_out = len(rows) > ROWS or len(rows[0] if rows else ()) > self.columns_shown
        headers = [f"case {c + 1}" for c in range(len(rows[0]))] if literal.cased and rows else []
        inside, shown = self.cells(rows, styles, headers)
        if headers:
            top = Box(inside.rows[:1])
            numbers = Box(inside.rows[1:], inside.baseline - 1)
            whole = fenced(numbers, *self.glyphs.square)
            above = boxes.padded(top, left=1, right=1)
            box = Box(above.rows + whole.rows, whole.baseline + 1)
        else:
            box = fenced(inside, *self.glyphs.square)
        where = [None] * bool(headers) + list(shown)
        return self._with_remarks(box, where, remarks), left_out

    def _with_remarks(
        self, box: Box, rows: Sequence[int | None], remarks: Mapping[int, str]
    ) -> Box:
        if not remarks:
            return box
        lines = [
            self.text(f"  {self.glyphs.remark} {remarks[i]}", "off")
            if i is not None and i in remarks
            else line("")
            for i in rows
        ]
        return beside(box, stacked(lines, baseline=box.baseline))

    def _cases_of_matrices(self, literal: tree.Literal) -> Box:
        parts = slices(literal)
        drawn: list[Box] = []
        for c in self._shown(len(parts), max(2, self.columns_shown // 2), 2):
            if c is None:
                box = line(self.glyphs.columns_left_out)
            else:
                box = self.array(parts[c], "upright", "square")
                if literal.cased:
                    header = line(f"case {c + 1}", "dim")
                    box = stacked([header, box], "c", baseline=box.baseline + 1)
            drawn += [breakable(line("  "), PRODUCT_BREAK), box]
        return beside(*drawn[1:])


def _at_top(part: Box, of: Box) -> Box:
    """A superscript beside the first row of a box."""
    return part._replace(baseline=of.baseline, breaks=()) if of.height > 1 else part


def _at_bottom(part: Box, of: Box) -> Box:
    """A subscript beside the last row of a box."""
    return part._replace(baseline=part.height - 1 - (of.height - 1 - of.baseline))
