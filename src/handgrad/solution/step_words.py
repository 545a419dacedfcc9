"""The title of a step, and why it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from typing import TYPE_CHECKING

import numpy as np

from handgrad.equations import places_of
from handgrad.expression import Adjoint, Call, Expression, Leaf, Literal, Name, leaves, number, walk
from handgrad.graph import Graph
from handgrad.graph.remembered import of_graph
from handgrad.graph.structure import Node, activation_of
from handgrad.graph.updating import update_pass
from handgrad.graph.weighted import is_weighted, multiplies_values, products
from handgrad.notation import Sum
from handgrad.operations import BY_NAME, is_spoken, noun_of, operation_of
from handgrad.operations.activations import softplus
from handgrad.operations.arithmetic import add, negate, power
from handgrad.operations.exponentials import logsumexp
from handgrad.operations.functions import square
from handgrad.operations.words import Words
from handgrad.solution.folded import numbers_together
from handgrad.solution.grouping import led_to
from handgrad.solution.notes.paths import Broadcast
from handgrad.solution.notes.shortcut import ShortcutTaken
from handgrad.solution.structure import TraceLine
from handgrad.text import Inline, Text, filled, joined, listed
from handgrad.updates import CLIPS, RULES, SCHEDULES, SETTINGS, UNTOLD, Update
from handgrad.updates.settings import names as setting_names

if TYPE_CHECKING:
    from handgrad.solution.trace import Step, Trace


def title(trace: Trace, step: Step) -> Text:
    """A step's title."""
    graph = trace.graph
    names = [line.target for line in step.lines if line.role in ("value", "gradient")]
    match step.kind:
        case "layer":
            return _layer_title(trace, step)
        case "loss":
            # Where nothing is given to be met and nothing is learned, no error is measured.
            fits = trace.problem.data or trace.problem.update is not None
            return ("The loss " if fits else "The result ", Name(step.about))
        case "compute":
            return ("Compute ", *joined([(Name(n.name),) for n in names]))
        case "error_signal":
            through = [noun_of(op) for op in _activations(graph, step)]
            back = f": back through {' and '.join(dict.fromkeys(through))}" if through else ""
            return ("Error signal ", Adjoint(step.about), back)
        case "upstream":
            return ("The gradient that arrives at ", Name(step.about))
        case "pass_backward":
            return ("Pass the gradient back to ", Name(step.about))
        case "parameter_gradients" | "data_gradients":
            word = "Gradient of " if len(names) == 1 else "Gradients of "
            return (word, *joined([(Name(n.name),) for n in names]))
        case "update":
            if len(trace.training) < 2:
                return ("Update every parameter",)
            return (f"Update {_update_number(trace, step)} of every parameter",)
        case "loss_after":
            if len(trace.training) < 2:
                return ("The loss after the update",)
            return (f"The loss after update {_update_number(trace, step)}",)


def code_places(trace: Trace, step: Step) -> str:
    """Where a model's code computes what a step of the forward pass does: "fc1, net.py:8"."""
    if step.phase != "forward":
        return ""
    return places_of(trace.problem.equations, {line.target.name for line in step.lines})


def _update_number(trace: Trace, step: Step) -> int:
    """Which update a step of the last phase belongs to, counted from 1."""
    before = [s for s in trace.steps if s.kind == "update"]
    return sum(int(s.id.split(".")[1]) <= int(step.id.split(".")[1]) for s in before)


def _layer_title(trace: Trace, step: Step) -> Text:
    parts: list[Inline] = []
    for line in step.lines:
        node = trace.graph.nodes[line.target.name]
        root = _outermost(line.formula)
        if node.name == trace.graph.loss:
            word: Text = ("the loss",)
        elif line.role == "cost":
            word = (
                ("the mean over the cases",)
                if trace.problem.reduction == "mean"
                else ("the sum over the cases",)
            )
        elif is_spoken(root) and line is not step.lines[0]:
            word = (noun_of(root),)
        else:
            word = (Name(node.name),)
        parts += [", then " if parts else "", *word]
    where = f"Time step {step.time_step}" if step.time_step else f"Layer {step.layer}"
    return (f"{where}: ", *[p for p in parts if p])


