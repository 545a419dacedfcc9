"""What might revive a unit, tried: each change is made, the cases are run again, the result counted.

A unit is revived where it lets gradient through to its own parameters: more than rounding leaves,
in some case, by the way through its own gate. What a penalty adds to them does not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.audit.counting import Counter, Counts, Site
from handgrad.audit.structure import NOISE, OFF, Missing, Remedy, Unit, Verdict
from handgrad.errors import HandgradError
from handgrad.expression import Leaf, walk
from handgrad.operations import operation_of
from handgrad.problem import Problem
from handgrad.running.plan import Plan
from handgrad.running.training import Training
from handgrad.running.units import Own
from handgrad.solution.residues import as_on_paper
from handgrad.updates import Update

DRAWS = 8
"""Times that a unit's weights are drawn anew."""

UPDATES = 10
"""Updates made to see what a smaller rate does."""

LOOK_WORK, FEWEST_LOOKS, MOST_LOOKS = 2_000, 10, 100
"""Looks at a training that goes on, times the length of the equations; each look is a run as on paper."""

MOST_UPDATES, UPDATE_WORK = 2_000, 100_000_000
"""Updates made to see whether going on revives a unit, and products of a parameter and a case in all of
them, at most."""

SMALLER = 0.1
"""A smaller rate, as a share of the problem's own."""

SHARES = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
"""What weights are shrunk to in turn, where what a unit gets is not linear in them."""

MARGIN = 1.02
"""A bias is raised by a little more than is needed, and up to two figures."""

LOOKED = 8
"""Cases in which a unit's own gradient is worked out: those with the most gradient through it."""

Key = tuple[str, tuple[int, ...]]


@dataclass(frozen=True)
class Measured:
    """A changed problem run on the trial's cases.

    `through` is the gradient that comes through each ailing unit, a row a position and a column a
    case; `noise` is what rounding may leave beside the largest of the network.
    """

    counter: Counter
    counts: Mapping[str, Counts]
    block: Mapping[str, Array]
    through: Mapping[Key, Array]
    noise: float


