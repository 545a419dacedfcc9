"""The page of one unit: its row forward, the gradient back, its own parameters, their update."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from handgrad.equations import places_of
from handgrad.expression import Literal, Name, leaves
from handgrad.operations import noun_of
from handgrad.page.blocks import (
    Block,
    Derivation,
    Heading,
    Layout,
    Note,
    Paragraph,
    Relation,
    Table,
)
from handgrad.page.portions import SHOWN, portions
from handgrad.problem.page import origin
from handgrad.saving import Page
from handgrad.solution.rounding import rounding_said, rounding_words
from handgrad.solution.sum_blocks import SumBlocks
from handgrad.text import Text, Verbatim, all_of, joined
from handgrad.unit.structure import OwnGradient

if TYPE_CHECKING:
    from handgrad.unit.answer import UnitSolution


def unit_page(unit: UnitSolution, decimals: int, layout: Layout = "document") -> Page:
    """The worked solution of one unit."""
    told = _Told(unit, decimals)
    blocks = tuple(told.blocks())
    return Page(
        title=f"Unit {unit.asked}",
        blocks=_as_slides(blocks) if layout == "slides" else blocks,
        decimals=decimals,
        display={**_letters(unit), **unit.problem.display},
        loss=unit.loss,
        losses=unit.losses,
        layout=layout,
        largest=SHOWN if layout == "slides" else None,
    )


def _letters(unit: UnitSolution) -> dict[str, str]:
    """What parts of equations are called, of which the problem says only what they are: z, or z₁ and z₂."""
    names = [*unit.problem.inputs, *(e.target for e in unit.problem.equations)]
    free = (c for c in "zasrqt" if not any(n.startswith(c) for n in names))
    letter = next(free, "part")
    several = len(unit.parts) > 1
    return {name: f"{letter}_{k}" if several else letter for k, name in enumerate(unit.parts, 1)}


def _as_slides(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks on slides of 16:9, as many under each heading as they take."""
    slides: list[Block] = []
    for heading, body in _sections(blocks):
        parts = portions(body) or ((),)
        for position, part in enumerate(parts):
            first = heading.level == 1 and not position
            count: Text = (f" ({position + 1} of {len(parts)})",) if len(parts) > 1 else ()
            text = heading.text if first else (*heading.text, *count)
            slides += [replace(heading, text=text, level=1 if first else 2), *part]
    return tuple(slides)


def _sections(blocks: Sequence[Block]) -> list[tuple[Heading, list[Block]]]:
    sections: list[tuple[Heading, list[Block]]] = []
    for block in blocks:
        if isinstance(block, Heading):
            sections.append((block, []))
        else:
            sections[-1][1].append(block)
    return sections


