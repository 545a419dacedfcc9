"""The value of one formula, walked as a tree: for checks, single lines and diagnoses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any, overload

import numpy as np

from handgrad.arrays import AnyArray, Array, Kind, Namespace
from handgrad.equations import Equation, source
from handgrad.errors import NumberError, Span
from handgrad.expression import (
    Adjoint,
    Call,
    Expression,
    Leaf,
    Literal,
    Name,
    Shape,
    number,
    walk,
)
from handgrad.graph.structure import Graph, is_batched
from handgrad.operations import operation_of
from handgrad.operations.annotate import annotated, signature_of, span_of, spelled
from handgrad.operations.arithmetic import power
from handgrad.operations.functions import sqrt
from handgrad.operations.reductions import sum_
from handgrad.running.cleaning import without_residue


def evaluate(
    expression: Expression,
    values: Mapping[Leaf, Array],
    shapes: Mapping[Leaf, Shape] | None = None,
) -> Array:
    """The value of a formula at `values`, in float64.

    `shapes` gives each leaf's shape for one case; a leaf whose array has one axis more
    carries cases. Without it no leaf has cases.
    """
    arrays = {leaf: np.asarray(value, dtype=float) for leaf, value in values.items()}
    known = dict(shapes) if shapes is not None else {leaf: a.shape for leaf, a in arrays.items()}
    batched = {leaf for leaf, a in arrays.items() if leaf in known and a.ndim > len(known[leaf])}
    return value_of(annotated(expression, lambda leaf: known[leaf]), arrays, batched)


@overload
def value_of(
    expression: Expression,
    values: Mapping[Leaf, Array],
    batched: Set[Leaf],
    *,
    clean: bool = False,
) -> Array: ...


@overload
def value_of(
    expression: Expression,
    values: Mapping[Leaf, Kind],
    batched: Set[Leaf],
    xp: Namespace,
    *,
    clean: bool = False,
) -> Kind: ...


def value_of(
    expression: Expression,
    values: Mapping[Leaf, Any],
    batched: Set[Leaf],
    xp: Namespace = np,
    *,
    clean: bool = False,
) -> Any:
    """The value of an annotated formula; `batched` are the leaves that carry cases.

    Where it is `clean`, sums are without rounding residues. What is not finite is no warning: pages say it.
    """
    with np.errstate(all="ignore"):
        return _valued(expression, values, batched, xp, clean)[0]


def _valued(
    expression: Expression,
    values: Mapping[Leaf, Any],
    batched: Set[Leaf],
    xp: Namespace,
    clean: bool,
) -> tuple[Any, bool]:
    """A formula's value, and whether it differs from case to case."""
    match expression:
        case Literal():
            number = expression.numbers
            if xp is not np:
                return (xp.asarray(number) if number.ndim else float(number)), expression.batched
            return number, expression.batched
        case Name() | Adjoint():
            return values[expression], expression in batched
        case Call():
            operation = operation_of(expression)
            if operation.reduces_cases is not None:
                sums = _over_cases(expression, operation.reduces_cases, values, batched, xp)
                if sums is not None:
                    return sums, False
            found = [_valued(a, values, batched, xp, clean) for a in expression.arguments]
            arguments = [value for value, _ in found]
            which = tuple([each for _, each in found])
            if operation.elementwise and True in which:
                arguments = [
                    a if c or not e.shape else a[..., None]
                    for e, a, c in zip(expression.arguments, arguments, which, strict=True)
                ]
            signature = signature_of(expression, which)
            kernel = (
                without_residue(expression, signature) if clean else operation.kernel(signature)
            )
            value = kernel(xp, *arguments)
            differs = operation.reduces_cases is None and True in which
            return (np.asarray(value) if xp is np else value), differs
        case _:
            raise TypeError(f"not a formula: {expression!r}")


