"""Blocks: lines, repeats and definitions, as the indentation of a text groups them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from handgrad.equations.lines import SourceLine
from handgrad.equations.tokens import plain_name
from handgrad.errors import EquationError, Span
from handgrad.record import record

_DEF = re.compile(
    r"def\s+(?P<name>[^\W\d]\w*)\s*\((?P<arguments>[^()]*)\)\s*(?:(?P<sign>[=:])\s*)?"
)
_FOR = re.compile(r"for\s+(?P<name>[^\W\d]\w*)\s+in\s+(?P<range>[^:]*?)\s*:\s*")
_PYTHON_RANGE = re.compile(r"range\s*\(\s*(?:(\w+)\s*,)?\s*(\w+)\s*\)")
_RETURN = re.compile(r"return\b\s*")


@record
class Assignment:
    """A line that computes something; the formula of a definition on one line begins at `begin`."""

    line: SourceLine
    begin: int = 0


@record
class Repeat:
    """Lines that are repeated, for each number of a range; the range is read when it is expanded."""

    line: SourceLine
    variable: str
    range: str
    body: tuple[Statement, ...]


@record
class Definition:
    """A function of the problem's own: its lines, and what it returns, a formula or several."""

    line: SourceLine
    name: str
    arguments: tuple[str, ...]
    body: tuple[Statement, ...]
    returned: Assignment | None


Statement: TypeAlias = "Assignment | Repeat | Definition"


def statements(lines: Sequence[SourceLine]) -> tuple[Statement, ...]:
    """The lines, grouped: what is indented further than a header belongs to it.

    Raises `EquationError` for a header that cannot be read, and for one without lines of its own.
    """
    found: list[Statement] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        after = position
        while after < len(lines) and lines[after].indent > line.indent:
            after += 1
        if re.match(r"(def|for)\b", line.text):
            made = _definition if line.text.startswith("def") else _repeat
            found.append(made(line, lines[position:after]))
            position = after
        else:
            if _RETURN.match(line.text):
                raise _wrong(
                    line, "return stands on the last line of a definition, indented under it"
                )
            found.append(Assignment(line))
    return tuple(found)


def _wrong(line: SourceLine, what: str, mend: str = "", span: Span | None = None) -> EquationError:
    return EquationError(what, where=line.place, source=line.text, span=span, mend=mend)


def _repeat(line: SourceLine, indented: Sequence[SourceLine]) -> Repeat:
    header = _FOR.match(line.text)
    if header is None:
        raise _wrong(line, "the repeat cannot be read", "write for t in 1..5:")
    if python := _PYTHON_RANGE.fullmatch(header["range"]):
        first, stop = python[1] or "0", python[2]
        last = str(int(stop) - 1) if stop.isdecimal() and len(stop) < 10 else f"{stop}-1"
        span = Span(header.start("range"), header.end("range"))
        mend = f"write for {header['name']} in {first}..{last}:"
        raise _wrong(line, "a repeat counts from its first number to its last", mend, span)
    body = _body(line, header.end(), indented)
    for statement in body:
        if isinstance(statement, Definition):
            raise _wrong(
                statement.line,
                "a definition stands by itself, not inside a repeat",
                "write it above",
            )
    return Repeat(line, plain_name(header["name"]), header["range"], body)


def _definition(line: SourceLine, indented: Sequence[SourceLine]) -> Definition:
    header = _DEF.match(line.text)
    if (
        header is not None
        and header["sign"] is None
        and header.end() == len(line.text)
        and indented
    ):
        begun = line.text.rstrip()
        raise _wrong(
            line, f"':' is missing after the arguments of {header['name']}", f"write {begun}:"
        )
    if header is None or header["sign"] is None:
        mend = "write def layer(x, W, b) = relu(W @ x + b)"
        raise _wrong(line, "the definition cannot be read", mend)
    name = plain_name(header["name"])
    arguments = tuple(plain_name(a.strip()) for a in header["arguments"].split(",") if a.strip())
    for argument in arguments:
        if not argument.isidentifier():
            span = Span(header.start("arguments"), header.end("arguments"))
            raise _wrong(
                line, f"{argument[:40]!r} is no name of an argument", "write x, W, b", span
            )
    if len(set(arguments)) < len(arguments):
        twice = next(a for a in arguments if arguments.count(a) > 1)
        raise _wrong(line, f"{name} has the argument {twice} twice")
    begin = header.end()
    if again := _RETURN.match(line.text, begin):
        begin = again.end()
    if begin < len(line.text):
        if indented:
            raise _wrong(
                indented[0],
                f"this line is indented under a definition of {name} that ends on its own line",
                "let it end with a colon, or do not indent this one",
            )
        return Definition(line, name, arguments, (), Assignment(line, begin))
    if not indented:
        raise _wrong(line, f"{name} has no formula", "write it after =, or indented on the lines below")  # fmt: skip
    *before, last = indented
    found = _RETURN.match(last.text)
    lines = before if found else indented
    for inner in lines:
        if _RETURN.match(inner.text):
            raise _wrong(inner, "return stands on the last line of a definition alone")
    body = statements(lines)
    for statement in body:
        if isinstance(statement, Definition):
            raise _wrong(statement.line, "a definition stands by itself, not inside another", "write it above")  # fmt: skip
    if found is None and not isinstance(body[-1], Assignment):
        raise _wrong(
            line, f"{name} ends with a repeat", "let its last line be return and a formula"
        )
    return Definition(line, name, arguments, body, Assignment(last, found.end()) if found else None)


def _body(line: SourceLine, begin: int, indented: Sequence[SourceLine]) -> tuple[Statement, ...]:
    """The lines under a repeat, or the one after its colon."""
    if begin < len(line.text):
        if indented:
            raise _wrong(
                indented[0], "this line is indented under a repeat that ends on its own line"
            )
        return (Assignment(line, begin),)
    if not indented:
        raise _wrong(line, "nothing is repeated", "indent the lines that are")
    return statements(indented)
