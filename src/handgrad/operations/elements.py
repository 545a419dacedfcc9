"""One entry of a formula, written out in entries of what it is made of."""

from __future__ import annotations

from handgrad.expression import Call, Expression, Literal, Name, Slice
from handgrad.operations import BY_NAME, operation_of
from handgrad.operations.annotate import application

INDEX = "index"


def entry_of(expression: Expression, index: tuple[int, ...]) -> Expression:
    """The scalar formula of entry `index` of an annotated expression.

    Opens every operation whose record has an element rule, down to entries of names.
    The result is annotated with scalar shapes.
    """
    match expression:
        case Literal():
            value = expression.value
            for i in index:
                assert isinstance(value, tuple)
                value = value[i]
            return Literal(value)
        case Call():
            rule = operation_of(expression).element
            out = Name("", shape=expression.shape)
            opened = (
                rule(index, application(expression, expression.arguments, out)) if rule else None
            )
            if opened is None:
                return expression.entry(index)
            return _opened(opened)
        case _:
            return expression.entry(index)


def _opened(expression: Expression) -> Expression:
    """Entries of calls opened in their turn; arithmetic between them kept."""
    if not isinstance(expression, Call):
        return expression
    if expression.operation == BY_NAME[INDEX].name:
        inner = expression.arguments[0]
        at = expression.option("at")
        if (
            isinstance(inner, Call | Literal)
            and isinstance(at, tuple)
            and not any(isinstance(i, Slice) for i in at)
        ):
            whole = tuple(i for i in at if isinstance(i, int))
            if len(whole) == len(inner.shape or ()):
                return entry_of(inner, whole)
        return Call(expression.operation, expression.arguments, expression.options, shape=())
    if expression.shape == () and operation_of(expression).element and _of_arrays(expression):
        return entry_of(expression, ())
    arguments = tuple(
        entry_of(a, ())
        if isinstance(a, Call) and a.shape == () and a.operation != INDEX
        else _opened(a)
        for a in expression.arguments
    )
    return Call(expression.operation, arguments, expression.options, shape=())


def _of_arrays(call: Call) -> bool:
    """Whether a single number is made of more than one, as a sum is: its entries have to be opened."""
    return any(argument.shape for argument in call.arguments)
