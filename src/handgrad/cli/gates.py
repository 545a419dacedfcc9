"""handgrad gates: what fires, what is dead, and what would revive it."""

from __future__ import annotations

import sys

import click

import handgrad
from handgrad.cli.data import data_options, files
from handgrad.cli.options import AS_JSON, DECIMALS, PROBLEM, changes, chosen
from handgrad.cli.output import Output, output_options
from handgrad.cli.terminal import Terminal, page_options

LONG = 50_000
"""Cases from which on the work is shown as it goes."""


@click.command(epilog="Example: handgrad gates lab9 --over 'x in [-1,1]^2' --tighten")
@PROBLEM
@data_options
@click.option(
    "--over",
    multiple=True,
    metavar="BOX",
    help="What holds for all inputs of a box, such as 'x in [-1,1]^2'; may be repeated.",
)
@click.option("--tighten", is_flag=True, help="Split the box to decide more units.")
@click.option("--no-remedies", is_flag=True, help="Do not try what would revive a unit.")
@click.option(
    "--fire-on",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Cases on which a shifted bias should make a unit fire.",
)
@DECIMALS
@changes
@AS_JSON
@output_options()
@page_options
def gates(
    problem: str,
    data: tuple[str, ...],
    over: tuple[str, ...],
    tighten: bool,
    skip_bad: bool,
    no_remedies: bool,
    fire_on: int,
    decimals: int,
    settings: tuple[str, ...],
    swaps: tuple[str, ...],
    as_json: bool,
    output: Output,
    terminal: Terminal,
) -> None:
    """Audit the gates of PROBLEM, on its own example or on a file of cases."""
    output.check(as_json)
    given = chosen(problem, settings, swaps)
    if tighten and not over:
        raise handgrad.OptionError(
            "--tighten decides more over a box", mend="give one: --over 'x in [-1,1]^2'"
        )
    progress = _Progress()
    audit = handgrad.audit_gates(
        given,
        files(data),
        over=handgrad.read_box(given, over),
        tighten=tighten,
        skip_bad=skip_bad,
        remedies=not no_remedies,
        fire_on=fire_on,
        progress=progress.told,
    )
    progress.done()
    output.deliver(
        lambda: handgrad.gates_page(audit, decimals),
        audit,
        as_json,
        terminal,
    )


class _Progress:
    """A line on standard error that is written over as the work goes on; none for short work."""

    def __init__(self) -> None:
        self.shown = 0

    def told(self, done: int, cases: int | None) -> None:
        if done < LONG or not sys.stderr.isatty():
            return
        share = f" {'█' * round(20 * done / cases):░<20}" if cases else ""
        of = f" of {cases}" if cases else ""
        line = f"{done}{of} cases{share}"
        click.echo(f"\r{line:<{self.shown}}", err=True, nl=False)
        self.shown = len(line)

    def done(self) -> None:
        if self.shown:
            click.echo(f"\r{'':<{self.shown}}\r", err=True, nl=False)
