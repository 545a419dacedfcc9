"""Cases from files: the options --data and --skip-bad."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

import handgrad
from handgrad.cli.options import pair

F = TypeVar("F", bound=Callable[..., Any])

_DATA = click.option(
    "--data",
    multiple=True,
    metavar="FILE",
    help="Cases: a .csv, .npy, .npz or .parquet file, or NAME=FILE for one datum; may be repeated.",
)
_SKIP_BAD = click.option(
    "--skip-bad", is_flag=True, help="Leave out bad rows of a file, and count them."
)


def data_options(command: F) -> F:
    """The options --data and --skip-bad; the command gets `data` and `skip_bad`."""
    return _DATA(_SKIP_BAD(command))


def files(data: Sequence[str]) -> str | dict[str, str] | None:
    """One file, or a file for each of some names; None where none is given."""
    if not data:
        return None
    if len(data) == 1 and "=" not in data[0]:
        return data[0]
    named = [pair(d, "--data") for d in data]
    found = dict(named)
    if len(found) < len(named):
        raise handgrad.OptionError("a name is given two files", where="--data")
    return found


def with_files(problem: handgrad.Problem, data: Sequence[str], skip_bad: bool) -> handgrad.Problem:
    """The problem with the cases of files in place of its own; rows that are left out are counted
    on standard error."""
    tables = files(data)
    if tables is None:
        return problem
    problem = handgrad.examples_as_cases(problem).problem  # a file has an example a row
    cases = handgrad.open_cases(problem, tables, skip_bad=skip_bad)
    problem = handgrad.with_data(problem, cases)
    if cases.skipped:
        rows = "row" if cases.skipped == 1 else "rows"
        click.echo(f"{cases.skipped} bad {rows} left out", err=True)
    return problem