def _outermost(formula: Expression) -> str:
    """The operation at the root of a formula: ReLU for one written out."""
    known = activation_of(formula) or formula
    return known.operation if isinstance(known, Call) else ""


def _activations(graph: Graph, step: Step) -> list[str]:
    """The operations that an error signal comes back through."""
    for note in step.notes:
        if isinstance(note, ShortcutTaken):
            return [note.activation, note.operation]
    activation = graph.activations.get(step.about)
    applied = activation_of(graph.nodes[activation].written) if activation else None
    return [applied.operation] if applied is not None else []


def reason(trace: Trace, step: Step) -> Text:
    """What is done in a step and why, in one or two sentences; empty where the title says it all."""
    match step.phase:
        case "forward":
            return _forward_reason(trace, step)
        case "backward":
            return _backward_reason(trace, step)
        case "update":
            update = trace.problem.update
            if step.kind == "update" and update is not None:
                return _update_reason(trace, update)
            return _once_more(trace, step)


def _once_more(trace: Trace, step: Step) -> Text:
    """That the forward pass is made again, and where it begins to be shown."""
    first = step.lines[0].target
    whole = len(step.lines) == 1 or first.name == led_to(trace.graph)[0]
    return once_more_from(None if whole else first)


def once_more_from(first: Leaf | None) -> Text:
    """That the forward pass is made again, shown from a value on."""
    told: Text = () if first is None else ("; it is shown from ", first, " on")
    return ("The forward pass once more, with the new parameters", *told, ".")


def _setting(key: str, called: Name) -> Text:
    """What the value of a setting follows, by its name in the formulas: "the momentum μ is"."""
    words = SETTINGS[key].words
    if words.split()[-1:] == [called.name]:
        return (f"{words} is ",)  # the learning rate
    return (f"{words} " if words else "", called, " is ")


def _update_reason(trace: Trace, update: Update) -> Text:
    """What the rule does, what goes before it, and the settings."""
    alone = all(name in update.rates for name in trace.problem.parameters)
    told: dict[str, float] = {
        k: v
        for k, v in update.settings.items()
        if k not in UNTOLD and (v or k == "rate") and not (alone and k == "rate")
    }
    called = setting_names(trace.graph.nodes.keys() | trace.graph.lets.keys())
    settings: list[Text] = [(*_setting(k, called[k]), _as_given(v)) for k, v in told.items()]
    names = update_pass(trace.graph, update).own_rates
    settings += [(name, " is ", _as_given(update.rates[p])) for p, name in names.items()]
    words = [RULES[update.rule].words]
    if update.clips:
        words.append(CLIPS[update.clips])
    if update.schedule:
        words.append(SCHEDULES[update.schedule].words)
    return (*filled(" ".join(words), called), " Here ", *joined(settings), ".")


def _as_given(number: float) -> Literal:
    """A setting, which is not rounded to the page's decimals."""
    return Literal(number, text=f"{number:.12g}")


def _forward_reason(trace: Trace, step: Step) -> Text:
    """What the words say of each line's operation; plain arithmetic speaks for itself."""
    # A log-probability is no loss: its sign is the other one.
    losses = {
        s.loss: s.operation for s in trace.graph.shortcuts if not _is_log_probability(s.plain)
    }
    said: dict[str, None] = {}
    for line in step.lines:
        operation = losses.get(line.target.name) or _outline(_without_single(line.formula))
        if is_spoken(operation) and BY_NAME[operation].family != "arithmetic":
            words = BY_NAME[operation].words
            if not words.unweighted:
                told = _with_what_goes_before(_without_single(line.formula), words.forward)
                said[told if line.shape else told.replace(f",{EACH}", "")] = None
            elif is_weighted(trace.graph, line.formula):
                # Where no activation follows, as in attention, there need be no units.
                layer = words.biased if _is_biased(trace.graph, line.formula) else words.forward
                said[layer if step.kind == "layer" else words.weighted] = None
                if step.kind != "layer" and multiplies_values(trace.graph, line.formula):
                    said[_of_product(words, line.formula)] = None
            elif _of_vectors(line.formula):
                said[BY_NAME[BY_NAME[operation].of_vectors].words.forward] = None
            else:
                said[_of_product(words, line.formula)] = None
        if line.target.name in losses:
            written = _operations(trace.graph.nodes[line.target.name].written)
            said |= {
                stable: None
                for o in sorted(_operations(line.formula) - written)
                if (stable := BY_NAME[o].words.stable)
            }
    options = joined([part for line in step.lines for part in _options(line.formula)])
    if not said:
        return ("",)
    return (" ".join(said), *((" Here ", *options, ".") if options else ()))


