"""A solution worked out by the reader, step by step: what comes next is asked for before it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from handgrad.checking import CheckReport
from handgrad.checking.blanks import Blank, blanks
from handgrad.checking.report import LEVELS, Level
from handgrad.comparison import unit_words
from handgrad.errors import OptionError
from handgrad.expression import Literal
from handgrad.formats.html.page import render_live
from handgrad.formats.html.text import HtmlWriter
from handgrad.formats.live import Live
from handgrad.formats.markup import plain
from handgrad.lab.grids import index_rows, spelled
from handgrad.lab.number_fields import number_fields
from handgrad.lab.pages import places
from handgrad.lab.solving import checker, live_markup, read, solved, standing
from handgrad.lab.view import View, text_of
from handgrad.options import one_of, whole_number
from handgrad.page.blocks import Block, Derivation, Figure, Heading, Legend, Note, Paragraph
from handgrad.saving import Page
from handgrad.solution import Trace
from handgrad.solution.page import solution_page, style_of
from handgrad.solution.units import Units, slides, units
from handgrad.text import Text

MOST = 200
"""Entries of a quantity that are asked for; a larger one is shown."""

MOST_UNITS = 24
"""Gates that are asked about in one step."""


def predict_answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The page up to a step that is asked for, with fields for its figures.

    Arguments:
        asked: `text`, `view`, how many steps are `done`, the `answers` by the names of figures as they were
            typed, and the `gates` that are said to be shut.

    Returns what `page_answer` does. Raises `HandgradError`.
    """
    text, view = text_of(asked), View.read(asked.get("view"))
    trace = solved(text, view.carry, view.decimals)
    stages = _stages(text, trace)
    done = asked.get("done", 0)
    whole_number(done, 0, len(stages), "done")
    page = solution_page(trace, pictures=False)
    writer = HtmlWriter.of(style_of(trace))
    live = live_markup(trace, text)
    if done == len(stages):
        main = render_live(page, live)
        main = _score(asked, text, trace, stages) + main
        step = ""
    else:
        step, questions = stages[done]
        blocks = tuple(_up_to(page.blocks, step))
        main = render_live(replace(page, blocks=blocks), live)
        main += _form(trace, step, questions, asked, writer)
    return {
        "title": page.title,
        "main": main,
        "numbers": number_fields(read(text), standing(text), writer),
        "places": places(text),
        "told": f"Step {step}, {done + 1} of {len(stages)}: work out the figures." if step else "",
    }


def check_answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What is right of a step's figures, as `handgrad check` says it, and as much of the rest as its `level` tells.

    Arguments:
        asked: as of `predict_answer`, and a `level`: "where", "what", "rule" or "worked".

    Returns `html`, and `well`: whether nothing is wrong or missing. Raises `HandgradError`.
    """
    text, view = text_of(asked), View.read(asked.get("view"))
    level = asked.get("level", "what")
    one_of(level, LEVELS, "level")
    trace = solved(text, view.carry, view.decimals)
    stages = _stages(text, trace)
    done = asked.get("done", 0)
    whole_number(done, 0, len(stages) - 1, "done")
    step, _ = stages[done]
    report = _report(asked, text, stages)
    own = replace(report, steps=tuple(j for j in report.steps if j.quantity.step == step))
    page = own.page(level)
    blocks = [b for b in page.blocks if not (isinstance(b, Heading) and b.level == 1)]
    main = render_live(
        replace(page, blocks=(*blocks, *_gates_judged(asked, trace, step))), _NO_NAMES, "verdict-"
    )
    well = all(j.verdict in ("right", "consistent") for j in own.steps)
    return {"html": main, "well": well}


_NO_NAMES = Live()
"""Of pages beside the solution, whose figures are not to be looked at closer."""

Stage = tuple[str, tuple[Blank, ...]]
"""A step's number, and what is asked for in it."""


def _stages(text: str, trace: Trace) -> list[Stage]:
    """The steps in which something is asked for."""
    found: dict[str, list[Blank]] = {step.id: [] for step in trace.steps}
    for blank in blanks(checker(text)):
        if blank.step in found and int(np.prod(blank.shape)) <= MOST:
            found[blank.step].append(blank)
    stages = [(step, tuple(asked)) for step, asked in found.items() if asked]
    if not stages:
        raise OptionError("there is nothing here to be worked out by hand")
    return stages


def _up_to(blocks: Sequence[Block], step: str) -> Iterator[Block]:
    """The blocks before a step, and of the step itself its words and its formulas in letters.

    What tells of results before they are asked for is left out.
    """
    inside = False
    for position, block in enumerate(blocks):
        match block:
            case Heading(id=found) if inside:
                return
            case Heading(id=found):
                inside = found == step
                yield block
            case Figure() | Legend():
                pass
            case Note() if inside or position == 1:
                pass
            case Derivation(relations) if inside:
                yield Derivation(
                    tuple(
                        replace(r, chain=r.chain[:1], marks={}, remarks={}, entries={})
                        for r in relations
                        if not isinstance(r.chain[0], Literal)
                    )
                )
            case Paragraph() | Derivation() | Note():
                yield block
            case _ if not inside:
                yield block


# -- asking ---------------------------------------------------------------------------------


