"""Discussion questions: the facts of every answer, derived anew by running the change that is asked about."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from functools import lru_cache
from typing import Any

import numpy as np

import handgrad
from handgrad.discussion.changed_units import UnitAt
from handgrad.discussion.kinds.bias_gradient import BiasGradient
from handgrad.discussion.kinds.case_shares import CaseShares
from handgrad.discussion.kinds.gate_swap import GateSwap, Swap
from handgrad.discussion.kinds.input_scaling import InputScaling
from handgrad.discussion.kinds.largest_move import LargestMove
from handgrad.discussion.kinds.longer_step import LongerStep
from handgrad.discussion.kinds.most_sensitive import MostSensitive
from handgrad.discussion.kinds.other_input import OtherInput
from handgrad.discussion.kinds.small_change import SmallChange
from handgrad.discussion.kinds.sum_over_paths import SumOverPaths
from handgrad.discussion.kinds.updated_value import UpdatedValue
from handgrad.discussion.kinds.zero_entries import ZeroEntries
from handgrad.discussion.question import Question, QuestionedEntry
from handgrad.discussion.zero_part import ZeroPart, ZeroShare
from handgrad.expression import Call, Expression, Name, leaves
from handgrad.solution import AtKink, ShortcutTaken, Step
from tests.gauntlet.facts import terms
from tests.gauntlet.facts.choosing import of_no_path, of_other_taken
from tests.gauntlet.facts.claim import Claims, Found, claims_of, close, near
from tests.gauntlet.facts.formulas import gated
from tests.gauntlet.facts.lines import numbers_only, unsettled, unsettled_before, updating, within
from tests.gauntlet.facts.notes import are_zero, slope
from tests.gauntlet.facts.reviving import of_revivers
from tests.gauntlet.facts.source import Facts, problem_text
from tests.gauntlet.facts.updating import LEAST, Optimiser, Updated, scaled
from tests.gauntlet.library_names import LIBRARIES
from tests.gauntlet.sliding import CONVOLUTIONS

MOST_TIES = 12
"""Entries that are told to move as far, at most."""

TIED = 1e-5
"""Moves that differ by no more than this share are told as the same."""


def of_questions(facts: Facts) -> Claims:
    """Every question that the product asks of a solution."""
    for question in facts.questions:
        yield from of_question(question, facts)


def of_question(question: Question, facts: Facts) -> Claims:
    """One question."""
    kind = f"question {question.kind}"
    yield from claims_of(kind, _of(question, facts), question)
    yield from claims_of(f"{kind}: steps", _cited(question.steps, facts), question.steps)


def _cited(steps: Iterable[str], facts: Facts) -> Found:
    known = {s.id for s in facts.trace._steps}
    yield set(steps) <= known, f"the steps are {sorted(known)}"


def _of(question: Question, facts: Facts) -> Found:
    return JUDGES[type(question)](question, facts)


def _differentiated(facts: Facts) -> dict[str, Any]:
    """The gradients that a solution is about: of the parameters, or of the data where there are none."""
    names = facts.oracle.asked
    return {n: np.asarray(facts.at.gradients[n], dtype=float) for n in names}


def _at(arrays: Any, entry: QuestionedEntry) -> float:
    return float(np.asarray(arrays[entry.name])[entry.index])


# -- zeros ----------------------------------------------------------------------------------------


def _zero_entries(question: ZeroEntries, facts: Facts) -> Found:
    gradients = _differentiated(facts)
    # A rounding residue may be left on either side; the solution's own gradients are judged line by line.
    own = {n: np.asarray(facts.trace.run.gradient(n), dtype=float) for n in gradients}
    zero = {(n, tuple(map(int, at))) for n, g in own.items() for at in np.argwhere(g == 0)}
    nearly = sum(int((np.abs(g) <= _rest(facts)).sum()) for g in gradients.values())
    yield len(zero) == question.zero <= nearly, f"{len(zero)} are zero"
    yield question.total == sum(g.size for g in gradients.values()), "another total"
    told = set()
    for part in question.parts:
        for name, entry in ((z.name, e) for z in part.zeroed for e in z.entries):
            if name in facts.oracle.batched:
                told |= {(name, (*entry, case)) for case in part.cases or range(facts.cases)}
            elif not part.cases:
                told.add((name, entry))
    yield len(zero - told) == question.untold, f"no reason is told for {len(zero - told)}"
    others = sorted(
        float(s) for g in gradients.values() for s in np.abs(g[np.abs(g) > _rest(facts)])
    )
    if question.smallest is not None:
        smallest = _at(gradients, question.smallest)
        yield near(question.smallest_value, smallest), f"it is {smallest}"
        rest = abs(smallest) <= _rest(facts)
        yield rest or not others or near(abs(smallest), others[0]), f"the smallest is {others[:1]}"
    else:
        yield not others, "some are not zero"
    units = [c for _, c in _activations(facts)]
    inside = {c.operation for t in facts.targets for c in terms.calls_of(facts.rectified(t))}
    gates = {c.operation for c in units if c.operation == "relu"}
    yield gates <= set(question.gates) <= gates | (inside & {"relu"}), "other gates"
    yield set(question.activations) == {c.operation for c in units}, "other activations"
    alone = [call for _, call in _activations(facts)]
    within = [c for t in facts.targets for c in terms.calls_of(facts.rectified(t))]
    channels = {_has_channels(alone, facts), _has_channels([*alone, *within], facts)}
    yield question.channels in channels, "another answer to whether units are channels"
    for part in question.parts:
        yield from zero_part(part, facts)
    for layer in question.revivers:
        yield from of_revivers(layer.revivers, layer.layer, facts)
        calls = terms.calls_of(facts.rectified(layer.layer)) if layer.layer in facts.targets else []
        gated = any(c.operation == "relu" for c in calls)
        unnamed = re.fullmatch(r"(part|piece|section)_\d+", layer.layer)
        yield bool(unnamed) or gated, f"{layer.layer} is no gate"


def _has_channels(calls: Sequence[Call], facts: Facts) -> bool:
    """Whether some ReLU of these is of a convolution, in one equation or in two."""
    formulas = dict(facts.oracle.equations)
    for call in calls:
        made = [c.operation for c in terms.calls_of(call)]
        for leaf in terms.leaves_of(call):
            written = facts.written(leaf.name) if leaf.name in formulas else None
            made += [c.operation for c in terms.calls_of(written)] if written is not None else []
        if call.operation == "relu" and set(CONVOLUTIONS) & set(made):
            return True
    return False


def _rest(facts: Facts) -> float:
    """What rounding may leave in PyTorch's gradients of what is 0 on paper."""
    sizes = [float(np.abs(g).max(initial=0.0)) for g in facts.at.gradients.values()]
    return 1e-14 * max([s for s in sizes if math.isfinite(s)], default=0.0)


