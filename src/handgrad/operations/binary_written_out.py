"""The binary cross-entropy written out: −(y ln p + (1 − y) ln(1 − p)), and ln σ(z) alone."""

from __future__ import annotations

from handgrad.expression import Call, Expression, number
from handgrad.operations.arithmetic import negate, subtract
from handgrad.operations.functions import log
from handgrad.operations.logarithms import Logarithm, is_name, product_of, same_factors, without
from handgrad.operations.losses import bce, bce_with_logits
from handgrad.operations.recognised import SIGMOID, Looking, Two
from handgrad.operations.reductions import mean, sum_
from handgrad.operations.signed_terms import added_up
from handgrad.operations.terms import bce_terms, bce_with_logits_terms


def binary(
    looking: Looking,
    one: tuple[int, Expression],
    other: tuple[int, Expression],
    a: Logarithm | None,
    b: Logarithm | None,
) -> Two | None:
    """Two signed terms of a sum, y ln p and (1 − y) ln(1 − p), as one loss; `a` and `b` are their logarithms."""
    if a is None or b is None or one[0] * a.sign != other[0] * b.sign:
        return None
    if not _added_alike(a.adding, b.adding) or not same_factors(a.outer, b.outer):
        return None
    seen = [looking.sight.call(x.log, log.name) for x in (a, b)]
    if seen[0] is None or seen[1] is None:
        return None
    first, second = seen[0].arguments[0], seen[1].arguments[0]
    if _complement(looking, second, first):
        p, targets = first, _targets(looking, a.inner, b.inner)
    elif _complement(looking, first, second):
        p, targets = second, _targets(looking, b.inner, a.inner)
    else:
        return None
    if targets is None:
        return None
    y, scales = targets
    scalar = p.shape == () and y.shape == ()
    seen_through = (*a.passed, *b.passed, *looking.sight.passed)
    activation = looking.sight.sigmoid(p)

    def wrapped(terms: Expression) -> Expression:
        whole = product_of((*a.outer, a.added_up(product_of((*scales, terms)))))
        return whole if one[0] * a.sign < 0 else negate(whole)

    bare = (bce if scalar else bce_terms)(p, y)
    if activation is None:
        return None if seen_through else Two(wrapped(bare), wrapped(bare))
    fused = (bce_with_logits if scalar else bce_with_logits_terms)(activation.of, y)
    direct = is_name(p, activation.name) and not seen_through
    plain = bare if direct else added_up([one, other])
    looking.sight.passed += seen_through
    looking.add(fused, plain, bce.name, SIGMOID, activation)
    return Two(wrapped(fused), wrapped(bare) if direct else plain)


def log_of_sigmoid(looking: Looking, call: Call) -> Two | None:
    """ln σ(z) and ln(1 − σ(z)): minus the binary cross-entropy of the targets 1 and 0."""
    if call.operation != log.name:
        return None
    (p,) = call.arguments
    target, activation = 1.0, looking.sight.sigmoid(p)
    if activation is None:
        taken = looking.sight.call(p, subtract.name)
        if taken is None or number(taken.arguments[0]) != 1:
            return None
        target, activation = 0.0, looking.sight.sigmoid(taken.arguments[1])
    if activation is None:
        return None
    operation = bce_with_logits if call.shape == () else bce_with_logits_terms
    fused = operation(activation.of, target)
    looking.add(fused, call, bce.name, SIGMOID, activation)
    return Two(negate(fused), call)


def _complement(looking: Looking, a: Expression, b: Expression) -> bool:
    """Whether a is 1 − b."""

    def look() -> bool | None:
        values = number(a), number(b)
        if values[0] is not None and values[1] is not None:
            return True if values[0] + values[1] == 1 else None
        taken = looking.sight.call(a, subtract.name)
        if taken is None or number(taken.arguments[0]) != 1:
            return None
        return True if looking.sight.same(taken.arguments[1], b) else None

    return looking.sight.attempt(look) is not None


def _targets(
    looking: Looking, a: tuple[Expression, ...], b: tuple[Expression, ...]
) -> tuple[Expression, tuple[Expression, ...]] | None:
    """y and the common factors, if `a` are those times y and `b` are those times 1 − y."""
    for y in dict.fromkeys(a):
        for rest in dict.fromkeys(b):
            if not same_factors(without(a, y), without(b, rest)):
                continue
            if _complement(looking, rest, y) or _complement(looking, y, rest):
                return y, without(a, y)
    return None


def _added_alike(a: Call | None, b: Call | None) -> bool:
    """Whether two terms are summed in the same way."""
    if a is None or b is None:
        return a is b
    kinds = [c.operation if c.operation in (sum_.name, mean.name) else "product" for c in (a, b)]
    return kinds[0] == kinds[1] and a.options == b.options and a.shape == b.shape
