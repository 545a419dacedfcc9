"""Which quantity each entry is meant for, and whether it has that quantity's shape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.checking.figures import ManyEntries, WrittenEntry
from handgrad.checking.names import (
    gradient_of,
    leaf_named,
    other_derivative,
    plain,
    target_of,
    updated_name,
)
from handgrad.checking.quantities import Quantity
from handgrad.checking.reading import Answers
from handgrad.checking.remark_words import unused_text
from handgrad.checking.remarks import (
    AnotherDerivative,
    Arrangement,
    AsColumn,
    CasesInRows,
    EnteredTwice,
    GivenOtherwise,
    More,
    NotANumber,
    NotAsked,
    NoUpdate,
    Unused,
)
from handgrad.checking.work import Work
from handgrad.errors import OptionError, closest
from handgrad.expression import Adjoint, Leaf, Name

SHOWN = 12
"""Remarks that are listed; the rest are counted."""


@dataclass
class Matched:
    """Entries by what they are for; those of a shape that the quantity cannot have stand apart.

    Of a gradient that is the same in every case, `each_case` has figures for each of them, where it was entered so;
    `entries` has those of the first.
    """

    entries: dict[Leaf, WrittenEntry] = field(default_factory=dict)
    each_case: dict[Leaf, WrittenEntry] = field(default_factory=dict)
    misshapen: dict[Leaf, WrittenEntry] = field(default_factory=dict)
    arrangements: dict[Leaf, Arrangement] = field(default_factory=dict)
    unused: list[Unused] = field(default_factory=list)

    def whole(self, leaf: Leaf) -> WrittenEntry:
        """All figures that were entered for a quantity, in a shape that it may have."""
        return self.each_case.get(leaf) or self.entries[leaf]


def matched(work: Work, answers: Answers) -> Matched:
    """The answers by quantity. Raises `OptionError` where none of them is for this problem."""
    result = Matched(unused=list(answers.unused))
    known = 0
    entries, after_update = _apart(answers, work)
    found = [(name, entry, named(work, name)) for name, entry in entries]
    found += [(name, entry, _updated(work, of, name)) for of, name, entry in after_update]
    for name, entry, meant in found:
        match meant:
            case Quantity():
                known += 1
                _place(work, result, meant, name, entry)
            case Name() | Adjoint():
                known += 1
                result.unused += given_otherwise(work, name, meant, entry)
            case _:
                result.unused.append(meant)
    if not known:
        unused = result.unused
        first = unused_text(unused[0], rest=False) if unused else "there are no answers"
        raise OptionError(first, where=answers.where)
    result.unused = list(_shortened(result.unused))
    return result


def meant_by(work: Work, written: str) -> Quantity | Leaf | Unused:
    """What a name in answers is for: a quantity; what the problem gives, by its leaf; or why it is for nothing."""
    name, parameter = _spelled(work, written)
    return named(work, name) if parameter is None else _updated(work, parameter, name)


def named(work: Work, name: str) -> Quantity | Leaf | Unused:
    """The same for a name that is spelled as the problem's own, and not that of a parameter after the update."""
    structure = work.structure
    leaf = leaf_named(name, structure.graph)
    if leaf is not None:
        given = leaf in work.given_leaves or leaf not in structure.by_leaf
        return leaf if given else structure.by_leaf[leaf]
    return structure.updated.get(f"updated.{name}") or _not_asked(work, name)


def _updated(work: Work, parameter: str, written: str) -> Quantity | Unused:
    structure = work.structure
    updated = structure.updated
    quantity = updated.get(f"updated.{parameter}") or updated.get(f"updated.{plain(parameter)}")
    if quantity is not None:
        return quantity
    if structure.update is None:
        return NoUpdate(written)
    return NotAsked(written, closest(plain(parameter), list(structure.update.lines)))


Named: TypeAlias = list[tuple[str, WrittenEntry]]


def _apart(answers: Answers, work: Work) -> tuple[Named, list[tuple[str, str, WrittenEntry]]]:
    """The answers, and those after the update by parameter and as they were called: `updated.b3`, `b3_new`.

    A value of the problem's own that is called x_new is that value.
    """
    entries: Named = []
    respelled = work.structure.problem.respelled
    after_update = [(respelled(name), f"updated.{name}", e) for name, e in answers.updated.items()]
    for written, entry in answers.entries.items():
        name, parameter = _spelled(work, written)
        if parameter is None:
            entries.append((name, entry))
        else:
            after_update.append((parameter, name, entry))
    return entries, after_update


def _spelled(work: Work, written: str) -> tuple[str, str | None]:
    """A name as the problem spells it, and the parameter whose updated value it is, if it is one."""
    name = work.structure.problem.respelled(written)
    own = plain(name) in work.structure.graph.nodes
    return name, None if own else updated_name(name)


def _shortened(remarks: list[Unused]) -> Iterator[Unused]:
    yield from remarks[:SHOWN]
    if len(remarks) > SHOWN:
        yield More(len(remarks) - SHOWN)


def _names(work: Work) -> list[str]:
    return [q.target for q in work.structure.quantities if q.phase != "update"]


