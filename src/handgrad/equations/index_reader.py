"""Reading what stands in brackets after a value: entries, slices, and numbers that pick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handgrad.equations.indices import IndexMistake, whole
from handgrad.equations.token_reader import TokenReader, span_of
from handgrad.errors import Span
from handgrad.expression import Call, Expression, Index, Slice
from handgrad.operations import BY_NAME

PICK = next(o.name for o in BY_NAME.values() if o.picks)
"""The operation of an index that is a formula."""


class IndexReader(TokenReader):
    """Reads indices."""

    def index(self, expression: Expression) -> Expression:
        self.take()
        at = [self.one_index_or_numbers()]
        while self.at(","):
            self.take()
            at.append(self.one_index_or_numbers())
        end = self.expect("]", "the index")
        span = span_of(expression) | end.span
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
        if not token.text.isdigit() or len(token.text) > 18:
            raise self.wrong("an index is a whole number", token, "entries are counted from 0")
        return -int(token.text) if negative else int(token.text)
