"""What the numbers of a problem mean: why they were taken so, from its equations as they are written."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import numpy as np

from handgrad.exercises.reasons import Reason
from handgrad.expression import Call, Expression, Literal, Name
from tests.gauntlet.facts import terms
from tests.gauntlet.facts.claim import Found
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.sliding import CONVOLUTIONS

CARRYING = frozenset(
    ["transpose", "reshape", "index", "negate", "add", "subtract", "multiply", "divide"]
)
"""What a number is still itself in, where there is nothing but constants beside it."""

LOGARITHMS = frozenset(["log", "log_softmax", "logsumexp", "softplus", "log_sigmoid"])
CROSS_ENTROPIES = frozenset(["cross_entropy", "softmax_cross_entropy", "nll", "kl_div"])
BINARY = frozenset(["bce", "bce_with_logits"])
LOSSES = frozenset(["mse", "huber", "hinge", "mae", "smooth_l1"]) | CROSS_ENTROPIES | BINARY
WEIGHING = frozenset(["matmul", "dot", "outer", *CONVOLUTIONS])
COMPARING = frozenset(["subtract"]) | LOSSES - CROSS_ENTROPIES
USUAL = frozenset(
    [
        "alpha",
        "beta",
        "delta",
        "eps",
        "epsilon",
        "eta",
        "gamma",
        "kappa",
        "mu",
        "rho",
        "tau",
        "lam",
        "lamb",
        "lambda",
        "lambda_",
        "lmbda",
        "reg",
        "decay",
        "weight_decay",
        "wd",
        "m",
        "n",
        "N",
        "T",
        "count",
        "batch",
        "batch_size",
        "dk",
        "d_k",
        "scale",
        "margin",
        "temp",
        "temperature",
        "keep",
        "keep_prob",
        "p_keep",
        "dropout",
        "rate",
        "lr",
        "gam",
        "discount",
    ]
)
"""What settings are usually called."""


class Place(NamedTuple):
    """Where a number is put in: the equation, the operation and which argument, whether as 1 less itself."""

    equation: str
    call: Call
    position: int
    flipped: bool

    @property
    def others(self) -> list[Expression]:
        """The other arguments."""
        return [a for k, a in enumerate(self.call.arguments) if k != self.position]


def places(name: str, facts: Facts, flipped: bool = False) -> Iterator[Place]:
    """Every place of a number in the equations; what only carries it along is looked through."""
    for target in facts.targets:
        if name in facts.uses[target]:
            yield from _within(facts.written(target), name, target, facts, flipped)


def _within(
    formula: Expression, name: str, target: str, facts: Facts, flipped: bool
) -> Iterator[Place]:
    for path in _paths(formula, name):
        turned = flipped
        for call, position in path:
            beside = [a for k, a in enumerate(call.arguments) if k != position]
            carries = call.operation in CARRYING and not any(map(terms.leaves_of, beside))
            if not carries or (call.operation == "divide" and position == 1):
                yield Place(target, call, position, turned)
                break
            if call.operation == "subtract" and position == 1 and _is_one(beside[0]):
                turned = not turned
        else:
            yield from places(target, facts, turned)


def _is_one(formula: Expression) -> bool:
    return isinstance(formula, Literal) and bool(np.all(np.asarray(formula.value) == 1))


def _paths(formula: Expression, name: str) -> Iterator[list[tuple[Call, int]]]:
    """The calls around each place of a name, the nearest first."""
    if isinstance(formula, Name) and formula.name == name:
        yield []
    if isinstance(formula, Call):
        for position, argument in enumerate(formula.arguments):
            for path in _paths(argument, name):
                yield [*path, (formula, position)]


def _givens(formula: Expression, facts: Facts) -> set[str]:
    """The givens that a formula's value residues on."""
    found: set[str] = set()
    for leaf in terms.leaves_of(formula):
        if leaf.name in facts.targets:
            found |= _givens(facts.written(leaf.name), facts)
        else:
            found.add(leaf.name)
    return found


