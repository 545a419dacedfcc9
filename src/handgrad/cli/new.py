"""handgrad new: a problem file to start from."""

from __future__ import annotations

from pathlib import Path

import click

import handgrad


@click.command(epilog='Example: handgrad new my.toml --like "3-4-2 relu softmax"')
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--like",
    metavar="TEXT",
    help='A network in words, such as "3-4-2 relu softmax", or a bundled problem, such as rnn.',
)
@click.option("--force", is_flag=True, help="Replace a file that exists already.")
def new(file: Path, like: str | None, force: bool) -> None:
    """Write the problem file FILE to start from, with a line on each of its parts."""
    problem = handgrad.new(file, **({} if like is None else {"like": like}), force=force)
    equations = len(problem.equations)
    click.echo(f"{file}: {equations} equations. Work them out with: handgrad solve {file}")
