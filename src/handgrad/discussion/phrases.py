"""Small pieces that the sentences of questions and answers share."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.operations import noun_of
from handgrad.text import Text, listed

LISTED = 6
"""The most things of one kind that are listed; the rest are counted."""


def cited(steps: Sequence[str]) -> str:
    """The steps in parentheses, with a space before; empty for none."""
    if not steps:
        return ""
    steps = tuple(dict.fromkeys(steps))
    return f" (step{'s' if len(steps) > 1 else ''} {listed(steps)})"


def count(number: int, noun: str) -> str:
    """A number of things: 1 unit, 2 units."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def sides(names: Sequence[str]) -> str:
    """Operations by their nouns, joined with "or"."""
    return listed([noun_of(n) for n in names], "or")


def raised(text: Text) -> Text:
    """A sentence with its first letter capitalised."""
    first, *rest = text
    return (first[:1].upper() + first[1:], *rest) if isinstance(first, str) else text


def in_case(case: int | None) -> Text:
    """ " in case 2" if there are several cases, otherwise nothing."""
    return (f" in case {case + 1}",) if case is not None else ()
