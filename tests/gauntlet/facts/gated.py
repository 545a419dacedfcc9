"""The audit of gates: every count, verdict and flow from PyTorch's numbers, and every remedy tried in PyTorch."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

import handgrad
from handgrad.audit import Audit
from handgrad.audit.structure import Layer, Remedy, Unit
from handgrad.expression import Call, Expression, Name, leaves
from tests.gauntlet.facts.asked import ACTIVATIONS, swapped
from tests.gauntlet.facts.caused import for_good
from tests.gauntlet.facts.claim import Claim, Claims, Found, claims_of, near
from tests.gauntlet.facts.mixing import Gate
from tests.gauntlet.facts.notes import FLAT, STEEPEST, are_zero, slope
from tests.gauntlet.facts.reviving import of_revivers
from tests.gauntlet.facts.source import Facts, problem_text
from tests.gauntlet.facts.updating import Updated, scaled
from tests.gauntlet.oracle import Evaluated
from tests.gauntlet.sliding import CONVOLUTIONS

NONE_IN_FLOATS = 1e-40
"""1 − σ(100) is 4e-44, and 0 in floats."""

NOISE = 1e-12
"""The share of the network's largest gradient under which one is a rounding residue, as it is documented."""

NEARLY = 0.01
"""A unit that fires on at most this share of the cases is nearly dead, as it is documented."""

VANISHING, EXPLODING = 1e-3, 1e3
"""The flow of a layer, beside the last layer's, from which it vanishes or explodes, as they are documented."""

MOST_RUNS = 600
"""Runs of one case that are spent on following an update rule, at most."""

DRAWS = 64
"""Weights drawn anew, to see whether as many fire as is said."""

OFF = frozenset(["gated_off", "dead_on_data", "provably_dead"])


def of_gates(facts: Facts) -> Claims:
    """The audit of a problem on its own data."""
    try:
        audit = handgrad.gates(facts.problem)
    except handgrad.HandgradError:
        return
    yield from of_audit(audit, facts)


def of_audit(audit: Audit, facts: Facts) -> Claims:
    """One audit."""
    case_count = audit.cases if audit.rows or audit.columns else facts.cases
    yield Claim("gates: cases", audit.cases == case_count, f"{audit.cases} cases, not {case_count}")
    states: list[Any] = []
    for layer in audit.layers:
        try:
            z = pre_activations(audit, layer, facts)
        except KeyError:
            continue
        if z is None:
            continue
        seen = Seen(audit, layer, facts, z)
        if layer.gate:
            each = seen.fires
            if each.shape[-2] == 1 or each[..., 0].size <= 64:
                states.append(each.reshape(-1, audit.cases))
        yield from of_layer(seen)
        for unit in audit.of(layer.name):
            yield from of_unit(seen, unit)
            if seen.passing is not None:
                for remedy in unit.remedies:
                    yield from of_remedy(seen, unit, remedy)
    if audit.sample and sum(map(len, states)) == len(audit.sample[0]):
        shown = np.concatenate(states).T[: len(audit.sample)].tolist()
        same = [list(row) for row in audit.sample] == shown
        yield Claim("gates: map", same, f"open are {shown}, said {audit.sample}"[:400])
    yield from claims_of("gates: never", _for_good(audit, facts), "units that nothing moves")
    silencer = audit.silencer
    if silencer is not None:
        found = _silencer(silencer, audit, facts)
        yield from claims_of("gates: silencer", found, silencer.name)
    elif audit.nothing_arrives:
        yield from claims_of("gates: nothing arrives", _nothing_arrives(audit, facts))


def of_layer(seen: Seen) -> Claims:
    """What is said of a layer."""
    return claims_of("gates: layer", _layer(seen), _shown(seen.layer))


def of_unit(seen: Seen, unit: Unit) -> Claims:
    """What is said of a unit, but for what was tried on it."""
    return claims_of(f"gates: {unit.verdict}", _unit(seen, unit), unit)


def of_remedy(seen: Seen, unit: Unit, remedy: Remedy) -> Claims:
    """What is said to have come of a remedy."""
    about = unit.layer, unit.unit, unit.verdict, remedy
    return claims_of(f"remedy {remedy.kind}", _remedy(seen, unit, remedy), about)


