"""Losses written out by hand, recognised as the operations that they are.

−(y ln p + (1 − y) ln(1 − p)) is `bce(p, y)`, −Σ y ln p is `cross_entropy(p, y)`, and so is −ln p[k];
with p = σ(z) or p = softmax(z), however these are written, the loss is computed from z. What is
shown stays as it was written; the operation gives it a stable value and gradient.
"""

from __future__ import annotations

from handgrad.expression import Call, Expression, walk
from handgrad.operations import operation_of
from handgrad.operations.activations import softplus
from handgrad.operations.arithmetic import add, negate, subtract
from handgrad.operations.binary_written_out import binary, log_of_sigmoid
from handgrad.operations.classes_written_out import categorical, log_sum_exp_and_score, picked
from handgrad.operations.exponentials import log_softmax, logsumexp
from handgrad.operations.functions import log
from handgrad.operations.recognised import SIGMOID, SOFTMAX, Looking, Two
from handgrad.operations.reductions import mean
from handgrad.operations.signed_terms import added_up, signs_out, terms
from handgrad.operations.softplus_written_out import softplus_of, softplus_of_two
from handgrad.operations.terms import softmax_cross_entropy_terms
from handgrad.operations.written_out import Sight
from handgrad.record import builder

MOST_TERMS = 64
"""The most terms of a sum that are tried in pairs; a loss written out has a few."""

SEEDS = frozenset({log.name, log_softmax.name, logsumexp.name, softplus.name})
"""Every loss that is recognised has one of these in it, or is an operation that fuses."""


def may_hold_loss(expression: Expression) -> bool:
    """Whether there can be a loss, or a part of one, in a formula."""
    return any(
        isinstance(n, Call) and (n.operation in SEEDS or operation_of(n).fuses)
        for n in walk(expression)
    )


@builder
class Recogniser:
    """Finds the losses in a formula, looking through the equations in `looking.definitions`."""

    looking: Looking

    def rewritten(self, expression: Expression, in_sum: bool = False) -> Two:
        """An annotated formula in both forms; the calls that are new in them have no shapes."""
        if not isinstance(expression, Call):
            return Two(expression, expression)
        is_sum = expression.operation in (add.name, subtract.name)
        if is_sum and not in_sum:
            paired = self._paired(expression)
            if paired is not None:
                return paired
        for attempt in (_called, categorical, picked, log_of_sigmoid):
            self.looking.look_anew()
            two = attempt(self.looking, expression)
            if two is not None:
                return two
        sums = _log_sum_exp(expression) or softplus_of(expression)
        if sums is not None:
            return Two(sums, sums)
        parts = [self.rewritten(a, in_sum=is_sum) for a in expression.arguments]
        return Two(
            signs_out(expression, [p.fused for p in parts]),
            signs_out(expression, [p.plain for p in parts]),
        )

    def _paired(self, call: Call) -> Two | None:
        """A sum in which two terms are one loss: y ln p and (1 − y) ln(1 − p), or ln Σ eᶻ and −z[k]."""
        every = self._with_shifts(terms(call))
        among, rest = every[:MOST_TERMS], every[MOST_TERMS:]
        logs = [self.looking.logarithms.of(term) for _, term in among]
        done: dict[int, Two | None] = {}
        for i in range(len(among)):
            for j in range(len(among)):
                if i == j or i in done or j in done:
                    continue
                self.looking.look_anew()
                two = log_sum_exp_and_score(self.looking, among[i], among[j])
                if two is None and i < j:
                    self.looking.look_anew()
                    two = binary(
                        self.looking, among[i], among[j], logs[i], logs[j]
                    ) or _stable_softplus(among[i], among[j])
                if two is not None:
                    done[min(i, j)], done[max(i, j)] = two, None
        if not done:
            return None
        parts: list[tuple[int, Two]] = []
        for position, (sign, term) in enumerate(among + rest):
            if position not in done:
                parts.append((sign, self.rewritten(term, in_sum=True)))
            elif (two := done[position]) is not None:
                parts.append((1, two))
        return Two(
            added_up([(s, t.fused) for s, t in parts]), added_up([(s, t.plain) for s, t in parts])
        )

    def _with_shifts(self, among: list[tuple[int, Expression]]) -> list[tuple[int, Expression]]:
        """The terms with max z + ln Σ exp(z − max z) as one."""
        for i, (sign, sums) in enumerate(among[:MOST_TERMS]):
            self.looking.look_anew()
            if self.looking.sight.log_sum_exp(sums) is None:
                continue
            for j, (other, shift) in enumerate(among[:MOST_TERMS]):
                whole = Call(add.name, (shift, sums), shape=sums.shape)
                if i != j and sign == other and self.looking.sight.log_sum_exp(whole) is not None:
                    rest = [term for k, term in enumerate(among) if k not in (i, j)]
                    return [(sign, whole), *rest]
        return among


def _stable_softplus(one: tuple[int, Expression], other: tuple[int, Expression]) -> Two | None:
    """max(u, 0) + ln(1 + exp(−|u|)), or minus both, as softplus(u)."""
    whole = softplus_of_two(one[1], other[1]) if one[0] == other[0] else None
    if whole is None:
        return None
    signed = whole if one[0] > 0 else negate(whole)
    return Two(signed, signed)


def _called(looking: Looking, call: Call) -> Two | None:
    """A loss by its own name, of an activation: `bce(sigmoid(z), y)`."""
    fuses = operation_of(call).fuses
    if not fuses:
        return None
    p, y = call.arguments[:2]
    for kind, fusion in fuses.items():
        activation = looking.sight.softmax(p) if kind == SOFTMAX else looking.sight.sigmoid(p)
        if activation is None:
            continue
        if kind == SIGMOID:
            fused = Call(fusion.operation, (activation.of, y))
            looking.add(fused, call, call.operation, kind, activation)
            return Two(fused, call)
        rank, axis = len(p.shape or ()), activation.axis
        if axis is None or axis != rank - 1:
            return None
        numbered = y.shape != p.shape
        if numbered or looking.whole(y, activation.of, axis):
            fused = Call(fusion.operation, (activation.of, y))
            looking.add(fused, call, call.operation, kind, activation)
            return Two(fused, call)
        fused = softmax_cross_entropy_terms(activation.of, y, axis=axis, whole=False)
        looking.add(fused, call, call.operation, kind, activation, whole=False)
        return Two(fused if rank == 1 else mean(fused), call)
    return None


def _log_sum_exp(call: Call) -> Call | None:
    """ln Σ exp(z), written out in one formula."""
    return Sight({}).log_sum_exp(call) if call.operation == log.name else None
