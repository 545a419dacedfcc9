"""The lab's own pages: the frame around a solution, and the page that one starts from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from handgrad.errors import HandgradError
from handgrad.formats.html.document import ARROW_LEFT, ARROW_RIGHT, THEME
from handgrad.formats.markup import plain
from handgrad.lab.pages import page_answer
from handgrad.lab.view import text_of
from handgrad.problem import bundled
from handgrad.problem.starting import text_like

LIKE = "3-4-2 relu softmax"
"""What the field for a new network shows."""

HINT = "Change any underlined number: type, drag it sideways, or use the arrow keys."

ICONS = {
    "undo": "M4 6h6a3.5 3.5 0 0 1 0 7H6M7 3 4 6l3 3",
    "redo": "M12 6H6a3.5 3.5 0 0 0 0 7h4M9 3l3 3-3 3",
    "close": "M4 4l8 8M12 4l-8 8",
}


def start_document(asked: Mapping[str, Any]) -> str:
    """The first page: the problem that the lab was started with, or the bundled ones to choose from."""
    return lab_document(text_of(asked)) if "text" in asked else _start()


def bundled_document(asked: Mapping[str, Any]) -> str:
    """The page of a bundled problem. Raises `HandgradError` where there is none of the name."""
    return lab_document(text_like(str(asked.get("problem"))))


def new_document(asked: Mapping[str, Any]) -> str:
    """The page of a network in words, such as "3-4-2, ReLU, softmax". Raises `HandgradError`."""
    words = str(asked.get("like") or LIKE).replace(",", " ").lower()
    return lab_document(text_like(" ".join(words.split())))


def shared_document(asked: Mapping[str, Any]) -> str:
    """The page that a shared link opens: the problem is in the link's #, which only a browser sees."""
    return _document("handgrad lab", _frame({"parts": [], "numbers": ""}, ""), None)


def lab_document(text: str) -> str:
    """The page of a problem: the solution as it stands without scripts, and what makes it move.

    Raises `HandgradError`.
    """
    answer = page_answer({"text": text})
    state = {"text": text, "places": answer["places"]}
    return _document(answer["title"], _frame(answer, text), state)


def wrong_document(error: HandgradError) -> str:
    """What is shown where there is no page."""
    body = f'<main id="main" class="start"><h1>handgrad lab</h1><p class="wrong">{plain(str(error))}</p><p><a href="/">Start</a></p></main>'
    return _document("handgrad lab", body, None, scripted=False)


def _document(
    title: str, body: str, state: Mapping[str, Any] | None, *, scripted: bool = True
) -> str:
    # Data, which no browser runs; "<" cannot end it.
    data = json.dumps(state).replace("<", "\\u003c")
    script = (
        f'<script type="application/json" id="problem">{data}</script>'
        '<script type="module" src="/lab.js"></script>'
        if scripted
        else ""
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<link rel="icon" href="data:,">'
        f'<title>{plain(title)}</title><script src="/theme.js"></script>'
        '<link rel="stylesheet" href="/lab.css"></head>'
        f'<body class="document lab">{body}'
        f'<p class="spoken" id="spoken" aria-live="polite"></p>{script}</body></html>\n'
    )


def _icon(name: str) -> str:
    return f'<svg viewBox="0 0 16 16" aria-hidden="true"><path d="{ICONS[name]}"/></svg>'


def _button(does: str, inside: str, said: str = "", *, pressed: bool = False) -> str:
    label = f' aria-label="{said}" title="{said}"' if said else ""
    state = ' aria-pressed="false"' if pressed else ""
    return f'<button type="button" data-do="{does}"{label}{state}>{inside}</button>'


def _frame(answer: Mapping[str, Any], text: str) -> str:
    """The tools around the main part, which alone is there without scripts."""
    return (
        '<a class="skip" href="#main">Skip to the page</a>'
        f'<header class="bar lab-bar">{_tools()}</header>'
        f'<div class="strip"><p id="told" role="status"><span class="hint">{HINT}</span></p><p id="wrong" role="alert" hidden></p></div>'
        '<div class="lab-frame">'
        f'<div class="givens">{_givens(answer, text)}</div>'
        f'<main id="main" tabindex="-1">{"".join(html for _, html in answer["parts"])}</main>'
        '<aside id="panel" aria-label="A closer look" hidden>'
        f'<header><h2 id="panel-title"></h2>{_button("close", _icon("close"), "Close")}</header>'
        '<div id="sweep"></div><div id="why"></div></aside></div>'
    )


