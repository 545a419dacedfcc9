"""handgrad why: one entry explained."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.options import AS_JSON, DECIMALS, PROBLEM, changes, chosen
from handgrad.cli.output import Output, output_options
from handgrad.cli.terminal import Terminal, page_options


@click.command(epilog="Example: handgrad why lab9 dW2[1,0]")
@PROBLEM
@click.argument("entry", type=str)
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
    derivatives on the way.
    """
    output.check(as_json)
    answer = handgrad.ask_why(chosen(problem, settings, swaps), entry, top)
    page = handgrad.why_page(answer, decimals)
    made = handgrad.Report(page, json=lambda: handgrad.why_object(answer))
    output.show(made, as_json, terminal)