ACTIVATIONS = frozenset(
    [
        *("relu", "leaky_relu", "elu", "sigmoid", "tanh", "softplus", "silu", "gelu", "gelu_tanh"),
        *(
            "prelu",
            "selu",
            "celu",
            "mish",
            "log_sigmoid",
            "hardtanh",
            "relu6",
            "hardsigmoid",
            "hardswish",
        ),
    ]
)
"""What works entry by entry."""


def _activations(facts: Facts) -> list[tuple[str, Call]]:
    """The equations that are an activation of something and that are not taken as one with the loss."""
    fused = {n.inner for s in facts.trace._steps for n in s.notes if isinstance(n, ShortcutTaken)}
    found = []
    for target in facts.targets:
        call = facts.rectified(target)
        if isinstance(call, Call) and call.operation in ACTIVATIONS and target not in fused:
            found.append((target, call))
    return found


def zero_part(part: ZeroPart, facts: Facts) -> Found:
    """One reason for zeros: they are zero, and what it names is shut or zero."""
    at = facts.at
    yield part.of == (facts.oracle.loss if part.cases else ""), "it is another's gradient"
    if part.cases:
        for case in part.cases:
            own = {n: np.asarray(g)[..., case] for n, g in at.case_gradients.items()}
            yield from are_zero(part.zeroed, own)
        yield len(part.cases) < facts.cases, "these are all the cases"
    else:
        yield from are_zero(part.zeroed, at.gradients)
    yield bool(part.zeroed), "nothing is said to be zero"
    apart = bool(part.cases) and any(facts.differs(Name(z.name)) for z in part.zeroed)
    yield part.apart == apart, "the gradients differ from case to case, or do not"
    if part.cause == "unreached":
        assert isinstance(part.about, Name)
        if part.about.name in facts.reaching:
            yield from of_no_path(part, facts)
    elif part.cause == "factor_in_each_case":
        for case in range(facts.cases):
            own = {n: np.asarray(g)[..., case] for n, g in at.case_gradients.items()}
            yield from are_zero(part.zeroed, own)
    elif part.cause == "other_taken":
        assert part.about is not None
        yield from of_other_taken(part, facts)
        yield _makes(part.step, part.about, facts), f"step {part.step} does not compute it"
    elif part.cause == "no_share":
        shares = {s.through for s in part.shares}
        used = {t for t in facts.targets if any(z.name in facts.uses[t] for z in part.zeroed)}
        yield len(shares) == len(part.shares) > 1, f"its shares come through {shares}"
        yield shares <= used, f"it is used in {used}"
        for share in part.shares:
            yield from _share(share, part.cases, facts)
    elif part.cause == "shares_cancel":
        if part.about is not None:
            total = float(np.asarray(facts.value(part.about, 0)))
            yield abs(total) <= _rest(facts), f"they add up to {total}"
    elif part.cause != "at_these_numbers":
        assert part.about is not None
        differs = facts.differs(part.about)
        cases = part.cases or (range(facts.cases) if differs else (0,))
        about = [np.asarray(facts.value(part.about, case), dtype=float) for case in cases]
        if part.cause == "shut_gate":
            yield not any(facts.opens_at(part.about, a) for a in about), f"it is {about}"
            yield part.operation == "relu", f"{part.operation} is no gate"
            if part.cases:
                others = set(range(facts.cases)) - set(part.cases)
                open_there = [
                    facts.opens_at(part.about, facts.value(part.about, c)) for c in others
                ]
                yield all(open_there), "shut in other cases too"
        else:
            rest = _rest(facts)
            yield all(bool(np.all(np.abs(a) <= rest)) for a in about), f"it is {about}"
        if part.value is not None:
            yield near(part.value, float(about[0])), f"it is {about[0]}"
        names = [leaf.name for leaf in terms.leaves_of(part.about)]
        if part.cause == "zero_input":
            yield names[0] in facts.oracle.data, "it is no input"
        if part.cause == "zero_value":
            yield names[0] not in facts.oracle.data, "it is given"
        if part.behind:
            yield bool(np.all(at.values[part.behind] == 0)), f"{part.behind} is not shut"
        if part.step:
            yield _makes(part.step, part.about, facts), f"step {part.step} does not compute it"
    for step in part.shown_in:
        shown = {line.target.name for s in facts.trace._steps if s.id == step for line in s.lines}
        yield bool(shown & {z.name for z in part.zeroed}), f"step {step} does not show it"


