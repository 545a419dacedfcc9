"""What a deck says beside the steps: goals, the rules used, the recipe, shut gates, takeaways."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from handgrad.errors import HandgradError
from handgrad.expression import Adjoint, Call, Literal, Name, Shape, leaves, walk
from handgrad.operations import BY_NAME, functions, is_spoken, noun_of, operation_of
from handgrad.operations.annotate import tidied
from handgrad.operations.gates import activations_in
from handgrad.operations.operation import Application, Misfit, Signature
from handgrad.page.blocks import Block, Derivation, Heading, Paragraph, Relation, Table, Text
from handgrad.page.signs import with_signs_explained
from handgrad.solution.notes.gated_off import GatedOff
from handgrad.solution.notes.shortcut import ShortcutTaken
from handgrad.solution.step_words import reason
from handgrad.solution.takeaways import takeaways
from handgrad.text import listed

if TYPE_CHECKING:
    from handgrad.solution.trace import Step, Trace

PAIR: Shape = (2,)
"""The shape of the vectors that the rules of a reference are written for."""

RECIPE = {
    "error_signal": "Error signal",
    "parameter_gradients": "Parameter gradients",
    "pass_backward": "Pass the gradient back",
}
"""The steps of the recipe, by the kind of step that each stands for."""


def numbered(items: Sequence[tuple[Text, Text]]) -> list[Block]:
    """Points with a number each: what it says, and a sentence about it."""
    blocks: list[Block] = []
    for position, (text, words) in enumerate(items):
        blocks += [Heading(text, 3, str(position + 1)), Paragraph(words)]
    return blocks


def goals(trace: Trace) -> list[Block]:
    """What there is to learn from this problem."""
    graph, loss = trace.graph, Name(trace.graph.cost)
    forward, backward = (
        sum(s.phase == phase for s in trace.steps) for phase in ("forward", "backward")
    )
    items: list[tuple[Text, Text]] = [
        (
            ("Trace the forward and the backward pass",),
            (f"with concrete numbers: {_count(forward, 'step')} forward, {backward} backward",),
        )
    ]
    gates = [noun for operation, noun in _activation_nouns(trace) if BY_NAME[operation].gate]
    others = [noun for operation, noun in _activation_nouns(trace) if not BY_NAME[operation].gate]
    if gates:
        words = "which units let the gradient through, and what a shut gate silences"
        items.append(((f"See how {listed(gates)} gates gradients",), (words,)))
    elif others:
        slopes = "its slope" if len(others) == 1 else "their slopes"
        words = f"the gradient that comes back is multiplied by {slopes}"
        verb = "does" if len(others) == 1 else "do"
        items.append(((f"See what {listed(others)} {verb} to gradients",), (words,)))
    names = trace.problem.asked
    ends = tuple(Name(n, shape=graph.nodes[n].shape) for n in names[:1])
    items.append(
        (
            ("Practise the chain rule",),
            ("one step at a time, from ", loss, " back to ", *ends),
        )
    )
    if trace.updated:
        words = "and see what that does to the loss"
        items.append((("Update the parameters",), (words,)))
    return numbered(items)


def _activation_nouns(trace: Trace) -> list[tuple[str, str]]:
    written = [trace.graph.nodes[name].written for name in trace.graph.equations]
    used = [known.operation for formula in written for _, known in activations_in(formula)]
    return [(name, noun_of(name)) for name in dict.fromkeys(used) if is_spoken(name)]


def _calls(trace: Trace) -> list[Call]:
    """The operations of the equations, in the order in which they are written."""
    calls: list[Call] = []
    for name in trace.graph.equations:
        written = trace.graph.nodes[name].written
        if written is not None:
            calls += [node for node in walk(written) if isinstance(node, Call)]
    return calls


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


# -- the rules ------------------------------------------------------------------------------


def quick_reference(trace: Trace) -> list[Block]:
    """The rules that this problem uses, written out from the table of operations."""
    rows: list[tuple[Text, ...]] = []
    for call in {c.operation: c for c in reversed(_calls(trace))}.values():
        if operation_of(call).family in ("activation", "elementwise") and len(call.arguments) == 1:
            rule = _rule(call, trace.graph.loss)
            if rule is not None:
                rows.insert(0, rule)
    for step in trace.steps:
        for note in step.notes:
            if isinstance(note, ShortcutTaken):
                line = step.lines[0]
                nouns = f"{noun_of(note.activation)} with {noun_of(note.operation)}"
                rows.append(((nouns,), (Name(note.loss),), (line.target, " = ", line.formula)))
    if not rows:
        return []
    header: tuple[Text, ...] = (("rule",), ("forward",), ("backward",))
    return with_signs_explained([Table(header, tuple(rows), "lll")])


def _rule(call: Call, loss: str) -> tuple[Text, ...] | None:
    """A function of one argument: its noun, h = f(z), and ∂L/∂z by its pull-back.

    In a problem of many cases L is the loss of a case, as in the steps that the rule is for.
    """
    record = operation_of(call)
    if not is_spoken(call.operation):
        return None
    options = {**record.options, **dict(call.options)}
    try:
        # The halves of a pair are multiplied to one number by glu.
        out = record.shape((PAIR,), options)
        z, h, g = Name("z", shape=PAIR), Name("h", shape=out), Adjoint("h", of=loss, shape=out)
        forward = Call(call.operation, (z,), call.options, shape=out)
        application = Application((z,), h, Signature((PAIR,), out, options, (False,)))
        gradient = record.pullback(0, g, application)
        shapes = {z: PAIR, h: out, g: out}
        shown = None if gradient is None else tidied(gradient, shapes.__getitem__)
    except (HandgradError, Misfit):
        return None  # options that a vector of two has no place for
    if shown is None:
        return None
    return (noun_of(call.operation),), (h, " = ", forward), (Adjoint("z", of=loss), " = ", shown)


def recipe(trace: Trace) -> list[Block]:
    """The steps that repeat at every layer, as one layer has them; empty where none has two of them."""
    errors = [s for s in trace.steps if s.kind == "error_signal"]
    # The last layer's error signal is a shortcut, and no good example where another layer has as many steps.
    chosen = max(
        ([s, *_of_layer(trace, s)] for s in sorted(errors, key=_is_shortcut)), key=len, default=[]
    )
    if not any(s.kind == "parameter_gradients" for s in chosen):
        return []
    blocks: list[Block] = []
    for position, step in enumerate(chosen):
        aside: Text = (f"as in step {step.id}",)
        blocks.append(Heading((RECIPE[step.kind],), 3, str(position + 1), aside))
        blocks.append(Paragraph(reason(trace, step)))
        lines = [x for x in step.lines if x.role in ("gradient", "chain")][:2]
        blocks.append(Derivation(tuple(Relation(x.target, (x.formula,)) for x in lines)))
    return blocks


def _is_shortcut(step: Step) -> bool:
    return any(isinstance(n, ShortcutTaken) for n in step.notes)


def _of_layer(trace: Trace, error: Step) -> list[Step]:
    """The first step of each other kind that goes on from an error signal."""
    signals = {x.target.name for x in error.lines if isinstance(x.target, Adjoint)}
    later = trace.steps[trace.steps.index(error) + 1 :]
    return [
        step
        for kind in RECIPE
        if kind != error.kind
        for step in [s for s in later if s.kind == kind and _uses(s, signals)][:1]
    ]


def _uses(step: Step, signals: Collection[str]) -> bool:
    used = (leaf for x in step.lines for leaf in leaves(x.formula))
    return any(isinstance(leaf, Adjoint) and leaf.name in signals for leaf in used)


# -- shut gates -----------------------------------------------------------------------------


def shut_gates(step: Step) -> list[Block]:
    """How a shut gate stops the gradient in a backward step, and what helps; empty where none does."""
    notes = [n for n in step.notes if isinstance(n, GatedOff) and BY_NAME[n.operation].gate]
    if step.phase != "backward" or not notes:
        return []
    shut = BY_NAME[notes[0].operation]
    noun = shut.words.noun
    single = [n for n in notes if n.case_count == 1]
    opening: Block = (
        Derivation(_shut(single[0]))
        if single
        else Paragraph((f"{noun} is flat where its gate is shut: its slope there is 0.",))
    )
    if not shut.leaky_form:
        return [opening]
    cure = BY_NAME[shut.leaky_form].words
    return [opening, Paragraph((f"What helps: {cure.noun} in place of {noun}. {cure.backward}",))]


def _shut(note: GatedOff) -> tuple[Relation, ...]:
    """z = −0.17, so 1[z > 0] = 0, so the gradient is 0."""
    z = note.pre_activation.entry(note.unit)
    zero = (Literal(0.0),)
    relations = [
        Relation(z, (Literal(note.value),)),
        Relation(replace(functions.step(z), shape=()), zero),
    ]
    if isinstance(note.pre_activation, Name):
        relations.append(Relation(Adjoint(note.pre_activation.name).entry(note.unit), zero))
    return tuple(relations)


# -- takeaways ------------------------------------------------------------------------------


def takeaway_blocks(trace: Trace) -> list[Block]:
    """What to remember, in this problem's numbers."""
    return numbered([(t.title(), t.text()) for t in takeaways(trace)])
