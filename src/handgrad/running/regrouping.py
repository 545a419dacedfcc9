"""A program's instructions put so that they pass over fewer numbers; the values stay the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from handgrad.running.tracing import Instruction, Recorder, Reference, references

SUBTRACT_PRODUCT = "subtract_product"
"""C − A B, of the arguments C, A and B."""


def needed(instructions: Sequence[Instruction], wanted: Collection[int]) -> list[Instruction]:
    """Those from which what is wanted follows."""
    numbers = set(wanted)
    kept: list[Instruction] = []
    for instruction in reversed(instructions):
        if instruction.number in numbers:
            kept.append(instruction)
            numbers.update(references(instruction.arguments))
    return kept[::-1]


def regrouped(recorder: Recorder, wanted: Collection[int]) -> list[Instruction]:
    """c · (A B) and (A B) / c as (c · A) B, where A is no larger: no more entries to pass over."""
    instructions = needed(recorder.instructions, wanted)
    return needed(_Regrouping(recorder, _uses(instructions, wanted)).of(instructions), wanted)


def folded(
    instructions: Sequence[Instruction], wanted: Collection[int], donated: Mapping[int, str]
) -> list[Instruction]:
    """W − A B as one call, where W's array may take the result."""
    uses = _uses(instructions, wanted)
    products = {i.number: i for i in instructions if i.function == "matmul" and len(i.shape) == 2}
    result = []
    for instruction in instructions:
        match instruction:
            case Instruction(
                function="subtract", arguments=(Reference(weights), Reference(product))
            ) if (
                product in products
                and uses[product] == 1
                and donated.get(instruction.number) == f"v{weights}"
            ):
                operands = (Reference(weights), *products[product].arguments)
                folded = Instruction(
                    instruction.number, SUBTRACT_PRODUCT, operands, (), instruction.shape, False
                )
                result.append(folded)
            case _:
                result.append(instruction)
    return needed(result, wanted)


def _uses(instructions: Sequence[Instruction], wanted: Collection[int]) -> Counter[int]:
    """How often each value is used; what is wanted is used outside too."""
    uses = Counter(dict.fromkeys(wanted, 2))
    for instruction in instructions:
        uses.update(references(instruction.arguments))
    return uses


@dataclass
class _Regrouping:
    recorder: Recorder
    uses: Counter[int]
    products: dict[int, Instruction] = field(default_factory=dict)
    scaled: dict[Any, Reference] = field(default_factory=dict)
    result: list[Instruction] = field(default_factory=list)

    def of(self, instructions: Sequence[Instruction]) -> list[Instruction]:
        for instruction in instructions:
            moved = self._moved(instruction) or instruction
            if moved.function == "matmul":
                self.products[moved.number] = moved
            self.result.append(moved)
        return self.result

    def _moved(self, instruction: Instruction) -> Instruction | None:
        """A product scaled: the product of its smaller factor scaled and the other."""
        found = self._scaled_product(instruction)
        if found is None:
            return None
        product, factor = found
        left, right = product.arguments
        key = (instruction.function, left, factor)
        if key not in self.scaled:
            shape = self.recorder.shapes[left.number]
            number = self.recorder.next(shape)
            self.scaled[key] = Reference(number)
            self.result.append(
                Instruction(number, instruction.function, (left, factor), (), shape, False)
            )
        operands = (self.scaled[key], right)
        return Instruction(instruction.number, "matmul", operands, (), instruction.shape, False)

    def _scaled_product(self, instruction: Instruction) -> tuple[Instruction, Any] | None:
        if instruction.function not in ("multiply", "divide") or instruction.boolean:
            return None
        a, b = instruction.arguments
        for one, factor in ((a, b),) if instruction.function == "divide" else ((a, b), (b, a)):
            product = self.products.get(one.number) if isinstance(one, Reference) else None
            if product is None or self._shape(factor) != () or self.uses[product.number] != 1:
                continue
            left = self._shape(product.arguments[0])
            if len(product.shape) == 2 and prod(left) <= prod(product.shape):
                return product, factor
        return None

    def _shape(self, operand: Any) -> tuple[int, ...]:
        return self.recorder.shapes[operand.number] if isinstance(operand, Reference) else ()
