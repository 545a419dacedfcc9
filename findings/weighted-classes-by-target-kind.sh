#!/usr/bin/env bash
# torch 2.13.0, CPU: cross_entropy with class weights, the same targets as class numbers and as one-hot rows.
#
# Expected: the same loss, since a one-hot row is what a class number stands for.
# Seen: 2.4076 and 4.8152. Under reduction "mean", class numbers divide by the sum of the targets' weights,
# rows of probabilities by the number of examples; both gradients differ by the same factor. Without weights
# the two agree.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.nn.functional import cross_entropy, one_hot

z = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, -1.0]], dtype=torch.float64)
classes = torch.tensor([0, 2])
rows = one_hot(classes, 3).double()
weight = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
by_number, by_row = (cross_entropy(z, t, weight=weight).item() for t in (classes, rows))
print("torch", torch.__version__, "class numbers", by_number, "one-hot rows", by_row)
total = weight[classes].sum().item()
assert abs(by_row / by_number - total / len(classes)) < 1e-12, "the two no longer differ by Σ weights / N"
assert abs(by_number - 2.4076) < 1e-4
assert torch.equal(cross_entropy(z, classes), cross_entropy(z, rows))
print("as recorded")
PYTHON
