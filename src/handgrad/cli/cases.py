"""Cases from files put in place of a problem's own."""

from __future__ import annotations

from collections.abc import Mapping

import click

import handgrad


def with_cases(
    problem: handgrad.Problem, files: str | Mapping[str, str], *, skip_bad: bool = False
) -> handgrad.Problem:
    """The problem with the cases of files in place of its own.

    Rows that are left out are counted on standard error.
    """
    from handgrad.running.cases import open_cases
    from handgrad.running.rows import examples_as_cases
    from handgrad.study import with_data

    problem = examples_as_cases(problem).problem  # a file has an example a row
    cases = open_cases(problem, files, skip_bad=skip_bad)
    problem = with_data(problem, cases)
    if cases.skipped:
        rows = "row" if cases.skipped == 1 else "rows"
        click.echo(f"{cases.skipped} bad {rows} left out", err=True)
    return problem
