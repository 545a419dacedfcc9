"""A jaxpr as one flat list of instructions: calls are opened, loops are unrolled, and all numbers are worked out.

Each instruction is then a primitive of JAX on values that are numbered; `jit`, `remat`, `custom_jvp_call` and the like
are gone. A function with a derivative of its own (custom_jvp, custom_vjp) is opened where its rule gives, at these
numbers, what the formula inside it gives; else it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jax.extend.core import primitives

from handgrad.equations.place import CodePlace
from handgrad.models.builder import unreadable
from handgrad.models.jax.naming import Stack, place_of, stack_of

CALLS: Mapping[str, str] = {
    primitives.jit_p.name: "jaxpr",
    primitives.closed_call_p.name: "call_jaxpr",
    primitives.call_p.name: "call_jaxpr",
    primitives.remat_p.name: "jaxpr",
}
"""Primitives that stand for the jaxpr within them, and the parameter that has it."""

KEEPING: Mapping[str, str] = {
    primitives.custom_jvp_call_p.name: "call_jaxpr",
    primitives.custom_vjp_call_p.name: "call_jaxpr",
}
"""Calls that have a derivative of their own."""

STEPS = 2000
"""How many steps of a loop are unrolled at most."""


@dataclass(frozen=True, slots=True)
class FlatEquation:
    """A primitive applied to values, which are numbered.

    Arguments:
        name: the primitive's.
        inputs: the numbers of its arguments.
        outputs: those of its results.
        params: its parameters.
        stack: the calls of the user's code that led to it.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    params: Mapping[str, Any]
    stack: Stack

    @property
    def place(self) -> CodePlace:
        """The line of code that asks for it."""
        return place_of(self.stack)


