"""handgrad explain: the reference of one operation."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.output import Output, output_options


@click.command(epilog="Example: handgrad explain relu")
@click.argument("name")
@output_options()
def explain(name: str, output: Output) -> None:
    """Show what the operation NAME computes, its pull-back, and what is taken at its kinks."""
    output.deliver(handgrad.explain(name))
