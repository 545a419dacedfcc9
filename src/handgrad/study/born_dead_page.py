"""The page of a study of networks that are born dead, and that of a table of such studies."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from handgrad.expression import Expression, Literal
from handgrad.page.blocks import Block, Figure, Heading, Note, Paragraph, Table, Text
from handgrad.page.charts import chart
from handgrad.picture import Drawing
from handgrad.picture.charts import Axis, Series, heat_map, line_chart
from handgrad.saving import Page
from handgrad.study.initialising import initialisation

if TYPE_CHECKING:
    from handgrad.study.born_dead import BornDead, BornDeadTable

ROWS = 12
"""Depths listed of a deep network."""

MEANING = (
    "A ReLU network is born dead when, as it is drawn, some hidden layer has no unit that fires on any "
    "input: its output is constant, and nothing up to that layer gets a gradient."
)


def born_dead_page(study: BornDead) -> Page:
    """The share of networks that were born dead, by depth, beside what is known without drawing."""
    layers = len(study.widths)
    blocks: list[Block] = [
        Heading(("Born dead",), 1),
        Paragraph((MEANING,)),
        Paragraph(_what(study)),
        Note("info", _result(study)),
        _depths(study),
    ]
    if layers > 1:
        blocks.append(
            chart(partial(_chart, study), ("The share of networks that are dead, by depth.",))
        )
    blocks += _criterion(study)
    return Page("Born dead", tuple(blocks))


def born_dead_table_page(table: BornDeadTable) -> Page:
    """The share born dead by width and depth, as a table and as a map."""
    studies, depths = table.studies, table.depths
    first = studies[0]
    rows: list[tuple[Text, ...]] = [
        ((str(study.widths[0]),), *((_number(study.share(depth)),) for depth in depths))
        for study in studies
    ]
    header: tuple[Text, ...] = (("width",), *((str(depth),) for depth in depths))
    drawing = heat_map(
        [[study.share(depth) for depth in depths] for study in studies],
        title="Share of networks born dead",
        rows=Axis("width", names=[str(study.widths[0]) for study in studies]),
        columns=Axis("hidden layers", names=[str(depth) for depth in depths]),
        limits=(0.0, 1.0),
    )
    largest = max(study.error(depth) for study in studies for depth in depths)
    blocks: list[Block] = [
        Heading(("Born dead, by width and depth",), 1),
        Paragraph((MEANING,)),
        Paragraph(
            (
                f"{_many(first.networks)} networks of each width, {_inputs(first)}; ",
                f"{initialisation(first.init).title} initialisation: "
                f"{initialisation(first.init).words}. Standard errors are at most ",
                _number(largest),
                ".",
            )
        ),
        Table(
            header, tuple(rows), "r" * len(header), ("Share born dead, by number of hidden layers",)
        ),
        Figure(drawing, ("Each cell is filled the more, the more networks are born dead.",)),
        *_criterion(first),
    ]
    return Page("Born dead, by width and depth", tuple(blocks))


def _what(study: BornDead) -> Text:
    init = initialisation(study.init)
    if len(set(study.widths)) == 1:
        layers = len(study.widths)
        shape = f"{layers} hidden layer{'s' if layers > 1 else ''} of {_units(study.widths[0])}"
    else:
        shape = f"hidden layers of {', '.join(map(str, study.widths))} units"
    return (
        f"{_many(study.networks)} networks with {shape}, {_inputs(study)}; {init.title} "
        f"initialisation: {init.words}; seed {study.seed}.",
    )


def _result(study: BornDead) -> Text:
    parts: list[str | Expression] = [
        "The share that is born dead is ",
        _number(study.estimate),
        ", with a standard error of ",
        _number(study.standard_error),
        ".",
    ]
    known = study.bounds
    if known is not None and known.lower == known.upper:
        parts += [" The probability is exactly ", _number(known.upper), "."]
    elif known is not None and known.lower is not None:
        parts += [
            " The probability lies between ",
            _number(known.lower),
            " and ",
            _number(known.upper),
            ", whatever the symmetric distribution of the weights.",
        ]
    elif known is not None:
        parts += [" The probability is at most ", _number(known.upper), "."]
    return tuple(parts)


def _depths(study: BornDead) -> Table:
    layers = len(study.widths)
    every = -(-layers // ROWS)
    shown = sorted({*range(every, layers + 1, every), layers})
    bounded = study.bounds is not None
    rows: list[tuple[Text, ...]] = []
    for depth in shown:
        cells: list[Text] = [
            (str(depth),),
            (_number(study.share(depth)),),
            (_number(study.error(depth)),),
        ]
        if bounded:
            known = study.bounds_at(depth)
            assert known is not None
            cells += [(_number(known.lower),) if known.lower is not None else ("–",)]
            cells += [(_number(known.upper),)]
        rows.append(tuple(cells))
    header: list[Text] = [("hidden layers",), ("born dead",), ("standard error",)]
    if bounded:
        header += [("at least",), ("at most",)]
    return Table(tuple(header), tuple(rows), "r" * len(header), ("By depth",))


def _chart(study: BornDead, *, width: float) -> Drawing:
    depths = list(range(1, len(study.widths) + 1))
    known = [study.bounds_at(depth) for depth in depths]
    series = [Series("drawn", depths, [study.share(depth) for depth in depths])]
    upper = [k.upper for k in known if k is not None]
    lower = [k.lower for k in known if k is not None and k.lower is not None]
    if upper:
        series.append(Series("at most", depths, upper))
    if lower:
        series.append(Series("at least", depths, lower))
    return line_chart(
        series,
        title="Share of networks born dead",
        x=Axis("hidden layers"),
        y=Axis("share born dead", limits=(0.0, 1.0)),
        width=width,
    )


def _criterion(study: BornDead) -> list[Block]:
    """How a network was found dead, and how sure that is."""
    if study.exact:
        sides = "two points, one on each side," if study.rays == 2 else "one point"
        text = (
            f"Without biases a network is linear on each side of 0, so {sides} decide"
            f"{'' if study.rays == 2 else 's'} whether a layer is off: nothing is sampled but the networks."
        )
        return [Note("info", (text,))]
    blocks: list[Block] = [
        Note(
            "info",
            (
                f"A network counts as dead when some layer is off at all of {study.points} points of "
                f"{_box(study)}; one that would fire between them is counted too, so the share is "
                "an upper bound.",
            ),
        )
    ]
    found = study.examined
    if found is not None and found.dead:
        blocks.append(
            Note(
                "check",
                (
                    f"Of {_many(found.networks)} more networks, {found.dead} {'is' if found.dead == 1 else 'are'} dead at those points, and "
                    f"intervals prove {found.proved} of {'this 1' if found.dead == 1 else 'these'} dead at every point of the box.",
                ),
            )
        )
    return blocks


def _box(study: BornDead) -> str:
    """Where the points lie: [−1, 1]², with one side for each input."""
    low, high = study.over
    return f"[{low:g}, {high:g}]{f'^{study.inputs}' if study.inputs > 1 else ''}"


def _inputs(study: BornDead) -> str:
    low, high = study.over
    size = f"inputs of {study.inputs} entries" if study.inputs > 1 else "scalar inputs"
    return f"{size} in [{low:g}, {high:g}]"


def _units(width: int) -> str:
    return f"{width} unit{'s' if width > 1 else ''}"


def _many(count: int) -> str:
    return f"{count:,}".replace(",", " ")


def _number(value: float) -> Literal:
    return Literal(value)
