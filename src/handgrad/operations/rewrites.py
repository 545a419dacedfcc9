"""The mistakes made at one place in a formula, by the operation there.

A mistake is a formula too, made from the right one by a rewrite: a factor left out, a transpose
forgotten, a gate of another layer.
"""

from __future__ import annotations

from collections.abc import Iterator

from handgrad.expression import (
    Adjoint,
    Call,
    Expression,
    Literal,
    Name,
    leaves,
    number,
    substitute,
    walk,
)
from handgrad.operations import operation_of
from handgrad.operations.activations import sigmoid
from handgrad.operations.arithmetic import add, divide, multiply, negate, power, subtract
from handgrad.operations.averaging import averaged_by, averages_in
from handgrad.operations.deciding import OF_CHOICES
from handgrad.operations.exponentials import masked_softmax, softmax
from handgrad.operations.functions import exp, log, maximum, minimum, sign, step
from handgrad.operations.linear import matmul, outer
from handgrad.operations.losses import bce, cross_entropy
from handgrad.operations.piecewise import clip
from handgrad.operations.reductions import mean_over_cases, sum_, sum_over_cases, sum_to
from handgrad.operations.structure import fill, transpose
from handgrad.operations.surroundings import Found, Rewrite, Surroundings

LOG_10 = 0.4342944819032518
"""log₁₀ e: a logarithm to base 10 is ln times this."""


def rewrites(node: Expression, seen: Surroundings) -> Iterator[Found]:
    """What may be written in place of one node by mistake: by its operation, or one leaf for another."""
    match node:
        case Call():
            for table in (REWRITES, OF_CHOICES):
                rewrite = table.get(node.operation)
                if rewrite is not None:
                    yield from rewrite(node, seen)
            if averages_in(node) and (count := averaged_by(node)) > 1:
                yield "mean_forgotten", float(count) * node, (Literal(float(count)),)
        case Name() if node.name in seen.before:
            before = Name(seen.before[node.name], shape=node.shape)
            yield "preactivation_used", before, (before, node)
            yield from _confused(node, seen)
        case Name() if node in seen.stale:
            yield "updated_used", seen.stale[node], (node,)
            yield from _confused(node, seen)
        case Name() if seen.update is not None and node in seen.update.rates:
            for other in seen.update.other_rates:
                yield "rate_of_another", other, (other, node)
        case Name() | Adjoint():
            yield from _confused(node, seen)
        case _:
            pass


def _confused(node: Name | Adjoint, seen: Surroundings) -> Iterator[Found]:
    for other in seen.alike.get(node, ()):
        if other == seen.target:
            continue
        ungated = isinstance(node, Adjoint) and seen.before.get(other.name) == node.name
        yield "before_gate" if ungated else "another_taken", other, (other, node)


def _of_multiply(call: Call, seen: Surroundings) -> Iterator[Found]:
    a, b = call.arguments
    if _carries(a) != _carries(b):
        incoming, slope = (a, b) if _carries(a) else (b, a)
        if _inner_of(slope, seen) is None:
            yield from _without_slope(call, incoming, slope, seen)
    for kept, dropped in ((a, b), (b, a)):
        outer = _inner_of(dropped, seen)
        of_update = seen.update.factor_forgotten(dropped) if seen.update is not None else ""
        if of_update:
            yield of_update, kept, (dropped,)
        elif outer is not None:
            yield "inner_factor_forgotten", kept, (dropped, outer)
        elif number(dropped) == 2 and seen.squared:
            yield "factor_half", kept, (dropped,)
        elif number(dropped) == 0.5 and seen.squared_error:
            yield "factor_two", kept, (dropped,)
        elif kept.shape == call.shape:
            yield "factor_left_out", kept, (dropped,)
    for p, rest in ((a, b), (b, a)):
        yield from _of_softmax_slope(p, rest)


def _is_slope(factor: Expression, activation: Call) -> bool:
    """Whether a factor is taken where the activation is, rather than x in relu(w @ x), from its argument's own formula."""
    (argument, *_) = activation.arguments
    inside = set(leaves(argument)) if isinstance(argument, Call) else set()
    return argument in walk(factor) or not inside.issuperset(leaves(factor))


