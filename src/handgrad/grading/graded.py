"""What grading a batch finds, in arrays: a row for each student, a column for each quantity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from handgrad.checking.remarks import Unused
from handgrad.checking.report import Diagnosis, Verdict

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""Verdicts in the order of their codes."""

UNASKED = len(VERDICTS)
"""The code of a quantity that is not asked for, where a student has not entered it either."""

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Graded:
    """The verdicts and marks of a batch of answer sheets.

    Arguments:
        ids: the students, a row of each array for each.
        targets: the quantities, a column for each, in the order of the steps: all that are asked for, and all others
            that the batch has columns for.
        verdicts: codes, of which `VERDICTS` is the list; `UNASKED` for what is not asked for and was not entered.
        marks, out_of: what each quantity earns, and what it is worth.
        diagnosis: where in `explanations` stands what explains a wrong quantity; −1 where nothing does.
        explanations: each once, as `check` gives it: the likeliest first, and others that lead to the same figures.
        remarks: by row, what of a sheet could not be read or used.
        unused: the headings of no use, and why.
    """

    ids: tuple[str, ...]
    targets: tuple[str, ...]
    verdicts: npt.NDArray[np.uint8]
    marks: Floats
    out_of: Floats
    diagnosis: npt.NDArray[np.int32]
    explanations: tuple[tuple[Diagnosis, ...], ...]
    remarks: Mapping[int, tuple[Unused, ...]]
    unused: tuple[Unused, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<Graded: {len(self)} sheets, {len(self.targets)} quantities>"

    @property
    def totals(self) -> Floats:
        """The marks of each student."""
        totals: Floats = np.round(self.marks.sum(axis=1), 10)
        return totals

    @property
    def totals_out_of(self) -> Floats:
        """The marks that each student could have had."""
        totals: Floats = np.round(self.out_of.sum(axis=1), 10)
        return totals

    def verdict(self, row: int, target: str) -> Verdict | None:
        """The verdict on one quantity of a student; None where it is neither asked for nor entered."""
        code = int(self.verdicts[row, self.targets.index(target)])
        return None if code == UNASKED else VERDICTS[code]

    def explained(self, row: int, target: str) -> Diagnosis | None:
        """What explains a wrong quantity of a student best; None where nothing does."""
        index = int(self.diagnosis[row, self.targets.index(target)])
        return None if index < 0 else self.explanations[index][0]
