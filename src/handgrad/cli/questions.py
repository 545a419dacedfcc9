"""handgrad questions: what to discuss about a worked solution, with answers."""

from __future__ import annotations

import click

import handgrad
from handgrad.cli.options import AS_JSON, DECIMALS, PROBLEM, changes, chosen
from handgrad.cli.output import Output, output_options
from handgrad.cli.terminal import Terminal, page_options


@click.command(epilog="Example: handgrad questions lab9 --only gate_swap")
@PROBLEM
@click.option(
    "--only",
    "kinds",
    type=click.Choice(handgrad.QUESTION_KINDS),
    multiple=True,
    help="Questions of one kind; may be repeated.",
)
@DECIMALS
@changes
@AS_JSON
@output_options(slides=True)
@page_options
def questions(
    problem: str,
    kinds: tuple[str, ...],
    decimals: int,
    settings: tuple[str, ...],
    swaps: tuple[str, ...],
    as_json: bool,
    output: Output,
    terminal: Terminal,
) -> None:
    """Ask what there is to discuss about PROBLEM's solution, and answer it from computation."""
    output.check(as_json)
    trace = handgrad.solve(chosen(problem, settings, swaps), decimals=decimals)
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
        as_json,
        terminal,
        lambda: handgrad.questions_page(trace, found, layout="slides"),
    )