def _over_cases(
    call: Call,
    finish: Callable[[AnyArray, int], AnyArray],
    values: Mapping[Leaf, AnyArray],
    batched: Set[Leaf],
    xp: Namespace,
) -> AnyArray | None:
    """A reduction over the cases without the cases in between, where the table has a way."""
    (inner,) = call.arguments
    over = sums_as_columns(inner, batched)
    if over is None or not isinstance(inner, Call):
        return None
    arrays = [value_of(a, values, batched, xp) for a in inner.arguments]
    columns = columns_of(inner, map(str, range(len(arrays))))
    total = annotated(over(*columns), lambda leaf: leaf.shape or ())
    sums = value_of(total, dict(zip(columns, arrays, strict=True)), frozenset(), xp)
    return finish(sums, arrays[0].shape[-1])


def sums_as_columns(inner: Expression, batched: Set[Leaf]) -> Callable[..., Expression] | None:
    """The formula of a sum over the cases in the matrices whose columns they are, where there is one."""
    if not isinstance(inner, Call) or not all(is_batched(a, batched) for a in inner.arguments):
        return None
    return operation_of(inner).over_cases


def columns_of(inner: Expression, labels: Iterable[str]) -> list[Leaf]:
    """Names for the arguments of a formula as matrices whose columns are the cases."""
    assert isinstance(inner, Call)
    return [
        Name(f"columns {label}", shape=(*(a.shape or ()), 1))
        for a, label in zip(inner.arguments, labels, strict=True)
    ]


def diagnose(
    where: str, equation: Equation, graph: Graph, numbers: Mapping[Leaf, Array], *, rounded: bool
) -> NumberError:
    """The error for an equation whose value is not finite: the innermost part at fault, and why.

    Figures may be `rounded` on the way.
    """
    expression = graph.nodes[equation.target].written
    assert expression is not None
    if error := senseless(where, equation, graph, numbers, picks=True):
        return error
    with np.errstate(all="ignore"):
        arrays, batched = _arrays(numbers), set(graph.batched_leaves)
        culprit, argument, words = _culprit(expression, arrays, batched)
        if words:
            worst = _worst(culprit, argument, value_of(argument, arrays, batched), words, batched)
            return _outside(where, equation, span_of(culprit), argument, words, worst)
        value = np.asarray(value_of(culprit, arrays, batched))
    if np.isfinite(value).all():
        # Every part as it is written has a number; the stable operation that stands for it has none.
        culprit, value = expression, arrays[Name(equation.target)]
    entry = tuple(int(i) for i in np.argwhere(~np.isfinite(value))[0])
    part = at_entry(
        equation.target if culprit is expression else spelled(culprit, equation.text), entry
    )
    why = "undefined" if np.isnan(value[entry]) else "infinite"
    if why == "infinite" and _overflows(culprit, arrays, batched):
        why = "too large for a 64-bit number"
    error = NumberError(
        f"{part} is not finite: it is {why}",
        source=equation.text,
        span=span_of(culprit),
        mend=f"check the numbers that enter it{', which are rounded: carry more decimals, or all' if rounded else ''}",
    )
    return _placed(where, equation, error)


@np.errstate(all="ignore")
def senseless(
    where: str,
    equation: Equation,
    graph: Graph,
    numbers: Mapping[Leaf, Array],
    *,
    picks: bool = False,
) -> NumberError | None:
    """The error for what is computed, and means nothing at these numbers: BCE of a target −1, an entry that is not there.

    `picks`: of entries that are picked alone.
    """
    node = graph.nodes[equation.target]
    for call in node.held:
        if picks and not operation_of(call).picks:
            continue
        arrays, batched = _arrays(numbers), set(graph.batched_leaves)
        argument, words = _broken(call, arrays, batched)
        by_name = node.written is not None and any(call == part for part in walk(node.written))
        if words and argument is call.arguments[0] and not by_name:
            # Minus a sum of y ln p, written out, has a value whatever p may be.
            continue
        if words:
            worst = _worst(call, argument, value_of(argument, arrays, batched), words, batched)
            span = span_of(call) or (None if node.written is None else span_of(node.written))
            return _outside(where, equation, span, argument, words, worst)
    return None


