"""The option --skip-bad of commands that read cases from files."""

from __future__ import annotations

from dataclasses import dataclass

import handgrad
from handgrad.cli.cases import with_cases
from handgrad.cli.options import Source, option


@dataclass(frozen=True, slots=True)
class Data:
    """How files of cases are read."""

    skip_bad: bool = option(
        "--skip-bad", is_flag=True, help="Leave out bad rows of a file, and count them."
    )

    def put_in(self, source: Source) -> handgrad.Problem:
        """The problem with the cases of the files in place of its own, if any are named."""
        given, files = source.without_cases(), source.files()
        return given if files is None else with_cases(given, files, skip_bad=self.skip_bad)
