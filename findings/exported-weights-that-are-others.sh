#!/usr/bin/env bash
# torch 2.13.0, torch.onnx.export as it is by default (optimize=True), evaluation mode.
#
# Expected: an initialiser that is named after a parameter has that parameter's numbers, and a parameter one initialiser.
# Seen: batch normalisation is folded into the convolution before it: `0.weight` holds γ/√(σ² + ε) times the weight, and
# the normalisation's own parameters are gone. A weight that is tied (an embedding and the transposed head) stands in the
# file twice. Different parameters with equal numbers, such as fresh scales of two norms, become one. Gradients with
# respect to the file's weights are then not those of the model's. With optimize=False each parameter is as it was.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import warnings

import numpy as np
import torch
from onnx import numpy_helper
from torch import nn

warnings.simplefilter("ignore")

def exported(model, x, **options):
    program = torch.onnx.export(model.eval(), (x,), dynamo=True, verbose=False, **options)
    return {i.name: numpy_helper.to_array(i) for i in program.model_proto.graph.initializer}

print("torch", torch.__version__)
torch.manual_seed(0)
folded = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
with torch.no_grad():
    folded[1].weight.copy_(torch.tensor([2.0, 3.0]))
own = folded[0].weight.detach().numpy()
file = exported(folded, torch.ones(1, 1, 4, 4))
print("folded: 0.weight in the file / in the model =", (file["0.weight"] / own)[:, 0, 0, 0])
assert np.allclose(file["0.weight"], own * np.array([2.0, 3.0])[:, None, None, None], rtol=1e-4)
assert "1.weight" not in file
assert np.array_equal(exported(folded, torch.ones(1, 1, 4, 4), optimize=False)["0.weight"], own)

class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 3)
    def forward(self, ids):
        return self.embed(ids) @ self.embed.weight.T

tied, ids = Tied(), torch.tensor([[0, 1]])
copies = [a for a in exported(tied, ids).values() if sorted(a.shape) == [3, 5]]
print("tied: copies in the file =", len(copies))
assert len(copies) == 2
assert len([a for a in exported(tied, ids, optimize=False).values() if sorted(a.shape) == [3, 5]]) == 1

norms = nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 4), nn.LayerNorm(4))
names = set(exported(norms, torch.ones(2, 4)))
print("merged: scales in the file =", sorted(n for n in names if n in ("0.weight", "2.weight")))
assert len(names & {"0.weight", "2.weight"}) == 1
assert {"0.weight", "2.weight"} <= set(exported(norms, torch.ones(2, 4), optimize=False))
print("as recorded")
PYTHON