def root_of_nothing(equation: Equation, graph: Graph, numbers: Mapping[Leaf, Array]) -> str:
    """What a root of a sum of squares that is 0 is the norm of, as it is written; empty where there is none.

    √s has no finite slope at 0, and that of a norm is taken as 0 there.
    """
    formula = graph.nodes[equation.target].written
    arrays, batched = _arrays(numbers), set(graph.batched_leaves)
    for call in walk(formula) if formula is not None else ():
        if not isinstance(call, Call) or operation_of(call) is not sqrt:
            continue
        total = _opened(call.arguments[0], graph)
        squared = total.arguments[0] if isinstance(total, Call) and _adds_up_all(total) else None
        squared = _opened(squared, graph) if squared is not None else None
        if isinstance(squared, Call) and operation_of(squared) is power:
            base, exponent = squared.arguments
            if number(exponent) == 2 and not np.all(value_of(total, arrays, batched)):
                return source(base)
    return ""


def _opened(formula: Expression, graph: Graph) -> Expression:
    """A formula; of a computed value's name, what computes it."""
    while isinstance(formula, Name) and (written := graph.nodes[formula.name].written) is not None:
        formula = written
    return formula


def _adds_up_all(call: Call) -> bool:
    return operation_of(call) is sum_ and call.option("axis") is None


def _overflows(formula: Expression, values: Mapping[Leaf, Array], batched: Set[Leaf]) -> bool:
    """Whether a formula is infinite because its number is too large for floats, and not as −ln 0 is."""
    try:
        with np.errstate(all="ignore", over="raise"):
            _valued(formula, values, batched, np, False)
    except FloatingPointError:
        return True
    return False


def _arrays(numbers: Mapping[Leaf, Array]) -> dict[Leaf, Array]:
    return {leaf: np.asarray(v, dtype=float) for leaf, v in numbers.items()}


def at_entry(name: str, entry: tuple[int, ...]) -> str:
    """A name with the index of an entry, counted from 0."""
    return f"{name}[{', '.join(map(str, entry))}]" if entry else name


def _placed(where: str, equation: Equation, error: NumberError) -> NumberError:
    placed = equation.located(error)
    return placed.at(where) if where else placed


def _outside(
    where: str, equation: Equation, span: Span | None, argument: Expression, words: str, worst: str
) -> NumberError:
    """The error for an argument that is not in the domain, `words`, of its operation."""
    error = NumberError(
        f"{spelled(argument, equation.text)} must be {words}, but here it is {worst}",
        source=equation.text,
        span=span,
    )
    return _placed(where, equation, error)


def _worst(
    call: Expression, argument: Expression, value: Array, words: str, batched: Set[Leaf]
) -> str:
    """The first figure that breaks the requirement `words` of `call`, and where it stands."""
    assert isinstance(call, Call)
    shapes = signature_of(call).shapes
    for domain in operation_of(call).domain:
        if domain.said(shapes) == words:
            holds = domain.met(np, value, signature_of(call))
            broken = np.argwhere(~np.broadcast_to(holds, np.shape(value)))
            if len(broken):
                entry = tuple(int(i) for i in broken[0])
                case = f" in case {entry[-1] + 1}" if is_batched(argument, batched) else ""
                if domain.otherwise:
                    return f"{domain.otherwise}{case}"
                index = at_entry("", entry[:-1] if case else entry)
                place = f" at {index}{case}" if index else case
                return f"{float(np.asarray(value)[entry]):g}{place}"
    return "not"


def _culprit(
    expression: Expression, arrays: Mapping[Leaf, Array], batched: set[Leaf]
) -> tuple[Expression, Expression, str]:
    """The first part, innermost first, whose value is not finite; its argument and the domain's words."""
    if isinstance(expression, Call):
        for argument in expression.arguments:
            if not np.isfinite(value_of(argument, arrays, batched)).all():
                return _culprit(argument, arrays, batched)
        argument, words = _broken(expression, arrays, batched)
        return expression, argument, words
    return expression, expression, ""


def _broken(call: Call, arrays: Mapping[Leaf, Array], batched: set[Leaf]) -> tuple[Expression, str]:
    """The first argument that is outside its domain, and the domain's words; else the call, and none."""
    signature = signature_of(call)
    for domain in operation_of(call).domain:
        argument = call.arguments[domain.argument]
        if not np.asarray(domain.met(np, value_of(argument, arrays, batched), signature)).all():
            return argument, domain.said(signature.shapes)
    return call, ""
