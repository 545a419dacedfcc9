"""The hinge of a loss: max(0, margin − d), which stands behind the network and is no unit of it.

Read off one formula, max(0, 1 − y·s) is known by the number that is added in. Where the margin has a name, or 1 − y·s has one,
only the other equations tell it from the ReLU of a layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from functools import cached_property

from handgrad.equations import Equation
from handgrad.expression import ONE, ZERO, Call, Expression, Name, leaves, number, walk
from handgrad.operations import operation_of
from handgrad.operations.arithmetic import add, divide, multiply, negate, power, subtract
from handgrad.operations.choosing import where
from handgrad.operations.functions import maximum, square
from handgrad.operations.gates import activation_in
from handgrad.operations.reductions import maximum_of, mean, sum_
from handgrad.operations.structure import index
from handgrad.record import builder

GATHERED = frozenset(o.name for o in (add, sum_, mean, maximum_of, index))
"""What makes one loss of several terms."""

SCALED = frozenset((multiply.name, divide.name))


def with_hinges(
    equations: tuple[Equation, ...], learned: Set[str], fixed: Set[str], loss: str
) -> tuple[Equation, ...]:
    """The equations with each max(0, z) marked that is the hinge of the loss.

    It is one where nothing learned acts on it on its way to the loss, which is made of it by sums, means, powers and given
    factors; and where a given number is added into z, or z is a product with its sign turned, names in it written out.

    Arguments:
        equations: as they were read.
        learned: the names of the parameters.
        fixed: the names of the data.
        loss: the name of the value that is differentiated.
    """
    reading = _Margins({e.target: e.expression for e in equations}, learned, fixed, loss)
    if not reading.candidates:
        return equations
    found = reading.hinges()
    if not found:
        return equations
    return tuple(replace(e, expression=_marked(e.expression, found)) for e in equations)


def _marked(expression: Expression, hinges: Set[int]) -> Expression:
    if not isinstance(expression, Call):
        return expression
    call = expression.of([_marked(a, hinges) for a in expression.arguments])
    return replace(call, hinge=True) if id(expression) in hinges else call


@builder
class _Margins:
    made: Mapping[str, Expression]
    learned: Set[str]
    fixed: Set[str]
    loss: str

    @cached_property
    def candidates(self) -> dict[int, Expression]:
        """By the identity of each max(0, z) that could be a hinge, its z."""
        found: dict[int, Expression] = {}
        for expression in self.made.values():
            for node in walk(expression):
                known = activation_in(node)
                if known is not None and known is not node and self._margin(known.arguments[0]):
                    found[id(node)] = known.arguments[0]
        return found

    def _margin(self, z: Expression) -> bool:
        """Whether it is one of a hinge's, with the names in it written out."""
        return activation_in(Call(maximum.name, (ZERO, self._opened(z, frozenset())))) is None

    def _opened(self, z: Expression, within: frozenset[str]) -> Expression:
        """Names of sums and products written out; a number that is given, as a number."""
        if isinstance(z, Name):
            if z.name in self.fixed and within:
                return ONE
            made = self.made.get(z.name)
            return z if made is None or z.name in within else self._opened(made, within | {z.name})
        if isinstance(z, Call) and z.operation in (add.name, subtract.name, negate.name):
            # Not the datum alone: it is one where it is added in.
            return z.of([self._opened(a, within | {""}) for a in z.arguments])
        return z

    def hinges(self) -> set[int]:
        """Those whose every way to the loss makes a loss of them, and nothing else."""
        order = list(self._backward())
        behind = {self.loss}  # the values that only the loss is made of
        spoiled: set[str] = set()
        found: set[int] = set()
        for name in order:
            carried = name in behind and name not in spoiled
            for node, kept in self._places(self.made[name], carried):
                if isinstance(node, Name):
                    (behind if kept else spoiled).add(node.name)
                elif kept and id(node) in self.candidates:
                    found.add(id(node))
        return found

    def _backward(self) -> Iterator[str]:
        """The equations that lead to the loss, each after all that use it."""
        seen: set[str] = set()
        order: list[str] = []
        stack = [(self.loss, False)]
        while stack:
            name, done = stack.pop()
            if done:
                order.append(name)
            elif name in self.made and name not in seen:
                seen.add(name)
                stack.append((name, True))
                stack += [(leaf.name, False) for leaf in leaves(self.made[name])]
        return reversed(order)

    def _places(self, expression: Expression, carried: bool) -> Iterator[tuple[Expression, bool]]:
        """The names and the hinges in a formula, each with whether the formula is a loss made of it."""
        if isinstance(expression, Name) or id(expression) in self.candidates:
            yield expression, carried
        if isinstance(expression, Call):
            # What goes into a hinge is the network, and no loss.
            inside = carried and id(expression) not in self.candidates
            for place, argument in enumerate(expression.arguments):
                yield from self._places(argument, inside and self._carries(expression, place))

    def _carries(self, call: Call, place: int) -> bool:
        others = [a for k, a in enumerate(call.arguments) if k != place]
        if call.operation in GATHERED or call.operation == square.name:
            return True
        if call.operation in SCALED or operation_of(call).family == "linear":
            above = call.operation != divide.name or place == 0
            return above and not any(map(self._depends, others))
        if call.operation == power.name:
            return place == 0 and number(call.arguments[1]) is not None
        return call.operation == where.name and place > 0

    def _depends(self, expression: Expression) -> bool:
        """Whether something learned is in a formula, or in what it is made of."""
        return any(leaf.name in self._learned for leaf in leaves(expression))

    @cached_property
    def _learned(self) -> frozenset[str]:
        found = set(self.learned)
        while True:
            fresh = {
                n
                for n, made in self.made.items()
                if n not in found and any(x.name in found for x in leaves(made))
            }
            if not fresh:
                return frozenset(found)
            found |= fresh
