"""handgrad train: the loss over many updates, and the update that killed each unit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

import handgrad
from handgrad.cli.data import data_options, with_files
from handgrad.cli.options import AS_JSON, DECIMALS, PROBLEM, changes, chosen
from handgrad.cli.output import Output, output_options
from handgrad.cli.progress import progress
from handgrad.cli.terminal import Terminal, page_options


@click.command(epilog="Example: handgrad train dying --steps 20 --compare")
@PROBLEM
@data_options
@click.option("--steps", type=int, default=100, show_default=True, help="Updates to make.")
@click.option("--rate", type=float, help="The learning rate; the problem's own by default.")
@click.option(
    "--rule",
    type=click.Choice(["sgd", "momentum", "rmsprop", "adam", "adamw"]),
    help="The update rule; the problem's own by default.",
)
@click.option("--batch", type=int, help="Cases of each update; all of them by default.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of the batches, and of initialisations that are tried.",
)
@click.option(
    "--every",
    type=int,
    default=1,
    show_default=True,
    help="Updates from one look at the units to the next.",
)
@click.option(
    "--compare",
    is_flag=True,
    help="Other activations, initialisations and a smaller rate side by side.",
)
@DECIMALS
@changes
@AS_JSON
@output_options()
@page_options
def train(
    problem: str,
    data: tuple[str, ...],
    skip_bad: bool,
    steps: int,
    rate: float | None,
    rule: str | None,
    batch: int | None,
    seed: int,
    every: int,
    compare: bool,
    decimals: int,
    settings: tuple[str, ...],
    swaps: tuple[str, ...],
    as_json: bool,
    output: Output,
    terminal: Terminal,
) -> None:
    """Train PROBLEM on its cases, or on a file of them, and watch which units die."""
    output.check(as_json)
    given = with_files(chosen(problem, settings, swaps), data, skip_bad)
    runs = handgrad.runs_in_all(given) if compare else 1
    options: dict[str, Any] = {
        "rule": rule,
        "rate": rate,
        "batch": batch,
        "seed": seed,
        "every": every,
    }
    with progress(runs * max(steps, 0), "updates") as told:
        if compare:
            studies = handgrad.compare_training(given, steps, progress=told, **options)
        else:
            studies = (handgrad.train(given, steps, progress=told, **options),)
    if compare:
        output.deliver(
            lambda: handgrad.training_comparison_page(studies, decimals),
            replace(studies[0], compared=studies[1:]),
            as_json,
            terminal,
        )
    else:
        output.deliver(
            lambda: handgrad.training_page(studies[0], decimals),
            studies[0],
            as_json,
            terminal,
        )
