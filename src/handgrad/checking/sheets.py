"""One answer sheet, or many of one problem that are judged at once.

The arrays of many sheets have one axis more than those of one, the last, as those of many cases have. What is
said of a sheet as a whole is one truth for one, and an array of them for many.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt

from handgrad.arrays import Array, Mask, Namespace
from handgrad.checking.formula import CompiledFormula
from handgrad.checking.formula_many import compiled_for_many
from handgrad.checking.work import Work
from handgrad.expression import Call, Leaf, leaves, walk
from handgrad.numbers import Interval

SheetNumbers: TypeAlias = npt.NDArray[np.intp]
"""Sheets by their numbers, counted from 0."""

Kind = TypeVar("Kind", bound=np.generic)

RUNS = 8
"""Runs that round each number on the way at random, which show how far rounding moves those that come after."""

Run: TypeAlias = "int | None"
"""One of the runs; None for all of them at once, on the last axis."""

Rounded: TypeAlias = "tuple[Array, ...]"
"""A number in the runs, as sheets have them."""


def is_all(mask: Mask) -> bool:
    """Whether it is so of every entry."""
    return bool(np.count_nonzero(mask) == mask.size)


class Sheets(ABC):
    """The sheets that are judged at once.

    Arguments:
        work: the problem's quantities.
        exact: by leaf, the exact numbers.
        count: the number of sheets.
    """

    work: Work
    exact: Mapping[Leaf, Array]
    count: int
    runs: tuple[Run, ...] = tuple(range(RUNS))
    """The runs that round at random: one after the other, or all at once."""

    @abstractmethod
    def entries(self, array: Array | Interval) -> tuple[int, ...]:
        """The shape of one sheet's array."""

    @abstractmethod
    def run(
        self,
        formula: CompiledFormula,
        values: Mapping[Leaf, Any],
        xp: Namespace = np,
        *,
        clean: bool = False,
        rounding: Callable[[Array], Array] | None = None,
    ) -> Any:
        """What a formula of one sheet gives; see `CompiledFormula`."""

    @abstractmethod
    def all(self, mask: Mask) -> Mask:
        """By sheet, whether it is so of every entry."""

    @abstractmethod
    def most(self, array: Array) -> Array:
        """By sheet, the largest of entries that are 0 or more; what is not finite does not count."""

    @abstractmethod
    def spread(self, array: Array) -> Array:
        """An array that is the same on every sheet, for each of them."""

    @abstractmethod
    def in_cases(self, array: Array) -> Array:
        """An array that is the same in every case, for each of them."""

    @abstractmethod
    def across(self, array: Array) -> Array:
        """Numbers by entry, as they stand beside arrays of the sheets."""

    @abstractmethod
    def sure(self, leaf: Leaf, asked: Mask) -> Mask:
        """By entry of those that are asked for, whether floats have a leaf's number to all of its digits (`Work.sure`)."""

    @abstractmethod
    def only(self, which: SheetNumbers) -> Sheets:
        """Some of the sheets, by their numbers."""

    @abstractmethod
    def part(self, array: npt.NDArray[Kind], which: SheetNumbers) -> npt.NDArray[Kind]:
        """Some sheets' part of an array."""

    @abstractmethod
    def one(self, array: npt.NDArray[Kind], which: int) -> npt.NDArray[Kind]:
        """One sheet's part of an array."""

    @abstractmethod
    def mask(self, truths: Mask) -> Mask:
        """Truths of the sheets, one after the other, as `all` has them."""

    def in_runs(self, array: npt.NDArray[Kind]) -> npt.NDArray[Kind]:
        """An array that is the same in every run, as it stands beside those of one of `runs`."""
        return array

    def same(self, array: Array) -> Rounded:
        """A number that is not rounded."""
        return (array,) * len(self.runs)

    def drawn(self, draws: Array, run: Run) -> Array:
        """Numbers by entry that are drawn for every run, for one of `runs`."""
        return self.across(draws[..., run])

    def rounded(
        self,
        formula: CompiledFormula,
        numbers: Mapping[Leaf, Rounded],
        rounding: Callable[[Run], Callable[[Array], Array]],
    ) -> Rounded:
        """What a formula gives in the runs; `rounding` makes what rounds its parts, in order, in one of them."""
        return tuple(
            self.run(formula, {n: v[k] for n, v in numbers.items()}, rounding=rounding(run))
            for k, run in enumerate(self.runs)
        )

    def farthest(self, off: Sequence[Array]) -> Array:
        """The largest of what there is in each of `runs`, by entry."""
        result: Array = np.fmax.reduce(off, axis=0)
        return result

    def some(self, mask: Mask) -> bool:
        """Whether a truth of sheets holds for one of them."""
        return bool(mask.any())

    def every(self, mask: Mask) -> bool:
        """Whether a truth of sheets holds for all of them."""
        return bool(mask.all())

    @property
    def none(self) -> Mask:
        """By sheet, False."""
        return self.mask(np.zeros(self.count, dtype=bool))

    def any(self, mask: Mask) -> Mask:
        """By sheet, whether it is so of some entry."""
        result: Mask = ~self.all(~mask)
        return result

    def largest(self, array: Array) -> Array:
        """By sheet, the largest size of a finite entry."""
        return self.most(np.abs(array))


