#!/usr/bin/env bash
# torch 2.13.0, Keras 3.12.0 (torch backend), CPU: binary cross-entropy of a probability near 0 with target 1.
#
# Expected by the formula: the gradient -1/p, for a loss -ln p.
# Seen:
#   torch   binary_cross_entropy limits ln p at -100 (documented), but its gradient is no derivative of that
#           limited loss, which would be 0 from there on: it is -1/max(p, 1e-12) at every p, so 1e12 where p is 0.
#           Between p = 1e-12 and e^-100 the loss follows -ln p while the gradient stands still.
#   Keras   moves p into [1e-7, 1 - 1e-7] first, so the gradient is exactly 0 below 1e-7.
# For p = 1e-9 one says -1e9 and the other 0; a gradient checked against either library differs from -1/p.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 keras==3.12.0 numpy==2.4.6
KERAS_BACKEND=torch KERAS_HOME="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import keras
import torch
from torch.nn.functional import binary_cross_entropy

def slope(loss, p):
    p = torch.tensor([[p]], dtype=torch.float64, requires_grad=True)
    value = loss(p, torch.ones(1, 1, dtype=torch.float64)).sum()
    value.backward()
    return value.item(), p.grad.item()

in_keras = lambda p, y: keras.ops.binary_crossentropy(y, p)
print("torch", torch.__version__, "keras", keras.__version__)
for p in (1e-3, 1e-9, 1e-20, 1e-44, 0.0):
    print(f"p = {p:g}: torch {slope(binary_cross_entropy, p)}, keras {slope(in_keras, p)}")

assert abs(slope(binary_cross_entropy, 1e-9)[1] + 1e9) < 10
for p in (1e-20, 1e-44, 0.0):
    assert abs(slope(binary_cross_entropy, p)[1] + 1e12) < 1e5, "torch's gradient is no longer held at 1e12"
assert abs(slope(binary_cross_entropy, 1e-20)[0] - 46.0517) < 1e-3
assert slope(binary_cross_entropy, 1e-44)[0] == 100
assert abs(slope(in_keras, 1e-3)[1] + 1e3) < 1e-3
assert slope(in_keras, 1e-9)[1] == 0, "Keras's gradient below 1e-7 is no longer 0"
print("as recorded")
PYTHON
