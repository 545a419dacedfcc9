"""Files of cases for a problem, whose rows must also be such as its losses are made for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from handgrad import tables
from handgrad.graph import build
from handgrad.problem import Problem
from handgrad.running.targets import fitting_cases, targets_of
from handgrad.tables.cases import FileCases


def open_cases(
    problem: Problem, files: str | Path | Mapping[str, str | Path], *, skip_bad: bool = False
) -> FileCases:
    """The cases in a .csv, .npy, .npz or .parquet file, or in a file for each of some data.

    Arguments:
        problem: whose data are read.
        files: one table, or by name of a datum the file that holds it.
        skip_bad: leave out rows with text, gaps, NaN or infinities, and those whose target the
            problem's loss is not made for, and count them.

    Raises `HandgradError` for files that cannot be read and columns that do not fit.
    """
    fits = partial(fitting_cases, targets=targets_of(build(problem))) if skip_bad else None
    return tables.open_cases(problem, files, skip_bad=skip_bad, fits=fits)
