"""handgrad born-dead: how often a ReLU network is constant as it is drawn."""

from __future__ import annotations

import re

import click

import handgrad
from handgrad.cli.options import AS_JSON
from handgrad.cli.output import Output, output_options
from handgrad.cli.progress import progress

INITS = ["he", "xavier", "lecun", "normal", "raai"]

_NUMBER = r"[+-]?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:[eE][+-]?\d{1,3})?"
_INTERVAL = re.compile(rf"\[({_NUMBER}),({_NUMBER})\](?:\^(\d{{1,4}}))?")


@click.command(
    name="born-dead", epilog="Example: handgrad born-dead --width 2 --depth 10 --init he"
)
@click.option(
    "--width",
    metavar="N[,N…]",
    help="Units in each hidden layer; several numbers are the layers one by one.  [default: 2]",
)
@click.option("--depth", metavar="N[,N…]", help="Hidden layers.  [default: 10]")
@click.option(
    "--init",
    type=click.Choice(INITS),
    default="he",
    show_default=True,
    help="How weights are drawn; raai is the randomised asymmetric initialisation.",
)
@click.option("--inputs", type=int, help="Entries of an input: its dimension.  [default: 1]")
@click.option(
    "--over",
    metavar="[LOW,HIGH]",
    default="[-1,1]",
    show_default=True,
    help="The numbers that every input may have; [-1,1]^2 is two inputs.",
)
@click.option("--samples", type=int, help="Networks drawn.  [default: 200000; a table: 20000]")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the draws."
)
@click.option("--table", is_flag=True, help="A table of the share for several widths and depths.")
@AS_JSON
@output_options()
def born_dead(
    width: str | None,
    depth: str | None,
    init: str,
    inputs: int | None,
    over: str,
    samples: int | None,
    seed: int,
    table: bool,
    as_json: bool,
    output: Output,
) -> None:
    """Count the ReLU networks that are constant before they have learned anything."""
    output.check(as_json)
    low, high, dimension = _interval(over)
    if inputs is not None and dimension is not None and inputs != dimension:
        raise handgrad.OptionError(
            f"{over} is a box of dimension {dimension}, not {inputs}", where="--over"
        )
    networks = samples if samples is not None else 20_000 if table else 200_000
    box = (low, high)
    dimensions = inputs if inputs is not None else dimension or 1
    if table:
        widths = _numbers("2,3,4,5,6" if width is None else width, "--width")
        depths = sorted(set(_numbers("1,2,5,10,20,50" if depth is None else depth, "--depth")))
        studies = handgrad.born_dead_table(
            widths, depths, inputs=dimensions, init=init, networks=networks, seed=seed, over=box
        )
        output.deliver(
            lambda: handgrad.born_dead_table_page(studies, depths),
            handgrad.BornDeadTable(studies, tuple(depths)),
            as_json,
        )
        return
    with progress(networks, "networks") as told:
        study = handgrad.born_dead(
            _layers(width, depth),
            inputs=dimensions,
            init=init,
            networks=networks,
            seed=seed,
            over=box,
            progress=told,
        )
    output.deliver(
        lambda: handgrad.born_dead_page(study),
        study,
        as_json,
    )


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