def _inner_of(factor: Expression, seen: Surroundings) -> Call | None:
    """The function whose argument an equation multiplies by a constant, if a factor is that constant."""
    return next((call for inner, call in seen.inner if inner == factor), None)


def _of_softmax_slope(p: Expression, rest: Expression) -> Iterator[Found]:
    """softmax's p ⊙ (g − Σ g ⊙ p): the Jacobian's diagonal alone, or without what it subtracts."""
    if not (isinstance(rest, Call) and rest.operation == subtract.name):
        return
    g, total = rest.arguments
    if isinstance(total, Call) and total.operation == sum_.name:
        weighted = total.arguments[0]
        if isinstance(weighted, Call) and set(weighted.arguments) == {g, p}:
            slope = multiply(p, subtract(1, p))
            yield "softmax_diagonal", multiply(g, slope), (slope,)
            yield "term_left_out", multiply(p, g), (total,)


def _without_slope(
    call: Call, incoming: Expression, slope: Expression, seen: Surroundings
) -> Iterator[Found]:
    """The slope of an activation left out, or another in its place."""
    if seen.activation is not None and _is_slope(slope, seen.activation):
        gate = operation_of(seen.activation).gate
        yield "gate_forgotten" if gate else "slope_forgotten", incoming, (slope,)
        yield from _slopes(call, incoming, slope, seen)


def _slopes(
    call: Call, incoming: Expression, slope: Expression, seen: Surroundings
) -> Iterator[Found]:
    """The slope of an activation taken of another layer, at the other end, or on the other side."""
    gate = seen.activation is not None and operation_of(seen.activation).gate
    for z in _taken_at(slope):
        for other in seen.alike.get(z, ()) if isinstance(z, Name) else ():
            elsewhere = replaced(slope, z, other)
            rule = "gate_of_another_layer" if gate else "slope_of_another_layer"
            yield rule, multiply(incoming, elsewhere), (other, z)
        if gate and incoming.shape == z.shape:
            own_sign = replaced(slope, z, incoming)
            yield "gate_by_gradient", multiply(incoming, own_sign), (incoming, z)
            yield "gate_by_gradient", multiply(call, own_sign), (incoming, z)
    made = seen.made.get(incoming) if isinstance(incoming, Adjoint) else None
    if isinstance(made, Call) and made.operation == matmul.name:
        a, b = made.arguments
        for left, right in ((a, multiply(b, slope)), (multiply(a, slope), b)):
            if _carries(right if left is a else left):
                rule = "gate_on_wrong_side" if gate else "slope_on_wrong_side"
                yield rule, matmul(left, right), (slope, incoming)


def _taken_at(slope: Expression) -> list[Expression]:
    """What a slope is taken at: a part that has all of its names, such as u + b in 1[u + b > 0], or else each name."""
    named = [leaf for leaf in leaves(slope) if isinstance(leaf, Name)]
    parts = [n for n in walk(slope) if n != slope and named and set(named).issubset(leaves(n))]
    return [min(parts, key=lambda n: len(tuple(walk(n))))] if parts else list(dict.fromkeys(named))


def _carries(formula: Expression) -> bool:
    """Whether a part of a backward formula carries the gradient that comes in."""
    return any(isinstance(leaf, Adjoint) for leaf in leaves(formula))


def _of_sign(call: Call, seen: Surroundings) -> Iterator[Found]:
    yield "sign_forgotten", call.arguments[0], (call.arguments[0],)


def _of_maximum(call: Call, seen: Surroundings) -> Iterator[Found]:
    inner = call.arguments[0]
    if seen.update is not None and isinstance(inner, Call) and inner.operation == minimum.name:
        gradient, bound = inner.arguments
        yield "clipping_forgotten", gradient, (bound,)


def _of_clip(call: Call, seen: Surroundings) -> Iterator[Found]:
    yield "limits_forgotten", call.arguments[0], (call.arguments[0],)


def _of_masked_softmax(call: Call, seen: Surroundings) -> Iterator[Found]:
    z, mask = call.arguments
    axis = call.option("axis")
    yield "mask_forgotten", softmax(z) if axis is None else softmax(z, axis=axis), (mask,)


def _of_step(call: Call, seen: Surroundings) -> Iterator[Found]:
    yield "gate_inverted", 1 - call, (call,)


