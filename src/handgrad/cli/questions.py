"""handgrad questions: what to discuss about a worked solution, with answers."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.options import DECIMALS, Source, takes
from handgrad.cli.output import Output, output_options
from handgrad.discussion import QUESTION_KINDS


@click.command(epilog="Example: handgrad questions lab9 --only gate_swap")
@click.option(
    "--only",
    "kinds",
    type=click.Choice(QUESTION_KINDS),
    multiple=True,
    help="Questions of one kind; may be repeated.",
)
@click.option("--decimals", **DECIMALS)
@takes(source=Source)
@output_options(slides=True)
def questions(source: Source, kinds: tuple[str, ...], decimals: int, output: Output) -> None:
    """Ask what there is to discuss about PROBLEM's solution, and answer it from computation."""
    trace = handgrad.solve(source.problem(), decimals=decimals)
    output.deliver(handgrad.questions(trace, kinds))
