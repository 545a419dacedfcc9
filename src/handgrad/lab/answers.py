"""What the lab can be asked, by name, and each answer as a response: in the process that works it out.

An answer is a pure function of what is asked. What a user has got wrong is answered with one clear message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from handgrad.errors import HandgradError, OptionError, printable
from handgrad.lab.descending import descend_answer
from handgrad.lab.documents import (
    bundled_document,
    new_document,
    shared_document,
    start_document,
    wrong_document,
)
from handgrad.lab.downloads import download
from handgrad.lab.looking import sweep_answer, why_answer
from handgrad.lab.pages import page_answer
from handgrad.lab.predicting import check_answer, predict_answer
from handgrad.lab.restructuring import restructure_answer
from handgrad.lab.sharing import code_answer

Asked: TypeAlias = Mapping[str, Any]


class Answer(NamedTuple):
    """A response: its status, its kind, its content, and a name to save it under, where it is a file."""

    status: int
    kind: str
    content: bytes
    file: str = ""


JSON, HTML = "application/json", "text/html; charset=utf-8"

ANSWERS: dict[str, Callable[[Asked], dict[str, Any]]] = {
    "page": page_answer,
    "why": why_answer,
    "sweep": sweep_answer,
    "descend": descend_answer,
    "predict": predict_answer,
    "check": check_answer,
    "restructure": restructure_answer,
    "code": code_answer,
}
"""What is asked with an object and answered with one."""

DOWNLOAD = "download"
"""What is asked with an object and answered with a file."""

DOCUMENTS: dict[str, Callable[[Asked], str]] = {
    "start": start_document,
    "bundled": bundled_document,
    "new": new_document,
    "lab": shared_document,
}
"""Whole documents, for the address line."""


def answered(name: str, asked: Asked) -> Answer:
    """The answer of this name. No exception leaves it."""
    try:
        if name in DOCUMENTS:
            return Answer(200, HTML, DOCUMENTS[name](asked).encode())
        if name == DOWNLOAD:
            file = download(asked)
            return Answer(200, file.kind, file.content, file.name)
        return Answer(200, JSON, json.dumps(ANSWERS[name](asked), allow_nan=False).encode())
    except HandgradError as error:
        if name in DOCUMENTS:
            return Answer(404 if name == "bundled" else 422, HTML, wrong_document(error).encode())
        return _wrong(422, error, asked)
    except (MemoryError, RecursionError):
        return _wrong(422, OptionError("the problem is too large for the lab"), asked)
    except Exception as error:
        # What was typed is repeated nowhere but in the answer to whoever typed it.
        fault = OptionError(f"a fault of handgrad itself: {type(error).__name__}")
        return _wrong(500, fault, asked)


def _wrong(status: int, error: HandgradError, asked: Asked) -> Answer:
    text = asked.get("text")
    span = place_of(error, text) if isinstance(text, str) else None
    return Answer(status, JSON, json.dumps({"error": error_object(error, span)}).encode())


def error_object(error: HandgradError, span: tuple[int, int] | None) -> dict[str, Any]:
    """An error as the page shows it: what, where, the line with its span, the mend."""
    return {
        "text": printable(str(error)),
        "what": printable(error.what),
        "where": printable(error.where),
        "mend": printable(error.mend),
        "span": span,
    }


_LINE = re.compile(r"at line (\d+), column (\d+)")


def place_of(error: HandgradError, text: str) -> tuple[int, int] | None:
    """Where in the text an error is, as browsers count; None where it is not said."""
    found = _LINE.search(error.what)
    if found:
        lines = text.split("\n")[: int(found[1])]
        start = sum(len(line) + 1 for line in lines[:-1]) + int(found[2]) - 1
        return _units(text, start, start + 1)
    source = error.source.strip()
    at = text.find(source) if source else -1
    if at < 0:
        return None
    if error.span is None:
        return _units(text, at, at + len(source))
    blanks = len(error.source) - len(error.source.lstrip())
    return _units(text, at + error.span.start - blanks, at + error.span.stop - blanks)


def _units(text: str, start: int, stop: int) -> tuple[int, int]:
    def units(position: int) -> int:
        return len(text[:position].encode("utf-16-le", "surrogatepass")) // 2

    return units(max(start, 0)), units(max(stop, 0))
