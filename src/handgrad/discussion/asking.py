"""The questions that a worked solution gives rise to, each with the facts of its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from handgrad.discussion.gates import backward_line, gate_swap, other_input, solved_alike
from handgrad.discussion.structure import (
    BiasGradient,
    CaseShares,
    Index,
    InputScaling,
    MostSensitive,
    Question,
    QuestionedEntry,
    Share,
    SmallChange,
    SumOverPaths,
    ZeroEntries,
)
from handgrad.discussion.updating import largest_move, longer_step, update_step, updated_value
from handgrad.discussion.zeros import (
    at_entry,
    differentiated,
    in_order,
    index_of,
    made_in,
    step_of,
    total_gradient,
    zeros,
)
from handgrad.expression import Adjoint, Call, Expression, Name, leaves
from handgrad.notation import Product, Subscript
from handgrad.operations import operation_of
from handgrad.operations.annotate import annotated
from handgrad.operations.elements import entry_of
from handgrad.operations.reductions import sum_, sum_to
from handgrad.problem import Given
from handgrad.running.reviving import layer_revivers
from handgrad.solution import Trace, TraceLine
from handgrad.solution.units import units

NUDGE = 0.01
"""The small change of one number."""

MOST_LISTED = 12
"""Numbers that are put in order by the size of their gradients."""

TRIED = 5
"""Numbers that a small change is tried on."""

CASES = 64
"""Cases that are run one by one."""

DISCUSSED: tuple[str, ...] = (
    "zero_rows_columns",
    "gate_swap",
    "other_input",
    "sum_over_paths",
    "case_shares",
    "updated_value",
    "bias_gradient",
    "most_sensitive",
    "small_change",
)
"""What a class has time for first."""


def questions_for(trace: Trace) -> tuple[Question, ...]:
    """What to discuss about a worked solution, in the order in which to ask it.

    Every answer is computed from the trace, or from further runs of the problem with the
    change that the question asks about.
    """
    ask: tuple[Callable[[Trace], Question | None], ...] = (
        zero_entries,
        gate_swap,
        other_input,
        updated_value,
        bias_gradient,
        input_scaling,
        sum_over_paths,
        case_shares,
        largest_move,
        longer_step,
        most_sensitive,
        small_change,
    )
    with np.errstate(all="ignore"):
        return tuple(q for question in ask if (q := question(trace)) is not None)


def to_discuss(trace: Trace, most: int = 4) -> tuple[Question, ...]:
    """The questions that are most worth a class's time, in the order in which to ask them."""
    asked = {q.kind: q for q in questions_for(trace)}
    chosen = [kind for kind in DISCUSSED if kind in asked][:most]
    return tuple(q for kind, q in asked.items() if kind in chosen)


# -- zeros ----------------------------------------------------------------------------------


def zero_entries(trace: Trace) -> ZeroEntries:
    """Which entries of the gradients are zero, and why."""
    parts, untold = zeros(trace)
    names = differentiated(trace)
    gradients = {n: total_gradient(trace, n) for n in names}
    candidates = [
        (float(sizes.min()), n, np.where(g == 0, np.inf, np.abs(g)).argmin())
        for n, g in gradients.items()
        if (sizes := np.abs(g[g != 0])).size
    ]
    smallest: QuestionedEntry | None = None
    if candidates:
        _, name, place = min(candidates, key=lambda c: c[0])
        smallest = QuestionedEntry(name, index_of(gradients[name], int(place)))
    steps = (*(s for n in names for s in step_of(trace, n)), *(p.step for p in parts))
    every = units(trace)
    return ZeroEntries(
        parts=parts,
        zero=sum(int((g == 0).sum()) for g in gradients.values()),
        untold=untold,
        total=sum(g.size for g in gradients.values()),
        smallest=smallest,
        smallest_value=at_entry(gradients[smallest.name], smallest.index) if smallest else 0.0,
        gates=tuple(dict.fromkeys(u.operation for u in every if u.gate)),
        activations=tuple(dict.fromkeys(u.operation for u in every)),
        revivers=layer_revivers(trace.problem),
        steps=in_order(steps),
    )


# -- how a gradient is made -----------------------------------------------------------------


