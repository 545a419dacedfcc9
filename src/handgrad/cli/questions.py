"""handgrad questions: what to discuss about a worked solution, with answers."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.options import DECIMALS, Option, Source, takes
from handgrad.cli.output import Output, output_options


def _begun(context: click.Context, parameter: click.Parameter, letters: str) -> list[str]:
    """The kinds that begin with these letters, for the shell's completion."""
    from handgrad.discussion import QUESTION_KINDS

    return [kind for kind in QUESTION_KINDS if kind.startswith(letters)]


def _only() -> str:
    from handgrad.discussion import QUESTION_KINDS

    *first, last = QUESTION_KINDS
    return f"Questions of one kind: {', '.join(first)} or {last}; may be repeated."


@click.command(epilog="Example: handgrad questions lab9 --only gate_swap")
@click.option(
    "--only",
    "kinds",
    cls=Option,
    multiple=True,
    metavar="KIND",
    shell_complete=_begun,
    help=_only,
)
@click.option("--decimals", **DECIMALS)
@takes(source=Source)
@output_options(slides=True)
def questions(source: Source, kinds: tuple[str, ...], decimals: int, output: Output) -> None:
    """Ask what there is to discuss about PROBLEM's solution, and answer it from computation."""
    trace = handgrad.solve(source.problem(), decimals=decimals)
    output.deliver(handgrad.questions(trace, kinds))