def _not_asked(work: Work, name: str) -> Unused:
    """Why a name is that of no quantity: another derivative, or one that is not known."""
    graph = work.structure.graph
    other = other_derivative(name, graph)
    if other is not None:
        above, below = other
        mend = target_of(Adjoint(below), graph)
        return AnotherDerivative(name, above, graph.cost, mend)
    of = gradient_of(name, graph)
    # Suggested by the spelling that the problem's own names have.
    meant = closest(f"d{of}", _names(work)) if of is not None else ""
    return NotAsked(name, meant or closest(plain(name), _names(work)))


def given_otherwise(
    work: Work, name: str, leaf: Leaf, entry: WrittenEntry
) -> Iterator[GivenOtherwise]:
    """A number that the problem gives needs no answer; one copied down wrong is worth a line."""
    value = work.exact.get(leaf)
    if value is None or entry.value.size != value.size:
        return
    close = (
        np.abs(entry.value.reshape(value.shape) - value) <= entry.half.reshape(value.shape) + 1e-9
    )
    if not np.all(close | np.isnan(entry.value.reshape(value.shape))):
        moves = leaf.name in getattr(work.structure.update, "lines", {})
        yield GivenOtherwise(name, moves)


def _place(work: Work, result: Matched, quantity: Quantity, name: str, entry: WrittenEntry) -> None:
    leaf = quantity.leaf
    for at, text in list(entry.faults.items())[:SHOWN]:
        result.unused.append(NotANumber(name, at, text))
    if leaf in result.entries or leaf in result.misshapen:
        result.unused.append(EnteredTwice(name))
        return
    if entry.is_empty and (not entry.faults or entry.shape != work.full_shape(quantity)):
        return
    full, rank, exact = work.full_shape(quantity), len(quantity.shape), work.exact.get(leaf)
    fitting, arrangement = _fitted(entry, full, rank, in_cases=quantity.batched)
    of_each = fitting is None and _is_of_each_case(work, quantity)
    if of_each:
        full = (*full, work.cases)
        exact = np.broadcast_to(np.asarray(exact)[..., None], full)
        fitting, arrangement = _fitted(entry, full, rank, in_cases=True)
    if fitting is not None and (quantity.batched or of_each) and _turned(fitting, exact):
        fitting = fitting.cases_last()
        arrangement = CasesInRows(fitting.shape[-1])
    if fitting is None:
        result.misshapen[leaf] = entry
        return
    if of_each:
        result.each_case[leaf] = fitting
        fitting = fitting.by_case()[0]
    result.entries[leaf] = fitting
    if arrangement is not None:
        result.arrangements[leaf] = arrangement


def _is_of_each_case(work: Work, quantity: Quantity) -> bool:
    """Whether a gradient that is the same in every case is that of a value which is not."""
    leaf = quantity.leaf
    of_value = isinstance(leaf, Adjoint) and Name(leaf.name) in work.structure.batched
    return of_value and not quantity.batched and work.cases > 1


def _fitted(
    entry: WrittenEntry, full: tuple[int, ...], rank: int, *, in_cases: bool
) -> tuple[WrittenEntry | None, Arrangement | None]:
    """The entry in a quantity's shape where it has that, or writes it in another way; else None.

    `full` has the cases as its last axis where it is `in_cases`; `rank` is that of one case. A vector may be written as a row or as a column, and a list stands for a matrix of one row or
    one column. A matrix keeps its rows and columns: a 2×1 array is no 1×2 one.
    """
    if entry.shape == full:
        return entry, None
    if entry.value.size != np.prod(full, dtype=int):
        return None, None
    if in_cases and entry.shape == (full[-1], *full[:-1]):
        return entry.cases_last(), CasesInRows(full[-1])
    if _written_another_way(entry, full, rank):
        listed = len(full) == 2 and len(entry.shape) == 1 and full[0] > 1 and not in_cases
        return entry.reshaped(full), AsColumn(full[0]) if listed else None
    return None, None


def _turned(entry: WrittenEntry, exact: Array | None) -> bool:
    """Whether a square of cases has one in each row, by its figures: they are right so, and not as they stand."""
    if entry.strict or len(entry.shape) != 2 or exact is None:
        return False
    rows, columns = entry.shape
    return rows == columns > 1 and not _near(entry, exact) and _near(entry.cases_last(), exact)


def as_written(entry: WrittenEntry | ManyEntries, exact: Array) -> Mask:
    """By entry, whether figures are right as they were written."""
    right: Mask = np.abs(entry.value - exact) <= entry.half * 1.01 + 1e-9
    return right


def _near(entry: WrittenEntry, exact: Array) -> bool:
    """Whether figures are right as they were written, entry by entry."""
    return exact.shape == entry.shape and bool(np.all(as_written(entry, exact)))


def _written_another_way(entry: WrittenEntry, full: tuple[int, ...], rank: int) -> bool:
    """Whether figures have a shape but for axes of length 1, and no axis is turned; `rank` is that of one case."""
    shape = entry.shape
    if entry.strict and rank > 1 and entry.value.size > 1:
        return False
    if len(shape) == len(full) or _longer(shape) != _longer(full):
        return False
    # Axes of length 1 before a matrix say nothing; one behind it would turn it.
    return rank < 2 or len(shape) < len(full) or shape[len(shape) - len(full) :] == full


def _longer(shape: tuple[int, ...]) -> list[int]:
    return [n for n in shape if n != 1]