def bias_gradient(trace: Trace) -> BiasGradient | None:
    """The last parameter whose gradient is a gradient that arrives, as it is or added up."""
    for name in reversed(tuple(trace.problem.parameters)):
        gradient = trace.graph.gradients[name]
        found = backward_line(trace, Adjoint(name))
        if len(gradient.parts) != 1 or found is None or trace.graph.nodes[name].batched:
            continue
        formula = gradient.per_case or gradient.parts[0].formula
        signal = formula
        while isinstance(signal, Call) and operation_of(signal) in (sum_, sum_to):
            signal = signal.arguments[0]
        if not isinstance(signal, Adjoint) or signal.name == trace.graph.cost:
            continue
        array = np.asarray(trace.run.numbers[Adjoint(signal.name)])
        averaged = gradient.per_case is not None
        if averaged and formula is not signal:
            continue
        how = trace.problem.reduction if averaged else "equal" if formula is signal else "sum"
        step = made_in(trace).get(Adjoint(signal.name), "")
        return BiasGradient(
            name=name,
            signal=Adjoint(signal.name),
            equation=signal.name,
            how="mean" if how == "mean" else "sum" if how == "sum" else "equal",
            gradient=(total := total_gradient(trace, name)),
            cases=array.shape[-1] if averaged else array.size // max(1, total.size),
            steps=tuple(dict.fromkeys(s for s in (step, found[0]) if s)),
        )
    return None


def input_scaling(trace: Trace) -> InputScaling | None:
    """Two entries of one gradient that share the factor from behind and differ in the input."""
    for name in trace.problem.parameters:
        gradient = trace.graph.gradients[name]
        found = backward_line(trace, Adjoint(name))
        if found is None or len(gradient.parts) != 1 or gradient.per_case is not None:
            continue
        pair = _sharing(trace, found[1])
        if pair is None:
            continue
        (first, second), signal, inputs = pair
        numbers = total_gradient(trace, name)
        value = _number(trace, signal)
        return InputScaling(
            name=name,
            entries=(first, second),
            gradients=(at_entry(numbers, first), at_entry(numbers, second)),
            inputs=inputs,
            values=(_number(trace, inputs[0]), _number(trace, inputs[1])),
            signal=signal,
            signal_value=value,
            steps=tuple(s for s in (made_in(trace).get(leaves(signal)[0], ""), found[0]) if s),
        )
    return None


def _sharing(
    trace: Trace, line: TraceLine
) -> tuple[tuple[Index, Index], Expression, tuple[Expression, Expression]] | None:
    """Two non-zero entries whose formulas are the same gradient's entry times different inputs."""
    formula = annotated(line.formula, trace.graph.shape)
    seen: dict[Expression, list[tuple[Index, Expression]]] = {}
    for index in np.ndindex(line.shape):
        opened = entry_of(formula, index)
        if not isinstance(opened, Call) or not isinstance(operation_of(opened).notation, Product):
            return None
        signal, factor = opened.arguments
        if not _is_entry(signal, Adjoint) or not _is_entry(factor, Name):
            return None
        if _number(trace, signal) == 0 or _number(trace, factor) == 0:
            continue
        rest = seen.setdefault(signal, [])
        rest.append((index, factor))
        others = [(i, f) for i, f in rest if _number(trace, f) != _number(trace, factor)]
        if others:
            return (others[0][0], index), signal, (others[0][1], factor)
    return None


def _is_entry(expression: Expression, kind: type[Adjoint] | type[Name]) -> bool:
    inner = expression
    if isinstance(inner, Call) and isinstance(operation_of(inner).notation, Subscript):
        inner = inner.arguments[0]
    return isinstance(inner, kind)


def _number(trace: Trace, expression: Expression) -> float:
    """The number of a leaf's entry."""
    index: Any = ()
    leaf = expression
    if isinstance(leaf, Call):
        index, leaf = leaf.option("at"), leaf.arguments[0]
    assert isinstance(leaf, Name | Adjoint)
    return at_entry(trace.run.numbers[leaf], index)


