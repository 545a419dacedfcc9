"""handgrad verify: the gradients checked from outside."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.options import AS_JSON, PROBLEM, changes, chosen
from handgrad.cli.output import Output, output_options


@click.command(epilog="Example: handgrad verify lab9")
@PROBLEM
@changes
@AS_JSON
@output_options()
def verify(
    problem: str,
    settings: tuple[str, ...],
    swaps: tuple[str, ...],
    as_json: bool,
    output: Output,
) -> int:
    """Check every gradient of PROBLEM against finite differences and, if installed, PyTorch."""
    output.check(as_json)
    verification = handgrad.verify(chosen(problem, settings, swaps))
    page = handgrad.verification_page(verification)
    made = handgrad.Report(page, json=lambda: handgrad.verification_object(verification))
    output.show(made, as_json)
    return 0 if verification.agrees else 1
