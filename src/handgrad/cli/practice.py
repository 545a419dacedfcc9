"""handgrad practice: worksheets with other numbers, and their keys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

import handgrad
from handgrad.cli.options import AS_JSON, DECIMALS, changes, chosen, print_json, units_off
from handgrad.cli.output import Output, output_options
from handgrad.cli.practice_files import Places
from handgrad.cli.terminal import Terminal, page_options


@click.command(
    epilog="Example: handgrad practice lab9 --count 30 --off 1 -o sheets.pdf --key key.pdf"
)
@click.argument("problem", required=False)
@click.option(
    "--like", metavar="WORDS", help='A network instead of PROBLEM: "2-2-2-1 relu sigmoid bce".'
)
@click.option(
    "--count", type=click.IntRange(1, 10_000), default=1, show_default=True, help="Sheets to make."
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Same seed, same sheets, on every machine.",
)
@click.option(
    "--for", "roster", metavar="CSV", type=click.Path(path_type=Path),
    help="A sheet for each student of a roster (a header with an id and a name), with numbers of their own.",
)  # fmt: skip
@click.option(
    "--level", type=click.Choice(["easy", "medium", "hard"]), default="medium", show_default=True,
    help="How hard the arithmetic is.",
)  # fmt: skip
@click.option("--grid", metavar="GRID", help="whole, halves, quarters, tenths or fractions.")
@click.option(
    "--off", multiple=True, metavar="[LAYER:]COUNT",
    help="Exactly so many units gated off, in all or in a layer; may be repeated.",
)  # fmt: skip
@click.option("--zero-input", is_flag=True, help="An input that is zero.")
@click.option("--path-sum", is_flag=True, help="A gradient that adds up at least two paths.")
@click.option(
    "--keep", "kept", multiple=True, metavar="NAME",
    help="Leave the numbers of NAME (or NAME,NAME) as they are; may be repeated.",
)  # fmt: skip
@click.option(
    "--blank", "blanks", multiple=True, metavar="WORDS",
    help="Leave blank only forward, backward or update, a step (2.4), or names (dW2,db2).",
)  # fmt: skip
@click.option("--formulas", is_flag=True, help="Print the formula before every blank.")
@click.option(
    "--room", type=click.IntRange(0, 40), metavar="LINES",
    help="Empty lines below each step on paper; as its blanks need by default.",
)  # fmt: skip
@click.option(
    "--key", "key", metavar="FILE", type=click.Path(path_type=Path),
    help="Write the worked solutions too; to a folder, one for each sheet.",
)  # fmt: skip
@click.option(
    "--short-key", "short_key", metavar="FILE", type=click.Path(path_type=Path),
    help="Write the answers alone, a few lines a sheet.",
)  # fmt: skip
@click.option(
    "--kind", metavar="ENDING", default="pdf", show_default=True,
    help="The kind of file that -o FOLDER has for each sheet: pdf, html, tex, …",
)  # fmt: skip
@click.option(
    "--problems", "folder", metavar="FOLDER", type=click.Path(path_type=Path),
    help="Write each sheet's problem and an answers file to fill in, for `handgrad check`.",
)  # fmt: skip
@click.option(
    "--carry", type=click.Choice(["exact", "rounded"]), default="exact", show_default=True,
    help="What the key carries: full precision, or every figure as it is shown.",
)  # fmt: skip
@DECIMALS
@changes
@AS_JSON
@output_options()
@page_options
def practice(
    problem: str | None,
    like: str | None,
    count: int,
    seed: int,
    roster: Path | None,
    level: str,
    grid: str | None,
    off: tuple[str, ...],
    zero_input: bool,
    path_sum: bool,
    kept: tuple[str, ...],
    blanks: tuple[str, ...],
    formulas: bool,
    room: int | None,
    key: Path | None,
    short_key: Path | None,
    kind: str,
    folder: Path | None,
    carry: handgrad.Carry,
    decimals: int,
    settings: tuple[str, ...],
    swaps: tuple[str, ...],
    as_json: bool,
    output: Output,
    terminal: Terminal,
) -> None:
    """Make practice sheets of PROBLEM: the same equations with numbers that a person can carry."""
    places = Places(output, key, short_key, kind)
    places.check(as_json)
    if (problem is None) == (like is None):
        raise handgrad.OptionError(
            "name a problem, or describe a network with --like", mend="one of the two"
        )
    given = chosen(problem, settings, swaps) if problem is not None else handgrad.like(like or "")
    asked = handgrad.requirements(
        level,
        grid=grid,
        off=dict(units_off(text) for text in off),
        zero_input=zero_input,
        path_sum=path_sum,
        keep=[name.strip() for names in kept for name in names.split(",") if name.strip()],
        figures=decimals,
    )
    if roster is not None:
        sheets = handgrad.for_students(given, asked, handgrad.read_roster(roster), seed)
    else:
        sheets = handgrad.numbered(given, asked, count, seed)
    if as_json:
        if key is not None or short_key is not None or folder is not None:
            raise handgrad.OptionError(
                "the object goes to standard output alone",
                where="--json",
                mend="leave out the files",
            )
        print_json(handgrad.SheetSet(sheets))
        return
    exercises = [
        handgrad.Exercise(
            handgrad.solve(s.problem, carry=carry, decimals=decimals),
            s.label,
            s.student.name if s.student else "",
        )
        for s in sheets
    ]

    def page(some: Sequence[handgrad.Exercise]) -> handgrad.Page:
        return handgrad.sheets_page(some, blanks, formulas=formulas, room=room)

    asked_for = handgrad.blank_targets(exercises[0].trace, blanks)
    if not places and folder is None:
        terminal.show(page(exercises))
        return
    files = handgrad.exercise_files(folder, sheets, asked_for) if folder is not None else {}
    places.write(sheets, exercises, page, blanks, files, terminal)
