"""A plan as straight-line NumPy code: traced once, trimmed, and compiled.

The code is written from the traced plan, never from the user's text. Small arrays are made
anew (`reuse=False`); large ones go into buffers that are used again as soon as they are free.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handgrad.expression import Leaf
from handgrad.running.blas import subtract_product
from handgrad.running.buffers import Buffers, is_ufunc
from handgrad.running.plan import Plan
from handgrad.running.regrouping import SUBTRACT_PRODUCT, folded, regrouped
from handgrad.running.tracing import (
    COMPARISONS,
    REDUCTIONS,
    Instruction,
    Recorder,
    Reference,
    traced,
)

INFIX = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "power": "**",
    "greater": ">",
    "greater_equal": ">=",
    "less": "<",
    "less_equal": "<=",
    "equal": "==",
    "not_equal": "!=",
}
SCALAR = {"maximum": "{0} if {0} > 0.0 else 0.0", "absolute": "abs({0})"}
"""What Python does with one number in less time than NumPy's function takes to be called."""
OTHER_WITH_OUT = frozenset(["matmul", "einsum", SUBTRACT_PRODUCT])


@dataclass(frozen=True)
class Program:
    """Compiled code: `call(*inputs, *outputs_to_fill)` gives the outputs in the order asked for."""

    source: str
    call: Callable[..., tuple[Any, ...]]
    inputs: tuple[str, ...]
    outputs: tuple[Leaf, ...]


def compiled(
    plan: Plan,
    inputs: Mapping[str, Any],
    outputs: Sequence[Leaf],
    *,
    reuse: bool,
    filled: Collection[Leaf] = (),
    donated: Mapping[Leaf, str] | None = None,
) -> Program:
    """The program that computes `outputs` of a plan from arrays like `inputs`.

    Arguments:
        plan: that of the graph.
        inputs: by name, arrays of the shapes and type that the program will be given.
        outputs: what is computed, in their order.
        reuse: keep buffers from call to call, and reuse them within one.
        filled: the outputs for which the caller passes an array to be filled, after the inputs.
        donated: outputs that may overwrite the input of this name.
    """
    recorder, given, wanted = traced(plan, inputs, outputs)
    dtype = np.result_type(*inputs.values())
    writer = _ProgramWriter(
        recorder=recorder,
        inputs={t.number: n for n, t in given.items()},
        wanted=[w.number for w in wanted],
        dtype=dtype,
        reuse=reuse,
        filled=[k for k, leaf in enumerate(outputs) if leaf in filled],
        donated={
            k: given[donated[leaf]].number
            for k, leaf in enumerate(outputs)
            if donated and leaf in donated
        },
    )
    source, names = writer.written()
    scope: dict[str, Any] = dict(names)
    exec(compile(source, "<handgrad program>", "exec"), scope)
    return Program(source, scope.pop("program"), tuple(inputs), tuple(outputs))


