"""Wrong variants of formulas: the mistakes that are made with an operation or with its pull-back.

A mistake is a formula too, made from the right one by a rewrite: a factor left out, a transpose
forgotten, a gate of another layer. So a student's figure is compared with what a mistake gives by
the same evaluation that gives the right figure, and no rule is written a second time.
"""

from __future__ import annotations

from collections.abc import Iterator

from handgrad.expression import (
    ONE,
    ZERO,
    Adjoint,
    Call,
    Expression,
    Literal,
    Name,
    substitute,
    walk,
)
from handgrad.operations import operation_of
from handgrad.operations.annotate import application
from handgrad.operations.arithmetic import divide, multiply, negate
from handgrad.operations.gates import activations_in
from handgrad.operations.linear import matmul, outer
from handgrad.operations.reductions import mean, mean_over_cases, sum_, sum_over_cases, sum_to
from handgrad.operations.rewrites import replaced, rewrites
from handgrad.operations.structure import transpose
from handgrad.operations.surroundings import Penalty, Surroundings
from handgrad.operations.update_parts import UpdateParts
from handgrad.record import record


@record
class Mistake:
    """A wrong variant of a formula. `about` is what was left out, or used in another's place.

    `part` is the part of the formula that is off by a factor, where that is not all of it.
    """

    rule: str
    formula: Expression
    about: tuple[Expression, ...] = ()
    part: Expression | None = None


def mistakes(formula: Expression, seen: Surroundings) -> tuple[Mistake, ...]:
    """Every single mistake that can be made with a formula, the likelier rules first.

    Shapes are not looked at: a variant whose shapes do not fit is no candidate.
    """
    found: dict[tuple[str, Expression], Mistake] = {}
    for mistake in sorted(_all(formula, seen), key=lambda m: PRIORITY[m.rule]):
        if mistake.formula != formula:
            found.setdefault((mistake.rule, mistake.formula), mistake)
    return tuple(found.values())


def _all(formula: Expression, seen: Surroundings) -> Iterator[Mistake]:
    yield from _wholes(formula, seen)
    divisors = frozenset(_divisors(formula))
    for node in dict.fromkeys(walk(formula)):
        for rule, replacement, about in rewrites(node, seen):
            wrong = replaced(formula, node, replacement)
            if rule == "sign_lost" and node != formula:
                yield Mistake("sign_within", wrong, (replacement, node))
            elif rule in FACTORS and node in divisors:
                yield Mistake("factor_left_out", wrong, (divide(1, about[0]), *about[1:]))
            else:
                part = node if rule in SIZES and not _scales(node, formula) else None
                yield Mistake(rule, wrong, about, part)
    for written, known in activations_in(formula):
        forgotten = replaced(formula, written, known.arguments[0])
        yield Mistake("activation_forgotten", forgotten, (written,))


OVER_CASES = {mean_over_cases.name: "mean_not_taken", sum_over_cases.name: "sum_not_taken"}
"""By what takes the cases together, the rule of what is left in each of them."""

SIZES = frozenset(("mean_forgotten", "mean_for_sum", "factor_two", "factor_half"))
"""The rules that say how large something is."""

FACTORS = frozenset(("factor_left_out", "factor_two", "factor_half"))
"""The rules of a factor that is not there, which a divisor's is the other way round."""

LINEAR = frozenset(
    o.name
    for o in (
        *(negate, multiply, divide, matmul, outer, transpose),
        *(sum_, mean, sum_to, sum_over_cases, mean_over_cases),
    )
)
"""What is larger by the factor that one of its arguments is larger by; of a quotient the first."""


def _scales(node: Expression, formula: Expression) -> bool:
    """Whether a formula is larger by the factor that a node in it is larger by."""
    if formula == node:
        return True
    if not isinstance(formula, Call) or formula.operation not in LINEAR:
        return False
    with_node = [a for a in formula.arguments if any(e == node for e in walk(a))]
    divided_by = formula.operation == divide.name and with_node[0] is formula.arguments[1]
    return len(with_node) == 1 and not divided_by and _scales(node, with_node[0])


def _divisors(formula: Expression) -> Iterator[Expression]:
    """What a formula divides by, and the products in it."""
    for call in walk(formula):
        if isinstance(call, Call) and call.operation == divide.name:
            factors = [call.arguments[1]]
            while factors:
                factor = factors.pop()
                yield factor
                if isinstance(factor, Call) and factor.operation == multiply.name:
                    factors += factor.arguments


