"""The search for variants: candidates run many at once, those that keep every promise taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import overload

import numpy as np

from handgrad.arrays import Array, Indices, Mask
from handgrad.errors import OptionError
from handgrad.exercises.candidate_answers import CandidateAnswers
from handgrad.exercises.candidate_events import Events
from handgrad.exercises.candidates import Candidates, Ensemble
from handgrad.exercises.gated_layers import check_possible
from handgrad.exercises.meaning import Meaning, meanings
from handgrad.exercises.promises import Promise, words
from handgrad.exercises.random_numbers import Pool, Stream, drawn, pools, written
from handgrad.exercises.requirements import Requirements
from handgrad.exercises.steering import STEERED, Steering
from handgrad.expression import leaves
from handgrad.problem import Problem
from handgrad.problem.parts import with_named_activations

FIRST, BLOCK = 256, 4096
"""Candidates run at once: few at first, as one sheet is soon found, then twice as many each time."""

NUMBERS = 1 << 20
"""Numbers computed at once, at most, where a candidate takes many."""

TRIED, MOST_TRIED = 1 << 24, 1 << 17
"""Numbers computed, or candidates drawn, before a wish that never came true is given up: a second or so."""

STEERING = 8
"""Steering a candidate takes the work of so many that are only drawn, about."""

SCARCE = 1024
"""Candidates for a sheet, from which on they are steered."""

ENOUGH = 384
"""Candidates with all that is asked for, from which it is told what else can be had."""

FEWEST = 6
"""So many of those must be left with a promise for it to be made."""

SHARE, NICE = 1 / 256, 1 / 12
"""And such a share of those before: of promises that a sheet teaches something, and of pleasant numbers."""

PATIENCE = 64
"""Times the candidates that a sheet is expected to take, before the search is given up."""


@dataclass(frozen=True)
class Variants(Sequence[Problem]):
    """Problems with other numbers; each is made as it is asked for.

    Arguments:
        problem: the problem whose equations they have.
        candidates: how many were drawn to find them.
        promises: what holds of each of them.
        meanings: what its givens were taken to mean.
    """

    problem: Problem
    candidates: int
    promises: tuple[Promise, ...]
    meanings: Mapping[str, Meaning]
    _pools: Mapping[str, Pool]
    _places: Mapping[str, Indices]
    _count: int

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, position: int) -> Problem: ...

    @overload
    def __getitem__(self, position: slice) -> list[Problem]: ...

    def __getitem__(self, position: int | slice) -> Problem | list[Problem]:
        if isinstance(position, slice):
            return [self[k] for k in range(*position.indices(len(self)))]
        at = range(len(self))[position]
        values = {n: written(pool, self._places[n][..., at]) for n, pool in self._pools.items()}
        return self.problem.with_values(
            {n: _cases_first(self.problem, n, value) for n, value in values.items()}
        )

    @cached_property
    def drawn(self) -> Mapping[str, Array]:
        """By given, its numbers in every variant, along the last axis."""
        return {n: self.numbers(n) for n in self.problem.inputs}

    def numbers(self, name: str) -> Array:
        """A given's numbers in every variant, along the last axis."""
        return Candidates(self.problem, self._pools, self._places, self._count)[name]


