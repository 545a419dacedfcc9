"""Cases from files: the options --data and --skip-bad."""

from __future__ import annotations

from dataclasses import dataclass

import click

import handgrad
from handgrad.cli.options import option, pair


def _files() -> str:
    from handgrad.tables.readers import READERS

    *first, last = READERS
    return (
        f"Cases: a {', '.join(first)} or {last} file, or NAME=FILE for one datum; may be repeated."
    )


@dataclass(frozen=True, slots=True)
class Data:
    """The files that cases are read from."""

    names: tuple[str, ...] = option(
        "--data",
        multiple=True,
        metavar="FILE",
        help=_files,
    )
    skip_bad: bool = option(
        "--skip-bad", is_flag=True, help="Leave out bad rows of a file, and count them."
    )

    def files(self) -> str | dict[str, str] | None:
        """One file, or a file for each of some names; None where none is given."""
        if not self.names:
            return None
        if len(self.names) == 1 and "=" not in self.names[0]:
            return self.names[0]
        named = [pair(each, "--data") for each in self.names]
        found = dict(named)
        if len(found) < len(named):
            raise handgrad.OptionError("a name is given two files", where="--data")
        return found

    def put_in(self, problem: handgrad.Problem) -> handgrad.Problem:
        """The problem with the cases of the files in place of its own, if any are named.

        Rows that are left out are counted on standard error.
        """
        from handgrad.running.cases import open_cases
        from handgrad.running.rows import examples_as_cases
        from handgrad.study import with_data

        tables = self.files()
        if tables is None:
            return problem
        problem = examples_as_cases(problem).problem  # a file has an example a row
        cases = open_cases(problem, tables, skip_bad=self.skip_bad)
        problem = with_data(problem, cases)
        if cases.skipped:
            rows = "row" if cases.skipped == 1 else "rows"
            click.echo(f"{cases.skipped} bad {rows} left out", err=True)
        return problem