def _of_matmul(call: Call, seen: Surroundings) -> Iterator[Found]:
    a, b = call.arguments
    for side, other in ((0, b), (1, a)):
        factor = call.arguments[side]
        if isinstance(factor, Call) and factor.operation == transpose.name:
            plain = factor.arguments[0]
            rule, put = "transpose_forgotten", plain
        elif len(factor.shape or ()) == 2:
            plain, rule, put = factor, "transposed", factor.T
        else:
            continue
        yield rule, matmul(put, other) if side == 0 else matmul(other, put), (plain,)
    if len(a.shape or ()) == len(b.shape or ()) == 2:
        yield "product_reversed", matmul(b, a), (a, b)


def _of_transpose(call: Call, seen: Surroundings) -> Iterator[Found]:
    """Wherever it stands, as in s + T.T; that of a factor of a product is looked at with the product."""
    (plain,) = call.arguments
    if len(plain.shape or ()) == 2:
        yield "transpose_forgotten", plain, (plain,)


def _of_fill(call: Call, seen: Surroundings) -> Iterator[Found]:
    """A vector that belongs to the rows of a square matrix laid over its columns, or the other way round."""
    (vector,) = call.arguments
    rows, *columns = call.shape or (0,)
    axis = call.option("axis")
    if columns == [rows] and len(vector.shape or ()) == 1 and axis in (0, 1, -1):
        yield "broadcast_axis", fill(vector, shape=call.shape, axis=int(axis == 0)), (vector,)


def _of_outer(call: Call, seen: Surroundings) -> Iterator[Found]:
    a, b = call.arguments
    yield "outer_transposed", outer(b, a), (a, b)


def _of_subtract(call: Call, seen: Surroundings) -> Iterator[Found]:
    a, b = call.arguments
    if seen.update is not None and _keeps(a, seen):
        if of_update := seen.update.term_forgotten(b):
            yield of_update, a, (b,)
            return
        yield "update_sign", add(a, b), (b,)
        yield "parameter_forgotten", negate(b), (a,)
    elif (of := leaves(b)) and all(isinstance(n, Name) and n.name in seen.data for n in of):
        # The target itself, or the classes whose numbers it holds.
        yield "target_minus_prediction", subtract(b, a), (a, b)
    elif number(a) is None:
        yield "difference_reversed", subtract(b, a), (a, b)
        if isinstance(seen.target, Adjoint) and number(b) is None:
            yield "term_left_out", a, (b,)
            yield "term_left_out", negate(b), (a,)
            yield from _all_subtracted(a, b)


def _all_subtracted(a: Expression, b: Expression) -> Iterator[Found]:
    """All that is subtracted in a row left out, as of a layer norm's g − mean(g) − N ⊙ mean(g ⊙ N)."""
    while isinstance(a, Call) and a.operation == subtract.name:
        a, subtracted = a.arguments
        b = add(subtracted, b)
        yield "term_left_out", a, (b,)


def _keeps(formula: Expression, seen: Surroundings) -> bool:
    """Whether a formula is the parameter that is updated, or what decay leaves of it."""
    if isinstance(formula, Call) and formula.operation == subtract.name:
        formula = formula.arguments[0]
    return isinstance(formula, Name) and formula.name == seen.target.name


def _of_add(call: Call, seen: Surroundings) -> Iterator[Found]:
    a, b = call.arguments
    for kept, dropped in ((a, b), (b, a)):
        of_update = seen.update.term_forgotten(dropped) if seen.update is not None else ""
        if of_update:
            yield of_update, kept, (dropped,)
        elif _carries(dropped):
            yield "path_left_out", kept, (dropped,)
        elif isinstance(dropped, Name):
            yield "bias_forgotten", kept, (dropped,)
        else:
            yield "term_left_out", kept, (dropped,)
    if isinstance(b, Name):
        yield "sign_of_term", subtract(a, b), (b,)


def _of_divide(call: Call, seen: Surroundings) -> Iterator[Found]:
    a, b = call.arguments
    count = number(b)
    outer = _inner_of(b, seen)
    if outer is not None:
        yield "inner_factor_forgotten", a, (divide(1, b), outer)
    elif count is not None and count in seen.averaged:
        yield "mean_forgotten", a, (b,)
    else:
        if _carries(a) and not _carries(b):
            yield from _without_slope(call, a, divide(1, b), seen)
        if a.shape == call.shape:
            yield "factor_left_out", a, (divide(1, b),)


