"""handgrad practice: worksheets with other numbers, and their keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

import handgrad
from handgrad.cli.options import DECIMALS, Changes, argument, option, read, takes, units_off
from handgrad.cli.output import Output
from handgrad.cli.practice_files import Layout, Places

if TYPE_CHECKING:
    from handgrad.exercises import Requirements
    from handgrad.running import Carry


@dataclass(frozen=True, slots=True)
class PracticeOptions:
    """Which sheets are made, what is asked of their numbers, and what else is written."""

    problem: str | None = argument(required=False)
    like: str | None = option(
        "--like",
        metavar="WORDS",
        help='A network instead of PROBLEM: "2-2-2-1 relu sigmoid bce".',
    )
    count: int = option(
        "--count",
        type=click.IntRange(1, 10_000),
        default=1,
        show_default=True,
        help="Sheets to make.",
    )
    seed: int = option(
        "--seed",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="Same seed, same sheets, on every machine.",
    )
    roster: Path | None = option(
        "--for",
        metavar="CSV",
        type=click.Path(path_type=Path),
        help="A sheet for each student of a roster (a header with an id and a name), with numbers of their own.",
    )
    level: str = option(
        "--level",
        type=click.Choice(["easy", "medium", "hard"]),
        default="medium",
        show_default=True,
        help="How hard the arithmetic is.",
    )
    grid: str | None = option(
        "--grid", metavar="GRID", help="whole, halves, quarters, tenths or fractions."
    )
    off: tuple[str, ...] = option(
        "--off",
        multiple=True,
        metavar="[LAYER:]COUNT",
        help="Exactly so many units gated off, in all or in a layer; may be repeated.",
    )
    zero_input: bool = option("--zero-input", is_flag=True, help="An input that is zero.")
    path_sum: bool = option(
        "--path-sum", is_flag=True, help="A gradient that adds up at least two paths."
    )
    kept: tuple[str, ...] = option(
        "--keep",
        multiple=True,
        metavar="NAME",
        help="Leave the numbers of NAME (or NAME,NAME) as they are; may be repeated.",
    )
    blanks: tuple[str, ...] = option(
        "--blank",
        multiple=True,
        metavar="WORDS",
        help="Leave blank only forward, backward or update, a step (2.4), or names (dW2,db2).",
    )
    formulas: bool = option(
        "--formulas", is_flag=True, help="Print the formula before every blank."
    )
    room: int | None = option(
        "--room",
        type=click.IntRange(0, 40),
        metavar="LINES",
        help="Empty lines below each step on paper; as its blanks need by default.",
    )
    key: Path | None = option(
        "--key",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Write the worked solutions too; to a folder, one for each sheet.",
    )
    short_key: Path | None = option(
        "--short-key",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Write the answers alone, a few lines a sheet.",
    )
    kind: str = option(
        "--kind",
        metavar="ENDING",
        default="pdf",
        show_default=True,
        help="The kind of file that -o FOLDER has for each sheet: pdf, html, tex, …",
    )
    system: str | None = option(
        "--as",
        metavar="SYSTEM",
        type=click.Choice(
            [
                "moodle",
                "canvas",
                "prairielearn",
                "gradescope",
                "stack",
                "blackboard",
                "otter",
                "nbgrader",
            ]
        ),
        help="Write -o FILE for a learning system: moodle, canvas, prairielearn, gradescope, stack, blackboard, otter or nbgrader.",
    )
    folder: Path | None = option(
        "--problems",
        metavar="FOLDER",
        type=click.Path(path_type=Path),
        help="Write each sheet's problem and an answers file to fill in, for `handgrad check`.",
    )
    carry: Carry = option(
        "--carry",
        type=click.Choice(["exact", "rounded"]),
        default="exact",
        show_default=True,
        help="What the key carries: full precision, or every figure as it is shown.",
    )
    decimals: int = option("--decimals", **DECIMALS)

    def check(self) -> None:
        """Raises `OptionError` for what a learning system has no use for."""
        if self.system is not None and self.room is not None:
            raise handgrad.OptionError(
                "empty lines are for paper", where="--room", mend="leave it out beside --as"
            )

    @property
    def requirements(self) -> Requirements:
        """What is asked of the numbers of a sheet; raises `OptionError`."""
        return handgrad.requirements(
            self.level,
            grid=self.grid,
            off=units_off(self.off),
            zero_input=self.zero_input,
            path_sum=self.path_sum,
            keep=[name.strip() for names in self.kept for name in names.split(",") if name.strip()],
            figures=self.decimals,
        )


@click.command(
    epilog="Example: handgrad practice lab9 --count 30 --off 1 -o sheets.pdf --key key.pdf"
)
@takes(("layout",), options=PracticeOptions, changes=Changes, output=Output)
def practice(options: PracticeOptions, changes: Changes, output: Output) -> None:
    """Make practice sheets of PROBLEM: the same equations with numbers that a person can carry."""
    from handgrad.exercises import exercise_files, like

    places = Places(output, options.key, options.short_key, options.kind, options.system)
    places.check()
    options.check()
    if (options.problem is None) == (options.like is None):
        raise handgrad.OptionError(
            "name a problem, or describe a network with --like", mend="one of the two"
        )
    if options.problem is not None:
        given = changes.made_in(read(options.problem))
    else:
        given = like(options.like or "")
    asked = options.requirements
    sheets = handgrad.practice(
        given, asked, count=options.count, seed=options.seed, roster=options.roster
    )
    if output.as_json:
        if options.key is not None or options.short_key is not None or options.folder is not None:
            raise handgrad.OptionError(
                "the object goes to standard output alone",
                where="--json",
                mend="leave out the files",
            )
        output.print_json(sheets)
        return
    worked = sheets.worked(carry=options.carry, decimals=options.decimals)
    layout = Layout(options.blanks, options.formulas, options.room)
    asked_for = worked.targets(options.blanks)
    folder = options.folder
    if not places and folder is None:
        output.terminal.show(layout.page(worked))
        return
    files = exercise_files(folder, sheets.sheets, asked_for) if folder is not None else {}
    if options.system is not None:
        files |= places.for_system(worked, layout)
    places.write(worked, layout, files)