def _shown(layer: Layer) -> str:
    return f"{layer.name} of {layer.units} units, {layer.dead} dead, {layer.firing}, {layer.flow}"


def pre_activations(audit: Audit, layer: Layer, facts: Facts) -> Any:
    """A layer's pre-activations with the cases last; None where rows and cases cannot be told apart."""
    formula = layer.pre_activation
    batched = facts.differs(formula)
    z = np.asarray(facts.values(formula, batched), dtype=float)
    if audit.rows:
        z = np.moveaxis(z, 0, -1) if z.shape == (audit.cases, *layer.shape) else z
    if z.shape == layer.shape:
        z = z[..., None]
    if z.shape == (*layer.shape, 1):
        z = np.broadcast_to(z, (*layer.shape, audit.cases))
    return z if z.shape == (*layer.shape, audit.cases) else None


class Seen:
    """A layer with its numbers by unit, position and case."""

    def __init__(self, audit: Audit, layer: Layer, facts: Facts, z: Any) -> None:
        self.audit, self.layer, self.facts = audit, layer, facts
        self.apart = self._apart(z)
        self.fires = facts.opens(layer.pre_activation, self.apart)
        self.arriving: Any = None
        self.passing: Any = None
        named = layer.name in facts.targets and isinstance(layer.pre_activation, Name)
        named = named and layer.operation in ACTIVATIONS
        # What is the same in every case has one gradient, of the mean.
        named = named and (facts.cases == 1 or layer.name in facts.oracle.batched)
        if named and not (audit.rows or audit.columns):
            arriving = facts.at.case_gradients[layer.name]
            arriving = arriving[..., None] if arriving.ndim == len(layer.shape) else arriving
            hardly = (arriving != 0) & (np.abs(arriving) < NONE_IN_FLOATS)
            self.hardly = self._apart(np.broadcast_to(hardly, z.shape))
            arriving = np.where(hardly, 0.0, arriving)
            self.arriving = self._apart(np.broadcast_to(arriving, z.shape))
            self.slopes = self._slopes(z)
            self.passing = self.arriving * self.slopes

    def _slopes(self, z: Any) -> Any:
        written = self.facts.rectified(self.layer.name)
        if isinstance(written, Call) and written.operation == "prelu":
            learned = np.asarray(self.facts.value(written.arguments[1]), dtype=float)
            return self._apart(np.where(z > 0, 1.0, np.broadcast_to(learned[..., None], z.shape)))
        return slopes(self.layer, self.facts, self.apart)

    def _apart(self, array: Any) -> Any:
        """Units first, then all their positions on one axis, then the cases."""
        axes, rank = self.layer.axes, len(self.layer.shape)
        rest = [k for k in range(rank) if k not in axes]
        moved = np.transpose(array, (*axes, *rest, rank))
        return moved.reshape((*[self.layer.shape[k] for k in axes], -1, array.shape[-1]))


def slopes(layer: Layer, facts: Facts, z: Any) -> Any:
    """The slope of a layer's activation at each number."""
    written = facts.rectified(layer.name)
    halved = bool(facts.opens(layer.pre_activation, 0.0))
    options = dict(written.options) if isinstance(written, Call) else {}
    known: dict[float, float] = {}
    found = np.zeros(z.shape)
    for at in np.ndindex(z.shape):
        number = float(z[at])
        if number not in known:
            known[number] = (
                float(number > 0) + (halved and number == 0) / 2
                if layer.operation == "relu"
                else slope(layer.operation, number, **options)
            )
        found[at] = known[number]
    return found


