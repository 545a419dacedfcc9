"""handgrad verify: the gradients checked from outside."""

from __future__ import annotations

from dataclasses import dataclass

import click

import handgrad
from handgrad.cli.options import Source, option, takes
from handgrad.cli.output import Output, output_options


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What gradients are compared with besides differences."""

    torch: bool = option("--torch", is_flag=True, help="Compare with PyTorch's autograd too.")


@click.command(epilog="Example: handgrad verify lab9 --torch")
@takes(options=VerifyOptions, source=Source)
@output_options()
def verify(options: VerifyOptions, source: Source, output: Output) -> int:
    """Check every gradient of PROBLEM against finite differences and, if asked, PyTorch."""
    verification = handgrad.verify(source.problem(), torch=options.torch or None)
    output.deliver(verification)
    return 0 if verification.agrees else 1
