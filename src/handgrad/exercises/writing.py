"""Each sheet's problem as a file, with an answers file to fill in beside it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from handgrad.checking.blanks import blank_toml, blanks
from handgrad.checking.checking import Checker
from handgrad.exercises.sheets import Sheet
from handgrad.files import file_name, made_folders, write_files

SUFFIXES = ("", "-answers", "-key")
"""What names of files beside each other end in."""


def write_exercises(
    folder: Path,
    sheets: Sequence[Sheet],
    force: bool = False,
    targets: Collection[str] | None = None,
) -> dict[Path, int]:
    """Writes NAME.toml and NAME-answers.toml for every sheet; their sizes in bytes.

    Arguments:
        folder: where the files go.
        sheets: one pair of files for each.
        force: replace files that exist already.
        targets: the quantities that the answers have room for; all by default.

    The folder is made where it is not there. Raises `OptionError` for files that exist already
    (unless `force`) or cannot be written; none is then changed.
    """
    contents = exercise_files(folder, sheets, targets)
    with made_folders([folder]):
        write_files(contents, force)
    return {path: len(content) for path, content in contents.items()}


def exercise_files(
    folder: Path, sheets: Sequence[Sheet], targets: Collection[str] | None = None
) -> dict[Path, bytes]:
    """What `write_exercises` writes, by file."""
    places = blanks(Checker(sheets[0].problem))
    answers = blank_toml(p for p in places if targets is None or p.target in targets).encode()
    contents: dict[Path, bytes] = {}
    for name, sheet in zip(file_names(sheets), sheets, strict=True):
        contents[folder / f"{name}.toml"] = sheet.problem.to_toml().encode()
        contents[folder / f"{name}-answers.toml"] = answers
    return contents


def file_names(sheets: Sequence[Sheet]) -> tuple[str, ...]:
    """A name for each sheet's file, without an ending: of the student's id, or of the number.

    No two are the same to any file system, neither by themselves nor with one of `SUFFIXES`.
    """
    taken: set[str] = set()
    names: list[str] = []
    for sheet in sheets:
        base = _file_name(sheet, len(sheets))
        name, again = base, 1
        while any(f"{name}{suffix}".casefold() in taken for suffix in SUFFIXES):
            again += 1
            name = f"{base}-{again}"
        taken |= {f"{name}{suffix}".casefold() for suffix in SUFFIXES}
        names.append(name)
    return tuple(names)


def _file_name(sheet: Sheet, count: int) -> str:
    if sheet.student is None:
        return f"sheet-{sheet.number:0{len(str(count))}}"
    return file_name(sheet.student.id) or f"student-{sheet.number}"