@dataclass
class Flat:
    """The instructions of a function, and the numbers of all values.

    Arguments:
        instructions: in order.
        numbers: by value, its numbers.
        fixed: the values that depend on no parameter and no floating datum.
        labels: of these, what was done last to make them.
        named: custom calls that stand for one operation: called with the equation, says how it is called.
    """

    named: Callable[[Any], str]
    instructions: list[FlatEquation] = field(default_factory=list)
    numbers: list[Any] = field(default_factory=list)
    fixed: set[int] = field(default_factory=set)
    labels: dict[int, str] = field(default_factory=dict)

    def value(self, numbers: Any, fixed: bool) -> int:
        """A new value."""
        self.numbers.append(numbers)
        if fixed:
            self.fixed.add(len(self.numbers) - 1)
        return len(self.numbers) - 1

    def run(self, closed: Any, arguments: Sequence[int], caller: Stack | None = None) -> list[int]:
        """Adds the instructions of a closed jaxpr; gives its results.

        What stands within a call is told of the line that calls: JAX keeps a function's jaxpr for later calls, with
        the lines of the first.
        """
        jaxpr, consts = closed.jaxpr, closed.consts
        values: dict[Any, int] = {}
        for variable, const in zip(jaxpr.constvars, consts, strict=True):
            values[variable] = self.value(const, True)
        values.update(zip(jaxpr.invars, arguments, strict=True))
        for equation in jaxpr.eqns:
            inputs = [self._read(values, v) for v in equation.invars]
            stack = stack_of(equation) if caller is None else caller
            results = self._equation(equation, inputs, stack)
            for variable, value in zip(equation.outvars, results, strict=True):
                values[variable] = value
        return [self._read(values, v) for v in jaxpr.outvars]

    def _read(self, values: Mapping[Any, int], variable: Any) -> int:
        if isinstance(variable, core.Literal):
            return self.value(variable.val, True)
        return values[variable]

    def _equation(self, equation: Any, inputs: list[int], stack: Stack) -> list[int]:
        name = equation.primitive.name
        is_nan = name == primitives.ne_p.name and inputs[0] == inputs[1]
        if is_nan or all(k in self.fixed for k in inputs):
            results = [self.value(n, True) for n in self._evaluated(equation, inputs, stack)]
            self.labels.update(
                dict.fromkeys(results, str(equation.params.get("name", "")).strip("_"))
            )
            return results
        if name in CALLS:
            return self.run(_closed(equation.params[CALLS[name]]), inputs, stack)
        if name in KEEPING:
            return self._custom(equation, inputs, stack)
        if name == primitives.scan_p.name:
            return self._scan(equation.params, inputs, stack)
        if name == primitives.cond_p.name:
            return self._cond(equation.params, inputs, stack)
        if name == primitives.while_p.name:
            raise unreadable(
                "while_loop runs as long as the data say",
                place_of(stack),
                "a scan, or a Python loop, of a fixed length is unrolled",
            )
        results = [self.value(n, False) for n in self._evaluated(equation, inputs, stack)]
        self.add(name, inputs, results, equation.params, stack)
        return results

    def add(
        self,
        name: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        params: Mapping[str, Any],
        stack: Stack,
    ) -> None:
        """Adds an instruction."""
        self.instructions.append(FlatEquation(name, tuple(inputs), tuple(outputs), params, stack))

    def _evaluated(self, equation: Any, inputs: Sequence[int], stack: Stack) -> list[Any]:
        numbers = [self.numbers[k] for k in inputs]
        try:
            return applied(equation, *numbers)
        except Exception as error:  # whatever JAX raises
            raise unreadable(
                f"{equation.primitive.name} cannot be worked out: {str(error)[:80]}",
                place_of(stack),
            ) from None

    def _custom(self, equation: Any, inputs: list[int], stack: Stack) -> list[int]:
        name = self.named(equation)
        if name:
            results = [self.value(n, False) for n in self._evaluated(equation, inputs, stack)]
            self.add(name, [k for k in inputs if k not in self.fixed], results, {}, stack)
            return results
        inner = _closed(equation.params[KEEPING[equation.primitive.name]])
        if not self._same_slopes(equation, inner, inputs):
            called = equation.params.get("name", "a function")
            raise unreadable(
                f"{called} has a derivative of its own ({equation.primitive.name}), which is not that of its formula",
                place_of(stack),
                "write its formula without custom_jvp or custom_vjp",
            )
        return self.run(inner, inputs, stack)

    def _same_slopes(self, equation: Any, inner: Any, inputs: Sequence[int]) -> bool:
        """Whether a custom rule gives, at these numbers, the derivatives of the formula inside."""
        at = [self.numbers[k] for k in inputs]
        moving = [k for k, n in enumerate(at) if jnp.issubdtype(jnp.result_type(n), jnp.floating)]

        def of(function: Callable[..., Any]) -> Callable[..., Any]:
            def of_moving(*moved: Any) -> Any:
                whole = list(at)
                for k, n in zip(moving, moved, strict=True):
                    whole[k] = n
                found = function(*whole)
                return [n for n in found if jnp.issubdtype(jnp.result_type(n), jnp.floating)]

            return of_moving

        moved = [at[k] for k in moving]
        results, back = jax.vjp(of(partial(applied, equation)), *moved)
        _, own = jax.vjp(of(core.jaxpr_as_fun(inner)), *moved)
        generator = np.random.default_rng(0)
        ones = [
            jnp.asarray(generator.uniform(0.5, 1.5, jnp.shape(r)), jnp.result_type(r))
            for r in results
        ]
        pairs = zip(back(ones), own(ones), strict=True)
        close = 1e-9 if all(jnp.result_type(n) == jnp.float64 for n in moved) else 1e-4
        return all(np.allclose(a, b, rtol=close, atol=close) for a, b in pairs)

    def _scan(self, params: Mapping[str, Any], inputs: list[int], stack: Stack) -> list[int]:
        length, consts, carried = params["length"], params["num_consts"], params["num_carry"]
        if length > STEPS:
            raise unreadable(
                f"scan makes {length} steps", place_of(stack), f"at most {STEPS} are unrolled"
            )
        fixed, carry, rows = (
            inputs[:consts],
            inputs[consts : consts + carried],
            inputs[consts + carried :],
        )
        order = range(length)
        stacked: dict[int, list[int]] = {}
        for t in reversed(order) if params["reverse"] else order:
            row = [self._row(value, t, stack) for value in rows]
            results = self.run(params["jaxpr"], [*fixed, *carry, *row])
            carry, stacked[t] = results[:carried], results[carried:]
        kept = zip(*(stacked[t] for t in order), strict=True)
        return [*carry, *(self._stacked(values, stack) for values in kept)]

    def _row(self, value: int, t: int, stack: Stack) -> int:
        if value in self.fixed:
            return self.value(self.numbers[value][t], True)
        result = self.value(self.numbers[value][t], False)
        self.add(ROW, [value], [result], {"row": t}, stack)
        return result

    def _stacked(self, values: Sequence[int], stack: Stack) -> int:
        numbers = jnp.stack([self.numbers[k] for k in values])
        if all(k in self.fixed for k in values):
            return self.value(numbers, True)
        result = self.value(numbers, False)
        self.add(STACK, values, [result], {}, stack)
        return result

    def _cond(self, params: Mapping[str, Any], inputs: list[int], stack: Stack) -> list[int]:
        which, *rest = inputs
        if which not in self.fixed:
            raise unreadable(
                "cond chooses by what the data say",
                place_of(stack),
                "write jnp.where, which has both sides",
            )
        branches = params["branches"]
        chosen = int(np.clip(int(self.numbers[which]), 0, len(branches) - 1))
        return self.run(branches[chosen], rest)


ROW, STACK = "a row of a scan", "the rows of a scan"
"""Instructions that unrolling adds."""


def _closed(jaxpr: Any) -> Any:
    """A jaxpr with its constants: an open one has none."""
    return jaxpr if isinstance(jaxpr, core.ClosedJaxpr) else core.ClosedJaxpr(jaxpr, ())


def applied(equation: Any, *numbers: Any) -> list[Any]:
    """The results of one equation of a jaxpr."""
    params = equation.primitive.get_bind_params(equation.params)
    functions, params = params if isinstance(params, tuple) else ((), params)
    found = equation.primitive.bind(*functions, *numbers, **params)
    return list(found) if equation.primitive.multiple_results else [found]
