"""A closer look at one figure of the page: why it is what it is and, of a given number, the loss along it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handgrad.errors import OptionError
from handgrad.expression import Adjoint, Expression, Literal, Name
from handgrad.formats.html.figure import figure
from handgrad.formats.html.page import render_live
from handgrad.formats.html.text import HtmlWriter
from handgrad.formats.live import Live
from handgrad.formats.markup import quantity
from handgrad.formats.style import Style
from handgrad.lab.naming import FigureName, read_figure
from handgrad.lab.solving import read, solved
from handgrad.lab.standing import RATE
from handgrad.lab.sweep_chart import slope_text, sweep_chart
from handgrad.lab.sweeping import sweep
from handgrad.lab.view import View, text_of
from handgrad.page.blocks import Figure as Picture
from handgrad.paths import why
from handgrad.solution import Trace
from handgrad.solution.page import style_of

AFTER = "updated."


def why_answer(asked: Mapping[str, Any]) -> dict[str, str]:
    """Why a figure is what it is, as `handgrad why` says: of a given number, why its gradient is.

    Arguments:
        asked: `text`, `view`, and the figure's `name`.

    Returns `title` and `html`. Raises `HandgradError`.
    """
    trace, chosen, view = _chosen(asked)
    given = chosen.name in trace.problem.inputs and not chosen.gradient
    asks = _gradient_of(trace, chosen) if given else chosen.spelling
    answer = why(read(text_of(asked)), asks)
    page = answer.page(view.decimals)
    main = render_live(page, Live(), "why-")
    return {
        "title": HtmlWriter.of(Style.of(page)).formula(_shown(chosen, trace)),
        "html": main,
    }


def sweep_answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The loss along a given number, as a chart with what is to be said of it.

    Arguments:
        asked: `text`, `view`, the number's `name`, and the `range` if one is chosen.

    Returns `title`, `html`, and the chart's `scale`; nothing for what is not given. Raises `HandgradError`.
    """
    trace, chosen, _ = _chosen(asked)
    if chosen.gradient or chosen.name not in {**trace.problem.parameters, **trace.problem.data}:
        return {}
    low, high = _range(asked.get("range"))
    swept = sweep(trace, chosen, low, high)
    shown = _shown(chosen, trace)
    chart = sweep_chart(swept, shown)
    style = style_of(trace)
    writer = HtmlWriter.of(style)
    picture = figure(Picture(chart.drawing, slope_text(swept)), writer)
    flips = "".join(
        f"<li>{writer.text(('at ', Literal(flip.at), ', ', flip.text()))}</li>"
        for flip in swept.flips
    )
    return {
        "title": writer.formula(shown),
        "html": picture + (f"<ol>{flips}</ol>" if flips else ""),
        "scale": {
            "low": chart.low,
            "high": chart.high,
            "left": chart.left,
            "right": chart.right,
            "width": chart.drawing.width,
        },
    }


def _chosen(asked: Mapping[str, Any]) -> tuple[Trace, FigureName, View]:
    text, view = text_of(asked), View.read(asked.get("view"))
    name = asked.get("name")
    if isinstance(name, str) and name.startswith(AFTER):
        raise OptionError(
            "this is after the update", mend="point at it in the passes, or make the step"
        )
    if name == RATE:
        raise OptionError("the learning rate has no gradient: the loss does not depend on it")
    trace = solved(text, view.carry, view.decimals)
    return trace, read_figure(trace, name), view


def _range(asked: Any) -> tuple[float | None, float | None]:
    match asked:
        case [int() | float() as low, int() | float() as high]:
            return float(low), float(high)
        case _:
            return None, None


def _gradient_of(trace: Trace, chosen: FigureName) -> str:
    whole = FigureName(chosen.name, chosen.index, True, quantity(Adjoint(chosen.name)))
    return whole.spelling


def _shown(chosen: FigureName, trace: Trace) -> Expression:
    """The figure as mathematics writes it; of many cases the case is its last index."""
    shape = trace.graph.nodes[chosen.name].shape
    leaf = Adjoint(chosen.name, shape=shape) if chosen.gradient else Name(chosen.name, shape=shape)
    return leaf.entry(chosen.index[: len(shape)])
