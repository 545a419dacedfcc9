"""handgrad solve: the whole worked solution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import click

import handgrad
from handgrad.cli.options import DECIMALS, Source, option, takes
from handgrad.cli.output import Output, output_options

if TYPE_CHECKING:
    from handgrad.running import Carry
    from handgrad.solution.page import Phase


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """Which part of a solution is shown, with which numbers."""

    step: str | None = option("--step", metavar="ID", help="One step alone, such as 2.4.")
    only: Phase | None = option(
        "--only", type=click.Choice(["forward", "backward", "update"]), help="One phase alone."
    )
    elements: bool = option("--elements", is_flag=True, help="Open every gradient entry by entry.")
    decimals: int = option("--decimals", **DECIMALS)
    carry: Carry = option(
        "--carry",
        type=click.Choice(["exact", "rounded"]),
        default="exact",
        show_default=True,
        help="Carry full precision, or round every figure and carry the rounded one.",
    )
    numbers: Literal["floats", "exact", "symbols"] = option(
        "--numbers",
        type=click.Choice(["floats", "exact", "symbols"]),
        default="floats",
        show_default=True,
        help="Fractions, or the letters of the problem, beside every figure.",
    )
    unit: str | None = option(
        "--unit",
        metavar="UNIT",
        help="One unit alone, counted from 0, such as h2[7], a channel c1[12] or a weight of it, W2[7,3].",
    )
    case: int | None = option(
        "--case",
        type=click.IntRange(0),
        help="The case, or the example, in which the unit is worked, counted from 0; by default the one in which the largest gradient passes it.",
    )
    top: int | None = option(
        "--top",
        type=click.IntRange(1, 1000),
        help="Terms of each sum of the unit to list: the largest; 8 by default.",
    )
    steps: int = option(
        "--steps",
        type=click.IntRange(0, 100_000),
        default=1,
        show_default=True,
        help="Updates to make, each with the gradient anew.",
    )


@click.command(epilog="Example: handgrad solve lab9 --set x=[0,1] --only backward")
@takes(options=SolveOptions, source=Source)
@output_options(slides=True, arrays=True)
def solve(source: Source, options: SolveOptions, output: Output) -> None:
    """Solve PROBLEM (a bundled name, a file, or - for standard input), step by step."""
    parts = {"--step": options.step, "--only": options.only, "--elements": options.elements}
    for flag in (name for name, value in parts.items() if value):
        if output.as_json:
            what = f"{flag} chooses from a page, and --json has every step"
            raise handgrad.OptionError(what, mend="leave one of them out")
        if options.numbers != "floats":
            what = f"{flag} chooses from the steps, and --numbers {options.numbers} has none"
            raise handgrad.OptionError(what, mend="leave one of them out")
    given = source.problem()
    if options.unit is not None:
        output.deliver(_unit(given, options), decimals=options.decimals)
        return
    for flag, value in (("--case", options.case), ("--top", options.top)):
        if value is not None:
            raise handgrad.OptionError(
                "this is about a unit", where=flag, mend="name it: --unit h2[7]"
            )
    if options.numbers != "floats":
        run_numbers = handgrad.run_exact if options.numbers == "exact" else handgrad.run_symbols
        output.deliver(run_numbers(given), decimals=options.decimals)
        return
    trace = handgrad.solve(
        given, carry=options.carry, decimals=options.decimals, steps=options.steps
    )
    output.deliver(
        trace,
        only=options.only,
        step=options.step,
        elements=options.elements,
        questions=lambda: handgrad.questions(trace).to_discuss(),
    )


def _unit(given: handgrad.Problem, options: SolveOptions) -> handgrad.UnitSolution:
    """The one unit that is asked for; raises `OptionError` for what a unit's page has no part of."""
    others = {
        "--step": options.step,
        "--only": options.only,
        "--elements": options.elements,
        "--carry": options.carry != "exact",
        "--numbers": options.numbers != "floats",
        "--steps": options.steps != 1,
    }
    for flag in (name for name, value in others.items() if value):
        raise handgrad.OptionError(
            "this is about the whole solution, and --unit works one unit",
            where=flag,
            mend="leave one of them out",
        )
    top = {"top": options.top} if options.top is not None else {}
    return handgrad.solve_unit(given, options.unit or "", case=options.case, **top)
