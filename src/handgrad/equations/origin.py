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

    def located(self, error: Located, text: str, expression: Expression) -> Located:
        """The error of an equation, `text` and `expression`, told of the lines that were written."""
        line, span, point = self.line, None, None
        if error.source == text and error.span is not None:
            for ours, written in _pairs(expression, self.expression):
                theirs = getattr(written, "span", None)
                if getattr(ours, "span", None) == error.span and theirs is not None:
                    line = self.lines[bisect_right(self.lines, theirs.start, key=attrgetter("offset")) - 1]  # fmt: skip
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
