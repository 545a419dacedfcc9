#!/usr/bin/env bash
# torch 2.13.0, JAX 0.10.2, Keras 3.12.0 (torch backend), CPU: the slope taken exactly at a kink.
#
# Expected: one convention, or at least one for each function.
# Seen (torch, JAX): leaky_relu at 0: α, 1; maximum(z, 0) at 0: 1/2, 1/2, while relu at 0: 0, 0; clamp/clip
# from below at the bound: 1, 1/2; abs at 0: 0, 1; hard_tanh at 1: 0, 1; elu at 0: 1, 1; norm at the origin:
# 0, NaN. So max(0, z), clamp(z, min=0) and relu(z) are three different backward passes at z = 0, and
# a leaky ReLU's 0 passes all of the gradient in one library and α of it in the other. Alike in both:
# (Keras on torch does as torch, but for PReLU at 0: 0, where torch has α, the layer being relu(z) − α relu(−z).)
# relu6 and hardsigmoid have 0 at their two kinks, hardswish 0 at −3 and 1 at 3, selu at 0 the slope of z < 0.
# Beside a kink (torch): hardsigmoid's slope in float64 is 0.1666666716337204, the sixth of single precision; 1/6 is
# 0.1666666666666667, which JAX has, and which the same function written relu6(z + 3)/6 has in torch.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 jax==0.10.2 jaxlib==0.10.2 keras==3.12.0 numpy==2.4.6
KERAS_BACKEND=torch KERAS_HOME="$folder" JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import math

import jax
import jax.numpy as jnp
import keras
import torch
import torch.nn.functional as F

jax.config.update("jax_enable_x64", True)
torch.set_default_dtype(torch.float64)

def in_torch(function, at):
    z = torch.tensor(at, requires_grad=True)
    function(z).sum().backward()
    return z.grad.tolist()

def in_jax(function, at):
    return jax.grad(lambda z: function(z).sum())(jnp.asarray(at, dtype=float)).tolist()

seen = {
    "relu at 0": (in_torch(F.relu, 0.0), in_jax(jax.nn.relu, 0.0), 0, 0),
    "leaky_relu(0.01) at 0": (
        in_torch(lambda z: F.leaky_relu(z, 0.01), 0.0), in_jax(lambda z: jax.nn.leaky_relu(z, 0.01), 0.0), 0.01, 1),
    "elu at 0": (in_torch(F.elu, 0.0), in_jax(jax.nn.elu, 0.0), 1, 1),
    "maximum(z, 0) at 0": (
        in_torch(lambda z: torch.maximum(z, torch.zeros(())), 0.0), in_jax(lambda z: jnp.maximum(z, 0), 0.0), 0.5, 0.5),
    "clamp from 0 at 0": (
        in_torch(lambda z: z.clamp(min=0), 0.0), in_jax(lambda z: jnp.clip(z, 0, None), 0.0), 1, 0.5),
    "abs at 0": (in_torch(torch.abs, 0.0), in_jax(jnp.abs, 0.0), 0, 1),
    "hard_tanh at 1": (in_torch(F.hardtanh, 1.0), in_jax(jax.nn.hard_tanh, 1.0), 0, 1),
    "hard_tanh at -1": (in_torch(F.hardtanh, -1.0), in_jax(jax.nn.hard_tanh, -1.0), 0, 1),
    "relu6 at 0": (in_torch(F.relu6, 0.0), in_jax(jax.nn.relu6, 0.0), 0, 0),
    "relu6 at 6": (in_torch(F.relu6, 6.0), in_jax(jax.nn.relu6, 6.0), 0, 0),
    "hardsigmoid at -3": (in_torch(F.hardsigmoid, -3.0), in_jax(jax.nn.hard_sigmoid, -3.0), 0, 0),
    "hardsigmoid at 3": (in_torch(F.hardsigmoid, 3.0), in_jax(jax.nn.hard_sigmoid, 3.0), 0, 0),
    "hardsigmoid at 1": (
        in_torch(F.hardsigmoid, 1.0), in_jax(jax.nn.hard_sigmoid, 1.0), 0.1666666716337204, 1 / 6),
    "hardswish at -3": (in_torch(F.hardswish, -3.0), in_jax(jax.nn.hard_swish, -3.0), 0, 0),
    "hardswish at 3": (in_torch(F.hardswish, 3.0), in_jax(jax.nn.hard_swish, 3.0), 1, 1),
    "selu at 0": (in_torch(F.selu, 0.0), in_jax(jax.nn.selu, 0.0), 1.7580993408473766, 1.7580993408473766),
    "clamp to 0, 1 at 1": (
        in_torch(lambda z: z.clamp(0, 1), 1.0), in_jax(lambda z: jnp.clip(z, 0, 1), 1.0), 1, 0.5),
    "norm at the origin": (
        in_torch(torch.linalg.vector_norm, [0.0, 0.0])[0], in_jax(jnp.linalg.norm, [0.0, 0.0])[0], 0, math.nan),
}
learned = in_torch(lambda z: F.prelu(z, torch.tensor([0.25])), [0.0])
absolute = in_torch(lambda z: F.l1_loss(z, torch.zeros(())), 0.0)
print(f"torch alone: prelu(0.25) at 0 {learned}, l1_loss at 0 {absolute}")
assert learned == [0.25] and absolute == 0
print("torch", torch.__version__, "jax", jax.__version__, "keras", keras.__version__)
for name, (torchs, jaxs, t, j) in seen.items():
    print(f"{name}: torch {torchs}, jax {jaxs}")
    assert torchs == t, name
    assert jaxs == j or (math.isnan(j) and math.isnan(jaxs)), name
layer = keras.layers.PReLU(alpha_initializer=keras.initializers.Constant(0.25))
for name, function, at, expected in (
    ("selu", keras.activations.selu, [0.0], [1.7580993408473766]),
    ("hard_tanh", keras.activations.hard_tanh, [-1.0, 1.0], [0.0, 0.0]),
    ("relu6", keras.activations.relu6, [0.0, 6.0], [0.0, 0.0]),
    ("hard_sigmoid", keras.activations.hard_sigmoid, [-3.0, 3.0], [0.0, 0.0]),
    ("hard_silu", keras.activations.hard_silu, [-3.0, 3.0], [0.0, 1.0]),
    ("clip to 0, 1", lambda z: keras.ops.clip(z, 0, 1), [0.0, 1.0], [1.0, 1.0]),
    ("maximum(z, 0)", lambda z: keras.ops.maximum(z, 0), [0.0], [0.5]),
    ("maximum(0, z)", lambda z: keras.ops.maximum(0, z), [0.0], [0.5]),
    ("abs", keras.ops.abs, [0.0], [0.0]),
    ("norm at the origin", keras.ops.norm, [0.0, 0.0], [0.0, 0.0]),
    ("mean_absolute_error", lambda z: keras.losses.mean_absolute_error(torch.zeros(1, 1), z[:, None]), [0.0], [0.0]),
    ("PReLU(0.25)", lambda z: layer(z[None]), [0.0], [0.0]),
):
    found = in_torch(function, at)
    print(f"keras {name} at {at}: {found}")
    assert all(abs(f - e) < 1e-6 for f, e in zip(found, expected, strict=True)), name
for name, slope in {"relu": 0.0, "leaky_relu": 0.2, "elu": 1.0}.items():
    found = in_torch(getattr(keras.ops, name), 0.0)
    print(f"keras {name} at 0: {found}")
    assert abs(found - slope) < 1e-12, name
print("as recorded")
PYTHON