@dataclass
class Trying:
    """Remedies for the units of one audit.

    Arguments:
        problem: its activations are named, and its data have cases.
        block: the cases that remedies are measured on.
        ailing: the units to be revived.
        silencers: of a layer, the units that shut all its ways to the loss.
        fire_on: on how many cases a unit must fire for a bias shift to do.
    """

    problem: Problem
    counter: Counter
    block: Mapping[str, Array]
    ailing: Mapping[Key, Unit]
    silencers: Mapping[str, tuple[Key, ...]]
    fire_on: int = 1
    seed: int = 0
    _shifts: dict[Key, tuple[Measured, dict[str, Any]] | None] = field(default_factory=dict)

    def remedies(self, site: Site, unit: tuple[int, ...]) -> tuple[Remedy, ...]:
        """What was tried on a unit, in the order from the smallest change to the largest."""
        key = site.name, unit
        verdict = self.ailing[key].verdict
        tried = [
            self._bias(key, key),
            *(
                self._bias(key, other)
                for other in self.silencers.get(site.name, ())
                if other != key
            ),
            self._shrink(key),
            self._redraw(key),
            self._leaky(key) if verdict != "saturated" else None,
            # Where there is no loss, what arrives after an update is not known.
            *((self._smaller_rate(key), self._go_on(key)) if self.problem.has_loss else ()),
        ]
        return tuple(r for r in tried if r is not None)

    @property
    def cases(self) -> int:
        return int(next(iter(self.block.values())).shape[-1])

    @cached_property
    def _sites(self) -> dict[str, Site]:
        return {s.name: s for s in self.counter.sites}

    # -- measuring -----------------------------------------------------------------------------------

    def _measured(self, problem: Problem, *, trained: bool = False) -> Measured:
        values = _parameters(problem)
        data = {n: a for n, a in self.block.items() if n in problem.fixed}
        block = {**data, **values}
        counter = self.counter
        if problem.equations != self.problem.equations:
            counter = Counter(problem)
        cases, arrays = counter.look(block, trained=trained)
        counts = counter.counted([(cases, arrays)])
        sites = {s.name: s for s in counter.sites}
        through = {}
        for layer, unit in self.ailing:
            site = sites[layer]
            found = site.layer.apart(arrays[site.through])[unit]
            through[layer, unit] = np.broadcast_to(found, (found.shape[0], cases)).copy()
        sizes = [float(np.abs(arrays[s.through]).max(initial=0.0)) for s in counter.sites]
        return Measured(counter, counts, block, through, NOISE * max(sizes))

    def _remedy(self, kind: Any, found: Measured, key: Key, **fields: Any) -> Remedy:
        layer, unit = key
        counts = found.counts[layer]
        verdict = self.ailing[key].verdict
        fired = float(counts.each(counts.fired)[unit])
        gradient = float(counts.each(counts.passing)[unit]) / counts.cases
        saturated = float(counts.each(counts.saturated)[unit])
        own, noise = self._own_gradient(found, key) if gradient else (0.0, 0.0)
        missing = self._missing(verdict, fired, saturated, counts.cases, own > noise, kind)
        return Remedy(
            kind=kind, works=not missing, fired=fired, cases=counts.cases, gradient=gradient,
            own_gradient=own, noise=noise, missing=missing, saturated=saturated, **fields,
        )  # fmt: skip

    @staticmethod
    def _missing(
        verdict: Verdict, fired: float, saturated: float, cases: int, reached: bool, kind: str
    ) -> Missing:
        if verdict == "saturated" and saturated >= cases:
            return "saturated"
        if reached:
            return ""
        return "off" if verdict in OFF and not fired and kind != "leaky_form" else "starved"

    def _own_gradient(self, found: Measured, key: Key) -> tuple[float, float]:
        """The largest entry of one case's gradient of the unit's own parameters, and what is noise there."""
        layer, unit = key
        site = next(s for s in found.counter.sites if s.name == layer)
        through, noise = found.through[key], found.noise
        sizes = np.abs(through).max(axis=0)
        chosen = [int(c) for c in np.argsort(-sizes, kind="stable")[:LOOKED] if sizes[c] > 0]
        own = site.layer.own(unit)
        if not own:
            return float(sizes.max(initial=0.0)), noise
        plan = Plan(found.counter.graph, lines=found.counter.graph.forward)
        largest = 0.0
        batched = {n for n, g in found.counter.problem.fixed.items() if g.batched}
        values = {**self._given(found.counter.problem), **found.block}
        for case in chosen:
            given = {n: a[..., case : case + 1] if n in batched else a for n, a in values.items()}
            with np.errstate(all="ignore"):
                numbers: dict[Leaf, Array] = plan(given)
            reached = site.layer.reached(unit, numbers, through[:, case])
            for one in own:
                for entry in one.entries:
                    largest = max(largest, abs(float(reached[one.name][entry])))
            if largest > noise:
                break
        return largest, noise

    @staticmethod
    def _given(problem: Problem) -> dict[str, Array]:
        return {n: g.array for n, g in problem.inputs.items()}

    # -- a bias shifted ------------------------------------------------------------------------------

    def _bias(self, key: Key, shifted: Key) -> Remedy | None:
        """A unit measured with the bias of itself, or of one that silences it, shifted."""
        if self.ailing[key].verdict == "starved" and key == shifted:
            return None
        if shifted not in self._shifts:
            self._shifts[shifted] = self._shifted(shifted) if shifted in self.ailing else None
        found = self._shifts[shifted]
        if found is None:
            return None
        return self._remedy("bias_shift", found[0], key, **found[1])

    def _shifted(self, key: Key) -> tuple[Measured, dict[str, Any]] | None:
        site, unit = self._sites[key[0]], key[1]
        z = self.counter.pre_activation(self._whole(), site, unit)
        if self.ailing[key].verdict in OFF:
            highest = z.max(axis=0)
            rank = min(self.fire_on, len(highest))
            amount = -float(np.partition(highest, len(highest) - rank)[len(highest) - rank])
            tried = _above(amount)
        else:
            amount = tried = operation_of(site.call).steep_at - float(np.mean(z))
        bias = self._bias_of(site, unit, z)
        if bias is None or not np.isfinite(tried):
            return None
        name, entry = bias
        fields = {"parameter": name, "entry": entry, "amount": amount + 0.0, "tried": tried + 0.0}
        return self._measured(self._raised(name, entry, tried)), fields

    def _whole(self) -> dict[str, Array]:
        return {**self.block, **_parameters(self.problem)}

    def _bias_of(
        self, site: Site, unit: tuple[int, ...], z: Array
    ) -> tuple[str, tuple[int, ...]] | None:
        """The entry of a parameter that moves this pre-activation by as much as it is moved itself."""
        for one in site.layer.own(unit):
            if one.role != "bias" or len(one.entries) != 1:
                continue
            moved = self._raised(one.name, one.entries[0], 1.0)
            values = {**self.block, **_parameters(moved)}
            after = self.counter.pre_activation(values, site, unit)
            if np.allclose(after, z + 1.0, rtol=1e-9, atol=1e-9):
                return one.name, one.entries[0]
        return None

    def _raised(self, name: str, entry: tuple[int, ...], by: float) -> Problem:
        array = np.array(self.problem.parameters[name].array)
        array[entry] += by
        return self.problem.with_values({name: array})

    # -- weights smaller, or others ------------------------------------------------------------------

    def _weights(self, key: Key) -> tuple[Own, ...]:
        own = self._sites[key[0]].layer.own(key[1])
        return tuple(one for one in own if one.role == "weight")

    def _shrink(self, key: Key) -> Remedy | None:
        """Its own weights smaller: what an L2 penalty or decay on them does in time."""
        weights = self._weights(key)
        if self.ailing[key].verdict not in OFF or not weights:
            return None
        site, unit = self._sites[key[0]], key[1]

        def at(share: float) -> Array:
            scaled = _parameters(self._scaled(weights, share))
            return self.counter.pre_activation({**self.block, **scaled}, site, unit)

        z, bare = self.counter.pre_activation(self._whole(), site, unit), at(0.0)
        # A pre-activation is its bias and a share of what its weights make of what they are given.
        with np.errstate(all="ignore"):
            shares = np.where(bare > 0, bare / (bare - z), 0.0)
            in_line = np.allclose(at(0.5), (bare + z) / 2, rtol=1e-9, atol=1e-12)
        amount = float(shares.max())
        tried = _below(amount)
        if not in_line:
            # Of a distance, say, a share of the weights makes another share: the largest of some that it fires at.
            amount = tried = next((s for s in SHARES if (at(s) > 0).any()), 0.0)
        measured = self._measured(self._scaled(weights, tried))
        return self._remedy("shrink", measured, key, amount=amount, tried=tried)

    def _scaled(self, weights: tuple[Own, ...], share: float) -> Problem:
        arrays = {w.name: np.array(self.problem.parameters[w.name].array) for w in weights}
        for w in weights:
            for entry in w.entries:
                arrays[w.name][entry] *= share
        return self.problem.with_values(arrays)

    def _redraw(self, key: Key) -> Remedy | None:
        """Its own weights from a normal of variance 2/n for n of them (He et al., 2015), its bias 0."""
        layer, unit = key
        own = self._sites[layer].layer.own(unit)
        if self.ailing[key].verdict == "starved" or not self._weights(key):
            return None
        generator = np.random.default_rng([self.seed, *map(ord, layer), *unit])
        each: list[Remedy] = []
        for _ in range(DRAWS):
            arrays = {o.name: np.array(self.problem.parameters[o.name].array) for o in own}
            for one in own:
                if one.role == "factor":
                    continue
                spread = np.sqrt(2 / len(one.entries)) if one.role == "weight" else 0.0
                for entry in one.entries:
                    arrays[one.name][entry] = spread * generator.standard_normal()
            each.append(
                self._remedy("redraw", self._measured(self.problem.with_values(arrays)), key)
            )
        working = sum(r.works for r in each)
        first = next((r for r in each if r.works), each[0])
        return Remedy(
            kind="redraw",
            works=working > 0,
            fired=float(np.mean([r.fired for r in each])),
            cases=each[0].cases,
            gradient=float(np.mean([r.gradient for r in each])),
            own_gradient=first.own_gradient,
            noise=first.noise,
            missing=first.missing,
            saturated=float(np.mean([r.saturated for r in each])),
            draws=len(each),
            draws_firing=sum(r.fired > 0 for r in each),
            draws_working=working,
        )

    # -- the whole network ---------------------------------------------------------------------------

    @cached_property
    def _all_leaky(self) -> Measured | None:
        problem = self.problem
        gates = {
            g.name: g.leaky_form
            for s in self.counter.sites
            if (g := operation_of(s.call)).leaky_form
        }
        for old, new in gates.items():
            problem = problem.with_swap({old: new})
        return self._measured(problem) if gates else None

    def _leaky(self, key: Key) -> Remedy | None:
        """Every gate in its leaky form; for a unit of a layer that is no gate, the gates after it."""
        if self._all_leaky is None:
            return None
        old = operation_of(self._sites[key[0]].call)
        after = (a for s in self.counter.sites if (a := operation_of(s.call).leaky_form))
        return self._remedy(
            "leaky_form", self._all_leaky, key, operation=old.leaky_form or next(after)
        )

    @cached_property
    def _slower(self) -> tuple[Measured, Measured] | None:
        update = self.problem.update
        if update is None:
            return None
        smaller, own = (self._trained(each) for each in (update.scaled(SMALLER), update))
        return (smaller, own) if smaller is not None and own is not None else None

    def _smaller_rate(self, key: Key) -> Remedy | None:
        if self._slower is None:
            return None
        update = self.problem.update
        assert update is not None
        smaller, own = self._slower
        counts = own.counts[key[0]]
        return self._remedy(
            "smaller_rate", smaller, key, updates=UPDATES,
            rate=0.0 if update.rates else update.scaled(SMALLER).rate,
            fired_otherwise=float(counts.each(counts.fired)[key[1]]),
        )  # fmt: skip

    def _training(self, update: Update) -> Training:
        data = {
            n: {"cases": np.moveaxis(a, -1, 0)}
            for n, a in self.block.items()
            if n in self.problem.data
        }
        return Training(
            self.problem.with_values(data).with_parts(update=update), clean=True, paper=as_on_paper
        )

    def _trained(self, update: Update) -> Measured | None:
        try:
            training = self._training(update)
            training.run(UPDATES)
            return self._at(training)
        except HandgradError:
            return None  # the parameters have run away: there is nothing to measure

    def _at(self, training: Training) -> Measured:
        parameters = {n: np.array(a, float) for n, a in training.parameters.items()}
        return self._measured(self.problem.with_values(parameters), trained=True)

    @cached_property
    def _gone_on(self) -> dict[Key, Remedy]:
        """Every unit at the first look after which it is revived, or at the last."""
        update = self.problem.update
        assert update is not None
        size = sum(g.array.size for g in self.problem.parameters.values())
        most = int(np.clip(UPDATE_WORK // max(1, size * self.cases), UPDATES, MOST_UPDATES))
        length = sum(1 for e in self.problem.equations for _ in walk(e.expression))
        every = max(1, most // int(np.clip(LOOK_WORK // length, FEWEST_LOOKS, MOST_LOOKS)))
        found: dict[Key, Remedy] = {}
        left = [
            k for k, unit in self.ailing.items() if unit.revivers is None or not unit.revivers.never
        ]
        try:
            training = self._training(update)
            done = 0
            while left and done < most:
                training.run(min(every, most - done))
                done += min(every, most - done)
                measured = self._at(training)
                for key in list(left):
                    remedy = self._remedy("go_on", measured, key, rate=update.rate, updates=done)
                    found[key] = remedy
                    if remedy.works:
                        left.remove(key)
        except HandgradError:
            pass  # the parameters have run away: what was found before stands
        return found

    def _go_on(self, key: Key) -> Remedy | None:
        if self.problem.update is None:
            return None
        return self._gone_on.get(key)


def _parameters(problem: Problem) -> dict[str, Array]:
    return {n: g.array for n, g in problem.parameters.items()}


def _below(share: float) -> float:
    """A little less than a share, down to two figures: 0.137 becomes 0.13."""
    wanted = share / MARGIN
    if wanted <= 1e-6:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(wanted)) - 1)
    return float(f"{np.floor(wanted / unit) * unit:.6g}")


def _above(amount: float) -> float:
    """A little more than is needed, up to two figures: 0.17 becomes 0.18."""
    if amount <= 0:
        return 1e-6
    wanted = MARGIN * amount
    unit = 10.0 ** (np.floor(np.log10(wanted)) - 1)
    return float(f"{np.ceil(wanted / unit) * unit:.6g}")
