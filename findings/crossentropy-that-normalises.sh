#!/usr/bin/env bash
# Keras 3.12.0 (torch backend, torch 2.13.0), CPU: categorical_crossentropy of probabilities.
#
# Expected by the formula -Σ y ln p: the gradient with respect to p is -y/p.
# Seen: Keras divides p by its sum first, also where it already adds up to 1, so the gradient is
# -y/p + Σy/Σp: entries whose target is 0 get +1 instead of 0. A p that does not add up to 1 is
# silently replaced: p = (0.2, 0.3, 0.1) has the loss of (1/3, 1/2, 1/6). The gradient with respect to the
# logits behind a softmax is p - y either way.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 keras==3.12.0 numpy==2.4.6
KERAS_BACKEND=torch KERAS_HOME="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import keras
import torch

def computed(numbers):
    p = torch.tensor([numbers], dtype=torch.float64, requires_grad=True)
    loss = keras.ops.categorical_crossentropy(y, p).sum()
    loss.backward()
    return loss.item(), p.grad[0]

y = torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64)
print("keras", keras.__version__, "torch", torch.__version__)
loss, gradient = computed([0.2, 0.3, 0.5])
print(loss, gradient.tolist(), "by the formula", [0, -1 / 0.3, 0])
assert torch.allclose(gradient, torch.tensor([1, 1 - 1 / 0.3, 1], dtype=torch.float64))
loss, gradient = computed([0.2, 0.3, 0.1])
print(loss, gradient.tolist())
assert abs(loss - 0.6931) < 1e-4, "probabilities that do not add up to 1 are no longer divided by their sum"

z = torch.tensor([[0.1, 0.4, -0.3]], dtype=torch.float64, requires_grad=True)
p = torch.softmax(z, -1)
keras.ops.categorical_crossentropy(y, p).sum().backward()
assert torch.allclose(z.grad, p.detach() - y)
print("as recorded")
PYTHON
