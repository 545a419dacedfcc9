"""A number as the sum of its terms, on a page: as one line of arithmetic, or a table of the largest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from handgrad.expression import Call, Expression, Literal, Name, substitute
from handgrad.page.blocks import Block, Derivation, Relation, Table, without_repeats
from handgrad.solution.sum_lines import SumLine
from handgrad.text import Text

INLINE = 4
"""Terms of a sum that is written as one line of arithmetic, at most; a longer one is a table."""

OF_NOTHING = 2
"""Terms that are listed of a sum whose terms are all 0."""


@dataclass(frozen=True)
class SumBlocks:
    """Tells sums in blocks.

    Arguments:
        parts: the names given to parts of equations, with their formulas.
        reduction: how cases are put together: "mean" or "sum".
    """

    parts: Mapping[str, Expression]
    reduction: str

    def line(self, line: SumLine) -> Iterator[Block]:
        """A line as one relation, or as a table of its largest terms."""
        if line.count <= INLINE and line.cases == 1:
            yield Derivation((self.relation(line),))
            return
        whole = _without_index(line.target)
        yield Derivation((Relation(self.written(whole), (self.written(line.equation),)),))
        yield self._table(line)

    def relation(self, line: SumLine) -> Relation:
        formula, numbers = (
            _added([getattr(term, side) for term in line.terms])
            for side in ("formula", "substituted")
        )
        chain = (self.written(formula), numbers, Literal(line.value))
        return Relation(
            self.written(line.target),
            without_repeats(chain),
            sign="←" if line.updates else "=",
        )

    def _table(self, line: SumLine) -> Table:
        # The largest stand first, but for the biases, which are listed too.
        nothing = not any(term.value for term in line.terms)
        listed = line.terms[:OF_NOTHING] if nothing else line.terms
        rows: list[tuple[Text, ...]] = []
        for term in listed:
            named = (self.written(term.formula),)
            first: Text = (f"case {term.case + 1}: ", *named) if term.case is not None else named
            rows.append((first, (term.substituted,), (Literal(term.value),)))
        left = line.count - len(listed)
        if left:
            others = "the other term" if left == 1 else f"the other {left} terms"
            rows.append(((others,), ("",), (Literal(line.rest),)))
        rows.append((("together",), ("",), (Literal(line.value),)))
        header: tuple[Text, ...] = (("term",), ("with numbers",), ("value",))
        return Table(header, tuple(rows), "llr", self._caption(line, left, nothing))

    def _caption(self, line: SumLine, left: int, nothing: bool) -> Text:
        target = self.written(line.target)
        if nothing:
            return (target, f": each of its {line.count} terms is 0")
        over = ""
        if line.cases > 1:
            how = "averaged" if self.reduction == "mean" else "added up"
            over = f", {how} over the {line.cases} cases"
        if not left:
            return (target, f": its {line.count} terms{over}")
        part = f"{100 * line.covered:.3g} %"
        return (
            target, f": the largest of its {line.count} terms{over}; those listed make up {part} of the size of all",
        )  # fmt: skip

    def written(self, formula: Expression) -> Expression:
        """A formula with every part of an equation that has a name of its own written out in it."""
        parts = self.parts
        return substitute(
            formula,
            lambda e: (
                self.written(parts[e.name]) if isinstance(e, Name) and e.name in parts else None
            ),
        )


def _without_index(target: Expression) -> Expression:
    at = isinstance(target, Call) and target.option("at") is not None
    return target.arguments[0] if at and isinstance(target, Call) else target


def _added(terms: Sequence[Expression]) -> Expression:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
