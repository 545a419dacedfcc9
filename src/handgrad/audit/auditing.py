"""The audit: every unit counted over the cases, judged, bounded over a box, and tried to be revived."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from handgrad.arrays import Array, Mask, Precision
from handgrad.audit.audit import Audit
from handgrad.audit.bounding import certificates
from handgrad.audit.box import Box, expect_no_places
from handgrad.audit.counting import Counter, Counts, Site, Tally, silenced_by
from handgrad.audit.remedies import Key, Trying
from handgrad.audit.structure import (
    EXPLODING,
    NEARLY,
    OFF,
    RANKS,
    VANISHING,
    Certificate,
    Flow,
    Layer,
    Remedy,
    Unit,
    Verdict,
    mapped,
)
from handgrad.errors import OptionError
from handgrad.expression import Adjoint, Call, Name, walk
from handgrad.graph import Graph, activations, build
from handgrad.graph.recurrence import time_steps
from handgrad.operations import operation_of
from handgrad.operations.annotate import annotated
from handgrad.operations.gates import is_open
from handgrad.problem import Problem
from handgrad.problem.expected import expect_problem
from handgrad.problem.parts import in_own_names, with_named_activations
from handgrad.running import run
from handgrad.running.cases import open_cases
from handgrad.running.engine import BLOCK
from handgrad.running.reviving import Reviving
from handgrad.running.rows import Examples, examples_as_cases
from handgrad.running.targets import check_targets, targets_of
from handgrad.running.units import Own
from handgrad.solution import Zeroed
from handgrad.solution.silencing import Silencing
from handgrad.solution.slopes import SATURATION
from handgrad.tables import ArrayCases, Cases
from handgrad.text import listed

TRIED = 16
"""Units on which remedies are tried, at most."""

FEWEST_TRIAL, MOST_TRIAL = 128, 10_000
"""Cases on which remedies are measured: no fewer and no more, of those there are."""

TRIAL_WORK = 20_000_000
"""Products of a parameter and a case in one trial, about, at most."""

TRIAL_PRODUCTS = 5e10
"""Products of two numbers in all trials together, about, at most; but one unit is always tried."""

RUNS = 60
"""Passes through the network, forward or back, that the trials of one unit take, about."""

SAMPLE = 24
"""Cases whose gates are kept one by one, for a map."""

FIRST = 1024
"""Cases read to begin with: bad ones among them are reported together."""

LISTED = 512
"""Units whose silenced entries are found, at most."""

ASKED = 128
"""Units of which it is asked what can still move them, at most."""

SILENCING = 5_000_000
"""A gradient with more entries is not searched for those that a unit silences."""

Progress: TypeAlias = Callable[[int, "int | None"], None]
"""Told how many cases have been counted, and of how many, where that is known."""


def gates(  # noqa: PLR0913 - options by keyword
    problem: Problem,
    data: str | Path | Mapping[str, object] | Cases | None = None,
    *,
    over: Box | None = None,
    tighten: bool = False,
    skip_bad: bool = False,
    remedies: bool = True,
    fire_on: int = 1,
    dtype: Precision = np.float64,
    progress: Progress | None = None,
) -> Audit:
    """Audits the gates of a network.

    Arguments:
        problem: the network, at its own numbers.
        data: a file of cases, or arrays by name with the cases on the last axis, or anything that
            gives blocks of cases; the problem's own data where there is none.
        over: a box of inputs, by name the lowest and highest values: what holds all over it.
        tighten: try harder to decide what intervals alone leave open.
        skip_bad: leave out bad rows of a file, and count them.
        remedies: try what might revive the units that are off, starved or saturated.
        fire_on: on how many cases a shifted bias should make a unit fire.
        dtype: float64 or float32.
        progress: told of the cases looked at so far, and of how many there are where that is known.

    Where the problem has one example a row, as in X @ W, or a column, as in W @ X, these are the cases, and
    data and boxes are of one example: X of one row is a vector. Data and boxes that fit X whole are taken so. Memory does not depend on the number of cases. Raises `HandgradError` for data that do not fit.

        >>> audit = handgrad.gates(handgrad.load("lab9"))
        >>> [(unit.layer, unit.unit) for unit in audit.units if unit.verdict == "gated_off"]
        [('h2', (1,))]
    """
    expect_problem(problem)
    if any(g.batched for g in problem.parameters.values()):
        raise OptionError(
            "the problem's parameters have cases: many networks, not one",
            mend="audit one network at a time",
        )
    if fire_on < 1:
        raise OptionError("a unit fires on 1 case at least", where="fire_on")
    if data is None:
        # A problem whose own numbers overflow is refused where `solve` refuses it.
        run(problem, build(problem))
    examples = examples_as_cases(problem)
    if not _fits(examples.problem, data, over or {}):
        examples = Examples(problem)
    problem = examples.problem
    cases = _cases_of(problem, data, skip_bad)
    audit = _Audit(
        problem, cases, over or {}, tighten, fire_on, dtype, progress, own_data=data is None
    ).made(remedies)
    return replace(audit, rows=examples.rows, columns=examples.columns)


def _fits(problem: Problem, data: str | Path | Mapping[str, Any] | Cases | None, over: Box) -> bool:
    """Whether arrays and a box are of one example each; if not they may be of the data whole."""
    shapes = {n: g.shape for n, g in problem.data.items()}
    if any(shapes.get(n) != np.shape(low) for n, (low, _) in over.items()):
        return False
    arrays = data if isinstance(data, Mapping) else {}
    given = {n: a for n, a in arrays.items() if not isinstance(a, str | Path)}
    return all(n not in shapes or np.shape(a)[:-1] == shapes[n] for n, a in given.items())


def _cases_of(
    problem: Problem, data: str | Path | Mapping[str, Any] | Cases | None, skip_bad: bool
) -> Cases:
    if data is None:
        batched = {n: g.array for n, g in problem.fixed.items() if g.batched}
        counts = problem.blocks.counts if problem.blocks is not None else ()
        alone = {n: g.array[..., None] for n, g in problem.data.items() if n not in counts}
        return ArrayCases(batched or alone or {"": np.zeros(1)})
    if isinstance(data, str | Path):
        return open_cases(problem, data, skip_bad=skip_bad)
    if isinstance(data, Mapping):
        if data and all(isinstance(v, str | Path) for v in data.values()):
            return open_cases(problem, data, skip_bad=skip_bad)
        for name, array in data.items():
            shape = problem.data[name].shape if name in problem.data else None
            if shape is None or np.shape(array)[:-1] != shape:
                turned = f": did you mean {name}.T?" * (np.shape(array)[1:] == shape)
                raise OptionError(
                    f"{name} of shape {np.shape(array)} does not fit the problem",
                    mend=f"arrays by name of a datum, the cases on the last axis{turned}",
                )
        return ArrayCases({n: np.asarray(a) for n, a in data.items()})
    return data


@dataclass
class _Audit:
    given: Problem
    data: Cases
    over: Box
    tighten: bool
    fire_on: int
    dtype: Any
    progress: Progress | None
    own_data: bool
    trial: list[dict[str, Array]] = field(default_factory=list)

    def made(self, remedies: bool) -> Audit:
        named, self.parts = with_named_activations(self.given)
        self.problem = self._with_cases(named)
        self.counter = Counter(self.problem, self.dtype)
        if not self.counter.sites:
            raise _without_gates(self.counter.graph)
        graph = self.counter.graph
        expect_no_places(graph, self.over)
        self.silencing = Silencing(graph, SILENCING)
        counts = self.counter.count(self._blocks())
        cases = next(iter(counts.values())).cases
        certified = self._certified(counts)
        units = [u for s in self.counter.sites for u in self._units(s, counts, certified)]
        units = self._with_revivers(units)
        layers = self._layers(counts, units)
        ailing = self._ailing(units, layers)[: self._affordable()] if remedies else []
        found = self._remedies(ailing, layers)
        units = [self._with_remedies(u, found.get((u.layer, u.unit), ())) for u in units]
        return Audit(
            problem=self.given,
            layers=layers,
            units=tuple(units),
            cases=cases,
            skipped=self.data.skipped,
            trial_cases=sum(_length(b) for b in self.trial) if ailing else 0,
            fire_on=self.fire_on,
            threshold=SATURATION,
            over=dict(self.over),
            fixed=tuple(n for n in self.given.data if n not in self.data.names and n),
            own_data=self.own_data,
            tried=len(ailing),
            parts={name: part.formula for name, part in self.parts.items()},
            sample=self._sample(),
        )

    # -- the cases ----------------------------------------------------------------------------------

    def _with_cases(self, problem: Problem) -> Problem:
        """The problem with the data's names in cases, and two of them for a sample."""
        names = [n for n in self.data.names if n]
        left = [n for n, g in problem.fixed.items() if g.batched and n not in names]
        arriving = [n for n, seed in problem.seeds.items() if seed in left]
        if arriving and names:
            raise OptionError(
                f"the upstream gradient of {arriving[0]} is given for the problem's own cases",
                mend="leave out the data, or write it once, without cases",
            )
        if left and names:
            raise OptionError(
                f"{' and '.join(left)} has cases in the problem, and the data do not give it",
                mend=f"give a column, or a file, for {left[0]} too",
            )
        if not names:
            return problem
        first = next(iter(self.data.blocks(FIRST)))
        sample = {n: {"cases": np.moveaxis(np.asarray(first[n])[..., :2], -1, 0)} for n in names}
        return problem.with_values(sample)

    def _blocks(self) -> Iterator[dict[str, Array]]:
        """The cases in blocks that fit the cache; the first of them are kept for trials."""
        size = self.counter.watch.block
        parameters = sum(g.array.size for g in self.problem.parameters.values())
        wanted = int(np.clip(TRIAL_WORK // max(1, parameters), FEWEST_TRIAL, MOST_TRIAL))
        targets = targets_of(self.counter.graph)
        done = 0
        for block in self.data.blocks(max(size, min(BLOCK, 4 * size))):
            given = {n: a for n, a in block.items() if n}
            check_targets(given, targets, done + 1)
            count = _length(block)
            for start in range(0, count, size):
                yield {n: a[..., start : start + size] for n, a in given.items()}
            if wanted > 0 and given:
                self.trial.append({n: np.array(a[..., :wanted]) for n, a in given.items()})
                wanted -= _length(self.trial[-1])
            done += count
            if self.progress is not None:
                self.progress(done, self.data.count)

    def _sample(self) -> tuple[tuple[bool, ...], ...]:
        """Which gates are open in the first cases."""
        first = {n: a[..., :SAMPLE] for n, a in (self.trial[0] if self.trial else {}).items()}
        count, arrays = self.counter.look(first)
        columns: list[Mask] = []
        for site in self.counter.sites:
            z = site.layer.apart(arrays[Name(site.pre)])
            fires = is_open(z, splits_ties=site.splits_ties)
            positions = fires.shape[-2]
            if site.gate and mapped(math.prod(site.units), positions):
                whole = np.broadcast_to(fires, (*site.units, positions, count))
                columns.append(whole.reshape(-1, count))
        rows = np.concatenate(columns).T.tolist() if columns else []
        return tuple(tuple(row) for row in rows)

    # -- verdicts -----------------------------------------------------------------------------------

    def _units(
        self,
        site: Site,
        counts: Mapping[str, Counts],
        certified: Mapping[str, Mapping[tuple[int, ...], Certificate]],
    ) -> Iterator[Unit]:
        cases = counts[site.name].cases
        searched = 0
        for unit, tally in counts[site.name].by_unit():
            certificate = certified.get(site.name, {}).get(unit)
            verdict = self._verdict(site, tally, cases, certificate)
            silences: tuple[Zeroed, ...] = ()
            own: tuple[Own, ...] = ()
            if verdict in OFF or verdict == "starved":
                searched += 1
                if searched <= LISTED:
                    silences = self._silenced(site, unit, verdict, tally)
                    own = site.layer.own(unit)
            yield Unit(
                layer=site.name,
                unit=unit,
                fired=tally.fired,
                cases=cases,
                max_preactivation=tally.largest + 0.0,
                gradient=tally.passing / cases,
                blocked=tally.blocked / cases,
                saturated=tally.saturated,
                verdict=verdict,
                starved_by=self._starved_by(site, tally) if verdict == "starved" else "",
                silences=silences,
                certificate=certificate,
                fired_at=tally.fired_at,
                own=own,
            )

    def _with_revivers(self, units: list[Unit]) -> list[Unit]:
        """Units with what can still move those of them that are off."""
        if not self.problem.update:
            return units
        off = [(u.layer, u.unit) for u in units if u.verdict in OFF][:ASKED]
        layers = {s.name: s.layer for s in self.counter.sites if s.gate}
        found = Reviving(self.problem, self.counter.graph, layers).of(off) if off else {}
        return [replace(u, revivers=found.get((u.layer, u.unit))) for u in units]

    @staticmethod
    def _verdict(site: Site, tally: Tally, cases: int, certificate: Certificate | None) -> Verdict:
        if site.gate and tally.fired == 0:
            if certificate is not None and certificate.decided == "dead":
                return "provably_dead"
            return "gated_off" if cases == 1 else "dead_on_data"
        if tally.passing == 0 and (site.gate or tally.arriving == 0):
            return "starved"
        if tally.saturated == cases:
            return "saturated"
        return "nearly_dead" if site.gate and tally.fired <= NEARLY * cases else "alive"

    def _silenced(
        self, site: Site, unit: tuple[int, ...], verdict: Verdict, tally: Tally
    ) -> tuple[Zeroed, ...]:
        """What gets no gradient: what leads into the unit, and what leads on from one that is off."""
        into: tuple[Zeroed, ...] = ()
        # Of a gate at which nothing arrives, what leads into it gets none whether it is open or shut.
        stops = verdict not in OFF or tally.arriving != 0
        if stops and site.through == Adjoint(site.pre):
            into = self.silencing.zeroed(Adjoint(site.pre), site.layer.select(unit))
        at = site.layer.select(unit)
        on = self.silencing.zeroed(Name(site.name), at) if verdict in OFF else ()
        return into + on

    def _starved_by(self, site: Site, tally: Tally) -> Literal["gates", "zeros"]:
        """Whether every gate after it is shut whenever it fires, or zeros are in the way."""
        gated = bool(self.counter.after[site.name]) and "" not in self.counter.after[site.name]
        return "gates" if gated and not tally.heard else "zeros"

    def _certified(
        self, counts: Mapping[str, Counts]
    ) -> dict[str, dict[tuple[int, ...], Certificate]]:
        if not self.over:
            return {}
        sites = [s for s in self.counter.sites if s.gate]
        wanted = {
            s.name: [u for u in np.ndindex(*s.units) if not counts[s.name].each(counts[s.name].fired)[u]]
            for s in sites
        }  # fmt: skip
        return certificates(self.problem, sites, self.over, wanted if self.tighten else {})

    # -- remedies -----------------------------------------------------------------------------------

    @staticmethod
    def _ailing(units: list[Unit], layers: tuple[Layer, ...]) -> list[Unit]:
        """The units to be revived: those that silence all before them first, then the deadest."""
        last = [x.name for x in layers if x.gate and x.silences and x.shut == units[0].cases][-1:]
        ailing = [u for u in units if u.verdict not in ("alive", "nearly_dead")]
        return sorted(ailing, key=lambda u: (u.layer not in last, RANKS.index(u.verdict)))[:TRIED]

    def _affordable(self) -> int:
        """On how many units remedies are tried: on fewer of a network that takes long to run."""
        cases = sum(_length(b) for b in self.trial)
        return max(1, int(TRIAL_PRODUCTS / (RUNS * max(1, cases) * products(self.counter.graph))))

    def _remedies(
        self, ailing: list[Unit], layers: tuple[Layer, ...]
    ) -> dict[Key, tuple[Remedy, ...]]:
        if not ailing or not self.problem.parameters:
            return {}
        block: dict[str, Array] = {
            n: np.concatenate([b[n] for b in self.trial], axis=-1)
            for n in (self.trial[0] if self.trial else ())
        }
        if not block:
            return {}
        counter = self.counter if self.dtype == np.float64 else Counter(self.problem)
        silencers: dict[str, tuple[Key, ...]] = {}
        for layer in layers:
            if layer.gate and layer.shut == ailing[0].cases:
                shut = tuple((u.layer, u.unit) for u in ailing if u.layer == layer.name)
                silencers.update(dict.fromkeys(layer.silences, shut))
        trying = Trying(
            self.problem, counter, block, {(u.layer, u.unit): u for u in ailing}, silencers, self.fire_on
        )  # fmt: skip
        sites = {s.name: s for s in counter.sites}
        return {(u.layer, u.unit): trying.remedies(sites[u.layer], u.unit) for u in ailing}

    @staticmethod
    def _with_remedies(unit: Unit, remedies: tuple[Remedy, ...]) -> Unit:
        return replace(unit, remedies=remedies) if remedies else unit

    # -- layers -------------------------------------------------------------------------------------

    def _layers(self, counts: Mapping[str, Counts], units: list[Unit]) -> tuple[Layer, ...]:
        sites = self.counter.sites
        norms = {n: c.norm_out / float(np.sqrt(c.cases)) for n, c in counts.items()}
        # Side by side, the last that is written may pass nothing where another does.
        last = next((norms[s.name] for s in reversed(sites) if norms[s.name]), 0.0)
        silenced = silenced_by(self.counter.graph, sites)
        times = time_steps(self.counter.graph)
        layers = []
        for site in sites:
            of = counts[site.name]
            mine = [u for u in units if u.layer == site.name]
            ratio = norms[site.name] / last if last else 0.0
            layers.append(
                Layer(
                    name=site.name,
                    pre_activation=annotated(
                        in_own_names(Name(site.pre), self.parts), self.counter.graph.shape
                    ),
                    operation=site.call.operation,
                    gate=site.gate,
                    units=len(mine),
                    dead=sum(u.verdict in OFF for u in mine),
                    firing=float(np.mean([u.fired_at for u in mine]))
                    / (of.cases * site.layer.positions),
                    gradient_in=of.norm_in / float(np.sqrt(of.cases)),
                    gradient_out=norms[site.name],
                    ratio=ratio,
                    flow=_flow(norms[site.name], ratio),
                    axes=site.layer.axes,
                    shape=site.shape,
                    examples=site.layer.examples,
                    matrix=site.layer.matrix,
                    splits_ties=site.splits_ties,
                    shut=of.shut if site.gate else 0,
                    silences=silenced.get(site.name, ()),
                    time_step=times.get(site.name, 0),
                )
            )
        return tuple(layers)


def _flow(norm: float, ratio: float) -> Flow:
    if norm == 0:
        return "blocked"
    if ratio < VANISHING:
        return "vanishing"
    return "exploding" if ratio > EXPLODING else "steady"


def products(graph: Graph) -> float:
    """About how many products of two numbers one case takes forward.

    Of a matrix product of m×k and k×n it is m k n, the root of the product of three arrays' sizes; of a
    convolution this is less than what there are, by the root of the size of its window.
    """
    total = 1.0
    for node in graph.nodes.values():
        for call in walk(node.written) if node.written is not None else ():
            if isinstance(call, Call):
                sizes = [math.prod(x.shape or ()) for x in (call, *call.arguments[:2])]
                is_product = operation_of(call).family == "linear" and len(sizes) == 3
                total += math.sqrt(math.prod(sizes)) if is_product else sizes[0]
    return total


def _length(block: Mapping[str, Array]) -> int:
    return int(np.shape(next(iter(block.values())))[-1])


def _without_gates(graph: Graph) -> OptionError:
    """Why there is nothing to look at in a problem."""
    fused = [activation.equation for activation in activations(graph) if activation.fused]
    if fused:
        verb = "is" if len(fused) == 1 else "are"
        return OptionError(
            f"the problem has no gates: {listed(fused)} {verb} differentiated as one with the loss",
            mend="no slope of its own is a factor there, as of a softmax with cross-entropy; a gate is relu(…)",
        )
    return OptionError(
        "the problem has no gates: no equation is an activation of something",
        mend="a gate is relu(…); sigmoid and tanh are looked at too",
    )
