"""Functions of JAX as problems: their jaxpr, instruction by instruction."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jax.extend.core import primitives

from handgrad.errors import HandgradError, NumberError, ProblemError
from handgrad.expression import Call, Expression, Literal, Name, walk
from handgrad.models.builder import Builder, unreadable
from handgrad.models.formulas import Masked
from handgrad.models.jax.flattening import Flat, FlatEquation, applied
from handgrad.models.jax.naming import Naming
from handgrad.models.jax.patterns import Patterns
from handgrad.models.jax.primitive import Primitive, Spread, Value
from handgrad.models.jax.rules import RELU, RELU6, RULES, SOFTPLUS
from handgrad.problem import Problem

LONGEST = 9
"""How many parts a formula may have that stands within another."""


def read_function(function: Callable[..., Any], parameters: Any, data: Any) -> Problem:
    """The problem of a function of JAX; see `handgrad.from_jax`."""
    arguments = data if isinstance(data, tuple) else (data,)
    names = _argument_names(function, 1 + len(arguments))
    learned = _leaves(parameters, "", "parameters")
    given = [
        leaf
        for name, tree in zip(names[1:], arguments, strict=True)
        for leaf in _leaves(tree, name, "data")
    ]
    try:
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(parameters, *arguments)
    except HandgradError:
        raise
    except Exception as error:  # whatever the user's function raises
        raise ProblemError(
            f"the function raises {type(error).__name__}: {_first_line(error)}"
        ) from None
    results = jax.tree_util.tree_leaves(shapes)
    if not results or results[0].shape != () or not jnp.issubdtype(results[0].dtype, jnp.floating):
        what = "nothing" if not results else f"{results[0].dtype} of the shape {results[0].shape}"
        raise ProblemError(
            f"the function gives {what} first, and no loss",
            mend="it gives one number, such as a mean",
        )
    return JaxReader(closed, learned, given, getattr(function, "__name__", "")).problem()


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:160] if lines else ""


@dataclass(frozen=True, slots=True)
class Leaf:
    """An array of a tree, and the path that leads to it."""

    path: str
    array: Any


def _leaves(tree: Any, before: str, where: str) -> list[Leaf]:
    """The arrays of a tree by their paths, such as layers.0.w."""
    found = []
    for keys, leaf in jax.tree_util.tree_leaves_with_path(tree):
        path = ".".join(part for part in (before, *map(_key, keys)) if part) or where
        try:
            array = jnp.asarray(leaf)
        except (TypeError, ValueError):
            raise NumberError(
                f"a {type(leaf).__name__} is no array", where=f"{where}, {path}"
            ) from None
        if jnp.issubdtype(array.dtype, jnp.floating) and not bool(jnp.isfinite(array).all()):
            raise NumberError(
                "it holds a NaN or an infinity", where=path, mend="every number must be finite"
            )
        found.append(Leaf(path, leaf))
    return found


def _key(key: Any) -> str:
    """One step into a tree: a key, a place, or a field's name."""
    for name in ("key", "idx", "name"):
        if hasattr(key, name):
            return str(getattr(key, name))
    return str(key)


def _argument_names(function: Callable[..., Any], count: int) -> list[str]:
    """What the function calls its arguments."""
    try:
        names = [n for n, p in inspect.signature(function).parameters.items() if p.kind in (0, 1)]
    except (TypeError, ValueError):
        names = []
    return [names[k] if k < len(names) else f"data{k}" for k in range(count)]


def called(equation: Any) -> str:
    """The function of jax.nn that a call with a derivative of its own is; "" for any other.

    It has the formula of jax.nn's, letter by letter, and its slopes at numbers among which its kinks are.
    """
    moving = [k for k, v in enumerate(equation.invars) if not _is_zero(v)]
    if len(moving) != 1:
        return ""
    (where,) = moving
    kind = equation.invars[where].aval
    own_formula = str(equation.params.get("call_jaxpr"))
    for function, instruction in _own_derivatives():
        shape: Any = jnp.zeros(kind.shape, kind.dtype)
        expected = _call_within(jax.make_jaxpr(function)(shape).jaxpr)
        if expected is None or str(expected.params["call_jaxpr"]) != own_formula:
            continue
        at = jnp.resize(jnp.array([-800.0, -1.0, 0.0, 0.5, 6.0, 7.5, 800.0]), kind.shape).astype(
            kind.dtype
        )

        def alone(z: Any, where: int = where) -> Any:
            numbers = [z if k == where else v.val for k, v in enumerate(equation.invars)]
            return applied(equation, *numbers)[0]

        own, theirs = (
            np.asarray(jax.vjp(f, at)[1](jnp.ones_like(at))[0]) for f in (alone, function)
        )
        if np.array_equal(own, theirs, equal_nan=True):
            return instruction
    return ""


