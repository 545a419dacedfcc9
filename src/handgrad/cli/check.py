"""handgrad check: a student's figures, or figures in print, against the worked solution."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

import handgrad
from handgrad.cli.options import Source, option, takes
from handgrad.cli.output import Output, output_options

if TYPE_CHECKING:
    from handgrad.checking.report import Level


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How answers are checked, and how much is told."""

    level: Level = option(
        "--level",
        type=click.Choice(["where", "what", "rule", "worked"]),
        default="what",
        show_default=True,
        help="How much is told of what is wrong.",
    )
    rubric: Path | None = option(
        "--rubric", type=click.Path(path_type=Path), help="Marks, in a TOML file."
    )
    as_printed: bool = option(
        "--as-printed", is_flag=True, help="Judge figures of a book or a slide, each for itself."
    )
    blank: Literal["toml", "csv", "ipynb"] | None = option(
        "--blank",
        is_flag=False,
        flag_value="toml",
        type=click.Choice(["toml", "csv", "ipynb"]),
        help="Print an answers file, or a notebook, to fill in, and stop.",
    )


@click.command(epilog="Example: handgrad check lab9 answers.toml --level rule")
@takes(options=CheckOptions, source=Source)
@click.argument("answers", type=click.Path(path_type=Path), required=False)
@output_options()
def check(source: Source, answers: Path | None, options: CheckOptions, output: Output) -> int:
    """Check the figures in ANSWERS (.toml, .json, .csv or a notebook) against PROBLEM, step by step."""
    checker = handgrad.Checker(source.problem(), options.rubric)
    if options.blank is not None:
        if output.paths:
            raise handgrad.OptionError(
                "--blank prints to standard output", mend=f"put > answers.{options.blank} after it"
            )
        click.echo(_to_fill_in(checker, options.blank), nl=False)
        return 0
    if answers is None:
        raise handgrad.OptionError(
            "no answers are named",
            mend=f"handgrad check {source.name} --blank prints a file to fill in",
        )
    report = checker.check_printed(answers) if options.as_printed else checker.check(answers)
    output.deliver(report, level=options.level)
    return 0 if report.all_well else 1


def _to_fill_in(checker: handgrad.Checker, kind: str) -> str:
    from handgrad.checking.blank_page import answers_page
    from handgrad.checking.blanks import blank_csv, blank_toml
    from handgrad.formats.notebook import render_notebook

    places = handgrad.blanks(checker)
    if kind == "ipynb":
        page = answers_page(handgrad.solve(checker.problem), places)
        return render_notebook(page)
    return blank_csv(places) if kind == "csv" else blank_toml(places)
