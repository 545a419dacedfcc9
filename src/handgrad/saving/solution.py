"""Reports of worked solutions, and of whatever shows itself."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from handgrad.page import Page
from handgrad.picture import Drawing
from handgrad.problem import Problem
from handgrad.saving.report import Form, Report
from handgrad.solution import Step, Trace, solve
from handgrad.solution.page import Phase, solution_page


def solution_report(
    trace: Trace, *, only: Phase | None = None, step: str | None = None, elements: bool = False
) -> Report:
    """The report of a worked solution, or of the part of it that `solution_page` would show.

    Raises `OptionError` for a step that the solution does not have.
    """
    page = partial(solution_page, trace, only=only, step=step, elements=elements)
    options = {"--step": step, "--only": only, "--elements": elements}
    given = [option for option, value in options.items() if value]
    lacking: dict[Form, tuple[str, str]] = {}
    for option in given:
        mend = f"leave out {option}"
        if option == "--elements":
            lacking["slides"] = ("slides do not open gradients entry by entry", mend)
        lacking["json"] = ("JSON holds the whole solution", mend)
        if option != "--only":
            lacking["picture"] = ("the picture is of a whole pass", mend)
        elif only == "update":
            lacking["picture"] = ("the update has no picture", "--only forward or backward has one")
    return Report(
        page=page(),
        pictured=lambda: page(pictures=True, open_entries=True),
        program=lambda: _with_code(trace, page),
        slides=None if "slides" in lacking else lambda: _slides(trace, only, step),
        picture=None
        if "picture" in lacking
        else lambda: _picture(trace, "forward" if only == "forward" else "backward"),
        json=None if "json" in lacking else lambda: _object(trace),
        lacking=lacking,
    )


def report_of(thing: object) -> Report:
    """The report of what shows itself: a page, a trace, one of its steps, or a problem, solved.

    Raises `HandgradError` where a problem cannot be solved.
    """
    match thing:
        case Page():
            return Report(thing)
        case Trace():
            return solution_report(thing)
        case Step() if thing.trace is not None:
            return solution_report(thing.trace, step=thing.id)
        case Problem():
            return solution_report(solve(thing))
        case _:
            raise TypeError(f"no page is known for {thing!r}")


def _with_code(trace: Trace, page: partial[Page]) -> Page:
    from handgrad.solution.programs import step_code

    return page(code=step_code(trace))


def _slides(trace: Trace, only: Phase | None, step: str | None) -> Page:
    from handgrad.discussion import to_discuss
    from handgrad.solution.slides import slides_page

    # A part of the deck has no questions: they are about the whole solution.
    whole = only is None and step is None
    questions = [(q.asked(), q.blocks()) for q in to_discuss(trace)] if whole else []
    return slides_page(trace, questions, only=only, step=step)


def _picture(trace: Trace, phase: Literal["forward", "backward"]) -> Drawing:
    from handgrad.solution.pictures.choosing import picture_of

    return picture_of(trace, phase)


def _object(trace: Trace) -> dict[str, Any]:
    from handgrad.formats.json import to_json

    return to_json(trace)
