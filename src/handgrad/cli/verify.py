"""handgrad verify: the gradients checked from outside."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.options import AS_JSON, PROBLEM, changes, chosen, print_json
from handgrad.cli.terminal import Terminal


@click.command(epilog="Example: handgrad verify lab9")
@PROBLEM
@changes
@AS_JSON
def verify(problem: str, settings: tuple[str, ...], swaps: tuple[str, ...], as_json: bool) -> int:
    """Check every gradient of PROBLEM against finite differences and, if installed, PyTorch."""
    verification = handgrad.verify(chosen(problem, settings, swaps))
    if as_json:
        print_json(handgrad.verification_object(verification))
    else:
        Terminal().show(handgrad.verification_page(verification))
    return 0 if verification.agrees else 1
