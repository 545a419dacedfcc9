"""Errors that say what is wrong, where, and how to mend it.

Every mistake in a user's input is raised as a `HandgradError`; its text is
the whole message, and the command line prints it and exits with 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from handgrad.record import record

SHOWN_WIDTH = 76
"""Columns of a source line shown around a marked span."""


@record
class Span:
    """A half-open range of characters, `start` to `stop`, in one equation's text."""

    start: int
    stop: int

    def __or__(self, other: Span) -> Span:
        return Span(min(self.start, other.start), max(self.stop, other.stop))


class HandgradError(Exception):
    """A mistake in the input.

    Arguments:
        what: what is wrong, as one sentence.
        where: the file, equation or option it stands in.
        source: the text it stands in, one line; shown with `span` underlined.
        span: the characters of `source` at fault.
        point: the one among them to point at, such as the sign of an operation.
        mend: what to write instead.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        source: str = "",
        span: Span | None = None,
        point: int | None = None,
        mend: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.source = source
        self.span = span
        self.point = point
        self.mend = mend

    def __str__(self) -> str:
        what = printable(self.what + (f" ({self.mend})" if self.mend else ""))
        if not self.source:
            return f"{printable(self.where)}: {what}" if self.where else what
        prefix = f"{printable(self.where)}: " if self.where else ""
        line, underline = _excerpt(self.source, self.span, self.point)
        shown = f"{prefix}{line}"
        if underline.strip():
            shown += f"\n{' ' * len(prefix)}{underline}"
        return f"{shown}\n{what}"

    def at(self, where: str) -> Self:
        """The same error with `where` put before the place it already names."""
        place = f"{where}, {self.where}" if self.where else where
        return type(self)(
            self.what,
            where=place,
            source=self.source,
            span=self.span,
            point=self.point,
            mend=self.mend,
        )


class EquationError(HandgradError):
    """An equation that cannot be read: syntax, unknown names, cycles."""


class ShapeError(HandgradError):
    """Operands whose shapes do not fit."""


class NumberError(HandgradError):
    """A value that is missing, malformed, not finite, or outside a domain."""


class ProblemError(HandgradError):
    """A problem file or a problem's settings that cannot be used."""


class OptionError(HandgradError):
    """A command-line option or a function argument that cannot be used."""


class MissingExtraError(HandgradError):
    """A feature whose optional library is not installed."""


def closest(word: str, known: Iterable[str]) -> str:
    """The closest of `known`, or an empty string where none is close."""
    import difflib

    names = list(known)
    close = [n for n in names if n.casefold() == word.casefold()]
    close = close or difflib.get_close_matches(word[:100], names, n=1, cutoff=0.6)
    return close[0] if close else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean …?` with the closest of `known`, or an empty string."""
    close = closest(word, known)
    return f"did you mean {close}?" if close else ""


def printable(text: str) -> str:
    """`text` with control characters (terminal escapes among them) made visible.

    Line ends, and blanks at which no line is broken, are left.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in "\n\xa0" else c.encode("unicode_escape").decode() for c in text
    )


def _excerpt(source: str, span: Span | None, point: int | None) -> tuple[str, str]:
    """The part of `source` around `span` that fits a line, and the marks under it."""
    if span is None:
        line = printable(source.replace("\n", " "))
        return (line if len(line) <= SHOWN_WIDTH else line[: SHOWN_WIDTH - 1] + "…"), ""
    first = max(0, min(span.start, span.stop - 1) - SHOWN_WIDTH // 2)
    if len(source) <= SHOWN_WIDTH:
        first = 0
    last = min(len(source), first + SHOWN_WIDTH)
    cut = source[first:last]
    head = "…" if first else ""
    tail = "…" if last < len(source) else ""
    clean = "".join(c if c.isprintable() else " " for c in cut)
    start = max(span.start, first) - first + len(head)
    stop = min(max(span.stop, span.start + 1), last + 1) - first + len(head)
    marks = [" "] * start + ["~"] * max(1, stop - start)
    if point is not None and first <= point < last:
        marks[point - first + len(head)] = "^"
    return f"{head}{clean}{tail}", "".join(marks)
