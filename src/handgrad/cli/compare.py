"""handgrad compare: two solutions side by side."""

from __future__ import annotations

from dataclasses import replace

import click

import handgrad
from handgrad.cli.options import DECIMALS, Source, takes
from handgrad.cli.output import Output, output_options


@click.command(epilog="Example: handgrad compare lab9 --swap relu=sigmoid")
@click.option("--decimals", **DECIMALS)
@takes(source=Source)
@click.argument("other", required=False)
@output_options()
def compare(source: Source, other: str | None, decimals: int, output: Output) -> None:
    """Set the solution of PROBLEM beside that of OTHER, or of itself with --swap and --set.

    With OTHER, --swap and --set change OTHER.
    """
    if source.name == other == "-":
        raise handgrad.OptionError("standard input holds one problem only", where="OTHER")
    own = replace(source, settings=(), swaps=())
    first = own.problem()
    second = source.made_in(replace(own, name=other).problem() if other is not None else first)
    comparison = handgrad.compare(
        handgrad.solve(first, decimals=decimals), handgrad.solve(second, decimals=decimals)
    )
    output.deliver(comparison)
