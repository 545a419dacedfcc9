"""The arrays that a program computes into: used again as soon as nothing needs what is in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.running.tracing import Instruction, Reference, references


@dataclass
class Buffers:
    """Where each instruction of a program computes into.

    Arguments:
        instructions: the program's, in their order.
        wanted: the numbers of its outputs.
        targets: by number, the caller's array that a value is to be computed into: `o0` to be
            filled, or an input `v3` that may be overwritten once it is not needed any more.
        dtype: of the program's own arrays; None where it makes each anew.

    `arrays` are the program's own, by the names that the code uses.
    """

    instructions: Sequence[Instruction]
    wanted: Collection[int]
    targets: Mapping[int, str]
    dtype: Any
    arrays: dict[str, Array] = field(default_factory=dict)
    _free: dict[tuple[tuple[int, ...], bool], list[str]] = field(default_factory=dict)
    _held: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._base = self._bases()
        self._last = self._last_uses()
        # A view lies in the memory of what it is a view of.
        self.targets = {n: t for n, t in self.targets.items() if n not in self._base}

    def _bases(self) -> dict[int, int]:
        """By number, whose memory a view lies in."""
        base: dict[int, int] = {}
        for i in self.instructions:
            first = i.arguments[0] if i.arguments else None
            if i.view and isinstance(first, Reference):
                base[i.number] = base.get(first.number, first.number)
        return base

    def _last_uses(self) -> dict[int, int]:
        last: dict[int, int] = {}
        for position, instruction in enumerate(self.instructions):
            for number in references(instruction.arguments):
                last[self._base.get(number, number)] = position
        for number in self.wanted:
            last[self._base.get(number, number)] = len(self.instructions)
        return last

    def target(self, position: int, instruction: Instruction) -> str | None:
        """The array to compute an instruction into, or None for a new one."""
        number = instruction.number
        if number in self.targets:
            target = self.targets[number]
            if target.startswith("o"):
                return target
            if instruction.shape and self._last.get(int(target[1:]), -1) <= position:
                return target
        if self.dtype is None or not instruction.shape or number in self.wanted:
            return None
        if is_ufunc(instruction.function) and not instruction.boolean:
            for argument in instruction.arguments:
                taken = self._reusable(position, argument, instruction)
                if taken is not None:
                    return taken
        stock = self._free.setdefault((instruction.shape, instruction.boolean), [])
        if not stock:
            stock.append(f"b{len(self.arrays)}")
            dtype = bool if instruction.boolean else self.dtype
            self.arrays[stock[0]] = np.empty(instruction.shape, dtype)
        self._held[number] = stock.pop()
        return self._held[number]

    def _reusable(self, position: int, argument: Any, instruction: Instruction) -> str | None:
        """The buffer of an argument that nothing needs after this, of the same shape."""
        if not isinstance(argument, Reference) or argument.number in self._base:
            return None
        buffer = self._held.get(argument.number)
        if buffer is None or self._last.get(argument.number) != position:
            return None
        array = self.arrays[buffer]
        if array.shape != instruction.shape or array.dtype == bool:
            return None
        del self._held[argument.number]
        self._held[instruction.number] = buffer
        return buffer

    def release(self, position: int, instruction: Instruction) -> None:
        """Frees the buffers whose values are used here for the last time."""
        for number in references(instruction.arguments):
            owner = self._base.get(number, number)
            buffer = self._held.get(owner)
            if buffer is not None and self._last.get(owner) == position:
                del self._held[owner]
                array = self.arrays[buffer]
                self._free.setdefault((array.shape, array.dtype == bool), []).append(buffer)


def is_ufunc(function: str) -> bool:
    """Whether NumPy's function of this name computes entry by entry, into any array."""
    found = getattr(np, function, None)
    # One with a signature, such as matmul, reads entries after it has written others.
    return isinstance(found, np.ufunc) and found.signature is None
