"""One entry of a formula, written out in entries of what it is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from handgrad.expression import Call, Expression, Literal, Name, Slice, literal_of
from handgrad.operations import BY_NAME, operation_of
from handgrad.operations.annotate import application
from handgrad.operations.operation import Operation

INDEX, ADD = "index", "add"


Opens: TypeAlias = Callable[[Operation], bool]
"""Whether an operation is to be written out."""


def entry_of(
    expression: Expression, index: tuple[int, ...], opens: Opens | None = None
) -> Expression:
    """The scalar formula of entry `index` of an annotated expression.

    Opens every operation whose record has an element rule, or those of them that it is told to, down to
    entries of names. The result is annotated with scalar shapes.
    """
    match expression:
        case Literal():
            if expression.whole is not None:
                return literal_of(expression.whole[index])
            value = expression.value
            for i in index:
                assert isinstance(value, tuple)
                value = value[i]
            return Literal(value)
        case Call():
            operation = operation_of(expression)
            rule = operation.element if opens is None or opens(operation) else None
            out = Name("", shape=expression.shape)
            opened = (
                rule(index, application(expression, expression.arguments, out)) if rule else None
            )
            if opened is None:
                return expression.entry(index)
            return _opened(opened, opens)
        case _:
            return expression.entry(index)


def _opened(expression: Expression, opens: Opens | None) -> Expression:
    """Entries of calls opened in their turn; arithmetic between them kept."""
    # A sum of thousands of terms is as deep as it is long: down to its first term in a loop.
    waiting: list[Call] = []
    while isinstance(expression, Call) and _goes_on(expression):
        waiting.append(expression)
        expression = expression.arguments[0]
    opened = _opened_alone(expression, opens)
    for call in reversed(waiting):
        rest = tuple(_argument(a, opens) for a in call.arguments[1:])
        opened = Call(call.operation, (opened, *rest), call.options, shape=())
    return opened


def _goes_on(sum_: Call) -> bool:
    """Whether a sum's first argument is a sum of numbers again."""
    first = sum_.arguments[0] if sum_.arguments else None
    return (
        isinstance(first, Call)
        and first.operation == sum_.operation == BY_NAME[ADD].name
        and not (_of_arrays(sum_) or _of_arrays(first))
    )


def _argument(expression: Expression, opens: Opens | None) -> Expression:
    if isinstance(expression, Call) and expression.shape == () and expression.operation != INDEX:
        return entry_of(expression, (), opens)
    return _opened(expression, opens)


def _opened_alone(expression: Expression, opens: Opens | None) -> Expression:
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
                return entry_of(inner, whole, opens)
        return Call(expression.operation, expression.arguments, expression.options, shape=())
    if expression.shape == () and operation_of(expression).element and _of_arrays(expression):
        return entry_of(expression, (), opens)
    arguments = tuple(_argument(a, opens) for a in expression.arguments)
    return Call(expression.operation, arguments, expression.options, shape=())


def _of_arrays(call: Call) -> bool:
    """Whether a single number is made of more than one, as a sum is: its entries have to be opened."""
    return any(argument.shape for argument in call.arguments)
