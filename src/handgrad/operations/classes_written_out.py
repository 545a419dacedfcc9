"""The cross-entropy of classes written out: −Σ y ln p, −ln p[k], and ln Σ exp(z) − z[k]."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from handgrad.expression import Call, Expression, Literal, Name, Slice
from handgrad.operations.arithmetic import divide, multiply, negate, subtract
from handgrad.operations.functions import log
from handgrad.operations.linear import dot, matmul
from handgrad.operations.logarithms import factors_of, is_name, product_of
from handgrad.operations.losses import cross_entropy, softmax_cross_entropy
from handgrad.operations.operation import normal_axes
from handgrad.operations.recognised import SOFTMAX, Looking, Two
from handgrad.operations.reductions import mean, sum_
from handgrad.operations.signed_terms import added_up
from handgrad.operations.structure import index
from handgrad.operations.terms import cross_entropy_terms, softmax_cross_entropy_terms
from handgrad.operations.written_out import WrittenActivation

CONTRACTIONS = (sum_.name, mean.name, dot.name, matmul.name)


def categorical(looking: Looking, call: Call) -> Two | None:
    """−Σ y ln p, as a sum, a mean or a product of vectors."""
    if call.operation not in CONTRACTIONS:
        return None
    term = looking.logarithms.of(call)
    if term is None or term.adding is not call:
        return None
    shape = term.log.shape or ()
    targets = tuple([f for f in term.inner if f.shape == shape])
    scales = tuple([f for f in term.inner if f.shape == ()])
    if not shape or not targets or len(targets) + len(scales) != len(term.inner):
        return None
    y = _product_of_shape(targets)
    seen = looking.sight.call(term.log, log.name)
    p = seen.arguments[0] if seen is not None else None
    direct = not term.passed and not looking.sight.passed
    looking.sight.passed += term.passed
    activation = looking.sight.log_softmax(term.log)
    sign = term.sign

    def signed(terms: Expression) -> Expression:
        whole = product_of((*term.outer, *scales, terms))
        return whole if sign < 0 else negate(whole)

    if activation is None or activation.axis is None:
        if p is None or len(shape) != 1 or not direct or len(targets) > 1:
            return None
        if not isinstance(p, Name):
            # Σ q ln(q/p) and the like: what the logarithm is of need be no probability.
            return None
        if call.operation == mean.name:
            return None
        bare = cross_entropy(p, y)
        return Two(signed(bare), signed(bare))
    added = _added(call, shape, activation.axis)
    if added is None:
        return None
    keepdims, finish = added
    whole = len(targets) == 1 and looking.whole(y, activation.of, activation.axis)
    simple = len(shape) == 1 and whole and not keepdims
    options = {"axis": activation.axis, "keepdims": keepdims}
    fused = (
        softmax_cross_entropy(activation.of, y)
        if simple
        else softmax_cross_entropy_terms(activation.of, y, **options, whole=whole)
    )
    if p is None or not direct or not is_name(p, activation.name):
        looking.add(fused, call, cross_entropy.name, SOFTMAX, activation, whole)
        return Two(signed(finish(fused)), call)
    bare = cross_entropy(p, y) if simple else cross_entropy_terms(p, y, **options)
    looking.add(fused, bare, cross_entropy.name, SOFTMAX, activation, whole)
    return Two(signed(finish(fused)), signed(finish(bare)))


def picked(looking: Looking, call: Call) -> Two | None:
    """ln p[k], the probability of one class."""
    if call.shape != () or call.operation not in (log.name, index.name, subtract.name):
        return None
    found = _entry_of_log(looking, call)
    if found is None:
        return None
    activation, place, p = found
    assert activation.axis is not None
    scores, value = activation.of, p
    if len(place) > 1:
        at = tuple(Slice() if k == activation.axis else i for k, i in enumerate(place))
        rest = (scores.shape or ())[activation.axis]
        scores = Call(index.name, (scores,), (("at", at),), None, (rest,))
        value = None
    y = _one_hot(scores, place[activation.axis])
    fused = softmax_cross_entropy(scores, y)
    direct = value is not None and is_name(value, activation.name)
    plain: Expression = cross_entropy(value, y) if direct and value is not None else call
    single = WrittenActivation(scores, 0, activation.name if len(place) == 1 else "")
    looking.add(fused, plain, cross_entropy.name, SOFTMAX, single)
    return Two(negate(fused), negate(plain) if direct else plain)


def log_sum_exp_and_score(
    looking: Looking, one: tuple[int, Expression], other: tuple[int, Expression]
) -> Two | None:
    """ln Σ exp(z) − z[k], or ln Σ exp(z) − Σ y z."""
    if one[0] == other[0]:
        return None
    sums = looking.sight.log_sum_exp(one[1])
    if sums is None:
        return None
    z = sums.arguments[0]
    rank = len(z.shape or ())
    axes = normal_axes(sums.option("axis"), rank)
    if len(axes) != 1:
        return None
    keepdims = bool(sums.option("keepdims"))
    found = looking.sight.entry(other[1])
    picked = found is not None and rank == 1 and looking.sight.same(found[0], z)
    if found is not None and picked:
        y: Expression | None = _one_hot(z, found[1][0])
    else:
        y = _weights(looking, other[1], z, axes[0], keepdims)
    if y is None or not looking.whole(y, z, axes[0]):
        return None
    fused = (
        softmax_cross_entropy(z, y)
        if picked and not keepdims
        else softmax_cross_entropy_terms(
            z, y, axis=axes[0], keepdims=keepdims, of_scores=not picked
        )
    )
    plain = added_up([one, other])
    looking.add(fused, plain, cross_entropy.name, SOFTMAX, WrittenActivation(z, axes[0]))
    return Two(fused if one[0] > 0 else negate(fused), plain)


def _entry_of_log(
    looking: Looking, call: Call
) -> tuple[WrittenActivation, tuple[int, ...], Expression | None] | None:
    """An entry of ln softmax(z): of which softmax, which entry, and softmax as it stands there."""
    if call.operation == log.name:
        entry = looking.sight.entry(call.arguments[0])
        activation = entry and looking.sight.softmax(entry[0])
        return (activation, entry[1], entry[0]) if entry and activation else None
    if call.operation == index.name:
        entry = looking.sight.entry(call)
        activation = entry and looking.sight.log_softmax(entry[0])
        return (activation, entry[1], None) if entry and activation else None
    return None


def _weights(
    looking: Looking, expression: Expression, z: Expression, axis: int, keepdims: bool
) -> Expression | None:
    """y, where the formula is Σ y z along the axis."""
    seen = looking.sight.through(expression)
    if not isinstance(seen, Call):
        return None
    if seen.operation in (dot.name, matmul.name) and seen.shape == ():
        pair = seen.arguments
    elif seen.operation == sum_.name:
        axes = normal_axes(seen.option("axis"), len(z.shape or ()))
        sign, factors = factors_of(seen.arguments[0])
        if axes != (axis,) or bool(seen.option("keepdims")) != keepdims or sign < 0:
            return None
        if len(factors) != 2:
            return None
        pair = factors
    else:
        return None
    for y, scores in (pair, pair[::-1]):
        if y.shape == z.shape and looking.sight.same(scores, z):
            return y
    return None


def _one_hot(scores: Expression, place: int) -> Literal:
    (classes,) = scores.shape or (1,)
    return Literal(tuple([float(k == place) for k in range(classes)]))


def _product_of_shape(factors: Sequence[Expression]) -> Expression:
    total = factors[0]
    for factor in factors[1:]:
        total = Call(multiply.name, (total, factor), shape=total.shape)
    return total


def _added(
    call: Call, shape: tuple[int, ...], axis: int
) -> tuple[bool, Callable[[Expression], Expression]] | None:
    """How `call` sums the losses along `axis`: whether it keeps the axis, and what is done
    with the losses afterwards. None if it sums something else."""
    if call.operation in (dot.name, matmul.name):
        return (False, lambda losses: losses) if len(shape) == 1 else None
    axes, kept = normal_axes(call.option("axis"), len(shape)), bool(call.option("keepdims"))
    classes = shape[axis]

    def averaged(losses: Expression) -> Expression:
        return divide(losses, float(classes)) if call.operation == mean.name else losses

    if axes == (axis,):
        return kept, averaged
    if axes == tuple(range(len(shape))) and not kept:
        return False, lambda losses: averaged(Call(call.operation, (losses,)))
    return None
