"""A precedence parser for the equation language, with NumPy's meaning and Python's precedence."""

from __future__ import annotations

import keyword
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from handgrad.equations.indices import IndexMistake, is_range, numbered, whole
from handgrad.equations.tokens import Token, shifted
from handgrad.errors import EquationError, Span, nearest
from handgrad.expression import Call, Expression, Index, Literal, Name, Nested, Option, Slice
from handgrad.operations import BY_NAME, OPTION_SPELLINGS, SPELLINGS, Operation
from handgrad.operations.constants import CONSTANTS
from handgrad.operations.elsewhere import (
    ARRAYS,
    ELSEWHERE,
    LIBRARIES,
    MENDS,
    MISCOUNTED,
    SWAPPED,
    unlike,
    unlike_method,
)
from handgrad.operations.several import of_several

LARGEST = 10_000
"""Names and numbers in one formula, at most, once what they stand for is put in."""

TRUE_OR_FALSE = "unbiased"
"""PyTorch's older name of ddof=1, which says true or false."""

PICK = next(o.name for o in BY_NAME.values() if o.picks)
"""The operation of an index that is a formula."""

INFINITE = ("inf", "Inf", "infty")

DEEPEST = 100
"""Levels of brackets and of operations, at most; trees stay safe to walk."""

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


@dataclass(frozen=True)
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