def _share(share: ZeroShare, cases: tuple[int, ...], facts: Facts) -> Found:
    """Why one share is zero: what it names is shut or zero."""
    if share.about is None:
        return
    every = cases or (range(facts.cases) if facts.differs(share.about) else (0,))
    about = [np.asarray(facts.value(share.about, case), dtype=float) for case in every]
    if share.cause == "shut_gate":
        yield all(bool(np.all(a <= 0)) for a in about), f"it is {about}"
    else:
        yield all(bool(np.all(np.abs(a) <= _rest(facts))) for a in about), f"it is {about}"
    if share.step:
        yield _makes(share.step, share.about, facts), f"step {share.step} does not compute it"


def _makes(step: str, about: Expression, facts: Facts) -> bool:
    """Whether a step computes one of the names in a formula, or uses it."""
    lines = [line for s in facts.trace._steps if s.id == step for line in s.lines]
    made = {leaf for line in lines for leaf in (line.target, *terms.leaves_of(line.formula))}
    return bool(made & set(terms.leaves_of(about)))


# -- another activation, another input ------------------------------------------------------------


@lru_cache(maxsize=16)
def swapped(facts: Facts, old: str, new: str, kept: tuple[str, ...]) -> Facts:
    """The problem with another activation in every equation but those that keep theirs."""
    spelled = {
        "relu": "(?:relu|ReLU)",
        "sigmoid": "(?:sigmoid|σ)",
        "log_sigmoid": "(?:log_?sigmoid)",
    }.get(old, re.escape(old))
    spelled = rf"(?<![\w.])(?:(?:{'|'.join(LIBRARIES)})\.)?{spelled}\("

    def other(equation: str) -> str:
        found = re.search(spelled, equation)
        if found is None:
            return equation
        inside, rest = _argument(equation[found.end() :])
        return f"{equation[: found.start()]}{new}({other(inside)}){other(rest)}"

    equations = [
        (t, e if t in kept else _written_out(other(e), facts.oracle.tree(t), old, new))
        for t, e in facts.oracle.equations
    ]
    text = problem_text(facts.text, equations)
    return Facts(text, type(facts.oracle)(text), handgrad.solve(handgrad.loads(text)))


class _Instead(ast.NodeTransformer):
    """Another activation in place of ReLU written out."""

    def __init__(self, new: str) -> None:
        self.new = new

    def visit(self, node: ast.AST) -> Any:
        self.generic_visit(node)
        z = gated(node)
        return node if z is None else ast.Call(ast.Name(self.new), [z], [])


