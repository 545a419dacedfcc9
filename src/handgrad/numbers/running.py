"""Running a problem on numbers of another kind."""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, ClassVar, Literal, TypeAlias, cast

import numpy as np

from handgrad.arrays import Array, Objects
from handgrad.errors import NumberError
from handgrad.expression import Adjoint, Expression, Leaf, Name, leaves
from handgrad.graph import Graph, build
from handgrad.graph.asked import unasked
from handgrad.graph.structure import Line
from handgrad.numbers.exact import Exact
from handgrad.numbers.symbolic import Symbolic, sympy, value_in_decimals
from handgrad.operations import minors
from handgrad.problem import Problem
from handgrad.problem.given import Given, Written
from handgrad.record import JsonForm
from handgrad.running import Plan
from handgrad.running.evaluate import value_of
from handgrad.running.plan import spelled_name
from handgrad.saving import Page, Result

NumberKind: TypeAlias = Literal["exact", "symbols"]

Spelled: TypeAlias = Objects
"""An array of numbers that JSON has as texts."""


@dataclass(frozen=True, slots=True, repr=False)
class OtherRun(Result):
    """A run on other numbers: every value and gradient as an array of objects.

    `functions` are NumPy's, for these numbers; of symbols, `letters` has the number of each.
    """

    kind: NumberKind
    problem: Problem
    graph: Graph
    numbers: Mapping[Leaf, Objects]
    functions: _Namespace
    letters: Mapping[object, Exact] = field(default_factory=dict)
    json: ClassVar = JsonForm(
        "numbers",
        without=("problem", "graph", "numbers", "functions", "letters"),
        also=("values", "gradients"),
    )

    @property
    def values(self) -> Mapping[str, Spelled]:
        """Every named value."""
        return {name: self.value(name) for name in self.graph.nodes}

    @property
    def gradients(self) -> Mapping[str, Spelled]:
        """The gradient of the loss with respect to every named value that has one."""
        return {n: self.gradient(n) for n in self.graph.nodes if self.has_gradient(n)}

    def number_at(self, number: Exact | Symbolic) -> Exact | float | None:
        """An exact number itself; a formula's value at the problem's numbers, exact where floats cannot hold it.

        None where it is too large to be written out.
        """
        if isinstance(number, Exact):
            return number
        if math.isfinite(number.value):
            return float(number.value)
        return value_in_decimals(number.formula, self.letters)

    def value(self, name: str) -> Objects:
        """A forward value."""
        return self._array(self.numbers[Name(name)])

    def _array(self, value: Any) -> Objects:
        """An array of this kind of number, plain constants among them converted."""
        number = np.frompyfunc(self.functions.own_number, 1, 1)
        return np.asarray(number(np.asarray(value, object)), object)

    def of(self, formula: Expression) -> Objects:
        """The value of an annotated formula of the graph's values."""
        numbers = {leaf: self._array(self.numbers[leaf]) for leaf in leaves(formula)}
        return self._array(value_of(formula, numbers, self.graph.batched_leaves, self.functions))

    def has_gradient(self, name: str) -> bool:
        """Whether the gradient with respect to a named value could be had; one that no parameter's needs may not."""
        return name == self.graph.cost or Adjoint(name) in self.numbers

    def gradient(self, name: str) -> Objects:
        """The gradient of the loss with respect to a named value, in the value's shape."""
        value = self.value(name)
        if name == self.graph.cost:
            return self._array(np.ones(value.shape))
        gradient = self._array(self.numbers[Adjoint(name)])
        if gradient.ndim < value.ndim:
            gradient = gradient[..., None]
        return np.broadcast_to(gradient, value.shape)

    def page(self, decimals: int = 4) -> Page:
        """Values and gradients, each with its figure beside it, shown to so many decimals."""
        from handgrad.numbers.page import numbers_page

        return numbers_page(self, decimals)

    def __repr__(self) -> str:
        return f"<Run in {self.kind} numbers of {len(self.graph.nodes)} values>"


