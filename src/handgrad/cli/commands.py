"""The commands. Each prints one page or, with --json, one object; messages go to stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

import handgrad
from handgrad.cli.terminal import Terminal

COMMANDS = {
    "solve": "handgrad.cli.solve:solve",
    "list": "handgrad.cli.list:list_",
    "new": "handgrad.cli.new:new",
    "verify": "handgrad.cli.verify:verify",
    "check": "handgrad.cli.check:check",
    "grade": "handgrad.cli.grade:grade",
    "code": "handgrad.cli.code:code",
    "drill": "handgrad.cli.drill:drill",
    "practice": "handgrad.cli.practice:practice",
    "questions": "handgrad.cli.questions:questions",
    "compare": "handgrad.cli.compare:compare",
    "train": "handgrad.cli.train:train",
    "born-dead": "handgrad.cli.born_dead:born_dead",
    "why": "handgrad.cli.why:why",
    "gates": "handgrad.cli.gates:gates",
    "explain": "handgrad.cli.explain:explain",
    "lab": "handgrad.cli.lab:lab",
}
"""Where each command stands, in the order of --help; a module is imported when its command is asked for."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command line and returns its exit code; a user's mistake is one message, never a traceback."""
    try:
        if any("\0" in each for each in arguments):
            raise click.UsageError("an argument with a character of code 0 in it cannot be read")
        code = commands.main(list(arguments), prog_name="handgrad", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except click.exceptions.Exit as ended:
        return int(ended.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.UsageError as error:
        hint = f"\nTry '{error.ctx.command_path} --help'." if error.ctx else ""
        Terminal().complain(f"{error.format_message()}{hint}")
        return 2
    except handgrad.HandgradError as error:
        Terminal().complain(str(error))
        return 2
    except (KeyboardInterrupt, click.Abort):
        return 130
    except BrokenPipeError:
        # The reader has closed the pipe (`| head`): nothing is left to say.
        sys.stderr.close()
        return 0
    except MemoryError as error:
        told = f": {error}" if str(error) else ""
        Terminal().complain(f"there is not enough memory for this{told}")
        return 2
    except OSError as error:
        Terminal().complain(f"the output cannot be written: {error.strerror}")
        return 2


class _Commands(click.Group):
    """A group whose commands are imported one at a time."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(
    cls=_Commands,
    commands={name: click.Command(name) for name in COMMANDS},
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: handgrad solve lab9",
)
@click.version_option(handgrad.__version__, "--version", message="handgrad %(version)s")
def commands() -> None:
    """Backpropagation by hand: the whole worked solution of a network.

    A problem is a name of `handgrad list`, or a file that `handgrad new my.toml` begins: its equations one a line,
    then numbers that are learned under [parameters], numbers that are given under [data], and the rule and rate of
    an [update].
    """
