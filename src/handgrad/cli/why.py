"""handgrad why: one entry explained."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.data import data_options, with_files
from handgrad.cli.options import AS_JSON, DECIMALS, PROBLEM, changes, chosen
from handgrad.cli.output import Output, output_options
from handgrad.cli.terminal import Terminal, page_options


@click.command(epilog="Example: handgrad why lab9 dW2[1,0]")
@PROBLEM
@click.argument("entry", type=str)
@data_options
@click.option(
    "--top",
    type=click.IntRange(1, 10_000),
    default=10,
    show_default=True,
    help="Paths, or terms, to list: the largest.",
)
@DECIMALS
@changes
@AS_JSON
@output_options()
@page_options
def why(
    problem: str,
    entry: str,
    data: tuple[str, ...],
    skip_bad: bool,
    top: int,
    decimals: int,
    settings: tuple[str, ...],
    swaps: tuple[str, ...],
    as_json: bool,
    output: Output,
    terminal: Terminal,
) -> None:
    """Say why ENTRY of a gradient (dW2[1,0], counted from 0) or of a value (h2[1]) is what it is.

    A gradient is the sum over all paths from the entry to the loss, each the product of the local
    derivatives on the way. Of a file of cases it is the gradient of the loss over all of them.
    """
    output.check(as_json)
    given = with_files(chosen(problem, settings, swaps), data, skip_bad)
    answer = handgrad.ask_why(given, entry, top)
    output.deliver(
        lambda: handgrad.why_page(answer, decimals),
        answer,
        as_json,
        terminal,
    )
