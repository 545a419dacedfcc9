"""A traced plan entry by entry: what one case takes, as straight-line C of single numbers.

Each instruction is run once on arrays whose entries are the names of numbers, by NumPy where it moves
or adds entries, by the code of one entry where it computes them. No rule stands here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.operations import minors
from handgrad.record import record
from handgrad.running.tracing import REDUCTIONS, Instruction, Recorder, Reference

ENTRYWISE = {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "square": "{0} * {0}",
    "negative": "-{}",
    "greater": "{} > {}",
    "greater_equal": "{} >= {}",
    "less": "{} < {}",
    "less_equal": "{} <= {}",
    "equal": "{} == {}",
    "not_equal": "{} != {}",
    "logical_and": "{} && {}",
    "logical_or": "{} || {}",
    "logical_not": "!{}",
    "where": "{} ? {} : {}",
    # Of a number and NaN NumPy takes NaN, whichever comes first.
    "maximum": "{0} < {1} || {1} != {1} ? {1} : {0}",
    "minimum": "{0} > {1} || {1} != {1} ? {1} : {0}",
    "sign": "{0} != {0} ? {0} : ({0} > 0) - ({0} < 0)",
}
"""By NumPy's function, the C code of one entry; what is true is 1, as it is in C."""

FUNCTIONS = {
    "absolute": "fabs",
    "cos": "cos",
    "each_erf": "erf",
    "each_erfc": "erfc",
    "exp": "exp",
    "expm1": "expm1",
    "floor": "floor",
    "log": "log",
    "log1p": "log1p",
    "power": "pow",
    "sin": "sin",
    "sqrt": "sqrt",
    "tanh": "tanh",
}
"""By NumPy's function, C's."""

MOVING = frozenset(
    [
        *("arange", "broadcast_to", "concat", "expand_dims", "flip", "ones_like", "permute_dims"),
        *("cumsum", "reshape", "squeeze", "stack", "transpose", "zeros", "zeros_like"),
        *("einsum", "matmul", "tensordot"),
    ]
)
"""NumPy's functions that do of themselves what is right: put entries elsewhere, multiply and add them."""


class UnrecordedError(Exception):
    """There is no code for one entry of an instruction."""