def _written_out(text: str, tree: ast.expr, old: str, new: str) -> str:
    """An equation with another activation in place of ReLU written out, where that is the old one."""
    out = [n for n in ast.walk(tree) if gated(n) is not None and not _named(n)]
    return ast.unparse(_Instead(new).visit(deepcopy(tree))) if out and old == "relu" else text


def _named(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="relu" | "ReLU")):
            return True
    return False


def _argument(text: str) -> tuple[str, str]:
    """The first argument of the call whose opening bracket was just read, and what follows the call."""
    depth, first = 1, None
    for k, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if first is None and (depth == 0 or (sign == "," and depth == 1)):
            first = text[:k]
        if depth == 0:
            return first or "", text[k + 1 :]
    raise ValueError(text)


def _gate_swap(question: GateSwap, facts: Facts) -> Found:
    for swap in question.swaps:
        other = swapped(facts, question.operation, swap.operation, question.kept)
        if not (facts.is_finite and other.is_finite):
            continue  # log(1 − σ(z)) as it is written, past all digits
        yield near(swap.loss, facts.loss), f"the loss is {facts.loss}"
        yield near(swap.other_loss, other.loss), f"the loss would be {other.loss}"
        for unit in swap.units:
            yield from _unit_at(unit, facts, other, question.operation, swap.operation)
        yield from _swapped_parts(swap, facts, other)


def _unit_at(unit: UnitAt, before: Facts, after: Facts, old: str, new: str) -> Found:
    for facts, operation, z, steep in (
        (before, old, unit.z, unit.slope),
        (after, new, unit.other_z, unit.other_slope),
    ):
        case = unit.case or 0
        at = float(facts.value(unit.entry, case))
        yield near(z, at), f"{unit.entry} is {at}"
        options = next(
            (dict(c.options) for _, c in _activations(facts) if c.operation == operation), {}
        )
        true = slope(operation, at, **options)
        if operation == "relu" and at == 0 and facts.opens_at(unit.entry, at):
            true = 0.5
        yield near(steep, true, 1e-6), f"slope {true}"
    options_of_entry = dict(unit.entry.options) if isinstance(unit.entry, Call) else {}
    at_entry: Any = options_of_entry.get("at", ())
    yield unit.unit == at_entry, f"it is unit {at_entry}"
    inner = unit.entry.arguments[0] if at_entry and isinstance(unit.entry, Call) else unit.entry
    outer = {t for t, c in _activations(before) if c.arguments[0] == inner}
    steps = [s for s in before.trace._steps if s.kind == "layer"]
    layers = [s for s in steps if not s.time_step]
    made = [{x.target.name for x in s.lines} for s in layers]
    numbers = [_layers_to(t, made, before) for t in made if outer & t]
    if outer - set().union(*made):
        numbers.append(0)  # another activation of the same value, in a step that is no layer
    yield unit.layer in (numbers or [0]), f"it is in layer {numbers}"
    timed = [s for s in steps if s.time_step and outer & {x.target.name for x in s.lines}]
    times = [s.time_step for s in timed]
    yield unit.time_step in (times or [0]), f"it is at time step {times}"
    for step in timed:
        # The same parameters are used at every time.
        mine = _parameters_of(step, before)
        again = [s for s in steps if s.time_step != step.time_step and s.time_step]
        others = [_parameters_of(s, before) for s in again]
        yield any(mine <= o or o <= mine for o in others), f"no other time for {mine}"


def _layers_to(targets: set[str], layers: list[set[str]], facts: Facts) -> int:
    """The layers that lead to some values one after the other, theirs with them."""
    behind, waiting = set(targets), list(targets)
    while waiting:
        new = set(facts.uses.get(waiting.pop(), frozenset())) - behind
        behind |= new
        waiting += new
    before = [t for t in layers if t != targets and t & behind]
    return 1 + max((_layers_to(t, layers, facts) for t in before), default=0)


def _parameters_of(step: Step, facts: Facts) -> set[str]:
    parameters = facts.trace.problem.parameters
    names = (
        leaf
        for line in step.lines
        if (written := facts.trace.graph.nodes[line.target.name].written) is not None
        for leaf in leaves(written)
    )
    return {n.name for n in names if isinstance(n, Name) and n.name in parameters}


