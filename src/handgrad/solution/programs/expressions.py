"""One formula as code: the kernels run on traced arrays, and the calls they make are written down."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Expression, Leaf
from handgrad.running.evaluate import value_of
from handgrad.running.tracing import (
    Instruction,
    Recorder,
    Reference,
    Traced,
    TracingNamespace,
    references,
)
from handgrad.solution.programs.dialects import Dialect

LONGEST = 56
"""A part that is longer than this gets a line of its own."""

ATOM, POWER, SIGN, PRODUCT, SUM, COMPARISON = 6, 5, 4, 3, 2, 1

INFIX = {
    "add": ("+", SUM),
    "subtract": ("-", SUM),
    "multiply": ("*", PRODUCT),
    "divide": ("/", PRODUCT),
    "matmul": ("@", PRODUCT),
    "power": ("**", POWER),
    "greater": (">", COMPARISON),
    "greater_equal": (">=", COMPARISON),
    "less": ("<", COMPARISON),
    "less_equal": ("<=", COMPARISON),
    "equal": ("==", COMPARISON),
    "not_equal": ("!=", COMPARISON),
}


@dataclass(frozen=True)
class CodePiece:
    """Code of one value, how tightly it binds, and whether it is a plain number of Python's."""

    text: str
    strength: int = ATOM
    plain: bool = False

    def within(self, strength: int) -> str:
        """The code where something that binds by `strength` stands around it."""
        return self.text if self.strength >= strength else f"({self.text})"


def formula_code(
    formula: Expression,
    spelled: Mapping[Leaf, str],
    values: Mapping[Leaf, Array],
    batched: set[Leaf],
    dialect: Dialect,
    fresh: Callable[[], str],
) -> tuple[list[str], str]:
    """The statements that a formula needs first, and the expression for its value.

    `spelled` gives the variable of every leaf; `fresh` the name of a new variable.
    """
    recorder = Recorder()
    traced: dict[Leaf, Any] = {leaf: recorder.input(values[leaf]) for leaf in spelled}
    result = value_of(formula, traced, batched, TracingNamespace(recorder))
    writer = _ExpressionWriter(
        dialect, fresh, recorder, {traced[leaf].number: CodePiece(n) for leaf, n in spelled.items()}
    )
    return writer.written(result)


