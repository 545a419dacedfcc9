"""Where an equation comes from, when blocks were written: errors point into what the user wrote."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter
from typing import TypeVar

from handgrad.equations.lines import SourceLine
from handgrad.errors import HandgradError, Span
from handgrad.expression import Call, Expression
from handgrad.record import record

PRODUCTS = ("*", "·", "×", "⊙", "∗")

Located = TypeVar("Located", bound=HandgradError)


@record
class Origin:
    """What was written for an equation.

    Arguments:
        line: the line that it was made from.
        lines: all the lines of the text.
        within: the call or the step that it was made in, in words; empty outside of both.
        expression: its formula, with spans into the lines, one after the other.
    """

    line: SourceLine
    lines: tuple[SourceLine, ...]
    within: str
    expression: Expression

    @property
    def text(self) -> str:
        """The lines that were written."""
        return "\n".join(line.text for line in self.lines)

    def written_with(self, sign: str, expression: Expression) -> Iterator[Call]:
        """The calls of an equation's `expression` that were written with an infix sign for a product."""
        for ours, written in _pairs(expression, self.expression):
            if isinstance(ours, Call) and isinstance(written, Call) and len(ours.arguments) == 2:
                left, right = (getattr(a, "span", None) for a in written.arguments)
                if left is not None and right is not None and self._between(left, right) == sign:
                    yield ours

    def _between(self, left: Span, right: Span) -> str:
        """The sign of a product between its two sides; empty where that is not known."""
        one, other = self._line(left), self._line(right)
        after = one.text[left.stop - one.offset :].lstrip(" )")
        before = other.text[: right.start - other.offset].rstrip(" (")
        # An argument that was put in for a name stands on the line of the call, with no such sign beside it.
        for met in (after[:1], before[-1:]):
            if met in PRODUCTS:
                return met
        used = {c for line in self.lines for c in line.text if c in PRODUCTS}
        return used.pop() if len(used) == 1 else ""

    def _line(self, span: Span) -> SourceLine:
        return self.lines[bisect_right(self.lines, span.start, key=attrgetter("offset")) - 1]

    def located(self, error: Located, text: str, expression: Expression) -> Located:
        """The error of an equation, `text` and `expression`, told of the lines that were written."""
        line, span, point = self.line, None, None
        if error.source == text and error.span is not None:
            for ours, written in _pairs(expression, self.expression):
                theirs = getattr(written, "span", None)
                if getattr(ours, "span", None) == error.span and theirs is not None:
                    line = self._line(theirs)
                    span = Span(theirs.start - line.offset, theirs.stop - line.offset)
                    point = None if error.point is None else _sign(written, line)
                    break
        what = f"{self.within}: {error.what}" if self.within else error.what
        return type(error)(
            what,
            where=line.place,
            source=line.text,
            span=span,
            point=point,
            mend=error.mend,
        )


def _pairs(one: Expression, other: Expression) -> Iterator[tuple[Expression, Expression]]:
    """The nodes of two trees of one form, side by side."""
    stack = [(one, other)]
    while stack:
        pair = stack.pop()
        yield pair
        if isinstance(pair[0], Call) and isinstance(pair[1], Call):
            stack += zip(pair[0].arguments, pair[1].arguments, strict=False)


def _sign(call: Expression, line: SourceLine) -> int | None:
    """Where the sign of an infix operation stands in its line."""
    if not isinstance(call, Call) or len(call.arguments) != 2:
        return None
    left, right = (getattr(a, "span", None) for a in call.arguments)
    if left is None or right is None:
        return None
    between = range(left.stop - line.offset, right.start - line.offset)
    return next((i for i in between if not line.text[i].isspace()), None)
