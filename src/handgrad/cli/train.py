"""handgrad train: the loss over many updates, and the update that killed each unit."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import click

import handgrad
from handgrad.cli.data import Data
from handgrad.cli.options import DECIMALS, Source, option, takes
from handgrad.cli.output import Output, output_options
from handgrad.cli.progress import progress

RULES = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamw", "lion"]
"""The rules of update, as the library has them: to import it takes longer than to print the help."""


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """How the problem is trained."""

    steps: int = option(
        "--steps", type=int, default=100, show_default=True, help="Updates to make."
    )
    rate: float | None = option(
        "--rate", type=float, help="The learning rate; the problem's own by default."
    )
    rule: str | None = option(
        "--rule",
        type=click.Choice(RULES),
        help="The update rule; the problem's own by default.",
    )
    batch: int | None = option(
        "--batch", type=int, help="Cases of each update; all of them by default."
    )
    seed: int = option(
        "--seed",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="Of the batches, and of initialisations that are tried.",
    )
    every: int = option(
        "--every",
        type=int,
        default=1,
        show_default=True,
        help="Updates from one look at the units to the next.",
    )


@click.command(epilog="Example: handgrad train dying --steps 20 --compare")
@takes(data=Data, options=TrainOptions)
@click.option(
    "--compare",
    is_flag=True,
    help="Other activations, initialisations and a smaller rate side by side.",
)
@click.option("--decimals", **DECIMALS)
@takes(source=Source)
@output_options()
def train(
    source: Source, data: Data, options: TrainOptions, compare: bool, decimals: int, output: Output
) -> None:
    """Train PROBLEM on its cases, or on a file of them, and watch which units die."""
    from handgrad.running.training import require_loss
    from handgrad.study import runs_in_all

    require_loss(source.without_cases())
    given = data.put_in(source)
    runs = runs_in_all(given) if compare else 1
    with progress("updates", runs * max(options.steps, 0)) as told:
        trained = handgrad.compare_training if compare else handgrad.train
        study = trained(given, progress=told, **asdict(options))
    output.deliver(study, decimals=decimals)
