"""handgrad why: one entry explained."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.data import Data
from handgrad.cli.options import DECIMALS, Source, takes
from handgrad.cli.output import Output, output_options


@click.command(epilog="Example: handgrad why lab9 dW2[1,0]")
@takes(data=Data)
@click.option(
    "--top",
    type=click.IntRange(1, 10_000),
    default=10,
    show_default=True,
    help="Paths, or terms, to list: the largest.",
)
@click.option("--decimals", **DECIMALS)
@takes(source=Source)
@click.argument("entry")
@output_options()
def why(source: Source, entry: str, data: Data, top: int, decimals: int, output: Output) -> None:
    """Say why ENTRY of a gradient (dW2[1,0], counted from 0), all of one (W2), or a value (h2[1]) is what it is.

    A gradient is the sum over all paths from the entry to the loss, each the product of the local
    derivatives on the way. Of a file of cases it is the gradient of the loss over all of them.
    """
    given = data.put_in(source)
    output.deliver(handgrad.why(given, entry, top), decimals=decimals)
