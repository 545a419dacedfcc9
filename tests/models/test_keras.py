"""Keras models as problems: loss, gradients and the layers' values are Keras's own, on the backend PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import handgrad
from tests.lazy import LazyModule
from tests.oracle import assert_close

if TYPE_CHECKING:
    import keras
else:
    keras = LazyModule("keras")

CLOSE = 3e-6
"""Keras multiplies matrices of doubles in single precision on PyTorch."""

DRAW = np.random.default_rng(4)


def numbers(*shape: int) -> Any:
    return DRAW.normal(size=shape)


def stacked(*parts: Any, shape: tuple[int, ...]) -> keras.Model:
    return keras.Sequential([keras.Input(shape), *parts])


def mlp() -> keras.Model:
    return stacked(
        keras.layers.Dense(4, "relu", kernel_regularizer=keras.regularizers.L2(0.1)),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(3, "softmax"),
        shape=(3,),
    )


def activated() -> keras.Model:
    kinds = (
        "leaky_relu",
        "elu",
        "gelu",
        "silu",
        "softplus",
        "hard_sigmoid",
        "selu",
        "tanh",
        "softsign",
        "mish",
        "relu6",
        "hard_silu",
        "log_sigmoid",
    )
    parts = [p for kind in kinds for p in (keras.layers.Dense(3), keras.layers.Activation(kind))]
    return stacked(
        *parts,
        keras.layers.Dense(3),
        keras.layers.PReLU(),
        keras.layers.ReLU(negative_slope=0.1),
        keras.layers.ELU(0.5),
        keras.layers.LeakyReLU(0.2),
        keras.layers.Dense(2),
        shape=(3,),
    )


def convolutional() -> keras.Model:
    return stacked(
        keras.layers.Rescaling(0.5, offset=0.1),
        keras.layers.Conv2D(4, 3, padding="same", activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.MaxPooling2D(2, padding="same"),
        keras.layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
        keras.layers.Conv2D(4, 2, strides=2, padding="same", use_bias=False),
        keras.layers.AveragePooling2D(2, 1, padding="same"),
        keras.layers.ZeroPadding2D(((1, 0), (0, 1))),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(1, "sigmoid"),
        shape=(7, 6, 2),
    )


def decoder(padding: str) -> keras.Model:
    return stacked(
        keras.layers.Dense(12, "relu"),
        keras.layers.Reshape((2, 2, 3)),
        keras.layers.Conv2DTranspose(4, 3, strides=2, padding=padding, activation="relu"),
        keras.layers.Conv2DTranspose(2, (2, 1), strides=(1, 2), padding=padding, use_bias=False),
        keras.layers.Flatten(),
        keras.layers.Dense(2),
        shape=(3,),
    )


def volumes() -> keras.Model:
    return stacked(
        keras.layers.Conv3D(3, 2, padding="same", activation="relu"),
        keras.layers.MaxPooling3D(2),
        keras.layers.Conv3DTranspose(2, 2, strides=2),
        keras.layers.AveragePooling3D(2),
        keras.layers.GlobalAveragePooling3D(),
        keras.layers.Dense(2),
        shape=(4, 2, 2, 2),
    )


def transformer(kind: Any) -> keras.Model:
    ids = keras.Input((5,))
    x = keras.layers.Embedding(7, 8)(ids)
    h = kind(x, x, use_causal_mask=True)
    x = keras.layers.LayerNormalization()(keras.layers.Add()([x, h]))
    x = keras.layers.Add()(
        [
            x,
            keras.layers.EinsumDense(
                "abc,cd->abd", output_shape=(None, 8), bias_axes="d", activation="gelu"
            )(x),
        ]
    )
    x = keras.layers.RMSNormalization()(keras.layers.Attention(use_scale=True)([x, x]))
    return keras.Model(ids, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling1D()(x)))


def both_ways() -> keras.Model:
    return stacked(
        keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True)),
        keras.layers.Bidirectional(keras.layers.GRU(2), merge_mode="sum"),
        keras.layers.RepeatVector(2),
        keras.layers.Flatten(),
        keras.layers.Dense(2),
        shape=(4, 3),
    )


def up_and_down() -> keras.Model:
    return stacked(
        keras.layers.SeparableConv2D(4, 3, padding="same", depth_multiplier=2, activation="relu"),
        keras.layers.GroupNormalization(2),
        keras.layers.UpSampling2D((2, 3)),
        keras.layers.Cropping2D(((1, 0), (2, 1))),
        keras.layers.Flatten(),
        keras.layers.Dense(2),
        shape=(3, 2, 2),
    )


def sequence() -> keras.Model:
    return stacked(
        keras.layers.Conv1D(3, 2, padding="same"),
        keras.layers.LayerNormalization(),
        keras.layers.MaxPooling1D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(2),
        shape=(6, 2),
    )


def recurrent(kind: Any, **options: Any) -> keras.Model:
    return stacked(
        kind(4, return_sequences=True, **options), kind(3), keras.layers.Dense(2), shape=(4, 3)
    )


def functional() -> keras.Model:
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    shared = keras.layers.Dense(3, "tanh", name="shared")
    one, two = shared(a), shared(b)
    inner = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(3, "relu", name="inside")], name="inner"
    )
    joined = keras.layers.Concatenate()(
        [
            keras.layers.Add()([one, two]),
            keras.layers.Multiply()([one, inner(two)]),
            keras.layers.Maximum()([one, two]),
        ]
    )
    return keras.Model([a, b], keras.layers.Dense(2)(joined))


def words() -> keras.Model:
    return stacked(
        keras.layers.Embedding(7, 4, embeddings_regularizer=keras.regularizers.L1L2(0.1, 0.2)),
        keras.layers.GlobalMaxPooling1D(),
        keras.layers.Reshape((2, 2)),
        keras.layers.Permute((2, 1)),
        keras.layers.Flatten(),
        keras.layers.Dense(3),
        shape=(5,),
    )


X3, Y3 = numbers(5, 3), np.array([0, 2, 1, 1, 0])
MODELS: dict[str, tuple[Any, Any, Any, Any]] = {
    "mlp": (mlp, X3, Y3, "sparse_categorical_crossentropy"),
    "activations": (activated, X3, numbers(5, 2), "mse"),
    "convolutional": (convolutional, numbers(2, 7, 6, 2), np.array([[1.0], [0.0]]), "binary_crossentropy"),
    "decoder": (lambda: decoder("same"), X3, numbers(5, 2), "mse"),
    "decoder, valid": (lambda: decoder("valid"), X3, numbers(5, 2), "mse"),
    "decoder of a signal": (lambda: stacked(keras.layers.Conv1DTranspose(2, 5, strides=3, padding="same"), keras.layers.Flatten(), keras.layers.Dense(2), shape=(3, 2)), numbers(2, 3, 2), numbers(2, 2), "mse"),
    "volumes": (volumes, numbers(2, 4, 2, 2, 2), numbers(2, 2), "mse"),
    "transformer": (lambda: transformer(keras.layers.MultiHeadAttention(2, 3)), DRAW.integers(0, 7, (3, 5)), numbers(3, 2), "mse"),
    "heads that share keys": (lambda: transformer(keras.layers.GroupQueryAttention(4, 4, 2)), DRAW.integers(0, 7, (3, 5)), numbers(3, 2), "mse"),
    "both ways": (both_ways, numbers(2, 4, 3), numbers(2, 2), "mse"),
    "up and down": (up_and_down, numbers(2, 3, 2, 2), numbers(2, 2), "mse"),
    "sequence": (sequence, numbers(3, 6, 2), numbers(3, 2), keras.losses.Huber(0.7)),
    "simple rnn": (lambda: recurrent(keras.layers.SimpleRNN), numbers(2, 4, 3), numbers(2, 2), "mean_absolute_error"),
    "lstm": (lambda: recurrent(keras.layers.LSTM), numbers(2, 4, 3), numbers(2, 2), "mse"),
    "gru": (lambda: recurrent(keras.layers.GRU), numbers(2, 4, 3), numbers(2, 2), "mse"),
    "gru backwards": (lambda: recurrent(keras.layers.GRU, go_backwards=True), numbers(2, 4, 3), numbers(2, 2), "mse"),
    "functional": (functional, {"a": X3, "b": numbers(5, 3)}, numbers(5, 2), "mse"),
    "words": (words, DRAW.integers(0, 7, (3, 5)), np.eye(3), keras.losses.CategoricalCrossentropy(from_logits=True)),
}  # fmt: skip


pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(autouse=True)
def double() -> Any:
    """Double precision, here alone."""
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


def made(name: str) -> tuple[Any, Any, Any, Any]:
    make, x, y, loss = MODELS[name]
    model = make()
    model.set_weights([w + DRAW.uniform(0.05, 0.3, w.shape) for w in model.get_weights()])
    return model, x, y, loss


def paths(model: Any) -> Any:
    for layer in model._flatten_layers(include_self=False):
        held = layer.cell if hasattr(layer, "cell") else layer
        for variable in held._trainable_variables:
            yield f"{layer.name}.{variable.name}", variable
        for inner in layer._layers if "Attention" in type(layer).__name__ else ():
            for variable in inner._trainable_variables:
                yield f"{layer.name}.{inner.name}.{variable.name}", variable


@pytest.mark.parametrize("name", MODELS)
def test_loss_and_gradients_are_keras_s(name: str) -> None:
    model, x, y, loss = made(name)
    trace = handgrad.solve(handgrad.from_keras(model, x, y, loss))
    output = model(x)
    total = keras.losses.get(loss)(y, output)
    for penalty in model.losses:
        total = total + penalty
    if keras.ops.ndim(total):
        total = keras.ops.mean(total)
    total.backward()
    assert_close(trace.run.loss, float(total.detach()), CLOSE)
    seen = 0
    assert trace.problem.model is not None
    known = {*trace.problem.model.paths.values()}
    for path, variable in paths(model):
        if path not in known:
            continue
        seen += 1
        assert_close(trace.gradient(path), variable.value.grad.detach().numpy(), CLOSE)
    assert seen == len(trace.problem.parameters) == len(model.trainable_variables)


@pytest.mark.parametrize(
    ("model", "x", "y", "loss", "said"),
    [
        (lambda: stacked(keras.layers.Masking(), shape=(2, 2)), np.ones((1, 2, 2)), np.ones(1), "mse", "the layer Masking is not read"),
        (mlp, X3[:, :2], Y3, "mse", "x: it is 5×2, and the model takes rows of 3"),
        (mlp, X3, Y3[:3], "sparse_categorical_crossentropy", "y is 3, and the output 5×3"),
        (mlp, X3, Y3, "mean_squared_eror", "did you mean mean_squared_error"),
        (mlp, X3, Y3, None, "no loss is given"),
        (mlp, X3 * np.nan, Y3, "mse", "a NaN or an infinity"),
        (lambda: keras.Sequential([keras.layers.Dense(2)]), X3, Y3, "mse", "the model is not built"),
        (lambda: 3, X3, Y3, "mse", "is no model of Keras"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_one_message(model: Any, x: Any, y: Any, loss: Any, said: str) -> None:
    with pytest.raises(handgrad.HandgradError, match=said):
        handgrad.from_keras(model(), x, y, loss)


def test_layers_have_their_names() -> None:
    model = stacked(
        keras.layers.Dense(2, "relu", name="first"),
        keras.layers.Dense(1, name="second"),
        shape=(3,),
    )
    model.get_layer("second").trainable = False
    model.compile(loss="mse")
    problem = handgrad.from_keras(model, X3, numbers(5))
    assert [e.text for e in problem.equations] == [
        "first_z = x @ first_kernel + first_bias",
        "first = relu(first_z)",
        "second = first @ second_kernel + second_bias",
        "loss = mse(second, y)",
    ]
    assert list(problem.parameters) == ["first_kernel", "first_bias"]
    assert problem.data_names == ("x", "second_kernel", "second_bias", "y")
