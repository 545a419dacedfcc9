"""What a formula says in print, as a key: two that have the same key are laid out and drawn alike.

Formulas themselves compare by structure alone. How one is written also depends on the shapes that it is annotated
with, and on how its numbers were written and lie.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from handgrad.expression import Adjoint, Call, Expression, Literal, Name, Nested
from handgrad.text import Proportion, Text


def printed(
    expression: Expression, numbers: Callable[[Nested], Hashable] | None = None
) -> Hashable:
    """The key of a formula; `numbers` gives that of numbers which stand in it by their values.

    Zero has no sign in print, and none here; a number that is none has a key of its own each time.
    """
    match expression:
        case Call(operation, arguments, options):
            # True is 1 to Python, and not in print.
            told = tuple([(name, isinstance(value, bool), value) for name, value in options])
            return operation, told, expression.shape, *[printed(a, numbers) for a in arguments]
        case Name(name):
            return name, expression.shape
        case Adjoint(name, through, of):
            return name, through, of, expression.shape
        case Literal(value):
            whole = None if expression.whole is None else expression.lengths
            return (
                value if numbers is None or expression.text or whole else numbers(value),
                expression.batched,
                expression.row,
                expression.text,
                whole,
                expression.gradient,
            )
        case _:
            raise TypeError(f"not a formula: {expression!r}")


def printed_text(text: Text) -> Hashable:
    """The key of running text with formulas in it."""
    return tuple(
        [
            printed(part)
            if isinstance(part, Expression)
            else (part, part.of_whole)
            if isinstance(part, Proportion)
            else part
            for part in text
        ]
    )
