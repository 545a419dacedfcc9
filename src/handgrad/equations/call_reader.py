"""Reading names and calls: an operation, its arguments and its options, in the spellings of libraries too."""

from __future__ import annotations

import math
from dataclasses import replace

from handgrad.equations.option_reader import OptionReader
from handgrad.equations.token_reader import DEEPEST, span_of, with_span
from handgrad.equations.tokens import Token
from handgrad.errors import Span, nearest
from handgrad.expression import Call, Expression, Literal, Name, Option, literal
from handgrad.operations import BY_NAME, SPELLINGS, Operation
from handgrad.operations.constants import CONSTANTS
from handgrad.operations.elsewhere import (
    ARRAYS,
    ELSEWHERE,
    LIBRARIES,
    MISCOUNTED,
    SWAPPED,
    unlike,
    unlike_method,
)
from handgrad.operations.several import of_several


def _number_wanted(record: Operation, count: int) -> str:
    """What to write for an option that was given as a formula."""
    if not record.positional or count != (record.arity[1] or 0) + 1:
        return ""
    return f"its {record.positional[0]} is a number that is written out, and no quantity"


class CallReader(OptionReader):
    """Reads names, numbers and calls."""

    def named(self, token: Token) -> Expression:
        """A name, or what stands for it here."""
        name, around = token.text, self.around
        if name in around.bound:
            self.changed = True
            expression, size = around.bound[name]
            self.grow(size)
            return with_span(expression, token.span)
        self.grow(1)
        if name in around.plain:
            self.changed = True
            return Literal(float(around.numbers[name]), text=str(around.numbers[name]), span=token.span)  # fmt: skip
        if name in around.functions:
            raise self.wrong(f"{name} is a definition", token, f"call it: {name}(…)")
        return Name(name, span=token.span)

    def constant(self) -> Expression | None:
        """A library's π or e, such as np.pi; None where none stands here."""
        first, dot, name = (
            *self.tokens[self.position : self.position + 3],
            *[self.tokens[-1]] * 2,
        )[:3]
        if first.text not in LIBRARIES or dot.text != "." or name.text not in CONSTANTS:
            return None
        self.position += 3
        return replace(CONSTANTS[name.text], span=first.span | name.span)

    def library(self) -> str:
        """Passes over a library's name before a call, such as np. before np.exp(z), and gives it."""
        ahead = self.position
        while self.tokens[ahead].text in LIBRARIES and self.tokens[ahead + 1].text == ".":
            ahead += 2
        named, after = (
            self.tokens[ahead : ahead + 2] if ahead > self.position else (self.token,) * 2
        )
        # F.sum() is a method of a matrix F.
        method = self.tokens[ahead + 2 : ahead + 3] and self.tokens[ahead + 2].text == ")"
        if named.kind != "name" or after.text != "(" or method:
            return ""
        library, self.position = self.token.text, ahead
        return library

    def number(self) -> Literal:
        token = self.take()
        value = float(token.text) if len(token.text) <= 400 else math.inf
        if not math.isfinite(value):
            raise self.wrong("the number is too large for a 64-bit float", token)
        self.grow(1)
        return Literal(value, text=token.text, span=token.span)

    def call(
        self, token: Token, first: Expression | None = None, *, library: str = ""
    ) -> Expression:
        """A call of an operation; as a method, of its first argument: z.sum(), W.dot(x)."""
        self.take()
        name = SPELLINGS.get(token.text, token.text)
        record = BY_NAME.get(name)
        if record and record.of_libraries and (library or first is not None):
            name = record.of_libraries
            record = BY_NAME[name]
        arguments: list[Expression] = [] if first is None else [first]
        options: dict[str, Option] = {}
        formulas: dict[str, Expression] = {}
        named: dict[str, Expression] = {}
        spread = False
        if record and record.heading and self.token.kind == "text":
            options[record.heading] = self.take().text
            if not self.at(")"):
                self.expect(",", f"the text of {token.text}")
        while not self.at(")"):
            following = self.tokens[self.position + 1] if self.token.kind == "name" else self.token
            if self.token.kind == "name" and following.kind == "sign" and following.text == "=":
                if record and self.token.text in record.argument_names[len(arguments) :][:1]:
                    self.position += 2
                    arguments.append(self.comparison())
                elif record and self.token.text in record.named:
                    key = self.take().text
                    named[key] = self.named_value()
                else:
                    self.option(name, options, formulas)
            elif (
                record and record.arity[1] is None and not arguments and (ends := self.list_ends())
            ):
                self.take()
                while self.position < ends:
                    spread |= self.argument(arguments)
                    if not self.at(","):
                        break
                    self.take()
                self.expect(self.tokens[ends].text, f"the arguments of {token.text}")
            elif record and record.positional and self.at_positional(record, len(arguments)):
                if self.at_none() and len(arguments) < (record.arity[1] or 0) and not options:
                    self.take()  # conv2d(X, K, None, 2): the last argument is left out
                else:
                    self.positional(record, options, formulas)
            else:
                spread |= self.argument(arguments)
            if not self.at(","):
                break
            self.take()
        end = self.expect(")", f"the arguments of {token.text}")
        span = token.span | end.span
        if first is not None:
            span = span_of(first) | span
        if spread and not options and (together := of_several(name, arguments)) is not None:
            if len(arguments) > DEEPEST // 2:
                raise self.wrong(
                    f"{len(arguments)} values in one formula are more than {DEEPEST // 2}",
                    span,
                    "add them up step by step: s{t} = s{t-1} + L{t}, with s0 = 0",
                )
            return with_span(together, span)
        if name in ARRAYS and len(arguments) == 1 and isinstance(arguments[0], Literal):
            return replace(arguments[0], span=span)
        if (
            self.helpers
            and name == "cases"
            and len(arguments) == 1
            and isinstance(arguments[0], Literal)
        ):
            return replace(arguments[0], batched=True, span=span)
        if record and arguments:
            for key, formula in named.items():
                arguments = [*record.named[key](tuple(arguments), formula)]
        if library and (mend := unlike(library, name, len(arguments), options)):
            raise self.wrong(f"{library}'s {token.text} is another operation", span, mend)
        if record and record.pair and len(arguments) == 2:
            name = record.pair
            record = BY_NAME[name]
        if record is None or (record.family == "helper" and not self.helpers):
            known = [*(n for n, o in BY_NAME.items() if o.family != "helper"), *SPELLINGS]
            raise self.wrong(
                f"there is no operation {token.text}",
                token,
                ELSEWHERE.get(token.text) or nearest(token.text, known),
            )
        if first is not None and (mend := unlike_method(name, record.defaults_elsewhere, options)):
            raise self.wrong(f".{token.text} differs from library to library", span, mend)
        if len(arguments) == 2 and library in SWAPPED.get(token.text, ()):
            arguments.reverse()
        for option, value in record.defaults_elsewhere.get(library, {}).items():
            options.setdefault(option, value)
        if record.with_options and options:
            record = BY_NAME[record.with_options]
            name = record.name
        if formulas and record.of_formulas is not None and len(arguments) == 1:
            formulas |= {n: literal(v) for n, v in options.items() if isinstance(v, int | float)}
            return with_span(record.of_formulas(*arguments, **formulas), span)
        for option in record.by_option.keys() & options.keys():
            record = self.with_option(record, option, options.pop(option), span)
            name = record.name
        fewest, most = record.arity
        if len(arguments) < fewest or (most is not None and len(arguments) > most):
            wanted = str(fewest) if fewest == most else f"at least {fewest}"
            raise self.wrong(
                f"{token.text} takes {wanted} argument{'' if fewest == 1 else 's'}, and was given {len(arguments)}",
                span,
                MISCOUNTED.get(name, "") or _number_wanted(record, len(arguments)),
            )
        for option in options:
            if option not in record.options:
                raise self.wrong(
                    f"{token.text} has no option {option}",
                    span,
                    nearest(option, record.options)
                    or f"its options: {', '.join(record.options) or 'none'}",
                )
        if record.means is not None:
            return with_span(record.means(*arguments), span)
        return Call(name, tuple(arguments), tuple(options.items()), span=span)

    def named_value(self) -> Expression:
        """The formula after name=."""
        self.take()
        return self.comparison()

    def with_option(self, record: Operation, option: str, value: Option, span: Span) -> Operation:
        """What an operation is with an option at a value: the norm of order 1."""
        meant = record.by_option[option]
        if not isinstance(value, int | float) or value not in meant:
            known = [f"{v:g}" for v in meant]
            raise self.wrong(
                f"{option} of {record.name} is {', '.join(known[:-1])} or {known[-1]}", span
            )
        return BY_NAME[meant[value]]

    def argument(self, arguments: list[Expression]) -> bool:
        """Appends an argument of a call, or those of a range: H{1..3}. Whether it was a range."""
        if self.token.kind != "several":
            arguments.append(self.comparison())
            return False
        token = self.take()
        names = self.several[token.span.start]
        arguments += [self.named(Token("name", name, token.span)) for name in names]
        return True

    def list_ends(self) -> int:
        """Where a list of arguments in brackets of its own ends, as in cat([a, b]); 0 where none begins."""
        if not self.at("(", "["):
            return 0
        depth, commas = 0, 0
        for position in range(self.position, len(self.tokens)):
            text = self.tokens[position].text
            depth += (text in ("(", "[")) - (text in (")", "]"))
            commas += depth == 1 and (text == "," or self.tokens[position].kind == "several")
            if depth == 0:
                within = self.tokens[self.position : position]
                numbers = all(t.kind == "number" or t.text in ",-[]()" for t in within)
                return position if commas and not numbers else 0
        return 0
