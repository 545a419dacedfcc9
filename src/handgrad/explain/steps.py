"""The title of a step, and why it is done."""

from __future__ import annotations

from handgrad.explain.text import Inline, Text, joined
from handgrad.explain.words import WORDS
from handgrad.expression import Adjoint, Call, Expression, Name
from handgrad.graph import Graph
from handgrad.trace import ShortcutTaken, Step, Trace, pre_activations


def title(trace: Trace, step: Step) -> Text:
    """A step's title."""
    graph = trace.graph
    names = [line.target for line in step.lines if line.role in ("value", "gradient")]
    match step.kind:
        case "layer":
            return _layer_title(trace, step)
        case "loss":
            return ("The loss ", Name(step.about))
        case "compute":
            return ("Compute ", *joined([(Name(n.name),) for n in names]))
        case "error_signal":
            through = [WORDS[op].noun for op in _activations(graph, step)]
            back = f": back through {' and '.join(dict.fromkeys(through))}" if through else ""
            return ("Error signal ", Adjoint(step.about), back)
        case "pass_backward":
            return ("Pass the gradient back to ", Name(step.about))
        case "parameter_gradients" | "data_gradients":
            word = "Gradient of " if len(names) == 1 else "Gradients of "
            return (word, *joined([(Name(n.name),) for n in names]))
        case "update":
            return ("Update every parameter",)
        case "loss_after":
            return ("The loss after the update",)


def _layer_title(trace: Trace, step: Step) -> Text:
    layers = [s.id for s in trace.steps if s.kind == "layer"]
    parts: list[Inline] = []
    for line in step.lines:
        node = trace.graph.nodes[line.target.name]
        root = line.formula.operation if isinstance(line.formula, Call) else ""
        if node.name == trace.graph.loss:
            word: Text = ("the loss",)
        elif line.role == "cost":
            word = (
                ("the mean over the cases",)
                if trace.problem.reduction == "mean"
                else ("the sum over the cases",)
            )
        elif root in WORDS and line is not step.lines[0]:
            word = (WORDS[root].noun,)
        else:
            word = (Name(node.name),)
        parts += [", then " if parts else "", *word]
    return (f"Layer {layers.index(step.id) + 1}: ", *[p for p in parts if p])


def _activations(graph: Graph, step: Step) -> list[str]:
    """The operations that an error signal comes back through."""
    for note in step.notes:
        if isinstance(note, ShortcutTaken):
            return [note.activation, note.operation]
    activation = pre_activations(graph).get(step.about)
    written = graph.nodes[activation].written if activation else None
    return [written.operation] if isinstance(written, Call) else []


def reason(trace: Trace, step: Step) -> Text:
    """What is done in a step and why, in one or two sentences; empty where the title says it all."""
    match step.phase:
        case "forward":
            return (" ".join(_said([line.formula for line in step.lines], backward=False)),)
        case "backward":
            return _backward_reason(trace, step)
        case "update":
            if step.kind == "update":
                rate = trace.problem.update.rate if trace.problem.update else 0.0
                return (
                    f"Stochastic gradient descent: step against the gradient, with the learning rate {rate:g}.",
                )
            return ("The forward pass once more, with the new parameters.",)


def _said(formulas: list[Expression], backward: bool) -> list[str]:
    """What the table's words say of the root operations, and of what feeds a sum."""
    said: dict[str, None] = {}
    for formula in formulas:
        for operation in _outline(formula):
            words = WORDS.get(operation)
            if words is not None:
                said[words.backward if backward else words.forward] = None
    return list(said)


def _outline(formula: Expression) -> list[str]:
    """The operation that best describes a formula: a weighted sum rather than its addition."""
    if not isinstance(formula, Call):
        return []
    linear = [
        a.operation for a in formula.arguments if isinstance(a, Call) and a.operation in LINEAR
    ]
    return (
        linear[:1] if formula.operation in ("add", "subtract") and linear else [formula.operation]
    )


LINEAR = ("matmul", "dot")


def _backward_reason(trace: Trace, step: Step) -> Text:
    if any(isinstance(n, ShortcutTaken) for n in step.notes):
        note = next(n for n in step.notes if isinstance(n, ShortcutTaken))
        return (
            f"{WORDS[note.activation].noun[0].upper()}{WORDS[note.activation].noun[1:]} and "
            f"{WORDS[note.operation].noun} belong together: their derivatives cancel to prediction minus target.",
        )
    operations: dict[str, None] = {}
    for line in step.lines:
        written = (
            trace.graph.nodes[line.through].written if line.through in trace.graph.nodes else None
        )
        if written is not None and line.role in ("gradient", "part", "per_case"):
            for operation in _path(written, line.target.name):
                operations[operation] = None
    if len(operations) > 1:
        operations.pop("add", None) if step.kind != "parameter_gradients" else None
    said = [WORDS[o].backward for o in operations if o in WORDS]
    if step.kind == "pass_backward" and "matmul" in operations:
        said = [
            "Every weight that carried the value forward carries the gradient back: multiply by the transpose."
        ]
    elif step.kind == "parameter_gradients" and "matmul" in operations:
        said = [
            "The weight gradient is the error signal times the layer's input; the bias gradient is the error signal itself."
        ]
    return (" ".join(said[:2]),)


def _path(expression: Expression, name: str) -> list[str]:
    """The operations from the root of an equation down to the first use of a name."""
    if isinstance(expression, Name):
        return [] if expression.name == name else ["?"]
    if isinstance(expression, Call):
        for argument in expression.arguments:
            below = _path(argument, name)
            if below[-1:] != ["?"]:
                return [expression.operation, *below]
    return ["?"]