def run_exact(problem: Problem, graph: Graph | None = None) -> OtherRun:
    """The run in fractions as the numbers are written, and in decimals from the first transcendental function on.

    Arguments:
        problem: what is run; its numbers are taken as they are written.
        graph: the problem's, where it has been built.

    Raises `NumberError` where a result grows past what is sensible to write out.

        >>> print(handgrad.run_exact(handgrad.load("lab9")).value("z1"))
        [3/5 1/10]
    """
    graph = graph or build(problem)
    return _run(problem, graph, "exact", Exact, lambda name, given: _written(given))


def slopes_in_decimals(problem: Problem, graph: Graph, name: str) -> Array:
    """The gradient of the loss over all the cases with respect to a given, by differences in many digits.

    No rule of a backward pass is used, and nothing on the way cancels as it does in floats.

    Raises `NumberError` where a value on the way has no number.
    """
    functions = _Namespace(Exact)
    plan = Plan(graph, constant=_constants(Exact), lines=graph.forward)
    givens = {n: _decimals(_written(g)) for n, g in problem.inputs.items()}

    def loss(at: tuple[int, ...], step: Exact) -> Exact:
        moved = givens[name].copy()
        moved[at] = moved[at] + step
        try:
            numbers = plan({**givens, name: moved}, functions)
        except ArithmeticError as error:
            raise NumberError(_in_words(error)) from None
        return cast(Exact, np.asarray(numbers[Name(graph.cost)], object).sum())

    step = Exact(STEP)
    slopes = np.empty(givens[name].shape)
    for at in np.ndindex(slopes.shape):
        slopes[at] = float((loss(at, step) - loss(at, -step)) / (2 * step))
    return slopes


STEP = decimal.Decimal("1e-40")
"""A difference's step: its error goes with the step's square, and a loss keeps more digits than that."""


def _decimals(numbers: Objects) -> Objects:
    """Decimals in place of fractions, which would grow."""
    return np.asarray(np.frompyfunc(lambda n: Exact(n.decimal), 1, 1)(numbers), object)


def run_symbols(problem: Problem) -> OtherRun:
    """The run in the letters of the problem: W1[0,0] is W1_11. Gates are as they are at the problem's numbers.

    Raises `MissingExtraError` where SymPy is not installed.

        >>> print(handgrad.run_symbols(handgrad.load("neuron")).value("z"))
        b + w_1*x_1 + w_2*x_2
    """

    known: dict[Any, Exact] = {}

    def letters(name: str, given: Given) -> Objects:
        symbols = np.empty(given.array.shape, dtype=object)
        numbers = _written(given)
        for index in np.ndindex(given.array.shape):
            below = "".join(str(i + 1) for i in index)
            letter = sympy().Symbol(f"{name}_{below}" if below else name, real=True)
            known[letter] = cast(Exact, numbers[index])
            symbols[index] = Symbolic(letter, float(given.array[index]))
        return symbols

    found = _run(problem, build(problem), "symbols", Symbolic, letters)
    return replace(found, letters=known)


class _Namespace:
    """NumPy's functions; what they make of plain numbers is turned into this kind of number."""

    def __init__(self, kind: type[Exact] | type[Symbolic]) -> None:
        self.own_number = kind.of
        self.pi = kind.pi()
        self._convert = np.frompyfunc(kind.of, 1, 1)
        self._zero = kind.of(0.0)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def zeros(self, shape: tuple[int, ...], *, dtype: Any = object) -> Any:
        """Zeros of this kind: what lies around an array, or between its entries, is a number like others."""
        return np.full(shape, self._zero, dtype=object)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """One or the other, entry by entry."""
        return self._convert(np.where(condition, a, b))

    def maximum(self, a: Any, b: Any) -> Any:
        """The larger of the two, entry by entry."""
        return self._convert(np.maximum(a, b))

    def minimum(self, a: Any, b: Any) -> Any:
        """The smaller of the two, entry by entry."""
        return self._convert(np.minimum(a, b))

    def inverse(self, a: Any) -> Any:
        """The inverses of the matrices on the last two axes."""
        return minors.inverse(a, np.stack)

    def determinant(self, a: Any) -> Any:
        """The determinants of the matrices on the last two axes."""
        return minors.determinant(a)

    @property
    def special(self) -> _Special:
        """The functions that NumPy lacks."""
        return _Special()


