"""Which wrong rule, or pair of them, reproduces a student's figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.checking import slips
from handgrad.checking.figures import Habit, WrittenEntry
from handgrad.checking.formula import CompiledFormula
from handgrad.checking.quantities import Quantity
from handgrad.checking.report import Diagnosis, Done, Numbers, Places
from handgrad.checking.tolerance import ROUNDING, Halves, allowed, halves
from handgrad.checking.words import (
    MISTAKES,
    broadcast_text,
    mistake_text,
    pair_text,
    shape_text,
    slip_text,
    unread_text,
)
from handgrad.checking.work import Work
from handgrad.checking.worlds import World
from handgrad.expression import Leaf
from handgrad.operations.mistakes import OF_UPDATES, PRIORITY, Mistake

NAMED = 3
"""Explanations that are given, at most."""

HIDDEN = 8
"""Steps before whose results were not entered: so many are searched for a mistake."""

PAIRED = 3
"""So many of them are searched for one of two mistakes."""

TRIED = 4_000
"""Mistakes in steps that were not entered, and pairs, that are tried in one set of answers, at most: a
sheet with a slip or two takes some hundred, one of noise would take minutes."""

NEAR = 0.02
"""Figures off by more than this share are no rounded form of what a mistake gives."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A wrong entry, and the numbers that it may have been computed from."""

    quantity: Quantity
    value: Array
    half: Array
    given: Mask
    wrong: Mask
    bases: tuple[Mapping[Leaf, Array], ...]
    own: World

    @property
    def entries(self) -> Places:
        return tuple(tuple(int(i) for i in at) for at in np.argwhere(self.wrong)[:64])

    def fits(self, array: Array) -> bool:
        """Whether an array rounds to the figures."""
        if array.shape != self.value.shape:
            return False
        return bool((np.abs(array - self.value) <= self.half)[self.given].all())

    def is_near(self, array: Array) -> bool:
        """Whether other roundings on the way may lead from an array to the figures."""
        if array.shape != self.value.shape:
            return False
        size = np.maximum(np.abs(array), np.abs(self.value))
        gap = np.abs(array - self.value)
        return bool((gap <= 20 * self.half + NEAR * size)[self.given].all())

    def may_fit(self, formula: CompiledFormula, array: Array) -> bool:
        """Whether a formula leads to the figures from the numbers that the student's were rounded from."""
        if not self.is_near(array):
            return False
        return bool(self.own.leads_to(formula, self.value, self.half)[self.given].all())


def value_of(numbers: Mapping[Leaf, Array], formula: CompiledFormula) -> Array | None:
    """The value of a wrong formula; None where its shapes fit in one case but not in many, or where
    nothing differs from case to case in what it reduces over the cases."""
    try:
        with np.errstate(all="ignore"):
            return np.asarray(formula(numbers), dtype=float)
    except (ValueError, IndexError, ArithmeticError):
        return None


Scored = tuple[tuple[int, ...], Diagnosis]


