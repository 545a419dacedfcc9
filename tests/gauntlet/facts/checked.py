"""Checks: verdicts, right values and what is said to have gone wrong, from the figures and PyTorch's numbers.

Answers are planted (`planting`). Whatever the product then says is held against the figures: a rule's formula
gives them, and differs from the right one as its name says (`mistaken`); a slip's digits are those that stand
there and those that should (`slipped`).
"""

from __future__ import annotations

import itertools
import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import handgrad
from handgrad.checking import CheckReport
from handgrad.checking.quantities import Quantity
from handgrad.checking.report import Diagnosis, Judged
from handgrad.expression import Adjoint, Expression
from tests.gauntlet.facts import terms
from tests.gauntlet.facts.answers import Known, Sheet, World
from tests.gauntlet.facts.claim import Claims, Found, claims_of, close
from tests.gauntlet.facts.mistaken import OF_EACH_CASE, RULES, explains
from tests.gauntlet.facts.planting import plants, right_sheet
from tests.gauntlet.facts.slipped import SLIPS
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.untidy import of_untidy

PLANTED = 2
"""Wrong sheets of one problem."""


def of_checks(facts: Facts) -> Claims:
    """Right work, and sheets with something wrong in them."""
    try:
        checker = handgrad.Checker(facts.problem)
    except handgrad.HandgradError:
        return
    known = Known(facts, checker)
    sheet = right_sheet(known)
    if sheet is None:
        return
    yield from of_report(checker.check(sheet.figures), sheet, known)
    draws = random.Random(facts.seed * 104729 + zlib.crc32(facts.text.encode()))
    for _, planted in itertools.islice(plants(sheet, known, draws), PLANTED):
        yield from of_report(checker.check(planted.figures), planted, known)
    yield from of_untidy(sheet, known, draws)


def of_report(report: CheckReport, sheet: Sheet, known: Known) -> Claims:
    """One report on a sheet."""
    reading = Reading(report, sheet, known)
    for quantity in known.checker.work.structure.quantities:
        judged = report.verdicts.get(quantity.target)
        if judged is None:
            continue
        about = judged.target, sheet.figures.get(judged.target)
        yield from claims_of(
            f"check: {judged.verdict}", reading.verdict(judged), (*about, str(judged))
        )
        for diagnosis in judged.diagnosis:
            rule = "a pair" if "+" in diagnosis.rule else diagnosis.rule
            found = reading.diagnosis(judged, diagnosis)
            yield from claims_of(f"check: {rule}", found, (*about, diagnosis))
        reading.go_on(judged)


OPENED = frozenset(["step", "larger", "smaller", "greater", "less", "sign", "relu"])
"""What a rest of rounding opens or shuts; elsewhere it may be all that is left of 1 − p."""


