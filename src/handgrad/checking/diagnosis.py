"""Which wrong rule, or pair of them, reproduces a student's figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.checking import slips
from handgrad.checking.explaining import Explaining, Found, Scored, Seen
from handgrad.checking.figures import Habit, Habits, ManyEntries, WrittenEntry
from handgrad.checking.formula import CompiledFormula
from handgrad.checking.quantities import Quantity
from handgrad.checking.report import Diagnosis, Done, Numbers
from handgrad.checking.sheets import Sheets
from handgrad.checking.tolerance import ROUNDING, Halves, allowed, halves, held, tells
from handgrad.checking.unentered import Unentered, value_of
from handgrad.checking.words import (
    broadcast_text,
    mistake_text,
    pair_text,
    shape_text,
    slip_text,
    unread_text,
)
from handgrad.checking.worlds import World
from handgrad.expression import Leaf
from handgrad.operations.mistakes import OF_UPDATES, OVER_CASES, PRIORITY, Mistake
from handgrad.text import Text

UNREAD = "not_entered"
"""The rule of what is only not complete."""

HIDDEN = 8
"""Steps before whose results were not entered: so many are searched for a mistake."""

PAIRED = 3
"""So many of them are searched for one of two mistakes."""

TRIED = 4_000
"""Mistakes in steps that were not entered, and pairs, that are tried in one set of answers, at most: a
sheet with a slip or two takes some hundred, one of noise would take minutes."""


def has_decimal_commas(entry: WrittenEntry, shape: tuple[int, ...]) -> bool:
    """Whether an array has twice as many entries as it should, and every second is digits alone: 0,76 for 0.76."""
    last = (*(shape or (1,))[:-1], 2 * (shape or (1,))[-1])
    after = [figure.text for at, figure in entry.figures.items() if at and at[-1] % 2]
    return entry.shape == last and bool(after) and all(text.isdigit() for text in after)


def unread(entry: WrittenEntry) -> Diagnosis:
    """That some cells hold no figure, and the rest is right."""
    blank = tuple(tuple(int(i) for i in at) for at in np.argwhere(np.isnan(entry.value))[:64])
    return Diagnosis(UNREAD, unread_text(blank, bool(entry.faults)), blank)


class Diagnosing:
    """Explains wrong entries of some sets of answers.

    Arguments:
        sheets: the sheets of answers.
        entries: what was entered on all of them, by quantity.
        habit: how many digits their figures have.
    """

    def __init__(
        self,
        sheets: Sheets,
        entries: Mapping[Leaf, WrittenEntry | ManyEntries],
        habit: Habit | Habits,
    ) -> None:
        self.sheets = sheets
        self.work = sheets.work
        self.structure = self.work.structure
        self.entries = entries
        self.habit = habit
        self._tried = np.zeros(sheets.count, dtype=int)

    def of(
        self,
        quantity: Quantity,
        entry: WrittenEntry | ManyEntries,
        half: Halves,
        wrong: Mask,
        own: World,
        right: World | None,
    ) -> Explaining:
        """The explanations of a wrong entry. `wrong` marks the figures at fault; `right` are other numbers than the
        student's own, where there are such."""
        given = ~np.isnan(entry.value)
        sheets = self.sheets
        incomplete = np.atleast_1d(sheets.any(given) & ~sheets.all(given) & ~sheets.any(wrong))
        found = Explaining(np.flatnonzero(np.atleast_1d(sheets.any(wrong)) | incomplete))
        bases: list[Mapping[Leaf, Array]] = [own.values]
        if right is not None:
            bases.append(right.values)
        bases.append(sheets.exact)
        slack = self._slack(entry, half.written)
        untold = ~sheets.any(wrong & tells(entry))
        if sheets.some(untold):
            largest = sheets.largest(sheets.exact[quantity.leaf])
            slack = np.where(untold, held(entry.value, slack, largest), slack)
        everything = np.arange(sheets.count)
        seen = Seen(everything, quantity, entry, slack, wrong, tuple(bases), own, self.habit)
        found.add(seen, [Found(UNREAD, (0,), incomplete, lambda at: unread(entry.sheet(at)))])
        left = np.flatnonzero(np.atleast_1d(sheets.any(wrong)))
        if len(left):
            self._explain(found, seen.only(left))
        return found

    def _explain(self, found: Explaining, seen: Seen) -> None:
        """Looks for explanations, where there are none by one way by the next."""
        for way in (
            self._singles,
            self._within_update,
            self._slips,
            self._hidden,
            self._pairs,
            self._copied,
            self._scaled,
            self._slips_apart,
        ):
            # One digit, or a 0, is no sign of two mistakes.
            looked = seen.telling_only() if way == self._pairs else seen
            if looked is not None:
                found.add(looked, way(looked))
            left = found.open(seen)
            if left is None:
                return
            seen = left

    def of_shape(
        self, quantity: Quantity, entry: WrittenEntry, own: World
    ) -> tuple[Diagnosis, ...]:
        """Why an entry has a shape that its quantity cannot have."""

        exact = self.work.exact[quantity.leaf]
        half = halves(entry, self.habit, allowed(entry, self.sheets, quantity.leaf)).written
        half = self._slack(entry, half)
        given = ~np.isnan(entry.value)
        bases = (own.values, self.work.exact)
        seen = Seen(np.zeros(1, int), quantity, entry, half, given, bases, own, self.habit)
        turned = exact.ndim == 2 and entry.shape == exact.shape[::-1]
        if turned and any(seen.fits(a.T) for a in (own.value(quantity.formula), exact)):
            rule = "result_transposed"
        else:
            rule, turned = "wrong_shape", False
        plain = shape_text(quantity, entry.shape, exact.shape, transposed=turned)
        found = Explaining(seen.which)
        moved = entry.value.ndim > 1 and sorted(entry.shape) == sorted(exact.shape)
        if given.any():
            found.add(seen, self._singles(seen))
            if found.open(seen) is not None:
                found.add(seen, self._cases_in_rows(seen))
            if found.open(seen) is not None and moved and not turned:
                found.add(seen, self._pairs(seen))
        best = [d for d in found.all_of(0) if d.rule != "result_transposed"]
        if not best and has_decimal_commas(entry, exact.shape):
            plain = (*plain, "; a comma stands between entries: a decimal has a point, 0.5")
        if not best:
            return (Diagnosis(rule, plain, ()),)
        if best[0].rule in OVER_CASES.values():
            return tuple(best)
        consequence = broadcast_text(quantity, entry.shape, exact.shape)
        return (replace(best[0], text=(*best[0].text, *consequence)), *best[1:])

    def _slack(self, entry: WrittenEntry | ManyEntries, half: Array) -> Array:
        """How far figures may be from what explains them: no further than numbers of their own size allow."""

        floor = entry.floor * self.sheets.largest(entry.value) + ROUNDING
        floor = np.broadcast_to(floor, entry.value.shape)
        return np.minimum(half, halves(entry, self.habit, floor).written)

    # -- one mistake -----------------------------------------------------------------------------

    def _singles(self, seen: Seen) -> Iterator[Found]:
        for variant in self.structure.mistakes(seen.quantity):
            for numbers, where in self._numbers(seen, variant.formula):
                score = (numbers == "rounded", PRIORITY[variant.mistake.rule])
                told = partial(self._told, seen, variant.mistake, numbers)
                yield Found(variant.mistake.rule, score, where, told)

    def _cases_in_rows(self, seen: Seen) -> Iterator[Found]:
        """The cases' own figures in place of what they come to together, a case in each row."""
        for variant in self.structure.mistakes(seen.quantity):
            if variant.mistake.rule not in OVER_CASES.values():
                continue
            for base in seen.bases:
                value = value_of(base, variant.formula, seen.sheets)
                if value is not None and seen.fits(np.moveaxis(value, -1, 0)):
                    numbers: Numbers = "exact" if base is seen.bases[-1] else "entered"
                    told = partial(self._told, seen, variant.mistake, numbers)
                    yield Found(variant.mistake.rule, (0,), seen.on(0), told)

    def _numbers(self, seen: Seen, formula: CompiledFormula) -> Iterator[tuple[Numbers, Mask]]:
        """What a formula gives the figures from, or may with roundings on the way, and on which sheets."""
        arrays = []
        open_ = ~seen.sheets.none
        exact = seen.bases[-1]
        found: dict[Numbers, Mask] = {}
        for base in seen.bases:
            if not all(leaf in base for leaf in formula.leaves):
                continue
            array = value_of(base, formula, seen.sheets, in_cases=seen.in_cases)
            if array is None:
                return
            arrays.append(array)
            fits = open_ & seen.fits(array)
            numbers: Numbers = "exact" if base is exact else "entered"
            found[numbers] = found.get(numbers, seen.sheets.none) | fits
            open_ = open_ & ~fits
            if not seen.sheets.some(open_):
                break
        else:
            known = all(leaf in seen.own.values for leaf in formula.leaves)
            if arrays and known and formula.batched == seen.in_cases:
                found["rounded"] = seen.may_fit(formula, arrays[0], open_)
        yield from ((numbers, where) for numbers, where in found.items() if seen.sheets.some(where))

    def _told(self, seen: Seen, mistake: Mistake, numbers: Numbers, at: int) -> Diagnosis:
        text = mistake_text(self._named(mistake, seen.quantity), seen.quantity, self.work.cases)
        done = (Done(seen.quantity, mistake.rule, mistake.formula),)
        return Diagnosis(mistake.rule, text, seen.entries(at), done=done, numbers=numbers)

    def _named(self, mistake: Mistake, quantity: Quantity) -> Mistake:
        """A mistake with what it is about in names that the worked solution has at a quantity's step."""
        about = [self.structure.named(part, quantity) for part in mistake.about]
        part = mistake.part and self.structure.named(mistake.part, quantity)
        return replace(mistake, about=tuple(about), part=part)

    # -- slips of the pen ------------------------------------------------------------------------

    def _slips(self, seen: Seen) -> Iterator[Found]:
        references = list(self._references(seen))
        for at in range(len(seen.which)):
            for score, diagnosis in self._slips_on(seen, references, at):
                yield Found(diagnosis.rule, score, seen.on(at), lambda _, told=diagnosis: told)  # type: ignore[misc]
        yield from self._rounded_early(seen)

    def _slips_on(self, seen: Seen, references: Sequence[Array], at: int) -> Iterator[Scored]:
        """The slips of the pen on one of the sheets."""
        sheets, entry, habit = seen.sheets, seen.entry.sheet(at), seen.habit.sheet(at)
        half, wrong = sheets.one(seen.half, at), sheets.one(seen.wrong, at)
        for position, reference in enumerate(references):
            base = sheets.one(reference, at)
            for order, slip in enumerate(slips.found(entry, half, wrong, base, habit)):
                text = slip_text(slip, seen.quantity)
                yield (
                    (2, order, position),
                    Diagnosis(
                        slip.rule, text, slip.entries, written=slip.written, meant=slip.meant
                    ),
                )

    def _slips_apart(self, seen: Seen) -> Iterator[Found]:
        """A slip in some of the wrong entries, looked at one by one, where none is in all of them."""
        references = list(self._references(seen))
        for at in range(len(seen.which)):
            bases = [seen.sheets.one(reference, at) for reference in references]
            half, habit = seen.sheets.one(seen.half, at), seen.habit.sheet(at)
            slip = slips.apart(seen.entry.sheet(at), half, seen.entries(at), bases, habit)
            if slip is not None:
                text = (*slip_text(slip, seen.quantity), ", and that is not all")
                told = Diagnosis(slip.rule, text, slip.entries)
                yield Found(told.rule, (5, 0), seen.on(at), lambda _, told=told: told)  # type: ignore[misc]

    def _copied(self, seen: Seen) -> Iterator[Found]:
        """Another quantity's figures in this one's place."""
        quantity, sheets = seen.quantity, seen.sheets
        if not quantity.shape:
            return
        open_ = ~sheets.none
        exact = seen.bases[-1]
        for other in self.structure.quantities:
            if other.leaf == quantity.leaf or other.target.startswith("updated"):
                continue
            where = open_ & seen.fits(exact[other.leaf]) & sheets.any(exact[other.leaf] != 0)
            if sheets.some(where):
                yield Found(
                    "another_quantity", (3, 0), where, partial(self._told_copied, seen, other)
                )
                open_ = open_ & ~where
                if not sheets.some(open_):
                    return

    def _told_copied(self, seen: Seen, other: Quantity, at: int) -> Diagnosis:
        places = seen.entries(at)
        named = self.structure.named(other.shown, seen.quantity)
        text = slip_text(slips.Slip("another_quantity", places), seen.quantity, named)
        return Diagnosis("another_quantity", text, places)

    def _scaled(self, seen: Seen) -> Iterator[Found]:
        """Every entry off by the same factor, whatever it comes of."""
        references = list(self._references(seen))
        for at in range(len(seen.which)):
            value, half = seen.sheets.one(seen.value, at), seen.sheets.one(seen.half, at)
            habit = seen.habit.sheet(at)
            bases = (seen.sheets.one(reference, at) for reference in references)
            every = (slips.factor(value, base, half, habit) for base in bases)
            factor = next((f for f in every if f is not None), None)
            if factor is not None:
                by, places = f"{factor:.4g}", seen.entries(at)
                text = slip_text(slips.Slip("scaled", places, by), seen.quantity)
                told = Diagnosis("scaled", text, places, written=by)
                yield Found(told.rule, (7, 0), seen.on(at), lambda _, told=told: told)  # type: ignore[misc]

    def _references(self, seen: Seen) -> Iterator[Array]:
        """What the figures should have been: from the student's own numbers, and exactly."""
        yield seen.own.value(seen.quantity.formula)
        yield seen.bases[-1][seen.quantity.leaf]

    def _rounded_early(self, seen: Seen) -> Iterator[Found]:
        """Roundings of the numbers before it, to fewer digits than shown, that lead to the figures."""
        formula = seen.quantity.formula
        carried = [leaf for leaf in formula.leaves if leaf not in self.work.given_leaves]
        if not carried:
            return
        habits = [seen.habit.sheet(at) for at in range(len(seen.which))]
        most = np.array([habit.most for habit in habits])
        open_ = ~seen.sheets.none
        for base in (seen.bases[-1], seen.own.values):
            for digits, words, rounded in slips.roundings(int(most.max())):
                where = open_ & seen.of_each(most > digits)
                if not seen.sheets.some(where):
                    continue
                values = {leaf: base[leaf] for leaf in formula.leaves}
                values.update({leaf: rounded(base[leaf]) for leaf in carried})
                array = seen.sheets.run(formula, values)
                where = where & seen.fits(array)
                if seen.sheets.some(where):
                    early = (f"the numbers it is computed from were rounded to {words} too early",)
                    told = partial(self._told_early, seen, early)
                    yield Found("rounded_early", (1, 0), where, told)
                    open_ = open_ & ~where

    @staticmethod
    def _told_early(seen: Seen, text: Text, at: int) -> Diagnosis:
        return Diagnosis("rounded_early", text, seen.entries(at))

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

    def _within_update(self, seen: Seen) -> Iterator[Found]:
        """What an update is known to be made without, in the lines that lead to the parameter's new value."""
        return self._hidden(seen, OF_UPDATES) if seen.quantity.phase == "update" else iter(())

    def _hidden(self, seen: Seen, rules: frozenset[str] | None = None) -> Iterator[Found]:
        """Mistakes where nothing was entered: by every rule, or by some rules in lines of the update alone."""
        sites = self._hidden_before(seen.quantity, HIDDEN)
        steps = self._steps(seen, sites)
        for distance, site in enumerate(reversed(sites)):
            if rules is not None and site.phase != "update":
                continue
            for variant in self.structure.mistakes(site):
                if rules is not None and variant.mistake.rule not in rules:
                    continue
                room = self._room(seen)
                if not seen.sheets.some(room):
                    return
                wrong = {site.leaf: variant.formula}
                score = (4, distance, PRIORITY[variant.mistake.rule])
                supposed = tuple([(s, wrong.get(s.leaf, s.formula)) for s in sites])
                for numbers, where in self._leads(seen, room, steps, wrong):
                    own = supposed if numbers == "entered" else ()
                    told = partial(self._told_hidden, seen, site, variant.mistake, own, numbers)
                    yield Found(variant.mistake.rule, score, where, told)

    def _told_hidden(
        self,
        seen: Seen,
        site: Quantity,
        mistake: Mistake,
        supposed: tuple[tuple[Quantity, CompiledFormula], ...],
        numbers: Numbers,
        at: int,
    ) -> Diagnosis:
        return Diagnosis(
            mistake.rule,
            mistake_text(self._named(mistake, site), site, self.work.cases, site.step),
            seen.entries(at),
            site.step,
            supposed,
            (Done(site, mistake.rule, mistake.formula),),
            numbers=numbers,
        )

    def _steps(self, seen: Seen, sites: list[Quantity]) -> dict[Numbers, Unentered]:
        """The steps from the student's own numbers, and from the exact ones."""
        bases: dict[Numbers, Mapping[Leaf, Array]] = {
            "entered": seen.own.values,
            "exact": seen.bases[-1],
        }
        exact = self.work.exact
        return {n: Unentered(base, seen.sheets, sites, exact) for n, base in bases.items()}

    # -- two mistakes ----------------------------------------------------------------------------

    def _pairs(self, seen: Seen) -> Iterator[Found]:
        quantity = seen.quantity
        for first, second, formula in self.structure.pairs_of(quantity):
            room = self._room(seen)
            if not seen.sheets.some(room):
                return
            for numbers, where in self._numbers(seen, formula):
                # The second was made with what the first had left of the formula.
                yield self._paired(
                    seen, ((first, quantity), (second, quantity)), 5, numbers, where & room
                )
        sites = self._hidden_before(quantity, PAIRED)
        steps = self._steps(seen, sites)
        last = [(quantity, v) for v in self.structure.mistakes(quantity)]
        for position, site in enumerate(sites):
            later = [(s, v) for s in sites[position + 1 :] for v in self.structure.mistakes(s)]
            for one in self.structure.mistakes(site):
                for other_site, other in [*later, *last]:
                    room = self._room(seen)
                    if not seen.sheets.some(room):
                        return
                    wrong = {site.leaf: one.formula, other_site.leaf: other.formula}
                    pair = (one.mistake, site), (other.mistake, other_site)
                    for numbers, where in self._leads(seen, room, steps, wrong):
                        yield self._paired(seen, pair, 6, numbers, where)

    def _room(self, seen: Seen) -> Mask:
        """By sheet, whether one more mistake that lies elsewhere, or pair, may be tried in its answers."""
        self._tried[seen.which] += 1
        return seen.of_each(self._tried[seen.which] <= TRIED)

    def _leads(
        self,
        seen: Seen,
        room: Mask,
        steps: Mapping[Numbers, Unentered],
        wrong: Mapping[Leaf, CompiledFormula],
    ) -> Iterator[tuple[Numbers, Mask]]:
        """From which numbers mistakes in steps that were not entered, or in the last one, give the figures, and on
        which sheets."""
        sheets = seen.sheets
        end = wrong.get(seen.quantity.leaf, seen.quantity.formula)
        open_ = room
        for numbers, unentered in steps.items():
            after = unentered.with_wrong(wrong)
            if after is None or any(leaf not in after for leaf in end.leaves):
                continue
            value = value_of(after, end, sheets, in_cases=seen.in_cases)
            if value is None:
                continue
            where = open_ & seen.fits(value)
            if sheets.some(where):
                yield numbers, where
                open_ = open_ & ~where
                if not sheets.some(open_):
                    return

    def _paired(
        self,
        seen: Seen,
        pair: tuple[tuple[Mistake, Quantity], tuple[Mistake, Quantity]],
        score: int,
        numbers: Numbers,
        where: Mask,
    ) -> Found:
        rules = sorted((mistake.rule for mistake, _ in pair), key=lambda r: PRIORITY[r])
        priority = sum(PRIORITY[r] for r in rules)
        rule = "+".join(rules)
        told = partial(self._told_pair, seen, pair, rule, numbers)
        return Found(rule, (score, priority), where, told)

    def _told_pair(
        self,
        seen: Seen,
        pair: tuple[tuple[Mistake, Quantity], tuple[Mistake, Quantity]],
        rule: str,
        numbers: Numbers,
        at: int,
    ) -> Diagnosis:
        (first, one), (second, other) = pair
        named = (self._named(first, one), one), (self._named(second, other), other)
        text = pair_text(*named, self.work.cases)
        done = tuple(Done(q, m.rule, m.formula) for m, q in pair)
        return Diagnosis(rule, text, seen.entries(at), done=done, numbers=numbers)