class Diagnosing:
    """Explains wrong entries of one set of answers."""

    def __init__(self, work: Work, entries: Mapping[Leaf, WrittenEntry], habit: Habit) -> None:
        self.work = work
        self.structure = work.structure
        self.entries = entries
        self.habit = habit
        self._tried = 0

    def of(
        self,
        quantity: Quantity,
        entry: WrittenEntry,
        half: Halves,
        wrong: Mask,
        own: World,
        right: World,
    ) -> tuple[Diagnosis, ...]:
        """The explanations of a wrong entry, best first. `wrong` marks the figures at fault."""
        if not wrong.any():
            return (self._unread(entry),)
        bases: list[Mapping[Leaf, Array]] = [own.values]
        if right is not own:
            bases.append(right.values)
        bases.append(self.work.exact)
        slack = self._slack(entry, half.written)
        given = ~np.isnan(entry.value)
        seen = _Seen(quantity, entry.value, slack, given, wrong, tuple(bases), own)
        found = list(self._singles(seen)) or list(self._within_update(seen))
        if not found:
            found = list(self._slips(seen, entry))
        if not found:
            found = list(self._hidden(seen))
        if not found:
            found = list(self._pairs(seen))
        if not found:
            found = list(self._copied(seen)) or list(self._scaled(seen))
        if not found:
            found = list(self._slips_apart(seen, entry))
        return _best(found)

    def of_shape(
        self, quantity: Quantity, entry: WrittenEntry, own: World
    ) -> tuple[Diagnosis, ...]:
        """Why an entry has a shape that its quantity cannot have."""

        exact = self.work.exact[quantity.leaf]
        half = halves(entry, self.habit, allowed(entry, self.work, quantity.leaf)).written
        half = self._slack(entry, half)
        given = ~np.isnan(entry.value)
        bases = (own.values, self.work.exact)
        seen = _Seen(quantity, entry.value, half, given, given, bases, own)
        turned = exact.ndim == 2 and entry.shape == exact.shape[::-1]
        if turned and any(seen.fits(a.T) for a in (own.value(quantity.formula), exact)):
            rule = "result_transposed"
        else:
            rule, turned = "wrong_shape", False
        plain = shape_text(quantity, entry.shape, exact.shape, transposed=turned)
        found = list(self._singles(seen)) if given.any() else []
        moved = entry.value.ndim > 1 and sorted(entry.shape) == sorted(exact.shape)
        if given.any() and not found and moved and not turned:
            found = list(self._pairs(seen))
        best = [d for d in _best(found) if d.rule != "result_transposed"]
        if not best:
            return (Diagnosis(rule, plain, ()),)
        consequence = broadcast_text(quantity, entry.shape, exact.shape)
        return (replace(best[0], text=(*best[0].text, *consequence)), *best[1:])

    def _slack(self, entry: WrittenEntry, half: Array) -> Array:
        """How far figures may be from what explains them: no further than numbers of their own size allow."""

        sizes = np.abs(entry.value)
        largest = float(np.max(sizes[np.isfinite(sizes)], initial=0.0))
        floor = np.full(entry.value.shape, entry.floor * largest + ROUNDING)
        return np.minimum(half, halves(entry, self.habit, floor).written)

    def _unread(self, entry: WrittenEntry) -> Diagnosis:
        blank = tuple(tuple(int(i) for i in at) for at in np.argwhere(np.isnan(entry.value))[:64])
        return Diagnosis("not_entered", unread_text(blank, bool(entry.faults)), blank)

    # -- one mistake -----------------------------------------------------------------------------

    def _singles(self, seen: _Seen) -> Iterator[Scored]:
        for variant in self.structure.mistakes(seen.quantity):
            numbers = self._numbers(seen, variant.formula)
            if numbers is not None:
                score = (numbers == "rounded", PRIORITY[variant.mistake.rule])
                yield self._scored(seen, variant.mistake, numbers, score)

    def _numbers(self, seen: _Seen, formula: CompiledFormula) -> Numbers | None:
        """What a formula gives the figures from, or may with roundings on the way; else None."""
        arrays = []
        for base in seen.bases:
            if not all(leaf in base for leaf in formula.leaves):
                continue
            array = value_of(base, formula)
            if array is None:
                return None
            arrays.append(array)
            if seen.fits(array):
                return "exact" if base is self.work.exact else "entered"
        if arrays and all(leaf in seen.own.values for leaf in formula.leaves):
            return "rounded" if seen.may_fit(formula, arrays[0]) else None
        return None

    def _scored(
        self, seen: _Seen, mistake: Mistake, numbers: Numbers, score: tuple[int, ...]
    ) -> Scored:
        text = mistake_text(mistake, seen.quantity, self.work.cases)
        done = (Done(seen.quantity, mistake.rule, mistake.formula),)
        return score, Diagnosis(mistake.rule, text, seen.entries, done=done, numbers=numbers)

    # -- slips of the pen ------------------------------------------------------------------------

    def _slips(self, seen: _Seen, entry: WrittenEntry) -> Iterator[Scored]:
        quantity = seen.quantity
        for position, base in enumerate(self._references(seen)):
            for order, slip in enumerate(
                slips.found(entry, seen.half, seen.wrong, base, self.habit)
            ):
                text = slip_text(slip, quantity)
                diagnosis = Diagnosis(
                    slip.rule, text, slip.entries, written=slip.written, meant=slip.meant
                )
                yield (2, order, position), diagnosis
        for k, early in enumerate(self._rounded_early(seen)):
            yield (1, k), Diagnosis("rounded_early", early, seen.entries)

    def _slips_apart(self, seen: _Seen, entry: WrittenEntry) -> Iterator[Scored]:
        """A slip in some of the wrong entries, looked at one by one, where none is in all of them."""
        references = list(self._references(seen))
        slip = slips.apart(entry, seen.half, seen.entries, references, self.habit)
        if slip is not None:
            text = (*slip_text(slip, seen.quantity), ", and that is not all")
            yield (5, 0), Diagnosis(slip.rule, text, slip.entries)

    def _copied(self, seen: _Seen) -> Iterator[Scored]:
        """Another quantity's figures in this one's place."""
        quantity = seen.quantity
        if not quantity.shape:
            return
        for other in self.structure.quantities:
            if other.leaf == quantity.leaf or other.target.startswith("updated"):
                continue
            value = self.work.exact[other.leaf]
            if value.shape == seen.value.shape and np.any(value) and seen.fits(value):
                text = slip_text(slips.Slip("another_quantity", seen.entries), quantity, other)
                yield (3, 0), Diagnosis("another_quantity", text, seen.entries)
                return

    def _scaled(self, seen: _Seen) -> Iterator[Scored]:
        """Every entry off by the same factor, whatever it comes of."""
        for reference in self._references(seen):
            factor = slips.factor(seen.value, reference, seen.half, self.habit)
            if factor is not None:
                by = f"{factor:.4g}"
                text = slip_text(slips.Slip("scaled", seen.entries, by), seen.quantity)
                yield (7, 0), Diagnosis("scaled", text, seen.entries, written=by)
                return

    def _references(self, seen: _Seen) -> Iterator[Array]:
        """What the figures should have been: from the student's own numbers, and exactly."""
        formula = seen.quantity.formula
        yield seen.own.value(formula)
        yield self.work.exact[seen.quantity.leaf]

    def _rounded_early(self, seen: _Seen) -> Iterator[tuple[str, ...]]:
        """Roundings of the numbers before it, to fewer digits than shown, that lead to the figures."""
        formula = seen.quantity.formula
        carried = [leaf for leaf in formula.leaves if leaf not in self.work.given_leaves]
        if not carried:
            return
        for base in (self.work.exact, seen.own.values):
            for words, rounded in slips.roundings(self.habit):
                values = {leaf: base[leaf] for leaf in formula.leaves}
                values.update({leaf: rounded(base[leaf]) for leaf in carried})
                with np.errstate(all="ignore"):
                    array = np.asarray(formula(values), dtype=float)
                if seen.fits(array):
                    yield (f"the numbers it is computed from were rounded to {words} too early",)
                    return

    # -- a mistake in a step that was not entered -------------------------------------------------

    def _hidden_before(self, quantity: Quantity, most: int) -> list[Quantity]:
        """What leads to a quantity and was not entered, the nearest last."""
        wanted: dict[Leaf, None] = {}
        stack = list(quantity.formula.leaves)
        while stack:
            leaf = stack.pop()
            if leaf in wanted or leaf in self.entries or leaf in self.work.given_leaves:
                continue
            wanted[leaf] = None
            stack.extend(self.structure.by_leaf[leaf].formula.leaves)
        return [q for q in self.structure.quantities if q.leaf in wanted][-most:]

    def _within_update(self, seen: _Seen) -> Iterator[Scored]:
        """What an update is known to be made without, in the lines that lead to the parameter's new value."""
        return self._hidden(seen, OF_UPDATES) if seen.quantity.phase == "update" else iter(())

    def _hidden(self, seen: _Seen, rules: frozenset[str] | None = None) -> Iterator[Scored]:
        """Mistakes where nothing was entered: by every rule, or by some rules in lines of the update alone."""
        sites = self._hidden_before(seen.quantity, HIDDEN)
        for distance, site in enumerate(reversed(sites)):
            if rules is not None and site.phase != "update":
                continue
            for variant in self.structure.mistakes(site):
                if rules is not None and variant.mistake.rule not in rules:
                    continue
                if not self._room():
                    return
                wrong = {site.leaf: variant.formula}
                own = self._leads(seen, seen.own.values, sites, wrong)
                if own or self._leads(seen, self.work.exact, sites, wrong):
                    text = mistake_text(variant.mistake, site, self.work.cases, site.step)
                    score = (4, distance, PRIORITY[variant.mistake.rule])
                    supposed = [(s, wrong.get(s.leaf, s.formula)) for s in sites] if own else []
                    diagnosis = Diagnosis(
                        variant.mistake.rule,
                        text,
                        seen.entries,
                        site.step,
                        tuple(supposed),
                        (Done(site, variant.mistake.rule, variant.mistake.formula),),
                        numbers="entered" if own else "exact",
                    )
                    yield score, diagnosis

    def _after(
        self,
        base: Mapping[Leaf, Array],
        sites: list[Quantity],
        wrong: Mapping[Leaf, CompiledFormula],
    ) -> dict[Leaf, Array] | None:
        """The numbers of a base with some steps that were not entered done wrong."""
        numbers = dict(base)
        for site in sites:
            formula = wrong.get(site.leaf, site.formula)
            if any(leaf not in numbers for leaf in formula.leaves):
                return None
            value = value_of(numbers, formula)
            if value is None or value.shape != np.shape(self.work.exact[site.leaf]):
                return None
            numbers[site.leaf] = value
        return numbers

    # -- two mistakes ----------------------------------------------------------------------------

    def _pairs(self, seen: _Seen) -> Iterator[Scored]:
        quantity = seen.quantity
        for first, second, formula in self.structure.pairs_of(quantity):
            if not self._room():
                return
            numbers = self._numbers(seen, formula)
            if numbers is not None:
                # The second was made with what the first had left of the formula.
                yield self._paired(seen, (first, quantity), (second, quantity), 5, numbers)
        sites = self._hidden_before(quantity, PAIRED)
        last = [(quantity, v) for v in self.structure.mistakes(quantity)]
        for position, site in enumerate(sites):
            later = [(s, v) for s in sites[position + 1 :] for v in self.structure.mistakes(s)]
            for one in self.structure.mistakes(site):
                for other_site, other in [*later, *last]:
                    if not self._room():
                        return
                    wrong = {site.leaf: one.formula, other_site.leaf: other.formula}
                    own = self._leads(seen, seen.own.values, sites, wrong)
                    if own or self._leads(seen, self.work.exact, sites, wrong):
                        pair = (one.mistake, site), (other.mistake, other_site)
                        yield self._paired(seen, *pair, 6, "entered" if own else "exact")

    def _room(self) -> bool:
        """Whether one more mistake that lies elsewhere, or pair, may be tried in these answers."""
        self._tried += 1
        return self._tried <= TRIED

    def _leads(
        self,
        seen: _Seen,
        base: Mapping[Leaf, Array],
        sites: list[Quantity],
        wrong: Mapping[Leaf, CompiledFormula],
    ) -> bool:
        """Whether mistakes in steps that were not entered, or in the last one, give the figures."""
        numbers = self._after(base, sites, wrong)
        end = wrong.get(seen.quantity.leaf, seen.quantity.formula)
        if numbers is None or any(leaf not in numbers for leaf in end.leaves):
            return False
        value = value_of(numbers, end)
        return value is not None and seen.fits(value)

    def _paired(
        self,
        seen: _Seen,
        first: tuple[Mistake, Quantity],
        second: tuple[Mistake, Quantity],
        score: int,
        numbers: Numbers,
    ) -> Scored:
        rules = sorted((first[0].rule, second[0].rule), key=lambda r: PRIORITY[r])
        text = pair_text(first, second, self.work.cases)
        priority = sum(PRIORITY[r] for r in rules)
        done = tuple(Done(q, m.rule, m.formula) for m, q in (first, second))
        diagnosis = Diagnosis("+".join(rules), text, seen.entries, done=done, numbers=numbers)
        return (score, priority), diagnosis


