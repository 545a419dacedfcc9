"""Options that Python passes: one of some words, or a whole number in some range."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index

from handgrad.errors import OptionError, nearest


def one_of(value: object, choices: Sequence[str], where: str) -> None:
    """Raises `OptionError` unless a value is one of some words; `where` is what the option is called."""
    if value not in choices:
        text = str(value)[:40]
        mend = nearest(text, choices) or f"{', '.join(choices[:-1])} or {choices[-1]}"
        raise OptionError(f"there is no {text!r} to choose", where=where, mend=mend)


def whole_number(value: object, low: int, high: int, where: str) -> None:
    """Raises `OptionError` unless a value is a whole number from `low` to `high`."""
    try:
        number = low - 1 if isinstance(value, bool) else index(value)  # type: ignore[arg-type]
    except TypeError:
        number = low - 1
    if not low <= number <= high:
        raise OptionError(
            f"{str(value)[:40]} is not a whole number from {low} to {high}", where=where
        )
