"""Shapes and identities: a formula tree annotated with shapes, and tidied for a reader."""

from __future__ import annotations

from collections.abc import Callable

from handgrad.errors import ShapeError, Span
from handgrad.expression import Adjoint, Call, Expression, Leaf, Literal, Name, Shape, shape_of
from handgrad.operations import operation_of
from handgrad.operations.operation import Application, Misfit, Signature

ShapeOf = Callable[[Leaf], Shape]


def span_of(expression: Expression) -> Span | None:
    """Where the expression stands in its equation's text, if it was read from one."""
    return None if isinstance(expression, Adjoint) else getattr(expression, "span", None)


def signature_of(call: Call, cased: tuple[bool, ...] = ()) -> Signature:
    """The signature of an annotated call."""
    shapes = tuple(s if (s := shape_of(a)) is not None else () for a in call.arguments)
    options = {**operation_of(call).options, **dict(call.options)}
    return Signature(shapes, call.shape if call.shape is not None else (), options, cased)


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
            arguments = tuple(_rebuilt(a, shapes, source, tidy) for a in expression.arguments)
            kept = all(a is b for a, b in zip(arguments, expression.arguments, strict=True))
            call = expression
            if not kept or expression.shape is None:
                parts = (expression.operation, arguments, expression.options, expression.span)
                call = Call(*parts, _result_shape(Call(*parts), source))
            if tidy and (simplify := operation_of(call).simplify) is not None:
                simpler = simplify(call)
                if simpler is not None and simpler != call:
                    return _rebuilt(simpler, shapes, source, tidy)
            return call
        case _:
            raise TypeError(f"not a formula: {expression!r}")


def _result_shape(call: Call, source: str) -> Shape:
    signature = signature_of(call)
    try:
        return operation_of(call).shape(signature.shapes, signature.options)
    except Misfit as misfit:
        names = [spelled(a, source) for a in call.arguments]
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
            call.span and first == call.span.start
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