def _swapped_parts(swap: Swap, facts: Facts, other: Facts) -> Found:
    for line in swap.lines:
        for said, by in ((line.before, facts), (line.after, other)):
            theirs = by.at.gradients[said.target.name]
            yield close(said.value, theirs, 1e-8), f"d{said.target.name} is {theirs}"
            put_in = numbers_only(said.substituted, said.batched, by.cases)
            if not close(said.value, put_in, 1e-8):
                with terms.as_floats_are():
                    put_in = numbers_only(said.substituted, said.batched, by.cases)
            given = by.values(said.formula, said.batched)
            holds = close(said.value, put_in, 1e-8), close(said.value, given, 1e-8)
            if not all(holds):
                # Of 1 − σ(z) near 0 floats keep few digits.
                rest = unsettled(said.substituted, said.batched, by.cases)
                before = max(rest, unsettled_before(said, by, given))
                holds = within(said.value, put_in, rest), within(said.value, given, before)
            yield holds[0], f"the numbers put in give {put_in}"
            yield holds[1], f"the formula gives {given}"
            yield np.shape(given) == (*said.shape, *[by.cases] * said.batched), "another shape"
        (step,) = (s for s in facts.trace._steps if s.id == line.step)
        yield line.before.target in {x.target for x in step.lines}, f"not in step {line.step}"
    for filled in swap.filled:
        name, entries = filled.zeroed.name, filled.zeroed.entries
        yield from are_zero((filled.zeroed,), facts.at.gradients)
        now = np.asarray(other.at.gradients[name], dtype=float)
        numbers = [float(number) for e in entries for number in np.ravel(now[e])]
        largest = max(numbers, key=abs)
        if largest == 0 and abs(filled.largest) < 1e-14 * float(np.abs(now).max(initial=1.0)):
            continue  # the cases cancel, and floats do not tell what they leave
        yield near(abs(filled.largest), abs(largest)) and largest != 0, f"the largest is {largest}"
        yield any(near(filled.largest, number) for number in numbers), "no entry is that"
    for part in swap.emptied:
        yield from zero_part(part, other)


def _other_input(question: OtherInput, facts: Facts) -> Found:
    name = question.name
    yield name in facts.oracle.data, "it is no input"
    yield close(question.before, facts.oracle.data[name]), f"it is {facts.oracle.data[name]}"
    yield not np.array_equal(question.value, question.before), "it is the same"
    yield question.batched == (name in facts.oracle.batched), "cases"
    other = facts.changed(name, question.value)
    yield near(question.loss, facts.loss), f"the loss is {facts.loss}"
    if not (facts.is_finite and other.is_finite):
        return  # log(1 − σ(z)) as it is written, past all digits
    yield near(question.other_loss, other.loss), f"the loss would be {other.loss}"
    for units, was_on in ((question.off, True), (question.on, False)):
        for unit in units:
            yield from _unit_at(unit, facts, other, "relu", "relu")
            z, now = (float(f.value(unit.entry, unit.case or 0)) for f in (facts, other))
            yield facts.opens_at(unit.entry, z) == was_on and near(unit.z, z), f"before {z}"
            on = other.opens_at(unit.entry, now)
            yield on != was_on and near(unit.other_z, now), f"after {now}"
    shut = turned = count = 0
    for _, call in _activations(facts):
        if call.operation == "relu":
            inner = call.arguments[0]
            cases = range(facts.cases) if facts.differs(inner) else (0,)
            for case in cases:
                before, after = (f.opens(inner, f.value(inner, case)) for f in (facts, other))
                shut += int((~after).sum())
                turned += int((before != after).sum())
                count += after.size
    yield question.shut == shut, f"{shut} are shut"
    yield question.count == count, f"there are {count}"
    yield turned == len(question.off) + len(question.on), f"{turned} change"


# -- the update -----------------------------------------------------------------------------------


def _updated_value(question: UpdatedValue, facts: Facts) -> Found:
    gradient = _at(facts.at.gradients, question.entry)
    truths = [Updated.of(facts).after(1)]
    if question.gradient == 0 and np.abs(gradient) < FLOATS_OF_ONE:
        truths.append(_without_gradient(facts, question.entry))
    new = any(near(question.after, _at(after, question.entry)) for after in truths)
    yield new, "another new value"
    yield near(question.before, _at(facts.oracle.parameters, question.entry)), "another old value"
    yield near(question.gradient, gradient), f"its gradient is {gradient}"
    yield question.rule == facts.oracle.update.get("rule", "sgd"), "another rule"
    chosen = Optimiser(facts.oracle.update)
    yield near(question.rate, chosen.start(question.entry.name)), "another rate"
    own = {*facts.oracle.parameters, *facts.oracle.data, *facts.targets}
    letter = next(n for n in ("eta", "rate", "rate_") if n not in own)
    yield question.letter == letter, f"the rate is {letter}"
    any_ = next((n for n in ("theta", "phi", "omega", "p") if n not in own), "theta")
    yield question.theta == any_, f"any parameter is {any_}"
    alone = question.entry.name in chosen.s.get("rates", {})
    yield question.own_rate == alone, f"a rate of its own is {alone}"
    plain = set(facts.oracle.update) <= {"rule", "rate", "weight_decay"} and chosen.rule == "sgd"
    yield question.plain == (plain and not chosen.s["weight_decay"]), "another answer to plain"
    yield (
        near(float(question.lines[-1].value), question.after),
        "the last line gives something else",
    )
    known: dict[terms.Leaf, Any] = {}
    shape = np.shape(facts.oracle.parameters[question.entry.name])
    for line in question.lines:
        put_in = numbers_only(line.substituted, False, 1)
        yield near(float(line.value), float(put_in)), f"the numbers put in give {put_in}"
        given = float(terms.value(line.formula, updating(facts, known)))
        yield near(float(line.value), given), f"the formula gives {given}"
        if line.role != "updated":
            # The rate, the norm and its factor are one number for all entries.
            known[line.target] = np.full(shape if line.index else (), float(line.value))


