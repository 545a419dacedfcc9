"""A deck of slides: goals, the network, what is given, the steps, questions, takeaways.

Short steps of a phase share a slide; a long one goes on over several. A picture of the layer that
a backward slide is about stands on it where there is room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from handgrad.expression import Adjoint, Literal, Name, walk
from handgrad.page.blocks import (
    Block,
    Columns,
    Derivation,
    Figure,
    Heading,
    Note,
    Paragraph,
    Relation,
    Table,
    Text,
)
from handgrad.page.portions import ROOM, SHOWN, SIZES, portions
from handgrad.page.sizes import BESIDE, EM, GAP, WIDTH
from handgrad.saving import Page
from handgrad.solution.page import PHASES, Phase, conventions, solution_page
from handgrad.solution.pictures.layered import Pictures
from handgrad.solution.pictures.network_layout import LARGE_EDGE, LARGEST
from handgrad.solution.reference import goals, quick_reference, recipe, shut_gates, takeaway_blocks
from handgrad.solution.step_words import once_more_from
from handgrad.solution.structure import Asked
from handgrad.text import plain_text

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace

FULL = ROOM + 1.3
"""How high running text may be reckoned: it is reckoned high, and a little smaller it still reads well."""

TALL = 6.0
"""A relation higher than this leaves out the line with the numbers put in."""

SHARES = (0.36, 0.42, 0.48, 0.54, 0.6, 0.66)
"""How much of the width the words may have beside a picture."""

INDENT = 3.0
"""What stands before the sides of a relation that is broken at its signs."""

POINTS, LEGIBLE = 18.0, 14.0
"""The size of a slide's text, and of the smallest letters of a picture on it, in points."""

READABLE = LEGIBLE / POINTS * EM / LARGE_EDGE
LEAST = LEGIBLE / POINTS * EM / LARGEST
"""A picture that would have to be smaller than this for its place is left out; and the plan of the
network, whose letters are larger."""


SPARSE = ROOM / 4
"""A slide with less on it takes a step from the one before it, where that has several."""


@dataclass(frozen=True, slots=True)
class _SlidePart:
    """What belongs under one title; `id` the step's, `short` that it may share a slide."""

    title: Text
    blocks: tuple[Block, ...]
    id: str = ""
    aside: Text = ()
    short: bool = True


def slides_page(
    trace: Trace,
    questions: Sequence[Asked] = (),
    *,
    only: Phase | None = None,
    step: str | None = None,
) -> Page:
    """The worked solution, or a part of it, as slides of 16:9.

    Arguments:
        trace: the worked solution.
        questions: what to discuss, each with the blocks of its answer; all are asked on one
            slide, and the answers stand on those after it.
        only: one phase alone.
        step: one step alone, by its number.

    Raises `OptionError` for a step, or a phase, that the solution does not have.
    """
    whole = only is None and step is None
    solution = solution_page(trace, only=only, step=step)
    pictures = Pictures(trace)
    blocks: list[Block] = []
    if not whole:
        heading = _cover(trace, only, step)
        blocks += [heading, Paragraph((conventions(trace),))]
    parts: list[_SlidePart] = []
    phase = PHASES[only] if only is not None else ""
    told = False
    for heading, body in _sections(solution.blocks):
        match heading.level:
            case 1:
                # In the middle of a slide no sign stands at a remark.
                said = [Paragraph(b.text) if isinstance(b, Note) else b for b in body]
                blocks += [heading, *said, Paragraph((conventions(trace),))]
                blocks += _slides("Today’s goals", goals(trace))
            case 2 if heading.text == ("Given",):
                blocks += _given(trace, pictures, body)
            case 2:
                summary = _as_values([b for b in body if isinstance(b, Table)])
                whole_summary = len(portions(summary)) == 1 and not any(
                    isinstance(b, Paragraph) for b in body
                )
                if whole_summary and parts and SIZES.total(summary) < SPARSE:
                    # By itself it would leave its slide empty.
                    parts.append(_SlidePart(("Gradient summary",), tuple(summary)))
                    whole_summary = False
                blocks += _composed(parts, pictures)
                parts = []
                phase = plain_text(heading.text)
                if phase == PHASES["backward"] and whole:
                    rule = _recipe(trace)
                    way_back = pictures.way_back if rule else None
                    beside = _beside(rule, way_back, LEAST) if way_back is not None else None
                    blocks += _slides("The recipe, at every layer", [beside] if beside else rule)
                if whole_summary:
                    blocks += _slides("Gradient summary", summary)
            case _:
                parts += _step(trace, pictures, heading, _without_cases(body, told), phase)
                told = told or _cases_told(body)
    blocks += _composed(parts, pictures)
    blocks += discussion(questions)
    if whole:
        blocks += _slides("Key takeaways", takeaway_blocks(trace), FULL)
    return replace(solution, blocks=tuple(blocks), layout="slides", largest=SHOWN)


