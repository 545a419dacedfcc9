"""Files written whole or not at all: to temporary files beside them, which then take their places."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TypeAlias

from handgrad.errors import OptionError

Content: TypeAlias = "bytes | Callable[[IO[bytes]], object]"
"""What is in a file, or what writes it there: of large arrays no copy is held."""

LONGEST = 60
"""Characters of a file's name that is made of a text, at most."""

RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices."""

MEND = "replace it with --force, or force=True in Python"


def file_name(text: str) -> str:
    """A name for a file, without an ending, that every system takes; empty where the text gives none."""
    name = re.sub(r"[^\w.@+-]+", "_", unicodedata.normalize("NFC", text))[:LONGEST].strip("._-")
    return "" if RESERVED.fullmatch(name) else name


def check_writable(paths: Sequence[Path], force: bool) -> None:
    """Raises `OptionError` for the first path that cannot be written to.

    That is one named twice, one that exists already (unless `force`), a folder or a device,
    and one in a folder that is not there.
    """
    seen: set[Path] = set()
    for path in paths:
        try:
            target = path.resolve()
            if target in seen:
                raise OptionError("the file is named twice", where=str(path))
            seen.add(target)
            if target.is_dir():
                raise OptionError(
                    "this is a folder", where=str(path), mend="name a file to write in it"
                )
            if target.exists():
                if not target.is_file():
                    raise OptionError("this is not an ordinary file", where=str(path))
                if not force:
                    raise OptionError("the file exists already", where=str(path), mend=MEND)
            elif not target.parent.is_dir():
                raise OptionError(
                    f"there is no folder {path.parent}", where=str(path), mend="make it first"
                )
        except (OSError, RuntimeError, ValueError) as error:
            # A name too long, a loop of links, a null byte.
            raise OptionError(f"cannot be written: {_words(error)}", where=str(path)) from None


def write_files(contents: Mapping[Path, Content], force: bool = False) -> dict[Path, int]:
    """Writes files, each whole or not at all; none takes its place before all are written. Their sizes in bytes.

    A link is followed, an old file's permissions are kept, and a new file has those that the
    system gives new files. Raises `OptionError` where a file cannot be written; what was there
    before then stays as it was.
    """
    check_writable(list(contents), force)
    with waiting() as files:
        for path, content in contents.items():
            files.write(path, content)
    return files.sizes


class Waiting:
    """Files that are written beside their places, and take them together."""

    def __init__(self) -> None:
        self._temporary: dict[Path, Path] = {}
        self.sizes: dict[Path, int] = {}

    def write(self, path: Path, content: Content) -> None:
        """A file that is written at once. Raises `OptionError` where it cannot be."""
        try:
            with self.opened(path) as file:
                if isinstance(content, bytes):
                    file.write(content)
                else:
                    content(file)
        except OSError as error:
            raise OptionError(f"cannot be written: {_words(error)}", where=str(path)) from None

    @contextmanager
    def opened(self, path: Path) -> Iterator[IO[bytes]]:
        """A file to write to bit by bit. Raises `OSError` where it cannot be written."""
        import secrets

        target = path.resolve()
        self._temporary[path] = target.with_name(f".handgrad-{secrets.token_hex(6)}")
        with _new(self._temporary[path]) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            self.sizes[path] = file.tell()
        if target.exists():
            self._temporary[path].chmod(target.stat().st_mode & 0o7777)

    def place(self) -> None:
        """Puts all of them in their places."""
        for path, temporary in self._temporary.items():
            try:
                temporary.replace(path.resolve())
            except OSError as error:
                raise OptionError(f"cannot be written: {_words(error)}", where=str(path)) from None

    def drop(self) -> None:
        """Takes away what did not take its place."""
        for temporary in self._temporary.values():
            temporary.unlink(missing_ok=True)


@contextmanager
def waiting() -> Iterator[Waiting]:
    """Files that take their places where what is done with them ends well; else nothing is left of them."""
    files = Waiting()
    try:
        yield files
        files.place()
    finally:
        files.drop()


def _new(path: Path) -> IO[bytes]:
    # Opened by hand rather than by `tempfile`, which keeps its files from everyone else.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o666), "wb")


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


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
