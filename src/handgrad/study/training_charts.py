"""Charts of training: the loss, and the share of units that are dead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from handgrad.expression import Name
from handgrad.picture import Drawing
from handgrad.picture.charts import Axis, Series, line_chart

if TYPE_CHECKING:
    from handgrad.study.over_training import OverTraining


DECADES = 100.0
"""A loss that falls by more than this is drawn by powers of ten."""


BEYOND = 2.0
"""Of a training that diverged, losses of so many times the largest of the others are beyond the chart."""


def dead_or_off(study: OverTraining) -> str:
    """What a unit is that fires on no case: dead where it has a gate, for nothing comes through it."""
    return "dead" if study.gates else "off on every case"


def losses_chart(studies: Sequence[OverTraining], names: Sequence[str], *, width: float) -> Drawing:
    """The losses; a training that diverged leaves the chart, so that the others can be read."""
    kept = [v for s in studies if s.stopped is None for v in s.losses]
    highest = max(kept, default=np.inf) * BEYOND
    drawn = [v for s in studies for v in s.losses if np.isfinite(v) and v <= highest]
    falls = any(s.losses[0] > DECADES * min(s.losses) > 0 for s in studies)
    grows = max(drawn, default=0.0) > DECADES * max(s.losses[0] for s in studies)
    return line_chart(
        [Series(n, s.steps, s.losses) for n, s in zip(names, studies, strict=True)],
        title="Loss over training",
        x=Axis("update"),
        y=Axis(
            "loss",
            logarithmic=(falls or grows) and min(drawn, default=0.0) >= 0,
            most=float(highest),
        ),
        width=width,
    )


def deaths_chart(study: OverTraining, *, width: float) -> Drawing:
    series = [
        Series(Name(layer.name), study.steps, study.share_dead(layer)) for layer in study.layers
    ]
    return _shares(series, f"Share of units {dead_or_off(study)}", width)


def comparison_chart(studies: Sequence[OverTraining], *, width: float) -> Drawing:
    series = []
    for study in studies:
        counts = np.sum([study.dead[layer.name] for layer in study.layers], axis=0)
        series.append(Series(study.name, study.steps, (counts / study.units).tolist()))
    return _shares(series, "Share of units off on every case", width)


def _shares(series: Sequence[Series], title: str, width: float) -> Drawing:
    return line_chart(
        series,
        title=title,
        x=Axis("update"),
        y=Axis(title.lower(), style="percent", limits=(0.0, 1.0)),
        height=240,
        width=width,
    )


def groups(studies: Sequence[OverTraining]) -> list[list[OverTraining]]:
    """The activations together, and the initialisations and rates; the problem as it is with both."""
    base, *others = studies
    swapped = [s for s in others if not s.gates]
    drawn = [s for s in others if s.gates]
    return [[base, *group] for group in (swapped, drawn) if group]
