"""Charts of a class: how marks are distributed, and how each quantity went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from handgrad.expression import Leaf
from handgrad.grading.words import VERDICT_COUNTED
from handgrad.picture import Drawing
from handgrad.picture.charts import Axis, Bar, Outcome, Stack, bar_chart, stacked_chart

if TYPE_CHECKING:
    from handgrad.grading.class_report import Distribution, QuantityCounts

OUTCOMES = (
    Outcome(VERDICT_COUNTED["right"], "series3", 0.42),
    Outcome(VERDICT_COUNTED["consistent"], "series3", 0.15),
    Outcome(VERDICT_COUNTED["wrong"], "series2", 0.7),
    Outcome(VERDICT_COUNTED["missing"], "surface", 1.0),
)
"""The verdicts, as parts of a bar."""

COLUMNS = 32
"""Characters of the longest bar in a terminal."""


def marks_chart(distribution: Distribution, *, width: float) -> Drawing:
    """How many sheets have marks in each range."""
    last = len(distribution.bins) - 1
    named = [(_range(b.low, b.high, k == last), b.count) for k, b in enumerate(distribution.bins)]
    bars = [Bar((name,), count) for name, count in named]
    drawing = bar_chart(bars, title="Sheets by their marks", length=Axis("sheets"), width=width)
    return replace(drawing, compact=tuple(_lines(named)))


def _lines(named: Sequence[tuple[str, int]]) -> Iterator[str]:
    """The bars in characters, for a terminal."""
    widest = max(len(name) for name, _ in named)
    most = max(1, *(count for _, count in named))
    for name, count in named:
        yield f"{name:>{widest}}  {'█' * round(COLUMNS * count / most)}{' ' if count else ''}{count}"


def _range(low: float, high: float, last: bool) -> str:
    return f"{low:g} to {high:g}" if last else f"{low:g} to below {high:g}"


def quantities_chart(
    steps: Sequence[QuantityCounts], shown: Mapping[str, Leaf], *, width: float
) -> Drawing:
    """How each quantity went: on how many sheets it is right, follows, is wrong, or is missing."""
    stacks = [
        Stack((f"{s.step}  ", shown[s.target]), (s.right, s.consistent, s.wrong, s.missing))
        for s in steps
    ]
    drawing = stacked_chart(stacks, OUTCOMES, title="How each step went", width=width)
    return replace(drawing, compact=tuple(_counts(steps)))


def _counts(steps: Sequence[QuantityCounts]) -> Iterator[str]:
    """The same in numbers, for a terminal: a column for each verdict that is met."""
    names = [f"{s.step}  {s.target}" for s in steps]
    counts = {verdict: [getattr(s, verdict) for s in steps] for verdict in VERDICT_COUNTED}
    met = {v: column for v, column in counts.items() if any(column) or v == "right"}
    widest = max(map(len, names), default=0)
    yield " " * widest + "".join(f"  {VERDICT_COUNTED[v]}" for v in met)
    for k, name in enumerate(names):
        row = (f"  {column[k]:>{len(VERDICT_COUNTED[v])}}" for v, column in met.items())
        yield f"{name:<{widest}}" + "".join(row)