def _layer(seen: Seen) -> Found:
    layer, audit, z = seen.layer, seen.audit, seen.apart
    halved = bool(seen.facts.opens(layer.pre_activation, 0.0))
    yield layer.splits_ties == (layer.gate and halved), f"it is open at 0: {halved}"
    units = audit.of(layer.name)
    fires = seen.fires
    yield layer.units == len(units) == math.prod(z.shape[:-2]), "another number of units"
    yield (
        layer.dead == (int((~fires.any(axis=(-2, -1))).sum()) if layer.gate else 0),
        "dead units",
    )
    yield near(layer.firing, float(fires.mean())), f"it fires on {fires.mean()}"
    examples = _examples(layer.pre_activation, len(layer.shape), seen.facts)
    yield layer.examples == examples, f"its positions lie in {examples} examples"
    shut = int((~fires.reshape(-1, z.shape[-1]).any(axis=0)).sum())
    yield layer.shut == (shut if layer.gate else 0), f"shut in {shut}"
    if seen.passing is not None:
        for said, array in ((layer.gradient_in, seen.arriving), (layer.gradient_out, seen.passing)):
            norm = math.sqrt(float((array**2).sum()) / audit.cases)
            yield near(said, norm, 1e-7), f"the norm is {norm}"
        last = next((x.gradient_out for x in reversed(audit.layers) if x.gradient_out), 0.0)
        ratio = layer.gradient_out / last if last else 0.0
        yield near(layer.ratio, ratio), f"the ratio is {ratio}"
        flow = (
            "blocked"
            if layer.gradient_out == 0
            else "vanishing"
            if ratio < VANISHING
            else "exploding"
            if ratio > EXPLODING
            else "steady"
        )
        yield layer.flow == flow, f"the flow is {flow}"
        dominated = _dominated(layer.name, seen)
        yield set(layer.silences) <= dominated or not layer.gate, f"it leads on from {dominated}"
    if layer.time_step:
        # A time step takes up the parameters that another time takes.
        mine = _parameters_of(layer, seen)
        others = [x for x in audit.layers if x.time_step not in (0, layer.time_step)]
        yield any(_parameters_of(x, seen) == mine for x in others), f"no other time with {mine}"


def _examples(formula: Expression, rank: int, facts: Facts) -> int:
    """How many pictures, or signals, a pre-activation's convolution takes along the first axis of its array.

    The convolution is looked for through names, up to the layer before.
    """
    if isinstance(formula, Name) and formula.name in facts.targets:
        return _examples(facts.written(formula.name), rank, facts)
    if not isinstance(formula, Call) or formula.operation in ACTIVATIONS:
        return 1
    if formula.operation in CONVOLUTIONS:
        # Examples, channels and places: one axis more than a single picture with channels has.
        array = np.asarray(facts.value(formula.arguments[0]))
        return len(array) if rank == array.ndim == int(formula.operation[-2]) + 2 else 1
    return max(_examples(argument, rank, facts) for argument in formula.arguments)


def _parameters_of(layer: Layer, seen: Seen) -> set[str]:
    """The parameters that a layer uses, up to the layers before it."""
    layers = {x.name for x in seen.audit.layers}
    pending = [leaf.name for leaf in leaves(layer.pre_activation) if isinstance(leaf, Name)]
    met: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in met and name not in layers:
            met.add(name)
            pending += seen.facts.uses.get(name, ())
    return met & set(seen.audit.problem.parameters)


def _dominated(name: str, seen: Seen) -> set[str]:
    """The names from which every path to the loss leads through one name."""
    facts = seen.facts
    without = {facts.oracle.loss} - {name}
    for target in reversed(facts.oracle.order):
        if target in without:
            without |= set(facts.uses[target]) - {name}
    return set(facts.targets) - without