def _form(
    trace: Trace, step: str, asked: Sequence[Blank], given: Mapping[str, Any], writer: HtmlWriter
) -> str:
    answers, shut = _typed(given), _shut(given)
    groups = [_gates_asked(trace, step, shut)]
    for blank in asked:
        batched = len(blank.shape) > len(_shape(trace, blank))
        rows = "".join(
            '<div class="numbers-row">'
            + "".join(
                _field(
                    spelled(blank.target, at),
                    f"{blank.target}, {words}" if words else blank.target,
                    answers,
                )
                for at, words in row
            )
            + "</div>"
            for row in index_rows(blank.shape, batched)
        )
        groups.append(
            f'<fieldset data-of="{plain(blank.target)}"><legend>{writer.formula(blank.shown)}</legend>{rows}</fieldset>'
        )
    return (
        f'<form id="asking" data-step="{step}" aria-label="Step {step}: your figures">'
        f'<div class="asked">{"".join(groups)}</div>'
        '<p class="asking-tools"><button type="submit" class="primary">Check</button>'
        '<button type="button" data-ask="hint">Hint</button>'
        '<button type="button" data-ask="on">Go on</button></p><div id="verdict" role="status"></div></form>'
    )  # fmt: skip


def _shape(trace: Trace, blank: Blank) -> tuple[int, ...]:
    return trace.graph.nodes[blank.shown.name].shape


def _field(name: str, words: str, answers: Mapping[str, str]) -> str:
    return (
        '<input type="text" inputmode="decimal" autocomplete="off" spellcheck="false" '
        f'aria-label="{plain(words)}" data-answer="{plain(name)}" value="{plain(answers.get(name, ""))}">'
    )


def _gates(trace: Trace, step: str) -> list[Units]:
    """The gates that a step of the forward pass has, where there are few enough to be asked about."""
    return [
        u
        for u in units(trace)
        if u.gate and u.step == step and u.z.size <= MOST_UNITS and not slides(trace.graph, u.pre_activation)
    ]  # fmt: skip


def _gates_asked(trace: Trace, step: str, shut: frozenset[str]) -> str:
    boxes = "".join(
        f'<label><input type="checkbox" data-gate="{name}"{" checked" if name in shut else ""}> {plain(words)}</label>'
        for gates in _gates(trace, step)
        for name, words, _ in _each(gates)
    )
    return f'<fieldset class="gates-asked"><legend>Which units will be off?</legend>{boxes}</fieldset>' if boxes else ""  # fmt: skip


def _each(gates: Units) -> Iterator[tuple[str, str, bool]]:
    """The units of an activation: the name of each, its words, and whether it is off."""
    for place in np.ndindex(gates.z.shape):
        index = place[:-1] if gates.batched else place
        words = unit_words(index, gates.layer, gates.time_step)
        if gates.batched:
            words = f"case {place[-1] + 1}: {words}"
        yield spelled(gates.activation, place), words, bool(gates.shut[place])


def _gates_judged(asked: Mapping[str, Any], trace: Trace, step: str) -> list[Block]:
    """What is so of the gates that were said to be shut."""
    shut = _shut(asked)
    wrong = [
        f"{words} is {'off' if off else 'on'}"
        for gates in _gates(trace, step)
        for name, words, off in _each(gates)
        if (name in shut) != off
    ]
    if not _gates(trace, step):
        return []
    if not wrong:
        return [Note("check", ("The gates are as you said.",))]
    said: Text = (f"Of the gates: {'; '.join(wrong)}.",)
    return [Note("gate", said)]


# -- what was typed -------------------------------------------------------------------------


def _typed(asked: Mapping[str, Any]) -> dict[str, str]:
    answers = asked.get("answers")
    table = answers if isinstance(answers, Mapping) else {}
    return {str(k): v.strip() for k, v in table.items() if isinstance(v, str) and v.strip()}


def _shut(asked: Mapping[str, Any]) -> frozenset[str]:
    gates = asked.get("gates")
    return frozenset(g for g in gates if isinstance(g, str)) if isinstance(gates, list) else frozenset()  # fmt: skip


def _report(asked: Mapping[str, Any], text: str, stages: Sequence[Stage]) -> CheckReport:
    """The check of everything that was typed; what was left empty is missing."""
    typed = _typed(asked)
    figures: dict[str, Any] = {}
    for _, asked_for in stages:
        for blank in asked_for:
            cells = {at: typed.get(spelled(blank.target, at), "") for at in np.ndindex(blank.shape)}
            if any(cells.values()) or not figures:
                figures[blank.target] = _nested(cells, blank.shape)
    return checker(text).check(figures)


def _nested(cells: Mapping[tuple[int, ...], str], shape: Sequence[int], at: tuple[int, ...] = ()) -> Any:  # fmt: skip
    if len(at) == len(shape):
        return cells[at]
    return [_nested(cells, shape, (*at, i)) for i in range(shape[len(at)])]


def _score(asked: Mapping[str, Any], text: str, trace: Trace, stages: Sequence[Stage]) -> str:
    """What came of it all: the marks, and where to look again."""
    report = _report(asked, text, stages)
    shut = _shut(asked)
    judged = [
        (name in shut) == off
        for step, _ in stages
        for gates in _gates(trace, step)
        for name, _, off in _each(gates)
    ]
    level: Level = "what"
    page = report.page(level)
    blocks: list[Block] = [Heading(("Your work",), 2), *page.blocks[1:]]
    if judged:
        blocks.append(Paragraph((f"Of {len(judged)} gates you said {sum(judged)} right.",)))
    main = render_live(Page(page.title, tuple(blocks), page.decimals, page.display, page.error_signals, page.loss, page.losses), _NO_NAMES, "score-")  # fmt: skip
    return f'<div id="score">{main}</div>'