@dataclass
class _ProgramWriter:
    recorder: Recorder
    inputs: Mapping[int, str]
    wanted: Sequence[int]
    dtype: Any
    reuse: bool
    filled: Collection[int]
    donated: Mapping[int, int]
    scope: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    computed: set[int] = field(default_factory=set)

    def written(self) -> tuple[str, dict[str, Any]]:
        instructions = regrouped(self.recorder, self.wanted)
        if self.donated:
            instructions = folded(instructions, self.wanted, self._targets())
        dtype = self.dtype if self.reuse else None
        self.buffers = Buffers(instructions, self.wanted, self._targets(), dtype)
        for position, instruction in enumerate(instructions):
            self._write(position, instruction)
        for name, value in self.recorder.constants.items():
            array = np.asarray(value)
            kept = array.astype(self.dtype) if array.dtype.kind == "f" else array
            self.scope[f"v{name}"] = kept if kept.ndim else kept[()]
        self.scope.update(self.recorder.functions)
        self.scope.update(self.buffers.arrays)
        arguments = [f"v{number}" for number in self.inputs]
        arguments += [f"o{k}" for k in self.filled]
        self._finish()
        returned = ", ".join(self._result(k, n) for k, n in enumerate(self.wanted))
        body = [*self.lines, f"return ({returned},)"]
        text = f"def program({', '.join(arguments)}):\n" + "\n".join(f"    {b}" for b in body)
        return text + "\n", self.scope

    def _targets(self) -> dict[int, str]:
        """Where an output is to be computed at once: the array the caller gave for it."""
        targets: dict[int, str] = {}
        for k in self.filled:
            number = self.wanted[k]
            if number not in self.inputs:
                targets.setdefault(number, f"o{k}")
        for k, source in self.donated.items():
            targets.setdefault(self.wanted[k], f"v{source}")
        return targets

    # -- code ----------------------------------------------------------------------------------

    def _write(self, position: int, instruction: Instruction) -> None:
        if _takes_out(instruction):
            self.computed.add(instruction.number)
            target = self.buffers.target(position, instruction)
        else:
            target = None
        code = self._code(instruction, target)
        self.lines.append(f"v{instruction.number} = {code}")
        self.buffers.release(position, instruction)

    def _code(self, instruction: Instruction, target: str | None) -> str:
        function = instruction.function
        arguments = [self._operand(a) for a in instruction.arguments]
        keywords = dict(instruction.keywords)
        if function == "getitem":
            return f"{arguments[0]}[{keywords['at']!r}]"
        if function == "place":
            # The zeros were made for this alone.
            self.lines.append(f"{arguments[0]}[{keywords['at']!r}] = {arguments[1]}")
            return arguments[0]
        if function in REDUCTIONS:
            reduce = f"{REDUCTIONS[function]}_reduce"
            self.scope[reduce] = getattr(np, REDUCTIONS[function]).reduce
            keywords.setdefault("axis", None)
            return self._called(reduce, arguments, keywords, target)
        if function == "transpose":
            return f"{arguments[0]}.T"
        if function == SUBTRACT_PRODUCT:
            weights, a, b = arguments
            if target != weights:
                function, arguments = "subtract", [weights, f"{a}.dot({b})"]
            else:
                self.scope[function] = subtract_product
                return f"{function}({weights}, {a}, {b})"
        if target is None:
            if function in COMPARISONS.values():
                arguments = [self._operand(_as_float(a)) for a in instruction.arguments]
            if not instruction.shape and function in SCALAR and arguments[1:] in ([], ["0.0"]):
                return SCALAR[function].format(*arguments)
            if function in INFIX:
                return f"{arguments[0]} {INFIX[function]} {arguments[1]}"
            if function == "negative":
                return f"-{arguments[0]}"
            if function == "matmul" and len(instruction.shape) < 3:
                return f"{arguments[0]}.dot({arguments[1]})"
        if function == "where":
            # Of two plain numbers NumPy makes float64 whatever the condition's neighbours are.
            arguments[1:] = [
                self._typed(a, code)
                for a, code in zip(instruction.arguments[1:], arguments[1:], strict=True)
            ]
        if function == "maximum" and target is not None and instruction.arguments[1] == 0.0:
            # NumPy takes the larger of two arrays in half the time it takes with a plain number.
            arguments[1] = self._zeros(instruction.shape)
        if function not in self.scope and function not in self.recorder.functions:
            self.scope[function] = getattr(np, function)
        return self._called(function, arguments, keywords, target)

    def _called(
        self, function: str, arguments: list[str], keywords: Mapping[str, Any], target: str | None
    ) -> str:
        named = [f"{k}={self._keyword(v)}" for k, v in keywords.items()]
        if target is not None:
            named.append(f"out={target}")
        return f"{function}({', '.join([*arguments, *named])})"

    def _zeros(self, shape: tuple[int, ...]) -> str:
        name = f"zeros_{'_'.join(map(str, shape))}"
        if name not in self.scope:
            self.scope[name] = np.zeros(shape, self.dtype)
        return name

    def _typed(self, value: Any, code: str) -> str:
        if isinstance(value, Reference):
            return code
        name = f"k{len(self.scope)}"
        self.scope[name] = np.dtype(self.dtype).type(value)
        return name

    def _keyword(self, value: Any) -> str:
        if value is None or isinstance(value, bool | int | float | str | tuple):
            return repr(value)
        name = f"k{len(self.scope)}"
        self.scope[name] = value
        return name

    def _operand(self, value: Any) -> str:
        if isinstance(value, Reference):
            return f"v{value.number}"
        if isinstance(value, tuple):
            return f"({', '.join(self._operand(v) for v in value)},)" if value else "()"
        if isinstance(value, float) and not np.isfinite(value):
            self.scope["inf"], self.scope["nan"] = np.inf, np.nan
        return repr(value)

    def _finish(self) -> None:
        """Copies into the caller's arrays what could not be computed there."""
        self.copied: set[int] = set()
        for k in self.filled:
            number = self.wanted[k]
            if self.buffers.targets.get(number) != f"o{k}" or number not in self.computed:
                self.lines.append(f"o{k}[...] = v{number}")
                self.copied.add(k)

    def _result(self, k: int, number: int) -> str:
        return f"o{k}" if k in self.copied else f"v{number}"


def _as_float(operand: Any) -> Any:
    """A whole number as a float: NumPy compares floats with it in less time."""
    return float(operand) if type(operand) is int else operand


def _takes_out(instruction: Instruction) -> bool:
    """Whether NumPy computes it into a given array."""
    function = instruction.function
    return is_ufunc(function) or function in REDUCTIONS or function in OTHER_WITH_OUT