def _unit(seen: Seen, unit: Unit) -> Found:
    layer, cases = seen.layer, seen.audit.cases
    z = seen.apart[unit.unit]
    at = seen.fires[unit.unit]
    fires = at.any(axis=0)
    yield unit.cases == cases, "another number of cases"
    yield unit.fired == int(fires.sum()), f"it fires on {int(fires.sum())}"
    yield unit.fired_at == int(at.sum()), f"it fires at {int(at.sum())}"
    yield near(unit.max_preactivation, float(z.max())), f"the largest is {z.max()}"
    if unit.verdict in OFF:
        yield layer.gate and not fires.any(), "it fires"
        yield (
            (unit.verdict == "gated_off") == (cases == 1) or unit.verdict == "provably_dead",
            "word",
        )
    if unit.verdict == "nearly_dead":
        yield 0 < fires.sum() <= NEARLY * cases, f"on {fires.sum()} of {cases}"
    yield from are_zero(unit.silences, seen.facts.at.gradients)
    if seen.passing is None:
        return
    passing, arriving = np.abs(seen.passing[unit.unit]), np.abs(seen.arriving[unit.unit])
    yield near(unit.gradient, float(passing.sum()) / cases, 1e-7), f"passes {passing.sum() / cases}"
    blocked = float(arriving[~at].sum()) / cases if layer.gate else 0.0
    yield near(unit.blocked, blocked, 1e-7), f"blocked is {blocked}"
    flat = _flat(seen, unit.unit)
    yield unit.saturated == int(flat.sum()), f"saturated on {int(flat.sum())}"
    told = _verdict(seen, unit, flat)
    hardly = 0 < unit.gradient < NONE_IN_FLOATS or bool(seen.hardly[unit.unit].any())
    yield (hardly and told == "starved") or unit.verdict == told, f"the verdict is {told}"
    if unit.verdict == "starved" and unit.starved_by == "gates":
        yield _deaf(seen, fires), "a gate after it is open while it fires"
    if unit.revivers is not None:
        yield from of_revivers(unit.revivers, layer.name, seen.facts)
    for own in unit.own:
        for entry in own.entries:
            yield (
                bool(_influence(seen.facts, layer, unit.unit, own.name)[entry]),
                f"{own.name}{entry} is not its own",
            )


ONE_SIDED = (
    *("softplus", "silu", "gelu", "gelu_tanh", "elu"),
    *("selu", "celu", "mish", "log_sigmoid", "hardswish"),
)
"""Activations without a gate that are flat on one side only: no slope at all is what is told of them."""


def _flat(seen: Seen, unit: tuple[int, ...]) -> Any:
    """The cases in which a unit is saturated at all its positions."""
    operation, slopes = seen.layer.operation, np.abs(seen.slopes[unit])
    if operation in ONE_SIDED:
        # That of hard swish is 0 at −1.5, of which autograd leaves a rest.
        none = slopes < 1e-15 if operation == "hardswish" else slopes == 0
        return none.all(axis=0)
    return (slopes < FLAT * STEEPEST.get(operation, 0.0)).all(axis=0)


def _verdict(seen: Seen, unit: Unit, flat: Any) -> str:
    """The verdict as the documents define it."""
    cases = seen.audit.cases
    fired = int(seen.fires[unit.unit].any(axis=0).sum())
    if seen.layer.gate and fired == 0:
        return (
            unit.verdict
            if unit.verdict == "provably_dead"
            else "gated_off"
            if cases == 1
            else "dead_on_data"
        )
    passing = seen.passing[unit.unit]
    if not passing.any() and (seen.layer.gate or not seen.arriving[unit.unit].any()):
        return "starved"
    if flat.all():
        return "saturated"
    return "nearly_dead" if seen.layer.gate and fired <= NEARLY * cases else "alive"


def _deaf(seen: Seen, fires: Any) -> bool:
    """Whether in every case in which a unit fires the gates after it are all shut."""
    facts = seen.facts
    after: set[str] = set()
    waiting = [seen.layer.name]
    while waiting:
        name = waiting.pop()
        for target in facts.targets:
            if name in facts.uses[target] and target not in after:
                call = facts.rectified(target)
                if isinstance(call, Call) and call.operation == "relu":
                    after.add(target)
                elif target == facts.oracle.loss:
                    return False
                else:
                    waiting.append(target)
    for target in after:
        value = np.asarray(facts.at.values[target])
        open_ = value > 0
        by_case = (
            open_.reshape(-1, open_.shape[-1]).any(axis=0)
            if target in facts.oracle.batched
            else open_.any()
        )
        if np.any(by_case & fires):
            return False
    return True


def _influence(facts: Facts, layer: Layer, unit: tuple[int, ...], name: str) -> Any:
    """Which entries of a parameter move a unit's pre-activation, at other numbers than the problem's."""
    return _influences(facts, layer.pre_activation, layer.axes, len(layer.shape), unit)[name]


DRAWS = 16
"""Numbers at which it is tried: on one side of a kink, as of min(2·r·q, r), a weight has no say."""


