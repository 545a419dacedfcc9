"""What is said of a class."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from typing import TYPE_CHECKING, Final

from handgrad.checking.quantities import Quantity
from handgrad.checking.report import Diagnosis, Verdict
from handgrad.checking.words import MISTAKES, SLIPS
from handgrad.grading.oddities import Oddity
from handgrad.text import Text, sentence

if TYPE_CHECKING:
    from handgrad.grading.class_report import Misconception

VERDICT_COUNTED: Final[Mapping[Verdict, str]] = {
    "right": "right",
    "consistent": "right, given what came before",
    "wrong": "wrong",
    "missing": "not entered",
}
"""How many sheets have a verdict, as the key of a chart says it."""

ODDITIES: Final[Mapping[Oddity, tuple[str, str]]] = {
    "file": ("1 file could not be read.", "{n} files could not be read."),
    "nameless": ("1 sheet does not say whose it is.", "{n} sheets do not say whose they are."),
    "stranger": (
        "1 sheet has an id to which no problem belongs.",
        "{n} sheets have ids to which no problem belongs.",
    ),
    "numbers": (
        "1 sheet is of a student whose problem cannot be used.",
        "{n} sheets are of students whose problems cannot be used.",
    ),
    "twice": (
        "1 sheet is the second of the same student; the first is graded.",
        "{n} sheets are second ones of the same students; the first of each is graded.",
    ),
    "empty": ("1 sheet is empty, and has 0 marks.", "{n} sheets are empty, and have 0 marks."),
    "part": (
        "1 thing in the sheets was not used; the rest of its sheet is graded.",
        "{n} things in the sheets were not used; the rest of their sheets is graded.",
    ),
}
"""How many oddities of a kind there are: one, or several."""


SLIPPED: Final[Mapping[str, str]] = {
    "scaled": "every entry is off by the same factor",
    "another_quantity": "these are the figures of another quantity",
}
"""Slips whose words in the table of the check are about one sheet."""


def oddity_text(oddity: Oddity, count: int) -> str:
    """How many oddities of a kind there are."""
    one, several = ODDITIES[oddity]
    return one if count == 1 else several.format(n=count)


def sheets(count: int) -> str:
    """A number of sheets."""
    return "1 sheet" if count == 1 else f"{count} sheets"


def percent(share: float) -> str:
    """A share of all, as people say it."""
    if share >= 0.01 or not share:
        return f"{floor(100 * share + 0.5)}\u00a0%"  # a half is rounded up, as by hand
    return f"{100 * share:.2f}\u00a0%"


def marks(value: float) -> str:
    """Marks, in as many figures as are of use."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def quantity_text(quantity: Quantity) -> Text:
    """What a quantity is called in a sentence."""
    return (
        (quantity.shown, " after the update") if quantity.phase == "update" else (quantity.shown,)
    )


def wording(diagnosis: Diagnosis) -> Text:
    """What was done, without the figures of the one student who slipped so."""
    words = SLIPPED.get(diagnosis.rule) or SLIPS.get(diagnosis.rule, "").partition(":")[0]
    return (words,) if words and diagnosis.rule not in MISTAKES else diagnosis.text


def told(misconception: Misconception) -> Text:
    """What was done, and whether that is all, or the same rule was broken with other quantities too."""
    text = wording(misconception.example.diagnosis)
    return text if misconception.worded == misconception.count else (*text, ", or the like")


def alike_text(misconception: Misconception) -> Text:
    """With which other mistakes it shares its figures, in sentences; empty where with none."""
    found: list[Text] = []
    for other in misconception.alike:
        on = "" if other.count == misconception.count else f"on {other.count} of them "
        said = "the same figures come of another mistake: "
        found.append(sentence(f"{on}{said}", *other.told, "."))
    return tuple(part for k, text in enumerate(found) for part in ((" ",) if k else ()) + text)
