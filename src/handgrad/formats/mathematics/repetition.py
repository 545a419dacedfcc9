"""How numbers that are repeated to a shape are written where their shape counts: as products with ones."""

from __future__ import annotations

from dataclasses import replace

from handgrad.expression import Call, Expression, Literal, Nested, Shape, substitute
from handgrad.formats.mathematics.reading import is_transposed
from handgrad.notation import Unwritten
from handgrad.operations import operation_of
from handgrad.operations.arithmetic import multiply
from handgrad.operations.linear import outer


def written_out(expression: Expression) -> Expression:
    """A factor of a product of matrices in its own shape: of a vector repeated along columns g, the product g 1ᵀ.

    A repetition goes unwritten elsewhere: entry by entry a number stands for as many as there are.
    """
    if not isinstance(expression, Call):
        return expression
    if is_transposed(expression):
        inside = expression.arguments[0]
        written = written_out(inside)
        if written is inside:
            return expression
        return _transposed(written)
    shape = expression.shape
    if not isinstance(operation_of(expression).notation, Unwritten) or shape is None:
        return expression
    inner = expression.arguments[0]
    match inner.shape:
        case () if isinstance(inner, Literal) and not inner.batched:
            return Literal(_filled(inner.value, shape))
        case ():
            return Call(multiply.name, (inner, Literal(_filled(1.0, shape))), shape=shape)
        case (_,) if len(shape) == 2:
            leading = expression.option("axis") in (None, 0, -2, (0,), (-2,))
            ones = Literal(_filled(1.0, shape[:1] if leading else shape[1:]))
            return Call(
                outer.name, (ones, _upright(inner)) if leading else (inner, ones), shape=shape
            )
    return expression


def _upright(vector: Expression) -> Expression:
    """A formula of a vector with its numbers as columns, since it is to be transposed."""

    def stood(part: Expression) -> Expression | None:
        return replace(part, row=False) if isinstance(part, Literal) and part.row else None

    return vector if isinstance(vector, Literal) else substitute(vector, stood)


def _transposed(written: Expression) -> Expression:
    match written:
        case Literal(value=tuple() as rows) if len(written.shape) == 2:
            return replace(written, value=tuple(zip(*rows, strict=True)))
        case Call(operation=outer.name, arguments=(a, b)):
            return Call(outer.name, (b, a))
        case Call(operation=multiply.name, arguments=(a, b)):
            return Call(multiply.name, (a, _transposed(b)))
    return written


def _filled(value: Nested, shape: Shape) -> Nested:
    """One number throughout a shape."""
    filled = value
    for length in reversed(shape):
        filled = (filled,) * length
    return filled
