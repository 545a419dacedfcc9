"""handgrad drill: a worked solution asked for step by step."""

from __future__ import annotations

import contextlib
import io
import sys

import click

import handgrad
from handgrad.cli.options import AS_JSON, PROBLEM, changes, chosen, print_json, units_off
from handgrad.cli.terminal import Terminal, page_options

ECHOED = 200
"""Characters of a piped line that are shown again."""


@click.command(epilog="Example: handgrad drill lab9 --only backward")
@PROBLEM
@click.option(
    "--only", type=click.Choice(["forward", "backward", "update"]), help="What one phase computes."
)
@click.option(
    "--blank", "blanks", multiple=True, metavar="WORDS",
    help="Ask only for forward, backward or update, a step (2.4), or names (dW2,db2).",
)  # fmt: skip
@click.option("--seed", type=int, help="Other numbers; the same seed, the same numbers.")
@click.option(
    "--level",
    type=click.Choice(["easy", "medium", "hard"]),
    help="How hard the arithmetic of other numbers is.  [default: medium]",
)
@click.option(
    "--off", multiple=True, metavar="[LAYER:]COUNT",
    help="Exactly so many units gated off among other numbers; may be repeated.",
)  # fmt: skip
@click.option("--restart", is_flag=True, help="Forget what was answered before.")
@changes
@AS_JSON
@page_options
def drill(
    problem: str,
    only: handgrad.Phase | None,
    blanks: tuple[str, ...],
    seed: int | None,
    level: str | None,
    off: tuple[str, ...],
    restart: bool,
    settings: tuple[str, ...],
    swaps: tuple[str, ...],
    as_json: bool,
    terminal: Terminal,
) -> int:
    """Ask for PROBLEM's solution step by step, check what is typed, and give hints.

    What was answered is kept: the same command takes the drill up again.
    """
    if problem == "-" and not as_json:
        raise handgrad.OptionError(
            "the answers are read from standard input, and the problem cannot be too",
            mend="name a file",
        )
    given = chosen(problem, settings, swaps)
    if seed is not None:
        asked = handgrad.requirements(level or "medium", off=dict(units_off(text) for text in off))
        given = handgrad.draw(given, asked, 1, seed)[0]
    elif level or off:
        raise handgrad.OptionError(
            "this is about other numbers",
            where="--level" if level else "--off",
            mend="add --seed 1",
        )
    fresh = handgrad.begin_drill(given, only=only, words=blanks)
    store = handgrad.DrillStore.of_user()
    if restart:
        store.forget(given)
    begun, remark = store.load(fresh)
    if as_json:
        if remark:
            terminal.complain(remark)
        print_json(begun)
        return 0
    if remark:
        terminal.tell(remark)
    return _Sitting(begun, store, terminal).run()


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
            self.terminal.show(handgrad.drill_opening_page(self.drill))
            self._ask()
        except KeyboardInterrupt:
            click.echo()
            self._leave()
            return 130
        if self.drill.finished:
            self._gap()
            self.terminal.show(handgrad.drill_summary_page(self.drill))
        else:
            self._leave()
        return 0

    def _ask(self) -> None:
        before: handgrad.Blank | None = None
        place = -1
        typed = ""
        while not self.drill.finished:
            if self.drill.position != place:
                self._gap()
                self.terminal.show(handgrad.drill_question_page(self.drill, before))
                before, place = self.drill.blank, self.drill.position
            line = self.lines.read(f"{self.drill.blank.target} = ", typed != "")
            if line is None:
                return
            if not line.strip() and not typed:
                continue
            typed = f"{typed}\n{line}" if typed else line
            after, reply = self.drill.take(typed)
            if isinstance(reply, handgrad.DrillUnfinished):
                continue
            typed = ""
            if isinstance(reply, handgrad.DrillQuit):
                return
            self.terminal.show(handgrad.drill_reply_page(self.drill, reply))
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