@dataclass
class _ExpressionWriter:
    dialect: Dialect
    fresh: Callable[[], str]
    recorder: Recorder
    pieces: dict[int, CodePiece]
    statements: list[str] = field(default_factory=list)

    def written(self, result: Any) -> tuple[list[str], str]:
        if not isinstance(result, Traced):
            return [], self.array(np.asarray(result))
        self.needed = self._needed(result.number)
        for number, value in self.recorder.constants.items():
            array = np.asarray(value)
            self.pieces[number] = (
                self.number(float(array)) if not array.ndim else CodePiece(self.array(array))
            )
        uses = self._uses(result.number)
        for instruction in self.needed:
            piece = self.instruction(instruction)
            again = uses.get(instruction.number, 0) > 1
            long = len(piece.text) > LONGEST and instruction.number != result.number
            if piece.text.isidentifier() or not (again or long):
                self.pieces[instruction.number] = piece
            else:
                self.pieces[instruction.number] = self.named(piece)
        return self.statements, self.pieces[result.number].text

    def array(self, value: Array) -> str:
        """An array of numbers as the library's own."""
        return self.dialect.array.format(repr(value.astype(float).tolist()))

    def number(self, value: float) -> CodePiece:
        """A plain number: 2 for 2.0, as a person writes it."""
        for name in ("pi", "e"):
            if value == getattr(math, name):
                return CodePiece(f"math.{name}", ATOM, plain=True)
        text = repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(float(value))
        if not np.isfinite(value):
            text = f'float("{value}")'
        return CodePiece(text, ATOM if value >= 0 else SIGN, plain=True)

    def named(self, piece: CodePiece) -> CodePiece:
        """The piece in a variable of its own."""
        name = self.fresh()
        self.statements.append(f"{name} = {piece.text}")
        return CodePiece(name)

    def operand(self, value: Any) -> CodePiece:
        if isinstance(value, Reference):
            return self.pieces[value.number]
        if isinstance(value, tuple):
            pieces = [self.operand(v) for v in value]
            if sum(len(p.text) for p in pieces) > LONGEST:
                pieces = [p if p.text.isidentifier() else self.named(p) for p in pieces]
            last = "," if len(pieces) == 1 else ""
            return CodePiece(f"({', '.join(p.text for p in pieces)}{last})")
        if isinstance(value, str | bool):
            return CodePiece(repr(value))
        return self.number(float(value))

    def instruction(self, instruction: Instruction) -> CodePiece:
        function, keywords = instruction.function, dict(instruction.keywords)
        operands = [self.operand(a) for a in instruction.arguments]
        if function in INFIX:
            sign, strength = INFIX[function]
            left, right = operands
            # Operators of one strength group to the left, powers to the right.
            inner = (strength + 1, strength) if function == "power" else (strength, strength + 1)
            if function == "matmul" and left.strength == PRODUCT:
                inner = (strength + 1, strength + 1)
            text = f"{left.within(inner[0])} {sign} {right.within(inner[1])}"
            return CodePiece(text, strength, left.plain and right.plain)
        if hasattr(math, function) and all(o.plain for o in operands):
            return CodePiece(f"math.{function}({', '.join(o.text for o in operands)})", plain=True)
        match function:
            case "negative":
                return CodePiece(f"-{operands[0].within(SIGN + 1)}", SIGN, operands[0].plain)
            case "logical_not":
                return CodePiece(f"~{operands[0].within(ATOM)}", SIGN)
            case "square":
                return CodePiece(f"{operands[0].within(ATOM)} ** 2", POWER, operands[0].plain)
            case "transpose":
                return self.transposed(instruction, operands[0])
            case "getitem":
                return CodePiece(f"{operands[0].within(ATOM)}[{keywords['at']!r}]")
            case "zeros" | "arange":
                return CodePiece(f"{self.dialect.function(function)}({operands[0].text})")
            case "place":
                return self.placed(operands[0], operands[1], repr(keywords["at"]))
            case "flip":
                axes = keywords["axis"]
                return CodePiece(self.dialect.flipped.format(operands[0].text, axes))
            case "where" if operands[1].plain and operands[2].plain:
                # Of two whole numbers PyTorch would make whole numbers.
                floats = (CodePiece(o.text + ".0" * o.text.isdigit()) for o in operands[1:])
                return self.call(function, (operands[0], *floats), keywords)
            case "maximum" | "minimum" if not isinstance(instruction.arguments[1], Reference):
                form = (
                    self.dialect.larger_than_number
                    if function == "maximum"
                    else self.dialect.smaller_than_number
                )
                if form:
                    return CodePiece(form.format(operands[0].text, operands[1].text))
            case "sum" | "max" | "min" | "prod" if keywords.get("axis") == ():
                return operands[0]
            case "sum" | "max" | "min" | "prod" if self.is_over_all(instruction):
                return self.call(function, operands, {})
        return self.call(function, operands, keywords)

    def is_over_all(self, instruction: Instruction) -> bool:
        """Whether a reduction is over every axis, with none kept."""
        keywords = dict(instruction.keywords)
        axes = tuple(range(self.rank(instruction.arguments[0])))
        return keywords["axis"] == axes and not keywords.get("keepdims")

    def rank(self, argument: Any) -> int:
        """The number of axes of an argument."""
        if not isinstance(argument, Reference):
            return 0
        return len(self.recorder.shapes[argument.number])

    def call(
        self, function: str, operands: Sequence[CodePiece], keywords: Mapping[str, Any]
    ) -> CodePiece:
        named = [
            f"{self.dialect.keywords.get(k, k)}={_option(v)}"
            for k, v in keywords.items()
            if (k, v) != ("keepdims", False)
        ]
        first = operands[0]
        whole = first.text
        if first.plain:
            whole = self.dialect.array.format(f"{whole}.0" if whole.isdigit() else whole)
        inside = ", ".join([whole, *(o.text for o in operands[1:]), *named])
        return CodePiece(f"{self.dialect.function(function)}({inside})")

    def transposed(self, instruction: Instruction, whole: CodePiece) -> CodePiece:
        rank = len(instruction.shape)
        if rank < 2:
            return whole
        if rank > 2 and self.dialect.transposed_by:
            axes = tuple(reversed(range(rank)))
            return CodePiece(f"{self.dialect.transposed_by}({whole.text}, {axes})")
        return CodePiece(f"{whole.within(ATOM)}.T")

    def placed(self, whole: CodePiece, part: CodePiece, at: str) -> CodePiece:
        if not whole.text.isidentifier():
            whole = self.named(whole)
        self.statements.append(self.dialect.setting.format(whole=whole.text, at=at, part=part.text))
        return whole

    def _needed(self, result: int) -> list[Instruction]:
        needed, kept = {result}, []
        for instruction in reversed(self.recorder.instructions):
            if instruction.number in needed:
                kept.append(instruction)
                needed.update(references(instruction.arguments))
        return kept[::-1]

    def _uses(self, result: int) -> dict[int, int]:
        uses = {result: 1}
        for instruction in self.needed:
            for number in references(instruction.arguments):
                uses[number] = uses.get(number, 0) + 1
        return uses


def _option(value: Any) -> str:
    if isinstance(value, tuple) and len(value) == 1:
        return repr(value[0])
    return repr(value)