class Search:
    """A problem and what is asked for, ready to give variants from any seed.

    What can be had is found out once, from candidates of a stream of its own: so every seed has
    the same promises. Raises `OptionError` where a wish cannot be had, naming it.
    """

    def __init__(self, problem: Problem, asked: Requirements) -> None:
        self.problem, self.asked = problem, asked
        # The same computation with every activation under a name, so that inner gates are seen too.
        opened, _ = with_named_activations(problem)
        self._plain, self._opened = Ensemble(problem), Ensemble(opened)
        check_possible(self._opened.graph, asked)
        self.meanings = meanings(problem, self._plain.graph, asked.keep)
        self.pools = pools(problem, self.meanings, asked)
        if not self.pools:
            raise OptionError(
                "nothing is left to draw: every number is held",
                where="--keep" if asked.keep else "",
                mend="keep fewer of them",
            )
        held = {n: g.array for n, g in self._plain.givens.items() if n not in self.pools}
        self._events = Events(self._opened.graph, self.meanings, held, asked)
        if asked.zero_input and not self._events.inputs():
            raise OptionError(
                "the problem has no input of more than one number, one of which could be 0",
                where="--zero-input",
                mend="leave it out",
            )
        self._wishes = tuple(self._events.wishes())
        self._steering: Steering | None = None
        self.promises, self._expected = self._possible()

    def draw(self, count: int, seed: int) -> Variants:
        """`count` variants; the same for the same seed everywhere, however many are drawn.

        Raises `OptionError` for a seed below 0, and where too few can be found.
        """
        if seed < 0:
            raise OptionError(f"a seed is 0 or more, not {seed}", where="--seed")
        stream = Stream(seed)
        kept: list[Mapping[str, Indices]] = []
        candidates = accepted = 0
        most = PATIENCE * (self._expected * count + BLOCK)
        for size in self._sizes():
            block = self._block(stream, size)
            candidates += size
            good = self._with(block)
            chosen = good[: count - accepted]
            kept.append(block.chosen(chosen).places)
            accepted += len(chosen)
            if accepted == count:
                break
            if candidates > most:
                raise OptionError(
                    f"only {accepted} of {count} variants were found among {candidates} drawn",
                    mend="ask for less, or for another grid or level",
                )
        places = {n: np.concatenate([k[n] for k in kept], axis=-1) for n in self.pools}
        return Variants(
            self.problem, candidates, self.promises, self.meanings, self.pools, places, count
        )

    # -- candidates --------------------------------------------------------------------------

    def _sizes(self) -> Iterable[int]:
        most = max(16, min(BLOCK, NUMBERS // self._opened.numbers))
        if self._steering is not None:
            most = min(most, STEERED)
        size = min(FIRST, most)
        while True:
            yield size
            size = min(2 * size, most)

    def _block(self, stream: Stream, size: int) -> Candidates:
        block = Candidates(self.problem, self.pools, drawn(self.pools, stream, size), size)
        return block if self._steering is None else self._steering.steered(block, stream)

    def _with(self, block: Candidates) -> Indices:
        """The positions of the candidates of a block that keep every promise."""
        at = np.arange(block.count)
        with np.errstate(all="ignore"):
            values = self._opened.run(block)
            good = np.ones(block.count, bool)
            for promise in self.promises:
                if promise.kind not in ("answer_not_zero", "rule_shows"):
                    good &= self._events.holds(promise, values)
            at = at[good]
            of_answers = [p for p in self.promises if p.kind in ("answer_not_zero", "rule_shows")]
            if len(at) and of_answers:
                left = block.chosen(at)
                found = self._answers.run(left)
                fine = np.ones(len(at), bool)
                for promise in of_answers:
                    fine &= self._answers.holds(promise, found, left)
                at = at[fine]
        return at

    # -- what can be had -----------------------------------------------------------------------

    @cached_property
    def _answers(self) -> CandidateAnswers:
        return CandidateAnswers(self._plain, self._pair, self.asked)

    def _possible(self) -> tuple[tuple[Promise, ...], int]:
        """Every promise that can be kept, and how many candidates a sheet then takes, about.

        Where chance does not give the units that are to be off, candidates are steered to them.
        """
        found = self._found(TRIED)
        if self.asked.off and (isinstance(found, OptionError) or found[1] > SCARCE):
            self._steering = Steering(
                self.problem, self._opened, self._events.gated, self.pools, self.asked
            )
            steered = self._found(TRIED // STEERING)
            if isinstance(steered, OptionError):
                self._steering = None
            else:
                found = steered
        if isinstance(found, OptionError):
            raise found
        return found

    def _found(self, work: int) -> tuple[tuple[Promise, ...], int] | OptionError:
        stream = Stream(0)
        found: list[Candidates] = []
        flags: list[Mask] = []
        candidates = have = 0
        with np.errstate(all="ignore"):
            for size in self._sizes():
                block = self._block(stream, size)
                values = self._opened.run(block)
                holding = np.array([self._events.holds(w, values) for w in self._wishes])
                good = np.flatnonzero(holding.all(axis=0))
                flags.append(holding)
                found.append(block.chosen(good))
                candidates += size
                have += len(good)
                tried = candidates * self._opened.numbers >= work or candidates >= MOST_TRIED
                if have >= ENOUGH or tried:
                    break
            if not have:
                return self._impossible(np.concatenate(flags, axis=1))
            pool = _together(self.problem, self.pools, found)
            self._pair = pool.chosen(np.array([0, min(1, have - 1)]))
            return self._chosen(pool, candidates)

    def _chosen(self, pool: Candidates, candidates: int) -> tuple[tuple[Promise, ...], int]:
        """The wishes, and of what is wanted besides, in order of weight, all that can be had together."""
        values = self._opened.run(pool)
        answers = self._answers.run(pool)
        alive = np.ones(pool.count, bool)
        promises = list(self._wishes)

        def take(wanted: Iterable[Promise], holds: Callable[[Promise], Mask], share: float) -> None:
            nonlocal alive
            for promise in wanted:
                now = alive & holds(promise)
                if now.sum() >= max(min(FEWEST, alive.sum()), share * alive.sum()):
                    alive = now
                    promises.append(promise)

        def event(promise: Promise) -> Mask:
            return self._events.holds(promise, values)

        def answer(promise: Promise) -> Mask:
            return self._answers.holds(promise, answers, pool)

        take(self._events.usual(), event, SHARE)
        take(self._answers.promises(), answer, SHARE)
        take(self._events.niceties(), event, NICE)
        return tuple(promises), int(candidates / alive.sum()) + 1

    def _impossible(self, flags: Mask) -> OptionError:
        """The error for wishes that never came true together: the one, or the few, that do not."""
        tried = flags.shape[1]
        for size in range(1, len(self._wishes) + 1):
            for which in combinations(range(len(self._wishes)), size):
                if not flags[list(which)].all(axis=0).any():
                    return self._never([self._wishes[k] for k in which], tried)
        raise AssertionError("some wishes never come true together")

    def _never(self, wishes: Sequence[Promise], tried: int) -> OptionError:
        options = dict.fromkeys(o for w in wishes if (o := w.wish))
        said = " and ".join(words(w) for w in wishes)
        kept = self._kept(wishes)
        by = f", with {_listed(kept)} fixed by --keep" if kept else ""
        mend = "ask for less, or for another grid or level"
        if wishes[0].kind == "units_off" and wishes[0].layer is None:
            mend = "by chance about half of the units are off: ask for another count, or by layer, such as --off 1:1"
        if [w.kind for w in wishes][-1] == "off_blocks":
            mend = "no gradient gets as far as a unit that is off"
        if len(options) > 1:
            mend = "each can be had alone: leave one of them out"
        elif kept:
            mend = "keep fewer of the numbers that decide it"
        return OptionError(
            f"{said}: in none of {tried} networks drawn{by}",
            where=" with ".join(options) or "--level",
            mend=mend,
        )

    def _kept(self, wishes: Sequence[Promise]) -> list[str]:
        """The names held on request that what was asked for depends on."""
        graph = self._opened.graph
        if all(w.kind == "zero_input" for w in wishes):
            return [n for n in self.asked.keep if n in self._plain.problem.data]
        gates = {
            leaf.name
            for layer in self._events.gated
            for leaf in leaves(
                graph.nodes[layer.pre_activation.name].written or layer.pre_activation
            )
        }
        return [n for n in self._plain.givens if n in self.asked.keep and n in gates]


def draw(problem: Problem, asked: Requirements, count: int, seed: int) -> Variants:
    """`count` variants of a problem that have what is asked for; the same for the same seed everywhere.

    Raises `OptionError` where that cannot be had, naming the wish.
    """
    if seed < 0:
        raise OptionError(f"a seed is 0 or more, not {seed}", where="--seed")
    return Search(problem, asked).draw(count, seed)


def _together(
    problem: Problem, found: Mapping[str, Pool], parts: Sequence[Candidates]
) -> Candidates:
    places = {n: np.concatenate([p.places[n] for p in parts], axis=-1) for n in found}
    return Candidates(problem, found, places, sum(p.count for p in parts))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _cases_first(problem: Problem, name: str, value: object) -> object:
    given = problem.inputs[name]
    if not given.batched:
        return value
    return {"cases": np.moveaxis(np.array(value, object), -1, 0).tolist()}
