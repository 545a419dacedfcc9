"""A reader of tokens, and what a line finds around it: the lowest part of the parser."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

from handgrad.equations.indices import IndexMistake, is_range, numbered
from handgrad.equations.tokens import Token, shifted
from handgrad.errors import EquationError, Span
from handgrad.expression import Call, Expression, Literal, Name
from handgrad.operations import BY_NAME, SPELLINGS
from handgrad.operations.elsewhere import (
    MENDS,
)
from handgrad.record import record

if TYPE_CHECKING:
    from handgrad.equations.parser import Parser

LARGEST = 10_000
"""Names and numbers in one formula, at most, once what they stand for is put in."""

DEEPEST = 100
"""Levels of brackets and of operations, at most; trees stay safe to walk."""


@record
class Bindings:
    """What a line of a block finds around it.

    Arguments:
        numbers: by name, the whole numbers that may stand inside names and indices, such as a step.
        plain: those of them that are numbers in formulas too.
        bound: by name, what stands for it, an argument of a call or a line of its definition; and
            how many names and numbers that has.
        functions: by name, how a call of a function of the problem's own is read.
        offset: where the line begins among all the lines; spans count from the first.
        depth: levels of brackets and calls that it already stands in.
    """

    numbers: Mapping[str, int] = field(default_factory=dict)
    plain: frozenset[str] = frozenset()
    bound: Mapping[str, tuple[Expression, int]] = field(default_factory=dict)
    functions: Mapping[str, Callable[[Parser, Token], Expression]] = field(default_factory=dict)
    offset: int = 0
    depth: int = 0


_NOTHING = Bindings()


class TokenReader:
    """The tokens of one equation, one after another.

    After reading, `changed` says whether the formula is another than what is written, because of
    what its surroundings put in.
    """

    def __init__(
        self, source: str, helpers: bool, around: Bindings = _NOTHING, begin: int = 0
    ) -> None:
        self.source = source
        self.helpers = helpers
        self.around = around
        self.changed = False
        self.size = 0
        self.several: dict[int, tuple[str, ...]] = {}
        self.tokens = [
            self.placed(token) if "{" in token.text else token
            for token in shifted(source, around.offset)
            if token.span.start >= begin + around.offset
        ]
        self.position = 0
        self.depth = around.depth

    def placed(self, token: Token) -> Token:
        """The token of a name with its numbers put in."""
        self.changed = True
        try:
            names = numbered(token.text, self.around.numbers)
        except IndexMistake as mistake:
            mend = MENDS["{"] if "," in token.text else mistake.mend
            raise self.wrong(mistake.what, token, mend) from None
        if is_range(token.text):
            self.several[token.span.start] = names
            return token._replace(kind="several")
        return token._replace(text=names[0])

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.token
        self.position += 1
        return token

    def at(self, *signs: str) -> bool:
        return self.token.kind == "sign" and self.token.text in signs

    def expect(self, sign: str, after: str) -> Token:
        if not self.at(sign):
            if sign in (")", "]") and self._follows_a_value():
                raise self.nothing_between()
            raise self.wrong(f"{sign!r} is missing after {after}", self.token)
        return self.take()

    def _follows_a_value(self) -> bool:
        """Whether a value stands where a bracket should end; with = after it, it is the next line's equation."""
        following = self.tokens[min(self.position + 1, len(self.tokens) - 1)]
        return self.token.kind in ("name", "number") and following.text != "="

    def nothing_between(self) -> EquationError:
        """What is wrong where a value follows another."""
        before, token = self.tokens[self.position - 1], self.token
        if token.kind == "name":
            self.check_name(token)
        mend = "write * or @ for a product"
        if before.kind == "name" and (before.text in BY_NAME or before.text in SPELLINGS):
            mend = (
                f"the arguments of {before.text} stand in parentheses: {before.text}({token.text})"
            )
        return self.wrong(f"an operation is missing before {token.text}", token, mend)

    def wrong(self, what: str, token: Token | Span, mend: str = "") -> EquationError:
        span, offset = token.span if isinstance(token, Token) else token, self.around.offset
        span = Span(span.start - offset, span.stop - offset) if offset else span
        return EquationError(what, source=self.source, span=span, mend=mend)

    def check_name(self, token: Token) -> None:
        if token.text.startswith("__") or token.text.endswith("__"):
            raise self.wrong(
                f"{token.text} is not a name of this language",
                token,
                "write a name that neither begins nor ends with two underscores",
            )
        if keyword.iskeyword(token.text):
            raise self.wrong(
                f"{token.text!r} is a word of Python; equations are formulas only",
                token,
                "write where(c > 0, a, b) for a if c > 0 else b" if token.text == "if" else "",
            )

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(
                f"brackets and signs nest deeper than {DEEPEST}", self.token, "split the equation"
            )

    def grow(self, size: int) -> None:
        """Counts the names and numbers of the formula, which what stands for a name may multiply."""
        self.size += size
        if self.size > LARGEST:
            raise self.wrong(
                f"the formula grows to more than {LARGEST} names and numbers",
                Span(self.around.offset, self.around.offset + len(self.source)),
                "split it: give its parts names of their own",
            )

    def comparison(self) -> Expression:
        """A formula, which brackets and calls hold: the parser reads it."""
        raise NotImplementedError


def span_of(expression: Expression) -> Span:
    span = getattr(expression, "span", None)
    return span if isinstance(span, Span) else Span(0, 0)


def with_span(expression: Expression, span: Span) -> Expression:
    match expression:
        case Literal() | Name() | Call():
            return replace(expression, span=span)
        case _:
            return expression
