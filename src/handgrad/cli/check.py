"""handgrad check: a student's figures, or figures in print, against the worked solution."""

from __future__ import annotations

from pathlib import Path

import click

import handgrad
from handgrad.cli.options import AS_JSON, PROBLEM, changes, chosen
from handgrad.cli.output import Output, output_options
from handgrad.cli.terminal import Terminal, page_options


@click.command(epilog="Example: handgrad check lab9 answers.toml --level rule")
@PROBLEM
@click.argument("answers", type=click.Path(path_type=Path), required=False)
@click.option(
    "--level",
    type=click.Choice(["where", "what", "rule", "worked"]),
    default="what",
    show_default=True,
    help="How much is told of what is wrong.",
)
@click.option("--rubric", type=click.Path(path_type=Path), help="Marks, in a TOML file.")
@click.option(
    "--as-printed", is_flag=True, help="Judge figures of a book or a slide, each for itself."
)
@click.option(
    "--blank",
    is_flag=False,
    flag_value="toml",
    type=click.Choice(["toml", "csv", "ipynb"]),
    help="Print an answers file, or a notebook, to fill in, and stop.",
)
@changes
@AS_JSON
@output_options()
@page_options
def check(
    problem: str,
    answers: Path | None,
    level: handgrad.Level,
    rubric: Path | None,
    as_printed: bool,
    blank: str | None,
    settings: tuple[str, ...],
    swaps: tuple[str, ...],
    as_json: bool,
    output: Output,
    terminal: Terminal,
) -> int:
    """Check the figures in ANSWERS (.toml, .json or .csv) against PROBLEM, step by step."""
    output.check(as_json)
    checker = handgrad.Checker(chosen(problem, settings, swaps), rubric)
    if blank is not None:
        if output:
            raise handgrad.OptionError(
                "--blank prints to standard output", mend=f"put > answers.{blank} after it"
            )
        click.echo(_to_fill_in(checker, blank), nl=False)
        return 0
    if answers is None:
        raise handgrad.OptionError(
            "no answers are named",
            mend=f"handgrad check {problem} --blank prints a file to fill in",
        )
    report = checker.check_printed(answers) if as_printed else checker.check(answers)
    output.deliver(
        lambda: handgrad.check_page(report, level),
        report,
        as_json,
        terminal,
    )
    return 0 if report.all_well else 1


def _to_fill_in(checker: handgrad.Checker, kind: str) -> str:
    places = handgrad.blanks(checker)
    if kind == "ipynb":
        page = handgrad.answers_page(handgrad.solve(checker.problem), places)
        return handgrad.render_notebook(page)
    return handgrad.blank_csv(places) if kind == "csv" else handgrad.blank_toml(places)
