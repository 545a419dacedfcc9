"""The files that answers stand in: those named, those of a folder, those of a zip archive, never unpacked."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO

from handgrad.errors import OptionError
from handgrad.grading.gradescope import METADATA, submitters
from handgrad.grading.oddities import Oddities

MOST_FILES = 100_000
"""Files in an archive, at most."""

LARGEST = 10_000_000
"""Bytes that one file of an archive may unpack to."""

LARGEST_TABLE = 4_000_000_000
"""Bytes that all files of an archive may unpack to together."""

ANSWERS = "-answers"
"""What `practice --problems` puts behind a student's name for the file to fill in."""

_HANDED_IN = re.compile(r"(.*)_\d+_assignsubmission_\w+?_?")
"""What Moodle calls the folder of what a student handed in."""

UNSEEN = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
"""What systems put into folders and archives, by name; so is what begins with a dot."""


@dataclass(frozen=True)
class FoundFile:
    """A file on its way to be read.

    Arguments:
        where: what it is called in messages.
        ids: what the student may be called whose sheet it is, if it is one student's; the likeliest first.
        place: the file itself, or the archive that it is in.
        member: its name in the archive.
    """

    where: str
    ids: tuple[str, ...]
    place: Path
    member: str = ""

    @property
    def ending(self) -> str:
        """The ending of its name, in small letters."""
        return PurePosixPath(self.member or self.place.name).suffix.lower()

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Its bytes. Raises `OptionError` where it cannot be read."""
        try:
            if not self.member:
                with self.place.open("rb") as file:
                    yield file
            else:
                with zipfile.ZipFile(self.place) as archive, archive.open(self.member) as file:
                    yield file
        except (
            OSError,
            ValueError,
            RuntimeError,
            NotImplementedError,
            zipfile.BadZipFile,
        ) as error:
            # RuntimeError: a member that takes a password; NotImplementedError: an unknown compression.
            reason = getattr(error, "strerror", None) or str(error).splitlines()[:1] or "damaged"
            words = reason if isinstance(reason, str) else reason[0]
            raise OptionError(f"cannot be read: {words[:120]}", where=self.where) from None

    def content(self) -> bytes:
        """All of it. Raises `OptionError` where it is too large, whatever an archive says of its size."""
        with self.opened() as file:
            raw = file.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise OptionError(f"is larger than {LARGEST // 1_000_000} MB", where=self.where)
        return raw


def found_files(paths: Sequence[Path], odd: Oddities) -> Iterator[FoundFile]:
    """The files of the paths, in an order that depends on their names alone.

    Raises `OptionError` for a path that is not there, and for an archive that cannot be read or is too large.
    """
    for path in paths:
        if path.is_dir():
            below = [p for p in sorted(path.rglob("*")) if p.is_file()]
            names = {PurePosixPath(p.relative_to(path).as_posix()): p for p in below}
            yield from _sheets(
                {n: FoundFile(str(path / n), (), file) for n, file in names.items()}, odd
            )
        elif path.suffix.lower() == ".zip":
            yield from _sheets(
                {n: FoundFile(f"{path.name}, {n}", (), path, str(n)) for n in _members(path)}, odd
            )
        elif path.is_file():
            yield FoundFile(str(path), (_plain(path.stem),), path)
        else:
            raise OptionError("there is no such file or folder", where=str(path)[:200])


def _sheets(files: Mapping[PurePosixPath, FoundFile], odd: Oddities) -> Iterator[FoundFile]:
    """Those of the files that may be sheets, with whose they are; one that several handed in comes for each."""
    handed: dict[PurePosixPath, list[tuple[str, ...]]] = {}
    for name in [n for n in files if n.name == METADATA]:
        try:
            text = files[name].content().decode("utf-8", errors="replace")
        except OptionError as error:
            odd.tell(files[name].where, error.what, "file")
            continue
        handed |= {name.parent / folder: people for folder, people in submitters(text).items()}
    for name, id_ in _ids([n for n in files if n.name != METADATA]):
        people = next((handed[p] for p in (name, *name.parents) if handed.get(p)), [()])
        for known in people:
            # Who handed a sheet in says more than what the file is called, where both have numbers of their own.
            yield replace(files[name], ids=(*known, _plain(name.stem)) if known else (id_,))


def _members(path: Path) -> list[PurePosixPath]:
    """The files of an archive. It is read in place, so that no name in it can lead out of a folder."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OptionError(f"cannot be read: {reason[:120]}", where=str(path)[:200]) from None
    if len(infos) > MOST_FILES:
        raise OptionError(f"has more than {MOST_FILES} files", where=path.name)
    if sum(info.file_size for info in infos) > LARGEST_TABLE:
        raise OptionError(
            f"unpacks to more than {LARGEST_TABLE // 1_000_000_000} GB", where=path.name
        )
    return sorted(PurePosixPath(info.filename) for info in infos)


def _ids(names: Sequence[PurePosixPath]) -> Iterator[tuple[PurePosixPath, str]]:
    """Each file that may be a sheet, with whose it is.

    The file's name says it; where the files are called alike, the name of the folder that each student has,
    however deep the file lies in it. A problem beside the answers to it is no sheet.
    """
    seen = [n for n in names if not any(map(_is_unseen, n.parts))]
    beside = {n.with_stem(n.stem.removesuffix(ANSWERS)) for n in seen if n.stem.endswith(ANSWERS)}
    sheets = [n for n in seen if n not in beside]
    deepest = max((len(n.parts) for n in sheets), default=0)
    level = max(range(deepest), key=lambda k: len({_at(n, k) for n in sheets}), default=0)
    for name in sheets:
        yield name, _at(name, level) or _at(name, 0)


def _at(name: PurePosixPath, level: int) -> str:
    """A student's id by the name of a file, or of a folder so many levels above it; empty where there is none."""
    if not level:
        return _plain(name.stem)
    folder = name.parts[-1 - level] if level < len(name.parts) else ""
    handed_in = _HANDED_IN.fullmatch(folder)
    return _plain(handed_in[1] if handed_in else folder)


def _is_unseen(part: str) -> bool:
    # An office program keeps ~$class.xlsx while a file is open.
    return (
        part in UNSEEN or part.startswith("~$") or (part.startswith(".") and part.strip(".") != "")
    )


def _plain(stem: str) -> str:
    return stem.removesuffix(ANSWERS).strip()