NORMALISED = re.compile(r"\b(?:batch|layer)norm\(")
"""Normalised along an axis of one, all is 0."""


@lru_cache(maxsize=64)
def _influences(
    facts: Facts, pre: Any, axes: tuple[int, ...], rank: int, unit: tuple[int, ...]
) -> dict[str, Any]:
    probe = ("probe_of_a_unit", _probe(pre, axes, rank, unit))
    found = _moving(facts, [*facts.oracle.equations, probe])
    # What is 0 at all numbers, as a single row less its own mean is, hides the weight behind it.
    moved = [
        (name, f"0.37 + 1.{k + 1} * ({NORMALISED.sub('tanh(', text)})")
        for k, (name, text) in enumerate(facts.oracle.equations)
    ]
    with contextlib.suppress(RuntimeError, IndexError, ValueError):
        for name, entries in _moving(facts, [*moved, probe]).items():
            found[name] |= entries
    return found


def _moving(facts: Facts, equations: list[tuple[str, str]]) -> dict[str, Any]:
    """Which entries of the parameters move the last equation's number."""
    oracle = type(facts.oracle)(problem_text(facts.text, equations, loss=equations[-1][0]))
    generator = np.random.default_rng(1)
    found = {n: np.zeros(a.shape, dtype=bool) for n, a in oracle.parameters.items()}
    for _ in range(DRAWS):
        # An input of 0 would hide its weight; where a class's number has to stay one, the data stay.
        given = {**oracle.parameters, **oracle.data}
        numbers = {n: np.abs(generator.normal(size=a.shape)) for n, a in given.items()}
        try:
            gradients = oracle.run(numbers).gradients
        except (RuntimeError, IndexError):
            gradients = oracle.run({n: numbers[n] for n in found}).gradients
        for n in found:
            found[n] |= np.asarray(gradients[n]) != 0
    return found


def _probe(pre: Any, axes: tuple[int, ...], rank: int, unit: tuple[int, ...]) -> str:
    """A unit's pre-activation at all of its positions together."""
    at = [":"] * rank
    for axis, index in zip(axes, unit, strict=True):
        at[axis] = str(index)
    return f"sum({pre.name}[{', '.join(at)}])" if rank else f"1*{pre.name}"


def _for_good(audit: Audit, facts: Facts) -> Found:
    """The units that are said never to fire again by the rule."""
    if audit.rows or audit.columns:
        return ()
    units = [
        (Gate(layer.name, layer.pre_activation, layer.axes, layer.shape), unit.unit)
        for layer in audit.layers
        if layer.name in facts.targets
        for unit in audit.of(layer.name)
        if unit.revivers is not None and unit.revivers.never
    ]
    return for_good(units, facts, 0)


def _silencer(layer: Layer, audit: Audit, facts: Facts) -> Found:
    yield layer.shut == audit.cases, "it is open in some case"
    for name in layer.silences:
        if name in facts.targets:
            yield not np.any(facts.at.gradients[name]), f"a gradient reaches {name}"


def _nothing_arrives(audit: Audit, facts: Facts) -> Found:
    for layer in audit.layers:
        if layer.name in facts.targets:
            theirs, floats = facts.at.gradients[layer.name], facts.trace.run.gradient(layer.name)
            lost = np.all(np.abs(theirs) < 2.0**-53)  # beside a probability of 1
            yield not np.any(floats) and lost, f"a gradient reaches {layer.name}"


# -- remedies -------------------------------------------------------------------------------------


