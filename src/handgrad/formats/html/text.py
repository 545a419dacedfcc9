"""Running text with formulas in it, as HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace

from handgrad.expression import Expression
from handgrad.formats.markup import plain
from handgrad.formats.mathematics.printed import printed
from handgrad.formats.mathml import MathmlPen
from handgrad.formats.memo import memo_of
from handgrad.formats.style import Style
from handgrad.page.blocks import Inline, Text
from handgrad.record import record
from handgrad.text import Proportion, Verbatim, relates

NARROW = 11.0
"""Ems of a formula that fits a telephone as large as the text is."""

_STEP = re.compile(r"\b\d+\.\d+\b")
_BETWEEN = re.compile(r"[ \n](?:.*[ \n])?", re.DOTALL)


@record
class HtmlWriter:
    """What the parts of a page share.

    Arguments:
        pen: the pen for formulas on lines of their own.
        steps: the places of steps by their numbers; where running text names one, it links to it.
    """

    pen: MathmlPen
    steps: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, style: Style) -> HtmlWriter:
        """Writes in a style, and remembers what was written in it before."""
        return cls(MathmlPen(style, memo=memo_of(style)))

    def formula(self, expression: Expression) -> str:
        """A formula within a line."""
        return self.pen.memo.of(("inline", printed(expression)), lambda: self._inline(expression))

    def _inline(self, expression: Expression) -> str:
        return f"<math>{replace(self.pen, inline=True).draw(expression)}</math>"

    def display(self, markup: str, width: float = 0.0) -> str:
        """Mathematics on a line of its own; what is so many ems wide may be set smaller to fit.

        The style sheet says that it is display mathematics: said of each formula, it took as much as a picture.
        """
        sized = f' class="sized" style="--ems: {width:.1f}"' if width > NARROW else ""
        return f"<math{sized}>{markup}</math>"

    def text(self, text: Text) -> str:
        """Running text."""
        return self._joined(text, plain)

    def references(self, text: Text) -> str:
        """Running text whose step numbers lead to the steps."""
        return self._joined(text, lambda words: _STEP.sub(self._link, plain(words)))

    def _joined(self, text: Text, words: Callable[[str], str]) -> str:
        """The parts of a text; no line breaks between a formula and what touches it."""
        if len(text) == 1:
            return self._part(text[0], words)
        runs: list[str] = []
        for run in _runs(text):
            drawn = "".join(self._part(p, words) for p in run)
            glued = len(run) > 1 and not all(isinstance(part, str) for part in run)
            runs.append(f'<span class="whole">{drawn}</span>' if glued else drawn)
        return "".join(runs)

    def _part(self, part: Inline, words: Callable[[str], str]) -> str:
        match part:
            case Proportion():
                return f'<span class="share" style="--share: {part.of_whole:.3g}"></span>'
            case Verbatim():
                return plain(part)
            case str():
                return words(part)
            case _:
                return self.formula(part)

    def _link(self, found: re.Match[str]) -> str:
        step = found.group()
        return f'<a href="#{self.steps[step]}">{step}</a>' if step in self.steps else step


def _runs(text: Text) -> Iterator[list[Inline]]:
    """What stands together without a blank, and what lies between: from the first blank of words to the last."""
    run: list[Inline] = []
    for k, part in enumerate(text):
        words = (
            part if isinstance(part, str) and not isinstance(part, Proportion | Verbatim) else ""
        )
        between = _BETWEEN.search(words)
        if between is None or relates(text, k):  # a short relation stays on one line
            run.append(part)
            continue
        before, after = words[: between.start()], words[between.end() :]
        yield [*run, before] if before else run
        yield [between.group()]
        run = [after] if after else []
    yield run


def anchor(step: str) -> str:
    """The id of a step's section."""
    return f"step-{step}"
