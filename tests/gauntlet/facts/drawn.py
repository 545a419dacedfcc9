"""Practice: what is promised of every sheet, and what the numbers given mean, held against drawn sheets in PyTorch."""

from __future__ import annotations

import random
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

import handgrad
from handgrad.exercises import Meaning, Promise, Variants, draw
from handgrad.exercises.meaning import meanings
from handgrad.expression import Call, Name
from tests.gauntlet.facts import terms
from tests.gauntlet.facts.answers import Known, World
from tests.gauntlet.facts.claim import Claims, Found, claims_of
from tests.gauntlet.facts.meant import of_reason
from tests.gauntlet.facts.notes import FLAT, STEEPEST, slope
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.oracle import Oracle
from tests.gauntlet.sliding import CONVOLUTIONS

WISHES: tuple[Mapping[str, Any], ...] = (
    {},
    {"off": 1},
    {"zero_input": True},
    {"path_sum": True},
    {},
)
"""What is asked for, by turns."""

LARGEST = 2_000
"""Numbers in a problem that is drawn anew, at most."""


def of_practice(facts: Facts) -> Claims:
    """What the numbers of a problem mean, and of some problems a sheet or two, with a wish."""
    yield from of_reasons(meanings(facts.problem, facts.trace.graph), facts)
    draws = random.Random(facts.seed * 15485863 + zlib.crc32(facts.text.encode()))
    wish = draws.choice(WISHES)
    if sum(a.size for a in facts.at.values.values()) > LARGEST or draws.random() < SKIPPED:
        return
    level = draws.choice(("easy", "medium", "hard"))
    try:
        variants = draw(facts.problem, handgrad.requirements(level, **wish), 2, facts.seed)
    except handgrad.HandgradError:
        return
    yield from of_variants(variants, draws.randrange(2), facts)


ANSWERS = ("answer_not_zero", "rule_shows")
MOST = 6
"""Promises about single answers that are looked at."""

SKIPPED = 0.75
"""Of so many problems none is drawn: a search takes longer than what is said of its result."""


def of_variants(variants: Variants, position: int, facts: Facts) -> Claims:
    """One of the sheets that were drawn."""
    text = variants[position].to_toml()
    sheet = Facts(text, Oracle(text), facts.trace, facts.seed)
    answers = [p for p in variants.promises if p.kind in ANSWERS]
    others = [p for p in variants.promises if p.kind not in ANSWERS]
    for promise in (*others, *random.Random(facts.seed).sample(answers, min(MOST, len(answers)))):
        yield from claims_of(f"promise {promise.kind}", of_promise(promise, sheet), promise)
    for name, meaning in variants.meanings.items():
        drawn = sheet.oracle.inputs[name]
        given = facts.oracle.inputs[name]
        found = of_meaning(meaning, drawn, given, name in facts.oracle.batched)
        yield from claims_of(f"meaning {meaning.kind}", found, (name, meaning))


def of_reasons(found: Mapping[str, Meaning], facts: Facts) -> Claims:
    """How the meaning of each given was found."""
    for name, meaning in found.items():
        given = facts.oracle.inputs[name]
        kind = meaning.reason.kind if meaning.reason is not None else "none"
        claims = of_reason(meaning.reason, name, given, facts)
        yield from claims_of(f"reason {kind}", claims, (name, meaning))


# -- meanings -------------------------------------------------------------------------------------


def of_meaning(meaning: Meaning, drawn: Any, given: Any, batched: bool) -> Found:
    """Whether drawn numbers are what the given ones were taken to be."""
    yield drawn.shape == given.shape, "another shape"
    whole = bool(np.all(drawn == np.rint(drawn)))
    axis = meaning.axis if meaning.axis >= 0 or not batched else meaning.axis - 1
    match meaning.kind:
        case "kept" | "mask" | "constant":
            yield np.array_equal(drawn, given), f"it was {given.tolist()}"
        case "labels":
            yield set(np.unique(drawn)) <= {0.0, 1.0}, "not all are 0 or 1"
        case "signs":
            yield set(np.unique(drawn)) <= {-1.0, 1.0}, "not all are 1 or −1"
        case "one_hot":
            yield set(np.unique(drawn)) <= {0.0, 1.0}, "not all are 0 or 1"
            yield bool(np.all(drawn.sum(axis=axis) == 1)), "not one of each is 1"
        case "permutation":
            yield np.array_equal(np.sort(drawn, axis=None), np.sort(given, axis=None)), "others"
        case "class":
            yield whole and bool((drawn >= 0).all() and (drawn < meaning.classes).all()), "no class"
        case "probabilities":
            yield bool((drawn >= 0).all()), "some are under 0"
            yield bool(np.allclose(drawn.sum(axis=axis), 1)), "they do not add up to 1"
        case "probability":
            yield bool(((drawn > 0) & (drawn < 1)).all()), "not all lie between 0 and 1"
        case "counts":
            yield whole and bool((drawn >= 0).all()), "no counts"
        case "positive":
            yield bool((drawn > 0).all()), "not all are over 0"
        case "bounded":
            low, high = meaning.low, meaning.high
            yield bool(((drawn >= low) & (drawn <= high)).all()), f"not within {low} and {high}"
        case _:
            free = ("weights", "input", "target", "pre_activation", "upstream")
            yield meaning.kind in free, "there is no such meaning"
            yield bool(np.isfinite(drawn).all()), "not finite"


