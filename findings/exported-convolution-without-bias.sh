#!/usr/bin/env bash
# torch 2.13.0 with onnx 1.23.2 and onnxscript 0.7.2, CPU: a Conv3d with bias=False, exported by torch.onnx.export(optimize=False).
#
# Expected: a Conv node of two inputs, or one whose third is a vector of zeros, one for each channel.
# Seen: zeros of shape (2, 2) for 2 channels: [channels] and [2] are joined to a shape, which ONNX does not allow there
# (its B is a vector). onnx.checker passes the model; the reference evaluator refuses it. Optimised, as by default, the node has
# two inputs and the value is PyTorch's.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import logging
import warnings

import numpy as np
import onnx
import torch
from onnx.reference import ReferenceEvaluator

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
torch.manual_seed(0)
model = torch.nn.Conv3d(1, 2, (1, 2, 2), bias=False).double()
x = torch.randn(1, 1, 2, 3, 3, dtype=torch.float64)


def exported(optimize):
    proto = torch.onnx.export(model, (x,), dynamo=True, optimize=optimize, verbose=False).model_proto
    onnx.checker.check_model(proto)
    return proto


plain, optimised = exported(False), exported(True)
known = onnx.shape_inference.infer_shapes(plain, strict_mode=True, data_prop=True).graph.value_info
shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in known}
bias = next(n for n in plain.graph.node if n.op_type == "Conv").input[2]
print("optimize=False: bias of shape", shapes[bias])
assert shapes[bias] == [2, 2]
try:
    ReferenceEvaluator(plain).run(None, {plain.graph.input[0].name: x.numpy()})
    raise SystemExit("changed: it is computed")
except ValueError as error:
    print("optimize=False:", str(error).strip())
(conv,) = [n for n in optimised.graph.node if n.op_type == "Conv"]
(y,) = ReferenceEvaluator(optimised).run(None, {optimised.graph.input[0].name: x.numpy()})
print("optimize=True: inputs", len(conv.input), "difference", np.abs(y - model(x).detach().numpy()).max())
assert len(conv.input) == 2 and np.allclose(y, model(x).detach().numpy())
PYTHON
