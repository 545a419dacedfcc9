"""Options as objects: a dataclass says what they are, and the command gets one of it.

    @dataclass(frozen=True, slots=True)
    class TrainOptions:
        steps: int = option("--steps", type=int, default=100, help="Updates to make.")

    @click.command()
    @takes(source=Source, options=TrainOptions)
    def train(source: Source, options: TrainOptions) -> None: ...

Here are those that many commands share about their problem. Where the answer goes is in
`handgrad.cli.output`, what --data puts in place of a problem's own cases in `handgrad.cli.cases`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, fields
from functools import wraps
from pathlib import Path
from typing import Any

import click

import handgrad

Command = Callable[..., Any]

DECIMALS: dict[str, Any] = {
    "type": click.IntRange(0, 15),
    "default": 4,
    "show_default": True,
    "help": "Digits shown after the point.",
}
"""Settings of the option --decimals."""


class Option(click.Option):
    """An option whose help may be a function, called when the help is shown.

    So what names the kinds of a room says it without the room being imported for anything else.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        self._help: str | Callable[[], str] = settings.pop("help", "")
        super().__init__(*args, **settings)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        self.help = self._help if isinstance(self._help, str) else self._help()
        return super().get_help_record(ctx)


def option(*flags: str, **settings: Any) -> Any:
    """A field filled by the option with these flags; the settings are those of `Option`."""
    absent = () if settings.get("multiple") else False if settings.get("is_flag") else None
    return field(
        default=settings.get("default", absent),
        metadata={"click": lambda name: click.option(*flags, name, cls=Option, **settings)},
    )


def argument(**settings: Any) -> Any:
    """A field filled by a word without a flag; the settings are those of `click.argument`."""
    return field(default=None, metadata={"click": lambda name: click.argument(name, **settings)})


def takes(without: Collection[str] = (), **groups: type) -> Callable[[Command], Command]:
    """A decorator: the command has the options of these dataclasses, and gets one object of each.

    `--help` lists the options in the order of the fields.

    Arguments:
        without: fields for which this command has no option; they keep their defaults.
        groups: each dataclass, by the command's parameter that takes it.
    """
    taken = {
        name: [each for each in fields(group) if each.name not in without]
        for name, group in groups.items()
    }

    def decorated(command: Command) -> Command:
        @wraps(command)
        def with_objects(**given: Any) -> Any:
            for name, group in groups.items():
                given[name] = group(**{each.name: given.pop(each.name) for each in taken[name]})
            return command(**given)

        for members in reversed(taken.values()):
            for each in reversed(members):
                with_objects = each.metadata["click"](each.name)(with_objects)
        return with_objects

    return decorated


@dataclass(frozen=True, slots=True)
class Changes:
    """What --set and --swap change in a problem."""

    settings: tuple[str, ...] = option(
        "--set",
        multiple=True,
        metavar="NAME=VALUE",
        help="Another number, such as x=[0,1] or rate=1; may be repeated.",
    )
    swaps: tuple[str, ...] = option(
        "--swap",
        multiple=True,
        metavar="OLD=NEW",
        help="Another operation, such as relu=leaky_relu; may be repeated.",
    )

    def made_in(self, problem: handgrad.Problem) -> handgrad.Problem:
        """The problem with these changes; raises `HandgradError` where one cannot be made."""
        if self.swaps:
            problem = problem.with_swap(dict(pair(each, "--swap") for each in self.swaps))
        if self.settings:
            problem = problem.with_values(dict(pair(each, "--set") for each in self.settings))
        return problem


def _files() -> str:
    from handgrad.tables.readers import READERS

    *first, last = READERS
    return f"Cases: a {', '.join(first)} or {last} file, or NAME=FILE for one datum; may be repeated. A model's inputs: .npy or .npz."


@dataclass(frozen=True, slots=True)
class Source(Changes):
    """The problem that a command is about: where it is read from, and what is changed in it."""

    tables: tuple[str, ...] = option("--data", multiple=True, metavar="FILE", help=_files)
    target: str | None = option(
        "--target",
        metavar="FILE",
        help="Of a model: what its output is compared with, a .npy file.",
    )
    loss: str | None = option(
        "--loss",
        metavar="NAME",
        help="Of a model: the loss of output and target, such as cross_entropy.",
    )
    name: str = argument(metavar="PROBLEM")

    def problem(self) -> handgrad.Problem:
        """The problem, at the cases of the files; raises `HandgradError` where it cannot be read or changed."""
        from handgrad.cli.cases import with_cases

        given = self.without_cases()
        files = self.files()
        return given if files is None else with_cases(given, files)

    def without_cases(self) -> handgrad.Problem:
        """The problem at its own cases; a model at the inputs in the files."""
        if not self._is_model():
            return self.made_in(read(self.name, target=self.target, loss=self.loss))
        data = self._named_files()
        return self.made_in(read(self.name, data=data, target=self.target, loss=self.loss))

    def files(self) -> str | dict[str, str] | None:
        """The file of cases for a problem, or a file for each of some names; None where none is given."""
        return None if self._is_model() else self._named_files()

    def _is_model(self) -> bool:
        from handgrad.models import reader_of

        return self.name != "-" and reader_of(self.name).numbers

    def _named_files(self) -> str | dict[str, str] | None:
        if not self.tables:
            return None
        if len(self.tables) == 1 and "=" not in self.tables[0]:
            return self.tables[0]
        named = [pair(each, "--data") for each in self.tables]
        found = dict(named)
        if len(found) < len(named):
            raise handgrad.OptionError("a name is given two files", where="--data")
        return found


def read(name: str, **given: Any) -> handgrad.Problem:
    """The problem named on the command line: a bundled one, a file, or - for standard input.

    Of a model `given` has its data, its target and its loss.
    """
    if name == "-":
        text = sys.stdin.buffer.read().decode("utf-8", errors="surrogateescape")
        return handgrad.loads(text, where="standard input")
    return handgrad.load(Path(name) if Path(name).suffix else name, **given)


def pair(text: str, option: str) -> tuple[str, str]:
    """The two sides of NAME=VALUE; raises `OptionError` naming `option`."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise handgrad.OptionError(f"{text!r} is not of the form NAME=VALUE", where=option)
    return name.strip(), value.strip()


def units_off(texts: Sequence[str]) -> dict[int | None, int]:
    """How many units are gated off in each layer, or in all: 2:1 is one unit of layer 2, 1 is one in all.

    Raises `OptionError` for anything else.
    """
    counts = {}
    for text in texts:
        layer, colon, count = text.rpartition(":")
        if not count.strip().isdigit() or (colon and not layer.strip().isdigit()):
            raise handgrad.OptionError(
                f"{text[:40]!r} is not a count of units",
                where="--off",
                mend="write 1, or 2:1 for one in layer 2",
            )
        counts[int(layer) if colon else None] = int(count)
    return counts
