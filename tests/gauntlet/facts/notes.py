"""The notes of a solution's steps, each held against PyTorch's numbers or 50 digits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

from handgrad.expression import Adjoint, Call, Name, walk
from handgrad.solution import (
    AtKink,
    Broadcast,
    Diverged,
    FrameworkSlope,
    Frozen,
    GatedOff,
    LossChange,
    MeanWithin,
    RoundedAway,
    RoundingResidue,
    Saturated,
    SeveralPaths,
    ShortcutTaken,
    Step,
    TargetSums,
    TraceNote,
    UnaskedGradient,
    UnlikeShapes,
    Unreached,
    Zeroed,
    ZeroInput,
)
from tests.gauntlet import sliding
from tests.gauntlet.facts import losses, not_finite, terms
from tests.gauntlet.facts.claim import Claim, Claims, Found, claims_of, close, near
from tests.gauntlet.facts.lines import numbers_only
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.updating import Optimiser, Updated

MOST_TOLD = 4096
"""Units of one layer that have a note, at most: the documents say so."""

NOTHING = mpmath.mpf(10) ** -30
"""What 50 digits leave of 0, at most."""

STEEPEST = {"sigmoid": 0.25, "tanh": 1.0, "hardtanh": 1.0, "relu6": 1.0, "hardsigmoid": 1 / 6}
"""The largest slope of what can saturate."""

FLAT = 0.05
"""The share of the largest slope under which a unit is called saturated."""


def of_notes(facts: Facts) -> Claims:
    """All notes of a solution, and that no shut gate goes unsaid."""
    updates = 0
    for step in facts.trace._steps:
        updates += step.kind == "update"
        for note in step.notes:
            yield from of_note(note, facts, updates)
        if step.phase == "forward":
            yield from _all_shut_gates(step, facts)


def of_note(note: TraceNote, facts: Facts, update: int = 0) -> Claims:
    """One note; `update` counts the updates up to its step."""
    return claims_of(f"note {note.kind}", _of(note, facts, update), note)


def _of(note: TraceNote, facts: Facts, update: int) -> Found:
    if isinstance(note, LossChange):
        return _loss_change(note, facts, update)
    if isinstance(note, Frozen):
        return _frozen(note, facts, update)
    return JUDGES[type(note)](note, facts)


def are_zero(zeroes: Iterable[Zeroed], gradients: dict[str, Any]) -> Found:
    """That entries of gradients are 0, and lie as it is said: a row, a column, all."""
    for zeroed in zeroes:
        gradient = np.asarray(gradients[zeroed.name], dtype=float)
        rest = 1e-14 * max(float(np.abs(g).max(initial=0.0)) for g in gradients.values())
        yield (
            all(np.all(np.abs(gradient[entry]) <= rest) for entry in zeroed.entries),
            f"not zero in d{zeroed.name}",
        )
        yield _lies(zeroed, gradient.shape), f"no {zeroed.part} {zeroed.position} of d{zeroed.name}"


def _lies(zeroed: Zeroed, shape: tuple[int, ...]) -> bool:
    entries, at = set(zeroed.entries), zeroed.position
    match zeroed.part:
        case "all":
            return at == 0 and entries == set(np.ndindex(*shape[: len(zeroed.entries[0])]))
        case "row":
            return entries == {(at, k) for k in range(shape[1])}
        case "column":
            return entries == {(k, at) for k in range(shape[0])}
        case "entry":
            return entries == ({(at,)} if shape else {()}) and bool(shape or at == 0)
        case "entries":
            return at == 0 and len(entries) > 0
        case _:
            return False


# -- gates ----------------------------------------------------------------------------------------


def _gated_off(note: GatedOff, facts: Facts) -> Found:
    z = facts.unit(note.pre_activation, note.unit)
    off = tuple(case for case, z in enumerate(z) if not facts.opens(note.pre_activation, z))
    yield note.case_count == len(z), f"of {len(z)} cases"
    yield note.cases == (off if len(z) > 1 else ()), f"off in {off}"
    yield bool(off), "its gate is open"
    yield near(note.value, max(z)), f"the largest pre-activation is {max(z)}"
    equation = facts.rectified(note.activation) if note.activation in facts.targets else None
    if equation is not None:
        calls = terms.calls_of(equation)
        applied = [c for c in calls if c.operation == note.operation]
        yield (
            any(c.arguments[0] == note.pre_activation for c in applied),
            f"no {note.operation} of that in {note.activation}",
        )
    yield note.operation == "relu", f"{note.operation} is no gate"
    if note.blocked is not None:
        arriving = np.asarray(facts.at.gradients[note.activation])[note.unit]
        yield near(note.blocked, abs(np.asarray(arriving).item())), f"{arriving} arrives"
    if note.phase == "forward":
        yield not note.around, "nothing comes back in a forward step"
    elif isinstance(note.pre_activation, Name) and note.pre_activation.name in facts.at.gradients:
        reached = np.asarray(facts.at.gradients[note.pre_activation.name])[note.unit]
        reached = reached[..., list(off)] if note.cases else reached
        yield note.around == bool(np.any(np.abs(reached) > 1e-12)), f"{reached} gets there"
    if note.stopped:
        arriving = np.asarray(facts.at.gradients[note.activation])[note.unit]
        each = np.broadcast_to(arriving, (len(z),))
        yield (
            len(note.stopped) == len(off)
            and all(near(s, float(each[c])) for s, c in zip(note.stopped, off, strict=True)),
            f"{each} arrives",
        )
    everywhere = len(off) == len(z)
    yield everywhere or not note.zeroes, "it is open in other cases, and is said to zero"
    yield from are_zero(note.zeroes, facts.at.gradients)


def _all_shut_gates(step: Step, facts: Facts) -> Claims:
    """Each unit whose gate is shut in some case has a note, up to the most that are told."""
    for line in step.lines:
        for call in terms.calls_of(facts.rectifying.of(line.formula)):
            if call.operation != "relu":
                continue
            inner = call.arguments[0]
            cases = range(facts.cases) if facts.differs(inner) else (0,)
            shut = np.any([~facts.opens(inner, facts.value(inner, case)) for case in cases], axis=0)
            told = {
                n.unit
                for n in step.notes
                if isinstance(n, GatedOff)
                and n.pre_activation == inner
                and n.activation == line.target.name
            }
            are = {tuple(int(i) for i in at) for at in np.argwhere(shut)}
            holds = told == are or (len(are) > MOST_TOLD and told < are and len(told) == MOST_TOLD)
            yield Claim("every shut gate is told", holds, f"{line.target}: told {told}, shut {are}")


def _zero_input(note: ZeroInput, facts: Facts) -> Found:
    value = np.asarray(facts.at.values[note.name])[note.unit]
    yield bool(np.all(value == 0)), f"it is {value}"
    yield note.name in facts.oracle.data, "it is no input"
    yield bool(note.zeroes), "nothing is said to be zero"
    yield from are_zero(note.zeroes, facts.at.gradients)


@lru_cache(maxsize=1 << 14)
def slope(operation: str, z: float, **options: Any) -> float:
    """The derivative of an activation of one number, by differences in 50 digits; at a kink that of z ≤ 0."""
    if not np.isfinite(z):
        return float("nan")
    # ln(1 + e⁻¹⁵⁸) needs the digits of 1 and of e⁻¹⁵⁸; a normal distribution's tail falls as exp(−z²/2).
    size = min(abs(z), 2000)
    far = {"gelu": size**2 / 4, "gelu_tanh": size + size**3 / 16}.get(operation, size)
    with mpmath.workdps(terms.DIGITS + int(min(far, 2000))):
        # A share of a far number, so that its digits tell.
        h = mpmath.mpf(10) ** -20 * max(1, abs(z))
        # From the kink at 0 outwards: a rest of rounding may lie nearer to it than h.
        ends = (mpmath.mpf(z), mpmath.mpf(z) + (h if z > 0 else -h))
        above, below = (
            np.asarray(terms.MEANING[operation](np.asarray(a, dtype=object), **options))[()]
            for a in ends
        )
        return float((above - below) / (ends[0] - ends[1]))


def _saturated(note: Saturated, facts: Facts) -> Found:
    rank = np.ndim(facts.value(note.pre_activation))
    z = facts.unit(note.pre_activation, note.unit[:rank])
    at = z[note.unit[-1] if len(note.unit) > rank else 0]
    calls = terms.calls_of(facts.rectified(note.activation))
    applied = [c.arguments[0] for c in calls if c.operation == note.operation]
    yield note.pre_activation in applied, f"no {note.operation} of that in {note.activation}"
    fused = {n.inner for s in facts.trace._steps for n in s.notes if isinstance(n, ShortcutTaken)}
    yield note.activation not in fused, "its slope is no factor: it is taken as one with the loss"
    yield note.case_count == (facts.cases if len(note.unit) > rank else 1), "other cases"
    steep = slope(note.operation, at)
    yield near(note.value, at), f"the pre-activation is {at}"
    yield near(note.slope, steep, 1e-6), f"the slope is {steep}"
    yield near(note.threshold, FLAT * STEEPEST[note.operation]), "another threshold"
    yield note.slope < note.threshold, "its slope is not under the threshold"


# -- paths ----------------------------------------------------------------------------------------


def _several_paths(note: SeveralPaths, facts: Facts) -> Found:
    through = [t for t in facts.targets if note.name in facts.uses[t] and t in facts.reaching]
    yield {t for t, _ in note.parts} == facts.fused(through), f"it is used in {through}"
    total = sum(np.asarray(share, dtype=float) for _, share in note.parts)
    yield close(total, facts.at.gradients[note.name]), "the shares do not add up to the gradient"
    for equation, share in note.parts:
        if equation in through and note.name not in facts.targets:
            theirs = facts.share(note.name, equation)
            yield close(share, theirs), f"through {equation} comes {theirs}"
    shares = dict(note.parts)
    for equation, cause in note.nothing:
        yield cause in facts.oracle.data, f"{cause} is not given"
        yield not np.any(facts.at.values[cause]), f"{cause} is not 0"
        yield not np.any(shares[equation]), f"through {equation} comes {shares[equation]}"
        yield cause in facts.uses[equation], f"{equation} does not use {cause}"


def _broadcast(note: Broadcast, facts: Facts) -> Found:
    batched = note.name in facts.oracle.batched
    shape = np.shape(facts.at.values[note.name]) if note.name in facts.at.values else note.shape
    shape = shape[:-1] if batched and note.name in facts.at.values else shape
    yield int(np.prod(note.shape)) <= int(np.prod(shape)), f"{note.name} is {shape}"
    try:
        whole = np.broadcast_shapes(note.shape, note.repeated)
    except ValueError:
        whole = ()
    yield whole == note.repeated, "it cannot be broadcast so"
    times = int(np.prod(note.repeated)) // max(1, int(np.prod(note.shape)))
    yield note.times == times > 1, f"each entry is used {times} times"
    if note.through:
        yield note.name in facts.uses[note.through], f"{note.through} does not use it"


def _shortcut(note: ShortcutTaken, facts: Facts) -> Found:
    scores = Name(note.pre_activation)
    if note.inner:
        yield note.inner in facts.reaching, f"{note.inner} is not on the way"
        same = not_finite.is_activation(note.inner, scores, (note.activation,), facts)
        yield same, f"{note.inner} is not {note.activation} of {note.pre_activation}"
    yield note.loss in facts.reaching, f"{note.loss} is not on the way"
    yield (
        note.pre_activation in facts.uses[note.loss] | facts.reaching | set(facts.trace.graph.lets),
        "not used",
    )
    share = note.long[-1].target
    several = isinstance(share, Adjoint) and bool(share.through)
    whole = Adjoint(note.pre_activation), Adjoint(note.pre_activation, note.loss)
    yield share in whole, "it ends elsewhere"
    shown = [line for step in facts.trace._steps for line in step.lines if line.target == share]
    yield bool(shown), "no step has the gradient that it ends in"
    if note.pre_activation in facts.at.gradients:
        theirs = facts.at.gradients[note.pre_activation]
        theirs = facts.share(note.pre_activation, note.loss) if several else theirs
        agrees = close(note.long[-1].value, theirs, 1e-8)
        yield note.agrees == agrees, f"the long way gives {note.long[-1].value}, PyTorch {theirs}"
    p_minus_y = shown[0].formula if shown else Name("")
    summed = any(isinstance(n, Call) and n.operation == "sum" for n in walk(p_minus_y))
    yield note.whole != summed, "what the targets add up to"
    yield from _long(note, facts)


def _long(note: ShortcutTaken, facts: Facts) -> Found:
    """Each line of the long way, from the numbers of those before."""
    known: dict[terms.Leaf, Any] = {}
    for line in note.long:

        def leaf(each: terms.Leaf, case: int, batched: bool = line.batched) -> Any:
            if each in known:
                return known[each][..., case] if batched else known[each]
            return facts.leaf(each, case)

        cases = range(facts.cases) if line.batched else (0,)
        given = [terms.value(line.formula, leaf, case, facts.cases) for case in cases]
        value = np.stack(given, axis=-1) if line.batched else given[0]
        put_in = numbers_only(line.substituted, line.batched, facts.cases)
        if not close(line.value, put_in, 1e-8):
            with terms.as_floats_are():
                given = [terms.value(line.formula, leaf, case, facts.cases) for case in cases]
                value = np.stack(given, axis=-1) if line.batched else given[0]
                put_in = numbers_only(line.substituted, line.batched, facts.cases)
        yield close(line.value, value, 1e-8), f"the line of {line.target} gives {value}"
        yield close(line.value, put_in, 1e-8), f"the numbers put in there give {put_in}"
        yield line.batched == facts.differs(line.formula), f"the line of {line.target} has cases"
        shape = np.shape(value)[:-1] if line.batched else np.shape(value)
        yield line.shape == shape, f"the line of {line.target} is {shape}"
        if line.through:
            yield line.through in facts.reaching, f"not through {line.through}"
        role = "let" if isinstance(line.target, Name) else "chain"
        yield line.role == role and line.index == (), "another role"
        if role == "chain":
            known[line.target] = np.asarray(line.value, dtype=float)


# -- kinks and residues ------------------------------------------------------------------------------


def _ties(a: Any, axis: Any, keepdims: Any = False) -> Any:
    axes = tuple(range(a.ndim)) if axis is None else axis
    hit = a == np.max(a, axis=axes, keepdims=True)
    return hit & (hit.sum(axis=axes, keepdims=True) > 1)


def _tied_windows(a: Any, rank: int, **options: Any) -> Any:
    given = {"size": 2, **options}
    given.pop("first", None)
    given["stride"] = given.get("stride") or given["size"]
    windows, counts = sliding.windows(a.shape[a.ndim - rank :], **given)
    tied: Any = np.zeros((*a.shape[: a.ndim - rank], *counts), dtype=bool)
    for window in windows:
        inside = np.stack([a[(..., *at)] for at in window.inside])
        tied[(..., *window.place)] = (inside == inside.max(axis=0)).sum(axis=0) > 1
    return tied


KINKS: dict[str, tuple[Any, str]] = {
    "relu": (lambda z: z == 0, "its slope there is taken as 0"),
    "leaky_relu": (lambda z, alpha=0.01: z == 0, "the slope is taken as that of z ≤ 0"),
    "elu": (lambda z, alpha=1.0: (z == 0) & (alpha != 1), "its slope there is taken as α"),
    "prelu": (lambda z, a: z == 0, "the slope is taken as that of z ≤ 0"),
    "selu": (lambda z: z == 0, "taken as that of z ≤ 0, 1.7581"),
    "hardtanh": (lambda z: abs(z) == 1, "its slopes there are taken as 0"),
    "relu6": (lambda z: (z == 0) | (z == 6), "its slopes there are taken as 0"),
    "hardsigmoid": (lambda z: abs(z) == 3, "its slopes there are taken as 0"),
    "hardswish": (lambda z: abs(z) == 3, "its slopes there are taken as 0 and 1"),
    "clip": (
        lambda a, low=None, high=None: (a == low) | (a == high),
        "its slope there is taken as 1",
    ),
    "mae": (lambda a, b: a == b, "its slope there is taken as 0"),
    "abs": (lambda a: a == 0, "its slope there is taken as 0"),
    "sqrt": (lambda a: a == 0, "no finite slope at 0"),
    "maximum": (lambda a, b: terms.apart(a, b) == 0, "each takes half of the gradient"),
    "minimum": (lambda a, b: terms.apart(a, b) == 0, "each takes half of the gradient"),
    "max": (
        lambda a, axis=None, keepdims=False, first=False: _ties(a, axis),
        "share the gradient equally",
    ),
    "min": (
        lambda a, axis=None, keepdims=False, first=False: _ties(-a, axis),
        "share the gradient equally",
    ),
    "norm": (lambda a, axis=None, keepdims=False: _all_zero(a, axis), "0"),
    "norm1": (lambda a, axis=None, keepdims=False: a == 0, "its slope there is taken as 0"),
    "norm_inf": (
        lambda a, axis=None, keepdims=False: _ties(abs(a), axis) | _all_zero(a, axis),
        "share the gradient equally",
    ),
    "std": (
        lambda a, axis=None, keepdims=False, **_: _all_equal(a, axis),
        "its slope there is taken as 0",
    ),
    "hinge": (lambda s, y: y * s == 1, "its slope there is taken as 0"),
    "max_pool1d": (lambda a, **o: _tied_windows(a, 1, **o), "share the gradient equally"),
    "max_pool2d": (lambda a, **o: _tied_windows(a, 2, **o), "share the gradient equally"),
    "max_pool3d": (lambda a, **o: _tied_windows(a, 3, **o), "share the gradient equally"),
    **{
        name: (lambda a, b: terms.apart(a, b) == 0, "may jump there")
        for name in ("less", "less_equal", "greater", "greater_equal")
    },
}
"""By operation, where it has no derivative, and what must be said of it."""


OF_RESULTS = frozenset(
    [
        *("maximum", "minimum", "hinge", "mae", "max_pool1d", "max_pool2d", "max_pool3d"),
        *("less", "less_equal", "greater", "greater_equal"),
    ]
)
"""Operations whose kinks are told as entries of the result: of the others, as entries of the first argument."""


def _all_zero(a: Any, axis: Any) -> Any:
    """The entries whose norm is 0."""
    over = tuple(range(a.ndim)) if axis is None else axis
    return np.broadcast_to(np.sum(abs(a), axis=over, keepdims=True) == 0, a.shape)


def _all_equal(a: Any, axis: Any) -> Any:
    """The entries that have only their like beside them."""
    over = tuple(range(a.ndim)) if axis is None else axis
    return np.broadcast_to(np.ptp(a, axis=over, keepdims=True) == 0, a.shape)


def _beside(facts: Facts) -> Iterator[dict[str, Any]]:
    """The numbers that are given, all of them moved a little to one side and to the other; whole numbers of the data stay."""
    draws = np.random.default_rng(11)
    given = {**facts.oracle.parameters, **facts.oracle.data}
    shares = {n: draws.uniform(1e-5, 3e-5, np.shape(a)) * (1 + np.abs(a)) for n, a in given.items()}
    for side in (1, -1):
        yield {
            n: a + side * shares[n]
            for n, a in given.items()
            if n in facts.oracle.parameters or not (np.rint(a) == a).all()
        }


def _at_kink(at: Callable[..., Any], call: Call, facts: Facts) -> Any:
    """By entry and case, whether a call lies at a kink."""
    batched = any(facts.differs(a) for a in call.arguments)
    hits = [
        np.asarray(
            at(*[np.asarray(facts.value(a, case)) for a in call.arguments], **dict(call.options))
        )
        for case in (range(facts.cases) if batched else (0,))
    ]
    return np.stack(hits, axis=-1) if batched else hits[0]


def _kink(note: AtKink, facts: Facts) -> Found:
    at, words = KINKS[note.operation]
    calls = [
        c for c in terms.calls_of(facts.written(note.equation)) if c.operation == note.operation
    ]
    if "first receives" in note.words:
        words = "the first receives the whole gradient"
        calls = [c for c in calls if dict(c.options).get("first")]
    else:
        calls = [c for c in calls if not dict(c.options).get("first")]
    yield words in note.words, f"not said: {words}"
    yield bool(note.entries), "no entries"
    found = []
    beside = [facts.under(facts.oracle.run(moved)) for moved in _beside(facts)]
    for call in calls:
        met = _at_kink(at, call, facts)
        if len(call.arguments) > 1:
            # What is equal at all numbers around has one slope on both sides.
            met = met & ~np.all([_at_kink(at, call, there) for there in beside], axis=0)
        found.append([tuple(int(i) for i in entry) for entry in np.argwhere(met)][:MOST_TOLD])
    yield list(note.entries) in found, f"at kinks lie {found}"
    if list(note.entries) in found:
        call = calls[found.index(list(note.entries))]
        batched = any(facts.differs(a) for a in call.arguments)
        yield note.case_count == (facts.cases if batched else 1), "another number of cases"
        entered = call if note.operation in OF_RESULTS else call.arguments[0]
        said, meant = (np.asarray(facts.values(e, facts.differs(e))) for e in (note.of, entered))
        yield np.array_equal(said, meant, equal_nan=True), f"they are entries of {entered}"


def _rest(note: RoundingResidue, facts: Facts) -> Found:
    numbers = (*facts.at.values.values(), *facts.at.gradients.values())
    sizes = [np.abs(np.asarray(a, dtype=float)) for a in numbers]
    largest = max(float(np.max(a, initial=1.0, where=np.isfinite(a))) for a in sizes)
    for entry, left in zip(note.entries, note.left, strict=True):
        batched = note.case_count > 1 or note.of.name in facts.oracle.batched
        at, case = (entry[:-1], entry[-1]) if batched else (entry, 0)
        with mpmath.workdps(terms.DIGITS):
            exact = np.asarray(facts.exact(note.of, case), dtype=object)[at]
            yield abs(exact) < NOTHING, f"on paper it is {mpmath.nstr(exact, 8)}"
        yield 0 < abs(left) < 1e-9 * largest, f"floats leave {left}"
    yield len(note.entries) == len(note.left) > 0, "not as many residues as entries"
    value = facts.at.values if isinstance(note.of, Name) else facts.at.gradients
    if note.of.name in value:
        own = note.of.name in facts.oracle.batched
        cases = facts.cases if own else 1
        yield note.case_count == cases, f"it has {cases} cases"


@cache
def _slopes() -> Mapping[str, Mapping[str, str]]:
    """By kink, what each framework takes there, as docs/frameworks.md has it."""
    text = (Path(__file__).parents[3] / "docs" / "frameworks.md").read_text(encoding="utf-8")
    lines = text[text.index("| at the kink |") :].split("\n\n")[0].replace("`", "").splitlines()
    head, _, *rows = [[c.strip() for c in line.strip("|").split("|")] for line in lines]
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows}


def _framework_slope(note: FrameworkSlope, facts: Facts) -> Found:
    model = facts.problem.model
    yield model is not None and model.framework == note.framework, "no model of that framework"
    said = _slopes().get(note.at, {})
    theirs = [v for name, v in said.items() if name.split(" on ")[0] == note.framework]
    yield note.at.startswith(f"{note.operation}("), "a kink of another operation"
    yield said.get("handgrad") == note.ours, f"handgrad has {said.get('handgrad')}"
    yield theirs == [note.theirs], f"measured is {theirs}"
    met = [n for s in facts.trace._steps for n in s.notes if isinstance(n, AtKink)]
    told = any((n.equation, n.operation) == (note.equation, note.operation) for n in met)
    yield told, "no number lies at a kink there"


def _unlike(note: UnlikeShapes, facts: Facts) -> Found:
    shapes = tuple(np.shape(facts.value(a)) for a in note.arguments)
    yield shapes == note.shapes, f"they are {shapes}"
    yield len(set(shapes)) > 1, "they are alike"
    yield np.broadcast_shapes(*shapes) == note.whole, f"together {np.broadcast_shapes(*shapes)}"
    calls = [
        c for c in terms.calls_of(facts.written(note.equation)) if c.operation == note.operation
    ]
    yield any(set(note.arguments) <= set(c.arguments) for c in calls), "no such part"


# -- the update -----------------------------------------------------------------------------------


def _unreached(note: Unreached, facts: Facts) -> Found:
    yield note.name not in facts.reaching, "a path leads to the loss"
    yield bool(np.all(facts.at.gradients[note.name] == 0)), "its gradient is not 0"


def _frozen(note: Frozen, facts: Facts, update: int) -> Found:
    yield Optimiser(facts.oracle.update).start(note.name) == 0, "its rate is not 0"
    yield note.name in facts.oracle.parameters, "it is no parameter"
    yield update == 1, "it was told at the first update"


def _at_kinks(facts: Facts) -> bool:
    """Whether some step tells of a kink; what it tells is judged where it stands."""
    return any(isinstance(n, AtKink) for s in facts.trace._steps for n in s.notes)


def _loss_change(note: LossChange, facts: Facts, update: int) -> Found:
    updated = Updated.of(facts)
    updated.after(update)
    before, after = updated.losses[update - 1], updated.losses[update]
    if not (np.isfinite(before) and np.isfinite(after)):
        return  # a stable form of what the written one has no number for
    yield close(note.before, before, 1e-7), f"before it is {before}"
    yield close(note.after, after, 1e-7), f"after it is {after}"
    if note.at_kink:
        yield update == 1 and note.after > note.before, "it did not rise after the first update"
        yield _at_kinks(facts), "nothing lies at a kink"
    if abs(after - before) > 1e-9 * max(1.0, abs(before)):
        yield (note.after < note.before) == (after < before), "the other way"


def _diverged(note: Diverged, facts: Facts) -> Found:
    updated = Updated.of(facts)
    parameters = updated.after(note.update)
    numbers = {t: k for k, t in enumerate(facts.targets, start=1)}
    yield note.equation == numbers.get(note.name, 0), f"equation {numbers.get(note.name, 0)}"
    broken = [n for n, value in parameters.items() if not np.isfinite(value).all()]
    if broken:
        yield (note.name in broken and not note.gradient), f"{broken} are not finite themselves"
        yield note.undefined == np.isnan(parameters[note.name]).any(), "infinite, or undefined"
        return
    at = facts.oracle.run(parameters)
    order = [*((n, False) for n in facts.oracle.order), (facts.oracle.cost, False)]
    values = [(n, g) for n, g in order if not np.isfinite(at.values[n]).all()]
    first = at.gradients[note.name] if note.gradient else at.values[note.name]
    yield note.undefined == np.isnan(first).any(), "infinite, or undefined"
    if values:
        yield (note.name, note.gradient) == values[0], f"the first is {values[0]}"
    else:
        broken = [n for n, g in at.gradients.items() if not np.isfinite(g).all()]
        yield note.gradient and note.name in broken, f"not finite are the gradients of {broken}"


JUDGES: Mapping[type[TraceNote], Callable[..., Found]] = {
    GatedOff: _gated_off,
    ZeroInput: _zero_input,
    Saturated: _saturated,
    SeveralPaths: _several_paths,
    Broadcast: _broadcast,
    ShortcutTaken: _shortcut,
    AtKink: _kink,
    RoundingResidue: _rest,
    RoundedAway: not_finite.rounded_away,
    UnaskedGradient: not_finite.unasked_gradient,
    TargetSums: losses.target_sums,
    MeanWithin: losses.mean_within,
    UnlikeShapes: _unlike,
    FrameworkSlope: _framework_slope,
    Unreached: _unreached,
    Frozen: _frozen,
    LossChange: _loss_change,
    Diverged: _diverged,
}
"""By kind, what re-derives a note."""
