"""What learning systems export of students' answers, read as tables of answers are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from itertools import chain
from typing import Protocol

import numpy as np

from handgrad.arrays import Array
from handgrad.checking import Checker
from handgrad.checking.figures import read_figure
from handgrad.errors import HandgradError, OptionError
from handgrad.exercises.asked import AskedArray, asked_arrays
from handgrad.exercises.grids import Place
from handgrad.formats.latex import latex
from handgrad.grading.oddities import Oddity
from handgrad.grading.own_numbers import OwnNumbers
from handgrad.grading.tables import AnswerTable, SheetRows

_ASKED = re.compile(r"\\\(((?:(?!\\\().)*?)\\\)\s*\?\s*(?:\((case \d+)\))?\s*$", re.DOTALL)
"""How the text of a question for one figure ends: its formula, a question mark, and its case where there are several."""

Tell = Callable[[str, str, Oddity], None]
"""Says where something is odd, and why."""


class Export(Protocol):
    """What one system exports: `system` is what it is called, with what is exported."""

    system: str

    def fits(self, headings: Sequence[str], first: SheetRows) -> bool:
        """Whether a table is such an export, by its headings and its first rows."""

    def read(self, table: AnswerTable, asked: AskedSheet, tell: Tell) -> AnswerTable:
        """The same with the headings of answers. Raises `OptionError` where the export is of another question."""


@dataclass(frozen=True)
class AskedSheet:
    """What was asked for in the question that an export is of.

    Arguments:
        checker: the problem's.
        own: each student's own numbers, or those of a bank of variants; None where all have the problem's.
        blanks: what was left blank; all by default.
    """

    checker: Checker
    own: OwnNumbers | None = None
    blanks: Sequence[str] = ()

    @cached_property
    def arrays(self) -> tuple[AskedArray, ...]:
        """The quantities that were asked for."""
        return tuple(asked_arrays(self.checker, self.blanks))

    @cached_property
    def laid_out(self) -> tuple[tuple[AskedArray, Place], ...]:
        """The figures in the order in which a form asks for them."""
        return tuple((a, at) for a in self.arrays for at in a.laid_out)

    @cached_property
    def headings(self) -> tuple[str, ...]:
        """What the same are called in a table of answers."""
        return tuple(a.heading(at) for a, at in self.laid_out)

    @cached_property
    def by_label(self) -> Mapping[tuple[str, str], str]:
        """By the formula that stands before a figure's field, and the case, its heading."""
        style = self.checker.work.structure.trace.style()
        return {
            (_bare(f"{latex(a.entry(at), style=style)}{sign}"), a.case(at)): a.heading(at)
            for a, at in self.laid_out
            for sign in [r"\leftarrow" if a.assigned else "="]
        }

    @cached_property
    def _right(self) -> tuple[tuple[str, ...], Array]:
        """What the problems of students are called, and by problem the figures that are right."""
        names, rows = [], []
        own = self.own
        for name in own.files if own is not None else ():
            assert own is not None
            try:
                exact = self.checker.at(own.numbers(name)).work.exact
            except HandgradError:
                continue
            names.append(name)
            rows.append([float(exact[a.quantity.leaf][at]) for a, at in self.laid_out])
        return tuple(names), np.array(rows).reshape(len(rows), len(self.laid_out))

    def problem_of(self, right: Sequence[str]) -> str:
        """What the problem is called whose figures are these, in the order of a form; empty where none has them."""
        names, rows = self._right
        figures = [read_figure(text) for text in right]
        if len(figures) != len(self.laid_out) or not names or None in figures:
            return ""
        values = np.array([f.value for f in figures if f is not None])
        halves = np.array([f.half for f in figures if f is not None])
        near = np.flatnonzero((np.abs(rows - values) <= 1.01 * halves + 1e-9).all(axis=1))
        return names[int(near[0])] if len(near) == 1 else ""

    def labelled(self, text: str) -> str | None:
        """The heading of the figure that a question's text asks for last; None where it asks for none.

        Raises `OptionError` where it asks for another figure than the problem's.
        """
        plain = unescape(re.sub(r"</?[a-zA-Z][^>]*>", " ", text))
        found = _ASKED.search(plain)
        if found is None:
            return None
        meant = self.by_label.get((_bare(found[1]), found[2] or ""))
        if meant is None:
            raise self.other_question("it has a question for another figure")
        return meant

    def other_question(self, what: str) -> OptionError:
        """What is said where an export asks for other figures."""
        return OptionError(
            f"{what}, and the problem asks for {len(self.headings)}",
            mend="say with --blank what was left blank, as for practice",
        )


def _bare(formula: str) -> str:
    return re.sub(r"\s+", "", formula)


def peeked(table: AnswerTable) -> tuple[SheetRows, AnswerTable]:
    """The first rows of a table, and the table with all of them."""
    first = next(table.blocks, SheetRows((), (), dict.fromkeys(table.headings, ())))
    return first, AnswerTable(table.headings, chain([first], table.blocks))


def in_columns(
    rows: SheetRows,
    headings: Sequence[str],
    sheets: Iterator[Mapping[str, str] | None],
    problems: Sequence[str] | None = None,
) -> SheetRows:
    """Rows with the figures of each by heading; those without any are left out."""
    kept = [(k, sheet) for k, sheet in enumerate(sheets) if sheet is not None]
    return SheetRows(
        [rows.places[k] for k, _ in kept],
        [rows.ids[k] for k, _ in kept],
        {h: [sheet.get(h, "") for _, sheet in kept] for h in headings},
        None if problems is None else [problems[k] for k, _ in kept],
    )