@record
class Scalar:
    """A number by the name that it has in the code."""

    code: str
    writer: Scalars

    def __add__(self, other: Any) -> Any:
        # Sums of products start from a plain 0.
        return self if type(other) is int and other == 0 else self.writer.entry("add", self, other)

    def __mul__(self, other: Any) -> Any:
        return self.writer.entry("multiply", self, other)

    __radd__, __rmul__ = __add__, __mul__

    def __sub__(self, other: Any) -> Any:
        return self.writer.entry("subtract", self, other)

    def __truediv__(self, other: Any) -> Any:
        return self.writer.entry("divide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.writer.entry("divide", other, self)

    def __neg__(self) -> Any:
        return self.writer.entry("negative", self)


@dataclass
class Scalars:
    """The code that computes some entries, line by line; `before` are the lines that stand before all cases.

    Arguments:
        recorder: of the traced plan; its inputs and results have one case on their last axis.
        suffix: what C's functions of the type of the numbers end in: nothing, or `f` for single precision.
        most: `UnrecordedError` is raised where the code would be longer than so many lines.
        turn: what the code computes.
    """

    recorder: Recorder
    suffix: str
    most: int
    turn: str = "one case"
    lines: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    too_long: bool = False
    _made: dict[str, Scalar] = field(default_factory=dict)
    _unread: dict[str, tuple[list[str], str]] = field(default_factory=dict)

    def input(
        self, k: int, shape: tuple[int, ...], batched: bool, *, changes: bool = False
    ) -> Array:
        """The entries of the argument `i{k}` as scalars; each is read where the code uses it first.

        What has a case for each turn of the loop, or `changes` in it, is read in every turn.
        """
        entries = np.empty(shape, dtype=object)
        home = self.lines if batched or changes else self.before
        for flat, at in enumerate(np.ndindex(*shape)):
            name = f"x{k}_{flat}"
            self._unread[name] = home, f"number {name} = i{k}[{place(flat, batched)}];"
            entries[at] = Scalar(name, self)
        return entries

    def of(
        self, instructions: Sequence[Instruction], inputs: Mapping[int, Array]
    ) -> dict[int, Array]:
        """The results of the instructions, by number: arrays of scalars, of `inputs` likewise."""
        values: dict[int, Any] = dict(inputs)
        for number, constant in self.recorder.constants.items():
            values[number] = np.asarray(constant)
        for instruction in instructions:
            values[instruction.number] = self._result(instruction, values)
            if self.too_long:
                raise UnrecordedError(f"{self.turn} takes more than {self.most} lines of it")
        return values

    def entry(self, function: str, *operands: Any) -> Any:
        """One entry computed: a line of code, or one that is there already."""
        codes = [self.code(operand) for operand in operands]
        if function in FUNCTIONS:
            name = FUNCTIONS[function] + self.suffix
            self.functions.add(name)
            code = f"{name}({', '.join(codes)})"
        else:
            code = ENTRYWISE[function].format(*codes)
        found = self._made.get(code)
        if found is None:
            if len(self.lines) + len(self.before) >= self.most:
                # Raised once NumPy is through: an error within its loop over objects loses count of them.
                self.too_long = True
                return operands[0]
            found = self._made[code] = Scalar(f"s{len(self._made)}", self)
            self.lines.append(f"number {found.code} = {code};")
        return found

    def code(self, operand: Any) -> str:
        """What stands for an entry in the code: the name of a number, or a constant."""
        if isinstance(operand, Scalar):
            if operand.code in self._unread:
                home, line = self._unread.pop(operand.code)
                home.append(line)
            return operand.code
        value = float(operand)
        if np.isnan(value):
            return '((number)__builtin_nan(""))'
        if np.isinf(value):
            return "((number)__builtin_inf())" if value > 0 else "(-(number)__builtin_inf())"
        return f"((number){value.hex()})"

    def _result(self, instruction: Instruction, values: Mapping[int, Any]) -> Any:
        function, keywords = instruction.function, dict(instruction.keywords)
        arguments = [_value(a, values) for a in instruction.arguments]
        if function in ENTRYWISE or function in FUNCTIONS:
            each = self._each(function, len(arguments))
            return np.asarray(each(*arguments), dtype=object)
        if function in REDUCTIONS:
            return self._reduced(REDUCTIONS[function], arguments[0], **keywords)
        if function == "getitem":
            return arguments[0][keywords["at"].at]
        if function == "place":
            whole = np.array(arguments[0], dtype=object)
            whole[keywords["at"].at] = arguments[1]
            return whole
        if function == "linalg_inv":
            return minors.inverse(arguments[0], np.stack)
        if function == "linalg_det":
            return np.asarray(minors.determinant(arguments[0]), dtype=object)
        if function in MOVING:
            return getattr(np, function)(*arguments, **keywords)
        raise UnrecordedError(f"{function} has no code for one entry")

    def _each(self, function: str, count: int) -> Any:
        return np.frompyfunc(lambda *operands: self.entry(function, *operands), count, 1)

    def _reduced(
        self, function: str, array: Array, axis: Any = None, keepdims: bool = False
    ) -> Array:
        axes = range(array.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        each = self._each(function, 2)
        for one in sorted((a % array.ndim for a in axes), reverse=True):
            array = np.asarray(each.reduce(array, axis=one, keepdims=keepdims), dtype=object)
        return array


def place(flat: int, batched: bool) -> str:
    """Where an entry lies: one with cases has those of the entries before it in front of its own."""
    return f"{flat} * cases + n" if batched else str(flat)


def _value(argument: Any, values: Mapping[int, Any]) -> Any:
    if isinstance(argument, Reference):
        return values[argument.number]
    return tuple(_value(a, values) for a in argument) if isinstance(argument, tuple) else argument
