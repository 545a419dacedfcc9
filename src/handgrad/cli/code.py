"""handgrad code: both passes as a program of its own."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.options import PROBLEM, changes, chosen


@click.command(epilog="Example: handgrad code lab9 --to torch > lab9.py")
@PROBLEM
@click.option(
    "--to",
    type=click.Choice(["numpy", "torch", "jax"]),
    default="numpy",
    show_default=True,
    help="The library to write for.",
)
@changes
def code(problem: str, to: str, settings: tuple[str, ...], swaps: tuple[str, ...]) -> None:
    """Write PROBLEM's forward and backward pass as a program that runs alone."""
    click.echo(handgrad.write_code(chosen(problem, settings, swaps), to), nl=False)
