"""Models of Keras as problems: the nodes of the functional graph, in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from handgrad.equations.place import CodePlace
from handgrad.errors import HandgradError, OptionError, ProblemError, nearest
from handgrad.expression import Expression, Name
from handgrad.models.builder import Builder, unreadable
from handgrad.models.inputs import array_of, arrays_of
from handgrad.models.keras.layer import KerasLayer
from handgrad.models.keras.layers import LAYERS
from handgrad.operations.activations import sigmoid
from handgrad.operations.exponentials import softmax
from handgrad.operations.functions import absolute
from handgrad.operations.losses import bce, cross_entropy, mse
from handgrad.operations.operation import Operation
from handgrad.operations.reductions import sum_
from handgrad.operations.robust_losses import huber, mae
from handgrad.problem import Problem

LOSSES: Mapping[Any, tuple[Operation, Operation | None]] = {
    keras.losses.MeanSquaredError: (mse, None),
    keras.losses.MeanAbsoluteError: (mae, None),
    keras.losses.Huber: (huber, None),
    keras.losses.BinaryCrossentropy: (bce, sigmoid),
    keras.losses.CategoricalCrossentropy: (cross_entropy, softmax),
    keras.losses.SparseCategoricalCrossentropy: (cross_entropy, softmax),
}
"""By Keras's class, the loss, and what makes probabilities of logits for it."""


def _in_small_letters(name: str) -> str:
    """A class's name as `compile` takes it: mean_squared_error for MeanSquaredError."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")


BY_NAME: Mapping[str, Any] = {
    **{kind.__name__: kind for kind in LOSSES},
    **{_in_small_letters(kind.__name__): kind for kind in LOSSES},
    **{o.name: kind for kind, (o, _) in LOSSES.items() if o in (mse, mae)},
}
"""The losses by the names that `compile` takes."""


def read_model(model: Any, x: Any, y: Any, loss: Any) -> Problem:
    """The problem of a model; see `handgrad.from_keras`."""
    if not isinstance(model, keras.Model):
        raise ProblemError(
            f"a {type(model).__name__} is no model of Keras",
            mend="give a Sequential or functional model",
        )
    graph = _graph_of(model)
    builder = Builder("Keras", model.name)
    reading = KerasReading(builder)
    names = [t.name for t in graph.inputs]
    given = arrays_of(x, names, "x")
    values: dict[int, Expression] = {}
    for tensor in graph.inputs:
        array = np.asarray(given[tensor.name])
        wanted = list(tensor.shape[1:])
        if array.ndim != len(tensor.shape) or any(
            n not in (None, m) for n, m in zip(wanted, array.shape[1:], strict=True)
        ):
            told = "×".join(map(str, array.shape)) or "a number"
            raise OptionError(
                f"{'it' if len(names) == 1 else tensor.name} is {told}, and the model takes rows of {'×'.join('any' if n is None else str(n) for n in wanted)}",
                where="x",
            )
        values[id(tensor)] = builder.data(
            "x" if len(names) == 1 else tensor.name, array.astype(np.float64)
        )
    reading.run(graph, values)
    (output, *_) = graph.outputs
    value = builder.named("output", values[id(output)])
    return builder.problem(reading.loss(model, value, y, loss))


def _graph_of(model: Any) -> Any:
    """The functional graph of a model."""
    if isinstance(model, keras.Sequential):
        inner = getattr(model, "_functional", None)
        if not model.built or inner is None:
            raise ProblemError(
                "the model is not built", mend="call it on data once, or begin it with keras.Input"
            )
        return inner
    if not hasattr(model, "_nodes_by_depth"):
        raise ProblemError(
            f"{type(model).__name__} has a call of its own",
            mend="Sequential and functional models are read",
        )
    return model


class KerasReading:
    """Writes the equations of a model's layers."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.weights: dict[int, Expression] = {}
        self.layers: list[Any] = []

    def run(self, graph: Any, values: dict[int, Expression]) -> None:
        """Adds the equations of a functional graph, whose inputs are among the values already."""
        by_depth = getattr(graph, "_nodes_by_depth")  # noqa: B009 - Keras has no public name for it
        for depth in sorted(by_depth, reverse=True):
            for node in by_depth[depth]:
                if not node.is_input:
                    self._node(node, values)

    def _node(self, node: Any, values: dict[int, Expression]) -> None:
        layer = node.operation
        inputs = [values[id(t)] for t in node.arguments.keras_tensors]
        outputs = node.outputs
        if isinstance(layer, keras.Model):
            inner = _graph_of(layer)
            own = {id(t): v for t, v in zip(inner.inputs, inputs, strict=True)}
            self.run(inner, own)
            for here, there in zip(outputs, inner.outputs, strict=True):
                values[id(here)] = own[id(there)]
            return
        kind = type(layer).__name__
        rule = LAYERS.get(kind) if type(layer).__module__.startswith("keras.") else None
        if rule is None:
            raise unreadable(
                f"the layer {kind} is not read",
                CodePlace(layer.name),
                nearest(kind, LAYERS) or f"read are {', '.join(sorted(LAYERS))}",
            )
        self.layers.append(layer)
        view = KerasLayer(layer, inputs, self.builder, self.weights, node.arguments.kwargs)
        try:
            formula = rule(view)
        except HandgradError as error:
            if error.where or layer.name in error.what:
                raise
            raise unreadable(f"{kind}: {error.what}", CodePlace(layer.name), error.mend) from None
        values[id(outputs[0])] = self.builder.named(layer.name, formula, CodePlace(layer.name))

    def loss(self, model: Any, output: Name, y: Any, given: Any) -> Name:
        """The loss of the output, and the layers' penalties."""
        given = getattr(model, "loss", None) if given is None else given
        if y is None and given is None:
            if self.builder.shape(output) != ():
                raise OptionError(
                    "the model gives no loss", where="loss", mend='give y and a loss, such as "mse"'
                )
            return output
        if y is None or given is None:
            missing = "y" if y is None else "loss"
            raise OptionError(f"no {missing} is given", where=missing)
        fit = self._fit(output, array_of(y, "y").astype(np.float64), _loss_of(given))
        penalties = self._penalties()
        if penalties is None:
            return self.builder.equation("loss", fit)
        e = self.builder.equation("loss.fit", fit)
        return self.builder.equation("loss", e + self.builder.equation("loss.penalty", penalties))

    def _fit(self, output: Name, y: Any, loss: Any) -> Expression:
        function, link = LOSSES[type(loss)]
        shape = self.builder.shape(output)
        if loss.reduction not in ("sum_over_batch_size", "mean"):
            raise OptionError(
                f"the loss is reduced by {loss.reduction}", where="loss", mend="the mean is read"
            )
        if getattr(loss, "label_smoothing", 0):
            raise OptionError(
                "the loss smooths its labels", where="loss", mend="smooth y beforehand"
            )
        sparse = isinstance(loss, keras.losses.SparseCategoricalCrossentropy)
        wanted = shape[:-1] if sparse else shape
        if y.shape != wanted and y.size == np.prod(wanted) and {*y.shape} | {1} == {*wanted} | {1}:
            y = y.reshape(wanted)
        if y.shape != wanted:
            told = "×".join(map(str, y.shape))
            raise OptionError(f"y is {told}, and the output {'×'.join(map(str, shape))}", where="y")
        logits = link is not None and loss.from_logits
        of = link(output) if logits and link is not None else output
        kept = vars(loss).get("_fn_kwargs", {})
        options = {"delta": float(kept["delta"])} if function is huber else {}
        return function(of, self.builder.data("y", y), **options)

    def _penalties(self) -> Expression | None:
        """The sum of what the layers' regularisers give."""
        total: Expression | None = None
        for layer in self.layers:
            for of, variable in (
                ("kernel", "kernel"),
                ("bias", "bias"),
                ("embeddings", "embeddings"),
                ("activity", ""),
            ):
                regulariser = getattr(layer, f"{of}_regularizer", None)
                if regulariser is None:
                    continue
                found = None
                weight = self.weights.get(id(getattr(layer, variable, None)))
                if weight is not None:
                    found = _penalty(regulariser, weight)
                if found is None:
                    raise unreadable(
                        f"the {of} regulariser {type(regulariser).__name__} is not read",
                        CodePlace(layer.name),
                        "L1, L2 and L1L2 of kernels, biases and embeddings are",
                    )
                total = found if total is None else total + found
        return total