FLOATS_OF_ONE = 2.0**-53
"""Less than this of p − 1 is 0 in floats, of which a rule that takes signs makes no step, as PyTorch's makes none."""


def _without_gradient(facts: Facts, entry: QuestionedEntry) -> dict[str, Any]:
    """The parameters after one update in which an entry gets no gradient."""
    gradients = {n: np.array(facts.at.gradients[n]) for n in facts.oracle.parameters}
    gradients[entry.name][entry.index] = 0.0
    return Optimiser(facts.oracle.update)(facts.oracle.parameters, gradients)


def _largest_move(question: LargestMove, facts: Facts) -> Found:
    given = facts.oracle.parameters
    after = Updated.of(facts).after(1)
    moved = {n: np.abs(after[n] - given[n]) for n in given}
    furthest = max(float(m.max()) for m in moved.values())
    move = abs(question.after - question.before)
    yield near(move, furthest, TIED), f"the furthest move is {furthest}"
    yield near(question.before, _at(given, question.entry)), "another old value"
    yield near(question.after, _at(after, question.entry)), "another new value"
    yield near(question.gradient, _at(facts.at.gradients, question.entry)), "another gradient"

    def within(tolerance: float) -> set[tuple[str, tuple[int, ...]]]:
        return {
            (n, tuple(map(int, at)))
            for n, m in moved.items()
            for at in np.argwhere(m >= furthest * (1 - tolerance))
        } - {(question.entry.name, question.entry.index)}

    # One that is as far to the last digit of the tolerance may be told or not.
    surely, perhaps = within(0.99 * TIED), within(1.01 * TIED)
    said = {(e.name, e.index) for e in question.ties}
    yield said <= perhaps, f"as far go {perhaps}"
    yield len(said) >= min(MOST_TIES, len(surely)), f"as far go {surely}"
    sizes = {n: np.abs(facts.at.gradients[n]) for n in given}
    # Of a gradient below `LEAST` the judge makes no step, and the product may.
    still = sum(
        int(((m == 0) & ((sizes[n] == 0) | (sizes[n] >= LEAST))).sum()) for n, m in moved.items()
    )
    # 1 - σ(41) is 0 in floats, and what RMSProp makes of so small a gradient is not.
    lost = 1e-14 * max(float(size.max()) for size in sizes.values())
    nearly = sum(
        int(((m <= 1e-14 * furthest) | (sizes[n] <= lost)).sum()) for n, m in moved.items()
    )
    yield still <= question.still <= nearly, f"{still} do not move"
    yield question.total == sum(m.size for m in moved.values()), "another total"


def _longer_step(question: LongerStep, facts: Facts) -> Found:
    rate = facts.oracle.update.get("rate", 0.1)
    yield near(question.rate, rate), f"the rate is {rate}"
    own = bool(facts.oracle.update.get("rates"))
    yield question.own_rates == own, f"rates of their own are {own}"
    yield near(question.loss, facts.loss), f"the loss is {facts.loss}"
    for times, said in ((1, question.after), (question.times, question.other_after)):
        updated = Updated.by(facts, scaled(facts.oracle.update, times))
        updated.after(1)
        loss = updated.losses[1]
        if said is None:
            yield not math.isfinite(loss), f"at {times} times the rate it is {loss}"
        elif math.isfinite(loss):
            # Written out, a loss may overflow where its stable form does not.
            yield near(said, loss, 1e-7), f"at {times} times the rate it is {loss}"
    yield question.times > 1, "that is no longer step"
    told = any(isinstance(n, AtKink) for s in facts.trace._steps for n in s.notes)
    yield question.at_kink == told, "another answer to whether numbers lie at a kink"


