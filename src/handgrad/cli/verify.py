"""handgrad verify: the gradients checked from outside."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.options import AS_JSON, PROBLEM, changes, chosen
from handgrad.cli.output import Output, output_options
from handgrad.cli.terminal import Terminal, page_options


@click.command(epilog="Example: handgrad verify lab9")
@PROBLEM
@changes
@AS_JSON
@output_options()
@page_options
def verify(
    problem: str,
    settings: tuple[str, ...],
    swaps: tuple[str, ...],
    as_json: bool,
    output: Output,
    terminal: Terminal,
) -> int:
    """Check every gradient of PROBLEM against finite differences and, if installed, PyTorch."""
    output.check(as_json)
    verification = handgrad.verify(chosen(problem, settings, swaps))
    output.deliver(
        lambda: handgrad.verification_page(verification),
        verification,
        as_json,
        terminal,
    )
    return 0 if verification.agrees else 1
