"""That figures on a page are rounded, said where they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handgrad.expression import Call, Expression, Literal, Nested
from handgrad.figures import figure, full
from handgrad.page.blocks import Block, Paragraph, relations_in


def rounding_words(decimals: int) -> str:
    """How the figures of a page are rounded that carries all the digits of its numbers."""
    return f"Figures are shown to {decimals} decimals; full precision is carried."


def rounding_said(blocks: Sequence[Block], decimals: int) -> list[Block]:
    """A paragraph that says so, where some figure in the relations of `blocks` is rounded."""
    for relation in relations_in(blocks):
        for formula in relation.chain:
            if any(_is_rounded(x, decimals) for x in _numbers(formula)):
                return [Paragraph((rounding_words(decimals),))]
    return []


def _numbers(formula: Expression) -> Iterator[float]:
    if isinstance(formula, Literal):
        yield from _flat(formula.value)
    elif isinstance(formula, Call):
        for argument in formula.arguments:
            yield from _numbers(argument)


def _flat(value: Nested) -> Iterator[float]:
    if isinstance(value, tuple):
        for part in value:
            yield from _flat(part)
    else:
        yield value


def _is_rounded(x: float, decimals: int) -> bool:
    return x == x and figure(x, decimals) != full(x)
