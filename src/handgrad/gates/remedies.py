"""What might revive a unit, tried: each change is made, the cases are run again, the result counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handgrad.errors import HandgradError
from handgrad.expression import Adjoint
from handgrad.gates.counting import Counter, Counts, Site
from handgrad.gates.structure import OFF, Remedy, Verdict
from handgrad.operations import operation_of
from handgrad.operations.operation import Array
from handgrad.problem import Problem
from handgrad.run.training import Training
from handgrad.trace import Zeroed
from handgrad.trace.silencing import Silencing

DRAWS = 8
"""Times that a unit's weights are drawn anew."""

UPDATES = 10
"""Updates made to see what a smaller rate does."""

SMALLER = 0.1
"""A smaller rate, as a share of the problem's own."""

MARGIN = 1.02
"""A bias is raised by a little more than is needed, and up to two figures."""

Key = tuple[str, tuple[int, ...]]


@dataclass
class Trying:
    """Remedies for the units of one audit.

    Arguments:
        problem: its activations are named, and its data have cases.
        block: the cases that remedies are measured on.
        ailing: by layer and unit, the verdicts on those to be revived.
        fire_on: on how many cases a unit must fire for a bias shift to do.
    """

    problem: Problem
    counter: Counter
    silencing: Silencing
    block: Mapping[str, Array]
    ailing: Mapping[Key, Verdict]
    fire_on: int = 1
    seed: int = 0
    _shared: dict[str, list[dict[str, Counts]]] = field(default_factory=dict)

    def remedies(self, site: Site, unit: tuple[int, ...]) -> tuple[Remedy, ...]:
        """What was tried on a unit, in the order from the smallest change to the largest."""
        verdict = self.ailing[site.name, unit]
        tried = [
            self._bias(site, unit, verdict) if verdict != "starved" else None,
            self._ajar(site, unit, verdict),
            self._redraw(site, unit, verdict) if verdict != "starved" else None,
            self._smaller_rate(site, unit, verdict),
        ]
        return tuple(r for r in tried if r is not None)

    @property
    def cases(self) -> int:
        return int(next(iter(self.block.values())).shape[-1])

    # -- measuring -----------------------------------------------------------------------------------

    def _measured(self, problem: Problem) -> dict[str, Counts]:
        if problem.equations != self.problem.equations:
            return Counter(problem).count([self._data(problem)])
        values = {n: g.array for n, g in problem.parameters.items()}
        return self.counter.count([{**self.block, **values}])

    def _data(self, problem: Problem) -> dict[str, Array]:
        return {n: a for n, a in self.block.items() if n in problem.data}

    def _remedy(
        self, kind: Any, counts: Counts, unit: tuple[int, ...], verdict: Verdict, **fields: Any
    ) -> Remedy:
        fired = float(counts.each(counts.fired)[unit])
        gradient = float(counts.each(counts.passing)[unit]) / counts.cases
        saturated = float(counts.each(counts.saturated)[unit])
        works = self._works(verdict, fired, gradient, saturated, counts.cases, kind)
        return Remedy(
            kind=kind, works=works, fired=fired, cases=counts.cases, gradient=gradient,
            saturated=saturated, **fields,
        )  # fmt: skip

    @staticmethod
    def _works(
        verdict: Verdict, fired: float, gradient: float, saturated: float, cases: int, kind: str
    ) -> bool:
        if verdict == "saturated":
            return saturated < cases
        if verdict == "starved" or kind == "ajar":
            return gradient > 0
        return fired > 0

    # -- a bias shifted ------------------------------------------------------------------------------

    def _bias(self, site: Site, unit: tuple[int, ...], verdict: Verdict) -> Remedy | None:
        z = self.counter.pre_activation(self._whole(), site, unit)
        if verdict in OFF:
            rank = min(self.fire_on, len(z))
            amount = -float(np.partition(z, len(z) - rank)[len(z) - rank])
            tried = _above(amount)
        else:
            amount = tried = -float(np.mean(z))
        found = self._bias_of(site, unit, z)
        if found is None or not np.isfinite(tried):
            return None
        name, entry = found
        counts = self._measured(self._raised(name, entry, tried))[site.name]
        return self._remedy(
            "bias_shift", counts, unit, verdict, parameter=name, entry=entry,
            amount=amount + 0.0, tried=tried + 0.0,
        )  # fmt: skip

    def _whole(self) -> dict[str, Array]:
        return {**self.block, **{n: g.array for n, g in self.problem.parameters.items()}}

    def _bias_of(
        self, site: Site, unit: tuple[int, ...], z: Array
    ) -> tuple[str, tuple[int, ...]] | None:
        """The entry of a parameter that moves this pre-activation by as much as it is moved itself."""
        for zeroed in self._silenced_with(site, unit):
            if len(zeroed.entries) != 1:
                continue
            (entry,) = zeroed.entries
            moved = self._raised(zeroed.name, entry, 1.0)
            values = {**self.block, **{n: g.array for n, g in moved.parameters.items()}}
            after = self.counter.pre_activation(values, site, unit)
            if np.allclose(after, z + 1.0, rtol=1e-9, atol=1e-9):
                return zeroed.name, entry
        return None

    def _silenced_with(self, site: Site, unit: tuple[int, ...]) -> tuple[Zeroed, ...]:
        if site.through != Adjoint(site.pre):
            return ()
        return self.silencing.zeroed(Adjoint(site.pre), unit)

    def _raised(self, name: str, entry: tuple[int, ...], by: float) -> Problem:
        array = np.array(self.problem.parameters[name].array)
        array[entry] += by
        return self.problem.with_values({name: array})

    # -- the gate ajar -------------------------------------------------------------------------------

    def _ajar(self, site: Site, unit: tuple[int, ...], verdict: Verdict) -> Remedy | None:
        old = operation_of(site.call)
        new = old.ajar or self._ajar_after(site)
        if not new or verdict == "saturated":
            return None
        if "ajar" not in self._shared:
            problem = self.problem
            for gate in {operation_of(s.call) for s in self.counter.sites}:
                if gate.ajar:
                    problem = problem.with_swap({gate.name: gate.ajar})
            self._shared["ajar"] = [self._measured(problem)]
        counts = self._shared["ajar"][0][site.name]
        return self._remedy("ajar", counts, unit, verdict, operation=new)

    def _ajar_after(self, site: Site) -> str:
        """For a starved unit of a layer that is no gate: the gates after it, set ajar."""
        return next((a for s in self.counter.sites if (a := operation_of(s.call).ajar)), "")

    # -- drawn anew ----------------------------------------------------------------------------------

    def _redraw(self, site: Site, unit: tuple[int, ...], verdict: Verdict) -> Remedy | None:
        if "redraw" not in self._shared:
            self._shared["redraw"] = self._redrawn()
        results = [c[site.name] for c in self._shared["redraw"]]
        if not results or not self._weights(site, unit):
            return None
        each = [self._remedy("redraw", c, unit, verdict) for c in results]
        firing = sum(r.works for r in each)
        return Remedy(
            kind="redraw",
            works=firing > 0,
            fired=float(np.mean([r.fired for r in each])),
            cases=each[0].cases,
            gradient=float(np.mean([r.gradient for r in each])),
            saturated=float(np.mean([r.saturated for r in each])),
            draws=len(each),
            draws_firing=firing,
        )

    def _weights(self, site: Site, unit: tuple[int, ...]) -> bool:
        return bool(self._silenced_with(site, unit))

    def _redrawn(self) -> list[dict[str, Counts]]:
        """Every ailing unit's incoming weights from a normal of variance 2/n for n of them (He et
        al., 2015), its bias zero; all at once, some times over."""
        generator = np.random.default_rng(self.seed)
        sites = {s.name: s for s in self.counter.sites}
        places: list[tuple[str, tuple[tuple[int, ...], ...], bool]] = []
        for (layer, unit), verdict in self.ailing.items():
            if verdict == "starved":
                continue
            z = self.counter.pre_activation(self._whole(), sites[layer], unit)
            bias = self._bias_of(sites[layer], unit, z)
            for zeroed in self._silenced_with(sites[layer], unit):
                is_bias = bias is not None and bias[0] == zeroed.name
                places.append((zeroed.name, zeroed.entries, is_bias))
        results: list[dict[str, Counts]] = []
        for _ in range(DRAWS if places else 0):
            arrays = {n: np.array(self.problem.parameters[n].array) for n, _, _ in places}
            for name, entries, is_bias in places:
                spread = 0.0 if is_bias else np.sqrt(2 / len(entries))
                for entry in entries:
                    arrays[name][entry] = spread * generator.standard_normal()
            results.append(self._measured(self.problem.with_values(arrays)))
        return results

    # -- a smaller rate ------------------------------------------------------------------------------

    def _smaller_rate(self, site: Site, unit: tuple[int, ...], verdict: Verdict) -> Remedy | None:
        update = self.problem.update
        if update is None or not self.problem.parameters:
            return None
        if "rate" not in self._shared:
            rates = (update.rate * SMALLER, update.rate)
            trained = [self._trained(rate) for rate in rates]
            self._shared["rate"] = [t for t in trained if t is not None]
        results = self._shared["rate"]
        if len(results) != 2:
            return None
        smaller, own = (c[site.name] for c in results)
        return self._remedy(
            "smaller_rate", smaller, unit, verdict, rate=update.rate * SMALLER, updates=UPDATES,
            fired_otherwise=float(own.each(own.fired)[unit]),
        )  # fmt: skip

    def _trained(self, rate: float) -> dict[str, Counts] | None:
        data = {n: {"cases": np.moveaxis(a, -1, 0)} for n, a in self._data(self.problem).items()}
        try:
            training = Training(self.problem.with_values({"rate": rate, **data}))
            training.run(UPDATES)
            parameters = {n: np.asarray(a, float) for n, a in training.parameters.items()}
            return self._measured(self.problem.with_values(parameters))
        except HandgradError:
            return None  # the parameters have run away: there is nothing to measure


def _above(amount: float) -> float:
    """A little more than is needed, up to two figures: 0.17 becomes 0.18."""
    if amount <= 0:
        return 1e-6
    wanted = MARGIN * amount
    unit = 10.0 ** (np.floor(np.log10(wanted)) - 1)
    return float(f"{np.ceil(wanted / unit) * unit:.6g}")