def _tools() -> str:
    group = '<div class="group" role="group" aria-label="{}">{}</div>'
    undo = _button("undo", _icon("undo"), "Undo") + _button("redo", _icon("redo"), "Redo")
    descent = _button("step", "Step", "One step of gradient descent") + _button(
        "play", "Play", "Twenty steps of gradient descent", pressed=True
    )
    stepping = (
        _button("back", ARROW_LEFT, "Step back")
        + '<span id="place"></span>'
        + _button("on", ARROW_RIGHT, "Step forward")
    )
    theme = _button("theme", THEME, "Light or dark")
    return (
        '<a class="home" href="/">handgrad lab</a>'
        + group.format("Edits", undo)
        + group.format("Descent", descent)
        + group.format("Steps", stepping)
        + _button("predict", "Predict", "Work it out yourself, step by step", pressed=True)
        + _button("present", "Present", "One step a screen, in large type", pressed=True)
        + _view()
        + _share()
        + theme
    )


def _view() -> str:
    kinds = {"floats": "decimals", "exact": "fractions", "symbols": "letters"}
    options = "".join(f'<option value="{k}">{v}</option>' for k, v in kinds.items())
    return (
        '<details class="menu"><summary>View</summary><form id="view">'
        '<label>Digits after the point <input type="number" name="decimals" min="0" max="15" value="4"></label>'
        '<label><input type="checkbox" name="carry" value="rounded"> Carry rounded figures, as on paper</label>'
        '<label><input type="checkbox" name="entries"> Entry by entry</label>'
        f'<label>Numbers as <select name="numbers">{options}</select></label>'
        "</form></details>"
    )


DOWNLOADS = {
    "toml": "the problem (.toml)",
    "html": "a web page (.html)",
    "pdf": "on paper (.pdf)",
    "slides": "slides (.html)",
    "ipynb": "a notebook (.ipynb)",
    "py": "a program (.py)",
}
"""What the page can be saved as, in words."""


def _share() -> str:
    items = "".join(
        f'<li><button type="button" data-save="{kind}">{words}</button></li>'
        for kind, words in DOWNLOADS.items()
    )
    return (
        '<details class="menu"><summary>Share</summary><div class="sharing">'
        '<label>Link to this page, numbers and all <input id="link" readonly></label>'
        '<button type="button" data-do="copy">Copy</button>'
        '<div id="qr"></div>'
        f"<p>Save as</p><ul>{items}</ul></div></details>"
    )


def _givens(answer: Mapping[str, Any], text: str) -> str:
    return (
        "<details open><summary>Numbers</summary>"
        f'<form id="numbers">{answer["numbers"]}</form></details>'
        '<details id="editor"><summary>Equations and text</summary>'
        '<label class="spoken" for="text">The problem as text</label>'
        f'<textarea id="text" spellcheck="false" autocomplete="off" rows="24">{plain(text)}</textarea>'
        f'<div id="changes">{answer.get("changes", "")}</div></details>'
    )


def _start() -> str:
    cards = "".join(
        f'<li><a href="/problems/{plain(p.name)}"><strong>{plain(p.title)}</strong>'
        f"<span>{plain(p.description.strip())}</span></a></li>"
        for p in bundled()
    )
    body = (
        '<main id="main" class="start" tabindex="-1"><h1>handgrad lab</h1>'
        "<p>Change a number and every line follows: the forward pass, the backward pass, the picture, "
        "the gates and the loss. Choose a problem, or describe a network.</p>"
        '<form action="/new" class="new"><label for="like">A new network</label>'
        f'<input id="like" name="like" value="{LIKE}" spellcheck="false" autocomplete="off">'
        "<button>Open</button></form>"
        f'<ul class="cards">{cards}</ul></main>'
    )
    return _document("handgrad lab", body, None, scripted=False)