# -- promises -------------------------------------------------------------------------------------


class Gates:
    """A ReLU layer of a sheet: its pre-activations and what arrives, the units first."""

    def __init__(self, name: str, call: Call, facts: Facts) -> None:
        (pre,) = call.arguments
        assert isinstance(pre, Name)
        self.pre, self.facts = pre, facts
        self.name, self.z = name, facts.at.values[pre.name]
        self.arriving = facts.at.case_gradients[name]
        if name in facts.oracle.batched:
            self.arriving = facts.at.gradients[name]
        rank = np.ndim(self.z) - (name in facts.oracle.batched)
        kept = _unit_axes(pre.name, rank, facts)
        self.units = self._apart(self.z, kept, rank)
        self.blocked = self._apart(np.abs(facts.at.gradients[name]), kept, rank)

    @staticmethod
    def _apart(array: Any, kept: tuple[int, ...], rank: int) -> Any:
        moved = np.moveaxis(np.asarray(array), kept, range(len(kept)))
        return moved.reshape(int(np.prod(moved.shape[: len(kept)], dtype=int)), -1)

    @property
    def off(self) -> Any:
        """By unit, whether it is off everywhere."""
        return ~self.facts.opens(self.pre, self.units).any(axis=1)


def _unit_axes(pre: str, rank: int, facts: Facts) -> tuple[int, ...]:
    """The axes along which units lie: the columns of X @ W, the rows of W @ X, the channels of a convolution."""
    whole = tuple(range(rank))
    if rank < 2 or pre not in facts.targets:
        return whole
    for call in terms.calls_of(facts.written(pre)):
        if call.operation.startswith("conv"):
            slid = int(call.operation[-2])
            array, kernel = (np.ndim(_value(a, facts)) for a in call.arguments[:2])
            if kernel > slid:
                return (rank - slid - 1,)
            return whole[1:] if array > slid else whole
        if call.operation == "matmul" and rank == 2:
            left, right = (_rests_on_parameters(a, facts) for a in call.arguments)
            examples = [a for a in call.arguments if not _rests_on_parameters(a, facts)]
            if left != right:
                return (0,) if left else (1,)
            if not examples and isinstance(call.arguments[0], Name):
                return (0,) if call.arguments[0].name in facts.oracle.parameters else (1,)
    raise KeyError(pre)


def _value(formula: Any, facts: Facts) -> Any:
    return facts.values(formula, facts.differs(formula))


def _rests_on_parameters(formula: Any, facts: Facts) -> bool:
    return all(leaf.name in facts.oracle.parameters for leaf in terms.leaves_of(formula))


def gates_of(facts: Facts) -> list[Gates]:
    """The ReLU layers in order. Raises `KeyError` where one has no name, or units cannot be told from examples."""
    found = []
    for target in facts.oracle.order:
        written = facts.rectified(target)
        for call in terms.calls_of(written):
            if call.operation == "relu":
                if call is not written or not isinstance(call.arguments[0], Name):
                    raise KeyError(target)
                found.append(Gates(target, call, facts))
    return found


def of_promise(promise: Promise, facts: Facts) -> Found:
    """Whether a promise holds of a sheet."""
    at, about, size = facts.at, promise.about, promise.size
    try:
        gates = gates_of(facts)
    except (KeyError, AssertionError):
        gates = None
    match promise.kind:
        case "finite":
            names = facts.oracle.asked
            yield all(np.isfinite(a).all() for a in at.values.values()), "a value is not finite"
            yield all(np.isfinite(at.gradients[n]).all() for n in names), "a gradient is not"
        case "units_off" if gates is not None and promise.layer is None:
            off = sum(int(g.off.sum()) for g in gates)
            yield off == promise.count, f"{off} are off"
        case "off_blocks" if gates is not None:
            for position, gate in enumerate(gates):
                if not any(later.off.all() for later in gates[position + 1 :]):
                    least = gate.blocked.max(axis=1)[gate.off]
                    yield bool((least >= size * (1 - 1e-9)).all()), f"{gate.name} blocks {least}"
        case "clear_of_kink" if gates is not None:
            for gate in gates:
                near = np.abs(gate.z).min()
                yield near > size * (1 - 1e-9), f"{gate.name} is {near} from its kink"
        case "gate_blocks" if gates is not None:
            most = max(float(g.blocked[~facts.opens(g.pre, g.units)].max(initial=0)) for g in gates)
            yield most >= size * (1 - 1e-9), f"at most {most} is blocked"
        case "layer_open" if about in facts.targets:
            (call,) = terms.calls_of(facts.rectified(about))[:1]
            z = call.arguments[0]
            yield bool(facts.opens(z, _value(z, facts)).any()), "it is off as a whole"
        case "zero_input":
            inputs = [a for n, a in facts.oracle.data.items() if np.ndim(a)]
            yield any(bool((a == 0).any()) for a in inputs), "no input is 0"
        case "path_sum":
            yield _adds_up(facts), "no gradient adds up two paths"
        case "answer_not_zero" | "rule_shows":
            yield from _answer(promise, facts)
        case "few_digits" if about in facts.targets:
            value = at.values[about]
            yield bool((np.abs(value) <= size).all()), f"it is {value.tolist()}"
            off = np.abs(np.round(value, promise.count) - value).max(initial=0)
            yield promise.count >= 15 or off < 1e-9, f"it is {value.tolist()}"
        case "unsaturated" if about in facts.targets:
            (call, *_) = terms.calls_of(facts.rectified(about))
            steepest, z = STEEPEST[call.operation], _value(call.arguments[0], facts)
            flattest = min(abs(slope(call.operation, float(x))) for x in z.ravel())
            yield flattest >= FLAT * steepest * (1 - 1e-9), f"a slope is {flattest}"
        case "both_signs":
            signs = np.sign(facts.oracle.parameters[about])
            yield {-1.0, 1.0} <= set(signs.ravel()), f"it is {facts.oracle.parameters[about]}"
        case _:
            return


