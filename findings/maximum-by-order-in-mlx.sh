#!/usr/bin/env bash
# MLX 0.32.4 (CPU): who receives the gradient where mx.maximum or mx.minimum ties.
#
# Expected: half each, as PyTorch's and JAX's maximum do, or at least a slope that does not depend on which
# operand is written first.
# Seen: the second operand receives all of it. maximum(z, 0) at 0 has slope 0 and maximum(0, z) slope 1, so the
# two spellings of ReLU are two different backward passes where z is exactly 0. A maximum of an array (max, with
# an axis or without) and a max pool share equally. What is put together from both inherits it: clip to [0, 1] has
# slope 0 at both bounds, and prelu at 0 the slope 1 + α, that of neither side, as maximum(0, z) gives it 1 and
# α · minimum(0, z) gives it α; PyTorch's is α. hard_tanh has 0 at both kinks, relu6 too, hardswish 0 and 1.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "mlx[cpu]==0.32.4"
"$folder/venv/bin/python" - <<'PYTHON'
import math

import mlx.core as mx
import mlx.nn as nn


def slope(function, at):
    return mx.grad(lambda z: function(z).sum())(mx.array(at)).tolist()


print("mlx", mx.__version__)
for name, function, at, expected in (
    ("maximum(z, 0) at 0", lambda z: mx.maximum(z, 0), [0.0], [0.0]),
    ("maximum(0, z) at 0", lambda z: mx.maximum(0, z), [0.0], [1.0]),
    ("minimum(z, 0) at 0", lambda z: mx.minimum(z, 0), [0.0], [0.0]),
    ("minimum(0, z) at 0", lambda z: mx.minimum(0, z), [0.0], [1.0]),
    ("relu at 0", nn.relu, [0.0], [0.0]),
    ("max, a tie of two", lambda z: z.max(), [1.0, 1.0, 0.0], [0.5, 0.5, 0.0]),
    ("max along an axis", lambda z: z.max(axis=0), [[1.0, 1.0], [1.0, 0.0]], [[0.5, 1.0], [0.5, 0.0]]),
    ("max pool of 2", lambda z: nn.MaxPool1d(2, 2)(z.reshape(1, 4, 1)), [1.0, 1.0, 0.0, 0.5], [0.5, 0.5, 0.0, 1.0]),
    ("leaky_relu at 0", nn.leaky_relu, [0.0], [1.0]),
    ("elu at 0", nn.elu, [0.0], [1.0]),
    ("abs at 0", mx.abs, [0.0], [0.0]),
    ("clip to 0, 1 at 0 and 1", lambda z: mx.clip(z, 0, 1), [0.0, 1.0], [0.0, 0.0]),
    ("prelu(0.25) at 0", lambda z: nn.prelu(z, mx.array(0.25)), [0.0], [1.25]),
    ("hard_tanh at -1 and 1", nn.hard_tanh, [-1.0, 1.0], [0.0, 0.0]),
    ("relu6 at 0 and 6", nn.relu6, [0.0, 6.0], [0.0, 0.0]),
    ("hardswish at -3 and 3", nn.hardswish, [-3.0, 3.0], [0.0, 1.0]),
    ("l1_loss against 0 at 0", lambda z: nn.losses.l1_loss(z, mx.zeros(1), reduction="sum"), [0.0], [0.0]),
):
    found = slope(function, at)
    print(f"{name}: {found}")
    assert found == expected, name
found = slope(mx.linalg.norm, [0.0, 0.0])
print(f"norm at the origin: {found}")
assert all(math.isnan(x) for x in found)
print("as recorded")
PYTHON