# -- how a gradient is made -----------------------------------------------------------------------


def _input_scaling(question: InputScaling, facts: Facts) -> Found:
    gradient = np.asarray(facts.at.gradients[question.name])
    signal = float(facts.value(question.signal))
    # Of a slope of e⁻²¹ a formula such as 1 + elu keeps few digits, which PyTorch's gradient has.
    ratios = [
        gradient[at] / x for at, x in zip(question.entries, question.values, strict=True) if x
    ]
    said = question.signal_value
    few = near(said, signal, 1e-4) and any(near(said, float(ratio)) for ratio in ratios)
    yield few or near(said, signal), f"the signal is {signal}"
    yield question.values[0] != question.values[1], "the inputs are the same"
    for entry, claimed, factor, value in zip(
        question.entries, question.gradients, question.inputs, question.values, strict=True
    ):
        yield near(claimed, gradient[entry]), f"the gradient is {gradient[entry]}"
        put_in = float(facts.value(factor))
        yield near(value, put_in), f"the input is {put_in}"
        yield near(claimed, question.signal_value * put_in), "it is not the product"


def _bias_gradient(question: BiasGradient, facts: Facts) -> Found:
    batched = facts.differs(question.signal)
    signal = np.asarray(facts.values(question.signal, batched), dtype=float)
    theirs = facts.at.gradients[question.name]
    yield close(question.gradient, theirs), f"the gradient is {theirs}"
    let = facts.trace.graph.lets.get(question.equation)
    used = set(facts.uses.get(question.equation, ()))
    if let is not None:
        used = {leaf.name for leaf in terms.leaves_of(let.formula)}
    yield question.name in used, "the equation does not use it"
    match question.how:
        case "equal":
            yield close(question.gradient, signal), "it is not equal"
            yield question.cases == 1, "it is of one"
        case "mean":
            yield close(question.gradient, signal.mean(axis=-1)), "it is not the mean"
            yield question.cases == facts.cases, f"over {facts.cases} cases"
        case "sum":
            summed = signal.sum(axis=-1) if batched else _to_bias(question, signal, facts)
            yield close(question.gradient, summed), "it is not the sum"
            yield (
                question.cases == signal.size // max(1, np.size(question.gradient)),
                "of another count",
            )
        case _:
            yield False, "it is none of these"


def _to_bias(question: BiasGradient, signal: Any, facts: Facts) -> Any:
    """The signal summed over all to which a bias was added: a channel's by a convolution, else by broadcasting."""
    shape = np.shape(question.gradient)
    for call in terms.calls_of(facts.written(question.equation)) if shape else ():
        if call.operation in CONVOLUTIONS and Name(question.name) in call.arguments[2:]:
            channel = signal.ndim - int(call.operation[-2]) - 1
            return signal.sum(axis=tuple(k for k in range(signal.ndim) if k != channel))
    return terms.MEANING["sum_to"](signal, shape)


def _sum_over_paths(question: SumOverPaths, facts: Facts) -> Found:
    theirs = facts.at.gradients[question.name]
    total = sum(np.asarray(s.value, dtype=float) for s in question.shares)
    yield close(total, question.gradient), "the shares do not add up"
    yield close(question.gradient, theirs), f"the gradient is {theirs}"
    through = {t for t in facts.targets if question.name in facts.uses[t] and t in facts.reaching}
    said = {s.through for s in question.shares}
    yield said == facts.fused(through), f"it is used in {through}"
    if question.name not in facts.targets:
        for share in question.shares:
            theirs = facts.share(question.name, share.through)
            yield close(share.value, theirs), f"through {share.through} comes {theirs}"


def _case_shares(question: CaseShares, facts: Facts) -> Found:
    losses = np.asarray(facts.at.values[facts.oracle.loss])
    yield close(question.losses, losses), f"the losses are {losses}"
    own = [facts.at.case_gradients[n] for n in facts.oracle.parameters]
    lengths = np.sqrt(sum((g.reshape(-1, facts.cases) ** 2).sum(axis=0) for g in own))
    yield close(question.lengths, lengths), f"the lengths are {lengths}"
    yield near(lengths[question.largest], max(lengths)), "another is longer"
    tied = {
        k for k, length in enumerate(lengths) if abs(length - max(lengths)) <= 1e-7 * max(lengths)
    }
    yield {question.largest, *question.ties} <= tied, f"the longest are {sorted(tied)}"
    as_long = {
        k for k, length in enumerate(lengths) if abs(length - max(lengths)) <= 1e-11 * max(lengths)
    }
    yield as_long <= {question.largest, *question.ties}, f"as long are {sorted(as_long)}"
    whole = math.sqrt(
        sum(float((facts.at.gradients[n] ** 2).sum()) for n in facts.oracle.parameters)
    )
    yield near(question.length, whole), f"the whole length is {whole}"
    yield question.reduction == facts.oracle.reduction, "another reduction"


