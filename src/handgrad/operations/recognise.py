"""Losses written out by hand, recognised as the operations that they are.

−(y ln p + (1 − y) ln(1 − p)) is `bce(p, y)`, −Σ y ln p is `cross_entropy(p, y)`, and so is −ln p[k];
with p = σ(z) or p = softmax(z), however these are written, the loss is computed from z. What is
shown stays as it was written; the operation gives it a stable value and gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from handgrad.expression import Call, Expression, Literal, Name, Slice, number, walk
from handgrad.operations import operation_of
from handgrad.operations.arithmetic import add, divide, multiply, negate, subtract
from handgrad.operations.exponentials import log_softmax, logsumexp
from handgrad.operations.functions import log
from handgrad.operations.linear import dot, matmul
from handgrad.operations.logarithms import (
    Logarithm,
    Logarithms,
    factors_of,
    is_name,
    product_of,
    same_factors,
    without,
)
from handgrad.operations.losses import bce, bce_with_logits, cross_entropy, softmax_cross_entropy
from handgrad.operations.operation import normal_axes
from handgrad.operations.reductions import mean, sum_
from handgrad.operations.structure import index
from handgrad.operations.terms import (
    bce_terms,
    bce_with_logits_terms,
    cross_entropy_terms,
    softmax_cross_entropy_terms,
)
from handgrad.operations.written_out import Sight, WrittenActivation
from handgrad.record import record

SIGMOID, SOFTMAX = "sigmoid", "softmax"

MOST_TERMS = 64
"""Terms of a sum that are looked at in pairs; a loss written out has a few."""


@record
class Recognised:
    """A loss and the activation that feeds it, found in a formula.

    Arguments:
        fused: the operation that computes both, from the scores.
        plain: the same loss without the activation in it, or as it was written.
        loss: the operation of the loss, of which there are words: `bce` or `cross_entropy`.
        activation: that of the activation.
        scores: what the activation is applied to.
        name: the name of the activation's value; empty where it has none.
        axis: that of softmax, counted from 0; None for the sigmoid.
        passed: the equations that it was seen through.
        shifts: what the scores were shifted by before softmax, which changes nothing.
        whole: whether the targets add up to 1, so that the derivative is p − y.
    """

    fused: Call
    plain: Expression
    loss: str
    activation: str
    scores: Expression
    name: str
    axis: int | None
    passed: tuple[str, ...]
    shifts: tuple[Expression, ...]
    whole: bool

    @property
    def value(self) -> Call:
        """The activation of the scores, as formulas write it."""
        last = self.axis is None or self.axis == len(self.scores.shape or ()) - 1
        options = () if last else (("axis", self.axis),)
        return Call(self.activation, (self.scores,), options, None, self.scores.shape)


@record
class Two:
    """A formula in two forms: with losses and their activations as one, and with losses alone."""

    fused: Expression
    plain: Expression


Whole = Callable[[Expression, Expression, int], bool]
"""`whole(target, scores, axis)`: whether the target is known to add up to 1 along the axis."""

SEEDS = frozenset({log.name, log_softmax.name, logsumexp.name})
"""Every loss that is recognised has one of these in it, or is an operation that fuses."""

CONTRACTIONS = (sum_.name, mean.name, dot.name, matmul.name)


def may_hold_loss(expression: Expression) -> bool:
    """Whether there can be a loss, or a part of one, in a formula."""
    return any(
        isinstance(n, Call) and (n.operation in SEEDS or operation_of(n).fuses)
        for n in walk(expression)
    )


@dataclass
class Recogniser:
    """Finds the losses of a formula, seen through the equations in `definitions`."""

    definitions: Mapping[str, Expression]
    whole: Whole
    found: list[Recognised] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sight = Sight(self.definitions)
        self.logarithms = Logarithms(self.sight)

    def rewritten(self, expression: Expression, in_sum: bool = False) -> Two:
        """An annotated formula in both forms; the calls that are new in them have no shapes."""
        if not isinstance(expression, Call):
            return Two(expression, expression)
        is_sum = expression.operation in (add.name, subtract.name)
        if is_sum and not in_sum:
            paired = self._paired(expression)
            if paired is not None:
                return paired
        for attempt in (self._called, self._categorical, self._picked, self._log_of_sigmoid):
            self._look_anew()
            two = attempt(expression)
            if two is not None:
                return two
        sums = _log_sum_exp(expression)
        if sums is not None:
            return Two(sums, sums)
        parts = [self.rewritten(a, in_sum=is_sum) for a in expression.arguments]
        return Two(
            _signs_out(expression, [p.fused for p in parts]),
            _signs_out(expression, [p.plain for p in parts]),
        )

    def _look_anew(self) -> None:
        self.sight.passed.clear()
        self.sight.shifts.clear()

    def _add(
        self,
        fused: Call,
        plain: Expression,
        loss: str,
        kind: str,
        activation: WrittenActivation,
        whole: bool = True,
    ) -> None:
        self.found.append(
            Recognised(
                fused=fused,
                plain=plain,
                loss=loss,
                activation=kind,
                scores=activation.of,
                name=activation.name,
                axis=activation.axis,
                passed=tuple(dict.fromkeys(self.sight.passed)),
                shifts=tuple(dict.fromkeys(self.sight.shifts)),
                whole=whole,
            )
        )

    # -- two terms of a sum ---------------------------------------------------------------------

    def _paired(self, call: Call) -> Two | None:
        """A sum in which two terms are one loss: y ln p and (1 − y) ln(1 − p), or ln Σ eᶻ and −z[k]."""
        every = self._with_shifts(_terms(call, 1))
        terms, rest = every[:MOST_TERMS], every[MOST_TERMS:]
        logs = [self.logarithms.of(term) for _, term in terms]
        done: dict[int, Two | None] = {}
        for i in range(len(terms)):
            for j in range(len(terms)):
                if i == j or i in done or j in done:
                    continue
                self._look_anew()
                two = self._log_sum_exp_and_score(terms[i], terms[j])
                if two is None and i < j:
                    self._look_anew()
                    two = self._binary(terms[i], terms[j], logs[i], logs[j])
                if two is not None:
                    done[min(i, j)], done[max(i, j)] = two, None
        if not done:
            return None
        parts: list[tuple[int, Two]] = []
        for position, (sign, term) in enumerate(terms + rest):
            if position not in done:
                parts.append((sign, self.rewritten(term, in_sum=True)))
            elif (two := done[position]) is not None:
                parts.append((1, two))
        return Two(_sum([(s, t.fused) for s, t in parts]), _sum([(s, t.plain) for s, t in parts]))

    def _with_shifts(self, terms: list[tuple[int, Expression]]) -> list[tuple[int, Expression]]:
        """The terms with max z + ln Σ exp(z − max z) as one."""
        for i, (sign, sums) in enumerate(terms[:MOST_TERMS]):
            self._look_anew()
            if self.sight.log_sum_exp(sums) is None:
                continue
            for j, (other, shift) in enumerate(terms[:MOST_TERMS]):
                whole = Call(add.name, (shift, sums), shape=sums.shape)
                if i != j and sign == other and self.sight.log_sum_exp(whole) is not None:
                    rest = [term for k, term in enumerate(terms) if k not in (i, j)]
                    return [(sign, whole), *rest]
        return terms

    def _binary(
        self,
        one: tuple[int, Expression],
        other: tuple[int, Expression],
        a: Logarithm | None,
        b: Logarithm | None,
    ) -> Two | None:
        if a is None or b is None or one[0] * a.sign != other[0] * b.sign:
            return None
        if not _added_alike(a.adding, b.adding) or not same_factors(a.outer, b.outer):
            return None
        seen = [self.sight.call(x.log, log.name) for x in (a, b)]
        if seen[0] is None or seen[1] is None:
            return None
        first, second = seen[0].arguments[0], seen[1].arguments[0]
        if self._complement(second, first):
            p, targets = first, self._targets(a.inner, b.inner)
        elif self._complement(first, second):
            p, targets = second, self._targets(b.inner, a.inner)
        else:
            return None
        if targets is None:
            return None
        y, scales = targets
        scalar = p.shape == () and y.shape == ()
        seen_through = (*a.passed, *b.passed, *self.sight.passed)
        activation = self.sight.sigmoid(p)

        def wrapped(terms: Expression) -> Expression:
            whole = product_of((*a.outer, a.added_up(product_of((*scales, terms)))))
            return whole if one[0] * a.sign < 0 else negate(whole)

        bare = (bce if scalar else bce_terms)(p, y)
        if activation is None:
            return None if seen_through else Two(wrapped(bare), wrapped(bare))
        fused = (bce_with_logits if scalar else bce_with_logits_terms)(activation.of, y)
        direct = is_name(p, activation.name) and not seen_through
        plain = bare if direct else _sum([one, other])
        self.sight.passed += seen_through
        self._add(fused, plain, bce.name, SIGMOID, activation)
        return Two(wrapped(fused), wrapped(bare) if direct else plain)

    def _complement(self, a: Expression, b: Expression) -> bool:
        """Whether a is 1 − b."""

        def look() -> bool | None:
            values = number(a), number(b)
            if values[0] is not None and values[1] is not None:
                return True if values[0] + values[1] == 1 else None
            taken = self.sight.call(a, subtract.name)
            if taken is None or number(taken.arguments[0]) != 1:
                return None
            return True if self.sight.same(taken.arguments[1], b) else None

        return self.sight.attempt(look) is not None

    def _targets(
        self, a: tuple[Expression, ...], b: tuple[Expression, ...]
    ) -> tuple[Expression, tuple[Expression, ...]] | None:
        """y and the factors that are common, of which a has y and b has 1 − y among them."""
        for y in dict.fromkeys(a):
            for rest in dict.fromkeys(b):
                if not same_factors(without(a, y), without(b, rest)):
                    continue
                if self._complement(rest, y) or self._complement(y, rest):
                    return y, without(a, y)
        return None

    def _log_sum_exp_and_score(
        self, one: tuple[int, Expression], other: tuple[int, Expression]
    ) -> Two | None:
        """ln Σ exp(z) − z[k], or ln Σ exp(z) − Σ y z."""
        if one[0] == other[0]:
            return None
        sums = self.sight.log_sum_exp(one[1])
        if sums is None:
            return None
        z = sums.arguments[0]
        rank = len(z.shape or ())
        axes = normal_axes(sums.option("axis"), rank)
        if len(axes) != 1:
            return None
        keepdims = bool(sums.option("keepdims"))
        found = self.sight.entry(other[1])
        picked = found is not None and rank == 1 and self.sight.same(found[0], z)
        if found is not None and picked:
            y: Expression | None = _one_hot(z, found[1][0])
        else:
            y = self._weights(other[1], z, axes[0], keepdims)
        if y is None or not self.whole(y, z, axes[0]):
            return None
        fused = (
            softmax_cross_entropy(z, y)
            if picked and not keepdims
            else softmax_cross_entropy_terms(
                z, y, axis=axes[0], keepdims=keepdims, of_scores=not picked
            )
        )
        plain = _sum([one, other])
        self._add(fused, plain, cross_entropy.name, SOFTMAX, WrittenActivation(z, axes[0]))
        return Two(fused if one[0] > 0 else negate(fused), plain)

    def _weights(
        self, expression: Expression, z: Expression, axis: int, keepdims: bool
    ) -> Expression | None:
        """y, where the formula is Σ y z along the axis."""
        seen = self.sight.through(expression)
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
            if y.shape == z.shape and self.sight.same(scores, z):
                return y
        return None

    # -- one term -------------------------------------------------------------------------------

    def _called(self, call: Call) -> Two | None:
        """A loss by its own name, of an activation: `bce(sigmoid(z), y)`."""
        fuses = operation_of(call).fuses
        if not fuses:
            return None
        p, y = call.arguments[:2]
        for kind, fusion in fuses.items():
            activation = self.sight.softmax(p) if kind == SOFTMAX else self.sight.sigmoid(p)
            if activation is None:
                continue
            if kind == SIGMOID:
                fused = Call(fusion.operation, (activation.of, y))
                self._add(fused, call, call.operation, kind, activation)
                return Two(fused, call)
            rank, axis = len(p.shape or ()), activation.axis
            if axis is None or axis != rank - 1:
                return None
            numbered = y.shape != p.shape
            if numbered or self.whole(y, activation.of, axis):
                fused = Call(fusion.operation, (activation.of, y))
                self._add(fused, call, call.operation, kind, activation)
                return Two(fused, call)
            fused = softmax_cross_entropy_terms(activation.of, y, axis=axis, whole=False)
            self._add(fused, call, call.operation, kind, activation, whole=False)
            return Two(fused if rank == 1 else mean(fused), call)
        return None

    def _categorical(self, call: Call) -> Two | None:
        """−Σ y ln p, as a sum, a mean or a product of vectors."""
        if call.operation not in CONTRACTIONS:
            return None
        term = self.logarithms.of(call)
        if term is None or term.adding is not call:
            return None
        shape = term.log.shape or ()
        targets = tuple([f for f in term.inner if f.shape == shape])
        scales = tuple([f for f in term.inner if f.shape == ()])
        if not shape or not targets or len(targets) + len(scales) != len(term.inner):
            return None
        y = _product_of_shape(targets)
        seen = self.sight.call(term.log, log.name)
        p = seen.arguments[0] if seen is not None else None
        direct = not term.passed and not self.sight.passed
        self.sight.passed += term.passed
        activation = self.sight.log_softmax(term.log)
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
        whole = len(targets) == 1 and self.whole(y, activation.of, activation.axis)
        simple = len(shape) == 1 and whole and not keepdims
        options = {"axis": activation.axis, "keepdims": keepdims}
        fused = (
            softmax_cross_entropy(activation.of, y)
            if simple
            else softmax_cross_entropy_terms(activation.of, y, **options, whole=whole)
        )
        if p is None or not direct or not is_name(p, activation.name):
            self._add(fused, call, cross_entropy.name, SOFTMAX, activation, whole)
            return Two(signed(finish(fused)), call)
        bare = cross_entropy(p, y) if simple else cross_entropy_terms(p, y, **options)
        self._add(fused, bare, cross_entropy.name, SOFTMAX, activation, whole)
        return Two(signed(finish(fused)), signed(finish(bare)))

    def _picked(self, call: Call) -> Two | None:
        """ln p[k], the probability of one class."""
        if call.shape != () or call.operation not in (log.name, index.name, subtract.name):
            return None
        found = self._entry_of_log(call)
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
        self._add(fused, plain, cross_entropy.name, SOFTMAX, single)
        return Two(negate(fused), negate(plain) if direct else plain)

    def _entry_of_log(
        self, call: Call
    ) -> tuple[WrittenActivation, tuple[int, ...], Expression | None] | None:
        """An entry of ln softmax(z): of which softmax, which entry, and softmax as it stands there."""
        if call.operation == log.name:
            entry = self.sight.entry(call.arguments[0])
            activation = entry and self.sight.softmax(entry[0])
            return (activation, entry[1], entry[0]) if entry and activation else None
        if call.operation == index.name:
            entry = self.sight.entry(call)
            activation = entry and self.sight.log_softmax(entry[0])
            return (activation, entry[1], None) if entry and activation else None
        return None

    def _log_of_sigmoid(self, call: Call) -> Two | None:
        """ln σ(z) and ln(1 − σ(z)): minus the binary cross-entropy of the targets 1 and 0."""
        if call.operation != log.name:
            return None
        (p,) = call.arguments
        target, activation = 1.0, self.sight.sigmoid(p)
        if activation is None:
            taken = self.sight.call(p, subtract.name)
            if taken is None or number(taken.arguments[0]) != 1:
                return None
            target, activation = 0.0, self.sight.sigmoid(taken.arguments[1])
        if activation is None:
            return None
        operation = bce_with_logits if call.shape == () else bce_with_logits_terms
        fused = operation(activation.of, target)
        self._add(fused, call, bce.name, SIGMOID, activation)
        return Two(negate(fused), call)


def _log_sum_exp(call: Call) -> Call | None:
    """ln Σ exp(z), written out in one formula."""
    return Sight({}).log_sum_exp(call) if call.operation == log.name else None


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
    """How the losses along `axis` are added up by `call`: whether the axis is kept, and what is
    done with them after; None where it adds up something else."""
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


def _added_alike(a: Call | None, b: Call | None) -> bool:
    """Whether two terms are added up in the same way."""
    if a is None or b is None:
        return a is b
    kinds = [c.operation if c.operation in (sum_.name, mean.name) else "product" for c in (a, b)]
    return kinds[0] == kinds[1] and a.options == b.options and a.shape == b.shape


def _terms(expression: Expression, sign: int) -> list[tuple[int, Expression]]:
    """The expression as a sum of signed terms."""
    if isinstance(expression, Call):
        match expression.operation:
            case add.name:
                left, right = expression.arguments
                return _terms(left, sign) + _terms(right, sign)
            case subtract.name:
                left, right = expression.arguments
                return _terms(left, sign) + _terms(right, -sign)
            case negate.name:
                return _terms(expression.arguments[0], -sign)
    return [(sign, expression)]


def _sum(terms: Sequence[tuple[int, Expression]]) -> Expression:
    """Signed terms added up; one that is known with its sign comes first."""
    (sign, total), *rest = terms
    if sign < 0:
        total = negate(total)
    for sign, term in rest:
        total = add(total, term) if sign > 0 else subtract(total, term)
    return total


def _signs_out(call: Call, arguments: Sequence[Expression]) -> Expression:
    """The call of other arguments, with the signs that they begin with before it."""
    new = call.of(arguments)
    if new is call:
        return call
    positive = [
        a.arguments[0] if isinstance(a, Call) and a.operation == negate.name else None
        for a in arguments
    ]
    match call.operation:
        case negate.name if positive[0] is not None:
            return positive[0]
        case multiply.name | divide.name if positive[0] is not None and positive[1] is not None:
            return new.of([p for p in positive if p is not None])
        case multiply.name | divide.name if any(p is not None for p in positive):
            bare = [a if p is None else p for a, p in zip(arguments, positive, strict=True)]
            return negate(new.of(bare))
        case sum_.name | mean.name if positive[0] is not None:
            return negate(new.of([positive[0]]))
        case subtract.name if positive[1] is not None:
            return add(arguments[0], positive[1])
        case add.name if positive[1] is not None:
            return subtract(arguments[0], positive[1])
        case _:
            return new