def _penalty(regulariser: Any, weight: Expression) -> Expression | None:
    """What L1, L2 or L1L2 gives of a weight."""
    if not isinstance(
        regulariser, keras.regularizers.L1 | keras.regularizers.L2 | keras.regularizers.L1L2
    ):
        return None
    parts = [
        float(strength) * sum_(form)
        for strength, form in (
            (getattr(regulariser, "l1", 0), absolute(weight)),
            (getattr(regulariser, "l2", 0), weight**2),
        )
        if strength
    ]
    return parts[0] if len(parts) == 1 else parts[0] + parts[1] if parts else 0.0 * sum_(weight)


def _loss_of(given: Any) -> Any:
    """An object of keras.losses by its name, its class, or itself."""
    if isinstance(given, str):
        kind = BY_NAME.get(given)
        if kind is None:
            known = [name for name in BY_NAME if name.islower()]
            raise OptionError(
                f"the loss {given[:40]!r} is not read",
                where="loss",
                mend=nearest(given, known) or f"read are {', '.join(known)}",
            )
        return kind()
    if type(given) in LOSSES:
        return given
    name = getattr(given, "__name__", type(given).__name__)
    if name in BY_NAME and callable(given):
        return BY_NAME[name]()
    raise OptionError(
        f"the loss {name} is not read",
        where="loss",
        mend=f"read are {', '.join(n for n in BY_NAME if n.islower())}",
    )
