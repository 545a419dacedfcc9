"""Equations in topological order, and the errors that stand in the way of one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set

from handgrad.equations import Equation
from handgrad.errors import EquationError, nearest
from handgrad.expression import Name, leaves


def used_names(equation: Equation) -> tuple[Name, ...]:
    """The names on the right side, each once, in order of appearance."""
    return tuple(leaf for leaf in leaves(equation.expression) if isinstance(leaf, Name))


def _run_together(name: str, known: Sequence[str]) -> str:
    """The product that is meant by two known names without a sign between them: Wx."""
    for k in range(1, len(name)):
        left, right = name[:k], name[k:]
        if left in known and right in known:
            return f"write {left} @ {right}, or {left} * {right} entry by entry"
    return ""


def _of_steps(equation: Equation, name: str, known: Sequence[str]) -> str:
    """What is meant by a name that each step has with its number: h[t-1] for h{t-1}."""
    if equation.origin is None:
        return ""
    numbers = [k for k in known if re.fullmatch(rf"{re.escape(name)}_?\d+", k)]
    if not numbers:
        return ""
    below = "_" if "_" in numbers[0][len(name) :] else ""
    return f"write {name}{below}{{t}} for {numbers[0]} and the others: {name}[t] is an entry of an array"


def in_order(equations: Sequence[Equation], given: Set[str]) -> tuple[Equation, ...]:
    """The equations ordered so that each stands after those it uses, otherwise as written.

    Raises `EquationError` for a name that nothing gives or computes, and for a cycle.
    """
    by_target = {equation.target: equation for equation in equations}
    for equation in equations:
        for name in used_names(equation):
            if name.name not in given and name.name not in by_target:
                known = [*given, *by_target]
                error = EquationError(
                    f"{name.name} has no number, and no equation computes it",
                    source=equation.text,
                    span=name.span,
                    mend=_run_together(name.name, known)
                    or _of_steps(equation, name.name, known)
                    or nearest(name.name, known)
                    or f"give it one: {name.name} = … under [parameters] or [data]",
                )
                raise equation.located(error)
    state: dict[str, bool] = {}
    ordered: list[Equation] = []
    for equation in equations:
        _visit(equation, by_target, state, ordered)
    return tuple(ordered)


def _visit(
    start: Equation,
    by_target: Mapping[str, Equation],
    done: dict[str, bool],
    ordered: list[Equation],
) -> None:
    """Appends `start` and what it needs; a loop, not a recursion, so depth is no limit."""
    stack = [(start, iter(used_names(start)))]
    if start.target in done:
        return
    done[start.target] = False
    while stack:
        equation, names = stack[-1]
        for name in names:
            needed = by_target.get(name.name)
            if needed is None or done.get(name.name) is True:
                continue
            if name.name in done:
                path = [e.target for e, _ in stack]
                loop = [*path[path.index(name.name) :], name.name]
                error = EquationError(
                    f"a cycle: {' needs '.join(reversed(loop)) if len(loop) == 2 else ' → '.join(loop)}",
                    source=equation.text,
                    span=name.span,
                    mend="a value cannot be needed for its own computation",
                )
                raise equation.located(error)
            done[name.name] = False
            stack.append((needed, iter(used_names(needed))))
            break
        else:
            done[equation.target] = True
            ordered.append(equation)
            stack.pop()