SPREADING = frozenset(["softmax", "log_softmax"])
"""Of whose result one entry's gradient is one of all entries of the argument."""


def _adds_up(facts: Facts) -> bool:
    """Whether a gradient has two shares that are not 0: by equations, by the places in one, or by the units
    that one leads to."""
    for target in facts.targets:
        places = [leaf for c in terms.calls_of(facts.written(target)) for leaf in c.arguments]
        inner = [
            a
            for c in terms.calls_of(facts.written(target))
            if c.operation in LINEAR
            for a in c.arguments
            if isinstance(a, Call) and not _rests_on_parameters(a, facts)
        ]
        if inner and np.count_nonzero(facts.at.gradients[target]) > 1:
            return True
        for name in facts.uses[target] - set(facts.oracle.data):
            if places.count(Name(name)) > 1 and np.any(facts.at.gradients[name]):
                return True
    for name in facts.targets:
        users = facts.users(name)
        if sum(bool(np.any(facts.share(name, user))) for user in users) > 1:
            return True
        for user in users:
            operations = {c.operation for c in terms.calls_of(facts.written(user))}
            reached = int(np.count_nonzero(facts.at.gradients[user]))
            if operations & SPREADING and reached and np.size(facts.at.gradients[user]) > 1:
                reached = 2  # within p = softmax(W @ h) every score is reached from one probability
            if operations & set(LINEAR) and reached > 1:
                return True
    return any(
        len(facts.users(n)) > 1
        and sum(bool(np.any(facts.share(n, user))) for user in facts.users(n)) > 1
        for n in facts.oracle.parameters
    )


LINEAR = frozenset(["matmul", "dot", "outer", "einsum", *CONVOLUTIONS])


@lru_cache(maxsize=4)
def _known(facts: Facts) -> Known:
    solved = Facts(facts.text, facts.oracle, handgrad.solve(handgrad.loads(facts.text)), facts.seed)
    return Known(solved, handgrad.Checker(solved.problem))


def _shows_within(rule: str, known: Known) -> bool:
    """Whether a wrong rule in a step that is not asked for changes an answer."""
    structure = known.checker.work.structure
    asked = known.checker.asked
    for quantity in structure.quantities:
        for variant in structure.mistakes(quantity) if quantity not in asked else ():
            if variant.mistake.rule != rule:
                continue
            world = World(known, {}, {quantity.leaf: variant.formula.expression})
            for answer in asked:
                wrong, right = world.value(answer), known.number(answer)
                if np.shape(wrong) == np.shape(right) and not np.allclose(wrong, right, atol=1e-5):
                    return True
    return False


def _answer(promise: Promise, facts: Facts) -> Found:
    """Whether an answer is not 0 as it is shown, and another one by a wrong rule."""
    known = _known(facts)
    asked = [q for q in known.checker.asked if promise.about in ("", q.target)]
    if promise.kind == "answer_not_zero":
        # With other targets a loss may be taken as one with what its parts are.
        number = known.number(asked[0]) if asked else facts.at.gradients[promise.about[1:]]
        yield bool((np.abs(number) >= 0.5e-4).any()), f"it is {number.tolist()}"
        return
    if not asked:
        return
    world = World(known, {q.leaf: known.number(q) for q in known.checker.asked})
    shows = False
    for quantity in asked:
        right = known.number(quantity)
        for variant in known.checker.work.structure.mistakes(quantity):
            if variant.mistake.rule == promise.rule and not shows:
                wrong = world.formula(variant.formula.expression, quantity.batched)
                same = np.shape(wrong) == np.shape(right) and np.allclose(wrong, right, atol=1e-5)
                shows = not same
    if not promise.about:
        shows = shows or _shows_within(promise.rule, known)
    yield shows, "the wrong rule gives the same, or cannot be made"
