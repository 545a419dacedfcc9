"""handgrad verify: the gradients checked from outside."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.options import Source, takes
from handgrad.cli.output import Output, output_options


@click.command(epilog="Example: handgrad verify lab9")
@takes(source=Source)
@output_options()
def verify(source: Source, output: Output) -> int:
    """Check every gradient of PROBLEM against finite differences and, if installed, PyTorch."""
    verification = handgrad.verify(source.problem())
    output.deliver(verification)
    return 0 if verification.agrees else 1