class Parser:
    """A precedence parser over the tokens of one equation.

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

    # -- tokens ---------------------------------------------------------------------------

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
            raise self.wrong(f"{sign!r} is missing after {after}", self.token)
        return self.take()

    def wrong(self, what: str, token: Token | Span, mend: str = "") -> EquationError:
        span, offset = token.span if isinstance(token, Token) else token, self.around.offset
        span = Span(span.start - offset, span.stop - offset) if offset else span
        return EquationError(what, source=self.source, span=span, mend=mend)

    # -- equations ------------------------------------------------------------------------

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
            raise self.wrong(
                f"'=' is missing after {token.text}", self.token, "write name = formula"
            )
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
        if token.kind == "name":
            self.check_name(token)
        raise self.wrong(
            f"an operation is missing before {token.text}", token, "write * or @ for a product"
        )

    def check_name(self, token: Token) -> None:
        if token.text.startswith("__") or token.text.endswith("__"):
            raise self.wrong(
                f"{token.text} is not a name of this language",
                token,
                "write a name that neither begins nor ends with two underscores",
            )
        if keyword.iskeyword(token.text):
            raise self.wrong(
                f"{token.text!r} is a word of Python; equations are formulas only", token
            )

    # -- precedence -----------------------------------------------------------------------

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(
                f"brackets and signs nest deeper than {DEEPEST}", self.token, "split the equation"
            )

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
        span = sign.span | _span(argument)
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
        return replace(_INFIX[sign](left, right), span=_span(left) | _span(right))

    def postfix(self) -> Expression:
        expression = self.atom()
        while True:
            if self.token.kind == "transpose":
                expression = replace(expression.T, span=_span(expression) | self.take().span)
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
                expression = replace(turned, span=_span(expression) | name.span)
            elif self.at("["):
                expression = self.index(expression)
            else:
                return expression

    def index(self, expression: Expression) -> Expression:
        self.take()
        at = [self.one_index_or_numbers()]
        while self.at(","):
            self.take()
            at.append(self.one_index_or_numbers())
        end = self.expect("]", "the index")
        span = _span(expression) | end.span
        plain = tuple(i for i in at if not isinstance(i, Expression))
        if len(plain) == len(at):
            return replace(expression.at(plain), span=span)
        return self.picked(expression, at, span)

    def one_index_or_numbers(self) -> Index | Expression:
        """An index; or a formula, whose value picks."""
        name = self.tokens[self.position + self.at("-")]
        if self.is_counted():
            return self.one_index()
        if name.kind != "name" and name.text not in ("(", "["):
            return self.one_index()
        numbers = self.comparison()
        if self.at(":"):
            raise self.wrong("the ends of a slice are whole numbers", self.token)
        return numbers

    def picked(
        self, expression: Expression, at: Sequence[Index | Expression], span: Span
    ) -> Expression:
        """What a formula among the indices picks: E[ids], A[:, y]."""
        (place, numbers), *more = [(k, i) for k, i in enumerate(at) if isinstance(i, Expression)]
        if more:
            raise self.wrong(
                "one index alone may be a formula",
                span,
                "an entry of each row is sum(P * Y, axis=1) of one-hot rows Y; "
                "cross_entropy(P, y) takes class numbers",
            )
        before = at[:place]
        if Slice in map(type, before) and int in map(type, before):
            raise self.wrong(
                "an entry and then numbers that pick are picked one after the other",
                span,
                "write A[0][:, y] for A[0, :, y]",
            )
        others = tuple(Slice() if isinstance(i, Expression) else i for i in at)
        rest = expression
        if any(i != Slice() for i in others):
            rest = replace(expression.at(others), span=span)
        columns = sum(isinstance(i, Slice) for i in before)
        if columns > 1:
            raise self.wrong("rows and columns alone are picked", span, "index it down to a matrix")
        if columns:
            return replace(Call(PICK, (rest.T, numbers), span=span).T, span=span)
        return Call(PICK, (rest, numbers), span=span)

    def one_index(self) -> Index:
        bounds: list[int | None] = [self.whole_number()]
        while self.at(":") and len(bounds) < 3:
            self.take()
            bounds.append(self.whole_number())
        if len(bounds) == 1:
            if bounds[0] is None:
                raise self.wrong(
                    "an index is a whole number or a slice", self.token, "write a[0] or a[1:3]"
                )
            return bounds[0]
        if len(bounds) == 3 and bounds[2] == 0:
            raise self.wrong("a slice's step is not 0", self.token)
        return Slice(*bounds)

    def is_counted(self) -> bool:
        """Whether an index follows in which every name is that of a number, such as t - 1."""
        ahead = self.position
        while not (self.tokens[ahead].kind == "end" or self.tokens[ahead].text in (",", ":", "]")):
            ahead += 1
        names = [t.text for t in self.tokens[self.position : ahead] if t.kind == "name"]
        return bool(names) and all(name in self.around.numbers for name in names)

    def counted(self) -> int | None:
        """An index with a number by its name, such as t - 1; None where none of them is named."""
        ahead = self.position
        while not (self.tokens[ahead].kind == "end" or self.tokens[ahead].text in (",", ":", "]")):
            ahead += 1
        pieces = self.tokens[self.position : ahead]
        if not any(t.kind == "name" and t.text in self.around.numbers for t in pieces):
            return None
        self.changed = True
        try:
            value = whole(" ".join(t.text for t in pieces), self.around.numbers)
        except IndexMistake as mistake:
            raise self.wrong(mistake.what, pieces[0].span | pieces[-1].span, mistake.mend) from None
        self.position = ahead
        return value

    def whole_number(self) -> int | None:
        if self.around.numbers and (value := self.counted()) is not None:
            return value
        negative = self.at("-")
        if negative:
            self.take()
        if self.token.kind != "number":
            return None
        token = self.take()
        if not token.text.isdigit() or len(token.text) > 9:
            raise self.wrong("an index is a whole number", token, "entries are counted from 0")
        return -int(token.text) if negative else int(token.text)

    # -- atoms ----------------------------------------------------------------------------

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
            return _with_span(inner, token.span | closing.span)
        if self.at("["):
            return self.array()
        if token.kind == "end":
            raise self.wrong("the equation ends where a value is missing", token)
        if token.kind == "text":
            raise self.wrong(
                "equations hold names and numbers, no texts", token, "write names without quotes"
            )
        raise self.wrong(f"a value is missing before {token.text!r}", token)

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

    def grow(self, size: int) -> None:
        """Counts the names and numbers of the formula, which what stands for a name may multiply."""
        self.size += size
        if self.size > LARGEST:
            raise self.wrong(
                f"the formula grows to more than {LARGEST} names and numbers",
                Span(self.around.offset, self.around.offset + len(self.source)),
                "split it: give its parts names of their own",
            )

    def named(self, token: Token) -> Expression:
        """A name, or what stands for it here."""
        name, around = token.text, self.around
        if name in around.bound:
            self.changed = True
            expression, size = around.bound[name]
            self.grow(size)
            return _with_span(expression, token.span)
        self.grow(1)
        if name in around.plain:
            self.changed = True
            return Literal(float(around.numbers[name]), text=str(around.numbers[name]), span=token.span)  # fmt: skip
        if name in around.functions:
            raise self.wrong(f"{name} is a definition", token, f"call it: {name}(…)")
        return Name(name, span=token.span)

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
                    self.option(name, options)
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
                    self.positional(record.positional, options)
            else:
                spread |= self.argument(arguments)
            if not self.at(","):
                break
            self.take()
        end = self.expect(")", f"the arguments of {token.text}")
        span = token.span | end.span
        if first is not None:
            span = _span(first) | span
        if spread and not options and (together := of_several(name, arguments)) is not None:
            if len(arguments) > DEEPEST // 2:
                raise self.wrong(
                    f"{len(arguments)} values in one formula are more than {DEEPEST // 2}",
                    span,
                    "add them up step by step: s{t} = s{t-1} + L{t}, with s0 = 0",
                )
            return _with_span(together, span)
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
        for option in record.by_option.keys() & options.keys():
            record = self.with_option(record, option, options.pop(option), span)
            name = record.name
        fewest, most = record.arity
        if len(arguments) < fewest or (most is not None and len(arguments) > most):
            wanted = str(fewest) if fewest == most else f"at least {fewest}"
            raise self.wrong(
                f"{token.text} takes {wanted} argument{'' if fewest == 1 else 's'}, and was given {len(arguments)}",
                span,
                MISCOUNTED.get(name, ""),
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
            return _with_span(record.means(*arguments), span)
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

    def option(self, operation: str, options: dict[str, Option]) -> None:
        token = self.take()
        self.take()
        name = token.text
        record = BY_NAME.get(operation)
        if record is not None and name not in record.options:
            other = OPTION_SPELLINGS.get(name, name)
            name = other if other in (*record.options, *record.by_option) else name
        truth = name != token.text and token.text == TRUE_OR_FALSE
        if name in options:
            raise self.wrong(f"the option {token.text} is given twice", token)
        value = self.option_value(token)
        options[name] = int(value) if truth and isinstance(value, bool) else value

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

    def at_positional(self, record: Operation, given: int) -> bool:
        """Whether what follows is no argument but an option: a number after those that there have to be, or several in brackets."""
        fewest, most = record.arity
        ahead = [t for t in self.tokens[self.position : self.position + 3] if t.text not in "([-"]
        infinity = (
            bool(record.by_option)
            and any(t.text in INFINITE for t in ahead)
            and ahead[0].kind == "name"
        )
        plain = infinity or (bool(ahead) and ahead[0].kind in ("number", "text"))
        return most is not None and given >= fewest and (plain or self.at_none())

    def at_none(self) -> bool:
        """Whether None follows, alone between commas."""
        after = self.tokens[self.position + 1] if self.token.kind == "name" else self.token
        return self.token.text in ("None", "none") and after.text in (",", ")")

    def positional(self, names: Sequence[str], options: dict[str, Option]) -> None:
        """One of the numbers after the arguments: the next option, or one more number of the last."""
        token = self.token
        name = next((n for n in names if n not in options), names[-1])
        value = self.option_value(token._replace(text=name))
        before = options.get(name)
        if before is None:
            options[name] = value
        elif isinstance(value, int) and isinstance(before, int | tuple):
            options[name] = (*(before if isinstance(before, tuple) else (before,)), value)
        else:
            raise self.wrong(f"the option {name} is given twice", token)

    def library_of_constant(self) -> None:
        """Passes over a library's name before a constant, such as np. before np.inf."""
        while self.token.text in LIBRARIES and self.tokens[self.position + 1].text == ".":
            self.position += 2

    def option_value(self, name: Token) -> Option:
        self.library_of_constant()
        word = self.token
        if word.kind == "name" and word.text in INFINITE:
            self.take()
            return math.inf
        if word.kind == "name" and word.text.lower() in ("true", "false", "none"):
            self.take()
            return {"true": True, "false": False, "none": None}[word.text.lower()]
        if word.kind == "text":
            return self.take().text
        if self.at("(", "["):
            closing = ")" if self.take().text == "(" else "]"
            values: list[Index] = []
            while not self.at(closing):
                values.append(self.one_index())
                if not self.at(","):
                    break
                self.take()
            self.expect(closing, f"the option {name.text}")
            return tuple(values)
        negative = self.at("-")
        if negative:
            self.take()
        if self.token.kind != "number":
            raise self.wrong(f"the option {name.text} takes a number", self.token)
        token = self.token
        number = self.number().value
        assert not isinstance(number, tuple)
        value = -number if negative else number
        return int(value) if token.text.isdigit() and len(token.text) < 10 else value


def _span(expression: Expression) -> Span:
    span = getattr(expression, "span", None)
    return span if isinstance(span, Span) else Span(0, 0)


def _with_span(expression: Expression, span: Span) -> Expression:
    match expression:
        case Literal() | Name() | Call():
            return replace(expression, span=span)
        case _:
            return expression


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
