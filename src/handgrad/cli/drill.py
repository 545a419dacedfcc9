"""handgrad drill: a worked solution asked for step by step."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

import handgrad
from handgrad.cli.options import Source, option, takes, units_off
from handgrad.cli.output import Output, output_options
from handgrad.cli.terminal import Terminal

if TYPE_CHECKING:
    from handgrad.checking.blanks import Blank
    from handgrad.solution.page import Phase


ECHOED = 200
"""Characters of a piped line that are shown again."""


@dataclass(frozen=True, slots=True)
class DrillOptions:
    """What is asked for, and of which numbers."""

    only: Phase | None = option(
        "--only",
        type=click.Choice(["forward", "backward", "update"]),
        help="What one phase computes.",
    )
    blanks: tuple[str, ...] = option(
        "--blank",
        multiple=True,
        metavar="WORDS",
        help="Ask only for forward, backward or update, a step (2.4), or names (dW2,db2).",
    )
    seed: int | None = option(
        "--seed", type=int, help="Other numbers; the same seed, the same numbers."
    )
    level: str | None = option(
        "--level",
        type=click.Choice(["easy", "medium", "hard"]),
        help="How hard the arithmetic of other numbers is.  [default: medium]",
    )
    off: tuple[str, ...] = option(
        "--off",
        multiple=True,
        metavar="[LAYER:]COUNT",
        help="Exactly so many units gated off among other numbers; may be repeated.",
    )
    restart: bool = option("--restart", is_flag=True, help="Forget what was answered before.")

    def drawn(self, problem: handgrad.Problem) -> handgrad.Problem:
        """The problem with the other numbers that are asked for, if any are."""
        from handgrad.exercises import draw

        if self.seed is not None:
            asked = handgrad.requirements(self.level or "medium", off=units_off(self.off))
            return draw(problem, asked, 1, self.seed)[0]
        if self.level or self.off:
            raise handgrad.OptionError(
                "this is about other numbers",
                where="--level" if self.level else "--off",
                mend="add --seed 1",
            )
        return problem


@click.command(epilog="Example: handgrad drill lab9 --only backward")
@takes(options=DrillOptions, source=Source)
@output_options(files=False)
def drill(source: Source, options: DrillOptions, output: Output) -> int:
    """Ask for PROBLEM's solution step by step, check what is typed, and give hints.

    What was answered is kept: the same command takes the drill up again.
    """
    if source.name == "-" and not output.as_json:
        raise handgrad.OptionError(
            "the answers are read from standard input, and the problem cannot be too",
            mend="name a file",
        )
    given = options.drawn(source.problem())
    fresh = handgrad.drill(given, only=options.only, words=options.blanks)
    store = handgrad.DrillStore.of_user()
    if options.restart:
        store.forget(given)
    begun, remark = store.load(fresh)
    if output.as_json:
        if remark:
            output.terminal.complain(remark)
        output.print_json(begun)
        return 0
    if remark:
        output.terminal.tell(remark)
    return _Sitting(begun, store, output.terminal).run()


class _Sitting:
    """One sitting at a drill: what is typed goes in, pages come out, and the state is kept."""

    def __init__(
        self, drill: handgrad.Drill, store: handgrad.DrillStore, terminal: Terminal
    ) -> None:
        self.drill = drill
        self.store: handgrad.DrillStore | None = store
        self.terminal = terminal
        self.lines = _Lines(terminal)

    def run(self) -> int:
        """Asks until the end, until it is left, or until nothing more is typed."""
        try:
            self.terminal.show(self.drill.opening())
            self._ask()
        except KeyboardInterrupt:
            click.echo()
            self._leave()
            return 130
        if self.drill.finished:
            self._gap()
            self.terminal.show(self.drill.page())
        else:
            self._leave()
        return 0

    def _ask(self) -> None:
        from handgrad.drilling import DrillQuit, DrillUnfinished

        before: Blank | None = None
        place = -1
        typed = ""
        while not self.drill.finished:
            if self.drill.position != place:
                self._gap()
                self.terminal.show(self.drill.question(before))
                before, place = self.drill.blank, self.drill.position
            line = self.lines.read(f"{self.drill.blank.target} = ", typed != "")
            if line is None:
                return
            if not line.strip() and not typed:
                continue
            typed = f"{typed}\n{line}" if typed else line
            after, reply = self.drill.take(typed)
            if isinstance(reply, DrillUnfinished):
                continue
            typed = ""
            if isinstance(reply, DrillQuit):
                return
            self.terminal.show(self.drill.told(reply))
            self._keep(after)

    def _keep(self, after: handgrad.Drill) -> None:
        changed, self.drill = after is not self.drill, after
        if self.store is None or not changed:
            return
        try:
            self.store.save(after)
        except handgrad.HandgradError as error:
            self.store = None
            self.terminal.complain(f"{error}: this drill will not be kept")

    def _leave(self) -> None:
        if self.store is not None and self.drill.records:
            of = f"{self.drill.done} of {len(self.drill.blanks)}"
            self.terminal.tell(f"Kept: {of} done. The same command takes the drill up again.")

    @staticmethod
    def _gap() -> None:
        click.echo()


class _Lines:
    """Lines as they are typed, or piped: those are shown after their prompts, as if they were typed."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.typed = sys.stdin.isatty()
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        if self.typed:
            # Importing it gives lines that can be edited, and those before them.
            with contextlib.suppress(ImportError):
                import readline  # noqa: F401

    def read(self, prompt: str, more: bool) -> str | None:
        """The next line; None where there is none. A line that goes on is asked for with dots."""
        if more:
            prompt = f"{'...':>{len(prompt) - 1}} "
        if self.typed:
            try:
                return input(prompt)
            except EOFError:
                click.echo()
                return None
        line = sys.stdin.readline()
        if not line:
            return None
        line = line.rstrip("\r\n")
        self.terminal.tell(prompt + line[:ECHOED] + ("..." if len(line) > ECHOED else ""))
        return line
