"""handgrad grade: a class's answers, with what the class misunderstands."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

import handgrad
from handgrad.cli.options import Source, option, takes
from handgrad.cli.output import Output

if TYPE_CHECKING:
    from handgrad.checking.report import Level
    from handgrad.grading.handing_out import HandingOut


TOLD = 40
"""Oddities that are told one by one."""


@dataclass(frozen=True, slots=True)
class GradeOptions:
    """What sheets are graded by, and what is handed out."""

    problems: Path | None = option(
        "--problems",
        metavar="FOLDER",
        type=click.Path(path_type=Path),
        help="Each student's own problem, as `practice --problems` wrote it; found by the student's id.",
    )
    rubric: Path | None = option(
        "--rubric", type=click.Path(path_type=Path), help="Marks, in a TOML file."
    )
    marks: Path | None = option(
        "--marks",
        metavar="CSV",
        type=click.Path(path_type=Path),
        help="Write the marks, a line for each student.",
    )
    student: str | None = option(
        "--student",
        metavar="NAME",
        help="The column of a table that says whose a row is: student, id or email by default.",
    )
    blanks: tuple[str, ...] = option(
        "--blank",
        multiple=True,
        metavar="WORDS",
        help="What `practice --blank` left blank, of a learning system's export; all by default.",
    )
    names: bool = option("--names", is_flag=True, help="Put names on the class page.")
    level: Level = option(
        "--level",
        type=click.Choice(["where", "what", "rule", "worked"]),
        default="what",
        show_default=True,
        help="How much feedback tells of what is wrong.",
    )
    kind: str = option(
        "--kind",
        metavar="ENDING",
        default="html",
        show_default=True,
        help="The kind of file that -o FOLDER has for each student: html, pdf, …",
    )
    workers: int | None = option(
        "--workers",
        type=click.IntRange(1, 256),
        metavar="COUNT",
        help="Processes that grade a class of thousands; one for each core by default.",
    )
    dask: str = option(
        "--dask",
        default="",
        metavar="ADDRESS",
        help="Grade on a Dask cluster, by its scheduler's address.",
    )


@click.command(epilog="Example: handgrad grade lab9 answers/ --marks marks.csv -o class.html")
@takes(options=GradeOptions, source=Source, output=Output)
@click.argument("answers", nargs=-1, required=True, type=click.Path(path_type=Path))
def grade(source: Source, answers: tuple[Path, ...], options: GradeOptions, output: Output) -> int:
    """Grade the sheets of a class in ANSWERS: a folder, a .zip, files by student, or a table with a row a student.

    -o FILE is the class page, -o FOLDER has a page of feedback for each student.
    """
    from handgrad.grading import Grading

    out = _handing_out(options, output)
    out.check()
    grading = Grading(
        source.problem(),
        problems=options.problems,
        rubric=options.rubric,
        student=options.student,
        blanks=options.blanks,
    )
    keep = output.as_json or options.names or any(p.suffix == ".json" for p in out.pages)
    report, sizes = out.grade(
        grading,
        answers,
        keep=keep,
        workers=options.workers or os.cpu_count() or 1,
        dask=options.dask,
    )
    if output.as_json:
        output.print_json(report)
        return 0 if report.all_read else 1
    terminal = output.terminal
    if not out.pages:
        terminal.show(report.page(names=options.names))
    for unread in report.unread[:TOLD]:
        terminal.remark(str(unread))
    more = sum(o.count for o in report.oddities) - len(report.unread[:TOLD])
    if more > 0:
        terminal.remark(f"and {more} more that --json lists")
    output.tell_sizes(sizes)
    return 0 if report.all_read else 1


def _handing_out(options: GradeOptions, output: Output) -> HandingOut:
    """Where things go; raises `OptionError` for options that do not go together."""
    from handgrad.grading import HandingOut, split_folder

    pages, folder = split_folder(output.paths)
    if output.as_json and (output.paths or options.marks is not None):
        raise handgrad.OptionError(
            "the object goes to standard output alone", where="--json", mend="leave out the files"
        )
    if pages or not (folder or options.marks):
        replace(output, paths=pages).check()
    elif output.layout is not None:
        raise handgrad.OptionError(
            "slides are of the class page", where="--as", mend="name its file with -o mistakes.pdf"
        )
    return HandingOut(
        marks=options.marks,
        pages=pages,
        folder=folder,
        kind=f".{options.kind.strip().lstrip('.').lower()}",
        level=options.level,
        names=options.names,
        settings=output.settings,
        force=output.force,
    )
