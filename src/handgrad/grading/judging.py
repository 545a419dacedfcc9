"""The verdicts on many sheets at once, in arrays, by the same steps as on one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from handgrad.arrays import Mask
from handgrad.checking.conventions import may_be_late
from handgrad.checking.figures import Habits, ManyEntries
from handgrad.checking.judging import JudgedEntry, Judging, divided
from handgrad.checking.matching import as_written
from handgrad.checking.quantities import Quantity
from handgrad.checking.report import Diagnosis
from handgrad.checking.sheets import ManySheets
from handgrad.expression import Leaf
from handgrad.grading.graded import VERDICTS

RIGHT, CONSISTENT, WRONG, MISSING = (VERDICTS.index(v) for v in VERDICTS)


@dataclass(frozen=True, slots=True, eq=False)
class JudgedColumn:
    """The verdicts on one quantity, by sheet.

    Arguments:
        codes: as in `Graded`.
        trivial: whether the figures follow from an earlier slip that left nothing to work out.
        explained: by sheet where figures are wrong, what explains them, best first.
    """

    codes: npt.NDArray[np.uint8]
    trivial: npt.NDArray[np.bool_]
    explained: Mapping[int, tuple[Diagnosis, ...]] = field(default_factory=dict)


class JudgingMany(Judging):
    """Judges many sheets on which figures for the same quantities were entered.

    Arguments:
        sheets: the sheets.
        entries: by quantity, the figures.
        habits: how many digits each sheet's figures have.
    """

    def __init__(
        self, sheets: ManySheets, entries: Mapping[Leaf, ManyEntries], habits: Habits
    ) -> None:
        super().__init__(sheets, entries, habits, rounded_unseen=True)
        self.columns: dict[Quantity, JudgedColumn] = {}
        unusual = divided(sheets, entries) | _turned(sheets, entries)
        self.undecided = np.broadcast_to(unusual, sheets.count).copy()
        """Sheets that are to be looked at one by one: where what is wrong changes how the rest is judged."""

    def missing(self, quantity: Quantity) -> None:
        """Nothing is to be noted: what has no column is missing on all sheets."""

    def entered(self, one: JudgedEntry) -> None:
        count, quantity = self.sheets.count, one.quantity
        wrong = np.broadcast_to(one.is_wrong, count)
        codes = np.full(count, CONSISTENT, dtype=np.uint8)
        codes[np.broadcast_to(one.is_right, count)] = RIGHT
        codes[wrong] = WRONG
        codes[np.broadcast_to(one.is_missing, count)] = MISSING
        explained: dict[int, tuple[Diagnosis, ...]] = {}
        if wrong.any():
            found = self.diagnosis(one)
            for sheet in found.which.tolist():
                diagnoses = found.all_of(sheet)
                if diagnoses:
                    explained[sheet] = diagnoses
                    self.undecided[sheet] |= bool(diagnoses[0].supposed)
            if may_be_late(self.work, quantity):
                self.undecided |= wrong
        trivial = np.broadcast_to(one.is_trivial, count)
        self.columns[quantity] = JudgedColumn(codes, trivial, explained)
        self.carry(one)


def _turned(sheets: ManySheets, entries: Mapping[Leaf, ManyEntries]) -> Mask:
    """By sheet, whether a square of cases has one in each row, by its figures."""
    found = sheets.none
    for leaf, entry in entries.items():
        rows, *columns = entry.value.shape[:-1] or (1,)
        if sheets.work.structure.by_leaf[leaf].batched and columns == [rows] and rows > 1:
            turned = sheets.exact[leaf].swapaxes(0, 1)
            upright = sheets.all(as_written(entry, sheets.exact[leaf]))
            found = found | (~upright & sheets.all(as_written(entry, turned)))
    return found
