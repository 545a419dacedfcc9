"""The page of an operation's reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad.expression import Name
from handgrad.operations.frameworks import FRAMEWORKS
from handgrad.page.blocks import Block, Derivation, Heading, Note, Paragraph, Relation, Table, Text
from handgrad.saving import Page

if TYPE_CHECKING:
    from handgrad.explaining.explanation import Explanation


def explanation_page(explanation: Explanation) -> Page:
    """What it computes, the pull-backs, its options and spellings, and its kinks."""
    name = explanation.name
    blocks: list[Block] = [Heading((name,), 1), Paragraph((explanation.computes,))]
    if explanation.call is not None:
        blocks.append(Derivation((Relation(Name("r"), (explanation.call,)),)))
    if explanation.arrays:
        blocks.append(Paragraph((explanation.arrays,)))
    if explanation.pullbacks:
        blocks += [Heading(("Pull-back",), 2), Paragraph((explanation.gradient,))]
        relations = tuple(Relation(p.argument, (p.formula,)) for p in explanation.pullbacks)
        blocks.append(Derivation(relations))
    if explanation.options or explanation.spellings:
        blocks += [Heading(("In equations",), 2), *_spelled(explanation)]
    if explanation.domain or explanation.kinks:
        blocks.append(Heading(("Where it is special",), 2))
        blocks += [Note("info", (f"{words}.",)) for words in explanation.domain]
        blocks += [Note("info", (f"Kink: {words}.",)) for words in explanation.kinks]
    if explanation.at_kinks:
        blocks.append(_elsewhere(explanation))
    return Page(f"{name}: reference", tuple(blocks))


def _spelled(explanation: Explanation) -> list[Block]:
    blocks: list[Block] = []
    if explanation.spellings:
        blocks.append(Paragraph((f"Also written {', '.join(explanation.spellings)}.",)))
    if explanation.options:
        rows: list[tuple[Text, ...]] = []
        for name, value in explanation.options.items():
            place = (
                "by its name or after the arguments"
                if name in explanation.positional
                else "in quotes before the arguments"
                if name == explanation.heading
                else "by its name"
            )
            rows.append(((name,), (value,), (place,)))
        header: tuple[Text, ...] = (("option",), ("default",), ("given",))
        blocks.append(Table(header, tuple(rows), "lll"))
    return blocks


def _elsewhere(explanation: Explanation) -> Table:
    header: tuple[Text, ...] = (("at the kink",), *((f,) for f in FRAMEWORKS))
    rows = tuple(
        ((row.at,), *((row.slopes.get(f, ""),) for f in FRAMEWORKS)) for row in explanation.at_kinks
    )
    return Table(header, rows, "l" * len(header), ("The slope that is taken there.",))