class NotTogetherError(Exception):
    """A formula that cannot be worked out for many sheets at once."""


@dataclass(frozen=True, slots=True)
class _ForMany:
    """A formula compiled for many sheets; `rounds` says whether its parts may be rounded on each in its own way."""

    one: CompiledFormula
    formula: CompiledFormula | None
    rounds: bool


class Together:
    """The formulas of a problem, compiled for many sheets at once."""

    def __init__(self, work: Work) -> None:
        self.work = work
        # Kept with the structure: the next sheet has the same formulas.
        self._known: dict[int, _ForMany] = work.structure.for_many

    @cached_property
    def fits(self) -> bool:
        """Whether the problem can be worked out for many sheets at once."""
        structure = self.work.structure
        ways = [way for quantity in structure.quantities for way in quantity.ways]
        return all(self._of(way).formula is not None for way in ways)

    def formula(self, one: CompiledFormula, *, rounds: bool) -> CompiledFormula:
        """A formula of one sheet, for many. Raises `NotTogetherError` where it has none."""
        found = self._of(one)
        if found.formula is None or (rounds and not found.rounds):
            raise NotTogetherError
        return found.formula

    def _of(self, one: CompiledFormula) -> _ForMany:
        # The formula is kept with what it has here, for its number not to be another's.
        found = self._known.get(id(one))
        if found is None:
            # What is the same on every sheet has no axis for them.
            shared = any(
                not leaves(node) and (isinstance(node, Call) or bool(node.shape))
                for node in walk(one.expression)
            )
            structure = self.work.structure
            many = compiled_for_many(
                one.expression, structure.shape, structure.batched, self.work.cases
            )
            found = self._known[id(one)] = _ForMany(one, many, not shared)
        return found


class OneSheet(Sheets):
    """A single sheet, whose arrays are those of its quantities.

    Without cases the runs that round at random are made at once, as many sheets are.
    """

    def __init__(self, work: Work) -> None:
        self.work, self.exact, self.count = work, work.exact, 1
        if not work.structure.batched:
            self.runs, self.together = (None,), Together(work)

    def in_runs(self, array: npt.NDArray[Kind]) -> npt.NDArray[Kind]:
        return array[..., None] if self.runs == (None,) else array

    def same(self, array: Array) -> Rounded:
        if self.runs != (None,):
            return super().same(array)
        return (array[..., None].repeat(RUNS, -1),)

    def drawn(self, draws: Array, run: Run) -> Array:
        return draws if run is None else draws[..., run]

    def rounded(
        self,
        formula: CompiledFormula,
        numbers: Mapping[Leaf, Rounded],
        rounding: Callable[[Run], Callable[[Array], Array]],
    ) -> Rounded:
        if self.runs != (None,):
            return super().rounded(formula, numbers, rounding)
        try:
            many = self.together.formula(formula, rounds=True)
        except NotTogetherError:
            each = [
                self.run(
                    formula, {n: v[..., run] for n, (v,) in numbers.items()}, rounding=rounding(run)
                )
                for run in range(RUNS)
            ]
            return (np.stack(each, axis=-1),)
        found = many({n: v for n, (v,) in numbers.items()}, rounding=rounding(None))
        value = np.asarray(found, dtype=float)
        return (value,) if many.batched else self.same(value)

    def farthest(self, off: Sequence[Array]) -> Array:
        if self.runs != (None,):
            return super().farthest(off)
        result: Array = np.fmax.reduce(off[0], axis=-1)
        return result

    def entries(self, array: Array | Interval) -> tuple[int, ...]:
        shape: tuple[int, ...] = array.shape
        return shape

    def run(
        self,
        formula: CompiledFormula,
        values: Mapping[Leaf, Any],
        xp: Namespace = np,
        *,
        clean: bool = False,
        rounding: Callable[[Array], Array] | None = None,
    ) -> Any:
        if xp is np:
            return np.asarray(formula(values, clean=clean, rounding=rounding), dtype=float)
        return formula(values, xp, clean=clean)

    # Of the small arrays of one sheet, counting takes a third of what `all` and `any` do.

    def all(self, mask: Mask) -> Mask:
        return cast(Mask, np.True_ if is_all(mask) else np.False_)

    def any(self, mask: Mask) -> Mask:
        return cast(Mask, np.True_ if np.count_nonzero(mask) else np.False_)

    def some(self, mask: Mask) -> bool:
        return bool(mask)

    def every(self, mask: Mask) -> bool:
        return bool(mask)

    def most(self, array: Array) -> Array:
        finite = np.where(np.isfinite(array), array, 0.0)
        return cast(Array, np.maximum.reduce(finite, axis=None, initial=0.0))

    def spread(self, array: Array) -> Array:
        return array

    def in_cases(self, array: Array) -> Array:
        return np.broadcast_to(array[..., None], (*array.shape, self.work.cases))

    def across(self, array: Array) -> Array:
        return array

    def sure(self, leaf: Leaf, asked: Mask) -> Mask:
        return asked & self.work.sure(leaf)

    def only(self, which: SheetNumbers) -> OneSheet:
        return self

    def part(self, array: npt.NDArray[Kind], which: SheetNumbers) -> npt.NDArray[Kind]:
        return array

    def one(self, array: npt.NDArray[Kind], which: int) -> npt.NDArray[Kind]:
        return array

    def mask(self, truths: Mask) -> Mask:
        return cast(Mask, truths[0])