def _is_log_probability(formula: Expression) -> bool:
    """Whether a formula is a logarithm, an entry of one, or what a loss would be with the other sign."""
    if isinstance(formula, Call) and formula.operation == negate.name:
        inner = formula.arguments[0]
        return isinstance(inner, Call) and operation_of(inner).family == "loss"
    while isinstance(formula, Call) and operation_of(formula).family == "structure":
        formula = formula.arguments[0]
    return isinstance(formula, Call) and operation_of(formula).logarithm


def _without_single(formula: Expression) -> Expression:
    """A formula without a mean, or a sum, of a single number: that is the number itself."""
    while (
        isinstance(formula, Call)
        and operation_of(formula).family == "reduction"
        and formula.arguments[0].shape == ()
    ):
        formula = formula.arguments[0]
    return formula


EACH = " entry by entry"
"""How plain arithmetic on arrays is done."""


def _with_what_goes_before(formula: Expression, forward: str) -> str:
    """What a reduction does, after the arithmetic that makes its terms: subtract, square, and average."""
    if not isinstance(formula, Call) or operation_of(formula).family != "reduction":
        return forward
    before: list[str] = []
    inner: Expression | None = formula.arguments[0]
    while isinstance(inner, Call) and inner.shape != ():
        squares = inner.operation == power.name and number(inner.arguments[1]) == 2
        operation = square if squares else operation_of(inner)
        if operation.family != "arithmetic" and not squares:
            break
        before.insert(0, operation.words.forward.removesuffix(".").removesuffix(EACH))
        inner = next((a for a in inner.arguments if isinstance(a, Call)), None)
    if not before:
        return forward
    first, *others = before
    verbs = listed([first, *(verb.lower() for verb in others)])
    return f"{verbs}{EACH}, then {forward[0].lower()}{forward[1:]}"


def _is_biased(graph: Graph, formula: Expression) -> bool:
    """Whether a parameter is added to what a formula computes."""
    if not isinstance(formula, Call) or formula.operation != add.name:
        return False
    names = [a.name for a in formula.arguments if isinstance(a, Name)]
    return any(graph.nodes[name].kind == "parameter" for name in names if name in graph.nodes)


def _options(formula: Expression) -> list[Text]:
    """The options of a formula's operations that a reader has to know to compute it."""
    said: dict[Text, None] = {}
    for call in walk(formula):
        if not isinstance(call, Call):
            continue
        for name, option in operation_of(call).words.options.items():
            value = dict(call.options).get(name, operation_of(call).options[name])
            if option.tell is not None:
                said |= {(told,): None for told in [option.tell(value)] if told}
            elif isinstance(value, str | tuple):
                told = value if isinstance(value, str) else "×".join(map(str, value))
                said[(f"{option.text} {told}",)] = None
            elif isinstance(value, int | float) and value != option.plain:
                said[f"{option.text} ", _as_given(value)] = None
    return list(said)


def _operations(formula: Expression | None) -> set[str]:
    return (
        {c.operation for c in walk(formula) if isinstance(c, Call)}
        if formula is not None
        else set()
    )


def _outline(formula: Expression) -> str:
    """The operation that best describes a formula: the weighted sum in W x + b."""
    if not isinstance(formula, Call):
        return ""
    if (applied := activation_of(formula)) is not None:
        return applied.operation
    if BY_NAME[formula.operation].family == "arithmetic":
        for argument in formula.arguments:
            if isinstance(argument, Call) and BY_NAME[argument.operation].family == "linear":
                return argument.operation
    return formula.operation


def _backward_reason(trace: Trace, step: Step) -> Text:
    """The same of the backward pass; but for what notes say it depends on the graph alone."""
    if any(isinstance(n, ShortcutTaken) for n in step.notes):
        return _backward(trace, step)
    known = _backward_reasons(trace.graph)
    key = step.id, step.kind, trace.problem.reduction, *[n.kind for n in step.notes]
    if key not in known:
        known[key] = _backward(trace, step)
    return known[key]


