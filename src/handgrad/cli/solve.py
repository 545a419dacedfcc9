"""handgrad solve: the whole worked solution."""

from __future__ import annotations

from functools import partial

import click

import handgrad
from handgrad.cli.options import AS_JSON, DECIMALS, PROBLEM, changes, chosen, print_json
from handgrad.cli.output import Output, output_options
from handgrad.cli.terminal import Terminal, page_options


@click.command(epilog="Example: handgrad solve lab9 --set x=[0,1] --only backward")
@PROBLEM
@click.option("--step", metavar="ID", help="One step alone, such as 2.4.")
@click.option(
    "--only", type=click.Choice(["forward", "backward", "update"]), help="One phase alone."
)
@click.option("--elements", is_flag=True, help="Open every gradient entry by entry.")
@DECIMALS
@click.option(
    "--carry",
    type=click.Choice(["exact", "rounded"]),
    default="exact",
    show_default=True,
    help="Carry full precision, or round every figure and carry the rounded one.",
)
@click.option(
    "--numbers",
    type=click.Choice(["floats", "exact", "symbols"]),
    default="floats",
    show_default=True,
    help="Fractions, or the letters of the problem, beside every figure.",
)
@click.option(
    "--steps",
    type=click.IntRange(0, 100_000),
    default=1,
    show_default=True,
    help="Updates to make, each with the gradient anew.",
)
@changes
@AS_JSON
@output_options(slides=True)
@page_options
def solve(
    problem: str,
    step: str | None,
    only: handgrad.Phase | None,
    elements: bool,
    decimals: int,
    carry: handgrad.Carry,
    numbers: str,
    steps: int,
    settings: tuple[str, ...],
    swaps: tuple[str, ...],
    as_json: bool,
    output: Output,
    terminal: Terminal,
) -> None:
    """Solve PROBLEM (a bundled name, a file, or - for standard input), step by step."""
    output.check(as_json)
    parts = {"--step": step, "--only": only, "--elements": elements}
    for option in (name for name, value in parts.items() if value):
        if as_json:
            what = f"{option} chooses from a page, and --json has every step"
            raise handgrad.OptionError(what, mend="leave one of them out")
        if numbers != "floats":
            what = f"{option} chooses from the steps, and --numbers {numbers} has none"
            raise handgrad.OptionError(what, mend="leave one of them out")
    given = chosen(problem, settings, swaps)
    if numbers in ("exact", "symbols"):
        run_numbers = handgrad.run_exact if numbers == "exact" else handgrad.run_symbols
        other = run_numbers(given)
        if output:
            page = handgrad.numbers_page(given, other, decimals)
            output.write(handgrad.Report(page, json=partial(handgrad.to_json, other)), terminal)
        elif as_json:
            print_json(other)
        else:
            terminal.show(handgrad.numbers_page(given, other, decimals))
        return
    trace = handgrad.solve(given, carry=carry, decimals=decimals, steps=steps)
    if output:
        output.write(
            handgrad.solution_report(trace, only=only, step=step, elements=elements), terminal
        )
    elif as_json:
        print_json(trace)
    else:
        terminal.show(handgrad.solution_page(trace, only=only, step=step, elements=elements))
