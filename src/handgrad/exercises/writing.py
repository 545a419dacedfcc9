"""Each sheet's problem as a file, with an answers file to fill in beside it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from handgrad.checking.blanks import blank_toml, blanks
from handgrad.checking.checking import Checker
from handgrad.errors import OptionError
from handgrad.exercises.sheets import Sheet
from handgrad.files import write_files

SUFFIXES = ("", "-answers", "-key")
"""What names of files beside each other end in."""

LONGEST = 60
"""Characters of a file's name, at most."""

RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices."""


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
    plain = unicodedata.normalize("NFC", sheet.student.id)
    name = re.sub(r"[^\w.@+-]+", "_", plain)[:LONGEST].strip("._-")
    if not name or RESERVED.fullmatch(name):
        return f"student-{sheet.number}"
    return name


@contextmanager
def made_folders(folders: Iterable[Path]) -> Iterator[None]:
    """The folders are there, made where they were not; those are gone again where what follows fails.

    Raises `OptionError` for a folder that cannot be made.
    """
    made: list[Path] = []
    try:
        for folder in folders:
            missing = [p for p in (folder, *folder.parents) if not p.exists()]
            try:
                for each in reversed(missing):
                    each.mkdir()
                    made.append(each)
                if not folder.is_dir():
                    raise OptionError("this is not a folder", where=str(folder))
            except OSError as error:
                raise OptionError(
                    f"the folder cannot be made: {error.strerror}", where=str(folder)
                ) from None
        yield
    except BaseException:
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()
        raise
