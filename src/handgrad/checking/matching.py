"""Which quantity each entry is meant for, and whether it has that quantity's shape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.checking.figures import WrittenEntry
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
from handgrad.expression import Adjoint, Leaf

SHOWN = 12
"""Remarks that are listed; the rest are counted."""


@dataclass
class Matched:
    """Entries by what they are for; those of a shape that the quantity cannot have stand apart."""

    entries: dict[Leaf, WrittenEntry] = field(default_factory=dict)
    misshapen: dict[Leaf, WrittenEntry] = field(default_factory=dict)
    arrangements: dict[Leaf, Arrangement] = field(default_factory=dict)
    unused: list[Unused] = field(default_factory=list)


def matched(work: Work, answers: Answers) -> Matched:
    """The answers by quantity. Raises `OptionError` where none of them is for this problem."""
    result = Matched(unused=list(answers.unused))
    structure = work.structure
    updated = {q.target: q for q in structure.quantities if q.phase == "update"}
    known = 0
    entries, after_update = _apart(answers, work)
    for name, entry in entries:
        leaf = leaf_named(name, structure.graph)
        if leaf in work.given_leaves or (leaf is not None and leaf not in structure.by_leaf):
            known += 1
            result.unused += _given(work, name, leaf, entry)
        elif leaf is not None:
            known += 1
            _place(work, result, structure.by_leaf[leaf], name, entry)
        elif f"updated.{name}" in updated:
            known += 1
            _place(work, result, updated[f"updated.{name}"], name, entry)
        else:
            result.unused.append(_not_asked(work, name))
    for name, written, entry in after_update:
        quantity = updated.get(f"updated.{name}") or updated.get(f"updated.{plain(name)}")
        if quantity is not None:
            known += 1
            _place(work, result, quantity, written, entry)
        elif structure.update is None:
            result.unused.append(NoUpdate(written))
        else:
            parameters = list(structure.update.lines)
            result.unused.append(NotAsked(written, closest(plain(name), parameters)))
    if not known:
        unused = result.unused
        first = unused_text(unused[0], rest=False) if unused else "there are no answers"
        raise OptionError(first, where=answers.where)
    result.unused = list(_shortened(result.unused))
    return result


Named: TypeAlias = list[tuple[str, WrittenEntry]]


def _apart(answers: Answers, work: Work) -> tuple[Named, list[tuple[str, str, WrittenEntry]]]:
    """The answers, and those after the update by parameter and as they were called: `updated.b3`, `b3_new`.

    A value of the problem's own that is called x_new is that value.
    """
    graph = work.structure.graph
    entries: Named = []
    named = work.structure.problem.respelled
    after_update = [(named(name), f"updated.{name}", e) for name, e in answers.updated.items()]
    for written, entry in answers.entries.items():
        name = named(written)
        own = plain(name) in graph.nodes
        parameter = None if own else updated_name(name)
        if parameter is None:
            entries.append((name, entry))
        else:
            after_update.append((parameter, name, entry))
    return entries, after_update


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


def _given(work: Work, name: str, leaf: Leaf | None, entry: WrittenEntry) -> Iterator[Unused]:
    """A number that the problem gives needs no answer; one copied down wrong is worth a line."""
    value = work.exact.get(leaf) if leaf is not None else None
    if value is None or entry.value.size != value.size:
        return
    close = (
        np.abs(entry.value.reshape(value.shape) - value) <= entry.half.reshape(value.shape) + 1e-9
    )
    if not np.all(close | np.isnan(entry.value.reshape(value.shape))):
        moves = leaf is not None and leaf.name in getattr(work.structure.update, "lines", {})
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
    full = work.full_shape(quantity)
    fitting, arrangement = _fitted(entry, full, quantity)
    if fitting is not None and _turned(fitting, work.exact.get(leaf), quantity):
        fitting = fitting.cases_last()
        arrangement = CasesInRows(fitting.shape[-1])
    if fitting is None:
        result.misshapen[leaf] = entry
        return
    result.entries[leaf] = fitting
    if arrangement is not None:
        result.arrangements[leaf] = arrangement


def _fitted(
    entry: WrittenEntry, full: tuple[int, ...], quantity: Quantity
) -> tuple[WrittenEntry | None, Arrangement | None]:
    """The entry in the quantity's shape where it has that, or writes it in another way; else None.

    A vector may be written as a row or as a column, and a list stands for a matrix of one row or
    one column. A matrix keeps its rows and columns: a 2×1 array is no 1×2 one.
    """
    if entry.shape == full:
        return entry, None
    if entry.value.size != np.prod(full, dtype=int):
        return None, None
    if quantity.batched and entry.shape == (full[-1], *full[:-1]):
        return entry.cases_last(), CasesInRows(full[-1])
    if _written_another_way(entry, full, len(quantity.shape)):
        listed = len(full) == 2 and len(entry.shape) == 1 and full[0] > 1 and not quantity.batched
        return entry.reshaped(full), AsColumn(full[0]) if listed else None
    return None, None


def _turned(entry: WrittenEntry, exact: Array | None, quantity: Quantity) -> bool:
    """Whether a square of cases has one in each row, by its figures: they are right so, and not as they stand."""
    if not quantity.batched or entry.strict or len(entry.shape) != 2 or exact is None:
        return False
    rows, columns = entry.shape
    return rows == columns > 1 and not _near(entry, exact) and _near(entry.cases_last(), exact)


def _near(entry: WrittenEntry, exact: Array) -> bool:
    """Whether figures are right as they were written, entry by entry."""
    return exact.shape == entry.shape and bool(
        np.all(np.abs(entry.value - exact) <= entry.half * 1.01 + 1e-9)
    )


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
