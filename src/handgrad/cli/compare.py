"""handgrad compare: two solutions side by side."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.options import AS_JSON, DECIMALS, PROBLEM, changed, changes, chosen, print_json
from handgrad.cli.terminal import Terminal, page_options


@click.command(epilog="Example: handgrad compare lab9 --swap relu=sigmoid")
@PROBLEM
@click.argument("other", required=False)
@DECIMALS
@changes
@AS_JSON
@page_options
def compare(
    problem: str,
    other: str | None,
    decimals: int,
    settings: tuple[str, ...],
    swaps: tuple[str, ...],
    as_json: bool,
    terminal: Terminal,
) -> None:
    """Set the solution of PROBLEM beside that of OTHER, or of itself with --swap and --set.

    With OTHER, --swap and --set change OTHER.
    """
    if problem == other == "-":
        raise handgrad.OptionError("standard input holds one problem only", where="OTHER")
    first = chosen(problem, (), ())
    second = changed(chosen(other, (), ()) if other is not None else first, settings, swaps)
    comparison = handgrad.compare(
        handgrad.solve(first, decimals=decimals), handgrad.solve(second, decimals=decimals)
    )
    if as_json:
        print_json(handgrad.comparison_object(comparison))
        return
    terminal.show(handgrad.comparison_page(comparison))
