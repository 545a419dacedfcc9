"""Shapes and identities: a formula tree annotated with shapes, and tidied for a reader."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_

from handgrad.errors import ShapeError, Span
from handgrad.expression import Adjoint, Call, Expression, Leaf, Literal, Name, Shape
from handgrad.operations import operation_of
from handgrad.operations.operation import Application, Misfit, Options, Signature, held

ShapeOf = Callable[[Leaf], Shape]


def span_of(expression: Expression) -> Span | None:
    """Where the expression stands in its equation's text, if it was read from one."""
    return None if isinstance(expression, Adjoint) else getattr(expression, "span", None)


def signature_of(call: Call, batched: tuple[bool, ...] = ()) -> Signature:
    """The signature of an annotated call."""
    return Signature(_shapes(call.arguments), call.shape or (), _options(call), batched)


def _shapes(arguments: tuple[Expression, ...]) -> tuple[Shape, ...]:
    return tuple([a.shape or () for a in arguments])


def _options(call: Call) -> Options:
    """Every option, those that are not given by the operation's own defaults."""
    defaults = operation_of(call).options
    return {**defaults, **dict(call.options)} if call.options else defaults


def application(call: Call, arguments: tuple[Expression, ...], out: Expression) -> Application:
    """An annotated call as its pull-backs see it, with formulas for its arguments and result."""
    return Application(arguments, out, signature_of(call))


def annotated(expression: Expression, shapes: ShapeOf, source: str = "") -> Expression:
    """The tree with the shape of every node filled in.

    Raises `ShapeError`, with the span in `source`, where operands do not fit.
    """
    return _rebuilt(expression, shapes, source, tidy=False)


def tidied(expression: Expression, shapes: ShapeOf) -> Expression:
    """The tree annotated, and simplified by the operations' own identities."""
    return _rebuilt(expression, shapes, "", tidy=True)


def _rebuilt(expression: Expression, shapes: ShapeOf, source: str, tidy: bool) -> Expression:
    match expression:
        case Literal():
            return expression
        case Name() as leaf:
            shape = shapes(leaf)
            return leaf if leaf.shape == shape else Name(leaf.name, leaf.span, shape)
        case Adjoint() as leaf:
            shape = shapes(leaf)
            return leaf if leaf.shape == shape else Adjoint(leaf.name, leaf.through, leaf.of, shape)
        case Call():
            arguments = tuple([_rebuilt(a, shapes, source, tidy) for a in expression.arguments])
            kept = all(map(is_, arguments, expression.arguments))
            call = expression
            if not kept or call.shape is None:
                shape = _result_shape(call, arguments, source)
                call = Call(call.operation, arguments, call.options, call.span, shape, call.hinge)
            if tidy and (simplify := operation_of(call).simplify) is not None:
                simpler = simplify(call)
                if simpler is not None and simpler != call:
                    return _rebuilt(simpler, shapes, source, tidy)
            return call
        case _:
            raise TypeError(f"not a formula: {expression!r}")


def _result_shape(call: Call, arguments: tuple[Expression, ...], source: str) -> Shape:
    """The shape that a call has of annotated arguments."""
    try:
        return held(operation_of(call).shape(_shapes(arguments), _options(call)))
    except Misfit as misfit:
        names = [spelled(a, source) for a in arguments]
        raise ShapeError(
            _filled(misfit.what, names),
            source=source,
            span=call.span,
            point=_sign_position(call, source),
            # The transpose of a transpose is the operand itself.
            mend=_filled(misfit.mend, names).replace(".T.T", ""),
        ) from None


def _sign_position(call: Call, source: str) -> int | None:
    """Where the sign of an infix operation stands in its equation."""
    spans = [span_of(a) for a in call.arguments]
    match spans:
        case [Span(start=first, stop=left), Span(start=right)] if (
            source and call.span and first == call.span.start
        ):
            return next((i for i in range(left, right) if not source[i].isspace()), None)
    return None


def _filled(text: str, names: list[str]) -> str:
    for position, name in enumerate(names):
        text = text.replace(f"{{{position}}}", name)
    return text


def spelled(expression: Expression, source: str) -> str:
    """An operand as the equation spells it."""
    span = span_of(expression)
    if span is None or not source:
        return "the operand"
    text = source[span.start : span.stop]
    return text if len(text) <= 30 else text[:29] + "…"