def _wholes(formula: Expression, seen: Surroundings) -> Iterator[Mistake]:
    backward = isinstance(seen.target, Adjoint)
    if seen.fused is not None:
        activation, value = seen.fused
        out = Name(value, shape=activation.shape)
        twice = operation_of(activation).pullback(
            0, formula, application(activation, activation.arguments, out)
        )
        if twice is not None:
            yield Mistake("slope_on_shortcut", twice, (activation,))
    for penalty in seen.penalties:
        yield from _of_penalty(formula, penalty)
    if backward and seen.squared:
        yield Mistake("factor_half", 0.5 * formula)
    if backward and seen.squared_error:
        yield Mistake("factor_two", 2 * formula)
    if backward:
        for count in seen.averaged:
            times = Literal(float(count))
            yield Mistake("mean_forgotten", times * formula, (times,))
            yield Mistake("mean_for_sum", divide(formula, times), (times,))
    if isinstance(formula, Call) and formula.operation in OVER_CASES:
        yield Mistake(OVER_CASES[formula.operation], formula.arguments[0])
    if seen.update is None:
        yield Mistake("sign_lost", negate(formula))
    else:
        yield from _of_update(formula, seen.update)
    if len(formula.shape or ()) == 2:
        yield Mistake("result_transposed", formula.T if isinstance(formula, Call) else formula)


def _of_update(formula: Expression, parts: UpdateParts) -> Iterator[Mistake]:
    for plain in parts.plain:
        yield Mistake("plain_step", plain)
    pairs = list(parts.corrected.items())
    for forgotten in (pairs, *[[pair] for pair in pairs]):
        raw: dict[Expression, Expression] = dict(forgotten)
        yield Mistake(
            "bias_correction_forgotten", substitute(formula, raw.get), tuple(raw.values())
        )


def _of_penalty(formula: Expression, penalty: Penalty) -> Iterator[Mistake]:
    term = penalty.term
    if penalty.halved:
        yield Mistake("penalty_half", replaced(formula, term, 2 * term), (term,))
    if penalty.square:
        yield Mistake("penalty_two", replaced(formula, term, 0.5 * term), (term,))
    for factor in penalty.factors:
        without = replaced(penalty.spelled, factor, ONE)
        yield Mistake("penalty_factor", replaced(formula, term, without), (factor, term))
    if term != formula:
        yield Mistake("penalty_left_out", replaced(formula, term, ZERO), (term,))


PRIORITY: dict[str, int] = {
    rule: position
    for position, rule in enumerate(
        (
            "gate_forgotten",
            "slope_forgotten",
            "before_gate",
            "slope_on_shortcut",
            "softmax_diagonal",
            "target_minus_prediction",
            "transpose_forgotten",
            "outer_transposed",
            "product_reversed",
            "transposed",
            "broadcast_axis",
            "preactivation_used",
            "activation_forgotten",
            "sigmoid_for_softmax",
            "softmax_axis",
            "mask_forgotten",
            "limits_forgotten",
            "open_at_zero",
            "tie_decided",
            "gate_of_another_layer",
            "slope_of_another_layer",
            "gate_on_wrong_side",
            "slope_on_wrong_side",
            "gate_by_gradient",
            "gate_inverted",
            "equal_left_out",
            "equal_counted",
            "choice_left_out",
            "updated_used",
            "penalty_left_out",
            "penalty_half",
            "penalty_two",
            "penalty_factor",
            "path_left_out",
            "bias_forgotten",
            "wrong_axis",
            "inner_factor_forgotten",
            "mean_forgotten",
            "mean_for_sum",
            "mean_not_taken",
            "sum_not_taken",
            "sum_forgotten",
            "rate_forgotten",
            "update_sign",
            "rate_of_another",
            "clipping_forgotten",
            "decay_forgotten",
            "velocity_forgotten",
            "bias_correction_forgotten",
            "sign_forgotten",
            "plain_step",
            "factor_two",
            "factor_half",
            "other_label",
            "logarithm_to_base_10",
            "parameter_forgotten",
            "sign_lost",
            "sign_within",
            "difference_reversed",
            "square_forgotten",
            "term_left_out",
            "sign_of_term",
            "factor_left_out",
            "another_taken",
            "result_transposed",
        )
    )
}
"""The rules, the likelier first: where two give the same figures, the first is named."""

OF_UPDATES = frozenset(
    ["clipping_forgotten", "decay_forgotten", "velocity_forgotten", "bias_correction_forgotten"]
)
"""The rules of what an update is made without."""
