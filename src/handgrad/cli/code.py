"""handgrad code: both passes as a program of its own."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.options import Source, takes


@click.command(epilog="Example: handgrad code lab9 --to torch > lab9.py")
@click.option(
    "--to",
    type=click.Choice(["numpy", "torch", "jax"]),
    default="numpy",
    show_default=True,
    help="The library to write for.",
)
@takes(source=Source)
def code(source: Source, to: str) -> None:
    """Write PROBLEM's forward and backward pass as a program that runs alone."""
    click.echo(handgrad.code(source.problem(), to), nl=False)
