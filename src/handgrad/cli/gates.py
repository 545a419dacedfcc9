"""handgrad gates: what fires, what is dead, and what would revive it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

import handgrad
from handgrad.cli.options import AS_JSON, DECIMALS, PROBLEM, changes, chosen, pair
from handgrad.cli.output import Output, output_options
from handgrad.cli.terminal import Terminal, page_options

LONG = 50_000
"""Cases from which on the work is shown as it goes."""


@click.command(epilog="Example: handgrad gates lab9 --over 'x in [-1,1]^2' --tighten")
@PROBLEM
@click.option(
    "--data",
    multiple=True,
    metavar="FILE",
    help="Cases: a .csv, .npy, .npz or .parquet file, or NAME=FILE for one datum; may be repeated.",
)
@click.option(
    "--over",
    multiple=True,
    metavar="BOX",
    help="What holds for all inputs of a box, such as 'x in [-1,1]^2'; may be repeated.",
)
@click.option("--tighten", is_flag=True, help="Split the box to decide more units.")
@click.option("--skip-bad", is_flag=True, help="Leave out bad rows of a file, and count them.")
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
        _files(data),
        over=handgrad.read_box(given, over),
        tighten=tighten,
        skip_bad=skip_bad,
        remedies=not no_remedies,
        fire_on=fire_on,
        progress=progress.told,
    )
    progress.done()
    page = handgrad.gates_page(audit, decimals)
    made = handgrad.Report(page, json=lambda: handgrad.gates_object(audit))
    output.show(made, as_json, terminal)


def _files(data: Sequence[str]) -> str | dict[str, str] | None:
    """One file, or a file for each of some names."""
    if not data:
        return None
    if len(data) == 1 and "=" not in data[0]:
        return data[0]
    named = [pair(d, "--data") for d in data]
    files = dict(named)
    if len(files) < len(named):
        raise handgrad.OptionError("a name is given two files", where="--data")
    return files


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
