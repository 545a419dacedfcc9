#!/usr/bin/env bash
# torch 2.13.0, jax 0.10.2 and keras 3.15.1 (torch backend), CPU: which entry gets the gradient where the largest entries tie.
#
# Expected: one rule for "the maximum".
# Seen: x.max(), x.amax() and torch.maximum share the gradient equally; x.max(dim=0) and max_pool2d give all of
# it to the first. So a max over a whole array and the same max along its only axis have different gradients.
# JAX shares along an axis, and gives all to the first of a window; Keras has the first of a window, and shares a global pool.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 jax==0.10.2 keras==3.15.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import os

os.environ["KERAS_BACKEND"] = "torch"
import jax
import jax.numpy as jnp
import keras
import torch
from torch.nn.functional import max_pool2d

def gradient(largest, values):
    x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    largest(x).sum().backward()
    return x.grad.tolist()

tied, window = [1.0, 1.0, 0.0], [[1.0, 1.0], [1.0, 0.0]]
shared, first = [0.5, 0.5, 0.0], [1.0, 0.0, 0.0]
seen = {
    "x.max()": (gradient(lambda x: x.max(), tied), shared),
    "x.amax()": (gradient(lambda x: x.amax(), tied), shared),
    "x.amax(dim=0)": (gradient(lambda x: x.amax(dim=0), tied), shared),
    "maximum(x[0], x[1])": (gradient(lambda x: torch.maximum(x[0], x[1]), tied), shared),
    "x.max(dim=0).values": (gradient(lambda x: x.max(dim=0).values, tied), first),
    "max_pool2d": (gradient(lambda x: max_pool2d(x[None, None], 2), window), [[1.0, 0.0], [0.0, 0.0]]),
}
def in_jax(largest, values):
    return jax.grad(lambda x: largest(x).sum())(jnp.array(values)).tolist()

def windows(x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (2, 2), (1, 1), "VALID")

def in_keras(layer):
    x = torch.tensor(window, requires_grad=True)
    layer(x[None, :, :, None]).sum().backward()
    return x.grad.tolist()

third = [[1 / 3, 1 / 3], [1 / 3, 0.0]]
rounded = [[round(x, 4) for x in row] for row in third]
seen |= {
    "jax max(axis=0)": (in_jax(lambda x: x.max(axis=0), tied), shared),
    "jax reduce_window": (in_jax(windows, window), [[1.0, 0.0], [0.0, 0.0]]),
    "keras MaxPooling2D": (in_keras(keras.layers.MaxPooling2D(2)), [[1.0, 0.0], [0.0, 0.0]]),
    "keras GlobalMaxPooling2D": (
        [[round(x, 4) for x in row] for row in in_keras(keras.layers.GlobalMaxPooling2D())],
        rounded,
    ),
}
print("torch", torch.__version__, "jax", jax.__version__, "keras", keras.__version__)
for name, (found, recorded) in seen.items():
    print(f"{name}: {found}")
    assert found == recorded, f"{name} no longer gives {recorded}"
print("as recorded")
PYTHON
