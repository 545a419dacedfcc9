"""The page of a solution as the lab shows it: the solution's own page, its figures named."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from handgrad.errors import HandgradError
from handgrad.formats.html.page import live_parts
from handgrad.formats.html.text import HtmlWriter
from handgrad.formats.live import Live
from handgrad.lab.changes import told
from handgrad.lab.number_fields import number_fields
from handgrad.lab.restructuring import changes_offered
from handgrad.lab.solving import live_markup, read, solved, standing
from handgrad.lab.view import View, text_of
from handgrad.numbers import run_exact, run_symbols
from handgrad.solution.page import solution_page, style_of
from handgrad.text import plain_text


def page_answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The page of a problem's solution, and what is known of its numbers.

    Arguments:
        asked: `text` of the problem, the `view`, and `before`, the text of the page that is shown now.

    Returns `title` and the `parts` of the main part as HTML, each after its key (`live_parts`), `numbers` as fields of a form, `places` of the numbers in the
    text by their names (from, to; in UTF-16 units, as browsers count), and what the edit did: `told`
    as HTML, `said` as text. Raises `HandgradError`.
    """
    text, view = text_of(asked), View.read(asked.get("view"))
    problem = read(text)
    trace = solved(text, view.carry, view.decimals)
    live = live_markup(trace, text)
    if view.numbers == "floats":
        page = solution_page(trace, pictures=view.pictures, open_entries=view.entries)
    else:
        run = run_exact if view.numbers == "exact" else run_symbols
        page, live = run(problem).page(view.decimals), Live()
    writer = HtmlWriter.of(style_of(trace))
    answer: dict[str, Any] = {
        "title": page.title,
        "parts": live_parts(page, live),
        "numbers": number_fields(problem, standing(text), writer),
        "places": places(text),
        "changes": changes_offered(text, trace),
    }
    before = asked.get("before")
    if isinstance(before, str) and before != text:
        answer |= _change(before, text, view, writer)
    return answer


def places(text: str) -> dict[str, tuple[int, int]]:
    """Where the numbers stand, counted as browsers count: a letter beyond the 65 536th is two."""
    if text.isascii():
        return {name: (s.start, s.stop) for name, s in standing(text).items()}
    units = [0]
    for letter in text:
        units.append(units[-1] + 1 + (ord(letter) > 0xFFFF))
    return {name: (units[s.start], units[s.stop]) for name, s in standing(text).items()}


def _change(before: str, text: str, view: View, writer: HtmlWriter) -> dict[str, str]:
    """What an edit did; nothing where what was there before could not be solved."""
    with suppress(HandgradError):
        sentence = told(
            solved(before, view.carry, view.decimals), solved(text, view.carry, view.decimals)
        )
        return {"told": writer.text(sentence), "said": plain_text(sentence)}
    return {}
