"""The learning systems, and what each is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath

from handgrad.errors import OptionError
from handgrad.exercises import WorkedSheets
from handgrad.files import check_writable
from handgrad.quizzes.asking import quiz_questions
from handgrad.quizzes.question import QuizQuestion


@dataclass(frozen=True, slots=True)
class System:
    """A learning system.

    Arguments:
        words: what is written for it.
        writer: a module of this room, imported when it is asked for, and its function that returns
            the files by their names, the first named like the file that is asked for.
        ending: that of the file; empty where it is a folder.
    """

    words: str
    writer: str
    ending: str = ""

    def files(self, questions: Sequence[QuizQuestion], name: str) -> dict[PurePosixPath, bytes]:
        """The contents of the files, by their paths in the folder; of one file by its name."""
        module, _, function = self.writer.partition(":")
        write: Callable[[Sequence[QuizQuestion], str], dict[PurePosixPath, bytes]] = getattr(
            import_module(f"handgrad.quizzes.{module}"), function
        )
        return write(questions, name)


SYSTEMS: Mapping[str, System] = {
    "moodle": System("a Moodle XML file of questions", "moodle:moodle_files", ".xml"),
    "canvas": System("a QTI package for Canvas", "canvas:canvas_files", ".zip"),
    "prairielearn": System("a question of PrairieLearn", "prairielearn:prairielearn_files"),
    "gradescope": System("an autograder for Gradescope", "gradescope:gradescope_files", ".zip"),
    "stack": System("a Moodle XML file of STACK questions", "stack:stack_files", ".xml"),
    "blackboard": System(
        "a file of questions for Blackboard", "blackboard:blackboard_files", ".txt"
    ),
    "otter": System("an assignment for Otter", "otter_notebook:otter_files"),
    "nbgrader": System("an assignment for nbgrader", "nbgrader_notebook:nbgrader_files"),
}
"""By the name that --as has for it."""


def check_place(system: str, path: Path, force: bool = False) -> None:
    """Raises `OptionError` where the system's file or folder cannot have this name, or is there already."""
    ending = SYSTEMS[system].ending
    if ending and path.suffix.lower() != ending:
        raise OptionError(
            f"{SYSTEMS[system].words} ends in {ending}",
            where=str(path),
            mend=f"-o {path.with_suffix(ending).name}",
        )
    if not ending and path.suffix:
        raise OptionError(
            f"{SYSTEMS[system].words} is a folder", where=str(path), mend=f"-o {path.stem}"
        )
    if ending:
        check_writable([path], force)


def quiz_files(
    system: str,
    worked: WorkedSheets,
    path: Path,
    blanks: Sequence[str] = (),
    *,
    formulas: bool = False,
) -> dict[Path, bytes]:
    """What is to be written to give sheets out through a learning system, by file.

    Arguments:
        system: one of `SYSTEMS`.
        worked: the sheets, worked out.
        path: the file, or the folder, that they go to.
        blanks: what is asked for: phases, kinds of step, steps or names; all by default.
        formulas: whether the formula of what is asked for stands before it.

    Raises `OptionError` where the system cannot take what is asked for, or the path, and
    `MissingExtraError` where a library is not installed.
    """
    questions = quiz_questions(worked, blanks, formulas=formulas)
    home = path.parent if SYSTEMS[system].ending else path
    return {
        home / Path(*name.parts): content
        for name, content in SYSTEMS[system].files(questions, path.name).items()
    }