class ManySheets(Sheets):
    """Many sheets of one problem.

    Arguments:
        together: the problem's formulas.
        count: the number of sheets.
        own: the numbers of each sheet, where each has its own.
    """

    def __init__(
        self,
        together: Together,
        count: int,
        own: Sequence[Work] | None = None,
        exact: Mapping[Leaf, Array] | None = None,
    ) -> None:
        self.work, self.together, self.count, self.own = together.work, together, count, own
        if exact is None:
            exact = (
                {leaf: a[..., None] for leaf, a in together.work.exact.items()}
                if own is None
                else {
                    leaf: np.stack([w.exact[leaf] for w in own], axis=-1)
                    for leaf in together.work.exact
                }
            )
        self.exact = exact

    def entries(self, array: Array | Interval) -> tuple[int, ...]:
        shape: tuple[int, ...] = array.shape[:-1]
        return shape

    def run(
        self,
        formula: CompiledFormula,
        values: Mapping[Leaf, Any],
        xp: Namespace = np,
        *,
        clean: bool = False,
        rounding: Callable[[Array], Array] | None = None,
    ) -> Any:
        many = self.together.formula(formula, rounds=rounding is not None)
        if xp is np:
            value = np.asarray(many(values, clean=clean, rounding=rounding), dtype=float)
        else:
            value = many(values, xp, clean=clean)
        if many.batched:
            return value
        return value[..., None] if isinstance(value, Interval) else np.asarray(value)[..., None]

    def all(self, mask: Mask) -> Mask:
        result: Mask = np.all(mask, axis=tuple(range(mask.ndim - 1)))
        return result

    def most(self, array: Array) -> Array:
        finite = np.where(np.isfinite(array), array, 0.0)
        result: Array = np.max(finite, axis=tuple(range(array.ndim - 1)), initial=0.0)
        return result

    def spread(self, array: Array) -> Array:
        return np.broadcast_to(array, (*array.shape[:-1], self.count))

    def in_cases(self, array: Array) -> Array:
        shape = (*array.shape[:-1], self.work.cases, array.shape[-1])
        return np.broadcast_to(array[..., None, :], shape)

    def across(self, array: Array) -> Array:
        return array[..., None]

    def sure(self, leaf: Leaf, asked: Mask) -> Mask:
        if self.own is None:
            return asked & self.work.sure(leaf)[..., None]
        found = np.zeros(asked.shape, dtype=bool)
        for k in map(int, np.flatnonzero(self.any(asked))):
            found[..., k] = asked[..., k] & self.own[k].sure(leaf)
        return found

    def only(self, which: SheetNumbers) -> ManySheets:
        if self.own is None:
            return ManySheets(self.together, len(which), None, self.exact)
        own = [self.own[int(k)] for k in which]
        exact = {leaf: a[..., which] for leaf, a in self.exact.items()}
        return ManySheets(self.together, len(which), own, exact)

    def part(self, array: npt.NDArray[Kind], which: SheetNumbers) -> npt.NDArray[Kind]:
        return array if array.shape[-1] == 1 else array[..., which]

    def one(self, array: npt.NDArray[Kind], which: int) -> npt.NDArray[Kind]:
        one: npt.NDArray[Kind] = array[..., 0 if array.shape[-1] == 1 else which]
        return one

    def mask(self, truths: Mask) -> Mask:
        return truths
