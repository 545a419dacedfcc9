"""The reference of Python: every name of the front door, by room, from its docstring."""

from __future__ import annotations

import inspect
from typing import get_origin

import handgrad

TITLES = {
    "problem": "Problems",
    "models": "Models",
    "solution": "The worked solution",
    "checking": "Checking",
    "audit": "Gates",
    "paths": "Why",
    "unit": "One unit",
    "comparison": "Comparison",
    "discussion": "Questions",
    "exercises": "Practice",
    "drilling": "The drill",
    "grading": "Grading a class",
    "study": "Training",
    "watching": "Watching a loop of PyTorch",
    "verification": "Verification",
    "explaining": "The reference of the language",
    "running": "Running",
    "numbers": "Other numbers",
    "saving": "Pages and files",
    "errors": "Errors",
}
"""The rooms in the order of the page."""


def page() -> str:
    """The reference in Markdown, for Sphinx to fill in."""
    rooms: dict[str, list[str]] = {title: [] for title in TITLES.values()}
    for place, names in handgrad.CONTENTS.items():
        title = TITLES[place.partition(".")[0]]
        rooms[title] += [entry for name in names.split() if (entry := _entry(name))]
    return "\n".join(
        f"## {title}\n\n```{{eval-rst}}\n{''.join(entries)}```\n"
        for title, entries in rooms.items()
        if entries
    )


def _entry(name: str) -> str:
    """What autodoc is asked for; an alias of a type, such as `Level`, has no docstring of its own."""
    found = getattr(handgrad, name)
    if inspect.isclass(found) and get_origin(found) is None:
        if issubclass(found, BaseException):
            return f".. autoexception:: handgrad.{name}\n"
        return f".. autoclass:: handgrad.{name}\n   :members:\n"
    return f".. autofunction:: handgrad.{name}\n" if inspect.isfunction(found) else ""
