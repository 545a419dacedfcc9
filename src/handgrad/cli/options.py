"""What several commands take: a problem with other numbers or operations, and --json."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

import handgrad

F = TypeVar("F", bound=Callable[..., Any])

PROBLEM = click.argument("problem", type=str)

AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object at full precision.")

DECIMALS = click.option(
    "--decimals",
    type=click.IntRange(0, 15),
    default=4,
    show_default=True,
    help="Digits shown after the point.",
)

_SET = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another number, such as x=[0,1] or rate=1; may be repeated.",
)
_SWAP = click.option(
    "--swap",
    "swaps",
    multiple=True,
    metavar="OLD=NEW",
    help="Another operation, such as relu=leaky_relu; may be repeated.",
)


def changes(command: F) -> F:
    """The options --set and --swap."""
    return _SET(_SWAP(command))


def chosen(source: str, settings: Sequence[str], swaps: Sequence[str]) -> handgrad.Problem:
    """The problem named on the command line, with what --swap and --set change in it."""
    if source == "-":
        text = sys.stdin.buffer.read().decode("utf-8", errors="surrogateescape")
        problem = handgrad.loads(text, where="standard input")
    else:
        problem = handgrad.load(Path(source) if Path(source).suffix else source)
    return changed(problem, settings, swaps)


def changed(
    problem: handgrad.Problem, settings: Sequence[str], swaps: Sequence[str]
) -> handgrad.Problem:
    """A problem with what --swap and --set change in it."""
    if swaps:
        problem = problem.with_swap(dict(pair(s, "--swap") for s in swaps))
    if settings:
        problem = problem.with_values(dict(pair(s, "--set") for s in settings))
    return problem


def pair(text: str, option: str) -> tuple[str, str]:
    """The two sides of NAME=VALUE; raises `OptionError` naming `option`."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise handgrad.OptionError(f"{text!r} is not of the form NAME=VALUE", where=option)
    return name.strip(), value.strip()


def units_off(text: str) -> tuple[int | None, int]:
    """2:1 is one unit of layer 2, and 1 one in all; raises `OptionError` for anything else."""
    layer, colon, count = text.rpartition(":")
    if not count.strip().isdigit() or (colon and not layer.strip().isdigit()):
        raise handgrad.OptionError(
            f"{text[:40]!r} is not a count of units",
            where="--off",
            mend="write 1, or 2:1 for one in layer 2",
        )
    return (int(layer) if colon else None), int(count)


def print_json(record: object) -> None:
    """One JSON object on standard output, in ASCII so that every console takes it."""
    import json

    click.echo(json.dumps(handgrad.to_json(record), allow_nan=False))