def _size(formula: Expression, facts: Facts) -> float:
    """How large a factor is that is a number, written or given; 0 of any other."""
    match formula:
        case Literal():
            return float(np.abs(np.asarray(formula.value, dtype=float)).min())
        case Call("negate", (inner,)):
            return _size(inner, facts)
        case Name(name) if name not in facts.targets and name not in facts.oracle.parameters:
            return float(np.abs(np.asarray(facts.at.values[name])).min())
        case _:
            return 0.0


def _is_computed(formula: Expression, facts: Facts) -> bool:
    """Whether it residues on a parameter; on any number, in a problem without."""
    found = _givens(formula, facts)
    parameters = set(facts.oracle.parameters)
    return bool(found & parameters) or (not parameters and bool(found))


def _operations(formula: Expression, facts: Facts, deep: int = 3) -> set[str]:
    """The operations in a formula, and in the equations that it names."""
    found = {c.operation for c in terms.calls_of(formula)}
    for leaf in terms.leaves_of(formula):
        if deep and leaf.name in facts.targets:
            found |= _operations(facts.written(leaf.name), facts, deep - 1)
    return found


def of_reason(
    reason: Reason | None, name: str, given: Any, facts: Facts, kept: Collection[str] = ()
) -> Found:
    """Whether the numbers are used so, or look so, as the reason says."""
    if reason is None:
        return
    every = list(places(name, facts))
    here = [p for p in every if p.equation == reason.equation]
    yield bool(here) or not reason.equation, f"{reason.equation} has no {name}"
    largest, least = np.max(given, initial=-np.inf), np.min(given, initial=np.inf)
    whole = bool(np.all(given == np.rint(given)))

    def put(operation: str, position: int) -> bool:
        return any(p.call.operation == operation and p.position == position for p in here)

    def among(*numbers: float) -> bool:
        return set(np.unique(given)) <= set(numbers)

    def weighs(p: Place) -> bool:
        return p.call.operation in WEIGHING or (
            p.call.operation == "multiply"
            and bool(_givens(p.others[0], facts) & set(facts.oracle.parameters))
        )

    def multiplies(p: Place) -> bool:
        factor = p.call.operation == "multiply" or put("dropout", 1)
        return factor and _is_computed(p.others[0], facts)

    def target_of(operations: frozenset[str]) -> bool:
        """Of a loss, or times a logarithm, or beside one in a loss that is written out."""
        return any(
            (p.call.operation in operations and p.position == (p.call.operation != "kl_div"))
            or (
                p.call.operation not in LOSSES
                and bool(_operations(facts.written(p.equation), facts) & LOGARITHMS)
            )
            for p in here
        )

    alone = {"named_mask", "huge", "named_setting", "next_to_nothing", "whole_numbers", "adds_up"}
    alone |= {"numbers", "asked_for", "given_instead", "arrives"}
    yield bool(reason.equation) != (reason.kind in alone), "an equation tells, or none"
    match reason.kind:
        case "named_mask":
            yield "mask" in name.lower() or name in ("I", "eye", "identity"), f"it is {name}"
        case "chooses":
            yield put("where", 0) or put("masked_softmax", 1), "it chooses nothing there"
        case "huge":
            yield max(abs(largest), abs(least)) >= 100, f"its largest is {largest}"
        case "times_huge":
            factors = [
                call.arguments
                for formula in map(facts.written, facts.targets)
                for call in terms.calls_of(formula)
                if call.operation == "multiply" and name in _givens(call, facts)
            ]
            sizes = [_size(x, facts) for pair in factors for x in pair]
            yield among(0, 1) and max(sizes, default=0) >= 100, f"its factors are {sizes}"
        case "mixes":
            square = np.ndim(given) == 2 and np.shape(given)[0] == np.shape(given)[1]
            mixed = any(
                p.call.operation in WEIGHING and _is_computed(p.others[0], facts) for p in here
            )
            yield square and mixed, "it mixes nothing"
        case "factor":
            yield any(map(multiplies, here)), "it multiplies nothing that is computed"
        case "named_target":
            yield any(map(multiplies, here)), "it multiplies nothing that is computed"
            yield name[0] in "yYtT" and among(0, 1), f"it is {name}"
        case "state_of_zeros":
            called = name.endswith(("0", "prev", "init")) and any(map(multiplies, here))
            goes_in = any(map(weighs, here)) or called
            yield not np.any(given) and goes_in, "it is no state of zeros"
        case "named_setting":
            yield name in USUAL and np.ndim(given) == 0, f"it is {name}"
        case "divides":
            rooted = put("sqrt", 0) and "divide" in _operations(
                facts.written(reason.equation), facts, 0
            )
            divides = put("divide", 1) or rooted
            yield divides and whole and least >= 1, "it is no count that divides"
        case "penalty_factor":
            residues = [_givens(p.others[0], facts) for p in here if p.call.operation == "multiply"]
            plain = set(facts.oracle.parameters)
            yield any(bool(r) and r <= plain for r in residues), "it is no factor of a penalty"
        case "exponent":
            yield put("power", 1), "it is no exponent"
        case "next_to_nothing":
            yield np.ndim(given) == 0 and 0 < abs(largest) < 0.02, f"it is {given}"
        case "cross_entropy_target":
            yield target_of(CROSS_ENTROPIES), "it is no target of cross-entropy"
        case "binary_target":
            yield target_of(BINARY), "it is no target of binary cross-entropy"
        case "complement":
            share = np.ndim(given) == 0 and 0 < least < 1 and not all(p.flipped for p in every)
            flipped = any(p.flipped for p in here)
            yield flipped and (among(0, 1) or share), "it is not used as 1 less itself"
        case "counted":
            yield target_of(CROSS_ENTROPIES) and whole and least >= 0, "it counts nothing"
        case "margin_target":
            margin = put("hinge", 1) or any(map(multiplies, here))
            yield margin and among(-1, 1), "it has no margin"
        case "compared":
            compared = any(
                p.call.operation in COMPARING and _is_computed(p.others[0], facts) for p in here
            )
            yield compared, "it is compared with nothing that is computed"
        case "whole_numbers":
            yield whole and least >= 0 and largest > 1, f"it is {np.asarray(given).tolist()}"
        case "numbers_entries":
            yield put("gather", 1) and whole and least >= 0, "it numbers no entries"
        case "picks":
            yield among(0, 1) and any(map(weighs, here)), "it picks nothing"
        case "adds_up":
            sums = [np.sum(given, axis=k) for k in range(np.ndim(given))]
            yield least >= 0 and any(np.allclose(s, 1) for s in sums), "it does not add up to 1"
        case "prediction":
            losses = [p for p in here if p.call.operation in LOSSES and p.position == 0]
            yield bool(losses), "no loss takes it"
        case "held_target":
            put_there = [p for p in here if p.call.operation in LOSSES and p.position == 1]
            yield bool(put_there), "no loss is held against it"
        case "positive_place":
            root = _operations(facts.written(reason.equation), facts, 0) & {"log", "sqrt"}
            under = root or put("divide", 1) or put("power", 0)
            yield bool(under) and least > 0, "it may be negative there"
        case "positive_part":
            parts = {p.equation for p in here}
            while further := {u for t in parts for u in facts.users(t)} - parts:
                parts |= further
            taking = {"log", "sqrt", "divide", "power"}
            found = set().union(*(_operations(facts.written(t), facts, 0) for t in parts))
            yield bool(found & taking) and least > 0, "it may be negative there"
        case "adding_up":
            yield among(1) and any(map(weighs, here)), "it adds up nothing"
        case "divided":
            divided = any(
                p.call.operation == "divide"
                and p.position == 0
                and _is_computed(p.others[0], facts)
                for p in here
            )
            yield divided and least > 0, "nothing that is computed divides it"
        case "weighs":
            yield target_of(CROSS_ENTROPIES) and least > 0, "it weighs no logarithm"
        case "numbers":
            sums = [np.sum(given, axis=k) for k in range(np.ndim(given))]
            told = among(-1, 0, 1) or any(np.allclose(s, 1) for s in sums)
            yield told and not any(map(_weighed, every)), "its numbers tell nothing"
        case "given_instead":
            yield name in facts.oracle.given, "it is not given instead of computed"
        case "arrives":
            arriving = {f"upstream_{value}" for value in facts.oracle.upstream}
            yield name in arriving, "it is no gradient that arrives"
        case _:
            yield reason.kind == "asked_for" and name in kept, "nobody asked for it"


def _weighed(p: Place) -> bool:
    return p.call.operation in WEIGHING
