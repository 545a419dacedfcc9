"""handgrad list: the bundled problems."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.options import AS_JSON, print_json
from handgrad.cli.terminal import Terminal


@click.command(name="list", epilog="Example: handgrad list")
@AS_JSON
def list_(as_json: bool) -> None:
    """List the bundled problems."""
    problems = handgrad.bundled()
    if as_json:
        print_json(handgrad.Listing(problems))
        return
    Terminal().show(handgrad.list_page(problems))