class _Special:
    erf = staticmethod(np.frompyfunc(lambda a: a.erf(), 1, 1))
    erfc = staticmethod(np.frompyfunc(lambda a: a.erfc(), 1, 1))


def _run(
    problem: Problem,
    graph: Graph,
    kind: NumberKind,
    numbers: type[Exact] | type[Symbolic],
    read: Callable[[str, Given], Objects],
) -> OtherRun:
    givens = problem.inputs
    functions = _Namespace(numbers)
    with np.errstate(all="ignore"):
        try:
            read_in = {name: read(name, given) for name, given in givens.items()}
        except NumberError as error:
            raise error.at(problem.where) if problem.where else error from None
        constants = _constants(numbers)
        try:
            results = Plan(graph, constant=constants)(read_in, functions)
        except (ArithmeticError, NumberError):
            # What nobody asked for may have no exact value: the slope of √x at 0.
            try:
                results = Plan(graph, constant=constants, lines=_asked(graph))(read_in, functions)
            except (ArithmeticError, NumberError) as error:
                raise _failing(problem, graph, read_in, functions, error) from None
    return OtherRun(kind, problem, graph, results, functions)


def _asked(graph: Graph) -> list[Line]:
    """The lines without those of gradients that nobody asked for."""
    beside = unasked(graph)
    return [*graph.forward, *(line for line in graph.backward if line.leaf not in beside)]


def _failing(
    problem: Problem,
    graph: Graph,
    given: Mapping[str, Objects],
    functions: _Namespace,
    error: ArithmeticError | NumberError,
) -> NumberError:
    """The error of a run that fails, with the line of the worked solution at which it does."""
    what = error.what if isinstance(error, NumberError) else _in_words(error)
    mend = error.mend if isinstance(error, NumberError) else ""
    numbers: dict[Leaf, Any] = {Name(name): array for name, array in given.items()}
    for line in _asked(graph):
        try:
            numbers[line.leaf] = value_of(line.formula, numbers, graph.batched_leaves, functions)
        except (ArithmeticError, NumberError):
            place = line.through or line.leaf.name
            found = next((e for e in problem.equations if e.target == place), None)
            number = found.numbered if found else ""
            subject = "the gradient with respect to " if isinstance(line.leaf, Adjoint) else ""
            return NumberError(
                f"{subject}{spelled_name(graph, line.leaf.name)} cannot be had in these numbers: {what}",
                where=", ".join(filter(None, (problem.where, number))),
                source=found.text if found else "",
                mend=mend,
            )
    return NumberError(what, where=problem.where, mend=mend)


def _in_words(error: ArithmeticError) -> str:
    match error:
        case decimal.Overflow() | OverflowError():
            return "a result is too large to be written out"
        case ZeroDivisionError():
            return "a division by zero"
        case _:
            return "a result is not a real number"


def _constants(kind: type[Exact] | type[Symbolic]) -> Callable[[Array], Any]:
    convert = np.frompyfunc(kind.of, 1, 1)
    return lambda array: convert(array) if array.ndim else kind.of(float(array))


def _written(given: Given) -> Objects:
    """The numbers as they were written; those of an array file as the shortest decimals that give them."""
    if given.written is None:
        flat = [Exact.of(float(x)) for x in given.array.flat]
        shape = given.array.shape
    else:
        texts = _flat(given.written)
        flat = [_from_text(t) for t in texts]
        shape = given.array.shape
        if given.batched:
            shape = (shape[-1], *shape[:-1])
    result = np.empty(len(flat), dtype=object)
    result[:] = flat
    array = result.reshape(shape)
    return np.moveaxis(array, 0, -1) if given.batched and given.written is not None else array


def _from_text(text: str) -> Exact:
    mantissa, _, exponent = text.lower().partition("e")
    if exponent and abs(int(exponent)) > 1000:
        raise NumberError(f"{text[:40]} has too many digits to be written out exactly")
    top, _, bottom = mantissa.replace(" ", "").partition("/")
    scale = Fraction(10) ** int(exponent or 0)
    return Exact(Fraction(top) / Fraction(bottom or "1") * scale)


def _flat(written: Written) -> list[str]:
    return [written] if isinstance(written, str) else [t for w in written for t in _flat(w)]