def discussion(questions: Sequence[Asked]) -> list[Block]:
    """The questions on one slide, numbered, and a slide for each answer; none where there are none."""
    asked: list[Block] = []
    for position, (question, _) in enumerate(questions):
        asked += [Heading(question, 3, f"Q{position + 1}")]
    blocks = _slides("Discuss", asked)
    for position, (question, answer) in enumerate(questions):
        blocks += _slides("Answer", _answer(question, answer), FULL, f"Q{position + 1}")
    return blocks


def _answer(question: Text, answer: Sequence[Block]) -> Sequence[Block]:
    """An answer with its question, as much of it as stands on one slide: its words always.

    The workings and then the tables are left out where they do not fit; they are on the page that
    `handgrad questions` makes.
    """
    slim = [_slim(b) for b in answer]
    without = [b for b in slim if not isinstance(b, Derivation)]
    words = [b for b in without if not isinstance(b, Table)]
    asked = Paragraph(question)
    for blocks in ([asked, *slim], slim, [asked, *without], without, [asked, *words]):
        if SIZES.total(blocks) <= FULL:
            return blocks
    return words


def _cover(trace: Trace, only: Phase | None, step: str | None) -> Heading:
    name = trace.problem.title or "Worked solution"
    if step is not None:
        return Heading((f"{name}: step {step}",), 1)
    return Heading((f"{name}: {PHASES[only].lower() if only else ''}",), 1)


def _sections(blocks: Sequence[Block]) -> list[tuple[Heading, list[Block]]]:
    """The blocks under each heading."""
    sections: list[tuple[Heading, list[Block]]] = []
    for block in blocks:
        if isinstance(block, Heading):
            sections.append((block, []))
        elif sections:
            sections[-1][1].append(block)
    return sections


def _slides(
    title: Text | str, blocks: Sequence[Block], room: float = ROOM, step: str = "", aside: Text = ()
) -> list[Block]:
    """Blocks under one title, on as many slides as they take; none where there are none."""
    text: Text = (title,) if isinstance(title, str) else title
    parts = portions(blocks, room)
    slides: list[Block] = []
    for position, part in enumerate(parts):
        count: Text = (f" ({position + 1}\u00a0of\u00a0{len(parts)})",) if len(parts) > 1 else ()
        slides += [Heading((*text, *count), 2, step, aside), *part]
    return slides


def _slim(block: Block) -> Block:
    """A block with the numbers put in left out of the relations that they would make too tall."""
    if isinstance(block, Derivation):
        relations = tuple(map(_slim_relation, block.relations))
        if SIZES.height(Derivation(relations)) > ROOM:
            # Of one case it is shown, and their mean: the matrices of all of them are on the page.
            relations = tuple(r for r in relations if not _is_of_matrices(r)) or relations
        return Derivation(relations)
    if isinstance(block, Note) and block.derivations:
        slim = tuple(Derivation(tuple(map(_slim_relation, d.relations))) for d in block.derivations)
        return replace(block, derivations=slim)
    return block


def _cases_told(blocks: Sequence[Block]) -> bool:
    """Whether they say how a parameter's gradient comes about in one case."""
    return any(_is_of_case(r) for b in blocks if isinstance(b, Derivation) for r in b.relations)


def _without_cases(blocks: Sequence[Block], told: bool) -> list[Block]:
    """The blocks without the single case, where it was told before and would take a slide more."""
    if not told or SIZES.total(blocks) <= ROOM:
        return list(blocks)
    return [
        Derivation(tuple(r for r in b.relations if not _is_of_case(r)) or b.relations)
        if isinstance(b, Derivation)
        else b
        for b in blocks
    ]


def _is_of_case(relation: Relation) -> bool:
    """Whether it is of a gradient in single cases, which is not yet the mean or the sum over them."""
    return isinstance(relation.left, Adjoint) and bool(relation.left.of) and _is_large(relation)