class Reading:
    """A report read in the order in which its quantities are computed."""

    def __init__(self, report: CheckReport, sheet: Sheet, known: Known) -> None:
        self.report, self.sheet, self.known = report, sheet, known
        entered: dict[Any, Any] = {}
        for judged in report.steps:
            if judged.entry is not None and judged.entry.value.shape == np.shape(
                known.number(judged.quantity)
            ):
                value = judged.entry.value
                if judged.convention is not None:
                    value = value / judged.convention.count
                entered[judged.quantity.leaf] = value
        self.own = World(known, entered)
        exact = {leaf: known.number(known.quantities[leaf]) for leaf in entered}
        self.exact = World(known, exact)
        mended = {}
        for judged in report.steps:
            leaf = judged.quantity.leaf
            if leaf in entered and judged.verdict == "right":
                mended[leaf] = entered[leaf]
        self.mended = World(known, mended)

    def go_on(self, judged: Judged) -> None:
        """What was supposed of steps that were not entered holds for those after it."""
        if judged.diagnosis and judged.diagnosis[0].supposed:
            supposed = {q.leaf: f.expression for q, f in judged.diagnosis[0].supposed}
            self.own = self.own.but(supposed)

    # -- verdicts ---------------------------------------------------------------------------------

    def verdict(self, judged: Judged) -> Found:
        """The verdict, the right value, and what follows from the figures before."""
        quantity = judged.quantity
        theirs = self.known.number(quantity)
        yield close(judged.expected, theirs, 1e-8), f"it is {np.asarray(theirs).tolist()}"
        figures = self.sheet.figures.get(judged.target)
        if judged.entry is None:
            yield judged.verdict == "missing" and figures is None, "something was entered"
            return
        value, half = self._as_written(judged)
        mine = np.array(figures, dtype=object)
        read = [_read(t) for t in mine.ravel()]
        flat = judged.entry.value.ravel()
        wanted = np.asarray(read) * judged.entry.factor
        yield (
            np.allclose(np.sort(flat), np.sort(wanted), rtol=1e-9, equal_nan=True),
            "figures are read as others",
        )
        if value.shape != np.shape(theirs):
            yield judged.verdict == "wrong" and not judged.trivial, "its shape is another"
            return
        following = self._following(quantity)
        right = np.abs(value - theirs) <= half * (1 + 1e-6) + 1e-9 * _size(theirs)
        if judged.following is not None:
            count = judged.convention.count if judged.convention is not None else 1
            said = np.asarray(judged.following) / count
            if all(
                np.isfinite(f).all() for f in following
            ):  # exp past all floats, taken as written
                yield (
                    any(close(said, f, 1e-5) for f in following)
                    or self._hangs_on_last_digits(quantity, following[0]),
                    f"there follows {following[0]}, said {said}",
                )
        if judged.verdict == "right":
            near = (
                right if right.all() else self._follows(quantity, value, half, theirs, self.exact)
            )
            if not np.all(right | near):
                # From figures that are right as far as their digits go, such as what cancels to a rest.
                entered = {k: v for k, v in self.mended.entered.items() if k != quantity.leaf}
                mended = World(self.known, entered).value(quantity)
                near = near | self._follows(quantity, value, half, mended, self.mended)
            yield np.all(right | near), f"it is {np.asarray(theirs).tolist()}"
        elif judged.verdict == "consistent":
            follows = [self._follows(quantity, value, half, f, self.own) for f in following]
            yield (right | np.any(follows, axis=0)).all(), f"there follows {following[0].tolist()}"
            # A number far below the others, such as e⁻¹⁴⁸, is held to its own size.
            each = np.abs(value - theirs) <= half * (1 + 1e-6) + 1e-9 * np.abs(theirs)
            yield judged.convention is not None or not each.all(), "every figure is right"
        elif judged.verdict == "wrong":
            yield bool(judged.wrong) or np.isnan(value).any(), "no figure is said to be wrong"
            # In powers of ten a number is written by its first digits: 0.000000e+00 may be taken for 0 itself.
            half = np.where((value == 0) & (self.sheet.digits == ".6e"), 0.0, half)
            far = ~np.any([np.abs(value - f) <= half * (1 - 1e-6) for f in following], axis=0)
            off = np.abs(value - theirs) > half * (1 - 1e-6)
            for at in judged.wrong:
                blank = bool(np.isnan(value[at]))
                yield blank or bool((far & off)[at]), f"figure {at} is right"
        else:
            yield bool(np.isnan(value).all()), "something was entered"
        nothing = not following[0].any() and bool(np.any(theirs)) and not right.all()
        trivial = judged.verdict == "consistent" and nothing and not self._cancels(quantity)
        # What cancels on paper may leave a rest here.
        largest = max(map(_size, self.own.entered.values()), default=0)
        rest = 0 < _size(following[0]) <= 1e-14 * largest
        yield judged.trivial == trivial or rest, f"there follows {following[0].tolist()}"

    def _cancels(self, quantity: Quantity) -> bool:
        """Whether a 0 is the sum of terms that are not."""
        entered = {k: v for k, v in self.own.entered.items() if k != quantity.leaf}
        world = World(self.known, entered, self.own.done)
        formula = self.own.done.get(quantity.leaf, quantity.formula.expression)
        cases = range(self.known.facts.cases) if quantity.batched else (0,)
        return any(np.any(world.added(formula, case)) for case in cases)

    def _as_written(self, judged: Judged) -> tuple[Any, Any]:
        """The figures and half a unit of the last digit of each."""
        assert judged.entry is not None
        value, half = judged.entry.value, np.zeros(judged.entry.value.shape)
        factor = judged.entry.factor
        for at in np.ndindex(value.shape):
            figure = judged.entry.figures.get(at)
            half[at] = self.sheet.half(figure.text) * factor if figure is not None else 0.0
        if judged.convention is not None:
            return value / judged.convention.count, half / judged.convention.count
        return value, half

    def _following(self, quantity: Quantity) -> list[Any]:
        entered = {k: v for k, v in self.own.entered.items() if k != quantity.leaf}
        world = World(self.known, entered, self.own.done)
        return [world.value(quantity, way) for way in range(len(quantity.ways))]

    def _hangs_on_last_digits(self, quantity: Quantity, following: Any) -> bool:
        """Whether floats have too few digits for what follows, as of a determinant's logarithm that is 0 on paper."""
        generator = np.random.default_rng(0)

        def moved(a: Any) -> Any:
            return a * (1 + 4e-16 * generator.uniform(-1, 1, np.shape(a)))

        entered = {k: moved(a) for k, a in self.own.entered.items() if k != quantity.leaf}
        return not close(World(self.known, entered, self.own.done).value(quantity), following, 1e-5)

    def _follows(
        self, quantity: Quantity, value: Any, half: Any, following: Any, world: World
    ) -> Any:
        """By entry, whether a figure is within what roundings on the way may have made of what follows."""
        generator = np.random.default_rng(0)
        spread = np.zeros(np.shape(following))
        plain = self.sheet.digits == ".4f"

        def signs(shape: Any) -> Any:
            return generator.choice((-1, 1), shape)

        def shares(shape: Any) -> Any:
            return generator.uniform(-1, 1, shape)

        # Two moves to the full of a product's factors often cancel, two of any size hardly ever.
        for draw in 4 * (signs, shares):

            def rounded(a: Any, draw: Callable[[Any], Any] = draw) -> Any:
                size = 5e-5 if plain else 5e-7 * np.abs(a)
                return a + size * draw(np.shape(a))

            entered = {k: rounded(a) for k, a in world.entered.items() if k != quantity.leaf}
            moved = World(self.known, entered, world.done, rounded).value(quantity)
            if np.shape(moved) == spread.shape:
                spread = np.fmax(spread, np.abs(moved - following))
        if not plain:
            # Seven figures of what lies inside an operation, a layer norm's root, may have been rounded as well.
            half = half + 1e-6 * np.abs(following)
        if quantity.phase == "update":
            # What lies between, such as a decayed parameter, may have been rounded too.
            before = _size(self.known.facts.oracle.parameters[quantity.shown.name])
            half = half + 8 * (5e-5 if plain else 5e-7 * before)
            update = self.known.facts.oracle.update
            if update.get("rule", "sgd") not in ("sgd", "momentum", "nesterov"):
                # A step is divided by the gradient's size, which may be all rounding.
                rates = [
                    float(update.get("rate", 0.1)),
                    *map(float, update.get("rates", {}).values()),
                ]
                half = half + 4 * max(rates)
        # Beside far larger gradients one is a rounding residue: there its parts cancel.
        gradients = [a for leaf, a in world.entered.items() if isinstance(leaf, Adjoint)]
        rest = 1e-9 * max([_size(following), *map(_size, gradients)]) + 1e-15
        return np.abs(value - following) <= 2 * half + 12 * spread + rest

    # -- diagnoses --------------------------------------------------------------------------------

    def diagnosis(self, judged: Judged, said: Diagnosis) -> Found:
        """Whether what is said to have been done gives the figures, and is what its name says."""
        assert judged.entry is not None
        value, half = self._as_written(judged)
        if value.shape == np.shape(self.known.number(judged.quantity)):
            yield set(said.entries) <= set(judged.wrong), f"wrong are {judged.wrong}"
        else:
            given = {tuple(map(int, at)) for at in np.argwhere(~np.isnan(value))}
            yield set(said.entries) <= given, "there are no such figures"
        if said.done:
            yield from self._done(judged, said, value, half)
        else:
            yield said.rule in SLIPS, "there is no such slip"
            yield from SLIPS[said.rule](self, judged, said, value, half)

    def _done(self, judged: Judged, said: Diagnosis, value: Any, half: Any) -> Found:
        yield sorted(said.rule.split("+")) == sorted(d.rule for d in said.done), "other rules"
        done = {d.quantity.leaf: d.formula for d in said.done}
        quantity = judged.quantity
        given = ~np.isnan(value)
        worlds = {"exact": [self.exact], "entered": [self.own, self.mended, self.exact]}
        found = []
        for world in worlds.get(said.numbers, [self.own]):
            entered = {k: v for k, v in world.entered.items() if k != quantity.leaf}
            formula = done.get(quantity.leaf, quantity.formula.expression)
            batched = quantity.batched
            other, as_floats = (World(self.known, entered, {**world.done, **done}) for _ in "ab")
            # A wrong formula may take what is computed from this very quantity.
            other.keep(quantity)
            found.append(other.formula(formula, batched))
            if not any(c.operation in OPENED for f in done.values() for c in terms.calls_of(f)):
                as_floats.keep(quantity)
                with terms.as_floats_are():
                    found.insert(0, as_floats.formula(formula, batched))
            if said.rule in OF_EACH_CASE:
                each = other.formula(formula, True)
                found += [each, np.moveaxis(each, -1, 0)]
            if said.rule == "wrong_axis" and np.shape(found[-1]) != value.shape:
                # Added up over the units there is a number for each case.
                found.append(other.formula(formula, True))
        fitting = [f for f in found if np.shape(f) == value.shape]
        largest = max(_size(value[given]), _size(self.known.number(quantity)))
        slack = half * (1 + 1e-6) + 2e-9 * largest + 1e-15
        if said.numbers == "rounded":
            slack = 20 * slack + 0.02 * np.abs(value) + 1e-9
        yield (
            any(bool((np.abs(f - value) <= slack)[given].all()) for f in fitting),
            f"that gives {[np.asarray(f).tolist() for f in found[:1]]}",
        )
        if said.step:
            (first, *_) = said.done
            yield first.quantity.step == said.step, f"it is in step {first.quantity.step}"
            yield first.quantity.leaf not in self.own.entered, "its result was entered"
        before: tuple[Expression, ...] = ()
        for position, each in enumerate(said.done):
            ways = tuple(w.expression for w in each.quantity.ways)
            again = position and said.done[position - 1].quantity.leaf == each.quantity.leaf
            rights = before if again else (*ways, *_as_lines(each.quantity))
            about = replace(self.known.about, target=each.quantity.shown)
            yield (
                each.rule in RULES and explains(each.rule, rights, each.formula, about),
                f"{each.formula} is not {each.rule} in {rights}",
            )
            before = (each.formula,)

    def references(self, quantity: Quantity) -> list[Any]:
        """What figures should have been: from the student's own numbers, and exactly."""
        return [*self._following(quantity), self.known.number(quantity)]

    @property
    def unit(self) -> Any:
        """Half a unit of a last digit, of numbers of some size."""
        plain = self.sheet.digits == ".4f"
        return lambda a: np.full(np.shape(a), 5e-5) if plain else 5e-7 * np.abs(a) * 2


def _as_lines(quantity: Quantity) -> tuple[Expression, ...]:
    return (quantity.line.formula,) if quantity.line is not None else ()


def _size(array: Any) -> float:
    array = np.asarray(array, dtype=float)
    return float(np.abs(array[np.isfinite(array)]).max(initial=0.0))


def _read(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
