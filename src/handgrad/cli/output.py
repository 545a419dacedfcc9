"""Files instead of the terminal: the options -o, --as, --force and --paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

import handgrad
from handgrad.cli.options import print_json
from handgrad.cli.terminal import Terminal

MANY = 6
"""So many files of one folder are told one by one, at most."""


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's page goes: to the terminal, or to the files named with -o."""

    paths: tuple[Path, ...] = ()
    slides: bool = False
    paper: handgrad.Paper | None = None
    force: bool = False

    def __bool__(self) -> bool:
        return bool(self.paths)

    def check(self, as_json: bool = False) -> None:
        """Raises `OptionError` for what can be told to go wrong before anything is worked out."""
        if not self.paths:
            given = {"--as": self.slides, "--paper": self.paper, "--force": self.force}
            for option in (o for o, value in given.items() if value):
                raise handgrad.OptionError(
                    "this is about a file", where=option, mend="name the file with -o FILE"
                )
            return
        if as_json:
            raise handgrad.OptionError(
                "the object goes to standard output or to a file, not both",
                where="--json",
                mend="name the file with -o NAME.json",
            )
        handgrad.check_files(self.paths, self._settings(Terminal()), self.force)

    def deliver(
        self,
        page: Callable[[], handgrad.Page],
        record: object,
        as_json: bool,
        terminal: Terminal | None = None,
        slides: Callable[[], handgrad.Page] | None = None,
    ) -> None:
        """What a command has found, as it was asked for: as files, as JSON, or in the terminal."""
        if self.paths:
            json = partial(handgrad.to_json, record)
            self.write(handgrad.Report(page(), json=json, slides=slides), terminal)
        elif as_json:
            print_json(record)
        else:
            (terminal or Terminal()).show(page())

    def write(self, report: handgrad.Report, terminal: Terminal | None = None) -> None:
        """Writes the files, and a line for each."""
        self.write_each(dict.fromkeys(self.paths, report), terminal)

    def write_each(
        self,
        reports: Mapping[Path, handgrad.Report],
        terminal: Terminal | None = None,
        also: Mapping[Path, bytes] | None = None,
    ) -> None:
        """Writes each report to its file, and the files `also`, all of them or none.

        Says so in a line for each file; for many files of a folder in one.
        """
        terminal = terminal or Terminal()
        written = handgrad.save_each(reports, self._settings(terminal), self.force, also)
        folders: dict[Path, list[int]] = {}
        for path, size in written.items():
            folders.setdefault(path.parent, []).append(size)
        for folder, sizes in folders.items():
            if len(sizes) > MANY:
                terminal.tell(f"{folder}  {len(sizes)} files, {_size(sum(sizes))}")
                continue
            for path, size in written.items():
                if path.parent == folder:
                    terminal.tell(f"{path}  {_size(size)}")

    def _settings(self, terminal: Terminal) -> handgrad.Settings:
        return handgrad.Settings(
            slides=self.slides,
            paper=self.paper,
            width=terminal.width or 80,
            unicode=not terminal.plain_ascii,
        )


def output_options(*, slides: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options -o, --force and --paper, and --as where there are `slides`.

    The command gets them as one `output`: it calls `output.check(as_json)` first, and
    `output.deliver(…)` with what it has found.
    """

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option(
            "-o",
            "--output",
            "paths",
            multiple=True,
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="Write a file of the kind that its name ends in (.html .pdf .tex .typ .md .ipynb"
            " .svg .png .json .txt); may be repeated.",
        )
        @click.option("--force", is_flag=True, help="Replace files that exist already.")
        @click.option(
            "--paper", type=click.Choice(["a4", "letter"]), help="Paper of a .pdf: a4 by default."
        )
        @wraps(command)
        def with_output(
            *arguments: Any,
            paths: tuple[Path, ...],
            force: bool,
            paper: handgrad.Paper | None,
            layout: str | None = None,
            **options: Any,
        ) -> Any:
            output = Output(paths, layout == "slides", paper, force)
            return command(*arguments, output=output, **options)

        if not slides:
            return with_output
        return click.option(
            "--as", "layout", type=click.Choice(["slides"]), help="Lay the files out as slides."
        )(with_output)

    return decorated


def _size(count: int) -> str:
    """A number of bytes as people say it."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
