"""A layer of Keras as the rules see it, and its activations."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import numpy as np

from handgrad.equations.place import CodePlace
from handgrad.expression import Expression, Shape
from handgrad.models.builder import Builder, unreadable
from handgrad.operations.activations import (
    gelu,
    leaky_relu,
    log_sigmoid,
    mish,
    relu,
    sigmoid,
    silu,
    softplus,
    tanh,
)
from handgrad.operations.exponential_units import celu, elu, selu
from handgrad.operations.exponentials import log_softmax, softmax
from handgrad.operations.functions import absolute, exp
from handgrad.operations.piecewise import hardsigmoid, hardswish, relu6

Activation: TypeAlias = Callable[[Expression], Expression]

ACTIVATIONS: Mapping[str, Activation] = {
    "linear": lambda z: z,
    "exponential": exp,
    "softsign": lambda z: z / (1 + absolute(z)),
    "swish": silu,
    "hard_sigmoid": hardsigmoid,
    "hard_silu": hardswish,
    leaky_relu.name: lambda z: leaky_relu(z, alpha=0.2),
    **{
        o.name: o
        for o in (relu, sigmoid, tanh, softplus, softmax, elu, selu, celu, silu, gelu, mish)
    },
    **{o.name: o for o in (relu6, log_softmax, log_sigmoid)},
}
"""By Keras's names."""


@dataclass
class KerasLayer:
    """A layer as the rules see it.

    Arguments:
        layer: Keras's own.
        inputs: the formulas of its inputs.
        builder: what equations are written on.
        weights: the formulas of weights that have one, by the variable.
        options: what else it is called with, such as `use_causal_mask`.
    """

    layer: Any
    inputs: Sequence[Expression]
    builder: Builder
    weights: dict[int, Expression]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name in the model."""
        return str(self.layer.name)

    @property
    def place(self) -> CodePlace:
        return CodePlace(self.name)

    def refuse(self, what: str, mend: str = "") -> NoReturn:
        """Raises the error for what cannot be read."""
        raise unreadable(f"{type(self.layer).__name__} {what}", self.place, mend)

    @property
    def x(self) -> Expression:
        """The first input."""
        return self.inputs[0]

    @property
    def shape(self) -> Shape:
        """The first input's shape."""
        return self.builder.shape(self.x)

    def weight(self, variable: Any, name: str = "") -> Expression:
        """A weight: a parameter where it is trained, else data; used again it is the same."""
        if id(variable) not in self.weights:
            from keras import ops

            with warnings.catch_warnings():
                # Keras 3.15.1 asks a tensor of PyTorch for its numbers in a way that NumPy 2 calls deprecated.
                warnings.simplefilter("ignore", DeprecationWarning)
                array = np.asarray(ops.convert_to_numpy(variable.value), dtype=np.float64)
            trained = variable.trainable and self.layer.trainable
            path = f"{self.name}.{name or variable.name}"
            self.weights[id(variable)] = (
                self.builder.parameter(path, array, dtype=variable.dtype)
                if trained
                else self.builder.data(path, array)
            )
        return self.weights[id(variable)]

    def step(self, name: str, formula: Expression) -> Expression:
        """A value on the way."""
        return self.builder.named(f"{self.name}.{name}", formula, self.place)

    def activation(self, function: Any) -> Activation:
        """An activation of Keras."""
        return activation_of(function, self.refuse)

    def activated(self, z: Expression) -> Expression:
        """z through the layer's own activation."""
        function = self.activation(self.layer.activation)
        return z if _name_of(self.layer.activation) == "linear" else function(self.step("z", z))


def _name_of(function: Any) -> str:
    import keras

    told = keras.activations.serialize(function) if function is not None else "linear"
    return told if isinstance(told, str) else str(getattr(function, "__name__", function))


def activation_of(function: Any, refuse: Callable[..., NoReturn]) -> Activation:
    """A function of keras.activations as a formula."""
    name = _name_of(function)
    if name not in ACTIVATIONS:
        refuse(f"has the activation {name}", f"read are {', '.join(sorted(ACTIVATIONS))}")
    return ACTIVATIONS[name]


Rule: TypeAlias = Callable[[KerasLayer], Expression]