def _remedy(seen: Seen, unit: Unit, remedy: Remedy) -> Found:
    """A remedy tried: "revived" means a gradient above the noise in the unit's own parameters."""
    if seen.audit.trial_cases not in (0, seen.audit.cases):
        return
    yield remedy.cases == seen.audit.cases, "another number of cases"
    yield remedy.works == (not remedy.missing), "what is missing"
    if remedy.kind == "redraw":
        yield from _redrawn(seen, unit, remedy)
        return
    for after in _changed(seen, remedy, unit):
        measured = Measured(seen, after, unit)
        if measured.hardly or not math.isfinite(measured.gradient + measured.noise):
            continue  # log(1 − σ(z)) as it is written, past all digits
        yield near(remedy.fired, measured.fired), f"it fires on {measured.fired}"
        yield (
            near(remedy.gradient, measured.gradient, 1e-6)
            or abs(remedy.gradient - measured.gradient) <= measured.lost,
            f"through it comes {measured.gradient}",
        )
        yield near(remedy.saturated, measured.saturated), f"saturated on {measured.saturated}"
        flat = unit.verdict == "saturated" and measured.saturated >= remedy.cases
        reached = measured.own > measured.noise and not flat
        lost = remedy.gradient == 0 and measured.gradient <= measured.lost
        if abs(measured.own - measured.noise) > 1e-3 * measured.noise and not lost:
            # Which parameters are a unit's own is told of units that are off: of others, what comes through.
            yield (
                remedy.works == reached
                or bool(reached and not unit.own and not remedy.own_gradient),
                f"its own parameters get {measured.own}, noise {measured.noise}",
            )
    if remedy.kind == "smaller_rate":
        update = seen.facts.oracle.update
        rate = 0.0 if update.get("rates") else update.get("rate", 0.1) / 10
        yield near(remedy.rate, rate), f"the smaller rate is {rate}"
        otherwise = Updated.by(seen.facts, seen.facts.oracle.update)
        after = seen.facts.under(seen.facts.oracle.run(otherwise.after(remedy.updates)))
        measured = Measured(seen, after, unit)
        if math.isfinite(measured.gradient):
            fired = measured.fired
            yield near(remedy.fired_otherwise, fired), f"at the own rate it fires on {fired}"


def _changed(seen: Seen, remedy: Remedy, unit: Unit) -> Iterator[Facts]:
    """The problem with what a remedy changes; nothing where that would take too long."""
    facts, given = seen.facts, seen.facts.oracle.parameters
    match remedy.kind:
        case "shrink" if not unit.own:
            return
        case "bias_shift":
            array = np.array(given[remedy.parameter])
            array[remedy.entry] += remedy.tried
            yield facts.under(facts.oracle.run({remedy.parameter: array}))
        case "shrink":
            arrays = {o.name: np.array(given[o.name]) for o in unit.own if o.role == "weight"}
            for own in unit.own:
                for entry in own.entries if own.role == "weight" else ():
                    arrays[own.name][entry] *= remedy.tried
            yield facts.under(facts.oracle.run(arrays))
        case "leaky_form":
            yield swapped(facts, "relu", "leaky_relu", ())
        case "smaller_rate":
            update = scaled(facts.oracle.update, 0.1)
            yield facts.under(facts.oracle.run(Updated.by(facts, update).after(remedy.updates)))
        case "go_on" if remedy.updates * facts.cases <= MOST_RUNS // facts.oracle.pace:
            yield facts.under(facts.oracle.run(Updated.of(facts).after(remedy.updates)))
        case _:
            return


class Measured:
    """A unit in a changed problem."""

    def __init__(self, seen: Seen, facts: Facts, unit: Unit) -> None:
        layer, cases = seen.layer, seen.audit.cases
        operation = facts.rectified(layer.name)
        assert isinstance(operation, Call)
        named = replace(layer, operation=operation.operation)
        now = Seen(seen.audit, named, facts, pre_activations(seen.audit, layer, facts))
        passing = now.passing[unit.unit]
        self.fired = int(now.fires[unit.unit].any(axis=0).sum())
        self.gradient = float(np.abs(passing).sum()) / cases
        # Beside 1, a float loses a slope such as σ(40)(1 − σ(40)).
        self.lost = float(np.abs(now.arriving[unit.unit]).sum()) / cases * 2.0**-53
        self.saturated = int(_flat(now, unit.unit).sum())
        self.hardly = bool(now.hardly[unit.unit].any())
        self.noise = NOISE * _largest_gradient(facts, seen)
        self.own = self._own(now, facts, unit)

    def _own(self, now: Seen, facts: Facts, unit: Unit) -> float:
        """The largest gradient of an own parameter by the way through this unit, in one case."""
        passing = now.passing[unit.unit]
        if not unit.own:
            return float(np.abs(passing).max(initial=0.0))
        if passing.shape[0] > 1:
            return float(np.abs(passing).max(initial=0.0))
        moved = _jacobian(facts, now.layer, unit.unit)
        largest = 0.0
        for own in unit.own:
            slopes_of_z = np.broadcast_to(
                moved[own.name], (*np.shape(facts.oracle.parameters[own.name]), passing.shape[-1])
            )
            for entry in own.entries:
                largest = max(
                    largest, float(np.abs(slopes_of_z[entry] * passing[0]).max(initial=0.0))
                )
        return largest