def _own_derivatives() -> tuple[tuple[Callable[..., Any], str], ...]:
    return (
        (jax.nn.relu, RELU),
        (jax.nn.relu6, RELU6),
        (jax.nn.softplus, SOFTPLUS),
        (lambda z: jnp.logaddexp(0.0, z), SOFTPLUS),
    )


def _is_zero(variable: Any) -> bool:
    return isinstance(variable, core.Literal) and bool(np.all(np.asarray(variable.val) == 0))


def _call_within(jaxpr: Any) -> Any:
    """The call with a derivative of its own in a jaxpr, however deep."""
    for equation in jaxpr.eqns:
        if "call_jaxpr" in equation.params:
            return equation
        inner = equation.params.get("jaxpr")
        if inner is not None:
            found = _call_within(inner.jaxpr)
            if found is not None:
                return found
    return None


@dataclass
class JaxReader:
    """Writes the equations of one function."""

    closed: Any
    learned: Sequence[Leaf]
    data: Sequence[Leaf]
    title: str
    flat: Flat = field(init=False)
    builder: Builder = field(init=False)
    values: dict[int, Value] = field(default_factory=dict)
    names: dict[int, Expression] = field(default_factory=dict)

    def problem(self) -> Problem:
        """The problem."""
        self.flat = Flat(called)
        self.builder = Builder("JAX", self.title)
        arguments = []
        for leaves, learned in ((self.learned, True), (self.data, False)):
            for leaf in leaves:
                floating = jnp.issubdtype(jnp.result_type(leaf.array), jnp.floating)
                value = self.flat.value(
                    jnp.asarray(leaf.array) if floating else leaf.array, not floating
                )
                arguments.append(value)
                if floating:
                    numbers = np.asarray(leaf.array, dtype=np.float64)
                    self.values[value] = (
                        self.builder.parameter(
                            leaf.path, numbers, dtype=jnp.result_type(leaf.array)
                        )
                        if learned
                        else self.builder.data(leaf.path, numbers)
                    )
                else:
                    self.paths[value] = leaf.path
        (loss, *_) = self.flat.run(self.closed, arguments)
        if loss in self.flat.fixed:
            raise ProblemError("the loss depends on no parameter and no floating datum")
        instructions = Patterns(self.flat).put([loss])
        self.uses = Counter(k for i in instructions for k in i.inputs)
        self.takers = {k: i for i in instructions for k in i.inputs}
        naming = Naming()
        self.runs = {
            k: runs for i in instructions for runs in [naming.runs(i.stack)] for k in i.outputs
        }
        self.targets = naming.targets
        self.last = {run: k for k, runs in self.runs.items() for run in runs}
        for instruction in instructions:
            self._instruction(instruction, loss)
        found = self.values[loss]
        assert isinstance(found, Expression)
        return self.builder.problem(self.builder.named("loss", found))

    paths: dict[int, str] = field(default_factory=dict)

    def _instruction(self, instruction: FlatEquation, loss: int) -> None:
        if instruction.name == primitives.stop_gradient_p.name:
            self._held(instruction)
            return
        rule = RULES.get(instruction.name)
        if rule is None:
            raise unreadable(
                f"the primitive {instruction.name} is not read",
                instruction.place,
                f"read are {', '.join(sorted(n for n in RULES if ' ' not in n))}",
            )
        flat = self.flat
        view = Primitive(
            name=instruction.name,
            params=instruction.params,
            values=[self.values.get(k) for k in instruction.inputs],
            numbers=[flat.numbers[k] for k in instruction.inputs],
            fixed=[k in flat.fixed for k in instruction.inputs],
            out=[tuple(np.shape(flat.numbers[k])) for k in instruction.outputs],
            place=instruction.place,
            builder=self.builder,
            given=lambda k: self._given(instruction.inputs[k]),
            places=self._places,
        )
        try:
            found = rule(view)
        except HandgradError as error:
            if error.where or "read" in error.what:
                raise
            raise unreadable(
                f"{instruction.name}: {error.what}", instruction.place, error.mend
            ) from None
        results = found if isinstance(found, tuple) else (found,)
        for k, value in zip(instruction.outputs, results, strict=True):
            self.values[k] = self._named(k, value, instruction, k == loss)

    def _held(self, instruction: FlatEquation) -> None:
        """A value whose gradient is stopped: its numbers are data."""
        (value,) = instruction.outputs
        array = np.asarray(self.flat.numbers[value], dtype=np.float64)
        self.values[value] = self.builder.data(f"{self._name(instruction)}.held", array)

    def _named(self, k: int, value: Value, instruction: FlatEquation, is_loss: bool) -> Value:
        """A value under the name that its statement gives it, unless it stands within another formula."""
        if is_loss and isinstance(value, Spread):
            value = value.formula
        if isinstance(value, Masked):
            return value
        formula = value.formula if isinstance(value, Spread) else value
        if isinstance(formula, Name | Literal) and not is_loss:
            return value
        if not is_loss and self._is_part(k, formula, instruction):
            return value
        path = "loss" if is_loss else self._name(instruction, k)
        name = self.builder.named(path, formula, instruction.place)
        return Spread(name, value.shape) if isinstance(value, Spread) else name

    def _is_part(self, k: int, formula: Expression, instruction: FlatEquation) -> bool:
        """Whether a value stands within the formula of the only one that takes it, in the same statement."""
        if self.uses[k] != 1 or instruction.name in _ALWAYS_NAMED:
            return False
        mine, theirs = self.runs[k], self.runs[self.takers[k].outputs[0]]
        size = sum(isinstance(n, Call) for n in walk(formula))
        return (mine == theirs and size <= LONGEST) or instruction.name in _NEVER_NAMED

    def _name(self, instruction: FlatEquation, k: int | None = None) -> str:
        """What a value is called: the name that its statement assigns, for the last of it; else what is done."""
        runs = self.runs.get(instruction.outputs[0], ())
        for run in reversed(runs):
            target, _ = self.targets[run]
            if k is not None and target and self.last[run] == k:
                return target
        around = next((self.targets[run][0] for run in reversed(runs) if self.targets[run][0]), "")
        done = instruction.name.split(" ")[0]
        if len(runs) > 1 and k is not None and self.last[runs[-1]] == k:
            # The last value of a helper has the helper's name.
            done = self.targets[runs[-1]][1].strip("<>")
        return f"{around}.{done}" if around else done

    def _places(self, array: Any, otherwise: str) -> Expression:
        """Places that entries are picked by: an argument of the function where it is that."""
        for k in self.paths:
            if np.array_equal(np.asarray(self.flat.numbers[k]), array):
                return self._given(k)
        return self.builder.data(otherwise, np.asarray(array, dtype=np.float64))

    def _given(self, k: int) -> Expression:
        """The formula of known numbers: data under the name that they came with."""
        if k not in self.names:
            array = np.asarray(self.flat.numbers[k])
            plain = (
                {0.0: "zeros", 1.0: "ones"}.get(float(array.flat[0]), "")
                if (array == array.flat[0]).all()
                else ""
            )
            path = self.paths.get(k) or plain or self.flat.labels.get(k) or "constant"
            self.names[k] = self.builder.data(path, array.astype(np.float64))
        return self.names[k]


_ALWAYS_NAMED = (RELU, RELU6)
_NEVER_NAMED = (
    primitives.convert_element_type_p.name,
    primitives.broadcast_in_dim_p.name,
    primitives.gt_p.name,
    primitives.ge_p.name,
    primitives.lt_p.name,
    primitives.le_p.name,
)
"""What is never an equation of its own: comparisons and repetitions."""
