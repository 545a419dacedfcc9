"""A deck of slides: goals, the network, what is given, a step a slide, questions, takeaways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handgrad.explain import plain_text
from handgrad.page.blocks import (
    Block,
    Figure,
    Heading,
    Note,
    Page,
    Paragraph,
    Table,
    Text,
)
from handgrad.page.portions import ROOM, portions
from handgrad.page.reference import goals, quick_reference, recipe, shut_gates, takeaways
from handgrad.page.solution import PHASES, conventions, solution_page
from handgrad.trace import Trace


def slides_page(trace: Trace, questions: Sequence[tuple[Text, tuple[Block, ...]]] = ()) -> Page:
    """The worked solution as slides of 16:9.

    Arguments:
        questions: what to discuss, each with the blocks of its answer; the answer stands on
            the slides after its question.
    """
    solution = solution_page(trace)
    blocks: list[Block] = []
    phase = ""
    for heading, body in _sections(solution.blocks):
        match heading.level:
            case 1:
                blocks += [heading, *body, Paragraph((conventions(trace),))]
                blocks += _slides("Today’s goals", goals(trace))
            case 2 if heading.text == ("Given",):
                blocks += _given(trace, body)
            case 2:
                phase = plain_text(heading.text)
                if phase == PHASES["backward"]:
                    blocks += _slides("The recipe, at every layer", recipe(trace))
                tables = [replace(b, caption=()) for b in body if isinstance(b, Table)]
                blocks += _slides("Gradient summary", tables)
            case _:
                blocks += _step(trace, heading, body, phase)
    blocks += _discussion(questions)
    blocks += _slides("Key takeaways", takeaways(trace))
    return replace(solution, blocks=tuple(blocks), layout="slides")


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
        count: Text = (f" ({position + 1} of {len(parts)})",) if len(parts) > 1 else ()
        slides += [Heading((*text, *count), 2, step, aside), *part]
    return slides


def _given(trace: Trace, body: Sequence[Block]) -> list[Block]:
    """The equations, the pictures, the numbers, and the rules they call for."""
    pictures = [b for b in body if isinstance(b, Figure)]
    equations, *numbers = [b for b in body if not isinstance(b, Figure)]
    blocks = _slides("The network", [equations])
    for picture in pictures:
        blocks += _slides("The network as a picture", [picture])
    blocks += _slides("Given", numbers)
    return blocks + _slides("Quick reference", quick_reference(trace))


def _step(trace: Trace, heading: Heading, body: Sequence[Block], phase: str) -> list[Block]:
    """A step's slides; what is said of gates that are shut on the way back has one of its own."""
    aside: Text = (phase, *((", ", *heading.aside) if heading.aside else ()))
    step = trace.step(heading.id)
    shut = shut_gates(step) if step is not None else []
    if not shut:
        return _slides(heading.text, body, step=heading.id, aside=aside)
    gates = [b for b in body if isinstance(b, Note) and b.kind == "gate"]
    rest = [b for b in body if b not in gates]
    first, *helps = shut
    blocks = _slides(heading.text, rest, step=heading.id, aside=aside)
    return blocks + _slides("Shut gates, and how units die", [first, *gates, *helps])


def _discussion(questions: Sequence[tuple[Text, tuple[Block, ...]]]) -> list[Block]:
    """A slide for each question, and its answer on the next."""
    blocks: list[Block] = []
    for position, (question, answer) in enumerate(questions):
        number = f"Q{position + 1}"
        blocks += _slides("Discuss", [Paragraph(question)], step=number)
        blocks += _slides("Answer", answer, step=number)
    return blocks
