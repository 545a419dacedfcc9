"""handgrad compare: two solutions side by side."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.options import AS_JSON, DECIMALS, PROBLEM, changed, changes, chosen
from handgrad.cli.output import Output, output_options
from handgrad.cli.terminal import Terminal, page_options


@click.command(epilog="Example: handgrad compare lab9 --swap relu=sigmoid")
@PROBLEM
@click.argument("other", required=False)
@DECIMALS
@changes
@AS_JSON
@output_options()
@page_options
def compare(
    problem: str,
    other: str | None,
    decimals: int,
    settings: tuple[str, ...],
    swaps: tuple[str, ...],
    as_json: bool,
    output: Output,
    terminal: Terminal,
) -> None:
    """Set the solution of PROBLEM beside that of OTHER, or of itself with --swap and --set.

    With OTHER, --swap and --set change OTHER.
    """
    output.check(as_json)
    if problem == other == "-":
        raise handgrad.OptionError("standard input holds one problem only", where="OTHER")
    first = chosen(problem, (), ())
    second = changed(chosen(other, (), ()) if other is not None else first, settings, swaps)
    comparison = handgrad.compare(
        handgrad.solve(first, decimals=decimals), handgrad.solve(second, decimals=decimals)
    )
    output.deliver(
        lambda: handgrad.comparison_page(comparison),
        comparison,
        as_json,
        terminal,
    )
