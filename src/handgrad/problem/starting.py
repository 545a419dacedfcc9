"""A problem file to start from: a network in words, or a bundled problem, with a line on each of its parts."""

from __future__ import annotations

import re
from pathlib import Path

from handgrad.errors import OptionError, nearest
from handgrad.files import write_files
from handgrad.problem.files import BUNDLED, loads
from handgrad.problem.networks import usual
from handgrad.problem.problem import Problem

USUAL = "2-2-1 relu sigmoid bce"
"""What a file describes where nothing else is asked for."""

SAID = {
    "equations": "One equation a line: @ is the product of matrices, * works entry by entry, .T transposes.",
    "[parameters]": "Numbers that are learned: every one gets its gradient.",
    "[data]": "Numbers that are given. For many cases: x = { cases = [[1, 0], [0, 1]] }",
    "[update]": "What is done with the gradients: sgd, momentum, nesterov, adagrad, rmsprop, adadelta, adam, adamw or lion.",
    "[display]": "How names are shown.",
}
"""By the line that a part begins with, what it is."""

_LIKE = re.compile(r"\s*(\d+(?:-\d+)+)((?:\s+[A-Za-z_]\w*)*)\s*")


def like(text: str) -> Problem:
    """The network that words describe: "2-2-2-1 relu sigmoid bce", the last three as they are needed.

    Raises `OptionError` for words that describe none, and `ProblemError` for unknown parts.
    """
    found = _LIKE.fullmatch(text)
    names: list[str] = found[2].split() if found else []
    if found is None or len(names) > 3:
        raise OptionError(
            f"{text[:40]!r} describes no network",
            where="--like",
            mend='write the units of each layer, then hidden, output and loss: "2-2-2-1 relu sigmoid bce"',
        )
    sizes = [int(n) for n in found[1].split("-")]
    hidden, output, loss = [*names, *usual(sizes)[len(names) :]]
    return Problem.mlp(sizes, hidden, output, loss)


def new(path: str | Path, like: str = USUAL, *, force: bool = False) -> Problem:
    """Writes a problem file to start from, and gives the problem that is in it.

    Arguments:
        path: the file, which ends in .toml.
        like: a network in words, as `practice --like` has them, or the name of a bundled problem.
        force: replace a file that exists already.

    Raises `OptionError` for a description of nothing, and where the file cannot be written.

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     handgrad.new(f"{folder}/my.toml", "3-4-2 relu softmax")
        <Problem 'A 3-4-2 network': 5 equations>
    """
    file = Path(path)
    if file.suffix.lower() != ".toml":
        raise OptionError("a problem file ends in .toml", where=str(path)[:200])
    text = text_like(like)
    write_files({file: _with_words(text, file.name).encode("utf-8")}, force)
    return loads(text)


def text_like(described: str) -> str:
    """The file of a bundled problem, or of the network that words describe."""
    names = [p.stem for p in BUNDLED.glob("*.toml")]
    if described in names:
        return (BUNDLED / f"{described}.toml").read_text("utf-8")
    if not described[:1].isdigit() and (close := nearest(described, names)):
        raise OptionError(
            f"there is no bundled problem {described[:40]!r}", where="--like", mend=close
        )
    problem = like(described)
    text = problem.to_toml()
    return text if "[update]" in text else f'{text}\n[update]\nrule = "sgd"\nrate = 0.1\n'


def _with_words(text: str, name: str) -> str:
    """The text with a line on each of its parts above it."""
    lines = [
        f"# handgrad solve {name} works this out; handgrad check, practice and questions take it too."
    ]
    for line in text.splitlines():
        part = line.partition(" = ")[0] if not line.startswith("[") else line
        if part in SAID:
            lines.append(f"# {SAID[part]}")
        lines.append(line)
    return "\n".join(lines) + "\n"