def _is_large(relation: Relation) -> bool:
    """Whether it comes to more than a slide shows whole."""
    result = relation.chain[-1] if relation.chain else None
    return isinstance(result, Literal) and max(result.shape, default=0) > SHOWN


def _is_of_matrices(relation: Relation) -> bool:
    """Whether it comes to a matrix for each case."""
    result = relation.chain[-1] if relation.chain else None
    matrices = isinstance(result, Literal) and result.batched and len(result.shape) == 2
    return matrices and _is_large(relation)


def _slim_relation(relation: Relation) -> Relation:
    if len(relation.chain) > 2 and SIZES.height(Derivation((relation,))) > TALL:
        return replace(relation, chain=(relation.chain[0], relation.chain[-1]))
    return relation


def _recipe(trace: Trace) -> list[Block]:
    """The recipe on one slide, without its words where they would take another: each step has them."""
    blocks = recipe(trace)
    if SIZES.total(blocks) <= ROOM:
        return blocks
    return [b for b in blocks if not isinstance(b, Paragraph)]


def _as_values(tables: Sequence[Table]) -> list[Block]:
    """The gradients of the summary, beside each other; none where some stand in their steps alone."""
    rows = [
        (row[0][0], row[2][0], table.marks(2, row[2])) for table in tables for row in table.rows
    ]
    relations = [
        Relation(name, (value,), marks)
        for name, value, marks in rows
        if not isinstance(name, str) and not isinstance(value, str)
    ]
    return [Derivation(tuple(relations))] if rows and len(relations) == len(rows) else []


# -- before the steps -----------------------------------------------------------------------


def _given(trace: Trace, pictures: Pictures, body: Sequence[Block]) -> list[Block]:
    """The equations with the picture, the numbers, and the rules they call for."""
    equations, *numbers = body
    figure = pictures.plan
    blocks: list[Block] = []
    values = [r for b in numbers if isinstance(b, Derivation) for r in b.relations]
    few = [Derivation(tuple(values))] if values else []
    if few and SIZES.total(few) < SPARSE and (beside := _beside([equations, *few], figure, LEAST)):
        # By themselves they would leave their slide empty.
        blocks += _slides("The network", [beside])
        values = []
    elif (beside := _beside([equations], figure, LEAST)) is not None:
        blocks += _slides("The network", [beside])
    else:
        blocks += _slides("The network", [equations])
        blocks += _slides("The network as a picture", [figure])
    parts = [_SlidePart(("Given",), (Derivation(tuple(values)),))] if values else []
    if reference := quick_reference(trace):
        parts.append(_SlidePart(("Quick reference",), tuple(reference)))
    return blocks + _composed(parts)


# -- steps ----------------------------------------------------------------------------------


def _step(
    trace: Trace, pictures: Pictures, heading: Heading, body: Sequence[Block], phase: str
) -> list[_SlidePart]:
    """A step; what is first said of gates that are shut on the way back has a slide of its own."""
    aside: Text = (phase, *((", ", *heading.aside) if heading.aside else ()))
    step = trace.step(heading.id)
    if step is not None and step.kind == "loss_after":
        body = _ended(body)
    blocks = tuple(map(_slim, body))
    shut = shut_gates(step) if step is not None else []
    gates = tuple(b for b in blocks if _tells_gates(b))
    if step is None or not shut or step.id != pictures.first_shut or not gates:
        return [_SlidePart(heading.text, blocks, heading.id, aside)]
    first, *helps = shut
    words = (first, *(b for b in gates if not isinstance(b, Table)), *helps)
    maps = tuple(b for b in gates if isinstance(b, Table))
    figure = pictures.of(step)
    told: tuple[Block, ...] = (*words, *maps)
    if maps:
        told = _tables_beside(told)
    elif figure is not None and (beside := _beside(told, figure)) is not None:
        told = (beside,)
    rest = tuple(b for b in blocks if b not in gates)
    return [
        _SlidePart(heading.text, rest, heading.id, aside),
        _SlidePart(("Shut gates, and how units die",), told, aside=aside, short=False),
    ]


def _ended(body: Sequence[Block]) -> list[Block]:
    """A forward pass made again: its end, and where that begins."""
    ended = [_end(b) if isinstance(b, Derivation) else b for b in body]
    cut = next((b for a, b in zip(body, ended, strict=True) if a != b), None)
    first = cut.relations[0].left if isinstance(cut, Derivation) else None
    if not isinstance(first, Name):
        return ended
    # The paragraph says why the step is done.
    return [Paragraph(once_more_from(first)) if isinstance(b, Paragraph) else b for b in ended]


