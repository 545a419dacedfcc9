"""Reading equations: lines of text into targets and formulas. Nothing is ever evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import field
from typing import TYPE_CHECKING, ClassVar

from handgrad.equations.lines import SourceLine, has_blocks, source_lines
from handgrad.equations.origin import Located, Origin
from handgrad.equations.parser import Parser, check_depth
from handgrad.equations.place import CodePlace
from handgrad.equations.source import source
from handgrad.errors import EquationError, Span
from handgrad.expression import Call, Expression, walk
from handgrad.record import JsonForm, record

if TYPE_CHECKING:
    from handgrad.equations.expanding import Expansion
    from handgrad.equations.frames import Expanded

MOST = 10_000
"""Equations in one problem, at most."""

MOST_PLACES = 3
"""Lines of a model's code that are named together, at most."""


@record
class Equation:
    """target = expression, as written in `text`; `number` counts from 1.

    One that a block stands for has its text written out, and an `origin`; one that was read from a model has the
    place in the model's `code` that computes it.
    """

    target: str
    expression: Expression
    text: str
    number: int
    origin: Origin | None = field(default=None, compare=False, repr=False)
    code: CodePlace | None = field(default=None, compare=False, repr=False)
    json: ClassVar = JsonForm(without=("expression", "number", "origin", "code"))

    @property
    def numbered(self) -> str:
        """What errors call it: "equation 3", and where in a model's code that is."""
        return f"equation {self.number} ({self.code})" if self.code else f"equation {self.number}"

    @property
    def written(self) -> str:
        """What the user wrote for it."""
        return self.text if self.origin is None else self.origin.text

    def written_with(self, sign: str) -> Iterator[Call]:
        """The calls in its formula that were written with an infix sign."""
        if self.origin is not None:
            yield from self.origin.written_with(sign, self.expression)
            return
        for node in walk(self.expression):
            if isinstance(node, Call) and len(node.arguments) == 2:
                left, right = (getattr(a, "span", None) for a in node.arguments)
                if left and right and sign in self.text[left.stop : right.start]:
                    yield node

    def located(self, error: Located) -> Located:
        """The error with the place of this equation, told of what the user wrote."""
        if self.origin is not None:
            return self.origin.located(error, self.text, self.expression)
        return error.at(self.numbered)


def places_of(equations: Iterable[Equation], names: Set[str]) -> str:
    """Where a model's code computes these names: "fc1, net.py:8; net.py:9"; of many lines the first."""
    modules: dict[str, dict[str, None]] = {}
    for equation in equations:
        if equation.code is not None and equation.target in names:
            line = equation.code.line
            modules.setdefault(line.place if line else "", {})[equation.code.module] = None
    told = [", ".join(filter(None, (*found, line))) for line, found in modules.items()]
    more = [f"{len(told) - MOST_PLACES} more"] if len(told) > MOST_PLACES else []
    return "; ".join([*told[:MOST_PLACES], *more])


@record
class BlockText:
    """Equations as they were written, with blocks.

    Arguments:
        counts: the numbers that are given and count repeats, or name something.
    """

    text: str
    counts: frozenset[str]


def parse_equations(text: str | Sequence[str], where: str = "") -> tuple[Equation, ...]:
    """Reads equations, one a line; blank lines and # comments are skipped.

    A line inside open brackets goes on in the next; definitions and repeats are written out. Raises
    `EquationError`, naming the equation, or the line, and marking the span.
    """
    return read_equations(text, {}, where)[0]


