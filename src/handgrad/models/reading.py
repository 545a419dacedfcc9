"""The kinds of file that a problem is read from: one table, of which problem files are one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

from handgrad.arrays import Numbers
from handgrad.errors import OptionError, ProblemError
from handgrad.problem import Problem
from handgrad.problem import load as load_text
from handgrad.record import record

Inputs: TypeAlias = Numbers | Path | Mapping[str, Numbers | Path]
"""A model's inputs, or its target: an array, the path of a .npy or .npz file, or several of them by name."""


@record
class ModelReader:
    """How files of one kind are read.

    Arguments:
        what: what such a file is.
        function: "module:function" of `handgrad.models`, called with the path and `data`, `target` and
            `loss`; imported when a file is read.
        numbers: whether it takes its data from elsewhere: a problem file has its own.
    """

    what: str
    function: str
    numbers: bool = True

    def __call__(self, path: Path, **given: Any) -> Problem:
        module, _, name = self.function.partition(":")
        read = getattr(import_module(f"handgrad.models.{module}"), name)
        problem: Problem = read(path, **given)
        return problem


PROBLEM_FILE = ModelReader("a problem file", "reading:read_problem_file", numbers=False)

READERS: dict[str, ModelReader] = {
    ".toml": PROBLEM_FILE,
    ".onnx": ModelReader("an ONNX model", "onnx:read"),
    ".pt2": ModelReader("a program of PyTorch", "pytorch.files:read_program"),
    **dict.fromkeys(
        (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin"),
        ModelReader("a pickle", "pytorch.files:refuse_pickle"),
    ),
}
"""The readers, by the endings of their files; a file with any other ending is read as a problem file."""


def reader_of(path: str | Path) -> ModelReader:
    """The reader of a file, by its ending."""
    return READERS.get(Path(path).suffix.lower(), PROBLEM_FILE)


def load(
    source: str | Path,
    *,
    data: Inputs | None = None,
    target: Inputs | None = None,
    loss: str | Callable[..., object] | None = None,
) -> Problem:
    """A bundled problem by name, or what a file holds by its path: a problem file, or a model.

    Arguments:
        source: the name, or the path; what kind of file it is its ending says.
        data: a model's inputs, an example a row: an array, a .npy file, or several by the inputs' names.
        target: what its outputs are compared with.
        loss: the loss of output and target, by its name in the language of equations, such as
            "cross_entropy"; left out where the model computes its loss itself.

    Raises `ProblemError`, or another kind of `HandgradError`, naming the file, and `MissingExtraError` where the
    library that reads it is not installed.

        >>> handgrad.load("lab9")
        <Problem 'Lab 9: backpropagation by hand': 7 equations>
    """
    if not isinstance(source, str | Path):
        return load_text(source)  # which says what is wrong
    reader = reader_of(source)
    given: Mapping[str, Any] = {"data": data, "target": target, "loss": loss}
    if not reader.numbers:
        for name, value in given.items():
            if value is not None:
                raise OptionError(
                    f"{name} is given for a model, and {str(source)[:60]} is a problem file",
                    mend="its data and its loss stand in it",
                )
        return load_text(source)
    path = Path(source)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "there is no such file"
        raise ProblemError(what, where=str(path)[:200])
    return reader(path, **given)


def read_problem_file(path: Path, **_: Any) -> Problem:
    """The problem in a problem file."""
    return load_text(path)