@of_graph
def _backward_reasons(graph: Graph) -> dict[tuple[str, ...], Text]:
    """The reasons that were told, by step."""
    return {}


def _backward(trace: Trace, step: Step) -> Text:
    if step.kind == "upstream":
        return (
            "It is given, as what comes back from ",
            Name(trace.graph.loss),
            ": the backward pass starts here.",
        )
    if any(isinstance(n, ShortcutTaken) for n in step.notes):
        note = next(n for n in step.notes if isinstance(n, ShortcutTaken))
        left = (
            "prediction minus target"
            if note.whole
            else "the prediction, times what the targets add up to, minus the target"
        )
        if BY_NAME[note.activation].distribution and _picks_a_class(trace.graph, note):
            left += ", which is 1 for the true class and 0 for the others"
        return (
            f"{noun_of(note.activation)[0].upper()}{noun_of(note.activation)[1:]} and "
            f"{noun_of(note.operation)} belong together: their derivatives cancel to {left}.",
        )
    operations: dict[str, None] = {}
    sides: dict[str, set[int]] = {}
    recognised: set[str] = set()
    for line in step.lines:
        written = (
            trace.graph.nodes[line.through].written if line.through in trace.graph.nodes else None
        )
        if written is not None and line.role in ("gradient", "part", "per_case"):
            differentiated = _differentiated(trace.graph.nodes[line.through])
            fresh = _operations(differentiated) - _operations(written)
            recognised |= fresh
            # A name may stand elsewhere first: in −(y·z − softplus(z)).
            for operation in fresh.intersection(_sides(differentiated, line.target.name)):
                if BY_NAME[operation].words.written_out:
                    operations[operation] = None
            for operation in _path(differentiated, line.target.name):
                operations[operation] = None
            for operation, positions in _sides(written, line.target.name).items():
                sides.setdefault(operation, set()).update(positions)
    # Only what is multiplied by weights has weights that carry the gradient back.
    equations = [
        (written, line.target.name)
        for line in step.lines
        if line.through in trace.graph.nodes
        and (written := trace.graph.nodes[line.through].written) is not None
    ]
    weighs = any(BY_NAME[o].multiplies for o in operations if o in BY_NAME) and any(
        is_weighted(trace.graph, written, name) for written, name in equations
    )
    vectors = not weighs and all(_of_vectors(written) for written, _ in equations)
    told = [o for o in operations if is_spoken(o)]
    # First what no reader sees in the formula: the slope of a softplus written out has a name of its own.
    told.sort(key=lambda o: not (o in recognised and BY_NAME[o].words.written_out))
    if vectors:
        told = [BY_NAME[o].of_vectors or o for o in told]
    options = {
        (call.operation, name)
        for written, _ in equations
        for call in walk(written)
        if isinstance(call, Call)
        for name, value in call.options
        if value
    }
    said = [
        (o in recognised and BY_NAME[o].words.written_out)
        or _backward_of(o, sides.get(o, set()), options)
        for o in told
    ]
    if step.kind == "pass_backward" and weighs:
        said = [
            "Every weight that carried the value forward carries the gradient back: multiply by the transpose."
        ]
    elif step.kind == "parameter_gradients" and weighs:
        repeated = any(isinstance(n, Broadcast) for n in step.notes)
        known = trace.graph.gradients
        gradients = [known[x.target.name] for x in step.lines if x.target.name in known]
        each = "In each case the" if any(g.per_case is not None for g in gradients) else "The"
        averaged = "averaged" if trace.problem.reduction == "mean" else "added up"
        biased = any(_is_bias(trace.graph, line) for line in step.lines)
        both = "Both are" if biased else "It is"
        after = f" {both} then {averaged} over the cases." if each != "The" else ""
        bias = "the error signal itself"
        if repeated:
            bias = "the error signal added up over the examples"
        of = _weight_gradient(trace, step, biased)
        added = f"; the bias gradient is {bias}" if biased else ""
        said = [f"{each} weight gradient is {of}{added}.{after}"]
    together = numbers_together(trace.graph, step.lines) if said else ""
    return (" ".join([*said[:2], *([together] if together else [])]),)