class _Told:
    """Tells one unit in blocks.

    Arguments:
        unit: what there is to tell.
        decimals: digits shown after the point.
    """

    def __init__(self, unit: UnitSolution, decimals: int) -> None:
        self.unit = unit
        self.decimals = decimals
        self.told = SumBlocks(unit.parts, unit.problem.reduction)

    def blocks(self) -> Iterator[Block]:
        unit = self.unit
        yield Heading(("The unit ", self.told.written(unit.value)), 1)
        yield Paragraph(self._introduction())
        yield from map(Paragraph, origin(unit.problem))
        if unit.own:
            yield Paragraph(self._parameters())
        worked = [*self._worked()]
        yield from self._rounding(worked)
        yield from worked

    def _worked(self) -> Iterator[Block]:
        """The row itself, in the order of the passes."""
        unit = self.unit
        yield Heading(("Forward",), 2)
        for line in unit.forward:
            yield from self.told.line(line)
        if self._is_shut():
            noun = noun_of(unit.activation)
            z = (self.told.written(unit.pre_activation), " = ", Literal(self._pre()))
            yield Note("gate", (f"The gate of {noun} is shut: ", *z, f" is not positive, so {noun} gives 0."))  # fmt: skip
        yield Heading(("Backward",), 2)
        if unit.value == Name(unit.problem.loss):
            yield Paragraph(("It is the loss itself: its own gradient is 1.",))
        elif not unit.arriving:
            text: Text = ("No gradient arrives at ", self.told.written(unit.value), ".")  # fmt: skip
            yield Note("warning", text)
        yield from self._called()
        for line in (*unit.arriving, *unit.passing):
            yield from self.told.line(line)
        if self._is_shut() and unit.arriving:
            yield Note("gate", self._stopped())
        if unit.own and unit.example:
            yield Heading(("The gradients of its own parameters",), 2)
            yield from self._gradients()
        if unit.updates:
            yield Heading(("Update",), 2)
            yield Derivation(tuple(self.told.relation(line) for line in unit.updates))

    # -- words -----------------------------------------------------------------------------------

    def _called(self) -> Iterator[Block]:
        """What the parts of equations are, whose gradients stand here by a letter."""
        unit = self.unit
        used = {x.name for line in (*unit.arriving, *unit.passing) for x in leaves(line.target)}
        said = [(Name(n), " stands for ", f) for n, f in unit.parts.items() if n in used]
        if said:
            yield Paragraph(("Here ", *joined(said), "."))

    def _introduction(self) -> Text:
        """What is worked, and where a model's code computes it."""
        names = {leaf.name for line in self.unit.forward for leaf in leaves(line.target)}
        code = places_of(self.unit.problem.equations, names)
        computed: Text = (" It is computed in ", Verbatim(code), ".") if code else ()
        return (*self._what_is_worked(), *computed)

    def _what_is_worked(self) -> Text:
        unit = self.unit
        words: Text = ()
        if unit.fired is not None and unit.fired.places > 1:
            where = f"{unit.fired.kind}s"
            preposition = "at" if unit.fired.kind == "position" else "in"
            share = {0: "none of its", unit.fired.places: "all"}
            open_ = f"{share.get(unit.fired.open, f'{unit.fired.open} of its')} {unit.fired.places} {where}"
            words = (f"Its gate is open {preposition} {open_}. ",)
        why = {
            "asked": "",
            "gradient": ", where the largest gradient passes it",
            "value": ", where its value is largest; no gradient passes it anywhere",
        }[unit.chosen]
        if unit.activation and unit.chosen == "value":
            why = ", where what its activation is applied to is largest; no gradient passes it anywhere"
        if unit.chosen == "asked" and unit.case is None:
            return (*words, "Its own row is worked here, forward and backward.")
        case = f" in case {unit.case + 1}" if unit.case is not None else ""
        return (*words, "It is worked at ", self.told.written(unit.value), f"{case}{why}.")

    def _parameters(self) -> Text:
        count = sum(own.count for own in self.unit.own)
        if count == 1:
            return (
                "One parameter is its own: ",
                self.told.written(self.unit.own[0].entries[0].entry),
                ".",
            )
        each = joined([(f"{own.count} of ", Name(own.parameter)) for own in self.unit.own])
        return (f"{count} parameters are its own: ", *each, ".")

    def _rounding(self, blocks: Sequence[Block]) -> list[Block]:
        """That figures are rounded, and sums therefore not those of the figures, where it is so."""
        cells = [p for b in blocks if isinstance(b, Table) for r in b.rows for c in r for p in c]
        relations = tuple(Relation(None, (p,)) for p in cells if not isinstance(p, str))
        if not rounding_said([*blocks, Derivation(relations)], self.decimals):
            return []
        sums = any(line.count > 1 for line in (*self.unit.forward, *self.unit.arriving, *self.unit.example))  # fmt: skip
        more = " So a sum may differ in its last digits from that of the figures shown."
        return [Paragraph((f"{rounding_words(self.decimals)}{more * sums}",))]

    def _is_shut(self) -> bool:
        return self.unit.fired is not None and not self.unit.fired.here

    def _pre(self) -> float:
        """The number that the activation is applied to."""
        pre = self.unit.pre_activation
        return next(line.value for line in self.unit.forward if line.target == pre)

    def _stopped(self) -> Text:
        arrives = self.unit.arriving[-1].value
        noun = noun_of(self.unit.activation)
        if not arrives:
            return (f"The gate of {noun} is shut, and what arrives at it is 0.",)
        return (f"The gate of {noun} is shut: it stops a gradient of size ", Literal(abs(arrives)), ".")  # fmt: skip

    # -- its own parameters ----------------------------------------------------------------------

    def _gradients(self) -> Iterator[Block]:
        moved = any(e.updated is not None for own in self.unit.own for e in own.entries)
        header: tuple[Text, ...] = (("parameter",), ("value",), ("gradient",))
        header += ((("after the update"),),) if moved else ()
        rows: list[tuple[Text, ...]] = []
        for own in self.unit.own:
            for each in own.entries:
                row: tuple[Text, ...] = (
                    (self.told.written(each.entry),), (Literal(each.value),), (Literal(each.gradient),)
                )  # fmt: skip
                if moved:
                    row += ((Literal(each.updated),) if each.updated is not None else ("",),)
                rows.append(row)
            left = own.count - len(own.entries)
            if left:
                others: Text = (f"the other {left} of ", Name(own.parameter))
                row = (others, ("",), ("norm ", Literal(own.rest_norm)))
                rows.append((*row, ("",)) if moved else row)
        caption = f"Its own parameters{_order(self.unit.own)}"
        yield Table(header, tuple(rows), "lrrr"[: len(header)], (caption,))
        for own in self.unit.own:
            if own.count > 1 and own.zeros:
                yield Note("info", self._zeros(own))
        for line in self.unit.example:
            yield from self.told.line(line)

    def _zeros(self, own: OwnGradient) -> Text:
        which = f"{own.zeros} of the {own.count} entries"
        if own.zeros == own.count:
            which = all_of(own.count, "entries").capitalize()
        have = "has" if own.zeros == 1 else "have"
        return (f"{which} of ", Name(own.parameter), f" that are its own {have} a gradient of 0.")


def _order(own: Sequence[OwnGradient]) -> str:
    """In which order a unit's own parameters are listed, where there are several."""
    sizes = [[abs(entry.gradient) for entry in each.entries] for each in own]
    if sum(map(len, sizes)) < 2:
        return ""
    asked = any(each and each[0] < max(each) for each in sizes)
    several = "those of each with " if len(own) > 1 else "those with "
    return f", {'the one asked for and then ' if asked else ''}{several}the largest gradients first"
