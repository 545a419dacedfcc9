"""Where a command's answer goes: --json, -o, --as, --force, --paper, and what the terminal shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

import handgrad
from handgrad.cli.options import Command, option, takes
from handgrad.cli.terminal import Terminal

if TYPE_CHECKING:
    from handgrad.saving import Content, Paper, Report, Result, Settings

MANY = 6
"""So many files of one folder are told one by one, at most."""


def _kinds() -> str:
    from handgrad.saving import KINDS

    return f"Write a file of the kind that its name ends in ({' '.join(KINDS)}); may be repeated."


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's answer goes: to the terminal, as JSON, or to the files named with -o."""

    as_json: bool = option("--json", is_flag=True, help="One JSON object at full precision.")
    layout: Literal["slides"] | None = option(
        "--as", type=click.Choice(["slides"]), help="Lay the files out as slides."
    )
    arrays: Literal["npz"] | None = option(
        "--arrays",
        type=click.Choice(["npz"]),
        help="Leave arrays of more than 64 numbers out of a .json, and write them to a file of its name that ends in .npz.",
    )
    paths: tuple[Path, ...] = option(
        "-o",
        "--output",
        multiple=True,
        metavar="FILE",
        type=click.Path(path_type=Path),
        help=_kinds,
    )
    force: bool = option("--force", is_flag=True, help="Replace files that exist already.")
    paper: Paper | None = option(
        "--paper", type=click.Choice(["a4", "letter"]), help="Paper of a .pdf: a4 by default."
    )
    width: int | None = option(
        "--width",
        type=click.IntRange(20, 1000),
        help="Columns to fit the page in; the terminal's own by default.",
    )
    plain_ascii: bool = option("--ascii", is_flag=True, help="ASCII characters only.")
    colour: bool | None = option(
        "--colour/--no-colour",
        "--color/--no-color",
        default=None,
        help="Colour, or none; by default when the output is a terminal.",
    )

    @property
    def terminal(self) -> Terminal:
        """The terminal, as the options have it."""
        return Terminal(self.width, self.plain_ascii, self.colour)

    def check(self) -> None:
        """Raises `OptionError` for what can be told to go wrong before anything is worked out."""
        if not self.paths:
            given = {
                "--as": self.layout,
                "--paper": self.paper,
                "--force": self.force,
                "--arrays": self.arrays,
            }
            for name in (o for o, value in given.items() if value):
                raise handgrad.OptionError(
                    "this is about a file", where=name, mend="name the file with -o FILE"
                )
            return
        if self.as_json:
            raise handgrad.OptionError(
                "the object goes to standard output or to a file, not both",
                where="--json",
                mend="name the file with -o NAME.json",
            )
        from handgrad.saving import check_files

        check_files(self.paths, self.settings, self.force)
        if self.arrays and not self._objects:
            raise handgrad.OptionError(
                "arrays are left out of a .json", where="--arrays", mend="name it with -o NAME.json"
            )

    def deliver(
        self,
        result: Result,
        **options: Any,
    ) -> None:
        """What a command has found, as it was asked for: as files, as JSON, or in the terminal.

        Arguments:
            result: what it has found.
            options: those of the result's `report`, such as the digits that are shown.
        """
        if self.paths:
            self.write(result.report(**options))
        elif self.as_json:
            self.print_json(result)
        else:
            self.terminal.show(result.report(**options).page())

    @staticmethod
    def print_json(result: Result) -> None:
        """One JSON object on standard output, in ASCII so that every console takes it."""
        from handgrad.formats.json import render_json

        click.echo(render_json(result.to_json()), nl=False)

    def write(self, report: Report) -> None:
        """Writes the files, and a line for each."""
        if not self.arrays:
            self.write_each(dict.fromkeys(self.paths, report))
            return
        from handgrad.saving import with_arrays_apart

        also = {p: c for path in self._objects for p, c in with_arrays_apart(report, path).items()}
        others = [path for path in self.paths if path not in self._objects]
        self.write_each(dict.fromkeys(others, report), also)

    @property
    def _objects(self) -> list[Path]:
        """The files of JSON."""
        return [path for path in self.paths if path.suffix.lower() == ".json"]

    def write_each(
        self,
        reports: Mapping[Path, Report],
        also: Mapping[Path, Content] | None = None,
    ) -> None:
        """Writes each report to its file, and the files `also`, all of them or none.

        Says so in a line for each file; for many files of a folder in one.
        """
        from handgrad.saving import save_each

        self.tell_sizes(save_each(reports, self.settings, self.force, also))

    def tell_sizes(self, written: Mapping[Path, int]) -> None:
        """A line for each file that was written; for many files of a folder one."""
        folders: dict[Path, list[int]] = {}
        for path, size in written.items():
            folders.setdefault(path.parent, []).append(size)
        for folder, sizes in folders.items():
            if len(sizes) > MANY:
                self.terminal.tell(f"{folder}  {len(sizes)} files, {_size(sum(sizes))}")
                continue
            for path, size in written.items():
                if path.parent == folder:
                    self.terminal.tell(f"{path}  {_size(size)}")

    @property
    def settings(self) -> Settings:
        """How files are laid out."""
        from handgrad.saving import Settings

        return Settings(
            slides=self.layout == "slides",
            paper=self.paper,
            width=self.width or 80,
            unicode=not self.plain_ascii,
        )


FILES = ("paths", "force", "paper")
TERMINAL = ("width", "plain_ascii", "colour")


def output_options(
    *, slides: bool = False, arrays: bool = False, files: bool = True, terminal: bool = True
) -> Callable[[Command], Command]:
    """The options of `Output`; the command gets one as `output`, checked.

    Arguments:
        slides: there is --as.
        arrays: there is --arrays.
        files: there are -o, --force and --paper.
        terminal: there are --width, --ascii and --colour.
    """
    without = (
        (() if slides else ("layout",))
        + (() if arrays else ("arrays",))
        + (() if files else FILES)
        + (() if terminal else TERMINAL)
    )

    def decorated(command: Command) -> Command:
        @wraps(command)
        def checked(output: Output, **given: Any) -> Any:
            output.check()
            return command(output=output, **given)

        return takes(without, output=Output)(checked)

    return decorated


def _size(count: int) -> str:
    """A number of bytes as people say it."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
