"""handgrad gates: what fires, what is dead, and what would revive it."""

from __future__ import annotations

from dataclasses import dataclass

import click

import handgrad
from handgrad.cli.data import Data
from handgrad.cli.options import DECIMALS, Source, option, takes
from handgrad.cli.output import Output, output_options
from handgrad.cli.progress import progress

LONG = 50_000
"""Cases from which on the work is shown as it goes."""


@dataclass(frozen=True, slots=True)
class GatesOptions:
    """How gates are audited."""

    over: tuple[str, ...] = option(
        "--over",
        multiple=True,
        metavar="BOX",
        help="What holds for all inputs of a box, such as 'x in [-1,1]^2'; may be repeated.",
    )
    tighten: bool = option("--tighten", is_flag=True, help="Split the box to decide more units.")
    no_remedies: bool = option(
        "--no-remedies", is_flag=True, help="Do not try what would revive a unit."
    )
    fire_on: int = option(
        "--fire-on",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="Cases on which a shifted bias should make a unit fire.",
    )
    decimals: int = option("--decimals", **DECIMALS)


@click.command(epilog="Example: handgrad gates lab9 --over 'x in [-1,1]^2' --tighten")
@takes(data=Data, options=GatesOptions, source=Source)
@output_options()
def gates(source: Source, data: Data, options: GatesOptions, output: Output) -> None:
    """Audit the gates of PROBLEM, on its own example or on a file of cases."""
    from handgrad.audit import read_box

    given = source.without_cases()
    if options.tighten and not options.over:
        raise handgrad.OptionError(
            "--tighten decides more over a box", mend="give one: --over 'x in [-1,1]^2'"
        )
    files, box = source.files(), read_box(given, options.over)
    with progress("cases", after=LONG) as told:
        audit = handgrad.gates(
            given,
            files,
            over=box,
            tighten=options.tighten,
            skip_bad=data.skip_bad,
            remedies=not options.no_remedies,
            fire_on=options.fire_on,
            progress=told,
        )
    output.deliver(audit, decimals=options.decimals)
