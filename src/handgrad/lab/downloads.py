"""A page of the lab as a file: the same result by the same renderers as `handgrad solve -o`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from handgrad.discussion import questions
from handgrad.lab.documents import DOWNLOADS
from handgrad.lab.solving import solved
from handgrad.lab.view import View, text_of
from handgrad.options import one_of
from handgrad.saving import Settings, content


class File(NamedTuple):
    """A file to be saved: its name, its kind, its content."""

    name: str
    kind: str
    content: bytes


KINDS = {
    "toml": "application/toml",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "slides": "text/html; charset=utf-8",
    "ipynb": "application/x-ipynb+json",
    "py": "text/x-python; charset=utf-8",
}


def download(asked: Mapping[str, Any]) -> File:
    """The problem, or its solution, as a file.

    Arguments:
        asked: `text`, `view`, and `kind`: one of `DOWNLOADS`.

    Raises `HandgradError`.
    """
    text, view, kind = text_of(asked), View.read(asked.get("view")), asked.get("kind")
    one_of(kind, tuple(DOWNLOADS), "kind")
    assert isinstance(kind, str)
    made = text if kind == "toml" else _made(text, view, kind)
    name = (
        "solution-slides.html"
        if kind == "slides"
        else f"{'problem' if kind == 'toml' else 'solution'}.{kind}"
    )
    return File(name, KINDS[kind], made.encode() if isinstance(made, str) else made)


def _made(text: str, view: View, kind: str) -> str | bytes:
    trace = solved(text, view.carry, view.decimals)
    if kind == "py":
        return trace.program()
    report = trace.report(questions=lambda: questions(trace).to_discuss())
    if kind == "slides":
        return content(report, ".html", Settings(slides=True))
    return content(report, f".{kind}")
