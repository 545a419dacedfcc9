"""Classes of answer sheets with planted mistakes: what each student did is known.

A student works as a person with paper does: every figure is rounded to so many decimals, and the next is computed
from it. A mistake is a wrong formula from the table of mistakes in one step, or in two, and is carried on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from handgrad.arrays import Array
from handgrad.checking.formula import CompiledFormula
from handgrad.checking.quantities import Quantity, Variant
from handgrad.checking.work import Work
from handgrad.expression import Expression, Leaf
from handgrad.grading.batch import Batch
from handgrad.operations.mistakes import PRIORITY

UNREADABLE = ("n/a", "see back", "1.2.3", "0.4 0.5", "x", "#REF!")
"""What stands in cells that hold no number."""

Plants = tuple[tuple[Quantity, Variant], ...]


@dataclass(frozen=True)
class Manner:
    """How a class is planted: shares of the sheets.

    Arguments:
        one, two: those with one mistake, and with two.
        unreadable: those with a cell that holds no number.
        blank: those with blank cells, each cell with a chance of one in eight.
        odd: those that write numbers with a decimal comma, the minus sign of print, or without zeros at the end.
        decimals: the numbers of decimals that students round to.
    """

    one: float = 0.3
    two: float = 0.1
    unreadable: float = 0.05
    blank: float = 0.0
    odd: float = 0.0
    decimals: tuple[int, ...] = (4,)


@dataclass(frozen=True, eq=False)
class PlantedClass:
    """A class; by row the mistakes that were made, and the decimals to which was rounded."""

    batch: Batch
    plants: tuple[Plants, ...]
    decimals: tuple[int, ...]

    @property
    def planted(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        """By row the target and the rule of each mistake."""
        return tuple(tuple((q.target, v.mistake.rule) for q, v in made) for made in self.plants)


def planted_class(
    work: Work,
    count: int,
    seed: int = 0,
    manner: Manner | None = None,
    own: Mapping[str, Array] | None = None,
    plants: Sequence[Plants] = (),
) -> PlantedClass:
    """A class of so many students.

    Arguments:
        work: the problem's quantities and numbers.
        count: the students.
        seed: of all that is drawn.
        manner: how the class is planted.
        own: by name, each student's own numbers, the students along the last axis.
        plants: the mistakes of the first students; those of the others are drawn.
    """
    manner = manner or Manner()
    draws = random.Random(seed)
    asked = [q for q in work.structure.quantities if q.asked]
    places = [(q, at) for q in asked for at in np.ndindex(work.full_shape(q))]
    sites = [q for q in asked if work.structure.mistakes(q)]
    known: dict[tuple[object, ...], list[str]] = {}
    rows: list[list[str]] = []
    every_plant: list[Plants] = []
    rounded = []
    for row in range(count):
        drawn = draws.random()
        mistakes = (drawn < manner.one + manner.two) + (drawn < manner.two)
        drawn_plants = tuple(
            (q, draws.choice(work.structure.mistakes(q)))
            for q in draws.sample(sites, min(mistakes, len(sites)))
        )
        made = plants[row] if row < len(plants) else drawn_plants
        decimals = draws.choice(manner.decimals)
        numbers = work.at({n: a[..., row] for n, a in own.items()}) if own else work
        key = (row if own else -1, decimals, *((q.leaf, v.formula.expression) for q, v in made))
        if key not in known:
            known[key] = _figures(numbers, made, decimals, places)
        cells = list(known[key])
        if draws.random() < manner.odd:
            cells = [draws.choice(HABITS)(cell) for cell in cells]
        if draws.random() < manner.blank:
            cells = ["" if draws.random() < 0.125 else cell for cell in cells]
        if draws.random() < manner.unreadable:
            cells[draws.randrange(len(cells))] = draws.choice(UNREADABLE)
        rows.append(cells)
        every_plant.append(made)
        rounded.append(decimals)
    headings = [f"{q.target}[{','.join(map(str, at))}]" if at else q.target for q, at in places]
    columns = dict(zip(headings, map(list, zip(*rows, strict=True)), strict=True))
    ids = tuple(f"s{k:06}" for k in range(count))
    batch = Batch(ids, columns, dict(own or {}))
    return PlantedClass(batch, tuple(every_plant), tuple(rounded))


def every_mistake(work: Work) -> list[Plants]:
    """Each mistake of the table that can be made in the steps that are asked for, by itself."""
    asked = [q for q in work.structure.quantities if q.asked]
    return [((q, variant),) for q in asked for variant in work.structure.mistakes(q)]


class Telling:
    """What can be told of planted mistakes, where all students have the problem's own numbers.

    A mistake that changes no figure of its sheet cannot be seen: the gate left out where it is open, say. And one may
    have several names, such as the outer product the wrong way round and a matrix that is transposed: two rules that
    give the same, whatever the numbers, are one mistake, which has the likelier rule's name.
    """

    def __init__(self, work: Work, seed: int = 0) -> None:
        self.work = work
        draws = np.random.default_rng(seed)
        self._drawn = [self._numbers(draws) for _ in range(4)]
        self._places = [
            (q, at)
            for q in work.structure.quantities
            if q.asked
            for at in np.ndindex(work.full_shape(q))
        ]
        self._known: dict[tuple[object, ...], list[str]] = {}
        self._named: dict[Leaf, dict[Expression, str]] = {}

    def seen(self, made: Plants, decimals: int) -> set[str]:
        """The rules by which mistakes that can be seen on a sheet are called."""
        return {
            self.name(quantity, variant)
            for k, (quantity, variant) in enumerate(made)
            if self._sheet(made, decimals) != self._sheet((*made[:k], *made[k + 1 :]), decimals)
        }

    def name(self, quantity: Quantity, variant: Variant) -> str:
        """The likeliest of the rules that give the same as a mistake, whatever the numbers."""
        known = self._named.get(quantity.leaf)
        if known is None:
            known = self._named[quantity.leaf] = self._names(quantity)
        return known[variant.formula.expression]

    def _names(self, quantity: Quantity) -> dict[Expression, str]:
        variants = self.work.structure.mistakes(quantity)
        with np.errstate(all="ignore"):
            values = [[_value(v.formula, n) for n in self._drawn] for v in variants]
        found = {}
        for variant, own in zip(variants, values, strict=True):
            rules = [
                other.mistake.rule
                for other, theirs in zip(variants, values, strict=True)
                if other is variant or all(map(_same, own, theirs))
            ]
            found[variant.formula.expression] = min(rules, key=lambda r: PRIORITY[r])
        return found

    def _sheet(self, made: Plants, decimals: int) -> list[str]:
        key = (decimals, *((q.leaf, v.formula.expression) for q, v in made))
        if key not in self._known:
            self._known[key] = _figures(self.work, made, decimals, self._places)
        return self._known[key]

    def _numbers(self, draws: np.random.Generator) -> dict[Leaf, Array]:
        """All quantities from drawn numbers of the problem's shapes."""
        exact = self.work.exact
        numbers = {leaf: draws.normal(size=exact[leaf].shape) for leaf in self.work.given_leaves}
        with np.errstate(all="ignore"):
            for quantity in self.work.structure.quantities:
                numbers[quantity.leaf] = np.asarray(quantity.formula(numbers), dtype=float)
        return numbers


