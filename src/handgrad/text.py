"""Running text with formulas in it, and the small words that sentences are put together from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import TypeAlias, TypeVar

from handgrad.equations import source
from handgrad.expression import Adjoint, Call, Expression, Literal, Name, number

Inline: TypeAlias = str | Expression
"""A piece of running text, or a formula within it."""

Text: TypeAlias = tuple[Inline, ...]

T = TypeVar("T")


class Proportion(str):
    """How much of a whole, drawn as a bar; as text it is the bar in characters.

    Empty for nothing only, and full for everything only.
    """

    __slots__ = ("of_whole",)
    of_whole: float

    def __new__(cls, of_whole: float, columns: int = 8) -> Proportion:
        filled = round(columns * of_whole)
        if 0 < of_whole < 1:
            filled = min(max(filled, 1), columns - 1)
        proportion = super().__new__(cls, "█" * filled + "░" * (columns - filled))
        proportion.of_whole = of_whole
        return proportion


class Verbatim(str):
    """Words that are somebody else's, such as a place in code: what they hold of numbers names no step."""

    __slots__ = ()


RELATIONS = (" = ", " ≤ ", " < ", " > ")
"""Signs between a value and its number, as they stand in running text."""


def relates(text: Text, k: int) -> bool:
    """Whether a part is the sign of a relation between a name and a number, which stays on one line: L = 0.4096."""
    if not 0 < k < len(text) - 1 or text[k] not in RELATIONS:
        return False
    left, right = text[k - 1], text[k + 1]
    return isinstance(left, Name | Adjoint | Call) and (
        isinstance(right, Literal) and number(right) is not None
    )


def unbroken(text: Text) -> Text:
    """The text with blanks at which no line ends around the signs of short relations."""
    return tuple(
        part.replace(" ", "\u00a0") if isinstance(part, str) and relates(text, k) else part
        for k, part in enumerate(text)
    )


_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
)  # fmt: skip


def ordinal(position: int) -> str:
    """The position, counted from 0, in words as mathematics counts, from 1."""
    if position < len(_ORDINALS):
        return _ORDINALS[position]
    number = position + 1
    ending = (
        "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number}{ending}"


def joined(items: Sequence[Text], last: str = "and") -> Text:
    """Items as a list in a sentence: a, b and c."""
    parts: list[Inline] = []
    for position, item in enumerate(items):
        if position:
            parts.append(f" {last} " if position == len(items) - 1 else ", ")
        parts.extend(item)
    return tuple(parts)


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words as a list in a sentence: a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def all_of(count: int, noun: str) -> str:
    """All of several things: both cases, all 3 cases."""
    return f"both {noun}" if count == 2 else f"all {count} {noun}"


def few(items: Sequence[T], most: int, worded: Callable[[T], Text], least: str = "") -> Text:
    """The first of several in words, and how many more there are: a, b and 3 more; `least` stands before that number."""
    more = len(items) - most
    rest: list[Text] = [(f"{least}{more} more",)] if more > 0 else []
    return joined([*map(worded, items[:most]), *rest])


def cases_words(cases: Sequence[int], most: int = 8) -> str:
    """Cases, which count from 0, in words that count from 1: case 2; cases 1 and 3."""
    which = plain_text(few(cases, most, lambda case: (str(case + 1),)))
    return f"case{'s' if len(cases) > 1 else ''} {which}"


def filled(template: str, names: Mapping[str, Expression]) -> Text:
    """A sentence with names in the place of what stands in braces."""
    parts: list[Inline] = []
    for words, key, _, _ in Formatter().parse(template):
        parts += [words] if key is None else [words, names[key]]
    return tuple(parts)


def sentence(*parts: Inline) -> Text:
    """The parts with the first letter raised."""
    first = parts[0]
    if isinstance(first, str) and first:
        return (first[0].upper() + first[1:], *parts[1:])
    return parts


def plain_text(text: Text) -> str:
    """Running text with its formulas spelled as in equations; figures to 4 decimals."""
    return "".join(part if isinstance(part, str) else source(part, decimals=4) for part in text)
