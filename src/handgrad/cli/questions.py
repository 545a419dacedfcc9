"""handgrad questions: what to discuss about a worked solution, with answers."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.options import DECIMALS, Source, takes
from handgrad.cli.output import Output, output_options


@click.command(epilog="Example: handgrad questions lab9 --only gate_swap")
@click.option(
    "--only",
    "kinds",
    type=click.Choice(handgrad.QUESTION_KINDS),
    multiple=True,
    help="Questions of one kind; may be repeated.",
)
@click.option("--decimals", **DECIMALS)
@takes(source=Source)
@output_options(slides=True)
def questions(source: Source, kinds: tuple[str, ...], decimals: int, output: Output) -> None:
    """Ask what there is to discuss about PROBLEM's solution, and answer it from computation."""
    trace = handgrad.solve(source.problem(), decimals=decimals)
    asked = handgrad.questions_for(trace)
    found = tuple(q for q in asked if not kinds or q.kind in kinds)
    if not found:
        there = ", ".join(dict.fromkeys(q.kind for q in asked))
        raise handgrad.OptionError(
            "this problem has no such question", where="--only", mend=f"it has {there}"
        )
    output.deliver(
        lambda: handgrad.questions_page(trace, found),
        handgrad.QuestionSheet(trace, found),
        lambda: handgrad.questions_page(trace, found, layout="slides"),
    )