def _largest_gradient(facts: Facts, seen: Seen) -> float:
    sizes = [0.0]
    for layer in seen.audit.layers:
        operation = facts.rectified(layer.name) if layer.name in facts.targets else None
        if isinstance(operation, Call) and operation.operation in ACTIVATIONS:
            z = pre_activations(seen.audit, layer, facts)
            other = Seen(seen.audit, replace(layer, operation=operation.operation), facts, z)
            if other.passing is not None:
                sizes.append(float(np.abs(other.passing).max(initial=0.0)))
    return max(sizes)


def _jacobian(facts: Facts, layer: Layer, unit: tuple[int, ...]) -> dict[str, Any]:
    """How a unit's pre-activation depends on each parameter in each case, at a run's numbers."""
    assert isinstance(layer.pre_activation, Name)
    probe = _probe(layer.pre_activation, layer.axes, len(layer.shape), unit)
    equations = [*facts.oracle.equations, ("probe_of_a_unit", probe)]
    oracle = type(facts.oracle)(problem_text(facts.text, equations, loss="probe_of_a_unit"))
    # What the problem leaves out is not left out beside other equations.
    given = {n: facts.at.values[n] for n in facts.oracle.parameters}
    at: Evaluated = oracle.run(given)
    return {
        n: at.case_gradients[n]
        if facts.cases > 1 or oracle.cost != oracle.loss
        else at.case_gradients[n][..., None]
        for n in given
    }


def _redrawn(seen: Seen, unit: Unit, remedy: Remedy) -> Found:
    """Weights drawn anew here fire about as often; which ones were drawn there is not known."""
    yield 0 <= remedy.draws_working <= remedy.draws, "more than all"
    yield remedy.draws_firing <= remedy.draws, "more than all fire"
    yield remedy.works == (remedy.draws_working > 0), "revived in none"
    if not unit.own:
        return  # which are its own is said of units that are off
    cost = max(1, seen.facts.cases) * seen.facts.oracle.pace
    few = max(8, min(DRAWS, MOST_RUNS // cost))
    # Of many units that share these draws one is unlike them by chance: more draws decide.
    for draws in (few, 16 * few):
        fires = _firing_when_redrawn(seen, unit, draws)
        share = (fires + 1) / (draws + 2)
        spread = math.sqrt(share * (1 - share) * (1 / draws + 1 / remedy.draws))
        alike = abs(remedy.draws_firing / remedy.draws - share) < 4.5 * spread + 0.05
        if alike:
            break
    yield alike, f"it fires in {fires} of {draws}"


def _firing_when_redrawn(seen: Seen, unit: Unit, draws: int) -> int:
    """In how many draws of its own weights the unit fires in any case."""
    facts, given = seen.facts, seen.facts.oracle.parameters
    generator = np.random.default_rng((facts.seed, draws))
    fires = 0
    for _ in range(draws):
        arrays = {o.name: np.array(given[o.name]) for o in unit.own if o.role != "factor"}
        for own in unit.own:
            if own.role == "factor":
                continue
            spread = math.sqrt(2 / len(own.entries)) if own.role == "weight" else 0.0
            for entry in own.entries:
                arrays[own.name][entry] = spread * generator.standard_normal()
        other = facts.under(facts.oracle.run(arrays, gradients=False))
        z = pre_activations(seen.audit, seen.layer, other)
        layer = seen.layer
        rest = [k for k in range(len(layer.shape)) if k not in layer.axes]
        apart = np.transpose(z, (*layer.axes, *rest, len(layer.shape))).reshape(
            (*[layer.shape[k] for k in layer.axes], -1)
        )
        fires += bool(facts.opens(layer.pre_activation, apart[unit.unit]).any())
    return fires
