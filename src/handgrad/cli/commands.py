"""The commands. Each prints one page or, with --json, one object; messages go to stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import handgrad
from handgrad.cli.terminal import Terminal

PROBLEM = click.argument("problem", type=str)


def run(arguments: Sequence[str]) -> int:
    """Runs the command line and returns its exit code; a user's mistake is one message, never a traceback."""
    try:
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
    except OSError as error:
        Terminal().complain(f"the output cannot be written: {error.strerror}")
        return 2


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: handgrad solve lab9",
)
@click.version_option(handgrad.__version__, "--version", message="handgrad %(version)s")
def commands() -> None:
    """Backpropagation by hand: the whole worked solution of a network."""


@commands.command(epilog="Example: handgrad solve lab9 --set x=[0,1] --only backward")
@PROBLEM
@click.option("--step", metavar="ID", help="One step alone, such as 2.4.")
@click.option(
    "--only", type=click.Choice(["forward", "backward", "update"]), help="One phase alone."
)
@click.option("--elements", is_flag=True, help="Open every gradient entry by entry.")
@click.option(
    "--decimals",
    type=click.IntRange(0, 15),
    default=4,
    show_default=True,
    help="Digits shown after the point.",
)
@click.option(
    "--carry",
    type=click.Choice(["exact", "rounded"]),
    default="exact",
    show_default=True,
    help="Carry full precision, or round every figure and carry the rounded one.",
)
@click.option(
    "--numbers",
    type=click.Choice(["floats", "exact", "symbols"]),
    default="floats",
    show_default=True,
    help="Fractions, or the letters of the problem, beside every figure.",
)
@click.option(
    "--steps",
    type=click.IntRange(0, 100_000),
    default=1,
    show_default=True,
    help="Updates to make, each with the gradient anew.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another number, such as x=[0,1] or rate=1; may be repeated.",
)
@click.option(
    "--swap",
    "swaps",
    multiple=True,
    metavar="OLD=NEW",
    help="Another operation, such as relu=leaky_relu; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object at full precision.")
@click.option(
    "--width",
    type=click.IntRange(20, 1000),
    help="Columns to fit the page in; the terminal's own by default.",
)
@click.option("--ascii", "plain_ascii", is_flag=True, help="ASCII characters only.")
@click.option(
    "--colour/--no-colour",
    "--color/--no-color",
    "colour",
    default=None,
    help="Colour, or none; by default when the output is a terminal.",
)
def solve(
    problem: str,
    step: str | None,
    only: handgrad.Phase | None,
    elements: bool,
    decimals: int,
    carry: handgrad.Carry,
    numbers: str,
    steps: int,
    settings: tuple[str, ...],
    swaps: tuple[str, ...],
    as_json: bool,
    width: int | None,
    plain_ascii: bool,
    colour: bool | None,
) -> None:
    """Solve PROBLEM (a bundled name, a file, or - for standard input), step by step."""
    chosen = _problem(problem, settings, swaps)
    if numbers in ("exact", "symbols"):
        run_numbers = handgrad.run_exact if numbers == "exact" else handgrad.run_symbols
        other = run_numbers(chosen)
        if as_json:
            print_json(handgrad.numbers_object(other))
        else:
            page = handgrad.numbers_page(chosen, other, decimals)
            Terminal(width, plain_ascii, colour).show(page)
        return
    trace = handgrad.solve(chosen, carry=carry, decimals=decimals, steps=steps)
    if as_json:
        print_json(handgrad.to_json(trace))
        return
    page = handgrad.solution_page(trace, only=only, step=step, elements=elements)
    Terminal(width, plain_ascii, colour).show(page)


@commands.command(name="list", epilog="Example: handgrad list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def list_(as_json: bool) -> None:
    """List the bundled problems."""
    problems = handgrad.bundled()
    if as_json:
        rows = [{"name": n, "title": t, "description": d} for n, t, d in problems]
        print_json({"schema": "handgrad/list/1", "problems": rows})
        return
    terminal = Terminal()
    terminal.show(handgrad.list_page(problems))


@commands.command(epilog="Example: handgrad verify lab9")
@PROBLEM
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another number; may be repeated.",
)
@click.option(
    "--swap", "swaps", multiple=True, metavar="OLD=NEW", help="Another operation; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def verify(problem: str, settings: tuple[str, ...], swaps: tuple[str, ...], as_json: bool) -> int:
    """Check every gradient of PROBLEM against finite differences and, if installed, PyTorch."""
    verification = handgrad.verify(_problem(problem, settings, swaps))
    if as_json:
        print_json(handgrad.verification_object(verification))
    else:
        Terminal().show(handgrad.verification_page(verification))
    return 0 if verification.agrees else 1


@commands.command(epilog="Example: handgrad code lab9 --to torch > lab9.py")
@PROBLEM
@click.option(
    "--to",
    type=click.Choice(["numpy", "torch", "jax"]),
    default="numpy",
    show_default=True,
    help="The library to write for.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another number; may be repeated.",
)
@click.option(
    "--swap", "swaps", multiple=True, metavar="OLD=NEW", help="Another operation; may be repeated."
)
def code(problem: str, to: str, settings: tuple[str, ...], swaps: tuple[str, ...]) -> None:
    """Write PROBLEM's forward and backward pass as a program that runs alone."""
    click.echo(handgrad.write_code(_problem(problem, settings, swaps), to), nl=False)


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on standard output, in ASCII so that every console takes it."""
    import json

    click.echo(json.dumps(value, allow_nan=False))


def _problem(source: str, settings: Sequence[str], swaps: Sequence[str]) -> handgrad.Problem:
    if source == "-":
        text = sys.stdin.buffer.read().decode("utf-8", errors="surrogateescape")
        problem = handgrad.loads(text, where="standard input")
    else:
        problem = handgrad.load(Path(source) if Path(source).suffix else source)
    if swaps:
        problem = problem.with_swap(dict(_pair(s, "--swap") for s in swaps))
    if settings:
        problem = problem.with_values(dict(_pair(s, "--set") for s in settings))
    return problem


def _pair(text: str, option: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise handgrad.OptionError(f"{text!r} is not of the form NAME=VALUE", where=option)
    return name.strip(), value.strip()