def read_equations(
    text: str | Sequence[str], given: Mapping[str, int | None], where: str = ""
) -> tuple[tuple[Equation, ...], BlockText | None]:
    """The equations, and how they were written where they have blocks.

    Arguments:
        text: one equation a line, or a list of them.
        given: the names that are given numbers, and of a single whole number its value.
        where: the file, for errors.
    """
    lines = source_lines(text)
    if not lines:
        raise EquationError(
            "there is no equation", where=where, mend="write at least one, such as L = (w*x - y)**2"
        )
    whole = text if isinstance(text, str) else "\n".join(text)
    if not has_blocks(whole):
        return _plain(lines, where), None
    # Few problems have blocks, and a command starts without what writes them out.
    from handgrad.equations.blocks import statements
    from handgrad.equations.expanding import Expansion

    try:
        expansion = Expansion(given, MOST)
        expansion.run(statements(lines))
        if not expansion.made:
            raise EquationError(
                "nothing is computed", mend="a definition computes where it is called: h1 = layer(x, W1, b1)"
            )  # fmt: skip
        equations = _written_out(expansion, lines)
    except EquationError as error:
        raise error.at(where) if where else error from None
    return equations, BlockText(whole, frozenset(expansion.counted))


def _plain(lines: Sequence[SourceLine], where: str) -> tuple[Equation, ...]:
    """Lines without blocks: an equation each."""
    if len(lines) > MOST:
        raise EquationError(f"{len(lines)} equations are more than {MOST}", where=where)
    equations: list[Equation] = []
    targets: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        place = ", ".join(filter(None, (where, f"equation {number}")))
        try:
            target, span, expression = _equation(line.text)
            if target in targets:
                raise EquationError(
                    f"{target} is computed twice, first by equation {targets[target]}",
                    source=line.text,
                    span=span,
                    mend="give one of them another name",
                )
        except EquationError as error:
            raise error.at(place) from None
        targets[target] = number
        equations.append(Equation(target, expression, line.text, number))
    return tuple(equations)


def _written_out(expansion: Expansion, lines: tuple[SourceLine, ...]) -> tuple[Equation, ...]:
    """The equations that blocks stand for."""
    equations: list[Equation] = []
    targets: dict[str, Expanded] = {}
    for number, made in enumerate(expansion.made, start=1):
        origin = Origin(made.line, lines, made.within, made.expression)
        if made.target in expansion.definitions:
            error = EquationError(f"{made.target} is defined, and computed too", mend="give one of them another name")  # fmt: skip
            raise origin.located(error, "", made.expression)
        if made.target in expansion.given:
            raise origin.located(_given_too(made), "", made.expression)
        if made.target in targets:
            raise origin.located(_twice(made, targets[made.target]), "", made.expression)
        text, expression = made.line.text, made.expression
        if made.changed:
            text = f"{made.target} = {source(made.expression)}"
            try:
                _, _, expression = _equation(text)
            except EquationError as error:
                raise origin.located(error, "", made.expression) from None
        elif made.line.offset:
            _, _, expression = _equation(text)
        targets[made.target] = made
        equations.append(Equation(made.target, expression, text, number, origin))
    return tuple(equations)


def _given_too(made: Expanded) -> EquationError:
    return EquationError(
        f"{made.target} is given a number and computed too",
        mend="call that line of the definition otherwise" if made.within.startswith("in ") else "keep one of the two",
    )  # fmt: skip


def _twice(made: Expanded, before: Expanded) -> EquationError:
    """The error for a name that two lines compute, or one line twice."""
    first = f"first on line {before.line.number}"
    if before.within:
        first += f", {before.within}"
    mend = "give one of them another name"
    if made.within.startswith("in "):
        mend = "number what the calls compute, as in h1 and h2: their steps are numbered with it"
    elif made.line is before.line:
        step = made.within.removeprefix("at ").partition(" ")[0]
        base = made.target.removesuffix(f"_{step}")
        below = "_" if base != made.target else ""
        mend = f"write {base}{below}{{{step}}}, which is another name at each step"
    return EquationError(f"{made.target} is computed twice, {first}", mend=mend)


def parse_expression(text: str, *, helpers: bool = False) -> Expression:
    """Reads one formula.

    With `helpers` it also reads the operations that only backward formulas use, and
    `cases([...])`, so that every printed formula can be read back.
    """
    parser = Parser(text, helpers)
    expression = parser.whole()
    check_depth(expression, text)
    return expression


def _equation(text: str) -> tuple[str, Span, Expression]:
    parser = Parser(text, helpers=False)
    target, span = parser.target()
    expression = parser.whole()
    check_depth(expression, text)
    return target, span, expression
