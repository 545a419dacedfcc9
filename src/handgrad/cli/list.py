"""handgrad list: the bundled problems."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.output import Output, output_options


@click.command(name="list", epilog="Example: handgrad list")
@output_options(files=False, terminal=False)
def list_(output: Output) -> None:
    """List the bundled problems."""
    output.deliver(handgrad.bundled())
