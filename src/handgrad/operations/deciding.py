"""Mistakes made where one of two is taken: at ties, at exactly 0, and everywhere."""

from __future__ import annotations

from collections.abc import Iterator

from handgrad.expression import Call, Literal, Name
from handgrad.operations.choosing import greater, greater_equal, less, less_equal, where
from handgrad.operations.functions import larger, maximum, minimum, step
from handgrad.operations.gates import activation_in
from handgrad.operations.pooling import OPERATIONS as POOLS
from handgrad.operations.reductions import attained, maximum_of, minimum_of
from handgrad.operations.surroundings import Found, Rewrite, Surroundings
from handgrad.operations.ties import FIRST

STRICT = {greater_equal.name: greater, less_equal.name: less}
"""By comparison that holds of equals, the one that does not."""

AND_EQUAL = {greater.name: greater_equal, less.name: less_equal}

BACK_THROUGH_POOLS = [
    p.name for p in POOLS if p.family == "helper" and p.options.keys() >= FIRST.keys()
]
"""What gives the gradients of windows to their largest entries."""


def _of_step(call: Call, seen: Surroundings) -> Iterator[Found]:
    (z,) = call.arguments
    yield "open_at_zero", greater_equal(z, 0), (z,)
    yield "open_at_zero", larger(z, 0), (z,)


def _of_larger(call: Call, seen: Surroundings) -> Iterator[Found]:
    for decided in (greater_equal, greater):
        yield "tie_decided", decided(*call.arguments), call.arguments


def _of_shares(call: Call, seen: Surroundings) -> Iterator[Found]:
    """The shares of the entries that attain an extreme, of which each has all, or the first alone."""
    if call.option("first"):
        return
    about = call.arguments[-2:]
    yield "tie_decided", _of_first(call), about
    if call.operation == attained.name:
        yield "tie_decided", step(call), about


def _of_first(call: Call) -> Call:
    """The same where the first of the entries that tie has all."""
    options = tuple((name, value) for name, value in call.options if name != "first")
    return Call(call.operation, call.arguments, (*options, ("first", True)))


def _of_comparison(call: Call, seen: Surroundings) -> Iterator[Found]:
    a, b = call.arguments
    if call.operation in AND_EQUAL:
        yield "equal_counted", AND_EQUAL[call.operation](a, b), (call,)
        return
    yield "equal_left_out", STRICT[call.operation](a, b), (call,)
    for entries, bound in ((a, b), (b, a)):
        made = seen.made.get(bound) if isinstance(bound, Name) else bound
        extreme = isinstance(made, Call) and made.operation in (maximum_of.name, minimum_of.name)
        if isinstance(made, Call) and extreme and made.arguments == (entries,):
            axis = made.option("axis")
            yield "equal_left_out", attained(entries, bound, axis=axis, first=True), (call,)


def _of_two(call: Call, seen: Surroundings) -> Iterator[Found]:
    """One of two taken throughout; ReLU's pre-activation has a name of its own."""
    if activation_in(call) is not None or seen.update is not None:
        return
    two = call.arguments[-2:]
    for kept, other in (two, two[::-1]):
        if not isinstance(kept, Literal):
            yield "choice_left_out", kept, (kept, other)


OF_CHOICES: dict[str, Rewrite] = {
    step.name: _of_step,
    larger.name: _of_larger,
    attained.name: _of_shares,
    **dict.fromkeys(BACK_THROUGH_POOLS, _of_shares),
    **dict.fromkeys((*STRICT, *AND_EQUAL), _of_comparison),
    **dict.fromkeys((maximum.name, minimum.name, where.name), _of_two),
}
"""By operation, the mistakes made with what it decides."""
