"""A precedence parser for the equation language, with NumPy's meaning and Python's precedence."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace

from handgrad.equations.call_reader import CallReader
from handgrad.equations.token_reader import DEEPEST, span_of, with_span
from handgrad.errors import EquationError, Span
from handgrad.expression import Call, Expression, Literal, Nested
from handgrad.operations import BY_NAME

_INFIX: dict[str, Callable[[Expression, Expression], Call]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "@": operator.matmul,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Parser(CallReader):
    """A precedence parser over the tokens of one equation.

    After reading, `changed` says whether the formula is another than what is written, because of
    what its surroundings put in.
    """

    def target(self) -> tuple[str, Span]:
        (target,) = self.targets(1)
        return target

    def targets(self, most: int) -> tuple[tuple[str, Span], ...]:
        """The names that a line computes, up to its sign =."""
        found: list[tuple[str, Span]] = []
        while True:
            token = self.take()
            if token.kind != "name":
                raise self.wrong(
                    "an equation begins with the name it computes", token, "write name = formula"
                )
            self.check_name(token)
            found.append((token.text, token.span))
            if not self.at(",") or len(found) == most:
                break
            self.take()
        if self.at("=="):
            raise self.wrong("== compares; an equation is written with one =", self.token)
        if self.at("["):
            raise self.wrong(
                f"an entry of {token.text} cannot be computed alone",
                self.token,
                f"in a repeat, write {token.text}{{t}}: the number goes into the name",
            )
        if not self.at("="):
            mend = "write name = formula"
            if self.at("+", "-", "*", "/", "@") and self.source[self.token.span.stop :].startswith(
                "="
            ):
                sign, name = self.token.text, token.text
                mend = f"a name is computed once: write another, {name}_next = {name} {sign} …"
            raise self.wrong(f"'=' is missing after {token.text}", self.token, mend)
        self.take()
        return tuple(found)

    def whole(self) -> Expression:
        expression = self.comparison()
        self.finished()
        return expression

    def finished(self) -> None:
        """Raises `EquationError` where something stands after a formula."""
        token = self.token
        if token.kind == "end":
            return
        if self.at("=", "=="):
            raise self.wrong("an equation has one = only", token)
        if self.at("<", ">", "<=", ">="):
            raise self.wrong(
                "comparisons do not chain", token, "write (a < b) * (b < c) for a < b < c"
            )
        if self.at("!="):
            raise self.wrong("!= is not part of the language", token, "write < or >")
        if self.at(")", "]"):
            raise self.wrong(f"{token.text!r} closes nothing", token)
        if self.at(","):
            raise self.wrong("a comma stands only between arguments", token)
        raise self.nothing_between()

    def comparison(self) -> Expression:
        left = self.sum()
        if not self.at("<", "<=", ">", ">="):
            return left
        sign = self.take().text
        return self.binary(sign, left, self.sum())

    def sum(self) -> Expression:
        self.deeper()
        left = self.product()
        while self.at("+", "-"):
            sign = self.take()
            left = self.binary(sign.text, left, self.product())
        self.depth -= 1
        return left

    def product(self) -> Expression:
        left = self.signed()
        while self.at("*", "/", "@"):
            sign = self.take().text
            left = self.binary(sign, left, self.signed())
        return left

    def signed(self) -> Expression:
        if not self.at("-", "+"):
            return self.power()
        sign = self.take()
        self.deeper()
        argument = self.signed()
        self.depth -= 1
        span = sign.span | span_of(argument)
        if sign.text == "+":
            return argument
        if (
            isinstance(argument, Literal)
            and not isinstance(argument.value, tuple)
            and argument.value >= 0
        ):
            return Literal(-argument.value, text=f"-{argument.text}", span=span)
        return replace(-argument, span=span)

    def power(self) -> Expression:
        base = self.postfix()
        if self.at("^"):
            transposes = self.tokens[self.position + 1].text in ("T", "⊤")
            mend = "write .T for the transpose" if transposes else "write ** for a power"
            raise self.wrong("^ is not a power here", self.token, mend)
        if not self.at("**"):
            return base
        self.take()
        self.deeper()
        exponent = self.signed()
        self.depth -= 1
        return self.binary("**", base, exponent)

    def binary(self, sign: str, left: Expression, right: Expression) -> Call:
        return replace(_INFIX[sign](left, right), span=span_of(left) | span_of(right))

    def postfix(self) -> Expression:
        expression = self.atom()
        while True:
            if self.token.kind == "transpose":
                expression = replace(expression.T, span=span_of(expression) | self.take().span)
            elif self.at("."):
                dot = self.take()
                name = self.take()
                if name.text in ("*", "/", "**", "^"):
                    sign = "**" if name.text == "^" else name.text
                    raise self.wrong(
                        f".{name.text} is not part of the language",
                        dot.span | name.span,
                        f"{sign} works entry by entry",
                    )
                if name.kind == "name" and self.at("("):
                    expression = self.call(name, expression)
                    continue
                if name.text not in ("T", "mT"):
                    raise self.wrong(
                        f"attributes are not part of the language: .{name.text}",
                        dot.span | name.span,
                        f"write {name.text}(…)"
                        if name.text in BY_NAME
                        else "the transpose is .T; of each matrix of a stack, .mT"
                        if name.text.lower() in ("t", "mt", "transpose")
                        else "",
                    )
                turned = expression.T if name.text == "T" else expression.mT
                expression = replace(turned, span=span_of(expression) | name.span)
            elif self.at("["):
                expression = self.index(expression)
            else:
                return expression

    def atom(self) -> Expression:
        token = self.token
        if token.kind == "number":
            return self.number()
        if token.kind == "name":
            if constant := self.constant():
                return constant
            library = self.library()
            token = self.take()
            self.check_name(token)
            if self.at("("):
                if not library and token.text in self.around.functions:
                    self.changed = True
                    return self.around.functions[token.text](self, token)
                return self.call(token, library=library)
            return self.named(token)
        if token.kind == "several":
            raise self.wrong(
                f"{token.text} is several names",
                token,
                "they are arguments of a call: sum(L{1..3})",
            )
        if self.at("("):
            self.take()
            inner = self.comparison()
            closing = self.expect(")", "the parenthesis")
            return with_span(inner, token.span | closing.span)
        if self.at("["):
            return self.array()
        if token.kind == "end":
            raise self.wrong("the equation ends where a value is missing", token)
        if token.kind == "text":
            raise self.wrong(
                "equations hold names and numbers, no texts", token, "write names without quotes"
            )
        if token.text == "/" and self.tokens[self.position - 1].text == "/":
            raise self.wrong("// is not part of the language", token, "write / for a quotient")
        raise self.wrong(f"a value is missing before {token.text!r}", token)

    def array(self) -> Literal:
        opening = self.token
        value = self.rows(1)
        span = opening.span | self.tokens[self.position - 1].span
        return Literal(value, span=span)

    def rows(self, level: int) -> tuple[Nested, ...]:
        opening = self.take()
        if level > 8:
            raise self.wrong("an array of more than 8 axes", opening)
        items: list[Nested] = []
        while True:
            if self.at("["):
                items.append(self.rows(level + 1))
            else:
                negative = self.at("-")
                if negative:
                    self.take()
                if self.token.kind != "number":
                    raise self.wrong("an array holds numbers only", self.token)
                number = self.number().value
                assert not isinstance(number, tuple)
                items.append(-number if negative else number)
            if not self.at(","):
                break
            self.take()
        self.expect("]", "the array")
        if len({_shape(i) for i in items}) > 1:
            raise self.wrong("the rows of the array differ in length", opening)
        return tuple(items)


def _shape(value: Nested) -> tuple[int, ...]:
    return (len(value), *_shape(value[0])) if isinstance(value, tuple) else ()


def check_depth(expression: Expression, source: str) -> None:
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