# -- how strongly the loss depends on a number ----------------------------------------------------


def _small_change(question: SmallChange, facts: Facts) -> Found:
    name, given = question.entry.name, {**facts.oracle.parameters, **facts.oracle.data}
    array = np.array(given[name])
    array[question.entry.index] += question.by
    there = facts.changed(name, array)
    gradient = _at(facts.at.gradients, question.entry)
    yield near(question.gradient, gradient), f"the gradient is {gradient}"
    yield near(question.loss, facts.loss), f"the loss is {facts.loss}"
    yield near(question.other_loss, there.loss), f"the loss would be {there.loss}"
    before = float(np.asarray(given[name])[question.entry.index])
    yield near(question.before, before), f"it is {before}"
    jump = question.jump

    def slope_at(value: float) -> float:
        moved = np.array(given[name])
        moved[question.entry.index] = value
        return _at(facts.changed(name, moved).at.gradients, question.entry)

    if jump is None:
        # Of a steep parabola the slope there is another already; along a straight line it comes from the gradient.
        beside, farther = slope_at(before + BESIDE), slope_at(before + 2 * BESIDE)
        alike = any(near(slope, gradient, 1e-3) for slope in (beside, 2 * beside - farther))
        yield alike, f"the slope beside it is {beside}"
        return
    yield before <= jump.at <= before + question.by, "the kink is not on the way"
    own = gradient if jump.at == before else slope_at(jump.at - BESIDE)
    yield near(jump.before, own, 1e-4), f"the slope before it is {own}"
    own = slope_at(jump.at + BESIDE)
    yield near(jump.after, own, 1e-4), f"the slope after it is {own}"
    yield not near(jump.before, jump.after, 1e-4), "the slope goes on"
    for unit in jump.turned:
        sides = [facts.opens_at(unit.entry, z) for z in (unit.z, unit.other_z)]
        yield sides[0] != sides[1], f"{unit.entry} does not turn"
        yield from _unit_at(unit, facts, there, "relu", "relu")


BESIDE = 1e-7
"""How far beside a kink a slope is taken."""


def _most_sensitive(question: MostSensitive, facts: Facts) -> Found:
    gradients = _differentiated(facts)
    sizes = [abs(g) for _, g in question.entries]
    yield sizes == sorted(sizes, reverse=True), "not in order"
    for where, claimed in question.entries:
        # Nearly all of a gradient through a softmax may cancel.
        gradient = _at(gradients, where)
        yield near(claimed, gradient, 1e-7), f"its gradient is {gradient}"
    every = [
        float(s)
        for n, g in gradients.items()
        if n not in facts.oracle.batched
        for s in np.abs(g).ravel()
    ]
    if question.sides:
        yield from _slopes_to_both_sides(question, facts)
    left = sorted(every, reverse=True)[len(sizes) :]
    yield not left or left[0] <= sizes[-1] * (1 + 1e-9) + 1e-12, f"{left[:1]} is larger"


def _slopes_to_both_sides(question: MostSensitive, facts: Facts) -> Found:
    """Below and above each entry the loss has the slope that is said; of curves a straight line back gives it."""
    given = {**facts.oracle.parameters, **facts.oracle.data}
    for (where, gradient), sides in zip(question.entries, question.sides, strict=True):
        for way, claimed in zip((-1, 1), sides, strict=True):
            slopes = []
            for far in (1, 2):
                moved = np.array(given[where.name])
                moved[where.index] += way * far * BESIDE
                slopes.append(_at(facts.changed(where.name, moved).at.gradients, where))
            near_, farther = slopes
            alike = any(near(s, claimed, 1e-3) for s in (near_, 2 * near_ - farther))
            yield (
                alike,
                f"the slope of {where} to side {way} is {near_}, of the gradient {gradient}",
            )


JUDGES: Mapping[type[Question], Callable[[Any, Facts], Found]] = {
    ZeroEntries: _zero_entries,
    GateSwap: _gate_swap,
    OtherInput: _other_input,
    UpdatedValue: _updated_value,
    BiasGradient: _bias_gradient,
    InputScaling: _input_scaling,
    SumOverPaths: _sum_over_paths,
    CaseShares: _case_shares,
    LargestMove: _largest_move,
    LongerStep: _longer_step,
    MostSensitive: _most_sensitive,
    SmallChange: _small_change,
}
"""By kind, what re-derives its answer."""