def sum_over_paths(trace: Trace) -> SumOverPaths | None:
    """The first parameter, or else value, that several equations use."""
    values = [n for n in trace.graph.nodes if trace.graph.nodes[n].kind == "value"]
    for name in (*differentiated(trace), *reversed(values)):
        parts = trace.graph.gradients[name].parts if name in trace.graph.gradients else ()
        found = backward_line(trace, Adjoint(name))
        if len(parts) < 2 or found is None or trace.graph.nodes[name].batched:
            continue
        arrays = [
            np.asarray(trace.run.numbers[Adjoint(name, p.through)], dtype=float) for p in parts
        ]
        shares = tuple(Share(p.through, a) for p, a in zip(parts, arrays, strict=True))
        steps = [made_in(trace).get(Adjoint(p.through), "") for p in parts]
        return SumOverPaths(
            name=name,
            shares=shares,
            gradient=total_gradient(trace, name),
            steps=in_order((*steps, found[0])),
        )
    return None


def case_shares(trace: Trace) -> CaseShares | None:
    """Each case solved alone: its loss, and the length of its gradient."""
    problem = trace.problem
    batched = {n: g.array for n, g in problem.data.items() if g.batched}
    if not batched or any(g.batched for g in problem.parameters.values()) or not problem.parameters:
        return None
    count = next(iter(batched.values())).shape[-1]
    if not 2 <= count <= CASES:
        return None
    losses: list[float] = []
    lengths: list[float] = []
    for case in range(count):
        alone = solved_alike(
            trace, problem.with_values({n: Given(a[..., case]) for n, a in batched.items()})
        )
        if alone is None:
            return None
        losses.append(float(alone.run.loss))
        lengths.append(_length(alone))
    steps = [
        made_in(trace)[Name(trace.graph.loss)],
        *(s for n in problem.parameters for s in step_of(trace, n)),
    ]
    return CaseShares(
        reduction=problem.reduction,
        losses=tuple(losses),
        lengths=tuple(lengths),
        largest=int(np.argmax(lengths)),
        length=_length(trace),
        steps=in_order(steps),
    )


def _length(trace: Trace) -> float:
    """The Euclidean length of the gradient of all parameters together."""
    squares = [float((total_gradient(trace, n) ** 2).sum()) for n in trace.problem.parameters]
    return float(np.sqrt(sum(squares)))


# -- how strongly the loss depends on a number ----------------------------------------------


def most_sensitive(trace: Trace) -> MostSensitive | None:
    """Where nothing is updated: every given number by the size of its gradient."""
    if update_step(trace) is not None or np.ndim(trace.run.loss):
        return None
    found = _entries(trace, MOST_LISTED)
    if len(found) < 2:
        return None
    steps = in_order(s for e, _ in found for s in step_of(trace, e.name))
    return MostSensitive(tuple(found), steps)


def _entries(trace: Trace, most: int) -> list[tuple[QuestionedEntry, float]]:
    """The entries with the largest gradients in size, largest first."""
    found: list[tuple[QuestionedEntry, float]] = []
    for name in differentiated(trace):
        if trace.graph.nodes[name].batched:
            continue
        gradient = total_gradient(trace, name)
        for place in np.argsort(-np.abs(gradient), axis=None, kind="stable")[:most]:
            index = index_of(gradient, int(place))
            found.append((QuestionedEntry(name, index), at_entry(gradient, index)))
    return sorted(found, key=lambda pair: -abs(pair[1]))[:most]


def small_change(trace: Trace) -> SmallChange | None:
    """An entry with a large gradient raised a little, and the loss run again.

    The largest whose change is foretold well is taken, so that no kink lies in the way.
    """
    if np.ndim(trace.run.loss) or trace.run.carry == "rounded":
        return None
    ordered = _entries(trace, TRIED)
    tried = [t for where, g in ordered if g and (t := _nudged(trace, where, g)) is not None]
    return next(iter((*(t for t in tried if t.close), *tried)), None)


def _nudged(trace: Trace, where: QuestionedEntry, gradient: float) -> SmallChange | None:
    home = trace.problem.parameters or trace.problem.data
    array = np.array(home[where.name].array, dtype=float)
    array[where.index] += NUDGE
    other = solved_alike(trace, trace.problem.with_values({where.name: Given(array)}))
    if other is None:
        return None
    return SmallChange(
        entry=where,
        by=NUDGE,
        gradient=gradient,
        loss=float(trace.run.loss),
        other_loss=float(other.run.loss),
        steps=step_of(trace, where.name),
    )
