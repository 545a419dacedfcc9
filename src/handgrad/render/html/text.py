"""Running text with formulas in it, as HTML."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
import re

from handgrad.expression import Expression
from handgrad.page.blocks import Text
from handgrad.render.mathml import MathmlPen, plain

_STEP = re.compile(r"\b\d+\.\d+\b")


@dataclass(frozen=True, slots=True)
class Writer:
    """What the parts of a page share.

    Arguments:
        pen: the pen for formulas on lines of their own.
        steps: the numbers of the page's steps; where running text names one, it links to it.
    """

    pen: MathmlPen
    steps: Collection[str] = ()

    def formula(self, expression: Expression) -> str:
        """A formula within a line."""
        return f"<math>{replace(self.pen, inline=True).draw(expression)}</math>"

    def display(self, markup: str) -> str:
        """Mathematics on a line of its own."""
        return f'<math displaystyle="true">{markup}</math>'

    def text(self, text: Text) -> str:
        """Running text."""
        return "".join(
            plain(part) if isinstance(part, str) else self.formula(part) for part in text
        )

    def references(self, text: Text) -> str:
        """Running text whose step numbers lead to the steps."""
        return "".join(
            _STEP.sub(self._link, plain(part)) if isinstance(part, str) else self.formula(part)
            for part in text
        )

    def _link(self, found: re.Match[str]) -> str:
        step = found.group()
        return f'<a href="#{anchor(step)}">{step}</a>' if step in self.steps else step


def anchor(step: str) -> str:
    """The id of a step's section."""
    return f"step-{step}"
