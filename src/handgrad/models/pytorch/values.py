"""What a node of an exported graph stands for: PyTorch's numbers, and the formula that computes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from handgrad.expression import Expression, Shape, literal


@dataclass
class TorchValue:
    """A tensor of the graph.

    One without a formula is a constant: it becomes data, under its path, as soon as a formula uses it.

    Arguments:
        tensor: PyTorch's own numbers.
        path: what a constant is called.
        add: adds a constant to the problem, and gives its name.
        written: its formula, where it is computed or has been added.
        computed: whether it follows from parameters or inputs by formulas.
        kept: of scores that a mask has set to −∞ where it leaves them out, the mask of what is kept; `written`
            are then the scores without it.
        part_of: of an entry or a slice, the array that it lies in, and the arguments that pick it.
    """

    tensor: torch.Tensor
    path: str
    add: Callable[[str, torch.Tensor], Expression]
    written: Expression | None = None
    computed: bool = False
    kept: TorchValue | None = None
    part_of: tuple[TorchValue, dict[str, Any]] | None = None

    @property
    def formula(self) -> Expression:
        """The formula, or the name of the constant."""
        if self.written is None:
            self.written = self.add(self.path, self.tensor)
        return self.written

    @property
    def shape(self) -> Shape:
        return tuple(self.tensor.shape)


class NotRead(Exception):  # noqa: N818 - becomes an error once its place in the model is known
    """An operation, or a use of it, that is not read: what, and the mend."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend


@dataclass
class Arguments:
    """The arguments of one operation, by the names that ATen's schema has for them.

    Arguments:
        given: tensors as values, everything else as it is.
        result: PyTorch's own result.
        name: makes an equation of its own of a formula, below the operation's path.
        constant: a constant that becomes data where it is used.
    """

    given: dict[str, Any]
    result: Any
    name: Callable[[str, Expression], Expression]
    constant: Callable[[str, torch.Tensor], TorchValue]
    drawn: dict[str, torch.Tensor] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.given[name]

    def value(self, name: str) -> TorchValue:
        """The tensor of this name; a number as a constant."""
        found = self.given[name]
        if not isinstance(found, TorchValue):
            raise NotRead(f"{name} is no tensor")
        return found

    def values(self, name: str) -> Sequence[TorchValue]:
        """The tensors of a list of them."""
        found: Sequence[TorchValue] = self.given[name]
        return found

    def formula(self, name: str = "self") -> Expression:
        """The formula of a tensor; a number as a literal."""
        found = self.given[name]
        if isinstance(found, TorchValue):
            if found.kept is not None:
                raise NotRead("what a mask has set to −∞ goes on to something other than softmax")
            return found.formula
        return literal(float(found))

    def optional(self, name: str) -> Expression | None:
        """The formula of a tensor that may be left out, or that there is none of."""
        return None if self.given.get(name) is None else self.formula(name)

    def shape(self, name: str = "self") -> Shape:
        """The shape of a tensor."""
        return self.value(name).shape

    def data(self, path: str, tensor: torch.Tensor) -> Expression:
        """Numbers that are known now, as data."""
        return self.constant(path, tensor).formula
