"""Keras models as problems, layer by layer, whatever the backend."""

from __future__ import annotations

from importlib.util import find_spec

from handgrad.arrays import Numbers
from handgrad.errors import MissingExtraError
from handgrad.models.reading import Inputs
from handgrad.problem import Problem


def from_keras(
    model: object, x: Inputs, y: Numbers | None = None, loss: object | None = None
) -> Problem:
    """The problem of a Sequential or functional model of Keras 3, on any backend.

    Kernels are (inputs, outputs) and channels come last, as Keras has them. Layers are read as in evaluation: batch normalisation
    takes its moving statistics, dropout is left out. Weights that are not trainable are data.

    Arguments:
        model: a model that is built.
        x: its inputs: an array, several in a tuple, or by the inputs' names.
        y: what its output is compared with.
        loss: as `compile` takes it, a name such as "sparse_categorical_crossentropy" or an object of `keras.losses`;
            left out, it is the one that the model was compiled with. The layers' penalties are added.

    Raises `ProblemError` for a layer or a loss that is not read, naming it; `OptionError` and `NumberError` for data that do
    not fit; `MissingExtraError` without Keras.

        >>> import keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="out")])
        >>> problem = handgrad.from_keras(model, [[1.0, 2.0], [0.5, 0.0]], [1.0, 0.0], "mse")
        >>> [e.text for e in problem.equations]
        ['out = x @ out_kernel + out_bias', 'loss = mse(out, y)']
    """
    if find_spec("keras") is None:
        raise MissingExtraError("models of Keras need keras", mend="pip install 'handgrad[keras]'")
    from handgrad.models.keras.reading import read_model

    return read_model(model, x, y, loss)
