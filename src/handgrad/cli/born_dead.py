"""handgrad born-dead: how often a ReLU network is constant as it is drawn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import click

import handgrad
from handgrad.cli.options import option, takes
from handgrad.cli.output import Output, output_options
from handgrad.cli.progress import progress

INITS = ["he", "xavier", "lecun", "normal", "raai"]

_NUMBER = r"[+-]?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:[eE][+-]?\d{1,3})?"
_INTERVAL = re.compile(rf"\[({_NUMBER}),({_NUMBER})\](?:\^(\d{{1,4}}))?")


@dataclass(frozen=True, slots=True)
class BornDeadOptions:
    """Which networks are drawn, and on which inputs they are tried."""

    width: str | None = option(
        "--width",
        metavar="N[,N…]",
        help="Units in each hidden layer; several numbers are the layers one by one.  [default: 2]",
    )
    depth: str | None = option("--depth", metavar="N[,N…]", help="Hidden layers.  [default: 10]")
    init: str = option(
        "--init",
        type=click.Choice(INITS),
        default="he",
        show_default=True,
        help="How weights are drawn; raai is the randomised asymmetric initialisation.",
    )
    inputs: int | None = option(
        "--inputs", type=int, help="Entries of an input: its dimension.  [default: 1]"
    )
    over: str = option(
        "--over",
        metavar="[LOW,HIGH]",
        default="[-1,1]",
        show_default=True,
        help="The numbers that every input may have; [-1,1]^2 is two inputs.",
    )
    samples: int | None = option(
        "--samples", type=int, help="Networks drawn.  [default: 200000; a table: 20000]"
    )
    seed: int = option(
        "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the draws."
    )
    table: bool = option(
        "--table", is_flag=True, help="A table of the share for several widths and depths."
    )


@click.command(
    name="born-dead", epilog="Example: handgrad born-dead --width 2 --depth 10 --init he"
)
@takes(options=BornDeadOptions)
@output_options(terminal=False)
def born_dead(options: BornDeadOptions, output: Output) -> None:
    """Count the ReLU networks that are constant before they have learned anything."""
    low, high, dimension = _interval(options.over)
    inputs, networks = options.inputs, options.samples
    if inputs is not None and dimension is not None and inputs != dimension:
        raise handgrad.OptionError(
            f"{options.over} is a box of dimension {dimension}, not {inputs}", where="--over"
        )
    if networks is None:
        networks = 20_000 if options.table else 200_000
    drawn: dict[str, Any] = {
        "inputs": inputs if inputs is not None else dimension or 1,
        "init": options.init,
        "networks": networks,
        "seed": options.seed,
        "over": (low, high),
    }
    if options.table:
        widths = _numbers("2,3,4,5,6" if options.width is None else options.width, "--width")
        depths = sorted(
            set(_numbers("1,2,5,10,20,50" if options.depth is None else options.depth, "--depth"))
        )
        output.deliver(handgrad.born_dead_table(widths, depths, **drawn))
        return
    with progress("networks", networks) as told:
        study = handgrad.born_dead(_layers(options.width, options.depth), progress=told, **drawn)
    output.deliver(study)


def _layers(width: str | None, depth: str | None) -> list[int]:
    """The width of every hidden layer."""
    widths = _numbers("2" if width is None else width, "--width")
    if len(widths) > 1:
        if depth is not None:
            raise handgrad.OptionError(
                f"--width {width} lists the layers one by one",
                where="--depth",
                mend="leave --depth out, or give one width",
            )
        return widths
    depths = _numbers("10" if depth is None else depth, "--depth")
    if len(depths) > 1:
        raise handgrad.OptionError(
            f"{depth} is several depths", where="--depth", mend="add --table, or give one"
        )
    if not 1 <= depths[0] <= 1000:
        raise handgrad.OptionError(
            f"{depths[0]} hidden layers", where="--depth", mend="there are from 1 to 1000"
        )
    return widths * depths[0]


def _numbers(text: str, option: str) -> list[int]:
    if not re.fullmatch(r"\d{1,6}(\s*,\s*\d{1,6})*", text.strip()):
        raise handgrad.OptionError(
            f"{text[:40]!r} is not a list of whole numbers", where=option, mend="write 2 or 4,4,2"
        )
    return [int(part) for part in text.split(",")]


def _interval(text: str) -> tuple[float, float, int | None]:
    found = _INTERVAL.fullmatch(text.replace(" ", "").replace("−", "-"))
    if found is None:
        raise handgrad.OptionError(
            f"{text[:40]!r} is not an interval", where="--over", mend="write [-1,1] or [-1,1]^2"
        )
    return float(found[1]), float(found[2]), int(found[3]) if found[3] else None
