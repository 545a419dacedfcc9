"""The page of an answer to why: the paths of a gradient, the terms of a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from handgrad.expression import ONE, Adjoint, Expression, Literal, Name, substitute
from handgrad.operations import noun_of
from handgrad.operations.operation import describe
from handgrad.page.blocks import (
    Block,
    Derivation,
    Heading,
    Note,
    Paragraph,
    Relation,
    without_repeats,
)
from handgrad.paths.counting import count_text
from handgrad.paths.structure import Blame, BlameKind, Entry, Factor, Path
from handgrad.paths.zeros import reason_of, zero_blocks
from handgrad.saving import Page
from handgrad.solution.rounding import rounding_said
from handgrad.text import Text

if TYPE_CHECKING:
    from handgrad.paths.answer import WhyGradient, WhyValue

SUMMED = 12
"""Products that are written out as one sum, at most."""


def gradient_page(why: WhyGradient, decimals: int) -> Page:
    """Why an entry of a gradient is what it is."""
    return _page(why, _gradient(why.entry), _gradient_blocks(why), why.loss, decimals)


def value_page(why: WhyValue, decimals: int) -> Page:
    """Why an entry of a value is what it is."""
    return _page(why, why.entry.formula, _value_blocks(why), why.problem.loss, decimals)


def _page(
    why: WhyGradient | WhyValue,
    asked: Expression,
    blocks: Sequence[Block],
    loss: str,
    decimals: int,
) -> Page:
    whole = (
        Heading(("Why ", asked, " = ", Literal(why.value)), 1),
        *blocks,
        *rounding_said(blocks, decimals),
    )
    return Page(
        title=f"Why {why.entry}",
        blocks=tuple(_Written(why.parts).block(block) for block in whole),
        decimals=decimals,
        display=why.problem.display,
        loss=loss,
    )


@dataclass(frozen=True, slots=True)
class _Written:
    """Writes the parts of equations that have names of their own as they stand in the equations."""

    parts: Mapping[str, Expression]

    def block(self, block: Block) -> Block:
        match block:
            case Heading() | Paragraph():
                return replace(block, text=self._text(block.text))
            case Note():
                derivations = tuple(map(self._derivation, block.derivations))
                return replace(block, text=self._text(block.text), derivations=derivations)
            case Derivation():
                return self._derivation(block)
            case _:
                return block

    def _derivation(self, derivation: Derivation) -> Derivation:
        return Derivation(tuple(map(self._relation, derivation.relations)))

    def _relation(self, relation: Relation) -> Relation:
        left = relation.left
        return replace(
            relation,
            left=None if left is None else self._formula(left),
            chain=tuple(map(self._formula, relation.chain)),
            label=self._text(relation.label),
        )

    def _text(self, text: Text) -> Text:
        return tuple(part if isinstance(part, str) else self._formula(part) for part in text)

    def _formula(self, formula: Expression) -> Expression:
        return substitute(formula, self._part)

    def _part(self, node: Expression) -> Expression | None:
        found = self.parts.get(node.name) if isinstance(node, Name) else None
        return None if found is None else self._formula(found)


def _gradient(entry: Entry) -> Expression:
    return Adjoint(entry.name, shape=()).entry(entry.index)


# -- a gradient: its paths -------------------------------------------------------------------------


def _gradient_blocks(why: WhyGradient) -> list[Block]:
    if not why.path_count:
        text: Text = ("No path leads from ", why.entry.formula, " to the loss.")
        return [Note("warning", text)]
    blocks: list[Block] = [Paragraph(_introduction(why))]
    told = _told(why.paths)
    for number, path in enumerate(told, start=1):
        blocks += _path(why, number, path)
    if sum(g.count for g in why.zeros) > sum(reason_of(path) is not None for path in told):
        blocks += zero_blocks(why.zeros, why.case_count)
    products = [Literal(p.product) for p in told if p.product]
    products += [Literal(0.0)] if len(products) < len(told) else []
    if _is_whole(why) and why.path_count > 1 and len(products) <= SUMMED:
        total: Expression = products[0]
        for product in products[1:]:
            total = total + product
        chain = without_repeats([total, Literal(why.value)])
        relation = Relation(_gradient(why.entry), chain, label=("together",))
        blocks.append(Derivation((relation,)))
    return blocks


def _is_whole(why: WhyGradient) -> bool:
    """Whether every path that is not 0 is among those that were found, which begin with the largest."""
    return len(why.paths) == why.path_count or not why.paths[-1].product


def _told(paths: Sequence[Path]) -> list[Path]:
    """The paths that are written out: of those that are 0 for one reason, the first."""
    told: list[Path] = []
    known: set[tuple[BlameKind, Entry, bool]] = set()
    for path in paths:
        reason = reason_of(path)
        if reason is None or reason not in known:
            told.append(path)
        if reason is not None:
            known.add(reason)
    return told


def _introduction(why: WhyGradient) -> Text:
    start, loss = why.entry.formula, Name(why.problem.loss)
    over = ""
    if why.case_count > 1:
        how = "averaged" if why.problem.reduction == "mean" else "added up"
        over = f", {how} over the {why.case_count} cases"
    text: Text = (
        "The sum over all paths from ", start, " to ", loss,
        f" of the product of the local derivatives on the way{over}.",
    )  # fmt: skip
    listed = len(why.paths)
    if why.path_count == 1:
        return (*text, " There is one path.")
    count = count_text(why.path_count)
    if not why.paths[0].product:
        return (*text, f" There are {count} paths, and each of them is 0.")
    if _is_whole(why):
        some = sum(bool(path.product) for path in why.paths)
        none = why.path_count - some
        if not none:
            return (*text, f" There are {count} paths, the largest first.")
        first = f"{some} that are not 0, the largest first" if some > 1 else "one that is not 0"
        rest = f"{count_text(none)} that are" if none > 1 else "one that is"
        return (*text, f" There are {count} paths: {first}, and {rest}.")
    return (
        *text,
        f" There are {count} paths; the {listed} largest are listed. They make up ",
        f"{_percent(why.covered)} of the total size of all paths.",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _path(why: WhyGradient, number: int, path: Path) -> list[Block]:
    arrows: list[str | Expression] = []
    for position, entry in enumerate(path.through):
        arrows += [" → "] * bool(position) + [entry.formula]
    where = f"  (case {path.case + 1} of {why.case_count})" if path.case is not None else ""
    if path.case is None and why.case_count > 1:
        where = "  (the same in every case)"
    head = Heading((f"Path {number}:  ", *arrows, where), 3)
    share: Expression | None = ONE / float(why.case_count) if path.share != 1 else None
    if path.share > 1:
        share = Literal(path.share)
    factors = [f for f in path.factors if f.formula != ONE] or list(path.factors[:1])
    chain: list[Expression] = []
    if all(f.formula is not None for f in factors):
        formulas = [f.formula for f in factors if f.formula is not None]
        chain.append(_product([*([share] if share is not None else []), *formulas]))
    numbers: list[Expression] = [Literal(f.value + 0.0) for f in factors]
    chain.append(_product([*([share] if share is not None else []), *numbers]))
    if not path.factors:
        chain = [ONE]
    result = Literal(path.product)
    first, *rest = without_repeats([*chain, result])
    relation = Relation(first, tuple(rest)) if rest else Relation(None, (first,))
    blocks: list[Block] = [head, Derivation((relation,))]
    if number == 1:
        blocks += [Note("info", _shortcut_text(f)) for f in path.factors if f.shortcut]
    blamed = [f for f in path.factors if f.blame is not None]
    zero = [f for f in blamed if f.value == 0]
    for factor in zero or blamed:
        assert factor.blame is not None
        effect = _effect(path) if factor is (zero or blamed)[-1] else ()
        text = (*blame_text(factor.blame, factor.value), *effect)
        blocks.append(Note("gate" if factor.blame.kind == "gate_shut" else "warning", text))
    return blocks


def _product(factors: list[Expression]) -> Expression:
    product = factors[0] if factors else ONE
    for factor in factors[1:]:
        call = product * factor
        product = replace(call, shape=())
    return product


def _shortcut_text(factor: Factor) -> Text:
    return (
        "The loss and the activation before it are taken as one: ",
        *([factor.formula] if factor.formula is not None else ["their derivative"]),
        " is one factor, from ", factor.of.formula, " straight to ", factor.by.formula, ".",
    )  # fmt: skip


def _effect(path: Path) -> Text:
    return (" That makes the product 0.",) if path.product == 0 else ()


def blame_text(blame: Blame, factor: float) -> Text:
    """What made a factor zero or tiny, in a sentence."""
    entry, value = blame.entry.formula, Literal(blame.value)
    place = f" (step {blame.step})" if blame.step else " (given)"
    match blame.kind:
        case "gate_shut":
            noun = noun_of(blame.operation)
            sign = " < 0" if blame.value < 0 else ""
            return (f"The gate of {noun} is shut: ", entry, " = ", value, sign, place, ", so its slope is 0.")  # fmt: skip
        case "saturated":
            noun = noun_of(blame.operation)
            return (f"{noun[0].upper()}{noun[1:]} is saturated at ", entry, " = ", value, place, ": its slope is ", Literal(factor), ".")  # fmt: skip
        case "value":
            return ("The factor ", entry, " is ", value, place, ".")
        case "slope":
            return ("On the way into ", entry, place, " the slope is ", Literal(factor), ".")


# -- a value: its terms ----------------------------------------------------------------------------


def _value_blocks(why: WhyValue) -> list[Block]:
    if why.given:
        node = why.problem.inputs[why.entry.name]
        kind = "a parameter" if why.entry.name in why.problem.parameters else "data"
        text: Text = (
            Name(why.entry.name), f" is given ({kind}, {describe(node.shape)}); nothing computes it.",
        )  # fmt: skip
        return [Paragraph(text)]
    blocks: list[Block] = []
    for link in why.links:
        chain = [link.formula, link.substituted, Literal(link.value)]
        chain = chain if link is why.links[-1] else [link.formula, Literal(link.value)]
        label: Text = (f"step {link.step}",) if link.step else ()
        relation = Relation(link.entry.formula, without_repeats(chain), label=label)
        blocks.append(Derivation((relation,)))
        if link.blame is not None and link.blame.kind == "gate_shut":
            noun = noun_of(link.blame.operation)
            text = (
                f"The gate of {noun} is shut: ", link.blame.entry.formula, " = ",
                Literal(link.blame.value), f" is not positive, so {noun} gives 0.",
            )  # fmt: skip
            blocks.append(Note("gate", text))
    if why.terms:
        blocks += _terms(why)
    return blocks


def _terms(why: WhyValue) -> list[Block]:
    listed = len(why.terms)
    text: Text
    if listed == why.term_count:
        text = ("Its terms, the largest first:",)
    else:
        text = (
            f"The {listed} largest of its {why.term_count} terms; they make up {_percent(why.covered)} of the total size of all terms:",
        )
    relations = []
    for term in why.terms:
        first, *rest = without_repeats([term.formula, term.substituted, Literal(term.product)])
        relations.append(Relation(first, tuple(rest)))
    blocks: list[Block] = [Paragraph(text), Derivation(tuple(relations))]
    for term in why.terms:
        if term.blame is not None:
            blocks.append(Note("info", blame_text(term.blame, term.blame.value)))
    return blocks
