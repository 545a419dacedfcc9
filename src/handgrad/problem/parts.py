"""Every activation an equation of its own: `L = sum(relu(W @ x + b))` taken apart at its gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from handgrad.equations import source
from handgrad.expression import Call, Expression, Name, substitute
from handgrad.operations.gates import activation_in, activations_in
from handgrad.problem.problem import Problem


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an equation that was given a name: the formula, and the equation it stands in."""

    formula: Expression
    equation: str


def with_named_activations(problem: Problem) -> tuple[Problem, Mapping[str, Part]]:
    """The same computation with every activation, and what it is applied to, under a name.

    Also gives the parts by their new names, each formula in the problem's own names. A problem
    whose activations are all named is returned as it is.
    """
    opening = _Opening(_free_prefix(problem))
    for equation in problem.equations:
        opening.equation(equation.target, equation.expression, equation.text)
    if not opening.parts:
        return problem, {}
    return problem.with_equations(opening.texts), opening.parts


@dataclass
class _Opening:
    prefix: str
    texts: list[str] = field(default_factory=list)
    parts: dict[str, Part] = field(default_factory=dict)
    names: dict[Expression, str] = field(default_factory=dict)
    current: str = ""
    gates: set[int] = field(default_factory=set)

    def equation(self, target: str, expression: Expression, text: str) -> None:
        self.current = target
        self.gates = {id(node) for node, _ in activations_in(expression)}
        if id(expression) in self.gates:
            assert isinstance(expression, Call)
            opened: Expression = self._with_named_argument(expression)
        else:
            opened = self._opened(expression)
        self.texts.append(text if opened == expression else f"{target} = {source(opened)}")

    def _opened(self, expression: Expression) -> Expression:
        """The formula with each activation in it replaced by a name."""
        if not isinstance(expression, Call):
            return expression
        if id(expression) in self.gates:
            return self._named(expression, self._with_named_argument(expression))
        arguments = tuple(self._opened(a) for a in expression.arguments)
        if all(a is b for a, b in zip(arguments, expression.arguments, strict=True)):
            return expression
        return Call(expression.operation, arguments, expression.options)

    def _with_named_argument(self, activation: Call) -> Call:
        applied = activation_in(activation)
        assert applied is not None
        first = applied.arguments[0]
        opened = self._opened(first)
        if isinstance(opened, Call):
            opened = self._named(first, opened)
        if opened is first:
            return activation
        arguments = [
            substitute(a, lambda e: opened if e == first else None) for a in activation.arguments
        ]
        return Call(activation.operation, tuple(arguments), activation.options)

    def _named(self, formula: Expression, opened: Expression) -> Name:
        """The name of a part; equal parts share one."""
        name = self.names.get(opened)
        if name is None:
            name = self.names[opened] = f"{self.prefix}_{len(self.names) + 1}"
            self.texts.append(f"{name} = {source(opened)}")
            self.parts[name] = Part(formula, self.current)
        return Name(name)


def in_own_names(expression: Expression, parts: Mapping[str, Part]) -> Expression:
    """A formula with every part written out in the problem's own names."""
    return substitute(
        expression,
        lambda e: parts[e.name].formula if isinstance(e, Name) and e.name in parts else None,
    )


def _free_prefix(problem: Problem) -> str:
    """A word that no name of the problem begins with."""
    names = [*problem.parameters, *problem.data, *(e.target for e in problem.equations)]
    return next(
        word
        for word in ("part", "piece", "section", "part_of_an_equation")
        if not any(n.startswith(f"{word}_") for n in names)
    )
