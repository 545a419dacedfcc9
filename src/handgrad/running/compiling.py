"""A C compiler, asked for a library that is loaded at once."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handgrad.errors import OptionError

SAFE = ("-O3", "-shared", "-fPIC", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")
"""Options of which none lets the compiler reorder arithmetic, or take it that there is no NaN."""


def compiler() -> list[str]:
    """The command of the compiler that `CC` names, or of `cc`. Raises `OptionError` where there is none."""
    command = shlex.split(os.environ.get("CC", "cc"))
    if not command or shutil.which(command[0]) is None:
        raise OptionError(
            f"machine code needs a C compiler, and there is no {shlex.join(command)} on the path",
            mend="install gcc or clang, or leave jit out",
        )
    return command


def library(
    command: Sequence[str],
    source: str,
    options: Sequence[str],
    load: type[ctypes.CDLL] = ctypes.CDLL,
) -> Any:
    """The library of a source, compiled and loaded; the files are gone then.

    Arguments:
        command: that of the compiler.
        source: in C.
        options: beside `SAFE`.
        load: what loads it: `ctypes.PyDLL` where the interpreter is to wait for its functions.

    Raises `OSError` or `subprocess.SubprocessError` where it cannot be made.
    """
    with tempfile.TemporaryDirectory(prefix="handgrad-") as folder:
        path = Path(folder, "kernel.so")
        whole = [*command, "-x", "c", "-", "-o", str(path), *SAFE, *options, "-lm"]
        subprocess.run(whole, input=source, text=True, capture_output=True, check=True)
        return load(str(path))