def _of_negate(call: Call, seen: Surroundings) -> Iterator[Found]:
    yield "sign_lost", call.arguments[0], ()


def _of_power(call: Call, seen: Surroundings) -> Iterator[Found]:
    if number(call.arguments[1]) == 2:
        yield "square_forgotten", call.arguments[0], (call.arguments[0],)


def _of_log(call: Call, seen: Surroundings) -> Iterator[Found]:
    yield "logarithm_to_base_10", LOG_10 * call, ()


def _of_bce(call: Call, seen: Surroundings) -> Iterator[Found]:
    p, y = call.arguments
    yield "other_label", bce(p, 1 - y), (y,)
    yield "other_label", bce(1 - p, y), (y,)
    yield "logarithm_to_base_10", LOG_10 * call, ()
    yield "sign_lost", negate(call), ()


def _of_cross_entropy(call: Call, seen: Surroundings) -> Iterator[Found]:
    yield "logarithm_to_base_10", LOG_10 * call, ()
    yield "sign_lost", negate(call), ()


def _of_softmax(call: Call, seen: Surroundings) -> Iterator[Found]:
    z = call.arguments[0]
    yield "sigmoid_for_softmax", sigmoid(z), (z,)
    if len(z.shape or ()) == 2:
        axis = call.option("axis")
        yield "softmax_axis", softmax(z, axis=0 if axis in (None, -1, 1) else 1), (z,)
    # Where cases lie along an axis of their own, that is the other one.
    if not seen.batched.isdisjoint(leaves(z)):
        yield "softmax_axis", divide(exp(z), sum_over_cases(exp(z))), (z,)


def _of_mean_over_cases(call: Call, seen: Surroundings) -> Iterator[Found]:
    inner = call.arguments[0]
    yield "mean_forgotten", sum_over_cases(inner), ()
    if len(inner.shape or ()) == 1:
        yield "wrong_axis", Call("sum", (inner,)), (inner,)
        yield "wrong_axis", Call("mean", (inner,)), (inner,)
        for count in seen.averaged:
            yield "wrong_axis", divide(Call("sum", (inner,)), float(count)), (inner,)


def _of_sum_over_cases(call: Call, seen: Surroundings) -> Iterator[Found]:
    inner = call.arguments[0]
    yield "mean_for_sum", mean_over_cases(inner), ()
    if len(inner.shape or ()) == 1:
        yield "wrong_axis", Call("sum", (inner,)), (inner,)


def _of_sum_to(call: Call, seen: Surroundings) -> Iterator[Found]:
    inner = call.arguments[0]
    shape = inner.shape or ()
    if len(shape) == 2 and len(call.shape or ()) == 1:
        yield "wrong_axis", Call("sum", (inner,), (("axis", 1),)), (inner,)
        yield "mean_for_sum", divide(call, float(shape[0])), (Literal(float(shape[0])),)
        yield "sum_forgotten", Call("index", (inner,), (("at", (0,)),)), (inner,)


REWRITES: dict[str, Rewrite] = {
    multiply.name: _of_multiply,
    sign.name: _of_sign,
    maximum.name: _of_maximum,
    clip.name: _of_clip,
    step.name: _of_step,
    matmul.name: _of_matmul,
    outer.name: _of_outer,
    fill.name: _of_fill,
    transpose.name: _of_transpose,
    subtract.name: _of_subtract,
    add.name: _of_add,
    divide.name: _of_divide,
    negate.name: _of_negate,
    power.name: _of_power,
    log.name: _of_log,
    bce.name: _of_bce,
    cross_entropy.name: _of_cross_entropy,
    softmax.name: _of_softmax,
    masked_softmax.name: _of_masked_softmax,
    mean_over_cases.name: _of_mean_over_cases,
    sum_over_cases.name: _of_sum_over_cases,
    sum_to.name: _of_sum_to,
}
"""By operation, the mistakes made with it."""


def replaced(formula: Expression, node: Expression, replacement: Expression) -> Expression:
    """A formula with every occurrence of one node replaced by another."""
    return substitute(formula, lambda e: replacement if e == node else None)
