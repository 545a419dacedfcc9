"""The page of a verification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from handgrad.expression import Adjoint, Name
from handgrad.page.blocks import Block, Heading, Note, Table, Text
from handgrad.saving import Page
from handgrad.text import few, joined

if TYPE_CHECKING:
    from handgrad.verification.verifying import Verification

FEW = 4
"""Entries that are called by their names."""


def verification_page(verification: Verification) -> Page:
    """Every gradient beside the largest difference from each method, and a verdict."""
    methods = list(dict.fromkeys(c.method for c in verification.comparisons))
    names = list(dict.fromkeys(c.name for c in verification.comparisons))
    found = {(c.method, c.name): c for c in verification.comparisons}
    rows: list[tuple[Text, ...]] = []
    for name in names:
        cells: list[Text] = [(Adjoint(name),)]
        for method in methods:
            comparison = found[method, name]
            verdict = "" if comparison.agrees else "  WRONG"
            told = comparison.lost != "all"
            cells.append((f"{comparison.difference:.1e}{verdict}" if told else "–",))
        rows.append(tuple(cells))
    header: tuple[Text, ...] = (("gradient",), *((f"against {m}",) for m in methods))
    blocks: list[Block] = [Heading(("Verification",), 1)]
    for method in methods:
        largest = verification.largest(method)
        wrong = [c for c in verification.comparisons if c.method == method and not c.agrees]
        some = any(c.lost != "none" for c in verification.comparisons if c.method == method)
        every = "Every entry that can be compared" if some else "Every gradient"
        if not wrong:
            blocks.append(
                Note(
                    "check",
                    (f"{every} agrees with {method}; largest difference {largest:.1e}.",),
                )
            )
        for c in wrong:
            gradient = Adjoint(c.name)
            blocks.append(
                Note(
                    "warning",
                    (
                        gradient.entry(c.entry),
                        f" is {c.ours:.6g}, but {method} says {c.theirs:.6g}.",
                    ),
                )
            )
    caption = ("Largest relative difference",)
    blocks.append(Table(header, tuple(rows), "l" + "r" * len(methods), caption))
    comparisons = verification.comparisons
    for names, said, after in (
        (
            [c.name for c in comparisons if c.at_kink],
            "A number lies at a kink; any slope between those on its two sides is right for ",
            ".",
        ),
        (
            [c.name for c in comparisons if c.lost != "none"],
            "The loss is so large that its differences lose small gradients to rounding: entries of ",
            " were not compared.",
        ),
        (
            [c.name for c in comparisons if c.beside],
            "Several numbers lie at kinks at once, and the slopes taken there do not add up to the slope on "
            "either side for ",
            ": compared a hair beside, where nothing lies at a kink.",
        ),
        (
            [c.name for c in comparisons if c.cancels],
            "Numbers on the way cancel in double precision for ",
            ": compared with differences of the loss in many digits instead.",
        ),
    ):
        if names:
            each = joined([(Adjoint(n),) for n in dict.fromkeys(names)])
            blocks.append(Note("info", (said, *each, after)))
    blocks += [
        Note("info", (f"Not compared with {m}: {why}.",)) for m, why in verification.skipped.items()
    ]
    if places := verification.numbers_of_entries:
        said = "has no slope: it says" if len(places) == 1 else "have no slope: they say"
        each = joined([(Name(n),) for n in places])
        blocks.append(Note("info", (*each, f" {said} which entry or class is meant.")))
    for name, entries in verification.not_finite.items():
        blocks.append(Note("info", _undefined(Adjoint(name), entries)))
    return Page("Verification", tuple(blocks), display=verification.display, loss=verification.loss)


def _undefined(gradient: Adjoint, entries: Sequence[tuple[int, ...]]) -> Text:
    verb = "is" if len(entries) == 1 else "are"
    shown = few(entries, FEW, lambda entry: (gradient.entry(entry),))
    return (*shown, f" {verb} infinite or undefined: not compared.")
