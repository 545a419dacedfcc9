"""Why a forward value is what it is: followed to the sum that decides it, and the sum's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad.expression import (
    Call,
    Expression,
    Leaf,
    Literal,
    Name,
    leaves,
    literal_of,
    substitute,
    walk,
)
from handgrad.operations import operation_of
from handgrad.operations.arithmetic import multiply, negate
from handgrad.operations.elements import entry_of
from handgrad.operations.summands import summands
from handgrad.paths.answer import WhyValue
from handgrad.paths.blaming import Blaming, entry_named
from handgrad.paths.structure import TINY, Blame, Entry, Link, Term
from handgrad.paths.target import Target
from handgrad.problem import Problem
from handgrad.running.evaluate import value_of
from handgrad.solution.stable import told_by

LONGEST = 64
"""Links followed, at most."""


@np.errstate(all="ignore")
def why_value(
    problem: Problem,
    blaming: Blaming,
    target: Target,
    parts: Mapping[str, Expression],
    top: int,
) -> WhyValue:
    """The answer for one entry of a forward value."""
    graph = blaming.graph
    links: list[Link] = []
    entry = target.entry
    terms: list[tuple[int, Expression]] = []
    while graph.nodes[entry.name].kind == "value" and len(links) < LONGEST:
        written = told_by(entry.name, graph, blaming.values, frozenset())
        if _reduces_cases(written):
            # From here on there is a number for each case, and no one entry to follow.
            step = blaming.step(entry.name)
            put_in = _in_every_case(written, blaming)
            links.append(Link(entry, written, put_in, blaming.value(entry), step))
            break
        formula = entry_of(written, entry.index)
        blame = None
        if (
            isinstance(written, Call)
            and written.arguments
            and isinstance(written.arguments[0], Name)
        ):
            argument = Entry(written.arguments[0].name, entry.index)
            if graph.nodes[argument.name].shape == graph.nodes[entry.name].shape:
                blame = blaming.activation(argument, written)
                if blame is not None and blame.kind == "gate_shut" and blame.value > 0:
                    blame = None
        numbers = _with_numbers(formula, blaming)
        step = blaming.step(entry.name)
        links.append(Link(entry, formula, numbers, blaming.value(entry), step, blame))
        terms = summands(formula)
        following = _only_entry(formula)
        if len(terms) > 1 or following is None:
            break
        if len(following.index) != len(graph.nodes[following.name].shape):
            # A whole array goes into it, as into the largest of a window.
            break
        entry = following
    told = [_term(sign, formula, blaming) for sign, formula in terms] if len(terms) > 1 else []
    told.sort(key=lambda t: -abs(t.product))
    size = sum(abs(t.product) for t in told)
    listed = sum(abs(t.product) for t in told[:top])
    return WhyValue(
        problem=problem,
        entry=target.entry,
        value=blaming.value(target.entry),
        links=tuple(links),
        terms=tuple(told[:top]),
        term_count=len(told),
        covered=listed / size if size else float(len(told) <= top),
        given=graph.nodes[target.entry.name].kind != "value",
        parts=parts,
    )


def _reduces_cases(formula: Expression) -> bool:
    """Whether it is made of the numbers of all cases, as the mean of their losses is."""
    calls = (n for n in walk(formula) if isinstance(n, Call))
    return any(operation_of(call).reduces_cases is not None for call in calls)


def _in_every_case(formula: Expression, blaming: Blaming) -> Expression:
    """The formula with the numbers of every case put in."""
    batched = blaming.graph.batched_leaves

    def numbers(node: Expression) -> Expression | None:
        if isinstance(node, Name):
            return literal_of(blaming.values[node], node in batched)
        return None

    return substitute(formula, numbers)


def _only_entry(formula: Expression) -> Entry | None:
    """The one entry that a formula is made of."""
    entries = set(_entries(formula))
    return entries.pop() if len(entries) == 1 else None


def _entries(formula: Expression) -> list[Entry]:
    found = entry_named(formula) if not _is_negation(formula) else None
    if found is not None:
        return [found]
    if isinstance(formula, Call):
        return [e for a in formula.arguments for e in _entries(a)]
    return [Entry(leaf.name) for leaf in leaves(formula)]


def _is_negation(formula: Expression) -> bool:
    return isinstance(formula, Call) and formula.operation == negate.name


def _term(sign: int, formula: Expression, blaming: Blaming) -> Term:
    values = _values(formula, blaming)
    shown = -formula if sign < 0 else formula
    factors = _factors(formula)
    numbers = [float(value_of(f, values, set())) for f in factors]
    entries = tuple(e for f in factors for e in [entry_named(f)] if e is not None)
    small = min(range(len(factors)), key=lambda k: abs(numbers[k]))
    blame = None
    named = entry_named(factors[small])
    if abs(numbers[small]) < TINY and named is not None:
        blame = Blame("value", named, numbers[small], "", blaming.step(named.name))
    return Term(
        formula=shown,
        substituted=_with_numbers(shown, blaming),
        through=entries,
        factors=tuple(numbers) if sign > 0 else (-1.0, *numbers),
        product=sign * float(np.prod(numbers)) + 0.0,
        blame=blame,
    )


def _values(formula: Expression, blaming: Blaming) -> dict[Leaf, Any]:
    return {leaf: np.asarray(blaming.values[leaf], dtype=float) for leaf in leaves(formula)}


def _with_numbers(formula: Expression, blaming: Blaming) -> Expression:
    """The formula with the number of every entry in its place."""
    values = _values(formula, blaming)

    def number(node: Expression) -> Expression | None:
        if isinstance(node, Literal) or (isinstance(node, Call) and node.option("at") is None):
            return None
        return literal_of(value_of(node, values, set()))

    return substitute(formula, number)


def _factors(formula: Expression) -> list[Expression]:
    if isinstance(formula, Call) and formula.operation == multiply.name:
        return [f for a in formula.arguments for f in _factors(a)]
    return [formula]
