"""Each sheet's problem as a file, with an answers file to fill in beside it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from handgrad.check.blanks import blank_toml, blanks
from handgrad.check.checking import Checker
from handgrad.errors import OptionError
from handgrad.files import write_files
from handgrad.practice.sheets import Sheet


def write_exercises(
    folder: Path,
    sheets: Sequence[Sheet],
    force: bool = False,
    targets: Collection[str] | None = None,
) -> dict[Path, int]:
    """Writes NAME.toml and NAME-answers.toml for every sheet; their sizes in bytes.

    Arguments:
        targets: the quantities that the answers have room for; all by default.

    The folder is made where it is not there. Raises `OptionError` for files that exist already
    (unless `force`) or cannot be written; none is then changed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(
            f"the folder cannot be made: {error.strerror}", where=str(folder)
        ) from None
    places = blanks(Checker(sheets[0].problem))
    answers = blank_toml(p for p in places if targets is None or p.target in targets).encode()
    contents: dict[Path, bytes] = {}
    for sheet in sheets:
        name = _file_name(sheet, len(sheets))
        contents[folder / f"{name}.toml"] = sheet.problem.to_toml().encode()
        contents[folder / f"{name}-answers.toml"] = answers
    if len(contents) != 2 * len(sheets):
        raise OptionError("two students would have files of the same name", where=str(folder))
    write_files(contents, force)
    return {path: len(content) for path, content in contents.items()}


def _file_name(sheet: Sheet, count: int) -> str:
    if sheet.student is None:
        return f"sheet-{sheet.number:0{len(str(count))}}"
    return re.sub(r"[^\w.-]+", "_", sheet.student.id).strip(".") or f"student-{sheet.number}"