def _best(found: list[Scored]) -> tuple[Diagnosis, ...]:
    """The explanations in order, each rule once, and none that a more precise one has said."""
    unique: dict[str, Diagnosis] = {}
    for _, diagnosis in sorted(found, key=lambda s: s[0]):
        if unique.keys().isdisjoint(SAID_BY.get(diagnosis.rule, ())):
            unique.setdefault(diagnosis.rule, diagnosis)
    return tuple(unique.values())[:NAMED]


SAID_BY: Mapping[str, frozenset[str]] = {
    "factor_left_out": frozenset({"gate_forgotten", "slope_forgotten"}),
    "result_transposed": frozenset({"outer_transposed", "transposed"}),
    "path_left_out": frozenset({"penalty_left_out"}),
    "factor_two": frozenset({"inner_factor_forgotten", "penalty_half"}),
    "factor_half": frozenset({"inner_factor_forgotten", "penalty_two"}),
    "last_digit": frozenset({"cut"}),
    "digit_slip": frozenset({"cut"}),
    # The same figures, and the same advice in other words.
    "sign_lost": frozenset({"target_minus_prediction", "update_sign"}),
    "difference_reversed": frozenset({"target_minus_prediction", "sign_lost"}),
    # The wrong number is taken from somewhere: true of most mistakes.
    "another_taken": frozenset(MISTAKES) - {"another_taken"},
}
"""By general rule, those that say the same more precisely."""
