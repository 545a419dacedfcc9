"""How backward formulas refer to parts of equations: by an equation's name, as written, or as a let."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import field

from handgrad.expression import Call, Expression, Leaf, Name, leaves, walk
from handgrad.graph.structure import Let, Node, is_batched
from handgrad.notation import Unwritten
from handgrad.operations import operation_of
from handgrad.operations.annotate import signature_of
from handgrad.operations.arithmetic import divide, multiply, negate
from handgrad.operations.operation import Application, Signature
from handgrad.operations.structure import fill
from handgrad.record import builder

SHORT = 2
"""A formula with at most this many names and numbers is written into the next one."""


class Referring(Application):
    """A call as its pull-backs see it; a part of it is referred to only where a rule asks for it."""

    __slots__ = ("_call", "_equation", "_parts", "_root", "_signature")

    def __init__(self, parts: Parts, call: Call, equation: str, root: bool = False) -> None:
        self._parts, self._call, self._equation, self._root = parts, call, equation, root
        self._signature = signature_of(call)

    @property
    def signature(self) -> Signature:
        """The shapes and options of the call."""
        return self._signature

    @property
    def arguments(self) -> tuple[Expression, ...]:
        """How formulas refer to its arguments."""
        return tuple([self._parts.reference(a, self._equation) for a in self._call.arguments])

    @property
    def out(self) -> Expression:
        """How formulas refer to its result: at the root of an equation by the equation's name."""
        if self._root:
            return Name(self._equation, shape=self._call.shape)
        return self._parts.reference(self._call, self._equation)


@builder
class Parts:
    """The parts of equations that formulas refer to; `lets` are those that got a name of their own.

    `letter` is that of their names, which the problem does not number, as in u₁, u₂, …;
    `batched` are the leaves that differ from case to case; lets that do are added to them.
    """

    nodes: Mapping[str, Node]
    batched: set[Leaf]
    lets: dict[str, Let] = field(default_factory=dict)
    _named: dict[Expression, Expression] = field(default_factory=dict)
    _references: dict[Call, Expression] = field(default_factory=dict)
    _same: dict[Expression, list[Let]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.letter = self._free_letter()
        self._has_parameters = any(n.kind == "parameter" for n in self.nodes.values())

    def name(self, equations: Iterable[str]) -> None:
        """Makes every part that one of the equations computes be called by the equation's name."""
        written = [(name, self.nodes[name].written) for name in equations]
        calls = [(name, formula) for name, formula in written if isinstance(formula, Call)]
        # A part is smaller than what it is part of: its name is known before it is needed.
        for name, formula in sorted(calls, key=lambda call: _size(call[1])):
            self._named.setdefault(self._part(formula, name), Name(name, shape=formula.shape))

    def call(self, formula: Call, name: str) -> None:
        """Makes a formula be called by the name of the equation that computes it in other words."""
        self._named.setdefault(self._part(formula, name), Name(name, shape=formula.shape))

    def reference(self, expression: Expression, equation: str) -> Expression:
        """How a formula refers to a part of an equation: its name, the part itself, or a let."""
        if not isinstance(expression, Call):
            return expression
        found = self._references.get(expression)
        if found is None:
            part = self._part(expression, equation)
            found = self._named.get(part, part)
            if found is part and not (is_short(part, calls=SHORT) or self.is_factor(part)):
                let = self.let(expression, equation)
                found = Name(let.name, shape=let.shape)
            self._references[expression] = found
        return found

    def is_factor(self, formula: Expression) -> bool:
        """Whether a formula is a product of gradients and constants, written before the rest: λ/2m.

        A problem's data are constants where it has parameters.
        """
        names = [leaf for leaf in leaves(formula) if isinstance(leaf, Name)]
        given = all(n.name in self.nodes and self.nodes[n.name].kind == "data" for n in names)
        return given and self._has_parameters and is_coefficient(formula)

    def let(self, expression: Call, equation: str, taken: Container[str] = ()) -> Let:
        """The let that names a part, other than those `taken`."""
        part = self._part(expression, equation)
        same = self._same.setdefault(part, [])
        for let in same:
            if let.name not in taken:
                return let
        name = f"{self.letter}_{len(self.lets) + 1}"
        formula, batched = self._named.get(part, part), is_batched(part, self.batched)
        let = Let(name, expression, formula, part.shape or (), batched, equation)
        self.lets[name] = let
        same.append(let)
        if let.batched:
            self.batched.add(Name(name))
        return let

    def folded(self, formula: Expression) -> Expression:
        """The formula with every part that an equation computes called by its name."""
        if not isinstance(formula, Call):
            return formula
        named = self._named.get(formula)
        if named is not None:
            return named
        return formula.of([self.folded(a) for a in formula.arguments])

    def _part(self, call: Call, equation: str) -> Call:
        return call.of([self.reference(a, equation) for a in call.arguments])

    def _free_letter(self) -> str:
        """A letter that no name of the problem numbers, or has entries of: u₁, u₂, … or another."""
        for letter in "uvqrstmnk":
            if letter not in self.nodes and not any(n.startswith(f"{letter}_") for n in self.nodes):
                return letter
        return "part"


def _size(formula: Expression) -> int:
    """The number of nodes."""
    return sum(1 for _ in walk(formula))


def is_short(formula: Expression, calls: int | None = None) -> bool:
    """Whether a formula is written into the next one; of at most so many `calls`, where that counts."""
    nodes = list(walk(formula))
    # π has no arguments, and is written as a number is.
    inner = [n for n in nodes if isinstance(n, Call) and n.arguments]
    if len(nodes) - len(inner) > SHORT or (calls is not None and len(inner) > calls):
        return False
    return all(map(_plain, inner))


def is_coefficient(formula: Expression) -> bool:
    """Whether a formula is a product of scalars, which reads well before what it multiplies, such as λ/2m.

    It may be the same for every entry of an array.
    """
    if isinstance(formula, Call) and formula.operation == fill.name:
        formula = formula.arguments[0]
    return all(
        e.shape == () and (not isinstance(e, Call) or e.operation in _OF_COEFFICIENTS)
        for e in walk(formula)
    )


_OF_COEFFICIENTS = frozenset((multiply.name, divide.name, negate.name))


def _plain(call: Call) -> bool:
    """Whether a call reads well inside another formula."""
    operation = operation_of(call)
    return (
        operation.elementwise
        or isinstance(operation.notation, Unwritten)
        or (operation.family == "structure" and operation.arity == (1, 1))
    )