def _differentiated(node: Node) -> Expression:
    """An equation as it is differentiated where a log-sum-exp or softplus written out is known in it, else as it is written."""
    assert node.written is not None
    known = (logsumexp.name, softplus.name)
    if node.computed is not None and not _operations(node.written).issuperset(
        _operations(node.computed).intersection(known)
    ):
        return node.computed
    return node.written


def _weight_gradient(trace: Trace, step: Step, biased: bool) -> str:
    """What the gradient of a weight is: of a product without a bias or an activation, such as a query's, no error signal's."""
    signals: list[bool] = []
    shared: Counter[str] = Counter()
    for line in step.lines:
        node = trace.graph.nodes.get(line.through)
        written = node.written if node is not None else None
        if written is not None and is_weighted(trace.graph, written, line.target.name):
            taken_up = line.through in trace.graph.activations or activation_of(written)
            signals.append(biased or bool(taken_up))
            shared[line.target.name] += bool(taken_up) and line.role == "part"
    if signals and not any(signals):
        return "the gradient of the product times the product's other factor"
    if max(shared.values(), default=0) > 1:
        return "the error signal times what the weight multiplies, added up over its uses"
    return "the error signal times the layer's input"


def _backward_of(operation: str, sides: set[int], options: Set[tuple[str, str]]) -> str:
    """What is said of an operation's gradient; of a quotient only what its gradient goes to.

    `options` are those that are set, each beside its operation.
    """
    words = BY_NAME[operation].words
    for name, told in words.backward_with.items():
        if (operation, name) in options:
            return told
    if 0 < len(sides) < len(words.by_argument):
        return " ".join(words.by_argument[side] for side in sorted(sides))
    return words.backward


def _sides(expression: Expression, name: str) -> dict[str, set[int]]:
    """By operation, in which arguments of its calls a name stands."""
    found: dict[str, set[int]] = {}
    for call in walk(expression):
        if isinstance(call, Call):
            for side, part in enumerate(call.arguments):
                if any(isinstance(leaf, Name) and leaf.name == name for leaf in leaves(part)):
                    found.setdefault(call.operation, set()).add(side)
    return found


def _picks_a_class(graph: Graph, note: ShortcutTaken) -> bool:
    """Whether the target has no name: the loss picks its class, and the 1 stands in the numbers alone."""
    for shortcut in graph.shortcuts:
        if (shortcut.loss, shortcut.pre_activation) == (note.loss, note.pre_activation):
            target = shortcut.fused.arguments[1]
            return isinstance(target, Literal) and set(np.ravel(target.value)) == {0.0, 1.0}
    return False


def _of_vectors(formula: Expression) -> bool:
    """Whether every product of matrices in a formula is one of two vectors: their dot product."""
    calls = (c for c in walk(formula) if isinstance(c, Call))
    products = (c for c in calls if operation_of(c).of_vectors)
    return all(len(a.shape or ()) == 1 for c in products for a in c.arguments)


def _of_product(words: Words, formula: Expression) -> str:
    """What is said of a product of values, by how many axes they have."""
    ranks = {len(a.shape or ()) for c in products(formula) for a in c.arguments}
    if words.of_stacks and max(ranks, default=0) > 2:
        return words.of_stacks
    # Of several products some may be of matrices.
    apart = all(1 in {len(a.shape or ()) for a in c.arguments} for c in products(formula))
    return words.of_vector if words.of_vector and ranks and apart else words.unweighted


def _is_bias(graph: Graph, line: TraceLine) -> bool:
    """Whether a line is the gradient of what is added to a product of weights, not multiplied in it."""
    node = graph.nodes.get(line.through)
    if node is None or node.written is None or line.role not in ("gradient", "part", "per_case"):
        return False
    path = _path(node.written, line.target.name)
    return path[-1:] != ["?"] and all(
        o in BY_NAME and isinstance(BY_NAME[o].notation, Sum) for o in path
    )


def _path(expression: Expression, name: str) -> list[str]:
    """The operations from the root of an equation down to the first use of a name."""
    expression = _without_single(expression)
    if isinstance(expression, Name):
        return [] if expression.name == name else ["?"]
    if isinstance(expression, Call):
        for argument in expression.arguments:
            below = _path(argument, name)
            if below[-1:] != ["?"]:
                return [expression.operation, *below]
    return ["?"]
