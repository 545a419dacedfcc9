"""How the given numbers of a problem are used: what each is put into, seen through transposes and the like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from handgrad.expression import Call, Expression, Literal, Name, leaves, number, walk
from handgrad.graph import Graph
from handgrad.operations import operation_of
from handgrad.operations.arithmetic import multiply, subtract


@dataclass(frozen=True, slots=True)
class Use:
    """A given as an argument of an operation.

    Arguments:
        call: the operation, applied.
        position: which argument it is in.
        plain: whether the argument is the given itself, or a transpose, a part or a shape of it.
        complement: whether it is there as 1 less itself.
        within: the calls around `call` in its equation, the nearest first.
        equation: that equation's target.
    """

    call: Call
    position: int
    plain: bool
    complement: bool
    within: tuple[Call, ...]
    equation: str

    @property
    def others(self) -> tuple[Expression, ...]:
        """The other arguments."""
        return (*self.call.arguments[: self.position], *self.call.arguments[self.position + 1 :])

    @property
    def cofactors(self) -> tuple[Expression, ...]:
        """The other arguments, and the other factors of the whole product that they are in."""
        found, inner = list(self.others), self.call
        for call in self.within:
            if call.operation != multiply.name:
                break
            found += [a for a in call.arguments if a != inner]
            inner = call
        return tuple(found)


def uses(graph: Graph, name: str) -> tuple[Use, ...]:
    """Every use of a given. An equation that only moves it about is seen through."""
    return tuple(_uses(graph, name, True, False, set()))


def _uses(graph: Graph, name: str, plain: bool, complement: bool, seen: set[str]) -> Iterator[Use]:
    if name in seen:
        return
    seen.add(name)
    for equation in graph.consumers.get(name, ()):
        node = graph.nodes[equation]
        for formula in dict.fromkeys((node.written, node.computed)):
            if formula is None:
                continue
            for around in _paths(formula, name):
                yield from _climbed(graph, equation, around, plain, complement, seen)


def taken(graph: Graph, name: str) -> tuple[Use, ...]:
    """Every place where an equation takes a value as it is, with nothing seen through."""
    found = []
    for equation in graph.consumers.get(name, ()):
        formula = graph.nodes[equation].written
        for around in _paths(formula, name) if formula is not None else ():
            if around:
                (call, position), *within = around
                found.append(
                    Use(call, position, True, False, tuple(c for c, _ in within), equation)
                )
            else:
                found += taken(graph, equation)
    return tuple(found)


def _paths(formula: Expression, name: str) -> Iterator[tuple[tuple[Call, int], ...]]:
    """For each place of a name in a formula, the calls around it from within, and through which argument."""
    stack: list[tuple[Expression, tuple[tuple[Call, int], ...]]] = [(formula, ())]
    while stack:
        node, around = stack.pop()
        if isinstance(node, Name) and node.name == name:
            yield around
        elif isinstance(node, Call):
            stack += [(a, ((node, k), *around)) for k, a in enumerate(node.arguments)]


def _climbed(
    graph: Graph,
    equation: str,
    around: tuple[tuple[Call, int], ...],
    plain: bool,
    complement: bool,
    seen: set[str],
) -> Iterator[Use]:
    for level, (call, position) in enumerate(around):
        others = (*call.arguments[:position], *call.arguments[position + 1 :])
        carried = position in operation_of(call).carries
        if not carried or any(leaves(o) for o in others):
            within = tuple(c for c, _ in around[level + 1 :])
            yield Use(call, position, plain, complement, within, equation)
            return
        if call.operation == subtract.name and position == 1 and number(others[0]) == 1:
            complement = not complement
        plain = plain and not any(isinstance(o, Literal) for o in others)
    yield from _uses(graph, equation, plain, complement, seen)


def feeding(graph: Graph) -> dict[str, frozenset[str]]:
    """By name, the givens that its value depends on."""
    found: dict[str, frozenset[str]] = {}
    for name, node in graph.nodes.items():
        if node.written is None:
            found[name] = frozenset([name])
        else:
            sources = [found.get(leaf.name, frozenset()) for leaf in leaves(node.written)]
            found[name] = frozenset().union(*sources)
    return found


def opened(graph: Graph, formula: Expression, depth: int = 4) -> Iterator[Call]:
    """The calls in a formula and in the equations of the names in it, the outermost first."""
    for node in reversed(list(walk(formula))):
        if isinstance(node, Call):
            yield node
        elif isinstance(node, Name) and depth:
            written = graph.nodes[node.name].written if node.name in graph.nodes else None
            if written is not None:
                yield from opened(graph, written, depth - 1)