def _end(derivation: Derivation) -> Derivation:
    """Its last relation, and those just before it that have no arrays: the rest is on the page."""
    end = list(derivation.relations[-1:])
    for relation in reversed(derivation.relations[:-1]):
        numbers = [n for side in relation.chain for n in walk(side) if isinstance(n, Literal)]
        if any(np.ndim(n.value) for n in numbers):
            break
        end.insert(0, relation)
    return Derivation(tuple(end))


def _tells_gates(block: Block) -> bool:
    return (isinstance(block, Note) and block.kind == "gate") or isinstance(block, Table)


def _composed(parts: Sequence[_SlidePart], pictures: Pictures | None = None) -> list[Block]:
    """Parts on slides, short ones together; a picture beside or below where there is room for it."""
    groups: list[list[_SlidePart]] = []
    for part in parts:
        last = groups[-1] if groups else []
        joins = last and part.short and last[-1].short
        # A step joins the one before it where that takes no slide more.
        if joins and len(portions(_joined([*last, part]))) == len(portions(_joined(last))):
            last.append(part)
        else:
            groups.append([part])
    for before, group in pairwise(groups):
        if len(before) > 1 and group[0].short and SIZES.total(_joined(group)) < SPARSE:
            group.insert(0, before.pop())
    blocks: list[Block] = []
    for group in groups:
        first, body = group[0], _joined(group)
        if len(group) == 1 and SIZES.total(body) > ROOM:
            body = list(_tables_beside(body))
        if SIZES.total(body) <= ROOM:
            if pictures is not None and first.short:
                body = _pictured(body, pictures, first.id)
            blocks += [Heading(first.title, 2, first.id, first.aside), *body]
        else:
            blocks += _slides(first.title, body, step=first.id, aside=first.aside)
    return blocks


def _tables_beside(body: Sequence[Block]) -> tuple[Block, ...]:
    """Blocks with their tables at the right, where that puts them on one slide."""
    tables = tuple(b for b in body if isinstance(b, Table))
    rest = tuple(b for b in body if not isinstance(b, Table))
    if not tables or not rest:
        return tuple(body)
    right = SIZES.widest(tables) + 1
    left = WIDTH - BESIDE - right
    if left < WIDTH / 3 or max(SIZES.total(rest, left), SIZES.total(tables, right)) > ROOM:
        return tuple(body)
    return (Columns((rest, tables), (left, right)),)


def _joined(parts: Sequence[_SlidePart]) -> list[Block]:
    """What stands on a slide that several parts share: each but the first has its title within."""
    body: list[Block] = []
    for part in parts:
        body += [Heading(part.title, 3, part.id, part.aside)] if part is not parts[0] else []
        body += part.blocks
    return body


def _pictured(body: list[Block], pictures: Pictures, step: str) -> list[Block]:
    """A slide's blocks with the picture of the layer that its step is about, where it fits."""
    figure = pictures.next_of(step)
    if figure is None:
        return body
    if (beside := _beside(body, figure)) is not None:
        pictures.shown(step)
        return [beside]
    room = ROOM - SIZES.total(body)
    natural = SIZES.figure_size(figure, WIDTH)
    factor = min(1.0, natural[0], natural[0] * (room - GAP - 3) / max(natural[1] - 3, 1))
    if factor >= READABLE:
        pictures.shown(step)
        return [*body, replace(figure, scale=factor)]
    return body


def _beside(body: Sequence[Block], figure: Figure, least: float = READABLE) -> Columns | None:
    """Blocks with a picture at their right, each as wide as suits both; None where there is no room."""
    sides = [
        SIZES.extent(e)[0]
        for b in body
        if isinstance(b, Derivation)
        for r in b.relations
        for e in r.chain
    ]
    best: tuple[float, Columns] | None = None
    for share in SHARES:
        left, right = share * (WIDTH - BESIDE), (1 - share) * (WIDTH - BESIDE)
        factor, high = SIZES.figure_size(figure, right)
        # No higher than the slide, its caption included.
        factor = min(factor, factor * (ROOM - 3) / max(high - 3, 1))
        if factor < least or (best is not None and factor <= best[0]):
            continue
        if SIZES.total(body, left) <= ROOM and max(sides, default=0.0) <= left - INDENT:
            scaled = replace(figure, scale=factor)
            best = factor, Columns((tuple(body), (scaled,)), (share, 1 - share))
    return best[1] if best is not None else None