def _same(one: Array | None, other: Array | None) -> bool:
    if one is None or other is None or one.shape != other.shape:
        return False
    return np.allclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True)


HABITS: tuple[Callable[[str], str], ...] = (
    lambda cell: cell.replace(".", ","),
    lambda cell: cell.replace("-", "−"),
    lambda cell: cell.rstrip("0").rstrip(".") or "0",
    lambda cell: f" {cell} ",
    lambda cell: cell,
)
"""How a figure may be written otherwise."""


def _figures(
    work: Work, plants: Plants, decimals: int, places: list[tuple[Quantity, tuple[int, ...]]]
) -> list[str]:
    """The figures of one sheet, in the order of its columns."""
    wrong = {q.leaf: v.formula for q, v in plants}
    numbers: dict[Leaf, Array] = {leaf: work.exact[leaf] for leaf in work.given_leaves}
    with np.errstate(all="ignore"):
        for quantity in work.structure.quantities:
            shape = work.full_shape(quantity)
            value = _value(wrong.get(quantity.leaf, quantity.formula), numbers)
            if value is None or value.shape != shape or not np.isfinite(value).all():
                value = np.asarray(quantity.formula(numbers), dtype=float)
            numbers[quantity.leaf] = np.round(value, decimals)
    return [f"{float(numbers[q.leaf][at]):.{decimals}f}" for q, at in places]


def _value(formula: CompiledFormula, numbers: Mapping[Leaf, Array]) -> Array | None:
    """What a formula gives; None where a wrong one cannot be worked out, or takes what is not known yet."""
    if not all(leaf in numbers for leaf in formula.leaves):
        return None
    try:
        return np.asarray(formula(numbers), dtype=float)
    except (ValueError, IndexError, ArithmeticError):
        return None
