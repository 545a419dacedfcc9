"""Reading equations: lines of text into targets and formulas. Nothing is ever evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from handgrad.equations.parser import DEEPEST, Parser
from handgrad.errors import EquationError, Span
from handgrad.expression import Call, Expression
from handgrad.record import JsonForm, record

MOST = 10_000
"""Equations in one problem, at most."""


@record
class Equation:
    """target = expression, as written in `text`; `number` counts from 1."""

    target: str
    expression: Expression
    text: str
    number: int
    json: ClassVar = JsonForm(without=("expression", "number"))


def parse_equations(text: str | Sequence[str], where: str = "") -> tuple[Equation, ...]:
    """Reads equations, one a line; blank lines and # comments are skipped.

    A line inside open brackets goes on in the next. Raises `EquationError`, naming the
    equation and marking the span.
    """
    sources = _lines(text) if isinstance(text, str) else [t.strip() for t in text]
    sources = [s for s in sources if s]
    if not sources:
        raise EquationError(
            "there is no equation", where=where, mend="write at least one, such as L = (w*x - y)**2"
        )
    if len(sources) > MOST:
        raise EquationError(f"{len(sources)} equations are more than {MOST}", where=where)
    equations: list[Equation] = []
    targets: dict[str, int] = {}
    for number, source in enumerate(sources, start=1):
        place = ", ".join(filter(None, (where, f"equation {number}")))
        try:
            target, span, expression = _equation(source)
            if target in targets:
                raise EquationError(
                    f"{target} is computed twice, first by equation {targets[target]}",
                    source=source,
                    span=span,
                    mend="give one of them another name",
                )
        except EquationError as error:
            raise error.at(place) from None
        targets[target] = number
        equations.append(Equation(target, expression, source, number))
    return tuple(equations)


def parse_expression(text: str, *, helpers: bool = False) -> Expression:
    """Reads one formula.

    With `helpers` it also reads the operations that only backward formulas use, and
    `cases([...])`, so that every printed formula can be read back.
    """
    parser = Parser(text, helpers)
    expression = parser.whole()
    _check_depth(expression, text)
    return expression


def _lines(text: str) -> list[str]:
    """Logical lines: comments dropped, lines inside open brackets joined."""
    lines: list[str] = []
    pending, depth = "", 0
    for raw in text.splitlines():
        line = raw.split("#", 1)[0].strip()
        if not line:
            continue
        pending = f"{pending} {line}" if pending else line
        depth += sum(c in "([" for c in line) - sum(c in ")]" for c in line)
        if depth <= 0:
            lines.append(pending)
            pending, depth = "", 0
    if pending:
        lines.append(pending)
    return lines


def _equation(source: str) -> tuple[str, Span, Expression]:
    parser = Parser(source, helpers=False)
    target, span = parser.target()
    expression = parser.whole()
    _check_depth(expression, source)
    return target, span, expression


def _check_depth(expression: Expression, source: str) -> None:
    """Refuses a tree too deep to be walked by recursion (a long a + b + c + … is one too)."""
    deepest, stack = 0, [(expression, 1)]
    while stack:
        node, depth = stack.pop()
        deepest = max(deepest, depth)
        if isinstance(node, Call):
            stack += [(a, depth + 1) for a in node.arguments]
    if deepest > DEEPEST:
        raise EquationError(
            f"the equation nests {deepest} operations, more than {DEEPEST}",
            source=source,
            mend="split it: give its parts names of their own",
        )
