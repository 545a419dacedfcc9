"""Blocks written out: repeats and calls of definitions become the equations that they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from handgrad.equations.blocks import Assignment, Definition, Repeat, Statement
from handgrad.equations.frames import Expanded, Frame, numbered_as
from handgrad.equations.indices import IndexMistake, ends
from handgrad.equations.lines import SourceLine
from handgrad.equations.parser import Parser, check_depth
from handgrad.equations.source import source
from handgrad.equations.token_reader import DEEPEST, Bindings
from handgrad.equations.tokens import Token
from handgrad.errors import EquationError, Span
from handgrad.expression import Expression, Literal, Name, number
from handgrad.operations import SPELLINGS, is_spoken

MOST_CALLS = 50_000
"""Calls of definitions in one problem, at most."""

_WORD = re.compile(r"[^\W\d]\w*")
_COUNTING = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]")


@dataclass
class Expansion:
    """Writes the statements of a problem out.

    Arguments:
        given: by name of a number that is given, its value where it is a whole one, which may count.
        most: equations, at most.
        made: the equations, in order.
        counted: the numbers that are given and count something.
    """

    given: Mapping[str, int | None]
    most: int
    made: list[Expanded] = field(default_factory=list)
    counted: set[str] = field(default_factory=set)
    definitions: dict[str, Definition] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)
    _calls: int = 0
    _lines: int = 0

    def run(self, statements: Sequence[Statement]) -> None:
        """Writes them out into `made`. Raises `EquationError` for what cannot be read."""
        for statement in statements:
            if isinstance(statement, Definition):
                self._define(statement)
        frame = Frame(self._counts())
        for assignment, inner in self._flat(statements, frame):
            self._assign(assignment, inner)
        for name in self.definitions.keys() - self._used:
            self._try(self.definitions[name], frame)

    def _counts(self) -> dict[str, int]:
        return {name: value for name, value in self.given.items() if value is not None}

    def _define(self, definition: Definition) -> None:
        name, line = definition.name, definition.line
        with self._reading(line, Frame()):
            what = ""
            if is_spoken(name) or name in SPELLINGS:
                what = "an operation"
            elif name in self.given:
                what = "given a number"
            elif name in self.definitions:
                what = f"defined already, on line {self.definitions[name].line.number}"
            if what:
                start = line.text.find(name)
                raise _wrong(line, f"{name} is {what}", "define it by another name", Span(start, start + len(name)))  # fmt: skip
        self.definitions[name] = definition

    def _try(self, definition: Definition, frame: Frame) -> None:
        """Reads a definition that is never called, to find what is wrong with it."""
        lines = [s.line.text for s in definition.body]
        lines += [definition.returned.line.text] if definition.returned else []
        if any(isinstance(s, Repeat) for s in definition.body) or "{" in "".join(lines):
            return  # what it counts is not known
        before = len(self.made)
        inner = self._frame_of(definition, [(Literal(1.0), 1) for _ in definition.arguments])
        self._body(definition, inner, [], "")
        del self.made[before:]

    # -- repeats --------------------------------------------------------------------------

    def _flat(
        self, statements: Sequence[Statement], frame: Frame
    ) -> Iterator[tuple[Assignment, Frame]]:
        """The lines that compute something, one step of a repeat after the other."""
        for statement in statements:
            match statement:
                case Assignment():
                    self._lines += 1
                    if self._lines > 2 * self.most:
                        with self._reading(statement.line, frame):
                            raise self._too_many(statement.line)
                    yield statement, frame
                case Repeat():
                    for count in self._range(statement, frame):
                        inner = replace(
                            frame,
                            numbers={**frame.numbers, statement.variable: count},
                            steps=(*frame.steps, (statement.variable, count)),
                        )
                        yield from self._flat(statement.body, inner)
                case Definition():
                    pass

    def _range(self, repeat: Repeat, frame: Frame) -> range:
        name, line = repeat.variable, repeat.line
        start = line.text.find(repeat.range, line.text.find(" in ") + 3)
        span = Span(start, start + len(repeat.range))
        self._note(repeat.range)
        with self._reading(line, frame):
            counting = dict(frame.steps)
            for there, what in (
                (counting, "the step of the repeat around this one"),
                (self.given, "given a number"),
                (self.definitions, "a definition"),
                (frame.bound, "an argument"),
            ):
                if name in there:
                    raise _wrong(line, f"{name} is {what}", "call the step otherwise, such as k")
            try:
                first, last = ends(repeat.range, frame.numbers)
            except IndexMistake as mistake:
                mend = self._uncounted(repeat.range, frame) or mistake.mend
                raise _wrong(line, mistake.what, mend, span) from None
            if first < 0:
                raise _wrong(line, f"the repeat begins at {first}", "count from 0 or 1", span)
            if last < first:
                what = f"{first}..{last} repeats nothing"
                raise _wrong(line, what, "a repeat counts up and stops at its last number", span)
            if last - first >= self.most:
                what = f"{last - first + 1} repeats make more than {self.most} equations"
                raise _wrong(line, what, "repeat fewer times", span)
        return range(first, last + 1)

    def _note(self, text: str) -> None:
        """Keeps which of the given numbers a text counts with."""
        self.counted.update(w for w in _WORD.findall(text) if self.given.get(w) is not None)

    def _uncounted(self, text: str, frame: Frame) -> str:
        for name in _WORD.findall(text):
            if name in self.given and name not in frame.numbers:
                return f"{name} counts the steps: give one whole number, the same for every case"
        return ""

    # -- lines ----------------------------------------------------------------------------

    @contextmanager
    def _reading(self, line: SourceLine, frame: Frame) -> Iterator[None]:
        """Says of an error in a line where the line stands, and in which call and step."""
        try:
            yield
        except EquationError as error:
            if not error.where:
                error.where = line.place
                error.what = f"{frame.within}: {error.what}" if frame.within else error.what
            raise

    def _parser(self, assignment: Assignment, frame: Frame, target: str) -> Parser:
        line = assignment.line
        for counting in _COUNTING.findall(line.text):
            self._note(counting)
        return Parser(
            line.text,
            helpers=False,
            around=Bindings(
                numbers=frame.numbers,
                # A number that is given is a number in formulas by its own name.
                plain=frozenset(name for name, _ in frame.steps),
                bound=frame.bound,
                functions=dict.fromkeys(
                    self.definitions, partial(self._inside, line=line, frame=frame, target=target)
                ),
                offset=line.offset,
                depth=frame.depth,
            ),
            begin=assignment.begin,
        )

    def _assign(self, assignment: Assignment, frame: Frame) -> None:
        """Writes a line out."""
        line = assignment.line
        with self._reading(line, frame):
            first, *_ = self._targets(assignment, frame)
            parser = self._parser(assignment, frame, first)
            targets = parser.targets(MOST_RESULTS)
            names = [frame.names.get(name, name) for name, _ in targets]
            if self._is_call(parser):
                self._named(parser, line, frame, names)
            elif len(targets) > 1:
                what = "only the call of a definition computes several names at once"
                raise parser.wrong(what, targets[1][1], "write one equation a line")
            else:
                expression = parser.whole()
                changed = parser.changed or names[0] != targets[0][0] or bool(assignment.begin)
                self._add(line, frame, names[0], expression, changed)

    def _targets(self, assignment: Assignment, frame: Frame) -> list[str]:
        """The names that a line computes, as they are called here."""
        with self._reading(assignment.line, frame):
            targets = self._parser(assignment, frame, "").targets(MOST_RESULTS)
            for name, span in targets:
                if name in frame.bound and name not in frame.names:
                    raise EquationError(
                        f"{name} is an argument, and keeps its value",
                        source=assignment.line.text,
                        span=Span(span.start - assignment.line.offset, span.stop - assignment.line.offset),
                        mend=f"give the new value a name of its own, such as {name}_new",
                    )  # fmt: skip
        return [frame.names.get(name, name) for name, _ in targets]

    def _add(
        self, line: SourceLine, frame: Frame, target: str, expression: Expression, changed: bool
    ) -> None:
        check_depth(expression, line.text)
        if len(self.made) == self.most:
            raise self._too_many(line)
        self.made.append(Expanded(line, frame.within, target, expression, changed))

    def _too_many(self, line: SourceLine) -> EquationError:
        what = f"written out, the problem has more than {self.most} equations"
        return _wrong(line, what, "repeat fewer times")

    # -- calls ----------------------------------------------------------------------------

    def _is_call(self, parser: Parser) -> bool:
        """Whether the rest of a line is one call of a definition."""
        if parser.token.kind != "name" or parser.token.text not in self.definitions:
            return False
        depth = 0
        for position in range(parser.position + 1, len(parser.tokens)):
            text = parser.tokens[position].text
            depth += (text in ("(", "[")) - (text in (")", "]"))
            if depth == 0:
                return text == ")" and parser.tokens[position + 1].kind == "end"
        return False

    def _named(self, parser: Parser, line: SourceLine, frame: Frame, names: Sequence[str]) -> None:
        """A line that is a call: what is returned gets the line's names."""
        token = parser.take()
        definition = self.definitions[token.text]
        inner = self._call(parser, token, line, frame)
        results = self._body(definition, inner, names, names[0])
        if len(results) != len(names):
            returned = f"{len(results)} value{'s' if len(results) > 1 else ''}"
            raise parser.wrong(
                f"{definition.name} returns {returned}, and is given {len(names)} name{'s' if len(names) > 1 else ''}",
                token,
                "write a name for each before the sign =, with commas between",
            )
        for name, (expression, _) in zip(names, results, strict=True):
            if expression != Name(name):
                at = definition.returned.line if definition.returned else definition.line
                with self._reading(at, inner):
                    self._add(at, inner, name, expression, True)

    def _inside(
        self, parser: Parser, token: Token, *, line: SourceLine, frame: Frame, target: str
    ) -> Expression:
        """A call inside a formula: what is returned takes its place."""
        before = parser.size
        definition = self.definitions[token.text]
        inner = self._call(parser, token, line, frame)
        results = self._body(definition, inner, [], target)
        if len(results) != 1:
            raise parser.wrong(
                f"{definition.name} returns {len(results)} values, and one has a place here",
                token,
                f"write a line of its own: h1, c1 = {definition.name}(…)",
            )
        ((expression, size),) = results
        parser.size = before
        parser.grow(size)
        return expression

    def _call(self, parser: Parser, token: Token, line: SourceLine, frame: Frame) -> Frame:
        """The frame of a call, once its arguments have been read."""
        definition = self.definitions[token.text]
        arguments = self._arguments(parser, token, definition)
        if definition.name in frame.calls:
            loop = [*frame.calls[frame.calls.index(definition.name) :], definition.name]
            told = (
                f"{loop[0]} calls {'itself' if len(loop) == 2 else ', which calls '.join(loop[1:])}"
            )
            raise parser.wrong(
                told, token, "a definition cannot need itself; a repeat is written for t in 1..5:"
            )
        self._calls += 1
        if self._calls > MOST_CALLS:
            what = f"there are more than {MOST_CALLS} calls of definitions"
            raise parser.wrong(what, token, "repeat fewer times")
        if parser.depth + 2 > DEEPEST:
            what = f"calls and brackets nest deeper than {DEEPEST}"
            raise parser.wrong(what, token, "give the parts names of their own")
        told = ", ".join([source(e) if size < 8 else "…" for e, size in arguments])
        where = ", ".join((f"called on line {line.number}", *frame.at))
        inner = self._frame_of(definition, arguments)
        return replace(
            inner,
            calls=(*frame.calls, definition.name),
            called=(f"in {definition.name}({told[:60]}), {where}", *frame.called),
            depth=parser.depth + 2,
        )

    def _frame_of(
        self, definition: Definition, arguments: Sequence[tuple[Expression, int]]
    ) -> Frame:
        """A frame in which arguments stand for their names; whole numbers among them count."""
        self._used.add(definition.name)
        bound = dict(zip(definition.arguments, arguments, strict=True))
        values = {name: number(expression) for name, (expression, _) in bound.items()}
        whole = {n: int(v) for n, v in values.items() if v is not None and v.is_integer() and abs(v) < 1e6}  # fmt: skip
        counts = {n: v for n, v in self._counts().items() if n not in bound}
        return Frame(numbers={**counts, **whole}, bound=bound, calls=(definition.name,))

    def _arguments(
        self, parser: Parser, token: Token, definition: Definition
    ) -> list[tuple[Expression, int]]:
        """The arguments of a call, each with the names and numbers in it."""
        parser.take()
        wanted = definition.arguments
        found: list[tuple[Expression, int]] = []
        while not parser.at(")"):
            if parser.token.kind == "name" and parser.tokens[parser.position + 1].text == "=":
                what = f"{definition.name} takes its arguments in their order"
                raise parser.wrong(what, parser.token, f"they are {', '.join(wanted)}")
            before = parser.size
            several: list[Expression] = []
            parser.argument(several)
            size = parser.size - before if len(several) == 1 else 1
            found += [(expression, size) for expression in several]
            if not parser.at(","):
                break
            parser.take()
        end = parser.expect(")", f"the arguments of {definition.name}")
        if len(found) != len(wanted):
            takes = f"{len(wanted)} argument{'' if len(wanted) == 1 else 's'}"
            raise parser.wrong(
                f"{definition.name} takes {takes}, and was given {len(found)}",
                token.span | end.span,
                f"they are {', '.join(wanted)}" if wanted else f"write {definition.name}()",
            )
        return found

    def _body(
        self, definition: Definition, frame: Frame, names: Sequence[str], target: str
    ) -> list[tuple[Expression, int]]:
        """Writes the lines of a definition out; what it returns, each with its size.

        A line that is returned as it is takes its place among `names`; another is numbered as
        `target` is: called for h2, the line z is z2.
        """
        lines = list(self._flat(definition.body, frame))
        own: list[str] = []
        last: list[str] = []
        for assignment, step in lines:
            last = self._targets(assignment, step)
            own += last
        returned = last if definition.returned is None else self._bare(definition.returned, frame)
        direct = {o: n for o, n in zip(returned, names, strict=False) if o in own}
        called = {name: direct.get(name) or numbered_as(name, target) for name in own}
        bound = {**frame.bound, **{o: (Name(c), 1) for o, c in called.items()}}
        for assignment, step in lines:
            self._assign(assignment, replace(step, bound=bound, names=called))
        if definition.returned is None:
            return [(Name(called[name]), 1) for name in last]
        inner = replace(frame, bound=bound, names=called)
        with self._reading(definition.returned.line, inner):
            return self._formulas(self._parser(definition.returned, inner, target))

    def _bare(self, returned: Assignment, frame: Frame) -> list[str]:
        """The names among what is returned; an empty text for every other formula."""
        with self._reading(returned.line, frame):
            tokens = self._parser(returned, frame, "").tokens
        parts: list[list[Token]] = [[]]
        depth = 0
        for token in tokens[:-1]:
            depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
            if token.text == "," and depth == 0:
                parts.append([])
            else:
                parts[-1].append(token)
        return [p[0].text if len(p) == 1 and p[0].kind == "name" else "" for p in parts]

    def _formulas(self, parser: Parser) -> list[tuple[Expression, int]]:
        found: list[tuple[Expression, int]] = []
        while True:
            before = parser.size
            expression = parser.comparison()
            found.append((expression, parser.size - before))
            if not parser.at(",") or len(found) == MOST_RESULTS:
                parser.finished()
                return found
            parser.take()


MOST_RESULTS = 100
"""Values that a definition returns, at most."""


def _wrong(line: SourceLine, what: str, mend: str = "", span: Span | None = None) -> EquationError:
    return EquationError(what, source=line.text, span=span, mend=mend)
