"""Files written whole or not at all: to temporary files beside them, which then take their places."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from handgrad.errors import OptionError

MEND = "replace it with --force, or force=True in Python"


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


def write_files(contents: Mapping[Path, bytes], force: bool = False) -> None:
    """Writes files, each whole or not at all; none takes its place before all are written.

    A link is followed, an old file's permissions are kept, and a new file has those that the
    system gives new files. Raises `OptionError` where a file cannot be written; what was there
    before then stays as it was.
    """

    import secrets

    check_writable(list(contents), force)
    waiting: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in contents.items():
            target = path.resolve()
            waiting[path] = target.with_name(f".handgrad-{secrets.token_hex(6)}")
            _write(waiting[path], content, target)
        for path, temporary in waiting.items():
            temporary.replace(path.resolve())
    except OSError as error:
        raise OptionError(f"cannot be written: {_words(error)}", where=str(path)) from None
    finally:
        for temporary in waiting.values():
            temporary.unlink(missing_ok=True)


def _write(temporary: Path, content: bytes, target: Path) -> None:
    # Opened by hand rather than by `tempfile`, which keeps its files from everyone else.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if target.exists():
        temporary.chmod(target.stat().st_mode & 0o7777)


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
